/* Groups of typed aggregations in a temporary file.
 *
 * A table that must make room writes its groups as rows: keys, the position where each was first seen, and the states in columns of
 * their own; blocks hold groups of one partition of the hash. At the end every partition is merged on its own: its blocks are put into an
 * empty table, whose groups then have the states of the whole query. Its rows, sorted by position, are one run, and the runs of all
 * partitions are merged to the answer (spill_runs.c). States and positions do not depend on when groups were written. Partitions also have rows that were written as they
 * came (aggregate_rows.c). Groups of a partition that do not fit into memory are merged in halves of their hashes. */
#include "exec/aggregate_internal.h"

enum { COLUMNS_MAX = 256 };

void wgi_agg_spill_init(wgi_agg_spill *s, const wg_plan *plan, const wg_exec_context *context) {
    *s = (wgi_agg_spill){.plan = plan, .context = context};
    wg_mutex_init(&s->lock, WG_RANK_POOL + 2);
}

void wgi_agg_spill_deinit(wgi_agg_spill *s) {
    wgi_spill_release(s->file);
    wg_free(s->pieces);
    wg_mutex_deinit(&s->lock);
}

/* ---- columns of a block: keys, position, then of each aggregate: count, cells */

typedef struct layout {
    wg_type types[COLUMNS_MAX];
    uint32_t count;
} layout;

static uint32_t state_types(const wgi_agg_states *s, wg_type *out) {
    uint32_t n = 0;
    if (s->counted) out[n++] = WG_TYPE_INT;
    switch (s->op) {
        case WGI_AGG_COUNT:
            break;
        case WGI_AGG_SUM_INT:
            out[n++] = WG_TYPE_INT;
            out[n++] = WG_TYPE_INT;
            break;
        case WGI_AGG_SUM_FLOAT:
            out[n++] = WG_TYPE_BYTES;
            break;
        case WGI_AGG_BEST_I64:
            out[n++] = WG_TYPE_INT;
            break;
        case WGI_AGG_BEST_F64:
            out[n++] = WG_TYPE_FLOAT;
            break;
        case WGI_AGG_BEST_STR:
            out[n++] = WG_TYPE_STRING;
            break;
    }
    return n;
}

static wg_code make_layout(const wgi_agg_table *t, layout *out, wg_error *err) {
    out->count = 0;
    if (t->key_count + 1 + 3 * t->state_count > COLUMNS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET,
                            "an aggregation of so many aggregates cannot use temporary files; raise "
                            "query_memory_bytes_max");
    for (uint32_t k = 0; k < t->key_count; k++) out->types[out->count++] = t->keys[k].type;
    out->types[out->count++] = WG_TYPE_INT;
    for (uint32_t i = 0; i < t->state_count; i++) out->count += state_types(&t->states[i], out->types + out->count);
    return WG_OK;
}

/* ---- writing */

static bool put_state(wgi_agg_states *s, uint32_t g, wg_column *columns, wg_buf *scratch, wg_account *account,
                      wg_error *err) {
    if (s->counted && !wg_column_append_i64(columns++, (int64_t)s->counts[g])) return false;
    if (s->has != NULL && s->has[g] == 0) return wg_column_append_null(columns);
    switch (s->op) {
        case WGI_AGG_COUNT:
            return true;
        case WGI_AGG_SUM_INT: {
            const wg_i128 sum = ((const wg_i128 *)s->cells)[g];
            return wg_column_append_i64(&columns[0], (int64_t)(uint64_t)sum) &&
                   wg_column_append_i64(&columns[1], (int64_t)(sum >> 64));
        }
        case WGI_AGG_SUM_FLOAT:
            scratch->size = 0;
            return wgi_float_sum_encode(&((wgi_float_sum *)s->cells)[g], account, scratch, err) == WG_OK &&
                   wg_column_append_str(columns, wg_str_of_slice(wg_buf_slice(scratch)));
        case WGI_AGG_BEST_I64:
            return wg_column_append_i64(columns, ((const int64_t *)s->cells)[g]);
        case WGI_AGG_BEST_F64:
            return wg_column_append_f64(columns, ((const double *)s->cells)[g]);
        case WGI_AGG_BEST_STR:
            return wg_column_append_str(columns, ((const wg_str *)s->cells)[g]);
    }
    WG_UNREACHABLE("a wgi_agg_op outside its enum");
}

static uint32_t state_columns(const wgi_agg_states *s) {
    wg_type types[3];
    return state_types(s, types);
}

/* Groups index[0..n) as rows. */
static wg_code collect_groups(wgi_agg_table *t, const layout *l, const uint32_t *index, uint32_t n, wg_rows **out,
                              wg_error *err) {
    wg_rows *rows = NULL;
    wg_buf scratch;
    wg_buf_init(&scratch, t->account);
    wg_code code = wgi_rows_create(l->types, l->count, t->account, &rows, err);
    if (code != WG_OK) return code;
    bool ok = true;
    for (uint32_t k = 0; k < t->key_count && ok; k++) {
        const wg_vector keys = wg_column_view(&t->keys[k]);
        rows->columns[k].strings = NULL; /* borrowed until the block is written */
        ok = wgi_column_append(&rows->columns[k], &keys, NULL, index, n);
    }
    for (uint32_t i = 0; i < n && ok; i++)
        ok = wg_column_append_i64(&rows->columns[t->key_count], (int64_t)t->positions[index[i]]);
    uint32_t at = t->key_count + 1;
    for (uint32_t s = 0; s < t->state_count && ok; s++) {
        for (uint32_t i = 0; i < n && ok; i++)
            ok = put_state(&t->states[s], index[i], &rows->columns[at], &scratch, t->account, err);
        at += state_columns(&t->states[s]);
    }
    wg_buf_deinit(&scratch);
    rows->row_count = n;
    if (ok) *out = rows;
    else wg_rows_destroy(rows);
    return ok ? WG_OK : wg_error_nomem(err, n * sizeof(uint64_t));
}

static wg_code note_piece(wgi_agg_spill *s, uint32_t partition, bool is_rows, const wgi_spill_block *block,
                          wg_error *err) {
    wg_code code = WG_OK;
    wg_mutex_lock(&s->lock);
    if (s->count == s->capacity) {
        const uint32_t capacity = s->capacity == 0 ? 128 : s->capacity * 2;
        wgi_agg_piece *grown = wg_realloc(s->context->account, s->pieces, capacity * sizeof *grown);
        if (grown == NULL) WG_TRY_GOTO(wg_error_nomem(err, capacity * sizeof *grown));
        s->pieces = grown;
        s->capacity = capacity;
    }
    s->pieces[s->count++] = (wgi_agg_piece){partition, is_rows, *block};
fail:
    wg_mutex_unlock(&s->lock);
    return code;
}

static wg_code write_groups(wgi_agg_spill *s, wgi_agg_table *t, const layout *l, uint32_t partition,
                            const uint32_t *index, uint32_t n, wg_error *err) {
    for (uint32_t i = 0; i < n; i += WGI_TASK_ROWS) {
        wg_rows *rows = NULL;
        wgi_spill_block block;
        wg_vector views[COLUMNS_MAX];
        const uint32_t count = n - i < WGI_TASK_ROWS ? n - i : WGI_TASK_ROWS;
        WG_TRY(collect_groups(t, l, index + i, count, &rows, err));
        for (uint32_t c = 0; c < l->count; c++) views[c] = wg_column_view(&rows->columns[c]);
        const wgi_spill_rows part = {views, l->count, NULL, 0, count};
        const wg_code code = wgi_spill_write(s->file, &part, &block, err);
        wg_rows_destroy(rows);
        WG_TRY(code);
        WG_TRY(note_piece(s, partition, false, &block, err));
    }
    return WG_OK;
}

static wg_code open_file(wgi_agg_spill *s, wg_error *err) {
    wg_mutex_lock(&s->lock);
    const wg_code code = s->file == NULL ? wgi_spill_create(s->context, WG_SPILL_AGGREGATE, &s->file, err) : WG_OK;
    wg_mutex_unlock(&s->lock);
    return code;
}

wg_code wgi_agg_spill_rows(wgi_agg_spill *s, uint32_t partition, const wgi_spill_rows *rows, wg_error *err) {
    wgi_spill_block block;
    WG_TRY(open_file(s, err));
    WG_TRY(wgi_spill_write(s->file, rows, &block, err));
    return note_piece(s, partition, true, &block, err);
}

wg_code wgi_agg_spill_table(wgi_agg_spill *s, wgi_agg_table *t, wg_error *err) {
    layout l;
    if (t->count == 0) return WG_OK;
    WG_TRY(make_layout(t, &l, err));
    WG_TRY(open_file(s, err));
    uint32_t first[WGI_AGG_PARTITIONS + 1] = {0};
    uint32_t next[WGI_AGG_PARTITIONS];
    uint32_t *index = wg_alloc(t->account, t->count * sizeof *index);
    if (index == NULL) return wg_error_nomem(err, t->count * sizeof *index);
    for (uint32_t g = 0; g < t->count; g++) first[wgi_agg_partition(t->hashes[g]) + 1]++;
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS; p++) first[p + 1] += first[p];
    memcpy(next, first, sizeof next);
    for (uint32_t g = 0; g < t->count; g++) index[next[wgi_agg_partition(t->hashes[g])]++] = g;
    wg_code code = WG_OK;
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS && code == WG_OK; p++)
        if (first[p + 1] > first[p]) code = write_groups(s, t, &l, p, index + first[p], first[p + 1] - first[p], err);
    wg_free(index);
    if (code == WG_OK && !wgi_agg_table_clear(t)) code = wg_error_nomem(err, sizeof *t->slots);
    return code;
}

/* ---- reading */

static wg_code take_cell(wgi_agg_states *s, uint32_t g, const wg_column *columns, uint32_t row, wg_account *account,
                         wg_error *err) {
    if (s->counted) s->counts[g] = ((const uint64_t *)columns++->data)[row];
    if (s->has != NULL) {
        s->has[g] = columns->null_count == 0 || wg_bit_get(columns->valid, row) ? 1 : 0;
        if (s->has[g] == 0) return WG_OK;
    }
    switch (s->op) {
        case WGI_AGG_COUNT:
            return WG_OK;
        case WGI_AGG_SUM_INT:
            ((wg_i128 *)s->cells)[g] = (wg_i128)(((wg_u128)((const uint64_t *)columns[1].data)[row] << 64) |
                                                 ((const uint64_t *)columns[0].data)[row]);
            return WG_OK;
        case WGI_AGG_SUM_FLOAT:
            return wgi_float_sum_decode(wg_slice_of_str(((const wg_str *)columns->data)[row]), account,
                                        &((wgi_float_sum *)s->cells)[g], err);
        case WGI_AGG_BEST_I64:
        case WGI_AGG_BEST_F64:
            ((uint64_t *)s->cells)[g] = ((const uint64_t *)columns->data)[row];
            return WG_OK;
        case WGI_AGG_BEST_STR:
            ((wg_str *)s->cells)[g] = ((const wg_str *)columns->data)[row];
            return WG_OK;
    }
    WG_UNREACHABLE("a wgi_agg_op outside its enum");
}

/* What of a partition is merged at a time: the groups whose hash has `value` in the `bits` bits behind those that tell the partition. */
typedef struct share {
    uint32_t bits;
    uint32_t value;
} share;
enum { SHARE_BITS_MAX = 20 };

/* Rows of a block, those of the share, and their groups. */
typedef struct taking {
    wgi_agg_table *table;
    const wgi_agg_spill *spill;
    share share;
    wg_arena *arena;
    wg_vector *views;
    wg_batch batch;
    uint16_t sel[WG_BATCH_ROWS_MAX];
    uint32_t *index;
    uint32_t group;
} taking;

static wg_code select_share(taking *k, wg_error *err) {
    uint64_t *hashes;
    uint32_t n = 0;
    if (k->share.bits == 0) return WG_OK;
    WG_TRY(wgi_agg_table_hashes(k->table, k->views, &k->batch, k->arena, &hashes, err));
    for (uint32_t i = 0; i < k->batch.row_count; i++)
        if (hashes[i] << WGI_AGG_PARTITION_BITS >> (64 - k->share.bits) == k->share.value) k->sel[n++] = (uint16_t)i;
    if (n < k->batch.row_count) k->batch.sel = k->sel;
    k->batch.row_count = n;
    return WG_OK;
}

/* Would the table, and its groups as rows of the answer, still fit with so many more? */
static bool has_room(const wgi_agg_spill *s, const wgi_agg_table *t, uint32_t rows) {
    if (t->count < WGI_SPILL_ROWS_MIN) return true;
    const uint64_t row_bytes = 3 * sizeof(uint64_t) + s->plan->slot_count * (sizeof(wg_str) + 1);
    return wgi_spill_has_room(s->context, wgi_agg_table_growth(t, rows) + ((uint64_t)t->count + rows) * row_bytes);
}

/* Groups of the rows of the share; without any nothing is done. */
static wg_code find_groups(taking *k, wg_error *err) {
    WG_TRY(select_share(k, err));
    const uint32_t n = k->batch.row_count;
    if (n == 0) return WG_OK;
    if (!has_room(k->spill, k->table, n)) return wg_error_nomem(err, n * sizeof(uint64_t));
    WG_TRY(wgi_agg_table_find(k->table, k->views, &k->batch, k->arena, &k->index, &k->group, err));
    const uint64_t *positions = k->views[k->table->key_count].data;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t *earliest = &k->table->positions[k->index != NULL ? k->index[i] : k->group];
        *earliest = wg_min_u64(*earliest, positions[wg_batch_row(&k->batch, i)]);
    }
    return WG_OK;
}

/* Adds states of the rows. */
static wg_code merge_states(const taking *k, uint32_t number, const wg_column *columns, wg_error *err) {
    wgi_agg_table *t = k->table;
    const uint32_t n = k->batch.row_count;
    wgi_agg_states part;
    wg_code code = WG_OK;
    wgi_agg_states_init(&part, t->states[number].aggregate);
    if (!wgi_agg_states_grow(&part, t->account, 0, n)) WG_TRY_GOTO(wg_error_nomem(err, n * sizeof(uint64_t)));
    for (uint32_t i = 0; i < n; i++) {
        WG_TRY_GOTO(take_cell(&part, i, columns, wg_batch_row(&k->batch, i), t->account, err));
        const uint32_t to = k->index != NULL ? k->index[i] : k->group;
        if (!wgi_agg_states_merge(&t->states[number], to, &part, i, t->account))
            WG_TRY_GOTO(wg_error_nomem(err, 544));
    }
fail:
    wgi_agg_states_deinit(&part, n);
    return code;
}

static wg_code take_states(const taking *k, const wg_rows *rows, uint64_t first, wg_error *err) {
    wg_column columns[COLUMNS_MAX];
    wgi_agg_table *t = k->table;
    uint32_t at = t->key_count + 1;
    for (uint32_t s = 0; s < t->state_count; s++) {
        for (uint32_t c = 0; c < state_columns(&t->states[s]); c++) {
            columns[c] = rows->columns[at + c];
            const size_t bytes = wg_physical_bytes(wg_type_physical(columns[c].type));
            columns[c].data = (uint8_t *)columns[c].data + first * bytes;
            if (columns[c].valid != NULL) columns[c].valid += first / 8;
        }
        WG_TRY(merge_states(k, s, columns, err));
        at += state_columns(&t->states[s]);
    }
    return WG_OK;
}

static wg_code take_arguments(const taking *k, wg_error *err) {
    wgi_agg_table *t = k->table;
    uint32_t at = t->key_count + 1;
    for (uint32_t s = 0; s < t->state_count; s++) {
        wgi_dense x = {.n = k->batch.row_count};
        const wg_aggregate *a = t->states[s].aggregate;
        bool ok = true;
        if (a->arg != NULL && a->kind == WG_AGG_COUNT)
            ok = wgi_dense_valid(k->arena, &k->views[at], &k->batch, &x.valid);
        else if (a->arg != NULL) ok = wgi_dense_of(k->arena, &k->views[at], &k->batch, &x);
        if (a->arg != NULL) at++;
        if (!ok || !wgi_agg_states_add(&t->states[s], &x, k->index, k->group, &t->strings, t->account))
            return wg_error_nomem(err, 544);
    }
    return WG_OK;
}

static wg_code take_rows(taking *k, const wg_rows *rows, bool is_rows, wg_error *err) {
    for (uint64_t first = 0; first < rows->row_count; first += WG_BATCH_ROWS_MAX) {
        const uint32_t n = (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, rows->row_count - first);
        k->views = wg_arena_alloc(k->arena, rows->column_count * sizeof *k->views);
        if (k->views == NULL) return wg_error_nomem(err, rows->column_count * sizeof *k->views);
        wgi_rows_view(rows, first, n, k->views, &k->batch);
        WG_TRY(find_groups(k, err));
        if (k->batch.row_count > 0) WG_TRY(is_rows ? take_arguments(k, err) : take_states(k, rows, first, err));
        wg_arena_reset(k->arena);
    }
    return WG_OK;
}

/* ---- one partition */

typedef struct finisher {
    wgi_agg_spill *spill;
    wgi_runs runs;
    wg_mutex lock; /* guards runs; rank WG_RANK_POOL + 2 */
} finisher;

/* Best strings of groups point into the blocks: these stay until the rows are written. */
static bool borrows_strings(const wgi_agg_table *t) {
    for (uint32_t i = 0; i < t->state_count; i++)
        if (t->states[i].op == WGI_AGG_BEST_STR) return true;
    return false;
}

static wg_code read_partition(const finisher *f, uint32_t partition, const share *part, wgi_agg_table *t,
                              wg_rows *strings, wg_error *err) {
    layout states;
    layout plain;
    wg_arena arena;
    wg_rows *rows = NULL;
    wg_code code = WG_OK;
    WG_TRY(make_layout(t, &states, err));
    plain.count = wgi_agg_can_deal(f->spill->plan) ? wgi_agg_rows_types(f->spill->plan, plain.types) : 0;
    wg_arena_init(&arena, t->account);
    taking k = {.table = t, .spill = f->spill, .share = *part, .arena = &arena};
    t->direct_off = true;                          /* its keys lie scattered */
    wgi_agg_table_begin(t, WGI_AGG_TASKS_MAX - 1); /* above every position in the file */
    for (uint32_t i = 0; i < f->spill->count; i++) {
        const wgi_agg_piece *piece = &f->spill->pieces[i];
        if (piece->partition != partition) continue;
        const layout *l = piece->is_rows ? &plain : &states;
        WG_TRY_GOTO(wgi_spill_read(f->spill->file, &piece->block, l->types, l->count, &rows, err));
        WG_TRY_GOTO(take_rows(&k, rows, piece->is_rows, err));
        if (!piece->is_rows && borrows_strings(t)) WG_TRY_GOTO(wgi_rows_take_strings(strings, rows, err));
        wg_rows_destroy(rows);
        rows = NULL;
    }
fail:
    wg_rows_destroy(rows);
    wg_arena_deinit(&arena);
    return code;
}

/* The groups as rows of the answer, with their positions behind. */
static wg_code partition_rows(const finisher *f, wgi_agg_table *t, wg_rows **out, wg_error *err) {
    wg_rows *rows = NULL;
    wg_code code = WG_OK;
    WG_TRY(wgi_rows_create(f->runs.types, f->runs.column_count, t->account, &rows, err));
    rows->row_count = t->count;
    for (uint32_t c = 0; c < f->runs.column_count; c++) {
        wg_column *column = &rows->columns[c];
        if (c < t->key_count) {
            const wg_vector keys = wg_column_view(&t->keys[c]);
            column->strings = NULL;
            if (!wgi_column_append(column, &keys, NULL, NULL, t->count))
                WG_TRY_GOTO(wg_error_nomem(err, t->count * sizeof(uint64_t)));
            continue;
        }
        if (!wgi_agg_size_column(column, t->count, true))
            WG_TRY_GOTO(wg_error_nomem(err, t->count * sizeof(uint64_t)));
        if (c == t->key_count + t->state_count) {
            memcpy(column->data, t->positions, t->count * sizeof *t->positions);
            continue;
        }
        for (uint32_t g = 0; g < t->count; g++)
            WG_TRY_GOTO(wgi_agg_states_result(&t->states[c - t->key_count], g, column, g, err));
        column->null_count = t->count - (uint32_t)wg_bit_count(column->valid, t->count);
    }
    *out = rows;
    return WG_OK;
fail:
    wg_rows_destroy(rows);
    return code;
}

/* Numbers of groups by position: a merge sort of pairs. */
static wg_code sort_groups(const wgi_agg_table *t, uint32_t **out, wg_error *err) {
    const uint32_t n = t->count;
    uint32_t *from = wg_alloc(t->account, (n + 1) * sizeof *from);
    uint32_t *to = wg_alloc(t->account, (n + 1) * sizeof *to);
    if (from == NULL || to == NULL) {
        wg_free(from);
        wg_free(to);
        return wg_error_nomem(err, n * sizeof *to);
    }
    for (uint32_t i = 0; i < n; i++) from[i] = i;
    for (uint64_t width = 1; width < n; width *= 2) {
        for (uint64_t i = 0; i < n; i += 2 * width) {
            const uint64_t middle = wg_min_u64(i + width, n);
            const uint64_t last = wg_min_u64(i + 2 * width, n);
            uint64_t x = i;
            uint64_t y = middle;
            for (uint64_t k = i; k < last; k++)
                to[k] = y < last && (x >= middle || t->positions[from[y]] < t->positions[from[x]]) ? from[y++]
                                                                                                   : from[x++];
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    wg_free(to);
    *out = from;
    return WG_OK;
}

/* The groups of a share as a run. */
static wg_code finish_share(finisher *f, uint32_t partition, const share *part, wg_error *err) {
    wgi_agg_table *t = NULL;
    wg_rows *strings = NULL;
    wg_rows *rows = NULL;
    uint32_t *index = NULL;
    wg_code code = WG_OK;
    WG_TRY(wgi_agg_table_create(f->spill->plan, f->spill->context->account, &t, err));
    WG_TRY_GOTO(wgi_rows_create(NULL, 0, t->account, &strings, err));
    WG_TRY_GOTO(read_partition(f, partition, part, t, strings, err));
    if (t->count > 0) {
        WG_TRY_GOTO(partition_rows(f, t, &rows, err));
        WG_TRY_GOTO(sort_groups(t, &index, err));
        wg_mutex_lock(&f->lock);
        code = wgi_runs_add(&f->runs, rows, index, t->count, err);
        wg_mutex_unlock(&f->lock);
    }
fail:
    wg_free(index);
    wg_rows_destroy(rows);
    wgi_agg_table_destroy(t);
    wg_rows_destroy(strings);
    return code;
}

/* What does not fit is merged in halves, for each of which the partition is read again. */
static wg_code finish_partition(finisher *f, uint32_t partition, const share *part, wg_error *err) {
    WG_TRY(wgi_check(f->spill->context, err));
    const wg_code code = finish_share(f, partition, part, err);
    if (code != WG_E_NOMEM || part->bits == SHARE_BITS_MAX) return code;
    if (err != NULL) wg_error_clear(err);
    for (uint32_t half = 0; half < 2; half++)
        WG_TRY(finish_partition(f, partition, &(const share){part->bits + 1, part->value * 2 + half}, err));
    return WG_OK;
}

static wg_code finish_partitions(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    finisher *f = arg;
    for (uint64_t p = first; p < last; p++) {
        WG_TRY(finish_partition(f, (uint32_t)p, &(const share){0}, err));
    }
    return WG_OK;
}

wg_code wgi_agg_spill_finish(wgi_agg_spill *s, wg_rows **out, wg_error *err) {
    const uint32_t columns = s->plan->slot_count;
    wg_type types[COLUMNS_MAX];
    if (columns + 1 > COLUMNS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "too many columns for temporary files");
    for (uint32_t c = 0; c <= columns; c++) types[c] = c < columns ? s->plan->slot_types[c] : WG_TYPE_INT;
    finisher f = {.spill = s,
                  .runs = {.context = s->context,
                           .types = types,
                           .column_count = columns + 1,
                           .keep = columns,
                           .key_count = 1,
                           .user = WG_SPILL_AGGREGATE}};
    wg_rows *rows = NULL;
    wg_code code = WG_OK;
    wg_mutex_init(&f.lock, WG_RANK_POOL + 2);
    const uint32_t threads = s->context->threads < WG_POOL_WORKERS_MAX ? s->context->threads : WG_POOL_WORKERS_MAX;
    const wg_pool_range range = {
        .count = WGI_AGG_PARTITIONS, .grain = 1, .workers = threads, .fn = finish_partitions, .arg = &f};
    WG_TRY_GOTO(wg_pool_for(s->context->pool, &range, err));
    wgi_spill_release(s->file); /* read for the last time: its room on the disk is free from here */
    s->file = NULL;
    WG_TRY_GOTO(wgi_rows_create(types, columns, s->context->account, &rows, err));
    WG_TRY_GOTO(wgi_runs_merge(&f.runs, UINT64_MAX, rows, err));
    *out = rows;
    rows = NULL;
fail:
    wg_rows_destroy(rows);
    wgi_runs_deinit(&f.runs);
    wg_mutex_deinit(&f.lock);
    return code;
}
