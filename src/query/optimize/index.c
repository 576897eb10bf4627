/* query/optimize: which index finds a variable's nodes or edges.
 *
 * Every index of every label of the variable is looked at: conditions that equal (or list) the values of its first properties, then, for a
 * range index, bounds or a prefix on the next one. A condition is usable when the rows so far give its other side. The index that is
 * expected to give the fewest rows wins; ties go to the older one. A seek costs several rows of a scan for each row that it
 * gives, so one that gives a large part of the label is left to the scan. The conditions are asked again behind the seek: an
 * index gives candidates. */
#include "query/optimize/optimize.h"

enum { SEEK_COST = 4 }; /* rows of a scan for one of a seek */

static bool property_is(const wg_ast *ast, wg_slice variable, wg_slice name) {
    return ast->kind == WG_AST_PROPERTY && ast->child[0]->kind == WG_AST_VARIABLE &&
           wg_slice_equal(ast->child[0]->text, variable) && wg_slice_equal(ast->text, name);
}

static bool op_of(uint8_t ast_op, bool mirrored, wg_index_op *out) {
    static const struct {
        uint8_t op;
        wg_index_op straight, mirrored;
    } table[] = {{WG_OP_EQ, WG_INDEX_EQ, WG_INDEX_EQ},
                 {WG_OP_LT, WG_INDEX_LT, WG_INDEX_GT},
                 {WG_OP_LE, WG_INDEX_LE, WG_INDEX_GE},
                 {WG_OP_GT, WG_INDEX_GT, WG_INDEX_LT},
                 {WG_OP_GE, WG_INDEX_GE, WG_INDEX_LE}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].op != ast_op) continue;
        *out = mirrored ? table[i].mirrored : table[i].straight;
        return true;
    }
    *out = ast_op == WG_OP_IN ? WG_INDEX_IN : WG_INDEX_STARTS;
    return !mirrored && (ast_op == WG_OP_IN || ast_op == WG_OP_STARTS_WITH);
}

typedef struct search {
    wgi_binder *b;
    const wgi_graph *graph;
    wg_slice variable;
    const wgi_relation *rel;
    double rows; /* of the label */
} search;

/* A condition of the text, and what it asks of one property. */
typedef struct part {
    wg_index_op op;
    const wg_ast *value;
    const wg_ast *condition;
} part;

/* `left op right`, either way round. */
static bool pair_usable(const search *s, const wg_ast *const sides[2], uint8_t ast_op, wg_slice property, part *out) {
    for (uint32_t side = 0; side < 2; side++) {
        const wg_ast *other = sides[1 - side];
        if (!property_is(sides[side], s->variable, property) || !op_of(ast_op, side == 1, &out->op)) continue;
        if (!wgi_covered(other, s->rel) || wgi_has_subquery(other)) continue;
        out->value = other;
        return true;
    }
    return false;
}

static bool is_low(wg_index_op op) { return op == WG_INDEX_GT || op == WG_INDEX_GE; }
static bool is_bound(wg_index_op op) { return op >= WG_INDEX_GT && op <= WG_INDEX_LE; }

/* The first condition on the property that `wanted` takes, as a whole or as a link of a < b < c; behind NOT and OR nothing is usable. False:
 * none. */
static bool find(const search *s, wg_slice property, bool (*wanted)(wg_index_op), part *out) {
    for (uint32_t i = 0; i < s->graph->conjunct_count; i++) {
        const wg_ast *c = s->graph->conjuncts[i].ast;
        const uint32_t links = c->kind == WG_AST_CHAIN ? c->child_count - 1 : c->kind == WG_AST_BINARY ? 1 : 0;
        for (uint32_t k = 0; k < links; k++) {
            const wg_ast *const sides[2] = {c->child[k], c->child[k + 1]};
            const uint8_t ast_op = c->kind == WG_AST_CHAIN ? c->text.data[k] : c->op;
            if (!pair_usable(s, sides, ast_op, property, out) || !wanted(out->op)) continue;
            out->condition = c;
            return true;
        }
    }
    return false;
}

static bool wants_equal(wg_index_op op) { return op == WG_INDEX_EQ; }
static bool wants_list(wg_index_op op) { return op == WG_INDEX_IN; }
static bool wants_start(wg_index_op op) { return op == WG_INDEX_STARTS; }
static bool wants_low(wg_index_op op) { return is_low(op); }
static bool wants_high(wg_index_op op) { return is_bound(op) && !is_low(op); }

static wg_code add(const search *s, wgi_index_choice *choice, uint32_t key, const part *p, double *keep) {
    const wg_index_op op = p->op;
    const wg_ast *value = p->value;
    double share;
    choice->ops[choice->count] = op;
    choice->values[choice->count++] = value;
    if (choice->rule->def.kind == WG_RULE_UNIQUE || choice->rule->def.kind == WG_RULE_KEY) return WG_OK;
    WG_TRY(wgi_condition_share(s->b, p->condition, s->variable, choice->rule->def.label, &share));
    if (op == WG_INDEX_IN || (op == WG_INDEX_EQ && wgi_mentions(value, s->rel))) {
        /* Values that are not known are some of as many as there are. */
        wgi_fact each_one = {.kind = WGI_FACT_SHARE,
                             .label = choice->rule->def.label,
                             .key = key,
                             .op = WG_CMP_EQ,
                             .value = wg_value_int(0),
                             .is_unknown = true};
        WG_TRY(wgi_ask(s->b, &each_one));
        const double each = each_one.numbers[0] * (op == WG_INDEX_IN ? wgi_list_rows(s->b, value) : 1);
        if (each < share) share = each;
    }
    if (op == WG_INDEX_STARTS && share > 0.1) share = 0.1;
    *keep *= share;
    return WG_OK;
}

/* How far the conditions go along the properties of an index. count 0: not at all. */
static wg_code fit(const search *s, const wg_rule *rule, wgi_index_choice *out) {
    const wg_rule_def *def = &rule->def;
    const bool range = def->kind == WG_RULE_RANGE_INDEX;
    wgi_index_choice c = {.rule = rule};
    double keep = 1, lists = 1;
    uint32_t equal = 0;
    bool listed = false;
    part p;
    out->count = 0;
    for (; equal < def->key_count; equal++) {
        const wg_slice name = wg_slice_str(wg_catalog_key_name(s->b->catalog, def->keys[equal]));
        if (!find(s, name, wants_equal, &p)) {
            if (listed || !find(s, name, wants_list, &p)) break;
            listed = true;
            lists = wgi_list_rows(s->b, p.value);
        }
        WG_TRY(add(s, &c, def->keys[equal], &p, &keep));
    }
    if (!range && equal < def->key_count) return WG_OK;
    if (range && equal < def->key_count) {
        const uint32_t key = def->keys[equal];
        const wg_slice name = wg_slice_str(wg_catalog_key_name(s->b->catalog, key));
        if (find(s, name, wants_start, &p)) {
            WG_TRY(add(s, &c, key, &p, &keep));
        } else {
            if (find(s, name, wants_low, &p)) WG_TRY(add(s, &c, key, &p, &keep));
            if (find(s, name, wants_high, &p)) WG_TRY(add(s, &c, key, &p, &keep));
        }
    }
    c.rows = !range && def->kind != WG_RULE_HASH_INDEX ? lists : s->rows * keep;
    if (c.count > 0) *out = c;
    return WG_OK;
}

static wg_code find_in_label(search *s, uint32_t label, wgi_index_choice *best) {
    uint32_t position = 0;
    s->rows = wgi_label_rows(s->b, label);
    for (;;) {
        const wg_rule *rule = wg_catalog_next_rule(s->b->catalog, s->b->view, label, &position);
        wgi_index_choice c;
        if (rule == NULL) return WG_OK;
        if (!wg_rule_has_index(rule->def.kind)) continue;
        WG_TRY(fit(s, rule, &c));
        if (c.count == 0 || (c.rows > 1 && c.rows * SEEK_COST > s->rows)) continue;
        if (best->rule == NULL || c.rows < best->rows) *best = c;
    }
}

wg_code wgi_find_index(wgi_binder *b, const wgi_graph *graph, wg_slice variable, const uint32_t *labels,
                       uint32_t label_count, const wgi_relation *rel, wgi_index_choice *out) {
    search s = {.b = b, .graph = graph, .variable = variable, .rel = rel};
    out->rule = NULL;
    if (b->optimizer_off || wg_catalog_rule_count(b->catalog) == 0) return WG_OK;
    for (uint32_t i = 0; i < label_count; i++) WG_TRY(find_in_label(&s, labels[i], out));
    return WG_OK;
}

bool wgi_index_uses(const wgi_index_choice *choice, const wgi_relation *rel) {
    for (uint32_t i = 0; choice->rule != NULL && i < choice->count; i++)
        if (wgi_mentions(choice->values[i], rel)) return true;
    return false;
}

wg_code wgi_find_index_edge(wgi_binder *b, const wgi_graph *graph, uint32_t component, const wgi_relation *rel,
                            wgi_index_choice *best, wgi_pattern_edge **out) {
    *out = NULL;
    for (uint32_t i = 0; i < graph->edge_count; i++) {
        wgi_pattern_edge *edge = &graph->edges[i];
        wgi_index_choice choice;
        if (edge->search != WG_AST_PATH_ALL || (edge->ast->flags & WG_AST_VARIABLE_LENGTH) != 0 || edge->missing ||
            edge->done || edge->type_count != 1 || edge->from == edge->to ||
            graph->nodes[edge->from].component != component)
            continue;
        WG_TRY(wgi_find_index(b, graph, edge->name, edge->types, 1, rel, &choice));
        if (choice.rule == NULL || (*out != NULL && choice.rows >= best->rows)) continue;
        *best = choice;
        *out = edge;
    }
    return WG_OK;
}

wg_code wgi_index_exprs(wgi_binder *b, const wgi_relation *rel, const wgi_index_choice *choice, wg_plan *plan) {
    wg_expr **exprs = wgi_alloc(b, choice->count, sizeof(wg_expr *));
    wg_index_op *ops = wgi_alloc(b, choice->count, sizeof *ops);
    if (exprs == NULL || ops == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < choice->count; i++) {
        WG_TRY(wgi_bind_in(b, rel, "in MATCH", choice->values[i], &exprs[i]));
        ops[i] = choice->ops[i];
    }
    plan->rule = choice->rule;
    plan->index_ops = ops;
    plan->exprs = exprs;
    plan->expr_count = choice->count;
    plan->row_estimate = rel->plan->row_estimate * choice->rows;
    return WG_OK;
}
