/* Nested columns: rows of a group, or of lists in lists, put together from the entries of several leaves.
 *
 *   entry   of a leaf: a repetition level, a definition level and, at the highest definition level, a value
 *   node    LEAF    null below its level `def`
 *           STRUCT  null below `def`; a MAP of its fields
 *           LIST    null below `def`; empty below `entry_def`; else elements, each further one beginning with an entry of repetition level `rep`
 *           MAP     the same with a key and a value for each
 *
 * A row is read from the root down: a node that is there reads its parts in turn, one that is null or empty takes one entry of each leaf below it.
 * All leaves below a node must tell the same: each entry that is taken is checked to have the repetition level that its place asks for, and where
 * something is null or empty the definition level of the first leaf. So entries that contradict each other are WG_E_CORRUPT, never a
 * shifted column.
 *
 * Values live in an arena until the next call; lists are built on a stack of items first, because their length shows at their end. A batch builds at
 * most ITEMS_MAX values, since a run of repeated levels makes elements out of no bytes: more is WG_E_LIMIT. Keys of maps become text; of equal keys
 * the last one counts, as the format says; a null key is WG_E_VALUE. */
#include "base/text/text.h"
#include "format/parquet/nested_internal.h"

enum { ITEMS_USUAL = 1 << 18, ITEMS_MAX = 1 << 24 };

typedef struct leaf_cursor {
    wg_parquet_reader *reader;
    const wg_parquet_column *column;
    wgi_parquet_entries entries;
    uint64_t left; /* of the chunk, behind those at hand */
} leaf_cursor;

struct wgi_parquet_nested {
    wg_account *account;
    const wgi_parquet_node *root;
    leaf_cursor *leaves;
    uint32_t leaf_count; /* opened */
    uint32_t first_leaf;
    uint32_t capacity;
    uint64_t rows_left;
    uint32_t batch_rows;
    wg_arena arena;
    wg_value *items; /* a stack */
    size_t item_count;
    size_t item_capacity;
    uint64_t built; /* values of this batch */
    wgi_parquet_scratch cells;
    wgi_parquet_node chain[WG_PARQUET_DEPTH_MAX + 2]; /* of a leaf inside of several lists */
    const wgi_parquet_node *links[WG_PARQUET_DEPTH_MAX + 2];
    uint8_t valid[WG_BATCH_ROWS_MAX / 8 + 8];
};

/* ---- life */

void wgi_parquet_nested_destroy(wgi_parquet_nested *n) {
    if (n == NULL) return;
    for (uint32_t i = 0; i < n->capacity; i++) wg_parquet_reader_destroy(n->leaves[i].reader);
    wg_free(n->leaves);
    wg_free(n->items);
    wg_free(n->cells.data);
    wg_arena_deinit(&n->arena);
    wg_free(n);
}

wg_code wgi_parquet_nested_create(wg_account *account, wgi_parquet_nested **out, wg_error *err) {
    wgi_parquet_nested *n = wg_alloc_zero(account, sizeof *n);
    if (n == NULL) return wg_error_nomem(err, sizeof *n);
    n->account = account;
    n->cells.account = account;
    wg_arena_init(&n->arena, account);
    *out = n;
    return WG_OK;
}

/* Lists in lists around one leaf. */
static const wgi_parquet_node *chain_make(wgi_parquet_nested *n, const wg_parquet_column *c) {
    for (uint32_t i = 0; i <= c->max_rep; i++) {
        wgi_parquet_node *node = &n->chain[i];
        *node = (wgi_parquet_node){.kind = WGI_PARQUET_NODE_LEAF, .def = c->max_def, .leaf_count = 1};
        n->links[i] = node;
        if (i == c->max_rep) break;
        node->kind = WGI_PARQUET_NODE_LIST;
        node->entry_def = c->entry_defs[i];
        node->def = (uint16_t)(c->entry_defs[i] - 1);
        node->rep = (uint16_t)(i + 1);
        node->child_count = 1;
        node->children = &n->links[i + 1];
    }
    return n->links[0];
}

static bool leaves_grow(wgi_parquet_nested *n, uint32_t count) {
    if (count <= n->capacity) return true;
    leaf_cursor *leaves = wg_realloc(n->account, n->leaves, count * sizeof *leaves);
    if (leaves == NULL) return false;
    memset(leaves + n->capacity, 0, (count - n->capacity) * sizeof *leaves);
    n->leaves = leaves;
    n->capacity = count;
    return true;
}

wg_code wgi_parquet_nested_open(wgi_parquet_nested *n, const wg_parquet_source *source, wg_error *err) {
    const wg_parquet_column *column = source->column;
    const bool alone = column->node == NULL;
    const uint32_t count = alone ? 1 : column->leaf_count;
    uint64_t usual = 1;
    n->leaf_count = 0;
    n->root = alone ? chain_make(n, column) : column->node;
    n->first_leaf = alone ? 0 : column->first_leaf;
    if (!leaves_grow(n, count)) return wg_error_nomem(err, count * sizeof *n->leaves);
    for (uint32_t i = 0; i < count; i++) {
        leaf_cursor *leaf = &n->leaves[i];
        wg_parquet_source of = *source;
        of.entries = true;
        of.places = NULL;
        of.place_count = 0;
        if (!alone) of.column = &source->columns[n->first_leaf + i];
        if (!alone) of.chunk = &source->chunks[n->first_leaf + i];
        if (leaf->reader == NULL) WG_TRY(wg_parquet_reader_alloc(n->account, &leaf->reader, err));
        WG_TRY(wg_parquet_reader_open(leaf->reader, &of, err));
        leaf->column = of.column;
        leaf->entries = (wgi_parquet_entries){0};
        leaf->left = of.chunk->value_count;
        if (source->row_count > 0) usual = wg_max_u64(usual, leaf->left / source->row_count + 1);
        n->leaf_count++;
    }
    n->rows_left = source->row_count;
    n->batch_rows = (uint32_t)wg_max_u64(1, wg_min_u64(WG_BATCH_ROWS_MAX, ITEMS_USUAL / (usual * count) + 1));
    return WG_OK;
}

uint64_t wgi_parquet_nested_decoded_bytes(const wgi_parquet_nested *n) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; n != NULL && i < n->capacity; i++)
        if (n->leaves[i].reader != NULL) bytes += wg_parquet_reader_decoded_bytes(n->leaves[i].reader);
    return bytes;
}

uint64_t wgi_parquet_nested_read_bytes(const wgi_parquet_nested *n) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; n != NULL && i < n->capacity; i++)
        if (n->leaves[i].reader != NULL) bytes += wg_parquet_reader_read_bytes(n->leaves[i].reader);
    return bytes;
}

uint32_t wgi_parquet_nested_ready(const wgi_parquet_nested *n) {
    return (uint32_t)wg_min_u64(n->batch_rows, n->rows_left);
}

/* ---- entries */

static wg_code contradiction(leaf_cursor *leaf, wg_error *err) {
    return wgi_parquet_reader_corrupt(leaf->reader,
                                      "the levels of its entries contradict each other or its row count", err);
}

static wg_code entry_ready(leaf_cursor *leaf, bool *out, wg_error *err) {
    if (leaf->entries.at == leaf->entries.count && leaf->left > 0) {
        WG_TRY(wgi_parquet_entries_next(leaf->reader, &leaf->entries, err));
        leaf->left -= leaf->entries.count;
    }
    *out = leaf->entries.at < leaf->entries.count;
    return WG_OK;
}

/* The levels of the next entry, which must be there. */
static wg_code entry_levels(leaf_cursor *leaf, uint32_t *rep, uint32_t *def, wg_error *err) {
    bool ready = false;
    WG_TRY(entry_ready(leaf, &ready, err));
    if (!ready) return contradiction(leaf, err);
    *rep = leaf->entries.reps[leaf->entries.at];
    *def = leaf->entries.defs[leaf->entries.at];
    return *rep <= leaf->column->max_rep ? WG_OK : contradiction(leaf, err);
}

/* True when the next entry of the leaf goes on at this repetition level. */
static wg_code goes_on(leaf_cursor *leaf, uint32_t rep, bool *out, wg_error *err) {
    bool ready = false;
    WG_TRY(entry_ready(leaf, &ready, err));
    *out = false;
    if (!ready) return WG_OK;
    const uint32_t next = leaf->entries.reps[leaf->entries.at];
    *out = next == rep;
    return next <= rep ? WG_OK : contradiction(leaf, err);
}

/* Takes the one entry that each leaf below a node has where the node is null or empty. */
static wg_code take_absent(wgi_parquet_nested *n, const wgi_parquet_node *node, uint32_t rep, uint32_t def,
                           wg_error *err) {
    for (uint32_t i = 0; i < node->leaf_count; i++) {
        leaf_cursor *leaf = &n->leaves[node->first_leaf - n->first_leaf + i];
        uint32_t r = 0;
        uint32_t d = 0;
        WG_TRY(entry_levels(leaf, &r, &d, err));
        if (r != rep || d != def) return contradiction(leaf, err);
        leaf->entries.at++;
    }
    return WG_OK;
}

/* ---- values */

static wg_code count_built(wgi_parquet_nested *n, uint64_t more, wg_error *err) {
    n->built += more;
    if (n->built <= ITEMS_MAX) return WG_OK;
    return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET,
                        "parquet: more than 2^24 values in the nested rows of a batch");
}

static wg_code item_push(wgi_parquet_nested *n, const wg_value *v, wg_error *err) {
    if (n->item_count == n->item_capacity) {
        const size_t capacity = n->item_capacity == 0 ? 256 : n->item_capacity * 2;
        wg_value *items = wg_realloc(n->account, n->items, capacity * sizeof *items);
        if (items == NULL) return wg_error_nomem(err, capacity * sizeof *items);
        n->items = items;
        n->item_capacity = capacity;
    }
    n->items[n->item_count++] = *v;
    return WG_OK;
}

static wg_code read_node(wgi_parquet_nested *n, const wgi_parquet_node *node, uint32_t rep, wg_value *out,
                         wg_error *err);

static wg_code read_leaf(wgi_parquet_nested *n, leaf_cursor *leaf, wg_value *out, wg_error *err) {
    const wg_value v = wg_vector_value(&leaf->entries.values, leaf->entries.at);
    WG_TRY(count_built(n, 1, err));
    leaf->entries.at++;
    return wg_value_copy(&n->arena, &v, out) ? WG_OK : wg_error_nomem(err, v.size);
}

static wg_code read_struct(wgi_parquet_nested *n, const wgi_parquet_node *node, uint32_t rep, wg_value *out,
                           wg_error *err) {
    wg_map_entry *entries = wg_arena_alloc(&n->arena, ((size_t)node->child_count + 1) * sizeof *entries);
    if (entries == NULL) return wg_error_nomem(err, node->child_count * sizeof *entries);
    WG_TRY(count_built(n, node->child_count, err));
    for (uint32_t i = 0; i < node->child_count; i++) {
        const wgi_parquet_node *child = node->children[i];
        entries[i].key = child->name;
        entries[i].key_size = child->name_size;
        WG_TRY(read_node(n, child, rep, &entries[i].value, err));
    }
    *out = (wg_value){.type = WG_TYPE_MAP, .size = node->child_count, .as.map = entries};
    return WG_OK;
}

/* Keys are text: strings as they are, bytes that are text, and what prints. */
static wg_code key_text(wgi_parquet_nested *n, const wg_value *v, wg_map_entry *out, wg_error *err) {
    wg_buf text;
    wg_slice cut = wg_value_slice(v);
    if (v->type == WG_TYPE_NULL) return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "parquet: a map has a null key");
    if (v->type == WG_TYPE_BYTES && !wg_utf8_valid(cut, NULL))
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "parquet: a key of a map is no text");
    wg_buf_init(&text, n->account);
    bool ok = true;
    if (v->type != WG_TYPE_STRING && v->type != WG_TYPE_BYTES) {
        ok = wg_value_print_json(&text, v);
        cut = wg_buf_slice(&text);
        if (cut.size >= 2 && cut.data[0] == '"') cut = wg_slice_of(cut.data + 1, cut.size - 2);
    }
    out->key = cut.size == 0 ? "" : wg_arena_copy(&n->arena, cut.data, cut.size);
    out->key_size = cut.size;
    wg_buf_deinit(&text);
    return ok && out->key != NULL ? WG_OK : wg_error_nomem(err, cut.size);
}

static int entry_order(const wg_map_entry *entries, uint32_t a, uint32_t b) {
    const int by_key = wg_slice_compare(wg_slice_of(entries[a].key, entries[a].key_size),
                                        wg_slice_of(entries[b].key, entries[b].key_size));
    return by_key != 0 ? by_key : a < b ? -1 : 1;
}

static void sift(const wg_map_entry *entries, uint32_t *order, size_t at, size_t count) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) return;
        if (child + 1 < count && entry_order(entries, order[child + 1], order[child]) > 0) child++;
        if (entry_order(entries, order[at], order[child]) >= 0) return;
        const uint32_t swap = order[at];
        order[at] = order[child];
        order[child] = swap;
        at = child;
    }
}

/* Sorts by key; of equal keys the last one stays. */
static wg_code map_finish(wgi_parquet_nested *n, const wg_map_entry *entries, uint32_t count, wg_value *out,
                          wg_error *err) {
    uint32_t *order = wg_arena_alloc(&n->arena, ((size_t)count + 1) * sizeof *order);
    wg_map_entry *sorted = wg_arena_alloc(&n->arena, ((size_t)count + 1) * sizeof *sorted);
    if (order == NULL || sorted == NULL) return wg_error_nomem(err, count * sizeof *sorted);
    for (uint32_t i = 0; i < count; i++) order[i] = i;
    for (size_t i = count / 2; i-- > 0;) sift(entries, order, i, count);
    for (size_t i = count; i-- > 1;) {
        const uint32_t swap = order[0];
        order[0] = order[i];
        order[i] = swap;
        sift(entries, order, 0, i);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        const wg_map_entry *e = &entries[order[i]];
        const bool same = kept > 0 && wg_slice_equal(wg_slice_of(e->key, e->key_size),
                                                     wg_slice_of(sorted[kept - 1].key, sorted[kept - 1].key_size));
        if (same) kept--;
        sorted[kept++] = *e;
    }
    *out = (wg_value){.type = WG_TYPE_MAP, .size = kept, .as.map = sorted};
    return WG_OK;
}

/* What lies on the stack from `base` on: elements, or keys and values in turn. */
static wg_code items_finish(wgi_parquet_nested *n, const wgi_parquet_node *node, size_t base, wg_value *out,
                            wg_error *err) {
    const size_t count = n->item_count - base;
    if (node->kind == WGI_PARQUET_NODE_LIST) {
        wg_value *list = wg_arena_alloc(&n->arena, (count + 1) * sizeof *list);
        if (list == NULL) return wg_error_nomem(err, count * sizeof *list);
        if (count != 0) memcpy(list, n->items + base, count * sizeof *list);
        *out = (wg_value){.type = WG_TYPE_LIST, .size = (uint32_t)count, .as.list = list};
        n->item_count = base;
        return WG_OK;
    }
    wg_map_entry *entries = wg_arena_alloc(&n->arena, (count / 2 + 1) * sizeof *entries);
    if (entries == NULL) return wg_error_nomem(err, count * sizeof *entries);
    for (size_t i = 0; i < count / 2; i++) {
        WG_TRY(key_text(n, &n->items[base + 2 * i], &entries[i], err));
        entries[i].value = n->items[base + 2 * i + 1];
    }
    n->item_count = base;
    return map_finish(n, entries, (uint32_t)(count / 2), out, err);
}

static wg_code read_repeated(wgi_parquet_nested *n, const wgi_parquet_node *node, uint32_t rep, wg_value *out,
                             wg_error *err) {
    leaf_cursor *first = &n->leaves[node->first_leaf - n->first_leaf];
    const size_t base = n->item_count;
    const uint32_t parts = node->kind == WGI_PARQUET_NODE_LIST ? 1 : 2;
    for (bool more = true; more; rep = node->rep) {
        for (uint32_t i = 0; i < parts; i++) {
            wg_value v;
            WG_TRY(read_node(n, node->children[i], rep, &v, err));
            WG_TRY(count_built(n, 1, err));
            WG_TRY(item_push(n, &v, err));
        }
        WG_TRY(goes_on(first, node->rep, &more, err));
        if (more && first->entries.defs[first->entries.at] < node->entry_def) return contradiction(first, err);
    }
    return items_finish(n, node, base, out, err);
}

/* Depth: that of the tree, which the schema has checked. */
static wg_code read_node(wgi_parquet_nested *n, const wgi_parquet_node *node, uint32_t rep, wg_value *out,
                         wg_error *err) {
    leaf_cursor *first = &n->leaves[node->first_leaf - n->first_leaf];
    uint32_t r = 0;
    uint32_t def = 0;
    WG_TRY(entry_levels(first, &r, &def, err));
    if (r != rep) return contradiction(first, err);
    *out = wg_value_null();
    if (def < node->def) return take_absent(n, node, rep, def, err);
    if (node->kind == WGI_PARQUET_NODE_LEAF) return read_leaf(n, first, out, err);
    if (node->kind == WGI_PARQUET_NODE_STRUCT) return read_struct(n, node, rep, out, err);
    if (def >= node->entry_def) return read_repeated(n, node, rep, out, err);
    WG_TRY(take_absent(n, node, rep, def, err));
    return items_finish(n, node, n->item_count, out, err);
}

/* ---- rows */

/* Passes a row without putting it together. */
static wg_code row_skip(wgi_parquet_nested *n, wg_error *err) {
    for (uint32_t i = 0; i < n->leaf_count; i++) {
        leaf_cursor *leaf = &n->leaves[i];
        uint32_t rep = 0;
        uint32_t def = 0;
        WG_TRY(entry_levels(leaf, &rep, &def, err));
        if (rep != 0) return contradiction(leaf, err);
        for (bool more = true; more;) {
            leaf->entries.at++;
            WG_TRY(entry_ready(leaf, &more, err));
            more = more && leaf->entries.reps[leaf->entries.at] != 0;
        }
    }
    return WG_OK;
}

/* Entries that are left behind the last row belong to nobody. */
static wg_code end_check(wgi_parquet_nested *n, wg_error *err) {
    for (uint32_t i = 0; i < n->leaf_count && n->rows_left == 0; i++)
        if (n->leaves[i].left > 0 || n->leaves[i].entries.at < n->leaves[i].entries.count)
            return contradiction(&n->leaves[i], err);
    return WG_OK;
}

wg_code wgi_parquet_nested_next(wgi_parquet_nested *n, uint32_t rows_max, const wg_parquet_pick *pick, wg_vector *out,
                                uint32_t *out_rows, wg_error *err) {
    const uint32_t rows = (uint32_t)wg_min_u64(rows_max, wgi_parquet_nested_ready(n));
    if (!wgi_parquet_scratch_ensure(&n->cells, WG_BATCH_ROWS_MAX * sizeof(wg_value)))
        return wg_error_nomem(err, WG_BATCH_ROWS_MAX * sizeof(wg_value));
    wg_value *cells = (wg_value *)(void *)n->cells.data;
    uint32_t made = 0;
    bool nulls = false;
    wg_arena_reset(&n->arena);
    n->item_count = 0;
    n->built = 0;
    for (uint32_t row = 0; row < rows; row++) {
        const bool wanted = pick == NULL || (made < pick->count && pick->rows[made] == row);
        if (!wanted) {
            WG_TRY(row_skip(n, err));
        } else {
            WG_TRY(read_node(n, n->root, 0, &cells[made], err));
            const bool null = cells[made].type == WG_TYPE_NULL;
            nulls |= null;
            if (null) wg_bit_clear(n->valid, made);
            else wg_bit_set(n->valid, made);
            made++;
        }
        n->rows_left--;
    }
    WG_TRY(end_check(n, err));
    const wg_type type = n->root->kind == WGI_PARQUET_NODE_LIST ? WG_TYPE_LIST : WG_TYPE_MAP;
    *out = (wg_vector){.type = type, .kind = WG_VECTOR_FLAT, .data = cells, .valid = nulls ? n->valid : NULL};
    *out_rows = rows;
    return WG_OK;
}

wg_code wgi_parquet_nested_skip(wgi_parquet_nested *n, uint64_t rows, wg_error *err) {
    if (rows > n->rows_left)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "parquet: skipped past the chunk's last row");
    for (; rows > 0; rows--) {
        WG_TRY(row_skip(n, err));
        n->rows_left--;
    }
    return end_check(n, err);
}
