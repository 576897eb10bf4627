/* query/optimize: the pattern of a MATCH as a graph.
 *
 * Nodes of one name are one node. A property map becomes equality conditions, so that {id: $x} and WHERE n.id = $x are
 * planned alike. Nodes and edges without a name get a hidden one. Components are numbered by their first node. */
#include "query/optimize/optimize.h"

static wg_ast *new_ast(wgi_binder *b, wg_ast_kind kind, const wg_ast *at, uint32_t children) {
    wg_ast *a = wgi_alloc(b, 1, sizeof *a);
    if (a == NULL) return NULL;
    a->kind = (uint8_t)kind;
    a->start = at->start;
    a->end = at->end;
    a->height = 1;
    a->child_count = children;
    if (children > 0 && (a->child = wgi_alloc(b, children, sizeof(wg_ast *))) == NULL) return NULL;
    return a;
}

static wg_ast *variable_ast(wgi_binder *b, const wg_ast *at, wg_slice name) {
    wg_ast *a = new_ast(b, WG_AST_VARIABLE, at, 0);
    if (a != NULL) a->text = name;
    return a;
}

static wg_code add_conjunct(wgi_binder *b, wgi_graph *g, const wg_ast *ast) {
    if (g->conjunct_count == g->conjunct_capacity) {
        const uint32_t wanted = g->conjunct_capacity < 8 ? 8 : g->conjunct_capacity * 2;
        wgi_conjunct *p = wgi_alloc(b, wanted, sizeof *p);
        if (p == NULL) return WG_E_NOMEM;
        if (g->conjunct_count > 0) memcpy(p, g->conjuncts, g->conjunct_count * sizeof *p);
        g->conjuncts = p;
        g->conjunct_capacity = wanted;
    }
    g->conjuncts[g->conjunct_count++] = (wgi_conjunct){.ast = ast};
    return WG_OK;
}

/* name.key = value, for each entry of a property map. */
static wg_code add_properties(wgi_binder *b, wgi_graph *g, wg_slice name, const wg_ast *map) {
    if (map == NULL) return WG_OK;
    if (map->kind == WG_AST_PARAMETER)
        return wgi_error(b, WG_E_BIND, map,
                         "a parameter cannot stand for the whole property map of MATCH; write {name: $value}");
    for (uint32_t i = 0; i < map->child_count; i++) {
        wg_ast *entry = map->child[i];
        wg_ast *equal = new_ast(b, WG_AST_BINARY, entry, 2);
        wg_ast *property = new_ast(b, WG_AST_PROPERTY, entry, 1);
        wg_ast *variable = variable_ast(b, entry, name);
        if (equal == NULL || property == NULL || variable == NULL) return WG_E_NOMEM;
        property->text = entry->text;
        property->child[0] = variable;
        equal->op = WG_OP_EQ;
        equal->child[0] = property;
        equal->child[1] = entry->child[0];
        WG_TRY(add_conjunct(b, g, equal));
    }
    return WG_OK;
}

static wg_code add_where(wgi_binder *b, wgi_graph *g, const wg_ast *where) {
    if (where == NULL) return WG_OK;
    if (where->kind != WG_AST_NARY || where->op != WG_OP_AND) return add_conjunct(b, g, where);
    for (uint32_t i = 0; i < where->child_count; i++) WG_TRY(add_where(b, g, where->child[i]));
    return WG_OK;
}

wg_code wgi_graph_condition(wgi_binder *b, wgi_graph *g, const wg_ast *where) { return add_where(b, g, where); }

/* name:expression */
static wg_code add_label_test(wgi_binder *b, wgi_graph *g, wg_slice name, wg_ast *label) {
    wg_ast *test = new_ast(b, WG_AST_HAS_LABELS, label, 2);
    if (test == NULL || (test->child[0] = variable_ast(b, label, name)) == NULL) return WG_E_NOMEM;
    test->child[1] = label;
    return add_conjunct(b, g, test);
}

wg_code wgi_graph_conditions(wgi_binder *b, wgi_graph *g, wg_slice name, const wg_ast *element, bool labels) {
    for (uint32_t i = 1; i < element->child_count; i++) {
        wg_ast *part = element->child[i];
        if (part->kind == WG_AST_WHERE) WG_TRY(add_where(b, g, part->child[0]));
        else if (element->kind == WG_AST_NODE && (labels || part->kind != WG_AST_NAME))
            WG_TRY(add_label_test(b, g, name, part));
    }
    return add_properties(b, g, name, element->child[0]);
}

/* ---- nodes */

static wg_code merge_labels(wgi_binder *b, wgi_pattern_node *node, const wg_ast *ast) {
    const uint32_t *more;
    uint32_t count;
    WG_TRY(wgi_labels(b, ast, 1, &more, &count, &node->missing));
    if (count == 0) return WG_OK;
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
    return WG_OK;
}

static wg_code check_bound(wgi_binder *b, const wgi_relation *rel, const wg_ast *ast, wg_type wanted) {
    const wgi_symbol *symbol = wgi_find(rel, ast->text);
    if (symbol == NULL || symbol->type == wanted || symbol->type == WG_TYPE_ANY || symbol->type == WG_TYPE_NULL)
        return WG_OK;
    return wgi_error(b, WG_E_BIND, ast, "'%.*s' is %s%s and cannot stand for %s here",
                     (int)wg_min_size(ast->text.size, 64), (const char *)ast->text.data, "a value of type ",
                     wg_type_name(symbol->type), wanted == WG_TYPE_NODE ? "a node" : "a relationship");
}

static wg_code introduce(wgi_binder *b, wgi_graph *g, const wgi_relation *rel, const wg_ast *ast, wg_slice name,
                         wg_type type) {
    const wgi_symbol *other = wgi_find(&g->names, name);
    if (other != NULL && other->type != type)
        return wgi_error(b, WG_E_BIND, ast, "'%.*s' is used for a node and a relationship in one pattern",
                         (int)wg_min_size(name.size, 64), (const char *)name.data);
    if (other != NULL || wgi_find(rel, name) != NULL) return WG_OK;
    const wgi_symbol symbol = {.name = name, .type = type};
    return wgi_add_symbol(b, &g->names, &symbol);
}

static wg_code add_node(wgi_binder *b, wgi_graph *g, const wgi_relation *rel, const wg_ast *ast, uint32_t *out) {
    wg_slice name = ast->text;
    if (name.size == 0) WG_TRY(wgi_hidden_name(b, &name));
    WG_TRY(check_bound(b, rel, ast, WG_TYPE_NODE));
    WG_TRY(introduce(b, g, rel, ast, name, WG_TYPE_NODE));
    uint32_t at = 0;
    while (at < g->node_count && !wg_slice_equal(g->nodes[at].name, name)) at++;
    if (at == g->node_count) {
        g->nodes[at] = (wgi_pattern_node){.name = name, .ast = ast, .component = at};
        g->node_count++;
    }
    WG_TRY(merge_labels(b, &g->nodes[at], ast));
    WG_TRY(wgi_graph_conditions(b, g, name, ast, false));
    *out = at;
    return WG_OK;
}

/* ---- edges */

/* A relationship that is known before: matched anew under a hidden name that must be the same one. */
static wg_code same_as_bound(wgi_binder *b, wgi_graph *g, const wg_ast *ast, wg_slice hidden) {
    wg_ast *equal = new_ast(b, WG_AST_BINARY, ast, 2);
    if (equal == NULL) return WG_E_NOMEM;
    equal->op = WG_OP_EQ;
    equal->child[0] = variable_ast(b, ast, hidden);
    equal->child[1] = variable_ast(b, ast, ast->text);
    if (equal->child[0] == NULL || equal->child[1] == NULL) return WG_E_NOMEM;
    return add_conjunct(b, g, equal);
}

/* The variables inside of a quantified path are lists outside of it. */
static wg_code introduce_group(wgi_binder *b, wgi_graph *g, const wgi_relation *rel, const wg_ast *group) {
    const wg_ast *path = group->child[1];
    for (uint32_t i = 0; i < path->child_count; i++) {
        const wg_ast *element = path->child[i];
        bool again = false;
        for (uint32_t k = 0; k < i; k++) again = again || wg_slice_equal(path->child[k]->text, element->text);
        if (element->text.size == 0 || (again && element->kind == WG_AST_NODE)) continue;
        if (again || wgi_find(rel, element->text) != NULL || wgi_find(&g->names, element->text) != NULL)
            return wgi_error(b, WG_E_BIND, element, "variable '%.*s' of a quantified path exists already",
                             (int)wg_min_size(element->text.size, 64), (const char *)element->text.data);
        const wgi_symbol symbol = {.name = element->text, .type = WG_TYPE_LIST};
        WG_TRY(wgi_add_symbol(b, &g->names, &symbol));
    }
    return WG_OK;
}

static wg_code add_edge(wgi_binder *b, wgi_graph *g, const wgi_relation *rel, const wg_ast *ast, uint32_t from,
                        uint32_t to) {
    const bool walk = (ast->flags & WG_AST_VARIABLE_LENGTH) != 0;
    const wg_type type = walk ? WG_TYPE_LIST : WG_TYPE_EDGE;
    wgi_pattern_edge edge = {.name = ast->text, .ast = ast, .from = from, .to = to};
    const bool bound = edge.name.size > 0 && wgi_find(rel, edge.name) != NULL;
    const wgi_symbol *other = edge.name.size > 0 ? wgi_find(&g->names, edge.name) : NULL;
    if (other != NULL && (other->type == WG_TYPE_EDGE || other->type == WG_TYPE_LIST))
        return wgi_error(b, WG_E_BIND, ast, "'%.*s' names two relationships of one pattern, which are never the same",
                         (int)wg_min_size(edge.name.size, 64), (const char *)edge.name.data);
    WG_TRY(check_bound(b, rel, ast, type));
    if (edge.name.size == 0 || bound) WG_TRY(wgi_hidden_name(b, &edge.name));
    if (bound) WG_TRY(same_as_bound(b, g, ast, edge.name));
    WG_TRY(introduce(b, g, rel, ast, edge.name, type));
    if (ast->kind == WG_AST_EDGE) WG_TRY(wgi_edge_types(b, ast, 1, &edge.types, &edge.type_count, &edge.missing));
    if (!walk)
        WG_TRY(wgi_graph_conditions(b, g, edge.name, ast, false)); /* of a walk: for each edge, when expanding */
    if (ast->kind == WG_AST_GROUP) WG_TRY(introduce_group(b, g, rel, ast));
    g->edges[g->edge_count++] = edge;
    return WG_OK;
}

static wg_code check_shortest(wgi_binder *b, const wg_ast *path) {
    WG_ASSERT(path->child_count == 3); /* the parser sees to it */
    const wg_ast *edge = path->child[1];
    if (!(edge->flags & WG_AST_VARIABLE_LENGTH))
        return wgi_unsupported(b, path, "a shortest path over a relationship without '*'");
    if (edge->i > 1 && path->j == WG_AST_MODE_DEFAULT)
        return wgi_error(b, WG_E_BIND, edge, "a shortest path can begin at 0 or 1 relationships only");
    return WG_OK;
}

/* What the path's own mode says of a relationship in it. */
static void set_search(const wg_ast *path, wgi_pattern_edge *edge) {
    const bool function = path->op == WG_AST_PATH_SHORTEST || path->op == WG_AST_PATH_ALL_SHORTEST;
    if (function) edge->search = (wg_ast_path)path->op;
    edge->by_id = function && path->j != WG_AST_MODE_DEFAULT;
    edge->cycles = function && path->j != WG_AST_MODE_DEFAULT && path->j != WG_AST_MODE_ACYCLIC;
    edge->mode = (wg_ast_path_mode)path->j;
    if (edge->by_id) edge->paths = (uint32_t)(path->i < UINT32_MAX ? path->i : UINT32_MAX);
}

/* What may be matched more than once: by default nothing in one MATCH; a path that is a WALK, and REPEATABLE ELEMENTS, say otherwise. */
static wg_code set_mode(wgi_binder *b, const wg_ast *match, wgi_pattern_edge *edge) {
    const bool repeatable = (match->flags & WG_AST_REPEATABLE) != 0;
    if (repeatable && edge->mode == WG_AST_MODE_DEFAULT) edge->mode = WG_AST_MODE_WALK;
    if ((match->flags & WG_AST_DIFFERENT) && edge->mode == WG_AST_MODE_WALK) edge->mode = WG_AST_MODE_TRAIL;
    edge->free = repeatable || edge->mode == WG_AST_MODE_WALK;
    if (edge->mode == WG_AST_MODE_WALK && edge->search == WG_AST_PATH_ALL &&
        (edge->ast->flags & WG_AST_VARIABLE_LENGTH) && edge->ast->j < 0)
        return wgi_error(b, WG_E_BIND, edge->ast,
                         "a walk without an upper bound has no end: write a bound such as {1,5}, or ANY SHORTEST");
    return WG_OK;
}

static wg_code add_path(wgi_binder *b, wgi_graph *g, const wgi_relation *rel, const wg_ast *path) {
    uint32_t left = 0;
    if (path->op == WG_AST_PATH_SHORTEST || path->op == WG_AST_PATH_ALL_SHORTEST) WG_TRY(check_shortest(b, path));
    for (uint32_t i = 0; i < path->child_count; i += 2) {
        uint32_t right;
        WG_TRY(add_node(b, g, rel, path->child[i], &right));
        if (i > 0) WG_TRY(add_edge(b, g, rel, path->child[i - 1], left, right));
        if (i > 0) set_search(path, &g->edges[g->edge_count - 1]);
        left = right;
    }
    if (path->text.size == 0) return WG_OK;
    if (wgi_find(rel, path->text) != NULL || wgi_find(&g->names, path->text) != NULL)
        return wgi_error(b, WG_E_BIND, path, "variable '%.*s' exists already", (int)wg_min_size(path->text.size, 64),
                         (const char *)path->text.data);
    const wgi_symbol symbol = {.name = path->text, .type = WG_TYPE_PATH};
    return wgi_add_symbol(b, &g->names, &symbol);
}

static void join_components(wgi_graph *g) {
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < g->edge_count; i++) {
            if (g->edges[i].search != WG_AST_PATH_ALL) continue; /* its ends are found without it */
            uint32_t *a = &g->nodes[g->edges[i].from].component, *c = &g->nodes[g->edges[i].to].component;
            if (*a == *c) continue;
            *a = *c = *a < *c ? *a : *c;
            changed = true;
        }
    }
    g->component_count = g->node_count; /* numbers with gaps: a component is named by its least node */
}

/* Expected rows of a node by its labels and by the conditions that need nothing else. */
static void estimate(const wgi_binder *b, wgi_graph *g) {
    for (uint32_t i = 0; i < g->node_count; i++) {
        wgi_pattern_node *node = &g->nodes[i];
        wgi_symbol self = {.name = node->name};
        const wgi_relation alone = {.symbols = &self, .symbol_count = 1};
        node->rows = node->missing ? 0 : wgi_scan_rows(b, node->labels, node->label_count);
        for (uint32_t k = 0; k < g->conjunct_count; k++) {
            const wg_ast *c = g->conjuncts[k].ast;
            if (!wgi_mentions(c, &alone) || !wgi_covered(c, &alone)) continue;
            node->rows *= c->kind == WG_AST_BINARY && c->op == WG_OP_EQ ? 0.1 : 0.3;
        }
    }
}

static uint32_t count_children(const wg_ast *pattern) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < pattern->child_count; i++) count += pattern->child[i]->child_count;
    return count;
}

/* What seeks by constants would give. */
static wg_code find_indexes(wgi_binder *b, const wgi_relation *rel, wgi_graph *g) {
    const wgi_relation nothing = {0};
    for (uint32_t i = 0; i < g->node_count; i++) {
        wgi_pattern_node *node = &g->nodes[i];
        wgi_index_choice choice = {0};
        node->seek_rows = -1;
        if (!node->missing && wgi_find(rel, node->name) == NULL)
            WG_TRY(wgi_find_index(b, g, node->name, node->labels, node->label_count, &nothing, &choice));
        if (choice.rule != NULL) node->seek_rows = choice.rows;
        if (choice.rule == NULL && !node->missing && wgi_find(rel, node->name) == NULL)
            WG_TRY(wgi_find_either(b, g, i));
    }
    return WG_OK;
}

wg_code wgi_graph_build(wgi_binder *b, const wg_ast *const *matches, uint32_t match_count, const wgi_relation *rel,
                        wgi_graph *out) {
    enum { ELEMENTS_MAX = 512 };
    wgi_graph g = {0};
    uint32_t elements = 0;
    for (uint32_t m = 0; m < match_count; m++) elements += count_children(matches[m]->child[0]);
    if (elements > ELEMENTS_MAX)
        return wgi_error(b, WG_E_LIMIT, matches[0]->child[0], "a pattern may have at most %d nodes and relationships",
                         ELEMENTS_MAX);
    g.nodes = wgi_alloc(b, elements, sizeof *g.nodes);
    g.edges = wgi_alloc(b, elements, sizeof *g.edges);
    if (g.nodes == NULL || g.edges == NULL) return WG_E_NOMEM;
    for (uint32_t m = 0; m < match_count; m++) {
        const wg_ast *pattern = matches[m]->child[0];
        const uint32_t before = g.edge_count;
        for (uint32_t i = 0; i < pattern->child_count; i++) WG_TRY(add_path(b, &g, rel, pattern->child[i]));
        for (uint32_t i = before; i < g.edge_count; i++) {
            g.edges[i].clause = m;
            WG_TRY(set_mode(b, matches[m], &g.edges[i]));
        }
        WG_TRY(add_where(b, &g, matches[m]->child[1]));
    }
    join_components(&g);
    estimate(b, &g);
    WG_TRY(find_indexes(b, rel, &g));
    *out = g;
    return WG_OK;
}

/* ---- what edges say */

wg_direction wgi_direction_from_left(const wgi_pattern_edge *edge) {
    if (edge->ast->op == WG_AST_RIGHT) return WG_DIRECTION_OUT;
    return edge->ast->op == WG_AST_LEFT ? WG_DIRECTION_IN : WG_DIRECTION_BOTH;
}

wg_direction wgi_direction_reversed(wg_direction d) {
    if (d == WG_DIRECTION_BOTH) return d;
    return d == WG_DIRECTION_OUT ? WG_DIRECTION_IN : WG_DIRECTION_OUT;
}

/* True when the definitions of the relationship's types say that the far node has its label: the engine keeps ends what they are declared
 * to be. */
bool wgi_ends_have_label(const wgi_binder *b, const wgi_pattern_edge *edge, wg_direction direction,
                         const wgi_pattern_node *far) {
    if (edge->missing || edge->type_count == 0 || far->missing || far->label_count != 1) return false;
    const char *name = wg_catalog_label_seen(b->catalog, far->labels[0], b->view)->def.name;
    for (uint32_t i = 0; i < edge->type_count; i++) {
        const wg_label_def *def = &wg_catalog_label_seen(b->catalog, edge->types[i], b->view)->def;
        const bool out = direction == WG_DIRECTION_IN || (def->to_label != NULL && strcmp(def->to_label, name) == 0);
        const bool in =
            direction == WG_DIRECTION_OUT || (def->from_label != NULL && strcmp(def->from_label, name) == 0);
        if (!out || !in) return false;
    }
    return true;
}
