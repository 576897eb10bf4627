/* Pruning: a predicate and a range [min, max] of a column's values; true when no value inside can satisfy it. Nulls satisfy no
 * predicate, so they need no place in the range. Values of types that do not compare prune nothing: the filter decides. */
#include "engine/engine_internal.h"

static bool comparable(const wg_value *a, const wg_value *b) {
    const bool a_number = a->type == WG_TYPE_INT || a->type == WG_TYPE_FLOAT;
    const bool b_number = b->type == WG_TYPE_INT || b->type == WG_TYPE_FLOAT;
    if (a_number && b_number) {
        const bool nan =
            (a->type == WG_TYPE_FLOAT && a->as.f != a->as.f) || (b->type == WG_TYPE_FLOAT && b->as.f != b->as.f);
        return !nan;
    }
    switch ((wg_type)a->type) {
        case WG_TYPE_BOOL:
        case WG_TYPE_STRING:
        case WG_TYPE_BYTES:
        case WG_TYPE_DATE:
        case WG_TYPE_LOCAL_DATETIME:
            return a->type == b->type;
        case WG_TYPE_NULL:
        case WG_TYPE_INT:
        case WG_TYPE_FLOAT:
        case WG_TYPE_LOCAL_TIME:
        case WG_TYPE_TIME:
        case WG_TYPE_DATETIME:
        case WG_TYPE_DURATION:
        case WG_TYPE_POINT:
        case WG_TYPE_LIST:
        case WG_TYPE_MAP:
        case WG_TYPE_NODE:
        case WG_TYPE_EDGE:
        case WG_TYPE_PATH:
        case WG_TYPE_ANY:
            return false;
    }
    return false;
}

static bool outside(const wg_value *v, const wg_value *min, const wg_value *max) {
    if (!comparable(v, min) || !comparable(v, max)) return false;
    return wg_value_order(v, min) < 0 || wg_value_order(v, max) > 0;
}

static bool prune_in(const wg_value *list, const wg_value *min, const wg_value *max) {
    if (list->type != WG_TYPE_LIST) return false;
    for (uint32_t i = 0; i < list->size; i++) {
        const wg_value *v = &list->as.list[i];
        if (v->type != WG_TYPE_NULL && !outside(v, min, max)) return false;
    }
    return true;
}

bool wgi_prune_range(const wg_scan_predicate *predicate, const wg_value *min, const wg_value *max) {
    const wg_value *v = &predicate->value;
    switch (predicate->op) {
        case WG_CMP_NOT_NULL:
            return false;
        case WG_CMP_IN:
            return prune_in(v, min, max);
        case WG_CMP_EQ:
            return outside(v, min, max);
        case WG_CMP_LT:
            return comparable(v, min) && wg_value_order(min, v) >= 0;
        case WG_CMP_LE:
            return comparable(v, min) && wg_value_order(min, v) > 0;
        case WG_CMP_GT:
            return comparable(v, max) && wg_value_order(max, v) <= 0;
        case WG_CMP_GE:
            return comparable(v, max) && wg_value_order(max, v) < 0;
    }
    return false;
}
