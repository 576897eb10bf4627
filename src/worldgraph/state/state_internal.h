/* worldgraph/state, inside: what its files share. Users include state.h.
 *
 * table.c    segments, slots, reads of one key           history.c  replaced records, the bound, what pins keep
 * pins.c     pins, snapshots, notes of runs              run.c      runs, forks, drops
 * commit.c   one operation; put.c, straight.c the commonest   txn.c   transactions
 * redo.c     redo records, restore; replay.c             collect.c  purging, metrics
 * order.c    keys in order; order_fill.c                 scan.c     scans, changes
 * A slot is 128 bytes, 16 words that are read and written one by one (relaxed), so that a reader never takes a lock:
 *   word 0     bit 63: locked | 47 bits version (bits 16..62) | u8 key size (bits 8..15; 255: in a block) | bits 5..7: flags | bits 0..4: type
 *   byte 8     u32: 24 bits run << 8 | u8 value size (inline ones)
 *   byte 12    key of up to 92 bytes; or, with key size 255: u32 size, u32 high half of the hash, 4 zeros, u64 address of a wgi_block (byte 24)
 *   behind it  u64 expires (flag EXPIRES), value; or, with flag BLOCK: byte 104 u64 expires, byte 112 u32 size, byte 116 u32 1: mapped,
 *              byte 120 u64 address of a wgi_block, or of the bytes themselves when mapped
 * Word 0 is 0 in a slot that was never used. It is locked (a plain store, under the segment's lock) before its commit takes its version.
 *
 * The reader: entry of the directory -> number of the segment -> generation of its header -> slot; copies; then word 0 and the generation
 * must be as before, else again. Who finds the key absent also finds the directory's entry as before. Segments, history chunks and
 * directories are never given back while the state lives, so reading a stale one is harmless; only blocks need the epoch. */
#ifndef WG_WORLDGRAPH_STATE_INTERNAL_H
#define WG_WORLDGRAPH_STATE_INTERNAL_H

#include "worldgraph/state/state.h"

enum {
    WGI_SLOTS = 128, /* of a segment */
    WGI_SLOT_WORDS = 16,
    WGI_SLOT_BYTES = 128,
    WGI_KEY_AT = 12,
    WGI_KEY_INLINE_MAX = 92,
    WGI_KEY_IN_BLOCK = 255,
    WGI_INLINE_BYTES = WGI_SLOT_BYTES - WGI_KEY_AT, /* key, expires and value together */
    WGI_SEGMENT_FULL = 96,                          /* more keys split it */
    WGI_CHUNK_SEGMENTS = 128,                       /* 2 MiB */
    WGI_HISTORY_CHUNK_BYTES = 1 << 18,
    WGI_RECORD_BYTES_MAX = 32 + WGI_SLOT_BYTES /* of history */
};
/* Mutexes of the state (docs/locks.md), off the path of commits but for a table that grows and a history chunk that is full. */
enum {
    WGI_RANK_COLLECT = 71,
    WGI_RANK_RUNS = 72,
    WGI_RANK_TABLE = 73,
    WGI_RANK_HISTORY = 75,
    WGI_RANK_SESSIONS = 77
};
#define WGI_LOCKED        (UINT64_C(1) << 63)
#define WGI_FLAG_DELETED  UINT64_C(0x20)
#define WGI_FLAG_EXPIRES  UINT64_C(0x40)
#define WGI_FLAG_BLOCK    UINT64_C(0x80)
#define WGI_VERSION_SHIFT 16
static inline uint64_t wgi_version_of(uint64_t word0) { return (word0 & ~WGI_LOCKED) >> WGI_VERSION_SHIFT; }

typedef struct wgi_slot {
    _Alignas(WGI_SLOT_BYTES) _Atomic uint64_t words[WGI_SLOT_WORDS];
} wgi_slot;
typedef struct wgi_side {     /* beside each slot */
    _Atomic uint64_t history; /* position of the record before; 0: none */
    _Atomic uint64_t time_us;
} wgi_side;
typedef struct
    wgi_header { /* of a segment; eight a line, so that those of a million keys stay in the second-level cache */
    _Atomic uint8_t lock;    /* 0 free, 1 held */
    _Atomic uint8_t depth;   /* bits of the hash that all its keys share; 255: not in use */
    uint8_t used;            /* slots that are not empty; under the lock */
    _Atomic uint8_t deleted; /* at least the deletions in it, up to 255: written under the lock */
    _Atomic uint32_t
        generation; /* odd while it is out of service; rises each time it is put into service or out of it */
} wgi_header;
typedef struct wgi_chunk { /* 128 segments */
    wgi_slot *slots;
    wgi_side *sides;
    wgi_header *headers;
} wgi_chunk;

/* A value or key out of its slot. */
typedef struct wgi_block {
    wg_epoch_link link;
    _Atomic uint32_t holds; /* the slot's or a history record's, each one */
    uint64_t size;
    uint8_t bytes[];
} wgi_block;

/* A copy of a record, from slot or history, and of what is beside it. */
typedef struct wgi_record {
    uint64_t words[WGI_SLOT_WORDS];
    uint64_t history; /* of the one before */
    uint64_t time_us;
    uint64_t replaced_by; /* version; UINT64_MAX: the newest */
} wgi_record;

typedef struct wgi_order wgi_order;     /* order.c */
typedef struct wgi_pins wgi_pins;       /* pins.c */
typedef struct wgi_table wgi_table;     /* table.c */
typedef struct wgi_history wgi_history; /* history.c */
typedef struct wgi_notes wgi_notes;     /* pins.c */
typedef struct wgi_touched wgi_touched; /* touched.c */

struct wg_state_run {
    wg_epoch_link link; /* first: retired by the epoch */
    wg_state *state;
    wgi_table *table;
    wg_run_origin origin;
    uint64_t hash_mix;    /* of its keys' hashes; hash ^ child's mix ^ parent's mix is the hash in the parent */
    wg_state_run *parent; /* NULL: none; held while this run is there */
    wg_events *events;
    wgi_order *order;            /* order.c's; made by wgi_order_create with the run */
    _Atomic uint8_t order_state; /* wgi_order_state */
    _Atomic uint32_t holds;      /* the state's own, children, wg_state_run_hold */
    _Atomic bool dropped;
    wg_state_run *next_dead;              /* under runs_mutex */
    uint64_t dead_since;                  /* round of the collector that began behind its drop */
    _Alignas(64) _Atomic uint64_t newest; /* begins at origin.fork_version: a fork goes on in its parent's versions */
    _Atomic uint32_t event_lock;          /* taken before segments */
    _Alignas(64) _Atomic uint64_t durable;
    _Atomic uint64_t horizon;  /* below it a version may be gone */
    _Atomic uint64_t stored;   /* deletions up to it may be purged */
    _Atomic uint64_t purged;   /* the newest deletion that was purged */
    _Atomic uint64_t restored; /* below it only pinned versions are whole */
    _Atomic uint32_t pin_lock; /* guards pins and notes */
    wgi_pins *pins;
    wgi_notes *notes;
    uint64_t notes_from;           /* wg_state_run_notes_from */
    _Atomic uint64_t pinned_least; /* smallest pinned version; UINT64_MAX: none */
    _Atomic uint64_t touch_below; /* touched.c: a commit that replaces a record of a version below it notes the key */
    _Atomic(wgi_touched *) touched;
};

struct wg_state {
    wg_state_options options;
    wg_epoch *epoch;
    wg_account *account;
    wgi_table *table;
    wgi_history *history;
    wg_slots runs;
    _Atomic uint32_t run_count;
    wg_mutex runs_mutex;     /* creation and drop */
    wg_mutex sessions_mutex; /* list of sessions */
    wg_state_session *sessions;
    wg_state_session *replay;           /* without a lane: replay and restore */
    bool filling;                       /* order_fill.c */
    wg_pages *pages;                    /* of segments, history and events */
    wg_state_run *dead;                 /* dropped ones whose keys are still in the table; under runs_mutex */
    wg_mutex collect_mutex;             /* one collector at a time */
    uint64_t collect_at, collect_round; /* hash that the round has come to */
    _Atomic uint64_t large_bytes;
    _Atomic uint64_t commits, conflicts; /* of closed sessions */
    _Atomic uint32_t prepared;           /* commits between prepare and apply: nothing is purged */
};

/* ---- one key */

typedef enum wgi_found {
    WGI_FOUND,   /* *out is the newest record of the run itself with version <= snapshot */
    WGI_DELETED, /* so it is, but a deletion */
    WGI_ABSENT,  /* the run itself has no record with version <= snapshot (of a fork: look in its parent) */
    WGI_EXPIRED  /* forgotten */
} wgi_found;
/* The record of `run` itself (never its parent's) at `snapshot` (WG_LOGSEQ_NEVER: the newest committed). No lock; waits for a commit that holds
 * the slot. `out` has the words as a slot has them. Expiry is the caller's to look at. The caller is inside the epoch (keys of at most
 * WGI_KEY_INLINE_MAX bytes whose value block nobody looks at need none); blocks of what it gets live until it leaves. */
wgi_found wgi_slot_read(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, wgi_record *out);
/* The parent's record (or its parent's, ...) that a fork sees: *out_run says whose it is. run->parent is not NULL. */
wgi_found wgi_fork_get(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, wgi_record *out,
                       const wg_state_run **out_run);
/* Into the cell: version 0 when it has expired at now_us or is a deletion. Inside the epoch since before the record was read. */
wg_code wgi_record_to_cell(const wgi_record *record, uint64_t now_us, wg_state_cell *out, wg_error *err);
/* Starts the misses of a key: directory, then header, slot and side. */
void wgi_prefetch(const wg_state_run *run, uint64_t hash);
/* Own records of the key with version <= snapshot, newest first; false stops. Value bytes live until fn returns. Inside the epoch. */
wg_code wgi_versions(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, wg_state_version_fn fn,
                     void *ctx, bool *out_complete, wg_error *err);

/* Decoding; words are those of a record. */
static inline uint64_t wgi_record_version(const wgi_record *r) { return wgi_version_of(r->words[0]); }
static inline bool wgi_record_deleted(const wgi_record *r) { return (r->words[0] & WGI_FLAG_DELETED) != 0; }
static inline uint8_t wgi_record_type(const wgi_record *r) { return (uint8_t)(r->words[0] & 0x1f); }
uint64_t wgi_record_expires(const wgi_record *r); /* 0: never */
wg_slice wgi_record_value(const wgi_record *r);   /* inside r, or in its block: until the epoch is left */

/* ---- keys in order: written in order.c, called by the others */
wg_code wgi_order_create(wg_state *state, wgi_order **out, wg_error *err);
void wgi_order_destroy(wgi_order *order); /* nobody reads */
/* Before the first record of a key in this run becomes visible, outside of its locks; any thread. Idempotent. NOMEM leaves all as it was. */
wg_code wgi_order_insert(wg_state_run *run, const wg_state_key *key, wg_error *err);
/* A key without any record is gone: a purged deletion. Called with its segment's lock held; cannot fail; absent keys are fine. */
void wgi_order_remove(wg_state_run *run, const wg_state_key *key);
/* Frees up to about `max` nodes of a dropped run's tree; true: there is more. */
bool wgi_order_drop_some(wgi_order *order, uint32_t max);
uint64_t wgi_order_bytes(const wgi_order *order);

/* ---- ranges of serializable transactions: written in scan.c, called by the commit */

typedef struct wgi_range wgi_range;
/* Whether a key of a range that the transaction scanned has a record with since < version <= until of somebody else (deletions too; keys of the
 * parents cannot change). Called with the locks of the commit held: waits for a slot only that another commit has locked. */
wg_code wgi_ranges_check(wg_state_txn *txn, uint64_t since, uint64_t until, wg_error *err);
void wgi_ranges_reset(wg_state_txn *txn);

/* ---- sessions and transactions */

typedef struct wgi_write {
    wg_state_key key;  /* bytes in the transaction's arena */
    uint64_t expected; /* WG_VERSION_ANY: none */
    uint64_t expires_us;
    wg_slice value;       /* in the arena or in `block` */
    wgi_block *block;     /* value; NULL: inline */
    wgi_block *key_block; /* NULL: inline or there already */
    uint8_t type;
    bool deleted;
    bool mapped;                   /* value bytes stay where they are */
    bool is_new, ordered, skipped; /* the commit's; skipped: a deletion of what is absent */
    bool counted, full;            /* its new place is counted in its segment; there is none before a split */
    uint32_t split_more;           /* with full */
    uint64_t parent_version;       /* what the parents show; 0: nothing, or not asked */
    uint32_t segment, generation;  /* of the table when the key was put in order */
    uint32_t at, slot;             /* its segment and place while that is locked */
    uint64_t word0;
} wgi_write;
typedef struct wgi_read {
    wg_state_key key;
    uint64_t version; /* that was seen; 0: absent */
    bool of_parent;   /* not a record of the run itself */
    uint32_t at;      /* its segment while that is locked */
} wgi_read;
typedef struct wgi_event {
    wg_slice type;
    wg_state_value payload;
} wgi_event;

struct wg_state_txn { /* pooled: one a session */
    wg_state_session *session;
    wg_state_run *run;
    uint64_t snapshot;
    uint64_t now_us;
    wg_state_isolation isolation;
    bool open, prepared, reads_events;
    uint64_t events_seen;
    wgi_write *writes; /* in order of first use; one a key */
    wgi_read *reads;
    wgi_event *events;
    uint32_t write_count, read_count, event_count;
    uint32_t write_room, read_room, event_room;
    uint32_t *write_index, *read_index; /* hash -> number + 1; power-of-two sizes; NULL while small */
    uint32_t write_index_room, read_index_room;
    uint32_t *sorted; /* numbers of writes in key order; valid up to sorted_count writes */
    uint32_t sorted_count, sorted_room;
    wg_arena arena; /* bytes of keys, values and events; small ones first in `scratch` */
    uint32_t scratch_used;
    bool arena_used;
    wgi_range *ranges;       /* scan.c's; in its own memory, wgi_ranges_reset empties it */
    uint64_t version;        /* of a prepared commit */
    size_t redo_bytes;       /* of all operations, encoded */
    struct wgi_quick *quick; /* straight.c: a transaction of one key before it is more */
    uint8_t scratch[512];
};
/* The writes in order of their keys: *out has txn->write_count numbers. Valid until the next write. */
wg_code wgi_txn_sorted(wg_state_txn *txn, const uint32_t **out, wg_error *err);
void wgi_txn_deinit(wg_state_txn *txn);
/* The write of a key; NULL: none. */
const wgi_write *wgi_txn_write(const wg_state_txn *txn, const wg_state_key *key);

typedef struct wgi_scans wgi_scans; /* scan.c: the session's pool of scans */
void wgi_scans_destroy(wgi_scans *scans);

struct wg_state_session {
    wg_state *state;
    wg_lane *lane;                 /* NULL: replay */
    wg_state_session *next, *prev; /* under sessions_mutex */
    struct wg_state_txn txn;
    wgi_scans *scans;                             /* made by scan.c at first use; NULL */
    struct wgi_writer *writer;                    /* commit.c: room in history, scratch of locks */
    _Alignas(64) _Atomic(wg_state_run *) reading; /* a short snapshot that history keeps: run, then version */
    _Atomic uint64_t reading_version;
    uint64_t tick, ticks_kept, now_us; /* a coarse time, good until so many ticks behind `tick` */
    struct wgi_own *own;               /* STRICT: its last version of each run that is not durable yet */
    uint32_t own_count, own_room;
    _Atomic uint64_t commits, conflicts;
};

/* What a new reader of this session sees in the run. */
uint64_t wgi_snapshot(const wg_state_session *session, const wg_state_run *run);

#include "worldgraph/state/lock_internal.h"

#endif
