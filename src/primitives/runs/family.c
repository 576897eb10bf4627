/* Lineages and lists of keys: what a difference has to look at is what was touched since the runs parted, not what there is. */
#include "primitives/runs/family.h"

#include <stdlib.h>

/* ---- lineages */

static uint32_t depth_of(const wg_state *state, const wg_agent_run *run) {
    uint32_t depth = 1;
    const wg_run_origin *o = wg_state_run_origin(run->run);
    while (o->parent != WG_RUN_SYSTEM && depth < WGI_FAMILY_DEPTH_MAX) {
        const wg_state_run *parent = wg_state_run_ancestor(state, o->parent);
        if (parent == NULL) break;
        o = wg_state_run_origin(parent);
        depth++;
    }
    return depth;
}

wg_code wgi_lineage_of(const wg_agent_run *run, uint64_t version, wg_arena *arena, wgi_lineage *out, wg_error *err) {
    const wg_state *state = run->agent->state;
    const uint32_t depth = depth_of(state, run);
    wgi_ancestor *items = wg_arena_alloc(arena, depth * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, depth * sizeof *items);
    items[0] = (wgi_ancestor){.run = run->run, .version = version};
    for (uint32_t i = 1; i < depth; i++) {
        const wg_run_origin *o = wg_state_run_origin(items[i - 1].run);
        items[i] = (wgi_ancestor){.run = wg_state_run_ancestor(state, o->parent), .version = o->fork_version};
    }
    *out = (wgi_lineage){.items = items, .count = depth};
    return WG_OK;
}

bool wgi_lineage_meet(const wgi_lineage *a, const wgi_lineage *b, uint32_t *out_a, uint32_t *out_b) {
    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t j = 0; j < b->count; j++)
            if (a->items[i].run == b->items[j].run) {
                *out_a = i;
                *out_b = j;
                return true;
            }
    return false;
}

/* ---- keys */

void wgi_keys_init(wgi_key_list *list, wg_arena *arena) {
    list->arena = arena;
    wg_buf_init(&list->slices, NULL);
}

void wgi_keys_deinit(wgi_key_list *list) { wg_buf_deinit(&list->slices); }

static bool push(wgi_key_list *list, wg_slice key) {
    if (wg_agent_is_system(key)) return true;
    const uint8_t *copy = wg_arena_copy(list->arena, key.data, key.size);
    if (copy == NULL) return false;
    const wg_slice slice = wg_slice_of(copy, key.size);
    return wg_buf_append(&list->slices, &slice, sizeof slice);
}

typedef struct gather {
    wgi_key_list *list;
    bool no_memory;
} gather;

static bool on_changed(void *ctx, wg_slice key, const wg_state_version *record) {
    gather *g = ctx;
    (void)record;
    g->no_memory = !push(g->list, key);
    return !g->no_memory;
}

wg_code wgi_keys_changed(wgi_key_list *list, wg_state_run *run, uint64_t since, uint64_t until, wg_error *err) {
    gather g = {.list = list};
    if (since >= until) return WG_OK;
    wg_error stopped = {0}; /* says CANCELLED when there was no memory for a key: the first error stays */
    const wg_code code = wg_state_changed_keys(run, since, until, on_changed, &g, &stopped);
    if (g.no_memory) return wg_error_nomem(err, list->slices.size);
    if (code != WG_OK && err != NULL) *err = stopped;
    return code;
}

wg_code wgi_keys_own(wgi_key_list *list, const wgi_lineage *line, uint32_t meet, wg_error *err) {
    for (uint32_t i = 0; i < meet; i++)
        WG_TRY(wgi_keys_changed(list, line->items[i].run, 0, line->items[i].version, err));
    return WG_OK;
}

wg_code wgi_keys_visible(wgi_key_list *list, const wg_agent_run *run, uint64_t version, wg_error *err) {
    const wg_state_range all = {.keys_only = true};
    wg_state_scan *scan = NULL;
    uint32_t n = 1;
    wg_code code = WG_OK;
    WG_TRY(wg_state_scan_open(run->agent->session, run->run, &all, version, 0, &scan, err));
    while (code == WG_OK && n != 0) {
        wg_state_row rows[64];
        code = wg_state_scan_next(scan, rows, 64, &n, err);
        for (uint32_t i = 0; code == WG_OK && i < n; i++)
            if (!push(list, rows[i].key)) code = wg_error_nomem(err, list->slices.size);
    }
    wg_state_scan_close(scan);
    return code;
}

static int compare(const void *a, const void *b) {
    return wg_slice_compare(*(const wg_slice *)a, *(const wg_slice *)b);
}

void wgi_keys_sort(wgi_key_list *list) {
    wg_slice *items = (wg_slice *)(void *)list->slices.data;
    const size_t n = list->slices.size / sizeof *items;
    size_t kept = 0;
    if (n == 0) return;
    qsort(items, n, sizeof *items, compare);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || wg_slice_compare(items[kept - 1], items[i]) != 0) items[kept++] = items[i];
    list->slices.size = kept * sizeof *items;
}

uint32_t wgi_keys_count(const wgi_key_list *list) { return (uint32_t)(list->slices.size / sizeof(wg_slice)); }

wg_slice wgi_keys_at(const wgi_key_list *list, uint32_t i) {
    wg_slice slice;
    memcpy(&slice, list->slices.data + i * sizeof slice, sizeof slice);
    return slice;
}
