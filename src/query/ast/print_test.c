/* Goal: equality ignores places only, and the canonical text is one for all spellings of a tree. parser_test.c checks the
 * text of each construct. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/parser/parser.h"

static const wg_ast *parse(wg_arena *arena, const char *text) {
    const wg_ast *tree = NULL;
    assert_int_equal(wg_parse(wg_slice_str(text), arena, &tree, NULL), WG_OK);
    return tree;
}

/* Goal: spelling, spaces and comments do not make a difference; every value does. */
static void test_equality_ignores_spelling_only(void **state) {
    (void)state;
    static const char *const different[] = {
        "MATCH (n:A {x: 1})-[:R]->(m) WHERE n.y = 1.5 RETURN n.z AS z",
        "MATCH (n:A {x: 2})-[:R]->(m) WHERE n.y = 1.5 RETURN n.z AS z",
        "MATCH (n:B {x: 1})-[:R]->(m) WHERE n.y = 1.5 RETURN n.z AS z",
        "MATCH (n:A {x: 1})<-[:R]-(m) WHERE n.y = 1.5 RETURN n.z AS z",
        "MATCH (n:A {x: 1})-[:R*]->(m) WHERE n.y = 1.5 RETURN n.z AS z",
        "MATCH (n:A {x: 1})-[:R]->(m) WHERE n.y = 1.25 RETURN n.z AS z",
        "MATCH (n:A {x: 1})-[:R]->(m) WHERE n.y < 1.5 RETURN n.z AS z",
        "MATCH (n:A {x: 1})-[:R]->(m) WHERE n.y = 1.5 RETURN DISTINCT n.z AS z",
        "MATCH (n:A {x: 1})-[:R]->(m) WHERE n.y = 1.5 RETURN n.z",
        "OPTIONAL MATCH (n:A {x: 1})-[:R]->(m) WHERE n.y = 1.5 RETURN n.z AS z",
    };
    enum { COUNT = sizeof different / sizeof different[0] };
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    const wg_ast *trees[COUNT];
    for (size_t i = 0; i < COUNT; i++) trees[i] = parse(&arena, different[i]);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < COUNT; k++) assert_int_equal(wg_ast_equal(trees[i], trees[k]), i == k);
    const wg_ast *other =
        parse(&arena, "match /* a */ (`n`:A{x:0x1})-[:R]->(m) where (n.y)=15e-1 return n.z as z // b");
    assert_true(wg_ast_equal(trees[0], other));
    assert_true(wg_ast_equal(NULL, NULL));
    assert_false(wg_ast_equal(trees[0], NULL));
    wg_arena_deinit(&arena);
}

/* Goal: a zero of either sign is a value of its own in a tree. */
static void test_equality_tells_zeros_apart(void **state) {
    (void)state;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    assert_false(wg_ast_equal(parse(&arena, "RETURN -0.0"), parse(&arena, "RETURN 0.0")));
    assert_true(wg_ast_equal(parse(&arena, "RETURN -0"), parse(&arena, "RETURN 0")));
    wg_arena_deinit(&arena);
}

/* Goal: running out of memory while printing is said, not hidden in a short text. */
static void test_print_reports_failing_allocations(void **state) {
    (void)state;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    const wg_ast *tree = parse(&arena, "MATCH (n:A {x: 'abcdefghijklmnopqrstuvwxyz'}) RETURN n");
    wg_buf out;
    wg_buf_init(&out, NULL);
    wg_memory_fail_at(1, true);
    const wg_code code = wg_ast_print(tree, &out, NULL);
    wg_memory_fail_at(0, false);
    assert_int_equal(code, WG_E_NOMEM);
    wg_buf_deinit(&out);
    wg_arena_deinit(&arena);
}

/* Goal: every kind and operator has a name. */
static void test_kinds_and_operators_have_names(void **state) {
    (void)state;
    for (uint32_t k = 0; k < WG_AST_KIND_COUNT; k++) assert_non_null(wg_ast_kind_name((wg_ast_kind)k));
    for (uint32_t k = 0; k < WG_OP_COUNT; k++) assert_non_null(wg_ast_op_name((wg_ast_op)k));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality_ignores_spelling_only),
        cmocka_unit_test(test_equality_tells_zeros_apart),
        cmocka_unit_test(test_print_reports_failing_allocations),
        cmocka_unit_test(test_kinds_and_operators_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
