/* TgkTraversal to the nearest few: the first `paths` walks between two node slots, or those of the first `paths` lengths (`all_shortest`), in the
 * order of length, then of the ids of their edges from the start on. What a walk may repeat is walk_mode; its repetitions may have several edges.
 *
 * Best first, by partition (after Yen and Lawler). All walks that begin with a given prefix and do not go on with given repetitions are one
 * set; of each set the first walk is found breadth-first, where the prefix's own edges (or nodes) are closed to it. The first of all sets is
 * the next answer; what is left of its set falls into a set for each place at which a walk can leave it. The search within a set looks at
 * what a walk repeats of its prefix, not of itself: the walk that it finds comes before every walk of the set, and when it does repeat itself it
 * is no answer but divides its set all the same. So the order is exact in every mode. With one edge a repetition and at most one at least such
 * walks are rare, and an answer costs as many searches as it has edges.
 *
 * Every node is met once in a search (once for each length below hops_min), so that graphs with very many walks cost no more than others. What can
 * follow a node is kept from search to search, and from row to row; the search from a start without a prefix too, so that
 * rows that differ in their ends only share it. Memory is charged to the query's account; cancellation and deadline are checked while searching. */
#include "exec/repetitions.h"

enum { CHECK_STEPS = 4096, TABLE_LEAST = 64 };
#define NONE UINT32_MAX

/* How a search came to a node. */
typedef struct visit {
    uint64_t node;
    uint32_t level; /* repetitions from the start of the walk */
    uint32_t from;  /* number of the visit before, NONE: where the search begins */
    uint32_t by;    /* number of the repetition */
} visit;

typedef struct reach {
    wg_buf visits; /* visit[] in the order of meeting: the queue too */
    wg_buf table;  /* uint32_t: number of a visit + 1, 0 empty; a power of two. The first visit is not in it */
    uint32_t next; /* to go on from */
} reach;

typedef struct id_set {
    wg_buf table; /* uint64_t: id + 1, 0 empty; a power of two */
    uint32_t count;
} id_set;

typedef struct refused {
    uint32_t repetition;
    const struct refused *next;
} refused;

/* The first walk of a set: those that begin with its first `fixed` repetitions and do not go on with a refused one. */
typedef struct found {
    uint32_t *repetitions;
    uint32_t count;
    uint32_t fixed;
    const refused *refused;
} found;

typedef struct search_op {
    wgi_op op;
    wg_arena out;
    wg_arena lists;
    wg_arena walks; /* of the row in hand */
    wgi_repetitions repetitions;
    reach root;          /* from `start`, without a prefix */
    reach spur;          /* from the end of a prefix */
    id_set edges, nodes; /* of the prefix */
    wg_buf heap;         /* found *[] */
    uint64_t start;      /* of the rows in hand */
    uint64_t target;
    bool has_root;
    wg_vector *wanted;
    uint32_t steps;
    uint32_t count;
    uint32_t rows[WG_BATCH_ROWS_MAX];
    wg_value answers[WG_BATCH_ROWS_MAX];
} search_op;

static wg_code look(search_op *s, wg_error *err) {
    return s->steps++ % CHECK_STEPS == 0 ? wgi_check(s->op.eval.context, err) : WG_OK;
}

/* ---- answers */

static wg_code flush(search_op *s, const wg_batch *batch, wg_error *err) {
    const uint32_t n = s->count;
    s->count = 0;
    if (n == 0) return WG_OK;
    wg_arena_reset(&s->out);
    const wg_vector column = {.type = WG_TYPE_LIST, .kind = WG_VECTOR_FLAT, .data = s->answers};
    const wg_batch added = {.row_count = n, .column_count = 1, .columns = &column};
    const wg_code code = wgi_push_fanout(&s->op, batch, s->rows, &added, &s->out, err);
    wg_arena_reset(&s->lists);
    return code;
}

static wg_code emit(search_op *s, const wg_batch *batch, uint32_t row, const found *f, wg_error *err) {
    const uint32_t each = s->repetitions.edges, n = f->count * each;
    wg_value *items = wg_arena_alloc(&s->lists, (n + (size_t)1) * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    for (uint32_t i = 0; i < n; i++) {
        wg_value *item = &items[s->op.plan->backwards ? n - 1 - i : i];
        *item = (wg_value){.type = WG_TYPE_EDGE};
        item->as.id = wgi_repetition(&s->repetitions, f->repetitions[i / each])[2 * (i % each) + 1];
    }
    s->answers[s->count] = (wg_value){.type = WG_TYPE_LIST, .size = n};
    s->answers[s->count].as.list = items;
    s->rows[s->count++] = row;
    return s->count == wgi_op_batch_rows(&s->op) ? flush(s, batch, err) : WG_OK;
}

/* ---- sets of ids */

static uint64_t mix(uint64_t v) {
    v = (v ^ (v >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
    return v ^ (v >> 29);
}

static uint64_t *id_slot(const id_set *set, uint64_t id) {
    uint64_t *table = (uint64_t *)(void *)set->table.data;
    const uint64_t mask = set->table.size / 8 - 1;
    uint64_t at = mix(id) & mask;
    while (table[at] != 0 && table[at] != id + 1) at = (at + 1) & mask;
    return &table[at];
}

static bool is_in(const id_set *set, uint64_t id) { return set->count > 0 && *id_slot(set, id) != 0; }

static void empty_set(id_set *set) {
    if (set->count > 0) memset(set->table.data, 0, set->table.size);
    set->count = 0;
}

static wg_code grow_set(id_set *set, wg_error *err) {
    const size_t old = set->table.size / 8, slots = old == 0 ? TABLE_LEAST : old * 2;
    wg_buf before = set->table;
    wg_buf_init(&set->table, before.account);
    if (!wg_buf_reserve(&set->table, slots * 8)) {
        set->table = before;
        return wg_error_nomem(err, slots * 8);
    }
    set->table.size = slots * 8;
    memset(set->table.data, 0, slots * 8);
    for (size_t i = 0; i < old; i++) {
        const uint64_t id = ((const uint64_t *)(const void *)before.data)[i];
        if (id != 0) *id_slot(set, id - 1) = id;
    }
    wg_buf_deinit(&before);
    return WG_OK;
}

static wg_code put_id(id_set *set, uint64_t id, bool *out_new, wg_error *err) {
    if ((set->count + (size_t)1) * 16 > set->table.size) WG_TRY(grow_set(set, err));
    uint64_t *slot = id_slot(set, id);
    *out_new = *slot == 0;
    if (*out_new) set->count++;
    *slot = id + 1;
    return WG_OK;
}

static bool keeps_nodes(const search_op *s) {
    return s->op.plan->walk_mode == WG_WALK_ACYCLIC || s->op.plan->walk_mode == WG_WALK_SIMPLE;
}

/* Adds a repetition to the prefix. *out_new false: the mode forbids what it repeats; the prefix is of no use any more. */
static wg_code close_repetition(search_op *s, uint32_t number, bool *out_new, wg_error *err) {
    const uint64_t *ids = wgi_repetition(&s->repetitions, number);
    const uint32_t last = 2 * s->repetitions.edges;
    *out_new = true;
    if (s->op.plan->walk_mode == WG_WALK_ANY) return WG_OK;
    for (uint32_t i = 1; i < last && *out_new; i += 2) WG_TRY(put_id(&s->edges, ids[i], out_new, err));
    for (uint32_t i = 2; i <= last && *out_new && keeps_nodes(s); i += 2)
        WG_TRY(put_id(&s->nodes, ids[i], out_new, err));
    return WG_OK;
}

/* The start is a node of every prefix; only a SIMPLE walk may come back to it, and ends there: it is not in the set. */
static void open_all(search_op *s) {
    empty_set(&s->edges);
    empty_set(&s->nodes);
}

static bool is_open(const search_op *s, uint32_t number) {
    const wg_walk_mode mode = s->op.plan->walk_mode;
    const uint64_t *ids = wgi_repetition(&s->repetitions, number);
    const uint32_t last = 2 * s->repetitions.edges;
    if (mode == WG_WALK_ANY) return true;
    for (uint32_t i = 1; i < last; i += 2)
        if (is_in(&s->edges, ids[i])) return false;
    if (!keeps_nodes(s)) return true;
    for (uint32_t i = 2; i <= last; i += 2) {
        const bool start = ids[i] == s->start && (i < last || mode == WG_WALK_ACYCLIC);
        if (start || is_in(&s->nodes, ids[i])) return false;
    }
    return true;
}

/* ---- searching */

static visit *visit_at(const reach *r, uint32_t i) { return (visit *)(void *)r->visits.data + i; }
static uint32_t visit_count(const reach *r) { return (uint32_t)(r->visits.size / sizeof(visit)); }

/* Lengths from which on a node need not be met again. */
static uint32_t settled(const search_op *s) { return s->op.plan->hops_min > 1 ? s->op.plan->hops_min : 1; }

static uint32_t *visit_slot(const reach *r, uint64_t node, uint32_t level, uint32_t cap) {
    uint32_t *table = (uint32_t *)(void *)r->table.data;
    const uint64_t mask = r->table.size / 4 - 1;
    const uint32_t as = level < cap ? level : cap;
    uint64_t at = mix(node + (uint64_t)as * UINT64_C(0x9e3779b97f4a7c15)) & mask;
    while (table[at] != 0) {
        const visit *v = visit_at(r, table[at] - 1);
        if (v->node == node && (v->level < cap ? v->level : cap) == as) break;
        at = (at + 1) & mask;
    }
    return &table[at];
}

static wg_code resize(reach *r, size_t slots, uint32_t cap, wg_error *err) {
    r->table.size = 0;
    if (!wg_buf_reserve(&r->table, slots * 4)) return wg_error_nomem(err, slots * 4);
    r->table.size = slots * 4;
    memset(r->table.data, 0, slots * 4);
    for (uint32_t i = 1; i < visit_count(r); i++) {
        const visit *v = visit_at(r, i);
        *visit_slot(r, v->node, v->level, cap) = i + 1;
    }
    return WG_OK;
}

static wg_code begin_reach(reach *r, uint64_t node, uint32_t level, wg_error *err) {
    const visit first = {.node = node, .level = level, .from = NONE, .by = NONE};
    r->visits.size = 0;
    r->next = 0;
    if (!wg_buf_append(&r->visits, &first, sizeof first)) return wg_error_nomem(err, sizeof first);
    return resize(r, TABLE_LEAST, 1, err);
}

static wg_code arrive(search_op *s, reach *r, uint32_t from, uint32_t by, wg_error *err) {
    const uint32_t cap = settled(s);
    const visit made = {.node = wgi_repetition(&s->repetitions, by)[2 * s->repetitions.edges],
                        .level = visit_at(r, from)->level + 1,
                        .from = from,
                        .by = by};
    if ((visit_count(r) + (size_t)1) * 8 > r->table.size) WG_TRY(resize(r, r->table.size / 2, cap, err));
    uint32_t *slot = visit_slot(r, made.node, made.level, cap);
    if (*slot != 0) return WG_OK;
    if (visit_count(r) == NONE - 1) return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a search met too many nodes");
    if (!wg_buf_append(&r->visits, &made, sizeof made)) return wg_error_nomem(err, sizeof made);
    *slot = visit_count(r);
    return WG_OK;
}

static bool is_refused(const refused *list, uint32_t repetition) {
    for (; list != NULL; list = list->next)
        if (list->repetition == repetition) return true;
    return false;
}

static wg_code visit_next(search_op *s, reach *r, const refused *without, wg_error *err) {
    const uint32_t from = r->next++;
    const visit v = *visit_at(r, from);
    const bool closed = s->op.plan->walk_mode == WG_WALK_SIMPLE && v.level > 0 && v.node == s->start;
    uint32_t first, count;
    if (closed || v.level >= s->op.plan->hops_max) return WG_OK;
    WG_TRY(wgi_repetitions_of(&s->repetitions, v.node, &first, &count, err));
    for (uint32_t i = first; i < first + count; i++) {
        WG_TRY(look(s, err));
        if ((from == 0 && is_refused(without, i)) || !is_open(s, i)) continue;
        WG_TRY(arrive(s, r, from, i, err));
    }
    return look(s, err);
}

/* Goes on until the target is met with enough repetitions. *out NONE: it is not. */
static wg_code search(search_op *s, reach *r, const refused *without, uint32_t *out, wg_error *err) {
    const uint32_t cap = settled(s);
    for (;;) {
        const uint32_t at = *visit_slot(r, s->target, cap, cap);
        *out = at == 0 ? NONE : at - 1;
        if (at != 0 || r->next == visit_count(r)) return WG_OK;
        WG_TRY(visit_next(s, r, without, err));
    }
}

/* ---- sets of walks, the one with the first walk in front */

static bool comes_before(const search_op *s, const found *a, const found *b) {
    if (a->count != b->count) return a->count < b->count;
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->repetitions[i] == b->repetitions[i]) continue;
        const uint64_t *x = wgi_repetition(&s->repetitions, a->repetitions[i]),
                       *y = wgi_repetition(&s->repetitions, b->repetitions[i]);
        for (uint32_t k = 1; k < 2 * s->repetitions.edges; k += 2)
            if (x[k] != y[k]) return x[k] < y[k];
    }
    return false;
}

static wg_code push(search_op *s, found *f, wg_error *err) {
    size_t at = s->heap.size / sizeof f;
    if (!wg_buf_append(&s->heap, &f, sizeof f)) return wg_error_nomem(err, sizeof f);
    found **heap = (found **)(void *)s->heap.data;
    for (; at > 0 && comes_before(s, f, heap[(at - 1) / 2]); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = f;
    return WG_OK;
}

static found *pop(search_op *s) {
    found **heap = (found **)(void *)s->heap.data, *top = heap[0];
    const size_t count = s->heap.size / sizeof top - 1;
    found *last = heap[count];
    s->heap.size = count * sizeof top;
    size_t at = 0;
    for (size_t next; (next = 2 * at + 1) < count; at = next) {
        if (next + 1 < count && comes_before(s, heap[next + 1], heap[next])) next++;
        if (!comes_before(s, heap[next], last)) break;
        heap[at] = heap[next];
    }
    if (count > 0) heap[at] = last;
    return top;
}

/* The walk of `prefix` and what the search met on its way to visit `at`. */
static wg_code add_found(search_op *s, const found *prefix, const reach *r, uint32_t at, wg_error *err) {
    const uint32_t count = visit_at(r, at)->level;
    found *f = wg_arena_alloc(&s->walks, sizeof *f);
    if (f == NULL) return wg_error_nomem(err, sizeof *f);
    *f = *prefix;
    f->count = count;
    f->repetitions = wg_arena_alloc(&s->walks, (count + (size_t)1) * sizeof *f->repetitions);
    if (f->repetitions == NULL) return wg_error_nomem(err, count * sizeof *f->repetitions);
    if (prefix->fixed > 0) memcpy(f->repetitions, prefix->repetitions, prefix->fixed * sizeof *f->repetitions);
    for (uint32_t i = count; i > prefix->fixed; i--, at = visit_at(r, at)->from)
        f->repetitions[i - 1] = visit_at(r, at)->by;
    return push(s, f, err);
}

static wg_code refuse(search_op *s, uint32_t repetition, const refused *others, const refused **out, wg_error *err) {
    refused *made = wg_arena_alloc(&s->walks, sizeof *made);
    if (made == NULL) return wg_error_nomem(err, sizeof *made);
    *made = (refused){repetition, others};
    *out = made;
    return WG_OK;
}

static uint64_t end_of(const search_op *s, const found *f, uint32_t count) {
    return count == 0 ? s->start
                      : wgi_repetition(&s->repetitions, f->repetitions[count - 1])[2 * s->repetitions.edges];
}

/* What is left of the walk's set, as sets of their own: one for each place at which a walk leaves it, as far as the walk keeps to the mode;
 * *out_valid: it does to its end. */
static wg_code divide(search_op *s, const found *f, bool *out_valid, wg_error *err) {
    bool open = true;
    open_all(s);
    for (uint32_t i = 0; i < f->fixed; i++) WG_TRY(close_repetition(s, f->repetitions[i], &open, err));
    for (uint32_t i = f->fixed; open && i <= f->count; i++) {
        found part = {.repetitions = f->repetitions, .fixed = i};
        uint32_t at;
        if (i == f->fixed) part.refused = f->refused;
        if (i < f->count) WG_TRY(refuse(s, f->repetitions[i], part.refused, &part.refused, err));
        if (i < s->op.plan->hops_max) {
            WG_TRY(begin_reach(&s->spur, end_of(s, f, i), i, err));
            WG_TRY(search(s, &s->spur, part.refused, &at, err));
            if (at != NONE) WG_TRY(add_found(s, &part, &s->spur, at, err));
        }
        if (i < f->count) WG_TRY(close_repetition(s, f->repetitions[i], &open, err));
    }
    *out_valid = open;
    return WG_OK;
}

/* Whether the walk keeps to the mode. */
static wg_code is_valid(search_op *s, const found *f, bool *out, wg_error *err) {
    *out = true;
    open_all(s);
    for (uint32_t i = 0; i < f->count && *out; i++) {
        const bool open = is_open(s, f->repetitions[i]);
        const bool closed = i > 0 && s->op.plan->walk_mode == WG_WALK_SIMPLE && end_of(s, f, i) == s->start;
        if (open && !closed) WG_TRY(close_repetition(s, f->repetitions[i], out, err));
        else *out = false;
    }
    return WG_OK;
}

/* The first set is that of all walks. */
static wg_code first_walk(search_op *s, wg_error *err) {
    const found all = {0};
    uint32_t at;
    if (s->start == s->target && s->op.plan->hops_min == 0) {
        found *none = wg_arena_alloc_zero(&s->walks, sizeof *none);
        return none != NULL ? push(s, none, err) : wg_error_nomem(err, sizeof *none);
    }
    open_all(s);
    if (!s->has_root) WG_TRY(begin_reach(&s->root, s->start, 0, err));
    s->has_root = true;
    WG_TRY(search(s, &s->root, NULL, &at, err));
    return at != NONE ? add_found(s, &all, &s->root, at, err) : WG_OK;
}

static wg_code search_pair(search_op *s, const wg_batch *batch, uint32_t row, wg_error *err) {
    const wg_plan *plan = s->op.plan;
    uint32_t answers = 0, lengths = 0, length = NONE;
    wg_arena_reset(&s->walks);
    s->heap.size = 0;
    WG_TRY(first_walk(s, err));
    while (s->heap.size > 0 && !wgi_op_stopped(&s->op)) {
        const found *f = pop(s);
        bool valid;
        if (plan->all_shortest && lengths == plan->paths && f->count > length) return WG_OK;
        WG_TRY(look(s, err));
        WG_TRY(is_valid(s, f, &valid, err));
        if (valid) {
            lengths += f->count != length;
            length = f->count;
            WG_TRY(emit(s, batch, row, f, err));
            if (!plan->all_shortest && ++answers == plan->paths) return WG_OK;
        }
        WG_TRY(divide(s, f, &valid, err));
    }
    return WG_OK;
}

static wg_code search_row(search_op *s, const wg_batch *batch, uint32_t row, wg_error *err) {
    const wg_plan *plan = s->op.plan;
    uint64_t start, target;
    bool forgotten;
    if (!wgi_vector_id(&batch->columns[plan->slot], row, WG_TYPE_NODE, &start)) return WG_OK;
    if (!wgi_vector_id(&batch->columns[plan->slot_b], row, WG_TYPE_NODE, &target)) return WG_OK;
    wgi_repetitions_begin(&s->repetitions, batch, row, s->wanted, &forgotten);
    s->has_root = s->has_root && !forgotten && start == s->start;
    s->start = start;
    s->target = target;
    return search_pair(s, batch, row, err);
}

static wg_code search_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    search_op *s = (search_op *)op;
    const wg_plan *plan = op->plan;
    wg_arena_reset(&op->eval.arena);
    wg_arena_reset(&s->lists);
    s->count = 0;
    s->wanted = wg_arena_alloc(&op->eval.arena, (plan->expr_count + (size_t)1) * sizeof *s->wanted);
    if (s->wanted == NULL) return wg_error_nomem(err, plan->expr_count * sizeof *s->wanted);
    for (uint32_t i = 0; i < plan->expr_count; i++)
        WG_TRY(wgi_eval_vector(&op->eval, plan->exprs[i], batch, &s->wanted[i], err));
    for (uint32_t i = 0; i < batch->row_count && !wgi_op_stopped(op); i++)
        WG_TRY(search_row(s, batch, wg_batch_row(batch, i), err));
    return flush(s, batch, err);
}

static void search_destroy(wgi_op *op) {
    search_op *s = (search_op *)op;
    wg_arena_deinit(&s->out);
    wg_arena_deinit(&s->lists);
    wg_arena_deinit(&s->walks);
    wgi_repetitions_deinit(&s->repetitions);
    wg_buf *const bufs[] = {&s->root.visits, &s->root.table,  &s->spur.visits, &s->spur.table,
                            &s->edges.table, &s->nodes.table, &s->heap};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) wg_buf_deinit(bufs[i]);
}

wg_code wgi_op_search(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {search_push, search_destroy};
    WG_TRY(wgi_op_alloc(&class, plan, sizeof(search_op), account, out, err));
    search_op *s = (search_op *)*out;
    wg_arena_init(&s->out, account);
    wg_arena_init(&s->lists, account);
    wg_arena_init(&s->walks, account);
    wgi_repetitions_init(&s->repetitions, plan, &s->op.eval, account);
    wg_buf *const bufs[] = {&s->root.visits, &s->root.table,  &s->spur.visits, &s->spur.table,
                            &s->edges.table, &s->nodes.table, &s->heap};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) wg_buf_init(bufs[i], account);
    return WG_OK;
}
