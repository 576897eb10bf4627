/* Agents' state in stripes: what a checkpoint writes of it, and how an open brings it back (docs/format/arc1.md: RUNS, STATE, EVENTS).
 *
 *   capture   with the log's end held: for each run the version and the number of events at S, from the notes of the log; versions of
 *             runs that changed are pinned, so that history keeps them
 *   write     beside commits: RUNS and notes; of each changed run the records of versions (stored, captured] and the slots of events that grew
 *   settle    behind the manifest: what is stored now; pins go
 *
 * A run that was dropped is stored as long as a fork of it lives. Numbers are never given again: piece 0 of RUNS says how many were.
 *
 * Open: runs in the order of their numbers, so that a parent is whole before its forks. Of each key memory gets the newest record and those
 * that a fork sees; older ones stay in the stripes (state_history.c reads them there). Of events nothing is read.
 *
 * Failure: before the manifest nothing has happened but pins, which go. What an open finds is checked before it is used: WG_E_CORRUPT. */
#include <stdlib.h>

#include "engine/engine_internal.h"

enum { RUNS_SHIFT = 10, RUNS_OWNER = 0, NOTES_OWNER = 1, RUN_BYTES = 29, FLAG_DROPPED = 1 };

static wgi_state_store *store_of(wg_engine *e) { return &e->state_store; }

/* ---- what the newest checkpoint holds, by number of the run */

wgi_stored_run *wgi_stored_run_at(const wg_engine *engine, uint32_t number) {
    const wg_buf *runs = &engine->state_store.runs;
    if ((size_t)number >= runs->size / sizeof(wgi_stored_run)) return NULL;
    return (wgi_stored_run *)(void *)runs->data + number;
}

static wg_code stored_extend(wg_engine *e, uint32_t count, wg_error *err) {
    wg_buf *runs = &store_of(e)->runs;
    const size_t bytes = count * sizeof(wgi_stored_run);
    if (bytes <= runs->size) return WG_OK;
    if (!wg_buf_reserve(runs, bytes - runs->size)) return wg_error_nomem(err, bytes);
    memset(runs->data + runs->size, 0, bytes - runs->size);
    runs->size = bytes;
    return WG_OK;
}

void wgi_state_store_init(wg_engine *engine) {
    *store_of(engine) = (wgi_state_store){0};
    wg_buf_init(&store_of(engine)->runs, &engine->account);
}

void wgi_state_store_deinit(wg_engine *engine) { wg_buf_deinit(&store_of(engine)->runs); }

/* ---- capture */

static wgi_captured_run *captured_at(const wgi_state_capture *c, uint32_t number) { return &c->runs[number]; }

static wg_code capture_run(wgi_state_capture *c, uint32_t number, wg_error *err) {
    wg_state_run *run = wg_state_run_ancestor(wg_engine_state(c->engine), number);
    wgi_captured_run *r = captured_at(c, number);
    const bool alive = wg_state_run_at(wg_engine_state(c->engine), number) != NULL;
    if (run == NULL || (!alive && !r->needed)) return WG_OK;
    const wg_run_origin *origin = wg_state_run_origin(run);
    const wgi_stored_run *stored = wgi_stored_run_at(c->engine, number);
    r->state = alive ? WGI_RUN_ALIVE : WGI_RUN_DROPPED;
    r->origin = *origin;
    if (origin->parent != WG_RUN_SYSTEM) captured_at(c, origin->parent)->needed = true;
    r->until = wg_state_run_version_at(run, c->logseq);
    r->events_until = wg_events_count(wg_state_run_events(run), r->until);
    r->since = stored->state == WGI_RUN_ABSENT ? origin->fork_version : stored->version;
    r->events_since = stored->state == WGI_RUN_ABSENT ? origin->fork_events : stored->events;
    r->changed = stored->state != r->state || r->until != r->since || r->events_until != r->events_since;
    if (!r->changed) return WG_OK;
    WG_TRY(wg_state_pin_acquire(NULL, run, r->until, &r->pin, err));
    return WG_OK;
}

static bool run_changed(const wgi_state_capture *c, uint32_t number) {
    const wgi_stored_run *stored = wgi_stored_run_at(c->engine, number);
    return captured_at(c, number)->changed || stored->state != captured_at(c, number)->state;
}

/* From the last number down: a fork has a higher one than its parent. */
wg_code wgi_state_capture_take(wg_engine *engine, uint64_t logseq, wg_arena *arena, wgi_state_capture *out,
                               wg_error *err) {
    *out = (wgi_state_capture){.engine = engine, .logseq = logseq};
    const uint32_t count = wg_state_run_count(wg_engine_state(engine));
    WG_TRY(stored_extend(engine, count, err));
    out->runs = wg_arena_alloc_zero(arena, count * sizeof *out->runs);
    if (out->runs == NULL) return wg_error_nomem(err, count * sizeof *out->runs);
    out->count = count;
    const uint32_t slot = wg_epoch_enter(engine->epoch);
    wg_code code = WG_OK;
    for (uint32_t n = count; n-- > 0 && code == WG_OK;) {
        code = capture_run(out, n, err);
        out->changed |= code == WG_OK && run_changed(out, n);
    }
    wg_epoch_leave(engine->epoch, slot);
    if (code != WG_OK) wgi_state_capture_end(out);
    const bool fresh =
        store_of(engine)->run_count == 0 && count == 1 && out->runs[0].until == 0 && out->runs[0].events_until == 0;
    out->changed = !fresh && (out->changed || count != store_of(engine)->run_count);
    return code;
}

void wgi_state_capture_end(wgi_state_capture *capture) {
    for (uint32_t n = 0; n < capture->count; n++) wg_state_pin_release(&capture->runs[n].pin);
}

/* ---- RUNS */

typedef struct runs_piece {
    uint64_t ids[1 << RUNS_SHIFT];
    uint64_t versions[1 << RUNS_SHIFT];
    wg_str payloads[1 << RUNS_SHIFT];
    uint8_t bytes[1 << RUNS_SHIFT][RUN_BYTES];
} runs_piece;

static void run_encode(const wgi_captured_run *r, uint8_t out[RUN_BYTES]) {
    wg_store_u32le(out, r->origin.parent);
    out[4] = r->state == WGI_RUN_DROPPED ? FLAG_DROPPED : 0;
    wg_store_u64le(out + 5, r->origin.fork_version);
    wg_store_u64le(out + 13, r->origin.fork_events);
    wg_store_u64le(out + 21, r->events_until);
}

static wg_code runs_piece_store(const wgi_state_capture *c, wg_stripe_sink *sink, uint32_t slot, runs_piece *piece,
                                wg_error *err) {
    const uint32_t end = (uint32_t)wg_min_u64((slot + UINT64_C(1)) << RUNS_SHIFT, c->count);
    uint32_t rows = 0;
    for (uint32_t n = slot << RUNS_SHIFT; n < end; n++) {
        const wgi_captured_run *r = captured_at(c, n);
        if (r->state == WGI_RUN_ABSENT) continue;
        run_encode(r, piece->bytes[rows]);
        piece->ids[rows] = n;
        piece->versions[rows] = r->until;
        piece->payloads[rows] = (wg_str){(const char *)piece->bytes[rows], RUN_BYTES};
        rows++;
    }
    const wg_stripe_column columns[] = {{WG_COLUMN_ID, {.type = WG_TYPE_NODE, .data = piece->ids}},
                                        {WG_COLUMN_PAYLOAD, {.type = WG_TYPE_BYTES, .data = piece->payloads}},
                                        {WG_COLUMN_VERSION, {.type = WG_TYPE_NODE, .data = piece->versions}}};
    const wg_fragment_head head = {.key = {.kind = WG_KIND_RUNS, .owner = RUNS_OWNER, .slot = slot},
                                   .version = c->logseq,
                                   .row_count = rows,
                                   .attributes = {c->count}};
    return wg_stripe_sink_add(sink, &head, columns, 3, err);
}

static bool piece_changed(const wgi_state_capture *c, uint32_t slot) {
    const uint32_t end = (uint32_t)wg_min_u64((slot + UINT64_C(1)) << RUNS_SHIFT, c->count);
    if (slot == 0 && c->count != c->engine->state_store.run_count) return true;
    for (uint32_t n = slot << RUNS_SHIFT; n < end; n++)
        if (run_changed(c, n)) return true;
    return false;
}

static wg_code runs_store(const wgi_state_capture *c, wg_stripe_sink *sink, wg_error *err) {
    runs_piece *piece = wg_alloc(&c->engine->account, sizeof *piece);
    if (piece == NULL) return wg_error_nomem(err, sizeof *piece);
    wg_code code = WG_OK;
    for (uint32_t slot = 0; slot << RUNS_SHIFT < c->count && code == WG_OK; slot++)
        if (piece_changed(c, slot)) code = runs_piece_store(c, sink, slot, piece, err);
    wg_free(piece);
    return code;
}

/* ---- notes: which commit of the log brought which run to which version; one list, in the order of commits */

typedef struct note {
    uint64_t logseq, run, version;
} note;

typedef struct notes_pass {
    wg_buf list; /* note each */
    uint64_t run;
} notes_pass;

static wg_code note_take(void *ctx, uint64_t logseq, uint64_t version, wg_error *err) {
    notes_pass *p = ctx;
    const note n = {logseq, p->run, version};
    return wg_buf_append(&p->list, &n, sizeof n) ? WG_OK : wg_error_nomem(err, sizeof n);
}

static int note_order(const void *x, const void *y) {
    const note *a = x;
    const note *b = y;
    if (a->logseq != b->logseq) return a->logseq < b->logseq ? -1 : 1;
    return (a->run > b->run) - (a->run < b->run);
}

static const wg_fragment *notes_piece(const wg_engine *e, uint64_t slot) {
    const wg_fragment_key key = {.kind = WG_KIND_RUNS, .owner = NOTES_OWNER, .slot = slot};
    return wg_stripe_set_find(e->maintenance.stripes, &key);
}

static wg_code note_read(const wg_fragment *f, uint32_t row, note *out, wg_error *err) {
    static const uint32_t ids[3] = {WG_COLUMN_LOGSEQ, WG_COLUMN_ID, WG_COLUMN_VERSION};
    uint64_t cells[3];
    for (int i = 0; i < 3; i++) {
        const uint32_t column = wg_fragment_column_of(f, ids[i]);
        if (column == UINT32_MAX)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stripe %llu: notes of runs lack a column",
                                (unsigned long long)wg_stripe_id(f->stripe));
        WG_TRY(wg_fragment_u64(f, column, row, &cells[i], err));
    }
    *out = (note){cells[0], cells[1], cells[2]};
    return WG_OK;
}

static wg_code notes_write(const wgi_state_capture *c, wg_stripe_sink *sink, uint64_t slot, const note *notes,
                           uint32_t rows, wg_error *err) {
    uint64_t *cells = wg_alloc(&c->engine->account, 3 * sizeof *cells * rows);
    if (cells == NULL) return wg_error_nomem(err, 3 * sizeof *cells * rows);
    for (uint32_t i = 0; i < rows; i++) {
        cells[i] = notes[i].run;
        cells[rows + i] = notes[i].logseq;
        cells[2 * (size_t)rows + i] = notes[i].version;
    }
    const wg_stripe_column columns[] = {
        {WG_COLUMN_ID, {.type = WG_TYPE_NODE, .data = cells}},
        {WG_COLUMN_LOGSEQ, {.type = WG_TYPE_NODE, .data = cells + rows}},
        {WG_COLUMN_VERSION, {.type = WG_TYPE_NODE, .data = cells + 2 * (size_t)rows}}};
    const wg_fragment_head head = {
        .key = {.kind = WG_KIND_RUNS, .owner = NOTES_OWNER, .slot = slot}, .version = c->logseq, .row_count = rows};
    const wg_code code = wg_stripe_sink_add(sink, &head, columns, 3, err);
    wg_free(cells);
    return code;
}

/* The last piece is written again, longer. */
static wg_code notes_gather(wgi_state_capture *c, notes_pass *p, wg_error *err) {
    const uint64_t stored = c->engine->state_store.notes;
    const uint32_t again = (uint32_t)(stored % WG_FRAGMENT_ROWS_MAX);
    const wg_fragment *last = again == 0 ? NULL : notes_piece(c->engine, stored / WG_FRAGMENT_ROWS_MAX);
    if (again != 0 && (last == NULL || last->head.row_count < again))
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                            "stored notes of runs are missing; restore from a backup");
    for (uint32_t i = 0; i < again; i++) {
        note n;
        WG_TRY(note_read(last, i, &n, err));
        if (!wg_buf_append(&p->list, &n, sizeof n)) return wg_error_nomem(err, sizeof n);
    }
    for (uint32_t i = 0; i < c->count; i++) {
        const wgi_captured_run *r = captured_at(c, i);
        if (!r->changed) continue;
        p->run = i;
        WG_TRY(wg_state_run_notes(r->pin.run, c->since_logseq, c->logseq, note_take, p, err));
    }
    note *notes = (note *)(void *)p->list.data;
    const size_t count = p->list.size / sizeof *notes;
    if (count > again) qsort(notes + again, count - again, sizeof *notes, note_order);
    c->notes = stored - again + count;
    return WG_OK;
}

static wg_code notes_store(wgi_state_capture *c, wg_stripe_sink *sink, wg_error *err) {
    notes_pass p = {0};
    const uint64_t first = c->engine->state_store.notes / WG_FRAGMENT_ROWS_MAX;
    wg_buf_init(&p.list, &c->engine->account);
    wg_code code = notes_gather(c, &p, err);
    const note *notes = (const note *)(const void *)p.list.data;
    const size_t count = p.list.size / sizeof *notes;
    for (size_t at = 0; at < count && code == WG_OK && c->notes > c->engine->state_store.notes;
         at += WG_FRAGMENT_ROWS_MAX)
        code = notes_write(c, sink, first + at / WG_FRAGMENT_ROWS_MAX, notes + at,
                           (uint32_t)wg_min_size(count - at, WG_FRAGMENT_ROWS_MAX), err);
    wg_buf_deinit(&p.list);
    return code;
}

/* ---- STATE */

typedef struct record_pass {
    wg_record_sink *sink;
    wg_code code;
    wg_error *err;
} record_pass;

static bool record_put(void *ctx, wg_slice key, const wg_state_version *v) {
    record_pass *p = ctx;
    const wg_record record = {.key = key,
                              .value = v->deleted ? wg_slice_of(NULL, 0) : v->value,
                              .version = v->version,
                              .time_us = v->time_us,
                              .expires_us = v->expires_us,
                              .type = v->type,
                              .deleted = v->deleted};
    p->code = wg_record_sink_add(p->sink, &record, p->err);
    return p->code == WG_OK;
}

static wg_code records_store(const wgi_state_capture *c, wg_stripe_sink *sink, uint32_t number, wg_error *err) {
    const wgi_captured_run *r = captured_at(c, number);
    if (!r->changed || r->until == r->since) return WG_OK;
    const wg_fragment_head head = {.key = {.kind = WG_KIND_STATE, .owner = number, .run = r->since},
                                   .version = c->logseq,
                                   .attributes = {r->until}};
    record_pass p = {.err = err};
    WG_TRY(wg_record_sink_create(sink, &head, sink->options.account, &p.sink, err));
    wg_error stopped = {0};
    wg_code code = wg_state_changes(r->pin.run, r->since, r->until, record_put, &p, &stopped);
    if (p.code != WG_OK) code = p.code; /* the error is there */
    else if (code != WG_OK && err != NULL && err->code == WG_OK) *err = stopped;
    if (code == WG_OK) code = wg_record_sink_finish(p.sink, NULL, err);
    wg_record_sink_destroy(p.sink);
    return code;
}

wg_code wgi_state_capture_store(wgi_state_capture *capture, wg_stripe_sink *sink, wg_error *err) {
    capture->notes = capture->engine->state_store.notes;
    if (!capture->changed) return WG_OK;
    WG_TRY(runs_store(capture, sink, err));
    WG_TRY(notes_store(capture, sink, err));
    for (uint32_t n = 0; n < capture->count; n++) WG_TRY(records_store(capture, sink, n, err));
    for (uint32_t n = 0; n < capture->count; n++) {
        const wgi_captured_run *r = captured_at(capture, n);
        if (r->changed)
            WG_TRY(wg_events_store(wg_state_run_events(r->pin.run), sink, n, r->events_since, r->events_until,
                                   capture->logseq, err));
    }
    return WG_OK;
}

void wgi_state_notes_forget(wg_engine *e) {
    const uint64_t horizon = wgi_drop_horizon(e);
    if (horizon == 0) return;
    const uint32_t count = wg_state_run_count(wg_engine_state(e));
    const uint32_t slot = wg_epoch_enter(e->epoch);
    for (uint32_t n = 0; n < count; n++) {
        wg_state_run *run = wg_state_run_ancestor(wg_engine_state(e), n);
        if (run != NULL) wg_state_run_forget_notes(run, horizon);
    }
    wg_epoch_leave(e->epoch, slot);
}

void wgi_state_capture_settle(wgi_state_capture *capture) {
    wg_engine *e = capture->engine;
    wgi_state_notes_forget(e);
    if (!capture->changed) return;
    for (uint32_t n = 0; n < capture->count; n++) {
        const wgi_captured_run *r = captured_at(capture, n);
        *wgi_stored_run_at(e, n) = (wgi_stored_run){r->until, r->events_until, r->state};
        if (r->pin.run != NULL) wg_state_run_stored(r->pin.run, r->until);
    }
    store_of(e)->run_count = capture->count;
    store_of(e)->notes = capture->notes;
}

wg_code wgi_adopt_events(wg_engine *engine, const wg_fragment_key *key, wg_error *err) {
    wg_state_run *run = wg_state_run_ancestor(wg_engine_state(engine), key->owner);
    const wg_fragment *f = wg_stripe_set_find(engine->maintenance.stripes, key);
    if (run == NULL || f == NULL) return WG_OK; /* dropped */
    const uint64_t end = f->head.attributes[0] + f->head.row_count;
    const bool alive = wg_state_run_at(wg_engine_state(engine), key->owner) != NULL;
    if (!alive && wg_events_count(wg_state_run_events(run), WG_LOGSEQ_NEVER) < end)
        return WG_OK; /* stands in for the number of a run that is gone */
    return wg_events_adopt(wg_state_run_events(run), f, err);
}

/* ---- what merges keep */

static void kept_add(wgi_kept_versions *k, uint32_t run, uint64_t version) {
    const wgi_kept_version one = {run, version};
    k->failed |= !wg_buf_append(&k->list, &one, sizeof one);
}

static int kept_order(const void *x, const void *y) {
    const wgi_kept_version *a = x;
    const wgi_kept_version *b = y;
    if (a->run != b->run) return a->run < b->run ? -1 : 1;
    return (a->version > b->version) - (a->version < b->version);
}

/* A run that was dropped behind the newest checkpoint has to be whole for the next open, which drops it again from the log. */
static void stored_states(wgi_kept_versions *k) {
    wg_engine *e = k->engine;
    wg_mutex_lock(&e->maintenance.mutex);
    const wgi_stored_run *runs = (const wgi_stored_run *)(const void *)store_of(e)->runs.data;
    for (size_t i = 0; i < store_of(e)->runs.size / sizeof *runs; i++)
        k->failed |= !wg_buf_append_u8(&k->stored, runs[i].state);
    wg_mutex_unlock(&e->maintenance.mutex);
}

/* Versions that forks see, and the horizon of each run: made once for a merge. */
wg_code wgi_kept_versions_make(wg_engine *engine, uint64_t horizon, wgi_kept_versions *out, wg_error *err) {
    wg_state *state = wg_engine_state(engine);
    *out = (wgi_kept_versions){.engine = engine, .horizon = horizon};
    wg_buf_init(&out->list, &engine->account);
    wg_buf_init(&out->versions, &engine->account);
    wg_buf_init(&out->stored, &engine->account);
    stored_states(out);
    const uint32_t count = wg_state_run_count(state);
    const uint32_t slot = wg_epoch_enter(engine->epoch);
    for (uint32_t n = 0; n < count; n++) {
        const wg_state_run *run = wg_state_run_ancestor(state, n);
        if (run == NULL) continue;
        const wg_run_origin *o = wg_state_run_origin(run);
        if (o->parent != WG_RUN_SYSTEM) kept_add(out, o->parent, o->fork_version);
    }
    wg_epoch_leave(engine->epoch, slot);
    wgi_kept_version *items = (wgi_kept_version *)(void *)out->list.data;
    const size_t n = out->list.size / sizeof *items;
    if (n > 1) qsort(items, n, sizeof *items, kept_order);
    for (size_t i = 0; i < n; i++) out->failed |= !wg_buf_append_u64(&out->versions, items[i].version);
    if (!out->failed) return WG_OK;
    wgi_kept_versions_deinit(out);
    return wg_error_nomem(err, count * sizeof *items);
}

void wgi_kept_versions_deinit(wgi_kept_versions *kept) {
    wg_buf_deinit(&kept->list);
    wg_buf_deinit(&kept->versions);
    wg_buf_deinit(&kept->stored);
}

void wgi_kept_versions_of(const wgi_kept_versions *kept, uint32_t number, wg_merge_run *out) {
    *out = (wg_merge_run){0};
    const uint32_t slot = wg_epoch_enter(kept->engine->epoch);
    const wg_state_run *run = wg_state_run_ancestor(wg_engine_state(kept->engine), number);
    out->gone = run == NULL && (number >= kept->stored.size || kept->stored.data[number] == WGI_RUN_ABSENT);
    out->has_parent = true; /* of one that is gone from memory nothing is known: it is kept whole */
    if (run != NULL) {
        out->has_parent = wg_state_run_origin(run)->parent != WG_RUN_SYSTEM;
        out->horizon = wg_state_run_version_at(run, kept->horizon);
    }
    wg_epoch_leave(kept->engine->epoch, slot);
    const wgi_kept_version *items = (const wgi_kept_version *)(const void *)kept->list.data;
    const size_t n = kept->list.size / sizeof *items;
    size_t first = 0;
    for (size_t to = n; first < to;) {
        const size_t middle = first + (to - first) / 2;
        if (items[middle].run < number) first = middle + 1;
        else to = middle;
    }
    while (first + out->kept_count < n && items[first + out->kept_count].run == number) out->kept_count++;
    if (out->kept_count != 0) out->kept = (const uint64_t *)(const void *)kept->versions.data + first;
}
