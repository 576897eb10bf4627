/* query/optimize: count(*) over a chain of EXPAND and EXPAND_INTO becomes PATTERN_COUNT.
 *
 * From the aggregation down to what is no EXPAND, EXPAND_INTO or FILTER, the chain is read as a pattern: slots of nodes are vertices, slots of
 * edges are edges, the rows below the chain are the rows of the vertex that it begins with. It is taken when
 *   - nothing but counts of all rows is asked for, or of variables that are never null;
 *   - every edge has one declared or open label, and a length of one;
 *   - a condition is about one node and cannot fail, or says that two nodes differ, or asks whether one hop from known nodes exists;
 *   - edges must only differ from edges of the chain, in few enough ways.
 * Otherwise the plan stays as it is: matches are listed. */
#include "query/optimize/rewrite.h"

enum { LABELS_MAX = 4 };

typedef struct chain {
    wgi_binder *b;
    const wg_plan *ops[WG_PATTERN_EDGES_MAX * 4]; /* from the top down */
    uint32_t op_count;
    wg_plan *bottom;
    wg_pattern_vertex vertices[WG_PATTERN_VERTICES_MAX];
    uint32_t slots[WG_PATTERN_VERTICES_MAX]; /* of the vertices */
    uint32_t vertex_count;
    wg_pattern_edge edges[WG_PATTERN_EDGES_MAX];
    uint32_t edge_slots[WG_PATTERN_EDGES_MAX];
    uint32_t edge_count;
    wg_pattern_unlike unlikes[WG_PATTERN_UNLIKES_MAX];
    uint32_t unlike_count;
    uint64_t choices;
    const wg_expr *conditions[WG_PATTERN_VERTICES_MAX * 4]; /* of one vertex each */
    uint32_t condition_vertices[WG_PATTERN_VERTICES_MAX * 4];
    uint32_t condition_count;
    wg_expr *edge_conditions[WG_PATTERN_EDGES_MAX]; /* of one edge each */
    uint32_t condition_edges[WG_PATTERN_EDGES_MAX];
    uint32_t edge_condition_count;
    wg_pattern_set sets[WG_PATTERN_EDGES_MAX];
    wg_buf set_texts[WG_PATTERN_EDGES_MAX]; /* of their conditions */
    uint32_t set_count;
} chain;

/* ---- conditions */

static bool is_named(const wg_expr *e, const char *name) {
    return e->kind == WG_EXPR_CALL && strcmp(wg_function_name(e->function), name) == 0;
}

/* True when it gives a value for every row, whatever the row holds: a condition that may fail must be asked of matches only. */
static bool cannot_fail(const wg_expr *e) {
    static const char *const logical[] = {"AND", "OR", "XOR", "NOT"};
    static const char *const safe[] = {
        "=", "<>", "<", "<=", ">", ">=", "IN", "STARTS WITH", "ENDS WITH", "CONTAINS", "IS NULL", "IS NOT NULL"};
    if (e->kind == WG_EXPR_CONST || e->kind == WG_EXPR_SLOT || e->kind == WG_EXPR_PARAM) return true;
    if (e->kind == WG_EXPR_NODE_PROPERTY || e->kind == WG_EXPR_HAS_LABELS)
        return e->args[0]->kind == WG_EXPR_SLOT && e->args[0]->type == WG_TYPE_NODE;
    if (e->kind == WG_EXPR_EDGE_PROPERTY) return e->args[0]->kind == WG_EXPR_SLOT && e->args[0]->type == WG_TYPE_EDGE;
    bool known = false;
    for (size_t i = 0; i < sizeof logical / sizeof logical[0]; i++) {
        if (!is_named(e, logical[i])) continue;
        for (uint32_t k = 0; k < e->arg_count; k++)
            if (e->args[k]->type != WG_TYPE_BOOL) return false;
        known = true;
    }
    for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++) known = known || is_named(e, safe[i]);
    if (is_named(e, "IN") && (e->args[1]->kind != WG_EXPR_CONST || e->args[1]->type != WG_TYPE_LIST)) return false;
    for (uint32_t i = 0; i < e->arg_count && known; i++) known = cannot_fail(e->args[i]);
    return known;
}

static uint32_t vertex_of_slot(const chain *c, uint32_t slot) {
    for (uint32_t i = 0; i < c->vertex_count; i++)
        if (c->slots[i] == slot) return i;
    return UINT32_MAX;
}

typedef struct seen_slots {
    const chain *chain;
    uint32_t first; /* slot */
    bool several;
    bool any;
} seen_slots;

static void see(void *ctx, uint32_t slot) {
    seen_slots *s = ctx;
    s->several = s->several || (s->any && slot != s->first);
    s->first = slot;
    s->any = true;
}

static bool share_label(const wg_pattern_edge *a, const wg_pattern_edge *b) {
    for (uint32_t i = 0; i < a->label_count; i++)
        for (uint32_t k = 0; k < b->label_count; k++)
            if (a->labels[i] == b->labels[k]) return true;
    return false;
}

static bool add_unlike(chain *c, bool is_edges, uint32_t a, uint32_t b) {
    bool four = false;
    if (is_edges) {
        if (!share_label(&c->edges[a], &c->edges[b])) return true; /* never the same */
        four = c->edges[a].undirected || c->edges[b].undirected;
    }
    c->choices *= four ? 4 : 2;
    if (c->unlike_count == WG_PATTERN_UNLIKES_MAX || c->choices > WG_PATTERN_CHOICES_MAX) return false;
    c->unlikes[c->unlike_count++] = (wg_pattern_unlike){is_edges, a, b};
    return true;
}

/* A condition of one edge, which must have one label. */
static bool add_edge_condition(chain *c, const wg_expr *e, uint32_t slot) {
    uint32_t edge = 0;
    while (edge < c->edge_count && c->edge_slots[edge] != slot) edge++;
    if (edge == c->edge_count || c->edges[edge].kind != WG_PATTERN_REQUIRED || c->edges[edge].label_count != 1 ||
        e->type != WG_TYPE_BOOL || !cannot_fail(e) || c->edge_condition_count == WG_PATTERN_EDGES_MAX)
        return false;
    c->edge_conditions[c->edge_condition_count] = (wg_expr *)(uintptr_t)e;
    c->condition_edges[c->edge_condition_count++] = edge;
    return true;
}

static bool add_condition(chain *c, const wg_expr *e) {
    if (is_named(e, "AND")) return add_condition(c, e->args[0]) && add_condition(c, e->args[1]);
    if (is_named(e, "<>") && e->args[0]->kind == WG_EXPR_SLOT && e->args[1]->kind == WG_EXPR_SLOT) {
        const uint32_t a = vertex_of_slot(c, e->args[0]->slot), b = vertex_of_slot(c, e->args[1]->slot);
        if (a != UINT32_MAX && b != UINT32_MAX && a != b) return add_unlike(c, false, a, b);
    }
    seen_slots s = {.chain = c};
    wgi_see_slots(e, see, &s);
    const uint32_t vertex = s.any && !s.several ? vertex_of_slot(c, s.first) : UINT32_MAX;
    if (s.any && !s.several && vertex == UINT32_MAX) return add_edge_condition(c, e, s.first);
    if (vertex == UINT32_MAX || e->type != WG_TYPE_BOOL || !cannot_fail(e) ||
        c->condition_count == sizeof c->conditions / sizeof c->conditions[0])
        return false;
    c->conditions[c->condition_count] = e;
    c->condition_vertices[c->condition_count++] = vertex;
    return true;
}

/* ---- reading the chain */

static bool add_vertex(chain *c, const wg_plan *plan, uint32_t slot, uint32_t *out) {
    *out = vertex_of_slot(c, slot);
    if (*out != UINT32_MAX) return true;
    if (c->vertex_count == WG_PATTERN_VERTICES_MAX || plan->slot_types[slot] != WG_TYPE_NODE) return false;
    *out = c->vertex_count++;
    c->slots[*out] = slot;
    c->vertices[*out] = (wg_pattern_vertex){.name = plan->slot_names[slot]};
    return true;
}

static bool add_edge(chain *c, const wg_plan *plan) {
    const wg_plan *below = plan->children[0];
    const bool into = plan->op == WG_PLAN_EXPAND_INTO;
    uint32_t near, far;
    /* the rows below the chain may bring one vertex only */
    const bool known = vertex_of_slot(c, plan->slot) != UINT32_MAX;
    if (plan->edge_label_count == 0 || plan->edge_label_count > LABELS_MAX || c->edge_count == WG_PATTERN_EDGES_MAX ||
        (plan->optional && plan->edge_label_count != 1) || (!known && c->vertex_count > 0))
        return false;
    c->choices *= plan->edge_label_count;
    if (c->choices > WG_PATTERN_CHOICES_MAX) return false;
    if (!add_vertex(c, below, plan->slot, &near)) return false;
    if (into && vertex_of_slot(c, plan->slot_b) == UINT32_MAX) return false;
    if (!add_vertex(c, plan, into ? plan->slot_b : below->slot_count + 1, &far)) return false;
    const bool in = plan->direction == WG_DIRECTION_IN;
    const uint32_t edge = c->edge_count++;
    c->edge_slots[edge] = below->slot_count;
    c->edges[edge] = (wg_pattern_edge){.from = in ? far : near,
                                       .to = in ? near : far,
                                       .label = plan->edge_labels[0],
                                       .labels = plan->edge_labels,
                                       .label_count = plan->edge_label_count,
                                       .undirected = plan->direction == WG_DIRECTION_BOTH,
                                       .kind = plan->optional ? WG_PATTERN_OPTIONAL : WG_PATTERN_REQUIRED};
    for (uint32_t i = 0; i < plan->unique_edge_slot_count; i++) {
        uint32_t other = 0;
        while (other < edge && c->edge_slots[other] != plan->unique_edge_slots[i]) other++;
        if (other == edge || !add_unlike(c, true, other, edge)) return false;
    }
    return true;
}

/* A condition that one relationship exists, or does not, from a node of the pattern to another one or to anything. */
static bool add_exists(chain *c, const wg_plan *plan) {
    const uint32_t near = vertex_of_slot(c, plan->slot);
    const uint32_t far = plan->into ? vertex_of_slot(c, plan->slot_b) : c->vertex_count;
    if (plan->edge_label_count != 1 || c->edge_count == WG_PATTERN_EDGES_MAX || near == UINT32_MAX ||
        far == UINT32_MAX || far == WG_PATTERN_VERTICES_MAX)
        return false;
    if (!plan->into) {
        c->vertices[far] = (wg_pattern_vertex){.name = ""};
        c->slots[far] = UINT32_MAX; /* nobody else may name it */
        c->vertex_count++;
    } else if (plan->negated) { /* counted once without it and once with it */
        c->choices *= 2;
        if (c->choices > WG_PATTERN_CHOICES_MAX) return false;
    }
    const bool in = plan->direction == WG_DIRECTION_IN;
    c->edge_slots[c->edge_count] = UINT32_MAX;
    c->edges[c->edge_count++] = (wg_pattern_edge){.from = in ? far : near,
                                                  .to = in ? near : far,
                                                  .label = plan->edge_labels[0],
                                                  .labels = plan->edge_labels,
                                                  .label_count = 1,
                                                  .undirected = plan->direction == WG_DIRECTION_BOTH,
                                                  .kind = plan->negated ? WG_PATTERN_ABSENT : WG_PATTERN_EXISTS};
    return true;
}

static bool touches(const wg_pattern_edge *e, uint32_t vertex) { return e->from == vertex || e->to == vertex; }

/* An optional edge multiplies by its matches, or by one: that is a factor of its near node alone when nothing else is said of it or of the
 * node behind it, and the near node is there by another edge. */
static bool optionals_are_factors(const chain *c) {
    for (uint32_t i = 0; i < c->edge_count; i++) {
        if (c->edges[i].kind != WG_PATTERN_OPTIONAL) continue;
        const uint32_t ends[2] = {c->edges[i].from, c->edges[i].to};
        const uint32_t far = ends[0] > ends[1] ? ends[0] : ends[1]; /* it was added last */
        const uint32_t near = ends[0] > ends[1] ? ends[1] : ends[0];
        bool held = false;
        for (uint32_t k = 0; k < c->edge_count; k++) {
            if (k == i) continue;
            if (touches(&c->edges[k], far)) return false;
            held = held || (touches(&c->edges[k], near) && c->edges[k].kind == WG_PATTERN_REQUIRED);
        }
        for (uint32_t k = 0; k < c->unlike_count; k++) {
            const wg_pattern_unlike *u = &c->unlikes[k];
            const uint32_t part = u->is_edges ? i : far;
            if (u->a == part || u->b == part) return false;
        }
        for (uint32_t k = 0; k < c->condition_count; k++)
            if (c->condition_vertices[k] == far) return false;
        if (!held || near == far) return false;
    }
    return true;
}

/* An edge that must be there, at each node that a condition asks about: no node counts that the pattern does not hold. */
static bool conditions_are_held(const chain *c) {
    for (uint32_t i = 0; i < c->edge_count; i++) {
        const uint32_t ends[2] = {c->edges[i].from, c->edges[i].to};
        if (c->edges[i].kind != WG_PATTERN_EXISTS && c->edges[i].kind != WG_PATTERN_ABSENT) continue;
        for (uint32_t side = 0; side < 2; side++) {
            bool held = c->slots[ends[side]] == UINT32_MAX;
            for (uint32_t k = 0; k < c->edge_count && !held; k++)
                held = c->edges[k].kind == WG_PATTERN_REQUIRED && touches(&c->edges[k], ends[side]);
            if (!held) return false;
        }
    }
    return true;
}

static bool is_named_before(const chain *c, uint32_t edge, uint32_t label) {
    for (uint32_t i = 0; i < edge; i++)
        for (uint32_t k = 0; k < c->edges[i].label_count; k++)
            if (c->edges[i].labels[k] == label) return true;
    return false;
}

/* Edges of all labels that the pattern names: what their adjacency holds. */
static double edges_of(const chain *c) {
    double edges = 0;
    for (uint32_t i = 0; i < c->edge_count; i++)
        for (uint32_t k = 0; k < c->edges[i].label_count; k++)
            if (!is_named_before(c, i, c->edges[i].labels[k])) edges += wgi_label_rows(c->b, c->edges[i].labels[k]);
    return edges;
}

/* Counting costs about as much as the edges of the labels; where a cycle leaves few rows to list, listing them is cheaper. */
static bool is_cheaper_listed(const chain *c) {
    double rows = 0;
    const double edges = edges_of(c);
    bool cycle = false;
    for (uint32_t i = 0; i < c->op_count; i++) {
        cycle = cycle || c->ops[i]->op == WG_PLAN_EXPAND_INTO;
        rows += c->ops[i]->row_estimate;
    }
    if (c->edge_condition_count > 0 && rows < edges) return true; /* the sets are made anew for each query */
    return cycle && rows < edges / 2;
}

static bool read_chain(chain *c, wg_plan *top) {
    wg_plan *plan = top;
    for (; plan->op == WG_PLAN_EXPAND || plan->op == WG_PLAN_EXPAND_INTO || plan->op == WG_PLAN_FILTER ||
           plan->op == WG_PLAN_EXISTS;
         plan = plan->children[0]) {
        if (c->op_count == sizeof c->ops / sizeof c->ops[0]) return false;
        c->ops[c->op_count++] = plan;
    }
    /* filters right above the bottom stay with it */
    while (c->op_count > 0 && c->ops[c->op_count - 1]->op == WG_PLAN_FILTER) c->op_count--;
    if (c->op_count == 0) return false;
    c->bottom = c->ops[c->op_count - 1]->children[0];
    for (uint32_t i = c->op_count; i-- > 0;) {
        const wg_plan *op = c->ops[i];
        const bool added = op->op == WG_PLAN_FILTER   ? add_condition(c, op->exprs[0])
                           : op->op == WG_PLAN_EXISTS ? add_exists(c, op)
                                                      : add_edge(c, op);
        if (!added) return false;
    }
    return c->edge_count >= 1 && optionals_are_factors(c) && conditions_are_held(c);
}

/* ---- rows of vertices */

/* The label that an edge of the pattern gives to the vertex by its definition; WG_NO_LABEL: none. */
static uint32_t label_by_edges(const chain *c, uint32_t vertex) {
    for (uint32_t i = 0; i < c->edge_count; i++) {
        const wg_pattern_edge *e = &c->edges[i];
        if (e->label_count != 1) continue;
        const wg_label_def *def = &wg_catalog_label_seen(c->b->catalog, e->labels[0], c->b->view)->def;
        const char *end = e->from == vertex ? def->from_label : e->to == vertex ? def->to_label : NULL;
        const bool behind = e->kind == WG_PATTERN_OPTIONAL && vertex == (e->from > e->to ? e->from : e->to);
        if (end == NULL || def->to_label == NULL || (e->kind != WG_PATTERN_REQUIRED && !behind)) continue;
        if (e->undirected && strcmp(def->from_label, def->to_label) != 0) continue;
        const wg_label *label = wg_catalog_label(c->b->catalog, c->b->view, wg_slice_str(end), false);
        if (label != NULL) return label->number;
    }
    return WG_NO_LABEL;
}

/* The condition is the label that edges of the pattern give the vertex. */
static bool is_given_by_edges(const chain *c, uint32_t condition) {
    const wg_expr *e = c->conditions[condition];
    return e->kind == WG_EXPR_HAS_LABELS && e->label_count == 1 &&
           e->labels[0] == label_by_edges(c, c->condition_vertices[condition]);
}

/* The rows below say no more than that the node has the label that the edges give it. */
static bool is_any_node(const chain *c) {
    const wg_plan *p = c->bottom;
    if (p->op != WG_PLAN_SCAN || p->children[0] != NULL || p->scan.is_edge) return false;
    if (p->scan.label_count == 0) return !c->b->has_virtual;
    return p->scan.label_count == 1 && p->scan.labels[0] == label_by_edges(c, 0);
}

typedef struct scan_columns {
    uint32_t keys[32];
    wg_type types[32];
    uint32_t count;
    uint32_t slot; /* the vertex in the conditions */
} scan_columns;

static wg_code property_to_column(wgi_binder *b, void *ctx, wg_expr *part, wg_expr **out) {
    scan_columns *columns = ctx;
    uint32_t slot = 0;
    if (part->kind == WG_EXPR_NODE_PROPERTY) {
        uint32_t i = 0;
        while (i < columns->count && columns->keys[i] != part->key) i++;
        if (i == columns->count) return WG_OK;
        slot = i + 1;
    } else if (part->kind != WG_EXPR_SLOT) {
        return WG_OK;
    }
    WG_TRY(wgi_slot_expr(b, slot, part->type, NULL, out));
    (*out)->text_start = part->text_start;
    (*out)->text_end = part->text_end;
    return WG_OK;
}

static void find_columns(const chain *c, const wg_expr *e, const uint32_t *label, scan_columns *columns) {
    if (e->kind == WG_EXPR_NODE_PROPERTY && e->key != WG_NO_KEY) {
        for (uint32_t i = 0; i < columns->count; i++)
            if (columns->keys[i] == e->key) return;
        const wg_type type = wgi_node_property_type(c->b, label, label != NULL ? 1 : 0, e->key);
        if (type != e->type || columns->count == sizeof columns->keys / sizeof columns->keys[0]) return;
        columns->keys[columns->count] = e->key;
        columns->types[columns->count++] = type;
    }
    for (uint32_t i = 0; i < e->arg_count; i++) find_columns(c, e->args[i], label, columns);
}

static wg_code scan_of_vertex(chain *c, uint32_t vertex, scan_columns *columns, wg_plan **out) {
    wgi_binder *b = c->b;
    const uint32_t by_edges = label_by_edges(c, vertex);
    uint32_t *label = wgi_alloc(b, 1, sizeof *label);
    wg_plan *plan = wgi_plan(b, WG_PLAN_SCAN, NULL, NULL);
    if (label == NULL || plan == NULL) return WG_E_NOMEM;
    *label = by_edges;
    uint32_t count = by_edges != WG_NO_LABEL ? 1 : 0;
    /* a label that is asked for says more than one that the edges give */
    for (uint32_t i = 0; i < c->condition_count; i++) {
        const wg_expr *e = c->conditions[i];
        if (c->condition_vertices[i] != vertex || e->kind != WG_EXPR_HAS_LABELS) continue;
        *label = e->labels[0];
        count = 1;
        break;
    }
    for (uint32_t i = 0; i < c->condition_count; i++)
        if (c->condition_vertices[i] == vertex) find_columns(c, c->conditions[i], count == 1 ? label : NULL, columns);
    uint32_t *keys = wgi_alloc(b, columns->count + (size_t)1, sizeof *keys);
    wg_type *types = wgi_alloc(b, columns->count + (size_t)1, sizeof *types);
    wgi_new_slot slots[33] = {{WG_TYPE_NODE, wg_slice_str(c->vertices[vertex].name)}};
    if (keys == NULL || types == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < columns->count; i++) {
        keys[i] = columns->keys[i];
        types[i] = columns->types[i];
        slots[i + 1] = (wgi_new_slot){types[i], wg_slice_str(wg_catalog_key_name(b->catalog, keys[i]))};
    }
    plan->scan = (wg_scan_spec){
        .labels = label, .label_count = count, .keys = keys, .types = types, .key_count = columns->count};
    plan->row_estimate = wgi_scan_rows(b, label, count);
    *out = plan;
    return wgi_plan_slots(b, plan, NULL, NULL, slots, columns->count + 1);
}

static bool is_virtual(const chain *c, const wg_plan *scan) {
    if (scan->scan.label_count == 0) return c->b->has_virtual;
    return wg_catalog_label_seen(c->b->catalog, scan->scan.labels[0], c->b->view)->def.kind == WG_LABEL_VIRTUAL;
}

/* Both scan the nodes of one label and ask for nothing else: they are run once. */
static bool is_same_scan(const wg_plan *a, const wg_plan *b) {
    return a != NULL && a->op == WG_PLAN_SCAN && b->op == WG_PLAN_SCAN && a->children[0] == NULL &&
           b->children[0] == NULL && a->scan.key_count == 0 && b->scan.key_count == 0 && !a->scan.is_edge &&
           !b->scan.is_edge && a->scan.predicate_count == 0 && b->scan.predicate_count == 0 &&
           a->scan.label_count == 1 && b->scan.label_count == 1 && a->scan.labels[0] == b->scan.labels[0];
}

/* The nodes that satisfy the vertex's own conditions. *out_good false: a scan cannot find them. */
static wg_code rows_of_vertex(chain *c, uint32_t vertex, bool *out_good, wg_error *err) {
    wgi_relation rel = {0};
    scan_columns columns = {0};
    uint32_t mine = 0;
    (void)err;
    for (uint32_t i = 0; i < c->condition_count; i++)
        mine += c->condition_vertices[i] == vertex && (vertex == 0 || !is_given_by_edges(c, i));
    if (vertex == 0) rel.plan = c->bottom;
    if (vertex == 0 && mine == 0 && is_any_node(c)) rel.plan = NULL;
    if (vertex == 0) c->vertices[0].slot = rel.plan != NULL ? c->slots[0] : 0;
    if (mine > 0 && vertex != 0) {
        WG_TRY(scan_of_vertex(c, vertex, &columns, &rel.plan));
        if (is_virtual(c, rel.plan)) *out_good = false;
    }
    const wg_plan *scanned = rel.plan;
    for (uint32_t i = 0; i < c->condition_count; i++) {
        if (c->condition_vertices[i] != vertex || (vertex != 0 && is_given_by_edges(c, i))) continue;
        wg_expr *condition = NULL;
        const wg_expr *asked = c->conditions[i];
        if (vertex != 0 && asked->kind == WG_EXPR_HAS_LABELS && asked->label_count == 1 &&
            scanned->scan.label_count == 1 && scanned->scan.labels[0] == asked->labels[0])
            continue; /* the scan gives no others */
        wg_expr *args[1] = {(wg_expr *)(uintptr_t)asked};
        condition = args[0];
        if (vertex != 0) WG_TRY(wgi_map_expr_parts(c->b, condition, property_to_column, &columns, &condition));
        WG_TRY(wgi_filter(c->b, &rel, condition));
    }
    c->vertices[vertex].rows = rel.plan;
    for (uint32_t i = 0; i < vertex && rel.plan != NULL; i++)
        if (is_same_scan(c->vertices[i].rows, rel.plan)) c->vertices[vertex].rows = c->vertices[i].rows;
    return WG_OK;
}

/* ---- sets of edges */

static void *keep(wgi_binder *b, const void *items, size_t bytes) {
    void *copy = wgi_alloc(b, bytes + 1, 1);
    if (copy != NULL && bytes > 0) memcpy(copy, items, bytes);
    return copy;
}

static wg_code slot_to_first(wgi_binder *b, void *ctx, wg_expr *part, wg_expr **out) {
    (void)ctx;
    if (part->kind != WG_EXPR_SLOT) return WG_OK;
    WG_TRY(wgi_slot_expr(b, 0, part->type, NULL, out));
    (*out)->text_start = part->text_start;
    (*out)->text_end = part->text_end;
    return WG_OK;
}

static wg_code read_conditions(chain *c, uint32_t edge, wg_expr **conditions, uint32_t *out_count, wg_buf *text) {
    *out_count = 0;
    for (uint32_t i = 0; i < c->edge_condition_count; i++) {
        if (c->condition_edges[i] != edge) continue;
        wg_expr *e;
        WG_TRY(wgi_map_expr_parts(c->b, c->edge_conditions[i], slot_to_first, NULL, &e));
        if (!wg_expr_print(e, NULL, c->b->txn, text) || !wg_buf_append_str(text, ";")) return wgi_nomem(c->b);
        conditions[(*out_count)++] = e;
    }
    return WG_OK;
}

/* The set that the conditions of the edge leave. *out_good false: another set of the same label has others, and how the two meet is not known. */
static wg_code make_set(chain *c, uint32_t edge, wg_expr **conditions, uint32_t count, const wg_buf *text,
                        bool *out_good) {
    const uint32_t label = c->edges[edge].labels[0];
    uint32_t i = 0;
    while (i < c->set_count && c->sets[i].label != label) i++;
    c->edges[edge].label = WG_PATTERN_SET + i;
    if (i < c->set_count) {
        const wg_buf *other = &c->set_texts[i];
        *out_good = other->size == text->size && memcmp(other->data, text->data, text->size) == 0;
        return WG_OK;
    }
    c->set_texts[i] = *text;
    c->set_texts[i].data = keep(c->b, text->data, text->size);
    c->sets[i] = (wg_pattern_set){.label = label};
    if (c->set_texts[i].data == NULL) return WG_E_NOMEM;
    c->set_count++;
    return wgi_edge_set_plan(c->b, label, conditions, count, &c->sets[i].rows);
}

static wg_code make_sets(chain *c, bool *out_good) {
    for (uint32_t edge = 0; edge < c->edge_count && *out_good; edge++) {
        wg_expr *conditions[WG_PATTERN_EDGES_MAX];
        uint32_t count;
        wg_buf text;
        wg_buf_init(&text, NULL);
        wg_code code = read_conditions(c, edge, conditions, &count, &text);
        if (code == WG_OK && count > 0) code = make_set(c, edge, conditions, count, &text, out_good);
        wg_buf_deinit(&text);
        WG_TRY(code);
    }
    return WG_OK;
}

/* ---- what is asked for */

/* count(*), or count() of a slot that the chain has made: never null. */
static bool counts_rows(const chain *c, const wg_plan *aggregate) {
    bool optional = false; /* then only rows can be counted: the slots of such an edge may be null */
    for (uint32_t i = 0; i < c->edge_count; i++) optional = optional || c->edges[i].kind == WG_PATTERN_OPTIONAL;
    if (aggregate->expr_count != 0 || aggregate->aggregate_count == 0) return false;
    for (uint32_t i = 0; i < aggregate->aggregate_count; i++) {
        const wg_aggregate *a = &aggregate->aggregates[i];
        if (a->kind == WG_AGG_COUNT_STAR) continue;
        if (optional || a->kind != WG_AGG_COUNT || a->distinct || a->arg->kind != WG_EXPR_SLOT) return false;
        bool never_null = vertex_of_slot(c, a->arg->slot) != UINT32_MAX;
        for (uint32_t e = 0; e < c->edge_count; e++) never_null = never_null || c->edge_slots[e] == a->arg->slot;
        if (!never_null) return false;
    }
    return true;
}

static wg_code make_plan(chain *c, wg_plan_op op, const wg_plan *like, wg_plan **out) {
    wgi_binder *b = c->b;
    wg_plan *plan = wgi_plan(b, op, NULL, NULL);
    wg_pattern *pattern = wgi_alloc(b, 1, sizeof *pattern);
    wg_plan *fallback = wgi_alloc(b, 1, sizeof *fallback);
    if (plan == NULL || pattern == NULL || fallback == NULL) return WG_E_NOMEM;
    *fallback = *like;
    *pattern = (wg_pattern){.vertices = keep(b, c->vertices, c->vertex_count * sizeof c->vertices[0]),
                            .vertex_count = c->vertex_count,
                            .edges = keep(b, c->edges, c->edge_count * sizeof c->edges[0]),
                            .edge_count = c->edge_count,
                            .unlikes = keep(b, c->unlikes, c->unlike_count * sizeof c->unlikes[0]),
                            .unlike_count = c->unlike_count,
                            .sets = keep(b, c->sets, c->set_count * sizeof c->sets[0]),
                            .set_count = c->set_count};
    if (pattern->vertices == NULL || pattern->edges == NULL || pattern->unlikes == NULL || pattern->sets == NULL)
        return WG_E_NOMEM;
    plan->pattern = pattern;
    plan->fallback = fallback;
    WG_TRY(wgi_plan_slots(b, plan, like, NULL, NULL, 0));
    *out = plan;
    return WG_OK;
}

/* ---- counted for each node of one vertex */

#define NO_VERTEX UINT32_MAX

/* The vertex whose node the slot is, or one of whose properties as the rows below bring it. */
static uint32_t vertex_of_value(const chain *c, uint32_t slot) {
    const uint32_t vertex = vertex_of_slot(c, slot);
    const wg_plan *p = c->bottom;
    if (vertex != UINT32_MAX) return vertex;
    return p->op == WG_PLAN_SCAN && p->children[0] == NULL && !p->scan.is_edge && slot <= p->scan.key_count
               ? 0
               : NO_VERTEX;
}

typedef struct value_of {
    const chain *chain;
    uint32_t vertex; /* that the values seen so far are of */
    bool good;
} value_of;

static void see_value(void *ctx, uint32_t slot) {
    value_of *v = ctx;
    const uint32_t vertex = vertex_of_value(v->chain, slot);
    v->good = v->good && vertex != NO_VERTEX && (v->vertex == NO_VERTEX || v->vertex == vertex);
    v->vertex = vertex;
}

static bool is_never_null(const chain *c, const wg_expr *e) {
    if (e->kind != WG_EXPR_SLOT) return false;
    bool found = vertex_of_slot(c, e->slot) != UINT32_MAX;
    for (uint32_t i = 0; i < c->edge_count; i++) found = found || c->edge_slots[i] == e->slot;
    return found;
}

static bool is_row_count(const chain *c, const wg_aggregate *a) {
    return a->kind == WG_AGG_COUNT_STAR || (a->kind == WG_AGG_COUNT && !a->distinct && is_never_null(c, a->arg));
}

/* The one vertex that keys and arguments are about; NO_VERTEX: there is none, or more. */
static uint32_t vertex_of_groups(const chain *c, const wg_plan *aggregate) {
    value_of v = {.chain = c, .vertex = NO_VERTEX, .good = true};
    for (uint32_t i = 0; i < c->edge_count; i++) v.good = v.good && c->edges[i].kind != WG_PATTERN_OPTIONAL;
    for (uint32_t i = 0; i < aggregate->expr_count && v.good; i++) {
        v.good = cannot_fail(aggregate->exprs[i]);
        if (v.good) wgi_see_slots(aggregate->exprs[i], see_value, &v);
    }
    for (uint32_t i = 0; i < aggregate->aggregate_count && v.good; i++) {
        const wg_aggregate *a = &aggregate->aggregates[i];
        if (is_row_count(c, a)) continue;
        const bool sums = (a->kind == WG_AGG_SUM || a->kind == WG_AGG_AVG) && !a->distinct;
        v.good = a->kind != WG_AGG_COLLECT && cannot_fail(a->arg) &&
                 (!sums || a->arg->type == WG_TYPE_INT || a->arg->type == WG_TYPE_FLOAT);
        if (v.good) wgi_see_slots(a->arg, see_value, &v);
    }
    return v.good ? v.vertex : NO_VERTEX;
}

/* Values of the vertex as those of slot 0. */
static wg_code value_to_node(wgi_binder *b, void *ctx, wg_expr *part, wg_expr **out) {
    const chain *c = ctx;
    if (part->kind != WG_EXPR_SLOT) return WG_OK;
    WG_TRY(wgi_slot_expr(b, 0, WG_TYPE_NODE, NULL, out));
    (*out)->text_start = part->text_start;
    (*out)->text_end = part->text_end;
    if (vertex_of_slot(c, part->slot) != UINT32_MAX) return WG_OK;
    wg_expr *property = wgi_alloc(b, 1, sizeof *property);
    wg_expr **args = wgi_alloc(b, 1, sizeof(wg_expr *));
    if (property == NULL || args == NULL) return WG_E_NOMEM;
    *property = **out;
    property->kind = WG_EXPR_NODE_PROPERTY;
    property->type = part->type;
    property->key = c->bottom->scan.keys[part->slot - 1];
    args[0] = *out;
    property->args = args;
    property->arg_count = 1;
    *out = property;
    return WG_OK;
}

/* What gives the same rows by listing: each node of the vertex with its matches, by id. */
static wg_code list_groups(chain *c, wg_plan *top, uint32_t vertex, wg_plan **out) {
    wgi_binder *b = c->b;
    const wgi_new_slot slots[2] = {{WG_TYPE_NODE, wg_slice_str(c->vertices[vertex].name)},
                                   {WG_TYPE_INT, wg_slice_str("")}};
    wg_plan *aggregate = wgi_plan(b, WG_PLAN_AGGREGATE, top, NULL);
    wg_expr **keys = wgi_alloc(b, 1, sizeof(wg_expr *));
    wg_aggregate *count = wgi_alloc(b, 1, sizeof *count);
    wg_sort_item *item = wgi_alloc(b, 1, sizeof *item);
    if (aggregate == NULL || keys == NULL || count == NULL || item == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_slot_expr(b, c->slots[vertex], WG_TYPE_NODE, NULL, &keys[0]));
    *count = (wg_aggregate){.kind = WG_AGG_COUNT_STAR, .type = WG_TYPE_INT};
    aggregate->exprs = keys;
    aggregate->expr_count = 1;
    aggregate->aggregates = count;
    aggregate->aggregate_count = 1;
    WG_TRY(wgi_plan_slots(b, aggregate, NULL, NULL, slots, 2));
    wg_plan *sort = wgi_plan(b, WG_PLAN_SORT, aggregate, NULL);
    if (sort == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_slot_expr(b, 0, WG_TYPE_NODE, NULL, &item->expr));
    sort->sort_items = item;
    sort->sort_item_count = 1;
    *out = sort;
    return wgi_plan_slots(b, sort, aggregate, NULL, NULL, 0);
}

/* The aggregation over the nodes of the vertex, each as often as it has matches. */
static wg_code weigh_groups(chain *c, wg_plan *aggregate, wg_plan *groups) {
    wgi_binder *b = c->b;
    wg_expr **keys = wgi_alloc(b, aggregate->expr_count + (size_t)1, sizeof(wg_expr *));
    wg_aggregate *values = wgi_alloc(b, aggregate->aggregate_count + (size_t)1, sizeof *values);
    if (keys == NULL || values == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < aggregate->expr_count; i++)
        WG_TRY(wgi_map_expr_parts(b, aggregate->exprs[i], value_to_node, c, &keys[i]));
    for (uint32_t i = 0; i < aggregate->aggregate_count; i++) {
        values[i] = aggregate->aggregates[i];
        aggregate->weighted = aggregate->weighted || (!values[i].distinct && values[i].kind <= WG_AGG_AVG);
        if (is_row_count(c, &values[i])) {
            values[i].kind = WG_AGG_COUNT_STAR;
            values[i].arg = NULL;
        } else {
            WG_TRY(wgi_map_expr_parts(b, values[i].arg, value_to_node, c, &values[i].arg));
        }
    }
    aggregate->exprs = keys;
    aggregate->aggregates = values;
    aggregate->slot = 1;
    aggregate->children[0] = groups;
    return WG_OK;
}

/* Keys and arguments are about one node of the pattern: its nodes are counted by the pattern, and aggregated with these counts. */
static wg_code count_by_groups(chain *c, wg_plan *aggregate) {
    wg_plan *listed, *groups;
    bool good = true;
    double rows = 0;
    const uint32_t vertex = vertex_of_groups(c, aggregate);
    if (vertex == NO_VERTEX) return WG_OK;
    for (uint32_t i = 0; i < c->op_count; i++) rows += c->ops[i]->row_estimate;
    if (rows < edges_of(c) / 2 || is_cheaper_listed(c)) return WG_OK;
    for (uint32_t i = 0; i < c->vertex_count && good; i++) WG_TRY(rows_of_vertex(c, i, &good, c->b->err));
    if (good) WG_TRY(make_sets(c, &good));
    if (!good) return WG_OK;
    WG_TRY(list_groups(c, aggregate->children[0], vertex, &listed));
    WG_TRY(make_plan(c, WG_PLAN_PATTERN_COUNT, listed, &groups));
    groups->grouped = true;
    groups->slot = vertex;
    return weigh_groups(c, aggregate, groups);
}

wg_code wgi_rewrite_pattern_count(wgi_binder *b, wg_plan *consumer, int side) {
    wg_plan *aggregate = consumer->children[side];
    bool good = true;
    if (aggregate == NULL || aggregate->op != WG_PLAN_AGGREGATE) return WG_OK;
    chain *c = wgi_alloc(b, 1, sizeof *c);
    if (c == NULL) return WG_E_NOMEM;
    c->b = b;
    c->choices = 1;
    if (aggregate->weighted || !read_chain(c, aggregate->children[0])) return WG_OK;
    if (!counts_rows(c, aggregate)) return count_by_groups(c, aggregate);
    if (c->edge_count < 2) return WG_OK;
    if (is_cheaper_listed(c)) return WG_OK;
    for (uint32_t i = 0; i < c->vertex_count && good; i++) WG_TRY(rows_of_vertex(c, i, &good, b->err));
    if (good) WG_TRY(make_sets(c, &good));
    if (!good) return WG_OK;
    return make_plan(c, WG_PLAN_PATTERN_COUNT, aggregate, &consumer->children[side]);
}

/* ---- different nodes at the end */

/* From vertex 0 along edge 0 to vertex 1 and so on, and no edge must differ from two others. */
static bool is_path(const chain *c) {
    bool constrained[WG_PATTERN_EDGES_MAX] = {0};
    for (uint32_t i = 0; i < c->edge_count; i++) {
        const wg_pattern_edge *e = &c->edges[i];
        if (e->kind != WG_PATTERN_REQUIRED || e->label_count != 1) return false;
        if (!((e->from == i && e->to == i + 1) || (e->from == i + 1 && e->to == i))) return false;
    }
    for (uint32_t i = 0; i < c->unlike_count; i++) {
        const wg_pattern_unlike *u = &c->unlikes[i];
        if (!u->is_edges || u->a + 1 != u->b || constrained[u->a] || constrained[u->b]) return false;
        constrained[u->a] = constrained[u->b] = true;
    }
    return c->vertex_count == c->edge_count + 1 && c->edge_condition_count == 0;
}

/* Walks of variable length from rows below; conditions of the end above. */
static bool read_walk(chain *c, wg_plan *top, const wg_plan **out_walk) {
    wg_plan *plan = top;
    uint32_t near, far;
    for (; plan->op == WG_PLAN_FILTER; plan = plan->children[0]) {
        if (c->op_count == sizeof c->ops / sizeof c->ops[0]) return false;
        c->ops[c->op_count++] = plan;
    }
    const bool directed = plan->direction != WG_DIRECTION_BOTH;
    if (plan->op != WG_PLAN_EXPAND_VAR || plan->into || plan->expr_count != 0 || plan->edge_label_count != 1 ||
        plan->unique_edge_slot_count != 0 || plan->hops_max == 0 || plan->step_count != 0 ||
        plan->walk_mode != WG_WALK_TRAIL || plan->hops_min > (directed ? 1u : 0u))
        return false;
    c->bottom = plan->children[0];
    if (!add_vertex(c, c->bottom, plan->slot, &near) || !add_vertex(c, plan, plan->slot_count - 1, &far))
        return false;
    const bool in = plan->direction == WG_DIRECTION_IN;
    c->edges[c->edge_count++] = (wg_pattern_edge){.from = in ? far : near,
                                                  .to = in ? near : far,
                                                  .label = plan->edge_labels[0],
                                                  .labels = plan->edge_labels,
                                                  .label_count = 1,
                                                  .undirected = !directed};
    *out_walk = plan;
    return true;
}

/* DISTINCT of the slot over the rows of the chain. */
static wg_code list_nodes(chain *c, wg_plan *top, uint32_t slot, wg_plan **out) {
    wgi_binder *b = c->b;
    wg_plan *project = wgi_plan(b, WG_PLAN_PROJECT, top, NULL);
    wg_expr **exprs = wgi_alloc(b, 1, sizeof(wg_expr *));
    const wgi_new_slot column = {WG_TYPE_NODE, wg_slice_str(top->slot_names[slot])};
    if (project == NULL || exprs == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_slot_expr(b, slot, WG_TYPE_NODE, NULL, &exprs[0]));
    project->exprs = exprs;
    project->expr_count = 1;
    WG_TRY(wgi_plan_slots(b, project, NULL, NULL, &column, 1));
    wg_plan *distinct = wgi_plan(b, WG_PLAN_DISTINCT, project, NULL);
    if (distinct == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_plan_slots(b, distinct, project, NULL, NULL, 0));
    *out = distinct;
    return WG_OK;
}

/* Conditions of the end of walks are asked of the nodes that were found. */
static wg_code filter_ends(chain *c, wg_plan **plan) {
    wgi_relation rel = {.plan = *plan};
    for (uint32_t i = 0; i < c->op_count; i++) {
        wg_expr *condition;
        WG_TRY(wgi_map_expr_parts(c->b, c->ops[c->op_count - 1 - i]->exprs[0], slot_to_first, NULL, &condition));
        WG_TRY(wgi_filter(c->b, &rel, condition));
    }
    *plan = rel.plan;
    return WG_OK;
}

static bool only_about(const chain *c, uint32_t slot) {
    for (uint32_t i = 0; i < c->op_count; i++) {
        seen_slots s = {.chain = c};
        wgi_see_slots(c->ops[i]->exprs[0], see, &s);
        if (!s.any || s.several || s.first != slot || !cannot_fail(c->ops[i]->exprs[0])) return false;
    }
    return true;
}

static wg_code reach_by_walk(chain *c, wg_plan *top, uint32_t slot, wg_plan **out) {
    const wg_plan *walk;
    wg_plan *listed;
    if (!read_walk(c, top, &walk) || c->slots[1] != slot || !only_about(c, slot)) return WG_OK;
    c->vertices[0].rows = c->bottom;
    c->vertices[0].slot = c->slots[0];
    WG_TRY(list_nodes(c, (wg_plan *)(uintptr_t)walk, slot, &listed));
    WG_TRY(make_plan(c, WG_PLAN_REACH, listed, out));
    (*out)->hops_min = walk->hops_min;
    (*out)->hops_max = walk->hops_max;
    return filter_ends(c, out);
}

static wg_code reach_by_path(chain *c, wg_plan *top, uint32_t slot, wg_plan **out) {
    wg_plan *listed;
    bool good = true;
    if (!read_chain(c, top) || !is_path(c) || c->slots[c->vertex_count - 1] != slot) return WG_OK;
    for (uint32_t i = 0; i < c->vertex_count && good; i++) WG_TRY(rows_of_vertex(c, i, &good, c->b->err));
    if (!good) return WG_OK;
    if (c->vertices[0].rows == NULL) {
        c->vertices[0].rows = c->bottom;
        c->vertices[0].slot = c->slots[0];
    }
    WG_TRY(list_nodes(c, top, slot, &listed));
    return make_plan(c, WG_PLAN_REACH, listed, out);
}

/* *out NULL: the different nodes of the slot are found by listing only. */
static wg_code reach_of(wgi_binder *b, wg_plan *top, uint32_t slot, wg_plan **out) {
    *out = NULL;
    for (int walk = 0; walk < 2 && *out == NULL; walk++) {
        chain *c = wgi_alloc(b, 1, sizeof *c);
        if (c == NULL) return WG_E_NOMEM;
        c->b = b;
        c->choices = 1;
        WG_TRY(walk ? reach_by_walk(c, top, slot, out) : reach_by_path(c, top, slot, out));
    }
    return WG_OK;
}

static bool counts_different(const wg_plan *aggregate, uint32_t *out_slot) {
    if (aggregate->expr_count != 0 || aggregate->aggregate_count == 0) return false;
    for (uint32_t i = 0; i < aggregate->aggregate_count; i++) {
        const wg_aggregate *a = &aggregate->aggregates[i];
        if (a->kind != WG_AGG_COUNT || !a->distinct || a->arg->kind != WG_EXPR_SLOT || a->arg->type != WG_TYPE_NODE)
            return false;
        if (i > 0 && a->arg->slot != *out_slot) return false;
        *out_slot = a->arg->slot;
    }
    return true;
}

wg_code wgi_rewrite_reach(wgi_binder *b, wg_plan *consumer, int side) {
    wg_plan *plan = consumer->children[side], *found;
    uint32_t slot;
    if (plan == NULL) return WG_OK;
    if (plan->op == WG_PLAN_AGGREGATE && counts_different(plan, &slot)) {
        wg_aggregate *counts = wgi_alloc(b, plan->aggregate_count, sizeof *counts);
        if (counts == NULL) return WG_E_NOMEM;
        WG_TRY(reach_of(b, plan->children[0], slot, &found));
        if (found == NULL) return WG_OK;
        if (found->op == WG_PLAN_REACH) { /* nothing is asked of the nodes: their number will do */
            found->aggregates = plan->aggregates;
            found->aggregate_count = plan->aggregate_count;
            consumer->children[side] = found;
            return wgi_plan_slots(b, found, plan, NULL, NULL, 0);
        }
        for (uint32_t i = 0; i < plan->aggregate_count; i++)
            counts[i] = (wg_aggregate){.kind = WG_AGG_COUNT_STAR, .type = plan->aggregates[i].type};
        plan->aggregates = counts;
        plan->children[0] = found;
        return WG_OK;
    }
    const wg_plan *project = plan->op == WG_PLAN_DISTINCT ? plan->children[0] : NULL;
    if (project == NULL || project->op != WG_PLAN_PROJECT || project->expr_count != 1 ||
        project->exprs[0]->kind != WG_EXPR_SLOT || project->exprs[0]->type != WG_TYPE_NODE)
        return WG_OK;
    WG_TRY(reach_of(b, project->children[0], project->exprs[0]->slot, &found));
    if (found != NULL) consumer->children[side] = found;
    return WG_OK;
}
