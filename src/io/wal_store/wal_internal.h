/* io/wal_store, own files only: the scan, and the state of an open log. wal_bytes_internal.h has the bytes. */
#ifndef WG_IO_WAL_INTERNAL_H
#define WG_IO_WAL_INTERNAL_H

#include "io/wal_store/wal_stage_internal.h"
#include "io/wal_store/wal_store.h"

/* ---- what a log remembers of its commits and segments */

enum { WAL_CHAIN_BLOCK = 1024 };

typedef struct wal_chain {
    wg_account *account;
    wg_sha256 **blocks; /* of WAL_CHAIN_BLOCK commits each */
    size_t block_count;
    size_t block_capacity;
    uint64_t base_block; /* which one blocks[0] is */
    uint64_t start;      /* the commit that the log was opened after, and its value */
    wg_sha256 start_value;
    uint64_t first; /* values below are forgotten */
    uint64_t last;
    wg_sha256 head; /* the value after `last` */
} wal_chain;

void wgi_wal_chain_init(wal_chain *chain, wg_account *account, uint64_t after, const wg_sha256 *value);
void wgi_wal_chain_deinit(wal_chain *chain);
/* Room for the value of `logseq`; false: out of memory. */
bool wgi_wal_chain_reserve(wal_chain *chain, uint64_t logseq);
void wgi_wal_chain_put(wal_chain *chain, uint64_t logseq, const wg_sha256 *value); /* last + 1, reserved */
bool wgi_wal_chain_get(const wal_chain *chain, uint64_t logseq, wg_sha256 *out);
void wgi_wal_chain_forget(wal_chain *chain, uint64_t logseq);

/* A segment on the disk, and the first commit that begins in it or after it. */
typedef struct wal_note {
    uint64_t number;
    uint64_t first_begin;
} wal_note;

typedef struct wal_note_list {
    wal_note *items; /* numbers without gaps */
    size_t count;
    size_t capacity;
} wal_note_list;

bool wgi_wal_note_reserve(wal_note_list *list, size_t more);
void wgi_wal_note_put(wal_note_list *list, uint64_t number, uint64_t first_begin);

/* ---- scan */

/* Where a scan begins and what it must find there; wg_wal_options has the same three. */
typedef struct wal_start {
    uint64_t first_segment;
    uint64_t after;
    wg_sha256 chain;
    bool any; /* wherever the log begins: nothing is known of it */
} wal_start;

/* Input above, findings below. wgi_wal_scan_run changes nothing on the disk. */
typedef struct wal_scan {
    wg_platform *platform;
    const char *dir;
    const uint8_t *uuid;
    wal_start start;
    wg_wal_replay_fn replay; /* may be NULL */
    void *ctx;
    wal_chain *chain_out;     /* takes the values after the start when not NULL */
    wal_note_list *notes_out; /* takes the segments when not NULL */

    wg_buf numbers; /* of the segments in the directory */
    wg_buf bytes;   /* of the segment at hand, from offset `base` on */
    uint64_t base;
    uint64_t zeros_to; /* behind `bytes` the segment is zeros to here; 0: nobody knows what follows */
    uint64_t loaded;   /* the segment whose bytes these are; 0: none */
    wg_buf commit;     /* payload of a commit in several frames */
    wg_sha256_state *sha;
    wal_header header;
    uint64_t file_bytes;
    uint32_t segment_crc;
    bool in_commit;
    bool skipping; /* the commit under way began before the first segment */
    bool last_is_mark;
    bool chain_known; /* not behind a commit that was skipped, until a header or the start says it */
    uint32_t payload_crc;
    uint64_t last_logseq;
    wg_sha256 chain;
    wal_position stop;    /* where the log cannot go on */
    wal_position cut;     /* end of the last whole commit or mark: where appending goes on */
    wal_position durable; /* furthest position that any valid header says was durable */
    wg_wal_recovery recovery;
} wal_scan;

void wgi_wal_scan_init(wal_scan *scan, wg_platform *platform, const char *dir, const uint8_t uuid[16],
                       wg_account *account);
/* `options` have passed the checks of wal_store.c: first_segment is not 0. */
void wgi_wal_scan_start_at(wal_scan *scan, const wg_wal_options *options);
void wgi_wal_scan_deinit(wal_scan *scan);
wg_code wgi_wal_scan_run(wal_scan *scan, wg_error *err);
/* Loads the bytes of one segment up to the last one that is not zero, and some zeros; zeros_to is the size that its header states. */
wg_code wgi_wal_scan_load(wal_scan *scan, uint64_t number, wal_header_state *out, wg_error *err);

wg_code wgi_wal_scan_corrupt(const wal_scan *scan, wal_position at, const char *what, wg_error *err);
/* Takes the header of segment `number` from its first bytes into scan->header. Refuses another store, number or version. */
wg_code wgi_wal_scan_header(wal_scan *scan, uint64_t number, wg_slice bytes, wal_header_state *out, wg_error *err);
/* Whether the loaded segment goes on where the scan stands; steps into it when it does. The first one must. */
wg_code wgi_wal_scan_enter(wal_scan *scan, wal_header_state state, bool *out_continues, wg_error *err);
/* Replays frames from scan->stop on; leaves scan->stop where they end. */
wg_code wgi_wal_scan_frames(wal_scan *scan, wg_error *err);

/* ---- open log */

/* A segment that appends have left and no sync has covered. */
typedef struct wal_retired {
    wg_file *file;
    uint64_t number;
    uint32_t segment_bytes;
    uint32_t end; /* where its frames end */
} wal_retired;

typedef struct wal_retired_list {
    wal_retired *items;
    size_t count;
    size_t capacity;
} wal_retired_list;

/* Commits to be hashed, in order: a ring. An entry is the u64 `payload bytes << 1 | read back`, then the payload and zeros to a
 * multiple of 8, or the u64 position of its first frame. */
typedef struct wal_queue {
    uint8_t *bytes;
    size_t capacity;          /* a power of two */
    _Atomic uint64_t head;    /* where the next entry goes; written under append_lock (release) */
    _Atomic uint64_t tail;    /* the oldest entry; written under chain_lock (release) */
    _Atomic uint64_t to_read; /* payload bytes to be read back since the log was opened; written under append_lock */
    _Atomic uint64_t read;    /* how many of them are hashed; written under chain_lock */
    /* a part of a segment, for reading back; under chain_lock */
    wg_file *file; /* NULL: none */
    uint64_t number;
    wg_buf window;
    uint64_t window_from;
} wal_queue;

/* Of the newest segment, where writes are stores (wal_room.c). Guarded by append_lock. */
typedef struct wal_room {
    uint32_t end;   /* it reaches from the log's end to here; not behind it: there is none */
    uint32_t small; /* commits in a row for which it would be made */
    bool refused;   /* the file system cannot */
} wal_room;

struct wg_wal {
    wg_platform *platform;
    char *dir;
    wg_wal_options options;

    wg_mutex append_lock; /* guards up to `prepare_failed_at` */
    wg_file *file;
    uint64_t number;
    uint32_t segment_bytes;
    uint32_t segment_crc;
    uint32_t offset;
    uint32_t
        dirty_end; /* bytes from `offset` up to here are a failed commit's: wiped before the next write; 0: none */
    uint64_t stale_newest; /* segments over `number` up to this one are a failed commit's; 0: none */
    bool directory_dirty;  /* a segment was made or removed since the directory was synced */
    bool mark_wanted;      /* the newest frame is not a mark */
    bool zeroed;           /* the newest segment was full of zeros on the disk before its first frame */
    bool plain;            /* bytes were written through the cache since a leader looked */
    uint32_t written_back; /* of the newest segment, in which the disk may have begun */
    wal_stage stage;
    wal_room room;
    wal_retired_list retired;
    wg_buf frame;            /* reused by each append */
    uint64_t chain_reserved; /* values up to this commit have their room */
    wal_note_list notes;
    bool spare;                 /* a trimmed segment of the usual size lies under WAL_SPARE_NAME */
    wg_file *prepared;          /* zeros, synced, under WAL_PREPARE_NAME; NULL: none */
    uint64_t rotated_at_sync;   /* `syncs` when the newest segment began */
    uint64_t prepare_failed_at; /* not tried again before the next rotation */

    wg_mutex chain_lock; /* taken with append_lock held or alone; guards up to `sha` */
    wal_chain chain;
    wal_queue queue;
    bool chain_broken; /* the log could not be read back: it is poisoned, and values end here */
    wg_sha256_state *sha;

    _Atomic bool preparing; /* whoever set it owns the next three */
    wg_file *filling;
    uint32_t filled;
    uint64_t prepare_credit; /* `written` when the last step ended */

    wg_file *head_file; /* written by whoever leads; NULL: could not be made, and nobody minds */

    _Atomic uint64_t last_logseq;      /* written under append_lock */
    _Atomic uint64_t place;            /* number and offset, written under append_lock */
    _Atomic uint64_t written;          /* bytes of frames and headers, written under append_lock */
    _Atomic uint64_t durable_logseq;   /* written by who has the turn */
    _Atomic uint64_t durable_position; /* the same (release); append reads it (acquire) */
    _Atomic uint64_t durable_written;  /* the same */
    _Atomic uint64_t soon_logseq;      /* the thread syncs up to here without delay */
    _Atomic uint64_t hashed_logseq;    /* written under chain_lock */
    _Atomic bool poisoned;             /* release in poison; pairs with the acquire in every entry point */
    _Atomic bool sleeper_idle;         /* the background thread waits for a commit */
    _Atomic bool sleeper_waits;        /* it waits for anything */
    _Atomic bool batch_signalled;
    _Atomic bool chores; /* the second thread is wanted for hashing or for the next segment */

    /* Turns at syncing (wal_sync.c): even, nobody syncs; odd, turn `turn / 2` is under way. */
    _Atomic uint64_t turn;
    _Atomic uint64_t noted; /* last commit that the turn under way covers; UINT64_MAX: not known yet */
    wg_signal turn_over[2]; /* of even and odd turns */
    uint32_t crowd;         /* under the turn, with the next two: threads that waited when the last one ended */
    uint32_t crowd_missed;
    uint32_t crowd_pause;

    wg_mutex sync_lock; /* guards the rest */
    wg_cond wake;
    _Atomic bool stopping;
    wg_error poison;
    _Atomic bool has_thread; /* both run */
    wg_thread thread;
    wg_thread chores_thread;
    wg_signal chores_wanted;

    _Atomic uint64_t appends, append_bytes, syncs, sync_ns_total, sync_ns_max, commits_per_sync_max, segments, waits;
    _Atomic uint64_t segments_made, segments_trimmed, segments_reused, direct_syncs;
    wg_histogram sync_histogram;
};

static inline uint64_t wgi_wal_unsynced_bytes(const wg_wal *wal) {
    const uint64_t durable =
        atomic_load_explicit(&wal->durable_written, memory_order_relaxed); /* first: never passes */
    return atomic_load_explicit(&wal->written, memory_order_relaxed) - durable;
}
/* The first failure stays; later calls answer with it. */
void wgi_wal_poison(wg_wal *wal, const wg_error *cause);
wg_code wgi_wal_poisoned(wg_wal *wal, wg_error *err);
/* Appends a mark frame when there is room. Caller holds append_lock and everything before is synced. */
wg_code wgi_wal_append_mark(wg_wal *wal, wg_error *err);
/* A commit is about to be written: room for small ones may be made. Caller holds append_lock. */
void wgi_wal_room_make(wg_wal *wal, uint64_t payload_bytes);
/* Begins the next segment between two commits. Caller holds append_lock and the turn. */
wg_code wgi_wal_rotate_between(wg_wal *wal, wg_error *err);
/* Removes what a failed commit left and could not remove at once. Caller holds append_lock or is alone. */
wg_code wgi_wal_tail_clean(wg_wal *wal, wg_error *err);
/* Waits until nobody leads and makes the caller the leader; gives the turn, to be ended. Caller holds no lock. */
uint64_t wgi_wal_turn_hold(wg_wal *wal);
void wgi_wal_turn_end(wg_wal *wal, uint64_t number);
/* A commit on its way into the queue. */
typedef struct wal_link {
    uint64_t logseq;
    const wg_slice *parts;
    size_t part_count;
    uint64_t size;
    wal_position position; /* of its first frame */
    bool read_back;
} wal_link;
/* Makes room for a commit and its value, and decides whether it is read back; waits for the hashing when that lags too far. Caller holds
 * append_lock. WG_E_NOMEM, or WG_E_IO when the log cannot be read back. */
wg_code wgi_wal_chain_room(wg_wal *wal, wal_link *link, wg_error *err);
/* Queues a commit for which there is room, or hashes it. Caller holds append_lock. */
void wgi_wal_chain_queue(wg_wal *wal, const wal_link *link);
/* The value after the newest commit, for a header; zeros while a thread is still at it. Caller holds append_lock. */
void wgi_wal_chain_head(wg_wal *wal, wg_sha256 *out_head);
/* Hashes what was queued when it is called, beside appends. */
wg_code wgi_wal_chain_drain(wg_wal *wal, wg_error *err);
/* Whether the second thread should hash. */
bool wgi_wal_chain_wanted(const wg_wal *wal);
bool wgi_wal_chain_make(wg_wal *wal);
void wgi_wal_chain_end(wg_wal *wal);
/* Starts the background threads if they do not run yet, and stops them. */
wg_code wgi_wal_threads_start(wg_wal *wal, wg_error *err);
void wgi_wal_threads_stop(wg_wal *wal);
/* Syncs all that was appended when it starts; the caller has made itself the leader or is alone. */
wg_code wgi_wal_sync_all(wg_wal *wal, wg_error *err);
/* The same, but whoever asks, and readers, learn nothing of how far it came. */
wg_code wgi_wal_sync_quietly(wg_wal *wal, wg_error *err);
/* Makes itself the leader, or waits for one, while more than the options allow is unsynced. */
void wgi_wal_back_pressure(wg_wal *wal);
/* Whether the next segment should be prepared. Caller holds append_lock. */
bool wgi_wal_prepare_wanted(const wg_wal *wal);
/* Fills a part of the next segment, or all of it; failure only means that the next rotation makes its own. */
void wgi_wal_prepare(wg_wal *wal, bool whole);
/* The next segment at once and whole, wanted or not. */
void wgi_wal_prepare_now(wg_wal *wal);
/* Keeps the trimmed segment `number`, whose name is `path`, to be used again; false: remove it. */
bool wgi_wal_spare_keep(wg_wal *wal, const char *path, uint64_t number);
/* Lets go of a segment that was prepared, ready or half-made. The caller is alone. */
void wgi_wal_prepare_end(wg_wal *wal);
/* Gives the prepared segment the name `path` and its header. Caller holds append_lock. False: make one. */
bool wgi_wal_prepare_take(wg_wal *wal, const char *path, const wal_header *header, wg_file **out);
/* Opens or makes wal/HEAD; failure leaves it NULL. */
void wgi_wal_head_open(wg_wal *wal);
void wgi_wal_head_write(wg_wal *wal, wal_position durable, uint64_t logseq);

#endif
