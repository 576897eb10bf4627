/* Bit packing, run-length levels and delta streams against slow, obvious references. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/core/test_seed.h"
#include "format/parquet/parquet_internal.h"

static uint32_t bits_reference(const uint8_t *in, uint32_t width, size_t index) {
    uint32_t v = 0;
    for (uint32_t b = 0; b < width; b++) v |= (uint32_t)wg_bit_get(in, index * width + b) << b;
    return v;
}

/* Goal: every width, from every start and for every count across group borders, equals bit-by-bit reading, and nothing
 * behind the last byte is touched (the bytes end exactly; the sanitizer watches). */
static void test_unpack_equals_bit_by_bit(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(7));
    for (uint32_t width = 0; width <= 32; width++) {
        const size_t values = 80;
        const size_t bytes = values / 8 * width;
        uint8_t *in = wg_alloc(NULL, bytes + 1);
        for (size_t i = 0; i < bytes; i++) in[i] = (uint8_t)wg_rng_next(&rng);
        for (size_t first = 0; first < 20; first++) {
            for (size_t count = 0; count <= values - first; count += 3) {
                uint32_t out[80];
                wgi_parquet_unpack(wg_slice_of(in, bytes), width, first, out, count);
                for (size_t i = 0; i < count; i++) assert_int_equal(out[i], bits_reference(in, width, first + i));
            }
        }
        wg_free(in);
    }
}

static size_t random_values(wg_rng *rng, uint32_t width, uint32_t *out, size_t max) {
    const size_t count = (size_t)wg_rng_below(rng, max + 1);
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    for (size_t i = 0; i < count;) {
        const uint32_t v = (uint32_t)(wg_rng_next(rng) & mask);
        size_t run = wg_rng_below(rng, 3) == 0 ? 1 + (size_t)wg_rng_below(rng, 100) : 1;
        for (; run > 0 && i < count; run--) out[i++] = v;
    }
    return count;
}

/* Goal: encode then decode gives the same values for every width, read in pieces of any size and with skips. */
static void test_rle_round_trips_in_pieces(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(8));
    uint32_t values[1000];
    uint32_t back[1000];
    for (uint32_t round = 0; round < 500; round++) {
        const uint32_t width = round % 33;
        const size_t count = random_values(&rng, width, values, 1000);
        wg_buf buf = {0};
        assert_true(wgi_parquet_rle_encode(&buf, values, count, width));
        wgi_parquet_rle rle;
        wgi_parquet_rle_init(&rle, wg_buf_slice(&buf), width);
        for (size_t at = 0; at < count;) {
            const size_t n = 1 + (size_t)wg_rng_below(&rng, count - at);
            if (wg_rng_below(&rng, 3) == 0) {
                assert_true(wgi_parquet_rle_skip(&rle, n));
            } else {
                assert_true(wgi_parquet_rle_read(&rle, back, n));
                assert_memory_equal(back, values + at, n * 4);
            }
            at += n;
        }
        wg_buf_deinit(&buf);
    }
}

/* Goal: level runs read as bits equal the same runs read as values, at every alignment. */
static void test_rle_bits_equal_values(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(9));
    uint32_t values[2000];
    for (uint32_t round = 0; round < 300; round++) {
        const size_t count = random_values(&rng, 1, values, 2000);
        wg_buf buf = {0};
        assert_true(wgi_parquet_rle_encode(&buf, values, count, 1));
        wgi_parquet_rle rle;
        wgi_parquet_rle_init(&rle, wg_buf_slice(&buf), 1);
        for (size_t at = 0; at < count;) {
            const size_t n = 1 + (size_t)wg_rng_below(&rng, count - at);
            uint8_t bits[250];
            size_t ones = 0;
            size_t expected = 0;
            memset(bits, 0xaa, sizeof bits);
            assert_true(wgi_parquet_rle_read_bits(&rle, bits, n, &ones));
            for (size_t i = 0; i < n; i++) {
                assert_int_equal(wg_bit_get(bits, i), values[at + i]);
                expected += values[at + i];
            }
            assert_int_equal(ones, expected);
            at += n;
        }
        wg_buf_deinit(&buf);
    }
}

/* Goal: hand-made runs: a repeat, a packed run cut short by its writer, a zero-length run, width 0, and damage. */
static void test_rle_reads_hand_made_runs(void **state) {
    (void)state;
    wgi_parquet_rle rle;
    uint32_t out[16];
    const uint8_t mixed[] = {0x00, 0x05, 0x08, 0x05,
                             0x03, 0x88, 0xc6, 0xfa}; /* 0 x 5, 4 x 5, packed 0..7 at 3 bits */
    wgi_parquet_rle_init(&rle, wg_slice_of(mixed, sizeof mixed), 3);
    assert_true(wgi_parquet_rle_read(&rle, out, 12));
    const uint32_t wanted[] = {5, 5, 5, 5, 0, 1, 2, 3, 4, 5, 6, 7};
    assert_memory_equal(out, wanted, sizeof wanted);
    assert_false(wgi_parquet_rle_read(&rle, out, 1));

    wgi_parquet_rle_init(&rle, wg_slice_of(mixed + 4, 3), 3); /* 16 bits: 5 values */
    assert_true(wgi_parquet_rle_read(&rle, out, 5));
    assert_memory_equal(out, wanted + 4, 20);
    assert_false(wgi_parquet_rle_read(&rle, out, 1));

    const uint8_t zero[] = {0x58};
    wgi_parquet_rle_init(&rle, wg_slice_of(zero, 1), 0);
    assert_true(wgi_parquet_rle_read(&rle, out, 16));
    assert_int_equal(out[15], 0);

    const uint8_t wide[] = {0x08, 0x09}; /* 9 does not fit 3 bits */
    wgi_parquet_rle_init(&rle, wg_slice_of(wide, 2), 3);
    assert_false(wgi_parquet_rle_read(&rle, out, 1));
    const uint8_t no_value[] = {0x08};
    wgi_parquet_rle_init(&rle, wg_slice_of(no_value, 1), 3);
    assert_false(wgi_parquet_rle_read(&rle, out, 1));
    const uint8_t endless[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    wgi_parquet_rle_init(&rle, wg_slice_of(endless, sizeof endless), 3);
    assert_false(wgi_parquet_rle_read(&rle, out, 1));
}

/* ---- delta */

static void zigzag_put(wg_buf *out, uint64_t v) {
    assert_true(wg_buf_append_varint(out, (v << 1) ^ (0 - (v >> 63))));
}

static void miniblock_put(wg_buf *out, const uint64_t *deltas, size_t count, uint32_t width) {
    const size_t at = out->size;
    const size_t bytes = 4 * (size_t)width;
    assert_true(wg_buf_reserve(out, bytes));
    memset(out->data + at, 0, bytes);
    out->size += bytes;
    for (size_t i = 0; i < count; i++)
        for (uint32_t b = 0; b < width; b++)
            if (deltas[i] >> b & 1) wg_bit_set(out->data + at, i * width + b);
}

static uint32_t width_of(const uint64_t *v, size_t count) {
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++) all |= v[i];
    return all == 0 ? 0 : (uint32_t)(64 - __builtin_clzll(all));
}

/* A reference encoder: blocks of 128, miniblocks of 32. */
static void delta_encode(wg_buf *out, const uint64_t *v, size_t count) {
    assert_true(wg_buf_append_varint(out, 128) && wg_buf_append_varint(out, 4) && wg_buf_append_varint(out, count));
    zigzag_put(out, count == 0 ? 0 : v[0]);
    for (size_t at = 1; at < count; at += 128) {
        const size_t n = wg_min_size(128, count - at);
        uint64_t deltas[128] = {0};
        uint64_t least = v[at] - v[at - 1];
        for (size_t i = 0; i < n; i++) {
            const uint64_t d = v[at + i] - v[at + i - 1];
            if (wg_i64_of_u64(d) < wg_i64_of_u64(least)) least = d;
        }
        for (size_t i = 0; i < n; i++) deltas[i] = v[at + i] - v[at + i - 1] - least;
        zigzag_put(out, least);
        for (size_t m = 0; m < 4; m++) assert_true(wg_buf_append_u8(out, (uint8_t)width_of(deltas + 32 * m, 32)));
        for (size_t m = 0; m * 32 < n; m++) miniblock_put(out, deltas + 32 * m, 32, width_of(deltas + 32 * m, 32));
    }
}

/* Goal: delta streams of every bit width, count and wrap-around decode to what was encoded, in pieces; the header walk
 * finds their exact end; and cut anywhere they fail without reading past the end. */
static void test_delta_round_trips_and_refuses_cuts(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(10));
    static const size_t counts[] = {0, 1, 2, 32, 33, 34, 128, 129, 130, 500};
    for (uint32_t round = 0; round < 64 * 10; round++) {
        const uint32_t bits = round % 64 + 1;
        const size_t count = counts[round / 64];
        uint64_t values[500];
        int64_t back[500];
        for (size_t i = 0; i < count; i++) values[i] = wg_rng_next(&rng) >> (64 - bits);
        wg_buf buf = {0};
        delta_encode(&buf, values, count);
        assert_int_equal(wgi_parquet_delta_bytes(wg_buf_slice(&buf)), buf.size);
        wgi_parquet_delta d;
        assert_true(wgi_parquet_delta_init(&d, wg_buf_slice(&buf)));
        for (size_t at = 0; at < count;) {
            const size_t n = 1 + (size_t)wg_rng_below(&rng, count - at);
            assert_true(wgi_parquet_delta_read(&d, back + at, n));
            at += n;
        }
        assert_memory_equal(back, values, count * 8);
        assert_false(wgi_parquet_delta_read(&d, back, 1));
        for (size_t cut = 0; cut < buf.size; cut += 7) {
            uint8_t *copy = wg_alloc(NULL, cut + 1);
            memcpy(copy, buf.data, cut);
            const bool opened = wgi_parquet_delta_init(&d, wg_slice_of(copy, cut));
            assert_false(opened && wgi_parquet_delta_read(&d, back, count));
            assert_true(wgi_parquet_delta_bytes(wg_slice_of(copy, cut)) == SIZE_MAX);
            wg_free(copy);
        }
        wg_buf_deinit(&buf);
    }
}

/* Goal: block shapes that the format forbids, and widths over 64, are refused. */
static void test_delta_refuses_bad_headers(void **state) {
    (void)state;
    static const uint8_t bad[][6] = {{0x00, 0x04, 0x02, 0x00},
                                     {0x80, 0x01, 0x00, 0x02, 0x00},
                                     {0x81, 0x01, 0x04, 0x02, 0x00},
                                     {0x80, 0x01, 0x08, 0x02, 0x00},
                                     {0x80, 0x01, 0x03, 0x02, 0x00}};
    wgi_parquet_delta d;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(wgi_parquet_delta_init(&d, wg_slice_of(bad[i], sizeof bad[i])));
    uint8_t wide[1000] = {0x80, 0x01, 0x04, 0x02, 0x00, 0x00, 65, 0, 0, 0};
    int64_t out[2];
    assert_true(wgi_parquet_delta_init(&d, wg_slice_of(wide, sizeof wide)));
    assert_false(wgi_parquet_delta_read(&d, out, 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_unpack_equals_bit_by_bit),
                                       cmocka_unit_test(test_rle_round_trips_in_pieces),
                                       cmocka_unit_test(test_rle_bits_equal_values),
                                       cmocka_unit_test(test_rle_reads_hand_made_runs),
                                       cmocka_unit_test(test_delta_round_trips_and_refuses_cuts),
                                       cmocka_unit_test(test_delta_refuses_bad_headers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
