/* Conditions on the rows of Parquet files against the same conditions on the same rows, loaded: what scans leave out by statistics, page indexes,
 * dictionaries and conditions on columns must change no answer. Conditions are put together at random from comparisons of every type; each
 * is asked of the virtual label with and without the optimiser, and of nodes that COPY made from the files.
 *
 *   WG_SEED=N   where the choices begin */
#include <stdio.h>

#include "base/core/test_seed.h"
#include "tests/determinism/kit.h"

#define FOLDER "tests/badinput/parquet/"

typedef struct column {
    const char *file;
    const char *name;
    const char *const *values; /* literals, NULL behind the last */
    bool text;
} column;

static const char *const ints[] = {"-7", "0", "5", "40", "77", "5.0", "39.5", "100000", NULL};
static const char *const wide[] = {"-1", "0", "1000003", "30000083", "99999999999", "2.5", NULL};
static const char *const texts[] = {"'red'", "'name 1 of 51'", "'name 3'", "''", "'käse'", "'00040'", "'zzz'", NULL};
static const char *const flags[] = {"true", "false", NULL};
static const char *const days[] = {"date('2001-02-03')", "date('2001-03-15')", "date('2030-01-01')", NULL};
static const char *const times[] = {"localdatetime('2001-02-03T04:05:06')",
                                    "localdatetime('2001-02-03T04:05:06.00005')",
                                    "localdatetime('2001-02-03T04:05:06.05')", NULL};
static const char *const clocks[] = {"localtime('00:00:00')", "localtime('00:00:00.05')", "localtime('12:00:00')",
                                     NULL};
static const char *const floats[] = {"0.0", "2.5", "-1.0", "7", "1e9", "0.0/0.0", NULL};

static const column columns[] = {
    {"indexed", "i8", ints, false},
    {"indexed", "i16", wide, false},
    {"indexed", "i32", wide, false},
    {"indexed", "i64", wide, false},
    {"indexed", "u8", ints, false},
    {"indexed", "u32", wide, false},
    {"indexed", "s", texts, true},
    {"indexed", "few", texts, true},
    {"indexed", "sure", texts, true},
    {"indexed", "flag", flags, false},
    {"indexed", "flag_sure", flags, false},
    {"indexed", "day", days, false},
    {"indexed", "ms", times, false},
    {"indexed", "us", times, false},
    {"indexed", "t_us", clocks, false},
    {"indexed", "f32", floats, false},
    {"indexed", "f64", floats, false},
    {"indexed", "d9", floats, false},
    {"indexed", "d18", wide, false},
    {"integers_dictionary", "i32", wide, false},
    {"integers_dictionary", "i8", ints, false},
    {"integers_delta", "i64", wide, false},
    {"integers_delta", "sure", ints, false},
    {"texts_dictionary", "few", texts, true},
    {"texts_dictionary", "flag", flags, false},
    {"texts_delta", "s", texts, true},
    {"texts_plain", "sure", texts, true},
    {"texts_plain", "nothing", texts, true},
    {"numbers_split", "f64", floats, false},
    {"numbers_split", "f16", floats, false},
    {"numbers_dictionary", "d30", floats, false},
    {"instants_delta", "us", times, false},
    {"instants_dictionary", "day", days, false},
    {"int96", "us", times, false},
};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static const char *some_value(const column *c, wg_rng *rng) {
    uint64_t count = 0;
    while (c->values[count] != NULL) count++;
    return c->values[wg_rng_below(rng, count)];
}

/* One comparison of a column of the same file as `c`. */
static void put_comparison(const column *c, wg_rng *rng, wg_buf *out) {
    static const char *const operators[] = {"=", "<>", "<", "<=", ">", ">="};
    const column *other = c;
    for (int i = 0; i < 6; i++) {
        const column *any = &columns[wg_rng_below(rng, COLUMN_COUNT)];
        if (strcmp(any->file, c->file) == 0) other = any;
    }
    const char *value = some_value(other, rng);
    switch (wg_rng_below(rng, other->text ? 10 : 8)) {
        case 0:
            assert_true(wg_buf_printf(out, "n.%s IS NULL", other->name));
            return;
        case 1:
            assert_true(wg_buf_printf(out, "n.%s IS NOT NULL", other->name));
            return;
        case 2:
            assert_true(wg_buf_printf(out, "n.%s IN [%s, %s, %s]", other->name, value, some_value(other, rng),
                                      some_value(other, rng)));
            return;
        case 3:
            assert_true(wg_buf_printf(out, "%s %s n.%s", value, operators[wg_rng_below(rng, 6)], other->name));
            return;
        case 8:
            assert_true(wg_buf_printf(out, "n.%s STARTS WITH %s", other->name, value));
            return;
        case 9:
            assert_true(wg_buf_printf(out, "n.%s ENDS WITH '1'", other->name));
            return;
        default:
            assert_true(wg_buf_printf(out, "n.%s %s %s", other->name, operators[wg_rng_below(rng, 6)], value));
    }
}

static void put_condition(const column *c, wg_rng *rng, uint32_t depth, wg_buf *out) {
    const uint64_t kind = depth == 0 ? 3 : wg_rng_below(rng, 6);
    if (kind >= 3) {
        put_comparison(c, rng, out);
        return;
    }
    assert_true(wg_buf_append_str(out, kind == 2 ? "NOT (" : "("));
    put_condition(c, rng, depth - 1, out);
    if (kind < 2) {
        assert_true(wg_buf_append_str(out, kind == 0 ? " AND " : " OR "));
        put_condition(c, rng, depth - 1, out);
    }
    assert_true(wg_buf_append_str(out, ")"));
}

static void ask(kit_db *db, const char *label, const column *c, const wg_buf *condition, wg_buf *out) {
    char text[2048];
    wg_error err = {0};
    out->size = 0;
    for (int list = 0; list < 2; list++) {
        snprintf(text, sizeof text,
                 list == 0 ? "MATCH (n:%s) WHERE %.*s RETURN count(*), count(n.%s), min(n.%s), max(n.%s)"
                           : "MATCH (n:%s) WHERE %.*s RETURN n.%s AS a, n.%s AS b, n.%s AS c ORDER BY a, b LIMIT 20",
                 label, (int)condition->size, (const char *)condition->data, c->name, c->name, c->name);
        const wg_code code = kit_try(db, text, 0, out, &err);
        if (code != WG_OK) fail_msg("%s: %s: %s", text, wg_code_name(code), err.message);
    }
}

static void labels_make(kit_db *db, const char *file) {
    char text[400];
    snprintf(text, sizeof text, "CREATE NODE LABEL V_%s VIRTUAL FROM PARTITION '" FOLDER "%s.parquet'", file, file);
    kit_do(db, text);
    snprintf(text, sizeof text, "CREATE (:W_%s)", file); /* an open label */
    kit_do(db, text);
    snprintf(text, sizeof text, "MATCH (n:W_%s) DELETE n", file);
    kit_do(db, text);
    snprintf(text, sizeof text, "COPY W_%s FROM '" FOLDER "%s.parquet'", file, file);
    kit_do(db, text);
}

/* Goal: rows in files and the same rows in the store answer every condition alike. */
static void test_conditions_on_files_are_those_on_rows(void **state) {
    (void)state;
    const uint32_t rounds = wg_test_small() ? 6 : 25;
    kit_db db;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(19));
    kit_open(&db, true);
    wg_buf condition = {0};
    wg_buf wanted = {0};
    wg_buf got = {0};
    for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
        char owned[80];
        char virtual_one[80];
        snprintf(owned, sizeof owned, "W_%s", columns[c].file);
        snprintf(virtual_one, sizeof virtual_one, "V_%s", columns[c].file);
        if (c == 0 || strcmp(columns[c].file, columns[c - 1].file) != 0) labels_make(&db, columns[c].file);
        for (uint32_t i = 0; i < rounds; i++) {
            condition.size = 0;
            put_condition(&columns[c], &rng, (uint32_t)wg_rng_below(&rng, 4), &condition);
            ask(&db, owned, &columns[c], &condition, &wanted);
            for (uint32_t way = 0; way < 2; way++) {
                kit_execution(&db, 1 + i % 3, 1, 2048, kit_isa(i % 2), way == 0 ? WG_OPTIMIZER_ON : WG_OPTIMIZER_OFF);
                ask(&db, virtual_one, &columns[c], &condition, &got);
                kit_expect_same(&got, &wanted, "%s, way %u: %.*s", virtual_one, way, (int)condition.size,
                                (const char *)condition.data);
            }
            kit_execution(&db, 1, 1, 2048, kit_isa(0), WG_OPTIMIZER_ON);
        }
    }
    wg_buf_deinit(&condition);
    wg_buf_deinit(&wanted);
    wg_buf_deinit(&got);
    kit_remove(&db);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_conditions_on_files_are_those_on_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
