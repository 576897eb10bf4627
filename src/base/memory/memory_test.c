/* Tests of accounts, blocks, arenas, growable buffers and varints. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/memory/memory.h"

static void test_account_charges_parent_and_refuses_over_limit(void **state) {
    /* Goal: a child's bytes count in its parent, either limit refuses, and a refused charge leaves both unchanged. */
    (void)state;
    wg_account parent;
    wg_account child;
    wg_account_init(&parent, NULL, 1000);
    wg_account_init(&child, &parent, 600);
    assert_true(wg_account_charge(&child, 500));
    assert_false(wg_account_refused(&child));
    assert_false(wg_account_charge(&child, 200));
    assert_true(wg_account_refused(&child));
    assert_false(wg_account_refused(&parent));
    assert_true(wg_account_charge(&parent, 450));
    assert_false(wg_account_charge(&child, 100));
    assert_int_equal(wg_account_bytes(&child), 500);
    assert_int_equal(wg_account_bytes(&parent), 950);
    wg_account_release(&child, 500);
    assert_int_equal(wg_account_bytes(&parent), 450);
    assert_int_equal(wg_account_peak(&parent), 950);
    assert_int_equal(wg_account_peak(&child), 500);
}

static void test_blocks_are_aligned_and_given_back(void **state) {
    /* Goal: every block is 64-byte aligned and the account is at zero once all are freed, through growth too. */
    (void)state;
    wg_account account;
    wg_account_init(&account, NULL, 0);
    for (size_t bytes = 0; bytes < 300; bytes += 37) {
        uint8_t *p = wg_alloc(&account, bytes);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        memset(p, 0xab, bytes);
        p = wg_realloc(&account, p, bytes * 10 + 1);
        for (size_t i = 0; i < bytes; i++) assert_int_equal(p[i], 0xab);
        wg_free(p);
    }
    wg_free(NULL);
    assert_int_equal(wg_account_bytes(&account), 0);
    assert_null(wg_alloc(&account, SIZE_MAX - 10));
}

static void test_refused_growth_keeps_the_block(void **state) {
    /* Goal: when the account refuses, the old block and its content stay. */
    (void)state;
    wg_account account;
    wg_account_init(&account, NULL, 1024);
    uint8_t *p = wg_alloc_zero(&account, 100);
    p[99] = 7;
    assert_null(wg_realloc(&account, p, 4096));
    assert_int_equal(p[99], 7);
    wg_free(p);
    assert_int_equal(wg_account_bytes(&account), 0);
}

static void test_fail_hook_fails_the_named_call(void **state) {
    /* Goal: the n-th allocation from now fails, once or from then on. */
    (void)state;
    wg_memory_fail_at(2, false);
    void *a = wg_alloc(NULL, 8);
    void *b = wg_alloc(NULL, 8);
    void *c = wg_alloc(NULL, 8);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    wg_memory_fail_at(1, true);
    assert_null(wg_alloc(NULL, 8));
    assert_null(wg_alloc(NULL, 8));
    wg_memory_fail_at(0, false);
    const uint64_t before = wg_memory_calls();
    wg_free(a);
    wg_free(c);
    wg_free(wg_alloc(NULL, 8));
    assert_int_equal(wg_memory_calls(), before + 1);
}

static void test_arena_keeps_everything_until_reset(void **state) {
    /* Goal: pieces of all sizes keep their content, reset reuses one block, deinit gives all back. */
    (void)state;
    wg_account account;
    wg_arena arena;
    uint8_t *pieces[200];
    wg_account_init(&account, NULL, 0);
    wg_arena_init(&arena, &account);
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = wg_arena_alloc(&arena, i * 13 + 1);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, i * 13 + 1);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i * 13 + 1; k++) assert_int_equal(pieces[i][k], i);
    assert_string_equal(wg_arena_strdup(&arena, wg_slice_of("hello!", 5)), "hello");
    assert_non_null(wg_arena_alloc_zero(&arena, 3 << 20));
    const uint64_t before = wg_account_bytes(&account);
    wg_arena_reset(&arena);
    assert_true(wg_account_bytes(&account) < before);
    assert_null(wg_arena_alloc(&arena, SIZE_MAX - 3));
    wg_arena_deinit(&arena);
    assert_int_equal(wg_account_bytes(&account), 0);
}

static void test_buffer_grows_and_survives_refusal(void **state) {
    /* Goal: appends add up; a refused append answers false and leaves what was there. */
    (void)state;
    wg_account account;
    wg_buf buf;
    wg_account_init(&account, NULL, 4096);
    wg_buf_init(&buf, &account);
    assert_true(wg_buf_printf(&buf, "%s-%d", "row", 7));
    assert_true(wg_buf_append_u32(&buf, 0x04030201) && wg_buf_append_u64(&buf, 5) && wg_buf_append_u8(&buf, 9));
    assert_int_equal(buf.size, 5 + 4 + 8 + 1);
    assert_memory_equal(buf.data, "row-7\x01\x02\x03\x04\x05\0\0\0\0\0\0\0\x09", 18);
    assert_false(wg_buf_reserve(&buf, 8192));
    assert_false(wg_buf_reserve(&buf, SIZE_MAX));
    assert_int_equal(buf.size, 18);
    wg_buf_deinit(&buf);
    assert_int_equal(wg_account_bytes(&account), 0);
}

static void test_varints_read_back_and_refuse_overflow(void **state) {
    /* Goal: every magnitude reads back from its bytes; cut and overlong input is refused and leaves the slice. */
    (void)state;
    wg_buf buf;
    wg_buf_init(&buf, NULL);
    for (unsigned shift = 0; shift < 64; shift++) {
        const uint64_t v = (UINT64_C(1) << shift) + shift;
        buf.size = 0;
        assert_true(wg_buf_append_varint(&buf, v));
        wg_slice from = wg_buf_slice(&buf);
        uint64_t got = 0;
        assert_true(wg_varint_take(&from, &got));
        assert_int_equal(got, v);
        assert_int_equal(from.size, 0);
        wg_slice cut = wg_slice_of(buf.data, buf.size - 1);
        assert_false(wg_varint_take(&cut, &got));
        assert_int_equal(cut.size, buf.size - 1);
    }
    wg_slice over = wg_slice_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    uint64_t got = 1;
    assert_false(wg_varint_take(&over, &got));
    over.data = (const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    assert_true(wg_varint_take(&over, &got));
    assert_true(got == UINT64_MAX);
    wg_buf_deinit(&buf);
}

/* Goal: an allocation of nothing is not a refusal, also as the first one of an arena. */
static void test_arena_gives_a_place_for_nothing(void **state) {
    (void)state;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    assert_non_null(wg_arena_alloc(&arena, 0));
    wg_arena_deinit(&arena);
    wg_arena_init(&arena, NULL);
    assert_non_null(wg_arena_copy(&arena, NULL, 0));
    assert_non_null(wg_arena_alloc(&arena, 0));
    wg_arena_deinit(&arena);
}

static size_t lent_bytes;
static void *lend(size_t bytes) {
    void *p = aligned_alloc(4096, bytes);
    if (p != NULL) memset(p, 0, bytes);
    lent_bytes += bytes;
    return p;
}
static void take_back(void *data, size_t bytes) {
    lent_bytes -= bytes;
    free(data);
}

/* Goal: large blocks come from the pages that were set, whole units of them, which are charged; they grow and shrink with their content, go
 * back where they came from, and those that were there before the source was set go back to malloc. */
static void test_large_blocks_come_from_the_pages_that_were_set(void **state) {
    (void)state;
    static const wg_memory_pages source = {1 << 20, lend, take_back};
    enum { LARGE = (9 << 20) + 5 };
    wg_account account;
    wg_account_init(&account, NULL, 0);
    uint8_t *before = wg_alloc(&account, LARGE);
    assert_non_null(before);
    wg_memory_set_pages(&source);
    uint8_t *large = wg_alloc_zero(&account, LARGE);
    uint8_t *small = wg_alloc_zero(&account, 1 << 20);
    assert_non_null(large);
    assert_non_null(small);
    assert_int_equal(lent_bytes, 10 << 20);
    assert_int_equal((uintptr_t)large % 64, 0);
    for (size_t i = 0; i < LARGE; i += 4093) assert_int_equal(large[i], 0);
    large[0] = 1;
    large[LARGE - 1] = 2;
    large = wg_realloc(&account, large, (size_t)LARGE * 3);
    assert_non_null(large);
    assert_int_equal(large[0], 1);
    assert_int_equal(large[LARGE - 1], 2);
    large = wg_realloc(&account, large, 100);
    assert_int_equal(large[0], 1);
    assert_int_equal(lent_bytes, 0);
    wg_free(before);
    wg_free(large);
    wg_free(small);
    assert_int_equal(wg_account_bytes(&account), 0);
    wg_account_init(&account, NULL, 9 << 20);
    assert_null(wg_alloc(&account, (9 << 20) - 10)); /* whole units are charged */
    assert_int_equal(lent_bytes, 0);
    wg_memory_set_pages(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_gives_a_place_for_nothing),
        cmocka_unit_test(test_large_blocks_come_from_the_pages_that_were_set),
        cmocka_unit_test(test_account_charges_parent_and_refuses_over_limit),
        cmocka_unit_test(test_blocks_are_aligned_and_given_back),
        cmocka_unit_test(test_refused_growth_keeps_the_block),
        cmocka_unit_test(test_fail_hook_fails_the_named_call),
        cmocka_unit_test(test_arena_keeps_everything_until_reset),
        cmocka_unit_test(test_buffer_grows_and_survives_refusal),
        cmocka_unit_test(test_varints_read_back_and_refuse_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
