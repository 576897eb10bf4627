/* Pick: of each run of rows with equal keys the first few, or those of the first few different values. What is wanted first stands first: the
 * rows below are sorted. One pass over rows that are there whole, on one thread. */
#include "exec/exec_internal.h"

enum { PICK_ROWS = 2048 };

typedef struct picker {
    const wg_plan *plan;
    wgi_eval eval;
    wg_value *keys;     /* of the run in hand, its last counted value behind them */
    wg_arena arenas[2]; /* they live in one of these, in turn */
    uint32_t which;
    bool started;
    uint64_t taken;
} picker;

static wg_code take_key(picker *k, uint32_t i, const wg_value *v, wg_error *err) {
    return wg_value_copy(&k->arenas[k->which], v, &k->keys[i]) ? WG_OK : wg_error_nomem(err, sizeof *v);
}

static bool same(const wg_value *a, const wg_value *b) { return wg_value_equivalent(a, b); }

/* Whether the row is one of those wanted; the run it belongs to is remembered. */
static wg_code picks(picker *k, const wg_vector *vectors, uint32_t row, bool *out, wg_error *err) {
    const uint32_t count = k->plan->expr_count;
    bool run = k->started;
    for (uint32_t i = 0; i < count && run; i++) {
        const wg_value v = wg_vector_value(&vectors[i], row);
        run = same(&v, &k->keys[i]);
    }
    const wg_value value = wg_vector_value(&vectors[count], row);
    const bool counts = !run || !k->plan->all_shortest || !same(&value, &k->keys[count]);
    if (!run) {
        k->which = 1 - k->which;
        k->taken = 0;
        k->started = true;
        wg_arena_reset(&k->arenas[k->which]);
        for (uint32_t i = 0; i < count; i++) {
            const wg_value v = wg_vector_value(&vectors[i], row);
            WG_TRY(take_key(k, i, &v, err));
        }
    }
    if (counts) {
        k->taken++;
        if (k->taken <= k->plan->hops_max) WG_TRY(take_key(k, count, &value, err));
    }
    *out = k->taken <= k->plan->hops_max;
    return WG_OK;
}

static wg_code pick_rows(picker *k, const wg_rows *from, wg_rows *to, wg_vector *views, wg_vector *vectors,
                         wg_error *err) {
    const uint32_t count = k->plan->expr_count;
    for (uint64_t first = 0; first < from->row_count; first += PICK_ROWS) {
        const uint32_t n = (uint32_t)wg_min_u64(PICK_ROWS, from->row_count - first);
        uint32_t index[PICK_ROWS], kept = 0;
        wg_batch batch;
        WG_TRY(wgi_check(k->eval.context, err));
        wg_arena_reset(&k->eval.arena);
        wgi_rows_view(from, first, n, views, &batch);
        for (uint32_t i = 0; i < count; i++)
            WG_TRY(wgi_eval_vector(&k->eval, k->plan->exprs[i], &batch, &vectors[i], err));
        WG_TRY(wgi_eval_vector(&k->eval, k->plan->right_exprs[0], &batch, &vectors[count], err));
        for (uint32_t i = 0; i < n; i++) {
            bool wanted;
            WG_TRY(picks(k, vectors, i, &wanted, err));
            if (wanted) index[kept++] = (uint32_t)(first + i);
        }
        if (kept > 0) WG_TRY(wgi_rows_gather(to, from, index, kept, err));
    }
    return WG_OK;
}

static wg_code pick(const wg_plan *plan, const wg_exec_context *context, const wg_rows *from, wg_rows *to,
                    wg_error *err) {
    picker k = {.plan = plan, .eval = {.context = context}};
    const size_t width = from->column_count + (size_t)1, keys = plan->expr_count + (size_t)1;
    wg_arena_init(&k.eval.arena, context->account);
    wg_arena_init(&k.arenas[0], context->account);
    wg_arena_init(&k.arenas[1], context->account);
    wg_vector *vectors = wg_alloc(context->account, (width + keys) * sizeof *vectors);
    k.keys = wg_alloc(context->account, keys * sizeof *k.keys);
    const wg_code code = vectors == NULL || k.keys == NULL ? wg_error_nomem(err, width)
                                                           : pick_rows(&k, from, to, vectors, vectors + width, err);
    wg_free(vectors);
    wg_free(k.keys);
    wg_arena_deinit(&k.eval.arena);
    wg_arena_deinit(&k.arenas[0]);
    wg_arena_deinit(&k.arenas[1]);
    return code;
}

wg_code wgi_run_pick(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    wg_rows *from, *to = NULL;
    WG_TRY(wgi_run_plan(plan->children[0], context, &from, err));
    wg_code code = wgi_rows_create(plan->slot_types, plan->slot_count, context->account, &to, err);
    if (code == WG_OK) code = pick(plan, context, from, to, err);
    wg_rows_destroy(from);
    if (code == WG_OK) *out = to;
    else wg_rows_destroy(to);
    return code;
}
