/* Tests of looking up single cells: bounds equal those of a walk whatever the encoding and the shape of the numbers, runs of cells equal
 * the cells, and columns that are looked up have neither sums nor a codec in the way. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/core/test_seed.h"
#include "io/stripe/stripe_internal.h"

enum { ROWS = 5000 };

static wg_platform *sim;

static int setup(void **state) {
    (void)state;
    if (wg_platform_sim_create(7, &sim, NULL) != WG_OK) return 1;
    return sim->ops->make_directory(sim, "/s", NULL) == WG_OK ? 0 : 1;
}
static int teardown(void **state) {
    (void)state;
    wg_platform_sim_destroy(sim);
    return 0;
}

/* Writes one fragment of one NODE column as stripe 1 and opens it. */
static wg_stripe *stripe_of(const wg_stripe_options *options, uint32_t kind, uint32_t id, const uint64_t *cells,
                            uint32_t rows) {
    wg_stripe_writer *writer = NULL;
    wg_stripe *stripe = NULL;
    uint64_t bytes;
    const wg_fragment_head head = {.key = {.kind = kind}, .row_count = rows};
    const wg_stripe_column column = {id, {.type = WG_TYPE_NODE, .data = cells}};
    assert_int_equal(wg_stripe_create(sim, "/s", 1, options, &writer, NULL), WG_OK);
    assert_int_equal(wg_stripe_add(writer, &head, &column, 1, NULL), WG_OK);
    assert_int_equal(wg_stripe_finish(writer, &bytes, NULL), WG_OK);
    assert_int_equal(wg_stripe_open(sim, "/s", 1, options->store_uuid, NULL, NULL, &stripe, NULL), WG_OK);
    return stripe;
}

static uint32_t bound_walked(const uint64_t *cells, uint32_t rows, uint64_t value) {
    uint32_t row = 0;
    while (row < rows && cells[row] < value) row++;
    return row;
}

/* Ascending numbers of several shapes; the encodings follow from them. */
static void cells_fill(uint64_t *cells, uint32_t rows, uint32_t shape, wg_rng *rng) {
    uint64_t cell = 0;
    for (uint32_t i = 0; i < rows; i++) {
        switch (shape) {
            case 0:
                cell = 7;
                break; /* one number */
            case 1:
                cell = 100 + 3 * (uint64_t)i;
                break; /* a sequence */
            case 2:
                cell += 1 + wg_rng_below(rng, 9);
                break; /* nearly even */
            case 3:
                cell = UINT64_C(1) << (i * 63 / rows);
                break; /* steep */
            case 4:
                cell = i < rows / 2 ? i : UINT64_MAX - rows + i;
                break; /* a cliff */
            case 5:
                cell += wg_rng_below(rng, 40) == 0;
                break; /* long equal runs */
            case 6:
                cell += wg_rng_below(rng, UINT64_C(1) << 50);
                break; /* hashes */
            default:
                cell = i + 1 == rows ? UINT64_MAX : i / 2 + (i >> 8) * 1000;
                break;
        }
        cells[i] = cell;
    }
}

/* Goal: the bound is the first cell that is not below, for numbers of every shape and encoding, at, between and beyond the cells; runs
 * of cells are the cells. */
static void test_bounds_equal_those_of_a_walk(void **state) {
    (void)state;
    static uint64_t cells[ROWS];
    static uint64_t got[ROWS];
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(5));
    for (uint32_t shape = 0; shape < 8; shape++) {
        for (uint32_t variant = 0; variant < 6; variant++) {
            const uint32_t rows = variant < 3 ? ROWS : 1 + variant % 3;
            const wg_stripe_options options = {.plain = variant % 3 == 1, .zstd = variant % 3 == 2};
            cells_fill(cells, rows, shape, &rng);
            /* Variants 0 and 3 as a column of a table, which may have any encoding. */
            const bool any = variant % 3 == 0;
            wg_stripe *stripe =
                stripe_of(&options, any ? WG_KIND_ROWS : WG_KIND_KEYS, any ? 1 : WG_COLUMN_HASH, cells, rows);
            const wg_fragment *f = wg_stripe_fragment(stripe, 0);
            for (uint32_t n = 0; n < 400; n++) {
                uint64_t value = cells[wg_rng_below(&rng, rows)];
                if (n % 4 == 1) value--;
                if (n % 4 == 2) value++;
                if (n % 4 == 3)
                    value = n == 3 ? 0 : n == 7 ? UINT64_MAX : wg_rng_next(&rng) >> wg_rng_below(&rng, 64);
                uint32_t row = UINT32_MAX;
                assert_int_equal(wg_fragment_lower_bound(f, 0, value, &row, NULL), WG_OK);
                assert_int_equal(row, bound_walked(cells, rows, value));
                const uint32_t first = (uint32_t)wg_rng_below(&rng, rows);
                const uint32_t count = (uint32_t)wg_rng_below(&rng, wg_min_u64(rows - first, 50) + 1);
                assert_int_equal(wg_fragment_u64s(f, 0, first, count, got, NULL), WG_OK);
                assert_memory_equal(got, cells + first, count * sizeof *got);
            }
            assert_int_equal(wg_fragment_u64s(f, 0, 0, rows, got, NULL), WG_OK);
            assert_memory_equal(got, cells, rows * sizeof *got);
            wg_stripe_close(stripe);
        }
    }
}

/* Goal: columns that are looked up cell by cell are never DELTA and never compressed, others may be. */
static void test_look_up_columns_are_cheap_to_look_up(void **state) {
    (void)state;
    static uint64_t cells[ROWS];
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(6));
    cells_fill(cells, ROWS, 2, &rng);
    const struct {
        uint32_t kind;
        uint32_t id;
        bool point;
    } cases[] = {
        {WG_KIND_ROWS, 1, false},
        {WG_KIND_ROWS, WG_COLUMN_BEGIN, true},
        {WG_KIND_DIRECTORY, WG_COLUMN_ADDRESS, true},
        {WG_KIND_KEYS, WG_COLUMN_HASH, true},
        {WG_KIND_ADJACENCY, WG_COLUMN_OFFSET, true},
        {WG_KIND_CHAIN, WG_COLUMN_LOGSEQ, false},
    };
    const wg_stripe_options options = {.zstd = true};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wg_stripe *stripe = stripe_of(&options, cases[i].kind, cases[i].id, cells, ROWS);
        const wg_arc1_column *c = &stripe_fragment_of(wg_stripe_fragment(stripe, 0))->blocks[0].column;
        assert_int_equal(c->encoding == WG_ENCODING_DELTA, !cases[i].point);
        if (cases[i].point) assert_int_equal(c->codec, 0);
        wg_stripe_close(stripe);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bounds_equal_those_of_a_walk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_look_up_columns_are_cheap_to_look_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
