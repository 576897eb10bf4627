/* Answers that are larger than the memory of their query: equal rows for every limit, in files that nobody sees and that go with them; every failure of the
 * disk and of memory. */
#include "exec/spill.h"
#include "exec/test_limits.h"

enum { NODES = 80007, TASK = 4000 };

static void use_many_nodes(void) {
    fake_txn.node_count = NODES;
    fake_txn.task_rows = TASK;
}

static wg_plan *sorted_plan(void) {
    wg_plan *p = plan_new(WG_PLAN_SORT, scan_plan());
    wg_sort_item *items = make(2 * sizeof *items);
    items[0] = (wg_sort_item){slot(3, WG_TYPE_STRING), true};
    items[1] = (wg_sort_item){slot(1, WG_TYPE_INT), false};
    p->sort_items = items;
    p->sort_item_count = 2;
    return p;
}

static wg_plan *limited_plan(int64_t skip, int64_t limit) {
    wg_plan *p = plan_new(WG_PLAN_LIMIT, scan_plan());
    p->skip_expr = integer(skip);
    p->limit_expr = integer(limit);
    return p;
}

static wg_plan *grouped(void) {
    wg_expr *keys[] = {slot(0, WG_TYPE_NODE), slot(3, WG_TYPE_STRING)};
    const wg_aggregate aggregates[] = {{WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT},
                                       {WG_AGG_SUM, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT}};
    return grouped_plan(scan_plan(), 2, keys, 2, aggregates);
}

typedef struct attempt {
    wg_account account;
    wg_answer answer;
    wg_exec_context context;
    wg_rows *rows;
    wg_error err;
} attempt;

static wg_code begin_attempt(attempt *a, const wg_plan *plan, uint32_t threads, uint32_t batch, uint64_t limit,
                             uint64_t spill_bytes_max) {
    *a = (attempt){0};
    wg_account_init(&a->account, &test_account, limit);
    wg_answer_init(&a->answer, &a->account);
    wg_answer_open(&a->answer, fake_engine_value.platform, "", spill_bytes_max);
    a->context = context_with(threads, batch);
    a->context.account = &a->account;
    a->context.answer = &a->answer;
    a->context.spill_bytes_max = spill_bytes_max;
    const wg_code code = wg_exec_run(plan, &a->context, &a->rows, &a->err);
    wg_answer_close(&a->answer);
    return code;
}

static void end_attempt(attempt *a) {
    wg_rows_destroy(a->rows);
    wg_answer_deinit(&a->answer);
    assert_int_equal(wg_account_bytes(&a->account), 0);
}

static uint64_t hash_of(const wg_rows *rows) {
    uint64_t hash = wg_rows_count(rows);
    for (uint64_t r = 0; r < wg_rows_count(rows); r++)
        for (uint32_t c = 0; c < wg_rows_column_count(rows); c++) {
            const wg_value v = wg_rows_cell(rows, r, c);
            hash = hash * 31 + wg_value_hash(&v);
        }
    return hash;
}

/* The same by pieces, as exports read it. */
static uint64_t hash_of_pieces(const wg_rows *rows) {
    uint64_t hash = wg_rows_count(rows);
    for (uint32_t p = 0; p < wg_rows_piece_count(rows); p++) {
        wg_vector vectors[16];
        wg_batch batch;
        wg_rows_piece(rows, p, vectors, &batch);
        for (uint32_t r = 0; r < batch.row_count; r++)
            for (uint32_t c = 0; c < batch.column_count; c++) {
                const wg_value v = wg_vector_value(&vectors[c], r);
                hash = hash * 31 + wg_value_hash(&v);
            }
    }
    return hash;
}

/* Goal: an answer is the same whatever the memory, threads and batch size, no account holds more than its limit, and only the lowest limit refuses. */
static void test_answers_are_the_same_for_every_limit(void **state) {
    (void)state;
    use_many_nodes();
    static const uint64_t limits[] = {0, 64 << 20, 16 << 20, 12 << 20, 8 << 20, 6 << 20, 100 << 10};
    wg_plan *plans[] = {scan_plan(), sorted_plan(), grouped(), limited_plan(20001, 55000), limited_plan(5, 30)};
    for (uint32_t p = 0; p < 5; p++) {
        uint64_t expected = 0;
        uint32_t in_files = 0;
        for (uint32_t l = 0; l < 7; l++)
            for (uint32_t threads = 1; threads < 4; threads += 2) {
                attempt a;
                const wg_code code = begin_attempt(&a, plans[p], threads, l % 2 == 0 ? 2048 : 500, limits[l], 0);
                if (code != WG_OK) {
                    if (code != WG_E_LIMIT || limits[l] > (threads == 1 ? 6u << 20 : 8u << 20))
                        fail_msg("plan %u, limit %u KiB, %u threads: %s", p, (unsigned)(limits[l] >> 10), threads,
                                 a.err.message);
                } else {
                    if (expected == 0) expected = hash_of(a.rows);
                    assert_true(hash_of(a.rows) == expected);
                    assert_true(hash_of_pieces(a.rows) == expected);
                    if (wg_answer_file_bytes(&a.answer) > 0) in_files++;
                    assert_true(limits[l] == 0 || wg_account_peak(&a.account) <= limits[l]);
                    assert_int_equal(a.answer.spilled.bytes_now, wg_answer_file_bytes(&a.answer));
                }
                end_attempt(&a);
            }
        assert_true(in_files >= 2 || p == 4);
    }
}

/* Goal: whichever call of the disk fails, and however, the query ends with an error of I/O; nothing stays, neither mapped nor charged. */
static void test_every_call_of_the_disk_may_fail(void **state) {
    (void)state;
    use_many_nodes();
    static const wg_fault_kind kinds[] = {WG_FAULT_EIO, WG_FAULT_ENOSPC, WG_FAULT_SHORT_WRITE};
    const wg_plan *plan = scan_plan();
    wg_platform *faulty = NULL;
    assert_int_equal(wg_platform_fault_create(wg_platform_real(), &faulty, NULL), WG_OK);
    fake_engine_value.platform = faulty;
    uint64_t expected = 0;
    uint32_t refused = 0;
    for (uint64_t n = 0, failed = 1; failed != 0; n += n < 16 ? 1 : 1 + n / (wg_test_small() ? 2 : 8)) {
        attempt a;
        wg_platform_fault_arm(faulty, n, kinds[n % 3], n % 2 == 0);
        const wg_code code = begin_attempt(&a, plan, 1, 2048, 6 << 20, 0);
        wg_platform_fault_arm(faulty, 0, WG_FAULT_EIO, false);
        if (n == 0) {
            assert_int_equal(code, WG_OK);
            assert_true(wg_answer_file_bytes(&a.answer) > 0);
            expected = hash_of(a.rows);
        } else if (code == WG_OK) {
            assert_true(hash_of(a.rows) == expected);
            failed = n < 16; /* past the last call */
        } else {
            if (code != WG_E_IO) fail_msg("call %u: %s", (unsigned)n, a.err.message);
            assert_true(a.err.message[0] != '\0');
            assert_null(a.rows);
            refused++;
        }
        end_attempt(&a);
    }
    assert_true(refused > 10);
    fake_engine_value.platform = wg_platform_real();
    wg_platform_fault_destroy(faulty);
}

/* Goal: no allocation that fails while an answer goes to files leaks or changes it. */
static void test_allocations_may_fail(void **state) {
    (void)state;
    use_many_nodes();
    const wg_plan *plan = sorted_plan();
    uint64_t expected = 0;
    for (uint64_t n = 0; n < 400000; n += 1 + n / (wg_test_small() ? 1 : 6)) {
        attempt a;
        wg_memory_fail_at(n, false);
        const wg_code code = begin_attempt(&a, plan, 1, 2048, 8 << 20, 0);
        wg_memory_fail_at(0, false);
        if (code == WG_OK && n == 0) expected = hash_of(a.rows);
        if (code == WG_OK) assert_true(hash_of(a.rows) == expected);
        else assert_true(code == WG_E_NOMEM || code == WG_E_LIMIT);
        end_attempt(&a);
    }
}

/* Goal: the cap of temporary files holds for answers, with a message of its own. */
static void test_answers_keep_to_the_cap_of_files(void **state) {
    (void)state;
    use_many_nodes();
    attempt a;
    assert_int_equal(begin_attempt(&a, scan_plan(), 1, 2048, 6 << 20, 5 << 20), WG_E_LIMIT);
    assert_non_null(strstr(a.err.message, "spill_bytes_max"));
    end_attempt(&a);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, exec_test_setup, exec_test_teardown)
    const struct CMUnitTest tests[] = {
        T(test_answers_are_the_same_for_every_limit),
        T(test_every_call_of_the_disk_may_fail),
        T(test_allocations_may_fail),
        T(test_answers_keep_to_the_cap_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
