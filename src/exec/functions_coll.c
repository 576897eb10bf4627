/* Row functions coll.*: lists sorted, searched, cut and flattened. Values are ordered as ORDER BY orders them and equal as DISTINCT sees them. */
#include <stdlib.h>

#include "exec/exec_functions.h"

static wg_code wrong_type(const wgi_call *call, const wg_value *v, wg_error *err) {
    return wg_error_set(err, WG_E_TYPE, call->offset, "%s cannot take a value of type %s", call->function->name,
                        wg_type_name((wg_type)v->type));
}

static wg_value *copy_items(wgi_call *call, const wg_value *list, uint32_t more) {
    wg_value *items = wg_arena_alloc(&call->eval->arena, ((size_t)list->size + more + 1) * sizeof *items);
    if (items != NULL && list->size != 0) memcpy(items, list->as.list, list->size * sizeof *items);
    return items;
}

static void give_list(const wg_value *items, uint32_t count, wg_value *out) {
    *out = (wg_value){.type = WG_TYPE_LIST, .size = count};
    out->as.list = items;
}

/* Equal values may differ (1 and 1.0): those stay in the order of the list. */
typedef struct placed {
    wg_value value;
    uint32_t place;
} placed;

static int compare_placed(const void *a, const void *b) {
    const placed *x = a, *y = b;
    const int order = wg_value_order(&x->value, &y->value);
    if (order != 0) return order;
    return x->place < y->place ? -1 : 1;
}

static placed *sorted(wgi_call *call, const wg_value *list) {
    placed *items = wg_arena_alloc(&call->eval->arena, ((size_t)list->size + 1) * sizeof *items);
    if (items == NULL) return NULL;
    for (uint32_t i = 0; i < list->size; i++) items[i] = (placed){list->as.list[i], i};
    qsort(items, list->size, sizeof *items, compare_placed);
    return items;
}

WGI_ROW_FN(wgi_fn_coll_sort) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    const placed *order = sorted(call, &args[0]);
    wg_value *items = copy_items(call, &args[0], 0);
    if (order == NULL || items == NULL) return wg_error_nomem(err, args[0].size * sizeof *order);
    for (uint32_t i = 0; i < args[0].size; i++) items[i] = order[i].value;
    give_list(items, args[0].size, out);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_coll_distinct) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    const placed *order = sorted(call, &args[0]);
    wg_value *items = copy_items(call, &args[0], 0);
    uint8_t *again = wg_arena_alloc_zero(&call->eval->arena, args[0].size + 1u);
    if (order == NULL || items == NULL || again == NULL) return wg_error_nomem(err, args[0].size * sizeof *order);
    for (uint32_t i = 1; i < args[0].size; i++)
        again[order[i].place] = wg_value_equivalent(&order[i].value, &order[i - 1].value);
    uint32_t n = 0;
    for (uint32_t i = 0; i < args[0].size; i++)
        if (again[i] == 0) items[n++] = args[0].as.list[i];
    give_list(items, n, out);
    return WG_OK;
}

/* coll.min and coll.max: nulls are left out. */
WGI_ROW_FN(wgi_fn_coll_best) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    const int wanted = strcmp(call->function->name, "coll.min") == 0 ? -1 : 1;
    *out = wg_value_null();
    for (uint32_t i = 0; i < args[0].size; i++) {
        const wg_value *v = &args[0].as.list[i];
        if (v->type == WG_TYPE_NULL) continue;
        if (out->type == WG_TYPE_NULL || wg_value_order(v, out) * wanted > 0) *out = *v;
    }
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_coll_index_of) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    *out = wg_value_int(-1);
    for (uint32_t i = 0; i < args[0].size; i++) {
        if (wg_value_equal(&args[0].as.list[i], &args[1]) != 1) continue;
        *out = wg_value_int(i);
        return WG_OK;
    }
    return WG_OK;
}

static wg_code take_index(const wgi_call *call, const wg_value *v, uint32_t most, uint32_t *out, wg_error *err) {
    if (v->type != WG_TYPE_INT) return wrong_type(call, v, err);
    if (v->as.i < 0 || v->as.i > (int64_t)most)
        return wg_error_set(err, WG_E_VALUE, call->offset, "%s: index %lld is not within 0 and %u",
                            call->function->name, (long long)v->as.i, most);
    *out = (uint32_t)v->as.i;
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_coll_insert) {
    (void)arg_count;
    uint32_t at;
    if (args[0].type == WG_TYPE_NULL || args[1].type == WG_TYPE_NULL) { /* but null may be put in */
        *out = wg_value_null();
        return WG_OK;
    }
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    WG_TRY(take_index(call, &args[1], args[0].size, &at, err));
    if (args[0].size == UINT32_MAX)
        return wg_error_set(err, WG_E_LIMIT, call->offset, "a list of more than 2^32 elements");
    wg_value *items = copy_items(call, &args[0], 1);
    if (items == NULL) return wg_error_nomem(err, args[0].size * sizeof *items);
    memmove(items + at + 1, items + at, (args[0].size - at) * sizeof *items);
    items[at] = args[2];
    give_list(items, args[0].size + 1, out);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_coll_remove) {
    (void)arg_count;
    uint32_t at;
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    if (args[0].size == 0) return wg_error_set(err, WG_E_VALUE, call->offset, "coll.remove: the list is empty");
    WG_TRY(take_index(call, &args[1], args[0].size - 1, &at, err));
    wg_value *items = copy_items(call, &args[0], 0);
    if (items == NULL) return wg_error_nomem(err, args[0].size * sizeof *items);
    memmove(items + at, items + at + 1, (args[0].size - at - 1) * sizeof *items);
    give_list(items, args[0].size - 1, out);
    return WG_OK;
}

/* ---- flattening */

static uint64_t count_flat(const wg_value *list, int64_t depth) {
    uint64_t n = 0;
    for (uint32_t i = 0; i < list->size; i++)
        n += depth > 0 && list->as.list[i].type == WG_TYPE_LIST ? count_flat(&list->as.list[i], depth - 1) : 1;
    return n;
}

static void put_flat(const wg_value *list, int64_t depth, wg_value **to) {
    for (uint32_t i = 0; i < list->size; i++) {
        if (depth > 0 && list->as.list[i].type == WG_TYPE_LIST) put_flat(&list->as.list[i], depth - 1, to);
        else *(*to)++ = list->as.list[i];
    }
}

WGI_ROW_FN(wgi_fn_coll_flatten) {
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    if (arg_count == 2 && args[1].type != WG_TYPE_INT) return wrong_type(call, &args[1], err);
    if (arg_count == 2 && args[1].as.i < 0)
        return wg_error_set(err, WG_E_VALUE, call->offset, "coll.flatten: the depth must not be negative");
    int64_t depth = arg_count == 2 ? args[1].as.i : 1;
    if (depth > WG_VALUE_DEPTH_MAX) depth = WG_VALUE_DEPTH_MAX; /* of recursion; deeper lists are rare and stay */
    const uint64_t n = count_flat(&args[0], depth);
    if (n > UINT32_MAX) return wg_error_set(err, WG_E_LIMIT, call->offset, "a list of more than 2^32 elements");
    wg_value *items = wg_arena_alloc(&call->eval->arena, n * sizeof *items + 1);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    wg_value *to = items;
    put_flat(&args[0], depth, &to);
    give_list(items, (uint32_t)n, out);
    return WG_OK;
}
