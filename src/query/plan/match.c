/* query/plan: MATCH.
 *
 * The pattern falls into components. A component with a node that is known already begins with the rows that have it. The others
 * are planned alone, and then joined: by a key seek for each row when there are few rows, by hash on equalities between them, as a
 * product when nothing connects them. Within a component wgi_order says where to start and how to go on; one of at most two
 * relationships that begins at a key or at known rows needs no statistics and grows in the order of the text. A condition is applied as
 * soon as its variables exist.
 *
 * Several MATCH clauses in a row that neither write nor name paths are one pattern, of which only relationships of the same
 * clause must differ. */
#include "query/plan/matcher.h"

/* The map of a relationship of variable length may ask for what this relation does not have: a row of an earlier clause, or a part of
 * the pattern that comes later. Then it waits until all components are joined. */
static bool must_wait(const wgi_relation *rel, const wgi_pattern_edge *edge) {
    const wg_ast *map = edge->ast->child[0];
    return (edge->ast->flags & WG_AST_VARIABLE_LENGTH) != 0 && map != NULL && !wgi_covered(map, rel);
}

/* ---- conditions */

static wg_code apply_conditions(wgi_matcher *m, wgi_relation *rel) {
    for (uint32_t i = 0; i < m->graph.conjunct_count; i++) {
        wgi_conjunct *c = &m->graph.conjuncts[i];
        if (c->done || wgi_has_subquery(c->ast) || !wgi_covered(c->ast, rel)) continue;
        wg_expr *condition;
        WG_TRY(wgi_bind_condition(m->b, rel, "in WHERE", c->ast, &condition));
        WG_TRY(wgi_filter(m->b, rel, condition));
        c->done = true;
    }
    return WG_OK;
}

/* ---- growing */

/* Edges of one MATCH are never the same one, unless no label is common to both: then they cannot be. */
static bool may_be_same(const wgi_pattern_edge *a, const wgi_pattern_edge *b) {
    if (a->clause != b->clause || a->free || b->free) return false;
    bool common = a->type_count == 0 || b->type_count == 0;
    for (uint32_t i = 0; i < a->type_count; i++)
        for (uint32_t k = 0; k < b->type_count; k++) common = common || a->types[i] == b->types[k];
    return common;
}

/* Slots of the edges of this MATCH that the relation has: the new one must differ from each. */
static wg_code earlier_edges(wgi_matcher *m, const wgi_relation *rel, const wgi_pattern_edge *edge, wg_plan *plan) {
    uint32_t *slots = wgi_alloc(m->b, m->graph.edge_count, sizeof *slots);
    if (slots == NULL) return WG_E_NOMEM;
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->graph.edge_count; i++) {
        const wgi_symbol *symbol = wgi_find(rel, m->graph.edges[i].name);
        if (symbol != NULL && may_be_same(&m->graph.edges[i], edge)) slots[count++] = symbol->slot;
    }
    plan->unique_edge_slots = slots;
    plan->unique_edge_slot_count = count;
    return WG_OK;
}

/* The property map of a relationship of variable length. */
static wg_code walk_properties(wgi_matcher *m, const wgi_relation *rel, const wg_ast *map, wg_plan *plan) {
    wgi_binder *b = m->b;
    if (map == NULL) return WG_OK;
    if (map->kind == WG_AST_PARAMETER)
        return wgi_error(b, WG_E_BIND, map,
                         "a parameter cannot stand for the whole property map of MATCH; write {name: $value}");
    uint32_t *keys = wgi_alloc(b, map->child_count, sizeof *keys);
    wg_expr **exprs = wgi_alloc(b, map->child_count, sizeof(wg_expr *));
    if (keys == NULL || exprs == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < map->child_count; i++) {
        if (rel->writes) WG_TRY(wgi_intern_key(b, map->child[i]->text, &keys[i])); /* it may come with a map */
        else keys[i] = wg_txn_key(b->txn, map->child[i]->text);
        WG_TRY(wgi_bind_in(b, rel, "in MATCH", map->child[i]->child[0], &exprs[i]));
    }
    plan->edge_keys = keys;
    plan->exprs = exprs;
    plan->expr_count = map->child_count;
    return WG_OK;
}

static wg_code walk_bounds(wgi_matcher *m, const wgi_relation *rel, const wgi_pattern_edge *edge, bool from_left,
                           wg_plan *plan) {
    const wg_ast *ast = edge->ast;
    const int64_t least = ast->i < 0 ? 1 : ast->i, most = ast->j < 0 ? UINT32_MAX : ast->j;
    plan->op = edge->search != WG_AST_PATH_ALL ? WG_PLAN_SHORTEST : WG_PLAN_EXPAND_VAR;
    plan->all_shortest = edge->search == WG_AST_PATH_ALL_SHORTEST;
    plan->hops_min = (uint32_t)(least < UINT32_MAX ? least : UINT32_MAX);
    plan->hops_max = (uint32_t)(most < UINT32_MAX ? most : UINT32_MAX);
    if (edge->missing) plan->hops_max = 0; /* no edge has the type: only the walk of no edges is left */
    plan->backwards = !from_left;
    if (m->expanded_rows < 0) plan->row_estimate *= 3;
    plan->walk_mode = edge->mode == WG_AST_MODE_WALK      ? WG_WALK_ANY
                      : edge->mode == WG_AST_MODE_ACYCLIC ? WG_WALK_ACYCLIC
                      : edge->mode == WG_AST_MODE_SIMPLE  ? WG_WALK_SIMPLE
                                                          : WG_WALK_TRAIL;
    plan->cycles = edge->cycles;
    plan->by_id = edge->by_id;
    WG_TRY(walk_properties(m, rel, ast->child[0], plan));
    WG_TRY(wgi_walk_steps(m->b, rel, ast, from_left, plan));
    if (edge->paths > 1 || plan->step_count > 1 || (edge->paths > 0 && plan->hops_min > 1)) plan->paths = edge->paths;
    return WG_OK;
}

wg_code wgi_expand_optionally(wgi_binder *b, const wg_ast *path, bool from_left, wgi_relation *rel, bool *out_done) {
    wgi_matcher m = {.b = b};
    const wg_ast *ast = path->child[1], *near = path->child[from_left ? 0 : 2],
                 *far_ast = path->child[from_left ? 2 : 0];
    wgi_pattern_edge edge = {.name = ast->text, .ast = ast};
    wgi_pattern_node far = {.name = far_ast->text, .ast = far_ast};
    WG_TRY(wgi_edge_types(b, ast, 1, &edge.types, &edge.type_count, &edge.missing));
    WG_TRY(wgi_labels(b, far_ast, 1, &far.labels, &far.label_count, &far.missing));
    const wg_direction drawn = wgi_direction_from_left(&edge);
    const wg_direction direction = from_left ? drawn : wgi_direction_reversed(drawn);
    const bool free_end = far.label_count == 0 && !far.missing;
    *out_done = false;
    if (edge.missing || (!free_end && !wgi_ends_have_label(b, &edge, direction, &far))) return WG_OK;
    if (edge.name.size == 0) WG_TRY(wgi_hidden_name(b, &edge.name));
    if (far.name.size == 0) WG_TRY(wgi_hidden_name(b, &far.name));
    const wgi_new_slot slots[2] = {{WG_TYPE_EDGE, edge.name}, {WG_TYPE_NODE, far.name}};
    wg_plan *plan = wgi_plan(b, WG_PLAN_EXPAND, rel->plan, NULL);
    if (plan == NULL) return WG_E_NOMEM;
    plan->slot = wgi_find(rel, near->text)->slot;
    plan->direction = direction;
    plan->edge_labels = edge.types;
    plan->edge_label_count = edge.type_count;
    plan->optional = true;
    plan->row_estimate *= 2;
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, slots, 2));
    rel->plan = plan;
    const wgi_symbol symbol = {.name = edge.name,
                               .type = WG_TYPE_EDGE,
                               .slot = plan->slot_count - 2,
                               .labels = edge.types,
                               .label_count = edge.type_count};
    WG_TRY(wgi_add_symbol(b, rel, &symbol));
    *out_done = true;
    return wgi_node_symbol(&m, rel, &far, plan->slot_count - 1);
}

static wg_code expand(wgi_matcher *m, wgi_relation *rel, wgi_pattern_edge *edge) {
    wgi_binder *b = m->b;
    const wgi_symbol *left = wgi_find(rel, m->graph.nodes[edge->from].name);
    const wgi_symbol *right = wgi_find(rel, m->graph.nodes[edge->to].name);
    const bool into = left != NULL && right != NULL;
    const wgi_pattern_node *far = left != NULL ? &m->graph.nodes[edge->to] : &m->graph.nodes[edge->from];
    const bool walk = (edge->ast->flags & WG_AST_VARIABLE_LENGTH) != 0;
    const wg_type type = walk ? WG_TYPE_LIST : WG_TYPE_EDGE;
    const wgi_new_slot slots[2] = {{type, edge->name}, {WG_TYPE_NODE, far->name}};
    wg_plan *plan = wgi_plan(b, into ? WG_PLAN_EXPAND_INTO : WG_PLAN_EXPAND, rel->plan, NULL);
    if (plan == NULL) return WG_E_NOMEM;
    const wg_direction direction = wgi_direction_from_left(edge);
    plan->slot = left != NULL ? left->slot : right->slot;
    plan->slot_b = into ? right->slot : 0;
    plan->direction = left != NULL ? direction : wgi_direction_reversed(direction);
    plan->edge_labels = edge->types;
    plan->edge_label_count = edge->type_count;
    plan->row_estimate = m->expanded_rows >= 0 ? m->expanded_rows : rel->plan->row_estimate * (into ? 0.5 : 3);
    plan->into = walk && into;
    if (walk) WG_TRY(walk_bounds(m, rel, edge, left != NULL, plan));
    WG_TRY(earlier_edges(m, rel, edge, plan));
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, slots, into ? 1 : 2));
    rel->plan = plan;
    edge->done = true;
    const uint32_t edge_slot = plan->slot_count - (into ? 1 : 2);
    const wgi_symbol symbol = {.name = edge->name,
                               .type = type,
                               .slot = edge_slot,
                               .labels = edge->types,
                               .label_count = walk ? 0 : edge->type_count};
    WG_TRY(wgi_add_symbol(b, rel, &symbol));
    if (edge->missing && !walk) WG_TRY(wgi_filter_false(b, rel));
    if (into) return WG_OK;
    WG_TRY(wgi_node_symbol(m, rel, far, edge_slot + 1));
    if (!walk && wgi_ends_have_label(b, edge, plan->direction, far)) return WG_OK;
    return wgi_has_labels(m, rel, far, wgi_find(rel, far->name));
}

static bool has_waiting(const wgi_matcher *m, const wgi_relation *rel, uint32_t component) {
    for (uint32_t i = 0; i < m->graph.edge_count; i++)
        if (m->graph.nodes[m->graph.edges[i].from].component == component && must_wait(rel, &m->graph.edges[i]))
            return true;
    return false;
}

/* Expands until every edge of the component is there, or waits for others. At least one of its nodes is. */
static wg_code grow(wgi_matcher *m, wgi_relation *rel, uint32_t component) {
    WG_TRY(apply_conditions(m, rel));
    for (;;) {
        wgi_pattern_edge *next = NULL;
        bool closes = false;
        for (uint32_t i = 0; i < m->graph.edge_count; i++) {
            wgi_pattern_edge *edge = &m->graph.edges[i];
            if (edge->done || edge->search != WG_AST_PATH_ALL || m->graph.nodes[edge->from].component != component)
                continue;
            if (must_wait(rel, edge)) continue;
            const bool left = wgi_find(rel, m->graph.nodes[edge->from].name) != NULL;
            const bool right = wgi_find(rel, m->graph.nodes[edge->to].name) != NULL;
            if (!(left || right) || (next != NULL && (closes || m->b->optimizer_off || !(left && right)))) continue;
            next = edge;
            closes = left && right;
        }
        if (next == NULL) return WG_OK;
        WG_TRY(expand(m, rel, next));
        WG_TRY(apply_conditions(m, rel));
    }
}

/* ---- joining */

static wg_code component_names(wgi_matcher *m, uint32_t component, wgi_relation *out) {
    *out = (wgi_relation){0};
    for (uint32_t i = 0; i < m->graph.node_count; i++) {
        const wgi_symbol symbol = {.name = m->graph.nodes[i].name, .type = WG_TYPE_NODE};
        if (m->graph.nodes[i].component == component) WG_TRY(wgi_add_symbol(m->b, out, &symbol));
    }
    for (uint32_t i = 0; i < m->graph.edge_count; i++) {
        const wgi_symbol symbol = {.name = m->graph.edges[i].name, .type = WG_TYPE_EDGE};
        if (m->graph.nodes[m->graph.edges[i].from].component == component) WG_TRY(wgi_add_symbol(m->b, out, &symbol));
    }
    return WG_OK;
}

/* True when the conjunct is `x = y` with x over `left` and y over `right` or the other way round. */
static bool connects(const wgi_conjunct *c, const wgi_relation *left, const wgi_relation *right, const wg_ast **x,
                     const wg_ast **y) {
    if (c->done || c->ast->kind != WG_AST_BINARY || c->ast->op != WG_OP_EQ || wgi_has_subquery(c->ast)) return false;
    for (uint32_t side = 0; side < 2; side++) {
        const wg_ast *l = c->ast->child[side], *r = c->ast->child[1 - side];
        if (!wgi_mentions(l, left) || !wgi_covered(l, left) || !wgi_mentions(r, right) || !wgi_covered(r, right))
            continue;
        *x = l;
        *y = r;
        return true;
    }
    return false;
}

static bool joinable(const wgi_matcher *m, const wgi_relation *rel, const wgi_relation *names) {
    const wg_ast *x, *y;
    for (uint32_t i = 0; i < m->graph.conjunct_count; i++)
        if (connects(&m->graph.conjuncts[i], rel, names, &x, &y)) return true;
    return false;
}

/* Relationships of two components may be the same one: they must differ. */
static wg_code differ_across(wgi_matcher *m, wgi_relation *rel, const wgi_relation *left, const wgi_relation *right) {
    for (uint32_t i = 0; i < m->graph.edge_count; i++) {
        for (uint32_t k = 0; k < m->graph.edge_count; k++) {
            const wgi_pattern_edge *x = &m->graph.edges[i], *y = &m->graph.edges[k];
            if (!may_be_same(x, y)) continue;
            if (wgi_find(left, x->name) == NULL || wgi_find(right, y->name) == NULL) continue;
            const wgi_symbol *xs = wgi_find(rel, x->name), *ys = wgi_find(rel, y->name);
            const bool edges = xs->type == WG_TYPE_EDGE && ys->type == WG_TYPE_EDGE;
            wg_expr *args[2], *condition;
            WG_TRY(wgi_slot_expr(m->b, xs->slot, xs->type, x->ast, &args[0]));
            WG_TRY(wgi_slot_expr(m->b, ys->slot, ys->type, y->ast, &args[1]));
            WG_TRY(wgi_call(m->b, y->ast, edges ? "<>" : "%disjoint", args, 2, &condition));
            WG_TRY(wgi_filter(m->b, rel, condition));
        }
    }
    return WG_OK;
}

/* Joins two relations on every equality that connects them; the larger one streams, the smaller one is built. */
static wg_code combine(wgi_matcher *m, wgi_relation *rel, const wgi_relation *other) {
    wgi_binder *b = m->b;
    /* What writes stays on the left: exec runs the source of the left side before it builds the right one. */
    const bool swap = !b->optimizer_off && !rel->writes && other->plan->row_estimate > rel->plan->row_estimate;
    const wgi_relation left = swap ? *other : *rel, right = swap ? *rel : *other;
    wgi_join_keys keys = {.left = wgi_alloc(b, m->graph.conjunct_count, sizeof(wg_expr *)),
                          .right = wgi_alloc(b, m->graph.conjunct_count, sizeof(wg_expr *))};
    if (keys.left == NULL || keys.right == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < m->graph.conjunct_count; i++) {
        const wg_ast *x, *y;
        wg_expr *args[2], *check;
        if (!connects(&m->graph.conjuncts[i], &left, &right, &x, &y)) continue;
        WG_TRY(wgi_bind_in(b, &left, "in WHERE", x, &args[0]));
        WG_TRY(wgi_bind_in(b, &right, "in WHERE", y, &args[1]));
        WG_TRY(wgi_call(b, m->graph.conjuncts[i].ast, "=", args, 2, &check)); /* only for its check of the types */
        keys.left[keys.count] = args[0];
        keys.right[keys.count++] = args[1];
        m->graph.conjuncts[i].done = true;
    }
    if (keys.count > 0) {
        WG_TRY(wgi_join(b, WG_PLAN_HASH_JOIN, &left, &right, &keys, rel));
    } else {
        WG_TRY(wgi_cross(b, &left, &right, rel));
    }
    WG_TRY(differ_across(m, rel, &left, &right));
    return apply_conditions(m, rel);
}

/* ---- the order within a component */

/* Joins two parts of one component on the nodes that both have. */
static wg_code join_shared(wgi_matcher *m, const wgi_relation *left, const wgi_relation *right, wgi_relation *out) {
    wgi_binder *b = m->b;
    wgi_join_keys keys = {.left = wgi_alloc(b, m->graph.node_count, sizeof(wg_expr *)),
                          .right = wgi_alloc(b, m->graph.node_count, sizeof(wg_expr *))};
    if (keys.left == NULL || keys.right == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < m->graph.node_count; i++) {
        const wgi_pattern_node *node = &m->graph.nodes[i];
        const wgi_symbol *l = wgi_find(left, node->name), *r = wgi_find(right, node->name);
        if (l == NULL || r == NULL) continue;
        WG_TRY(wgi_slot_expr(b, l->slot, WG_TYPE_NODE, node->ast, &keys.left[keys.count]));
        WG_TRY(wgi_slot_expr(b, r->slot, WG_TYPE_NODE, node->ast, &keys.right[keys.count]));
        keys.count++;
    }
    WG_TRY(wgi_join(b, WG_PLAN_HASH_JOIN, left, right, &keys, out));
    WG_TRY(differ_across(m, out, left, right));
    return apply_conditions(m, out);
}

typedef struct emission {
    const wgi_component *component;
    const wgi_relation *known;
} emission;

static wg_code emit(wgi_matcher *m, const emission *e, const wgi_step *step, wgi_relation *out);

/* Conditions that both sides can check are checked on both. */
static wg_code emit_join(wgi_matcher *m, const emission *e, const wgi_step *step, wgi_relation *out) {
    const uint32_t count = m->graph.conjunct_count;
    bool *before = wgi_alloc(m->b, count, sizeof *before);
    bool *after = wgi_alloc(m->b, count, sizeof *after);
    wgi_relation left, right;
    if (before == NULL || after == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) before[i] = m->graph.conjuncts[i].done;
    WG_TRY(emit(m, e, step->left, &left));
    for (uint32_t i = 0; i < count; i++) {
        after[i] = m->graph.conjuncts[i].done;
        m->graph.conjuncts[i].done = before[i];
    }
    WG_TRY(emit(m, e, step->right, &right));
    for (uint32_t i = 0; i < count; i++) m->graph.conjuncts[i].done |= after[i];
    return join_shared(m, &left, &right, out);
}

static wg_code emit_expand(wgi_matcher *m, const emission *e, const wgi_step *step, wgi_relation *out) {
    const wgi_component *c = e->component;
    const wgi_order_edge *numbers = &c->order_edges[step->edge];
    wgi_pattern_edge *edge = &m->graph.edges[c->edges[step->edge]];
    WG_TRY(emit(m, e, step->left, out));
    const bool left = wgi_find(out, m->graph.nodes[edge->from].name) != NULL;
    const bool right = wgi_find(out, m->graph.nodes[edge->to].name) != NULL;
    m->expanded_rows = left && right ? step->rows : step->left->rows * numbers->fan[left ? 0 : 1];
    const wg_code code = expand(m, out, edge);
    m->expanded_rows = -1;
    WG_TRY(code);
    return apply_conditions(m, out);
}

/* The narrowest edge first; what follows closes. rewrite_intersect.c makes one operator of them. */
static wg_code emit_meet(wgi_matcher *m, const emission *e, const wgi_step *step, wgi_relation *out) {
    wgi_step first = {.kind = WGI_STEP_EXPAND, .edge = step->edge, .left = step->left, .rows = step->rows};
    WG_TRY(emit_expand(m, e, &first, out));
    for (uint32_t i = 0; i < e->component->problem.edge_count; i++) {
        if (i == step->edge || !(step->edges >> i & 1)) continue;
        m->expanded_rows = step->rows;
        const wg_code code = expand(m, out, &m->graph.edges[e->component->edges[i]]);
        m->expanded_rows = -1;
        WG_TRY(code);
        WG_TRY(apply_conditions(m, out));
    }
    return WG_OK;
}

static wg_code emit(wgi_matcher *m, const emission *e, const wgi_step *step, wgi_relation *out) {
    switch (step->kind) {
        case WGI_STEP_KNOWN:
            *out = *e->known;
            return apply_conditions(m, out);
        case WGI_STEP_START:
            WG_TRY(wgi_start_node(m, e->component->nodes[step->node], out));
            WG_TRY(apply_conditions(m, out));
            break;
        case WGI_STEP_EXPAND:
            WG_TRY(emit_expand(m, e, step, out));
            break;
        case WGI_STEP_MEET:
            WG_TRY(emit_meet(m, e, step, out));
            break;
        case WGI_STEP_JOIN:
            WG_TRY(emit_join(m, e, step, out));
            break;
    }
    out->plan->row_estimate = step->rows;
    return WG_OK;
}

/* Whether the text's own order will do, so that nobody needs to ask for statistics. */
static bool is_plain(const wgi_matcher *m, const wgi_relation *rel, uint32_t component) {
    const wg_ast *keys[WG_KEY_COLUMNS_MAX];
    const wgi_relation nothing = {0};
    uint32_t nodes = 0, edges = 0;
    bool anchored = false;
    for (uint32_t i = 0; i < m->graph.node_count; i++) {
        if (m->graph.nodes[i].component != component) continue;
        nodes++;
        anchored = anchored || wgi_find(rel, m->graph.nodes[i].name) != NULL ||
                   wgi_find_key(m->b, &m->graph, i, &nothing, keys) != NULL ||
                   wgi_find_key_list(m->b, &m->graph, i, keys) != NULL || m->graph.nodes[i].seek_rows >= 0;
    }
    for (uint32_t i = 0; i < m->graph.edge_count; i++)
        edges += m->graph.edges[i].search == WG_AST_PATH_ALL &&
                 m->graph.nodes[m->graph.edges[i].from].component == component;
    return m->b->optimizer_off || nodes > WGI_ORDER_NODES_MAX || edges == 0 || (anchored && edges <= 2);
}

/* Begins with the relationships that an index gives, when they are fewer than what the best node gives. */
static wg_code start_edge(wgi_matcher *m, uint32_t component, wgi_relation *out, bool *out_done) {
    const wgi_relation nothing = {0};
    wgi_index_choice choice;
    wgi_pattern_edge *edge;
    *out_done = false;
    WG_TRY(wgi_find_index_edge(m->b, &m->graph, component, &nothing, &choice, &edge));
    if (edge == NULL) return WG_OK;
    const double rows = wgi_start_rows(m->b, &m->graph, wgi_choose_start(m->b, &m->graph, component));
    if (choice.rows >= rows && rows > 1) return WG_OK;
    WG_TRY(wgi_unit(m->b, out));
    out->writes = m->after_write;
    WG_TRY(wgi_seek_edges(m, out, edge, &choice));
    *out_done = true;
    return grow(m, out, component);
}

/* All of a component; `rel` has its known nodes, or is NULL. */
static wg_code plan_component(wgi_matcher *m, const wgi_relation *rel, uint32_t component, wgi_relation *out) {
    static const wgi_relation nothing;
    const wgi_relation *known = rel != NULL ? rel : &nothing;
    wgi_relation behind_write = {.writes = m->after_write};
    bool done = false;
    if (rel == NULL) WG_TRY(start_edge(m, component, out, &done));
    if (done) return WG_OK;
    if (is_plain(m, known, component) || has_waiting(m, &nothing, component)) {
        if (rel != NULL) *out = *rel;
        else WG_TRY(wgi_start_node(m, wgi_choose_start(m->b, &m->graph, component), out));
        return grow(m, out, component);
    }
    wgi_component numbers;
    const wgi_step *steps;
    WG_TRY(wgi_component_estimate(m->b, &m->graph, rel != NULL ? rel : &behind_write, component, &numbers));
    if (!wgi_order(&numbers.problem, m->b->arena, &steps)) return wgi_nomem(m->b);
    const emission e = {.component = &numbers, .known = rel};
    return emit(m, &e, steps, out);
}

/* The same by an index. Each row of `rel` is expected to cost the rows that its seek gives. */
static wg_code seek_component_index(wgi_matcher *m, wgi_relation *rel, uint32_t component, double rows,
                                    bool *out_done) {
    wgi_index_choice best = {0}, choice;
    uint32_t at = 0;
    wgi_pattern_edge *edge;
    for (uint32_t i = 0; i < m->graph.node_count; i++) {
        const wgi_pattern_node *node = &m->graph.nodes[i];
        if (node->component != component || node->missing) continue;
        WG_TRY(wgi_find_index(m->b, &m->graph, node->name, node->labels, node->label_count, rel, &choice));
        if (!wgi_index_uses(&choice, rel) || (best.rule != NULL && choice.rows >= best.rows)) continue;
        best = choice;
        at = i;
    }
    WG_TRY(wgi_find_index_edge(m->b, &m->graph, component, rel, &choice, &edge));
    const bool by_edge =
        edge != NULL && wgi_index_uses(&choice, rel) && (best.rule == NULL || choice.rows < best.rows);
    if (by_edge) best = choice;
    const double each = best.rows > 1 ? best.rows : 1;
    if (best.rule == NULL || (rel->plan->row_estimate * each > rows && rows > 1 && !rel->writes)) return WG_OK;
    const wgi_relation before = *rel;
    WG_TRY(by_edge ? wgi_seek_edges(m, rel, edge, &best) : wgi_seek_index(m, rel, at, &best));
    if (by_edge) {
        wgi_relation alone = {0};
        WG_TRY(wgi_add_symbol(m->b, &alone, wgi_find(rel, edge->name)));
        WG_TRY(differ_across(m, rel, &before, &alone));
    }
    *out_done = true;
    return grow(m, rel, component);
}

/* Starts a component at a node whose key the rows of `rel` give. *out_done false: there is none, or a join is cheaper. */
static wg_code seek_component(wgi_matcher *m, wgi_relation *rel, uint32_t component, bool *out_done) {
    const wg_ast *keys[WG_KEY_COLUMNS_MAX];
    *out_done = false;
    if (wgi_is_unit(rel)) return WG_OK;
    const double rows = wgi_component_rows(m->b, &m->graph, component);
    for (uint32_t i = 0; i < m->graph.node_count && !*out_done; i++) {
        if (m->graph.nodes[i].component != component) continue;
        const wg_label *label = wgi_find_key(m->b, &m->graph, i, rel, keys);
        if (label == NULL || (rel->plan->row_estimate > rows && rows > 1 && !rel->writes)) continue;
        WG_TRY(wgi_seek_key(m, rel, i, label, keys));
        WG_TRY(grow(m, rel, component));
        *out_done = true;
    }
    return *out_done ? WG_OK : seek_component_index(m, rel, component, rows, out_done);
}

/* Index into `pending` of the component to add next: connected before unconnected, then the smaller one. */
static wg_code next_component(wgi_matcher *m, const wgi_relation *rel, const uint32_t *pending, uint32_t count,
                              uint32_t *out) {
    double best_rows = 0;
    bool best_joins = false;
    *out = 0;
    if (m->b->optimizer_off) return WG_OK;
    for (uint32_t i = 0; i < count; i++) {
        wgi_relation names;
        WG_TRY(component_names(m, pending[i], &names));
        const bool joins = joinable(m, rel, &names);
        const double rows = wgi_component_rows(m->b, &m->graph, pending[i]);
        if (i > 0 && (best_joins > joins || (best_joins == joins && rows >= best_rows))) continue;
        *out = i;
        best_rows = rows;
        best_joins = joins;
    }
    return WG_OK;
}

/* Whether a walk of the component asks for what only the rows know, beyond nodes. */
static bool asks_rows(const wgi_matcher *m, const wgi_relation *rel, uint32_t component) {
    for (uint32_t i = 0; i < m->graph.edge_count; i++) {
        const wgi_pattern_edge *edge = &m->graph.edges[i];
        if (m->graph.nodes[edge->from].component == component && (edge->ast->flags & WG_AST_VARIABLE_LENGTH) &&
            wgi_mentions(edge->ast, rel))
            return true;
    }
    return false;
}

static wg_code add_component(wgi_matcher *m, wgi_relation *rel, uint32_t component) {
    bool done;
    WG_TRY(seek_component(m, rel, component, &done));
    if (done) return WG_OK;
    if (asks_rows(m, rel, component)) {
        const wgi_relation before = *rel;
        wgi_relation start;
        m->after_write = rel->writes;
        WG_TRY(wgi_start_node(m, wgi_choose_start(m->b, &m->graph, component), &start));
        WG_TRY(wgi_cross(m->b, &before, &start, rel));
        return grow(m, rel, component);
    }
    m->after_write = rel->writes;
    wgi_relation other;
    WG_TRY(plan_component(m, NULL, component, &other));
    if (!wgi_is_unit(rel)) return combine(m, rel, &other);
    *rel = other;
    return WG_OK;
}

/* A component with a node that the rows have already. */
static wg_code grow_known(wgi_matcher *m, wgi_relation *rel, uint32_t component) {
    for (uint32_t i = 0; i < m->graph.node_count; i++) {
        const wgi_pattern_node *node = &m->graph.nodes[i];
        const wgi_symbol *symbol = wgi_find(rel, node->name);
        if (node->component != component || symbol == NULL) continue;
        wg_expr *arg, *condition;
        WG_TRY(wgi_slot_expr(m->b, symbol->slot, symbol->type, node->ast, &arg));
        WG_TRY(wgi_call(m->b, node->ast, "IS NOT NULL", &arg, 1, &condition));
        WG_TRY(wgi_filter(m->b, rel, condition));
        if (node->label_count > 0 || node->missing) {
            WG_TRY(wgi_has_labels(m, rel, node, symbol));
        }
    }
    const wgi_relation known = *rel;
    return plan_component(m, &known, component, rel);
}

static bool is_known(const wgi_matcher *m, const wgi_relation *rel, uint32_t component) {
    for (uint32_t i = 0; i < m->graph.node_count; i++)
        if (m->graph.nodes[i].component == component && wgi_find(rel, m->graph.nodes[i].name) != NULL) return true;
    return false;
}

/* The value of a named path, and what its mode says of its nodes. */
static wg_code finish_path(wgi_matcher *m, const wg_ast *path, wgi_relation *rel) {
    wg_expr *args[2], *condition;
    if (path->text.size == 0) return WG_OK;
    WG_TRY(wgi_path_value(m->b, path, rel));
    if (path->j != WG_AST_MODE_ACYCLIC && path->j != WG_AST_MODE_SIMPLE) return WG_OK;
    const wg_value closes = wg_value_bool(path->j == WG_AST_MODE_SIMPLE);
    WG_TRY(wgi_slot_expr(m->b, wgi_find(rel, path->text)->slot, WG_TYPE_PATH, path, &args[0]));
    WG_TRY(wgi_const_expr(m->b, &closes, WG_TYPE_BOOL, path, &args[1]));
    WG_TRY(wgi_call(m->b, path, "%keeps", args, 2, &condition));
    return wgi_filter(m->b, rel, condition);
}

/* What waited in grow: all components are joined now. A map that needs a node behind the relationship itself gets it as a product.
 * What still waits then names a variable that does not exist. */
static wg_code grow_waiting(wgi_matcher *m, wgi_relation *rel) {
    for (;;) {
        wgi_pattern_edge *next = NULL;
        for (uint32_t i = 0; i < m->graph.edge_count; i++) {
            wgi_pattern_edge *edge = &m->graph.edges[i];
            if (edge->done || edge->search != WG_AST_PATH_ALL) continue;
            WG_TRY(grow(m, rel, m->graph.nodes[edge->from].component));
            const bool reached = wgi_find(rel, m->graph.nodes[edge->from].name) != NULL ||
                                 wgi_find(rel, m->graph.nodes[edge->to].name) != NULL;
            if (!edge->done && reached) next = edge;
        }
        if (next == NULL) return WG_OK;
        if (!must_wait(rel, next)) continue;
        uint32_t node = 0;
        while (node < m->graph.node_count && wgi_find(rel, m->graph.nodes[node].name) != NULL) node++;
        if (node == m->graph.node_count) return expand(m, rel, next);
        wgi_relation other;
        WG_TRY(wgi_start_node(m, node, &other));
        WG_TRY(combine(m, rel, &other));
    }
}

static wg_code finish(wgi_matcher *m, wgi_relation *rel) {
    WG_TRY(apply_conditions(m, rel));
    WG_TRY(grow_waiting(m, rel));
    for (uint32_t i = 0; i < m->graph.edge_count; i++)
        if (m->graph.edges[i].search != WG_AST_PATH_ALL) WG_TRY(expand(m, rel, &m->graph.edges[i]));
    WG_TRY(apply_conditions(m, rel));
    for (uint32_t i = 0; i < m->graph.edge_count; i++) {
        const wgi_pattern_edge *edge = &m->graph.edges[i];
        if (edge->ast->kind == WG_AST_GROUP)
            WG_TRY(wgi_group_lists(m->b, edge->ast, edge->name, m->graph.nodes[edge->from].name, rel));
    }
    for (uint32_t k = 0; k < m->pattern_count; k++)
        for (uint32_t i = 0; i < m->patterns[k]->child_count; i++)
            WG_TRY(finish_path(m, m->patterns[k]->child[i], rel));
    WG_TRY(apply_conditions(m, rel));
    for (uint32_t i = 0; i < m->graph.conjunct_count; i++) {
        wgi_conjunct *c = &m->graph.conjuncts[i];
        if (c->done) continue;
        c->done = true;
        WG_TRY(wgi_where(m->b, c->ast, rel)); /* subqueries, and what names unknown variables */
    }
    return WG_OK;
}

static wg_code read_patterns(wgi_matcher *m, const wg_ast *const *matches, uint32_t count, const wgi_relation *rel) {
    wgi_binder *b = m->b;
    wg_ast *named = wgi_alloc(b, count, sizeof *named);
    const wg_ast **pointers = wgi_alloc(b, count, sizeof(wg_ast *));
    m->patterns = wgi_alloc(b, count, sizeof(wg_ast *));
    if (named == NULL || pointers == NULL || m->patterns == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        wg_ast *pattern;
        wg_ast **children = wgi_alloc(b, 2, sizeof(wg_ast *));
        if (children == NULL) return WG_E_NOMEM;
        WG_TRY(wgi_name_pattern(b, matches[i]->child[0], &pattern));
        children[0] = pattern;
        children[1] = matches[i]->child[1];
        named[i] = *matches[i];
        named[i].child = children;
        pointers[i] = &named[i];
        m->patterns[i] = pattern;
    }
    m->pattern_count = count;
    return wgi_graph_build(b, pointers, count, rel, &m->graph);
}

wg_code wgi_match_all(wgi_binder *b, const wg_ast *const *matches, uint32_t match_count, wgi_relation *rel) {
    wgi_matcher m = {.b = b, .expanded_rows = -1};
    WG_TRY(read_patterns(&m, matches, match_count, rel));
    uint32_t *pending = wgi_alloc(b, m.graph.node_count, sizeof *pending);
    if (pending == NULL) return WG_E_NOMEM;
    uint32_t count = 0;
    const wgi_relation before = *rel;
    for (uint32_t i = 0; i < m.graph.node_count; i++) {
        if (m.graph.nodes[i].component != i) continue;
        if (is_known(&m, &before, i)) {
            WG_TRY(grow_known(&m, rel, i));
        } else {
            pending[count++] = i;
        }
    }
    while (count > 0) {
        uint32_t next = 0;
        WG_TRY(next_component(&m, rel, pending, count, &next));
        WG_TRY(add_component(&m, rel, pending[next]));
        memmove(pending + next, pending + next + 1, (count - next - 1) * sizeof *pending);
        count--;
    }
    return finish(&m, rel);
}

wg_code wgi_match(wgi_binder *b, const wg_ast *match, wgi_relation *rel) {
    if (wgi_is_selective(match)) return wgi_match_selective(b, match, rel);
    return wgi_match_all(b, &match, 1, rel);
}
