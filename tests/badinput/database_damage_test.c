/* A small database, damaged in every way that a disk can: each byte changed, each file cut at each length, each block of 512
 * bytes zeroed, exchanged with every other one of its file, or replaced by what an older version of the database had there.
 *
 * After each: verify and opening (and every question that dump asks) give the right answer or a typed refusal. Where only
 * the newest commits were damaged the answer may be that of an earlier commit, if the log has no mark behind them: a torn
 * tail (docs/durability.md, P5). Never anything else. The database is closed cleanly, so its log does have a mark, and for
 * all but the last bytes of the log only the newest state is right. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/golden/golden_kit.h"

enum { FILES_MAX = 64, BLOCK = 512, SEGMENT_BYTES = 8192, COMMITS_MAX = 64 };

#define DAMAGE_OK(call)                                                                       \
    do {                                                                                      \
        wg_error err_ = {0};                                                                  \
        wg_error *err = &err_;                                                                \
        const wg_code code_ = (call);                                                         \
        if (code_ != WG_OK) fail_msg("%s: %s: %s", #call, wg_code_name(code_), err_.message); \
    } while (0)

typedef struct disk_file {
    char path[200];
    wg_buf bytes;
    wg_buf older; /* of an earlier state of the database; empty: there was none */
} disk_file;

static wg_platform *golden;
static disk_file files[FILES_MAX];
static uint32_t file_count;
static wg_buf answers[COMMITS_MAX]; /* dump after each commit */
static uint64_t newest;
static uint64_t seed;
static uint64_t stride;
static struct { uint64_t opens, right, refused, torn; } counts;

static wg_engine_options engine_options(wg_platform *platform, bool create) {
    return (wg_engine_options){
        .platform = platform,
        .options = {.create = create, .no_background = true, .checkpoint_log_bytes = UINT64_MAX},
        .wal_segment_bytes = SEGMENT_BYTES};
}

/* ---- the database */

static const char *const early[] = {
    "CREATE NODE LABEL Player (id INT, name STRING, height FLOAT, PRIMARY KEY (id))",
    "UNWIND range(1, 30) AS i CREATE (:Player {id: i, name: 'player ' + toString(i), height: i / 4.0})",
    "MATCH (a:Player), (b:Player) WHERE b.id = a.id + 1 CREATE (a)-[:PASSED {at: a.id}]->(b)",
    "CREATE (:Note {text: 'x', list: [1, 2.5]})",
};
static const char *const late[] = {
    "MATCH (p:Player) WHERE p.id % 5 = 0 SET p.name = 'renamed'",
    "MATCH (p:Player {id: 7}) DETACH DELETE p",
    "UNWIND range(31, 60) AS i CREATE (:Player {id: i, name: 'player ' + toString(i), height: i / 4.0})",
    "MATCH (n:Note) SET n.text = reduce(s = '', i IN range(1, 300) | s + toString(i))",
};
static const char *const last[] = {
    "MATCH (p:Player {id: 8}) SET p.height = 9.5",
    "MATCH (a:Player {id: 1})-[r:PASSED]->() DELETE r",
    "CREATE (:Note {text: 'the end'})",
};

static void run_all(wg_engine *engine, const char *const *statements, size_t count) {
    for (size_t i = 0; i < count; i++) {
        DAMAGE_OK(golden_run(engine, statements[i], 0, NULL, err));
        newest = wg_engine_logseq(engine);
        assert_true(newest < COMMITS_MAX);
        wg_buf_init(&answers[newest], NULL);
        DAMAGE_OK(golden_dump(engine, 0, &answers[newest], err));
    }
}

typedef struct listing {
    const char *directory;
    bool older;
    wg_platform *disk;
} listing;

static void note_file(wg_platform *disk, const char *path, bool older) {
    uint32_t i = 0;
    while (i < file_count && strcmp(files[i].path, path) != 0) i++;
    if (i == file_count && older) return; /* it is gone in the newer one */
    assert_true(i < FILES_MAX);
    if (i == file_count) {
        snprintf(files[i].path, sizeof files[i].path, "%s", path);
        wg_buf_init(&files[i].bytes, NULL);
        wg_buf_init(&files[i].older, NULL);
        file_count++;
    }
    DAMAGE_OK(golden_read(disk, path, older ? &files[i].older : &files[i].bytes, err));
}

static bool note_entry(void *ctx, const char *name, bool is_directory) {
    const listing *l = ctx;
    char path[200];
    snprintf(path, sizeof path, "%.90s/%.90s", l->directory, name);
    if (!is_directory) {
        note_file(l->disk, path, l->older);
        return true;
    }
    listing inner = {.directory = path, .older = l->older, .disk = l->disk};
    DAMAGE_OK(l->disk->ops->list(l->disk, path, note_entry, &inner, err));
    return true;
}

static void note_files(wg_platform *disk, bool older) {
    listing l = {.directory = "/ws", .older = older, .disk = disk};
    DAMAGE_OK(disk->ops->list(disk, "/ws", note_entry, &l, err));
}

static void maintain(wg_engine *engine) { DAMAGE_OK(wg_engine_checkpoint(engine, NULL, err)); }

static void make_database(void) {
    wg_platform *earlier = NULL;
    wg_engine *engine = NULL;
    DAMAGE_OK(wg_platform_sim_create(1, &golden, err));
    wg_engine_options options = engine_options(golden, true);
    DAMAGE_OK(wg_engine_open("/ws", &options, &engine, err));
    wg_buf_init(&answers[0], NULL);
    run_all(engine, early, sizeof early / sizeof early[0]);
    maintain(engine);
    DAMAGE_OK(wg_engine_close(engine, err));
    DAMAGE_OK(wg_platform_sim_reboot(golden, WG_CRASH_ALL_SURVIVES, 1, &earlier, err));
    DAMAGE_OK(wg_engine_open("/ws", &options, &engine, err));
    run_all(engine, late, sizeof late / sizeof late[0]);
    maintain(engine);
    run_all(engine, last, sizeof last / sizeof last[0]);
    DAMAGE_OK(wg_engine_close(engine, err));
    note_files(golden, false);
    note_files(earlier, true);
    wg_platform_sim_destroy(earlier);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < file_count; i++) bytes += files[i].bytes.size;
    printf("a database of %u files, %llu bytes, %llu commits\n", file_count, (unsigned long long)bytes,
           (unsigned long long)newest);
    for (uint32_t i = 0; i < file_count; i++)
        printf("  %s: %zu bytes, %zu before\n", files[i].path, files[i].bytes.size, files[i].older.size);
    assert_true(bytes <= 64 << 10);
}

/* ---- one damage */

static bool is_log(const disk_file *f) { return strstr(f->path, "/wal/") != NULL; }

/* Set when the damage takes away the mark at the end of the log, too: then older commits may be the newest that is seen. */
static bool mark_gone;

static void replace(wg_platform *disk, const disk_file *f, wg_slice bytes) {
    wg_file *file = NULL;
    DAMAGE_OK(disk->ops->open(disk, f->path, WG_OPEN_WRITE, &file, err));
    DAMAGE_OK(disk->ops->truncate(disk, file, bytes.size, err));
    if (bytes.size != 0) DAMAGE_OK(disk->ops->write_at(disk, file, 0, bytes.data, bytes.size, err));
    disk->ops->close(disk, file);
}

static bool is_refusal(wg_code code) {
    return code == WG_E_CORRUPT || code == WG_E_VERSION || code == WG_E_NOT_FOUND || code == WG_E_LIMIT;
}

static void wrong(const disk_file *f, const char *what, uint64_t at, const char *how, const wg_error *e) {
    fail_msg("%s, %s at %llu, WG_SEED=%llu: %s: %s", f->path, what, (unsigned long long)at, (unsigned long long)seed,
             how, e != NULL ? e->message : "");
}

static wg_buf answer;

/* What the damaged database says must be right, or refused. */
static void judge(wg_platform *disk, const disk_file *f, const char *what, uint64_t at) {
    wg_engine *engine = NULL;
    wg_error e = {0};
    wg_verify_report report;
    const wg_engine_options options = engine_options(disk, false);
    counts.opens++;
    const wg_code verified = wg_engine_verify(disk, "/ws", &report, &e);
    if (verified != WG_OK && !is_refusal(verified)) wrong(f, what, at, wg_code_name(verified), &e);
    e = (wg_error){0};
    wg_code code = wg_engine_open("/ws", &options, &engine, &e);
    if (code != WG_OK) {
        if (!is_refusal(code)) wrong(f, what, at, wg_code_name(code), &e);
        if (verified == WG_OK) wrong(f, what, at, "verify passes and opening refuses", &e);
        counts.refused++;
        return;
    }
    const uint64_t logseq = wg_engine_logseq(engine);
    if (logseq > newest || (logseq < newest && !(is_log(f) && mark_gone)))
        wrong(f, what, at, "another commit is the newest", NULL);
    answer.size = 0;
    code = golden_dump(engine, 0, &answer, &e);
    if (code == WG_OK) {
        if (!wg_slice_equal(wg_buf_slice(&answer), wg_buf_slice(&answers[logseq])))
            wrong(f, what, at, "another answer", NULL);
        if (logseq == newest) counts.right++;
        else counts.torn++;
        if (verified == WG_OK && report.last_logseq != logseq)
            wrong(f, what, at, "verify tells another commit", NULL);
    } else {
        if (!is_refusal(code)) wrong(f, what, at, wg_code_name(code), &e);
        if (verified == WG_OK) wrong(f, what, at, "verify passes and reading refuses", &e);
        counts.refused++;
    }
    DAMAGE_OK(wg_engine_close(engine, err));
}

static void damaged(const disk_file *f, wg_slice bytes, const char *what, uint64_t at) {
    wg_platform *disk = NULL;
    DAMAGE_OK(wg_platform_sim_reboot(golden, WG_CRASH_ALL_SURVIVES, 1, &disk, err));
    replace(disk, f, bytes);
    judge(disk, f, what, at);
    wg_platform_sim_destroy(disk);
}

/* The part of a file that is not zeros to its end, and a little more: zeros behind are all alike. */
static size_t used_bytes(const disk_file *f) {
    size_t used = f->bytes.size;
    while (used > 0 && f->bytes.data[used - 1] == 0) used--;
    return wg_min_size(f->bytes.size, used + 64);
}

/* ---- tests */

/* Goal: one changed byte is never a wrong answer. */
static void test_damage_each_byte(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, seed);
    for (uint32_t i = 0; i < file_count; i++) {
        disk_file *f = &files[i];
        const size_t used = used_bytes(f);
        for (size_t at = seed % stride; at < used; at += stride) {
            const uint8_t was = f->bytes.data[at];
            f->bytes.data[at] ^= (uint8_t)(1 + wg_rng_below(&rng, 255));
            damaged(f, wg_buf_slice(&f->bytes), "a changed byte", at);
            f->bytes.data[at] = was;
        }
    }
}

/* Goal: a file that ends early is never a wrong answer. */
static void test_damage_each_length(void **state) {
    (void)state;
    mark_gone = true;
    for (uint32_t i = 0; i < file_count; i++)
        for (size_t size = seed % stride; size < used_bytes(&files[i]); size += stride)
            damaged(&files[i], wg_slice_of(files[i].bytes.data, size), "cut", size);
    mark_gone = false;
}

static void block_damages(disk_file *f, wg_buf *copy, size_t at) {
    const size_t size = wg_min_size(BLOCK, f->bytes.size - at);
    const size_t mark_at =
        used_bytes(f) - wg_min_size(used_bytes(f), 96); /* at the latest; 64 bytes of it are slack */
    uint8_t *bytes = copy->data;
    mark_gone = at + BLOCK > mark_at;
    memset(bytes + at, 0, size);
    if (memcmp(bytes + at, f->bytes.data + at, size) != 0) damaged(f, wg_buf_slice(copy), "a block of zeros", at);
    memcpy(bytes + at, f->bytes.data + at, size);
    for (size_t other = at + BLOCK; other + BLOCK <= f->bytes.size; other += BLOCK) {
        if (memcmp(bytes + at, bytes + other, BLOCK) == 0) continue;
        mark_gone = at + BLOCK > mark_at || other + BLOCK > mark_at;
        memcpy(bytes + at, f->bytes.data + other, BLOCK);
        memcpy(bytes + other, f->bytes.data + at, BLOCK);
        damaged(f, wg_buf_slice(copy), "exchanged blocks", at);
        memcpy(bytes + at, f->bytes.data + at, BLOCK);
        memcpy(bytes + other, f->bytes.data + other, BLOCK);
    }
    mark_gone = at + BLOCK > mark_at;
    if (at >= f->older.size) return;
    const size_t old_size = wg_min_size(size, f->older.size - at);
    if (memcmp(f->older.data + at, bytes + at, old_size) == 0) return;
    memcpy(bytes + at, f->older.data + at, old_size);
    damaged(f, wg_buf_slice(copy), "an older block", at);
    memcpy(bytes + at, f->bytes.data + at, size);
}

/* Goal: blocks that are lost, misplaced or stale are never a wrong answer. */
static void test_damage_each_block(void **state) {
    (void)state;
    for (uint32_t i = 0; i < file_count; i++) {
        wg_buf copy;
        wg_buf_init(&copy, NULL);
        assert_true(wg_buf_append(&copy, files[i].bytes.data, files[i].bytes.size));
        for (size_t at = 0; at<used_bytes(&files[i]); at += stride> 1 ? 3 * (size_t)BLOCK : BLOCK)
            block_damages(&files[i], &copy, at);
        wg_buf_deinit(&copy);
    }
    mark_gone = false;
}

/* Goal: a file that is missing, or is another of its kind, is never a wrong answer. */
static void test_damage_whole_files(void **state) {
    (void)state;
    mark_gone = true;
    for (uint32_t i = 0; i < file_count; i++) {
        wg_platform *disk = NULL;
        DAMAGE_OK(wg_platform_sim_reboot(golden, WG_CRASH_ALL_SURVIVES, 1, &disk, err));
        DAMAGE_OK(disk->ops->unlink(disk, files[i].path, err));
        judge(disk, &files[i], "missing", 0);
        wg_platform_sim_destroy(disk);
        for (uint32_t k = 0; k < file_count; k++)
            if (k != i) damaged(&files[i], wg_buf_slice(&files[k].bytes), "another file", k);
        if (files[i].older.size != 0) damaged(&files[i], wg_buf_slice(&files[i].older), "the older file", 0);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage_each_byte),
        cmocka_unit_test(test_damage_each_length),
        cmocka_unit_test(test_damage_each_block),
        cmocka_unit_test(test_damage_whole_files),
    };
    const char *text = getenv("WG_SEED");
    const char *size = getenv("WG_TEST_SIZE");
    seed = text != NULL ? strtoull(text, NULL, 10) : UINT64_C(20260101);
    stride = size != NULL && strcmp(size, "small") == 0 ? 37 : 1;
    printf("seed: WG_SEED=%llu\n", (unsigned long long)seed);
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    wg_buf_init(&answer, NULL);
    make_database();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("damage: %llu opens, %llu right, %llu refused, %llu took a torn tail\n", (unsigned long long)counts.opens,
           (unsigned long long)counts.right, (unsigned long long)counts.refused, (unsigned long long)counts.torn);
    return failed;
}
