/* Invariants 40 to 42 of docs/determinism.md: receipts are equal for equal work, a flipped bit anywhere fails, a replay elsewhere holds. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/determinism/kit.h"

typedef struct shown {
    kit_db db;
    wg_buf receipt;
    wg_buf rows; /* as --json writes them */
} shown;

static const char question[] =
    "MATCH (n:A) WHERE n.k > $least AND n.s <> $not RETURN n.k AS k, n.f AS f, n.s, n ORDER BY k";

static bool to_buf(void *ctx, const void *data, size_t size) { return wg_buf_append(ctx, data, size); }

static void put_rows(const wg_result *r, wg_buf *out) {
    wg_buf row = {0};
    assert_true(wg_buf_append_str(out, "{\"columns\":["));
    for (uint32_t c = 0; c < wg_result_column_count(r); c++)
        assert_true(wg_buf_printf(out, "%s\"%s\"", c == 0 ? "" : ",", wg_result_column_name(r, c)));
    assert_true(wg_buf_append_str(out, "],\"types\":["));
    for (uint32_t c = 0; c < wg_result_column_count(r); c++)
        assert_true(wg_buf_printf(out, "%s\"%s\"", c == 0 ? "" : ",", wg_type_name(wg_result_column_type(r, c))));
    assert_true(wg_buf_append_str(out, "],\"rows\":["));
    for (uint64_t i = 0; i < wg_result_row_count(r); i++) {
        assert_true(wg_result_row_json(r, i, &row));
        assert_true((i == 0 || wg_buf_append_u8(out, ',')) && wg_buf_append(out, row.data, row.size));
    }
    assert_true(wg_buf_append_str(out, "]}\n"));
    wg_buf_deinit(&row);
}

static void ask(kit_db *db, const wg_receipt_options *options, wg_buf *receipt, wg_buf *rows) {
    wg_stmt *stmt = NULL;
    wg_result *result = NULL;
    KIT_OK(wg_prepare(db->session, question, strlen(question), &stmt, err));
    KIT_OK(wg_bind_int(stmt, "least", 2, err));
    KIT_OK(wg_bind_string(stmt, "not", "s4", 2, err));
    KIT_OK(wg_execute(stmt, &result, err));
    KIT_OK(wg_result_write_receipt(result, options, to_buf, receipt, err));
    if (rows != NULL) put_rows(result, rows);
    wg_result_free(result);
    wg_stmt_finish(stmt);
}

static void make(shown *s, bool merkle) {
    const wg_receipt_options options = {.carry = true, .merkle = merkle};
    *s = (shown){0};
    kit_open(&s->db, true);
    kit_do(&s->db, "UNWIND range(1, 9) AS i CREATE (:A {k: i, f: i * 0.1, s: 's' + toString(i)})");
    kit_do(&s->db, "MATCH (n:A {k: 5}) SET n.f = 0.0 / 0.0");
    kit_do(&s->db, "MATCH (n:A {k: 7}) DELETE n");
    ask(&s->db, &options, &s->receipt, &s->rows);
    kit_do(&s->db, "MATCH (n:A) SET n.k = n.k + 100"); /* what comes later is no matter */
    kit_close(&s->db);
}

static void drop(shown *s) {
    wg_buf_deinit(&s->receipt);
    wg_buf_deinit(&s->rows);
    kit_open(&s->db, false);
    kit_remove(&s->db);
}

static wg_receipt_request request_of(const shown *s, wg_receipt_level level) {
    return (wg_receipt_request){.receipt = (const char *)s->receipt.data,
                                .receipt_size = s->receipt.size,
                                .level = level,
                                .rows = (const char *)s->rows.data,
                                .rows_size = s->rows.size,
                                .workspace = level == WG_RECEIPT_V1 || level == WG_RECEIPT_V2 ? s->db.dir : NULL};
}

static bool holds(const wg_receipt_request *request, wg_receipt_report *report) {
    KIT_OK(wg_receipt_verify(request, report, err));
    return report->ok;
}

/* Goal (40): the core is the same bytes for every way of running; how it was run stands beside it alone. */
static void test_inv_40_receipts_do_not_depend_on_the_way(void **state) {
    (void)state;
    static const wg_receipt_options bare;
    kit_history h;
    kit_db db;
    wg_buf wanted = {0};
    kit_begin(&h, 500);
    kit_open(&db, true);
    kit_grow(&h, &db, 10, KIT_LOG_ONLY);
    for (uint32_t c = 0; c < 12; c++) {
        wg_buf got = {0};
        kit_execution(&db, c % 4 + 1, c * 5 + 1, c % 2 == 0 ? 3 : 2048, kit_isa(c % 2), WG_OPTIMIZER_ON);
        if (c == 6) kit_upkeep_now(&db, KIT_COMPACTED);
        ask(&db, &bare, &got, NULL);
        if (c == 0) wanted = got;
        kit_expect_same(&got, &wanted, "way %u", c);
        if (c > 0) wg_buf_deinit(&got);
    }
    for (int i = 0; i < 2; i++) { /* no time, no threads, no name of a machine */
        static const char *const words[] = {"threads", "started"};
        assert_null(memmem(wanted.data, wanted.size, words[i], strlen(words[i])));
    }
    wg_buf_deinit(&wanted);
    kit_remove(&db);
}

static void flip_all(shown *s, wg_buf *bytes, const char *place) {
    for (size_t bit = 0; bit < bytes->size * 8; bit++) {
        wg_receipt_report report;
        wg_error failure = {0};
        const wg_receipt_request request = request_of(s, WG_RECEIPT_V0);
        bytes->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const wg_code code = wg_receipt_verify(&request, &report, &failure);
        if (code != WG_OK && code != WG_E_VERSION) fail_msg("bit %zu: %s", bit, wg_code_name(code));
        if (code == WG_OK && report.ok) fail_msg("bit %zu of the %s was not noticed", bit, place);
        if (code == WG_OK) assert_int_not_equal(report.place[0], 0);
        bytes->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* Goal (41): every flipped bit of the receipt and of the rows fails at V0. */
static void test_inv_41_flipped_bits_of_receipt_and_rows_fail(void **state) {
    (void)state;
    shown s;
    wg_receipt_report report;
    make(&s, true);
    const wg_receipt_request request = request_of(&s, WG_RECEIPT_V0);
    assert_true(holds(&request, &report));
    flip_all(&s, &s.receipt, "receipt");
    flip_all(&s, &s.rows, "rows");
    drop(&s);
}

/* Goal (41): a flipped bit of a record up to the snapshot fails at V1 and V2 and is named as the log's, with the offset; so does another history. */
static void test_inv_41_flipped_bits_of_the_log_fail(void **state) {
    (void)state;
    enum { ROOM = 1 << 16 };
    shown s;
    char path[300];
    uint8_t *bytes = calloc(1, ROOM);
    wg_receipt_report report;
    make(&s, false);
    wg_receipt_request request = request_of(&s, WG_RECEIPT_V1);
    assert_non_null(bytes);
    assert_true(holds(&request, &report));
    (void)snprintf(path, sizeof path, "%s/wal/00000000000000000001.wal", s.db.dir);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    size_t used = fread(bytes, 1, ROOM, file);
    while (used > 0 && bytes[used - 1] == 0) used--;
    for (size_t byte = 0; byte + 40 < used; byte += 7) {
        const uint8_t flipped = (uint8_t)(bytes[byte] ^ 1u << byte % 8);
        assert_int_equal(fseek(file, (long)byte, SEEK_SET), 0);
        assert_int_equal(fwrite(&flipped, 1, 1, file), 1);
        assert_int_equal(fflush(file), 0);
        request.level = byte % 3 == 0 ? WG_RECEIPT_V2 : WG_RECEIPT_V1;
        if (holds(&request, &report)) fail_msg("byte %zu of the log", byte);
        assert_string_equal(report.place, "log");
        assert_int_equal(fseek(file, (long)byte, SEEK_SET), 0);
        assert_int_equal(fwrite(&bytes[byte], 1, 1, file), 1);
        assert_int_equal(fflush(file), 0);
    }
    (void)fclose(file);
    assert_true(holds(&request, &report));
    free(bytes);
    drop(&s);
}

static void expect_place(const wg_receipt_request *request, const char *place) {
    wg_receipt_report report;
    assert_false(holds(request, &report));
    assert_string_equal(report.place, place);
}

/* Goal (41): another statement, parameter, store or row is named, the row by its number. */
static void test_inv_41_the_first_wrong_place_is_named(void **state) {
    (void)state;
    static const char other[] = "MATCH (n:A) RETURN n.k AS k";
    const wg_receipt_argument wrong[] = {{"least", "3"}}, right[] = {{"least", "2"}, {"not", "s4"}};
    shown s, foreign;
    wg_receipt_report report;
    make(&s, false);
    make(&foreign, false);
    wg_receipt_request q = request_of(&s, WG_RECEIPT_V2);
    assert_true(holds(&q, &report));
    q.arguments = right;
    q.argument_count = 2;
    assert_true(holds(&q, &report));
    q.arguments = wrong;
    q.argument_count = 1;
    expect_place(&q, "parameter least");
    q.argument_count = 0;
    q.statement = other;
    q.statement_size = strlen(other);
    expect_place(&q, "statement");
    q.statement = NULL;
    q.workspace = foreign.db.dir;
    expect_place(&q, "store");
    q.workspace = s.db.dir;
    uint8_t *at = memmem(s.rows.data, s.rows.size, "\"s6\"", 4);
    assert_non_null(at);
    at[2] = '8';
    assert_false(holds(&q, &report));
    assert_string_equal(report.place, "rows");
    assert_int_equal(report.row, 2); /* 3, 5, 6: k > 2, and not s4 */
    drop(&s);
    drop(&foreign);
}

/* Goal (42): the replay holds on any threads, shards, kernels and morsels, before and after upkeep, for copies of the workspace elsewhere, and adds
 * signatures of independent executors that level V3 counts. */
static void test_inv_42_replays_hold_elsewhere(void **state) {
    (void)state;
    shown s;
    kit_db copy;
    wg_receipt_report report;
    make(&s, true);
    kit_copy(&s.db, &copy);
    for (uint32_t c = 0; c < 8; c++) {
        wg_receipt_request q = request_of(&s, WG_RECEIPT_V2);
        const wg_execution way = {.threads = c % 3 + 1,
                                  .shards = 7 * c + 1,
                                  .batch_rows = c + 1,
                                  .isa = kit_isa(c % 2) != NULL ? kit_isa(c % 2) : "best"};
        q.execution = &way;
        if (c % 2 == 1) q.workspace = copy.dir;
        if (c == 4) {
            kit_open(&copy, false);
            kit_upkeep_now(&copy, KIT_COMPACTED);
            kit_close(&copy);
        }
        if (!holds(&q, &report)) fail_msg("way %u: %s: %s", c, report.place, report.reason);
    }
    for (int i = 0; i < 2; i++) {
        uint8_t secret[32];
        wg_buf signed_one = {0};
        KIT_OK(wg_receipt_key_new(secret, err));
        wg_receipt_request q = request_of(&s, WG_RECEIPT_V2);
        q.secret = secret;
        q.write = to_buf;
        q.write_ctx = &signed_one;
        assert_true(holds(&q, &report));
        wg_buf_deinit(&s.receipt);
        s.receipt = signed_one;
    }
    wg_receipt_request q = request_of(&s, WG_RECEIPT_V3);
    q.signers_min = 2;
    assert_true(holds(&q, &report));
    assert_int_equal(report.signers, 2);
    q.signers_min = 3;
    expect_place(&q, "signatures");
    drop(&s);
    kit_open(&copy, false);
    kit_remove(&copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inv_40_receipts_do_not_depend_on_the_way),
        cmocka_unit_test(test_inv_41_flipped_bits_of_receipt_and_rows_fail),
        cmocka_unit_test(test_inv_41_flipped_bits_of_the_log_fail),
        cmocka_unit_test(test_inv_41_the_first_wrong_place_is_named),
        cmocka_unit_test(test_inv_42_replays_hold_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
