/* Entries of an index that nobody can need any more: they go when they may be as many as the others.
 *
 * A pair (key, id) is needed while some version of the row that has not ended before the oldest kept snapshot has that key. So the horizon
 * is asked for first, then the index reads all rows that there are by then (index.c), then the entries are put in the order of ids, the versions of
 * each row are walked once, from the newest to the first one that ended at or before the horizon, and pairs that none of them has are left
 * out. A row that comes later and repeats the key of the version that it replaced finds its entry: that version ended behind the horizon.
 *
 * A sweep costs as much as there are entries and kept versions of their rows. It waits until the entries are twice what the last one
 * left, and until the horizon has moved, so a write pays a constant share of it. Failure modes: errors of reading rows. Memory that
 * runs out puts the sweep off, nothing else. */
#include "engine/engine_internal.h"

enum { SWEEP_MIN = 16384, FEW = 16 };

typedef struct sweep {
    wgi_index *index;
    uint64_t horizon;
    wgi_index_state *state;
    uint64_t first[WGI_INDEX_RUNS_MAX + 1]; /* number of each run's first entry */
    wgi_index_entry *by_id;                 /* prefix: id; id: number of the entry */
    uint8_t *kept;                          /* bits, by number */
    wg_buf keys;                            /* wgi_index_key of the versions of one row */
    wg_arena arena;
} sweep;

/* ---- one row */

static bool repeats_last(const wg_buf *keys, const wgi_index_key *key) {
    if (keys->size == 0) return false;
    const wgi_index_key *last = (const wgi_index_key *)(const void *)(keys->data + keys->size - sizeof *last);
    return last->size == key->size && memcmp(last->bytes, key->bytes, key->size) == 0;
}

/* Keys of all versions that a kept snapshot may see. */
static wg_code kept_keys(sweep *s, uint64_t id, wg_error *err) {
    const wg_engine *e = s->index->engine;
    const wg_label *label = wg_catalog_label_at(e->catalog, s->index->rule->def.label);
    wg_row_address at = WG_ROW_NONE;
    s->keys.size = 0;
    if (id >= wg_directory_count(label->def.is_edge ? e->edges : e->nodes)) return WG_OK;
    WG_TRY(wg_directory_get(label->def.is_edge ? e->edges : e->nodes, id, &at, err));
    while (at != WG_ROW_NONE) {
        const wgi_place place = {wgi_table_at(e, wg_row_table(at)), wg_row_ordinal(at)};
        wg_row_head head;
        uint64_t end = 0;
        bool found = false;
        if (place.table == NULL) return WG_OK;
        WG_TRY(wg_table_head(place.table->rows, place.row, &head, &end, &found, err));
        if (!found || end <= s->horizon) return WG_OK;
        at = head.prev;
        if (!wgi_table_has_labels(place.table, &label->number, 1)) continue;
        wg_value values[WG_KEY_COLUMNS_MAX];
        wgi_index_key key;
        wg_arena_reset(&s->arena);
        WG_TRY(wgi_index_row_values(s->index, &place, &s->arena, values, err));
        if (!wgi_index_key_of(&s->index->rule->def, values, &key)) continue;
        if (repeats_last(&s->keys, &key)) continue;
        if (!wg_buf_append(&s->keys, &key, sizeof key)) return wg_error_nomem(err, s->keys.size);
    }
    return WG_OK;
}

static const wgi_index_entry *entry_at(const sweep *s, uint64_t number, const uint8_t **bytes) {
    uint32_t run = 0;
    while (s->first[run + 1] <= number) run++;
    *bytes = s->state->runs[run]->bytes;
    return &s->state->runs[run]->entries[number - s->first[run]];
}

/* Many keys are looked up in a run of their own. */
static wg_code keys_run(const sweep *s, wgi_index_run **out, wg_error *err) {
    const uint64_t count = s->keys.size / sizeof(wgi_index_key);
    const wgi_index_key *keys = (const wgi_index_key *)(const void *)s->keys.data;
    wg_account *account = &s->index->engine->index_account;
    wgi_index_entry *entries = wg_alloc(account, count * sizeof *entries);
    wg_buf bytes;
    wg_buf_init(&bytes, account);
    bool ok = entries != NULL;
    for (uint64_t i = 0; i < count && ok; i++) {
        entries[i] = wgi_index_entry_of(&keys[i], 0, bytes.size);
        ok = entries[i].rest_size == 0 || wg_buf_append(&bytes, keys[i].bytes + 8, entries[i].rest_size);
    }
    const wg_code code = ok ? wgi_index_run_make(account, entries, count, bytes.data, out, err)
                            : wg_error_nomem(err, count * sizeof *entries);
    wg_buf_deinit(&bytes);
    wg_free(entries);
    return code;
}

static wg_code mark_row(sweep *s, const wgi_index_entry *group, uint64_t count, wg_error *err) {
    WG_TRY(kept_keys(s, group[0].prefix, err));
    const uint64_t key_count = s->keys.size / sizeof(wgi_index_key);
    const wgi_index_key *keys = (const wgi_index_key *)(const void *)s->keys.data;
    wgi_index_run *run = NULL;
    if (key_count > FEW && count > FEW) WG_TRY(keys_run(s, &run, err));
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *bytes = NULL;
        const wgi_index_entry *e = entry_at(s, group[i].id, &bytes);
        bool kept = run != NULL && wgi_index_run_has(run, e, bytes);
        for (uint64_t k = 0; k < key_count && run == NULL && !kept; k++)
            kept = wgi_index_entry_is(e, bytes, &keys[k]);
        if (kept) wg_bit_set(s->kept, group[i].id);
    }
    wg_free(run);
    return WG_OK;
}

/* ---- all of them */

static wg_code mark(sweep *s, wg_error *err) {
    const uint64_t count = s->first[s->state->run_count];
    wg_account *account = &s->index->engine->index_account;
    wgi_index_entry *space = wg_alloc(account, (count + 1) * sizeof *space);
    s->by_id = wg_alloc(account, (count + 1) * sizeof *s->by_id);
    s->kept = wg_alloc_zero(account, count / 8 + 8);
    if (space == NULL || s->by_id == NULL || s->kept == NULL) {
        wg_free(space);
        return wg_error_nomem(err, count * sizeof *space);
    }
    uint64_t n = 0;
    for (uint32_t r = 0; r < s->state->run_count; r++)
        for (uint64_t i = 0; i < s->state->runs[r]->count; i++, n++)
            s->by_id[n] = (wgi_index_entry){.prefix = s->state->runs[r]->entries[i].id, .id = n};
    wgi_index_sort(s->by_id, space, count, NULL);
    wg_free(space);
    for (uint64_t at = 0, end; at < count; at = end) {
        for (end = at + 1; end < count && s->by_id[end].prefix == s->by_id[at].prefix;) end++;
        WG_TRY(mark_row(s, &s->by_id[at], end - at, err));
    }
    return WG_OK;
}

/* One run of what is left. */
static wg_code replace(sweep *s, wg_error *err) {
    wg_account *account = &s->index->engine->index_account;
    wgi_index_run *all = NULL;
    for (uint32_t r = 0; r < s->state->run_count; r++) {
        wgi_index_run *one = NULL, *both = NULL;
        wg_code code = wgi_index_run_filter(account, s->state->runs[r], s->kept, s->first[r], &one, err);
        if (code == WG_OK && all != NULL) code = wgi_index_run_merge(account, all, one, &both, err);
        if (all != NULL || code != WG_OK) wg_free(one);
        if (all != NULL) wg_free(all);
        all = both != NULL ? both : one;
        if (code != WG_OK) return code;
    }
    const uint64_t count = all->count;
    const wg_code code = wgi_index_replace(s->index, &all, 1, err);
    if (code != WG_OK) wg_free(all);
    else s->index->swept_entries = count;
    return code;
}

static wg_code sweep_all(sweep *s, wg_error *err) {
    s->state = atomic_load_explicit(&s->index->state, memory_order_relaxed);
    for (uint32_t r = 0; r < s->state->run_count; r++) s->first[r + 1] = s->first[r] + s->state->runs[r]->count;
    WG_TRY(mark(s, err));
    return replace(s, err);
}

wg_code wgi_index_sweep(wgi_index *index, uint64_t horizon, wg_error *err) {
    wg_engine *e = index->engine;
    const uint64_t entries = wgi_index_entry_count(index);
    const bool many = entries >= 2 * index->swept_entries + SWEEP_MIN;
    atomic_store_explicit(&index->sweep_due, many ? index->swept_horizon : UINT64_MAX, memory_order_relaxed);
    if (!many || horizon <= index->swept_horizon) return WG_OK;
    wg_error why = {0};
    sweep s = {.index = index, .horizon = horizon};
    wg_buf_init(&s.keys, &e->index_account);
    wg_arena_init(&s.arena, &e->index_account);
    const wg_code code = sweep_all(&s, &why);
    wg_arena_deinit(&s.arena);
    wg_buf_deinit(&s.keys);
    wg_free(s.by_id);
    wg_free(s.kept);
    if (code == WG_OK) index->swept_horizon = horizon;
    else index->swept_entries = entries; /* not before it has doubled again */
    atomic_store_explicit(&index->sweep_due, UINT64_MAX, memory_order_relaxed);
    if (code == WG_OK || code == WG_E_NOMEM) return WG_OK;
    if (err != NULL) *err = why;
    return code;
}
