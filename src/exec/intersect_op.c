/* TgkTraversal(Intersect): for each row the nodes that edges of several kinds lead to from several nodes of the row, with every choice
 * of such edges: the step of a worst-case-optimal join (Ngo, Porat, Re and Rudra 2012) that sets one more variable of a cyclic pattern. What
 * EXPAND followed by EXPAND_INTO gives, but the neighbours of the first node that the others do not have are never made into rows.
 *
 * Output order: input rows; then the new node by id; then the edges of the first meet, of the second one and so on, each by (label, outgoing
 * before incoming, edge id). The shortest of the lists is walked, in the others each of its nodes is searched, from the last place on and in
 * growing steps, so that a row costs about the shortest list times the logarithm of the others.
 *
 * Lists come sorted from adjacency. It is made when a worker has followed a share of the edges without it; until then, and where there is none,
 * the edges of a node are read one by one and sorted here. The order is the same. */
#include <stdlib.h>

#include "exec/neighbours.h"

enum {
    CHUNK = 256,
    LISTS_ROWS_MIN = 4,
    MAKE_SHARE = 64,
    LISTS_MAX = 2 * WGI_NEIGHBOUR_LABELS_MAX,
    CHECK_STEPS = 1 << 14
};

/* Entries in order of nodes; those of nodes[at..end) are the node at hand. */
typedef struct meet_list {
    const uint32_t *nodes; /* NULL: pairs */
    const uint32_t *edges;
    const struct meet_pair *pairs;
    uint64_t count;
    uint64_t at, end;
    bool skip_self;
} meet_list;

typedef struct meet_pair {
    uint64_t node, edge, place;
} meet_pair;

typedef struct meet {
    wgi_neighbours neighbours;
    const wg_adjacency_side *sorted[WGI_NEIGHBOUR_LABELS_MAX][2];
    uint64_t from;
    meet_list lists[LISTS_MAX];
    uint32_t list_count;
    uint64_t length;
    wg_buf pairs; /* of meet_pair, of `kept` */
    bool has_kept;
    uint64_t kept;
} meet;

typedef struct intersect_op {
    wgi_op op;
    wg_arena out;
    uint32_t count;
    uint32_t steps;
    bool has_lists;
    bool looked;     /* for lists that are made already */
    bool has_none;   /* there is no adjacency to make */
    uint64_t walked; /* edges that were read one by one */
    uint32_t rows[WG_BATCH_ROWS_MAX];
    uint64_t nodes[WG_BATCH_ROWS_MAX];
    uint64_t *edges[WG_MEETS_MAX];
    uint64_t chosen[WG_MEETS_MAX];
    meet meets[WG_MEETS_MAX];
} intersect_op;

/* ---- output */

static wg_code flush(intersect_op *x, const wg_batch *batch, wg_error *err) {
    wg_vector columns[WG_MEETS_MAX + 1];
    const uint32_t n = x->count, meets = x->op.plan->meet_count;
    x->count = 0;
    if (n == 0) return WG_OK;
    wg_arena_reset(&x->out);
    for (uint32_t i = 0; i < meets; i++) {
        const uint32_t at = i == 0 ? 0 : i + 1;
        columns[at] = (wg_vector){.type = WG_TYPE_EDGE, .kind = WG_VECTOR_FLAT, .data = x->edges[i]};
    }
    columns[1] = (wg_vector){.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = x->nodes};
    const wg_batch added = {.row_count = n, .column_count = meets + 1, .columns = columns};
    return wgi_push_fanout(&x->op, batch, x->rows, &added, &x->out, err);
}

/* True when the edge is one that the row, or the choice so far, has already and that this meet must differ from. */
static bool is_used(const intersect_op *x, const wg_batch *batch, uint32_t row, uint32_t m, uint64_t edge) {
    const wg_meet *meet_plan = &x->op.plan->meets[m];
    const uint32_t input = x->op.plan->children[0]->slot_count;
    const wg_plan earlier = {.unique_edge_slots = meet_plan->unique_edge_slots,
                             .unique_edge_slot_count = meet_plan->unique_input_count};
    if (earlier.unique_edge_slot_count > 0 && wgi_edge_is_used(&earlier, batch, row, edge)) return true;
    for (uint32_t i = meet_plan->unique_input_count; i < meet_plan->unique_edge_slot_count; i++) {
        const uint32_t slot = meet_plan->unique_edge_slots[i] - input;
        if (x->chosen[slot == 0 ? 0 : slot - 1] == edge) return true;
    }
    return false;
}

static wg_code choose(intersect_op *x, const wg_batch *batch, uint32_t row, uint32_t m, uint64_t node,
                      wg_error *err) {
    const uint32_t meets = x->op.plan->meet_count;
    if (m == meets) {
        const uint32_t at = x->count++;
        x->rows[at] = row;
        x->nodes[at] = node;
        for (uint32_t i = 0; i < meets; i++) x->edges[i][at] = x->chosen[i];
        return x->count == wgi_op_batch_rows(&x->op) ? flush(x, batch, err) : WG_OK;
    }
    for (uint32_t l = 0; l < x->meets[m].list_count; l++) {
        const meet_list *list = &x->meets[m].lists[l];
        for (uint64_t i = list->at; i < list->end && !wgi_op_stopped(&x->op); i++) {
            const uint64_t edge = list->nodes != NULL ? list->edges[i] : list->pairs[i].edge;
            if (is_used(x, batch, row, m, edge)) continue;
            x->chosen[m] = edge;
            WG_TRY(choose(x, batch, row, m + 1, node, err));
        }
    }
    return WG_OK;
}

/* ---- lists */

static uint64_t node_at(const meet_list *list, uint64_t i) {
    return list->nodes != NULL ? list->nodes[i] : list->pairs[i].node;
}

/* The first place from `from` on whose node is not less than `wanted`. */
static uint64_t seek(const meet_list *list, uint64_t from, uint64_t wanted) {
    uint64_t step = 1, low = from;
    while (low + step < list->count && node_at(list, low + step) < wanted) {
        low += step;
        step *= 2;
    }
    uint64_t high = wg_min_u64(low + step, list->count);
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (node_at(list, middle) < wanted) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* Sets at..end of every list of the meet to the node; false: it is in none. */
static bool find_node(meet *m, uint64_t node) {
    bool found = false;
    for (uint32_t i = 0; i < m->list_count; i++) {
        meet_list *list = &m->lists[i];
        list->at = seek(list, list->end, node);
        list->end = list->at;
        if (list->skip_self && node == m->from) continue;
        while (list->end < list->count && node_at(list, list->end) == node) list->end++;
        found = found || list->end > list->at;
    }
    return found;
}

/* The next node of the meet that is walked; false: there is none. */
static bool next_node(meet *m, uint64_t *out) {
    bool any = false;
    *out = 0;
    for (uint32_t i = 0; i < m->list_count; i++) {
        meet_list *list = &m->lists[i];
        list->at = list->end;
        while (list->skip_self && list->at < list->count && node_at(list, list->at) == m->from) list->at++;
        list->end = list->at;
        if (list->at == list->count) continue;
        const uint64_t node = node_at(list, list->at);
        if (!any || node < *out) *out = node;
        any = true;
    }
    for (uint32_t i = 0; i < m->list_count && any; i++) {
        meet_list *list = &m->lists[i];
        while (list->end < list->count && node_at(list, list->end) == *out) list->end++;
    }
    return any;
}

static int by_node(const void *a, const void *b) {
    const meet_pair *x = a, *y = b;
    if (x->node != y->node) return x->node < y->node ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static wg_code gather(intersect_op *x, meet *m, const wg_meet *plan, wg_error *err) {
    uint64_t edges[CHUNK], nodes[CHUNK], place = 0;
    wg_expand_position position = {0};
    uint32_t n = CHUNK;
    if (!m->has_kept || m->kept != m->from) {
        m->pairs.size = 0;
        m->has_kept = false;
        while (n == CHUNK) {
            WG_TRY(wg_expand(x->op.eval.context->txn, m->from, plan->direction, plan->edge_labels,
                             plan->edge_label_count, &position, CHUNK, edges, nodes, &n, err));
            x->walked += n + 1;
            for (uint32_t i = 0; i < n; i++) {
                const meet_pair pair = {.node = nodes[i], .edge = edges[i], .place = place++};
                if (!wg_buf_append(&m->pairs, &pair, sizeof pair)) return wg_error_nomem(err, sizeof pair);
            }
            if (n == CHUNK) WG_TRY(wgi_check(x->op.eval.context, err));
        }
        if (place > 1) qsort(m->pairs.data, (size_t)place, sizeof(meet_pair), by_node);
        m->has_kept = true;
        m->kept = m->from;
    }
    m->length = m->pairs.size / sizeof(meet_pair);
    m->lists[0] = (meet_list){.pairs = (const meet_pair *)(const void *)m->pairs.data, .count = m->length};
    m->list_count = m->length > 0 ? 1 : 0;
    return WG_OK;
}

static void take_lists(meet *m) {
    m->list_count = 0;
    m->length = 0;
    for (uint32_t l = 0; l < wgi_neighbours_list_count(&m->neighbours); l++) {
        const uint32_t way = l & 1; /* 0: OUT */
        const uint32_t bit = way == 0 ? (uint32_t)WG_DIRECTION_OUT : (uint32_t)WG_DIRECTION_IN;
        if (((uint32_t)m->neighbours.direction & bit) == 0) continue;
        const wg_adjacency_side *side = m->sorted[l / 2][way];
        meet_list list = {.skip_self = way == 1 && m->neighbours.direction == WG_DIRECTION_BOTH};
        const uint64_t first = wg_adjacency_span(side, m->from, &list.count);
        if (list.count == 0) continue;
        list.nodes = side->neighbours + first;
        list.edges = side->edges + first;
        m->length += list.count;
        m->lists[m->list_count++] = list;
    }
}

static void close_lists(intersect_op *x) {
    for (uint32_t i = 0; i < x->op.plan->meet_count; i++) wgi_neighbours_close(&x->meets[i].neighbours);
    x->has_lists = false;
}

static wg_code open_meet(intersect_op *x, meet *m, const wg_meet *plan, bool make, bool *out_has, wg_error *err) {
    const wg_exec_context *c = x->op.eval.context;
    const wg_plan like = {
        .direction = plan->direction, .edge_labels = plan->edge_labels, .edge_label_count = plan->edge_label_count};
    const wg_builders by = {c->pool, c->threads};
    const wg_direction from = plan->direction == WG_DIRECTION_OUT  ? WG_DIRECTION_IN
                              : plan->direction == WG_DIRECTION_IN ? WG_DIRECTION_OUT
                                                                   : WG_DIRECTION_BOTH; /* sorting takes them there */
    WG_TRY(wgi_neighbours_open(&m->neighbours, &like, c, from, make, err));
    *out_has = m->neighbours.label_count > 0;
    for (uint32_t l = 0; l < m->neighbours.label_count && *out_has; l++)
        for (uint32_t way = 0; way < 2 && *out_has; way++) {
            const wg_direction bit = way == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN;
            if (((uint32_t)plan->direction & (uint32_t)bit) == 0) continue;
            *out_has = make || wg_adjacency_is_sorted(m->neighbours.adjacency[l], bit);
            if (!*out_has) break;
            const wg_code code =
                wg_adjacency_sorted(m->neighbours.adjacency[l], bit, true, &by, &m->sorted[l][way], err);
            if (code == WG_E_CAPACITY) *out_has = false; /* it goes on without */
            else WG_TRY(code);
        }
    return WG_OK;
}

static wg_code look_for_lists(intersect_op *x, uint32_t rows, wg_error *err) {
    const wg_plan *plan = x->op.plan;
    uint64_t edges = 0;
    if (x->has_lists || x->has_none || x->op.eval.context->no_rewrite) return WG_OK;
    for (uint32_t i = 0; i < plan->meet_count; i++)
        for (uint32_t l = 0; l < plan->meets[i].edge_label_count; l++)
            edges += wg_txn_label_row_estimate(x->op.eval.context->txn, plan->meets[i].edge_labels[l]);
    const bool make = x->walked > 1024 && x->walked > edges / MAKE_SHARE;
    if (!make && (x->looked || rows < LISTS_ROWS_MIN)) return WG_OK;
    x->looked = true;
    bool has = true;
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < plan->meet_count && has && code == WG_OK; i++)
        code = open_meet(x, &x->meets[i], &plan->meets[i], make, &has, err);
    x->has_lists = has && code == WG_OK;
    if (!x->has_lists) close_lists(x);
    x->has_none = make && !has;
    return code;
}

/* ---- rows */

/* *out_some false: an end is null, or has no such edge. */
static wg_code begin_row(intersect_op *x, const wg_batch *batch, uint32_t row, uint32_t *out_walked, bool *out_some,
                         wg_error *err) {
    const wg_plan *plan = x->op.plan;
    *out_some = false;
    *out_walked = 0;
    for (uint32_t i = 0; i < plan->meet_count; i++) {
        meet *m = &x->meets[i];
        if (!wgi_vector_id(&batch->columns[plan->meets[i].slot], row, WG_TYPE_NODE, &m->from)) return WG_OK;
        if (x->has_lists) take_lists(m);
        else WG_TRY(gather(x, m, &plan->meets[i], err));
        if (m->length == 0) return WG_OK;
        if (m->length < x->meets[*out_walked].length) *out_walked = i;
    }
    *out_some = true;
    return WG_OK;
}

static wg_code intersect_row(intersect_op *x, const wg_batch *batch, uint32_t row, wg_error *err) {
    uint32_t walked;
    bool some;
    uint64_t node = 0;
    WG_TRY(begin_row(x, batch, row, &walked, &some, err));
    while (some && !wgi_op_stopped(&x->op) && next_node(&x->meets[walked], &node)) {
        bool everywhere = true;
        for (uint32_t i = 0; i < x->op.plan->meet_count && everywhere; i++)
            everywhere = i == walked || find_node(&x->meets[i], node);
        if (everywhere) WG_TRY(choose(x, batch, row, 0, node, err));
        if (++x->steps < CHECK_STEPS) continue;
        x->steps = 0;
        WG_TRY(wgi_check(x->op.eval.context, err));
    }
    return WG_OK;
}

static wg_code intersect_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    intersect_op *x = (intersect_op *)op;
    x->count = 0;
    for (uint32_t i = 0; i < op->plan->meet_count; i++) {
        x->meets[i].has_kept = false;
        if (x->edges[i] != NULL) continue;
        x->edges[i] = wg_alloc(op->eval.context->account, WG_BATCH_ROWS_MAX * sizeof(uint64_t));
        if (x->edges[i] == NULL) return wg_error_nomem(err, WG_BATCH_ROWS_MAX * sizeof(uint64_t));
    }
    WG_TRY(look_for_lists(x, batch->row_count, err));
    for (uint32_t i = 0; i < batch->row_count && !wgi_op_stopped(op); i++)
        WG_TRY(intersect_row(x, batch, wg_batch_row(batch, i), err));
    return flush(x, batch, err);
}

static void intersect_destroy(wgi_op *op) {
    intersect_op *x = (intersect_op *)op;
    close_lists(x);
    for (uint32_t i = 0; i < WG_MEETS_MAX; i++) {
        wg_free(x->edges[i]);
        wg_buf_deinit(&x->meets[i].pairs);
    }
    wg_arena_deinit(&x->out);
}

wg_code wgi_op_intersect(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {intersect_push, intersect_destroy};
    WG_TRY(wgi_op_alloc(&class, plan, sizeof(intersect_op), account, out, err));
    intersect_op *x = (intersect_op *)*out;
    wg_arena_init(&x->out, account);
    for (uint32_t i = 0; i < WG_MEETS_MAX; i++) wg_buf_init(&x->meets[i].pairs, account);
    return WG_OK;
}
