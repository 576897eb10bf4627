/* io/wal_store, own files only: the stage of direct commits (wal_stage.c). */
#ifndef WG_IO_WAL_STAGE_INTERNAL_H
#define WG_IO_WAL_STAGE_INTERNAL_H

#include "io/wal_store/wal_bytes_internal.h"
#include "io/wal_store/wal_store.h"

/* Frames on their way to the disk past the system's cache (wal_stage.c). Guarded by append_lock, and `on` goes off only under the turn too. */
typedef struct wal_stage {
    uint8_t *memory; /* as allocated; NULL: not needed yet */
    uint8_t *
        bytes; /* WAL_STAGE_BYTES of the segment from `from` on, then one block for the leader; aligned for direct writes */
    uint32_t from;    /* a multiple of WG_DIRECT_BYTES */
    uint32_t written; /* the file has what lies before */
    uint32_t small;   /* commits in a row that would have suited */
    bool on;          /* the file is direct, and appends go to the stage */
    bool refused;     /* the file system cannot */
} wal_stage;

/* What one leader writes of it. */
typedef struct wal_staged {
    wg_slice parts[2];
    size_t count; /* 0: nothing */
    uint32_t from;
    uint32_t end;
} wal_staged;

/* Callers hold append_lock unless said otherwise. */

/* Whether a commit can go to the stage, which is on. */
bool wgi_wal_stage_takes(const wg_wal *wal, uint64_t payload_bytes);
/* Where its frame goes. */
uint8_t *wgi_wal_stage_place(wg_wal *wal);
/* A commit was appended: direct mode may begin. */
void wgi_wal_stage_seen(wg_wal *wal, uint64_t payload_bytes);
/* Ends direct mode; the caller has the turn too, or is alone. After an error it goes on. */
wg_code wgi_wal_stage_leave(wg_wal *wal, wg_error *err);
void wgi_wal_stage_take(wg_wal *wal, wal_staged *out);
/* Of the leader, without the lock. */
wg_code wgi_wal_stage_write(wg_wal *wal, wg_file *file, const wal_staged *staged, bool durable, wg_error *err);
/* The file has it; takes the lock. */
void wgi_wal_stage_done(wg_wal *wal, const wal_staged *staged);
void wgi_wal_stage_end(wg_wal *wal);

#endif
