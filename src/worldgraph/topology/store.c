/* Writing a run: the edges of a base CSR and of a prefix of the delta's log, as the pieces that topology.h describes.
 *
 * The log is made into a CSR of its own; base and log are then merged node by node while pieces are filled, so that besides that
 * CSR one piece is in memory. Keys order by slot before part, so the four parts are written in turns, each with a cursor of
 * its own. What the writer does meanwhile is not seen: a base never changes, and the prefix of the log is committed.
 *
 * Failure modes: WG_E_NOMEM, and those of the sink; its owner throws away what was written. */
#include "worldgraph/topology/topology_internal.h"

/* Walks nodes with their entries: those of csr[0] with ids below `end`, then all of csr[1] (NULL: none). */
typedef struct side_cursor {
    const wgi_csr *csr[2];
    uint64_t end;
    uint64_t key[2];
    uint64_t at[2]; /* entries of the current node that are not taken yet */
    uint64_t until[2];
} side_cursor;

typedef struct run_writer {
    const wg_topology_pass *pass;
    wg_account *account;
    wgi_csr *log[2];
    side_cursor nodes[2];
    side_cursor entries[2];
    uint64_t offset[2]; /* entries of the nodes that were written */
    wg_fragment_head head;
    uint64_t *cells[2]; /* one piece */
} run_writer;

static uint64_t key_count_kept(const side_cursor *c, uint32_t which, uint64_t key) {
    const wgi_csr *csr = c->csr[which];
    const uint64_t first = wgi_csr_offset(csr, key);
    const uint64_t count = wgi_csr_offset(csr, key + 1) - first;
    return which == 0 ? wgi_csr_below(csr, first, count, c->end) : count;
}

/* Goes on to the next node that has entries; false at the end. */
static bool cursor_next(side_cursor *c, uint64_t *out_node) {
    bool found = false;
    uint64_t node = UINT64_MAX;
    for (uint32_t i = 0; i < 2; i++) {
        const wgi_csr *csr = c->csr[i];
        if (csr == NULL) continue;
        while (c->key[i] < csr->key_count && key_count_kept(c, i, c->key[i]) == 0) c->key[i]++;
        if (c->key[i] == csr->key_count) continue;
        node = wg_min_u64(node, wgi_csr_key(csr, c->key[i]));
        found = true;
    }
    for (uint32_t i = 0; i < 2 && found; i++) {
        const wgi_csr *csr = c->csr[i];
        c->at[i] = c->until[i] = 0;
        if (csr == NULL || c->key[i] == csr->key_count || wgi_csr_key(csr, c->key[i]) != node) continue;
        c->at[i] = wgi_csr_offset(csr, c->key[i]);
        c->until[i] = c->at[i] + key_count_kept(c, i, c->key[i]);
        c->key[i]++;
    }
    if (found) *out_node = node;
    return found;
}

static uint64_t cursor_degree(const side_cursor *c) { return c->until[0] - c->at[0] + c->until[1] - c->at[1]; }

/* ---- pieces */

static wg_code piece_put(run_writer *w, uint32_t part, uint32_t row_count, wg_error *err) {
    const bool entries = part % 2 == 1;
    const wg_stripe_column columns[2] = {
        {.id = entries ? WG_COLUMN_EDGE : WG_COLUMN_NODE, .vector = {.type = WG_TYPE_NODE, .data = w->cells[0]}},
        {.id = WG_COLUMN_OFFSET, .vector = {.type = WG_TYPE_INT, .data = w->cells[1]}}};
    w->head.key.part = part;
    w->head.row_count = row_count;
    return wg_stripe_sink_add(w->pass->sink, &w->head, columns, entries ? 1 : 2, err);
}

/* The next piece of nodes and offsets of a side, if there is one more; *out_more says so. */
static wg_code nodes_put(run_writer *w, uint32_t side, bool *out_more, wg_error *err) {
    uint32_t rows = 0;
    uint64_t node;
    while (rows < WGI_PIECE_ROWS && cursor_next(&w->nodes[side], &node)) {
        w->cells[0][rows] = node;
        w->cells[1][rows] = w->offset[side];
        w->offset[side] += cursor_degree(&w->nodes[side]);
        rows++;
    }
    *out_more = rows != 0;
    if (rows == 0) return WG_OK;
    w->head.attributes[4] = w->cells[0][0];
    w->head.attributes[5] = w->offset[side];
    const wg_code code = piece_put(w, 2 * side, rows, err);
    w->head.attributes[4] = w->head.attributes[5] = 0;
    return code;
}

static wg_code entries_put(run_writer *w, uint32_t side, bool *out_more, wg_error *err) {
    side_cursor *c = &w->entries[side];
    uint32_t rows = 0;
    uint64_t node;
    while (rows < WGI_PIECE_ROWS) {
        if (cursor_degree(c) == 0 && !cursor_next(c, &node)) break;
        for (uint32_t i = 0; i < 2; i++) {
            for (; c->at[i] < c->until[i] && rows < WGI_PIECE_ROWS; c->at[i]++, rows++)
                w->cells[0][rows] = wgi_csr_edge(c->csr[i], c->at[i]);
        }
    }
    *out_more = rows != 0;
    return rows == 0 ? WG_OK : piece_put(w, 2 * side + 1, rows, err);
}

static wg_code pieces_write(run_writer *w, wg_error *err) {
    bool more[4] = {true, true, true, true};
    for (w->head.key.slot = 0; more[0] || more[1] || more[2] || more[3]; w->head.key.slot++) {
        for (uint32_t side = 0; side < 2; side++) {
            if (more[2 * side]) WG_TRY(nodes_put(w, side, &more[2 * side], err));
            if (more[2 * side + 1]) WG_TRY(entries_put(w, side, &more[2 * side + 1], err));
        }
    }
    WG_ASSERT(w->offset[0] == w->head.attributes[1]);
    WG_ASSERT(w->offset[1] == w->head.attributes[1]);
    return WG_OK;
}

/* ---- the run */

/* Counts the entries and finds the bounds of their ids. */
static void run_measure(run_writer *w) {
    side_cursor c = w->nodes[0];
    uint64_t *attributes = w->head.attributes;
    uint64_t node;
    attributes[2] = UINT64_MAX;
    while (cursor_next(&c, &node)) {
        attributes[1] += cursor_degree(&c);
        for (uint32_t i = 0; i < 2; i++) {
            if (c.at[i] == c.until[i]) continue;
            attributes[2] = wg_min_u64(attributes[2], wgi_csr_edge(c.csr[i], c.at[i]));
            attributes[3] = wg_max_u64(attributes[3], wgi_csr_edge(c.csr[i], c.until[i] - 1));
        }
    }
}

static wg_code writer_init(run_writer *w, const wgi_store_source *source, wg_error *err) {
    for (uint32_t side = 0; side < 2; side++) {
        const wgi_csr_source log = {NULL, source->log, 0, source->log_count, side};
        if (source->log_count != 0) WG_TRY(wgi_csr_build(&log, w->account, &w->log[side], err));
        w->nodes[side] = (side_cursor){.csr = {source->base[side], w->log[side]}, .end = source->base_end};
        w->entries[side] = w->nodes[side];
        w->cells[side] = wg_alloc(w->account, WGI_PIECE_ROWS * sizeof(uint64_t));
        if (w->cells[side] == NULL) return wg_error_nomem(err, WGI_PIECE_ROWS * sizeof(uint64_t));
    }
    w->head.key = (wg_fragment_key){.kind = WG_KIND_ADJACENCY, .owner = w->pass->label, .run = source->first};
    w->head.version = w->pass->until;
    w->head.attributes[0] = w->pass->edge_count;
    return WG_OK;
}

wg_code wgi_store_run(const wgi_store_source *source, const wg_topology_pass *pass, wg_account *account,
                      wg_error *err) {
    wg_code code = WG_OK;
    run_writer w = {.pass = pass, .account = account};
    WG_TRY_GOTO(writer_init(&w, source, err));
    run_measure(&w);
    if (w.head.attributes[1] != 0) WG_TRY_GOTO(pieces_write(&w, err)); /* else every edge has left already */
fail:
    for (size_t side = 0; side < 2; side++) {
        wg_free(w.log[side]);
        wg_free(w.cells[side]);
    }
    return code;
}
