/* For the tests of exec only: runs a plan with many limits of memory, which must not show in its rows. */
#ifndef WG_EXEC_TEST_LIMITS_H
#define WG_EXEC_TEST_LIMITS_H

#include "base/core/test_seed.h"
#include "exec/spill.h"
#include "exec/test_engine.h"

/* Every seventh row by its first slot, so that the answer is small and what is below it need not be in memory. */
static inline wg_plan *few(wg_plan *child) {
    return filter_plan(child, call("=", call("%", slot(1, WG_TYPE_INT), integer(7)), integer(3)));
}

static bool limits_quick; /* two runs a limit, of all numbers of threads in turn */

/* Runs in every configuration; *spilled counts the runs that wrote a file, *refused those that had too little memory. */
static inline void check_limits(const wg_plan *plan, const uint64_t *limits, uint32_t limit_count, uint32_t *spilled,
                                uint32_t *refused) {
    static const uint32_t threads[] = {1, 2, 5};
    static const uint32_t others[] = {3, 2, 8};
    static const uint32_t batches[] = {2048, 500};
    wg_buf expected;
    wg_buf_init(&expected, NULL);
    *spilled = *refused = 0;
    for (uint32_t l = 0; l < limit_count; l += wg_test_small() ? (limits_quick ? 2 : 3) : 1)
        for (uint32_t t = 0; t < (limits_quick || wg_test_small() ? 2 : 3); t++)
            for (uint32_t b = l % 2; b<2; b += t> 0 || limits_quick ? 2 : 1) {
                const uint32_t workers = limits_quick && t > 0 ? others[l % 3] : threads[t];
                wg_spill_counters counters = {0};
                wg_account account;
                wg_account_init(&account, &test_account, limits[l]);
                wg_exec_context context = context_with(workers, batches[b]);
                context.account = &account;
                context.spill = &counters;
                wg_rows *rows = NULL;
                wg_error err = {0};
                const wg_code code = wg_exec_run(plan, &context, &rows, &err);
                assert_int_equal(counters.bytes_now, 0);
                if (counters.files > 0) (*spilled)++;
                if (code != WG_OK) {
                    if (code != WG_E_LIMIT) fail_msg("%s", err.message);
                    assert_true(limits[l] != 0);
                    assert_non_null(strstr(err.message, "query_memory_bytes_max"));
                    (*refused)++;
                } else {
                    wg_buf bytes;
                    wg_buf_init(&bytes, NULL);
                    rows_bytes(rows, &bytes);
                    if (expected.size == 0) {
                        expected = bytes;
                    } else {
                        if (bytes.size != expected.size || memcmp(bytes.data, expected.data, bytes.size) != 0)
                            fail_msg("limit %u KiB, %u threads, batches of %u: other rows",
                                     (unsigned)(limits[l] >> 10), workers, batches[b]);
                        wg_buf_deinit(&bytes);
                    }
                }
                wg_rows_destroy(rows);
                assert_int_equal(wg_account_bytes(&account), 0);
            }
    wg_buf_deinit(&expected);
}

#endif
