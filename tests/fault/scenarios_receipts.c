/* Scenarios of receipts, of the manner in which statements are run, and of clocks and time zones: see scenarios.h. */
#include "tests/fault/scenarios.h"

#include <string.h>

typedef struct text_out {
    char bytes[8192];
    size_t size;
} text_out;

static bool take_text(void *ctx, const void *data, size_t size) {
    text_out *out = ctx;
    if (size > sizeof out->bytes - out->size) return false;
    memcpy(out->bytes + out->size, data, size);
    out->size += size;
    return true;
}

static wg_code wrong(const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "%s", what);
}

/* Time zones and clocks: what is bound is what the statement takes. */
static wg_code run_clock(scene *s, wg_error *err) {
    wg_stmt *stmt = NULL;
    wg_result *result = NULL;
    wg_value zoned;
    int32_t offset = 0;
    const char *zone = NULL;
    int64_t clock_us = 0, begin_us = 0;
    const char text[] = "RETURN datetime() < $t";
    WG_TRY(wg_datetime_in_zone(0, 0, "Asia/Tokyo", &zoned, err));
    if (!wg_datetime_describe(&zoned, &offset, &zone) || offset != 9 * 3600)
        return wrong("a zone without its offset", err);
    s->sink += strlen(zone) + strlen(wg_zones_release());
    WG_TRY(wg_prepare(s->session, text, strlen(text), &stmt, err));
    wg_code code = wg_bind(stmt, "t", &zoned, err);
    if (code == WG_OK) code = wg_bind_clock(stmt, 17, 16, err);
    if (code == WG_OK) code = wg_execute(stmt, &result, err);
    if (code == WG_OK && (!wg_result_clock(result, &clock_us, &begin_us) || clock_us != 17 || begin_us != 16))
        code = wrong("another clock than the one that was bound", err);
    wg_result_free(result);
    wg_stmt_finish(stmt);
    return code;
}

/* One answer with its rows and a receipt that carries everything, of a workspace that is closed afterwards. */
static wg_code make_receipt(const uint8_t secret[32], text_out *receipt, text_out *rows, wg_error *err) {
    const wg_options o = {.threads = 1, .no_background = true};
    const wg_execution how = {.threads = 1, .batch_rows = 64, .shards = 3, .isa = "scalar"};
    const wg_receipt_options all = {.carry = true, .merkle = true, .secret = secret};
    wg_db *db = NULL;
    wg_session *session = NULL;
    wg_result *result = NULL;
    wg_error second = {0};
    WG_TRY(wg_open("/ws", &o, &db, err));
    wg_code code = wg_session_open(db, &session, err);
    if (code == WG_OK) code = wg_session_set_execution(session, &how, err);
    if (code == WG_OK) code = wg_query(session, "MATCH (r:Row) RETURN r.id, r.text ORDER BY r.id", &result, err);
    if (code == WG_OK) code = wg_result_write_receipt(result, &all, take_text, receipt, err);
    if (code == WG_OK) code = wg_result_write_json(result, take_text, rows, err);
    wg_result_free(result);
    wg_session_close(session);
    const wg_code closed = wg_close(db, &second);
    if (code == WG_OK && closed != WG_OK && err != NULL) *err = second;
    return code != WG_OK ? code : closed;
}

static wg_code verify_at(wg_receipt_request *request, wg_receipt_level level, wg_error *err) {
    wg_receipt_report report = {0};
    request->level = level;
    WG_TRY(wg_receipt_verify(request, &report, err));
    return report.ok ? WG_OK : wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "%s: %s", report.place, report.reason);
}

static wg_code run_receipt(scene *s, wg_error *err) {
    static text_out receipt, rows, proof;
    uint8_t secret[32], public_key[32];
    bool ok = false;
    receipt.size = rows.size = proof.size = 0;
    WG_TRY(wg_receipt_key_new(secret, err));
    WG_TRY(wg_receipt_key_public(secret, public_key, err));
    WG_TRY(make_receipt(secret, &receipt, &rows, err));
    wg_receipt_request request = {.receipt = receipt.bytes,
                                  .receipt_size = receipt.size,
                                  .rows = rows.bytes,
                                  .rows_size = rows.size,
                                  .workspace = "/ws",
                                  .trusted = public_key,
                                  .trusted_count = 1};
    s->sink += receipt.size;
    for (wg_receipt_level level = WG_RECEIPT_V0; level <= WG_RECEIPT_V3; level++)
        WG_TRY(verify_at(&request, level, err));
    WG_TRY(wg_receipt_prove_row(&request, 1, take_text, &proof, err));
    WG_TRY(wg_receipt_check_row(&request, proof.bytes, proof.size, &ok, err));
    return ok ? WG_OK : wrong("a row that was proven is refused", err);
}

const scenario receipts_scenarios[] = {{"clocks and time zones", run_clock, false, false},
                                       {"receipts", run_receipt, true, false}};
const size_t receipts_scenario_count = sizeof receipts_scenarios / sizeof receipts_scenarios[0];
