/* cli/agents: what the commands kv, events and runs share: arguments, an open run, values in and out. */
#ifndef WG_CLI_AGENTS_H
#define WG_CLI_AGENTS_H

#include "cli.h"

enum { AGENTS_WORDS_MAX = 4 };

/* All options of the three commands; each action says which ones it takes. */
typedef enum agents_option {
    AGENTS_RUN,
    AGENTS_JSON,
    AGENTS_READ_ONLY,
    AGENTS_AT,
    AGENTS_TTL,
    AGENTS_IF_VERSION,
    AGENTS_RAW,
    AGENTS_FROM,
    AGENTS_TO,
    AGENTS_LIMIT,
    AGENTS_REVERSE,
    AGENTS_KEYS,
    AGENTS_TYPE,
    AGENTS_FOLLOW,
    AGENTS_PARENT,
    AGENTS_TAG,
    AGENTS_METADATA,
    AGENTS_STATUS,
    AGENTS_MESSAGE,
    AGENTS_VERSION,
    AGENTS_POLICY,
    AGENTS_OPTION_COUNT
} agents_option;
#define AGENTS_BIT(option) (UINT32_C(1) << (option))

typedef struct agents_request {
    const char *command; /* "kv" */
    const char *action;  /* "get" */
    const char *words[AGENTS_WORDS_MAX];
    size_t word_count;
    uint32_t given; /* bits of options */
    const char *run;
    const char *from;
    const char *to;
    const char *type;
    const char *parent;
    const char *tags[64];
    uint32_t tag_count;
    const char *metadata;
    const char *status;
    const char *message;
    const char *policy;
    uint64_t at, ttl_ms, if_version, limit, version;
    wg_db *db;
    wg_session *session;
} agents_request;

typedef struct agents_action {
    const char *name;
    const char *words; /* "KEY VALUE"; those in brackets may be left out */
    size_t words_min;  /* without the workspace */
    size_t words_max;
    uint32_t options;
    bool writes;
    cli_exit (*run)(agents_request *request);
} agents_action;

static inline bool agents_has(const agents_request *r, agents_option option) {
    return (r->given & AGENTS_BIT(option)) != 0;
}

/* Finds the action, reads its arguments, opens the workspace, runs it and closes. */
cli_exit agents_dispatch(cli_args *args, const agents_action *actions, size_t count);
/* The run of --run, or "default". */
cli_exit agents_open_run(agents_request *request, wg_run **out);
/* JSON where it is JSON, else a string. The value lives in *out_result, which the caller frees. */
cli_exit agents_value(agents_request *request, const char *text, wg_value *out, wg_result **out_result);
/* Adds the value as JSON. */
cli_exit agents_add_json(cli_buf *out, const wg_value *value);
/* Adds a text as a JSON string; bytes that are not UTF-8 as \u00NN. */
void agents_add_string(cli_buf *out, const char *text, size_t size);
/* Adds a time as 2026-11-21T14:55:00.123456Z; 0: null. */
void agents_add_time(cli_buf *out, uint64_t us);
/* "30s", "500ms", "2m", "1h", "7d"; false after a complaint. */
bool agents_duration(const agents_request *request, const char *text, uint64_t *out_ms);

#endif
