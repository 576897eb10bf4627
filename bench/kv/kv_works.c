/* The table of what is measured. Sizes: the stages read, write and threads share one store of 1,000,000 keys; small has
 * 100,000; grow starts empty; strict has 100,000, because a synced write does not care. See README.md. */
#include "kv_run.h"

/* Batches: so long that the clock (some 20 ns, taken off) does not matter, so short that a batch's keys and values stay in
 * the first-level cache. */
enum { BATCH = 128, BATCH_THREADS = 512 };

#define READ(id, ...) \
    { .name = id, .stage = KV_STAGE_READ, .mode = KV_MEMORY, .threads = 1, .batch = BATCH, __VA_ARGS__ }
#define WRITE(id, ...) \
    { .name = id, .stage = KV_STAGE_WRITE, .threads = 1, .batch = BATCH, __VA_ARGS__ }
#define SMALL(id, ...) \
    { .name = id, .stage = KV_STAGE_SMALL, .mode = KV_MEMORY, .threads = 1, .batch = BATCH, __VA_ARGS__ }
#define GROW(id, ...)                                                                                            \
    {                                                                                                            \
        .name = id, .stage = KV_STAGE_GROW, .mode = KV_MEMORY, .threads = 1, .batch = BATCH, .shape = KV_INSERT, \
        __VA_ARGS__                                                                                              \
    }
#define THREADS(id, count, ...)                                                                             \
    {                                                                                                       \
        .name = id, .stage = KV_STAGE_THREADS, .mode = KV_MEMORY, .threads = count, .batch = BATCH_THREADS, \
        .cpu = true, __VA_ARGS__                                                                            \
    }
#define THREADS_1248(id, ...) \
    THREADS(id, 1, __VA_ARGS__), THREADS(id, 2, __VA_ARGS__), THREADS(id, 4, __VA_ARGS__), THREADS(id, 8, __VA_ARGS__)
#define STRICT(id, count, together, ...) \
    { .name = id, .stage = KV_STAGE_STRICT, .mode = KV_STRICT, .threads = count, .batch = together, __VA_ARGS__ }

const kv_work kv_works[] = {
    READ("get_rand", .shape = KV_GET),
    READ("get_dep", .shape = KV_GET_DEPENDENT),
    READ("get_x16", .shape = KV_GET_X16),
    READ("get_hot_10k", .shape = KV_GET, .choice = KV_HOT_SET),
    READ("get_hot_1", .shape = KV_GET, .choice = KV_ONE_KEY),
    READ("scan100", .shape = KV_SCAN),

    WRITE("put_rand", .mode = KV_MEMORY, .shape = KV_PUT),
    WRITE("put_x16", .mode = KV_MEMORY, .shape = KV_PUT_X16),
    WRITE("put_hot", .mode = KV_MEMORY, .shape = KV_PUT, .choice = KV_ONE_KEY),
    WRITE("rmw", .mode = KV_MEMORY, .shape = KV_RMW),
    WRITE("event", .mode = KV_MEMORY, .shape = KV_APPEND),
    WRITE("scan100_after_writes", .mode = KV_MEMORY, .shape = KV_SCAN),
    WRITE("put_rand_buffered", .mode = KV_BUFFERED, .shape = KV_PUT),
    WRITE("put_hot_buffered", .mode = KV_BUFFERED, .shape = KV_PUT, .choice = KV_ONE_KEY),
    WRITE("event_buffered", .mode = KV_BUFFERED, .shape = KV_APPEND),
    WRITE("put_rand_chained", .mode = KV_BUFFERED, .chained = true, .shape = KV_PUT),
    WRITE("put_hot_chained", .mode = KV_BUFFERED, .chained = true, .shape = KV_PUT, .choice = KV_ONE_KEY),
    WRITE("event_chained", .mode = KV_BUFFERED, .chained = true, .shape = KV_APPEND),
    WRITE("put_rand_killsafe", .mode = KV_KILLSAFE, .shape = KV_PUT),
    WRITE("put_hot_killsafe", .mode = KV_KILLSAFE, .shape = KV_PUT, .choice = KV_ONE_KEY),

    THREADS_1248("get_disjoint", .shape = KV_GET, .choice = KV_OWN_RANGE),
    THREADS_1248("put_disjoint", .shape = KV_PUT, .choice = KV_OWN_RANGE),
    THREADS_1248("get_own_run", .shape = KV_GET, .choice = KV_OWN_RUN),
    THREADS_1248("put_own_run", .shape = KV_PUT, .choice = KV_OWN_RUN),
    THREADS_1248("get_shared_key", .shape = KV_GET, .choice = KV_ONE_KEY),
    THREADS_1248("put_shared_key", .shape = KV_PUT, .choice = KV_ONE_KEY),

    SMALL("get_rand_small", .shape = KV_GET),
    SMALL("put_rand_small", .shape = KV_PUT),
    SMALL("rmw_small", .shape = KV_RMW),

    GROW("insert_presized", .presized = true),
    GROW("insert_growing", .presized = false),

    STRICT("put_strict", 1, 1, .shape = KV_PUT),
    STRICT("put_strict", 8, 1, .shape = KV_PUT),
    STRICT("put_strict", 32, 1, .shape = KV_PUT),
    STRICT("put_strict_chained", 1, 1, .chained = true, .shape = KV_PUT),
    STRICT("put_strict_tickets", 1, BATCH, .shape = KV_TICKETS),

    {.name = "replay",
     .stage = KV_STAGE_REPLAY,
     .shape = KV_REPLAY,
     .mode = KV_BUFFERED,
     .chained = true,
     .threads = 1},
};

const unsigned kv_work_count = sizeof kv_works / sizeof kv_works[0];
_Static_assert(sizeof kv_works / sizeof kv_works[0] <= KV_WORKS_MAX, "kv_results has room for every work");

int kv_work_find(const char *name, unsigned threads) {
    for (unsigned i = 0; i < kv_work_count; i++)
        if (kv_works[i].threads == threads && strcmp(kv_works[i].name, name) == 0) return (int)i;
    return -1;
}
