/* io/pool: the worker threads of a database, made once, shared by everything that computes on many cores: queries, building of
 * adjacency, graph algorithms, bulk loads. No thread is started for a query: the first jobs that want helpers start them, and they
 * live until the pool is destroyed.
 *
 * Two forms of work. wg_pool_run: a function on up to N workers, which share out the work among themselves. wg_pool_for: a range of items
 * cut into pieces of a fixed size; each worker begins with an equal share of the pieces and steals half of what another has left when its own are
 * done (work stealing in the manner of Blumofe and Leiserson 1999, with ranges instead of queues with two ends). Pieces are cut by the data
 * alone: which worker runs a piece never shows in a result that is put together by piece number.
 *
 * Threads: any; jobs of several callers run side by side. A caller may hold no lock of rank WG_RANK_POOL or above. Calls may nest. */
#ifndef WG_IO_POOL_H
#define WG_IO_POOL_H

#include "base/core/core.h"
#include "io/platform/platform.h"

typedef struct wg_pool wg_pool;
/* For jobs of at most `threads` workers, the caller of a job included. Errors: WG_E_NOMEM. */
wg_code wg_pool_create(uint32_t threads, wg_pool **out, wg_error *err);
void wg_pool_destroy(wg_pool *pool);           /* no job may run; NULL is legal */
uint32_t wg_pool_workers(const wg_pool *pool); /* most workers of a job; 1 for NULL */

/* Calls fn(arg, i) for i = 0..workers-1, 0 on the calling thread, the others where pool threads are free; returns when all that
 * were begun have ended. Fewer may be begun: fn must do all of the work on any number of workers. pool NULL: on the caller alone. */
void wg_pool_run(wg_pool *pool, uint32_t workers, void (*fn)(void *arg, uint32_t worker), void *arg);

enum { WG_POOL_WORKERS_MAX = 256 };

/* A job over items 0..count-1 in pieces of `grain` items (the last may be shorter). */
typedef struct wg_pool_range {
    uint64_t count;
    uint64_t grain;   /* >= 1; count / grain < 2^32 */
    uint32_t workers; /* at most; 1..WG_POOL_WORKERS_MAX */
    /* Does items [first, last), a whole piece. `worker` < workers is the same for no two calls that run at the same time. On failure no
     * further pieces are begun. */
    wg_code (*fn)(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err);
    void *arg;
} wg_pool_range;
/* The error is that of the failed piece with the smallest number among those that were begun. */
wg_code wg_pool_for(wg_pool *pool, const wg_pool_range *range, wg_error *err);

#endif
