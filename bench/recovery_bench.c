/* recovery_bench: how long a workspace takes to open.
 *
 *   recovery.puts         a log of one million commits, each of one small put (half create a keyed node, half set its property), against
 *                         reading the same log's bytes from the page cache and computing their CRC-32: the least that a
 *                         recovery that checks its input can do
 *
 * Usage: recovery_bench [directory [commits]] (default: build/bench, 1000000). */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest/digest.h"
#include "engine/engine.h"

static void check(wg_code code, const wg_error *err, const char *what) {
    if (code == WG_OK) return;
    fprintf(stderr, "recovery_bench: %s: %s\n", what, err->message);
    exit(1);
}

static void check_posix(bool ok, const char *what) {
    if (ok) return;
    perror(what);
    exit(1);
}

static void remove_tree(const char *path) {
    DIR *folder = opendir(path);
    check_posix(folder != NULL, path);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        struct stat st;
        check_posix(lstat(name, &st) == 0, name);
        if (S_ISDIR(st.st_mode)) remove_tree(name);
        else check_posix(unlink(name) == 0, name);
    }
    closedir(folder);
    check_posix(rmdir(path) == 0, path);
}

static wg_engine *open_engine(const char *path) {
    wg_error err = {0};
    const wg_engine_options options = {
        .options = {
            .create = true, .durability = WG_BUFFERED, .no_background = true, .checkpoint_log_bytes = UINT64_MAX}};
    wg_engine *engine = NULL;
    check(wg_engine_open(path, &options, &engine, &err), &err, "open");
    return engine;
}

static void close_engine(wg_engine *engine) {
    wg_error err = {0};
    check(wg_engine_close(engine, &err), &err, "close");
}

typedef struct names {
    uint32_t label;
    uint32_t k;
    uint32_t v;
} names;

static names declare(wg_engine *engine) {
    wg_error err = {0};
    names n;
    const wg_column_def columns[] = {{.name = "k", .type = WG_TYPE_INT, .not_null = true, .int_bits = 64},
                                     {.name = "v", .type = WG_TYPE_INT, .int_bits = 64}};
    const wg_label_def def = {.name = "P",
                              .kind = WG_LABEL_OWNED,
                              .column_count = 2,
                              .columns = columns,
                              .key_count = 1,
                              .key_columns = {0}};
    wg_txn *txn = NULL;
    check(wg_txn_begin(engine, WG_TXN_WRITE, 0, &txn, &err), &err, "begin");
    check(wg_txn_create_label(txn, &def, false, &err), &err, "create label");
    check(wg_txn_intern_label(txn, wg_slice_str("P"), false, &n.label, &err), &err, "label");
    check(wg_txn_intern_key(txn, wg_slice_str("k"), &n.k, &err), &err, "key");
    check(wg_txn_intern_key(txn, wg_slice_str("v"), &n.v, &err), &err, "key");
    check(wg_txn_commit(txn, NULL, &err), &err, "commit");
    return n;
}

static void put(wg_engine *engine, const names *n, uint64_t i) {
    wg_error err = {0};
    wg_txn *txn = NULL;
    check(wg_txn_begin(engine, WG_TXN_WRITE, 0, &txn, &err), &err, "begin");
    wg_property properties[] = {{.key = n->v, .value = wg_value_int((int64_t)i * 7)},
                                {.key = n->k, .value = wg_value_int((int64_t)i)}};
    uint64_t id = i / 2;
    if (i % 2 == 0) check(wg_txn_create_node(txn, &n->label, 1, properties, 2, &id, &err), &err, "create");
    else check(wg_txn_set_node(txn, id, properties, 1, false, &err), &err, "set");
    check(wg_txn_commit(txn, NULL, &err), &err, "commit");
}

/* Reads every segment and computes its CRC, as a peer. */
static uint64_t read_log(const char *path, uint64_t *out_bytes) {
    static uint8_t bytes[1 << 20];
    char wal[4096];
    snprintf(wal, sizeof wal, "%s/wal", path);
    uint32_t crc = 0;
    uint64_t total = 0;
    const uint64_t begin = bench_now_ns();
    DIR *folder = opendir(wal);
    check_posix(folder != NULL, wal);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[4400];
        snprintf(name, sizeof name, "%s/%s", wal, entry->d_name);
        if (strstr(entry->d_name, ".wal") == NULL) continue;
        const int fd = open(name, O_RDONLY);
        check_posix(fd >= 0, name);
        for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0; total += (uint64_t)got)
            crc = wg_crc32(crc, bytes, (size_t)got);
        close(fd);
    }
    closedir(folder);
    *out_bytes = total;
    const uint64_t ns = bench_now_ns() - begin;
    fprintf(stderr, "recovery_bench: %" PRIu64 " bytes of log, crc %08" PRIx32 "\n", total, crc);
    return ns;
}

int main(int argc, char **argv) {
    enum { ROUNDS = 5 };
    const char *directory = argc > 1 ? argv[1] : "build/bench";
    const uint64_t commits = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    char path[3000];
    check_posix(mkdir(directory, 0700) == 0 || errno == EEXIST, directory);
    snprintf(path, sizeof path, "%s/recovery_bench.%ld", directory, (long)getpid());
    wg_engine *engine = open_engine(path);
    const names n = declare(engine);
    const uint64_t begin = bench_now_ns();
    for (uint64_t i = 0; i < commits; i++) put(engine, &n, i);
    const double written = (double)(bench_now_ns() - begin) / 1e9;
    close_engine(engine);
    uint64_t ours[ROUNDS];
    uint64_t peer[ROUNDS];
    uint64_t bytes = 0;
    for (int r = 0; r < ROUNDS; r++) {
        peer[r] = read_log(path, &bytes);
        const uint64_t start = bench_now_ns();
        engine = open_engine(path);
        ours[r] = bench_now_ns() - start;
        if (wg_engine_logseq(engine) != commits + 1) check(WG_E_INTERNAL, &(wg_error){.message = "lost commits"}, "");
        close_engine(engine);
    }
    remove_tree(path);
    char params[96];
    snprintf(params, sizeof params, "{\"commits\":%" PRIu64 ",\"log_bytes\":%" PRIu64 "}", commits, bytes);
    bench_print(&(bench_line){
        .name = "recovery.write", .params = params, .value = (double)commits / written, .unit = "commits/s"});
    bench_print(&(bench_line){.name = "recovery.puts",
                              .params = params,
                              .value = (double)bench_percentile(ours, ROUNDS, 50) / 1e9,
                              .unit = "s",
                              .peer = "read and CRC of the log",
                              .peer_value = (double)bench_percentile(peer, ROUNDS, 50) / 1e9});
    return 0;
}
