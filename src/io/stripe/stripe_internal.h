/* io/stripe, own files only: a mapped stripe in memory. */
#ifndef WG_IO_STRIPE_INTERNAL_H
#define WG_IO_STRIPE_INTERNAL_H

#include "io/segment/segment.h"
#include "io/stripe/stripe.h"

enum { STRIPE_PATH_BYTES = 4160, STRIPE_UNIT_BYTES = 64 << 10 };

/* A part of a block that has checksums of parts. */
typedef struct stripe_part {
    _Atomic uint32_t checked;  /* as in stripe_block; its seams to parts that were checked before are right too */
    _Atomic uint32_t admitted; /* as in stripe_block */
} stripe_part;

/* Beside each wg_fragment_column: where its block is, and what of it has been seen. */
typedef struct stripe_block {
    wg_arc1_column column;
    _Atomic uint32_t checked; /* 1: checksum and content are right. Release; pairs with the acquire in stripe_touch */
    _Atomic uint32_t admitted; /* generation of the fragment in which its pages were charged */
    stripe_part *parts;        /* column.part_count; when there are any, `checked` is of the index alone */
} stripe_block;

/* The public part comes first: a wg_fragment pointer is a stripe_fragment pointer. */
typedef struct stripe_fragment {
    wg_fragment fragment;
    wg_cache_entry entry;
    /* Counts evictions, from 1. What was admitted in an earlier generation is not charged any more. */
    _Atomic uint32_t generation;
    stripe_block *blocks;
    uint64_t begin; /* of its blocks in the file; both 0 when it has none */
    uint64_t end;
} stripe_fragment;

struct wg_stripe {
    wg_platform *platform;
    wg_cache *cache; /* NULL: no governor */
    wg_account *account;
    uint64_t serial; /* of this open in the process */
    const uint8_t *map;
    uint64_t file_bytes;
    wg_arc1_header header;
    wg_arc1_trailer trailer;
    stripe_fragment *fragments;
    wg_fragment_column *columns; /* of all fragments, one after the other */
    stripe_block *blocks;        /* parallel */
    stripe_part *parts;          /* of all blocks */
    uint64_t registered;         /* fragments known to the cache: the first so many */
    wg_mutex mutex;              /* one admission at a time; rank WG_RANK_STRIPE */
    char path[STRIPE_PATH_BYTES];
};

static inline stripe_fragment *stripe_fragment_of(const wg_fragment *fragment) {
    return (stripe_fragment *)(uintptr_t)fragment;
}

/* Admits the block's bytes to the governor and checks them once: before any of them is used. Of a block with checksums of parts the
 * index alone. */
wg_code wgi_stripe_touch(const wg_fragment *fragment, uint32_t column, wg_error *err);
/* A fragment that is charged whole, because its columns share pages. */
static inline bool wgi_stripe_is_unit(const stripe_fragment *f) { return f->end - f->begin <= STRIPE_UNIT_BYTES; }
/* Charges the pages of bytes [begin, end) of the file, unless *admitted says that they are. */
wg_code wgi_stripe_admit(stripe_fragment *f, _Atomic uint32_t *admitted, uint64_t begin, uint64_t end, wg_error *err);

/* ---- blocks with checksums of parts (parts.c); nothing to do for others */
wg_code wgi_parts_touch_index(stripe_fragment *f, stripe_block *block, wg_error *err);
/* Behind wgi_stripe_touch: the strings of these rows. */
wg_code wgi_parts_touch_rows(const wg_fragment *fragment, uint32_t column, uint32_t first, uint32_t count,
                             wg_error *err);
wg_code wgi_parts_touch_all(const wg_fragment *fragment, uint32_t column, wg_error *err);
wg_code wgi_parts_check(const wg_fragment *fragment, uint32_t column, wg_error *err);
/* "<name>: " goes before the message. */
wg_code wgi_stripe_error(const wg_stripe *stripe, wg_code code, wg_error *err);

#endif
