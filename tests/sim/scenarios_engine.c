/* Scenarios of a workspace: commits, checkpoints, compactions, definitions, readers, closing. Each schedule begins with a copy of one simulated
 * disk, on which a workspace of three commits and one checkpoint was closed. */
#include "tests/sim/scenarios.h"

#include <stdio.h>

#include "engine/engine.h"

enum { PAIR = 2, KEYS_MAX = 64, SEGMENT_BYTES = 4096, TEXT_BYTES = 1600 };

static uint64_t log_bytes_max = UINT64_MAX; /* when a checkpoint is due */
static wg_platform *image;                  /* the workspace that all begin with; never freed */

typedef struct world {
    wg_platform *disk;
    wg_platform *p; /* behind switch points */
    wg_engine *engine;
    wg_platform *left; /* by a power failure at some moment */
    uint32_t label;
    uint32_t key_k;
    uint32_t key_v;
    uint32_t key_t;
    int64_t committed[KEYS_MAX]; /* keys whose commit was acknowledged, in this order */
    uint32_t committed_count;
    uint32_t committed_then; /* when power failed */
    int64_t next_key;
    uint32_t successes;
    int64_t seen[4][2]; /* what readers saw of the pair: snapshot, number */
    uint32_t seen_count;
    bool has_run;          /* number 1; its keys are "<committer><put>" */
    uint32_t committers;   /* of runs, so far */
    uint32_t puts[2];      /* acknowledged, by committer */
    uint32_t puts_then[2]; /* when power failed */
} world;

static const wg_column_def columns[] = {{.name = "k", .type = WG_TYPE_INT, .int_bits = 64},
                                        {.name = "v", .type = WG_TYPE_INT, .int_bits = 64},
                                        {.name = "t", .type = WG_TYPE_STRING}};
static const wg_label_def label_n = {
    .name = "N", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 3, .key_count = 1};

static wg_engine_options options_of(wg_platform *p, wg_durability durability) {
    return (wg_engine_options){.platform = p,
                               .options = {.durability = durability,
                                           .create = true,
                                           .threads = 1,
                                           .sync_interval_ms = 1,
                                           .checkpoint_log_bytes = log_bytes_max},
                               .wal_segment_bytes = SEGMENT_BYTES,
                               .ring_dir = ""};
}

/* ---- steps of transactions; false: the schedule has failed */

static bool went(const char *what, wg_code code, const wg_error *err) {
    if (code != WG_OK) sim_fail("%s: %s: %s", what, wg_code_name(code), err->message);
    return code == WG_OK;
}

static wg_code intern(world *w, wg_txn *txn, wg_error *err) {
    WG_TRY(wg_txn_intern_label(txn, wg_slice_str("N"), false, &w->label, err));
    WG_TRY(wg_txn_intern_key(txn, wg_slice_str("k"), &w->key_k, err));
    WG_TRY(wg_txn_intern_key(txn, wg_slice_str("t"), &w->key_t, err));
    return wg_txn_intern_key(txn, wg_slice_str("v"), &w->key_v, err);
}

/* The text makes a segment of the log full with every other commit. */
static wg_code create_row(const world *w, wg_txn *txn, int64_t key, int64_t value, wg_error *err) {
    static uint8_t text[TEXT_BYTES];
    uint64_t id = 0;
    memset(text, 'x', sizeof text);
    const wg_property p[3] = {{w->key_k, wg_value_int(key)},
                              {w->key_v, wg_value_int(value)},
                              {w->key_t, wg_value_str(wg_slice_of(text, sizeof text))}};
    return wg_txn_create_node(txn, &w->label, 1, p, 3, &id, err);
}

static wg_code seek(const world *w, const wg_txn *txn, int64_t key, uint64_t *id, bool *found, wg_error *err) {
    const wg_value value = wg_value_int(key);
    return wg_node_seek(txn, w->label, &value, 1, id, found, err);
}

static wg_code value_of(const world *w, const wg_txn *txn, int64_t key, int64_t *out, wg_error *err) {
    uint64_t id = 0;
    bool found = false;
    wg_column column;
    wg_column_init(&column, WG_TYPE_ANY, NULL, NULL);
    wg_code code = seek(w, txn, key, &id, &found, err);
    if (code == WG_OK && !found)
        code = wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "key %lld is not there", (long long)key);
    if (code == WG_OK) code = wg_read_node_property(txn, &id, 1, w->key_v, &column, err);
    if (code == WG_OK) {
        const wg_vector v = wg_column_view(&column);
        *out = wg_vector_value(&v, 0).as.i;
    }
    wg_column_deinit(&column);
    return code;
}

static wg_code set_value(const world *w, wg_txn *txn, int64_t key, int64_t value, wg_error *err) {
    const wg_property p = {w->key_v, wg_value_int(value)};
    uint64_t id = 0;
    bool found = false;
    WG_TRY(seek(w, txn, key, &id, &found, err));
    if (!found) return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "key %lld is not there", (long long)key);
    return wg_txn_set_node(txn, id, &p, 1, false, err);
}

/* One commit: a new key, and both rows of the pair get the number that it will have: no other commits of the graph come between. */
static wg_code commit_key(world *w, int64_t key, wg_error *err) {
    wg_txn *txn = NULL;
    WG_TRY(wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, err));
    wg_code code = create_row(w, txn, key, 0, err);
    const int64_t number = (int64_t)wg_txn_view(txn).snapshot + 1;
    for (int64_t k = 0; k < PAIR && code == WG_OK; k++) code = set_value(w, txn, k, number, err);
    if (code == WG_OK) return wg_txn_commit(txn, NULL, err);
    wg_txn_abort(txn);
    return code;
}

static bool commit_next(world *w) {
    wg_error err = {0};
    const int64_t key = w->next_key++;
    if (!went("commit", commit_key(w, key, &err), &err)) return false;
    w->committed[w->committed_count++] = key;
    return true;
}

/* ---- the image, and worlds made from it */

static void image_body(world *w) {
    wg_txn *txn = NULL;
    wg_engine_options o = options_of(w->disk, WG_STRICT);
    SIM_TRY("create", wg_engine_open("/ws", &o, &w->engine, err));
    SIM_TRY("begin", wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, err));
    SIM_TRY("label", wg_txn_create_label(txn, &label_n, false, err));
    SIM_TRY("names", intern(w, txn, err));
    for (int64_t k = 0; k < PAIR; k++) SIM_TRY("row", create_row(w, txn, k, 0, err));
    SIM_TRY("commit", wg_txn_commit(txn, NULL, err));
    w->next_key = 50;
    if (!commit_next(w)) return;
    SIM_TRY("checkpoint", wg_engine_checkpoint(w->engine, NULL, err));
    if (!commit_next(w)) return;
    SIM_TRY("close", wg_engine_close(w->engine, err));
}

static void image_make(void) {
    world w = {0};
    if (image != NULL) return;
    SIM_TRY("disk", wg_platform_sim_create(1, &w.disk, err));
    image_body(&w);
    image = w.disk;
}

static bool open_again(world *w, wg_platform *p, wg_durability durability, wg_engine **out) {
    wg_error err = {0};
    wg_txn *txn = NULL;
    const wg_engine_options o = options_of(p, durability);
    if (!went("open", wg_engine_open("/ws", &o, out, &err), &err)) return false;
    if (!went("begin", wg_txn_begin(*out, WG_TXN_WRITE, 0, &txn, &err), &err)) return false;
    const wg_code code = intern(w, txn, &err);
    wg_txn_abort(txn);
    return went("names", code, &err);
}

static bool world_begin_with(world *w, wg_durability durability, bool background) {
    image_make();
    if (sim_failed()) return false;
    memset(w, 0, sizeof *w);
    w->next_key = 100;
    if (wg_platform_sim_reboot(image, WG_CRASH_ALL_SURVIVES, 1, &w->disk, NULL) != WG_OK) return false;
    w->p = sim_platform_create(w->disk);
    sim_platform_be_real(background ? w->p : NULL);
    log_bytes_max = background ? TEXT_BYTES : UINT64_MAX; /* a checkpoint is due with every commit */
    const bool ok = open_again(w, w->p, durability, &w->engine);
    log_bytes_max = UINT64_MAX;
    return ok;
}

static wg_slice put_name(uint32_t committer, uint32_t put, char out[2]) {
    out[0] = (char)('a' + committer);
    out[1] = (char)('0' + put);
    return wg_slice_of(out, 2);
}

/* Puts that were acknowledged are there. */
static void check_run(const world *w, wg_engine *engine, const uint32_t puts[2], const char *when) {
    wg_state_session *session = NULL;
    wg_state_run *run = wg_state_run_at(wg_engine_state(engine), 1);
    if (run == NULL) {
        sim_fail("%s: the run is gone", when);
        return;
    }
    SIM_TRY(when, wg_state_session_open(wg_engine_state(engine), &session, err));
    for (uint32_t c = 0; c < w->committers; c++)
        for (uint32_t i = 0; i < puts[c]; i++) {
            char name[2];
            wg_state_cell cell = {0};
            const wg_state_key key = wg_state_key_of(run, put_name(c, i, name));
            SIM_TRY(when, wg_state_get(session, run, &key, WG_LOGSEQ_NEVER, 1, &cell, err));
            if (cell.version == 0) sim_fail("%s: put %c%c was acknowledged and is gone", when, name[0], name[1]);
            wg_state_cell_deinit(&cell);
        }
    wg_state_session_close(session);
}

static bool world_begin(world *w, wg_durability durability) { return world_begin_with(w, durability, false); }

/* What a workspace says after it was opened again: the keys are there, the pair is one commit's, all its parts fit. */
static void check_disk(world *w, wg_platform *disk, uint32_t keys, const uint32_t puts[2], const char *when) {
    wg_engine *engine = NULL;
    wg_txn *txn = NULL;
    wg_verify_report report = {0};
    int64_t pair[PAIR] = {0};
    if (!open_again(w, disk, WG_STRICT, &engine)) return;
    SIM_TRY(when, wg_txn_begin(engine, WG_TXN_READ, 0, &txn, err));
    for (uint32_t i = 0; i < keys; i++) {
        uint64_t id = 0;
        bool found = false;
        SIM_TRY(when, seek(w, txn, w->committed[i], &id, &found, err));
        if (!found) sim_fail("%s: key %lld was committed and is gone", when, (long long)w->committed[i]);
    }
    for (int64_t k = 0; k < PAIR; k++) SIM_TRY(when, value_of(w, txn, k, &pair[k], err));
    if (pair[0] != pair[1]) sim_fail("%s: half of a commit is there", when);
    wg_txn_abort(txn);
    if (w->has_run) check_run(w, engine, puts, when);
    SIM_TRY(when, wg_engine_close(engine, err));
    SIM_TRY(when, wg_engine_verify(disk, "/ws", &report, err));
}

static void power_fails(void *ctx) {
    world *w = ctx;
    w->committed_then = w->committed_count;
    memcpy(w->puts_then, w->puts, sizeof w->puts);
    if (wg_platform_sim_reboot(w->disk, (wg_crash_pattern)sim_random(WG_CRASH_PATTERN_COUNT), sim_random(1 << 20),
                               &w->left, NULL) != WG_OK)
        sim_fail("no memory for a disk");
}

/* Ends the world: what it left when power failed, without its last unsynced bytes, and closed. */
static void world_end(world *w) {
    wg_platform *after = NULL;
    wg_error err = {0};
    sim_explore(false);
    const bool strict = w->engine != NULL && wg_engine_option_values(w->engine)->durability == WG_STRICT;
    if (w->left != NULL && !sim_failed())
        check_disk(w, w->left, w->committed_then, w->puts_then, "after power failed");
    if (strict && !sim_failed() && wg_platform_sim_reboot(w->disk, WG_CRASH_NONE_SURVIVES, 1, &after, NULL) == WG_OK)
        check_disk(w, after, w->committed_count, w->puts, "at the end");
    if (w->engine != NULL) (void)went("close", wg_engine_close(w->engine, &err), &err);
    if (!sim_failed()) check_disk(w, w->disk, w->committed_count, w->puts, "closed");
    wg_platform_sim_destroy(after);
    wg_platform_sim_destroy(w->left);
    sim_platform_be_real(NULL);
    sim_platform_destroy(w->p);
    wg_platform_sim_destroy(w->disk);
}

/* ---- bodies of threads */

static void committer(void *arg) {
    for (int i = 0; i < 2; i++)
        if (!commit_next(arg)) return;
}

static void checkpointer(void *arg) {
    world *w = arg;
    SIM_TRY("checkpoint", wg_engine_checkpoint(w->engine, NULL, err));
}

/* In every snapshot both rows of the pair have one commit's number, which is not above the snapshot's; nothing goes back. */
static void pair_reader(void *arg) {
    world *w = arg;
    int64_t last = 0;
    for (int i = 0; i < 2; i++) {
        wg_txn *txn = NULL;
        int64_t pair[PAIR] = {0};
        SIM_TRY("reader", wg_txn_begin(w->engine, WG_TXN_READ, 0, &txn, err));
        for (int round = 0; round < 2; round++)
            for (int64_t k = 0; k < PAIR; k++) {
                int64_t v = -1;
                SIM_TRY("reader", value_of(w, txn, k, &v, err));
                if (round == 1 && v != pair[k]) sim_fail("a snapshot changed under its reader");
                pair[k] = v;
            }
        const int64_t snapshot = (int64_t)wg_txn_view(txn).snapshot;
        wg_txn_abort(txn);
        if (pair[0] != pair[1])
            sim_fail("a reader saw half of a commit: %lld, %lld", (long long)pair[0], (long long)pair[1]);
        if (pair[0] > snapshot || pair[0] < last)
            sim_fail("a reader saw %lld at snapshot %lld after %lld", (long long)pair[0], (long long)snapshot,
                     (long long)last);
        last = pair[0];
        if (w->seen_count < 4) {
            w->seen[w->seen_count][0] = snapshot;
            w->seen[w->seen_count++][1] = pair[0];
        }
    }
}

/* A snapshot is later what it was when it was read. */
static void check_seen(const world *w) {
    for (uint32_t i = 0; i < w->seen_count; i++) {
        wg_txn *txn = NULL;
        int64_t now = 0;
        SIM_TRY("as of", wg_txn_begin(w->engine, WG_TXN_READ, (uint64_t)w->seen[i][0], &txn, err));
        SIM_TRY("as of", value_of(w, txn, 0, &now, err));
        wg_txn_abort(txn);
        if (now != w->seen[i][1])
            sim_fail("snapshot %lld showed %lld and shows %lld", (long long)w->seen[i][0], (long long)w->seen[i][1],
                     (long long)now);
    }
}

/* ---- commits against a checkpoint, and checkpoints against each other */

void sim_commit_and_checkpoint(void) {
    world w;
    sim_crew crew = {.count = 0};
    if (!world_begin(&w, WG_STRICT)) return;
    sim_at_some_point(power_fails, &w);
    sim_explore(true);
    sim_crew_add(&crew, committer, &w);
    sim_crew_add(&crew, committer, &w);
    sim_crew_add(&crew, checkpointer, &w);
    sim_crew_join(&crew);
    world_end(&w);
}

void sim_checkpoint_and_checkpoint(void) {
    world w;
    sim_crew crew = {.count = 0};
    if (!world_begin(&w, WG_STRICT)) return;
    sim_at_some_point(power_fails, &w);
    sim_explore(true);
    sim_crew_add(&crew, checkpointer, &w);
    sim_crew_add(&crew, checkpointer, &w);
    sim_crew_add(&crew, committer, &w);
    sim_crew_join(&crew);
    world_end(&w);
}

/* ---- compaction against snapshots */

static void compactor(void *arg) {
    world *w = arg;
    const wg_compact_options all = {.everything = true};
    SIM_TRY("compaction", wg_engine_compact(w->engine, &all, NULL, NULL, NULL, err));
}

static void checkpointer_of_one(void *arg) {
    if (commit_next(arg)) checkpointer(arg);
}

void sim_compaction_and_snapshot(void) {
    world w;
    sim_crew crew = {.count = 0};
    wg_error err = {0};
    if (!world_begin(&w, WG_STRICT)) return;
    (void)went("checkpoint", wg_engine_checkpoint(w.engine, NULL, &err), &err); /* two stripes to merge */
    sim_at_some_point(power_fails, &w);
    sim_explore(true);
    sim_crew_add(&crew, compactor, &w);
    sim_crew_add(&crew, pair_reader, &w);
    sim_crew_add(&crew, checkpointer_of_one, &w);
    sim_crew_join(&crew);
    world_end(&w);
}

/* ---- a manifest that is replaced against a workspace that is opened to be read */

static void opener(void *arg) {
    world *w = arg;
    wg_engine_options o = options_of(w->p, WG_STRICT);
    wg_engine *engine = NULL;
    wg_txn *txn = NULL;
    int64_t pair[PAIR] = {0};
    uint64_t logseq = 0;
    o.options.create = false;
    o.options.read_only = true;
    SIM_TRY("a second reader", wg_engine_open("/ws", &o, &engine, err));
    wg_error late = {0};
    const wg_code code = wg_engine_follow(engine, &logseq, &late);
    if (code != WG_OK && code != WG_E_EXPIRED) sim_fail("following: %s: %s", wg_code_name(code), late.message);
    SIM_TRY("a second reader", wg_txn_begin(engine, WG_TXN_READ, 0, &txn, err));
    for (int64_t k = 0; k < PAIR; k++) SIM_TRY("a second reader", value_of(w, txn, k, &pair[k], err));
    wg_txn_abort(txn);
    if (pair[0] != pair[1]) sim_fail("a second reader saw half of a commit");
    SIM_TRY("a second reader", wg_engine_close(engine, err));
}

void sim_manifest_and_opening(void) {
    world w;
    sim_crew crew = {.count = 0};
    if (!world_begin(&w, WG_STRICT)) return;
    sim_explore(true);
    sim_crew_add(&crew, opener, &w);
    sim_crew_add(&crew, checkpointer_of_one, &w);
    sim_crew_join(&crew);
    world_end(&w);
}

/* ---- closing against everything that may still be going on: the threads of the log, the background that makes checkpoints and merges, a
 * session that ends at that moment, another call of maintenance that was begun before. Closing is refused until the transaction has
 * ended, and then it is whole. */

static void closer(void *arg) {
    world *w = arg;
    for (int tries = 0;; tries++) {
        wg_error err = {0};
        const wg_code code = wg_engine_close(w->engine, &err);
        if (code == WG_OK) break;
        if (code != WG_E_MISUSE || tries > 10000) {
            sim_fail("close: %s: %s", wg_code_name(code), err.message);
            return;
        }
        sim_yield();
    }
    w->engine = NULL;
}

/* Has its transaction open before anybody may close; afterwards it does not touch the engine any more. */
static void last_writer(void *arg) {
    world *w = arg;
    wg_error err = {0};
    wg_txn *txn = NULL;
    if (!went("begin", wg_txn_begin(w->engine, WG_TXN_OPTIMISTIC, 0, &txn, &err), &err)) return;
    w->successes++;
    sim_yield();
    wg_code code = WG_OK;
    for (int64_t k = 0; k < PAIR && code == WG_OK; k++) code = set_value(w, txn, k, 7, &err);
    if (code == WG_OK) code = wg_txn_commit(txn, NULL, &err);
    else wg_txn_abort(txn);
    (void)went("last commit", code, &err);
}

static void closing_thread(void *arg) {
    world *w = arg;
    while (w->successes == 0 && !sim_failed()) sim_yield(); /* the writer is inside */
    closer(arg);
}

void sim_close_and_everything(void) {
    world w;
    sim_crew crew = {.count = 0};
    if (!world_begin_with(&w, WG_BUFFERED, sim_random(2) == 0)) return;
    sim_explore(true);
    for (int i = 0; i < 2; i++)
        if (!commit_next(&w)) return;
    sim_crew_add(&crew, last_writer, &w);
    sim_crew_add(&crew, closing_thread, &w);
    sim_crew_join(&crew);
    world_end(&w);
}

/* ---- two writers of one key: no update is lost, one of two creations wins */

static void counting_writer(void *arg) {
    world *w = arg;
    for (int done = 0; done < 2;) {
        wg_txn *txn = NULL;
        wg_error err = {0};
        int64_t v = 0;
        if (!went("begin", wg_txn_begin(w->engine, WG_TXN_OPTIMISTIC, 0, &txn, &err), &err)) return;
        wg_code code = value_of(w, txn, 50, &v, &err);
        if (code == WG_OK) code = set_value(w, txn, 50, v + 1, &err);
        if (code == WG_OK) code = wg_txn_commit(txn, NULL, &err);
        else wg_txn_abort(txn);
        if (code == WG_E_CONFLICT) continue;
        if (!went("counting", code, &err)) return;
        done++;
    }
}

static void creating_writer(void *arg) {
    world *w = arg;
    wg_txn *txn = NULL;
    wg_error err = {0};
    if (!went("begin", wg_txn_begin(w->engine, WG_TXN_OPTIMISTIC, 0, &txn, &err), &err)) return;
    wg_code code = create_row(w, txn, 500, 1, &err);
    if (code == WG_OK) code = wg_txn_commit(txn, NULL, &err);
    else wg_txn_abort(txn);
    if (code == WG_OK) w->successes++;
    else if (code != WG_E_CONSTRAINT && code != WG_E_CONFLICT) (void)went("creating", code, &err);
    counting_writer(arg);
}

void sim_two_writers_one_key(void) {
    world w;
    sim_crew crew = {.count = 0};
    wg_txn *txn = NULL;
    int64_t v = 0;
    if (!world_begin(&w, WG_STRICT)) return;
    sim_explore(true);
    sim_crew_add(&crew, creating_writer, &w);
    sim_crew_add(&crew, creating_writer, &w);
    sim_crew_join(&crew);
    sim_explore(false);
    if (w.successes != 1) sim_fail("%u of two creations of one key succeeded", w.successes);
    SIM_TRY("begin", wg_txn_begin(w.engine, WG_TXN_READ, 0, &txn, err));
    SIM_TRY("read", value_of(&w, txn, 50, &v, err));
    wg_txn_abort(txn);
    if (v != 4) sim_fail("%lld of 4 updates are there", (long long)v);
    world_end(&w);
}

/* ---- definitions against scans */

static wg_code scan_sum(const world *w, const wg_txn *txn, uint64_t *rows, int64_t *sum, wg_error *err) {
    const wg_type type = WG_TYPE_ANY;
    const wg_scan_spec spec = {
        .labels = &w->label, .label_count = 1, .keys = &w->key_k, .types = &type, .key_count = 1};
    wg_scan *scan = NULL;
    wg_scan_cursor *cursor = NULL;
    WG_TRY(wg_scan_open(txn, &spec, NULL, &scan, err));
    wg_code code = wg_scan_cursor_create(scan, NULL, NULL, &cursor, err);
    *rows = 0;
    *sum = 0;
    for (uint32_t t = 0; code == WG_OK && t < wg_scan_task_count(scan); t++) {
        code = wg_scan_cursor_start(cursor, t, err);
        for (uint32_t passed = 1; code == WG_OK && passed != 0;) {
            wg_batch b = {0};
            code = wg_scan_cursor_next(cursor, 2, &b, &passed, err);
            for (uint32_t i = 0; code == WG_OK && passed != 0 && i < b.row_count; i++) {
                *sum += wg_vector_value(&b.columns[1], wg_batch_row(&b, i)).as.i;
                (*rows)++;
            }
        }
    }
    wg_scan_cursor_destroy(cursor);
    wg_scan_close(scan);
    return code;
}

static void definer(void *arg) {
    world *w = arg;
    const wg_alter add = {.kind = WG_ALTER_ADD_COLUMN, .def = {.name = "more", .type = WG_TYPE_INT, .int_bits = 64}};
    const wg_alter rename = {.kind = WG_ALTER_RENAME_COLUMN, .column = "more", .name = "less"};
    const wg_label_def other = {
        .name = "Other", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 2, .key_count = 1};
    wg_txn *txn = NULL;
    SIM_TRY("begin", wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, err));
    SIM_TRY("add column", wg_txn_alter_label(txn, wg_slice_str("N"), false, &add, err));
    SIM_TRY("create label", wg_txn_create_label(txn, &other, false, err));
    SIM_TRY("commit", wg_txn_commit(txn, NULL, err));
    SIM_TRY("begin", wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, err));
    SIM_TRY("rename", wg_txn_alter_label(txn, wg_slice_str("N"), false, &rename, err));
    SIM_TRY("drop label", wg_txn_drop_label(txn, wg_slice_str("Other"), false, false, err));
    if (sim_random(2) == 0) SIM_TRY("commit", wg_txn_commit(txn, NULL, err));
    else wg_txn_abort(txn);
}

/* The rows of a snapshot are the same each time, whatever is defined meanwhile. */
static void scanner(void *arg) {
    world *w = arg;
    wg_txn *txn = NULL;
    for (int i = 0; i < 2; i++) {
        uint64_t rows[2] = {0};
        int64_t sum[2] = {0};
        SIM_TRY("begin", wg_txn_begin(w->engine, WG_TXN_READ, 0, &txn, err));
        for (int k = 0; k < 2; k++) SIM_TRY("scan", scan_sum(w, txn, &rows[k], &sum[k], err));
        wg_txn_abort(txn);
        if (rows[0] != rows[1] || sum[0] != sum[1] || rows[0] < PAIR + 2 || sum[0] < 102)
            sim_fail("a scan found %llu rows and then %llu", (unsigned long long)rows[0],
                     (unsigned long long)rows[1]);
    }
}

void sim_ddl_and_scan(void) {
    world w;
    sim_crew crew = {.count = 0};
    if (!world_begin(&w, WG_STRICT)) return;
    sim_at_some_point(power_fails, &w);
    sim_explore(true);
    sim_crew_add(&crew, definer, &w);
    sim_crew_add(&crew, scanner, &w);
    sim_crew_add(&crew, checkpointer_of_one, &w);
    sim_crew_join(&crew);
    world_end(&w);
}

/* ---- commits of runs against a transaction of the graph that is open meanwhile */

static void run_committer(void *arg) {
    world *w = arg;
    wg_state_session *session = NULL;
    wg_state_run *run = wg_state_run_at(wg_engine_state(w->engine), 1);
    const uint32_t me = w->committers++;
    SIM_TRY("session", wg_state_session_open(wg_engine_state(w->engine), &session, err));
    for (uint32_t i = 0; i < 4; i++) {
        char name[2];
        const wg_state_key key = wg_state_key_of(run, put_name(me, i, name));
        const wg_state_value value = {.type = WG_TYPE_BYTES, .bytes = wg_slice_of("value", 5)};
        const wg_lane *lane = wg_state_session_lane(session);
        SIM_TRY("put", wg_state_put(session, run, &key, &value, WG_VERSION_ANY, 7, NULL, err));
        SIM_TRY("durable put", wg_engine_state_wait(w->engine, lane, wg_lane_ticket(lane), err));
        w->puts[me]++;
    }
    wg_state_session_close(session);
}

static wg_code make_run(world *w, wg_error *err) {
    wg_mixed_result result;
    const wg_run_change change = {.origin = {.number = UINT32_MAX}};
    return wg_engine_commit_mixed(w->engine, &(wg_mixed_commit){.change = &change, .change_count = 1}, &result, err);
}

/* Its transaction begins, takes a statement back and ends over many switches; the first one commits, the second may not. */
static void slow_committer(void *arg) {
    world *w = arg;
    for (int i = 0; i < 2; i++) {
        wg_txn *txn = NULL;
        wg_txn_mark mark;
        const int64_t key = w->next_key++;
        SIM_TRY("begin", wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, err));
        const int64_t number = (int64_t)wg_txn_view(txn).snapshot + 1;
        wg_error err = {0};
        wg_code code = create_row(w, txn, key, 0, &err);
        for (int64_t k = 0; k < PAIR && code == WG_OK; k++) {
            wg_txn_mark_set(txn, &mark);
            code = set_value(w, txn, k, -1, &err);
            wg_txn_rollback_to(txn, &mark);
            if (code == WG_OK) code = set_value(w, txn, k, number, &err);
        }
        if (i == 0 && sim_random(2) == 0) sim_yield(); /* whoever can go on beside it does */
        const bool commits = i == 0 || sim_random(2) == 0;
        if (code == WG_OK && commits) code = wg_txn_commit(txn, NULL, &err);
        else wg_txn_abort(txn);
        if (!went("a slow commit", code, &err)) return;
        if (commits) w->committed[w->committed_count++] = key;
    }
}

static void run_maker(void *arg) {
    world *w = arg;
    SIM_TRY("a run beside", make_run(w, err));
}

void sim_runs_beside_writer(void) {
    world w;
    sim_crew crew = {.count = 0};
    wg_error err = {0};
    if (!world_begin(&w, WG_STRICT)) return;
    if (!went("a run", make_run(&w, &err), &err)) return;
    w.has_run = true;
    sim_at_some_point(power_fails, &w);
    sim_explore(true);
    sim_crew_add(&crew, slow_committer, &w);
    sim_crew_add(&crew, run_committer, &w);
    sim_crew_add(&crew, run_committer, &w);
    sim_crew_add(&crew, pair_reader, &w);
    sim_crew_add(&crew, pair_reader, &w);
    sim_crew_add(&crew, sim_random(2) == 0 ? run_maker : checkpointer, &w);
    sim_crew_join(&crew);
    sim_explore(false);
    if (!sim_failed()) check_seen(&w);
    world_end(&w);
}
