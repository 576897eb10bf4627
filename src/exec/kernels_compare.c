/* Typed kernels of =, <>, <, <=, >, >=, STARTS WITH, ENDS WITH, CONTAINS, AND, OR, XOR, NOT, IS NULL over whole batches.
 *
 * The scalar meaning is wgi_fn_compare and its kin in functions_scalar.c; every kernel here must give the same bytes (exec_kernel_test).
 * Integer and float loops run over all rows up to the extent of the selection, the unselected included: their cells are readable and
 * their results are never read, and a plain loop is what the compiler turns into vector code. A predicate between a dictionary of
 * strings and a constant is evaluated once for each dictionary cell that occurs. */
#include "exec/exec_functions.h"

#define LOOPS(suffix, ctype)                                                                          \
    static void vv_##suffix(wgi_op_code op, const ctype *a, const ctype *b, uint8_t *o, uint32_t n) { \
        switch (op) {                                                                                 \
            LOOP_CASE(WGI_OP_EQ, a[i] == b[i])                                                        \
            LOOP_CASE(WGI_OP_NE, a[i] != b[i])                                                        \
            LOOP_CASE(WGI_OP_LT, a[i] < b[i])                                                         \
            LOOP_CASE(WGI_OP_LE, a[i] <= b[i])                                                        \
            LOOP_CASE(WGI_OP_GT, a[i] > b[i])                                                         \
            LOOP_CASE(WGI_OP_GE, a[i] >= b[i])                                                        \
            LOOP_OTHERS                                                                               \
        }                                                                                             \
    }                                                                                                 \
    static void vc_##suffix(wgi_op_code op, const ctype *a, ctype c, uint8_t *o, uint32_t n) {        \
        switch (op) {                                                                                 \
            LOOP_CASE(WGI_OP_EQ, a[i] == c)                                                           \
            LOOP_CASE(WGI_OP_NE, a[i] != c)                                                           \
            LOOP_CASE(WGI_OP_LT, a[i] < c)                                                            \
            LOOP_CASE(WGI_OP_LE, a[i] <= c)                                                           \
            LOOP_CASE(WGI_OP_GT, a[i] > c)                                                            \
            LOOP_CASE(WGI_OP_GE, a[i] >= c)                                                           \
            LOOP_OTHERS                                                                               \
        }                                                                                             \
    }
#define LOOP_CASE(name, test)                                   \
    case name:                                                  \
        for (uint32_t i = 0; i < n; i++) o[i] = (test) ? 1 : 0; \
        return;
#define LOOP_OTHERS   \
    case WGI_OP_NONE: \
    case WGI_OP_ADD:  \
    case WGI_OP_SUB:  \
    case WGI_OP_MUL:  \
    case WGI_OP_DIV:  \
    case WGI_OP_MOD:  \
    case WGI_OP_AND:  \
    case WGI_OP_OR:   \
    case WGI_OP_XOR:  \
    case WGI_OP_NOT:  \
    default:          \
        WG_UNREACHABLE("not a comparison");
LOOPS(i64, int64_t)
LOOPS(f64, double)

static wgi_op_code flip(wgi_op_code op) {
    if (op == WGI_OP_LT) return WGI_OP_GT;
    if (op == WGI_OP_LE) return WGI_OP_GE;
    if (op == WGI_OP_GT) return WGI_OP_LT;
    if (op == WGI_OP_GE) return WGI_OP_LE;
    return op;
}

bool wgi_compare_holds(wgi_op_code op, int cmp) {
    if (op == WGI_OP_EQ) return cmp == 0;
    if (op == WGI_OP_NE) return cmp != 0;
    if (op == WGI_OP_LT) return cmp < 0;
    if (op == WGI_OP_LE) return cmp <= 0;
    if (op == WGI_OP_GT) return cmp > 0;
    WG_ASSERT(op == WGI_OP_GE);
    return cmp >= 0;
}

/* An integer column against a float column or the reverse: exact, NaN is unordered. */
static void mixed_loop(wgi_op_code op, const wg_vector *a, const wg_vector *b, const wg_batch *in, uint8_t *o) {
    const bool a_int = a->type == WG_TYPE_INT;
    const wg_vector *ints = a_int ? a : b;
    const wg_vector *floats = a_int ? b : a;
    const wgi_op_code int_op = a_int ? op : flip(op);
    const int64_t *i64 = ints->data;
    const double *f64 = floats->data;
    for (uint32_t k = 0; k < in->row_count; k++) {
        const uint32_t row = wg_batch_row(in, k);
        const double f = f64[wg_vector_cell(floats, row)];
        if (f != f) o[row] = op == WGI_OP_NE ? 1 : 0;
        else o[row] = wgi_compare_holds(int_op, wg_compare_i64_f64(i64[wg_vector_cell(ints, row)], f)) ? 1 : 0;
    }
}

static bool str_holds(wgi_op_code op, wg_str a, wg_str b) {
    if (op == WGI_OP_EQ || op == WGI_OP_NE)
        return (a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0)) == (op == WGI_OP_EQ);
    return wgi_compare_holds(op, wg_slice_compare(wg_slice_of_str(a), wg_slice_of_str(b)));
}

typedef bool (*str_test)(wgi_op_code op, wg_str a, wg_str b);

/* Applies a string predicate to all selected valid rows; a dictionary against a constant remembers cells. */
static bool string_loop(wg_arena *arena, str_test test, wgi_op_code op, const wg_vector *args, const wg_batch *in,
                        uint8_t *o) {
    const wg_vector *a = &args[0];
    const wg_vector *b = &args[1];
    const wg_str *as = a->data;
    const wg_str *bs = b->data;
    const bool memo_wanted = a->kind == WG_VECTOR_DICT && b->kind == WG_VECTOR_CONST && a->dict_size <= in->row_count;
    uint8_t *memo = memo_wanted ? wg_arena_alloc_zero(arena, a->dict_size + 1u) : NULL;
    if (memo_wanted && memo == NULL) return false;
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        if (!wg_vector_is_valid(a, row) || !wg_vector_is_valid(b, row)) continue;
        const uint32_t cell = wg_vector_cell(a, row);
        if (memo == NULL) {
            o[row] = test(op, as[cell], bs[wg_vector_cell(b, row)]) ? 1 : 0;
            continue;
        }
        if (memo[cell] == 0) memo[cell] = test(op, as[cell], bs[0]) ? 2 : 1;
        o[row] = memo[cell] >> 1;
    }
    return true;
}

typedef enum pair_kind { PAIR_NONE, PAIR_I64, PAIR_F64, PAIR_MIXED, PAIR_STRING } pair_kind;

static pair_kind pair_of(wgi_op_code op, wg_type a, wg_type b) {
    if (a == WG_TYPE_STRING && b == WG_TYPE_STRING) return PAIR_STRING;
    if (a == WG_TYPE_FLOAT && b == WG_TYPE_FLOAT) return PAIR_F64;
    if ((a == WG_TYPE_INT && b == WG_TYPE_FLOAT) || (a == WG_TYPE_FLOAT && b == WG_TYPE_INT)) return PAIR_MIXED;
    if (a != b) return PAIR_NONE;
    const wg_physical physical = wg_type_physical(a);
    if (physical == WG_PHYSICAL_I64) return PAIR_I64;
    if (physical == WG_PHYSICAL_ID && (op == WGI_OP_EQ || op == WGI_OP_NE)) return PAIR_I64;
    return PAIR_NONE;
}

static void numeric_loop(pair_kind pair, wgi_op_code op, const wg_vector *a, const wg_vector *b, uint8_t *o,
                         uint32_t n) {
    if (a->kind == WG_VECTOR_CONST) {
        const wg_vector *t = a;
        a = b;
        b = t;
        op = flip(op);
    }
    if (pair == PAIR_I64 && b->kind == WG_VECTOR_CONST) vc_i64(op, a->data, *(const int64_t *)b->data, o, n);
    else if (pair == PAIR_I64) vv_i64(op, a->data, b->data, o, n);
    else if (b->kind == WG_VECTOR_CONST) vc_f64(op, a->data, *(const double *)b->data, o, n);
    else vv_f64(op, a->data, b->data, o, n);
}

static bool is_null_constant(const wg_vector *v) {
    return v->kind == WG_VECTOR_CONST && v->valid != NULL && !wg_bit_get(v->valid, 0);
}

static wg_code bool_result(wgi_call *call, const wg_vector *args, uint8_t *data, uint32_t extent, wg_vector *out,
                           bool *out_done, wg_error *err) {
    const uint8_t *valid;
    if (!wgi_valid_and(&call->eval->arena, &args[0], &args[1], extent, &valid)) return wg_error_nomem(err, extent);
    *out = (wg_vector){.type = WG_TYPE_BOOL, .kind = WG_VECTOR_FLAT, .valid = valid, .data = data};
    *out_done = true;
    return WG_OK;
}

wg_code wgi_kernel_compare(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                           wg_error *err) {
    wg_arena *arena = &call->eval->arena;
    const wgi_op_code op = call->function->op;
    const uint32_t extent = wgi_extent(in);
    if (is_null_constant(&args[0]) || is_null_constant(&args[1])) {
        *out = wgi_vector_null(WG_TYPE_BOOL);
        *out_done = true;
        return WG_OK;
    }
    const pair_kind pair = pair_of(op, args[0].type, args[1].type);
    if (pair == PAIR_NONE) return WG_OK;
    uint8_t *data = wg_arena_alloc_zero(arena, extent + 1u);
    if (data == NULL) return wg_error_nomem(err, extent);
    if (pair == PAIR_STRING) {
        if (!string_loop(arena, str_holds, op, args, in, data)) return wg_error_nomem(err, args[0].dict_size);
        return bool_result(call, args, data, extent, out, out_done, err);
    }
    wg_vector flat[2];
    if (!wgi_vector_flatten(arena, &args[0], in, &flat[0]) || !wgi_vector_flatten(arena, &args[1], in, &flat[1]))
        return wg_error_nomem(err, extent);
    if (pair == PAIR_MIXED) mixed_loop(op, &flat[0], &flat[1], in, data);
    else numeric_loop(pair, op, &flat[0], &flat[1], data, extent);
    return bool_result(call, flat, data, extent, out, out_done, err);
}

/* ---- string matching */

static bool test_starts(wgi_op_code op, wg_str a, wg_str b) {
    (void)op;
    return a.size >= b.size && (b.size == 0 || memcmp(a.data, b.data, b.size) == 0);
}

static bool test_ends(wgi_op_code op, wg_str a, wg_str b) {
    (void)op;
    return a.size >= b.size && (b.size == 0 || memcmp(a.data + (a.size - b.size), b.data, b.size) == 0);
}

static bool test_contains(wgi_op_code op, wg_str a, wg_str b) {
    (void)op;
    if (b.size == 0) return true;
    return a.size >= b.size && memmem(a.data, a.size, b.data, b.size) != NULL;
}

static str_test match_test(const wg_function *function) {
    if (function->row == wgi_fn_starts_with) return test_starts;
    if (function->row == wgi_fn_ends_with) return test_ends;
    return test_contains;
}

wg_code wgi_kernel_string_match(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out,
                                bool *out_done, wg_error *err) {
    const uint32_t extent = wgi_extent(in);
    if (args[0].type != WG_TYPE_STRING || args[1].type != WG_TYPE_STRING) return WG_OK;
    if (is_null_constant(&args[0]) || is_null_constant(&args[1])) return WG_OK;
    uint8_t *data = wg_arena_alloc_zero(&call->eval->arena, extent + 1u);
    if (data == NULL) return wg_error_nomem(err, extent);
    if (!string_loop(&call->eval->arena, match_test(call->function), WGI_OP_NONE, args, in, data))
        return wg_error_nomem(err, args[0].dict_size);
    return bool_result(call, args, data, extent, out, out_done, err);
}

static bool row_match(str_test test, const wg_value *args, wg_value *out) {
    if (args[0].type != WG_TYPE_STRING || args[1].type != WG_TYPE_STRING) {
        *out = wg_value_null(); /* openCypher: matching something else than strings is null */
        return true;
    }
    *out =
        wg_value_bool(test(WGI_OP_NONE, (wg_str){args[0].as.s, args[0].size}, (wg_str){args[1].as.s, args[1].size}));
    return true;
}

#define ROW_MATCH(name, test)                   \
    WGI_ROW_FN(name) {                          \
        (void)call, (void)arg_count, (void)err; \
        row_match(test, args, out);             \
        return WG_OK;                           \
    }
ROW_MATCH(wgi_fn_starts_with, test_starts)
ROW_MATCH(wgi_fn_ends_with, test_ends)
ROW_MATCH(wgi_fn_contains, test_contains)

/* ---- logic */

wg_code wgi_kernel_logic(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                         wg_error *err) {
    wg_arena *arena = &call->eval->arena;
    const wgi_op_code op = call->function->op;
    const uint32_t extent = wgi_extent(in);
    uint8_t *a = wg_arena_alloc_zero(arena, extent + 1u);
    uint8_t *b = wg_arena_alloc_zero(arena, extent + 1u);
    if (a == NULL || b == NULL) return wg_error_nomem(err, extent);
    WG_TRY(wgi_tri_of_vector(&args[0], in, a, call->offset, err));
    if (op != WGI_OP_NOT) WG_TRY(wgi_tri_of_vector(&args[1], in, b, call->offset, err));
    if (op == WGI_OP_AND) {
        for (uint32_t i = 0; i < extent; i++) a[i] = a[i] < b[i] ? a[i] : b[i];
    } else if (op == WGI_OP_OR) {
        for (uint32_t i = 0; i < extent; i++) a[i] = a[i] > b[i] ? a[i] : b[i];
    } else if (op == WGI_OP_NOT) {
        for (uint32_t i = 0; i < extent; i++) a[i] = (uint8_t)(2 - a[i]);
    } else {
        for (uint32_t i = 0; i < extent; i++) a[i] = ((a[i] | b[i]) & 1) != 0 ? WGI_UNKNOWN : (uint8_t)(a[i] ^ b[i]);
    }
    if (!wgi_vector_of_tri(arena, a, extent, out)) return wg_error_nomem(err, extent);
    *out_done = true;
    return WG_OK;
}

wg_code wgi_kernel_is_null(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                           wg_error *err) {
    const uint8_t when_null = call->function->row == wgi_fn_is_null ? 1 : 0;
    const uint32_t extent = wgi_extent(in);
    if (args[0].type == WG_TYPE_ANY) return WG_OK; /* a cell may hold a null itself */
    uint8_t *data = wg_arena_alloc(&call->eval->arena, extent + 1u);
    if (data == NULL) return wg_error_nomem(err, extent);
    memset(data, when_null ^ 1, extent);
    if (args[0].valid != NULL)
        for (uint32_t i = 0; i < in->row_count; i++) {
            const uint32_t row = wg_batch_row(in, i);
            if (!wg_vector_is_valid(&args[0], row)) data[row] = when_null;
        }
    *out = (wg_vector){.type = WG_TYPE_BOOL, .kind = WG_VECTOR_FLAT, .data = data};
    *out_done = true;
    return WG_OK;
}
