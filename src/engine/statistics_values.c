/* Statistics of the values of a property, from the sample of its label, or for virtual labels from the footers of the files.
 *
 * Distinct values D of N rows, from d distinct values and f values that came once among n sampled rows: D = n d / (n - f + f n / N), the estimator
 * "Duj1" of P. Haas and L. Stokes, Estimating the number of classes in a finite population, JASA 93 (1998). Common values and
 * bounds are read off the sorted sample; equal numbers of either type are one value. */
#include <stdlib.h>

#include "engine/statistics_internal.h"

typedef struct value_run {
    const wg_value *value;
    uint32_t count;
    uint32_t order; /* in the order of values */
} value_run;

static int by_value(const void *a, const void *b) { return wg_value_order(a, b); }

static int by_count(const void *a, const void *b) {
    const value_run *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* ---- owned rows */

static wg_code read_values(const wgi_sample *s, uint32_t key, wg_arena *arena, wg_value **out, uint32_t *out_count,
                           wg_error *err) {
    wg_value *values = wg_arena_alloc(arena, ((size_t)s->count + 1) * sizeof *values);
    if (values == NULL) return wg_error_nomem(err, s->count * sizeof *values);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const wg_table *rows = s->rows[i].table->rows;
        const uint32_t column = wg_table_column_of(rows, key);
        if (column == UINT32_MAX) continue;
        WG_TRY(wg_table_cell(rows, s->rows[i].row, column, arena, &values[n], err));
        if (values[n].type != WG_TYPE_NULL) n++;
    }
    *out = values;
    *out_count = n;
    return WG_OK;
}

static uint32_t runs_of(const wg_value *values, uint32_t count, value_run *runs) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (n > 0 && wg_value_order(runs[n - 1].value, &values[i]) == 0) {
            runs[n - 1].count++;
            continue;
        }
        runs[n] = (value_run){&values[i], 1, n};
        n++;
    }
    return n;
}

static double distinct_of(const value_run *runs, uint32_t run_count, uint32_t sampled, double rows, bool exact) {
    double once = 0;
    for (uint32_t i = 0; i < run_count; i++) once += runs[i].count == 1;
    if (exact || run_count == 0) return run_count;
    const double n = sampled;
    const double estimate = n * run_count / (n - once + once * n / rows);
    return estimate < rows ? estimate : rows;
}

static void read_off(const wg_value *values, uint32_t count, value_run *runs, uint32_t run_count, uint32_t sampled,
                     wg_property_statistics *out) {
    out->min = values[0];
    out->max = values[count - 1];
    if (run_count >= WG_STATISTICS_BOUNDS) {
        for (uint32_t i = 0; i < WG_STATISTICS_BOUNDS; i++)
            out->bounds[i] = values[(uint64_t)i * (count - 1) / (WG_STATISTICS_BOUNDS - 1)];
        out->bound_count = WG_STATISTICS_BOUNDS;
    }
    qsort(runs, run_count, sizeof *runs, by_count);
    while (out->common_count < run_count && out->common_count < WG_STATISTICS_COMMON &&
           runs[out->common_count].count > 1) {
        out->common[out->common_count] = *runs[out->common_count].value;
        out->common_share[out->common_count] = (double)runs[out->common_count].count / sampled;
        out->common_count++;
    }
}

static wg_code owned_values(const wg_txn *reader, const wg_label *label, uint32_t key, wg_arena *arena,
                            wg_property_statistics *out, wg_error *err) {
    wgi_sample s;
    wg_value *values = NULL;
    uint32_t count = 0;
    WG_TRY(wgi_sample_label(reader, label, arena, &s, err));
    out->exact = s.shift == 0;
    out->rows = out->exact ? (double)s.count : (double)s.live;
    if (s.count == 0) return WG_OK;
    WG_TRY(read_values(&s, key, arena, &values, &count, err));
    out->null_share = 1.0 - (double)count / s.count;
    if (count == 0) return WG_OK;
    value_run *runs = wg_arena_alloc(arena, count * sizeof *runs);
    if (runs == NULL) return wg_error_nomem(err, count * sizeof *runs);
    qsort(values, count, sizeof *values, by_value);
    const uint32_t run_count = runs_of(values, count, runs);
    out->distinct = distinct_of(runs, run_count, count, out->rows * (1.0 - out->null_share), out->exact);
    read_off(values, count, runs, run_count, s.count, out);
    return WG_OK;
}

/* ---- files */

typedef struct footer_sum {
    wg_property_statistics *out;
    wg_arena *arena;
    double nulls;
    bool nulls_known;
    bool range_known;
} footer_sum;

static wg_code add_range(footer_sum *f, const wg_value *min, const wg_value *max, wg_error *err) {
    wg_property_statistics *o = f->out;
    if (min->type == WG_TYPE_NULL || max->type == WG_TYPE_NULL) return WG_OK;
    const bool less = o->min.type == WG_TYPE_NULL || wg_value_order(min, &o->min) < 0;
    const bool more = o->max.type == WG_TYPE_NULL || wg_value_order(max, &o->max) > 0;
    if (less && !wg_value_copy(f->arena, min, &o->min)) return wg_error_nomem(err, 64);
    if (more && !wg_value_copy(f->arena, max, &o->max)) return wg_error_nomem(err, 64);
    return WG_OK;
}

static wg_code add_footer(footer_sum *f, const wg_label *label, uint32_t def_column, const wg_object *object,
                          wg_error *err) {
    uint32_t column = 0;
    WG_TRY(wgi_virtual_column(object, label, def_column, &column, err));
    const wg_parquet_metadata *m = wg_object_metadata(object);
    for (uint32_t g = 0; g < m->row_group_count; g++) {
        const wg_parquet_range *range = &wg_parquet_chunk_of(m, &m->row_groups[g], column)->range;
        const bool all_null = range->null_count_known && range->null_count == m->row_groups[g].row_count;
        f->nulls += (double)range->null_count;
        f->nulls_known = f->nulls_known && range->null_count_known;
        f->range_known = f->range_known && (range->known || all_null);
        if (range->known) WG_TRY(add_range(f, &range->min, &range->max, err));
    }
    return WG_OK;
}

static wg_code add_file(footer_sum *f, const wg_txn *reader, const wg_label *label, uint32_t def_column,
                        const wg_partition *partition, wg_error *err) {
    if (label->def.columns[def_column].source == WG_COLUMN_COMPUTED) { /* footers do not know it */
        f->nulls_known = f->range_known = false;
        return WG_OK;
    }
    if (label->def.columns[def_column].source == WG_COLUMN_PARTITION) {
        const wg_value *v = wgi_partition_variable(label, partition, def_column);
        if (v->type == WG_TYPE_NULL) f->nulls += (double)partition->row_count;
        return add_range(f, v, v, err);
    }
    wg_object *object = NULL;
    bool opened = false;
    WG_TRY(wgi_partition_acquire(reader->engine, partition, &object, &opened, err));
    const wg_code code = add_footer(f, label, def_column, object, err);
    wg_object_release(reader->engine->objects, object);
    return code;
}

static wg_code virtual_values(const wg_txn *reader, const wg_label *label, uint32_t key, wg_arena *arena,
                              wg_property_statistics *out, wg_error *err) {
    footer_sum f = {.out = out, .arena = arena, .nulls_known = true, .range_known = true};
    const wg_catalog *catalog = reader->engine->catalog;
    uint32_t column = 0;
    out->exact = false; /* values were not looked at */
    out->rows = (double)wg_txn_label_row_estimate(reader, label->number);
    while (column < label->def.column_count && label->column_keys[column] != key) column++;
    if (column == label->def.column_count) {
        out->null_share = 1;
        return WG_OK;
    }
    for (uint32_t p = 0; p < wg_catalog_partition_count(catalog); p++) {
        const wg_partition *partition = wg_catalog_partition(catalog, p);
        if (partition == NULL || partition->label != label->number ||
            !wg_visible(reader->view, partition->begin, WG_LOGSEQ_NEVER))
            continue;
        WG_TRY(add_file(&f, reader, label, column, partition, err));
    }
    if (out->rows > 0 && f.nulls_known) out->null_share = f.nulls / out->rows;
    if (!f.range_known) out->min = out->max = wg_value_null();
    return WG_OK;
}

wg_code wgi_values_compute(const wg_txn *reader, const wg_label *label, uint32_t key, wg_arena *arena,
                           wg_property_statistics *out, wg_error *err) {
    wg_arena own;
    wg_property_statistics result = {.exact = true, .min = wg_value_null(), .max = wg_value_null()};
    wg_arena_init(&own, arena->account);
    wg_code code = label->def.kind == WG_LABEL_VIRTUAL ? virtual_values(reader, label, key, &own, &result, err)
                                                       : owned_values(reader, label, key, &own, &result, err);
    if (code == WG_OK && !wgi_values_copy(arena, &result, out)) code = wg_error_nomem(err, sizeof *out);
    wg_arena_deinit(&own);
    return code;
}

bool wgi_values_copy(wg_arena *arena, const wg_property_statistics *from, wg_property_statistics *out) {
    wg_property_statistics copy = *from;
    bool ok = wg_value_copy(arena, &from->min, &copy.min) && wg_value_copy(arena, &from->max, &copy.max);
    for (uint32_t i = 0; i < from->common_count && ok; i++)
        ok = wg_value_copy(arena, &from->common[i], &copy.common[i]);
    for (uint32_t i = 0; i < from->bound_count && ok; i++)
        ok = wg_value_copy(arena, &from->bounds[i], &copy.bounds[i]);
    if (ok) *out = copy;
    return ok;
}

/* ---- shares of predicates */

static double share_of_equal(const wg_property_statistics *s, const wg_value *value) {
    double common = 0;
    for (uint32_t i = 0; i < s->common_count; i++) {
        if (wg_value_order(&s->common[i], value) == 0) return s->common_share[i];
        common += s->common_share[i];
    }
    const double others = s->distinct - s->common_count;
    if (s->min.type != WG_TYPE_NULL && s->exact &&
        (wg_value_order(value, &s->min) < 0 || wg_value_order(value, &s->max) > 0))
        return 0;
    const double rest = 1.0 - s->null_share - common;
    if (rest <= 0) return 0;
    return others >= 1 ? rest / others : (s->distinct > 0 ? 0 : 0.1);
}

/* Share of all rows below (`equal_too`: or at) the value, by the histogram or by the line between least and greatest number. */
static double share_below(const wg_property_statistics *s, const wg_value *value) {
    const double present = 1.0 - s->null_share;
    if (s->min.type == WG_TYPE_NULL) return present / 3;
    if (wg_value_order(value, &s->min) <= 0) return 0;
    if (wg_value_order(value, &s->max) > 0) return present;
    if (s->bound_count == 0) return present / 2;
    uint32_t i = 1;
    while (i + 1 < s->bound_count && wg_value_order(&s->bounds[i], value) < 0) i++;
    return present * ((double)i - 0.5) / (s->bound_count - 1);
}

double wg_property_statistics_share(const wg_property_statistics *s, wg_compare_op op, const wg_value *value) {
    double share = 0;
    switch (op) {
        case WG_CMP_NOT_NULL:
            return 1.0 - s->null_share;
        case WG_CMP_EQ:
            return value->type == WG_TYPE_NULL ? 0 : share_of_equal(s, value);
        case WG_CMP_LT:
        case WG_CMP_LE:
            return value->type == WG_TYPE_NULL ? 0 : share_below(s, value);
        case WG_CMP_GT:
        case WG_CMP_GE:
            share = value->type == WG_TYPE_NULL ? 0 : 1.0 - s->null_share - share_below(s, value);
            return share > 0 ? share : 0;
        case WG_CMP_IN:
            if (value->type != WG_TYPE_LIST) return 0.1;
            for (uint32_t i = 0; i < value->size && share < 1; i++) share += share_of_equal(s, &value->as.list[i]);
            return share < 1.0 - s->null_share ? share : 1.0 - s->null_share;
    }
    return 1;
}
