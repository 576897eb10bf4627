/* query/optimize: the pass over a finished plan that puts operators on whole patterns in the place of those that follow one edge at a
 * time. What a plan gives is the same before and after, but for the order of rows where the text asks for none.
 *
 * Plans that write are left alone: there every operator must see what stands before it. */
#ifndef WG_QUERY_REWRITE_H
#define WG_QUERY_REWRITE_H

#include "query/optimize/optimize.h"

/* *out is `plan` or what does the same faster; nothing is done when !b->rewrite. */
wg_code wgi_rewrite(wgi_binder *b, const wg_plan *plan, const wg_plan **out);

/* ---- shared by the files of the pass */

/* The expression with every part for which `map` gives another one replaced; *out is `expr` itself when nothing is. `map` leaves *out
 * NULL for a part that it does not replace. */
typedef wg_code (*wgi_map_fn)(wgi_binder *b, void *ctx, wg_expr *part, wg_expr **out);
wg_code wgi_map_expr_parts(wgi_binder *b, wg_expr *expr, wgi_map_fn map, void *ctx, wg_expr **out);
/* Calls `see` for every slot that the expression reads. */
void wgi_see_slots(const wg_expr *expr, void (*see)(void *ctx, uint32_t slot), void *ctx);
/* True when the end of every edge of the one declared label surely has these labels. `direction`: from which end the pattern comes; the far end
 * is meant, or the near one. */
bool wgi_ends_have(const wgi_binder *b, const wg_plan *expand, bool far, const uint32_t *labels,
                   uint32_t label_count);

/* SCAN and EXPAND become the scan of an edge label below `consumer` (PROJECT, AGGREGATE or EXPAND). */
wg_code wgi_rewrite_edge_scan(wgi_binder *b, wg_plan *consumer);
/* EXPAND to a new node and EXPAND_INTO between it and others, child `side` of `consumer`, become INTERSECT where that is cheaper. */
wg_code wgi_rewrite_intersect(wgi_binder *b, wg_plan *consumer, int side);
/* AGGREGATE of counts over a chain of expansions becomes PATTERN_COUNT; it is child `side` of `consumer`. */
wg_code wgi_rewrite_pattern_count(wgi_binder *b, wg_plan *consumer, int side);
/* rewrite_sets.c: start, edge and end of the edges of a label for which conditions hold, which read nothing else. */
wg_code wgi_edge_set_plan(wgi_binder *b, uint32_t label, wg_expr *const *conditions, uint32_t count, wg_plan **out);
/* count(DISTINCT n), or DISTINCT n, of the far end of a path or a walk: by REACH. */
wg_code wgi_rewrite_reach(wgi_binder *b, wg_plan *consumer, int side);

#endif
