/* The engines that are measured, in the order of the report's columns. To add one: declare it, list it, and give it a
 * file driver_<name>.c. An engine whose library the build did not find is listed as absent, with what is missing. */
#include "kv_bench.h"

#define DECLARE(name)    extern const kv_driver kv_driver_##name
#define ABSENT(id, what) static const kv_driver kv_driver_##id = {.name = #id, .settings = "", .absent_why = what}

DECLARE(worldgraph);
DECLARE(worldgraph_engine);
DECLARE(floor_mem);
DECLARE(floor_seq);
DECLARE(raw);

#ifdef KV_HAVE_LMDB
DECLARE(lmdb);
#else
ABSENT(lmdb, "the build did not find liblmdb-dev");
#endif

#ifdef KV_HAVE_ROCKSDB
DECLARE(rocksdb);
#else
ABSENT(rocksdb, "the build did not find librocksdb-dev");
#endif

#ifdef KV_HAVE_SQLITE
DECLARE(sqlite);
#else
ABSENT(sqlite, "the build did not find libsqlite3-dev");
#endif

#ifdef KV_HAVE_REDIS
DECLARE(redis);
#else
ABSENT(redis, "the build did not find libhiredis-dev");
#endif

const kv_driver *const kv_drivers[] = {
    &kv_driver_worldgraph, &kv_driver_worldgraph_engine, &kv_driver_floor_mem, &kv_driver_floor_seq, &kv_driver_raw,
    &kv_driver_lmdb,       &kv_driver_rocksdb,           &kv_driver_sqlite,    &kv_driver_redis,     NULL,
};
