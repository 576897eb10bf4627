/* Every typed kernel against the row function of the same operator, on random vectors of every kind, length and selection. */
#include "base/core/test_seed.h"
#include "exec/test_engine.h"

static wg_rng rng;

static const char *const words[] = {"", "a", "ab", "abc", "b", "ba", "abcabc", "zebra", "a\xc3\xa9"};

static wg_value random_value(wg_type type) {
    static const int64_t ints[] = {0, 1, -1, 2, 7, INT64_MAX, INT64_MIN, INT64_C(1) << 53, (INT64_C(1) << 53) + 1};
    static const double floats[] = {0.0, -0.0, 1.0, 1.5, -7.25, 9007199254740992.0, 9.3e18, -9.3e18, 1e300};
    if (wg_rng_below(&rng, 8) == 0) return wg_value_null();
    if (type == WG_TYPE_ANY) {
        static const wg_type kinds[] = {WG_TYPE_INT, WG_TYPE_FLOAT, WG_TYPE_STRING, WG_TYPE_BOOL};
        type = kinds[wg_rng_below(&rng, 4)];
    }
    const uint64_t pick = wg_rng_below(&rng, 9);
    wg_value v = wg_value_null();
    if (type == WG_TYPE_INT)
        return wg_value_int(wg_rng_below(&rng, 3) != 0 ? (int64_t)wg_rng_below(&rng, 40) - 20 : ints[pick]);
    if (type == WG_TYPE_FLOAT && wg_rng_below(&rng, 20) == 0)
        return wg_value_float(wg_f64_of_bits(UINT64_C(0x7ff8000000000000)));
    if (type == WG_TYPE_FLOAT)
        return wg_value_float(wg_rng_below(&rng, 3) != 0 ? (double)wg_rng_below(&rng, 20) / 4 : floats[pick]);
    if (type == WG_TYPE_STRING) return wg_value_str(wg_slice_str(words[pick]));
    if (type == WG_TYPE_BOOL) return wg_value_bool(pick % 2 == 0);
    v.type = (uint8_t)type;
    v.as.i = (int64_t)pick;
    return v;
}

/* A vector of n rows of some kind, `shift` cells into its buffer. */
static wg_vector random_vector(wg_arena *arena, wg_type type, uint32_t n, uint32_t kind, uint32_t shift) {
    wgi_builder b;
    if (kind == WG_VECTOR_CONST) {
        wg_vector v;
        const wg_value value = random_value(type);
        assert_true(wgi_vector_const(arena, &value, &v));
        return v;
    }
    assert_true(wgi_builder_init(&b, arena, type, n + shift));
    for (uint32_t i = 0; i < n + shift; i++) {
        const wg_value value = random_value(type);
        assert_int_equal(wgi_builder_set(&b, i, &value, 0, NULL), WG_OK);
    }
    if (kind == WG_VECTOR_DICT) {
        uint32_t *rows = wg_arena_alloc(arena, n * sizeof *rows + 1);
        wg_vector out;
        for (uint32_t i = 0; i < n; i++) rows[i] = (uint32_t)wg_rng_below(&rng, n + shift);
        assert_true(wgi_vector_gather(arena, &b.vector, rows, n, &out));
        return out;
    }
    if (b.vector.valid != NULL) {
        uint8_t *valid = wg_arena_alloc_zero(arena, wg_bit_bytes(n) + 8);
        for (uint32_t i = 0; i < n; i++)
            if (wg_bit_get(b.valid, i + shift)) wg_bit_set(valid, i);
        b.vector.valid = valid;
    }
    b.vector.data = b.data + shift * wg_physical_bytes(wg_type_physical(type));
    return b.vector;
}

static void check_row(wgi_call *c, const wg_vector *args, uint32_t n_args, uint32_t row, const wg_vector *got) {
    wg_value values[2];
    bool has_null = false;
    for (uint32_t k = 0; k < n_args; k++) {
        values[k] = wg_vector_value(&args[k], row);
        has_null |= values[k].type == WG_TYPE_NULL;
    }
    wg_value want = wg_value_null();
    wg_error err = {0};
    if (!(has_null && c->function->strict)) assert_int_equal(c->function->row(c, values, n_args, &want, &err), WG_OK);
    const wg_value have = wg_vector_value(got, row);
    if (want.type == have.type && wg_value_equivalent(&want, &have)) return;
    fail_msg("%s row %u: types %s %s want %s have %s", c->function->name, row, wg_type_name((wg_type)values[0].type),
             wg_type_name((wg_type)values[1].type), wg_type_name((wg_type)want.type),
             wg_type_name((wg_type)have.type));
}

/* One comparison of kernel and row function over a batch. A kernel error must be one that some selected row gives. */
static bool check_kernel(const wg_function *f, const wg_vector *args, uint32_t n_args, const wg_batch *batch) {
    wg_exec_context context = context_with(1, 16);
    wgi_eval eval = {.context = &context};
    wgi_call c = {.eval = &eval, .function = f, .offset = 3};
    wg_vector out;
    bool done = false;
    wg_error err = {0};
    context.kernels = wg_kernels_of((wg_isa)wg_rng_below(&rng, WG_ISA_COUNT)); /* NULL: the best */
    wg_arena_init(&eval.arena, NULL);
    const wg_code code = f->vector(&c, args, batch, &out, &done, &err);
    bool row_fails = false;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        wg_value values[2];
        bool has_null = false;
        for (uint32_t k = 0; k < n_args; k++) {
            values[k] = wg_vector_value(&args[k], row);
            has_null |= values[k].type == WG_TYPE_NULL;
        }
        wg_value want;
        wg_error row_err = {0};
        if (!(has_null && f->strict)) row_fails |= f->row(&c, values, n_args, &want, &row_err) != WG_OK;
    }
    if (done || code != WG_OK) assert_int_equal(code != WG_OK, row_fails);
    if (code == WG_OK && done)
        for (uint32_t i = 0; i < batch->row_count; i++) check_row(&c, args, n_args, wg_batch_row(batch, i), &out);
    wgi_eval_deinit(&eval);
    return done;
}

/* Goal: kernel and row function agree for every operator, type pair, vector kind, length 0..130, alignment, selection and
 * variant of the instructions. */
static void test_kernels_equal_row_functions(void **state) {
    (void)state;
    static const char *const names[] = {"=",   "<>",          "<",         "<=",       ">",       ">=",         "+",
                                        "-",   "*",           "/",         "%",        "AND",     "OR",         "XOR",
                                        "NOT", "STARTS WITH", "ENDS WITH", "CONTAINS", "IS NULL", "IS NOT NULL"};
    static const wg_type types[] = {WG_TYPE_INT,  WG_TYPE_FLOAT, WG_TYPE_STRING, WG_TYPE_BOOL,
                                    WG_TYPE_DATE, WG_TYPE_NODE,  WG_TYPE_ANY};
    wg_rng_init(&rng, wg_test_seed(20));
    uint64_t done = 0;
    for (uint32_t n = 1; n <= 130; n++)
        for (uint32_t f = 0; f < 20; f++)
            for (uint32_t trial = 0; trial < 12; trial++) {
                const uint32_t n_args = f == 14 || f >= 18 ? 1 : 2;
                const wg_function *function = wg_function_find(wg_slice_str(names[f]), n_args);
                wg_arena arena;
                wg_arena_init(&arena, NULL);
                wg_vector args[2] = {{0}};
                const wg_type a = types[wg_rng_below(&rng, 7)];
                const wg_type b = wg_rng_below(&rng, 2) == 0 ? a : types[wg_rng_below(&rng, 7)];
                const bool logic = f >= 11 && f <= 14;
                args[0] = random_vector(&arena, logic ? WG_TYPE_BOOL : a, n, (uint32_t)wg_rng_below(&rng, 3),
                                        (uint32_t)wg_rng_below(&rng, 9));
                args[1] = random_vector(&arena, logic ? WG_TYPE_BOOL : b, n, (uint32_t)wg_rng_below(&rng, 3),
                                        (uint32_t)wg_rng_below(&rng, 9));
                uint16_t sel[130];
                wg_batch batch = {.row_count = n};
                if (trial % 2 == 1) {
                    uint32_t count = 0;
                    for (uint32_t i = 0; i < n; i++)
                        if (wg_rng_below(&rng, 2) == 0) sel[count++] = (uint16_t)i;
                    if (count == 0) sel[count++] = 0;
                    batch = (wg_batch){.row_count = count, .sel = sel};
                }
                bool constant = true; /* such calls run once, by the row function */
                for (uint32_t k = 0; k < n_args; k++) constant &= args[k].kind == WG_VECTOR_CONST;
                if (!constant && check_kernel(function, args, n_args, &batch)) done++;
                wg_arena_deinit(&arena);
            }
    assert_true(done > 10000); /* the typed paths were really taken */
}

static wg_value eval_constant(wg_expr *e, wg_error *err) {
    const wg_exec_context context = context_with(1, 16);
    wg_value v = wg_value_null();
    if (wg_exec_constant(e, &context, &build_arena, &v, err) != WG_OK) v.type = UINT8_MAX;
    return v;
}

typedef struct function_case {
    wg_expr *e;
    const char *json;
} function_case;

static void check_cases(const function_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        wg_error err = {0};
        const wg_value v = eval_constant(cases[i].e, &err);
        if (v.type == UINT8_MAX) fail_msg("case %u: %s", (unsigned)i, err.message);
        wg_buf json;
        wg_buf_init(&json, NULL);
        assert_true(wg_value_print_json(&json, &v));
        assert_true(wg_buf_append_u8(&json, 0));
        if (strcmp((const char *)json.data, cases[i].json) != 0)
            fail_msg("case %u: %s instead of %s", (unsigned)i, (const char *)json.data, cases[i].json);
        wg_buf_deinit(&json);
    }
}

/* Goal: operators and list functions give the openCypher result; the table is their documentation. */
static void test_operators_and_lists_give_documented_results(void **state) {
    (void)state;
    wg_expr *list = call("range", integer(1), integer(4));
    const function_case cases[] = {
        {call("+", text("a"), text("bc")), "\"abc\""},
        {call("+", text("a"), integer(-7)), "\"a-7\""},
        {call("+", real(0.5), text("b")), "\"0.5b\""},
        {call("+", text("a"), null_expr()), "null"},
        {call("+", list, integer(9)), "[1,2,3,4,9]"},
        {call("+", integer(0), list), "[0,1,2,3,4]"},
        {call("+", list, list), "[1,2,3,4,1,2,3,4]"},
        {call("+", integer(1), null_expr()), "null"},
        {call("/", integer(-7), integer(2)), "-3"},
        {call("%", integer(-7), integer(2)), "-1"},
        {call("%", integer(INT64_MIN), integer(-1)), "0"},
        {call("/", real(1), integer(0)), "\"Infinity\""},
        {call("^", integer(2), integer(10)), "1024.0"},
        {call("=", integer(1), real(1)), "true"},
        {call("=", integer((INT64_C(1) << 53) + 1), real(9007199254740992.0)), "false"},
        {call("<", integer(1), null_expr()), "null"},
        {call("AND", value(wg_value_bool(false)), null_expr()), "false"},
        {call("OR", value(wg_value_bool(true)), null_expr()), "true"},
        {call("XOR", value(wg_value_bool(true)), null_expr()), "null"},
        {call("NOT", null_expr()), "null"},
        {call("IN", integer(3), list), "true"},
        {call("IN", integer(9), list), "false"},
        {call("IN", null_expr(), list), "null"},
        {call("IN", null_expr(), call("range", integer(1), integer(0))), "false"},
        {call("[]", list, integer(-1)), "4"},
        {call("[]", list, integer(7)), "null"},
        {call("[..]", list, integer(1), integer(-1)), "[2,3]"},
        {call("[..]", list, integer(0), integer(INT64_MAX)), "[1,2,3,4]"},
        {call("coalesce", null_expr(), integer(2), integer(3)), "2"},
        {call("size", text("h\xc3\xa9llo")), "5"},
        {call("size", list), "4"},
        {call("head", list), "1"},
        {call("last", list), "4"},
        {call("tail", list), "[2,3,4]"},
        {call("reverse", list), "[4,3,2,1]"},
        {call("reverse", text("h\xc3\xa9!")), "\"!\xc3\xa9h\""},
        {call("range", integer(10), integer(1), integer(-4)), "[10,6,2]"},
    };
    check_cases(cases, sizeof cases / sizeof cases[0]);
}

/* Goal: conversions, string and number functions give the openCypher result; the table is their documentation. */
static void test_conversions_strings_and_numbers_give_documented_results(void **state) {
    (void)state;
    const function_case cases[] = {
        {call("toInteger", text("42")), "42"},
        {call("toInteger", text("-1.9")), "-1"},
        {call("toInteger", text("x")), "null"},
        {call("toInteger", real(1e3)), "1000"},
        {call("toFloat", text("1e2")), "100.0"},
        {call("toFloat", text("no")), "null"},
        {call("toString", real(0.5)), "\"0.5\""},
        {call("toString", call("date", text("2001-01-31"))), "\"2001-01-31\""},
        {call("toString", call("localdatetime", text("2001-01-31T12:34:56"))), "\"2001-01-31T12:34:56\""},
        {call("toBoolean", text("TRUE")), "true"},
        {call("toBoolean", text("2")), "null"},
        {call("toUpper", text("a\xc3\xa9\xd1\x8f")), "\"A\xc3\x89\xd0\xaf\""},
        {call("toLower", text("A\xc3\x89\xd0\xaf")), "\"a\xc3\xa9\xd1\x8f\""},
        {call("trim", text(" \t a b \n")), "\"a b\""},
        {call("ltrim", text("  a ")), "\"a \""},
        {call("rtrim", text(" a  ")), "\" a\""},
        {call("substring", text("h\xc3\xa9llo"), integer(1), integer(2)), "\"\xc3\xa9l\""},
        {call("substring", text("hello"), integer(9)), "\"\""},
        {call("left", text("h\xc3\xa9llo"), integer(2)), "\"h\xc3\xa9\""},
        {call("right", text("h\xc3\xa9llo"), integer(4)), "\"\xc3\xa9llo\""},
        {call("replace", text("abab"), text("ab"), text("c")), "\"cc\""},
        {call("replace", text("abab"), text(""), text("c")), "\"abab\""},
        {call("split", text("a,b,,c"), text(",")), "[\"a\",\"b\",\"\",\"c\"]"},
        {call("split", text("ab"), text("")), "[\"a\",\"b\"]"},
        {call("split", text(""), text(",")), "[\"\"]"},
        {call("abs", integer(-3)), "3"},
        {call("sign", real(-0.5)), "-1"},
        {call("round", real(-1.5)), "-1.0"},
        {call("round", real(0.49999999999999994)), "0.0"},
        {call("ceil", real(1.2)), "2.0"},
        {call("floor", real(-1.2)), "-2.0"},
        {call("sqrt", integer(9)), "3.0"},
        {call("atan2", integer(0), integer(1)), "0.0"},
        {call("neg", integer(5)), "-5"},
        {call("STARTS WITH", text("abc"), text("ab")), "true"},
        {call("ENDS WITH", text("abc"), text("bc")), "true"},
        {call("CONTAINS", text("abc"), text("")), "true"},
        {call("IS NULL", null_expr()), "true"},
        {call("IS NOT NULL", null_expr()), "false"},
    };
    check_cases(cases, sizeof cases / sizeof cases[0]);
}

/* Goal: what cannot be computed is an error with its place, never a wrong value. */
static void test_run_time_errors_have_code_and_place(void **state) {
    (void)state;
    wg_value any = wg_value_bool(true);
    wg_expr *bool_any = value(any);
    bool_any->type = WG_TYPE_ANY;
    const struct {
        wg_expr *e;
        wg_code code;
    } cases[] = {
        {call_at(5, "+", 2, (wg_expr *[]){integer(INT64_MAX), integer(1)}), WG_E_VALUE},
        {call_at(5, "/", 2, (wg_expr *[]){integer(1), integer(0)}), WG_E_VALUE},
        {call_at(5, "%", 2, (wg_expr *[]){integer(1), integer(0)}), WG_E_VALUE},
        {call_at(5, "/", 2, (wg_expr *[]){integer(INT64_MIN), integer(-1)}), WG_E_VALUE},
        {call_at(5, "neg", 1, (wg_expr *[]){integer(INT64_MIN)}), WG_E_VALUE},
        {call_at(5, "abs", 1, (wg_expr *[]){integer(INT64_MIN)}), WG_E_VALUE},
        {call_at(5, "range", 3, (wg_expr *[]){integer(1), integer(2), integer(0)}), WG_E_VALUE},
        {call_at(5, "range", 2, (wg_expr *[]){integer(INT64_MIN), integer(INT64_MAX)}), WG_E_LIMIT},
        {call_at(5, "toInteger", 1, (wg_expr *[]){real(1e30)}), WG_E_VALUE},
        {call_at(5, "date", 1, (wg_expr *[]){text("2001-02-30")}), WG_E_VALUE},
        {call_at(5, "substring", 2, (wg_expr *[]){text("a"), integer(-1)}), WG_E_VALUE},
        {call_at(5, "-", 2, (wg_expr *[]){bool_any, integer(1)}), WG_E_TYPE},
        {call_at(5, "toUpper", 1, (wg_expr *[]){bool_any}), WG_E_TYPE},
        {call_at(5, "AND", 2, (wg_expr *[]){bool_any, bool_any}), WG_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wg_error err = {0};
        eval_constant(cases[i].e, &err);
        assert_int_equal(err.code, cases[i].code);
        if (err.code != WG_OK) assert_int_equal(err.offset, 5);
    }
}

/* Goal: types that can never work are refused before anything runs, and the message names them. */
static void test_static_types_are_checked(void **state) {
    (void)state;
    const wg_type bad[] = {WG_TYPE_INT, WG_TYPE_STRING};
    const wg_type numbers[] = {WG_TYPE_INT, WG_TYPE_FLOAT};
    const wg_type open[] = {WG_TYPE_ANY, WG_TYPE_STRING};
    const char *const compares[] = {"=", "<>", "<", ">="};
    wg_type type;
    for (int i = 0; i < 4; i++) {
        const wg_function *f = wg_function_find(wg_slice_str(compares[i]), 2);
        wg_error err = {0};
        assert_int_equal(wg_function_type(f, bad, 2, &type, &err), WG_E_TYPE);
        assert_non_null(strstr(err.message, "INT"));
        assert_non_null(strstr(err.message, "STRING"));
        assert_int_equal(wg_function_type(f, numbers, 2, &type, NULL), WG_OK);
        assert_int_equal(type, WG_TYPE_BOOL);
        assert_int_equal(wg_function_type(f, open, 2, &type, NULL), WG_OK);
    }
    const wg_function *plus = wg_function_find(wg_slice_str("+"), 2);
    assert_int_equal(wg_function_type(plus, bad, 2, &type, NULL), WG_OK); /* text and a number: joined */
    assert_int_equal(type, WG_TYPE_STRING);
    assert_int_equal(wg_function_type(wg_function_find(wg_slice_str("-"), 2), bad, 2, &type, NULL), WG_E_TYPE);
    assert_int_equal(wg_function_type(plus, numbers, 2, &type, NULL), WG_OK);
    assert_int_equal(type, WG_TYPE_FLOAT);
    assert_null(wg_function_find(wg_slice_str("toUpper"), 2));
    assert_non_null(wg_function_find(wg_slice_str("TOUPPER"), 1));
    uint32_t min;
    uint32_t max;
    assert_true(wg_function_arity(wg_slice_str("substring"), &min, &max));
    assert_int_equal(min, 2);
    assert_int_equal(max, 3);
    assert_false(wg_function_arity(wg_slice_str("nothing"), &min, &max));
    assert_string_equal(wg_function_suggest(wg_slice_str("toUpperr")), "toUpper");
    assert_null(wg_function_suggest(wg_slice_str("somethingelse")));
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, exec_test_setup, exec_test_teardown)
    const struct CMUnitTest tests[] = {
        T(test_kernels_equal_row_functions),
        T(test_operators_and_lists_give_documented_results),
        T(test_conversions_strings_and_numbers_give_documented_results),
        T(test_run_time_errors_have_code_and_place),
        T(test_static_types_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
