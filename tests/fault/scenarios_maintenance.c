/* Scenarios of maintenance: see scenarios.h. */
#include "tests/fault/scenarios.h"

static wg_code run_sync(scene *s, wg_error *err) {
    WG_TRY(scene_add(s, "CREATE (:Row {id: 20})", 1, err));
    return wg_sync(s->db, err);
}

const scenario maintenance_scenarios[] = {{"sync", run_sync, false, false}};
const size_t maintenance_scenario_count = sizeof maintenance_scenarios / sizeof maintenance_scenarios[0];
