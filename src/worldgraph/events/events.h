/* worldgraph/events: the event log of one run: an array of events by sequence, in memory or mapped from stripes, with a SHA-256 chain.
 *
 * Sequences are 0, 1, 2, ... Versions and times never fall. Appending is O(1) whatever the length. A fork continues its parent's log: events below
 * the fork are read through the parent. hash(n) = SHA-256(hash(n-1) | u64 sequence | u64 time | u32 type size | type | u8 value type |
 * u64 payload size | payload), hash(-1) = 32 zeros, a fork goes on from its parent's hash. Hashes are computed when a block is full, by the
 * background, or when somebody asks: never on the path of an append.
 *
 * Threads: appends are serialised by the caller (the run's event lock); readers any, inside the epoch, without a lock. */
#ifndef WG_WORLDGRAPH_EVENTS_H
#define WG_WORLDGRAPH_EVENTS_H

#include "base/digest/digest.h"
#include "mvcc/mvcc.h"
#include "worldgraph/events/pages.h"
#include "worldgraph/mmap/mmap.h"

enum { WG_EVENT_TYPE_BYTES_MAX = 256 };

typedef struct wg_events wg_events;

typedef struct wg_event {
    uint64_t sequence;
    uint64_t version; /* of the run */
    uint64_t time_us;
    wg_slice type;
    uint8_t value_type; /* wg_type; payload as in state.h */
    wg_slice payload;   /* valid inside the epoch */
} wg_event;

/* parent NULL: none; else events [0, base) are the parent's, which outlives this log. */
wg_code wg_events_create(wg_epoch *epoch, wg_account *account, wg_events *parent, uint64_t base, wg_events **out,
                         wg_error *err);
/* Where long logs have their payloads; none are in huge pages without. Before the first append; outlives the log. */
void wg_events_use_pages(wg_events *events, wg_pages *pages);
void wg_events_destroy(wg_events *events);

/* Room so that one append of this size cannot fail. Allocation-free in steady state (blocks are taken ahead). */
wg_code wg_events_reserve(wg_events *events, size_t type_bytes, size_t payload_bytes, wg_error *err);
/* The same for `count` appends whose types and payloads have so many bytes together. */
wg_code wg_events_reserve_many(wg_events *events, uint32_t count, size_t type_bytes, size_t payload_bytes,
                               wg_error *err);
/* event->sequence is ignored; returns the one given. Published with release. A time below the last one's is raised to it. */
uint64_t wg_events_append(wg_events *events, const wg_event *event);

/* Events of versions <= snapshot; WG_LOGSEQ_NEVER: all. O(log n). Of a slot whose stored versions are damaged all events count: reading
 * them says WG_E_CORRUPT, and so does the second form. */
uint64_t wg_events_count(const wg_events *events, uint64_t snapshot);
wg_code wg_events_count_checked(const wg_events *events, uint64_t snapshot, uint64_t *out, wg_error *err);
uint64_t wg_events_base(const wg_events *events);  /* events before it are the parent's */
uint64_t wg_events_bytes(const wg_events *events); /* about what is in memory of own events; inside the epoch */
/* sequence < count. WG_E_CORRUPT: a stored block is damaged. */
wg_code wg_events_read(const wg_events *events, uint64_t sequence, wg_event *out, wg_error *err);
/* First sequence whose time is at or behind time_us; count when there is none. */
wg_code wg_events_seek_time(const wg_events *events, uint64_t time_us, uint64_t count, uint64_t *out, wg_error *err);
/* The next sequence >= from (reverse: <= from) and < count whose type is `type`; UINT64_MAX: none. O(log n): per-type lists of sequences. */
wg_code wg_events_next_of_type(const wg_events *events, wg_slice type, uint64_t from, uint64_t count, bool reverse,
                               uint64_t *out, wg_error *err);
/* Calls fn for each type in order of first use with how many events below `count` it has; false stops. */
wg_code wg_events_types(const wg_events *events, uint64_t count, bool (*fn)(void *ctx, wg_slice type, uint64_t n),
                        void *ctx, wg_error *err);

/* Hash after event `sequence`; computes what is missing up to there (others wait for it, appends do not). */
wg_code wg_events_hash(wg_events *events, uint64_t sequence, wg_sha256 *out, wg_error *err);
/* Built with WG_LAYER_TIMING: how many hashes were computed so far, of all logs, and how long that took. Otherwise zeros. */
void wg_events_hash_timing(uint64_t *out_count, uint64_t *out_ticks);
typedef struct wg_events_report {
    bool valid;
    uint64_t length;        /* events looked at */
    uint64_t first_invalid; /* sequence; UINT64_MAX: none */
    char reason[96];
    wg_sha256 head;
} wg_events_report;
/* Recomputes the chain of [0, count) from the events and compares it with the stored hashes, the order of versions and times, and the lists by type. */
wg_code wg_events_verify(wg_events *events, uint64_t count, wg_events_report *out, wg_error *err);

/* ---- checkpoints: kind WG_KIND_EVENTS, owner = run number, slot = sequence / WG_EVENTS_SLOT, columns as docs/format/arc1.md says (sequence is implied;
 * version, time, type, value type, payload, hash) */
enum { WG_EVENTS_SLOT = 1024 };
/* Writes the slots that have events in [since, until) (own events only; a slot that grows is written whole again, with `until` events). */
wg_code wg_events_store(wg_events *events, wg_stripe_sink *sink, uint32_t owner, uint64_t since, uint64_t until,
                        uint64_t version, wg_error *err);
/* A slot is read from this fragment from now on; its memory is retired when all its events are stored. Also at open, slots ascending. */
wg_code wg_events_adopt(wg_events *events, const wg_fragment *fragment, wg_error *err);

#endif
