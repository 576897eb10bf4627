/* Proofs of single rows: the path from a row to the Merkle root of a receipt. Whoever has the receipt can check one without seeing the other rows.
 * The rows are cut and hashed chunk by chunk: memory is that of the digests of one chunk and of the chunks. */
#include "api/api_internal.h"
#include "format/json/json.h"

typedef struct prover {
    wg_arena arena;
    wg_receipt receipt;
    wg_slice text; /* of the row */
    wg_buf leaves; /* of its chunk */
    wg_buf scratch;
    wg_sha256 path[2 * WG_RECEIPT_PATH_MAX];
    uint32_t path_count;
} prover;

static wg_code read_receipt(const wg_receipt_request *q, wg_arena *arena, wg_receipt *out, wg_error *err) {
    char place[WG_RECEIPT_PLACE_SIZE];
    if (q->receipt == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "there is no receipt");
    WG_TRY(wg_receipt_read(wg_slice_of(q->receipt, q->receipt_size), arena, out, place, err));
    if (out->has_merkle) return WG_OK;
    return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                        "the receipt has no Merkle root: single rows can be shown only of receipts that have one");
}

/* Leaves of the chunk that holds the row, and the row itself. */
static wg_code take_leaves(prover *p, const wg_receipt_request *q, uint64_t row, wg_error *err) {
    const uint64_t first = row - row % WG_RECEIPT_CHUNK_ROWS;
    const wg_slice text = wg_slice_of(q->rows, q->rows_size);
    size_t offset = 0;
    bool found = true;
    wg_slice piece;
    WG_TRY(wg_receipt_rows_next(text, &offset, &p->scratch, &piece, &found, err));
    for (uint64_t i = 0; i < first + WG_RECEIPT_CHUNK_ROWS; i++) {
        WG_TRY(wg_receipt_rows_next(text, &offset, &p->scratch, &piece, &found, err));
        if (!found) return WG_OK;
        wg_sha256 leaf;
        wg_receipt_leaf(piece, &leaf);
        if (i == row) p->text = piece;
        if (i >= first && !wg_buf_append(&p->leaves, leaf.bytes, sizeof leaf.bytes)) return wg_error_nomem(err, 32);
    }
    return WG_OK;
}

static wg_code find_path(prover *p, uint64_t row, wg_error *err) {
    const wg_sha256 *leaves = (const wg_sha256 *)(const void *)p->leaves.data;
    const size_t count = p->leaves.size / sizeof *leaves;
    const size_t chunk = (size_t)(row / WG_RECEIPT_CHUNK_ROWS);
    uint32_t upper = 0;
    wg_sha256 root;
    WG_TRY(wg_receipt_tree_root(leaves, count, &root, err));
    if (p->text.data == NULL || chunk >= p->receipt.chunk_count ||
        memcmp(root.bytes, p->receipt.chunks[chunk].bytes, sizeof root.bytes) != 0)
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET,
                            "the rows are not those of the receipt: chunk %zu, that of row %llu, differs", chunk,
                            (unsigned long long)row);
    WG_TRY(wg_receipt_tree_path(leaves, count, (size_t)(row % WG_RECEIPT_CHUNK_ROWS), p->path, &p->path_count, err));
    WG_TRY(
        wg_receipt_tree_path(p->receipt.chunks, p->receipt.chunk_count, chunk, p->path + p->path_count, &upper, err));
    p->path_count += upper;
    return WG_OK;
}

static wg_code write_proof(prover *p, uint64_t row, wg_write_fn write, void *ctx, wg_error *err) {
    wg_buf *out = &p->scratch;
    const wg_value text = wg_value_str(p->text);
    out->size = 0;
    bool ok = wg_buf_append_str(out, "{\"path\":[");
    for (uint32_t i = 0; i < p->path_count && ok; i++) {
        char hex[65];
        wg_sha256_hex(&p->path[i], hex);
        ok = wg_buf_printf(out, "%s\"%s\"", i == 0 ? "" : ",", hex);
    }
    ok = ok && wg_buf_printf(out, "],\"row\":%llu,\"text\":", (unsigned long long)row) &&
         wg_value_print_json(out, &text) && wg_buf_append_str(out, "}");
    if (!ok) return wg_error_nomem(err, 64);
    return write(ctx, out->data, out->size) ? WG_OK
                                            : wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "the writer stopped");
}

wg_code wg_receipt_prove_row(const wg_receipt_request *request, uint64_t row, wg_write_fn write, void *ctx,
                             wg_error *err) {
    if (request == NULL || request->rows == NULL || write == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "a proof needs receipt, rows and write");
    prover p = {0};
    wg_arena_init(&p.arena, NULL);
    wg_buf_init(&p.leaves, NULL);
    wg_buf_init(&p.scratch, NULL);
    wg_code code = read_receipt(request, &p.arena, &p.receipt, err);
    if (code == WG_OK && row >= p.receipt.row_count)
        code = wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "row %llu of an answer of %llu rows",
                            (unsigned long long)row, (unsigned long long)p.receipt.row_count);
    if (code == WG_OK) code = take_leaves(&p, request, row, err);
    if (code == WG_OK) code = find_path(&p, row, err);
    if (code == WG_OK) code = write_proof(&p, row, write, ctx, err);
    wg_buf_deinit(&p.scratch);
    wg_buf_deinit(&p.leaves);
    wg_arena_deinit(&p.arena);
    return code;
}

/* ---- checking */

static const wg_value *entry(const wg_value *map, const char *key, wg_type type) {
    for (uint32_t i = 0; map->type == WG_TYPE_MAP && i < map->size; i++) {
        const wg_map_entry *e = &map->as.map[i];
        if (wg_slice_is(wg_slice_of(e->key, e->key_size), key)) return e->value.type == type ? &e->value : NULL;
    }
    return NULL;
}

static bool digest_of(const wg_value *v, wg_sha256 *out) {
    static const char digits[] = "0123456789abcdef";
    if (v->type != WG_TYPE_STRING || v->size != 64) return false;
    for (size_t i = 0; i < 64; i++) {
        const char *at = v->as.s[i] == '\0' ? NULL : strchr(digits, v->as.s[i]);
        if (at == NULL) return false;
        const uint8_t half = (uint8_t)(at - digits);
        out->bytes[i / 2] = (uint8_t)(i % 2 == 0 ? half << 4 : out->bytes[i / 2] | half);
    }
    return true;
}

static wg_code check_row(prover *p, wg_slice proof, bool *out_ok, wg_error *err) {
    wg_value map;
    wg_sha256 leaf;
    WG_TRY(wg_json_read(proof, &p->arena, &map, err));
    const wg_value *path = entry(&map, "path", WG_TYPE_LIST);
    const wg_value *row = entry(&map, "row", WG_TYPE_INT);
    const wg_value *text = entry(&map, "text", WG_TYPE_STRING);
    if (path == NULL || row == NULL || row->as.i < 0 || text == NULL || path->size > 2 * WG_RECEIPT_PATH_MAX)
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "a proof has \"path\", \"row\" and \"text\"");
    for (uint32_t i = 0; i < path->size; i++)
        if (!digest_of(&path->as.list[i], &p->path[i]))
            return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "element %u of the proof's path is no digest", i);
    wg_receipt_leaf(wg_value_slice(text), &leaf);
    *out_ok = wg_receipt_path_holds(&leaf, (uint64_t)row->as.i, p->receipt.row_count, p->path, path->size,
                                    &p->receipt.merkle_root);
    return WG_OK;
}

wg_code wg_receipt_check_row(const wg_receipt_request *request, const char *proof, size_t proof_size, bool *out_ok,
                             wg_error *err) {
    if (request == NULL || proof == NULL || out_ok == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "a check needs receipt, proof and out");
    prover p = {0};
    wg_arena_init(&p.arena, NULL);
    wg_code code = read_receipt(request, &p.arena, &p.receipt, err);
    if (code == WG_OK) code = check_row(&p, wg_slice_of(proof, proof_size), out_ok, err);
    wg_arena_deinit(&p.arena);
    return code;
}
