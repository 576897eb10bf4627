/* engine, continued: names as a transaction sees them; scans of labels, owned and virtual, nodes and edges: tasks that threads take and read in
 * batches. Included by engine.h. */
#ifndef WG_ENGINE_SCAN_H
#define WG_ENGINE_SCAN_H

#include "engine/engine.h"

/* ---- names */

/* The number of a property name as the transaction sees it, WG_NO_KEY: none. One that only reads does not see names that came after its
 * snapshot, so that its plans are those of the time; one that may write sees all, because it may use them. */
uint32_t wg_txn_key(const wg_txn *txn, wg_slice name);
bool wg_txn_sees_key(const wg_txn *txn, uint32_t key);

/* ---- scans */

typedef enum wg_compare_op {
    WG_CMP_EQ,
    WG_CMP_LT,
    WG_CMP_LE,
    WG_CMP_GT,
    WG_CMP_GE,
    WG_CMP_IN,
    WG_CMP_NOT_NULL
} wg_compare_op;

/* A conjunct that the caller will check again: used only to leave out files, row groups and rows that cannot match. For IN
 * `value` is a LIST. */
typedef struct wg_scan_predicate {
    uint32_t key;
    wg_compare_op op;
    wg_value value;
} wg_scan_predicate;

typedef struct wg_scan_spec {
    const uint32_t *labels; /* rows that have all of these; none: every owned node */
    uint32_t label_count;
    const uint32_t *keys; /* batch column 0 is the NODE id, column i + 1 is keys[i] */
    const wg_type *types; /* of keys: as wg_txn_node_property_type says, or ANY */
    uint32_t key_count;
    const wg_scan_predicate *predicates;
    uint32_t predicate_count;
    /* Rows of one edge label, labels[0]: batch columns are from, EDGE id, to (reversed: to, EDGE id, from), then keys. Nobody reads
     * the ends: these columns are null. The order is that of the rows of the label's table. */
    bool is_edge;
    bool reversed;
    bool without_ends;
    const wg_kernels *kernels; /* NULL: the best that this machine can run */
    bool no_ids;               /* nobody reads the ids of rows: owned rows leave them null */
    bool counts; /* a batch whose columns are all constant may have any number of rows, more than were asked for */
} wg_scan_spec;

typedef struct wg_scan wg_scan;               /* shared by the threads of a query */
typedef struct wg_scan_cursor wg_scan_cursor; /* one thread, one task at a time */

/* Prunes partitions (before any file is opened) and row groups, and lists the tasks. Errors name file and column: WG_E_NOT_FOUND
 * a directory, file or column is missing | WG_E_TYPE a column's type does not fit | WG_E_CHANGED | WG_E_CORRUPT. */
wg_code wg_scan_open(const wg_txn *txn, const wg_scan_spec *spec, wg_account *account, wg_scan **out, wg_error *err);
void wg_scan_close(wg_scan *scan);
uint32_t wg_scan_task_count(const wg_scan *scan);
uint64_t wg_scan_row_count_max(const wg_scan *scan);    /* upper bound over the tasks, for progress */
void wg_scan_stats(const wg_scan *scan, wg_stats *out); /* adds its counters to *out */
/* Text of what the scan will do, for EXPLAIN: "files 1 of 3, row groups 1 of 1, columns type, period". Appends. */
bool wg_scan_describe(const wg_scan *scan, wg_buf *out);

wg_code wg_scan_cursor_create(wg_scan *scan, wg_cancel *cancel, wg_account *account, wg_scan_cursor **out,
                              wg_error *err);
void wg_scan_cursor_destroy(wg_scan_cursor *cursor);
wg_code wg_scan_cursor_start(wg_scan_cursor *cursor, uint32_t task, wg_error *err);
/* Next batch of the task, at most rows_max rows; *out_rows 0 at its end (a batch may have rows passed over but none
 * selected). The order is that of the source. The batch is valid until the next call on this cursor. */
wg_code wg_scan_cursor_next(wg_scan_cursor *cursor, uint32_t rows_max, wg_batch *out, uint32_t *out_rows,
                            wg_error *err);

/* True when no two nodes that the transaction sees, and that have the labels, agree in all of these properties, none of which is null: they
 * hold a primary key, and the transaction has written nothing (inside of a statement that writes, keys may be there twice for a while). */
bool wg_txn_keys_are_unique(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, const uint32_t *keys,
                            uint32_t key_count);

#endif
