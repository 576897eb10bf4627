/* Opening agents' state from stripes; state_store.c says what they hold.
 *
 * Large values are not copied: memory points into their stripe, which stays mapped until the engine closes, also when compaction replaces it. */
#include <stdlib.h>

#include "engine/engine_internal.h"

enum { RUNS_SHIFT = 10, RUNS_OWNER = 0, NOTES_OWNER = 1, RUN_BYTES = 29, FLAG_DROPPED = 1 };
enum { MAPPED_FROM = 16 << 10 /* bytes of a value that stays in its stripe until somebody reads it */ };

typedef struct loaded_run {
    wg_run_origin origin;
    uint64_t version;
    uint64_t events;
    uint8_t state;       /* WGI_RUN_... */
    uint32_t first_kept; /* versions of it that forks see: place in `kept` */
    uint32_t kept_count;
} loaded_run;

typedef struct load {
    wg_engine *engine;
    wg_state *state;
    const wgi_lineage *only; /* NULL: all runs, as they were at the checkpoint */
    uint64_t run_count;
    wg_buf runs; /* loaded_run by number */
    wg_buf kept; /* u64: fork versions, by parent */
} load;

static wg_code bad(wg_error *err, uint64_t run, const char *what) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stored run %llu of agents: %s; restore from a backup",
                        (unsigned long long)run, what);
}

static loaded_run *run_at(const load *l, uint64_t number) {
    return number < l->runs.size / sizeof(loaded_run) ? (loaded_run *)(void *)l->runs.data + number : NULL;
}

/* ---- RUNS */

static wg_code row_decode(load *l, const wg_fragment *f, uint32_t row, wg_error *err) {
    const uint32_t columns[3] = {wg_fragment_column_of(f, WG_COLUMN_ID), wg_fragment_column_of(f, WG_COLUMN_VERSION),
                                 wg_fragment_column_of(f, WG_COLUMN_PAYLOAD)};
    const uint64_t first = f->head.key.slot << RUNS_SHIFT;
    loaded_run r = {.state = WGI_RUN_ALIVE};
    uint64_t number;
    wg_value payload;
    if (columns[0] == UINT32_MAX || columns[1] == UINT32_MAX || columns[2] == UINT32_MAX)
        return bad(err, first, "a column is missing");
    WG_TRY(wg_fragment_u64(f, columns[0], row, &number, err));
    WG_TRY(wg_fragment_u64(f, columns[1], row, &r.version, err));
    wg_arena arena;
    wg_arena_init(&arena, &l->engine->account);
    wg_code code = wg_fragment_cell(f, columns[2], row, &arena, &payload, err);
    const bool fits = code == WG_OK && payload.type == WG_TYPE_BYTES && payload.size == RUN_BYTES;
    if (fits) {
        const uint8_t *p = (const uint8_t *)payload.as.s;
        r.origin = (wg_run_origin){(uint32_t)number, wg_load_u32le(p), wg_load_u64le(p + 5), wg_load_u64le(p + 13)};
        r.state = p[4] == 0 ? WGI_RUN_ALIVE : p[4] == FLAG_DROPPED ? WGI_RUN_DROPPED : WGI_RUN_ABSENT;
        r.events = wg_load_u64le(p + 21);
    }
    wg_arena_deinit(&arena);
    WG_TRY(code);
    loaded_run *place = number >> RUNS_SHIFT == f->head.key.slot ? run_at(l, number) : NULL;
    if (!fits || place == NULL || place->state != WGI_RUN_ABSENT)
        return bad(err, number, "its row does not fit its piece");
    if (r.state == WGI_RUN_ABSENT || r.version > WG_VERSION_MAX || r.version < r.origin.fork_version ||
        r.events < r.origin.fork_events)
        return bad(err, number, "its numbers are out of range");
    *place = r;
    return WG_OK;
}

/* Its parent is there, whole, and came to where the run was forked. */
static wg_code check_origin(const load *l, const loaded_run *r, wg_error *err) {
    const wg_run_origin *o = &r->origin;
    if (o->parent == WG_RUN_SYSTEM)
        return o->fork_version == 0 && o->fork_events == 0 ? WG_OK : bad(err, o->number, "a fork without a parent");
    const loaded_run *parent = o->parent < o->number ? run_at(l, o->parent) : NULL;
    if (parent == NULL || parent->state == WGI_RUN_ABSENT || parent->version < o->fork_version ||
        parent->events < o->fork_events)
        return bad(err, o->number, "its parent is not what it was forked from");
    return WG_OK;
}

static const wg_fragment *next_of(const wg_engine *e, uint64_t *position, uint32_t kind, uint32_t owner) {
    const wg_fragment *f = wg_stripe_set_next(e->maintenance.stripes, position);
    return f != NULL && f->head.key.kind == kind && f->head.key.owner == owner ? f : NULL;
}

static wg_code rows_load(load *l, wg_error *err) {
    const wg_fragment_key first = {.kind = WG_KIND_RUNS, .owner = RUNS_OWNER};
    const uint64_t begin = wg_stripe_set_seek(l->engine->maintenance.stripes, &first);
    uint64_t position = begin;
    for (const wg_fragment *f; (f = next_of(l->engine, &position, WG_KIND_RUNS, RUNS_OWNER)) != NULL;)
        l->run_count = wg_max_u64(l->run_count, f->head.attributes[0]);
    if (l->run_count == 0) return WG_OK;
    if (l->run_count > WG_STATE_RUNS_MAX + UINT64_C(1)) return bad(err, l->run_count, "more runs than there can be");
    const size_t bytes = (size_t)l->run_count * sizeof(loaded_run);
    if (!wg_buf_reserve(&l->runs, bytes)) return wg_error_nomem(err, bytes);
    memset(l->runs.data, 0, bytes);
    l->runs.size = bytes;
    position = begin;
    for (const wg_fragment *f; (f = next_of(l->engine, &position, WG_KIND_RUNS, RUNS_OWNER)) != NULL;)
        for (uint32_t row = 0; row < f->head.row_count; row++) WG_TRY(row_decode(l, f, row, err));
    if (run_at(l, 0)->state != WGI_RUN_ALIVE) return bad(err, 0, "it is missing");
    for (uint64_t n = 0; n < l->run_count; n++)
        if (run_at(l, n)->state != WGI_RUN_ABSENT) WG_TRY(check_origin(l, run_at(l, n), err));
    return WG_OK;
}

static int by_number(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The versions that forks see of each run, in one array: counted, placed, sorted. */
static wg_code kept_load(load *l, wg_error *err) {
    uint32_t total = 0;
    for (uint64_t n = 0; n < l->run_count; n++) {
        const loaded_run *r = run_at(l, n);
        if (r->state == WGI_RUN_ABSENT || r->origin.parent == WG_RUN_SYSTEM) continue;
        run_at(l, r->origin.parent)->kept_count++;
        total++;
    }
    const size_t bytes = total * sizeof(uint64_t);
    if (total == 0) return WG_OK;
    if (!wg_buf_reserve(&l->kept, bytes)) return wg_error_nomem(err, bytes);
    l->kept.size = bytes;
    uint64_t *kept = (uint64_t *)(void *)l->kept.data;
    uint32_t at = 0;
    for (uint64_t n = 0; n < l->run_count; n++) {
        loaded_run *r = run_at(l, n);
        r->first_kept = at;
        at += r->kept_count;
        r->kept_count = 0;
    }
    for (uint64_t n = 0; n < l->run_count; n++) {
        const loaded_run *r = run_at(l, n);
        if (r->state == WGI_RUN_ABSENT || r->origin.parent == WG_RUN_SYSTEM) continue;
        loaded_run *parent = run_at(l, r->origin.parent);
        kept[parent->first_kept + parent->kept_count++] = r->origin.fork_version;
    }
    for (uint64_t n = 0; n < l->run_count; n++) {
        const loaded_run *r = run_at(l, n);
        if (r->kept_count > 1) qsort(kept + r->first_kept, r->kept_count, sizeof *kept, by_number);
    }
    return WG_OK;
}

/* ---- STATE */

/* Whether memory wants a record that `replaced_by` replaced (UINT64_MAX: nothing did). */
static bool is_wanted(const load *l, const loaded_run *r, uint64_t version, uint64_t replaced_by) {
    if (replaced_by == UINT64_MAX) return true;
    const uint64_t *kept = (const uint64_t *)(const void *)l->kept.data + r->first_kept;
    uint32_t from = 0;
    for (uint32_t to = r->kept_count; from < to;) {
        const uint32_t middle = from + (to - from) / 2;
        if (kept[middle] < version) from = middle + 1;
        else to = middle;
    }
    return from < r->kept_count && kept[from] < replaced_by;
}

static wg_code records_load(const load *l, const loaded_run *r, wg_state_run *run, wg_error *err) {
    wg_records *records = NULL;
    WG_TRY(wg_records_open(l->engine->maintenance.stripes, r->origin.number, &l->engine->account, &records, err));
    wg_slice key = {0};
    const wg_stripe *kept = NULL;
    uint64_t replaced_by = UINT64_MAX;
    wg_code code = WG_OK;
    for (;;) {
        wg_record record;
        bool found = false;
        code = wg_records_next(records, &record, &found, err);
        if (code != WG_OK || !found) break;
        if (record.version > r->version) continue; /* behind what is asked for */
        if (key.data == NULL || !wg_slice_equal(key, record.key)) replaced_by = UINT64_MAX;
        const bool wanted = is_wanted(l, r, record.version, replaced_by);
        key = record.key;
        replaced_by = record.version;
        if (!wanted) continue;
        const wg_state_version v = {.version = record.version,
                                    .time_us = record.time_us,
                                    .expires_us = record.expires_us,
                                    .deleted = record.deleted,
                                    .type = record.type,
                                    .value = record.value};
        /* A replayed state may outlive the stripes. */
        const bool mapped = l->only == NULL && record.value.size >= MAPPED_FROM;
        if (mapped && record.stripe != kept) wg_stripe_set_keep(l->engine->maintenance.stripes, record.stripe);
        if (mapped) kept = record.stripe;
        code = wg_state_restore(run, record.key, &v, mapped, err);
        if (code != WG_OK) break;
    }
    wg_records_close(records);
    return code;
}

/* ---- EVENTS */

static wg_code events_load(const load *l, const loaded_run *r, wg_state_run *run, wg_error *err) {
    const wg_fragment_key first = {.kind = WG_KIND_EVENTS, .owner = r->origin.number};
    uint64_t position = wg_stripe_set_seek(l->engine->maintenance.stripes, &first);
    wg_events *events = wg_state_run_events(run);
    for (const wg_fragment *f; (f = next_of(l->engine, &position, WG_KIND_EVENTS, r->origin.number)) != NULL;)
        WG_TRY(wg_events_adopt(events, f, err));
    if (l->only == NULL && wg_events_count(events, WG_LOGSEQ_NEVER) != r->events)
        return bad(err, r->origin.number, "events are missing");
    return WG_OK;
}

/* ---- runs */

static wg_code run_load(const load *l, const loaded_run *r, wg_error *err) {
    wg_state_run *run = r->origin.number == WG_RUN_SYSTEM ? wg_state_run_at(l->state, WG_RUN_SYSTEM) : NULL;
    if (run == NULL) WG_TRY(wg_state_run_create(l->state, &r->origin, &run, err));
    WG_TRY(records_load(l, r, run, err));
    wg_state_restored(run, r->version);
    return events_load(l, r, run, err);
}

/* Dropped ones go when their forks are there; so does the last number, when nothing has it. */
static wg_code drops_load(const load *l, wg_error *err) {
    const uint64_t last = l->run_count - 1;
    if (run_at(l, last)->state == WGI_RUN_ABSENT) {
        const wg_run_origin none = {.number = (uint32_t)last};
        wg_state_run *run = NULL;
        WG_TRY(wg_state_run_create(l->state, &none, &run, err));
        wg_state_run_drop(l->state, (uint32_t)last);
    }
    for (uint64_t n = 1; n < l->run_count; n++)
        if (run_at(l, n)->state == WGI_RUN_DROPPED) wg_state_run_drop(l->state, (uint32_t)n);
    return WG_OK;
}

/* Notes of pieces in order: each run's rise. */
static wg_code notes_load(load *l, uint64_t *out_count, wg_error *err) {
    const wg_fragment_key first = {.kind = WG_KIND_RUNS, .owner = NOTES_OWNER};
    uint64_t position = wg_stripe_set_seek(l->engine->maintenance.stripes, &first);
    const uint64_t horizon = l->engine->maintenance.manifest.checkpoint.horizon;
    uint64_t slot = 0;
    uint64_t last = 0;
    for (const wg_fragment *f; (f = next_of(l->engine, &position, WG_KIND_RUNS, NOTES_OWNER)) != NULL; slot++) {
        const uint32_t columns[3] = {wg_fragment_column_of(f, WG_COLUMN_LOGSEQ),
                                     wg_fragment_column_of(f, WG_COLUMN_ID),
                                     wg_fragment_column_of(f, WG_COLUMN_VERSION)};
        if (f->head.key.slot != slot || columns[0] == UINT32_MAX || columns[1] == UINT32_MAX ||
            columns[2] == UINT32_MAX)
            return bad(err, 0, "notes of versions are missing");
        for (uint32_t row = 0; row < f->head.row_count; row++) {
            uint64_t c[3];
            for (int i = 0; i < 3; i++) WG_TRY(wg_fragment_u64(f, columns[i], row, &c[i], err));
            const loaded_run *r = run_at(l, c[1]);
            if (r == NULL || c[0] < last || c[0] > l->engine->maintenance.manifest.checkpoint.logseq)
                return bad(err, c[1], "a note of its version is out of order");
            last = c[0];
            wg_state_run *run = wg_state_run_at(l->state, (uint32_t)c[1]);
            if (run == NULL) continue;
            if (c[2] < wg_state_run_version_at(run, c[0]) || c[2] > r->version)
                return bad(err, c[1], "a note of its version falls");
            WG_TRY(wg_state_run_note(run, c[0], c[2], err));
            wg_state_run_forget_notes(run, horizon);
        }
        *out_count += f->head.row_count;
    }
    return WG_OK;
}

/* A run and its parents as they were at an earlier commit: records up to the versions that they had. */
static wg_code lineage_load(const load *l, wg_error *err) {
    for (uint32_t i = l->only->count; i-- > 0;) { /* parents first */
        loaded_run *r = run_at(l, l->only->runs[i]);
        if (r == NULL || r->state == WGI_RUN_ABSENT) continue; /* the log makes it */
        if (r->version > l->only->versions[i]) r->version = l->only->versions[i];
        if (r->version < r->origin.fork_version ||
            (i + 1 < l->only->count && run_at(l, r->origin.parent)->version < r->origin.fork_version))
            return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "run %u was not there yet", r->origin.number);
        WG_TRY(run_load(l, r, err));
    }
    return WG_OK;
}

static wg_code load_all(load *l, uint64_t *out_notes, wg_error *err) {
    WG_TRY(rows_load(l, err));
    if (l->run_count == 0) return WG_OK;
    WG_TRY(kept_load(l, err));
    if (l->only != NULL) return lineage_load(l, err);
    for (uint64_t n = 0; n < l->run_count; n++)
        if (run_at(l, n)->state != WGI_RUN_ABSENT) WG_TRY(run_load(l, run_at(l, n), err));
    WG_TRY(notes_load(l, out_notes, err));
    return drops_load(l, err);
}

static wg_code remember(wg_engine *e, const load *l, wg_error *err) {
    wg_buf *stored = &e->state_store.runs;
    const size_t bytes = (size_t)l->run_count * sizeof(wgi_stored_run);
    if (!wg_buf_reserve(stored, bytes)) return wg_error_nomem(err, bytes);
    stored->size = bytes;
    for (uint64_t n = 0; n < l->run_count; n++) {
        const loaded_run *r = run_at(l, n);
        const wgi_stored_run one = {r->version, r->events, r->state};
        memcpy(stored->data + n * sizeof one, &one, sizeof one);
    }
    e->state_store.run_count = (uint32_t)l->run_count;
    return WG_OK;
}

wg_code wgi_state_load(wg_engine *engine, wg_error *err) {
    load l = {.engine = engine, .state = wg_engine_state(engine)};
    wg_buf_init(&l.runs, &engine->account);
    wg_buf_init(&l.kept, &engine->account);
    wg_code code = load_all(&l, &engine->state_store.notes, err);
    if (code == WG_OK) code = remember(engine, &l, err);
    wg_buf_deinit(&l.runs);
    wg_buf_deinit(&l.kept);
    return code;
}

wg_code wgi_state_load_lineage(wg_engine *engine, const wgi_lineage *lineage, wg_state *into, wg_error *err) {
    load l = {.engine = engine, .state = into, .only = lineage};
    uint64_t notes = 0;
    wg_buf_init(&l.runs, &engine->account);
    wg_buf_init(&l.kept, &engine->account);
    const uint32_t slot = wg_epoch_enter(engine->epoch);
    const wg_code code = load_all(&l, &notes, err);
    wg_epoch_leave(engine->epoch, slot);
    wg_buf_deinit(&l.runs);
    wg_buf_deinit(&l.kept);
    return code;
}

/* ---- verification; records are checked by the open that comes before it */

wg_code wgi_state_verify(wg_engine *engine, wg_error *err) {
    const wg_state *state = wg_engine_state(engine);
    const uint32_t count = wg_state_run_count(state);
    for (uint32_t n = 0; n < count; n++) {
        const wg_state_run *run = wg_state_run_ancestor(state, n);
        if (run == NULL) continue;
        wg_events *events = wg_state_run_events(run);
        wg_events_report report;
        WG_TRY(wg_events_verify(events, wg_events_count(events, WG_LOGSEQ_NEVER), &report, err));
        if (!report.valid)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "event %llu of run %u: %s",
                                (unsigned long long)report.first_invalid, n, report.reason);
    }
    return WG_OK;
}
