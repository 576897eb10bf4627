/* Fuzzes the reader of stripes: arbitrary bytes as a file, the checksums put right unless the last byte says no.
 *
 * Whatever the bytes are, open ends with success or a typed error; then the check, a dump and single cells do. When the check
 * passes, everything can be read and the dump is whole. */
#include "io/stripe/stripe.h"
#include "io/segment/test_repair.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool count_line(void *ctx, wg_slice line) {
    WG_ASSERT(line.size > 2 && line.data[0] == '{' && line.data[line.size - 1] == '}');
    ++*(uint64_t *)ctx;
    return true;
}

static bool is_refusal(wg_code code) { return code == WG_E_CORRUPT || code == WG_E_VERSION || code == WG_E_NOMEM; }

/* Some rows of a column by themselves; the same answer as in a run. */
static void read_rows(const wg_fragment *f, uint32_t column, bool whole) {
    wg_fragment_scratch scratch = {0};
    wg_arena arena;
    wg_error err = {0};
    wg_arena_init(&arena, NULL);
    const uint32_t rows = f->head.row_count;
    for (uint32_t row = 0; row < rows; row += 1 + rows / 5) {
        const uint32_t left = rows - row, count = left < 9 ? left : 9;
        wg_vector v;
        wg_value one;
        uint64_t number;
        uint32_t found;
        const wg_code run = wg_fragment_read(f, column, row, count, &scratch, &v, &err);
        const wg_code cell = wg_fragment_cell(f, column, row, &arena, &one, &err);
        WG_ASSERT(run == WG_OK ? true : is_refusal(run) && !whole);
        WG_ASSERT(cell == WG_OK ? true : is_refusal(cell) && !whole);
        if (run == WG_OK && cell == WG_OK) {
            const wg_value same = wg_vector_value(&v, 0);
            WG_ASSERT(same.type == one.type && same.size == one.size);
        }
        if (wg_fragment_u64(f, column, row, &number, &err) == WG_OK) {
            WG_ASSERT(wg_fragment_lower_bound(f, column, number, &found, &err) == WG_OK);
            WG_ASSERT(found <= rows);
        }
    }
    wg_fragment_scratch_deinit(&scratch);
    wg_arena_deinit(&arena);
}

/* A constant column says thousands of rows in 72 bytes, and reading them all takes the time of so many rows: fair for a user, too
 * long for a fuzzer. */
static bool is_small(const wg_stripe *s) {
    uint64_t cells = 0;
    for (uint32_t i = 0; i < wg_stripe_fragment_count(s); i++) {
        const wg_fragment *f = wg_stripe_fragment(s, i);
        cells += (uint64_t)f->head.row_count * f->column_count;
    }
    return cells < 1 << 18;
}

static void read_stripe(wg_stripe *s) {
    wg_error err = {0};
    if (!is_small(s)) return;
    const wg_code checked = wg_stripe_check(s, &err);
    WG_ASSERT(checked == WG_OK || is_refusal(checked));
    uint64_t lines = 0, expected = 1;
    for (uint32_t i = 0; i < wg_stripe_fragment_count(s); i++) {
        const wg_fragment *f = wg_stripe_fragment(s, i);
        expected += 1 + f->column_count;
        wg_fragment_prefetch(f, NULL, 0);
        for (uint32_t k = 0; k < f->column_count; k++) read_rows(f, k, checked == WG_OK);
    }
    const wg_code dumped = wg_stripe_dump(s, true, count_line, &lines, &err);
    WG_ASSERT(WG_IMPLIES(checked == WG_OK, dumped == WG_OK));
    WG_ASSERT(WG_IMPLIES(dumped == WG_OK, lines == expected));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < WG_ARC1_HEADER_BYTES || size > 1 << 20) return 0;
    uint8_t *bytes = wg_alloc(NULL, size);
    if (bytes == NULL) return 0;
    memcpy(bytes, data, size);
    if (data[size - 1] != 0xff) repair(bytes, size);
    wg_platform *sim;
    wg_file *file;
    char path[64];
    const uint64_t id = wg_load_u64le(bytes + ARC1_H_STRIPE);
    wg_error err = {0};
    WG_ASSERT(wg_platform_sim_create(1, &sim, NULL) == WG_OK);
    WG_ASSERT(wg_stripe_path("/", id, path, sizeof path, &err) == WG_OK);
    WG_ASSERT(sim->ops->open(sim, path, WG_OPEN_CREATE_NEW, &file, NULL) == WG_OK);
    WG_ASSERT(sim->ops->write_at(sim, file, 0, bytes, size, NULL) == WG_OK);
    sim->ops->close(sim, file);
    wg_account account;
    wg_account_init(&account, NULL, UINT64_C(256) << 20);
    wg_stripe *s;
    const wg_code code = wg_stripe_open(sim, "/", id, bytes + ARC1_H_UUID, NULL, &account, &s, &err);
    WG_ASSERT(code == WG_OK || is_refusal(code));
    if (code == WG_OK) {
        read_stripe(s);
        wg_stripe_close(s);
    }
    WG_ASSERT(wg_account_bytes(&account) == 0);
    wg_platform_sim_destroy(sim);
    wg_free(bytes);
    return 0;
}
