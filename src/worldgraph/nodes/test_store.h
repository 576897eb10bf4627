/* For tests of stored rows: a simulated disk, checkpoints of one table, directory or key index, and the newest fragment of each
 * key, as the set of stripes would give it. Included by tests only. */
#ifndef WG_WORLDGRAPH_NODES_TEST_STORE_H
#define WG_WORLDGRAPH_NODES_TEST_STORE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "io/platform/platform.h"
#include "worldgraph/nodes/nodes.h"

enum { STORE_STRIPES_MAX = 512 };

typedef struct store {
    wg_platform *platform;
    wg_epoch *epoch;
    wg_account account;
    wg_stripe *stripes[STORE_STRIPES_MAX];
    uint32_t stripe_count;
    uint64_t next_id;
    uint64_t capacity; /* of a stripe; 0: default */
    bool zstd;
    wg_stripe_sink sink;
} store;

static const uint8_t store_uuid[16] = "nodes-store-test";

#define STORE_OK(call)                                                                     \
    do {                                                                                   \
        wg_error store_err = {0};                                                          \
        wg_error *err = &store_err;                                                        \
        if ((call) != WG_OK) fail_msg("%s:%d: %s", __FILE__, __LINE__, store_err.message); \
    } while (0)

static inline void store_open(store *s) {
    *s = (store){.next_id = 1};
    wg_account_init(&s->account, NULL, 0);
    STORE_OK(wg_platform_sim_create(1, &s->platform, err));
    STORE_OK(s->platform->ops->make_directory(s->platform, "/stripes", err));
    STORE_OK(wg_epoch_create(&s->account, &s->epoch, err));
}

/* What used the stripes is gone by now. */
static inline void store_close(store *s) {
    wg_epoch_destroy(s->epoch);
    for (uint32_t i = 0; i < s->stripe_count; i++) wg_stripe_close(s->stripes[i]);
    assert_int_equal(wg_account_bytes(&s->account), 0); /* nothing leaks */
    wg_platform_sim_destroy(s->platform);
}

static inline wg_store_pass store_begin(store *s, uint64_t since, uint64_t until, uint64_t row_count) {
    s->sink = (wg_stripe_sink){.platform = s->platform, .dir = "/stripes", .next_id = s->next_id};
    s->sink.options.account = &s->account;
    s->sink.options.capacity_bytes = s->capacity;
    s->sink.options.zstd = s->zstd;
    memcpy(s->sink.options.store_uuid, store_uuid, 16);
    return (wg_store_pass){.sink = &s->sink, .owner = 3, .since = since, .until = until, .row_count = row_count};
}

/* Finishes the checkpoint: its stripes are opened and count from now on. */
static inline wg_code store_commit(store *s, wg_error *err) {
    WG_TRY(wg_stripe_sink_finish(&s->sink, err));
    const wg_stripe_entry *made = (const wg_stripe_entry *)(const void *)s->sink.finished.data;
    for (size_t i = 0; i < s->sink.finished.size / sizeof *made; i++) {
        assert_true(s->stripe_count < STORE_STRIPES_MAX);
        WG_TRY(wg_stripe_open(s->platform, "/stripes", made[i].id, store_uuid, NULL, &s->account,
                              &s->stripes[s->stripe_count], err));
        s->stripe_count++;
    }
    s->next_id = s->sink.next_id;
    wg_stripe_sink_deinit(&s->sink);
    return WG_OK;
}

/* The newest fragment with this key; NULL: none. */
static inline const wg_fragment *store_find(const store *s, uint32_t kind, uint64_t slot, uint32_t part) {
    const wg_fragment *found = NULL;
    for (uint32_t i = 0; i < s->stripe_count; i++)
        for (uint32_t k = 0; k < wg_stripe_fragment_count(s->stripes[i]); k++) {
            const wg_fragment *f = wg_stripe_fragment(s->stripes[i], k);
            const wg_fragment_key *key = &f->head.key;
            if (key->kind != kind || key->slot != slot || key->part != part) continue;
            if (found == NULL || f->head.version >= found->head.version) found = f;
        }
    return found;
}

/* Adopts everything that is stored of slots [0, row_count). */
static inline wg_code store_adopt_table(const store *s, wg_table *table, uint64_t until, uint64_t row_count,
                                        wg_error *err) {
    for (uint64_t slot = 0; slot * WG_FRAGMENT_ROWS < row_count; slot++) {
        const wg_fragment *rows = store_find(s, WG_KIND_ROWS, slot, 0);
        if (rows == NULL) continue;
        WG_TRY(wg_table_adopt(table, rows, store_find(s, WG_KIND_ROWS, slot, 1), until, err));
    }
    return wg_table_adopt_count(table, row_count, err);
}

/* Flips all bits of one byte of a stripe's file; the same again repairs it. */
static inline bool store_flip(store *s, uint64_t id, uint64_t at) {
    char path[4160];
    wg_file *file = NULL;
    uint8_t byte = 0;
    size_t got = 0;
    wg_platform *p = s->platform;
    STORE_OK(wg_stripe_path("/stripes", id, path, sizeof path, err));
    STORE_OK(p->ops->open(p, path, WG_OPEN_WRITE, &file, err));
    STORE_OK(p->ops->read_at(p, file, at, &byte, 1, &got, err));
    byte = (uint8_t)~byte;
    if (got == 1) STORE_OK(p->ops->write_at(p, file, at, &byte, 1, err));
    p->ops->close(p, file);
    return got == 1;
}

/* Opens the only stripe with one byte damaged. Not WG_OK: the file does not open, and is whole again. */
static inline wg_code store_damage(store *s, uint64_t id, uint64_t at) {
    if (!store_flip(s, id, at)) return WG_E_NOT_FOUND;
    const wg_code code =
        wg_stripe_open(s->platform, "/stripes", id, store_uuid, NULL, &s->account, &s->stripes[0], NULL);
    if (code == WG_OK) s->stripe_count = 1;
    else (void)store_flip(s, id, at);
    return code;
}

static inline void store_repair(store *s, uint64_t id, uint64_t at) { assert_true(store_flip(s, id, at)); }

#endif
