/* Keeping constraints: of a row that is about to be written, and of all rows when the constraint is made.
 *
 * The writer's place is held and the newest state is asked, own writes included, so two transactions cannot both find a value free: the
 * second one finds what the first has written (first committer wins), or waits for its place. A row with a null among the
 * properties is outside of UNIQUENESS; KEY refuses it. Errors name the constraint, the label, properties and values. */
#include "engine/engine_internal.h"

static bool print_row(const wg_txn *txn, const wg_rule *rule, const wg_value *values, wg_buf *out) {
    const wg_rule_def *def = &rule->def;
    const wg_label *label = wg_catalog_label_at(txn->engine->catalog, def->label);
    bool ok = wg_buf_printf(out, "%s(", label->def.name);
    for (uint32_t i = 0; i < def->key_count && ok; i++)
        ok = wg_buf_printf(out, "%s%s: ", i > 0 ? ", " : "", wgi_key_name(txn, def->keys[i])) &&
             wg_value_print_json(out, &values[i]);
    return ok && wg_buf_append_str(out, ")");
}

static wg_code taken(const wg_txn *txn, const wg_rule *rule, const wg_value *values, uint64_t other, uint64_t own,
                     wg_error *err) {
    const wg_label *label = wg_catalog_label_at(txn->engine->catalog, rule->def.label);
    const char *what = label->def.is_edge ? "edge" : "node";
    wg_buf text;
    wg_buf_init(&text, &txn->engine->account);
    if (!print_row(txn, rule, values, &text)) text.size = 0;
    const int size = (int)wg_min_size(text.size, 200);
    const wg_code code =
        own == UINT64_MAX
            ? wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "constraint %.80s: there is already a %.*s (%s %llu)",
                           rule->def.name, size, (const char *)text.data, what, (unsigned long long)other)
            : wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET,
                           "constraint %.80s: there are two %.*s (%ss %llu and %llu)", rule->def.name, size,
                           (const char *)text.data, what, (unsigned long long)wg_min_u64(own, other),
                           (unsigned long long)wg_max_u64(own, other));
    wg_buf_deinit(&text);
    return code;
}

wg_code wgi_check_unique_nulls(const wg_txn *txn, const wg_rule *rule, const wg_value *values, bool *out_outside,
                               wg_error *err) {
    const wg_rule_def *def = &rule->def;
    *out_outside = false;
    for (uint32_t i = 0; i < def->key_count; i++) {
        if (values[i].type != WG_TYPE_NULL) continue;
        *out_outside = true;
        if (def->kind != WG_RULE_KEY) continue;
        return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET,
                            "constraint %.80s: %s.%s is part of a key and has no value", def->name,
                            wg_catalog_label_at(txn->engine->catalog, def->label)->def.name,
                            wgi_key_name(txn, def->keys[i]));
    }
    return WG_OK;
}

wg_code wgi_check_unique(const wg_txn *txn, const wg_rule *rule, const wg_value *values, uint64_t own,
                         uint32_t *out_equal, wg_error *err) {
    bool outside = false;
    uint64_t other = UINT64_MAX;
    WG_TRY(wgi_check_unique_nulls(txn, rule, values, &outside, err));
    if (outside) return WG_OK;
    WG_TRY(wgi_index_equal(txn->engine, rule, wgi_txn_newest(txn), values, own, &other, out_equal, err));
    return other == UINT64_MAX ? WG_OK : taken(txn, rule, values, other, UINT64_MAX, err);
}

wg_code wgi_check_value(const wg_txn *txn, const wg_rule *rule, const wg_value *value, wg_error *err) {
    const wg_rule_def *def = &rule->def;
    const char *label = wg_catalog_label_at(txn->engine->catalog, def->label)->def.name;
    const char *key = wgi_key_name(txn, def->keys[0]);
    if (def->kind == WG_RULE_NOT_NULL && value->type == WG_TYPE_NULL)
        return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "constraint %.80s: %s.%s has no value", def->name,
                            label, key);
    if (def->kind != WG_RULE_TYPE || value->type == WG_TYPE_NULL) return WG_OK;
    wg_value copy = *value;
    wg_column_def type = def->type;
    type.name = key;
    if (wg_column_def_coerce(&type, &copy, NULL) == WG_OK && copy.type == value->type) return WG_OK;
    return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "constraint %.80s: %s.%s is %s, not %s", def->name, label,
                        key, wg_type_name((wg_type)value->type), wg_column_def_type_text(&type));
}

/* ---- rows that are there already */

typedef struct walk {
    const wg_txn *txn;
    const wg_rule *rule;
    wg_arena arena;
} walk;

static wg_code check_row(walk *w, const wgi_table *table, uint64_t row, wg_error *err) {
    const wg_rule_def *def = &w->rule->def;
    wg_row_head head;
    wg_value values[WG_KEY_COLUMNS_MAX];
    uint64_t end = 0, other = UINT64_MAX;
    bool found = false, outside = false;
    WG_TRY(wg_table_head(table->rows, row, &head, &end, &found, err));
    if (!found || !wg_visible(wgi_txn_newest(w->txn), head.begin, end)) return WG_OK;
    wg_arena_reset(&w->arena);
    for (uint32_t i = 0; i < def->key_count; i++) {
        const uint32_t column = wg_table_column_of(table->rows, def->keys[i]);
        values[i] = wg_value_null();
        if (column != UINT32_MAX) WG_TRY(wg_table_cell(table->rows, row, column, &w->arena, &values[i], err));
    }
    const bool unique = wgi_rule_is_unique(w->rule);
    wg_code code = unique ? wgi_check_unique_nulls(w->txn, w->rule, values, &outside, err)
                          : wgi_check_value(w->txn, w->rule, values, err);
    if (code == WG_E_CONSTRAINT)
        return wg_error_prefix(err, code, "%s %llu", table->is_edge ? "edge" : "node", (unsigned long long)head.id);
    if (code != WG_OK || outside || !unique) return code;
    WG_TRY(wgi_index_equal(w->txn->engine, w->rule, wgi_txn_newest(w->txn), values, head.id, &other, NULL, err));
    return other == UINT64_MAX ? WG_OK : taken(w->txn, w->rule, values, other, head.id, err);
}

wg_code wgi_check_rows_unique(wg_txn *txn, const wg_rule *rule, wg_error *err) {
    const wg_engine *e = txn->engine;
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_acquire);
    walk w = {.txn = txn, .rule = rule};
    wg_code code = WG_OK;
    wg_arena_init(&w.arena, &txn->engine->account);
    for (uint32_t t = 0; t < tables && code == WG_OK; t++) {
        const wgi_table *table = wgi_table_at(e, t);
        if (atomic_load_explicit(&table->dead, memory_order_relaxed) ||
            !wgi_table_has_labels(table, &rule->def.label, 1))
            continue;
        const uint64_t rows = wg_table_row_count(table->rows);
        for (uint64_t row = 0; row < rows && code == WG_OK; row++) code = check_row(&w, table, row, err);
    }
    wg_arena_deinit(&w.arena);
    return code;
}
