/* exec: what a run of a plan did, operator by operator: PROFILE. A run without a profile pays one comparison a batch. */
#ifndef WG_EXEC_PROFILE_H
#define WG_EXEC_PROFILE_H

#include "exec/exec.h"

#define WG_PROFILE_NO_LINE UINT32_MAX

/* One operator. `time` is its own, without that of the operators around it, summed over the workers; operators inside of Apply, Call and
 * MergePattern have none: it belongs to the one that runs them. `memory` is by how much the query's memory had grown at its highest seen
 * while the operator built its result or table. */
typedef struct wg_profile_line {
    const wg_plan *plan;
    uint32_t depth;
    _Atomic uint64_t rows;
    _Atomic uint64_t batches;
    _Atomic uint64_t ns;
    _Atomic uint64_t memory_bytes;
    _Atomic uint64_t spilled_bytes; /* written to temporary files while it was at work */
    wg_stats scan;                  /* scans; guarded by the profile's mutex */
    const char *scan_text;          /* scans: what was pruned; "" */
} wg_profile_line;

typedef struct wg_profile wg_profile;

/* Lines for all operators of the plan, in the order in which it is printed.
 * Owns: the caller destroys *out. Threads: one run at a time counts into it. */
WG_MUST_USE wg_code wg_profile_create(const wg_plan *plan, wg_platform *platform, wg_account *account,
                                      wg_profile **out, wg_error *err);
void wg_profile_destroy(wg_profile *profile); /* NULL is legal */
uint32_t wg_profile_count(const wg_profile *profile);
const wg_profile_line *wg_profile_at(const wg_profile *profile, uint32_t line);

/* The table of PROFILE: a row an operator. */
enum { WG_PROFILE_COLUMNS = 11 };
extern const char *const wg_profile_column_names[WG_PROFILE_COLUMNS];
extern const wg_type wg_profile_column_types[WG_PROFILE_COLUMNS];
/* cells[wg_profile_count * WG_PROFILE_COLUMNS], row after row, in the arena. */
WG_MUST_USE wg_code wg_profile_cells(const wg_profile *profile, const wg_txn *txn, wg_arena *arena, wg_value **out,
                                     wg_error *err);

/* ---- for pipeline.c */
uint32_t wgi_profile_line(const wg_profile *profile, const wg_plan *plan); /* NO_LINE: none; either may be NULL */
uint64_t wgi_profile_now(const wg_profile *profile);
void wgi_profile_rows(wg_profile *profile, uint32_t line, uint64_t rows, uint64_t batches);
void wgi_profile_time(wg_profile *profile, uint32_t line, uint64_t ns);
void wgi_profile_memory(wg_profile *profile, uint32_t line, uint64_t bytes); /* keeps the highest */
void wgi_profile_spilled(wg_profile *profile, uint32_t line, uint64_t bytes);
void wgi_profile_scan(wg_profile *profile, uint32_t line, const wg_scan *scan);
/* The thread that leads the run works for `line` from now on; gives the line before. */
uint32_t wgi_profile_lead(wg_profile *profile, uint32_t line);

#endif
