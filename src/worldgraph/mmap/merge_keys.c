/* Pairs of numbers read over the pieces of a run, and joining the runs of a key index.
 *
 * A run of KEYS is sorted by (hash, id) over all its pieces; joining merges k runs through a heap of cursors, leaves out ids
 * that are dead and pairs that stand in two runs, and cuts the result into full pieces. It takes the place of the first run and
 * covers the ordinals of all, so the highest end and the highest version are its own. A run without an entry vanishes. */
#include "worldgraph/mmap/merge_internal.h"

static wg_code corrupt(const wg_fragment *f, const char *what, wg_error *err) {
    const wg_fragment_key *k = &f->head.key;
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                        "stripe %llu: kind %u, owner %u, run %llu, piece %llu/%u: %s",
                        (unsigned long long)wg_stripe_id(f->stripe), k->kind, k->owner, (unsigned long long)k->run,
                        (unsigned long long)k->slot, k->part, what);
}

/* ---- pairs */

void wgi_pairs_init(wgi_pairs *pairs, wgi_merge *m, uint64_t from, uint64_t to, uint32_t part) {
    static const uint32_t ids[5][2] = {{WG_COLUMN_NODE, WG_COLUMN_OFFSET},
                                       {WG_COLUMN_EDGE, 0},
                                       {WG_COLUMN_NODE, WG_COLUMN_OFFSET},
                                       {WG_COLUMN_EDGE, 0}, /* NEIGHBOUR of older files is left behind */
                                       {WG_COLUMN_HASH, WG_COLUMN_ID}};
    const bool keys = m->view->fragments[from]->head.key.kind == WG_KIND_KEYS;
    WG_ASSERT(part < 4);
    *pairs =
        (wgi_pairs){.view = m->view, .at = from, .end = to, .part = part, .columns = !keys && part % 2 == 1 ? 1 : 2};
    for (uint32_t i = 0; i < pairs->columns; i++) {
        pairs->ids[i] = ids[keys ? 4 : part][i];
        pairs->scratch[i].account = m->account;
    }
}

void wgi_pairs_deinit(wgi_pairs *pairs) {
    for (uint32_t i = 0; i < pairs->columns; i++) wg_fragment_scratch_deinit(&pairs->scratch[i]);
}

/* Goes to the next piece of the part; piece NULL at the end. */
static wg_code piece_next(wgi_pairs *pairs, wg_error *err) {
    const wg_fragment *const *f = pairs->view->fragments;
    if (pairs->counted != NULL && pairs->piece != NULL)
        WG_TRY(wgi_merge_step(pairs->counted, wgi_fragment_bytes(pairs->piece), err));
    pairs->piece = NULL;
    while (pairs->at < pairs->end && f[pairs->at]->head.key.part != pairs->part) pairs->at++;
    if (pairs->at == pairs->end) return WG_OK;
    pairs->piece = f[pairs->at++];
    pairs->row = pairs->batch_row = pairs->batch_count = 0;
    if (pairs->piece->head.key.slot != pairs->slot++)
        return corrupt(pairs->piece, "a piece is missing before it", err);
    for (uint32_t i = 0; i < pairs->columns; i++) {
        const uint32_t column = wg_fragment_column_of(pairs->piece, pairs->ids[i]);
        if (column == UINT32_MAX) return corrupt(pairs->piece, "a column is missing", err);
        const wg_fragment_column *c = &pairs->piece->columns[column];
        if ((c->type != WG_TYPE_NODE && c->type != WG_TYPE_INT) || c->null_count != 0)
            return corrupt(pairs->piece, "a column is not of whole numbers", err);
    }
    return WG_OK;
}

static wg_code batch_read(wgi_pairs *pairs, wg_error *err) {
    const uint32_t left = pairs->piece->head.row_count - pairs->row;
    const uint32_t count = (uint32_t)wg_min_u64(left, WG_BATCH_ROWS_MAX);
    for (uint32_t i = 0; i < pairs->columns; i++) {
        wg_vector v;
        const uint32_t column = wg_fragment_column_of(pairs->piece, pairs->ids[i]);
        WG_TRY(wg_fragment_read(pairs->piece, column, pairs->row, count, &pairs->scratch[i], &v, err));
        pairs->cells[i] = v.data;
    }
    pairs->row += count;
    pairs->batch_row = 0;
    pairs->batch_count = count;
    return WG_OK;
}

wg_code wgi_pairs_next(wgi_pairs *pairs, uint64_t out[2], bool *out_found, wg_error *err) {
    while (pairs->batch_row == pairs->batch_count) {
        if (pairs->piece == NULL || pairs->row == pairs->piece->head.row_count) WG_TRY(piece_next(pairs, err));
        *out_found = pairs->piece != NULL;
        if (pairs->piece == NULL) return WG_OK;
        if (pairs->row < pairs->piece->head.row_count) WG_TRY(batch_read(pairs, err));
    }
    out[0] = pairs->cells[0][pairs->batch_row];
    out[1] = pairs->columns == 2 ? pairs->cells[1][pairs->batch_row] : 0;
    pairs->batch_row++;
    *out_found = true;
    return WG_OK;
}

/* ---- KEYS */

typedef struct key_cursor {
    wgi_pairs pairs;
    uint64_t at[2]; /* hash, id */
    bool found;
} key_cursor;

typedef struct key_join {
    wgi_merge *m;
    key_cursor *cursors;
    uint32_t count;
    uint32_t *heap; /* numbers of cursors that have an entry; the least on top */
    uint32_t heap_count;
    wg_fragment_head head;
    wg_type types[2];
    uint64_t *cells[2];
    bool has_last;
    uint64_t last[2];
} key_join;

static bool comes_before(const key_join *j, uint32_t a, uint32_t b) {
    const uint64_t *x = j->cursors[a].at;
    const uint64_t *y = j->cursors[b].at;
    if (x[0] != y[0]) return x[0] < y[0];
    return x[1] != y[1] ? x[1] < y[1] : a < b;
}

static void heap_sink(key_join *j, uint32_t at) {
    for (;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < j->heap_count; child++)
            if (comes_before(j, j->heap[child], j->heap[least])) least = child;
        if (least == at) return;
        const uint32_t moved = j->heap[at];
        j->heap[at] = j->heap[least];
        j->heap[least] = moved;
        at = least;
    }
}

static wg_code cursor_step(key_cursor *c, wg_error *err) {
    const uint64_t before[2] = {c->at[0], c->at[1]};
    const bool had = c->found;
    WG_TRY(wgi_pairs_next(&c->pairs, c->at, &c->found, err));
    if (!had || !c->found) return WG_OK;
    if (c->at[0] < before[0] || (c->at[0] == before[0] && c->at[1] < before[1]))
        return corrupt(c->pairs.piece, "keys out of order", err);
    return WG_OK;
}

/* The next entry that is kept. */
static wg_code join_next(key_join *j, uint64_t out[2], bool *out_found, wg_error *err) {
    const wg_merge_input *in = j->m->input;
    while (j->heap_count > 0) {
        key_cursor *c = &j->cursors[j->heap[0]];
        out[0] = c->at[0];
        out[1] = c->at[1];
        WG_TRY(cursor_step(c, err));
        if (!c->found) j->heap[0] = j->heap[--j->heap_count];
        heap_sink(j, 0);
        const bool again = j->has_last && j->last[0] == out[0] && j->last[1] == out[1];
        j->has_last = true;
        j->last[0] = out[0];
        j->last[1] = out[1];
        if (again) continue;
        if (in->id_is_alive != NULL && !in->id_is_alive(in->ctx, false, out[1])) continue;
        *out_found = true;
        return WG_OK;
    }
    *out_found = false;
    return WG_OK;
}

static wg_code join_write(key_join *j, uint64_t *out_pieces, wg_error *err) {
    wg_stripe_column columns[2] = {{.id = WG_COLUMN_ID}, {.id = WG_COLUMN_HASH}};
    for (int i = 0; i < 2; i++) columns[i].vector = (wg_vector){.type = j->types[1 - i], .data = j->cells[1 - i]};
    bool more = true;
    for (j->head.key.slot = 0; more; j->head.key.slot++) {
        uint32_t rows = 0;
        for (; rows < WG_FRAGMENT_ROWS_MAX; rows++) {
            uint64_t entry[2];
            WG_TRY(join_next(j, entry, &more, err));
            if (!more) break;
            j->cells[0][rows] = entry[0];
            j->cells[1][rows] = entry[1];
        }
        if (rows == 0) break;
        j->head.row_count = rows;
        WG_TRY(wg_stripe_sink_add(&j->m->sink, &j->head, columns, 2, err));
        (*out_pieces)++;
    }
    return WG_OK;
}

static uint32_t runs_count(const wgi_view *view, uint64_t from, uint64_t to) {
    uint32_t count = 1;
    for (uint64_t i = from + 1; i < to; i++)
        if (view->fragments[i]->head.key.run != view->fragments[i - 1]->head.key.run) count++;
    return count;
}

static wg_code join_begin(key_join *j, uint64_t from, uint64_t to, wg_error *err) {
    const wg_fragment *const *f = j->m->view->fragments;
    const uint32_t runs = runs_count(j->m->view, from, to);
    const size_t bytes = (size_t)runs * sizeof *j->cursors;
    j->cursors = wg_alloc_zero(j->m->account, bytes);
    j->heap = wg_alloc(j->m->account, runs * sizeof *j->heap);
    for (int i = 0; i < 2; i++) j->cells[i] = wg_alloc(j->m->account, WG_FRAGMENT_ROWS_MAX * sizeof(uint64_t));
    if (j->cursors == NULL || j->heap == NULL || j->cells[0] == NULL || j->cells[1] == NULL)
        return wg_error_nomem(err, bytes);
    j->head = f[from]->head;
    for (uint64_t at = from; at < to;) {
        uint64_t end = at;
        for (; end < to && f[end]->head.key.run == f[at]->head.key.run; end++) {
            j->head.version = wg_max_u64(j->head.version, f[end]->head.version);
            j->head.attributes[0] = wg_max_u64(j->head.attributes[0], f[end]->head.attributes[0]);
        }
        key_cursor *c = &j->cursors[j->count];
        wgi_pairs_init(&c->pairs, j->m, at, end, 0);
        c->pairs.counted = j->m;
        j->count++; /* before it can fail: it is freed with the others */
        WG_TRY(cursor_step(c, err));
        if (c->found) j->heap[j->heap_count++] = j->count - 1;
        at = end;
    }
    for (uint32_t i = j->heap_count; i-- > 0;) heap_sink(j, i);
    for (int i = 0; i < 2; i++) {
        const uint32_t column = wg_fragment_column_of(f[from], i == 0 ? WG_COLUMN_HASH : WG_COLUMN_ID);
        WG_ASSERT(column != UINT32_MAX); /* the cursor has read it */
        j->types[i] = f[from]->columns[column].type;
    }
    return WG_OK;
}

wg_code wgi_merge_keys(wgi_merge *m, uint64_t from, uint64_t to, wg_error *err) {
    for (uint64_t i = from; i < to; i++)
        if (m->view->fragments[i]->head.key.part != 0)
            return corrupt(m->view->fragments[i], "there is no such part", err);
    key_join j = {.m = m};
    uint64_t pieces = 0;
    wg_code code = join_begin(&j, from, to, err);
    if (code == WG_OK) code = join_write(&j, &pieces, err);
    if (code == WG_OK && pieces == 0) m->fragments_dropped += to - from;
    for (uint32_t i = 0; i < j.count; i++) wgi_pairs_deinit(&j.cursors[i].pairs);
    wg_free(j.cursors);
    wg_free(j.heap);
    for (int i = 0; i < 2; i++) wg_free(j.cells[i]);
    return code;
}
