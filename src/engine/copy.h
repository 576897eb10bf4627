/* What the files of COPY share. Others include engine.h only.
 *
 *   copy.c          what goes where: labels, ends, files, columns; the loop over files; rejects
 *   copy_ends.c     the nodes that ends mean, by the values of their keys
 *   copy_parts.c    rows in several transactions: where one ends, what changes between two, which rows are in
 *   copy_rows.c     rows of a file as columns: converted, ends found, packed for the log; then written
 *   copy_text.c     CSV and lines of JSON into rows
 *   copy_parquet.c  row groups into rows, ahead of the writer on other threads */
#ifndef WG_ENGINE_COPY_H
#define WG_ENGINE_COPY_H

#include "engine/engine_internal.h"

/* Where a column of the file goes. */
typedef enum wgi_copy_role { WGI_COPY_PROPERTY, WGI_COPY_FROM, WGI_COPY_TO } wgi_copy_role;

typedef struct wgi_copy_column {
    const char *name;
    uint32_t in_file; /* its position */
    wgi_copy_role role;
    uint32_t part;               /* ends: which key property */
    uint32_t key;                /* properties */
    wg_type type;                /* that its cells must have */
    const wg_column_def *def;    /* NULL: no label declares it */
    const wg_column_def *filled; /* the definition whose default a row without the member gets; NULL: null */
} wgi_copy_column;

/* Finds nodes of a label by the values of some properties. Never changes while rows are read: any thread may ask. */
typedef struct wgi_copy_map wgi_copy_map;

typedef struct wgi_copy_target {
    uint32_t label;
    uint32_t part_count;
    uint32_t keys[WG_KEY_COLUMNS_MAX]; /* of the properties that find a node */
    wg_type types[WG_KEY_COLUMNS_MAX];
    bool is_primary;
    const char *label_name;
    wgi_copy_map *map;
} wgi_copy_target;

/* Threads that look ends up are inside; it is closed while the transaction changes. The mutex (rank POOL) guards it and is held for nothing else. */
typedef struct wgi_copy_gate {
    wg_mutex mutex;
    wg_cond changed;
    uint32_t inside;
    bool closed;
    bool broken; /* for good: the load has ended */
} wgi_copy_gate;

typedef struct wgi_copier {
    wg_txn *txn;
    const wg_copy_options *options;
    wg_cancel *cancel;
    wg_account *account;
    wg_arena arena;
    bool is_edge;
    wgi_copy_target ends[2];
    uint64_t rows_expected; /* about; never fewer */
    uint64_t batch_bytes;   /* a batch of rows is cut where it has about so many, under a memory budget */
    /* Parts. Rows of the files are counted from 1, in their order, left out ones included. */
    uint64_t base; /* rows of the files before the one at hand */
    wgi_copy_gate gate;
    uint32_t generation; /* of the maps of ends: another one when somebody else has changed the graph */
    const wg_label *seen[WG_MUTATION_LABELS_MAX + 2]; /* the labels, and those of the ends */
    wg_txn_mark mark;                                 /* where the part at hand began */
    uint64_t heap_before;                             /* the heap then */
    uint64_t counts_before;                           /* rows that were written and left out by then */
    uint64_t last;                                    /* the last row that was written or left out */
    uint64_t last_at;                                 /* its line or number */
    uint64_t done;                                    /* up to this row all is committed, or was skipped */
    uint64_t done_at;                                 /* its line or number */
    bool done_by_line;
    char done_path[48]; /* its file, or the end of that name */
    uint64_t rejects_synced;
    /* of the file at hand */
    const char *path;
    bool counts_lines; /* rows are told by their line, else by their number */
    wgi_copy_column *columns;
    uint32_t column_count;
    uint32_t *keys; /* of the property columns, in their order, then of the defaults */
    uint32_t property_count;
    const wg_column_def **defaults; /* columns that the file does not have and whose rows get a value */
    uint32_t default_count;
    /* rejects */
    wg_file *reject_file;
    uint64_t reject_offset;
    wg_copy_counts counts;
} wgi_copier;

/* ---- copy_ends.c */
wg_code wgi_copy_map_create(wg_txn *txn, const wgi_copy_target *target, uint64_t rows_expected, wgi_copy_map **out,
                            wg_error *err);
void wgi_copy_map_destroy(wgi_copy_map *map); /* NULL is legal */
enum { WGI_COPY_NO_NODE = 0, WGI_COPY_NULL_KEY = 1, WGI_COPY_AMBIGUOUS = 2 };
/* ids[i] of the node that row i means, UINT64_MAX with *why[i] set when there is none. parts: one vector for each key property. */
wg_code wgi_copy_map_find(const wgi_copy_map *map, const wg_vector *const *parts, uint32_t rows, uint64_t *ids,
                          uint8_t *why, wg_error *err);

/* ---- copy_rows.c */

/* A row that cannot be loaded. */
typedef struct wgi_copy_reject {
    uint64_t at; /* its line or number */
    wg_code code;
    const char *message;
} wgi_copy_reject;

/* Up to WG_BATCH_ROWS_MAX rows, ready for the writer; they own what they hold. */
typedef struct wgi_copy_rows {
    wgi_copier *copier;
    wg_arena arena;
    uint32_t row_count;
    uint64_t
        last; /* the last row of the files that they came from, left out ones included; set by who reads the file */
    uint64_t last_at;    /* its line or number */
    uint32_t generation; /* of the maps that the ends are from */
    uint64_t *at;        /* line or number of each */
    wg_vector *columns;
    wg_vector *parts; /* edges in several transactions: the columns that find the ends, as the copier has columns */
    uint64_t *ends[2];
    wg_buf packed;
    wgi_copy_reject *rejects;
    uint32_t reject_count;
    uint32_t reject_capacity;
    bool failed; /* what came behind these rows: `error` */
    wg_error error;
} wgi_copy_rows;
wg_code wgi_copy_rows_create(wgi_copier *copier, wgi_copy_rows **out, wg_error *err);
void wgi_copy_rows_destroy(wgi_copy_rows *rows); /* NULL is legal */
void wgi_copy_rows_clear(wgi_copy_rows *rows);
/* A row that was left out before it came to be one. WG_OK when rejects are wanted; else the rows end here. */
wg_code wgi_copy_rows_refuse(wgi_copy_rows *rows, uint64_t at, const wg_error *why, wg_error *err);
/* Takes rows of the file over: vectors[i] is column i of the copier, at[i] the place of row i. Any thread. Bad rows are left out, or end
 * it (then `failed`). */
wg_code wgi_copy_rows_fill(wgi_copy_rows *rows, const wg_vector *vectors, uint32_t row_count, const uint64_t *at,
                           wg_error *err);
/* Writer: writes them. */
wg_code wgi_copy_rows_write(wgi_copy_rows *rows, wg_error *err);

/* ---- copy_parts.c */
void wgi_copy_parts_init(wgi_copier *c); /* before the first file */
/* How many rows from `row` on may go into one batch: none behind the end of a part or of what is skipped. */
uint64_t wgi_copy_room(const wgi_copier *c, uint64_t row);
bool wgi_copy_part_ends(const wgi_copier *c, uint64_t row); /* behind `row` */
void wgi_copy_gate_init(wgi_copier *c);
void wgi_copy_gate_deinit(wgi_copier *c);
/* Any thread: between the two, maps of ends and what the transaction sees stay as they are. False: the load has ended. */
bool wgi_copy_gate_enter(wgi_copier *c);
void wgi_copy_gate_leave(wgi_copier *c);
/* Writer: all rows up to `row` are written or left out; `at`: its line or number. */
wg_code wgi_copy_parts_behind(wgi_copier *c, uint64_t row, uint64_t at, wg_error *err);
wg_code wgi_copy_parts_finish(wgi_copier *c, wg_error *err); /* behind the last file */
/* Writer: whether ends are from maps of before, and the same rows with those of now. */
bool wgi_copy_is_stale(const wgi_copy_rows *rows);
wg_code wgi_copy_rows_renew(const wgi_copy_rows *rows, wgi_copy_rows **out, wg_error *err);
/* Adds to the load's error what is committed, and how more is loaded than fits into one transaction. Before anything is undone. */
wg_code wgi_copy_parts_error(const wgi_copier *c, wg_code code, wg_error *err);

/* ---- copy.c */
/* The maps of ends, of the newest state; those of before are gone. */
wg_code wgi_copy_maps_make(wgi_copier *c, wg_error *err);
/* Decides what each column of the file is for. */
wg_code wgi_copy_map_columns(wgi_copier *c, const wg_slice *names, uint32_t count, wg_error *err);
wg_code wgi_copy_reject_write(wgi_copier *c, const wgi_copy_reject *rejects, uint32_t count, wg_error *err);
wg_code wgi_copy_row_error(const wgi_copier *c, uint64_t at, wg_code code, const char *text, wg_error *err);

/* ---- the formats: each loads one file */
wg_code wgi_copy_csv(wgi_copier *c, wg_error *err);
wg_code wgi_copy_json(wgi_copier *c, wg_error *err);
wg_code wgi_copy_parquet(wgi_copier *c, wg_error *err);

#endif
