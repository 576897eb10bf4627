/* tests/sim: the scenarios: what runs at once, and what must hold in every schedule of it. */
#ifndef WG_TESTS_SIM_SCENARIOS_H
#define WG_TESTS_SIM_SCENARIOS_H

#include "tests/sim/scheduler.h"

typedef struct sim_scenario {
    const char *name;
    void (*run)(void); /* one schedule, between sim_begin and sim_end; may call sim_fail */
    uint32_t canary;   /* the planted bug that it must find; 0: none */
} sim_scenario;

extern const sim_scenario sim_scenarios[];
extern const uint32_t sim_scenario_count;
extern const sim_scenario sim_canaries[];
extern const uint32_t sim_canary_count;

/* scenarios_parts.c: single modules */
void sim_rotation_and_group_commit(void);
void sim_manifest_and_reader(void);
void sim_eviction_and_pin(void);
void sim_epoch_reclaim(void);
/* scenarios_engine.c: a workspace */
void sim_commit_and_checkpoint(void);
void sim_checkpoint_and_checkpoint(void);
void sim_compaction_and_snapshot(void);
void sim_close_and_everything(void);
void sim_two_writers_one_key(void);
void sim_ddl_and_scan(void);
void sim_manifest_and_opening(void);
void sim_runs_beside_writer(void);
/* scenarios_edges.c: adjacency */
void sim_delta_merge_and_commit(void);

/* Fails the schedule and leaves the function when a call did not succeed. */
#define SIM_TRY(what, call)                                                              \
    do {                                                                                 \
        wg_error sim_err_ = {0};                                                         \
        wg_error *err = &sim_err_;                                                       \
        if ((call) != WG_OK) {                                                           \
            sim_fail("%s: %s: %s", what, wg_code_name(sim_err_.code), sim_err_.message); \
            return;                                                                      \
        }                                                                                \
    } while (0)

/* A thread of a scenario. */
typedef struct sim_crew {
    wg_thread threads[8];
    uint32_t count;
} sim_crew;

static inline void sim_crew_add(sim_crew *crew, void (*body)(void *), void *arg) {
    wg_error err = {0};
    WG_ASSERT(crew->count < 8);
    if (wg_thread_start(&crew->threads[crew->count], body, arg, &err) == WG_OK) crew->count++;
    else sim_fail("a thread did not start: %s", err.message);
}

static inline void sim_crew_join(sim_crew *crew) {
    for (uint32_t i = 0; i < crew->count; i++) wg_thread_join(&crew->threads[i]);
    crew->count = 0;
}

#endif
