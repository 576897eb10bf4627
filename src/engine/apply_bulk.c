/* What loads do to the memory image: rows by the batch, each batch one mutation. It is the same state, byte for byte where it shows, as
 * after as many single mutations; what is spared is the work of a row: its undo note, its entry of the directory, its key read
 * back from the table. See apply.c for the contract. */
#include "engine/engine_internal.h"

static wg_code bulk_columns(const wgi_apply *a, wgi_table *table, const wg_mutation *m, uint32_t *columns,
                            wg_error *err) {
    for (uint32_t c = 0; c < m->batch.column_count; c++) {
        WG_TRY(wgi_column_for_key(a, table, m->keys[c], &columns[c], err));
        if (wg_table_column_type(table->rows, columns[c]) != m->batch.columns[c].type)
            return wgi_misfit(err, "bulk column of another type, key", m->keys[c]);
        for (uint32_t k = 0; k < c; k++)
            if (columns[k] == columns[c]) return wgi_misfit(err, "bulk column that comes twice, key", m->keys[c]);
    }
    return WG_OK;
}

/* The rows of the batch in their table, noted, found by their ids, counted. */
static wg_code bulk_rows(wgi_apply *a, wgi_table *table, const wg_mutation *m, wg_error *err) {
    const uint32_t rows = m->batch.row_count;
    uint64_t first_row = 0;
    wg_directory *directory = table->is_edge ? a->engine->edges : a->engine->nodes;
    uint32_t *columns = wg_alloc(&a->engine->account, ((size_t)m->batch.column_count + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, (size_t)m->batch.column_count * sizeof *columns);
    wg_code code = bulk_columns(a, table, m, columns, err);
    if (code == WG_OK) code = wgi_take_ids(a, table->is_edge, m->id, rows, err);
    if (code == WG_OK)
        code = wg_table_append_batch(table->rows, m->id, a->begin, &m->batch, columns, m->from_ids, m->to_ids,
                                     &first_row, err);
    wg_free(columns);
    if (code != WG_OK) return code;
    code = wgi_note(a, WGI_UNDO_ROWS, table->number, first_row, rows, err);
    if (code != WG_OK) {
        wg_table_unbegin(table->rows, first_row, rows);
        return code;
    }
    WG_TRY(wg_directory_set_run(directory, m->id, rows, WG_ROW_ADDRESS(table->number, first_row), a->stamp, err));
    return wgi_count_live(a, table, rows, err);
}

/* ---- nodes */

static const wg_vector *vector_of_key(const wg_mutation *m, uint32_t key) {
    for (uint32_t c = 0; c < m->batch.column_count; c++)
        if (m->keys[c] == key) return &m->batch.columns[c];
    return NULL;
}

static wg_code label_keys(wgi_apply *a, const wg_label *label, wg_key_index *index, const wg_mutation *m,
                          wg_error *err) {
    const wg_vector *vectors[WG_KEY_COLUMNS_MAX];
    const uint32_t count = label->def.key_count;
    uint64_t *hashes = wg_alloc(&a->engine->account, ((size_t)m->batch.row_count + 1) * sizeof *hashes);
    if (hashes == NULL) return wg_error_nomem(err, m->batch.row_count * sizeof *hashes);
    for (uint32_t k = 0; k < count; k++) vectors[k] = vector_of_key(m, label->column_keys[label->def.key_columns[k]]);
    for (uint32_t r = 0; r < m->batch.row_count; r++) {
        wg_value key[WG_KEY_COLUMNS_MAX];
        for (uint32_t k = 0; k < count; k++)
            key[k] = vectors[k] == NULL ? wg_value_null() : wg_vector_value(vectors[k], r);
        hashes[r] = wg_key_hash(key, count);
    }
    const wg_code code = wg_key_index_add_batch(index, hashes, m->id, m->batch.row_count, err);
    wg_free(hashes);
    return code;
}

static wg_code load_nodes(wgi_apply *a, uint32_t *labels, uint32_t label_count, const wg_mutation *m, wg_error *err) {
    wgi_table *table = NULL;
    WG_TRY(wgi_sort_labels(a, labels, &label_count, err));
    WG_TRY(wgi_table_of_labels(a->engine, labels, label_count, &table, err));
    WG_TRY(bulk_rows(a, table, m, err));
    for (uint32_t i = 0; i < label_count; i++) {
        wgi_label_state *state = wgi_label_state_at(a->engine, labels[i]);
        if (state == NULL || state->key_index == NULL) continue;
        WG_TRY(label_keys(a, wg_catalog_label_at(a->engine->catalog, labels[i]), state->key_index, m, err));
    }
    return WG_OK;
}

wg_code wgi_apply_create_nodes(void *ctx, const wg_mutation *m, wg_error *err) {
    uint32_t label = m->label;
    return load_nodes(ctx, &label, 1, m, err);
}

wg_code wgi_apply_load_nodes(void *ctx, const wg_mutation *m, wg_error *err) {
    uint32_t labels[WG_MUTATION_LABELS_MAX];
    if (m->label_count > WG_MUTATION_LABELS_MAX) return wgi_misfit(err, "number of labels", m->label_count);
    if (m->label_count != 0) memcpy(labels, m->labels, m->label_count * sizeof *labels);
    return load_nodes(ctx, labels, m->label_count, m, err);
}

/* ---- edges */

wg_code wgi_apply_load_edges(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_apply *a = ctx;
    wgi_label_state *state = wgi_label_state_at(a->engine, m->label);
    if (state == NULL || state->topology == NULL) return wgi_misfit(err, "not an edge label:", m->label);
    WG_TRY(bulk_rows(a, state->edges, m, err));
    WG_TRY(wgi_note(a, WGI_UNDO_TOPOLOGY, m->label, m->id, 0, err));
    WG_TRY(wg_topology_add_batch(state->topology, m->id, m->from_ids, m->to_ids, m->batch.row_count, err));
    wgi_touch_label(a->engine, state);
    return WG_OK;
}
