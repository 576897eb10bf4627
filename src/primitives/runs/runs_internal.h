/* What the files of primitives/runs share. */
#ifndef WG_PRIMITIVES_RUNS_INTERNAL_H
#define WG_PRIMITIVES_RUNS_INTERNAL_H

#include "primitives/agent/registry.h"
#include "primitives/runs/runs.h"

enum { WGI_RUN_NAME_BYTES_MAX = 256, WGI_RUN_TAGS_MAX = 64, WGI_RUN_TAG_BYTES_MAX = 128, WGI_RUN_TRIES = 64 };

/* The record of a run as run 0 keeps it. Everything is borrowed. */
typedef struct wgi_run_record {
    wg_slice name;
    uint8_t id[16];
    uint32_t number;
    wg_run_status status;
    wg_slice parent;    /* name; empty: none */
    wg_slice forked_of; /* name; empty: none */
    uint64_t fork_version;
    uint64_t created_us, updated_us, ended_us;
    wg_slice error;
    const wg_value *tags; /* STRING each */
    uint32_t tag_count;
    wg_value metadata; /* MAP */
} wgi_run_record;

/* As a MAP value in the arena, and back. WG_E_CORRUPT. */
wg_code wgi_run_record_value(const wgi_run_record *record, wg_arena *arena, wg_value *out, wg_error *err);
wg_code wgi_run_record_of(const wg_value *value, wgi_run_record *out, wg_error *err);

/* Reads inside a transaction of run 0 (txn NULL: the newest state); everything lives in the arena of `system`. */
wg_code wgi_registry_number(wg_agent_run *system, wg_slice name, uint32_t *out, bool *out_found, wg_error *err);
wg_code wgi_registry_read(wg_agent_run *system, uint32_t number, wgi_run_record *out, bool *out_found, wg_error *err);
wg_code wgi_registry_write(wg_agent_run *system, const wgi_run_record *record, wg_error *err);
/* A handle of run 0, which has no status. */
void wgi_run_system_init(wg_agent_run *run, wg_agent *agent);

wg_code wgi_run_name_check(wg_slice name, wg_error *err);

#endif
