/* What keeps versions of a run readable (pins, forks, sessions' short snapshots), and the notes that tie its versions to the log.
 *
 * Pins are a sorted array of versions with counts under the run's pin lock; notes an array of (logseq, version), both rising, under the
 * same lock. Locks are held for a search and a move of a few entries; arrays grow outside of commits.
 *
 * A pin is entered before the run's horizon is looked at; forgetting raises the horizon before it looks at the pins: so a pin that was
 * given is kept, or was refused. Short snapshots have no such handshake: a session that is late reads WG_E_EXPIRED, never a wrong value. */
#include "worldgraph/state/history_internal.h"

typedef struct pin {
    uint64_t version;
    uint32_t count;
} pin;
struct wgi_pins {
    uint32_t count, room;
    pin items[];
};
typedef struct note {
    uint64_t logseq, version;
} note;
struct wgi_notes {
    uint32_t count, room;
    note items[];
};
enum { FIRST_ROOM = 8 };

/* ---- pins */

/* The first pin with version >= `version`. */
static uint32_t pin_place(const wgi_pins *pins, uint64_t version) {
    uint32_t low = 0, high = pins == NULL ? 0 : pins->count;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (pins->items[mid].version < version) low = mid + 1;
        else high = mid;
    }
    return low;
}

static void least_update(wg_state_run *run) {
    const uint64_t least = run->pins == NULL || run->pins->count == 0 ? UINT64_MAX : run->pins->items[0].version;
    atomic_store(&run->pinned_least, least);
}

wg_code wgi_pins_add(wg_state_run *run, uint64_t version, wg_error *err) {
    wgi_pins *grown = NULL;
    for (;;) {
        wgi_lock(&run->pin_lock);
        wgi_pins *pins = run->pins;
        const uint32_t at = pin_place(pins, version);
        if (pins != NULL && at < pins->count && pins->items[at].version == version) {
            pins->items[at].count++;
            break;
        }
        if (pins == NULL || pins->count == pins->room) {
            const uint32_t room = pins == NULL ? FIRST_ROOM : pins->room * 2;
            if (grown == NULL || grown->room < room) { /* get memory without the lock */
                wgi_unlock(&run->pin_lock);
                wg_free(grown);
                grown = wg_alloc(run->state->account, sizeof *grown + room * sizeof grown->items[0]);
                if (grown == NULL) return wg_error_nomem(err, room * sizeof grown->items[0]);
                grown->count = 0;
                grown->room = room;
                continue;
            }
            if (pins != NULL) memcpy(grown->items, pins->items, pins->count * sizeof pins->items[0]);
            grown->count = pins == NULL ? 0 : pins->count;
            run->pins = grown;
            grown = pins;
            pins = run->pins;
        }
        memmove(pins->items + at + 1, pins->items + at, (pins->count - at) * sizeof pins->items[0]);
        pins->items[at] = (pin){version, 1};
        pins->count++;
        least_update(run);
        break;
    }
    wgi_unlock(&run->pin_lock);
    wg_free(grown);
    return WG_OK;
}

void wgi_pins_remove(wg_state_run *run, uint64_t version) {
    wgi_lock(&run->pin_lock);
    wgi_pins *pins = run->pins;
    const uint32_t at = pin_place(pins, version);
    WG_ASSERT(pins != NULL && at < pins->count && pins->items[at].version == version);
    if (--pins->items[at].count == 0) {
        pins->count--;
        memmove(pins->items + at, pins->items + at + 1, (pins->count - at) * sizeof pins->items[0]);
        least_update(run);
    }
    wgi_unlock(&run->pin_lock);
}

static uint32_t pin_count_at(wg_state_run *run, uint64_t version) {
    wgi_lock(&run->pin_lock);
    const uint32_t at = pin_place(run->pins, version);
    const bool has = run->pins != NULL && at < run->pins->count && run->pins->items[at].version == version;
    const uint32_t count = has ? run->pins->items[at].count : 0;
    wgi_unlock(&run->pin_lock);
    return count;
}

bool wgi_pins_has(const wg_state_run *run, uint64_t version) {
    if (atomic_load(&run->pinned_least) > version) return false;
    return pin_count_at((wg_state_run *)(uintptr_t)run, version) != 0;
}

uint64_t wgi_pins_from(wg_state_run *run, const wgi_readings *readings, uint64_t from) {
    uint64_t least = UINT64_MAX;
    if (atomic_load(&run->pinned_least) != UINT64_MAX) {
        wgi_lock(&run->pin_lock);
        const uint32_t at = pin_place(run->pins, from);
        if (run->pins != NULL && at < run->pins->count) least = run->pins->items[at].version;
        wgi_unlock(&run->pin_lock);
    }
    for (uint32_t i = 0; i < readings->count; i++)
        if (readings->items[i].run == run && readings->items[i].version >= from && readings->items[i].version < least)
            least = readings->items[i].version;
    return least;
}

/* A version from before the fork is read in the parent: it is pinned there too. */
static void pins_remove_all(wg_state_run *run, uint64_t version, const wg_state_run *until) {
    for (wg_state_run *r = run; r != until; r = r->parent) {
        wgi_pins_remove(r, version);
        if (r->parent == NULL || version >= r->origin.fork_version) break;
    }
}

wg_code wg_state_pin_acquire(wg_state_session *session, wg_state_run *run, uint64_t version, wg_state_pin *out,
                             wg_error *err) {
    WG_ASSERT(run != NULL);
    if (version == WG_LOGSEQ_NEVER)
        version = session == NULL ? wg_state_run_visible(run) : wgi_snapshot(session, run);
    for (wg_state_run *r = run;; r = r->parent) {
        const wg_code code = wgi_pins_add(r, version, err);
        if (code != WG_OK) {
            pins_remove_all(run, version, r);
            return code;
        }
        if (wg_state_run_horizon(r) > version && pin_count_at(r, version) < 2) {
            pins_remove_all(run, version, r->parent);
            return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET,
                                "version %llu of the run is forgotten in part; the oldest that can be read is %llu",
                                (unsigned long long)version, (unsigned long long)wg_state_run_horizon(r));
        }
        if (r->parent == NULL || version >= r->origin.fork_version) break;
    }
    wgi_run_hold(run);
    *out = (wg_state_pin){.run = run, .version = version, .slot = 0};
    return WG_OK;
}

void wg_state_pin_release(wg_state_pin *pin_) {
    if (pin_ == NULL || pin_->run == NULL) return;
    pins_remove_all(pin_->run, pin_->version, NULL);
    wg_state_run_release(pin_->run);
    *pin_ = (wg_state_pin){0};
}

void wgi_readings_gather(wg_state *state, wgi_readings *out) {
    out->count = 0;
    wg_mutex_lock(&state->sessions_mutex);
    for (wg_state_session *s = state->sessions; s != NULL; s = s->next) {
        const wg_state_run *run = atomic_load_explicit(&s->reading, memory_order_acquire);
        if (run == NULL) continue;
        if (out->count == out->room) {
            const uint32_t room = out->room == 0 ? FIRST_ROOM : out->room * 2;
            wgi_reading *grown = wg_realloc(state->account, out->items, room * sizeof *grown);
            if (grown == NULL) break;
            out->items = grown;
            out->room = room;
        }
        out->items[out->count++] =
            (wgi_reading){run, atomic_load_explicit(&s->reading_version, memory_order_relaxed)};
    }
    wg_mutex_unlock(&state->sessions_mutex);
}

void wgi_pins_deinit(wg_state_run *run) {
    wg_free(run->pins);
    wg_free(run->notes);
    run->pins = NULL;
    run->notes = NULL;
}

/* ---- what versions can be read */

uint64_t wg_state_run_horizon(const wg_state_run *run) {
    const uint64_t horizon = atomic_load(&run->horizon);
    const uint64_t purged = atomic_load(&run->purged);
    const uint64_t restored = atomic_load(&run->restored);
    return wg_max_u64(horizon, wg_max_u64(purged, restored));
}

uint64_t wg_state_run_newest(const wg_state_run *run) {
    return atomic_load_explicit(&run->newest, memory_order_acquire); /* pairs with the commit's fetch_add */
}

const _Atomic uint64_t *wg_state_run_visible_at(const wg_state_run *run) {
    return run->state->options.readers_wait_for_durable ? &run->durable : &run->newest;
}

uint64_t wg_state_run_visible(const wg_state_run *run) {
    return atomic_load_explicit(wg_state_run_visible_at(run), memory_order_acquire);
}

void wg_state_run_durable(wg_state_run *run, uint64_t version) { wgi_raise(&run->durable, version); }

void wg_state_run_stored(wg_state_run *run, uint64_t version) { wgi_raise(&run->stored, version); }

/* ---- notes */

wg_code wg_state_run_note_reserve(wg_state_run *run, wg_error *err) {
    wgi_notes *grown = NULL;
    for (;;) {
        wgi_lock(&run->pin_lock);
        wgi_notes *notes = run->notes;
        if (notes != NULL && notes->count < notes->room) break;
        const uint32_t room = notes == NULL ? FIRST_ROOM : notes->room * 2;
        if (grown != NULL && grown->room >= room) {
            if (notes != NULL) memcpy(grown->items, notes->items, notes->count * sizeof notes->items[0]);
            grown->count = notes == NULL ? 0 : notes->count;
            run->notes = grown;
            grown = notes;
            break;
        }
        wgi_unlock(&run->pin_lock);
        wg_free(grown);
        grown = wg_alloc(run->state->account, sizeof *grown + room * sizeof grown->items[0]);
        if (grown == NULL) return wg_error_nomem(err, room * sizeof grown->items[0]);
        grown->count = 0;
        grown->room = room;
    }
    wgi_unlock(&run->pin_lock);
    wg_free(grown);
    return WG_OK;
}

wg_code wg_state_run_note(wg_state_run *run, uint64_t logseq, uint64_t version, wg_error *err) {
    WG_TRY(wg_state_run_note_reserve(run, err));
    wgi_lock(&run->pin_lock);
    wgi_notes *notes = run->notes; /* one thread at a time notes: there is room still */
    WG_ASSERT(notes->count == 0 || notes->items[notes->count - 1].version <= version);
    if (notes->count != 0 && notes->items[notes->count - 1].logseq >= logseq)
        notes->items[notes->count - 1].version = version; /* said again */
    else notes->items[notes->count++] = (note){logseq, version};
    wgi_unlock(&run->pin_lock);
    return WG_OK;
}

/* How many notes have logseq <= `logseq`. */
static uint32_t note_place(const wgi_notes *notes, uint64_t logseq) {
    uint32_t low = 0, high = notes == NULL ? 0 : notes->count;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (notes->items[mid].logseq <= logseq) low = mid + 1;
        else high = mid;
    }
    return low;
}

uint64_t wg_state_run_version_at(const wg_state_run *run, uint64_t logseq) {
    wg_state_run *r = (wg_state_run *)(uintptr_t)run;
    wgi_lock(&r->pin_lock);
    const uint32_t at = note_place(r->notes, logseq);
    const uint64_t version = at == 0 ? r->origin.fork_version : r->notes->items[at - 1].version;
    wgi_unlock(&r->pin_lock);
    return version;
}

/* A few are copied at a time, so that fn may do what it likes. */
wg_code wg_state_run_notes(const wg_state_run *run, uint64_t since, uint64_t until, wg_state_note_fn fn, void *ctx,
                           wg_error *err) {
    wg_state_run *r = (wg_state_run *)(uintptr_t)run;
    note some[64];
    for (;;) {
        uint32_t count = 0;
        wgi_lock(&r->pin_lock);
        for (uint32_t at = note_place(r->notes, since); r->notes != NULL && at < r->notes->count && count < 64;
             at++) {
            if (r->notes->items[at].logseq > until) break;
            some[count++] = r->notes->items[at];
        }
        wgi_unlock(&r->pin_lock);
        for (uint32_t i = 0; i < count; i++) WG_TRY(fn(ctx, some[i].logseq, some[i].version, err));
        if (count < 64) return WG_OK;
        since = some[count - 1].logseq;
    }
}

/* The newest of the notes up to `logseq` says what the run was there, and stays. The pin lock is held. */
static bool notes_cut(wgi_notes *notes, uint64_t logseq) {
    const uint32_t at = note_place(notes, logseq);
    if (at <= 1) return false;
    notes->count -= at - 1;
    memmove(notes->items, notes->items + at - 1, notes->count * sizeof notes->items[0]);
    return true;
}

void wg_state_run_forget_notes(wg_state_run *run, uint64_t logseq) {
    wgi_lock(&run->pin_lock);
    (void)notes_cut(run->notes, logseq);
    wgi_unlock(&run->pin_lock);
}

void wg_state_run_bound_notes(wg_state_run *run, uint32_t most, uint64_t oldest) {
    wgi_lock(&run->pin_lock);
    wgi_notes *notes = run->notes;
    if (notes != NULL && notes->count > most) {
        const uint64_t middle = notes->items[notes->count - wg_max_u64(most / 2, 1)].logseq;
        if (notes_cut(notes, wg_min_u64(middle, oldest))) run->notes_from = notes->items[0].logseq;
    }
    wgi_unlock(&run->pin_lock);
}

uint32_t wg_state_run_note_count(const wg_state_run *run) {
    wg_state_run *r = (wg_state_run *)(uintptr_t)run;
    wgi_lock(&r->pin_lock);
    const uint32_t count = r->notes == NULL ? 0 : r->notes->count;
    wgi_unlock(&r->pin_lock);
    return count;
}

uint64_t wg_state_run_notes_from(const wg_state_run *run) {
    wg_state_run *r = (wg_state_run *)(uintptr_t)run;
    wgi_lock(&r->pin_lock);
    const uint64_t from = r->notes_from;
    wgi_unlock(&r->pin_lock);
    return from;
}
