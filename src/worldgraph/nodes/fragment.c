/* Fragments: 16,384 rows of heads in one allocation.
 *
 * The allocation reserves every array a fragment may need, but an array is first written when its default no longer holds
 * (see nodes_internal.h). Untouched pages cost address space only, so a bulk load pays eight bytes a row for the end points
 * of edges and nothing for ids, logseqs and history, and putting an array in use cannot fail: deletions and rollbacks
 * never need memory.
 *
 *   arrays, each 64-byte aligned: ids u64 | begins u64 | ends u64 | prevs u64 | edges: from u32 | to u32 | from u64 | to u64
 *
 * An array is filled first and its flag set with release after; a reader that does not see the flag uses the default, which
 * is still right for every row that is published to it. */
#include "worldgraph/nodes/nodes_internal.h"

enum { TEXT_BLOCK_FIRST = 1024 };

wgi_fragment *wgi_fragment_create(bool is_edge, wg_account *account) {
    const size_t head = wg_align_up(sizeof(wgi_fragment), 64);
    const size_t word = WG_FRAGMENT_ROWS * sizeof(uint64_t);
    const size_t half = WG_FRAGMENT_ROWS * sizeof(uint32_t);
    uint8_t *bytes = wg_alloc(account, head + 4 * word + (is_edge ? 2 * half + 2 * word : 0));
    if (bytes == NULL) return NULL;
    wgi_fragment *f = (wgi_fragment *)(void *)bytes;
    memset(f, 0, sizeof *f);
    atomic_init(&f->flags, 0);
    atomic_init(&f->begin_max, 0);
    atomic_init(&f->overlay, NULL);
    atomic_init(&f->end_stamp, 0);
    uint8_t *at = bytes + head;
    f->ids = (uint64_t *)(void *)at;
    f->begins = (_Atomic uint64_t *)(void *)(at + word);
    f->ends = (_Atomic uint64_t *)(void *)(at + 2 * word);
    f->prevs = (wg_row_address *)(void *)(at + 3 * word);
    at += 4 * word;
    for (size_t side = 0; is_edge && side < 2; side++) {
        f->ends_of_edge[side] = (uint32_t *)(void *)(at + side * half);
        f->ends_of_edge_wide[side] = (uint64_t *)(void *)(at + 2 * half + side * word);
    }
    wg_arena_init(&f->strings, account);
    f->text_block_bytes = TEXT_BLOCK_FIRST;
    return f;
}

void wgi_fragment_destroy(wgi_fragment *f) {
    if (f == NULL) return;
    wgi_patch_destroy(atomic_load_explicit(&f->overlay, memory_order_relaxed));
    for (uint32_t i = wg_slots_next(&f->columns, 0); i != UINT32_MAX; i = wg_slots_next(&f->columns, i + 1))
        wg_free(wg_slots_get(&f->columns, i));
    wg_slots_deinit(&f->columns);
    wg_arena_deinit(&f->strings);
    wg_free(f);
}

static void heap_dispose(void *block) { wgi_fragment_destroy(block); }

void wgi_fragment_retire(wgi_fragment *f, bool with_overlay, wg_epoch *epoch) {
    if (f == NULL) return;
    if (!wgi_fragment_is_mapped(f)) {
        wg_epoch_retire_object(epoch, &f->link, heap_dispose);
        return;
    }
    if (with_overlay) wgi_patch_retire(atomic_load_explicit(&f->overlay, memory_order_relaxed), epoch);
    wg_epoch_retire_linked(epoch, &f->link);
}

static void flags_add(wgi_fragment *f, uint32_t flag) {
    const uint32_t flags = atomic_load_explicit(&f->flags, memory_order_relaxed); /* one writer */
    atomic_store_explicit(&f->flags, flags | flag, memory_order_release);
}

static bool flags_have(const wgi_fragment *f, uint32_t flag) {
    return (atomic_load_explicit(&f->flags, memory_order_relaxed) & flag) != 0;
}

void wgi_fragment_use_ids(wgi_fragment *f, uint32_t rows) {
    if (flags_have(f, WGI_HAS_IDS)) return;
    for (uint32_t r = 0; r < rows; r++) f->ids[r] = f->id_base + r;
    flags_add(f, WGI_HAS_IDS);
}

void wgi_fragment_use_begins(wgi_fragment *f, uint32_t rows) {
    if (flags_have(f, WGI_HAS_BEGINS)) return;
    const uint64_t base = wgi_fragment_base(f);
    for (uint32_t r = 0; r < rows; r++) atomic_store_explicit(&f->begins[r], base, memory_order_relaxed);
    flags_add(f, WGI_HAS_BEGINS);
}

void wgi_fragment_use_prevs(wgi_fragment *f, uint32_t rows) {
    if (flags_have(f, WGI_HAS_PREVS)) return;
    for (uint32_t r = 0; r < rows; r++) f->prevs[r] = WG_ROW_NONE;
    flags_add(f, WGI_HAS_PREVS);
}

void wgi_fragment_use_wide(wgi_fragment *f, uint32_t rows) {
    if (flags_have(f, WGI_HAS_WIDE)) return;
    for (size_t side = 0; side < 2; side++) {
        for (uint32_t r = 0; r < rows; r++) f->ends_of_edge_wide[side][r] = f->ends_of_edge[side][r];
    }
    flags_add(f, WGI_HAS_WIDE);
}

void wgi_fragment_use_ends(wgi_fragment *f, uint32_t row) {
    const uint32_t block = row >> WGI_ENDED_SHIFT;
    const uint32_t flag = (uint32_t)WGI_ENDED_FIRST << block;
    if (flags_have(f, flag)) return;
    const uint32_t first = block << WGI_ENDED_SHIFT;
    for (uint32_t r = first; r < first + (1u << WGI_ENDED_SHIFT); r++)
        atomic_store_explicit(&f->ends[r], WG_LOGSEQ_NEVER, memory_order_relaxed);
    flags_add(f, flag);
}

void wgi_fragment_gap(wgi_fragment *f, uint32_t rows) {
    atomic_store_explicit(&f->begin_base, WG_LOGSEQ_NEVER, memory_order_relaxed);
    atomic_store_explicit(&f->begin_max, WG_LOGSEQ_NEVER, memory_order_relaxed);
    wgi_fragment_use_begins(f, rows);
    wgi_fragment_use_ids(f, rows);
    for (size_t side = 0; f->ends_of_edge[0] != NULL && side < 2; side++)
        memset(f->ends_of_edge[side], 0, rows * sizeof(uint32_t));
}

uint64_t wgi_fragment_begin(const wgi_fragment *f, uint32_t flags, uint32_t row) {
    if ((flags & WGI_HAS_BEGINS) == 0) return wgi_fragment_base(f);
    return atomic_load_explicit(&f->begins[row], memory_order_relaxed);
}

uint64_t wgi_fragment_end(const wgi_fragment *f, uint32_t flags, uint32_t row) {
    if (!wgi_fragment_ended(flags, row)) return WG_LOGSEQ_NEVER;
    return atomic_load_explicit(&f->ends[row], memory_order_relaxed);
}
