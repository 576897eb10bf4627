/* PATTERN_COUNT: edges that conditions leave over of a label, as compressed sparse rows of their own.
 *
 * The plan of the set gives start, edge and end of each. Three stable sorts make both sides with the neighbours of each node in order: by start;
 * that by end, which leaves the starts of each end ascending; that by start again. They live as long as the run. What does not fit into memory
 * is no error: the matches are listed then. */
#include "exec/pattern_internal.h"

typedef struct edge_list {
    uint32_t *nodes, *neighbours, *edges;
    uint64_t count;
} edge_list;

static bool make_list(wg_arena *arena, uint64_t count, edge_list *out) {
    const size_t bytes = (count + 1) * sizeof(uint32_t);
    *out = (edge_list){.nodes = wg_arena_alloc(arena, bytes),
                       .neighbours = wg_arena_alloc(arena, bytes),
                       .edges = wg_arena_alloc(arena, bytes),
                       .count = count};
    return out->nodes != NULL && out->neighbours != NULL && out->edges != NULL;
}

/* *out_has false: an id needs more than 32 bits. */
static bool read_rows(const wg_rows *rows, wg_arena *arena, edge_list *out, bool *out_has) {
    const wg_vector from = wg_column_view(&rows->columns[0]), edge = wg_column_view(&rows->columns[1]),
                    to = wg_column_view(&rows->columns[2]);
    *out_has = rows->row_count < UINT32_MAX;
    if (!make_list(arena, rows->row_count, out)) return false;
    for (uint32_t i = 0; i < rows->row_count && *out_has; i++) {
        uint64_t ids[3] = {0};
        *out_has = wgi_vector_id(&from, i, WG_TYPE_NODE, &ids[0]) && wgi_vector_id(&edge, i, WG_TYPE_EDGE, &ids[1]) &&
                   wgi_vector_id(&to, i, WG_TYPE_NODE, &ids[2]) && ids[0] < UINT32_MAX && ids[1] < UINT32_MAX &&
                   ids[2] < UINT32_MAX;
        out->nodes[i] = (uint32_t)ids[0];
        out->edges[i] = (uint32_t)ids[1];
        out->neighbours[i] = (uint32_t)ids[2];
    }
    return true;
}

/* The entries of a side, in its order, seen from the other end. */
static void turn(const wg_adjacency_side *side, edge_list *out) {
    uint64_t at = 0;
    for (uint64_t k = 0; k < side->node_count; k++)
        for (uint64_t i = side->offsets[k]; i < side->offsets[k + 1]; i++, at++) {
            out->nodes[at] = side->neighbours[i];
            out->neighbours[at] = (uint32_t)(side->node_min + k);
            out->edges[at] = side->edges[i];
        }
    WG_ASSERT(at == out->count);
}

static wg_code sort(const wgi_pattern_run *run, const edge_list *list, wg_adjacency_side *out, void **out_block,
                    wg_error *err) {
    const wg_builders by = {run->context->pool, run->context->threads};
    wg_edge_columns columns = {.count = list->count,
                               .nodes = list->nodes,
                               .neighbours = list->neighbours,
                               .edges = list->edges,
                               .node_min = UINT32_MAX};
    for (uint64_t i = 0; i < list->count; i++) {
        columns.node_min = list->nodes[i] < columns.node_min ? list->nodes[i] : columns.node_min;
        columns.node_max = list->nodes[i] > columns.node_max ? list->nodes[i] : columns.node_max;
    }
    return wg_edge_columns_sort(&columns, NULL, &by, run->context->account, out, out_block, err);
}

static wg_code find_loops(wgi_pattern_run *run, wgi_pattern_label *l, wg_error *err) {
    const wg_adjacency_side *out = &l->own[0];
    uint64_t n = 0;
    uint32_t *nodes = wg_arena_alloc(&run->arena, (out->node_count + 1) * sizeof *nodes);
    uint32_t *counts = wg_arena_alloc(&run->arena, (out->node_count + 1) * sizeof *counts);
    if (nodes == NULL || counts == NULL) return wg_error_nomem(err, out->node_count * sizeof *nodes);
    for (uint64_t k = 0; k < out->node_count; k++) {
        uint32_t loops = 0;
        for (uint64_t i = out->offsets[k]; i < out->offsets[k + 1]; i++)
            loops += out->neighbours[i] == out->node_min + k;
        if (loops == 0) continue;
        nodes[n] = (uint32_t)(out->node_min + k);
        counts[n++] = loops;
    }
    l->loops = (wgi_node_counts){nodes, counts, n};
    return WG_OK;
}

static wg_code make_sides(wgi_pattern_run *run, const wg_rows *rows, wgi_pattern_label *l, bool *out_has,
                          wg_error *err) {
    wg_arena arena;
    wg_adjacency_side first;
    void *block = NULL;
    edge_list list;
    wg_arena_init(&arena, run->context->account);
    wg_code code = WG_OK;
    if (!read_rows(rows, &arena, &list, out_has)) code = wg_error_nomem(err, rows->row_count * 12);
    if (code == WG_OK && *out_has && list.count > 0) {
        code = sort(run, &list, &first, &block, err);
        if (code == WG_OK) {
            turn(&first, &list);
            code = sort(run, &list, &l->own[1], &l->blocks[1], err);
        }
        if (code == WG_OK) {
            turn(&l->own[1], &list);
            code = sort(run, &list, &l->own[0], &l->blocks[0], err);
        }
    }
    wg_free(block);
    wg_arena_deinit(&arena);
    if (code == WG_OK && *out_has) code = find_loops(run, l, err);
    return code;
}

/* No edges: lists that may be pointed into. */
static void make_empty(wg_adjacency_side *side) {
    static const uint32_t offsets[1] = {0};
    static const uint32_t nothing[1] = {0};
    *side = (wg_adjacency_side){.offsets = offsets, .neighbours = nothing, .edges = nothing};
}

wg_code wgi_pattern_set_make(wgi_pattern_run *run, const wg_pattern_set *set, wgi_pattern_label *label, bool *out_has,
                             wg_error *err) {
    wg_rows *rows = NULL;
    make_empty(&label->own[0]);
    make_empty(&label->own[1]);
    wg_code code = wgi_run_plan(set->rows, run->context, &rows, err);
    *out_has = code == WG_OK;
    if (code == WG_OK) code = make_sides(run, rows, label, out_has, err);
    wg_rows_destroy(rows);
    for (int i = 0; i < 2; i++) label->sides[i] = label->sorted[i] = &label->own[i];
    if (code == WG_OK && *out_has) return WG_OK;
    wgi_pattern_set_free(label);
    *out_has = false;
    return code == WG_E_NOMEM || code == WG_E_LIMIT ? WG_OK : code;
}

void wgi_pattern_set_free(wgi_pattern_label *label) {
    for (int i = 0; i < 2; i++) {
        wg_free(label->blocks[i]);
        label->blocks[i] = NULL;
    }
}
