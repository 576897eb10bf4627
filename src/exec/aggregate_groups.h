/* Groups of values of any type: what aggregate.c and aggregate_groups.c share. */
#ifndef WG_EXEC_AGGREGATE_GROUPS_H
#define WG_EXEC_AGGREGATE_GROUPS_H

#include "exec/aggregate_internal.h"

typedef struct wgi_sum_state {
    wg_i128 ints; /* of durations: nanoseconds */
    wg_i128 months;
    wg_i128 days;
    wgi_float_sum floats;
    uint64_t count;
    uint64_t spans; /* how many of them are durations */
    bool saw_float;
} wgi_sum_state;

typedef struct wgi_list_state {
    wg_value *items;
    uint32_t count;
    uint32_t capacity;
} wgi_list_state;

typedef struct wgi_groups {
    wg_arena strings;
    wgi_row_table keys;
    uint32_t count;
    uint32_t capacity;
    uint64_t rows;           /* that were added */
    void **states;           /* of each aggregate: an array over the groups */
    wgi_row_table *distinct; /* of each aggregate: (group, value) */
    bool is_placed;          /* from a file: positions[] tells where each group was first seen */
    uint64_t *positions;
} wgi_groups;

/* ---- aggregate.c */
wg_code wgi_groups_create(const wg_plan *plan, wg_account *account, wgi_groups **out, wg_error *err);
void wgi_groups_destroy(const wg_plan *plan, wgi_groups *g); /* NULL is legal */
/* There are `count` groups, the new ones with empty states. */
wg_code wgi_groups_reserve(const wg_plan *plan, wgi_groups *g, wg_account *account, uint32_t count, wg_error *err);
/* What the arrays take when they double, and the rows of the answer. */
uint64_t wgi_groups_growth(const wg_plan *plan, const wgi_groups *g);
/* Adds the groups of `from`, whose rows came later. */
wg_code wgi_groups_merge(const wg_plan *plan, wgi_groups *to, wgi_groups *from, wg_error *err);
/* The rows of the answer; the groups are left only to be destroyed. *failure: whose result an error of data is about. */
typedef struct wgi_groups_failure {
    uint32_t aggregate;
    uint32_t group;
} wgi_groups_failure;
wg_code wgi_groups_rows(const wg_plan *plan, wgi_groups *g, wg_account *account, wgi_groups_failure *failure,
                        wg_rows **out, wg_error *err);

/* ---- aggregate_weighted.c: rows of a batch that stand for several each */
typedef struct wgi_weighted {
    const wg_batch *batch;
    const wg_vector *values;  /* INT or FLOAT for SUM and AVG; NULL: COUNT_STAR */
    const wg_vector *weights; /* INT, above 0 */
    const uint32_t *index;    /* groups of the selected rows; NULL: all are of group 0 */
} wgi_weighted;
/* COUNT_STAR, COUNT, SUM, AVG. */
wg_code wgi_agg_add_weighted(const wg_aggregate *a, void *states, const wgi_weighted *rows, wg_account *account,
                             wg_error *err);

/* ---- aggregate_groups.c: groups in a temporary file */
typedef struct wgi_groups_spill {
    const wg_plan *plan;
    const wg_exec_context *context;
    bool is_possible;
    wg_type *types; /* keys, a value with the state of each aggregate, position */
    wgi_parts parts;
} wgi_groups_spill;
wg_code wgi_groups_spill_init(wgi_groups_spill *s, const wg_plan *plan, const wg_exec_context *context,
                              wg_error *err);
void wgi_groups_spill_deinit(wgi_groups_spill *s);
/* Writes the groups, whose positions rise from `position` on, to `parts`. */
wg_code wgi_groups_write(const wgi_groups_spill *s, const wgi_groups *g, uint64_t position, wgi_parts *parts,
                         wg_error *err);
/* Merges what was written, part by part, to the rows of the answer, which spill in their turn. */
wg_code wgi_groups_finish(wgi_groups_spill *s, wg_rows **out, wg_error *err);

#endif
