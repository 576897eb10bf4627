/* cli/agents: the frame of the commands kv, events and runs.
 *
 * Each is `worldgraph COMMAND ACTION WS WORDS.. OPTIONS`. Actions that only read open the workspace beside its writer when it has one. */
#include "agents.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const cli_option options[] = {{"--run", "NAME"},     {"--json", NULL},       {"--read-only", NULL},
                                     {"--at", "LOGSEQ"},    {"--ttl", "TIME"},      {"--if-version", "N"},
                                     {"--raw", NULL},       {"--from", "PLACE"},    {"--to", "PLACE"},
                                     {"--limit", "N"},      {"--reverse", NULL},    {"--keys", NULL},
                                     {"--type", "TYPE"},    {"--follow", NULL},     {"--parent", "NAME"},
                                     {"--tag", "TAG"},      {"--metadata", "JSON"}, {"--status", "STATUS"},
                                     {"--message", "TEXT"}, {"--version", "N"},     {"--policy", "POLICY"},
                                     {NULL, NULL}};

bool agents_duration(const agents_request *r, const char *text, uint64_t *out_ms) {
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char *end = NULL;
    errno = 0;
    const unsigned long long n = strtoull(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const bool digits = text[0] >= '0' && text[0] <= '9' && errno == 0;
        if (!digits || strcmp(end, units[i].unit) != 0 || n > UINT64_MAX / units[i].ms || n == 0) continue;
        *out_ms = n * units[i].ms;
        return true;
    }
    (void)cli_usage(r->command, "\"%s\" is no time: write 500ms, 30s, 5m, 2h or 7d", text);
    return false;
}

/* ---- arguments */

static bool take_number(const cli_args *args, agents_option option, const char *value, uint64_t *out) {
    return cli_args_number(args, options[option].name, value, 0, UINT64_MAX, out);
}

static bool take_tag(agents_request *r, const char *value) {
    if (r->tag_count == sizeof r->tags / sizeof r->tags[0]) {
        (void)cli_usage(r->command, "more than 64 tags");
        return false;
    }
    r->tags[r->tag_count++] = value;
    return true;
}

static bool take_text(agents_request *r, agents_option option, const char *value) {
    const char **places[AGENTS_OPTION_COUNT] = {
        [AGENTS_RUN] = &r->run,       [AGENTS_FROM] = &r->from,       [AGENTS_TO] = &r->to,
        [AGENTS_TYPE] = &r->type,     [AGENTS_PARENT] = &r->parent,   [AGENTS_METADATA] = &r->metadata,
        [AGENTS_STATUS] = &r->status, [AGENTS_MESSAGE] = &r->message, [AGENTS_POLICY] = &r->policy};
    if (places[option] != NULL) *places[option] = value;
    return true;
}

static bool take_option(const cli_args *args, agents_request *r, agents_option option, const char *value) {
    r->given |= AGENTS_BIT(option);
    if (option == AGENTS_AT) return take_number(args, option, value, &r->at);
    if (option == AGENTS_IF_VERSION) return take_number(args, option, value, &r->if_version);
    if (option == AGENTS_LIMIT) return take_number(args, option, value, &r->limit);
    if (option == AGENTS_VERSION) return take_number(args, option, value, &r->version);
    if (option == AGENTS_TTL) return agents_duration(r, value, &r->ttl_ms);
    if (option == AGENTS_TAG) return take_tag(r, value);
    return take_text(r, option, value);
}

/* False when the command is answered already; *out_exit says how. */
static bool read_words(cli_args *args, const agents_action *action, agents_request *r, cli_exit *out_exit) {
    const char *value = NULL;
    int option;
    *out_exit = CLI_USAGE;
    while ((option = cli_args_next(args, options, &value)) != CLI_ARGS_END) {
        if (option == CLI_ARGS_HELP) {
            *out_exit = cli_help(r->command);
            return false;
        }
        if (option == CLI_ARGS_WRONG) return false;
        if (option == CLI_ARGS_POSITIONAL) {
            if (r->word_count == action->words_max + 1) {
                (void)cli_usage(r->command, "unexpected argument \"%s\"", value);
                return false;
            }
            r->words[r->word_count++] = value;
            continue;
        }
        if ((action->options & AGENTS_BIT(option)) == 0) {
            (void)cli_usage(r->command, "%s %s takes no %s", r->command, r->action, options[option].name);
            return false;
        }
        if (!take_option(args, r, (agents_option)option, value)) return false;
    }
    if (r->word_count > action->words_min) return true;
    (void)cli_usage(r->command, "%s %s WS %s", r->command, r->action, action->words);
    return false;
}

static const agents_action *find(const agents_action *actions, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(actions[i].name, name) == 0) return &actions[i];
    return NULL;
}

/* An action that reads opens as a writer would, so that it sees what a killed process left, unless a writer is there or nothing may be written. */
static cli_exit open_workspace(agents_request *r, bool writes) {
    const wg_options write = {.no_background = true};
    const wg_options read = {.read_only = true};
    wg_error err = {0};
    if (writes) return cli_open_with(r->words[0], &write, &r->db, &r->session);
    if (!agents_has(r, AGENTS_READ_ONLY) && !agents_has(r, AGENTS_FOLLOW) &&
        wg_open(r->words[0], &write, &r->db, &err) == WG_OK)
        return wg_session_open(r->db, &r->session, &err) == WG_OK ? CLI_OK : cli_fail(&err);
    return cli_open_with(r->words[0], &read, &r->db, &r->session);
}

cli_exit agents_dispatch(cli_args *args, const agents_action *actions, size_t count) {
    agents_request r = {.command = args->command};
    cli_exit rc = CLI_OK;
    if (args->next >= args->count) return cli_usage(args->command, "what about it? see --help");
    r.action = args->items[args->next++];
    if (strcmp(r.action, "--help") == 0 || strcmp(r.action, "-h") == 0) return cli_help(args->command);
    const agents_action *action = find(actions, count, r.action);
    if (action == NULL) return cli_usage(args->command, "there is no \"%s %s\"", args->command, r.action);
    if (!read_words(args, action, &r, &rc)) return rc;
    rc = open_workspace(&r, action->writes);
    if (rc != CLI_OK) return rc;
    return cli_close(r.db, r.session, action->run(&r));
}

cli_exit agents_open_run(agents_request *r, wg_run **out) {
    wg_error err = {0};
    if (wg_run_open(r->session, r->run, out, &err) == WG_OK) return CLI_OK;
    const cli_exit rc = cli_fail(&err);
    if (err.code == WG_E_NOT_FOUND)
        cli_note("worldgraph runs list %s shows what runs there are, worldgraph runs create makes one", r->words[0]);
    return rc;
}

/* ---- values */

/* The library reads JSON where it takes parameters of statements. */
cli_exit agents_value(agents_request *r, const char *text, wg_value *out, wg_result **out_result) {
    static const char query[] = "RETURN $value AS value";
    wg_error err = {0};
    wg_stmt *stmt = NULL;
    if (wg_prepare(r->session, query, sizeof query - 1, &stmt, &err) != WG_OK) return cli_fail(&err);
    wg_code code = wg_bind_json(stmt, "value", text, strlen(text), &err);
    if (code == WG_E_VALUE) code = wg_bind_string(stmt, "value", text, strlen(text), &err);
    if (code == WG_OK) code = wg_execute(stmt, out_result, &err);
    if (code == WG_OK) code = wg_result_cell(*out_result, 0, 0, out, &err);
    wg_stmt_finish(stmt);
    return code == WG_OK ? CLI_OK : cli_fail(&err);
}

cli_exit agents_add_json(cli_buf *out, const wg_value *value) {
    wg_error err = {0};
    if (wg_value_write_json(value, cli_buf_sink, out, &err) == WG_OK) return CLI_OK;
    return cli_fail(&err);
}

void agents_add_string(cli_buf *out, const char *text, size_t size) {
    cli_buf_add(out, "\"", 1);
    for (size_t i = 0; i < size;) {
        const unsigned char c = (unsigned char)text[i];
        const size_t n = cli_scalar_bytes(text + i, size - i);
        if (c == '"' || c == '\\') cli_buf_printf(out, "\\%c", c);
        else if (n == 0 || c < 0x20) cli_buf_printf(out, "\\u%04x", c);
        else cli_buf_add(out, text + i, n);
        i += n == 0 ? 1 : n;
    }
    cli_buf_add(out, "\"", 1);
}

void agents_add_time(cli_buf *out, uint64_t us) {
    const time_t seconds = (time_t)(us / 1000000);
    struct tm tm;
    char text[64];
    if (us == 0 || gmtime_r(&seconds, &tm) == NULL) {
        cli_buf_add_str(out, "null");
        return;
    }
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    cli_buf_printf(out, "\"%s.%06" PRIu64 "Z\"", text, us % 1000000);
}
