/* Worker threads that live as long as the database. A job is a function to be run by up to N workers; the caller is worker 0 and never
 * waits for a free thread: helpers join while the job is open, and a job that nobody helps is done by its caller alone.
 *
 * Threads are started by the first jobs that want them: whoever asks for one row by its key pays for none. One that cannot be started is not
 * missed, since its job goes on without.
 *
 * Jobs of several sessions stand in one list; an idle thread takes the first that still wants a worker. Everything is under one lock,
 * which is held only to take and to leave a job. */
#include "io/pool/pool.h"

#include <stdatomic.h>

typedef struct pool_job {
    struct pool_job *next;
    void (*fn)(void *arg, uint32_t worker);
    void *arg;
    uint32_t wanted; /* workers that may still join */
    uint32_t begun;  /* numbers given out, the caller's 0 included */
    uint32_t active; /* helpers inside fn */
} pool_job;

struct wg_pool {
    wg_mutex lock; /* rank WG_RANK_POOL */
    wg_cond work;  /* a job was added, or the pool stops */
    wg_cond left;  /* a helper left its job */
    pool_job *jobs;
    bool stopping;
    uint32_t thread_max;
    uint32_t thread_count; /* started */
    wg_thread threads[];
};

static pool_job *next_job(wg_pool *pool) {
    for (pool_job *job = pool->jobs; job != NULL; job = job->next)
        if (job->wanted > 0) return job;
    return NULL;
}

static void pool_thread(void *arg) {
    wg_pool *pool = arg;
    wg_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        pool_job *job = next_job(pool);
        if (job == NULL) {
            wg_cond_wait(&pool->work, &pool->lock);
            continue;
        }
        job->wanted--;
        job->active++;
        const uint32_t worker = job->begun++;
        wg_mutex_unlock(&pool->lock);
        job->fn(job->arg, worker);
        wg_mutex_lock(&pool->lock);
        job->active--; /* the job may be gone after this */
        wg_cond_broadcast(&pool->left);
    }
    wg_mutex_unlock(&pool->lock);
}

static void pool_stop(wg_pool *pool) {
    wg_mutex_lock(&pool->lock);
    WG_ASSERT(pool->jobs == NULL);
    pool->stopping = true;
    wg_cond_broadcast(&pool->work);
    wg_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->thread_count; i++) wg_thread_join(&pool->threads[i]);
    wg_cond_deinit(&pool->left);
    wg_cond_deinit(&pool->work);
    wg_mutex_deinit(&pool->lock);
    wg_free(pool);
}

wg_code wg_pool_create(uint32_t threads, wg_pool **out, wg_error *err) {
    const uint32_t helpers = threads > 1 ? threads - 1 : 0; /* the caller of a job works too */
    const size_t bytes = sizeof(wg_pool) + helpers * sizeof(wg_thread);
    wg_pool *pool = wg_alloc_zero(NULL, bytes);
    if (pool == NULL) return wg_error_nomem(err, bytes);
    wg_mutex_init(&pool->lock, WG_RANK_POOL);
    wg_cond_init(&pool->work);
    wg_cond_init(&pool->left);
    pool->thread_max = helpers;
    *out = pool;
    return WG_OK;
}

void wg_pool_destroy(wg_pool *pool) {
    if (pool != NULL) pool_stop(pool);
}

uint32_t wg_pool_workers(const wg_pool *pool) { return pool == NULL ? 1 : pool->thread_max + 1; }

/* The lock is held. */
static void threads_start(wg_pool *pool, uint32_t wanted) {
    while (pool->thread_count < wanted && pool->thread_count < pool->thread_max) {
        if (wg_thread_start(&pool->threads[pool->thread_count], pool_thread, pool, NULL) != WG_OK) return;
        pool->thread_count++;
    }
}

void wg_pool_run(wg_pool *pool, uint32_t workers, void (*fn)(void *arg, uint32_t worker), void *arg) {
    WG_ASSERT(workers > 0);
    if (pool == NULL || workers == 1 || pool->thread_max == 0) {
        fn(arg, 0);
        return;
    }
    pool_job job = {.fn = fn, .arg = arg, .wanted = workers - 1, .begun = 1};
    wg_mutex_lock(&pool->lock);
    pool_job **end = &pool->jobs;
    while (*end != NULL) end = &(*end)->next;
    *end = &job;
    threads_start(pool, workers - 1);
    wg_cond_broadcast(&pool->work);
    wg_mutex_unlock(&pool->lock);
    fn(arg, 0);
    wg_mutex_lock(&pool->lock);
    for (pool_job **p = &pool->jobs; *p != NULL; p = &(*p)->next) {
        if (*p != &job) continue;
        *p = job.next;
        break;
    }
    while (job.active > 0) wg_cond_wait(&pool->left, &pool->lock);
    wg_mutex_unlock(&pool->lock);
}

/* ---- ranges */

/* The pieces that one worker still has: first in the upper half, one past the last in the lower. Its owner takes from the front, thieves
 * take the back half, both by compare-and-swap of the whole word. On a line of its own. */
typedef struct piece_share {
    _Alignas(64) _Atomic uint64_t span;
} piece_share;

typedef struct range_job {
    const wg_pool_range *range;
    uint32_t workers;
    _Atomic bool failed; /* relaxed: no further pieces are wanted */
    wg_mutex lock;       /* rank WG_RANK_POOL: guards what follows */
    uint64_t failed_piece;
    wg_code code;
    wg_error error;
    piece_share shares[WG_POOL_WORKERS_MAX];
} range_job;

static uint64_t span_of(uint64_t first, uint64_t last) { return first << 32 | last; }

static bool piece_take(piece_share *share, uint64_t *out) {
    uint64_t span = atomic_load_explicit(&share->span, memory_order_relaxed);
    while (span >> 32 < (span & UINT32_MAX)) {
        const uint64_t next = span_of((span >> 32) + 1, span & UINT32_MAX);
        /* Only the numbers are exchanged here; what pieces produce is handed over by the end of the job. */
        if (!atomic_compare_exchange_weak_explicit(&share->span, &span, next, memory_order_relaxed,
                                                   memory_order_relaxed))
            continue;
        *out = span >> 32;
        return true;
    }
    return false;
}

/* Moves the back half of somebody's pieces to the worker, whose own are done, and takes the first of them. */
static bool piece_steal(range_job *job, uint32_t worker, uint64_t *out) {
    for (uint32_t i = 1; i < job->workers; i++) {
        piece_share *victim = &job->shares[(worker + i) % job->workers];
        uint64_t span = atomic_load_explicit(&victim->span, memory_order_relaxed);
        while (span >> 32 < (span & UINT32_MAX)) {
            const uint64_t first = span >> 32;
            const uint64_t last = span & UINT32_MAX;
            const uint64_t middle = first + (last - first) / 2;
            if (!atomic_compare_exchange_weak_explicit(&victim->span, &span, span_of(first, middle),
                                                       memory_order_relaxed, memory_order_relaxed))
                continue;
            atomic_store_explicit(&job->shares[worker].span, span_of(middle + 1, last), memory_order_relaxed);
            *out = middle;
            return true;
        }
    }
    return false;
}

static void range_fail(range_job *job, uint64_t piece, wg_code code, const wg_error *error) {
    wg_mutex_lock(&job->lock);
    if (job->code == WG_OK || piece < job->failed_piece) {
        job->code = code;
        job->error = *error;
        job->failed_piece = piece;
    }
    wg_mutex_unlock(&job->lock);
    atomic_store_explicit(&job->failed, true, memory_order_relaxed);
}

static void range_run(void *arg, uint32_t worker) {
    range_job *job = arg;
    const wg_pool_range *range = job->range;
    uint64_t piece;
    while (!atomic_load_explicit(&job->failed, memory_order_relaxed) &&
           (piece_take(&job->shares[worker], &piece) || piece_steal(job, worker, &piece))) {
        wg_error error = {0};
        const uint64_t first = piece * range->grain;
        const uint64_t rest = range->count - first;
        const uint64_t last = first + (rest < range->grain ? rest : range->grain);
        const wg_code code = range->fn(range->arg, worker, first, last, &error);
        if (code != WG_OK) range_fail(job, piece, code, &error);
    }
}

wg_code wg_pool_for(wg_pool *pool, const wg_pool_range *range, wg_error *err) {
    const uint64_t pieces = range->count / range->grain + (range->count % range->grain != 0);
    WG_ASSERT(range->grain >= 1);
    WG_ASSERT(pieces < UINT32_MAX);
    WG_ASSERT(range->workers >= 1);
    WG_ASSERT(range->workers <= WG_POOL_WORKERS_MAX);
    range_job job = {.range = range};
    uint64_t workers = wg_pool_workers(pool);
    if (range->workers < workers) workers = range->workers;
    if (pieces < workers) workers = pieces > 0 ? pieces : 1;
    job.workers = (uint32_t)workers;
    for (uint64_t i = 0; i < workers; i++)
        atomic_init(&job.shares[i].span, span_of(pieces * i / workers, pieces * (i + 1) / workers));
    wg_mutex_init(&job.lock, WG_RANK_POOL);
    wg_pool_run(pool, job.workers, range_run, &job);
    wg_mutex_deinit(&job.lock);
    if (job.code != WG_OK && err != NULL) *err = job.error;
    return job.code;
}
