/* Goal: COPY TO writes what COPY FROM reads back to equal data, in every format, for nodes and relationships of all types; whole files or none;
 * equal bytes however it is run; nothing that a file cannot hold is written as something else. */
#include <stdlib.h>
#include <unistd.h>

#include "base/core/test_seed.h"
#include "query/query_test_kit.h"

typedef struct scene {
    store s;
    char folder[64];
} scene;

static int set_up(void **state) {
    static scene all;
    store_open(&all.s);
    (void)snprintf(all.folder, sizeof all.folder, "/tmp/wg_copy_to_XXXXXX");
    assert_non_null(mkdtemp(all.folder));
    *state = &all;
    return 0;
}

static bool remove_entry(void *ctx, const char *name, bool is_directory) {
    char path[512];
    wg_platform *p = wg_platform_real();
    (void)is_directory;
    (void)snprintf(path, sizeof path, "%s/%s", (const char *)ctx, name);
    assert_int_equal(p->ops->unlink(p, path, NULL), WG_OK);
    return true;
}

static int tear_down(void **state) {
    scene *all = *state;
    wg_platform *p = wg_platform_real();
    store_close(&all->s);
    assert_int_equal(p->ops->list(p, all->folder, remove_entry, all->folder, NULL), WG_OK);
    assert_int_equal(rmdir(all->folder), 0);
    return 0;
}

/* '@' of a text is the folder of the test. */
static const char *filled(const scene *all, const char *text) {
    static char out[2048];
    size_t n = 0;
    for (; *text != '\0'; text++) {
        const char piece[2] = {*text, '\0'};
        n += (size_t)snprintf(out + n, sizeof out - n, "%s", *text == '@' ? all->folder : piece);
        assert_true(n < sizeof out);
    }
    return out;
}

static void go(scene *all, const char *text) { run(&all->s, filled(all, text)); }

static wg_code refused(scene *all, const char *text, const char *part) {
    wg_error err = {0};
    const wg_code code = try_text(&all->s, filled(all, text), NULL, &err);
    if (code == WG_OK || strstr(err.message, part) == NULL) fail_msg("%s: %s", text, err.message);
    return code;
}

static size_t file_bytes(const scene *all, const char *name, char *out, size_t room) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", all->folder, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL) fail_msg("no file %s", path);
    const size_t n = fread(out, 1, room, f);
    (void)fclose(f);
    return n;
}

static void expect_file(const scene *all, const char *name, const char *text) {
    char got[4096];
    got[file_bytes(all, name, got, sizeof got - 1)] = '\0';
    if (strcmp(got, text) != 0) fail_msg("%s holds:\n%s", name, got);
}

static bool count_entry(void *ctx, const char *name, bool is_directory) {
    (void)name;
    (void)is_directory;
    ++*(int *)ctx;
    return true;
}

static int files_in(const scene *all) {
    int count = 0;
    wg_platform *p = wg_platform_real();
    assert_int_equal(p->ops->list(p, all->folder, count_entry, &count, NULL), WG_OK);
    return count;
}

/* Both questions have the same answer, which is not empty. */
static void expect_same(scene *all, const char *a, const char *b) {
    static char first[65536];
    wg_error err = {0};
    if (try_text(&all->s, a, NULL, &err) != WG_OK) fail_msg("%s: %s", a, err.message);
    assert_true(all->s.answer.size > 0);
    assert_true(all->s.answer.size < sizeof first);
    memcpy(first, all->s.answer.data, all->s.answer.size);
    const size_t size = all->s.answer.size;
    if (try_text(&all->s, b, NULL, &err) != WG_OK) fail_msg("%s: %s", b, err.message);
    if (size != all->s.answer.size || memcmp(first, all->s.answer.data, size) != 0)
        fail_msg("%s gave\n%.*s, %s gave\n%.*s", a, (int)size, first, b, (int)all->s.answer.size,
                 (const char *)all->s.answer.data);
}

#define COLUMNS \
    "(id INT, name STRING, b BOOL, f FLOAT, d DATE, t TIMESTAMP, y BYTES, i8 INT8, u64 UINT64, PRIMARY KEY (id))"

static void make_nodes(scene *all) {
    go(all, "CREATE NODE LABEL A " COLUMNS);
    go(all,
       "CREATE (:A {id: 1, name: 'a\"b,c;|', b: true, f: 1.5, d: date('2020-02-29'), "
       "t: localdatetime('1969-12-31T23:59:59.999999'), i8: -128, u64: 9223372036854775807})");
    go(all, "CREATE (:A {id: -9223372036854775807, name: '', b: false, f: 0.0 / 0.0, d: date('-0044-03-15')})");
    go(all, "CREATE (:A {id: 3, name: 'line\\nbreak\\r\\n\\ttab', f: 1.0 / 0.0})");
    go(all,
       "CREATE (:A {id: 4, name: 'grün 日本語 \\u0001', f: -1.0 / 0.0, t: localdatetime('9999-12-31T23:59:59')})");
    go(all, "CREATE (:A {id: 5, name: 'NULL', f: -0.0, i8: 127})");
    go(all, "CREATE (:A {id: 6, name: '\\\\N', f: 5e-324, b: false})");
    go(all, "CREATE (:A {id: 7, f: 0.1, name: '\"'})");
    go(all, "CREATE (:A {id: 8, name: ' spaces '})");
    wg_value bytes = wg_value_str(wg_slice_of("\xff\x00\x7f z", 5));
    bytes.type = WG_TYPE_BYTES;
    wg_error err = {0};
    assert_int_equal(try_text(&all->s, "CREATE (:A {id: 9, y: $y})", &bytes, &err), WG_OK);
}

static const char same_a[] = "MATCH (n:A) RETURN n.id, n.name, n.b, n.f, n.d, n.t, n.y, n.i8, n.u64 ORDER BY n.id";
static const char same_b[] = "MATCH (n:B) RETURN n.id, n.name, n.b, n.f, n.d, n.t, n.y, n.i8, n.u64 ORDER BY n.id";

/* Goal: all declared types, nulls beside empty strings, quotes, breaks, what is no number: equal after a way out and back. */
static void test_nodes_come_back_equal(void **state) {
    scene *all = *state;
    static const char *const files[] = {"n.parquet", "n.jsonl", "z.parquet' (COMPRESSION zstd, ROW_GROUP_SIZE 2)//"};
    make_nodes(all);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "COPY A TO '@/%s%s", files[i], strchr(files[i], '\'') != NULL ? "" : "'");
        go(all, text);
        go(all, "CREATE NODE LABEL B " COLUMNS);
        (void)snprintf(text, sizeof text, "COPY B FROM '@/%.*s'", (int)strcspn(files[i], "'"), files[i]);
        go(all, text);
        expect_same(all, same_a, same_b);
        go(all, "MATCH (n:B) DELETE n");
        go(all, "DROP NODE LABEL B");
    }
    /* CSV has no way to write bytes that are no text, and says so. */
    const int before = files_in(all);
    assert_int_equal(refused(all, "COPY A TO '@/n.csv'", "no text"), WG_E_VALUE);
    assert_int_equal(files_in(all), before);
    go(all, "MATCH (n:A {id: 9}) SET n.y = null");
    static const char *const options[] = {"", " (NULL 'NULL', DELIMITER ';')", " (QUOTE '!', NULL '-')",
                                          " (DELIMITER '|', QUOTE '\"')"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "COPY A TO '@/n%d.csv'%s", (int)i, options[i]);
        go(all, text);
        go(all, "CREATE NODE LABEL B " COLUMNS);
        (void)snprintf(text, sizeof text, "COPY B FROM '@/n%d.csv'%s", (int)i, options[i]);
        go(all, text);
        expect_same(all, same_a, same_b);
        go(all, "MATCH (n:B) DELETE n");
        go(all, "DROP NODE LABEL B");
    }
}

/* Goal: relationships begin with the keys of their ends, of one part or several, declared or said; and come back. */
static void test_relationships_come_back_equal(void **state) {
    scene *all = *state;
    static const char *const files[] = {"e.csv", "e.jsonl", "e.parquet"};
    go(all, "CREATE NODE LABEL P (a INT, b STRING, PRIMARY KEY (a, b))");
    go(all, "CREATE EDGE LABEL K (FROM P TO P, w FLOAT, s STRING)");
    go(all, "CREATE EDGE LABEL L (FROM P TO P, w FLOAT, s STRING)");
    go(all, "UNWIND range(0, 30) AS i CREATE (:P {a: i, b: toString(i * 7)})");
    go(all,
       "MATCH (x:P), (y:P) WHERE (x.a * 5 + y.a) % 7 = 0 "
       "CREATE (x)-[:K {w: x.a / 3.0, s: CASE WHEN y.a % 2 = 0 THEN '' ELSE null END}]->(y)");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "COPY K TO '@/%s'", files[i]);
        go(all, text);
        (void)snprintf(text, sizeof text, "COPY L FROM '@/%s'", files[i]);
        go(all, text);
        expect_same(all, "MATCH (x)-[e:K]->(y) RETURN x.a, x.b, y.a, y.b, e.w, e.s ORDER BY x.a, y.a",
                    "MATCH (x)-[e:L]->(y) RETURN x.a, x.b, y.a, y.b, e.w, e.s ORDER BY x.a, y.a");
        go(all, "MATCH ()-[e:L]->() DELETE e");
    }
    go(all, "COPY K (s) TO '@/few.csv' (FROM P(a) = src, TO P(a) = dst, HEADER true)");
    char got[16];
    got[file_bytes(all, "few.csv", got, 10)] = '\0';
    assert_string_equal(got, "src,dst,s\n");
}

/* Goal: open labels have the columns that their nodes have, with the types of the values; ends are said; ends of other labels are no silent loss. */
static void test_open_labels_are_written_whole(void **state) {
    scene *all = *state;
    go(all,
       "CREATE (:O {k: 1, s: 'x', l: [1, [null, 'a']], at: time('10:00+01:00')}), (:O {k: 2, s: ''}), "
       "(:Z {k: 3})");
    go(all, "MATCH (a:O {k: 1}), (b:O {k: 2}) CREATE (a)-[:R {w: 1}]->(b)");
    go(all, "COPY O TO '@/o.csv'");
    expect_file(all, "o.csv", "k,s,l,at\n1,x,\"[1,[null,\"\"a\"\"]]\",10:00:00+01:00\n2,\"\",,\n");
    go(all, "COPY O TO '@/o.jsonl'");
    expect_file(all, "o.jsonl",
                "{\"k\":1,\"s\":\"x\",\"l\":[1,[null,\"a\"]],\"at\":\"10:00:00+01:00\"}\n"
                "{\"k\":2,\"s\":\"\",\"l\":null,\"at\":null}\n");
    go(all, "COPY O TO '@/o.parquet'");
    go(all, "CREATE (:Made)"); /* an open label to load into */
    go(all, "COPY Made FROM '@/o.jsonl' (COLUMNS (k, s, l))");
    expect_same(all, "MATCH (n:O) RETURN n.k, n.s, n.l ORDER BY n.k",
                "MATCH (n:Made) WHERE n.k > 0 RETURN n.k, n.s, n.l ORDER BY n.k");
    go(all, "MATCH (n:Made) DELETE n");
    go(all, "COPY Made FROM '@/o.parquet' (COLUMNS (k, s))");
    expect_same(all, "MATCH (n:O) RETURN n.k, n.s ORDER BY n.k", "MATCH (n:Made) RETURN n.k, n.s ORDER BY n.k");
    assert_int_equal(refused(all, "COPY R TO '@/r.csv'", "needs (FROM"), WG_E_BIND);
    assert_int_equal(refused(all, "COPY R TO '@/r.csv' (FROM O, TO O)", "no primary key"), WG_E_BIND);
    go(all, "COPY R TO '@/r.csv' (FROM O(k), TO O(k))");
    expect_file(all, "r.csv", "from,to,w\n1,2,1\n");
    go(all, "MATCH (a:O {k: 1}), (b:Z) CREATE (a)-[:R {w: 2}]->(b)");
    assert_int_equal(refused(all, "COPY R TO '@/r2.csv' (FROM O(k), TO O(k))", "1 of 2 relationships"),
                     WG_E_CONSTRAINT);
    go(all, "MATCH (b:O {k: 2}) REMOVE b.k");
    go(all, "MATCH ()-[r:R {w: 2}]->() DELETE r");
    assert_int_equal(refused(all, "COPY R TO '@/r2.csv' (FROM O(k), TO O(k))", "column to is null"), WG_E_CONSTRAINT);
}

/* Goal: what a column of Parquet cannot hold is refused by name, and integers beside floats stay exact. */
static void test_parquet_takes_one_type_a_column(void **state) {
    scene *all = *state;
    assert_int_equal(refused(all, "COPY (UNWIND [1, 'a'] AS x RETURN x) TO '@/x.parquet'", "several types"),
                     WG_E_TYPE);
    go(all, "COPY (UNWIND [1, 2.5, null] AS x RETURN x) TO '@/x.parquet'");
    go(all, "CREATE NODE LABEL X (x FLOAT)");
    go(all, "COPY X FROM '@/x.parquet'");
    expect(&all->s, "MATCH (n:X) RETURN n.x ORDER BY n.x", "1.0\n2.5\nnull\n");
    assert_int_equal(refused(all, "COPY (UNWIND [9007199254740993, 2.5] AS x RETURN x) TO '@/y.parquet'", "no float"),
                     WG_E_VALUE);
    go(all,
       "COPY (RETURN [1, null] AS l, {a: 'b'} AS m, null AS n, time('10:00Z') AS t, localtime('10:00:00.1') AS lt, "
       "duration('P1D') AS d) TO '@/t.parquet'");
    go(all, "CREATE NODE LABEL T (l STRING, m STRING, n STRING, t STRING, lt ANY, d STRING)");
    go(all, "COPY T FROM '@/t.parquet'");
    expect(&all->s, "MATCH (n:T) RETURN n.l, n.m, n.n, n.t, n.lt, n.d",
           "\"[1,null]\"|\"{\\\"a\\\":\\\"b\\\"}\"|null|\"10:00:00Z\"|\"10:00:00.1\"|\"P1D\"\n");
}

/* Goal: files are whole or not there, and never replaced unless that was said. */
static void test_files_are_whole_or_absent(void **state) {
    scene *all = *state;
    go(all, "COPY (UNWIND range(1, 3) AS x RETURN x) TO '@/a.csv'");
    assert_int_equal(refused(all, "COPY (RETURN 1 AS x) TO '@/a.csv'", "OVERWRITE true"), WG_E_EXISTS);
    expect_file(all, "a.csv", "x\n1\n2\n3\n");
    assert_int_equal(
        refused(all, "COPY (UNWIND [1, 0] AS x RETURN 1 / x AS y) TO '@/a.csv' (OVERWRITE true)", "zero"),
        WG_E_VALUE);
    expect_file(all, "a.csv", "x\n1\n2\n3\n");
    assert_int_equal(refused(all, "COPY (MATCH (n) RETURN n) TO '@/b.csv'", "node"), WG_E_TYPE);
    assert_int_equal(files_in(all), 1);
    go(all, "COPY (UNWIND [] AS x RETURN x) TO '@/a.csv' (OVERWRITE true, HEADER false)");
    expect_file(all, "a.csv", "");
    go(all, "COPY (RETURN 1 AS x) TO '@/b.parquet'");
    assert_int_equal(refused(all, "COPY (RETURN 1 AS x) TO '@/no/b.csv'", "/no/b.csv"), WG_E_NOT_FOUND);
    assert_int_equal(refused(all, "COPY (RETURN 1 AS x) TO '@'", "is a directory"), WG_E_EXISTS);
    assert_int_equal(files_in(all), 2);
}

/* Goal: statements that mean nothing are refused where they stand. */
static void test_wrong_statements_are_refused(void **state) {
    scene *all = *state;
    expect_error(&all->s, "COPY (CREATE (:A)) TO 'f.csv'", WG_E_BIND, 6, "only read");
    expect_error(&all->s, "COPY Nope TO 'f.csv'", WG_E_NOT_FOUND, 0, "no label 'Nope'");
    expect_error(&all->s, "COPY (RETURN 1 AS x) TO 'f.csv' (COLUMNS (x))", WG_E_BIND, 33, "no option COLUMNS");
    expect_error(&all->s, "COPY (RETURN 1 AS x) TO 'f.csv' (COMPRESSION gzip)", WG_E_BIND, 33, "COMPRESSION is");
    expect_error(&all->s, "COPY (RETURN 1 AS x) TO 'f.csv' (COMPRESSION zstd)", WG_E_UNSUPPORTED, WG_NO_OFFSET,
                 "uncompressed");
    expect_error(&all->s, "COPY (RETURN 1 AS x) TO 'f.csv' (DELIMITER '!', QUOTE '!')", WG_E_MISUSE, WG_NO_OFFSET,
                 "different");
    expect_error(&all->s, "COPY (RETURN 1 AS x) FROM 'f.csv'", WG_E_SYNTAX, 21, "TO");
    expect_error(&all->s, "COPY (RETURN 1 AS x) TO 'f.csv' (ROW_GROUP_SIZE 0)", WG_E_BIND, 48, "ROW_GROUP_SIZE");
    go(all, "CREATE NODE LABEL A (x INT)");
    expect_error(&all->s, "COPY A (x, y) TO 'f.csv'", WG_E_NOT_FOUND, 11, "no property 'y'");
    assert_int_equal(files_in(all), 0);
}

/* Goal: rows go in the plan's order and the bytes are the same whatever the size of batches, also where much of it is sorted and grouped. */
static void test_bytes_are_a_function_of_the_rows(void **state) {
    scene *all = *state;
    static char one[1 << 20];
    static char two[1 << 20];
    const int n = wg_test_small() ? 5000 : 40000;
    char text[512];
    (void)snprintf(text, sizeof text, "UNWIND range(1, %d) AS i CREATE (:N {i: i, s: toString(i * 37 %% 1000)})", n);
    go(all, text);
    go(all, "COPY (MATCH (n:N) RETURN n.i AS i, n.s AS s) TO '@/1.csv'");
    go(all, "COPY (MATCH (n:N) RETURN n.i AS i, n.s AS s ORDER BY n.i) TO '@/2.csv'");
    const size_t size = file_bytes(all, "1.csv", one, sizeof one);
    assert_int_equal(size, file_bytes(all, "2.csv", two, sizeof two));
    assert_memory_equal(one, two, size);
    go(all, "COPY (MATCH (n:N) RETURN n.i AS i, n.s AS s) TO '@/1.parquet'");
    go(all,
       "COPY (MATCH (n:N) RETURN n.i AS i, n.s AS s UNION ALL MATCH (n:N) WHERE n.i < 0 RETURN n.i AS i, n.s AS s) "
       "TO '@/2.parquet'");
    const size_t packed = file_bytes(all, "1.parquet", one, sizeof one);
    assert_int_equal(packed, file_bytes(all, "2.parquet", two, sizeof two));
    assert_memory_equal(one, two, packed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nodes_come_back_equal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_relationships_come_back_equal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_labels_are_written_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parquet_takes_one_type_a_column, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_are_whole_or_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_statements_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bytes_are_a_function_of_the_rows, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
