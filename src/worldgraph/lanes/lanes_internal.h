/* What the files of lanes share: the object, and a ring file's first page. Others include lanes.h only. */
#ifndef WG_LANES_INTERNAL_H
#define WG_LANES_INTERNAL_H

#include "worldgraph/lanes/lanes.h"

/* docs/format/ring.md: the page before the ring itself, in the byte order of the machine. */
enum { RING_PAGE_BYTES = 4096, RING_LANE_AT = 512, RING_VERSION = 1, RING_PATH_BYTES = 512 };
typedef struct ring_head {
    uint8_t magic[8];
    uint32_t version;
    uint32_t lane;
    uint8_t store_uuid[16];
    uint8_t ring_id[16];
    uint64_t ring_bytes;
    uint64_t logseq;        /* the log's newest commit when the file was made */
    _Atomic uint64_t valid; /* 1: every ring of the opening is in a file, and the log took no harm */
} ring_head;
_Static_assert(sizeof(ring_head) == 72 && sizeof(ring_head) <= RING_LANE_AT, "docs/format/ring.md");
_Static_assert(offsetof(wg_lane, end) == 72 && offsetof(wg_lane, pad) == 80, "docs/format/ring.md");
_Static_assert(offsetof(wg_lane, drained) == 128 && offsetof(wg_lane, cut_end) == 144, "docs/format/ring.md");
_Static_assert(offsetof(wg_lane, cut_logseq) == 152, "docs/format/ring.md");
_Static_assert(RING_LANE_AT + sizeof(wg_lane) <= RING_PAGE_BYTES, "docs/format/ring.md");
extern const uint8_t wgi_ring_magic[8];

/* Where a lane's memory is from. */
typedef struct lane_place {
    wg_lane *lane;
    ring_head *map; /* of its file; NULL: anonymous */
    wg_file *file;  /* open, and locked, as long as the lane lives */
} lane_place;

struct wg_lanes {
    wg_lanes_options options;
    wg_rings_source files; /* ring_dir NULL: anonymous memory */
    char *ring_dir;        /* the same, owned */
    wg_mutex mutex;        /* guards up to `outlives`; taken with `gone` */
    wg_cond gone;          /* the lanes go on */
    lane_place places[WG_LANES_MAX];
    uint32_t free_lanes[WG_LANES_MAX]; /* closed ones, a stack */
    uint32_t free_count;
    _Atomic uint32_t count;   /* places in use, closed ones included; release, pairs with the acquire of a cut */
    _Atomic bool outlives;    /* all rings are in files */
    _Atomic uint32_t waiters; /* threads in wg_lane_wait that may sleep */
    _Alignas(64) _Atomic uint32_t stopped;
};

static inline uint64_t wgi_lanes_ring_bytes(const wg_lanes *lanes, uint32_t number) {
    const uint64_t bytes = lanes->options.ring_bytes;
    return number < WG_LANES_WIDE ? bytes : wg_max_u64(bytes / 4, WG_LANE_RING_BYTES_MIN);
}

wg_code wgi_ring_path(const char *dir, const uint8_t id[16], uint32_t lane, char out[RING_PATH_BYTES], wg_error *err);
/* Makes the file of a lane, with all its memory taken; a failure leaves none. */
wg_code wgi_ring_make(const wg_lanes *lanes, uint32_t number, lane_place *out, wg_error *err);
/* It holds what the next open wants. */
bool wgi_ring_is_wanted(const lane_place *place);
/* Unmaps and closes. */
void wgi_ring_end(const wg_lanes *lanes, lane_place *place, bool keep);
/* Undrained records of a ring file's bytes. Checks the page; the records are checked by who reads them. */
wg_code wgi_ring_decode(wg_slice file, const wg_rings_source *source, wg_slice pieces[2], uint64_t *out_end,
                        bool *out_valid, wg_error *err);
/* The bytes [begin, end) of a ring without padding. */
void wgi_ring_pieces(const wg_lane *lane, const uint8_t *ring, uint64_t begin, uint64_t end, wg_slice pieces[2]);

#endif
