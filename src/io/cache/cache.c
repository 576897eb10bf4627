/* The Memory Governor: charges, classes, heat and the order of eviction.
 *
 * One list holds the entries with bytes (I2); an admission that would pass a cap first adds up what could be given back and
 * only then evicts, so that a refusal changes nothing (I3). The victim is found by walking the list: coldest heat, then the
 * one that became resident first. A walk costs microseconds for thousands of fragments, and one victim (a whole fragment) makes
 * room for many blocks; a heap ordered by heat would have to be repaired at every touch, which takes no lock.
 *
 *   class               cap      a demoted entry goes to
 *   L0GpuResident       gpu      its home
 *   L1CpuPinned         pinned   never demoted
 *   L1CpuHot            hot      its home
 *   L1CpuWarm           warm     its home
 *   L3SsdLocal          nvme     never demoted: the data of record lies there
 *   L4HddLocal          hdd      never demoted
 *   L5RemoteCached      remote   L5RemoteCold
 *   L5RemoteStreamed    remote   L5RemoteCold
 *   L5RemoteCold        remote   never demoted: holds nothing here
 *
 * The home is the class that an entry was registered in when that is a durable one, and L3SsdLocal otherwise.
 *
 * Heat is kept as of the half-life in which the entry was last touched; whoever looks at it shifts it by the half-lives that have
 * passed since. Two threads that touch one entry at once may lose one of the two touches: heat is a hint. */
#include "io/cache/cache.h"

#define PLACE_NONE UINT32_MAX

enum { CAP_COUNT = 7, TRACE_MAX = 1024, HEAT_MAX = 1 << 30, PERIODS_MAX = 31, LINE = 64 };

enum { CAP_GPU, CAP_PINNED, CAP_HOT, CAP_WARM, CAP_NVME, CAP_HDD, CAP_REMOTE };

typedef struct class_rule {
    const char *name;
    uint8_t cap;
    bool evictable;
} class_rule;

static const class_rule rules[WG_RESIDENCY_COUNT] = {
    [WG_L0_GPU_RESIDENT] = {"L0GpuResident", CAP_GPU, true},
    [WG_L1_CPU_PINNED] = {"L1CpuPinned", CAP_PINNED, false},
    [WG_L1_CPU_HOT] = {"L1CpuHot", CAP_HOT, true},
    [WG_L1_CPU_WARM] = {"L1CpuWarm", CAP_WARM, true},
    [WG_L3_SSD_LOCAL] = {"L3SsdLocal", CAP_NVME, false},
    [WG_L4_HDD_LOCAL] = {"L4HddLocal", CAP_HDD, false},
    [WG_L5_REMOTE_CACHED] = {"L5RemoteCached", CAP_REMOTE, true},
    [WG_L5_REMOTE_STREAMED] = {"L5RemoteStreamed", CAP_REMOTE, true},
    [WG_L5_REMOTE_COLD] = {"L5RemoteCold", CAP_REMOTE, false},
};

typedef struct class_state {
    uint64_t entry_bytes;
    uint64_t held; /* set by wg_cache_set_held */
    uint64_t bytes_max;
    uint64_t entries;
    uint64_t admissions;
    uint64_t refusals;
    uint64_t demotions;
    uint64_t promotions;
} class_state;

/* Alone on its cache line, so that touches of different classes do not disturb one another. */
typedef struct counter {
    _Atomic uint64_t value; /* relaxed everywhere: a count orders nothing */
    uint8_t pad[LINE - sizeof(uint64_t)];
} counter;

struct wg_cache {
    counter tick;
    counter hits[WG_RESIDENCY_COUNT];
    wg_cache *self; /* the same object, for calls that only look but must lock */
    wg_mutex lock;  /* rank WG_RANK_GOVERNOR; guards all below and the plain fields of entries */
    uint64_t caps[CAP_COUNT];
    uint64_t used[CAP_COUNT];
    class_state classes[WG_RESIDENCY_COUNT];
    wg_cache_entry **list; /* entries with bytes, in no order */
    uint32_t list_count;
    uint32_t list_capacity;
    uint64_t born_next;
    uint64_t trace_count; /* transitions ever; the newest is at (trace_count - 1) % TRACE_MAX */
    wg_cache_transition trace[TRACE_MAX];
    wg_account *account;
};

const char *wg_residency_name(wg_residency residency) {
    WG_ASSERT((unsigned)residency < WG_RESIDENCY_COUNT);
    return rules[residency].name;
}

wg_code wg_cache_create(const wg_tier_budget *budget, wg_account *account, wg_cache **out, wg_error *err) {
    WG_ASSERT(out != NULL);
    wg_cache *cache = wg_alloc_zero(account, sizeof *cache);
    if (cache == NULL) return wg_error_nomem(err, sizeof *cache);
    const wg_tier_budget none = {0};
    const wg_tier_budget *b = budget == NULL ? &none : budget;
    const uint64_t caps[CAP_COUNT] = {b->gpu, b->pinned, b->hot, b->warm, b->nvme, b->hdd, b->remote};
    for (size_t i = 0; i < CAP_COUNT; i++) cache->caps[i] = caps[i] == 0 ? UINT64_MAX : caps[i];
    cache->self = cache;
    cache->account = account;
    wg_mutex_init(&cache->lock, WG_RANK_GOVERNOR);
    *out = cache;
    return WG_OK;
}

void wg_cache_destroy(wg_cache *cache) {
    if (cache == NULL) return;
    WG_ASSERT(cache->list_count == 0);
    for (size_t i = 0; i < WG_RESIDENCY_COUNT; i++) WG_ASSERT(cache->classes[i].entries == 0);
    wg_mutex_deinit(&cache->lock);
    wg_free(cache->list);
    wg_free(cache);
}

/* ---- heat */

static uint64_t tick_now(const wg_cache *cache) {
    return atomic_load_explicit(&cache->tick.value, memory_order_relaxed);
}

/* Heat as of `now`: halved once for each half-life that began since the last touch. */
static uint32_t heat_at(const wg_cache_entry *entry, uint64_t now) {
    const uint32_t heat = atomic_load_explicit(&entry->heat, memory_order_relaxed);
    const uint64_t touched = atomic_load_explicit(&entry->touched, memory_order_relaxed);
    const uint64_t then = touched / WG_HEAT_HALF_LIFE;
    const uint64_t periods = now / WG_HEAT_HALF_LIFE;
    const uint64_t passed = periods > then ? periods - then : 0; /* another thread's touch may be newer than `now` */
    return passed > PERIODS_MAX ? 0 : heat >> passed;
}

static wg_residency residency_of(const wg_cache_entry *entry) {
    return (wg_residency)atomic_load_explicit(&entry->residency, memory_order_relaxed);
}

void wg_cache_touch(wg_cache *cache, wg_cache_entry *entry) {
    const uint64_t now = atomic_fetch_add_explicit(&cache->tick.value, 1, memory_order_relaxed) + 1;
    const uint32_t heat = heat_at(entry, now);
    atomic_store_explicit(&entry->heat, heat < HEAT_MAX ? heat + WG_HEAT_ONE : heat, memory_order_relaxed);
    atomic_store_explicit(&entry->touched, now, memory_order_relaxed);
    atomic_fetch_add_explicit(&cache->hits[residency_of(entry)].value, 1, memory_order_relaxed);
}

uint32_t wg_cache_heat(const wg_cache *cache, const wg_cache_entry *entry) { return heat_at(entry, tick_now(cache)); }

/* ---- the list, the sums and the ring; all under the lock */

static void list_remove(wg_cache *cache, wg_cache_entry *entry) {
    if (entry->place == PLACE_NONE) return;
    WG_ASSERT(cache->list[entry->place] == entry);
    wg_cache_entry *last = cache->list[--cache->list_count];
    cache->list[entry->place] = last;
    last->place = entry->place;
    entry->place = PLACE_NONE;
}

static bool list_reserve(wg_cache *cache) {
    if (cache->list_count < cache->list_capacity) return true;
    const uint32_t capacity = cache->list_capacity == 0 ? 64 : cache->list_capacity * 2;
    wg_cache_entry **list = wg_realloc(cache->account, cache->list, (size_t)capacity * sizeof *list);
    if (list == NULL) return false;
    cache->list = list;
    cache->list_capacity = capacity;
    return true;
}

static uint64_t class_bytes(const class_state *c) { return c->entry_bytes + c->held; }

static void charge(wg_cache *cache, wg_residency residency, uint64_t bytes) {
    class_state *c = &cache->classes[residency];
    c->entry_bytes += bytes;
    c->bytes_max = wg_max_u64(c->bytes_max, class_bytes(c));
    cache->used[rules[residency].cap] += bytes;
}

static void discharge(wg_cache *cache, wg_residency residency, uint64_t bytes) {
    class_state *c = &cache->classes[residency];
    WG_ASSERT(c->entry_bytes >= bytes);
    WG_ASSERT(cache->used[rules[residency].cap] >= bytes);
    c->entry_bytes -= bytes;
    cache->used[rules[residency].cap] -= bytes;
}

/* Changes the class of an entry; `bytes` is for the trace. */
static void entry_move(wg_cache *cache, wg_cache_entry *entry, wg_residency to, uint64_t bytes) {
    const wg_residency from = residency_of(entry);
    if (from == to) return;
    const uint64_t now = tick_now(cache);
    cache->trace[cache->trace_count++ % TRACE_MAX] = (wg_cache_transition){
        .tick = now, .entry = entry, .from = from, .to = to, .bytes = bytes, .heat = heat_at(entry, now)};
    cache->classes[from].entries--;
    cache->classes[to].entries++;
    if (to < from) cache->classes[to].promotions++;
    else cache->classes[from].demotions++;
    atomic_store_explicit(&entry->residency, (uint8_t)to, memory_order_relaxed);
}

/* The entry gives its bytes back and goes home; returns how many. */
static uint64_t entry_evict(wg_cache *cache, wg_cache_entry *entry) {
    const uint64_t bytes = entry->bytes;
    const wg_residency from = residency_of(entry);
    WG_ASSERT(rules[from].evictable || from == WG_L1_CPU_PINNED); /* I4: the latter only by wg_cache_demote */
    WG_ASSERT(atomic_load_explicit(&entry->pins, memory_order_relaxed) == 0); /* I4 */
    if (entry->evict != NULL) entry->evict(entry);
    list_remove(cache, entry);
    discharge(cache, from, bytes);
    entry->bytes = 0;
    entry_move(cache, entry, (wg_residency)entry->home, bytes);
    return bytes;
}

static bool may_evict(const wg_cache_entry *entry) {
    return rules[residency_of(entry)].evictable && atomic_load_explicit(&entry->pins, memory_order_relaxed) == 0;
}

/* The next to go among the classes of `mask` (bit = wg_residency) whose heat is below `heat_below`; NULL: none. */
static wg_cache_entry *coldest(const wg_cache *cache, uint32_t mask, const wg_cache_entry *except,
                               uint32_t heat_below) {
    const uint64_t now = tick_now(cache);
    wg_cache_entry *found = NULL;
    uint32_t found_heat = 0;
    for (uint32_t i = 0; i < cache->list_count; i++) {
        wg_cache_entry *entry = cache->list[i];
        if (entry == except || !((mask >> residency_of(entry)) & 1) || !may_evict(entry)) continue;
        const uint32_t heat = heat_at(entry, now);
        if (heat >= heat_below) continue;
        if (found != NULL && (heat > found_heat || (heat == found_heat && entry->born > found->born))) continue;
        found = entry;
        found_heat = heat;
    }
    return found;
}

static uint32_t mask_of_cap(uint8_t cap) {
    uint32_t mask = 0;
    for (uint32_t r = 0; r < WG_RESIDENCY_COUNT; r++)
        if (rules[r].cap == cap) mask |= UINT32_C(1) << r;
    return mask;
}

/* What could be evicted of a cap. */
static uint64_t evictable_bytes(const wg_cache *cache, uint8_t cap) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < cache->list_count; i++) {
        const wg_cache_entry *entry = cache->list[i];
        if (rules[residency_of(entry)].cap == cap && may_evict(entry)) bytes += entry->bytes;
    }
    return bytes;
}

static bool fits(const wg_cache *cache, uint8_t cap, uint64_t more) {
    return cache->used[cap] <= cache->caps[cap] && more <= cache->caps[cap] - cache->used[cap];
}

/* Makes room for `more` bytes under a cap, the entry `self` last; false, and nothing evicted, when there is not enough. */
static bool make_room(wg_cache *cache, uint8_t cap, uint64_t more, wg_cache_entry *self) {
    if (fits(cache, cap, more)) return true;
    const uint64_t lowest = cache->used[cap] - evictable_bytes(cache, cap);
    if (lowest > cache->caps[cap] || more > cache->caps[cap] - lowest) return false;
    const uint32_t mask = mask_of_cap(cap);
    while (!fits(cache, cap, more)) {
        wg_cache_entry *victim = coldest(cache, mask, self, UINT32_MAX);
        if (victim == NULL) victim = self;
        WG_ASSERT(victim != NULL); /* there was enough */
        (void)entry_evict(cache, victim);
    }
    return true;
}

/* ---- entry points */

void wg_cache_register(wg_cache *cache, wg_cache_entry *entry, wg_residency residency, wg_cache_evict_fn evict) {
    WG_ASSERT((unsigned)residency < WG_RESIDENCY_COUNT);
    WG_ASSERT(entry->bytes == 0);
    entry->evict = evict;
    entry->place = PLACE_NONE;
    entry->home = residency < WG_L3_SSD_LOCAL       ? WG_L3_SSD_LOCAL
                  : residency < WG_L5_REMOTE_CACHED ? (uint8_t)residency
                                                    : WG_L5_REMOTE_COLD;
    atomic_store_explicit(&entry->heat, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->pins, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->touched, tick_now(cache), memory_order_relaxed);
    atomic_store_explicit(&entry->residency, (uint8_t)residency, memory_order_relaxed);
    wg_mutex_lock(&cache->lock);
    cache->classes[residency].entries++;
    wg_mutex_unlock(&cache->lock);
}

void wg_cache_unregister(wg_cache *cache, wg_cache_entry *entry) {
    wg_mutex_lock(&cache->lock);
    const wg_residency residency = residency_of(entry);
    WG_ASSERT(cache->classes[residency].entries > 0);
    list_remove(cache, entry);
    discharge(cache, residency, entry->bytes);
    cache->classes[residency].entries--;
    entry->bytes = 0;
    wg_mutex_unlock(&cache->lock);
}

static wg_code refuse(wg_cache *cache, wg_residency residency, uint64_t more, wg_error *err) {
    const uint8_t cap = rules[residency].cap;
    cache->classes[residency].refusals++;
    return wg_error_set(
        err, WG_E_CAPACITY, WG_NO_OFFSET,
        "%s: %llu more bytes do not fit: %llu of %llu are in use and %llu of them can be evicted; raise "
        "the tier's budget or release what is pinned",
        rules[residency].name, (unsigned long long)more, (unsigned long long)cache->used[cap],
        (unsigned long long)cache->caps[cap], (unsigned long long)evictable_bytes(cache, cap));
}

/* Charges an entry that is not, or no longer, where it wants to be; the caller holds the lock. */
static wg_code admit_locked(wg_cache *cache, wg_cache_entry *entry, wg_residency to, uint64_t more, wg_error *err) {
    const wg_residency from = residency_of(entry);
    const bool same_cap = rules[from].cap == rules[to].cap;
    uint64_t bytes = 0;
    if (__builtin_add_overflow(entry->bytes, more, &bytes)) return refuse(cache, to, more, err);
    if (bytes > 0 && !list_reserve(cache)) return wg_error_nomem(err, sizeof entry);
    if (!make_room(cache, rules[to].cap, same_cap ? more : bytes, same_cap ? entry : NULL))
        return refuse(cache, to, more, err);
    /* The entry itself may have been evicted, as the last one, to make room. */
    discharge(cache, residency_of(entry), entry->bytes);
    entry->bytes += more;
    charge(cache, to, entry->bytes);
    if (entry->place == PLACE_NONE && entry->bytes > 0) {
        entry->place = cache->list_count;
        cache->list[cache->list_count++] = entry;
        entry->born = cache->born_next++;
    }
    cache->classes[to].admissions++;
    entry_move(cache, entry, to, entry->bytes);
    return WG_OK;
}

wg_code wg_cache_admit(wg_cache *cache, wg_cache_entry *entry, wg_residency residency, uint64_t more, wg_error *err) {
    WG_ASSERT((unsigned)residency < WG_RESIDENCY_COUNT);
    wg_mutex_lock(&cache->lock);
    /* Pages that are read of a pinned entry are pinned too. */
    if (residency_of(entry) == WG_L1_CPU_PINNED) residency = WG_L1_CPU_PINNED;
    const wg_code code = admit_locked(cache, entry, residency, more, err);
    wg_mutex_unlock(&cache->lock);
    return code;
}

/* Takes the lock, so that no eviction that has looked at the pins is under way when it returns. */
void wg_cache_pin(wg_cache *cache, wg_cache_entry *entry) {
    wg_mutex_lock(&cache->lock);
    const uint32_t before = atomic_fetch_add_explicit(&entry->pins, 1, memory_order_relaxed);
    WG_ASSERT(before < UINT32_MAX);
    wg_mutex_unlock(&cache->lock);
}

void wg_cache_unpin(wg_cache *cache, wg_cache_entry *entry) {
    (void)cache;
    const uint32_t before = atomic_fetch_sub_explicit(&entry->pins, 1, memory_order_relaxed);
    WG_ASSERT(before > 0);
}

bool wg_cache_set_held(wg_cache *cache, wg_residency residency, uint64_t bytes) {
    WG_ASSERT((unsigned)residency < WG_RESIDENCY_COUNT);
    const uint8_t cap = rules[residency].cap;
    wg_mutex_lock(&cache->lock);
    class_state *c = &cache->classes[residency];
    cache->used[cap] = cache->used[cap] - c->held + bytes;
    c->held = bytes;
    c->bytes_max = wg_max_u64(c->bytes_max, class_bytes(c));
    const uint32_t mask = mask_of_cap(cap);
    wg_cache_entry *victim;
    while (!fits(cache, cap, 0) && (victim = coldest(cache, mask, NULL, UINT32_MAX)) != NULL)
        (void)entry_evict(cache, victim);
    const bool ok = fits(cache, cap, 0);
    wg_mutex_unlock(&cache->lock);
    return ok;
}

uint64_t wg_cache_shrink(wg_cache *cache, wg_residency residency, uint64_t bytes) {
    WG_ASSERT((unsigned)residency < WG_RESIDENCY_COUNT);
    uint64_t freed = 0;
    wg_mutex_lock(&cache->lock);
    while (class_bytes(&cache->classes[residency]) > bytes) {
        wg_cache_entry *victim = coldest(cache, UINT32_C(1) << residency, NULL, WG_HEAT_DEMOTE);
        if (victim == NULL) break;
        freed += entry_evict(cache, victim);
    }
    wg_mutex_unlock(&cache->lock);
    return freed;
}

uint64_t wg_cache_relieve(wg_cache *cache, uint64_t bytes) {
    static const wg_residency order[] = {WG_L1_CPU_HOT, WG_L1_CPU_WARM};
    uint64_t freed = 0;
    wg_mutex_lock(&cache->lock);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        wg_cache_entry *victim;
        while (freed < bytes && (victim = coldest(cache, UINT32_C(1) << order[i], NULL, UINT32_MAX)) != NULL)
            freed += entry_evict(cache, victim);
    }
    wg_mutex_unlock(&cache->lock);
    return freed;
}

bool wg_cache_demote(wg_cache *cache, wg_cache_entry *entry) {
    wg_mutex_lock(&cache->lock);
    const wg_residency from = residency_of(entry);
    const bool unpinned = atomic_load_explicit(&entry->pins, memory_order_relaxed) == 0;
    const bool may = unpinned && (rules[from].evictable || from == WG_L1_CPU_PINNED);
    if (may) (void)entry_evict(cache, entry);
    wg_mutex_unlock(&cache->lock);
    return may;
}

bool wg_cache_wants_promotion(const wg_cache *cache, const wg_cache_entry *entry) {
    return residency_of(entry) > WG_L1_CPU_HOT && wg_cache_heat(cache, entry) > WG_HEAT_PROMOTE;
}

wg_code wg_cache_require(wg_cache *cache, wg_cache_entry *entry, wg_speed_lane lane, uint64_t more, wg_error *err) {
    if (lane == WG_SPEED_LANE_ANY) return WG_OK;
    wg_mutex_lock(&cache->lock);
    const wg_residency at = residency_of(entry);
    const bool resident = at <= WG_L1_CPU_WARM;
    const bool distant = at == WG_L5_REMOTE_STREAMED || at == WG_L5_REMOTE_COLD; /* a fetch would be a stall */
    wg_error refused = {0};
    wg_code code = WG_OK;
    if (distant) code = wg_error_set(&refused, WG_E_CAPACITY, WG_NO_OFFSET, "its bytes are not on this machine");
    else if (!resident || more > 0) code = admit_locked(cache, entry, resident ? at : WG_L1_CPU_WARM, more, &refused);
    wg_mutex_unlock(&cache->lock);
    if (code == WG_OK || lane == WG_SPEED_LANE_PREFER) return WG_OK;
    if (code != WG_E_CAPACITY) return wg_error_set(err, code, WG_NO_OFFSET, "%s", refused.message);
    return wg_error_set(err, WG_E_CAPACITY, WG_NO_OFFSET, "BelowSpeedLane: a fragment in %s cannot be promoted: %s",
                        rules[at].name, refused.message);
}

void wg_cache_stats(const wg_cache *cache, wg_residency residency, wg_cache_class_stats *out) {
    WG_ASSERT((unsigned)residency < WG_RESIDENCY_COUNT);
    wg_cache *self = cache->self;
    wg_mutex_lock(&self->lock);
    const class_state *c = &self->classes[residency];
    const uint64_t cap = self->caps[rules[residency].cap];
    *out = (wg_cache_class_stats){
        .bytes = class_bytes(c),
        .bytes_max = c->bytes_max,
        .cap = cap == UINT64_MAX ? 0 : cap,
        .entries = c->entries,
        .hits = atomic_load_explicit(&self->hits[residency].value, memory_order_relaxed),
        .admissions = c->admissions,
        .refusals = c->refusals,
        .demotions = c->demotions,
        .promotions = c->promotions,
    };
    wg_mutex_unlock(&self->lock);
}

uint32_t wg_cache_trace(const wg_cache *cache, wg_cache_transition *out, uint32_t count_max) {
    wg_cache *self = cache->self;
    wg_mutex_lock(&self->lock);
    const uint64_t kept = wg_min_u64(self->trace_count, TRACE_MAX);
    const uint64_t count = wg_min_u64(kept, count_max);
    for (uint64_t i = 0; i < count; i++) out[i] = self->trace[(self->trace_count - count + i) % TRACE_MAX];
    wg_mutex_unlock(&self->lock);
    return (uint32_t)count;
}
