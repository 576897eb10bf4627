/* TgkTraversal over a run of edges: all walks from a node slot that use no edge twice (or what walk_mode says), with at least hops_min and at
 * most hops_max edges, or repetitions of several edges with conditions of their own (walk_step.c). A walk is put out when it is found, before its continuations, edges in the order (label, edge id): that is the order of rows.
 *
 * Depth-first with an explicit stack whose frames hold a few edges each, so memory grows with the length of one walk, not with their
 * number. Walks are passed on in batches; how many there are is bounded only by the caller: cancellation and deadline are checked
 * while walking, and the lists that are waiting to be passed on, like the stack, are charged to the query's account. */
#include "exec/neighbours.h"
#include "exec/walk_step.h"

enum { FRAME_EDGES = 16, WAITING_ITEMS_MAX = 1 << 16, CHECK_STEPS = 4096 };

typedef struct frame {
    uint64_t node;
    uint64_t arrived_by; /* edge; unused in the first frame */
    wg_expand_position position;
    uint64_t entry; /* of list `list`, when edges come from lists */
    uint32_t list;
    bool by_lists, begun;
    uint32_t count;
    uint32_t next;
    uint64_t edges[FRAME_EDGES];
    uint64_t nodes[FRAME_EDGES];
} frame;

typedef struct expand_var_op {
    wgi_op op;
    wg_arena out;
    wg_arena lists; /* of the walks that wait */
    frame *stack;
    uint32_t depth; /* frames in use */
    uint32_t capacity;
    uint32_t steps;
    uint32_t count; /* waiting walks */
    uint64_t waiting_items;
    wg_vector *wanted; /* values of edge_keys for the rows of the batch */
    wgi_neighbours sides;
    bool looked;     /* for adjacency that is made already */
    bool has_none;   /* there is none to make */
    uint64_t walked; /* edges that were met without */
    wgi_eval step_eval;
    uint64_t *body; /* of the repetition in hand: node, edge, node, ... */
    uint32_t rows[WG_BATCH_ROWS_MAX];
    wg_value walks[WG_BATCH_ROWS_MAX];
    uint64_t nodes[WG_BATCH_ROWS_MAX];
} expand_var_op;

static wg_code flush(expand_var_op *e, const wg_batch *batch, wg_error *err) {
    const uint32_t n = e->count;
    e->count = 0;
    e->waiting_items = 0;
    if (n == 0) return WG_OK;
    wg_arena_reset(&e->out);
    const wg_vector columns[2] = {{.type = WG_TYPE_LIST, .kind = WG_VECTOR_FLAT, .data = e->walks},
                                  {.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = e->nodes}};
    const wg_batch added = {.row_count = n, .column_count = e->op.plan->into ? 1 : 2, .columns = columns};
    const wg_code code = wgi_push_fanout(&e->op, batch, e->rows, &added, &e->out, err);
    wg_arena_reset(&e->lists);
    return code;
}

static wg_code emit(expand_var_op *e, const wg_batch *batch, uint32_t row, wg_error *err) {
    const uint32_t n = e->depth - 1;
    wg_value *items = wg_arena_alloc(&e->lists, (n + (size_t)1) * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    for (uint32_t i = 0; i < n; i++) {
        wg_value *item = &items[e->op.plan->backwards ? n - 1 - i : i];
        *item = (wg_value){.type = WG_TYPE_EDGE};
        item->as.id = e->stack[i + 1].arrived_by;
    }
    e->walks[e->count] = (wg_value){.type = WG_TYPE_LIST, .size = n};
    e->walks[e->count].as.list = items;
    e->rows[e->count] = row;
    e->nodes[e->count++] = e->stack[e->depth - 1].node;
    e->waiting_items += n;
    return e->count == wgi_op_batch_rows(&e->op) || e->waiting_items > WAITING_ITEMS_MAX ? flush(e, batch, err)
                                                                                         : WG_OK;
}

static wg_code enter(expand_var_op *e, uint64_t node, uint64_t edge, wg_error *err) {
    if (e->depth == e->capacity) {
        const uint32_t wanted = e->capacity == 0 ? 8 : e->capacity * 2;
        frame *p = wg_realloc(e->out.account, e->stack, wanted * sizeof *p);
        if (p == NULL) return wg_error_nomem(err, wanted * sizeof *p);
        e->stack = p;
        e->capacity = wanted;
    }
    frame *f = &e->stack[e->depth++];
    *f = (frame){.node = node, .arrived_by = edge};
    return WG_OK;
}

static bool is_walked(const expand_var_op *e, uint64_t edge) {
    for (uint32_t i = 1; i < e->depth; i++)
        if (e->stack[i].arrived_by == edge) return true;
    return false;
}

/* The property map of the relationship holds for each of its edges. */
static wg_code fits(expand_var_op *e, uint32_t row, uint64_t edge, bool *out, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    *out = true;
    for (uint32_t i = 0; i < plan->expr_count && *out; i++) {
        const wg_value wanted = wg_vector_value(&e->wanted[i], row);
        wg_value has;
        WG_TRY(wgi_read_property(&e->op.eval, true, edge, plan->edge_keys[i], &has, err));
        *out = wg_value_equal(&has, &wanted) == 1;
    }
    return WG_OK;
}

/* Opens adjacency that is there, and makes it when a share of the edges has been met without. Steps of several kinds have no lists. */
static wg_code look_for_lists(expand_var_op *e, wg_error *err) {
    enum { MAKE_SHARE = 64 };
    const wg_plan *plan = e->op.plan;
    const wg_exec_context *context = e->op.eval.context;
    if (e->sides.label_count > 0 || e->has_none || context->no_rewrite || plan->step_count > 1) return WG_OK;
    const bool make = e->looked && e->walked > 1024 && e->walked > wgi_neighbours_edges(plan, context) / MAKE_SHARE;
    if (e->looked && !make) return WG_OK;
    e->looked = true;
    WG_TRY(wgi_neighbours_open(&e->sides, plan, context, plan->direction, make, err));
    e->has_none = make && e->sides.label_count == 0;
    return WG_OK;
}

/* The next edges of the frame's node, in the order of wg_expand; *f stays where it began: in lists, or without. */
static wg_code next_edges(expand_var_op *e, frame *f, const wg_walk_step *step, wg_error *err) {
    f->count = 0;
    if (!f->by_lists) {
        WG_TRY(wg_expand(e->op.eval.context->txn, f->node, step->direction, step->edge_labels, step->edge_label_count,
                         &f->position, FRAME_EDGES, f->edges, f->nodes, &f->count, err));
        e->walked += f->count + 1;
        return WG_OK;
    }
    while (f->count < FRAME_EDGES && f->list < wgi_neighbours_list_count(&e->sides)) {
        const wgi_neighbour_list list = wgi_neighbours_list(&e->sides, f->list, f->node, false);
        for (; f->entry < list.count && f->count < FRAME_EDGES; f->entry++) {
            if (list.skip_self && list.nodes[f->entry] == f->node) continue;
            f->edges[f->count] = list.edges[f->entry];
            f->nodes[f->count++] = list.nodes[f->entry];
        }
        if (f->entry < list.count) continue;
        f->list++;
        f->entry = 0;
    }
    return WG_OK;
}

/* Edges of a repetition. */
static uint32_t body_edges(const wg_plan *plan) { return plan->step_count > 0 ? plan->step_count : 1; }

/* Nodes and edges of the last repetition as far as the last frame, which begins step `step` of it. */
static void fill_body(expand_var_op *e, uint32_t step) {
    const frame *f = &e->stack[e->depth - 1 - step];
    e->body[0] = f->node;
    for (uint32_t i = 1; i <= step; i++) {
        e->body[2 * i - 1] = f[i].arrived_by;
        e->body[2 * i] = f[i].node;
    }
}

static wg_code refill(expand_var_op *e, const wg_batch *batch, uint32_t row, frame *f, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    const wg_walk_step plain = {
        .direction = plan->direction, .edge_labels = plan->edge_labels, .edge_label_count = plan->edge_label_count};
    const uint32_t number = plan->step_count > 0 ? (e->depth - 1) % plan->step_count : 0;
    const wg_walk_step *step = plan->step_count > 0 ? &plan->steps[number] : &plain;
    const wgi_walk_place place = {&e->step_eval, plan, batch, e->body, row, number};
    f->next = 0;
    f->count = 0;
    if (step->missing) return WG_OK;
    if (step->filter != NULL) fill_body(e, number);
    if (!f->begun) {
        WG_TRY(look_for_lists(e, err));
        f->by_lists = e->sides.label_count > 0;
        f->begun = true;
    }
    do { /* until some fit, or there are no more */
        if (e->steps++ % CHECK_STEPS == 0) WG_TRY(wgi_check(e->op.eval.context, err));
        WG_TRY(next_edges(e, f, step, err));
        if (f->count == 0 || step->filter == NULL) return WG_OK;
        WG_TRY(wgi_walk_filter(&place, f->edges, f->nodes, &f->count, err));
    } while (f->count == 0);
    return WG_OK;
}

/* Whether the walk in hand may go on from its last node. */
static bool may_go_on(const expand_var_op *e) {
    const wg_plan *plan = e->op.plan;
    const bool closed =
        plan->walk_mode == WG_WALK_SIMPLE && e->depth > 1 && e->stack[e->depth - 1].node == e->stack[0].node;
    return !closed && e->depth - 1 < (uint64_t)plan->hops_max * body_edges(plan);
}

/* Whether the mode lets the walk go over the edge to the node. */
static bool is_new(const expand_var_op *e, uint64_t edge, uint64_t node) {
    const wg_walk_mode mode = e->op.plan->walk_mode;
    if (mode == WG_WALK_ANY) return true;
    if (mode == WG_WALK_TRAIL) return !is_walked(e, edge);
    for (uint32_t i = mode == WG_WALK_SIMPLE ? 1 : 0; i < e->depth; i++)
        if (e->stack[i].node == node) return false;
    return !is_walked(e, edge);
}

/* One edge on from the last frame, or back when it has none left. */
static wg_code step(expand_var_op *e, const wg_batch *batch, uint32_t row, uint64_t target, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    frame *f = &e->stack[e->depth - 1];
    if (++e->steps % CHECK_STEPS == 0) WG_TRY(wgi_check(e->op.eval.context, err));
    if (f->next == f->count) {
        const bool on = may_go_on(e);
        if (on) WG_TRY(refill(e, batch, row, f, err));
        if (!on || f->count == 0) {
            e->depth--;
            return WG_OK;
        }
    }
    const uint64_t edge = f->edges[f->next], node = f->nodes[f->next];
    f->next++;
    bool good;
    if (!is_new(e, edge, node) || wgi_edge_is_used(plan, batch, row, edge)) return WG_OK;
    WG_TRY(fits(e, row, edge, &good, err));
    if (!good) return WG_OK;
    WG_TRY(enter(e, node, edge, err));
    const uint32_t length = e->depth - 1, unit = body_edges(plan);
    const bool wanted = length % unit == 0 && length / unit >= plan->hops_min && (!plan->into || node == target);
    return wanted ? emit(e, batch, row, err) : WG_OK;
}

static wg_code walk_row(expand_var_op *e, const wg_batch *batch, uint32_t row, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    uint64_t start, target = 0;
    if (!wgi_vector_id(&batch->columns[plan->slot], row, WG_TYPE_NODE, &start)) return WG_OK;
    if (plan->into && !wgi_vector_id(&batch->columns[plan->slot_b], row, WG_TYPE_NODE, &target)) return WG_OK;
    e->depth = 0;
    WG_TRY(enter(e, start, 0, err));
    if (plan->hops_min == 0 && (!plan->into || start == target)) WG_TRY(emit(e, batch, row, err));
    while (e->depth > 0 && !wgi_op_stopped(&e->op)) WG_TRY(step(e, batch, row, target, err));
    return WG_OK;
}

static wg_code expand_var_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    expand_var_op *e = (expand_var_op *)op;
    const wg_plan *plan = op->plan;
    wg_arena_reset(&op->eval.arena);
    wg_arena_reset(&e->lists);
    e->count = 0;
    e->waiting_items = 0;
    e->wanted = wg_arena_alloc(&op->eval.arena, (plan->expr_count + (size_t)1) * sizeof *e->wanted);
    if (e->wanted == NULL) return wg_error_nomem(err, plan->expr_count * sizeof *e->wanted);
    for (uint32_t i = 0; i < plan->expr_count; i++)
        WG_TRY(wgi_eval_vector(&op->eval, plan->exprs[i], batch, &e->wanted[i], err));
    e->step_eval.context = op->eval.context;
    if (e->body == NULL && plan->step_count > 0) {
        e->body = wg_alloc(e->out.account, (2 * (size_t)plan->step_count + 1) * sizeof *e->body);
        if (e->body == NULL) return wg_error_nomem(err, plan->step_count * sizeof *e->body);
    }
    for (uint32_t i = 0; i < batch->row_count && !wgi_op_stopped(op); i++)
        WG_TRY(walk_row(e, batch, wg_batch_row(batch, i), err));
    return flush(e, batch, err);
}

static void expand_var_destroy(wgi_op *op) {
    expand_var_op *e = (expand_var_op *)op;
    wg_arena_deinit(&e->out);
    wg_arena_deinit(&e->lists);
    wg_arena_deinit(&e->step_eval.arena);
    wgi_neighbours_close(&e->sides);
    wg_free(e->stack);
    wg_free(e->body);
}

wg_code wgi_op_expand_var(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {expand_var_push, expand_var_destroy};
    WG_TRY(wgi_op_alloc(&class, plan, sizeof(expand_var_op), account, out, err));
    wg_arena_init(&((expand_var_op *)*out)->out, account);
    wg_arena_init(&((expand_var_op *)*out)->lists, account);
    wg_arena_init(&((expand_var_op *)*out)->step_eval.arena, account);
    return WG_OK;
}
