/* Reading receipts. What is read is printed and compared with what came, so the checks here only have to make sure that printing is possible and
 * that the parts agree; they need not care for spelling. See receipt.h. */
#include "format/receipt/receipt.h"

#include <stdio.h>

#include "format/json/json.h"

typedef struct reader {
    wg_arena *arena;
    wg_error *err;
    char *place;
} reader;

static wg_code wrong(const reader *rd, const char *place, uint64_t offset, const char *what) {
    (void)snprintf(rd->place, WG_RECEIPT_PLACE_SIZE, "%s", place);
    return wg_error_set(rd->err, WG_E_CORRUPT, offset, "%s: %s", place, what);
}

static wg_code wrong_number(const reader *rd, const char *place, uint32_t n, const char *what) {
    (void)snprintf(rd->place, WG_RECEIPT_PLACE_SIZE, "%s %u", place, n);
    return wg_error_set(rd->err, WG_E_CORRUPT, WG_NO_OFFSET, "%s %u: %s", place, n, what);
}

static wg_code bad_key(const reader *rd, const char *key) {
    (void)snprintf(rd->place, WG_RECEIPT_PLACE_SIZE, "%s", key);
    return wg_error_set(rd->err, WG_E_CORRUPT, WG_NO_OFFSET, "the receipt's \"%s\" is missing or no such value", key);
}

/* ---- typed parts of an object; NULL or false: not there, or of another kind */

static const wg_value *entry(const wg_value *map, const char *key) {
    for (uint32_t i = 0; i < map->size; i++)
        if (wg_slice_is(wg_slice_of(map->as.map[i].key, map->as.map[i].key_size), key)) return &map->as.map[i].value;
    return NULL;
}

static const wg_value *typed_entry(const wg_value *map, const char *key, wg_type type) {
    const wg_value *v = entry(map, key);
    return v != NULL && v->type == type ? v : NULL;
}

static int digit_of(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_of(const wg_value *v, uint8_t *out, size_t size) {
    if (v == NULL || v->type != WG_TYPE_STRING || v->size != 2 * size) return false;
    const uint8_t *s = wg_value_slice(v).data;
    for (size_t i = 0; i < size; i++) {
        const int high = digit_of(s[2 * i]);
        const int low = digit_of(s[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool number_of(const wg_value *map, const char *key, uint64_t *out) {
    const wg_value *v = typed_entry(map, key, WG_TYPE_INT);
    if (v == NULL || v->as.i < 0) return false;
    *out = (uint64_t)v->as.i;
    return true;
}

static bool digest_of(const wg_value *map, const char *key, wg_sha256 *out) {
    return hex_of(entry(map, key), out->bytes, sizeof out->bytes);
}

static bool text_of(const wg_value *map, const char *key, wg_slice *out) {
    const wg_value *v = typed_entry(map, key, WG_TYPE_STRING);
    if (v == NULL) return false;
    *out = v->size > 0 ? wg_value_slice(v) : wg_slice_str("");
    return true;
}

/* ---- the core */

static wg_code read_params(const reader *rd, const wg_value *map, wg_receipt *out) {
    const wg_value *list = typed_entry(map, "parameters", WG_TYPE_LIST);
    if (list == NULL || list->size > WG_RECEIPT_PARAMS_MAX) return bad_key(rd, "parameters");
    wg_receipt_param *params = wg_arena_alloc_zero(rd->arena, ((size_t)list->size + 1) * sizeof *params);
    if (params == NULL) return wg_error_nomem(rd->err, list->size * sizeof *params);
    for (uint32_t i = 0; i < list->size; i++) {
        const wg_value *item = &list->as.list[i];
        if (item->type != WG_TYPE_MAP || !digest_of(item, "hash", &params[i].hash) ||
            !text_of(item, "name", &params[i].name))
            return bad_key(rd, "parameters");
    }
    out->params = params;
    out->param_count = list->size;
    return WG_OK;
}

static wg_code read_core(const reader *rd, const wg_value *map, wg_receipt *out) {
    static const char *const digests[] = {"chain", "parameter_hash", "plan_hash", "result_hash"};
    wg_sha256 *const places[] = {&out->chain, &out->parameter_hash, &out->plan_hash, &out->result_hash};
    uint64_t semantics = 0;
    for (size_t i = 0; i < 4; i++)
        if (!digest_of(map, digests[i], places[i])) return bad_key(rd, digests[i]);
    if (!number_of(map, "row_count", &out->row_count)) return bad_key(rd, "row_count");
    if (!number_of(map, "semantics", &semantics) || semantics > UINT32_MAX) return bad_key(rd, "semantics");
    if (!number_of(map, "snapshot", &out->snapshot)) return bad_key(rd, "snapshot");
    if (!hex_of(entry(map, "store"), out->store, sizeof out->store)) return bad_key(rd, "store");
    out->semantics = (uint32_t)semantics;
    if (out->format < 2) return WG_OK;
    const wg_value *optimizer = typed_entry(map, "optimizer", WG_TYPE_BOOL);
    if (optimizer == NULL) return bad_key(rd, "optimizer");
    out->optimizer = optimizer->as.b;
    if (!digest_of(map, "statement_hash", &out->statement_hash)) return bad_key(rd, "statement_hash");
    out->has_merkle = entry(map, "merkle_root") != NULL;
    if (out->has_merkle && !digest_of(map, "merkle_root", &out->merkle_root)) return bad_key(rd, "merkle_root");
    return read_params(rd, map, out);
}

/* ---- what stands beside it */

static wg_code read_chunks(const reader *rd, const wg_value *carried, wg_receipt *out) {
    const wg_value *list = typed_entry(carried, "chunks", WG_TYPE_LIST);
    if (list == NULL) return bad_key(rd, "chunks");
    wg_sha256 *chunks = wg_arena_alloc(rd->arena, ((size_t)list->size + 1) * sizeof *chunks);
    if (chunks == NULL) return wg_error_nomem(rd->err, list->size * sizeof *chunks);
    for (uint32_t i = 0; i < list->size; i++)
        if (!hex_of(&list->as.list[i], chunks[i].bytes, sizeof chunks[i].bytes))
            return wrong_number(rd, "chunk", i, "it is no digest");
    out->chunks = chunks;
    out->chunk_count = list->size;
    return WG_OK;
}

static wg_code read_values(const reader *rd, const wg_value *list, wg_receipt *out) {
    if (list->type != WG_TYPE_LIST || list->size != out->param_count) return bad_key(rd, "parameters");
    wg_receipt_param *params = wg_arena_alloc_zero(rd->arena, ((size_t)list->size + 1) * sizeof *params);
    if (params == NULL) return wg_error_nomem(rd->err, list->size * sizeof *params);
    for (uint32_t i = 0; i < list->size; i++) {
        const size_t size = list->as.list[i].size / 2;
        uint8_t *bytes = wg_arena_alloc(rd->arena, size + 1);
        if (bytes == NULL) return wg_error_nomem(rd->err, size);
        params[i] = out->params[i];
        params[i].value = wg_slice_of(bytes, size);
        if (!hex_of(&list->as.list[i], bytes, size)) return bad_key(rd, "parameters");
    }
    out->params = params;
    out->carries_params = true;
    return WG_OK;
}

static wg_code read_carried(const reader *rd, const wg_value *map, wg_receipt *out) {
    const wg_value *carried = entry(map, "carried");
    if (carried == NULL) return WG_OK;
    if (carried->type != WG_TYPE_MAP || out->format < 2) return bad_key(rd, "carried");
    const wg_value *values = entry(carried, "parameters");
    if (out->has_merkle) WG_TRY(read_chunks(rd, carried, out));
    if (values != NULL) WG_TRY(read_values(rd, values, out));
    if (entry(carried, "statement") != NULL && !text_of(carried, "statement", &out->statement))
        return bad_key(rd, "statement");
    return WG_OK;
}

static bool read_signature(const wg_value *map, wg_receipt_signature *out) {
    return map->type == WG_TYPE_MAP && text_of(map, "build", &out->build) && text_of(map, "isa", &out->isa) &&
           number_of(map, "completed_us", &out->completed_us) && number_of(map, "started_us", &out->started_us) &&
           number_of(map, "shards", &out->shards) && number_of(map, "threads", &out->threads) &&
           hex_of(entry(map, "executor"), out->executor.bytes, sizeof out->executor.bytes) &&
           hex_of(entry(map, "signature"), out->signature.bytes, sizeof out->signature.bytes);
}

static wg_code read_signatures(const reader *rd, const wg_value *map, wg_receipt *out) {
    const wg_value *list = entry(map, "signatures");
    if (list == NULL) return WG_OK;
    if (list->type != WG_TYPE_LIST || list->size > WG_RECEIPT_SIGNATURES_MAX) return bad_key(rd, "signatures");
    wg_receipt_signature *signatures = wg_arena_alloc_zero(rd->arena, ((size_t)list->size + 1) * sizeof *signatures);
    if (signatures == NULL) return wg_error_nomem(rd->err, list->size * sizeof *signatures);
    for (uint32_t i = 0; i < list->size; i++)
        if (!read_signature(&list->as.list[i], &signatures[i]))
            return wrong_number(rd, "signature", i, "a part of it is missing or no such value");
    out->signatures = signatures;
    out->signature_count = list->size;
    return WG_OK;
}

/* ---- what the receipt says of itself */

static wg_code check_spelling(const reader *rd, const wg_receipt *r, wg_slice text) {
    wg_buf again;
    wg_buf_init(&again, NULL);
    wg_code code = wg_receipt_print(r, &again, rd->err);
    const size_t least = again.size < text.size ? again.size : text.size;
    size_t at = 0;
    while (code == WG_OK && at < least && again.data[at] == text.data[at]) at++;
    if (code == WG_OK && (at < least || again.size != text.size)) {
        /* What is printed has the core_id that the core gives: when only that differs, it is what is wrong. */
        static const char id[] = "\"core_id\":\"";
        const uint8_t *found = memmem(again.data, again.size, id, sizeof id - 1);
        const size_t id_at = found == NULL ? SIZE_MAX : (size_t)(found - again.data) + sizeof id - 1;
        const bool in_id = at >= id_at && at < id_at + 64;
        code = in_id ? wrong(rd, "core_id", at, "it is not the hash of the receipt's core: the receipt was changed")
                     : wrong(rd, "receipt", at, "it is not spelled as receipts are");
    }
    wg_buf_deinit(&again);
    return code;
}

static wg_code check_params(const reader *rd, const wg_receipt *r) {
    wg_buf all;
    wg_sha256 hash;
    wg_buf_init(&all, NULL);
    bool ok = wg_buf_append_varint(&all, r->param_count);
    for (uint32_t i = 0; i < r->param_count && ok; i++) {
        const wg_receipt_param *p = &r->params[i];
        wg_sha256_of(&p->value, 1, &hash);
        if (memcmp(hash.bytes, p->hash.bytes, sizeof hash.bytes) != 0) {
            char place[WG_RECEIPT_PLACE_SIZE];
            (void)snprintf(place, sizeof place, "parameter %.*s", (int)(p->name.size < 64 ? p->name.size : 64),
                           (const char *)p->name.data);
            wg_buf_deinit(&all);
            return wrong(rd, place, WG_NO_OFFSET, "the carried value is not the one that was hashed");
        }
        ok = wg_buf_append_varint(&all, p->name.size) && wg_buf_append(&all, p->name.data, p->name.size) &&
             wg_buf_append(&all, p->value.data, p->value.size);
    }
    const wg_slice part = wg_buf_slice(&all);
    if (ok) wg_sha256_of(&part, 1, &hash);
    wg_buf_deinit(&all);
    if (!ok) return wg_error_nomem(rd->err, 64);
    if (memcmp(hash.bytes, r->parameter_hash.bytes, sizeof hash.bytes) != 0)
        return wrong(rd, "parameter_hash", WG_NO_OFFSET, "the carried parameters do not give it");
    return WG_OK;
}

static wg_code check_carried(const reader *rd, const wg_receipt *r) {
    wg_sha256 hash;
    if (r->statement.data != NULL) {
        wg_sha256_of(&r->statement, 1, &hash);
        if (memcmp(hash.bytes, r->statement_hash.bytes, sizeof hash.bytes) != 0)
            return wrong(rd, "statement", WG_NO_OFFSET, "the carried text is not the one that was hashed");
    }
    if (r->carries_params) WG_TRY(check_params(rd, r));
    if (!r->has_merkle) return WG_OK;
    if (r->chunk_count != r->row_count / WG_RECEIPT_CHUNK_ROWS + (r->row_count % WG_RECEIPT_CHUNK_ROWS != 0))
        return wrong(rd, "chunks", WG_NO_OFFSET, "their number is not that of the rows");
    WG_TRY(wg_receipt_tree_root(r->chunks, r->chunk_count, &hash, rd->err));
    if (memcmp(hash.bytes, r->merkle_root.bytes, sizeof hash.bytes) != 0)
        return wrong(rd, "chunks", WG_NO_OFFSET, "they do not give the Merkle root");
    return WG_OK;
}

static wg_code check_signature(const reader *rd, const wg_receipt *r, uint32_t i) {
    const wg_receipt_signature *s = &r->signatures[i];
    bool valid = false;
    wg_buf message;
    wg_buf_init(&message, NULL);
    wg_code code = wg_receipt_signed_bytes(r, s, &message, rd->err);
    if (code == WG_OK) code = wg_sign_verify(&s->executor, wg_buf_slice(&message), &s->signature, &valid, rd->err);
    wg_buf_deinit(&message);
    if (code == WG_OK && !valid) code = wrong_number(rd, "signature", i, "it is not that of its executor");
    return code;
}

wg_code wg_receipt_read(wg_slice text, wg_arena *arena, wg_receipt *out, char place[WG_RECEIPT_PLACE_SIZE],
                        wg_error *err) {
    wg_value map;
    wg_receipt r = {0};
    uint64_t format = 0;
    wg_error json = {0};
    wg_error own = {0};
    const reader rd = {.arena = arena, .err = err != NULL ? err : &own, .place = place};
    place[0] = '\0';
    if (text.size > WG_RECEIPT_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a receipt of %zu bytes: at most %u are read", text.size,
                            WG_RECEIPT_BYTES_MAX);
    if (text.size > 0 && text.data[text.size - 1] == '\n') text.size--;
    const wg_code parsed = wg_json_read(text, arena, &map, &json);
    if (parsed == WG_E_NOMEM) return wg_error_nomem(err, text.size);
    if (parsed != WG_OK) return wrong(&rd, "receipt", json.offset, json.message);
    if (map.type != WG_TYPE_MAP) return wrong(&rd, "receipt", 0, "it is no JSON object");
    if (!number_of(&map, "format", &format) || format == 0) return bad_key(&rd, "format");
    if (format > WG_RECEIPT_FORMAT)
        return wg_error_set(err, WG_E_VERSION, WG_NO_OFFSET, "a receipt of format %llu: this version reads up to %d",
                            (unsigned long long)format, (int)WG_RECEIPT_FORMAT);
    r.format = (uint32_t)format;
    WG_TRY(read_core(&rd, &map, &r));
    WG_TRY(read_carried(&rd, &map, &r));
    WG_TRY(read_signatures(&rd, &map, &r));
    if (r.has_merkle && r.chunk_count == 0 && r.row_count > 0) return bad_key(&rd, "chunks");
    WG_TRY(check_spelling(&rd, &r, text));
    WG_TRY(check_carried(&rd, &r));
    for (uint32_t i = 0; i < r.signature_count; i++) WG_TRY(check_signature(&rd, &r, i));
    *out = r;
    return WG_OK;
}
