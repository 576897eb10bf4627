/* Joining the runs of an adjacency (worldgraph/topology/topology.h has their layout and what joining means).
 *
 * Keys order pieces by number before part, so the four parts are written side by side: the first piece of each, then the second
 * of each. Every part has readers of its own over the runs: a part of nodes reads nodes and entries, to count those that are
 * left; a part of entries reads both again and keeps the entries. A pass ahead counts the entries, because every piece says how
 * many the run has. Memory: a batch of four columns for each run and reader.
 *
 * The pass ahead asks `id_is_alive` for each edge and notes the dead ones in a bitmap over the ids of the runs. Where that would be larger
 * than 32 MiB it is asked again by every reader; should its answers differ, so would the directions: the counts are compared and the merge
 * fails (WG_E_INTERNAL) rather than writing that. Offsets, orders and counts of what is read
 * are checked: WG_E_CORRUPT. */
#include "worldgraph/mmap/merge_internal.h"

enum { PARTS = 4 };

#define DEAD_IDS_MAX (UINT64_C(1) << 28)

/* One direction of one run. */
typedef struct run_side {
    wgi_pairs nodes;
    wgi_pairs entries;
    bool has; /* a node stands here */
    uint64_t node;
    uint64_t left; /* entries of it */
    bool has_next;
    uint64_t next[2];  /* node, offset */
    uint64_t position; /* entries read */
    uint64_t total;
} run_side;

/* Which edges are dead. */
typedef struct dead_edges {
    uint8_t *bits; /* of ids from `first` on; NULL: not noted */
    uint64_t first;
    uint64_t last; /* bounds that the runs state */
    bool noted;    /* the bits are whole */
} dead_edges;

/* One direction of all runs, merged by node. */
typedef struct side {
    const wg_merge_input *input;
    dead_edges *dead;
    run_side *runs;
    uint32_t count;
    uint32_t run; /* whose entries are next */
    uint64_t node;
    bool has_edge;
    uint64_t edge; /* the last one of the node */
} side;

/* The runs that become one. */
typedef struct joined {
    wgi_merge *m;
    uint64_t from; /* positions of the view */
    uint64_t to;
    dead_edges *dead;
} joined;

static wg_code corrupt(const wg_fragment *f, const char *what, wg_error *err) {
    const wg_fragment_key *k = &f->head.key;
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "adjacency of label %u, run %llu, part %u: %s", k->owner,
                        (unsigned long long)k->run, k->part, what);
}

static const wg_fragment *any_piece(const run_side *r) { return r->nodes.view->fragments[r->nodes.end - 1]; }

/* Steps to the next node, all entries of the present one being read. */
static wg_code node_step(run_side *r, wg_error *err) {
    WG_ASSERT(r->left == 0);
    r->has = r->has_next;
    if (!r->has_next) {
        if (r->position != r->total) return corrupt(any_piece(r), "entries that belong to no node", err);
        return WG_OK;
    }
    r->node = r->next[0];
    const uint64_t begin = r->next[1];
    WG_TRY(wgi_pairs_next(&r->nodes, r->next, &r->has_next, err));
    const uint64_t end = r->has_next ? r->next[1] : r->total;
    if (begin != r->position || end <= begin) return corrupt(any_piece(r), "offsets do not fit the entries", err);
    if (r->has_next && r->next[0] <= r->node) return corrupt(any_piece(r), "nodes out of order", err);
    r->left = end - begin;
    return WG_OK;
}

static void side_deinit(side *s) {
    for (uint32_t i = 0; i < s->count; i++) {
        wgi_pairs_deinit(&s->runs[i].nodes);
        wgi_pairs_deinit(&s->runs[i].entries);
    }
    wg_free(s->runs);
    *s = (side){0};
}

/* `direction` 0 OUT, 1 IN; `counted` NULL or who is told of the pieces. */
static wg_code side_init(side *s, const joined *j, uint32_t direction, wgi_merge *counted, wg_error *err) {
    wgi_merge *m = j->m;
    const uint64_t from = j->from;
    const uint64_t to = j->to;
    const wg_fragment *const *f = m->view->fragments;
    uint32_t runs = 1;
    for (uint64_t i = from + 1; i < to; i++) runs += f[i]->head.key.run != f[i - 1]->head.key.run;
    *s = (side){.input = m->input, .dead = j->dead};
    s->runs = wg_alloc_zero(m->account, runs * sizeof *s->runs);
    if (s->runs == NULL) return wg_error_nomem(err, runs * sizeof *s->runs);
    for (uint64_t at = from; at < to;) {
        uint64_t end = at;
        while (end < to && f[end]->head.key.run == f[at]->head.key.run) end++;
        run_side *r = &s->runs[s->count++];
        wgi_pairs_init(&r->nodes, m, at, end, 2 * direction);
        wgi_pairs_init(&r->entries, m, at, end, 2 * direction + 1);
        r->nodes.counted = r->entries.counted = counted;
        r->total = f[at]->head.attributes[1];
        WG_TRY(wgi_pairs_next(&r->nodes, r->next, &r->has_next, err));
        WG_TRY(node_step(r, err));
        at = end;
    }
    return WG_OK;
}

/* The lowest node that has entries left to read. */
static bool side_node(side *s) {
    bool found = false;
    for (uint32_t i = 0; i < s->count; i++) {
        if (!s->runs[i].has || (found && s->runs[i].node >= s->node)) continue;
        s->node = s->runs[i].node;
        found = true;
    }
    s->run = 0;
    s->has_edge = false;
    return found;
}

static bool is_dead(const side *s, uint64_t id) {
    dead_edges *dead = s->dead;
    if (s->input->id_is_alive == NULL) return false;
    if (dead->noted) return wg_bit_get(dead->bits, id - dead->first);
    const bool is = !s->input->id_is_alive(s->input->ctx, true, id);
    if (is && dead->bits != NULL) wg_bit_set(dead->bits, id - dead->first);
    return is;
}

/* The next living entry of the present node. */
static wg_code side_entry(side *s, uint64_t out[2], bool *out_found, wg_error *err) {
    for (; s->run < s->count; s->run++) {
        run_side *r = &s->runs[s->run];
        if (!r->has || r->node != s->node) continue;
        while (r->left > 0) {
            bool found;
            WG_TRY(wgi_pairs_next(&r->entries, out, &found, err));
            if (!found) return corrupt(any_piece(r), "entries are missing", err);
            r->position++;
            r->left--;
            if (s->has_edge && out[0] <= s->edge) return corrupt(any_piece(r), "edge ids out of order", err);
            s->has_edge = true;
            s->edge = out[0];
            if (out[0] < s->dead->first || out[0] > s->dead->last)
                return corrupt(any_piece(r), "an edge id outside of the bounds", err);
            if (is_dead(s, out[0])) continue;
            *out_found = true;
            return WG_OK;
        }
        WG_TRY(node_step(r, err));
    }
    *out_found = false;
    return WG_OK;
}

/* Lets the readers that tell of pieces come to the end of the last ones. */
static wg_code side_finish(side *s, wg_error *err) {
    for (uint32_t i = 0; i < s->count; i++) {
        uint64_t pair[2];
        bool found;
        WG_TRY(wgi_pairs_next(&s->runs[i].entries, pair, &found, err));
        if (found) return corrupt(any_piece(&s->runs[i]), "more entries than it says", err);
    }
    return WG_OK;
}

/* ---- writing */

typedef struct joiner {
    wgi_merge *m;
    wg_fragment_head head;
    side sides[PARTS]; /* part p reads direction p / 2 */
    bool in_node[PARTS];
    uint64_t offset[2];  /* of the next node */
    uint64_t written[2]; /* entries of each direction */
    uint64_t *cells[2];
} joiner;

static wg_code piece_put(joiner *j, uint32_t part, uint32_t rows, wg_error *err) {
    const bool entries = part % 2 == 1;
    const wg_stripe_column columns[2] = {
        {.id = entries ? WG_COLUMN_EDGE : WG_COLUMN_NODE, .vector = {.type = WG_TYPE_NODE, .data = j->cells[0]}},
        {.id = WG_COLUMN_OFFSET, .vector = {.type = WG_TYPE_INT, .data = j->cells[1]}}};
    j->head.key.part = part;
    j->head.row_count = rows;
    j->head.attributes[4] = entries ? 0 : j->cells[0][0];
    j->head.attributes[5] = entries ? 0 : j->offset[part / 2];
    return wg_stripe_sink_add(&j->m->sink, &j->head, columns, entries ? 1 : 2, err);
}

static wg_code nodes_put(joiner *j, uint32_t part, bool *out_more, wg_error *err) {
    side *s = &j->sides[part];
    uint32_t rows = 0;
    *out_more = true;
    while (rows < WG_FRAGMENT_ROWS_MAX && *out_more) {
        *out_more = side_node(s);
        uint64_t entry[2];
        uint64_t living = 0;
        for (bool found = *out_more; found; living += found) WG_TRY(side_entry(s, entry, &found, err));
        if (living == 0) continue;
        j->cells[0][rows] = s->node;
        j->cells[1][rows++] = j->offset[part / 2];
        j->offset[part / 2] += living;
    }
    if (!*out_more) WG_TRY(side_finish(s, err));
    return rows == 0 ? WG_OK : piece_put(j, part, rows, err);
}

static wg_code entries_put(joiner *j, uint32_t part, bool *out_more, wg_error *err) {
    side *s = &j->sides[part];
    uint32_t rows = 0;
    *out_more = true;
    while (rows < WG_FRAGMENT_ROWS_MAX) {
        uint64_t entry[2];
        bool found = false;
        if (j->in_node[part]) WG_TRY(side_entry(s, entry, &found, err));
        if (!found) {
            *out_more = j->in_node[part] = side_node(s);
            if (!*out_more) break;
            continue;
        }
        j->cells[0][rows++] = entry[0];
    }
    j->written[part / 2] += rows;
    return rows == 0 ? WG_OK : piece_put(j, part, rows, err);
}

static wg_code pieces_write(joiner *j, wg_error *err) {
    bool more[PARTS] = {true, true, true, true};
    for (j->head.key.slot = 0; more[0] || more[1] || more[2] || more[3]; j->head.key.slot++)
        for (uint32_t part = 0; part < PARTS; part++) {
            if (!more[part]) continue;
            WG_TRY(part % 2 == 0 ? nodes_put(j, part, &more[part], err) : entries_put(j, part, &more[part], err));
        }
    for (int d = 0; d < 2; d++)
        if (j->offset[d] != j->head.attributes[1] || j->written[d] != j->head.attributes[1])
            return wg_error_set(
                err, WG_E_INTERNAL, WG_NO_OFFSET,
                "adjacency of label %u: %llu entries were counted, %llu were written: edges came to life "
                "or died during the merge",
                j->head.key.owner, (unsigned long long)j->head.attributes[1], (unsigned long long)j->written[d]);
    return WG_OK;
}

/* How many entries are left; notes which edges are dead. */
static wg_code living_count(const joined *j, uint64_t *out, wg_error *err) {
    side s;
    uint64_t living = 0;
    wg_code code = side_init(&s, j, 0, j->m, err);
    while (code == WG_OK && side_node(&s)) {
        bool found = true;
        for (uint64_t entry[2]; code == WG_OK && found; living += found) {
            found = false;
            code = side_entry(&s, entry, &found, err);
        }
    }
    if (code == WG_OK) code = side_finish(&s, err);
    side_deinit(&s);
    *out = living;
    return code;
}

static wg_code dead_begin(const joined *j, wg_error *err) {
    const wg_fragment *const *f = j->m->view->fragments;
    j->dead->first = UINT64_MAX;
    for (uint64_t i = j->from; i < j->to; i++) {
        j->dead->first = wg_min_u64(j->dead->first, f[i]->head.attributes[2]);
        j->dead->last = wg_max_u64(j->dead->last, f[i]->head.attributes[3]);
    }
    if (j->m->input->id_is_alive == NULL || j->dead->last < j->dead->first) return WG_OK;
    const uint64_t ids = j->dead->last - j->dead->first;
    if (ids >= DEAD_IDS_MAX) return WG_OK;
    j->dead->bits = wg_alloc_zero(j->m->account, wg_bit_bytes(ids + 1));
    return j->dead->bits == NULL ? wg_error_nomem(err, wg_bit_bytes(ids + 1)) : WG_OK;
}

/* The head that all pieces of the joined run share. */
static wg_fragment_head joined_head(const wgi_view *view, uint64_t from, uint64_t to, uint64_t entries) {
    const wg_fragment *const *f = view->fragments;
    wg_fragment_head head = f[from]->head;
    for (uint64_t i = from; i < to; i++) {
        const uint64_t *attributes = f[i]->head.attributes;
        head.version = wg_max_u64(head.version, f[i]->head.version);
        head.attributes[0] = wg_max_u64(head.attributes[0], attributes[0]);
        head.attributes[2] = wg_min_u64(head.attributes[2], attributes[2]);
        head.attributes[3] = wg_max_u64(head.attributes[3], attributes[3]);
    }
    head.attributes[1] = entries;
    return head;
}

/* Reads what no part has read: the pieces of IN, when nothing is written. */
static wg_code tell_of_rest(wgi_merge *m, uint64_t from, uint64_t to, wg_error *err) {
    uint64_t bytes = 0;
    for (uint64_t i = from; i < to; i++)
        if (m->view->fragments[i]->head.key.part >= 2) bytes += wgi_fragment_bytes(m->view->fragments[i]);
    m->fragments_dropped += to - from;
    return wgi_merge_step(m, bytes, err);
}

static wg_code write_joined(const joined *runs, wg_error *err) {
    wgi_merge *m = runs->m;
    joiner j = {.m = m};
    uint64_t living = 0;
    wg_code code = WG_OK;
    WG_TRY(living_count(runs, &living, err));
    runs->dead->noted = runs->dead->bits != NULL;
    if (living == 0) return tell_of_rest(m, runs->from, runs->to, err);
    j.head = joined_head(m->view, runs->from, runs->to, living);
    for (int i = 0; i < 2; i++) {
        j.cells[i] = wg_alloc(m->account, WG_FRAGMENT_ROWS_MAX * sizeof(uint64_t));
        if (j.cells[i] == NULL) WG_TRY_GOTO(wg_error_nomem(err, WG_FRAGMENT_ROWS_MAX * sizeof(uint64_t)));
    }
    /* The pass ahead has told of OUT; the nodes of IN, which read their entries too, tell of IN. */
    for (uint32_t part = 0; part < PARTS; part++)
        WG_TRY_GOTO(side_init(&j.sides[part], runs, part / 2, part == 2 ? m : NULL, err));
    WG_TRY_GOTO(pieces_write(&j, err));
fail:
    for (uint32_t part = 0; part < PARTS; part++) side_deinit(&j.sides[part]);
    for (int i = 0; i < 2; i++) wg_free(j.cells[i]);
    return code;
}

wg_code wgi_merge_adjacency(wgi_merge *m, uint64_t from, uint64_t to, wg_error *err) {
    for (uint64_t i = from; i < to; i++)
        if (m->view->fragments[i]->head.key.part >= PARTS)
            return corrupt(m->view->fragments[i], "there is no such part", err);
    dead_edges dead = {0};
    const joined runs = {.m = m, .from = from, .to = to, .dead = &dead};
    wg_code code = dead_begin(&runs, err);
    if (code == WG_OK) code = write_joined(&runs, err);
    wg_free(dead.bits);
    return code;
}
