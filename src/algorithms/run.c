/* How algorithms run: pieces with cancellation and deadline, memory with typed errors, lists that workers fill. */
#include "algorithms/algorithms_internal.h"

wg_code wgi_check_run(const wg_algo_run *run, wg_error *err) {
    WG_TRY(wg_cancel_check(run->cancel, err));
    if (run->deadline_ns == 0 || run->platform == NULL) return WG_OK;
    if (run->platform->ops->now_ns(run->platform) < run->deadline_ns) return WG_OK;
    return wg_error_set(err, WG_E_DEADLINE, WG_NO_OFFSET, "the deadline passed before the answer was complete");
}

uint32_t wgi_workers(const wg_algo_run *run) {
    uint32_t workers = run->workers == 0 ? 1 : run->workers;
    const uint32_t most = wg_pool_workers(run->pool);
    if (workers > most) workers = most;
    return workers > WG_POOL_WORKERS_MAX ? WG_POOL_WORKERS_MAX : workers;
}

typedef struct checked_piece {
    const wg_algo_run *run;
    wgi_piece_fn fn;
    void *arg;
} checked_piece;

static wg_code run_piece(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const checked_piece *c = arg;
    WG_TRY(wgi_check_run(c->run, err));
    return c->fn(c->arg, worker, first, last, err);
}

wg_code wgi_for(const wg_algo_run *run, uint64_t count, uint64_t grain, wgi_piece_fn fn, void *arg, wg_error *err) {
    checked_piece c = {run, fn, arg};
    const wg_pool_range range = {count, grain, wgi_workers(run), run_piece, &c};
    if (count == 0) return wgi_check_run(run, err);
    if (count <= grain) return run_piece(&c, 0, 0, count, err); /* no need to wake anybody */
    return wg_pool_for(run->pool, &range, err);
}

wg_code wgi_no_memory(const wg_algo_run *run, uint64_t bytes, wg_error *err) {
    if (run->account != NULL && wg_account_refused(run->account))
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET,
                            "the memory of the query does not hold %llu bytes more for a graph algorithm",
                            (unsigned long long)bytes);
    return wg_error_nomem(err, (size_t)bytes);
}

wg_code wgi_array(const wg_algo_run *run, uint64_t count, uint64_t size, void **out, wg_error *err) {
    size_t bytes = 0;
    *out = NULL;
    if (wg_mul_size((size_t)count, (size_t)size, &bytes)) *out = wg_alloc(run->account, bytes + 64);
    return *out == NULL ? wgi_no_memory(run, count * size, err) : WG_OK;
}

wg_code wgi_array_zero(const wg_algo_run *run, uint64_t count, uint64_t size, void **out, wg_error *err) {
    WG_TRY(wgi_array(run, count, size, out, err));
    memset(*out, 0, (size_t)(count * size));
    return WG_OK;
}

wg_code wgi_need_undirected(const wg_graph *graph, const char *what, wg_error *err) {
    if (graph->undirected) return WG_OK;
    return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "%s is defined for undirected graphs: use direction 'both'",
                        what);
}

bool wgi_list_grow(wgi_list *list, wg_account *account) {
    const uint64_t capacity = list->capacity == 0 ? 1024 : list->capacity * 2;
    uint32_t *nodes = wg_realloc(account, list->nodes, (size_t)(capacity * sizeof *nodes));
    if (nodes == NULL) return false;
    list->nodes = nodes;
    list->capacity = capacity;
    return true;
}

void wgi_lists_free(wgi_list *lists, uint32_t count) {
    for (uint32_t i = 0; lists != NULL && i < count; i++) wg_free(lists[i].nodes);
    wg_free(lists);
}

uint64_t wgi_lists_take(wgi_list *lists, uint32_t count, uint32_t *to) {
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (lists[i].count != 0) memcpy(to + total, lists[i].nodes, lists[i].count * sizeof *to);
        total += lists[i].count;
        lists[i].count = 0;
    }
    return total;
}
