/* io/wal_store, own files only: the bytes of the log (docs/format/wal.md), their encoding, and the names of its files. */
#ifndef WG_IO_WAL_BYTES_INTERNAL_H
#define WG_IO_WAL_BYTES_INTERNAL_H

#include "io/wal_store/wal_store.h"

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
    WAL_CHAIN_QUEUE_BYTES = 256 << 10, /* of STRICT; powers of two */
    WAL_CHAIN_QUEUE_BYTES_BUFFERED = 1 << 20,
    WAL_CHAIN_COPY_MAX = 2048,          /* larger payloads are read back rather than copied into the queue */
    WAL_CHAIN_LAG_BYTES = 64 << 20,     /* of such payloads */
    WAL_CHAIN_WINDOW_BYTES = 256 << 10, /* read back in one go */
    WAL_CHAIN_STEP_BYTES = 32 << 10,    /* hashed in one go: an append that needs chain_lock waits no longer */
    WAL_GATHER_BYTES_MIN = 16384,       /* payloads of frames that are written without being copied together */
    WAL_GATHER_PARTS_MAX = 14,
    WAL_PREPARE_STEP_BYTES = 128 << 10,
    WAL_STAGE_BYTES = 64 << 10,     /* direct commits under way; whole blocks */
    WAL_WRITE_BACK_BYTES = 2 << 20, /* the disk may begin with so many */
    WAL_WRITE_BACK_ALIGN = 256 << 10,
    WAL_STAGE_COMMIT_MAX = WAL_CHAIN_QUEUE_BYTES / 16, /* a larger one is not direct */
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

/* wal/HEAD. */
enum {
    WAL_HEAD_MAGIC = 0,
    WAL_HEAD_VERSION = 8,
    WAL_HEAD_SIZE = 12,
    WAL_HEAD_UUID = 16,
    WAL_HEAD_POSITION = 32,
    WAL_HEAD_LOGSEQ = 40,
    WAL_HEAD_RESERVED = 48,
    WAL_HEAD_CRC = 60,
    WAL_HEAD_BYTES = 64
};
_Static_assert(WAL_HEAD_UUID == (int)WAL_H_UUID, "whoever looks for the store's id finds it in any file of the log");
_Static_assert(WAL_HEAD_CRC + 4 == WAL_HEAD_BYTES, "the checksum is last");

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
/* The same of a payload in parts. */
uint32_t wgi_wal_payload_crc_parts(wal_place place, uint32_t before, const wg_slice *parts, size_t count);
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
/* Makes a segment under `path`: header, and zeros to its end when it is to be filled. Not synced. What lay under the name is
 * replaced. */
wg_code wgi_wal_segment_make(wg_platform *platform, const char *path, const wal_header *header,
                             const uint8_t uuid[16], bool fill, wg_file **out, wg_error *err);
/* chain(n) from chain(n-1); `state` is one of wg_sha256_begin, reused. */
void wgi_wal_chain_next(wg_sha256_state *state, const wg_sha256 *before, uint64_t logseq, const wg_slice *parts,
                        size_t part_count, wg_sha256 *out);

/* The 48 bytes before the payload. */
void wgi_wal_chain_begin(wg_sha256_state *state, const wg_sha256 *before, uint64_t logseq, uint64_t size);
/* Whether a header states the chain value; a writer that had not computed it leaves zeros. */
bool wgi_wal_header_states_chain(const wal_header *header);

/* How far the log is durable, as its writer told its readers. */
typedef struct wal_head {
    wal_position durable;
    uint64_t logseq;
} wal_head;
void wgi_wal_head_encode(const wal_head *head, const uint8_t uuid[16], uint8_t out[WAL_HEAD_BYTES]);
/* False when the bytes are torn, of another store or of another version: there is no hint then. */
bool wgi_wal_head_decode(const uint8_t *in, size_t size, const uint8_t uuid[16], wal_head *out);
/* "DIR/NAME" */
wg_code wgi_wal_path_of(const char *dir, const char *name, char out[WAL_PATH_BYTES], wg_error *err);
/* The same for a directory for which wgi_wal_path was asked before, which every open does: names of other files are no longer than a segment's. */
void wgi_wal_name_of(const char *dir, const char *name, char out[WAL_PATH_BYTES]);
void wgi_wal_name(const char *dir, uint64_t number, char out[WAL_PATH_BYTES]);
#define WAL_HEAD_NAME    "HEAD"
#define WAL_PREPARE_NAME "next.tmp"
#define WAL_SPARE_NAME   "spare.tmp"
/* Makes a file; what lay under the name is replaced. */
wg_code wgi_wal_open_new(wg_platform *platform, const char *path, wg_file **out, wg_error *err);
wg_code wgi_wal_write_zeros(wg_platform *platform, wg_file *file, uint64_t offset, uint64_t size, wg_error *err);

#endif
