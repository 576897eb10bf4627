/* query/plan: how a component of a pattern begins: a scan of a label or of all nodes, a seek of a primary key or of an index. */
#include "query/plan/matcher.h"

wg_code wgi_node_symbol(wgi_matcher *m, wgi_relation *rel, const wgi_pattern_node *node, uint32_t slot) {
    const wgi_symbol symbol = {.name = node->name,
                               .type = WG_TYPE_NODE,
                               .slot = slot,
                               .labels = node->labels,
                               .label_count = node->label_count};
    return wgi_add_symbol(m->b, rel, &symbol);
}

/* No row, with a node slot: a label that no node has. */
static wg_code start_empty(wgi_matcher *m, const wgi_pattern_node *node, const wg_scan_spec *columns,
                           wgi_relation *out) {
    wgi_binder *b = m->b;
    wgi_relation rel;
    const uint32_t count = columns->key_count + 1;
    wg_expr **exprs = wgi_alloc(b, count, sizeof(wg_expr *));
    wgi_new_slot *slots = wgi_alloc(b, count, sizeof *slots);
    const wg_value null = wg_value_null();
    if (exprs == NULL || slots == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_unit(b, &rel));
    WG_TRY(wgi_filter_false(b, &rel));
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = (wgi_new_slot){i == 0 ? WG_TYPE_NODE : columns->types[i - 1], i == 0 ? node->name : (wg_slice){0}};
        WG_TRY(wgi_const_expr(b, &null, slots[i].type, node->ast, &exprs[i]));
    }
    wg_plan *plan = wgi_plan(b, WG_PLAN_PROJECT, rel.plan, NULL);
    if (plan == NULL) return WG_E_NOMEM;
    plan->exprs = exprs;
    plan->expr_count = count;
    WG_TRY(wgi_plan_slots(b, plan, NULL, NULL, slots, count));
    rel.plan = plan;
    WG_TRY(wgi_node_symbol(m, &rel, node, 0));
    *out = rel;
    return WG_OK;
}

static wg_code make_scan(wgi_matcher *m, const wgi_pattern_node *node, const uint32_t *labels, uint32_t label_count,
                         const wg_scan_spec *columns, wg_plan **out) {
    wgi_binder *b = m->b;
    wg_plan *plan = wgi_plan(b, WG_PLAN_SCAN, NULL, NULL);
    wgi_new_slot *slots = wgi_alloc(b, columns->key_count + (size_t)1, sizeof *slots);
    if (plan == NULL || slots == NULL) return WG_E_NOMEM;
    plan->scan = *columns;
    plan->scan.labels = labels;
    plan->scan.label_count = label_count;
    plan->row_estimate = wgi_scan_rows(b, labels, label_count);
    slots[0] = (wgi_new_slot){WG_TYPE_NODE, node->name};
    for (uint32_t i = 0; i < columns->key_count; i++)
        slots[i + 1] =
            (wgi_new_slot){columns->types[i], wg_slice_str(wg_catalog_key_name(b->catalog, columns->keys[i]))};
    WG_TRY(wgi_plan_slots(b, plan, NULL, NULL, slots, columns->key_count + 1));
    *out = plan;
    return WG_OK;
}

/* Every node: the owned ones, then the rows of each virtual label. */
static wg_code scan_everything(wgi_matcher *m, const wgi_pattern_node *node, const wg_scan_spec *columns,
                               wg_plan **out) {
    wgi_binder *b = m->b;
    wg_plan *all, *owned;
    WG_TRY(make_scan(m, node, NULL, 0, columns, &all));
    owned = all;
    for (uint32_t i = 0; i < wg_catalog_label_count(b->catalog); i++) {
        const wg_label *label = wg_catalog_label_seen(b->catalog, i, b->view);
        if (label->def.is_edge || label->def.kind != WG_LABEL_VIRTUAL || !wg_label_is_visible(label, b->view))
            continue;
        uint32_t *one = wgi_alloc(b, 1, sizeof *one);
        wg_plan *scan;
        if (one == NULL) return WG_E_NOMEM;
        *one = i;
        WG_TRY(make_scan(m, node, one, 1, columns, &scan));
        owned->row_estimate -= owned->row_estimate < scan->row_estimate ? owned->row_estimate : scan->row_estimate;
        wg_plan *both = wgi_plan(b, WG_PLAN_UNION, all, scan);
        if (both == NULL) return WG_E_NOMEM;
        both->row_estimate = wgi_scan_rows(b, NULL, 0);
        WG_TRY(wgi_plan_slots(b, both, all, NULL, NULL, 0));
        all = both;
    }
    *out = all;
    return WG_OK;
}

wg_code wgi_start_columns(wgi_matcher *m, const wgi_pattern_node *node, const wg_scan_spec *columns,
                          wgi_relation *out) {
    wgi_binder *b = m->b;
    wgi_relation rel = {.writes = m->after_write};
    if (node->missing) return start_empty(m, node, columns, out);
    if (node->label_count == 0 && b->has_virtual) WG_TRY(scan_everything(m, node, columns, &rel.plan));
    else WG_TRY(make_scan(m, node, node->labels, node->label_count, columns, &rel.plan));
    WG_TRY(wgi_node_symbol(m, &rel, node, 0));
    for (uint32_t i = 0; i < columns->key_count; i++) WG_TRY(wgi_add_property(b, &rel, 0, columns->keys[i], i + 1));
    *out = rel;
    return WG_OK;
}

static wg_code start_scan(wgi_matcher *m, const wgi_pattern_node *node, wgi_relation *out) {
    wgi_binder *b = m->b;
    const bool everything = node->label_count == 0 && b->has_virtual;
    uint32_t *keys, count, kept = 0;
    WG_TRY(wgi_keys_read(b, node, &m->graph, &keys, &count));
    wg_type *types = wgi_alloc(b, count, sizeof *types);
    if (types == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        const wg_type type =
            everything ? WG_TYPE_ANY : wgi_node_property_type(b, node->labels, node->label_count, keys[i]);
        if (type == WG_TYPE_NULL || m->after_write) continue;
        keys[kept] = keys[i];
        types[kept++] = type;
    }
    const wg_scan_spec columns = {.keys = keys, .types = types, .key_count = kept};
    return wgi_start_columns(m, node, &columns, out);
}

wg_code wgi_has_labels(wgi_matcher *m, wgi_relation *rel, const wgi_pattern_node *node, const wgi_symbol *of) {
    wgi_binder *b = m->b;
    if (node->missing) return wgi_filter_false(b, rel);
    if (node->label_count == 0) return WG_OK;
    wg_expr *e = wgi_expr(b, WG_EXPR_HAS_LABELS, WG_TYPE_BOOL, node->ast);
    wg_expr **args = wgi_alloc(b, 1, sizeof(wg_expr *));
    if (e == NULL || args == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_slot_expr(b, of->slot, of->type, node->ast, &args[0]));
    e->args = args;
    e->arg_count = 1;
    e->labels = node->labels;
    e->label_count = node->label_count;
    return wgi_filter(b, rel, e);
}

wg_code wgi_seek_key(wgi_matcher *m, wgi_relation *rel, uint32_t index, const wg_label *label,
                     const wg_ast *const *keys) {
    wgi_binder *b = m->b;
    const wgi_pattern_node *node = &m->graph.nodes[index];
    const wgi_new_slot slot = {WG_TYPE_NODE, node->name};
    wg_plan *plan = wgi_plan(b, WG_PLAN_SEEK, rel->plan, NULL);
    wg_expr **exprs = wgi_alloc(b, label->def.key_count, sizeof(wg_expr *));
    if (plan == NULL || exprs == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < label->def.key_count; i++) WG_TRY(wgi_bind_in(b, rel, "in MATCH", keys[i], &exprs[i]));
    plan->label = label->number;
    plan->exprs = exprs;
    plan->expr_count = label->def.key_count;
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, &slot, 1));
    rel->plan = plan;
    WG_TRY(wgi_node_symbol(m, rel, node, plan->slot_count - 1));
    return node->label_count > 1 || node->missing ? wgi_has_labels(m, rel, node, wgi_find(rel, node->name)) : WG_OK;
}

wg_code wgi_seek_index(wgi_matcher *m, wgi_relation *rel, uint32_t index, const wgi_index_choice *choice) {
    wgi_binder *b = m->b;
    const wgi_pattern_node *node = &m->graph.nodes[index];
    const wgi_new_slot slot = {WG_TYPE_NODE, node->name};
    wg_plan *plan = wgi_plan(b, WG_PLAN_INDEX_SEEK, rel->plan, NULL);
    if (plan == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_index_exprs(m->b, rel, choice, plan));
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, &slot, 1));
    rel->plan = plan;
    WG_TRY(wgi_node_symbol(m, rel, node, plan->slot_count - 1));
    return node->label_count > 1 || node->missing ? wgi_has_labels(m, rel, node, wgi_find(rel, node->name)) : WG_OK;
}

wg_code wgi_seek_edges(wgi_matcher *m, wgi_relation *rel, wgi_pattern_edge *edge, const wgi_index_choice *choice) {
    wgi_binder *b = m->b;
    const wgi_pattern_node *ends[2] = {&m->graph.nodes[edge->from], &m->graph.nodes[edge->to]};
    const wgi_new_slot slots[3] = {
        {WG_TYPE_EDGE, edge->name}, {WG_TYPE_NODE, ends[0]->name}, {WG_TYPE_NODE, ends[1]->name}};
    wg_plan *plan = wgi_plan(b, WG_PLAN_INDEX_SEEK, rel->plan, NULL);
    if (plan == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_index_exprs(m->b, rel, choice, plan));
    plan->index_edges = true;
    plan->direction = wgi_direction_from_left(edge);
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, slots, 3));
    rel->plan = plan;
    edge->done = true;
    const uint32_t first = plan->slot_count - 3;
    const wgi_symbol symbol = {.name = edge->name,
                               .type = WG_TYPE_EDGE,
                               .slot = first,
                               .labels = edge->types,
                               .label_count = edge->type_count};
    WG_TRY(wgi_add_symbol(b, rel, &symbol));
    for (uint32_t side = 0; side < 2; side++) {
        const wg_direction towards = side == 1 ? plan->direction : wgi_direction_reversed(plan->direction);
        WG_TRY(wgi_node_symbol(m, rel, ends[side], first + 1 + side));
        if (!wgi_ends_have_label(b, edge, towards, ends[side]))
            WG_TRY(wgi_has_labels(m, rel, ends[side], wgi_find(rel, ends[side]->name)));
    }
    return WG_OK;
}

/* The elements of a list of keys, each once. */
static wg_code unwind_keys(wgi_matcher *m, const wg_ast *list, wgi_relation *rel, wg_slice *out_name) {
    wgi_binder *b = m->b;
    wg_expr **exprs = wgi_alloc(b, 1, sizeof(wg_expr *));
    if (exprs == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_hidden_name(b, out_name));
    const wgi_new_slot slot = {WG_TYPE_ANY, *out_name};
    WG_TRY(wgi_bind_in(b, rel, "in MATCH", list, &exprs[0]));
    wg_plan *unwind = wgi_plan(b, WG_PLAN_UNWIND, rel->plan, NULL);
    wg_plan *distinct = wgi_plan(b, WG_PLAN_DISTINCT, unwind, NULL);
    if (unwind == NULL || distinct == NULL) return WG_E_NOMEM;
    unwind->exprs = exprs;
    unwind->expr_count = 1;
    WG_TRY(wgi_plan_slots(b, unwind, rel->plan, NULL, &slot, 1));
    WG_TRY(wgi_plan_slots(b, distinct, unwind, NULL, NULL, 0));
    rel->plan = distinct;
    const wgi_symbol symbol = {.name = *out_name, .type = WG_TYPE_ANY, .slot = distinct->slot_count - 1};
    return wgi_add_symbol(b, rel, &symbol);
}

/* Seeks each element of a list that the key of the node must be in, in the order of the list. The condition is asked all the same. */
static wg_code seek_list(wgi_matcher *m, uint32_t start, const wg_label *label, const wg_ast *list,
                         wgi_relation *out) {
    wg_slice name;
    wg_ast *element = wgi_alloc(m->b, 1, sizeof *element);
    if (element == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_unit(m->b, out));
    out->writes = m->after_write;
    WG_TRY(unwind_keys(m, list, out, &name));
    out->plan->row_estimate = wgi_start_rows(m->b, &m->graph, start);
    *element = (wg_ast){.kind = WG_AST_VARIABLE, .start = list->start, .end = list->end, .height = 1, .text = name};
    const wg_ast *const keys[] = {element};
    return wgi_seek_key(m, out, start, label, keys);
}

wg_code wgi_start_node(wgi_matcher *m, uint32_t start, wgi_relation *out) {
    const wgi_pattern_node *node = &m->graph.nodes[start];
    const wg_ast *keys[WG_KEY_COLUMNS_MAX];
    const wgi_relation nothing = {0};
    const wg_label *label = wgi_find_key(m->b, &m->graph, start, &nothing, keys);
    if (label != NULL) {
        WG_TRY(wgi_unit(m->b, out));
        out->writes = m->after_write;
        return wgi_seek_key(m, out, start, label, keys);
    }
    const wg_ast *list;
    label = node->missing ? NULL : wgi_find_key_list(m->b, &m->graph, start, &list);
    if (label != NULL) return seek_list(m, start, label, list, out);
    if (!node->missing && node->seek_rows >= 0) {
        wgi_index_choice choice;
        WG_TRY(wgi_find_index(m->b, &m->graph, node->name, node->labels, node->label_count, &nothing, &choice));
        WG_ASSERT(choice.rule != NULL); /* it was found when the graph was made */
        WG_TRY(wgi_unit(m->b, out));
        out->writes = m->after_write;
        return wgi_seek_index(m, out, start, &choice);
    }
    const wg_scan_spec none = {0};
    if (node->missing) return start_empty(m, node, &none, out);
    return node->either != 0 ? wgi_start_either(m, start, out) : start_scan(m, node, out);
}
