/* The cache of Parquet files: one opening for many uses, anew when the file changes, bounded, pins respected. */
#include "io/object_cache/object_cache.h"
#include "io/object_cache/parquet_kit.h"

static wg_object *acquire(wg_object_cache *cache, const char *name, bool expect_opened) {
    wg_object *object = NULL;
    bool opened = !expect_opened;
    KIT_OK(wg_object_acquire(cache, kit_path(name), &object, &opened, err));
    assert_int_equal(opened, expect_opened);
    return object;
}

static wg_object_cache *begin(uint32_t files_max) {
    wg_object_cache *cache = NULL;
    kit_begin();
    KIT_OK(wg_object_cache_create(kit_platform(), files_max, NULL, &cache, err));
    return cache;
}

static void end(wg_object_cache *cache) {
    wg_object_cache_destroy(cache);
    kit_end();
}

/* Goal: a second use of a file opens nothing; metadata, digest and bytes are those of the file. */
static void test_a_file_is_opened_once(void **state) {
    (void)state;
    wg_object_cache *cache = begin(4);
    kit_parquet("a.parquet", (kit_file){.rows = 25, .base = 3, .group_rows = 10});
    wg_object *a = acquire(cache, "a.parquet", true);
    wg_object *again = acquire(cache, "a.parquet", false);
    assert_ptr_equal(a, again);
    assert_int_equal(wg_object_metadata(a)->row_count, 25);
    assert_int_equal(wg_object_column(a, wg_slice_str("speed")), 2);
    assert_int_equal(wg_object_column(a, wg_slice_str("spee")), UINT32_MAX);
    assert_string_equal(wg_object_path(a), kit_path("a.parquet"));
    char magic[4];
    KIT_OK(wg_object_read(a, 0, magic, 4, err));
    assert_memory_equal(magic, "PAR1", 4);
    KIT_FAILS(WG_E_CHANGED, wg_object_read(a, wg_object_file_bytes(a) - 2, magic, 4, err));
    wg_object_release(cache, a);
    wg_object_release(cache, again);
    wg_object_release(cache, acquire(cache, "a.parquet", false));
    end(cache);
}

/* Goal: a file that is replaced is opened anew with another digest, while who holds the old one reads on. */
static void test_a_replaced_file_is_opened_anew(void **state) {
    (void)state;
    wg_object_cache *cache = begin(4);
    kit_parquet("a.parquet", (kit_file){.rows = 25});
    wg_object *old = acquire(cache, "a.parquet", true);
    kit_parquet("a.parquet", (kit_file){.rows = 26});
    wg_object *new = acquire(cache, "a.parquet", true);
    assert_ptr_not_equal(old, new);
    assert_memory_not_equal(wg_object_digest(old)->bytes, wg_object_digest(new)->bytes, 32);
    assert_int_equal(wg_object_metadata(old)->row_count, 25);
    char magic[4];
    KIT_OK(wg_object_read(old, wg_object_file_bytes(old) - 4, magic, 4, err)); /* unlinked, and still open */
    assert_memory_equal(magic, "PAR1", 4);
    wg_object_release(cache, old);
    assert_ptr_equal(acquire(cache, "a.parquet", false), new);
    wg_object_release(cache, new);
    wg_object_release(cache, new);
    end(cache);
}

/* Goal: a file that was written again with equal bytes has the same digest. */
static void test_a_touched_file_keeps_its_digest(void **state) {
    (void)state;
    wg_object_cache *cache = begin(4);
    kit_parquet("a.parquet", (kit_file){.rows = 25});
    wg_object *old = acquire(cache, "a.parquet", true);
    const wg_sha256 digest = *wg_object_digest(old);
    wg_object_release(cache, old);
    kit_parquet("a.parquet", (kit_file){.rows = 25});
    wg_object *new = NULL;
    bool opened = false;
    KIT_OK(wg_object_acquire(cache, kit_path("a.parquet"), &new, &opened, err));
    assert_memory_equal(wg_object_digest(new)->bytes, digest.bytes, 32);
    wg_object_release(cache, new);
    end(cache);
}

/* Goal: files that are cut, damaged or gone are typed errors that name them, and leave the cache in order. */
static void test_damaged_files_are_refused(void **state) {
    (void)state;
    wg_object_cache *cache = begin(4);
    wg_buf bytes;
    wg_buf_init(&bytes, NULL);
    kit_encode(&(kit_file){.rows = 25}, &bytes);
    kit_write("whole.parquet", wg_buf_slice(&bytes));
    wg_object_release(cache, acquire(cache, "whole.parquet", true));
    wg_object *none = NULL;
    bool opened = false;
    for (size_t size = 0; size < bytes.size; size += 1 + bytes.size / 40) {
        kit_write("cut.parquet", wg_slice_of(bytes.data, size));
        wg_error cut = {0};
        assert_int_equal(wg_object_acquire(cache, kit_path("cut.parquet"), &none, &opened, &cut), WG_E_CORRUPT);
        assert_non_null(strstr(cut.message, "cut.parquet"));
    }
    KIT_FAILS(WG_E_NOT_FOUND, wg_object_acquire(cache, kit_path("absent.parquet"), &none, &opened, err));
    kit_write("whole.parquet", wg_slice_of(bytes.data, bytes.size / 2)); /* a cached file, cut later */
    KIT_FAILS(WG_E_CORRUPT, wg_object_acquire(cache, kit_path("whole.parquet"), &none, &opened, err));
    kit_write("whole.parquet", wg_buf_slice(&bytes));
    wg_object_release(cache, acquire(cache, "whole.parquet", true));
    remove(kit_path("whole.parquet"));
    KIT_FAILS(WG_E_NOT_FOUND, wg_object_acquire(cache, kit_path("whole.parquet"), &none, &opened, err));
    wg_buf_deinit(&bytes);
    end(cache);
}

/* Goal: over the limit the least recently used file goes, pinned ones stay. */
static void test_the_least_recently_used_goes(void **state) {
    (void)state;
    wg_object_cache *cache = begin(3);
    char name[32];
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "%d.parquet", i);
        kit_parquet(name, (kit_file){.rows = 1 + (uint32_t)i});
    }
    wg_object *pinned = acquire(cache, "0.parquet", true);
    wg_object_release(cache, acquire(cache, "1.parquet", true));
    wg_object_release(cache, acquire(cache, "2.parquet", true));
    wg_object_release(cache, acquire(cache, "1.parquet", false)); /* used again: 2 is the oldest now */
    wg_object_release(cache, acquire(cache, "3.parquet", true));  /* 2 goes; 0 is older but pinned */
    wg_object_release(cache, acquire(cache, "1.parquet", false));
    wg_object_release(cache, acquire(cache, "2.parquet", true));
    wg_object *more[3];
    for (int i = 0; i < 3; i++) { /* all pinned: over the limit, and back below it when they are released */
        snprintf(name, sizeof name, "%d.parquet", i + 2);
        bool opened;
        KIT_OK(wg_object_acquire(cache, kit_path(name), &more[i], &opened, err));
    }
    assert_int_equal(wg_object_metadata(pinned)->row_count, 1);
    for (int i = 0; i < 3; i++) wg_object_release(cache, more[i]);
    wg_object_release(cache, pinned);
    end(cache);
}

/* Goal: when any allocation fails an opening is refused and leaves nothing behind. */
static void test_refused_memory_leaks_nothing(void **state) {
    (void)state;
    wg_object_cache *cache = begin(3);
    kit_parquet("a.parquet", (kit_file){.rows = 5});
    const char *path = kit_path("a.parquet");
    wg_code code = WG_E_NOMEM;
    for (uint64_t n = 1; code != WG_OK; n++) {
        wg_object *object = NULL;
        bool opened = false;
        wg_memory_fail_at(n, false);
        code = wg_object_acquire(cache, path, &object, &opened, NULL);
        wg_memory_fail_at(0, false);
        assert_true(code == WG_OK || code == WG_E_NOMEM);
        assert_true(n < 200);
        wg_object_release(cache, object);
    }
    end(cache);
}

/* Goal: whichever call to the disk fails while a file is opened, the error is the disk's, nothing stays open, and the next
 * opening works. */
static void test_a_failing_disk_leaves_nothing_open(void **state) {
    (void)state;
    wg_platform *fault = NULL;
    wg_object_cache *cache = NULL;
    kit_begin();
    kit_parquet("a.parquet", (kit_file){.rows = 5});
    KIT_OK(wg_platform_fault_create(kit_platform(), &fault, err));
    wg_memory_fail_at(1, false);
    KIT_FAILS(WG_E_NOMEM, wg_object_cache_create(fault, 0, NULL, &cache, err));
    wg_memory_fail_at(0, false);
    assert_null(cache);
    KIT_OK(wg_object_cache_create(fault, 0, NULL, &cache, err)); /* 0: the usual number of open files */
    wg_object_cache_destroy(cache);
    KIT_OK(wg_object_cache_create(fault, 4, NULL, &cache, err));
    const char *path = kit_path("a.parquet");
    wg_object *object = NULL;
    bool opened = false;
    wg_object_release(cache, NULL);
    for (uint64_t n = 1; n <= 4; n++) { /* open, size, tail, footer */
        wg_platform_fault_arm(fault, n, WG_FAULT_EIO, false);
        KIT_FAILS(WG_E_IO, wg_object_acquire(cache, path, &object, &opened, err));
        assert_null(object);
    }
    KIT_OK(wg_object_acquire(cache, path, &object, &opened, err));
    assert_true(opened);
    wg_platform_fault_arm(fault, 1, WG_FAULT_EIO, false);
    wg_object *again = NULL;
    KIT_FAILS(WG_E_IO, wg_object_acquire(cache, path, &again, &opened, err)); /* is it still the same file? */
    KIT_OK(wg_object_acquire(cache, path, &again, &opened, err));
    assert_ptr_equal(again, object);
    wg_object_release(cache, again);
    wg_object_release(cache, object);
    wg_object_cache_destroy(cache);
    wg_object_cache_destroy(NULL);
    wg_platform_fault_destroy(fault);
    kit_end();
}

/* Goal: a footer that is larger than the first block of its arena may find no memory: refused, and opened when there is some. */
static void test_a_large_footer_may_find_no_memory(void **state) {
    (void)state;
    wg_object_cache *cache = begin(3);
    kit_parquet("a.parquet", (kit_file){.rows = 400, .group_rows = 2});
    const char *path = kit_path("a.parquet");
    uint32_t refused = 0;
    wg_code code = WG_E_NOMEM;
    for (uint64_t n = 1; code != WG_OK; n++) {
        wg_object *object = NULL;
        bool opened = false;
        wg_memory_fail_at(n, false);
        code = wg_object_acquire(cache, path, &object, &opened, NULL);
        wg_memory_fail_at(0, false);
        assert_true(code == WG_OK || code == WG_E_NOMEM);
        assert_true(n < 2000);
        refused += code != WG_OK;
        if (code == WG_OK) assert_int_equal(wg_object_metadata(object)->row_count, 400);
        wg_object_release(cache, object);
    }
    assert_true(refused > 3);
    end(cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_opened_once),
        cmocka_unit_test(test_a_replaced_file_is_opened_anew),
        cmocka_unit_test(test_a_touched_file_keeps_its_digest),
        cmocka_unit_test(test_damaged_files_are_refused),
        cmocka_unit_test(test_the_least_recently_used_goes),
        cmocka_unit_test(test_refused_memory_leaks_nothing),
        cmocka_unit_test(test_a_failing_disk_leaves_nothing_open),
        cmocka_unit_test(test_a_large_footer_may_find_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
