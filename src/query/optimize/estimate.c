/* query/optimize: a component of a pattern as numbers for wgi_order, from the statistics of the snapshot.
 *
 * Rows of a node are those of its rarest label (a node without labels: what its rarest edge can reach); conditions on one variable are looked
 * up in the statistics of the property when they compare it with a constant or a parameter, otherwise guessed. Edges count per type:
 * how many there are, which share has the labels of both ends, and how uneven their degrees are. Conditions are taken as
 * independent of each other. */
#include "query/optimize/optimize.h"

/* ---- conditions */

/* *unknown becomes true when the value is a parameter's: only its type counts. */
static bool value_of(const wgi_binder *b, const wg_ast *ast, wg_value *out, bool *unknown) {
    uint32_t number;
    switch (ast->kind) {
        case WG_AST_INT:
            *out = wg_value_int(ast->i);
            return true;
        case WG_AST_FLOAT:
            *out = wg_value_float(ast->f);
            return true;
        case WG_AST_BOOL:
            *out = wg_value_bool(ast->i != 0);
            return true;
        case WG_AST_STRING:
            *out = wg_value_str(ast->text);
            return true;
        case WG_AST_PARAMETER:
            number = wgi_params_find(b->param_names, ast->text);
            if (b->params == NULL || number == UINT32_MAX) return false;
            *out = b->params[number];
            *unknown = true;
            return true;
        default:
            return false;
    }
}

/* A list of constants. */
static bool list_of(wgi_binder *b, const wg_ast *ast, wg_value *out, bool *unknown) {
    if (ast->kind != WG_AST_LIST) return value_of(b, ast, out, unknown) && out->type == WG_TYPE_LIST;
    wg_value *items = wg_arena_alloc(b->arena, ((size_t)ast->child_count + 1) * sizeof *items);
    for (uint32_t i = 0; i < ast->child_count; i++)
        if (items == NULL || !value_of(b, ast->child[i], &items[i], unknown)) return false;
    if (items == NULL) return false;
    *out = wg_value_null();
    out->type = WG_TYPE_LIST;
    out->size = ast->child_count;
    out->as.list = items;
    return true;
}

typedef struct comparison {
    wg_slice property;
    wg_compare_op op;
    wg_value value;
    bool is_unknown;
} comparison;

static bool compare_op(const wg_ast *ast, bool mirrored, wg_compare_op *out) {
    switch (ast->op) {
        case WG_OP_EQ:
            *out = WG_CMP_EQ;
            return true;
        case WG_OP_LT:
            *out = mirrored ? WG_CMP_GT : WG_CMP_LT;
            return true;
        case WG_OP_LE:
            *out = mirrored ? WG_CMP_GE : WG_CMP_LE;
            return true;
        case WG_OP_GT:
            *out = mirrored ? WG_CMP_LT : WG_CMP_GT;
            return true;
        case WG_OP_GE:
            *out = mirrored ? WG_CMP_LE : WG_CMP_GE;
            return true;
        case WG_OP_IN:
            *out = WG_CMP_IN;
            return !mirrored;
        default:
            return false;
    }
}

static bool is_property(const wg_ast *ast, wg_slice name) {
    return ast->kind == WG_AST_PROPERTY && ast->child[0]->kind == WG_AST_VARIABLE &&
           wg_slice_equal(ast->child[0]->text, name);
}

static bool comparison_of(wgi_binder *b, const wg_ast *ast, wg_slice name, comparison *out) {
    if (ast->kind == WG_AST_UNARY && ast->op == WG_OP_IS_NOT_NULL && is_property(ast->child[0], name)) {
        *out = (comparison){ast->child[0]->text, WG_CMP_NOT_NULL, wg_value_null(), false};
        return true;
    }
    if (ast->kind != WG_AST_BINARY) return false;
    for (uint32_t side = 0; side < 2; side++) {
        if (!is_property(ast->child[side], name) || !compare_op(ast, side == 1, &out->op)) continue;
        out->property = ast->child[side]->text;
        const wg_ast *other = ast->child[1 - side];
        out->is_unknown = false;
        return out->op == WG_CMP_IN ? list_of(b, other, &out->value, &out->is_unknown)
                                    : value_of(b, other, &out->value, &out->is_unknown);
    }
    return false;
}

static double guess(const wg_ast *ast) {
    if (ast->kind == WG_AST_BINARY && ast->op == WG_OP_EQ) return 0.1;
    if (ast->kind == WG_AST_BINARY && ast->op == WG_OP_NE) return 0.9;
    return 0.3;
}

/* Share of the rows of `label` (WG_NO_LABEL: of whatever) that a condition on the variable `name` alone keeps. */
static wg_code share_of(wgi_binder *b, const wg_ast *condition, wg_slice name, uint32_t label, double *out) {
    comparison c;
    *out = guess(condition);
    const wg_label *known = label != WG_NO_LABEL ? wg_catalog_label_seen(b->catalog, label, b->view) : NULL;
    if (known == NULL || known->def.kind == WG_LABEL_VIRTUAL || !comparison_of(b, condition, name, &c)) return WG_OK;
    const uint32_t key = wg_txn_key(b->txn, c.property);
    if (key == WG_NO_KEY) {
        *out = 0;
        return WG_OK;
    }
    wgi_fact fact = {
        .kind = WGI_FACT_SHARE, .label = label, .key = key, .op = c.op, .value = c.value, .is_unknown = c.is_unknown};
    WG_TRY(wgi_ask(b, &fact));
    *out = fact.numbers[0];
    return WG_OK;
}

wg_code wgi_condition_share(wgi_binder *b, const wg_ast *condition, wg_slice variable, uint32_t label, double *out) {
    return share_of(b, condition, variable, label, out);
}

/* Of all conditions that need nothing but this variable. */
static wg_code keep_of(wgi_binder *b, const wgi_graph *g, wg_slice name, uint32_t label, double *out) {
    wgi_symbol self = {.name = name};
    const wgi_relation alone = {.symbols = &self, .symbol_count = 1};
    double keep = 1;
    for (uint32_t k = 0; k < g->conjunct_count; k++) {
        const wg_ast *c = g->conjuncts[k].ast;
        double share;
        if (!wgi_mentions(c, &alone) || !wgi_covered(c, &alone) || wgi_has_subquery(c)) continue;
        WG_TRY(share_of(b, c, name, label, &share));
        keep *= share;
    }
    *out = keep;
    return WG_OK;
}

static uint32_t rarest_label(const wgi_binder *b, const uint32_t *labels, uint32_t count) {
    uint32_t best = WG_NO_LABEL;
    double best_rows = 0;
    for (uint32_t i = 0; i < count; i++) {
        const double rows = wgi_label_rows(b, labels[i]);
        if (best != WG_NO_LABEL && rows >= best_rows) continue;
        best = labels[i];
        best_rows = rows;
    }
    return best;
}

/* ---- edges */

typedef struct edge_sum {
    double edges;
    double pairs;
    double fan[2];     /* edges at that end, over all nodes with its labels */
    double nodes[2];   /* that have an edge at that end */
    double squares[2]; /* of their degrees */
} edge_sum;

/* `side` 0 is where the edges come from. */
static void add_way(edge_sum *sum, const double *s, uint32_t side) {
    sum->pairs += s[WGI_EDGES] * s[WGI_PAIRS];
    sum->fan[side] += s[WGI_EDGES] * s[WGI_FROM];
    sum->fan[1 - side] += s[WGI_EDGES] * s[WGI_TO];
    sum->nodes[side] += s[WGI_OUT_NODES];
    sum->nodes[1 - side] += s[WGI_IN_NODES];
}

static void add_squares(edge_sum *sum, const double *s, wg_ast_direction direction) {
    const double out = s[WGI_OUT_SQUARES], in = s[WGI_IN_SQUARES];
    if (direction == WG_AST_EITHER || direction == WG_AST_BOTH) {
        /* Both degrees of a node at once, as if they went together: (a + b)^2 summed is at most that. */
        const double product = out * in;
        double root = out > in ? out : in;
        for (uint32_t i = 0; i < 60 && root > 0; i++) root = 0.5 * (root + product / root); /* Heron */
        const double both = out + in + 2 * root;
        sum->squares[0] += both;
        sum->squares[1] += both;
        return;
    }
    const uint32_t from = direction == WG_AST_RIGHT ? 0 : 1;
    sum->squares[from] += out;
    sum->squares[1 - from] += in;
}

static wg_code sum_edge(wgi_binder *b, const wgi_pattern_edge *edge, const wgi_label_set ends[2], edge_sum *out) {
    const uint32_t all = wg_catalog_label_count(b->catalog);
    const uint32_t count = edge->type_count > 0 ? edge->type_count : all;
    const wg_ast_direction direction = (wg_ast_direction)edge->ast->op;
    *out = (edge_sum){0};
    for (uint32_t i = 0; i < count && !edge->missing; i++) {
        const uint32_t number = edge->type_count > 0 ? edge->types[i] : i;
        const wg_label *label = wg_catalog_label_seen(b->catalog, number, b->view);
        if (!label->def.is_edge || !wg_label_is_visible(label, b->view)) continue;
        wgi_fact way = {.kind = WGI_FACT_EDGES, .label = number, .ends = {ends[0], ends[1]}};
        if (direction != WG_AST_LEFT) {
            WG_TRY(wgi_ask(b, &way));
            add_way(out, way.numbers, 0);
        }
        if (direction != WG_AST_RIGHT) {
            way.ends[0] = ends[1];
            way.ends[1] = ends[0];
            WG_TRY(wgi_ask(b, &way));
            add_way(out, way.numbers, 1);
        }
        out->edges += way.numbers[WGI_EDGES];
        add_squares(out, way.numbers, direction);
    }
    return WG_OK;
}

/* Walks of the lengths that the pattern allows, as far as three edges beyond the least. */
static double walks(const wg_ast *ast, double degree) {
    const int64_t least = ast->i < 0 ? 1 : ast->i;
    const int64_t most = ast->j < 0 || ast->j > least + 3 ? least + 3 : ast->j;
    double sum = 0, product = 1;
    for (int64_t i = 0; i <= most && i < 32; i++) {
        if (i >= least) sum += product;
        product *= degree;
    }
    return degree > 0 ? sum / degree : sum;
}

static uint32_t kind_of(const wgi_pattern_edge *edge, uint32_t side) {
    if (edge->type_count != 1) return 0;
    const wg_ast_direction direction = (wg_ast_direction)edge->ast->op;
    uint32_t way = 3;
    if (direction == WG_AST_RIGHT || direction == WG_AST_LEFT)
        way = (direction == WG_AST_RIGHT) == (side == 0) ? 1 : 2;
    return edge->types[0] * 4 + way;
}

static wg_code estimate_edge(wgi_binder *b, const wgi_graph *g, const wgi_pattern_edge *edge,
                             const wgi_label_set ends[2], const wgi_order_node *const nodes[2], wgi_order_edge *out) {
    edge_sum sum;
    WG_TRY(sum_edge(b, edge, ends, &sum));
    WG_TRY(keep_of(b, g, edge->name, edge->type_count == 1 ? edge->types[0] : WG_NO_LABEL, &out->keep));
    out->pairs = sum.pairs;
    out->meets = b->rewrite && edge->ast->kind != WG_AST_GROUP && !(edge->ast->flags & WG_AST_VARIABLE_LENGTH);
    for (uint32_t side = 0; side < 2; side++) {
        const double rows = nodes[side]->rows > 1 ? nodes[side]->rows : 1;
        const double both = edge->ast->op == WG_AST_EITHER || edge->ast->op == WG_AST_BOTH ? 2 : 1;
        const double edges = both * sum.edges;
        out->fan[side] = sum.fan[side] / rows;
        out->kinds[side] = kind_of(edge, side);
        const wgi_pattern_node *end = &g->nodes[side == 0 ? edge->from : edge->to];
        const wg_direction drawn = wgi_direction_from_left(edge);
        const wg_direction towards = side == 1 ? drawn : wgi_direction_reversed(drawn);
        out->asks[side] = end->label_count > 0 && !wgi_ends_have_label(b, edge, towards, end);
        out->skew[side] = 1;
        /* Mean number of other edges that an edge meets at this end, over the mean degree. */
        if (edges > 0 && sum.fan[side] > 0) out->skew[side] = (sum.squares[side] - edges) / edges / out->fan[side];
        if (out->skew[side] < 0.001) out->skew[side] = 0.001;
    }
    if (edge->ast->flags & WG_AST_VARIABLE_LENGTH) {
        const double more = walks(edge->ast, out->fan[0] < out->fan[1] ? out->fan[0] : out->fan[1]);
        out->pairs *= more;
        out->fan[0] *= more;
        out->fan[1] *= more;
    }
    return WG_OK;
}

/* ---- the problem */

static void labels_of(const wgi_graph *g, const wgi_relation *rel, uint32_t node, wgi_label_set *out) {
    const wgi_pattern_node *n = &g->nodes[node];
    const wgi_symbol *symbol = wgi_find(rel, n->name);
    *out = (wgi_label_set){n->labels, n->label_count};
    if (n->label_count == 0 && symbol != NULL) *out = (wgi_label_set){symbol->labels, symbol->label_count};
}

static wg_code estimate_node(wgi_binder *b, const wgi_graph *g, const wgi_relation *rel, uint32_t node,
                             wgi_order_node *out) {
    const wgi_pattern_node *n = &g->nodes[node];
    const wg_ast *keys[WG_KEY_COLUMNS_MAX];
    const wgi_relation nothing = {0};
    wgi_label_set labels;
    labels_of(g, rel, node, &labels);
    out->known = wgi_find(rel, n->name) != NULL;
    out->rows = n->missing ? 0 : wgi_scan_rows(b, labels.labels, labels.count);
    out->start = out->rows;
    out->keep = 1;
    if (wgi_find_key(b, g, node, &nothing, keys) != NULL) {
        out->start = 1;
        if (out->rows > 1) out->keep = 1 / out->rows;
        return WG_OK;
    }
    const wg_ast *list;
    if (wgi_find_key_list(b, g, node, &list) != NULL) {
        out->start = wgi_start_rows(b, g, node);
        if (out->rows > out->start) out->keep = out->start / out->rows;
        return WG_OK;
    }
    if (n->seek_rows >= 0) out->start = n->seek_rows * 4; /* each row of a seek costs several of a scan */
    else if (n->either != 0) out->start = n->either_rows;
    return keep_of(b, g, n->name, rarest_label(b, labels.labels, labels.count), &out->keep);
}

/* A node without labels is one of those that its edges can reach. */
static wg_code narrow(wgi_binder *b, const wgi_graph *g, const wgi_relation *rel, wgi_component *c) {
    for (uint32_t i = 0; i < c->problem.edge_count; i++) {
        const wgi_pattern_edge *edge = &g->edges[c->edges[i]];
        wgi_label_set ends[2];
        edge_sum sum;
        labels_of(g, rel, edge->from, &ends[0]);
        labels_of(g, rel, edge->to, &ends[1]);
        if (ends[0].count > 0 && ends[1].count > 0) continue;
        WG_TRY(sum_edge(b, edge, ends, &sum));
        for (uint32_t side = 0; side < 2; side++) {
            wgi_order_node *node = &c->order_nodes[c->order_edges[i].ends[side]];
            if (ends[side].count == 0 && sum.nodes[side] < node->rows) node->rows = sum.nodes[side];
        }
    }
    return WG_OK;
}

static uint32_t place_of(const wgi_component *c, uint32_t node) {
    uint32_t i = 0;
    while (c->nodes[i] != node) i++;
    return i;
}

wg_code wgi_component_estimate(wgi_binder *b, const wgi_graph *g, const wgi_relation *rel, uint32_t component,
                               wgi_component *out) {
    wgi_component c = {.nodes = wgi_alloc(b, g->node_count, sizeof *c.nodes),
                       .edges = wgi_alloc(b, g->edge_count, sizeof *c.edges),
                       .order_nodes = wgi_alloc(b, g->node_count, sizeof *c.order_nodes),
                       .order_edges = wgi_alloc(b, g->edge_count, sizeof *c.order_edges)};
    if (c.nodes == NULL || c.edges == NULL || c.order_nodes == NULL || c.order_edges == NULL) return WG_E_NOMEM;
    wgi_order_problem *p = &c.problem;
    for (uint32_t i = 0; i < g->node_count; i++) {
        if (g->nodes[i].component != component) continue;
        WG_TRY(estimate_node(b, g, rel, i, &c.order_nodes[p->node_count]));
        c.nodes[p->node_count++] = i;
    }
    for (uint32_t i = 0; i < g->edge_count; i++) {
        const wgi_pattern_edge *edge = &g->edges[i];
        if (edge->search != WG_AST_PATH_ALL || g->nodes[edge->from].component != component) continue;
        c.order_edges[p->edge_count].ends[0] = place_of(&c, edge->from);
        c.order_edges[p->edge_count].ends[1] = place_of(&c, edge->to);
        c.edges[p->edge_count++] = i;
    }
    WG_TRY(narrow(b, g, rel, &c));
    for (uint32_t i = 0; i < p->edge_count; i++) {
        const wgi_pattern_edge *edge = &g->edges[c.edges[i]];
        const wgi_order_node *const ends[2] = {&c.order_nodes[c.order_edges[i].ends[0]],
                                               &c.order_nodes[c.order_edges[i].ends[1]]};
        wgi_label_set labels[2];
        labels_of(g, rel, edge->from, &labels[0]);
        labels_of(g, rel, edge->to, &labels[1]);
        WG_TRY(estimate_edge(b, g, edge, labels, ends, &c.order_edges[i]));
    }
    p->nodes = c.order_nodes;
    p->edges = c.order_edges;
    p->known_rows = rel->plan != NULL ? rel->plan->row_estimate : 1;
    p->no_joins = rel->writes || rel->per_row || b->only_counts;
    *out = c;
    return WG_OK;
}
