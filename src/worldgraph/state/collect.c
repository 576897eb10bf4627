/* Housekeeping: deletions that nobody needs, keys of dropped runs, kept records without a pin; and the figures.
 *
 * The table is walked in the order of hashes, a few segments a call, round after round. A deletion is purged when it is at or below every
 * snapshot that can still be asked for to good effect: no short snapshot is older than it, and no pin that sees what it hides; checkpoints have it, and the parents of its run
 * show nothing that it hides (what they show at the fork is pinned and does not change). A dropped run's keys go when nothing
 * but the state holds it; it goes itself when a whole round has passed.
 *
 * Where no thread does this (IN_MEMORY), commits do: one that finds its segment full purges that before it would be split, so a table with deletions
 * grows with the keys that are there and not with those that were; and every chunk of history that was filled makes one call.
 *
 * Failure modes: no memory to rebuild a segment: it stays until a later round. */
#include "worldgraph/state/commit_internal.h"

enum { SEGMENTS_A_CALL = 64, BUCKETS_A_CALL = 256, NODES_A_CALL = 4096 };

typedef struct sweep {
    wg_state *state;
    wgi_readings readings;
    bool has_dead;
} sweep;

static bool run_is_dead(const wg_state_run *run) {
    return atomic_load(&run->dropped) && atomic_load_explicit(&run->holds, memory_order_acquire) == 1;
}

/* Whether a fork's deletion hides something. No commit that has marked a slot waits for the lock of the segment that is held here. */
static bool parents_show(const wg_state_run *run, const uint64_t *words) {
    const wg_state_key key = {wgi_words_key(words), wgi_words_hash(run->table, words)};
    wgi_record record;
    const wg_state_run *of;
    const wgi_found found = wgi_fork_get(run, &key, WG_LOGSEQ_NEVER, &record, &of);
    return found != WGI_ABSENT && found != WGI_DELETED;
}

enum { PINS_ASKED = 64 };

/* Whether a snapshot from before the deletion shows something that it hides. Those of sessions are not asked what they see: they could not say
 * afterwards that it was nothing. Pins can. */
static bool snapshots_need(const sweep *s, wg_state_run *run, const uint64_t *words, uint64_t history) {
    static const wgi_readings none = {0};
    const uint64_t version = wgi_version_of(words[0]);
    if (wgi_pins_from(run, &none, 0) >= version) return wgi_pins_from(run, &s->readings, 0) < version;
    for (uint32_t i = 0; i < s->readings.count; i++)
        if (s->readings.items[i].run == run && s->readings.items[i].version < version) return true;
    const wg_state_key key = {wgi_words_key(words), wgi_words_hash(run->table, words)};
    uint32_t asked = 0;
    for (uint64_t p = wgi_pins_from(run, &none, 0); p < version; p = wgi_pins_from(run, &none, p + 1)) {
        wgi_record record;
        if (asked++ == PINS_ASKED) return true;
        if (wgi_history_walk(run, &key, history, p, &record) != WGI_ABSENT) return true;
    }
    return false;
}

static bool deletion_is_needed(const sweep *s, wg_state_run *run, const uint64_t *words, uint64_t history) {
    const uint64_t version = wgi_version_of(words[0]);
    const wg_state_options *options = &s->state->options;
    if (options->keeps_until_stored && atomic_load(&run->stored) < version) return true;
    if (options->readers_wait_for_durable && atomic_load(&run->durable) < version) return true;
    if (snapshots_need(s, run, words, history)) return true; /* and `purged` stays: those snapshots are whole */
    if (run->parent != NULL && parents_show(run, words)) return true;
    /* Those who come later read at the newest version; a pin that is entered now looks at `purged` after it is there. */
    wgi_raise(&run->purged, version);
    return snapshots_need(s, run, words, history);
}

static bool slot_is_gone(void *ctx, const uint64_t *words, uint64_t history) {
    const sweep *s = ctx;
    const uint32_t number = (uint32_t)words[1] >> 8;
    wg_state_run *run = wg_slots_get(&s->state->runs, number);
    if (run == NULL) return true;
    if (atomic_load(&s->state->prepared) != 0) return false;
    if (run_is_dead(run)) return true;
    if ((words[0] & WGI_FLAG_DELETED) == 0 || deletion_is_needed(s, run, words, history)) return false;
    const wg_state_key key = {wgi_words_key(words), wgi_words_hash(run->table, words)};
    wgi_order_remove(run, &key);
    return true;
}

/* Whether the segment has anything that may go, without its lock: a hint. */
static bool segment_is_worth(const sweep *s, const wgi_place *place) {
    if (atomic_load_explicit(&place->header->deleted, memory_order_relaxed) != 0) return true;
    for (uint32_t i = 0; s->has_dead && i < WGI_SLOTS; i++) {
        if (wgi_load(&place->slots[i].words[0]) == 0) continue;
        const wg_state_run *run = wg_slots_get(&s->state->runs, (uint32_t)wgi_load(&place->slots[i].words[1]) >> 8);
        if (run != NULL && run_is_dead(run)) return true;
    }
    return false;
}

/* Some segments further; false: a round is over. */
static bool sweep_on(sweep *s) {
    wg_state *state = s->state;
    for (uint32_t i = 0; i < SEGMENTS_A_CALL; i++) {
        const uint64_t hash = state->collect_at;
        const wgi_place place = wgi_place_of(state->table, hash);
        const uint32_t depth =
            wg_min_size(place.header->depth, 63) == 0 ? 1 : (uint32_t)wg_min_size(place.header->depth, 63);
        if (segment_is_worth(s, &place)) (void)wgi_segment_purge(state->table, hash, place.segment, slot_is_gone, s);
        const uint64_t step = UINT64_C(1) << (64 - depth);
        const uint64_t next =
            (hash & ~(step - 1)) + step; /* a split meanwhile: its other half waits for the next round */
        state->collect_at = next;
        if (next == 0) return false;
    }
    return true;
}

/* Dropped runs: whether any still has keys in the table; those that had a whole round go. */
static bool dead_runs(wg_state *state) {
    wg_state_run *done = NULL;
    bool waiting = false;
    wg_mutex_lock(&state->runs_mutex);
    for (wg_state_run **link = &state->dead; *link != NULL;) {
        wg_state_run *run = *link;
        if (atomic_load_explicit(&run->holds, memory_order_acquire) != 1) { /* forks or handles need it */
            run->dead_since = 0;
            link = &run->next_dead;
            continue;
        }
        if (run->dead_since == 0) run->dead_since = state->collect_round + 2; /* the round under way is not whole */
        if (run->dead_since > state->collect_round || wgi_order_drop_some(run->order, NODES_A_CALL)) {
            waiting = true;
            link = &run->next_dead;
            continue;
        }
        *link = run->next_dead;
        run->next_dead = done;
        done = run;
    }
    wg_mutex_unlock(&state->runs_mutex);
    while (done != NULL) {
        wg_state_run *next = done->next_dead;
        wg_state_run_release(done);
        done = next;
    }
    return waiting;
}

bool wg_state_collect(wg_state *state) {
    wg_mutex_lock(&state->collect_mutex);
    sweep s = {.state = state};
    wg_mutex_lock(&state->runs_mutex);
    s.has_dead = state->dead != NULL;
    wg_mutex_unlock(&state->runs_mutex);
    const uint32_t inside = wg_epoch_enter(state->epoch);
    wgi_readings_gather(state, &s.readings);
    const bool more = sweep_on(&s);
    if (!more) state->collect_round++;
    wg_epoch_leave(state->epoch, inside);
    wg_free(s.readings.items);
    const bool kept = wgi_kept_collect(state->history, BUCKETS_A_CALL);
    const bool dead = dead_runs(state);
    wg_mutex_unlock(&state->collect_mutex);
    wg_epoch_collect(state->epoch);
    wg_platform *platform = state->options.platform;
    wg_pages_decay(state->pages, platform->ops->now_ns(platform));
    return more || kept || dead;
}

enum { DELETED_WORTH = 12 /* deletions in a full segment that are worth a purge */ };

wg_code wgi_room_make(wg_state *state, uint64_t hash, uint32_t more, wg_error *err) {
    const wgi_place place = wgi_place_of(state->table, hash);
    if (state->filling || atomic_load_explicit(&place.header->deleted, memory_order_relaxed) < DELETED_WORTH)
        return wgi_table_split(state->table, hash, more, err);
    sweep s = {.state = state};
    const uint32_t inside = wg_epoch_enter(state->epoch);
    wgi_readings_gather(state, &s.readings);
    (void)wgi_segment_purge(state->table, hash, place.segment, slot_is_gone, &s);
    wg_epoch_leave(state->epoch, inside);
    wg_free(s.readings.items);
    return wgi_table_split(state->table, hash, more + DELETED_WORTH / 2,
                           err); /* few went: that soon again is no use */
}

void wg_state_metrics_get(const wg_state *state, wg_state_metrics *out) {
    wg_state *s = (wg_state *)(uintptr_t)state;
    wgi_table *table = s->table;
    *out = (wg_state_metrics){0};
    out->commits = atomic_load(&s->commits);
    out->conflicts = atomic_load(&s->conflicts);
    wg_mutex_lock(&s->sessions_mutex);
    for (wg_state_session *session = s->sessions; session != NULL; session = session->next) {
        out->commits += atomic_load_explicit(&session->commits, memory_order_relaxed);
        out->conflicts += atomic_load_explicit(&session->conflicts, memory_order_relaxed);
    }
    wg_mutex_unlock(&s->sessions_mutex);
    const uint32_t inside = wg_epoch_enter(s->epoch);
    for (uint32_t i = wg_slots_next(&s->runs, 0); i != UINT32_MAX; i = wg_slots_next(&s->runs, i + 1)) {
        const wg_state_run *run = wg_slots_get(&s->runs, i);
        if (run == NULL) continue;
        out->runs++;
        out->order_bytes += wgi_order_bytes(run->order);
    }
    wg_epoch_leave(s->epoch, inside);
    out->segments = atomic_load(&table->segments);
    out->slots = out->segments * WGI_SLOTS;
    out->keys = wgi_table_keys(table);
    out->table_bytes = atomic_load(&table->bytes);
    out->history_bytes = wgi_history_bytes(s->history);
    out->large_bytes = atomic_load(&s->large_bytes);
    out->splits = atomic_load(&table->splits);
    out->history_forgotten = wgi_history_forgotten(s->history);
}

/* ---- layers */

static const char *const layer_names[WG_LAYER_COUNT] = {"snapshot acquisition",
                                                        "transaction object",
                                                        "read set validation",
                                                        "write set validation",
                                                        "commit",
                                                        "index",
                                                        "hash chain",
                                                        "encoding"};

const char *wg_layer_name(wg_layer layer) { return layer < WG_LAYER_COUNT ? layer_names[layer] : "unknown"; }

#ifdef WG_LAYER_TIMING
static _Atomic uint64_t layer_calls[WG_LAYER_COUNT], layer_ticks[WG_LAYER_COUNT];

uint64_t wgi_layer_begin(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return wg_platform_real()->ops->now_ns(wg_platform_real());
#endif
}

void wgi_layer_end(wg_layer layer, uint64_t begin) {
    atomic_fetch_add_explicit(&layer_calls[layer], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&layer_ticks[layer], wgi_layer_begin() - begin, memory_order_relaxed);
}

bool wg_layer_timing(wg_layer layer, uint64_t *out_calls, uint64_t *out_ticks) {
    if (layer == WG_LAYER_HASH_CHAIN) {
        wg_events_hash_timing(out_calls, out_ticks);
        return true;
    }
    *out_calls = atomic_load(&layer_calls[layer]);
    *out_ticks = atomic_load(&layer_ticks[layer]);
    return true;
}
#else
bool wg_layer_timing(wg_layer layer, uint64_t *out_calls, uint64_t *out_ticks) {
    (void)layer;
    *out_calls = *out_ticks = 0;
    return false;
}
#endif
