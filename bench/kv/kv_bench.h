/* bench/kv: what an engine must offer to be measured by kv_bench, and what all parts of the program share.
 *
 * A driver is a struct of function pointers around one engine. The harness opens instances of it (one a durability
 * mode), loads the same keys into each, and calls the operations from its measuring loops; nothing in between. Keys
 * and values are built before the clock starts. Every answer is compared with a model, so a driver that loses a write,
 * returns the value of another key or skips a row of a scan fails the run.
 *
 * To add an engine: write driver_<name>.c with one `const kv_driver kv_driver_<name>`, and name it in kv_drivers.c.
 *
 * An operation that fails in an engine ends the program through kv_die: a benchmark has nothing better to do. */
#ifndef KV_BENCH_H
#define KV_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    KV_KEY_BYTES = 16,
    KV_VALUE_BYTES = 100,
    KV_BATCH = 16,      /* keys of one get_x16 or put_x16 */
    KV_SCAN_ROWS = 100, /* rows of one scan */
    KV_WRITERS_MAX = 32,
    KV_WHY_BYTES = 240 /* room for a sentence that says why an engine is absent */
};

typedef struct kv_key {
    uint8_t bytes[KV_KEY_BYTES];
} kv_key;

typedef struct kv_value {
    uint8_t bytes[KV_VALUE_BYTES];
} kv_value;

typedef struct kv_row {
    kv_key key;
    kv_value value;
} kv_row;

/* What survives what. Peers offer the nearest that they have; README.md says which setting that is. */
typedef enum kv_mode {
    KV_MEMORY,   /* nothing survives the process */
    KV_BUFFERED, /* logged; a power failure may take the last moments */
    KV_KILLSAFE, /* a put that returned outlives kill -9 of the process */
    KV_STRICT,   /* a put that returned outlives a power failure */
    KV_MODES
} kv_mode;

typedef struct kv_options {
    kv_mode mode;
    bool chained;           /* every record joins a SHA-256 chain */
    bool presized;          /* make room for keys_expected at open, where the engine can */
    bool loaded;            /* load() follows; false: the store starts empty and grows by puts */
    uint64_t keys_expected; /* how many keys there will be */
    unsigned threads_max;   /* sessions that will be open at once */
    const char *dir;        /* an empty folder of its own: in /dev/shm for KV_MEMORY, else on the measured disk */
} kv_options;

/* Bits of kv_driver.traits. */
enum {
    KV_NEAR = 1u,           /* an operation takes well below a microsecond: it is timed in batches */
    KV_STORES = 2u,         /* gets answer what was put; a bare log does not */
    KV_CHAINS = 4u,         /* can keep a SHA-256 chain over its records */
    KV_CHAINS_ALWAYS = 8u,  /* and cannot do without */
    KV_ONE_THREAD = 16u,    /* one session at a time in KV_MEMORY */
    KV_SCANS_STALE = 32u,   /* its scan answers the state after load(), not later puts */
    KV_PRESIZES = 64u,      /* `presized` makes a difference */
    KV_KILLSAFE_TOO = 128u, /* KV_BUFFERED outlives kill -9 already: one database for both modes */
    KV_SERVER = 256u        /* works in another process */
};

/* `db` and `session` are the driver's own. Operations that an engine has not are NULL; the harness reports the absence.
 * Unless said otherwise a call is its own transaction, visible to every session when it returns. */
typedef struct kv_driver {
    const char *name;
    const char *settings; /* how it is set up, one phrase */
    unsigned traits;
    unsigned modes;         /* bit (1u << kv_mode) for each mode offered */
    const char *absent_why; /* not NULL: this build has no such engine, and why */

    /* Opens a new database. Returns NULL and a sentence in `why` when the machine has no such engine. */
    void *(*open)(const kv_options *options, char why[KV_WHY_BYTES]);
    void (*close)(void *db);
    /* Stores the keys of index 0..count-1 with their first values (kv_value_first), in any order and by any bulk path. */
    void (*load)(void *db, uint64_t count);

    /* One a thread; used by that thread alone. */
    void *(*session_open)(void *db);
    void (*session_close)(void *session);
    /* A session in a keyspace of its own (a run), kept under the name `first` and holding the keys first..first+count-1;
     * with their first values when it is new. NULL: threads that are to be apart use their keys of the one store. */
    void *(*session_open_apart)(void *db, uint64_t first, uint64_t count);

    bool (*get)(void *session, const kv_key *key, kv_value *out);
    /* KV_BATCH gets handed over together. True when all were found. NULL: the harness calls get in a row. */
    bool (*get_x16)(void *session, const kv_key *keys, kv_value *out);
    /* In the durability of the instance's mode: in KV_STRICT it returns when the put is durable. */
    void (*put)(void *session, const kv_key *key, const kv_value *value);
    /* KV_BATCH puts handed over together, each its own transaction. NULL: the harness calls put in a row. */
    void (*put_x16)(void *session, const kv_key *keys, const kv_value *values);
    /* Serializable transaction: reads the whole value, kv_value_change, writes it back. */
    void (*rmw)(void *session, const kv_key *key);
    /* Copies up to KV_SCAN_ROWS rows with key >= from, in key order; returns how many. */
    unsigned (*scan)(void *session, const kv_key *from, kv_row *out);
    /* Appends one event of KV_VALUE_BYTES to the one log; returns its sequence number, which grows by one a call. */
    uint64_t (*append)(void *session, const kv_value *event);

    /* KV_STRICT without blocking: the put is visible when the call returns, durable when its ticket is. */
    uint64_t (*put_ticket)(void *session, const kv_key *key, const kv_value *value);
    void (*ticket_wait)(void *session, uint64_t ticket);

    /* Recovery. prepare (not timed) leaves a chained log of `records` puts of random keys, closed; replay (timed) reads
     * it into an empty store, verifies checksums and chain and returns how many records it applied; may be repeated. */
    void *(*replay_prepare)(const kv_options *options, uint64_t records, char why[KV_WHY_BYTES]);
    void (*replay_reset)(void *prepared); /* not timed; before every replay but the first; NULL: nothing to do */
    uint64_t (*replay)(void *prepared);
    void (*replay_end)(void *prepared);
} kv_driver;

/* All drivers, in the order of the report's columns; ends with NULL (kv_drivers.c). */
extern const kv_driver *const kv_drivers[];

/* ---- keys and values: functions of an index, so that any answer can be checked */

static inline uint64_t kv_mix(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

__extension__ typedef unsigned __int128 kv_u128;

/* A number below `n` from 64 random bits, without a division. */
static inline uint64_t kv_below(uint64_t random, uint64_t n) { return (uint64_t)(((kv_u128)random * n) >> 64); }

static inline uint64_t kv_word(const void *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Keys sort as their indexes (below 2^63) do: 8 bytes of the index, big-endian, the first never zero; then 8 bytes that
 * depend on it. */
static inline void kv_key_make(uint64_t index, kv_key *out) {
    const uint64_t head = __builtin_bswap64(index | UINT64_C(1) << 63), tail = kv_mix(index ^ UINT64_C(0x6b6579));
    memcpy(out->bytes, &head, sizeof head);
    memcpy(out->bytes + 8, &tail, sizeof tail);
}

/* Words of a value: who it belongs to, how often rmw changed it, which slice of the run put it; then filling. */
enum { KV_WORD_TAG = 0, KV_WORD_CHANGES = 8, KV_WORD_STAMP = 16, KV_WORD_FILL = 24 };

static inline uint64_t kv_value_tag(uint64_t index) { return kv_mix(index ^ UINT64_C(0x76616c7565)); }

static inline void kv_value_make(uint64_t index, uint64_t changes, uint64_t stamp, kv_value *out) {
    const uint64_t tag = kv_value_tag(index);
    memcpy(out->bytes + KV_WORD_TAG, &tag, sizeof tag);
    memcpy(out->bytes + KV_WORD_CHANGES, &changes, sizeof changes);
    memcpy(out->bytes + KV_WORD_STAMP, &stamp, sizeof stamp);
    memset(out->bytes + KV_WORD_FILL, (int)((index * 31 + stamp * 7) & 0xff), KV_VALUE_BYTES - KV_WORD_FILL);
}

static inline void kv_value_first(uint64_t index, kv_value *out) { kv_value_make(index, 0, 0, out); }

/* The change of a read-modify-write. */
static inline void kv_value_change(kv_value *value) {
    const uint64_t changes = kv_word(value->bytes + KV_WORD_CHANGES) + 1;
    memcpy(value->bytes + KV_WORD_CHANGES, &changes, sizeof changes);
}

/* ---- small services for drivers (kv_support.c) */

/* Says what failed on stderr, removes the run's folders and ends the program with status 1. */
__attribute__((format(printf, 1, 2), noreturn)) void kv_die(const char *format, ...);
void *kv_alloc(size_t size);       /* zeroed; never NULL */
void *kv_alloc_large(size_t size); /* zeroed, touched, on 2 MiB pages where the kernel gives them */
void kv_free_large(void *at, size_t size);
uint64_t kv_now_ns(void);
void kv_path(char *out, size_t size, const char *dir, const char *name); /* dir/name */

#endif
