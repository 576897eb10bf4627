/* query/optimize: predicates into scans, and the guesses of selectivity.
 *
 * A condition is taken apart at AND only. A part is usable when it compares a property column of the scan with something
 * that needs no row. All values are passed as expressions and evaluated when the scan opens, so that parameters work and
 * equal texts have equal plans. */
#include "query/optimize/optimize.h"

typedef struct part {
    uint32_t slot;
    wg_compare_op op;
    wg_expr *value; /* NULL: NOT_NULL */
} part;

static bool is_function(const wg_expr *e, const char *name) {
    return e->kind == WG_EXPR_CALL && strcmp(wg_function_name(e->function), name) == 0;
}

static bool compare_of(const wg_expr *e, wg_compare_op *out, wg_compare_op *out_mirrored) {
    static const struct {
        const char *name;
        wg_compare_op op, mirrored;
    } table[] = {{"=", WG_CMP_EQ, WG_CMP_EQ},
                 {"<", WG_CMP_LT, WG_CMP_GT},
                 {"<=", WG_CMP_LE, WG_CMP_GE},
                 {">", WG_CMP_GT, WG_CMP_LT},
                 {">=", WG_CMP_GE, WG_CMP_LE}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (!is_function(e, table[i].name)) continue;
        *out = table[i].op;
        *out_mirrored = table[i].mirrored;
        return true;
    }
    return false;
}

/* x + 2, x - 2, 2 + x, x * 3 with constants: how x is shifted and scaled. */
static bool linear(const wg_expr *e, const wg_expr **slot, int64_t *factor, int64_t *term) {
    if (e->kind != WG_EXPR_CALL || e->arg_count != 2 || e->type != WG_TYPE_INT) return false;
    const bool plus = is_function(e, "+"), minus = is_function(e, "-"), times = is_function(e, "*");
    const bool swapped = e->args[0]->kind == WG_EXPR_CONST && !minus;
    const wg_expr *x = e->args[swapped], *c = e->args[!swapped];
    if (!(plus || minus || times) || x->kind != WG_EXPR_SLOT || x->type != WG_TYPE_INT || c->kind != WG_EXPR_CONST ||
        c->value.type != WG_TYPE_INT)
        return false;
    const int64_t v = c->value.as.i;
    if ((times && v <= 0) || v == INT64_MIN) return false;
    *slot = x;
    *factor = times ? v : 1;
    *term = plus ? v : minus ? -v : 0;
    return true;
}

/* x * factor + term compared with a constant says something of x: at least as many values as pass the condition, which stays above
 * the scan. `out` without its value. */
static bool solve(const part *p, int64_t factor, int64_t term, int64_t right, wg_compare_op *op, int64_t *out) {
    int64_t v;
    *op = p->op;
    if (__builtin_sub_overflow(right, term, &v)) return false;
    const int64_t below = v / factor - (v % factor < 0);
    *out = below;
    if (factor == 1) return true;
    if (p->op == WG_CMP_EQ) return v % factor == 0;
    *op = p->op == WG_CMP_LT || p->op == WG_CMP_LE ? WG_CMP_LE : WG_CMP_GE;
    return p->op != WG_CMP_IN && p->op != WG_CMP_NOT_NULL;
}

/* A comparison of such a term, as computed columns make them. */
static wg_code usable_linear(wgi_binder *b, const wg_expr *e, part *out, bool *out_usable) {
    wg_compare_op op, mirrored;
    const wg_expr *slot;
    int64_t factor, term, solved;
    part p = {0};
    *out_usable = false;
    if (!compare_of(e, &op, &mirrored)) return WG_OK;
    const bool left = linear(e->args[0], &slot, &factor, &term);
    if (!left && !linear(e->args[1], &slot, &factor, &term)) return WG_OK;
    const wg_expr *other = e->args[left];
    if (other->kind != WG_EXPR_CONST || other->value.type != WG_TYPE_INT) return WG_OK;
    p.op = left ? op : mirrored;
    p.slot = slot->slot;
    if (!solve(&p, factor, term, other->value.as.i, &p.op, &solved)) return WG_OK;
    const wg_value value = wg_value_int(solved);
    WG_TRY(wgi_const_expr(b, &value, WG_TYPE_INT, NULL, &p.value));
    *out = p;
    *out_usable = true;
    return WG_OK;
}

static bool usable(const wg_expr *e, part *out) {
    wg_compare_op op, mirrored;
    if (is_function(e, "IS NOT NULL") && e->args[0]->kind == WG_EXPR_SLOT) {
        *out = (part){e->args[0]->slot, WG_CMP_NOT_NULL, NULL};
        return true;
    }
    if (is_function(e, "IN") && e->args[0]->kind == WG_EXPR_SLOT && wgi_is_constant(e->args[1])) {
        *out = (part){e->args[0]->slot, WG_CMP_IN, e->args[1]};
        return true;
    }
    if (!compare_of(e, &op, &mirrored)) return false;
    if (e->args[0]->kind == WG_EXPR_SLOT && wgi_is_constant(e->args[1])) {
        *out = (part){e->args[0]->slot, op, e->args[1]};
        return true;
    }
    if (e->args[1]->kind != WG_EXPR_SLOT || !wgi_is_constant(e->args[0])) return false;
    *out = (part){e->args[1]->slot, mirrored, e->args[0]};
    return true;
}

/* Slot of the first property that a scan reads: behind the node, or the edge and its ends. */
static uint32_t first_column(const wg_plan *scan) { return scan->scan.is_edge ? 3 : 1; }

static wg_code add_predicate(wgi_binder *b, wg_plan *scan, const part *p) {
    const uint32_t count = scan->scan.predicate_count;
    wg_scan_predicate *predicates = wgi_alloc(b, count + 1, sizeof *predicates);
    wg_expr **exprs = wgi_alloc(b, count + 1, sizeof(wg_expr *));
    wg_expr *value = p->value;
    if (predicates == NULL || exprs == NULL) return WG_E_NOMEM;
    if (value == NULL) {
        const wg_value null = wg_value_null();
        WG_TRY(wgi_const_expr(b, &null, WG_TYPE_NULL, NULL, &value));
    }
    if (count > 0) memcpy(predicates, scan->scan.predicates, count * sizeof *predicates);
    if (count > 0) memcpy(exprs, scan->scan_predicate_exprs, count * sizeof *exprs);
    predicates[count] = (wg_scan_predicate){.key = scan->scan.keys[p->slot - first_column(scan)], .op = p->op};
    exprs[count] = value;
    scan->scan.predicates = predicates;
    scan->scan_predicate_exprs = exprs;
    scan->scan.predicate_count = count + 1;
    return WG_OK;
}

static wg_code push_part(wgi_binder *b, wg_plan *plan, const wg_expr *condition) {
    part p;
    if (is_function(condition, "AND")) {
        WG_TRY(push_part(b, plan, condition->args[0]));
        return push_part(b, plan, condition->args[1]);
    }
    bool known = usable(condition, &p);
    if (!known) WG_TRY(usable_linear(b, condition, &p, &known));
    if (!known) return WG_OK;
    while (plan->op == WG_PLAN_FILTER) plan = plan->children[0];
    if (plan->op == WG_PLAN_UNION) { /* every node of the store: owned ones, then each virtual label */
        WG_TRY(push_part(b, plan->children[0], condition));
        return push_part(b, plan->children[1], condition);
    }
    if (plan->op != WG_PLAN_SCAN || p.slot < first_column(plan) ||
        p.slot >= first_column(plan) + plan->scan.key_count)
        return WG_OK;
    return add_predicate(b, plan, &p);
}

wg_code wgi_push_down(wgi_binder *b, wgi_relation *rel, const wg_expr *condition) {
    return b->optimizer_off ? WG_OK : push_part(b, rel->plan, condition);
}

double wgi_selectivity(const wg_expr *condition) {
    if (is_function(condition, "AND"))
        return wgi_selectivity(condition->args[0]) * wgi_selectivity(condition->args[1]);
    if (is_function(condition, "=")) return 0.1;
    if (is_function(condition, "IS NOT NULL") || is_function(condition, "<>")) return 0.9;
    if (condition->kind == WG_EXPR_HAS_LABELS) return 0.5;
    return 0.3;
}

double wgi_scan_rows(const wgi_binder *b, const uint32_t *labels, uint32_t count) {
    double rows = 0;
    if (count == 0) {
        const uint32_t all = wg_catalog_label_count(b->catalog);
        for (uint32_t i = 0; i < all; i++) {
            const wg_label *label = wg_catalog_label_seen(b->catalog, i, b->view);
            if (!label->def.is_edge && wg_label_is_visible(label, b->view)) rows += wgi_label_rows(b, i);
        }
        return rows;
    }
    for (uint32_t i = 0; i < count; i++) {
        const double r = wgi_label_rows(b, labels[i]);
        if (i == 0 || r < rows) rows = r;
    }
    return rows;
}
