/* Agents' state through drains, checkpoints, compactions, forks, drops and reopens, against a model that is a list of what each version wrote. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/core/test_seed.h"
#include "engine/engine_internal.h"

enum { RUNS = 24, KEYS = 24, VERSIONS = 3000, DRAINS = 600, SUB = 3, VALUE_MAX = 6000 };

#define OK(call)                                                                              \
    do {                                                                                      \
        wg_error err_ = {0};                                                                  \
        wg_error *err = &err_;                                                                \
        const wg_code code_ = (call);                                                         \
        if (code_ != WG_OK) fail_msg("%s: %s: %s", #call, wg_code_name(code_), err_.message); \
    } while (0)

typedef enum op_kind { OP_NONE, OP_PUT, OP_DELETE, OP_EVENT } op_kind;
typedef struct op {
    op_kind kind;
    uint32_t key; /* of an event: its type */
    uint32_t seed;
} op;

typedef struct model_run {
    bool exists, alive;
    uint32_t parent;
    uint64_t fork_version, fork_events, version;
    op ops[VERSIONS][SUB]; /* of version fork_version + 1 + i */
} model_run;

typedef struct model_note {
    uint64_t logseq;
    uint64_t versions[RUNS];
    bool exists[RUNS];
} model_note;

typedef struct world {
    wg_platform *platform;
    wg_engine *engine;
    wg_state_session *session;
    wg_rng rng;
    model_run *runs; /* by number */
    uint32_t run_count;
    model_note *notes;
    uint32_t note_count;
    uint64_t now;
    uint64_t retain_commits;
} world;

static uint8_t value_bytes[VALUE_MAX * 2];

static wg_slice value_of(uint32_t seed) {
    if (value_bytes[1] == 0)
        for (size_t i = 0; i < sizeof value_bytes; i++) value_bytes[i] = (uint8_t)(i * 7 + i / 251);
    const size_t size = seed % 11 == 0 ? seed % VALUE_MAX : seed % 60;
    return wg_slice_of(value_bytes + seed % 1000, size);
}

static wg_slice key_text(uint32_t key, char out[200]) {
    int n = snprintf(out, 200, "k%u", key * 37 % 101);
    for (; key % 7 == 0 && n < 150; n++) out[n] = 'x'; /* one that does not fit into a slot */
    return wg_slice_of(out, (size_t)n);
}

static void open_world(world *w) {
    const wg_engine_options o = {.platform = w->platform,
                                 .options = {.create = true,
                                             .durability = WG_BUFFERED,
                                             .sync_interval_ms = 1000000,
                                             .no_background = true,
                                             .retain_commits = w->retain_commits},
                                 .wal_segment_bytes = 1 << 14};
    OK(wg_engine_open("/ws", &o, &w->engine, err));
    OK(wg_state_session_open(wg_engine_state(w->engine), &w->session, err));
}

static void close_world(world *w) {
    wg_state_session_close(w->session);
    OK(wg_engine_close(w->engine, err));
}

static wg_state_run *run_of(const world *w, uint32_t n) { return wg_state_run_at(wg_engine_state(w->engine), n); }

/* ---- the model */

static uint64_t model_events(const world *w, uint32_t run, uint64_t at);

/* The version that `at` shows of a key; *out_seed its value. */
static uint64_t model_get(const world *w, uint32_t run, uint32_t key, uint64_t at, uint32_t *out_seed) {
    for (;;) {
        const model_run *r = &w->runs[run];
        for (uint64_t v = wg_min_u64(at, r->version); v > r->fork_version; v--)
            for (int i = SUB; i-- > 0;) {
                const op *o = &r->ops[v - r->fork_version - 1][i];
                if (o->kind == OP_NONE || o->kind == OP_EVENT || o->key != key) continue;
                *out_seed = o->seed;
                return o->kind == OP_PUT ? v : 0;
            }
        if (r->parent == 0) return 0;
        at = wg_min_u64(at, r->fork_version);
        run = r->parent;
    }
}

static uint64_t model_events(const world *w, uint32_t run, uint64_t at) {
    const model_run *r = &w->runs[run];
    if (at <= r->fork_version) return r->parent == 0 ? 0 : model_events(w, r->parent, at);
    uint64_t n = r->fork_events;
    for (uint64_t v = r->fork_version + 1; v <= wg_min_u64(at, r->version); v++)
        for (int i = 0; i < SUB; i++) n += r->ops[v - r->fork_version - 1][i].kind == OP_EVENT;
    return n;
}

/* ---- checks */

static void check_run(const world *w, uint32_t n, uint64_t at) {
    char text[200];
    wg_state_run *run = run_of(w, n);
    assert_non_null(run);
    wg_state_cell cell = {0};
    for (uint32_t k = 0; k < KEYS; k++) {
        uint32_t seed = 0;
        const uint64_t expected = model_get(w, n, k, at, &seed);
        const wg_state_key key = wg_state_key_of(run, key_text(k, text));
        OK(wg_state_get(w->session, run, &key, at, w->now, &cell, err));
        if (cell.version != expected)
            fail_msg("run %u key %u at %llu: version %llu, expected %llu", n, k, (unsigned long long)at,
                     (unsigned long long)cell.version, (unsigned long long)expected);
        if (expected != 0) assert_true(wg_slice_equal(cell.bytes, value_of(seed)));
    }
    wg_state_cell_deinit(&cell);
    assert_int_equal(wg_events_count(wg_state_run_events(run), at), model_events(w, n, at));
}

typedef struct listed {
    const world *w;
    uint32_t run, key;
    uint64_t last; /* version of the one before */
    uint32_t count;
} listed;

static bool on_version(void *ctx, const wg_state_version *v) {
    listed *l = ctx;
    assert_true(v->version < l->last);
    l->last = v->version;
    l->count++;
    uint32_t seed = 0;
    const uint64_t expected = model_get(l->w, l->run, l->key, v->version, &seed);
    assert_int_equal(v->deleted ? 0 : v->version, expected);
    if (!v->deleted) assert_true(wg_slice_equal(v->value, value_of(seed)));
    return true;
}

/* How often the key was written up to `at`, in the run and where it was forked from. */
static uint32_t model_writes(const world *w, uint32_t run, uint32_t key, uint64_t at) {
    const model_run *r = &w->runs[run];
    uint32_t n = r->parent == 0 ? 0 : model_writes(w, r->parent, key, wg_min_u64(at, r->fork_version));
    for (uint64_t v = r->fork_version + 1; v <= wg_min_u64(at, r->version); v++)
        for (int i = 0; i < SUB; i++) {
            const op *o = &r->ops[v - r->fork_version - 1][i];
            n += o->key == key && (o->kind == OP_PUT || o->kind == OP_DELETE);
        }
    return n;
}

/* The past: whatever memory has forgotten is in stripes. */
static void check_past(world *w, uint32_t n) {
    char text[200];
    wg_state_run *run = run_of(w, n);
    wg_state_cell cell = {0};
    for (int i = 0; i < 40; i++) {
        const uint64_t at = wg_rng_below(&w->rng, w->runs[n].version + 1);
        const uint32_t k = (uint32_t)wg_rng_below(&w->rng, KEYS);
        const wg_state_key key = wg_state_key_of(run, key_text(k, text));
        uint32_t seed = 0;
        const uint64_t expected = model_get(w, n, k, at, &seed);
        OK(wg_engine_state_get_at(w->engine, run, &key, at, w->now, &cell, err));
        assert_int_equal(cell.version, expected);
        if (expected != 0) assert_true(wg_slice_equal(cell.bytes, value_of(seed)));
        bool complete = false;
        listed l = {.w = w, .run = n, .key = k, .last = UINT64_MAX};
        OK(wg_engine_state_history(w->engine, run, &key, at, on_version, &l, &complete, err));
        assert_true(complete);
        assert_int_equal(l.count, model_writes(w, n, k, at));
    }
    wg_state_cell_deinit(&cell);
}

static void check_events(const world *w, uint32_t n) {
    wg_events *events = wg_state_run_events(run_of(w, n));
    const uint64_t count = wg_events_count(events, WG_LOGSEQ_NEVER);
    wg_events_report report;
    OK(wg_events_verify(events, count, &report, err));
    assert_true(report.valid);
    const model_run *r = &w->runs[n];
    uint64_t at = r->fork_events;
    const uint32_t slot = wg_epoch_enter(wg_engine_epoch(w->engine));
    for (uint64_t v = r->fork_version + 1; v <= r->version; v++)
        for (int i = 0; i < SUB; i++) {
            const op *o = &r->ops[v - r->fork_version - 1][i];
            if (o->kind != OP_EVENT) continue;
            char text[200];
            wg_event e;
            OK(wg_events_read(events, at, &e, err));
            assert_int_equal(e.version, v);
            assert_true(wg_slice_equal(e.type, key_text(o->key, text)));
            assert_true(wg_slice_equal(e.payload, value_of(o->seed)));
            at++;
        }
    wg_epoch_leave(wg_engine_epoch(w->engine), slot);
    assert_int_equal(at, count);
}

static void check_all(const world *w) {
    for (uint32_t n = 0; n < w->run_count; n++) {
        if (!w->runs[n].alive) {
            assert_null(run_of(w, n));
            continue;
        }
        assert_int_equal(wg_state_run_newest(run_of(w, n)), w->runs[n].version);
        check_run(w, n, w->runs[n].version);
        check_events(w, n);
        for (uint32_t i = 0; i < w->note_count; i++)
            if (w->notes[i].exists[n])
                assert_int_equal(wg_state_run_version_at(run_of(w, n), w->notes[i].logseq), w->notes[i].versions[n]);
    }
}

/* A run made anew from checkpoint and log is what the model says of that commit. */
static void check_replay(world *w) {
    char text[200];
    for (uint32_t i = 0; i < 6 && w->note_count > 0; i++) {
        const model_note *note = &w->notes[wg_rng_below(&w->rng, w->note_count)];
        const uint32_t n = (uint32_t)wg_rng_below(&w->rng, w->run_count);
        if (!w->runs[n].alive || !note->exists[n]) continue;
        wg_state *again = NULL;
        uint64_t logseq = 0;
        uint64_t commits = 0;
        OK(wg_engine_state_replay(w->engine, n, note->logseq, &again, &logseq, &commits, err));
        assert_int_equal(logseq, note->logseq);
        wg_state_run *run = wg_state_run_at(again, n);
        assert_int_equal(wg_state_run_newest(run), note->versions[n]);
        wg_state_cell cell = {0};
        for (uint32_t k = 0; k < KEYS; k++) {
            uint32_t seed = 0;
            const uint64_t expected = model_get(w, n, k, note->versions[n], &seed);
            const wg_state_key key = wg_state_key_of(run, key_text(k, text));
            OK(wg_state_get(NULL, run, &key, note->versions[n], w->now, &cell, err));
            assert_int_equal(cell.version, expected);
            if (expected != 0) assert_true(wg_slice_equal(cell.bytes, value_of(seed)));
        }
        wg_state_cell_deinit(&cell);
        const uint64_t events = wg_events_count(wg_state_run_events(run), note->versions[n]);
        assert_int_equal(events, model_events(w, n, note->versions[n]));
        if (events > 0) {
            wg_sha256 a, b;
            OK(wg_events_hash(wg_state_run_events(run), events - 1, &a, err));
            OK(wg_events_hash(wg_state_run_events(run_of(w, n)), events - 1, &b, err));
            assert_memory_equal(a.bytes, b.bytes, sizeof a.bytes);
        }
        wg_engine_state_replay_end(again);
    }
}

/* ---- steps */

static uint32_t some_run(world *w) {
    uint32_t n;
    do n = (uint32_t)wg_rng_below(&w->rng, w->run_count);
    while (!w->runs[n].alive);
    return n;
}

static void write_some(world *w) {
    const uint32_t n = some_run(w);
    model_run *r = &w->runs[n];
    if (r->version - r->fork_version + 1 >= VERSIONS) return;
    wg_state_run *run = run_of(w, n);
    wg_state_txn *txn = NULL;
    op done[SUB] = {{0}};
    uint64_t version = 0, first = 0;
    char text[200];
    w->now += 1000;
    OK(wg_state_begin(w->session, run, WG_STATE_SNAPSHOT, w->now, &txn, err));
    const uint32_t count = 1 + (uint32_t)wg_rng_below(&w->rng, SUB);
    for (uint32_t i = 0; i < count; i++) {
        op o = {.kind = OP_PUT,
                .key = (uint32_t)wg_rng_below(&w->rng, KEYS),
                .seed = (uint32_t)wg_rng_below(&w->rng, 100000)};
        const uint64_t what = wg_rng_below(&w->rng, 10);
        if (what < 3) o.kind = OP_EVENT;
        else if (what < 5) o.kind = OP_DELETE;
        for (uint32_t k = 0; k < i; k++)
            if (done[k].key == o.key) o.kind = OP_EVENT; /* a key once a transaction */
        const wg_slice name = key_text(o.key, text);
        const wg_state_key key = wg_state_key_of(run, name);
        const wg_state_value value = {.type = WG_TYPE_BYTES, .bytes = value_of(o.seed)};
        uint64_t sequence;
        if (o.kind == OP_EVENT) OK(wg_state_txn_append(txn, name, &value, &sequence, err));
        else if (o.kind == OP_DELETE) OK(wg_state_txn_delete(txn, &key, WG_VERSION_ANY, err));
        else OK(wg_state_txn_put(txn, &key, &value, WG_VERSION_ANY, err));
        done[i] = o;
    }
    OK(wg_state_commit(txn, &version, &first, err));
    if (version == 0) return; /* deletions of what was absent */
    assert_int_equal(version, r->version + 1);
    for (int i = 0; i < SUB; i++) { /* such a deletion writes nothing */
        uint32_t seed;
        if (done[i].kind == OP_DELETE && model_get(w, n, done[i].key, r->version, &seed) == 0) done[i].kind = OP_NONE;
    }
    memcpy(r->ops[version - r->fork_version - 1], done, sizeof done);
    r->version = version;
}

static void drain(world *w) {
    uint64_t logseq = 0;
    OK(wg_engine_state_drain(w->engine, wg_rng_below(&w->rng, 2) == 0, &logseq, err));
    if (w->note_count == DRAINS || logseq == 0) return;
    model_note *note = &w->notes[w->note_count++];
    note->logseq = logseq;
    for (uint32_t n = 0; n < w->run_count; n++) {
        note->versions[n] = w->runs[n].version;
        note->exists[n] = w->runs[n].exists;
    }
}

static void create(world *w, bool fork) {
    if (w->run_count == RUNS) return;
    wg_run_change change = {.origin = {.number = UINT32_MAX}};
    model_run *r = &w->runs[w->run_count];
    if (fork) {
        const uint32_t parent = some_run(w);
        if (parent == 0) return;
        const model_run *p = &w->runs[parent];
        change.origin.parent = parent;
        change.origin.fork_version = p->version;
        change.origin.fork_events = model_events(w, parent, p->version);
    }
    const wg_mixed_commit commit = {.change = &change, .change_count = 1};
    wg_mixed_result result;
    OK(wg_engine_commit_mixed(w->engine, &commit, &result, err));
    assert_int_equal(result.run_number, w->run_count);
    r->exists = r->alive = true;
    r->parent = change.origin.parent;
    r->version = r->fork_version = change.origin.fork_version;
    r->fork_events = change.origin.fork_events;
    w->run_count++;
}

static void drop(world *w) {
    const uint32_t n = some_run(w);
    if (n == 0) return;
    const wg_run_change change = {.drop = true, .origin = {.number = n}};
    const wg_mixed_commit commit = {.change = &change, .change_count = 1};
    wg_mixed_result result;
    OK(wg_engine_commit_mixed(w->engine, &commit, &result, err));
    w->runs[n].alive = false;
    w->runs[n].exists = false;
}

static void reopen(world *w) {
    close_world(w);
    wg_verify_report report;
    OK(wg_engine_verify(w->platform, "/ws", &report, err));
    open_world(w);
}

static void step(world *w) {
    const uint64_t what = wg_rng_below(&w->rng, 1000);
    if (what < 850) write_some(w);
    else if (what < 920) drain(w);
    else if (what < 950) OK(wg_engine_checkpoint(w->engine, NULL, err));
    else if (what < 962)
        OK(wg_engine_compact(w->engine, &(wg_compact_options){.everything = what % 2 == 0}, NULL, NULL, NULL, err));
    else if (what < 970) create(w, false);
    else if (what < 982) create(w, true);
    else if (what < 985) drop(w);
    else if (what < 993) reopen(w);
    else if (what < 996) check_replay(w);
    else
        while (wg_state_collect(wg_engine_state(w->engine))) {}
}

static void world_make(world *w, uint64_t seed) {
    *w = (world){.run_count = 1, .now = 1000000};
    OK(wg_platform_sim_create(seed, &w->platform, err));
    wg_rng_init(&w->rng, seed);
    w->runs = wg_alloc_zero(NULL, RUNS * sizeof *w->runs);
    w->notes = wg_alloc_zero(NULL, DRAINS * sizeof *w->notes);
    assert_non_null(w->runs);
    assert_non_null(w->notes);
    w->runs[0].exists = w->runs[0].alive = true;
    open_world(w);
}

static void world_end(world *w) {
    close_world(w);
    wg_platform_sim_destroy(w->platform);
    wg_free(w->runs);
    wg_free(w->notes);
}

static void test_state_random_work_survives_checkpoints_and_reopens(void **state) {
    /* Goal: through random commits, forks, drops, drains, checkpoints, compactions and reopens every run holds what the model says, and the
     * version of each run at each noted commit of the log is what it was. */
    (void)state;
    for (uint64_t seed = wg_test_seed(1), end = seed + 6; seed < end; seed++) {
        static world w;
        world_make(&w, seed);
        for (uint32_t i = 0; i < 2500; i++) step(&w);
        check_all(&w);
        OK(wg_engine_checkpoint(w.engine, NULL, err));
        reopen(&w);
        check_all(&w);
        OK(wg_engine_compact(w.engine, &(wg_compact_options){.everything = true}, NULL, NULL, NULL, err));
        check_all(&w);
        reopen(&w);
        check_all(&w);
        for (uint32_t n = 0; n < w.run_count; n++)
            if (w.runs[n].alive) check_past(&w, n);
        check_replay(&w);
        world_end(&w);
    }
}

static wg_engine_options reader_options(const world *w) {
    return (wg_engine_options){.platform = w->platform, .options = {.read_only = true}, .wal_segment_bytes = 1 << 14};
}

static void test_state_followers_see_what_is_durable(void **state) {
    /* Goal: a reader of the workspace opens the state from stripes and log and follows it; when the log was trimmed it says so, and opens anew. */
    (void)state;
    static world w;
    world_make(&w, wg_test_seed(70));
    world reader = w;
    reader.session = NULL;
    const wg_engine_options o = reader_options(&w);
    for (uint32_t i = 0; i < 200; i++) write_some(&w);
    drain(&w);
    OK(wg_engine_open("/ws", &o, &reader.engine, err));
    for (uint32_t round = 0; round < 12; round++) {
        for (uint32_t i = 0; i < 60; i++) write_some(&w);
        if (round % 3 == 1) create(&w, round % 2 == 0);
        if (round % 4 == 2) OK(wg_engine_checkpoint(w.engine, NULL, err));
        OK(wg_engine_state_drain(w.engine, true, NULL, err));
        const wg_code code = wg_engine_follow(reader.engine, NULL, NULL);
        if (code == WG_E_EXPIRED) {
            OK(wg_engine_close(reader.engine, err));
            OK(wg_engine_open("/ws", &o, &reader.engine, err));
        } else {
            assert_int_equal(code, WG_OK);
        }
        reader.run_count = w.run_count;
        reader.now = w.now;
        check_all(&reader);
    }
    OK(wg_engine_close(reader.engine, err));
    world_end(&w);
}

static void test_state_backups_hold_it(void **state) {
    /* Goal: a backup of a running workspace, and the next one onto it, restore to what was committed when they began. */
    (void)state;
    static world w;
    world_make(&w, wg_test_seed(80));
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 150; i++) write_some(&w);
        create(&w, round == 2);
        if (round == 1) OK(wg_engine_checkpoint(w.engine, NULL, err));
        for (uint32_t i = 0; i < 50; i++) write_some(&w);
        OK(wg_engine_backup(w.engine, "/backup", NULL, NULL, NULL, err));
        char to[16];
        (void)snprintf(to, sizeof to, "/r%u", round);
        const wg_restore_request request = {.from = "/backup", .to = to};
        OK(wg_engine_restore(w.platform, &request, NULL, err));
        world copy = w;
        const wg_engine_options o = reader_options(&w);
        OK(wg_engine_open(to, &o, &copy.engine, err));
        copy.session = NULL;
        check_all(&copy);
        OK(wg_engine_close(copy.engine, err));
    }
    world_end(&w);
}

static void test_state_checkpoint_survives_refused_memory(void **state) {
    /* Goal: whichever allocation fails in a checkpoint, a compaction or an open, nothing is lost and the next try succeeds. */
    (void)state;
    static world w;
    world_make(&w, wg_test_seed(90));
    create(&w, false);
    uint64_t refused = 0;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 120; i++) write_some(&w);
        if (round == 1) create(&w, true);
        OK(wg_engine_state_drain(w.engine, true, NULL,
                                 err)); /* the simulated disk needs memory for a sync of the log too */
        for (uint64_t fail = 1 + round;; fail += 1 + fail / 16) {
            wg_error err = {0};
            wg_memory_fail_at(fail, false);
            wg_code code = wg_engine_checkpoint(w.engine, NULL, &err);
            if (code == WG_OK && round == 2) {
                const wg_compact_options everything = {.everything = true};
                code = wg_engine_compact(w.engine, &everything, NULL, NULL, NULL, &err);
            }
            wg_memory_fail_at(0, false);
            if (code == WG_OK) break;
            if (code != WG_E_NOMEM && code != WG_E_IO) /* the disk has its own answer */
                fail_msg("refused allocation %llu: %s", (unsigned long long)fail, err.message);
            refused++;
        }
        check_all(&w);
    }
    reopen(&w);
    check_all(&w);
    close_world(&w);
    for (uint64_t fail = 1;; fail += 1 + fail / 16) {
        const wg_engine_options o = {.platform = w.platform, .options = {.durability = WG_BUFFERED}};
        wg_error err = {0};
        wg_memory_fail_at(fail, false);
        const wg_code code = wg_engine_open("/ws", &o, &w.engine, &err);
        wg_memory_fail_at(0, false);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
        refused++;
    }
    OK(wg_state_session_open(wg_engine_state(w.engine), &w.session, err));
    assert_true(refused > 60);
    check_all(&w);
    world_end(&w);
}

static uint32_t sets_of(const world *w, uint32_t run) {
    const wg_stripe_set *set = w->engine->maintenance.stripes;
    uint64_t position = wg_stripe_set_seek(set, &(wg_fragment_key){.kind = WG_KIND_STATE, .owner = run});
    uint32_t n = 0;
    uint64_t last = UINT64_MAX;
    for (const wg_fragment *f; (f = wg_stripe_set_next(set, &position)) != NULL;) {
        if (f->head.key.kind != WG_KIND_STATE || f->head.key.owner != run) break;
        n += f->head.key.run != last;
        last = f->head.key.run;
    }
    return n;
}

static void test_state_sets_of_records_stay_few(void **state) {
    /* Goal: many checkpoints and ordinary compactions leave a bounded number of sets for each run, and the past readable. */
    (void)state;
    static world w;
    world_make(&w, wg_test_seed(95));
    create(&w, false);
    for (uint32_t round = 0; round < 120; round++) {
        for (uint32_t i = 0; i < 8; i++) write_some(&w);
        OK(wg_engine_checkpoint(w.engine, NULL, err));
        OK(wg_engine_compact(w.engine, NULL, NULL, NULL, NULL, err));
        assert_true(sets_of(&w, 0) <= 16 && sets_of(&w, 1) <= 16);
    }
    check_all(&w);
    check_past(&w, 1);
    reopen(&w);
    check_all(&w);
    check_past(&w, 1);
    world_end(&w);
}

static uint64_t rows_of(const world *w, uint32_t run) {
    const wg_stripe_set *set = w->engine->maintenance.stripes;
    uint64_t position = wg_stripe_set_seek(set, &(wg_fragment_key){.kind = WG_KIND_STATE, .owner = run});
    uint64_t rows = 0;
    for (const wg_fragment *f; (f = wg_stripe_set_next(set, &position)) != NULL;) {
        if (f->head.key.kind != WG_KIND_STATE || f->head.key.owner != run) break;
        rows += f->head.row_count;
    }
    return rows;
}

static void test_state_expired_versions_go(void **state) {
    /* Goal: with a bound on what is retained, merges drop old records, reads below the horizon say so, and forks keep what they see. */
    (void)state;
    static world w;
    world_make(&w, wg_test_seed(96));
    close_world(&w);
    w.retain_commits = 5;
    open_world(&w);
    create(&w, false);
    for (uint32_t round = 0; round < 40; round++) {
        for (uint32_t i = 0; i < 40; i++) write_some(&w);
        if (round == 10) create(&w, true);
        drain(&w);
        w.note_count = 0; /* old ones are forgotten */
        if (round % 4 == 3) OK(wg_engine_checkpoint(w.engine, NULL, err));
    }
    OK(wg_engine_compact(w.engine, &(wg_compact_options){.everything = true}, NULL, NULL, NULL, err));
    assert_true(w.runs[1].version > 400);
    assert_true(rows_of(&w, 1) < w.runs[1].version / 2);
    check_all(&w);
    reopen(&w);
    check_all(&w);
    char text[200];
    wg_state_cell cell = {0};
    wg_state_run *run = run_of(&w, 1);
    const wg_state_key key = wg_state_key_of(run, key_text(1, text));
    assert_int_equal(wg_engine_state_get_at(w.engine, run, &key, 3, w.now, &cell, NULL), WG_E_EXPIRED);
    wg_state_cell_deinit(&cell);
    world_end(&w);
}

enum { LARGE_VALUES = 6, LARGE_BYTES = 1 << 20 };

static void large_put(const world *w, uint32_t key, uint8_t fill) {
    uint8_t *bytes = wg_alloc(NULL, LARGE_BYTES);
    wg_state_txn *txn = NULL;
    wg_mixed_result result;
    char name[16];
    assert_non_null(bytes);
    memset(bytes, fill, LARGE_BYTES);
    const size_t size = (size_t)snprintf(name, sizeof name, "large%u", key);
    const wg_state_key k = wg_state_key_of(run_of(w, 1), wg_slice_of(name, size));
    const wg_state_value value = {.type = WG_TYPE_BYTES, .bytes = wg_slice_of(bytes, LARGE_BYTES)};
    OK(wg_state_begin(w->session, run_of(w, 1), WG_STATE_SNAPSHOT, 1, &txn, err));
    OK(wg_state_txn_put(txn, &k, &value, WG_VERSION_ANY, err));
    OK(wg_engine_commit_mixed(w->engine, &(wg_mixed_commit){.state = txn, .durable = true}, &result, err));
    wg_free(bytes);
}

static void large_check(const world *w, uint32_t key, uint8_t fill) {
    wg_state_cell cell = {0};
    char name[16];
    const size_t size = (size_t)snprintf(name, sizeof name, "large%u", key);
    const wg_state_key k = wg_state_key_of(run_of(w, 1), wg_slice_of(name, size));
    OK(wg_state_get(w->session, run_of(w, 1), &k, WG_LOGSEQ_NEVER, 1, &cell, err));
    assert_int_equal(cell.bytes.size, LARGE_BYTES);
    for (size_t i = 0; i < LARGE_BYTES; i += 511) assert_int_equal(cell.bytes.data[i], fill);
    wg_state_cell_deinit(&cell);
}

/* Goal: an opening takes no memory for large values; they are read where they are, also when compaction has replaced the stripe that they are in,
 * beside newer ones, and once again behind another opening. */
static void test_state_large_values_stay_in_their_stripes(void **state) {
    (void)state;
    world w;
    world_make(&w, 77);
    const wg_run_origin origin = {.number = 1};
    const wg_run_change change = {.origin = origin};
    wg_mixed_result result;
    OK(wg_engine_commit_mixed(w.engine, &(wg_mixed_commit){.change = &change, .change_count = 1}, &result, err));
    for (uint32_t i = 0; i < LARGE_VALUES; i++) large_put(&w, i, (uint8_t)(i + 1));
    OK(wg_engine_checkpoint(w.engine, NULL, err));
    close_world(&w);
    open_world(&w);
    assert_true(wg_account_bytes(&w.engine->state_account) < 10 * WG_HUGE_PAGE_BYTES);
    wg_state_metrics metrics;
    wg_state_metrics_get(wg_engine_state(w.engine), &metrics);
    assert_true(metrics.large_bytes < LARGE_BYTES);
    for (uint32_t i = 0; i < LARGE_VALUES; i += 2) large_put(&w, i, (uint8_t)(i + 101));
    const wg_compact_options all = {.everything = true};
    for (uint32_t round = 0; round < 3; round++) {
        OK(wg_engine_checkpoint(w.engine, NULL, err));
        OK(wg_engine_expire(w.engine, wg_engine_logseq(w.engine), err));
        OK(wg_engine_compact(w.engine, &all, NULL, NULL, NULL, err));
        for (uint32_t i = 0; i < LARGE_VALUES; i++) large_check(&w, i, (uint8_t)(i % 2 == 0 ? i + 101 : i + 1));
    }
    close_world(&w);
    open_world(&w);
    for (uint32_t i = 0; i < LARGE_VALUES; i++) large_check(&w, i, (uint8_t)(i % 2 == 0 ? i + 101 : i + 1));
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_random_work_survives_checkpoints_and_reopens),
        cmocka_unit_test(test_state_followers_see_what_is_durable),
        cmocka_unit_test(test_state_backups_hold_it),
        cmocka_unit_test(test_state_checkpoint_survives_refused_memory),
        cmocka_unit_test(test_state_sets_of_records_stay_few),
        cmocka_unit_test(test_state_expired_versions_go),
        cmocka_unit_test(test_state_large_values_stay_in_their_stripes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
