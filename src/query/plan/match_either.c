/* query/plan: a component that begins in several ways (optimize/either.c): what each branch of a disjunction gives, one after the other. A node
 * that several branches have comes with the first of them: the others ask that no earlier one is true. Where all branches scan, the columns
 * are those of all of them; otherwise nodes alone come through. */
#include "query/plan/matcher.h"

typedef struct either {
    wgi_matcher *m;
    const wgi_pattern_node *node;
    const wgi_branch *branches;
    uint32_t count;
    bool scans;
    wg_scan_spec columns; /* `scans`: of each */
} either;

/* Properties that are read of the node: of a type that all branches agree on. */
static wg_code read_columns(either *e) {
    wgi_binder *b = e->m->b;
    uint32_t *keys, count, kept = 0;
    e->scans = !e->m->after_write;
    for (uint32_t i = 0; i < e->count; i++) e->scans = e->scans && e->branches[i].scans;
    if (!e->scans) return WG_OK;
    WG_TRY(wgi_keys_read(b, e->node, &e->m->graph, &keys, &count));
    wg_type *types = wgi_alloc(b, count, sizeof *types);
    if (types == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        bool any = false;
        wg_type type = WG_TYPE_NULL;
        for (uint32_t k = 0; k < e->count; k++) {
            const wgi_pattern_node *node = &e->branches[k].graph.nodes[0];
            const wg_type one =
                node->missing ? type : wgi_node_property_type(b, node->labels, node->label_count, keys[i]);
            any = any || one != WG_TYPE_NULL;
            if (k == 0) type = one;
            if (one != type) type = WG_TYPE_ANY;
        }
        if (!any) continue;
        keys[kept] = keys[i];
        types[kept++] = type;
    }
    e->columns = (wg_scan_spec){.keys = keys, .types = types, .key_count = kept};
    return WG_OK;
}

static wg_ast *make(wgi_binder *b, wg_ast_kind kind, const wg_ast *at, uint32_t children) {
    wg_ast *a = wgi_alloc(b, 1, sizeof *a);
    if (a == NULL) return NULL;
    *a = (wg_ast){.kind = (uint8_t)kind, .start = at->start, .end = at->end, .height = 1, .child_count = children};
    a->child = wgi_alloc(b, children + (size_t)1, sizeof(wg_ast *));
    return a->child != NULL ? a : NULL;
}

/* NOT condition, where null is not true either. */
static wg_code refuse(wgi_binder *b, const wgi_branch *branch, wgi_relation *rel) {
    const wg_ast *at = branch->condition;
    wg_ast *no = make(b, WG_AST_UNARY, at, 1), *call = make(b, WG_AST_FUNCTION, at, 2),
           *copy = make(b, WG_AST_BOOL, at, 0), *otherwise = make(b, WG_AST_BOOL, at, 0);
    wg_expr *condition;
    if (no == NULL || call == NULL || copy == NULL || otherwise == NULL) return WG_E_NOMEM;
    *copy = *at;
    call->text = wg_slice_str("coalesce");
    call->child[0] = copy;
    call->child[1] = otherwise;
    no->op = WG_OP_NOT;
    no->child[0] = branch->only_labels ? copy : call; /* of labels it is never null */
    WG_TRY(wgi_bind_condition(b, rel, "in WHERE", no, &condition));
    return wgi_filter(b, rel, condition);
}

static wg_code start_branch(either *e, uint32_t number, wgi_relation *out) {
    wgi_binder *b = e->m->b;
    const wgi_branch *branch = &e->branches[number];
    wgi_matcher part = {.b = b, .graph = branch->graph, .expanded_rows = -1, .after_write = e->m->after_write};
    wg_expr *condition;
    if (e->scans) WG_TRY(wgi_start_columns(&part, &branch->graph.nodes[0], &e->columns, out));
    else WG_TRY(wgi_start_node(&part, 0, out));
    if (!branch->only_labels) {
        WG_TRY(wgi_bind_condition(b, out, "in WHERE", branch->condition, &condition));
        WG_TRY(wgi_filter(b, out, condition));
    }
    for (uint32_t i = 0; i < number; i++)
        if (!e->branches[i].graph.nodes[0].missing) WG_TRY(refuse(b, &e->branches[i], out));
    return WG_OK;
}

/* Of the rows only the node. */
static wg_code keep_node(either *e, wgi_relation *rel) {
    wgi_binder *b = e->m->b;
    const wgi_new_slot slot = {WG_TYPE_NODE, e->node->name};
    wg_plan *plan = wgi_plan(b, WG_PLAN_PROJECT, rel->plan, NULL);
    wg_expr **exprs = wgi_alloc(b, 1, sizeof(wg_expr *));
    if (plan == NULL || exprs == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_slot_expr(b, wgi_find(rel, e->node->name)->slot, WG_TYPE_NODE, e->node->ast, &exprs[0]));
    plan->exprs = exprs;
    plan->expr_count = 1;
    WG_TRY(wgi_plan_slots(b, plan, NULL, NULL, &slot, 1));
    rel->plan = plan;
    return WG_OK;
}

wg_code wgi_start_either(wgi_matcher *m, uint32_t start, wgi_relation *out) {
    wgi_binder *b = m->b;
    wgi_branch *branches;
    either e = {.m = m, .node = &m->graph.nodes[start]};
    const uint32_t conjunct = e.node->either - 1;
    wgi_relation rel = {.writes = m->after_write};
    double cost;
    WG_TRY(wgi_branches(b, &m->graph, start, conjunct, &branches, &e.count, &cost));
    WG_ASSERT(e.count > 0); /* it was found when the graph was made */
    e.branches = branches;
    WG_TRY(read_columns(&e));
    for (uint32_t i = 0; i < e.count; i++) {
        wgi_relation one;
        if (branches[i].graph.nodes[0].missing && !(rel.plan == NULL && i + 1 == e.count)) continue;
        WG_TRY(start_branch(&e, i, &one));
        if (!e.scans) WG_TRY(keep_node(&e, &one));
        if (rel.plan == NULL) {
            rel.plan = one.plan;
            continue;
        }
        wg_plan *both = wgi_plan(b, WG_PLAN_UNION, rel.plan, one.plan);
        if (both == NULL) return WG_E_NOMEM;
        both->row_estimate = rel.plan->row_estimate + one.plan->row_estimate;
        WG_TRY(wgi_plan_slots(b, both, rel.plan, NULL, NULL, 0));
        rel.plan = both;
    }
    m->graph.conjuncts[conjunct].done = true;
    WG_TRY(wgi_node_symbol(m, &rel, e.node, 0));
    for (uint32_t i = 0; e.scans && i < e.columns.key_count; i++)
        WG_TRY(wgi_add_property(b, &rel, 0, e.columns.keys[i], i + 1));
    *out = rel;
    return WG_OK;
}
