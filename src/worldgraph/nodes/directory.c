/* The directory from id to the address of the newest version.
 *
 * Chunks of 16,384 ids behind slots. While the ids of a chunk stand in consecutive rows (a bulk load) the chunk
 * is a run: address of id i = run_base + i, for i < run_count, and its array is reserved but untouched. The first set that
 * does not continue the run fills the array and switches over; readers that do not see the switch use the run, which is
 * still right for them.
 *
 * A chunk that a checkpoint has written is mapped: its entries are read from a stripe, ids beyond them have no version. Entries that
 * are set later stand in a patch, whose pages of 256 ids are made by the first set in them. No call after wg_directory_extend needs
 * memory but that one. The patch goes with the next checkpoint's chunk, or over to it when it holds entries that are newer still.
 *
 * A checkpoint reads chunks beside the writer, so it may find addresses that are newer than it. The writer raises the stamp
 * of a chunk before it stores an entry (release) and the checkpoint loads the stamp after the entries (acquire): when the
 * stamp is not above the checkpoint, no entry is. */
#include "worldgraph/nodes/nodes_internal.h"

enum { CHUNK_SHIFT = 14, CHUNK_IDS = 1 << CHUNK_SHIFT };
_Static_assert((int)CHUNK_IDS == (int)WG_FRAGMENT_ROWS_MAX, "a chunk is one stored fragment");

/* A mapped chunk ends before its entries; a heap chunk has no patch. */
typedef struct directory_chunk {
    wg_epoch_link link;
    const wg_fragment *stored;  /* NULL: in the heap */
    uint32_t column;            /* of its addresses */
    _Atomic(wgi_patch *) patch; /* mapped; release by the writer, acquire by readers */
    _Atomic uint64_t stamp;     /* last logseq that set an entry */
    _Atomic bool filled;        /* release after `entries` is filled, acquire by readers */
    _Atomic uint32_t run_count;
    _Atomic uint64_t run_base;
    _Atomic uint64_t entries[];
} directory_chunk;

#define IDS_MAX ((uint64_t)WGI_SLOTS_MAX << CHUNK_SHIFT)

struct wg_directory {
    wg_epoch *epoch;
    wg_account *account;
    wg_slots chunks;
    _Atomic uint64_t count;
};

wg_code wg_directory_create(wg_epoch *epoch, wg_account *account, wg_directory **out, wg_error *err) {
    wg_directory *d = wg_alloc_zero(account, sizeof *d);
    if (d == NULL) return wg_error_nomem(err, sizeof *d);
    d->epoch = epoch;
    d->account = account;
    atomic_init(&d->count, 0);
    *out = d;
    return WG_OK;
}

void wg_directory_destroy(wg_directory *d) {
    if (d == NULL) return;
    for (uint32_t i = wg_slots_next(&d->chunks, 0); i != UINT32_MAX; i = wg_slots_next(&d->chunks, i + 1)) {
        directory_chunk *chunk = wg_slots_get(&d->chunks, i);
        if (chunk != NULL) wgi_patch_destroy(atomic_load_explicit(&chunk->patch, memory_order_relaxed));
        wg_free(chunk);
    }
    wg_slots_deinit(&d->chunks);
    wg_free(d);
}

uint64_t wg_directory_count(const wg_directory *d) { return atomic_load_explicit(&d->count, memory_order_acquire); }

static directory_chunk *chunk_create(bool in_heap, wg_account *account) {
    directory_chunk *chunk = wg_alloc(account, sizeof *chunk + (in_heap ? CHUNK_IDS * sizeof chunk->entries[0] : 0));
    if (chunk == NULL) return NULL;
    memset(chunk, 0, sizeof *chunk);
    atomic_init(&chunk->patch, NULL);
    atomic_init(&chunk->stamp, 0);
    atomic_init(&chunk->filled, false);
    atomic_init(&chunk->run_count, 0);
    atomic_init(&chunk->run_base, 0);
    return chunk;
}

static directory_chunk *chunk_of(const wg_directory *d, uint64_t id) {
    return wg_slots_get(&d->chunks, (uint32_t)(id >> CHUNK_SHIFT));
}

static wgi_patch *patch_of(const directory_chunk *chunk) {
    return atomic_load_explicit(&chunk->patch, memory_order_acquire); /* pairs with stored_set */
}

/* Puts a chunk into its place; the one that was there goes when no reader can hold it, its patch too unless that lives on. */
static wg_code chunk_put(wg_directory *d, uint32_t place, directory_chunk *chunk, wg_error *err) {
    if (!wg_slots_reserve(&d->chunks, place, d->account)) {
        wg_free(chunk);
        return wg_error_nomem(err, sizeof(wg_slots));
    }
    directory_chunk *old = wg_slots_get(&d->chunks, place);
    wg_slots_set(&d->chunks, place, chunk);
    if (old == NULL) return WG_OK;
    wgi_patch *patch = patch_of(old);
    if (patch != patch_of(chunk)) wgi_patch_retire(patch, d->epoch);
    wg_epoch_retire_linked(d->epoch, &old->link);
    return WG_OK;
}

wg_code wg_directory_extend(wg_directory *d, uint64_t count, uint64_t *out_first, wg_error *err) {
    const uint64_t first = wg_directory_count(d);
    if (count > IDS_MAX - first)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "no more ids: at most 2^38 are given out");
    const uint64_t end = first + count;
    for (uint64_t c = first >> CHUNK_SHIFT; c << CHUNK_SHIFT < end; c++) {
        if (wg_slots_get(&d->chunks, (uint32_t)c) != NULL) continue;
        directory_chunk *chunk = chunk_create(true, d->account);
        if (chunk == NULL) return wg_error_nomem(err, sizeof *chunk);
        WG_TRY(chunk_put(d, (uint32_t)c, chunk, err));
    }
    atomic_store_explicit(&d->count, end, memory_order_release);
    *out_first = first;
    return WG_OK;
}

static void patch_cut(wgi_patch *patch, uint32_t keep, uint32_t end) {
    for (uint32_t i = keep; i < end; i++) {
        wgi_patch_page *page = wgi_patch_page_of(patch, i);
        if (page != NULL) atomic_store_explicit(&page->cells[i % WGI_PATCH_ROWS], WG_ROW_NONE, memory_order_relaxed);
    }
}

/* Takes [keep, end) back. No id from `end` on was given out, so those are NONE: a rollback of single ids, each the last one, must not
 * go through the whole chunk for each. */
static void chunk_cut(directory_chunk *chunk, uint32_t keep, uint32_t end) {
    if (chunk->stored != NULL) {
        WG_ASSERT(keep >= chunk->stored->head.row_count); /* what is stored was committed */
        if (patch_of(chunk) != NULL) patch_cut(patch_of(chunk), keep, end);
    } else if (atomic_load_explicit(&chunk->filled, memory_order_relaxed)) {
        for (uint32_t i = keep; i < end; i++)
            atomic_store_explicit(&chunk->entries[i], WG_ROW_NONE, memory_order_relaxed);
    } else if (atomic_load_explicit(&chunk->run_count, memory_order_relaxed) > keep) {
        atomic_store_explicit(&chunk->run_count, keep, memory_order_release);
    }
}

/* A reader that is late by one transaction may still look up an id that is taken back here; it finds nothing, or the
 * row of a later transaction, which its snapshot does not see. */
void wg_directory_truncate(wg_directory *d, uint64_t count) {
    const uint64_t old = wg_directory_count(d);
    WG_ASSERT(count <= old);
    atomic_store_explicit(&d->count, count, memory_order_release);
    for (uint64_t c = count >> CHUNK_SHIFT; c << CHUNK_SHIFT < old; c++) {
        directory_chunk *chunk = wg_slots_get(&d->chunks, (uint32_t)c);
        const uint64_t start = c << CHUNK_SHIFT;
        const uint32_t end = (uint32_t)wg_min_u64(old - start, CHUNK_IDS);
        if (chunk != NULL) chunk_cut(chunk, count > start ? (uint32_t)(count - start) : 0, end);
    }
}

static void chunk_fill(directory_chunk *chunk) {
    const uint32_t run_count = atomic_load_explicit(&chunk->run_count, memory_order_relaxed);
    const uint64_t run_base = atomic_load_explicit(&chunk->run_base, memory_order_relaxed);
    for (uint32_t i = 0; i < CHUNK_IDS; i++)
        atomic_store_explicit(&chunk->entries[i], i < run_count ? run_base + i : WG_ROW_NONE, memory_order_relaxed);
    atomic_store_explicit(&chunk->filled, true, memory_order_release); /* pairs with wg_directory_get */
}

/* Stored entries [first, first + count), NONE where there are none. */
static wg_code stored_read(const directory_chunk *chunk, uint32_t first, uint32_t count, wg_account *account,
                           uint64_t *out, wg_error *err) {
    const uint32_t rows = chunk->stored->head.row_count;
    const uint32_t stored = first >= rows ? 0 : (uint32_t)wg_min_u64(rows - first, count);
    for (uint32_t i = stored; i < count; i++) out[i] = WG_ROW_NONE;
    wg_fragment_scratch scratch = {.account = account};
    wg_code code = WG_OK;
    for (uint32_t at = 0; at < stored && code == WG_OK; at += WG_BATCH_ROWS_MAX) {
        wg_vector v;
        const uint32_t n = stored - at < WG_BATCH_ROWS_MAX ? stored - at : WG_BATCH_ROWS_MAX;
        code = wg_fragment_read(chunk->stored, chunk->column, first + at, n, &scratch, &v, err);
        if (code == WG_OK) memcpy(out + at, v.data, n * sizeof *out);
    }
    wg_fragment_scratch_deinit(&scratch);
    return code;
}

static wg_code stored_set(const wg_directory *d, directory_chunk *chunk, uint32_t i, wg_row_address address,
                          uint64_t stamp, wg_error *err) {
    wgi_patch *patch = patch_of(chunk);
    if (patch == NULL) {
        patch = wgi_patch_create(d->account);
        if (patch == NULL) return wg_error_nomem(err, sizeof *patch);
        atomic_store_explicit(&chunk->patch, patch, memory_order_release); /* pairs with patch_of */
    }
    if (wgi_patch_page_of(patch, i) == NULL) {
        uint64_t cells[WGI_PATCH_ROWS];
        WG_TRY(stored_read(chunk, i / WGI_PATCH_ROWS * WGI_PATCH_ROWS, WGI_PATCH_ROWS, d->account, cells, err));
        if (!wgi_patch_put(patch, i / WGI_PATCH_ROWS, cells, d->account))
            return wg_error_nomem(err, sizeof(wgi_patch_page));
    }
    if (stamp > atomic_load_explicit(&chunk->stamp, memory_order_relaxed))
        atomic_store_explicit(&chunk->stamp, stamp, memory_order_relaxed); /* published by the entry */
    atomic_store_explicit(&wgi_patch_page_of(patch, i)->cells[i % WGI_PATCH_ROWS], address,
                          memory_order_release); /* pairs with get */
    return WG_OK;
}

wg_code wg_directory_set(wg_directory *d, uint64_t id, wg_row_address address, uint64_t stamp, wg_error *err) {
    WG_ASSERT(id < wg_directory_count(d));
    directory_chunk *chunk = chunk_of(d, id);
    const uint32_t i = (uint32_t)(id & (CHUNK_IDS - 1));
    if (chunk != NULL && chunk->stored != NULL) return stored_set(d, chunk, i, address, stamp, err);
    if (chunk == NULL) {
        chunk = chunk_create(true, d->account);
        if (chunk == NULL) return wg_error_nomem(err, sizeof *chunk);
        WG_TRY(chunk_put(d, (uint32_t)(id >> CHUNK_SHIFT), chunk, err));
    }
    if (stamp > atomic_load_explicit(&chunk->stamp, memory_order_relaxed))
        atomic_store_explicit(&chunk->stamp, stamp, memory_order_relaxed); /* published by the entry */
    if (!atomic_load_explicit(&chunk->filled, memory_order_relaxed)) {
        const uint32_t run_count = atomic_load_explicit(&chunk->run_count, memory_order_relaxed);
        if (run_count == 0 && i == 0) atomic_store_explicit(&chunk->run_base, address, memory_order_relaxed);
        if (i == run_count && address == atomic_load_explicit(&chunk->run_base, memory_order_relaxed) + i &&
            address != WG_ROW_NONE) {
            atomic_store_explicit(&chunk->run_count, run_count + 1, memory_order_release); /* pairs with get */
            return WG_OK;
        }
        chunk_fill(chunk);
    }
    atomic_store_explicit(&chunk->entries[i], address, memory_order_release); /* pairs with get */
    return WG_OK;
}

/* How many of `count` entries from i on continue the run of a heap chunk; they are set. */
static uint32_t run_extend(directory_chunk *chunk, uint32_t i, uint64_t count, wg_row_address address,
                           uint64_t stamp) {
    if (chunk == NULL || chunk->stored != NULL || atomic_load_explicit(&chunk->filled, memory_order_relaxed))
        return 0;
    const uint32_t run_count = atomic_load_explicit(&chunk->run_count, memory_order_relaxed);
    if (i != run_count || address == WG_ROW_NONE) return 0;
    if (run_count != 0 && address != atomic_load_explicit(&chunk->run_base, memory_order_relaxed) + i) return 0;
    if (run_count == 0 && i != 0) return 0;
    const uint32_t taken = (uint32_t)wg_min_u64(count, CHUNK_IDS - i);
    if (run_count == 0) atomic_store_explicit(&chunk->run_base, address, memory_order_relaxed);
    if (stamp > atomic_load_explicit(&chunk->stamp, memory_order_relaxed))
        atomic_store_explicit(&chunk->stamp, stamp, memory_order_relaxed);             /* published by the run */
    atomic_store_explicit(&chunk->run_count, run_count + taken, memory_order_release); /* pairs with get */
    return taken;
}

wg_code wg_directory_set_run(wg_directory *d, uint64_t first, uint64_t count, wg_row_address address, uint64_t stamp,
                             wg_error *err) {
    for (uint64_t done = 0; done < count;) {
        const uint64_t id = first + done;
        const uint32_t taken =
            run_extend(chunk_of(d, id), (uint32_t)(id & (CHUNK_IDS - 1)), count - done, address + done, stamp);
        if (taken == 0) WG_TRY(wg_directory_set(d, id, address + done, stamp, err));
        done += taken == 0 ? 1 : taken;
    }
    return WG_OK;
}

static wg_row_address heap_entry(const directory_chunk *chunk, uint32_t i) {
    if (atomic_load_explicit(&chunk->filled, memory_order_acquire))
        return atomic_load_explicit(&chunk->entries[i], memory_order_acquire);
    if (i >= atomic_load_explicit(&chunk->run_count, memory_order_acquire)) return WG_ROW_NONE;
    return atomic_load_explicit(&chunk->run_base, memory_order_relaxed) + i;
}

wg_code wg_directory_get(const wg_directory *d, uint64_t id, wg_row_address *out, wg_error *err) {
    *out = WG_ROW_NONE;
    if (id >= wg_directory_count(d)) return WG_OK;
    const directory_chunk *chunk = chunk_of(d, id);
    const uint32_t i = (uint32_t)(id & (CHUNK_IDS - 1));
    if (chunk == NULL) return WG_OK;
    const wgi_patch *patch = chunk->stored == NULL ? NULL : patch_of(chunk);
    const wgi_patch_page *page = patch == NULL ? NULL : wgi_patch_page_of(patch, i);
    if (chunk->stored == NULL) *out = heap_entry(chunk, i);
    else if (page != NULL) *out = atomic_load_explicit(&page->cells[i % WGI_PATCH_ROWS], memory_order_acquire);
    else if (i < chunk->stored->head.row_count) return wg_fragment_u64(chunk->stored, chunk->column, i, out, err);
    return WG_OK;
}

/* ---- stored chunks */

static wg_code chunk_store(uint64_t place, uint32_t count, const uint64_t *entries, const wg_store_pass *pass,
                           wg_error *err) {
    const wg_vector v = {.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = entries};
    const wg_stripe_column column = {.id = WG_COLUMN_ADDRESS, .vector = v};
    const wg_fragment_head head = {.key = {.kind = WG_KIND_DIRECTORY, .owner = pass->owner, .slot = place},
                                   .version = pass->until,
                                   .row_count = count,
                                   .attributes = {count}};
    return wg_stripe_sink_add(pass->sink, &head, &column, 1, err);
}

/* Entries as of the checkpoint. */
static wg_code chunk_read(const directory_chunk *chunk, uint32_t count, const wg_store_pass *pass,
                          wg_version_at_fn version_at, void *ctx, uint64_t *entries, wg_error *err) {
    for (uint32_t i = 0; i < count && chunk->stored == NULL; i++) entries[i] = heap_entry(chunk, i);
    if (chunk->stored != NULL) {
        const wgi_patch *patch = patch_of(chunk);
        WG_TRY(stored_read(chunk, 0, count, pass->sink->options.account, entries, err));
        if (patch != NULL) wgi_patch_over(patch, 0, count, entries);
    }
    if (atomic_load_explicit(&chunk->stamp, memory_order_relaxed) <= pass->until) return WG_OK;
    for (uint32_t i = 0; i < count; i++)
        if (entries[i] != WG_ROW_NONE)
            WG_TRY(version_at(ctx, pass->owner != 0, entries[i], pass->until, &entries[i], err));
    return WG_OK;
}

wg_code wg_directory_store(const wg_directory *d, const wg_store_pass *pass, wg_version_at_fn version_at, void *ctx,
                           wg_error *err) {
    uint64_t *entries = wg_alloc(d->account, CHUNK_IDS * sizeof *entries);
    if (entries == NULL) return wg_error_nomem(err, CHUNK_IDS * sizeof *entries);
    wg_code code = WG_OK;
    for (uint64_t place = 0; place << CHUNK_SHIFT < pass->row_count && code == WG_OK; place++) {
        const directory_chunk *chunk = wg_slots_get(&d->chunks, (uint32_t)place);
        const uint32_t count = (uint32_t)wg_min_u64(pass->row_count - (place << CHUNK_SHIFT), CHUNK_IDS);
        if (chunk == NULL || atomic_load_explicit(&chunk->stamp, memory_order_relaxed) <= pass->since) continue;
        code = chunk_read(chunk, count, pass, version_at, ctx, entries, err);
        if (code == WG_OK) code = chunk_store(place, count, entries, pass, err);
    }
    wg_free(entries);
    return code;
}

static wg_code stored_check(const wg_fragment *stored, uint32_t *out_column, wg_error *err) {
    const uint32_t column = wg_fragment_column_of(stored, WG_COLUMN_ADDRESS);
    if (stored->head.key.slot >= WGI_SLOTS_MAX || stored->head.row_count > CHUNK_IDS || column == UINT32_MAX ||
        stored->columns[column].type != WG_TYPE_NODE || stored->columns[column].null_count != 0)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stored directory chunk %llu is not one",
                            (unsigned long long)stored->head.key.slot);
    *out_column = column;
    return WG_OK;
}

wg_code wg_directory_adopt(wg_directory *d, const wg_fragment *stored, uint64_t until, wg_error *err) {
    WG_ASSERT(stored != NULL && stored->head.key.kind == WG_KIND_DIRECTORY);
    uint32_t column = 0;
    WG_TRY(stored_check(stored, &column, err));
    const uint64_t first = stored->head.key.slot << CHUNK_SHIFT;
    const uint64_t count = atomic_load_explicit(&d->count, memory_order_relaxed);
    const directory_chunk *old = chunk_of(d, first);
    const uint64_t bound = wg_min_u64(until, stored->head.version);
    if (old != NULL && old->stored == NULL) {
        const bool grown = count > first + stored->head.row_count && stored->head.row_count < CHUNK_IDS;
        if (grown || atomic_load_explicit(&old->stamp, memory_order_relaxed) > bound) return WG_OK;
    }
    directory_chunk *chunk = chunk_create(false, d->account);
    if (chunk == NULL) return wg_error_nomem(err, sizeof *chunk);
    chunk->stored = stored;
    chunk->column = column;
    if (old != NULL && atomic_load_explicit(&old->stamp, memory_order_relaxed) > bound) { /* what is newer stays */
        atomic_store_explicit(&chunk->patch, patch_of(old), memory_order_relaxed); /* published with the chunk */
        atomic_store_explicit(&chunk->stamp, atomic_load_explicit(&old->stamp, memory_order_relaxed),
                              memory_order_relaxed);
    }
    WG_TRY(chunk_put(d, (uint32_t)stored->head.key.slot, chunk, err));
    const uint64_t end = first + stored->head.row_count;
    if (end > count) atomic_store_explicit(&d->count, end, memory_order_release);
    return WG_OK;
}

wg_code wg_directory_adopt_count(wg_directory *d, uint64_t count, wg_error *err) {
    if (count > IDS_MAX)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a stored directory of %llu ids",
                            (unsigned long long)count);
    if (count > atomic_load_explicit(&d->count, memory_order_relaxed))
        atomic_store_explicit(&d->count, count, memory_order_release);
    return WG_OK;
}
