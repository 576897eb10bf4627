/* Building, searching and checking immutable adjacency.
 *
 * Build is a merge in O(entries + keys): the entries of the base, which are grouped by node, come first within each node, the
 * newer log edges after them in log order, so that edge ids ascend. Where the node ids are dense (their range is at most
 * four times the number of distinct ones, plus 1,024) it is a counting sort over an offset array, of a large log without a base by ranges
 * of nodes first; otherwise the log edges are sorted by node with a stable radix sort and merged with the sorted keys of the base.
 *
 *   one block: wgi_csr | keys u64 (not dense) | offsets (keys + 1) | edges | neighbours (u32; u64 when an id or the count needs it)
 *
 * Failure modes: WG_E_NOMEM, nothing changed. */
#include "worldgraph/topology/topology_internal.h"

enum { DENSE_FACTOR = 4, DENSE_EXTRA = 1024, RADIX_BITS = 8, RADIX = 1 << RADIX_BITS, PREFETCH_AHEAD = 16 };

typedef struct node_ref {
    uint64_t node;
    uint64_t at; /* log position */
} node_ref;

/* What one pass over the source tells. */
typedef struct source_extent {
    uint64_t entry_count;
    uint64_t node_min;
    uint64_t node_max;
    uint64_t id_max; /* of edges and neighbours */
} source_extent;

/* The writer's view of the arrays under construction. */
typedef struct csr_writer {
    wgi_csr *csr;
    uint64_t *keys;
    void *offsets;
    void *edges;
    void *neighbours;
} csr_writer;

static uint64_t log_node(const wgi_csr_source *s, uint64_t i) { return wgi_log_end_at(s->log, i, s->side); }
static uint64_t log_neighbour(const wgi_csr_source *s, uint64_t i) { return wgi_log_end_at(s->log, i, 1 - s->side); }

static source_extent extent_of(const wgi_csr_source *s) {
    source_extent e = {.node_min = UINT64_MAX};
    const wgi_csr *base = s->base;
    if (base != NULL && base->entry_count != 0) {
        e.entry_count = base->entry_count;
        e.node_min = wgi_csr_key(base, 0);
        e.node_max = wgi_csr_key(base, base->key_count - 1);
        if (base->wide) e.id_max = UINT64_MAX; /* it may be narrower after edges have left: not looked for */
    }
    for (uint64_t at = s->first; at < s->last;) {
        wgi_log_span span;
        const uint64_t count = wgi_log_span_at(s->log, at, s->last, &span);
        for (uint64_t i = 0; i < count; i++) {
            const uint64_t node = wgi_span_end(&span, s->side, i);
            e.node_min = wg_min_u64(e.node_min, node);
            e.node_max = wg_max_u64(e.node_max, node);
            e.id_max |= wgi_span_end(&span, 1 - s->side, i) | wgi_span_edge(&span, i);
        }
        at += count;
    }
    e.entry_count += s->last - s->first;
    return e;
}

/* Number of distinct nodes in a range that is small against the number of entries; 0 when out of memory. */
static uint64_t distinct_count(const wgi_csr_source *s, const source_extent *e, wg_account *account) {
    const size_t range = (size_t)(e->node_max - e->node_min) + 1;
    uint8_t *seen = wg_alloc_zero(account, wg_bit_bytes(range));
    if (seen == NULL) return 0;
    const wgi_csr *base = s->base;
    for (uint64_t k = 0; base != NULL && k < base->key_count; k++) {
        if (wgi_csr_offset(base, k + 1) != wgi_csr_offset(base, k))
            wg_bit_set(seen, wgi_csr_key(base, k) - e->node_min);
    }
    for (uint64_t at = s->first; at < s->last;) {
        wgi_log_span span;
        const uint64_t n = wgi_log_span_at(s->log, at, s->last, &span);
        for (uint64_t i = 0; i < n; i++) wg_bit_set(seen, wgi_span_end(&span, s->side, i) - e->node_min);
        at += n;
    }
    const uint64_t count = wg_bit_count(seen, range);
    wg_free(seen);
    return count;
}

static wg_code dense_decide(const wgi_csr_source *s, const source_extent *e, wg_account *account, bool *out_dense,
                            wg_error *err) {
    const uint64_t span = e->node_max - e->node_min;
    *out_dense = false;
    if (e->entry_count == 0) return WG_OK;
    if (span / DENSE_FACTOR > e->entry_count + DENSE_EXTRA / DENSE_FACTOR) return WG_OK;
    const uint64_t distinct = distinct_count(s, e, account);
    if (distinct == 0) return wg_error_nomem(err, (size_t)(span / 8));
    *out_dense = span < DENSE_FACTOR * distinct + DENSE_EXTRA;
    return WG_OK;
}

static bool writer_create(csr_writer *w, const source_extent *e, bool dense, uint64_t key_count,
                          wg_account *account) {
    const bool wide = e->id_max > UINT32_MAX || e->entry_count > UINT32_MAX;
    const size_t id_bytes = wide ? sizeof(uint64_t) : sizeof(uint32_t);
    const size_t head = wg_align_up(sizeof(wgi_csr), 64);
    size_t offsets_bytes;
    size_t entries_bytes;
    size_t bytes;
    if (!wg_mul_size(key_count + 1, id_bytes, &offsets_bytes)) return false;
    if (!wg_mul_size(e->entry_count, id_bytes, &entries_bytes)) return false;
    const size_t keys_bytes = dense ? 0 : key_count * sizeof(uint64_t);
    if (!wg_add_size(head + keys_bytes, offsets_bytes, &bytes) || !wg_add_size(bytes, 2 * entries_bytes, &bytes))
        return false;
    uint8_t *p = wg_alloc(account, bytes);
    if (p == NULL) return false;
    memset(p, 0, head + keys_bytes + offsets_bytes);
    w->csr = (wgi_csr *)(void *)p;
    w->keys = dense ? NULL : (uint64_t *)(void *)(p + head);
    w->offsets = p + head + keys_bytes;
    w->edges = p + head + keys_bytes + offsets_bytes;
    w->neighbours = p + head + keys_bytes + offsets_bytes + entries_bytes;
    *w->csr = (wgi_csr){.entry_count = e->entry_count,
                        .key_count = key_count,
                        .node_min = e->node_min,
                        .dense = dense,
                        .wide = wide,
                        .keys = w->keys,
                        .offsets = w->offsets,
                        .edges = w->edges,
                        .neighbours = w->neighbours};
    return true;
}

static void entry_put(const csr_writer *w, uint64_t at, uint64_t edge, uint64_t neighbour) {
    if (w->csr->wide) {
        ((uint64_t *)w->edges)[at] = edge;
        ((uint64_t *)w->neighbours)[at] = neighbour;
    } else {
        ((uint32_t *)w->edges)[at] = (uint32_t)edge;
        ((uint32_t *)w->neighbours)[at] = (uint32_t)neighbour;
    }
}

static void offset_set(const csr_writer *w, uint64_t k, uint64_t value) {
    if (w->csr->wide) ((uint64_t *)w->offsets)[k] = value;
    else ((uint32_t *)w->offsets)[k] = (uint32_t)value;
}

/* Raises an offset; returns what it was. */
static uint64_t offset_add(const csr_writer *w, uint64_t k, uint64_t more) {
    const uint64_t was = wgi_csr_offset(w->csr, k);
    offset_set(w, k, was + more);
    return was;
}

static void offset_fetch(const csr_writer *w, uint64_t k) {
    __builtin_prefetch((uint8_t *)w->offsets + k * (w->csr->wide ? sizeof(uint64_t) : sizeof(uint32_t)), 1);
}

static uint64_t base_put(const csr_writer *w, uint64_t at, const wgi_csr *base, uint64_t key) {
    const uint64_t end = wgi_csr_offset(base, key + 1);
    for (uint64_t i = wgi_csr_offset(base, key); i < end; i++)
        entry_put(w, at++, wgi_csr_edge(base, i), wgi_csr_neighbour(base, i));
    return at;
}

/* The scatter misses the cache at the cursor and at both places that it names; both are asked for ahead. */
static void fill_prefetch(const csr_writer *w, const wgi_log_span *span, uint32_t side, uint64_t i, uint64_t count) {
    const size_t id_bytes = w->csr->wide ? sizeof(uint64_t) : sizeof(uint32_t);
    if (i + 2 * PREFETCH_AHEAD >= count) return;
    offset_fetch(w, wgi_span_end(span, side, i + 2 * PREFETCH_AHEAD) - w->csr->node_min);
    const uint64_t at = wgi_csr_offset(w->csr, wgi_span_end(span, side, i + PREFETCH_AHEAD) - w->csr->node_min);
    __builtin_prefetch((uint8_t *)w->edges + at * id_bytes, 1);
    __builtin_prefetch((uint8_t *)w->neighbours + at * id_bytes, 1);
}

static void span_count(const csr_writer *w, const wgi_log_span *span, uint32_t side, uint64_t count) {
    const uint64_t min = w->csr->node_min;
    for (uint64_t i = 0; i < count; i++) {
        if (i + PREFETCH_AHEAD < count) offset_fetch(w, wgi_span_end(span, side, i + PREFETCH_AHEAD) - min);
        (void)offset_add(w, wgi_span_end(span, side, i) - min, 1);
    }
}

static void span_fill(const csr_writer *w, const wgi_log_span *span, uint32_t side, uint64_t count) {
    const uint64_t min = w->csr->node_min;
    for (uint64_t i = 0; i < count; i++) {
        fill_prefetch(w, span, side, i, count);
        const uint64_t at = offset_add(w, wgi_span_end(span, side, i) - min, 1);
        entry_put(w, at, wgi_span_edge(span, i), wgi_span_end(span, 1 - side, i));
    }
}

/* Every span of the log's part of the source. */
static void spans_do(const csr_writer *w, const wgi_csr_source *s,
                     void (*fn)(const csr_writer *w, const wgi_log_span *span, uint32_t side, uint64_t count)) {
    for (uint64_t at = s->first; at < s->last;) {
        wgi_log_span span;
        const uint64_t count = wgi_log_span_at(s->log, at, s->last, &span);
        fn(w, &span, s->side, count);
        at += count;
    }
}

/* Counting sort; offsets first hold counts, then starts, then (shifted by one) ends, and are shifted back. */
static void dense_fill(const csr_writer *w, const wgi_csr_source *s) {
    const uint64_t min = w->csr->node_min;
    const wgi_csr *base = s->base;
    const uint64_t base_keys = base == NULL ? 0 : base->key_count;
    for (uint64_t k = 0; k < base_keys; k++)
        (void)offset_add(w, wgi_csr_key(base, k) - min, wgi_csr_offset(base, k + 1) - wgi_csr_offset(base, k));
    spans_do(w, s, span_count);
    uint64_t total = 0;
    for (uint64_t k = 0; k <= w->csr->key_count; k++) {
        const uint64_t count = wgi_csr_offset(w->csr, k);
        offset_set(w, k, total);
        total += count;
    }
    WG_ASSERT(total == w->csr->entry_count);
    for (uint64_t k = 0; k < base_keys; k++) {
        const uint64_t cursor = wgi_csr_key(base, k) - min;
        offset_set(w, cursor, base_put(w, wgi_csr_offset(w->csr, cursor), base, k));
    }
    spans_do(w, s, span_fill);
    const size_t bytes = w->csr->wide ? sizeof(uint64_t) : sizeof(uint32_t);
    memmove((uint8_t *)w->offsets + bytes, w->offsets, w->csr->key_count * bytes);
    offset_set(w, 0, 0);
}

/* ---- large logs: dealt to ranges of nodes first, so that what the sort of each range touches fits a core's cache */

enum { DEAL_ENTRIES_MIN = 1 << 16, DEAL_RANGES_LOG2 = 9, DEAL_RANGE_LOG2_MIN = 13, DEAL_RANGE_LOG2_MAX = 16 };

typedef struct dealing {
    uint32_t *offsets;
    uint32_t *edges;
    uint32_t *neighbours;
    uint16_t *low; /* of each entry, the node's place in its range */
    uint32_t shift;
    uint32_t starts[(1 << DEAL_RANGES_LOG2) + 1];
    uint32_t *cursors;    /* [1 << shift] */
    uint32_t *scratch[2]; /* of the largest range */
} dealing;

static void deal_count(dealing *d, const wgi_log_span *span, uint32_t side, uint64_t count, uint64_t min) {
    for (uint64_t i = 0; i < count; i++) d->starts[((wgi_span_end(span, side, i) - min) >> d->shift) + 1]++;
}

static void deal_place(dealing *d, const wgi_log_span *span, uint32_t side, uint64_t count, uint64_t min) {
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t node = wgi_span_end(span, side, i) - min;
        const uint32_t at = d->starts[node >> d->shift]++;
        d->edges[at] = (uint32_t)wgi_span_edge(span, i);
        d->neighbours[at] = (uint32_t)wgi_span_end(span, 1 - side, i);
        d->low[at] = (uint16_t)(node & ((UINT64_C(1) << d->shift) - 1));
    }
}

/* Puts the entries [first, last) of one range, whose nodes begin with `node`, in the order of nodes. */
static void deal_sort(const dealing *d, uint64_t node, uint64_t node_count, uint32_t first, uint32_t last) {
    const uint32_t count = last - first;
    uint32_t total = first;
    memset(d->cursors, 0, (size_t)node_count * sizeof *d->cursors);
    for (uint32_t i = first; i < last; i++) d->cursors[d->low[i]]++;
    for (uint64_t k = 0; k < node_count; k++) {
        const uint32_t entries = d->cursors[k];
        d->cursors[k] = d->offsets[node + k] = total;
        total += entries;
    }
    WG_ASSERT(total == last);
    if (count == 0) return;
    memcpy(d->scratch[0], d->edges + first, count * sizeof(uint32_t));
    memcpy(d->scratch[1], d->neighbours + first, count * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = d->cursors[d->low[first + i]]++;
        d->edges[at] = d->scratch[0][i];
        d->neighbours[at] = d->scratch[1][i];
    }
}

static uint32_t deal_shift(uint64_t key_count) {
    uint32_t shift = DEAL_RANGE_LOG2_MIN;
    while ((key_count - 1) >> shift >= 1 << DEAL_RANGES_LOG2) shift++;
    return shift;
}

static bool deal_memory(dealing *d, uint64_t entries, uint32_t ranges, wg_account *account, void **out) {
    uint32_t most = 0;
    for (uint32_t r = 0; r < ranges; r++) {
        const uint32_t count = d->starts[r + 1] - d->starts[r];
        if (count > most) most = count;
    }
    const size_t words = ((size_t)1 << d->shift) + 2 * (size_t)most;
    uint8_t *block = wg_alloc(account, words * sizeof(uint32_t) + entries * sizeof(uint16_t));
    if (block == NULL) return false;
    d->cursors = (uint32_t *)(void *)block;
    d->scratch[0] = d->cursors + ((size_t)1 << d->shift);
    d->scratch[1] = d->scratch[0] + most;
    d->low = (uint16_t *)(void *)(d->scratch[1] + most);
    *out = block;
    return true;
}

/* False: nothing is done, the source is small, wide or has a base, or there is no memory to do it in. */
static bool deal_fill(const csr_writer *w, const wgi_csr_source *s, wg_account *account) {
    const uint64_t keys = w->csr->key_count, entries = w->csr->entry_count, min = w->csr->node_min;
    dealing d = {.offsets = w->offsets, .edges = w->edges, .neighbours = w->neighbours};
    wgi_log_span span;
    void *block;
    if (w->csr->wide || entries < DEAL_ENTRIES_MIN || (s->base != NULL && s->base->entry_count > 0)) return false;
    d.shift = deal_shift(keys);
    if (d.shift > DEAL_RANGE_LOG2_MAX) return false;
    const uint32_t ranges = (uint32_t)(((keys - 1) >> d.shift) + 1);
    for (uint64_t at = s->first, n; at < s->last; at += n) {
        n = wgi_log_span_at(s->log, at, s->last, &span);
        deal_count(&d, &span, s->side, n, min);
    }
    for (uint32_t r = 0; r < ranges; r++) d.starts[r + 1] += d.starts[r];
    if (!deal_memory(&d, entries, ranges, account, &block)) return false;
    for (uint64_t at = s->first, n; at < s->last; at += n) {
        n = wgi_log_span_at(s->log, at, s->last, &span);
        deal_place(&d, &span, s->side, n, min);
    }
    for (uint32_t r = 0; r < ranges; r++) { /* starts are ends by now */
        const uint64_t node = (uint64_t)r << d.shift;
        deal_sort(&d, node, wg_min_u64(UINT64_C(1) << d.shift, keys - node), r == 0 ? 0 : d.starts[r - 1],
                  d.starts[r]);
    }
    offset_set(w, keys, entries);
    wg_free(block);
    return true;
}

/* Stable radix sort by node of refs[0..count), with `spare` of the same size; returns where the result is. Bytes in which
 * all nodes agree cost one pass less. */
static node_ref *refs_sort(node_ref *refs, node_ref *spare, uint64_t count) {
    uint64_t any = 0;
    uint64_t all = UINT64_MAX;
    for (uint64_t i = 0; i < count; i++) {
        any |= refs[i].node;
        all &= refs[i].node;
    }
    for (uint32_t shift = 0; shift < 64; shift += RADIX_BITS) {
        if ((((any ^ all) >> shift) & (RADIX - 1)) == 0) continue;
        uint64_t starts[RADIX] = {0};
        for (uint64_t i = 0; i < count; i++) starts[(refs[i].node >> shift) & (RADIX - 1)]++;
        uint64_t total = 0;
        for (size_t b = 0; b < RADIX; b++) {
            const uint64_t n = starts[b];
            starts[b] = total;
            total += n;
        }
        for (uint64_t i = 0; i < count; i++) spare[starts[(refs[i].node >> shift) & (RADIX - 1)]++] = refs[i];
        node_ref *swap = refs;
        refs = spare;
        spare = swap;
    }
    return refs;
}

/* Walks base keys and sorted refs together; with a writer it fills it, without it counts the keys. */
static uint64_t sparse_merge(const csr_writer *w, const wgi_csr_source *s, const node_ref *refs, uint64_t ref_count) {
    const wgi_csr *base = s->base;
    const uint64_t base_keys = base == NULL ? 0 : base->key_count;
    uint64_t key_count = 0;
    uint64_t at = 0;
    uint64_t r = 0;
    for (uint64_t k = 0; k < base_keys || r < ref_count;) {
        if (k < base_keys && wgi_csr_offset(base, k) == wgi_csr_offset(base, k + 1)) { /* a hole in a dense base */
            k++;
            continue;
        }
        uint64_t node = r < ref_count ? refs[r].node : UINT64_MAX;
        if (k < base_keys) node = wg_min_u64(node, wgi_csr_key(base, k));
        const bool in_base = k < base_keys && wgi_csr_key(base, k) == node;
        if (w != NULL) {
            w->keys[key_count] = node;
            offset_set(w, key_count, at);
            if (in_base) at = base_put(w, at, base, k);
        }
        if (in_base) k++;
        for (; r < ref_count && refs[r].node == node; r++) {
            if (w != NULL) entry_put(w, at++, wgi_log_edge_at(s->log, refs[r].at), log_neighbour(s, refs[r].at));
        }
        key_count++;
    }
    if (w != NULL) offset_set(w, key_count, at);
    return key_count;
}

static wg_code sparse_build(const wgi_csr_source *s, const source_extent *e, wg_account *account, wgi_csr **out,
                            wg_error *err) {
    const uint64_t count = s->last - s->first;
    size_t bytes;
    node_ref *refs = NULL;
    if (wg_mul_size(count, 2 * sizeof *refs, &bytes)) refs = wg_alloc(account, bytes);
    if (refs == NULL) return wg_error_nomem(err, (size_t)count);
    for (uint64_t i = 0; i < count; i++) refs[i] = (node_ref){log_node(s, s->first + i), s->first + i};
    const node_ref *sorted = refs_sort(refs, refs + count, count);
    csr_writer w;
    const bool ok = writer_create(&w, e, false, sparse_merge(NULL, s, sorted, count), account);
    if (ok) {
        (void)sparse_merge(&w, s, sorted, count);
        *out = w.csr;
    }
    wg_free(refs);
    return ok ? WG_OK : wg_error_nomem(err, (size_t)e->entry_count);
}

wg_code wgi_csr_build(const wgi_csr_source *source, wg_account *account, wgi_csr **out, wg_error *err) {
    const source_extent extent = extent_of(source);
    bool dense;
    WG_TRY(dense_decide(source, &extent, account, &dense, err));
    if (!dense) return sparse_build(source, &extent, account, out, err);
    csr_writer w;
    if (!writer_create(&w, &extent, true, extent.node_max - extent.node_min + 1, account))
        return wg_error_nomem(err, (size_t)extent.entry_count);
    if (!deal_fill(&w, source, account)) dense_fill(&w, source);
    *out = w.csr;
    return WG_OK;
}

/* ---- leaving out */

wg_code wgi_csr_retain(const wgi_csr *csr, uint64_t floor, wg_account *account, wgi_csr **out, wg_error *err) {
    source_extent extent = {.node_min = csr->node_min, .id_max = csr->wide ? UINT64_MAX : 0};
    for (uint64_t i = 0; i < csr->entry_count; i++) extent.entry_count += wgi_csr_edge(csr, i) >= floor;
    if (extent.entry_count == 0) {
        *out = NULL;
        return WG_OK;
    }
    csr_writer w;
    if (!writer_create(&w, &extent, csr->dense, csr->key_count, account))
        return wg_error_nomem(err, (size_t)extent.entry_count);
    uint64_t at = 0;
    for (uint64_t k = 0; k < csr->key_count; k++) { /* keys without entries stay: the build passes over them */
        if (!csr->dense) w.keys[k] = csr->keys[k];
        offset_set(&w, k, at);
        for (uint64_t i = wgi_csr_offset(csr, k), end = wgi_csr_offset(csr, k + 1); i < end; i++) {
            if (wgi_csr_edge(csr, i) < floor) continue;
            entry_put(&w, at++, wgi_csr_edge(csr, i), wgi_csr_neighbour(csr, i));
        }
    }
    offset_set(&w, csr->key_count, at);
    WG_ASSERT(at == extent.entry_count);
    *out = w.csr;
    return WG_OK;
}

/* ---- reading */

static uint64_t key_search(const wgi_csr *csr, uint64_t node) {
    uint64_t low = 0;
    uint64_t high = csr->key_count;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (csr->keys[middle] < node) low = middle + 1;
        else high = middle;
    }
    return low < csr->key_count && csr->keys[low] == node ? low : UINT64_MAX;
}

uint64_t wgi_csr_find(const wgi_csr *csr, uint64_t node, uint64_t *out_first) {
    const uint64_t k = csr->dense ? node - csr->node_min : key_search(csr, node);
    if (k >= csr->key_count) return 0; /* also a node below node_min, which wraps */
    *out_first = wgi_csr_offset(csr, k);
    return wgi_csr_offset(csr, k + 1) - *out_first;
}

uint64_t wgi_csr_below(const wgi_csr *csr, uint64_t first, uint64_t count, uint64_t end) {
    if (count == 0 || wgi_csr_edge(csr, first + count - 1) < end) return count;
    uint64_t low = first;
    uint64_t high = first + count - 1;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (wgi_csr_edge(csr, middle) < end) low = middle + 1;
        else high = middle;
    }
    return low - first;
}

void wgi_reading_csr(wgi_reading *reading, const wgi_csr *csr) {
    uint64_t first = 0;
    uint64_t count = wgi_csr_find(csr, reading->node, &first);
    if (reading->from_edge != 0) {
        const uint64_t below = wgi_csr_below(csr, first, count, reading->from_edge);
        first += below;
        count -= below;
    }
    if (reading->edges != NULL) {
        count = wg_min_u64(count, reading->count_max - reading->count);
        uint64_t *edges = reading->edges + reading->count;
        uint64_t *neighbours = reading->neighbours + reading->count;
        if (csr->wide) {
            memcpy(edges, (const uint64_t *)csr->edges + first, count * sizeof(uint64_t));
            memcpy(neighbours, (const uint64_t *)csr->neighbours + first, count * sizeof(uint64_t));
        } else {
            const uint32_t *from_edges = (const uint32_t *)csr->edges + first;
            const uint32_t *from_neighbours = (const uint32_t *)csr->neighbours + first;
            for (uint64_t i = 0; i < count; i++) {
                edges[i] = from_edges[i];
                neighbours[i] = from_neighbours[i];
            }
        }
    }
    reading->count += count;
}

/* ---- checking */

static wg_code side_check(const wgi_csr *csr, const char *name, wg_error *err) {
    if (wgi_csr_offset(csr, 0) != 0 || wgi_csr_offset(csr, csr->key_count) != csr->entry_count)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "topology %s: offsets do not cover the entries", name);
    for (uint64_t k = 0; k < csr->key_count; k++) {
        if (!csr->dense && k > 0 && csr->keys[k - 1] >= csr->keys[k])
            return wg_error_set(err, WG_E_CORRUPT, k, "topology %s: node keys are not ascending", name);
        const uint64_t begin = wgi_csr_offset(csr, k), end = wgi_csr_offset(csr, k + 1);
        if (begin > end) return wg_error_set(err, WG_E_CORRUPT, k, "topology %s: offsets are not ascending", name);
        for (uint64_t i = begin + 1; i < end; i++) {
            if (wgi_csr_edge(csr, i - 1) >= wgi_csr_edge(csr, i))
                return wg_error_set(err, WG_E_CORRUPT, i, "topology %s: edges of a node are not ascending", name);
        }
    }
    return WG_OK;
}

/* True when the node has that edge to that neighbour. */
static bool csr_has(const wgi_csr *csr, uint64_t node, uint64_t edge, uint64_t neighbour) {
    uint64_t first = 0;
    uint64_t count = wgi_csr_find(csr, node, &first);
    while (count > 0) {
        const uint64_t half = count / 2;
        const uint64_t there = wgi_csr_edge(csr, first + half);
        if (there == edge) return wgi_csr_neighbour(csr, first + half) == neighbour;
        if (there < edge) first += half + 1;
        count = there < edge ? count - half - 1 : half;
    }
    return false;
}

wg_code wgi_csr_check_pair(const wgi_csr *out_side, const wgi_csr *in_side, wg_error *err) {
    WG_TRY(side_check(out_side, "OUT", err));
    WG_TRY(side_check(in_side, "IN", err));
    if (out_side->entry_count != in_side->entry_count)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "topology: %llu entries OUT, %llu IN",
                            (unsigned long long)out_side->entry_count, (unsigned long long)in_side->entry_count);
    for (uint64_t k = 0; k < out_side->key_count; k++) {
        const uint64_t node = wgi_csr_key(out_side, k);
        for (uint64_t i = wgi_csr_offset(out_side, k); i < wgi_csr_offset(out_side, k + 1); i++) {
            const uint64_t edge = wgi_csr_edge(out_side, i);
            if (!csr_has(in_side, wgi_csr_neighbour(out_side, i), edge, node))
                return wg_error_set(err, WG_E_CORRUPT, edge, "topology: edge %llu is OUT but not IN",
                                    (unsigned long long)edge);
        }
    }
    return WG_OK;
}
