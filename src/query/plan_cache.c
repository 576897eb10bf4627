/* Prepared queries by text. A table of chains by the hash of the text, and a list in the order of use; one mutex for both, held for a
 * look-up, never while text is parsed or a plan is made. What is evicted lives on while a statement has it.
 *
 * A query is charged with what it and its plans hold, and again when a plan has joined it. One that would take an eighth of the room
 * or more is not kept. */
#include "base/digest/digest.h"
#include "query/prepared.h"

enum { CHAINS = 1024 };

struct wg_plan_cache {
    wg_mutex mutex;
    uint64_t bytes_max;
    uint64_t bytes;
    uint64_t entries;
    uint64_t evictions;
    wg_prepared *newest, *oldest;
    wg_prepared *chains[CHAINS];
    _Atomic uint64_t hits, misses; /* relaxed */
};

wg_code wg_plan_cache_create(uint64_t bytes_max, wg_plan_cache **out, wg_error *err) {
    wg_plan_cache *cache = wg_alloc_zero(NULL, sizeof *cache);
    if (cache == NULL) return wg_error_nomem(err, sizeof *cache);
    wg_mutex_init(&cache->mutex, WGI_RANK_PLAN_CACHE);
    cache->bytes_max = bytes_max;
    *out = cache;
    return WG_OK;
}

/* ---- under the mutex */

static void use_unlink(wg_plan_cache *cache, wg_prepared *q) {
    if (q->newer != NULL) q->newer->older = q->older;
    else cache->newest = q->older;
    if (q->older != NULL) q->older->newer = q->newer;
    else cache->oldest = q->newer;
}

static void use_link(wg_plan_cache *cache, wg_prepared *q) {
    q->newer = NULL;
    q->older = cache->newest;
    if (cache->newest != NULL) cache->newest->newer = q;
    else cache->oldest = q;
    cache->newest = q;
}

static void unlink_query(wg_plan_cache *cache, wg_prepared *q) {
    wg_prepared **at = &cache->chains[q->hash % CHAINS];
    while (*at != q) at = &(*at)->next_same;
    *at = q->next_same;
    use_unlink(cache, q);
    q->is_kept = false;
    cache->entries--;
    cache->bytes -= q->charged;
}

static void charge(wg_plan_cache *cache, wg_prepared *q) {
    const uint64_t bytes = sizeof *q + wg_account_bytes(&q->account);
    cache->bytes += bytes - q->charged;
    q->charged = bytes;
}

/* Takes queries out until the rest fits: those of the end of the list, which the caller destroys. */
static wg_prepared *shrink(wg_plan_cache *cache) {
    wg_prepared *out = NULL;
    while (cache->bytes > cache->bytes_max && cache->oldest != NULL) {
        wg_prepared *q = cache->oldest;
        unlink_query(cache, q);
        cache->evictions++;
        q->next_same = out;
        out = q;
    }
    return out;
}

static wg_prepared *find(wg_plan_cache *cache, uint64_t hash, wg_slice text, const wg_procedures *procedures) {
    const uint64_t count = wg_procedures_count(procedures);
    for (wg_prepared *q = cache->chains[hash % CHAINS]; q != NULL; q = q->next_same)
        if (q->hash == hash && q->procedures == procedures && q->procedure_count == count &&
            wg_slice_equal(q->text, text))
            return q;
    return NULL;
}

/* ---- without it */

static void destroy_list(wg_prepared *list) {
    while (list != NULL) {
        wg_prepared *next = list->next_same;
        wg_query_destroy(list);
        list = next;
    }
}

void wg_plan_cache_destroy(wg_plan_cache *cache) {
    if (cache == NULL) return;
    cache->bytes_max = 0;
    destroy_list(shrink(cache));
    wg_mutex_deinit(&cache->mutex);
    wg_free(cache);
}

static wg_prepared *look_up(wg_plan_cache *cache, uint64_t hash, wg_slice text, const wg_procedures *procedures) {
    wg_mutex_lock(&cache->mutex);
    wg_prepared *q = find(cache, hash, text, procedures);
    if (q != NULL) {
        atomic_fetch_add_explicit(&q->users, 1, memory_order_relaxed);
        if (q != cache->newest) {
            use_unlink(cache, q);
            use_link(cache, q);
        }
    }
    wg_mutex_unlock(&cache->mutex);
    return q;
}

static void keep(wg_plan_cache *cache, uint64_t hash, wg_prepared *q) {
    wg_prepared *evicted = NULL;
    wg_mutex_lock(&cache->mutex);
    q->hash = hash;
    if (sizeof *q + wg_account_bytes(&q->account) < cache->bytes_max / 8 &&
        find(cache, hash, q->text, q->procedures) == NULL) {
        q->next_same = cache->chains[hash % CHAINS];
        cache->chains[hash % CHAINS] = q;
        q->is_kept = true;
        cache->entries++;
        atomic_fetch_add_explicit(&q->users, 1, memory_order_relaxed);
        use_link(cache, q);
        charge(cache, q);
        evicted = shrink(cache);
    }
    wg_mutex_unlock(&cache->mutex);
    destroy_list(evicted);
}

wg_code wg_plan_cache_prepare(wg_plan_cache *cache, wg_slice text, const wg_procedures *procedures, wg_prepared **out,
                              wg_error *err) {
    wg_prepared *q = NULL;
    if (cache == NULL) return wg_query_create(text, procedures, NULL, out, err);
    const uint64_t hash = wg_hash64(0, text.data, text.size);
    q = look_up(cache, hash, text, procedures);
    if (q == NULL) {
        WG_TRY(wg_query_create(text, procedures, NULL, &q, err));
        q->cache = cache;
        keep(cache, hash, q);
    }
    *out = q;
    return WG_OK;
}

void wgi_plan_cache_count(wg_plan_cache *cache, bool hit) {
    if (cache != NULL) atomic_fetch_add_explicit(hit ? &cache->hits : &cache->misses, 1, memory_order_relaxed);
}

void wgi_plan_cache_grown(wg_prepared *q) {
    wg_plan_cache *cache = q->cache;
    wg_prepared *evicted = NULL;
    if (cache == NULL) return;
    wg_mutex_lock(&cache->mutex);
    if (q->is_kept) {
        charge(cache, q);
        evicted = shrink(cache);
    }
    wg_mutex_unlock(&cache->mutex);
    destroy_list(evicted); /* the caller has q, whether or not it is among them */
}

void wg_plan_cache_read(wg_plan_cache *cache, wg_plan_cache_counters *out) {
    *out = (wg_plan_cache_counters){0};
    if (cache == NULL) return;
    wg_mutex_lock(&cache->mutex);
    out->evictions = cache->evictions;
    out->entries = cache->entries;
    out->bytes = cache->bytes;
    wg_mutex_unlock(&cache->mutex);
    out->hits = atomic_load_explicit(&cache->hits, memory_order_relaxed);
    out->misses = atomic_load_explicit(&cache->misses, memory_order_relaxed);
}
