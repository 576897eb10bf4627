/* What the files of format/parquet share: the format's numbers, page headers, and the decoders of value streams. */
#ifndef WG_FORMAT_PARQUET_INTERNAL_H
#define WG_FORMAT_PARQUET_INTERNAL_H

#include "format/parquet/parquet.h"
#include "format/thrift/thrift.h"

typedef enum wgi_parquet_physical {
    WGI_PARQUET_BOOLEAN = 0,
    WGI_PARQUET_INT32 = 1,
    WGI_PARQUET_INT64 = 2,
    WGI_PARQUET_INT96 = 3,
    WGI_PARQUET_FLOAT = 4,
    WGI_PARQUET_DOUBLE = 5,
    WGI_PARQUET_BYTE_ARRAY = 6,
    WGI_PARQUET_FIXED = 7
} wgi_parquet_physical;

typedef enum wgi_parquet_encoding {
    WGI_PARQUET_PLAIN = 0,
    WGI_PARQUET_PLAIN_DICTIONARY = 2,
    WGI_PARQUET_RLE = 3,
    WGI_PARQUET_BIT_PACKED = 4,
    WGI_PARQUET_DELTA_BINARY_PACKED = 5,
    WGI_PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
    WGI_PARQUET_DELTA_BYTE_ARRAY = 7,
    WGI_PARQUET_RLE_DICTIONARY = 8,
    WGI_PARQUET_BYTE_STREAM_SPLIT = 9
} wgi_parquet_encoding;

typedef enum wgi_parquet_page_type {
    WGI_PARQUET_PAGE_DATA = 0,
    WGI_PARQUET_PAGE_INDEX = 1,
    WGI_PARQUET_PAGE_DICTIONARY = 2,
    WGI_PARQUET_PAGE_DATA_V2 = 3
} wgi_parquet_page_type;

const char *wgi_parquet_encoding_name(int32_t encoding);

/* ---- footer parts (schema.c, statistics.c) */

/* Reads `element_count` SchemaElements and makes one column of each leaf. Everything lives in the arena. */
wg_code wgi_parquet_schema_read(wg_thrift_reader *r, uint32_t element_count, wg_arena *arena,
                                wg_parquet_column **out_columns, uint32_t *out_count, uint32_t *out_groups);

typedef enum wgi_parquet_order {
    WGI_PARQUET_ORDER_UNKNOWN, /* the file does not say: min_value and max_value count like min and max */
    WGI_PARQUET_ORDER_TYPE,    /* the order of the column's type */
    WGI_PARQUET_ORDER_OTHER
} wgi_parquet_order;

/* Reads a Statistics struct (the reader stands before it). What cannot be trusted becomes unknown, never an error; only
 * bytes that break thrift or a negative count fail the reader. */
void wgi_parquet_statistics_read(wg_thrift_reader *r, const wg_parquet_column *column, wg_arena *arena,
                                 wg_parquet_range *out);
/* May min_value and max_value be believed, as far as their order goes? */
bool wgi_parquet_order_is_known(const wg_parquet_column *column);
/* Minimum and maximum from their plain bytes; false when they bound nothing. */
bool wgi_parquet_range_decode(wg_arena *arena, const wg_parquet_column *column, wg_slice min, wg_slice max,
                              wg_parquet_range *out);

/* ---- page headers (page_header.c) */

typedef struct wgi_parquet_page_header {
    wgi_parquet_page_type type;
    uint32_t header_bytes;
    uint32_t compressed_bytes;
    uint32_t uncompressed_bytes;
    bool has_crc;
    uint32_t crc;
    uint32_t value_count;
    int32_t encoding;
    int32_t level_encoding; /* v1: of definition levels */
    int32_t rep_encoding;   /* v1: of repetition levels */
    uint32_t def_bytes;     /* v2 */
    uint32_t rep_bytes;     /* v2 */
    bool is_compressed;     /* v2; else true */
} wgi_parquet_page_header;

/* Parses and checks one page header; `offset` is the place of bytes.data in the file. */
wg_code wgi_parquet_page_header_read(wg_slice bytes, uint64_t offset, wgi_parquet_page_header *out, wg_error *err);

/* ---- bit packing and the RLE / bit-packed hybrid (rle.c) */

/* Unpacks `count` values of `width` (0..32) bits starting at value `first` of the packed bytes. All bits must be inside. */
void wgi_parquet_unpack(wg_slice packed, uint32_t width, size_t first, uint32_t *out, size_t count);

typedef struct wgi_parquet_rle {
    const uint8_t *pos;
    const uint8_t *end;
    uint32_t width;
    uint64_t run_left; /* of the repeated value */
    uint32_t run_value;
    wg_slice packed;      /* the bit-packed run at hand */
    uint64_t packed_next; /* index of its next value */
    uint64_t packed_count;
} wgi_parquet_rle;

void wgi_parquet_rle_init(wgi_parquet_rle *rle, wg_slice bytes, uint32_t width);
/* Decode exactly `count` values; false when the bytes end first or break the encoding. */
bool wgi_parquet_rle_read(wgi_parquet_rle *rle, uint32_t *out, size_t count);
bool wgi_parquet_rle_skip(wgi_parquet_rle *rle, uint64_t count);
/* True when the next `count` values are one repeated run of *out. */
bool wgi_parquet_rle_repeats(wgi_parquet_rle *rle, uint64_t count, uint32_t *out);
/* Width 1 only: writes bits out[bit_from..bit_from+count) (the rest of the last byte is undefined) and counts the ones. */
bool wgi_parquet_rle_read_bits(wgi_parquet_rle *rle, uint8_t *out, size_t count, size_t *out_ones);

/* Writer: appends values as runs; finish flushes. `ok` turns false when memory ran out. */
bool wgi_parquet_rle_encode(wg_buf *out, const uint32_t *values, size_t count, uint32_t width);

/* ---- DELTA_BINARY_PACKED (delta.c) */

typedef struct wgi_parquet_delta {
    const uint8_t *pos;
    const uint8_t *end;
    uint64_t value_count;
    uint64_t values_left;
    uint64_t last; /* wraps, as the format says */
    uint64_t min_delta;
    uint32_t miniblocks;       /* a block */
    uint32_t miniblock_values; /* multiple of 32 */
    uint32_t miniblock_at;     /* next miniblock of the block */
    uint32_t buffered_at;
    uint32_t buffered;
    bool first_pending;
    const uint8_t *widths;
    const uint8_t *packed; /* rest of the miniblock at hand */
    uint32_t packed_left;  /* its values not yet unpacked */
    uint32_t width;
    uint64_t values[32];
} wgi_parquet_delta;

bool wgi_parquet_delta_init(wgi_parquet_delta *delta, wg_slice bytes);
bool wgi_parquet_delta_read(wgi_parquet_delta *delta, int64_t *out, size_t count);
/* Bytes that the whole stream takes, found by its headers alone; SIZE_MAX when it is damaged. */
size_t wgi_parquet_delta_bytes(wg_slice bytes);

/* ---- decimals (decimal.c): big-endian two's complement bytes */

bool wgi_parquet_decimal_int(wg_slice be, int64_t *out); /* false: not within 64 bits */
/* The double nearest to be / 10^scale; false when there is none. *out_exact: its shortest text is the decimal. */
bool wgi_parquet_decimal_float(wg_slice be, uint32_t scale, double *out, bool *out_exact);
wg_slice wgi_parquet_decimal_bytes(int64_t v, uint8_t out[8]);

/* ---- values of one page (values.c): from encoded bytes to dense cells of the engine's types */

typedef enum wgi_parquet_source {
    WGI_PARQUET_SOURCE_PLAIN_BITS,  /* BOOLEAN */
    WGI_PARQUET_SOURCE_RLE_BITS,    /* BOOLEAN */
    WGI_PARQUET_SOURCE_PLAIN_FIXED, /* 4 or 8 bytes a value */
    WGI_PARQUET_SOURCE_PLAIN_BYTES, /* u32 length, bytes */
    WGI_PARQUET_SOURCE_PLAIN_BLOBS, /* type_length bytes a value */
    WGI_PARQUET_SOURCE_CODES,       /* dictionary codes; read by wgi_parquet_values_codes */
    WGI_PARQUET_SOURCE_DELTA,
    WGI_PARQUET_SOURCE_DELTA_LENGTH,
    WGI_PARQUET_SOURCE_DELTA_BYTES,
    WGI_PARQUET_SOURCE_SPLIT /* BYTE_STREAM_SPLIT */
} wgi_parquet_source;

/* What went wrong, for the reader to put a place to. `index` counts values of the call, SIZE_MAX: none in particular. */
typedef struct wgi_parquet_problem {
    wg_code code;
    const char *what;
    size_t index;
} wgi_parquet_problem;

/* A block of bytes that is only ever replaced by a larger one. */
typedef struct wgi_parquet_scratch {
    uint8_t *data;
    size_t capacity;
    wg_account *account;
} wgi_parquet_scratch;
bool wgi_parquet_scratch_ensure(wgi_parquet_scratch *scratch, size_t bytes); /* the content is lost when it grows */

/* ---- the bytes of a chunk (window.c): at hand, or read piece by piece into one buffer */

typedef struct wgi_parquet_window {
    const uint8_t *direct; /* all bytes; NULL: they are read */
    wg_parquet_read_fn read;
    void *ctx;
    uint64_t base_offset; /* of the chunk in the file */
    size_t total;         /* bytes of the chunk */
    size_t begin;         /* what the buffer holds */
    size_t size;
    wgi_parquet_scratch buffer;
    uint64_t bytes_read; /* over all chunks */
} wgi_parquet_window;
void wgi_parquet_window_open(wgi_parquet_window *w, const wg_parquet_source *source);
/* At least min(least, what is left) bytes from `pos` on; *out may hold more. What was given before is no longer valid. */
wg_code wgi_parquet_window_at(wgi_parquet_window *w, size_t pos, size_t least, wg_slice *out, wg_error *err);
static inline bool wgi_parquet_window_moves(const wgi_parquet_window *w) { return w->read != NULL; }

typedef struct wgi_parquet_values {
    const wg_parquet_column *column;
    wgi_parquet_source source;
    wg_slice bytes; /* what is left; PLAIN_BITS and SPLIT: all */
    size_t next;    /* PLAIN_BITS, SPLIT: index of the next value */
    size_t count;   /* SPLIT: values in all */
    wgi_parquet_rle rle;
    wgi_parquet_delta delta;        /* values, lengths or prefix lengths */
    wgi_parquet_delta suffix_delta; /* DELTA_BYTES */
    wg_slice previous;              /* DELTA_BYTES: the last value */
    uint64_t rebuilt_bytes;         /* DELTA_BYTES: of this page */
    wgi_parquet_scratch
        strings[2]; /* DELTA_BYTES: rebuilt values; used in turns, so that `previous` survives a call */
    uint32_t strings_turn;
    wgi_parquet_scratch lengths;  /* DELTA_*: lengths of one call */
    wgi_parquet_scratch boxes;    /* bytes that become numbers or durations */
    wgi_parquet_scratch parts[2]; /* of durations: [0] of the last call, [1] of the dictionary */
    bool is_dictionary;           /* what is read is the dictionary */
    wgi_parquet_problem problem;
} wgi_parquet_values;

void wgi_parquet_values_init(wgi_parquet_values *v, const wg_parquet_column *column, wg_account *account);
void wgi_parquet_values_reset(wgi_parquet_values *v); /* for another chunk; scratch memory stays */
void wgi_parquet_values_deinit(wgi_parquet_values *v);
/* Points at the values of a page (or PLAIN dictionary). All return false with v->problem set. */
bool wgi_parquet_values_open(wgi_parquet_values *v, int32_t encoding, wg_slice bytes);
/* Decodes `count` values (<= WG_BATCH_ROWS_MAX, any number for PLAIN) into dense cells of the column's type. */
bool wgi_parquet_values_read(wgi_parquet_values *v, void *cells, size_t count);
/* Dictionary codes, each checked to be < dict_size. */
bool wgi_parquet_values_codes(wgi_parquet_values *v, uint32_t *codes, size_t count, uint32_t dict_size);
/* `cells` is scratch for WG_BATCH_ROWS_MAX cells. */
bool wgi_parquet_values_skip(wgi_parquet_values *v, uint64_t count, void *cells);
/* True when some of the next values can be decoded without the others. */
bool wgi_parquet_values_picks(const wgi_parquet_values *v);
/* Decodes the picked ones of the next `count` values, one behind the other, and passes the others. */
bool wgi_parquet_values_pick(wgi_parquet_values *v, void *cells, size_t count, const wg_parquet_pick *pick);
/* True when the next values are already cells as they lie in v->bytes. */
bool wgi_parquet_values_in_place(const wgi_parquet_values *v);

/* ---- lists (lists.c): rows made of the entries of a column with repetition level 1 */

/* Entries are what a flat column calls rows: one for each element, and one for each list that has none. */
typedef struct wgi_parquet_entries {
    wg_vector values;     /* of the item type */
    const uint32_t *defs; /* levels of each entry */
    const uint32_t *reps;
    uint32_t count;
    uint32_t at; /* of them used */
} wgi_parquet_entries;

typedef struct wgi_parquet_lists {
    uint64_t rows_left;    /* of the row group */
    uint64_t entries_left; /* of the chunk, behind those at hand */
    uint32_t batch_rows;   /* few where lists are long, so that a batch stays small */
    wgi_parquet_entries entries;
    wg_arena arena; /* strings of the batch */
    wg_value *items;
    size_t item_count;
    size_t item_capacity;
    wgi_parquet_scratch cells; /* wg_value of each row; NULL rows in `valid` */
    uint8_t valid[WG_BATCH_ROWS_MAX / 8 + 8];
} wgi_parquet_lists;

void wgi_parquet_lists_init(wgi_parquet_lists *lists, wg_account *account);
void wgi_parquet_lists_deinit(wgi_parquet_lists *lists);
void wgi_parquet_lists_open(wgi_parquet_lists *lists, uint64_t rows, uint64_t entries);
/* The next `rows` lists, or the picked ones of them; rows is at most batch_rows and rows_left. */
wg_code wgi_parquet_lists_next(wg_parquet_reader *reader, wgi_parquet_lists *lists, uint32_t rows,
                               const wg_parquet_pick *pick, wg_vector *out, wg_error *err);
wg_code wgi_parquet_lists_skip(wg_parquet_reader *reader, wgi_parquet_lists *lists, uint64_t rows, wg_error *err);
/* reader.c: the next entries of the chunk; count is 0 at its end. */
wg_code wgi_parquet_entries_next(wg_parquet_reader *reader, wgi_parquet_entries *out, wg_error *err);
const wg_parquet_column *wgi_parquet_reader_column(const wg_parquet_reader *reader);
wg_code wgi_parquet_reader_corrupt(wg_parquet_reader *reader, const char *what, wg_error *err);

#endif
