/* A property of all visible edges of a label at once: one pass over the edge table, a fragment at a time, instead of a look-up for each
 * edge. See adjacency.h. */
#include <math.h>

#include "engine/adjacency_internal.h"

typedef struct weights_reading {
    const wg_table *rows;
    wg_view view;
    uint64_t row_count;
    uint32_t column;
    wg_account *account;
    wg_table_scratch **scratches;
    uint64_t edge_min; /* first pass: by worker below */
    uint64_t mins[WG_POOL_WORKERS_MAX];
    uint64_t maxs[WG_POOL_WORKERS_MAX];
    double *values; /* NULL: only the range of ids is looked for */
} weights_reading;

static wg_code not_a_number(uint64_t edge, wg_type type, wg_error *err) {
    return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "edge %llu has a weight of type %s: weights are INT or FLOAT",
                        (unsigned long long)edge, wg_type_name(type));
}

static wg_code put_weights(const weights_reading *r, const wg_batch *batch, wg_error *err) {
    const uint64_t *ids = batch->columns[0].data;
    const wg_vector *cells = &batch->columns[1];
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        const wg_value v = wg_vector_value(cells, row);
        double weight = NAN;
        if (v.type == WG_TYPE_INT) weight = (double)v.as.i;
        else if (v.type == WG_TYPE_FLOAT) weight = v.as.f;
        else if (v.type != WG_TYPE_NULL) return not_a_number(ids[row], (wg_type)v.type, err);
        if (isnan(weight) && v.type != WG_TYPE_NULL)
            return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "edge %llu has the weight NaN",
                                (unsigned long long)ids[row]);
        r->values[ids[row] - r->edge_min] = weight;
    }
    return WG_OK;
}

static void join_ids(weights_reading *r, uint32_t worker, const wg_batch *batch) {
    const uint64_t *ids = batch->columns[0].data;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint64_t id = ids[wg_batch_row(batch, i)];
        r->mins[worker] = wg_min_u64(r->mins[worker], id);
        r->maxs[worker] = wg_max_u64(r->maxs[worker], id);
    }
}

static wg_code read_weights(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    weights_reading *r = arg;
    const uint32_t columns = r->values == NULL ? 0 : 1;
    const wg_type types[] = {r->column == UINT32_MAX ? WG_TYPE_FLOAT : wg_table_column_type(r->rows, r->column)};
    if (r->scratches[worker] == NULL) WG_TRY(wg_table_scratch_create(1, r->account, &r->scratches[worker], err));
    uint64_t end = wg_min_u64(last * WG_FRAGMENT_ROWS, r->row_count);
    uint32_t rows = 1;
    for (uint64_t row = first * WG_FRAGMENT_ROWS; row < end && rows > 0; row += rows) {
        wg_vector vectors[2];
        wg_batch batch;
        const uint32_t most = (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, end - row);
        WG_TRY(wg_table_read(r->rows, r->view, row, most, &r->column, types, columns, r->scratches[worker], vectors,
                             &batch, &rows, err));
        if (r->values != NULL) WG_TRY(put_weights(r, &batch, err));
        else join_ids(r, worker, &batch);
    }
    return WG_OK;
}

static wg_code read_all(weights_reading *r, const wg_builders *by, wg_edge_weights *out, wg_error *err) {
    const wg_pool_range range = {(r->row_count + WG_FRAGMENT_ROWS - 1) / WG_FRAGMENT_ROWS, 1, by->workers,
                                 read_weights, r};
    uint64_t max = 0;
    r->edge_min = UINT64_MAX;
    for (uint32_t w = 0; w < WG_POOL_WORKERS_MAX; w++) r->mins[w] = UINT64_MAX;
    WG_TRY(wg_pool_for(by->pool, &range, err));
    for (uint32_t w = 0; w < WG_POOL_WORKERS_MAX; w++) {
        r->edge_min = wg_min_u64(r->edge_min, r->mins[w]);
        max = wg_max_u64(max, r->maxs[w]);
    }
    const uint64_t count = r->edge_min == UINT64_MAX ? 0 : max - r->edge_min + 1;
    size_t bytes = 0;
    if (wg_mul_size(count, sizeof(double), &bytes)) r->values = wg_alloc(r->account, bytes + sizeof(double));
    if (r->values == NULL) return wg_error_nomem(err, bytes);
    for (uint64_t i = 0; i < count; i++) r->values[i] = NAN;
    const wg_code code = count == 0 ? WG_OK : wg_pool_for(by->pool, &range, err);
    if (code != WG_OK) {
        wg_free(r->values);
        return code;
    }
    *out = (wg_edge_weights){.edge_min = r->edge_min, .count = count, .values = r->values};
    return WG_OK;
}

/* The table with the edges that the transaction sees: ALTER may have made several, one for each definition. */
static wgi_table *table_of(const wg_txn *txn, uint32_t label) {
    wg_engine *e = txn->engine;
    for (uint32_t t = atomic_load_explicit(&e->table_count, memory_order_acquire); t > 0; t--) {
        wgi_table *table = wgi_table_at(e, t - 1);
        if (!table->is_edge || atomic_load_explicit(&table->dead, memory_order_relaxed) ||
            !wgi_table_has_labels(table, &label, 1))
            continue;
        if ((txn->writing && table->live > 0) || wgi_history_at(e, table, txn->view.snapshot) > 0) return table;
    }
    return NULL;
}

wg_code wg_edge_weights_read(const wg_txn *txn, uint32_t label, uint32_t key, const wg_builders *by,
                             wg_account *account, wg_edge_weights *out, wg_error *err) {
    wgi_table *table = table_of(txn, label);
    if (table == NULL) {
        *out = (wg_edge_weights){0};
        return WG_OK;
    }
    weights_reading *r = wg_alloc_zero(account, sizeof *r);
    if (r == NULL) return wg_error_nomem(err, sizeof *r);
    r->rows = table->rows;
    r->view = txn->view;
    r->row_count = wg_table_row_count(r->rows);
    r->column = wg_table_column_of(r->rows, key);
    r->account = account;
    r->scratches = wg_alloc_zero(account, by->workers * sizeof(wg_table_scratch *));
    wg_code code = r->scratches == NULL ? wg_error_nomem(err, sizeof *r) : read_all(r, by, out, err);
    for (uint32_t w = 0; r->scratches != NULL && w < by->workers; w++) wg_table_scratch_destroy(r->scratches[w]);
    wg_free(r->scratches);
    wg_free(r);
    return code;
}
