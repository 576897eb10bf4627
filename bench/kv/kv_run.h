/* The harness of kv_bench: what is run, in which order, and what is kept of it.
 *
 * A work is one line of the report: a shape of operation, the keys it touches, a durability mode, a number of threads.
 * Works are grouped in stages, stages in phases. A phase opens one instance of each engine for each mode that its works
 * need and loads it; a stage runs `rounds` rounds; a round gives every (work, instance) one slice of time, engines next
 * to each other and in an order that turns with the round, so that a busy machine hits all alike. */
#ifndef KV_RUN_H
#define KV_RUN_H

#include "kv_bench.h"
#include "kv_stats.h"

enum { KV_ROUNDS_MAX = 64, KV_DRIVERS_MAX = 16, KV_WORKS_MAX = 64, KV_PATH_BYTES = 4096, KV_BATCH_MAX = 512 };

typedef enum kv_shape {
    KV_GET,
    KV_GET_DEPENDENT, /* the next key comes out of the last value */
    KV_GET_X16,
    KV_PUT,
    KV_PUT_X16,
    KV_RMW,
    KV_SCAN,
    KV_APPEND,
    KV_TICKETS, /* puts with up to KV_TICKETS_OPEN not yet durable */
    KV_INSERT,  /* puts of new keys */
    KV_REPLAY
} kv_shape;

enum { KV_TICKETS_OPEN = 4096, KV_HOT_KEYS = 10000, KV_APART_KEYS = 100000 };

typedef enum kv_choice {
    KV_ALL_KEYS,  /* uniformly */
    KV_HOT_SET,   /* KV_HOT_KEYS of them */
    KV_ONE_KEY,   /* always the same */
    KV_OWN_RANGE, /* uniformly in a range that belongs to the thread */
    KV_OWN_RUN    /* the same, KV_APART_KEYS of them, in a run of its own where the engine has such */
} kv_choice;

typedef enum kv_stage {
    KV_STAGE_READ,
    KV_STAGE_WRITE,
    KV_STAGE_THREADS,
    KV_STAGE_SMALL,
    KV_STAGE_GROW,
    KV_STAGE_STRICT,
    KV_STAGE_REPLAY,
    KV_STAGES
} kv_stage;

typedef struct kv_work {
    const char *name;
    kv_stage stage;
    kv_shape shape;
    kv_choice choice;
    kv_mode mode;
    bool chained, presized;
    unsigned threads;
    unsigned batch; /* operations timed together for KV_NEAR engines; others: one call */
    bool cpu;       /* the thread's processor time is read as well */
} kv_work;

extern const kv_work kv_works[];
extern const unsigned kv_work_count;
/* The place of a work in kv_works; -1 when there is none. */
int kv_work_find(const char *name, unsigned threads);

/* ---- what is kept of a (work, engine) */

typedef struct kv_round {
    double
        ns; /* time that passed over operations of all threads, without the building of batches; one thread: nor waiting for a processor */
    double p50, p99, p999;                    /* of a call */
    double cpu_ns;                            /* a thread's, per operation */
    double instructions, allocations, faults; /* per operation; instructions < 0: no counter */
    uint64_t operations;
} kv_round;

typedef struct kv_result {
    kv_histogram *histogram; /* NULL until measured */
    kv_round rounds[KV_ROUNDS_MAX];
    unsigned round_count;
} kv_result;

typedef enum kv_metric {
    KV_NS,
    KV_P50,
    KV_P99,
    KV_P999,
    KV_CPU,
    KV_INSTRUCTIONS,
    KV_ALLOCATIONS,
    KV_FAULTS
} kv_metric;
double kv_round_metric(const kv_round *round, kv_metric metric);

/* ---- one thread of one slice (kv_lane.c) */

typedef struct kv_lane {
    const kv_driver *driver;
    const kv_work *work;
    void *session;
    uint64_t seed, stamp;
    uint64_t first, span; /* its keys */
    uint64_t inserted;    /* KV_INSERT: keys present before */
    unsigned batch;
    uint64_t start, warm_ns, run_ns, operations_max; /* all threads of a slice have one start */

    kv_histogram histogram;
    uint64_t operations;                 /* all, warming up included */
    uint64_t timed, timed_ns;            /* those that count */
    uint64_t measured_from, measured_to; /* from the end of warming up to the end */
    uint64_t waited_ns;
    uint64_t span_cpu_ns; /* the thread's processor time in that span, building batches included */
    uint64_t cpu_ns;
    uint64_t sum;      /* of what was read */
    uint64_t position; /* KV_GET_DEPENDENT: the next index */
    uint64_t event_next;
    double instructions, allocations, faults;
    uint64_t tickets[KV_TICKETS_OPEN];
    kv_key keys[KV_BATCH_MAX];
    kv_value values[KV_BATCH_MAX];
    kv_row rows[KV_SCAN_ROWS];
} kv_lane;

void kv_lane_run(kv_lane *lane);
/* Index of the lane's operation `number` (not for KV_GET_DEPENDENT). */
uint64_t kv_lane_index(const kv_lane *lane, uint64_t number);
uint64_t kv_lane_step(const kv_lane *lane, uint64_t tag, uint64_t number); /* KV_GET_DEPENDENT */
uint64_t kv_insert_index(uint64_t number);
void kv_count_operations(kv_lane *lane,
                         uint64_t operations); /* for callgrind: --toggle-collect=kv_count_operations */
void kv_clock_calibrate(void);

/* ---- counters (kv_counters.c) */

typedef struct kv_counters {
    double instructions, allocations, faults;
    uint64_t waited_ns; /* ready to run while others held the processors; 0 where the kernel does not say */
} kv_counters;

bool kv_counters_begin(void); /* opens the instruction counter; false: this machine shows none */
void kv_counters_read(kv_counters *out);

/* ---- the model and the instances (kv_instance.c) */

typedef struct kv_instance {
    const kv_driver *driver;
    kv_options options;
    char dir[KV_PATH_BYTES];
    void *db, *session;
    uint64_t keys;
    uint32_t *stamps, *changes; /* the model: a key's last stamp and the changes since */
    uint32_t *apart_stamps;     /* of the same keys in runs of their own; NULL: never opened */
    uint64_t slices, inserted;
} kv_instance;

typedef struct kv_settings {
    bool json, quick, gate, no_fifo;
    unsigned rounds;
    const char *only, *engines, *dir, *ours, *count;
    uint64_t keys, keys_small, operations;
} kv_settings;

/* NULL and a sentence when the engine cannot be opened. */
kv_instance *kv_instance_open(const kv_driver *driver, const kv_options *options, uint64_t keys,
                              char why[KV_WHY_BYTES]);
void kv_instance_close(kv_instance *instance);
/* Brings the model up to date with a finished slice and ends the program if an answer was wrong. */
void kv_instance_check(kv_instance *instance, const kv_work *work, const kv_lane *lanes, unsigned count);
/* A lane of the instance for the work, with its own session except the first of an ordinary work. */
void kv_lane_init(kv_lane *lane, kv_instance *instance, const kv_work *work, unsigned number);
void kv_lane_end(kv_lane *lane, kv_instance *instance); /* closes that session */

/* ---- the run (kv_run.c) */

typedef struct kv_results {
    kv_result of[KV_WORKS_MAX][KV_DRIVERS_MAX];
    char absent[KV_DRIVERS_MAX][KV_WHY_BYTES]; /* "" when it was measured */
    bool chosen[KV_DRIVERS_MAX];
    bool instructions, fifo;
} kv_results;

unsigned kv_driver_count(void);
int kv_driver_find(const char *name);
bool kv_work_fits(const kv_work *work, const kv_driver *driver);
void kv_run_all(const kv_settings *settings, kv_results *results);
/* --count: one work on one engine, `operations` operations inside kv_count_operations. */
void kv_run_counted(const kv_settings *settings);

/* ---- goals and reports */

void kv_report_table(const kv_settings *settings, const kv_results *results);
void kv_report_json(const kv_settings *settings, const kv_results *results);
/* Prints a line a goal; returns how many gates failed. */
unsigned kv_goals_report(const kv_settings *settings, const kv_results *results);

/* ---- support beyond what drivers see (kv_support.c) */

uint64_t kv_thread_cpu_ns(void);
void kv_folders_begin(const char *disk);
void kv_folder_make(bool on_disk, char out[KV_PATH_BYTES]);
void kv_folder_remove(const char *path);

#endif
