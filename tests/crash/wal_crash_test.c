/* Power fails at every call of several workloads on the log; 16 patterns of what survives; P1, P2 and P5 are checked
 * against an oracle outside the simulated disk (docs/durability.md).
 *
 * After each crash: the log opens; all acknowledged commits are there, in order, byte-equal, and nothing behind what was
 * appended; recovering again changes no byte; one commit and a second crash, then twenty commits and a third crash, keep
 * all of that. A sample also crashes inside the recovery.
 *
 * Some workloads make checkpoints: what is durable is said to be elsewhere, and the log is trimmed to where replay then begins. Some
 * have a follower, on a second handle: it must see just the durable commits, and never one that a crash then takes away. */
#include "crash_kit.h"

#include "io/wal_store/wal_internal.h"

static const uint8_t store_uuid[16] = {0xaa, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

typedef struct workload {
    const char *name;
    uint32_t segment_bytes;
    uint64_t commits;
    uint64_t wait_every; /* 1: strict; 0: never */
    wg_durability durability;
    uint32_t interval_ms;
    uint32_t batch;
    size_t (*size_of)(uint64_t logseq);
    uint64_t deep_one_in;      /* the checks after the second recovery, for one disk in so many */
    uint64_t checkpoint_every; /* 0: never */
    bool follow;
    uint64_t stride;          /* crash points left out; 0 and 1: none */
    bool appends_during_sync; /* another commit is appended while each sync runs */
    bool tickets;             /* every commit is wanted soon, nobody waits */
    bool frames_as_values;    /* payloads hold frames that a twin of this log has elsewhere */
} workload;

enum { GENERATIONS = 8 };

/* What the application knows. Each reopening begins a generation, whose payloads have other bytes: a lost commit that
 * comes back in the place of its successor is seen. */
typedef struct oracle {
    bool created;
    uint64_t acked;     /* must be there */
    uint64_t attempted; /* may be there */
    uint64_t generation;
    uint64_t starts[GENERATIONS]; /* commits above this number are of that generation or a later one */
    /* the last checkpoint: where replay begins */
    uint64_t first_segment;
    uint64_t after;
    wg_sha256 chain;
    uint64_t followed; /* the follower has seen them: they must stay */
    bool follower_wrong;
} oracle;

static uint64_t generation_of(const oracle *o, uint64_t logseq) {
    uint64_t g = o->generation;
    while (g > 0 && logseq <= o->starts[g]) g--;
    return g;
}

/* The log was reopened with `count` commits: all of them must stay. */
static void oracle_reopened(oracle *o, uint64_t count) {
    o->created = true;
    o->acked = o->attempted = count;
    o->generation++;
    assert_true(o->generation < GENERATIONS);
    o->starts[o->generation] = count;
}

typedef struct finding {
    char text[320];
} finding;

static bool found(finding *f, const char *format, ...) WG_PRINTF(2, 3);
static bool found(finding *f, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    return false;
}

static size_t size_small(uint64_t n) { return (size_t)(n * 131 % 700); }
static size_t size_even(uint64_t n) {
    (void)n;
    return 120;
}
/* Small ones, and now and then one for which no room is made. */
static size_t size_roomy(uint64_t n) { return n % 14 == 7 ? 6000 : 500 + (size_t)(n * 131 % 500); }
static size_t size_rotating(uint64_t n) { return 1200 + (size_t)(n * 97 % 900); }
static size_t size_mixed(uint64_t n) {
    static const size_t sizes[] = {1, 100, 5000, 70000, 3, 102400, 64, 20000, 1, 150000, 9};
    return sizes[(n - 1) % 11];
}
static size_t size_huge(uint64_t n) {
    static const size_t sizes[] = {1, 4 << 20, 300, (1 << 20) + 1, 1};
    return sizes[(n - 1) % 5];
}
static size_t size_large(uint64_t n) {
    static const size_t sizes[] = {10, 1 << 20, 200, 300000, 5};
    return sizes[(n - 1) % 5];
}

static wg_wal_options options_of(const workload *w, const oracle *known) {
    wg_wal_options o = {.segment_bytes = w->segment_bytes,
                        .durability = w->durability,
                        .sync_interval_ms = w->interval_ms,
                        .sync_batch_commits = w->batch,
                        .first_segment = known->first_segment,
                        .after = known->after,
                        .chain = known->chain};
    memcpy(o.store_uuid, store_uuid, 16);
    return o;
}

/* ---- payloads */

static void make_directory(wg_platform *p) {
    assert_int_equal(p->ops->make_directory(p, "/wal", NULL), WG_OK);
    assert_int_equal(p->ops->sync_directory(p, "/", NULL), WG_OK);
}

enum { TWIN_SEGMENT_BYTES = 65536, TWIN_COMMITS = 300, TWIN_FRAME_BYTES = 184, TWIN_FROM = 200 };
static uint8_t twin[TWIN_SEGMENT_BYTES];

/* The bytes of the first segment of a log with the same store id that has got further: a copy that went on elsewhere. */
static void twin_make(void) {
    const workload w = {.segment_bytes = TWIN_SEGMENT_BYTES, .commits = TWIN_COMMITS, .size_of = size_even};
    const wg_wal_options options = options_of(&w, &(oracle){.created = false});
    wg_platform *sim = NULL;
    wg_wal *wal = NULL;
    wg_file *file = NULL;
    size_t got = 0;
    uint8_t payload[TWIN_FRAME_BYTES - 32];
    memset(payload, 7, sizeof payload);
    const wg_slice part = wg_slice_of(payload, sizeof payload);
    assert_int_equal(wg_platform_sim_create(1, &sim, NULL), WG_OK);
    make_directory(sim);
    assert_int_equal(wg_wal_create(sim, "/wal", &options, NULL), WG_OK);
    assert_int_equal(wg_wal_open(sim, "/wal", &options, NULL, NULL, &wal, NULL, NULL), WG_OK);
    for (uint64_t n = 1; n <= TWIN_COMMITS; n++) {
        uint64_t logseq = 0;
        assert_int_equal(wg_wal_append(wal, &part, 1, &logseq, NULL), WG_OK);
        assert_int_equal(wg_wal_wait(wal, logseq, NULL), WG_OK);
    }
    assert_int_equal(wg_wal_close(wal, NULL), WG_OK);
    assert_int_equal(sim->ops->open(sim, "/wal/00000000000000000001.wal", WG_OPEN_READ, &file, NULL), WG_OK);
    assert_int_equal(sim->ops->read_at(sim, file, 0, twin, sizeof twin, &got, NULL), WG_OK);
    assert_int_equal(got, sizeof twin);
    sim->ops->close(sim, file);
    wg_platform_sim_destroy(sim);
}

static void payload_make(const workload *w, uint64_t logseq, uint64_t generation, uint8_t *out, size_t size) {
    payload_fill(logseq, generation, out, size);
    if (!w->frames_as_values) return;
    for (size_t at = 0; at + TWIN_FRAME_BYTES <= size; at += TWIN_FRAME_BYTES) {
        const size_t frame = TWIN_FROM + (logseq * 8 + generation + at) % 80;
        memcpy(out + at, twin + 128 + frame * TWIN_FRAME_BYTES, TWIN_FRAME_BYTES);
    }
}

static bool payload_is(const workload *w, uint64_t logseq, uint64_t generation, wg_slice payload) {
    if (!w->frames_as_values) return payload_equal(logseq, generation, payload);
    uint8_t *bytes = wg_alloc(NULL, payload.size + 1);
    assert_non_null(bytes);
    payload_make(w, logseq, generation, bytes, payload.size);
    const bool same = wg_slice_equal(wg_slice_of(bytes, payload.size), payload);
    wg_free(bytes);
    return same;
}

/* ---- following */

typedef struct replay_check {
    const oracle *o;
    uint64_t count;
    const workload *w;
    uint64_t wrong; /* 0: none */
} replay_check;

static wg_code check_commit(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err) {
    replay_check *c = ctx;
    (void)chain;
    (void)err;
    const bool right = logseq == c->count + 1 && payload.size == c->w->size_of(logseq) &&
                       payload_is(c->w, logseq, generation_of(c->o, logseq), payload);
    if (!right && c->wrong == 0) c->wrong = logseq;
    c->count++;
    return WG_OK;
}

typedef struct reader {
    wg_wal_follower *follower;
    replay_check seen;
} reader;

static void reader_end(reader *r) {
    wg_wal_follower_close(r->follower);
    r->follower = NULL;
}

/* Reads what is durable. A trim sends it back to the last checkpoint. False when it refuses for another reason than the power. */
static bool reader_poll(reader *r, wg_platform *p, const workload *w, oracle *o) {
    uint64_t commits = 0;
    wg_error err = {0};
    wg_code code = WG_OK;
    if (r->follower == NULL) {
        const wg_wal_options options = options_of(w, o);
        r->seen = (replay_check){.o = o, .w = w, .count = o->after};
        code = wg_wal_follow(p, "/wal", &options, &r->follower, &err);
    }
    if (code == WG_OK) code = wg_wal_follower_read(r->follower, check_commit, &r->seen, &commits, &err);
    if (code == WG_E_EXPIRED) reader_end(r);
    o->followed = wg_max_u64(o->followed, r->seen.count);
    o->follower_wrong |= r->seen.wrong != 0;
    return code == WG_OK || code == WG_E_EXPIRED || code == WG_E_IO || code == WG_E_NOT_FOUND;
}

/* ---- running */

/* Appends one more commit inside each sync, behind the sync itself: what another thread may do, at its worst moment. */
static struct {
    const wg_platform_ops *inner;
    wg_platform_ops ops;
    wg_wal *wal;
    const workload *w;
    oracle *o;
} overtaker;

static wg_code append_one(wg_wal *wal, const workload *w, uint64_t generation, oracle *o, wg_error *err) {
    const uint64_t next = wg_wal_last_logseq(wal) + 1;
    const size_t size = w->size_of(next);
    uint8_t *bytes = wg_alloc(NULL, size + 1);
    if (bytes == NULL) return wg_error_nomem(err, size);
    payload_make(w, next, generation, bytes, size);
    const wg_slice part = wg_slice_of(bytes, size);
    uint64_t logseq = 0;
    o->attempted = next;
    const wg_code code = wg_wal_append(wal, &part, 1, &logseq, err);
    wg_free(bytes);
    return code;
}

/* What an engine does: everything up to here is written elsewhere, in the oracle's own memory, and the log is trimmed. */
static void checkpoint(wg_wal *wal, oracle *o) {
    (void)wg_wal_rotate(wal, (uint32_t)(o->after % 2) * 2048,
                        NULL); /* every other one leaves a short segment alone */
    const uint64_t after = wg_wal_durable_logseq(wal);
    wg_sha256 chain;
    if (!wg_wal_chain_at(wal, after, &chain)) return;
    o->first_segment = wg_wal_keep_from(wal, after);
    o->after = after;
    o->chain = chain;
    (void)wg_wal_trim(wal, o->first_segment, NULL);
    wg_wal_chain_forget(wal, after);
}

/* Another thread would wait for the turn when its commit ends direct mode; here the leader itself appends, so it leaves such a one out. */
static void overtake(void) {
    wg_wal *wal = overtaker.wal;
    enum { LARGEST = 1000 };
    if (!wal->stage.on || wgi_wal_stage_takes(wal, LARGEST))
        (void)append_one(wal, overtaker.w, overtaker.o->generation, overtaker.o, NULL);
}

static wg_code overtaken_sync(wg_platform *self, wg_file *file, wg_error *err) {
    const wg_code code = overtaker.inner->sync(self, file, err);
    if (code == WG_OK) overtake();
    return code;
}

static wg_code overtaken_write(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts, size_t count,
                               wg_error *err) {
    const wg_code code = overtaker.inner->write_durable(self, file, offset, parts, count, err);
    if (code == WG_OK) overtake();
    return code;
}

static void overtaker_begin(wg_platform *p, wg_wal *wal, const workload *w, oracle *o) {
    overtaker.inner = p->ops;
    overtaker.ops = *p->ops;
    overtaker.ops.sync = overtaken_sync;
    overtaker.ops.write_durable = overtaken_write;
    overtaker.wal = wal;
    overtaker.w = w;
    overtaker.o = o;
    p->ops = &overtaker.ops;
}

static void run_commits(wg_wal *wal, wg_platform *p, const workload *w, uint64_t count, oracle *o) {
    reader r = {.follower = NULL};
    for (uint64_t i = 1; i <= count; i++) {
        if (append_one(wal, w, o->generation, o, NULL) != WG_OK) break;
        if (w->tickets) (void)wg_wal_sync_soon(wal, o->attempted, NULL);
        if (w->wait_every != 0 && i % w->wait_every == 0) {
            const uint64_t waited = o->attempted;
            if (wg_wal_wait(wal, waited, NULL) != WG_OK) break;
            o->acked = wg_max_u64(o->acked, waited);
        }
        if (w->checkpoint_every != 0 && i % w->checkpoint_every == 0) checkpoint(wal, o);
        if (!w->follow) continue;
        if (!reader_poll(&r, p, w, o)) o->follower_wrong = true;
        if (o->followed > wg_wal_durable_logseq(wal)) o->follower_wrong = true;
    }
    reader_end(&r);
    o->acked = wg_max_u64(o->acked, wg_wal_durable_logseq(wal));
}

/* Creates, fills and closes a log until power fails. */
static void run_workload(wg_platform *p, const workload *w, oracle *o) {
    const wg_wal_options options = options_of(w, o);
    wg_wal *wal = NULL;
    if (wg_wal_create(p, "/wal", &options, NULL) != WG_OK) return;
    o->created = true;
    if (wg_wal_open(p, "/wal", &options, NULL, NULL, &wal, NULL, NULL) != WG_OK) return;
    if (w->appends_during_sync) overtaker_begin(p, wal, w, o);
    run_commits(wal, p, w, w->commits, o);
    if (w->appends_during_sync) p->ops = overtaker.inner;
    const uint64_t last = wg_wal_last_logseq(wal);
    if (wg_wal_close(wal, NULL) == WG_OK) o->acked = last;
}

/* ---- checking */

/* Opens and compares with the oracle; *out_wal stays open. */
static bool open_checked(wg_platform *p, const workload *w, const oracle *o, wg_wal **out, finding *f) {
    const wg_wal_options options = options_of(w, o);
    replay_check c = {.o = o, .w = w, .count = o->after};
    wg_error err = {0};
    totals.recoveries++;
    const wg_code code = wg_wal_open(p, "/wal", &options, check_commit, &c, out, NULL, &err);
    if (code != WG_OK && !o->created) {
        wg_error_clear(&err);
        if (wg_wal_create(p, "/wal", &options, &err) != WG_OK ||
            wg_wal_open(p, "/wal", &options, check_commit, &c, out, NULL, &err) != WG_OK)
            return found(f, "cannot create again: %s", err.message);
        return true;
    }
    if (code != WG_OK) return found(f, "open refused: %s", err.message);
    const uint64_t count = c.count;
    bool ok = true;
    if (c.wrong != 0) ok = found(f, "commit %llu came back wrong", (unsigned long long)c.wrong);
    if (ok && count < o->acked)
        ok = found(f, "%llu of %llu acknowledged commits lost", (unsigned long long)(o->acked - count),
                   (unsigned long long)o->acked);
    if (ok && count > o->attempted)
        ok = found(f, "%llu commits appeared", (unsigned long long)(count - o->attempted));
    if (ok && count < o->followed)
        ok = found(f, "a follower saw %llu commits, %llu are there", (unsigned long long)o->followed,
                   (unsigned long long)count);
    if (ok && o->follower_wrong) ok = found(f, "a follower saw other than the durable commits");
    if (!ok) wg_wal_close(*out, NULL);
    return ok;
}

static bool close_checked(wg_wal *wal, finding *f) {
    wg_error err = {0};
    if (wg_wal_close(wal, &err) == WG_OK) return true;
    return found(f, "close: %s", err.message);
}

/* Opens and closes; gives the number of commits. */
static bool recover_once(wg_platform *p, const workload *w, const oracle *o, uint64_t *out_count, finding *f) {
    wg_wal *wal = NULL;
    if (!open_checked(p, w, o, &wal, f)) return false;
    *out_count = wg_wal_last_logseq(wal);
    return close_checked(wal, f);
}

/* Recovers with `count` further commits, crashes, and recovers again. Takes the platform. */
static bool go_on_and_crash(wg_platform *sim, const workload *w, oracle *o, uint64_t count, wg_rng *rng, finding *f,
                            wg_platform **out) {
    workload further = *w;
    wg_wal *wal = NULL;
    wg_platform *after = NULL;
    *out = NULL;
    bool ok = open_checked(sim, w, o, &wal, f);
    if (ok) {
        oracle_reopened(o, wg_wal_last_logseq(wal));
        further.wait_every = 1;
        run_commits(wal, sim, &further, count, o);
        const uint64_t acked = o->acked;
        further.wait_every = 0;
        run_commits(wal, sim, &further, 2, o);
        o->acked = acked;
        const wg_crash_pattern pattern = (wg_crash_pattern)wg_rng_below(rng, WG_CRASH_PATTERN_COUNT);
        assert_int_equal(wg_platform_sim_reboot(sim, pattern, wg_rng_next(rng), &after, NULL), WG_OK);
        wg_wal_close(wal, NULL);
    }
    wg_platform_sim_destroy(sim);
    if (!ok) return false;
    uint64_t recovered = 0;
    if (!recover_once(after, w, o, &recovered, f)) {
        wg_platform_sim_destroy(after);
        return false;
    }
    o->acked = o->attempted = recovered;
    *out = after;
    return true;
}

/* A reader that opens what a crash left, before any writer has: nothing that it sees may be lost by the recovery. */
static bool follow_unrecovered(wg_platform *p, const workload *w, oracle *o, finding *f) {
    reader r = {.follower = NULL};
    if (!w->follow || !o->created) return true;
    const bool ok = reader_poll(&r, p, w, o);
    reader_end(&r);
    return ok || found(f, "a follower refused what the crash left");
}

/* The checks on one disk that a crash left. Takes the platform. */
static bool verify(wg_platform *sim, const workload *w, const oracle *known, wg_rng *rng, finding *f) {
    oracle o = *known;
    uint64_t first = 0;
    uint64_t second = 0;
    wg_buf dump;
    wg_buf_init(&dump, NULL);
    bool ok = follow_unrecovered(sim, w, &o, f) && recover_once(sim, w, &o, &first, f) &&
              wg_platform_sim_dump(sim, &dump) && recover_once(sim, w, &o, &second, f);
    if (ok && first != second)
        ok = found(f, "recovered twice: %llu, then %llu commits", (unsigned long long)first,
                   (unsigned long long)second);
    if (ok && !dumps_equal(sim, &dump)) ok = found(f, "recovered twice: the bytes differ");
    wg_buf_deinit(&dump);
    if (!ok || wg_rng_below(rng, w->deep_one_in) != 0) {
        wg_platform_sim_destroy(sim);
        return ok;
    }
    o.created = true;
    o.acked = o.attempted = first;
    wg_platform *next = NULL;
    if (!go_on_and_crash(sim, w, &o, 1, rng, f, &next)) return false;
    wg_platform *last = NULL;
    if (!go_on_and_crash(next, w, &o, 20, rng, f, &last)) return false;
    wg_platform_sim_destroy(last);
    return true;
}

/* Crashes once more inside the recovery, then checks. */
static bool verify_crashed_recovery(const wg_platform *disk, const workload *w, const oracle *o, uint64_t call,
                                    wg_rng *rng, finding *f) {
    const wg_wal_options options = options_of(w, o);
    wg_platform *sim;
    wg_platform *after;
    wg_wal *wal = NULL;
    assert_int_equal(wg_platform_sim_reboot(disk, WG_CRASH_NONE_SURVIVES, 1, &sim, NULL), WG_OK);
    wg_platform_sim_crash_at(sim, call);
    totals.recoveries++;
    if (wg_wal_open(sim, "/wal", &options, NULL, NULL, &wal, NULL, NULL) == WG_OK) wg_wal_close(wal, NULL);
    const wg_crash_pattern pattern = (wg_crash_pattern)wg_rng_below(rng, WG_CRASH_PATTERN_COUNT);
    assert_int_equal(wg_platform_sim_reboot(sim, pattern, wg_rng_next(rng), &after, NULL), WG_OK);
    wg_platform_sim_destroy(sim);
    return verify(after, w, o, rng, f);
}

static bool check_patterns(const wg_platform *sim, const workload *w, const oracle *o, uint64_t n, finding *f) {
    wg_rng rng;
    wg_rng_init(&rng, totals.seed + n);
    totals.crash_points++;
    for (unsigned i = 0; i < WG_CRASH_PATTERN_COUNT; i++) {
        wg_platform *disk;
        wg_platform *copy;
        finding inner = {{0}};
        const uint64_t seed = wg_rng_next(&rng);
        assert_int_equal(wg_platform_sim_reboot(sim, (wg_crash_pattern)i, seed, &disk, NULL), WG_OK);
        bool ok = true;
        if (o->created && wg_rng_below(&rng, 8) == 0)
            ok = verify_crashed_recovery(disk, w, o, 1 + wg_rng_below(&rng, 24), &rng, &inner);
        if (ok) {
            assert_int_equal(wg_platform_sim_reboot(disk, WG_CRASH_NONE_SURVIVES, seed, &copy, NULL), WG_OK);
            ok = verify(copy, w, o, &rng, &inner);
        }
        wg_platform_sim_destroy(disk);
        if (!ok)
            return found(f, "%s, crash at call %llu, pattern %u, WG_SEED=%llu: %.200s", w->name,
                         (unsigned long long)n, i, (unsigned long long)totals.seed, inner.text);
    }
    return true;
}

/* One workload, power failing at each call. False with a finding when a promise was broken. */
static bool crash_everywhere(const workload *w, finding *f) {
    for (uint64_t n = crash_first();; n += totals.stride * wg_max_u64(1, w->stride)) {
        wg_platform *sim;
        oracle o = {.created = false};
        assert_int_equal(wg_platform_sim_create(totals.seed, &sim, NULL), WG_OK);
        make_directory(sim);
        wg_platform_sim_crash_at(sim, n);
        run_workload(sim, w, &o);
        const bool through = !wg_platform_sim_crashed(sim);
        const bool ok = check_patterns(sim, w, &o, n, f);
        wg_platform_sim_destroy(sim);
        if (!ok) return false;
        if (through) return true;
    }
}

/* Sync n fails and drops what it should have written; the log is reopened, goes on, and then power fails. */
static bool fail_every_sync(const workload *w, finding *f) {
    for (uint64_t n = 1;; n++) {
        wg_platform *sim;
        oracle o = {.created = true};
        const wg_wal_options options = options_of(w, &o);
        wg_wal *wal = NULL;
        assert_int_equal(wg_platform_sim_create(totals.seed, &sim, NULL), WG_OK);
        make_directory(sim);
        assert_int_equal(wg_wal_create(sim, "/wal", &options, NULL), WG_OK);
        assert_int_equal(wg_wal_open(sim, "/wal", &options, NULL, NULL, &wal, NULL, NULL), WG_OK);
        wg_platform_sim_fail_sync_at(sim, n);
        run_commits(wal, sim, w, w->commits, &o);
        const bool through = wg_wal_close(wal, NULL) == WG_OK;
        wg_platform_sim_fail_sync_at(sim, 0);
        bool ok = open_checked(sim, w, &o, &wal, f);
        if (ok) {
            oracle_reopened(&o, wg_wal_last_logseq(wal));
            workload strict = *w;
            strict.wait_every = 1;
            run_commits(wal, sim, &strict, 4, &o);
            ok = check_patterns(sim, w, &o, n, f);
            wg_wal_close(wal, NULL);
        }
        wg_platform_sim_destroy(sim);
        if (!ok) return false;
        if (through || n > 200) return true;
    }
}

/* ---- workloads */

static const workload strict_small = {.name = "strict small commits",
                                      .segment_bytes = 4096,
                                      .commits = 60,
                                      .wait_every = 1,
                                      .size_of = size_small,
                                      .deep_one_in = 2};
static const workload grouped = {.name = "groups of unsynced commits",
                                 .segment_bytes = 4096,
                                 .commits = 110,
                                 .wait_every = 17,
                                 .durability = WG_BUFFERED,
                                 .interval_ms = 3600000,
                                 .batch = 1000000,
                                 .size_of = size_even,
                                 .deep_one_in = 2};
static const workload rotating = {.name = "rotation with several unsynced segments",
                                  .segment_bytes = 4096,
                                  .commits = 40,
                                  .wait_every = 7,
                                  .size_of = size_rotating,
                                  .deep_one_in = 2};
static const workload mixed = {.name = "commits of 1 B to 150 kB over small segments",
                               .segment_bytes = 16384,
                               .commits = 15,
                               .wait_every = 2,
                               .size_of = size_mixed,
                               .deep_one_in = 16};
static const workload large = {.name = "commits of 1 MiB",
                               .segment_bytes = 256 << 10,
                               .commits = 6,
                               .wait_every = 1,
                               .size_of = size_large,
                               .deep_one_in = 64};
static const workload background = {.name = "buffered with the background thread",
                                    .segment_bytes = 4096,
                                    .commits = 60,
                                    .wait_every = 0,
                                    .durability = WG_BUFFERED,
                                    .interval_ms = 1,
                                    .batch = 5,
                                    .size_of = size_small,
                                    .deep_one_in = 8};

static const workload roomy = {.name = "buffered, stored into rooms of a segment",
                               .segment_bytes = 100 << 10,
                               .commits = 320,
                               .wait_every = 61,
                               .durability = WG_BUFFERED,
                               .interval_ms = 3600000,
                               .batch = 1000000,
                               .size_of = size_roomy,
                               .deep_one_in = 64,
                               .stride = 3};

static const workload trimming = {.name = "checkpoints, trims and a follower",
                                  .segment_bytes = 4096,
                                  .commits = 45,
                                  .wait_every = 3,
                                  .size_of = size_rotating,
                                  .deep_one_in = 4,
                                  .checkpoint_every = 7,
                                  .follow = true};
static const workload trimming_split = {.name = "the same with commits of many segments",
                                        .segment_bytes = 8192,
                                        .commits = 16,
                                        .wait_every = 1,
                                        .size_of = size_mixed,
                                        .deep_one_in = 16,
                                        .checkpoint_every = 3,
                                        .follow = true};
static const workload trimming_background = {.name = "the same, buffered with the background thread",
                                             .segment_bytes = 4096,
                                             .commits = 60,
                                             .durability = WG_BUFFERED,
                                             .interval_ms = 1,
                                             .batch = 5,
                                             .size_of = size_small,
                                             .deep_one_in = 8,
                                             .checkpoint_every = 10,
                                             .follow = true};
static const workload huge = {.name = "commits of 1 B to 4 MiB",
                              .segment_bytes = 1 << 20,
                              .commits = 5,
                              .wait_every = 1,
                              .size_of = size_huge,
                              .deep_one_in = 512,
                              .checkpoint_every = 4,
                              .follow = true,
                              .stride = 9};

static const workload tickets = {.name = "tickets: wanted soon, waited for by nobody",
                                 .segment_bytes = 4096,
                                 .commits = 50,
                                 .size_of = size_small,
                                 .deep_one_in = 4,
                                 .checkpoint_every = 12,
                                 .tickets = true};
static const workload tickets_large = {.name = "the same with commits of 1 B to 150 kB",
                                       .segment_bytes = 16384,
                                       .commits = 12,
                                       .size_of = size_mixed,
                                       .deep_one_in = 16,
                                       .tickets = true,
                                       .stride = 3};
static const workload overtaking = {.name = "appends while syncs run",
                                    .segment_bytes = 4096,
                                    .commits = 40,
                                    .wait_every = 1,
                                    .size_of = size_small,
                                    .deep_one_in = 4,
                                    .appends_during_sync = true};
static const workload deceiving = {.name = "values that are frames of a twin",
                                   .segment_bytes = TWIN_SEGMENT_BYTES,
                                   .commits = 12,
                                   .wait_every = 3,
                                   .size_of = size_rotating,
                                   .deep_one_in = 2,
                                   .frames_as_values = true};

static void expect_clean(const workload *w) {
    finding f = {{0}};
    const uint64_t before = totals.recoveries;
    const uint64_t points = totals.crash_points;
    if (!crash_everywhere(w, &f)) fail_msg("%s", f.text);
    printf("  %s: %llu crash points, %llu recoveries\n", w->name, (unsigned long long)(totals.crash_points - points),
           (unsigned long long)(totals.recoveries - before));
}

/* Goal: P1 for single strict commits with rotation. */
static void test_crash_strict_commits_survive(void **state) {
    (void)state;
    expect_clean(&strict_small);
}
/* Goal: P2: of unsynced commits a prefix survives, never a hole. */
static void test_crash_buffered_commits_are_a_prefix(void **state) {
    (void)state;
    expect_clean(&grouped);
}
/* Goal: P2 where commits are stored into room that is made and zeroed ahead of them, over several rooms and segments. */
static void test_crash_stored_commits_are_a_prefix(void **state) {
    (void)state;
    expect_clean(&roomy);
}
/* Goal: P1 and P2 while several segments, their names included, are unsynced at once. */
static void test_crash_rotation_keeps_the_promises(void **state) {
    (void)state;
    expect_clean(&rotating);
}
/* Goal: P1 for commits that are split into frames over many segments: whole or absent. */
static void test_crash_split_commits_are_whole_or_absent(void **state) {
    (void)state;
    expect_clean(&mixed);
}
/* Goal: the same for commits of 1 MiB. */
static void test_crash_large_commits_are_whole_or_absent(void **state) {
    (void)state;
    expect_clean(&large);
}
/* Goal: P2 with the background thread syncing at any moment. */
static void test_crash_background_sync_keeps_the_prefix(void **state) {
    (void)state;
    expect_clean(&background);
}

/* Goal: P1 and P2 while checkpoints trim the log and a follower reads it. */
static void test_crash_trims_and_followers_lose_nothing(void **state) {
    (void)state;
    expect_clean(&trimming);
    expect_clean(&trimming_split);
    expect_clean(&trimming_background);
}
/* Goal: the same for commits of 4 MiB beside commits of one byte. */
static void test_crash_huge_commits_are_whole_or_absent(void **state) {
    (void)state;
    expect_clean(&huge);
}

/* Goal: P6: whichever sync fails and drops its data, what is built after reopening survives the next power failure. */
static void test_crash_failed_sync_then_reopen_is_sound(void **state) {
    (void)state;
    finding f = {{0}};
    workload w = strict_small;
    w.name = "failed sync";
    w.commits = 25;
    if (!fail_every_sync(&w, &f)) fail_msg("%s", f.text);
    w.wait_every = 4;
    if (!fail_every_sync(&w, &f)) fail_msg("%s", f.text);
}

/* Goal: power failing at every call of a recovery that has much to do leaves a disk that recovers. */
static void test_crash_in_every_call_of_recovery(void **state) {
    (void)state;
    static const workload *const kinds[] = {&strict_small, &grouped, &rotating, &mixed, &trimming};
    wg_rng rng;
    wg_rng_init(&rng, totals.seed);
    for (size_t i = 0; i < 40; i += (totals.stride + 4) / 5) {
        workload w = *kinds[i % 5];
        w.deep_one_in = 8;
        wg_platform *sim;
        wg_platform *disk;
        oracle o = {.created = false};
        assert_int_equal(wg_platform_sim_create(totals.seed, &sim, NULL), WG_OK);
        make_directory(sim);
        wg_platform_sim_crash_at(sim, 12 + wg_rng_below(&rng, 90));
        run_workload(sim, &w, &o);
        const wg_crash_pattern pattern = (wg_crash_pattern)wg_rng_below(&rng, WG_CRASH_PATTERN_COUNT);
        assert_int_equal(wg_platform_sim_reboot(sim, pattern, wg_rng_next(&rng), &disk, NULL), WG_OK);
        for (uint64_t call = 1; o.created && call <= 60; call++) {
            finding f = {{0}};
            if (!verify_crashed_recovery(disk, &w, &o, call, &rng, &f))
                fail_msg("%s, base %zu, recovery crashed at call %llu, WG_SEED=%llu: %s", w.name, i,
                         (unsigned long long)call, (unsigned long long)totals.seed, f.text);
        }
        wg_platform_sim_destroy(disk);
        wg_platform_sim_destroy(sim);
    }
}

/* Goal: commits that others append while a sync runs are not covered by it, and nobody says that they are. */
static void test_crash_appends_during_a_sync_wait_for_the_next(void **state) {
    (void)state;
    expect_clean(&overtaking);
}

/* Goal: P1 for commits that the background thread of STRICT makes durable: those that a ticket says are durable survive, and what is
 * read back for the chain changes nothing. */
static void test_crash_tickets_that_are_durable_survive(void **state) {
    (void)state;
    expect_clean(&tickets);
    expect_clean(&tickets_large);
}

/* Goal: values that are frames of a twin of this log, valid there, are not taken for frames here. */
static void test_crash_values_that_look_like_frames_are_values(void **state) {
    (void)state;
    twin_make();
    expect_clean(&deceiving);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_strict_commits_survive),
        cmocka_unit_test(test_crash_buffered_commits_are_a_prefix),
        cmocka_unit_test(test_crash_stored_commits_are_a_prefix),
        cmocka_unit_test(test_crash_rotation_keeps_the_promises),
        cmocka_unit_test(test_crash_split_commits_are_whole_or_absent),
        cmocka_unit_test(test_crash_large_commits_are_whole_or_absent),
        cmocka_unit_test(test_crash_background_sync_keeps_the_prefix),
        cmocka_unit_test(test_crash_trims_and_followers_lose_nothing),
        cmocka_unit_test(test_crash_huge_commits_are_whole_or_absent),
        cmocka_unit_test(test_crash_failed_sync_then_reopen_is_sound),
        cmocka_unit_test(test_crash_in_every_call_of_recovery),
        cmocka_unit_test(test_crash_appends_during_a_sync_wait_for_the_next),
        cmocka_unit_test(test_crash_tickets_that_are_durable_survive),
        cmocka_unit_test(test_crash_values_that_look_like_frames_are_values),
    };
    totals_arguments(argc, argv);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    totals_print();
    return failed;
}
