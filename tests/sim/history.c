/* The check of histories: see history.h.
 *
 * The longest read of a list is its order of versions. Reads that are no beginning of it are wrong orders; from the others the three kinds of
 * edges follow. Cycles of ww, and of ww and wr, are found by taking away transactions that nobody precedes (Kahn); what is
 * left lies on cycles or behind them, and so the left is reduced from both ends. Without such a cycle the rest is a graph without cycles
 * with an order; an rw edge a -> b closes a cycle when b reaches a, which is searched among those between them in that order. What
 * is left of the whole graph by the same reduction, when none of that was found, are cycles with two rw or more. */
#include "tests/sim/history.h"

#include <stdio.h>
#include <stdlib.h>

static void *grown(void *items, uint32_t *max, size_t each) {
    *max = *max == 0 ? 1024 : *max * 2;
    void *more = realloc(items, *max * each);
    WG_ASSERT(more != NULL);
    return more;
}

void history_init(history *h) { memset(h, 0, sizeof *h); }

void history_deinit(history *h) {
    free(h->status);
    free(h->logseq);
    free(h->ops);
    free(h->reads);
}

uint32_t history_begin(history *h) {
    if (h->txns == h->txn_max) h->status = grown(h->status, &h->txn_max, sizeof *h->status);
    if (h->txns == h->logseq_max) h->logseq = grown(h->logseq, &h->logseq_max, sizeof *h->logseq);
    h->status[h->txns] = HISTORY_OPEN;
    h->logseq[h->txns] = 0;
    return h->txns++;
}

void history_end(history *h, uint32_t txn, history_status status) { h->status[txn] = status; }

void history_end_at(history *h, uint32_t txn, uint64_t logseq) {
    h->status[txn] = HISTORY_COMMITTED;
    h->logseq[txn] = logseq;
}

uint32_t history_cut(history *h, uint32_t first, uint64_t logseq) {
    uint32_t count = 0;
    for (uint32_t t = first; t < h->txns; t++) {
        if (h->status[t] != HISTORY_COMMITTED || h->logseq[t] <= logseq) continue;
        h->status[t] = HISTORY_LOST;
        count++;
    }
    return count;
}

static history_op *op_add(history *h, uint32_t txn, uint32_t key) {
    if (h->op_count == h->op_max) h->ops = grown(h->ops, &h->op_max, sizeof *h->ops);
    if (key >= h->keys) h->keys = key + 1;
    history_op *op = &h->ops[h->op_count++];
    *op = (history_op){.txn = txn, .key = key};
    return op;
}

uint32_t history_append(history *h, uint32_t txn, uint32_t key) {
    history_op *op = op_add(h, txn, key);
    op->append = true;
    op->element = ++h->elements;
    return op->element;
}

void history_read(history *h, uint32_t txn, uint32_t key, const uint32_t *elements, uint32_t count) {
    history_op *op = op_add(h, txn, key);
    while (h->read_max - h->read_count < count) h->reads = grown(h->reads, &h->read_max, sizeof *h->reads);
    op->read_first = h->read_count;
    op->read_count = count;
    if (count != 0) memcpy(h->reads + h->read_count, elements, count * sizeof *elements);
    h->read_count += count;
}

/* ---- the check */

typedef struct graph_edge {
    uint32_t from;
    uint32_t to;
} graph_edge;

typedef struct graph {
    graph_edge *items;
    uint32_t count;
    uint32_t max;
    uint32_t *first; /* by transaction: where its edges begin, once sorted */
} graph;

typedef struct checker {
    const history *h;
    history_verdict *v;
    uint32_t *writer;  /* by element: the transaction */
    uint32_t *of_key;  /* by element: its list */
    bool *is_final;    /* by element: the last append of its transaction to its list */
    uint32_t *longest; /* by key: the op of its longest read; UINT32_MAX: none */
    uint32_t *place;   /* by element: 1 + its place in the longest read; 0: not there */
    graph ww, wr, rw;
} checker;

#define NOTE(v, what, ...)                                                              \
    do {                                                                                \
        if ((v)->first[0] == '\0') snprintf((v)->first, sizeof(v)->first, __VA_ARGS__); \
        (what)++;                                                                       \
    } while (0)

static void *zeroed(size_t count, size_t each) {
    void *data = calloc(count + 1, each);
    WG_ASSERT(data != NULL);
    return data;
}

static void edge_add(graph *g, uint32_t from, uint32_t to) {
    if (from == to) return;
    if (g->count == g->max) g->items = grown(g->items, &g->max, sizeof *g->items);
    g->items[g->count++] = (graph_edge){from, to};
}

static int edge_order(const void *a, const void *b) {
    const graph_edge *x = a;
    const graph_edge *y = b;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

static void graph_sort(graph *g, uint32_t txns) {
    if (g->count != 0) qsort(g->items, g->count, sizeof *g->items, edge_order);
    g->first = zeroed(txns + 1, sizeof *g->first);
    uint32_t at = 0;
    for (uint32_t t = 0; t <= txns; t++) {
        while (at < g->count && g->items[at].from < t) at++;
        g->first[t] = at;
    }
}

/* Which lists a transaction has appended to, and what: the ops of one are found by going through all once. */
static void note_appends(checker *c) {
    const history *h = c->h;
    for (uint32_t i = 0; i < h->op_count; i++) {
        const history_op *op = &h->ops[i];
        if (!op->append) continue;
        c->writer[op->element] = op->txn;
        c->of_key[op->element] = op->key;
        c->is_final[op->element] = true;
    }
    /* An append is not the last one when a later op of the same transaction appends to the same list. */
    for (uint32_t i = 0; i < h->op_count; i++) {
        const history_op *op = &h->ops[i];
        if (!op->append) continue;
        for (uint32_t k = i + 1; k < h->op_count && k < i + 400; k++)
            if (h->ops[k].append && h->ops[k].txn == op->txn && h->ops[k].key == op->key)
                c->is_final[op->element] = false;
    }
}

static const uint32_t *elements_of(const history *h, const history_op *op) { return h->reads + op->read_first; }

static void find_orders(checker *c) {
    const history *h = c->h;
    for (uint32_t k = 0; k < h->keys; k++) c->longest[k] = UINT32_MAX;
    for (uint32_t i = 0; i < h->op_count; i++) {
        const history_op *op = &h->ops[i];
        if (op->append || h->status[op->txn] != HISTORY_COMMITTED) continue;
        if (c->longest[op->key] == UINT32_MAX || h->ops[c->longest[op->key]].read_count < op->read_count)
            c->longest[op->key] = i;
    }
    for (uint32_t k = 0; k < h->keys; k++) {
        if (c->longest[k] == UINT32_MAX) continue;
        const history_op *op = &h->ops[c->longest[k]];
        for (uint32_t i = 0; i < op->read_count; i++) {
            const uint32_t e = elements_of(h, op)[i];
            if (e == 0 || e > h->elements || c->of_key[e] != k || c->place[e] != 0)
                NOTE(c->v, c->v->orders, "list %u shows element %u twice, or it is not its own", k, e);
            else c->place[e] = i + 1;
        }
    }
}

/* Own appends at the end of a read are left out: `count` becomes what others had appended. */
static void check_read(checker *c, uint32_t at) {
    const history *h = c->h;
    const history_op *op = &h->ops[at];
    const uint32_t *elements = elements_of(h, op);
    uint32_t own = 0;
    for (uint32_t i = at; i-- > 0 && at - i < 400;)
        if (h->ops[i].append && h->ops[i].txn == op->txn && h->ops[i].key == op->key) {
            own++;
            if (own > op->read_count || elements[op->read_count - own] != h->ops[i].element)
                NOTE(c->v, c->v->own, "transaction %u does not see element %u that it appended", op->txn,
                     h->ops[i].element);
        }
    const uint32_t count = own > op->read_count ? 0 : op->read_count - own;
    const history_op *whole = &h->ops[c->longest[op->key]];
    const uint32_t *order = elements_of(h, whole);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t e = elements[i];
        const bool known = e != 0 && e <= h->elements && c->of_key[e] == op->key;
        if (i >= whole->read_count || order[i] != e) {
            NOTE(c->v, c->v->orders, "transaction %u reads list %u in another order", op->txn, op->key);
            return;
        }
        if (known && (h->status[c->writer[e]] == HISTORY_ABORTED || h->status[c->writer[e]] == HISTORY_LOST))
            NOTE(c->v, c->v->g1a, "transaction %u reads element %u of the transaction %u, which was %s", op->txn, e,
                 c->writer[e], h->status[c->writer[e]] == HISTORY_LOST ? "lost" : "aborted");
    }
    if (count != 0) {
        const uint32_t e = elements[count - 1];
        if (c->writer[e] != op->txn && !c->is_final[e])
            NOTE(c->v, c->v->g1b, "transaction %u reads element %u, which its transaction followed by another",
                 op->txn, e);
        edge_add(&c->wr, c->writer[e], op->txn);
    }
    if (count < whole->read_count) edge_add(&c->rw, op->txn, c->writer[order[count]]);
}

static void add_ww(checker *c) {
    const history *h = c->h;
    for (uint32_t k = 0; k < h->keys; k++) {
        if (c->longest[k] == UINT32_MAX) continue;
        const history_op *op = &h->ops[c->longest[k]];
        for (uint32_t i = 1; i < op->read_count; i++)
            edge_add(&c->ww, c->writer[elements_of(h, op)[i - 1]], c->writer[elements_of(h, op)[i]]);
    }
}

static void find_lost(checker *c) {
    const history *h = c->h;
    for (uint32_t i = 0; i < h->op_count; i++) {
        const history_op *op = &h->ops[i];
        if (op->append && h->status[op->txn] == HISTORY_COMMITTED && c->place[op->element] == 0)
            NOTE(c->v, c->v->lost, "element %u of the committed transaction %u is gone", op->element, op->txn);
    }
}

/* Takes away transactions that nothing leads to; what is left lies on cycles or behind them. `order` (may be NULL) gets 1 + the
 * place in which each went. Gives how many are left; `left` says which. */
static uint32_t reduce(const graph *const *graphs, uint32_t count, uint32_t txns, bool *left, uint32_t *order) {
    uint32_t *into = zeroed(txns, sizeof *into);
    uint32_t *queue = zeroed(txns, sizeof *queue);
    uint32_t head = 0;
    uint32_t tail = 0;
    for (uint32_t g = 0; g < count; g++)
        for (uint32_t i = 0; i < graphs[g]->count; i++) into[graphs[g]->items[i].to]++;
    for (uint32_t t = 0; t < txns; t++) {
        left[t] = true;
        if (into[t] == 0) queue[tail++] = t;
    }
    while (head < tail) {
        const uint32_t t = queue[head++];
        left[t] = false;
        if (order != NULL) order[t] = head;
        for (uint32_t g = 0; g < count; g++)
            for (uint32_t i = graphs[g]->first[t]; i < graphs[g]->first[t + 1]; i++)
                if (--into[graphs[g]->items[i].to] == 0) queue[tail++] = graphs[g]->items[i].to;
    }
    free(into);
    free(queue);
    return txns - tail;
}

typedef struct search {
    uint32_t *order; /* by transaction: its place among all, without cycles */
    uint32_t *seen;  /* the search that was there last */
    uint32_t *stack;
    uint32_t mark; /* of this search */
} search;

/* True when `from` reaches `to` by ww and wr. */
static bool reaches(const checker *c, search *s, uint32_t from, uint32_t to) {
    const graph *const graphs[2] = {&c->ww, &c->wr};
    uint32_t depth = 0;
    s->mark++;
    s->stack[depth++] = from;
    s->seen[from] = s->mark;
    while (depth > 0) {
        const uint32_t t = s->stack[--depth];
        if (t == to) return true;
        for (uint32_t g = 0; g < 2; g++)
            for (uint32_t i = graphs[g]->first[t]; i < graphs[g]->first[t + 1]; i++) {
                const uint32_t next = graphs[g]->items[i].to;
                if (s->seen[next] == s->mark || s->order[next] > s->order[to]) continue;
                s->seen[next] = s->mark;
                s->stack[depth++] = next;
            }
    }
    return false;
}

static void find_cycles(checker *c) {
    const uint32_t txns = c->h->txns;
    const graph *const all[3] = {&c->ww, &c->wr, &c->rw};
    bool *left = zeroed(txns, sizeof *left);
    search s = {.order = zeroed(txns, sizeof *s.order),
                .seen = zeroed(txns, sizeof *s.seen),
                .stack = zeroed(txns, sizeof *s.stack)};
    if (reduce(all, 1, txns, left, NULL) != 0)
        NOTE(c->v, c->v->g0, "writes of transactions precede each other in a circle");
    else if (reduce(all, 2, txns, left, s.order) != 0)
        NOTE(c->v, c->v->g1c, "writes and reads of transactions precede each other in a circle");
    else {
        for (uint32_t i = 0; i < c->rw.count; i++) {
            const graph_edge e = c->rw.items[i];
            if (s.order[e.to] < s.order[e.from] && reaches(c, &s, e.to, e.from))
                NOTE(c->v, c->v->g_single, "transaction %u overlooks what %u wrote, and comes after it", e.from,
                     e.to);
        }
        if (c->v->g_single == 0 && reduce(all, 3, txns, left, NULL) != 0) c->v->g2_item++;
    }
    free(left);
    free(s.order);
    free(s.seen);
    free(s.stack);
}

void history_check(const history *h, history_verdict *out) {
    memset(out, 0, sizeof *out);
    checker c = {.h = h, .v = out};
    c.writer = zeroed((size_t)h->elements + 1, sizeof *c.writer);
    c.of_key = zeroed((size_t)h->elements + 1, sizeof *c.of_key);
    c.is_final = zeroed((size_t)h->elements + 1, sizeof *c.is_final);
    c.place = zeroed((size_t)h->elements + 1, sizeof *c.place);
    c.longest = zeroed(h->keys, sizeof *c.longest);
    note_appends(&c);
    find_orders(&c);
    if (out->orders == 0) {
        for (uint32_t i = 0; i < h->op_count; i++)
            if (!h->ops[i].append && h->status[h->ops[i].txn] == HISTORY_COMMITTED) check_read(&c, i);
        add_ww(&c);
        find_lost(&c);
    }
    graph_sort(&c.ww, h->txns);
    graph_sort(&c.wr, h->txns);
    graph_sort(&c.rw, h->txns);
    out->edges = c.ww.count + c.wr.count + c.rw.count;
    if (out->orders == 0) find_cycles(&c);
    graph *const graphs[3] = {&c.ww, &c.wr, &c.rw};
    for (int g = 0; g < 3; g++) {
        free(graphs[g]->items);
        free(graphs[g]->first);
    }
    free(c.writer);
    free(c.of_key);
    free(c.is_final);
    free(c.place);
    free(c.longest);
}
