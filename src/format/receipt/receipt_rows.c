/* Rows of an answer: their hash, the Merkle tree over them, and cutting the text of an answer into rows. See receipt.h.
 *
 * The tree is that of RFC 9162, section 2.1: leaf = SHA-256(00 | row), node = SHA-256(01 | left | right), the left part holding the largest power
 * of two of leaves below the count. A chunk of 4,096 rows is therefore always a node of the tree, whose digests receipts carry. */
#include "format/receipt/receipt.h"

typedef struct subtree {
    uint64_t leaves;
    wg_sha256 digest;
} subtree;

void wg_receipt_leaf(wg_slice row, wg_sha256 *out) {
    static const uint8_t zero = 0;
    const wg_slice parts[] = {wg_slice_of(&zero, 1), row};
    wg_sha256_of(parts, 2, out);
}

static void join(const wg_sha256 *left, const wg_sha256 *right, wg_sha256 *out) {
    static const uint8_t one = 1;
    const wg_slice parts[] = {wg_slice_of(&one, 1), wg_slice_of(left->bytes, 32), wg_slice_of(right->bytes, 32)};
    wg_sha256_of(parts, 3, out);
}

static subtree *stack_of(wg_buf *stack) { return (subtree *)(void *)stack->data; }

/* Subtrees of equal size are joined at once: the stack holds one for each bit of the count. */
static wg_code push(wg_buf *stack, const wg_sha256 *leaf, wg_error *err) {
    subtree s = {.leaves = 1, .digest = *leaf};
    size_t count = stack->size / sizeof s;
    while (count > 0 && stack_of(stack)[count - 1].leaves == s.leaves) {
        join(&stack_of(stack)[count - 1].digest, &s.digest, &s.digest);
        s.leaves *= 2;
        count--;
    }
    stack->size = count * sizeof s;
    return wg_buf_append(stack, &s, sizeof s) ? WG_OK : wg_error_nomem(err, sizeof s);
}

/* Joins what is left from the right. */
static void root_of_stack(wg_buf *stack, wg_sha256 *out) {
    const size_t count = stack->size / sizeof(subtree);
    if (count == 0) {
        wg_sha256_of(NULL, 0, out);
        return;
    }
    *out = stack_of(stack)[count - 1].digest;
    for (size_t i = count - 1; i > 0; i--) join(&stack_of(stack)[i - 1].digest, out, out);
    stack->size = 0;
}

wg_code wg_receipt_tree_root(const wg_sha256 *nodes, size_t count, wg_sha256 *out, wg_error *err) {
    wg_buf stack;
    wg_buf_init(&stack, NULL);
    wg_code code = WG_OK;
    for (size_t i = 0; i < count && code == WG_OK; i++) code = push(&stack, &nodes[i], err);
    if (code == WG_OK) root_of_stack(&stack, out);
    wg_buf_deinit(&stack);
    return code;
}

static size_t split_of(size_t count) {
    size_t k = 1;
    while (k * 2 < count) k *= 2;
    return k;
}

wg_code wg_receipt_tree_path(const wg_sha256 *leaves, size_t count, size_t index, wg_sha256 *path,
                             uint32_t *out_count, wg_error *err) {
    wg_sha256 down[WG_RECEIPT_PATH_MAX]; /* from the root */
    uint32_t n = 0;
    WG_ASSERT(index < count);
    for (; count > 1; n++) {
        const size_t left = split_of(count);
        if (index < left) {
            WG_TRY(wg_receipt_tree_root(leaves + left, count - left, &down[n], err));
            count = left;
        } else {
            WG_TRY(wg_receipt_tree_root(leaves, left, &down[n], err));
            leaves += left;
            index -= left;
            count -= left;
        }
    }
    for (uint32_t i = 0; i < n; i++) path[i] = down[n - 1 - i];
    *out_count = n;
    return WG_OK;
}

bool wg_receipt_path_holds(const wg_sha256 *leaf, uint64_t index, uint64_t count, const wg_sha256 *path,
                           uint32_t path_count, const wg_sha256 *root) {
    if (index >= count) return false;
    uint64_t at = index;
    uint64_t last = count - 1;
    wg_sha256 r = *leaf;
    for (uint32_t i = 0; i < path_count; i++) {
        if (last == 0) return false;
        if ((at & 1) != 0 || at == last) {
            join(&path[i], &r, &r);
            while ((at & 1) == 0 && at != 0) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            join(&r, &path[i], &r);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && memcmp(r.bytes, root->bytes, sizeof r.bytes) == 0;
}

/* ---- hashing rows as they come */

wg_code wg_receipt_rows_begin(wg_receipt_rows *rows, bool merkle, wg_error *err) {
    *rows = (wg_receipt_rows){.merkle = merkle, .state = wg_sha256_begin()};
    wg_buf_init(&rows->inner, NULL);
    wg_buf_init(&rows->chunks, NULL);
    return rows->state != NULL ? WG_OK : wg_error_nomem(err, 128);
}

void wg_receipt_rows_deinit(wg_receipt_rows *rows) {
    wg_sha256_end(rows->state, NULL);
    rows->state = NULL;
    wg_buf_deinit(&rows->inner);
    wg_buf_deinit(&rows->chunks);
}

wg_code wg_receipt_rows_header(wg_receipt_rows *rows, wg_slice header, wg_error *err) {
    (void)err;
    wg_sha256_add(rows->state, header.data, header.size);
    wg_sha256_add(rows->state, "\n", 1);
    return WG_OK;
}

static wg_code end_chunk(wg_receipt_rows *rows, wg_error *err) {
    wg_sha256 chunk;
    root_of_stack(&rows->inner, &chunk);
    return wg_buf_append(&rows->chunks, chunk.bytes, sizeof chunk.bytes) ? WG_OK
                                                                         : wg_error_nomem(err, sizeof chunk.bytes);
}

wg_code wg_receipt_rows_add(wg_receipt_rows *rows, wg_slice row, wg_error *err) {
    wg_sha256_add(rows->state, row.data, row.size);
    wg_sha256_add(rows->state, "\n", 1);
    rows->row_count++;
    if (!rows->merkle) return WG_OK;
    wg_sha256 leaf;
    wg_receipt_leaf(row, &leaf);
    WG_TRY(push(&rows->inner, &leaf, err));
    return rows->row_count % WG_RECEIPT_CHUNK_ROWS == 0 ? end_chunk(rows, err) : WG_OK;
}

wg_code wg_receipt_rows_end(wg_receipt_rows *rows, wg_sha256 *out_hash, wg_sha256 *out_root, wg_error *err) {
    if (rows->merkle && rows->row_count % WG_RECEIPT_CHUNK_ROWS != 0) WG_TRY(end_chunk(rows, err));
    wg_sha256 root;
    if (rows->merkle) {
        WG_TRY(wg_receipt_tree_root((const wg_sha256 *)(const void *)rows->chunks.data, rows->chunks.size / 32, &root,
                                    err));
        *out_root = root;
    }
    wg_sha256_end(rows->state, out_hash);
    rows->state = NULL;
    return WG_OK;
}

/* ---- cutting */

static wg_code broken(size_t offset, const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, offset, "rows: %s", what);
}

/* One past the end of the array or object that begins at `from`; 0: it has no end. */
static size_t skip_value(wg_slice text, size_t from) {
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = from; i < text.size; i++) {
        const uint8_t c = text.data[i];
        if (in_string) {
            if (c == '\\') i++;
            if (c == '"') in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '[' || c == '{') depth++;
        if (c != ']' && c != '}') continue;
        if (depth <= 1) return depth == 1 ? i + 1 : 0;
        depth--;
    }
    return 0;
}

static bool stands_at(wg_slice text, size_t at, const char *what) {
    const size_t size = strlen(what);
    return at <= text.size && text.size - at >= size && memcmp(text.data + at, what, size) == 0;
}

static wg_code cut_header(wg_slice text, size_t *offset, wg_buf *scratch, wg_slice *out, wg_error *err) {
    static const char columns[] = "{\"columns\":", types[] = ",\"types\":", rows[] = ",\"rows\":[";
    size_t at = 0;
    if (!stands_at(text, at, columns)) return broken(at, "they begin with {\"columns\":", err);
    at = skip_value(text, sizeof columns - 1);
    if (at == 0 || !stands_at(text, at, types)) return broken(at, "the columns are followed by ,\"types\":", err);
    const size_t types_at = at + sizeof types - 1;
    at = skip_value(text, types_at);
    if (at == 0 || !stands_at(text, at, rows)) return broken(types_at, "the types are followed by ,\"rows\":[", err);
    scratch->size = 0;
    if (!wg_buf_append(scratch, text.data, at) || !wg_buf_append_u8(scratch, '}')) return wg_error_nomem(err, at);
    *out = wg_buf_slice(scratch);
    *offset = at + sizeof rows - 1;
    return WG_OK;
}

wg_code wg_receipt_rows_next(wg_slice text, size_t *offset, wg_buf *scratch, wg_slice *out, bool *out_found,
                             wg_error *err) {
    *out_found = true;
    if (*offset == 0) return cut_header(text, offset, scratch, out, err);
    size_t at = *offset;
    const bool first = text.data[at - 1] == '['; /* "rows":[ has just been passed; a row ends with ] */
    if (stands_at(text, at, "]}")) {
        at += 2;
        if (stands_at(text, at, "\n")) at++;
        if (at != text.size) return broken(at, "bytes follow their end", err);
        *offset = at - 1; /* stays at a place that is no beginning of a row */
        *out_found = false;
        return WG_OK;
    }
    if (!first && !stands_at(text, at, ",")) return broken(at, "a comma stands between two rows", err);
    if (!first) at++;
    if (!stands_at(text, at, "[")) return broken(at, "a row is an array", err);
    const size_t end = skip_value(text, at);
    if (end == 0) return broken(at, "a row has no end", err);
    *out = wg_slice_of(text.data + at, end - at);
    *offset = end;
    return WG_OK;
}
