/* What writer.c (rows in, files out) and writer_chunk.c (one column chunk to pages) share. */
#ifndef WG_FORMAT_PARQUET_WRITER_INTERNAL_H
#define WG_FORMAT_PARQUET_WRITER_INTERNAL_H

#include "format/parquet/parquet_internal.h"

/* The rows of one column of the row group at hand. */
typedef struct wgi_parquet_buffer {
    wg_parquet_writer_column column; /* its name is the writer's copy */
    wg_buf present;                  /* optional columns: one byte a row, 1 = not null */
    wg_buf cells;                    /* dense: BOOL a byte, the rest 8 bytes; strings: u32 lengths */
    wg_buf bytes;                    /* strings: contents, one behind the other */
    uint32_t value_count;            /* not null */
    uint32_t row_count;
} wgi_parquet_buffer;

/* What the footer says of a written chunk. */
typedef struct wgi_parquet_written {
    uint64_t dictionary_offset; /* 0: none */
    uint64_t data_offset;
    uint64_t compressed_bytes;
    uint64_t uncompressed_bytes;
    uint64_t row_count;
    uint64_t null_count;
    bool has_bounds;
    wg_slice min; /* PLAIN encoding, in the writer's arena */
    wg_slice max;
} wgi_parquet_written;

/* Scratch kept from chunk to chunk. */
typedef struct wgi_parquet_encoder {
    wg_codec codec;
    wg_account *account;
    wg_buf body;        /* a page before compression */
    wg_buf page;        /* header and compressed body */
    wg_buf packed;      /* the compressed body */
    wg_buf codes;       /* u32 a value */
    wg_buf table;       /* u32 slots: entry + 1 */
    wg_buf entries;     /* u64: where an entry's value begins (string) or its bits */
    wg_buf entry_sizes; /* u32: string lengths */
    wg_buf levels;      /* u32 a row */
} wgi_parquet_encoder;

/* Receives finished pages in order; advances the file's offset. */
typedef struct wgi_parquet_out {
    wg_parquet_sink_fn sink;
    void *ctx;
    uint64_t offset;
} wgi_parquet_out;

wg_code wgi_parquet_out_put(wgi_parquet_out *out, wg_slice bytes, wg_error *err);
wg_code wgi_parquet_chunk_write(wgi_parquet_encoder *e, const wgi_parquet_buffer *b, wg_arena *arena,
                                wgi_parquet_out *out, wgi_parquet_written *written, wg_error *err);
int32_t wgi_parquet_physical_of(wg_type type);
static inline bool wgi_parquet_is_bytes(wg_type type) { return type == WG_TYPE_STRING || type == WG_TYPE_BYTES; }

#endif
