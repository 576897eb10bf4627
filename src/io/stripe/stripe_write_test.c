/* Tests of how stripes are written: capacity, order, names, determinism, failures of the disk and of memory, crashes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/digest/digest.h"
#include "io/segment/segment.h"
#include "io/stripe/stripe.h"

static wg_platform *sim;
static wg_platform *fault;
static const uint8_t uuid[16] = {5};
enum { ROWS = 5000 };
static int64_t numbers[ROWS];
static wg_str texts[ROWS];

static int setup(void **state) {
    (void)state;
    for (uint32_t i = 0; i < ROWS; i++) {
        numbers[i] = wg_i64_of_u64((uint64_t)i * i * UINT64_C(0x9e3779b97f4a7c15));
        texts[i] = (wg_str){(const char *)&numbers[i], 1 + i % 7};
    }
    if (wg_platform_sim_create(7, &sim, NULL) != WG_OK) return 1;
    if (wg_platform_fault_create(sim, &fault, NULL) != WG_OK) return 1;
    return sim->ops->make_directory(sim, "/s", NULL) == WG_OK && sim->ops->sync_directory(sim, "/", NULL) == WG_OK
               ? 0
               : 1;
}
static int teardown(void **state) {
    (void)state;
    wg_memory_fail_at(0, false);
    wg_platform_fault_destroy(fault);
    wg_platform_sim_destroy(sim);
    return 0;
}

static wg_stripe_options options(void) {
    wg_stripe_options o = {.capacity_bytes = 0};
    memcpy(o.store_uuid, uuid, 16);
    return o;
}

static wg_code add_rows(wg_stripe_writer *w, uint64_t slot, uint32_t rows, wg_error *err) {
    const wg_fragment_head head = {.key = {.kind = WG_KIND_ROWS, .slot = slot}, .version = 1, .row_count = rows};
    const wg_stripe_column columns[] = {{1, {.type = WG_TYPE_INT, .data = numbers}},
                                        {2, {.type = WG_TYPE_BYTES, .data = texts}}};
    return wg_stripe_add(w, &head, columns, 2, err);
}

static wg_code open_stripe(wg_platform *p, uint64_t id, wg_stripe **out, wg_error *err) {
    return wg_stripe_open(p, "/s", id, uuid, NULL, NULL, out, err);
}

static bool count_file(void *ctx, const char *name, bool is_directory) {
    (void)name, (void)is_directory;
    ++*(uint32_t *)ctx;
    return true;
}
static uint32_t file_count(void) {
    uint32_t n = 0;
    assert_int_equal(sim->ops->list(sim, "/s", count_file, &n, NULL), WG_OK);
    return n;
}

static void test_stripe_names_are_twenty_digits(void **state) {
    /* Goal: names are made and recognised, others are not. */
    (void)state;
    char path[4160];
    wg_error err = {0};
    assert_int_equal(wg_stripe_path("/d", 42, path, sizeof path, &err), WG_OK);
    assert_string_equal(path, "/d/00000000000000000042.arc1");
    static char longer[4200];
    memset(longer, 'x', sizeof longer - 1);
    assert_int_equal(wg_stripe_path(longer, 42, path, sizeof path, &err), WG_E_LIMIT);
    assert_int_equal(wg_stripe_path("/d", 42, path, 10, &err), WG_E_LIMIT);
    uint64_t id = 7;
    bool temporary = true;
    assert_true(wg_stripe_name_parse("00000000000000000042.arc1", &id, &temporary));
    assert_int_equal(id, 42);
    assert_false(temporary);
    assert_true(wg_stripe_name_parse("18446744073709551615.arc1.tmp", &id, &temporary));
    assert_int_equal(id, UINT64_MAX);
    assert_true(temporary);
    static const char *const others[] = {"",
                                         "0000000000000000042.arc1",
                                         "000000000000000000042.arc1",
                                         "00000000000000000042.arc",
                                         "00000000000000000042.arc1.tmp2",
                                         "0000000000000000004x.arc1",
                                         "18446744073709551616.arc1",
                                         "28446744073709551615.arc1",
                                         "99999999999999999999.arc1"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(wg_stripe_name_parse(others[i], &id, &temporary));
}

static void test_stripe_refuses_what_passes_its_capacity(void **state) {
    /* Goal: CapacityExceeded changes nothing: the stripe is finished with what it had; a first fragment may be larger. */
    (void)state;
    wg_stripe_writer *w;
    wg_stripe_options o = options();
    o.capacity_bytes = 200000;
    uint64_t bytes = 0;
    assert_int_equal(wg_stripe_create(sim, "/s", 1, &o, &w, NULL), WG_OK);
    wg_code code = WG_OK;
    uint64_t slots = 0, before = 0;
    wg_error err = {0};
    while (code == WG_OK) {
        before = wg_stripe_bytes(w);
        code = add_rows(w, slots, ROWS, &err);
        if (code == WG_OK) slots++;
    }
    assert_int_equal(code, WG_E_CAPACITY);
    assert_non_null(strstr(err.message, "CapacityExceeded"));
    assert_int_equal(wg_stripe_bytes(w), before);
    assert_true(slots > 1);
    assert_int_equal(add_rows(w, slots, 1, NULL), WG_OK); /* a small one fits still */
    assert_int_equal(wg_stripe_finish(w, &bytes, NULL), WG_OK);
    assert_true(bytes <= o.capacity_bytes);
    wg_stripe *s;
    assert_int_equal(open_stripe(sim, 1, &s, NULL), WG_OK);
    assert_int_equal(wg_stripe_fragment_count(s), slots + 1);
    assert_int_equal(wg_stripe_file_bytes(s), bytes);
    assert_int_equal(wg_stripe_id(s), 1);
    assert_int_equal(wg_stripe_check(s, NULL), WG_OK);
    wg_stripe_close(s);
    o.capacity_bytes = 100;
    assert_int_equal(wg_stripe_create(sim, "/s", 2, &o, &w, NULL), WG_OK);
    assert_int_equal(add_rows(w, 0, ROWS, NULL), WG_OK);
    assert_int_equal(add_rows(w, 1, 1, NULL), WG_E_CAPACITY);
    assert_int_equal(wg_stripe_finish(w, &bytes, NULL), WG_OK);
    assert_true(bytes > 40000);
}

static void test_stripe_refuses_disorder_and_excess(void **state) {
    /* Goal: keys and column ids ascend, limits hold, types that have no cells are refused; the writer goes on afterwards. */
    (void)state;
    wg_stripe_writer *w;
    wg_stripe_options o = options();
    uint64_t bytes;
    assert_int_equal(wg_stripe_create(sim, "/s", 1, &o, &w, NULL), WG_OK);
    assert_int_equal(add_rows(w, 5, 3, NULL), WG_OK);
    assert_int_equal(add_rows(w, 5, 3, NULL), WG_E_MISUSE);
    assert_int_equal(add_rows(w, 4, 3, NULL), WG_E_MISUSE);
    wg_fragment_head head = {.key = {.kind = WG_KIND_ROWS, .slot = 6}, .row_count = 1};
    wg_stripe_column columns[] = {{1, {.type = WG_TYPE_INT, .data = numbers}},
                                  {1, {.type = WG_TYPE_INT, .data = numbers}}};
    assert_int_equal(wg_stripe_add(w, &head, columns, 2, NULL), WG_E_MISUSE);
    static const wg_type refused[] = {WG_TYPE_NULL, WG_TYPE_TIME, WG_TYPE_LIST, WG_TYPE_EDGE, WG_TYPE_PATH};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        columns[0].vector.type = refused[i];
        assert_int_equal(wg_stripe_add(w, &head, columns, 1, NULL), WG_E_MISUSE);
    }
    wg_value node = {.type = WG_TYPE_NODE};
    columns[0].vector = (wg_vector){.type = WG_TYPE_ANY, .data = &node};
    wg_error err = {0};
    assert_int_equal(wg_stripe_add(w, &head, columns, 1, &err), WG_E_MISUSE);
    assert_non_null(strstr(err.message, "NODE"));
    head.row_count = WG_FRAGMENT_ROWS_MAX + 1;
    assert_int_equal(wg_stripe_add(w, &head, columns, 1, NULL), WG_E_LIMIT);
    head.row_count = 1;
    assert_int_equal(wg_stripe_add(w, &head, columns, WG_FRAGMENT_COLUMNS_MAX + 1, NULL), WG_E_LIMIT);
    assert_int_equal(add_rows(w, 6, 3, NULL), WG_OK);
    assert_int_equal(wg_stripe_finish(w, &bytes, NULL), WG_OK);
    wg_stripe *s;
    assert_int_equal(open_stripe(sim, 1, &s, NULL), WG_OK);
    assert_int_equal(wg_stripe_fragment_count(s), 2);
    assert_int_equal(wg_stripe_check(s, NULL), WG_OK);
    wg_stripe_close(s);
}

static void test_stripe_keys_are_ordered_by_all_parts(void **state) {
    /* Goal: the comparison looks at kind, owner, run, slot, part in this order. */
    (void)state;
    const wg_fragment_key keys[] = {{1, 9, 9, 9, 9}, {2, 1, 9, 9, 9}, {2, 2, 1, 9, 9},
                                    {2, 2, 2, 1, 9}, {2, 2, 2, 2, 1}, {2, 2, 2, 2, 2}};
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 6; k++) {
            const int order = wg_fragment_key_compare(&keys[i], &keys[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
}

/* Writes stripe 1 with three fragments; the code that ended it. */
static wg_code write_three(wg_platform *p, wg_error *err) {
    wg_stripe_writer *w;
    const wg_stripe_options o = options();
    uint64_t bytes = 0;
    WG_TRY(wg_stripe_create(p, "/s", 1, &o, &w, err));
    for (uint64_t slot = 0; slot < 30; slot++) {
        const wg_code code = add_rows(w, slot, ROWS, err);
        if (code == WG_OK) continue;
        if (slot % 2 == 0) { /* both ways to end */
            assert_int_not_equal(wg_stripe_finish(w, &bytes, NULL), WG_OK);
        } else {
            wg_stripe_abort(w);
        }
        return code;
    }
    const wg_code code = wg_stripe_finish(w, &bytes, err);
    assert_true((code == WG_OK) == (bytes != 0));
    return code;
}

static void test_stripe_failures_leave_no_file(void **state) {
    /* Goal: P7: whatever call fails, and however, the error is typed and nothing is left in the directory. */
    (void)state;
    static const wg_fault_kind kinds[] = {WG_FAULT_ENOSPC, WG_FAULT_EIO, WG_FAULT_SHORT_WRITE};
    for (size_t k = 0; k < 3; k++)
        for (uint64_t n = 1;; n++) {
            wg_error err = {0};
            wg_platform_fault_arm(fault, n, kinds[k], false);
            const wg_code code = write_three(fault, &err);
            wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
            if (code == WG_OK) {
                assert_true(n > 5);
                assert_int_equal(file_count(), 1);
                assert_int_equal(sim->ops->unlink(sim, "/s/00000000000000000001.arc1", NULL), WG_OK);
                break;
            }
            assert_int_equal(code, WG_E_IO);
            assert_int_not_equal(err.sys_errno, 0);
            assert_int_equal(file_count(), 0);
        }
}

static void test_stripe_add_after_a_failed_write_fails(void **state) {
    /* Goal: a writer whose write failed takes nothing more, and finish removes the file. */
    (void)state;
    wg_stripe_writer *w;
    const wg_stripe_options o = options();
    uint64_t bytes = 77, slot = 0;
    assert_int_equal(wg_stripe_create(fault, "/s", 1, &o, &w, NULL), WG_OK);
    wg_platform_fault_arm(fault, 1, WG_FAULT_ENOSPC, false);
    while (add_rows(w, slot, ROWS, NULL) == WG_OK) slot++;
    wg_error err = {0};
    assert_int_equal(add_rows(w, slot + 1, 1, &err), WG_E_IO);
    assert_non_null(strstr(err.message, "abort"));
    assert_int_equal(wg_stripe_finish(w, &bytes, NULL), WG_E_IO);
    assert_int_equal(bytes, 77);
    assert_int_equal(file_count(), 0);
    wg_stripe_abort(NULL);
}

static void test_stripe_replaces_a_torn_temporary_file(void **state) {
    /* Goal: what a crash left under the temporary name is replaced; an unfinished file is no stripe. */
    (void)state;
    wg_stripe_writer *w;
    const wg_stripe_options o = options();
    wg_file *file;
    assert_int_equal(sim->ops->open(sim, "/s/00000000000000000001.arc1.tmp", WG_OPEN_CREATE_NEW, &file, NULL), WG_OK);
    assert_int_equal(sim->ops->write_at(sim, file, 0, numbers, sizeof numbers, NULL), WG_OK);
    sim->ops->close(sim, file);
    assert_int_equal(write_three(sim, NULL), WG_OK);
    assert_int_equal(file_count(), 1);
    wg_stripe *s;
    assert_int_equal(open_stripe(sim, 1, &s, NULL), WG_OK);
    assert_int_equal(wg_stripe_check(s, NULL), WG_OK);
    wg_stripe_close(s);
    assert_int_equal(wg_stripe_create(sim, "/none", 1, &o, &w, NULL), WG_E_NOT_FOUND);
    assert_int_equal(wg_stripe_create(sim, "/s", 2, &o, &w, NULL), WG_OK);
    assert_int_equal(add_rows(w, 0, ROWS, NULL), WG_OK);
    assert_int_equal(open_stripe(sim, 2, &s, NULL), WG_E_NOT_FOUND);
    wg_stripe_abort(w);
    assert_int_equal(file_count(), 1);
}

static void test_stripe_create_refuses_what_it_cannot_make(void **state) {
    /* Goal: a path that is too long, and a torn file that cannot be removed, are typed errors; nothing is left open. */
    (void)state;
    static char longer[4200];
    memset(longer, 'x', sizeof longer - 1);
    wg_stripe_writer *w;
    wg_stripe *s;
    wg_file *file;
    const wg_stripe_options o = options();
    assert_int_equal(wg_stripe_create(sim, longer, 1, &o, &w, NULL), WG_E_LIMIT);
    assert_int_equal(wg_stripe_open(sim, longer, 1, uuid, NULL, NULL, &s, NULL), WG_E_LIMIT);
    assert_int_equal(sim->ops->open(sim, "/s/00000000000000000001.arc1.tmp", WG_OPEN_CREATE_NEW, &file, NULL), WG_OK);
    sim->ops->close(sim, file);
    wg_platform_fault_arm(fault, 2, WG_FAULT_EACCES, false);
    assert_int_equal(wg_stripe_create(fault, "/s", 1, &o, &w, NULL), WG_E_IO);
    wg_platform_fault_arm(fault, 3, WG_FAULT_EMFILE, false);
    assert_int_equal(wg_stripe_create(fault, "/s", 1, &o, &w, NULL), WG_E_IO);
    wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
    wg_stripe_close(NULL);
}

static void test_stripe_writes_a_fragment_of_many_megabytes(void **state) {
    /* Goal: a fragment far above the buffer is one fragment, and memory is given back behind it. */
    (void)state;
    static char bytes[1 << 20];
    wg_str large[18];
    for (uint32_t i = 0; i < 18; i++) large[i] = (wg_str){bytes, sizeof bytes - i};
    wg_stripe_options o = options();
    wg_account account;
    wg_account_init(&account, NULL, 0);
    o.account = &account;
    wg_stripe_writer *w;
    uint64_t size;
    const wg_fragment_head head = {.key = {.kind = WG_KIND_ROWS}, .row_count = 18};
    const wg_stripe_column column = {1, {.type = WG_TYPE_BYTES, .data = large}};
    assert_int_equal(wg_stripe_create(sim, "/s", 1, &o, &w, NULL), WG_OK);
    assert_int_equal(wg_stripe_add(w, &head, &column, 1, NULL), WG_OK);
    assert_true(wg_account_bytes(&account) < 4 << 20);
    assert_int_equal(wg_stripe_bytes(w) >> 20, 18);
    assert_int_equal(add_rows(w, 1, 10, NULL), WG_OK);
    assert_int_equal(wg_stripe_finish(w, &size, NULL), WG_OK);
    wg_stripe *s;
    assert_int_equal(open_stripe(sim, 1, &s, NULL), WG_OK);
    assert_int_equal(wg_stripe_check(s, NULL), WG_OK);
    wg_stripe_close(s);
}

static void test_stripe_survives_every_crash_whole_or_not_at_all(void **state) {
    /* Goal: after finish the stripe survives every crash; before, no name of a stripe holds anything but a whole one. */
    (void)state;
    for (uint64_t n = 1; n < 40; n++) {
        wg_platform *disk;
        assert_int_equal(wg_platform_sim_create(n, &disk, NULL), WG_OK);
        assert_int_equal(disk->ops->make_directory(disk, "/s", NULL), WG_OK);
        assert_int_equal(disk->ops->sync_directory(disk, "/", NULL), WG_OK);
        wg_platform_sim_crash_at(disk, n);
        const bool finished = write_three(disk, NULL) == WG_OK;
        for (unsigned pattern = 0; pattern < WG_CRASH_PATTERN_COUNT; pattern++) {
            wg_platform *after;
            wg_stripe *s;
            assert_int_equal(wg_platform_sim_reboot(disk, (wg_crash_pattern)pattern, n, &after, NULL), WG_OK);
            const wg_code code = open_stripe(after, 1, &s, NULL);
            assert_true(code == WG_OK || (!finished && code == WG_E_NOT_FOUND));
            if (code == WG_OK) {
                assert_int_equal(wg_stripe_check(s, NULL), WG_OK);
                assert_int_equal(wg_stripe_fragment_count(s), 30);
                wg_stripe_close(s);
            }
            wg_platform_sim_destroy(after);
        }
        wg_platform_sim_destroy(disk);
        if (finished) return;
    }
    fail_msg("40 calls were not enough");
}

/* Writes and reads everything with all allocations counted. */
static wg_code write_and_read(wg_account *account, wg_error *err) {
    wg_stripe_options o = options();
    o.account = account;
    o.zstd = true;
    wg_stripe_writer *w;
    wg_stripe *s;
    uint64_t bytes;
    static const wg_value any[2] = {{.type = WG_TYPE_INT}, {.type = WG_TYPE_BOOL}};
    const wg_fragment_head head = {.key = {.kind = WG_KIND_ROWS, .slot = 9}, .row_count = 2};
    const wg_stripe_column column = {1, {.type = WG_TYPE_ANY, .data = any}};
    WG_TRY(wg_stripe_create(sim, "/s", 1, &o, &w, err));
    wg_code code = add_rows(w, 0, 700, err);
    if (code == WG_OK) code = wg_stripe_add(w, &head, &column, 1, err);
    if (code != WG_OK) {
        wg_stripe_abort(w);
        return code;
    }
    WG_TRY(wg_stripe_finish(w, &bytes, err));
    WG_TRY(wg_stripe_open(sim, "/s", 1, uuid, NULL, account, &s, err));
    code = wg_stripe_check(s, err);
    wg_arena arena;
    wg_value v;
    wg_arena_init(&arena, account);
    if (code == WG_OK) code = wg_fragment_cell(wg_stripe_fragment(s, 0), 1, 5, &arena, &v, err);
    uint64_t number;
    if (code == WG_OK) code = wg_fragment_u64(wg_stripe_fragment(s, 0), 0, 5, &number, err);
    wg_arena_deinit(&arena);
    wg_stripe_close(s);
    return code;
}

static void test_stripe_out_of_memory_anywhere_is_typed(void **state) {
    /* Goal: each allocation may fail: WG_E_NOMEM (or the sim's own), no leak, no file under a name while writing failed. */
    (void)state;
    wg_account account;
    wg_account_init(&account, NULL, 0);
    for (uint64_t n = 1;; n++) {
        wg_error err = {0};
        wg_memory_fail_at(n, false);
        const wg_code code = write_and_read(&account, &err);
        wg_memory_fail_at(0, false);
        assert_int_equal(wg_account_bytes(&account), 0);
        if (code == WG_OK) {
            assert_true(n > 20);
            break;
        }
        assert_int_equal(code, WG_E_NOMEM);
    }
}

static void test_stripe_bytes_are_a_function_of_the_input(void **state) {
    /* Goal: two writers given equal rows in vectors of different kinds write equal bytes; garbage in null cells does not count. */
    (void)state;
    wg_sha256 digests[2];
    for (uint32_t round = 0; round < 2; round++) {
        uint32_t codes[64];
        int64_t cells[64], flat[64];
        uint8_t valid[8] = {0x0f, 0xff, 0, 1, 2, 3, 4, 5};
        for (uint32_t i = 0; i < 64; i++) {
            codes[i] = 63 - i;
            cells[63 - i] = flat[i] = numbers[i];
            if (!wg_bit_get(valid, i)) flat[i] = round;
        }
        const wg_vector as_flat = {.type = WG_TYPE_INT, .valid = valid, .data = flat};
        const wg_vector as_dict = {.type = WG_TYPE_INT,
                                   .kind = WG_VECTOR_DICT,
                                   .valid = valid,
                                   .data = cells,
                                   .codes = codes,
                                   .dict_size = 64};
        const wg_stripe_column columns[] = {{1, round == 0 ? as_flat : as_dict},
                                            {2, {.type = WG_TYPE_INT, .kind = WG_VECTOR_CONST, .data = numbers}}};
        wg_stripe_writer *w;
        const wg_stripe_options o = options();
        const wg_fragment_head head = {.key = {.kind = WG_KIND_ROWS}, .row_count = 64};
        uint64_t bytes;
        assert_int_equal(wg_stripe_create(sim, "/s", 1, &o, &w, NULL), WG_OK);
        assert_int_equal(wg_stripe_add(w, &head, columns, 2, NULL), WG_OK);
        assert_int_equal(wg_stripe_finish(w, &bytes, NULL), WG_OK);
        wg_file *file;
        const void *map;
        assert_int_equal(sim->ops->open(sim, "/s/00000000000000000001.arc1", WG_OPEN_READ, &file, NULL), WG_OK);
        assert_int_equal(sim->ops->map(sim, file, bytes, &map, NULL), WG_OK);
        const wg_slice all = wg_slice_of(map, (size_t)bytes);
        wg_sha256_of(&all, 1, &digests[round]);
        sim->ops->unmap(sim, map, bytes);
        sim->ops->close(sim, file);
    }
    assert_memory_equal(digests[0].bytes, digests[1].bytes, 32);
    char hex[65];
    wg_sha256_hex(&digests[0], hex);
    assert_string_equal(hex, "9966fa316834bfd4ed9cd104b14b13562593dd73ab2522af80357c0a8dc6842d");
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_stripe_create_refuses_what_it_cannot_make),
        T(test_stripe_writes_a_fragment_of_many_megabytes),
        T(test_stripe_names_are_twenty_digits),
        T(test_stripe_refuses_what_passes_its_capacity),
        T(test_stripe_refuses_disorder_and_excess),
        T(test_stripe_keys_are_ordered_by_all_parts),
        T(test_stripe_failures_leave_no_file),
        T(test_stripe_add_after_a_failed_write_fails),
        T(test_stripe_replaces_a_torn_temporary_file),
        T(test_stripe_survives_every_crash_whole_or_not_at_all),
        T(test_stripe_out_of_memory_anywhere_is_typed),
        T(test_stripe_bytes_are_a_function_of_the_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
