/* Bulk writes: a batch of rows is checked as single writes would be, row after row, and becomes one mutation. See write.c for what is
 * checked and why.
 *
 * What a column's type makes right by itself is not looked at: only text that nobody has checked, values of any type, integers of a
 * declared width and columns that may not be null cost a look at each cell. Keys are hashed once; a row whose hash the index
 * has never seen is a new one without a look at any node. Rows that are left out are gathered away, and what was packed ahead of it is
 * packed again.
 *
 * Failure modes: as wg_txn_create_node, with the row's position; nothing of the batch stays. */
#include "engine/engine_internal.h"

enum { DUPLICATE_SLOTS = 8192, KEYS_AHEAD = 16 }; /* over twice WG_BATCH_ROWS_MAX */

/* A declared column of one label, and where it is in the batch. */
typedef struct declared {
    const wg_label *label;
    const wg_column_def *def;
    uint32_t at; /* UINT32_MAX: the batch has none */
    bool look;   /* cells must be looked at: their width */
} declared;

/* The primary key of one label, or a constraint that says the same of other properties. */
typedef struct key_check {
    const wg_label *label;
    wg_key_index *index; /* of the primary key */
    const wg_rule *rule; /* NULL: it is the primary key */
    uint32_t count;      /* of properties */
    uint32_t at[WG_KEY_COLUMNS_MAX];
    uint64_t *hashes;
    uint16_t *slots; /* of rows of this batch, by hash: row + 1 */
} key_check;

typedef struct checker {
    const wg_txn *txn;
    const wgi_bulk *bulk;
    wg_arena arena;
    declared *declared;
    uint32_t declared_count;
    uint32_t *loose; /* columns whose cells must be looked at whatever is declared */
    uint32_t loose_count;
    key_check *keys;
    uint32_t key_count;
    const wg_label *edge;
    uint16_t *kept; /* rows that stay; NULL: all */
    uint32_t kept_count;
} checker;

/* ---- columns against labels */

static uint32_t column_of_key(const wgi_bulk *b, uint32_t key) {
    for (uint32_t c = 0; c < b->batch.column_count; c++)
        if (b->keys[c] == key) return c;
    return UINT32_MAX;
}

static void map_rules(checker *k, const wg_label *label) {
    const wg_catalog *catalog = k->txn->engine->catalog;
    const wg_view newest = wgi_txn_newest(k->txn);
    uint32_t position = 0;
    const wg_rule *rule;
    while ((rule = wg_catalog_next_rule(catalog, newest, label->number, &position)) != NULL) {
        if (wg_rule_is_index(rule->def.kind)) continue;
        key_check *key = &k->keys[k->key_count++];
        *key = (key_check){.label = label, .rule = rule, .count = rule->def.key_count};
        for (uint32_t i = 0; i < key->count; i++) key->at[i] = column_of_key(k->bulk, rule->def.keys[i]);
    }
}

static wg_code map_label(checker *k, const wg_label *label, wg_error *err) {
    for (uint32_t d = 0; d < label->def.column_count; d++) {
        const wg_column_def *def = &label->def.columns[d];
        const uint32_t at = column_of_key(k->bulk, label->column_keys[d]);
        if (at == UINT32_MAX && !def->not_null) continue;
        const bool narrow = def->declared != NULL || (!k->bulk->trusted && def->type == WG_TYPE_INT &&
                                                      def->int_bits != 0 && def->int_bits < 64);
        if (at != UINT32_MAX && def->source == WG_COLUMN_COMPUTED)
            return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET, "column %s.%s is computed and cannot be written",
                                label->def.name, def->name);
        k->declared[k->declared_count++] = (declared){label, def, at, narrow && at != UINT32_MAX};
        if (at == UINT32_MAX || k->bulk->batch.columns[at].type == def->type) continue;
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "bulk column %s is %s where %s is stored", def->name,
                            wg_type_name(k->bulk->batch.columns[at].type), wg_type_name(def->type));
    }
    map_rules(k, label);
    if (label->def.key_count == 0) return WG_OK;
    key_check *key = &k->keys[k->key_count++];
    const wgi_label_state *state = wgi_label_state_at(k->txn->engine, label->number);
    *key = (key_check){.label = label, .index = state->key_index, .count = label->def.key_count};
    for (uint32_t i = 0; i < label->def.key_count; i++)
        key->at[i] = column_of_key(k->bulk, label->column_keys[label->def.key_columns[i]]);
    return WG_OK;
}

/* A column that no label declares must be welcome, and hold values of any type. */
static wg_code check_column(checker *k, uint32_t c, bool open, wg_error *err) {
    const wgi_bulk *b = k->bulk;
    const wg_label *first = b->label_count == 0 ? NULL : wg_catalog_label_at(k->txn->engine->catalog, b->labels[0]);
    const wg_type type = b->batch.columns[c].type;
    if (b->keys[c] >= wg_catalog_key_count(k->txn->engine->catalog))
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "unknown property key %u", b->keys[c]);
    if (column_of_key(b, b->keys[c]) != c)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "bulk column %s appears twice",
                            wgi_key_name(k->txn, b->keys[c]));
    bool known = false;
    for (uint32_t d = 0; d < k->declared_count && !known; d++) known = k->declared[d].at == c;
    if (!known && !open) return wgi_unknown_property(first, wgi_key_name(k->txn, b->keys[c]), err);
    if (!known && type != WG_TYPE_ANY)
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "bulk column %s is %s where %s is stored",
                            wgi_key_name(k->txn, b->keys[c]), wg_type_name(type), wg_type_name(WG_TYPE_ANY));
    if (type == WG_TYPE_ANY || (type == WG_TYPE_STRING && !b->trusted)) k->loose[k->loose_count++] = c;
    return WG_OK;
}

static wg_code map_columns(checker *k, wg_error *err) {
    const wgi_bulk *b = k->bulk;
    uint32_t columns = 0;
    bool open = b->label_count == 0;
    for (uint32_t i = 0; i < b->label_count; i++)
        columns += wg_catalog_label_at(k->txn->engine->catalog, b->labels[i])->def.column_count;
    k->declared = wg_arena_alloc(&k->arena, ((size_t)columns + 1) * sizeof *k->declared);
    const uint32_t rules = wg_catalog_rule_count(k->txn->engine->catalog);
    k->keys = wg_arena_alloc(&k->arena, ((size_t)b->label_count + rules + 1) * sizeof *k->keys);
    k->loose = wg_arena_alloc(&k->arena, ((size_t)b->batch.column_count + 1) * sizeof *k->loose);
    if (k->declared == NULL || k->keys == NULL || k->loose == NULL)
        return wg_error_nomem(err, columns * sizeof *k->declared);
    for (uint32_t i = 0; i < b->label_count; i++) {
        const wg_label *label = wg_catalog_label_at(k->txn->engine->catalog, b->labels[i]);
        open |= label->def.kind == WG_LABEL_OPEN;
        WG_TRY(map_label(k, label, err));
    }
    for (uint32_t c = 0; c < b->batch.column_count; c++) WG_TRY(check_column(k, c, open, err));
    /* Width and absence are looked at where they can be wrong. */
    uint32_t left = 0;
    for (uint32_t d = 0; d < k->declared_count; d++) {
        const declared *one = &k->declared[d];
        const bool absent = one->def->not_null && (one->at == UINT32_MAX || b->batch.columns[one->at].valid != NULL);
        if (one->look || absent) k->declared[left++] = *one;
    }
    k->declared_count = left;
    return WG_OK;
}

/* ---- rows */

static bool is_declared_narrow(const checker *k, uint32_t column) {
    for (uint32_t d = 0; d < k->declared_count; d++)
        if (k->declared[d].at == column && k->declared[d].def->declared != NULL) return true;
    return false;
}

static wg_code check_cells(const checker *k, uint32_t row, wg_error *err) {
    const wg_batch *batch = &k->bulk->batch;
    for (uint32_t i = 0; i < k->loose_count; i++) {
        const uint32_t c = k->loose[i];
        if (!wg_vector_is_valid(&batch->columns[c], row)) continue;
        const wg_value value = wg_vector_value(&batch->columns[c], row);
        /* A declared type may be a MAP: it is asked below, and only what the log must hold is asked here. */
        if (is_declared_narrow(k, c)) WG_TRY(wg_value_check(&value, false, err));
        else WG_TRY(wgi_storable(k->txn, k->bulk->keys[c], &value, 0, err));
    }
    for (uint32_t d = 0; d < k->declared_count; d++) {
        const declared *one = &k->declared[d];
        const bool present = one->at != UINT32_MAX && wg_vector_is_valid(&batch->columns[one->at], row);
        if (!present && one->def->not_null)
            return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "%s.%s is NOT NULL and has no value",
                                one->label->def.name, one->def->name);
        if (!present || !one->look) continue;
        wg_value value = wg_vector_value(&batch->columns[one->at], row);
        WG_TRY(wg_column_def_coerce(one->def, &value, err));
    }
    return WG_OK;
}

static void key_of_row(const checker *k, const key_check *key, uint32_t row, wg_value *out) {
    for (uint32_t i = 0; i < key->count; i++)
        out[i] =
            key->at[i] == UINT32_MAX ? wg_value_null() : wg_vector_value(&k->bulk->batch.columns[key->at[i]], row);
}

/* Rows of one batch cannot see each other in the index yet. */
static bool duplicate_in_batch(const checker *k, const key_check *key, uint32_t row, const wg_value *mine) {
    uint32_t at = (uint32_t)(key->hashes[row] >> 20) & (DUPLICATE_SLOTS - 1);
    for (; key->slots[at] != 0; at = (at + 1) & (DUPLICATE_SLOTS - 1)) {
        const uint32_t other = key->slots[at] - 1u;
        if (key->hashes[other] != key->hashes[row]) continue;
        wg_value theirs[WG_KEY_COLUMNS_MAX];
        key_of_row(k, key, other, theirs);
        bool same = true;
        for (uint32_t i = 0; i < key->count && same; i++) same = wg_value_equivalent(&mine[i], &theirs[i]);
        if (same) return true;
    }
    key->slots[at] = (uint16_t)(row + 1);
    return false;
}

static wg_code check_rule(const checker *k, const key_check *key, uint32_t row, wg_error *err) {
    wg_value mine[WG_KEY_COLUMNS_MAX];
    bool outside = false;
    key_of_row(k, key, row, mine);
    if (!wgi_rule_is_unique(key->rule)) return wgi_check_value(k->txn, key->rule, mine, err);
    WG_TRY(wgi_check_unique_nulls(k->txn, key->rule, mine, &outside, err));
    if (outside) return WG_OK;
    WG_TRY(wgi_check_unique(k->txn, key->rule, mine, UINT64_MAX, NULL, err));
    if (duplicate_in_batch(k, key, row, mine))
        return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "constraint %.80s: rows of %s with the same values",
                            key->rule->def.name, key->label->def.name);
    return WG_OK;
}

static wg_code check_key(const checker *k, const key_check *key, uint32_t row, wg_error *err) {
    if (key->rule != NULL) return check_rule(k, key, row, err);
    wg_value mine[WG_KEY_COLUMNS_MAX];
    uint64_t position = 0;
    uint64_t id = 0;
    bool found = false;
    bool null = false;
    if (row + KEYS_AHEAD < k->bulk->batch.row_count) wg_key_index_prefetch(key->index, key->hashes[row + KEYS_AHEAD]);
    key_of_row(k, key, row, mine);
    for (uint32_t i = 0; i < key->count; i++) null |= mine[i].type == WG_TYPE_NULL;
    WG_TRY(wg_key_index_next(key->index, key->hashes[row], &position, &id, &found, err));
    if (found || null) WG_TRY(wgi_check_key_values(k->txn, key->label, mine, UINT64_MAX, err));
    if (duplicate_in_batch(k, key, row, mine))
        return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "%s: rows with the same primary key",
                            key->label->def.name);
    return WG_OK;
}

static wg_code check_row(const checker *k, uint32_t row, wg_error *err) {
    const wgi_bulk *b = k->bulk;
    if (b->is_edge && !b->trusted) WG_TRY(wgi_check_ends(k->txn, k->edge, b->ends[0][row], b->ends[1][row], err));
    if (k->loose_count + k->declared_count != 0) WG_TRY(check_cells(k, row, err));
    for (uint32_t i = 0; i < k->key_count; i++) WG_TRY(check_key(k, &k->keys[i], row, err));
    return WG_OK;
}

static wg_code hash_keys(checker *k, wg_error *err) {
    const uint32_t rows = k->bulk->batch.row_count;
    for (uint32_t i = 0; i < k->key_count; i++) {
        key_check *key = &k->keys[i];
        key->hashes = wg_arena_alloc(&k->arena, ((size_t)rows + 1) * sizeof *key->hashes);
        key->slots = wg_arena_alloc_zero(&k->arena, DUPLICATE_SLOTS * sizeof *key->slots);
        if (key->hashes == NULL || key->slots == NULL) return wg_error_nomem(err, rows * sizeof *key->hashes);
        for (uint32_t r = 0; r < rows; r++) {
            wg_value mine[WG_KEY_COLUMNS_MAX];
            key_of_row(k, key, r, mine);
            key->hashes[r] = wg_key_hash(mine, key->count);
        }
    }
    return WG_OK;
}

static wg_code leave_out(checker *k, uint32_t row, const wg_error *why, wg_error *err) {
    if (k->bulk->bad == NULL) {
        if (err != NULL && err->code == WG_OK) *err = *why;
        if (err != NULL) err->offset = row;
        return why->code;
    }
    if (k->kept == NULL) {
        k->kept = wg_arena_alloc(&k->arena, WG_BATCH_ROWS_MAX * sizeof *k->kept);
        if (k->kept == NULL) return wg_error_nomem(err, WG_BATCH_ROWS_MAX);
        for (uint32_t r = 0; r < row; r++) k->kept[r] = (uint16_t)r;
        k->kept_count = row;
    }
    return k->bulk->bad(k->bulk->ctx, row, why, err);
}

/* Errors that say nothing about the row end the load, whoever asks for rejects. */
static bool is_of_row(wg_code code) {
    return code == WG_E_CONSTRAINT || code == WG_E_TYPE || code == WG_E_VALUE || code == WG_E_NOT_FOUND ||
           code == WG_E_LIMIT;
}

static wg_code check_rows(checker *k, wg_error *err) {
    const wgi_bulk *b = k->bulk;
    if (k->loose_count + k->declared_count + k->key_count == 0 && (!b->is_edge || b->trusted)) return WG_OK;
    WG_TRY(hash_keys(k, err));
    for (uint32_t r = 0; r < b->batch.row_count; r++) {
        wg_error why = {0};
        const wg_code code = check_row(k, r, &why);
        if (code != WG_OK && !is_of_row(code)) {
            if (err != NULL && err->code == WG_OK) *err = why;
            return code;
        }
        if (code != WG_OK) WG_TRY(leave_out(k, r, &why, err));
        else if (k->kept != NULL) k->kept[k->kept_count++] = (uint16_t)r;
    }
    return WG_OK;
}

/* ---- rows that stay */

static wg_code gather_vector(checker *k, const wg_vector *from, wg_vector *out, wg_error *err) {
    const size_t width = wg_physical_bytes(wg_type_physical(from->type));
    uint8_t *cells = wg_arena_alloc_zero(&k->arena, ((size_t)k->kept_count + 8) * width);
    uint8_t *valid = wg_arena_alloc_zero(&k->arena, WG_BATCH_ROWS_MAX / 8 + 8);
    if (cells == NULL || valid == NULL) return wg_error_nomem(err, k->kept_count * width);
    for (uint32_t i = 0; i < k->kept_count; i++) {
        const uint32_t row = k->kept[i];
        if (!wg_vector_is_valid(from, row)) continue;
        memcpy(cells + i * width, (const uint8_t *)from->data + wg_vector_cell(from, row) * width, width);
        wg_bit_set(valid, i);
    }
    *out = (wg_vector){
        .type = from->type, .kind = WG_VECTOR_FLAT, .valid = from->valid == NULL ? NULL : valid, .data = cells};
    return WG_OK;
}

static wg_code gather(checker *k, wg_mutation *m, wg_error *err) {
    if (k->kept == NULL) return WG_OK;
    wg_vector *columns = wg_arena_alloc(&k->arena, ((size_t)m->batch.column_count + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, m->batch.column_count * sizeof *columns);
    for (uint32_t c = 0; c < m->batch.column_count; c++)
        WG_TRY(gather_vector(k, &m->batch.columns[c], &columns[c], err));
    const uint64_t **ends[2] = {&m->from_ids, &m->to_ids};
    for (size_t side = 0; side < 2 && k->bulk->is_edge; side++) {
        uint64_t *ids = wg_arena_alloc(&k->arena, ((size_t)k->kept_count + 1) * sizeof *ids);
        if (ids == NULL) return wg_error_nomem(err, k->kept_count * sizeof *ids);
        for (uint32_t i = 0; i < k->kept_count; i++) ids[i] = (*ends[side])[k->kept[i]];
        *ends[side] = ids;
    }
    m->batch.columns = columns;
    m->batch.row_count = k->kept_count;
    m->packed = wg_slice_of(NULL, 0);
    return WG_OK;
}

static wg_code bulk_labels(checker *k, wg_error *err) {
    const wgi_bulk *b = k->bulk;
    if (b->batch.row_count > WG_BATCH_ROWS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a bulk stripe of %u rows: at most %d", b->batch.row_count,
                            (int)WG_BATCH_ROWS_MAX);
    return b->is_edge ? wgi_check_edge_label(k->txn, b->labels[0], &k->edge, err)
                      : wgi_check_node_labels(k->txn, b->labels, b->label_count, err);
}

wg_code wgi_bulk_write(wg_txn *txn, const wgi_bulk *bulk, uint64_t *out_first, uint32_t *out_rows, wg_error *err) {
    WG_ASSERT(bulk->batch.sel == NULL);
    WG_TRY(wgi_txn_write_begin(txn, err));
    wg_engine *e = txn->engine;
    checker k = {.txn = txn, .bulk = bulk};
    wg_mutation m = {.kind = bulk->is_edge ? WG_MUTATION_LOAD_EDGES : WG_MUTATION_LOAD_NODES,
                     .labels = bulk->labels,
                     .label_count = bulk->label_count,
                     .label = bulk->is_edge ? bulk->labels[0] : 0,
                     .id = wg_directory_count(bulk->is_edge ? e->edges : e->nodes),
                     .keys = bulk->keys,
                     .batch = bulk->batch,
                     .from_ids = bulk->ends[0],
                     .to_ids = bulk->ends[1],
                     .packed = bulk->packed};
    wg_arena_init(&k.arena, &e->account);
    wg_code code = bulk_labels(&k, err);
    if (code == WG_OK) code = map_columns(&k, err);
    if (code == WG_OK) code = check_rows(&k, err);
    if (code == WG_OK) code = gather(&k, &m, err);
    if (code == WG_OK && m.batch.row_count != 0) code = wgi_txn_do(txn, &m, err);
    if (code == WG_OK) {
        const uint64_t rows = m.batch.row_count;
        if (bulk->is_edge) txn->stats.edges_created += rows;
        else txn->stats.nodes_created += rows;
        if (!bulk->is_edge) txn->stats.labels_added += rows * bulk->label_count;
        txn->stats.properties_set += rows * m.batch.column_count;
        *out_first = m.id;
        *out_rows = m.batch.row_count;
    }
    wg_arena_deinit(&k.arena);
    return code;
}

/* On a refused row err->offset is its position in the batch, for the caller's line numbers. */
wg_code wg_txn_create_nodes(wg_txn *txn, uint32_t label, const uint32_t *keys, const wg_batch *batch,
                            uint64_t *out_first, wg_error *err) {
    uint32_t rows = 0;
    const wgi_bulk bulk = {.labels = &label, .label_count = 1, .keys = keys, .batch = *batch};
    return wgi_bulk_write(txn, &bulk, out_first, &rows, err);
}

wg_code wg_txn_create_edges(wg_txn *txn, uint32_t label, const uint32_t *keys, const wg_batch *batch,
                            const uint64_t *from, const uint64_t *to, uint64_t *out_first, wg_error *err) {
    uint32_t rows = 0;
    const wgi_bulk bulk = {
        .is_edge = true, .labels = &label, .label_count = 1, .keys = keys, .batch = *batch, .ends = {from, to}};
    return wgi_bulk_write(txn, &bulk, out_first, &rows, err);
}
