/* io/wal_store, own files only: the bytes of the log (docs/format/wal.md), the scan, and the state of an open log. */
#ifndef WG_IO_WAL_INTERNAL_H
#define WG_IO_WAL_INTERNAL_H

#include "io/wal_store/wal_store.h"

/* ---- bytes */

enum {
    WAL_VERSION = 1,
    WAL_ALIGN = 8,
    WAL_SECTOR_BYTES = 512, /* segment sizes are multiples of it */
    WAL_SEGMENT_BYTES_MIN = 4096,
    WAL_SEGMENT_BYTES_MAX = 256 << 20,
    WAL_NAME_BYTES = 24, /* 20 digits and ".wal" */
    WAL_PATH_BYTES = 4096 + 32,
    /* A commit that does not fit is split only when more than this is left; else it starts in the next segment. */
    WAL_SPLIT_BYTES_MIN = 4096,
    WAL_UNSYNCED_BYTES_DEFAULT = 64 << 20,
};

/* Segment header. */
enum {
    WAL_H_MAGIC = 0,
    WAL_H_VERSION = 8,
    WAL_H_HEADER_BYTES = 12,
    WAL_H_UUID = 16,
    WAL_H_NUMBER = 32,
    WAL_H_SEGMENT_BYTES = 40,
    WAL_H_FEATURES = 44,
    WAL_H_FIRST_LOGSEQ = 48,
    WAL_H_PREVIOUS_END = 56,
    WAL_H_DURABLE = 64,
    WAL_H_CHAIN = 72,
    WAL_H_RESERVED = 104,
    WAL_H_CRC = 124,
    WAL_HEADER_BYTES = 128
};
_Static_assert(WAL_H_UUID + 16 == WAL_H_NUMBER, "the uuid ends where the number begins");
_Static_assert(WAL_H_CHAIN + 32 == WAL_H_RESERVED, "the chain ends where the reserve begins");
_Static_assert(WAL_H_CRC + 4 == WAL_HEADER_BYTES, "the checksum is last");

/* Frame header. */
enum {
    WAL_F_HEADER_CRC = 0,
    WAL_F_PAYLOAD_CRC = 4,
    WAL_F_PAYLOAD_BYTES = 8,
    WAL_F_KIND = 12,
    WAL_F_RESERVED = 13,
    WAL_F_LOGSEQ = 16,
    WAL_F_DURABLE = 24,
    WAL_FRAME_BYTES = 32
};
_Static_assert(WAL_F_RESERVED + 3 == WAL_F_LOGSEQ, "three reserved bytes");
_Static_assert(WAL_F_DURABLE + 8 == WAL_FRAME_BYTES, "the durable position is last");
_Static_assert(WAL_FRAME_BYTES % WAL_ALIGN == 0, "frames stay aligned");
_Static_assert(WAL_HEADER_BYTES % WAL_ALIGN == 0, "the first frame is aligned");

typedef enum wal_kind { WAL_FULL = 1, WAL_FIRST = 2, WAL_MIDDLE = 3, WAL_LAST = 4, WAL_MARK = 5 } wal_kind;

/* A place in the log: segment number above, offset below; compares as an integer. */
typedef uint64_t wal_position;
static inline wal_position wal_position_of(uint64_t segment, uint64_t offset) { return segment << 32 | offset; }
static inline uint64_t wal_position_segment(wal_position p) { return p >> 32; }
static inline uint64_t wal_position_offset(wal_position p) { return p & UINT32_MAX; }

typedef struct wal_header {
    uint64_t number;
    uint32_t segment_bytes;
    uint64_t first_logseq;
    wal_position previous_end;
    wal_position durable;
    wg_sha256 chain;
} wal_header;

typedef struct wal_frame {
    uint32_t payload_bytes;
    wal_kind kind;
    uint64_t logseq;
    wal_position durable;
    uint32_t payload_crc;
} wal_frame;

/* Where a frame lies, as its checksums bind it: the CRC over store uuid and segment number, and the offset. */
typedef struct wal_place {
    uint32_t segment_crc;
    uint32_t offset;
} wal_place;

typedef enum wal_header_state {
    WAL_HEADER_VALID,
    WAL_HEADER_DAMAGED,
    WAL_HEADER_NEWER,
    WAL_HEADER_FOREIGN
} wal_header_state;

uint32_t wgi_wal_segment_crc(const uint8_t uuid[16], uint64_t number);
void wgi_wal_header_encode(const wal_header *header, const uint8_t uuid[16], uint8_t out[WAL_HEADER_BYTES]);
wal_header_state wgi_wal_header_decode(const uint8_t *in, size_t size, const uint8_t uuid[16], wal_header *out);
/* Checksum of a payload: binds its place and the checksum of the frame before it in the same commit (0: none). */
uint32_t wgi_wal_payload_crc(wal_place place, uint32_t before, const void *payload, size_t size);
void wgi_wal_frame_encode(const wal_frame *frame, wal_place place, uint8_t out[WAL_FRAME_BYTES]);
/* False when the bytes are no frame header of this place. */
bool wgi_wal_frame_decode(const uint8_t *in, wal_place place, wal_frame *out);
static inline uint64_t wal_frame_size(uint64_t payload_bytes) {
    return wg_align_up(WAL_FRAME_BYTES + payload_bytes, WAL_ALIGN);
}
/* Offset of the last byte that is not zero, plus one; 0 when all are. */
size_t wgi_wal_used(const uint8_t *data, size_t size);

/* "DIR/<20 digits>.wal" */
wg_code wgi_wal_path(const char *dir, uint64_t number, char out[WAL_PATH_BYTES], wg_error *err);
/* Segment numbers found in `dir`, ascending, as u64 in `out`. */
wg_code wgi_wal_list(wg_platform *platform, const char *dir, wg_buf *out, wg_error *err);
/* Makes a segment under `path`: header, zeros to its end. Not synced. What lay under the name is replaced. */
wg_code wgi_wal_segment_make(wg_platform *platform, const char *path, const wal_header *header,
                             const uint8_t uuid[16], wg_file **out, wg_error *err);
/* chain(n) from chain(n-1). */
wg_code wgi_wal_chain_next(const wg_sha256 *before, uint64_t logseq, const wg_slice *parts, size_t part_count,
                           wg_sha256 *out, wg_error *err);
wg_code wgi_wal_write_zeros(wg_platform *platform, wg_file *file, uint64_t offset, uint64_t size, wg_error *err);

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
    wg_wal *wal; /* takes chain values and segments when not NULL */

    wg_buf numbers; /* of the segments in the directory */
    wg_buf bytes;   /* of the segment at hand, from offset `base` on */
    uint64_t base;
    wg_buf commit; /* payload of a commit in several frames */
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
/* Loads the bytes of one segment, padded with zeros to the size that its header states. */
wg_code wgi_wal_scan_load(wal_scan *scan, uint64_t number, wal_header_state *out, wg_error *err);

/* Whether the loaded segment goes on where the scan stands; steps into it when it does. The first one must. */
wg_code wgi_wal_scan_enter(wal_scan *scan, wal_header_state state, bool *out_continues, wg_error *err);
/* Replays frames from scan->stop on; leaves scan->stop where they end. */
wg_code wgi_wal_scan_frames(wal_scan *scan, wg_error *err);

/* ---- open log */

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

bool wgi_wal_note_reserve(wal_note_list *list);
void wgi_wal_note_put(wal_note_list *list, uint64_t number, uint64_t first_begin);

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

struct wg_wal {
    wg_platform *platform;
    char *dir;
    wg_wal_options options;

    wg_mutex append_lock; /* guards up to `notes` */
    wg_file *file;
    uint64_t number;
    uint32_t segment_bytes;
    uint32_t segment_crc;
    uint32_t offset;
    bool directory_dirty; /* a segment was made or removed since the directory was synced */
    bool mark_wanted;     /* the newest frame is not a mark */
    wal_retired_list retired;
    wg_buf frame; /* reused by each append */
    wal_chain chain;
    wal_note_list notes;

    _Atomic uint64_t last_logseq;      /* written under append_lock */
    _Atomic uint64_t durable_logseq;   /* written under sync_lock */
    _Atomic uint64_t durable_position; /* written under sync_lock; append reads it without */
    _Atomic bool poisoned;             /* release in poison; pairs with the acquire in every entry point */
    _Atomic bool sleeper_idle;         /* the background thread waits for a first unsynced commit */
    _Atomic bool batch_signalled;

    wg_mutex sync_lock; /* guards the rest */
    wg_cond sync_done;
    wg_cond wake;
    bool syncing;
    bool stopping;
    wg_error poison;
    bool has_thread;
    wg_thread thread;

    _Atomic uint64_t appends, append_bytes, syncs, sync_ns_total, sync_ns_max, commits_per_sync_max, segments;
    _Atomic uint64_t segments_trimmed;
};

/* The first failure stays; later calls answer with it. */
void wgi_wal_poison(wg_wal *wal, const wg_error *cause);
wg_code wgi_wal_poisoned(wg_wal *wal, wg_error *err);
/* Appends a mark frame when there is room. Caller holds append_lock and everything before is synced. */
wg_code wgi_wal_append_mark(wg_wal *wal, wg_error *err);
/* The body of the background thread. */
void wgi_wal_sync_main(void *arg);
/* Syncs all that was appended when it starts; the caller has made itself the leader or is alone. */
wg_code wgi_wal_sync_all(wg_wal *wal, wg_error *err);

#endif
