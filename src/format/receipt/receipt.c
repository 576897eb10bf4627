/* Receipts: printing, and the hash of the core. Keys are sorted by bytes, there are no spaces, everything is ASCII apart from names, the statement
 * and texts of signatures, which are JSON strings. docs/receipt.md has the keys. */
#include "format/receipt/receipt.h"

/* ---- pieces */

static bool put_hex(wg_buf *out, const void *bytes, size_t size) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = bytes;
    if (!wg_buf_append_u8(out, '"') || !wg_buf_reserve(out, 2 * size)) return false;
    for (size_t i = 0; i < size; i++) {
        out->data[out->size++] = (uint8_t)digits[p[i] >> 4];
        out->data[out->size++] = (uint8_t)digits[p[i] & 15];
    }
    return wg_buf_append_u8(out, '"');
}

static bool put_digest(wg_buf *out, const char *key, const wg_sha256 *digest) {
    return wg_buf_printf(out, "\"%s\":", key) && put_hex(out, digest->bytes, sizeof digest->bytes);
}

static bool put_text(wg_buf *out, wg_slice text) {
    const wg_value v = wg_value_str(text);
    return wg_value_print_json(out, &v);
}

static bool put_number(wg_buf *out, const char *key, uint64_t n) {
    return wg_buf_printf(out, "\"%s\":%llu", key, (unsigned long long)n);
}

static bool comma(wg_buf *out) { return wg_buf_append_u8(out, ','); }

/* ---- the carried part, and signatures */

static bool put_carried(wg_buf *out, const wg_receipt *r) {
    bool ok = wg_buf_append_str(out, "\"carried\":{");
    if (r->chunk_count > 0 || r->has_merkle) {
        ok = ok && wg_buf_append_str(out, "\"chunks\":[");
        for (uint32_t i = 0; i < r->chunk_count && ok; i++)
            ok = (i == 0 || comma(out)) && put_hex(out, r->chunks[i].bytes, sizeof r->chunks[i].bytes);
        ok = ok && wg_buf_append_str(out, "]");
    }
    if (r->carries_params) {
        ok = ok && (!r->has_merkle || comma(out)) && wg_buf_append_str(out, "\"parameters\":[");
        for (uint32_t i = 0; i < r->param_count && ok; i++)
            ok = (i == 0 || comma(out)) && put_hex(out, r->params[i].value.data, r->params[i].value.size);
        ok = ok && wg_buf_append_str(out, "]");
    }
    if (r->statement.data != NULL)
        ok = ok && (!(r->has_merkle || r->carries_params) || comma(out)) &&
             wg_buf_append_str(out, "\"statement\":") && put_text(out, r->statement);
    return ok && wg_buf_append_str(out, "},");
}

static bool put_envelope(wg_buf *out, const wg_receipt_signature *s) {
    return wg_buf_append_str(out, "{\"build\":") && put_text(out, s->build) && comma(out) &&
           put_number(out, "completed_us", s->completed_us) && comma(out) &&
           wg_buf_append_str(out, "\"executor\":") && put_hex(out, s->executor.bytes, sizeof s->executor.bytes) &&
           comma(out) && wg_buf_append_str(out, "\"isa\":") && put_text(out, s->isa) && comma(out) &&
           put_number(out, "shards", s->shards);
}

static bool put_envelope_end(wg_buf *out, const wg_receipt_signature *s) {
    return comma(out) && put_number(out, "started_us", s->started_us) && comma(out) &&
           put_number(out, "threads", s->threads) && wg_buf_append_str(out, "}");
}

static bool put_signatures(wg_buf *out, const wg_receipt *r) {
    bool ok = wg_buf_append_str(out, "\"signatures\":[");
    for (uint32_t i = 0; i < r->signature_count && ok; i++) {
        const wg_receipt_signature *s = &r->signatures[i];
        ok = (i == 0 || comma(out)) && put_envelope(out, s) && wg_buf_append_str(out, ",\"signature\":") &&
             put_hex(out, s->signature.bytes, sizeof s->signature.bytes) && put_envelope_end(out, s);
    }
    return ok && wg_buf_append_str(out, "],");
}

wg_code wg_receipt_signed_bytes(const wg_receipt *receipt, const wg_receipt_signature *signature, wg_buf *out,
                                wg_error *err) {
    static const char domain[] = "worldgraph receipt signature 1";
    wg_sha256 id;
    WG_TRY(wg_receipt_core_id(receipt, &id, err));
    const bool ok = wg_buf_append(out, domain, sizeof domain) && wg_buf_append(out, id.bytes, sizeof id.bytes) &&
                    put_envelope(out, signature) && put_envelope_end(out, signature);
    return ok ? WG_OK : wg_error_nomem(err, 512);
}

/* ---- the whole */

static bool put_params(wg_buf *out, const wg_receipt *r) {
    bool ok = wg_buf_append_str(out, "\"parameters\":[");
    for (uint32_t i = 0; i < r->param_count && ok; i++)
        ok = (i == 0 || comma(out)) && wg_buf_append_str(out, "{") && put_digest(out, "hash", &r->params[i].hash) &&
             wg_buf_append_str(out, ",\"name\":") && put_text(out, r->params[i].name) && wg_buf_append_str(out, "}");
    return ok && wg_buf_append_str(out, "],");
}

/* What is between "chain" and the end. `core`: without what stands beside it. */
static bool put_rest(wg_buf *out, const wg_receipt *r, bool core) {
    const bool two = r->format >= 2;
    bool ok = put_number(out, "format", r->format) && comma(out);
    if (two && r->has_merkle) ok = ok && put_digest(out, "merkle_root", &r->merkle_root) && comma(out);
    if (two) ok = ok && wg_buf_printf(out, "\"optimizer\":%s,", r->optimizer ? "true" : "false");
    ok = ok && put_digest(out, "parameter_hash", &r->parameter_hash) && comma(out);
    if (two) ok = ok && put_params(out, r);
    ok = ok && put_digest(out, "plan_hash", &r->plan_hash) && comma(out) &&
         put_digest(out, "result_hash", &r->result_hash) && comma(out) &&
         put_number(out, "row_count", r->row_count) && comma(out) && put_number(out, "semantics", r->semantics) &&
         comma(out);
    if (!core && r->signature_count > 0) ok = ok && put_signatures(out, r);
    ok = ok && put_number(out, "snapshot", r->snapshot) && comma(out);
    if (two) ok = ok && put_digest(out, "statement_hash", &r->statement_hash) && comma(out);
    return ok && wg_buf_append_str(out, "\"store\":") && put_hex(out, r->store, sizeof r->store) &&
           wg_buf_append_str(out, "}");
}

wg_code wg_receipt_core_id(const wg_receipt *receipt, wg_sha256 *out, wg_error *err) {
    static const char domain[] = "worldgraph receipt core ";
    wg_buf text;
    wg_buf_init(&text, NULL);
    const char digit = (char)('0' + receipt->format);
    const bool ok = wg_buf_append_str(&text, domain) && wg_buf_append(&text, &digit, 1) &&
                    wg_buf_append_u8(&text, 0) && wg_buf_append_u8(&text, '{') &&
                    put_digest(&text, "chain", &receipt->chain) && comma(&text) && put_rest(&text, receipt, true);
    const wg_slice part = wg_buf_slice(&text);
    if (ok) wg_sha256_of(&part, 1, out);
    wg_buf_deinit(&text);
    return ok ? WG_OK : wg_error_nomem(err, 1024);
}

wg_code wg_receipt_print(const wg_receipt *receipt, wg_buf *out, wg_error *err) {
    wg_sha256 id;
    WG_TRY(wg_receipt_core_id(receipt, &id, err));
    bool ok = wg_buf_append_str(out, "{");
    const bool carried = receipt->has_merkle || receipt->carries_params || receipt->statement.data != NULL;
    if (carried) ok = ok && put_carried(out, receipt);
    ok = ok && put_digest(out, "chain", &receipt->chain) && comma(out) && put_digest(out, "core_id", &id) &&
         comma(out) && put_rest(out, receipt, false);
    return ok ? WG_OK : wg_error_nomem(err, 1024);
}
