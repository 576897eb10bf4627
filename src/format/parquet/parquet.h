/* format/parquet: Parquet metadata, page decoding and writing. No I/O: slices in, vectors or typed errors out.
 *
 * Reads: columns that are not repeated, inside of groups too, lists of them of any depth, and whole groups by their names (structs, lists and maps
 * of anything); PLAIN, PLAIN_DICTIONARY,
 * RLE_DICTIONARY, RLE (booleans), DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY, BYTE_STREAM_SPLIT; data pages v1 and
 * v2; page CRCs when present; statistics with their sort-order caveats. Hostile bytes cost bounded memory and time: every size is
 * checked against the bytes at hand and the limits below before it reaches an allocator. */
#ifndef WG_FORMAT_PARQUET_H
#define WG_FORMAT_PARQUET_H

#include "base/column/column.h"
#include "format/codec/codec.h"

enum {
    WG_PARQUET_FOOTER_BYTES_MAX = 64 << 20,
    WG_PARQUET_COLUMNS_MAX = 65536,
    WG_PARQUET_ROW_GROUPS_MAX = 65536,
    WG_PARQUET_PAGE_BYTES_MAX = 256 << 20,
    WG_PARQUET_DEPTH_MAX = 64
};

/* One leaf column of the schema. `type` is the engine type that its values widen to; WG_TYPE_NULL with `why_not` set when
 * this version cannot read it (nested, INT96, decimal, ...). */
typedef struct wg_parquet_column {
    const char *name; /* NUL-terminated path, parts joined by '.' */
    wg_type type;
    const char *why_not;
    const char *physical_name; /* "INT32 (UINT_32)", for messages */
    int32_t physical;          /* Parquet Type */
    uint32_t type_length;      /* FIXED_LEN_BYTE_ARRAY */
    uint8_t int_bits;          /* 8..64 of integer columns */
    bool int_unsigned;
    uint8_t time_unit; /* timestamps: 3 ms, 6 us, 9 ns; else 0 */
    bool time_utc;
    uint8_t order;   /* of its bounds, as the footer declares it */
    bool is_decimal; /* an INT, or a FLOAT that is exact in its shortest text, else WG_E_VALUE (ADR 0014) */
    uint32_t scale;
    bool optional;
    uint16_t max_def;
    uint16_t max_rep;  /* 1: a list; its elements have `item_type` */
    uint16_t list_def; /* lists: the definition level of an entry; one less: an empty list; less still: null */
    wg_type item_type;
    const uint16_t *entry_defs; /* lists in lists: list_def of each, from the outside */
    /* The column of a group, by its name: of several leaves; a MAP of its fields, a MAP, or a LIST. NULL: one leaf. */
    const struct wgi_parquet_node *node;
    uint32_t first_leaf;
    uint32_t leaf_count;
} wg_parquet_column;

/* Minimum and maximum as values of the column's type; trustworthy only when `known`. */
typedef struct wg_parquet_range {
    bool known;
    bool null_count_known;
    uint64_t null_count;
    wg_value min;
    wg_value max;
} wg_parquet_range;

typedef struct wg_parquet_chunk {
    uint64_t offset; /* of the first page, dictionary included */
    uint64_t compressed_bytes;
    uint64_t uncompressed_bytes;
    uint64_t value_count;
    uint64_t places_offset; /* its OffsetIndex; 0 bytes: there is none */
    uint64_t bounds_offset; /* its ColumnIndex */
    uint32_t places_bytes;
    uint32_t bounds_bytes;
    wg_codec codec;
    wg_parquet_range range;
} wg_parquet_chunk;

typedef struct wg_parquet_row_group {
    uint64_t row_count;
    uint64_t first_row;
    const wg_parquet_chunk *chunks; /* one a column */
} wg_parquet_row_group;

typedef struct wg_parquet_metadata {
    uint64_t row_count;
    uint32_t column_count; /* leaves, each with a chunk in every row group */
    uint32_t group_count;  /* columns of groups, which stand behind the leaves */
    uint32_t row_group_count;
    const wg_parquet_column *columns;
    const wg_parquet_row_group *row_groups;
    const char *created_by;
} wg_parquet_metadata;

/* Step 1: the last 8 bytes of a file of `file_size` bytes; gives the footer's size (bytes before the tail). */
wg_code wg_parquet_tail(wg_slice tail, uint64_t file_size, uint32_t *out_footer_bytes, wg_error *err);
/* Step 2: the footer. Everything in *out lives in `arena`. All offsets are checked against file_size. */
wg_code wg_parquet_metadata_decode(wg_slice footer, uint64_t file_size, wg_arena *arena, wg_parquet_metadata *out,
                                   wg_error *err);

/* The chunk of a column in a row group; that of a group is an empty one, of which nothing is known. */
const wg_parquet_chunk *wg_parquet_chunk_of(const wg_parquet_metadata *metadata, const wg_parquet_row_group *group,
                                            uint32_t column);

/* Where a page of an offset index begins. */
typedef struct wg_parquet_page_place {
    uint64_t offset;    /* of its header in the file */
    uint64_t first_row; /* in its row group */
} wg_parquet_page_place;
/* The page index of a chunk. *out_count is 0 when it is damaged, contradicts its chunk or cannot be trusted; WG_E_NOMEM is the only error. Pages are
 * those of the OffsetIndex; out_empty[i]: page i holds nulls alone. */
wg_code wg_parquet_offset_index_decode(wg_slice bytes, const wg_parquet_chunk *chunk, uint64_t row_count,
                                       wg_arena *arena, const wg_parquet_page_place **out, uint32_t *out_count,
                                       wg_error *err);
wg_code wg_parquet_column_index_decode(wg_slice bytes, const wg_parquet_column *column, uint32_t page_count,
                                       wg_arena *arena, const wg_parquet_range **out, const bool **out_empty,
                                       uint32_t *out_count, wg_error *err);

/* Decodes column chunks in batches. Vectors are valid until the next call; the dictionary of a DICT or CONST vector until the reader
 * is opened for another chunk. Strings are checked to be UTF-8. Integers out of the engine's range (UINT_64 over 2^63-1) and, unless the source says
 * `exact_times`, timestamps that microseconds cannot hold exactly are WG_E_VALUE. Errors carry the byte offset in the file. */
typedef struct wg_parquet_reader wg_parquet_reader;

/* Reads exactly `size` bytes at `offset` of the file. */
typedef wg_code (*wg_parquet_read_fn)(void *ctx, uint64_t offset, void *data, size_t size, wg_error *err);

/* One column chunk: with `read` its bytes are read as pages need them, else all of them are in `bytes`. What is pointed at is borrowed
 * until the reader is opened again or destroyed, the chunk itself only for the call. */
typedef struct wg_parquet_source {
    const wg_parquet_column *column;
    const wg_parquet_chunk *chunk;
    uint64_t row_count;
    wg_slice bytes;
    wg_parquet_read_fn read;
    void *ctx;
    const wg_parquet_page_place
        *places; /* of an offset index: pages that are skipped are not even passed by; NULL: none */
    uint32_t place_count;
    /* Groups, which need `read`: all columns of the file, and the chunks of the row group. */
    const wg_parquet_column *columns;
    const wg_parquet_chunk *chunks;
    /* Moments in milliseconds and nanoseconds become vectors of WG_TYPE_ANY whose values are whole LOCAL_DATETIMEs, instead of microseconds that
     * must be exact. Inside of lists and groups they always do. */
    bool exact_times;
    bool entries; /* of the module itself: entries are wanted instead of rows */
} wg_parquet_source;

/* A reader without a chunk, to be opened for one after the other: its buffers stay. */
wg_code wg_parquet_reader_alloc(wg_account *account, wg_parquet_reader **out, wg_error *err);
wg_code wg_parquet_reader_open(wg_parquet_reader *reader, const wg_parquet_source *source, wg_error *err);
/* Both, over bytes at hand, which are borrowed until destroy. */
wg_code wg_parquet_reader_create(const wg_parquet_column *column, const wg_parquet_chunk *chunk, wg_slice chunk_bytes,
                                 uint64_t row_count, wg_account *account, wg_parquet_reader **out, wg_error *err);
void wg_parquet_reader_destroy(wg_parquet_reader *reader);
/* Up to `rows_max` (<= WG_BATCH_ROWS_MAX) next rows as a FLAT, DICT or CONST vector; *out_rows may be smaller at page borders, 0 only
 * at the end of the chunk, whose row count is checked. */
wg_code wg_parquet_reader_next(wg_parquet_reader *reader, uint32_t rows_max, wg_vector *out, uint32_t *out_rows,
                               wg_error *err);
/* The same when only some of these rows are wanted, rows[0..count), ascending, counted from the next one: the vector has those alone, one
 * behind the other. *out_rows is how many rows were passed. */
typedef struct wg_parquet_pick {
    const uint16_t *rows;
    uint32_t count;
} wg_parquet_pick;
wg_code wg_parquet_reader_next_of(wg_parquet_reader *reader, uint32_t rows_max, const wg_parquet_pick *pick,
                                  wg_vector *out, uint32_t *out_rows, wg_error *err);
/* How many rows are left of the page at hand, or of the next one, whose header is read; 0 at the end of the chunk. */
wg_code wg_parquet_reader_ready(wg_parquet_reader *reader, uint32_t *out_rows, wg_error *err);
/* The dictionary that the rows of that page point into, as a FLAT vector of *out_size cells; 0 when they are no dictionary codes. */
wg_code wg_parquet_reader_dictionary(wg_parquet_reader *reader, wg_vector *out, uint32_t *out_size, wg_error *err);
/* Skips rows; whole pages are not decompressed. */
wg_code wg_parquet_reader_skip(wg_parquet_reader *reader, uint64_t rows, wg_error *err);
/* Since the reader was made. */
uint64_t wg_parquet_reader_decoded_bytes(const wg_parquet_reader *reader);
uint64_t wg_parquet_reader_read_bytes(const wg_parquet_reader *reader);

/* ---- writing: one row group at a time, deterministic bytes. Columns BOOL, INT, FLOAT, STRING, BYTES, DATE, LOCAL_DATETIME, LOCAL_TIME; dictionary
 * encoding where it pays (RLE_DICTIONARY), PLAIN otherwise; data pages v1; statistics; page CRCs. */
typedef struct wg_parquet_writer_column {
    const char *name;
    wg_type type;
    bool optional;
} wg_parquet_writer_column;

/* Receives consecutive bytes of the file. */
typedef wg_code (*wg_parquet_sink_fn)(void *ctx, wg_slice bytes, wg_error *err);

typedef struct wg_parquet_writer wg_parquet_writer;
wg_code wg_parquet_writer_create(const wg_parquet_writer_column *columns, uint32_t column_count, wg_codec codec,
                                 uint32_t row_group_rows /* 0: 122880 */, wg_parquet_sink_fn sink, void *sink_ctx,
                                 wg_account *account, wg_parquet_writer **out, wg_error *err);
/* Appends the rows of a batch, whose vectors are the columns in order. */
wg_code wg_parquet_writer_append(wg_parquet_writer *writer, const wg_batch *batch, wg_error *err);
/* Writes the last row group and the footer. The writer must still be destroyed. */
wg_code wg_parquet_writer_finish(wg_parquet_writer *writer, wg_error *err);
void wg_parquet_writer_destroy(wg_parquet_writer *writer);

#endif
