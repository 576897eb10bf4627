/* tests/api: the demonstration season: equal arguments give equal bytes, all rows are there, nothing half is left. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/column/column.h"
#include "format/parquet/parquet.h"

enum { ROWS = 30000, PATH_BYTES = 512 };

typedef struct fixture {
    char dir[PATH_BYTES];
} fixture;

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    const char *base = getenv("TMPDIR");
    (void)snprintf(f->dir, sizeof f->dir, "%s/wg-season-XXXXXX", base == NULL ? "/tmp" : base);
    *state = f;
    return mkdtemp(f->dir) == NULL ? -1 : 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    const int rc = nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return rc;
}

static void path_in(const fixture *f, const char *name, char out[2 * PATH_BYTES]) {
    (void)snprintf(out, 2 * PATH_BYTES, "%s/%s", f->dir, name);
}

static void write_season(const char *dir, uint64_t rows, uint64_t seed) {
    wg_error err = {0};
    if (wg_demo_write_season(dir, rows, seed, NULL, NULL, &err) != WG_OK) fail_msg("%s", err.message);
}

/* The whole of a file; the caller frees it. */
static uint8_t *read_all(const char *path, size_t *out_size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s cannot be opened", path);
    uint8_t *bytes = NULL;
    size_t size = 0;
    for (size_t n = 1; n > 0; size += n) {
        bytes = realloc(bytes, size + 65536);
        n = fread(bytes + size, 1, 65536, file);
    }
    (void)fclose(file);
    *out_size = size;
    return bytes;
}

/* ---- walking: nftw has no context, so what it counts is here */

static struct {
    uint64_t rows;
    uint32_t games;
    uint32_t temporary;
    uint32_t open_to_others;
} seen;

static uint64_t rows_of_file(const char *path) {
    size_t size;
    uint8_t *bytes = read_all(path, &size);
    wg_error err = {0};
    uint32_t footer = 0;
    wg_parquet_metadata metadata = {0};
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_code code = wg_parquet_tail(wg_slice_of(bytes + size - 8, 8), size, &footer, &err);
    if (code == WG_OK)
        code =
            wg_parquet_metadata_decode(wg_slice_of(bytes + size - 8 - footer, footer), size, &arena, &metadata, &err);
    if (code != WG_OK) fail_msg("%s: %s", path, err.message);
    assert_int_equal(metadata.column_count, 7);
    assert_string_equal(metadata.columns[0].name, "ts");
    assert_int_equal(metadata.columns[0].type, WG_TYPE_LOCAL_DATETIME);
    assert_true(metadata.columns[6].optional);
    const uint64_t rows = metadata.row_count;
    wg_arena_deinit(&arena);
    free(bytes);
    return rows;
}

static int count_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)place;
    if (kind != FTW_F) return 0;
    const char *dot = strrchr(path, '.');
    seen.open_to_others += (info->st_mode & 077) != 0;
    seen.temporary += strcmp(dot, ".tmp") == 0;
    if (strcmp(dot, ".parquet") == 0) {
        seen.games++;
        seen.rows += rows_of_file(path);
    }
    return 0;
}

static void walk(const char *dir) {
    memset(&seen, 0, sizeof seen);
    assert_int_equal(nftw(dir, count_entry, 8, FTW_PHYS), 0);
}

/* Goal: every asked-for row is in exactly one game, and files are their owner's alone. */
static void test_season_holds_the_rows_that_were_asked_for(void **state) {
    const fixture *f = *state;
    static const uint64_t sizes[] = {1, 22, 263, 264, ROWS};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char dir[2 * PATH_BYTES];
        char name[32];
        (void)snprintf(name, sizeof name, "s%zu", i);
        path_in(f, name, dir);
        write_season(dir, sizes[i], 7);
        walk(dir);
        assert_int_equal(seen.rows, sizes[i]);
        assert_int_equal(seen.temporary, 0);
        assert_int_equal(seen.open_to_others, 0);
        assert_in_range(seen.games, 1, 12);
    }
    assert_int_equal(seen.games, 12);
}

static bool same_file(const fixture *f, const char *a, const char *b) {
    char path[2 * PATH_BYTES];
    size_t a_size;
    size_t b_size;
    path_in(f, a, path);
    uint8_t *a_bytes = read_all(path, &a_size);
    path_in(f, b, path);
    uint8_t *b_bytes = read_all(path, &b_size);
    const bool same = a_size == b_size && memcmp(a_bytes, b_bytes, a_size) == 0;
    free(a_bytes);
    free(b_bytes);
    return same;
}

/* Goal: equal arguments give equal bytes, also over an older season; another seed gives other games. */
static void test_season_bytes_depend_on_arguments_alone(void **state) {
    const fixture *f = *state;
    char dir[2 * PATH_BYTES];
    path_in(f, "a", dir);
    write_season(dir, ROWS, 1);
    path_in(f, "b", dir);
    write_season(dir, ROWS, 2);
    assert_false(same_file(f, "a/2024-08-10/g00001.parquet", "b/2024-08-10/g00001.parquet"));
    write_season(dir, ROWS, 1);
    assert_true(same_file(f, "a/2024-08-10/g00001.parquet", "b/2024-08-10/g00001.parquet"));
    assert_true(same_file(f, "a/2024-08-24/g00012.parquet", "b/2024-08-24/g00012.parquet"));
    assert_true(same_file(f, "a/players.csv", "b/players.csv"));
}

static bool stop_at_once(void *ctx, uint64_t done, uint64_t total) {
    uint64_t *calls = ctx;
    (*calls)++;
    assert_true(done <= total);
    return false;
}

/* Goal: a progress function that says stop ends the call, and no half file stays. */
static void test_season_is_cancelled_by_its_progress(void **state) {
    const fixture *f = *state;
    uint64_t calls = 0;
    wg_error err = {0};
    assert_int_equal(wg_demo_write_season(f->dir, ROWS, 1, stop_at_once, &calls, &err), WG_E_CANCELLED);
    assert_int_equal(calls, 1);
    walk(f->dir);
    assert_int_equal(seen.temporary, 0);
    assert_int_equal(seen.games, 0);
}

/* Goal: arguments that make no season are refused by name. */
static void test_season_refuses_wrong_arguments(void **state) {
    const fixture *f = *state;
    wg_error err = {0};
    assert_int_equal(wg_demo_write_season(f->dir, 0, 1, NULL, NULL, &err), WG_E_MISUSE);
    assert_int_equal(wg_demo_write_season(NULL, 1, 1, NULL, NULL, NULL), WG_E_MISUSE);
    assert_int_equal(wg_demo_write_season("", 1, 1, NULL, NULL, NULL), WG_E_MISUSE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_season_holds_the_rows_that_were_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_season_bytes_depend_on_arguments_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_season_is_cancelled_by_its_progress, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_season_refuses_wrong_arguments, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
