/* primitives/runs: runs as things with names: making, listing, states, forks, differences, merging, replay. Meaning, errors and lifetimes are those of
 * worldgraph.h ("runs"). */
#ifndef WG_PRIMITIVES_RUNS_H
#define WG_PRIMITIVES_RUNS_H

#include "primitives/agent/agent.h"

/* Finds a run by name. WG_E_NOT_FOUND. */
wg_code wg_runs_find(wg_agent *agent, wg_slice name, uint32_t *out_number, wg_error *err);
/* options NULL: none. WG_E_EXISTS unless if_not_exists. */
wg_code wg_runs_create(wg_agent *agent, wg_slice name, const wg_run_options *options, uint32_t *out_number,
                       wg_error *err);
/* A run that begins as `from` was at `version` (0: newest visible). */
wg_code wg_runs_fork(wg_agent_run *from, wg_slice name, uint64_t version, const wg_run_options *options,
                     uint32_t *out_number, wg_error *err);
wg_code wg_runs_delete(wg_agent *agent, wg_slice name, wg_error *err);

/* What *out points to lives in the handle's arena. */
wg_code wg_runs_info(wg_agent_run *run, wg_run_info *out, wg_error *err);
wg_code wg_runs_list(wg_agent *agent, const wg_run_filter *filter, wg_run_fn fn, void *ctx, wg_error *err);
wg_code wg_runs_set_status(wg_agent_run *run, wg_run_status status, const char *message, wg_error *err);
wg_code wg_runs_set_tags(wg_agent_run *run, const char *const *tags, uint32_t tag_count, wg_error *err);
wg_code wg_runs_set_metadata(wg_agent_run *run, const wg_value *metadata, wg_error *err);

wg_code wg_runs_diff(wg_agent_run *a, wg_agent_run *b, wg_diff_fn fn, void *ctx, wg_run_diff_report *out,
                     wg_error *err);
wg_code wg_runs_merge(wg_agent_run *source, wg_agent_run *target, wg_merge_policy policy, wg_merge_report *out,
                      wg_error *err);
wg_code wg_runs_replay(wg_agent_run *run, uint64_t logseq, wg_replay_report *out, wg_error *err);

#endif
