/* query/plan: walks with conditions on each repetition, and paths of which only some are wanted. */
#ifndef WG_QUERY_WALK_H
#define WG_QUERY_WALK_H

#include "query/optimize/optimize.h"

/* ---- walk.c */
/* Sets what the repetitions of a walk from `rel` ask for, beyond types and a property map. */
wg_code wgi_walk_steps(wgi_binder *b, const wgi_relation *rel, const wg_ast *ast, bool from_left, wg_plan *plan);
/* Adds the lists of the variables inside of a GROUP; `walk` names the list of its relationships, `left` the node it begins at. */
wg_code wgi_group_lists(wgi_binder *b, const wg_ast *group, wg_slice walk, wg_slice left, wgi_relation *rel);

/* ---- select.c */
/* Whether the MATCH asks for some of the paths only: ANY, SHORTEST. */
bool wgi_is_selective(const wg_ast *match);
wg_code wgi_match_selective(wgi_binder *b, const wg_ast *match, wgi_relation *rel);
/* The conditions of a WHERE (may be NULL) that name only symbols of `ends` (`early`), or the others, as one tree; NULL: there are none. */
wg_code wgi_part_of(wgi_binder *b, wg_ast *where, const wgi_relation *ends, bool early, wg_ast **out);
/* MATCH of these paths and conditions, as `match` says what may be matched twice. */
wg_code wgi_match_of(wgi_binder *b, const wg_ast *match, wg_ast *const *paths, uint32_t count, wg_ast *where,
                     wg_ast **out);

/* ---- several.c: a selective MATCH of more than one path */
wg_code wgi_match_several(wgi_binder *b, const wg_ast *match, wgi_relation *rel);

#endif
