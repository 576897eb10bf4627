/* format/codec: compression codecs of foreign formats, by the libraries of each field (zstd, snappy, ISA-L, LZ4, Brotli). */
#ifndef WG_FORMAT_CODEC_H
#define WG_FORMAT_CODEC_H

#include "base/core/core.h"
#include "base/memory/memory.h"

/* Numbers are Parquet's CompressionCodec. */
typedef enum wg_codec {
    WG_CODEC_UNCOMPRESSED = 0,
    WG_CODEC_SNAPPY = 1,
    WG_CODEC_GZIP = 2,
    WG_CODEC_LZO = 3,
    WG_CODEC_BROTLI = 4,
    WG_CODEC_LZ4 = 5,
    WG_CODEC_ZSTD = 6,
    WG_CODEC_LZ4_RAW = 7
} wg_codec;

const char *wg_codec_name(wg_codec codec); /* "?" when unknown */
bool wg_codec_supported(wg_codec codec);   /* for reading */
bool wg_codec_writable(wg_codec codec);    /* for writing: the bytes are the same on every machine */

/* Decompresses exactly out_size bytes into `out`; anything else is WG_E_CORRUPT. WG_E_UNSUPPORTED names the codec. */
wg_code wg_codec_decompress(wg_codec codec, wg_slice in, uint8_t *out, size_t out_size, wg_error *err);
/* The same with state that is kept from call to call, so that a run of pages allocates once. Zero-initialised is valid; one
 * thread at a time. deinit frees it and leaves it zeroed. */
typedef struct wg_codec_state {
    void *zstd;
    void *gzip;
} wg_codec_state;
void wg_codec_state_deinit(wg_codec_state *state);
wg_code wg_codec_decompress_with(wg_codec_state *state, wg_codec codec, wg_slice in, uint8_t *out, size_t out_size,
                                 wg_error *err);
/* Appends the compressed form. level 0: the codec's default. */
wg_code wg_codec_compress(wg_codec codec, int level, wg_slice in, wg_buf *out, wg_error *err);

#endif
