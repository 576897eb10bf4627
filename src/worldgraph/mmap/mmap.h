/* worldgraph/mmap: the set of stripes that make up a checkpoint: mapped files, the newest fragment of each key, and merging.
 *
 * Coherence: a lookup gives the newest fragment of a key among the stripes of the set. Readers hold an epoch; a stripe that leaves
 * the set is unmapped when the last reader of its time has left, so fragments that a reader has found stay valid for it.
 *
 * Threads: one writer (add, remove: rank WG_RANK_STRIPES); lookups any, inside the epoch. */
#ifndef WG_WORLDGRAPH_MMAP_H
#define WG_WORLDGRAPH_MMAP_H

#include "io/compaction/compaction.h"
#include "io/stripe/stripe.h"
#include "mvcc/mvcc.h"

/* One stripe as the manifest names it. */
typedef struct wg_stripe_entry {
    uint64_t id;
    uint32_t level;
    uint64_t bytes; /* of the file: a stripe of another size is WG_E_CORRUPT */
} wg_stripe_entry;

typedef struct wg_stripe_set wg_stripe_set;

wg_code wg_stripe_set_create(wg_platform *platform, const char *dir, const uint8_t store_uuid[16], wg_cache *cache,
                             wg_epoch *epoch, wg_account *account, wg_stripe_set **out, wg_error *err);
void wg_stripe_set_destroy(wg_stripe_set *set);
/* Takes `removed` out and opens and puts `added` in, in one step for readers; on failure the set is unchanged. A stripe in both lists
 * only changes its level. What left stays mapped until wg_stripe_set_settle (or the next change), because tables hold its
 * fragments until they have adopted those that took their place. Errors: WG_E_CORRUPT another size, level or store, or a
 * stripe named twice; WG_E_MISUSE a stripe that is not there leaves; what wg_stripe_open says. */
wg_code wg_stripe_set_change(wg_stripe_set *set, const wg_stripe_entry *added, uint32_t added_count,
                             const uint64_t *removed, uint32_t removed_count, wg_error *err);
/* The fragments of stripes that left are in no table any more: unmaps them after the last reader who is inside the epoch now. The
 * cache must live until the epoch is destroyed. */
void wg_stripe_set_settle(wg_stripe_set *set);
/* The stripe, which is in the set, stays mapped until the set is destroyed, also when it leaves: memory points into it. Its file may go. */
void wg_stripe_set_keep(wg_stripe_set *set, const wg_stripe *stripe);
/* wg_stripe_drop_pages of all stripes, also of those that left the set and are mapped still: of these everything. */
void wg_stripe_set_drop_pages(wg_stripe_set *set);
/* Destroying unmaps everything; no reader is inside. */
uint32_t wg_stripe_set_count(const wg_stripe_set *set);
wg_stripe_entry wg_stripe_set_entry(const wg_stripe_set *set, uint32_t i); /* by rising id */
wg_stripe *wg_stripe_set_stripe(const wg_stripe_set *set, uint32_t i);

/* The newest fragment with this key; NULL: none, or superseded: a piece of a run that a wider run covers, or `end`s (ROWS part 1) whose rows
 * are gone or as new. */
const wg_fragment *wg_stripe_set_find(const wg_stripe_set *set, const wg_fragment_key *key);
/* Newest fragments in key order: *position 0 to begin (writer, or inside one epoch while the set does not change); NULL at the end.
 * Superseded KEYS, ADJACENCY and STATE runs (covered by a wider run of a higher or equal version) are left out, and superseded `end`s. */
const wg_fragment *wg_stripe_set_next(const wg_stripe_set *set, uint64_t *position);
/* The first position whose key is not below `key`. */
uint64_t wg_stripe_set_seek(const wg_stripe_set *set, const wg_fragment_key *key);

/* ---- merging */

/* What a merge has to keep of an agents' run. Zeroed: everything, as long as nobody says otherwise. */
typedef struct wg_merge_run {
    bool gone;            /* its fragments are left out */
    bool has_parent;      /* its deletions hide records of others */
    uint64_t horizon;     /* snapshots of versions from this one on are seen */
    const uint64_t *kept; /* and of these below it, ascending; live as long as the merge */
    uint32_t kept_count;
} wg_merge_run;

typedef struct wg_merge_input {
    const wg_stripe_set *set;
    const wg_compaction_job *job;
    uint64_t horizon; /* versions that ended at or before it are dropped; 0: none */
    bool bottom;      /* empty slots vanish, unless a stripe that is no input has them too */
    /* True while an id may still be seen at or after the horizon. Called for KEYS entries and edges of ADJACENCY runs; gives one answer
     * for an id during a merge. NULL: all are alive. */
    bool (*id_is_alive)(void *ctx, bool is_edge, uint64_t id);
    /* STATE and EVENTS of a run; one answer for a run during a merge. NULL: all records are kept. */
    void (*run_of)(void *ctx, uint32_t run, wg_merge_run *out);
    void *ctx;
    wg_pacer *pacer; /* NULL: none */
    const wg_compaction_policy *policy;
    /* Called between fragments with input bytes done; false stops with WG_E_CANCELLED. Waits of the pacer are slept by `wait`. */
    bool (*progress)(void *ctx, uint64_t done, uint64_t total);
    void (*wait)(void *ctx, uint64_t ns);
} wg_merge_input;

typedef struct wg_merge_output {
    wg_buf stripes; /* wg_stripe_entry each, of the output level; written, synced and renamed */
    uint64_t bytes_read;
    uint64_t bytes_written;
    uint64_t rows_dropped;
    uint64_t fragments_dropped;
} wg_merge_output;

/* Writes what the job's inputs hold into new stripes with ids from *next_id on. Sees the set as it was when a stripe was last described
 * (otherwise as it is), so checkpoints may go on beside it. The newest version of a key in that set wins: what something newer, in
 * whatever stripe, replaces is left out. The newest ROWS part 1 of a slot is folded into part 0 when part 0 is among the inputs. KEYS,
 * ADJACENCY and STATE runs of one owner that follow one another are joined into one. On failure no file is left. The result is a function
 * of the job and the set: equal ones give equal bytes. Threads: one merge of a set at a time.
 * Errors: WG_E_CANCELLED, WG_E_CORRUPT, WG_E_MISUSE an input is not in the set, WG_E_INTERNAL id_is_alive changed its mind; what reading
 * and writing stripes say. */
wg_code wg_stripe_merge(wg_platform *platform, const char *dir, const wg_merge_input *input,
                        const wg_stripe_options *options, uint64_t *next_id, wg_merge_output *out, wg_error *err);
/* What the policy wants to know about stripe i: key range, rows, rows dead at the horizon (reads END columns: cached). Rows of fragments
 * that newer ones have replaced count as dead. Holds the set as it is for the merge that follows; not while one runs. Threads: one at a
 * time (who compacts), and no checkpoint under way that could still fail. */
wg_code wg_stripe_set_describe(const wg_stripe_set *set, uint32_t i, uint64_t horizon, wg_compaction_file *out,
                               wg_error *err);
/* Bytes whose order by memcmp is the order of keys, as the policy has them. */
void wg_fragment_key_bytes(const wg_fragment_key *key, uint8_t out[28]);

/* ---- where a checkpoint's fragments go: stripes are begun and finished as they fill */

typedef struct wg_stripe_sink {
    wg_platform *platform;
    const char *dir;
    wg_stripe_options options;
    uint64_t next_id;
    uint32_t id_step;         /* from one stripe to the next; 0 counts as 1 */
    wg_stripe_writer *writer; /* NULL between stripes */
    uint32_t level;
    wg_buf finished; /* wg_stripe_entry each */
    uint64_t bytes_written;
    wg_fragment_key last; /* the sink's own */
    bool has_last;
} wg_stripe_sink;
/* Keys must ascend within the whole sink. */
wg_code wg_stripe_sink_add(wg_stripe_sink *sink, const wg_fragment_head *head, const wg_stripe_column *columns,
                           uint32_t column_count, wg_error *err);
wg_code wg_stripe_sink_finish(wg_stripe_sink *sink, wg_error *err); /* the stripe under way too; keeps `finished` */
void wg_stripe_sink_abort(wg_stripe_sink *sink);                    /* removes every file that it made; frees all */
void wg_stripe_sink_deinit(wg_stripe_sink *sink);

/* ---- records of agents' runs: kind STATE. A set holds those of versions (key.run, attribute 0], by key, newest first */

typedef struct wg_record {
    wg_slice key;
    wg_slice value;          /* of what was read: in the mapping, as long as the stripe is there */
    const wg_stripe *stripe; /* of what was read; writing ignores it */
    uint64_t version, time_us, expires_us;
    uint8_t type;
    bool deleted;
} wg_record;

/* Cuts sorted records into pieces of one set. head: key (slot is given here), version, attribute 0. */
typedef struct wg_record_sink wg_record_sink;
wg_code wg_record_sink_create(wg_stripe_sink *sink, const wg_fragment_head *head, wg_account *account,
                              wg_record_sink **out, wg_error *err);
wg_code wg_record_sink_add(wg_record_sink *sink, const wg_record *record, wg_error *err); /* copies */
wg_code wg_record_sink_finish(wg_record_sink *sink, uint64_t *out_pieces, wg_error *err);
void wg_record_sink_destroy(wg_record_sink *sink);
/* One record of a piece; WG_E_CORRUPT when the piece is not one. */
wg_code wg_record_read(const wg_fragment *fragment, uint32_t row, wg_record *out, wg_error *err);
wg_code wg_record_head(const wg_fragment *fragment, uint32_t row, wg_slice *out_key, uint64_t *out_version,
                       wg_error *err);
/* The first row that is not before the key's record of this version: a larger key, or a version at or below it. */
wg_code wg_record_seek(const wg_fragment *fragment, wg_slice key, uint64_t version, uint32_t *out_row, wg_error *err);

/* All records of a run in the newest fragments of the set: keys ascending, of one key the newest first. Inside one epoch.
 * WG_E_CORRUPT: pieces are missing, sets overlap, or records are out of order. */
typedef struct wg_records wg_records;
wg_code wg_records_open(const wg_stripe_set *set, uint32_t owner, wg_account *account, wg_records **out,
                        wg_error *err);
wg_code wg_records_next(wg_records *records, wg_record *out, bool *out_found, wg_error *err);
void wg_records_close(wg_records *records);
/* Those of one key with version <= snapshot, newest first; false stops. O(sets * log records). Inside the epoch. */
typedef bool (*wg_record_fn)(void *ctx, const wg_record *record);
wg_code wg_records_versions(const wg_stripe_set *set, uint32_t owner, wg_slice key, uint64_t snapshot,
                            wg_record_fn fn, void *ctx, wg_error *err);

#endif
