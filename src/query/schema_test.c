/* Statements about the schema: ALTER, computed columns, declared types, constraints, SHOW. */
#include "query/query_test_kit.h"

static int set_up(void **state) {
    static store s;
    s = (store){0};
    store_open(&s);
    run(&s, "CREATE NODE LABEL P (id INT, name STRING, PRIMARY KEY (id))"); /* commit 1 */
    run(&s, "CREATE (:P {id: 1, name: 'a'}), (:P {id: 2})");
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

/* Goal: each kind of ALTER changes definition and rows, and AS OF sees both as they were. */
static void test_alter_keeps_the_past(void **state) {
    store *s = *state;
    run(s, "ALTER NODE LABEL P ADD COLUMN age INT8 NOT NULL DEFAULT 3"); /* 3 */
    run(s, "CREATE (:P {id: 3})");                                       /* 4 */
    run(s, "ALTER NODE LABEL P RENAME COLUMN name TO title");            /* 5 */
    run(s, "ALTER NODE LABEL P ALTER COLUMN age SET TYPE FLOAT");        /* 6 */
    run(s, "ALTER NODE LABEL P RENAME TO Q");                            /* 7 */
    run(s, "ALTER NODE LABEL Q DROP COLUMN title");                      /* 8 */
    expect(s, "MATCH (n:Q) RETURN properties(n) ORDER BY n.id",
           "{\"age\":3.0,\"id\":1}\n{\"age\":3.0,\"id\":2}\n{\"age\":3.0,\"id\":3}\n");
    expect(s, "MATCH (n:Q) RETURN n.title, n.age ORDER BY n.id AS OF 7", "\"a\"|3.0\nnull|3.0\nnull|3.0\n");
    expect(s, "MATCH (n:P) RETURN n.title, n.age + 1 ORDER BY n.id AS OF 5", "\"a\"|4\nnull|4\nnull|4\n");
    expect(s, "MATCH (n:P) RETURN n.name, n.age, labels(n) ORDER BY n.id AS OF 3",
           "\"a\"|3|[\"P\"]\nnull|3|[\"P\"]\n");
    expect(s, "MATCH (n:P) WHERE n.name = 'a' RETURN properties(n) AS OF 2", "{\"id\":1,\"name\":\"a\"}\n");
    expect_error(s, "MATCH (n:P) RETURN n.age AS OF 2", WG_E_NOT_FOUND, 19, "no property 'age'");
    expect_error(s, "MATCH (n:P) RETURN n", WG_E_NOT_FOUND, 9, "does not exist");
    expect(s, "MATCH (n:Q {id: 3}) RETURN n.age", "3.0\n");
    expect_plan(s, "MATCH (n:Q {id: 3}) RETURN n.age", "Seek", false);
    expect_error(s, "CREATE (:Q {id: 3})", WG_E_CONSTRAINT, 16, "primary key");
    expect(s, "SHOW LABELS YIELD label, columns AS OF 3",
           "\"P\"|\"id INT NOT NULL, name STRING, age INT8 NOT NULL DEFAULT 3, PRIMARY KEY (id)\"\n");
}

/* Goal: what cannot be is refused with its place, and nothing of it stays. */
static void test_alter_refuses_what_does_not_fit(void **state) {
    store *s = *state;
    static const struct {
        const char *text;
        wg_code code;
        uint64_t offset;
        const char *part;
    } cases[] = {
        {"ALTER NODE LABEL X ADD a INT", WG_E_NOT_FOUND, 0, "no node label X"},
        {"ALTER NODE LABEL P ADD name INT", WG_E_EXISTS, 0, "has a column name already"},
        {"ALTER NODE LABEL P ADD b INT NOT NULL", WG_E_CONSTRAINT, 0, "NULL is not allowed"},
        {"ALTER NODE LABEL P ADD b INT DEFAULT 'x'", WG_E_TYPE, 37, "DEFAULT"},
        {"ALTER NODE LABEL P ADD b INT DEFAULT rand()", WG_E_BIND, 37, "no chance"},
        {"ALTER NODE LABEL P DROP id", WG_E_CONSTRAINT, 24, "primary key"},
        {"ALTER NODE LABEL P DROP nam", WG_E_NOT_FOUND, 24, "did you mean name"},
        {"ALTER NODE LABEL P RENAME id TO name", WG_E_EXISTS, 26, "already"},
        {"ALTER NODE LABEL P ALTER name SET NOT NULL", WG_E_CONSTRAINT, 25, "NULL is not allowed"},
        {"ALTER NODE LABEL P ALTER name SET TYPE INT", WG_E_TYPE, 25, "STRING does not fit"},
        {"ALTER NODE LABEL P ALTER id SET TYPE STRING", WG_E_CONSTRAINT, 25, "width of its INT"},
        {"ALTER NODE LABEL P ALTER id DROP NOT NULL", WG_E_CONSTRAINT, 25, "never null"},
        {"ALTER NODE LABEL P SET PARTITION '/x/*.parquet'", WG_E_BIND, 0, "not virtual"},
        {"ALTER NODE LABEL P ADD COMPUTE c = nme + 'x'", WG_E_NOT_FOUND, 35, "did you mean 'name'"},
        {"ALTER NODE LABEL P ADD COMPUTE c = c + 1", WG_E_BIND, 35, "depends on itself"},
        {"ALTER NODE LABEL P ADD COMPUTE c = d + 1, d = 1", WG_E_BIND, 35, "a cycle"},
        {"ALTER NODE LABEL P ADD COMPUTE c = count(*)", WG_E_BIND, 35, "no aggregates"},
        {"ALTER NODE LABEL P ADD COMPUTE c = sum(id)", WG_E_BIND, 35, "no aggregates"},
        {"ALTER NODE LABEL P ADD COMPUTE c = rand()", WG_E_BIND, 35, "no chance"},
        {"ALTER NODE LABEL P ADD COMPUTE c = date()", WG_E_BIND, 35, "no current time"},
        {"ALTER NODE LABEL P ADD COMPUTE c = exists { (a)-->() }", WG_E_BIND, 35, "no patterns"},
        {"ALTER NODE LABEL P ADD COMPUTE c = name - 1", WG_E_TYPE, 35, "-"},
        {"ALTER NODE LABEL P ADD COMPUTE c = [id IN [1] | id]", WG_E_BIND, 35, "name of a column"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_error(s, cases[i].text, cases[i].code, cases[i].offset, cases[i].part);
    run(s, "ALTER NODE LABEL P ADD COLUMN IF NOT EXISTS name INT");
    run(s, "ALTER NODE LABEL P DROP COLUMN IF EXISTS nothing");
    expect(s, "SHOW SCHEMA", "\"CREATE NODE LABEL P (id INT NOT NULL, name STRING, PRIMARY KEY (id))\"\n");
}

/* Goal: a transaction that is rolled back takes its ALTER with it: definition, rows and the tables that they were moved to. */
static void test_alter_is_rolled_back(void **state) {
    store *s = *state;
    wg_error err = {0};
    wg_txn *txn;
    static const wg_value one = {.type = WG_TYPE_INT, .as.i = 1};
    for (int round = 0; round < 3; round++) {
        const wg_alter add = {.kind = WG_ALTER_ADD_COLUMN,
                              .def = {.name = "x", .type = WG_TYPE_INT, .int_bits = 64, .default_value = &one}};
        const wg_alter rename = {.kind = WG_ALTER_RENAME_COLUMN, .column = "x", .name = "y"};
        const wg_alter label = {.kind = WG_ALTER_RENAME_LABEL, .name = "Z"};
        assert_int_equal(wg_txn_begin(s->engine, WG_TXN_WRITE, 0, &txn, &err), WG_OK);
        assert_int_equal(wg_txn_alter_label(txn, wg_slice_str("P"), false, &add, &err), WG_OK);
        assert_int_equal(wg_txn_alter_label(txn, wg_slice_str("P"), false, &rename, &err), WG_OK);
        assert_int_equal(wg_txn_alter_label(txn, wg_slice_str("P"), false, &label, &err), WG_OK);
        wg_txn_abort(txn);
        expect(s, "MATCH (n:P) RETURN properties(n) ORDER BY n.id", "{\"id\":1,\"name\":\"a\"}\n{\"id\":2}\n");
        expect_error(s, "MATCH (n:P) RETURN n.x", WG_E_NOT_FOUND, 19, "no property");
    }
    run(s, "ALTER NODE LABEL P ADD x STRING DEFAULT 's'");
    expect(s, "MATCH (n:P) RETURN n.x", "\"s\"\n\"s\"\n");
}

/* Goal: a transaction whose snapshot is older than an ALTER cannot write to the label: it was planned for the old definition. */
static void test_writes_across_an_alter_conflict(void **state) {
    store *s = *state;
    wg_error err = {0};
    wg_txn *txn;
    uint64_t id;
    assert_int_equal(wg_txn_begin(s->engine, WG_TXN_OPTIMISTIC, 0, &txn, &err), WG_OK);
    run(s, "ALTER NODE LABEL P ADD x INT");
    const uint32_t label = 0;
    assert_int_equal(wg_txn_create_node(txn, &label, 1, NULL, 0, &id, &err), WG_E_CONFLICT);
    assert_non_null(strstr(err.message, "altered at logseq"));
    wg_txn_abort(txn);
}

/* Goal: relationships are altered like nodes; renaming a label renames it where relationships name it. */
static void test_edge_labels_are_altered(void **state) {
    store *s = *state;
    run(s, "CREATE EDGE LABEL E (FROM P TO P, w INT) COMPUTE double = w * 2");
    run(s, "MATCH (a:P {id: 1}), (b:P {id: 2}) CREATE (a)-[:E {w: 4}]->(b)");
    run(s, "ALTER EDGE LABEL E ADD x INT DEFAULT 9");
    run(s, "ALTER NODE LABEL P RENAME TO Q");
    run(s, "MATCH (a:Q {id: 2}), (b:Q {id: 1}) CREATE (a)-[:E {w: 5}]->(b)");
    expect(s,
           "MATCH (a:Q)-[e:E]->(b:Q) WHERE e.double > 7 RETURN a.id, e.w, e.x, e.double, type(e), properties(e) "
           "ORDER BY a.id",
           "1|4|9|8|\"E\"|{\"double\":8,\"w\":4,\"x\":9}\n2|5|9|10|\"E\"|{\"double\":10,\"w\":5,\"x\":9}\n");
    run(s, "ALTER EDGE LABEL E DROP COMPUTE double");
    run(s, "ALTER EDGE LABEL E ALTER w SET TYPE FLOAT");
    run(s, "ALTER EDGE LABEL E ADD COMPUTE double = w * 2");
    expect(s, "MATCH ()-[e:E]->() RETURN e.w, e.double ORDER BY e.w", "4.0|8.0\n5.0|10.0\n");
    expect(s, "MATCH (a)-[e:E]->() RETURN a.id, sum(e.w) ORDER BY a.id", "1|4.0\n2|5.0\n");
    expect(s, "SHOW SCHEMA",
           "\"CREATE NODE LABEL Q (id INT NOT NULL, name STRING, PRIMARY KEY (id))\"\n"
           "\"CREATE EDGE LABEL E (FROM Q TO Q, w FLOAT, x INT DEFAULT 9) COMPUTE double = w * 2\"\n");
}

/* Goal: computed columns in every place of a query give what their expression gives, whether labels are known or not. */
static void test_computed_columns_are_columns(void **state) {
    store *s = *state;
    run(s,
        "ALTER NODE LABEL P ADD COMPUTE twice = id * 2, four = twice * 2, shout = toUpper(name) + '!', ids = [x IN "
        "[id, id] | x + 1]");
    expect(s, "MATCH (n:P) WHERE n.four > 4 RETURN n.id, n.twice, n.four, n.ids", "2|4|8|[3,3]\n");
    expect(s, "MATCH (n) WHERE n.four > 4 RETURN n.id, n['twice'], keys(n)",
           "2|4|[\"four\",\"id\",\"ids\",\"twice\"]\n");
    expect(s, "MATCH (n:P) RETURN n.shout, count(*), sum(n.four) ORDER BY n.shout", "\"A!\"|1|4\nnull|1|8\n");
    expect(s, "MATCH (n:P) WITH n.twice AS t ORDER BY t DESC RETURN collect(t)", "[4,2]\n");
    expect(s, "MATCH (n:P) RETURN properties(n) ORDER BY n.id LIMIT 1",
           "{\"four\":4,\"id\":1,\"ids\":[2,2],\"name\":\"a\",\"shout\":\"A!\",\"twice\":2}\n");
    expect(s, "MATCH (n:P) RETURN n {.twice, .id} ORDER BY n.four",
           "{\"id\":1,\"twice\":2}\n{\"id\":2,\"twice\":4}\n");
    expect(s, "MATCH (n:P) WITH n ORDER BY n.id LIMIT 1 OPTIONAL MATCH (n)-->(m) RETURN n {.*, ids: 0, z: 1}, m {.*}",
           "{\"four\":4,\"id\":1,\"ids\":0,\"name\":\"a\",\"shout\":\"A!\",\"twice\":2,\"z\":1}|null\n");
    expect(s, "UNWIND [{a: 1, c: 3}] AS m RETURN m {.*}, m {.*, b: 2, c: 4}",
           "{\"a\":1,\"c\":3}|{\"a\":1,\"b\":2,\"c\":4}\n");
    run(s, "MATCH (n:P {id: 1}) SET n.name = 'b'");
    expect(s, "MATCH (n:P {id: 1}) SET n.name = 'c' RETURN n.shout", "\"C!\"\n");
    expect(s, "MATCH (n:P {id: 1}) OPTIONAL MATCH (n)-->(m:P) RETURN n.shout, m.shout", "\"C!\"|null\n");
    expect_error(s, "CREATE (:P {id: 9, four: 1})", WG_E_READ_ONLY, 16, "computed");
    expect_error(s, "MATCH (n:P) SET n.twice = 1", WG_E_READ_ONLY, 16, "computed");
    expect_error(s, "ALTER NODE LABEL P DROP id", WG_E_CONSTRAINT, 24, "computed column 'twice' reads 'id'");
    expect_error(s, "ALTER NODE LABEL P DROP twice", WG_E_CONSTRAINT, 24, "reads 'twice'");
    run(s, "ALTER NODE LABEL P DROP COMPUTE four");
    expect_error(s, "MATCH (n:P) RETURN n.four", WG_E_NOT_FOUND, 19, "no property");
    expect(s, "MATCH (n:P) RETURN n.four ORDER BY n.id AS OF 3", "4\n8\n");
    s->optimizer_off = true;
    expect(s, "MATCH (n:P) WHERE n.twice >= 4 RETURN n.id", "2\n");
    s->optimizer_off = false;
}

/* Goal: a comparison of a shifted or scaled column prunes what the column's own range excludes, and nothing else. */
static void test_linear_conditions_are_pushed_down(void **state) {
    store *s = *state;
    static const char *const ops[] = {"=", "<", "<=", ">", ">="};
    run(s, "ALTER NODE LABEL P ADD COMPUTE up = id + 7, down = id - 7, thrice = 3 * id");
    run(s, "UNWIND range(-20, 20) AS i MERGE (:P {id: i})");
    expect_plan(s, "MATCH (n:P) WHERE n.up = 9 RETURN n.id", "prune=[id = 2]", false);
    expect_plan(s, "MATCH (n:P) WHERE 9 < n.thrice RETURN n.id", "prune=[id >= 3]", false);
    for (int value = -22; value <= 22; value += 1)
        for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
            char text[200], plain[2000];
            for (int which = 0; which < 3; which++) {
                static const char *const names[] = {"up", "down", "thrice"};
                (void)snprintf(text, sizeof text, "MATCH (n:P) WHERE n.%s %s %d RETURN n.id ORDER BY n.id",
                               names[which], ops[i], value);
                s->optimizer_off = true;
                run(s, text);
                s->optimizer_off = false;
                assert_true(wg_buf_append_u8(&s->answer, 0));
                (void)snprintf(plain, sizeof plain, "%s", (const char *)s->answer.data);
                expect(s, text, plain);
            }
        }
}

/* Goal: a column takes values of its declared type and no others, and the binder knows the type. */
static void test_declared_types_are_kept(void **state) {
    store *s = *state;
    static const struct {
        const char *type, *good, *bad;
    } cases[] = {
        {"FLOAT32", "1.5", "1e300"},
        {"LOCAL TIME", "localtime('10:00')", "time('10:00Z')"},
        {"TIME", "time('10:00Z')", "localtime('10:00')"},
        {"DATETIME", "datetime('2020-01-01T00:00Z')", "localdatetime('2020-01-01T00:00')"},
        {"DURATION", "duration('P1D')", "5"},
        {"POINT", "point({x: 1, y: 2})", "[1.0, 2.0]"},
        {"LIST<INT8>", "[1, 127]", "[1, 128]"},
        {"LIST<STRING>", "['a']", "['a', 1]"},
        {"INT[]", "[]", "[1.5]"},
        {"DOUBLE[3]", "[1.0, 2.0, 3.0]", "[1.0, 2.0]"},
        {"LIST<LIST<INT>>", "[[1], []]", "[[1], 2]"},
        {"LIST", "[1, 'a']", "'a'"},
        {"MAP", "{a: 1, b: [2]}", "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        wg_error err = {0};
        (void)snprintf(text, sizeof text, "ALTER NODE LABEL P ADD c%d %s", (int)i, cases[i].type);
        run(s, text);
        (void)snprintf(text, sizeof text, "MATCH (n:P {id: 1}) SET n.c%d = %s", (int)i, cases[i].good);
        run(s, text);
        (void)snprintf(text, sizeof text, "MATCH (n:P {id: 1}) WHERE n.c%d = %s RETURN count(*)", (int)i,
                       cases[i].good);
        expect(s, text, "1\n");
        (void)snprintf(text, sizeof text, "MATCH (n:P {id: 1}) SET n.c%d = %s", (int)i, cases[i].bad);
        assert_int_equal(try_text(s, text, NULL, &err), WG_E_TYPE);
        assert_non_null(strstr(err.message, "does not fit a column of"));
    }
    expect_error(s, "MATCH (n:P) WHERE n.c4 = 5 RETURN n", WG_E_TYPE, 18, "cannot compare DURATION = INT");
    expect_error(s, "MATCH (n:P) WHERE n.id = 'x' RETURN n", WG_E_TYPE, 18, "cannot compare INT = STRING");
    expect_error(s, "ALTER NODE LABEL P ADD z STRNG", WG_E_BIND, 25, "did you mean STRING");
    expect_error(s, "ALTER NODE LABEL P ADD z DECIMAL(3, 2)", WG_E_UNSUPPORTED, 25, "precision");
    expect(s, "SHOW PROPERTIES YIELD property, type WHERE type STARTS WITH 'L' RETURN property, type",
           "\"c1\"|\"LOCAL TIME\"\n\"c6\"|\"LIST<INT8>\"\n\"c7\"|\"LIST<STRING>\"\n\"c8\"|\"LIST<INT>\"\n"
           "\"c10\"|\"LIST<LIST<INT>>\"\n\"c11\"|\"LIST\"\n");
}

/* Goal: constraints NOT NULL and TYPE hold for rows that are there and for rows to come, of nodes and relationships of open labels too. */
static void test_value_constraints_are_enforced(void **state) {
    store *s = *state;
    run(s, "CREATE (:M {a: 1})-[:R {w: 1}]->(:M {a: 2})");
    expect_error(s, "CREATE CONSTRAINT FOR (n:M) REQUIRE n.b IS NOT NULL", WG_E_CONSTRAINT, 0, "has no value");
    expect_error(s, "CREATE CONSTRAINT FOR ()-[r:R]-() REQUIRE r.w IS :: STRING", WG_E_CONSTRAINT, 0,
                 "R.w is INT, not STRING");
    run(s, "CREATE CONSTRAINT nn FOR (n:M) REQUIRE n.a IS NOT NULL");
    run(s, "CREATE CONSTRAINT tt FOR ()-[r:R]-() REQUIRE r.w IS :: INT8");
    run(s, "CREATE CONSTRAINT ll FOR (n:M) REQUIRE n.l IS :: LIST<INT>");
    expect_error(s, "CREATE (:M {b: 1})", WG_E_CONSTRAINT, 15, "constraint nn: M.a has no value");
    expect_error(s, "MATCH (n:M) REMOVE n.a", WG_E_CONSTRAINT, 19, "constraint nn");
    expect_error(s, "MATCH (n:P) SET n:M", WG_E_CONSTRAINT, 16, "constraint nn");
    expect_error(s, "MATCH ()-[r:R]->() SET r.w = 200", WG_E_CONSTRAINT, 23, "constraint tt");
    expect_error(s, "MATCH (n:M) SET n.l = ['x']", WG_E_CONSTRAINT, 16, "LIST<INT>");
    run(s, "MATCH (n:M) SET n.l = [1], n.b = 'free'");
    expect(s, "SHOW CONSTRAINTS YIELD name, kind, type",
           "\"nn\"|\"NOT NULL\"|null\n\"tt\"|\"TYPE\"|\"INT8\"\n\"ll\"|\"TYPE\"|\"LIST<INT>\"\n");
    run(s, "DROP CONSTRAINT nn");
    run(s, "MATCH (n:M) REMOVE n.a");
    run(s, "CREATE CONSTRAINT key FOR (n:P) REQUIRE n.name IS UNIQUE");
    expect_error(s, "ALTER NODE LABEL P DROP name", WG_E_CONSTRAINT, 24, "constraint key is about this column");
}

/* Goal: what SHOW SCHEMA prints makes the same schema in an empty store. */
static void test_schema_text_makes_the_schema_again(void **state) {
    store *s = *state;
    static store other;
    run(s, "ALTER NODE LABEL P ADD `odd name` STRING DEFAULT 'its'");
    run(s, "ALTER NODE LABEL P ADD d DATE DEFAULT date('2020-02-29')");
    run(s, "ALTER NODE LABEL P ADD v FLOAT[2] NOT NULL DEFAULT [1.5, -2.0]");
    run(s, "ALTER NODE LABEL P ADD COMPUTE len = size(`odd name`) + id");
    run(s, "CREATE NODE LABEL A (x INT8, y UINT16 NOT NULL)");
    run(s, "CREATE EDGE LABEL E (FROM P TO A, w INT) COMPUTE h = w / 2");
    run(s, "CREATE CONSTRAINT c FOR (n:A) REQUIRE n.x IS NOT NULL");
    run(s, "CREATE RANGE INDEX i FOR ()-[r:E]-() ON (r.w)");
    other = (store){0};
    store_open(&other);
    run(s, "SHOW SCHEMA");
    wg_buf first;
    wg_buf_init(&first, NULL);
    assert_true(wg_buf_append(&first, s->answer.data, s->answer.size) && wg_buf_append_u8(&first, 0));
    for (const char *line = (const char *)first.data; *line != '\0'; line = strchr(line, '\n') + 1) {
        char text[600];
        size_t n = 0;
        for (const char *c = line + 1; c[1] != '\n'; c++) /* of a JSON string */
            if (*c != '\\' || c[1] == '\\') text[n++] = *c == '\\' ? *c++ : *c;
        text[n] = '\0';
        run(&other, text);
    }
    expect(&other, "SHOW SCHEMA", (const char *)first.data);
    wg_buf_deinit(&first);
    store_close(&other);
}

/* Goal: one mechanism for all SHOW statements: columns, YIELD, WHERE, RETURN, errors. */
static void test_show_is_a_call(void **state) {
    store *s = *state;
    run(s, "CREATE (:Open)-[:T]->(:Open)");
    expect(s, "SHOW NODE LABELS YIELD label, kind RETURN label, kind ORDER BY label",
           "\"Open\"|\"OPEN\"\n\"P\"|\"OWNED\"\n");
    expect(s, "SHOW EDGE LABELS YIELD label", "\"T\"\n");
    expect(s, "SHOW RELATIONSHIP TYPES YIELD label", "\"T\"\n");
    expect(s, "SHOW PROPERTY KEYS", "\"id\"\n\"name\"\n");
    expect(s, "SHOW FUNCTIONS YIELD name, kind WHERE name IN ['toUpper', 'sum'] RETURN name, kind",
           "\"sum\"|\"AGGREGATE\"\n\"toUpper\"|\"SCALAR\"\n");
    expect(s, "SHOW PROCEDURES YIELD name WHERE name = 'show.labels' RETURN count(*)", "1\n");
    expect(s, "SHOW INDEXES", "");
    expect(s, "CALL db.constraints()", "");
    expect(s, "SHOW LABELS WHERE of = 'EDGE'", "\"T\"|\"EDGE\"|\"OPEN\"|\"\"|1|null\n");
    expect_error(s, "SHOW LABELZ", WG_E_SYNTAX, 5, "expected LABELS");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_alter_keeps_the_past, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_alter_refuses_what_does_not_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_alter_is_rolled_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_writes_across_an_alter_conflict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_edge_labels_are_altered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_computed_columns_are_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_linear_conditions_are_pushed_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_declared_types_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_value_constraints_are_enforced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schema_text_makes_the_schema_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_show_is_a_call, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
