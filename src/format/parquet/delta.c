/* DELTA_BINARY_PACKED: integers as differences, packed block by block.
 *
 *   header      varint values a block | varint miniblocks a block | varint value count | zigzag first value
 *   block       zigzag least delta | one byte a miniblock: its bit width | the miniblocks
 *   miniblock   values-per-miniblock packed differences (difference minus least delta)
 *
 * Values per miniblock are a multiple of 32, so unpacking goes 32 values at a time into a small buffer. Arithmetic wraps
 * (unsigned), as the format says. Miniblocks behind the last value are not stored, but their width bytes are.
 *
 * Failure modes: bytes that end early, widths over 64, block shapes that are not multiples of 128 and 32. */
#include "format/parquet/parquet_internal.h"

#include "base/kernels/kernels.h"

enum { BLOCK_VALUES_MAX = 1 << 20, MINIBLOCKS_MAX = 1 << 10, STEP = 32, KERNEL_WIDTH_MAX = 56 };

static uint64_t unzigzag(uint64_t u) { return (u >> 1) ^ (0 - (u & 1)); }

bool wgi_parquet_delta_init(wgi_parquet_delta *delta, wg_slice bytes) {
    uint64_t block_values;
    uint64_t miniblocks;
    uint64_t count;
    uint64_t first;
    if (!wg_varint_take(&bytes, &block_values) || !wg_varint_take(&bytes, &miniblocks) ||
        !wg_varint_take(&bytes, &count) || !wg_varint_take(&bytes, &first))
        return false;
    if (block_values == 0 || block_values > BLOCK_VALUES_MAX || block_values % 128 != 0) return false;
    if (miniblocks == 0 || miniblocks > MINIBLOCKS_MAX || block_values % miniblocks != 0) return false;
    if (block_values / miniblocks % STEP != 0) return false;
    memset(delta, 0, sizeof *delta);
    delta->pos = bytes.data;
    delta->end = bytes.data + bytes.size;
    delta->value_count = count;
    delta->values_left = count;
    delta->last = unzigzag(first);
    delta->first_pending = true;
    delta->miniblocks = (uint32_t)miniblocks;
    delta->miniblock_values = (uint32_t)(block_values / miniblocks);
    delta->miniblock_at = delta->miniblocks;
    return true;
}

static bool block_open(wgi_parquet_delta *d) {
    wg_slice rest = wg_slice_of(d->pos, (size_t)(d->end - d->pos));
    uint64_t least;
    wg_slice widths;
    if (!wg_varint_take(&rest, &least) || !wg_slice_take(&rest, d->miniblocks, &widths)) return false;
    d->min_delta = unzigzag(least);
    d->widths = widths.data;
    d->miniblock_at = 0;
    d->pos = rest.data;
    return true;
}

/* Moves to the next stored miniblock. */
static bool miniblock_open(wgi_parquet_delta *d) {
    if (d->miniblock_at == d->miniblocks && !block_open(d)) return false;
    d->width = d->widths[d->miniblock_at++];
    if (d->width > 64) return false;
    const size_t bytes = (size_t)d->miniblock_values / 8 * d->width;
    if ((size_t)(d->end - d->pos) < bytes) return false;
    d->packed = d->pos;
    d->packed_left = d->miniblock_values;
    d->pos += bytes;
    return true;
}

/* 32 packed values of 33..64 bits, bit by loaded word; the bytes of all 32 are inside. */
static void unpack_wide(const uint8_t *in, uint32_t width, uint64_t *out) {
    const size_t bytes = (size_t)STEP / 8 * width;
    const uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    for (uint32_t i = 0; i < STEP; i++) {
        const size_t bit = (size_t)i * width;
        const size_t at = bit >> 3;
        const uint32_t shift = bit & 7;
        uint64_t low = 0;
        memcpy(&low, in + at, wg_min_size(8, bytes - at));
        uint64_t v = low >> shift;
        if (shift != 0 && at + 8 < bytes) v |= (uint64_t)in[at + 8] << (64 - shift);
        out[i] = v & mask;
    }
}

static bool step_unpack(wgi_parquet_delta *d) {
    while (d->packed_left == 0)
        if (!miniblock_open(d)) return false;
    const size_t bytes = (size_t)STEP / 8 * d->width;
    if (d->width <= 32) {
        uint32_t narrow[STEP];
        /* The slice reaches to the end of the stream so that loads stay on the fast path. */
        wgi_parquet_unpack(wg_slice_of(d->packed, (size_t)(d->end - d->packed)), d->width, 0, narrow, STEP);
        for (uint32_t i = 0; i < STEP; i++) d->values[i] = narrow[i];
    } else if (d->width <= KERNEL_WIDTH_MAX && (size_t)(d->end - d->packed) >= bytes + 7) {
        wg_kernels_best()->unpack_u64(d->packed, d->width, 0, STEP, 0, d->values); /* looks 7 bytes further */
    } else {
        unpack_wide(d->packed, d->width, d->values);
    }
    d->packed += bytes;
    d->packed_left -= STEP;
    d->buffered_at = 0;
    d->buffered = STEP;
    return true;
}

bool wgi_parquet_delta_read(wgi_parquet_delta *d, int64_t *out, size_t count) {
    if (count > d->values_left) return false;
    d->values_left -= count;
    if (count > 0 && d->first_pending) {
        *out++ = wg_i64_of_u64(d->last);
        d->first_pending = false;
        count--;
    }
    while (count > 0) {
        if (d->buffered_at == d->buffered && !step_unpack(d)) return false;
        const size_t n = wg_min_size(count, d->buffered - d->buffered_at);
        const uint64_t *in = d->values + d->buffered_at;
        uint64_t last = d->last;
        for (size_t i = 0; i < n; i++) {
            last += in[i] + d->min_delta;
            out[i] = wg_i64_of_u64(last);
        }
        d->last = last;
        d->buffered_at += (uint32_t)n;
        out += n;
        count -= n;
    }
    return true;
}

size_t wgi_parquet_delta_bytes(wg_slice bytes) {
    wgi_parquet_delta d;
    if (!wgi_parquet_delta_init(&d, bytes)) return SIZE_MAX;
    uint64_t left = d.value_count == 0 ? 0 : d.value_count - 1;
    while (left > 0) {
        if (!miniblock_open(&d)) return SIZE_MAX;
        left -= wg_min_u64(left, d.miniblock_values);
    }
    return (size_t)(d.pos - bytes.data);
}
