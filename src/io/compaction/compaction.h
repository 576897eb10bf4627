/* io/compaction: which stripes to merge next, and how fast. Policy and pacing only: the caller reads, merges and commits.
 *
 * Leveled: level 0 holds the outputs of checkpoints, whose key ranges overlap; levels 1 to 6 hold stripes with disjoint ranges,
 * level n + 1 ten times level n. A job takes stripes of one level and those of the next that overlap them.
 *
 * Triggers, in order of urgency: READ_AMPLIFICATION (more level-0 stripes than the limit), LEVEL_SIZE (the level with the highest
 * size / target above 1), TOMBSTONES (a stripe whose dead share is above the limit), RUNS (more runs of one owner than the limit, or too many
 * dead entries in them), MANUAL. Threads: the policy is a pure function;
 * the pacer is safe for any. */
#ifndef WG_IO_COMPACTION_H
#define WG_IO_COMPACTION_H

#include "io/platform/platform.h"

enum { WG_LEVELS = 7, WG_LEVEL_FANOUT = 10, WG_COMPACTION_INPUTS_MAX = 64 };

typedef enum wg_compaction_trigger {
    WG_COMPACT_NOTHING,
    WG_COMPACT_READ_AMPLIFICATION,
    WG_COMPACT_LEVEL_SIZE,
    WG_COMPACT_TOMBSTONES,
    WG_COMPACT_MANUAL,
    WG_COMPACT_RUNS
} wg_compaction_trigger;

typedef struct wg_compaction_policy {
    uint64_t file_bytes;                  /* target of a stripe; 0: 64 MiB */
    uint64_t level_bytes;                 /* target of level 1; 0: 10 * file_bytes */
    uint32_t level0_files;                /* merge when there are more; 0: 4 */
    uint32_t tombstone_percent;           /* dead rows of a stripe; 0: 25 */
    uint32_t runs_max;                    /* of one owner below level 0; 0: 6 */
    uint64_t bytes_per_second[WG_LEVELS]; /* of a job that reads from this level; 0: no cap */
} wg_compaction_policy;

/* What the policy knows of a stripe. Keys are compared by memcmp of `first` and `last` (order-preserving bytes). */
typedef struct wg_compaction_file {
    uint64_t id;
    uint32_t level;
    uint64_t bytes;
    uint64_t rows;
    uint64_t dead_rows; /* ended at or before the horizon */
    uint8_t first[28];
    uint8_t last[28];
} wg_compaction_file;

typedef struct wg_compaction_job {
    wg_compaction_trigger trigger;
    uint32_t level; /* inputs come from here */
    uint32_t output_level;
    uint32_t input_count;
    uint64_t inputs[WG_COMPACTION_INPUTS_MAX]; /* ids */
    uint64_t input_bytes;
    bool move; /* one input, nothing overlaps below: change the level, copy nothing */
    /* Capacity of the stripes that it writes. Below the policy's when one stripe overlaps more than a job can read: the job then
     * cuts it into several of its own level, which overlap less each. */
    uint64_t output_bytes;
    bool cut;
} wg_compaction_job;

/* The next job, deterministic in its arguments; trigger NOTHING when none is due. `everything`: MANUAL job that merges all levels
 * down while there is more than one non-empty level (level 0 goes down always) or anything dead. Files are in no particular order.
 * Jobs end when the caller adds nothing to the files but what they wrote; a caller beside a writer leaves out what came meanwhile.
 * Allocates nothing. Jobs of TOMBSTONES rewrite a stripe in its own level. */
void wg_compaction_pick(const wg_compaction_policy *policy, const wg_compaction_file *files, uint32_t file_count,
                        bool everything, wg_compaction_job *out);
/* A run of one owner: a sorted part of an index, which a reader must look into beside the others. A merge that reads all pieces of runs
 * that follow one another makes one of them. */
typedef struct wg_compaction_run {
    uint64_t owner;
    uint64_t bytes;
    bool dead;  /* too many entries of the owner are: same for all its runs */
    bool fixed; /* a piece of it lies where no such job reads: in level 0, or younger than the call */
    uint8_t first[28];
    uint8_t last[28];
} wg_compaction_run;
/* A job of RUNS, or NOTHING: `runs` in key order. Of an owner that has too many those neighbours whose joining rewrites least for
 * the number that goes; of one with dead entries, all. Its inputs may be of several levels; what it writes goes to the deepest of
 * them. *out_owner: whose runs it joins. */
void wg_compaction_pick_runs(const wg_compaction_policy *policy, const wg_compaction_file *files, uint32_t file_count,
                             const wg_compaction_run *runs, uint32_t run_count, wg_compaction_job *out,
                             uint64_t *out_owner);
/* Target of a level in bytes; level 0 has none (UINT64_MAX), nor has the last. */
uint64_t wg_compaction_level_bytes(const wg_compaction_policy *policy, uint32_t level);
/* True when no file but the inputs has keys between the first and the last key of the inputs: nothing can come to light when
 * they forget a key. */
bool wg_compaction_is_bottom(const wg_compaction_file *files, uint32_t file_count, const wg_compaction_job *job);
const char *wg_compaction_trigger_name(wg_compaction_trigger trigger); /* "read_amplification", ... */

/* Token bucket: tells how long to wait before `bytes` more may be moved by a job of this level, and counts them as moved. Pausing makes
 * it UINT64_MAX, and nothing is counted. A zeroed struct is ready. */
typedef struct wg_pacer {
    _Atomic bool paused;
    _Atomic uint64_t next_ns[WG_LEVELS]; /* when the next byte may move */
} wg_pacer;
uint64_t wg_pacer_wait_ns(wg_pacer *pacer, const wg_compaction_policy *policy, uint32_t level, uint64_t bytes,
                          uint64_t now_ns);

#endif
