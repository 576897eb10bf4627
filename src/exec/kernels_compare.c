/* Typed kernels of =, <>, <, <=, >, >=, STARTS WITH, ENDS WITH, CONTAINS, AND, OR, XOR, NOT, IS NULL over whole batches.
 *
 * The scalar meaning is wgi_fn_compare and its kin in functions_scalar.c; every kernel here must give the same bytes (exec_kernel_test).
 * Integers and floats go through the kernels of the run, over all rows up to the extent of the selection, the unselected included: their
 * cells are readable and their results are never read. A predicate between a dictionary of strings and a constant is evaluated once an
 * entry and mapped by codes. A comparison of an integer with a float is one of floats, or of integers, where the constant allows that. */
#include "exec/exec_functions.h"

static wg_kernel_compare kernel_op(wgi_op_code op) {
    if (op == WGI_OP_EQ) return WG_KERNEL_EQ;
    if (op == WGI_OP_NE) return WG_KERNEL_NE;
    if (op == WGI_OP_LT) return WG_KERNEL_LT;
    if (op == WGI_OP_LE) return WG_KERNEL_LE;
    if (op == WGI_OP_GT) return WG_KERNEL_GT;
    WG_ASSERT(op == WGI_OP_GE);
    return WG_KERNEL_GE;
}

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

static void str_loop(str_test test, wgi_op_code op, const wg_vector *args, const wg_batch *in, uint8_t *o) {
    const wg_vector *a = &args[0];
    const wg_vector *b = &args[1];
    const wg_str *as = a->data;
    const wg_str *bs = b->data;
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        if (!wg_vector_is_valid(a, row) || !wg_vector_is_valid(b, row)) continue;
        o[row] = test(op, as[wg_vector_cell(a, row)], bs[wg_vector_cell(b, row)]) ? 1 : 0;
    }
}

/* The predicate of every entry, then codes: where the dictionary is not larger than the batch. Codes under a null are never used. */
static bool str_by_code(const wgi_call *call, str_test test, const wg_vector *args, const wg_batch *in, uint8_t *o) {
    const wg_vector *a = &args[0];
    const wg_str *entries = a->data;
    uint8_t *table = wg_arena_alloc(&call->eval->arena, a->dict_size + 1u);
    if (table == NULL) return false;
    for (uint32_t i = 0; i < a->dict_size; i++)
        table[i] = test(call->function->op, entries[i], *(const wg_str *)args[1].data) ? 1 : 0;
    if (a->valid == NULL) {
        wgi_kernels(call->eval->context)->mask_of_codes(table, a->codes, wgi_extent(in), o);
        return true;
    }
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        if (wg_bit_get(a->valid, row)) o[row] = table[a->codes[row]];
    }
    return true;
}

static bool test_starts(wgi_op_code op, wg_str a, wg_str b);

/* Equality and prefix over all rows at once; only where every row counts, for cells of others may be anything. */
static bool str_whole(const wgi_call *call, str_test test, const wg_vector *args, const wg_batch *in, uint8_t *o) {
    const wg_vector *a = &args[0];
    const wg_kernels *k = wgi_kernels(call->eval->context);
    const wgi_op_code op = call->function->op;
    const bool is_equality = test == str_holds && (op == WGI_OP_EQ || op == WGI_OP_NE);
    if (a->kind != WG_VECTOR_FLAT || a->valid != NULL || in->sel != NULL) return false;
    if (!is_equality && test != test_starts) return false;
    const wg_str needle = *(const wg_str *)args[1].data;
    if (!is_equality) k->str_prefix(a->data, in->row_count, needle.data, needle.size, o);
    else k->str_equal(a->data, in->row_count, needle.data, needle.size, o);
    for (uint32_t i = 0; i < in->row_count && op == WGI_OP_NE; i++) o[i] ^= 1;
    return true;
}

/* Applies a string predicate to all selected valid rows. False: out of memory. */
static bool string_loop(const wgi_call *call, str_test test, const wg_vector *args, const wg_batch *in, uint8_t *o) {
    const bool constant = args[1].kind == WG_VECTOR_CONST;
    if (constant && args[0].kind == WG_VECTOR_DICT && args[0].dict_size <= in->row_count)
        return str_by_code(call, test, args, in, o);
    if (!constant || !str_whole(call, test, args, in, o)) str_loop(test, call->function->op, args, in, o);
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

static void numeric_loop(const wg_kernels *k, pair_kind pair, wgi_op_code op, const wg_vector flat[2], uint32_t n,
                         uint8_t *o) {
    const bool swap = flat[0].kind == WG_VECTOR_CONST;
    const wg_vector *a = &flat[swap ? 1 : 0];
    const wg_vector *b = &flat[swap ? 0 : 1];
    const wg_kernel_compare kop = kernel_op(swap ? flip(op) : op);
    const bool constant = b->kind == WG_VECTOR_CONST;
    if (pair == PAIR_I64 && constant) k->compare_i64(kop, a->data, *(const int64_t *)b->data, n, o);
    else if (pair == PAIR_I64) k->compare_i64_pairs(kop, a->data, b->data, n, o);
    else if (constant) k->compare_f64(kop, a->data, *(const double *)b->data, n, o);
    else k->compare_f64_pairs(kop, a->data, b->data, n, o);
}

/* A float column against an integer that is a double, or an integer column against a float that is an integer: as one type. */
static bool mixed_constant(const wg_kernels *k, wgi_op_code op, const wg_vector flat[2], uint32_t n, uint8_t *o) {
    const bool swap = flat[0].kind == WG_VECTOR_CONST;
    const wg_vector *a = &flat[swap ? 1 : 0];
    const wg_vector *b = &flat[swap ? 0 : 1];
    const wg_kernel_compare kop = kernel_op(swap ? flip(op) : op);
    if (b->kind != WG_VECTOR_CONST) return false;
    if (b->type == WG_TYPE_INT) {
        const int64_t c = *(const int64_t *)b->data;
        if (c > INT64_C(1) << 53 || c < -(INT64_C(1) << 53)) return false;
        k->compare_f64(kop, a->data, (double)c, n, o);
        return true;
    }
    const double c = *(const double *)b->data;
    if (!(c >= -0x1p62 && c <= 0x1p62) || (double)(int64_t)c != c) return false;
    k->compare_i64(kop, a->data, (int64_t)c, n, o);
    return true;
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
        if (!string_loop(call, str_holds, args, in, data)) return wg_error_nomem(err, args[0].dict_size);
        return bool_result(call, args, data, extent, out, out_done, err);
    }
    wg_vector flat[2];
    if (!wgi_vector_flatten(arena, &args[0], in, &flat[0]) || !wgi_vector_flatten(arena, &args[1], in, &flat[1]))
        return wg_error_nomem(err, extent);
    const wg_kernels *k = wgi_kernels(call->eval->context);
    if (pair != PAIR_MIXED) numeric_loop(k, pair, op, flat, extent, data);
    else if (!mixed_constant(k, op, flat, extent, data)) mixed_loop(op, &flat[0], &flat[1], in, data);
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
    if (!string_loop(call, match_test(call->function), args, in, data)) return wg_error_nomem(err, args[0].dict_size);
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

static bool is_plain_bool(const wg_vector *v) {
    return v->type == WG_TYPE_BOOL && v->kind == WG_VECTOR_FLAT && v->valid == NULL;
}

wg_code wgi_kernel_logic(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                         wg_error *err) {
    wg_arena *arena = &call->eval->arena;
    const wgi_op_code op = call->function->op;
    const uint32_t extent = wgi_extent(in);
    uint8_t *a = wg_arena_alloc_zero(arena, extent + 1u);
    uint8_t *b = wg_arena_alloc_zero(arena, extent + 1u);
    if (a == NULL || b == NULL) return wg_error_nomem(err, extent);
    if ((op == WGI_OP_AND || op == WGI_OP_OR) && is_plain_bool(&args[0]) && is_plain_bool(&args[1])) {
        memcpy(a, args[0].data, extent);
        if (op == WGI_OP_AND) wgi_kernels(call->eval->context)->mask_and(a, args[1].data, extent);
        else wgi_kernels(call->eval->context)->mask_or(a, args[1].data, extent);
        *out = (wg_vector){.type = WG_TYPE_BOOL, .kind = WG_VECTOR_FLAT, .data = a};
        *out_done = true;
        return WG_OK;
    }
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
    const bool constant = args[0].kind == WG_VECTOR_CONST;
    const bool all_null = constant && args[0].valid != NULL && !wg_bit_get(args[0].valid, 0);
    memset(data, all_null ? 0 : 1, extent); /* 1: present */
    if (!constant && args[0].valid != NULL)
        wgi_kernels(call->eval->context)->mask_and_bits(data, args[0].valid, 0, extent);
    for (uint32_t i = 0; i < extent && when_null != 0; i++) data[i] ^= 1;
    *out = (wg_vector){.type = WG_TYPE_BOOL, .kind = WG_VECTOR_FLAT, .data = data};
    *out_done = true;
    return WG_OK;
}
