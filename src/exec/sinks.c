/* Sinks that keep rows as they are: collect, limit, distinct, and the built side of a join. */
#include "exec/aggregate_internal.h"
#include "exec/spill.h"

wg_code wgi_sink_alloc(const wgi_sink_class *class, const wg_plan *plan, const wg_exec_context *context, size_t bytes,
                       wgi_sink **out, wg_error *err) {
    wgi_sink *sink = wg_alloc_zero(context->account, bytes);
    if (sink == NULL) return wg_error_nomem(err, bytes);
    sink->class = class;
    sink->plan = plan;
    sink->context = context;
    *out = sink;
    return WG_OK;
}

/* ---- rows: collect, build, limit */

typedef struct rows_sink {
    wgi_sink sink;
    wgi_build build;
    wg_type *all_types;
    uint64_t skip;
    uint64_t keep; /* skip + limit */
    uint64_t seen; /* merged, those that were skipped included */
    bool spills;   /* whoever gets the rows takes them from a file too */
    wg_rows *rows;
} rows_sink;

static wg_code rows_local_create(wgi_sink *sink, void **out, wg_error *err) {
    const rows_sink *s = (rows_sink *)sink;
    wg_rows *rows;
    WG_TRY(wgi_rows_create(s->all_types, s->build.count + s->build.key_count, sink->context->account, &rows, err));
    *out = rows;
    return WG_OK;
}

static void rows_local_destroy(wgi_sink *sink, void *local) {
    (void)sink;
    wg_rows_destroy(local);
}

static wg_code append_with_keys(const rows_sink *s, wg_rows *rows, wgi_eval *eval, const wg_batch *batch,
                                wg_error *err) {
    wg_arena_reset(&eval->arena);
    const uint32_t total = s->build.count + s->build.key_count;
    wg_vector *columns = wg_arena_alloc(&eval->arena, (total + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, total * sizeof *columns);
    const wgi_build *b = &s->build;
    for (uint32_t i = 0; i < b->count; i++) columns[i] = batch->columns[b->slots != NULL ? b->slots[i] : i];
    for (uint32_t k = 0; k < b->key_count; k++)
        WG_TRY(wgi_eval_typed(eval, b->exprs[k], b->key_types[k], batch, &columns[b->count + k], err));
    wg_batch wide = *batch;
    wide.columns = columns;
    wide.column_count = total;
    return wgi_rows_append(rows, &wide, err);
}

static wg_code rows_consume(wgi_sink *sink, void *local, wgi_eval *eval, const wg_batch *batch, bool *stop,
                            wg_error *err) {
    const rows_sink *s = (rows_sink *)sink;
    wg_rows *rows = local;
    wg_batch some = *batch;
    if (s->build.key_count > 0 || s->build.slots != NULL) return append_with_keys(s, rows, eval, batch, err);
    some.row_count = (uint32_t)wg_min_u64(some.row_count, s->keep - rows->row_count);
    WG_TRY(wgi_rows_append(rows, &some, err));
    *stop = rows->row_count >= s->keep;
    return WG_OK;
}

/* Leaves rows [from, to) of *rows. */
static wg_code cut_rows(const rows_sink *s, wg_rows **rows, uint64_t from, uint64_t to, wg_error *err) {
    wg_rows *some = NULL;
    uint32_t index[WG_BATCH_ROWS_MAX];
    if (from == 0 && to == (*rows)->row_count) return WG_OK;
    WG_TRY(wgi_rows_create(s->all_types, s->build.count + s->build.key_count, s->sink.context->account, &some, err));
    wg_code code = WG_OK;
    while (from < to && code == WG_OK) {
        uint32_t n = 0;
        while (n < WG_BATCH_ROWS_MAX && from < to) index[n++] = (uint32_t)from++;
        code = wgi_rows_gather(some, *rows, index, n, err);
    }
    wg_rows_destroy(*rows);
    *rows = some;
    return code;
}

static wg_code rows_merge(wgi_sink *sink, void *local, bool *done, wg_error *err) {
    rows_sink *s = (rows_sink *)sink;
    wg_rows *rows = local;
    const uint64_t n = wg_min_u64(rows->row_count, s->keep - s->seen);
    const uint64_t skip = wg_min_u64(n, s->skip - wg_min_u64(s->skip, s->seen));
    wg_code code = cut_rows(s, &rows, skip, n, err);
    if (code == WG_OK) code = wgi_rows_take(s->rows, rows, err);
    wg_rows_destroy(rows);
    if (code == WG_OK && s->spills) code = wgi_rows_spill(s->rows, sink->context, err);
    s->seen += n;
    *done = s->seen >= s->keep;
    return code;
}

static wg_code rows_finish(wgi_sink *sink, wg_rows **out, wg_error *err) {
    rows_sink *s = (rows_sink *)sink;
    (void)err;
    *out = s->rows;
    s->rows = NULL;
    return WG_OK;
}

static void rows_destroy(wgi_sink *sink) {
    rows_sink *s = (rows_sink *)sink;
    wg_rows_destroy(s->rows);
    wg_free(s->all_types);
}

static const wgi_sink_class rows_class = {rows_local_create, rows_local_destroy, rows_consume,
                                          rows_merge,        rows_finish,        rows_destroy};

wg_code wgi_sink_build(const wgi_build *build, const wg_exec_context *context, wgi_sink **out, wg_error *err) {
    wgi_sink *sink = NULL;
    const uint32_t total = build->count + build->key_count;
    WG_TRY(wgi_sink_alloc(&rows_class, NULL, context, sizeof(rows_sink), &sink, err));
    rows_sink *s = (rows_sink *)sink;
    s->build = *build;
    s->keep = UINT64_MAX;
    wg_code code = WG_OK;
    s->all_types = wg_alloc(context->account, (total + 1) * sizeof *s->all_types);
    if (s->all_types == NULL) WG_TRY_GOTO(wg_error_nomem(err, total * sizeof *s->all_types));
    for (uint32_t i = 0; i < build->count; i++)
        s->all_types[i] = build->types[build->slots != NULL ? build->slots[i] : i];
    for (uint32_t k = 0; k < build->key_count; k++) s->all_types[build->count + k] = build->key_types[k];
    WG_TRY_GOTO(wgi_rows_create(s->all_types, total, context->account, &s->rows, err));
    *out = sink;
    return WG_OK;
fail:
    rows_destroy(sink);
    wg_free(sink);
    return code;
}

void wgi_sink_build_spills(wgi_sink *sink) {
    ((rows_sink *)sink)->spills = true;
    sink->holds_rows = true;
}

wg_code wgi_sink_collect(const wg_type *types, uint32_t count, const wg_exec_context *context, wgi_sink **out,
                         wg_error *err) {
    WG_TRY(wgi_sink_build(&(wgi_build){.types = types, .count = count}, context, out, err));
    wgi_sink_build_spills(*out);
    return WG_OK;
}

wg_code wgi_sink_limit(const wg_plan *plan, const wg_exec_context *context, wgi_sink **out, wg_error *err) {
    uint64_t skip;
    uint64_t limit;
    WG_TRY(wgi_eval_count(context, plan->skip_expr, 0, &skip, err));
    WG_TRY(wgi_eval_count(context, plan->limit_expr, UINT64_MAX, &limit, err));
    WG_TRY(wgi_sink_collect(plan->slot_types, plan->slot_count, context, out, err));
    rows_sink *s = (rows_sink *)*out;
    s->sink.can_end_early = true;
    s->skip = skip;
    s->keep = limit > UINT64_MAX - skip ? UINT64_MAX : skip + limit;
    return WG_OK;
}

/* ---- distinct: groups without aggregates */

wg_code wgi_sink_distinct(const wg_plan *plan, const wg_exec_context *context, wgi_sink **out, wg_error *err) {
    WG_ASSERT(plan->aggregate_count == 0);
    return wgi_sink_aggregate(plan, context, out, err);
}
