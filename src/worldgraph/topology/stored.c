/* Stored runs: a list of CSRs whose nodes, offsets and entries are fragments of mapped stripes. topology.h has their layout.
 *
 * What the heads say is checked when a list is made; nothing else is read then. In memory stays one fence per 16,384 nodes and
 * direction: a lookup bisects the fences, then the nodes of one piece (wg_fragment_lower_bound, O(1) where they are a plain
 * sequence), and reads two offsets; the entries are decoded straight into the caller's arrays. Nothing is allocated.
 *
 *   one block: wgi_stored | runs | piece pointers | fences
 *
 * Failure modes: WG_E_CORRUPT from blocks whose checksums fail, and for cells that contradict each other; WG_E_CAPACITY from the governor;
 * WG_E_NOMEM (the check; and reading blocks that somebody compressed). */
#include "base/digest/digest.h"
#include "worldgraph/topology/topology_internal.h"

enum { PARTS = 4, ATTRIBUTE_LAST = 0, ATTRIBUTE_ENTRIES, ATTRIBUTE_EDGE_FIRST, ATTRIBUTE_EDGE_LAST };
enum { ATTRIBUTE_NODE = 4, ATTRIBUTE_OFFSET };

/* Columns of a piece by position, which piece_check has seen to. */
enum { NODES_NODE = 0, NODES_OFFSET = 1, ENTRIES_EDGE = 0, ENTRIES_NEIGHBOUR = 1 };

static wg_code run_corrupt(const wg_fragment *piece, const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                        "topology: stored run %llu of label %u, piece %llu of part %u: %s",
                        (unsigned long long)piece->head.key.run, piece->head.key.owner,
                        (unsigned long long)piece->head.key.slot, piece->head.key.part, what);
}

/* ---- making the list */

static wg_code piece_check(const wg_fragment *piece, wg_error *err) {
    const wg_fragment_head *head = &piece->head;
    const bool entries = head->key.part % 2 == 1;
    const uint32_t ids[2] = {entries ? WG_COLUMN_EDGE : WG_COLUMN_NODE,
                             entries ? WG_COLUMN_NEIGHBOUR : WG_COLUMN_OFFSET};
    const bool lacks_neighbours = entries && piece->column_count == 1;
    const wg_type types[2] = {WG_TYPE_NODE, entries ? WG_TYPE_NODE : WG_TYPE_INT};
    if (head->key.kind != WG_KIND_ADJACENCY || head->key.part >= PARTS)
        return run_corrupt(piece, "not a part of a run", err);
    if (head->row_count == 0 || head->row_count > WGI_PIECE_ROWS)
        return run_corrupt(piece, "its number of rows is out of range", err);
    if (piece->column_count != 2 && !lacks_neighbours)
        return run_corrupt(piece, "it has not the columns of its part", err);
    for (uint32_t i = 0; i < piece->column_count; i++) {
        const wg_fragment_column *column = &piece->columns[i];
        if (column->id != ids[i] || column->type != types[i] || column->null_count != 0)
            return run_corrupt(piece, "a column is not what the part needs", err);
    }
    return WG_OK;
}

static bool has_neighbours(const wg_fragment *piece) { return piece->column_count == 2; }

/* What a run says of itself: attributes 0 to 3 of its first piece. */
static wg_code run_head(const wg_fragment *piece, wgi_stored_run *run, wg_error *err) {
    const uint64_t *attributes = piece->head.attributes;
    run->first = piece->head.key.run;
    run->last = attributes[ATTRIBUTE_LAST];
    run->entry_count = attributes[ATTRIBUTE_ENTRIES];
    run->edge_first = attributes[ATTRIBUTE_EDGE_FIRST];
    run->edge_last = attributes[ATTRIBUTE_EDGE_LAST];
    if (run->first >= run->last) return run_corrupt(piece, "it ends before it begins", err);
    if (run->entry_count == 0 || run->entry_count > run->last - run->first)
        return run_corrupt(piece, "its number of entries is out of range", err);
    if (run->edge_first > run->edge_last || run->edge_last == UINT64_MAX)
        return run_corrupt(piece, "its edge ids are out of range", err);
    return WG_OK;
}

/* Rows before piece `slot` must fill their pieces; the last piece ends with the part. */
static wg_code entries_check(const wgi_stored_run *run, const wgi_stored_part *part, wg_error *err) {
    uint64_t rows = 0;
    for (uint32_t p = 0; p < part->piece_count; p++) {
        if (rows != (uint64_t)p * WGI_PIECE_ROWS)
            return run_corrupt(part->pieces[p], "one before it is cut short", err);
        rows += part->pieces[p]->head.row_count;
    }
    if (rows != run->entry_count)
        return run_corrupt(part->pieces[0], "the entries are not as many as the run says", err);
    return WG_OK;
}

static wg_code nodes_check(const wgi_stored_run *run, const wgi_stored_part *part, uint64_t *fences, wg_error *err) {
    uint64_t rows = 0;
    uint64_t offset = 0;
    for (uint32_t p = 0; p < part->piece_count; p++) {
        const wg_fragment *piece = part->pieces[p];
        const uint64_t end = piece->head.attributes[ATTRIBUTE_OFFSET];
        fences[p] = piece->head.attributes[ATTRIBUTE_NODE];
        if (rows != (uint64_t)p * WGI_PIECE_ROWS) return run_corrupt(piece, "one before it is cut short", err);
        if (p != 0 && fences[p] <= fences[p - 1]) return run_corrupt(piece, "its nodes do not follow", err);
        rows += piece->head.row_count;
        if (end < offset || end - offset < piece->head.row_count)
            return run_corrupt(piece, "a node is without entries", err);
        offset = end;
    }
    if (offset != run->entry_count) return run_corrupt(part->pieces[0], "the offsets do not cover the entries", err);
    return WG_OK;
}

/* How many pieces of `pieces` belong to the same run as the first; counts them by part. */
static uint32_t run_extent(const wg_fragment *const *pieces, uint32_t piece_count, uint32_t counts[PARTS]) {
    uint32_t n = 0;
    for (uint32_t part = 0; part < PARTS; part++) counts[part] = 0;
    for (; n < piece_count && pieces[n]->head.key.run == pieces[0]->head.key.run; n++)
        counts[pieces[n]->head.key.part]++;
    return n;
}

/* Where the arrays of the list under construction go on. */
typedef struct stored_cursor {
    wgi_stored_run *run;
    const wg_fragment **pieces;
    uint64_t *fences;
} stored_cursor;

/* Fills one run from its pieces [0, count). */
static wg_code run_fill(const stored_cursor *c, const wg_fragment *const *pieces, uint32_t count,
                        const uint32_t counts[PARTS], wg_error *err) {
    wgi_stored_run *run = c->run;
    const wg_fragment **arrays[PARTS] = {c->pieces};
    uint32_t filled[PARTS] = {0};
    WG_TRY(run_head(pieces[0], run, err));
    for (uint32_t part = 0; part < PARTS; part++) {
        if (counts[part] == 0) return run_corrupt(pieces[0], "the run lacks a part", err);
        if (part != 0) arrays[part] = arrays[part - 1] + counts[part - 1];
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t part = pieces[i]->head.key.part;
        if (pieces[i]->head.key.slot != filled[part])
            return run_corrupt(pieces[i], "a piece is missing or stands twice", err);
        if (memcmp(pieces[i]->head.attributes, pieces[0]->head.attributes, 4 * sizeof(uint64_t)) != 0)
            return run_corrupt(pieces[i], "pieces say different things of the run", err);
        if (pieces[i]->head.key.owner != pieces[0]->head.key.owner)
            return run_corrupt(pieces[i], "it belongs to another label", err);
        arrays[part][filled[part]++] = pieces[i];
    }
    uint64_t *fences = c->fences;
    for (uint32_t side = 0; side < 2; side++) {
        run->nodes[side] = (wgi_stored_part){counts[2 * side], arrays[2 * side]};
        run->entries[side] = (wgi_stored_part){counts[2 * side + 1], arrays[2 * side + 1]};
        WG_TRY(nodes_check(run, &run->nodes[side], fences, err));
        WG_TRY(entries_check(run, &run->entries[side], err));
        run->fences[side] = fences;
        fences += counts[2 * side];
    }
    return WG_OK;
}

/* Counts runs and pieces of nodes, after a check of each piece. */
static wg_code pieces_count(const wg_fragment *const *pieces, uint32_t piece_count, uint32_t *out_runs,
                            uint32_t *out_fences, wg_error *err) {
    uint32_t runs = 0;
    uint32_t fences = 0;
    for (uint32_t i = 0; i < piece_count; i++) {
        WG_TRY(piece_check(pieces[i], err));
        runs += i == 0 || pieces[i]->head.key.run != pieces[i - 1]->head.key.run;
        fences += pieces[i]->head.key.part % 2 == 0;
    }
    *out_runs = runs;
    *out_fences = fences;
    return WG_OK;
}

wg_code wgi_stored_create(const wg_fragment *const *pieces, uint32_t piece_count, wg_account *account,
                          wgi_stored **out, wg_error *err) {
    WG_ASSERT(piece_count > 0);
    wg_code code = WG_OK;
    uint32_t run_count;
    uint32_t fence_count;
    WG_TRY(pieces_count(pieces, piece_count, &run_count, &fence_count, err));
    const size_t head = wg_align_up(sizeof(wgi_stored), 64);
    const size_t runs_bytes = run_count * sizeof(wgi_stored_run);
    const size_t pieces_bytes = piece_count * sizeof(wg_fragment *);
    const size_t bytes = head + runs_bytes + pieces_bytes + fence_count * sizeof(uint64_t);
    uint8_t *p = wg_alloc_zero(account, bytes);
    if (p == NULL) return wg_error_nomem(err, bytes);
    wgi_stored_run *runs = (wgi_stored_run *)(void *)(p + head);
    stored_cursor c = {runs, (const wg_fragment **)(void *)(p + head + runs_bytes),
                       (uint64_t *)(void *)(p + head + runs_bytes + pieces_bytes)};
    for (uint32_t at = 0; at < piece_count;) {
        uint32_t counts[PARTS];
        const uint32_t n = run_extent(pieces + at, piece_count - at, counts);
        WG_TRY_GOTO(run_fill(&c, pieces + at, n, counts, err));
        if (at != 0 && (c.run[-1].last > c.run->first || c.run[-1].edge_last >= c.run->edge_first)) {
            code = run_corrupt(pieces[at], "the run overlaps the one before it", err);
            goto fail;
        }
        c.run++;
        c.pieces += n;
        c.fences += counts[0] + counts[2];
        at += n;
    }
    wgi_stored *stored = (wgi_stored *)(void *)p;
    stored->run_count = run_count;
    stored->runs = runs;
    *out = stored;
    return WG_OK;
fail:
    wg_free(p);
    return code;
}

/* ---- finding a node */

static wg_code cell(const wg_fragment *piece, uint32_t column, uint64_t row, uint64_t *out, wg_error *err) {
    return wg_fragment_u64(piece, column, (uint32_t)row, out, err);
}

/* Where the entries of the node in this row begin, and how many they are. */
static wg_code row_extent(const wgi_stored_run *run, const wg_fragment *piece, uint32_t row, uint64_t *out_first,
                          uint64_t *out_count, wg_error *err) {
    const bool is_last = row + 1 == piece->head.row_count;
    uint64_t ends[2] = {0, piece->head.attributes[ATTRIBUTE_OFFSET]};
    WG_TRY(wg_fragment_u64s(piece, NODES_OFFSET, row, is_last ? 1 : 2, ends, err));
    if (ends[0] >= ends[1] || ends[1] > run->entry_count)
        return run_corrupt(piece, "an offset is outside of the entries or does not ascend", err);
    *out_first = ends[0];
    *out_count = ends[1] - ends[0];
    return WG_OK;
}

/* Entries of a node in one run; *out_count 0: none. */
static wg_code run_find(const wgi_stored_run *run, uint32_t side, uint64_t node, uint64_t *out_first,
                        uint64_t *out_count, wg_error *err) {
    const uint64_t *fences = run->fences[side];
    uint32_t low = 0;
    uint32_t high = run->nodes[side].piece_count;
    *out_first = 0;
    *out_count = 0;
    while (low < high) { /* the first piece that begins behind the node */
        const uint32_t middle = low + (high - low) / 2;
        if (fences[middle] <= node) low = middle + 1;
        else high = middle;
    }
    if (low == 0) return WG_OK;
    const wg_fragment *piece = run->nodes[side].pieces[low - 1];
    uint32_t row;
    WG_TRY(wg_fragment_lower_bound(piece, NODES_NODE, node, &row, err));
    if (row >= piece->head.row_count) return WG_OK;
    uint64_t there;
    WG_TRY(cell(piece, NODES_NODE, row, &there, err));
    if (there != node) return WG_OK;
    return row_extent(run, piece, row, out_first, out_count, err);
}

/* ---- entries */

static wg_code entry_cell(const wgi_stored_run *run, uint32_t side, uint32_t column, uint64_t at, uint64_t *out,
                          wg_error *err) {
    WG_ASSERT(at < run->entry_count);
    return cell(run->entries[side].pieces[at / WGI_PIECE_ROWS], column, at % WGI_PIECE_ROWS, out, err);
}

/* How many of the entries [first, first + count), which ascend, have ids below `end`. */
static wg_code entries_below(const wgi_stored_run *run, uint32_t side, uint64_t first, uint64_t count, uint64_t end,
                             uint64_t *out, wg_error *err) {
    uint64_t low = first;
    uint64_t high = first + count;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        uint64_t edge;
        WG_TRY(entry_cell(run, side, ENTRIES_EDGE, middle, &edge, err));
        if (edge < end) low = middle + 1;
        else high = middle;
    }
    *out = low - first;
    return WG_OK;
}

static wg_code entries_read(const wgi_stored_run *run, uint32_t side, uint64_t first, uint64_t count, uint64_t *edges,
                            uint64_t *neighbours, wg_error *err) {
    WG_ASSERT(first + count <= run->entry_count);
    while (count != 0) {
        const wg_fragment *piece = run->entries[side].pieces[first / WGI_PIECE_ROWS];
        const uint32_t row = (uint32_t)(first % WGI_PIECE_ROWS);
        const uint32_t n = (uint32_t)wg_min_u64(count, WGI_PIECE_ROWS - row);
        WG_TRY(wg_fragment_u64s(piece, ENTRIES_EDGE, row, n, edges, err));
        if (has_neighbours(piece)) WG_TRY(wg_fragment_u64s(piece, ENTRIES_NEIGHBOUR, row, n, neighbours, err));
        else memset(neighbours, 0xff, n * sizeof *neighbours); /* WG_TOPOLOGY_BY_ROW */
        first += n;
        count -= n;
        edges += n;
        neighbours += n;
    }
    return WG_OK;
}

static wg_code reading_run(wgi_reading *r, const wgi_stored_run *run, wg_error *err) {
    uint64_t first;
    uint64_t count;
    WG_TRY(run_find(run, r->side, r->node, &first, &count, err));
    if (r->from_edge > run->edge_first && count != 0) {
        uint64_t below;
        WG_TRY(entries_below(run, r->side, first, count, r->from_edge, &below, err));
        first += below;
        count -= below;
    }
    if (r->edges != NULL) {
        count = wg_min_u64(count, r->count_max - r->count);
        WG_TRY(entries_read(run, r->side, first, count, r->edges + r->count, r->neighbours + r->count, err));
    }
    r->count += count;
    return WG_OK;
}

wg_code wgi_reading_stored(wgi_reading *reading, const wgi_stored *stored, wg_error *err) {
    uint32_t low = 0;
    uint32_t high = stored->run_count;
    while (low < high && reading->from_edge != 0) { /* runs that end before are not looked into */
        const uint32_t middle = low + (high - low) / 2;
        if (stored->runs[middle].edge_last < reading->from_edge) low = middle + 1;
        else high = middle;
    }
    for (uint32_t i = low; i < stored->run_count && !wgi_reading_full(reading); i++)
        WG_TRY(reading_run(reading, &stored->runs[i], err));
    return WG_OK;
}

/* ---- checking */

/* One batch of nodes and one of entries of the side under way, and sums over its entries that do not depend on their order:
 * equal sums of both sides mean, but for a chance of about 2^-128 where nobody contrived it, equal sets of edges; with the ends of the
 * edges where the run has the neighbours. */
typedef struct run_walk {
    const wgi_ends *ends;
    const wgi_stored_run *run;
    uint32_t side;
    uint64_t edges[WG_BATCH_ROWS_MAX];
    uint64_t neighbours[WG_BATCH_ROWS_MAX];
    uint64_t batch_first; /* entry of edges[0] */
    uint64_t batch_count;
    uint64_t sums[2];
} run_walk;

static wg_code walk_entry(run_walk *w, uint64_t at, uint64_t *out_edge, uint64_t *out_neighbour, wg_error *err) {
    if (at - w->batch_first >= w->batch_count) {
        const uint64_t n = wg_min_u64(WG_BATCH_ROWS_MAX, w->run->entry_count - at);
        WG_TRY(entries_read(w->run, w->side, at, n, w->edges, w->neighbours, err));
        w->batch_first = at;
        w->batch_count = n;
    }
    *out_edge = w->edges[at - w->batch_first];
    *out_neighbour = w->neighbours[at - w->batch_first];
    return WG_OK;
}

/* What the owner of the edges says of an entry. */
static wg_code walk_ends(const run_walk *w, const wg_fragment *piece, uint64_t node, uint64_t edge, wg_error *err) {
    uint64_t ends[2];
    bool found = false;
    if (w->ends->fn == NULL) return WG_OK;
    WG_TRY(w->ends->fn(w->ends->ctx, edge, ends, &found, err));
    if (found && ends[w->side] != node)
        return run_corrupt(piece, "an edge stands at a node that is not its end", err);
    return WG_OK;
}

/* The entries [first, end) of one node. */
static wg_code walk_node(run_walk *w, const wg_fragment *piece, uint64_t node, uint64_t first, uint64_t end,
                         wg_error *err) {
    uint64_t before = 0;
    for (uint64_t at = first; at < end; at++) {
        uint64_t edge;
        uint64_t neighbour;
        WG_TRY(walk_entry(w, at, &edge, &neighbour, err));
        if (at != first && edge <= before) return run_corrupt(piece, "edges of a node are not ascending", err);
        if (edge < w->run->edge_first || edge > w->run->edge_last)
            return run_corrupt(piece, "an edge is outside of the run", err);
        const bool known = neighbour != WG_TOPOLOGY_BY_ROW;
        const uint64_t triple[3] = {edge,
                                    !known         ? 0
                                    : w->side == 0 ? node
                                                   : neighbour,
                                    !known         ? 0
                                    : w->side == 0 ? neighbour
                                                   : node};
        WG_TRY(walk_ends(w, piece, node, edge, err));
        for (uint64_t i = 0; i < 2; i++) w->sums[i] += wg_hash64(i, triple, sizeof triple);
        before = edge;
    }
    return WG_OK;
}

/* The nodes of one piece; *node and *offset: the last node before it, and where its entries must begin. */
static wg_code walk_piece(run_walk *w, uint32_t p, wg_error *err) {
    const wg_fragment *piece = w->run->nodes[w->side].pieces[p];
    const uint64_t begin = p == 0 ? 0 : w->run->nodes[w->side].pieces[p - 1]->head.attributes[ATTRIBUTE_OFFSET];
    const uint64_t limit = p + 1 < w->run->nodes[w->side].piece_count ? w->run->fences[w->side][p + 1] : UINT64_MAX;
    uint64_t before = 0;
    for (uint32_t row = 0; row < piece->head.row_count; row++) {
        uint64_t node;
        uint64_t first;
        uint64_t count;
        WG_TRY(cell(piece, NODES_NODE, row, &node, err));
        WG_TRY(row_extent(w->run, piece, row, &first, &count, err));
        if (row == 0 ? node != w->run->fences[w->side][p] : node <= before)
            return run_corrupt(piece, "nodes are not ascending from the first that the head names", err);
        if (row == 0 && first != begin) return run_corrupt(piece, "its entries do not follow", err);
        if (limit != UINT64_MAX && node >= limit) return run_corrupt(piece, "a node belongs to the next piece", err);
        WG_TRY(walk_node(w, piece, node, first, first + count, err));
        before = node;
    }
    return WG_OK;
}

static wg_code run_check(run_walk *w, wg_error *err) {
    uint64_t sums[2][2];
    for (w->side = 0; w->side < 2; w->side++) {
        w->batch_count = 0;
        w->sums[0] = w->sums[1] = 0;
        for (uint32_t p = 0; p < w->run->nodes[w->side].piece_count; p++) WG_TRY(walk_piece(w, p, err));
        memcpy(sums[w->side], w->sums, sizeof w->sums);
    }
    if (memcmp(sums[0], sums[1], sizeof sums[0]) != 0)
        return run_corrupt(w->run->nodes[0].pieces[0], "OUT and IN do not hold the same edges", err);
    return WG_OK;
}

wg_code wgi_stored_check(const wgi_stored *stored, const wgi_ends *ends, wg_account *account, wg_error *err) {
    wg_code code = WG_OK;
    run_walk *w = wg_alloc_zero(account, sizeof *w);
    if (w == NULL) return wg_error_nomem(err, sizeof *w);
    w->ends = ends;
    for (uint32_t i = 0; i < stored->run_count; i++) {
        w->run = &stored->runs[i];
        WG_TRY_GOTO(run_check(w, err));
    }
fail:
    wg_free(w);
    return code;
}
