/* Row functions over single values: comparison, three-valued logic, numbers, conversions.
 *
 * These are the meaning of the language; the kernels are their fast forms. A strict function never sees a null. */
#include <math.h>

#include "base/text/text.h"
#include "exec/exec_functions.h"

static bool is_number(const wg_value *v) { return v->type == WG_TYPE_INT || v->type == WG_TYPE_FLOAT; }

static wg_code wrong_type(const wgi_call *call, const wg_value *v, wg_error *err) {
    return wg_error_set(err, WG_E_TYPE, call->offset, "%s cannot take a value of type %s", call->function->name,
                        wg_type_name((wg_type)v->type));
}

/* ---- comparison */

static bool is_nan(const wg_value *v) { return v->type == WG_TYPE_FLOAT && v->as.f != v->as.f; }

static int compare_lists(const wg_value *a, const wg_value *b, int *out_cmp) {
    const uint32_t n = a->size < b->size ? a->size : b->size;
    for (uint32_t i = 0; i < n; i++) {
        const int equal =
            wg_value_equal(&a->as.list[i], &b->as.list[i]); /* maps and nodes are equal without an order */
        if (equal == 1) continue;
        return equal < 0 ? -1 : wgi_compare_values(&a->as.list[i], &b->as.list[i], out_cmp);
    }
    *out_cmp = a->size < b->size ? -1 : a->size > b->size ? 1 : 0;
    return 1;
}

int wgi_compare_values(const wg_value *a, const wg_value *b, int *out_cmp) {
    if (a->type == WG_TYPE_NULL || b->type == WG_TYPE_NULL) return -1;
    if (is_number(a) && is_number(b)) {
        if (is_nan(a) || is_nan(b)) return 0;
    } else if (a->type != b->type) {
        return -1;
    } else if (a->type == WG_TYPE_LIST) {
        return compare_lists(a, b, out_cmp);
    } else if (a->type == WG_TYPE_MAP || a->type == WG_TYPE_NODE || a->type == WG_TYPE_EDGE ||
               a->type == WG_TYPE_PATH || a->type == WG_TYPE_DURATION || a->type == WG_TYPE_POINT) {
        return -1; /* these have no order */
    }
    *out_cmp = wg_value_order(a, b);
    return 1;
}

WGI_ROW_FN(wgi_fn_compare) {
    (void)arg_count;
    (void)err;
    const wgi_op_code op = call->function->op;
    if (op == WGI_OP_EQ || op == WGI_OP_NE) {
        const int equal = wg_value_equal(&args[0], &args[1]);
        *out = equal < 0 ? wg_value_null() : wg_value_bool((equal == 1) == (op == WGI_OP_EQ));
        return WG_OK;
    }
    int cmp = 0;
    const int known = wgi_compare_values(&args[0], &args[1], &cmp);
    if (known < 0) *out = wg_value_null();
    else *out = wg_value_bool(known == 1 && wgi_compare_holds(op, cmp));
    return WG_OK;
}

/* ---- logic */

WGI_ROW_FN(wgi_fn_logic) {
    const wgi_op_code op = call->function->op;
    int tri[2] = {WGI_FALSE, WGI_FALSE};
    for (uint32_t i = 0; i < arg_count; i++) {
        if (args[i].type != WG_TYPE_NULL && args[i].type != WG_TYPE_BOOL) return wrong_type(call, &args[i], err);
        tri[i] = args[i].type == WG_TYPE_NULL ? WGI_UNKNOWN : args[i].as.b ? WGI_TRUE : WGI_FALSE;
    }
    int r = 2 - tri[0];
    if (op == WGI_OP_AND) r = tri[0] < tri[1] ? tri[0] : tri[1];
    if (op == WGI_OP_OR) r = tri[0] > tri[1] ? tri[0] : tri[1];
    if (op == WGI_OP_XOR) r = tri[0] == WGI_UNKNOWN || tri[1] == WGI_UNKNOWN ? WGI_UNKNOWN : tri[0] ^ tri[1];
    *out = r == WGI_UNKNOWN ? wg_value_null() : wg_value_bool(r == WGI_TRUE);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_is_null) {
    (void)call, (void)arg_count, (void)err;
    *out = wg_value_bool(args[0].type == WG_TYPE_NULL);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_is_not_null) {
    (void)call, (void)arg_count, (void)err;
    *out = wg_value_bool(args[0].type != WG_TYPE_NULL);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_coalesce) {
    (void)call, (void)err;
    *out = wg_value_null();
    for (uint32_t i = 0; i < arg_count && out->type == WG_TYPE_NULL; i++) *out = args[i];
    return WG_OK;
}

/* ---- numbers */

static double as_float(const wg_value *v) { return v->type == WG_TYPE_INT ? (double)v->as.i : v->as.f; }

WGI_ROW_FN(wgi_fn_math) {
    (void)arg_count;
    if (!is_number(&args[0])) return wrong_type(call, &args[0], err);
    *out = wg_value_float(call->function->math(as_float(&args[0])));
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_atan2) {
    (void)arg_count;
    if (!is_number(&args[0])) return wrong_type(call, &args[0], err);
    if (!is_number(&args[1])) return wrong_type(call, &args[1], err);
    *out = wg_value_float(atan2(as_float(&args[0]), as_float(&args[1])));
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_pi) {
    (void)call, (void)args, (void)arg_count, (void)err;
    *out = wg_value_float(3.14159265358979323846);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_e) {
    (void)call, (void)args, (void)arg_count, (void)err;
    *out = wg_value_float(2.71828182845904523536);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_abs) {
    (void)arg_count;
    if (!is_number(&args[0])) return wrong_type(call, &args[0], err);
    if (args[0].type == WG_TYPE_FLOAT) {
        *out = wg_value_float(fabs(args[0].as.f));
        return WG_OK;
    }
    if (args[0].as.i == INT64_MIN)
        return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, call->offset, "integer overflow in abs"),
                               WG_S_NUMERIC_RANGE);
    *out = wg_value_int(args[0].as.i < 0 ? -args[0].as.i : args[0].as.i);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_sign) {
    (void)arg_count;
    if (!is_number(&args[0])) return wrong_type(call, &args[0], err);
    if (is_nan(&args[0])) {
        *out = wg_value_null();
        return WG_OK;
    }
    const wg_value zero = wg_value_int(0);
    const int cmp = wg_value_order(&args[0], &zero);
    *out = wg_value_int(cmp < 0 ? -1 : cmp > 0 ? 1 : 0);
    return WG_OK;
}

/* ---- conversions */

/* Truncates towards zero. 2^63 is exact as a double, so the bounds are too. */
static wg_code integer_of_float(const wgi_call *call, double f, wg_value *out, wg_error *err) {
    if (!(f >= -9223372036854775808.0 && f < 9223372036854775808.0))
        return wg_error_refine(
            err, wg_error_set(err, WG_E_VALUE, call->offset, "toInteger: the number is outside the range of INT"),
            WG_S_NUMERIC_RANGE);
    *out = wg_value_int((int64_t)f);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_to_integer) {
    (void)arg_count;
    const wg_value *v = &args[0];
    int64_t i;
    double f;
    *out = wg_value_null();
    if (v->type == WG_TYPE_INT) *out = *v;
    if (v->type == WG_TYPE_BOOL) *out = wg_value_int(v->as.b ? 1 : 0);
    if (v->type == WG_TYPE_FLOAT) return integer_of_float(call, v->as.f, out, err);
    if (v->type == WG_TYPE_STRING) {
        if (wg_parse_i64(wg_value_slice(v), &i)) *out = wg_value_int(i);
        else if (wg_parse_f64(wg_value_slice(v), &f) && f == f && fabs(f) < 9223372036854775808.0)
            return integer_of_float(call, f, out, err);
        return WG_OK;
    }
    return out->type == WG_TYPE_NULL ? wrong_type(call, v, err) : WG_OK;
}

WGI_ROW_FN(wgi_fn_to_float) {
    (void)arg_count;
    const wg_value *v = &args[0];
    double f;
    *out = wg_value_null();
    if (v->type == WG_TYPE_STRING) {
        if (wg_parse_f64(wg_value_slice(v), &f)) *out = wg_value_float(f);
        return WG_OK;
    }
    if (!is_number(v)) return wrong_type(call, v, err);
    *out = wg_value_float(as_float(v));
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_to_boolean) {
    (void)arg_count;
    const wg_value *v = &args[0];
    *out = wg_value_null();
    if (v->type == WG_TYPE_BOOL) *out = *v;
    if (v->type == WG_TYPE_INT) *out = wg_value_bool(v->as.i != 0);
    if (v->type != WG_TYPE_STRING) return out->type == WG_TYPE_NULL ? wrong_type(call, v, err) : WG_OK;
    static const char *const words[] = {"false", "true"};
    for (uint32_t w = 0; w < 2; w++) {
        bool same = strlen(words[w]) == v->size;
        for (uint32_t i = 0; same && i < v->size; i++) same = (v->as.s[i] | 0x20) == words[w][i];
        if (same) *out = wg_value_bool(w == 1);
    }
    return WG_OK;
}

static wg_code text_value(wgi_call *call, const void *text, size_t size, wg_value *out, wg_error *err) {
    void *copy = wg_arena_copy(&call->eval->arena, text, size);
    if (copy == NULL) return wg_error_nomem(err, size);
    *out = wg_value_str(wg_slice_of(copy, size));
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_to_string) {
    (void)arg_count;
    const wg_value *v = &args[0];
    char text[WG_DATETIME_TEXT_MAX];
    switch ((wg_type)v->type) {
        case WG_TYPE_STRING:
            *out = *v;
            return WG_OK;
        case WG_TYPE_BOOL:
            return text_value(call, v->as.b ? "true" : "false", v->as.b ? 4 : 5, out, err);
        case WG_TYPE_INT:
            return text_value(call, text, wg_format_i64(v->as.i, text), out, err);
        case WG_TYPE_FLOAT:
            return text_value(call, text, wg_format_f64(v->as.f, text), out, err);
        case WG_TYPE_DATE:
            return text_value(call, text, wg_format_date(v->as.i, text), out, err);
        case WG_TYPE_LOCAL_TIME:
            return text_value(call, text, wg_format_local_time(v->as.i, text), out, err);
        case WG_TYPE_TIME:
            return text_value(call, text, wg_format_time(v->as.i, (int32_t)v->size, text), out, err);
        case WG_TYPE_LOCAL_DATETIME:
            return text_value(call, text, wg_format_local_datetime(v->as.i, v->size, text), out, err);
        case WG_TYPE_DATETIME:
            return text_value(call, text, wg_value_format_datetime(v, text), out, err);
        case WG_TYPE_DURATION:
            return text_value(call, text,
                              wg_format_duration(v->as.list[0].as.i, v->as.list[1].as.i, v->as.list[2].as.i,
                                                 v->as.list[3].as.i, text),
                              out, err);
        case WG_TYPE_POINT:
            return wgi_point_text(call, v, out, err);
        case WG_TYPE_NULL:
        case WG_TYPE_BYTES:
        case WG_TYPE_LIST:
        case WG_TYPE_MAP:
        case WG_TYPE_NODE:
        case WG_TYPE_EDGE:
        case WG_TYPE_PATH:
        case WG_TYPE_ANY:
            break;
    }
    return wrong_type(call, v, err);
}
