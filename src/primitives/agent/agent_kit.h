/* For tests only: a private engine with one agent and a handle of a fresh run. */
#ifndef WG_PRIMITIVES_AGENT_KIT_H
#define WG_PRIMITIVES_AGENT_KIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "primitives/runs/runs.h"

#define AGENT_OK(call)                                                                        \
    do {                                                                                      \
        wg_error err_ = {0};                                                                  \
        wg_error *err = &err_;                                                                \
        const wg_code code_ = (call);                                                         \
        if (code_ != WG_OK) fail_msg("%s: %s: %s", #call, wg_code_name(code_), err_.message); \
    } while (0)

typedef struct agent_kit {
    wg_engine *engine;
    wg_agent *agent;
    wg_agent_run run;
} agent_kit;

static inline void agent_kit_run(agent_kit *kit, const char *name, wg_agent_run *out) {
    uint32_t number = 0;
    AGENT_OK(wg_runs_create(kit->agent, wg_slice_str(name), NULL, &number, err));
    AGENT_OK(wg_agent_run_init(out, kit->agent, number, err));
}

static inline int agent_kit_setup(void **state) {
    static agent_kit kit;
    const wg_engine_options o = {.options = {.durability = WG_IN_MEMORY}};
    AGENT_OK(wg_engine_open(NULL, &o, &kit.engine, err));
    AGENT_OK(wg_agent_open(kit.engine, &kit.agent, err));
    agent_kit_run(&kit, "r", &kit.run);
    *state = &kit;
    return 0;
}

static inline int agent_kit_teardown(void **state) {
    agent_kit *kit = *state;
    wg_agent_run_deinit(&kit->run);
    wg_agent_close(kit->agent);
    AGENT_OK(wg_engine_close(kit->engine, err));
    return 0;
}

#define AGENT_TEST(f) cmocka_unit_test_setup_teardown(f, agent_kit_setup, agent_kit_teardown)

#endif
