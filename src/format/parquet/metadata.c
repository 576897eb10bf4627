/* The footer of a Parquet file: FileMetaData, decoded and checked.
 *
 *   file          "PAR1" | column chunks ... | footer (thrift) | u32 footer bytes | "PAR1"
 *   FileMetaData  2 schema  3 num_rows  4 row_groups  6 created_by  7 column_orders  8 encryption_algorithm
 *   RowGroup      1 columns  3 num_rows
 *   ColumnChunk   1 file_path  3 meta_data  4, 5 offset index: offset, bytes  6, 7 column index  8 crypto_metadata
 *                 9 encrypted_column_metadata
 *   ColumnMetaData  1 type  4 codec  5 num_values  6 uncompressed bytes  7 compressed bytes  9 data_page_offset
 *                   11 dictionary_page_offset  12 statistics
 *
 * Statistics mean nothing without the schema and the column orders, which may stand behind them, so the footer is read
 * twice: the first pass skips the row groups and remembers where they are. Every chunk must lie between the leading magic
 * and the footer, and no two may share a byte; after that an offset from this file can be read without further thought.
 *
 * Failure modes: WG_E_CORRUPT for bytes that break the format, WG_E_LIMIT for the limits of parquet.h, WG_E_UNSUPPORTED for
 * encrypted footers and for chunks in other files. */
#include "base/text/text.h"
#include "format/parquet/parquet_internal.h"

enum { TAIL_BYTES = 8, MAGIC_BYTES = 4, UNDERCOUNT_BYTES_MAX = 100, INDEX_BYTES_MAX = 4 << 20 };

wg_code wg_parquet_tail(wg_slice tail, uint64_t file_size, uint32_t *out_footer_bytes, wg_error *err) {
    if (tail.size != TAIL_BYTES || file_size < MAGIC_BYTES + TAIL_BYTES)
        return wg_error_set(err, WG_E_CORRUPT, 0, "parquet: a file of %llu bytes is too short",
                            (unsigned long long)file_size);
    const uint64_t at = file_size - TAIL_BYTES;
    if (memcmp(tail.data + 4, "PARE", 4) == 0)
        return wg_error_set(err, WG_E_UNSUPPORTED, at, "parquet: the footer is encrypted, which is not supported");
    if (memcmp(tail.data + 4, "PAR1", 4) != 0)
        return wg_error_set(err, WG_E_CORRUPT, at,
                            "parquet: the file does not end with PAR1: not Parquet, or cut short");
    const uint32_t bytes = wg_load_u32le(tail.data);
    if (bytes == 0 || bytes > file_size - TAIL_BYTES - MAGIC_BYTES)
        return wg_error_set(err, WG_E_CORRUPT, at, "parquet: a footer of %u bytes does not fit a file of %llu", bytes,
                            (unsigned long long)file_size);
    if (bytes > WG_PARQUET_FOOTER_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, at, "parquet: a footer of %u bytes; the limit is 64 MiB", bytes);
    *out_footer_bytes = bytes;
    return WG_OK;
}

typedef struct decode {
    wg_thrift_reader *r;
    wg_arena *arena;
    uint64_t data_end; /* where the footer begins */
    wg_parquet_column *columns;
    uint32_t column_count;
    uint32_t group_count;
    uint8_t *orders; /* wgi_parquet_order of each column */
    uint64_t chunk_total;
    wg_parquet_chunk **chunks; /* of each row group */
} decode;

typedef struct chunk_raw {
    bool has_meta;
    bool encrypted;
    uint32_t seen;
    int32_t type;
    int32_t codec;
    int64_t values;
    int64_t uncompressed;
    int64_t compressed;
    int64_t data_offset;
    int64_t dictionary_offset;
    int64_t places_offset;
    int32_t places_bytes;
    int64_t bounds_offset;
    int32_t bounds_bytes;
} chunk_raw;

static bool fail_nomem(wg_thrift_reader *r, size_t bytes) {
    r->code = wg_error_nomem(r->err, bytes);
    r->end = r->pos;
    return false;
}

static void column_metadata_read(decode *d, uint32_t column, chunk_raw *raw, wg_parquet_range *range) {
    wg_thrift_reader *r = d->r;
    wg_thrift_field f;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        if (f.id >= 1 && f.id <= 9) raw->seen |= 1u << f.id;
        if (f.id == 1) wg_thrift_read_i32(r, f.type, &raw->type);
        else if (f.id == 4) wg_thrift_read_i32(r, f.type, &raw->codec);
        else if (f.id == 5) wg_thrift_read_i64(r, f.type, &raw->values);
        else if (f.id == 6) wg_thrift_read_i64(r, f.type, &raw->uncompressed);
        else if (f.id == 7) wg_thrift_read_i64(r, f.type, &raw->compressed);
        else if (f.id == 9) wg_thrift_read_i64(r, f.type, &raw->data_offset);
        else if (f.id == 11) wg_thrift_read_i64(r, f.type, &raw->dictionary_offset);
        else if (f.id == 12 && f.type == WG_THRIFT_STRUCT)
            wgi_parquet_statistics_read(r, &d->columns[column], d->arena, range);
        else wg_thrift_skip(r, f.type);
    }
    raw->has_meta = true;
}

/* Turns what the file says into a chunk that can be trusted, or fails the reader. */
static bool chunk_check(decode *d, uint32_t column, const chunk_raw *raw, wg_parquet_chunk *out) {
    wg_thrift_reader *r = d->r;
    const uint32_t needed = 1u << 1 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 9;
    if (!raw->has_meta || (raw->seen & needed) != needed)
        return wg_thrift_fail(r, WG_E_CORRUPT, "a column chunk lacks required metadata");
    if (raw->type != d->columns[column].physical)
        return wg_thrift_fail(r, WG_E_CORRUPT, "a column chunk has another type than the schema says");
    if (raw->values < 0 || raw->uncompressed < 0 || raw->compressed < 0 || raw->data_offset < 0 ||
        raw->dictionary_offset < 0)
        return wg_thrift_fail(r, WG_E_CORRUPT, "a column chunk has a negative count, size or offset");
    /* Some writers leave a zero, or an offset behind the data, when there is no dictionary; a zero data offset when the
     * chunk has no rows and so only a dictionary. */
    const bool dictionary =
        raw->dictionary_offset >= MAGIC_BYTES && (raw->dictionary_offset < raw->data_offset || raw->data_offset == 0);
    out->offset = (uint64_t)(dictionary ? raw->dictionary_offset : raw->data_offset);
    out->compressed_bytes = (uint64_t)raw->compressed;
    out->uncompressed_bytes = (uint64_t)raw->uncompressed;
    out->value_count = (uint64_t)raw->values;
    out->codec = (wg_codec)raw->codec;
    if (out->compressed_bytes == 0) return true;
    if (out->offset < MAGIC_BYTES || out->offset > d->data_end || out->compressed_bytes > d->data_end - out->offset)
        return wg_thrift_fail(r, WG_E_CORRUPT, "a column chunk lies outside the file's data");
    return true;
}

/* A page index is a help: one that lies outside of the file's data, or is huge, is left alone. */
static bool index_inside(const decode *d, int64_t offset, int32_t bytes) {
    return offset >= MAGIC_BYTES && bytes > 0 && bytes <= INDEX_BYTES_MAX && (uint64_t)offset <= d->data_end &&
           (uint64_t)bytes <= d->data_end - (uint64_t)offset;
}

static void index_note(const decode *d, const chunk_raw *raw, wg_parquet_chunk *out) {
    if (!index_inside(d, raw->places_offset, raw->places_bytes)) return;
    out->places_offset = (uint64_t)raw->places_offset;
    out->places_bytes = (uint32_t)raw->places_bytes;
    if (!index_inside(d, raw->bounds_offset, raw->bounds_bytes)) return;
    out->bounds_offset = (uint64_t)raw->bounds_offset;
    out->bounds_bytes = (uint32_t)raw->bounds_bytes;
}

static bool chunk_read(decode *d, uint32_t column, wg_parquet_chunk *out) {
    wg_thrift_reader *r = d->r;
    chunk_raw raw = {0};
    wg_parquet_range range = {0};
    wg_slice ignored = {0};
    wg_thrift_field f;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        if (f.id == 1) {
            if (wg_thrift_read_binary(r, f.type, &ignored) && ignored.size != 0)
                wg_thrift_fail(r, WG_E_UNSUPPORTED, "a column chunk lies in another file, which is not supported");
        } else if (f.id == 3 && f.type == WG_THRIFT_STRUCT) {
            column_metadata_read(d, column, &raw, &range);
        } else if (f.id == 4) {
            wg_thrift_read_i64(r, f.type, &raw.places_offset);
        } else if (f.id == 5) {
            wg_thrift_read_i32(r, f.type, &raw.places_bytes);
        } else if (f.id == 6) {
            wg_thrift_read_i64(r, f.type, &raw.bounds_offset);
        } else if (f.id == 7) {
            wg_thrift_read_i32(r, f.type, &raw.bounds_bytes);
        } else {
            if (f.id == 8 || f.id == 9) raw.encrypted = true;
            wg_thrift_skip(r, f.type);
        }
    }
    if (r->code != WG_OK) return false;
    memset(out, 0, sizeof *out);
    if (raw.encrypted) {
        d->columns[column].type = WG_TYPE_NULL;
        d->columns[column].why_not = "encrypted columns are not supported";
        return true;
    }
    if (range.null_count_known && range.null_count > wg_u64_of_i64(raw.values)) range.null_count_known = false;
    if (d->columns[column].max_rep == 0) out->range = range; /* of a list they bound elements, and count these */
    index_note(d, &raw, out);
    return chunk_check(d, column, &raw, out);
}

static bool row_group_read(decode *d, uint32_t group, wg_parquet_row_group *out) {
    wg_thrift_reader *r = d->r;
    int64_t rows = -1;
    wg_parquet_chunk *chunks = NULL;
    bool has_columns = false;
    wg_thrift_field f;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        uint32_t count = 0;
        if (f.id == 3) {
            wg_thrift_read_i64(r, f.type, &rows);
        } else if (f.id != 1) {
            wg_thrift_skip(r, f.type);
        } else if (wg_thrift_read_list(r, f.type, WG_THRIFT_STRUCT, &count)) {
            if (has_columns || count != d->column_count)
                return wg_thrift_fail(r, WG_E_CORRUPT, "a row group has not one chunk for each column");
            has_columns = true;
            const size_t bytes = (size_t)count * sizeof *chunks;
            chunks = wg_arena_alloc(d->arena, bytes);
            if (chunks == NULL) return fail_nomem(r, bytes);
            for (uint32_t i = 0; i < count; i++)
                if (!chunk_read(d, i, &chunks[i])) return false;
        }
    }
    if (r->code != WG_OK) return false;
    if (!has_columns || rows < 0)
        return wg_thrift_fail(r, WG_E_CORRUPT, "a row group lacks its columns or has a negative row count");
    d->chunk_total += d->column_count;
    out->row_count = (uint64_t)rows;
    out->chunks = chunks;
    d->chunks[group] = chunks;
    return true;
}

static bool row_groups_read(decode *d, uint32_t count, wg_parquet_metadata *out) {
    wg_thrift_reader *r = d->r;
    if (count > WG_PARQUET_ROW_GROUPS_MAX) return wg_thrift_fail(r, WG_E_LIMIT, "more than 65,536 row groups");
    const size_t bytes = (size_t)count * sizeof(wg_parquet_row_group);
    wg_parquet_row_group *groups = wg_arena_alloc(d->arena, bytes);
    d->chunks = wg_arena_alloc(d->arena, (size_t)count * sizeof *d->chunks);
    if (groups == NULL || d->chunks == NULL) return fail_nomem(r, bytes);
    uint64_t first_row = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!row_group_read(d, i, &groups[i])) return false;
        groups[i].first_row = first_row;
        if (__builtin_add_overflow(first_row, groups[i].row_count, &first_row) || first_row > INT64_MAX)
            return wg_thrift_fail(r, WG_E_CORRUPT, "the row counts of the row groups overflow");
    }
    if (first_row != out->row_count)
        return wg_thrift_fail(r, WG_E_CORRUPT, "the row groups do not add up to the file's row count");
    out->row_groups = groups;
    out->row_group_count = count;
    return true;
}

/* ---- no two chunks share a byte */

typedef struct extent {
    uint64_t begin;
    uint64_t end;
    wg_parquet_chunk *chunk;
} extent;

static void extent_sift(extent *e, size_t at, size_t count) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) return;
        if (child + 1 < count && e[child + 1].begin > e[child].begin) child++;
        if (e[at].begin >= e[child].begin) return;
        const extent swap = e[at];
        e[at] = e[child];
        e[child] = swap;
        at = child;
    }
}

/* Heapsort: in place, and never quadratic on hostile orders. */
static void extent_sort(extent *e, size_t count) {
    for (size_t i = count / 2; i-- > 0;) extent_sift(e, i, count);
    for (size_t i = count; i-- > 1;) {
        const extent swap = e[0];
        e[0] = e[i];
        e[i] = swap;
        extent_sift(e, 0, i);
    }
}

static bool starts_with(wg_slice s, const char *prefix) {
    const size_t n = strlen(prefix);
    return s.size >= n && memcmp(s.data, prefix, n) == 0;
}

/* parquet-mr before 1.2.9 left the dictionary page's header out of the chunk's size (PARQUET-816). */
static bool writer_undercounts(wg_slice created_by) {
    return wg_slice_is(created_by, "parquet-mr") || starts_with(created_by, "parquet-mr version 1.0.") ||
           starts_with(created_by, "parquet-mr version 1.1.") || starts_with(created_by, "parquet-mr version 1.2.");
}

/* Gives each chunk what lies between it and the next, up to the size of a header; the reader stops at its last row. */
static void extents_pad(const decode *d, const extent *e, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const uint64_t next = i + 1 < count ? e[i + 1].begin : d->data_end;
        e[i].chunk->compressed_bytes += wg_min_u64(next - e[i].end, UNDERCOUNT_BYTES_MAX);
    }
}

static wg_code extents_check(const decode *d, const wg_parquet_metadata *m, wg_slice created_by, wg_error *err) {
    size_t count = 0;
    if (d->chunk_total == 0) return WG_OK;
    extent *e = wg_arena_alloc(d->arena, (size_t)d->chunk_total * sizeof *e);
    if (e == NULL) return wg_error_nomem(err, (size_t)d->chunk_total * sizeof *e);
    bool sorted = true;
    for (uint32_t g = 0; g < m->row_group_count; g++) {
        for (uint32_t c = 0; c < m->column_count; c++) {
            wg_parquet_chunk *chunk = &d->chunks[g][c];
            if (chunk->compressed_bytes == 0) continue;
            e[count] = (extent){chunk->offset, chunk->offset + chunk->compressed_bytes, chunk};
            if (count > 0 && e[count].begin < e[count - 1].begin) sorted = false;
            count++;
        }
    }
    if (!sorted) extent_sort(e, count);
    for (size_t i = 1; i < count; i++)
        if (e[i].begin < e[i - 1].end)
            return wg_error_set(err, WG_E_CORRUPT, e[i].begin, "parquet: two column chunks share byte %llu",
                                (unsigned long long)e[i].begin);
    if (writer_undercounts(created_by)) extents_pad(d, e, count);
    return WG_OK;
}

/* ---- the two passes */

typedef struct first_pass {
    bool has_schema;
    bool has_rows;
    bool has_groups;
    wg_thrift_reader at_groups; /* standing before the list */
    wg_thrift_type groups_type;
    bool has_orders;
    wg_thrift_reader at_orders;
    wg_thrift_type orders_type;
    int64_t rows;
    wg_slice created_by;
} first_pass;

static void first_pass_read(decode *d, first_pass *p) {
    wg_thrift_reader *r = d->r;
    wg_thrift_field f;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        uint32_t count = 0;
        if (f.id == 2 && !p->has_schema) {
            if (wg_thrift_read_list(r, f.type, WG_THRIFT_STRUCT, &count))
                (void)wgi_parquet_schema_read(r, count, d->arena, &d->columns, &d->column_count, &d->group_count);
            p->has_schema = true;
        } else if (f.id == 3) {
            p->has_rows = wg_thrift_read_i64(r, f.type, &p->rows);
        } else if (f.id == 6) {
            wg_thrift_read_binary(r, f.type, &p->created_by);
        } else {
            if (f.id == 4) {
                p->has_groups = true;
                p->at_groups = *r;
                p->groups_type = f.type;
            } else if (f.id == 7) {
                p->has_orders = true;
                p->at_orders = *r;
                p->orders_type = f.type;
            }
            wg_thrift_skip(r, f.type);
        }
    }
    if (r->code == WG_OK && (!p->has_schema || !p->has_rows || !p->has_groups))
        wg_thrift_fail(r, WG_E_CORRUPT, "the footer lacks its schema, row count or row groups");
    if (r->code == WG_OK && p->rows < 0) wg_thrift_fail(r, WG_E_CORRUPT, "the footer has a negative row count");
}

static void orders_read(decode *d, const first_pass *p) {
    if (!p->has_orders) return;
    wg_thrift_reader r = p->at_orders;
    uint32_t count = 0;
    (void)wg_thrift_read_list(&r, p->orders_type, WG_THRIFT_STRUCT, &count);
    for (uint32_t i = 0; i < count && r.code == WG_OK; i++) {
        wg_thrift_field f;
        uint8_t order = WGI_PARQUET_ORDER_UNKNOWN;
        for (wg_thrift_struct_begin(&r); wg_thrift_field_next(&r, &f);) {
            order = f.id == 1 ? WGI_PARQUET_ORDER_TYPE : WGI_PARQUET_ORDER_OTHER;
            wg_thrift_skip(&r, f.type);
        }
        if (i < d->column_count) d->orders[i] = order;
    }
    if (r.code != WG_OK) d->r->code = r.code;
}

wg_code wg_parquet_metadata_decode(wg_slice footer, uint64_t file_size, wg_arena *arena, wg_parquet_metadata *out,
                                   wg_error *err) {
    if (footer.size > WG_PARQUET_FOOTER_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "parquet: a footer of %zu bytes; the limit is 64 MiB",
                            footer.size);
    if (file_size < MAGIC_BYTES + TAIL_BYTES || footer.size > file_size - MAGIC_BYTES - TAIL_BYTES)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "parquet: the footer does not fit the file");
    wg_thrift_reader r;
    const uint64_t begin = file_size - TAIL_BYTES - footer.size;
    wg_thrift_reader_init(&r, footer, begin, err);
    decode d = {.r = &r, .arena = arena, .data_end = begin};
    first_pass p = {0};
    first_pass_read(&d, &p);
    if (r.code != WG_OK) return r.code;
    d.orders = wg_arena_alloc_zero(arena, (size_t)d.column_count + 1);
    if (d.orders == NULL) return wg_error_nomem(err, d.column_count);
    orders_read(&d, &p);
    if (r.code != WG_OK) return r.code;
    for (uint32_t i = 0; i < d.column_count; i++) d.columns[i].order = d.orders[i];

    wg_parquet_metadata m = {
        .row_count = (uint64_t)p.rows, .column_count = d.column_count, .group_count = d.group_count};
    r = p.at_groups;
    uint32_t groups = 0;
    if (wg_thrift_read_list(&r, p.groups_type, WG_THRIFT_STRUCT, &groups)) row_groups_read(&d, groups, &m);
    if (r.code != WG_OK) return r.code;
    WG_TRY(extents_check(&d, &m, p.created_by, err));
    m.columns = d.columns;
    m.created_by = wg_arena_strdup(arena, wg_utf8_valid(p.created_by, NULL) ? p.created_by : wg_slice_str("?"));
    if (m.created_by == NULL) return wg_error_nomem(err, p.created_by.size);
    *out = m;
    return WG_OK;
}

const wg_parquet_chunk *wg_parquet_chunk_of(const wg_parquet_metadata *metadata, const wg_parquet_row_group *group,
                                            uint32_t column) {
    static const wg_parquet_chunk nothing;
    WG_ASSERT(column < metadata->column_count + metadata->group_count);
    return column < metadata->column_count ? &group->chunks[column] : &nothing;
}
