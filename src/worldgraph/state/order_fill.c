/* The orders of runs that were filled: recovery and replays put records into the table alone, and the orders are made when somebody asks for one.
 *
 * wg_state_fill_begin says that nobody scans from now on: a run's first record of a key leaves its order as it is and says that it is stale. After
 * wg_state_fill_end that stays so, also for keys that come later, until the first scan of any run: it makes all that are stale. The
 * table is walked once: a head (the eight bytes behind what all keys of the run begin with, as a number) and the seat of each key are taken, sorted by
 * heads with as many passes as heads have bytes that differ, groups of equal heads by the eight bytes behind those and so on, and leaves
 * and the levels above are built from left to right. That is some 50 ns a key where a descent for each would be 300. Leaves get
 * seats at once, so that the first scans know where records are.
 *
 * Commits go on meanwhile. The table's mutex is held, so no segment is split or purged: keys stay where they were seen, and what is in a slot of a key does
 * not matter but for the key. A new key could be missed, so: the runs say that their orders are being made, then each segment is walked under its lock
 * and its generation changed. A commit that found the order stale before has noted the old generation, and begins again; one that finds it being
 * made waits for the mutex, and puts its key into the tree itself. Commits that the engine logs have their order made before they are prepared,
 * because they come back to their segments without looking. Collectors wait: dropped runs keep their trees.
 *
 * Failure: no memory: WG_E_NOMEM; the orders that could not be made are stale as before. */
#include "worldgraph/state/commit_internal.h"
#include "worldgraph/state/order_internal.h"
#include "worldgraph/state/seat_internal.h"

enum {
    LEAF_KEYS = 56, /* of 64: room for some that come later */
    INNER_CHILDREN = 57,
    FEW = 24, /* are sorted by comparing */
    AHEAD = 12
};

typedef struct item {
    uint64_t head;
    uint32_t run, seat; /* segment << 7 | slot */
} item;

/* What is known of a run while the table is walked. */
typedef struct gathered {
    uint32_t count, first;
    uint32_t prefix;  /* bytes that all its keys share; heads are of what follows */
    uint32_t changed; /* its items before this one have heads behind a longer prefix */
    uint32_t seat;    /* of its first key, which says what the prefix is */
} gathered;

typedef struct fill {
    wg_state *state;
    wgi_table *table;
    gathered *runs; /* by number */
    item *items, *spare;
    size_t count, room;
} fill;

/* ---- keys of items */

/* Words 1 to 11 hold run and key; commits write the same ones into them again. `copy` is used where words are loaded one by one. */
typedef struct words {
    uint64_t copy[WGI_SLOT_WORDS];
} words;

static const uint64_t *words_at(const fill *f, uint32_t seat, words *copy) {
    const wgi_place place = wgi_place_at(f->table, seat / WGI_SLOTS);
    const wgi_slot *slot = &place.slots[seat % WGI_SLOTS];
#if WGI_COPY_WORDS
    wgi_slot_copy(slot, copy->copy);
    return copy->copy;
#else
    (void)copy;
    return (const uint64_t *)(const void *)slot;
#endif
}

static wg_slice key_at(const fill *f, uint32_t seat, words *copy) { return wgi_words_key(words_at(f, seat, copy)); }

static void key_fetch(const fill *f, uint32_t seat) {
    const wgi_place place = wgi_place_at(f->table, seat / WGI_SLOTS);
    __builtin_prefetch(&place.slots[seat % WGI_SLOTS]);
}

static uint64_t head_behind(wg_slice key, uint32_t skip) {
    uint64_t word = 0;
    if (key.size >= skip + 8u) word = wg_load_u64le(key.data + skip);
    else if (key.size > skip) memcpy(&word, key.data + skip, key.size - skip);
    return __builtin_bswap64(word);
}

static void heads_take(const fill *f, item *items, size_t n, uint32_t skip) {
    words copy;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) key_fetch(f, items[i + AHEAD].seat);
        items[i].head = head_behind(key_at(f, items[i].seat, &copy), skip);
    }
}

/* ---- sorting */

/* By heads; stable. `spare` has room for n; gives the one of the two that has the result. */
static item *heads_sort(item *items, item *spare, size_t n) {
    uint64_t differ = 0;
    for (size_t i = 1; i < n; i++) differ |= items[i].head ^ items[0].head;
    for (uint32_t shift = 0; shift < 64; shift += 8) {
        size_t starts[256] = {0};
        if ((differ >> shift & 0xff) == 0) continue;
        for (size_t i = 0; i < n; i++) starts[items[i].head >> shift & 0xff]++;
        size_t at = 0;
        for (uint32_t d = 0; d < 256; d++) {
            const size_t count = starts[d];
            starts[d] = at;
            at += count;
        }
        for (size_t i = 0; i < n; i++) spare[starts[items[i].head >> shift & 0xff]++] = items[i];
        item *other = items;
        items = spare;
        spare = other;
    }
    return items;
}

static void few_sort(const fill *f, item *items, size_t n) {
    words mine, other;
    for (size_t i = 1; i < n; i++) {
        const item one = items[i];
        const wg_slice key = key_at(f, one.seat, &mine);
        size_t at = i;
        for (; at > 0 && wg_slice_compare(key, key_at(f, items[at - 1].seat, &other)) < 0; at--)
            items[at] = items[at - 1];
        items[at] = one;
    }
}

/* Items whose keys agree in their first `skip` bytes and have heads of what follows. The result is in `items`. Keys end within WG_KEY_BYTES_MAX, so
 * that many levels are the deepest; keys that a head does not tell apart because one goes on in zeros are few then. */
static void items_sort(const fill *f, item *items, item *spare, size_t n, uint32_t skip) {
    if (n <= FEW || skip > WG_KEY_BYTES_MAX) {
        few_sort(f, items, n);
        return;
    }
    const item *sorted = heads_sort(items, spare, n);
    if (sorted != items) memcpy(items, sorted, n * sizeof *items);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && items[to].head == items[from].head;) to++;
        if (to - from == 1) continue;
        if (to - from > FEW) heads_take(f, items + from, to - from, skip + 8);
        items_sort(f, items + from, spare, to - from, skip + 8);
    }
}

/* ---- the walk */

static wg_code items_reserve(fill *f, wg_error *err) {
    if (f->count + WGI_SLOTS <= f->room) return WG_OK;
    const size_t room = f->room == 0 ? 4096 : 2 * f->room;
    item *grown = wg_realloc(f->state->account, f->items, room * sizeof *grown);
    if (grown == NULL) return wg_error_nomem(err, room * sizeof *grown);
    f->items = grown;
    f->room = room;
    return WG_OK;
}

static bool is_made(const wg_state_run *run) {
    return run != NULL && atomic_load_explicit(&run->order_state, memory_order_relaxed) == WGI_ORDER_MADE;
}

static void item_take(fill *f, uint32_t seat) {
    words mine, other;
    const uint64_t *slot = words_at(f, seat, &mine);
    const uint32_t number = (uint32_t)slot[1] >> 8;
    if (!is_made(wg_slots_get(&f->state->runs, number))) return;
    gathered *g = &f->runs[number];
    const wg_slice key = wgi_words_key(slot);
    if (g->count == 0) {
        g->prefix = (uint32_t)key.size;
        g->seat = seat;
    }
    const wg_slice first = key_at(f, g->seat, &other);
    uint32_t shared = 0;
    while (shared < g->prefix && shared < key.size && key.data[shared] == first.data[shared]) shared++;
    if (shared < g->prefix) {
        g->prefix = shared;
        g->changed = g->count;
    }
    g->count++;
    f->items[f->count++] = (item){head_behind(key, g->prefix), number, seat};
}

/* See above: what commits under way have noted of the segment does not hold any more. Its lock is held, so no slot in it is marked. */
static void segment_walk(fill *f, uint32_t n, const wgi_place *place) {
    wgi_segment_lock(place->header);
    wgi_generation_step(place->header);
    wgi_generation_step(place->header);
    for (uint32_t i = 0; i < WGI_SLOTS; i++)
        if (wgi_load(&place->slots[i].words[0]) != 0) item_take(f, n * WGI_SLOTS + i);
    wgi_segment_unlock(place->header);
}

static wg_code table_walk(fill *f, wg_error *err) {
    for (uint32_t n = 0; n < f->table->fresh; n++) {
        const wgi_place place = wgi_place_at(f->table, n);
        if (place.header->depth == UINT8_MAX) continue;
        WG_TRY(items_reserve(f, err));
        segment_walk(f, n, &place);
    }
    return WG_OK;
}

/* Items of a run together, runs in the order of their numbers. One run alone, which is the rule, costs nothing. */
static void items_group(fill *f, uint32_t run_count) {
    uint32_t at = 0, runs = 0;
    for (uint32_t n = 0; n < run_count; n++) {
        f->runs[n].first = at;
        at += f->runs[n].count;
        runs += f->runs[n].count != 0;
    }
    if (runs < 2) return;
    for (size_t i = 0; i < f->count; i++) f->spare[f->runs[f->items[i].run].first++] = f->items[i];
    for (uint32_t n = 0; n < run_count; n++) f->runs[n].first -= f->runs[n].count;
    item *grouped = f->spare;
    f->spare = f->items;
    f->items = grouped;
}

/* ---- building */

/* A node and the separator before it (none before the first). */
typedef struct built {
    wgi_order_node *node;
    wgi_order_entry before;
} built;

/* `left` items from the leaf's first one on. */
static wg_code leaf_fill(const fill *f, wgi_order *order, wgi_order_node *leaf, const item *items, size_t left,
                         wg_error *err) {
    words copy;
    for (uint32_t i = 0; i < LEAF_KEYS && i < left; i++) {
        void *block;
        const wgi_place place = wgi_place_at(f->table, items[i].seat / WGI_SLOTS);
        const uint64_t *slot = words_at(f, items[i].seat, &copy);
        const wg_slice key = wgi_words_key(slot);
        if (i + AHEAD < left) key_fetch(f, items[i + AHEAD].seat);
        WG_TRY(wgi_key_block_create(order, key, &block, err));
        wgi_order_entry entry;
        wgi_entry_set(&entry, key, wgi_words_hash(f->table, slot), block);
        const uint32_t generation = atomic_load_explicit(&place.header->generation, memory_order_relaxed);
        wgi_node_append(leaf, &entry, wgi_seat_make(place.segment, items[i].seat % WGI_SLOTS, generation));
    }
    wgi_node_settle(leaf);
    return WG_OK;
}

static wg_code separator_make(wgi_order *order, const wgi_order_node *left, const wgi_order_node *right,
                              wgi_order_entry *out, wg_error *err) {
    void *block;
    const wg_slice last = wgi_entry_key(wgi_node_entry(left, wgi_node_count(left) - 1));
    const wg_slice between = wgi_separator_of(last, wgi_entry_key(wgi_node_entry(right, 0)));
    WG_TRY(wgi_key_block_create(order, between, &block, err));
    wgi_entry_set(out, between, 0, block);
    return WG_OK;
}

/* On failure `out` has what was made. */
static wg_code leaves_build(const fill *f, wgi_order *order, const item *items, size_t n, wg_buf *out,
                            wg_error *err) {
    wgi_order_node *prev = NULL;
    for (size_t at = 0; at < n; at += LEAF_KEYS) {
        built one = {.node = wgi_node_create(order, 0)};
        if (one.node == NULL) return wg_error_nomem(err, sizeof *one.node);
        if (!wg_buf_append(out, &one, sizeof one)) {
            wgi_node_free(order, one.node);
            return wg_error_nomem(err, sizeof one);
        }
        WG_TRY(leaf_fill(f, order, one.node, items + at, n - at, err));
        atomic_store_explicit(&one.node->prev, prev, memory_order_relaxed);
        if (prev != NULL) {
            built *kept = (built *)(void *)(out->data + out->size - sizeof one);
            WG_TRY(separator_make(order, prev, one.node, &kept->before, err));
            atomic_store_explicit(&prev->next, one.node, memory_order_relaxed);
        }
        prev = one.node;
    }
    return WG_OK;
}

/* The nodes above those of `below`, evenly filled. On failure `above` has the first of those, and the others stay in `below`. */
static wg_code level_build(wgi_order *order, uint32_t level, wg_buf *below, wg_buf *above, wg_error *err) {
    built *children = (built *)(void *)below->data;
    const size_t count = below->size / sizeof *children;
    const size_t nodes = (count + INNER_CHILDREN - 1) / INNER_CHILDREN;
    if (!wg_buf_reserve(above, nodes * sizeof *children)) return wg_error_nomem(err, nodes * sizeof *children);
    for (size_t n = 0; n < nodes; n++) {
        const size_t from = n * count / nodes, to = (n + 1) * count / nodes;
        const built one = {.node = wgi_node_create(order, level), .before = children[from].before};
        if (one.node == NULL) return wg_error_nomem(err, sizeof *one.node);
        for (size_t i = from; i < to; i++) {
            atomic_store_explicit(&one.node->children[i - from], children[i].node, memory_order_relaxed);
            if (i != from) wgi_node_append(one.node, &children[i].before, 0);
            children[i] = (built){0};
        }
        wgi_node_settle(one.node);
        (void)wg_buf_append(above, &one, sizeof one); /* there is room */
    }
    return WG_OK;
}

static void subtree_free(wgi_order *order, wgi_order_node *node) {
    const uint32_t count = wgi_node_count(node);
    for (uint32_t i = 0; i < count; i++) wgi_key_block_free(order, wgi_entry_block(wgi_node_entry(node, i)));
    for (uint32_t i = 0; node->level != 0 && i <= count; i++)
        subtree_free(order, atomic_load_explicit(&node->children[i], memory_order_relaxed));
    wgi_node_free(order, node);
}

static void built_free(wgi_order *order, const wg_buf *list) {
    const built *items = (const built *)(const void *)list->data;
    for (size_t i = 0; i < list->size / sizeof *items; i++) {
        if (items[i].node == NULL) continue;
        wgi_key_block_free(order, wgi_entry_block(&items[i].before));
        subtree_free(order, items[i].node);
    }
}

/* The tree of a run whose keys these are, in order. */
static wg_code tree_build(const fill *f, wgi_order *order, const item *items, size_t n, wg_error *err) {
    wg_buf level, above;
    wg_buf_init(&level, f->state->account);
    wg_buf_init(&above, f->state->account);
    atomic_store_explicit(&order->keys, n, memory_order_relaxed);
    wg_code code = leaves_build(f, order, items, n, &level, err);
    for (uint32_t depth = 1; code == WG_OK && level.size > sizeof(built); depth++) {
        above.size = 0;
        code = level_build(order, depth, &level, &above, err);
        if (code != WG_OK) break;
        const wg_buf done = level;
        level = above;
        above = done;
    }
    if (code == WG_OK) {
        atomic_store_explicit(&order->root, ((const built *)(const void *)level.data)->node, memory_order_release);
    } else {
        built_free(order, &above);
        built_free(order, &level);
        atomic_store_explicit(&order->keys, 0, memory_order_relaxed);
    }
    wg_buf_deinit(&level);
    wg_buf_deinit(&above);
    return code;
}

/* ---- all of it */

static wg_code run_build(const fill *f, wg_state_run *run, wg_error *err) {
    const gathered *g = &f->runs[run->origin.number];
    item *items = f->items + g->first;
    while (wgi_order_drop_some(run->order, UINT32_MAX)) {}
    if (g->count == 0) return WG_OK;
    heads_take(f, items, g->changed, g->prefix);
    items_sort(f, items, f->spare, g->count, g->prefix);
    return tree_build(f, run->order, items, g->count, err);
}

static wg_code runs_build(fill *f, uint32_t run_count, wg_error *err) {
    f->runs = wg_alloc_zero(f->state->account, run_count * sizeof *f->runs);
    if (f->runs == NULL) return wg_error_nomem(err, run_count * sizeof *f->runs);
    WG_TRY(table_walk(f, err));
    f->spare = wg_alloc(f->state->account, wg_max_size(f->count, 1) * sizeof *f->spare);
    if (f->spare == NULL) return wg_error_nomem(err, f->count * sizeof *f->spare);
    items_group(f, run_count);
    for (uint32_t n = 0; n < run_count; n++) {
        wg_state_run *run = wg_slots_get(&f->state->runs, n);
        if (!is_made(run)) continue;
        WG_TRY(run_build(f, run, err));
        atomic_store_explicit(&run->order_state, WGI_ORDER_READY,
                              memory_order_release); /* pairs with wgi_order_need */
    }
    return WG_OK;
}

/* From one state to another; how many runs. seq_cst: before any generation is changed. */
static uint32_t states_turn(wg_state *state, uint32_t run_count, uint8_t from, uint8_t to) {
    uint32_t turned = 0;
    for (uint32_t n = 0; n < run_count; n++) {
        wg_state_run *run = wg_slots_get(&state->runs, n);
        uint8_t is = from;
        turned += run != NULL && atomic_compare_exchange_strong(&run->order_state, &is, to);
    }
    return turned;
}

wg_code wgi_order_make(wg_state *state, wg_error *err) {
    fill f = {.state = state, .table = state->table};
    wg_code code = WG_OK;
    wg_mutex_lock(&state->collect_mutex);
    wg_mutex_lock(&state->table->mutex);
    const uint32_t inside = wg_epoch_enter(state->epoch);
    const uint32_t run_count = wg_state_run_count(state);
    if (states_turn(state, run_count, WGI_ORDER_STALE, WGI_ORDER_MADE) != 0) code = runs_build(&f, run_count, err);
    if (code != WG_OK) (void)states_turn(state, run_count, WGI_ORDER_MADE, WGI_ORDER_STALE);
    wg_epoch_leave(state->epoch, inside);
    wg_mutex_unlock(&state->table->mutex);
    wg_mutex_unlock(&state->collect_mutex);
    wg_free(f.runs);
    wg_free(f.items);
    wg_free(f.spare);
    return code;
}

void wg_state_fill_begin(wg_state *state) { state->filling = true; }

void wg_state_fill_end(wg_state *state) {
    state->filling = false;
    wg_pages_drop(state->pages);
}
