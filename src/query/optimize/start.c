/* query/optimize: where to start a component, and which columns its scans need. */
#include "query/optimize/optimize.h"
#include "query/parser/parser.h"

static bool is_property_of(const wg_ast *ast, wg_slice node) {
    return ast->kind == WG_AST_PROPERTY && ast->child[0]->kind == WG_AST_VARIABLE &&
           wg_slice_equal(ast->child[0]->text, node);
}

bool wgi_equality_on(const wg_ast *conjunct, wg_slice node, wg_slice *out_property, const wg_ast **out_other) {
    if (conjunct->kind != WG_AST_BINARY || conjunct->op != WG_OP_EQ) return false;
    for (uint32_t side = 0; side < 2; side++) {
        if (!is_property_of(conjunct->child[side], node)) continue;
        *out_property = conjunct->child[side]->text;
        *out_other = conjunct->child[1 - side];
        return true;
    }
    return false;
}

bool wgi_has_subquery(const wg_ast *ast) {
    if (ast == NULL) return false;
    if (ast->kind == WG_AST_SUBQUERY || ast->kind == WG_AST_PATTERN_TEST || ast->kind == WG_AST_PATTERN_COMPREHENSION)
        return true;
    for (uint32_t i = 0; i < ast->child_count; i++)
        if (wgi_has_subquery(ast->child[i])) return true;
    return false;
}

static const wg_ast *key_value(const wgi_graph *graph, wg_slice node, const char *column, const wgi_relation *rel) {
    for (uint32_t i = 0; i < graph->conjunct_count; i++) {
        wg_slice property;
        const wg_ast *other;
        if (!wgi_equality_on(graph->conjuncts[i].ast, node, &property, &other)) continue;
        if (!wg_slice_is(property, column) || !wgi_covered(other, rel) || wgi_has_subquery(other)) continue;
        return other;
    }
    return NULL;
}

const wg_label *wgi_find_key(const wgi_binder *b, const wgi_graph *graph, uint32_t node, const wgi_relation *rel,
                             const wg_ast **key_asts) {
    const wgi_pattern_node *n = &graph->nodes[node];
    if (b->optimizer_off) return NULL;
    for (uint32_t i = 0; i < n->label_count; i++) {
        const wg_label *label = wg_catalog_label_seen(b->catalog, n->labels[i], b->view);
        if (label->def.kind != WG_LABEL_OWNED || label->def.key_count == 0) continue;
        uint32_t found = 0;
        while (found < label->def.key_count) {
            const char *column = label->def.columns[label->def.key_columns[found]].name;
            key_asts[found] = key_value(graph, n->name, column, rel);
            if (key_asts[found] == NULL) break;
            found++;
        }
        if (found == label->def.key_count) return label;
    }
    return NULL;
}

const wg_label *wgi_find_key_list(const wgi_binder *b, const wgi_graph *graph, uint32_t node,
                                  const wg_ast **out_list) {
    const wgi_pattern_node *n = &graph->nodes[node];
    const wgi_relation nothing = {0};
    for (uint32_t i = 0; i < n->label_count && !b->optimizer_off; i++) {
        const wg_label *label = wg_catalog_label_seen(b->catalog, n->labels[i], b->view);
        if (label->def.kind != WG_LABEL_OWNED || label->def.key_count != 1) continue;
        const char *column = label->def.columns[label->def.key_columns[0]].name;
        for (uint32_t k = 0; k < graph->conjunct_count; k++) {
            const wg_ast *c = graph->conjuncts[k].ast;
            if (c->kind != WG_AST_BINARY || c->op != WG_OP_IN || !is_property_of(c->child[0], n->name)) continue;
            if (!wg_slice_is(c->child[0]->text, column) || !wgi_covered(c->child[1], &nothing) ||
                wgi_has_subquery(c->child[1]))
                continue;
            *out_list = c->child[1];
            return label;
        }
    }
    return NULL;
}

double wgi_list_rows(const wgi_binder *b, const wg_ast *list) {
    if (list->kind == WG_AST_LIST) return list->child_count;
    if (list->kind != WG_AST_PARAMETER || b->params == NULL) return 10;
    const uint32_t number = wgi_params_find(b->param_names, list->text);
    const bool known = number != UINT32_MAX && b->params[number].type == WG_TYPE_LIST;
    return known ? wgi_list_size(&b->params[number]) : 10;
}

double wgi_start_rows(const wgi_binder *b, const wgi_graph *graph, uint32_t node) {
    const wg_ast *keys[WG_KEY_COLUMNS_MAX], *list;
    const wgi_relation nothing = {0};
    if (wgi_find_key(b, graph, node, &nothing, keys) != NULL) return 1;
    if (wgi_find_key_list(b, graph, node, &list) != NULL) return wgi_list_rows(b, list);
    if (graph->nodes[node].seek_rows < 0 && graph->nodes[node].either != 0) return graph->nodes[node].either_rows;
    return graph->nodes[node].seek_rows >= 0 ? graph->nodes[node].seek_rows : graph->nodes[node].rows;
}

uint32_t wgi_choose_start(const wgi_binder *b, const wgi_graph *graph, uint32_t component) {
    uint32_t best = UINT32_MAX;
    double best_rows = 0;
    if (b->optimizer_off) return component; /* it is named by its first node */
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].component != component) continue;
        const double rows = wgi_start_rows(b, graph, i);
        if (best == UINT32_MAX || rows < best_rows) {
            best = i;
            best_rows = rows;
        }
    }
    WG_ASSERT(best != UINT32_MAX);
    return best;
}

double wgi_component_rows(const wgi_binder *b, const wgi_graph *graph, uint32_t component) {
    double rows = wgi_start_rows(b, graph, wgi_choose_start(b, graph, component));
    for (uint32_t i = 0; i < graph->edge_count; i++)
        if (graph->nodes[graph->edges[i].from].component == component) rows *= 3;
    return rows;
}

/* ---- columns of scans */

typedef struct key_set {
    wgi_binder *b;
    const wgi_pattern_node *node;
    uint32_t *keys;
    uint32_t count;
    uint32_t capacity;
    wg_code code;
} key_set;

static void add_key(key_set *set, wg_slice name);

/* What a computed column of a known label reads, instead of itself. */
static void add_computed(key_set *set, const wg_label_def *def, uint32_t column) {
    const wg_ast *e;
    wg_error unused;
    wg_error_clear(&unused);
    if (wg_parse_expression(wg_slice_str(def->columns[column].expression), set->b->arena, &e, &unused) != WG_OK)
        return;
    for (uint32_t c = 0; c < column; c++)
        if (wgi_mentions_name(e, wg_slice_str(def->columns[c].name)))
            add_key(set, wg_slice_str(def->columns[c].name));
}

static void add_key(key_set *set, wg_slice name) {
    const uint32_t key = wg_txn_key(set->b->txn, name);
    if (key == WG_NO_KEY || set->code != WG_OK) return;
    if (wg_engine_computes(wg_txn_engine(set->b->txn),
                           key)) { /* no scan reads it: the engine, or its expression, does */
        const wgi_symbol node = {
            .type = WG_TYPE_NODE, .labels = set->node->labels, .label_count = set->node->label_count};
        uint32_t column;
        const wg_label *label = wgi_computed_label(set->b, &node, name, &column);
        if (label != NULL) add_computed(set, &label->def, column);
        return;
    }
    for (uint32_t i = 0; i < set->count; i++)
        if (set->keys[i] == key) return;
    if (set->count == set->capacity) {
        const uint32_t wanted = set->capacity < 8 ? 8 : set->capacity * 2;
        uint32_t *p = wgi_alloc(set->b, wanted, sizeof *p);
        if (p == NULL) {
            set->code = WG_E_NOMEM;
            return;
        }
        if (set->count > 0) memcpy(p, set->keys, set->count * sizeof *p);
        set->keys = p;
        set->capacity = wanted;
    }
    set->keys[set->count++] = key;
}

static void walk(key_set *set, const wg_ast *ast) {
    if (ast == NULL) return;
    if (is_property_of(ast, set->node->name)) add_key(set, ast->text);
    const wg_ast *base = wgi_chain_base(ast);
    wg_slice inner;
    if (base != NULL && wg_slice_equal(base->text, set->node->name) &&
        wgi_inner_column(set->b, set->node->labels, set->node->label_count, ast, &inner))
        add_key(set, inner);
    const bool projection = ast->kind == WG_AST_MAP_PROJECTION && wg_slice_equal(ast->text, set->node->name);
    for (uint32_t i = 0; i < ast->child_count; i++) {
        const wg_ast *child = ast->child[i];
        if (projection && child->kind == WG_AST_OWN_PROPERTY) add_key(set, child->text);
        walk(set, child);
    }
}

wg_code wgi_keys_read(wgi_binder *b, const wgi_pattern_node *node, const wgi_graph *graph, uint32_t **out,
                      uint32_t *out_count) {
    key_set set = {.b = b, .node = node, .code = WG_OK};
    walk(&set, b->statement);
    for (uint32_t i = 0; i < graph->conjunct_count; i++) walk(&set, graph->conjuncts[i].ast);
    if (set.code != WG_OK) return set.code;
    *out = set.keys;
    *out_count = set.count;
    return WG_OK;
}
