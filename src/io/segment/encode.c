/* Blocks of ARC1, writing: gathers one column, chooses its encoding, writes block and zone map.
 *
 * The choice. Encodings are tried in the order PLAIN, CONSTANT, SEQUENCE, BIT_PACKED, DECIMAL, RUN_LENGTH, DICTIONARY, DELTA: from the one
 * that is cheapest to read at a random row to the dearest. A later one takes the place of the choice so far only when its data are at
 * most 7/8 of that one's. So PLAIN, which is read in place, stays unless an eighth is saved, and the choice is a function of
 * the cells alone. Codec zstd is then applied under the same rule, if it was asked for.
 *
 * Cells of null rows: in columns of fixed size they repeat the cell before (at the beginning: the first present one), so that runs and
 * sequences go on; strings are empty. ANY columns whose present values all have one simple type are stored as cells of
 * that type.
 *
 * Failure: out of memory; `out` may then hold part of a block, which the caller cuts off. */
#include "io/segment/segment_internal.h"

#include "format/codec/codec.h"

enum { DICTIONARY_SLOTS = 2 * WG_ARC1_ROWS_MAX };

struct wg_arc1_encoder {
    bool zstd;
    bool plain;
    bool point;
    bool decimals;
    uint64_t narrow_bytes_max;
    wg_account *account;
    uint64_t cells[WG_ARC1_ROWS_MAX];    /* of the column, null rows filled */
    wg_str strings[WG_ARC1_ROWS_MAX];    /* of the column, null rows empty */
    uint64_t codes[WG_ARC1_ROWS_MAX];    /* dictionary codes, or numbers to be packed */
    uint64_t parts[WG_ARC1_ROWS_MAX];    /* of decimal fractions */
    uint32_t entries[WG_ARC1_ROWS_MAX];  /* row that a dictionary entry was first seen in */
    uint32_t slots[DICTIONARY_SLOTS];    /* hash table: entry + 1, 0 free */
    uint8_t valid[WG_ARC1_ROWS_MAX / 8]; /* of the column */
    wg_buf values;                       /* canonical bytes of ANY cells */
    wg_buf stored;                       /* compressed block */
    wg_arena zones;
};

wg_code wg_arc1_encoder_create(bool zstd, bool plain, wg_account *account, wg_arc1_encoder **out, wg_error *err) {
    wg_arc1_encoder *e = wg_alloc(account, sizeof *e);
    if (e == NULL) return wg_error_nomem(err, sizeof *e);
    e->zstd = zstd;
    e->plain = plain;
    e->point = false;
    e->decimals = false;
    e->narrow_bytes_max = UINT32_MAX;
    e->account = account;
    wg_buf_init(&e->values, account);
    wg_buf_init(&e->stored, account);
    wg_arena_init(&e->zones, account);
    *out = e;
    return WG_OK;
}

void wg_arc1_encoder_destroy(wg_arc1_encoder *encoder) {
    if (encoder == NULL) return;
    wg_buf_deinit(&encoder->values);
    wg_buf_deinit(&encoder->stored);
    wg_arena_deinit(&encoder->zones);
    wg_free(encoder);
}

void wg_arc1_encoder_point(wg_arc1_encoder *encoder, bool point) { encoder->point = point; }

void wg_arc1_encoder_decimals(wg_arc1_encoder *encoder, bool decimals) { encoder->decimals = decimals; }

void wg_arc1_encoder_narrow(wg_arc1_encoder *encoder, uint64_t bytes_max) {
    WG_ASSERT(bytes_max <= UINT32_MAX);
    encoder->narrow_bytes_max = bytes_max;
}

void wg_arc1_encoder_reset(wg_arc1_encoder *encoder) { wg_arena_reset(&encoder->zones); }

/* Packs what the values are above `base`. */
static bool pack_above(const uint64_t *values, uint64_t base, uint32_t count, uint32_t width, wg_buf *out) {
    WG_ASSERT(width <= WG_ARC1_PACKED_WIDTH_MAX);
    const size_t size = (size_t)wg_arc1_packed_bytes(count, width);
    if (!wg_buf_reserve(out, size)) return false;
    uint8_t *to = out->data + out->size;
    out->size += size;
    uint64_t word = 0;
    uint32_t bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t value = values[i] - base;
        word |= value << bits;
        bits += width;
        if (bits < 64) continue;
        wg_store_u64le(to, word);
        to += 8;
        bits -= 64;
        word = bits == 0 ? 0 : value >> (width - bits);
    }
    if (bits != 0) wg_store_u64le(to, word);
    return true;
}

bool wg_arc1_pack(const uint64_t *values, uint32_t count, uint32_t width, wg_buf *out) {
    return pack_above(values, 0, count, width, out);
}

/* ---- gathering */

/* Which type all present values of an ANY column have, if it is one that has cells of its own; else ANY. */
static uint8_t common_type(const wg_vector *v, uint32_t rows) {
    uint8_t type = WG_TYPE_NULL;
    for (uint32_t i = 0; i < rows; i++) {
        if (!wg_vector_is_valid(v, i)) continue;
        const uint8_t t = ((const wg_value *)v->data)[wg_vector_cell(v, i)].type;
        if (t == WG_TYPE_NULL) continue;
        if (type == WG_TYPE_NULL) type = t;
        if (t != type) return WG_TYPE_ANY;
    }
    return type >= WG_TYPE_BOOL && type <= WG_TYPE_LOCAL_TIME ? type : WG_TYPE_ANY;
}

static void gather_valid(wg_arc1_encoder *e, const wg_vector *v, uint32_t rows, wg_arc1_column *c) {
    memset(e->valid, 0, sizeof e->valid);
    if (v->valid == NULL && c->type != WG_TYPE_ANY && v->type != WG_TYPE_ANY && v->type != WG_TYPE_NULL) {
        memset(e->valid, 0xff, rows / 8);
        for (uint32_t i = rows / 8 * 8; i < rows; i++) wg_bit_set(e->valid, i);
        c->null_count = 0;
        c->has_valid = false;
        return;
    }
    uint32_t present = 0;
    for (uint32_t i = 0; i < rows; i++) {
        bool valid = wg_vector_is_valid(v, i);
        if (valid && c->type == WG_TYPE_ANY)
            valid = ((const wg_value *)v->data)[wg_vector_cell(v, i)].type != WG_TYPE_NULL;
        if (valid) wg_bit_set(e->valid, i);
        present += valid;
    }
    c->null_count = rows - present;
    c->has_valid = present != rows;
}

static uint64_t fixed_cell(const wg_vector *v, uint32_t cell) {
    if (v->type == WG_TYPE_BOOL) return ((const uint8_t *)v->data)[cell] != 0;
    if (v->type != WG_TYPE_ANY) return wg_load_u64le((const uint8_t *)v->data + 8 * (size_t)cell);
    const wg_value *value = &((const wg_value *)v->data)[cell];
    return value->type == WG_TYPE_BOOL ? value->as.b : value->as.id; /* as.i and as.f are the same 8 bytes */
}

static void gather_fixed(wg_arc1_encoder *e, const wg_vector *v, uint32_t rows) {
    uint64_t before = 0;
    if (v->valid == NULL && v->kind == WG_VECTOR_FLAT && v->type != WG_TYPE_BOOL && v->type != WG_TYPE_ANY &&
        v->type != WG_TYPE_NULL) {
        if (rows != 0) memcpy(e->cells, v->data, 8 * (size_t)rows);
        return;
    }
    uint32_t leading = 0;
    while (leading < rows && !wg_bit_get(e->valid, leading)) leading++;
    if (leading < rows) before = fixed_cell(v, wg_vector_cell(v, leading));
    for (uint32_t i = 0; i < rows; i++) {
        if (wg_bit_get(e->valid, i)) before = fixed_cell(v, wg_vector_cell(v, i));
        e->cells[i] = before;
    }
}

static wg_code encode_value(wg_arc1_encoder *e, const wg_value *value, wg_error *err) {
    if (value->type == WG_TYPE_NODE || value->type == WG_TYPE_EDGE || value->type == WG_TYPE_PATH)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "a %s cannot be stored as a value",
                            wg_type_name((wg_type)value->type));
    if (wg_value_encode(&e->values, value)) return WG_OK;
    return wg_error_nomem(err, e->values.size);
}

static wg_code gather_values(wg_arc1_encoder *e, const wg_vector *v, uint32_t rows, wg_error *err) {
    e->values.size = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const size_t begin = e->values.size;
        if (wg_bit_get(e->valid, i)) WG_TRY(encode_value(e, &((const wg_value *)v->data)[wg_vector_cell(v, i)], err));
        e->strings[i].size = e->values.size - begin;
    }
    const char *at = (const char *)e->values.data; /* only now: the buffer moves while it grows */
    for (uint32_t i = 0; i < rows; i++) {
        e->strings[i].data = at;
        if (e->strings[i].size != 0) at += e->strings[i].size;
    }
    return WG_OK;
}

static void gather_strings(wg_arc1_encoder *e, const wg_vector *v, uint32_t rows) {
    for (uint32_t i = 0; i < rows; i++) {
        e->strings[i] = (wg_str){NULL, 0};
        if (!wg_bit_get(e->valid, i)) continue;
        const uint32_t cell = wg_vector_cell(v, i);
        if (v->type == WG_TYPE_ANY) {
            const wg_value *value = &((const wg_value *)v->data)[cell];
            e->strings[i] = (wg_str){value->as.s, value->size};
        } else {
            e->strings[i] = ((const wg_str *)v->data)[cell];
        }
    }
}

/* ---- choosing */

typedef struct choice {
    wg_encoding encoding;
    uint64_t bytes;
    uint32_t width;
    uint32_t count;
    uint64_t base;
    uint64_t step;
} choice;

static void consider(choice *best, choice other) {
    if (other.bytes * 8 <= best->bytes * 7) *best = other;
}

static uint64_t hash_of(const wg_arc1_encoder *e, bool string, uint32_t row) {
    return string ? wg_hash64(0, e->strings[row].data, (size_t)e->strings[row].size) : wg_hash64_u64(e->cells[row]);
}

static bool same(const wg_arc1_encoder *e, bool string, uint32_t a, uint32_t b) {
    if (!string) return e->cells[a] == e->cells[b];
    return wg_slice_equal(wg_slice_of_str(e->strings[a]), wg_slice_of_str(e->strings[b]));
}

/* Numbers the distinct cells in the order in which they appear. False when entries and codes need more than `bytes_max`, which is seen as soon as
 * those so far do. */
static bool dictionary_build(wg_arc1_encoder *e, bool string, uint32_t rows, uint64_t bytes_max, choice *out) {
    memset(e->slots, 0, sizeof e->slots);
    uint64_t bytes = string ? 4 : 0;
    uint64_t codes = 0; /* bytes of codes of so many entries */
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t slot = (uint32_t)hash_of(e, string, i) % DICTIONARY_SLOTS;
        while (e->slots[slot] != 0 && !same(e, string, e->entries[e->slots[slot] - 1], i))
            slot = (slot + 1) % DICTIONARY_SLOTS;
        if (e->slots[slot] == 0) {
            bytes += string ? 4 + e->strings[i].size : 8;
            if ((count & (count - 1)) == 0) codes = wg_arc1_packed_bytes(rows, arc1_bits(count));
            if (bytes + codes > bytes_max) return false;
            e->entries[count++] = i;
            e->slots[slot] = count;
        }
        e->codes[i] = e->slots[slot] - 1;
    }
    if (count < 2 || (string && bytes > e->narrow_bytes_max)) return false;
    const uint32_t width = arc1_bits(count - 1);
    *out = (choice){.encoding = WG_ENCODING_DICTIONARY,
                    .bytes = bytes + wg_arc1_packed_bytes(rows, width),
                    .width = width,
                    .count = count};
    return true;
}

typedef struct cell_stats {
    uint64_t min, max; /* in the order of the type */
    uint32_t runs;
    bool sequence; /* one step everywhere */
} cell_stats;

/* The least and the greatest cell, of equal doubles with different bits the first, and the runs, in one pass. */
static void find_bounds(const uint64_t *cells, uint8_t type, uint32_t rows, cell_stats *s) {
    uint32_t runs = 1;
    if (type == WG_TYPE_FLOAT) {
        for (uint32_t i = 1; i < rows; i++) {
            runs += cells[i] != cells[i - 1];
            if (wg_f64_of_bits(cells[i]) < wg_f64_of_bits(s->min)) s->min = cells[i];
            if (wg_f64_of_bits(s->max) < wg_f64_of_bits(cells[i])) s->max = cells[i];
        }
        s->runs = runs;
        return;
    }
    const uint64_t flip =
        type == WG_TYPE_NODE || type == WG_TYPE_BOOL ? 0 : UINT64_C(1) << 63; /* signed as unsigned */
    uint64_t min = cells[0] ^ flip;
    uint64_t max = min;
    for (uint32_t i = 1; i < rows; i++) {
        const uint64_t cell = cells[i] ^ flip;
        runs += cells[i] != cells[i - 1];
        min = cell < min ? cell : min;
        max = cell > max ? cell : max;
    }
    s->min = min ^ flip;
    s->max = max ^ flip;
    s->runs = runs;
}

static cell_stats stats_of(const wg_arc1_encoder *e, uint8_t type, uint32_t rows) {
    const uint64_t *cells = e->cells;
    cell_stats s = {.min = cells[0], .max = cells[0], .runs = 1, .sequence = true};
    find_bounds(cells, type, rows, &s);
    for (uint32_t i = 1; i < rows && s.sequence; i++) s.sequence = cells[i] - cells[i - 1] == cells[1] - cells[0];
    return s;
}

/* Least difference and the bits above it of one group of DELTA. */
static uint32_t group_width(const uint64_t *cells, uint32_t differences, uint64_t *out_minimum) {
    int64_t low = differences == 0 ? 0 : INT64_MAX, high = differences == 0 ? 0 : INT64_MIN;
    for (uint32_t i = 0; i < differences; i++) {
        const int64_t d = wg_i64_of_u64(cells[i + 1] - cells[i]);
        if (d < low) low = d;
        if (d > high) high = d;
    }
    *out_minimum = wg_u64_of_i64(low);
    return arc1_bits(wg_u64_of_i64(high) - wg_u64_of_i64(low));
}

static bool delta_measure(const wg_arc1_encoder *e, uint32_t rows, choice *out) {
    const uint32_t groups = arc1_groups(rows);
    uint64_t bytes = (uint64_t)groups * WG_ARC1_DELTA_GROUP_BYTES;
    for (uint32_t g = 0; g < groups; g++) {
        uint64_t minimum;
        const uint32_t differences = arc1_group_differences(rows, g);
        const uint32_t width = group_width(e->cells + (size_t)g * WG_ARC1_DELTA_ROWS, differences, &minimum);
        if (width > WG_ARC1_PACKED_WIDTH_MAX) return false;
        bytes += wg_arc1_packed_bytes(differences, width);
    }
    *out = (choice){.encoding = WG_ENCODING_DELTA, .bytes = bytes, .count = groups};
    return true;
}

/* FLOAT cells as parts of a power of ten, which are left in e->parts. */
static bool decimal_measure(wg_arc1_encoder *e, uint32_t rows, choice *out) {
    uint32_t exponent = 0;
    if (!wg_arc1_decimals(e->cells, rows, &exponent, e->parts)) return false;
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (uint32_t i = 0; i < rows; i++) {
        const int64_t part = wg_i64_of_u64(e->parts[i]);
        if (part < low) low = part;
        if (part > high) high = part;
    }
    const uint32_t width = arc1_bits(wg_u64_of_i64(high) - wg_u64_of_i64(low));
    if (width > WG_ARC1_PACKED_WIDTH_MAX) return false;
    *out = (choice){.encoding = WG_ENCODING_DECIMAL,
                    .bytes = wg_arc1_packed_bytes(rows, width),
                    .width = width,
                    .base = wg_u64_of_i64(low),
                    .step = exponent};
    return true;
}

static choice choose_fixed(wg_arc1_encoder *e, uint8_t type, uint32_t rows, const cell_stats *s) {
    const bool is_bool = type == WG_TYPE_BOOL;
    const bool is_number = type != WG_TYPE_FLOAT && !is_bool; /* bits of doubles have no useful differences */
    choice best = {.encoding = WG_ENCODING_PLAIN, .bytes = (uint64_t)rows * (is_bool ? 1 : 8)};
    choice other;
    if (e->plain || rows == 0) return best;
    if (s->runs == 1) return (choice){.encoding = WG_ENCODING_CONSTANT, .base = e->cells[0]};
    if (is_number && s->sequence)
        return (choice){.encoding = WG_ENCODING_SEQUENCE, .base = e->cells[0], .step = e->cells[1] - e->cells[0]};
    const uint32_t width = is_bool ? 1 : arc1_bits(s->max - s->min);
    if (type != WG_TYPE_FLOAT && width <= WG_ARC1_PACKED_WIDTH_MAX)
        consider(&best, (choice){.encoding = WG_ENCODING_BIT_PACKED,
                                 .bytes = wg_arc1_packed_bytes(rows, width),
                                 .width = width,
                                 .base = is_bool ? 0 : s->min});
    if (e->decimals && type == WG_TYPE_FLOAT && decimal_measure(e, rows, &other)) consider(&best, other);
    consider(&best, (choice){.encoding = WG_ENCODING_RUN_LENGTH,
                             .bytes = s->runs * 8ull + wg_align_up(s->runs * 4ull, 8),
                             .count = s->runs});
    if (!is_bool && dictionary_build(e, false, rows, best.bytes * 7 / 8, &other)) consider(&best, other);
    if (is_number && !e->point && delta_measure(e, rows, &other)) consider(&best, other);
    return best;
}

static choice choose_string(wg_arc1_encoder *e, uint32_t rows) {
    uint64_t bytes = 0;
    bool constant = rows != 0;
    uint32_t first = UINT32_MAX;
    for (uint32_t i = 0; i < rows; i++) {
        bytes += e->strings[i].size;
        if (!wg_bit_get(e->valid, i)) continue;
        if (first == UINT32_MAX) first = i;
        else constant = constant && same(e, true, first, i);
    }
    const bool wide = bytes > e->narrow_bytes_max;
    choice best = {.encoding = WG_ENCODING_PLAIN,
                   .bytes = bytes + ((uint64_t)rows + 1) * (wide ? 8 : 4),
                   .width = wide ? 64 : 32};
    choice other;
    if (e->plain) return best;
    if (constant) return (choice){.encoding = WG_ENCODING_CONSTANT, .base = first};
    if (dictionary_build(e, true, rows, best.bytes * 7 / 8, &other)) consider(&best, other);
    return best;
}

/* ---- writing */

static bool write_delta(wg_arc1_encoder *e, uint32_t rows, wg_buf *out) {
    const uint32_t groups = arc1_groups(rows);
    const size_t begin = out->size;
    const size_t head = (size_t)groups * WG_ARC1_DELTA_GROUP_BYTES;
    if (!wg_buf_reserve(out, head)) return false;
    memset(out->data + begin, 0, head);
    out->size += head;
    for (uint32_t g = 0; g < groups; g++) {
        const uint64_t *cells = e->cells + (size_t)g * WG_ARC1_DELTA_ROWS;
        const uint32_t differences = arc1_group_differences(rows, g);
        uint64_t minimum;
        const uint32_t width = group_width(cells, differences, &minimum);
        uint8_t *group = out->data + begin + (size_t)g * WG_ARC1_DELTA_GROUP_BYTES;
        wg_store_u64le(group + ARC1_D_FIRST, cells[0]);
        wg_store_u64le(group + ARC1_D_MINIMUM, minimum);
        wg_store_u32le(group + ARC1_D_OFFSET, (uint32_t)(out->size - begin - head));
        group[ARC1_D_WIDTH] = (uint8_t)width;
        for (uint32_t i = 0; i < differences; i++) e->codes[i] = cells[i + 1] - cells[i] - minimum;
        if (!wg_arc1_pack(e->codes, differences, width, out)) return false;
    }
    return true;
}

static bool write_runs(const wg_arc1_encoder *e, uint32_t rows, uint32_t count, wg_buf *out) {
    const size_t size = (size_t)count * 8 + (size_t)wg_align_up((uint64_t)count * 4, 8);
    if (!wg_buf_reserve(out, size)) return false;
    uint8_t *cells = out->data + out->size;
    uint8_t *ends = cells + (size_t)count * 8;
    memset(cells, 0, size);
    out->size += size;
    for (uint32_t i = 0, run = 0; i < rows; i++) {
        if (i + 1 < rows && e->cells[i + 1] == e->cells[i]) continue;
        wg_store_u64le(cells + 8 * (size_t)run, e->cells[i]);
        wg_store_u32le(ends + 4 * (size_t)run, i + 1);
        run++;
    }
    return true;
}

static bool write_fixed(wg_arc1_encoder *e, const wg_arc1_column *c, uint32_t rows, wg_buf *out) {
    switch ((wg_encoding)c->encoding) {
        case WG_ENCODING_PLAIN:
            if (c->cell_type != WG_TYPE_BOOL) return wg_buf_append(out, e->cells, 8 * (size_t)rows);
            if (!wg_buf_reserve(out, rows)) return false;
            for (uint32_t i = 0; i < rows; i++) out->data[out->size + i] = (uint8_t)e->cells[i];
            out->size += rows;
            return true;
        case WG_ENCODING_BIT_PACKED:
            return pack_above(e->cells, c->base, rows, c->width, out);
        case WG_ENCODING_DECIMAL:
            return pack_above(e->parts, c->base, rows, c->width, out);
        case WG_ENCODING_DELTA:
            return write_delta(e, rows, out);
        case WG_ENCODING_RUN_LENGTH:
            return write_runs(e, rows, c->count, out);
        case WG_ENCODING_DICTIONARY:
            if (!wg_buf_reserve(out, 8 * (size_t)c->count)) return false;
            for (uint32_t i = 0; i < c->count; i++)
                wg_store_u64le(out->data + out->size + 8 * (size_t)i, e->cells[e->entries[i]]);
            out->size += 8 * (size_t)c->count;
            return wg_arc1_pack(e->codes, rows, c->width, out);
        case WG_ENCODING_CONSTANT:
        case WG_ENCODING_SEQUENCE:
        case WG_ENCODING_COUNT:
            break;
    }
    return true;
}

/* Offsets, then bytes, of the strings of rows[0..count), or of the first `count` rows when rows is NULL. */
static bool write_strings(const wg_arc1_encoder *e, const uint32_t *rows, uint32_t count, bool wide, wg_buf *out) {
    const size_t width = wide ? 8 : 4;
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) size += (size_t)e->strings[rows == NULL ? i : rows[i]].size;
    if (!wg_buf_reserve(out, (count + (size_t)1) * width + size)) return false;
    uint8_t *offsets = out->data + out->size;
    uint8_t *bytes = offsets + (count + (size_t)1) * width;
    uint64_t at = 0;
    memcpy(offsets, &at, width);
    for (uint32_t i = 0; i < count; i++) {
        const wg_str *s = &e->strings[rows == NULL ? i : rows[i]];
        if (s->size != 0) memcpy(bytes + at, s->data, (size_t)s->size);
        at += s->size;
        memcpy(offsets + width * (i + (size_t)1), &at, width); /* little-endian: the low bytes come first */
    }
    out->size += (count + (size_t)1) * width + size;
    return true;
}

static bool write_string(wg_arc1_encoder *e, const wg_arc1_column *c, uint32_t rows, uint32_t constant_row,
                         wg_buf *out) {
    if (c->encoding == WG_ENCODING_CONSTANT)
        return constant_row == UINT32_MAX ||
               wg_buf_append(out, e->strings[constant_row].data, (size_t)e->strings[constant_row].size);
    if (c->encoding == WG_ENCODING_DICTIONARY)
        return wg_arc1_pack(e->codes, rows, c->width, out) && write_strings(e, e->entries, c->count, false, out);
    return write_strings(e, NULL, rows, c->width == 64, out);
}

/* ---- zones */

static wg_code zone_fixed(wg_arc1_encoder *e, wg_arc1_column *c, uint32_t rows, const cell_stats *s, wg_error *err) {
    if (c->null_count == rows) return WG_OK;
    for (uint32_t i = 0; c->cell_type == WG_TYPE_FLOAT && i < rows; i++) {
        const double f = wg_f64_of_bits(e->cells[i]);
        if (f != f) return WG_OK; /* a column with NaN has no zone */
    }
    uint8_t *zone = wg_arena_alloc(&e->zones, 16);
    if (zone == NULL) return wg_error_nomem(err, 16);
    wg_store_u64le(zone, s->min);
    wg_store_u64le(zone + 8, s->max);
    c->min = wg_slice_of(zone, 8);
    c->max = wg_slice_of(zone + 8, 8);
    c->has_zone = true;
    return WG_OK;
}

static bool is_continuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

/* Cuts to a prefix of at most 64 bytes, of a string at a character. */
static size_t prefix_size(wg_str s, bool utf8) {
    if (s.size <= WG_ARC1_ZONE_STRING_BYTES_MAX) return (size_t)s.size;
    size_t n = WG_ARC1_ZONE_STRING_BYTES_MAX;
    while (utf8 && n > 0 && is_continuation((uint8_t)s.data[n])) n--;
    return n;
}

/* Replaces one UTF-8 character of `size` bytes by the next one of as many; false when there is none. UTF-8 sorts as its
 * characters do. */
static bool raise_character(uint8_t *bytes, size_t size) {
    static const uint32_t last[] = {0, 0x7f, 0x7ff, 0xffff, 0x10ffff};
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    if (size > 4) return false; /* not UTF-8 */
    uint32_t c = size == 1 ? bytes[0] : bytes[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) c = c << 6 | (bytes[i] & 0x3f);
    c = c == 0xd7ff ? 0xe000 : c + 1; /* surrogates are no characters */
    if (c > last[size]) return false;
    for (size_t i = size; i-- > 1; c >>= 6) bytes[i] = (uint8_t)(0x80 | (c & 0x3f));
    bytes[0] = (uint8_t)(lead[size] | c);
    return true;
}

/* A string that is above everything that begins with `bytes`: the last byte or character that can be raised is, what follows is
 * cut. 0: there is none. */
static size_t raise_prefix(uint8_t *bytes, size_t size, bool utf8) {
    while (size != 0) {
        size_t at = size - 1;
        while (utf8 && at > 0 && is_continuation(bytes[at])) at--;
        if (utf8 && raise_character(bytes + at, size - at)) return size;
        if (!utf8 && bytes[at] != 0xff) {
            bytes[at]++;
            return size;
        }
        size = at;
    }
    return 0;
}

static wg_code zone_string(wg_arc1_encoder *e, wg_arc1_column *c, uint32_t rows, wg_error *err) {
    if (c->null_count == rows || c->cell_type == WG_TYPE_ANY) return WG_OK;
    const wg_str *min = NULL, *max = NULL;
    for (uint32_t i = 0; i < rows; i++) {
        if (!wg_bit_get(e->valid, i)) continue;
        const wg_slice s = wg_slice_of_str(e->strings[i]);
        if (min == NULL || wg_slice_compare(s, wg_slice_of_str(*min)) < 0) min = &e->strings[i];
        if (max == NULL || wg_slice_compare(s, wg_slice_of_str(*max)) > 0) max = &e->strings[i];
    }
    WG_ASSERT(min != NULL && max != NULL);
    const bool utf8 = c->cell_type == WG_TYPE_STRING;
    uint8_t *zone = wg_arena_alloc(&e->zones, 2 * WG_ARC1_ZONE_STRING_BYTES_MAX);
    if (zone == NULL) return wg_error_nomem(err, 2 * WG_ARC1_ZONE_STRING_BYTES_MAX);
    const size_t min_size = prefix_size(*min, utf8);
    size_t max_size = prefix_size(*max, utf8);
    if (min_size != 0) memcpy(zone, min->data, min_size);
    uint8_t *high = zone + WG_ARC1_ZONE_STRING_BYTES_MAX;
    if (max_size != 0) memcpy(high, max->data, max_size);
    if (max_size != max->size && (max_size = raise_prefix(high, max_size, utf8)) == 0) return WG_OK;
    c->min = wg_slice_of(zone, min_size);
    c->max = wg_slice_of(high, max_size);
    c->has_zone = true;
    return WG_OK;
}

/* ---- one column */

static bool type_is_stored(wg_type type) {
    return (type >= WG_TYPE_BOOL && type <= WG_TYPE_LOCAL_TIME) || type == WG_TYPE_LOCAL_DATETIME ||
           type == WG_TYPE_NODE || type == WG_TYPE_ANY;
}

static bool write_valid(const wg_arc1_encoder *e, const wg_arc1_column *c, uint32_t rows, wg_buf *out) {
    const size_t size = (size_t)arc1_valid_bytes(c, rows);
    if (size == 0) return true;
    if (!wg_buf_reserve(out, size)) return false;
    memset(out->data + out->size, 0, size);
    memcpy(out->data + out->size, e->valid, wg_bit_bytes(rows));
    out->size += size;
    return true;
}

static wg_code compress(wg_arc1_encoder *e, wg_arc1_column *c, size_t begin, wg_buf *out, wg_error *err) {
    const size_t raw = out->size - begin;
    if (!e->zstd || e->point || raw == 0 || raw > WG_ARC1_ZSTD_BYTES_MAX) return WG_OK;
    e->stored.size = 0;
    WG_TRY(wg_codec_compress(WG_CODEC_ZSTD, 0, wg_slice_of(out->data + begin, raw), &e->stored, err));
    if (e->stored.size * 8 > raw * 7 || raw / WG_ARC1_ZSTD_RATIO_MAX > e->stored.size) return WG_OK;
    memcpy(out->data + begin, e->stored.data, e->stored.size);
    out->size = begin + e->stored.size;
    c->codec = ARC1_CODEC_ZSTD;
    return WG_OK;
}

static wg_code encode_cells(wg_arc1_encoder *e, const wg_vector *v, uint32_t rows, wg_arc1_column *c, wg_buf *out,
                            wg_error *err) {
    const bool string = wg_arc1_is_string(c->cell_type);
    cell_stats stats = {0};
    choice chosen;
    if (string) {
        if (c->cell_type == WG_TYPE_ANY) WG_TRY(gather_values(e, v, rows, err));
        else gather_strings(e, v, rows);
        chosen = choose_string(e, rows);
        WG_TRY(zone_string(e, c, rows, err));
    } else {
        gather_fixed(e, v, rows);
        if (rows != 0) stats = stats_of(e, c->cell_type, rows);
        if (c->null_count != rows &&
            !(arc1_cell_fits(c->cell_type, stats.min) && arc1_cell_fits(c->cell_type, stats.max)))
            return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "column %u: a %s is out of range", c->id,
                                wg_type_name((wg_type)c->cell_type));
        chosen = choose_fixed(e, c->cell_type, rows, &stats);
        WG_TRY(zone_fixed(e, c, rows, &stats, err));
        c->base = chosen.base;
        c->step = chosen.step;
    }
    c->encoding = (uint8_t)chosen.encoding;
    c->width = (uint8_t)chosen.width;
    c->count = chosen.count;
    const bool ok = write_valid(e, c, rows, out) &&
                    (string ? write_string(e, c, rows, (uint32_t)chosen.base, out) : write_fixed(e, c, rows, out));
    return ok ? WG_OK : wg_error_nomem(err, (size_t)chosen.bytes);
}

wg_code wg_arc1_encode(wg_arc1_encoder *encoder, const wg_vector *vector, uint32_t row_count, wg_arc1_column *column,
                       wg_buf *out, wg_error *err) {
    WG_ASSERT(row_count <= WG_ARC1_ROWS_MAX);
    if (!type_is_stored(vector->type))
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "a column of type %s cannot be stored; pass it as ANY",
                            wg_type_name(vector->type));
    const size_t begin = out->size;
    wg_arc1_column c = {.id = column->id, .type = (uint8_t)vector->type, .cell_type = (uint8_t)vector->type};
    if (vector->type == WG_TYPE_ANY) c.cell_type = common_type(vector, row_count);
    gather_valid(encoder, vector, row_count, &c);
    WG_TRY(encode_cells(encoder, vector, row_count, &c, out, err));
    c.raw_bytes = out->size - begin;
    WG_TRY(compress(encoder, &c, begin, out, err));
    c.stored_bytes = out->size - begin;
    *column = c;
    return WG_OK;
}
