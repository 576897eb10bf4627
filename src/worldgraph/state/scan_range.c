/* Ranges that serializable transactions have scanned. At commit every key in them is looked at once more: when one has a record that is newer than
 * the transaction's snapshot, made by somebody else, what the scan returned is not what it would return now. That finds keys that were
 * changed, deleted and created; a created key is in the tree before its record becomes visible.
 *
 * The commit calls with its version taken: every commit with a smaller version had its slots locked before, so what is not locked any more is
 * there to see. */
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
