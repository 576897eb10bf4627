/* Groups of values of any type in temporary files: what aggregate.c does where memory is short.
 *
 * Groups are written as rows: keys, a value for the state of each aggregate, and the position where the group was first seen. A state is a value
 * that gives it back exactly: a number for a count; the parts of a sum, an exact sum of floats as bytes; the value itself for min and max; the list
 * for collect; for an aggregate of DISTINCT values the list of these. The rows are dealt into parts by their keys (spill_parts.c). At
 * the end each part is merged on its own, its rows in the order in which they were written, which is that of the rows of the query, as the
 * groups of a task that comes later are merged otherwise. A part's groups are then in the order of their positions: a run. A part that does not fit is merged in
 * halves of the hashes, which are runs of their own.
 *
 * A result that fails (an integer overflow in sum()) is reported as without files: of the first aggregate that has one, for the first group. */
#include "exec/aggregate_groups.h"

enum { SUM_PARTS = 10, SHARE_BITS_MAX = 20, SLICE_GROUPS = 4 * WG_BATCH_ROWS_MAX };

/* What of a part is merged at a time: the groups whose hash has `value` in the `bits` bits behind those that tell the part. */
typedef struct share {
    uint32_t bits;
    uint32_t value;
} share;

static bool is_of_share(const share *part, uint64_t hash) {
    return part->bits == 0 || hash << WGI_PART_BITS >> (64 - part->bits) == part->value;
}

wg_code wgi_groups_spill_init(wgi_groups_spill *s, const wg_plan *plan, const wg_exec_context *context,
                              wg_error *err) {
    const uint32_t keys = wgi_agg_key_count(plan);
    const uint32_t columns = keys + plan->aggregate_count + 1;
    *s = (wgi_groups_spill){.plan = plan, .context = context, .is_possible = wgi_spill_is_possible(context)};
    if (!s->is_possible) return WG_OK;
    s->types = wg_alloc(context->account, columns * sizeof *s->types);
    if (s->types == NULL) return wg_error_nomem(err, columns * sizeof *s->types);
    for (uint32_t c = 0; c < columns; c++) s->types[c] = c < keys ? plan->slot_types[c] : WG_TYPE_ANY;
    s->types[columns - 1] = WG_TYPE_INT;
    const wgi_parts shape = {.context = context,
                             .types = s->types,
                             .column_count = columns,
                             .key_count = keys,
                             .user = WG_SPILL_AGGREGATE};
    return wgi_parts_like(&shape, 0, &s->parts, err);
}

void wgi_groups_spill_deinit(wgi_groups_spill *s) {
    wgi_parts_deinit(&s->parts);
    wg_free(s->types);
    s->types = NULL;
}

/* ---- states as values */

static void put_i128(wg_value *out, wg_i128 v) {
    out[0] = wg_value_int(wg_i64_of_u64((uint64_t)v));
    out[1] = wg_value_int((int64_t)(v >> 64));
}

static wg_i128 take_i128(const wg_value *v) {
    return (wg_i128)((wg_u128)wg_u64_of_i64(v[1].as.i) << 64 | wg_u64_of_i64(v[0].as.i));
}

static wg_code sum_value(wgi_sum_state *s, wg_account *account, wg_arena *arena, wg_value *out, wg_error *err) {
    wg_buf bytes;
    wg_buf_init(&bytes, account);
    wg_code code = wgi_float_sum_encode(&s->floats, account, &bytes, err);
    wg_value *parts = wg_arena_alloc(arena, SUM_PARTS * sizeof *parts);
    const void *copy = bytes.size == 0 ? NULL : wg_arena_copy(arena, bytes.data, bytes.size);
    if (code == WG_OK && (parts == NULL || (copy == NULL && bytes.size != 0)))
        code = wg_error_nomem(err, SUM_PARTS * sizeof *parts);
    if (code == WG_OK) {
        put_i128(parts, s->ints);
        put_i128(parts + 2, s->months);
        put_i128(parts + 4, s->days);
        parts[6] = wg_value_int(wg_i64_of_u64(s->count));
        parts[7] = wg_value_int(wg_i64_of_u64(s->spans));
        parts[8] = wg_value_bool(s->saw_float);
        parts[9] = (wg_value){.type = WG_TYPE_BYTES, .size = (uint32_t)bytes.size, .as.s = copy};
        *out = (wg_value){.type = WG_TYPE_LIST, .size = SUM_PARTS, .as.list = parts};
    }
    wg_buf_deinit(&bytes);
    return code;
}

static wg_code take_sum(const wg_value *v, wg_account *account, wgi_sum_state *s, wg_error *err) {
    if (v->type != WG_TYPE_LIST || v->size != SUM_PARTS || v->as.list[9].type != WG_TYPE_BYTES)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a sum in a temporary file is not the one written");
    const wg_value *parts = v->as.list;
    s->ints = take_i128(parts);
    s->months = take_i128(parts + 2);
    s->days = take_i128(parts + 4);
    s->count = wg_u64_of_i64(parts[6].as.i);
    s->spans = wg_u64_of_i64(parts[7].as.i);
    s->saw_float = parts[8].as.b;
    return wgi_float_sum_decode(wg_slice_of(parts[9].as.s, parts[9].size), account, &s->floats, err);
}

/* Lists of the different values of each group, in the order in which they were seen. */
static wg_code put_distinct(const wgi_groups *g, uint32_t i, wg_arena *arena, wg_column *column, wg_error *err) {
    const wgi_row_table *table = &g->distinct[i];
    const uint32_t n = table->row_count;
    const int64_t *group_of = table->columns[0].data;
    const wg_vector values = wg_column_view(&table->columns[1]);
    uint32_t *first = wg_arena_alloc_zero(arena, ((size_t)g->count + 2) * sizeof *first);
    wg_value *items = wg_arena_alloc(arena, ((size_t)n + 1) * sizeof *items);
    if (first == NULL || items == NULL) return wg_error_nomem(err, n * sizeof *items);
    for (uint32_t row = 0; row < n; row++) first[group_of[row] + 2]++;
    for (uint32_t k = 0; k < g->count; k++) first[k + 2] += first[k + 1];
    for (uint32_t row = 0; row < n; row++) items[first[group_of[row] + 1]++] = wg_vector_value(&values, row);
    for (uint32_t k = 0; k < g->count; k++) {
        const wg_value list = {.type = WG_TYPE_LIST, .size = first[k + 1] - first[k], .as.list = items + first[k]};
        if (!wg_column_append_value(column, &list)) return wg_error_nomem(err, sizeof list);
    }
    return WG_OK;
}

/* Groups that are written at a time. */
typedef struct slice {
    const wgi_groups *groups;
    uint32_t first; /* a multiple of eight */
    uint32_t end;
} slice;

static wg_code put_states(const wgi_groups_spill *s, const slice *some, uint32_t i, wg_arena *arena,
                          wg_column *column, wg_error *err) {
    const wg_aggregate *a = &s->plan->aggregates[i];
    const wgi_groups *g = some->groups;
    if (a->distinct) return put_distinct(g, i, arena, column, err);
    for (uint32_t k = some->first; k < some->end; k++) {
        wg_value v = wg_value_null();
        if (a->kind == WG_AGG_SUM || a->kind == WG_AGG_AVG)
            WG_TRY(sum_value(&((wgi_sum_state *)g->states[i])[k], s->context->account, arena, &v, err));
        else if (a->kind == WG_AGG_MIN || a->kind == WG_AGG_MAX) v = ((const wg_value *)g->states[i])[k];
        else if (a->kind == WG_AGG_COLLECT) {
            const wgi_list_state *list = &((const wgi_list_state *)g->states[i])[k];
            v = (wg_value){.type = WG_TYPE_LIST, .size = list->count, .as.list = list->items};
        } else v = wg_value_int(wg_i64_of_u64(((const uint64_t *)g->states[i])[k]));
        if (!wg_column_append_value(column, &v)) return wg_error_nomem(err, sizeof v);
    }
    return WG_OK;
}

static bool put_keys(const slice *some, uint32_t key, wg_column *column) {
    wg_vector v = wg_column_view(&some->groups->keys.columns[key]);
    v.data = (const uint8_t *)v.data + some->first * wg_physical_bytes(wg_type_physical(v.type));
    if (v.valid != NULL) v.valid += some->first / 8;
    return wgi_column_append(column, &v, NULL, NULL, some->end - some->first);
}

static wg_code write_slice(const wgi_groups_spill *s, const slice *some, uint64_t position, wgi_parts *parts,
                           wg_error *err) {
    const uint32_t keys = wgi_agg_key_count(s->plan);
    const uint32_t n = some->end - some->first;
    wg_account *account = s->context->account;
    wg_arena arena;
    wg_rows *rows = NULL;
    wg_code code = WG_OK;
    wg_arena_init(&arena, account);
    WG_TRY_GOTO(wgi_rows_create(s->types, s->parts.column_count, account, &rows, err));
    for (uint32_t c = 0; c < rows->column_count; c++) rows->columns[c].strings = NULL; /* borrowed for the call */
    for (uint32_t k = 0; k < keys; k++)
        if (!put_keys(some, k, &rows->columns[k])) WG_TRY_GOTO(wg_error_nomem(err, n * sizeof(wg_value)));
    for (uint32_t i = 0; i < s->plan->aggregate_count; i++)
        WG_TRY_GOTO(put_states(s, some, i, &arena, &rows->columns[keys + i], err));
    for (uint32_t k = some->first; k < some->end; k++)
        if (!wg_column_append_i64(&rows->columns[rows->column_count - 1], (int64_t)(position + k)))
            WG_TRY_GOTO(wg_error_nomem(err, n * sizeof(int64_t)));
    rows->row_count = n;
    code = wgi_parts_add(parts, rows, err);
fail:
    wg_rows_destroy(rows);
    wg_arena_deinit(&arena);
    return code;
}

/* In slices, because states as values are larger than the states; those with lists of DISTINCT values at once. */
wg_code wgi_groups_write(const wgi_groups_spill *s, const wgi_groups *g, uint64_t position, wgi_parts *parts,
                         wg_error *err) {
    uint32_t step = SLICE_GROUPS;
    WG_ASSERT(wgi_agg_key_count(s->plan) > 0);
    for (uint32_t i = 0; i < s->plan->aggregate_count; i++)
        if (s->plan->aggregates[i].distinct) step = UINT32_MAX;
    for (uint32_t first = 0; first < g->count;) {
        const slice some = {g, first, g->count - first < step ? g->count : first + step};
        WG_TRY(write_slice(s, &some, position, parts, err));
        first = some.end;
    }
    return WG_OK;
}

/* ---- back to groups */

static wg_code damaged(wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a state in a temporary file is not the one written");
}

static wg_code take_distinct(wgi_row_table *table, uint32_t group, const wg_value *list, wg_error *err) {
    if (list->type != WG_TYPE_LIST) return damaged(err);
    for (uint32_t k = 0; k < list->size; k++) {
        if (!wg_column_append_i64(&table->columns[0], group) ||
            !wg_column_append_value(&table->columns[1], &list->as.list[k]))
            return wg_error_nomem(err, sizeof(wg_value));
        table->row_count++;
    }
    return WG_OK;
}

static wg_code take_list(const wg_value *v, wg_account *account, wgi_list_state *out, wg_error *err) {
    if (v->type != WG_TYPE_LIST) return damaged(err);
    if (v->size == 0) return WG_OK;
    out->items = wg_alloc(account, v->size * sizeof *out->items);
    if (out->items == NULL) return wg_error_nomem(err, v->size * sizeof *out->items);
    memcpy(out->items, v->as.list, v->size * sizeof *out->items);
    out->count = out->capacity = v->size;
    return WG_OK;
}

static wg_code take_state(const wgi_groups_spill *s, wgi_groups *g, uint32_t i, uint32_t group, const wg_value *v,
                          wg_error *err) {
    const wg_aggregate *a = &s->plan->aggregates[i];
    if (a->distinct) return take_distinct(&g->distinct[i], group, v, err);
    if (a->kind == WG_AGG_SUM || a->kind == WG_AGG_AVG)
        return take_sum(v, s->context->account, &((wgi_sum_state *)g->states[i])[group], err);
    if (a->kind == WG_AGG_COLLECT)
        return take_list(v, s->context->account, &((wgi_list_state *)g->states[i])[group], err);
    if (a->kind == WG_AGG_MIN || a->kind == WG_AGG_MAX) ((wg_value *)g->states[i])[group] = *v;
    else if (v->type == WG_TYPE_INT) ((uint64_t *)g->states[i])[group] = wg_u64_of_i64(v->as.i);
    else return damaged(err);
    return WG_OK;
}

/* Rows [first, first + n), those of the share, as groups, which borrow what the rows point at. */
static wg_code take_rows(const wgi_groups_spill *s, const share *part, const wg_rows *rows, uint64_t first,
                         uint32_t n, wgi_groups *g, wg_error *err) {
    const uint32_t keys = wgi_agg_key_count(s->plan);
    wg_vector *views = wg_arena_alloc(&g->strings, (rows->column_count + 1) * sizeof *views);
    uint64_t *hashes = wg_arena_alloc(&g->strings, n * sizeof *hashes);
    wg_batch batch;
    if (views == NULL || hashes == NULL) return wg_error_nomem(err, n * sizeof *hashes);
    wgi_rows_view(rows, first, n, views, &batch);
    wgi_hash_rows(s->types, views, keys, &batch, hashes);
    for (uint32_t row = 0; row < n; row++) {
        uint32_t group;
        bool is_new;
        if (!is_of_share(part, hashes[row])) continue;
        WG_TRY(wgi_row_table_put(&g->keys, views, row, hashes[row], &group, &is_new, err));
        WG_ASSERT(is_new);
        WG_TRY(wgi_groups_reserve(s->plan, g, s->context->account, g->keys.row_count, err));
        g->positions[group] = ((const uint64_t *)views[rows->column_count - 1].data)[row];
        for (uint32_t i = 0; i < s->plan->aggregate_count; i++) {
            const wg_value v = wg_vector_value(&views[keys + i], row);
            WG_TRY(take_state(s, g, i, group, &v, err));
        }
    }
    return WG_OK;
}

static wg_code placed_groups(const wgi_groups_spill *s, wgi_groups **out, wg_error *err) {
    WG_TRY(wgi_groups_create(s->plan, s->context->account, out, err));
    (*out)->is_placed = true;
    return WG_OK;
}

/* Would the groups, and the rows of the answer that they become, still fit if they doubled? */
static bool has_room(const wgi_groups_spill *s, const wgi_groups *g) {
    return g->count < WGI_SPILL_ROWS_MIN || wgi_spill_has_room(s->context, wgi_groups_growth(s->plan, g));
}

/* Adds one piece: rows of one write, whose keys differ. */
static wg_code merge_piece(const wgi_groups_spill *s, const wgi_part_piece *piece, const share *part, wgi_groups *all,
                           wg_error *err) {
    wg_rows *rows = NULL;
    wgi_groups *g = NULL;
    wg_code code = WG_OK;
    WG_TRY(wgi_spill_read(s->parts.file, &piece->block, s->types, s->parts.column_count, &rows, err));
    for (uint64_t first = 0; first < rows->row_count && code == WG_OK; first += WG_BATCH_ROWS_MAX) {
        const uint32_t n = (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, rows->row_count - first);
        code = placed_groups(s, &g, err);
        if (code != WG_OK) break;
        code = take_rows(s, part, rows, first, n, g, err);
        if (code == WG_OK && !has_room(s, all)) code = wg_error_nomem(err, all->count * sizeof(wg_value));
        if (code == WG_OK) code = wgi_groups_merge(s->plan, all, g, err);
        wgi_groups_destroy(s->plan, g);
    }
    wg_rows_destroy(rows);
    return code;
}

/* ---- the answer */

typedef struct finisher {
    wgi_groups_spill *spill;
    wgi_runs runs;
    bool failed; /* with the error of the first aggregate and, of its groups, the first */
    uint32_t failed_aggregate;
    uint64_t failed_position;
    wg_error error;
} finisher;

static bool is_of_data(wg_code code) { return code == WG_E_VALUE || code == WG_E_TYPE; }

static void note_failure(finisher *f, const wgi_groups_failure *failure, uint64_t position, const wg_error *error) {
    const bool earlier = !f->failed || failure->aggregate < f->failed_aggregate ||
                         (failure->aggregate == f->failed_aggregate && position < f->failed_position);
    if (!earlier) return;
    f->failed = true;
    f->failed_aggregate = failure->aggregate;
    f->failed_position = position;
    f->error = *error;
}

/* The rows of the groups of a part, with their positions behind, as a run. */
static wg_code put_run(finisher *f, wgi_groups *g, wg_error *err) {
    wg_account *account = f->spill->context->account;
    wgi_groups_failure failure = {0};
    wg_error local = {0};
    wg_rows *rows = NULL;
    wg_rows *run = NULL;
    wg_code code = wgi_groups_rows(f->spill->plan, g, account, &failure, &rows, &local);
    if (is_of_data(code)) {
        note_failure(f, &failure, g->positions[failure.group], &local);
        return WG_OK;
    }
    if (code != WG_OK) {
        if (err != NULL) *err = local;
        return code;
    }
    WG_TRY_GOTO(wgi_rows_create(f->runs.types, f->runs.column_count, account, &run, err));
    for (uint32_t c = 0; c < rows->column_count; c++) {
        wg_column *to = &run->columns[c];
        const wg_column empty = *to;
        *to = rows->columns[c];
        rows->columns[c] = empty;
        to->strings = &run->strings;
        rows->columns[c].strings = &rows->strings;
    }
    for (uint64_t i = 0; i < rows->row_count; i++)
        if (!wg_column_append_i64(&run->columns[f->runs.keep], (int64_t)g->positions[i]))
            WG_TRY_GOTO(wg_error_nomem(err, rows->row_count * sizeof(int64_t)));
    run->row_count = rows->row_count;
    code = wgi_runs_add(&f->runs, run, NULL, (uint32_t)run->row_count, err);
fail:
    wg_rows_destroy(run);
    wg_rows_destroy(rows);
    return code;
}

static wg_code finish_share(finisher *f, uint32_t number, const share *part, wg_error *err) {
    const wgi_parts *parts = &f->spill->parts;
    wgi_groups *all = NULL;
    wg_code code = WG_OK;
    WG_TRY(placed_groups(f->spill, &all, err));
    for (uint32_t i = 0; i < parts->count && code == WG_OK; i++) {
        if (parts->pieces[i].part != number) continue;
        code = wgi_check(f->spill->context, err);
        if (code == WG_OK) code = merge_piece(f->spill, &parts->pieces[i], part, all, err);
    }
    if (code == WG_OK && all->count > 0) code = put_run(f, all, err);
    wgi_groups_destroy(f->spill->plan, all);
    return code;
}

/* What does not fit is merged in halves, for each of which the part is read again. */
static wg_code finish_part(finisher *f, uint32_t number, const share *part, wg_error *err) {
    const wg_code code = finish_share(f, number, part, err);
    if (code != WG_E_NOMEM || part->bits == SHARE_BITS_MAX) return code;
    if (err != NULL) wg_error_clear(err);
    for (uint32_t half = 0; half < 2; half++)
        WG_TRY(finish_part(f, number, &(const share){part->bits + 1, part->value * 2 + half}, err));
    return WG_OK;
}

wg_code wgi_groups_finish(wgi_groups_spill *s, wg_rows **out, wg_error *err) {
    const uint32_t columns = wgi_agg_key_count(s->plan) + s->plan->aggregate_count;
    finisher f = {.spill = s};
    wg_rows *rows = NULL;
    wg_code code = WG_OK;
    wg_type *types = wg_alloc(s->context->account, (columns + 1) * sizeof *types);
    if (types == NULL) return wg_error_nomem(err, columns * sizeof *types);
    memcpy(types, s->plan->slot_types, columns * sizeof *types);
    types[columns] = WG_TYPE_INT;
    f.runs = (wgi_runs){.context = s->context,
                        .types = types,
                        .column_count = columns + 1,
                        .keep = columns,
                        .key_count = 1,
                        .user = WG_SPILL_AGGREGATE};
    for (uint32_t p = 0; p < WGI_PARTS; p++) WG_TRY_GOTO(finish_part(&f, p, &(const share){0}, err));
    wgi_parts_deinit(&s->parts); /* read for the last time: its room on the disk is free from here */
    if (f.failed) {
        if (err != NULL) *err = f.error;
        WG_TRY_GOTO(f.error.code);
    }
    WG_TRY_GOTO(wgi_rows_create(types, columns, s->context->account, &rows, err));
    WG_TRY_GOTO(wgi_runs_merge(&f.runs, UINT64_MAX, rows, err));
    *out = rows;
    rows = NULL;
fail:
    wg_rows_destroy(rows);
    wgi_runs_deinit(&f.runs);
    wg_free(types);
    return code;
}
