/* Tests of the CSV reader and writer. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/core/test_seed.h"
#include "format/csv/csv.h"

/* Reads all of `text` in pieces and writes the records as "[a|b]" into `out`, null as NULL. */
static wg_code read_all(wg_slice text, const wg_csv_options *options, size_t piece, wg_buf *out, wg_error *err) {
    wg_csv_reader *reader = NULL;
    wg_code code = wg_csv_reader_create(options, NULL, &reader, err);
    bool ended = false;
    while (code == WG_OK) {
        wg_csv_record record;
        wg_slice chunk;
        bool found = false;
        code = wg_csv_next(reader, &record, &found, err);
        if (code != WG_OK) break;
        if (found) {
            for (uint32_t i = 0; i < record.field_count; i++) {
                wg_buf_append_u8(out, i == 0 ? '[' : '|');
                if (record.fields[i].is_null) wg_buf_append_str(out, "NULL");
                else wg_buf_append(out, record.fields[i].text.data, record.fields[i].text.size);
            }
            wg_buf_append_u8(out, ']');
        } else if (wg_slice_take(&text, wg_min_size(piece, text.size), &chunk) && chunk.size != 0) {
            code = wg_csv_feed(reader, chunk, err);
        } else if (!ended) {
            ended = true;
            code = wg_csv_end(reader, err);
        } else {
            break;
        }
    }
    wg_csv_reader_destroy(reader);
    wg_buf_append_u8(out, 0);
    return code;
}

static void check(const wg_csv_options *options, const char *text, const char *expected) {
    for (size_t piece = 1; piece < 12; piece++) {
        wg_buf out;
        wg_error err = {0};
        wg_buf_init(&out, NULL);
        assert_int_equal(read_all(wg_slice_str(text), options, piece, &out, &err), WG_OK);
        assert_string_equal((const char *)out.data, expected);
        wg_buf_deinit(&out);
    }
}

static void test_records_read_the_same_in_any_pieces(void **state) {
    /* Goal: quotes, doubled quotes, breaks in fields, all line ends, nulls and the byte order mark, cut anywhere. */
    (void)state;
    const wg_csv_options plain = {0};
    check(&plain, "a,b\n1,2\n", "[a|b][1|2]");
    check(&plain, "a,b\r\n1,2", "[a|b][1|2]");
    check(&plain, "a,b\r1,2\r", "[a|b][1|2]");
    check(&plain, "\"x \"\"y\"\"\",\"line\r\nbreak,\"\n,\"\"\n", "[x \"y\"|line\r\nbreak,][NULL|]");
    check(&plain,
          "\xef\xbb\xbf"
          "a,b\n",
          "[a|b]");
    check(&plain, "\xef\xbb\xbf\"a\",b\n", "[a|b]");
    check(&plain, "a,\n,b\n,", "[a|NULL][NULL|b][NULL|NULL]");
    check(&plain, "\n\na,b\n\n\r\n1,2\n\n", "[a|b][1|2]");
    check(&plain, "", "");
    check(&plain, "\xef\xbb\xbf", "");
    check(&plain, "\xef\xac\x81,b", "[\xef\xac\x81|b]"); /* begins like a byte order mark */
}

static void test_options_choose_delimiter_and_null(void **state) {
    /* Goal: another delimiter, a null text that only counts without quotes, and one column with blank lines. */
    (void)state;
    const wg_csv_options options = {.delimiter = '\t', .null_text = "\\N"};
    check(&options, "\\N\t\"\\N\"\n\tx,y\n", "[NULL|\\N][|x,y]");
    const wg_csv_options one = {0};
    check(&one, "a\n\nb\n", "[a][NULL][b]");
    const wg_csv_options bad[] = {
        {.delimiter = '"'}, {.delimiter = '\n'}, {.null_text = "a\"b"}, {.null_text = "a,b"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        wg_csv_reader *reader = NULL;
        assert_int_equal(wg_csv_reader_create(&bad[i], NULL, &reader, NULL), WG_E_MISUSE);
        assert_null(reader);
    }
}

static void test_header_is_kept_apart(void **state) {
    /* Goal: the header is no record, is known after the first call that goes past it, and outlives records. */
    (void)state;
    const wg_csv_options options = {.has_header = true};
    wg_csv_reader *reader = NULL;
    wg_csv_record record;
    bool found = false;
    assert_int_equal(wg_csv_reader_create(&options, NULL, &reader, NULL), WG_OK);
    assert_null(wg_csv_header(reader));
    assert_int_equal(wg_csv_feed(reader, wg_slice_str("id,\"na\"\"me\"\n1,x\n2,y\n"), NULL), WG_OK);
    assert_int_equal(wg_csv_end(reader, NULL), WG_E_MISUSE);
    assert_int_equal(wg_csv_next(reader, &record, &found, NULL), WG_OK);
    assert_true(found && record.line == 2);
    assert_int_equal(wg_csv_feed(reader, wg_slice_str("x"), NULL), WG_E_MISUSE);
    assert_int_equal(wg_csv_next(reader, &record, &found, NULL), WG_OK);
    assert_true(found && wg_slice_is(wg_slice_of_str(record.fields[1].text), "y"));
    const wg_csv_record *header = wg_csv_header(reader);
    assert_non_null(header);
    assert_int_equal(header->field_count, 2);
    assert_true(wg_slice_is(wg_slice_of_str(header->fields[1].text), "na\"me"));
    assert_int_equal(wg_csv_next(reader, &record, &found, NULL), WG_OK);
    assert_false(found);
    wg_csv_reader_destroy(reader);
    wg_csv_reader_destroy(NULL);
}

static void test_errors_name_line_and_column(void **state) {
    /* Goal: every broken text has its place, whichever way it is cut. */
    (void)state;
    static const struct {
        const char *text;
        uint32_t line;
        uint32_t column;
        const char *says;
    } rows[] = {
        {"a,b\n\"open\n\nfield", 2, 1, "never closed"},
        {"a,b\nx,\"y\"z\n", 2, 6, "after a closing quote"},
        {"a,b\n\xc3\xa9\xc3\xa9,x\"y\n", 2, 5, "a quote inside a field"},
        {"a,b\n\"1\n2\",3\n4\n", 4, 1, "has 1 fields, the first record has 2"},
        {"a,b\n1,2,3\n", 2, 1, "has 3 fields"},
        {"a,b\nx,\xff\n", 2, 4, "not UTF-8"},
    };
    const wg_csv_options options = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t piece = 1; piece < 8; piece++) {
            wg_buf out;
            wg_error err = {0};
            wg_buf_init(&out, NULL);
            assert_int_equal(read_all(wg_slice_str(rows[i].text), &options, piece, &out, &err), WG_E_CORRUPT);
            assert_int_equal(err.line, rows[i].line);
            assert_int_equal(err.column, rows[i].column);
            assert_non_null(strstr(err.message, rows[i].says));
            wg_buf_deinit(&out);
        }
}

static void test_a_failed_reader_stays_failed(void **state) {
    /* Goal: after an error each further call gives the same error, so that no caller reads on behind it. */
    (void)state;
    const wg_csv_options options = {0};
    wg_csv_reader *reader = NULL;
    wg_csv_record record;
    bool found = true;
    assert_int_equal(wg_csv_reader_create(&options, NULL, &reader, NULL), WG_OK);
    assert_int_equal(wg_csv_feed(reader, wg_slice_str("a\"b,c\nd,e\n"), NULL), WG_OK);
    for (int i = 0; i < 3; i++) {
        wg_error err = {0};
        assert_int_equal(wg_csv_next(reader, &record, &found, &err), WG_E_CORRUPT);
        assert_int_equal(err.line, 1);
    }
    wg_csv_reader_destroy(reader);
}

static void test_limits_hold(void **state) {
    /* Goal: 65,536 fields pass, one more does not; a record over 64 MiB is refused without being held. */
    (void)state;
    const wg_csv_options options = {0};
    static char commas[WG_CSV_COLUMNS_MAX + 1];
    wg_error err = {0};
    wg_buf out;
    memset(commas, ',', sizeof commas);
    wg_buf_init(&out, NULL);
    assert_int_equal(read_all(wg_slice_of(commas, WG_CSV_COLUMNS_MAX - 1), &options, 1000, &out, &err), WG_OK);
    assert_int_equal(read_all(wg_slice_of(commas, WG_CSV_COLUMNS_MAX), &options, 1000, &out, &err), WG_E_LIMIT);
    wg_buf_deinit(&out);
    wg_account account;
    wg_csv_reader *reader = NULL;
    wg_csv_record record;
    bool found = false;
    wg_code code = WG_OK;
    wg_account_init(&account, NULL, 0);
    assert_int_equal(wg_csv_reader_create(&options, &account, &reader, NULL), WG_OK);
    memset(commas, 'x', sizeof commas);
    for (int i = 0; code == WG_OK && i < 2000; i++) {
        assert_int_equal(wg_csv_feed(reader, wg_slice_of(commas, 65536), NULL), WG_OK);
        code = wg_csv_next(reader, &record, &found, NULL);
    }
    assert_int_equal(code, WG_E_LIMIT);
    assert_true(wg_account_peak(&account) <= 3 * (uint64_t)WG_CSV_RECORD_BYTES_MAX);
    wg_csv_reader_destroy(reader);
    assert_int_equal(wg_account_bytes(&account), 0);
}

static void test_writing_quotes_what_reading_needs(void **state) {
    /* Goal: exact output for each reason to quote. */
    (void)state;
    const wg_csv_options options = {0};
    const wg_csv_options with_null = {.delimiter = ';', .null_text = "\\N"};
    wg_buf out;
    wg_buf_init(&out, NULL);
    static const char *const fields[] = {"plain", "", "a,b", "say \"hi\"", "two\nlines", "\xef\xbb\xbf", "a;b"};
    for (uint32_t i = 0; i < 7; i++)
        assert_true(wg_csv_write_field(&out, &options, i, wg_slice_str(fields[i]), false));
    assert_true(wg_csv_write_field(&out, &options, 7, wg_slice_str(""), true) && wg_csv_write_end(&out));
    assert_true(wg_csv_write_field(&out, &with_null, 0, wg_slice_str("\\N"), false));
    assert_true(wg_csv_write_field(&out, &with_null, 1, wg_slice_str("\\N"), true));
    assert_true(wg_csv_write_field(&out, &with_null, 2, wg_slice_str(""), false));
    assert_true(wg_csv_write_field(&out, &with_null, 3, wg_slice_str("a;b"), false));
    assert_true(wg_buf_append_u8(&out, 0));
    assert_string_equal((const char *)out.data,
                        "plain,\"\",\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"\xef\xbb\xbf\",a;b,\n"
                        "\"\\N\";\\N;;\"a;b\"");
    wg_buf_deinit(&out);
}

static void test_what_is_written_reads_back(void **state) {
    /* Goal: random tables of awkward characters survive the way out and in, nulls apart from empty strings. */
    (void)state;
    static const char alphabet[] = "a,\"\n\r\t ;N\\";
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(77));
    for (int round = 0; round < 500; round++) {
        const wg_csv_options options = {.null_text = round % 2 == 0 ? NULL : "N"};
        wg_buf csv;
        wg_buf expected;
        wg_buf got;
        wg_error err = {0};
        wg_buf_init(&csv, NULL);
        wg_buf_init(&expected, NULL);
        wg_buf_init(&got, NULL);
        for (uint32_t cell = 0; cell < 12; cell++) {
            char text[6];
            const size_t size = (size_t)wg_rng_below(&rng, 6);
            const bool null = wg_rng_below(&rng, 4) == 0;
            for (size_t i = 0; i < size; i++) text[i] = alphabet[wg_rng_below(&rng, sizeof alphabet - 1)];
            assert_true(wg_csv_write_field(&csv, &options, cell % 3, wg_slice_of(text, size), null));
            if (cell % 3 == 2) assert_true(wg_csv_write_end(&csv));
            wg_buf_append_u8(&expected, cell % 3 == 0 ? '[' : '|');
            if (null) wg_buf_append_str(&expected, "NULL");
            else wg_buf_append(&expected, text, size);
            if (cell % 3 == 2) wg_buf_append_u8(&expected, ']');
        }
        wg_buf_append_u8(&expected, 0);
        assert_int_equal(read_all(wg_buf_slice(&csv), &options, 5, &got, &err), WG_OK);
        assert_int_equal(got.size, expected.size);
        assert_memory_equal(got.data, expected.data, got.size);
        wg_buf_deinit(&csv);
        wg_buf_deinit(&expected);
        wg_buf_deinit(&got);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_read_the_same_in_any_pieces),
        cmocka_unit_test(test_options_choose_delimiter_and_null),
        cmocka_unit_test(test_header_is_kept_apart),
        cmocka_unit_test(test_errors_name_line_and_column),
        cmocka_unit_test(test_a_failed_reader_stays_failed),
        cmocka_unit_test(test_limits_hold),
        cmocka_unit_test(test_writing_quotes_what_reading_needs),
        cmocka_unit_test(test_what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
