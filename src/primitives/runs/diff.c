/* Differences of two runs: the keys that either touched since they parted are read on both sides and compared; runs that never had anything in
 * common are compared key by key.
 *
 * Both sides are pinned at the newest version that can be seen, so writers go on meanwhile. */
#include "primitives/runs/family.h"

typedef struct side {
    wg_agent_run *run;
    wg_state_pin pin;
    wgi_lineage line;
    wg_state_cell cell;
} side;

typedef struct diff {
    side a;
    side b;
    wg_arena arena; /* of keys and lineages */
    wg_arena cells; /* of the item at hand */
    wgi_key_list keys;
    wg_run_diff_report report;
    wg_diff_fn fn;
    void *ctx;
} diff;

static wg_code side_open(side *s, wg_arena *arena, wg_error *err) {
    WG_TRY(wg_agent_read(s->run, err));
    const uint64_t version = wg_state_run_visible(s->run->run);
    WG_TRY(wg_state_pin_acquire(s->run->agent->session, s->run->run, version, &s->pin, err));
    return wgi_lineage_of(s->run, version, arena, &s->line, err);
}

static void side_close(side *s) {
    if (s->pin.run != NULL) wg_state_pin_release(&s->pin);
    wg_state_cell_deinit(&s->cell);
}

/* ---- keys */

static wg_code gather_keys(diff *d, uint32_t *out_meet_a, uint32_t *out_meet_b, bool *out_related, wg_error *err) {
    *out_related = wgi_lineage_meet(&d->a.line, &d->b.line, out_meet_a, out_meet_b);
    if (*out_related) {
        const wgi_ancestor *at_a = &d->a.line.items[*out_meet_a];
        const wgi_ancestor *at_b = &d->b.line.items[*out_meet_b];
        const uint64_t low = at_a->version < at_b->version ? at_a->version : at_b->version;
        const uint64_t high = at_a->version < at_b->version ? at_b->version : at_a->version;
        WG_TRY(wgi_keys_own(&d->keys, &d->a.line, *out_meet_a, err));
        WG_TRY(wgi_keys_own(&d->keys, &d->b.line, *out_meet_b, err));
        WG_TRY(wgi_keys_changed(&d->keys, at_a->run, low, high, err));
    } else {
        WG_TRY(wgi_keys_visible(&d->keys, d->a.run, d->a.pin.version, err));
        WG_TRY(wgi_keys_visible(&d->keys, d->b.run, d->b.pin.version, err));
    }
    wgi_keys_sort(&d->keys);
    return WG_OK;
}

static wg_code read_side(side *s, wg_slice bytes, uint64_t now_us, wg_error *err) {
    const wg_state_key key = wg_state_key_of(s->run->run, bytes);
    return wg_state_get(s->run->agent->session, s->run->run, &key, s->pin.version, now_us, &s->cell, err);
}

static bool same_value(const wg_state_cell *a, const wg_state_cell *b) {
    return a->type == b->type && a->expires_us == b->expires_us && wg_slice_equal(a->bytes, b->bytes);
}

static wg_code decode_side(diff *d, const side *s, wg_value *out, uint64_t *out_version, wg_error *err) {
    *out = (wg_value){.type = WG_TYPE_NULL};
    *out_version = s->cell.version;
    if (s->cell.version == 0) return WG_OK;
    return wg_agent_decode(&d->cells, s->cell.type, s->cell.bytes, out, err);
}

static wg_code report_key(diff *d, wg_slice key, bool *out_go_on, wg_error *err) {
    wg_diff_item item = {.key = (const char *)key.data, .key_size = key.size, .kind = WG_DIFF_CHANGED};
    if (d->a.cell.version == 0) item.kind = WG_DIFF_ADDED;
    if (d->b.cell.version == 0) item.kind = WG_DIFF_REMOVED;
    d->report.added += item.kind == WG_DIFF_ADDED;
    d->report.removed += item.kind == WG_DIFF_REMOVED;
    d->report.changed += item.kind == WG_DIFF_CHANGED;
    if (d->fn == NULL) return WG_OK;
    wg_arena_reset(&d->cells);
    WG_TRY(decode_side(d, &d->a, &item.before, &item.before_version, err));
    WG_TRY(decode_side(d, &d->b, &item.after, &item.after_version, err));
    *out_go_on = d->fn(d->ctx, &item);
    return WG_OK;
}

static wg_code compare_keys(diff *d, wg_error *err) {
    bool go_on = true;
    const uint64_t now_us = wg_agent_now_us(d->a.run->agent);
    for (uint32_t i = 0; i < wgi_keys_count(&d->keys) && go_on; i++) {
        const wg_slice key = wgi_keys_at(&d->keys, i);
        d->report.keys_examined++;
        WG_TRY(read_side(&d->a, key, now_us, err));
        WG_TRY(read_side(&d->b, key, now_us, err));
        const bool absent = d->a.cell.version == 0 && d->b.cell.version == 0;
        const bool both = d->a.cell.version != 0 && d->b.cell.version != 0;
        if (absent || (both && same_value(&d->a.cell, &d->b.cell))) continue;
        WG_TRY(report_key(d, key, &go_on, err));
    }
    return WG_OK;
}

/* ---- events */

/* How many events the two logs share: those before the first fork on the way from the run where they meet. */
static uint64_t common_events(const diff *d, uint32_t meet_a, uint32_t meet_b) {
    const uint64_t at_a =
        meet_a == 0 ? UINT64_MAX : wg_state_run_origin(d->a.line.items[meet_a - 1].run)->fork_events;
    const uint64_t at_b =
        meet_b == 0 ? UINT64_MAX : wg_state_run_origin(d->b.line.items[meet_b - 1].run)->fork_events;
    return at_a < at_b ? at_a : at_b;
}

static void compare_events(diff *d, bool related, uint32_t meet_a, uint32_t meet_b) {
    const uint64_t a = wg_events_count(wg_state_run_events(d->a.run->run), d->a.pin.version);
    const uint64_t b = wg_events_count(wg_state_run_events(d->b.run->run), d->b.pin.version);
    uint64_t common = related ? common_events(d, meet_a, meet_b) : 0;
    if (common > a) common = a;
    if (common > b) common = b;
    d->report.events_common = common;
    d->report.events_only_a = a - common;
    d->report.events_only_b = b - common;
}

static wg_code run_diff(diff *d, wg_error *err) {
    uint32_t meet_a = 0;
    uint32_t meet_b = 0;
    bool related = false;
    WG_TRY(side_open(&d->a, &d->arena, err));
    WG_TRY(side_open(&d->b, &d->arena, err));
    WG_TRY(gather_keys(d, &meet_a, &meet_b, &related, err));
    compare_events(d, related, meet_a, meet_b);
    return compare_keys(d, err);
}

wg_code wg_runs_diff(wg_agent_run *a, wg_agent_run *b, wg_diff_fn fn, void *ctx, wg_run_diff_report *out,
                     wg_error *err) {
    diff d = {.a = {.run = a}, .b = {.run = b}, .fn = fn, .ctx = ctx};
    if (a->agent->engine != b->agent->engine)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "the two runs are of different databases");
    wg_arena_init(&d.arena, NULL);
    wg_arena_init(&d.cells, NULL);
    wgi_keys_init(&d.keys, &d.arena);
    const wg_code code = run_diff(&d, err);
    if (code == WG_OK && out != NULL) *out = d.report;
    wgi_keys_deinit(&d.keys);
    side_close(&d.a);
    side_close(&d.b);
    wg_arena_deinit(&d.cells);
    wg_arena_deinit(&d.arena);
    return code;
}
