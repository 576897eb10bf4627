/* The delta: the edges that are newer than the base, as a log, and three indexes over parts of it.
 *
 * Single edges go into lists, one per node and direction, found through a hash map: one probe to read. Large batches go into
 * the log alone, because they are usually merged into a new base at once: until then readers find them through runs, small
 * CSRs that the writer makes before it reads its own load, and by walking the rest of the log. Readers take the division from
 * one atomic load (the view), so they see each edge exactly once while the writer moves edges from the log into the lists.
 *
 *   log:  [ in the lists ............ | run 0 | run 1 | ... | walked ]
 *                                     ^ view->indexed       ^ last of the last run
 *
 * In a view with a boundary, list entries at or above the edge at the boundary are ignored: they are being copied. Replaced
 * arrays are retired to the epoch. Failure modes: WG_E_NOMEM with nothing added; when a run cannot be built, readers
 * walk further. */
#include "base/digest/digest.h"
#include "worldgraph/topology/topology_internal.h"

enum { BULK_EDGES_MIN = 512, RUN_EDGES_MIN = 4096, MAP_FIRST_LOG2 = 4, LIST_BYTES_FIRST = 64, RUNS_FIRST = 16 };

typedef struct map_slot {
    _Atomic uint64_t node;
    _Atomic(wgi_list *) list; /* release by the writer, acquire by readers; NULL: empty */
} map_slot;

typedef struct node_map {
    wg_epoch_link link;
    uint32_t slots_log2;
    uint64_t used; /* writer */
    map_slot slots[];
} node_map;

struct wgi_delta {
    wg_epoch_link link;
    wg_account *account;
    wgi_view *view_all; /* the view without a boundary */
    _Atomic(wgi_view *) view;
    _Atomic(wgi_log *) log;
    _Atomic uint64_t log_count; /* release after the edges are written; readers load it before `log` */
    _Atomic(node_map *) maps[2];
};

static node_map *map_create(uint32_t slots_log2, wg_account *account) {
    node_map *map = wg_alloc_zero(account, sizeof *map + (sizeof(map_slot) << slots_log2));
    if (map != NULL) map->slots_log2 = slots_log2;
    return map;
}

static wgi_view *view_create(uint64_t indexed, uint32_t run_capacity, wg_account *account) {
    wgi_view *view = wg_alloc_zero(account, sizeof *view + run_capacity * sizeof view->runs[0]);
    if (view == NULL) return NULL;
    view->indexed = indexed;
    view->run_capacity = run_capacity;
    return view;
}

wgi_delta *wgi_delta_create(wg_account *account) {
    wgi_delta *d = wg_alloc_zero(account, sizeof *d);
    wgi_view *view = view_create(UINT64_MAX, 0, account);
    wgi_log *log = wgi_log_create(account);
    node_map *maps[2] = {map_create(MAP_FIRST_LOG2, account), map_create(MAP_FIRST_LOG2, account)};
    if (d == NULL || view == NULL || log == NULL || maps[0] == NULL || maps[1] == NULL) {
        wg_free(d);
        wg_free(view);
        wgi_log_give_back(log, NULL);
        wg_free(maps[0]);
        wg_free(maps[1]);
        return NULL;
    }
    d->account = account;
    d->view_all = view;
    atomic_init(&d->view, view);
    atomic_init(&d->log, log);
    atomic_init(&d->log_count, 0);
    for (size_t side = 0; side < 2; side++) atomic_init(&d->maps[side], maps[side]);
    return d;
}

/* ---- giving back: with an epoch the block is retired, without it is freed */

static void give_back(wg_epoch *epoch, wg_epoch_link *block) {
    if (epoch != NULL) wg_epoch_retire_linked(epoch, block);
    else wg_free(block);
}

static void run_give_back(wg_epoch *epoch, wgi_run *run) {
    for (size_t side = 0; side < 2; side++) give_back(epoch, &run->sides[side]->link);
    give_back(epoch, &run->link);
}

static void view_give_back(wg_epoch *epoch, wgi_view *view, bool with_runs) {
    const uint32_t runs = atomic_load_explicit(&view->run_count, memory_order_relaxed);
    for (uint32_t i = 0; with_runs && i < runs; i++)
        run_give_back(epoch, atomic_load_explicit(&view->runs[i], memory_order_relaxed));
    give_back(epoch, &view->link);
}

static void delta_give_back(wgi_delta *d, wg_epoch *epoch) {
    wgi_view *view = atomic_load_explicit(&d->view, memory_order_acquire);
    if (view != d->view_all) view_give_back(epoch, view, true);
    view_give_back(epoch, d->view_all, true);
    wgi_log_give_back(atomic_load_explicit(&d->log, memory_order_acquire), epoch);
    for (size_t side = 0; side < 2; side++) {
        node_map *map = atomic_load_explicit(&d->maps[side], memory_order_acquire);
        for (uint64_t i = 0; i < UINT64_C(1) << map->slots_log2; i++) {
            wgi_list *list = atomic_load_explicit(&map->slots[i].list, memory_order_acquire);
            if (list != NULL) give_back(epoch, &list->link);
        }
        give_back(epoch, &map->link);
    }
    if (epoch != NULL) wg_epoch_retire_linked(epoch, &d->link);
    else wg_free(d);
}

void wgi_delta_destroy(wgi_delta *d) {
    if (d != NULL) delta_give_back(d, NULL);
}
void wgi_delta_retire(wgi_delta *d, wg_epoch *epoch) { delta_give_back(d, epoch); }

uint64_t wgi_delta_count(const wgi_delta *d) { return atomic_load_explicit(&d->log_count, memory_order_acquire); }
const wgi_log *wgi_delta_log(const wgi_delta *d) { return atomic_load_explicit(&d->log, memory_order_acquire); }

/* ---- lists */

static map_slot *map_find(node_map *map, uint64_t node) {
    const uint64_t mask = (UINT64_C(1) << map->slots_log2) - 1;
    for (uint64_t at = wg_hash64_u64(node) & mask;; at = (at + 1) & mask) {
        map_slot *slot = &map->slots[at];
        if (atomic_load_explicit(&slot->list, memory_order_acquire) == NULL || wgi_word(&slot->node) == node)
            return slot;
    }
}

static bool map_reserve(wgi_delta *d, wg_epoch *epoch, uint32_t side) {
    node_map *old = atomic_load_explicit(&d->maps[side], memory_order_relaxed);
    if (old->used + 1 <= UINT64_C(5) << (old->slots_log2 - 3)) return true;
    node_map *map = map_create(old->slots_log2 + 1, d->account);
    if (map == NULL) return false;
    for (uint64_t i = 0; i < UINT64_C(1) << old->slots_log2; i++) {
        wgi_list *list = atomic_load_explicit(&old->slots[i].list, memory_order_relaxed);
        if (list == NULL) continue;
        map_slot *slot = map_find(map, wgi_word(&old->slots[i].node));
        atomic_store_explicit(&slot->node, wgi_word(&old->slots[i].node), memory_order_relaxed);
        atomic_store_explicit(&slot->list, list, memory_order_relaxed);
    }
    map->used = old->used;
    atomic_store_explicit(&d->maps[side], map, memory_order_release); /* pairs with list_of */
    wg_epoch_retire_linked(epoch, &old->link);
    return true;
}

/* A list with room for one more entry, made or grown; NULL when out of memory. */
static wgi_list *list_reserve(wgi_delta *d, wg_epoch *epoch, uint32_t side, uint64_t node) {
    if (!map_reserve(d, epoch, side)) return NULL;
    node_map *map = atomic_load_explicit(&d->maps[side], memory_order_relaxed);
    map_slot *slot = map_find(map, node);
    wgi_list *old = atomic_load_explicit(&slot->list, memory_order_relaxed);
    const uint32_t count = old == NULL ? 0 : atomic_load_explicit(&old->count, memory_order_relaxed);
    if (old != NULL && count < old->capacity) return old;
    const size_t bytes =
        old == NULL ? LIST_BYTES_FIRST : 2 * (sizeof *old + (size_t)old->capacity * sizeof(wgi_list_entry));
    wgi_list *list = wg_alloc(d->account, bytes);
    if (list == NULL) return NULL;
    memset(list, 0, sizeof *list);
    list->capacity = (uint32_t)((bytes - sizeof *list) / sizeof(wgi_list_entry));
    for (uint32_t i = 0; i < count; i++) {
        atomic_init(&list->entries[i].edge, wgi_word(&old->entries[i].edge));
        atomic_init(&list->entries[i].neighbour, wgi_word(&old->entries[i].neighbour));
    }
    atomic_init(&list->count, count);
    if (old == NULL) {
        map->used++;
        atomic_store_explicit(&slot->node, node, memory_order_relaxed);
    }
    atomic_store_explicit(&slot->list, list, memory_order_release); /* pairs with map_find */
    if (old != NULL) wg_epoch_retire_linked(epoch, &old->link);
    return list;
}

static void list_push(wgi_list *list, uint64_t edge, uint64_t neighbour) {
    const uint32_t count = atomic_load_explicit(&list->count, memory_order_relaxed);
    WG_ASSERT(count < list->capacity);
    if (count > 0 && wgi_word(&list->entries[count - 1].edge) >= edge) return; /* left by an indexing that failed */
    atomic_store_explicit(&list->entries[count].edge, edge, memory_order_relaxed);
    atomic_store_explicit(&list->entries[count].neighbour, neighbour, memory_order_relaxed);
    atomic_store_explicit(&list->count, count + 1, memory_order_release); /* pairs with list_count */
}

static bool lists_push(wgi_delta *d, wg_epoch *epoch, uint64_t edge, const uint64_t ends[2]) {
    wgi_list *lists[2];
    for (uint32_t side = 0; side < 2; side++) {
        lists[side] = list_reserve(d, epoch, side, ends[side]);
        if (lists[side] == NULL) return false;
    }
    for (uint32_t side = 0; side < 2; side++) list_push(lists[side], edge, ends[1 - side]);
    return true;
}

/* The list of a node, NULL when it has none. */
static wgi_list *list_of(const wgi_delta *d, uint32_t side, uint64_t node) {
    node_map *map = atomic_load_explicit(&d->maps[side], memory_order_acquire);
    return atomic_load_explicit(&map_find(map, node)->list, memory_order_acquire);
}

static void list_cut(wgi_list *list, uint64_t first_edge) {
    if (list == NULL) return;
    uint32_t count = atomic_load_explicit(&list->count, memory_order_relaxed);
    while (count > 0 && wgi_word(&list->entries[count - 1].edge) >= first_edge) count--;
    atomic_store_explicit(&list->count, count, memory_order_release);
}

/* Entries below `limit`; nearly always all. */
static uint32_t list_count(const wgi_list *list, uint64_t limit) {
    uint32_t high = atomic_load_explicit(&list->count, memory_order_acquire);
    if (high == 0 || wgi_word(&list->entries[high - 1].edge) < limit) return high;
    uint32_t low = 0;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (wgi_word(&list->entries[middle].edge) < limit) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* ---- views and runs */

/* Where the walked part of the log begins. */
static uint64_t walk_first(const wgi_view *view, uint32_t runs) {
    return runs == 0 ? view->indexed : atomic_load_explicit(&view->runs[runs - 1], memory_order_acquire)->last;
}

/* A view with a boundary and room for one more run, in use; NULL when out of memory. */
static wgi_view *view_reserve(wgi_delta *d, wg_epoch *epoch, uint64_t indexed) {
    wgi_view *old = atomic_load_explicit(&d->view, memory_order_relaxed);
    const bool all = old == d->view_all;
    const uint32_t runs = all ? 0 : atomic_load_explicit(&old->run_count, memory_order_relaxed);
    if (!all && runs < old->run_capacity) return old;
    wgi_view *view = view_create(all ? indexed : old->indexed, all ? RUNS_FIRST : 2 * runs, d->account);
    if (view == NULL) return NULL;
    for (uint32_t i = 0; i < runs; i++)
        atomic_init(&view->runs[i], atomic_load_explicit(&old->runs[i], memory_order_relaxed));
    atomic_init(&view->run_count, runs);
    atomic_store_explicit(&d->view, view, memory_order_release); /* pairs with wgi_reading_delta */
    if (!all) view_give_back(epoch, old, false);
    return view;
}

static void view_reset(wgi_delta *d, wg_epoch *epoch) {
    wgi_view *old = atomic_load_explicit(&d->view, memory_order_relaxed);
    if (old == d->view_all) return;
    atomic_store_explicit(&d->view, d->view_all, memory_order_release); /* pairs with wgi_reading_delta */
    view_give_back(epoch, old, true);
}

static wgi_run *run_create(wgi_delta *d, uint64_t first, uint64_t last) {
    wgi_run *run = wg_alloc_zero(d->account, sizeof *run);
    if (run == NULL) return NULL;
    run->first = first;
    run->last = last;
    for (uint32_t side = 0; side < 2; side++) {
        const wgi_csr_source source = {NULL, wgi_delta_log(d), first, last, side};
        if (wgi_csr_build(&source, d->account, &run->sides[side], NULL) == WG_OK) continue;
        if (side == 1) wg_free(run->sides[0]);
        wg_free(run);
        return NULL;
    }
    return run;
}

void wgi_delta_run(wgi_delta *d, wg_epoch *epoch) {
    wgi_view *view = atomic_load_explicit(&d->view, memory_order_relaxed);
    if (view == d->view_all) return;
    const uint64_t last = wgi_delta_count(d);
    const uint64_t first = walk_first(view, atomic_load_explicit(&view->run_count, memory_order_relaxed));
    if (last - first < RUN_EDGES_MIN) return;
    view = view_reserve(d, epoch, first);
    if (view == NULL) return;
    wgi_run *run = run_create(d, first, last);
    if (run == NULL) return;
    const uint32_t runs = atomic_load_explicit(&view->run_count, memory_order_relaxed);
    atomic_store_explicit(&view->runs[runs], run, memory_order_release);
    atomic_store_explicit(&view->run_count, runs + 1, memory_order_release); /* pairs with wgi_reading_delta */
}

/* ---- writing */

wg_code wgi_delta_add(wgi_delta *d, wg_epoch *epoch, uint64_t first_edge, const uint64_t *const ends[2],
                      uint64_t count, wg_error *err) {
    const uint64_t at = wgi_delta_count(d);
    WG_ASSERT(at == 0 || wgi_log_edge_at(wgi_delta_log(d), at - 1) < first_edge);
    const wgi_log_edges edges = {first_edge, ends, count};
    if (!wgi_log_put(&d->log, at, &edges, epoch, d->account)) return wg_error_nomem(err, (size_t)count);
    const bool all = atomic_load_explicit(&d->view, memory_order_relaxed) == d->view_all;
    if (!all || count >= BULK_EDGES_MIN) {
        if (all && view_reserve(d, epoch, at) == NULL) return wg_error_nomem(err, sizeof(wgi_view));
        atomic_store_explicit(&d->log_count, at + count, memory_order_release); /* pairs with wgi_delta_count */
        return WG_OK;
    }
    atomic_store_explicit(&d->log_count, at + count, memory_order_release);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t pair[2] = {ends[0][i], ends[1][i]};
        if (lists_push(d, epoch, first_edge + i, pair)) continue;
        wgi_delta_truncate(d, epoch, first_edge);
        return wg_error_nomem(err, sizeof(wgi_list));
    }
    return WG_OK;
}

void wgi_delta_truncate(wgi_delta *d, wg_epoch *epoch, uint64_t first_edge) {
    const wgi_log *log = wgi_delta_log(d);
    uint64_t count = wgi_delta_count(d);
    for (; count > 0 && wgi_log_edge_at(log, count - 1) >= first_edge; count--) {
        for (uint32_t side = 0; side < 2; side++)
            list_cut(list_of(d, side, wgi_log_end_at(log, count - 1, side)), first_edge);
    }
    wgi_view *view = atomic_load_explicit(&d->view, memory_order_relaxed);
    if (view != d->view_all) {
        uint32_t runs = atomic_load_explicit(&view->run_count, memory_order_relaxed);
        const uint32_t before = runs;
        /* A run that is cut goes whole: its edges are still in the log and are walked again. */
        while (runs > 0 && atomic_load_explicit(&view->runs[runs - 1], memory_order_relaxed)->last > count) runs--;
        atomic_store_explicit(&view->run_count, runs, memory_order_release);
        for (uint32_t i = runs; i < before; i++)
            run_give_back(epoch, atomic_load_explicit(&view->runs[i], memory_order_relaxed));
        if (count <= view->indexed) view_reset(d, epoch);
    }
    atomic_store_explicit(&d->log_count, count, memory_order_release);
}

uint64_t wgi_delta_unindexed(const wgi_delta *d) {
    const wgi_view *view = atomic_load_explicit(&d->view, memory_order_relaxed);
    const uint64_t count = wgi_delta_count(d);
    return view == d->view_all || view->indexed > count ? 0 : count - view->indexed;
}

wg_code wgi_delta_index(wgi_delta *d, wg_epoch *epoch, wg_error *err) {
    const wgi_view *view = atomic_load_explicit(&d->view, memory_order_relaxed);
    if (view == d->view_all) return WG_OK;
    const wgi_log *log = wgi_delta_log(d);
    const uint64_t count = wgi_delta_count(d);
    for (uint64_t i = view->indexed; i < count; i++) {
        const uint64_t ends[2] = {wgi_log_end_at(log, i, 0), wgi_log_end_at(log, i, 1)};
        if (!lists_push(d, epoch, wgi_log_edge_at(log, i), ends)) return wg_error_nomem(err, sizeof(wgi_list));
    }
    view_reset(d, epoch);
    return WG_OK;
}

/* ---- reading */

static void reading_put(wgi_reading *r, uint64_t edge, uint64_t neighbour) {
    if (edge < r->from_edge) return;
    if (r->edges != NULL) {
        r->edges[r->count] = edge;
        r->neighbours[r->count] = neighbour;
    }
    r->count++;
}

static void reading_list(wgi_reading *r, const wgi_delta *d, uint64_t limit) {
    const wgi_list *list = list_of(d, r->side, r->node);
    if (list == NULL) return;
    const uint32_t count = list_count(list, limit);
    uint32_t below = 0;
    if (r->from_edge != 0) below = (uint32_t)wg_min_u64(count, list_count(list, r->from_edge));
    for (uint32_t i = below; i < count && !wgi_reading_full(r); i++)
        reading_put(r, wgi_word(&list->entries[i].edge), wgi_word(&list->entries[i].neighbour));
}

void wgi_reading_delta(wgi_reading *r, const wgi_delta *d) {
    const wgi_view *view = atomic_load_explicit(&d->view, memory_order_acquire); /* before lists and log */
    if (view == d->view_all) {
        reading_list(r, d, UINT64_MAX);
        return;
    }
    const uint64_t log_count = wgi_delta_count(d);
    const wgi_log *log = wgi_delta_log(d);
    const uint64_t limit = view->indexed < log_count ? wgi_log_edge_at(log, view->indexed) : UINT64_MAX;
    reading_list(r, d, limit);
    const uint32_t runs = atomic_load_explicit(&view->run_count, memory_order_acquire);
    uint64_t at = view->indexed;
    for (uint32_t i = 0; i < runs; i++) {
        const wgi_run *run = atomic_load_explicit(&view->runs[i], memory_order_acquire);
        if (!wgi_reading_full(r)) wgi_reading_csr(r, run->sides[r->side]);
        at = run->last;
    }
    for (; at < log_count && !wgi_reading_full(r); at++) {
        if (wgi_log_end_at(log, at, r->side) == r->node)
            reading_put(r, wgi_log_edge_at(log, at), wgi_log_end_at(log, at, 1 - r->side));
    }
}

/* ---- checking */

/* Every indexed log edge is in both lists and the lists hold nothing else; runs follow each other. */
wg_code wgi_delta_check(const wgi_delta *d, wg_error *err) {
    const wgi_view *view = atomic_load_explicit(&d->view, memory_order_acquire);
    const uint64_t log_count = wgi_delta_count(d);
    const wgi_log *log = wgi_delta_log(d);
    const uint64_t indexed = wg_min_u64(view->indexed, log_count);
    for (uint64_t i = 1; i < log_count; i++) {
        if (wgi_log_edge_at(log, i - 1) >= wgi_log_edge_at(log, i))
            return wg_error_set(err, WG_E_CORRUPT, i, "topology delta: edges are not ascending");
    }
    const uint64_t limit = indexed < log_count ? wgi_log_edge_at(log, indexed) : UINT64_MAX;
    for (uint32_t side = 0; side < 2; side++) {
        node_map *map = atomic_load_explicit(&d->maps[side], memory_order_acquire);
        uint64_t entries = 0;
        for (uint64_t i = 0; i < UINT64_C(1) << map->slots_log2; i++) {
            const wgi_list *list = atomic_load_explicit(&map->slots[i].list, memory_order_acquire);
            const uint32_t count = list == NULL ? 0 : list_count(list, limit);
            for (uint32_t e = 1; e < count; e++) {
                if (wgi_word(&list->entries[e - 1].edge) >= wgi_word(&list->entries[e].edge))
                    return wg_error_set(err, WG_E_CORRUPT, i, "topology delta: a list is not ascending");
            }
            entries += count;
        }
        if (entries != indexed)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "topology delta: %llu list entries for %llu edges",
                                (unsigned long long)entries, (unsigned long long)indexed);
    }
    uint64_t at = view->indexed;
    for (uint32_t i = 0; i < atomic_load_explicit(&view->run_count, memory_order_acquire); i++) {
        const wgi_run *run = atomic_load_explicit(&view->runs[i], memory_order_acquire);
        if (run->first != at || run->last > log_count)
            return wg_error_set(err, WG_E_CORRUPT, at, "topology delta: runs do not cover the log");
        WG_TRY(wgi_csr_check_pair(run->sides[0], run->sides[1], err));
        at = run->last;
    }
    return WG_OK;
}
