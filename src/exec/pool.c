/* Worker threads that live as long as the database. A job is a function to be run by up to N workers; the caller is worker 0 and never
 * waits for a free thread: helpers join while the job is open, and a job that nobody helps is done by its caller alone.
 *
 * Threads are started by the first jobs that want them: whoever asks for one row by its key pays for none. One that cannot be started is not
 * missed, since its job goes on without.
 *
 * Jobs of several sessions stand in one list; an idle thread takes the first that still wants a worker. Everything is under one lock,
 * which is held only to take and to leave a job. */
#include "exec/exec_internal.h"

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

/* The lock is held. */
static void threads_start(wg_pool *pool, uint32_t wanted) {
    while (pool->thread_count < wanted && pool->thread_count < pool->thread_max) {
        if (wg_thread_start(&pool->threads[pool->thread_count], pool_thread, pool, NULL) != WG_OK) return;
        pool->thread_count++;
    }
}

void wgi_pool_run(wg_pool *pool, uint32_t workers, void (*fn)(void *arg, uint32_t worker), void *arg) {
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
