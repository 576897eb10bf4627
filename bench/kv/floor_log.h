/* The cheapest log of each durability, to compare engines with. A record is 128 bytes:
 *
 *   0 sequence number u64 | 8 key 16 | 24 value 100 | 124 CRC-32 of bytes 0..123
 *
 *   FLOOR_RING    a ring in memory, nothing survives
 *   FLOOR_SHARED  the same ring as a file in /dev/shm: outlives the process, not the machine
 *   FLOOR_DIRECT  a zero-filled file written through O_DIRECT | O_DSYNC in blocks of 4 KiB: outlives the machine
 *
 * `chained` adds each record to one running SHA-256 (two blocks a record, nothing to pad).
 *
 * Ring kinds are written by one thread. FLOOR_DIRECT has group commit: a writer puts its record into the open batch; if
 * nobody is writing it becomes the leader, closes the batch, writes it and wakes all that wait for it, else it sleeps
 * on a futex of its batch. While a batch is on its way the next one fills; its first sleeper becomes the next leader.
 * Tickets are record numbers, made durable by a thread that leads whenever there is something to write. */
#ifndef KV_FLOOR_LOG_H
#define KV_FLOOR_LOG_H

#include "base/digest/digest.h"
#include "kv_bench.h"

typedef enum floor_log_kind { FLOOR_RING, FLOOR_SHARED, FLOOR_DIRECT } floor_log_kind;

typedef struct floor_record {
    uint64_t sequence;
    kv_key key;
    kv_value value;
    uint32_t crc;
} floor_record;

_Static_assert(sizeof(floor_record) == 128, "a record is two lines and two SHA-256 blocks");
enum { FLOOR_RECORD_CHECKED_BYTES = 124 };

typedef struct floor_group floor_group;

typedef struct floor_log {
    floor_log_kind kind;
    floor_record *ring;
    uint64_t next; /* sequence number of the next record */
    wg_sha256_state *chain;
    floor_group *group; /* FLOOR_DIRECT alone */
} floor_log;

/* `dir` is where the file of FLOOR_SHARED and FLOOR_DIRECT goes. False and a sentence in `why` when that cannot be. */
bool floor_log_open(floor_log *log, floor_log_kind kind, bool chained, const char *dir, char why[KV_WHY_BYTES]);
void floor_log_close(floor_log *log);

/* Durable on return as the kind says. Returns the record's sequence number. */
uint64_t floor_log_append(floor_log *log, const kv_key *key, const kv_value *value);
/* FLOOR_DIRECT: not yet durable on return. */
uint64_t floor_log_append_ticket(floor_log *log, const kv_key *key, const kv_value *value);
void floor_log_ticket_wait(floor_log *log, uint64_t ticket);

void floor_record_make(floor_record *record, uint64_t sequence, const kv_key *key, const kv_value *value);
bool floor_record_ok(const floor_record *record);

#endif
