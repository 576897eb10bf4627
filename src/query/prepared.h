/* What the files of query share: prepared queries, and the plans that are kept with them. */
#ifndef WG_QUERY_PREPARED_H
#define WG_QUERY_PREPARED_H

#include "query/binder/binder.h"
#include "query/plan/planner.h"
#include "query/query.h"

/* A plan that is kept: constant, so any number of threads may run it at a time. It stands for every transaction in which planning anew
 * would read the same: the same catalog, shapes of parameters and facts (binder.h). */
typedef struct wgi_compiled {
    struct wgi_compiled *next; /* of its query; under the query's mutex */
    _Atomic uint32_t users;    /* the query's list, and who runs it or keeps it for the next run */
    uint64_t id;               /* no other plan of the process has it */
    wg_arena arena;
    const wg_plan *plan;
    wgi_columns columns;
    wg_query_notes notes;
    wg_sha256 hash;
    bool reads_clock;
    bool optimizer_off;
    bool no_rewrite;
    uint64_t epoch;         /* of the catalog */
    const uint64_t *shapes; /* of the parameters, wgi_param_shape */
    uint32_t param_count;
    wgi_facts facts;
    _Atomic uint64_t seen; /* a snapshot for which the facts hold; relaxed: it is right or unused */
} wgi_compiled;

struct wg_prepared {
    _Atomic uint32_t users; /* statements, and the cache */
    wg_plan_cache *cache;   /* NULL: belongs to none */
    wg_account account;     /* of itself and its plans */
    wg_arena arena;
    wg_slice text;
    wg_buf canonical;
    wg_sha256 canonical_hash;
    const wg_ast *statement;
    wgi_params params;
    wg_query_kind kind;
    const wg_procedures *procedures;
    uint64_t procedure_count;  /* when it was parsed: names that are given later are not in it */
    const wg_ast *maintenance; /* the CALL of a maintenance procedure */
    bool reads_runs;           /* the text names procedures of runs */

    wg_mutex mutex; /* guards plans; rank WGI_RANK_PREPARED */
    wgi_compiled *plans;
    uint32_t plan_count;

    /* of the cache, under its mutex */
    uint64_t hash;
    uint64_t charged;
    struct wg_prepared *next_same, *newer, *older;
    bool is_kept;
};

enum { WGI_RANK_PREPARED = 11, WGI_RANK_PLAN_CACHE = 12, WGI_PLANS_MAX = 8 };

void wgi_query_binder(wgi_binder *b, const wg_prepared *q, wg_txn *txn, wg_arena *arena, wg_error *err);
wg_code wgi_query_plan_hash(const wgi_binder *b, const wg_plan *plan, wg_sha256 *out);

/* ---- compiled.c */
/* A plan of the query for this run, held by the caller: the one in `kept` (may be NULL) or in the query's list when it serves, else a new one,
 * which joins the list when it can serve again. */
wg_code wgi_compiled_get(wg_prepared *q, wgi_compiled *kept, const wg_exec_context *context, wgi_compiled **out,
                         wg_error *err);
void wgi_compiled_drop(wgi_compiled *plan); /* NULL is legal */
void wgi_compiled_drop_all(wg_prepared *q); /* those of the list */

/* ---- plan_cache.c */
void wgi_plan_cache_count(wg_plan_cache *cache, bool hit);
void wgi_plan_cache_grown(wg_prepared *q); /* takes account of what it holds now */

#endif
