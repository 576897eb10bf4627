/* What changed in a run between two versions: for checkpoints (every record) and for diffs and merges (the newest record of each key).
 *
 * Both walk the run's own keys in order beside writers, a leaf at a time, inside the epoch. Keys whose newest record is not newer than `since`
 * cost a look at the copies in the leaf (scan_level.c). */
#include "worldgraph/state/scan_internal.h"

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

static wg_code changes_pass(changes *c, wg_error *err) {
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

wg_code wg_state_changes(wg_state_run *run, uint64_t since, uint64_t until, wg_state_record_fn fn, void *ctx,
                         wg_error *err) {
    WG_ASSERT(fn != NULL);
    if (wg_state_run_newest(run) <= since) return WG_OK;
    changes c = {.run = run, .since = since, .until = until, .fn = fn, .ctx = ctx};
    return changes_pass(&c, err);
}

wg_code wg_state_changed_keys(wg_state_run *run, uint64_t since, uint64_t until, wg_state_record_fn fn, void *ctx,
                              wg_error *err) {
    WG_ASSERT(fn != NULL);
    if (wg_state_run_newest(run) <= since) return WG_OK;
    changes c = {.run = run, .since = since, .until = until, .fn = fn, .ctx = ctx, .newest_only = true};
    return changes_pass(&c, err);
}
