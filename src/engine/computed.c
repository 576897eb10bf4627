/* Computed columns at a row. Queries over known labels put the expression in the column's place and never come here; what does come is
 * everything that asks a row for a name: properties(n), n[name], n.name where n may have any label, and results that print nodes.
 *
 * The engine reads the columns that the expression asks for and hands the rest to the evaluator, which the layers above set.
 * Failure modes: what evaluating fails with (an overflow, a division by zero), with the name of the column in front. */
#include "engine/engine_internal.h"

void wg_engine_set_computer(wg_engine *engine, wg_compute_fn fn) {
    atomic_store_explicit(&engine->computer, fn, memory_order_release);
}

static uint32_t computed_ordinal(const wg_label *label, uint32_t key) {
    for (uint32_t c = 0; c < label->def.column_count; c++)
        if (label->column_keys[c] == key && label->def.columns[c].source == WG_COLUMN_COMPUTED) return c;
    return UINT32_MAX;
}

bool wg_engine_computes(const wg_engine *engine, uint32_t key) {
    if (!atomic_load_explicit(&engine->has_computed, memory_order_acquire)) return false;
    const uint32_t count = wg_catalog_label_count(engine->catalog);
    for (uint32_t i = 0; i < count; i++)
        for (const wg_label *l = wg_catalog_label_at(engine->catalog, i); l != NULL; l = l->older)
            if (computed_ordinal(l, key) != UINT32_MAX) return true;
    return false;
}

bool wgi_computed_column(const wg_txn *txn, const wgi_table *table, uint32_t key, const wg_label **out_label,
                         uint32_t *out_column) {
    const wg_engine *e = txn->engine;
    if (!atomic_load_explicit(&e->has_computed, memory_order_acquire)) return false;
    for (uint32_t i = 0; i < table->label_count; i++) {
        const wg_label *label = wg_catalog_label_seen(e->catalog, table->labels[i], txn->view);
        const uint32_t column = computed_ordinal(label, key);
        if (column == UINT32_MAX) continue;
        *out_label = label;
        *out_column = column;
        return true;
    }
    return false;
}

wg_code wgi_computed_cell(const wg_txn *txn, const wg_label *label, uint32_t column, const wg_row_reader *row,
                          wg_arena *arena, wg_value *out, wg_error *err) {
    const wg_compute_fn fn = atomic_load_explicit(&txn->engine->computer, memory_order_acquire);
    if (fn == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "%s.%s is computed, and nobody can evaluate it yet",
                            label->def.name, label->def.columns[column].name);
    const wg_code code = fn(txn->engine->catalog, txn->view, label, column, row, arena, out, err);
    if (code == WG_OK) return WG_OK;
    if (err != NULL) err->offset = WG_NO_OFFSET; /* of the expression's text, not the query's */
    return wg_error_prefix(err, code, "computed column %s.%s", label->def.name, label->def.columns[column].name);
}

typedef struct owned_row {
    const wgi_place *at;
    const wg_label *label;
    wg_arena *arena;
} owned_row;

static wg_code read_owned_column(void *ctx, uint32_t column, wg_value *out, wg_error *err) {
    const owned_row *r = ctx;
    const uint32_t at = wg_table_column_of(r->at->table->rows, r->label->column_keys[column]);
    *out = wg_value_null();
    return at == UINT32_MAX ? WG_OK : wg_table_cell(r->at->table->rows, r->at->row, at, r->arena, out, err);
}

wg_code wgi_computed_owned(const wg_txn *txn, const wgi_place *at, const wg_label *label, uint32_t column,
                           wg_arena *arena, wg_value *out, wg_error *err) {
    owned_row r = {at, label, arena};
    const wg_row_reader row = {read_owned_column, &r};
    return wgi_computed_cell(txn, label, column, &row, arena, out, err);
}
