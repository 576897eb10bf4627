/* MERGE: for each row of the input, in order and on one thread, the rows that already match the pattern, or else what the pattern
 * creates. The search is a plan of its own (children[1]) that is opened anew for every row, so it sees what earlier rows have
 * written; its rows come in the order of that plan, which no number of threads changes. ON MATCH and ON CREATE are applied to a row
 * before the next row of the input is looked at.
 *
 * A property that is null fails before anything is searched: such a pattern would match nothing and be created again each time. */
#include "exec/exec_internal.h"

typedef struct merger {
    const wg_plan *plan;
    const wg_exec_context *context;
    wgi_eval eval;
    wg_rows *out;
    wg_arena scratch; /* of the vectors below */
    wg_vector *in_vectors;
    wg_vector *out_vectors;
} merger;

static wg_code refuse_null(const wgi_write_row *w, wg_error *err) {
    for (uint32_t i = 0; i < w->plan->create_count; i++) {
        const wg_write_properties *p = &w->plan->creates[i].properties;
        for (uint32_t k = 0; k < p->count; k++) {
            wg_value v;
            WG_TRY(wgi_write_eval(w, p->exprs[k], &v, err));
            if (v.type == WG_TYPE_NULL)
                return wg_error_refine(
                    err,
                    wg_error_set(err, WG_E_VALUE, p->exprs[k]->text_start,
                                 "MERGE on a property that is null: it would never match what it creates"),
                    WG_S_NULL_NOT_ALLOWED);
        }
    }
    return WG_OK;
}

/* Applies SET to the last row of the output. */
static wg_code set_last(merger *m, const wg_set_item *items, uint32_t count, wg_error *err) {
    if (count == 0) return WG_OK;
    wgi_write_row w = {.plan = m->plan, .txn = m->context->txn, .eval = &m->eval};
    const uint64_t row = m->out->row_count - 1, first = row / 8 * 8;
    const uint16_t sel = (uint16_t)(row - first);
    wgi_rows_view(m->out, first, (uint32_t)(m->out->row_count - first), m->out_vectors, &w.batch);
    w.batch.sel = &sel;
    w.batch.row_count = 1;
    return wgi_set_items(&w, items, count, err);
}

/* Input row ++ ids as one row more of the output. */
static wg_code add_row(merger *m, const wg_batch *in, const uint64_t *ids, wg_error *err) {
    if (m->out->row_count == UINT32_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "MERGE gives more than %u rows", UINT32_MAX);
    for (uint32_t c = 0; c < in->column_count; c++)
        if (!wgi_column_append(&m->out->columns[c], &in->columns[c], in->sel, NULL, 1))
            return wg_error_nomem(err, 16);
    for (uint32_t i = 0; i < m->plan->create_count; i++)
        if (!wg_column_append_id(&m->out->columns[in->column_count + i], ids[i])) return wg_error_nomem(err, 8);
    m->out->row_count++;
    return WG_OK;
}

static wg_code take_matches(merger *m, const wg_batch *in, const wg_rows *found, uint64_t *ids, wg_error *err) {
    for (uint64_t row = 0; row < found->row_count; row++) {
        if (row % 1024 == 0) WG_TRY(wgi_check(m->context, err));
        for (uint32_t i = 0; i < m->plan->create_count; i++) ids[i] = wg_rows_cell(found, row, i).as.id;
        WG_TRY(add_row(m, in, ids, err));
        WG_TRY(set_last(m, m->plan->sets, m->plan->set_count, err));
    }
    return WG_OK;
}

static wg_code merge_row(merger *m, const wg_batch *in, wg_error *err) {
    const wg_plan *plan = m->plan;
    const wgi_write_row w = {.plan = plan, .txn = m->context->txn, .eval = &m->eval, .batch = *in};
    wg_rows *found;
    wg_arena_reset(&m->eval.arena);
    uint64_t *ids = wg_arena_alloc(&m->eval.arena, (plan->create_count + (size_t)1) * sizeof *ids);
    if (ids == NULL) return wg_error_nomem(err, plan->create_count * sizeof *ids);
    WG_TRY(refuse_null(&w, err));
    wg_exec_context inner = *m->context;
    inner.row_seed = wgi_row_seed(&m->eval, in->sel[0]);
    WG_TRY(wgi_run_for_row(plan->children[1], &inner, plan->children[0]->slot_types, in, in->sel[0], &found, err));
    const bool create = found->row_count == 0;
    const wg_code code = create ? WG_OK : take_matches(m, in, found, ids, err);
    wg_rows_destroy(found);
    if (code != WG_OK || !create) return code;
    WG_TRY(wgi_create_items(&w, ids, err));
    WG_TRY(add_row(m, in, ids, err));
    return set_last(m, plan->on_create, plan->on_create_count, err);
}

static wg_code merge_rows(merger *m, const wg_rows *rows, wg_error *err) {
    m->in_vectors = wg_arena_alloc(&m->scratch, (rows->column_count + (size_t)1) * sizeof(wg_vector));
    m->out_vectors = wg_arena_alloc(&m->scratch, (m->out->column_count + (size_t)1) * sizeof(wg_vector));
    if (m->in_vectors == NULL || m->out_vectors == NULL) return wg_error_nomem(err, sizeof(wg_vector));
    for (uint64_t row = 0; row < rows->row_count; row++) {
        const uint64_t first = row / 8 * 8;
        const uint16_t sel = (uint16_t)(row - first);
        wg_batch in;
        if (row % 64 == 0) WG_TRY(wgi_check(m->context, err));
        wgi_rows_view(rows, first, (uint32_t)wg_min_u64(8, rows->row_count - first), m->in_vectors, &in);
        in.sel = &sel;
        in.row_count = 1;
        m->eval.placed = &in;
        m->eval.place = row;
        WG_TRY(merge_row(m, &in, err));
    }
    return WG_OK;
}

wg_code wgi_run_merge(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    wg_rows *rows;
    merger m = {.plan = plan, .context = context, .eval = {.context = context}};
    WG_TRY(wgi_run_plan(plan->children[0], context, &rows, err));
    wg_arena_init(&m.eval.arena, context->account);
    wg_arena_init(&m.scratch, context->account);
    wg_code code = wgi_rows_create(plan->slot_types, plan->slot_count, context->account, &m.out, err);
    if (code == WG_OK) code = merge_rows(&m, rows, err);
    wg_arena_deinit(&m.scratch);
    wgi_eval_deinit(&m.eval);
    wg_rows_destroy(rows);
    if (code == WG_OK) *out = m.out;
    else wg_rows_destroy(m.out);
    return code;
}
