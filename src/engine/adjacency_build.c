/* Building adjacency: from the rows of an edge table to compressed sparse rows.
 *
 *   count   the visible rows of each fragment, so that each has its place in the list
 *   read    end points and ids of the visible rows into three columns of 32 bits
 *   cut     the columns into at most 64 chunks of equal length, the nodes into at most 1,024 buckets of equal range;
 *           each chunk counts its edges by bucket, sums over (bucket, chunk) say where each chunk writes in each bucket
 *   split   each chunk moves its edges to their buckets; within a bucket they keep the order of the list
 *   fill    each bucket counts and places its own edges: what it touches fits a core's cache
 *
 * Two moves of each edge, both nearly sequential, instead of one that misses the cache at every edge. Chunks and buckets depend on
 * the data alone, so every number of workers makes the same bytes.
 *
 * Failure modes: WG_E_NOMEM; what reading stored rows may give. */
#include "engine/adjacency_internal.h"

enum {
    CHUNK_EDGES_MIN = 1 << 16,
    CHUNKS_MAX = 64,
    BUCKETS_LOG2_MAX = 10,
    BUCKET_NODES_LOG2 = 12, /* while the number of buckets allows it */
    ORDER_NODES = 4096
};

/* ---- reading */

typedef struct edge_reading {
    const wg_table *rows;
    wg_view view;
    uint64_t row_count;
    wg_account *account;
    wgi_edge_counts *counts;
    wgi_edge_list *list;
    wg_table_scratch **scratches; /* one a worker, made when it begins */
    uint32_t workers;
    struct fragment_facts *facts;
} edge_reading;

/* What one fragment's edges are like. */
typedef struct fragment_facts {
    uint32_t end_min[2];
    uint32_t end_max[2];
    uint32_t edge_first;
    uint32_t edge_last;
    bool fits;
    bool ascending;
} fragment_facts;

static wg_code reading_begin(edge_reading *r, wg_error *err) {
    r->row_count = wg_table_row_count(r->rows);
    r->scratches = wg_alloc_zero(r->account, r->workers * sizeof(wg_table_scratch *));
    return r->scratches == NULL ? wg_error_nomem(err, r->workers * sizeof(wg_table_scratch *)) : WG_OK;
}

static void reading_end(edge_reading *r) {
    for (uint32_t w = 0; r->scratches != NULL && w < r->workers; w++) wg_table_scratch_destroy(r->scratches[w]);
    wg_free(r->scratches);
}

static wg_code scratch_of(edge_reading *r, uint32_t worker, wg_table_scratch **out, wg_error *err) {
    if (r->scratches[worker] == NULL) WG_TRY(wg_table_scratch_create(2, r->account, &r->scratches[worker], err));
    *out = r->scratches[worker];
    return WG_OK;
}

static wg_code count_fragment(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    edge_reading *r = arg;
    wg_table_scratch *scratch = NULL;
    WG_TRY(scratch_of(r, worker, &scratch, err));
    for (uint64_t f = first; f < last; f++) {
        const uint64_t end = wg_min_u64((f + 1) * WG_FRAGMENT_ROWS, r->row_count);
        uint64_t count = 0;
        uint32_t rows = 1;
        for (uint64_t row = f * WG_FRAGMENT_ROWS; row < end && rows > 0; row += rows) {
            wg_vector vectors[1];
            wg_batch batch;
            const uint32_t most = (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, end - row);
            WG_TRY(wg_table_read(r->rows, r->view, row, most, NULL, NULL, 0, scratch, vectors, &batch, &rows, err));
            count += batch.row_count;
        }
        r->counts->before[f + 1] = count;
    }
    return WG_OK;
}

wg_code wgi_edges_count(const wg_table *rows, wg_view view, const wgi_builders *by, wg_account *account,
                        wgi_edge_counts *out, wg_error *err) {
    edge_reading r = {.rows = rows, .view = view, .account = account, .counts = out, .workers = by->workers};
    wg_code code = reading_begin(&r, err);
    const uint64_t fragments = (r.row_count + WG_FRAGMENT_ROWS - 1) / WG_FRAGMENT_ROWS;
    *out = (wgi_edge_counts){.fragment_count = fragments, .row_count = r.row_count};
    if (code == WG_OK) {
        out->before = wg_alloc_zero(account, (fragments + 1) * sizeof(uint64_t));
        if (out->before == NULL) code = wg_error_nomem(err, (fragments + 1) * sizeof(uint64_t));
    }
    const wg_pool_range range = {fragments, 8, by->workers, count_fragment, &r};
    if (code == WG_OK) code = wg_pool_for(by->pool, &range, err);
    reading_end(&r);
    if (code != WG_OK) {
        wg_free(out->before);
        return code;
    }
    for (uint64_t f = 0; f < fragments; f++) out->before[f + 1] += out->before[f];
    return WG_OK;
}

/* One batch behind `at`; facts are joined. */
static void batch_take(const wg_batch *batch, const wgi_edge_list *list, uint64_t at, fragment_facts *facts) {
    const uint64_t *ids = batch->columns[0].data;
    uint64_t any = 0;
    uint32_t last = facts->edge_last;
    bool ascending = facts->ascending;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint64_t id = ids[wg_batch_row(batch, i)];
        any |= id;
        ascending &= (uint32_t)id >= last;
        last = (uint32_t)id;
        list->edges[at + i] = last;
    }
    for (uint32_t side = 0; side < 2; side++) {
        const uint64_t *ends = batch->columns[side + 1].data;
        uint32_t *to = list->ends[side] + at;
        uint32_t min = facts->end_min[side];
        uint32_t max = facts->end_max[side];
        for (uint32_t i = 0; i < batch->row_count; i++) {
            const uint64_t end = ends[wg_batch_row(batch, i)];
            any |= end;
            to[i] = (uint32_t)end;
            min = (uint32_t)end < min ? (uint32_t)end : min;
            max = (uint32_t)end > max ? (uint32_t)end : max;
        }
        facts->end_min[side] = min;
        facts->end_max[side] = max;
    }
    facts->edge_last = last;
    facts->ascending = ascending;
    facts->fits &= any <= UINT32_MAX;
}

static wg_code read_fragment(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    static const uint32_t columns[] = {WG_TABLE_FROM, WG_TABLE_TO};
    static const wg_type types[] = {WG_TYPE_NODE, WG_TYPE_NODE};
    edge_reading *r = arg;
    wg_table_scratch *scratch = NULL;
    WG_TRY(scratch_of(r, worker, &scratch, err));
    for (uint64_t f = first; f < last; f++) {
        const uint64_t end = wg_min_u64((f + 1) * WG_FRAGMENT_ROWS, r->row_count);
        fragment_facts facts = {.end_min = {UINT32_MAX, UINT32_MAX}, .fits = true, .ascending = true};
        uint64_t at = r->counts->before[f];
        uint32_t rows = 1;
        for (uint64_t row = f * WG_FRAGMENT_ROWS; row < end && rows > 0; row += rows) {
            wg_vector vectors[3];
            wg_batch batch;
            const uint32_t most = (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, end - row);
            WG_TRY(
                wg_table_read(r->rows, r->view, row, most, columns, types, 2, scratch, vectors, &batch, &rows, err));
            if (batch.row_count == 0) continue;
            if (at + batch.row_count > r->counts->before[f + 1])
                return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "edges: fragment %llu changed while it was read",
                                    (unsigned long long)f);
            batch_take(&batch, r->list, at, &facts);
            if (at == r->counts->before[f]) facts.edge_first = r->list->edges[at];
            at += batch.row_count;
        }
        if (at != r->counts->before[f + 1])
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "edges: fragment %llu changed while it was read",
                                (unsigned long long)f);
        r->facts[f] = facts;
        wg_table_cool(r->rows, f * WG_FRAGMENT_ROWS, columns, 2); /* the arrays have it now */
    }
    return WG_OK;
}

static void facts_join(const wgi_edge_counts *counts, const fragment_facts *facts, wgi_edge_list *out) {
    uint32_t last = 0;
    out->fits = true;
    out->ascending = true;
    for (uint32_t side = 0; side < 2; side++) out->end_min[side] = UINT32_MAX;
    for (uint64_t f = 0; f < counts->fragment_count; f++) {
        if (counts->before[f] == counts->before[f + 1]) continue;
        out->fits &= facts[f].fits;
        out->ascending &= facts[f].ascending && facts[f].edge_first >= last;
        last = facts[f].edge_last;
        for (uint32_t side = 0; side < 2; side++) {
            if (facts[f].end_min[side] < out->end_min[side]) out->end_min[side] = facts[f].end_min[side];
            if (facts[f].end_max[side] > out->end_max[side]) out->end_max[side] = facts[f].end_max[side];
        }
    }
}

wg_code wgi_edges_read(const wg_table *rows, wg_view view, const wgi_edge_counts *counts, const wgi_builders *by,
                       wg_account *account, wgi_edge_list *out, wg_error *err) {
    wgi_edge_counts own = *counts;
    wgi_edge_list list = {.count = counts->before[counts->fragment_count]};
    edge_reading r = {
        .rows = rows, .view = view, .account = account, .counts = &own, .list = &list, .workers = by->workers};
    size_t bytes = 0;
    wg_code code = reading_begin(&r, err);
    if (code != WG_OK) return code;
    r.row_count = counts->row_count; /* rows that came since are not visible */
    if (wg_mul_size(list.count + 1, 3 * sizeof(uint32_t), &bytes)) list.block = wg_alloc(account, bytes);
    r.facts = wg_alloc_zero(account, (counts->fragment_count + 1) * sizeof *r.facts);
    if (list.block == NULL || r.facts == NULL) {
        code = wg_error_nomem(err, bytes);
    } else {
        list.ends[0] = list.block;
        list.ends[1] = list.ends[0] + list.count;
        list.edges = list.ends[1] + list.count;
        const wg_pool_range range = {counts->fragment_count, 1, by->workers, read_fragment, &r};
        code = wg_pool_for(by->pool, &range, err);
    }
    reading_end(&r);
    if (code == WG_OK) {
        facts_join(counts, r.facts, &list);
        *out = list;
    } else {
        wg_free(list.block);
    }
    wg_free(r.facts);
    return code;
}

/* ---- sorting */

typedef struct placed_edge {
    uint32_t node; /* counted from node_min */
    uint32_t neighbour;
    uint32_t edge;
} placed_edge;

/* Of columns without `edges`: less to move. */
typedef struct placed_pair {
    uint32_t node;
    uint32_t neighbour;
} placed_pair;

typedef struct side_build {
    const wg_edge_columns *columns;
    uint64_t chunk_edges;
    uint32_t chunk_count;
    uint32_t bucket_count;
    uint32_t shift;      /* bucket = node >> shift */
    uint64_t *starts;    /* [chunk][bucket]: counts, then places; one chunk more holds where the buckets end */
    placed_edge *placed; /* by bucket; NULL without `edges` */
    placed_pair *pairs;
    uint64_t *cursors;    /* [worker][1 << shift] */
    uint64_t *degree_max; /* by bucket */
    bool offsets_known;
    uint32_t *offsets;
    uint32_t *neighbours;
    uint32_t *edges;
    uint64_t node_count;
} side_build;

static wg_code count_chunk(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    side_build *b = arg;
    (void)worker;
    (void)err;
    for (uint64_t c = first; c < last; c++) {
        uint64_t *counts = b->starts + c * b->bucket_count;
        const uint64_t end = wg_min_u64((c + 1) * b->chunk_edges, b->columns->count);
        const uint32_t min = b->columns->node_min;
        const uint32_t *nodes = b->columns->nodes;
        for (uint64_t i = c * b->chunk_edges; i < end; i++) counts[(nodes[i] - min) >> b->shift]++;
    }
    return WG_OK;
}

static void sum_starts(side_build *b) {
    uint64_t total = 0;
    for (uint32_t bucket = 0; bucket < b->bucket_count; bucket++) {
        for (uint32_t c = 0; c < b->chunk_count; c++) {
            uint64_t *at = &b->starts[(uint64_t)c * b->bucket_count + bucket];
            const uint64_t count = *at;
            *at = total;
            total += count;
        }
        b->starts[(uint64_t)b->chunk_count * b->bucket_count + bucket] = total;
    }
}

static wg_code split_chunk(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    side_build *b = arg;
    (void)worker;
    (void)err;
    const wg_edge_columns *columns = b->columns;
    for (uint64_t c = first; c < last; c++) {
        uint64_t *places = b->starts + c * b->bucket_count;
        const uint64_t end = wg_min_u64((c + 1) * b->chunk_edges, columns->count);
        for (uint64_t i = c * b->chunk_edges; i < end && b->placed == NULL; i++) {
            const uint32_t node = columns->nodes[i] - columns->node_min;
            b->pairs[places[node >> b->shift]++] = (placed_pair){node, columns->neighbours[i]};
        }
        if (b->placed == NULL) continue;
        for (uint64_t i = c * b->chunk_edges; i < end; i++) {
            const uint32_t node = columns->nodes[i] - columns->node_min;
            b->placed[places[node >> b->shift]++] = (placed_edge){node, columns->neighbours[i], columns->edges[i]};
        }
    }
    return WG_OK;
}

static void bucket_offsets(const side_build *b, uint32_t bucket, uint64_t first, uint64_t last, uint64_t *cursors) {
    const uint64_t node_first = (uint64_t)bucket << b->shift;
    const uint64_t nodes = wg_min_u64(UINT64_C(1) << b->shift, b->node_count - node_first);
    if (b->offsets_known) {
        for (uint64_t k = 0; k < nodes; k++) cursors[k] = b->offsets[node_first + k];
        return;
    }
    memset(cursors, 0, nodes * sizeof *cursors);
    for (uint64_t i = first; i < last; i++)
        cursors[(b->placed != NULL ? b->placed[i].node : b->pairs[i].node) - node_first]++;
    uint64_t total = first;
    uint64_t max = 0;
    for (uint64_t k = 0; k < nodes; k++) {
        const uint64_t count = cursors[k];
        max = wg_max_u64(max, count);
        cursors[k] = total;
        b->offsets[node_first + k] = (uint32_t)total;
        total += count;
    }
    b->degree_max[bucket] = max;
}

static wg_code fill_bucket(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    side_build *b = arg;
    (void)err;
    uint64_t *cursors = b->cursors + ((uint64_t)worker << b->shift);
    const uint64_t *ends = b->starts + (uint64_t)b->chunk_count * b->bucket_count;
    for (uint64_t bucket = first; bucket < last; bucket++) {
        const uint64_t begin = bucket == 0 ? 0 : ends[bucket - 1];
        const uint64_t node_first = bucket << b->shift;
        bucket_offsets(b, (uint32_t)bucket, begin, ends[bucket], cursors);
        for (uint64_t i = begin; i < ends[bucket] && b->placed == NULL; i++)
            b->neighbours[cursors[b->pairs[i].node - node_first]++] = b->pairs[i].neighbour;
        if (b->placed == NULL) continue;
        for (uint64_t i = begin; i < ends[bucket]; i++) {
            const placed_edge *e = &b->placed[i];
            const uint64_t at = cursors[e->node - node_first]++;
            b->neighbours[at] = e->neighbour;
            b->edges[at] = e->edge;
        }
    }
    return WG_OK;
}

static wg_code run_steps(side_build *b, const wgi_builders *by, wg_error *err) {
    const wg_pool_range counting = {b->chunk_count, 1, by->workers, count_chunk, b};
    const wg_pool_range splitting = {b->chunk_count, 1, by->workers, split_chunk, b};
    const wg_pool_range filling = {b->bucket_count, 1, by->workers, fill_bucket, b};
    WG_TRY(wg_pool_for(by->pool, &counting, err));
    sum_starts(b);
    WG_TRY(wg_pool_for(by->pool, &splitting, err));
    return wg_pool_for(by->pool, &filling, err);
}

static uint32_t log2_up(uint64_t n) {
    uint32_t bits = 0;
    while (bits < 63 && (UINT64_C(1) << bits) < n) bits++;
    return bits;
}

static void cut(side_build *b) {
    const uint32_t bits = log2_up(b->node_count);
    uint32_t bucket_bits = bits > BUCKET_NODES_LOG2 ? bits - BUCKET_NODES_LOG2 : 0;
    if (bucket_bits > BUCKETS_LOG2_MAX) bucket_bits = BUCKETS_LOG2_MAX;
    b->shift = bits - bucket_bits;
    b->bucket_count = (uint32_t)(((b->node_count - 1) >> b->shift) + 1);
    const uint64_t count = b->columns->count;
    b->chunk_edges = wg_max_u64(CHUNK_EDGES_MIN, (count + CHUNKS_MAX - 1) / CHUNKS_MAX);
    b->chunk_count = (uint32_t)((count + b->chunk_edges - 1) / b->chunk_edges);
}

uint64_t wgi_side_bytes(uint64_t span, uint64_t count, bool has_edges) {
    return (span + 1) * 4 + count * (has_edges ? 8 : 4);
}

static wg_code buffers_make(side_build *b, uint32_t workers, wg_account *account, wg_error *err) {
    b->starts = wg_alloc_zero(account, ((uint64_t)b->chunk_count + 1) * b->bucket_count * sizeof *b->starts);
    b->cursors = wg_alloc(account, ((uint64_t)workers << b->shift) * sizeof *b->cursors);
    b->degree_max = wg_alloc_zero(account, b->bucket_count * sizeof *b->degree_max);
    if (b->starts == NULL || b->cursors == NULL || b->degree_max == NULL)
        return wg_error_nomem(err, (size_t)(b->node_count * sizeof(uint64_t)));
    return WG_OK;
}

static wg_adjacency_side side_of(const side_build *b, const wg_adjacency_side *like) {
    uint64_t max = like != NULL ? like->degree_max : 0;
    for (uint32_t i = 0; i < b->bucket_count; i++) max = wg_max_u64(max, b->degree_max[i]);
    return (wg_adjacency_side){.node_min = b->columns->node_min,
                               .node_count = b->node_count,
                               .offsets = b->offsets,
                               .neighbours = b->neighbours,
                               .edges = b->edges,
                               .entry_count = b->columns->count,
                               .degree_max = max};
}

wg_code wgi_columns_sort(const wg_edge_columns *columns, const wg_adjacency_side *like, const wg_builders *by,
                         wgi_sort_memory *memory, wg_adjacency_side *out, void **out_block, wg_error *err) {
    static const uint32_t none[1] = {0};
    if (columns->count == 0 && columns->node_max < columns->node_min) {
        *out = (wg_adjacency_side){.offsets = none};
        *out_block = NULL;
        return WG_OK;
    }
    side_build b = {.columns = columns, .node_count = (uint64_t)columns->node_max - columns->node_min + 1};
    if (like != NULL) WG_ASSERT(like->node_min == columns->node_min && like->node_count == b.node_count);
    cut(&b);
    const uint64_t offset_bytes = like != NULL ? 0 : (b.node_count + 1) * sizeof(uint32_t);
    const uint64_t entry_bytes = columns->edges == NULL ? sizeof(uint32_t) : 2 * sizeof(uint32_t);
    uint8_t *block = wg_alloc(memory->account, offset_bytes + columns->count * entry_bytes + 4);
    wg_code code = block == NULL ? wg_error_nomem(err, columns->count * 8) : WG_OK;
    const uint64_t placed_bytes =
        columns->count * (columns->edges == NULL ? sizeof(placed_pair) : sizeof(placed_edge));
    if (code == WG_OK && memory->bytes < placed_bytes) {
        wg_free(memory->placed);
        memory->placed = wg_alloc(memory->account, placed_bytes);
        memory->bytes = memory->placed == NULL ? 0 : placed_bytes;
        if (memory->placed == NULL) code = wg_error_nomem(err, placed_bytes);
    }
    if (code == WG_OK) code = buffers_make(&b, by->workers, memory->account, err);
    if (code == WG_OK) {
        b.placed = columns->edges == NULL ? NULL : memory->placed;
        b.pairs = memory->placed;
        b.offsets_known = like != NULL;
        b.offsets = like != NULL ? (uint32_t *)(uintptr_t)like->offsets : (uint32_t *)(void *)block;
        b.neighbours = (uint32_t *)(void *)(block + offset_bytes);
        b.edges = columns->edges == NULL ? NULL : b.neighbours + columns->count;
        if (like == NULL) b.offsets[b.node_count] = (uint32_t)columns->count;
        code = run_steps(&b, by, err);
    }
    if (code == WG_OK) {
        *out = side_of(&b, like);
        *out_block = block;
    } else {
        wg_free(block);
    }
    wg_free(b.starts);
    wg_free(b.cursors);
    wg_free(b.degree_max);
    return code;
}

wg_code wg_edge_columns_sort(const wg_edge_columns *columns, const wg_adjacency_side *like, const wg_builders *by,
                             wg_account *account, wg_adjacency_side *out, void **out_block, wg_error *err) {
    wgi_sort_memory memory = {.account = account};
    const wg_code code = wgi_columns_sort(columns, like, by, &memory, out, out_block, err);
    wg_free(memory.placed);
    return code;
}

/* ---- order within a node */

typedef struct entries {
    uint32_t *edges;
    uint32_t *neighbours; /* NULL: edges alone */
} entries;

static void swap_entries(const entries *e, uint64_t a, uint64_t b) {
    const uint32_t edge = e->edges[a];
    e->edges[a] = e->edges[b];
    e->edges[b] = edge;
    if (e->neighbours == NULL) return;
    const uint32_t neighbour = e->neighbours[a];
    e->neighbours[a] = e->neighbours[b];
    e->neighbours[b] = neighbour;
}

static void sift_down(const entries *e, uint64_t from, uint64_t count) {
    for (uint64_t i = from, child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && e->edges[child] < e->edges[child + 1]) child++;
        if (e->edges[i] >= e->edges[child]) return;
        swap_entries(e, i, child);
    }
}

/* Heap sort: in place, no worst case. Nodes whose edges were never changed come in order already. */
static void order_entries(const entries *e, uint64_t count) {
    uint64_t i = 1;
    while (i < count && e->edges[i - 1] < e->edges[i]) i++;
    if (i >= count) return;
    for (uint64_t build = count / 2; build > 0; build--) sift_down(e, build - 1, count);
    for (uint64_t end = count; end > 1; end--) {
        swap_entries(e, 0, end - 1);
        sift_down(e, 0, end - 1);
    }
}

static wg_code order_nodes(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const wg_adjacency_side *side = arg;
    (void)worker;
    (void)err;
    for (uint64_t k = first; k < last; k++) {
        const uint64_t at = side->offsets[k];
        uint32_t *neighbours = side->neighbours == NULL ? NULL : (uint32_t *)(uintptr_t)side->neighbours + at;
        const entries e = {(uint32_t *)(uintptr_t)side->edges + at, neighbours};
        order_entries(&e, side->offsets[k + 1] - at);
    }
    return WG_OK;
}

wg_code wgi_side_order(const wg_adjacency_side *side, const wgi_builders *by, wg_error *err) {
    wg_adjacency_side copy = *side;
    const wg_pool_range range = {side->node_count, ORDER_NODES, by->workers, order_nodes, &copy};
    return side->entry_count == 0 ? WG_OK : wg_pool_for(by->pool, &range, err);
}

typedef struct degree_search {
    const wg_adjacency_side *side;
    uint64_t max[WG_POOL_WORKERS_MAX];
} degree_search;

static wg_code degree_of_nodes(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    degree_search *s = arg;
    (void)err;
    uint64_t max = s->max[worker];
    for (uint64_t k = first; k < last; k++) max = wg_max_u64(max, s->side->offsets[k + 1] - s->side->offsets[k]);
    s->max[worker] = max;
    return WG_OK;
}

uint64_t wgi_degree_max(const wg_adjacency_side *side, const wgi_builders *by) {
    degree_search s = {.side = side};
    const wg_pool_range range = {side->node_count, 1 << 16, by->workers, degree_of_nodes, &s};
    WG_ASSERT(side->node_count == 0 || wg_pool_for(by->pool, &range, NULL) == WG_OK); /* it cannot fail */
    uint64_t max = 0;
    for (uint32_t w = 0; w < WG_POOL_WORKERS_MAX; w++) max = wg_max_u64(max, s.max[w]);
    return max;
}
