/* COPY TO: a sink whose rows go to a file instead of an answer.
 *
 * Rows stream: those of a task are made into text (or kept as columns, for Parquet) by whoever runs the task, and put to the file when its turn
 * comes. The task whose turn it is puts what it has whenever PUT_BYTES or PUT_ROWS are together, so that a task with many rows does not keep them;
 * the others, two a thread at most, wait with theirs, charged to the query's account. Nothing grows with the length of the answer but the file.
 *
 * A task that fails is run again by the pipeline and fails again; what it had put by then does not matter, because the file is thrown away. Should
 * it not fail again, that is WG_E_INTERNAL and never a row twice.
 *
 * Before Parquet is written, columns of ANY are looked through once by a sink that notes the types of their values. */
#include "engine/copy_to.h"
#include "exec/exec_internal.h"
#include "exec/spill.h"

enum { PUT_BYTES = 1 << 20, PUT_ROWS = 1 << 13 };

typedef struct copy_local {
    wg_buf text;
    uint64_t text_rows;
    wg_rows *rows; /* Parquet */
    bool has_put;
} copy_local;

typedef struct copy_sink {
    wgi_sink sink;
    const wg_type *types;
    uint32_t count;
    wg_copy_writer *writer;
    wg_vector *vectors;
    _Atomic uint32_t
        turn;     /* the task that is merged next; released by each merge, acquired by who puts ahead of it */
    bool has_put; /* the task of this turn has put rows */
} copy_sink;

static void copy_local_destroy(wgi_sink *sink, void *local) {
    copy_local *l = local;
    (void)sink;
    wg_buf_deinit(&l->text);
    wg_rows_destroy(l->rows);
    wg_free(l);
}

static wg_code copy_local_create(wgi_sink *sink, void **out, wg_error *err) {
    const copy_sink *s = (copy_sink *)sink;
    copy_local *l = wg_alloc_zero(sink->context->account, sizeof *l);
    if (l == NULL) return wg_error_nomem(err, sizeof *l);
    wg_buf_init(&l->text, sink->context->account);
    wg_code code = WG_OK;
    if (!wg_copy_writer_is_text(s->writer))
        code = wgi_rows_create(s->types, s->count, sink->context->account, &l->rows, err);
    if (code == WG_OK) *out = l;
    else copy_local_destroy(sink, l);
    return code;
}

/* Puts what a task has; its turn has come. */
static wg_code local_put(copy_sink *s, copy_local *l, wg_error *err) {
    if (l->has_put != s->has_put)
        return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "COPY: a task that failed did not fail again");
    l->has_put = s->has_put = true;
    if (l->rows == NULL) {
        const wg_code code = wg_copy_writer_put_text(s->writer, wg_buf_slice(&l->text), l->text_rows, err);
        l->text.size = 0;
        l->text_rows = 0;
        return code;
    }
    for (uint32_t piece = 0; piece < wg_rows_piece_count(l->rows); piece++) {
        wg_batch batch;
        wg_rows_piece(l->rows, piece, s->vectors, &batch);
        WG_TRY(wg_copy_writer_put(s->writer, &batch, err));
    }
    wg_rows_destroy(l->rows);
    l->rows = NULL;
    return wgi_rows_create(s->types, s->count, s->sink.context->account, &l->rows, err);
}

static wg_code copy_consume(wgi_sink *sink, void *local, wgi_eval *eval, const wg_batch *batch, bool *stop,
                            wg_error *err) {
    copy_sink *s = (copy_sink *)sink;
    copy_local *l = local;
    (void)stop;
    if (l->rows != NULL) {
        WG_TRY(wgi_rows_append(l->rows, batch, err));
    } else {
        WG_TRY(wg_copy_writer_encode(s->writer, batch, &l->text, err));
        l->text_rows += batch->row_count;
    }
    const bool full = l->rows != NULL ? l->rows->row_count >= PUT_ROWS : l->text.size >= PUT_BYTES;
    if (!full || atomic_load_explicit(&s->turn, memory_order_acquire) != eval->task) return WG_OK;
    return local_put(s, l, err);
}

static wg_code copy_merge(wgi_sink *sink, void *local, bool *done, wg_error *err) {
    copy_sink *s = (copy_sink *)sink;
    (void)done;
    const wg_code code = local_put(s, local, err);
    s->has_put = false;
    atomic_fetch_add_explicit(&s->turn, 1, memory_order_release);
    copy_local_destroy(sink, local);
    return code;
}

static wg_code no_rows(wgi_sink *sink, wg_rows **out, wg_error *err) {
    return wgi_rows_create(NULL, 0, sink->context->account, out, err);
}

static void copy_destroy(wgi_sink *sink) { wg_free(((copy_sink *)sink)->vectors); }

static const wgi_sink_class copy_class = {copy_local_create, copy_local_destroy, copy_consume, copy_merge,
                                          no_rows,           copy_destroy};

/* ---- the types of values */

typedef struct types_sink {
    wgi_sink sink;
    uint32_t count;
    uint64_t *seen;
} types_sink;

static wg_code types_local_create(wgi_sink *sink, void **out, wg_error *err) {
    const types_sink *s = (types_sink *)sink;
    uint64_t *seen = wg_alloc_zero(sink->context->account, ((size_t)s->count + 1) * sizeof *seen);
    if (seen == NULL) return wg_error_nomem(err, s->count * sizeof *seen);
    *out = seen;
    return WG_OK;
}

static void types_local_destroy(wgi_sink *sink, void *local) {
    (void)sink;
    wg_free(local);
}

static wg_code types_consume(wgi_sink *sink, void *local, wgi_eval *eval, const wg_batch *batch, bool *stop,
                             wg_error *err) {
    const types_sink *s = (types_sink *)sink;
    uint64_t *seen = local;
    (void)eval;
    (void)stop;
    (void)err;
    for (uint32_t c = 0; c < s->count; c++) {
        const wg_vector *v = &batch->columns[c];
        for (uint32_t i = 0; i < batch->row_count; i++) {
            const uint32_t row = wg_batch_row(batch, i);
            if (!wg_vector_is_valid(v, row)) continue;
            const bool any = v->type == WG_TYPE_ANY;
            seen[c] |= UINT64_C(1) << (any ? ((const wg_value *)v->data)[wg_vector_cell(v, row)].type : v->type);
            if (!any) break;
        }
    }
    return WG_OK;
}

static wg_code types_merge(wgi_sink *sink, void *local, bool *done, wg_error *err) {
    const types_sink *s = (types_sink *)sink;
    const uint64_t *seen = local;
    (void)done;
    (void)err;
    for (uint32_t c = 0; c < s->count; c++) s->seen[c] |= seen[c];
    wg_free(local);
    return WG_OK;
}

static void types_destroy(wgi_sink *sink) { (void)sink; }

static const wgi_sink_class types_class = {
    types_local_create, types_local_destroy, types_consume, types_merge, no_rows, types_destroy};

/* ---- running */

wg_code wgi_run_copy(const wg_plan *plan, const wg_exec_context *context, wg_copy_writer *writer, wg_error *err) {
    wgi_sink *sink = NULL;
    wg_rows *nothing = NULL;
    WG_TRY(wgi_sink_alloc(&copy_class, NULL, context, sizeof(copy_sink), &sink, err));
    copy_sink *s = (copy_sink *)sink;
    s->types = plan->slot_types;
    s->count = plan->slot_count;
    s->writer = writer;
    sink->window = 2 * context->threads; /* rows that wait are memory, and one thread at a time writes them */
    atomic_init(&s->turn, 0);
    s->vectors = wg_alloc(context->account, ((size_t)s->count + 1) * sizeof *s->vectors);
    if (s->vectors == NULL) {
        wg_free(sink);
        return wg_error_nomem(err, s->count * sizeof *s->vectors);
    }
    const wg_code code = wgi_run_into(plan, context, sink, &nothing, err);
    if (code == WG_OK) wg_rows_destroy(nothing);
    return code;
}

wg_code wgi_run_types(const wg_plan *plan, const wg_exec_context *context, uint64_t *seen, wg_error *err) {
    wgi_sink *sink = NULL;
    wg_rows *nothing = NULL;
    WG_TRY(wgi_sink_alloc(&types_class, NULL, context, sizeof(types_sink), &sink, err));
    types_sink *s = (types_sink *)sink;
    s->count = plan->slot_count;
    s->seen = seen;
    const wg_code code = wgi_run_into(plan, context, sink, &nothing, err);
    if (code == WG_OK) wg_rows_destroy(nothing);
    return code;
}
