/* States of typed aggregates: an array a state over the groups of a table, updated a batch at a time.
 *
 * Every state is a function of the multiset of the values alone: counts; integer sums in 128 bits; exact float sums; minima and maxima of a
 * total order. So a group may be filled by several workers in any order and merged in any order. Nulls are left out. */
#include "exec/aggregate_internal.h"

/* ---- dense cells */

static bool expand_valid(wg_arena *arena, const wg_vector *v, const wg_batch *batch, const uint8_t **out) {
    *out = NULL;
    if (v->valid == NULL) return true;
    uint8_t *valid = wg_arena_alloc(arena, batch->row_count + 1);
    if (valid == NULL) return false;
    bool all = true;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        valid[i] = wg_vector_is_valid(v, wg_batch_row(batch, i)) ? 1 : 0;
        all &= valid[i] != 0;
    }
    if (!all) *out = valid;
    return true;
}

bool wgi_dense_valid(wg_arena *arena, const wg_vector *v, const wg_batch *batch, const uint8_t **out) {
    if (v->type != WG_TYPE_NULL && wg_type_physical(v->type) != WG_PHYSICAL_VALUE)
        return expand_valid(arena, v, batch, out);
    uint8_t *valid = wg_arena_alloc(arena, batch->row_count + 1);
    if (valid == NULL) return false;
    for (uint32_t i = 0; i < batch->row_count; i++)
        valid[i] = wg_vector_value(v, wg_batch_row(batch, i)).type != WG_TYPE_NULL ? 1 : 0;
    *out = valid;
    return true;
}

static void dense_words(const wg_vector *v, const wg_batch *batch, const uint8_t *valid, uint64_t *to) {
    const uint64_t *from = v->data;
    const uint32_t n = batch->row_count;
    if (v->kind == WG_VECTOR_FLAT && valid == NULL) {
        for (uint32_t i = 0; i < n; i++) to[i] = from[batch->sel[i]];
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        to[i] = valid != NULL && valid[i] == 0 ? 0 : from[wg_vector_cell(v, wg_batch_row(batch, i))];
}

bool wgi_dense_of(wg_arena *arena, const wg_vector *v, const wg_batch *batch, wgi_dense *out) {
    const wg_physical physical = wg_type_physical(v->type);
    const uint32_t n = batch->row_count;
    const uint8_t *valid;
    if (!expand_valid(arena, v, batch, &valid)) return false;
    *out = (wgi_dense){.cells = v->data, .valid = valid, .n = n};
    if (v->kind == WG_VECTOR_FLAT && batch->sel == NULL && physical != WG_PHYSICAL_BOOL && valid == NULL) return true;
    void *cells = wg_arena_alloc(arena, ((size_t)n + 1) * wg_max_size(8, wg_physical_bytes(physical)));
    if (cells == NULL) return false;
    out->cells = cells;
    if (physical == WG_PHYSICAL_STR || physical == WG_PHYSICAL_BOOL) {
        for (uint32_t i = 0; i < n; i++) {
            const bool there = valid == NULL || valid[i] != 0;
            const uint32_t cell = there ? wg_vector_cell(v, wg_batch_row(batch, i)) : 0;
            if (physical == WG_PHYSICAL_STR)
                ((wg_str *)cells)[i] = there ? ((const wg_str *)v->data)[cell] : (wg_str){0};
            else ((uint64_t *)cells)[i] = there ? ((const uint8_t *)v->data)[cell] : 0;
        }
        return true;
    }
    if (v->kind == WG_VECTOR_FLAT && batch->sel == NULL && valid != NULL) {
        const uint64_t *from = v->data;
        for (uint32_t i = 0; i < n; i++) ((uint64_t *)cells)[i] = valid[i] != 0 ? from[i] : 0;
        return true;
    }
    dense_words(v, batch, valid, cells);
    return true;
}

/* ---- arrays of states */

static bool find_op(const wg_aggregate *a, wgi_agg_op *out) {
    *out = WGI_AGG_COUNT;
    if (a->distinct) return false;
    if (a->kind == WG_AGG_COUNT_STAR || a->kind == WG_AGG_COUNT) return true;
    const wg_type type = a->arg->type;
    if (a->kind == WG_AGG_SUM || a->kind == WG_AGG_AVG) {
        *out = type == WG_TYPE_INT ? WGI_AGG_SUM_INT : WGI_AGG_SUM_FLOAT;
        const wg_type result = a->kind == WG_AGG_AVG ? WG_TYPE_FLOAT : type;
        return (type == WG_TYPE_INT || type == WG_TYPE_FLOAT) && a->type == result;
    }
    if (a->kind == WG_AGG_COLLECT || a->type != type) return false;
    const wg_physical physical = wg_type_physical(type);
    *out = physical == WG_PHYSICAL_I64   ? WGI_AGG_BEST_I64
           : physical == WG_PHYSICAL_F64 ? WGI_AGG_BEST_F64
                                         : WGI_AGG_BEST_STR;
    return physical == WG_PHYSICAL_I64 || physical == WG_PHYSICAL_F64 || type == WG_TYPE_STRING;
}

bool wgi_agg_states_fit(const wg_aggregate *a) {
    wgi_agg_op op;
    return find_op(a, &op);
}

void wgi_agg_states_init(wgi_agg_states *s, const wg_aggregate *a) {
    *s = (wgi_agg_states){.aggregate = a, .min = a->kind == WG_AGG_MIN};
    const bool fits = find_op(a, &s->op);
    WG_ASSERT(fits);
    s->counted = s->op == WGI_AGG_COUNT || a->kind == WG_AGG_AVG;
}

static size_t cell_bytes(const wgi_agg_states *s) {
    switch (s->op) {
        case WGI_AGG_COUNT:
            return 0;
        case WGI_AGG_SUM_INT:
            return sizeof(wg_i128);
        case WGI_AGG_SUM_FLOAT:
            return sizeof(wgi_float_sum);
        case WGI_AGG_BEST_I64:
        case WGI_AGG_BEST_F64:
            return 8;
        case WGI_AGG_BEST_STR:
            return sizeof(wg_str);
    }
    WG_UNREACHABLE("a wgi_agg_op outside its enum");
}

static bool has_flags(const wgi_agg_states *s) {
    return s->op == WGI_AGG_BEST_I64 || s->op == WGI_AGG_BEST_F64 || s->op == WGI_AGG_BEST_STR;
}

uint64_t wgi_agg_states_bytes(const wgi_agg_states *s) { return cell_bytes(s) + (s->counted ? 8 : 0) + 1; }

static void free_sums(wgi_agg_states *s, uint32_t count) {
    if (s->op != WGI_AGG_SUM_FLOAT || s->cells == NULL) return;
    for (uint32_t i = 0; i < count; i++) wgi_float_sum_deinit(&((wgi_float_sum *)s->cells)[i]);
}

void wgi_agg_states_deinit(wgi_agg_states *s, uint32_t count) {
    free_sums(s, count);
    wg_free(s->counts);
    wg_free(s->cells);
    wg_free(s->has);
    *s = (wgi_agg_states){0};
}

static bool grow_array(void **array, size_t bytes, uint32_t from, uint32_t to, wg_account *account) {
    uint8_t *grown = wg_realloc(account, *array, to * bytes);
    if (grown == NULL) return false;
    memset(grown + from * bytes, 0, (to - from) * bytes);
    *array = grown;
    return true;
}

/* Arrays that have grown before a failure are longer than needed, which does no harm: the next growth begins from `from` again. */
bool wgi_agg_states_grow(wgi_agg_states *s, wg_account *account, uint32_t from, uint32_t to) {
    void *counts = s->counts;
    void *has = s->has;
    if (s->counted && !grow_array(&counts, sizeof *s->counts, from, to, account)) return false;
    s->counts = counts;
    if (has_flags(s) && !grow_array(&has, 1, from, to, account)) return false;
    s->has = has;
    return cell_bytes(s) == 0 || grow_array(&s->cells, cell_bytes(s), from, to, account);
}

/* ---- adding */

static void add_counts(uint64_t *counts, const wgi_dense *x, const uint32_t *index, uint32_t group) {
    if (index == NULL) {
        uint64_t n = x->n;
        if (x->valid != NULL) {
            n = 0;
            for (uint32_t i = 0; i < x->n; i++) n += x->valid[i];
        }
        counts[group] += n;
    } else if (x->valid == NULL) {
        for (uint32_t i = 0; i < x->n; i++) counts[index[i]]++;
    } else {
        for (uint32_t i = 0; i < x->n; i++) counts[index[i]] += x->valid[i];
    }
}

/* Cells under a null are zero in dense cells that have nulls. */
static void add_ints(wg_i128 *sums, const wgi_dense *x, const uint32_t *index, uint32_t group) {
    const int64_t *v = x->cells;
    if (index != NULL) {
        for (uint32_t i = 0; i < x->n; i++) sums[index[i]] += v[i];
        return;
    }
    int64_t high = 0; /* of at most 2,048 values: neither half can overflow */
    uint64_t low = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        high += v[i] >> 32;
        low += (uint32_t)v[i];
    }
    sums[group] += (wg_i128)high * ((wg_i128)1 << 32) + (wg_i128)low; /* a negative number is not shifted */
}

/* Cells under a null are 0.0, which changes no sum. */
static bool add_floats(wgi_float_sum *sums, const wgi_dense *x, const uint32_t *index, uint32_t group,
                       wg_account *account) {
    return index == NULL ? wgi_float_sum_add_array(&sums[group], x->cells, x->n, NULL, account)
                         : wgi_float_sum_add_groups(sums, index, x->cells, x->n, NULL, account);
}

static void keep_i64(wgi_agg_states *s, uint32_t g, int64_t v) {
    int64_t *best = &((int64_t *)s->cells)[g];
    if (s->has[g] != 0 && (s->min ? v >= *best : v <= *best)) return;
    s->has[g] = 1;
    *best = v;
}

static void add_best_i64(wgi_agg_states *s, const wgi_dense *x, const uint32_t *index, uint32_t group) {
    const int64_t *v = x->cells;
    if (index == NULL && x->valid == NULL && x->n > 0) {
        int64_t best = v[0];
        if (s->min)
            for (uint32_t i = 1; i < x->n; i++) best = v[i] < best ? v[i] : best;
        else
            for (uint32_t i = 1; i < x->n; i++) best = v[i] > best ? v[i] : best;
        keep_i64(s, group, best);
        return;
    }
    for (uint32_t i = 0; i < x->n; i++)
        if (x->valid == NULL || x->valid[i] != 0) keep_i64(s, index != NULL ? index[i] : group, v[i]);
}

/* Ascending as unsigned integers: -0.0 before 0.0, NaN last. */
static uint64_t float_rank(double f) {
    if (f != f) return UINT64_MAX;
    const uint64_t bits = wg_bits_of_f64(f);
    return (bits >> 63) != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

static void keep_f64(wgi_agg_states *s, uint32_t g, double v) {
    double *best = &((double *)s->cells)[g];
    if (s->has[g] != 0) {
        const uint64_t a = float_rank(v);
        const uint64_t b = float_rank(*best);
        if (s->min ? a >= b : a <= b) return;
    }
    s->has[g] = 1;
    *best = v == v ? v : wg_f64_of_bits(UINT64_C(0x7ff8000000000000));
}

static bool keep_str(wgi_agg_states *s, uint32_t g, wg_str v, wg_arena *strings) {
    wg_str *best = &((wg_str *)s->cells)[g];
    if (s->has[g] != 0) {
        const int cmp = wg_slice_compare(wg_slice_of_str(v), wg_slice_of_str(*best));
        if (s->min ? cmp >= 0 : cmp <= 0) return true;
    }
    if (strings != NULL && v.size != 0) {
        v.data = wg_arena_copy(strings, v.data, v.size);
        if (v.data == NULL) return false;
    }
    s->has[g] = 1;
    *best = v;
    return true;
}

bool wgi_agg_states_add(wgi_agg_states *s, const wgi_dense *x, const uint32_t *index, uint32_t group,
                        wg_arena *strings, wg_account *account) {
    if (s->counted) add_counts(s->counts, x, index, group);
    switch (s->op) {
        case WGI_AGG_COUNT:
            return true;
        case WGI_AGG_SUM_INT:
            add_ints(s->cells, x, index, group);
            return true;
        case WGI_AGG_SUM_FLOAT:
            return add_floats(s->cells, x, index, group, account);
        case WGI_AGG_BEST_I64:
            add_best_i64(s, x, index, group);
            return true;
        case WGI_AGG_BEST_F64:
            for (uint32_t i = 0; i < x->n; i++)
                if (x->valid == NULL || x->valid[i] != 0)
                    keep_f64(s, index != NULL ? index[i] : group, ((const double *)x->cells)[i]);
            return true;
        case WGI_AGG_BEST_STR:
            for (uint32_t i = 0; i < x->n; i++) {
                if (x->valid != NULL && x->valid[i] == 0) continue;
                if (!keep_str(s, index != NULL ? index[i] : group, ((const wg_str *)x->cells)[i], strings))
                    return false;
            }
            return true;
    }
    WG_UNREACHABLE("a wgi_agg_op outside its enum");
}

bool wgi_agg_states_merge(wgi_agg_states *s, uint32_t to, const wgi_agg_states *from, uint32_t g,
                          wg_account *account) {
    if (s->counted) s->counts[to] += from->counts[g];
    switch (s->op) {
        case WGI_AGG_COUNT:
            return true;
        case WGI_AGG_SUM_INT:
            ((wg_i128 *)s->cells)[to] += ((const wg_i128 *)from->cells)[g];
            return true;
        case WGI_AGG_SUM_FLOAT:
            return wgi_float_sum_merge(&((wgi_float_sum *)s->cells)[to], &((const wgi_float_sum *)from->cells)[g],
                                       account);
        case WGI_AGG_BEST_I64:
            if (from->has[g] != 0) keep_i64(s, to, ((const int64_t *)from->cells)[g]);
            return true;
        case WGI_AGG_BEST_F64:
            if (from->has[g] != 0) keep_f64(s, to, ((const double *)from->cells)[g]);
            return true;
        case WGI_AGG_BEST_STR:
            return from->has[g] == 0 || keep_str(s, to, ((const wg_str *)from->cells)[g], NULL);
    }
    WG_UNREACHABLE("a wgi_agg_op outside its enum");
}

/* ---- results */

static wg_code int_result(const wgi_agg_states *s, uint32_t group, wg_column *column, uint32_t row, wg_error *err) {
    const wg_i128 sum = ((const wg_i128 *)s->cells)[group];
    if (s->aggregate->kind == WG_AGG_AVG) {
        if (s->counts[group] == 0) wg_bit_clear(column->valid, row);
        ((double *)column->data)[row] = s->counts[group] == 0 ? 0 : (double)sum / (double)s->counts[group];
        return WG_OK;
    }
    if (sum < INT64_MIN || sum > INT64_MAX)
        return wg_error_refine(
            err, wg_error_set(err, WG_E_VALUE, s->aggregate->arg->text_start, "integer overflow in sum()"),
            WG_S_NUMERIC_RANGE);
    ((int64_t *)column->data)[row] = (int64_t)sum;
    return WG_OK;
}

static void float_result(const wgi_agg_states *s, uint32_t group, wg_column *column, uint32_t row) {
    const wgi_float_sum *sum = &((const wgi_float_sum *)s->cells)[group];
    double *out = &((double *)column->data)[row];
    if (s->aggregate->kind != WG_AGG_AVG) {
        *out = wgi_float_sum_value(sum);
        return;
    }
    *out = s->counts[group] == 0 ? 0 : wgi_float_sum_mean(sum, s->counts[group]);
    if (s->counts[group] == 0) wg_bit_clear(column->valid, row);
}

wg_code wgi_agg_states_result(const wgi_agg_states *s, uint32_t group, wg_column *column, uint32_t row,
                              wg_error *err) {
    if (has_flags(s) && s->has[group] == 0) wg_bit_clear(column->valid, row); /* the cell is zero */
    switch (s->op) {
        case WGI_AGG_COUNT:
            ((int64_t *)column->data)[row] = (int64_t)s->counts[group];
            return WG_OK;
        case WGI_AGG_SUM_INT:
            return int_result(s, group, column, row, err);
        case WGI_AGG_SUM_FLOAT:
            float_result(s, group, column, row);
            return WG_OK;
        case WGI_AGG_BEST_I64:
        case WGI_AGG_BEST_F64:
            ((uint64_t *)column->data)[row] = ((const uint64_t *)s->cells)[group];
            return WG_OK;
        case WGI_AGG_BEST_STR:
            ((wg_str *)column->data)[row] = ((const wg_str *)s->cells)[group];
            return WG_OK;
    }
    WG_UNREACHABLE("a wgi_agg_op outside its enum");
}
