/* Which segments a log still has, in which one a commit begins, and the removal of those that a checkpoint has made needless.
 *
 * For each segment the log keeps the number of the first commit that begins in it or after it: the header's first commit, or
 * the next one when the segment begins in the middle of a commit. Commit n begins in the last segment whose entry is not
 * above n. A manifest must name a segment that a crash cannot take away, so keep_from never goes past the one in which the
 * durable end lies: a newer one may not be on the disk yet, nor its name.
 *
 * Trimming removes names only, oldest first, without a sync: a removal that a crash undoes leaves a segment below the first,
 * which the next open removes again. One of the segments, when they are few, may get another name, under which wal_prepare.c uses it again. What the
 * chain has not taken in yet is hashed first, because it may have to be read back. */
#include "io/wal_store/wal_internal.h"

bool wgi_wal_note_reserve(wal_note_list *list, size_t more) {
    if (list->capacity - list->count >= more) return true;
    const size_t wanted = wg_max_size(list->count + more, wg_max_size(16, list->capacity * 2));
    wal_note *items = wg_realloc(NULL, list->items, wanted * sizeof *items);
    if (items == NULL) return false;
    list->items = items;
    list->capacity = wanted;
    return true;
}

void wgi_wal_note_put(wal_note_list *list, uint64_t number, uint64_t first_begin) {
    WG_ASSERT(list->count < list->capacity);
    WG_ASSERT(list->count == 0 || list->items[list->count - 1].number + 1 == number);
    list->items[list->count++] = (wal_note){.number = number, .first_begin = first_begin};
}

uint64_t wg_wal_keep_from(wg_wal *wal, uint64_t logseq) {
    wg_mutex_lock(&wal->append_lock);
    const wal_note_list *list = &wal->notes;
    size_t low = 0; /* the first segment answers for everything before it too */
    size_t high = list->count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (list->items[middle].first_begin <= logseq + 1) low = middle;
        else high = middle;
    }
    const uint64_t begins = list->items[low].number;
    const uint64_t durable = wal_position_segment(atomic_load(&wal->durable_position));
    wg_mutex_unlock(&wal->append_lock);
    return wg_min_u64(begins, durable);
}

/* The oldest segment when it lies below `segment` and may go; 0: none. */
static uint64_t oldest_below(wg_wal *wal, uint64_t segment) {
    wg_mutex_lock(&wal->append_lock);
    const uint64_t durable = wal_position_segment(atomic_load(&wal->durable_position));
    const uint64_t oldest = wal->notes.items[0].number;
    wg_mutex_unlock(&wal->append_lock);
    return oldest < wg_min_u64(segment, durable) ? oldest : 0;
}

static void note_gone(wg_wal *wal, uint64_t number) {
    wg_mutex_lock(&wal->append_lock);
    wal_note_list *list = &wal->notes;
    if (list->items[0].number == number) { /* else another trim was faster */
        memmove(list->items, list->items + 1, --list->count * sizeof *list->items);
        atomic_fetch_sub_explicit(&wal->segments, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&wal->segments_trimmed, 1, memory_order_relaxed);
    }
    wg_mutex_unlock(&wal->append_lock);
}

enum {
    TRIM_SPARE_MAX = 24
}; /* more that go at once were filled by a load: one to use again is no gain, and takes room */

wg_code wg_wal_trim(wg_wal *wal, uint64_t segment, wg_error *err) {
    char path[WAL_PATH_BYTES];
    const uint64_t oldest = oldest_below(wal, segment);
    const bool keeps = segment - oldest <= TRIM_SPARE_MAX;
    if (oldest != 0) WG_TRY(wgi_wal_chain_drain(wal, err));
    for (uint64_t number; (number = oldest_below(wal, segment)) != 0; note_gone(wal, number)) {
        wg_error seen = {0};
        wgi_wal_name(wal->dir, number, path);
        if (keeps && wgi_wal_spare_keep(wal, path, number)) continue;
        const wg_code code = wal->platform->ops->unlink(wal->platform, path, &seen);
        if (code != WG_OK && code != WG_E_NOT_FOUND)
            return wg_error_set_sys(err, code, seen.sys_errno, "log segment '%.120s' could not be removed", path);
    }
    return WG_OK;
}
