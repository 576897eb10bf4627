/* tests/reference: operators on values. Integers overflow into an error, division of integers cuts towards zero. */
#include <math.h>

#include "base/text/text.h"
#include "tests/reference/reference.h"

static bool is_null(const wg_value *v) { return v->type == WG_TYPE_NULL; }
static bool is_number(const wg_value *v) { return v->type == WG_TYPE_INT || v->type == WG_TYPE_FLOAT; }
static double number(const wg_value *v) { return v->type == WG_TYPE_INT ? (double)v->as.i : v->as.f; }

_Noreturn static void wrong(ref_ctx *ctx, const char *what, const wg_value *a, const wg_value *b) {
    ref_fail(ctx, WG_E_TYPE, "%s of %s and %s", what, wg_type_name((wg_type)a->type), wg_type_name((wg_type)b->type));
}

static wg_value join(ref_ctx *ctx, wg_slice a, wg_slice b) {
    uint8_t *text = ref_alloc(ctx->arena, a.size + b.size, 1);
    if (a.size > 0) memcpy(text, a.data, a.size);
    if (b.size > 0) memcpy(text + a.size, b.data, b.size);
    return ref_string(wg_slice_of(text, a.size + b.size));
}

static wg_value join_lists(ref_ctx *ctx, const wg_value *a, const wg_value *b) {
    const wg_value x = a->type == WG_TYPE_LIST ? *a : ref_list(a, 1),
                   y = b->type == WG_TYPE_LIST ? *b : ref_list(b, 1);
    wg_value *items = ref_alloc(ctx->arena, (size_t)x.size + y.size, sizeof *items);
    for (uint32_t i = 0; i < x.size; i++) items[i] = x.as.list[i];
    for (uint32_t i = 0; i < y.size; i++) items[x.size + i] = y.as.list[i];
    return ref_list(items, (size_t)x.size + y.size);
}

static wg_value integers(ref_ctx *ctx, wg_ast_op op, int64_t a, int64_t b) {
    int64_t r = 0;
    bool over = false;
    if (op == WG_OP_ADD) over = __builtin_add_overflow(a, b, &r);
    else if (op == WG_OP_SUBTRACT) over = __builtin_sub_overflow(a, b, &r);
    else if (op == WG_OP_MULTIPLY) over = __builtin_mul_overflow(a, b, &r);
    else if (b == 0) ref_fail(ctx, WG_E_VALUE, "division by zero");
    else if (a == INT64_MIN && b == -1) over = op == WG_OP_DIVIDE;
    else r = op == WG_OP_DIVIDE ? a / b : a % b;
    if (over) ref_fail(ctx, WG_E_VALUE, "integer overflow");
    return ref_int(r);
}

/* Text is joined with text and with numbers. */
static wg_slice text_of(ref_ctx *ctx, const wg_value *v, const wg_value *other, char room[32]) {
    if (v->type == WG_TYPE_STRING) return ref_slice(v);
    if (!is_number(v)) wrong(ctx, "+", v, other);
    return wg_slice_of(room, v->type == WG_TYPE_INT ? wg_format_i64(v->as.i, room) : wg_format_f64(v->as.f, room));
}

static wg_value arithmetic(ref_ctx *ctx, wg_ast_op op, const wg_value *a, const wg_value *b) {
    if (op == WG_OP_ADD && (a->type == WG_TYPE_LIST || b->type == WG_TYPE_LIST)) {
        if (is_null(a) || is_null(b)) return ref_null();
        return join_lists(ctx, a, b);
    }
    const bool text = a->type == WG_TYPE_STRING || b->type == WG_TYPE_STRING;
    if (is_null(a) || is_null(b)) return ref_null();
    if (op == WG_OP_ADD && text) {
        char x[32], y[32];
        return join(ctx, text_of(ctx, a, b, x), text_of(ctx, b, a, y));
    }
    if (ref_is_temporal(a) || ref_is_temporal(b)) return ref_temporal_arithmetic(ctx, op, a, b);
    if (!is_number(a) || !is_number(b)) wrong(ctx, wg_ast_op_name(op), a, b);
    if (op != WG_OP_POWER && a->type == WG_TYPE_INT && b->type == WG_TYPE_INT)
        return integers(ctx, op, a->as.i, b->as.i);
    const double x = number(a), y = number(b);
    if (op == WG_OP_ADD) return ref_float(x + y);
    if (op == WG_OP_SUBTRACT) return ref_float(x - y);
    if (op == WG_OP_MULTIPLY) return ref_float(x * y);
    if (op == WG_OP_DIVIDE) return ref_float(x / y);
    return ref_float(op == WG_OP_MODULO ? fmod(x, y) : pow(x, y));
}

static wg_value in(ref_ctx *ctx, const wg_value *a, const wg_value *b) {
    if (is_null(b)) return ref_null();
    if (b->type != WG_TYPE_LIST) wrong(ctx, "IN", a, b);
    int result = 0;
    for (uint32_t i = 0; i < b->size; i++) {
        const int e = ref_equal(a, &b->as.list[i]);
        if (e == 1) return ref_bool(1);
        if (e < 0) result = -1;
    }
    return ref_bool(result);
}

/* Of values that are no strings: null. */
static wg_value match_text(wg_ast_op op, const wg_value *a, const wg_value *b) {
    if (a->type != WG_TYPE_STRING || b->type != WG_TYPE_STRING) return ref_null();
    const wg_slice s = ref_slice(a), t = ref_slice(b);
    bool found = false;
    for (size_t i = 0; i + t.size <= s.size; i++) {
        if (op == WG_OP_STARTS_WITH && i > 0) break;
        if (op == WG_OP_ENDS_WITH && i + t.size != s.size) continue;
        found |= wg_slice_equal(wg_slice_of(s.data + i, t.size), t);
    }
    return ref_bool(found);
}

wg_value ref_binary(ref_ctx *ctx, wg_ast_op op, const wg_value *a, const wg_value *b) {
    if (op >= WG_OP_EQ && op <= WG_OP_GE) return ref_bool(ref_compare(op, a, b));
    if (op == WG_OP_IN) return in(ctx, a, b);
    if (op == WG_OP_STARTS_WITH || op == WG_OP_ENDS_WITH || op == WG_OP_CONTAINS) return match_text(op, a, b);
    if (op >= WG_OP_ADD && op <= WG_OP_POWER) return arithmetic(ctx, op, a, b);
    ref_fail(ctx, WG_E_UNSUPPORTED, "the operator %s", wg_ast_op_name(op));
}

wg_value ref_unary(ref_ctx *ctx, wg_ast_op op, const wg_value *a) {
    if (op == WG_OP_IS_NULL) return ref_bool(is_null(a));
    if (op == WG_OP_IS_NOT_NULL) return ref_bool(!is_null(a));
    if (is_null(a)) return *a;
    if (op == WG_OP_NOT) {
        if (a->type != WG_TYPE_BOOL) wrong(ctx, "NOT", a, a);
        return ref_bool(!a->as.b);
    }
    if (!is_number(a)) wrong(ctx, "a sign", a, a);
    if (op == WG_OP_PLUS) return *a;
    return a->type == WG_TYPE_INT ? integers(ctx, WG_OP_SUBTRACT, 0, a->as.i) : ref_float(-a->as.f);
}

wg_value ref_index(ref_ctx *ctx, const wg_value *base, const wg_value *index) {
    if (is_null(base) || is_null(index)) return ref_null();
    if (base->type == WG_TYPE_LIST) {
        if (index->type != WG_TYPE_INT) wrong(ctx, "an element", base, index);
        const int64_t i = index->as.i < 0 ? index->as.i + base->size : index->as.i;
        return i < 0 || i >= base->size ? ref_null() : base->as.list[i];
    }
    if (base->type != WG_TYPE_MAP && base->type != WG_TYPE_NODE && base->type != WG_TYPE_EDGE)
        wrong(ctx, "an element", base, index);
    if (index->type != WG_TYPE_STRING) wrong(ctx, "an element", base, index);
    return ref_property(ctx, base, ref_slice(index));
}

static int64_t clip(int64_t i, uint32_t size) {
    if (i < 0) i += size;
    return i < 0 ? 0 : i > size ? size : i;
}

wg_value ref_slice_of(ref_ctx *ctx, const wg_value *base, const wg_value *from, const wg_value *to) {
    if (is_null(base) || is_null(from) || is_null(to)) return ref_null();
    if (base->type != WG_TYPE_LIST || from->type != WG_TYPE_INT || to->type != WG_TYPE_INT)
        wrong(ctx, "a part", base, from);
    const int64_t a = clip(from->as.i, base->size), b = clip(to->as.i, base->size);
    return a >= b ? ref_list(NULL, 0) : ref_list(base->as.list + a, (size_t)(b - a));
}
