/* Hash aggregation of values of any type; what is typed goes to aggregate_typed.c. Every task aggregates into groups of its own, and these are merged in task order, so that groups come out in the order
 * of their first row and the work is cut by data alone.
 *
 * A state is small and additive: counts; integer sums in 128 bits, checked when they are put out; float sums exact (float_sum.c), so
 * partial sums lose nothing; minima and maxima by the total order of values; lists for collect. A DISTINCT aggregate keeps a table of
 * (group, value) and feeds its states only at the merge, where a value that is new for the whole query counts once.
 * Nulls are left out of every aggregate but count(*). */
#include "exec/aggregate_groups.h"
#include "exec/temporal.h"

typedef struct aggregate_sink {
    wgi_sink sink;
    wgi_groups *all;
    uint64_t task; /* the first of those whose groups are in `all` */
    bool has_distinct;
    bool has_lists; /* few groups may take much memory */
    wgi_groups_spill spill;
} aggregate_sink;

/* The groups of one task, behind those of its earlier rows, which are in the file. */
typedef struct aggregate_local {
    wgi_groups *groups;
    wgi_parts parts;
    uint64_t task;
    uint64_t serial; /* groups in the file */
} aggregate_local;

static size_t state_bytes(const wg_aggregate *a) {
    switch (a->kind) {
        case WG_AGG_COUNT_STAR:
        case WG_AGG_COUNT:
            return sizeof(uint64_t);
        case WG_AGG_SUM:
        case WG_AGG_AVG:
            return sizeof(wgi_sum_state);
        case WG_AGG_MIN:
        case WG_AGG_MAX:
            return sizeof(wg_value);
        case WG_AGG_COLLECT:
            return sizeof(wgi_list_state);
    }
    WG_UNREACHABLE("an aggregate outside its enum");
}

/* ---- wgi_groups */

void wgi_groups_destroy(const wg_plan *plan, wgi_groups *g) {
    if (g == NULL) return;
    for (uint32_t i = 0; i < plan->aggregate_count && g->states != NULL; i++) {
        const wg_aggregate_kind kind = plan->aggregates[i].kind;
        for (uint32_t k = 0; k < g->count && g->states[i] != NULL; k++) {
            if (kind == WG_AGG_COLLECT) wg_free(((wgi_list_state *)g->states[i])[k].items);
            if (kind == WG_AGG_SUM || kind == WG_AGG_AVG)
                wgi_float_sum_deinit(&((wgi_sum_state *)g->states[i])[k].floats);
        }
        wg_free(g->states[i]);
        if (g->distinct != NULL) wgi_row_table_deinit(&g->distinct[i]);
    }
    wgi_row_table_deinit(&g->keys);
    wg_arena_deinit(&g->strings);
    wg_free(g->states);
    wg_free(g->distinct);
    wg_free(g->positions);
    wg_free(g);
}

wg_code wgi_groups_reserve(const wg_plan *plan, wgi_groups *g, wg_account *account, uint32_t count, wg_error *err) {
    if (count > g->capacity) {
        const uint64_t capacity = wg_max_u64(wg_max_u64(count, 4), (uint64_t)g->capacity * 2);
        for (uint32_t i = 0; i < plan->aggregate_count; i++) {
            const size_t bytes = state_bytes(&plan->aggregates[i]);
            uint8_t *grown = wg_realloc(account, g->states[i], capacity * bytes);
            if (grown == NULL) return wg_error_nomem(err, capacity * bytes);
            memset(grown + g->capacity * bytes, 0, (capacity - g->capacity) * bytes);
            g->states[i] = grown;
        }
        if (g->is_placed) {
            uint64_t *positions = wg_realloc(account, g->positions, capacity * sizeof *positions);
            if (positions == NULL) return wg_error_nomem(err, capacity * sizeof *positions);
            g->positions = positions;
        }
        g->capacity = (uint32_t)wg_min_u64(capacity, UINT32_MAX);
    }
    if (count > g->count) g->count = count;
    return WG_OK;
}

uint64_t wgi_groups_growth(const wg_plan *plan, const wgi_groups *g) {
    const uint64_t keys = wgi_agg_key_count(plan);
    uint64_t bytes = 2 * (keys * (sizeof(wg_value) + 1) + 3 * sizeof(uint64_t));
    for (uint32_t i = 0; i < plan->aggregate_count; i++)
        bytes += wg_max_u64(2 * state_bytes(&plan->aggregates[i]), 17);
    return wg_max_u64(g->capacity, g->count) * bytes;
}

static wg_type value_type(const wg_aggregate *a) { return a->arg->type == WG_TYPE_NULL ? WG_TYPE_ANY : a->arg->type; }

wg_code wgi_groups_create(const wg_plan *plan, wg_account *account, wgi_groups **out, wg_error *err) {
    const uint32_t n = plan->aggregate_count;
    wgi_groups *g = wg_alloc_zero(account, sizeof *g);
    if (g == NULL) return wg_error_nomem(err, sizeof *g);
    wg_code code = WG_OK;
    wg_arena_init(&g->strings, account);
    g->states = wg_alloc_zero(account, (n + 1) * sizeof *g->states);
    g->distinct = wg_alloc_zero(account, (n + 1) * sizeof *g->distinct);
    if (g->states == NULL || g->distinct == NULL) WG_TRY_GOTO(wg_error_nomem(err, n * sizeof *g->distinct));
    WG_TRY_GOTO(wgi_row_table_init(&g->keys, plan->slot_types, wgi_agg_key_count(plan), &g->strings, account, err));
    for (uint32_t i = 0; i < n; i++) {
        if (!plan->aggregates[i].distinct) continue;
        const wg_type types[2] = {WG_TYPE_INT, value_type(&plan->aggregates[i])};
        WG_TRY_GOTO(wgi_row_table_init(&g->distinct[i], types, 2, &g->strings, account, err));
    }
    if (wgi_agg_key_count(plan) == 0) WG_TRY_GOTO(wgi_groups_reserve(plan, g, account, 1, err));
    *out = g;
    return WG_OK;
fail:
    wgi_groups_destroy(plan, g);
    return code;
}

/* ---- one value into one state */

static wg_code add_number(const wg_aggregate *a, wgi_sum_state *s, const wg_value *v, wg_account *account,
                          wg_error *err) {
    if (v->type == WG_TYPE_INT) {
        s->ints += v->as.i; /* 2^64 values of 2^63 fit in 128 bits */
    } else if (v->type == WG_TYPE_FLOAT) {
        s->saw_float = true;
        if (!wgi_float_sum_add(&s->floats, v->as.f, account)) return wg_error_nomem(err, 544);
    } else if (v->type == WG_TYPE_DURATION) {
        const wg_value *parts = v->as.list;
        s->months += parts[0].as.i;
        s->days += parts[1].as.i;
        s->ints += (wg_i128)parts[2].as.i * 1000000000 + parts[3].as.i; /* below 2^93: 2^32 of them fit */
        s->spans++;
    } else {
        return wg_error_set(err, WG_E_TYPE, a->arg->text_start,
                            "sum and avg take numbers or durations, not a value of type %s",
                            wg_type_name((wg_type)v->type));
    }
    s->count++;
    return WG_OK;
}

static wg_code append_item(wgi_list_state *list, const wg_value *v, wg_arena *strings, wg_account *account,
                           wg_error *err) {
    if (list->count == list->capacity) {
        if (list->capacity > UINT32_MAX / 2)
            return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "collect: more than 2^31 elements");
        const uint32_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
        wg_value *items = wg_realloc(account, list->items, capacity * sizeof *items);
        if (items == NULL) return wg_error_nomem(err, capacity * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    if (!wg_value_copy(strings, v, &list->items[list->count])) return wg_error_nomem(err, v->size);
    list->count++;
    return WG_OK;
}

static wg_code keep_best(const wg_aggregate *a, wg_value *best, const wg_value *v, wg_arena *strings, wg_error *err) {
    if (best->type != WG_TYPE_NULL) {
        const int cmp = wg_value_order(v, best);
        if (a->kind == WG_AGG_MIN ? cmp >= 0 : cmp <= 0) return WG_OK;
    }
    wg_value copy;
    if (!wg_value_copy(strings, v, &copy)) return wg_error_nomem(err, v->size);
    *best = copy;
    return WG_OK;
}

static wg_code add_value(const wg_aggregate *a, wgi_groups *g, uint32_t i, uint32_t group, const wg_value *v,
                         wg_error *err) {
    wg_account *account = g->strings.account;
    if (v->type == WG_TYPE_NULL) return WG_OK;
    switch (a->kind) {
        case WG_AGG_COUNT_STAR:
        case WG_AGG_COUNT:
            ((uint64_t *)g->states[i])[group]++;
            return WG_OK;
        case WG_AGG_SUM:
        case WG_AGG_AVG:
            return add_number(a, &((wgi_sum_state *)g->states[i])[group], v, account, err);
        case WG_AGG_MIN:
        case WG_AGG_MAX:
            return keep_best(a, &((wg_value *)g->states[i])[group], v, &g->strings, err);
        case WG_AGG_COLLECT:
            return append_item(&((wgi_list_state *)g->states[i])[group], v, &g->strings, account, err);
    }
    WG_UNREACHABLE("an aggregate outside its enum");
}

/* ---- batches; index[i] is the group of the i-th selected row, NULL: group 0 for all */

static void add_counts(uint64_t *states, const wg_vector *v, const wg_batch *batch, const uint32_t *index) {
    const bool all = v == NULL || (v->valid == NULL && v->type != WG_TYPE_ANY && v->type != WG_TYPE_NULL);
    if (all && index == NULL) {
        states[0] += batch->row_count;
        return;
    }
    for (uint32_t i = 0; i < batch->row_count; i++) {
        bool counts = all;
        if (!all) {
            const wg_value value = wg_vector_value(v, wg_batch_row(batch, i));
            counts = value.type != WG_TYPE_NULL;
        }
        states[index != NULL ? index[i] : 0] += counts ? 1 : 0;
    }
}

static bool add_typed_numbers(wgi_sum_state *states, const wg_vector *v, const wg_batch *batch, const uint32_t *index,
                              wg_account *account) {
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        if (!wg_vector_is_valid(v, row)) continue;
        wgi_sum_state *s = &states[index != NULL ? index[i] : 0];
        const uint32_t cell = wg_vector_cell(v, row);
        s->count++;
        if (v->type == WG_TYPE_INT) {
            s->ints += ((const int64_t *)v->data)[cell];
            continue;
        }
        s->saw_float = true;
        if (!wgi_float_sum_add(&s->floats, ((const double *)v->data)[cell], account)) return false;
    }
    return true;
}

/* By the order of values: NaN above every number, -0.0 equal to 0.0; of equal ones the first stays. */
static bool better_float(bool min, double v, double best) {
    if (v != v || best != best) return min ? best != best && v == v : v != v && best == best;
    return min ? v < best : v > best;
}

/* MIN and MAX of INT, DATE and FLOAT columns without making a value of every cell. */
static bool add_typed_best(bool min, wg_value *states, const wg_vector *v, const wg_batch *batch,
                           const uint32_t *index) {
    if (v->type != WG_TYPE_INT && v->type != WG_TYPE_DATE && v->type != WG_TYPE_FLOAT) return false;
    const bool is_float = v->type == WG_TYPE_FLOAT;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        if (!wg_vector_is_valid(v, row)) continue;
        wg_value *best = &states[index != NULL ? index[i] : 0];
        const uint32_t cell = wg_vector_cell(v, row);
        if (is_float) {
            const double x = ((const double *)v->data)[cell];
            if (best->type == WG_TYPE_NULL || better_float(min, x, best->as.f)) *best = wg_value_float(x);
            continue;
        }
        const int64_t x = ((const int64_t *)v->data)[cell];
        if (best->type != WG_TYPE_NULL && (min ? x >= best->as.i : x <= best->as.i)) continue;
        *best = (wg_value){.type = (uint8_t)v->type, .as.i = x};
    }
    return true;
}

static wg_code add_distinct(wgi_groups *g, uint32_t i, const wg_vector *v, const wg_batch *batch,
                            const uint32_t *index, wgi_eval *eval, wg_error *err) {
    wgi_row_table *table = &g->distinct[i];
    int64_t *group_cells = wg_arena_alloc(&eval->arena, wgi_extent(batch) * sizeof *group_cells);
    uint64_t *hashes = wg_arena_alloc(&eval->arena, batch->row_count * sizeof *hashes);
    if (group_cells == NULL || hashes == NULL) return wg_error_nomem(err, batch->row_count * sizeof *hashes);
    for (uint32_t k = 0; k < batch->row_count; k++)
        group_cells[wg_batch_row(batch, k)] = index != NULL ? index[k] : 0;
    const wg_type types[2] = {WG_TYPE_INT, table->columns[1].type};
    const wg_vector pair[2] = {{.type = WG_TYPE_INT, .data = group_cells}, *v};
    wgi_hash_rows(types, pair, 2, batch, hashes);
    for (uint32_t k = 0; k < batch->row_count; k++) {
        uint32_t at;
        bool is_new;
        const uint32_t row = wg_batch_row(batch, k);
        const wg_value value = wg_vector_value(v, row);
        if (value.type == WG_TYPE_NULL) continue;
        WG_TRY(wgi_row_table_put(table, pair, row, hashes[k], &at, &is_new, err));
    }
    return WG_OK;
}

void wgi_agg_note_nulls(const wg_exec_context *context, const wg_vector *v, const wg_batch *batch) {
    _Atomic bool *noted = context->nulls_left_out;
    const bool any = wg_type_physical(v->type) == WG_PHYSICAL_VALUE; /* cells have types of their own */
    if (noted == NULL || (v->valid == NULL && !any) || atomic_load_explicit(noted, memory_order_relaxed)) return;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = batch->sel != NULL ? batch->sel[i] : i;
        const bool null = !wg_vector_is_valid(v, row) || (any && wg_vector_value(v, row).type == WG_TYPE_NULL);
        if (!null) continue;
        atomic_store_explicit(noted, true, memory_order_relaxed);
        return;
    }
}

static wg_code add_batch(const wg_plan *plan, wgi_groups *g, uint32_t i, const wg_batch *batch, const uint32_t *index,
                         wgi_eval *eval, wg_error *err) {
    const wg_aggregate *a = &plan->aggregates[i];
    wg_vector v;
    const bool each = plan->weighted && !a->distinct && a->kind <= WG_AGG_AVG;
    wgi_weighted weighted = {.batch = batch, .weights = &batch->columns[plan->slot], .index = index};
    if (each && a->kind == WG_AGG_COUNT_STAR)
        return wgi_agg_add_weighted(a, g->states[i], &weighted, eval->context->account, err);
    if (a->kind == WG_AGG_COUNT_STAR) {
        add_counts(g->states[i], NULL, batch, index);
        return WG_OK;
    }
    if (a->distinct && value_type(a) != WG_TYPE_ANY)
        WG_TRY(wgi_eval_typed(eval, a->arg, value_type(a), batch, &v, err));
    else WG_TRY(wgi_eval_vector(eval, a->arg, batch, &v, err));
    wgi_agg_note_nulls(eval->context, &v, batch);
    if (a->distinct) return add_distinct(g, i, &v, batch, index, eval, err);
    if (each) {
        weighted.values = &v;
        return wgi_agg_add_weighted(a, g->states[i], &weighted, eval->context->account, err);
    }
    if (a->kind == WG_AGG_COUNT) {
        add_counts(g->states[i], &v, batch, index);
        return WG_OK;
    }
    const bool numbers = v.type == WG_TYPE_INT || v.type == WG_TYPE_FLOAT;
    if (numbers && (a->kind == WG_AGG_SUM || a->kind == WG_AGG_AVG))
        return add_typed_numbers(g->states[i], &v, batch, index, eval->context->account) ? WG_OK
                                                                                         : wg_error_nomem(err, 544);
    const bool best = a->kind == WG_AGG_MIN || a->kind == WG_AGG_MAX;
    if (best && a->type == v.type && add_typed_best(a->kind == WG_AGG_MIN, g->states[i], &v, batch, index))
        return WG_OK;
    for (uint32_t k = 0; k < batch->row_count; k++) {
        const wg_value value = wg_vector_value(&v, wg_batch_row(batch, k));
        WG_TRY(add_value(a, g, i, index != NULL ? index[k] : 0, &value, err));
    }
    return WG_OK;
}

/* One key that is a dictionary vector: a group is looked up once a dictionary cell of the batch, not once a row. */
static wg_code find_dictionary_groups(wgi_groups *g, const wg_vector *key, const wg_batch *batch, wgi_eval *eval,
                                      const uint64_t *hashes, uint32_t *index, wg_error *err) {
    uint32_t *group_of_code = wg_arena_alloc_zero(&eval->arena, ((size_t)key->dict_size + 1) * sizeof *group_of_code);
    if (group_of_code == NULL) return wg_error_nomem(err, (size_t)key->dict_size * sizeof *group_of_code);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        const uint32_t code = wg_vector_is_valid(key, row) ? key->codes[row] : key->dict_size;
        bool is_new;
        if (group_of_code[code] == 0) {
            WG_TRY(wgi_row_table_put(&g->keys, key, row, hashes[i], &index[i], &is_new, err));
            group_of_code[code] = index[i] + 1;
        }
        index[i] = group_of_code[code] - 1;
    }
    return WG_OK;
}

/* Keys that are the same in all rows: one group. Without an index it is group 0, as for a task of one file nearly always. */
static wg_code find_constant_group(const wg_plan *plan, wgi_groups *g, const wg_vector *keys, const wg_batch *batch,
                                   wgi_eval *eval, uint32_t **out, wg_error *err) {
    uint64_t hash;
    uint32_t group;
    bool is_new;
    const wg_batch one = {.row_count = 1};
    *out = NULL;
    wgi_hash_rows(plan->slot_types, keys, wgi_agg_key_count(plan), &one, &hash);
    WG_TRY(wgi_row_table_put(&g->keys, keys, 0, hash, &group, &is_new, err));
    if (group != 0) {
        *out = wg_arena_alloc(&eval->arena, batch->row_count * sizeof **out);
        if (*out == NULL) return wg_error_nomem(err, batch->row_count * sizeof **out);
        for (uint32_t i = 0; i < batch->row_count; i++) (*out)[i] = group;
    }
    return wgi_groups_reserve(plan, g, eval->context->account, g->keys.row_count, err);
}

static bool all_constant(const wg_vector *keys, uint32_t count) {
    for (uint32_t k = 0; k < count; k++)
        if (keys[k].kind != WG_VECTOR_CONST) return false;
    return true;
}

static wg_code find_groups(const wg_plan *plan, wgi_groups *g, const wg_batch *batch, wgi_eval *eval, uint32_t **out,
                           wg_error *err) {
    wg_arena *arena = &eval->arena;
    wg_vector *keys = wg_arena_alloc(arena, wgi_agg_key_count(plan) * sizeof *keys);
    if (keys == NULL) return wg_error_nomem(err, wgi_agg_key_count(plan) * sizeof *keys);
    for (uint32_t k = 0; k < wgi_agg_key_count(plan) && plan->op == WG_PLAN_DISTINCT; k++)
        keys[k] = batch->columns[k];
    for (uint32_t k = 0; k < wgi_agg_key_count(plan) && plan->op != WG_PLAN_DISTINCT; k++)
        WG_TRY(plan->slot_types[k] == WG_TYPE_ANY
                   ? wgi_eval_vector(eval, plan->exprs[k], batch, &keys[k], err)
                   : wgi_eval_typed(eval, plan->exprs[k], plan->slot_types[k], batch, &keys[k], err));
    if (all_constant(keys, wgi_agg_key_count(plan))) return find_constant_group(plan, g, keys, batch, eval, out, err);
    uint64_t *hashes = wg_arena_alloc(arena, batch->row_count * sizeof *hashes);
    uint32_t *index = wg_arena_alloc(arena, batch->row_count * sizeof *index);
    if (hashes == NULL || index == NULL) return wg_error_nomem(err, batch->row_count * 12);
    wgi_hash_rows(plan->slot_types, keys, wgi_agg_key_count(plan), batch, hashes);
    const bool by_code =
        wgi_agg_key_count(plan) == 1 && keys[0].kind == WG_VECTOR_DICT && keys[0].dict_size <= batch->row_count;
    if (by_code) WG_TRY(find_dictionary_groups(g, keys, batch, eval, hashes, index, err));
    for (uint32_t i = 0; i < batch->row_count && !by_code; i++) {
        bool is_new;
        WG_TRY(wgi_row_table_put(&g->keys, keys, wg_batch_row(batch, i), hashes[i], &index[i], &is_new, err));
    }
    *out = index;
    return wgi_groups_reserve(plan, g, eval->context->account, g->keys.row_count, err);
}

/* Do the groups shall make room? Few ones count when they hold lists of values. */
static bool is_full(const aggregate_sink *s, const wgi_groups *g) {
    if (wgi_agg_key_count(s->sink.plan) == 0) return false;
    if (g->count < WGI_SPILL_ROWS_MIN && !((s->has_lists || s->has_distinct) && g->rows >= WGI_TASK_ROWS))
        return false;
    return !wgi_spill_stays_below(s->sink.context, (uint64_t)g->count * 64) ||
           !wgi_spill_has_room(s->sink.context, wgi_groups_growth(s->sink.plan, g));
}

static wg_code spill_local(const aggregate_sink *s, aggregate_local *l, wg_error *err) {
    wgi_groups *fresh = NULL;
    if (l->groups->count == 0) return WG_OK;
    WG_TRY(wgi_groups_create(s->sink.plan, s->sink.context->account, &fresh, err));
    const uint64_t position = l->task << WGI_AGG_SERIAL_BITS | l->serial;
    const wg_code code = wgi_groups_write(&s->spill, l->groups, position, &l->parts, err);
    if (code != WG_OK) {
        wgi_groups_destroy(s->sink.plan, fresh);
        return code;
    }
    l->serial += l->groups->count;
    wgi_groups_destroy(s->sink.plan, l->groups);
    l->groups = fresh;
    return WG_OK;
}

static wg_code aggregate_consume(wgi_sink *sink, void *local, wgi_eval *eval, const wg_batch *batch, bool *stop,
                                 wg_error *err) {
    (void)stop;
    const wg_plan *plan = sink->plan;
    aggregate_local *l = local;
    uint32_t *index = NULL;
    l->task = eval->task;
    wg_arena_reset(&eval->arena);
    if (wgi_agg_key_count(plan) > 0) WG_TRY(find_groups(plan, l->groups, batch, eval, &index, err));
    for (uint32_t i = 0; i < plan->aggregate_count; i++)
        WG_TRY(add_batch(plan, l->groups, i, batch, index, eval, err));
    l->groups->rows += batch->row_count;
    const aggregate_sink *s = (aggregate_sink *)sink;
    return is_full(s, l->groups) ? spill_local(s, l, err) : WG_OK;
}

/* ---- merging */

static wg_code merge_state(const wg_aggregate *a, wgi_groups *to, uint32_t i, uint32_t group, const wgi_groups *from,
                           uint32_t source, wg_error *err) {
    wg_account *account = to->strings.account;
    if (a->kind == WG_AGG_COUNT || a->kind == WG_AGG_COUNT_STAR) {
        ((uint64_t *)to->states[i])[group] += ((const uint64_t *)from->states[i])[source];
        return WG_OK;
    }
    if (a->kind == WG_AGG_SUM || a->kind == WG_AGG_AVG) {
        wgi_sum_state *s = &((wgi_sum_state *)to->states[i])[group];
        const wgi_sum_state *t = &((const wgi_sum_state *)from->states[i])[source];
        s->ints += t->ints;
        s->months += t->months;
        s->days += t->days;
        s->spans += t->spans;
        s->count += t->count;
        s->saw_float |= t->saw_float;
        return wgi_float_sum_merge(&s->floats, &t->floats, account) ? WG_OK : wg_error_nomem(err, 544);
    }
    if (a->kind == WG_AGG_MIN || a->kind == WG_AGG_MAX)
        return add_value(a, to, i, group, &((const wg_value *)from->states[i])[source], err);
    const wgi_list_state *list = &((const wgi_list_state *)from->states[i])[source];
    for (uint32_t k = 0; k < list->count; k++) WG_TRY(add_value(a, to, i, group, &list->items[k], err));
    return WG_OK;
}

/* Adds the local (group, value) pairs; pairs that are new for the query feed the state. */
static wg_code merge_distinct(const wg_aggregate *a, wgi_groups *to, uint32_t i, wgi_groups *from,
                              const uint32_t *map, wg_error *err) {
    wgi_row_table *local = &from->distinct[i];
    int64_t *group_cells = local->columns[0].data;
    const wg_type types[2] = {WG_TYPE_INT, local->columns[1].type};
    for (uint32_t row = 0; row < local->row_count; row++) group_cells[row] = map[group_cells[row]];
    const wg_vector pair[2] = {wg_column_view(&local->columns[0]), wg_column_view(&local->columns[1])};
    for (uint32_t row = 0; row < local->row_count; row++) {
        uint64_t hash;
        uint32_t at;
        bool is_new;
        uint16_t zero = 0;
        wg_vector one[2] = {pair[0], pair[1]};
        uint32_t code = row;
        for (int c = 0; c < 2; c++) { /* a one-row window, for the hash */
            one[c].kind = WG_VECTOR_DICT;
            one[c].codes = &code;
            one[c].valid = NULL;
            one[c].dict_size = local->row_count;
        }
        const wg_batch batch = {.row_count = 1, .sel = &zero};
        wgi_hash_rows(types, one, 2, &batch, &hash);
        WG_TRY(wgi_row_table_put(&to->distinct[i], pair, row, hash, &at, &is_new, err));
        const wg_value value = wg_vector_value(&pair[1], row);
        if (is_new) WG_TRY(add_value(a, to, i, (uint32_t)group_cells[row], &value, err));
    }
    return WG_OK;
}

static wg_code map_groups(const wg_plan *plan, wgi_groups *to, const wgi_groups *from, uint32_t *map,
                          wg_vector *views, wg_error *err) {
    map[0] = 0;
    for (uint32_t k = 0; k < wgi_agg_key_count(plan); k++) views[k] = wg_column_view(&from->keys.columns[k]);
    for (uint32_t row = 0; row < from->keys.row_count; row++) {
        bool is_new;
        WG_TRY(wgi_row_table_put(&to->keys, views, row, from->keys.hashes[row], &map[row], &is_new, err));
    }
    if (wgi_agg_key_count(plan) == 0) return WG_OK;
    const uint32_t before = to->count;
    WG_TRY(wgi_groups_reserve(plan, to, to->strings.account, to->keys.row_count, err));
    for (uint32_t row = from->keys.row_count; to->is_placed && row-- > 0;) /* of equal keys the first one counts */
        if (map[row] >= before) to->positions[map[row]] = from->positions[row];
    return WG_OK;
}

wg_code wgi_groups_merge(const wg_plan *plan, wgi_groups *to, wgi_groups *from, wg_error *err) {
    wg_arena arena;
    wg_code code = WG_OK;
    wg_arena_init(&arena, to->strings.account);
    uint32_t *map = wg_arena_alloc(&arena, (from->count + 1) * sizeof *map);
    wg_vector *views = wg_arena_alloc(&arena, (wgi_agg_key_count(plan) + 1) * sizeof *views);
    if (map == NULL || views == NULL) WG_TRY_GOTO(wg_error_nomem(err, from->count * sizeof *map));
    WG_TRY_GOTO(map_groups(plan, to, from, map, views, err));
    for (uint32_t i = 0; i < plan->aggregate_count; i++) {
        const wg_aggregate *a = &plan->aggregates[i];
        if (a->distinct) {
            WG_TRY_GOTO(merge_distinct(a, to, i, from, map, err));
            continue;
        }
        for (uint32_t k = 0; k < from->count; k++) WG_TRY_GOTO(merge_state(a, to, i, map[k], from, k, err));
    }
fail:
    wg_arena_deinit(&arena);
    return code;
}

static wg_code spill_all(aggregate_sink *s, wg_error *err) {
    if (s->all == NULL || s->all->count == 0) return WG_OK;
    WG_TRY(wgi_groups_write(&s->spill, s->all, s->task << WGI_AGG_SERIAL_BITS, &s->spill.parts, err));
    wgi_groups_destroy(s->sink.plan, s->all);
    s->all = NULL;
    return WG_OK;
}

/* Groups of a task that went to the file follow those of the tasks before. */
static wg_code take_local(aggregate_sink *s, aggregate_local *l, wg_error *err) {
    const wg_plan *plan = s->sink.plan;
    if (l->parts.count > 0) {
        WG_TRY(spill_all(s, err));
        WG_TRY(spill_local(s, l, err));
        return wgi_parts_take(&s->spill.parts, &l->parts, err);
    }
    if (s->all == NULL) s->task = l->task;
    if (s->all == NULL && !s->has_distinct) {
        s->all = l->groups;
        l->groups = NULL;
        return WG_OK;
    }
    if (s->all == NULL) WG_TRY(wgi_groups_create(plan, s->sink.context->account, &s->all, err));
    s->all->rows += l->groups->rows;
    return wgi_groups_merge(plan, s->all, l->groups, err);
}

static void aggregate_local_destroy(wgi_sink *sink, void *local) {
    aggregate_local *l = local;
    wgi_groups_destroy(sink->plan, l->groups);
    wgi_parts_deinit(&l->parts);
    wg_free(l);
}

static wg_code aggregate_merge(wgi_sink *sink, void *local, bool *done, wg_error *err) {
    (void)done;
    aggregate_sink *s = (aggregate_sink *)sink;
    wg_code code = take_local(s, local, err);
    aggregate_local_destroy(sink, local);
    if (code == WG_OK && s->all != NULL && is_full(s, s->all)) code = spill_all(s, err);
    return code;
}

/* ---- output */

static bool fits_i64(wg_i128 v) { return v >= INT64_MIN && v <= INT64_MAX; }

static wg_code span_result(const wg_aggregate *a, const wgi_sum_state *s, wg_arena *arena, wg_value *out,
                           wg_error *err) {
    if (s->spans != s->count)
        return wg_error_set(err, WG_E_TYPE, a->arg->text_start, "sum and avg take numbers or durations, not both");
    wg_i128 seconds = s->ints / 1000000000;
    int64_t ns = (int64_t)(s->ints % 1000000000);
    if (ns < 0) {
        ns += 1000000000;
        seconds--;
    }
    wgi_span span = {(int64_t)s->months, (int64_t)s->days, (int64_t)seconds, ns};
    const bool fits = fits_i64(s->months) && fits_i64(s->days) && fits_i64(seconds);
    const bool mean = a->kind == WG_AGG_AVG && s->count > 0;
    if (!fits || (mean && !wgi_span_divide(&span, (int64_t)s->count)))
        return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, a->arg->text_start, "the duration is out of range"),
                               WG_S_INTERVAL_OVERFLOW);
    return wgi_span_put(arena, &span, out) ? WG_OK : wg_error_nomem(err, 4 * sizeof *out);
}

static wg_code sum_result(const wg_aggregate *a, wgi_sum_state *s, wg_arena *arena, wg_value *out, wg_error *err) {
    wg_account *account = NULL;
    const bool is_mean = a->kind == WG_AGG_AVG;
    if (is_mean && s->count == 0) {
        *out = wg_value_null();
        return WG_OK;
    }
    if (s->spans > 0 || a->type == WG_TYPE_DURATION) return span_result(a, s, arena, out, err);
    if (is_mean && !s->saw_float) {
        *out = wg_value_float((double)s->ints / (double)s->count);
        return WG_OK;
    }
    if (s->saw_float || a->type == WG_TYPE_FLOAT) {
        if (!wgi_float_sum_add_i128(&s->floats, s->ints, account)) return wg_error_nomem(err, 544);
        s->ints = 0;
        *out = wg_value_float(is_mean ? wgi_float_sum_mean(&s->floats, s->count) : wgi_float_sum_value(&s->floats));
        return WG_OK;
    }
    if (s->ints < INT64_MIN || s->ints > INT64_MAX)
        return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, a->arg->text_start, "integer overflow in sum()"),
                               WG_S_NUMERIC_RANGE);
    *out = wg_value_int((int64_t)s->ints);
    return WG_OK;
}

static wg_code state_result(const wg_aggregate *a, wgi_groups *g, uint32_t i, uint32_t group, wg_arena *arena,
                            wg_value *out, wg_error *err) {
    switch (a->kind) {
        case WG_AGG_COUNT_STAR:
        case WG_AGG_COUNT:
            if (((const uint64_t *)g->states[i])[group] > INT64_MAX)
                return wg_error_refine(err,
                                       wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "integer overflow in count()"),
                                       WG_S_NUMERIC_RANGE);
            *out = wg_value_int((int64_t)((const uint64_t *)g->states[i])[group]);
            return WG_OK;
        case WG_AGG_SUM:
        case WG_AGG_AVG:
            return sum_result(a, &((wgi_sum_state *)g->states[i])[group], arena, out, err);
        case WG_AGG_MIN:
        case WG_AGG_MAX:
            *out = ((const wg_value *)g->states[i])[group];
            return WG_OK;
        case WG_AGG_COLLECT:
            break;
    }
    const wgi_list_state *list = &((const wgi_list_state *)g->states[i])[group];
    *out = (wg_value){.type = WG_TYPE_LIST, .size = list->count};
    wg_value *items = wg_arena_alloc(arena, list->count * sizeof *items + 1);
    if (items == NULL) return wg_error_nomem(err, list->count * sizeof *items);
    if (list->count != 0) memcpy(items, list->items, list->count * sizeof *items);
    out->as.list = items;
    return WG_OK;
}

static wg_code put_column(const wg_plan *plan, wgi_groups *g, uint32_t i, wg_rows *rows, wgi_groups_failure *failure,
                          wg_error *err) {
    wg_column *column = &rows->columns[wgi_agg_key_count(plan) + i];
    column->strings = NULL; /* what the states point at is in the arena that the rows took over */
    wg_code code = WG_OK;
    for (uint32_t group = 0; group < g->count && code == WG_OK; group++) {
        wg_value v;
        *failure = (wgi_groups_failure){.aggregate = i, .group = group};
        code = state_result(&plan->aggregates[i], g, i, group, &rows->strings, &v, err);
        const bool fits = code != WG_OK || v.type == WG_TYPE_NULL || column->type == WG_TYPE_ANY ||
                          column->type == (wg_type)v.type || (column->type == WG_TYPE_FLOAT && v.type == WG_TYPE_INT);
        if (!fits)
            code = wg_error_set(err, WG_E_TYPE, plan->aggregates[i].arg->text_start,
                                "the aggregate has type %s, but a group gives %s", wg_type_name(column->type),
                                wg_type_name((wg_type)v.type));
        if (code == WG_OK && !wg_column_append_value(column, &v)) code = wg_error_nomem(err, sizeof v);
    }
    column->strings = &rows->strings;
    return code;
}

wg_code wgi_groups_rows(const wg_plan *plan, wgi_groups *g, wg_account *account, wgi_groups_failure *failure,
                        wg_rows **out, wg_error *err) {
    const uint32_t keys = wgi_agg_key_count(plan);
    wg_rows *rows;
    WG_TRY(wgi_rows_create(plan->slot_types, keys + plan->aggregate_count, account, &rows, err));
    rows->strings = g->strings; /* moved */
    wg_arena_init(&g->strings, account);
    rows->row_count = g->count;
    for (uint32_t k = 0; k < keys; k++) {
        wg_column *key = &g->keys.columns[k];
        rows->columns[k] = *key;
        rows->columns[k].strings = &rows->strings;
        wg_column_init(key, key->type, &g->strings, account);
    }
    for (uint32_t i = 0; i < plan->aggregate_count; i++) {
        const wg_code code = put_column(plan, g, i, rows, failure, err);
        if (code == WG_OK) continue;
        wg_rows_destroy(rows);
        return code;
    }
    *out = rows;
    return WG_OK;
}

static wg_code aggregate_finish(wgi_sink *sink, wg_rows **out, wg_error *err) {
    aggregate_sink *s = (aggregate_sink *)sink;
    const wg_plan *plan = sink->plan;
    wgi_groups_failure failure;
    const bool is_large = s->all != NULL && s->spill.is_possible && is_full(s, s->all);
    if (s->spill.parts.count > 0 || is_large) {
        WG_TRY(spill_all(s, err));
        return wgi_groups_finish(&s->spill, out, err);
    }
    if (s->all == NULL) WG_TRY(wgi_groups_create(plan, sink->context->account, &s->all, err));
    return wgi_groups_rows(plan, s->all, sink->context->account, &failure, out, err);
}

static wg_code aggregate_local_create(wgi_sink *sink, void **out, wg_error *err) {
    const aggregate_sink *s = (aggregate_sink *)sink;
    aggregate_local *l = wg_alloc_zero(sink->context->account, sizeof *l);
    if (l == NULL) return wg_error_nomem(err, sizeof *l);
    wg_code code = wgi_groups_create(sink->plan, sink->context->account, &l->groups, err);
    if (code == WG_OK && s->spill.is_possible) code = wgi_parts_like(&s->spill.parts, 0, &l->parts, err);
    if (code == WG_OK) *out = l;
    else aggregate_local_destroy(sink, l);
    return code;
}

static void aggregate_destroy(wgi_sink *sink) {
    aggregate_sink *s = (aggregate_sink *)sink;
    wgi_groups_destroy(sink->plan, s->all);
    wgi_groups_spill_deinit(&s->spill);
}

wg_code wgi_sink_aggregate(const wg_plan *plan, const wg_exec_context *context, wgi_sink **out, wg_error *err) {
    static const wgi_sink_class class = {aggregate_local_create, aggregate_local_destroy, aggregate_consume,
                                         aggregate_merge,        aggregate_finish,        aggregate_destroy};
    wgi_sink *sink = NULL;
    if (wgi_agg_is_typed(plan))
        return wgi_agg_is_sorted(plan, context->txn) ? wgi_sink_aggregate_sorted(plan, context, out, err)
                                                     : wgi_sink_aggregate_typed(plan, context, out, err);
    WG_TRY(wgi_sink_alloc(&class, plan, context, sizeof(aggregate_sink), &sink, err));
    aggregate_sink *s = (aggregate_sink *)sink;
    for (uint32_t i = 0; i < plan->aggregate_count; i++) {
        if (plan->aggregates[i].distinct) s->has_distinct = true;
        if (plan->aggregates[i].kind == WG_AGG_COLLECT) s->has_lists = true;
    }
    const wg_code code = wgi_groups_spill_init(&s->spill, plan, context, err);
    if (code != WG_OK) {
        aggregate_destroy(sink);
        wg_free(sink);
        return code;
    }
    if (s->spill.is_possible) sink->window = 2 * context->threads;
    *out = sink;
    return WG_OK;
}
