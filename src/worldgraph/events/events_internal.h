/* worldgraph/events, own files only: blocks, payload chunks, lists by type. events.c tells how they play together. */
#ifndef WG_WORLDGRAPH_EVENTS_INTERNAL_H
#define WG_WORLDGRAPH_EVENTS_INTERNAL_H

#include "io/platform/platform.h"
#include "worldgraph/events/events.h"

enum {
    WGI_RANK_EVENTS_STORED = 46,                              /* which slots are stored, and their lists by type */
    WGI_RANK_EVENTS_CHAIN = 47,                               /* the hash chain of one log */
    WGI_EVENTS_BATCH = 64,                                    /* events hashed under one hold of the chain's mutex */
    WGI_EVENT_BYTES = 2 * 8 + 2 * sizeof(void *) + 4 + 1 + 32 /* of an event in memory, but its payload */
};

/* ---- memory of payloads and names: bytes never move; freed when no block uses them */

typedef struct wgi_chunk {
    struct wgi_chunk *next; /* set before a block goes on in it */
    _Atomic uint32_t users; /* blocks, and the log while it fills it */
    wg_pages *pages;        /* a huge page of this set; NULL: of the heap */
    size_t capacity;
    size_t used;
    uint8_t bytes[];
} wgi_chunk;

/* ---- lists by type: for each type the slots in which it occurs, as a list from the newest back with jumps (Myers, "An applicative
 * random-access stack", 1983), so that any slot is found in O(log n) and nothing that a reader holds ever changes. */

typedef struct wgi_posting {
    uint64_t slot;
    uint64_t before; /* events of the type in this table's slots before it */
    const struct wgi_posting *prev;
    const struct wgi_posting *jump;
    uint64_t depth;
} wgi_posting;

typedef struct wgi_type {
    _Atomic(struct wgi_type *) next; /* in order of first use */
    struct wgi_type *before;         /* appender */
    wg_slice name;
    uint64_t hash;
    uint64_t total; /* appender: its events */
    bool listed;    /* appender */
    _Atomic(const wgi_posting *) newest;
} wgi_type;

typedef struct wgi_type_table {
    wg_epoch_link link;
    uint64_t mask;
    _Atomic(wgi_type *) places[];
} wgi_type_table;

enum { WGI_TYPES_RECENT = 8 };
/* Readers any; one changes it. A zeroed one with account and epoch is empty. */
typedef struct wgi_types {
    wg_account *account;
    wg_epoch *epoch;
    _Atomic(wgi_type_table *) table;
    uint64_t count;                     /* of types in the table */
    uint64_t capacity;                  /* of the table before it grows */
    wgi_type *recent[WGI_TYPES_RECENT]; /* appender */
    _Atomic(wgi_type *) first;
    wgi_type *last;
    wgi_chunk *chunks; /* names, types, postings: newest chunk first */
} wgi_types;

/* Room so that `events` calls of wgi_events_types_add with new names of `name_bytes` together cannot fail. */
bool wgi_events_types_reserve(wgi_types *types, uint32_t events, size_t name_bytes);
wgi_type *wgi_events_types_add(wgi_types *types, wg_slice name, uint64_t slot); /* one more event in `slot` */
void wgi_events_types_take_back(wgi_types *types, wgi_type *type);      /* the newest event, which is of this type */
wgi_type *wgi_events_types_find(const wgi_types *types, wg_slice name); /* NULL: none */
/* The first slot >= (reverse: last slot <=) `slot` that has the type; NULL: none. */
const wgi_posting *wgi_events_posting_at(const wgi_type *type, uint64_t slot, bool reverse);
void wgi_events_types_deinit(wgi_types *types);

/* ---- blocks: the events of one slot, or of its part behind the log's base */

typedef struct wgi_block {
    wg_epoch_link link;
    uint64_t first;    /* sequence of row 0 */
    uint32_t capacity; /* 0: stored */
    /* in memory */
    uint32_t chunk_count;
    wgi_chunk *first_chunk;
    wgi_chunk *last_chunk;
    struct wgi_block *spare_next; /* in the list of blocks taken ahead */
    wgi_chunk *home;              /* the chunk in which the block itself lies; NULL: in the heap */
    _Atomic uint64_t *versions;   /* atomic: a search may look at one that is being written */
    _Atomic uint64_t *times;
    wgi_type **types;
    const uint8_t **payloads;
    uint32_t *sizes;
    uint8_t *value_types;
    /* stored */
    const wg_fragment *stored;
    uint32_t columns[6]; /* version, time, type, value type, payload, digest */
} wgi_block;

enum { WGI_C_VERSION, WGI_C_TIME, WGI_C_TYPE, WGI_C_VALUE_TYPE, WGI_C_PAYLOAD, WGI_C_DIGEST };
enum { WGI_A_FIRST, WGI_A_FIRST_VERSION, WGI_A_LAST_VERSION, WGI_A_FIRST_TIME, WGI_A_LAST_TIME };

wgi_chunk *wgi_events_chunk_create(wg_account *account, size_t capacity);
/* One huge page, whose first touch costs a hundredth of what its small pages do. NULL: there is none; pages NULL is legal. */
wgi_chunk *wgi_events_chunk_create_huge(wg_pages *pages);
void wgi_events_chunk_release(wgi_chunk *chunk);
wgi_block *wgi_events_block_create(wg_account *account, uint64_t first, uint32_t capacity);
/* The same in what is left of a huge chunk, which it uses; NULL: that is too little. */
wgi_block *wgi_events_block_carve(wgi_chunk *chunk, uint64_t first, uint32_t capacity);
/* Rows [0, rows) of `from`, whose chunks it takes over. */
void wgi_events_block_take(wgi_block *block, wgi_block *from, uint32_t rows);
void wgi_events_block_destroy(void *block); /* with its chunks */
/* A block that reads from a fragment of this log; WG_E_CORRUPT when the fragment is not one. */
wg_code wgi_events_block_map(wg_account *account, const wg_fragment *fragment, wgi_block **out, wg_error *err);
/* Row `row` of a stored block. */
wg_code wgi_events_stored_event(const wgi_block *block, uint32_t row, wg_event *out, wg_error *err);
wg_code wgi_events_stored_digest(const wgi_block *block, uint32_t row, wg_sha256 *out, wg_error *err);
wg_code wgi_events_stored_bytes(const wgi_block *block, uint32_t column, uint32_t row, wg_slice *out, wg_error *err);

/* ---- the log */

/* Hashes of a slot, in memory: rows [0, capacity) of its block. */
typedef struct wgi_digests {
    uint32_t capacity;
    wg_sha256 rows[];
} wgi_digests;

struct wg_events {
    wg_epoch *epoch;
    wg_account *account;
    wg_pages *pages; /* NULL: none */
    wg_events *parent;
    uint64_t base;
    _Atomic uint64_t count; /* release after an event is whole */
    wg_slots blocks;        /* by slot - base / WG_EVENTS_SLOT */
    /* the appender's */
    wgi_block *tail;       /* of the slot of the next event; NULL: that is not begun, or stored */
    wgi_block *spares;     /* blocks taken ahead */
    wgi_chunk *chunk;      /* where payloads go */
    wgi_chunk *next_chunk; /* taken ahead */
    bool last_known;
    uint64_t last_time;
    _Atomic uint64_t payloads_in;  /* bytes that were appended; the appender's */
    _Atomic uint64_t payloads_out; /* of those, what is stored by now; under stored_mutex */
    wgi_types types;               /* of the events from tail_from on */
    _Atomic uint64_t tail_from;    /* events before it were stored when the log was opened */
    wg_mutex stored_mutex;         /* which blocks are stored; who builds the lists of the stored events */
    /* lists of the events before tail_from, built when somebody asks first */
    _Atomic bool stored_types_ready; /* release once `stored_types` is whole */
    wgi_types stored_types;
    /* the chain */
    wg_mutex chain_mutex;
    _Atomic uint64_t hashed;  /* hashes of own events before it are known; written under chain_mutex */
    _Atomic bool start_known; /* hash of the event before `base`; release once `start` is there */
    wg_sha256 start;
    bool head_known; /* `head` is the hash of the event before `hashed` */
    wg_sha256 head;
    wg_slots digests; /* by slot, as blocks */
};

static inline uint64_t wgi_events_length(const wg_events *events) {
    return atomic_load_explicit(&events->count, memory_order_acquire); /* pairs with wg_events_append */
}
/* What one log of the chain of parents contributes to the first `count` events: events [lo, hi), among them `sequence`. */
typedef struct wgi_part {
    const wg_events *log;
    uint64_t lo, hi;
} wgi_part;
wgi_part wgi_events_part_of(const wg_events *events, uint64_t sequence, uint64_t count);
static inline uint64_t wgi_slot_start(const wg_events *events, uint64_t slot) {
    return wg_max_u64(slot * WG_EVENTS_SLOT, events->base);
}
static inline uint32_t wgi_slot_place(const wg_events *events, uint64_t slot) {
    return (uint32_t)(slot - events->base / WG_EVENTS_SLOT);
}
static inline const wgi_block *wgi_block_at(const wg_events *events, uint64_t slot) {
    return wg_slots_get(&events->blocks, wgi_slot_place(events, slot));
}
typedef enum wgi_field { WGI_FIELD_VERSION, WGI_FIELD_TIME } wgi_field;
/* The first own event of [base, hi) whose field is >= value; hi: none. */
wg_code wgi_events_bound(const wg_events *events, wgi_field field, uint64_t value, uint64_t hi, uint64_t *out,
                         wg_error *err);
/* An own event, inside the epoch. */
wg_code wgi_events_own_event(const wg_events *events, uint64_t sequence, wg_event *out, wg_error *err);
/* Own events [from, to) of one slot that are of this type: how many, the first and the last of them. */
typedef struct wgi_scan {
    uint64_t n, first, last; /* UINT64_MAX: none */
} wgi_scan;
wg_code wgi_events_slot_scan(const wg_events *events, uint64_t from, uint64_t to, wg_slice type, wgi_scan *out,
                             wg_error *err);
/* Makes the lists of the stored events, once. */
wg_code wgi_events_stored_types_build(wg_events *events, wg_error *err);

/* True when the lists of an own log's events [base, hi) agree with the events; else *out_bad is where the first slot begins that they do
 * not agree in. */
wg_code wgi_events_lists_check(wg_events *events, uint64_t hi, uint64_t *out_bad, wg_error *err);

/* Hashes of the rows of a stored block, before it comes back into memory; of a slot that is stored now: not needed any more. */
wg_code wgi_events_digests_thaw(wg_events *log, const wgi_block *from, uint32_t rows, wg_error *err);
void wgi_events_digests_drop(wg_events *log, uint64_t slot);
/* The hashes of own events [from, from + n) that were computed so far. */
wg_code wgi_events_digests_known(wg_events *log, uint64_t from, uint32_t n, wg_sha256 *out, uint32_t *out_n,
                                 wg_error *err);
/* hash of one event behind `before` (docs/format/events.md) */
void wgi_events_hash_one(const wg_sha256 *before, const wg_event *event, wg_sha256 *out);

#endif
