/* Calls that fail under the whole engine: every platform call of a scenario, once and from then on, and every allocation,
 * once and from then on. Each ends in success or in a typed error; afterwards, with the faults off, the engine reads what was
 * acknowledged, writes unless its log is poisoned, and opens again with a state of the model. */
#include "crash_kit.h"

#include "engine/engine_model_ops.h"

enum { COMMITS_MAX = 24, TRANSACTIONS = 10, ROUNDS = 6 };

typedef struct outcome {
    uint64_t acked;
    uint64_t attempted;
    bool created;
    model models[COMMITS_MAX + 1];
} outcome;

typedef struct counts {
    uint64_t runs;
    uint64_t failed_opens;
    uint64_t failed_commits;
    uint64_t poisoned;
} counts;

static outcome known; /* large */
static world the_world;
static counts counted;

static wg_code open_world(wg_platform *platform, wg_error *err) {
    const wg_engine_options options = {.platform = platform,
                                       .options = {.create = true},
                                       .wal_segment_bytes = 1 << 13,
                                       .halves_log_bytes = counted.runs % 2};
    return wg_engine_open("/ws", &options, &the_world.engine, err);
}

static void expect_typed(wg_code code, const wg_error *err) {
    if (code == WG_OK) return;
    assert_int_equal(err->code, code);
    assert_true(err->message[0] != '\0');
    if (code != WG_E_IO && code != WG_E_NOMEM) fail_msg("%s: %s", wg_code_name(code), err->message);
}

/* The state that the transaction begins on is that of its snapshot. */
static wg_code one_transaction(world *w, outcome *o, uint32_t number, wg_error *err) {
    wg_txn *txn = NULL;
    WG_TRY(wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, err));
    const uint64_t next = wg_txn_view(txn).snapshot + 1;
    assert_true(next <= COMMITS_MAX);
    w->now = o->models[wg_txn_view(txn).snapshot];
    if (next == 1) {
        const wg_code code = declare(txn, err);
        if (code != WG_OK) {
            wg_txn_abort(txn);
            return code;
        }
    }
    transaction_body(w, txn);
    if (number % 4 == 3) {
        wg_txn_abort(txn);
        return WG_OK;
    }
    o->models[next] = w->now;
    o->attempted = wg_max_u64(o->attempted, next);
    uint64_t logseq = 0;
    const wg_code code = wg_txn_commit(txn, &logseq, err);
    if (code != WG_OK) return code;
    o->acked = logseq;
    if (o->attempted > logseq) o->attempted = logseq; /* it was empty */
    return WG_OK;
}

/* Runs until something fails; the engine may be left open. */
static wg_code run_scenario(wg_platform *platform) {
    world *w = &the_world;
    wg_error err = {0};
    wg_code code = open_world(platform, &err);
    expect_typed(code, &err);
    known.created = code == WG_OK;
    if (code != WG_OK) counted.failed_opens++;
    for (uint32_t t = 0; t < TRANSACTIONS && code == WG_OK; t++) {
        code = one_transaction(w, &known, t, &err);
        expect_typed(code, &err);
        if (code != WG_OK) counted.failed_commits++;
    }
    return code;
}

static void check_newest(const char *when, uint64_t n) {
    wg_txn *txn = NULL;
    wg_buf text;
    wg_buf right;
    wg_buf_init(&text, NULL);
    wg_buf_init(&right, NULL);
    const uint64_t logseq = wg_engine_logseq(the_world.engine);
    if (logseq < known.acked || logseq > known.attempted)
        fail_msg("fault %llu, %s: logseq %llu, acknowledged %llu, attempted %llu", (unsigned long long)n, when,
                 (unsigned long long)logseq, (unsigned long long)known.acked, (unsigned long long)known.attempted);
    MODEL_OK(wg_txn_begin(the_world.engine, WG_TXN_READ, 0, &txn, err));
    engine_dump(txn, &text);
    wg_txn_abort(txn);
    model_dump(&known.models[logseq], the_world.text_max, &right);
    if (!same_text(&text, &right))
        fail_msg("fault %llu, %s: state at %llu is\n%.*s\nexpected\n%.*s", (unsigned long long)n, when,
                 (unsigned long long)logseq, (int)text.size, (const char *)text.data, (int)right.size,
                 (const char *)right.data);
    wg_buf_deinit(&text);
    wg_buf_deinit(&right);
}

/* With the faults off: reads, writes, close, verify, reopen. */
static void check_after(wg_platform *platform, uint64_t n) {
    world *w = &the_world;
    wg_error seen = {0};
    w->may_fail = false;
    if (w->engine != NULL) {
        check_newest("after", n);
        wg_error write_err = {0};
        const uint64_t acked = known.acked;
        const wg_code code = one_transaction(w, &known, 0, &write_err);
        expect_typed(code, &write_err);
        counted.poisoned += code != WG_OK;
        if (code == WG_OK) check_newest("after a write", n);
        if (wg_engine_close(w->engine, NULL) != WG_OK)
            assert_int_equal(known.acked, acked); /* the log is poisoned: nothing was acknowledged since */
        w->engine = NULL;
        wg_verify_report report;
        MODEL_OK(wg_engine_verify(platform, "/ws", &report, err));
    }
    wg_error_clear(&seen);
    if (open_world(platform, &seen) != WG_OK) fail_msg("fault %llu, reopen: %s", (unsigned long long)n, seen.message);
    check_newest("reopened", n);
    wg_error_clear(&seen);
    const wg_code code = one_transaction(w, &known, 0, &seen);
    if (code != WG_OK) fail_msg("fault %llu, write after reopen: %s", (unsigned long long)n, seen.message);
    check_newest("written", n);
    MODEL_OK(wg_engine_close(w->engine, err));
    w->engine = NULL;
}

static void begin_world(uint64_t round) {
    static const outcome nothing;
    known = nothing;
    memset(&the_world, 0, sizeof the_world);
    the_world.text_max = 400;
    wg_rng_init(&the_world.rng, totals.seed + round);
}

static void fail_platform_calls(wg_fault_kind kind, bool persistent) {
    bool reached = true;
    uint64_t round = 0;
    for (uint64_t n = crash_first(); round < ROUNDS; n += totals.stride) {
        wg_platform *disk = NULL;
        wg_platform *faulty = NULL;
        begin_world(round);
        MODEL_OK(wg_platform_sim_create(totals.seed, &disk, err));
        MODEL_OK(wg_platform_fault_create(disk, &faulty, err));
        wg_platform_fault_arm(faulty, n, kind, persistent);
        (void)run_scenario(faulty);
        reached = wg_platform_fault_calls(faulty) >= n;
        wg_platform_fault_arm(faulty, 0, kind, false);
        check_after(faulty, n);
        counted.runs++;
        wg_platform_fault_destroy(faulty);
        wg_platform_sim_destroy(disk);
        if (reached) continue;
        n = crash_first() - totals.stride; /* the next scenario from its first call */
        round++;
    }
}

static void print_counts(const char *what) {
    printf("%s: %llu runs, %llu failed opens, %llu failed transactions, %llu poisoned logs\n", what,
           (unsigned long long)counted.runs, (unsigned long long)counted.failed_opens,
           (unsigned long long)counted.failed_commits, (unsigned long long)counted.poisoned);
    assert_true(counted.failed_opens + counted.failed_commits > 0);
    counted = (counts){0};
}

/* Goal: one failing platform call. */
static void test_any_platform_call_may_fail_once(void **state) {
    (void)state;
    fail_platform_calls(WG_FAULT_EIO, false);
    print_counts("EIO once");
    fail_platform_calls(WG_FAULT_SHORT_WRITE, false);
    print_counts("short write once");
}

/* Goal: a platform that fails from some call on. */
static void test_platform_may_fail_for_good(void **state) {
    (void)state;
    fail_platform_calls(WG_FAULT_ENOSPC, true);
    print_counts("ENOSPC for good");
}

static void fail_allocations(bool persistent) {
    bool reached = true;
    uint64_t round = 0;
    for (uint64_t n = crash_first(); round < ROUNDS; n += totals.stride) {
        wg_platform *disk = NULL;
        begin_world(round);
        the_world.may_fail = true;
        MODEL_OK(wg_platform_sim_create(totals.seed, &disk, err));
        const uint64_t before = wg_memory_calls();
        wg_memory_fail_at(n, persistent);
        (void)run_scenario(disk);
        wg_memory_fail_at(0, false);
        reached = wg_memory_calls() - before >= n;
        check_after(disk, n);
        counted.runs++;
        wg_platform_sim_destroy(disk);
        if (reached) continue;
        n = crash_first() - totals.stride; /* the next scenario from its first call */
        round++;
    }
}

/* Goal: one failing allocation, and memory that has run out. */
static void test_any_allocation_may_fail(void **state) {
    (void)state;
    fail_allocations(false);
    print_counts("allocation once");
    fail_allocations(true);
    print_counts("allocations for good");
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_platform_call_may_fail_once),
        cmocka_unit_test(test_platform_may_fail_for_good),
        cmocka_unit_test(test_any_allocation_may_fail),
    };
    totals_arguments(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
