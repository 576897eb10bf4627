/* tests/fault: scenarios over the public API, one or more for every function of worldgraph.h (tests/fault/functions_test.sh sees
 * to that). api_fault_test.c runs each with every platform call and every allocation failing.
 *
 * The base is a workspace /ws with labels Row (keyed by id), Open and File (virtual), three rows and two edges; /data/players.csv;
 * and, for `stored` scenarios, a checkpoint under it. A scenario that commits rows says so by scenario_adds, so that what was
 * acknowledged can be looked for afterwards; one that commits to runs does so by notes (scenarios_agents.c). It frees everything that it
 * got, whatever happened. */
#ifndef WG_TESTS_SCENARIOS_H
#define WG_TESTS_SCENARIOS_H

#include "base/core/core.h"

typedef struct scene {
    wg_db *db;            /* open; NULL for scenarios that open by themselves */
    wg_session *session;  /* open when db is */
    uint64_t tried;       /* rows that may be there */
    uint64_t acked;       /* rows that must be there */
    uint64_t notes_tried; /* notes that may be there */
    uint64_t notes_acked; /* notes that must be there */
    uint64_t sink;        /* bytes that were written to callbacks */
} scene;

typedef struct scenario {
    const char *name;
    wg_code (*run)(scene *s, wg_error *err);
    bool opens;     /* gets no open database */
    bool read_only; /* its database is opened to read only */
} scenario;

extern const scenario scenarios[];
extern const size_t scenario_count;
extern const scenario maintenance_scenarios[];
extern const size_t maintenance_scenario_count;
extern const scenario agents_scenarios[];
extern const size_t agents_scenario_count;
extern const scenario receipts_scenarios[];
extern const size_t receipts_scenario_count;

/* Runs a statement whose answer does not matter. */
wg_code scene_run(scene *s, const char *text, wg_error *err);
/* A statement that adds `rows` nodes of Row. */
wg_code scene_add(scene *s, const char *text, uint64_t rows, wg_error *err);

/* How many notes the session's database has: their keys and their events. Makes the run that has them when it is not there. */
wg_code scene_notes(wg_session *session, uint64_t *out_keys, uint64_t *out_events, wg_error *err);

#endif
