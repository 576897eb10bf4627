/* Scenarios of single modules: the log, the manifest, the governor, epochs. */
#include "tests/sim/scenarios.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/cache/cache.h"
#include "io/manifest_txn/manifest_txn.h"
#include "io/wal_store/wal_store.h"
#include "mvcc/mvcc.h"

/* ---- rotation of the log against group commit: three threads commit and wait, a fourth asks for syncs that nobody waits for, segments
 * are so small that they change on the way. What was acknowledged is there after power fails at any moment, and at the end. */

enum { LOG_THREADS = 3, LOG_COMMITS = 3, LOG_PAYLOAD = 1400 };

typedef struct log_world {
    wg_platform *disk;
    wg_platform *left; /* what power failure left, taken at some moment; NULL: it never came */
    wg_wal_options options;
    wg_wal *wal;
    uint64_t acknowledged; /* the highest */
    uint64_t acknowledged_then;
    bool soon;
} log_world;

static void log_power_fails(void *ctx) {
    log_world *w = ctx;
    w->acknowledged_then = w->acknowledged;
    if (wg_platform_sim_reboot(w->disk, (wg_crash_pattern)sim_random(WG_CRASH_PATTERN_COUNT), sim_random(1 << 20),
                               &w->left, NULL) != WG_OK)
        sim_fail("no memory for a disk");
}

static void log_commit(log_world *w, bool wait) {
    uint8_t payload[LOG_PAYLOAD] = {0};
    uint64_t logseq = 0;
    const wg_slice part = wg_slice_of(payload, sizeof payload);
    SIM_TRY("append", wg_wal_append(w->wal, &part, 1, &logseq, err));
    if (!wait) {
        SIM_TRY("sync soon", wg_wal_sync_soon(w->wal, logseq, err));
        if (wg_wal_durable_logseq(w->wal) < logseq) return;
    } else {
        SIM_TRY("wait", wg_wal_wait(w->wal, logseq, err));
    }
    w->acknowledged = wg_max_u64(w->acknowledged, logseq);
}

static void log_waiter(void *arg) {
    for (int i = 0; i < LOG_COMMITS; i++) log_commit(arg, true);
}
static void log_asker(void *arg) {
    for (int i = 0; i < LOG_COMMITS - 1; i++) log_commit(arg, false);
}

static wg_code log_replayed(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err) {
    uint64_t *count = ctx;
    (void)chain, (void)err;
    if (logseq != *count + 1 || payload.size != LOG_PAYLOAD)
        sim_fail("commit %llu is not whole", (unsigned long long)logseq);
    *count = logseq;
    return WG_OK;
}

static void log_check(const log_world *w, wg_platform *disk, uint64_t least, const char *when) {
    wg_wal *wal = NULL;
    uint64_t count = 0;
    SIM_TRY(when, wg_wal_open(disk, "/wal", &w->options, log_replayed, &count, &wal, NULL, err));
    if (count < least)
        sim_fail("%s: %llu commits are left, %llu were acknowledged", when, (unsigned long long)count,
                 (unsigned long long)least);
    SIM_TRY(when, wg_wal_close(wal, err));
}

static void log_run(log_world *w) {
    wg_platform *p = sim_platform_create(w->disk);
    sim_crew crew = {.count = 0};
    wg_platform *after = NULL;
    SIM_TRY("directory", w->disk->ops->make_directory(w->disk, "/wal", err));
    SIM_TRY("directory", w->disk->ops->sync_directory(w->disk, "/", err));
    SIM_TRY("create", wg_wal_create(w->disk, "/wal", &w->options, err));
    SIM_TRY("open", wg_wal_open(p, "/wal", &w->options, NULL, NULL, &w->wal, NULL, err));
    sim_at_some_point(log_power_fails, w);
    sim_explore(true);
    for (int i = 0; i < LOG_THREADS; i++) sim_crew_add(&crew, log_waiter, w);
    if (w->soon) sim_crew_add(&crew, log_asker, w);
    sim_crew_join(&crew);
    sim_explore(false);
    if (wg_platform_sim_reboot(w->disk, WG_CRASH_NONE_SURVIVES, 1, &after, NULL) == WG_OK)
        log_check(w, after, w->acknowledged, "at the end");
    if (w->left != NULL) log_check(w, w->left, w->acknowledged_then, "after power failed");
    SIM_TRY("close", wg_wal_close(w->wal, err));
    log_check(w, w->disk, LOG_THREADS * LOG_COMMITS, "closed");
    wg_platform_sim_destroy(after);
    wg_platform_sim_destroy(w->left);
    sim_platform_destroy(p);
}

void sim_rotation_and_group_commit(void) {
    log_world w = {.options = {.segment_bytes = 4096, .durability = WG_STRICT}};
    w.soon = sim_random(2) == 0;
    SIM_TRY("disk", wg_platform_sim_create(1, &w.disk, err));
    log_run(&w);
    wg_platform_sim_destroy(w.disk);
}

/* ---- a manifest that is replaced against readers of it: each reads one whole epoch, and none older than the one before. */

enum { MANIFEST_EPOCHS = 4, MANIFEST_READS = 3 };

typedef struct manifest_world {
    wg_platform *p;
} manifest_world;

static void manifest_payload(uint64_t epoch, char out[32]) {
    snprintf(out, 32, "payload of epoch %llu", (unsigned long long)epoch);
}

static void manifest_writer(void *arg) {
    manifest_world *w = arg;
    char text[32];
    for (uint64_t epoch = 2; epoch <= MANIFEST_EPOCHS; epoch++) {
        uint64_t removed = 0;
        manifest_payload(epoch, text);
        SIM_TRY("commit", wg_manifest_commit(w->p, "/ws", epoch, wg_slice_str(text), err));
        SIM_TRY("expire", wg_manifest_expire(w->p, "/ws", 2, &removed, err));
    }
}

/* A reader that is slower than two commits may find that its manifest has gone; then CURRENT names a newer one. */
static void manifest_reader(void *arg) {
    manifest_world *w = arg;
    uint64_t last = 1;
    for (int i = 0; i < MANIFEST_READS; i++) {
        uint64_t epoch = 0;
        char text[32];
        wg_error err = {0};
        wg_buf payload;
        wg_buf_init(&payload, NULL);
        const wg_code code = wg_manifest_read(w->p, "/ws", &epoch, &payload, &err);
        if (code == WG_OK) {
            manifest_payload(epoch, text);
            if (epoch < last)
                sim_fail("epoch %llu was read after %llu", (unsigned long long)epoch, (unsigned long long)last);
            if (!wg_slice_equal(wg_buf_slice(&payload), wg_slice_str(text))) sim_fail("a payload is not its epoch's");
            last = epoch;
        } else if (code != WG_E_CORRUPT || strstr(err.message, "missing") == NULL) {
            sim_fail("a reader: %s: %s", wg_code_name(code), err.message);
        }
        wg_buf_deinit(&payload);
    }
}

void sim_manifest_and_reader(void) {
    manifest_world w = {0};
    wg_platform *disk = NULL;
    sim_crew crew = {.count = 0};
    char text[32];
    manifest_payload(1, text);
    SIM_TRY("disk", wg_platform_sim_create(1, &disk, err));
    w.p = sim_platform_create(disk);
    SIM_TRY("directory", disk->ops->make_directory(disk, "/ws", err));
    SIM_TRY("directory", disk->ops->make_directory(disk, "/ws/manifest", err));
    SIM_TRY("first", wg_manifest_commit(disk, "/ws", 1, wg_slice_str(text), err));
    sim_explore(true);
    sim_crew_add(&crew, manifest_writer, &w);
    sim_crew_add(&crew, manifest_reader, &w);
    sim_crew_add(&crew, manifest_reader, &w);
    sim_crew_join(&crew);
    sim_explore(false);
    sim_platform_destroy(w.p);
    wg_platform_sim_destroy(disk);
}

/* ---- eviction against pins: a cap for two of four entries. What is pinned and was admitted stays; the cap holds at every moment. */

enum { CACHE_ENTRIES = 4, CACHE_BYTES = 100, CACHE_ROUNDS = 3 };

typedef struct cached_block {
    wg_cache_entry entry; /* first */
    wg_mutex mutex;       /* one brings it in */
    bool there;
} cached_block;

typedef struct cache_world {
    wg_cache *cache;
    cached_block blocks[CACHE_ENTRIES];
} cache_world;

static void block_evict(wg_cache_entry *entry) {
    cached_block *block = (cached_block *)(void *)entry;
    if (atomic_load(&entry->pins) != 0) sim_fail("an entry is evicted while it is pinned");
    block->there = false;
}

/* Uses block after block: pins, brings it in when it is not there, looks at it while others run, unpins. */
static void cache_user(void *arg) {
    cache_world *w = arg;
    for (int i = 0; i < CACHE_ROUNDS; i++) {
        cached_block *block = &w->blocks[sim_random(CACHE_ENTRIES)];
        wg_error err = {0};
        wg_code code = WG_OK;
        wg_cache_pin(w->cache, &block->entry);
        wg_mutex_lock(&block->mutex);
        if (!block->there) code = wg_cache_admit(w->cache, &block->entry, WG_L1_CPU_WARM, CACHE_BYTES, &err);
        if (code == WG_OK) block->there = true;
        wg_mutex_unlock(&block->mutex);
        if (code == WG_OK) {
            wg_cache_touch(w->cache, &block->entry);
            sim_point();
            if (!block->there) sim_fail("a pinned entry lost its bytes");
        } else if (code != WG_E_CAPACITY) {
            sim_fail("admission: %s", err.message);
        }
        wg_cache_class_stats stats;
        wg_cache_stats(w->cache, WG_L1_CPU_WARM, &stats);
        if (stats.bytes_max > stats.cap) sim_fail("the cap was passed: %llu", (unsigned long long)stats.bytes_max);
        wg_cache_unpin(w->cache, &block->entry);
    }
}

static void cache_shrinker(void *arg) {
    cache_world *w = arg;
    (void)wg_cache_relieve(w->cache, CACHE_BYTES);
    (void)wg_cache_demote(w->cache, &w->blocks[sim_random(CACHE_ENTRIES)].entry);
    (void)wg_cache_shrink(w->cache, WG_L1_CPU_WARM, 0);
}

void sim_eviction_and_pin(void) {
    cache_world w = {0};
    sim_crew crew = {.count = 0};
    const wg_tier_budget budget = {.warm = UINT64_C(5) * CACHE_BYTES / 2};
    SIM_TRY("cache", wg_cache_create(&budget, NULL, &w.cache, err));
    for (uint32_t i = 0; i < CACHE_ENTRIES; i++) {
        wg_mutex_init(&w.blocks[i].mutex, WG_RANK_STRIPE);
        wg_cache_register(w.cache, &w.blocks[i].entry, WG_L3_SSD_LOCAL, block_evict);
    }
    sim_explore(true);
    for (int i = 0; i < 3; i++) sim_crew_add(&crew, cache_user, &w);
    sim_crew_add(&crew, cache_shrinker, &w);
    sim_crew_join(&crew);
    sim_explore(false);
    wg_cache_class_stats stats;
    wg_cache_stats(w.cache, WG_L1_CPU_WARM, &stats);
    uint64_t held = 0;
    for (uint32_t i = 0; i < CACHE_ENTRIES; i++) held += w.blocks[i].there ? CACHE_BYTES : 0;
    if (stats.bytes != held)
        sim_fail("%llu bytes are charged, %llu are held", (unsigned long long)stats.bytes, (unsigned long long)held);
    for (uint32_t i = 0; i < CACHE_ENTRIES; i++) wg_cache_unregister(w.cache, &w.blocks[i].entry);
    wg_cache_destroy(w.cache);
}

/* ---- epochs: two writers replace what a pointer leads to, readers hold what they found. Nothing is taken apart while it is held, and in
 * the end everything is. */

enum { EPOCH_WRITES = 3, EPOCH_READS = 3, EPOCH_BLOCKS = 16 };

typedef struct epoch_block {
    wg_epoch_link link; /* first */
    bool gone;
} epoch_block;

typedef struct epoch_world {
    wg_epoch *epoch;
    _Atomic(epoch_block *) shared;
    epoch_block blocks[EPOCH_BLOCKS]; /* they stay: what is gone is marked */
    _Atomic uint32_t used;
} epoch_world;

static void epoch_dispose(void *block) { ((epoch_block *)block)->gone = true; }

static void epoch_writer(void *arg) {
    epoch_world *w = arg;
    for (int i = 0; i < EPOCH_WRITES; i++) {
        epoch_block *fresh = &w->blocks[atomic_fetch_add(&w->used, 1)];
        sim_point();
        epoch_block *old = atomic_exchange(&w->shared, fresh);
        wg_epoch_retire_object(w->epoch, &old->link, epoch_dispose);
        wg_epoch_collect(w->epoch);
    }
}

static void epoch_reader(void *arg) {
    epoch_world *w = arg;
    for (int i = 0; i < EPOCH_READS; i++) {
        const uint32_t slot = wg_epoch_enter(w->epoch);
        sim_point();
        const epoch_block *seen = atomic_load(&w->shared);
        for (int k = 0; k < 3; k++) {
            sim_point();
            if (seen->gone) sim_fail("a block is taken apart while a reader holds it");
        }
        wg_epoch_leave(w->epoch, slot);
    }
}

void sim_epoch_reclaim(void) {
    epoch_world w = {0};
    sim_crew crew = {.count = 0};
    SIM_TRY("epoch", wg_epoch_create(NULL, &w.epoch, err));
    atomic_init(&w.shared, &w.blocks[0]);
    atomic_init(&w.used, 1);
    sim_explore(true);
    for (int i = 0; i < 2; i++) {
        sim_crew_add(&crew, epoch_writer, &w);
        sim_crew_add(&crew, epoch_reader, &w);
    }
    sim_crew_join(&crew);
    sim_explore(false);
    wg_epoch_collect(w.epoch);
    if (wg_epoch_pending(w.epoch) != 0)
        sim_fail("%llu blocks are left", (unsigned long long)wg_epoch_pending(w.epoch));
    for (uint32_t i = 0; i < 1 + 2 * EPOCH_WRITES; i++)
        if (w.blocks[i].gone != (&w.blocks[i] != atomic_load(&w.shared))) sim_fail("block %u was not taken apart", i);
    wg_epoch_destroy(w.epoch);
}
