/* query/optimize: a node that is found in several ways: `n:A|B`, `n:A OR n:B`, `n.k = 1 OR n.j = 2`.
 *
 * A condition that is a disjunction over one node restricts where to look for it when each of its branches does: by labels that the branch
 * names, by a primary key or by an index. The branches are started one after the other, in the order of the text. When together they are
 * expected to cost less than a scan of what the node is without them, they are the start. */
#include "query/optimize/optimize.h"

enum { BRANCHES_MAX = 64, SEEK_COST = 4 };

static wg_ast *label_test(wgi_binder *b, const wg_ast *of, wg_ast *label) {
    wg_ast *test = wgi_alloc(b, 1, sizeof *test);
    wg_ast **children = wgi_alloc(b, 2, sizeof *children);
    if (test == NULL || children == NULL) return NULL;
    *test = *of;
    children[0] = of->child[0];
    children[1] = label;
    test->child = children;
    test->child_count = 2;
    return test;
}

/* The branches of a disjunction; *count above BRANCHES_MAX: too many. */
static wg_code split(wgi_binder *b, const wg_ast *c, const wg_ast **out, uint32_t *count) {
    const bool labels = c->kind == WG_AST_HAS_LABELS && c->child_count == 2 &&
                        c->child[1]->kind == WG_AST_LABEL_EXPR && c->child[1]->op == WG_OP_OR;
    if (c->kind == WG_AST_NARY && c->op == WG_OP_OR) {
        for (uint32_t i = 0; i < c->child_count; i++) WG_TRY(split(b, c->child[i], out, count));
        return WG_OK;
    }
    for (uint32_t i = 0; labels && i < c->child[1]->child_count && *count <= BRANCHES_MAX; i++) {
        wg_ast *test = label_test(b, c, c->child[1]->child[i]);
        if (test == NULL) return WG_E_NOMEM;
        WG_TRY(split(b, test, out, count));
    }
    if (!labels && *count <= BRANCHES_MAX) out[(*count)++] = c;
    return WG_OK;
}

static bool is_test_of(const wg_ast *c, wg_slice name) {
    return c->kind == WG_AST_HAS_LABELS && c->child[0]->kind == WG_AST_VARIABLE &&
           wg_slice_equal(c->child[0]->text, name);
}

/* Labels that the condition says the node has. *only: it says nothing else. */
static wg_code add_labels(wgi_binder *b, const wg_ast *list, uint32_t first, wgi_pattern_node *node, bool *only) {
    const uint32_t *more;
    uint32_t count;
    WG_TRY(wgi_labels(b, list, first, &more, &count, &node->missing));
    uint32_t *all = wgi_alloc(b, node->label_count + (size_t)count, sizeof *all);
    if (all == NULL) return WG_E_NOMEM;
    uint32_t kept = node->label_count;
    if (kept > 0) memcpy(all, node->labels, kept * sizeof *all);
    for (uint32_t i = 0; i < count; i++) {
        bool seen = false;
        for (uint32_t k = 0; k < kept; k++) seen = seen || all[k] == more[i];
        if (!seen) all[kept++] = more[i];
    }
    node->labels = all;
    node->label_count = kept;
    for (uint32_t i = first; i < list->child_count; i++) {
        const wg_ast *part = list->child[i];
        if (part->kind == WG_AST_LABEL_EXPR && part->op == WG_OP_AND) WG_TRY(add_labels(b, part, 0, node, only));
        else if (part->kind != WG_AST_NAME) *only = false;
    }
    return WG_OK;
}

static wg_code add_condition(wgi_binder *b, const wg_ast *c, wgi_branch *branch, bool own) {
    wgi_graph *g = &branch->graph;
    if (c->kind == WG_AST_NARY && c->op == WG_OP_AND) {
        for (uint32_t i = 0; i < c->child_count; i++) WG_TRY(add_condition(b, c->child[i], branch, own));
        return WG_OK;
    }
    WG_TRY(wgi_graph_condition(b, g, c));
    if (own && is_test_of(c, g->nodes[0].name)) return add_labels(b, c, 1, &g->nodes[0], &branch->only_labels);
    if (own) branch->only_labels = false;
    return WG_OK;
}

/* The branch as a pattern of one node. *out_rows negative: it restricts nothing. */
static wg_code make_branch(wgi_binder *b, const wgi_graph *g, uint32_t node, uint32_t conjunct, wgi_branch *branch,
                           double *out_rows) {
    const wgi_relation nothing = {0};
    const wg_ast *keys[WG_KEY_COLUMNS_MAX];
    wgi_index_choice choice = {0};
    wgi_symbol self = {.name = g->nodes[node].name};
    const wgi_relation alone = {.symbols = &self, .symbol_count = 1};
    wgi_pattern_node *own = wgi_alloc(b, 1, sizeof *own);
    if (own == NULL) return WG_E_NOMEM;
    *own = g->nodes[node];
    own->component = 0;
    own->seek_rows = -1;
    own->either = 0;
    branch->graph = (wgi_graph){.nodes = own, .node_count = 1, .component_count = 1};
    branch->only_labels = true;
    WG_TRY(add_condition(b, branch->condition, branch, true));
    for (uint32_t i = 0; i < g->conjunct_count; i++)
        if (i != conjunct && wgi_covered(g->conjuncts[i].ast, &alone))
            WG_TRY(add_condition(b, g->conjuncts[i].ast, branch, false));
    *out_rows = 0;
    if (own->missing) return WG_OK;
    WG_TRY(wgi_find_index(b, &branch->graph, own->name, own->labels, own->label_count, &nothing, &choice));
    if (choice.rule != NULL) own->seek_rows = choice.rows;
    branch->scans = own->seek_rows < 0 && wgi_find_key(b, &branch->graph, 0, &nothing, keys) == NULL &&
                    wgi_find_key_list(b, &branch->graph, 0, keys) == NULL;
    own->rows = wgi_scan_rows(b, own->labels, own->label_count);
    *out_rows = branch->scans ? own->rows : SEEK_COST * wgi_start_rows(b, &branch->graph, 0);
    if (branch->scans && own->label_count == g->nodes[node].label_count) *out_rows = -1;
    return WG_OK;
}

wg_code wgi_branches(wgi_binder *b, const wgi_graph *g, uint32_t node, uint32_t conjunct, wgi_branch **out,
                     uint32_t *out_count, double *out_cost) {
    const wg_ast *c = g->conjuncts[conjunct].ast, *parts[BRANCHES_MAX + 1];
    wgi_symbol self = {.name = g->nodes[node].name};
    const wgi_relation alone = {.symbols = &self, .symbol_count = 1};
    uint32_t count = 0;
    *out_count = 0;
    *out_cost = 0;
    if (b->optimizer_off || g->nodes[node].missing || !wgi_covered(c, &alone) || wgi_has_subquery(c)) return WG_OK;
    WG_TRY(split(b, c, parts, &count));
    if (count < 2 || count > BRANCHES_MAX) return WG_OK;
    wgi_branch *branches = wgi_alloc(b, count, sizeof *branches);
    if (branches == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        double rows;
        branches[i].condition = parts[i];
        WG_TRY(make_branch(b, g, node, conjunct, &branches[i], &rows));
        if (rows < 0) return WG_OK;
        *out_cost += rows;
    }
    *out = branches;
    *out_count = count;
    return WG_OK;
}

wg_code wgi_find_either(wgi_binder *b, wgi_graph *g, uint32_t node) {
    wgi_pattern_node *n = &g->nodes[node];
    const double scanned = wgi_scan_rows(b, n->labels, n->label_count);
    n->either = 0;
    for (uint32_t i = 0; i < g->conjunct_count; i++) {
        wgi_branch *branches;
        uint32_t count;
        double cost;
        WG_TRY(wgi_branches(b, g, node, i, &branches, &count, &cost));
        if (count == 0 || cost > scanned || (n->either != 0 && cost >= n->either_rows)) continue;
        n->either = i + 1;
        n->either_rows = cost;
        if (cost < n->rows) n->rows = cost;
    }
    return WG_OK;
}
