/* For the tests of exec only: short ways to build expressions and plans, and to run them in every combination of batch size and threads. */
#ifndef WG_EXEC_TEST_SUPPORT_H
#define WG_EXEC_TEST_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "exec/exec_functions.h"

/* ---- building expressions and plans in one arena */

static wg_arena build_arena;

static inline void *make(size_t bytes) {
    void *p = wg_arena_alloc_zero(&build_arena, bytes);
    assert_non_null(p);
    return p;
}
static inline wg_expr *expr_new(wg_expr_kind kind, wg_type type) {
    wg_expr *e = make(sizeof *e);
    e->kind = kind;
    e->type = type;
    return e;
}
static inline wg_expr *slot(uint32_t i, wg_type type) {
    wg_expr *e = expr_new(WG_EXPR_SLOT, type);
    e->slot = i;
    return e;
}
static inline wg_expr *value(wg_value v) {
    wg_expr *e = expr_new(WG_EXPR_CONST, (wg_type)v.type);
    e->value = v;
    return e;
}
static inline wg_expr *integer(int64_t i) { return value(wg_value_int(i)); }
static inline wg_expr *real(double f) { return value(wg_value_float(f)); }
static inline wg_expr *text(const char *s) { return value(wg_value_str(wg_slice_str(s))); }
static inline wg_expr *null_expr(void) { return value(wg_value_null()); }

/* A call whose static type is worked out as the binder does. `start` is its place in the text. */
static inline wg_expr *call_at(uint32_t start, const char *name, uint32_t n, wg_expr *const *args) {
    wg_expr *e = expr_new(WG_EXPR_CALL, WG_TYPE_ANY);
    wg_type types[8] = {WG_TYPE_NULL};
    wg_expr **list = make((n + 1) * sizeof *list);
    for (uint32_t i = 0; i < n; i++) {
        list[i] = args[i];
        types[i] = args[i]->type;
    }
    e->function = wg_function_find(wg_slice_str(name), n);
    assert_non_null(e->function);
    e->args = list;
    e->arg_count = n;
    e->text_start = start;
    wg_error err = {0};
    if (wg_function_type(e->function, types, n, &e->type, &err) != WG_OK) fail_msg("%s", err.message);
    return e;
}
#define call(name, ...) \
    call_at(0, name, sizeof((wg_expr *[]){__VA_ARGS__}) / sizeof(wg_expr *), (wg_expr *[]){__VA_ARGS__})

static inline wg_plan *plan_new(wg_plan_op op, wg_plan *child) {
    wg_plan *p = make(sizeof *p);
    p->op = op;
    p->children[0] = child;
    if (child != NULL) {
        p->slot_count = child->slot_count;
        p->slot_types = child->slot_types;
    }
    return p;
}
static inline void plan_types(wg_plan *p, uint32_t n, const wg_type *types) {
    wg_type *copy = make((n + 1) * sizeof *copy);
    if (n != 0) memcpy(copy, types, n * sizeof *copy);
    p->slot_types = copy;
    p->slot_count = n;
}
static inline void plan_exprs(wg_plan *p, uint32_t n, wg_expr *const *exprs) {
    wg_expr **copy = make((n + 1) * sizeof *copy);
    if (n != 0) memcpy(copy, exprs, n * sizeof *copy);
    p->exprs = copy;
    p->expr_count = n;
}
static inline wg_plan *filter_plan(wg_plan *child, wg_expr *condition) {
    wg_plan *p = plan_new(WG_PLAN_FILTER, child);
    plan_exprs(p, 1, &condition);
    return p;
}
static inline wg_plan *project_n(wg_plan *child, uint32_t n, wg_expr *const *exprs) {
    wg_plan *p = plan_new(WG_PLAN_PROJECT, child);
    wg_type types[16];
    for (uint32_t i = 0; i < n; i++) types[i] = exprs[i]->type == WG_TYPE_NULL ? WG_TYPE_ANY : exprs[i]->type;
    plan_types(p, n, types);
    plan_exprs(p, n, exprs);
    return p;
}
#define project(child, ...) \
    project_n(child, sizeof((wg_expr *[]){__VA_ARGS__}) / sizeof(wg_expr *), (wg_expr *[]){__VA_ARGS__})
static inline wg_plan *limit_plan(wg_plan *child, int64_t skip, int64_t limit) {
    wg_plan *p = plan_new(WG_PLAN_LIMIT, child);
    p->skip_expr = integer(skip);
    p->limit_expr = limit < 0 ? NULL : integer(limit);
    return p;
}
/* Groups by `keys`, with `count` aggregates: slots are the keys, then the aggregates. */
static inline wg_plan *grouped_plan(wg_plan *child, uint32_t key_count, wg_expr *const *keys, uint32_t count,
                                    const wg_aggregate *aggregates) {
    wg_plan *p = plan_new(WG_PLAN_AGGREGATE, child);
    wg_type types[16];
    wg_aggregate *copy = make(count * sizeof *copy);
    memcpy(copy, aggregates, count * sizeof *copy);
    for (uint32_t i = 0; i < key_count; i++) types[i] = keys[i]->type;
    for (uint32_t i = 0; i < count; i++) types[key_count + i] = aggregates[i].type;
    plan_types(p, key_count + count, types);
    plan_exprs(p, key_count, keys);
    p->aggregates = copy;
    p->aggregate_count = count;
    return p;
}

static inline wg_plan *unwind_plan(wg_plan *child, wg_expr *list, wg_type type) {
    wg_plan *p = plan_new(WG_PLAN_UNWIND, child);
    wg_type types[16];
    for (uint32_t i = 0; i < child->slot_count; i++) types[i] = child->slot_types[i];
    types[child->slot_count] = type;
    plan_types(p, child->slot_count + 1, types);
    plan_exprs(p, 1, &list);
    return p;
}
static inline wg_plan *unit_plan(void) { return plan_new(WG_PLAN_UNIT, NULL); }

/* ---- running */

static wg_txn *test_txn; /* what plans run in */
static wg_account test_account;
static wg_pool *pools[9];

static inline void support_setup(void) {
    wg_arena_init(&build_arena, NULL);
    wg_account_init(&test_account, NULL, 0);
}
static inline void support_teardown(void) {
    for (int i = 0; i < 9; i++) {
        wg_pool_destroy(pools[i]);
        pools[i] = NULL;
    }
    wg_arena_deinit(&build_arena);
    assert_int_equal(wg_account_bytes(&test_account), 0); /* nothing may leak, not even on errors */
}
static inline wg_exec_context context_with(uint32_t threads, uint32_t batch_rows) {
    if (threads > 1 && pools[threads] == NULL) {
        wg_error err = {0};
        assert_int_equal(wg_pool_create(threads, &pools[threads], &err), WG_OK);
    }
    return (wg_exec_context){.txn = test_txn,
                             .pool = threads > 1 ? pools[threads] : NULL,
                             .threads = threads,
                             .batch_rows = batch_rows,
                             .account = &test_account};
}
static inline void rows_bytes(const wg_rows *rows, wg_buf *out) {
    wg_buf_append_u64(out, wg_rows_count(rows));
    for (uint32_t c = 0; c < wg_rows_column_count(rows); c++)
        for (uint64_t r = 0; r < wg_rows_count(rows); r++) {
            const wg_value v = wg_rows_cell(rows, r, c);
            if (v.type == WG_TYPE_NODE || v.type == WG_TYPE_EDGE) wg_buf_append_u64(out, v.as.id);
            else assert_true(wg_value_encode(out, &v));
        }
}
/* Runs the plan in every combination of batch size and threads, demands equal bytes or equal errors, and returns the rows, or NULL
 * after an error, which is then in *err. */
static inline wg_rows *run_everywhere(const wg_plan *plan, wg_error *err) {
    static const uint32_t batches[] = {1, 7, 1024, 2048};
    static const uint32_t threads[] = {1, 2, 3, 8};
    wg_rows *first = NULL;
    wg_error first_error = {0};
    wg_buf expected;
    wg_buf_init(&expected, NULL);
    for (uint32_t b = 0; b < 4; b++)
        for (uint32_t t = 0; t < 4; t++) {
            const wg_exec_context context = context_with(threads[t], batches[b]);
            wg_error error = {0};
            wg_rows *rows = NULL;
            wg_buf bytes;
            wg_buf_init(&bytes, NULL);
            const wg_code code = wg_exec_run(plan, &context, &rows, &error);
            if (code == WG_OK) rows_bytes(rows, &bytes);
            if (b == 0 && t == 0) {
                expected = bytes;
                first = rows;
                first_error = error;
                continue;
            }
            if (code != first_error.code) fail_msg("batch %u threads %u: %s", batches[b], threads[t], error.message);
            assert_int_equal(error.offset, first_error.offset);
            assert_string_equal(error.message, first_error.message);
            assert_int_equal(bytes.size, expected.size);
            if (bytes.size != 0) assert_memory_equal(bytes.data, expected.data, bytes.size);
            wg_buf_deinit(&bytes);
            wg_rows_destroy(rows);
        }
    wg_buf_deinit(&expected);
    if (err != NULL) *err = first_error;
    if (err == NULL && first == NULL) fail_msg("%s", first_error.message);
    return first;
}

#endif
