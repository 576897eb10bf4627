/* What the files of scans share: scan.c, scan_level.c, scan_range.c, changes.c. Internal to worldgraph/state. */
#ifndef WG_STATE_SCAN_INTERNAL_H
#define WG_STATE_SCAN_INTERNAL_H

#include "worldgraph/state/order_internal.h"

enum { WGI_BATCH = WGI_NODE_KEYS };

/* Keys from `low` (itself, unless excluded) up to `high` (not itself, unless included). Moving on shrinks it from the side on which it
 * is read. */
typedef struct wgi_interval {
    uint32_t low_size, high_size;
    bool low_excluded, has_high, high_included;
    uint8_t low[WG_KEY_BYTES_MAX], high[WG_KEY_BYTES_MAX];
} wgi_interval;
/* WG_E_LIMIT: longer than a key can be. */
wg_code wgi_interval_make(const wg_state_range *range, wgi_interval *out, wg_error *err);
/* What lies behind `key` in the direction of reading. */
void wgi_interval_advance(wgi_interval *interval, wg_slice key, bool reverse);
static inline wg_slice wgi_interval_low(const wgi_interval *i) { return wg_slice_of(i->low, i->low_size); }
static inline wg_slice wgi_interval_high(const wgi_interval *i) { return wg_slice_of(i->high, i->high_size); }
bool wgi_interval_has(const wgi_interval *interval, wg_slice key);

/* A key and its record at the level's version. Lives as long as the arena. */
typedef struct wgi_item {
    wg_slice key;
    const uint64_t *words; /* as a slot has them; NULL: no record of this run at this version, or one's own write */
    uint64_t time_us;
    const wgi_write *own; /* a write of the transaction */
} wgi_item;

/* Keys of one run in one direction, in batches of at most a leaf. */
typedef struct wgi_level {
    const wg_state_run *run;
    uint64_t version;
    bool reverse, end;
    wgi_order_spot spot; /* leaf NULL: has to be found again */
    bool at_side;        /* came to the leaf from the one before it: all its keys are still to be read */
    bool has_last;       /* goes on behind `last` instead of at the interval's side */
    wg_slice last;       /* in the arena */
    uint32_t next, count;
    wgi_item items[WGI_BATCH];
} wgi_level;

void wgi_level_start(wgi_level *level, const wg_state_run *run, uint64_t version, bool reverse);
/* The next up to `want` keys of the interval, count 0 at the end. Inside the epoch, which stays entered until the next call of
 * level_start: spots live as long. WG_E_EXPIRED, WG_E_NOMEM. */
wg_code wgi_level_fill(wgi_level *level, const wgi_interval *interval, uint32_t want, wg_arena *arena, wg_error *err);

/* The item's parts, decoded. Value bytes are in the arena or in a block, which the epoch keeps. */
void wgi_item_decode(const wgi_item *item, wg_state_version *out);

/* What a serializable transaction has scanned. */
struct wgi_range {
    wgi_range *next;
    bool reverse;
    wgi_interval interval; /* of the scan as it was opened; its far side is where the reader has come to */
};
/* NULL: no memory. Belongs to the transaction; its interval is empty as yet. */
wgi_range *wgi_range_add(wg_state_txn *txn, const wgi_interval *interval, bool reverse);
/* Everything up to `key` was read; NULL: to the interval's end. */
void wgi_range_extend(wgi_range *range, const wgi_interval *whole, const wg_slice *key);

/* A session's scans and ranges that are not in use, and what checks its ranges. */
struct wgi_scans {
    wg_state_scan *free_scans;
    wgi_range *free_ranges;
    wg_arena check_arena;
    wgi_level check_level;
};
/* The session's pool; NULL: no memory. */
wgi_scans *wgi_scans_of(wg_state_session *session);

#endif
