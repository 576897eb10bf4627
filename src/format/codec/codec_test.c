/* Codecs: exact sizes or a typed refusal. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/core/test_seed.h"
#include "format/codec/codec.h"

static const wg_codec supported[] = {WG_CODEC_UNCOMPRESSED, WG_CODEC_SNAPPY, WG_CODEC_ZSTD};

static void bytes_make(uint8_t *out, size_t size, uint64_t seed) {
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(seed));
    for (size_t i = 0; i < size; i++) out[i] = (uint8_t)wg_rng_below(&rng, 7);
}

/* Goal: what goes in comes out, for every codec and for sizes around the empty one. */
static void test_codec_round_trips(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 63, 64, 65, 5000};
    uint8_t in[5000];
    uint8_t back[5000];
    bytes_make(in, sizeof in, 1);
    for (size_t c = 0; c < 3; c++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            wg_buf out = {0};
            wg_error err = {0};
            assert_int_equal(wg_codec_compress(supported[c], 0, wg_slice_of(in, sizes[s]), &out, &err), WG_OK);
            assert_int_equal(wg_codec_decompress(supported[c], wg_buf_slice(&out), back, sizes[s], &err), WG_OK);
            assert_memory_equal(in, back, sizes[s]);
            wg_buf_deinit(&out);
        }
    }
}

/* Goal: a declared size that is off by one in either direction is refused, never padded or cut. */
static void test_codec_refuses_other_sizes(void **state) {
    (void)state;
    uint8_t in[1000];
    uint8_t back[1001];
    bytes_make(in, sizeof in, 2);
    for (size_t c = 0; c < 3; c++) {
        wg_buf out = {0};
        assert_int_equal(wg_codec_compress(supported[c], 0, wg_slice_of(in, sizeof in), &out, NULL), WG_OK);
        assert_int_equal(wg_codec_decompress(supported[c], wg_buf_slice(&out), back, 999, NULL), WG_E_CORRUPT);
        assert_int_equal(wg_codec_decompress(supported[c], wg_buf_slice(&out), back, 1001, NULL), WG_E_CORRUPT);
        const wg_slice cut = wg_slice_of(out.data, out.size - 1);
        assert_int_equal(wg_codec_decompress(supported[c], cut, back, 1000, NULL), WG_E_CORRUPT);
        wg_buf_deinit(&out);
    }
}

/* Goal: one flipped bit anywhere in a zstd or snappy stream gives an error or other bytes of the right size, no crash. */
static void test_codec_survives_flipped_bits(void **state) {
    (void)state;
    uint8_t in[300];
    uint8_t back[300];
    bytes_make(in, sizeof in, 3);
    for (size_t c = 1; c < 3; c++) {
        wg_buf out = {0};
        size_t refused = 0;
        assert_int_equal(wg_codec_compress(supported[c], 0, wg_slice_of(in, sizeof in), &out, NULL), WG_OK);
        for (size_t bit = 0; bit < out.size * 8; bit++) {
            out.data[bit / 8] = (uint8_t)(out.data[bit / 8] ^ (1u << (bit % 8)));
            const wg_code code = wg_codec_decompress(supported[c], wg_buf_slice(&out), back, sizeof back, NULL);
            assert_true(code == WG_OK || code == WG_E_CORRUPT);
            refused += code != WG_OK;
            out.data[bit / 8] = (uint8_t)(out.data[bit / 8] ^ (1u << (bit % 8)));
        }
        assert_true(refused > 0);
        wg_buf_deinit(&out);
    }
}

/* Goal: codecs without a library are refused by name, both ways, and the query function agrees. */
static void test_codec_names_what_it_cannot_do(void **state) {
    (void)state;
    static const wg_codec others[] = {WG_CODEC_LZO, (wg_codec)8, (wg_codec)99};
    uint8_t byte = 0;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        wg_error err = {0};
        wg_buf out = {0};
        assert_false(wg_codec_supported(others[i]));
        assert_int_equal(wg_codec_decompress(others[i], wg_slice_of(&byte, 1), &byte, 1, &err), WG_E_UNSUPPORTED);
        assert_non_null(strstr(err.message, wg_codec_name(others[i])));
        assert_int_equal(wg_codec_compress(others[i], 0, wg_slice_of(&byte, 1), &out, NULL), WG_E_UNSUPPORTED);
        assert_int_equal(out.size, 0);
    }
    assert_string_equal(wg_codec_name((wg_codec)99), "?");
}

/* "hello" twice, as two gzip members with stored blocks. */
static const uint8_t gzip_member[] = {0x1f, 0x8b, 8,   0,   0,   0,   0,    0,    0,    3,    1, 5, 0, 0xfa,
                                      0xff, 'h',  'e', 'l', 'l', 'o', 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0};

/* Goal: gzip is read, one member or several, with its own checksum checked; and it is refused for writing. */
static void test_codec_reads_gzip_members(void **state) {
    (void)state;
    uint8_t two[2 * sizeof gzip_member];
    uint8_t out[11];
    memcpy(two, gzip_member, sizeof gzip_member);
    memcpy(two + sizeof gzip_member, gzip_member, sizeof gzip_member);
    const wg_slice one = wg_slice_of(two, sizeof gzip_member);
    const wg_slice both = wg_slice_of(two, sizeof two);
    assert_int_equal(wg_codec_decompress(WG_CODEC_GZIP, one, out, 5, NULL), WG_OK);
    assert_memory_equal(out, "hello", 5);
    assert_int_equal(wg_codec_decompress(WG_CODEC_GZIP, both, out, 10, NULL), WG_OK);
    assert_memory_equal(out, "hellohello", 10);
    assert_int_equal(wg_codec_decompress(WG_CODEC_GZIP, both, out, 9, NULL), WG_E_CORRUPT);
    assert_int_equal(wg_codec_decompress(WG_CODEC_GZIP, both, out, 11, NULL), WG_E_CORRUPT);
    for (size_t cut = 0; cut < sizeof gzip_member; cut++)
        assert_int_equal(wg_codec_decompress(WG_CODEC_GZIP, wg_slice_of(two, cut), out, 5, NULL), WG_E_CORRUPT);
    two[16] ^= 1; /* the content no longer fits its checksum */
    assert_int_equal(wg_codec_decompress(WG_CODEC_GZIP, one, out, 5, NULL), WG_E_CORRUPT);
    wg_buf packed = {0};
    assert_int_equal(wg_codec_compress(WG_CODEC_GZIP, 0, one, &packed, NULL), WG_E_UNSUPPORTED);
    assert_false(wg_codec_writable(WG_CODEC_GZIP));
}

/* "hellohello" as an LZ4 block of ten literals: a block this short has no match. */
static const uint8_t lz4_one[] = {0xa0, 'h', 'e', 'l', 'l', 'o', 'h', 'e', 'l', 'l', 'o'};
/* The same as a Brotli stream with a window of 22 bits, as its encoder writes it. */
static const uint8_t brotli_one[] = {0x1b, 0x09, 0, 0, 0x24, 0, 0x62, 0x90, 0x2a, 0xbc, 0xd3, 0};

/* Every cut, and every size but the right one, is refused. */
static void check_only(wg_codec codec, wg_slice bytes) {
    uint8_t out[12];
    assert_true(wg_codec_supported(codec));
    assert_false(wg_codec_writable(codec));
    assert_int_equal(wg_codec_decompress(codec, bytes, out, 10, NULL), WG_OK);
    assert_memory_equal(out, "hellohello", 10);
    assert_int_equal(wg_codec_decompress(codec, bytes, out, 9, NULL), WG_E_CORRUPT);
    assert_int_equal(wg_codec_decompress(codec, bytes, out, 11, NULL), WG_E_CORRUPT);
    for (size_t cut = 0; cut < bytes.size; cut++)
        assert_int_equal(wg_codec_decompress(codec, wg_slice_of(bytes.data, cut), out, 10, NULL), WG_E_CORRUPT);
    wg_buf packed = {0};
    assert_int_equal(wg_codec_compress(codec, 0, bytes, &packed, NULL), WG_E_UNSUPPORTED);
}

/* Goal: LZ4 is read as one block, and as Hadoop's frames where the codec has no RAW in its name; Brotli is read. */
static void test_codec_reads_lz4_and_brotli(void **state) {
    (void)state;
    uint8_t framed[8 + sizeof lz4_one] = {0, 0, 0, 10, 0, 0, 0, sizeof lz4_one};
    uint8_t out[10];
    memcpy(framed + 8, lz4_one, sizeof lz4_one);
    check_only(WG_CODEC_LZ4_RAW, wg_slice_of(lz4_one, sizeof lz4_one));
    check_only(WG_CODEC_LZ4, wg_slice_of(lz4_one, sizeof lz4_one));
    check_only(WG_CODEC_LZ4, wg_slice_of(framed, sizeof framed));
    check_only(WG_CODEC_BROTLI, wg_slice_of(brotli_one, sizeof brotli_one));
    assert_int_equal(wg_codec_decompress(WG_CODEC_LZ4_RAW, wg_slice_of(framed, sizeof framed), out, 10, NULL),
                     WG_E_CORRUPT);
    framed[3] = 11; /* a frame that promises another size */
    assert_int_equal(wg_codec_decompress(WG_CODEC_LZ4, wg_slice_of(framed, sizeof framed), out, 10, NULL),
                     WG_E_CORRUPT);
}

/* Goal: without memory compressing says so and appends nothing; a level that is asked for is used. */
static void test_compressing_without_memory(void **state) {
    (void)state;
    static const wg_codec codecs[] = {WG_CODEC_UNCOMPRESSED, WG_CODEC_SNAPPY, WG_CODEC_ZSTD};
    uint8_t text[3000];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(i * i % 40);
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++) {
        wg_buf out = {0};
        wg_memory_fail_at(1, true);
        const wg_code code = wg_codec_compress(codecs[c], 0, wg_slice_of(text, sizeof text), &out, NULL);
        wg_memory_fail_at(0, false);
        assert_int_equal(code, WG_E_NOMEM);
        assert_int_equal(out.size, 0);
        assert_int_equal(wg_codec_compress(codecs[c], 9, wg_slice_of(text, sizeof text), &out, NULL), WG_OK);
        uint8_t back[sizeof text];
        assert_int_equal(wg_codec_decompress(codecs[c], wg_buf_slice(&out), back, sizeof back, NULL), WG_OK);
        assert_memory_equal(back, text, sizeof text);
        wg_buf_deinit(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compressing_without_memory),    cmocka_unit_test(test_codec_round_trips),
        cmocka_unit_test(test_codec_refuses_other_sizes),     cmocka_unit_test(test_codec_survives_flipped_bits),
        cmocka_unit_test(test_codec_names_what_it_cannot_do), cmocka_unit_test(test_codec_reads_lz4_and_brotli),
        cmocka_unit_test(test_codec_reads_gzip_members)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
