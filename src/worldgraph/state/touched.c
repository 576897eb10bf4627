/* Which keys of a run were touched since a fork or a checkpoint, so that a diff costs what has changed and not what there is.
 *
 * A mark says: version M, and so many keys were noted before it. A commit that replaces a record of version <= M (or none), M of the newest mark,
 * notes the hash of its key: that is the key's first change behind the mark. So every key that was changed behind M was noted
 * behind the mark's place, and who asks for changes since a version >= M looks at those. A hash is enough: the table finds the keys.
 *
 * A mark is set without stopping commits: `touch_below` is raised to the top first, then M is read from run->newest. A commit whose version is
 * above M took it later and so sees the raised value when it looks behind that; it then waits for the list's lock until the
 * mark is there. Who asks waits until every commit that may have a version by now has left its lane, and has its note written.
 *
 * Failure modes: without memory for a note the list is given up until the next mark; so it is when it has grown beyond TOUCHED_MAX.
 * Then, and while a prepared commit is on its way, all keys have to be looked at. */
#include "worldgraph/state/commit_internal.h"

enum { CHUNK_HASHES = 1022, MARKS = 64, TOUCHED_MAX = 1 << 20 };

typedef struct chunk {
    struct chunk *next;
    uint64_t count;
    uint64_t hashes[CHUNK_HASHES];
} chunk;

typedef struct mark {
    uint64_t version;
    uint64_t before; /* keys that were noted before it */
} mark;

struct wgi_touched {
    _Atomic uint32_t lock;
    chunk *first, *last;
    uint64_t dropped; /* keys in chunks that are gone */
    uint64_t count;   /* keys noted, those included */
    mark marks[MARKS];
    uint32_t mark_count; /* 0: given up, nothing is known */
};

static void chunks_free(chunk *first) {
    while (first != NULL) {
        chunk *next = first->next;
        wg_free(first);
        first = next;
    }
}

void wgi_touched_destroy(wgi_touched *touched) {
    if (touched == NULL) return;
    chunks_free(touched->first);
    wg_free(touched);
}

/* With the lock held. Returns what has to be freed without it. */
static chunk *give_up(wg_state_run *run, wgi_touched *t) {
    chunk *gone = t->first;
    atomic_store(&run->touch_below, 0);
    t->first = t->last = NULL;
    t->dropped = t->count = 0;
    t->mark_count = 0;
    return gone;
}

void wgi_touched_forget(wg_state_run *run) {
    wgi_touched *t = atomic_load_explicit(&run->touched, memory_order_acquire);
    if (t == NULL || atomic_load(&run->touch_below) == 0) return;
    wgi_lock(&t->lock);
    chunk *gone = give_up(run, t);
    wgi_unlock(&t->lock);
    chunks_free(gone);
}

/* The run's list; NULL: no memory. */
static wgi_touched *touched_of(wg_state_run *run) {
    wgi_touched *t = atomic_load_explicit(&run->touched, memory_order_acquire);
    if (t != NULL) return t;
    wgi_touched *made = wg_alloc_zero(run->state->account, sizeof *made);
    if (made == NULL) return NULL;
    if (atomic_compare_exchange_strong(&run->touched, &t, made)) return made;
    wg_free(made);
    return t;
}

/* The oldest mark goes, with the chunks that only it needs. Returns these. */
static chunk *oldest_drop(wgi_touched *t) {
    memmove(t->marks, t->marks + 1, (t->mark_count - 1) * sizeof t->marks[0]);
    t->mark_count--;
    chunk *gone = NULL;
    while (t->first != NULL && t->first != t->last && t->dropped + t->first->count <= t->marks[0].before) {
        chunk *c = t->first;
        t->first = c->next;
        t->dropped += c->count;
        c->next = gone;
        gone = c;
    }
    return gone;
}

void wgi_touched_mark(wg_state_run *run) {
    wgi_touched *t = touched_of(run);
    chunk *gone = NULL;
    if (t == NULL) return;
    wgi_lock(&t->lock);
    atomic_store(&run->touch_below, UINT64_MAX); /* seq_cst; pairs with wgi_write_slot */
    const uint64_t newest = atomic_load(&run->newest);
    if (t->mark_count == 0 || t->marks[t->mark_count - 1].version != newest) {
        if (t->mark_count == MARKS) gone = oldest_drop(t);
        t->marks[t->mark_count++] = (mark){newest, t->count};
    }
    atomic_store(&run->touch_below, newest + 1);
    wgi_unlock(&t->lock);
    chunks_free(gone);
}

static bool room_make(wg_state_run *run, wgi_touched *t) {
    if (t->last != NULL && t->last->count < CHUNK_HASHES) return true;
    if (t->count - t->dropped >= TOUCHED_MAX) return false;
    chunk *c = wg_alloc(run->state->account, sizeof *c);
    if (c == NULL) return false;
    c->next = NULL;
    c->count = 0;
    if (t->last == NULL) {
        t->first = c;
    } else {
        t->last->next = c;
    }
    t->last = c;
    return true;
}

void wgi_touched_note(wg_state_run *run, uint64_t hash) {
    wgi_touched *t = atomic_load_explicit(&run->touched, memory_order_acquire);
    chunk *gone = NULL;
    WG_ASSERT(t != NULL); /* it is there before touch_below is raised */
    wgi_lock(&t->lock);
    if (t->mark_count != 0) {
        if (room_make(run, t)) {
            t->last->hashes[t->last->count++] = hash;
            t->count++;
        } else {
            gone = give_up(run, t);
        }
    }
    wgi_unlock(&t->lock);
    chunks_free(gone);
}

/* Until every commit that is under way has left its lane once. */
static void commits_await(wg_state *state) {
    wg_mutex_lock(&state->sessions_mutex);
    for (const wg_state_session *s = state->sessions; s != NULL; s = s->next) {
        uint32_t rounds = 0;
        while (s->lane != NULL && atomic_load(&s->lane->in_commit) != 0) wgi_wait(&rounds);
    }
    wg_mutex_unlock(&state->sessions_mutex);
}

/* Copies the hashes noted from number `from` on. False: no memory. */
static bool hashes_copy(const wgi_touched *t, uint64_t from, wg_buf *out) {
    uint64_t at = t->dropped;
    for (const chunk *c = t->first; c != NULL; c = c->next) {
        const uint64_t skip = from > at ? wg_min_u64(from - at, c->count) : 0;
        if (!wg_buf_append(out, c->hashes + skip, (size_t)(c->count - skip) * sizeof c->hashes[0])) return false;
        at += c->count;
    }
    return true;
}

wg_code wgi_touched_since(wg_state_run *run, uint64_t since, uint64_t most, wg_buf *out, bool *out_known,
                          wg_error *err) {
    wgi_touched *t = atomic_load_explicit(&run->touched, memory_order_acquire);
    *out_known = false;
    if (t == NULL || atomic_load(&run->touch_below) == 0 || atomic_load(&run->state->prepared) != 0) return WG_OK;
    commits_await(run->state);
    wgi_lock(&t->lock);
    uint32_t m = t->mark_count;
    while (m > 0 && t->marks[m - 1].version > since) m--;
    bool copied = true;
    if (m > 0 && t->count - t->marks[m - 1].before <= most) {
        copied = hashes_copy(t, t->marks[m - 1].before, out);
        *out_known = copied;
    }
    wgi_unlock(&t->lock);
    return copied ? WG_OK : wg_error_nomem(err, out->size);
}
