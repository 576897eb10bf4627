/* What is known of a run, and the list of them in order of names. */
#include "primitives/runs/runs_internal.h"

/* The C strings that worldgraph.h promises. NULL: empty, or out of memory, which *ok tells. */
static const char *text_of(wg_arena *arena, wg_slice s, bool *ok) {
    if (s.size == 0) return NULL;
    const char *text = wg_arena_strdup(arena, s);
    if (text == NULL) *ok = false;
    return text;
}

static wg_code info_of(const wgi_run_record *r, const wg_state_run *run, wg_arena *arena, wg_run_info *out,
                       wg_error *err) {
    bool ok = true;
    const char **tags = wg_arena_alloc(arena, ((size_t)r->tag_count + 1) * sizeof *tags);
    if (tags == NULL) return wg_error_nomem(err, r->tag_count * sizeof *tags);
    for (uint32_t i = 0; i < r->tag_count; i++)
        tags[i] = text_of(arena, wg_slice_of(r->tags[i].as.s, r->tags[i].size), &ok);
    *out = (wg_run_info){.name = text_of(arena, r->name, &ok),
                         .status = r->status,
                         .parent = text_of(arena, r->parent, &ok),
                         .forked_of = text_of(arena, r->forked_of, &ok),
                         .fork_version = r->fork_version,
                         .created_us = r->created_us,
                         .updated_us = r->updated_us,
                         .ended_us = r->ended_us,
                         .error = text_of(arena, r->error, &ok),
                         .tags = tags,
                         .tag_count = r->tag_count,
                         .metadata = r->metadata};
    memcpy(out->id, r->id, sizeof out->id);
    if (!ok) return wg_error_nomem(err, r->name.size);
    if (run == NULL) return WG_OK;
    out->version = wg_state_run_visible(run);
    out->events = wg_events_count(wg_state_run_events(run), out->version);
    return WG_OK;
}

wg_code wg_runs_info(wg_agent_run *run, wg_run_info *out, wg_error *err) {
    wg_agent_run system;
    wgi_run_record record;
    wg_value value;
    wg_value copy;
    bool found = false;
    WG_TRY(wg_agent_read(run, err));
    wgi_run_system_init(&system, run->agent);
    wg_code code = wgi_registry_read(&system, run->number, &record, &found, err);
    if (code == WG_OK && !found)
        code = wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "run number %u was deleted", run->number);
    if (code == WG_OK) code = wgi_run_record_value(&record, &system.arena, &value, err);
    if (code == WG_OK && !wg_value_copy(&run->arena, &value, &copy)) code = wg_error_nomem(err, 1024);
    if (code == WG_OK) code = wgi_run_record_of(&copy, &record, err); /* now in the handle's own arena */
    if (code == WG_OK) code = info_of(&record, run->run, &run->arena, out, err);
    wg_agent_run_deinit(&system);
    return code;
}

/* ---- the list */

typedef struct listing {
    wg_agent_run system;
    const wg_run_filter *filter;
    wg_run_fn fn;
    void *ctx;
} listing;

static bool same(wg_slice a, const char *b) {
    return b == NULL || (a.size == strlen(b) && (a.size == 0 || memcmp(a.data, b, a.size) == 0));
}

static bool wanted(const wg_run_filter *f, const wgi_run_record *r) {
    bool has_tag = f->tag == NULL;
    for (uint32_t i = 0; i < r->tag_count && !has_tag; i++)
        has_tag = same(wg_slice_of(r->tags[i].as.s, r->tags[i].size), f->tag);
    return has_tag && same(r->parent, f->parent) &&
           (f->status_mask == 0 || (f->status_mask >> (unsigned)r->status & 1) != 0);
}

/* Between the scan and the look a run may be deleted: then it is left out. */
static wg_code visit(listing *l, const wg_state_row *row, bool *out_go_on, wg_error *err) {
    wgi_run_record record;
    wg_run_info info;
    bool found = false;
    if (row->type != WG_TYPE_INT || row->value.size != 8 || wg_load_u64le(row->value.data) > WG_STATE_RUNS_MAX)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the stored number of a run is none");
    const uint32_t number = (uint32_t)wg_load_u64le(row->value.data);
    wg_arena_reset(&l->system.arena);
    WG_TRY(wgi_registry_read(&l->system, number, &record, &found, err));
    if (!found || !wanted(l->filter, &record)) return WG_OK;
    wg_state_run *run = wg_state_run_hold(l->system.agent->state, number);
    const wg_code code = info_of(&record, run, &l->system.arena, &info, err);
    if (run != NULL) wg_state_run_release(run);
    if (code == WG_OK) *out_go_on = l->fn(l->ctx, &info);
    return code;
}

static wg_code walk(listing *l, wg_state_scan *scan, wg_error *err) {
    bool go_on = true;
    while (go_on) {
        wg_state_row rows[32];
        uint32_t n = 0;
        WG_TRY(wg_state_scan_next(scan, rows, 32, &n, err));
        if (n == 0) break;
        for (uint32_t i = 0; i < n && go_on; i++) WG_TRY(visit(l, &rows[i], &go_on, err));
    }
    return WG_OK;
}

wg_code wg_runs_list(wg_agent *agent, const wg_run_filter *filter, wg_run_fn fn, void *ctx, wg_error *err) {
    static const wg_run_filter any = {0};
    listing l = {.filter = filter != NULL ? filter : &any, .fn = fn, .ctx = ctx};
    uint8_t prefix[1 + WGI_RUN_NAME_BYTES_MAX] = {WG_REGISTRY_NAME};
    const size_t size = l.filter->prefix == NULL ? 0 : strlen(l.filter->prefix);
    if (size > WGI_RUN_NAME_BYTES_MAX) return WG_OK; /* no name is that long */
    if (size != 0) memcpy(prefix + 1, l.filter->prefix, size);
    const wg_state_range range = {.prefix = wg_slice_of(prefix, size + 1)};
    wg_state_scan *scan = NULL;
    wgi_run_system_init(&l.system, agent);
    wg_code code =
        wg_state_scan_open(agent->session, l.system.run, &range, wg_state_run_visible(l.system.run), 0, &scan, err);
    if (code == WG_OK) {
        code = walk(&l, scan, err);
        wg_state_scan_close(scan);
    }
    wg_agent_run_deinit(&l.system);
    return code;
}

const char *wg_run_status_name(wg_run_status status) {
    static const char *const names[] = {"active", "paused", "completed", "failed", "cancelled", "archived"};
    return (unsigned)status <= WG_RUN_ARCHIVED ? names[status] : "unknown";
}
