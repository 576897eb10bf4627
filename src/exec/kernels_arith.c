/* Typed kernels of +, -, *, /, % over INT and FLOAT batches, and the row functions with the complete meaning.
 *
 * INT results are checked: the loops note whether any row overflowed, the unselected and null rows included, and only then look for
 * a selected, present row that really did. Division and remainder by an INT zero are errors; FLOAT follows IEEE 754. The
 * remainder has the sign of the dividend. + also joins strings and lists. */
#include <math.h>

#include "exec/temporal.h"

static wg_code overflow(const wgi_call *call, wg_error *err) {
    return wg_error_refine(
        err, wg_error_set(err, WG_E_VALUE, call->offset, "integer overflow in %s", call->function->name),
        WG_S_NUMERIC_RANGE);
}

static wg_code int_op(const wgi_call *call, int64_t a, int64_t b, int64_t *out, wg_error *err) {
    const wgi_op_code op = call->function->op;
    int64_t r = 0;
    bool over = false;
    if (op == WGI_OP_ADD) over = __builtin_add_overflow(a, b, &r);
    if (op == WGI_OP_SUB) over = __builtin_sub_overflow(a, b, &r);
    if (op == WGI_OP_MUL) over = __builtin_mul_overflow(a, b, &r);
    if (op == WGI_OP_DIV || op == WGI_OP_MOD) {
        if (b == 0)
            return wg_error_refine(
                err, wg_error_set(err, WG_E_VALUE, call->offset, "division by zero in %s", call->function->name),
                WG_S_DIVISION_BY_ZERO);
        if (b == -1) {
            over = op == WGI_OP_DIV && a == INT64_MIN;
            r = over || op == WGI_OP_MOD ? 0 : -a;
        } else {
            r = op == WGI_OP_DIV ? a / b : a % b;
        }
    }
    if (over) return overflow(call, err);
    *out = r;
    return WG_OK;
}

static double float_op(wgi_op_code op, double a, double b) {
    if (op == WGI_OP_ADD) return a + b;
    if (op == WGI_OP_SUB) return a - b;
    if (op == WGI_OP_MUL) return a * b;
    if (op == WGI_OP_DIV) return a / b;
    WG_ASSERT(op == WGI_OP_MOD);
    return fmod(a, b);
}

/* ---- whole batches */

/* Cells of both operands; a constant has step 0. */
typedef struct int_operands {
    const int64_t *a;
    const int64_t *b;
    uint32_t a_step;
    uint32_t b_step;
} int_operands;

typedef struct float_operands {
    const double *a;
    const double *b;
    uint32_t a_step;
    uint32_t b_step;
} float_operands;

#define INT_LOOP(builtin) \
    for (uint32_t i = 0; i < n; i++) over |= builtin(v->a[i * v->a_step], v->b[i * v->b_step], &o[i])

static bool int_loop(wgi_op_code op, const int_operands *v, int64_t *o, uint32_t n) {
    bool over = false;
    if (op == WGI_OP_ADD) INT_LOOP(__builtin_add_overflow);
    else if (op == WGI_OP_SUB) INT_LOOP(__builtin_sub_overflow);
    else INT_LOOP(__builtin_mul_overflow);
    return over;
}
#undef INT_LOOP

#define FLOAT_LOOP(sign) \
    for (uint32_t i = 0; i < n; i++) o[i] = v->a[i * v->a_step] sign v->b[i * v->b_step]

static void float_loop(wgi_op_code op, const float_operands *v, double *o, uint32_t n) {
    if (op == WGI_OP_ADD) FLOAT_LOOP(+);
    else if (op == WGI_OP_SUB) FLOAT_LOOP(-);
    else if (op == WGI_OP_MUL) FLOAT_LOOP(*);
    else if (op == WGI_OP_DIV) FLOAT_LOOP(/);
    else
        for (uint32_t i = 0; i < n; i++) o[i] = fmod(v->a[i * v->a_step], v->b[i * v->b_step]);
}
#undef FLOAT_LOOP

static uint32_t step_of(const wg_vector *v) { return v->kind == WG_VECTOR_CONST ? 0 : 1; }

static wg_code arith_int(wgi_call *call, const wg_vector *v, const uint8_t *valid, const wg_batch *in, int64_t *o,
                         wg_error *err) {
    const wgi_op_code op = call->function->op;
    const int_operands cells = {v[0].data, v[1].data, step_of(&v[0]), step_of(&v[1])};
    const bool checked = op == WGI_OP_DIV || op == WGI_OP_MOD;
    if (!checked && !int_loop(op, &cells, o, wgi_extent(in))) return WG_OK;
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        if (valid != NULL && !wg_bit_get(valid, row)) continue;
        WG_TRY(int_op(call, cells.a[row * cells.a_step], cells.b[row * cells.b_step], &o[row], err));
    }
    return WG_OK;
}

/* INT cells as FLOAT cells. */
static bool widen(wg_arena *arena, wg_vector *v, uint32_t extent) {
    if (v->type == WG_TYPE_FLOAT) return true;
    const uint32_t n = v->kind == WG_VECTOR_CONST ? 1 : extent;
    double *data = wg_arena_alloc(arena, n * sizeof *data);
    if (data == NULL) return false;
    for (uint32_t i = 0; i < n; i++) data[i] = (double)((const int64_t *)v->data)[i];
    v->type = WG_TYPE_FLOAT;
    v->data = data;
    return true;
}

static bool is_number(wg_type type) { return type == WG_TYPE_INT || type == WG_TYPE_FLOAT; }

wg_code wgi_kernel_arith(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                         wg_error *err) {
    wg_arena *arena = &call->eval->arena;
    const uint32_t extent = wgi_extent(in);
    if (!is_number(args[0].type) || !is_number(args[1].type)) return WG_OK;
    for (int k = 0; k < 2; k++)
        if (args[k].kind == WG_VECTOR_CONST && !wg_vector_is_valid(&args[k], 0)) return WG_OK;
    wg_vector v[2];
    const uint8_t *valid;
    int64_t *data = wg_arena_alloc_zero(arena, extent * sizeof *data + 1);
    if (data == NULL || !wgi_vector_flatten(arena, &args[0], in, &v[0]) ||
        !wgi_vector_flatten(arena, &args[1], in, &v[1]) || !wgi_valid_and(arena, &v[0], &v[1], extent, &valid))
        return wg_error_nomem(err, extent * sizeof *data);
    const bool is_int = v[0].type == WG_TYPE_INT && v[1].type == WG_TYPE_INT;
    if (is_int) {
        WG_TRY(arith_int(call, v, valid, in, data, err));
    } else {
        if (!widen(arena, &v[0], extent) || !widen(arena, &v[1], extent)) return wg_error_nomem(err, extent * 8);
        const float_operands cells = {v[0].data, v[1].data, step_of(&v[0]), step_of(&v[1])};
        float_loop(call->function->op, &cells, (double *)(void *)data, extent);
    }
    *out = (wg_vector){.type = is_int ? WG_TYPE_INT : WG_TYPE_FLOAT, .valid = valid, .data = data};
    *out_done = true;
    return WG_OK;
}

/* ---- single rows */

static double as_float(const wg_value *v) { return v->type == WG_TYPE_INT ? (double)v->as.i : v->as.f; }

static wg_code join_strings(wgi_call *call, const wg_value *args, wg_value *out, wg_error *err) {
    const size_t size = (size_t)args[0].size + args[1].size;
    if (size > UINT32_MAX) return wg_error_set(err, WG_E_LIMIT, call->offset, "a string longer than 4 GiB");
    char *text = wg_arena_alloc(&call->eval->arena, size + 1);
    if (text == NULL) return wg_error_nomem(err, size);
    if (args[0].size != 0) memcpy(text, args[0].as.s, args[0].size);
    if (args[1].size != 0) memcpy(text + args[0].size, args[1].as.s, args[1].size);
    *out = wg_value_str(wg_slice_of(text, size));
    return WG_OK;
}

static wg_code join_lists(wgi_call *call, const wg_value *args, wg_value *out, wg_error *err) {
    const wg_value *parts[2];
    size_t sizes[2];
    for (int k = 0; k < 2; k++) {
        const bool is_list = args[k].type == WG_TYPE_LIST;
        parts[k] = is_list ? args[k].as.list : &args[k];
        sizes[k] = is_list ? args[k].size : 1;
    }
    const size_t n = sizes[0] + sizes[1];
    if (n > UINT32_MAX) return wg_error_set(err, WG_E_LIMIT, call->offset, "a list of more than 2^32 elements");
    wg_value *items = wg_arena_alloc(&call->eval->arena, n * sizeof *items + 1);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    if (sizes[0] != 0) memcpy(items, parts[0], sizes[0] * sizeof *items);
    if (sizes[1] != 0) memcpy(items + sizes[0], parts[1], sizes[1] * sizeof *items);
    *out = (wg_value){.type = WG_TYPE_LIST, .size = (uint32_t)n};
    out->as.list = items;
    return WG_OK;
}

/* Text and a number: the number as toString() gives it. */
static wg_code join_texts(wgi_call *call, const wg_value *args, wg_value *out, wg_error *err) {
    wg_value parts[2];
    for (int k = 0; k < 2; k++) WG_TRY(wgi_fn_to_string(call, &args[k], 1, &parts[k], err));
    return join_strings(call, parts, out, err);
}

wg_code wgi_fn_arith(wgi_call *call, const wg_value *args, uint32_t arg_count, wg_value *out, wg_error *err) {
    (void)arg_count;
    const wgi_op_code op = call->function->op;
    const wg_type a = (wg_type)args[0].type;
    const wg_type b = (wg_type)args[1].type;
    if (a == WG_TYPE_INT && b == WG_TYPE_INT) {
        int64_t r;
        WG_TRY(int_op(call, args[0].as.i, args[1].as.i, &r, err));
        *out = wg_value_int(r);
        return WG_OK;
    }
    if (is_number(a) && is_number(b)) {
        *out = wg_value_float(float_op(op, as_float(&args[0]), as_float(&args[1])));
        return WG_OK;
    }
    if (op == WGI_OP_ADD && a == WG_TYPE_STRING && b == WG_TYPE_STRING) return join_strings(call, args, out, err);
    if (op == WGI_OP_ADD && ((a == WG_TYPE_STRING && is_number(b)) || (is_number(a) && b == WG_TYPE_STRING)))
        return join_texts(call, args, out, err);
    if (op == WGI_OP_ADD && (a == WG_TYPE_LIST || b == WG_TYPE_LIST)) return join_lists(call, args, out, err);
    if ((a >= WG_TYPE_DATE && a <= WG_TYPE_DURATION) || (b >= WG_TYPE_DATE && b <= WG_TYPE_DURATION))
        return wgi_temporal_arith(call, args, out, err);
    return wg_error_set(err, WG_E_TYPE, call->offset, "cannot compute %s %s %s", wg_type_name(a),
                        call->function->name, wg_type_name(b));
}

/* ||: strings with strings, lists with lists. */
wg_code wgi_fn_concat(wgi_call *call, const wg_value *args, uint32_t arg_count, wg_value *out, wg_error *err) {
    (void)arg_count;
    if (args[0].type == WG_TYPE_STRING && args[1].type == WG_TYPE_STRING) return join_strings(call, args, out, err);
    if (args[0].type == WG_TYPE_LIST && args[1].type == WG_TYPE_LIST) return join_lists(call, args, out, err);
    return wg_error_set(err, WG_E_TYPE, call->offset, "|| joins two strings or two lists, not %s and %s",
                        wg_type_name((wg_type)args[0].type), wg_type_name((wg_type)args[1].type));
}

wg_code wgi_fn_pow(wgi_call *call, const wg_value *args, uint32_t arg_count, wg_value *out, wg_error *err) {
    (void)arg_count;
    for (int k = 0; k < 2; k++)
        if (!is_number((wg_type)args[k].type))
            return wg_error_set(err, WG_E_TYPE, call->offset, "^ takes numbers, not a value of type %s",
                                wg_type_name((wg_type)args[k].type));
    *out = wg_value_float(pow(as_float(&args[0]), as_float(&args[1])));
    return WG_OK;
}

wg_code wgi_fn_neg(wgi_call *call, const wg_value *args, uint32_t arg_count, wg_value *out, wg_error *err) {
    (void)arg_count;
    if (args[0].type == WG_TYPE_FLOAT) {
        *out = wg_value_float(-args[0].as.f);
        return WG_OK;
    }
    if (args[0].type != WG_TYPE_INT)
        return wg_error_set(err, WG_E_TYPE, call->offset, "- takes a number, not a value of type %s",
                            wg_type_name((wg_type)args[0].type));
    if (args[0].as.i == INT64_MIN) return overflow(call, err);
    *out = wg_value_int(-args[0].as.i);
    return WG_OK;
}

wg_code wgi_fn_pos(wgi_call *call, const wg_value *args, uint32_t arg_count, wg_value *out, wg_error *err) {
    (void)arg_count;
    if (!is_number((wg_type)args[0].type))
        return wg_error_set(err, WG_E_TYPE, call->offset, "+ takes a number, not a value of type %s",
                            wg_type_name((wg_type)args[0].type));
    *out = args[0];
    return WG_OK;
}
