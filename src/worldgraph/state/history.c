/* Replaced records: chunks of 256 KiB that sessions fill, a bound on all of them, and the few records that outlive it for a pin.
 *
 * A position names a chunk by number and a byte in it. Numbers are never given twice, the memory of chunks is: a reader copies a record
 * and then looks at the chunk's number again. A chain of positions leads from each slot to older and older records; where it comes
 * to a chunk that was forgotten, the reader asks `kept`, and answers WG_E_EXPIRED when it has nothing: never an older or newer value.
 *
 * Forgetting takes the oldest closed chunk and looks at each record that lies in it (or, when all are of one run whose pins are all
 * newer, at none). For each pin p of its run below the version that replaced it, the record that p sees goes to `kept` first:
 * the record itself, one further down its chain (chunks of several sessions are not forgotten in the order of the chain), or the
 * mark that the key was absent. The run's horizon rises before pins are looked at, a pin is entered before the horizon
 * is looked at: one of the two sees the other.
 *
 * Failure modes: no memory for a kept record: the chunk stays, over the bound. */
#include "worldgraph/state/history_internal.h"

enum { KEPT_BUCKETS_FIRST = 64, CHUNKS_IN_BLOCK = 8, NUMBERS_MIN = 8192, LARGE_BYTES_MAX = 1 << 20 };
_Static_assert(offsetof(wgi_history_chunk, words) == WGI_HISTORY_HEAD, "records begin behind the head");
_Static_assert(WGI_HISTORY_CHUNK_BYTES == 1 << WGI_HISTORY_SHIFT, "a byte's place fits below the number");

typedef struct memory_block {
    struct memory_block *next;
    void *data;
} memory_block;

struct wgi_history {
    wg_state *state;
    wg_mutex mutex;                       /* chunks, forgetting */
    _Atomic(wgi_history_chunk *) *chunks; /* by number & mask */
    uint64_t mask;
    uint64_t next_number;
    wgi_history_chunk *free;
    wgi_history_chunk *oldest, *newest; /* closed ones */
    memory_block *blocks;
    _Atomic uint64_t live_bytes, forgotten;
    uint64_t bytes_max;
    wgi_readings readings;
    _Atomic uint32_t kept_lock;
    wgi_kept **kept;
    uint32_t kept_buckets, kept_at;
    _Atomic uint64_t kept_count;
};

/* ---- kept */

static bool kept_is(const wgi_kept *k, const wg_state_run *run, const wg_state_key *key) {
    return k->run == run && k->hash == key->hash && wg_slice_equal(wgi_words_key(k->record.words), key->bytes);
}

static bool kept_covers(const wgi_kept *k, uint64_t snapshot) {
    return snapshot < k->record.replaced_by && (k->absent || wgi_record_version(&k->record) <= snapshot);
}

static wgi_kept *kept_lookup(const wgi_history *h, const wg_state_run *run, const wg_state_key *key,
                             uint64_t snapshot) {
    if (h->kept == NULL) return NULL;
    wgi_kept *k = h->kept[key->hash & (h->kept_buckets - 1)];
    while (k != NULL && !(kept_is(k, run, key) && kept_covers(k, snapshot))) k = k->next;
    return k;
}

bool wgi_kept_find(wgi_history *h, const wg_state_run *run, const wg_state_key *key, uint64_t snapshot,
                   wgi_found *out_found, wgi_record *out) {
    if (atomic_load_explicit(&h->kept_count, memory_order_acquire) == 0) return false;
    wgi_lock(&h->kept_lock);
    const wgi_kept *k = kept_lookup(h, run, key, snapshot);
    if (k != NULL) {
        *out = k->record;
        *out_found = k->absent ? WGI_ABSENT : WGI_FOUND;
    }
    wgi_unlock(&h->kept_lock);
    return k != NULL;
}

bool wgi_kept_before(wgi_history *h, const wg_state_run *run, const wg_state_key *key, uint64_t below,
                     wgi_record *out) {
    if (atomic_load_explicit(&h->kept_count, memory_order_acquire) == 0) return false;
    const wgi_kept *best = NULL;
    wgi_lock(&h->kept_lock);
    for (const wgi_kept *k = h->kept[key->hash & (h->kept_buckets - 1)]; k != NULL; k = k->next) {
        if (k->absent || !kept_is(k, run, key) || wgi_record_version(&k->record) >= below) continue;
        if (best == NULL || wgi_record_version(&best->record) < wgi_record_version(&k->record)) best = k;
    }
    if (best != NULL) *out = best->record;
    wgi_unlock(&h->kept_lock);
    return best != NULL;
}

static void kept_grow(wgi_history *h) {
    if (h->kept != NULL && atomic_load_explicit(&h->kept_count, memory_order_relaxed) < h->kept_buckets) return;
    const uint32_t buckets = h->kept == NULL ? KEPT_BUCKETS_FIRST : h->kept_buckets * 2;
    wgi_kept **grown = wg_alloc_zero(h->state->account, buckets * sizeof(wgi_kept *));
    if (grown == NULL) return; /* longer chains; without any table the caller fails */
    wgi_lock(&h->kept_lock);
    for (uint32_t i = 0; i < h->kept_buckets; i++)
        for (wgi_kept *k = h->kept[i], *next; k != NULL; k = next) {
            next = k->next;
            k->next = grown[k->hash & (buckets - 1)];
            grown[k->hash & (buckets - 1)] = k;
        }
    wgi_kept **old = h->kept;
    h->kept = grown;
    h->kept_buckets = buckets;
    wgi_unlock(&h->kept_lock);
    wg_free(old);
}

static bool kept_add(wgi_history *h, const wg_state_run *run, const wg_state_key *key, const wgi_record *record,
                     bool absent) {
    kept_grow(h);
    wgi_kept *k = h->kept == NULL ? NULL : wg_alloc(h->state->account, sizeof *k);
    if (k == NULL) return false;
    *k = (wgi_kept){.run = run, .hash = key->hash, .absent = absent, .record = *record};
    if (absent) k->record.words[0] &= ~WGI_FLAG_BLOCK; /* holds no value */
    wgi_block_hold(wgi_words_block(k->record.words));
    wgi_block_hold(wgi_words_key_block(k->record.words));
    wgi_lock(&h->kept_lock);
    wgi_kept **bucket = &h->kept[key->hash & (h->kept_buckets - 1)];
    k->next = *bucket;
    *bucket = k;
    wgi_unlock(&h->kept_lock);
    atomic_fetch_add_explicit(&h->kept_count, 1, memory_order_release);
    return true;
}

static void kept_free(wgi_history *h, wgi_kept *k) {
    wgi_block_release(h->state, wgi_words_block(k->record.words));
    wgi_block_release(h->state, wgi_words_key_block(k->record.words));
    wg_free(k);
    atomic_fetch_sub_explicit(&h->kept_count, 1, memory_order_relaxed);
}

/* Takes those out of a bucket that nobody needs: of `run`, or, with run NULL, those that no pin sees. */
static void bucket_sweep(wgi_history *h, uint32_t at, const wg_state_run *run) {
    wgi_kept *gone = NULL;
    wgi_lock(&h->kept_lock);
    for (wgi_kept **link = &h->kept[at]; *link != NULL;) {
        wgi_kept *k = *link;
        const uint64_t version = k->absent ? 0 : wgi_record_version(&k->record);
        bool drop = k->run == run;
        if (run == NULL) {
            wg_state_run *of = wg_slots_get(&h->state->runs, (uint32_t)k->record.words[1] >> 8);
            drop = of != k->run || wgi_pins_from(of, &h->readings, version) >= k->record.replaced_by;
        }
        if (!drop) {
            link = &k->next;
            continue;
        }
        *link = k->next;
        k->next = gone;
        gone = k;
    }
    wgi_unlock(&h->kept_lock);
    while (gone != NULL) {
        wgi_kept *next = gone->next;
        kept_free(h, gone);
        gone = next;
    }
}

bool wgi_kept_collect(wgi_history *h, uint32_t buckets) {
    bool more = false;
    wg_mutex_lock(&h->mutex);
    if (h->kept != NULL && atomic_load_explicit(&h->kept_count, memory_order_relaxed) != 0) {
        wgi_readings_gather(h->state, &h->readings);
        const uint32_t inside = wg_epoch_enter(h->state->epoch); /* runs may go */
        for (uint32_t i = 0; i < buckets && h->kept_at < h->kept_buckets; i++) bucket_sweep(h, h->kept_at++, NULL);
        wg_epoch_leave(h->state->epoch, inside);
        more = h->kept_at < h->kept_buckets;
        if (!more) h->kept_at = 0;
    }
    wg_mutex_unlock(&h->mutex);
    return more;
}

void wgi_kept_drop_run(wgi_history *h, const wg_state_run *run) {
    wg_mutex_lock(&h->mutex);
    for (uint32_t i = 0; i < h->kept_buckets; i++) bucket_sweep(h, i, run);
    wg_mutex_unlock(&h->mutex);
}

/* ---- reading */

static bool record_load(const wgi_history_chunk *c, size_t byte, wgi_record *out) {
    const _Atomic uint64_t *p = c->words + (byte - WGI_HISTORY_HEAD) / 8;
    out->history = wgi_load(p);
    out->time_us = wgi_load(p + 1);
    out->replaced_by = wgi_load(p + 2);
    out->words[0] = wgi_load(p + WGI_HISTORY_META);
    out->words[1] = wgi_load(p + WGI_HISTORY_META + 1);
    const uint32_t used = wgi_words_used(out->words[0], out->words[1]);
    if (used > WGI_SLOT_WORDS || byte / 8 + WGI_HISTORY_META + used > WGI_HISTORY_CHUNK_BYTES / 8)
        return false; /* torn */
    for (uint32_t i = 2; i < used; i++) out->words[i] = wgi_load(p + WGI_HISTORY_META + i);
    return true;
}

static size_t record_bytes(const wgi_record *r) {
    return 8 * (size_t)(WGI_HISTORY_META + wgi_words_used(r->words[0], r->words[1]));
}

bool wgi_history_read(const wgi_history *h, uint64_t position, wgi_record *out) {
    const uint64_t number = position >> WGI_HISTORY_SHIFT;
    wgi_history_chunk *c = atomic_load_explicit(&h->chunks[number & h->mask], memory_order_acquire);
    if (c == NULL || atomic_load_explicit(&c->number, memory_order_acquire) != number) return false;
    return record_load(c, (size_t)(position & (WGI_HISTORY_CHUNK_BYTES - 1)), out) &&
           atomic_load_explicit(&c->number, memory_order_relaxed) == number;
}

_Atomic uint64_t *wgi_history_link(const wgi_history *h, uint64_t position, uint64_t *out_version) {
    wgi_history_chunk *c =
        atomic_load_explicit(&h->chunks[(position >> WGI_HISTORY_SHIFT) & h->mask], memory_order_acquire);
    WG_ASSERT(c != NULL && atomic_load(&c->number) == position >> WGI_HISTORY_SHIFT);
    _Atomic uint64_t *p = c->words + ((position & (WGI_HISTORY_CHUNK_BYTES - 1)) - WGI_HISTORY_HEAD) / 8;
    *out_version = wgi_version_of(wgi_load(p + WGI_HISTORY_META));
    return p;
}

/* What is older than `restored` has gaps, but for what is pinned; older deletions than `purged` are gone. */
static bool run_is_whole_at(const wg_state_run *run, uint64_t snapshot) {
    return snapshot >= atomic_load_explicit(&run->restored, memory_order_acquire) || wgi_pins_has(run, snapshot);
}

wgi_found wgi_history_walk(const wg_state_run *run, const wg_state_key *key, uint64_t position, uint64_t snapshot,
                           wgi_record *out) {
    wgi_history *h = run->state->history;
    while (position != 0) {
        if (!wgi_history_read(h, position, out)) {
            wgi_found found = WGI_EXPIRED;
            return wgi_kept_find(h, run, key, snapshot, &found, out) ? found : WGI_EXPIRED;
        }
        if (wgi_record_version(out) <= snapshot) break;
        position = out->history;
    }
    if (!run_is_whole_at(run, snapshot)) return WGI_EXPIRED;
    return position == 0 ? WGI_ABSENT : WGI_FOUND;
}

/* ---- forgetting */

/* Keeps, for pin p of the run, what it sees of the key of `r`, when that is `r` or lies behind it. False: no memory. */
static bool keep_for_pin(wgi_history *h, wg_state_run *run, const wg_state_key *key, const wgi_record *r,
                         uint64_t p) {
    if (kept_lookup(h, run, key, p) != NULL) return true; /* changed under the mutex only: no lock to read */
    wgi_record seen = *r;
    while (wgi_record_version(&seen) > p) {
        const wgi_record newer = seen;
        if (newer.history == 0) {
            seen.replaced_by = wgi_record_version(&newer);
            return kept_add(h, run, key, &seen, true);
        }
        if (!wgi_history_read(h, newer.history, &seen)) return true; /* was looked at when it was forgotten */
    }
    return kept_add(h, run, key, &seen, false);
}

static bool record_forget(wgi_history *h, wgi_record *r) {
    wg_state_run *run = wg_slots_get(&h->state->runs, (uint32_t)r->words[1] >> 8);
    if (run == NULL) return true;
    wgi_raise(&run->horizon, r->replaced_by);
    if (wgi_pins_from(run, &h->readings, 0) >= r->replaced_by) return true;
    const wg_state_key key = {wgi_words_key(r->words), wgi_words_hash(run->table, r->words)};
    for (uint64_t p = wgi_pins_from(run, &h->readings, 0); p < r->replaced_by;
         p = wgi_pins_from(run, &h->readings, p + 1))
        if (!keep_for_pin(h, run, &key, r, p)) return false;
    return true;
}

static bool chunk_keep_pinned(wgi_history *h, const wgi_history_chunk *c) {
    if (!c->mixed) {
        wg_state_run *run = wg_slots_get(&h->state->runs, c->run);
        if (run == NULL) return true;
        wgi_raise(&run->horizon, c->replaced_by);
        if (wgi_pins_from(run, &h->readings, 0) >= c->replaced_by) return true;
    }
    for (size_t at = WGI_HISTORY_HEAD; at < c->used;) {
        wgi_record r;
        if (!record_load(c, at, &r)) WG_UNREACHABLE("a chunk of ours is whole");
        if (!record_forget(h, &r)) return false;
        at += record_bytes(&r);
    }
    return true;
}

static void chunk_release_blocks(wgi_history *h, const wgi_history_chunk *c) {
    for (size_t at = WGI_HISTORY_HEAD; c->has_blocks && at < c->used;) {
        wgi_record r;
        if (!record_load(c, at, &r)) WG_UNREACHABLE("a chunk of ours is whole");
        at += record_bytes(&r);
        wgi_block_release(h->state, wgi_words_block(r.words));
        wgi_block_release(h->state, wgi_words_key_block(r.words));
    }
}

/* The oldest closed chunk; false: it has to stay. Under the mutex, inside the epoch (runs may go). */
static bool oldest_forget(wgi_history *h) {
    wgi_history_chunk *c = h->oldest;
    const uint64_t number = atomic_load_explicit(&c->number, memory_order_relaxed);
    if (!chunk_keep_pinned(h, c)) return false;
    atomic_store_explicit(&c->number, 0, memory_order_release);
    atomic_store_explicit(&h->chunks[number & h->mask], NULL, memory_order_release);
    chunk_release_blocks(h, c); /* from here on nobody begins to look at them */
    h->oldest = c->next;
    if (h->oldest == NULL) h->newest = NULL;
    atomic_fetch_sub_explicit(&h->live_bytes, WGI_HISTORY_CHUNK_BYTES + c->large_bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->forgotten, c->records, memory_order_relaxed);
    c->next = h->free;
    h->free = c;
    return true;
}

/* ---- chunks */

static wg_code memory_add(wgi_history *h, wg_error *err) {
    memory_block *block = wg_alloc(h->state->account, sizeof *block);
    if (block == NULL) return wg_error_nomem(err, sizeof *block);
    uint8_t *data = wg_page_take(h->state->pages, true);
    if (data == NULL) {
        wg_free(block);
        return wg_error_nomem(err, WG_HUGE_PAGE_BYTES);
    }
    *block = (memory_block){h->blocks, data};
    h->blocks = block;
    for (uint32_t i = CHUNKS_IN_BLOCK; i-- > 0;) {
        wgi_history_chunk *c = (wgi_history_chunk *)(void *)(data + (size_t)i * WGI_HISTORY_CHUNK_BYTES);
        c->next = h->free;
        h->free = c;
    }
    return WG_OK;
}

/* A number whose place is free; false: none is. */
static bool number_take(wgi_history *h, uint64_t *out) {
    for (uint64_t i = 0; i <= h->mask; i++) {
        const uint64_t number = h->next_number++;
        if (atomic_load_explicit(&h->chunks[number & h->mask], memory_order_relaxed) != NULL) continue;
        *out = number;
        return true;
    }
    return false;
}

static wg_code chunk_take(wgi_history *h, wgi_history_chunk **out, wg_error *err) {
    uint64_t number;
    wgi_readings_gather(h->state, &h->readings);
    const uint32_t inside = wg_epoch_enter(h->state->epoch);
    while (h->oldest != NULL &&
           atomic_load_explicit(&h->live_bytes, memory_order_relaxed) + WGI_HISTORY_CHUNK_BYTES > h->bytes_max)
        if (!oldest_forget(h)) break;
    wg_epoch_leave(h->state->epoch, inside);
    if (h->free == NULL) WG_TRY(memory_add(h, err));
    if (!number_take(h, &number))
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %llu chunks of history at once",
                            (unsigned long long)h->mask);
    wgi_history_chunk *c = h->free;
    h->free = c->next;
    c->next = NULL;
    c->large_bytes = 0;
    c->replaced_by = 0;
    c->used = WGI_HISTORY_HEAD;
    c->records = 0;
    c->run = UINT32_MAX;
    c->base = number << WGI_HISTORY_SHIFT;
    c->mixed = false;
    c->has_blocks = false;
    atomic_store_explicit(&h->chunks[number & h->mask], c, memory_order_release);
    atomic_store_explicit(&c->number, number, memory_order_release); /* pairs with wgi_history_read */
    atomic_fetch_add_explicit(&h->live_bytes, WGI_HISTORY_CHUNK_BYTES, memory_order_relaxed);
    *out = c;
    return WG_OK;
}

/* The head of the writer's chunk learns of all its records. Versions of a run rise, so the last record of one shape has the highest of them. */
static void writer_settle(wgi_writer *writer) {
    wgi_history_chunk *c = writer->chunk;
    if (c == NULL || writer->at == writer->settled) return;
    const _Atomic uint64_t *last = (const _Atomic uint64_t *)(writer->at - writer->bytes);
    const uint64_t replaced_by = wgi_load(last + 2);
    c->records += (uint32_t)((writer->at - writer->settled) / writer->bytes);
    if (c->replaced_by < replaced_by) c->replaced_by = replaced_by;
    c->used = (uint32_t)(writer->at - (uintptr_t)c);
    writer->settled = writer->at;
}

void wgi_history_reshape(wgi_writer *writer, uint64_t shape) {
    wgi_history_chunk *c = writer->chunk;
    const uint64_t word0 = shape & UINT64_C(0xffe0), word1 = shape >> 16;
    writer_settle(writer);
    if (c->run != (uint32_t)word1 >> 8) {
        c->mixed = c->mixed || c->records != 0;
        c->run = (uint32_t)word1 >> 8;
    }
    writer->shape = shape;
    writer->usual = word1 << 32 | word0 | WG_TYPE_BYTES;
    writer->bytes = 8 * (uint64_t)(WGI_HISTORY_META + wgi_words_used(word0, word1));
}

static void chunk_close(wgi_history *h, wgi_history_chunk *c) {
    c->next = NULL;
    atomic_fetch_add_explicit(&h->live_bytes, c->large_bytes, memory_order_relaxed);
    if (h->newest == NULL) h->oldest = c;
    else h->newest->next = c;
    h->newest = c;
}

/* The next of the writer's ready chunks becomes its open one. */
static void writer_turn(wgi_history *h, wgi_writer *writer) {
    writer_settle(writer);
    if (writer->chunk != NULL) chunk_close(h, writer->chunk);
    wgi_history_chunk *c = writer->ready;
    writer->ready = c->next;
    writer->ready_count--;
    c->next = NULL;
    writer->chunk = c;
    writer->at = writer->settled = (uintptr_t)c + WGI_HISTORY_HEAD;
    writer->end = (uintptr_t)c + WGI_HISTORY_CHUNK_BYTES;
    writer->position = c->base | WGI_HISTORY_HEAD;
    writer->shape = WGI_NO_SHAPE;
    writer->usual = 0;
}

wg_code wgi_history_reserve_slow(wg_state *state, wgi_writer *writer, uint32_t records, wg_error *err) {
    wgi_history *h = state->history;
    wg_code code = WG_OK;
    const uint32_t per_chunk = (WGI_HISTORY_CHUNK_BYTES - WGI_HISTORY_HEAD) / WGI_RECORD_BYTES_MAX;
    const uint32_t wanted =
        records / per_chunk + 1; /* whole ones: the open chunk may be full up to its last record */
    wg_mutex_lock(&h->mutex);
    while (writer->ready_count < wanted) {
        wgi_history_chunk *c = NULL;
        WG_TRY_GOTO(chunk_take(h, &c, err));
        c->next = writer->ready;
        writer->ready = c;
        writer->ready_count++;
    }
    if (records <= per_chunk) writer_turn(h, writer);
fail:
    wg_mutex_unlock(&h->mutex);
    if (!state->options.keeps_until_stored && !state->filling) (void)wg_state_collect(state); /* nobody else does */
    return code;
}

void wgi_history_turn(wg_state *state, wgi_writer *writer) {
    WG_ASSERT(writer->ready != NULL); /* the room was reserved */
    wg_mutex_lock(&state->history->mutex);
    writer_turn(state->history, writer);
    wg_mutex_unlock(&state->history->mutex);
}

void wgi_history_append_blocks(wgi_writer *writer, const wgi_slot *slot, uint64_t word0) {
    uint64_t words[WGI_SLOT_WORDS];
    wgi_slot_copy(slot, words);
    words[0] = word0;
    const wgi_block *block = wgi_words_block(words);
    writer->chunk->has_blocks = true;
    if (block != NULL) writer->chunk->large_bytes += block->size;
    if (writer->chunk->large_bytes > LARGE_BYTES_MAX) writer->end = 0; /* large ones are forgotten a few at a time */
    wgi_block_hold(wgi_words_key_block(words));
}

void wgi_history_close(wg_state *state, wgi_writer *writer) {
    wgi_history *h = state->history;
    wg_mutex_lock(&h->mutex);
    writer_settle(writer);
    if (writer->chunk != NULL) chunk_close(h, writer->chunk);
    while (writer->ready != NULL) {
        wgi_history_chunk *c = writer->ready;
        writer->ready = c->next;
        chunk_close(h, c);
    }
    writer->chunk = NULL;
    writer->at = writer->end = writer->settled = 0;
    writer->ready_count = 0;
    wg_mutex_unlock(&h->mutex);
    wg_free(writer->segments);
    writer->segments = NULL;
    writer->segment_room = 0;
}

/* ---- life */

uint64_t wgi_history_bytes(const wgi_history *h) {
    return atomic_load_explicit(&h->live_bytes, memory_order_relaxed) +
           atomic_load_explicit(&h->kept_count, memory_order_relaxed) * sizeof(wgi_kept);
}

uint64_t wgi_history_forgotten(const wgi_history *h) {
    return atomic_load_explicit(&h->forgotten, memory_order_relaxed);
}

wg_code wgi_history_create(wg_state *state, wgi_history **out, wg_error *err) {
    wgi_history *h = wg_alloc_zero(state->account, sizeof *h);
    if (h == NULL) return wg_error_nomem(err, sizeof *h);
    h->state = state;
    h->bytes_max = state->options.history_bytes_max == 0 ? UINT64_C(64) << 20 : state->options.history_bytes_max;
    uint64_t numbers = NUMBERS_MIN;
    while (numbers < (UINT64_C(1) << 24) && numbers < 4 * (h->bytes_max >> WGI_HISTORY_SHIFT)) numbers *= 2;
    h->mask = numbers - 1;
    h->next_number = 1;
    h->chunks = wg_alloc_zero(state->account, numbers * sizeof h->chunks[0]);
    if (h->chunks == NULL) {
        wg_free(h);
        return wg_error_nomem(err, numbers * sizeof h->chunks[0]);
    }
    wg_mutex_init(&h->mutex, WGI_RANK_HISTORY);
    *out = h;
    return WG_OK;
}

void wgi_history_destroy(wgi_history *h) {
    if (h == NULL) return;
    for (wgi_history_chunk *c = h->oldest; c != NULL; c = c->next) chunk_release_blocks(h, c);
    for (uint32_t i = 0; i < h->kept_buckets; i++)
        for (wgi_kept *k = h->kept[i], *next; k != NULL; k = next) {
            next = k->next;
            kept_free(h, k);
        }
    wg_free(h->kept);
    while (h->blocks != NULL) {
        memory_block *block = h->blocks;
        h->blocks = block->next;
        wg_page_give(h->state->pages, block->data);
        wg_free(block);
    }
    wg_free(h->readings.items);
    wg_free(h->chunks);
    wg_mutex_deinit(&h->mutex);
    wg_free(h);
}
