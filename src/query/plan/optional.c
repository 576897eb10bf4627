/* query/plan: OPTIONAL MATCH, EXISTS { } and patterns as conditions.
 *
 * All three ask for each row whether a pattern has an answer. The pattern is planned once over the distinct values of the
 * variables that it shares with the rows, and joined back on them: a left outer join for OPTIONAL MATCH, one that only
 * marks the row for the conditions. Its keys are equal as DISTINCT sees them, so that null and [null] find themselves again. */
#include "query/optimize/optimize.h"
#include "query/plan/walk.h"

typedef struct shared_values {
    wgi_relation base;  /* distinct shared variables, in this order */
    wgi_join_keys keys; /* left over the rows, right over a relation that begins with the slots of base */
} shared_values;

static wg_code share(wgi_binder *b, shared_values *s, const wgi_symbol *symbol, uint32_t slot, const wg_ast *at) {
    const uint32_t n = s->keys.count++;
    WG_TRY(wgi_slot_expr(b, symbol->slot, symbol->type, at, &s->keys.left[n]));
    return wgi_slot_expr(b, slot, symbol->type, at, &s->keys.right[n]);
}

/* A join needs a key: without shared variables all rows have the same one. */
static wg_code share_nothing(wgi_binder *b, shared_values *s, const wg_ast *at) {
    const wg_value one = wg_value_int(1);
    WG_TRY(wgi_const_expr(b, &one, WG_TYPE_INT, at, &s->keys.left[0]));
    WG_TRY(wgi_const_expr(b, &one, WG_TYPE_INT, at, &s->keys.right[0]));
    s->keys.count = 1;
    return wgi_unit(b, &s->base);
}

static wg_code share_all(wgi_binder *b, const wg_ast *ast, const wgi_relation *rel, shared_values *out) {
    *out = (shared_values){0};
    wg_expr **exprs = wgi_alloc(b, rel->symbol_count, sizeof(wg_expr *));
    wgi_new_slot *slots = wgi_alloc(b, rel->symbol_count, sizeof *slots);
    out->keys.left = wgi_alloc(b, rel->symbol_count + (size_t)1, sizeof(wg_expr *));
    out->keys.right = wgi_alloc(b, rel->symbol_count + (size_t)1, sizeof(wg_expr *));
    if (exprs == NULL || slots == NULL || out->keys.left == NULL || out->keys.right == NULL) return WG_E_NOMEM;
    uint32_t count = 0;
    for (uint32_t i = 0; i < rel->symbol_count; i++) {
        wgi_symbol symbol = rel->symbols[i];
        const wgi_relation alone = {.symbols = &symbol, .symbol_count = 1};
        if (!wgi_mentions(ast, &alone)) continue;
        WG_TRY(share(b, out, &symbol, count, ast));
        WG_TRY(wgi_slot_expr(b, symbol.slot, symbol.type, ast, &exprs[count]));
        slots[count] = (wgi_new_slot){symbol.type, symbol.name};
        symbol.slot = count++;
        WG_TRY(wgi_add_symbol(b, &out->base, &symbol));
    }
    if (count == 0) return share_nothing(b, out, ast);
    wg_plan *project = wgi_plan(b, WG_PLAN_PROJECT, rel->plan, NULL);
    if (project == NULL) return WG_E_NOMEM;
    project->exprs = exprs;
    project->expr_count = count;
    WG_TRY(wgi_plan_slots(b, project, NULL, NULL, slots, count));
    out->base.plan = wgi_plan(b, WG_PLAN_DISTINCT, project, NULL);
    if (out->base.plan == NULL) return WG_E_NOMEM;
    return wgi_plan_slots(b, out->base.plan, project, NULL, NULL, 0);
}

/* The shared slots are found by name again, because joins inside may have moved them. */
static wg_code rebase_keys(wgi_binder *b, shared_values *s, const wgi_relation *right) {
    for (uint32_t i = 0; i < s->keys.count; i++) {
        wg_expr *e = s->keys.right[i];
        if (e->kind != WG_EXPR_SLOT) continue;
        for (uint32_t k = 0; k < s->base.symbol_count; k++) {
            const wgi_symbol *old = &s->base.symbols[k];
            const wgi_symbol *now = wgi_find(right, old->name);
            if (old->slot != e->slot || now == NULL) continue;
            e->slot = now->slot;
            break;
        }
    }
    return b->err->code == WG_OK ? WG_OK : b->err->code;
}

static bool has_condition(const wg_ast *element) {
    bool any = element->kind == WG_AST_GROUP;
    for (uint32_t i = 1; !any && i < element->child_count; i++)
        any = element->child[i]->kind == WG_AST_WHERE ||
              (element->kind == WG_AST_NODE && element->child[i]->kind != WG_AST_NAME);
    return any;
}

/* The pattern is one relationship from a node that the rows have to one that is new, and nothing is said of either that the rows, or the
 * definition of the relationship, do not say: the rows are expanded in place. *out_done false: it is more than that. */
static wg_code expand_rows(wgi_binder *b, const wg_ast *match, wgi_relation *rel, bool *out_done) {
    const wg_ast *path = match->child[0]->child[0];
    *out_done = false;
    if (b->optimizer_off || match->child[1] != NULL || match->child[0]->child_count != 1 || path->child_count != 3 ||
        path->op != WG_AST_PATH_ALL || path->text.size > 0)
        return WG_OK;
    const wg_ast *edge = path->child[1];
    const wg_ast *left = path->child[0], *right = path->child[2];
    const bool from_left = left->text.size > 0 && wgi_find(rel, left->text) != NULL;
    const wg_ast *near = from_left ? left : right, *far = from_left ? right : left;
    const wgi_symbol *known = near->text.size > 0 ? wgi_find(rel, near->text) : NULL;
    if (known == NULL || known->type != WG_TYPE_NODE || near->child_count > 1 || near->child[0] != NULL ||
        far->child[0] != NULL || (far->text.size > 0 && wgi_find(rel, far->text) != NULL) ||
        (far->text.size > 0 && wg_slice_equal(far->text, near->text)))
        return WG_OK;
    if (has_condition(edge) || has_condition(far)) return WG_OK;
    if ((edge->flags & WG_AST_VARIABLE_LENGTH) || edge->child[0] != NULL ||
        (edge->text.size > 0 && (wgi_find(rel, edge->text) != NULL || wg_slice_equal(edge->text, far->text))))
        return WG_OK;
    return wgi_expand_optionally(b, path, from_left, rel, out_done);
}

/* Operators of a plan, parts that stand in it twice counted twice; at most `most`. */
static uint32_t plan_size(const wg_plan *plan, uint32_t most) {
    uint32_t size = 1;
    for (uint32_t i = 0; i < 2 && size < most; i++)
        if (plan->children[i] != NULL) size += plan_size(plan->children[i], most - size);
    return size;
}

/* A join puts the rows' plan into the new one twice, so that a series of them would double it each time: from some size on the pattern is
 * asked for each row instead. */
static bool is_large(const wgi_relation *rel) {
    enum { PLAN_SIZE_MAX = 400 };
    return plan_size(rel->plan, PLAN_SIZE_MAX) >= PLAN_SIZE_MAX;
}

wg_code wgi_optional_match(wgi_binder *b, const wg_ast *match, wgi_relation *rel) {
    bool done = false;
    if (!rel->writes && !rel->per_row) WG_TRY(expand_rows(b, match, rel, &done));
    if (done) return WG_OK;
    if (!rel->per_row && (rel->writes || is_large(rel))) return wgi_optional_per_row(b, match, rel);
    shared_values s;
    wgi_relation joined;
    WG_TRY(share_all(b, match, rel, &s));
    wgi_relation right = s.base;
    WG_TRY(wgi_match(b, match, &right));
    WG_TRY(rebase_keys(b, &s, &right));
    WG_TRY(wgi_join(b, WG_PLAN_OPTIONAL, rel, &right, &s.keys, &joined));
    *rel = joined;
    return WG_OK;
}

/* ---- conditions */

wg_code wgi_all_known(wgi_binder *b, const wg_ast *path, const wgi_relation *rel) {
    for (uint32_t i = 0; i < path->child_count; i++) {
        const wg_ast *element = path->child[i];
        if (element->text.size > 0 && wgi_find(rel, element->text) == NULL)
            return wgi_undefined_variable(b, rel, element, element->text);
    }
    return WG_OK;
}

static wg_code pattern_rows(wgi_binder *b, const wg_ast *path, wgi_relation *rel) {
    wg_ast *pattern = wgi_alloc(b, 1, sizeof *pattern);
    wg_ast *match = wgi_alloc(b, 1, sizeof *match);
    wg_ast **children = wgi_alloc(b, 3, sizeof(wg_ast *));
    wg_ast *copy = wgi_alloc(b, 1, sizeof *copy);
    if (pattern == NULL || match == NULL || children == NULL || copy == NULL) return WG_E_NOMEM;
    *copy = *path;
    *pattern = (wg_ast){.kind = WG_AST_PATTERN, .start = path->start, .end = path->end, .child_count = 1};
    *match = (wg_ast){.kind = WG_AST_MATCH, .start = path->start, .end = path->end, .child_count = 2};
    children[0] = copy;
    children[1] = pattern;
    pattern->child = &children[0];
    match->child = &children[1]; /* pattern, no WHERE */
    return wgi_match(b, match, rel);
}

static wg_code subquery_rows(wgi_binder *b, const wg_ast *test, wgi_relation *rel) {
    if (test->kind == WG_AST_PATTERN_TEST) return pattern_rows(b, test->child[0], rel);
    const wg_ast *query = test->child[0];
    if (query->child_count != 2) return wgi_unsupported(b, test, "UNION inside EXISTS { }");
    return wgi_plan_reading(b, query->child[1], rel);
}

/* Shared values that have an answer, each once, with a mark behind them. */
static wg_code mark_answers(wgi_binder *b, const shared_values *s, const wg_ast *at, wgi_relation *right) {
    const uint32_t count = s->base.symbol_count;
    wg_expr **exprs = wgi_alloc(b, count + (size_t)1, sizeof(wg_expr *));
    wgi_new_slot *slots = wgi_alloc(b, count + (size_t)1, sizeof *slots);
    const wg_value yes = wg_value_bool(true);
    if (exprs == NULL || slots == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        const wgi_symbol *symbol = wgi_find(right, s->base.symbols[i].name);
        if (symbol == NULL) return wgi_unsupported(b, at, "a subquery that drops a variable with WITH");
        WG_TRY(wgi_slot_expr(b, symbol->slot, symbol->type, at, &exprs[i]));
        slots[i] = (wgi_new_slot){symbol->type, symbol->name};
    }
    WG_TRY(wgi_const_expr(b, &yes, WG_TYPE_BOOL, at, &exprs[count]));
    slots[count] = (wgi_new_slot){WG_TYPE_BOOL, wg_slice_str("exists")};
    wg_plan *project = wgi_plan(b, WG_PLAN_PROJECT, right->plan, NULL);
    if (project == NULL) return WG_E_NOMEM;
    project->exprs = exprs;
    project->expr_count = count + 1;
    WG_TRY(wgi_plan_slots(b, project, NULL, NULL, slots, count + 1));
    wg_plan *distinct = wgi_plan(b, WG_PLAN_DISTINCT, project, NULL);
    if (distinct == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_plan_slots(b, distinct, project, NULL, NULL, 0));
    *right = s->base;
    right->plan = distinct;
    return WG_OK;
}

/* The condition is one relationship without properties and name between two known nodes, or from one to a node about which nothing is said:
 * asked for each row. *out_done false: it is more than that. */
static wg_code test_rows(wgi_binder *b, const wg_ast *test, bool negated, wgi_relation *rel, bool *out_done) {
    const wg_ast *path = test->child[0];
    *out_done = false;
    if (b->optimizer_off || test->kind != WG_AST_PATTERN_TEST || path->op != WG_AST_PATH_ALL ||
        path->child_count != 3)
        return WG_OK;
    const wg_ast *edge = path->child[1], *const ends[] = {path->child[0], path->child[2]};
    const wgi_symbol *symbols[2];
    if ((edge->flags & WG_AST_VARIABLE_LENGTH) || edge->text.size > 0 || edge->child[0] != NULL ||
        has_condition(edge))
        return WG_OK;
    for (uint32_t i = 0; i < 2; i++) {
        if (ends[i]->child_count > 1 || ends[i]->child[0] != NULL) return WG_OK;
        symbols[i] = ends[i]->text.size > 0 ? wgi_find(rel, ends[i]->text) : NULL;
        if (ends[i]->text.size > 0 && (symbols[i] == NULL || symbols[i]->type != WG_TYPE_NODE)) return WG_OK;
    }
    const uint32_t first = symbols[0] != NULL ? 0 : 1;
    const uint32_t *types;
    uint32_t type_count;
    bool missing;
    if (symbols[first] == NULL) return WG_OK;
    WG_TRY(wgi_edge_types(b, edge, 1, &types, &type_count, &missing));
    if (missing) return WG_OK;
    wg_plan *plan = wgi_plan(b, WG_PLAN_EXISTS, rel->plan, NULL);
    if (plan == NULL) return WG_E_NOMEM;
    wg_direction direction = WG_DIRECTION_BOTH;
    if (edge->op == WG_AST_RIGHT || edge->op == WG_AST_LEFT)
        direction = (edge->op == WG_AST_RIGHT) == (first == 0) ? WG_DIRECTION_OUT : WG_DIRECTION_IN;
    plan->slot = symbols[first]->slot;
    plan->into = symbols[1 - first] != NULL;
    plan->slot_b = plan->into ? symbols[1 - first]->slot : 0;
    plan->direction = direction;
    plan->edge_labels = types;
    plan->edge_label_count = type_count;
    plan->negated = negated;
    plan->row_estimate *= negated == plan->into ? 0.9 : 0.1;
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, NULL, 0));
    rel->plan = plan;
    *out_done = true;
    return WG_OK;
}

wg_code wgi_semi_join(wgi_binder *b, const wg_ast *test, bool negated, wgi_relation *rel) {
    bool done;
    if (test->kind == WG_AST_PATTERN_TEST) WG_TRY(wgi_all_known(b, test->child[0], rel));
    WG_TRY(test_rows(b, test, negated, rel, &done));
    if (done) return WG_OK;
    shared_values s;
    wgi_relation joined;
    WG_TRY(share_all(b, test, rel, &s));
    wgi_relation right = s.base;
    WG_TRY(subquery_rows(b, test, &right));
    WG_TRY(mark_answers(b, &s, test, &right));
    WG_TRY(wgi_join(b, WG_PLAN_OPTIONAL, rel, &right, &s.keys, &joined));
    wg_expr *mark, *condition;
    WG_TRY(wgi_slot_expr(b, joined.plan->slot_count - 1, WG_TYPE_BOOL, test, &mark));
    WG_TRY(wgi_call(b, test, negated ? "IS NULL" : "IS NOT NULL", &mark, 1, &condition));
    WG_TRY(wgi_filter(b, &joined, condition));
    *rel = joined;
    return WG_OK;
}

/* Whether a row of the subquery is one that its matches alone decide about: no other query, nothing that groups or cuts rows. */
static bool is_plain_query(const wg_ast *query) {
    if (query->child_count != 2) return false;
    const wg_ast *single = query->child[1];
    for (uint32_t i = 0; i < single->child_count; i++) {
        const wg_ast *clause = single->child[i];
        const bool whole = clause->kind == WG_AST_RETURN && clause->child[1] == NULL && clause->child[2] == NULL &&
                           !wgi_has_aggregate(clause);
        const bool match = clause->kind == WG_AST_MATCH && !wgi_is_selective(clause);
        if (!whole && !match && clause->kind != WG_AST_UNWIND) return false;
    }
    return true;
}

static bool is_test(const wg_ast *ast) {
    return ast->kind == WG_AST_PATTERN_TEST ||
           (ast->kind == WG_AST_SUBQUERY && ast->op == WG_AST_EXISTS && is_plain_query(ast->child[0]));
}

wg_code wgi_where(wgi_binder *b, const wg_ast *condition, wgi_relation *rel) {
    if (condition->kind == WG_AST_NARY && condition->op == WG_OP_AND) {
        for (uint32_t i = 0; i < condition->child_count; i++) WG_TRY(wgi_where(b, condition->child[i], rel));
        return WG_OK;
    }
    const bool joins = !rel->writes && !rel->per_row && !is_large(rel);
    if (joins && is_test(condition)) return wgi_semi_join(b, condition, false, rel);
    if (joins && condition->kind == WG_AST_UNARY && condition->op == WG_OP_NOT && is_test(condition->child[0]))
        return wgi_semi_join(b, condition->child[0], true, rel);
    const bool exists = joins && condition->kind == WG_AST_FUNCTION && wg_slice_is(condition->text, "exists") &&
                        condition->child_count == 1 && is_test(condition->child[0]);
    if (exists) return wgi_semi_join(b, condition->child[0], false, rel);
    wg_expr *e;
    WG_TRY(wgi_hoist_condition(b, rel, condition, &condition));
    WG_TRY(wgi_bind_condition(b, rel, "in WHERE", condition, &e));
    return wgi_filter(b, rel, e);
}
