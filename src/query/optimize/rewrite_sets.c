/* query/optimize: the edges of a label that satisfy conditions, as a plan: a scan of the label, its properties as columns, and filters. */
#include "query/optimize/rewrite.h"

enum { FROM, EDGE, TO, KEYS, KEYS_MAX = 16 };

typedef struct set_columns {
    uint32_t label;
    uint32_t keys[KEYS_MAX];
    wg_type types[KEYS_MAX];
    uint32_t count;
} set_columns;

static void find_columns(const wgi_binder *b, const wg_expr *e, set_columns *columns) {
    if (e->kind == WG_EXPR_EDGE_PROPERTY && e->key != WG_NO_KEY) {
        for (uint32_t i = 0; i < columns->count; i++)
            if (columns->keys[i] == e->key) return;
        const wg_type type = wg_txn_edge_property_type(b->txn, &columns->label, 1, e->key);
        if (type == WG_TYPE_NULL || type != e->type || columns->count == KEYS_MAX) return;
        columns->keys[columns->count] = e->key;
        columns->types[columns->count++] = type;
        return;
    }
    for (uint32_t i = 0; i < e->arg_count; i++) find_columns(b, e->args[i], columns);
}

static wg_code to_columns(wgi_binder *b, void *ctx, wg_expr *part, wg_expr **out) {
    const set_columns *columns = ctx;
    uint32_t slot = EDGE;
    if (part->kind == WG_EXPR_EDGE_PROPERTY) {
        uint32_t i = 0;
        while (i < columns->count && columns->keys[i] != part->key) i++;
        if (i == columns->count) return WG_OK;
        slot = KEYS + i;
    } else if (part->kind != WG_EXPR_SLOT) {
        return WG_OK;
    }
    WG_TRY(wgi_slot_expr(b, slot, part->type, NULL, out));
    (*out)->text_start = part->text_start;
    (*out)->text_end = part->text_end;
    return WG_OK;
}

wg_code wgi_edge_set_plan(wgi_binder *b, uint32_t label, wg_expr *const *conditions, uint32_t count, wg_plan **out) {
    set_columns columns = {.label = label};
    wgi_new_slot slots[KEYS + KEYS_MAX] = {
        {WG_TYPE_NODE, wg_slice_str("")}, {WG_TYPE_EDGE, wg_slice_str("")}, {WG_TYPE_NODE, wg_slice_str("")}};
    for (uint32_t i = 0; i < count; i++) find_columns(b, conditions[i], &columns);
    wgi_relation rel = {.plan = wgi_plan(b, WG_PLAN_SCAN, NULL, NULL)};
    uint32_t *labels = wgi_alloc(b, 1, sizeof *labels);
    uint32_t *keys = wgi_alloc(b, columns.count + (size_t)1, sizeof *keys);
    wg_type *types = wgi_alloc(b, columns.count + (size_t)1, sizeof *types);
    if (rel.plan == NULL || labels == NULL || keys == NULL || types == NULL) return WG_E_NOMEM;
    *labels = label;
    for (uint32_t i = 0; i < columns.count; i++) {
        keys[i] = columns.keys[i];
        types[i] = columns.types[i];
        slots[KEYS + i] = (wgi_new_slot){types[i], wg_slice_str(wg_catalog_key_name(b->catalog, keys[i]))};
    }
    rel.plan->scan = (wg_scan_spec){.labels = labels,
                                    .label_count = 1,
                                    .keys = keys,
                                    .types = types,
                                    .key_count = columns.count,
                                    .is_edge = true};
    rel.plan->row_estimate = wgi_label_rows(b, label);
    WG_TRY(wgi_plan_slots(b, rel.plan, NULL, NULL, slots, KEYS + columns.count));
    for (uint32_t i = 0; i < count; i++) {
        wg_expr *condition;
        WG_TRY(wgi_map_expr_parts(b, conditions[i], to_columns, &columns, &condition));
        WG_TRY(wgi_filter(b, &rel, condition));
    }
    *out = rel.plan;
    return WG_OK;
}
