/* engine, inside: virtual labels: finding files, registering partitions, reading their row groups. Included by engine_internal.h. */
#ifndef WG_ENGINE_VIRTUAL_INTERNAL_H
#define WG_ENGINE_VIRTUAL_INTERNAL_H

#include "engine/engine_internal.h"

/* ---- virtual ids */
enum { WGI_PARTITION_SHIFT = 40 };
static inline uint64_t wgi_virtual_id(uint32_t partition, uint64_t row) {
    return WG_ID_VIRTUAL | ((uint64_t)partition << WGI_PARTITION_SHIFT) | row;
}
static inline uint32_t wgi_virtual_partition(uint64_t id) {
    return (uint32_t)((id & ~WG_ID_VIRTUAL) >> WGI_PARTITION_SHIFT);
}
static inline uint64_t wgi_virtual_row(uint64_t id) { return id & ((UINT64_C(1) << WGI_PARTITION_SHIFT) - 1); }

/* ---- virtual labels */

typedef struct wgi_found_file {
    const char *path;
    const wg_slice *values; /* captured variables, in pattern order, then inferred keys */
    const wg_slice *inferred_keys;
    uint32_t inferred_count;
} wgi_found_file;
/* Lists the files that match, sorted by path. WG_E_NOT_FOUND names the directory that is missing. */
wg_code wgi_virtual_list(wg_engine *engine, const char *pattern, wg_arena *arena, wgi_found_file **out,
                         uint32_t *out_count, wg_error *err);
/* Bytes of the files of all virtual labels in this view: what L4HddLocal holds. */
uint64_t wgi_local_file_bytes(const wg_engine *engine, wg_view view);
/* Registers files of the label that are not yet known, in the transaction. */
wg_code wgi_virtual_register(wg_txn *txn, const wg_label *label, const wgi_found_file *files, uint32_t count,
                             wg_error *err);
/* Fills columns of a definition that has none, and partition variables; checks declared ones against the first file. */
wg_code wgi_virtual_complete_def(wg_engine *engine, const wgi_found_file *files, uint32_t count, wg_arena *arena,
                                 wg_label_def *def, wg_error *err);
/* Pins a partition's file and checks that it is what was registered. */
wg_code wgi_partition_acquire(const wg_engine *engine, const wg_partition *partition, wg_object **out,
                              bool *out_opened, wg_error *err);
/* Checks that a stored column of the label can be read from the file's column; *out_column is its ordinal. */
wg_code wgi_virtual_column(const wg_object *object, const wg_label *label, uint32_t def_column, uint32_t *out_column,
                           wg_error *err);
/* One value of a partition variable: text made into the column's type. */
wg_code wgi_variable_value(const wg_column_def *def, wg_slice text, const char *path, wg_value *out, wg_error *err);
/* Value of partition column `def_column` (an ordinal of the label's columns). */
const wg_value *wgi_partition_variable(const wg_label *label, const wg_partition *partition, uint32_t def_column);

/* Predicates of a scan on decoded rows (row_tests.c): what they stop cannot satisfy its predicate. One thread at a time. */
typedef struct wgi_row_tests wgi_row_tests;
/* *out is NULL when no predicate can be tested. Lives in the arena; destroy frees what grew. */
wg_code wgi_row_tests_create(const wg_scan_spec *spec, wg_arena *arena, wgi_row_tests **out, wg_error *err);
void wgi_row_tests_destroy(wgi_row_tests *tests); /* NULL is legal */
void wgi_row_tests_reset(wgi_row_tests *tests);   /* another row group, with other dictionaries */
bool wgi_row_tests_column(const wgi_row_tests *tests, uint32_t column); /* does any test look at this key? */
/* True when some predicate on key `column` is satisfied by nothing in the range, which may be unknown. */
bool wgi_row_tests_prune(const wgi_row_tests *tests, uint32_t column, const wg_parquet_range *range);
/* Clears mask[i] of the rows of a vector of key `column` that fail; n <= WG_BATCH_ROWS_MAX. */
wg_code wgi_row_tests_apply(wgi_row_tests *tests, uint32_t column, const wg_vector *v, uint32_t n, uint8_t *mask,
                            wg_error *err);
/* True when no cell of the dictionary passes. */
bool wgi_row_tests_dictionary_fails(wgi_row_tests *tests, uint32_t column, const wg_vector *dictionary,
                                    uint32_t size);
/* Rows with mask 1, ascending. */
uint32_t wgi_row_tests_select(const wgi_row_tests *tests, const uint8_t *mask, uint32_t n, uint16_t *sel);

/* Rows of a row group that can satisfy the tests, by page indexes (page_ranges.c): ascending, not touching. */
typedef struct wgi_row_range {
    uint64_t begin;
    uint64_t end;
} wgi_row_range;
typedef struct wgi_row_ranges {
    const wgi_row_range *ranges;
    uint32_t count;
} wgi_row_ranges;
typedef struct wgi_range_request {
    wg_object *object;
    const wg_parquet_row_group *group;
    const wgi_row_tests *tests;
    const uint32_t *columns; /* of the file, of each key; UINT32_MAX: none */
    uint32_t key_count;
} wgi_range_request;
wg_code wgi_row_ranges_find(const wgi_range_request *request, wg_arena *arena, wgi_row_ranges *out, wg_error *err);
/* Where the pages of a chunk are; *out_count 0: it has no index. */
wg_code wgi_page_places(wg_object *object, const wg_parquet_row_group *group, uint32_t column, wg_arena *arena,
                        const wg_parquet_page_place **out, uint32_t *out_count, wg_error *err);

/* Reads rows of row groups of one virtual label, column chunks in step (group_reader.c). Open before next. */
typedef struct wgi_group_reader wgi_group_reader;
wg_code wgi_group_reader_create(const wg_engine *engine, const wg_label *label, const uint32_t *def_columns,
                                const wg_type *types, uint32_t column_count, wg_account *account,
                                wgi_group_reader **out, wg_error *err);
void wgi_group_reader_destroy(wgi_group_reader *reader, wg_stats *stats); /* adds its counters */
/* Rows that fail are left out from the next opening on. Borrowed. */
wg_code wgi_group_reader_test(wgi_group_reader *reader, wgi_row_tests *tests, wg_error *err);
wg_code wgi_group_reader_open(wgi_group_reader *reader, const wg_partition *partition, uint32_t row_group,
                              wg_error *err);
/* A slice: `row_count` rows of which sel[0..selected) count (NULL: all); with `rows` the vectors hold only rows[0..row_count) of the row
 * group, counted from first_row. */
typedef struct wgi_group_rows {
    uint64_t first_row; /* of the row group */
    uint32_t row_count; /* 0: the end */
    uint32_t selected;
    const uint16_t *sel;
    const uint16_t *rows; /* NULL: consecutive */
} wgi_group_rows;
/* Up to rows_max rows, at least one of them selected; vectors[column_count] live until the next call. */
wg_code wgi_group_reader_next(wgi_group_reader *reader, uint32_t rows_max, wg_vector *vectors, wgi_group_rows *out,
                              wg_error *err);
wg_code wgi_group_reader_skip(wgi_group_reader *reader, uint64_t rows, wg_error *err); /* without tests */
/* True when the columns are the same in every row of the group and nothing is tested; gives them. */
bool wgi_group_reader_constants(const wgi_group_reader *reader, wg_vector *vectors);

/* True when no value in [min, max] of a column can satisfy the predicate. */
bool wgi_prune_range(const wg_scan_predicate *predicate, const wg_value *min, const wg_value *max);

#endif
