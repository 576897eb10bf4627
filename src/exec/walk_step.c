/* What a step of a walk asks of an edge: a condition over the row, and the nodes and edges of the repetition that it belongs to. The candidates
 * of one node are asked at once, as a batch of which only the last edge and node differ. */
#include "exec/walk_step.h"

enum { CANDIDATES_MAX = 256 };

static wg_code columns_of(wgi_eval *eval, const wg_batch *batch, uint32_t row, uint32_t n, wg_vector *out,
                          wg_error *err) {
    uint32_t rows[CANDIDATES_MAX];
    for (uint32_t i = 0; i < n; i++) rows[i] = row;
    for (uint32_t c = 0; c < batch->column_count; c++)
        if (!wgi_vector_gather(&eval->arena, &batch->columns[c], rows, n, &out[c])) return wg_error_nomem(err, n);
    return WG_OK;
}

static wg_code ids_of(wgi_eval *eval, uint64_t id, uint32_t n, wg_type type, wg_vector *out, wg_error *err) {
    uint64_t *ids = wg_arena_alloc(&eval->arena, CANDIDATES_MAX * sizeof *ids);
    if (ids == NULL) return wg_error_nomem(err, CANDIDATES_MAX * sizeof *ids);
    for (uint32_t i = 0; i < n; i++) ids[i] = id;
    *out = (wg_vector){.type = type, .kind = WG_VECTOR_FLAT, .data = ids};
    return WG_OK;
}

wg_code wgi_walk_filter(const wgi_walk_place *place, uint64_t *edges, uint64_t *nodes, uint32_t *count,
                        wg_error *err) {
    const wg_plan *plan = place->plan;
    const wg_batch *batch = place->batch;
    wgi_eval *eval = place->eval;
    const uint32_t n = *count, width = plan->step_input->slot_count, known = 2 * place->step + 1;
    const wg_expr *filter = plan->steps[place->step].filter;
    uint8_t tri[CANDIDATES_MAX];
    wg_vector result;
    if (filter == NULL || n == 0) return WG_OK;
    WG_ASSERT(n <= CANDIDATES_MAX && batch->column_count + known + 2 <= width);
    wg_arena_reset(&eval->arena);
    wg_vector *columns = wg_arena_alloc_zero(&eval->arena, width * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, width * sizeof *columns);
    WG_TRY(columns_of(eval, batch, place->row, n, columns, err));
    wg_vector *own = columns + batch->column_count;
    for (uint32_t i = 0; i < known; i++)
        WG_TRY(ids_of(eval, place->body[i], n, i % 2 == 0 ? WG_TYPE_NODE : WG_TYPE_EDGE, &own[i], err));
    own[known] = (wg_vector){.type = WG_TYPE_EDGE, .kind = WG_VECTOR_FLAT, .data = edges};
    own[known + 1] = (wg_vector){.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = nodes};
    for (uint32_t i = batch->column_count + known + 2; i < width; i++) columns[i] = wgi_vector_null(WG_TYPE_NULL);
    const wg_batch candidates = {.row_count = n, .column_count = width, .columns = columns};
    WG_TRY(wgi_eval_vector(eval, filter, &candidates, &result, err));
    WG_TRY(wgi_tri_of_vector(&result, &candidates, tri, filter->text_start, err));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (tri[i] != WGI_TRUE) continue;
        edges[kept] = edges[i];
        nodes[kept++] = nodes[i];
    }
    *count = kept;
    return WG_OK;
}
