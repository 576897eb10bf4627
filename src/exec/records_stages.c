/* TgkTraversal, Aggregation, Projection and LimitOffset of the record plane: see operators.h.
 *
 * Traversal is breadth-first over the live edges that came down: a pass over all of them a level, as the founding design has it, so that edges of
 * a level come in the order of their records. Each edge appears once, at its least depth; a set of nodes that were reached ends cycles. */
#include "exec/records_internal.h"

typedef struct node_set {
    uint64_t *ids; /* id + 1; 0: empty */
    uint32_t *depths;
    uint64_t mask;
} node_set;

static uint64_t place_of(const node_set *set, uint64_t id) {
    uint64_t at = wg_hash64_u64(id) & set->mask;
    while (set->ids[at] != 0 && set->ids[at] != id + 1) at = (at + 1) & set->mask;
    return at;
}

static bool reached_at(const node_set *set, uint64_t id, uint32_t depth) {
    const uint64_t at = place_of(set, id);
    return set->ids[at] != 0 && set->depths[at] == depth;
}

static bool reach(node_set *set, uint64_t id, uint32_t depth) {
    const uint64_t at = place_of(set, id);
    if (set->ids[at] != 0) return false;
    set->ids[at] = id + 1;
    set->depths[at] = depth;
    return true;
}

typedef struct walk {
    const wg_operator_def *op;
    const wgi_record_run *run;
    node_set nodes;
    uint8_t *done; /* a record: its edge has been given */
    wg_tgk_traversal_buffer *out;
} walk;

/* The far end of an edge from the nodes at `depth`; WG_RECORD_NONE: it leads on from none of them. */
static uint64_t far_end(const walk *w, const wgi_record *r, uint32_t depth) {
    const uint8_t direction = w->op->params.tgk_traversal.direction;
    if ((direction & 1) != 0 && reached_at(&w->nodes, r->from, depth)) return r->to;
    if ((direction & 2) != 0 && reached_at(&w->nodes, r->to, depth)) return r->from;
    return WG_RECORD_NONE;
}

/* Edges from the nodes at `depth`; true when they lead to new nodes. */
static bool walk_level(walk *w, uint32_t depth) {
    bool more = false;
    wg_tgk_traversal_buffer *out = w->out;
    for (uint64_t i = 0; i < w->run->count; i++) {
        const wgi_record *r = &w->run->records[i];
        if (!r->is_edge || w->done[i]) continue;
        const uint64_t far = far_end(w, r, depth);
        if (far == WG_RECORD_NONE) continue;
        w->done[i] = 1;
        out->logseqs[out->count] = r->logseq;
        out->edge_ids[out->count] = r->id;
        out->node_ids[out->count] = far;
        out->depths[out->count] = depth + 1;
        out->tables[out->count] = r->table;
        out->count++;
        out->depth = depth + 1;
        more |= reach(&w->nodes, far, depth + 1);
    }
    return more;
}

static wg_code walk_all(walk *w, const wg_exec_context *context, wg_error *err) {
    (void)reach(&w->nodes, w->op->params.tgk_traversal.start_node_id, 0);
    bool more = true;
    for (uint32_t depth = 0; more && depth < w->op->params.tgk_traversal.traversal_depth; depth++) {
        WG_TRY(wgi_check(context, err));
        more = walk_level(w, depth);
    }
    return WG_OK;
}

wg_code wgi_records_traverse(const wg_operator_def *op, const wgi_record_run *run, const wg_exec_context *context,
                             wg_arena *arena, wg_tgk_traversal_buffer *out, wg_error *err) {
    uint64_t edges = 0;
    uint64_t capacity = 16;
    for (uint64_t i = 0; i < run->count; i++) edges += run->records[i].is_edge;
    while (capacity < 2 * (edges + 1)) capacity *= 2;
    walk w = {.op = op, .run = run, .out = out, .nodes = {.mask = capacity - 1}};
    w.nodes.ids = wg_alloc_zero(context->account, (size_t)capacity * sizeof *w.nodes.ids);
    w.nodes.depths = wg_alloc_zero(context->account, (size_t)capacity * sizeof *w.nodes.depths);
    w.done = wg_alloc_zero(context->account, (size_t)run->count + 1);
    *out = (wg_tgk_traversal_buffer){0};
    const bool ok = w.nodes.ids != NULL && w.nodes.depths != NULL && w.done != NULL &&
                    WGI_COLUMN(arena, out->logseqs, edges) && WGI_COLUMN(arena, out->edge_ids, edges) &&
                    WGI_COLUMN(arena, out->node_ids, edges) && WGI_COLUMN(arena, out->depths, edges) &&
                    WGI_COLUMN(arena, out->tables, edges);
    const wg_code code = ok ? walk_all(&w, context, err) : wg_error_nomem(err, (size_t)capacity * 16);
    wg_free(w.nodes.ids);
    wg_free(w.nodes.depths);
    wg_free(w.done);
    return code;
}

/* ---- Projection: rows of the traversal when there was one, else of the records */

static wg_code project_traversal(const wg_tgk_traversal_buffer *t, wg_arena *arena, wg_projection_buffer *p,
                                 wg_error *err) {
    p->count = t->count;
    p->logseqs = t->logseqs;
    p->tgk_edge_ids = t->edge_ids;
    p->node_ids = t->node_ids;
    p->tables = t->tables;
    if (!WGI_COLUMN(arena, p->artifact_ids, t->count) || !WGI_COLUMN(arena, p->type_tags, t->count))
        return wg_error_nomem(err, t->count * 12);
    for (uint64_t i = 0; i < t->count; i++) p->artifact_ids[i] = WG_RECORD_NONE;
    memset(p->type_tags, 0, (size_t)t->count * sizeof *p->type_tags);
    return WG_OK;
}

wg_code wgi_records_project(const wg_operator_def *op, bool traversed, wg_record_result *r, wg_error *err) {
    wg_projection_buffer p = {0};
    if (traversed) {
        WG_TRY(project_traversal(&r->traversal, &r->arena, &p, err));
    } else {
        p = (wg_projection_buffer){.count = r->records.count,
                                   .logseqs = r->records.logseqs,
                                   .artifact_ids = r->records.artifact_ids,
                                   .tgk_edge_ids = r->records.tgk_edge_ids,
                                   .node_ids = r->records.artifact_ids,
                                   .type_tags = r->records.type_tags,
                                   .tables = r->records.tables};
    }
    if (op != NULL) {
        if (!op->params.projection.project_artifact_id) p.artifact_ids = NULL;
        if (!op->params.projection.project_tgk_edge_id) p.tgk_edge_ids = NULL;
        if (!op->params.projection.project_node_id) p.node_ids = NULL;
        if (!op->params.projection.project_type_tag) p.type_tags = NULL;
    }
    r->projection = p;
    return WG_OK;
}

/* ---- LimitOffset: skip + limit saturates; the columns are views */

void wgi_records_limit(const wg_operator_def *op, wg_projection_buffer *p) {
    const uint64_t skip = wg_min_u64(op->params.limit_offset.offset, p->count);
    p->count = wg_min_u64(op->params.limit_offset.limit, p->count - skip);
    p->logseqs += skip;
    p->tables += skip;
    if (p->artifact_ids != NULL) p->artifact_ids += skip;
    if (p->tgk_edge_ids != NULL) p->tgk_edge_ids += skip;
    if (p->node_ids != NULL) p->node_ids += skip;
    if (p->type_tags != NULL) p->type_tags += skip;
}

/* ---- Aggregation: over the records; sums are exact */

static int compare_ids(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

wg_code wgi_records_aggregate(const wg_operator_def *op, const wg_kernels *kernels, wg_record_result *r,
                              wg_error *err) {
    wg_arena *arena = &r->arena;
    const wg_merge_buffer *m = &r->records;
    wg_aggregation_accumulator *a = &r->aggregation;
    *a = (wg_aggregation_accumulator){0};
    if (op->params.aggregation.agg_count) a->count = m->count;
    if (op->params.aggregation.agg_sum) a->sum_type_tag = kernels->sum_u32(m->type_tags, (size_t)m->count);
    if (!op->params.aggregation.agg_union) return WG_OK;
    if (!WGI_COLUMN(arena, a->union_ids, m->count)) return wg_error_nomem(err, m->count * sizeof *a->union_ids);
    for (uint64_t i = 0; i < m->count; i++) {
        const bool is_edge = m->artifact_ids[i] == WG_RECORD_NONE;
        a->union_ids[i] = (is_edge ? m->tgk_edge_ids[i] : m->artifact_ids[i]) << 1 | is_edge;
    }
    qsort(a->union_ids, (size_t)m->count, sizeof *a->union_ids, compare_ids);
    for (uint64_t i = 0; i < m->count; i++)
        if (i == 0 || a->union_ids[i] != a->union_ids[i - 1]) a->union_ids[a->union_count++] = a->union_ids[i];
    return WG_OK;
}
