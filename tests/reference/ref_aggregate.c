/* tests/reference: aggregates. The values of the group are collected, nulls and with DISTINCT repetitions left out, and looked at. */
#include <math.h>
#include <stdlib.h>

#include "tests/reference/reference.h"

static const char *const names[] = {
    "count", "sum", "avg", "min", "max", "collect", "stdev", "stdevp", "percentiledisc", "percentilecont"};

bool ref_is_aggregate(const wg_ast *e) {
    if (e->kind == WG_AST_COUNT_STAR) return true;
    for (size_t i = 0; e->kind == WG_AST_FUNCTION && i < sizeof names / sizeof names[0]; i++)
        if (wg_slice_is(e->text, names[i])) return true;
    return false;
}

bool ref_has_aggregate(const wg_ast *e) {
    if (e == NULL || e->kind == WG_AST_SUBQUERY) return false;
    if (ref_is_aggregate(e)) return true;
    for (uint32_t i = 0; i < e->child_count; i++)
        if (ref_has_aggregate(e->child[i])) return true;
    return false;
}

static void keep(wg_value *items, size_t *count, wg_value v, bool distinct) {
    if (v.type == WG_TYPE_NULL) return;
    for (size_t i = 0; distinct && i < *count; i++)
        if (ref_same(&items[i], &v)) return;
    items[(*count)++] = v;
}

static double number(ref_ctx *ctx, const wg_value *v) {
    if (v->type == WG_TYPE_INT) return (double)v->as.i;
    if (v->type != WG_TYPE_FLOAT) ref_fail(ctx, WG_E_TYPE, "an aggregate needs numbers");
    return v->as.f;
}

static wg_value sum(ref_ctx *ctx, const wg_value *items, size_t count) {
    int64_t whole = 0;
    double f = 0;
    bool is_float = false, over = false;
    if (count > 0 && items[0].type == WG_TYPE_DURATION) {
        wg_value total = items[0];
        for (size_t i = 1; i < count; i++) total = ref_binary(ctx, WG_OP_ADD, &total, &items[i]);
        return total;
    }
    for (size_t i = 0; i < count; i++) {
        f += number(ctx, &items[i]);
        if (items[i].type == WG_TYPE_FLOAT) is_float = true;
        else over |= __builtin_add_overflow(whole, items[i].as.i, &whole);
    }
    if (is_float) return ref_float(f);
    if (over) ref_fail(ctx, WG_E_VALUE, "integer overflow");
    return ref_int(whole);
}

static wg_value deviation(ref_ctx *ctx, const wg_value *items, size_t count, bool sample) {
    double mean = 0, squares = 0;
    if (count < (sample ? 2 : 1)) return ref_float(0);
    for (size_t i = 0; i < count; i++) mean += number(ctx, &items[i]);
    mean /= (double)count;
    for (size_t i = 0; i < count; i++) squares += (number(ctx, &items[i]) - mean) * (number(ctx, &items[i]) - mean);
    return ref_float(sqrt(squares / (double)(sample ? count - 1 : count)));
}

static int compare(const void *a, const void *b) { return ref_order(a, b); }

static wg_value percentile(ref_ctx *ctx, wg_value *items, size_t count, const wg_value *at, bool discrete) {
    const double p = number(ctx, at);
    if (!(p >= 0 && p <= 1)) ref_fail(ctx, WG_E_VALUE, "a percentile is between 0.0 and 1.0");
    if (count == 0) return ref_null();
    for (size_t i = 0; i < count; i++) (void)number(ctx, &items[i]);
    qsort(items, count, sizeof *items, compare);
    if (discrete) {
        const size_t rank = (size_t)ceil(p * (double)count);
        return items[rank > 0 ? rank - 1 : 0];
    }
    const double place = p * (double)(count - 1), below = floor(place);
    const size_t i = (size_t)below;
    const double x = number(ctx, &items[i]);
    if (i + 1 >= count) return ref_float(x);
    return ref_float(x + (number(ctx, &items[i + 1]) - x) * (place - below));
}

static wg_value extreme(const wg_value *items, size_t count, int sign) {
    wg_value best = ref_null();
    for (size_t i = 0; i < count; i++)
        if (i == 0 || ref_order(&items[i], &best) * sign > 0) best = items[i];
    return best;
}

static wg_value finish(ref_ctx *ctx, const wg_ast *e, wg_value *items, size_t count, const wg_value *second) {
    if (wg_slice_is(e->text, "count")) return ref_int((int64_t)count);
    if (wg_slice_is(e->text, "collect")) return ref_list(items, count);
    if (wg_slice_is(e->text, "min")) return extreme(items, count, -1);
    if (wg_slice_is(e->text, "max")) return extreme(items, count, 1);
    if (wg_slice_is(e->text, "sum")) return sum(ctx, items, count);
    if (wg_slice_is(e->text, "stdev")) return deviation(ctx, items, count, true);
    if (wg_slice_is(e->text, "stdevp")) return deviation(ctx, items, count, false);
    if (wg_slice_is(e->text, "percentiledisc")) return percentile(ctx, items, count, second, true);
    if (wg_slice_is(e->text, "percentilecont")) return percentile(ctx, items, count, second, false);
    if (count == 0) return ref_null();
    double total = 0;
    for (size_t i = 0; i < count; i++) total += number(ctx, &items[i]);
    return ref_float(total / (double)count);
}

wg_value ref_aggregate(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    if (!env->grouped) ref_fail(ctx, WG_E_BIND, "an aggregate has no place here");
    if (e->kind == WG_AST_COUNT_STAR) return ref_int((int64_t)env->group_count);
    const size_t wanted = wg_slice_is(e->text, "percentiledisc") || wg_slice_is(e->text, "percentilecont") ? 2 : 1;
    if (e->child_count != wanted) ref_fail(ctx, WG_E_BIND, "wrong number of arguments");
    wg_value *items = ref_alloc(ctx->arena, env->group_count, sizeof *items);
    wg_value second = ref_null();
    size_t count = 0;
    if (wanted == 2) second = ref_eval(ctx, e->child[1], env);
    for (size_t i = 0; i < env->group_count; i++) {
        const ref_env one = {.row = env->group[i]};
        keep(items, &count, ref_eval(ctx, e->child[0], &one), (e->flags & WG_AST_DISTINCT) != 0);
    }
    return finish(ctx, e, items, count, &second);
}
