/* Rows of a typed aggregation that go to the file as they come.
 *
 * Where memory is short and nearly every row has a group of its own, a table only writes what it was given, a state for each row, after it has been looked for in
 * vain. So once a table has gone to the file with hardly fewer groups than rows, its worker keeps the rows that follow as columns (keys, place,
 * arguments) and, when it has ROWS_MAX of them or memory is short, writes them by partitions of the hash. Each partition is read once, at the end
 * (aggregate_spill.c). */
#include "exec/aggregate_internal.h"

enum { ROWS_MAX = 1 << 17, ROWS_SHARE = 16 };

struct wgi_agg_rows {
    wg_account *account;
    wg_rows *rows; /* keys, position, arguments */
    uint64_t *hashes;
    uint32_t *index; /* rows by partition, while they are written */
    uint32_t capacity;
};

uint32_t wgi_agg_rows_types(const wg_plan *plan, wg_type *out) {
    uint32_t n = 0;
    for (uint32_t k = 0; k < wgi_agg_key_count(plan); k++) out[n++] = plan->slot_types[k];
    out[n++] = WG_TYPE_INT;
    for (uint32_t i = 0; i < plan->aggregate_count; i++)
        if (plan->aggregates[i].arg != NULL) out[n++] = plan->aggregates[i].arg->type;
    return n;
}

void wgi_agg_rows_destroy(wgi_agg_rows *r) {
    if (r == NULL) return;
    wg_rows_destroy(r->rows);
    wg_free(r->hashes);
    wg_free(r->index);
    wg_free(r);
}

/* Room for as many rows as a share of the limit holds, all of it at once: nothing is moved when memory is short. */
static wg_code create(const wgi_agg_spill *s, wgi_agg_rows **out, wg_error *err) {
    wg_account *account = s->context->account;
    wg_type types[WGI_AGG_ROW_COLUMNS_MAX];
    const uint32_t columns = wgi_agg_rows_types(s->plan, types);
    uint64_t row_bytes = sizeof(uint64_t) + sizeof(uint32_t);
    for (uint32_t c = 0; c < columns; c++) row_bytes += wg_physical_bytes(wg_type_physical(types[c])) + 1;
    uint64_t capacity = ROWS_MAX;
    for (const wg_account *a = account; a != NULL; a = a->parent)
        if (a->bytes_max != 0) capacity = wg_min_u64(capacity, a->bytes_max / ROWS_SHARE / row_bytes);
    capacity = wg_max_u64(capacity, 2 * WGI_SPILL_ROWS_MIN);
    wgi_agg_rows *r = wg_alloc_zero(account, sizeof *r);
    if (r == NULL) return wg_error_nomem(err, sizeof *r);
    r->account = account;
    r->capacity = (uint32_t)capacity;
    wg_code code = wgi_rows_create(types, columns, account, &r->rows, err);
    r->hashes = wg_alloc(account, capacity * sizeof *r->hashes);
    r->index = wg_alloc(account, capacity * sizeof *r->index);
    if (code == WG_OK && (r->hashes == NULL || r->index == NULL)) code = wg_error_nomem(err, capacity * row_bytes);
    for (uint32_t c = 0; c < columns && code == WG_OK; c++)
        if (!wg_column_reserve(&r->rows->columns[c], r->capacity)) code = wg_error_nomem(err, capacity * row_bytes);
    if (code == WG_OK) *out = r;
    else wgi_agg_rows_destroy(r);
    return code;
}

wg_code wgi_agg_rows_flush(wgi_agg_spill *s, wgi_agg_rows *r, wg_error *err) {
    if (r == NULL || r->rows->row_count == 0) return WG_OK;
    uint32_t first[WGI_AGG_PARTITIONS + 1] = {0};
    uint32_t next[WGI_AGG_PARTITIONS];
    wg_vector views[WGI_AGG_ROW_COLUMNS_MAX];
    wg_rows *rows = r->rows;
    const uint32_t n = (uint32_t)rows->row_count;
    for (uint32_t i = 0; i < n; i++) first[wgi_agg_partition(r->hashes[i]) + 1]++;
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS; p++) first[p + 1] += first[p];
    memcpy(next, first, sizeof next);
    for (uint32_t i = 0; i < n; i++) r->index[next[wgi_agg_partition(r->hashes[i])]++] = i;
    for (uint32_t c = 0; c < rows->column_count; c++) views[c] = wg_column_view(&rows->columns[c]);
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS; p++)
        for (uint32_t i = first[p]; i < first[p + 1]; i += WGI_TASK_ROWS) {
            const uint32_t count = first[p + 1] - i < WGI_TASK_ROWS ? first[p + 1] - i : WGI_TASK_ROWS;
            const wgi_spill_rows part = {views, rows->column_count, r->index + i, 0, count};
            WG_TRY(wgi_agg_spill_rows(s, p, &part, err));
        }
    for (uint32_t c = 0; c < rows->column_count; c++) wg_column_clear(&rows->columns[c]);
    wg_arena_reset(&rows->strings);
    rows->row_count = 0;
    return WG_OK;
}

static bool append_positions(wg_column *column, uint64_t first, uint32_t n) {
    int64_t *to = (int64_t *)column->data + column->row_count;
    for (uint32_t i = 0; i < n; i++) to[i] = wg_i64_of_u64(first + i);
    if (column->valid != NULL) return false; /* places are never null */
    column->row_count += n;
    return true;
}

wg_code wgi_agg_rows_add(wgi_agg_spill *s, wgi_agg_table *own, const wg_vector *keys, const wg_vector *args,
                         const wg_batch *batch, wg_arena *arena, wg_error *err) {
    if (own->rows == NULL) WG_TRY(create(s, &own->rows, err));
    wgi_agg_rows *r = own->rows;
    const uint32_t n = batch->row_count;
    const uint64_t held = r->rows->row_count;
    if (held + n > r->capacity || (held >= WGI_SPILL_ROWS_MIN && wgi_spill_wanted(s->context)))
        WG_TRY(wgi_agg_rows_flush(s, r, err));
    uint64_t *hashes;
    WG_TRY(wgi_agg_table_hashes(own, keys, batch, arena, &hashes, err));
    memcpy(r->hashes + r->rows->row_count, hashes, n * sizeof *hashes);
    uint32_t at = 0;
    bool ok = true;
    for (uint32_t k = 0; k < own->key_count && ok; k++)
        ok = wgi_column_append(&r->rows->columns[at++], &keys[k], batch->sel, NULL, n);
    ok = ok && append_positions(&r->rows->columns[at++], (uint64_t)own->task << WGI_AGG_SERIAL_BITS | own->serial, n);
    for (uint32_t i = 0; i < own->state_count && ok; i++)
        if (s->plan->aggregates[i].arg != NULL)
            ok = wgi_column_append(&r->rows->columns[at++], &args[i], batch->sel, NULL, n);
    if (!ok) return wg_error_nomem(err, n * sizeof(uint64_t));
    own->serial += n;
    r->rows->row_count += n;
    return WG_OK;
}
