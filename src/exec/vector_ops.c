/* Making, flattening and gathering vectors; three-valued bytes; the row-wise builder. See exec_internal.h.
 *
 * A gathered vector shares the cells of its input and holds only codes, whatever the type: operators that multiply rows
 * (expand, unwind, join) copy four bytes a column and row. Cells under a null may hold anything, so no code here or in the kernels reads
 * a cell whose row is null through a pointer inside it. */
#include "exec/exec_internal.h"

static const uint64_t zero_cells[8];
static const uint8_t no_row_valid[8];

wg_vector wgi_vector_null(wg_type type) {
    return (wg_vector){.type = type, .kind = WG_VECTOR_CONST, .valid = no_row_valid, .data = zero_cells};
}

bool wgi_vector_const(wg_arena *arena, const wg_value *value, wg_vector *out) {
    if (value->type == WG_TYPE_NULL) {
        *out = wgi_vector_null(WG_TYPE_NULL);
        return true;
    }
    void *cell = wg_arena_alloc_zero(arena, sizeof(wg_value));
    if (cell == NULL) return false;
    wg_vector v = {.type = (wg_type)value->type, .kind = WG_VECTOR_CONST, .data = cell};
    int64_t micros;
    bool exact;
    switch (wg_type_physical(v.type)) {
        case WG_PHYSICAL_BOOL:
            *(uint8_t *)cell = value->as.b ? 1 : 0;
            break;
        case WG_PHYSICAL_I64:
            if (v.type != WG_TYPE_LOCAL_DATETIME) {
                *(int64_t *)cell = value->as.i;
            } else if (wg_micros_of_datetime(value->as.i, value->size, &micros, &exact) && exact) {
                *(int64_t *)cell = micros;
            } else {
                v.type = WG_TYPE_ANY; /* the column type keeps microseconds only */
                *(wg_value *)cell = *value;
            }
            break;
        case WG_PHYSICAL_F64:
            *(double *)cell = value->as.f;
            break;
        case WG_PHYSICAL_STR:
            *(wg_str *)cell = (wg_str){value->as.s, value->size};
            break;
        case WG_PHYSICAL_ID:
            *(uint64_t *)cell = value->as.id;
            break;
        case WG_PHYSICAL_VALUE:
            *(wg_value *)cell = *value;
            break;
    }
    *out = v;
    return true;
}

#define SPREAD(ctype)                                                        \
    do {                                                                     \
        const ctype *from = in->data;                                        \
        ctype *to = data;                                                    \
        for (uint32_t i = 0; i < batch->row_count; i++) {                    \
            const uint32_t row = wg_batch_row(batch, i);                     \
            if (wg_vector_is_valid(in, row)) to[row] = from[in->codes[row]]; \
        }                                                                    \
    } while (0)

bool wgi_vector_flatten(wg_arena *arena, const wg_vector *in, const wg_batch *batch, wg_vector *out) {
    if (in->kind != WG_VECTOR_DICT) {
        *out = *in;
        return true;
    }
    const wg_physical physical = wg_type_physical(in->type);
    const uint32_t extent = wgi_extent(batch);
    const size_t bytes = extent * wg_physical_bytes(physical);
    const bool is_word = physical == WG_PHYSICAL_I64 || physical == WG_PHYSICAL_F64 || physical == WG_PHYSICAL_ID;
    const bool whole = is_word && in->valid == NULL; /* every code up to the extent is one */
    void *data = whole ? wg_arena_alloc(arena, bytes) : wg_arena_alloc_zero(arena, bytes);
    if (data == NULL) return false;
    *out = (wg_vector){.type = in->type, .kind = WG_VECTOR_FLAT, .valid = in->valid, .data = data};
    if (whole) {
        wg_kernels_best()->gather_codes_u64(in->data, in->codes, extent, data);
        return true;
    }
    switch (physical) {
        case WG_PHYSICAL_BOOL:
            SPREAD(uint8_t);
            break;
        case WG_PHYSICAL_I64:
        case WG_PHYSICAL_F64:
        case WG_PHYSICAL_ID:
            SPREAD(uint64_t);
            break;
        case WG_PHYSICAL_STR:
            SPREAD(wg_str);
            break;
        case WG_PHYSICAL_VALUE:
            SPREAD(wg_value);
            break;
    }
    return true;
}
#undef SPREAD

bool wgi_vector_gather(wg_arena *arena, const wg_vector *in, const uint32_t *rows, uint32_t n, wg_vector *out) {
    if (in->kind == WG_VECTOR_CONST) {
        *out = *in;
        return true;
    }
    wg_vector v = *in;
    if (in->valid != NULL) {
        uint8_t *valid = wg_arena_alloc_zero(arena, wg_bit_bytes(n) + 8);
        if (valid == NULL) return false;
        for (uint32_t i = 0; i < n; i++)
            if (wg_bit_get(in->valid, rows[i])) wg_bit_set(valid, i);
        v.valid = valid;
    }
    uint32_t *codes = wg_arena_alloc(arena, (size_t)n * sizeof *codes + 1);
    if (codes == NULL) return false;
    uint32_t highest = 0;
    for (uint32_t i = 0; i < n; i++) {
        codes[i] = in->kind == WG_VECTOR_DICT ? in->codes[rows[i]] : rows[i];
        if (codes[i] > highest) highest = codes[i];
    }
    v.codes = codes;
    v.dict_size = in->kind == WG_VECTOR_DICT ? in->dict_size : highest + 1;
    v.kind = WG_VECTOR_DICT;
    *out = v;
    return true;
}

bool wgi_valid_and(wg_arena *arena, const wg_vector *a, const wg_vector *b, uint32_t extent, const uint8_t **out) {
    /* A CONST operand that is null makes the caller return a null constant before it asks. */
    const uint8_t *av = a->kind == WG_VECTOR_CONST ? NULL : a->valid;
    const uint8_t *bv = b->kind == WG_VECTOR_CONST ? NULL : b->valid;
    if (av == NULL || bv == NULL) {
        *out = av != NULL ? av : bv;
        return true;
    }
    const size_t bytes = wg_bit_bytes(extent);
    uint8_t *valid = wg_arena_alloc(arena, bytes + 8);
    if (valid == NULL) return false;
    for (size_t i = 0; i < bytes; i++) valid[i] = av[i] & bv[i];
    *out = valid;
    return true;
}

bool wgi_vector_id(const wg_vector *v, uint32_t row, wg_type type, uint64_t *out) {
    if (!wg_vector_is_valid(v, row)) return false;
    const uint32_t cell = wg_vector_cell(v, row);
    if (v->type == type) {
        *out = ((const uint64_t *)v->data)[cell];
        return true;
    }
    if (wg_type_physical(v->type) != WG_PHYSICAL_VALUE) return false;
    const wg_value *value = &((const wg_value *)v->data)[cell];
    if ((wg_type)value->type != type) return false;
    *out = value->as.id;
    return true;
}

/* ---- three-valued bytes */

wg_code wgi_tri_of_vector(const wg_vector *v, const wg_batch *batch, uint8_t *tri, uint64_t offset, wg_error *err) {
    if (v->type == WG_TYPE_BOOL && v->kind == WG_VECTOR_FLAT && v->valid == NULL && batch->sel == NULL) {
        const uint8_t *data = v->data;
        for (uint32_t i = 0; i < batch->row_count; i++) tri[i] = (uint8_t)(data[i] << 1);
        return WG_OK;
    }
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        if (v->type == WG_TYPE_BOOL) {
            const bool valid = wg_vector_is_valid(v, row);
            tri[row] = (uint8_t)(valid ? ((const uint8_t *)v->data)[wg_vector_cell(v, row)] << 1 : WGI_UNKNOWN);
            continue;
        }
        const wg_value value = wg_vector_value(v, row);
        if (value.type != WG_TYPE_NULL && value.type != WG_TYPE_BOOL)
            return wg_error_set(err, WG_E_TYPE, offset, "a condition must be BOOL, not %s",
                                wg_type_name((wg_type)value.type));
        tri[row] = value.type == WG_TYPE_NULL ? WGI_UNKNOWN : value.as.b ? WGI_TRUE : WGI_FALSE;
    }
    return WG_OK;
}

bool wgi_vector_of_tri(wg_arena *arena, const uint8_t *tri, uint32_t extent, wg_vector *out) {
    uint8_t *data = wg_arena_alloc(arena, extent + 1u);
    if (data == NULL) return false;
    uint8_t any_unknown = 0;
    for (uint32_t i = 0; i < extent; i++) {
        data[i] = tri[i] >> 1;
        any_unknown |= tri[i] & 1;
    }
    *out = (wg_vector){.type = WG_TYPE_BOOL, .kind = WG_VECTOR_FLAT, .data = data};
    if (any_unknown == 0) return true;
    uint8_t *valid = wg_arena_alloc_zero(arena, wg_bit_bytes(extent) + 8);
    if (valid == NULL) return false;
    for (uint32_t i = 0; i < extent; i++) valid[i >> 3] = (uint8_t)(valid[i >> 3] | ((tri[i] & 1u) ^ 1u) << (i & 7));
    out->valid = valid;
    return true;
}

/* ---- builder */

bool wgi_builder_init(wgi_builder *b, wg_arena *arena, wg_type type, uint32_t extent) {
    const size_t bytes = extent * wg_physical_bytes(wg_type_physical(type));
    b->data = wg_arena_alloc_zero(arena, bytes + 1);
    b->valid = wg_arena_alloc(arena, wg_bit_bytes(extent) + 8);
    if (b->data == NULL || b->valid == NULL) return false;
    memset(b->valid, 0xff, wg_bit_bytes(extent) + 8);
    b->vector = (wg_vector){.type = type, .kind = WG_VECTOR_FLAT, .data = b->data};
    return true;
}

static wg_code builder_mismatch(const wgi_builder *b, const wg_value *v, uint64_t offset, wg_error *err) {
    return wg_error_set(err, WG_E_TYPE, offset, "the expression has type %s, but this row gives %s",
                        wg_type_name(b->vector.type), wg_type_name((wg_type)v->type));
}

wg_code wgi_builder_set(wgi_builder *b, uint32_t row, const wg_value *v, uint64_t offset, wg_error *err) {
    if (v->type == WG_TYPE_NULL) {
        wg_bit_clear(b->valid, row);
        b->vector.valid = b->valid;
        return WG_OK;
    }
    const wg_type type = b->vector.type;
    const wg_physical physical = wg_type_physical(type);
    if (physical == WG_PHYSICAL_VALUE) {
        if (type != WG_TYPE_ANY && type != (wg_type)v->type) return builder_mismatch(b, v, offset, err);
        ((wg_value *)(void *)b->data)[row] = *v;
        return WG_OK;
    }
    if (physical == WG_PHYSICAL_F64 && v->type == WG_TYPE_INT) {
        ((double *)(void *)b->data)[row] = (double)v->as.i;
        return WG_OK;
    }
    if ((wg_type)v->type != type) return builder_mismatch(b, v, offset, err);
    int64_t i = v->as.i;
    bool exact;
    if (type == WG_TYPE_LOCAL_DATETIME && !(wg_micros_of_datetime(v->as.i, v->size, &i, &exact) && exact))
        return wg_error_set(err, WG_E_VALUE, offset, "a LOCAL DATETIME column keeps whole microseconds");
    if (physical == WG_PHYSICAL_BOOL) b->data[row] = v->as.b ? 1 : 0;
    else if (physical == WG_PHYSICAL_STR) ((wg_str *)(void *)b->data)[row] = (wg_str){v->as.s, v->size};
    else memcpy(b->data + (size_t)row * 8, &i, 8); /* INT and its like, FLOAT bits and ids share the eight bytes */
    return WG_OK;
}
