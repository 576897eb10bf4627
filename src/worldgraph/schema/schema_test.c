/* Tests of label definitions: rules, bytes, type names, coercion. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "worldgraph/schema/schema.h"

static const wg_column_def player_columns[] = {
    {.name = "name", .type = WG_TYPE_STRING, .not_null = true},
    {.name = "level", .type = WG_TYPE_INT, .int_bits = 16, .int_unsigned = true},
    {.name = "born", .type = WG_TYPE_DATE},
    {.name = "größe", .type = WG_TYPE_FLOAT},
};
static const wg_column_def frame_columns[] = {
    {.name = "date", .type = WG_TYPE_DATE, .source = WG_COLUMN_PARTITION},
    {.name = "ts", .type = WG_TYPE_LOCAL_DATETIME},
};

static wg_label_def player_def(void) {
    wg_label_def d = {.name = "Player", .kind = WG_LABEL_OWNED, .column_count = 4, .columns = player_columns};
    d.key_count = 2;
    d.key_columns[0] = 1;
    d.key_columns[1] = 0;
    return d;
}
static wg_label_def frame_def(void) {
    return (wg_label_def){.name = "Frame",
                          .kind = WG_LABEL_VIRTUAL,
                          .column_count = 2,
                          .columns = frame_columns,
                          .pattern = "/data/{date}/{game}.parquet"};
}
static wg_label_def seen_def(void) {
    return (wg_label_def){.name = "SEEN_IN",
                          .is_edge = true,
                          .kind = WG_LABEL_OWNED,
                          .column_count = 1,
                          .columns = &player_columns[3],
                          .from_label = "Player",
                          .to_label = "Frame"};
}

/* Goal: every kind of definition survives encoding, byte for byte, and a deep copy encodes the same. */
static void test_label_def_round_trips_through_its_bytes(void **state) {
    (void)state;
    const wg_label_def defs[] = {
        player_def(), frame_def(), seen_def(), {.name = "Open"}, {.name = "REL", .is_edge = true}};
    for (size_t i = 0; i < sizeof defs / sizeof defs[0]; i++) {
        wg_arena arena;
        wg_arena_init(&arena, NULL);
        wg_buf bytes = {0};
        wg_buf again = {0};
        wg_label_def copy;
        wg_label_def decoded;
        assert_int_equal(wg_label_def_check(&defs[i], NULL), WG_OK);
        assert_true(wg_label_def_encode(&bytes, &defs[i]));
        wg_slice rest = wg_buf_slice(&bytes);
        assert_int_equal(wg_label_def_decode(&rest, &arena, &decoded, NULL), WG_OK);
        assert_int_equal(rest.size, 0);
        assert_string_equal(decoded.name, defs[i].name);
        assert_int_equal(decoded.kind, defs[i].kind);
        assert_int_equal(decoded.column_count, defs[i].column_count);
        for (uint32_t c = 0; c < decoded.column_count; c++) {
            assert_string_equal(decoded.columns[c].name, defs[i].columns[c].name);
            assert_int_equal(decoded.columns[c].type, defs[i].columns[c].type);
            assert_int_equal(decoded.columns[c].not_null, defs[i].columns[c].not_null);
            assert_int_equal(decoded.columns[c].int_unsigned, defs[i].columns[c].int_unsigned);
        }
        assert_true(wg_label_def_copy(&arena, &decoded, &copy));
        assert_true(wg_label_def_encode(&again, &copy));
        assert_true(wg_slice_equal(wg_buf_slice(&bytes), wg_buf_slice(&again)));
        wg_buf_deinit(&bytes);
        wg_buf_deinit(&again);
        wg_arena_deinit(&arena);
    }
}

/* Goal: no prefix of a definition decodes, and no changed byte gives a definition with other bytes than its own. */
static void test_label_def_decode_refuses_cut_and_changed_bytes(void **state) {
    (void)state;
    const wg_label_def defs[] = {player_def(), frame_def(), seen_def()};
    for (size_t i = 0; i < 3; i++) {
        wg_buf bytes = {0};
        assert_true(wg_label_def_encode(&bytes, &defs[i]));
        for (size_t cut = 0; cut < bytes.size; cut++) {
            wg_arena arena;
            wg_arena_init(&arena, NULL);
            wg_slice rest = wg_slice_of(bytes.data, cut);
            wg_label_def out;
            assert_int_equal(wg_label_def_decode(&rest, &arena, &out, NULL), WG_E_CORRUPT);
            assert_int_equal(rest.size, cut);
            wg_arena_deinit(&arena);
        }
        for (size_t bit = 0; bit < bytes.size * 8; bit++) {
            wg_arena arena;
            wg_arena_init(&arena, NULL);
            bytes.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            wg_slice rest = wg_buf_slice(&bytes);
            wg_label_def out;
            if (wg_label_def_decode(&rest, &arena, &out, NULL) == WG_OK) {
                wg_buf again = {0};
                assert_true(wg_label_def_encode(&again, &out));
                assert_true(wg_slice_equal(wg_buf_slice(&again), wg_slice_of(bytes.data, bytes.size - rest.size)));
                wg_buf_deinit(&again);
            }
            bytes.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            wg_arena_deinit(&arena);
        }
        wg_buf_deinit(&bytes);
    }
}

/* Goal: a count that promises more columns than there are bytes is refused before memory is taken for it. */
static void test_label_def_decode_does_not_trust_counts(void **state) {
    (void)state;
    const uint8_t bytes[] = {1, 2, 1, 'A', 0x80, 0x20, 0};
    wg_account account;
    wg_account_init(&account, NULL, 0);
    wg_arena arena;
    wg_arena_init(&arena, &account);
    wg_slice rest = wg_slice_of(bytes, sizeof bytes);
    wg_label_def out;
    assert_int_equal(wg_label_def_decode(&rest, &arena, &out, NULL), WG_E_CORRUPT);
    assert_true(wg_account_peak(&account) < 10000);
    wg_arena_deinit(&arena);
}

/* Goal: a newer format is told apart from damage. */
static void test_label_def_decode_names_an_unknown_format(void **state) {
    (void)state;
    const uint8_t bytes[] = {2, 0, 1, 'A', 0, 0};
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_slice rest = wg_slice_of(bytes, sizeof bytes);
    wg_label_def out;
    assert_int_equal(wg_label_def_decode(&rest, &arena, &out, NULL), WG_E_VERSION);
    wg_arena_deinit(&arena);
}

/* Goal: each rule of a definition is enforced with its own code. */
static void test_label_def_check_enforces_every_rule(void **state) {
    (void)state;
    wg_label_def d = player_def();
    d.name = "";
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_BIND);
    d.name = "\xff";
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_BIND);
    char name[WG_NAME_BYTES_MAX + 2];
    memset(name, 'x', sizeof name);
    name[WG_NAME_BYTES_MAX + 1] = '\0';
    d.name = name;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_LIMIT);
    name[WG_NAME_BYTES_MAX] = '\0';
    assert_int_equal(wg_label_def_check(&d, NULL), WG_OK);
    d = player_def();
    d.key_columns[1] = 4;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_BIND);
    d.key_columns[1] = 1;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_BIND);
    d.key_count = WG_KEY_COLUMNS_MAX + 1;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_LIMIT);
    d = player_def();
    d.from_label = "X";
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_BIND);
    d = player_def();
    d.pattern = "/x";
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_BIND);
    d = player_def();
    d.kind = WG_LABEL_OPEN;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_BIND);
    d = frame_def();
    d.pattern = NULL;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_BIND);
    d = frame_def();
    d.is_edge = true;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_BIND);
    d = frame_def();
    d.kind = WG_LABEL_OWNED;
    d.pattern = NULL;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_BIND); /* path column in an owned label */
    d = seen_def();
    d.key_count = 1;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_BIND);
    const wg_column_def twice[] = {{.name = "a", .type = WG_TYPE_INT}, {.name = "a", .type = WG_TYPE_BOOL}};
    d = player_def();
    d.key_count = 0;
    d.column_count = 2;
    d.columns = twice;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_BIND);
    const wg_column_def list = {.name = "a", .type = WG_TYPE_LIST};
    d.column_count = 1;
    d.columns = &list;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_TYPE);
    const wg_column_def odd = {.name = "a", .type = WG_TYPE_INT, .int_bits = 24};
    d.columns = &odd;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_TYPE);
}

/* Goal: the most columns that are allowed pass, one more does not. */
static void test_label_def_column_limit_is_exact(void **state) {
    (void)state;
    static char names[WG_LABEL_COLUMNS_MAX + 1][8];
    static wg_column_def columns[WG_LABEL_COLUMNS_MAX + 1];
    for (uint32_t i = 0; i <= WG_LABEL_COLUMNS_MAX; i++) {
        for (uint32_t d = 0; d < 4; d++) names[i][d] = (char)('a' + ((i >> (4 * d)) & 15));
        columns[i] = (wg_column_def){.name = names[i], .type = WG_TYPE_BOOL};
    }
    wg_label_def d = {
        .name = "Wide", .kind = WG_LABEL_OWNED, .column_count = WG_LABEL_COLUMNS_MAX, .columns = columns};
    assert_int_equal(wg_label_def_check(&d, NULL), WG_OK);
    assert_int_equal(wg_label_def_column(&d, wg_slice_str(names[4000])), 4000);
    assert_int_equal(wg_label_def_column(&d, wg_slice_str("nothing")), UINT32_MAX);
    d.column_count++;
    assert_int_equal(wg_label_def_check(&d, NULL), WG_E_LIMIT);
}

/* Goal: type names are found whatever their case and spacing, and nothing else is. */
static void test_column_type_names_are_parsed(void **state) {
    (void)state;
    wg_column_def c = {0};
    assert_true(wg_column_type_parse(wg_slice_str("uint8"), &c));
    assert_true(c.type == WG_TYPE_INT && c.int_bits == 8 && c.int_unsigned);
    assert_true(wg_column_type_parse(wg_slice_str("Integer"), &c));
    assert_true(c.type == WG_TYPE_INT && c.int_bits == 64 && !c.int_unsigned);
    assert_true(wg_column_type_parse(wg_slice_str("local \t DateTime"), &c));
    assert_int_equal(c.type, WG_TYPE_LOCAL_DATETIME);
    assert_true(wg_column_type_parse(wg_slice_str("double"), &c));
    assert_int_equal(c.type, WG_TYPE_FLOAT);
    assert_false(wg_column_type_parse(wg_slice_str(""), &c));
    assert_false(wg_column_type_parse(wg_slice_str("INT128"), &c));
    assert_false(wg_column_type_parse(wg_slice_str("a name that is longer than all names of types"), &c));
    assert_false(wg_column_type_parse(wg_slice_of("INT\0", 4), &c));
}

/* Goal: values fit exactly as declared: widths, widening, NULL, timestamps, references. */
static void test_coerce_fits_values_to_columns(void **state) {
    (void)state;
    const wg_column_def u16 = {.name = "n", .type = WG_TYPE_INT, .int_bits = 16, .int_unsigned = true};
    const wg_column_def i8 = {.name = "n", .type = WG_TYPE_INT, .int_bits = 8};
    const wg_column_def u64 = {.name = "n", .type = WG_TYPE_INT, .int_bits = 64, .int_unsigned = true};
    const wg_column_def f = {.name = "f", .type = WG_TYPE_FLOAT, .not_null = true};
    const wg_column_def ts = {.name = "t", .type = WG_TYPE_LOCAL_DATETIME};
    const wg_column_def any = {.name = "a", .type = WG_TYPE_ANY};
    wg_value v = wg_value_int(65535);
    assert_int_equal(wg_column_def_coerce(&u16, &v, NULL), WG_OK);
    v = wg_value_int(65536);
    assert_int_equal(wg_column_def_coerce(&u16, &v, NULL), WG_E_VALUE);
    v = wg_value_int(-1);
    assert_int_equal(wg_column_def_coerce(&u16, &v, NULL), WG_E_VALUE);
    assert_int_equal(wg_column_def_coerce(&u64, &v, NULL), WG_E_VALUE);
    v = wg_value_int(-128);
    assert_int_equal(wg_column_def_coerce(&i8, &v, NULL), WG_OK);
    v = wg_value_int(128);
    assert_int_equal(wg_column_def_coerce(&i8, &v, NULL), WG_E_VALUE);
    assert_int_equal(wg_column_def_coerce(&f, &v, NULL), WG_OK);
    assert_true(v.type == WG_TYPE_FLOAT && v.as.f == 128.0);
    assert_int_equal(wg_column_def_coerce(&i8, &v, NULL), WG_E_TYPE);
    v = wg_value_null();
    assert_int_equal(wg_column_def_coerce(&f, &v, NULL), WG_E_CONSTRAINT);
    assert_int_equal(wg_column_def_coerce(&i8, &v, NULL), WG_OK);
    v = wg_value_str(wg_slice_str("2001-01-01T00:00:00"));
    assert_int_equal(wg_column_def_coerce(&ts, &v, NULL), WG_E_TYPE);
    v = (wg_value){.type = WG_TYPE_LOCAL_DATETIME, .size = 1000};
    assert_int_equal(wg_column_def_coerce(&ts, &v, NULL), WG_OK);
    v.size = 1;
    assert_int_equal(wg_column_def_coerce(&ts, &v, NULL), WG_E_VALUE);
    v.size = 0;
    v.as.i = INT64_MAX / 1000;
    assert_int_equal(wg_column_def_coerce(&ts, &v, NULL), WG_E_VALUE);
    const wg_value node = {.type = WG_TYPE_NODE};
    v = (wg_value){.type = WG_TYPE_LIST, .size = 1};
    v.as.list = &node;
    assert_int_equal(wg_column_def_coerce(&any, &v, NULL), WG_E_TYPE);
    const wg_value one = wg_value_int(1);
    v.as.list = &one;
    assert_int_equal(wg_column_def_coerce(&any, &v, NULL), WG_OK);
}

/* Goal: each refused allocation of encode, decode and copy fails cleanly. */
static void test_label_def_survives_refused_allocations(void **state) {
    (void)state;
    const wg_label_def def = player_def();
    wg_buf bytes = {0};
    assert_true(wg_label_def_encode(&bytes, &def));
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        wg_account account;
        wg_account_init(&account, NULL, 0);
        wg_arena arena;
        wg_arena_init(&arena, &account);
        wg_buf out = {.account = &account};
        wg_slice rest = wg_buf_slice(&bytes);
        wg_label_def decoded;
        wg_label_def copy;
        wg_memory_fail_at(n, true);
        const bool encoded = wg_label_def_encode(&out, &def);
        const wg_code code = wg_label_def_decode(&rest, &arena, &decoded, NULL);
        done = encoded && code == WG_OK && wg_label_def_copy(&arena, &decoded, &copy);
        wg_memory_fail_at(0, false);
        assert_true(code == WG_OK || code == WG_E_NOMEM);
        assert_true(encoded || out.size == 0);
        wg_buf_deinit(&out);
        wg_arena_deinit(&arena);
        assert_int_equal(wg_account_bytes(&account), 0);
    }
    wg_buf_deinit(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_label_def_round_trips_through_its_bytes),
        cmocka_unit_test(test_label_def_decode_refuses_cut_and_changed_bytes),
        cmocka_unit_test(test_label_def_decode_does_not_trust_counts),
        cmocka_unit_test(test_label_def_decode_names_an_unknown_format),
        cmocka_unit_test(test_label_def_check_enforces_every_rule),
        cmocka_unit_test(test_label_def_column_limit_is_exact),
        cmocka_unit_test(test_column_type_names_are_parsed),
        cmocka_unit_test(test_coerce_fits_values_to_columns),
        cmocka_unit_test(test_label_def_survives_refused_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
