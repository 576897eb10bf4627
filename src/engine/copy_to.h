/* engine, COPY TO: a part of engine.h's family, included by name: rows into a file.
 *
 * A file is written under a temporary name beside its place, synced and renamed; until then nothing is seen under its own name, and what fails
 * or is cancelled leaves nothing behind. Rows come in one order; the bytes depend on rows, columns and options alone. */
#ifndef WG_ENGINE_COPY_TO_H
#define WG_ENGINE_COPY_TO_H

#include "engine/engine.h"
#include "format/codec/codec.h"

typedef struct wg_copy_to_column {
    const char *name;
    wg_type type;  /* of the values; Parquet: that of the file, see wg_copy_to_type */
    bool required; /* a null is WG_E_CONSTRAINT: the key of an end */
} wg_copy_to_column;

typedef struct wg_copy_to_options {
    wg_copy_format format; /* BY_NAME: as for COPY FROM */
    bool header;
    char delimiter;
    char quote;            /* 0: '"' */
    const char *null_text; /* CSV; NULL: nothing at all */
    bool has_codec;        /* else SNAPPY for Parquet, nothing for text */
    wg_codec codec;
    uint32_t row_group_rows; /* Parquet; 0: the writer's own */
    bool overwrite;          /* else a file that is there is WG_E_EXISTS */
} wg_copy_to_options;

typedef struct wg_copy_writer wg_copy_writer;

/* Does the format of this file have types of its own, so that a column of ANY must be given one? */
bool wg_copy_to_is_typed(const wg_copy_to_options *options, const char *path);
/* The Parquet type for values of these types: bit t of `seen` is type t. LIST, MAP and what Parquet has no exact type for become STRING, their
 * text; INT beside FLOAT becomes FLOAT. False: they have no type in common. */
bool wg_copy_to_type(uint64_t seen, wg_type *out);

/* Durable:  no, until wg_copy_writer_finish.
 * Owns:     copies what it needs of path, options and columns; the caller destroys *out.
 * Errors:   WG_E_EXISTS; WG_E_UNSUPPORTED for a type that the format has not, and compressions; WG_E_IO; WG_E_NOMEM. */
wg_code wg_copy_writer_create(wg_engine *engine, const char *path, const wg_copy_to_options *options,
                              const wg_copy_to_column *columns, uint32_t column_count, wg_account *account,
                              wg_copy_writer **out, wg_error *err);
void wg_copy_writer_destroy(wg_copy_writer *writer); /* removes the temporary file; NULL is legal */
/* True for CSV and lines of JSON: rows are made into text first (any thread), then put in their order (one thread at a time). */
bool wg_copy_writer_is_text(const wg_copy_writer *writer);
wg_code wg_copy_writer_encode(const wg_copy_writer *writer, const wg_batch *batch, wg_buf *out, wg_error *err);
wg_code wg_copy_writer_put_text(wg_copy_writer *writer, wg_slice text, uint64_t rows, wg_error *err);
/* The others; the same for text, without a buffer between. */
wg_code wg_copy_writer_put(wg_copy_writer *writer, const wg_batch *batch, wg_error *err);
uint64_t wg_copy_writer_rows(const wg_copy_writer *writer);
/* Everything is on stable storage under its name when this returns. */
wg_code wg_copy_writer_finish(wg_copy_writer *writer, wg_error *err);

#endif
