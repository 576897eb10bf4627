/* The page index: where the pages of a chunk begin (OffsetIndex), and the least and greatest value of each (ColumnIndex).
 *
 *   OffsetIndex    1 page_locations: list of PageLocation { 1 offset  2 compressed_page_size  3 first_row_index }
 *   ColumnIndex    1 null_pages: list<bool>  2 min_values  3 max_values: list<binary>  4 boundary_order  5 null_counts: list<i64>
 *
 * Both lie outside of the footer and are read only where a predicate can use them. They are a help and nothing else: one that breaks its
 * format, or does not agree with its chunk, is as if it were not there (*out_count 0). What is believed of it is checked where it is used: a
 * page that is jumped to must have as many rows as the index says. Bounds are judged as those of statistics (statistics.c). */
#include "format/parquet/parquet_internal.h"

static void location_read(wg_thrift_reader *r, wg_parquet_page_place *out) {
    wg_thrift_field f;
    uint32_t seen = 0;
    int64_t offset = 0;
    int64_t row = 0;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        if (f.id == 1 || f.id == 3) seen |= 1u << f.id;
        if (f.id == 1) wg_thrift_read_i64(r, f.type, &offset);
        else if (f.id == 3) wg_thrift_read_i64(r, f.type, &row);
        else wg_thrift_skip(r, f.type);
    }
    if (seen != 10 || offset < 0 || row < 0) wg_thrift_fail(r, WG_E_CORRUPT, "a page location lacks its place");
    *out = (wg_parquet_page_place){(uint64_t)offset, (uint64_t)row};
}

/* Inside of the chunk, both ascending, from row 0 on. */
static bool places_sound(const wg_parquet_page_place *places, uint32_t count, const wg_parquet_chunk *chunk,
                         uint64_t row_count) {
    if (count == 0 || places[0].first_row != 0) return false;
    for (uint32_t i = 0; i < count; i++) {
        const wg_parquet_page_place *p = &places[i];
        if (p->offset < chunk->offset || p->offset - chunk->offset >= chunk->compressed_bytes) return false;
        if (p->first_row >= row_count) return false;
        if (i > 0 && (p->offset <= places[i - 1].offset || p->first_row <= places[i - 1].first_row)) return false;
    }
    return true;
}

wg_code wg_parquet_offset_index_decode(wg_slice bytes, const wg_parquet_chunk *chunk, uint64_t row_count,
                                       wg_arena *arena, const wg_parquet_page_place **out, uint32_t *out_count,
                                       wg_error *err) {
    wg_thrift_reader r;
    wg_thrift_field f;
    wg_parquet_page_place *places = NULL;
    uint32_t count = 0;
    *out_count = 0;
    wg_thrift_reader_init(&r, bytes, chunk->places_offset, NULL);
    for (wg_thrift_struct_begin(&r); wg_thrift_field_next(&r, &f);) {
        if (f.id != 1 || places != NULL) {
            wg_thrift_skip(&r, f.type);
        } else if (wg_thrift_read_list(&r, f.type, WG_THRIFT_STRUCT, &count)) {
            const size_t size = ((size_t)count + 1) * sizeof *places;
            places = wg_arena_alloc(arena, size);
            if (places == NULL) return wg_error_nomem(err, size);
            for (uint32_t i = 0; i < count && r.code == WG_OK; i++) location_read(&r, &places[i]);
        }
    }
    if (r.code != WG_OK || places == NULL || !places_sound(places, count, chunk, row_count)) return WG_OK;
    *out = places;
    *out_count = count;
    return WG_OK;
}

/* ---- bounds */

typedef struct index_lists {
    wg_parquet_range *ranges;
    wg_slice *min;
    bool *empty; /* pages of nulls alone */
    uint32_t count;
    uint32_t seen; /* bit = field id */
} index_lists;

static void empty_read(wg_thrift_reader *r, wg_thrift_type type, index_lists *lists) {
    uint32_t count = 0;
    if (!wg_thrift_read_list(r, type, WG_THRIFT_TRUE, &count) || count != lists->count) {
        wg_thrift_fail(r, WG_E_CORRUPT, "the column index has not one entry for each page");
        return;
    }
    for (uint32_t i = 0; i < count && r->code == WG_OK; i++) wg_thrift_read_element_bool(r, &lists->empty[i]);
}

static void bounds_read(wg_thrift_reader *r, wg_thrift_field f, const wg_parquet_column *column, wg_arena *arena,
                        index_lists *lists) {
    uint32_t count = 0;
    if (!wg_thrift_read_list(r, f.type, WG_THRIFT_BINARY, &count) || count != lists->count) {
        wg_thrift_fail(r, WG_E_CORRUPT, "the column index has not one entry for each page");
        return;
    }
    for (uint32_t i = 0; i < count && r->code == WG_OK; i++) {
        wg_slice bound = {0};
        wg_thrift_read_binary(r, WG_THRIFT_BINARY, &bound);
        if (f.id == 2) lists->min[i] = bound;
        else if (r->code == WG_OK && (lists->seen & 1u << 2) != 0 && !lists->empty[i])
            lists->ranges[i].known = wgi_parquet_range_decode(arena, column, lists->min[i], bound, &lists->ranges[i]);
    }
}

static void nulls_read(wg_thrift_reader *r, wg_thrift_type type, index_lists *lists) {
    uint32_t count = 0;
    if (!wg_thrift_read_list(r, type, WG_THRIFT_I64, &count) || count != lists->count) {
        wg_thrift_fail(r, WG_E_CORRUPT, "the column index has not one entry for each page");
        return;
    }
    for (uint32_t i = 0; i < count && r->code == WG_OK; i++) {
        int64_t nulls = -1;
        wg_thrift_read_i64(r, WG_THRIFT_I64, &nulls);
        lists->ranges[i].null_count_known = nulls >= 0;
        lists->ranges[i].null_count = nulls >= 0 ? (uint64_t)nulls : 0;
    }
}

static bool lists_alloc(index_lists *lists, uint32_t count, wg_arena *arena) {
    lists->count = count;
    lists->ranges = wg_arena_alloc_zero(arena, (size_t)count * sizeof *lists->ranges);
    lists->min = wg_arena_alloc_zero(arena, (size_t)count * sizeof *lists->min);
    lists->empty = wg_arena_alloc_zero(arena, (size_t)count * sizeof *lists->empty);
    return lists->ranges != NULL && lists->min != NULL && lists->empty != NULL;
}

wg_code wg_parquet_column_index_decode(wg_slice bytes, const wg_parquet_column *column, uint32_t page_count,
                                       wg_arena *arena, const wg_parquet_range **out, const bool **out_empty,
                                       uint32_t *out_count, wg_error *err) {
    wg_thrift_reader r;
    wg_thrift_field f;
    index_lists lists = {0};
    *out_count = 0;
    if (column->type == WG_TYPE_NULL || !wgi_parquet_order_is_known(column)) return WG_OK;
    if (page_count == 0 || !lists_alloc(&lists, page_count, arena))
        return page_count == 0 ? WG_OK : wg_error_nomem(err, page_count * sizeof *lists.ranges);
    wg_thrift_reader_init(&r, bytes, WG_NO_OFFSET, NULL);
    for (wg_thrift_struct_begin(&r); wg_thrift_field_next(&r, &f);) {
        if (f.id == 1) empty_read(&r, f.type, &lists);
        else if (f.id == 2 || f.id == 3) bounds_read(&r, f, column, arena, &lists);
        else if (f.id == 5) nulls_read(&r, f.type, &lists);
        else wg_thrift_skip(&r, f.type);
        if (f.id >= 1 && f.id <= 5) lists.seen |= 1u << f.id;
    }
    if (r.code != WG_OK || (lists.seen & 14) != 14) return WG_OK;
    *out = lists.ranges;
    *out_empty = lists.empty;
    *out_count = page_count;
    return WG_OK;
}
