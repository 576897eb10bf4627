/* worldgraph/nodes: owned rows of nodes and edges: tables of fixed-capacity columnar fragments in RAM or mapped from stripes, the
 * directory from id to newest version, and the key index.
 *
 * One writer at a time (the engine's writer lock), any number of readers without locks. The writer fills cells beyond the
 * published row count and then publishes the count (release); readers load it (acquire). A version is never changed after
 * that except for its `begin` (set by the commit, or to NEVER by a rollback) and `end` (set by the writer that replaces it, and
 * by its commit), both atomic.
 * What is replaced is retired to the epoch, so every reader call happens between wg_epoch_enter and wg_epoch_leave.
 *
 * Row = position in the table, 0-based, append order; fragment = row / WG_FRAGMENT_ROWS. Every row has: id, begin, end,
 * prev (address of the version that it replaced), for edges from and to, and one cell a column (wg_vector physical cells).
 * Columns added later read as null in older rows. */
#ifndef WG_WORLDGRAPH_NODES_H
#define WG_WORLDGRAPH_NODES_H

#include "mvcc/mvcc.h"
#include "worldgraph/mmap/mmap.h"
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
/* WG_E_NOMEM only for a row of a mapped fragment whose `end`s are not in memory yet; undoing an end cannot fail. `stamp`: the
 * logseq that a checkpoint must reach to have seen this change: any that is above those that were given when the writer came. */
wg_code wg_table_set_end(wg_table *table, uint64_t row, uint64_t end, uint64_t stamp, wg_error *err);
/* Rows [row, row + count), which are in the heap and began at WG_LOGSEQ_OWN: they are rolled back, and stay gaps. */
void wg_table_unbegin(wg_table *table, uint64_t row, uint64_t count);
/* The same rows are of commit `logseq`, which nobody sees yet. */
void wg_table_stamp(wg_table *table, uint64_t row, uint64_t count, uint64_t logseq);

/* ---- reading */
uint64_t wg_table_row_count(const wg_table *table); /* versions, published */
/* Reads of mapped fragments may fail: WG_E_CORRUPT, WG_E_CAPACITY, WG_E_NOMEM. *out_found false: the row was dropped by a compaction,
 * because no snapshot that is still kept can see it (nor any version before it). */
wg_code wg_table_head(const wg_table *table, uint64_t row, wg_row_head *out, uint64_t *out_end, bool *out_found,
                      wg_error *err);
/* One cell. Strings live until the epoch is left; lists, maps and cells of compressed blocks are copied to `arena`. */
wg_code wg_table_cell(const wg_table *table, uint64_t row, uint32_t column, wg_arena *arena, wg_value *out,
                      wg_error *err);
/* Least and greatest value of a column over the fragment of `row`, for pruning; false when not known (heap fragments). */
bool wg_table_zone(const wg_table *table, uint64_t row, uint32_t column, wg_value *out_min, wg_value *out_max,
                   bool *out_has_null);
/* Before the fragment of `row` is scanned in `lane`: as wg_fragment_require; what is in the heap is in L1. */
wg_code wg_table_require(const wg_table *table, uint64_t row, const uint32_t *columns, uint32_t column_count,
                         wg_speed_lane lane, wg_error *err);
/* Asks for the fragment of `row` ahead of its scan. */
void wg_table_prefetch(const wg_table *table, uint64_t row, const uint32_t *columns, uint32_t column_count);

/* Lets go of the pages of these columns in the fragment of `row`, when it is mapped: they will hardly be read again soon. */
void wg_table_cool(const wg_table *table, uint64_t row, const uint32_t *columns, uint32_t column_count);

/* ---- stored fragments: a checkpoint writes, opening and compaction adopt
 *
 * A slot of 16,384 rows is in the heap or mapped. Row ordinals never change: a compaction may drop rows, which leaves gaps. A mapped slot
 * that gets new `end`s holds them in the heap until a checkpoint has written them (part 1). Appending goes on behind the last
 * row: into a heap fragment, or into one made from the mapped tail. */

/* What one checkpoint asks of a table: everything that changed at logseqs in (since, until], as of `until`. */
typedef struct wg_store_pass {
    wg_stripe_sink *sink;
    uint32_t owner; /* table number; DIRECTORY: 0 nodes, 1 edges; label number */
    uint64_t since;
    uint64_t until;
    uint64_t row_first; /* of a table: slots before its own are left to another pass */
    uint64_t row_count; /* captured under the writer's lock; of a table: rows before this one */
} wg_store_pass;
/* Writes the changed slots. Runs beside the writer, inside an epoch. An `end` above until is written as NEVER. */
wg_code wg_table_store(const wg_table *table, const wg_store_pass *pass, wg_error *err);
/* Writer: slot `rows->head.key.slot` is from now on read from the mapping (ends NULL: as in rows). A slot that changed after `until` stays in
 * the heap (not an error); ends in memory that the fragments do not hold yet are kept. The row count grows to cover it. */
wg_code wg_table_adopt(wg_table *table, const wg_fragment *rows, const wg_fragment *ends, uint64_t until,
                       wg_error *err);
/* Opening: rows below `row_count` exist, slots without fragment have no row. */
wg_code wg_table_adopt_count(wg_table *table, uint64_t row_count, wg_error *err);
/* Writer, after a compaction: the slot has no row left. Same rule for slots that changed. */
wg_code wg_table_adopt_empty(wg_table *table, uint64_t slot, uint64_t until, wg_error *err);
/* Writer, after it took rows [first, first + count) back: slots that begin among them and have no other row are given back, since no checkpoint would
 * write them. Their ordinals stay unused. */
void wg_table_drop_undone(wg_table *table, uint64_t first, uint64_t count);

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
/* From now on nobody reads vector 0: it is a constant null. */
void wg_table_scratch_skip_ids(wg_table_scratch *scratch);
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
/* release. `stamp` as in wg_table_set_end. WG_E_NOMEM, WG_E_CORRUPT only when the chunk was mapped; setting an id again that was set
 * since (undo) cannot fail. */
wg_code wg_directory_set(wg_directory *directory, uint64_t id, wg_row_address address, uint64_t stamp, wg_error *err);
/* Ids first, first + 1, ... get address, address + 1, ...: equal to that many wg_directory_set. */
wg_code wg_directory_set_run(wg_directory *directory, uint64_t first, uint64_t count, wg_row_address address,
                             uint64_t stamp, wg_error *err);
wg_code wg_directory_get(const wg_directory *directory, uint64_t id, wg_row_address *out,
                         wg_error *err); /* acquire; NONE when out of range */
/* As for tables; pass->row_count is the captured count of ids. An address whose version began after until is replaced by what
 * `version_at` says (the newest version at until, or NONE). */
typedef wg_code (*wg_version_at_fn)(void *ctx, bool is_edge, wg_row_address newest, uint64_t until,
                                    wg_row_address *out, wg_error *err);
wg_code wg_directory_store(const wg_directory *directory, const wg_store_pass *pass, wg_version_at_fn version_at,
                           void *ctx, wg_error *err);
wg_code wg_directory_adopt(wg_directory *directory, const wg_fragment *chunk, uint64_t until, wg_error *err);
wg_code wg_directory_adopt_count(wg_directory *directory, uint64_t count, wg_error *err);

/* ---- key index: key values -> ids; finds candidates, the caller checks visibility and equality of the version it sees */
typedef struct wg_key_index wg_key_index;
wg_code wg_key_index_create(wg_epoch *epoch, wg_account *account, wg_key_index **out, wg_error *err);
void wg_key_index_destroy(wg_key_index *index);
/* Hash of a composite key; agrees with wg_value_equivalent. */
uint64_t wg_key_hash(const wg_value *values, uint32_t count);
/* Adds hash -> id unless that pair is there, in memory or stored. Entries go only by compaction. Writer only. */
wg_code wg_key_index_add(wg_key_index *index, uint64_t hash, uint64_t id, wg_error *err);
/* hashes[i] -> first_id + i: equal to that many wg_key_index_add. */
wg_code wg_key_index_add_batch(wg_key_index *index, const uint64_t *hashes, uint64_t first_id, uint32_t count,
                               wg_error *err);
/* Asks for the place of a hash in memory ahead of its use. */
void wg_key_index_prefetch(const wg_key_index *index, uint64_t hash);
wg_code wg_key_index_reserve(wg_key_index *index, uint64_t more, wg_error *err);
/* Iterates ids whose hash is equal: start with *position = 0; *out_found false at the end. Stored runs first, then memory. */
wg_code wg_key_index_next(const wg_key_index *index, uint64_t hash, uint64_t *position, uint64_t *out_id,
                          bool *out_found, wg_error *err);
/* Checkpoint: what is in memory now becomes immutable and new entries go to a fresh table (writer); `store` writes it as a run of
 * KEYS fragments sorted by (hash, id) whose ordinals follow those stored before, and which covers [run, attributes[0]). When the
 * checkpoint fails, the next freeze takes it together with what came since. */
wg_code wg_key_index_freeze(wg_key_index *index, wg_error *err);
wg_code wg_key_index_store(const wg_key_index *index, const wg_store_pass *pass, wg_error *err);
/* Replaces all stored runs by these (all pieces of all runs in key order); with `frozen_is_stored` what was frozen is now among
 * them and leaves the memory. Writer. */
wg_code wg_key_index_adopt(wg_key_index *index, const wg_fragment *const *pieces, uint32_t piece_count,
                           bool frozen_is_stored, wg_error *err);
uint64_t wg_key_index_stored_count(const wg_key_index *index); /* ordinals given to stored entries */

#endif
