/* Joins whose built side does not fit into memory: both sides are dealt into parts by a hash of their keys (spill_parts.c), and the parts are joined
 * one by one, each on all workers.
 *
 * A row of the other side carries its position: its task and a number that rises in the task. Joining a part gives its rows by position, and for
 * one position in the order of the built side: a sorted run. The runs of all parts are merged by position to the rows of the answer, in
 * the order that the join in memory gives.
 *
 * A part whose built rows are too many is dealt again by further bits of the hash. Where that does not help, because one key has most of the
 * rows, or after WGI_PART_LEVELS levels, the built rows are passed in pieces that fit, one after the other, a run each: of equal
 * positions the earlier run goes first, which is the order of the built side. An outer join marks the rows that some piece matched,
 * and gives the others at the end. */
#include "exec/join_internal.h"
#include "exec/pipeline.h"

enum { HELD_ROWS = 1 << 15, POSITION_BITS = 39 };

wg_code wgi_join_deal(wgi_join_table *table, const wg_exec_context *context, wg_error *err) {
    wg_rows *rows = table->rows;
    wg_account *account = context->account;
    const uint32_t blocks = rows->file == NULL ? 0 : rows->file->count;
    wgi_parts *parts = wg_alloc_zero(account, sizeof *parts);
    if (parts == NULL) return wg_error_nomem(err, sizeof *parts);
    wg_code code = WG_OK;
    wg_type *types = wg_alloc(account, (rows->column_count + 1) * sizeof *types);
    if (types == NULL) WG_TRY_GOTO(wg_error_nomem(err, sizeof *types));
    for (uint32_t c = 0; c < rows->column_count; c++) types[c] = rows->columns[c].type;
    const wgi_parts shape = {.context = context,
                             .user = WG_SPILL_JOIN,
                             .types = types,
                             .column_count = rows->column_count,
                             .key_first = table->payload_count,
                             .key_count = table->key_count};
    WG_TRY_GOTO(wgi_parts_like(&shape, 0, parts, err));
    table->parts = parts;
    table->parts_types = types;
    for (uint32_t b = 0; b < blocks; b++) {
        wg_rows *block = NULL;
        WG_TRY(wgi_rows_read_block(rows, b, &block, err));
        code = wgi_parts_add(parts, block, err);
        wg_rows_destroy(block);
        WG_TRY(code);
    }
    rows->row_count -= wgi_rows_in_file(rows);
    struct wgi_rows_file *file = rows->file;
    rows->file = NULL;
    if (file != NULL) {
        wgi_spill_release(file->spill);
        wg_free(file->blocks);
        wg_free(file);
    }
    WG_TRY(wgi_parts_add(parts, rows, err));
    wg_rows_destroy(rows);
    table->rows = NULL;
    return WG_OK;
fail:
    wg_free(types);
    wg_free(parts);
    return code;
}

/* ---- the other side: slots, keys, position */

typedef struct probe_sink {
    wgi_sink sink;
    const wgi_join_table *table;
    uint32_t slot_count; /* of the other side */
    uint32_t column_count;
    wg_type *types;
    wgi_parts parts;
    bool *placed; /* of each task so far: its rows have places */
    uint32_t placed_capacity;
    wgi_cuts *cuts; /* of what it gives */
} probe_sink;

typedef struct probe_local {
    wg_rows *rows;
    wgi_parts parts;
    uint64_t serial;
    uint32_t task;
    bool placed;
} probe_local;

static void probe_local_destroy(wgi_sink *sink, void *local) {
    (void)sink;
    probe_local *l = local;
    wg_rows_destroy(l->rows);
    wgi_parts_deinit(&l->parts);
    wg_free(l);
}

static wg_code probe_local_create(wgi_sink *sink, void **out, wg_error *err) {
    const probe_sink *s = (probe_sink *)sink;
    probe_local *l = wg_alloc_zero(sink->context->account, sizeof *l);
    if (l == NULL) return wg_error_nomem(err, sizeof *l);
    wg_code code = wgi_parts_like(&s->parts, 0, &l->parts, err);
    if (code == WG_OK) code = wgi_rows_create(s->types, s->column_count, sink->context->account, &l->rows, err);
    if (code == WG_OK) *out = l;
    else probe_local_destroy(sink, l);
    return code;
}

/* Deals the rows at hand and begins anew. */
static wg_code deal_local(const probe_sink *s, probe_local *l, wg_error *err) {
    wg_rows *fresh = NULL;
    WG_TRY(wgi_parts_add(&l->parts, l->rows, err));
    WG_TRY(wgi_rows_create(s->types, s->column_count, s->sink.context->account, &fresh, err));
    wg_rows_destroy(l->rows);
    l->rows = fresh;
    return WG_OK;
}

static wg_code put_keys(const probe_sink *s, wgi_eval *eval, const wg_batch *batch, wg_vector *columns,
                        wg_error *err) {
    const wgi_join_table *table = s->table;
    for (uint32_t k = 0; k < table->key_count; k++) {
        wg_expr *expr = s->sink.plan->exprs[k];
        wg_vector *to = &columns[s->slot_count + k];
        WG_TRY(table->key_types[k] == WG_TYPE_ANY ? wgi_eval_vector(eval, expr, batch, to, err)
                                                  : wgi_eval_typed(eval, expr, table->key_types[k], batch, to, err));
    }
    return WG_OK;
}

static wg_code probe_consume(wgi_sink *sink, void *local, wgi_eval *eval, const wg_batch *batch, bool *stop,
                             wg_error *err) {
    const probe_sink *s = (probe_sink *)sink;
    const wg_exec_context *context = sink->context;
    probe_local *l = local;
    (void)stop;
    l->task = eval->task;
    l->placed |= eval->placed != NULL;
    wg_arena_reset(&eval->arena);
    wg_vector *columns = wg_arena_alloc(&eval->arena, s->column_count * sizeof *columns);
    uint64_t *positions = wg_arena_alloc(&eval->arena, wgi_extent(batch) * sizeof *positions + 8);
    if (columns == NULL || positions == NULL) return wg_error_nomem(err, s->column_count * sizeof *columns);
    memcpy(columns, batch->columns, s->slot_count * sizeof *columns);
    WG_TRY(put_keys(s, eval, batch, columns, err));
    for (uint32_t i = 0; i < batch->row_count; i++)
        positions[wg_batch_row(batch, i)] = (uint64_t)eval->task << POSITION_BITS | l->serial++;
    columns[s->column_count - 1] = (wg_vector){.type = WG_TYPE_INT, .data = positions};
    wg_batch wide = *batch;
    wide.columns = columns;
    wide.column_count = s->column_count;
    WG_TRY(wgi_rows_append(l->rows, &wide, err));
    const bool full =
        l->rows->row_count >= HELD_ROWS || (l->rows->row_count >= WGI_SPILL_ROWS_MIN &&
                                            !wgi_spill_stays_below(context, 2 * wgi_rows_cell_bytes(l->rows)));
    return full ? deal_local(s, l, err) : WG_OK;
}

/* Notes whether the rows of the task have places. */
static wg_code note_placed(probe_sink *s, const probe_local *l, wg_error *err) {
    if (l->serial == 0) return WG_OK;
    if (l->task >= s->placed_capacity) {
        const uint32_t capacity = l->task * 2 + 64;
        bool *grown = wg_realloc(s->sink.context->account, s->placed, capacity * sizeof *grown);
        if (grown == NULL) return wg_error_nomem(err, capacity * sizeof *grown);
        memset(grown + s->placed_capacity, 0, (capacity - s->placed_capacity) * sizeof *grown);
        s->placed = grown;
        s->placed_capacity = capacity;
    }
    s->placed[l->task] = l->placed;
    return WG_OK;
}

static wg_code probe_merge(wgi_sink *sink, void *local, bool *done, wg_error *err) {
    probe_sink *s = (probe_sink *)sink;
    probe_local *l = local;
    (void)done;
    wg_code code = note_placed(s, l, err);
    if (code == WG_OK) code = wgi_parts_add(&l->parts, l->rows, err);
    if (code == WG_OK) code = wgi_parts_take(&s->parts, &l->parts, err);
    probe_local_destroy(sink, l);
    return code;
}

static void probe_destroy(wgi_sink *sink) {
    probe_sink *s = (probe_sink *)sink;
    wgi_parts_deinit(&s->parts);
    wgi_cuts_destroy(s->cuts);
    wg_free(s->placed);
    wg_free(s->types);
}

/* ---- joining the parts */

typedef struct joining {
    const probe_sink *sink;
    const wg_exec_context *context;
    wg_type *types; /* of a run: the slots of the join, position */
    wgi_runs runs;
    wgi_spill *file; /* of the runs */
    wg_expr *keys;   /* the key columns of the other side */
    wg_expr **key_list;
    const wgi_parts *built; /* of the level at hand */
    const wgi_parts *probe;
} joining;

/* What a pass over the other side of a part gives, in the order of its tasks. */
typedef struct run_sink {
    wgi_sink sink;
    const joining *j;
    wg_rows *rows; /* behind the run */
    wgi_run run;
} run_sink;

typedef struct run_local {
    wg_rows *rows;
    wgi_run run; /* earlier rows of the task */
} run_local;

static void run_local_destroy(wgi_sink *sink, void *local) {
    (void)sink;
    run_local *l = local;
    wg_rows_destroy(l->rows);
    wgi_run_deinit(&l->run);
    wg_free(l);
}

static wg_code new_rows(const joining *j, wg_rows **out, wg_error *err) {
    return wgi_rows_create(j->types, j->runs.column_count, j->context->account, out, err);
}

static wg_code run_local_create(wgi_sink *sink, void **out, wg_error *err) {
    const joining *j = ((run_sink *)sink)->j;
    run_local *l = wg_alloc_zero(sink->context->account, sizeof *l);
    if (l == NULL) return wg_error_nomem(err, sizeof *l);
    wgi_run_begin(j->file, &l->run);
    const wg_code code = new_rows(j, &l->rows, err);
    if (code == WG_OK) *out = l;
    else run_local_destroy(sink, l);
    return code;
}

/* Moves the rows to the end of the run. */
static wg_code write_rows(const joining *j, wgi_run *run, wg_rows **rows, wg_error *err) {
    wg_rows *fresh = NULL;
    if ((*rows)->row_count == 0) return WG_OK;
    WG_TRY(new_rows(j, &fresh, err));
    const wg_code code = wgi_run_extend(&j->runs, run, *rows, NULL, (uint32_t)(*rows)->row_count, err);
    wg_rows_destroy(code == WG_OK ? *rows : fresh);
    if (code == WG_OK) *rows = fresh;
    return code;
}

static bool is_full(const joining *j, const wg_rows *rows) {
    return rows->row_count >= HELD_ROWS || (rows->row_count >= WGI_SPILL_ROWS_MIN &&
                                            !wgi_spill_stays_below(j->context, 2 * wgi_rows_cell_bytes(rows)));
}

/* Slots of the other side, keys, position, built slots come in. */
static wg_code run_consume(wgi_sink *sink, void *local, wgi_eval *eval, const wg_batch *batch, bool *stop,
                           wg_error *err) {
    const joining *j = ((run_sink *)sink)->j;
    run_local *l = local;
    (void)stop;
    wg_arena_reset(&eval->arena);
    const uint32_t left = j->sink->slot_count;
    const uint32_t right = j->runs.keep - left;
    wg_vector *columns = wg_arena_alloc(&eval->arena, j->runs.column_count * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, j->runs.column_count * sizeof *columns);
    memcpy(columns, batch->columns, left * sizeof *columns);
    memcpy(columns + left, batch->columns + j->sink->column_count, right * sizeof *columns);
    columns[j->runs.keep] = batch->columns[j->sink->column_count - 1];
    wg_batch out = *batch;
    out.columns = columns;
    out.column_count = j->runs.column_count;
    WG_TRY(wgi_rows_append(l->rows, &out, err));
    return is_full(j, l->rows) ? write_rows(j, &l->run, &l->rows, err) : WG_OK;
}

static wg_code run_merge(wgi_sink *sink, void *local, bool *done, wg_error *err) {
    run_sink *s = (run_sink *)sink;
    run_local *l = local;
    wg_code code = WG_OK;
    (void)done;
    if (l->run.count > 0) {
        WG_TRY_GOTO(write_rows(s->j, &s->run, &s->rows, err));
        WG_TRY_GOTO(wgi_run_take(&s->j->runs, &s->run, &l->run, err));
    }
    WG_TRY_GOTO(wgi_rows_take(s->rows, l->rows, err));
    if (is_full(s->j, s->rows)) WG_TRY_GOTO(write_rows(s->j, &s->run, &s->rows, err));
fail:
    run_local_destroy(sink, l);
    return code;
}

/* Joins the blocks of the other side with one table: one run. */
static wg_code pass(joining *j, const wgi_block_source *source, const wgi_join_table *table, wg_error *err) {
    static const wgi_sink_class class = {run_local_create, run_local_destroy, run_consume, run_merge, NULL, NULL};
    run_sink s = {.sink = {.class = &class, .context = j->context, .window = 2 * j->context->threads}, .j = j};
    wgi_run_begin(j->file, &s.run);
    wg_code code = new_rows(j, &s.rows, err);
    if (code == WG_OK) code = wgi_run_blocks(source, j->sink->sink.plan, table, &s.sink, err);
    if (code == WG_OK) code = write_rows(j, &s.run, &s.rows, err);
    if (code == WG_OK) code = wgi_runs_put(&j->runs, &s.run, err);
    wgi_run_deinit(&s.run);
    wg_rows_destroy(s.rows);
    return code;
}

/* The blocks of a part of the other side, and where the marks of each one's rows begin; *words of marks in all. */
static wg_code list_blocks(const joining *j, uint32_t part, wgi_spill_block **blocks, uint64_t **first,
                           wgi_block_source *out, uint64_t *words, wg_error *err) {
    const wgi_parts *p = j->probe;
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->count; i++) n += p->pieces[i].part == part ? 1 : 0;
    *blocks = wg_alloc(j->context->account, (n + 1) * sizeof **blocks);
    *first = wg_alloc(j->context->account, (n + 1) * sizeof **first);
    if (*blocks == NULL || *first == NULL) return wg_error_nomem(err, n * sizeof **blocks);
    *out =
        (wgi_block_source){.spill = p->file, .blocks = *blocks, .types = p->types, .column_count = p->column_count};
    *words = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->pieces[i].part != part) continue;
        (*first)[out->count] = *words * 64;
        (*blocks)[out->count++] = p->pieces[i].block;
        *words += p->pieces[i].block.rows / 64 + 1;
    }
    return WG_OK;
}

static wg_code pass_rows(joining *j, const wgi_block_source *source, const wgi_join_marks *marks, wg_rows *rows,
                         wg_error *err) {
    wgi_join_table *table = NULL;
    wg_expr *const *keys = j->key_list;
    wg_code code = wgi_join_table_of_rows(j->sink->table, keys, rows, j->context, &table, err);
    if (code != WG_OK) {
        wg_rows_destroy(rows);
        return code;
    }
    table->marks = marks;
    code = pass(j, source, table, err);
    wgi_join_table_destroy(table);
    return code;
}

/* Passes the built rows of the part in pieces that fit. */
static wg_code join_part(joining *j, uint32_t part, wg_error *err) {
    const bool outer = j->sink->sink.plan->op == WG_PLAN_OPTIONAL;
    wgi_block_source source;
    wgi_spill_block *blocks = NULL;
    wgi_join_marks marks = {0};
    uint64_t *first = NULL;
    uint64_t words = 0;
    uint32_t at = 0;
    uint64_t loaded = 0;
    bool begun = false;
    wg_rows *rows = NULL;
    wg_code code = WG_OK;
    WG_TRY_GOTO(list_blocks(j, part, &blocks, &first, &source, &words, err));
    marks.first = first;
    while (!begun || loaded < j->built->rows[part]) {
        WG_TRY_GOTO(wgi_check(j->context, err));
        WG_TRY_GOTO(wgi_parts_load(j->built, part, UINT64_MAX, &at, &rows, err));
        if (rows == NULL)
            WG_TRY_GOTO(wgi_rows_create(j->built->types, j->built->column_count, j->context->account, &rows, err));
        loaded += rows->row_count;
        const bool whole = !begun && loaded == j->built->rows[part];
        begun = true;
        if (outer && !whole && marks.bits == NULL) {
            marks.bits = wg_alloc_zero(j->context->account, (words + 1) * sizeof *marks.bits);
            if (marks.bits == NULL) code = wg_error_nomem(err, words * sizeof *marks.bits);
        }
        if (code == WG_OK) code = pass_rows(j, &source, marks.bits != NULL ? &marks : NULL, rows, err);
        else wg_rows_destroy(rows);
        rows = NULL;
        WG_TRY_GOTO(code);
    }
    if (marks.bits != NULL) {
        marks.leftovers = true;
        WG_TRY_GOTO(wgi_rows_create(j->built->types, j->built->column_count, j->context->account, &rows, err));
        WG_TRY_GOTO(pass_rows(j, &source, &marks, rows, err));
    }
fail:
    wg_free(blocks);
    wg_free(first);
    wg_free(marks.bits);
    return code;
}

static wg_code deal_part(const wgi_parts *from, uint32_t part, wgi_parts *to, wg_error *err) {
    uint32_t at = 0;
    for (;;) {
        wg_rows *rows = NULL;
        WG_TRY(wgi_check(from->context, err));
        WG_TRY(wgi_parts_load(from, part, HELD_ROWS, &at, &rows, err));
        if (rows == NULL) return WG_OK;
        const wg_code code = wgi_parts_add(to, rows, err);
        wg_rows_destroy(rows);
        WG_TRY(code);
    }
}

static bool is_too_large(const joining *j, uint32_t part) {
    const wgi_parts *built = j->built;
    uint64_t rows = 0;
    for (uint32_t p = 0; p < WGI_PARTS; p++) rows += built->rows[p];
    if (built->level + 1 == WGI_PART_LEVELS || built->rows[part] < 2 * WGI_SPILL_ROWS_MIN) return false;
    if (built->rows[part] > rows / 2) return false; /* one key has most of them */
    return !wgi_spill_stays_below(j->context, 2 * built->bytes[part] + 24 * built->rows[part]);
}

static wg_code join_parts(joining *j, wg_error *err);

static wg_code join_again(joining *j, uint32_t part, wg_error *err) {
    const wgi_parts *built = j->built;
    const wgi_parts *probe = j->probe;
    wgi_parts finer_built = {0};
    wgi_parts finer_probe = {0};
    wg_code code = WG_OK;
    WG_TRY_GOTO(wgi_parts_like(built, built->level + 1, &finer_built, err));
    WG_TRY_GOTO(wgi_parts_like(probe, probe->level + 1, &finer_probe, err));
    WG_TRY_GOTO(deal_part(built, part, &finer_built, err));
    WG_TRY_GOTO(deal_part(probe, part, &finer_probe, err));
    j->built = &finer_built;
    j->probe = &finer_probe;
    code = join_parts(j, err);
    j->built = built;
    j->probe = probe;
fail:
    wgi_parts_deinit(&finer_built);
    wgi_parts_deinit(&finer_probe);
    return code;
}

/* All parts of a level; at most WGI_PART_LEVELS calls are under way at a time. */
static wg_code join_parts(joining *j, wg_error *err) {
    const bool outer = j->sink->sink.plan->op == WG_PLAN_OPTIONAL;
    for (uint32_t p = 0; p < WGI_PARTS; p++) {
        if (j->probe->rows[p] == 0 || (j->built->rows[p] == 0 && !outer)) continue;
        WG_TRY(is_too_large(j, p) ? join_again(j, p, err) : join_part(j, p, err));
    }
    return WG_OK;
}

static wg_code make_joining(const probe_sink *s, joining *j, wg_error *err) {
    const wg_plan *plan = s->sink.plan;
    const wg_exec_context *context = s->sink.context;
    const uint32_t n = plan->slot_count;
    *j = (joining){.sink = s, .context = context, .built = s->table->parts, .probe = &s->parts};
    j->types = wg_alloc(context->account, (n + 1) * sizeof *j->types);
    j->keys = wg_alloc_zero(context->account, s->table->key_count * sizeof *j->keys);
    j->key_list = wg_alloc(context->account, s->table->key_count * sizeof *j->key_list);
    if (j->types == NULL || j->keys == NULL || j->key_list == NULL) return wg_error_nomem(err, n * sizeof *j->types);
    for (uint32_t c = 0; c <= n; c++) j->types[c] = c < n ? plan->slot_types[c] : WG_TYPE_INT;
    for (uint32_t k = 0; k < s->table->key_count; k++) {
        j->keys[k] = (wg_expr){.kind = WG_EXPR_SLOT, .type = s->table->key_types[k], .slot = s->slot_count + k};
        j->key_list[k] = &j->keys[k];
    }
    j->runs = (wgi_runs){.context = context,
                         .types = j->types,
                         .column_count = n + 1,
                         .keep = n,
                         .key_count = 1,
                         .user = WG_SPILL_JOIN};
    return wgi_spill_create(context, WG_SPILL_JOIN, &j->file, err);
}

/* first[i + 1] will be how many rows task i gives. */
static wg_code make_cuts(probe_sink *s, wg_error *err) {
    wg_account *account = s->sink.context->account;
    const uint32_t tasks = s->sink.task_base;
    wgi_cuts *cuts = wg_alloc_zero(account, sizeof *cuts);
    if (cuts == NULL) return wg_error_nomem(err, sizeof *cuts);
    s->cuts = cuts;
    cuts->count = tasks;
    cuts->first = wg_alloc_zero(account, ((size_t)tasks + 1) * sizeof *cuts->first);
    cuts->placed = wg_alloc_zero(account, ((size_t)tasks + 1) * sizeof *cuts->placed);
    if (cuts->first == NULL || cuts->placed == NULL) return wg_error_nomem(err, tasks * sizeof *cuts->first);
    for (uint32_t i = 0; i < tasks && i < s->placed_capacity; i++) cuts->placed[i] = s->placed[i];
    return WG_OK;
}

wgi_cuts *wgi_sink_probe_cuts(wgi_sink *sink) {
    probe_sink *s = (probe_sink *)sink;
    wgi_cuts *cuts = s->cuts;
    s->cuts = NULL;
    return cuts;
}

static wg_code probe_finish(wgi_sink *sink, wg_rows **out, wg_error *err) {
    probe_sink *s = (probe_sink *)sink;
    joining j;
    wg_rows *rows = NULL;
    wg_code code = WG_OK;
    WG_TRY_GOTO(make_joining(s, &j, err));
    WG_TRY_GOTO(join_parts(&j, err));
    WG_TRY_GOTO(make_cuts(s, err));
    j.runs.tally = s->cuts->first + 1;
    j.runs.tally_shift = POSITION_BITS;
    WG_TRY_GOTO(wgi_rows_create(j.types, j.runs.keep, sink->context->account, &rows, err));
    WG_TRY_GOTO(wgi_runs_merge(&j.runs, UINT64_MAX, rows, err));
    for (uint32_t i = 0; i < s->cuts->count; i++) s->cuts->first[i + 1] += s->cuts->first[i];
    *out = rows;
    rows = NULL;
fail:
    wg_rows_destroy(rows);
    wgi_runs_deinit(&j.runs);
    wgi_spill_release(j.file);
    wg_free(j.types);
    wg_free(j.keys);
    wg_free(j.key_list);
    return code;
}

wg_code wgi_sink_probe(const wg_plan *plan, const wgi_join_table *table, const wg_exec_context *context,
                       wgi_sink **out, wg_error *err) {
    static const wgi_sink_class class = {probe_local_create, probe_local_destroy, probe_consume,
                                         probe_merge,        probe_finish,        probe_destroy};
    wgi_sink *sink = NULL;
    WG_TRY(wgi_sink_alloc(&class, plan, context, sizeof(probe_sink), &sink, err));
    probe_sink *s = (probe_sink *)sink;
    wg_code code = WG_OK;
    sink->window = 2 * context->threads;
    s->table = table;
    s->slot_count = plan->children[0]->slot_count;
    s->column_count = s->slot_count + table->key_count + 1;
    s->types = wg_alloc(context->account, s->column_count * sizeof *s->types);
    if (s->types == NULL) WG_TRY_GOTO(wg_error_nomem(err, s->column_count * sizeof *s->types));
    memcpy(s->types, plan->children[0]->slot_types, s->slot_count * sizeof *s->types);
    memcpy(s->types + s->slot_count, table->key_types, table->key_count * sizeof *s->types);
    s->types[s->column_count - 1] = WG_TYPE_INT;
    const wgi_parts shape = {.context = context,
                             .user = WG_SPILL_JOIN,
                             .types = s->types,
                             .column_count = s->column_count,
                             .key_first = s->slot_count,
                             .key_count = table->key_count};
    WG_TRY_GOTO(wgi_parts_like(&shape, 0, &s->parts, err));
    *out = sink;
    return WG_OK;
fail:
    wg_free(s->types);
    wg_free(sink);
    return code;
}
