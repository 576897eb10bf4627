/* Goal: no sequence of public calls, with whatever handles and arguments, crashes, leaks, or gives an answer that the calls before it
 * do not explain.
 *
 * Each input is a program of 200 calls: a byte for the call, bytes for which of a few handles it takes (an empty place is NULL) and for its arguments.
 * The workspace is fresh for each input, in memory or, for one input in eight, on disk. Values under a few keys of two runs are also kept in a
 * model with one copy for each open transaction, and every read is compared with it; a run that was merged into, forked over or replaced is
 * not compared any more. Handles that were closed are not used again: that is the caller's duty. At the end everything that is open is
 * closed, and then closing the workspace must succeed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worldgraph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SESSIONS = 2,
    RUNS = 3,
    STMTS = 3,
    RESULTS = 3,
    SNAPSHOTS = 2,
    CURSORS = 2,
    NAMES = 3,
    KEYS = 4,
    CALLS_MAX = 200
};

#define MUST(what)                                                     \
    do {                                                               \
        if (!(what)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                   \
        }                                                              \
    } while (0)

typedef struct shadow {
    bool there[KEYS];
    int64_t value[KEYS];
    bool touched[KEYS]; /* of a transaction: by itself */
} shadow;

typedef struct run_place {
    wg_run *run;
    uint32_t session, name;
    uint64_t life; /* which of the runs with this name */
    bool in_txn;
    shadow own; /* of the transaction */
} run_place;

typedef struct world {
    const uint8_t *at, *end;
    uint64_t mixer;
    wg_db *db;
    wg_session *sessions[SESSIONS];
    run_place runs[RUNS];
    wg_stmt *stmts[STMTS];
    uint32_t stmt_session[STMTS];
    wg_result *results[RESULTS];
    wg_snapshot *snapshots[SNAPSHOTS];
    wg_kv_cursor *cursors[CURSORS];
    uint32_t cursor_run[CURSORS];
    shadow committed[NAMES];
    bool unknown[NAMES]; /* the model has lost it */
    uint64_t life[NAMES];
    bool writing[SESSIONS]; /* perhaps, in a transaction: others would wait for it, ten seconds each */
    bool mixed;             /* a statement's transaction is open, or a snapshot is in use: runs may be refused */
} world;

static const char *const names[NAMES] = {NULL, "one", "two"}; /* NULL: the default run */
static const char *const texts[] = {
    "CREATE (:P {k: $x})",
    "MATCH (n) RETURN count(n) AS n, sum(n.k) AS s",
    "CREATE NODE LABEL D (id INT, PRIMARY KEY (id))",
    "CREATE (:D {id: $x})",
    "MATCH (a:P), (b:P) WHERE a.k < b.k CREATE (a)-[:R]->(b)",
    "MATCH p = (a)-[:R*1..3]->(b) RETURN p LIMIT 3",
    "MATCH (n:P) SET n.k = n.k + 1 RETURN n",
    "MATCH (n:P) DETACH DELETE n",
    "RETURN $x / 0",
    "RETURN",
    "UNWIND [1, 2.5, 'a', null, [1], {k: 1}] AS v RETURN v, $x",
    "CREATE INDEX FOR (n:P) ON (n.k)",
    "CALL db.labels()",
    "DROP NODE LABEL D",
};

/* Behind the end of the input go numbers that follow from it, so that short ones are long programs too. */
static uint32_t take(world *w, uint32_t below) {
    const uint32_t byte = w->at == w->end ? 0 : *w->at++;
    w->mixer = (w->mixer ^ (byte + 1)) * UINT64_C(0x9e3779b97f4a7c15);
    w->mixer ^= w->mixer >> 29;
    return (w->at == w->end ? (uint32_t)(w->mixer >> 32) : byte) % below;
}
static void check(wg_code code, const wg_error *err) {
    MUST(code == WG_OK || (code == err->code && err->message[0] != 0));
}

/* Whether a session other than `but` may hold the writer's place. */
static bool another_writes(const world *w, uint32_t but) {
    bool any = false;
    for (uint32_t i = 0; i < SESSIONS; i++) any |= w->writing[i] && i != but;
    return any;
}

/* A statement in a run's transaction may take the writer's place until that ends. */
static void note_statement(world *w, uint32_t session) {
    for (uint32_t i = 0; i < RUNS; i++)
        if (w->runs[i].run != NULL && w->runs[i].session == session && w->runs[i].in_txn) w->writing[session] = true;
}

static wg_session *session_of(world *w, uint32_t *out) {
    const uint32_t i = take(w, SESSIONS + 1) % SESSIONS;
    if (out != NULL) *out = i;
    return w->sessions[i];
}

/* ---- the workspace and its sessions */

static void remove_tree(const char *dir) {
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    MUST(system(command) == 0);
}

static void open_session(world *w) {
    const uint32_t i = take(w, SESSIONS);
    wg_error err = {0};
    if (w->sessions[i] != NULL) return;
    check(wg_session_open(w->db, &w->sessions[i], &err), &err);
    check(wg_session_set_deadline(w->sessions[i], 20, &err), &err); /* of waits for the other session's transaction */
}

static void close_run(world *w, uint32_t i) {
    for (uint32_t c = 0; c < CURSORS; c++) {
        if (w->cursors[c] == NULL || w->cursor_run[c] != i) continue;
        wg_kv_cursor_close(w->cursors[c]);
        w->cursors[c] = NULL;
    }
    wg_run_close(w->runs[i].run);
    if (w->runs[i].in_txn) w->writing[w->runs[i].session] = false;
    memset(&w->runs[i], 0, sizeof w->runs[i]);
}

static void close_session(world *w, uint32_t i) {
    for (uint32_t r = 0; r < RUNS; r++)
        if (w->runs[r].run != NULL && w->runs[r].session == i) close_run(w, r);
    for (uint32_t s = 0; s < STMTS; s++) {
        if (w->stmts[s] == NULL || w->stmt_session[s] != i) continue;
        wg_stmt_finish(w->stmts[s]);
        w->stmts[s] = NULL;
    }
    wg_session_close(w->sessions[i]);
    w->sessions[i] = NULL;
    w->writing[i] = false;
}

static void session_call(world *w) {
    uint32_t i = 0;
    wg_session *session = session_of(w, &i);
    wg_error err = {0};
    uint64_t done = 0, total = 0;
    switch (take(w, 9)) {
        case 0:
            close_session(w, i);
            break;
        case 1:
            check(wg_begin(session, take(w, 2) == 1, &err), &err);
            w->writing[i] |= err.code == WG_OK;
            w->mixed = true;
            break;
        case 2:
            check(wg_commit(session, NULL, &err), &err);
            w->writing[i] &= err.code == WG_E_MISUSE; /* there is none, or it is a run's */
            break;
        case 3:
            check(wg_rollback(session, &err), &err);
            w->writing[i] &= err.code == WG_E_MISUSE;
            break;
        case 4:
            check(wg_session_set_parallelism(session, take(w, 3), take(w, 256), &err), &err);
            break;
        case 5:
            check(wg_session_set_speed_lane(session, (wg_speed_lane)take(w, 5), &err), &err);
            break;
        case 6:
            check(wg_session_use_snapshot(session, w->snapshots[take(w, SNAPSHOTS)], &err), &err);
            w->mixed = true;
            break;
        case 7:
            if (session != NULL) wg_session_cancel(session);
            break;
        default:
            if (session != NULL) wg_session_progress(session, &done, &total);
            break;
    }
}

static bool discard(void *ctx, const void *data, size_t size) {
    const uint8_t *bytes = data;
    size_t *sum = ctx;
    for (size_t i = 0; i < size; i++) *sum += bytes[i];
    return true;
}

static void database_call(world *w) {
    wg_error err = {0};
    wg_checkpoint_info info;
    size_t sum = 0;
    uint64_t logseq;
    const uint32_t i = take(w, SNAPSHOTS);
    if (another_writes(w, SESSIONS)) return;
    switch (take(w, 9)) {
        case 0:
            check(wg_sync(w->db, &err), &err);
            break;
        case 1:
            check(wg_checkpoint(w->db, &info, &err), &err);
            break;
        case 2:
            check(wg_compact(w->db, NULL, NULL, NULL, NULL, &err), &err);
            break;
        case 3:
            check(wg_expire(w->db, take(w, 16), &err), &err);
            break;
        case 4:
            check(wg_refresh(w->db, &logseq, &err), &err);
            break;
        case 5:
            if (w->snapshots[i] != NULL) break;
            check(wg_snapshot_acquire(w->db, take(w, 8), &w->snapshots[i], &err), &err);
            break;
        case 6:
            check(wg_db_stats_prometheus(w->db, discard, &sum, &err), &err);
            break;
        case 7:
            check(wg_close(NULL, &err), &err);
            break;
        default:
            MUST(wg_db_logseq(w->db) != UINT64_MAX);
            break;
    }
}

/* ---- statements */

static wg_value value_of(world *w, int64_t *out) {
    wg_value v = {.type = WG_TYPE_INT};
    v.as.i = (int64_t)take(w, 256) - 128;
    if (out != NULL) *out = v.as.i;
    return v;
}

static void statement_call(world *w) {
    uint32_t of = 0;
    const uint32_t i = take(w, STMTS), r = take(w, RESULTS);
    const char *text = texts[take(w, sizeof texts / sizeof texts[0])];
    wg_session *session = session_of(w, &of);
    wg_error err = {0};
    wg_value v;
    if (another_writes(w, of)) return; /* preparing in a transaction may wait for it */
    switch (take(w, 7)) {
        case 0:
            if (w->stmts[i] != NULL) break;
            check(wg_prepare(session, text, strlen(text), &w->stmts[i], &err), &err);
            w->stmt_session[i] = of;
            break;
        case 1:
            v = value_of(w, NULL);
            check(wg_bind(w->stmts[i], take(w, 4) == 0 ? "nothing" : "x", &v, &err), &err);
            break;
        case 2:
            check(wg_bind_float(w->stmts[i], "x", 0.5, &err), &err);
            break;
        case 3:
            check(wg_bind_json(w->stmts[i], "x", "[1,{\"a\":2}]", take(w, 12), &err), &err);
            break;
        case 4:
            if (w->results[r] != NULL) break;
            check(wg_execute(w->stmts[i], &w->results[r], &err), &err);
            if (w->stmts[i] != NULL) note_statement(w, w->stmt_session[i]);
            break;
        case 5:
            wg_stmt_finish(w->stmts[i]);
            w->stmts[i] = NULL;
            break;
        default:
            if (w->results[r] != NULL) break;
            check(wg_query(session, text, &w->results[r], &err), &err);
            note_statement(w, of);
            break;
    }
}

static void result_call(world *w) {
    const uint32_t i = take(w, RESULTS);
    const wg_result *result = w->results[i];
    wg_error err = {0};
    wg_value v;
    size_t sum = 0;
    switch (take(w, 6)) {
        case 0:
            check(wg_result_cell(result, take(w, 8), take(w, 4), &v, &err), &err);
            break;
        case 1:
            check(wg_result_write_json(result, discard, &sum, &err), &err);
            break;
        case 2:
            check(wg_result_write_arrow(result, discard, &sum, &err), &err);
            break;
        case 3:
            if (result == NULL) break;
            MUST(wg_result_column_name(result, wg_result_column_count(result)) == NULL);
            for (uint64_t row = 0; row < wg_result_row_count(result); row++)
                for (uint32_t c = 0; c < wg_result_column_count(result); c++) {
                    check(wg_result_cell(result, row, c, &v, &err), &err);
                    check(wg_value_write_json(&v, discard, &sum, &err), &err);
                }
            break;
        case 4:
            MUST(result == NULL || strlen(wg_result_gqlstatus(result)) == 5);
            break;
        default:
            wg_result_free(w->results[i]);
            w->results[i] = NULL;
            break;
    }
}

/* ---- runs, against the model */

static run_place *run_of(world *w, uint32_t *out) {
    const uint32_t i = take(w, RUNS);
    if (out != NULL) *out = i;
    return &w->runs[i];
}

static bool is_known(const world *w, const run_place *r) {
    return r->run != NULL && !w->unknown[r->name] && !w->mixed && r->life == w->life[r->name];
}

/* What a read of the run must show. */
static const shadow *seen_by(const world *w, const run_place *r) {
    return r->in_txn ? &r->own : &w->committed[r->name];
}

static void wrote(world *w, run_place *r, uint32_t key, bool there, int64_t value) {
    shadow *s = r->in_txn ? &r->own : &w->committed[r->name];
    s->there[key] = there;
    s->value[key] = value;
    s->touched[key] = true;
}

static void expect_item(const world *w, const run_place *r, uint32_t key, const wg_kv_item *item) {
    if (!is_known(w, r)) return;
    const shadow *s = seen_by(w, r);
    MUST(item->found == s->there[key]);
    if (item->found) MUST(item->value.type == WG_TYPE_INT && item->value.as.i == s->value[key]);
}

static void lose(world *w, uint32_t name) { w->unknown[name] = true; }

static void open_run(world *w) {
    uint32_t of = 0, i = 0;
    run_place *r = run_of(w, &i);
    wg_session *session = session_of(w, &of);
    const uint32_t name = take(w, NAMES);
    const wg_run_options options = {.if_not_exists = take(w, 2) == 1};
    wg_error err = {0};
    if (r->run != NULL || another_writes(w, of)) return;
    const wg_code code = name == 0 ? wg_run_open(session, NULL, &r->run, &err)
                                   : wg_run_create(session, names[name], &options, &r->run, &err);
    check(code, &err);
    MUST((code == WG_OK) == (r->run != NULL));
    r->session = of;
    r->name = name;
    r->life = w->life[name];
    r->in_txn = false;
    for (uint32_t c = 0; c < RUNS; c++)
        if (&w->runs[c] != r && w->runs[c].run != NULL && w->runs[c].session == of && w->runs[c].in_txn)
            lose(w, name);
}

/* Calls of other runs of a session whose run has a transaction are refused or belong to nobody: the model stays out of it. */
static bool session_is_free(const world *w, const run_place *r) {
    for (uint32_t i = 0; i < RUNS; i++)
        if (&w->runs[i] != r && w->runs[i].run != NULL && w->runs[i].session == r->session && w->runs[i].in_txn)
            return false;
    return true;
}

static void transaction_call(world *w) {
    run_place *r = run_of(w, NULL);
    const wg_run_txn_options options = {.serializable = take(w, 2) == 1};
    wg_error err = {0};
    wg_code code;
    if (another_writes(w, r->session)) return;
    switch (take(w, 3)) {
        case 0:
            code = wg_run_begin(r->run, &options, &err);
            check(code, &err);
            if (code != WG_OK) break;
            r->in_txn = true;
            r->own = w->committed[r->name];
            memset(r->own.touched, 0, sizeof r->own.touched);
            break;
        case 1:
            code = wg_run_commit(r->run, NULL, &err);
            check(code, &err);
            for (uint32_t k = 0; code == WG_OK && r->in_txn && k < KEYS; k++) {
                if (!r->own.touched[k] || r->life != w->life[r->name]) continue;
                w->committed[r->name].there[k] = r->own.there[k];
                w->committed[r->name].value[k] = r->own.value[k];
            }
            if (r->in_txn) w->writing[r->session] = false;
            r->in_txn = false; /* in either case it has ended, or there was none */
            break;
        default:
            if (r->run == NULL) break;
            wg_run_rollback(r->run);
            if (r->in_txn) w->writing[r->session] = false;
            r->in_txn = false;
            break;
    }
}

static void write_call(world *w, run_place *r, uint32_t key) {
    const char name = (char)('a' + key);
    wg_error err = {0};
    int64_t number = 0, sum = 0;
    bool existed = false;
    const wg_value v = value_of(w, &number);
    wg_code code;
    switch (take(w, 4)) {
        case 0:
            code = wg_kv_put(r->run, &name, 1, &v, NULL, &err);
            if (code == WG_OK) wrote(w, r, key, true, number);
            break;
        case 1:
            code = wg_kv_delete(r->run, &name, 1, &existed, &err);
            if (code != WG_OK) break;
            if (is_known(w, r)) MUST(existed == seen_by(w, r)->there[key]);
            wrote(w, r, key, false, 0);
            break;
        case 2:
            code = wg_kv_increment(r->run, &name, 1, number, &sum, &err);
            if (code != WG_OK) break;
            if (is_known(w, r)) MUST(sum == number + (seen_by(w, r)->there[key] ? seen_by(w, r)->value[key] : 0));
            wrote(w, r, key, true, sum);
            break;
        default:
            code = wg_kv_cas(r->run, &name, 1, WG_VERSION_NONE, &v, NULL, &err);
            if (code != WG_OK) break;
            if (is_known(w, r) && !r->in_txn) MUST(!seen_by(w, r)->there[key]); /* in one it is judged at the end */
            wrote(w, r, key, true, number);
            break;
    }
    check(code, &err);
}

static void key_call(world *w) {
    run_place *r = run_of(w, NULL);
    const uint32_t key = take(w, KEYS);
    const char name = (char)('a' + key);
    wg_error err = {0};
    wg_kv_item items[KEYS];
    wg_kv_key keys[KEYS];
    static const char letters[KEYS] = {'a', 'b', 'c', 'd'};
    if (r->run != NULL && !session_is_free(w, r)) lose(w, r->name);
    switch (take(w, 4)) {
        case 0:
            if (wg_kv_get(r->run, &name, take(w, 9) == 0 ? 0 : 1, &items[0], &err) == WG_OK)
                expect_item(w, r, key, &items[0]);
            break;
        case 1:
            for (uint32_t i = 0; i < KEYS; i++) keys[i] = (wg_kv_key){&letters[i], 1};
            if (wg_kv_get_many(r->run, keys, KEYS, items, &err) != WG_OK) break;
            for (uint32_t i = 0; i < KEYS; i++) expect_item(w, r, i, &items[i]);
            break;
        default:
            write_call(w, r, key);
            break;
    }
}

static void scan_call(world *w) {
    const uint32_t i = take(w, CURSORS);
    uint32_t of = 0, n = 0;
    wg_error err = {0};
    wg_kv_row rows[2];
    const run_place *r = run_of(w, &of);
    const wg_kv_scan_options options = {.reverse = take(w, 2) == 1, .at = take(w, 16) > 12 ? 1 : 0};
    switch (take(w, 3)) {
        case 0:
            if (w->cursors[i] != NULL) break;
            check(wg_kv_scan(r->run, &options, &w->cursors[i], &err), &err);
            w->cursor_run[i] = of;
            break;
        case 1:
            check(wg_kv_cursor_next(w->cursors[i], rows, 2, &n, &err), &err);
            break;
        default:
            wg_kv_cursor_close(w->cursors[i]);
            w->cursors[i] = NULL;
            break;
    }
}

static bool seen_event(void *ctx, const wg_event_item *event) {
    uint64_t *last = ctx;
    MUST(*last == UINT64_MAX || event->sequence == *last + 1);
    *last = event->sequence;
    return true;
}

static void event_call(world *w) {
    run_place *r = run_of(w, NULL);
    wg_error err = {0};
    const wg_event_range range = {.from = take(w, 4), .to = take(w, 8)};
    wg_eventlog_report report = {0};
    wg_event_item event;
    const wg_value v = value_of(w, NULL);
    uint64_t number = 0, last = UINT64_MAX;
    switch (take(w, 7)) {
        case 0:
        case 1:
            check(wg_eventlog_append(r->run, take(w, 2) == 0 ? "t" : "u", &v, &number, &err), &err);
            break;
        case 2:
            check(wg_eventlog_read(r->run, take(w, 6), &event, &err), &err);
            break;
        case 3:
            check(wg_eventlog_range(r->run, &range, seen_event, &last, &err), &err);
            break;
        case 4:
            check(wg_eventlog_verify(r->run, &report, &err), &err);
            MUST(err.code != WG_OK || report.valid);
            break;
        case 5:
            check(wg_consumer_set(r->run, "c", take(w, 4), &err), &err);
            break;
        default:
            check(wg_consumer_get(r->run, "c", &number, &err), &err);
            break;
    }
}

static void run_call(world *w) {
    run_place *r = run_of(w, NULL);
    run_place *other = run_of(w, NULL);
    const uint32_t name = 1 + take(w, NAMES - 1);
    wg_error err = {0};
    wg_run_info info;
    if (another_writes(w, SESSIONS)) return;
    switch (take(w, 7)) {
        case 0:
            close_run(w, (uint32_t)(r - w->runs));
            break;
        case 1:
            check(wg_run_get_info(r->run, &info, &err), &err);
            break;
        case 2:
            check(wg_run_set_status(r->run, (wg_run_status)take(w, 7), "why", &err), &err);
            break;
        case 3:
            if (wg_run_delete(session_of(w, NULL), names[name], &err) != WG_OK) break;
            w->life[name]++;
            memset(&w->committed[name], 0, sizeof w->committed[name]);
            w->unknown[name] = true; /* a transaction of an older life may still be open */
            break;
        case 4:
            if (wg_run_fork(r->run, names[name], take(w, 4), NULL, NULL, &err) == WG_OK) lose(w, name);
            break;
        case 5:
            if (wg_run_merge(r->run, other->run, (wg_merge_policy)take(w, 5), NULL, &err) == WG_OK)
                lose(w, other->name);
            break;
        default:
            check(wg_run_diff(r->run, other->run, NULL, NULL, NULL, &err), &err);
            break;
    }
}

static void close_everything(world *w) {
    wg_error err = {0};
    for (uint32_t i = 0; i < CURSORS; i++) {
        wg_kv_cursor_close(w->cursors[i]);
        w->cursors[i] = NULL;
    }
    for (uint32_t i = 0; i < RESULTS; i++) wg_result_free(w->results[i]);
    for (uint32_t i = 0; i < SESSIONS; i++) {
        if (w->sessions[i] != NULL) check(wg_session_use_snapshot(w->sessions[i], NULL, &err), &err);
        close_session(w, i);
    }
    for (uint32_t i = 0; i < SNAPSHOTS; i++) wg_snapshot_release(w->snapshots[i]);
    err = (wg_error){0};
    const wg_code code = wg_close(w->db, &err);
    if (code != WG_OK) fprintf(stderr, "closing: %s\n", err.message);
    MUST(code == WG_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const calls[])(world *) = {
        open_session,     session_call, database_call, statement_call, statement_call, result_call, open_run,
        transaction_call, key_call,     key_call,      key_call,       scan_call,      event_call,  run_call};
    world w = {.at = data, .end = data + size};
    char dir[] = "/tmp/worldgraph-calls-XXXXXX";
    const bool on_disk = take(&w, 8) == 7;
    const wg_options options = {.durability = on_disk ? WG_BUFFERED : WG_IN_MEMORY,
                                .create = true,
                                .threads = 1,
                                .no_background = true,
                                .query_memory_bytes_max = 16 << 20};
    wg_error err = {0};
    if (on_disk) MUST(mkdtemp(dir) != NULL);
    check(wg_open(on_disk ? dir : NULL, &options, &w.db, &err), &err);
    MUST(err.code == WG_OK);
    open_session(&w);
    for (uint32_t i = 0; i < CALLS_MAX; i++) calls[take(&w, sizeof calls / sizeof calls[0])](&w);
    close_everything(&w);
    if (on_disk) remove_tree(dir);
    return 0;
}
