/* Answers larger than the memory of a query, as the user of the API sees them: rows, objects, JSON, Arrow and receipts are those that an answer in
 * memory gives; the account stays below its limit, and no file can be seen. On the real file system. */
#include "io/object_cache/parquet_kit.h"

#include "base/core/test_seed.h"
#include "base/digest/digest.h"

static wg_db *db;
static wg_session *session;

static void open_db(uint64_t query_memory_bytes_max) {
    const wg_options o = {
        .create = true, .durability = WG_BUFFERED, .threads = 2, .query_memory_bytes_max = query_memory_bytes_max};
    KIT_OK(wg_open(kit_path("ws"), &o, &db, err));
    KIT_OK(wg_session_open(db, &session, err));
}

static void close_db(void) {
    wg_session_close(session);
    KIT_OK(wg_close(db, err));
}

typedef struct sum {
    uint64_t hash;
    uint64_t bytes;
} sum;

static bool add_bytes(void *ctx, const void *data, size_t size) {
    sum *s = ctx;
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) s->hash = (s->hash ^ bytes[i]) * UINT64_C(1099511628211);
    s->bytes += size;
    return true;
}

static bool count_entry(void *ctx, const char *name, bool is_directory) {
    (void)name;
    (void)is_directory;
    ++*(uint64_t *)ctx;
    return true;
}

static uint64_t entries(void) {
    uint64_t n = 0;
    KIT_OK(kit_platform()->ops->list(kit_platform(), kit_path("ws"), count_entry, &n, err));
    return n;
}

/* Mappings of files without a name in this process. */
static uint32_t nameless_mappings(void) {
    char line[1024];
    uint32_t n = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
        if (strstr(line, "(deleted)") != NULL && strstr(line, "wgkit") != NULL) n++;
    if (maps != NULL) fclose(maps);
    return n;
}

typedef struct shown {
    uint64_t rows;
    sum json;
    sum arrow;
    char core[128]; /* of the receipt */
} shown;

static void core_of(const wg_result *r, char out[128]) {
    const char *receipt = wg_result_receipt(r);
    assert_non_null(receipt);
    const char *hash = strstr(receipt, "\"result_hash\":\"");
    assert_non_null(hash);
    snprintf(out, 128, "%.100s", hash);
}

static shown show(const char *text, uint64_t limit, bool large) {
    shown s = {0};
    wg_result *r = NULL;
    const uint64_t before = entries();
    wg_error error = {0};
    if (wg_query(session, text, &r, &error) != WG_OK) fail_msg("%s: %s", text, error.message);
    wg_stats stats;
    wg_result_stats(r, &stats);
    if (limit != 0 && stats.memory_bytes_peak > limit)
        fail_msg("%s: %llu bytes", text, (unsigned long long)stats.memory_bytes_peak);
    assert_int_equal(entries(), before);
    if (limit != 0 && large && nameless_mappings() == 0) fail_msg("%s: all in memory", text);
    s.rows = wg_result_row_count(r);
    KIT_OK(wg_result_write_json(r, add_bytes, &s.json, err));
    KIT_OK(wg_result_write_arrow(r, add_bytes, &s.arrow, err));
    core_of(r, s.core);
    wg_result_free(r);
    assert_int_equal(nameless_mappings(), 0);
    assert_int_equal(entries(), before);
    return s;
}

typedef struct question {
    const char *text;
    bool large;
} question;

/* Goal: whatever an answer is made of, a limit of memory does not show in it. */
static void test_answers_do_not_show_their_memory(void **state) {
    (void)state;
    static const question questions[] = {
        {"MATCH (p:P) RETURN p.i AS i, p.name AS name", true},
        {"MATCH (p:P) RETURN p", true},
        {"MATCH (p:P) RETURN [p.i, [p.name]] AS l, {b: p.i} AS m", true},
        {"MATCH (p:P) RETURN p.name AS name, p.i AS i ORDER BY name DESC, i", true},
        {"MATCH (p:P) RETURN p.name AS name, count(*) AS n, collect(p.i) AS l", true},
        {"MATCH (p:P) RETURN DISTINCT p.name AS name, p.i % 1000 AS x", true},
        {"MATCH (p:P) RETURN p.name AS name SKIP 7 LIMIT 390000", true},
        {"MATCH (p:P) RETURN p.i AS x UNION ALL MATCH (p:P) RETURN p.name AS x", true},
        {"UNWIND range(1, 1000000) AS x RETURN x, 'the text of ' + x AS s", true},
        {"UNWIND range(1, 300000) AS x WITH CASE x % 3 WHEN 0 THEN x ELSE x * 0.5 END AS k, sum(x) AS s, count(*) AS "
         "n, "
         "collect(x) AS l RETURN count(*) AS c, sum(s) AS t, sum(n) AS m, sum(size(l)) AS z",
         false}, /* groups of keys of any type, whose states take more than their rows */
        {"UNWIND range(1, 600000) AS x WITH x * 7919 % 500009 AS k, count(*) AS n, max(x) AS m "
         "RETURN k, n, m, 'the text of number ' + k AS s",
         true},
        {"MATCH (p:P) RETURN count(*) AS n", false},
    };
    enum { QUESTIONS = sizeof questions / sizeof *questions };
    const uint64_t limit = UINT64_C(56) << 20;
    shown expected[QUESTIONS];
    kit_begin();
    open_db(UINT64_C(4) << 30);
    wg_result *r = NULL;
    KIT_OK(wg_query(session, "CREATE NODE LABEL P (i INT, name STRING)", &r, err));
    wg_result_free(r);
    const char *fill = wg_test_small() ? "UNWIND range(1, 150000) AS i CREATE (:P {i: i, name: 'name of ' + i + ' "
                                         "and more of it, so that it is no short one, whatever the rest holds'})"
                                       : "UNWIND range(1, 400000) AS i CREATE (:P {i: i, name: 'name of ' + i + ' "
                                         "and more of it, so that it is no short one, whatever the rest holds'})";
    KIT_OK(wg_query(session, fill, &r, err));
    wg_result_free(r);
    for (int i = 0; i < QUESTIONS; i++) expected[i] = show(questions[i].text, 0, false);
    close_db();
    open_db(limit);
    for (int i = 0; i < QUESTIONS; i++) {
        const shown s = show(questions[i].text, limit, questions[i].large && !wg_test_small());
        if (s.rows != expected[i].rows || s.json.hash != expected[i].json.hash ||
            s.arrow.hash != expected[i].arrow.hash || strcmp(s.core, expected[i].core) != 0)
            fail_msg("%s: another answer", questions[i].text);
    }
    close_db();
    kit_end();
}

/* Goal: millions of rows with 64 MiB, read cell by cell. */
static void test_millions_of_rows(void **state) {
    (void)state;
    const int64_t rows = wg_test_small() ? 1000000 : 5000000;
    kit_begin();
    open_db(UINT64_C(64) << 20);
    char text[128];
    snprintf(text, sizeof text, "UNWIND range(1, %lld) AS x RETURN x, 'text ' + x AS s", (long long)rows);
    wg_result *r = NULL;
    KIT_OK(wg_query(session, text, &r, err));
    assert_int_equal(wg_result_row_count(r), rows);
    wg_stats stats;
    wg_result_stats(r, &stats);
    assert_true(stats.memory_bytes_peak <= UINT64_C(64) << 20);
    for (int64_t i = 0; i < rows; i++) {
        wg_value x, s;
        char expected[32];
        KIT_OK(wg_result_cell(r, (uint64_t)i, 0, &x, err));
        KIT_OK(wg_result_cell(r, (uint64_t)i, 1, &s, err));
        if (x.as.i != i + 1) fail_msg("row %lld", (long long)i);
        const int n = snprintf(expected, sizeof expected, "text %lld", (long long)i + 1);
        if (s.size != (uint32_t)n || memcmp(s.as.s, expected, (size_t)n) != 0) fail_msg("row %lld", (long long)i);
    }
    wg_result_free(r);
    assert_int_equal(nameless_mappings(), 0);
    close_db();
    kit_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_do_not_show_their_memory),
        cmocka_unit_test(test_millions_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
