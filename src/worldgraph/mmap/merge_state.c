/* Joining the sets of records of an agents' run. A set holds the records of versions (run, attribute 0], by key, newest first; complete sets that follow
 * one another become one that covers all their versions.
 *
 * A heap of cursors gives the records of all sets in order. Of one key a record is kept when somebody may see it: it was not replaced up
 * to the horizon, or a version that is kept readable (a fork's) lies between it and the record that replaced it. A deletion at or below the
 * horizon goes when nothing older of its key stays, the sets begin at version 0, and no parent's record would show behind it.
 *
 * Memory: the rows of one piece, and a cursor for each set. */
#include "worldgraph/mmap/merge_internal.h"

typedef struct state_cursor {
    uint64_t at; /* position of the view */
    uint64_t end;
    uint32_t row;
    bool found;
    wg_record record;
} state_cursor;

typedef struct state_join {
    wgi_merge *m;
    wg_merge_run run;
    bool bottom;
    state_cursor *cursors;
    uint32_t *heap;
    uint32_t count;
    uint32_t heap_count;
    wg_record_sink *sink;
    /* of the key at hand; its bytes are a mapping's */
    bool has_key;
    wg_slice key;
    uint64_t replaced_by; /* version of the record before it in the stream */
    bool has_pending;     /* a deletion that waits for an older record */
    wg_record pending;
} state_join;

static wg_code corrupt(const wg_fragment *f, const char *what, wg_error *err) {
    const wg_fragment_key *k = &f->head.key;
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                        "stripe %llu: records of run %u above version %llu, piece %llu: %s",
                        (unsigned long long)wg_stripe_id(f->stripe), k->owner, (unsigned long long)k->run,
                        (unsigned long long)k->slot, what);
}

/* By key, newest first. */
static int compare(const wg_record *a, const wg_record *b) {
    const int order = wg_slice_compare(a->key, b->key);
    if (order != 0) return order;
    return a->version == b->version ? 0 : a->version > b->version ? -1 : 1;
}

static void heap_sink(state_join *j, uint32_t at) {
    for (;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < j->heap_count; child++)
            if (compare(&j->cursors[j->heap[child]].record, &j->cursors[j->heap[least]].record) < 0) least = child;
        if (least == at) return;
        const uint32_t moved = j->heap[at];
        j->heap[at] = j->heap[least];
        j->heap[least] = moved;
        at = least;
    }
}

static wg_code cursor_step(state_join *j, state_cursor *c, wg_error *err) {
    const wg_fragment *const *f = j->m->view->fragments;
    const bool had = c->found;
    const wg_record before = c->record;
    while (c->at < c->end && c->row == f[c->at]->head.row_count) {
        WG_TRY(wgi_merge_step(j->m, wgi_fragment_bytes(f[c->at]), err));
        c->at++;
        c->row = 0;
    }
    c->found = c->at < c->end;
    if (!c->found) return WG_OK;
    WG_TRY(wg_record_read(f[c->at], c->row++, &c->record, err));
    return had && compare(&before, &c->record) >= 0 ? corrupt(f[c->at], "records out of order", err) : WG_OK;
}

static wg_code cursor_begin(state_join *j, uint64_t at, uint64_t end, wg_error *err) {
    const wg_fragment *const *f = j->m->view->fragments;
    for (uint64_t i = at; i < end; i++)
        if (f[i]->head.key.slot != i - at || f[i]->head.key.part != 0)
            return corrupt(f[i], "a piece is missing before it", err);
    state_cursor *c = &j->cursors[j->count++];
    *c = (state_cursor){.at = at, .end = end};
    WG_TRY(cursor_step(j, c, err));
    if (c->found) j->heap[j->heap_count++] = j->count - 1;
    return WG_OK;
}

/* ---- what stays */

static bool is_seen(const state_join *j, const wg_record *r) {
    if (j->replaced_by > j->run.horizon) return true;
    uint32_t from = 0;
    for (uint32_t to = j->run.kept_count; from < to;) { /* the first kept version at or above it */
        const uint32_t middle = from + (to - from) / 2;
        if (j->run.kept[middle] < r->version) from = middle + 1;
        else to = middle;
    }
    return from < j->run.kept_count && j->run.kept[from] < j->replaced_by;
}

static wg_code pending_put(state_join *j, wg_error *err) {
    if (!j->has_pending) return WG_OK;
    j->has_pending = false;
    return wg_record_sink_add(j->sink, &j->pending, err);
}

static wg_code record_put(state_join *j, const wg_record *r, wg_error *err) {
    const bool same = j->has_key && wg_slice_equal(j->key, r->key);
    if (!same) {
        j->m->rows_dropped += j->has_pending; /* nothing older came */
        j->has_pending = false;
        j->replaced_by = UINT64_MAX;
    }
    j->has_key = true;
    j->key = r->key;
    const bool seen = is_seen(j, r);
    j->replaced_by = r->version;
    if (!seen) {
        j->m->rows_dropped++;
        return WG_OK;
    }
    WG_TRY(pending_put(j, err));
    if (!r->deleted || !j->bottom || r->version > j->run.horizon) return wg_record_sink_add(j->sink, r, err);
    j->has_pending = true;
    j->pending = *r;
    return WG_OK;
}

static wg_code join_all(state_join *j, wg_error *err) {
    while (j->heap_count > 0) {
        state_cursor *c = &j->cursors[j->heap[0]];
        WG_TRY(record_put(j, &c->record, err));
        WG_TRY(cursor_step(j, c, err));
        if (!c->found) j->heap[0] = j->heap[--j->heap_count];
        heap_sink(j, 0);
    }
    j->m->rows_dropped += j->has_pending;
    return WG_OK;
}

/* ---- the whole */

static wg_code join_begin(state_join *j, uint64_t from, uint64_t to, wg_error *err) {
    const wg_fragment *const *f = j->m->view->fragments;
    uint32_t sets = 1;
    for (uint64_t i = from + 1; i < to; i++) sets += f[i]->head.key.run != f[i - 1]->head.key.run;
    j->cursors = wg_alloc_zero(j->m->account, sets * sizeof *j->cursors);
    j->heap = wg_alloc(j->m->account, sets * sizeof *j->heap);
    if (j->cursors == NULL || j->heap == NULL) return wg_error_nomem(err, sets * sizeof *j->cursors);
    wg_fragment_head head = f[from]->head;
    memcpy(head.attributes, f[to - 1]->head.attributes, sizeof head.attributes);
    for (uint64_t i = from; i < to; i++) head.version = wg_max_u64(head.version, f[i]->head.version);
    WG_TRY(wg_record_sink_create(&j->m->sink, &head, j->m->account, &j->sink, err));
    for (uint64_t at = from; at < to;) {
        uint64_t end = at;
        while (end < to && f[end]->head.key.run == f[at]->head.key.run) end++;
        WG_TRY(cursor_begin(j, at, end, err));
        at = end;
    }
    for (uint32_t i = j->heap_count; i-- > 0;) heap_sink(j, i);
    return WG_OK;
}

wg_code wgi_merge_state(wgi_merge *m, uint64_t from, uint64_t to, wg_error *err) {
    const wg_fragment_key *first = &m->view->fragments[from]->head.key;
    state_join j = {.m = m, .run = {.has_parent = true}};
    uint64_t pieces = 0;
    if (m->input->run_of != NULL) m->input->run_of(m->input->ctx, first->owner, &j.run);
    j.bottom = first->run == 0 && !j.run.has_parent;
    wg_code code = join_begin(&j, from, to, err);
    if (code == WG_OK) code = join_all(&j, err);
    if (code == WG_OK) code = wg_record_sink_finish(j.sink, &pieces, err);
    if (code == WG_OK && pieces == 0) m->fragments_dropped += to - from;
    wg_record_sink_destroy(j.sink);
    wg_free(j.cursors);
    wg_free(j.heap);
    return code;
}
