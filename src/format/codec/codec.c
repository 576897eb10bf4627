/* Compression codecs: zstd by libzstd, snappy by libsnappy, uncompressed by memcpy; for reading gzip by ISA-L, LZ4 by liblz4, Brotli by
 * libbrotlidec.
 *
 * Decompression always knows the exact size that it must produce (the page header says it, and the caller has bounded
 * it), so each library writes straight into the caller's buffer and never chooses a size of its own: hostile bytes can
 * cost at most out_size bytes and the time to fill them. A result of any other size is WG_E_CORRUPT.
 *
 * LZ4_RAW is one block. LZ4, its forerunner, was never specified and means what its writers wrote: blocks behind two big-endian sizes, as
 * Hadoop frames them, or one bare block; the frames are tried first, and a bare block that happens to look like them does not come out at its
 * declared size.
 *
 * gzip is not written: ISA-L picks its matcher by processor, so its bytes would differ from machine to machine. */
#include "format/codec/codec.h"

#include <brotli/decode.h>
#include <isa-l/igzip_lib.h>
#include <lz4.h>
#include <snappy-c.h>
#include <zstd.h>

const char *wg_codec_name(wg_codec codec) {
    static const char *const names[] = {"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"};
    const size_t i = (size_t)codec;
    return i < sizeof names / sizeof names[0] ? names[i] : "?";
}

bool wg_codec_supported(wg_codec codec) {
    return wg_codec_writable(codec) || codec == WG_CODEC_GZIP || codec == WG_CODEC_BROTLI || codec == WG_CODEC_LZ4 ||
           codec == WG_CODEC_LZ4_RAW;
}

bool wg_codec_writable(wg_codec codec) {
    return codec == WG_CODEC_UNCOMPRESSED || codec == WG_CODEC_SNAPPY || codec == WG_CODEC_ZSTD;
}

static wg_code codec_refuse(wg_codec codec, wg_error *err) {
    return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                        "compression codec %s (%d) is not supported here; use ZSTD, SNAPPY or UNCOMPRESSED",
                        wg_codec_name(codec), (int)codec);
}

static wg_code zstd_decompress(wg_codec_state *state, wg_slice in, uint8_t *out, size_t out_size, wg_error *err) {
    if (state->zstd == NULL) state->zstd = ZSTD_createDCtx();
    if (state->zstd == NULL)
        return wg_error_set(err, WG_E_NOMEM, WG_NO_OFFSET, "out of memory: zstd context refused");
    const size_t n = ZSTD_decompressDCtx((ZSTD_DCtx *)state->zstd, out, out_size, in.data, in.size);
    if (ZSTD_isError(n)) return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "zstd: %s", ZSTD_getErrorName(n));
    if (n != out_size)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "zstd: %zu bytes came out, %zu were declared", n,
                            out_size);
    return WG_OK;
}

static wg_code snappy_decompress(wg_slice in, uint8_t *out, size_t out_size, wg_error *err) {
    const char *bytes = (const char *)in.data;
    size_t n = 0;
    if (in.size == 0 || snappy_uncompressed_length(bytes, in.size, &n) != SNAPPY_OK)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "snappy: no valid length in front of %zu bytes",
                            in.size);
    if (n != out_size)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "snappy: holds %zu bytes, %zu were declared", n,
                            out_size);
    if (snappy_uncompress(bytes, in.size, (char *)out, &n) != SNAPPY_OK || n != out_size)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "snappy: damaged stream of %zu bytes", in.size);
    return WG_OK;
}

static wg_code gzip_decompress(wg_codec_state *state, wg_slice in, uint8_t *out, size_t out_size, wg_error *err) {
    if (in.size > UINT32_MAX || out_size > UINT32_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "gzip: more than 4 GiB in one block");
    if (state->gzip == NULL) state->gzip = wg_alloc(NULL, sizeof(struct inflate_state));
    if (state->gzip == NULL) return wg_error_nomem(err, sizeof(struct inflate_state));
    struct inflate_state *s = state->gzip;
    isal_inflate_init(s);
    s->next_in = (uint8_t *)(uintptr_t)in.data; /* only read from */
    s->avail_in = (uint32_t)in.size;
    s->next_out = out;
    s->avail_out = (uint32_t)out_size;
    for (;;) { /* a stream may be several members, one behind the other; each pass ends one */
        s->crc_flag = ISAL_GZIP;
        if (isal_inflate(s) != ISAL_DECOMP_OK || s->block_state != ISAL_BLOCK_FINISH)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "gzip: damaged stream of %zu bytes", in.size);
        if (s->avail_in == 0) break;
        isal_inflate_reset(s);
    }
    if (s->avail_out != 0)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "gzip: %zu bytes came out, %zu were declared",
                            out_size - s->avail_out, out_size);
    return WG_OK;
}

/* ---- LZ4 */

static bool lz4_block(wg_slice in, uint8_t *out, size_t out_size) {
    if (in.size > LZ4_MAX_INPUT_SIZE || out_size > LZ4_MAX_INPUT_SIZE) return false;
    const int n = LZ4_decompress_safe((const char *)in.data, (char *)out, (int)in.size, (int)out_size);
    return n >= 0 && (size_t)n == out_size;
}

static uint32_t load_u32be(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

/* Frames of u32 decompressed bytes, u32 compressed bytes, one block. */
static bool lz4_frames(wg_slice in, uint8_t *out, size_t out_size) {
    while (in.size != 0) {
        wg_slice head;
        wg_slice block;
        if (!wg_slice_take(&in, 8, &head)) return false;
        const uint32_t size = load_u32be(head.data);
        if (size > out_size || !wg_slice_take(&in, load_u32be(head.data + 4), &block)) return false;
        if (!lz4_block(block, out, size)) return false;
        out += size;
        out_size -= size;
    }
    return out_size == 0;
}

static wg_code lz4_decompress(bool framed, wg_slice in, uint8_t *out, size_t out_size, wg_error *err) {
    if ((framed && lz4_frames(in, out, out_size)) || lz4_block(in, out, out_size)) return WG_OK;
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "lz4: damaged stream of %zu bytes, or not %zu when decoded",
                        in.size, out_size);
}

static wg_code brotli_decompress(wg_slice in, uint8_t *out, size_t out_size, wg_error *err) {
    size_t n = out_size;
    if (BrotliDecoderDecompress(in.size, in.data, &n, out) == BROTLI_DECODER_RESULT_SUCCESS && n == out_size)
        return WG_OK;
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                        "brotli: damaged stream of %zu bytes, or not %zu when decoded", in.size, out_size);
}

void wg_codec_state_deinit(wg_codec_state *state) {
    wg_free(state->gzip);
    state->gzip = NULL;
    ZSTD_freeDCtx((ZSTD_DCtx *)state->zstd); /* NULL is legal */
    state->zstd = NULL;
}

wg_code wg_codec_decompress_with(wg_codec_state *state, wg_codec codec, wg_slice in, uint8_t *out, size_t out_size,
                                 wg_error *err) {
    WG_ASSERT(out != NULL || out_size == 0);
    uint8_t nothing = 0;
    if (out == NULL) out = &nothing;
    if (codec == WG_CODEC_UNCOMPRESSED) {
        if (in.size != out_size)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "uncompressed: %zu bytes stored, %zu were declared",
                                in.size, out_size);
        if (out_size != 0) memcpy(out, in.data, out_size);
        return WG_OK;
    }
    if (codec == WG_CODEC_SNAPPY) return snappy_decompress(in, out, out_size, err);
    if (codec == WG_CODEC_GZIP) return gzip_decompress(state, in, out, out_size, err);
    if (codec == WG_CODEC_ZSTD) return zstd_decompress(state, in, out, out_size, err);
    if (codec == WG_CODEC_LZ4 || codec == WG_CODEC_LZ4_RAW)
        return lz4_decompress(codec == WG_CODEC_LZ4, in, out, out_size, err);
    if (codec == WG_CODEC_BROTLI) return brotli_decompress(in, out, out_size, err);
    return codec_refuse(codec, err);
}

wg_code wg_codec_decompress(wg_codec codec, wg_slice in, uint8_t *out, size_t out_size, wg_error *err) {
    wg_codec_state state = {0};
    const wg_code code = wg_codec_decompress_with(&state, codec, in, out, out_size, err);
    wg_codec_state_deinit(&state);
    return code;
}

static wg_code zstd_compress(int level, wg_slice in, wg_buf *out, wg_error *err) {
    const size_t bound = ZSTD_compressBound(in.size);
    if (ZSTD_isError(bound) || !wg_buf_reserve(out, bound)) return wg_error_nomem(err, bound);
    const int effective = level == 0 ? ZSTD_CLEVEL_DEFAULT : level;
    const size_t n = ZSTD_compress(out->data + out->size, bound, in.data, in.size, effective);
    /* The bound rules out a short buffer; what is left is the library's own allocation. */
    if (ZSTD_isError(n)) return wg_error_set(err, WG_E_NOMEM, WG_NO_OFFSET, "zstd: %s", ZSTD_getErrorName(n));
    out->size += n;
    return WG_OK;
}

wg_code wg_codec_compress(wg_codec codec, int level, wg_slice in, wg_buf *out, wg_error *err) {
    if (codec == WG_CODEC_UNCOMPRESSED)
        return wg_buf_append(out, in.data, in.size) ? WG_OK : wg_error_nomem(err, in.size);
    if (codec == WG_CODEC_ZSTD) return zstd_compress(level, in, out, err);
    if (codec != WG_CODEC_SNAPPY) return codec_refuse(codec, err);
    size_t n = snappy_max_compressed_length(in.size);
    if (!wg_buf_reserve(out, n)) return wg_error_nomem(err, n);
    const snappy_status status = snappy_compress((const char *)in.data, in.size, (char *)out->data + out->size, &n);
    WG_ASSERT(status == SNAPPY_OK); /* the only failure is a short buffer */
    out->size += n;
    return WG_OK;
}
