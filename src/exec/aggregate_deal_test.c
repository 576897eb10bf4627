/* Groups dealt to parts: every distribution of keys gives the rows of a loop over the made-up graph, whatever the memory and the threads, and
 * rows really are dealt. What is held is counted where it is taken: only the hands of aggregate_deal.c take memory of the platform in exec. */
#include "exec/test_limits.h"

#include <stdio.h>

enum { NODES = 300007, HEAVY_NODES = 800011, TASK = 4000, GROUPS_BEFORE = 100001, TEXT_BYTES = 24 };

/* ---- what is held */

static wg_platform_ops counting_ops;
static wg_platform counting;
static _Atomic uint64_t held_bytes; /* taken, given back or not */
static _Atomic int64_t held_now;

static void *counting_take(wg_platform *self, uint64_t bytes) {
    (void)self;
    void *memory = wg_platform_real()->ops->take_memory(wg_platform_real(), bytes);
    if (memory == NULL) return NULL;
    atomic_fetch_add(&held_bytes, bytes);
    atomic_fetch_add(&held_now, (int64_t)bytes);
    return memory;
}

static void counting_give(wg_platform *self, void *memory, uint64_t bytes) {
    (void)self;
    atomic_fetch_sub(&held_now, (int64_t)bytes);
    wg_platform_real()->ops->give_memory(wg_platform_real(), memory, bytes);
}

static void use_nodes(uint32_t count) {
    fake_txn.node_count = count;
    fake_txn.task_rows = TASK;
    counting_ops = *wg_platform_real()->ops;
    counting_ops.take_memory = counting_take;
    counting_ops.give_memory = counting_give;
    counting = (wg_platform){&counting_ops};
    fake_engine_value.platform = &counting;
}

/* ---- distributions of keys, each as a function of the node's number and as an expression */

#define NO_KEY INT64_MIN

typedef struct distribution {
    const char *name;
    int64_t (*key)(int64_t n); /* NO_KEY: null */
    wg_expr *(*expr)(void);
    bool as_text; /* the key is the text of the number */
    bool many;    /* groups enough to be dealt, on any number of threads here */
} distribution;

static int64_t one_key(int64_t n) { return 0 * n; }
static int64_t uniform_key(int64_t n) { return n % 110001; }
static int64_t distinct_key(int64_t n) { return n * 3; }
static int64_t skewed_key(int64_t n) { return n < GROUPS_BEFORE ? n : 7; }
static int64_t two_heavy_key(int64_t n) { return n < GROUPS_BEFORE ? n : n % 2; }
static int64_t null_key(int64_t n) { return n < GROUPS_BEFORE && n % 9 != 0 ? n : NO_KEY; }

static wg_expr *id_expr(void) { return call("id", slot(0, WG_TYPE_NODE)); }
static wg_expr *case_expr(wg_expr *when, wg_expr *then, wg_expr *otherwise) {
    wg_expr *e = expr_new(WG_EXPR_CASE, then->type);
    wg_expr **args = make(3 * sizeof *args);
    args[0] = when;
    args[1] = then;
    args[2] = otherwise;
    e->args = args;
    e->arg_count = otherwise != NULL ? 3 : 2;
    return e;
}
static wg_expr *is_early(void) { return call("<", id_expr(), integer(GROUPS_BEFORE)); }
static wg_expr *one_expr(void) { return call("*", integer(0), id_expr()); }
static wg_expr *uniform_expr(void) { return call("%", id_expr(), integer(110001)); }
static wg_expr *distinct_expr(void) { return call("*", id_expr(), integer(3)); }
static wg_expr *skewed_expr(void) { return case_expr(is_early(), id_expr(), integer(7)); }
static wg_expr *two_heavy_expr(void) { return case_expr(is_early(), id_expr(), call("%", id_expr(), integer(2))); }
static wg_expr *null_expr_of_key(void) {
    wg_expr *is_kept = call("<>", call("%", id_expr(), integer(9)), integer(0));
    return case_expr(call("AND", is_early(), is_kept), id_expr(), NULL);
}

static const distribution distributions[] = {
    {"one key", one_key, one_expr, false, false},
    {"uniform", uniform_key, uniform_expr, false, true},
    {"all distinct", distinct_key, distinct_expr, false, true},
    {"skewed", skewed_key, skewed_expr, false, true},
    {"two heavy keys", two_heavy_key, two_heavy_expr, false, true},
    {"nulls", null_key, null_expr_of_key, false, true},
    {"uniform texts", uniform_key, uniform_expr, true, true},
    {"skewed texts", skewed_key, skewed_expr, true, true},
    {"texts and nulls", null_key, null_expr_of_key, true, true},
};

static const wg_aggregate typed[] = {{WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT},
                                     {WG_AGG_SUM, false, NULL, WG_TYPE_INT},
                                     {WG_AGG_COUNT, false, NULL, WG_TYPE_INT},
                                     {WG_AGG_MAX, false, NULL, WG_TYPE_STRING},
                                     {WG_AGG_MIN, false, NULL, WG_TYPE_FLOAT}};
enum { AGGREGATES = sizeof typed / sizeof *typed };

static wg_plan *plan_of(const distribution *d) {
    wg_aggregate aggregates[AGGREGATES];
    wg_expr *const args[] = {NULL, slot(1, WG_TYPE_INT), slot(2, WG_TYPE_FLOAT), slot(3, WG_TYPE_STRING),
                             slot(2, WG_TYPE_FLOAT)};
    for (uint32_t i = 0; i < AGGREGATES; i++) {
        aggregates[i] = typed[i];
        aggregates[i].arg = args[i];
    }
    wg_expr *key = d->expr();
    if (d->as_text) key = call("toString", key);
    return grouped_plan(scan_plan(), 1, &key, AGGREGATES, aggregates);
}

/* Only groups whose sum leaves 3: the answer is small then, and what is below it need not be in memory. */
static wg_plan *few_of(wg_plan *plan) {
    return filter_plan(plan, call("=", call("%", slot(2, WG_TYPE_INT), integer(7)), integer(3)));
}

/* ---- the loop */

typedef struct group {
    int64_t key;
    int64_t count;
    int64_t sum;
    int64_t present;
    const char *text; /* the greatest; NULL: none */
    double least;
} group;

static group *groups; /* in the order of their first rows */
static uint32_t group_count;

static void loop(const distribution *d) {
    const uint32_t nodes = (uint32_t)fake_txn.node_count;
    const uint32_t null_place = 3 * nodes;
    uint32_t *at = make((null_place + 1) * sizeof *at); /* group + 1 by key, of null the last */
    groups = make(nodes * sizeof *groups);
    group_count = 0;
    for (uint32_t n = 0; n < nodes; n++) {
        const int64_t key = d->key(n);
        const wg_value name = fake_property(n, 2);
        double f;
        uint32_t *place = &at[key == NO_KEY ? null_place : (uint32_t)key];
        if (*place == 0) {
            *place = ++group_count;
            groups[*place - 1].key = key;
        }
        group *g = &groups[*place - 1];
        g->count++;
        g->sum += fake_i(n);
        if (fake_f(n, &f)) {
            if (g->present == 0 || f < g->least) g->least = f;
            g->present++;
        }
        if (name.type == WG_TYPE_NULL) continue;
        const char *text = fake_names[n * 5 % 16];
        if (g->text == NULL || strcmp(text, g->text) > 0) g->text = text;
    }
}

static void check_group(const distribution *d, const wg_rows *rows, uint64_t r, const group *g) {
    const wg_value key = wg_rows_cell(rows, r, 0);
    const wg_value text = wg_rows_cell(rows, r, 4);
    const wg_value least = wg_rows_cell(rows, r, 5);
    if (g->key == NO_KEY) {
        assert_int_equal(key.type, WG_TYPE_NULL);
    } else if (d->as_text) {
        char expected[TEXT_BYTES];
        const int size = snprintf(expected, sizeof expected, "%lld", (long long)g->key);
        assert_int_equal(key.size, size);
        assert_memory_equal(key.as.s, expected, (size_t)size);
    } else {
        assert_int_equal(key.as.i, g->key);
    }
    assert_int_equal(wg_rows_cell(rows, r, 1).as.i, g->count);
    assert_int_equal(wg_rows_cell(rows, r, 2).as.i, g->sum);
    assert_int_equal(wg_rows_cell(rows, r, 3).as.i, g->present);
    assert_int_equal(text.type, g->text == NULL ? WG_TYPE_NULL : WG_TYPE_STRING);
    if (g->text != NULL) assert_int_equal(text.size, strlen(g->text));
    if (g->text != NULL) assert_memory_equal(text.as.s, g->text, text.size);
    if (g->present == 0) assert_int_equal(least.type, WG_TYPE_NULL);
    else assert_true(least.as.f == g->least);
}

/* Runs below a limit (0: none); false when the memory was not enough. */
static bool run(const distribution *d, const wg_plan *plan, bool some, uint32_t threads, uint64_t limit) {
    wg_account account;
    wg_error err = {0};
    wg_rows *rows = NULL;
    wg_account_init(&account, &test_account, limit);
    wg_exec_context context = context_with(threads, 2048);
    context.account = &account;
    atomic_store(&held_bytes, 0);
    const wg_code code = wg_exec_run(plan, &context, &rows, &err);
    assert_int_equal(atomic_load(&held_now), 0);
    if (code == WG_OK) {
        uint64_t r = 0;
        for (uint32_t g = 0; g < group_count; g++) {
            if (some && groups[g].sum % 7 != 3) continue;
            if (r == wg_rows_count(rows)) fail_msg("%s: only %u groups", d->name, (unsigned)r);
            check_group(d, rows, r++, &groups[g]);
        }
        assert_int_equal(wg_rows_count(rows), r);
    } else if (code != WG_E_LIMIT || limit == 0) {
        fail_msg("%s: %s", d->name, err.message);
    }
    wg_rows_destroy(rows);
    assert_int_equal(wg_account_bytes(&account), 0);
    return code == WG_OK;
}

/* Goal: whatever the keys, groups are those of a loop; where memory is ample and groups are many, they have been dealt. */
static void test_dealt_groups_are_those_of_a_loop(void **state) {
    (void)state;
    use_nodes(NODES);
    for (uint32_t i = 0; i < sizeof distributions / sizeof *distributions; i++) {
        const distribution *d = &distributions[i];
        loop(d);
        const wg_plan *plan = plan_of(d);
        for (uint32_t threads = wg_test_small() ? 1 + i % 2 : 1; threads <= 2; threads += wg_test_small() ? 2 : 1) {
            assert_true(run(d, plan, false, threads, 0));
            if ((atomic_load(&held_bytes) != 0) != d->many) fail_msg("%s: dealt or not", d->name);
        }
    }
}

/* Goal: DISTINCT gives the keys of a loop in the order of their first rows, whatever the keys, the threads and who steals whose tasks, and is
 * dealt too. */
static void test_dealt_keys_are_those_of_a_loop(void **state) {
    (void)state;
    use_nodes(NODES);
    for (uint32_t i = 0; i < sizeof distributions / sizeof *distributions; i++) {
        const distribution *d = &distributions[i];
        wg_expr *key = d->as_text ? call("toString", d->expr()) : d->expr();
        wg_plan *plan = plan_new(WG_PLAN_DISTINCT, project(scan_plan(), key));
        loop(d);
        for (uint32_t threads = 1; threads <= 3; threads++)
            for (uint32_t shards = 0; shards <= 7; shards += wg_test_small() ? 7 : 3) {
                wg_exec_context context = context_with(threads, 2048);
                wg_rows *rows = NULL;
                context.shards = shards;
                atomic_store(&held_bytes, 0);
                assert_int_equal(wg_exec_run(plan, &context, &rows, NULL), WG_OK);
                if (threads == 1 && (atomic_load(&held_bytes) != 0) != d->many) fail_msg("%s: dealt or not", d->name);
                assert_int_equal(wg_rows_count(rows), group_count);
                for (uint32_t g = 0; g < group_count && !d->as_text; g++) {
                    const wg_value cell = wg_rows_cell(rows, g, 0);
                    assert_int_equal(cell.type, groups[g].key == NO_KEY ? WG_TYPE_NULL : WG_TYPE_INT);
                    if (groups[g].key != NO_KEY) assert_int_equal(cell.as.i, groups[g].key);
                }
                wg_rows_destroy(rows);
            }
    }
}

/* Goal: a limit of memory changes no group, whether rows are dealt below it, go to files, or both. */
static void test_limits_change_no_group(void **state) {
    (void)state;
    static const uint64_t limits[] = {UINT64_C(2) << 30, 300 << 20, 128 << 20, 20 << 20};
    use_nodes(NODES);
    const uint32_t least = wg_test_small() ? 2 : 5;
    uint32_t answered = 0;
    uint32_t dealt = 0;
    uint32_t held_back = 0;
    for (uint32_t i = 0; i < sizeof distributions / sizeof *distributions; i += wg_test_small() ? 2 : 1) {
        const distribution *d = &distributions[i];
        loop(d);
        const wg_plan *plan = few_of(plan_of(d));
        for (uint32_t l = 0; l < 4; l += wg_test_small() ? 3 : 1) {
            const bool ok = run(d, plan, true, 1 + (i + l) % 2, limits[l]);
            if (limits[l] >= 128 << 20) assert_true(ok);
            answered += ok && limits[l] < 128 << 20;
            dealt += atomic_load(&held_bytes) != 0;
            held_back += d->many && atomic_load(&held_bytes) == 0;
        }
    }
    assert_true(answered >= least); /* short memory is answered from files */
    assert_true(dealt >= least);
    assert_true(held_back >= least); /* and both ways were taken */
}

static int64_t heavy_key(int64_t n) { return n < GROUPS_BEFORE ? n : 5; }
static wg_expr *heavy_expr(void) {
    return case_expr(call("<", id_expr(), integer(GROUPS_BEFORE)), id_expr(), integer(5));
}

/* Goal: rows of a key that most rows have are dealt before the source ends: once each, and without being held all together. */
static void test_a_heavy_part_is_dealt_early(void **state) {
    (void)state;
    static const distribution heavy = {"heavy", heavy_key, heavy_expr, false, true};
    static const distribution heavy_text = {"heavy text", heavy_key, heavy_expr, true, true};
    /* A record has its place, nulls, the key, an integer, twice a number, a text. */
    const uint64_t all = (uint64_t)(HEAVY_NODES - GROUPS_BEFORE) * (1 + 1 + 1 + 1 + 2 + 4 + 2) * sizeof(uint32_t);
    use_nodes(HEAVY_NODES);
    loop(&heavy);
    assert_int_equal(group_count, GROUPS_BEFORE);
    for (uint32_t threads = 1; threads <= 2; threads++) {
        assert_true(run(&heavy, plan_of(&heavy), false, threads, 0));
        assert_in_range(atomic_load(&held_bytes), 1, threads * all / 2);
        if (wg_test_small() && threads == 1) continue;
        assert_true(run(&heavy_text, plan_of(&heavy_text), false, threads, 0));
        assert_true(atomic_load(&held_bytes) != 0);
    }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, exec_test_setup, exec_test_teardown)
    const struct CMUnitTest tests[] = {
        T(test_dealt_groups_are_those_of_a_loop),
        T(test_dealt_keys_are_those_of_a_loop),
        T(test_limits_change_no_group),
        T(test_a_heavy_part_is_dealt_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
