/* Which rows of a row group can satisfy the predicates of a scan, by the page indexes of the tested columns: ranges of rows, ascending, with gaps
 * where every row fails by the least and greatest value of its page. Without indexes it is one range, of all rows. */
#include "engine/engine_internal.h"

/* The bytes [offset, offset + bytes) of the file; in the arena. */
static wg_code bytes_read(wg_object *object, uint64_t offset, uint32_t bytes, wg_arena *arena, wg_slice *out,
                          wg_error *err) {
    uint8_t *data = wg_arena_alloc(arena, bytes);
    if (data == NULL) return wg_error_nomem(err, bytes);
    WG_TRY(wg_object_read(object, offset, data, bytes, err));
    *out = wg_slice_of(data, bytes);
    return WG_OK;
}

wg_code wgi_page_places(wg_object *object, const wg_parquet_row_group *group, uint32_t column, wg_arena *arena,
                        const wg_parquet_page_place **out, uint32_t *out_count, wg_error *err) {
    const wg_parquet_chunk *chunk = wg_parquet_chunk_of(wg_object_metadata(object), group, column);
    wg_slice bytes;
    *out = NULL;
    *out_count = 0;
    if (chunk->places_bytes == 0) return WG_OK;
    WG_TRY(bytes_read(object, chunk->places_offset, chunk->places_bytes, arena, &bytes, err));
    return wg_parquet_offset_index_decode(bytes, chunk, group->row_count, arena, out, out_count, err);
}

typedef struct column_pages {
    const wg_parquet_page_place *places;
    const wg_parquet_range *ranges;
    const bool *empty;
    uint32_t count;
} column_pages;

static wg_code pages_read(wg_object *object, const wg_parquet_row_group *group, uint32_t column, wg_arena *arena,
                          column_pages *out, wg_error *err) {
    const wg_parquet_chunk *chunk = wg_parquet_chunk_of(wg_object_metadata(object), group, column);
    uint32_t count = 0;
    wg_slice bytes;
    *out = (column_pages){0};
    if (chunk->bounds_bytes == 0) return WG_OK;
    WG_TRY(wgi_page_places(object, group, column, arena, &out->places, &count, err));
    if (count == 0) return WG_OK;
    WG_TRY(bytes_read(object, chunk->bounds_offset, chunk->bounds_bytes, arena, &bytes, err));
    return wg_parquet_column_index_decode(bytes, &wg_object_metadata(object)->columns[column], count, arena,
                                          &out->ranges, &out->empty, &out->count, err);
}

/* Appends a range of rows; one that follows the last directly makes it longer. */
static void ranges_add(wgi_row_range *ranges, uint32_t *count, uint64_t begin, uint64_t end) {
    if (begin >= end) return;
    if (*count > 0 && ranges[*count - 1].end == begin) ranges[*count - 1].end = end;
    else ranges[(*count)++] = (wgi_row_range){begin, end};
}

/* The rows of `in` that lie in pages that may hold something. */
static wg_code ranges_cut(const wgi_row_ranges *in, const column_pages *pages, const wgi_row_tests *tests,
                          uint32_t key, uint64_t row_count, wg_arena *arena, wgi_row_ranges *out, wg_error *err) {
    const size_t most = (size_t)in->count + pages->count;
    wgi_row_range *ranges = wg_arena_alloc(arena, most * sizeof *ranges);
    if (ranges == NULL) return wg_error_nomem(err, most * sizeof *ranges);
    uint32_t count = 0;
    uint32_t at = 0;
    for (uint32_t p = 0; p < pages->count; p++) {
        const uint64_t begin = pages->places[p].first_row;
        const uint64_t end = p + 1 < pages->count ? pages->places[p + 1].first_row : row_count;
        if (pages->empty[p] || wgi_row_tests_prune(tests, key, &pages->ranges[p])) continue;
        while (at < in->count && in->ranges[at].end <= begin) at++;
        for (uint32_t i = at; i < in->count && in->ranges[i].begin < end; i++)
            ranges_add(ranges, &count, wg_max_u64(begin, in->ranges[i].begin), wg_min_u64(end, in->ranges[i].end));
    }
    *out = (wgi_row_ranges){ranges, count};
    return WG_OK;
}

wg_code wgi_row_ranges_find(const wgi_range_request *request, wg_arena *arena, wgi_row_ranges *out, wg_error *err) {
    const uint64_t row_count = request->group->row_count;
    wgi_row_range *all = wg_arena_alloc(arena, sizeof *all);
    if (all == NULL) return wg_error_nomem(err, sizeof *all);
    *all = (wgi_row_range){0, row_count};
    *out = (wgi_row_ranges){all, row_count > 0 ? 1 : 0};
    for (uint32_t key = 0; key < request->key_count; key++) {
        column_pages pages;
        if (request->columns[key] == UINT32_MAX || !wgi_row_tests_column(request->tests, key)) continue;
        WG_TRY(pages_read(request->object, request->group, request->columns[key], arena, &pages, err));
        if (pages.count > 0) WG_TRY(ranges_cut(out, &pages, request->tests, key, row_count, arena, out, err));
    }
    return WG_OK;
}
