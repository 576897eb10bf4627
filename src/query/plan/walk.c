/* query/plan: what a repetition of a walk is made of: the relationship of `-[r:T WHERE ..]->{1,3}`, or the whole path of
 * `((a)-[r]->(b) WHERE ..){1,3}`. Every condition is asked at the first step at which its variables are known; a variable of the repetition
 * is one node or relationship inside of it, and the list of them outside. */
#include "query/plan/walk.h"

typedef struct body {
    const wg_ast **elements; /* node, edge, node, ... in the order of walking */
    wg_slice *names;
    uint32_t count;
    bool reversed;
} body;

static wg_code empty_node(wgi_binder *b, const wg_ast *at, const wg_ast **out) {
    wg_ast *node = wgi_alloc(b, 1, sizeof *node);
    wg_ast **none = wgi_alloc(b, 1, sizeof *none);
    if (node == NULL || none == NULL) return WG_E_NOMEM;
    *node = (wg_ast){.kind = WG_AST_NODE, .start = at->start, .end = at->end, .height = 1, .child_count = 1};
    node->child = none;
    *out = node;
    return WG_OK;
}

static wg_code read_body(wgi_binder *b, const wg_ast *ast, bool from_left, body *out) {
    const bool group = ast->kind == WG_AST_GROUP;
    const uint32_t count = group ? ast->child[1]->child_count : 3;
    *out = (body){.count = count, .reversed = !from_left};
    out->elements = wgi_alloc(b, count, sizeof *out->elements);
    out->names = wgi_alloc(b, count, sizeof *out->names);
    if (out->elements == NULL || out->names == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = from_left ? i : count - 1 - i;
        if (group) out->elements[at] = ast->child[1]->child[i];
        else if (i == 1) out->elements[at] = ast;
        else WG_TRY(empty_node(b, ast, &out->elements[at]));
    }
    for (uint32_t i = 0; i < count; i++) {
        out->names[i] = out->elements[i]->text;
        bool again = false; /* of a node: the same one, under a name of its own here */
        for (uint32_t k = 0; k < i; k++) again = again || wg_slice_equal(out->names[k], out->names[i]);
        if (out->names[i].size == 0 || again) WG_TRY(wgi_hidden_name(b, &out->names[i]));
    }
    return WG_OK;
}

static wg_code element_symbol(wgi_binder *b, const body *w, uint32_t i, uint32_t slot, wgi_symbol *out) {
    const wg_ast *ast = w->elements[i];
    bool missing = false;
    *out = (wgi_symbol){.name = w->names[i], .type = i % 2 == 0 ? WG_TYPE_NODE : WG_TYPE_EDGE, .slot = slot};
    if (i % 2 == 1) return wgi_edge_types(b, ast, 1, &out->labels, &out->label_count, &missing);
    WG_TRY(wgi_labels(b, ast, 1, &out->labels, &out->label_count, &missing));
    if (missing) out->label_count = 0;
    return WG_OK;
}

/* The rows that conditions are bound over: those below, then the elements of one repetition. */
static wg_code step_rows(wgi_binder *b, const wgi_relation *rel, const body *w, wgi_relation *out) {
    wgi_new_slot *slots = wgi_alloc(b, w->count, sizeof *slots);
    *out = (wgi_relation){.writes = rel->writes, .per_row = rel->per_row};
    out->plan = wgi_plan(b, WG_PLAN_ARGUMENT, NULL, NULL);
    if (slots == NULL || out->plan == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < w->count; i++)
        slots[i] = (wgi_new_slot){i % 2 == 0 ? WG_TYPE_NODE : WG_TYPE_EDGE, w->names[i]};
    WG_TRY(wgi_plan_slots(b, out->plan, rel->plan, NULL, slots, w->count));
    for (uint32_t i = 0; i < rel->symbol_count; i++) WG_TRY(wgi_add_symbol(b, out, &rel->symbols[i]));
    for (uint32_t i = 0; i < rel->property_count; i++) {
        const wgi_property_slot *p = &rel->properties[i];
        WG_TRY(wgi_add_property(b, out, p->of_slot, p->key, p->slot));
    }
    return WG_OK;
}

static wg_code add_condition(wgi_binder *b, const wgi_relation *rows, const wg_ast *at, wg_expr *condition,
                             wg_expr **filter) {
    (void)rows;
    wg_expr *args[2] = {*filter, condition};
    if (*filter != NULL) return wgi_call(b, at, "AND", args, 2, filter);
    *filter = condition;
    return WG_OK;
}

/* Binds what can be asked now; `last`: everything, so that an unknown name is an error. */
static wg_code settle(wgi_binder *b, wgi_graph *g, const wgi_relation *rows, bool last, wg_expr **filter) {
    for (uint32_t i = 0; i < g->conjunct_count; i++) {
        wgi_conjunct *c = &g->conjuncts[i];
        if (c->done || (!last && !wgi_covered(c->ast, rows))) continue;
        wg_expr *condition;
        WG_TRY(wgi_bind_condition(b, rows, "in a quantified path", c->ast, &condition));
        WG_TRY(add_condition(b, rows, c->ast, condition, filter));
        c->done = true;
    }
    return WG_OK;
}

/* A name that stands at two nodes of the repetition is one node. */
static wg_code same_nodes(wgi_binder *b, const body *w, const wgi_relation *rows, uint32_t i, wg_expr **filter) {
    const wg_ast *ast = w->elements[i];
    if (ast->text.size == 0 || wg_slice_equal(ast->text, w->names[i])) return WG_OK;
    const wgi_symbol *first = wgi_find(rows, ast->text), *again = wgi_find(rows, w->names[i]);
    wg_expr *args[2], *condition;
    WG_TRY(wgi_slot_expr(b, first->slot, first->type, ast, &args[0]));
    WG_TRY(wgi_slot_expr(b, again->slot, again->type, ast, &args[1]));
    WG_TRY(wgi_call(b, ast, "=", args, 2, &condition));
    return add_condition(b, rows, ast, condition, filter);
}

static wg_code make_step(wgi_binder *b, const body *w, uint32_t i, wg_walk_step *out) {
    const wg_ast *ast = w->elements[i];
    const wgi_pattern_edge drawn = {.ast = ast};
    const wg_direction direction = wgi_direction_from_left(&drawn);
    *out = (wg_walk_step){.direction = w->reversed ? wgi_direction_reversed(direction) : direction};
    return wgi_edge_types(b, ast, 1, &out->edge_labels, &out->edge_label_count, &out->missing);
}

static wg_code make_steps(wgi_binder *b, const wg_ast *ast, const body *w, wgi_relation *rows, wg_walk_step *steps) {
    const uint32_t first = rows->plan->slot_count - w->count;
    wgi_graph g = {0};
    for (uint32_t i = 0; i < w->count; i++) {
        WG_TRY(wgi_graph_conditions(b, &g, w->names[i], w->elements[i], true));
        if (w->elements[i]->text.size > 0 && wgi_find(rows, w->elements[i]->text) != NULL)
            return wgi_error(b, WG_E_BIND, w->elements[i], "variable '%.*s' of a quantified path exists already",
                             (int)wg_min_size(w->elements[i]->text.size, 64),
                             (const char *)w->elements[i]->text.data);
    }
    if (ast->kind == WG_AST_GROUP && ast->child[2] != NULL) WG_TRY(wgi_graph_condition(b, &g, ast->child[2]));
    for (uint32_t i = 0; i < w->count; i++) {
        wgi_symbol symbol;
        WG_TRY(element_symbol(b, w, i, first + i, &symbol));
        WG_TRY(wgi_add_symbol(b, rows, &symbol));
        wg_expr **filter = &steps[i < 2 ? 0 : i / 2 - 1].filter;
        if (i % 2 == 1) WG_TRY(make_step(b, w, i, &steps[i / 2]));
        if (i < 2 || i % 2 == 1) continue; /* the first node is known with the first relationship */
        WG_TRY(same_nodes(b, w, rows, i, filter));
        WG_TRY(settle(b, &g, rows, i + 1 == w->count, filter));
    }
    return WG_OK;
}

static bool has_conditions(const wg_ast *edge) {
    for (uint32_t i = 1; i < edge->child_count; i++)
        if (edge->child[i]->kind == WG_AST_WHERE) return true;
    return false;
}

wg_code wgi_walk_steps(wgi_binder *b, const wgi_relation *rel, const wg_ast *ast, bool from_left, wg_plan *plan) {
    body w;
    wgi_relation rows;
    if (ast->kind == WG_AST_EDGE && !has_conditions(ast)) return WG_OK;
    WG_TRY(read_body(b, ast, from_left, &w));
    wg_walk_step *steps = wgi_alloc(b, w.count / 2, sizeof *steps);
    if (steps == NULL) return WG_E_NOMEM;
    WG_TRY(step_rows(b, rel, &w, &rows));
    WG_TRY(make_steps(b, ast, &w, &rows, steps));
    plan->steps = steps;
    plan->step_count = w.count / 2;
    plan->step_input = rows.plan;
    plan->direction = steps[0].direction;
    plan->edge_labels = steps[0].edge_labels;
    plan->edge_label_count = steps[0].edge_label_count;
    if (plan->step_count == 1 && steps[0].missing) plan->hops_max = 0;
    return WG_OK;
}

/* ---- the lists outside */

static wg_code list_of(wgi_binder *b, const wg_ast *group, wg_expr *all, uint32_t place, wg_expr **out) {
    const uint32_t edges = group->child[1]->child_count / 2;
    const int64_t numbers[3] = {place % 2 == 0 ? place / 2 : place / 2, edges, place % 2 == 0 ? 1 : 0};
    wg_expr *args[4] = {all};
    for (uint32_t i = 0; i < 3; i++) {
        const wg_value v = wg_value_int(numbers[i]);
        WG_TRY(wgi_const_expr(b, &v, WG_TYPE_INT, group, &args[i + 1]));
    }
    return wgi_call(b, group, "%stride", args, 4, out);
}

wg_code wgi_group_lists(wgi_binder *b, const wg_ast *group, wg_slice walk, wg_slice left, wgi_relation *rel) {
    const wg_ast *path = group->child[1];
    const wgi_symbol *edges = wgi_find(rel, walk), *start = wgi_find(rel, left);
    wg_expr *args[2], *value, *nodes;
    for (uint32_t i = 0; i < path->child_count; i++) {
        const wg_ast *element = path->child[i];
        if (element->text.size == 0 || wgi_find(rel, element->text) != NULL) continue;
        WG_TRY(wgi_slot_expr(b, edges->slot, WG_TYPE_LIST, group, &args[1]));
        value = args[1];
        if (i % 2 == 0) {
            WG_TRY(wgi_slot_expr(b, start->slot, start->type, group, &args[0]));
            WG_TRY(wgi_call(b, group, "%path", args, 2, &nodes));
            WG_TRY(wgi_call(b, group, "nodes", &nodes, 1, &value));
        }
        WG_TRY(list_of(b, group, value, i, &value));
        wgi_symbol symbol = {.name = element->text, .type = WG_TYPE_LIST};
        WG_TRY(wgi_add_slot(b, rel, value, element->text, &symbol.slot));
        WG_TRY(wgi_add_symbol(b, rel, &symbol));
        edges = wgi_find(rel, walk);
        start = wgi_find(rel, left);
    }
    return WG_OK;
}
