/* The keys of one run in the order of their bytes: a B+tree. Keys are added by commits that make a record for the first time and removed when a
 * deletion is purged; overwriting a record never comes here. So writers are rare beside the table's, and readers (scans) must not hold them up.
 *
 * Readers take no lock (optimistic lock coupling: Leis, Haubenschild, Neumann, "Optimistic Lock Coupling", IEEE Data Eng. Bull. 42(1), 2019).
 * Every node has a version that is odd while somebody changes the node and different afterwards. A reader notes the version, reads, and
 * checks that it is still the same; on the way down it checks the parent once more when it has the child's version, so the child was
 * the right one at that moment. What fails begins again at the root. Memory of nodes goes through the epoch.
 *
 * Writers: a key that fits into its leaf costs a descent and the lock of that leaf. Splits and merges change inner nodes; there is one at a time,
 * under `shape_lock`, and only they touch inner nodes and the chain of leaves, so they read those plainly. They keep the leaf locked until the
 * parents are right again: a reader that waits for the leaf then finds the parent's version changed. Who holds leaf locks without `shape_lock`
 * holds one only and waits for nothing, so nobody waits in a circle.
 *
 * Splits: half and half; a key behind all others opens a leaf of its own, so keys that come in order fill their leaves. Separators are the
 * shortest bytes that tell two leaves apart. Merges: a leaf with less than a quarter takes its right neighbour in when both fit into five
 * eighths; an empty one is taken out.
 *
 * Failure: everything that a split needs is allocated before anything is changed. */
#include "worldgraph/state/order_internal.h"

enum { LOCKED = 1, DEAD = 2, VERSION_STEP = 4, FEW_KEYS = 16, MERGED_MAX = 40 };

/* ---- versions */

/* False: the node is dead. */
static bool version_stable(const wgi_order_node *node, uint64_t *out) {
    for (uint32_t rounds = 0;;) {
        const uint64_t v = atomic_load_explicit(&node->version, memory_order_acquire); /* release in node_unlock */
        if ((v & LOCKED) == 0) {
            *out = v;
            return (v & DEAD) == 0;
        }
        wgi_wait(&rounds);
    }
}

static bool version_is(const wgi_order_node *node, uint64_t version) {
    return atomic_load_explicit(&node->version, memory_order_relaxed) == version;
}

static bool node_try_lock(wgi_order_node *node, uint64_t version) {
    WG_ASSERT((version & (LOCKED | DEAD)) == 0);
    return atomic_compare_exchange_strong_explicit(&node->version, &version, version | LOCKED, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* Under shape_lock, so the node is not dead. */
static void node_lock(wgi_order_node *node) {
    uint64_t v;
    do {
        const bool alive = version_stable(node, &v);
        WG_ASSERT(alive);
    } while (!node_try_lock(node, v));
}

static uint64_t locked_version(const wgi_order_node *node) {
    const uint64_t v = atomic_load_explicit(&node->version, memory_order_relaxed);
    WG_ASSERT((v & LOCKED) != 0);
    return v;
}

/* release; pairs with version_stable */
static void node_unlock(wgi_order_node *node, bool dead) {
    const uint64_t v = (locked_version(node) & ~(uint64_t)LOCKED) + VERSION_STEP;
    atomic_store_explicit(&node->version, v | (dead ? DEAD : 0), memory_order_release);
}

bool wgi_spot_try_lock(wgi_order_spot spot) { return node_try_lock(spot.leaf, spot.version); }

void wgi_spot_unlock(wgi_order_spot *spot) {
    node_unlock(spot->leaf, false);
    spot->version += VERSION_STEP;
}

/* ---- descent */

/* The child that a search for `key` (last: the rightmost) goes to. NULL: another version. */
static wgi_order_node *child_for(const wgi_order_node *node, uint64_t version, wg_slice key, bool last) {
    uint32_t position = wgi_node_count(node);
    if (position > WGI_NODE_KEYS) return NULL;
    bool equal = false;
    if (!last && !wgi_node_rank(node, version, key, &position, &equal)) return NULL;
    wgi_order_node *child = atomic_load_explicit(&node->children[position + (equal ? 1 : 0)], memory_order_acquire);
    return version_is(node, version) ? child : NULL;
}

static bool descend(const wgi_order *order, wg_slice key, bool last, wgi_order_spot *out) {
    wgi_order_node *node = atomic_load_explicit(&order->root, memory_order_acquire);
    *out = (wgi_order_spot){NULL, 0};
    if (node == NULL) return true;
    uint64_t version;
    if (!version_stable(node, &version)) return false;
    if (atomic_load_explicit(&order->root, memory_order_acquire) != node) return false;
    while (node->level != 0) {
        wgi_order_node *child = child_for(node, version, key, last);
        if (child == NULL) return false;
        wgi_node_prefetch(child);
        uint64_t child_version;
        if (!version_stable(child, &child_version)) return false;
        if (!version_is(node, version)) return false;
        node = child;
        version = child_version;
    }
    *out = (wgi_order_spot){node, version};
    return true;
}

static wgi_order_spot find(const wgi_order *order, wg_slice key, bool last) {
    wgi_order_spot spot;
    uint32_t rounds = 0;
    while (!descend(order, key, last, &spot)) wgi_wait(&rounds);
    return spot;
}

wgi_order_spot wgi_tree_find(const wgi_order *order, wg_slice key) { return find(order, key, false); }

wgi_order_spot wgi_tree_find_last(const wgi_order *order) { return find(order, wg_slice_of(NULL, 0), true); }

bool wgi_tree_step(wgi_order_spot spot, bool back, wgi_order_spot *out) {
    const wgi_order_node *leaf = spot.leaf;
    wgi_order_node *beside = atomic_load_explicit(back ? &leaf->prev : &leaf->next, memory_order_acquire);
    if (!version_is(leaf, spot.version)) return false;
    *out = (wgi_order_spot){beside, 0};
    if (beside == NULL) return true;
    wgi_node_prefetch(beside);
    /* With both versions valid at one moment the two are neighbours: nothing lies between them. */
    return version_stable(beside, &out->version) && version_is(leaf, spot.version);
}

bool wgi_tree_rank(wgi_order_spot spot, wg_slice key, uint32_t *out_position, bool *out_equal) {
    return wgi_node_rank(spot.leaf, spot.version, key, out_position, out_equal) &&
           version_is(spot.leaf, spot.version);
}

/* ---- the way down to a leaf, under shape_lock */

typedef struct trail {
    wgi_order_node *nodes[WGI_ORDER_LEVELS]; /* by level: the leaf is nodes[0] */
    uint32_t index[WGI_ORDER_LEVELS];        /* of nodes[level - 1] among the children of nodes[level] */
    uint32_t levels;                         /* 0: the tree is empty */
} trail;

static void trail_find(const wgi_order *order, wg_slice key, trail *out) {
    wgi_order_node *node = atomic_load_explicit(&order->root, memory_order_relaxed);
    out->levels = node == NULL ? 0 : (uint32_t)node->level + 1;
    WG_ASSERT(out->levels <= WGI_ORDER_LEVELS);
    while (node != NULL) {
        const uint32_t level = (uint32_t)node->level;
        out->nodes[level] = node;
        if (level == 0) return;
        uint32_t position;
        bool equal;
        const uint64_t version = atomic_load_explicit(&node->version, memory_order_relaxed);
        const bool found = wgi_node_rank(node, version, key, &position, &equal);
        WG_ASSERT(found); /* only shape_lock's holder changes inner nodes */
        out->index[level] = position + (equal ? 1 : 0);
        node = atomic_load_explicit(&node->children[out->index[level]], memory_order_relaxed);
    }
}

/* ---- split */

/* All that a split needs; taken before anything is changed. */
typedef struct split {
    wgi_order_node *spare[WGI_ORDER_LEVELS]; /* by level: the right half */
    wgi_order_node *root;                    /* a level more; NULL: some ancestor has room */
    uint32_t levels;                         /* nodes [0, levels) of the trail are split */
    wgi_order_entry separator;
} split;

static void split_discard(wgi_order *order, split *s) {
    for (uint32_t i = 0; i < s->levels; i++) wgi_node_free(order, s->spare[i]);
    wgi_node_free(order, s->root);
    wgi_key_block_free(order, wgi_entry_block(&s->separator));
}

wg_slice wgi_separator_of(wg_slice left, wg_slice right) {
    size_t n = 0;
    while (n < left.size && n < right.size && left.data[n] == right.data[n]) n++;
    WG_ASSERT(n < right.size);
    return wg_slice_of(right.data, n + 1);
}

static wg_code split_prepare(wgi_order *order, const trail *t, wg_slice left, wg_slice right, split *s,
                             wg_error *err) {
    memset(s, 0, sizeof *s);
    const wg_slice between = wgi_separator_of(left, right);
    void *block;
    WG_TRY(wgi_key_block_create(order, between, &block, err));
    wgi_entry_set(&s->separator, between, 0, block);
    while (s->levels < t->levels && (s->levels == 0 || wgi_node_count(t->nodes[s->levels]) == WGI_NODE_KEYS)) {
        wgi_order_node *spare = wgi_node_create(order, s->levels);
        s->spare[s->levels++] = spare;
        if (spare == NULL) goto fail;
    }
    if (s->levels < t->levels) return WG_OK;
    if (t->levels == WGI_ORDER_LEVELS) {
        split_discard(order, s);
        return wg_error_set(err, WG_E_LIMIT, UINT64_MAX, "the run has more keys than its order can hold");
    }
    s->root = wgi_node_create(order, t->levels);
    if (s->root != NULL) return WG_OK;
fail:
    split_discard(order, s);
    return wg_error_nomem(err, sizeof(wgi_order_node));
}

/* Into an inner node with room: `child` behind the child at `index`, `separator` between them. */
static void inner_insert(wgi_order_node *node, uint32_t index, const wgi_order_entry *separator,
                         wgi_order_node *child) {
    const uint32_t count = wgi_node_count(node);
    WG_ASSERT(node->level == child->level + 1);
    for (uint32_t i = count + 1; i > index + 1; i--) {
        wgi_order_node *moved = atomic_load_explicit(&node->children[i - 1], memory_order_relaxed);
        atomic_store_explicit(&node->children[i], moved, memory_order_release);
    }
    atomic_store_explicit(&node->children[index + 1], child, memory_order_release);
    wgi_node_insert(node, index, separator);
}

/* Splits a full inner node; its middle separator goes up. */
static void inner_split(wgi_order_node *node, wgi_order_node *right, wgi_order_entry *out_up) {
    enum { MIDDLE = WGI_NODE_KEYS / 2 };
    *out_up = *wgi_node_entry(node, MIDDLE);
    for (uint32_t i = MIDDLE + 1; i <= WGI_NODE_KEYS; i++) {
        wgi_order_node *moved = atomic_load_explicit(&node->children[i], memory_order_relaxed);
        atomic_store_explicit(&right->children[i - MIDDLE - 1], moved, memory_order_relaxed);
    }
    wgi_node_move(node, MIDDLE + 1, right);
    wgi_node_remove(node, MIDDLE);
}

/* Hangs the leaf's right half into the parents; each of them is locked meanwhile. */
static void split_raise(wgi_order *order, const trail *t, split *s) {
    wgi_order_node *child = s->spare[0];
    wgi_order_entry up = s->separator;
    const uint32_t top = s->levels < t->levels ? s->levels : t->levels - 1; /* topmost node that changes */
    for (uint32_t level = 1; level <= top; level++) node_lock(t->nodes[level]);
    for (uint32_t level = 1; level < s->levels; level++) {
        wgi_order_node *node = t->nodes[level];
        wgi_order_node *right = s->spare[level];
        wgi_order_entry next_up;
        inner_split(node, right, &next_up);
        const uint32_t left_children = wgi_node_count(node) + 1;
        if (t->index[level] < left_children) {
            inner_insert(node, t->index[level], &up, child);
        } else {
            inner_insert(right, t->index[level] - left_children, &up, child);
        }
        child = right;
        up = next_up;
    }
    if (s->root == NULL) {
        inner_insert(t->nodes[s->levels], t->index[s->levels], &up, child);
    } else {
        atomic_store_explicit(&s->root->children[0], t->nodes[t->levels - 1], memory_order_relaxed);
        inner_insert(s->root, 0, &up, child);
        atomic_store_explicit(&order->root, s->root, memory_order_release);
    }
    for (uint32_t level = 1; level <= top; level++) node_unlock(t->nodes[level], false);
}

static wg_slice key_at(const wgi_order_node *leaf, uint32_t position) {
    return wgi_entry_key(wgi_node_entry(leaf, position));
}

/* Splits the locked leaf while `entry` goes in at `position`. */
static wg_code leaf_split(wgi_order *order, const trail *t, uint32_t position, const wgi_order_entry *entry,
                          wg_error *err) {
    wgi_order_node *leaf = t->nodes[0];
    wgi_order_node *next = atomic_load_explicit(&leaf->next, memory_order_relaxed);
    const uint32_t count = wgi_node_count(leaf);
    const wg_slice key = wgi_entry_key(entry);
    /* The left half gets the first `stay` of the old keys; the new one goes left when it stands before the last of them. */
    const bool appends = next == NULL && position == count;
    const uint32_t stay = appends ? count : count / 2;
    const bool goes_left = position < stay;
    const wg_slice left_last = key_at(leaf, stay - 1);
    const wg_slice right_first = position == stay ? key : key_at(leaf, stay);
    split s;
    WG_TRY(split_prepare(order, t, left_last, right_first, &s, err));
    wgi_order_node *right = s.spare[0];
    wgi_node_move(leaf, stay, right);
    wgi_node_insert(goes_left ? leaf : right, goes_left ? position : position - stay, entry);
    atomic_store_explicit(&right->prev, leaf, memory_order_relaxed);
    atomic_store_explicit(&right->next, next, memory_order_relaxed);
    if (next != NULL) {
        node_lock(next);
        atomic_store_explicit(&next->prev, right, memory_order_release);
        node_unlock(next, false);
    }
    atomic_store_explicit(&leaf->next, right, memory_order_release);
    split_raise(order, t, &s);
    return WG_OK;
}

/* ---- insert */

/* Under shape_lock. *out_taken: the entry is in the tree now. */
static wg_code insert_slow(wgi_order *order, const wgi_order_entry *entry, bool *out_taken, wg_error *err) {
    const wg_slice key = wgi_entry_key(entry);
    trail t;
    trail_find(order, key, &t);
    if (t.levels == 0) {
        wgi_order_node *leaf = wgi_node_create(order, 0);
        if (leaf == NULL) return wg_error_nomem(err, sizeof *leaf);
        wgi_node_insert(leaf, 0, entry);
        atomic_store_explicit(&order->root, leaf, memory_order_release);
        *out_taken = true;
        return WG_OK;
    }
    wgi_order_node *leaf = t.nodes[0];
    node_lock(leaf);
    uint32_t position;
    bool equal;
    const bool found = wgi_node_rank(leaf, locked_version(leaf), key, &position, &equal);
    WG_ASSERT(found);
    wg_code code = WG_OK;
    if (!equal && wgi_node_count(leaf) < WGI_NODE_KEYS) {
        wgi_node_insert(leaf, position, entry);
    } else if (!equal) {
        code = leaf_split(order, &t, position, entry, err);
    }
    *out_taken = code == WG_OK && !equal;
    node_unlock(leaf, false);
    return code;
}

/* False: it has to be done under shape_lock, or again. */
static bool insert_fast(wgi_order *order, const wgi_order_entry *entry, bool *out_taken, bool *out_full) {
    const wg_slice key = wgi_entry_key(entry);
    wgi_order_spot spot;
    *out_full = false;
    if (!descend(order, key, false, &spot)) return false;
    if (spot.leaf == NULL) {
        *out_full = true;
        return false;
    }
    uint32_t position;
    bool equal;
    if (!wgi_tree_rank(spot, key, &position, &equal)) return false;
    *out_taken = !equal;
    if (equal) return true;
    *out_full = wgi_node_count(spot.leaf) == WGI_NODE_KEYS;
    if (*out_full || !node_try_lock(spot.leaf, spot.version)) return false;
    wgi_node_insert(spot.leaf, position, entry);
    node_unlock(spot.leaf, false);
    return true;
}

wg_code wgi_tree_add(wgi_order *order, wg_slice key, uint64_t hash, wg_error *err) {
    WG_ASSERT(key.size <= WG_KEY_BYTES_MAX);
    void *block;
    WG_TRY(wgi_key_block_create(order, key, &block, err));
    wgi_order_entry entry;
    wgi_entry_set(&entry, key, hash, block);
    bool taken = false;
    bool full = false;
    bool done = insert_fast(order, &entry, &taken, &full);
    uint32_t rounds = 0;
    while (!done && !full) {
        wgi_wait(&rounds);
        done = insert_fast(order, &entry, &taken, &full);
    }
    wg_code code = WG_OK;
    if (!done) {
        wg_mutex_lock(&order->shape_lock);
        code = insert_slow(order, &entry, &taken, err);
        wg_mutex_unlock(&order->shape_lock);
    }
    if (taken) {
        atomic_fetch_add_explicit(&order->keys, 1, memory_order_relaxed);
    } else {
        wgi_key_block_free(order, block);
    }
    return code;
}

/* ---- remove */

/* The child at `index` goes out of an inner node that has others; its range falls to a neighbour. */
static void inner_remove(wgi_order *order, wgi_order_node *node, uint32_t index) {
    const uint32_t count = wgi_node_count(node);
    WG_ASSERT(count > 0);
    const uint32_t between = index == 0 ? 0 : index - 1;
    void *block = wgi_entry_block(wgi_node_entry(node, between));
    wgi_node_remove(node, between);
    for (uint32_t i = index; i < count; i++) {
        wgi_order_node *moved = atomic_load_explicit(&node->children[i + 1], memory_order_relaxed);
        atomic_store_explicit(&node->children[i], moved, memory_order_release);
    }
    wgi_key_block_retire(order, block);
}

/* Takes the trail's leaf, which is locked and empty, and the inner nodes that have nothing else, out of the tree. */
static void trail_cut(wgi_order *order, const trail *t) {
    uint32_t level = 1;
    while (level < t->levels && wgi_node_count(t->nodes[level]) == 0) level++;
    if (level == t->levels) {
        atomic_store_explicit(&order->root, NULL, memory_order_release);
    } else {
        node_lock(t->nodes[level]);
        inner_remove(order, t->nodes[level], t->index[level]);
        node_unlock(t->nodes[level], false);
    }
    for (uint32_t i = 1; i < level; i++) {
        node_lock(t->nodes[i]);
        node_unlock(t->nodes[i], true);
        wgi_node_retire(order, t->nodes[i]);
    }
}

/* Takes a leaf, locked, out of the chain. */
static void leaf_unchain(const wgi_order_node *leaf, const wgi_order_node *held) {
    wgi_order_node *prev = atomic_load_explicit(&leaf->prev, memory_order_relaxed);
    wgi_order_node *next = atomic_load_explicit(&leaf->next, memory_order_relaxed);
    if (prev != NULL) {
        if (prev != held) node_lock(prev);
        atomic_store_explicit(&prev->next, next, memory_order_release);
        if (prev != held) node_unlock(prev, false);
    }
    if (next != NULL) {
        node_lock(next);
        atomic_store_explicit(&next->prev, prev, memory_order_release);
        node_unlock(next, false);
    }
}

/* A root with one child is one level too many. */
static void root_lower(wgi_order *order) {
    wgi_order_node *root = atomic_load_explicit(&order->root, memory_order_relaxed);
    while (root != NULL && root->level != 0 && wgi_node_count(root) == 0) {
        wgi_order_node *child = atomic_load_explicit(&root->children[0], memory_order_relaxed);
        node_lock(root);
        atomic_store_explicit(&order->root, child, memory_order_release);
        node_unlock(root, true);
        wgi_node_retire(order, root);
        root = child;
    }
}

/* The leaf, locked, takes its right neighbour under the same parent in, if both have few keys. */
static void leaf_merge(wgi_order *order, const trail *t) {
    wgi_order_node *leaf = t->nodes[0];
    if (t->levels == 1 || t->index[1] >= wgi_node_count(t->nodes[1])) return;
    wgi_order_node *parent = t->nodes[1];
    wgi_order_node *right = atomic_load_explicit(&parent->children[t->index[1] + 1], memory_order_relaxed);
    node_lock(right);
    const bool fits = wgi_node_count(leaf) + wgi_node_count(right) <= MERGED_MAX;
    if (fits) {
        wgi_node_move(right, 0, leaf);
        leaf_unchain(right, leaf);
        node_lock(parent);
        inner_remove(order, parent, t->index[1] + 1);
        node_unlock(parent, false);
    }
    node_unlock(right, fits);
    if (fits) wgi_node_retire(order, right);
}

static void tidy(wgi_order *order, wg_slice key) {
    wg_mutex_lock(&order->shape_lock);
    trail t;
    trail_find(order, key, &t);
    if (t.levels != 0) {
        wgi_order_node *leaf = t.nodes[0];
        node_lock(leaf);
        const bool empty = wgi_node_count(leaf) == 0;
        if (empty) {
            leaf_unchain(leaf, NULL);
            trail_cut(order, &t);
        } else if (wgi_node_count(leaf) < FEW_KEYS) {
            leaf_merge(order, &t);
        }
        node_unlock(leaf, empty);
        if (empty) wgi_node_retire(order, leaf);
        root_lower(order);
    }
    wg_mutex_unlock(&order->shape_lock);
}

/* False: again. */
static bool remove_try(wgi_order *order, wg_slice key, bool *out_found, bool *out_few) {
    wgi_order_spot spot;
    if (!descend(order, key, false, &spot)) return false;
    *out_found = false;
    *out_few = false;
    if (spot.leaf == NULL) return true;
    uint32_t position;
    if (!wgi_tree_rank(spot, key, &position, out_found)) return false;
    if (!*out_found) return true;
    if (!node_try_lock(spot.leaf, spot.version)) return false;
    void *block = wgi_entry_block(wgi_node_entry(spot.leaf, position));
    wgi_node_remove(spot.leaf, position);
    *out_few = wgi_node_count(spot.leaf) < FEW_KEYS;
    node_unlock(spot.leaf, false);
    wgi_key_block_retire(order, block);
    return true;
}

bool wgi_tree_take(wgi_order *order, wg_slice key) {
    bool found = false;
    bool few = false;
    uint32_t rounds = 0;
    while (!remove_try(order, key, &found, &few)) wgi_wait(&rounds);
    if (!found) return false;
    atomic_fetch_sub_explicit(&order->keys, 1, memory_order_relaxed);
    if (few) tidy(order, key);
    return true;
}

/* ---- the whole tree */

void wgi_tree_init(wgi_order *order, wg_account *account, wg_epoch *epoch, wg_platform *platform) {
    memset(order, 0, sizeof *order);
    atomic_init(&order->root, NULL);
    atomic_init(&order->bytes, 0);
    atomic_init(&order->keys, 0);
    order->account = account;
    order->epoch = epoch;
    order->platform = platform;
    wg_mutex_init(&order->shape_lock, WGI_RANK_ORDER);
}

/* Takes the last leaf out of a tree that nobody uses, with all that is empty then. */
static void last_leaf_free(wgi_order *order, wgi_order_node *root) {
    wgi_order_node *nodes[WGI_ORDER_LEVELS];
    const uint32_t levels = (uint32_t)root->level + 1;
    nodes[levels - 1] = root;
    for (uint32_t level = levels - 1; level > 0; level--) {
        const uint32_t last = wgi_node_count(nodes[level]);
        nodes[level - 1] = atomic_load_explicit(&nodes[level]->children[last], memory_order_relaxed);
    }
    const uint32_t keys = wgi_node_count(nodes[0]);
    for (uint32_t i = 0; i < keys; i++) wgi_key_block_free(order, wgi_entry_block(wgi_node_entry(nodes[0], i)));
    atomic_fetch_sub_explicit(&order->keys, keys, memory_order_relaxed);
    wgi_node_free(order, nodes[0]);
    for (uint32_t level = 1; level < levels; level++) {
        const uint32_t count = wgi_node_count(nodes[level]);
        if (count != 0) {
            wgi_key_block_free(order, wgi_entry_block(wgi_node_entry(nodes[level], count - 1)));
            wgi_node_remove(nodes[level], count - 1);
            return;
        }
        wgi_node_free(order, nodes[level]);
    }
    atomic_store_explicit(&order->root, NULL, memory_order_relaxed);
}

bool wgi_order_drop_some(wgi_order *order, uint32_t max) {
    for (;;) {
        wgi_order_node *root = atomic_load_explicit(&order->root, memory_order_relaxed);
        if (root == NULL || max-- == 0) return root != NULL;
        last_leaf_free(order, root);
    }
}

void wgi_tree_deinit(wgi_order *order) {
    while (wgi_order_drop_some(order, UINT32_MAX)) {}
    wgi_slab_close(atomic_load_explicit(&order->leaf_slab, memory_order_relaxed));
    wg_mutex_deinit(&order->shape_lock);
    memset(order, 0, sizeof *order);
}

uint64_t wgi_order_bytes(const wgi_order *order) {
    return sizeof *order + atomic_load_explicit(&order->bytes, memory_order_relaxed);
}

/* ---- as the rest of the module calls it */

wg_code wgi_order_create(wg_state *state, wgi_order **out, wg_error *err) {
    wgi_order *order = wg_alloc(state->account, sizeof *order);
    if (order == NULL) return wg_error_nomem(err, sizeof *order);
    wgi_tree_init(order, state->account, state->epoch, state->options.platform);
    *out = order;
    return WG_OK;
}

void wgi_order_destroy(wgi_order *order) {
    if (order == NULL) return;
    wgi_tree_deinit(order);
    wg_free(order);
}

wg_code wgi_order_insert(wg_state_run *run, const wg_state_key *key, wg_error *err) {
    const uint32_t slot = wg_epoch_enter(run->state->epoch);
    const wg_code code = wgi_tree_add(run->order, key->bytes, key->hash, err);
    wg_epoch_leave(run->state->epoch, slot);
    return code;
}

void wgi_order_remove(wg_state_run *run, const wg_state_key *key) {
    const uint32_t slot = wg_epoch_enter(run->state->epoch);
    (void)wgi_tree_take(run->order, key->bytes);
    wg_epoch_leave(run->state->epoch, slot);
}

/* ---- check */

/* Every key of the subtree lies in [low, high) where these are given. Returns the number of keys. */
static uint64_t subtree_check(const wgi_order_node *node, const wg_slice *low, const wg_slice *high,
                              const wgi_order_node **last_leaf) {
    const uint32_t count = wgi_node_count(node);
    WG_ASSERT((uint32_t)__builtin_popcountll(node->used) == count);
    for (uint32_t i = 0; i < count; i++) {
        const wg_slice key = key_at(node, i);
        WG_ASSERT(low == NULL || wg_slice_compare(*low, key) <= 0);
        WG_ASSERT(high == NULL || wg_slice_compare(key, *high) < 0);
        WG_ASSERT(i == 0 || wg_slice_compare(key_at(node, i - 1), key) < 0);
        uint32_t position;
        bool equal;
        const uint64_t version = atomic_load_explicit(&node->version, memory_order_relaxed);
        const bool found = wgi_node_rank(node, version, key, &position, &equal);
        WG_ASSERT(found && equal);
        WG_ASSERT(position == i);
    }
    if (node->level == 0) {
        WG_ASSERT(atomic_load_explicit(&node->prev, memory_order_relaxed) == *last_leaf);
        if (*last_leaf != NULL) WG_ASSERT(atomic_load_explicit(&(*last_leaf)->next, memory_order_relaxed) == node);
        *last_leaf = node;
        return count;
    }
    uint64_t keys = 0;
    for (uint32_t i = 0; i <= count; i++) {
        const wgi_order_node *child = atomic_load_explicit(&node->children[i], memory_order_relaxed);
        WG_ASSERT(child->level + 1 == node->level);
        const wg_slice from = i == 0 ? wg_slice_of(NULL, 0) : key_at(node, i - 1);
        const wg_slice to = i == count ? wg_slice_of(NULL, 0) : key_at(node, i);
        keys += subtree_check(child, i == 0 ? low : &from, i == count ? high : &to, last_leaf);
    }
    return keys;
}

uint64_t wgi_tree_check(const wgi_order *order) {
    const wgi_order_node *root = atomic_load_explicit(&order->root, memory_order_acquire);
    const wgi_order_node *last_leaf = NULL;
    const uint64_t keys = root == NULL ? 0 : subtree_check(root, NULL, NULL, &last_leaf);
    WG_ASSERT(last_leaf == NULL || atomic_load_explicit(&last_leaf->next, memory_order_relaxed) == NULL);
    WG_ASSERT(keys == atomic_load_explicit(&order->keys, memory_order_relaxed));
    return keys;
}
