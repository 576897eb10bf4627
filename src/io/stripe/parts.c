/* Blocks with checksums of parts: reading a cell of a large block without reading the block.
 *
 * Such a block begins with an index (bitmap, codes, offsets), which says where each string is; it is checked whole when the block is first
 * used. The strings behind it are cut into parts of 64 KiB, each with a checksum: a read of rows admits and checks the parts that
 * these rows touch and no others. A part is checked by itself: checksum, and that its strings are well-formed as far as they lie in it.
 * A character may lie across the seam of two parts: whoever checks the second of the two checks the seam, under the stripe's mutex, so
 * that one of them does. So strings whose parts have all been checked are well-formed.
 *
 * The governor is charged for the pages of each part, in such a way that all parts together are charged for the pages of the block. An
 * eviction takes the fragment whole, as everywhere; one read that needs more than the cap evicts its own earlier parts, and
 * the kernel brings them back while they are used: so a column larger than the cap can be read. */
#include "io/stripe/stripe_internal.h"

static uint64_t page_down(uint64_t at) { return at & ~(uint64_t)(WG_ARC1_PAGE - 1); }

static uint64_t part_end(const wg_arc1_column *c, uint32_t part) {
    return wg_min_u64(c->stored_bytes, ((uint64_t)part + 1) * WG_ARC1_PART_BYTES);
}

static uint64_t charge_of(const wg_arc1_column *c, uint32_t part) {
    const uint64_t begin = page_down(c->offset + (uint64_t)part * WG_ARC1_PART_BYTES);
    const uint64_t end = c->offset + part_end(c, part);
    return (part + 1 == c->part_count ? wg_align_up(end, WG_ARC1_PAGE) : page_down(end)) - begin;
}

static wg_code admit_parts(stripe_fragment *f, stripe_block *block, uint32_t first, uint32_t end, wg_error *err) {
    wg_stripe *s = f->fragment.stripe;
    if (s->cache == NULL) return WG_OK;
    if (wgi_stripe_is_unit(f)) return wgi_stripe_admit(f, &f->blocks[0].admitted, f->begin, f->end, err);
    for (uint32_t p = first; p < end; p++) {
        const uint64_t begin = page_down(block->column.offset + (uint64_t)p * WG_ARC1_PART_BYTES);
        WG_TRY(wgi_stripe_admit(f, &block->parts[p].admitted, begin, begin + charge_of(&block->column, p), err));
    }
    return WG_OK;
}

static wg_code check_sum(const wg_stripe *s, const wg_arc1_column *c, uint32_t part, wg_error *err) {
    const uint64_t begin = (uint64_t)part * WG_ARC1_PART_BYTES;
    const size_t size = (size_t)(part_end(c, part) - begin);
    const uint64_t at = c->offset + begin;
    if (wg_arc1_crc(&s->header, at, s->map + at, size) == wg_load_u32le(c->part_crcs + 4 * (size_t)part))
        return WG_OK;
    return wg_error_set(err, WG_E_CORRUPT, at,
                        "stripe '%.100s' at offset %llu: column %u: checksum of a part does not match", s->path,
                        (unsigned long long)at, c->id);
}

static wg_code name_damage(const wg_stripe *s, const wg_arc1_column *c, wg_code code, const wg_error *inner,
                           wg_error *err) {
    if (code == WG_OK) return WG_OK;
    return wg_error_set(err, code, c->offset, "stripe '%.100s': %s", s->path, inner->message);
}

static bool is_checked(const stripe_part *part) {
    return atomic_load_explicit(&part->checked, memory_order_acquire) != 0;
}

/* The seams to neighbours that were checked before. stripe->mutex is held. */
static wg_code check_seams(const wg_arc1_block *view, const stripe_block *block, uint32_t part, wg_error *err) {
    if (part > 0 && is_checked(&block->parts[part - 1]))
        WG_TRY(wg_arc1_block_check_seam(view, (uint64_t)part * WG_ARC1_PART_BYTES, err));
    if (part + 1 < block->column.part_count && is_checked(&block->parts[part + 1]))
        WG_TRY(wg_arc1_block_check_seam(view, ((uint64_t)part + 1) * WG_ARC1_PART_BYTES, err));
    return WG_OK;
}

static wg_code check_part(wg_stripe *s, const wg_arc1_block *view, stripe_block *block, uint32_t part,
                          wg_error *err) {
    const wg_arc1_column *c = &block->column;
    const uint64_t begin = (uint64_t)part * WG_ARC1_PART_BYTES;
    wg_error inner = {0};
    WG_TRY(check_sum(s, c, part, err));
    wg_code code = wg_arc1_block_check_piece(view, begin, part_end(c, part), &inner);
    if (code == WG_OK) {
        wg_mutex_lock(&s->mutex);
        code = check_seams(view, block, part, &inner);
        if (code == WG_OK) atomic_store_explicit(&block->parts[part].checked, 1, memory_order_release);
        wg_mutex_unlock(&s->mutex);
    }
    return name_damage(s, c, code, &inner, err);
}

static wg_arc1_block view_of(const stripe_fragment *f, const stripe_block *block) {
    return (wg_arc1_block){.column = &block->column,
                           .row_count = f->fragment.head.row_count,
                           .raw = f->fragment.stripe->map + block->column.offset};
}

wg_code wgi_parts_touch_index(stripe_fragment *f, stripe_block *block, wg_error *err) {
    wg_stripe *s = f->fragment.stripe;
    const wg_arc1_block view = view_of(f, block);
    const uint32_t parts = wg_arc1_part_count(wg_arc1_block_index_bytes(&view));
    wg_error inner = {0};
    WG_TRY(admit_parts(f, block, 0, parts, err));
    if (atomic_load_explicit(&block->checked, memory_order_acquire) != 0) return WG_OK;
    for (uint32_t p = 0; p < parts; p++) WG_TRY(check_sum(s, &block->column, p, err));
    const wg_code code = wg_arc1_block_check_index(&view, &inner);
    if (code == WG_OK) atomic_store_explicit(&block->checked, 1, memory_order_release);
    return name_damage(s, &block->column, code, &inner, err);
}

/* Bytes [begin, end) of the block. */
static wg_code touch_bytes(stripe_fragment *f, stripe_block *block, uint64_t begin, uint64_t end, wg_error *err) {
    const wg_arc1_block view = view_of(f, block);
    if (begin == end) return WG_OK;
    const uint32_t last = (uint32_t)((end - 1) / WG_ARC1_PART_BYTES);
    for (uint32_t p = (uint32_t)(begin / WG_ARC1_PART_BYTES); p <= last; p++) {
        WG_TRY(admit_parts(f, block, p, p + 1, err));
        if (!is_checked(&block->parts[p])) WG_TRY(check_part(f->fragment.stripe, &view, block, p, err));
    }
    return WG_OK;
}

wg_code wgi_parts_touch_rows(const wg_fragment *fragment, uint32_t column, uint32_t first, uint32_t count,
                             wg_error *err) {
    stripe_fragment *f = stripe_fragment_of(fragment);
    stripe_block *block = &f->blocks[column];
    if (block->column.part_count == 0 || count == 0) return WG_OK;
    const wg_arc1_block view = view_of(f, block);
    uint64_t begin = 0;
    uint64_t end = 0;
    uint64_t unused = 0;
    if (block->column.encoding == WG_ENCODING_PLAIN) {
        wg_arc1_block_place(&view, first, &begin, &unused);
        wg_arc1_block_place(&view, first + count - 1, &unused, &end);
        return touch_bytes(f, block, begin, end, err);
    }
    for (uint32_t i = 0; i < count; i++) {
        wg_arc1_block_place(&view, first + i, &begin, &end);
        WG_TRY(touch_bytes(f, block, begin, end, err));
    }
    return WG_OK;
}

wg_code wgi_parts_touch_all(const wg_fragment *fragment, uint32_t column, wg_error *err) {
    stripe_fragment *f = stripe_fragment_of(fragment);
    stripe_block *block = &f->blocks[column];
    if (block->column.part_count == 0) return WG_OK;
    return touch_bytes(f, block, 0, block->column.stored_bytes, err);
}

/* For a whole check: forgets what was checked, and holds the checksum of the whole against the parts as they are read. */
wg_code wgi_parts_check(const wg_fragment *fragment, uint32_t column, wg_error *err) {
    stripe_fragment *f = stripe_fragment_of(fragment);
    stripe_block *block = &f->blocks[column];
    const wg_arc1_column *c = &block->column;
    const wg_stripe *s = fragment->stripe;
    for (uint32_t p = 0; p < c->part_count; p++) atomic_store(&block->parts[p].checked, 0);
    if (c->part_count == 0) return WG_OK;
    uint32_t crc = wg_arc1_crc(&s->header, c->offset, NULL, 0);
    for (uint32_t p = 0; p < c->part_count; p++) {
        const uint64_t begin = (uint64_t)p * WG_ARC1_PART_BYTES;
        WG_TRY(touch_bytes(f, block, begin, part_end(c, p), err));
        crc = wg_crc32(crc, s->map + c->offset + begin, (size_t)(part_end(c, p) - begin));
    }
    if (crc == c->crc) return WG_OK;
    return wg_error_set(err, WG_E_CORRUPT, c->offset,
                        "stripe '%.100s' at offset %llu: column %u: checksum does not match", s->path,
                        (unsigned long long)c->offset, c->id);
}
