/* Point reads: properties by id, labels, seeks, and the neighbours of a node. Rows of virtual labels are read from their files;
 * ids are grouped by row group first, so that a chunk is decoded once a call. */
#include "engine/engine_internal.h"

/* ---- static types of properties: a function of the catalog and of the rows at the snapshot, so that a plan is too */

typedef struct type_join {
    bool any; /* some row may hold it */
    wg_type type;
} type_join;

static void type_add(type_join *j, wg_type type) {
    if (!j->any) j->type = type;
    else if (j->type != type) j->type = WG_TYPE_ANY;
    j->any = true;
}

/* What one label says: its declared type; any, when it is open; nothing, when it is declared without this property. */
static bool type_of_label(const wg_txn *txn, uint32_t number, uint32_t key, type_join *j) {
    const wg_label *label = wg_catalog_label_seen(txn->engine->catalog, number, txn->view);
    if (label == NULL) return false;
    for (uint32_t c = 0; c < label->def.column_count; c++)
        if (label->column_keys[c] == key) {
            type_add(j, label->def.columns[c].type);
            return true;
        }
    if (label->def.kind == WG_LABEL_OPEN) type_add(j, WG_TYPE_ANY);
    return false;
}

/* A table may have columns that its labels have not declared yet, or no more. */
static bool table_declares(const wg_txn *txn, const wgi_table *table, uint32_t key) {
    for (uint32_t i = 0; i < table->label_count; i++) {
        type_join one = {.type = WG_TYPE_NULL};
        if (type_of_label(txn, table->labels[i], key, &one)) return true;
    }
    return false;
}

/* A node of declared labels may have further labels, which bring further properties. */
static bool other_labels_may_hold(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, uint32_t key) {
    wg_engine *e = txn->engine;
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_acquire);
    for (uint32_t t = 0; t < tables; t++) {
        wgi_table *table = wgi_table_at(e, t);
        if (table->is_edge || atomic_load_explicit(&table->dead, memory_order_relaxed) ||
            !wgi_table_has_labels(table, labels, label_count))
            continue;
        if (!table->open && !table_declares(txn, table, key)) continue;
        if (wgi_history_at(e, table, txn->view.snapshot) > 0 || (txn->writing && table->live > 0)) return true;
    }
    return false;
}

bool wg_txn_sees_key(const wg_txn *txn, uint32_t key) {
    return wg_txn_is_write(txn) || wg_catalog_key_begin(txn->engine->catalog, key) <= txn->view.snapshot;
}

uint32_t wg_txn_key(const wg_txn *txn, wg_slice name) {
    const uint32_t key = wg_catalog_key(txn->engine->catalog, name);
    return key != WG_NO_KEY && wg_txn_sees_key(txn, key) ? key : WG_NO_KEY;
}

wg_type wg_txn_node_property_type(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, uint32_t key) {
    if (key == WG_NO_KEY) return WG_TYPE_NULL;
    if (label_count == 0) return WG_TYPE_ANY;
    type_join declared = {.type = WG_TYPE_NULL};
    type_join open = {.type = WG_TYPE_NULL};
    bool found = false;
    for (uint32_t i = 0; i < label_count; i++) {
        type_join *j = &open;
        type_join one = {.type = WG_TYPE_NULL};
        if (type_of_label(txn, labels[i], key, &one)) {
            found = true;
            j = &declared;
        }
        if (one.any) type_add(j, one.type);
    }
    if (found) return declared.type;
    if (open.any || other_labels_may_hold(txn, labels, label_count, key)) return WG_TYPE_ANY;
    return WG_TYPE_NULL;
}

/* An edge has one label: any of these. */
wg_type wg_txn_edge_property_type(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, uint32_t key) {
    if (key == WG_NO_KEY) return WG_TYPE_NULL;
    if (label_count == 0) return WG_TYPE_ANY;
    type_join j = {.type = WG_TYPE_NULL};
    for (uint32_t i = 0; i < label_count; i++) (void)type_of_label(txn, labels[i], key, &j);
    return j.type;
}

uint64_t wg_txn_label_row_estimate(const wg_txn *txn, uint32_t label_number) {
    wg_engine *e = txn->engine;
    const wg_label *label = wg_catalog_label_at(e->catalog, label_number);
    if (label == NULL) return 0;
    uint64_t rows = 0;
    if (label->def.kind == WG_LABEL_VIRTUAL) {
        const uint32_t partitions = wg_catalog_partition_count(e->catalog);
        for (uint32_t p = 0; p < partitions; p++) {
            const wg_partition *partition = wg_catalog_partition(e->catalog, p);
            if (partition->label == label_number && wg_visible(txn->view, partition->begin, WG_LOGSEQ_NEVER))
                rows += partition->row_count;
        }
        return rows;
    }
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_acquire);
    for (uint32_t t = 0; t < tables; t++) {
        wgi_table *table = wgi_table_at(e, t);
        if (!atomic_load_explicit(&table->dead, memory_order_relaxed) &&
            wgi_table_has_labels(table, &label_number, 1))
            rows += wgi_history_at(e, table, txn->view.snapshot);
    }
    return rows;
}

/* ---- owned cells */

/* What is read, and memory for cells that must be copied on the way. */
typedef struct owned_read {
    const wg_txn *txn;
    bool is_edge;
    uint32_t key;
    wg_arena *arena;
} owned_read;

static wg_code append_owned(owned_read *r, uint64_t id, wg_column *out, wg_error *err) {
    wgi_place at;
    uint32_t column = UINT32_MAX;
    wg_value v = wg_value_null();
    WG_TRY(wgi_version(r->txn->engine, r->is_edge, r->txn->view, id, &at, err));
    const wg_label *label = NULL;
    if (at.table != NULL && wgi_computed_column(r->txn, at.table, r->key, &label, &column)) {
        WG_TRY(wgi_computed_owned(r->txn, &at, label, column, r->arena, &v, err));
        column = UINT32_MAX;
    } else if (at.table != NULL) {
        column = wg_table_column_of(at.table->rows, r->key);
    }
    if (column != UINT32_MAX) WG_TRY(wg_table_cell(at.table->rows, at.row, column, r->arena, &v, err));
    const bool ok = v.type == WG_TYPE_NULL ? wg_column_append_null(out) : wg_column_append_value(out, &v);
    return ok ? WG_OK : wg_error_nomem(err, 16);
}

static wg_code read_owned(const wg_txn *txn, bool is_edge, const uint64_t *ids, uint32_t n, uint32_t key,
                          wg_column *out, wg_error *err) {
    owned_read r = {.txn = txn, .is_edge = is_edge, .key = key};
    wg_code code = WG_OK;
    wg_arena own;
    wg_arena_init(&own, out->account);
    r.arena = out->strings != NULL ? out->strings : &own; /* what is copied there is as good as the column's own */
    for (uint32_t i = 0; i < n && code == WG_OK; i++) code = append_owned(&r, ids[i], out, err);
    wg_arena_deinit(&own);
    return code;
}

/* ---- virtual cells */

typedef struct virtual_want {
    uint64_t id;
    uint32_t position; /* in the caller's array */
} virtual_want;

static int compare_wants(const void *x, const void *y) {
    const virtual_want *a = x;
    const virtual_want *b = y;
    if (a->id != b->id) return a->id < b->id ? -1 : 1;
    return (a->position > b->position) - (a->position < b->position);
}

/* Heap sort: in place, no recursion, and libc's qsort may call the allocator. */
static void sort_wants(virtual_want *w, uint32_t n) {
    for (uint32_t build = n / 2; build > 0; build--)
        for (uint32_t i = build - 1, c; (c = 2 * i + 1) < n; i = c) {
            if (c + 1 < n && compare_wants(&w[c], &w[c + 1]) < 0) c++;
            if (compare_wants(&w[i], &w[c]) >= 0) break;
            const virtual_want t = w[i];
            w[i] = w[c];
            w[c] = t;
        }
    for (uint32_t end = n; end > 1; end--) {
        const virtual_want top = w[0];
        w[0] = w[end - 1];
        w[end - 1] = top;
        for (uint32_t i = 0, c; (c = 2 * i + 1) < end - 1; i = c) {
            if (c + 1 < end - 1 && compare_wants(&w[c], &w[c + 1]) < 0) c++;
            if (compare_wants(&w[i], &w[c]) >= 0) break;
            const virtual_want t = w[i];
            w[i] = w[c];
            w[c] = t;
        }
    }
}

typedef struct virtual_read {
    const wg_txn *txn;
    const wg_partition *partition;
    const wg_label *label;
    uint32_t def_column;
    const wg_parquet_metadata *metadata;
    wgi_group_reader *reader;
    uint32_t group;
    uint64_t next_row; /* of the reader, within the file */
    wg_arena *arena;
    wg_value *values;
} virtual_read;

static wg_code read_row(virtual_read *r, uint64_t row, wg_value *out, wg_error *err) {
    wg_account *account = &r->txn->engine->account;
    if (r->reader == NULL ||
        row >= r->metadata->row_groups[r->group].first_row + r->metadata->row_groups[r->group].row_count) {
        while (row >= r->metadata->row_groups[r->group].first_row + r->metadata->row_groups[r->group].row_count)
            r->group++;
        const wg_type type = r->label->def.columns[r->def_column].type;
        if (r->reader == NULL)
            WG_TRY(wgi_group_reader_create(r->txn->engine, r->label, &r->def_column, &type, 1, account, &r->reader,
                                           err));
        WG_TRY(wgi_group_reader_open(r->reader, r->partition, r->group, err));
        r->next_row = r->metadata->row_groups[r->group].first_row;
    }
    WG_TRY(wgi_group_reader_skip(r->reader, row - r->next_row, err));
    wg_vector v;
    wgi_group_rows rows;
    WG_TRY(wgi_group_reader_next(r->reader, 1, &v, &rows, err));
    if (rows.row_count != 1)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "%s: row %llu is missing", r->partition->path,
                            (unsigned long long)row);
    r->next_row = row + 1;
    const wg_value value = wg_vector_value(&v, 0);
    return wg_value_copy(r->arena, &value, out) ? WG_OK : wg_error_nomem(err, value.size);
}

/* All wants of one partition, ascending. */
static wg_code read_partition(virtual_read *r, const virtual_want *wants, uint32_t count, wg_error *err) {
    wg_object *object = NULL;
    bool opened = false;
    WG_TRY(wgi_partition_acquire(r->txn->engine, r->partition, &object, &opened, err));
    r->metadata = wg_object_metadata(object);
    r->reader = NULL;
    r->group = 0;
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < count && code == WG_OK; i++) {
        if (i > 0 && wants[i].id == wants[i - 1].id) r->values[wants[i].position] = r->values[wants[i - 1].position];
        else code = read_row(r, wgi_virtual_row(wants[i].id), &r->values[wants[i].position], err);
    }
    wgi_group_reader_destroy(r->reader, NULL);
    r->reader = NULL;
    wg_object_release(r->txn->engine->objects, object);
    return code;
}

static uint32_t column_with_key(const wg_label *label, uint32_t key) {
    for (uint32_t c = 0; c < label->def.column_count; c++)
        if (label->column_keys[c] == key) return c;
    return UINT32_MAX;
}

typedef struct virtual_row {
    const virtual_read *read;
    uint64_t id;
} virtual_row;

static wg_code read_wants(virtual_read *r, virtual_want *wants, uint32_t count, uint32_t key, wg_error *err);

static wg_code read_virtual_column(void *ctx, uint32_t column, wg_value *out, wg_error *err) {
    const virtual_row *row = ctx;
    virtual_want want = {.id = row->id};
    virtual_read r = {.txn = row->read->txn, .arena = row->read->arena, .values = out};
    *out = wg_value_null();
    return read_wants(&r, &want, 1, row->read->label->column_keys[column], err);
}

static wg_code compute_wants(const virtual_read *r, const virtual_want *wants, uint32_t count, wg_error *err) {
    for (uint32_t i = 0; i < count; i++) {
        virtual_row at = {r, wants[i].id};
        const wg_row_reader row = {read_virtual_column, &at};
        WG_TRY(
            wgi_computed_cell(r->txn, r->label, r->def_column, &row, r->arena, &r->values[wants[i].position], err));
    }
    return WG_OK;
}

static wg_code read_wants_of_partition(virtual_read *r, const virtual_want *wants, uint32_t count, uint32_t key,
                                       wg_error *err) {
    const wg_engine *e = r->txn->engine;
    r->partition = wg_catalog_partition(e->catalog, wgi_virtual_partition(wants[0].id));
    if (r->partition == NULL || !wg_visible(r->txn->view, r->partition->begin, WG_LOGSEQ_NEVER))
        return WG_OK; /* null */
    r->label = wg_catalog_label_seen(e->catalog, r->partition->label, r->txn->view);
    r->def_column = column_with_key(r->label, key);
    if (r->def_column == UINT32_MAX || !wg_label_is_visible(r->label, r->txn->view)) return WG_OK;
    uint32_t inside = count;
    while (inside > 0 && wgi_virtual_row(wants[inside - 1].id) >= r->partition->row_count) inside--;
    if (r->label->def.columns[r->def_column].source == WG_COLUMN_PARTITION) {
        for (uint32_t i = 0; i < inside; i++)
            r->values[wants[i].position] = *wgi_partition_variable(r->label, r->partition, r->def_column);
        return WG_OK;
    }
    if (r->label->def.columns[r->def_column].source == WG_COLUMN_COMPUTED)
        return compute_wants(r, wants, inside, err);
    return inside == 0 ? WG_OK : read_partition(r, wants, inside, err);
}

/* Reads the wanted cells into values[position], which start as nulls. */
static wg_code read_wants(virtual_read *r, virtual_want *wants, uint32_t count, uint32_t key, wg_error *err) {
    sort_wants(wants, count);
    for (uint32_t start = 0; start < count;) {
        uint32_t end = start;
        while (end < count && wgi_virtual_partition(wants[end].id) == wgi_virtual_partition(wants[start].id)) end++;
        WG_TRY(read_wants_of_partition(r, wants + start, end - start, key, err));
        start = end;
    }
    return WG_OK;
}

static wg_code read_mixed(const wg_txn *txn, const uint64_t *ids, uint32_t n, uint32_t virtual_count, uint32_t key,
                          wg_column *out, wg_error *err) {
    wg_arena arena;
    owned_read owned = {.txn = txn, .key = key, .arena = &arena};
    wg_arena_init(&arena, out->account);
    virtual_want *wants = wg_arena_alloc(&arena, virtual_count * sizeof *wants);
    wg_value *values = wg_arena_alloc_zero(&arena, n * sizeof *values);
    wg_code code = wants == NULL || values == NULL ? wg_error_nomem(err, n * sizeof *values) : WG_OK;
    uint32_t w = 0;
    for (uint32_t i = 0; i < n && code == WG_OK; i++)
        if (wg_id_is_virtual(ids[i])) wants[w++] = (virtual_want){.id = ids[i], .position = i};
    virtual_read r = {.txn = txn, .arena = &arena, .values = values};
    if (code == WG_OK) code = read_wants(&r, wants, virtual_count, key, err);
    for (uint32_t i = 0; i < n && code == WG_OK; i++) {
        if (!wg_id_is_virtual(ids[i])) {
            code = append_owned(&owned, ids[i], out, err);
            continue;
        }
        const bool ok =
            values[i].type == WG_TYPE_NULL ? wg_column_append_null(out) : wg_column_append_value(out, &values[i]);
        if (!ok) code = wg_error_nomem(err, 16);
    }
    wg_arena_deinit(&arena);
    return code;
}

wg_code wg_read_node_property(const wg_txn *txn, const uint64_t *ids, uint32_t n, uint32_t key, wg_column *out,
                              wg_error *err) {
    uint32_t virtual_count = 0;
    for (uint32_t i = 0; i < n; i++) virtual_count += wg_id_is_virtual(ids[i]);
    if (virtual_count > 0) return read_mixed(txn, ids, n, virtual_count, key, out, err);
    return read_owned(txn, false, ids, n, key, out, err);
}

wg_code wg_read_edge_property(const wg_txn *txn, const uint64_t *ids, uint32_t n, uint32_t key, wg_column *out,
                              wg_error *err) {
    return read_owned(txn, true, ids, n, key, out, err);
}

/* ---- labels and whole rows */

wg_code wg_nodes_have_labels(const wg_txn *txn, const uint64_t *ids, uint32_t n, const uint32_t *labels,
                             uint32_t label_count, uint8_t *out, wg_error *err) {
    for (uint32_t i = 0; i < n; i++) {
        bool has = false;
        if (!wg_id_is_virtual(ids[i])) {
            wgi_place at;
            WG_TRY(wgi_version(txn->engine, false, txn->view, ids[i], &at, err));
            out[i] = at.table != NULL && wgi_table_has_labels(at.table, labels, label_count);
            continue;
        }
        WG_TRY(wgi_node_visible(txn->engine, txn->view, ids[i], &has, err));
        for (uint32_t k = 0; k < label_count && has; k++)
            WG_TRY(wgi_node_has_label(txn->engine, txn->view, ids[i], labels[k], &has, err));
        out[i] = has;
    }
    return WG_OK;
}

static void sort_labels_by_name(const wg_catalog *catalog, wg_view view, uint32_t *labels, uint32_t count) {
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = i; j > 0; j--) {
            const char *a = wg_catalog_label_seen(catalog, labels[j - 1], view)->def.name;
            const char *b = wg_catalog_label_seen(catalog, labels[j], view)->def.name;
            if (strcmp(a, b) <= 0) break;
            const uint32_t t = labels[j];
            labels[j] = labels[j - 1];
            labels[j - 1] = t;
        }
}

wg_code wg_node_labels(const wg_txn *txn, uint64_t id, wg_arena *arena, const uint32_t **out, uint32_t *out_count,
                       bool *out_found, wg_error *err) {
    const wg_engine *e = txn->engine;
    bool found = false;
    WG_TRY(wgi_node_visible(e, txn->view, id, &found, err));
    *out_found = found;
    *out_count = 0;
    if (!found) return WG_OK;
    uint32_t one = 0;
    const uint32_t *from = &one;
    uint32_t count = 1;
    if (wg_id_is_virtual(id)) {
        one = wg_catalog_partition(e->catalog, wgi_virtual_partition(id))->label;
    } else {
        wgi_place at;
        WG_TRY(wgi_version(e, false, txn->view, id, &at, err));
        if (at.table == NULL) return WG_OK;
        from = at.table->labels;
        count = at.table->label_count;
    }
    uint32_t *labels = wg_arena_copy(arena, from, count * sizeof *labels);
    if (labels == NULL) return wg_error_nomem(err, count * sizeof *labels);
    sort_labels_by_name(e->catalog, txn->view, labels, count);
    *out = labels;
    *out_count = count;
    return WG_OK;
}

static void sort_entries(wg_map_entry *entries, uint32_t count) {
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = i; j > 0; j--) {
            const wg_slice a = wg_slice_of(entries[j - 1].key, entries[j - 1].key_size);
            const wg_slice b = wg_slice_of(entries[j].key, entries[j].key_size);
            if (wg_slice_compare(a, b) <= 0) break;
            const wg_map_entry t = entries[j];
            entries[j] = entries[j - 1];
            entries[j - 1] = t;
        }
}

static uint32_t computed_count(const wg_txn *txn, const wgi_table *table) {
    const wg_engine *e = txn->engine;
    uint32_t count = 0;
    if (!atomic_load_explicit(&e->has_computed, memory_order_acquire)) return 0;
    for (uint32_t i = 0; i < table->label_count; i++) {
        const wg_label_def *def = &wg_catalog_label_seen(e->catalog, table->labels[i], txn->view)->def;
        for (uint32_t c = 0; c < def->column_count; c++) count += def->columns[c].source == WG_COLUMN_COMPUTED;
    }
    return count;
}

/* What the row's labels compute, each name once, in the place of what may be stored under it. */
static wg_code put_computed(const wg_txn *txn, const wgi_place *at, wg_arena *arena, wg_map_entry *entries,
                            uint32_t *count, wg_error *err) {
    for (uint32_t i = 0; i < at->table->label_count; i++) {
        const wg_label *label = wg_catalog_label_seen(txn->engine->catalog, at->table->labels[i], txn->view);
        for (uint32_t c = 0; c < label->def.column_count; c++) {
            const wg_label *first = NULL;
            uint32_t column = 0, same = 0;
            wg_value v;
            if (label->def.columns[c].source != WG_COLUMN_COMPUTED ||
                !wgi_computed_column(txn, at->table, label->column_keys[c], &first, &column) || first != label)
                continue;
            WG_TRY(wgi_computed_owned(txn, at, label, c, arena, &v, err));
            const char *name = label->def.columns[c].name;
            while (same < *count && !wg_slice_is(wg_slice_of(entries[same].key, entries[same].key_size), name))
                same++;
            if (v.type == WG_TYPE_NULL) continue;
            entries[same] = (wg_map_entry){.key = name, .key_size = strlen(name), .value = v};
            if (same == *count) (*count)++;
        }
    }
    return WG_OK;
}

static wg_code owned_properties(const wg_txn *txn, bool is_edge, uint64_t id, wg_arena *arena,
                                const wg_map_entry **out, uint32_t *out_count, wg_error *err) {
    wgi_place at;
    *out_count = 0;
    *out = NULL;
    WG_TRY(wgi_version(txn->engine, is_edge, txn->view, id, &at, err));
    if (at.table == NULL) return WG_OK;
    const wg_table *rows = at.table->rows;
    const uint32_t columns = wg_table_column_count(rows);
    const uint32_t computed = computed_count(txn, at.table);
    wg_map_entry *entries = wg_arena_alloc(arena, ((size_t)columns + computed + 1) * sizeof *entries);
    if (entries == NULL) return wg_error_nomem(err, (size_t)columns * sizeof *entries);
    uint32_t n = 0;
    for (uint32_t c = 0; c < columns; c++) {
        wg_value v;
        WG_TRY(wg_table_cell(rows, at.row, c, arena, &v, err));
        if (v.type == WG_TYPE_NULL) continue;
        const char *name = wg_catalog_key_name(txn->engine->catalog, wg_table_column_key(rows, c));
        entries[n++] = (wg_map_entry){.key = name, .key_size = strlen(name), .value = v};
    }
    if (computed > 0) WG_TRY(put_computed(txn, &at, arena, entries, &n, err));
    sort_entries(entries, n);
    *out = entries;
    *out_count = n;
    return WG_OK;
}

static wg_code virtual_properties(const wg_txn *txn, uint64_t id, wg_arena *arena, const wg_map_entry **out,
                                  uint32_t *out_count, wg_error *err) {
    *out_count = 0;
    *out = NULL;
    bool visible = false;
    WG_TRY(wgi_node_visible(txn->engine, txn->view, id, &visible, err));
    if (!visible) return WG_OK;
    const wg_catalog *catalog = txn->engine->catalog;
    const wg_label *label =
        wg_catalog_label_seen(catalog, wg_catalog_partition(catalog, wgi_virtual_partition(id))->label, txn->view);
    wg_map_entry *entries = wg_arena_alloc(arena, ((size_t)label->def.column_count + 1) * sizeof *entries);
    if (entries == NULL) return wg_error_nomem(err, (size_t)label->def.column_count * sizeof *entries);
    uint32_t n = 0;
    for (uint32_t c = 0; c < label->def.column_count; c++) {
        wg_value value = wg_value_null();
        virtual_want want = {.id = id};
        virtual_read r = {.txn = txn, .arena = arena, .values = &value};
        WG_TRY(read_wants(&r, &want, 1, label->column_keys[c], err));
        const char *name = label->def.columns[c].name;
        if (value.type != WG_TYPE_NULL)
            entries[n++] = (wg_map_entry){.key = name, .key_size = strlen(name), .value = value};
    }
    sort_entries(entries, n);
    *out = entries;
    *out_count = n;
    return WG_OK;
}

wg_code wg_node_properties(const wg_txn *txn, uint64_t id, wg_arena *arena, const wg_map_entry **out,
                           uint32_t *out_count, wg_error *err) {
    if (wg_id_is_virtual(id)) return virtual_properties(txn, id, arena, out, out_count, err);
    return owned_properties(txn, false, id, arena, out, out_count, err);
}

wg_code wg_edge_properties(const wg_txn *txn, uint64_t id, wg_arena *arena, const wg_map_entry **out,
                           uint32_t *out_count, wg_error *err) {
    return owned_properties(txn, true, id, arena, out, out_count, err);
}

wg_code wg_edge_info_get(const wg_txn *txn, uint64_t id, wg_edge_info *out, bool *out_found, wg_error *err) {
    wgi_place at;
    wg_row_head head;
    bool found = false;
    WG_TRY(wgi_version(txn->engine, true, txn->view, id, &at, err));
    if (at.table != NULL) WG_TRY(wg_table_head(at.table->rows, at.row, &head, NULL, &found, err));
    if (found) *out = (wg_edge_info){.label = at.table->labels[0], .from = head.from, .to = head.to};
    *out_found = found;
    return WG_OK;
}

wg_code wg_edge_info_deleted(const wg_txn *txn, uint64_t id, wg_edge_info *out, bool *out_found, wg_error *err) {
    wg_row_address newest = WG_ROW_NONE;
    wg_row_head head;
    uint64_t end = WG_LOGSEQ_NEVER;
    bool found = false;
    if (txn->view.own != 0 && !wg_id_is_virtual(id)) WG_TRY(wg_directory_get(txn->engine->edges, id, &newest, err));
    const wgi_table *table = newest == WG_ROW_NONE ? NULL : wgi_table_at(txn->engine, wg_row_table(newest));
    if (table != NULL) WG_TRY(wg_table_head(table->rows, wg_row_ordinal(newest), &head, &end, &found, err));
    found = found && end == txn->view.own;
    if (found) *out = (wg_edge_info){.label = table->labels[0], .from = head.from, .to = head.to};
    *out_found = found;
    return WG_OK;
}

wg_code wg_node_seek(const wg_txn *txn, uint32_t label, const wg_value *key, uint32_t key_count, uint64_t *out_id,
                     bool *out_found, wg_error *err) {
    WG_TRY(wgi_seek(txn->engine, txn->view, label, key, key_count, out_id, out_found, err));
    return *out_found ? wgi_late_seek(txn, label, key, key_count, *out_id, err) : WG_OK;
}

/* ---- neighbours */

/* Number of the i-th edge label to walk, or WG_NO_LABEL behind the last. */
static uint32_t edge_label_at(const wg_engine *e, const uint32_t *labels, uint32_t label_count, uint32_t *index) {
    if (label_count > 0) return *index < label_count ? labels[*index] : WG_NO_LABEL;
    const uint32_t count = wg_catalog_label_count(e->catalog);
    while (*index < count) {
        const wgi_label_state *state = wgi_label_state_at(e, *index);
        if (state != NULL && state->topology != NULL) return *index;
        (*index)++;
    }
    return WG_NO_LABEL;
}

/* One call of wg_expand; `kept` entries are filled. */
typedef struct expansion {
    const wg_txn *txn;
    uint64_t node;
    wg_expand_position *position;
    uint32_t count_max;
    uint32_t kept;
    uint64_t *edges;
    uint64_t *neighbours;
} expansion;

/* Of `got` entries behind those that are kept, keeps those that are visible. Their rows, which say so, have the neighbours too. */
static wg_code expand_keep(expansion *x, uint32_t got, wg_direction way, bool skip_loops, wg_error *err) {
    const uint32_t end = x->kept + got;
    for (uint32_t i = x->kept; i < end; i++) {
        wgi_place at;
        uint64_t ends[2];
        WG_TRY(wgi_edge_version(x->txn->engine, x->txn->view, x->edges[i], &at, ends, err));
        if (at.table == NULL) continue;
        const uint64_t neighbour = ends[way == WG_DIRECTION_OUT ? 1 : 0];
        if (skip_loops && neighbour == x->node) continue; /* the other direction had it */
        x->edges[x->kept] = x->edges[i];
        x->neighbours[x->kept] = neighbour;
        x->kept++;
    }
    return WG_OK;
}

/* Adds entries of one label in one direction. */
static wg_code expand_label(expansion *x, const wg_topology *topology, wg_direction direction, bool skip_loops,
                            wg_error *err) {
    while (x->kept < x->count_max) {
        uint32_t got = 0;
        WG_TRY(wg_topology_read(topology, direction, x->node, x->position->entry, x->count_max - x->kept,
                                x->edges + x->kept, x->neighbours + x->kept, &got, err));
        if (got == 0) return WG_OK;
        x->position->entry = x->edges[x->kept + got - 1] + 1;
        WG_TRY(expand_keep(x, got, direction, skip_loops, err));
    }
    return WG_OK;
}

wg_code wg_expand(const wg_txn *txn, uint64_t node, wg_direction direction, const uint32_t *labels,
                  uint32_t label_count, wg_expand_position *position, uint32_t count_max, uint64_t *edges,
                  uint64_t *neighbours, uint32_t *out_count, wg_error *err) {
    expansion x = {txn, node, position, count_max, 0, edges, neighbours};
    for (uint32_t label; x.kept < count_max && (label = edge_label_at(txn->engine, labels, label_count,
                                                                      &position->label_index)) != WG_NO_LABEL;) {
        const wgi_label_state *state = wgi_label_state_at(txn->engine, label);
        while (state != NULL && state->topology != NULL && position->direction < 2 && x.kept < count_max) {
            const wg_direction way = position->direction == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN;
            const bool wanted = ((uint32_t)direction & (uint32_t)way) != 0;
            const bool skip_loops = direction == WG_DIRECTION_BOTH && way == WG_DIRECTION_IN;
            if (wanted) WG_TRY(expand_label(&x, state->topology, way, skip_loops, err));
            if (x.kept == count_max) break;
            position->direction++;
            position->entry = 0;
        }
        if (x.kept == count_max) break;
        position->label_index++;
        position->direction = 0;
        position->entry = 0;
    }
    *out_count = x.kept;
    return WG_OK;
}
