/* Invariants 1 to 14 of docs/determinism.md: the answer is a function of log, position and query, and is the oracle's. */
#include "tests/determinism/kit.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/operators.h"
#include "query/query.h"

/* ---- a store whose scans have many tasks; rows 0..BIG-1 */

enum { BIG = 100000 };
static kit_db big;

static const char *const big_queries[] = {
    "MATCH (n:X) WHERE n.k % 7 = 3 RETURN n.k, n.f",
    "MATCH (n:X) RETURN count(*), sum(n.k), sum(n.f), avg(n.f), min(n.f), max(n.k)",
    "MATCH (n:X) RETURN n.k % 97 AS g, count(*), sum(n.f), avg(n.f), collect(n.k)[0..3]",
    "MATCH (n:X) RETURN DISTINCT n.k % 1000 AS d",
    /* groups that are new in every task stand among groups of earlier and later ones */
    "MATCH (n:X) RETURN DISTINCT CASE WHEN n.k % 2 = 0 THEN n.k / 64 ELSE (n.k % 40000) / 64 + 100000 END AS d",
    "MATCH (n:X) WITH CASE WHEN n.k % 3 = 0 THEN 's' + toString(n.k / 64) ELSE n.s END AS g, n.f AS f RETURN g, "
    "count(*), sum(f)",
    "MATCH (n:X) RETURN n.k, n.f ORDER BY n.f, n.k DESC LIMIT 500", "MATCH (n:X) RETURN n.k SKIP 30000 LIMIT 100",
    "MATCH (n:X) WHERE n.s STARTS WITH 's77' RETURN n.s, n.k",
    "MATCH (n:X), (m:X) WHERE n.k = m.k + 50000 AND n.k % 100 = 0 RETURN n.k, m.k"};
enum { BIG_QUERIES = sizeof big_queries / sizeof big_queries[0] };

static void big_answers(kit_db *db, wg_buf *out) {
    for (uint32_t q = 0; q < BIG_QUERIES; q++) kit_answer(db, big_queries[q], 0, out);
}

static int make_big(void **state) {
    (void)state;
    kit_open(&big, true);
    kit_do(&big,
           "UNWIND range(0, 99999) AS i CREATE (:X {k: i, f: (i * 7919 % 100003) * 0.1 - 1.0 / (i + 1), "
           "s: 's' + toString(i * 31 % 1000)})");
    return 0;
}

static int drop_big(void **state) {
    (void)state;
    kit_remove(&big);
    return 0;
}

typedef struct ways {
    kit_history h;
    kit_db db;
} ways;

static void grow(ways *w, uint64_t seed, kit_upkeep upkeep) {
    kit_begin(&w->h, seed);
    kit_open(&w->db, true);
    kit_grow(&w->h, &w->db, KIT_COMMITS, upkeep);
}

/* Goal (1): threads, shards, morsels, kernels, optimizer and the state of the store change no byte of any answer, at any position. */
static void test_inv_01_configurations_change_no_byte(void **state) {
    (void)state;
    static const uint32_t threads[] = {1, 2, 8}, shards[] = {1, 7, 61}, morsels[] = {1, 64, 2048};
    for (uint64_t seed = 1; seed <= KIT_SEEDS; seed++) {
        wg_buf wanted = {0};
        for (int upkeep = KIT_LOG_ONLY; upkeep <= KIT_COMPACTED; upkeep++) {
            ways w;
            grow(&w, seed, (kit_upkeep)upkeep);
            for (uint32_t c = 0; c < 18; c++) {
                wg_buf got = {0};
                const char *isa = kit_isa(c % 3) != NULL ? kit_isa(c % 3) : "best";
                kit_execution(&w.db, threads[c % 3], shards[c / 3 % 3], morsels[(c + c / 3) % 3], isa,
                              c < 9 ? WG_OPTIMIZER_ON : WG_OPTIMIZER_OFF);
                for (uint64_t at = 3; at <= w.h.last; at += 7) kit_all_answers(&w.db, at, &got);
                if (wanted.size == 0) wanted = got;
                kit_expect_same(&got, &wanted, "seed %llu, upkeep %d, way %u", (unsigned long long)seed, upkeep, c);
                if (got.data != wanted.data) wg_buf_deinit(&got);
            }
            kit_remove(&w.db);
        }
        wg_buf_deinit(&wanted);
    }
}

/* Goal (2): every answer at every position is the oracle's. */
static void test_inv_02_answers_are_the_oracles(void **state) {
    (void)state;
    for (uint64_t seed = 10; seed < 10 + KIT_SEEDS; seed++) {
        ways w;
        grow(&w, seed, (kit_upkeep)(seed % 3));
        for (uint64_t at = 1; at <= w.h.last; at++)
            for (uint32_t q = 0; q < KIT_QUERIES; q++) {
                wg_buf got = {0};
                wg_buf wanted = {0};
                kit_answer(&w.db, kit_query(q), at, &got);
                kit_oracle(&w.h, q, at, &wanted);
                kit_expect_same(&got, &wanted, "seed %llu, position %llu: %s", (unsigned long long)seed,
                                (unsigned long long)at, kit_query(q));
                wg_buf_deinit(&got);
                wg_buf_deinit(&wanted);
            }
        kit_remove(&w.db);
    }
}

/* ---- in other processes: this program again, with a store to answer for */

static int answer_for(const char *dir) {
    kit_db in = {0};
    wg_buf out = {0};
    const wg_options options = {.read_only = true, .threads = 3};
    if (wg_open(dir, &options, &in.db, NULL) != WG_OK || wg_session_open(in.db, &in.session, NULL) != WG_OK) return 1;
    for (uint32_t q = 0; q < KIT_QUERIES; q++)
        if (kit_try(&in, kit_query(q), 0, &out, NULL) != WG_OK) return 1;
    const bool ok = fwrite(out.data, 1, out.size, stdout) == out.size && fflush(stdout) == 0;
    wg_buf_deinit(&out);
    wg_session_close(in.session);
    return wg_close(in.db, NULL) == WG_OK && ok ? 0 : 1;
}

static void run_process(const char *dir, bool fixed_addresses, const char *perturb, wg_buf *out) {
    char piece[4096];
    int ends[2];
    ssize_t n;
    int status = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], 1);
        (void)close(ends[0]);
        if (fixed_addresses) (void)personality(ADDR_NO_RANDOMIZE);
        (void)setenv("MALLOC_PERTURB_", perturb, 1);
        (void)execl("/proc/self/exe", "answer", dir, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    while ((n = read(ends[0], piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0) assert_true(wg_buf_append(out, piece, (size_t)n));
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Goal (3): five times in a process, after reopening, and in five processes: one string of bytes. */
static void test_inv_03_repetition_changes_nothing(void **state) {
    (void)state;
    ways w;
    wg_buf wanted = {0};
    grow(&w, 20, KIT_CHECKPOINTED);
    kit_all_answers(&w.db, 0, &wanted);
    for (int i = 0; i < 5; i++) {
        wg_buf got = {0};
        kit_all_answers(&w.db, 0, &got);
        kit_expect_same(&got, &wanted, "time %d", i);
        got.size = 0;
        kit_close(&w.db);
        kit_open(&w.db, false);
        kit_all_answers(&w.db, 0, &got);
        kit_expect_same(&got, &wanted, "after reopening %d times", i + 1);
        got.size = 0;
        run_process(w.db.dir, false, "0", &got);
        kit_expect_same(&got, &wanted, "process %d", i);
        wg_buf_deinit(&got);
    }
    wg_buf_deinit(&wanted);
    kit_remove(&w.db);
}

/* ---- a scheduler that delays tasks */

typedef struct delays {
    _Atomic uint64_t seed;
    _Atomic uint64_t tasks;
} delays;

static void delay(void *ctx, uint32_t task, uint32_t shard) {
    delays *d = ctx;
    wg_rng rng;
    atomic_fetch_add_explicit(&d->tasks, 1, memory_order_relaxed);
    wg_rng_init(&rng, atomic_fetch_add_explicit(&d->seed, 1, memory_order_relaxed) * 977 + task * 31 + shard);
    for (uint64_t i = wg_rng_below(&rng, 40); i > 0; i--) (void)sched_yield();
}

/* Goal (4): delaying the completion of tasks at random changes nothing. */
static void test_inv_04_delayed_shards_change_nothing(void **state) {
    (void)state;
    wg_buf wanted = {0};
    kit_execution(&big, 1, 1, 2048, NULL, WG_OPTIMIZER_ON);
    big_answers(&big, &wanted);
    for (uint64_t seed = 0; seed < 4; seed++) {
        delays d = {.seed = seed * 1000};
        const wg_exec_watch watch = {delay, &d};
        wg_buf got = {0};
        wg_session_watch(big.session, &watch);
        kit_execution(&big, 8, 7, 512, NULL, WG_OPTIMIZER_ON);
        big_answers(&big, &got);
        wg_session_watch(big.session, NULL);
        assert_true(d.tasks > 20);
        kit_expect_same(&got, &wanted, "delays of seed %llu", (unsigned long long)seed);
        wg_buf_deinit(&got);
    }
    wg_buf_deinit(&wanted);
}

/* Goal (5): 1 to 64 threads over 1, 2, 3, 7, 16 and 61 shards. */
static void test_inv_05_threads_and_shards_change_nothing(void **state) {
    (void)state;
    static const uint32_t threads[] = {1, 2, 3, 8, 64}, shards[] = {1, 2, 3, 7, 16, 61};
    wg_buf wanted = {0};
    kit_execution(&big, 1, 1, 2048, NULL, WG_OPTIMIZER_ON);
    big_answers(&big, &wanted);
    for (uint32_t t = 0; t < 5; t++)
        for (uint32_t s = 0; s < 6; s++) {
            wg_buf got = {0};
            kit_execution(&big, threads[t], shards[s], 2048, NULL, WG_OPTIMIZER_ON);
            big_answers(&big, &got);
            kit_expect_same(&got, &wanted, "%u threads, %u shards", threads[t], shards[s]);
            wg_buf_deinit(&got);
        }
    wg_buf_deinit(&wanted);
}

/* Goal (6): masks of every kernel are those of the scalar one for all short lengths and alignments; all kernels and lengths are in
 * base/kernels/kernels_test.c, NEON in tests/neon. */
static void test_inv_06_kernels_give_equal_masks(void **state) {
    (void)state;
    enum { LENGTHS = 4 * 64 + 3 };
    int64_t values[LENGTHS + 8];
    uint8_t masks[2][LENGTHS];
    uint16_t sels[2][LENGTHS];
    const wg_kernels *scalar = wg_kernels_of(WG_ISA_SCALAR);
    wg_rng rng;
    wg_rng_init(&rng, 6);
    for (uint32_t k = 0; kit_isa(k) != NULL; k++) {
        wg_isa isa;
        assert_true(wg_isa_parse(wg_slice_str(kit_isa(k)), &isa));
        const wg_kernels *other = wg_kernels_of(isa);
        for (size_t n = 0; n <= LENGTHS; n++) {
            const size_t shift = n % 8;
            for (size_t i = 0; i < LENGTHS + 8; i++) values[i] = (int64_t)wg_rng_below(&rng, 5) - 2;
            for (int op = 0; op < WG_KERNEL_COMPARE_COUNT; op++) {
                scalar->compare_i64((wg_kernel_compare)op, values + shift, 0, n, masks[0]);
                other->compare_i64((wg_kernel_compare)op, values + shift, 0, n, masks[1]);
                assert_memory_equal(masks[0], masks[1], n);
                const size_t a = scalar->select(masks[0], n, sels[0]);
                const size_t b = other->select(masks[1], n, sels[1]);
                assert_int_equal(a, b);
                assert_memory_equal(sels[0], sels[1], a * sizeof sels[0][0]);
            }
        }
    }
}

/* ---- the record plane with and without its accelerations */

static const wg_operator_def dispatch = {.type = WG_OPERATOR_SHARD_DISPATCH, .flags = WG_OPERATOR_OPTIONAL};
static const wg_operator_def simd = {.op_id = 6, .type = WG_OPERATOR_SIMD_FILTER, .flags = WG_OPERATOR_OPTIONAL};

static void plane(kit_db *db, bool accelerated, uint32_t shards, uint64_t last_segment, wg_buf *out) {
    wg_txn *txn = NULL;
    wg_record_result r;
    wg_operator_def ops[9];
    uint32_t n = 0;
    KIT_OK(wg_txn_begin(wg_db_engine(db->db), WG_TXN_READ, 0, &txn, err));
    if (accelerated) ops[n++] = dispatch;
    ops[n++] = (wg_operator_def){.op_id = 1,
                                 .type = WG_OPERATOR_SEGMENT_SCAN,
                                 .flags = accelerated ? WG_OPERATOR_PARALLEL : 0,
                                 .params.segment_scan = {true, 0, last_segment}};
    ops[n++] = (wg_operator_def){
        .op_id = 2, .type = WG_OPERATOR_SEGMENT_SCAN, .params.segment_scan = {false, 0, last_segment}};
    ops[n++] = (wg_operator_def){.op_id = 3, .type = WG_OPERATOR_MERGE, .params.merge = {true}};
    ops[n++] = (wg_operator_def){.op_id = 4, .type = WG_OPERATOR_TOMBSTONE_SHADOW};
    ops[n] = (wg_operator_def){.op_id = 5, .type = WG_OPERATOR_INDEX_FILTER};
    ops[n].params.index_filter.has_type_tag = true;
    ops[n].params.index_filter.artifact_type_tag = 0;
    n++;
    if (accelerated) ops[n++] = simd;
    ops[n] = (wg_operator_def){.op_id = 7, .type = WG_OPERATOR_AGGREGATION};
    ops[n].params.aggregation.agg_count = ops[n].params.aggregation.agg_sum = ops[n].params.aggregation.agg_union =
        true;
    n++;
    const wg_record_plan plan = {{0, wg_txn_view(txn).snapshot}, ops, n};
    const wg_exec_context context = {
        .txn = txn, .pool = wg_db_pool(db->db), .threads = accelerated ? 4 : 1, .batch_rows = 2048, .shards = shards};
    KIT_OK(wg_records_run(&plan, &context, &r, err));
    assert_true(wg_buf_printf(out, "%llu %llu %llu\n", (unsigned long long)r.aggregation.count,
                              (unsigned long long)r.aggregation.sum_type_tag.low,
                              (unsigned long long)r.aggregation.union_count));
    for (uint64_t i = 0; i < r.records.count; i++)
        assert_true(wg_buf_printf(out, "%llu %llu %llu\n", (unsigned long long)r.records.logseqs[i],
                                  (unsigned long long)r.records.artifact_ids[i],
                                  (unsigned long long)r.records.tgk_edge_ids[i]));
    wg_record_result_deinit(&r);
    wg_txn_abort(txn);
}

/* Goal (7): without ShardDispatch, SimdFilter, parallel scans, pushdown and the optimizer the answers are the same. */
static void test_inv_07_accelerations_are_optional(void **state) {
    (void)state;
    for (uint64_t seed = 30; seed < 30 + KIT_SEEDS; seed++) {
        ways w;
        wg_buf a = {0}, b = {0}, oracle = {0};
        grow(&w, seed, (kit_upkeep)(seed % 3));
        plane(&w.db, true, 7, UINT64_MAX, &a);
        plane(&w.db, false, 1, UINT64_MAX, &b);
        kit_expect_same(&a, &b, "record plane, seed %llu", (unsigned long long)seed);
        a.size = 0;
        kit_execution(&w.db, 2, 3, 100, NULL, WG_OPTIMIZER_OFF);
        kit_all_answers(&w.db, 0, &a);
        kit_all_oracle(&w.h, 0, &oracle);
        kit_expect_same(&a, &oracle, "optimizer off, seed %llu", (unsigned long long)seed);
        wg_buf_deinit(&a);
        wg_buf_deinit(&b);
        wg_buf_deinit(&oracle);
        kit_remove(&w.db);
    }
}

/* Goal (8): what scans are told to prune by is advisory: told nothing ("always maybe") they answer the same. And a filter that says "no" for what
 * is there would be noticed: with the segments that hold the newest rows left out, as such a filter would, the comparison fails. */
static void test_inv_08_filters_are_advisory_and_a_lying_one_is_noticed(void **state) {
    (void)state;
    ways w;
    wg_buf a = {0}, b = {0};
    grow(&w, 40, KIT_COMPACTED);
    for (uint32_t q = 0; q < 4; q++) {
        kit_execution(&w.db, 1, 1, 64, NULL, WG_OPTIMIZER_ON);
        kit_answer(&w.db, kit_query(q), 0, &a);
        kit_execution(&w.db, 1, 1, 64, NULL, WG_OPTIMIZER_OFF);
        kit_answer(&w.db, kit_query(q), 0, &b);
    }
    kit_expect_same(&a, &b, "pruning");
    a.size = b.size = 0;
    plane(&w.db, true, 3, UINT64_MAX, &a);
    plane(&w.db, true, 3, 0, &b);
    assert_false(a.size == b.size && memcmp(a.data, b.data, a.size) == 0);
    wg_buf_deinit(&a);
    wg_buf_deinit(&b);
    kit_remove(&w.db);
}

/* Goal (9): how tasks are routed does not matter: one shard is a hash of constant 0, 65,536 is one of its own for each task. */
static void test_inv_09_routing_does_not_matter(void **state) {
    (void)state;
    static const uint32_t shards[] = {1, 2, 5, 64, 1000, 65536};
    wg_buf wanted = {0};
    for (uint32_t i = 0; i < 6; i++) {
        wg_buf got = {0};
        kit_execution(&big, 3, shards[i], 2048, NULL, WG_OPTIMIZER_ON);
        big_answers(&big, &got);
        if (i == 0) wanted = got;
        kit_expect_same(&got, &wanted, "%u shards", shards[i]);
        if (i > 0) wg_buf_deinit(&got);
    }
    wg_buf_deinit(&wanted);
}

/* Goal (10): addresses that are random or fixed, and memory filled with other bytes, change nothing. Hash tables have no seed. */
static void test_inv_10_addresses_and_allocation_do_not_matter(void **state) {
    (void)state;
    static const char *const perturb[] = {"0", "1", "170", "255"};
    ways w;
    wg_buf wanted = {0};
    grow(&w, 50, KIT_COMPACTED);
    kit_all_answers(&w.db, 0, &wanted);
    kit_close(&w.db);
    for (int i = 0; i < 8; i++) {
        wg_buf got = {0};
        run_process(w.db.dir, i % 2 == 1, perturb[i / 2], &got);
        kit_expect_same(&got, &wanted, "process %d", i);
        wg_buf_deinit(&got);
    }
    wg_buf_deinit(&wanted);
    kit_remove(&w.db);
}

/* Goal (11): rows of an ordered answer ascend strictly by their key: none stands twice. */
static void test_inv_11_order_keys_ascend_strictly(void **state) {
    (void)state;
    ways w;
    grow(&w, 60, KIT_CHECKPOINTED);
    wg_txn *txn = NULL;
    KIT_OK(wg_txn_begin(wg_db_engine(w.db.db), WG_TXN_READ, 0, &txn, err));
    const wg_exec_context context = {
        .txn = txn, .pool = wg_db_pool(w.db.db), .threads = 4, .batch_rows = 2048, .shards = 5};
    wg_changes c;
    KIT_OK(wg_changes_between(&context, 0, w.h.last, &c, err));
    assert_int_equal(c.count, w.h.event_count);
    for (uint64_t i = 1; i < c.count; i++) {
        const bool later = c.logseqs[i] > c.logseqs[i - 1];
        const bool kind = c.logseqs[i] == c.logseqs[i - 1] && c.is_edge[i] > c.is_edge[i - 1];
        const bool id =
            c.logseqs[i] == c.logseqs[i - 1] && c.is_edge[i] == c.is_edge[i - 1] && c.ids[i] > c.ids[i - 1];
        assert_true(later || kind || id);
    }
    wg_changes_deinit(&c);
    wg_txn_abort(txn);
    kit_remove(&w.db);
}

/* Appends the rows of an answer without its header. */
static void rows_of(const kit_db *db, const char *text, wg_buf *out) {
    wg_buf all = {0};
    kit_answer(db, text, 0, &all);
    const uint8_t *feed = memchr(all.data, '\n', all.size);
    assert_non_null(feed);
    const size_t from = (size_t)(feed - all.data) + 1;
    assert_true(wg_buf_append(out, all.data + from, all.size - from));
    wg_buf_deinit(&all);
}

/* Goal (12): the pages of an answer, put together, are the answer, for every size of page; ordered by the text or by the plan. */
static void test_inv_12_pages_give_the_whole(void **state) {
    (void)state;
    static const uint32_t pages[] = {1, 3, 1000, 2048, 5000};
    kit_execution(&big, 4, 7, 2048, NULL, WG_OPTIMIZER_ON);
    for (int ordered = 0; ordered < 2; ordered++) {
        const char *order = ordered ? " ORDER BY n.f, n.k" : "";
        char text[200];
        wg_buf wanted = {0};
        (void)snprintf(text, sizeof text, "MATCH (n:X) WHERE n.k %% 20 = 7 RETURN n.k%s", order);
        rows_of(&big, text, &wanted);
        for (uint32_t p = 0; p < 5; p++) {
            wg_buf got = {0};
            const uint32_t step = pages[p];
            const uint32_t until = step < 10 ? 60 : BIG / 20; /* small pages over the beginning alone */
            for (uint32_t from = 0; from < until; from += step) {
                (void)snprintf(text, sizeof text, "MATCH (n:X) WHERE n.k %% 20 = 7 RETURN n.k%s SKIP %u LIMIT %u",
                               order, from, step);
                rows_of(&big, text, &got);
            }
            assert_true(got.size <= wanted.size && got.size > 100);
            assert_memory_equal(got.data, wanted.data, got.size);
            if (step >= 10) assert_int_equal(got.size, wanted.size);
            wg_buf_deinit(&got);
        }
        wg_buf_deinit(&wanted);
    }
}

/* Goal (13): sums of floats have equal bits on every number of threads and size of morsel, and are the oracle's: added in integers. */
static void test_inv_13_float_sums_are_exact(void **state) {
    (void)state;
    static const uint32_t threads[] = {1, 2, 3, 5, 8};
    wg_i128 scaled = 0;
    for (int64_t i = 0; i < BIG; i++) scaled += (i * 7919 % 100003) * 3 - i; /* exact in units of 1/1024 below */
    for (uint32_t t = 0; t < 5; t++) {
        wg_buf got = {0}, wanted = {0};
        kit_execution(&big, threads[t], t + 1, t == 0 ? 1 : 500 * t, NULL, WG_OPTIMIZER_ON);
        rows_of(&big, "MATCH (n:X) RETURN sum(((n.k * 7919) % 100003 * 3 - n.k) / 1024.0)", &got);
        const wg_value sum = wg_value_float((double)scaled / 1024.0);
        assert_true(wg_buf_append_u8(&wanted, '[') && wg_value_print_json(&wanted, &sum) &&
                    wg_buf_append_str(&wanted, "]\n"));
        kit_expect_same(&got, &wanted, "%u threads", threads[t]);
        got.size = 0;
        rows_of(&big, "UNWIND [1e300, 1.0, -1e300, 1e-300] AS x RETURN sum(x)", &got);
        assert_memory_equal(got.data, "[1.0]\n", got.size); /* what adding in any order would lose */
        wg_buf_deinit(&got);
        wg_buf_deinit(&wanted);
    }
}

/* Goal (14): what is decoded encodes to the same bytes: values, statements, receipts. Log frames and stripes: tests/golden. */
static void test_inv_14_encodings_are_canonical(void **state) {
    (void)state;
    ways w;
    grow(&w, 70, KIT_LOG_ONLY);
    for (uint32_t q = 0; q < KIT_QUERIES; q++) {
        wg_result *result = NULL;
        wg_prepared *first = NULL, *second = NULL;
        wg_arena arena;
        wg_receipt receipt;
        char place[WG_RECEIPT_PLACE_SIZE];
        wg_buf again = {0};
        wg_arena_init(&arena, NULL);
        KIT_OK(wg_query_create(wg_slice_str(kit_query(q)), wg_db_procedures(w.db.db), NULL, &first, err));
        KIT_OK(wg_query_create(wg_query_canonical_text(first), wg_db_procedures(w.db.db), NULL, &second, err));
        assert_true(wg_slice_equal(wg_query_canonical_text(first), wg_query_canonical_text(second)));
        wg_query_destroy(first);
        wg_query_destroy(second);
        KIT_OK(wg_query(w.db.session, kit_query(q), &result, err));
        const char *text = wg_result_receipt(result);
        KIT_OK(wg_receipt_read(wg_slice_str(text), &arena, &receipt, place, err));
        KIT_OK(wg_receipt_print(&receipt, &again, err));
        assert_true(wg_slice_is(wg_buf_slice(&again), text));
        for (uint64_t row = 0; row < wg_result_row_count(result); row++)
            for (uint32_t c = 0; c < wg_result_column_count(result); c++) {
                wg_buf one = {0}, two = {0};
                wg_value v = {0}, back = {0};
                KIT_OK(wg_result_cell(result, row, c, &v, err));
                assert_true(wg_value_encode(&one, &v));
                wg_slice bytes = wg_buf_slice(&one);
                KIT_OK(wg_value_decode(&bytes, &arena, &back, err));
                assert_true(wg_value_encode(&two, &back));
                kit_expect_same(&two, &one, "a value");
                wg_buf_deinit(&one);
                wg_buf_deinit(&two);
            }
        wg_result_free(result);
        wg_buf_deinit(&again);
        wg_arena_deinit(&arena);
    }
    kit_remove(&w.db);
}

int main(int argc, char **argv) {
    if (argc == 2 && argv[0][0] == 'a' && argv[1][0] == '/') return answer_for(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inv_01_configurations_change_no_byte),
        cmocka_unit_test(test_inv_02_answers_are_the_oracles),
        cmocka_unit_test(test_inv_03_repetition_changes_nothing),
        cmocka_unit_test(test_inv_04_delayed_shards_change_nothing),
        cmocka_unit_test(test_inv_05_threads_and_shards_change_nothing),
        cmocka_unit_test(test_inv_06_kernels_give_equal_masks),
        cmocka_unit_test(test_inv_07_accelerations_are_optional),
        cmocka_unit_test(test_inv_08_filters_are_advisory_and_a_lying_one_is_noticed),
        cmocka_unit_test(test_inv_09_routing_does_not_matter),
        cmocka_unit_test(test_inv_10_addresses_and_allocation_do_not_matter),
        cmocka_unit_test(test_inv_11_order_keys_ascend_strictly),
        cmocka_unit_test(test_inv_12_pages_give_the_whole),
        cmocka_unit_test(test_inv_13_float_sums_are_exact),
        cmocka_unit_test(test_inv_14_encodings_are_canonical),
    };
    return cmocka_run_group_tests(tests, make_big, drop_big);
}
