/* io/wal_store: the write-ahead log as bytes: segments, frames, group commit, torn tails, the SHA-256 chain.
 *
 * The log is a sequence of commits; each has one logseq (strictly +1) and one payload, which this module does not read.
 * A commit is one or more frames; a frame has a length, a CRC-32 that also binds store id, segment number and offset,
 * and the position up to which the log was known durable when the frame was written. docs/format/wal.md has the bytes.
 *
 * Chain: chain(0) = 32 zero bytes; chain(n) = SHA-256(chain(n-1) | u64 logseq | u64 payload size | payload). */
#ifndef WG_IO_WAL_STORE_H
#define WG_IO_WAL_STORE_H

#include "base/digest/digest.h"
#include "io/metrics/metrics.h"
#include "io/platform/platform.h"

typedef struct wg_wal wg_wal;

enum { WG_WAL_FRAME_PAYLOAD_BYTES_MAX = 1 << 20, WG_WAL_SEGMENT_BYTES_DEFAULT = 4 << 20 };
#define WG_WAL_COMMIT_BYTES_MAX (UINT64_C(1) << 30)

typedef struct wg_wal_options {
    uint8_t store_uuid[16];
    uint32_t segment_bytes;   /* 0: default; a larger commit spans segments */
    wg_durability durability; /* STRICT or BUFFERED */
    uint32_t sync_interval_ms;
    uint32_t sync_batch_commits;
    wg_account *account;
    /* Where replay begins: zeros for the whole log. Segments below `first_segment` are leftovers of a trim and are removed on open;
     * commits up to `after` are checked but not replayed, and the chain value there must be `chain` (WG_E_CORRUPT). */
    uint64_t first_segment;
    uint64_t after;
    wg_sha256 chain;
    /* append waits, or syncs (back-pressure), while more than this is unsynced; 0: 64 MiB. */
    uint64_t unsynced_bytes_max;
} wg_wal_options;

/* What replay found, for recovery reports and `verify`. */
typedef struct wg_wal_recovery {
    uint64_t segments;
    uint64_t records;
    uint64_t bytes;
    uint64_t last_logseq;
    uint64_t torn_tail_bytes;
    wg_sha256 chain;
} wg_wal_recovery;

/* Called for each whole commit in order. An error stops the replay and is returned. */
typedef wg_code (*wg_wal_replay_fn)(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain,
                                    wg_error *err);

/* Makes an empty log in the existing directory `dir`: first segment, preallocated with zeros, synced, directory synced. */
wg_code wg_wal_create(wg_platform *platform, const char *dir, const wg_wal_options *options, wg_error *err);

/* Makes segment options->first_segment (above 1), synced and named: an empty log behind commit options->after, whose chain value is
 * options->chain. An older log in `dir` stays whole: to it the segment is a torn tail. */
wg_code wg_wal_begin(wg_platform *platform, const char *dir, const wg_wal_options *options, wg_error *err);

/* Checks a segment, whose bytes are `file`, up to offset `end`, where its part of the log ends (0: it has no frame). */
typedef struct wg_wal_segment {
    uint64_t number;
    uint64_t previous_end; /* position */
    uint64_t last_logseq;  /* last commit that ends in it, or before it */
} wg_wal_segment;
wg_code wg_wal_segment_check(wg_slice file, const uint8_t store_uuid[16], uint64_t end, wg_wal_segment *out,
                             wg_error *err);
/* Writes HEAD beside a copied log, synced: it is durable up to `position`, which lies behind commit `logseq`. */
wg_code wg_wal_tell(wg_platform *platform, const char *dir, const uint8_t store_uuid[16], uint64_t position,
                    uint64_t logseq, wg_error *err);

/* Lines of JSON about one segment, whose bytes are `file`: its header, each frame, where the frames end. `fn` gets the line without its
 * end; false stops. WG_E_CORRUPT: no valid header. */
typedef bool (*wg_wal_dump_fn)(void *ctx, wg_slice line);
wg_code wg_wal_dump(wg_slice file, wg_wal_dump_fn fn, void *ctx, wg_error *err);

/* Opens, replays every commit through `replay`, cuts the torn tail, syncs, and is ready to append.
 * P5: damage before the durable mark of any later valid frame, or followed by one, refuses with WG_E_CORRUPT naming
 * segment and offset. An unknown format version is WG_E_VERSION. BUFFERED starts the background sync thread. */
wg_code wg_wal_open(wg_platform *platform, const char *dir, const wg_wal_options *options, wg_wal_replay_fn replay,
                    void *ctx, wg_wal **out, wg_wal_recovery *recovery, wg_error *err);

/* The same scan of everything that is there without changing a byte: from segment 1, or from where the log was trimmed to. After a trim
 * the chain may be unknown (zeros) up to the next segment. */
wg_code wg_wal_scan(wg_platform *platform, const char *dir, const uint8_t store_uuid[16], wg_wal_replay_fn replay,
                    void *ctx, wg_wal_recovery *recovery, wg_error *err);
/* The same scan from the start that the options state; of them only the store, the start and the account count. */
wg_code wg_wal_scan_from(wg_platform *platform, const char *dir, const wg_wal_options *options,
                         wg_wal_replay_fn replay, void *ctx, wg_wal_recovery *recovery, wg_error *err);

/* Syncs what is unsynced, writes a durable mark, stops the thread, closes. The first failure is returned; all is freed
 * in any case. */
wg_code wg_wal_close(wg_wal *wal, wg_error *err);

/* Appends one commit to the log; *out_logseq is its number (last + 1). `parts` are concatenated.
 * Durable:  no, until wg_wal_wait for this logseq returns, or the background sync has passed it.
 * Threads:  any; callers are serialised by the append lock (rank WG_RANK_WAL_APPEND), which no sync holds.
 * Errors:   WG_E_LIMIT over WG_WAL_COMMIT_BYTES_MAX, nothing written | WG_E_IO (also ENOSPC): when the failure left the
 *           log as it was the log stays usable, else it is poisoned and every later call returns WG_E_IO. */
wg_code wg_wal_append(wg_wal *wal, const wg_slice *parts, size_t part_count, uint64_t *out_logseq, wg_error *err);

/* Blocks until the commit is on stable storage. Leader/follower group commit: one waiter syncs for all appended so far.
 * A failed sync poisons the log (P6). Threads: any, at any time later; one comparison when the commit is durable already. */
wg_code wg_wal_wait(wg_wal *wal, uint64_t logseq, wg_error *err);

/* Asks for the commit to become durable without anybody waiting: the background thread syncs as soon as it can, for all appended by
 * then. wg_wal_durable_logseq tells when, wg_wal_wait waits for it. STRICT starts its thread with the first call.
 * Errors: WG_E_MISUSE for a commit that was never appended | WG_E_IO poisoned, or no thread could be started | WG_E_NOMEM. */
wg_code wg_wal_sync_soon(wg_wal *wal, uint64_t logseq, wg_error *err);

uint64_t wg_wal_last_logseq(const wg_wal *wal);
bool wg_wal_is_poisoned(const wg_wal *wal); /* it takes no writes any more */
uint64_t wg_wal_durable_logseq(const wg_wal *wal);
/* Chain value after the newest commit, or after `logseq` when it is among the commits appended or replayed (the log
 * keeps 32 bytes for each); false when unknown. Hashes first what is not hashed yet: at most 64 MiB of it. */
bool wg_wal_chain_at(wg_wal *wal, uint64_t logseq, wg_sha256 *out);
/* The same with the reason: WG_E_NOT_FOUND for a commit that is not among them | WG_E_NOMEM, WG_E_IO: it could not be hashed. */
wg_code wg_wal_chain_value(wg_wal *wal, uint64_t logseq, wg_sha256 *out, wg_error *err);

/* Begins a new segment when the newest one holds more than `over_bytes`, and makes durable what was appended: a checkpoint that follows
 * then keeps next to nothing of the log. Threads: any, beside appends. A failure leaves the log as it was, or poisoned (WG_E_IO). */
wg_code wg_wal_rotate(wg_wal *wal, uint32_t over_bytes, wg_error *err);
/* Makes durable what was appended; *out_position: everything up to there is, every commit of before this call in it. The position of the metrics may
 * lag behind while a segment begins. Threads: any, beside appends. WG_E_IO as wg_wal_wait. */
wg_code wg_wal_durable_end(wg_wal *wal, uint64_t *out_position, wg_error *err);
/* The segment in which commit `logseq` + 1 begins or will begin: what a manifest names as the first one to keep. */
uint64_t wg_wal_keep_from(wg_wal *wal, uint64_t logseq);
/* Removes the segments below `segment` (oldest first), which a committed manifest no longer needs. A failure leaves the rest for the
 * next open. Threads: any, beside appends. */
wg_code wg_wal_trim(wg_wal *wal, uint64_t segment, wg_error *err);
/* Forgets chain values up to logseq, which somebody else keeps. */
void wg_wal_chain_forget(wg_wal *wal, uint64_t logseq);

typedef struct wg_wal_metrics {
    uint64_t appends, append_bytes, syncs, sync_ns_total, sync_ns_max, commits_per_sync_max, segments;
    uint64_t written_bytes; /* headers and padding included */
    uint64_t last_logseq, durable_logseq;
    uint64_t position, durable_position;       /* segment << 32 | offset */
    uint64_t unsynced_commits, unsynced_bytes; /* queue depth */
    uint64_t waits;                            /* appends that waited for back-pressure */
    uint64_t segments_made, segments_reused, segments_trimmed;
    uint64_t chain_lag;    /* commits whose chain value is not computed yet */
    uint64_t direct_syncs; /* of `syncs`: in one write past the system's cache */
} wg_wal_metrics;
void wg_wal_metrics_get(const wg_wal *wal, wg_wal_metrics *out);
const wg_histogram *wg_wal_sync_histogram(const wg_wal *wal); /* nanoseconds */

/* ---- following a log that another process writes. wal/HEAD holds, unsynced and only as a hint to readers, how far the log is durable: the
 * writer renews it after each sync. docs/format/wal.md has its bytes. */
typedef struct wg_wal_follower wg_wal_follower;
/* Same start as wg_wal_open; changes nothing on the disk. WG_E_EXPIRED when a needed segment is gone: read the manifest again. */
wg_code wg_wal_follow(wg_platform *platform, const char *dir, const wg_wal_options *options, wg_wal_follower **out,
                      wg_error *err);
/* Replays the durable commits that are new since the last call; 0 and WG_OK when there is none. WG_E_EXPIRED as above. After any error,
 * also of `replay`, the follower stands behind the last commit that was replayed, and the call may be repeated. Threads: one at a time. */
wg_code wg_wal_follower_read(wg_wal_follower *follower, wg_wal_replay_fn replay, void *ctx, uint64_t *out_commits,
                             wg_error *err);
bool wg_wal_follower_chain_at(const wg_wal_follower *follower, uint64_t logseq, wg_sha256 *out);
void wg_wal_follower_chain_forget(wg_wal_follower *follower, uint64_t logseq);
uint64_t wg_wal_follower_last_logseq(const wg_wal_follower *follower);
void wg_wal_follower_close(wg_wal_follower *follower);

#endif
