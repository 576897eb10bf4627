/* cli/query: `worldgraph query`: statements from an argument, a file or a pipe, each a transaction of its own, stopping
 * at the first that fails.
 *
 * Arguments are checked in full before the workspace is opened, so that a wrong one changes nothing. A receipt file is
 * opened before the first statement runs (a write must not happen whose receipt has no place) and cut when its first
 * line is there. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PARAMS_MAX = 1000, PARAM_NAME_MAX = 255, THREADS_MAX = 1024, MORSEL_MAX = 2048, SHARDS_MAX = 65536 };

typedef struct query {
    const char *workspace;
    const char *text;
    const char *file;
    const char *snapshot;
    uint64_t logseq; /* of the snapshot; 0: it is a URI */
    const char *receipt;
    const char *key;
    uint8_t secret[32];
    uint64_t threads;
    uint64_t morsel;
    uint64_t shards;
    wg_execution execution;
    wg_speed_lane lane;
    uint32_t timeout_ms;
    cli_param *params;
    bool mode_set;
    bool param_seen;
    wg_options open;
    cli_request request;
} query;

enum {
    O_PARAM,
    O_CSV,
    O_JSON,
    O_ARROW,
    O_TABLE,
    O_THREADS,
    O_MORSEL,
    O_SNAPSHOT,
    O_RECEIPT,
    O_STATS,
    O_FILE,
    O_READ_ONLY,
    O_MEMORY,
    O_SPEED_LANE,
    O_SHARDS,
    O_ISA,
    O_OPTIMIZER,
    O_CARRY,
    O_MERKLE,
    O_SIGN,
    O_TIMEOUT,
    O_JSON_ERRORS
};
static const cli_option options[] = {
    {"--param", "NAME=VALUE"}, {"--csv", NULL},          {"--json", NULL},   {"--arrow", NULL},
    {"--table", NULL},         {"--threads", "N"},       {"--morsel", "N"},  {"--at-snapshot", "URI_OR_LOGSEQ"},
    {"--receipt", "FILE"},     {"--stats", NULL},        {"--file", "FILE"}, {"--read-only", NULL},
    {"--memory", "BYTES"},     {"--speed-lane", "LANE"}, {"--shards", "N"},  {"--isa", "ISA"},
    {"--optimizer", "on|off"}, {"--carry", NULL},        {"--merkle", NULL}, {"--sign", "KEY"},
    {"--timeout", "TIME"},     {"--json-errors", NULL},  {NULL, NULL}};

static bool add_param(const cli_args *args, query *q, const char *text) {
    const char *name = text[0] == '$' ? text + 1 : text;
    const char *equals = strchr(name, '=');
    if (equals == NULL || equals == name || equals - name > PARAM_NAME_MAX) {
        (void)cli_usage(args->command, "--param takes NAME=VALUE, not \"%s\"", text);
        return false;
    }
    if (q->request.param_count == PARAMS_MAX) {
        (void)cli_usage(args->command, "more than %d parameters", PARAMS_MAX);
        return false;
    }
    q->params[q->request.param_count++] =
        (cli_param){.name = name, .name_size = (size_t)(equals - name), .value = equals + 1};
    q->param_seen = true;
    return true;
}

static bool set_mode(const cli_args *args, query *q, int option) {
    static const cli_mode modes[] = {
        [O_CSV] = CLI_CSV, [O_JSON] = CLI_JSON, [O_ARROW] = CLI_ARROW, [O_TABLE] = CLI_TABLE};
    if (q->mode_set && q->request.mode != modes[option]) {
        (void)cli_usage(args->command, "choose one of --table, --csv, --json and --arrow");
        return false;
    }
    q->request.mode = modes[option];
    q->mode_set = true;
    return true;
}

static bool add_positional(const cli_args *args, query *q, const char *value) {
    if (q->workspace == NULL) {
        q->workspace = value;
    } else if (q->text == NULL && q->file == NULL && !(q->param_seen && strchr(value, '=') && !strchr(value, ' '))) {
        q->text = value;
    } else if (q->param_seen) {
        return add_param(args, q, value); /* --param a=1 b=2 */
    } else {
        (void)cli_usage(args->command, "unexpected argument \"%s\"", value);
        return false;
    }
    return true;
}

static bool take_lane(const cli_args *args, const char *value, wg_speed_lane *out) {
    static const char *const names[] = {"any", "prefer", "only"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(value, names[i]) != 0) continue;
        *out = (wg_speed_lane)i;
        return true;
    }
    (void)cli_usage(args->command, "--speed-lane is any, prefer or only, not \"%s\"", value);
    return false;
}

static bool take_isa(const cli_args *args, const char *value, const char **out) {
    static const char *const names[] = {"best", "scalar", "avx2", "avx512", "neon"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(value, names[i]) == 0) *out = names[i];
    if (*out != NULL && strcmp(*out, value) == 0) return true;
    (void)cli_usage(args->command, "--isa is best, scalar, avx2, avx512 or neon, not \"%s\"", value);
    return false;
}

static bool take_optimizer(const cli_args *args, const char *value, wg_optimizer *out) {
    *out = strcmp(value, "off") == 0 ? WG_OPTIMIZER_OFF : WG_OPTIMIZER_ON;
    if (*out == WG_OPTIMIZER_OFF || strcmp(value, "on") == 0) return true;
    (void)cli_usage(args->command, "--optimizer is on or off, not \"%s\"", value);
    return false;
}

/* How the work is done; false when the option is none of these. */
static bool is_execution(int option) {
    return option == O_THREADS || option == O_MORSEL || option == O_SHARDS || option == O_ISA ||
           option == O_OPTIMIZER;
}

static bool take_execution(const cli_args *args, query *q, int option, const char *value) {
    switch (option) {
        case O_THREADS:
            return cli_args_number(args, "--threads", value, 1, THREADS_MAX, &q->threads);
        case O_MORSEL:
            return cli_args_number(args, "--morsel", value, 1, MORSEL_MAX, &q->morsel);
        case O_SHARDS:
            return cli_args_number(args, "--shards", value, 1, SHARDS_MAX, &q->shards);
        case O_ISA:
            return take_isa(args, value, &q->execution.isa);
        default:
            return take_optimizer(args, value, &q->execution.optimizer);
    }
}

static bool take_option(const cli_args *args, query *q, int option, const char *value) {
    if (is_execution(option)) return take_execution(args, q, option, value);
    switch (option) {
        case CLI_ARGS_POSITIONAL:
            return add_positional(args, q, value);
        case O_PARAM:
            return add_param(args, q, value);
        case O_SPEED_LANE:
            return take_lane(args, value, &q->lane);
        case O_SNAPSHOT:
            q->snapshot = value;
            return true;
        case O_RECEIPT:
            q->receipt = value;
            return true;
        case O_STATS:
            q->request.stats = true;
            return true;
        case O_CARRY:
            return q->request.receipt_options.carry = true;
        case O_MERKLE:
            return q->request.receipt_options.merkle = true;
        case O_SIGN:
            q->key = value;
            return true;
        case O_TIMEOUT:
            return cli_args_duration(args, "--timeout", value, &q->timeout_ms);
        case O_JSON_ERRORS:
            cli_errors_as_json();
            return true;
        case O_FILE:
            q->file = value;
            return true;
        case O_READ_ONLY:
            q->open.read_only = true;
            return true;
        case O_MEMORY:
            return cli_args_bytes(args, "--memory", value, &q->open.memory_bytes_max);
        default:
            return set_mode(args, q, option);
    }
}

static bool check_snapshot(const cli_args *args, query *q) {
    static const char scheme[] = "oz://snapshot/";
    if (strncmp(q->snapshot, scheme, sizeof scheme - 1) != 0)
        return cli_args_number(args, "--at-snapshot", q->snapshot, 1, UINT64_MAX, &q->logseq);
    const char *hex = q->snapshot + sizeof scheme - 1;
    if (strlen(hex) == 64 && strspn(hex, "0123456789abcdef") == 64) return true;
    (void)cli_usage(args->command, "a snapshot URI is oz://snapshot/ and 64 hexadecimal digits");
    return false;
}

static cli_exit check_arguments(const cli_args *args, query *q) {
    if (q->workspace == NULL) return cli_usage(args->command, "which workspace?");
    if (q->text != NULL && q->file != NULL) return cli_usage(args->command, "give a query text or --file, not both");
    if (q->text != NULL && strcmp(q->text, "-") == 0) {
        q->file = q->text;
        q->text = NULL;
    }
    if (q->text == NULL && q->file == NULL) return cli_usage(args->command, "which query? Give a text or --file");
    if (q->request.mode == CLI_ARROW && cli_term()->out_tty)
        return cli_usage(args->command, "--arrow writes bytes, not text: send it to a file or a pipe");
    if (q->request.mode == CLI_ARROW && q->receipt != NULL && strcmp(q->receipt, "-") == 0)
        return cli_usage(args->command, "--arrow and --receipt - would share standard output: name a receipt file");
    const wg_receipt_options *o = &q->request.receipt_options;
    if (q->receipt == NULL && (o->carry || o->merkle || q->key != NULL))
        return cli_usage(args->command,
                         "--carry, --merkle and --sign are about receipts: name a file with --receipt");
    if (q->snapshot != NULL && !check_snapshot(args, q)) return CLI_USAGE;
    if (q->key != NULL) {
        const cli_exit rc = cli_read_key(q->key, q->secret);
        if (rc != CLI_OK) return rc;
        q->request.receipt_options.secret = q->secret;
    }
    q->request.summary = q->request.mode == CLI_TABLE ? &cli_stderr : NULL;
    q->request.timing = true;
    q->request.params = q->params;
    return CLI_OK;
}

/* A URI names a content: its logseq is searched from the newest downwards. */
static wg_code find_snapshot(wg_db *db, const char *uri, wg_snapshot **out, wg_error *err) {
    for (uint64_t logseq = wg_db_logseq(db); logseq > 0; logseq--) {
        wg_snapshot *snapshot = NULL;
        const wg_code code = wg_snapshot_acquire(db, logseq, &snapshot, err);
        if (code != WG_OK) return code;
        char name[80];
        wg_snapshot_uri(snapshot, name);
        if (strcmp(name, uri) == 0) {
            *out = snapshot;
            return WG_OK;
        }
        wg_snapshot_release(snapshot);
    }
    *err = (wg_error){.code = WG_E_EXPIRED, .offset = WG_NO_OFFSET};
    (void)snprintf(err->message, sizeof err->message, "this workspace has no snapshot %s", uri);
    return WG_E_EXPIRED;
}

static cli_exit use_snapshot(const query *q, wg_db *db, wg_session *session, wg_snapshot **out) {
    wg_error err = {0};
    wg_code code =
        q->logseq == 0 ? find_snapshot(db, q->snapshot, out, &err) : wg_snapshot_acquire(db, q->logseq, out, &err);
    if (code == WG_OK) code = wg_session_use_snapshot(session, *out, &err);
    return code == WG_OK ? CLI_OK : cli_fail(&err);
}

static cli_exit run_all(wg_session *session, const cli_buf *text, query *q) {
    cli_statement statement = cli_statement_at(cli_buf_text(text), text->size, 0);
    q->request.several = cli_statement_at(cli_buf_text(text), text->size, statement.next).size > 0;
    size_t done = 0;
    while (statement.size > 0 || statement.unfinished || statement.next < text->size) {
        if (statement.size > 0) {
            if (cli_interrupted()) {
                const wg_error err = {.code = WG_E_CANCELLED,
                                      .offset = WG_NO_OFFSET,
                                      .message = "interrupted before the next statement"};
                return cli_fail(&err);
            }
            const cli_exit rc = cli_run(session, cli_buf_text(text), &statement, &q->request, NULL);
            if (rc != CLI_OK) return rc;
            done++;
        }
        if (statement.size == 0 && statement.unfinished) {
            cli_complain("a comment of the query text has no closing */");
            return CLI_QUERY;
        }
        if (statement.next >= text->size) break;
        statement = cli_statement_at(cli_buf_text(text), text->size, statement.next);
    }
    return done > 0 ? CLI_OK : cli_usage("query", "there is no statement in the query text");
}

static cli_exit open_receipt(const query *q, cli_out *out) {
    *out = (cli_out){.fd = -1, .name = q->receipt};
    if (q->receipt == NULL || strcmp(q->receipt, "-") == 0) return CLI_OK;
    out->fd = open(q->receipt, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (out->fd >= 0) return CLI_OK;
    cli_complain("receipt %s: %s", q->receipt, strerror(errno));
    return CLI_SYSTEM;
}

static cli_exit run_query(query *q, const cli_buf *text) {
    cli_out receipt;
    cli_exit rc = open_receipt(q, &receipt);
    if (rc != CLI_OK) return rc;
    if (q->receipt != NULL) q->request.receipt = receipt.fd < 0 ? &cli_stdout : &receipt;
    wg_db *db = NULL;
    wg_session *session = NULL;
    wg_snapshot *snapshot = NULL;
    q->execution.threads = q->open.threads = (uint32_t)q->threads;
    q->execution.batch_rows = (uint32_t)q->morsel;
    q->execution.shards = (uint32_t)q->shards;
    rc = cli_open_with(q->workspace, &q->open, &db, &session);
    if (rc == CLI_OK) {
        wg_error err = {0};
        if (wg_session_set_execution(session, &q->execution, &err) != WG_OK) rc = cli_fail(&err);
        if (rc == CLI_OK && wg_session_set_speed_lane(session, q->lane, &err) != WG_OK) rc = cli_fail(&err);
        if (rc == CLI_OK && wg_session_set_deadline(session, q->timeout_ms, &err) != WG_OK) rc = cli_fail(&err);
        if (rc == CLI_OK && q->snapshot != NULL) rc = use_snapshot(q, db, session, &snapshot);
        if (rc == CLI_OK) rc = run_all(session, text, q);
        if (snapshot != NULL) (void)!wg_session_use_snapshot(session, NULL, NULL);
        wg_snapshot_release(snapshot);
        rc = cli_close(db, session, rc);
    }
    if (receipt.fd >= 0) (void)close(receipt.fd);
    cli_buf_free(&receipt.buf);
    return rc;
}

cli_exit cli_query(cli_args *args) {
    query q = {.params = cli_allocate(PARAMS_MAX, sizeof(cli_param))};
    cli_buf text = {0};
    cli_exit rc = CLI_OK;
    const char *value = NULL;
    int option;
    while (rc == CLI_OK && (option = cli_args_next(args, options, &value)) != CLI_ARGS_END) {
        if (option == CLI_ARGS_HELP) {
            cli_release(q.params);
            return cli_help("query");
        }
        if (option == CLI_ARGS_WRONG || !take_option(args, &q, option, value)) rc = CLI_USAGE;
    }
    if (rc == CLI_OK) rc = check_arguments(args, &q);
    if (rc == CLI_OK && q.file != NULL) rc = cli_read_file(q.file, &text);
    if (rc == CLI_OK && q.text != NULL) cli_buf_add_str(&text, q.text);
    if (rc == CLI_OK) rc = run_query(&q, &text);
    cli_release(q.params);
    cli_buf_free(&text);
    return rc;
}
