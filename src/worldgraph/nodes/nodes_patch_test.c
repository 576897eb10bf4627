/* What scattered changes of stored rows cost, and that they change nothing else. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "worldgraph/nodes/test_store.h"

enum { SLOTS = 3, TOTAL = SLOTS * WG_FRAGMENT_ROWS, A_CHANGE = 4096 };

static wg_table *stored_table(store *s) {
    wg_table *table = NULL;
    STORE_OK(wg_table_create(false, s->epoch, &s->account, &table, err));
    for (uint64_t i = 0; i < TOTAL; i++) {
        const wg_row_head head = {.id = i, .begin = 1, .prev = WG_ROW_NONE};
        uint64_t row = 0;
        STORE_OK(wg_table_append(table, &head, NULL, &row, err));
    }
    STORE_OK(wg_table_set_end(table, 5000, 2, 2, err)); /* END is stored too */
    const wg_store_pass pass = store_begin(s, 0, 2, TOTAL);
    STORE_OK(wg_table_store(table, &pass, err));
    STORE_OK(store_commit(s, err));
    STORE_OK(store_adopt_table(s, table, 2, TOTAL, err));
    return table;
}

static uint64_t end_at(const wg_table *table, uint64_t row) {
    wg_row_head head;
    uint64_t end = 0;
    bool found = false;
    STORE_OK(wg_table_head(table, row, &head, &end, &found, err));
    assert_true(found);
    return end;
}

/* Goal: the first `end` in a mapped slot takes a few KiB of memory, not a number for each row; neighbours in the same page and rows of
 * others read as they are stored; the next checkpoint stores all, and the memory goes. */
static void test_an_end_in_a_mapped_slot_costs_little(void **state) {
    (void)state;
    static const uint64_t changed[] = {0, 5001, 16383, 16384, 40000};
    store s;
    store_open(&s);
    wg_table *table = stored_table(&s);
    wg_epoch_collect(s.epoch);
    const uint64_t before = wg_account_bytes(&s.account);
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++)
        STORE_OK(wg_table_set_end(table, changed[i], 3 + i, 3 + i, err));
    assert_in_range(wg_account_bytes(&s.account) - before, 1, A_CHANGE * sizeof changed / sizeof *changed);
    for (int stored = 0; stored < 2; stored++) {
        for (uint64_t row = 0; row < TOTAL; row++) {
            uint64_t expected = row == 5000 ? 2 : WG_LOGSEQ_NEVER;
            for (size_t i = 0; i < sizeof changed / sizeof *changed; i++)
                if (changed[i] == row) expected = 3 + i;
            assert_int_equal(end_at(table, row), expected);
        }
        const wg_store_pass pass = store_begin(&s, 2, 10, TOTAL);
        STORE_OK(wg_table_store(table, &pass, err));
        STORE_OK(store_commit(&s, err));
        STORE_OK(store_adopt_table(&s, table, 10, TOTAL, err));
    }
    wg_table_destroy(table);
    store_close(&s);
}

static wg_code no_version(void *ctx, bool is_edge, wg_row_address newest, uint64_t until, wg_row_address *out,
                          wg_error *err) {
    (void)ctx, (void)is_edge, (void)until, (void)err;
    *out = newest;
    return WG_OK;
}

static uint64_t address_of(const wg_directory *d, uint64_t id) {
    wg_row_address got = 0;
    STORE_OK(wg_directory_get(d, id, &got, err));
    return got;
}

static void directory_checkpoint(store *s, wg_directory *d, uint64_t since, uint64_t until) {
    const wg_store_pass pass = store_begin(s, since, until, TOTAL);
    STORE_OK(wg_directory_store(d, &pass, no_version, NULL, err));
    STORE_OK(store_commit(s, err));
    for (uint64_t slot = 0; slot < SLOTS; slot++)
        STORE_OK(wg_directory_adopt(d, store_find(s, WG_KIND_DIRECTORY, slot, 0), until, err));
}

/* Goal: the same of an address of a mapped chunk; what was set after a checkpoint stays when that checkpoint's chunk comes. */
static void test_an_address_in_a_mapped_chunk_costs_little(void **state) {
    (void)state;
    store s;
    wg_directory *d = NULL;
    uint64_t first = 0;
    store_open(&s);
    STORE_OK(wg_directory_create(s.epoch, &s.account, &d, err));
    STORE_OK(wg_directory_extend(d, TOTAL, &first, err));
    for (uint64_t id = 0; id < TOTAL; id++) STORE_OK(wg_directory_set(d, id, id * 3, 1, err));
    directory_checkpoint(&s, d, 0, 1);
    wg_epoch_collect(s.epoch);
    const uint64_t before = wg_account_bytes(&s.account);
    for (uint64_t slot = 0; slot < SLOTS; slot++)
        STORE_OK(wg_directory_set(d, slot * WG_FRAGMENT_ROWS + 700, 7 + slot, 2, err));
    assert_in_range(wg_account_bytes(&s.account) - before, 1, A_CHANGE * SLOTS);
    const wg_store_pass pass = store_begin(&s, 1, 2, TOTAL);
    STORE_OK(wg_directory_store(d, &pass, no_version, NULL, err));
    STORE_OK(store_commit(&s, err));
    STORE_OK(wg_directory_set(d, 701, 1000000, 3, err)); /* beside it */
    for (uint64_t slot = 0; slot < SLOTS; slot++)
        STORE_OK(wg_directory_adopt(d, store_find(&s, WG_KIND_DIRECTORY, slot, 0), 2, err));
    for (int again = 0; again < 2; again++) {
        for (uint64_t id = 0; id < TOTAL; id++) {
            const uint64_t slot = id / WG_FRAGMENT_ROWS;
            const uint64_t expected = id == 701 ? 1000000 : id % WG_FRAGMENT_ROWS == 700 ? 7 + slot : id * 3;
            assert_int_equal(address_of(d, id), expected);
        }
        directory_checkpoint(&s, d, 2, 3);
    }
    wg_epoch_collect(s.epoch);
    assert_in_range(wg_account_bytes(&s.account), 0, before + (UINT64_C(1) << 20)); /* stripes came, chunks did not */
    wg_directory_destroy(d);
    store_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_end_in_a_mapped_slot_costs_little),
        cmocka_unit_test(test_an_address_in_a_mapped_chunk_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
