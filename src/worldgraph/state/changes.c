/* What changed in a run between two versions: for checkpoints (every record) and for diffs and merges (the newest record of each key).
 *
 * When the run has a mark at or before `since` (touched.c), the keys that were noted behind it are looked up in the table by their hashes, sorted, and
 * read. Otherwise, and when so many were noted that it does not pay, all own keys are walked in order, a leaf at a time, beside writers
 * (scan_level.c). Either way a key counts by its records, so that a key noted in vain or twice costs a look. */
#include <stdlib.h>

#include "worldgraph/state/commit_internal.h"
#include "worldgraph/state/scan_internal.h"

enum { PAYS_BELOW = 4 /* one in so many keys */, PAYS_ALWAYS = 64 };

typedef struct changes {
    wg_state_run *run;
    uint64_t since, until;
    wg_state_record_fn fn;
    void *ctx;
    bool newest_only;
    wg_slice key; /* of the record that is passed on */
    bool stopped;
} changes;

static bool version_pass(void *ctx, const wg_state_version *version) {
    changes *c = ctx;
    if (version->version <= c->since) return false;
    c->stopped = !c->fn(c->ctx, c->key, version);
    return !c->stopped && !c->newest_only;
}

static wg_code item_pass(changes *c, const wgi_item *item, wg_error *err) {
    if (item->words == NULL || wgi_version_of(item->words[0]) <= c->since) return WG_OK;
    c->key = item->key;
    if (c->newest_only) {
        wg_state_version version;
        wgi_item_decode(item, &version);
        (void)version_pass(c, &version);
    } else {
        const wg_state_key key = wg_state_key_of(c->run, item->key);
        bool complete; /* what history forgot is left out */
        WG_TRY(wgi_versions(c->run, &key, c->until, version_pass, c, &complete, err));
    }
    if (!c->stopped) return WG_OK;
    return wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "listing the changes of run %u was stopped",
                        c->run->origin.number);
}

/* ---- all keys */

static wg_code walk_all(changes *c, wg_error *err) {
    wg_account *account = c->run->state->account;
    wg_epoch *epoch = c->run->state->epoch;
    wgi_level *level = wg_alloc(account, sizeof *level);
    wgi_interval *interval = wg_alloc_zero(account, sizeof *interval);
    wg_arena arena;
    wg_arena_init(&arena, account);
    wg_code code = level == NULL || interval == NULL ? wg_error_nomem(err, sizeof *interval) : WG_OK;
    for (bool end = false; code == WG_OK && !end;) {
        wg_arena_reset(&arena);
        const uint32_t slot = wg_epoch_enter(epoch);
        wgi_level_start(level, c->run, c->until, false);
        code = wgi_level_fill(level, interval, WGI_BATCH, &arena, err);
        for (uint32_t i = 0; code == WG_OK && i < level->count; i++) code = item_pass(c, &level->items[i], err);
        wg_epoch_leave(epoch, slot);
        end = code == WG_OK && level->count == 0;
        if (code == WG_OK && !end) wgi_interval_advance(interval, level->items[level->count - 1].key, false);
    }
    wg_arena_deinit(&arena);
    wg_free(level);
    wg_free(interval);
    return code;
}

/* ---- noted keys */

typedef enum probe_result { PROBE_DONE, PROBE_AGAIN } probe_result;

/* Appends the keys (one, as a rule) of the run that have this hash: slices whose bytes are in the arena. */
static probe_result keys_probe(const changes *c, uint64_t hash, wg_arena *arena, wg_buf *keys, bool *out_nomem) {
    const wgi_table *table = c->run->table;
    const wgi_place place = wgi_place_of(table, hash);
    const uint32_t generation = atomic_load_explicit(&place.header->generation, memory_order_acquire);
    if ((generation & 1) != 0) return PROBE_AGAIN;
    uint32_t at = wgi_home(hash);
    for (uint32_t i = 0; i < WGI_SLOTS; i++, at = (at + 1) % WGI_SLOTS) {
        uint64_t words[WGI_SLOT_WORDS];
        wgi_slot_copy(&place.slots[at], words);
        if (words[0] == 0) break;
        if ((words[0] & WGI_LOCKED) != 0 || wgi_load(&place.slots[at].words[0]) != words[0]) return PROBE_AGAIN;
        if ((uint32_t)words[1] >> 8 != c->run->origin.number || wgi_words_hash(table, words) != hash) continue;
        const wg_slice key = wgi_words_key(words);
        const wg_slice kept = wg_slice_of(wg_arena_copy(arena, key.data, key.size), key.size);
        *out_nomem = kept.data == NULL || !wg_buf_append(keys, &kept, sizeof kept);
        if (*out_nomem) return PROBE_DONE;
    }
    const bool same = atomic_load_explicit(&place.header->generation, memory_order_relaxed) == generation &&
                      wgi_segment_of(table, hash) == place.segment;
    return same ? PROBE_DONE : PROBE_AGAIN;
}

static wg_code keys_find(const changes *c, const wg_buf *hashes, wg_arena *arena, wg_buf *keys, wg_error *err) {
    for (size_t i = 0; i < hashes->size; i += 8) {
        const uint64_t hash = wg_load_u64le(hashes->data + i);
        const size_t before = keys->size;
        uint32_t rounds = 0;
        bool nomem = false;
        const uint32_t slot = wg_epoch_enter(c->run->state->epoch);
        while (keys_probe(c, hash, arena, keys, &nomem) == PROBE_AGAIN) {
            keys->size = before;
            wgi_wait(&rounds);
        }
        wg_epoch_leave(c->run->state->epoch, slot);
        if (nomem) return wg_error_nomem(err, sizeof(wg_slice));
    }
    return WG_OK;
}

static int slices_compare(const void *a, const void *b) {
    const wg_slice *x = a;
    const wg_slice *y = b;
    return wg_slice_compare(*x, *y);
}

static wg_code key_pass(changes *c, wg_slice bytes, wg_error *err) {
    const wg_state_key key = wg_state_key_of(c->run, bytes);
    wgi_record record;
    const uint32_t slot = wg_epoch_enter(c->run->state->epoch);
    const wgi_found found = wgi_slot_read(c->run, &key, c->until, &record);
    const wgi_item item = {.key = bytes, .words = record.words, .time_us = record.time_us};
    wg_code code = WG_OK;
    if (found == WGI_EXPIRED)
        code = wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET, "run %u at version %llu is forgotten in part",
                            c->run->origin.number, (unsigned long long)c->until);
    if (found == WGI_FOUND || found == WGI_DELETED) code = item_pass(c, &item, err);
    wg_epoch_leave(c->run->state->epoch, slot);
    return code;
}

static wg_code walk_noted(changes *c, const wg_buf *hashes, wg_error *err) {
    wg_arena arena;
    wg_buf keys;
    wg_arena_init(&arena, c->run->state->account);
    wg_buf_init(&keys, c->run->state->account);
    wg_code code = keys_find(c, hashes, &arena, &keys, err);
    const size_t count = keys.size / sizeof(wg_slice);
    wg_slice *sorted = (wg_slice *)(void *)keys.data;
    if (count > 1) qsort(sorted, count, sizeof *sorted, slices_compare);
    for (size_t i = 0; code == WG_OK && i < count; i++)
        if (i == 0 || !wg_slice_equal(sorted[i - 1], sorted[i])) code = key_pass(c, sorted[i], err);
    wg_buf_deinit(&keys);
    wg_arena_deinit(&arena);
    return code;
}

static wg_code changes_pass(changes *c, wg_error *err) {
    const uint64_t newest = wg_state_run_newest(c->run);
    if (newest <= c->since) return WG_OK;
    c->until = wg_min_u64(c->until, newest);
    const uint64_t keys = atomic_load_explicit(&c->run->order->keys, memory_order_relaxed);
    wg_buf hashes;
    bool known;
    wg_buf_init(&hashes, c->run->state->account);
    wg_code code = wgi_touched_since(c->run, c->since, keys / PAYS_BELOW + PAYS_ALWAYS, &hashes, &known, err);
    if (code == WG_OK) code = known ? walk_noted(c, &hashes, err) : walk_all(c, err);
    wg_buf_deinit(&hashes);
    return code;
}

wg_code wg_state_changes(wg_state_run *run, uint64_t since, uint64_t until, wg_state_record_fn fn, void *ctx,
                         wg_error *err) {
    WG_ASSERT(fn != NULL);
    changes c = {.run = run, .since = since, .until = until, .fn = fn, .ctx = ctx};
    wgi_touched_mark(run); /* the next checkpoint but one begins here */
    return changes_pass(&c, err);
}

wg_code wg_state_changed_keys(wg_state_run *run, uint64_t since, uint64_t until, wg_state_record_fn fn, void *ctx,
                              wg_error *err) {
    WG_ASSERT(fn != NULL);
    changes c = {.run = run, .since = since, .until = until, .fn = fn, .ctx = ctx, .newest_only = true};
    return changes_pass(&c, err);
}
