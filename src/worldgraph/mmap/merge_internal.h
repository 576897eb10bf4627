/* worldgraph/mmap, own files only: what the parts of a merge share. */
#ifndef WG_WORLDGRAPH_MERGE_INTERNAL_H
#define WG_WORLDGRAPH_MERGE_INTERNAL_H

#include "worldgraph/mmap/mmap_internal.h"

typedef struct wgi_merge {
    const wg_merge_input *input;
    const wgi_view *view;
    wg_platform *platform;
    uint8_t *is_input; /* by slot of the view */
    wg_stripe_sink sink;
    wg_account *account;
    uint64_t done; /* stored bytes of newest fragments among the inputs */
    uint64_t total;
    uint64_t rows_dropped;
    uint64_t fragments_dropped;
    struct wgi_slot_rows *slot; /* scratch of merge_rows.c */
} wgi_merge;

uint64_t wgi_fragment_bytes(const wg_fragment *fragment); /* as stored */
bool wgi_merge_has(const wgi_merge *m, const wg_fragment *fragment);
/* Between fragments: counts input bytes, reports, waits for the pacer. WG_E_CANCELLED. */
wg_code wgi_merge_step(wgi_merge *m, uint64_t bytes, wg_error *err);

/* Copies a fragment, by reading and writing it. */
wg_code wgi_merge_copy(wgi_merge *m, const wg_fragment *fragment, wg_error *err);
/* Rows of a slot without dead ones, newer `end`s (may be NULL) folded in. */
wg_code wgi_merge_slot(wgi_merge *m, const wg_fragment *rows, const wg_fragment *ends, wg_error *err);
/* Runs whose pieces stand at [from, to) of the view, complete and neighbours, become one. */
wg_code wgi_merge_keys(wgi_merge *m, uint64_t from, uint64_t to, wg_error *err);
wg_code wgi_merge_adjacency(wgi_merge *m, uint64_t from, uint64_t to, wg_error *err);
wg_code wgi_merge_state(wgi_merge *m, uint64_t from, uint64_t to, wg_error *err);

/* ---- rows of a slot: ordinals, begins and ends as they are now */

typedef struct wgi_slot_rows {
    uint32_t count;
    bool folded; /* an end came from part 1 */
    uint64_t ordinals[WG_FRAGMENT_ROWS_MAX];
    uint64_t begins[WG_FRAGMENT_ROWS_MAX];
    uint64_t ends[WG_FRAGMENT_ROWS_MAX];
    uint64_t spare[2][WG_FRAGMENT_ROWS_MAX];
} wgi_slot_rows;
wg_code wgi_slot_rows_read(const wg_fragment *rows, const wg_fragment *ends, wg_account *account, wgi_slot_rows *out,
                           wg_error *err);
static inline bool wgi_row_is_dead(const wgi_slot_rows *slot, uint32_t i, uint64_t horizon) {
    return slot->begins[i] == WG_LOGSEQ_NEVER || slot->ends[i] <= horizon;
}
/* Rows that nobody can see at or after the horizon; *scratch is allocated when it is needed first. */
wg_code wgi_slot_rows_dead(const wg_fragment *rows, const wg_fragment *ends, uint64_t horizon, wg_account *account,
                           wgi_slot_rows **scratch, uint32_t *out_dead, wg_error *err);

/* ---- two columns of numbers, or one (the other is 0 then), read one after the other over the pieces of a part */

typedef struct wgi_pairs {
    const wgi_view *view;
    uint64_t at; /* positions of the view that are left; others than `part` are passed over */
    uint64_t end;
    uint32_t part;
    uint32_t ids[2];
    uint32_t columns;
    wgi_merge *counted; /* told of each piece; NULL: another reader of the same pieces tells */
    const wg_fragment *piece;
    uint64_t slot; /* pieces must follow one another */
    uint32_t row;  /* of the piece, behind the batch */
    uint32_t batch_row;
    uint32_t batch_count;
    const uint64_t *cells[2];
    wg_fragment_scratch scratch[2];
} wgi_pairs;
void wgi_pairs_init(wgi_pairs *pairs, wgi_merge *m, uint64_t from, uint64_t to, uint32_t part);
void wgi_pairs_deinit(wgi_pairs *pairs);
wg_code wgi_pairs_next(wgi_pairs *pairs, uint64_t out[2], bool *out_found, wg_error *err);

#endif
