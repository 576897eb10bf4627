/* Encoding of mutations. See wal.h and docs/format/mutation.md.
 *
 * Bodies are made of varints (numbers), length-prefixed bytes (names), canonical values (base/column) and, for the bulk
 * stripe, typed columns: a type byte, a validity byte (0 all present, 1 bitmap follows), then cells in Arrow's layout for
 * fixed widths and varint length + bytes for strings. Loads have packed cells: integers as differences from the smallest in as few
 * bits as they need, decimal fractions as integers of which they are parts. The body size in front lets an old reader step over what it may. */
#include "worldgraph/wal/wal.h"

#include "base/text/text.h"
#include "io/segment/segment.h"

/* ---- encoding */

static bool put_bytes(wg_buf *out, wg_slice s) {
    return wg_buf_append_varint(out, s.size) && wg_buf_append(out, s.data, s.size);
}

static bool put_numbers(wg_buf *out, const uint32_t *numbers, uint32_t count) {
    bool ok = wg_buf_append_varint(out, count);
    for (uint32_t i = 0; ok && i < count; i++) ok = wg_buf_append_varint(out, numbers[i]);
    return ok;
}

static bool put_properties(wg_buf *out, const wg_mutation *m) {
    bool ok = wg_buf_append_varint(out, m->property_count);
    for (uint32_t i = 0; ok && i < m->property_count; i++)
        ok = wg_buf_append_varint(out, m->properties[i].key) && wg_value_encode(out, &m->properties[i].value);
    return ok;
}

static bool put_cell(wg_buf *out, const wg_vector *v, uint32_t row) {
    const uint32_t cell = wg_vector_cell(v, row);
    switch (wg_type_physical(v->type)) {
        case WG_PHYSICAL_BOOL:
            return wg_buf_append_u8(out, ((const uint8_t *)v->data)[cell]);
        case WG_PHYSICAL_I64:
        case WG_PHYSICAL_F64:
        case WG_PHYSICAL_ID:
            return wg_buf_append_u64(out, ((const uint64_t *)v->data)[cell]);
        case WG_PHYSICAL_STR:
            return put_bytes(out, wg_slice_of_str(((const wg_str *)v->data)[cell]));
        case WG_PHYSICAL_VALUE:
            return wg_value_encode(out, &((const wg_value *)v->data)[cell]);
    }
    return false;
}

/* Absent cells of fixed width are written as zeros, absent strings as empty: positions stay computable. */
static bool put_absent(wg_buf *out, wg_type type) {
    switch (wg_type_physical(type)) {
        case WG_PHYSICAL_BOOL:
        case WG_PHYSICAL_STR:
            return wg_buf_append_u8(out, 0);
        case WG_PHYSICAL_I64:
        case WG_PHYSICAL_F64:
        case WG_PHYSICAL_ID:
            return wg_buf_append_u64(out, 0);
        case WG_PHYSICAL_VALUE: {
            const wg_value null = wg_value_null();
            return wg_value_encode(out, &null);
        }
    }
    return false;
}

static bool put_validity(wg_buf *out, const wg_vector *v, uint32_t rows) {
    if (v->valid == NULL) return wg_buf_append_u8(out, 0);
    if (!wg_buf_append_u8(out, 1)) return false;
    const size_t bytes = wg_bit_bytes(rows);
    if (!wg_buf_reserve(out, bytes)) return false;
    uint8_t *bits = out->data + out->size;
    memset(bits, 0, bytes);
    for (uint32_t r = 0; r < rows; r++)
        if (wg_vector_is_valid(v, r)) wg_bit_set(bits, r);
    out->size += bytes;
    return true;
}

static bool put_vector(wg_buf *out, const wg_vector *v, uint32_t rows) {
    bool ok = wg_buf_append_u8(out, (uint8_t)v->type) && put_validity(out, v, rows);
    for (uint32_t r = 0; ok && r < rows; r++)
        ok = wg_vector_is_valid(v, r) ? put_cell(out, v, r) : put_absent(out, v->type);
    return ok;
}

static bool put_batch(wg_buf *out, const wg_mutation *m) {
    WG_ASSERT(m->batch.sel == NULL);
    bool ok = wg_buf_append_varint(out, m->label) && wg_buf_append_varint(out, m->id) &&
              wg_buf_append_varint(out, m->batch.row_count) && put_numbers(out, m->keys, m->batch.column_count);
    for (uint32_t c = 0; ok && c < m->batch.column_count; c++)
        ok = put_vector(out, &m->batch.columns[c], m->batch.row_count);
    return ok;
}

/* ---- packed cells */

enum { FLOAT_PLAIN = 0, FLOAT_DECIMAL = 1, PLAIN_WIDTH = 64, LOAD_COLUMNS_MAX = 8192 }; /* as many as a table has */

/* u8 bits | u64 smallest | differences from it. Signed numbers are taken as they lie, so order is that of `flip`ped words. */
static bool put_packed(wg_buf *out, const uint64_t *cells, uint32_t rows, uint64_t flip) {
    uint64_t low = UINT64_MAX, high = 0, offsets[WG_BATCH_ROWS_MAX];
    for (uint32_t r = 0; r < rows; r++) {
        low = wg_min_u64(low, cells[r] ^ flip);
        high = wg_max_u64(high, cells[r] ^ flip);
    }
    if (rows == 0) low = flip;
    const uint64_t span = rows == 0 ? 0 : high - low;
    uint32_t width = 0;
    while (width < 64 && span >> width != 0) width++;
    if (width > WG_ARC1_PACKED_WIDTH_MAX) {
        return wg_buf_append_u8(out, PLAIN_WIDTH) && wg_buf_append_u64(out, 0) &&
               wg_buf_append(out, cells, (size_t)rows * sizeof *cells);
    }
    const uint64_t base = low ^ flip;
    for (uint32_t r = 0; r < rows; r++) offsets[r] = cells[r] - base;
    return wg_buf_append_u8(out, (uint8_t)width) && wg_buf_append_u64(out, base) &&
           wg_arc1_pack(offsets, rows, width, out);
}

/* The 8-byte cells of a vector of any kind, zeros where none is present; in `space` unless they lie so already. */
static const uint64_t *flat_cells(const wg_vector *v, uint32_t rows, uint64_t *space) {
    const uint64_t *cells = v->data;
    if (v->kind == WG_VECTOR_FLAT && v->valid == NULL) return cells;
    for (uint32_t r = 0; r < rows; r++) space[r] = wg_vector_is_valid(v, r) ? cells[wg_vector_cell(v, r)] : 0;
    return space;
}

static bool put_floats(wg_buf *out, const uint64_t *cells, uint32_t rows) {
    uint64_t parts[WG_BATCH_ROWS_MAX];
    uint32_t exponent = 0;
    if (wg_arc1_decimals(cells, rows, &exponent, parts))
        return wg_buf_append_u8(out, FLOAT_DECIMAL) && wg_buf_append_u8(out, (uint8_t)exponent) &&
               put_packed(out, parts, rows, UINT64_C(1) << 63);
    return wg_buf_append_u8(out, FLOAT_PLAIN) && wg_buf_append(out, cells, (size_t)rows * sizeof *cells);
}

static bool put_packed_vector(wg_buf *out, const wg_vector *v, uint32_t rows) {
    uint64_t space[WG_BATCH_ROWS_MAX];
    const wg_physical physical = wg_type_physical(v->type);
    if (physical != WG_PHYSICAL_I64 && physical != WG_PHYSICAL_F64) return put_vector(out, v, rows);
    if (!wg_buf_append_u8(out, (uint8_t)v->type) || !put_validity(out, v, rows)) return false;
    const uint64_t *cells = flat_cells(v, rows, space);
    return physical == WG_PHYSICAL_F64 ? put_floats(out, cells, rows)
                                       : put_packed(out, cells, rows, UINT64_C(1) << 63);
}

bool wg_mutation_pack(wg_buf *out, const wg_mutation *m) {
    WG_ASSERT(m->batch.sel == NULL && m->batch.row_count <= WG_BATCH_ROWS_MAX);
    const uint32_t rows = m->batch.row_count;
    bool ok = true;
    if (m->kind == WG_MUTATION_LOAD_EDGES)
        ok = put_packed(out, m->from_ids, rows, 0) && put_packed(out, m->to_ids, rows, 0);
    for (uint32_t c = 0; ok && c < m->batch.column_count; c++)
        ok = put_packed_vector(out, &m->batch.columns[c], rows);
    return ok;
}

static bool put_load(wg_buf *out, const wg_mutation *m) {
    const bool ok = (m->kind == WG_MUTATION_LOAD_EDGES ? wg_buf_append_varint(out, m->label)
                                                       : put_numbers(out, m->labels, m->label_count)) &&
                    wg_buf_append_varint(out, m->id) && wg_buf_append_varint(out, m->batch.row_count) &&
                    put_numbers(out, m->keys, m->batch.column_count);
    if (!ok) return false;
    return m->packed.size != 0 ? wg_buf_append(out, m->packed.data, m->packed.size) : wg_mutation_pack(out, m);
}

static bool put_partition(wg_buf *out, const wg_mutation *m) {
    return wg_buf_append_varint(out, m->number) && wg_buf_append_varint(out, m->label) && put_bytes(out, m->name) &&
           wg_buf_append_varint(out, m->file_bytes) && wg_buf_append_varint(out, m->row_count) &&
           wg_buf_append(out, m->digest.bytes, sizeof m->digest.bytes) && put_properties(out, m);
}

static bool put_body(wg_buf *out, const wg_mutation *m) {
    switch (m->kind) {
        case WG_MUTATION_ADD_KEY:
            return wg_buf_append_varint(out, m->number) && put_bytes(out, m->name);
        case WG_MUTATION_CREATE_LABEL:
            return wg_buf_append_varint(out, m->number) && wg_label_def_encode(out, &m->def);
        case WG_MUTATION_DROP_LABEL:
            return wg_buf_append_varint(out, m->number);
        case WG_MUTATION_ALTER_LABEL:
            return wg_buf_append_varint(out, m->number) && wg_label_def_encode(out, &m->def) &&
                   wg_buf_append_u8(out, m->replace) &&
                   (!m->replace || put_numbers(out, m->sources, m->def.column_count));
        case WG_MUTATION_ADD_PARTITION:
            return put_partition(out, m);
        case WG_MUTATION_CREATE_NODE:
            return wg_buf_append_varint(out, m->id) && put_numbers(out, m->labels, m->label_count) &&
                   put_properties(out, m);
        case WG_MUTATION_CREATE_NODES:
            return put_batch(out, m);
        case WG_MUTATION_LOAD_NODES:
        case WG_MUTATION_LOAD_EDGES:
            return put_load(out, m);
        case WG_MUTATION_CREATE_EDGE:
            return wg_buf_append_varint(out, m->id) && wg_buf_append_varint(out, m->label) &&
                   wg_buf_append_varint(out, m->from) && wg_buf_append_varint(out, m->to) && put_properties(out, m);
        case WG_MUTATION_SET_NODE:
        case WG_MUTATION_SET_EDGE:
            return wg_buf_append_varint(out, m->id) && wg_buf_append_u8(out, m->replace) && put_properties(out, m);
        case WG_MUTATION_CHANGE_LABELS:
            return wg_buf_append_varint(out, m->id) && put_numbers(out, m->labels, m->label_count) &&
                   put_numbers(out, m->removed_labels, m->removed_label_count);
        case WG_MUTATION_DELETE_NODE:
        case WG_MUTATION_DELETE_EDGE:
            return wg_buf_append_varint(out, m->id);
        case WG_MUTATION_TIME:
            return wg_buf_append_u64(out, m->time_us);
        case WG_MUTATION_RUN_COMMIT:
            return wg_buf_append(out, m->redo.data, m->redo.size);
        case WG_MUTATION_RUN_CREATE:
            return wg_buf_append_varint(out, m->number) && wg_buf_append_varint(out, m->parent) &&
                   wg_buf_append_varint(out, m->fork_version) && wg_buf_append_varint(out, m->fork_events);
        case WG_MUTATION_CREATE_INDEX:
        case WG_MUTATION_CREATE_CONSTRAINT:
            return wg_buf_append_varint(out, m->number) && wg_rule_def_encode(out, &m->rule);
        case WG_MUTATION_RUN_DROP:
        case WG_MUTATION_DROP_INDEX:
        case WG_MUTATION_DROP_CONSTRAINT:
            return wg_buf_append_varint(out, m->number);
        case WG_MUTATION_KIND_COUNT:
            break;
    }
    WG_UNREACHABLE("kind of mutation");
}

static size_t varint_bytes(uint64_t v) {
    size_t n = 1;
    while (v >= 0x80) {
        v >>= 7;
        n++;
    }
    return n;
}

/* The body is written after a gap for the longest size, then moved down against its real size: no second buffer. */
bool wg_mutation_encode(wg_buf *out, const wg_mutation *m) {
    enum { GAP = 10 };
    const size_t start = out->size;
    if (!wg_buf_reserve(out, 1 + GAP)) return false;
    out->data[start] = (uint8_t)m->kind;
    const size_t size_at = start + 1;
    out->size = size_at + GAP;
    if (!put_body(out, m)) {
        out->size = start;
        return false;
    }
    const size_t body_bytes = out->size - size_at - GAP;
    const size_t prefix = varint_bytes(body_bytes);
    memmove(out->data + size_at + prefix, out->data + size_at + GAP, body_bytes);
    out->size = size_at;
    const bool ok = wg_buf_append_varint(out, body_bytes);
    WG_ASSERT(ok); /* the room was there already */
    out->size += body_bytes;
    return true;
}

/* ---- decoding */

typedef struct decoder {
    wg_slice in;
    wg_arena *arena;
    wg_error *err;
} decoder;

static wg_code corrupt(decoder *d, const char *what) {
    return wg_error_set(d->err, WG_E_CORRUPT, WG_NO_OFFSET, "mutation: %s is cut short or out of range", what);
}

static wg_code take_u64(decoder *d, const char *what, uint64_t *out) {
    return wg_varint_take(&d->in, out) ? WG_OK : corrupt(d, what);
}

static wg_code take_u32(decoder *d, const char *what, uint32_t *out) {
    uint64_t v;
    WG_TRY(take_u64(d, what, &v));
    if (v > UINT32_MAX) return corrupt(d, what);
    *out = (uint32_t)v;
    return WG_OK;
}

static wg_code take_bytes(decoder *d, const char *what, wg_slice *out) {
    uint64_t size;
    WG_TRY(take_u64(d, what, &size));
    return wg_slice_take(&d->in, size, out) ? WG_OK : corrupt(d, what);
}

static wg_code take_u8(decoder *d, const char *what, uint8_t *out) {
    wg_slice one;
    if (!wg_slice_take(&d->in, 1, &one)) return corrupt(d, what);
    *out = one.data[0];
    return WG_OK;
}

/* Each element takes at least one byte, so the count is bounded by what is left. */
static wg_code take_count(decoder *d, const char *what, uint32_t *out) {
    WG_TRY(take_u32(d, what, out));
    return *out <= d->in.size ? WG_OK : corrupt(d, what);
}

static wg_code take_numbers(decoder *d, const char *what, const uint32_t **out, uint32_t *out_count) {
    uint32_t count;
    WG_TRY(take_count(d, what, &count));
    uint32_t *numbers = wg_arena_alloc(d->arena, (size_t)count * sizeof *numbers);
    if (numbers == NULL) return wg_error_nomem(d->err, (size_t)count * sizeof *numbers);
    for (uint32_t i = 0; i < count; i++) WG_TRY(take_u32(d, what, &numbers[i]));
    *out = numbers;
    *out_count = count;
    return WG_OK;
}

static wg_code take_properties(decoder *d, wg_mutation *m) {
    uint32_t count;
    WG_TRY(take_count(d, "property count", &count));
    wg_mutation_property *p = wg_arena_alloc(d->arena, (size_t)count * sizeof *p);
    if (p == NULL) return wg_error_nomem(d->err, (size_t)count * sizeof *p);
    for (uint32_t i = 0; i < count; i++) {
        WG_TRY(take_u32(d, "property key", &p[i].key));
        WG_TRY(wg_value_decode(&d->in, d->arena, &p[i].value, d->err));
    }
    m->properties = p;
    m->property_count = count;
    return WG_OK;
}

static wg_code take_string_cells(decoder *d, wg_type type, wg_str *cells, uint32_t rows) {
    for (uint32_t r = 0; r < rows; r++) {
        wg_slice s;
        WG_TRY(take_bytes(d, "string cell", &s));
        if (type == WG_TYPE_STRING && !wg_utf8_valid(s, NULL)) return corrupt(d, "string cell (not UTF-8)");
        cells[r] = wg_str_of_slice(s);
    }
    return WG_OK;
}

static wg_code take_cells(decoder *d, wg_type type, uint32_t rows, const void **out) {
    const wg_physical physical = wg_type_physical(type);
    const size_t width = wg_physical_bytes(physical);
    /* Before any memory is taken: cells of variable size have at least one byte. */
    const bool variable = physical == WG_PHYSICAL_STR || physical == WG_PHYSICAL_VALUE;
    if ((size_t)rows * (variable ? 1 : width) > d->in.size) return corrupt(d, "cells");
    void *cells = wg_arena_alloc(d->arena, (size_t)rows * width);
    if (cells == NULL) return wg_error_nomem(d->err, (size_t)rows * width);
    *out = cells;
    if (physical == WG_PHYSICAL_STR) return take_string_cells(d, type, cells, rows);
    if (physical == WG_PHYSICAL_VALUE) {
        wg_value *values = cells;
        for (uint32_t r = 0; r < rows; r++) WG_TRY(wg_value_decode(&d->in, d->arena, &values[r], d->err));
        return WG_OK;
    }
    wg_slice raw;
    const bool taken = wg_slice_take(&d->in, (size_t)rows * width, &raw);
    WG_ASSERT(taken); /* the size was looked at above */
    if (raw.size != 0) memcpy(cells, raw.data, raw.size);
    for (uint32_t r = 0; physical == WG_PHYSICAL_BOOL && r < rows; r++)
        if (raw.data[r] > 1) return corrupt(d, "BOOL cell");
    return WG_OK;
}

/* Type and validity. */
static wg_code take_head(decoder *d, uint32_t rows, wg_vector *out) {
    uint8_t type = 0;
    uint8_t has_nulls = 0;
    WG_TRY(take_u8(d, "column type", &type));
    if (type == WG_TYPE_NULL || type > WG_TYPE_ANY) return corrupt(d, "column type");
    WG_TRY(take_u8(d, "validity", &has_nulls));
    *out = (wg_vector){.type = (wg_type)type, .kind = WG_VECTOR_FLAT};
    if (has_nulls > 1) return corrupt(d, "validity");
    if (has_nulls == 1) {
        wg_slice bits;
        if (!wg_slice_take(&d->in, wg_bit_bytes(rows), &bits)) return corrupt(d, "validity");
        out->valid = wg_arena_copy(d->arena, bits.data, bits.size);
        if (out->valid == NULL) return wg_error_nomem(d->err, bits.size);
    }
    return WG_OK;
}

static wg_code take_vector(decoder *d, uint32_t rows, wg_vector *out) {
    WG_TRY(take_head(d, rows, out));
    return take_cells(d, out->type, rows, &out->data);
}

static wg_code take_batch(decoder *d, wg_mutation *m) {
    WG_TRY(take_u32(d, "label", &m->label));
    WG_TRY(take_u64(d, "first id", &m->id));
    WG_TRY(take_u32(d, "row count", &m->batch.row_count));
    if (m->batch.row_count > WG_BATCH_ROWS_MAX) return corrupt(d, "row count");
    WG_TRY(take_numbers(d, "column keys", &m->keys, &m->batch.column_count));
    wg_vector *columns = wg_arena_alloc(d->arena, (size_t)m->batch.column_count * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(d->err, (size_t)m->batch.column_count * sizeof *columns);
    for (uint32_t c = 0; c < m->batch.column_count; c++) WG_TRY(take_vector(d, m->batch.row_count, &columns[c]));
    m->batch.columns = columns;
    return WG_OK;
}

/* `flip` only says how cells were compared: it has no part in what they are. */
static wg_code take_packed(decoder *d, uint32_t rows, uint64_t **out) {
    uint8_t width = 0;
    wg_slice head, bits;
    WG_TRY(take_u8(d, "packed cells", &width));
    if (!wg_slice_take(&d->in, 8, &head)) return corrupt(d, "packed cells");
    const uint64_t base = wg_load_u64le(head.data);
    if (width > WG_ARC1_PACKED_WIDTH_MAX && (width != PLAIN_WIDTH || base != 0)) return corrupt(d, "packed cells");
    const uint64_t bytes = wg_arc1_packed_bytes(rows, width);
    if (!wg_slice_take(&d->in, bytes, &bits)) return corrupt(d, "packed cells");
    uint64_t *cells = wg_arena_alloc(d->arena, (size_t)rows * sizeof *cells);
    if (cells == NULL) return wg_error_nomem(d->err, (size_t)rows * sizeof *cells);
    *out = cells;
    if (width == PLAIN_WIDTH || width == 0) {
        for (uint32_t r = 0; r < rows; r++) cells[r] = width == 0 ? base : wg_load_u64le(bits.data + 8 * (size_t)r);
        return WG_OK;
    }
    uint32_t r = 0;
    for (; r < rows && (((uint64_t)r * width) >> 3) + 8 <= bytes; r++)
        cells[r] = base + wg_arc1_packed_at(bits.data, width, r);
    if (r == rows) return WG_OK;
    uint8_t tail[24] = {0}; /* the last words, with zeros behind them */
    const uint64_t first = ((uint64_t)r * width) >> 3;
    memcpy(tail, bits.data + first, bytes - first);
    const uint64_t skipped = ((uint64_t)r * width) & 7;
    for (uint64_t bit = skipped; r < rows; r++, bit += width)
        cells[r] = base + ((wg_load_u64le(tail + (bit >> 3)) >> (bit & 7)) & ((UINT64_C(1) << width) - 1));
    return WG_OK;
}

static wg_code take_floats(decoder *d, uint32_t rows, const void **out) {
    uint8_t form = 0, exponent = 0;
    uint64_t *parts = NULL;
    WG_TRY(take_u8(d, "FLOAT cells", &form));
    if (form == FLOAT_PLAIN) return take_cells(d, WG_TYPE_FLOAT, rows, out);
    if (form != FLOAT_DECIMAL) return corrupt(d, "FLOAT cells");
    WG_TRY(take_u8(d, "FLOAT cells", &exponent));
    if (exponent > WG_ARC1_DECIMAL_EXPONENT_MAX) return corrupt(d, "FLOAT cells");
    WG_TRY(take_packed(d, rows, &parts));
    wg_arc1_of_decimals(parts, rows, exponent);
    *out = parts;
    return WG_OK;
}

static wg_code take_load(decoder *d, wg_mutation *m) {
    const bool edges = m->kind == WG_MUTATION_LOAD_EDGES;
    if (edges) WG_TRY(take_u32(d, "label", &m->label));
    else WG_TRY(take_numbers(d, "labels", &m->labels, &m->label_count));
    WG_TRY(take_u64(d, "first id", &m->id));
    WG_TRY(take_u32(d, "row count", &m->batch.row_count));
    if (m->batch.row_count > WG_BATCH_ROWS_MAX) return corrupt(d, "row count");
    WG_TRY(take_numbers(d, "column keys", &m->keys, &m->batch.column_count));
    if (m->batch.column_count > LOAD_COLUMNS_MAX) return corrupt(d, "column count"); /* few bytes can be many cells */
    wg_vector *columns = wg_arena_alloc_zero(d->arena, ((size_t)m->batch.column_count + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(d->err, (size_t)m->batch.column_count * sizeof *columns);
    m->batch.columns = columns;
    const uint32_t rows = m->batch.row_count;
    uint64_t *cells = NULL;
    if (edges) WG_TRY(take_packed(d, rows, &cells));
    m->from_ids = cells;
    if (edges) WG_TRY(take_packed(d, rows, &cells));
    m->to_ids = cells;
    for (uint32_t c = 0; c < m->batch.column_count; c++) {
        wg_vector *v = &columns[c];
        WG_TRY(take_head(d, rows, v));
        const wg_physical physical = wg_type_physical(v->type);
        if (physical == WG_PHYSICAL_F64) {
            WG_TRY(take_floats(d, rows, &v->data));
        } else if (physical == WG_PHYSICAL_I64) {
            WG_TRY(take_packed(d, rows, &cells));
            v->data = cells;
        } else {
            WG_TRY(take_cells(d, v->type, rows, &v->data));
        }
    }
    return WG_OK;
}

static wg_code take_partition(decoder *d, wg_mutation *m) {
    WG_TRY(take_u32(d, "partition", &m->number));
    WG_TRY(take_u32(d, "label", &m->label));
    WG_TRY(take_bytes(d, "path", &m->name));
    WG_TRY(take_u64(d, "file size", &m->file_bytes));
    WG_TRY(take_u64(d, "row count", &m->row_count));
    wg_slice digest;
    if (!wg_slice_take(&d->in, sizeof m->digest.bytes, &digest)) return corrupt(d, "digest");
    memcpy(m->digest.bytes, digest.data, digest.size);
    return take_properties(d, m);
}

static wg_code take_edge(decoder *d, wg_mutation *m) {
    WG_TRY(take_u64(d, "edge id", &m->id));
    WG_TRY(take_u32(d, "label", &m->label));
    WG_TRY(take_u64(d, "from", &m->from));
    WG_TRY(take_u64(d, "to", &m->to));
    return take_properties(d, m);
}

static wg_code take_set(decoder *d, wg_mutation *m) {
    uint8_t replace = 0;
    WG_TRY(take_u64(d, "id", &m->id));
    WG_TRY(take_u8(d, "replace flag", &replace));
    if (replace > 1) return corrupt(d, "replace flag");
    m->replace = replace == 1;
    return take_properties(d, m);
}

static wg_code take_time(decoder *d, wg_mutation *m) {
    if (d->in.size < 8) return corrupt(d, "time");
    m->time_us = wg_load_u64le(d->in.data);
    d->in = wg_slice_of(d->in.data + 8, d->in.size - 8);
    return WG_OK;
}

static wg_code take_run(decoder *d, wg_mutation *m) {
    WG_TRY(take_u32(d, "run", &m->number));
    WG_TRY(take_u32(d, "parent of a run", &m->parent));
    WG_TRY(take_u64(d, "version of a fork", &m->fork_version));
    return take_u64(d, "events of a fork", &m->fork_events);
}

static wg_code take_alter(decoder *d, wg_mutation *m) {
    uint32_t count = 0;
    uint8_t rewrite = 0;
    WG_TRY(take_u32(d, "label", &m->number));
    WG_TRY(wg_label_def_decode(&d->in, d->arena, &m->def, d->err));
    WG_TRY(take_u8(d, "rewrite flag", &rewrite));
    if (rewrite > 1) return corrupt(d, "rewrite flag");
    m->replace = rewrite == 1;
    if (!m->replace) return WG_OK;
    WG_TRY(take_numbers(d, "sources of columns", &m->sources, &count));
    return count == m->def.column_count ? WG_OK : corrupt(d, "number of sources");
}

static wg_code take_rule(decoder *d, wg_mutation *m) {
    WG_TRY(take_u32(d, "number of an index or constraint", &m->number));
    WG_TRY(wg_rule_def_decode(&d->in, d->arena, &m->rule, d->err));
    if (wg_rule_is_index(m->rule.kind) != (m->kind == WG_MUTATION_CREATE_INDEX))
        return corrupt(d, "kind of an index or constraint");
    return WG_OK;
}

static wg_code take_body(decoder *d, wg_mutation *m) {
    switch (m->kind) {
        case WG_MUTATION_ADD_KEY:
            WG_TRY(take_u32(d, "key", &m->number));
            return take_bytes(d, "name", &m->name);
        case WG_MUTATION_CREATE_LABEL:
            WG_TRY(take_u32(d, "label", &m->number));
            return wg_label_def_decode(&d->in, d->arena, &m->def, d->err);
        case WG_MUTATION_DROP_LABEL:
            return take_u32(d, "label", &m->number);
        case WG_MUTATION_ALTER_LABEL:
            return take_alter(d, m);
        case WG_MUTATION_ADD_PARTITION:
            return take_partition(d, m);
        case WG_MUTATION_CREATE_NODE:
            WG_TRY(take_u64(d, "node id", &m->id));
            WG_TRY(take_numbers(d, "labels", &m->labels, &m->label_count));
            return take_properties(d, m);
        case WG_MUTATION_CREATE_NODES:
            return take_batch(d, m);
        case WG_MUTATION_LOAD_NODES:
        case WG_MUTATION_LOAD_EDGES:
            return take_load(d, m);
        case WG_MUTATION_CREATE_EDGE:
            return take_edge(d, m);
        case WG_MUTATION_SET_NODE:
        case WG_MUTATION_SET_EDGE:
            return take_set(d, m);
        case WG_MUTATION_CHANGE_LABELS:
            WG_TRY(take_u64(d, "node id", &m->id));
            WG_TRY(take_numbers(d, "added labels", &m->labels, &m->label_count));
            return take_numbers(d, "removed labels", &m->removed_labels, &m->removed_label_count);
        case WG_MUTATION_DELETE_NODE:
        case WG_MUTATION_DELETE_EDGE:
            return take_u64(d, "id", &m->id);
        case WG_MUTATION_TIME:
            return take_time(d, m);
        case WG_MUTATION_RUN_COMMIT:
            m->redo = d->in;
            d->in = wg_slice_of(d->in.data + d->in.size, 0);
            return WG_OK;
        case WG_MUTATION_RUN_CREATE:
            return take_run(d, m);
        case WG_MUTATION_RUN_DROP:
            return take_u32(d, "run", &m->number);
        case WG_MUTATION_CREATE_INDEX:
        case WG_MUTATION_CREATE_CONSTRAINT:
            return take_rule(d, m);
        case WG_MUTATION_DROP_INDEX:
        case WG_MUTATION_DROP_CONSTRAINT:
            return take_u32(d, "number of an index or constraint", &m->number);
        case WG_MUTATION_KIND_COUNT:
            break;
    }
    WG_UNREACHABLE("kind of mutation");
}

static bool kind_is_known(uint8_t kind) { return kind >= WG_MUTATION_ADD_KEY && kind < WG_MUTATION_KIND_COUNT; }

static wg_code unknown_kind(uint8_t kind, wg_error *err) {
    return wg_error_set(err, WG_E_VERSION, WG_NO_OFFSET,
                        "mutation kind %u is unknown: the log was written by a newer version", (unsigned)kind);
}

wg_code wg_mutation_step(wg_slice *from, uint8_t *out_kind, wg_slice *out_body, wg_error *err) {
    decoder d = {.in = *from, .err = err};
    WG_TRY(take_u8(&d, "kind", out_kind));
    WG_TRY(take_bytes(&d, "body", out_body));
    if (!kind_is_known(*out_kind) && (*out_kind & WG_MUTATION_IGNORABLE) == 0) return unknown_kind(*out_kind, err);
    *from = d.in;
    return WG_OK;
}

static wg_code decode_body(uint8_t kind, wg_slice body, wg_arena *arena, wg_mutation *out, wg_error *err) {
    decoder d = {.in = body, .arena = arena, .err = err};
    wg_mutation m = {.kind = kind_is_known(kind) ? (wg_mutation_kind)kind : WG_MUTATION_KIND_COUNT};
    if (kind_is_known(kind)) {
        WG_TRY(take_body(&d, &m));
        if (d.in.size != 0) return corrupt(&d, "body (bytes left over)");
    }
    *out = m;
    return WG_OK;
}

wg_code wg_mutation_decode(wg_slice *from, wg_arena *arena, wg_mutation *out, wg_error *err) {
    wg_slice rest = *from;
    uint8_t kind = 0;
    wg_slice body;
    WG_TRY(wg_mutation_step(&rest, &kind, &body, err));
    WG_TRY(decode_body(kind, body, arena, out, err));
    *from = rest;
    return WG_OK;
}

/* The body of a RUN_COMMIT whose size is a varint of one or two bytes, as wg_mutation_step would step over it; NULL: it is none. Records that follow are
 * on their way meanwhile. */
static inline const uint8_t *short_run_commit(const uint8_t *p, const uint8_t *end, size_t *out_size) {
    enum { AHEAD = 768 };
    if (end - p < 3 || p[0] != WG_MUTATION_RUN_COMMIT) return NULL;
    const bool two = p[1] >= 128;
    if (two && (p[2] >= 128 || p[2] == 0)) return NULL;
    const size_t size = two ? (size_t)(p[1] & 127) | (size_t)p[2] << 7 : p[1];
    p += two ? 3 : 2;
    if (size > (size_t)(end - p)) return NULL;
    __builtin_prefetch(p + AHEAD);
    __builtin_prefetch(p + AHEAD + 64);
    *out_size = size;
    return p;
}

/* A log of agents' state is mostly RUN_COMMITs, some hundred thousand a commit: these go without the arena and the large struct. */
wg_code wg_mutations_replay(wg_slice payload, wg_arena *arena, const wg_applier *applier, void *ctx, wg_error *err) {
    const uint8_t *at = payload.data, *const end = payload.data + payload.size;
    wg_mutation light = {.kind = WG_MUTATION_RUN_COMMIT};
    while (at != end) {
        const uint8_t *redo = short_run_commit(at, end, &light.redo.size);
        if (redo != NULL) {
            light.redo.data = redo;
            at = redo + light.redo.size;
            WG_TRY(applier->apply[WG_MUTATION_RUN_COMMIT](ctx, &light, err));
            continue;
        }
        wg_slice left = wg_slice_of(at, (size_t)(end - at)), body;
        uint8_t kind = 0;
        WG_TRY(wg_mutation_step(&left, &kind, &body, err));
        at = left.data;
        wg_mutation m;
        wg_arena_reset(arena);
        WG_TRY(decode_body(kind, body, arena, &m, err));
        if (m.kind == WG_MUTATION_KIND_COUNT) continue; /* ignorable, and not ours */
        WG_TRY(applier->apply[m.kind](ctx, &m, err));
    }
    return WG_OK;
}
