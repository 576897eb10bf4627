/* Goal: every clause and operator gives the tree that its canonical text shows, and every refusal says where and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>

#include <cmocka.h>

#include "query/parser/parser.h"

/* Parses, prints, parses the print, compares. `canonical` NULL: the text is its own. */
static void assert_prints(const char *text, const char *canonical) {
    wg_arena arena;
    wg_buf out;
    wg_arena_init(&arena, NULL);
    wg_buf_init(&out, NULL);
    const wg_ast *tree = NULL, *again = NULL;
    wg_error err = {0};
    if (wg_parse(wg_slice_str(text), &arena, &tree, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
    assert_int_equal(wg_ast_print(tree, &out, &err), WG_OK);
    const wg_slice printed = wg_buf_slice(&out);
    if (wg_parse(printed, &arena, &again, &err) != WG_OK)
        fail_msg("%.*s: %s", (int)printed.size, (const char *)printed.data, err.message);
    assert_true(wg_ast_equal(tree, again));
    assert_true(wg_buf_append_u8(&out, 0));
    assert_string_equal((const char *)out.data, canonical != NULL ? canonical : text);
    wg_buf_deinit(&out);
    wg_arena_deinit(&arena);
}

static void assert_fails(const char *text, wg_code code, uint64_t offset, const char *part) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    const wg_ast *tree = NULL;
    wg_error err = {0};
    if (wg_parse(wg_slice_str(text), &arena, &tree, &err) != code) fail_msg("%s: %s", text, err.message);
    if (err.offset != offset) fail_msg("%s: offset %d: %s", text, (int)err.offset, err.message);
    if (strstr(err.message, part) == NULL) fail_msg("%s: message is: %s", text, err.message);
    assert_null(tree);
    wg_arena_deinit(&arena);
}

/* Goal: each clause, in canonical form. */
static void test_parser_reads_every_clause(void **state) {
    (void)state;
    static const char *const queries[] = {
        "MATCH (n) RETURN n",
        "MATCH (n:A:B {x: 1})-[r:T|U*1..3 {y: 2}]->(m), p = (m)<-[]-(o) WHERE (n.x > 1) AND (m.y < 2) RETURN *",
        "OPTIONAL MATCH (a)-[]-(b) RETURN DISTINCT a, b AS c ORDER BY a.x DESC, b NULLS FIRST SKIP 1 LIMIT $n",
        "MATCH p = shortestPath((a)-[*]->(b)) RETURN p",
        "MATCH allShortestPaths((a)-[:T*..5]->(b)) RETURN a",
        "UNWIND [1, 2] AS x WITH x, count(*) AS c WHERE c > 1 RETURN x",
        "WITH *, 1 AS x RETURN *, x AS y",
        "CREATE (a:A {x: $x})-[r:T]->(b), (c $props)",
        "MERGE (a:A {x: 1}) ON CREATE SET a.y = 2, a += {z: 1} ON MATCH SET a = {x: 1}, a:B:C RETURN a",
        "MATCH (a) SET a.x.y = 1 REMOVE a.y, a:B DETACH DELETE a",
        "MATCH (a) DELETE a, a.x",
        "FOREACH (x IN [1, 2] | CREATE (n {v: x}) SET n.w = x)",
        "CALL db.names() YIELD name AS l WHERE l = 'A' RETURN l",
        "CALL db.names",
        "CALL a.b(1, 'x') YIELD *",
        "CALL { MATCH (n) RETURN n } RETURN n",
        "RETURN 1 AS a UNION RETURN 2 AS a",
        "RETURN 1 AS a UNION ALL RETURN 2 AS a UNION ALL RETURN 3 AS a",
        "EXPLAIN MATCH (n) RETURN n",
        "PROFILE RETURN 1",
        "AS OF 42 MATCH (n) RETURN n",
        "AS OF $s RETURN 1",
        "BEGIN",
        "BEGIN READ ONLY",
        "COMMIT",
        "ROLLBACK",
        "CREATE NODE LABEL A",
        "CREATE NODE LABEL IF NOT EXISTS P (id INT NOT NULL, name STRING, p DOUBLE[3], q LIST<INT>, PRIMARY KEY (id, "
        "name))",
        "CREATE NODE LABEL F (ts LOCAL DATETIME, d DECIMAL(10, 2)) VIRTUAL FROM PARTITION 'x/{d}.parquet' COMPUTE a "
        "= x + 1, b = y",
        "CREATE EDGE LABEL S (FROM A TO B, w FLOAT)",
        "CREATE EDGE LABEL IF NOT EXISTS S (FROM A TO B)",
        "DROP NODE LABEL IF EXISTS A",
        "DROP EDGE LABEL S",
        "COPY A FROM 'x.csv' (HEADER true, DELIMITER ';', NULL '\\\\N', COLUMNS (a, b))",
        "COPY A:B:C FROM 'x/*.parquet' (FORMAT 'PARQUET', REJECTS 'bad.jsonl')",
        "COPY A FROM 'x.csv' (COMMIT EVERY 100000 ROWS, SKIP 300000)",
        "COPY A FROM 'x.csv' (COMMIT EVERY $n ROWS, COMMIT every, SKIP $s)",
        "COPY KNOWS FROM 'f.parquet' (FROM A(id) = (src), TO B)",
        "COPY A TO 'x.csv'",
        "COPY A (a, `b c`) TO 'x.csv' (HEADER true, OVERWRITE false)",
        "COPY (MATCH (n:A) RETURN n.a AS a ORDER BY a) TO 'x.parquet' (COMPRESSION 'zstd')",
        "COPY K TO 'x.csv' (FROM A(id) = (src), TO B)",
        "COPY KNOWS FROM 'f.parquet' (FROM A = (x), TO B(k, l) = (m, n), HEADER false)",
    };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) assert_prints(queries[i], NULL);
}

/* Goal: definitions of indexes and constraints print to themselves; their words are names everywhere else. */
static void test_parser_reads_indexes_and_constraints(void **state) {
    (void)state;
    static const char *const queries[] = {
        "CREATE RANGE INDEX FOR (n:A) ON (n.p)",
        "CREATE HASH INDEX `on` IF NOT EXISTS FOR (n:A) ON (n.p, n.q)",
        "CREATE RANGE INDEX for FOR ()-[r:KNOWS]-() ON (r.since)",
        "CREATE CONSTRAINT FOR (n:A) REQUIRE n.p IS UNIQUE",
        "CREATE CONSTRAINT c IF NOT EXISTS FOR (n:A) REQUIRE (n.p, n.q) IS KEY",
        "CREATE CONSTRAINT FOR ()-[r:T]-() REQUIRE r.p IS NOT NULL",
        "CREATE CONSTRAINT FOR (n:A) REQUIRE n.p IS :: LOCAL DATETIME",
        "DROP INDEX i",
        "DROP INDEX i IF EXISTS",
        "DROP INDEX ON :A (p, q)",
        "DROP CONSTRAINT c IF EXISTS",
        "CREATE index = (a)",
        "COPY A FROM 'x.csv' (HEADER true, DELIMITER ';', NULL '\\\\N', COLUMNS (a, b))",
        "COPY A:B:C FROM 'x/*.parquet' (FORMAT 'PARQUET', REJECTS 'bad.jsonl')",
        "COPY KNOWS FROM 'f.parquet' (FROM A(id) = (src), TO B)",
        "COPY A TO 'x.csv'",
        "COPY A (a, `b c`) TO 'x.csv' (HEADER true, OVERWRITE false)",
        "COPY (MATCH (n:A) RETURN n.a AS a ORDER BY a) TO 'x.parquet' (COMPRESSION 'zstd')",
        "COPY K TO 'x.csv' (FROM A(id) = (src), TO B)",
        "COPY KNOWS FROM 'f.parquet' (FROM A = (x), TO B(k, l) = (m, n), HEADER false)",
    };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) assert_prints(queries[i], NULL);
}

/* Goal: statements that alter labels are read, and their words stay names elsewhere. */
static void test_parser_reads_alter(void **state) {
    static const char *const texts[] = {
        "CREATE NODE LABEL A (p INT NOT NULL DEFAULT 1, v FLOAT[3], l LIST<INT>) COMPUTE q = p + 1",
        "CREATE EDGE LABEL S (FROM A TO B, w INT) COMPUTE d = w * 2",
        "ALTER NODE LABEL A ADD COLUMN IF NOT EXISTS p INT NOT NULL DEFAULT 1 + 2",
        "ALTER EDGE LABEL A ADD COMPUTE p = q * 2, r = p + 1",
        "ALTER NODE LABEL A DROP COLUMN IF EXISTS p",
        "ALTER NODE LABEL A RENAME COLUMN p TO q",
        "ALTER NODE LABEL A RENAME TO B",
        "ALTER NODE LABEL A ALTER COLUMN p SET NOT NULL",
        "ALTER NODE LABEL A ALTER COLUMN p DROP NOT NULL",
        "ALTER NODE LABEL A ALTER COLUMN p SET TYPE LIST<INT>",
        "ALTER NODE LABEL A ALTER COLUMN p SET DEFAULT 'x'",
        "ALTER NODE LABEL A ALTER COLUMN p DROP DEFAULT",
        "ALTER NODE LABEL A SET PARTITION '/d/{day}.parquet'",
        "CREATE (alter {add: type, rename: default})",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) assert_prints(texts[i], texts[i]);
}

/* Goal: other spellings come to the canonical one. */
static void test_parser_makes_spellings_equal(void **state) {
    (void)state;
    assert_prints("match (n) // x\n return n;", "MATCH (n) RETURN n");
    assert_prints("MATCH (a)--(b)<-->(c)-->(d)<--(e) RETURN a", "MATCH (a)-[]-(b)<-[]->(c)-[]->(d)<-[]-(e) RETURN a");
    assert_prints("MATCH ()-[:A|:B*2]-() RETURN 1", "MATCH ()-[:A|B*2..2]-() RETURN 1");
    assert_prints("RETURN x AS OF 42", "AS OF 42 RETURN x");
    assert_prints("create index on :A(p, q)", "CREATE RANGE INDEX FOR (n:A) ON (n.p, n.q)");
    assert_prints("CREATE INDEX x for (a:A) on (a.p)", "CREATE RANGE INDEX x FOR (n:A) ON (n.p)");
    assert_prints("CREATE INDEX FOR ()-[e:T]->() ON (e.p)", "CREATE RANGE INDEX FOR ()-[r:T]-() ON (r.p)");
    assert_prints("CREATE CONSTRAINT FOR (x:A) REQUIRE (x.p) IS NODE KEY",
                  "CREATE CONSTRAINT FOR (n:A) REQUIRE n.p IS KEY");
    assert_prints("CREATE CONSTRAINT FOR (x:A) REQUIRE x.p IS TYPED INT",
                  "CREATE CONSTRAINT FOR (n:A) REQUIRE n.p IS :: INT");
    assert_prints("RETURN x AS OF", "RETURN x AS `OF`");
    assert_prints("alter node label A add p INT", "ALTER NODE LABEL A ADD COLUMN p INT");
    assert_prints("ALTER NODE LABEL A RENAME p TO q", "ALTER NODE LABEL A RENAME COLUMN p TO q");
    assert_prints("ALTER NODE LABEL A DROP COMPUTE p", "ALTER NODE LABEL A DROP COLUMN p");
    assert_prints("SHOW LABELS", "CALL `show`.`labels`()");
    assert_prints("show node labels where kind = 'OPEN'", "CALL `show`.nodeLabels() YIELD * WHERE kind = 'OPEN'");
    assert_prints("START TRANSACTION READ WRITE", "BEGIN");
    assert_prints("COMMIT TRANSACTION", "COMMIT");
    assert_prints("RETURN toUPPER('a')", "RETURN toupper('a')");
    assert_prints("RETURN `a b`, `count`, count, `x`", "RETURN `a b`, `count`, `count`, x");
    assert_prints("MATCH (n:Match {return: 1}) RETURN n.where", "MATCH (n:Match {return: 1}) RETURN n.where");
    assert_prints("RETURN \"it's\"", "RETURN 'it\\'s'");
    assert_prints("RETURN 0x1F, 0o17, -0x8000000000000000", "RETURN 31, 15, -9223372036854775808");
    assert_prints("RETURN 1.0, .5, 1e3, -0.0", "RETURN 1.0, 0.5, 1000.0, -0.0");
    assert_prints("START TRANSACTION READ ONLY", "BEGIN READ ONLY");
    assert_prints("CREATE NODE LABEL F VIRTUAL FROM PARTITION 'p' (a INT)",
                  "CREATE NODE LABEL F (a INT) VIRTUAL FROM PARTITION 'p'");
    assert_prints("CREATE NODE LABEL F (a FLOAT[])", "CREATE NODE LABEL F (a LIST<FLOAT>)");
    assert_prints("COPY A FROM 'f' WITH (header true)", "COPY A FROM 'f' (HEADER true)");
    assert_prints("COPY K FROM 'f' (FROM A(id) = src, to B = dst)",
                  "COPY K FROM 'f' (FROM A(id) = (src), TO B = (dst))");
    assert_prints("COPY K FROM 'f' (from='A', to='B', header=true)", "COPY K FROM 'f' (FROM A, TO B, HEADER true)");
    assert_prints("COPY K FROM 'f' (format parquet)", "COPY K FROM 'f' (FORMAT 'parquet')");
    assert_prints("RETURN EXISTS { (a)-->() WHERE a.x }", "RETURN EXISTS { MATCH (a)-[]->() WHERE a.x }");
}

/* Goal: the precedence table of the language; parentheses show the tree. */
static void test_parser_binds_operators_by_precedence(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"a OR b XOR c AND NOT d", "a OR (b XOR (c AND (NOT d)))"},
        {"a OR b OR c", "a OR b OR c"},
        {"(a OR b) OR c", "(a OR b) OR c"},
        {"NOT a = b", "NOT (a = b)"},
        {"NOT NOT a", "NOT (NOT a)"},
        {"a < b <= c", "a < b <= c"},
        {"a = b IS NULL", "a = (b IS NULL)"},
        {"a + b IN c + d", "(a + b) IN (c + d)"},
        {"a STARTS WITH b + c", "a STARTS WITH (b + c)"},
        {"a ENDS WITH b CONTAINS c", "(a ENDS WITH b) CONTAINS c"},
        {"a =~ 'x' = true", "(a =~ 'x') = true"},
        {"a IS NOT NULL AND b", "(a IS NOT NULL) AND b"},
        {"1 + 2 * 3 - 4 / 5 % 6", "(1 + (2 * 3)) - ((4 / 5) % 6)"},
        {"1 - 2 - 3", "(1 - 2) - 3"},
        {"2 ^ 3 ^ 2", "(2 ^ 3) ^ 2"},
        {"-2 ^ 2", "(-2) ^ 2"},
        {"-a ^ 2", "(-a) ^ 2"},
        {"- - 1", "-(-1)"},
        {"-(1)", "-(1)"},
        {"a--1", "a - (-1)"},
        {"a<-1", "a < (-1)"},
        {"-a.b[0]", "-a.b[0]"},
        {"(-1).x", "(-1).x"},
        {"a.b.c[1..2][..x][y..][..]", "a.b.c[1..2][..x][y..][..]"},
        {"n:A:B AND m", "(n:A:B) AND m"},
        {"(a) - (b)", "a - b"},
        {"(a) - [1]", "a - [1]"},
        {"(a)-->(b) OR c", "((a)-[]->(b)) OR c"},
        {"NOT (a)-[:T]-(b)", "NOT ((a)-[:T]-(b))"},
        {"[(x IN y)]", "[(x IN y)]"},
        {"[x IN y]", "[x IN y]"},
        {"[x IN y WHERE x > 1 | x * 2]", "[x IN y WHERE x > 1 | x * 2]"},
        {"[(a)-->(b) | b.x]", "[(a)-[]->(b) | b.x]"},
        {"[p = (a)-->(b) WHERE b.y | p]", "[p = (a)-[]->(b) WHERE b.y | p]"},
        {"[(a)-->(b)]", "[(a)-[]->(b)]"},
        {"all(x IN l WHERE x) AND any(x IN l WHERE x)", "all(x IN l WHERE x) AND any(x IN l WHERE x)"},
        {"none(x IN l WHERE x) XOR single(x IN l WHERE x)", "none(x IN l WHERE x) XOR single(x IN l WHERE x)"},
        {"reduce(s = 0, x IN l | s + x)", "reduce(s = 0, x IN l | s + x)"},
        {"n {.*, .name, x: 1, y}", "n {.*, .name, x: 1, y}"},
        {"{a: 1, `b c`: {}}", "{a: 1, `b c`: {}}"},
        {"CASE WHEN a THEN 1 ELSE 2 END", "CASE WHEN a THEN 1 ELSE 2 END"},
        {"CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' END", "CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' END"},
        {"count(*) + count(DISTINCT x)", "count(*) + `count`(DISTINCT x)"},
        {"COUNT { (a)-->(b) }", "COUNT { MATCH (a)-[]->(b) }"},
        {"exists(n.x)", "`exists`(n.x)"},
        {"$x + $0 + $`a b`", "($x + $0) + $`a b`"},
        {"apoc.text.join(a, b)", "apoc.text.join(a, b)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256], canonical[256];
        (void)snprintf(text, sizeof text, "RETURN %s", cases[i][0]);
        (void)snprintf(canonical, sizeof canonical, "RETURN %s", cases[i][1]);
        assert_prints(text, canonical);
    }
}

/* Goal: what was found, what was expected, and where. */
static void test_parser_errors_name_place_and_expectation(void **state) {
    (void)state;
    assert_fails("", WG_E_SYNTAX, 0, "the end of the text");
    assert_fails("MTACH (n) RETURN n", WG_E_SYNTAX, 0, "did you mean MATCH");
    assert_fails("MATCH (n) WHER n.x RETURN n", WG_E_SYNTAX, 10, "did you mean WHERE");
    assert_fails("MATCH (n) RETRUN n", WG_E_SYNTAX, 10, "did you mean RETURN");
    assert_fails("MATCH (n)", WG_E_SYNTAX, 9, "may not end with MATCH");
    assert_fails("MATCH (n", WG_E_SYNTAX, 8, "')'");
    assert_fails("RETURN [1, 2", WG_E_SYNTAX, 12, "']'");
    assert_fails("RETURN {1}", WG_E_SYNTAX, 8, "map key");
    assert_fails("RETURN 1 +", WG_E_SYNTAX, 10, "an expression");
    assert_fails("RETURN 1 AS match", WG_E_SYNTAX, 12, "backticks");
    assert_fails("RETURN 1 2", WG_E_SYNTAX, 9, "found '2'");
    assert_fails("RETURN 9223372036854775808", WG_E_SYNTAX, 7, "integer overflow");
    assert_fails("RETURN -9223372036854775809", WG_E_SYNTAX, 7, "integer overflow");
    assert_fails("RETURN 1.34E999", WG_E_SYNTAX, 7, "floating point overflow");
    assert_fails("RETURN 'a\\q'", WG_E_SYNTAX, 9, "unknown escape");
    assert_fails("RETURN 'a", WG_E_SYNTAX, 7, "closing quote");
    assert_fails("RETURN 1 UNION RETURN 2 UNION ALL RETURN 3", WG_E_SYNTAX, 24, "mixed");
    assert_fails("RETURN 1 MATCH (n) RETURN n", WG_E_SYNTAX, 9, "behind RETURN");
    assert_fails("AS OF 1 RETURN 1 AS x AS OF 2", WG_E_SYNTAX, 22, "twice");
    assert_fails("MATCH (a)-[:T*-2]->() RETURN a", WG_E_SYNTAX, 14, "found '-'");
    assert_fails("CREATE NODE LABEL A (x INT, PRIMARY KEY (x), PRIMARY KEY (x))", WG_E_SYNTAX, 45, "one PRIMARY KEY");
    assert_fails("RETURN \xFF", WG_E_SYNTAX, 7, "UTF-8");
    assert_fails("BEGIN READ", WG_E_SYNTAX, 10, "ONLY");
    assert_fails("MATCH shortestPath((a)) RETURN a", WG_E_SYNTAX, 6, "exactly one relationship");
}

/* Goal: line and column are set, columns count characters. */
static void test_parser_errors_have_line_and_column(void **state) {
    (void)state;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    const wg_ast *tree;
    wg_error err = {0};
    assert_int_equal(wg_parse(wg_slice_str("MATCH (n)\nRETURN '\xC3\xA9' x"), &arena, &tree, &err), WG_E_SYNTAX);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 12);
    wg_arena_deinit(&arena);
}

/* Goal: nesting, chaining and size end in WG_E_LIMIT, not in a crash; just below the limit all is well. */
static void test_parser_limits_nesting_and_chains(void **state) {
    (void)state;
    static const struct {
        const char *open, *close;
        size_t count;
        wg_code code;
    } cases[] = {{"(", ")", 200, WG_OK},          {"(", ")", 300, WG_E_LIMIT},
                 {"[", "]", 300, WG_E_LIMIT},     {"{a:", "}", 300, WG_E_LIMIT},
                 {"NOT ", "", 300, WG_E_LIMIT},   {"- ", "", 300, WG_E_LIMIT},
                 {"1+", "", 900, WG_OK},          {"1+", "", 100000, WG_E_LIMIT},
                 {"true OR ", "", 100000, WG_OK}, {"EXISTS { MATCH (a) WHERE ", "}", 300, WG_E_LIMIT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wg_arena arena;
        wg_buf text;
        wg_arena_init(&arena, NULL);
        wg_buf_init(&text, NULL);
        assert_true(wg_buf_append_str(&text, "RETURN "));
        for (size_t k = 0; k < cases[i].count; k++) assert_true(wg_buf_append_str(&text, cases[i].open));
        assert_true(wg_buf_append_str(&text, "1"));
        for (size_t k = 0; k < cases[i].count; k++) assert_true(wg_buf_append_str(&text, cases[i].close));
        const wg_ast *tree;
        wg_error err = {0};
        const wg_code code = wg_parse(wg_buf_slice(&text), &arena, &tree, &err);
        if (code != cases[i].code) fail_msg("%s x %zu: %s", cases[i].open, cases[i].count, err.message);
        wg_buf_deinit(&text);
        wg_arena_deinit(&arena);
    }
}

/* Goal: every allocation may fail; the parser then says so and leaks nothing. */
static void test_parser_survives_every_failing_allocation(void **state) {
    (void)state;
    const char *text =
        "MATCH (n:A {x: 'a\\n'}) WHERE 1 < n.x < 2 AND [y IN n.z WHERE y | y] = [] RETURN a.b(n) AS r ORDER BY r";
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        assert_true(n < 1000);
        wg_account account;
        wg_account_init(&account, NULL, 0);
        wg_arena arena;
        wg_arena_init(&arena, &account);
        const wg_ast *tree = NULL;
        wg_error err = {0};
        wg_memory_fail_at(n, false);
        const wg_code code = wg_parse(wg_slice_str(text), &arena, &tree, &err);
        wg_memory_fail_at(0, false);
        assert_true(code == WG_OK || code == WG_E_NOMEM);
        done = code == WG_OK;
        wg_arena_deinit(&arena);
        assert_int_equal(wg_account_bytes(&account), 0);
    }
}

/* Goal: spans cover the text of the node, so that messages can point at it. */
static void test_parser_spans_cover_the_text(void **state) {
    (void)state;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    const wg_ast *e;
    assert_int_equal(wg_parse_expression(wg_slice_str("  1 + foo(x)  "), &arena, &e, NULL), WG_OK);
    assert_int_equal(e->start, 2);
    assert_int_equal(e->end, 12);
    assert_int_equal(e->child[1]->kind, WG_AST_FUNCTION);
    assert_int_equal(e->child[1]->start, 6);
    assert_int_equal(wg_parse_expression(wg_slice_str("1 RETURN"), &arena, &e, NULL), WG_E_SYNTAX);
    wg_arena_deinit(&arena);
}

/* Goal: the nearest word is found, far ones are not. */
static void test_suggest_finds_near_words_only(void **state) {
    (void)state;
    static const char *const words[] = {"Player", "Frame", "period"};
    assert_string_equal(wg_parser_suggest(wg_slice_str("Playr"), words, 3), "Player");
    assert_string_equal(wg_parser_suggest(wg_slice_str("frmae"), words, 3), "Frame");
    assert_null(wg_parser_suggest(wg_slice_str("stadium"), words, 3));
    assert_null(wg_parser_suggest(wg_slice_str("x"), words, 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parser_reads_every_clause),
        cmocka_unit_test(test_parser_reads_alter),
        cmocka_unit_test(test_parser_reads_indexes_and_constraints),
        cmocka_unit_test(test_parser_makes_spellings_equal),
        cmocka_unit_test(test_parser_binds_operators_by_precedence),
        cmocka_unit_test(test_parser_errors_name_place_and_expectation),
        cmocka_unit_test(test_parser_errors_have_line_and_column),
        cmocka_unit_test(test_parser_limits_nesting_and_chains),
        cmocka_unit_test(test_parser_survives_every_failing_allocation),
        cmocka_unit_test(test_parser_spans_cover_the_text),
        cmocka_unit_test(test_suggest_finds_near_words_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
