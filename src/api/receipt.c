/* Receipts of results: what was asked, of which state, and what came out, as hashes (docs/receipt.md). format/receipt has the spelling.
 *
 * Rows are hashed as the text that `--json` writes, so whoever has that text can check it without knowing types. The manner of running
 * (threads, shards, ISA, time) stands in signatures alone. */
#include "api/api_internal.h"

/* ---- what a statement leaves in its result */

/* The current time of a statement that asks for it counts as one more parameter. */
static wg_value clock_value(const wg_result *result, wg_value parts[2]) {
    wg_value list = {.type = WG_TYPE_LIST, .size = 2};
    for (int i = 0; i < 2; i++) parts[i] = wg_value_int(result->clock_us[i]);
    list.as.list = parts;
    return list;
}

static bool note_param(wg_buf *bytes, const char *name, const wg_value *value, wgi_param_place *out) {
    const size_t size = strlen(name);
    if (!wg_buf_append_varint(bytes, size)) return false;
    out->name = bytes->size;
    if (!wg_buf_append(bytes, name, size)) return false;
    out->value = bytes->size;
    const bool ok = wg_value_encode(bytes, value);
    out->end = bytes->size;
    return ok;
}

/* What later binding would change is copied; hashing waits until a receipt is asked for. */
wg_code wgi_result_note(const wg_stmt *stmt, wg_result *result, wg_error *err) {
    const uint32_t given = wg_query_param_count(stmt->query);
    const uint32_t count = given + result->query.reads_clock;
    wg_value clocks[2];
    const wg_slice text = wg_query_text(stmt->query);
    const wg_session *s = stmt->session;
    wg_buf *bytes = &result->param_bytes;
    result->statement = wg_slice_of(
        wg_arena_copy(&result->arena, text.size > 0 ? text.data : (const uint8_t *)"", text.size + (text.size == 0)),
        text.size);
    result->params = wg_arena_alloc(&result->arena, ((size_t)count + 1) * sizeof *result->params);
    bool ok = result->statement.data != NULL && result->params != NULL && wg_buf_append_varint(bytes, count);
    for (uint32_t i = 0; i < count && ok; i++) {
        const char *name = i < given ? wg_query_param_name(stmt->query, i) : WGI_CLOCK_PARAM;
        const wg_value value = i < given ? stmt->params[i] : clock_value(result, clocks);
        ok = note_param(bytes, name, &value, &result->params[i]);
    }
    result->param_count = count;
    result->optimizer_off = s->optimizer_off;
    result->isa = s->kernels != NULL ? s->kernels->name : wg_kernels_best()->name;
    result->threads = s->threads;
    result->shards = s->shards != 0 ? s->shards : s->threads;
    return ok ? WG_OK : wg_error_nomem(err, 64); /* a hash of a part would be a wrong receipt */
}

/* ---- rows */

bool wg_result_row_json(const wg_result *result, uint64_t row, wg_buf *out) {
    out->size = 0;
    bool ok = wg_buf_append_u8(out, '[');
    for (uint32_t c = 0; c < result->query.column_count && ok; c++) {
        const wg_value v = wgi_result_cell(result, row, c);
        ok = (c == 0 || wg_buf_append_u8(out, ',')) && wg_value_print_json_objects(out, &v);
    }
    return ok && wg_buf_append_u8(out, ']');
}

static bool put_header(const wg_result *r, wg_buf *out) {
    bool ok = wg_buf_append_str(out, "{\"columns\":[");
    for (uint32_t c = 0; c < r->query.column_count && ok; c++) {
        const wg_value name = wg_value_str(wg_slice_str(r->query.column_names[c]));
        ok = (c == 0 || wg_buf_append_u8(out, ',')) && wg_value_print_json(out, &name);
    }
    ok = ok && wg_buf_append_str(out, "],\"types\":[");
    for (uint32_t c = 0; c < r->query.column_count && ok; c++)
        ok = wg_buf_printf(out, "%s\"%s\"", c == 0 ? "" : ",", wg_type_name(r->types[c]));
    return ok && wg_buf_append_str(out, "]}");
}

wg_code wg_result_write_json(const wg_result *result, wg_write_fn write, void *ctx, wg_error *err) {
    if (result == NULL || result->tag != WGI_TAG_RESULT || write == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_result_write_json: no result, or write is NULL");
    wg_buf text, row;
    wg_code code = WG_OK;
    wg_buf_init(&text, NULL);
    wg_buf_init(&row, NULL);
    bool ok = put_header(result, &text);
    if (ok) text.size--; /* the rows go inside */
    ok = ok && wg_buf_append_str(&text, ",\"rows\":[");
    for (uint64_t i = 0; ok && code == WG_OK && i <= result->row_count; i++) {
        if (!write(ctx, text.data, text.size))
            code = wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "the writer stopped");
        text.size = 0;
        if (i == result->row_count) break;
        ok = wg_result_row_json(result, i, &row) && (i == 0 || wg_buf_append_u8(&text, ',')) &&
             wg_buf_append(&text, row.data, row.size);
    }
    if (ok && code == WG_OK && !write(ctx, "]}\n", 3))
        code = wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "the writer stopped");
    wg_buf_deinit(&text);
    wg_buf_deinit(&row);
    return ok ? code : wg_error_nomem(err, 64);
}

static wg_code hash_rows(const wg_result *r, wg_receipt_rows *rows, wg_receipt *out, wg_error *err) {
    wg_buf text;
    wg_buf_init(&text, NULL);
    wg_code code = put_header(r, &text) ? WG_OK : wg_error_nomem(err, 64);
    if (code == WG_OK) code = wg_receipt_rows_header(rows, wg_buf_slice(&text), err);
    for (uint64_t row = 0; row < r->row_count && code == WG_OK; row++) {
        code = wg_result_row_json(r, row, &text) ? WG_OK : wg_error_nomem(err, 64);
        if (code == WG_OK) code = wg_receipt_rows_add(rows, wg_buf_slice(&text), err);
    }
    wg_buf_deinit(&text);
    return code == WG_OK ? wg_receipt_rows_end(rows, &out->result_hash, &out->merkle_root, err) : code;
}

static wg_code add_rows(const wg_result *r, wg_arena *arena, wg_receipt *out, wg_error *err) {
    wg_receipt_rows rows;
    WG_TRY(wg_receipt_rows_begin(&rows, out->has_merkle, err));
    wg_code code = hash_rows(r, &rows, out, err);
    if (code == WG_OK && out->has_merkle) {
        out->chunk_count = (uint32_t)(rows.chunks.size / sizeof(wg_sha256));
        wg_sha256 *copy = wg_arena_alloc(arena, rows.chunks.size + 1);
        out->chunks = copy;
        if (copy == NULL) code = wg_error_nomem(err, rows.chunks.size);
        else if (rows.chunks.size > 0) memcpy(copy, rows.chunks.data, rows.chunks.size);
    }
    wg_receipt_rows_deinit(&rows);
    return code;
}

/* Format 1: typed cells in their canonical bytes, objects as JSON text and its size. */
static bool hash_cell_1(const wg_result *r, uint64_t row, uint32_t column, wg_buf *out) {
    const wg_value v = wgi_result_cell(r, row, column);
    if (!wgi_result_has_objects(r, column)) return wg_value_encode(out, &v);
    const size_t start = out->size;
    if (!wg_value_print_json_objects(out, &v)) return false;
    return wg_buf_append_u64(out, out->size - start);
}

wg_code wgi_receipt_hash_rows_1(const wg_result *r, wg_sha256 *out, wg_error *err) {
    enum { FLUSH_BYTES = 1 << 16 };
    wg_buf bytes;
    wg_buf_init(&bytes, NULL);
    wg_sha256_state *state = wg_sha256_begin();
    bool ok = state != NULL && wg_buf_append_u64(&bytes, r->query.column_count);
    for (uint32_t c = 0; c < r->query.column_count && ok; c++) {
        const char *name = r->query.column_names[c];
        ok = wg_buf_append_u64(&bytes, strlen(name)) && wg_buf_append_str(&bytes, name);
    }
    for (uint64_t row = 0; row < r->row_count && ok; row++) {
        for (uint32_t c = 0; c < r->query.column_count && ok; c++) ok = hash_cell_1(r, row, c, &bytes);
        if (bytes.size < FLUSH_BYTES) continue;
        wg_sha256_add(state, bytes.data, bytes.size);
        bytes.size = 0;
    }
    if (ok) wg_sha256_add(state, bytes.data, bytes.size);
    wg_sha256_end(state, ok ? out : NULL);
    wg_buf_deinit(&bytes);
    return ok ? WG_OK : wg_error_nomem(err, FLUSH_BYTES);
}

/* ---- the receipt */

static wg_code add_params(const wg_result *r, bool carry, wg_arena *arena, wg_receipt *out, wg_error *err) {
    wg_receipt_param *params = wg_arena_alloc_zero(arena, ((size_t)r->param_count + 1) * sizeof *params);
    if (params == NULL) return wg_error_nomem(err, r->param_count * sizeof *params);
    for (uint32_t i = 0; i < r->param_count; i++) {
        const wgi_param_place *at = &r->params[i];
        params[i].name = wg_slice_of(r->param_bytes.data + at->name, at->value - at->name);
        params[i].value = wg_slice_of(r->param_bytes.data + at->value, at->end - at->value);
        wg_sha256_of(&params[i].value, 1, &params[i].hash);
    }
    out->params = params;
    out->param_count = r->param_count;
    out->carries_params = carry;
    return WG_OK;
}

wg_code wgi_receipt_of(const wg_result *result, const wg_receipt_options *options, wg_arena *arena, wg_receipt *out,
                       wg_error *err) {
    wg_receipt r = {.format = WG_RECEIPT_FORMAT,
                    .semantics = WG_RECEIPT_SEMANTICS,
                    .snapshot = result->stats.snapshot,
                    .row_count = result->row_count,
                    .chain = result->chain,
                    .plan_hash = result->query.plan_hash,
                    .optimizer = !result->optimizer_off,
                    .has_merkle = options->merkle};
    memcpy(r.store, result->db->store_uuid, sizeof r.store);
    const wg_slice parameters = wg_buf_slice(&result->param_bytes);
    wg_sha256_of(&parameters, 1, &r.parameter_hash);
    wg_sha256_of(&result->statement, 1, &r.statement_hash);
    WG_TRY(add_params(result, options->carry, arena, &r, err));
    if (options->carry) r.statement = result->statement;
    WG_TRY(add_rows(result, arena, &r, err));
    if (options->secret != NULL) WG_TRY(wgi_receipt_sign(result, options->secret, arena, &r, err));
    *out = r;
    return WG_OK;
}

wg_code wgi_receipt_sign(const wg_result *result, const uint8_t secret[32], wg_arena *arena, wg_receipt *receipt,
                         wg_error *err) {
    wg_sign_secret key;
    const uint32_t count = receipt->signature_count;
    if (count == WG_RECEIPT_SIGNATURES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the receipt has %u signatures, as many as it may", count);
    wg_receipt_signature *all = wg_arena_alloc_zero(arena, ((size_t)count + 1) * sizeof *all);
    if (all == NULL) return wg_error_nomem(err, ((size_t)count + 1) * sizeof *all);
    memcpy(key.bytes, secret, sizeof key.bytes);
    if (count > 0) memcpy(all, receipt->signatures, count * sizeof *all);
    wg_receipt_signature *own = &all[count];
    *own = (wg_receipt_signature){.build = wg_slice_str(wg_version()),
                                  .isa = wg_slice_str(result->isa),
                                  .threads = result->threads,
                                  .shards = result->shards,
                                  .started_us = result->started_us,
                                  .completed_us = result->started_us + result->stats.elapsed_ns / 1000};
    wg_buf message;
    wg_buf_init(&message, NULL);
    wg_code code = wg_sign_public_of(&key, &own->executor, err);
    if (code == WG_OK) code = wg_receipt_signed_bytes(receipt, own, &message, err);
    if (code == WG_OK) code = wg_sign(&key, wg_buf_slice(&message), &own->signature, err);
    wg_buf_deinit(&message);
    if (code != WG_OK) return code;
    receipt->signatures = all;
    receipt->signature_count = count + 1;
    return WG_OK;
}

static wg_code print_receipt(const wg_result *result, const wg_receipt_options *options, wg_buf *out, wg_error *err) {
    wg_arena arena;
    wg_receipt receipt;
    wg_arena_init(&arena, NULL);
    wg_code code = wgi_receipt_of(result, options, &arena, &receipt, err);
    if (code == WG_OK) code = wg_receipt_print(&receipt, out, err);
    wg_arena_deinit(&arena);
    return code;
}

wg_code wg_result_write_receipt(const wg_result *result, const wg_receipt_options *options, wg_write_fn write,
                                void *ctx, wg_error *err) {
    static const wg_receipt_options nothing;
    WGI_CHECK(result, WGI_TAG_RESULT, "result");
    if (write == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_result_write_receipt: write is NULL");
    wg_buf text;
    wg_buf_init(&text, NULL);
    wg_code code = print_receipt(result, options != NULL ? options : &nothing, &text, err);
    if (code == WG_OK && !write(ctx, text.data, text.size))
        code = wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "the writer stopped");
    wg_buf_deinit(&text);
    return code;
}

static char *receipt_make(wg_result *r) {
    static const wg_receipt_options nothing;
    char *receipt = NULL;
    wg_buf text;
    wg_buf_init(&text, NULL);
    if (print_receipt(r, &nothing, &text, NULL) == WG_OK) receipt = wg_arena_strdup(&r->arena, wg_buf_slice(&text));
    wg_buf_deinit(&text);
    return receipt;
}

/* The result is constant to its readers; the receipt is made once, under a lock. NULL: out of memory. */
const char *wg_result_receipt(const wg_result *result) {
    wg_result *r;
    memcpy(&r, &result, sizeof r);
    if (r == NULL || r->tag != WGI_TAG_RESULT) return NULL;
    wg_mutex_lock(&r->receipt_mutex);
    if (r->receipt == NULL) r->receipt = receipt_make(r);
    const char *receipt = r->receipt;
    wg_mutex_unlock(&r->receipt_mutex);
    return receipt;
}

/* ---- keys */

wg_code wg_receipt_key_new(uint8_t out_secret[32], wg_error *err) {
    wg_sign_secret made;
    if (out_secret == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_receipt_key_new: out is NULL");
    WG_TRY(wg_sign_new_key(&made, err));
    memcpy(out_secret, made.bytes, sizeof made.bytes);
    return WG_OK;
}

wg_code wg_receipt_key_public(const uint8_t secret[32], uint8_t out_public[32], wg_error *err) {
    wg_sign_secret key;
    wg_sign_public found;
    if (secret == NULL || out_public == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_receipt_key_public: secret or out is NULL");
    memcpy(key.bytes, secret, sizeof key.bytes);
    WG_TRY(wg_sign_public_of(&key, &found, err));
    memcpy(out_public, found.bytes, sizeof found.bytes);
    return WG_OK;
}
