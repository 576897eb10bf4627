/* primitives/eventlog: the event log of a run and the places of its consumers. Meaning, errors and lifetimes are those of worldgraph.h ("event log"). */
#ifndef WG_PRIMITIVES_EVENTLOG_H
#define WG_PRIMITIVES_EVENTLOG_H

#include "primitives/agent/agent.h"

wg_code wg_log_append(wg_agent_run *run, const wg_event_write *events, uint32_t n, uint64_t *out_first,
                      wg_error *err);
wg_code wg_log_length(wg_agent_run *run, uint64_t *out, wg_error *err);
wg_code wg_log_read(wg_agent_run *run, uint64_t sequence, wg_event_item *out, wg_error *err);
/* range NULL: all. */
wg_code wg_log_range(wg_agent_run *run, const wg_event_range *range, wg_event_fn fn, void *ctx, wg_error *err);
wg_code wg_log_types(wg_agent_run *run, wg_event_type_fn fn, void *ctx, wg_error *err);
wg_code wg_log_hash(wg_agent_run *run, uint64_t sequence, wg_sha256 *out, wg_error *err);
wg_code wg_log_verify(wg_agent_run *run, wg_events_report *out, wg_error *err);

wg_code wg_log_consumer_get(wg_agent_run *run, wg_slice consumer, uint64_t *out, wg_error *err);
wg_code wg_log_consumer_set(wg_agent_run *run, wg_slice consumer, uint64_t position, wg_error *err);
wg_code wg_log_consumer_remove(wg_agent_run *run, wg_slice consumer, wg_error *err);
wg_code wg_log_consumers(wg_agent_run *run, wg_consumer_fn fn, void *ctx, wg_error *err);

#endif
