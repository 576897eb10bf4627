/* Versions of keys that memory has forgotten: read from the records in stripes.
 *
 * A fork goes on in its parent's versions, so what a run shows of a key at a version is: its own records above the version of its fork,
 * and below that its parent's. Records of one run stand in sets of rising versions; the newest ones may be in memory alone, and below the horizon
 * what nobody could see any more may be gone.
 *
 * history: what memory has of the key is copied, then the sets are walked from the newest down, and both are given out as one list. */
#include "engine/engine_internal.h"

/* ---- lineages */

typedef struct lineage {
    const wg_state *state;
    const wg_state_run *run; /* NULL: the end */
    uint64_t snapshot;       /* of its own records */
    uint64_t above;          /* own versions are above it */
} lineage;

static lineage lineage_of(const wg_engine *e, const wg_state_run *run, uint64_t snapshot) {
    const wg_run_origin *o = wg_state_run_origin(run);
    return (lineage){e->state_log.state, run, snapshot, o->fork_version};
}

static void lineage_next(lineage *l) {
    const wg_run_origin *o = wg_state_run_origin(l->run);
    l->snapshot = wg_min_u64(l->snapshot, o->fork_version);
    l->run = o->parent == WG_RUN_SYSTEM ? NULL : wg_state_run_ancestor(l->state, o->parent);
    if (l->run != NULL) l->above = wg_state_run_origin(l->run)->fork_version;
}

static uint32_t number_of(const wg_state_run *run) { return wg_state_run_origin(run)->number; }

/* ---- history */

typedef struct history {
    wg_state_version_fn fn;
    void *ctx;
    wg_arena arena;
    wg_buf memory; /* wg_state_version each, newest first */
    size_t given;  /* of them */
    bool stopped;
    bool failed;
} history;

static bool memory_take(void *ctx, const wg_state_version *version) {
    history *h = ctx;
    wg_state_version v = *version;
    if (v.value.size != 0) v.value.data = wg_arena_copy(&h->arena, v.value.data, v.value.size);
    h->failed = (v.value.size != 0 && v.value.data == NULL) || !wg_buf_append(&h->memory, &v, sizeof v);
    return !h->failed;
}

static bool give(history *h, const wg_state_version *version) {
    h->stopped = !h->fn(h->ctx, version);
    return !h->stopped;
}

/* What memory has above `version`; and it itself, then *out_had. */
static bool give_memory(history *h, uint64_t version, bool *out_had) {
    const wg_state_version *items = (const wg_state_version *)(const void *)h->memory.data;
    *out_had = false;
    while (h->given < h->memory.size / sizeof *items && items[h->given].version >= version) {
        *out_had = items[h->given].version == version;
        if (!give(h, &items[h->given++])) return false;
    }
    return true;
}

static bool stored_take(void *ctx, const wg_record *record) {
    history *h = ctx;
    bool had;
    if (!give_memory(h, record->version, &had)) return false;
    const wg_state_version v = {.version = record->version,
                                .time_us = record->time_us,
                                .expires_us = record->expires_us,
                                .deleted = record->deleted,
                                .type = record->type,
                                .value = record->value};
    return had || give(h, &v);
}

static wg_code history_all(wg_engine *e, wg_state_run *run, const wg_state_key *key, uint64_t snapshot, history *h,
                           bool *out_complete, wg_error *err) {
    bool whole = true;
    bool had;
    WG_TRY(wg_state_history(run, key, snapshot, memory_take, h, &whole, err));
    if (h->failed) return wg_error_nomem(err, sizeof(wg_state_version));
    const uint32_t slot = wg_epoch_enter(e->epoch);
    wg_code code = WG_OK;
    const wg_stripe_set *set = e->maintenance.stripes;
    for (lineage l = lineage_of(e, run, snapshot);
         !whole && set != NULL && l.run != NULL && code == WG_OK && !h->stopped; lineage_next(&l))
        code = wg_records_versions(set, number_of(l.run), key->bytes, l.snapshot, stored_take, h, err);
    if (code == WG_OK && !h->stopped) (void)give_memory(h, 0, &had);
    wg_epoch_leave(e->epoch, slot);
    *out_complete = whole || atomic_load_explicit(&e->maintenance.horizon, memory_order_relaxed) == 0;
    return code;
}

wg_code wg_engine_state_history(wg_engine *engine, wg_state_run *run, const wg_state_key *key, uint64_t snapshot,
                                wg_state_version_fn fn, void *ctx, bool *out_complete, wg_error *err) {
    history h = {.fn = fn, .ctx = ctx};
    wg_arena_init(&h.arena, &engine->account);
    wg_buf_init(&h.memory, &engine->account);
    const wg_code code = history_all(engine, run, key, snapshot, &h, out_complete, err);
    wg_buf_deinit(&h.memory);
    wg_arena_deinit(&h.arena);
    return code;
}

/* ---- one key at a version */

typedef struct found {
    wg_state_cell *out;
    uint64_t now_us;
    uint64_t above;
    bool done;
    bool failed;
} found;

/* The first record decides; a deletion and an expired one say that there is nothing. */
static bool first_take(void *ctx, const wg_record *record) {
    found *f = ctx;
    wg_state_cell *cell = f->out;
    if (record->version <= f->above) return false;
    f->done = true;
    if (record->deleted || (record->expires_us != 0 && record->expires_us <= f->now_us)) return false;
    uint8_t *to = cell->small;
    if (record->value.size > sizeof cell->small) {
        cell->large.size = 0;
        f->failed = !wg_buf_reserve(&cell->large, record->value.size);
        if (f->failed) return false;
        to = cell->large.data;
    }
    if (record->value.size != 0) memcpy(to, record->value.data, record->value.size);
    cell->bytes = wg_slice_of(to, record->value.size);
    cell->version = record->version;
    cell->time_us = record->time_us;
    cell->expires_us = record->expires_us;
    cell->type = record->type;
    return false;
}

static wg_code stored_get(wg_engine *e, wg_state_run *run, const wg_state_key *key, uint64_t snapshot, found *f,
                          wg_error *err) {
    wg_code code = WG_OK;
    const uint32_t slot = wg_epoch_enter(e->epoch);
    for (lineage l = lineage_of(e, run, snapshot); l.run != NULL && code == WG_OK && !f->done; lineage_next(&l)) {
        f->above = l.above;
        code =
            wg_records_versions(e->maintenance.stripes, number_of(l.run), key->bytes, l.snapshot, first_take, f, err);
    }
    wg_epoch_leave(e->epoch, slot);
    return code;
}

wg_code wg_engine_state_get_at(wg_engine *engine, wg_state_run *run, const wg_state_key *key, uint64_t snapshot,
                               uint64_t now_us, wg_state_cell *out, wg_error *err) {
    wg_error expired = {0};
    const wg_code code = wg_state_get(NULL, run, key, snapshot, now_us, out, &expired);
    const uint64_t horizon = atomic_load_explicit(&engine->maintenance.horizon, memory_order_relaxed);
    const uint64_t stored = atomic_load_explicit(&engine->maintenance.stored, memory_order_acquire);
    const bool kept = engine->maintenance.stripes != NULL && snapshot <= wg_state_run_version_at(run, stored) &&
                      (horizon == 0 || snapshot >= wg_state_run_version_at(run, horizon));
    if (code != WG_E_EXPIRED || !kept) {
        if (code != WG_OK && err != NULL && err->code == WG_OK) *err = expired;
        return code;
    }
    found f = {.out = out, .now_us = now_us};
    out->version = out->time_us = out->expires_us = 0;
    out->type = 0;
    out->bytes = wg_slice_of(NULL, 0);
    WG_TRY(stored_get(engine, run, key, snapshot, &f, err));
    return f.failed ? wg_error_nomem(err, out->bytes.size) : WG_OK;
}
