/* worldgraph/mmap, tests only: a store on a simulated disk, fragments of a few numbers, and reading them back. */
#ifndef WG_WORLDGRAPH_MMAP_KIT_H
#define WG_WORLDGRAPH_MMAP_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worldgraph/mmap/mmap.h"

static const uint8_t kit_uuid[16] = {1, 2, 3, 4};

typedef struct kit {
    wg_platform *platform;
    wg_epoch *epoch;
    wg_cache *cache;
    wg_stripe_set *set;
    uint64_t next_id;
} kit;

static inline void kit_open_on(kit *k, wg_platform *platform) {
    wg_error err = {0};
    *k = (kit){.platform = platform, .next_id = 1};
    if (platform == NULL) assert_int_equal(wg_platform_sim_create(1, &k->platform, &err), WG_OK);
    (void)k->platform->ops->make_directory(k->platform, "/s", NULL);
    assert_int_equal(wg_epoch_create(NULL, &k->epoch, &err), WG_OK);
    assert_int_equal(wg_cache_create(NULL, NULL, &k->cache, &err), WG_OK);
    assert_int_equal(wg_stripe_set_create(k->platform, "/s", kit_uuid, k->cache, k->epoch, NULL, &k->set, &err),
                     WG_OK);
}

static inline void kit_open(kit *k) { kit_open_on(k, NULL); }

/* The simulated disk stays, for those who opened on one. */
static inline void kit_leave(kit *k) {
    wg_stripe_set_destroy(k->set);
    wg_epoch_destroy(k->epoch);
    wg_cache_destroy(k->cache);
}

static inline void kit_close(kit *k) {
    kit_leave(k);
    wg_platform_sim_destroy(k->platform);
}

static inline wg_stripe_sink kit_sink(const kit *k, uint32_t level, uint64_t capacity) {
    wg_stripe_sink sink = {.platform = k->platform, .dir = "/s", .next_id = k->next_id, .level = level};
    memcpy(sink.options.store_uuid, kit_uuid, 16);
    sink.options.capacity_bytes = capacity;
    return sink;
}

/* One column of numbers; `type` NODE unless stated. */
typedef struct kit_column {
    uint32_t id;
    wg_type type;
    const uint64_t *cells;
} kit_column;

static inline wg_code kit_try(wg_stripe_sink *sink, const wg_fragment_head *head, const kit_column *columns,
                              uint32_t count, wg_error *err) {
    wg_stripe_column stored[16];
    assert_true(count <= 16);
    for (uint32_t i = 0; i < count; i++) {
        const wg_type type = columns[i].type == 0 ? WG_TYPE_NODE : columns[i].type;
        stored[i] = (wg_stripe_column){.id = columns[i].id, .vector = {.type = type, .data = columns[i].cells}};
    }
    return wg_stripe_sink_add(sink, head, stored, count, err);
}

static inline void kit_add(wg_stripe_sink *sink, const wg_fragment_head *head, const kit_column *columns,
                           uint32_t count) {
    wg_error err = {0};
    const wg_code code = kit_try(sink, head, columns, count, &err);
    if (code != WG_OK) print_error("%s\n", err.message);
    assert_int_equal(code, WG_OK);
}

/* A fragment with one row in one column, for tests of keys alone. */
static inline void kit_one(wg_stripe_sink *sink, wg_fragment_key key, uint64_t version, uint64_t attribute,
                           uint64_t cell) {
    const wg_fragment_head head = {.key = key, .version = version, .row_count = 1, .attributes = {attribute}};
    const uint32_t id = key.kind == WG_KIND_ROWS ? WG_COLUMN_ID : WG_COLUMN_ADDRESS;
    kit_add(sink, &head, &(kit_column){.id = id, .cells = &cell}, 1);
}

/* Finishes the sink and puts what it made into the set. */
static inline uint32_t kit_publish(kit *k, wg_stripe_sink *sink) {
    wg_error err = {0};
    assert_int_equal(wg_stripe_sink_finish(sink, &err), WG_OK);
    const uint32_t count = (uint32_t)(sink->finished.size / sizeof(wg_stripe_entry));
    const wg_stripe_entry *made = (const wg_stripe_entry *)(const void *)sink->finished.data;
    assert_int_equal(wg_stripe_set_change(k->set, made, count, NULL, 0, &err), WG_OK);
    k->next_id = sink->next_id;
    wg_stripe_sink_deinit(sink);
    return count;
}

static inline uint64_t kit_number(const wg_fragment *f, uint32_t id, uint32_t row) {
    uint64_t v = 0;
    wg_error err = {0};
    const uint32_t column = wg_fragment_column_of(f, id);
    assert_true(column != UINT32_MAX);
    assert_int_equal(wg_fragment_u64(f, column, row, &v, &err), WG_OK);
    return v;
}

/* The number, or `missing` when the column is absent. */
static inline uint64_t kit_number_or(const wg_fragment *f, uint32_t id, uint32_t row, uint64_t missing) {
    return wg_fragment_column_of(f, id) == UINT32_MAX ? missing : kit_number(f, id, row);
}

static inline bool kit_count_name(void *ctx, const char *name, bool is_directory) {
    (void)name, (void)is_directory;
    (*(uint32_t *)ctx)++;
    return true;
}

/* Files in the directory. */
static inline uint32_t kit_files(const kit *k) {
    uint32_t count = 0;
    assert_int_equal(k->platform->ops->list(k->platform, "/s", kit_count_name, &count, NULL), WG_OK);
    return count;
}

#endif
