/* query/procedures: agents' state beside the graph: runs.list, kv.get, kv.scan, kv.history, events.range, events.types.
 *
 * They show the state at the statement's snapshot, like everything else in it: a run as that commit of the log left it. What was acknowledged
 * before the statement is in the log by then (api/stmt.c). Each call opens the state for itself, because calls of one statement run on
 * several threads. */
#include "base/text/text.h"
#include "primitives/eventlog/eventlog.h"
#include "primitives/kv/kv.h"
#include "primitives/runs/runs.h"
#include "query/procedures/procedures.h"

typedef struct rows {
    const wg_procedure_call *call;
    wg_agent *agent;
    wg_agent_run run;
    uint64_t logseq;
    uint64_t left; /* rows that may still be given */
    wg_code code;
    wg_error *err;
} rows;

static wg_value text_value(const char *s, size_t size) {
    return s == NULL ? wg_value_null() : wg_value_str(wg_slice_of(s, size));
}

static wg_value number(uint64_t n) { return wg_value_int(n > INT64_MAX ? INT64_MAX : (int64_t)n); }

/* Microseconds since 1970 as a DATETIME in UTC; 0: null. */
static wg_value time_value(uint64_t us) {
    if (us == 0) return wg_value_null();
    return wg_value_datetime((int64_t)(us / 1000000), (uint32_t)(us % 1000000) * 1000, 0);
}

/* Keys are bytes: those that are not UTF-8 are BYTES. */
static wg_value key_value(const void *data, size_t size) {
    wg_value v = wg_value_str(wg_slice_of(data, size));
    if (!wg_utf8_valid(wg_value_slice(&v), NULL)) v.type = WG_TYPE_BYTES;
    return v;
}

static wg_code open_state(rows *r, wg_error *err) {
    WG_TRY(wg_agent_open(r->call->engine, &r->agent, err));
    r->logseq = wg_txn_view(r->call->txn).snapshot;
    return WG_OK;
}

static wg_code open_run(rows *r, wg_error *err) {
    uint32_t found = 0;
    WG_TRY(open_state(r, err));
    wg_code code = wg_runs_find(r->agent, wg_value_slice(&r->call->args[0]), &found, err);
    if (code == WG_OK) code = wg_agent_run_init(&r->run, r->agent, found, err);
    if (code != WG_OK) wg_agent_close(r->agent);
    return code;
}

static wg_code close_run(rows *r, wg_code code) {
    wg_agent_run_deinit(&r->run);
    wg_agent_close(r->agent);
    return r->code != WG_OK ? r->code : code;
}

static bool add(rows *r, const wg_value *cells) {
    r->code = wg_cancel_check(r->call->cancel, r->err);
    if (r->code == WG_OK) r->code = wg_procedure_add_row(r->call, cells, r->err);
    return r->code == WG_OK && --r->left != 0;
}

/* ---- runs */

static bool add_run(void *ctx, const wg_run_info *info) {
    rows *r = ctx;
    const char *status = wg_run_status_name(info->status);
    wg_value tags[64];
    for (uint32_t i = 0; i < info->tag_count && i < 64; i++)
        tags[i] = text_value(info->tags[i], strlen(info->tags[i]));
    const wg_value cells[] = {
        text_value(info->name, strlen(info->name)),
        text_value(status, strlen(status)),
        text_value(info->parent, info->parent == NULL ? 0 : strlen(info->parent)),
        text_value(info->forked_of, info->forked_of == NULL ? 0 : strlen(info->forked_of)),
        {.type = WG_TYPE_LIST, .size = info->tag_count, .as.list = tags},
        info->metadata,
        time_value(info->created_us),
        time_value(info->ended_us),
    };
    return add(r, cells);
}

static wg_code list_runs(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    rows r = {.call = call, .err = err, .left = UINT64_MAX};
    WG_TRY(open_state(&r, err));
    const wg_code code = wg_runs_list(r.agent, NULL, add_run, &r, err);
    wg_agent_close(r.agent);
    return r.code != WG_OK ? r.code : code;
}

/* ---- key-values */

static wg_code add_item(rows *r, const void *key, size_t key_size, const wg_kv_item *item) {
    const wg_value cells[] = {key_value(key, key_size), item->value, number(item->version),
                              time_value(item->time_us)};
    (void)add(r, cells);
    return r->code;
}

static wg_code kv_get(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    rows r = {.call = call, .err = err, .left = UINT64_MAX};
    wg_kv_item item;
    const wg_kv_key key = {.data = call->args[1].as.s, .size = call->args[1].size};
    WG_TRY(open_run(&r, err));
    wg_code code = wg_keyvalue_get_at(&r.run, key, r.logseq, &item, err);
    if (code == WG_OK && item.found) code = add_item(&r, key.data, key.size, &item);
    return close_run(&r, code);
}

static wg_code scan_rows(rows *r, wg_keyvalue_cursor *cursor, wg_error *err) {
    uint32_t n = 1;
    while (n != 0) {
        wg_kv_row found[64];
        WG_TRY(wg_keyvalue_next(cursor, found, 64, &n, err));
        for (uint32_t i = 0; i < n; i++) WG_TRY(add_item(r, found[i].key.data, found[i].key.size, &found[i].item));
    }
    return WG_OK;
}

static wg_code kv_scan(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    rows r = {.call = call, .err = err, .left = UINT64_MAX};
    wg_keyvalue_cursor cursor;
    WG_TRY(open_run(&r, err));
    const wg_kv_scan_options o = {.prefix = call->args[1].type == WG_TYPE_NULL ? NULL : call->args[1].as.s,
                                  .prefix_size = call->args[1].type == WG_TYPE_NULL ? 0 : call->args[1].size,
                                  .at = r.logseq};
    wg_code code = wg_keyvalue_scan(&r.run, &o, &cursor, err);
    if (code == WG_OK) {
        code = scan_rows(&r, &cursor, err);
        wg_keyvalue_end(&cursor);
    }
    return close_run(&r, code);
}

static bool add_version(void *ctx, const wg_kv_item *item) {
    rows *r = ctx;
    const wg_value cells[] = {item->found ? item->value : wg_value_null(), wg_value_bool(!item->found),
                              number(item->version), time_value(item->time_us)};
    return add(r, cells);
}

/* Versions behind the statement's snapshot are passed over. */
typedef struct history {
    rows *rows;
    uint64_t until;
} history;

static bool add_version_until(void *ctx, const wg_kv_item *item) {
    const history *h = ctx;
    return item->version > h->until || add_version(h->rows, item);
}

static wg_code kv_history(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    rows r = {.call = call, .err = err, .left = UINT64_MAX};
    history h = {.rows = &r};
    const wg_kv_key key = {.data = call->args[1].as.s, .size = call->args[1].size};
    WG_TRY(open_run(&r, err));
    wg_code code = wg_agent_version_at(&r.run, r.logseq, &h.until, err);
    if (code == WG_OK) code = wg_keyvalue_history(&r.run, key, add_version_until, &h, NULL, err);
    return close_run(&r, code);
}

/* ---- events */

static bool add_event(void *ctx, const wg_event_item *e) {
    const wg_value cells[] = {number(e->sequence), time_value(e->time_us), text_value(e->type, e->type_size),
                              e->payload, number(e->version)};
    return add(ctx, cells);
}

static uint64_t bound(const wg_value *v) { return v->type == WG_TYPE_NULL || v->as.i < 0 ? 0 : (uint64_t)v->as.i; }

static wg_code events_range(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    rows r = {.call = call, .err = err, .left = UINT64_MAX};
    WG_TRY(open_run(&r, err));
    const wg_event_range range = {.from = bound(&call->args[1]), .to = bound(&call->args[2]), .at = r.logseq};
    const bool none = call->args[2].type != WG_TYPE_NULL && call->args[2].as.i <= 0;
    return close_run(&r, none ? WG_OK : wg_log_range(&r.run, &range, add_event, &r, err));
}

static wg_code events_of_type(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    rows r = {.call = call, .err = err, .left = UINT64_MAX};
    char type[WG_EVENT_TYPE_BYTES_MAX + 1];
    const wg_value *wanted = &call->args[1];
    if (wanted->size > WG_EVENT_TYPE_BYTES_MAX) return WG_OK; /* no type is that long */
    memcpy(type, wanted->as.s, wanted->size);
    type[wanted->size] = '\0';
    WG_TRY(open_run(&r, err));
    const wg_event_range range = {.type = type, .at = r.logseq};
    return close_run(&r, wg_log_range(&r.run, &range, add_event, &r, err));
}

#define FIELD(field, field_type) \
    { .name = field, .type = field_type }
#define NEEDED(field, field_type) \
    { .name = field, .type = field_type, .not_null = true }

wg_code wg_procedures_register_agents(wg_procedures *procedures, wg_error *err) {
    static const wg_procedure_field runs[] = {FIELD("name", WG_TYPE_STRING),      FIELD("status", WG_TYPE_STRING),
                                              FIELD("parent", WG_TYPE_STRING),    FIELD("forkedOf", WG_TYPE_STRING),
                                              FIELD("tags", WG_TYPE_LIST),        FIELD("metadata", WG_TYPE_MAP),
                                              FIELD("created", WG_TYPE_DATETIME), FIELD("ended", WG_TYPE_DATETIME)};
    static const wg_procedure_field run_key[] = {NEEDED("run", WG_TYPE_STRING), NEEDED("key", WG_TYPE_STRING)};
    static const wg_procedure_field run_prefix[] = {NEEDED("run", WG_TYPE_STRING), FIELD("prefix", WG_TYPE_STRING)};
    static const wg_procedure_field run_range[] = {NEEDED("run", WG_TYPE_STRING), FIELD("from", WG_TYPE_INT),
                                                   FIELD("to", WG_TYPE_INT)};
    static const wg_procedure_field run_type[] = {NEEDED("run", WG_TYPE_STRING), NEEDED("type", WG_TYPE_STRING)};
    static const wg_procedure_field item[] = {FIELD("key", WG_TYPE_ANY), FIELD("value", WG_TYPE_ANY),
                                              FIELD("version", WG_TYPE_INT), FIELD("time", WG_TYPE_DATETIME)};
    static const wg_procedure_field version[] = {FIELD("value", WG_TYPE_ANY), FIELD("deleted", WG_TYPE_BOOL),
                                                 FIELD("version", WG_TYPE_INT), FIELD("time", WG_TYPE_DATETIME)};
    static const wg_procedure_field event[] = {FIELD("sequence", WG_TYPE_INT), FIELD("time", WG_TYPE_DATETIME),
                                               FIELD("type", WG_TYPE_STRING), FIELD("payload", WG_TYPE_ANY),
                                               FIELD("version", WG_TYPE_INT)};
    const wg_procedure_kind read = WG_PROCEDURE_READ;
    const wg_procedure all[] = {
        {"runs.list", "the runs of agents, by name", read, NULL, 0, runs, 8, list_runs, NULL},
        {"kv.get", "the value of a key of a run", read, run_key, 2, item, 4, kv_get, NULL},
        {"kv.scan", "keys of a run in order, those with a prefix", read, run_prefix, 2, item, 4, kv_scan, NULL},
        {"kv.history", "the versions of a key, newest first", read, run_key, 2, version, 4, kv_history, NULL},
        {"events.range", "events of a run from one sequence up to another", read, run_range, 3, event, 5,
         events_range, NULL},
        {"events.byType", "events of a run of one type", read, run_type, 2, event, 5, events_of_type, NULL},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) WG_TRY(wg_procedure_register(procedures, &all[i], err));
    return WG_OK;
}
