/* Rows put together and put in another order by all workers: columns get their whole size at once, then ranges of rows are filled in, each by one
 * worker. Ranges are multiples of eight rows, so no two workers write to a byte of a bitmap. Cells are moved as they are: what strings, lists and maps point
 * at stays where it is. */
#include "exec/spill.h"

enum { RANGE_ROWS = WGI_TASK_ROWS };

typedef struct moving {
    wg_rows *to;
    wg_rows *const *parts; /* to be put one behind the other; or one, of which rows `index` are taken */
    uint64_t *first;       /* row of `to` where each part begins; one more for the end */
    uint32_t part_count;
    const uint32_t *index; /* NULL: as they are */
} moving;

static bool size_columns(const moving *m, uint64_t n) {
    for (uint32_t c = 0; c < m->to->column_count; c++) {
        bool nullable = false;
        for (uint32_t p = 0; p < m->part_count; p++) nullable |= m->parts[p]->columns[c].valid != NULL;
        wg_column *column = &m->to->columns[c];
        if (!wg_column_reserve(column, (uint32_t)n)) return false;
        if (nullable) {
            const size_t bytes = wg_bit_bytes(column->capacity) + 8;
            column->valid = wg_alloc(column->account, bytes);
            if (column->valid == NULL) return false;
            memset(column->valid, 0xff, bytes);
        }
    }
    return true;
}

#define PICK(ctype)                                                   \
    do {                                                              \
        ctype *cells = (ctype *)to->data + at;                        \
        const ctype *source = from->data;                             \
        for (uint32_t i = 0; i < n; i++) cells[i] = source[index[i]]; \
    } while (0)

/* Rows index[0..n), or first + 0..n-1, of `from` become rows at + 0..n-1. */
static void move_cells(wg_column *to, uint64_t at, const wg_column *from, const uint32_t *index, uint64_t first,
                       uint32_t n) {
    const size_t bytes = wg_physical_bytes(wg_type_physical(to->type));
    if (index == NULL)
        memcpy((uint8_t *)to->data + at * bytes, (const uint8_t *)from->data + first * bytes, n * bytes);
    else if (bytes == 1) PICK(uint8_t);
    else if (bytes == 8) PICK(uint64_t);
    else PICK(wg_value);
    if (from->valid == NULL) return;
    for (uint32_t i = 0; i < n; i++)
        if (!wg_bit_get(from->valid, index != NULL ? index[i] : first + i)) wg_bit_clear(to->valid, at + i);
}
#undef PICK
_Static_assert(sizeof(wg_value) == sizeof(wg_str), "cells of 16 bytes are of either");

static wg_code move_range(void *arg, uint32_t worker, uint64_t begin, uint64_t end, wg_error *err) {
    (void)worker;
    (void)err;
    const moving *m = arg;
    uint32_t part = 0;
    while (m->first[part + 1] <= begin) part++;
    for (uint64_t at = begin; at < end; part++) {
        const uint32_t n = (uint32_t)(wg_min_u64(end, m->first[part + 1]) - at);
        for (uint32_t c = 0; c < m->to->column_count && n > 0; c++)
            move_cells(&m->to->columns[c], at, &m->parts[part]->columns[c], m->index != NULL ? m->index + at : NULL,
                       at - m->first[part], n);
        at += n;
    }
    return WG_OK;
}

static wg_code move_all(moving *m, uint64_t n, const wg_exec_context *context, wg_error *err) {
    WG_ASSERT(m->to->row_count == 0);
    if (n > UINT32_MAX - 1)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %u rows in one intermediate result",
                            UINT32_MAX);
    if (!size_columns(m, n)) return wg_error_nomem(err, n * sizeof(uint64_t));
    const wg_pool_range range = {
        .count = n,
        .grain = RANGE_ROWS,
        .workers = n < 4 * RANGE_ROWS ? 1 : (uint32_t)wg_min_u64(context->threads, WG_POOL_WORKERS_MAX),
        .fn = move_range,
        .arg = m};
    WG_TRY(wg_pool_for(context->pool, &range, err));
    for (uint32_t c = 0; c < m->to->column_count; c++) {
        wg_column *column = &m->to->columns[c];
        column->row_count = (uint32_t)n;
        if (column->valid != NULL) column->null_count = (uint32_t)(n - wg_bit_count(column->valid, n));
    }
    m->to->row_count = n;
    return WG_OK;
}

wg_code wgi_rows_join(wg_rows *to, wg_rows *const *parts, uint32_t count, const wg_exec_context *context,
                      wg_error *err) {
    moving m = {.to = to, .parts = parts, .part_count = count};
    m.first = wg_alloc(context->account, ((size_t)count + 1) * sizeof *m.first);
    if (m.first == NULL) return wg_error_nomem(err, count * sizeof *m.first);
    m.first[0] = 0;
    for (uint32_t p = 0; p < count; p++) m.first[p + 1] = m.first[p] + parts[p]->row_count;
    wg_code code = move_all(&m, m.first[count], context, err);
    for (uint32_t p = 0; p < count && code == WG_OK; p++) code = wgi_rows_take_strings(to, parts[p], err);
    wg_free(m.first);
    return code;
}

wg_code wgi_rows_pick(wg_rows *to, wg_rows *from, const uint32_t *index, uint64_t n, const wg_exec_context *context,
                      wg_error *err) {
    uint64_t first[2] = {0, n};
    moving m = {.to = to, .parts = &from, .first = first, .part_count = 1, .index = index};
    WG_TRY(move_all(&m, n, context, err));
    return wgi_rows_take_strings(to, from, err);
}
