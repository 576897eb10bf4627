/* Tests of the real platform in a fresh directory under the system's temporary directory. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/platform/platform_internal.h"

typedef struct fixture {
    wg_platform *p;
    char dir[256];
    char path[512];
} fixture;

static const char *path_in(fixture *f, const char *name) {
    snprintf(f->path, sizeof f->path, "%s/%s", f->dir, name);
    return f->path;
}

static int setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    const char *base = getenv("TMPDIR");
    snprintf(f->dir, sizeof f->dir, "%s/wgplatXXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    f->p = wg_platform_real();
    *state = f;
    return 0;
}

static bool remove_entry(void *ctx, const char *name, bool is_directory) {
    fixture *f = ctx;
    if (is_directory) rmdir(path_in(f, name));
    else unlink(path_in(f, name));
    return true;
}

static int teardown(void **state) {
    fixture *f = *state;
    wg_error err = {0};
    f->p->ops->list(f->p, f->dir, remove_entry, f, &err);
    rmdir(f->dir);
    free(f);
    return 0;
}

/* Goal: what is written is read back at any offset, sparse ranges read as zeros, and a read at the end is short. */
static void test_platform_reads_what_it_wrote(void **state) {
    fixture *f = *state;
    const wg_platform_ops *o = f->p->ops;
    wg_error err = {0};
    wg_file *file;
    assert_int_equal(o->open(f->p, path_in(f, "a"), WG_OPEN_CREATE_NEW, &file, &err), WG_OK);
    assert_int_equal(o->write_at(f->p, file, 10, "hello", 5, &err), WG_OK);
    uint8_t back[32];
    size_t n = 0;
    assert_int_equal(o->read_at(f->p, file, 0, back, sizeof back, &n, &err), WG_OK);
    assert_int_equal(n, 15);
    for (size_t i = 0; i < 10; i++) assert_int_equal(back[i], 0);
    assert_memory_equal(back + 10, "hello", 5);
    assert_int_equal(o->read_at(f->p, file, 15, back, sizeof back, &n, &err), WG_OK);
    assert_int_equal(n, 0);
    assert_int_equal(o->sync(f->p, file, &err), WG_OK);
    assert_int_equal(o->truncate(f->p, file, 3, &err), WG_OK);
    wg_file_info info;
    assert_int_equal(o->file_info(f->p, file, &info, &err), WG_OK);
    assert_int_equal(info.size, 3);
    assert_false(info.is_directory);
    assert_true(info.mtime_ns > 0);
    o->close(f->p, file);
    assert_int_equal(o->sync_directory(f->p, f->dir, &err), WG_OK);
}

/* Goal: parts are written as one run of bytes: none, empty ones, and more than one system call takes. */
static void test_platform_writes_parts_together(void **state) {
    fixture *f = *state;
    const wg_platform_ops *o = f->p->ops;
    enum { PARTS = 300, EACH = 7 };
    static uint8_t bytes[PARTS * EACH];
    static uint8_t back[PARTS * EACH + 20];
    wg_slice parts[PARTS];
    wg_error err = {0};
    wg_file *file;
    size_t n = 0;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 31 + 1);
    for (size_t i = 0; i < PARTS; i++)
        parts[i] = i % 3 == 0 ? wg_slice_of(NULL, 0) : wg_slice_of(bytes + i * EACH, i % 3 == 2 ? EACH : 2 * EACH);
    size_t total = 0;
    for (size_t i = 0; i < PARTS; i++) total += parts[i].size;
    assert_int_equal(o->open(f->p, path_in(f, "a"), WG_OPEN_CREATE_NEW, &file, &err), WG_OK);
    assert_int_equal(o->write_parts(f->p, file, 5, NULL, 0, &err), WG_OK);
    assert_int_equal(o->write_parts(f->p, file, 5, parts, PARTS, &err), WG_OK);
    assert_int_equal(o->read_at(f->p, file, 0, back, sizeof back, &n, &err), WG_OK);
    assert_int_equal(n, wg_min_size(sizeof back, 5 + total));
    size_t at = 5;
    for (size_t i = 0; i < PARTS && at < n; i++) {
        const size_t m = wg_min_size(parts[i].size, n - at);
        if (m != 0) assert_memory_equal(back + at, parts[i].data, m);
        at += m;
    }
    assert_int_equal(o->write_parts(f->p, file, UINT64_MAX - 3, parts, PARTS, &err), WG_E_LIMIT);
    o->close(f->p, file);
}

/* Goal: missing and existing names are typed, and messages name the path. */
static void test_platform_errors_are_typed_and_name_the_path(void **state) {
    fixture *f = *state;
    const wg_platform_ops *o = f->p->ops;
    wg_error err = {0};
    wg_file *file = NULL;
    assert_int_equal(o->open(f->p, path_in(f, "none"), WG_OPEN_READ, &file, &err), WG_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "/none"));
    assert_null(file);
    wg_error_clear(&err);
    assert_int_equal(o->make_directory(f->p, path_in(f, "d"), &err), WG_OK);
    assert_int_equal(o->make_directory(f->p, path_in(f, "d"), &err), WG_E_EXISTS);
    wg_error_clear(&err);
    assert_int_equal(o->open(f->p, path_in(f, "x"), WG_OPEN_CREATE_NEW, &file, &err), WG_OK);
    o->close(f->p, file);
    assert_int_equal(o->open(f->p, path_in(f, "x"), WG_OPEN_CREATE_NEW, &file, &err), WG_E_EXISTS);
    wg_error_clear(&err);
    wg_file_info info;
    assert_int_equal(o->stat(f->p, path_in(f, "none"), &info, &err), WG_E_NOT_FOUND);
    wg_error_clear(&err);
    assert_int_equal(o->stat(f->p, path_in(f, "d"), &info, &err), WG_OK);
    assert_true(info.is_directory);
    assert_int_equal(o->unlink(f->p, path_in(f, "none"), &err), WG_E_NOT_FOUND);
    wg_error_clear(&err);
    assert_int_equal(mkfifo(path_in(f, "fifo"), 0600), 0);
    assert_int_equal(o->open(f->p, path_in(f, "fifo"), WG_OPEN_READ, &file, &err), WG_E_IO);
    assert_non_null(strstr(err.message, "regular"));
}

/* Goal: files are 0600 and directories 0700 whatever the umask allows. */
static void test_platform_makes_private_files(void **state) {
    fixture *f = *state;
    const mode_t before = umask(0);
    wg_error err = {0};
    wg_file *file;
    assert_int_equal(f->p->ops->open(f->p, path_in(f, "a"), WG_OPEN_CREATE_NEW, &file, &err), WG_OK);
    f->p->ops->close(f->p, file);
    assert_int_equal(f->p->ops->make_directory(f->p, path_in(f, "d"), &err), WG_OK);
    umask(before);
    struct stat st;
    assert_int_equal(stat(path_in(f, "a"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(path_in(f, "d"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

/* Goal: a second open of a locked file is refused, closing releases, and the lock of a killed process is gone. */
static void test_platform_lock_excludes_and_dies_with_its_process(void **state) {
    fixture *f = *state;
    const wg_platform_ops *o = f->p->ops;
    wg_error err = {0};
    wg_file *a;
    wg_file *b;
    assert_int_equal(o->open(f->p, path_in(f, "LOCK"), WG_OPEN_CREATE_NEW, &a, &err), WG_OK);
    assert_int_equal(o->open(f->p, path_in(f, "LOCK"), WG_OPEN_WRITE, &b, &err), WG_OK);
    assert_int_equal(o->lock(f->p, a, &err), WG_OK);
    assert_int_equal(o->lock(f->p, b, &err), WG_E_BUSY);
    wg_error_clear(&err);
    o->close(f->p, a);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        wg_file *c;
        char ok = 0;
        if (o->open(f->p, path_in(f, "LOCK"), WG_OPEN_WRITE, &c, NULL) == WG_OK && o->lock(f->p, c, NULL) == WG_OK)
            ok = 1;
        if (write(ready[1], &ok, 1) != 1) _exit(1);
        for (;;) pause();
    }
    char ok = 0;
    assert_int_equal(read(ready[0], &ok, 1), 1);
    assert_int_equal(ok, 1);
    assert_int_equal(o->lock(f->p, b, &err), WG_E_BUSY);
    wg_error_clear(&err);
    kill(child, 9);
    waitpid(child, NULL, 0);
    assert_int_equal(o->lock(f->p, b, &err), WG_OK);
    o->close(f->p, b);
    close(ready[0]);
    close(ready[1]);
}

static void expect_byte(fixture *f, const char *name, uint64_t offset, char want) {
    const wg_platform_ops *o = f->p->ops;
    wg_file *file;
    char got = 0;
    size_t n = 0;
    assert_int_equal(o->open(f->p, path_in(f, name), WG_OPEN_READ, &file, NULL), WG_OK);
    assert_int_equal(o->read_at(f->p, file, offset, &got, 1, &n, NULL), WG_OK);
    o->close(f->p, file);
    assert_int_equal(got, want);
}

/* Bytes of the file's mappings that count as resident in this process. */
static uint64_t resident_of(const char *path) {
    char line[4096];
    uint64_t kib = 0, sum = 0;
    bool inside = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        if (strchr(line, '-') != NULL && strchr(line, '-') < strchr(line, ' ')) inside = strstr(line, path) != NULL;
        if (inside && sscanf(line, "Rss: %" SCNu64, &kib) == 1) sum += kib << 10;
    }
    if (maps != NULL) fclose(maps);
    return sum;
}

/* Goal: a mapped write is what a write is to everybody: another handle reads it, it goes with calls behind and between, and it stays when the
 * process is killed; ranges grow, also past what was mapped first. */
static void test_platform_mapped_writes_are_writes(void **state) {
    fixture *f = *state;
    const wg_platform_ops *o = f->p->ops;
    enum { SIZE = 6 << 20, FIRST = 5000, STEP = 1 << 20 };
    wg_file *file;
    char *zeros = calloc(1, SIZE);
    assert_int_equal(o->open(f->p, path_in(f, "m"), WG_OPEN_CREATE_NEW, &file, NULL), WG_OK);
    assert_int_equal(o->write_at(f->p, file, 0, zeros, SIZE, NULL), WG_OK);
    free(zeros);
    if (!o->map_writes(f->p, file, 100, FIRST - 100)) {
        o->close(f->p, file);
        skip(); /* the directory is neither in ext4 nor in memory */
    }
    for (uint64_t at = FIRST; at < SIZE; at += STEP) {
        assert_true(o->map_writes(f->p, file, at, wg_min_u64(STEP, SIZE - at)));
        assert_int_equal(o->write_at(f->p, file, at - 1, "ab", 2, NULL), WG_OK);
        expect_byte(f, "m", at - 1, 'a');
        expect_byte(f, "m", at, 'b');
        assert_in_range(resident_of(path_in(f, "m")), 1,
                        2 * STEP + 3 * 4096); /* two steps, and the page between calls */
    }
    const wg_slice call = wg_slice_of("cd", 2);
    assert_int_equal(o->write_parts(f->p, file, FIRST, &call, 1, NULL), WG_OK);
    assert_int_equal(o->write_at(f->p, file, FIRST + 1, "e", 1, NULL), WG_OK);
    assert_int_equal(o->write_at(f->p, file, 99, "gh", 2, NULL), WG_OK); /* begins before the range */
    assert_int_equal(o->write_at(f->p, file, SIZE - 1, "kl", 2, NULL), WG_OK);
    assert_int_equal(o->sync(f->p, file, NULL), WG_OK);
    expect_byte(f, "m", FIRST, 'c');
    expect_byte(f, "m", FIRST + 1, 'e');
    expect_byte(f, "m", 100, 'h');
    expect_byte(f, "m", SIZE, 'l');
    assert_true(o->map_writes(f->p, file, 200, 10)); /* elsewhere */
    int told[2];
    assert_int_equal(pipe(told), 0);
    const pid_t child = fork();
    if (child == 0) {
        if (o->write_at(f->p, file, 205, "x", 1, NULL) != WG_OK || write(told[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    char byte = 0;
    assert_int_equal(read(told[0], &byte, 1), 1);
    kill(child, 9);
    waitpid(child, NULL, 0);
    close(told[0]);
    close(told[1]);
    o->close(f->p, file);
    expect_byte(f, "m", 205, 'x');
}

static bool count_entry(void *ctx, const char *name, bool is_directory) {
    size_t *counts = ctx;
    if (strcmp(name, "d") == 0) assert_true(is_directory);
    counts[is_directory ? 1 : 0]++;
    return counts[0] + counts[1] < 3;
}

/* Goal: listing gives each entry once with its kind, and stops when told. */
static void test_platform_lists_and_renames(void **state) {
    fixture *f = *state;
    const wg_platform_ops *o = f->p->ops;
    wg_error err = {0};
    wg_file *file;
    char to[600];
    assert_int_equal(o->make_directory(f->p, path_in(f, "d"), &err), WG_OK);
    assert_int_equal(o->open(f->p, path_in(f, "old"), WG_OPEN_CREATE_NEW, &file, &err), WG_OK);
    o->close(f->p, file);
    snprintf(to, sizeof to, "%s", path_in(f, "new"));
    assert_int_equal(o->rename(f->p, path_in(f, "old"), to, &err), WG_OK);
    size_t counts[2] = {0, 0};
    assert_int_equal(o->list(f->p, f->dir, count_entry, counts, &err), WG_OK);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 1);
    wg_file_info info;
    assert_int_equal(o->stat(f->p, path_in(f, "old"), &info, &err), WG_E_NOT_FOUND);
}

static void check_absolute(const char *base, const char *path, const char *expected) {
    char out[64];
    wg_error err = {0};
    assert_int_equal(wgi_path_absolute(base, path, out, sizeof out, &err), WG_OK);
    assert_string_equal(out, expected);
}

/* Goal: lexical resolution over a table of forms; too long is WG_E_LIMIT, empty is WG_E_MISUSE. */
static void test_platform_absolute_resolves_lexically(void **state) {
    (void)state;
    check_absolute("/a/b", "c", "/a/b/c");
    check_absolute("/a/b", "../c", "/a/c");
    check_absolute("/a/b", "../../../../c", "/c");
    check_absolute("/a/b", "/x//y/./z/", "/x/y/z");
    check_absolute("/a/b", "/..", "/");
    check_absolute("/", ".", "/");
    check_absolute("/", "...", "/...");
    check_absolute("/a", ".b/c./.", "/a/.b/c.");
    char out[8];
    wg_error err = {0};
    assert_int_equal(wgi_path_absolute("/", "/1234567", out, sizeof out, &err), WG_E_LIMIT);
    wg_error_clear(&err);
    assert_int_equal(wgi_path_absolute("/1234567", "x", out, sizeof out, &err), WG_E_LIMIT);
    wg_error_clear(&err);
    assert_int_equal(wgi_path_absolute("/", "", out, sizeof out, &err), WG_E_MISUSE);
    char real[4096];
    wg_error_clear(&err);
    assert_int_equal(wg_platform_real()->ops->absolute(wg_platform_real(), "x", real, sizeof real, &err), WG_OK);
    assert_int_equal(real[0], '/');
}

/* Goal: time does not go back, and random bytes are not constant. */
static void test_platform_time_and_randomness(void **state) {
    fixture *f = *state;
    const uint64_t a = f->p->ops->now_ns(f->p);
    assert_true(f->p->ops->now_ns(f->p) >= a);
    assert_true(f->p->ops->wall_us(f->p) > UINT64_C(1500000000000000));
    const uint64_t coarse = f->p->ops->wall_coarse_us(f->p), fine = f->p->ops->wall_us(f->p);
    assert_true(coarse <= fine);
    assert_true(coarse > UINT64_C(1500000000000000));
    uint8_t r[2][600] = {{0}};
    assert_int_equal(f->p->ops->random(f->p, r[0], sizeof r[0], NULL), WG_OK);
    assert_int_equal(f->p->ops->random(f->p, r[1], sizeof r[1], NULL), WG_OK);
    assert_memory_not_equal(r[0], r[1], sizeof r[0]);
}

/* Goal: a map shows the file, outlives its handle and its name, reads the same after its pages were dropped, and a size
 * that the file does not have is an error. */
static void test_platform_map_outlives_handle_and_name(void **state) {
    fixture *f = *state;
    const wg_platform_ops *o = f->p->ops;
    wg_error err = {0};
    wg_file *file;
    static uint8_t bytes[3 * 4096 + 100];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 >> 3);
    assert_int_equal(o->open(f->p, path_in(f, "map"), WG_OPEN_CREATE_NEW, &file, &err), WG_OK);
    assert_int_equal(o->write_at(f->p, file, 0, bytes, sizeof bytes, &err), WG_OK);
    const void *map = NULL;
    assert_int_equal(o->map(f->p, file, sizeof bytes + 1, &map, &err), WG_E_IO);
    assert_non_null(strstr(err.message, "map"));
    assert_int_equal(o->map(f->p, file, 0, &map, NULL), WG_E_IO);
    assert_null(map);
    wg_error_clear(&err);
    assert_int_equal(o->map(f->p, file, sizeof bytes, &map, &err), WG_OK);
    o->close(f->p, file);
    assert_int_equal(o->unlink(f->p, path_in(f, "map"), &err), WG_OK);
    assert_memory_equal(map, bytes, sizeof bytes);
    static const wg_advice advices[] = {WG_ADVICE_WILL_NEED, WG_ADVICE_SEQUENTIAL, WG_ADVICE_RANDOM, WG_ADVICE_DROP};
    for (size_t i = 0; i < 4; i++) o->advise(f->p, map, sizeof bytes, advices[i]);
    assert_memory_equal(map, bytes, sizeof bytes);
    o->advise(f->p, (const uint8_t *)map + 1, 4096, WG_ADVICE_DROP); /* no whole page inside: nothing to do */
    assert_memory_equal(map, bytes, sizeof bytes);
    o->unmap(f->p, map, sizeof bytes);
    o->unmap(f->p, NULL, 0);
    assert_int_equal(o->open(f->p, f->dir, WG_OPEN_READ, &file, &err), WG_OK);
    assert_int_not_equal(o->map(f->p, file, 1, &map, NULL), WG_OK); /* a directory */
    o->close(f->p, file);
}

/* Goal: touched pages show in the resident bytes of files; dropping them gives them back. */
static void test_platform_process_memory_sees_mapped_pages(void **state) {
    fixture *f = *state;
    const wg_platform_ops *o = f->p->ops;
    enum { BYTES = 16 << 20 };
    wg_file *file;
    assert_int_equal(o->open(f->p, path_in(f, "big"), WG_OPEN_CREATE_NEW, &file, NULL), WG_OK);
    static uint8_t block[1 << 20];
    memset(block, 1, sizeof block);
    for (uint64_t at = 0; at < BYTES; at += sizeof block)
        assert_int_equal(o->write_at(f->p, file, at, block, sizeof block, NULL), WG_OK);
    const void *map;
    assert_int_equal(o->map(f->p, file, BYTES, &map, NULL), WG_OK);
    o->close(f->p, file);
    wg_process_memory before, touched, dropped;
    o->process_memory(f->p, &before);
    uint64_t sum = 0;
    for (size_t i = 0; i < BYTES; i += 512) sum += ((const volatile uint8_t *)map)[i];
    assert_int_equal(sum, BYTES / 512);
    o->process_memory(f->p, &touched);
    o->advise(f->p, map, BYTES, WG_ADVICE_DROP);
    o->process_memory(f->p, &dropped);
    assert_true(before.resident_bytes > 0);
    assert_true(touched.resident_file_bytes >= before.resident_file_bytes + BYTES / 2);
    assert_true(dropped.resident_file_bytes <= touched.resident_file_bytes - BYTES / 2);
    assert_true(touched.faults_minor + touched.faults_major > before.faults_minor + before.faults_major);
    o->unmap(f->p, map, BYTES);
    assert_int_equal(o->unlink(f->p, path_in(f, "big"), NULL), WG_OK);
    o->trim_memory(f->p);
}

/* Goal: asking for data to be written back, once or again, changes no byte of the file and needs no answer, on every platform. */
static void test_platform_write_back_changes_nothing(void **state) {
    fixture *f = *state;
    enum { SIZE = 100000 };
    static uint8_t wrote[SIZE];
    static uint8_t found[SIZE];
    wg_platform *sim = NULL;
    assert_int_equal(wg_platform_sim_create(1, &sim, NULL), WG_OK);
    for (size_t i = 0; i < SIZE; i++) wrote[i] = (uint8_t)(i % 251);
    for (int i = 0; i < 2; i++) {
        wg_platform *p = i == 0 ? f->p : sim;
        const char *path = i == 0 ? path_in(f, "back") : "/back";
        wg_file *file = NULL;
        size_t n = 0;
        assert_int_equal(p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, NULL), WG_OK);
        p->ops->write_back(p, file, 0, 0); /* nothing is there yet */
        assert_int_equal(p->ops->write_at(p, file, 0, wrote, SIZE, NULL), WG_OK);
        for (int k = 0; k < 2; k++) p->ops->write_back(p, file, 0, 0);
        p->ops->write_back(p, file, SIZE / 2, SIZE);
        assert_int_equal(p->ops->sync(p, file, NULL), WG_OK);
        assert_int_equal(p->ops->read_at(p, file, 0, found, SIZE, &n, NULL), WG_OK);
        assert_int_equal(n, SIZE);
        assert_memory_equal(found, wrote, SIZE);
        p->ops->close(p, file);
    }
    assert_int_equal(f->p->ops->unlink(f->p, path_in(f, "back"), NULL), WG_OK);
    wg_platform_sim_destroy(sim);
}

/* Goal: memory for large tables comes zeroed, aligned to huge pages, and from every platform. */
static void test_platform_take_memory_is_aligned_and_zeroed(void **state) {
    fixture *f = *state;
    wg_platform *sim = NULL;
    assert_int_equal(wg_platform_sim_create(1, &sim, NULL), WG_OK);
    wg_platform *platforms[] = {f->p, sim};
    for (size_t i = 0; i < 2; i++) {
        wg_platform *p = platforms[i];
        uint8_t *data = p->ops->take_memory(p, 2 * WG_HUGE_PAGE_BYTES);
        assert_non_null(data);
        assert_int_equal((uintptr_t)data % WG_HUGE_PAGE_BYTES, 0);
        for (size_t at = 0; at < 2 * WG_HUGE_PAGE_BYTES; at += 4095) assert_int_equal(data[at], 0);
        data[2 * WG_HUGE_PAGE_BYTES - 1] = 1;
        p->ops->give_memory(p, data, 2 * WG_HUGE_PAGE_BYTES);
        p->ops->give_memory(p, NULL, 0);
    }
    wg_platform_sim_destroy(sim);
}

static bool count_name(void *ctx, const char *name, bool is_directory) {
    (void)name, (void)is_directory;
    (*(uint32_t *)ctx)++;
    return true;
}

/* Goal: a temporary file has no name in its directory, holds what is written to it, and needs a directory that is there. */
static void test_platform_temporary_files_have_no_name(void **state) {
    fixture *f = *state;
    const wg_platform_ops *o = f->p->ops;
    wg_error err = {0};
    uint32_t entries = 0;
    const char *places[2] = {f->dir, ""};
    for (int i = 0; i < 2; i++) {
        wg_file *file;
        char bytes[8];
        size_t n = 0;
        assert_int_equal(o->open(f->p, places[i], WG_OPEN_TEMPORARY, &file, &err), WG_OK);
        assert_int_equal(o->write_at(f->p, file, 5, "row", 3, &err), WG_OK);
        assert_int_equal(o->list(f->p, f->dir, count_name, &entries, &err), WG_OK);
        assert_int_equal(entries, 0);
        assert_int_equal(o->read_at(f->p, file, 5, bytes, sizeof bytes, &n, &err), WG_OK);
        assert_int_equal(n, 3);
        assert_memory_equal(bytes, "row", 3);
        o->close(f->p, file);
    }
    wg_file *none;
    assert_int_equal(o->open(f->p, path_in(f, "nowhere"), WG_OPEN_TEMPORARY, &none, &err), WG_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "nowhere"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_platform_reads_what_it_wrote, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_mapped_writes_are_writes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_temporary_files_have_no_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_writes_parts_together, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_errors_are_typed_and_name_the_path, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_makes_private_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_lock_excludes_and_dies_with_its_process, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_lists_and_renames, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_absolute_resolves_lexically, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_time_and_randomness, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_map_outlives_handle_and_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_write_back_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_take_memory_is_aligned_and_zeroed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_platform_process_memory_sees_mapped_pages, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
