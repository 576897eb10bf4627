/* Ranges that serializable transactions have scanned. At commit every key in them is looked at once more: when one has a record that is newer than
 * the transaction's snapshot, made by somebody else, what the scan returned is not what it would return now. That finds keys that were
 * changed, deleted and created; a created key is in the tree before its record becomes visible.
 *
 * Commits up to `until` had their slots locked before they took their versions, so what is not locked any more is there to see. The caller takes
 * its own version by compare and exchange from `until`, or checks what came between (txn_commit.c). */
#include "worldgraph/state/commit_internal.h"
#include "worldgraph/state/scan_internal.h"

wgi_range *wgi_range_add(wg_state_txn *txn, const wgi_interval *interval, bool reverse) {
    wgi_scans *pool = wgi_scans_of(txn->session);
    if (pool == NULL) return NULL;
    wgi_range *range = pool->free_ranges;
    if (range != NULL) {
        pool->free_ranges = range->next;
    } else {
        range = wg_alloc(txn->session->state->account, sizeof *range);
        if (range == NULL) return NULL;
    }
    range->reverse = reverse;
    range->interval = *interval;
    /* Nothing read: an interval that has no key. */
    range->interval.has_high = true;
    range->interval.high_included = false;
    range->interval.high_size = 0;
    range->next = txn->ranges;
    txn->ranges = range;
    return range;
}

void wgi_range_extend(wgi_range *range, const wgi_interval *whole, const wg_slice *key) {
    range->interval = *whole;
    if (key == NULL) return;
    wgi_interval *interval = &range->interval;
    if (range->reverse) {
        memcpy(interval->low, key->data, key->size);
        interval->low_size = (uint32_t)key->size;
        interval->low_excluded = false;
    } else {
        memcpy(interval->high, key->data, key->size);
        interval->high_size = (uint32_t)key->size;
        interval->has_high = true;
        interval->high_included = true;
    }
}

void wgi_ranges_reset(wg_state_txn *txn) {
    while (txn->ranges != NULL) {
        wgi_range *range = txn->ranges;
        txn->ranges = range->next;
        range->next = txn->session->scans->free_ranges;
        txn->session->scans->free_ranges = range;
    }
}

/* WG_E_CONFLICT when a key of the range has a record of a version in (since, until]. */
static wg_code range_check(wg_state_txn *txn, const wgi_range *range, uint64_t since, uint64_t until, wg_error *err) {
    wgi_level *level = &txn->session->scans->check_level;
    wg_arena *arena = &txn->session->scans->check_arena;
    wgi_level_start(level, txn->run, until, false);
    for (;;) {
        const wg_code code = wgi_level_fill(level, &range->interval, WGI_BATCH, arena, err);
        if (code != WG_OK || level->count == 0) return code;
        for (uint32_t i = 0; i < level->count; i++) {
            const wgi_item *item = &level->items[i];
            const uint64_t version = item->words == NULL ? 0 : wgi_version_of(item->words[0]);
            if (version <= since) continue;
            (void)wgi_error_conflict(item->key, since, version, err);
            return wg_error_prefix(err, WG_E_CONFLICT, "a scanned range has changed");
        }
    }
}

wg_code wgi_ranges_check(wg_state_txn *txn, uint64_t since, uint64_t until, wg_error *err) {
    wg_code code = WG_OK;
    if (since >= until) return WG_OK;
    const uint32_t slot = wg_epoch_enter(txn->run->state->epoch);
    for (const wgi_range *range = txn->ranges; code == WG_OK && range != NULL; range = range->next) {
        wg_arena_reset(&txn->session->scans->check_arena);
        code = range_check(txn, range, since, until, err);
    }
    /* Deletions newer than the snapshot are kept for it as a rule; one that was not may have been in a range. */
    if (code == WG_OK && atomic_load(&txn->run->purged) > since)
        code = wg_error_set(
            err, WG_E_CONFLICT, WG_NO_OFFSET,
            "deletions newer than the transaction's snapshot %llu were purged: run the transaction again",
            (unsigned long long)since);
    wg_epoch_leave(txn->run->state->epoch, slot);
    return code;
}
