/* TgkTraversal to the nearest: the shortest walks between two node slots, one of them or all.
 *
 * Breadth-first from `slot`, level by level, edges in the order (label, edge id). Every node keeps the edges by which the level before
 * reaches it, in that order; the search ends with the level that reaches `slot_b`. The one walk is that of the first such edges; all
 * walks are put out depth-first from the far end. One walk between two nodes is searched from both ends where there is adjacency
 * (shortest_pair.c), with the same result. Nodes and edges met are charged to the query's account; cancellation and deadline
 * are checked while searching and while putting out. */
#include <stdlib.h>

#include "exec/neighbours.h"
#include "exec/walk_step.h"

enum { CHUNK = 256, CHECK_STEPS = 1024 };
#define NONE UINT32_MAX

typedef struct met {
    uint64_t node;
    uint32_t level;
    uint32_t first_arrival; /* index into arrivals, NONE: the start */
    uint32_t last_arrival;
} met;

typedef struct arrival {
    uint64_t edge;
    uint32_t from; /* index into met */
    uint32_t next; /* of the same node */
} arrival;

typedef struct shortest_op {
    wgi_op op;
    wg_arena out;
    wg_arena lists;
    wg_buf met;        /* met[] in the order of meeting: the queue too */
    wg_buf arrivals;   /* arrival[] */
    wg_buf table;      /* uint32_t: index into met + 1, 0 empty; a power of two */
    wg_buf candidates; /* candidate[]: edges of the node in hand */
    wg_buf walk;       /* uint32_t: arrivals from the far end */
    wg_vector *wanted;
    wgi_eval step_eval;
    uint64_t
        prefix; /* of a walk that ends where it begins: its first edge, which comes before the walk that is searched */
    bool has_prefix;
    wgi_neighbours neighbours; /* open when pairs are searched from both ends */
    wgi_pair_search *pair;
    bool looked;     /* for adjacency that is made already */
    uint64_t walked; /* edges that were met without */
    uint32_t steps;
    uint32_t count;
    uint32_t rows[WG_BATCH_ROWS_MAX];
    wg_value walks[WG_BATCH_ROWS_MAX];
    uint64_t edges[CHUNK];
    uint64_t nodes[CHUNK];
} shortest_op;

static met *met_at(const shortest_op *e, uint32_t i) { return (met *)(void *)e->met.data + i; }
static arrival *arrival_at(const shortest_op *e, uint32_t i) { return (arrival *)(void *)e->arrivals.data + i; }
static uint32_t met_count(const shortest_op *e) { return (uint32_t)(e->met.size / sizeof(met)); }

static wg_code flush(shortest_op *e, const wg_batch *batch, wg_error *err) {
    const uint32_t n = e->count;
    e->count = 0;
    if (n == 0) return WG_OK;
    wg_arena_reset(&e->out);
    const wg_vector column = {.type = WG_TYPE_LIST, .kind = WG_VECTOR_FLAT, .data = e->walks};
    const wg_batch added = {.row_count = n, .column_count = 1, .columns = &column};
    const wg_code code = wgi_push_fanout(&e->op, batch, e->rows, &added, &e->out, err);
    wg_arena_reset(&e->lists);
    return code;
}

/* The walk whose arrivals stand in e->walk, the last edge first. */
static wg_code emit(shortest_op *e, const wg_batch *batch, uint32_t row, wg_error *err) {
    const uint32_t searched = (uint32_t)(e->walk.size / 4), n = searched + (e->has_prefix ? 1 : 0);
    wg_value *items = wg_arena_alloc(&e->lists, (n + (size_t)1) * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    for (uint32_t i = 0; i < n; i++) {
        wg_value *item = &items[e->op.plan->backwards ? i : n - 1 - i];
        *item = (wg_value){.type = WG_TYPE_EDGE};
        item->as.id = i < searched ? arrival_at(e, wg_load_u32le(e->walk.data + (size_t)i * 4))->edge : e->prefix;
    }
    e->walks[e->count] = (wg_value){.type = WG_TYPE_LIST, .size = n};
    e->walks[e->count].as.list = items;
    e->rows[e->count++] = row;
    return e->count == wgi_op_batch_rows(&e->op) ? flush(e, batch, err) : WG_OK;
}

/* ---- nodes that were met */

static uint64_t mix(uint64_t v) {
    v = (v ^ (v >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
    return v ^ (v >> 29);
}

static uint32_t *slot_of(const shortest_op *e, uint64_t node) {
    uint32_t *table = (uint32_t *)(void *)e->table.data;
    const uint64_t mask = e->table.size / 4 - 1;
    uint64_t at = mix(node) & mask;
    while (table[at] != 0 && met_at(e, table[at] - 1)->node != node) at = (at + 1) & mask;
    return &table[at];
}

static wg_code resize(shortest_op *e, size_t slots, wg_error *err) {
    e->table.size = 0;
    if (!wg_buf_reserve(&e->table, slots * 4)) return wg_error_nomem(err, slots * 4);
    e->table.size = slots * 4;
    memset(e->table.data, 0, slots * 4);
    for (uint32_t i = 0; i < met_count(e); i++) *slot_of(e, met_at(e, i)->node) = i + 1;
    return WG_OK;
}

static wg_code meet(shortest_op *e, uint64_t node, uint32_t level, uint32_t *out, wg_error *err) {
    const met made = {.node = node, .level = level, .first_arrival = NONE, .last_arrival = NONE};
    if ((met_count(e) + (size_t)1) * 8 > e->table.size) WG_TRY(resize(e, e->table.size / 2, err));
    uint32_t *slot = slot_of(e, node);
    if (*slot == 0) {
        if (met_count(e) == NONE - 1)
            return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a search met too many nodes");
        if (!wg_buf_append(&e->met, &made, sizeof made)) return wg_error_nomem(err, sizeof made);
        *slot = met_count(e);
    }
    *out = *slot - 1;
    return WG_OK;
}

/* ---- searching */

static wg_code fits(shortest_op *e, const wg_batch *batch, uint32_t row, uint64_t edge, bool *out, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    const bool again = e->has_prefix && edge == e->prefix && plan->walk_mode != WG_WALK_ANY;
    *out = !again && !wgi_edge_is_used(plan, batch, row, edge);
    for (uint32_t i = 0; i < plan->expr_count && *out; i++) {
        const wg_value wanted = wg_vector_value(&e->wanted[i], row);
        wg_value has;
        WG_TRY(wgi_read_property(&e->op.eval, true, edge, plan->edge_keys[i], &has, err));
        *out = wg_value_equal(&has, &wanted) == 1;
    }
    return WG_OK;
}

static wg_code arrive(shortest_op *e, uint32_t from, uint64_t edge, uint64_t node, wg_error *err) {
    const uint32_t level = met_at(e, from)->level + 1;
    const arrival made = {.edge = edge, .from = from, .next = NONE};
    uint32_t at;
    WG_TRY(meet(e, node, level, &at, err));
    met *m = met_at(e, at);
    if (m->level != level || (!e->op.plan->all_shortest && m->first_arrival != NONE)) return WG_OK;
    const uint64_t number = e->arrivals.size / sizeof made;
    if (number >= NONE) return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a search met too many edges");
    if (!wg_buf_append(&e->arrivals, &made, sizeof made)) return wg_error_nomem(err, sizeof made);
    if (m->first_arrival == NONE) m->first_arrival = (uint32_t)number;
    else arrival_at(e, m->last_arrival)->next = (uint32_t)number;
    m->last_arrival = (uint32_t)number;
    return WG_OK;
}

typedef struct candidate {
    uint64_t edge, node;
} candidate;

static int compare_candidates(const void *left, const void *right) {
    const candidate *a = left, *b = right;
    return a->edge < b->edge ? -1 : a->edge > b->edge;
}

/* The edges that may be walked from a node, as candidate[] in e->candidates: as the lists have them, or by id. */
static wg_code leave(shortest_op *e, const wg_batch *batch, uint32_t row, uint64_t node, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    const wgi_walk_place place = {&e->step_eval, plan, batch, &node, row, 0};
    wg_expand_position position = {0};
    uint32_t n;
    e->candidates.size = 0;
    do {
        WG_TRY(wg_expand(e->op.eval.context->txn, node, plan->direction, plan->edge_labels, plan->edge_label_count,
                         &position, CHUNK, e->edges, e->nodes, &n, err));
        if (e->steps++ % CHECK_STEPS == 0) WG_TRY(wgi_check(e->op.eval.context, err));
        e->walked += n;
        uint32_t kept = n;
        if (plan->step_count > 0) WG_TRY(wgi_walk_filter(&place, e->edges, e->nodes, &kept, err));
        for (uint32_t i = 0; i < kept; i++) {
            const candidate c = {e->edges[i], e->nodes[i]};
            bool good;
            WG_TRY(fits(e, batch, row, c.edge, &good, err));
            if (good && !wg_buf_append(&e->candidates, &c, sizeof c)) return wg_error_nomem(err, sizeof c);
        }
    } while (n > 0);
    if (plan->by_id && e->candidates.size > sizeof(candidate))
        qsort(e->candidates.data, e->candidates.size / sizeof(candidate), sizeof(candidate), compare_candidates);
    return WG_OK;
}

static wg_code visit(shortest_op *e, const wg_batch *batch, uint32_t row, uint32_t from, wg_error *err) {
    WG_TRY(leave(e, batch, row, met_at(e, from)->node, err));
    const candidate *all = (const candidate *)(const void *)e->candidates.data;
    for (size_t i = 0; i < e->candidates.size / sizeof *all; i++)
        WG_TRY(arrive(e, from, all[i].edge, all[i].node, err));
    return WG_OK;
}

/* Leaves the index of the far end, NONE when it is not reached within so many edges. */
static wg_code search(shortest_op *e, const wg_batch *batch, uint32_t row, uint64_t target, uint32_t hops,
                      uint32_t *out, wg_error *err) {
    *out = NONE;
    for (uint32_t i = 0; i < met_count(e); i++) {
        const uint32_t level = met_at(e, i)->level;
        const uint32_t found = *slot_of(e, target);
        if (found != 0) *out = found - 1;
        if (level >= hops || (found != 0 && met_at(e, found - 1)->level <= level)) break;
        WG_TRY(visit(e, batch, row, i, err));
    }
    const uint32_t found = *slot_of(e, target);
    if (found != 0) *out = found - 1;
    return WG_OK;
}

/* Steps back from the far end: the next walk, or an empty stack. */
static wg_code retreat(shortest_op *e, wg_error *err) {
    while (e->walk.size > 0) {
        const uint32_t next = arrival_at(e, wg_load_u32le(e->walk.data + e->walk.size - 4))->next;
        e->walk.size -= 4;
        if (next == NONE) continue;
        return wg_buf_append_u32(&e->walk, next) ? WG_OK : wg_error_nomem(err, 4);
    }
    return WG_OK;
}

static wg_code put_out(shortest_op *e, const wg_batch *batch, uint32_t row, uint32_t target, wg_error *err) {
    e->walk.size = 0;
    if (!wg_buf_append_u32(&e->walk, met_at(e, target)->first_arrival)) return wg_error_nomem(err, 4);
    while (e->walk.size > 0 && !wgi_op_stopped(&e->op)) {
        const uint32_t from = arrival_at(e, wg_load_u32le(e->walk.data + e->walk.size - 4))->from;
        if (e->steps++ % CHECK_STEPS == 0) WG_TRY(wgi_check(e->op.eval.context, err));
        if (from != 0) {
            if (!wg_buf_append_u32(&e->walk, met_at(e, from)->first_arrival)) return wg_error_nomem(err, 4);
            continue;
        }
        WG_TRY(emit(e, batch, row, err));
        if (!e->op.plan->all_shortest) return WG_OK;
        WG_TRY(retreat(e, err));
    }
    return WG_OK;
}

/* Where nothing is asked of the edges and one walk is wanted, both ends can be searched from; the adjacency for that is made when the
 * searches without have met a share of the edges. */
static wg_code look_for_adjacency(shortest_op *e, wg_error *err) {
    enum { MAKE_SHARE = 64 };
    const wg_plan *plan = e->op.plan;
    const wg_exec_context *context = e->op.eval.context;
    if (e->pair != NULL || context->no_rewrite || plan->all_shortest || plan->expr_count > 0 ||
        plan->unique_edge_slot_count > 0 || plan->step_count > 0)
        return WG_OK;
    if (plan->by_id && (plan->edge_label_count != 1 || plan->direction == WG_DIRECTION_BOTH))
        return WG_OK; /* several lists of a node are not in the order of ids */
    const bool make = e->looked && e->walked > 0 && e->walked > wgi_neighbours_edges(plan, context) / MAKE_SHARE;
    if (e->looked && !make) return WG_OK;
    e->looked = true;
    e->walked = 0;
    WG_TRY(wgi_neighbours_open(&e->neighbours, plan, context, plan->direction, make, err));
    if (e->neighbours.has_far) wgi_neighbours_close(&e->neighbours); /* the search notes the level of each node */
    if (e->neighbours.label_count == 0) return WG_OK;
    return wgi_pair_search_create(&e->neighbours, context, &e->pair, err);
}

static wg_code emit_edges(shortest_op *e, const wg_batch *batch, uint32_t row, const uint64_t *edges, uint32_t n,
                          wg_error *err) {
    wg_value *items = wg_arena_alloc(&e->lists, (n + (size_t)1) * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    for (uint32_t i = 0; i < n; i++) {
        wg_value *item = &items[e->op.plan->backwards ? n - 1 - i : i];
        *item = (wg_value){.type = WG_TYPE_EDGE};
        item->as.id = edges[i];
    }
    e->walks[e->count] = (wg_value){.type = WG_TYPE_LIST, .size = n};
    e->walks[e->count].as.list = items;
    e->rows[e->count++] = row;
    return e->count == wgi_op_batch_rows(&e->op) ? flush(e, batch, err) : WG_OK;
}

static wg_code search_pair(shortest_op *e, const wg_batch *batch, uint32_t row, const uint64_t ends[2],
                           bool *out_done, wg_error *err) {
    const uint64_t *edges;
    uint32_t n;
    wgi_pair_result result;
    WG_TRY(wgi_pair_search_run(e->pair, ends[0], ends[1], e->op.plan->hops_max, &edges, &n, &result, err));
    *out_done = result != WGI_PAIR_TOO_LONG;
    return result == WGI_PAIR_FOUND ? emit_edges(e, batch, row, edges, n, err) : WG_OK;
}

/* ---- from a node to itself */

/* Searches from behind the first edge back to the start; *length: of the whole walk, NONE when there is none of at most `most` edges. */
static wg_code search_back(shortest_op *e, const wg_batch *batch, uint32_t row, uint64_t start,
                           const uint64_t first[2], uint32_t most, uint32_t *out_at, uint32_t *out_length,
                           wg_error *err) {
    uint32_t at;
    e->met.size = e->arrivals.size = e->walk.size = 0;
    e->prefix = first[0];
    *out_length = NONE;
    if (first[1] == start) {
        *out_at = NONE;
        *out_length = 1;
        return WG_OK;
    }
    WG_TRY(resize(e, 64, err));
    WG_TRY(meet(e, first[1], 0, &at, err));
    WG_TRY(search(e, batch, row, start, most - 1, out_at, err));
    if (*out_at != NONE) *out_length = met_at(e, *out_at)->level + 1;
    return WG_OK;
}

/* A shortest walk of an edge or more from the node to itself is an edge and a shortest walk back that does not use it: one search for each
 * edge finds the length, another puts out. */
static wg_code search_cycles(shortest_op *e, const wg_batch *batch, uint32_t row, uint64_t start, wg_buf *firsts,
                             wg_error *err) {
    uint32_t best = e->op.plan->hops_max, at, length;
    bool any = false;
    const uint32_t count = (uint32_t)(firsts->size / 16);
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < count && !wgi_op_stopped(&e->op); i++) {
            uint64_t first[2];
            memcpy(first, firsts->data + (size_t)i * 16, sizeof first);
            WG_TRY(search_back(e, batch, row, start, first, best, &at, &length, err));
            if (length == NONE || length > best) continue;
            any = true;
            best = length;
            if (pass == 0) continue;
            WG_TRY(at == NONE ? emit(e, batch, row, err) : put_out(e, batch, row, at, err));
            if (!e->op.plan->all_shortest) return WG_OK;
        }
        if (!any) return WG_OK;
    }
    return WG_OK;
}

static wg_code search_closed(shortest_op *e, const wg_batch *batch, uint32_t row, uint64_t start, wg_error *err) {
    wg_buf firsts;
    if (e->op.plan->hops_max == 0) return WG_OK;
    wg_buf_init(&firsts, e->out.account);
    wg_code code = leave(e, batch, row, start, err);
    if (code == WG_OK &&
        !wg_buf_append(&firsts, e->candidates.data, e->candidates.size)) /* searching uses the same array */
        code = wg_error_nomem(err, e->candidates.size);
    e->has_prefix = true;
    if (code == WG_OK) code = search_cycles(e, batch, row, start, &firsts, err);
    e->has_prefix = false;
    wg_buf_deinit(&firsts);
    return code;
}

static wg_code search_row(shortest_op *e, const wg_batch *batch, uint32_t row, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    uint64_t start, target;
    uint32_t at;
    if (!wgi_vector_id(&batch->columns[plan->slot], row, WG_TYPE_NODE, &start)) return WG_OK;
    if (!wgi_vector_id(&batch->columns[plan->slot_b], row, WG_TYPE_NODE, &target)) return WG_OK;
    e->met.size = e->arrivals.size = e->walk.size = 0;
    if (start == target && plan->hops_min == 0) return emit(e, batch, row, err);
    if (start == target) return plan->cycles ? search_closed(e, batch, row, start, err) : WG_OK;
    WG_TRY(look_for_adjacency(e, err));
    if (e->pair != NULL) {
        const uint64_t ends[2] = {start, target};
        bool done;
        WG_TRY(search_pair(e, batch, row, ends, &done, err));
        if (done) return WG_OK;
    }
    WG_TRY(resize(e, 64, err));
    WG_TRY(meet(e, start, 0, &at, err));
    WG_TRY(search(e, batch, row, target, plan->hops_max, &at, err));
    return at != NONE ? put_out(e, batch, row, at, err) : WG_OK;
}

static wg_code shortest_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    shortest_op *e = (shortest_op *)op;
    const wg_plan *plan = op->plan;
    wg_arena_reset(&op->eval.arena);
    wg_arena_reset(&e->lists);
    e->count = 0;
    e->step_eval.context = op->eval.context;
    e->wanted = wg_arena_alloc(&op->eval.arena, (plan->expr_count + (size_t)1) * sizeof *e->wanted);
    if (e->wanted == NULL) return wg_error_nomem(err, plan->expr_count * sizeof *e->wanted);
    for (uint32_t i = 0; i < plan->expr_count; i++)
        WG_TRY(wgi_eval_vector(&op->eval, plan->exprs[i], batch, &e->wanted[i], err));
    for (uint32_t i = 0; i < batch->row_count && !wgi_op_stopped(op); i++)
        WG_TRY(search_row(e, batch, wg_batch_row(batch, i), err));
    return flush(e, batch, err);
}

static void shortest_destroy(wgi_op *op) {
    shortest_op *e = (shortest_op *)op;
    wg_arena_deinit(&e->out);
    wg_arena_deinit(&e->lists);
    wg_arena_deinit(&e->step_eval.arena);
    wg_buf_deinit(&e->met);
    wg_buf_deinit(&e->arrivals);
    wg_buf_deinit(&e->table);
    wg_buf_deinit(&e->walk);
    wg_buf_deinit(&e->candidates);
    wgi_pair_search_destroy(e->pair);
    wgi_neighbours_close(&e->neighbours);
}

wg_code wgi_op_shortest(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {shortest_push, shortest_destroy};
    WG_TRY(wgi_op_alloc(&class, plan, sizeof(shortest_op), account, out, err));
    shortest_op *e = (shortest_op *)*out;
    wg_arena_init(&e->out, account);
    wg_arena_init(&e->lists, account);
    wg_arena_init(&e->step_eval.arena, account);
    wg_buf_init(&e->met, account);
    wg_buf_init(&e->arrivals, account);
    wg_buf_init(&e->table, account);
    wg_buf_init(&e->walk, account);
    wg_buf_init(&e->candidates, account);
    return WG_OK;
}
