/* tests/golden/runs-*: workspaces with runs of agents that earlier versions wrote, kept for ever, and what each run shows as text.
 *
 *   tests/golden/<name>/ws/...     the workspace
 *   tests/golden/<name>/dump.txt   runs_dump of it: which runs there are, their keys in order, their events with hashes
 */
#ifndef WG_TESTS_GOLDEN_RUNS_KIT_H
#define WG_TESTS_GOLDEN_RUNS_KIT_H

#include "tests/golden/golden_kit.h"

/* Makes /ws: two runs, forks of forks, one dropped below a fork, deletions, expiring and large values, events, consumers; some of it in
 * stripes, some in the log behind them. */
wg_code runs_write(wg_platform *platform, wg_error *err);
/* A new simulated disk with the golden workspace as /ws. */
wg_code runs_load(const char *name, uint64_t seed, wg_platform **out, wg_error *err);
wg_code runs_open(wg_platform *platform, bool create, wg_engine **out, wg_error *err);
/* Appends what every run shows now. */
wg_code runs_dump(wg_engine *engine, wg_buf *out, wg_error *err);

#endif
