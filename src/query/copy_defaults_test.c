/* Goal: a row that COPY loads gets what CREATE would have given it: defaults of columns that it does not mention, computed columns, every
 * constraint; rows that break one are told with file and line. */
#include <stdlib.h>
#include <unistd.h>

#include "query/query_test_kit.h"

typedef struct scene {
    store s;
    char folder[64];
} scene;

static int set_up(void **state) {
    static scene all;
    all = (scene){0};
    store_open(&all.s);
    (void)snprintf(all.folder, sizeof all.folder, "/tmp/wg_copy_def_XXXXXX");
    assert_non_null(mkdtemp(all.folder));
    run(&all.s,
        "CREATE NODE LABEL P (id INT, city STRING NOT NULL DEFAULT 'here', n INT8 DEFAULT 7, f FLOAT DEFAULT 1, "
        "d DATE DEFAULT date('2020-01-02'), l LIST<INT> DEFAULT [1, 2], PRIMARY KEY (id)) "
        "COMPUTE both = city + toString(n)");
    run(&all.s, "CREATE CONSTRAINT FOR (p:P) REQUIRE (p.city, p.n) IS UNIQUE");
    run(&all.s, "CREATE CONSTRAINT FOR (p:P) REQUIRE p.f IS NOT NULL");
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

static void put(const scene *all, const char *name, const char *text) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", all->folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void copy(scene *all, const char *what, const char *options, const char *answer) {
    char text[1024];
    (void)snprintf(text, sizeof text, "COPY P FROM '%s/%s' %s", all->folder, what, options);
    expect(&all->s, text, answer);
}

#define ROWS "MATCH (p:P) RETURN p.id, p.city, p.n, p.f, p.d, p.l, p.both ORDER BY p.id"

/* Goal: the same rows by CREATE and by every format; what a file says to be null stays null. */
static void test_what_is_not_mentioned_gets_its_default(void **state) {
    scene *all = *state;
    const char *const made =
        "1|\"here\"|7|1.0|\"2020-01-02\"|[1,2]|\"here7\"\n2|\"x\"|null|2.5|\"2020-01-02\"|[1,2]|null\n";
    run(&all->s, "CREATE (:P {id: 1}), (:P {id: 2, city: 'x', n: null, f: 2.5})");
    expect(&all->s, ROWS, made);
    run(&all->s, "MATCH (p:P) DELETE p");
    put(all, "a.jsonl", "{\"id\": 1}\n{\"id\": 2, \"city\": \"x\", \"n\": null, \"f\": 2.5}\n");
    copy(all, "a.jsonl", "", "2\n");
    expect(&all->s, ROWS, made);
    run(&all->s, "MATCH (p:P) DELETE p");
    put(all, "a.csv", "id,f\n1,1\n2,2.5\n");
    run(&all->s, "DROP CONSTRAINT unique_P_city_n");
    copy(all, "a.csv", "", "2\n");
    expect(&all->s, "MATCH (p:P) RETURN p.id, p.city, p.n, p.f, p.both",
           "1|\"here\"|7|1.0|\"here7\"\n2|\"here\"|7|2.5|\"here7\"\n");
    char text[512];
    (void)snprintf(text, sizeof text, "COPY P (id, f) TO '%s/a.parquet'", all->folder);
    run(&all->s, text);
    run(&all->s, "MATCH (p:P) DELETE p");
    copy(all, "a.parquet", "", "2\n");
    expect(&all->s, "MATCH (p:P) RETURN p.id, p.city, p.l, p.f", "1|\"here\"|[1,2]|1.0\n2|\"here\"|[1,2]|2.5\n");
}

/* Goal: constraints look at defaults too, each refused row has its line, and without REJECTS nothing is loaded. */
static void test_rows_that_break_a_constraint_are_told(void **state) {
    scene *all = *state;
    char text[512], rejects[512];
    wg_error err = {0};
    put(all, "b.csv", "id,city\n1,a\n2,\n3,a\n1,b\n5,c\n");
    (void)snprintf(text, sizeof text, "COPY P FROM '%s/b.csv'", all->folder);
    assert_int_equal(try_text(&all->s, text, NULL, &err), WG_E_CONSTRAINT);
    assert_non_null(strstr(err.message, "b.csv, line 3: P.city is NOT NULL"));
    expect(&all->s, "MATCH (p:P) RETURN count(*)", "0\n");
    (void)snprintf(text, sizeof text, "(REJECTS '%s/bad.jsonl')", all->folder);
    copy(all, "b.csv", text, "2|3\n");
    expect(&all->s, "MATCH (p:P) RETURN p.id, p.city, p.n ORDER BY p.id", "1|\"a\"|7\n5|\"c\"|7\n");
    (void)snprintf(rejects, sizeof rejects, "%s/bad.jsonl", all->folder);
    FILE *f = fopen(rejects, "rb");
    assert_non_null(f);
    char got[2048];
    got[fread(got, 1, sizeof got - 1, f)] = '\0';
    (void)fclose(f);
    assert_non_null(strstr(got, "\"line\":3,\"code\":\"WG_E_CONSTRAINT\",\"message\":\"P.city is NOT NULL"));
    assert_non_null(strstr(got, "\"line\":4,\"code\":\"WG_E_CONSTRAINT\",\"message\":\"constraint unique_P_city_n"));
    assert_non_null(
        strstr(got, "\"line\":5,\"code\":\"WG_E_CONSTRAINT\",\"message\":\"P: rows with the same primary key"));
}

/* Goal: of several labels the first one that has a default gives it, as CREATE does; edges get theirs. */
static void test_labels_and_relationships_have_defaults(void **state) {
    scene *all = *state;
    run(&all->s, "CREATE NODE LABEL Q (id INT, n INT8 DEFAULT 9, z STRING DEFAULT 'zz')");
    run(&all->s, "CREATE EDGE LABEL R (FROM P TO P, since INT DEFAULT 5, note STRING)");
    put(all, "c.csv", "id\n1\n");
    char text[512];
    (void)snprintf(text, sizeof text, "COPY P:Q FROM '%s/c.csv'", all->folder);
    run(&all->s, text);
    expect(&all->s, "MATCH (p:Q) RETURN p.id, p.n, p.z, p.city", "1|7|\"zz\"|\"here\"\n");
    put(all, "r.csv", "from,to,note\n1,1,x\n");
    (void)snprintf(text, sizeof text, "COPY R FROM '%s/r.csv'", all->folder);
    run(&all->s, text);
    expect(&all->s, "MATCH (:P)-[r:R]->() RETURN r.since, r.note", "5|\"x\"\n");
}

/* Goal: columns of maps are loaded from lines of JSON, and what is no map of their type is refused. */
static void test_columns_of_maps_are_loaded(void **state) {
    scene *all = *state;
    run(&all->s, "CREATE NODE LABEL M (id INT, m MAP, PRIMARY KEY (id))");
    put(all, "m.jsonl", "{\"id\": 1, \"m\": {\"a\": 1, \"b\": [2, {\"c\": null}]}}\n{\"id\": 2}\n");
    char text[512];
    (void)snprintf(text, sizeof text, "COPY M FROM '%s/m.jsonl'", all->folder);
    expect(&all->s, text, "2\n");
    expect(&all->s, "MATCH (n:M) RETURN n.id, n.m ORDER BY n.id", "1|{\"a\":1,\"b\":[2,{\"c\":null}]}\n2|null\n");
    put(all, "w.jsonl", "{\"id\": 3, \"m\": 4}\n");
    wg_error err = {0};
    (void)snprintf(text, sizeof text, "COPY M FROM '%s/w.jsonl'", all->folder);
    assert_int_equal(try_text(&all->s, text, NULL, &err), WG_E_TYPE);
    assert_non_null(strstr(err.message, "w.jsonl, line 1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_not_mentioned_gets_its_default, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_that_break_a_constraint_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_labels_and_relationships_have_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_columns_of_maps_are_loaded, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
