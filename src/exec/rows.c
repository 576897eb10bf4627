/* Materialised rows: one contiguous column a slot, so that any piece is a view without copying and any row can be gathered by index.
 *
 * Strings, lists and maps are copied into the rows' own arena. When the rows of a task are moved to the end of others, large
 * ones give their arena away instead of copying again. Limit: 2^32 - 1 rows. */
#include "exec/spill.h"

enum { ADOPT_ROWS_MIN = 512 };

wg_code wgi_rows_create(const wg_type *types, uint32_t column_count, wg_account *account, wg_rows **out,
                        wg_error *err) {
    wg_rows *rows = wg_alloc_zero(account, sizeof *rows);
    if (rows == NULL) return wg_error_nomem(err, sizeof *rows);
    rows->account = account;
    rows->column_count = column_count;
    wg_arena_init(&rows->strings, account);
    if (column_count != 0) {
        rows->columns = wg_alloc_zero(account, column_count * sizeof *rows->columns);
        if (rows->columns == NULL) {
            wg_free(rows);
            return wg_error_nomem(err, column_count * sizeof(wg_column));
        }
    }
    for (uint32_t i = 0; i < column_count; i++) wg_column_init(&rows->columns[i], types[i], &rows->strings, account);
    *out = rows;
    return WG_OK;
}

void wg_rows_destroy(wg_rows *rows) {
    if (rows == NULL) return;
    for (uint32_t i = 0; i < rows->piece_count; i++) wg_rows_destroy(rows->pieces[i]);
    wg_free(rows->pieces);
    for (uint32_t i = 0; i < rows->column_count; i++) wg_column_deinit(&rows->columns[i]);
    for (uint32_t i = 0; i < rows->adopted_count; i++) wg_arena_deinit(&rows->adopted[i]);
    wg_arena_deinit(&rows->strings);
    if (rows->file != NULL) {
        wgi_spill_release(rows->file->spill);
        wg_free(rows->file->blocks);
        wg_free(rows->file);
    }
    wg_free(rows->adopted);
    wg_free(rows->columns);
    wg_free(rows);
}

uint64_t wg_rows_count(const wg_rows *rows) { return rows->row_count; }
uint32_t wg_rows_column_count(const wg_rows *rows) { return rows->column_count; }

wg_type wg_rows_column_type(const wg_rows *rows, uint32_t column) {
    WG_ASSERT(column < rows->column_count);
    return rows->columns[column].type;
}

/* Goes to the piece that has the row, and gives its number there. */
static uint64_t into_piece(const wg_rows **rows, uint64_t row) {
    const uint64_t piece = row / WGI_TASK_ROWS;
    const uint32_t count = (*rows)->piece_count;
    if (count == 0) return row;
    if (piece >= count) return row - (uint64_t)count * WGI_TASK_ROWS;
    *rows = (*rows)->pieces[piece];
    return row % WGI_TASK_ROWS;
}

wg_value wg_rows_cell(const wg_rows *rows, uint64_t row, uint32_t column) {
    WG_ASSERT(row < rows->row_count);
    WG_ASSERT(column < rows->column_count);
    WG_ASSERT(rows->file == NULL);
    row = into_piece(&rows, row);
    const wg_vector v = wg_column_view(&rows->columns[column]);
    return wg_vector_value(&v, (uint32_t)row);
}

uint32_t wg_rows_piece_count(const wg_rows *rows) {
    return (uint32_t)((rows->row_count + WG_BATCH_ROWS_MAX - 1) / WG_BATCH_ROWS_MAX);
}

void wg_rows_piece(const wg_rows *rows, uint32_t piece, wg_vector *vectors, wg_batch *out) {
    const uint64_t first = (uint64_t)piece * WG_BATCH_ROWS_MAX;
    WG_ASSERT(first < rows->row_count);
    wgi_rows_view(rows, first, (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, rows->row_count - first), vectors, out);
}

void wgi_rows_view(const wg_rows *rows, uint64_t first, uint32_t n, wg_vector *vectors, wg_batch *out) {
    WG_ASSERT(first % 8 == 0);
    WG_ASSERT(first + n <= rows->row_count);
    WG_ASSERT(first >= wgi_rows_in_file(rows));
    first = into_piece(&rows, first - wgi_rows_in_file(rows));
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const wg_column *column = &rows->columns[i];
        vectors[i] = wg_column_view(column);
        if (vectors[i].kind != WG_VECTOR_FLAT) continue;
        const size_t bytes = wg_physical_bytes(wg_type_physical(column->type));
        vectors[i].data = (const uint8_t *)vectors[i].data + first * bytes;
        if (vectors[i].valid != NULL) vectors[i].valid += first / 8;
    }
    *out = (wg_batch){.row_count = n, .column_count = rows->column_count, .columns = vectors};
}

/* ---- bulk append */

static inline uint32_t row_of(const uint16_t *sel, const uint32_t *index, uint32_t i) {
    return sel != NULL ? sel[i] : index != NULL ? index[i] : i;
}

static bool column_need_valid(wg_column *column) {
    if (column->valid != NULL) return true;
    column->valid = wg_alloc(column->account, wg_bit_bytes(column->capacity) + 8);
    if (column->valid == NULL) return false;
    memset(column->valid, 0xff, wg_bit_bytes(column->capacity) + 8);
    return true;
}

static bool all_valid(const wg_vector *v, const uint16_t *sel, const uint32_t *index, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (!wg_vector_is_valid(v, row_of(sel, index, i))) return false;
    return true;
}

/* Writes the validity of n appended rows whose cells are in place. */
static bool append_validity(wg_column *column, const wg_vector *v, const uint16_t *sel, const uint32_t *index,
                            uint32_t n) {
    if (column->valid == NULL && (v->valid == NULL || all_valid(v, sel, index, n))) return true;
    if (!column_need_valid(column)) return false;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t to = column->row_count + i;
        if (wg_vector_is_valid(v, row_of(sel, index, i))) {
            wg_bit_set(column->valid, to);
        } else {
            wg_bit_clear(column->valid, to);
            column->null_count++;
        }
    }
    return true;
}

static bool append_strings(wg_column *column, const wg_vector *v, const uint16_t *sel, const uint32_t *index,
                           uint32_t n) {
    wg_str *to = (wg_str *)column->data + column->row_count;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t row = row_of(sel, index, i);
        to[i] = (wg_str){0};
        if (!wg_vector_is_valid(v, row)) continue;
        to[i] = ((const wg_str *)v->data)[wg_vector_cell(v, row)];
        if (column->strings == NULL || to[i].size == 0) continue;
        to[i].data = wg_arena_copy(column->strings, to[i].data, to[i].size);
        if (to[i].data == NULL) return false;
    }
    return true;
}

#define COPY_CELLS(ctype)                                                                                       \
    do {                                                                                                        \
        ctype *to = (ctype *)column->data + column->row_count;                                                  \
        for (uint32_t i = 0; i < n; i++) {                                                                      \
            const uint32_t row = row_of(sel, index, i);                                                         \
            to[i] = wg_vector_is_valid(v, row) ? ((const ctype *)v->data)[wg_vector_cell(v, row)] : (ctype){0}; \
        }                                                                                                       \
    } while (0)

bool wgi_column_append(wg_column *column, const wg_vector *v, const uint16_t *sel, const uint32_t *index,
                       uint32_t n) {
    if (n == 0) return true;
    if (!wg_column_reserve(column, n)) return false;
    const wg_physical physical = wg_type_physical(column->type);
    if (v->type != column->type || physical == WG_PHYSICAL_VALUE) {
        for (uint32_t i = 0; i < n; i++) {
            const wg_value value = wg_vector_value(v, row_of(sel, index, i));
            if (!wg_column_append_value(column, &value)) return false;
        }
        return true;
    }
    switch (physical) {
        case WG_PHYSICAL_BOOL:
            COPY_CELLS(uint8_t);
            break;
        case WG_PHYSICAL_I64:
        case WG_PHYSICAL_F64:
        case WG_PHYSICAL_ID:
            COPY_CELLS(uint64_t);
            break;
        case WG_PHYSICAL_STR:
            if (!append_strings(column, v, sel, index, n)) return false;
            break;
        case WG_PHYSICAL_VALUE:
            WG_UNREACHABLE("handled above");
    }
    if (!append_validity(column, v, sel, index, n)) return false;
    column->row_count += n;
    return true;
}
#undef COPY_CELLS

static wg_code check_room(const wg_rows *rows, uint64_t more, wg_error *err) {
    if (more <= UINT32_MAX - rows->row_count) return WG_OK;
    return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %u rows in one intermediate result", UINT32_MAX);
}

wg_code wgi_rows_append(wg_rows *rows, const wg_batch *batch, wg_error *err) {
    WG_ASSERT(batch->column_count >= rows->column_count);
    WG_TRY(check_room(rows, batch->row_count, err));
    for (uint32_t i = 0; i < rows->column_count; i++)
        if (!wgi_column_append(&rows->columns[i], &batch->columns[i], batch->sel, NULL, batch->row_count))
            return wg_error_nomem(err, batch->row_count);
    rows->row_count += batch->row_count;
    return WG_OK;
}

static bool adopt_arena(wg_rows *rows, wg_arena *arena) {
    if (arena->blocks == NULL) return true;
    if (rows->adopted_count == rows->adopted_capacity) {
        const uint32_t capacity = rows->adopted_capacity == 0 ? 8 : rows->adopted_capacity * 2;
        wg_arena *grown = wg_realloc(rows->account, rows->adopted, capacity * sizeof *grown);
        if (grown == NULL) return false;
        rows->adopted = grown;
        rows->adopted_capacity = capacity;
    }
    rows->adopted[rows->adopted_count++] = *arena;
    wg_arena_init(arena, rows->account);
    return true;
}

static bool move_arenas(wg_rows *rows, wg_rows *from) {
    if (!adopt_arena(rows, &from->strings)) return false;
    while (from->adopted_count > 0) {
        if (!adopt_arena(rows, &from->adopted[from->adopted_count - 1])) return false;
        from->adopted_count--;
    }
    return true;
}

wg_code wgi_rows_take_strings(wg_rows *rows, wg_rows *from, wg_error *err) {
    return move_arenas(rows, from) ? WG_OK : wg_error_nomem(err, sizeof(wg_arena));
}

wg_code wgi_rows_take(wg_rows *rows, wg_rows *from, wg_error *err) {
    WG_ASSERT(rows->column_count == from->column_count);
    WG_ASSERT(from->file == NULL);
    WG_TRY(check_room(rows, from->row_count, err));
    const bool adopt = from->row_count >= ADOPT_ROWS_MIN;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        wg_column *to = &rows->columns[i];
        if (to->row_count == 0 && adopt &&
            to->type == from->columns[i].type) { /* nothing to join: swap the buffers */
            const wg_column empty = *to;
            *to = from->columns[i];
            from->columns[i] = empty;
            to->strings = &rows->strings;
            from->columns[i].strings = &from->strings;
            continue;
        }
        const wg_vector v = wg_column_view(&from->columns[i]);
        if (adopt) to->strings = NULL; /* borrowed from the arena that moves below */
        const bool ok = wgi_column_append(to, &v, NULL, NULL, (uint32_t)from->row_count);
        to->strings = &rows->strings;
        if (!ok) return wg_error_nomem(err, from->row_count);
    }
    if (adopt && !move_arenas(rows, from)) return wg_error_nomem(err, sizeof(wg_arena));
    rows->row_count += from->row_count;
    return WG_OK;
}

wg_code wgi_rows_gather(wg_rows *rows, const wg_rows *from, const uint32_t *index, uint32_t n, wg_error *err) {
    WG_TRY(check_room(rows, n, err));
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const wg_vector v = wg_column_view(&from->columns[i]);
        if (!wgi_column_append(&rows->columns[i], &v, NULL, index, n)) return wg_error_nomem(err, n);
    }
    rows->row_count += n;
    return WG_OK;
}

wg_code wgi_rows_drop_columns(wg_rows *rows, uint32_t column_count) {
    WG_ASSERT(column_count <= rows->column_count);
    while (rows->column_count > column_count) wg_column_deinit(&rows->columns[--rows->column_count]);
    return WG_OK;
}
