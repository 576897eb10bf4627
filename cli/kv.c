/* cli/kv: worldgraph kv get|put|delete|incr|scan|history: the key-values of a run. */
#include "agents.h"

#include <inttypes.h>
#include <string.h>

static const char *key_of(const agents_request *r) { return r->words[1]; }

static void flush_line(cli_buf *line) {
    cli_buf_add(line, "\n", 1);
    cli_out_write(&cli_stdout, line->data, line->size);
    cli_buf_clear(line);
}

/* {"key":..,"value":..,"version":..,"time":..} */
static cli_exit add_item(cli_buf *line, const char *key, size_t key_size, const wg_kv_item *item) {
    cli_buf_add_str(line, "{\"key\":");
    agents_add_string(line, key, key_size);
    cli_buf_add_str(line, item->found ? ",\"value\":" : ",\"deleted\":true");
    if (item->found) {
        const cli_exit rc = agents_add_json(line, &item->value);
        if (rc != CLI_OK) return rc;
    }
    cli_buf_printf(line, ",\"version\":%" PRIu64 ",\"time\":", item->version);
    agents_add_time(line, item->time_us);
    if (item->expires_us != 0) {
        cli_buf_add_str(line, ",\"expires\":");
        agents_add_time(line, item->expires_us);
    }
    cli_buf_add_str(line, "}");
    return CLI_OK;
}

static cli_exit print_value(const agents_request *r, const wg_kv_item *item) {
    cli_buf line = {0};
    cli_exit rc = CLI_OK;
    const bool text = item->value.type == WG_TYPE_STRING || item->value.type == WG_TYPE_BYTES;
    if (agents_has(r, AGENTS_RAW) && text) {
        cli_out_write(&cli_stdout, item->value.as.s, item->value.size);
        return CLI_OK;
    }
    if (agents_has(r, AGENTS_JSON)) rc = add_item(&line, key_of(r), strlen(key_of(r)), item);
    else cli_cell_text(&line, &item->value, cli_term()->out_tty ? CLI_ESCAPE_LINES : CLI_ESCAPE_NONE);
    if (rc == CLI_OK) flush_line(&line);
    cli_buf_free(&line);
    return rc;
}

static cli_exit get(agents_request *r) {
    wg_error err = {0};
    wg_run *run = NULL;
    wg_kv_item item = {0};
    cli_exit rc = agents_open_run(r, &run);
    if (rc != CLI_OK) return rc;
    const wg_code code = agents_has(r, AGENTS_AT)
                             ? wg_kv_get_at(run, key_of(r), strlen(key_of(r)), r->at, &item, &err)
                             : wg_kv_get(run, key_of(r), strlen(key_of(r)), &item, &err);
    if (code != WG_OK) rc = cli_fail(&err);
    else if (!item.found) {
        cli_complain("there is no key \"%s\"", key_of(r));
        rc = CLI_QUERY;
    } else rc = print_value(r, &item);
    wg_run_close(run);
    return rc;
}

static void print_version(const agents_request *r, uint64_t version) {
    if (agents_has(r, AGENTS_JSON)) cli_out_printf(&cli_stdout, "{\"version\":%" PRIu64 "}\n", version);
    else cli_out_printf(&cli_stdout, "version %" PRIu64 "\n", version);
}

static cli_exit put_in(agents_request *r, wg_run *run) {
    wg_error err = {0};
    wg_value value = {0};
    wg_result *holder = NULL;
    uint64_t version = 0;
    cli_buf input = {0};
    cli_exit rc = CLI_OK;
    const bool raw = agents_has(r, AGENTS_RAW);
    const wg_kv_put_options o = {
        .ttl_ms = r->ttl_ms, .has_expected = agents_has(r, AGENTS_IF_VERSION), .expected = r->if_version};
    if (raw) rc = cli_read_file(r->words[2], &input);
    else rc = agents_value(r, r->words[2], &value, &holder);
    if (raw && rc == CLI_OK && input.size > UINT32_MAX) rc = cli_usage(r->command, "the value is over 4 GiB");
    if (raw)
        value = (wg_value){
            .type = WG_TYPE_BYTES, .size = (uint32_t)input.size, .as.s = input.data == NULL ? "" : input.data};
    if (rc == CLI_OK && wg_kv_put_with(run, key_of(r), strlen(key_of(r)), &value, &o, &version, &err) != WG_OK)
        rc = cli_fail(&err);
    if (rc == CLI_OK) print_version(r, version);
    if (holder != NULL) wg_result_free(holder);
    cli_buf_free(&input);
    return rc;
}

static cli_exit put(agents_request *r) {
    wg_run *run = NULL;
    cli_exit rc = agents_open_run(r, &run);
    if (rc != CLI_OK) return rc;
    rc = put_in(r, run);
    wg_run_close(run);
    return rc;
}

static cli_exit delete_key(agents_request *r) {
    wg_error err = {0};
    wg_run *run = NULL;
    bool existed = false;
    cli_exit rc = agents_open_run(r, &run);
    if (rc != CLI_OK) return rc;
    if (wg_kv_delete(run, key_of(r), strlen(key_of(r)), &existed, &err) != WG_OK) rc = cli_fail(&err);
    else if (!existed) {
        cli_complain("there is no key \"%s\"", key_of(r));
        rc = CLI_QUERY;
    }
    wg_run_close(run);
    return rc;
}

static cli_exit increment(agents_request *r) {
    wg_error err = {0};
    wg_run *run = NULL;
    wg_value by = {.type = WG_TYPE_INT, .as.i = 1};
    wg_result *holder = NULL;
    int64_t sum = 0;
    cli_exit rc = agents_open_run(r, &run);
    if (rc != CLI_OK) return rc;
    if (r->word_count == 3) rc = agents_value(r, r->words[2], &by, &holder);
    if (rc == CLI_OK && by.type != WG_TYPE_INT) rc = cli_usage(r->command, "\"%s\" is no whole number", r->words[2]);
    if (rc == CLI_OK && wg_kv_increment(run, key_of(r), strlen(key_of(r)), by.as.i, &sum, &err) != WG_OK)
        rc = cli_fail(&err);
    if (rc == CLI_OK) cli_out_printf(&cli_stdout, "%" PRId64 "\n", sum);
    if (holder != NULL) wg_result_free(holder);
    wg_run_close(run);
    return rc;
}

/* ---- scan */

static cli_exit print_row(const agents_request *r, const wg_kv_row *row, cli_buf *line) {
    if (agents_has(r, AGENTS_JSON)) {
        const cli_exit rc = add_item(line, row->key.data, row->key.size, &row->item);
        if (rc != CLI_OK) return rc;
    } else {
        cli_add_escaped(line, row->key.data, row->key.size, CLI_ESCAPE_TABLE);
        if (!agents_has(r, AGENTS_KEYS)) {
            cli_buf_add(line, "\t", 1);
            cli_cell_text(line, &row->item.value, CLI_ESCAPE_TABLE);
        }
    }
    flush_line(line);
    return CLI_OK;
}

static cli_exit print_rows(const agents_request *r, wg_kv_cursor *cursor) {
    wg_error err = {0};
    cli_buf line = {0};
    cli_exit rc = CLI_OK;
    uint64_t left = agents_has(r, AGENTS_LIMIT) ? r->limit : UINT64_MAX;
    while (rc == CLI_OK && left != 0 && !cli_interrupted()) {
        wg_kv_row rows[256];
        uint32_t n = 0;
        if (wg_kv_cursor_next(cursor, rows, left < 256 ? (uint32_t)left : 256, &n, &err) != WG_OK)
            rc = cli_fail(&err);
        if (n == 0) break;
        for (uint32_t i = 0; i < n && rc == CLI_OK; i++) rc = print_row(r, &rows[i], &line);
        left -= n;
    }
    cli_buf_free(&line);
    return rc;
}

static cli_exit scan(agents_request *r) {
    wg_error err = {0};
    wg_run *run = NULL;
    wg_kv_cursor *cursor = NULL;
    const char *prefix = r->word_count > 1 ? r->words[1] : "";
    const wg_kv_scan_options o = {.prefix = prefix,
                                  .prefix_size = strlen(prefix),
                                  .from = r->from,
                                  .from_size = r->from == NULL ? 0 : strlen(r->from),
                                  .reverse = agents_has(r, AGENTS_REVERSE),
                                  .keys_only = agents_has(r, AGENTS_KEYS) && !agents_has(r, AGENTS_JSON),
                                  .at = r->at};
    cli_exit rc = agents_open_run(r, &run);
    if (rc != CLI_OK) return rc;
    if (wg_kv_scan(run, &o, &cursor, &err) != WG_OK) {
        rc = cli_fail(&err);
    } else {
        rc = print_rows(r, cursor);
        wg_kv_cursor_close(cursor);
    }
    wg_run_close(run);
    return rc;
}

/* ---- history */

typedef struct history_print {
    const agents_request *request;
    uint64_t left;
    cli_exit rc;
} history_print;

static bool print_history(void *ctx, const wg_kv_item *item) {
    history_print *h = ctx;
    cli_buf line = {0};
    h->rc = add_item(&line, key_of(h->request), strlen(key_of(h->request)), item);
    if (h->rc == CLI_OK) flush_line(&line);
    cli_buf_free(&line);
    return h->rc == CLI_OK && --h->left != 0;
}

static cli_exit history(agents_request *r) {
    wg_error err = {0};
    wg_run *run = NULL;
    bool complete = true;
    history_print h = {.request = r, .left = agents_has(r, AGENTS_LIMIT) ? r->limit : UINT64_MAX, .rc = CLI_OK};
    const cli_exit rc = agents_open_run(r, &run);
    if (rc != CLI_OK) return rc;
    if (h.left != 0 && wg_kv_history(run, key_of(r), strlen(key_of(r)), print_history, &h, &complete, &err) != WG_OK)
        h.rc = cli_fail(&err);
    if (h.rc == CLI_OK && !complete) cli_note("older versions were forgotten");
    wg_run_close(run);
    return h.rc;
}

cli_exit cli_kv(cli_args *args) {
    enum { COMMON = AGENTS_BIT(AGENTS_RUN) | AGENTS_BIT(AGENTS_JSON), READ = COMMON | AGENTS_BIT(AGENTS_READ_ONLY) };
    static const agents_action actions[] = {
        {"get", "KEY", 1, 1, READ | AGENTS_BIT(AGENTS_AT) | AGENTS_BIT(AGENTS_RAW), false, get},
        {"put", "KEY VALUE", 2, 2,
         COMMON | AGENTS_BIT(AGENTS_TTL) | AGENTS_BIT(AGENTS_IF_VERSION) | AGENTS_BIT(AGENTS_RAW), true, put},
        {"delete", "KEY", 1, 1, COMMON, true, delete_key},
        {"incr", "KEY [BY]", 1, 2, COMMON, true, increment},
        {"scan", "[PREFIX]", 0, 1,
         READ | AGENTS_BIT(AGENTS_FROM) | AGENTS_BIT(AGENTS_LIMIT) | AGENTS_BIT(AGENTS_REVERSE) |
             AGENTS_BIT(AGENTS_KEYS) | AGENTS_BIT(AGENTS_AT),
         false, scan},
        {"history", "KEY", 1, 1, READ | AGENTS_BIT(AGENTS_LIMIT), false, history}};
    return agents_dispatch(args, actions, sizeof actions / sizeof actions[0]);
}
