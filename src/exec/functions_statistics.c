/* Percentiles and standard deviations over a list of numbers: percentileDisc(), percentileCont(), stDev(), stDevP(). As aggregates they are
 * these functions of the collected values of a group. Sums are exact and rounded once, so the order of the values does not matter. */
#include <math.h>
#include <stdlib.h>

#include "exec/exec_functions.h"

static int compare(const void *a, const void *b) { return wg_value_order(a, b); }

/* The numbers of the list in order; nulls are left out. */
static wg_code sorted_numbers(const wgi_call *call, const wg_value *list, wg_value **out, uint32_t *out_count,
                              wg_error *err) {
    if (list->type != WG_TYPE_LIST)
        return wg_error_set(err, WG_E_TYPE, call->offset, "%s() takes a LIST of numbers, not %s",
                            call->function->name, wg_type_name((wg_type)list->type));
    wg_value *items = wg_arena_alloc(&call->eval->arena, ((size_t)list->size + 1) * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, list->size * sizeof *items);
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->size; i++) {
        const wg_value *v = &list->as.list[i];
        if (v->type == WG_TYPE_NULL) continue;
        if (v->type != WG_TYPE_INT && v->type != WG_TYPE_FLOAT)
            return wg_error_set(err, WG_E_TYPE, call->offset, "%s() takes numbers, not a value of type %s",
                                call->function->name, wg_type_name((wg_type)v->type));
        items[n++] = *v;
    }
    qsort(items, n, sizeof *items, compare);
    *out = items;
    *out_count = n;
    return WG_OK;
}

static double as_float(const wg_value *v) { return v->type == WG_TYPE_INT ? (double)v->as.i : v->as.f; }

WGI_ROW_FN(wgi_fn_percentile) {
    (void)arg_count;
    wg_value *items;
    uint32_t n;
    if (args[1].type != WG_TYPE_INT && args[1].type != WG_TYPE_FLOAT)
        return wg_error_set(err, WG_E_TYPE, call->offset, "a percentile is a number, not a value of type %s",
                            wg_type_name((wg_type)args[1].type));
    const double p = as_float(&args[1]);
    if (!(p >= 0 && p <= 1))
        return wg_error_set(err, WG_E_VALUE, call->offset, "a percentile must be within 0.0 and 1.0");
    WG_TRY(sorted_numbers(call, &args[0], &items, &n, err));
    *out = wg_value_null();
    if (n == 0) return WG_OK;
    if (strcmp(call->function->name, "percentileDisc") == 0) {
        const double rank = ceil(p * n);
        *out = items[rank < 1 ? 0 : (uint32_t)rank - 1];
        return WG_OK;
    }
    const double at = p * (n - 1);
    const uint32_t low = (uint32_t)at;
    const double first = as_float(&items[low]);
    const double second = low + 1 < n ? as_float(&items[low + 1]) : first;
    *out = wg_value_float(first + (second - first) * (at - low));
    return WG_OK;
}

static wg_code spread(const wgi_call *call, const wg_value *items, uint32_t n, double *out_mean, double *out_squares,
                      wg_error *err) {
    wg_account *account = call->eval->context->account;
    wgi_float_sum sum = {0}, squares = {0};
    bool ok = true;
    for (uint32_t i = 0; i < n && ok; i++) ok = wgi_float_sum_add(&sum, as_float(&items[i]), account);
    *out_mean = wgi_float_sum_mean(&sum, n);
    for (uint32_t i = 0; i < n && ok; i++) {
        const double d = as_float(&items[i]) - *out_mean;
        ok = wgi_float_sum_add(&squares, d * d, account);
    }
    *out_squares = wgi_float_sum_value(&squares);
    wgi_float_sum_deinit(&sum);
    wgi_float_sum_deinit(&squares);
    return ok ? WG_OK : wg_error_nomem(err, 544);
}

WGI_ROW_FN(wgi_fn_deviation) {
    (void)arg_count;
    wg_value *items;
    uint32_t n;
    double mean, squares;
    const bool population = strcmp(call->function->name, "stDevP") == 0;
    WG_TRY(sorted_numbers(call, &args[0], &items, &n, err));
    *out = wg_value_float(0);
    if (n < 2) return WG_OK;
    WG_TRY(spread(call, items, n, &mean, &squares, err));
    *out = wg_value_float(sqrt(squares / (double)(population ? n : n - 1)));
    return WG_OK;
}
