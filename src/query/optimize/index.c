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

/* Behind NOT and OR nothing is usable; a chain a < b < c has been taken apart before. */
static bool usable(const wg_ast *c, wg_slice variable, wg_slice property, const wgi_relation *rel, wg_index_op *op,
                   const wg_ast **out_other) {
    if (c->kind != WG_AST_BINARY) return false;
    for (uint32_t side = 0; side < 2; side++) {
        const wg_ast *other = c->child[1 - side];
        if (!property_is(c->child[side], variable, property) || !op_of(c->op, side == 1, op)) continue;
        if (!wgi_covered(other, rel) || wgi_has_subquery(other)) continue;
        *out_other = other;
        return true;
    }
    return false;
}

typedef struct search {
    wgi_binder *b;
    const wgi_graph *graph;
    wg_slice variable;
    const wgi_relation *rel;
    double rows; /* of the label */
} search;

static bool is_low(wg_index_op op) { return op == WG_INDEX_GT || op == WG_INDEX_GE; }
static bool is_bound(wg_index_op op) { return op >= WG_INDEX_GT && op <= WG_INDEX_LE; }

/* The first condition on the property that `wanted` takes; false: none. */
static bool find(const search *s, wg_slice property, bool (*wanted)(wg_index_op), wg_index_op *op,
                 const wg_ast **value, const wg_ast **condition) {
    for (uint32_t i = 0; i < s->graph->conjunct_count; i++) {
        const wg_ast *c = s->graph->conjuncts[i].ast;
        if (!usable(c, s->variable, property, s->rel, op, value) || !wanted(*op)) continue;
        *condition = c;
        return true;
    }
    return false;
}

static bool wants_equal(wg_index_op op) { return op == WG_INDEX_EQ; }
static bool wants_list(wg_index_op op) { return op == WG_INDEX_IN; }
static bool wants_start(wg_index_op op) { return op == WG_INDEX_STARTS; }
static bool wants_low(wg_index_op op) { return is_low(op); }
static bool wants_high(wg_index_op op) { return is_bound(op) && !is_low(op); }

static wg_code add(const search *s, wgi_index_choice *choice, uint32_t key, wg_index_op op, const wg_ast *value,
                   const wg_ast *condition, double *keep) {
    double share;
    choice->ops[choice->count] = op;
    choice->values[choice->count++] = value;
    if (choice->rule->def.kind == WG_RULE_UNIQUE || choice->rule->def.kind == WG_RULE_KEY) return WG_OK;
    WG_TRY(wgi_condition_share(s->b, condition, s->variable, choice->rule->def.label, &share));
    if (op == WG_INDEX_IN || (op == WG_INDEX_EQ && wgi_mentions(value, s->rel))) {
        /* Values that are not known are some of as many as there are. */
        wgi_fact one = {.kind = WGI_FACT_SHARE,
                        .label = choice->rule->def.label,
                        .key = key,
                        .op = WG_CMP_EQ,
                        .value = wg_value_int(0),
                        .is_unknown = true};
        WG_TRY(wgi_ask(s->b, &one));
        const double each = one.numbers[0] * (op == WG_INDEX_IN ? wgi_list_rows(s->b, value) : 1);
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
    wg_index_op op;
    const wg_ast *value, *condition;
    out->count = 0;
    for (; equal < def->key_count; equal++) {
        const wg_slice name = wg_slice_str(wg_catalog_key_name(s->b->catalog, def->keys[equal]));
        if (!find(s, name, wants_equal, &op, &value, &condition)) {
            if (listed || !find(s, name, wants_list, &op, &value, &condition)) break;
            listed = true;
            lists = wgi_list_rows(s->b, value);
        }
        WG_TRY(add(s, &c, def->keys[equal], op, value, condition, &keep));
    }
    if (!range && equal < def->key_count) return WG_OK;
    if (range && equal < def->key_count) {
        const uint32_t key = def->keys[equal];
        const wg_slice name = wg_slice_str(wg_catalog_key_name(s->b->catalog, key));
        if (find(s, name, wants_start, &op, &value, &condition)) {
            WG_TRY(add(s, &c, key, op, value, condition, &keep));
        } else {
            if (find(s, name, wants_low, &op, &value, &condition))
                WG_TRY(add(s, &c, key, op, value, condition, &keep));
            if (find(s, name, wants_high, &op, &value, &condition))
                WG_TRY(add(s, &c, key, op, value, condition, &keep));
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
