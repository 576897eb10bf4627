/* query/optimize: EXPAND to a new node, and right above it EXPAND_INTO from that node to others that are there, become INTERSECT: the node is
 * looked for in the lists of all of them at once. Filters between stay, above it: they are asked of fewer rows then.
 *
 * It is taken where it is expected to be cheaper: where the expansion makes several rows of each, of which the others keep few. Costs are those
 * of order.c. */
#include "query/optimize/rewrite.h"

typedef struct corner {
    const wg_plan *expand;
    const wg_plan *closings[WG_MEETS_MAX]; /* EXPAND_INTO, from the top down */
    uint32_t closing_count;
    wg_plan *filters[WG_MEETS_MAX * 4]; /* from the top down */
    uint32_t filter_count;
    uint32_t node; /* slot */
} corner;

/* Reads from the top EXPAND_INTO down. */
static bool read_corner(wg_plan *top, corner *c) {
    wg_plan *plan = top;
    *c = (corner){0};
    for (; plan->op == WG_PLAN_EXPAND_INTO || plan->op == WG_PLAN_FILTER; plan = plan->children[0]) {
        if (plan->op == WG_PLAN_FILTER) {
            if (c->filter_count == sizeof c->filters / sizeof c->filters[0]) return false;
            c->filters[c->filter_count++] = plan;
            continue;
        }
        if (plan->optional || c->closing_count + 1 == WG_MEETS_MAX) return false;
        c->closings[c->closing_count++] = plan;
    }
    if (plan->op != WG_PLAN_EXPAND || plan->optional || c->closing_count == 0) return false;
    c->expand = plan;
    c->node = plan->slot_count - 1;
    for (uint32_t i = 0; i < c->closing_count; i++) {
        const wg_plan *into = c->closings[i];
        const uint32_t other = into->slot == c->node ? into->slot_b : into->slot;
        if ((into->slot != c->node && into->slot_b != c->node) || other >= plan->children[0]->slot_count)
            return false;
    }
    return true;
}

/* Rows that expanding makes of each, and what both ways cost. */
static bool is_cheaper(const corner *c) {
    const double rows = c->expand->children[0]->row_estimate, made = c->expand->row_estimate;
    const double fan = rows > 0 ? made / rows : 0;
    return wgi_cost_at_once(rows, fan, c->closing_count + 1) < wgi_cost_one_by_one(rows, fan);
}

static wg_code make_meet(wgi_binder *b, const corner *c, const wg_plan *edge, wg_meet *out) {
    const uint32_t input = c->expand->children[0]->slot_count;
    const bool turned = edge != c->expand && edge->slot == c->node; /* seen from the new node */
    uint32_t *slots = wgi_alloc(b, edge->unique_edge_slot_count + (size_t)1, sizeof *slots);
    if (slots == NULL) return WG_E_NOMEM;
    *out = (wg_meet){.slot = turned ? edge->slot_b : edge->slot,
                     .direction = turned ? wgi_direction_reversed(edge->direction) : edge->direction,
                     .edge_labels = edge->edge_labels,
                     .edge_label_count = edge->edge_label_count,
                     .unique_edge_slots = slots};
    for (int inner = 0; inner < 2; inner++)
        for (uint32_t i = 0; i < edge->unique_edge_slot_count; i++) {
            const uint32_t slot = edge->unique_edge_slots[i];
            if ((slot >= input) == (inner == 1)) slots[out->unique_edge_slot_count++] = slot;
            if (slot < input && inner == 0) out->unique_input_count++;
        }
    return WG_OK;
}

wg_code wgi_rewrite_intersect(wgi_binder *b, wg_plan *consumer, int side) {
    wg_plan *top = consumer->children[side];
    corner c;
    if (top == NULL || top->op != WG_PLAN_EXPAND_INTO || !read_corner(top, &c) || !is_cheaper(&c)) return WG_OK;
    wg_plan *plan = wgi_plan(b, WG_PLAN_INTERSECT, c.expand->children[0], NULL);
    wg_meet *meets = wgi_alloc(b, c.closing_count + (size_t)1, sizeof *meets);
    if (plan == NULL || meets == NULL) return WG_E_NOMEM;
    WG_TRY(make_meet(b, &c, c.expand, &meets[0]));
    for (uint32_t i = 0; i < c.closing_count; i++)
        WG_TRY(make_meet(b, &c, c.closings[c.closing_count - 1 - i], &meets[i + 1]));
    plan->meets = meets;
    plan->meet_count = c.closing_count + 1;
    plan->row_estimate = top->row_estimate;
    WG_TRY(wgi_plan_slots(b, plan, top, NULL, NULL, 0));
    consumer->children[side] = plan;
    for (uint32_t i = c.filter_count; i-- > 0;) { /* the lowest one goes on first */
        wg_plan *filter = wgi_plan(b, WG_PLAN_FILTER, consumer->children[side], NULL);
        if (filter == NULL) return WG_E_NOMEM;
        filter->exprs = c.filters[i]->exprs;
        filter->expr_count = c.filters[i]->expr_count;
        filter->row_estimate = top->row_estimate;
        WG_TRY(wgi_plan_slots(b, filter, consumer->children[side], NULL, NULL, 0));
        consumer->children[side] = filter;
    }
    return WG_OK;
}
