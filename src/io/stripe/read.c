/* Reading cells of a mapped stripe.
 *
 * Before a block is used its bytes are charged to the governor and its checksum and content are checked, each once: two atomic loads
 * tell later readers. A fragment whose blocks lie within 64 KiB is charged whole, because its columns share pages; in a larger one each
 * block is charged for the pages that it touches. An eviction drops the pages and raises the fragment's generation: what was charged in
 * an earlier generation is charged again when it is next touched. Readers under way keep their pointers, which then read the file.
 *
 * Blocks with checksums of parts are charged and checked part by part (parts.c).
 *
 * Two readers may check one block at a time, which costs time and nothing else; admission is one at a time for each stripe, so that
 * a block is charged once. An eviction by another thread between a charge and its note leaves the block uncharged until the fragment
 * is evicted the next time: that much, one block for each reader, a cap may be passed by pages that are being read anyway. */
#include "io/stripe/stripe_internal.h"

void wg_fragment_scratch_deinit(wg_fragment_scratch *scratch) {
    wg_account *account = scratch->account;
    wg_free(scratch->cells);
    wg_free(scratch->entries);
    wg_buf_deinit(&scratch->block);
    if (scratch->values_ready) wg_arena_deinit(&scratch->values);
    *scratch = (wg_fragment_scratch){.account = account};
}

/* ---- first use */

static uint64_t pages_of(uint64_t begin, uint64_t end) {
    return wg_align_up(end, WG_ARC1_PAGE) - (begin & ~(uint64_t)(WG_ARC1_PAGE - 1));
}

wg_code wgi_stripe_admit(stripe_fragment *f, _Atomic uint32_t *admitted, uint64_t begin, uint64_t end,
                         wg_error *err) {
    wg_stripe *s = f->fragment.stripe;
    wg_code code = WG_OK;
    if (atomic_load_explicit(admitted, memory_order_acquire) ==
        atomic_load_explicit(&f->generation, memory_order_acquire))
        return WG_OK;
    wg_mutex_lock(&s->mutex);
    if (atomic_load(admitted) != atomic_load(&f->generation)) {
        code = wg_cache_admit(s->cache, &f->entry, WG_L1_CPU_WARM, pages_of(begin, end), err);
        /* Read after the call: making room may have evicted this fragment itself, before the new bytes were charged. */
        if (code == WG_OK) atomic_store(admitted, atomic_load(&f->generation));
    }
    wg_mutex_unlock(&s->mutex);
    return code;
}

/* `inflated` is scratch. */
static wg_code check_block(const wg_stripe *stripe, const wg_arc1_column *column, uint32_t row_count,
                           wg_buf *inflated, wg_error *err) {
    const uint8_t *stored = stripe->map + column->offset;
    if (column->stored_bytes != 0 &&
        wg_arc1_crc(&stripe->header, column->offset, stored, (size_t)column->stored_bytes) != column->crc)
        return wg_error_set(err, WG_E_CORRUPT, column->offset,
                            "stripe '%.100s' at offset %llu: column %u: checksum does not match", stripe->path,
                            (unsigned long long)column->offset, column->id);
    wg_arc1_block block = {.column = column, .row_count = row_count, .raw = stored};
    wg_error inner = {0};
    wg_code code = WG_OK;
    if (column->codec != 0) {
        inflated->size = 0;
        code = wg_arc1_block_inflate(column, stored, inflated, &inner);
        block.raw = inflated->data;
    }
    if (code == WG_OK) code = wg_arc1_block_check(&block, &inner);
    if (code == WG_OK) return WG_OK;
    if (code != WG_E_CORRUPT) return wg_error_set(err, code, WG_NO_OFFSET, "%s", inner.message);
    return wg_error_set(err, code, column->offset, "stripe '%.100s': %s", stripe->path, inner.message);
}

wg_code wgi_stripe_touch(const wg_fragment *fragment, uint32_t column, wg_error *err) {
    stripe_fragment *f = stripe_fragment_of(fragment);
    WG_ASSERT(column < fragment->column_count);
    stripe_block *block = &f->blocks[column];
    wg_stripe *s = fragment->stripe;
    const wg_arc1_column *c = &block->column;
    if (s->cache != NULL && c->stored_bytes != 0) {
        if (wgi_stripe_is_unit(f)) WG_TRY(wgi_stripe_admit(f, &f->blocks[0].admitted, f->begin, f->end, err));
        else if (c->part_count == 0)
            WG_TRY(wgi_stripe_admit(f, &block->admitted, c->offset, c->offset + c->stored_bytes, err));
        wg_cache_touch(s->cache, &f->entry);
    }
    if (c->part_count != 0) return wgi_parts_touch_index(f, block, err);
    if (atomic_load_explicit(&block->checked, memory_order_acquire) != 0) return WG_OK;
    wg_buf inflated = {.account = s->account};
    const wg_code code = check_block(s, c, fragment->head.row_count, &inflated, err);
    wg_buf_deinit(&inflated);
    if (code == WG_OK) atomic_store_explicit(&block->checked, 1, memory_order_release);
    return code;
}

/* Admits and checks all of a block. What does not fit under the cap beside itself is refused, though its parts could be read in turn. */
static wg_code touch_whole(const wg_fragment *fragment, uint32_t column, wg_error *err) {
    const stripe_fragment *f = stripe_fragment_of(fragment);
    WG_TRY(wgi_stripe_touch(fragment, column, err));
    const uint32_t generation = atomic_load(&f->generation);
    WG_TRY(wgi_parts_touch_all(fragment, column, err));
    if (f->blocks[column].column.part_count == 0 || atomic_load(&f->generation) == generation) return WG_OK;
    return wg_error_set(err, WG_E_CAPACITY, WG_NO_OFFSET,
                        "stripe '%.100s': column %u of %llu bytes did not stay in memory", fragment->stripe->path,
                        f->blocks[column].column.id, (unsigned long long)f->blocks[column].column.stored_bytes);
}

wg_code wg_fragment_require(const wg_fragment *fragment, const uint32_t *ids, uint32_t id_count, wg_speed_lane lane,
                            wg_error *err) {
    const uint32_t count = ids == NULL ? fragment->column_count : id_count;
    for (uint32_t i = 0; i < count && lane != WG_SPEED_LANE_ANY; i++) {
        const uint32_t column = ids == NULL ? i : wg_fragment_column_of(fragment, ids[i]);
        if (column == UINT32_MAX) continue;
        wg_error problem = {0};
        const wg_code code = touch_whole(fragment, column, &problem);
        if (code == WG_OK || (code == WG_E_CAPACITY && lane == WG_SPEED_LANE_PREFER)) continue;
        return wg_error_set(err, code, problem.offset, "%s%s", code == WG_E_CAPACITY ? "BelowSpeedLane: " : "",
                            problem.message);
    }
    return WG_OK;
}

static wg_arc1_block mapped_block(const wg_fragment *fragment, uint32_t column) {
    const wg_arc1_column *c = &stripe_fragment_of(fragment)->blocks[column].column;
    return (wg_arc1_block){
        .column = c, .row_count = fragment->head.row_count, .raw = fragment->stripe->map + c->offset};
}

/* ---- runs of rows */

static wg_code inflate_to(const wg_fragment *fragment, uint32_t column, wg_fragment_scratch *scratch,
                          wg_arc1_block *block, wg_error *err) {
    if (scratch->block_of != fragment || scratch->block_column != column ||
        scratch->block_serial != fragment->stripe->serial) {
        scratch->block.account = scratch->account;
        scratch->block.size = 0;
        scratch->block_of = NULL;
        scratch->entries_of = NULL; /* they point into the block */
        WG_TRY(wg_arc1_block_inflate(block->column, block->raw, &scratch->block, err));
        scratch->block_of = fragment;
        scratch->block_column = column;
        scratch->block_serial = fragment->stripe->serial;
    }
    block->raw = scratch->block.data;
    return WG_OK;
}

/* Bit 0 of the result is row `first`. */
static const uint8_t *valid_from(const wg_arc1_block *block, uint32_t first, uint32_t count,
                                 wg_fragment_scratch *scratch) {
    const uint8_t *valid = wg_arc1_block_valid(block);
    if (valid == NULL || first % 8 == 0) return valid == NULL ? NULL : valid + first / 8;
    const size_t bytes = wg_bit_bytes(count);
    uint8_t *to = (uint8_t *)scratch->valid;
    valid += first / 8;
    const uint32_t shift = first % 8;
    /* The byte behind the last one lies in the bitmap's padding, or in the data behind it. */
    for (size_t i = 0; i < bytes; i++) to[i] = (uint8_t)(valid[i] >> shift | valid[i + 1] << (8 - shift));
    return to;
}

static wg_value value_of_cell(uint8_t type, uint64_t cell) {
    if (type == WG_TYPE_BOOL) return wg_value_bool(cell != 0);
    if (type == WG_TYPE_LOCAL_DATETIME) return wg_value_of_micros(wg_i64_of_u64(cell));
    wg_value v = {.type = type};
    v.as.id = cell; /* as.i and as.f are the same 8 bytes */
    return v;
}

static wg_value value_of_string(uint8_t type, wg_str s) {
    wg_value v = {.type = type, .size = (uint32_t)s.size};
    v.as.s = s.data;
    return v;
}

/* One stored value; nothing may follow it, and it must be of a type that columns hold. */
static wg_code decode_value(const wg_fragment *fragment, const wg_arc1_column *c, wg_str bytes, wg_arena *arena,
                            wg_value *out, wg_error *err) {
    wg_slice from = wg_slice_of_str(bytes);
    wg_error inner = {0};
    wg_value v;
    wg_code code = wg_value_decode(&from, arena, &v, &inner);
    if (code == WG_E_NOMEM) return wg_error_set(err, code, WG_NO_OFFSET, "%s", inner.message);
    const bool stored = code == WG_OK && from.size == 0 && v.type != WG_TYPE_NULL && v.type != WG_TYPE_NODE &&
                        v.type != WG_TYPE_EDGE && v.type != WG_TYPE_PATH;
    if (!stored)
        return wg_error_set(err, WG_E_CORRUPT, c->offset, "stripe '%.100s': column %u: a value is not whole%s%.60s",
                            fragment->stripe->path, c->id, code == WG_OK ? "" : ": ", inner.message);
    *out = v;
    return WG_OK;
}

/* Where u64 cells are put before they become values of twice the size: the upper half of the buffer. Value i ends at 16 i + 16, which
 * is never above where cell i + 1 begins. */
static uint64_t *upper_half(wg_fragment_scratch *scratch) {
    return (uint64_t *)(void *)((uint8_t *)scratch->cells + 8 * (size_t)WG_BATCH_ROWS_MAX);
}

typedef struct row_range {
    uint32_t first;
    uint32_t count;
} row_range;

static wg_code read_values(const wg_fragment *fragment, const wg_arc1_block *block, row_range rows,
                           const uint8_t *valid, wg_fragment_scratch *scratch, wg_error *err) {
    const uint8_t type = block->column->cell_type;
    uint8_t *cells = scratch->cells;
    if (!wg_arc1_is_string(type)) {
        uint64_t *from = upper_half(scratch) + (WG_BATCH_ROWS_MAX - rows.count);
        for (uint32_t i = 0; type == WG_TYPE_BOOL && i < rows.count; i++)
            from[i] = wg_arc1_block_u64_at(block, rows.first + i);
        if (type != WG_TYPE_BOOL) wg_arc1_block_u64(block, rows.first, rows.count, from);
        for (uint32_t i = 0; i < rows.count; i++) {
            const bool present = valid == NULL || wg_bit_get(valid, i);
            const wg_value v = present ? value_of_cell(type, from[i]) : wg_value_null();
            memcpy(cells + sizeof v * i, &v, sizeof v);
        }
        return WG_OK;
    }
    wg_arc1_block_str(block, rows.first, rows.count, scratch->cells);
    for (uint32_t i = 0; i < rows.count; i++) {
        wg_str s;
        memcpy(&s, cells + sizeof s * i, sizeof s);
        wg_value v = wg_value_null();
        if (valid != NULL && !wg_bit_get(valid, i)) s.size = 0;
        else if (type == WG_TYPE_ANY) WG_TRY(decode_value(fragment, block->column, s, &scratch->values, &v, err));
        else v = value_of_string(type, s);
        memcpy(cells + sizeof v * i, &v, sizeof v);
    }
    return WG_OK;
}
_Static_assert(sizeof(wg_value) == 16, "values take the place of strings and of pairs of cells");
_Static_assert(sizeof(wg_str) == 16, "values take the place of strings");

static bool scratch_prepare(wg_fragment_scratch *scratch) {
    if (scratch->cells == NULL) scratch->cells = wg_alloc(scratch->account, 16 * (size_t)WG_BATCH_ROWS_MAX);
    if (!scratch->values_ready) wg_arena_init(&scratch->values, scratch->account);
    else wg_arena_reset(&scratch->values);
    scratch->values_ready = true;
    return scratch->cells != NULL;
}

/* The block of a column, with its rows checked and its codec undone. */
static wg_code open_rows(const wg_fragment *fragment, uint32_t column, row_range rows, wg_fragment_scratch *scratch,
                         wg_arc1_block *out, wg_error *err) {
    WG_ASSERT(rows.count <= WG_BATCH_ROWS_MAX);
    WG_ASSERT(rows.first <= fragment->head.row_count && rows.count <= fragment->head.row_count - rows.first);
    WG_TRY(wgi_stripe_touch(fragment, column, err));
    WG_TRY(wgi_parts_touch_rows(fragment, column, rows.first, rows.count, err));
    *out = mapped_block(fragment, column);
    return out->column->codec == 0 ? WG_OK : inflate_to(fragment, column, scratch, out, err);
}

static wg_code read_block(const wg_fragment *fragment, const wg_arc1_block *block, row_range rows,
                          wg_fragment_scratch *scratch, wg_vector *out, wg_error *err) {
    const wg_arc1_column *c = block->column;
    const uint8_t *valid = valid_from(block, rows.first, rows.count, scratch);
    const uint8_t *plain = wg_arc1_is_string(c->cell_type) ? NULL : wg_arc1_block_plain(block);
    wg_vector v = {.type = (wg_type)c->type, .kind = WG_VECTOR_FLAT, .valid = valid};
    if (plain != NULL && c->type != WG_TYPE_ANY) {
        v.data = plain + (size_t)rows.first * (c->cell_type == WG_TYPE_BOOL ? 1 : 8);
        *out = v;
        return WG_OK;
    }
    if (!scratch_prepare(scratch)) return wg_error_nomem(err, 16 * (size_t)WG_BATCH_ROWS_MAX);
    v.data = scratch->cells;
    if (c->type == WG_TYPE_ANY) WG_TRY(read_values(fragment, block, rows, valid, scratch, err));
    else if (wg_arc1_is_string(c->cell_type)) wg_arc1_block_str(block, rows.first, rows.count, scratch->cells);
    else if (c->cell_type == WG_TYPE_BOOL) wg_arc1_block_bool(block, rows.first, rows.count, scratch->cells);
    else wg_arc1_block_u64(block, rows.first, rows.count, scratch->cells);
    *out = v;
    return WG_OK;
}

wg_code wg_fragment_read(const wg_fragment *fragment, uint32_t column, uint32_t first, uint32_t count,
                         wg_fragment_scratch *scratch, wg_vector *out, wg_error *err) {
    wg_arc1_block block;
    const row_range rows = {first, count};
    WG_TRY(open_rows(fragment, column, rows, scratch, &block, err));
    return read_block(fragment, &block, rows, scratch, out, err);
}

/* Entries are decoded once for all batches of a fragment. */
static wg_code take_entries(const wg_fragment *fragment, uint32_t column, const wg_arc1_block *block,
                            wg_fragment_scratch *scratch, wg_error *err) {
    if (scratch->entries_of == fragment && scratch->entries_column == column &&
        scratch->entries_serial == fragment->stripe->serial)
        return WG_OK;
    const size_t bytes = WG_FRAGMENT_ENTRIES_MAX * sizeof *scratch->entries;
    if (scratch->entries == NULL) scratch->entries = wg_alloc(scratch->account, bytes);
    if (scratch->entries == NULL) return wg_error_nomem(err, bytes);
    wg_arc1_block_entries(block, scratch->entries);
    scratch->entries_of = fragment;
    scratch->entries_column = column;
    scratch->entries_serial = fragment->stripe->serial;
    return WG_OK;
}

wg_code wg_fragment_read_coded(const wg_fragment *fragment, uint32_t column, uint32_t first, uint32_t count,
                               wg_fragment_scratch *scratch, wg_vector *out, wg_error *err) {
    wg_arc1_block block;
    const row_range rows = {first, count};
    WG_TRY(open_rows(fragment, column, rows, scratch, &block, err));
    const wg_arc1_column *c = block.column;
    const bool coded = c->type == WG_TYPE_STRING && c->cell_type == WG_TYPE_STRING &&
                       c->encoding == WG_ENCODING_DICTIONARY && c->count <= WG_FRAGMENT_ENTRIES_MAX;
    if (!coded) return read_block(fragment, &block, rows, scratch, out, err);
    if (!scratch_prepare(scratch)) return wg_error_nomem(err, 16 * (size_t)WG_BATCH_ROWS_MAX);
    WG_TRY(take_entries(fragment, column, &block, scratch, err));
    wg_arc1_block_codes(&block, first, count, scratch->cells);
    *out = (wg_vector){.type = WG_TYPE_STRING,
                       .kind = WG_VECTOR_DICT,
                       .valid = valid_from(&block, first, count, scratch),
                       .data = scratch->entries,
                       .codes = scratch->cells,
                       .dict_size = c->count};
    return WG_OK;
}

/* ---- single cells */

/* The block without its codec; `temporary` holds it if it has one, and is freed by the caller in every case. */
static wg_code open_block(const wg_fragment *fragment, uint32_t column, wg_buf *temporary, wg_arc1_block *out,
                          wg_error *err) {
    *temporary = (wg_buf){.account = fragment->stripe->account};
    WG_TRY(wgi_stripe_touch(fragment, column, err));
    *out = mapped_block(fragment, column);
    if (out->column->codec == 0) return WG_OK;
    WG_TRY(wg_arc1_block_inflate(out->column, out->raw, temporary, err));
    out->raw = temporary->data;
    return WG_OK;
}

static wg_code cell_of(const wg_fragment *fragment, const wg_arc1_block *block, uint32_t row, wg_arena *arena,
                       wg_value *out, wg_error *err) {
    const wg_arc1_column *c = block->column;
    const uint8_t *valid = wg_arc1_block_valid(block);
    if (valid != NULL && !wg_bit_get(valid, row)) {
        *out = wg_value_null();
        return WG_OK;
    }
    if (!wg_arc1_is_string(c->cell_type)) {
        *out = value_of_cell(c->cell_type, wg_arc1_block_u64_at(block, row));
        return WG_OK;
    }
    wg_str s = wg_arc1_block_str_at(block, row);
    if (c->codec != 0 && s.size != 0) { /* the block is about to be freed */
        s.data = wg_arena_copy(arena, s.data, (size_t)s.size);
        if (s.data == NULL) return wg_error_nomem(err, (size_t)s.size);
    }
    if (s.size == 0) s.data = NULL;
    if (c->cell_type == WG_TYPE_ANY) return decode_value(fragment, c, s, arena, out, err);
    *out = value_of_string(c->cell_type, s);
    return WG_OK;
}

wg_code wg_fragment_cell(const wg_fragment *fragment, uint32_t column, uint32_t row, wg_arena *arena, wg_value *out,
                         wg_error *err) {
    WG_ASSERT(row < fragment->head.row_count);
    wg_buf temporary;
    wg_arc1_block block;
    wg_code code = open_block(fragment, column, &temporary, &block, err);
    if (code == WG_OK) code = wgi_parts_touch_rows(fragment, column, row, 1, err);
    if (code == WG_OK) code = cell_of(fragment, &block, row, arena, out, err);
    wg_buf_deinit(&temporary);
    return code;
}

static wg_code want_numbers(const wg_fragment *fragment, uint32_t column, wg_error *err) {
    const wg_arc1_column *c = &stripe_fragment_of(fragment)->blocks[column].column;
    if ((c->type == WG_TYPE_NODE || c->type == WG_TYPE_INT) && c->null_count == 0) return WG_OK;
    return wg_error_set(err, WG_E_CORRUPT, c->offset,
                        "stripe '%.100s': column %u of type %s with %u nulls is not one of numbers without nulls",
                        fragment->stripe->path, c->id, wg_type_name((wg_type)c->type), c->null_count);
}

wg_code wg_fragment_u64(const wg_fragment *fragment, uint32_t column, uint32_t row, uint64_t *out, wg_error *err) {
    WG_ASSERT(row < fragment->head.row_count);
    wg_buf temporary;
    wg_arc1_block block;
    WG_TRY(want_numbers(fragment, column, err));
    const wg_code code = open_block(fragment, column, &temporary, &block, err);
    if (code == WG_OK) *out = wg_arc1_block_u64_at(&block, row);
    wg_buf_deinit(&temporary);
    return code;
}

wg_code wg_fragment_u64s(const wg_fragment *fragment, uint32_t column, uint32_t row, uint32_t count, uint64_t *out,
                         wg_error *err) {
    WG_ASSERT(row <= fragment->head.row_count && count <= fragment->head.row_count - row);
    wg_buf temporary;
    wg_arc1_block block;
    WG_TRY(want_numbers(fragment, column, err));
    const wg_code code = open_block(fragment, column, &temporary, &block, err);
    if (code == WG_OK) wg_arc1_block_u64(&block, row, count, out);
    wg_buf_deinit(&temporary);
    return code;
}

wg_code wg_fragment_lower_bound(const wg_fragment *fragment, uint32_t column, uint64_t value, uint32_t *out_row,
                                wg_error *err) {
    wg_buf temporary;
    wg_arc1_block block;
    WG_TRY(want_numbers(fragment, column, err));
    const wg_code code = open_block(fragment, column, &temporary, &block, err);
    if (code == WG_OK) *out_row = wg_arc1_block_lower_bound(&block, value);
    wg_buf_deinit(&temporary);
    return code;
}

/* ---- ahead of reading */

static void advise(const wg_stripe *s, uint64_t begin, uint64_t end) {
    const uint64_t page = begin & ~(uint64_t)(WG_ARC1_PAGE - 1);
    s->platform->ops->advise(s->platform, s->map + page, wg_align_up(end, WG_ARC1_PAGE) - page, WG_ADVICE_WILL_NEED);
}

void wg_fragment_prefetch(const wg_fragment *fragment, const uint32_t *ids, uint32_t id_count) {
    const stripe_fragment *f = stripe_fragment_of(fragment);
    if (ids == NULL) {
        if (f->end != 0) advise(fragment->stripe, f->begin, f->end);
        return;
    }
    for (uint32_t i = 0; i < id_count; i++) {
        const uint32_t column = wg_fragment_column_of(fragment, ids[i]);
        if (column == UINT32_MAX) continue;
        const wg_arc1_column *c = &f->blocks[column].column;
        if (c->stored_bytes != 0) advise(fragment->stripe, c->offset, c->offset + c->stored_bytes);
    }
}

void wg_fragment_cool(const wg_fragment *fragment, const uint32_t *ids, uint32_t id_count) {
    const stripe_fragment *f = stripe_fragment_of(fragment);
    const wg_stripe *s = fragment->stripe;
    for (uint32_t i = 0; i < id_count; i++) {
        const uint32_t column = wg_fragment_column_of(fragment, ids[i]);
        if (column == UINT32_MAX) continue;
        const wg_arc1_column *c = &f->blocks[column].column;
        const uint64_t begin = wg_align_up(c->offset, WG_ARC1_PAGE);
        const uint64_t end = (c->offset + c->stored_bytes) & ~(uint64_t)(WG_ARC1_PAGE - 1);
        if (begin < end) s->platform->ops->advise(s->platform, s->map + begin, end - begin, WG_ADVICE_DROP);
    }
}
