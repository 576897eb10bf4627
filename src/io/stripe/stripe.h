/* io/stripe: ARC1 files: an append-only writer and a mapped reader of columnar fragments. docs/format/arc1.md has the bytes; io/segment
 * encodes and decodes them.
 *
 * A stripe is a sequence of fragments, written once and never changed. A fragment has a key, up to 16,384 rows and typed columns;
 * each column is one block with its own encoding, zone map and checksum, which binds store, stripe and offset. A footer lists
 * all fragments. Blocks begin at multiples of 64; fragments that are large begin at a page, so that their pages can be
 * dropped alone.
 *
 * Reading: header and footer are checked at open; a block's checksum is checked before its first use, once (P4: WG_E_CORRUPT
 * names file and offset). Large blocks of strings have a checksum for each 64 KiB, and are admitted and checked in such parts. Before a block is first touched its bytes are admitted to L1_CPU_WARM of the governor; eviction drops the
 * pages, pointers into the mapping stay valid and read the file again.
 *
 * Threads: a writer one at a time; readers any. */
#ifndef WG_IO_STRIPE_H
#define WG_IO_STRIPE_H

#include "base/column/column.h"
#include "io/cache/cache.h"

enum { WG_FRAGMENT_ROWS_MAX = 16384, WG_FRAGMENT_COLUMNS_MAX = 8256, WG_FRAGMENT_ATTRIBUTES = 6 };
#define WG_STRIPE_BYTES_DEFAULT (UINT64_C(64) << 20)

/* What a fragment is. Numbers are in the format. */
typedef enum wg_fragment_kind {
    WG_KIND_CATALOG = 1,   /* definitions, as mutations */
    WG_KIND_CHAIN = 2,     /* chain values of commits */
    WG_KIND_TABLE = 3,     /* what tables there are: label set, columns, counts */
    WG_KIND_HISTORY = 4,   /* live rows of a table over time */
    WG_KIND_ROWS = 5,      /* part 0: versions of rows; part 1: newer `end`s of the same slot */
    WG_KIND_DIRECTORY = 6, /* id -> row address; owner 0 nodes, 1 edges */
    WG_KIND_KEYS = 7,      /* key index of a label: hash -> id, sorted */
    WG_KIND_ADJACENCY = 8, /* CSR of an edge label */
    WG_KIND_RUNS = 9,      /* what runs of agents there are: origins, versions, notes */
    WG_KIND_STATE = 10,    /* key-value records of a run, by key, newest version first */
    WG_KIND_EVENTS = 11    /* events of a run */
} wg_fragment_kind;

/* Ordered by (kind, owner, run, slot, part). Of two fragments with one key the one with the higher version counts. */
typedef struct wg_fragment_key {
    uint32_t kind;
    uint32_t owner; /* number of the table, label or agents' run */
    uint64_t run;   /* KEYS, ADJACENCY: first ordinal that the run covers; STATE: versions are above it; else 0 */
    uint64_t slot;  /* ROWS: row >> 14; DIRECTORY: id >> 14; EVENTS: sequence >> 10; others: number of the piece */
    uint32_t part;
} wg_fragment_key;
int wg_fragment_key_compare(const wg_fragment_key *a, const wg_fragment_key *b);

typedef struct wg_fragment_head {
    wg_fragment_key key;
    uint64_t version;   /* logseq of the checkpoint that it shows; a merge keeps the highest of what it merged */
    uint32_t row_count; /* of every column */
    uint64_t attributes[WG_FRAGMENT_ATTRIBUTES]; /* by kind; docs/format/arc1.md */
} wg_fragment_head;

/* Column ids below this are columns of the table; the others are heads. */
enum {
    WG_COLUMN_HEADS = 1 << 24,
    WG_COLUMN_ROW = WG_COLUMN_HEADS, /* offset of the row in its slot; absent: 0, 1, 2, ... */
    WG_COLUMN_ID,
    WG_COLUMN_BEGIN,
    WG_COLUMN_END,  /* absent: NEVER for all */
    WG_COLUMN_PREV, /* absent: NONE for all */
    WG_COLUMN_FROM,
    WG_COLUMN_TO,
    WG_COLUMN_ADDRESS,    /* DIRECTORY */
    WG_COLUMN_HASH,       /* KEYS, with ID */
    WG_COLUMN_NODE,       /* ADJACENCY parts 0 and 2: nodes ascending, and */
    WG_COLUMN_OFFSET,     /* where their entries begin in the run */
    WG_COLUMN_EDGE,       /* ADJACENCY parts 1 and 3: entries */
    WG_COLUMN_NEIGHBOUR,  /* and, in older files, the other end of each */
    WG_COLUMN_LOGSEQ,     /* CATALOG, HISTORY, CHAIN */
    WG_COLUMN_PAYLOAD,    /* CATALOG, CHAIN, TABLE, RUNS, STATE, EVENTS: BYTES; HISTORY: INT */
    WG_COLUMN_VERSION,    /* STATE, EVENTS: of the run */
    WG_COLUMN_TIME,       /* STATE, EVENTS: microseconds since 1970 */
    WG_COLUMN_TYPE,       /* EVENTS: STRING or BYTES */
    WG_COLUMN_VALUE_TYPE, /* STATE, EVENTS: wg_type of the payload; STATE: 255 is a deletion */
    WG_COLUMN_DIGEST,     /* EVENTS: BYTES, 32 each */
    WG_COLUMN_KEY,        /* STATE: BYTES */
    WG_COLUMN_EXPIRES     /* STATE; absent: 0 for all */
};

/* ---- writing */

typedef struct wg_stripe_options {
    uint8_t store_uuid[16];
    uint64_t capacity_bytes; /* of the file; 0: default */
    bool zstd;               /* compress blocks where it pays */
    bool decimals;           /* encode decimal fractions as such; programs that do not know DECIMAL refuse the file */
    bool short_entries;      /* adjacency is written without neighbours; programs that need them refuse the file */
    bool plain;              /* no encodings: for measurements */
    uint64_t parts_from;     /* blocks of strings of so many bytes have checksums of parts; 0: 256 KiB */
    wg_account *account;
} wg_stripe_options;

typedef struct wg_stripe_column {
    uint32_t id;
    wg_vector
        vector; /* any kind; row_count rows. Types: BOOL, INT, DATE, LOCAL_TIME, LOCAL_DATETIME, FLOAT, STRING, BYTES, NODE (any
                         u64), or ANY (wg_value cells, NODE and EDGE excluded) */
} wg_stripe_column;

typedef struct wg_stripe_writer wg_stripe_writer;

/* Writes DIR/<id, 20 digits>.arc1.tmp; what lay under that name is replaced. */
wg_code wg_stripe_create(wg_platform *platform, const char *dir, uint64_t id, const wg_stripe_options *options,
                         wg_stripe_writer **out, wg_error *err);
/* Appends one fragment; keys of one stripe ascend. Column ids ascend. Errors: WG_E_CAPACITY ("CapacityExceeded") when the file would
 * pass its capacity and holds a fragment already: nothing was written, finish this one and go on in the next. A fragment alone
 * may be larger than the capacity. */
wg_code wg_stripe_add(wg_stripe_writer *writer, const wg_fragment_head *head, const wg_stripe_column *columns,
                      uint32_t column_count, wg_error *err);
uint64_t wg_stripe_bytes(const wg_stripe_writer *writer); /* so far */
/* Footer, sync, rename, sync of the directory; frees the writer in every case. *out_bytes: size of the file. */
wg_code wg_stripe_finish(wg_stripe_writer *writer, uint64_t *out_bytes, wg_error *err);
void wg_stripe_abort(wg_stripe_writer *writer); /* removes the temporary file; NULL is legal */

/* ---- reading */

typedef struct wg_stripe wg_stripe;

/* One column as the footer describes it. */
typedef struct wg_fragment_column {
    uint32_t id;
    wg_type type;
    uint32_t null_count;
    bool has_zone; /* min and max are set: over the present values, NaN excluded (a column with NaN has no zone) */
    wg_value min;  /* strings: cut to a prefix (max: raised) when longer than 64 bytes */
    wg_value max;
    uint64_t stored_bytes;
} wg_fragment_column;

/* Lives as long as its stripe. */
typedef struct wg_fragment {
    wg_fragment_head head;
    uint32_t column_count;
    const wg_fragment_column *columns;
    wg_stripe *stripe;
} wg_fragment;

/* `cache` NULL: no governor. Maps the file; reads header, footer and nothing else. */
wg_code wg_stripe_open(wg_platform *platform, const char *dir, uint64_t id, const uint8_t store_uuid[16],
                       wg_cache *cache, wg_account *account, wg_stripe **out, wg_error *err);
void wg_stripe_close(wg_stripe *stripe); /* nobody uses it; unmaps */
/* Pages that the governor has not charged leave the process, header and footer among them; with `everything` all do. No pointer and no
 * byte changes: what is read again comes back from the file. Threads: any, beside readers. */
void wg_stripe_drop_pages(const wg_stripe *stripe, bool everything);
uint64_t wg_stripe_id(const wg_stripe *stripe);
uint64_t wg_stripe_file_bytes(const wg_stripe *stripe);
uint32_t wg_stripe_fragment_count(const wg_stripe *stripe);
const wg_fragment *wg_stripe_fragment(const wg_stripe *stripe, uint32_t i);
/* Checks every block, the zeros between them, that encodings decode, zone maps and counts. For verify. */
wg_code wg_stripe_check(wg_stripe *stripe, wg_error *err);
/* What `worldgraph dump` prints: JSON, one line each for the file, each fragment, each of its columns; with `cells`, their
 * values too. `fn` gets the line without its end; false stops (not an error). Checks what it reads. */
typedef bool (*wg_stripe_dump_fn)(void *ctx, wg_slice line);
wg_code wg_stripe_dump(wg_stripe *stripe, bool cells, wg_stripe_dump_fn fn, void *ctx, wg_error *err);
const char *wg_fragment_kind_name(uint32_t kind); /* "ROWS", ...; "?" when unknown */
/* "DIR/<id>.arc1" into out[4160]. */
wg_code wg_stripe_path(const char *dir, uint64_t id, char *out, size_t out_size, wg_error *err);
/* True when `name` is that of a stripe (or of its temporary file); *out_id its number. */
bool wg_stripe_name_parse(const char *name, uint64_t *out_id, bool *out_temporary);

/* Index into columns[]; UINT32_MAX: none. */
uint32_t wg_fragment_column_of(const wg_fragment *fragment, uint32_t id);

/* Reusable memory of one reader for one column; a zeroed struct with account is valid. */
typedef struct wg_fragment_scratch {
    wg_account *account;
    void *cells; /* WG_BATCH_ROWS_MAX cells of up to 16 bytes */
    uint64_t valid[WG_BATCH_ROWS_MAX / 64 + 1];
    wg_buf block; /* a decompressed block, and whose it is */
    const wg_fragment *block_of;
    uint32_t block_column;
    uint64_t block_serial; /* of its stripe: a pointer may come back with another stripe behind it */
    wg_arena values;       /* lists and maps of the current batch */
    bool values_ready;
    wg_str *entries; /* of a dictionary, and whose it is */
    const wg_fragment *entries_of;
    uint32_t entries_column;
    uint64_t entries_serial;
} wg_fragment_scratch;
void wg_fragment_scratch_deinit(wg_fragment_scratch *scratch);

/* Rows [first, first + count) of one column, count <= WG_BATCH_ROWS_MAX, always FLAT. A plain column is a pointer into the mapping; others are
 * decoded into scratch. STRING and BYTES point into the mapping (or into scratch->block). Valid until the scratch is used
 * again and the stripe is open. Errors: WG_E_CORRUPT, WG_E_CAPACITY (governor), WG_E_NOMEM. */
wg_code wg_fragment_read(const wg_fragment *fragment, uint32_t column, uint32_t first, uint32_t count,
                         wg_fragment_scratch *scratch, wg_vector *out, wg_error *err);
/* The same, but STRING cells that are stored as a dictionary of at most WG_FRAGMENT_ENTRIES_MAX entries come as a DICT vector. */
enum { WG_FRAGMENT_ENTRIES_MAX = 1024 };
wg_code wg_fragment_read_coded(const wg_fragment *fragment, uint32_t column, uint32_t first, uint32_t count,
                               wg_fragment_scratch *scratch, wg_vector *out, wg_error *err);
/* One cell. Bytes point into the mapping, or were copied to `arena` (compressed blocks, lists, maps). */
wg_code wg_fragment_cell(const wg_fragment *fragment, uint32_t column, uint32_t row, wg_arena *arena, wg_value *out,
                         wg_error *err);
/* One cell of a NODE or INT column without nulls; any other column is WG_E_CORRUPT: the file is not what the caller takes it for. */
wg_code wg_fragment_u64(const wg_fragment *fragment, uint32_t column, uint32_t row, uint64_t *out, wg_error *err);
/* Cells [row, row + count) of such a column, of any count. */
wg_code wg_fragment_u64s(const wg_fragment *fragment, uint32_t column, uint32_t row, uint32_t count, uint64_t *out,
                         wg_error *err);
/* First row whose cell is >= value, in a NODE column without nulls that ascends; row_count when none. */
wg_code wg_fragment_lower_bound(const wg_fragment *fragment, uint32_t column, uint64_t value, uint32_t *out_row,
                                wg_error *err);
/* Asks the kernel to read the fragment (all columns, or those with ids in `ids`) ahead; no admission, no wait. */
void wg_fragment_prefetch(const wg_fragment *fragment, const uint32_t *ids, uint32_t id_count);
/* Pages of these columns leave the process: they were read for the last time in a while. Who reads them all the same has them again. */
void wg_fragment_cool(const wg_fragment *fragment, const uint32_t *ids, uint32_t id_count);
/* Before columns with these ids (ids NULL: all) are scanned in `lane`: admits and checks their blocks. What cannot be admitted is no
 * error in PREFER and WG_E_CAPACITY, "BelowSpeedLane: ...", in ONLY. ANY does nothing. */
wg_code wg_fragment_require(const wg_fragment *fragment, const uint32_t *ids, uint32_t id_count, wg_speed_lane lane,
                            wg_error *err);
wg_cache_entry *wg_fragment_cache_entry(const wg_fragment *fragment);

#endif
