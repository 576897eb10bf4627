/* worldgraph/nodes: owned rows of nodes and edges: tables of fixed-capacity columnar fragments in RAM, the directory from id
 * to newest version, and the key index.
 *
 * One writer at a time (the engine's writer lock), any number of readers without locks. The writer fills cells beyond the
 * published row count and then publishes the count (release); readers load it (acquire). A version is never changed after
 * that except for its `begin` (set to NEVER by a rollback) and `end` (set by the writer that replaces it), both atomic.
 * Arrays that must grow are replaced and the old ones retired to the epoch, so every reader call happens between
 * wg_epoch_enter and wg_epoch_leave.
 *
 * Row = position in the table, 0-based, append order; fragment = row / WG_FRAGMENT_ROWS. Every row has: id, begin, end,
 * prev (address of the version that it replaced), for edges from and to, and one cell a column (wg_vector physical cells).
 * Columns added later read as null in older rows. */
#ifndef WG_WORLDGRAPH_NODES_H
#define WG_WORLDGRAPH_NODES_H

#include "mvcc/mvcc.h"
#include "worldgraph/schema/schema.h"

enum { WG_FRAGMENT_ROWS = 16384, WG_TABLE_COLUMNS_MAX = 8192 };

typedef struct wg_table wg_table;

/* Address of a version over all tables: table number in the upper 16 bits, row in the lower 48. */
typedef uint64_t wg_row_address;
#define WG_ROW_NONE                UINT64_MAX
#define WG_ROW_ADDRESS(table, row) (((uint64_t)(table) << 48) | (row))
static inline uint32_t wg_row_table(wg_row_address a) { return (uint32_t)(a >> 48); }
static inline uint64_t wg_row_ordinal(wg_row_address a) { return a & ((UINT64_C(1) << 48) - 1); }

wg_code wg_table_create(bool is_edge, wg_epoch *epoch, wg_account *account, wg_table **out, wg_error *err);
void wg_table_destroy(wg_table *table);

/* ---- columns; the key is the engine's number of a property name */
/* Adds a column; writer only. WG_E_EXISTS when the key has one, WG_E_LIMIT. */
wg_code wg_table_add_column(wg_table *table, uint32_t key, wg_type type, uint32_t *out_column, wg_error *err);
uint32_t wg_table_column_count(const wg_table *table);
uint32_t wg_table_column_of(const wg_table *table, uint32_t key); /* UINT32_MAX: none */
uint32_t wg_table_column_key(const wg_table *table, uint32_t column);
wg_type wg_table_column_type(const wg_table *table, uint32_t column);

/* ---- writing; one writer */
typedef struct wg_row_head {
    uint64_t id;
    uint64_t begin;
    wg_row_address prev;
    uint64_t from; /* edges */
    uint64_t to;
} wg_row_head;

/* Appends one version; cells[column_count] are values that fit their columns (strings are copied). Not visible to readers
 * before `begin` is. Errors: WG_E_NOMEM, table unchanged. */
wg_code wg_table_append(wg_table *table, const wg_row_head *head, const wg_value *cells, uint64_t *out_row,
                        wg_error *err);
/* Appends batch->row_count versions (no selection) with ids first_id, first_id + 1, ...; vector i goes to columns[i], other
 * columns are null; for edges `from` and `to` are arrays of the batch's length. Equal to that many wg_table_append. */
wg_code wg_table_append_batch(wg_table *table, uint64_t first_id, uint64_t begin, const wg_batch *batch,
                              const uint32_t *columns, const uint64_t *from, const uint64_t *to,
                              uint64_t *out_first_row, wg_error *err);
void wg_table_set_end(wg_table *table, uint64_t row, uint64_t end);     /* NEVER undoes it */
void wg_table_set_begin(wg_table *table, uint64_t row, uint64_t begin); /* NEVER: rolled back */

/* ---- reading */
uint64_t wg_table_row_count(const wg_table *table); /* versions, published */
void wg_table_head(const wg_table *table, uint64_t row, wg_row_head *out, uint64_t *out_end);
/* One cell; strings live as long as the table. */
wg_value wg_table_cell(const wg_table *table, uint64_t row, uint32_t column);

/* Reads up to rows_max (<= WG_BATCH_ROWS_MAX) rows from `row`, not past its fragment; only visible ones are selected.
 * *out_rows is the number of rows passed over (0 at the end), out->row_count of selected ones. Vectors point into the
 * fragment, or into `scratch` (validity and selection); they are valid until the epoch is left or scratch is reused.
 * columns[i] == UINT32_MAX gives a constant null vector of types[i]. When types[i] is ANY and the column is not, cells are
 * converted in scratch. vectors[] has column_count + 1 elements: vector 0 is the id.
 * For edge tables columns[i] may also be WG_TABLE_FROM or WG_TABLE_TO: the end points, of type NODE. */
#define WG_TABLE_FROM (UINT32_MAX - 1)
#define WG_TABLE_TO   (UINT32_MAX - 2)
typedef struct wg_table_scratch wg_table_scratch;
wg_code wg_table_scratch_create(uint32_t column_count, wg_account *account, wg_table_scratch **out, wg_error *err);
void wg_table_scratch_destroy(wg_table_scratch *scratch);
wg_code wg_table_read(const wg_table *table, wg_view view, uint64_t row, uint32_t rows_max, const uint32_t *columns,
                      const wg_type *types, uint32_t column_count, wg_table_scratch *scratch, wg_vector *vectors,
                      wg_batch *out, uint32_t *out_rows, wg_error *err);

/* ---- directory: id -> address of the newest version, for one id space (nodes or edges) */
typedef struct wg_directory wg_directory;
wg_code wg_directory_create(wg_epoch *epoch, wg_account *account, wg_directory **out, wg_error *err);
void wg_directory_destroy(wg_directory *directory);
uint64_t wg_directory_count(const wg_directory *directory); /* ids given out: 0..count-1 */
/* Reserves `count` consecutive ids (writer). Ids of a rolled-back transaction are given back by wg_directory_truncate. */
wg_code wg_directory_extend(wg_directory *directory, uint64_t count, uint64_t *out_first, wg_error *err);
void wg_directory_truncate(wg_directory *directory, uint64_t count);
void wg_directory_set(wg_directory *directory, uint64_t id, wg_row_address address); /* release */
wg_row_address wg_directory_get(const wg_directory *directory, uint64_t id); /* acquire; NONE when out of range */

/* ---- key index: key values -> ids; finds candidates, the caller checks visibility and equality of the version it sees */
typedef struct wg_key_index wg_key_index;
wg_code wg_key_index_create(wg_epoch *epoch, wg_account *account, wg_key_index **out, wg_error *err);
void wg_key_index_destroy(wg_key_index *index);
/* Hash of a composite key; agrees with wg_value_equivalent. */
uint64_t wg_key_hash(const wg_value *values, uint32_t count);
/* Adds hash -> id unless that pair is there. Entries are never removed (history needs them). Writer only. */
wg_code wg_key_index_add(wg_key_index *index, uint64_t hash, uint64_t id, wg_error *err);
wg_code wg_key_index_reserve(wg_key_index *index, uint64_t more, wg_error *err);
/* Iterates ids whose hash is equal, in a defined order: start with *position = 0; false at the end. */
bool wg_key_index_next(const wg_key_index *index, uint64_t hash, uint64_t *position, uint64_t *out_id);

#endif
