/* Tests of stored rows. The model is a second table that never leaves the heap: whatever is stored, adopted, ended, taken back or
 * appended, both must give the same rows at every snapshot. */
#include "base/core/test_seed.h"
#include "worldgraph/nodes/test_pair.h"

/* What is opened from the stripes must be as the table that wrote them. */
static void assert_reopens(const pair *p, uint64_t logseq) {
    pair again;
    pair_reopen(p, logseq, &again);
    assert_same(&again, logseq);
    wg_table_destroy(again.stored);
}

/* ---- tests */

/* Goal: rows of every type, with nulls, history, rolled-back rows, wide end points and columns that came later are the same
 * after they were stored and are read from the mapping, and in a table that is opened from there. */
static void test_stored_rows_equal_rows_in_the_heap(void **state) {
    (void)state;
    for (uint32_t variant = 0; variant < 6; variant++) {
        store s;
        pair p;
        store_open(&s);
        s.zstd = variant == 1;
        s.capacity = variant == 2 ? 200000 : 0;
        pair_open(&p, &s, variant % 2 == 1);
        const uint64_t every = variant < 3 ? 0 : variant == 3 ? 5 : 97;
        uint64_t logseq = 1;
        for (uint32_t c = 0; c < COLUMNS_MAX; c++) {
            pair_column(&p);
            pair_fill(&p, 4001, logseq++, every);
        }
        for (uint64_t row = 3; variant != 0 && row < 40000; row += 41) pair_end(&p, row, logseq, logseq);
        pair_checkpoint(&p, 0, logseq);
        assert_same(&p, logseq);
        assert_reopens(&p, logseq);
        pair_close(&p);
        store_close(&s);
    }
}

/* Goal: after a checkpoint, a second one with nothing new writes nothing; one with new ends writes them alone. */
static void test_a_checkpoint_writes_what_changed(void **state) {
    (void)state;
    store s;
    pair p;
    store_open(&s);
    pair_open(&p, &s, false);
    pair_column(&p);
    pair_fill(&p, 2 * WG_FRAGMENT_ROWS + 100, 1, 0);
    pair_checkpoint(&p, 0, 1);
    const uint32_t first = s.stripe_count;
    assert_true(first > 0);
    pair_checkpoint(&p, 1, 2);
    assert_int_equal(s.stripe_count, first);
    pair_end(&p, 5, 3, 3);
    pair_end(&p, WG_FRAGMENT_ROWS + 70, 3, 3);
    pair_end(&p, WG_FRAGMENT_ROWS + 70, WG_LOGSEQ_NEVER, 3);
    pair_end(&p, 2 * WG_FRAGMENT_ROWS + 7, 4, 4);
    pair_checkpoint(&p, 2, 4);
    assert_int_equal(s.stripe_count, first + 1);
    for (uint32_t i = 0; i < wg_stripe_fragment_count(s.stripes[first]); i++)
        assert_int_equal(wg_stripe_fragment(s.stripes[first], i)->head.key.part, 1);
    assert_same(&p, 4);
    assert_reopens(&p, 4);
    /* New rows in the tail: it is written whole, and its older ends no longer count. */
    pair_fill(&p, 50, 5, 0);
    pair_end(&p, 2 * WG_FRAGMENT_ROWS + 8, 5, 5);
    pair_checkpoint(&p, 4, 5);
    assert_int_equal(s.stripe_count, first + 2);
    assert_int_equal(wg_stripe_fragment_count(s.stripes[first + 1]), 1);
    assert_int_equal(wg_stripe_fragment(s.stripes[first + 1], 0)->head.key.part, 0);
    assert_int_equal(wg_stripe_fragment(s.stripes[first + 1], 0)->head.row_count, 150);
    assert_same(&p, 5);
    assert_reopens(&p, 5);
    pair_close(&p);
    store_close(&s);
}

/* Goal: what happens between the capture and the adoption is neither stored nor lost: an end, an append to the tail, a
 * rollback, in slots that are in the heap and in slots that are mapped. */
static void test_changes_beside_a_checkpoint_are_kept(void **state) {
    (void)state;
    for (uint32_t is_edge = 0; is_edge < 2; is_edge++) {
        store s;
        pair p;
        store_open(&s);
        pair_open(&p, &s, is_edge == 1);
        for (uint32_t c = 0; c < COLUMNS_MAX; c++) pair_column(&p);
        pair_fill(&p, 2 * WG_FRAGMENT_ROWS + 500, 1, is_edge == 1 ? 13 : 0);
        uint64_t logseq = 1;
        for (uint32_t round = 0; round < 5; round++) {
            const uint64_t rows = wg_table_row_count(p.stored);
            pair_end(&p, 100 + round, logseq, logseq);
            /* captured here at `logseq` */
            pair_end(&p, 200 + round, logseq + 1, logseq + 1);
            if (round % 2 == 0) pair_fill(&p, 40, logseq + 1, 10);
            pair_end(&p, rows - 1, logseq + 1, logseq + 1);
            pair_store(&p, logseq - 1, logseq, rows);
            pair_end(&p, WG_FRAGMENT_ROWS + 300 + round, logseq + 1, logseq + 1);
            pair_end(&p, WG_FRAGMENT_ROWS + 400 + round, logseq + 1, logseq + 1);
            pair_end(&p, WG_FRAGMENT_ROWS + 400 + round, WG_LOGSEQ_NEVER, logseq + 1);
            STORE_OK(store_adopt_table(&s, p.stored, logseq, rows, err));
            logseq++;
            assert_same(&p, logseq);
        }
        pair_checkpoint(&p, logseq - 1, logseq);
        pair_checkpoint(&p, logseq, logseq + 1);
        assert_same(&p, logseq);
        assert_reopens(&p, logseq);
        pair_close(&p);
        store_close(&s);
    }
}

/* Goal: a checkpoint that was written but never adopted (it failed later) changes nothing; the next one has it all. */
static void test_a_checkpoint_that_fails_is_made_up_for(void **state) {
    (void)state;
    store s;
    pair p;
    store_open(&s);
    pair_open(&p, &s, false);
    pair_column(&p);
    pair_fill(&p, 20000, 1, 0);
    pair_end(&p, 17, 1, 1);
    const wg_store_pass pass = store_begin(&s, 0, 1, 20000);
    STORE_OK(wg_table_store(p.stored, &pass, err));
    wg_stripe_sink_abort(&s.sink);
    pair_end(&p, 18, 2, 2);
    pair_checkpoint(&p, 0, 2);
    assert_same(&p, 2);
    assert_reopens(&p, 2);
    pair_close(&p);
    store_close(&s);
}

/* Goal: seeded histories of appends, replacements, deletions, rollbacks, checkpoints and reopenings. */
static void test_random_histories_agree(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        store s;
        pair p;
        wg_rng rng;
        wg_rng_init(&rng, wg_test_seed(seed));
        store_open(&s);
        pair_open(&p, &s, seed % 2 == 0);
        pair_column(&p);
        uint64_t logseq = 0;
        uint64_t stored = 0;
        for (uint32_t step = 0; step < 120; step++) {
            logseq++;
            if (wg_rng_below(&rng, 12) == 0 && wg_table_column_count(p.heap) < COLUMNS_MAX) pair_column(&p);
            const bool undo = wg_rng_below(&rng, 6) == 0;
            const uint64_t old = wg_table_row_count(p.heap);
            pair_fill(&p, wg_rng_below(&rng, 900), logseq, undo ? 1 : 0);
            for (uint64_t n = wg_rng_below(&rng, 30); old > 0 && n > 0; n--) {
                const uint64_t row = wg_rng_below(&rng, old);
                wg_row_head head;
                uint64_t end = 0;
                bool found = false;
                STORE_OK(wg_table_head(p.heap, row, &head, &end, &found, err));
                if (head.begin == WG_LOGSEQ_NEVER || end != WG_LOGSEQ_NEVER) continue;
                pair_end(&p, row, logseq, logseq);
                if (undo) pair_end(&p, row, WG_LOGSEQ_NEVER, logseq);
                head.prev = WG_ROW_ADDRESS(3, row);
                head.begin = logseq;
                if (!undo) (void)pair_append(&p, &head, logseq);
            }
            if (undo) logseq--;
            if (wg_rng_below(&rng, 5) == 0 && logseq > stored) {
                pair_checkpoint(&p, stored, logseq);
                stored = logseq;
                if (step % 3 == 0) assert_reopens(&p, logseq);
            }
            if (step % 15 == 14) assert_same(&p, logseq);
        }
        pair_close(&p);
        store_close(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_rows_equal_rows_in_the_heap),
        cmocka_unit_test(test_a_checkpoint_writes_what_changed),
        cmocka_unit_test(test_changes_beside_a_checkpoint_are_kept),
        cmocka_unit_test(test_a_checkpoint_that_fails_is_made_up_for),
        cmocka_unit_test(test_random_histories_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
