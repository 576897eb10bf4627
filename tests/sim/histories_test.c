/* Isolation: histories of list-append transactions of four sessions (threads of the scheduler), on properties and on lists of edges, with
 * power failures between, are checked for what snapshot isolation forbids (history.h).
 *
 * STRICT: every acknowledged commit is there after a power failure. BUFFERED: what comes back must be a prefix of the commits, not shorter than
 * what the last acknowledged sync covered. Each life is judged twice: at its power failure as its sessions saw it, and at the end with what
 * power took back taken out of it (history_cut), when every read of a later life must agree.
 *
 *   WG_SEED=N            where the seeds begin
 *   WG_SIM_TXNS=N        transactions of each history, instead of TXNS */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/core/test_seed.h"
#include "engine/engine.h"
#include "tests/sim/history.h"
#include "tests/sim/scenarios.h"

extern int sim_canary;

enum {
    HISTORIES = 20,
    TXNS = 10000,
    TXNS_SMALL = 500,
    SESSIONS = 4,
    LIVES = 4,
    LIVES_BUFFERED = 10,
    OPS_MAX = 4,
    KEYS_AT_ONCE = 5,
    LIST_MAX = 24,
    SYNC_BATCH = 60 /* BUFFERED: commits */
};

typedef struct store {
    wg_platform *disk;
    wg_platform *p;
    wg_engine *engine;
    wg_durability durability;
    bool edges; /* lists are edges of a node; otherwise a property of it */
    history h;
    uint32_t txns_until;     /* in this life */
    uint32_t life_first;     /* transaction of this life */
    uint64_t life_begin;     /* logseq of the commit that began it, which is durable */
    uint64_t synced;         /* logseq that an acknowledged sync has covered */
    uint64_t came_back;      /* logseq that the opening found */
    uint32_t put, put_acked; /* in run 1: the last value, and the last that is durable */
    uint64_t puts;
    bool power_gone;
    uint32_t label, edge_label, key_k, key_list, key_n, key_e;
    uint32_t first_key; /* lists first_key .. + KEYS_AT_ONCE are in use */
    uint32_t *lengths;  /* about, by list: when it is long another takes its place */
    uint32_t conflicts, failures, checkpoints, syncs;
    uint32_t lost, lives_that_lost;
    int64_t cut_off_by; /* of tests of the check: the end of what came back is said to be so many commits later */
} store;

/* ---- lists in the database */

static const wg_column_def columns[] = {{.name = "k", .type = WG_TYPE_INT, .int_bits = 64},
                                        {.name = "list", .type = WG_TYPE_ANY},
                                        {.name = "n", .type = WG_TYPE_INT, .int_bits = 64}};
static const wg_label_def label_l = {
    .name = "L", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 3, .key_count = 1};

static wg_code names(store *s, wg_txn *txn, wg_error *err) {
    WG_TRY(wg_txn_create_label(txn, &label_l, true, err));
    WG_TRY(wg_txn_intern_label(txn, wg_slice_str("L"), false, &s->label, err));
    WG_TRY(wg_txn_intern_label(txn, wg_slice_str("E"), true, &s->edge_label, err));
    WG_TRY(wg_txn_intern_key(txn, wg_slice_str("k"), &s->key_k, err));
    WG_TRY(wg_txn_intern_key(txn, wg_slice_str("list"), &s->key_list, err));
    WG_TRY(wg_txn_intern_key(txn, wg_slice_str("n"), &s->key_n, err));
    return wg_txn_intern_key(txn, wg_slice_str("e"), &s->key_e, err);
}

static wg_code ints_of(const wg_column *column, uint32_t *out, uint32_t *count, wg_error *err) {
    const wg_vector v = wg_column_view(column);
    const wg_value value = wg_vector_value(&v, 0);
    if (value.type == WG_TYPE_NULL) {
        *count = 0;
        return WG_OK;
    }
    if (value.type != WG_TYPE_LIST || value.size > LIST_MAX * 4)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a list is no list");
    *count = value.size;
    for (uint32_t i = 0; i < value.size; i++) out[i] = (uint32_t)value.as.list[i].as.i;
    return WG_OK;
}

static wg_code property(const wg_txn *txn, uint64_t id, uint32_t key, wg_arena *arena, wg_column *column,
                        wg_error *err) {
    wg_column_init(column, WG_TYPE_ANY, arena, NULL);
    return wg_read_node_property(txn, &id, 1, key, column, err);
}

/* The elements that edges carry, in their order. */
static wg_code edges_of(const store *s, const wg_txn *txn, uint64_t id, uint32_t *out, uint32_t *count,
                        wg_error *err) {
    uint64_t edges[LIST_MAX * 4];
    uint64_t ends[LIST_MAX * 4];
    wg_expand_position position = {0};
    wg_column column;
    WG_TRY(wg_expand(txn, id, WG_DIRECTION_OUT, &s->edge_label, 1, &position, LIST_MAX * 4, edges, ends, count, err));
    if (*count == 0) return WG_OK;
    wg_column_init(&column, WG_TYPE_ANY, NULL, NULL);
    const wg_code code = wg_read_edge_property(txn, edges, *count, s->key_e, &column, err);
    const wg_vector v = wg_column_view(&column);
    for (uint32_t i = 0; code == WG_OK && i < *count; i++) out[i] = (uint32_t)wg_vector_value(&v, i).as.i;
    wg_column_deinit(&column);
    return code;
}

static wg_code list_get(const store *s, const wg_txn *txn, uint32_t key, uint64_t *id, uint32_t *out, uint32_t *count,
                        wg_error *err) {
    const wg_value value = wg_value_int(key);
    bool found = false;
    wg_column column;
    *count = 0;
    *id = UINT64_MAX;
    WG_TRY(wg_node_seek(txn, s->label, &value, 1, id, &found, err));
    if (!found) {
        *id = UINT64_MAX;
        return WG_OK;
    }
    wg_arena arena; /* of the list's elements */
    wg_arena_init(&arena, NULL);
    wg_code code = property(txn, *id, s->edges ? s->key_n : s->key_list, &arena, &column, err);
    if (code == WG_OK && !s->edges) code = ints_of(&column, out, count, err);
    if (code == WG_OK && s->edges) {
        const wg_vector v = wg_column_view(&column);
        const int64_t n = wg_vector_value(&v, 0).as.i;
        code = edges_of(s, txn, *id, out, count, err);
        if (code == WG_OK && n != (int64_t)*count)
            sim_fail("list %u has %u edges and says %lld", key, *count, (long long)n);
    }
    wg_column_deinit(&column);
    wg_arena_deinit(&arena);
    return code;
}

/* Reads, adds one, writes: the node that it changes is the list's, so two that do it at once are a conflict. */
static wg_code list_append(const store *s, wg_txn *txn, uint32_t key, uint32_t element, wg_error *err) {
    uint32_t elements[LIST_MAX * 4 + 1];
    uint32_t count = 0;
    uint64_t id = 0;
    wg_value items[LIST_MAX * 4 + 1];
    WG_TRY(list_get(s, txn, key, &id, elements, &count, err));
    elements[count++] = element;
    for (uint32_t i = 0; i < count; i++) items[i] = wg_value_int(elements[i]);
    wg_property p[3] = {
        {s->key_k, wg_value_int(key)}, {s->key_n, wg_value_int(count)}, {s->key_list, wg_value_null()}};
    if (!s->edges) {
        wg_value list = {.type = WG_TYPE_LIST, .size = count};
        list.as.list = items;
        p[2].value = list;
    }
    if (id == UINT64_MAX) WG_TRY(wg_txn_create_node(txn, &s->label, 1, p, s->edges ? 2 : 3, &id, err));
    else WG_TRY(wg_txn_set_node(txn, id, p + 1, s->edges ? 1 : 2, false, err));
    if (!s->edges) return WG_OK;
    uint64_t edge = 0;
    const wg_property e = {s->key_e, wg_value_int(element)};
    return wg_txn_create_edge(txn, s->edge_label, id, id, &e, 1, &edge, err);
}

/* ---- sessions */

/* A list that is in use; long ones make room for new ones. */
static uint32_t some_list(store *s) {
    const uint32_t key = s->first_key + (uint32_t)sim_random(KEYS_AT_ONCE);
    if (s->lengths[s->first_key] >= LIST_MAX) s->first_key++;
    return key;
}

static wg_code one_op(store *s, wg_txn *txn, uint32_t number, bool writes, wg_error *err) {
    const uint32_t key = some_list(s);
    if (writes && sim_random(2) == 0 && s->lengths[key] < LIST_MAX * 2) {
        s->lengths[key]++;
        return list_append(s, txn, key, history_append(&s->h, number, key), err);
    }
    uint32_t elements[LIST_MAX * 4];
    uint32_t count = 0;
    uint64_t id = 0;
    WG_TRY(list_get(s, txn, key, &id, elements, &count, err));
    history_read(&s->h, number, key, elements, count);
    return WG_OK;
}

/* Conflicts end a transaction. Any other failure is of the power, or the schedule fails. */
static bool one_transaction(store *s) {
    wg_error err = {0};
    wg_txn *txn = NULL;
    const bool writes = sim_random(4) != 0;
    wg_code code = wg_txn_begin(s->engine, writes ? WG_TXN_OPTIMISTIC : WG_TXN_READ, 0, &txn, &err);
    if (code != WG_OK) {
        if (!s->power_gone) sim_fail("begin: %s", err.message);
        return false;
    }
    const uint32_t number = history_begin(&s->h);
    const uint64_t ops = 1 + sim_random(OPS_MAX);
    for (uint64_t i = 0; i < ops && code == WG_OK; i++) {
        if (sim_random(3) == 0) sim_yield();
        code = one_op(s, txn, number, writes, &err);
    }
    history_status status = HISTORY_ABORTED;
    uint64_t logseq = 0;
    if (code == WG_OK && sim_random(20) != 0) {
        code = wg_txn_commit(txn, &logseq, &err);
        status = code == WG_OK ? HISTORY_COMMITTED : code == WG_E_CONFLICT ? HISTORY_ABORTED : HISTORY_UNKNOWN;
    } else {
        wg_txn_abort(txn);
    }
    if (status == HISTORY_COMMITTED) history_end_at(&s->h, number, logseq);
    else history_end(&s->h, number, status);
    if (code == WG_E_CONFLICT || code == WG_E_CONSTRAINT)
        s->conflicts++; /* of a list that two begin: its key is taken */
    else if (code != WG_OK) {
        s->failures++;
        if (!wg_platform_sim_crashed(s->disk)) sim_fail("%s: %s", wg_code_name(code), err.message);
        s->power_gone = true;
        return false;
    }
    return true;
}

static void session(void *arg) {
    store *s = arg;
    while (s->h.txns < s->txns_until && !s->power_gone && !sim_failed())
        if (!one_transaction(s)) return;
}

/* Beside the sessions, whose transactions are open: each put is durable when it returns (STRICT). */
static void run_session(void *arg) {
    store *s = arg;
    wg_error err = {0};
    wg_state_session *session = NULL;
    wg_state_run *run = wg_state_run_at(wg_engine_state(s->engine), 1);
    const wg_state_key key = wg_state_key_of(run, wg_slice_str("n"));
    wg_code code = wg_state_session_open(wg_engine_state(s->engine), &session, &err);
    while (code == WG_OK && s->h.txns < s->txns_until && !s->power_gone && !sim_failed()) {
        const uint32_t number = ++s->put;
        const wg_state_value value = {.type = WG_TYPE_BYTES, .bytes = wg_slice_of(&number, sizeof number)};
        const wg_lane *lane = wg_state_session_lane(session);
        code = wg_state_put(session, run, &key, &value, WG_VERSION_ANY, 7, NULL, &err);
        if (code == WG_OK && s->durability == WG_STRICT)
            code = wg_engine_state_wait(s->engine, lane, wg_lane_ticket(lane), &err);
        else if (code == WG_OK) wg_engine_state_notice(s->engine, lane);
        if (code == WG_OK && s->durability == WG_STRICT) s->put_acked = number;
        s->puts += code == WG_OK;
        for (uint32_t i = 0; i < 20 && s->h.txns < s->txns_until; i++) sim_yield();
    }
    wg_state_session_close(session);
    if (code != WG_OK && !wg_platform_sim_crashed(s->disk)) sim_fail("a put: %s", err.message);
}

/* What power left of the run. */
static bool run_came_back(store *s) {
    wg_error err = {0};
    wg_state_session *session = NULL;
    wg_state_run *run = wg_state_run_at(wg_engine_state(s->engine), 1);
    uint32_t number = 0;
    if (run == NULL) return true; /* the store is new */
    const wg_state_key key = wg_state_key_of(run, wg_slice_str("n"));
    wg_state_cell cell = {0};
    wg_code code = wg_state_session_open(wg_engine_state(s->engine), &session, &err);
    if (code == WG_OK) code = wg_state_get(session, run, &key, WG_LOGSEQ_NEVER, 1, &cell, &err);
    if (code == WG_OK && cell.version != 0) memcpy(&number, cell.bytes.data, sizeof number);
    wg_state_cell_deinit(&cell);
    wg_state_session_close(session);
    if (code != WG_OK) sim_fail("the run: %s", err.message);
    else if (number < s->put_acked || number > s->put)
        sim_fail("put %u was acknowledged, %u made, and %u came back", s->put_acked, s->put, number);
    s->put = s->put_acked = number;
    return !sim_failed();
}

static wg_code run_make(store *s, wg_error *err) {
    wg_mixed_result result;
    const wg_run_change change = {.origin = {.number = UINT32_MAX}};
    if (wg_state_run_at(wg_engine_state(s->engine), 1) != NULL) return WG_OK;
    return wg_engine_commit_mixed(s->engine, &(wg_mixed_commit){.change = &change, .change_count = 1}, &result, err);
}

static void caretaker(void *arg) {
    store *s = arg;
    while (s->h.txns < s->txns_until && !s->power_gone && !sim_failed()) {
        for (uint32_t i = 0; i < 40 && s->h.txns < s->txns_until; i++) sim_yield();
        /* A checkpoint makes everything durable, and so BUFFERED sees fewer of them than syncs, and of both few. */
        if (s->durability == WG_BUFFERED && sim_random(10) != 0) continue;
        const uint64_t before = wg_engine_logseq(s->engine);
        const bool sync = s->durability == WG_BUFFERED && sim_random(4) != 0;
        const wg_code code = sync ? wg_engine_sync(s->engine, NULL) : wg_engine_checkpoint(s->engine, NULL, NULL);
        if (code != WG_OK) continue;
        if (before > s->synced) s->synced = before;
        if (sync) s->syncs++;
        else s->checkpoints++;
    }
}

/* ---- lives */

static bool store_open(store *s) {
    wg_error err = {0};
    wg_txn *txn = NULL;
    const wg_engine_options o = {.platform = s->p,
                                 .options = {.durability = s->durability,
                                             .create = true,
                                             .threads = 1,
                                             .sync_interval_ms = 1,
                                             .sync_batch_commits = SYNC_BATCH,
                                             .checkpoint_log_bytes = UINT64_MAX},
                                 .wal_segment_bytes = 1 << 15,
                                 .ring_dir = ""};
    wg_code code = wg_engine_open("/ws", &o, &s->engine, &err);
    s->came_back = code == WG_OK ? wg_engine_logseq(s->engine) : 0;
    if (code == WG_OK) code = wg_txn_begin(s->engine, WG_TXN_WRITE, 0, &txn, &err);
    if (code == WG_OK) code = names(s, txn, &err);
    if (code == WG_OK) code = wg_txn_commit(txn, NULL, &err);
    if (code == WG_OK) code = run_make(s, &err);
    if (code == WG_OK) code = wg_engine_sync(s->engine, &err);
    if (code == WG_OK) s->synced = s->life_begin = wg_engine_logseq(s->engine);
    if (code != WG_OK) sim_fail("open: %s: %s", wg_code_name(code), err.message);
    return code == WG_OK;
}

/* What the sessions of all lives saw, before power takes back what it takes back. */
static bool seen_rightly(const store *s) {
    history_verdict v;
    history_check(&s->h, &v);
    v.lost = 0; /* the last reads are not there yet */
    if (!history_is_right(&v)) sim_fail("before the power failure: %s", v.first);
    return history_is_right(&v);
}

/* Power has failed, and the workspace is open again: judges how much came back, and takes the rest out of the history. */
static bool take_back(store *s, uint64_t synced) {
    if (s->came_back < synced) {
        sim_fail("commits up to %llu were synced, and %llu came back", (unsigned long long)synced,
                 (unsigned long long)s->came_back);
        return false;
    }
    const uint32_t lost = history_cut(&s->h, s->life_first, s->came_back + (uint64_t)s->cut_off_by);
    if (s->durability == WG_STRICT && lost != 0) {
        sim_fail("%u transactions that were acknowledged are gone", lost);
        return false;
    }
    s->lost += lost;
    s->lives_that_lost += lost != 0;
    return true;
}

/* Sessions until enough is done or power fails; then what is left is opened again. */
static bool live(store *s, bool ends_with_power) {
    sim_crew crew = {.count = 0};
    wg_platform *left = NULL;
    s->power_gone = false;
    const uint64_t to_do = s->txns_until - wg_min_u64(s->h.txns, s->txns_until - 1);
    /* BUFFERED calls the platform for few of its commits. */
    const bool buffered = s->durability == WG_BUFFERED;
    s->life_first = s->h.txns;
    if (ends_with_power)
        wg_platform_sim_crash_at(s->disk, buffered ? 8 + sim_random(to_do / 3) : 50 + sim_random(2 * to_do));
    sim_explore(true);
    for (int i = 0; i < SESSIONS; i++) sim_crew_add(&crew, session, s);
    sim_crew_add(&crew, caretaker, s);
    sim_crew_add(&crew, run_session, s);
    sim_crew_join(&crew);
    sim_explore(false);
    if (sim_failed()) return false;
    if (!wg_platform_sim_crashed(s->disk)) { /* it lasted longer than what was to do */
        /* What BUFFERED holds back is lost all the same when power fails now. */
        wg_platform_sim_crash_at(s->disk, buffered && ends_with_power ? 1 : 0);
        if (!buffered || !ends_with_power) return true;
    }
    wg_error ignored = {0};
    const uint64_t synced = s->synced;
    (void)wg_engine_close(s->engine, &ignored);
    s->engine = NULL;
    if (!seen_rightly(s)) return false;
    if (wg_platform_sim_reboot(s->disk, (wg_crash_pattern)sim_random(WG_CRASH_PATTERN_COUNT), sim_random(1 << 20),
                               &left, NULL) != WG_OK)
        return false;
    sim_platform_destroy(s->p);
    wg_platform_sim_destroy(s->disk);
    s->disk = left;
    s->p = sim_platform_create(left);
    return store_open(s) && run_came_back(s) && take_back(s, synced);
}

/* The last transaction reads all lists. */
static void read_all(store *s) {
    wg_txn *txn = NULL;
    SIM_TRY("begin", wg_txn_begin(s->engine, WG_TXN_READ, 0, &txn, err));
    const uint32_t number = history_begin(&s->h);
    for (uint32_t key = 0; key < s->h.keys; key++) {
        uint32_t elements[LIST_MAX * 4];
        uint32_t count = 0;
        uint64_t id = 0;
        SIM_TRY("read", list_get(s, txn, key, &id, elements, &count, err));
        history_read(&s->h, number, key, elements, count);
    }
    history_end(&s->h, number, HISTORY_COMMITTED);
    wg_txn_abort(txn);
}

static void run(store *s, uint32_t txns) {
    wg_error err = {0};
    s->lengths = calloc(txns * OPS_MAX + KEYS_AT_ONCE + 1, sizeof *s->lengths);
    WG_ASSERT(s->lengths != NULL);
    if (wg_platform_sim_create(1, &s->disk, NULL) != WG_OK) return;
    s->p = sim_platform_create(s->disk);
    if (!store_open(s)) return;
    const uint32_t lives = s->durability == WG_BUFFERED ? LIVES_BUFFERED : LIVES;
    for (uint32_t life = 1; life <= lives; life++) {
        s->txns_until = txns / lives * life;
        if (!live(s, life < lives)) return;
    }
    read_all(s);
    if (wg_engine_close(s->engine, &err) != WG_OK) sim_fail("close: %s", err.message);
    sim_platform_destroy(s->p);
    wg_platform_sim_destroy(s->disk);
}

typedef struct summary {
    uint64_t txns, committed, conflicts, failures, checkpoints, syncs, edges, skews, puts;
    uint64_t lost, lives_that_lost, buffered; /* of BUFFERED */
} summary;

typedef struct wanted {
    uint64_t seed;
    uint32_t txns;
    bool edges;
    wg_durability durability;
    int64_t cut_off_by;
} wanted;

/* False: what was seen is not what snapshot isolation promises; `message` says what. */
static bool history_runs(const wanted *w, summary *sum, char message[300]) {
    store s = {.edges = w->edges, .durability = w->durability, .cut_off_by = w->cut_off_by};
    sim_report report;
    history_verdict v;
    const uint64_t seed = w->seed;
    const sim_plan plan = {.name = "histories", .seed = seed, .yield_one_in = 60};
    history_init(&s.h);
    sim_begin(&plan);
    run(&s, w->txns);
    if (sim_failed()) sim_abandon(&report);
    else sim_end(&report);
    if (report.failed) {
        snprintf(message, 300, "seed %llu: %s", (unsigned long long)seed, report.message);
        return false;
    }
    history_check(&s.h, &v);
    for (uint32_t i = 0; i < s.h.txns; i++) sum->committed += s.h.status[i] == HISTORY_COMMITTED;
    sum->txns += s.h.txns;
    sum->conflicts += s.conflicts;
    sum->failures += s.failures;
    sum->checkpoints += s.checkpoints;
    sum->syncs += s.syncs;
    sum->puts += s.puts;
    sum->lost += s.lost;
    sum->lives_that_lost += s.lives_that_lost;
    sum->buffered += w->durability == WG_BUFFERED;
    sum->edges += v.edges;
    sum->skews += v.g2_item;
    snprintf(message, 300,
             "seed %llu: %s (own %u, orders %u, G0 %u, G1a %u, G1b %u, G1c %u, G-single %u, lost %u, G2-item %u)",
             (unsigned long long)seed, v.first, v.own, v.orders, v.g0, v.g1a, v.g1b, v.g1c, v.g_single, v.lost,
             v.g2_item);
    history_deinit(&s.h);
    free(s.lengths);
    return history_is_right(&v);
}

/* Goal: no history shows anything that snapshot isolation forbids, on properties and on edges, across power failures; what BUFFERED brings back
 * is a prefix, and it does lose something here. */
static void test_histories_keep_snapshot_isolation(void **state) {
    (void)state;
    const char *text = getenv("WG_SIM_TXNS");
    const uint32_t txns = text != NULL ? (uint32_t)strtoul(text, NULL, 10) : wg_test_small() ? TXNS_SMALL : TXNS;
    summary sum = {0};
    char message[300];
    for (uint32_t i = 0; i < HISTORIES; i++) {
        const wanted w = {.seed = wg_test_seed(9000 + i),
                          .txns = txns,
                          .edges = i % 2 == 1,
                          .durability = i % 4 >= 2 ? WG_BUFFERED : WG_STRICT};
        if (!history_runs(&w, &sum, message)) fail_msg("%s", message);
    }
    printf(
        "%d histories: %llu transactions, %llu committed, %llu conflicts, %llu cut by power, %llu checkpoints; %llu "
        "edges; %llu "
        "histories with write skew; %llu puts of a run beside them\n",
        HISTORIES, (unsigned long long)sum.txns, (unsigned long long)sum.committed, (unsigned long long)sum.conflicts,
        (unsigned long long)sum.failures, (unsigned long long)sum.checkpoints, (unsigned long long)sum.edges,
        (unsigned long long)sum.skews, (unsigned long long)sum.puts);
    printf(
        "%llu of them buffered: power took back %llu transactions in %llu failures, never one of %llu acknowledged "
        "syncs; what "
        "came back was a prefix each time\n",
        (unsigned long long)sum.buffered, (unsigned long long)sum.lost, (unsigned long long)sum.lives_that_lost,
        (unsigned long long)sum.syncs);
    assert_true(sum.puts > sum.txns / 100 && sum.committed > sum.txns / 4 && sum.conflicts > 0 &&
                sum.checkpoints > 0 && sum.failures > 0);
    assert_true(sum.lost > 0 && sum.lives_that_lost > 1 && (sum.syncs > 0 || txns <= TXNS_SMALL));
}

/* Exits with 1 when the check finds something. In a process of its own, because a schedule that failed leaves threads and memory behind. */
static _Noreturn void seek(const wanted *w, int canary, const char *what) {
    summary sum = {0};
    char message[300];
    sim_canary = canary;
    const bool right = history_runs(w, &sum, message);
    if (!right) printf("%s found on %s: %s\n", what, w->edges ? "edges" : "properties", message);
    fflush(stdout);
    _exit(right ? 0 : 1);
}

static bool is_found(const wanted *w, int canary, const char *what) {
    int status = 0;
    fflush(stdout);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) seek(w, canary, what);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
    return WEXITSTATUS(status) == 1;
}

/* Goal: when first-committer-wins is switched off the check says so: updates are lost. */
static void test_histories_show_lost_updates_of_a_planted_bug(void **state) {
    (void)state;
    for (uint32_t edges = 0; edges < 2; edges++) {
        const wanted w = {.seed = wg_test_seed(1), .txns = 300, .edges = edges == 1, .durability = WG_STRICT};
        assert_true(is_found(&w, 12, "planted bug"));
    }
}

/* Goal: the judgement of BUFFERED is not blind: said to have kept some commits more than it did, or some fewer, it is found out. Whether
 * power takes back anything in a short history is a matter of chance, and so several are tried. */
static void test_histories_show_a_prefix_that_is_too_long_or_too_short(void **state) {
    (void)state;
    for (int64_t by = -3; by <= 3; by += 6) {
        uint32_t found = 0;
        for (uint32_t i = 0; i < 6; i++) {
            const wanted w = {.seed = wg_test_seed(40 + i),
                              .txns = 300,
                              .edges = i % 2 == 1,
                              .durability = WG_BUFFERED,
                              .cut_off_by = by};
            found += is_found(&w, 0, by > 0 ? "a hole" : "what should be gone");
        }
        assert_true(found >= 2);
    }
}

/* ---- the check itself, on histories that were made by hand: each line is a transaction */

typedef struct made {
    const char *
        text; /* "a1" appends to list 1, "r1:34" reads it; ";" ends a transaction, "!" aborts it, "?" ends it and power takes it back */
    const char *wrong; /* what must be counted; "": nothing */
} made;

static void make(const char *text, history *h) {
    history_init(h);
    uint32_t txn = history_begin(h);
    for (const char *at = text; *at != '\0';) {
        if (*at == ';' || *at == '!' || *at == '?') {
            history_end(h, txn, *at == ';' ? HISTORY_COMMITTED : *at == '!' ? HISTORY_ABORTED : HISTORY_LOST);
            at++;
            if (*at != '\0') txn = history_begin(h);
        } else if (*at == 'a') {
            (void)history_append(h, txn, (uint32_t)(at[1] - '0'));
            at += 2;
        } else if (*at == 'r') {
            uint32_t elements[9];
            uint32_t count = 0;
            const uint32_t key = (uint32_t)(at[1] - '0');
            for (at += 3; *at >= '0' && *at <= '9'; at++) elements[count++] = (uint32_t)(*at - '0');
            history_read(h, txn, key, elements, count);
        } else {
            at++;
        }
    }
}

static uint32_t counted(const history_verdict *v, const char *what) {
    if (strcmp(what, "own") == 0) return v->own;
    if (strcmp(what, "orders") == 0) return v->orders;
    if (strcmp(what, "G0") == 0) return v->g0;
    if (strcmp(what, "G1a") == 0) return v->g1a;
    if (strcmp(what, "G1b") == 0) return v->g1b;
    if (strcmp(what, "G1c") == 0) return v->g1c;
    if (strcmp(what, "G-single") == 0) return v->g_single;
    if (strcmp(what, "G2-item") == 0) return v->g2_item;
    if (strcmp(what, "lost") == 0) return v->lost;
    return 0;
}

/* Goal: each anomaly is seen in the smallest history that has it, and none in one that has none. Elements are numbered from 1 in the order
 * of the appends. */
static void test_check_sees_each_anomaly(void **state) {
    static const made histories[] = {
        {"a1; r1:1; r1:1;", ""},
        {"a1 r1:1 a1 r1:12; r1:12;", ""},
        {"a1 r1:; r1:1;", "own"},
        {"a1; a1; r1:12; r1:21;", "orders"},
        {"a1 a2; a1 a2; r1:13 r2:42;", "G0"},
        {"a1! r1:1;", "G1a"},
        {"a1? r1:1;", "G1a"},
        {"a1; a1? r1:12? r1:1;", ""},
        {"a1? a1; r1:2;", ""},
        {"a1 a1; r1:1; r1:12;", "G1b"},
        {"a1 r2:2; a2 r1:1; r1:1 r2:2;", "G1c"},
        {"r1: a1; r1: a1; r1:12;", "G-single"},
        {"a1 a2; r1:1 r2:; r1:1 r2:2;", "G-single"},
        {"r1: a2; r2: a1; r1:2 r2:1;", "G2-item"},
        {"a1; a1; r1:1;", "lost"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof histories / sizeof histories[0]; i++) {
        history h;
        history_verdict v;
        make(histories[i].text, &h);
        history_check(&h, &v);
        const char *wrong = histories[i].wrong;
        const bool ok = *wrong == '\0' ? history_is_right(&v) && v.g2_item == 0 : counted(&v, wrong) != 0;
        if (!ok) fail_msg("history '%s': expected %s, found '%s'", histories[i].text, wrong, v.first);
        if (*wrong != '\0' && strcmp(wrong, "G2-item") != 0) assert_false(history_is_right(&v));
        if (strcmp(wrong, "G2-item") == 0) assert_true(history_is_right(&v));
        history_deinit(&h);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_sees_each_anomaly),
        cmocka_unit_test(test_histories_show_lost_updates_of_a_planted_bug),
        cmocka_unit_test(test_histories_show_a_prefix_that_is_too_long_or_too_short),
        cmocka_unit_test(test_histories_keep_snapshot_isolation),
    };
#ifdef __SANITIZE_THREAD__
    puts("skipped: one thread runs at a time here, so ThreadSanitizer has nothing to see");
    return 77;
#endif
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
