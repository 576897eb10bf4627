/* engine, COPY: a part of engine.h, which includes it: files into nodes and edges. */
#ifndef WG_ENGINE_COPY_FILES_H
#define WG_ENGINE_COPY_FILES_H

#include "engine/engine.h"

/* COPY label FROM files: their rows become nodes with these labels, or edges of this label, as if each had been created alone. One bad
 * row fails the whole load, or is left out and written to a file of rejects. Files are read with platform calls; columns are found
 * by name. Errors name file, line or row, and column. */
typedef enum wg_copy_format { WG_COPY_BY_NAME, WG_COPY_CSV, WG_COPY_PARQUET, WG_COPY_JSON } wg_copy_format;

/* One end of the edges that are loaded. */
typedef struct wg_copy_end {
    uint32_t label;             /* of the nodes; WG_NO_LABEL: the one that the edge label declares */
    const wg_slice *properties; /* which find a node; none: the label's primary key */
    uint32_t property_count;
    const wg_slice *columns; /* of the file, which hold them; none: "from" and "to", or the first ones of the file */
    uint32_t column_count;
} wg_copy_end;

typedef struct wg_copy_options {
    const uint32_t *labels; /* of the nodes, or the one of the edges */
    uint32_t label_count;
    wg_copy_format format; /* BY_NAME: .parquet, .jsonl and .ndjson say it themselves, all others are CSV */
    bool header;
    char delimiter;
    char quote; /* 0: '"' */
    wg_slice null_text;
    const wg_slice *columns; /* CSV: names of the file's columns; others: those of them to read */
    uint32_t column_count;
    wg_copy_end ends[2];
    const char *rejects; /* where rows go that cannot be loaded, as lines of JSON; NULL: the first one is an error */
    wg_pool *pool;       /* NULL: on the caller alone */
    uint32_t threads;    /* at most; 0 is 1 */
    uint64_t skip_rows;  /* so many of the files' first rows are not loaded */
    uint64_t
        part_rows; /* so many rows of the files are a transaction of their own (wgi_txn_commit_part); 0: all are one */
} wg_copy_options;

typedef struct wg_copy_counts {
    uint64_t rows;
    uint64_t rejected;
    uint64_t commits; /* with part_rows: that were made, the last one included */
} wg_copy_counts;
/* `path`: a file, or a pattern as virtual labels have them: its files in the order of their paths. With part_rows the transaction must be a WRITE
 * one that nothing else has written to, and everything is committed when this returns; the error of a load that stopped says which rows are in. */
wg_code wg_txn_copy(wg_txn *txn, const char *path, const wg_copy_options *options, wg_cancel *cancel,
                    wg_copy_counts *out, wg_error *err);

#endif
