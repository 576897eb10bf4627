/* Scans: keys in order with their values, at a snapshot.
 *
 * A scan reads one level a run: its own run and, of a fork, its parent, its parent's parent and so on, each at the version of the fork below
 * it. Levels are merged by key; of equal keys the nearest level that has any record at its version decides, so a deletion or a value that
 * has expired in a fork hides what the parent has. The writes of a transaction are one more level, before all others.
 *
 * A call fills rows until there are enough, and then notes the last key that it looked at: the next call finds its place again from the
 * root. Nothing is held between two calls but a pin of the snapshot, taken when the first call did not reach the end.
 * Rows point into the scan's arena, which the next call empties.
 *
 * Failure modes: WG_E_EXPIRED when history forgot what the snapshot sees (only without a pin); WG_E_NOMEM; the scan can be closed then. */
#include "worldgraph/state/commit_internal.h"
#include "worldgraph/state/scan_internal.h"
#include "worldgraph/state/table_internal.h"

enum { CALL_BYTES_MAX = 4 << 20 /* of values that are copied; a call returns fewer rows when it has so many */ };

struct wg_state_scan {
    wg_state_scan *next; /* in the pool */
    wg_state_session *session;
    wg_state_run *run;
    wg_state_txn *txn; /* NULL: none */
    wgi_range *range;  /* of a serializable transaction */
    uint64_t snapshot, now_us;
    bool reverse, keys_only, done, called, pinned;
    bool is_newest;  /* the snapshot is what was visible at its opening */
    bool is_reading; /* it has the session's short snapshot */
    wg_state_pin pin;
    wg_arena arena;
    wgi_level *levels; /* nearest first */
    uint32_t level_count, level_room;
    const uint32_t *own; /* numbers of the transaction's writes, in key order */
    uint32_t own_next, own_end;
    wgi_item own_item;
    wgi_interval interval, whole;
};

/* ---- intervals */

static bool prefix_successor(wg_slice prefix, uint8_t *out, uint32_t *out_size) {
    size_t n = prefix.size;
    while (n > 0 && prefix.data[n - 1] == 0xff) n--;
    if (n == 0) return false;
    memcpy(out, prefix.data, n);
    out[n - 1]++;
    *out_size = (uint32_t)n;
    return true;
}

static void bound_set(uint8_t *to, uint32_t *to_size, wg_slice key) {
    WG_ASSERT(key.size <= WG_KEY_BYTES_MAX);
    if (key.size != 0) memcpy(to, key.data, key.size);
    *to_size = (uint32_t)key.size;
}

wg_code wgi_interval_make(const wg_state_range *range, wgi_interval *out, wg_error *err) {
    if (range->prefix.size > WG_KEY_BYTES_MAX || range->from.size > WG_KEY_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the %s of a scan has %zu bytes; a key has at most %d",
                            range->prefix.size > WG_KEY_BYTES_MAX ? "prefix" : "first key",
                            wg_max_size(range->prefix.size, range->from.size), WG_KEY_BYTES_MAX);
    out->low_excluded = false;
    out->high_included = false;
    out->high_size = 0;
    bound_set(out->low, &out->low_size, range->prefix);
    out->has_high = prefix_successor(range->prefix, out->high, &out->high_size);
    if (range->from.size == 0) return WG_OK;
    if (!range->reverse && wg_slice_compare(range->from, wgi_interval_low(out)) >= 0) {
        bound_set(out->low, &out->low_size, range->from);
        out->low_excluded = range->from_excluded;
    } else if (range->reverse && (!out->has_high || wg_slice_compare(range->from, wgi_interval_high(out)) < 0)) {
        bound_set(out->high, &out->high_size, range->from);
        out->has_high = true;
        out->high_included = !range->from_excluded;
    }
    return WG_OK;
}

void wgi_interval_advance(wgi_interval *interval, wg_slice key, bool reverse) {
    if (reverse) {
        bound_set(interval->high, &interval->high_size, key);
        interval->has_high = true;
        interval->high_included = false;
    } else {
        bound_set(interval->low, &interval->low_size, key);
        interval->low_excluded = true;
    }
}

bool wgi_interval_has(const wgi_interval *interval, wg_slice key) {
    const int low = wg_slice_compare(key, wgi_interval_low(interval));
    if (low < 0 || (low == 0 && interval->low_excluded)) return false;
    if (!interval->has_high) return true;
    const int high = wg_slice_compare(key, wgi_interval_high(interval));
    return high < 0 || (high == 0 && interval->high_included);
}

/* ---- the pool */

wgi_scans *wgi_scans_of(wg_state_session *session) {
    if (session->scans != NULL) return session->scans;
    wgi_scans *scans = wg_alloc_zero(session->state->account, sizeof *scans);
    if (scans == NULL) return NULL;
    wg_arena_init(&scans->check_arena, session->state->account);
    session->scans = scans;
    return scans;
}

static void scan_free(wg_state_scan *scan) {
    wg_arena_deinit(&scan->arena);
    wg_free(scan->levels);
    wg_free(scan);
}

void wgi_scans_destroy(wgi_scans *scans) {
    if (scans == NULL) return;
    for (wg_state_scan *scan = scans->free_scans; scan != NULL;) {
        wg_state_scan *next = scan->next;
        scan_free(scan);
        scan = next;
    }
    for (wgi_range *range = scans->free_ranges; range != NULL;) {
        wgi_range *next = range->next;
        wg_free(range);
        range = next;
    }
    wg_arena_deinit(&scans->check_arena);
    wg_free(scans);
}

/* From the session's pool or new; without a session it goes back to the allocator at its close. */
static wg_state_scan *scan_take(wg_state_session *session, const wg_state_run *run) {
    wgi_scans *pool = session == NULL ? NULL : wgi_scans_of(session);
    wg_state_scan *scan = pool == NULL ? NULL : pool->free_scans;
    if (scan != NULL) {
        pool->free_scans = scan->next;
        return scan;
    }
    scan = wg_alloc(run->state->account, sizeof *scan);
    if (scan == NULL) return NULL;
    wg_arena_init(&scan->arena, run->state->account);
    scan->levels = NULL;
    scan->level_room = 0;
    return scan;
}

/* ---- opening */

static wg_code levels_reserve(wg_state_scan *scan, const wg_state_run *run, wg_error *err) {
    uint32_t count = 0;
    for (const wg_state_run *r = run; r != NULL; r = r->parent) count++;
    if (count > scan->level_room) {
        wgi_level *grown = wg_realloc(run->state->account, scan->levels, count * sizeof *grown);
        if (grown == NULL) return wg_error_nomem(err, count * sizeof *grown);
        scan->levels = grown;
        scan->level_room = count;
    }
    scan->level_count = count;
    return WG_OK;
}

static wg_code scan_open(wg_state_session *session, wg_state_run *run, const wg_state_range *range,
                         wg_state_scan **out, wg_error *err) {
    wg_state_scan *scan = scan_take(session, run);
    if (scan == NULL) return wg_error_nomem(err, sizeof *scan);
    scan->session = session;
    scan->run = run;
    scan->txn = NULL;
    scan->range = NULL;
    scan->reverse = range->reverse;
    scan->keys_only = range->keys_only;
    scan->done = false;
    scan->called = false;
    scan->pinned = false;
    scan->is_newest = false;
    scan->is_reading = false;
    scan->own = NULL;
    scan->own_next = 0;
    scan->own_end = 0;
    wg_code code = wgi_interval_make(range, &scan->interval, err);
    if (code == WG_OK) code = levels_reserve(scan, run, err);
    if (code != WG_OK) {
        wg_state_scan_close(scan);
        return code;
    }
    *out = scan;
    return WG_OK;
}

/* The session's short snapshot, when nobody has it: it costs two stores. */
static void reading_begin(wg_state_scan *scan) {
    wg_state_session *session = scan->session;
    if (session == NULL || session->txn.open) return;
    if (atomic_load_explicit(&session->reading, memory_order_relaxed) != NULL) return;
    atomic_store_explicit(&session->reading_version, scan->snapshot, memory_order_relaxed);
    atomic_store_explicit(&session->reading, scan->run, memory_order_release); /* pairs with wgi_readings_gather */
    scan->is_reading = true;
}

/* A transaction that was begun meanwhile has it now, or had it and gave it up. */
static void reading_end(const wg_state_scan *scan) {
    if (!scan->is_reading || scan->session->txn.open) return;
    atomic_store_explicit(&scan->session->reading, NULL, memory_order_relaxed);
}

static uint64_t snapshot_now(const wg_state_session *session, const wg_state_run *run) {
    return session == NULL ? wg_state_run_visible(run) : wgi_snapshot(session, run);
}

wg_code wg_state_scan_open(wg_state_session *session, wg_state_run *run, const wg_state_range *range,
                           uint64_t snapshot, uint64_t now_us, wg_state_scan **out, wg_error *err) {
    WG_ASSERT(run != NULL);
    WG_ASSERT(range != NULL);
    wg_state_scan *scan;
    WG_TRY(scan_open(session, run, range, &scan, err));
    scan->is_newest = snapshot == WG_LOGSEQ_NEVER;
    scan->snapshot = scan->is_newest ? snapshot_now(session, run) : snapshot;
    if (scan->is_newest) reading_begin(scan);
    scan->now_us = now_us;
    *out = scan;
    return WG_OK;
}

/* First of the sorted writes whose key is in the interval (end: behind it). */
static uint32_t own_rank(const wg_state_scan *scan, bool end) {
    const wgi_interval *interval = &scan->interval;
    uint32_t low = 0;
    uint32_t high = scan->txn->write_count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        const wg_slice key = scan->txn->writes[scan->own[middle]].key.bytes;
        bool before;
        if (end) {
            const int c = interval->has_high ? wg_slice_compare(key, wgi_interval_high(interval)) : -1;
            before = c < 0 || (c == 0 && interval->high_included);
        } else {
            const int c = wg_slice_compare(key, wgi_interval_low(interval));
            before = c < 0 || (c == 0 && interval->low_excluded);
        }
        if (before) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

wg_code wg_state_txn_scan(wg_state_txn *txn, const wg_state_range *range, wg_state_scan **out, wg_error *err) {
    WG_ASSERT(txn != NULL);
    WG_ASSERT(txn->open);
    wg_state_scan *scan;
    WG_TRY(wgi_unquick(txn, err));
    WG_TRY(scan_open(txn->session, txn->run, range, &scan, err));
    scan->txn = txn;
    scan->snapshot = txn->snapshot;
    scan->now_us = txn->now_us;
    if (txn->isolation == WG_STATE_SERIALIZABLE) {
        scan->whole = scan->interval;
        scan->range = wgi_range_add(txn, &scan->interval, scan->reverse);
        if (scan->range == NULL) {
            wg_state_scan_close(scan);
            return wg_error_nomem(err, sizeof *scan->range);
        }
    }
    *out = scan;
    return WG_OK;
}

void wg_state_scan_close(wg_state_scan *scan) {
    if (scan == NULL) return;
    if (scan->pinned) wg_state_pin_release(&scan->pin);
    reading_end(scan);
    wg_arena_reset(&scan->arena);
    wgi_scans *pool = scan->session == NULL ? NULL : scan->session->scans;
    if (pool == NULL) {
        scan_free(scan);
        return;
    }
    scan->next = pool->free_scans;
    pool->free_scans = scan;
}

/* ---- rows */

/* False: nothing to see. The row's bytes live as long as the arena. */
static wg_code row_fill(wg_state_scan *scan, const wgi_item *item, wg_state_row *row, bool *out_seen, wg_error *err) {
    wg_state_version v;
    wgi_item_decode(item, &v);
    *out_seen = !v.deleted && (v.expires_us == 0 || v.expires_us > scan->now_us);
    if (!*out_seen) return WG_OK;
    row->key = item->key;
    row->version = v.version;
    row->time_us = v.time_us;
    row->expires_us = v.expires_us;
    row->type = v.type;
    row->value = wg_slice_of(NULL, 0);
    if (scan->keys_only) return WG_OK;
    row->value = v.value;
    /* What lies in a block goes when the epoch is left; a transaction's own write when it is written again. */
    const bool in_block = item->own != NULL || (item->words[0] & WGI_FLAG_BLOCK) != 0;
    if (!in_block || v.value.size == 0) return WG_OK;
    row->value.data = wg_arena_copy(&scan->arena, v.value.data, v.value.size);
    return row->value.data != NULL ? WG_OK : wg_error_nomem(err, v.value.size);
}

/* What a call has so far. */
typedef struct progress {
    wg_state_row *rows;
    uint32_t room, count;
    size_t bytes; /* of values */
    wg_slice last;
    bool any, end;
} progress;

static bool progress_is_over(const progress *p) { return p->count == p->room || p->bytes >= CALL_BYTES_MAX; }

/* The row of nearly always: a record that is there, does not expire, and has its value in its words. */
static inline WGI_HOT bool row_fill_short(bool keys_only, const wgi_item *item, wg_state_row *row) {
    if (item->words == NULL) return false;
    const uint64_t word0 = item->words[0];
    if ((word0 & (WGI_FLAG_DELETED | WGI_FLAG_EXPIRES | WGI_FLAG_BLOCK)) != 0) return false;
    const uint8_t *bytes = (const uint8_t *)item->words;
    row->key = item->key;
    row->version = wgi_version_of(word0);
    row->time_us = item->time_us;
    row->expires_us = 0;
    row->type = (uint8_t)(word0 & 0x1f);
    row->value = keys_only ? wg_slice_of(NULL, 0) : wg_slice_of(bytes + wgi_value_at(word0), bytes[8]);
    return true;
}

static wg_code progress_take(wg_state_scan *scan, progress *p, const wgi_item *item, wg_error *err) {
    bool seen = false;
    p->last = item->key;
    p->any = true;
    if (row_fill_short(scan->keys_only, item, &p->rows[p->count])) {
        p->count++;
        return WG_OK;
    }
    if (item->words == NULL && item->own == NULL) return WG_OK;
    WG_TRY(row_fill(scan, item, &p->rows[p->count], &seen, err));
    if (seen) p->bytes += p->rows[p->count].value.size;
    p->count += seen;
    return WG_OK;
}

/* Rows that are still wanted. A batch ends with its leaf anyway. */
static uint32_t batch_size(const progress *p) { return p->room - p->count; }

/* Rows of nearly always, as long as items are such and there is room. The first item that is not. */
static uint32_t rows_fill_short(const wg_state_scan *scan, progress *p, const wgi_level *level, uint32_t first) {
    const bool keys_only = scan->keys_only;
    const uint32_t end = first + (uint32_t)wg_min_size(level->count - first, p->room - p->count);
    wg_state_row *row = p->rows + p->count;
    uint32_t i = first;
    while (i < end && row_fill_short(keys_only, &level->items[i], row)) i++, row++;
    p->count += i - first;
    return i;
}

static wg_code rows_take(wg_state_scan *scan, progress *p, const wgi_level *level, wg_error *err) {
    uint32_t i = 0;
    while (i < level->count && !progress_is_over(p)) {
        i = rows_fill_short(scan, p, level, i);
        if (i == level->count || progress_is_over(p)) break;
        WG_TRY(progress_take(scan, p, &level->items[i++], err));
    }
    p->last = level->items[i - 1].key;
    p->any = true;
    return WG_OK;
}

/* One run, nothing of one's own: no merge. */
static wg_code scan_plain(wg_state_scan *scan, progress *p, wg_error *err) {
    wgi_level *level = &scan->levels[0];
    while (!progress_is_over(p)) {
        WG_TRY(wgi_level_fill(level, &scan->interval, batch_size(p), &scan->arena, err));
        p->end = level->count == 0;
        if (p->end) return WG_OK;
        WG_TRY(rows_take(scan, p, level, err));
    }
    return WG_OK;
}

/* The item that a level stands at; NULL: none is left. */
static wg_code level_head(wg_state_scan *scan, uint32_t n, const progress *p, const wgi_item **out, wg_error *err) {
    wgi_level *level = &scan->levels[n];
    if (level->next == level->count && !level->end)
        WG_TRY(wgi_level_fill(level, &scan->interval, batch_size(p), &scan->arena, err));
    *out = level->next < level->count ? &level->items[level->next] : NULL;
    return WG_OK;
}

/* The transaction's next write in the interval; NULL: none is left. */
static const wgi_item *own_head(wg_state_scan *scan) {
    if (scan->own_next == scan->own_end) return NULL;
    const uint32_t at = scan->reverse ? scan->own_end - 1 : scan->own_next;
    const wgi_write *write = &scan->txn->writes[scan->own[at]];
    scan->own_item = (wgi_item){.key = write->key.bytes, .own = write, .time_us = scan->now_us};
    return &scan->own_item;
}

static void own_pass(wg_state_scan *scan) {
    if (scan->reverse) {
        scan->own_end--;
    } else {
        scan->own_next++;
    }
}

/* <0: a comes before b in the scan's direction. */
static int items_compare(const wg_state_scan *scan, const wgi_item *a, const wgi_item *b) {
    const int c = wg_slice_compare(a->key, b->key);
    return scan->reverse ? -c : c;
}

static wg_code scan_merge_one(wg_state_scan *scan, progress *p, wg_error *err) {
    const wgi_item *best = own_head(scan);
    for (uint32_t n = 0; n < scan->level_count; n++) {
        const wgi_item *head;
        WG_TRY(level_head(scan, n, p, &head, err));
        if (head == NULL) continue;
        const int c = best == NULL ? -1 : items_compare(scan, head, best);
        /* Equal keys: the nearest that has a record stays. */
        if (c < 0 || (c == 0 && best->words == NULL && best->own == NULL)) best = head;
    }
    p->end = best == NULL;
    if (p->end) return WG_OK;
    wgi_item chosen = *best;
    if (chosen.own != NULL) { /* its key goes when the transaction ends */
        chosen.key.data = wg_arena_copy(&scan->arena, chosen.key.data, chosen.key.size);
        if (chosen.key.data == NULL) return wg_error_nomem(err, chosen.key.size);
    }
    for (uint32_t n = 0; n < scan->level_count; n++) {
        wgi_level *level = &scan->levels[n];
        if (level->next < level->count && wg_slice_equal(level->items[level->next].key, chosen.key)) level->next++;
    }
    if (chosen.own != NULL) own_pass(scan);
    return progress_take(scan, p, &chosen, err);
}

static wg_code scan_start(wg_state_scan *scan, wg_error *err) {
    wg_arena_reset(&scan->arena);
    uint64_t version = scan->snapshot;
    const wg_state_run *run = scan->run;
    for (uint32_t n = 0; n < scan->level_count; n++) {
        wgi_level_start(&scan->levels[n], run, version, scan->reverse);
        version = wg_min_u64(version, run->origin.fork_version);
        run = run->parent;
    }
    if (scan->txn == NULL || scan->txn->write_count == 0) return WG_OK;
    WG_TRY(wgi_txn_sorted(scan->txn, &scan->own, err));
    scan->own_next = own_rank(scan, false);
    scan->own_end = (uint32_t)wg_max_size(own_rank(scan, true), scan->own_next);
    return WG_OK;
}

/* Keeps the snapshot from this call to the next. A transaction does that itself. The session's short snapshot is not enough: what a purge began
 * before that was entered may go, and horizons pass it; a pin that is given is whole, and one that is refused before the first rows are
 * given lets the scan begin anew. */
static wg_code scan_keep(wg_state_scan *scan, wg_error *err) {
    if (scan->txn != NULL || scan->pinned || scan->session == NULL) return WG_OK;
    WG_TRY(wg_state_pin_acquire(scan->session, scan->run, scan->snapshot, &scan->pin, err));
    scan->pinned = true;
    return WG_OK;
}

/* Fills rows from where the scan stands; what it has come to is in *p. */
static wg_code scan_fill(wg_state_scan *scan, progress *p, wg_error *err) {
    const uint32_t slot = wg_epoch_enter(scan->run->state->epoch);
    wg_code code = scan_start(scan, err);
    if (code == WG_OK && scan->level_count == 1 && scan->own_next == scan->own_end) {
        code = scan_plain(scan, p, err);
    } else {
        while (code == WG_OK && !p->end && !progress_is_over(p)) code = scan_merge_one(scan, p, err);
    }
    wg_epoch_leave(scan->run->state->epoch, slot);
    if (code == WG_OK && !p->end) code = scan_keep(scan, err);
    return code;
}

wg_code wg_state_scan_next(wg_state_scan *scan, wg_state_row *rows, uint32_t n, uint32_t *out_n, wg_error *err) {
    WG_ASSERT(scan != NULL);
    WG_ASSERT(n > 0);
    if (scan->done) {
        *out_n = 0;
        return WG_OK;
    }
    wg_error local = {0};
    progress p = {.rows = rows, .room = n};
    wg_code code = scan_fill(scan, &p, &local);
    /* A scan of what is there now has promised nothing before its first rows: while it ran, deletions newer than its snapshot were purged. */
    while (code == WG_E_EXPIRED && scan->is_newest && !scan->called) {
        wg_error_clear(&local);
        scan->snapshot = snapshot_now(scan->session, scan->run);
        p = (progress){.rows = rows, .room = n};
        code = scan_fill(scan, &p, &local);
    }
    if (code != WG_OK) {
        if (err != NULL && err->code == WG_OK) *err = local;
        return code;
    }
    scan->called = true;
    scan->done = p.end;
    if (p.any) wgi_interval_advance(&scan->interval, p.last, scan->reverse);
    if (scan->range != NULL) wgi_range_extend(scan->range, &scan->whole, p.end ? NULL : &p.last);
    *out_n = p.count;
    return WG_OK;
}
