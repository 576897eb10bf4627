/* Blocks of ARC1, reading: one check when a block is first used, then loops without checks.
 *
 * A block is a validity bitmap (padded to 64 bytes; absent when no cell is null) and data. What the data are is in the column record:
 *
 *   PLAIN       cells; strings: offsets (32 or 64 bits, one more than rows), then the bytes
 *   CONSTANT    nothing, the cell is `base`; strings: the bytes
 *   SEQUENCE    nothing: base + row * step
 *   BIT_PACKED  packed numbers, to which base is added
 *   DELTA       groups of 1,024 rows: 24 bytes each, then the packed differences of all groups
 *   RUN_LENGTH  cells of the runs, then the row after each run (u32)
 *   DICTIONARY  entries, then packed codes; strings: packed codes, then offsets (u32), then bytes
 *
 * Arithmetic is modulo 2^64 throughout, so signed cells and doubles (as their bits) need no cases of their own. Packed
 * numbers are read with one 8-byte load each, which may reach 7 bytes past the last of them: behind every block of a file
 * lies at least its trailer, and inflated blocks are followed by zeros. */
#include "io/segment/segment_internal.h"

#include "base/kernels/kernels.h"
#include "base/text/text.h"
#include "format/codec/codec.h"

static const uint8_t *data_of(const wg_arc1_block *block) {
    return block->raw + arc1_valid_bytes(block->column, block->row_count);
}
static uint64_t data_bytes(const wg_arc1_block *block) {
    return block->column->raw_bytes - arc1_valid_bytes(block->column, block->row_count);
}

/* ---- where strings are */

/* Offsets and bytes of a PLAIN block or of a dictionary. */
typedef struct string_table {
    const uint8_t *offsets;
    const uint8_t *bytes;
    uint64_t byte_count;
    uint32_t count;
    bool wide;
} string_table;

static uint64_t string_offset(const string_table *t, uint64_t i) {
    return t->wide ? wg_load_u64le(t->offsets + 8 * i) : wg_load_u32le(t->offsets + 4 * i);
}

static wg_str string_at(const string_table *t, uint64_t i) {
    const uint64_t begin = string_offset(t, i);
    return (wg_str){(const char *)t->bytes + begin, string_offset(t, i + 1) - begin};
}

static string_table strings_of(const wg_arc1_block *block) {
    const wg_arc1_column *c = block->column;
    const uint8_t *data = data_of(block);
    string_table t = {.count = block->row_count, .offsets = data};
    if (c->encoding == WG_ENCODING_DICTIONARY) {
        t.count = c->count;
        t.offsets = data + wg_arc1_packed_bytes(block->row_count, c->width);
    } else {
        t.wide = c->width == 64;
    }
    t.bytes = t.offsets + ((uint64_t)t.count + 1) * (t.wide ? 8 : 4);
    t.byte_count = data_bytes(block) - (uint64_t)(t.bytes - data);
    return t;
}

/* ---- checks */

static wg_code damaged(const wg_arc1_block *block, const uint8_t *at, const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, (uint64_t)(at - block->raw), "column %u, %s: %s", block->column->id,
                        wg_encoding_name((wg_encoding)block->column->encoding), what);
}

static wg_code check_valid(const wg_arc1_block *block, wg_error *err) {
    const uint32_t rows = block->row_count;
    const size_t bytes = (size_t)arc1_valid_bytes(block->column, rows);
    bool clean = rows % 8 == 0 || block->raw[rows / 8] >> rows % 8 == 0;
    for (size_t i = wg_bit_bytes(rows); i < bytes; i++) clean = clean && block->raw[i] == 0;
    if (!clean) return damaged(block, block->raw, "bits behind the last row", err);
    if (wg_bit_count(block->raw, rows) + block->column->null_count != rows)
        return damaged(block, block->raw, "the validity bitmap has another number of nulls than the footer", err);
    return WG_OK;
}

static wg_code check_utf8(const wg_arc1_block *block, const uint8_t *bytes, uint64_t size, wg_error *err) {
    size_t bad = 0;
    if (block->column->cell_type != WG_TYPE_STRING || wg_utf8_valid(wg_slice_of(bytes, (size_t)size), &bad))
        return WG_OK;
    return damaged(block, bytes + bad, "a string is not UTF-8", err);
}

/* Offsets span the bytes and ascend. */
static wg_code check_offsets(const wg_arc1_block *block, const string_table *t, wg_error *err) {
    uint64_t before = 0;
    if (string_offset(t, 0) != 0 || string_offset(t, t->count) != t->byte_count)
        return damaged(block, t->offsets, "the offsets do not span the bytes", err);
    for (uint32_t i = 1; i <= t->count; i++) {
        const uint64_t at = string_offset(t, i);
        if (at < before || at > t->byte_count) return damaged(block, t->offsets, "offsets do not ascend", err);
        before = at;
    }
    return WG_OK;
}

static bool is_continuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

/* Strings from the first one that begins at or behind byte `begin`, as long as they begin before `end`. */
static wg_code check_starts(const wg_arc1_block *block, const string_table *t, uint64_t begin, uint64_t end,
                            wg_error *err) {
    uint32_t low = 0;
    uint32_t high = t->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (string_offset(t, middle) < begin) low = middle + 1;
        else high = middle;
    }
    for (uint64_t at; low < t->count && (at = string_offset(t, low)) < end; low++)
        if (is_continuation(t->bytes[at]))
            return damaged(block, t->bytes + at, "a string begins inside a character", err);
    return WG_OK;
}

static wg_code check_strings(const wg_arc1_block *block, wg_error *err) {
    const string_table t = strings_of(block);
    WG_TRY(check_offsets(block, &t, err));
    if (block->column->cell_type == WG_TYPE_STRING) WG_TRY(check_starts(block, &t, 0, t.byte_count, err));
    return check_utf8(block, t.bytes, t.byte_count, err);
}

static wg_code check_codes(const wg_arc1_block *block, const uint8_t *packed, wg_error *err) {
    const wg_arc1_column *c = block->column;
    for (uint32_t i = 0; i < block->row_count; i++)
        if (wg_arc1_packed_at(packed, c->width, i) >= c->count)
            return damaged(block, packed, "a code is not in the dictionary", err);
    return WG_OK;
}

static wg_code check_dictionary(const wg_arc1_block *block, wg_error *err) {
    const bool string = wg_arc1_is_string(block->column->cell_type);
    const uint8_t *data = data_of(block);
    WG_TRY(check_codes(block, string ? data : data + 8 * (uint64_t)block->column->count, err));
    return string ? check_strings(block, err) : WG_OK;
}

static wg_code check_runs(const wg_arc1_block *block, wg_error *err) {
    const uint32_t count = block->column->count;
    const uint8_t *cells = data_of(block);
    const uint8_t *ends = cells + 8 * (uint64_t)count;
    uint32_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t end = wg_load_u32le(ends + 4 * (uint64_t)i);
        if (end <= before || end > block->row_count) return damaged(block, ends, "run ends do not ascend", err);
        if (block->column->cell_type == WG_TYPE_BOOL && wg_load_u64le(cells + 8 * (uint64_t)i) > 1)
            return damaged(block, cells, "a BOOL is neither 0 nor 1", err);
        before = end;
    }
    if (before != block->row_count) return damaged(block, ends, "the runs do not cover all rows", err);
    return WG_OK;
}

static wg_code check_groups(const wg_arc1_block *block, wg_error *err) {
    const uint32_t count = block->column->count;
    const uint8_t *groups = data_of(block);
    uint64_t packed = 0;
    for (uint32_t g = 0; g < count; g++) {
        const uint8_t *group = groups + (uint64_t)g * WG_ARC1_DELTA_GROUP_BYTES;
        const uint32_t width = group[ARC1_D_WIDTH];
        if (width > WG_ARC1_PACKED_WIDTH_MAX || wg_load_u32le(group + ARC1_D_OFFSET) != packed)
            return damaged(block, group, "width or offset of a group", err);
        packed += wg_arc1_packed_bytes(arc1_group_differences(block->row_count, g), width);
    }
    if (packed + (uint64_t)count * WG_ARC1_DELTA_GROUP_BYTES != data_bytes(block))
        return damaged(block, groups, "the groups do not fill the block", err);
    return WG_OK;
}

static wg_code check_plain(const wg_arc1_block *block, wg_error *err) {
    const uint8_t *data = data_of(block);
    if (wg_arc1_is_string(block->column->cell_type)) return check_strings(block, err);
    if (block->column->cell_type != WG_TYPE_BOOL) return WG_OK;
    uint8_t any = 0;
    for (uint32_t i = 0; i < block->row_count; i++) any |= data[i];
    return any <= 1 ? WG_OK : damaged(block, data, "a BOOL is neither 0 nor 1", err);
}

static wg_code check_encoding(const wg_arc1_block *block, wg_error *err) {
    const wg_arc1_column *c = block->column;
    switch ((wg_encoding)c->encoding) {
        case WG_ENCODING_PLAIN:
            return check_plain(block, err);
        case WG_ENCODING_CONSTANT:
            if (!wg_arc1_is_string(c->cell_type)) return WG_OK;
            return check_utf8(block, data_of(block), data_bytes(block), err);
        case WG_ENCODING_DELTA:
            return check_groups(block, err);
        case WG_ENCODING_RUN_LENGTH:
            return check_runs(block, err);
        case WG_ENCODING_DICTIONARY:
            return check_dictionary(block, err);
        case WG_ENCODING_SEQUENCE:
        case WG_ENCODING_BIT_PACKED:
        case WG_ENCODING_DECIMAL:
        case WG_ENCODING_COUNT:
            return WG_OK;
    }
    WG_UNREACHABLE("encodings were checked with the footer");
}

/* Cells of types with a range; what null rows have as cells is nobody's. */
static wg_code check_range(const wg_arc1_block *block, wg_error *err) {
    const uint8_t type = block->column->cell_type;
    const uint8_t *valid = wg_arc1_block_valid(block);
    uint64_t cells[256];
    if (type != WG_TYPE_DATE && type != WG_TYPE_LOCAL_TIME) return WG_OK;
    for (uint32_t first = 0; first < block->row_count;) {
        const uint32_t left = block->row_count - first, n = left < 256 ? left : 256;
        wg_arc1_block_u64(block, first, n, cells);
        for (uint32_t i = 0; i < n; i++)
            if (!arc1_cell_fits(type, cells[i]) && (valid == NULL || wg_bit_get(valid, first + i)))
                return damaged(block, block->raw, "a date or time out of range", err);
        first += n;
    }
    return WG_OK;
}

wg_code wg_arc1_block_check(const wg_arc1_block *block, wg_error *err) {
    if (block->column->has_valid) WG_TRY(check_valid(block, err));
    WG_TRY(check_encoding(block, err));
    return check_range(block, err);
}

/* ---- checks in pieces */

uint64_t wg_arc1_block_index_bytes(const wg_arc1_block *block) {
    const string_table t = strings_of(block);
    return (uint64_t)(t.bytes - block->raw);
}

wg_code wg_arc1_block_check_index(const wg_arc1_block *block, wg_error *err) {
    const string_table t = strings_of(block);
    if (block->column->has_valid) WG_TRY(check_valid(block, err));
    if (block->column->encoding == WG_ENCODING_DICTIONARY) WG_TRY(check_codes(block, data_of(block), err));
    return check_offsets(block, &t, err);
}

/* Bytes at the end of text[0..size) that begin a character which goes on behind them. */
static uint64_t open_end(const uint8_t *text, uint64_t size) {
    for (uint64_t n = 1; n <= 3 && n <= size; n++) {
        const uint8_t byte = text[size - n];
        if (is_continuation(byte)) continue;
        const uint64_t whole = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return whole > n ? n : 0;
    }
    return 0;
}

/* Bytes at the beginning that belong to a character which began before them. */
static uint64_t open_begin(const uint8_t *text, uint64_t size) {
    uint64_t n = 0;
    while (n < 3 && n < size && is_continuation(text[n])) n++;
    return n;
}

static bool has_offset(const string_table *t, uint64_t offset) {
    uint32_t low = 0;
    uint32_t high = t->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (string_offset(t, middle) < offset) low = middle + 1;
        else high = middle;
    }
    return string_offset(t, low) == offset;
}

wg_code wg_arc1_block_check_piece(const wg_arc1_block *block, uint64_t begin, uint64_t end, wg_error *err) {
    const string_table t = strings_of(block);
    const uint64_t index = (uint64_t)(t.bytes - block->raw);
    if (block->column->cell_type != WG_TYPE_STRING || end <= index) return WG_OK;
    const uint64_t from = begin > index ? begin - index : 0;
    const uint64_t to = wg_min_u64(end - index, t.byte_count);
    const uint64_t skip = from == 0 ? 0 : open_begin(t.bytes + from, to - from);
    const uint64_t rest = to == t.byte_count ? 0 : open_end(t.bytes + from + skip, to - from - skip);
    WG_TRY(check_starts(block, &t, from, to, err));
    WG_TRY(check_utf8(block, t.bytes + from + skip, to - from - skip - rest, err));
    if (rest == 0 || !has_offset(&t, to)) return WG_OK;
    return damaged(block, t.bytes + to - rest, "a string ends inside a character", err);
}

wg_code wg_arc1_block_check_seam(const wg_arc1_block *block, uint64_t at, wg_error *err) {
    const string_table t = strings_of(block);
    const uint64_t index = (uint64_t)(t.bytes - block->raw);
    if (block->column->cell_type != WG_TYPE_STRING || at <= index || at - index >= t.byte_count) return WG_OK;
    const uint64_t seam = at - index;
    const uint64_t before = open_end(t.bytes, seam);
    const uint64_t behind = open_begin(t.bytes + seam, t.byte_count - seam);
    return check_utf8(block, t.bytes + seam - before, before + behind, err);
}

void wg_arc1_block_place(const wg_arc1_block *block, uint32_t row, uint64_t *out_begin, uint64_t *out_end) {
    const string_table t = strings_of(block);
    const uint64_t index = (uint64_t)(t.bytes - block->raw);
    const bool coded = block->column->encoding == WG_ENCODING_DICTIONARY;
    const uint64_t i = coded ? wg_arc1_packed_at(data_of(block), block->column->width, row) : row;
    *out_begin = index + string_offset(&t, i);
    *out_end = index + string_offset(&t, i + 1);
}

wg_code wg_arc1_block_inflate(const wg_arc1_column *column, const uint8_t *stored, wg_buf *out, wg_error *err) {
    WG_ASSERT(column->codec == ARC1_CODEC_ZSTD);
    const size_t size = (size_t)column->raw_bytes;
    if (!wg_buf_reserve(out, size + WG_ARC1_BLOCK_ALIGN)) return wg_error_nomem(err, size + WG_ARC1_BLOCK_ALIGN);
    const wg_slice in = wg_slice_of(stored, (size_t)column->stored_bytes);
    WG_TRY(wg_codec_decompress(WG_CODEC_ZSTD, in, out->data + out->size, size, err));
    memset(out->data + out->size + size, 0, WG_ARC1_BLOCK_ALIGN);
    out->size += size + WG_ARC1_BLOCK_ALIGN;
    return WG_OK;
}

/* ---- runs of rows */

const void *wg_arc1_block_plain(const wg_arc1_block *block) {
    return block->column->encoding == WG_ENCODING_PLAIN ? data_of(block) : NULL;
}

/* Blocks are followed by bytes that may be read: their padding, or the zeros behind an inflated one. */
static void unpack(const uint8_t *packed, uint32_t width, uint64_t first, uint32_t count, uint64_t base,
                   uint64_t *out) {
    if (width != 0) wg_kernels_best()->unpack_u64(packed, width, first, count, base, out);
    for (uint32_t i = 0; i < count && width == 0; i++) out[i] = base;
}

/* Numbers that no writer makes, which damage alone gives, are taken one by one. */
static void decimals_read(const uint8_t *packed, const wg_arc1_column *c, uint32_t first, uint32_t count,
                          uint64_t *out) {
    const uint64_t limit = UINT64_C(1) << 50;
    const bool small = c->base + limit < 2 * limit && c->width >= 1 && c->width <= 50;
    const wg_kernel_decimal decimal = {c->base, wg_arc1_decimal_power((uint32_t)c->step)};
    if (small) {
        wg_kernels_best()->unpack_decimals(packed, c->width, first, count, &decimal, (double *)(void *)out);
        return;
    }
    unpack(packed, c->width, first, count, c->base, out);
    wg_arc1_of_decimals(out, count, (uint32_t)c->step);
}

static uint64_t packed_at_bit(const uint8_t *packed, uint64_t bit, uint64_t mask) {
    return (wg_load_u64le(packed + (bit >> 3)) >> (bit & 7)) & mask;
}

/* The sum of the first `count` packed numbers: what lies between the first row of a group and a later one. Four sums, so that loads
 * and shifts overlap. */
static uint64_t packed_sum(const uint8_t *packed, uint32_t width, uint32_t count) {
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    uint64_t a = 0, b = 0, c = 0, d = 0, bit = 0;
    uint32_t i = 0;
    for (; i + 4 <= count; i += 4, bit += 4 * (uint64_t)width) {
        a += packed_at_bit(packed, bit, mask);
        b += packed_at_bit(packed, bit + width, mask);
        c += packed_at_bit(packed, bit + 2 * (uint64_t)width, mask);
        d += packed_at_bit(packed, bit + 3 * (uint64_t)width, mask);
    }
    for (; i < count; i++, bit += width) a += packed_at_bit(packed, bit, mask);
    return a + b + c + d;
}

static void delta_read(const wg_arc1_block *block, uint32_t first, uint32_t count, uint64_t *out) {
    const uint8_t *groups = data_of(block);
    const uint8_t *packed = groups + (uint64_t)block->column->count * WG_ARC1_DELTA_GROUP_BYTES;
    while (count != 0) {
        const uint32_t g = first / WG_ARC1_DELTA_ROWS;
        const uint32_t skip = first % WG_ARC1_DELTA_ROWS;
        const uint32_t left = WG_ARC1_DELTA_ROWS - skip;
        const uint32_t n = count < left ? count : left;
        const uint8_t *group = groups + (uint64_t)g * WG_ARC1_DELTA_GROUP_BYTES;
        const uint8_t *differences = packed + wg_load_u32le(group + ARC1_D_OFFSET);
        const uint64_t minimum = wg_load_u64le(group + ARC1_D_MINIMUM);
        const uint32_t width = group[ARC1_D_WIDTH];
        uint64_t cell = wg_load_u64le(group + ARC1_D_FIRST) + skip * minimum + packed_sum(differences, width, skip);
        out[0] = cell;
        const uint64_t mask = (UINT64_C(1) << width) - 1;
        uint64_t bit = (uint64_t)skip * width;
        for (uint32_t i = 1; i < n; i++, bit += width)
            out[i] = cell += minimum + ((wg_load_u64le(differences + (bit >> 3)) >> (bit & 7)) & mask);
        first += n;
        count -= n;
        out += n;
    }
}

/* The run that holds `row`: the first whose end is above it. */
static uint32_t run_of(const uint8_t *ends, uint32_t count, uint32_t row) {
    uint32_t low = 0, high = count - 1;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (wg_load_u32le(ends + 4 * (uint64_t)middle) > row) high = middle;
        else low = middle + 1;
    }
    return low;
}

static void runs_read(const wg_arc1_block *block, uint32_t first, uint32_t count, uint64_t *out) {
    const uint8_t *cells = data_of(block);
    const uint8_t *ends = cells + 8 * (uint64_t)block->column->count;
    const uint32_t last = first + count;
    for (uint32_t run = run_of(ends, block->column->count, first), row = first; row < last; run++) {
        const uint64_t cell = wg_load_u64le(cells + 8 * (uint64_t)run);
        const uint32_t run_end = wg_load_u32le(ends + 4 * (uint64_t)run);
        const uint32_t end = run_end < last ? run_end : last;
        while (row < end) out[row++ - first] = cell;
    }
}

/* By value: what is written might else be where the step is read from. */
static void sequence_read(uint64_t cell, uint64_t step, uint32_t count, uint64_t *out) {
    for (uint32_t i = 0; i < count; i++) out[i] = cell + i * step;
}

void wg_arc1_block_u64(const wg_arc1_block *block, uint32_t first, uint32_t count, uint64_t *out) {
    const wg_arc1_column *c = block->column;
    const uint8_t *data = data_of(block);
    WG_ASSERT(count <= block->row_count && first <= block->row_count - count);
    if (count == 0) return;
    switch ((wg_encoding)c->encoding) {
        case WG_ENCODING_PLAIN:
            memcpy(out, data + 8 * (uint64_t)first, 8 * (size_t)count);
            return;
        case WG_ENCODING_CONSTANT:
            sequence_read(c->base, 0, count, out);
            return;
        case WG_ENCODING_SEQUENCE:
            sequence_read(c->base + c->step * first, c->step, count, out);
            return;
        case WG_ENCODING_BIT_PACKED:
            unpack(data, c->width, first, count, c->base, out);
            return;
        case WG_ENCODING_DECIMAL:
            decimals_read(data, c, first, count, out);
            return;
        case WG_ENCODING_DELTA:
            delta_read(block, first, count, out);
            return;
        case WG_ENCODING_RUN_LENGTH:
            runs_read(block, first, count, out);
            return;
        case WG_ENCODING_DICTIONARY:
            unpack(data + 8 * (uint64_t)c->count, c->width, first, count, 0, out);
            for (uint32_t i = 0; i < count; i++) out[i] = wg_load_u64le(data + 8 * out[i]);
            return;
        case WG_ENCODING_COUNT:
            break;
    }
    WG_UNREACHABLE("encodings were checked with the footer");
}

void wg_arc1_block_bool(const wg_arc1_block *block, uint32_t first, uint32_t count, uint8_t *out) {
    WG_ASSERT(count <= block->row_count && first <= block->row_count - count);
    if (block->column->encoding == WG_ENCODING_PLAIN) {
        if (count != 0) memcpy(out, data_of(block) + first, count);
        return;
    }
    if (block->column->encoding == WG_ENCODING_BIT_PACKED) {
        const uint8_t *bits = data_of(block);
        for (uint32_t i = 0; i < count; i++) out[i] = wg_bit_get(bits, first + i);
        return;
    }
    uint64_t cells[256];
    for (uint32_t done = 0; done < count;) {
        const uint32_t n = count - done < 256 ? count - done : 256;
        wg_arc1_block_u64(block, first + done, n, cells);
        for (uint32_t i = 0; i < n; i++) out[done + i] = (uint8_t)cells[i];
        done += n;
    }
}

void wg_arc1_block_str(const wg_arc1_block *block, uint32_t first, uint32_t count, wg_str *out) {
    const wg_arc1_column *c = block->column;
    WG_ASSERT(count <= block->row_count && first <= block->row_count - count);
    if (c->encoding == WG_ENCODING_CONSTANT) {
        const wg_str s = {(const char *)data_of(block), data_bytes(block)};
        for (uint32_t i = 0; i < count; i++) out[i] = s;
        return;
    }
    const string_table t = strings_of(block);
    if (c->encoding == WG_ENCODING_DICTIONARY) {
        const uint8_t *codes = data_of(block);
        for (uint32_t i = 0; i < count; i++) {
            const uint64_t code = wg_arc1_packed_at(codes, c->width, first + i);
            const uint32_t begin = wg_load_u32le(t.offsets + 4 * code);
            out[i] = (wg_str){(const char *)t.bytes + begin, wg_load_u32le(t.offsets + 4 * code + 4) - begin};
        }
        return;
    }
    if (t.wide) {
        for (uint32_t i = 0; i < count; i++) out[i] = string_at(&t, first + i);
        return;
    }
    uint32_t begin = wg_load_u32le(t.offsets + 4 * (uint64_t)first);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t end = wg_load_u32le(t.offsets + 4 * ((uint64_t)first + i + 1));
        out[i] = (wg_str){(const char *)t.bytes + begin, end - begin};
        begin = end;
    }
}

void wg_arc1_block_entries(const wg_arc1_block *block, wg_str *out) {
    WG_ASSERT(block->column->encoding == WG_ENCODING_DICTIONARY);
    const string_table t = strings_of(block);
    for (uint32_t i = 0; i < t.count; i++) out[i] = string_at(&t, i);
}

void wg_arc1_block_codes(const wg_arc1_block *block, uint32_t first, uint32_t count, uint32_t *out) {
    WG_ASSERT(block->column->encoding == WG_ENCODING_DICTIONARY);
    WG_ASSERT(count <= block->row_count && first <= block->row_count - count);
    if (block->column->width == 0) memset(out, 0, count * sizeof *out); /* one entry */
    else wg_kernels_best()->unpack_u32(data_of(block), block->column->width, first, count, out);
}

/* ---- single rows */

uint64_t wg_arc1_block_u64_at(const wg_arc1_block *block, uint32_t row) {
    const wg_arc1_column *c = block->column;
    WG_ASSERT(row < block->row_count);
    if (c->encoding == WG_ENCODING_PLAIN) {
        const uint8_t *data = data_of(block);
        return c->cell_type == WG_TYPE_BOOL ? data[row] : wg_load_u64le(data + 8 * (uint64_t)row);
    }
    uint64_t cell;
    wg_arc1_block_u64(block, row, 1, &cell);
    return cell;
}

wg_str wg_arc1_block_str_at(const wg_arc1_block *block, uint32_t row) {
    wg_str s;
    WG_ASSERT(row < block->row_count);
    wg_arc1_block_str(block, row, 1, &s);
    return s;
}

/* The last group of a DELTA block that begins below `value`; the answer lies in it or is the first row of the next. */
static uint32_t delta_lower_bound(const wg_arc1_block *block, uint64_t value) {
    const uint8_t *groups = data_of(block);
    uint32_t low = 0, high = block->column->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (wg_load_u64le(groups + (uint64_t)middle * WG_ARC1_DELTA_GROUP_BYTES + ARC1_D_FIRST) < value)
            low = middle + 1;
        else high = middle;
    }
    if (low == 0) return 0;
    const uint32_t first = (low - 1) * WG_ARC1_DELTA_ROWS;
    const uint32_t count = arc1_group_differences(block->row_count, low - 1) + 1;
    uint64_t cells[WG_ARC1_DELTA_ROWS];
    delta_read(block, first, count, cells);
    uint32_t i = 0;
    while (i < count && cells[i] < value) i++;
    return first + i;
}

/* Where `value` would stand if the cells between two known ones rose evenly; strictly between the two rows. */
static uint32_t guess_row(uint32_t low, uint32_t high, uint64_t low_cell, uint64_t high_cell, uint64_t value) {
    const double share = (double)(value - low_cell) / (double)(high_cell - low_cell);
    const uint32_t row = low + (uint32_t)(share * (double)(high - low));
    return row <= low ? low + 1 : row >= high ? high - 1 : row;
}

/* Ids and hashes rise nearly evenly: a few guesses end within the cache lines of the answer, where bisection alone would miss a
 * cache a dozen times. Bisection takes over when they do not. */
uint32_t wg_arc1_block_lower_bound(const wg_arc1_block *block, uint64_t value) {
    enum { GUESSES_MAX = 8 };
    if (block->column->encoding == WG_ENCODING_DELTA) return delta_lower_bound(block, value);
    if (block->row_count == 0) return 0;
    uint32_t low = 0, high = block->row_count - 1;
    uint64_t low_cell = wg_arc1_block_u64_at(block, low);
    uint64_t high_cell = wg_arc1_block_u64_at(block, high);
    if (value <= low_cell) return 0;
    if (value > high_cell) return block->row_count;
    for (uint32_t guesses = 0; high - low > 1; guesses++) { /* low_cell < value <= high_cell */
        const uint32_t row =
            guesses < GUESSES_MAX ? guess_row(low, high, low_cell, high_cell, value) : low + (high - low) / 2;
        const uint64_t cell = wg_arc1_block_u64_at(block, row);
        if (cell < value) {
            low = row;
            low_cell = cell;
        } else {
            high = row;
            high_cell = cell;
        }
    }
    return high;
}
