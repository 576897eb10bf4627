/* Call: runs a plan that may write for each row of the input, in order and on one thread; FOREACH and CALL { } with writes. The input
 * is taken in whole first. Each run sees what the earlier ones wrote. */
#include "exec/exec_internal.h"

static wg_code add_rows(wg_rows *out, const wg_batch *in, const wg_rows *found, const wg_exec_context *context,
                        wg_error *err) {
    if (found->row_count > UINT32_MAX - out->row_count)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %u rows in one intermediate result",
                            UINT32_MAX);
    for (uint64_t row = 0; row < found->row_count; row++) {
        if (row % 1024 == 0) WG_TRY(wgi_check(context, err));
        for (uint32_t c = 0; c < in->column_count; c++)
            if (!wgi_column_append(&out->columns[c], &in->columns[c], in->sel, NULL, 1))
                return wg_error_nomem(err, 16);
        for (uint32_t c = 0; c < found->column_count; c++) {
            const wg_vector v = wg_column_view(&found->columns[c]);
            const uint32_t index = (uint32_t)row;
            if (!wgi_column_append(&out->columns[in->column_count + c], &v, NULL, &index, 1))
                return wg_error_nomem(err, 16);
        }
        out->row_count++;
    }
    return WG_OK;
}

static wg_code call_rows(const wg_plan *plan, const wg_exec_context *context, const wg_rows *rows, wg_vector *vectors,
                         wg_rows *out, wg_error *err) {
    const bool adds = plan->slot_count > plan->children[0]->slot_count;
    for (uint64_t row = 0; row < rows->row_count; row++) {
        const uint64_t first = row / 8 * 8;
        const uint16_t sel = (uint16_t)(row - first);
        wg_batch in;
        wg_rows *found;
        WG_TRY(wgi_check(context, err));
        wgi_rows_view(rows, first, (uint32_t)wg_min_u64(8, rows->row_count - first), vectors, &in);
        in.sel = &sel;
        in.row_count = 1;
        const wgi_eval place = {.context = context, .placed = &in, .place = row};
        wg_exec_context inner = *context;
        inner.row_seed = wgi_row_seed(&place, sel);
        WG_TRY(wgi_run_for_row(plan->children[1], &inner, plan->children[0]->slot_types, &in, sel, &found, err));
        const wg_code code = adds ? add_rows(out, &in, found, context, err) : WG_OK;
        wg_rows_destroy(found);
        WG_TRY(code);
    }
    return WG_OK;
}

wg_code wgi_run_call(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    const bool adds = plan->slot_count > plan->children[0]->slot_count;
    wg_rows *rows, *result = NULL;
    WG_TRY(wgi_run_plan(plan->children[0], context, &rows, err));
    wg_vector *vectors = wg_alloc(context->account, (rows->column_count + (size_t)1) * sizeof *vectors);
    wg_code code = vectors == NULL ? wg_error_nomem(err, sizeof *vectors) : WG_OK;
    if (code == WG_OK && adds)
        code = wgi_rows_create(plan->slot_types, plan->slot_count, context->account, &result, err);
    if (code == WG_OK) code = call_rows(plan, context, rows, vectors, result, err);
    wg_free(vectors);
    if (code == WG_OK) *out = adds ? result : rows;
    if (code != WG_OK) wg_rows_destroy(result);
    if (code != WG_OK || adds) wg_rows_destroy(rows);
    return code;
}
