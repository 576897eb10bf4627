/* Scenarios of runs, their keys and their events: see scenarios.h. Each works in runs that it makes; what is acknowledged is noted in the run "noted"
 * (scene_note), one key and one event in one transaction, so that a half of one shows. */
#include "tests/fault/scenarios.h"

#include <string.h>

typedef struct scene_run_handles {
    wg_run *a;
    wg_run *b;
} scene_run_handles;

static wg_value number(int64_t i) { return (wg_value){.type = WG_TYPE_INT, .as.i = i}; }
static wg_value text(const char *s) {
    return (wg_value){.type = WG_TYPE_STRING, .size = (uint32_t)strlen(s), .as.s = s};
}

static wg_code wrong(const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "%s", what);
}

static wg_code make_run(scene *s, const char *name, wg_run **out, wg_error *err) {
    const wg_run_options o = {.if_not_exists = true};
    return wg_run_create(s->session, name, &o, out, err);
}

/* ---- what is acknowledged */

typedef struct note {
    scene *s;
    bool waits; /* by its ticket */
} note;

static wg_code note_body(void *ctx, wg_run *run, wg_error *err) {
    const note *n = ctx;
    const char key[] = {'n', 'o', 't', 'e', (char)('a' + n->s->notes_tried)};
    const wg_value v = number((int64_t)n->s->notes_tried);
    WG_TRY(wg_kv_put(run, key, sizeof key, &v, NULL, err));
    return wg_eventlog_append(run, "noted", &v, NULL, err);
}

/* Commits one more note, waiting for it or for its ticket. */
static wg_code scene_note(scene *s, bool waits, wg_error *err) {
    wg_run *run = NULL;
    note n = {.s = s, .waits = waits};
    wg_commit_info info = {0};
    const wg_retry_options o = {.txn.no_wait = waits, .attempts_max = 4};
    WG_TRY(make_run(s, "noted", &run, err));
    s->notes_tried++;
    wg_code code = wg_run_transact(run, &o, note_body, &n, &info, err);
    if (code == WG_OK && n.waits) code = wg_ticket_wait(run, info.ticket, err);
    if (code == WG_OK && !wg_ticket_is_durable(run, info.ticket)) code = wrong("a ticket that was waited for", err);
    if (code == WG_OK) s->notes_acked++;
    wg_run_close(run);
    return code;
}

wg_code scene_notes(wg_session *session, uint64_t *out_keys, uint64_t *out_events, wg_error *err) {
    const wg_run_options o = {.if_not_exists = true};
    const wg_kv_scan_options notes = {.prefix = "note", .prefix_size = 4};
    wg_run *run = NULL;
    wg_kv_cursor *cursor = NULL;
    wg_kv_row rows[8];
    uint64_t keys = 0;
    uint32_t n = 0;
    WG_TRY(wg_run_create(session, "noted", &o, &run, err));
    wg_code code = wg_eventlog_length(run, out_events, err);
    if (code == WG_OK) code = wg_kv_scan(run, &notes, &cursor, err);
    while (code == WG_OK && (code = wg_kv_cursor_next(cursor, rows, 8, &n, err)) == WG_OK && n != 0) keys += n;
    wg_kv_cursor_close(cursor);
    wg_run_close(run);
    if (code == WG_OK) *out_keys = keys;
    return code;
}

/* ---- runs as things */

static bool see_run(void *ctx, const wg_run_info *info) {
    scene *s = ctx;
    s->sink += strlen(info->name);
    return true;
}

static wg_code describe(scene *s, wg_run *run, wg_error *err) {
    static const char *const tags[] = {"one", "two"};
    const wg_map_entry entry = {.key = "k", .key_size = 1, .value = number(7)};
    const wg_value metadata = {.type = WG_TYPE_MAP, .size = 1, .as.map = &entry};
    wg_run_info info;
    WG_TRY(wg_run_set_tags(run, tags, 2, err));
    WG_TRY(wg_run_set_metadata(run, &metadata, err));
    WG_TRY(wg_run_set_status(run, WG_RUN_FAILED, "it is planned", err));
    WG_TRY(wg_run_get_info(run, &info, err));
    s->sink += strlen(wg_run_status_name(info.status));
    WG_TRY(wg_run_list(s->session, &(wg_run_filter){.tag = "one"}, see_run, s, err));
    return wg_run_list(s->session, NULL, see_run, s, err);
}

static wg_code run_runs(scene *s, wg_error *err) {
    wg_run *a = NULL;
    wg_run *standard = NULL;
    WG_TRY(scene_note(s, false, err));
    WG_TRY(make_run(s, "a", &a, err));
    wg_code code = wg_run_open(s->session, NULL, &standard, err);
    if (code == WG_OK) code = describe(s, a, err);
    wg_run_close(standard);
    wg_run_close(a);
    if (code == WG_OK) code = wg_run_open(s->session, "a", &a, err);
    if (code == WG_OK) wg_run_close(a);
    if (code == WG_OK) code = wg_run_delete(s->session, "a", err);
    return code == WG_OK ? scene_note(s, true, err) : code;
}

/* ---- keys */

static bool see_version(void *ctx, const wg_kv_item *item) {
    scene *s = ctx;
    s->sink += item->version;
    return true;
}

static wg_code write_keys(wg_run *run, wg_error *err) {
    const wg_value short_value = text("short");
    const wg_value n = number(5);
    const wg_kv_put_options fresh = {.has_expected = true, .expected = WG_VERSION_NONE, .ttl_ms = 3600000};
    const wg_kv_write writes[] = {
        {WG_KV_PUT, {"m1", 2}, n, {0}}, {WG_KV_PUT, {"m2", 2}, n, {0}}, {WG_KV_DELETE, {"a", 1}, n, {0}}};
    char large[3000];
    uint64_t version = 0;
    uint32_t failed = 0;
    bool existed = false;
    int64_t sum = 0;
    memset(large, 'l', sizeof large);
    WG_TRY(wg_kv_put(run, "a", 1, &short_value, &version, err));
    WG_TRY(wg_kv_cas(run, "a", 1, version, &n, &version, err));
    WG_TRY(wg_kv_put_with(run, "fresh", 5, &n, &fresh, NULL, err));
    WG_TRY(wg_kv_put_durable(run, "sure", 4, &n, NULL, err));
    WG_TRY(wg_kv_put_bytes(run, large, 200, large, sizeof large, NULL, err));
    WG_TRY(wg_kv_increment(run, "n", 1, 3, &sum, err));
    WG_TRY(wg_kv_increment(run, "n", 1, 4, &sum, err));
    if (sum != 7) return wrong("the sum of two increments", err);
    WG_TRY(wg_kv_write_many(run, writes, 3, NULL, &failed, err));
    return wg_kv_delete(run, "m1", 2, &existed, err);
}

static wg_code read_keys(scene *s, wg_run *run, wg_error *err) {
    static const wg_kv_key keys[] = {{"n", 1}, {"m2", 2}, {"none", 4}};
    wg_kv_cursor *cursor = NULL;
    wg_kv_item items[3];
    wg_kv_row rows[4];
    uint32_t n = 0;
    bool there = false;
    WG_TRY(wg_kv_get(run, "sure", 4, &items[0], err));
    if (!items[0].found) return wrong("a key that was put", err);
    WG_TRY(wg_kv_exists(run, "m1", 2, &there, err));
    if (there) return wrong("a key that was deleted", err);
    WG_TRY(wg_kv_get_many(run, keys, 3, items, err));
    WG_TRY(wg_kv_get_at(run, "n", 1, wg_db_logseq(s->db), &items[0], err));
    WG_TRY(wg_kv_history(run, "n", 1, see_version, s, NULL, err));
    WG_TRY(wg_kv_scan(run, &(wg_kv_scan_options){.reverse = true}, &cursor, err));
    const wg_code code = wg_kv_cursor_next(cursor, rows, 4, &n, err);
    wg_kv_cursor_close(cursor);
    return code;
}

static wg_code run_keys(scene *s, wg_error *err) {
    wg_run *run = NULL;
    WG_TRY(make_run(s, "a", &run, err));
    wg_code code = write_keys(run, err);
    if (code == WG_OK) code = read_keys(s, run, err);
    if (code == WG_OK) code = scene_note(s, false, err);
    wg_run_close(run);
    return code;
}

/* ---- events */

static bool see_event(void *ctx, const wg_event_item *event) {
    scene *s = ctx;
    s->sink += event->type_size;
    return true;
}
static bool see_type(void *ctx, const char *type, size_t type_size, uint64_t count) {
    scene *s = ctx;
    (void)type;
    s->sink += type_size + count;
    return true;
}
static bool see_consumer(void *ctx, const char *consumer, uint64_t position) {
    scene *s = ctx;
    s->sink += strlen(consumer) + position;
    return true;
}

static wg_code read_events(scene *s, wg_run *run, wg_error *err) {
    uint8_t head[32];
    wg_event_item e;
    wg_eventlog_report report;
    uint64_t n = 0;
    WG_TRY(wg_eventlog_length(run, &n, err));
    if (n != 3) return wrong("the length of an event log", err);
    WG_TRY(wg_eventlog_read(run, 1, &e, err));
    WG_TRY(wg_eventlog_range(run, &(wg_event_range){.type = "other", .reverse = true}, see_event, s, err));
    WG_TRY(wg_eventlog_types(run, see_type, s, err));
    WG_TRY(wg_eventlog_hash(run, UINT64_MAX, head, err));
    WG_TRY(wg_eventlog_verify(run, &report, err));
    if (!report.valid) return wrong("the chain of an event log", err);
    return wg_eventlog_wait(run, 0, 1, &n, err);
}

static wg_code consume(scene *s, wg_run *run, wg_error *err) {
    uint64_t place = 0;
    WG_TRY(wg_consumer_set(run, "c", 2, err));
    WG_TRY(wg_consumer_get(run, "c", &place, err));
    if (place != 2) return wrong("the place of a consumer", err);
    WG_TRY(wg_consumer_list(run, see_consumer, s, err));
    return wg_consumer_remove(run, "c", err);
}

static wg_code run_events(scene *s, wg_error *err) {
    const wg_event_write events[] = {{"other", number(2)}, {"third", text("a payload")}};
    const wg_value one = number(1);
    wg_run *run = NULL;
    uint64_t first = 0;
    WG_TRY(make_run(s, "a", &run, err));
    wg_code code = wg_eventlog_append(run, "first", &one, &first, err);
    if (code == WG_OK) code = wg_eventlog_append_many(run, events, 2, &first, err);
    if (code == WG_OK) code = read_events(s, run, err);
    if (code == WG_OK) code = consume(s, run, err);
    if (code == WG_OK) code = scene_note(s, true, err);
    wg_run_close(run);
    return code;
}

/* ---- transactions, alone and with the graph */

static wg_code one_transaction(scene *s, wg_run *run, bool commits, wg_error *err) {
    const wg_value v = number(commits);
    const wg_run_txn_options o = {.serializable = commits};
    wg_kv_cursor *cursor = NULL;
    wg_kv_row rows[2];
    uint32_t n = 0;
    WG_TRY(wg_run_begin(run, &o, err));
    WG_TRY(wg_kv_put(run, "t", 1, &v, NULL, err));
    WG_TRY(wg_eventlog_append(run, "made", &v, NULL, err));
    WG_TRY(wg_kv_scan(run, NULL, &cursor, err));
    const wg_code code = wg_kv_cursor_next(cursor, rows, 2, &n, err);
    wg_kv_cursor_close(cursor);
    WG_TRY(code);
    WG_TRY(scene_run(s, "CREATE (:Open {x: 'of a run'})", err));
    if (commits) return wg_run_commit(run, NULL, err);
    wg_run_rollback(run);
    return WG_OK;
}

static wg_code run_transactions(scene *s, wg_error *err) {
    wg_run *run = NULL;
    WG_TRY(make_run(s, "a", &run, err));
    wg_code code = wg_run_set_durability(run, WG_STRICT, true, err);
    if (code == WG_OK) code = one_transaction(s, run, false, err);
    if (code == WG_OK) code = one_transaction(s, run, true, err);
    if (code == WG_OK) code = wg_ticket_wait(run, wg_run_ticket(run), err);
    wg_run_close(run); /* with its transaction when that has failed half-way */
    return code == WG_OK ? scene_note(s, false, err) : code;
}

/* ---- forks */

static bool see_difference(void *ctx, const wg_diff_item *item) {
    scene *s = ctx;
    s->sink += item->key_size;
    return true;
}

static wg_code part_and_merge(scene *s, wg_run *a, wg_run *fork, wg_error *err) {
    const wg_value two = number(2);
    wg_run_diff_report differences;
    wg_merge_report merged;
    WG_TRY(wg_kv_put(fork, "k", 1, &two, NULL, err));
    WG_TRY(wg_kv_put(fork, "new", 3, &two, NULL, err));
    WG_TRY(wg_eventlog_append(fork, "forked", &two, NULL, err));
    WG_TRY(wg_run_diff(a, fork, see_difference, s, &differences, err));
    if (differences.added != 1 || differences.changed != 1) return wrong("the differences of a fork", err);
    WG_TRY(wg_run_merge(fork, a, WG_MERGE_STRICT, &merged, err));
    return merged.applied == 2 && merged.events_appended == 1 ? WG_OK : wrong("what a merge brought", err);
}

static wg_code run_forks(scene *s, wg_error *err) {
    const wg_value one = number(1);
    wg_replay_report replayed;
    scene_run_handles r = {NULL, NULL};
    WG_TRY(make_run(s, "a", &r.a, err));
    wg_code code = wg_kv_put(r.a, "k", 1, &one, NULL, err);
    if (code == WG_OK) code = wg_run_fork(r.a, "fork", 0, NULL, &r.b, err);
    if (code == WG_OK) code = part_and_merge(s, r.a, r.b, err);
    if (code == WG_OK) code = wg_run_replay(r.a, 0, &replayed, err);
    if (code == WG_OK && !replayed.equal) code = wrong("a run that was made again from the log", err);
    if (code == WG_OK) code = scene_note(s, false, err);
    wg_run_close(r.b);
    wg_run_close(r.a);
    return code;
}

/* ---- into stripes and back */

static wg_code run_stored_runs(scene *s, wg_error *err) {
    const wg_value v = text("a value that is stored");
    wg_run *run = NULL;
    WG_TRY(scene_note(s, false, err));
    WG_TRY(make_run(s, "a", &run, err));
    wg_code code = wg_kv_put(run, "k", 1, &v, NULL, err);
    if (code == WG_OK) code = wg_eventlog_append(run, "stored", &v, NULL, err);
    if (code == WG_OK) code = wg_checkpoint(s->db, NULL, err);
    if (code == WG_OK) code = wg_kv_put(run, "later", 5, &v, NULL, err);
    if (code == WG_OK) code = wg_run_delete(s->session, "a", err);
    wg_run_close(run);
    if (code == WG_OK) code = scene_note(s, true, err);
    return code == WG_OK ? wg_checkpoint(s->db, NULL, err) : code;
}

/* Opens what has runs in stripes and in the log behind them. */
static wg_code run_reopen(scene *s, wg_error *err) {
    const wg_options o = {.threads = 1, .no_background = true, .checkpoint_log_bytes = UINT64_MAX};
    wg_code code = WG_OK;
    for (int i = 0; i < 3 && code == WG_OK; i++) {
        wg_error second = {0};
        WG_TRY(wg_open("/ws", &o, &s->db, err));
        code = wg_session_open(s->db, &s->session, err);
        if (code == WG_OK) code = scene_note(s, i == 1, err);
        if (code == WG_OK && i == 0) code = wg_checkpoint(s->db, NULL, err);
        wg_session_close(s->session);
        const wg_code closed = wg_close(s->db, &second);
        s->session = NULL;
        s->db = NULL;
        if (code == WG_OK && closed != WG_OK && err != NULL) *err = second;
        if (code == WG_OK) code = closed;
    }
    return code;
}

const scenario agents_scenarios[] = {{"runs", run_runs, false, false},
                                     {"keys of a run", run_keys, false, false},
                                     {"events of a run", run_events, false, false},
                                     {"transactions of a run", run_transactions, false, false},
                                     {"forks of a run", run_forks, false, false},
                                     {"runs in stripes", run_stored_runs, false, false},
                                     {"opening with runs", run_reopen, true, false}};
const size_t agents_scenario_count = sizeof agents_scenarios / sizeof agents_scenarios[0];
