/* query/optimize: SCAN of nodes and EXPAND along one edge label in one direction, where nothing restricts the nodes, become the scan of the label's
 * rows. Its slots are those of the pair: near node, edge, far node. Below PROJECT and AGGREGATE, with nothing but filters between, the
 * properties of the edge become columns of the scan, and ends that nobody asks for are not read. */
#include "query/optimize/rewrite.h"

enum { NEAR, EDGE, FAR, KEYS, KEYS_MAX = 60 };

typedef struct edge_columns {
    bool ends; /* somebody reads one */
    bool edge; /* the edge itself is wanted, other than for its properties */
    uint32_t keys[KEYS_MAX];
    wg_type types[KEYS_MAX];
    uint32_t count;
} edge_columns;

static bool is_edge_property(const wg_expr *e) {
    return e->kind == WG_EXPR_EDGE_PROPERTY && e->args[0]->kind == WG_EXPR_SLOT && e->args[0]->slot == EDGE &&
           e->key != WG_NO_KEY;
}

static uint32_t find_column(const edge_columns *columns, uint32_t key) {
    for (uint32_t i = 0; i < columns->count; i++)
        if (columns->keys[i] == key) return i;
    return UINT32_MAX;
}

static void look(const wgi_binder *b, const wg_plan *scan, const wg_expr *e, edge_columns *columns) {
    if (e->kind == WG_EXPR_SLOT) columns->ends = columns->ends || e->slot == NEAR || e->slot == FAR;
    if (is_edge_property(e)) {
        if (columns->count == KEYS_MAX || find_column(columns, e->key) != UINT32_MAX) return;
        const wg_type type = wg_txn_edge_property_type(b->txn, scan->scan.labels, 1, e->key);
        if (type == WG_TYPE_NULL || type != e->type) return;
        columns->keys[columns->count] = e->key;
        columns->types[columns->count++] = type;
        return;
    }
    for (uint32_t i = 0; i < e->arg_count; i++) look(b, scan, e->args[i], columns);
}

static wg_code property_to_slot(wgi_binder *b, void *ctx, wg_expr *part, wg_expr **out) {
    const edge_columns *columns = ctx;
    if (!is_edge_property(part)) return WG_OK;
    const uint32_t at = find_column(columns, part->key);
    if (at == UINT32_MAX) return WG_OK;
    WG_TRY(wgi_slot_expr(b, KEYS + at, columns->types[at], NULL, out));
    (*out)->text_start = part->text_start;
    (*out)->text_end = part->text_end;
    return WG_OK;
}

static wg_code map_list(wgi_binder *b, wg_plan *plan, edge_columns *columns) {
    wg_expr **exprs = wgi_alloc(b, plan->expr_count, sizeof(wg_expr *));
    if (exprs == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < plan->expr_count; i++)
        WG_TRY(wgi_map_expr_parts(b, plan->exprs[i], property_to_slot, columns, &exprs[i]));
    plan->exprs = exprs;
    if (plan->aggregate_count == 0) return WG_OK;
    wg_aggregate *aggregates = wgi_alloc(b, plan->aggregate_count, sizeof *aggregates);
    if (aggregates == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < plan->aggregate_count; i++) {
        aggregates[i] = plan->aggregates[i];
        if (aggregates[i].arg != NULL)
            WG_TRY(wgi_map_expr_parts(b, aggregates[i].arg, property_to_slot, columns, &aggregates[i].arg));
    }
    plan->aggregates = aggregates;
    return WG_OK;
}

static void look_list(const wgi_binder *b, const wg_plan *scan, const wg_plan *plan, edge_columns *columns) {
    for (uint32_t i = 0; i < plan->expr_count; i++) look(b, scan, plan->exprs[i], columns);
    for (uint32_t i = 0; i < plan->aggregate_count; i++)
        if (plan->aggregates[i].arg != NULL) look(b, scan, plan->aggregates[i].arg, columns);
}

static wg_code set_columns(wgi_binder *b, wg_plan *scan, const edge_columns *columns) {
    wgi_new_slot slots[KEYS + KEYS_MAX] = {{WG_TYPE_NODE, wg_slice_str(scan->slot_names[NEAR])},
                                           {WG_TYPE_EDGE, wg_slice_str(scan->slot_names[EDGE])},
                                           {WG_TYPE_NODE, wg_slice_str(scan->slot_names[FAR])}};
    for (uint32_t i = 0; i < columns->count; i++) {
        const char *name = wg_catalog_key_name(b->catalog, columns->keys[i]);
        slots[KEYS + i] = (wgi_new_slot){columns->types[i], wg_slice_str(name)};
    }
    uint32_t *keys = wgi_alloc(b, columns->count + (size_t)1, sizeof *keys);
    wg_type *types = wgi_alloc(b, columns->count + (size_t)1, sizeof *types);
    if (keys == NULL || types == NULL) return WG_E_NOMEM;
    memcpy(keys, columns->keys, columns->count * sizeof *keys);
    memcpy(types, columns->types, columns->count * sizeof *types);
    scan->scan.keys = keys;
    scan->scan.types = types;
    scan->scan.key_count = columns->count;
    scan->scan.without_ends = !columns->ends;
    return wgi_plan_slots(b, scan, NULL, NULL, slots, KEYS + columns->count);
}

/* The filters between get the new slots, and what they compare goes to the scan. */
static wg_code fit_filters(wgi_binder *b, wg_plan *top, wg_plan *scan, edge_columns *columns) {
    if (top == scan) return WG_OK;
    WG_TRY(fit_filters(b, top->children[0], scan, columns));
    WG_TRY(map_list(b, top, columns));
    WG_TRY(wgi_plan_slots(b, top, scan, NULL, NULL, 0));
    wgi_relation rel = {.plan = scan};
    return wgi_push_down(b, &rel, top->exprs[0]);
}

static bool is_scannable(const wgi_binder *b, const wg_plan *expand) {
    if (expand->op != WG_PLAN_EXPAND || expand->optional || expand->edge_label_count != 1 || expand->slot != 0 ||
        expand->unique_edge_slot_count != 0 || expand->direction == WG_DIRECTION_BOTH)
        return false;
    const wg_plan *nodes = expand->children[0];
    if (nodes->op != WG_PLAN_SCAN || nodes->children[0] != NULL || nodes->scan.is_edge || nodes->slot_count != 1 ||
        nodes->scan.predicate_count != 0)
        return false;
    return wgi_ends_have(b, expand, false, nodes->scan.labels, nodes->scan.label_count);
}

wg_code wgi_rewrite_edge_scan(wgi_binder *b, wg_plan *consumer) {
    wg_plan *top = consumer->children[0], *expand = top, *parent = consumer;
    while (expand != NULL && expand->op == WG_PLAN_FILTER) {
        parent = expand;
        expand = expand->children[0];
    }
    if (expand == NULL || !is_scannable(b, expand)) return WG_OK;
    wg_plan *scan = wgi_plan(b, WG_PLAN_SCAN, NULL, NULL);
    if (scan == NULL) return WG_E_NOMEM;
    scan->scan = (wg_scan_spec){.labels = expand->edge_labels,
                                .label_count = 1,
                                .is_edge = true,
                                .reversed = expand->direction == WG_DIRECTION_IN};
    scan->row_estimate = wgi_label_rows(b, expand->edge_labels[0]);
    WG_TRY(wgi_plan_slots(b, scan, expand, NULL, NULL, 0));
    edge_columns columns = {.ends = true};
    const bool last = consumer->op == WG_PLAN_PROJECT || consumer->op == WG_PLAN_AGGREGATE;
    if (last) {
        columns.ends = false;
        look_list(b, scan, consumer, &columns);
        for (const wg_plan *p = top; p != expand; p = p->children[0]) look_list(b, scan, p, &columns);
    }
    WG_TRY(set_columns(b, scan, &columns));
    parent->children[0] = scan;
    if (!last) return WG_OK;
    if (parent == consumer) top = scan;
    WG_TRY(fit_filters(b, top, scan, &columns));
    return map_list(b, consumer, &columns);
}
