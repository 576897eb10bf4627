/* Bit packing and the RLE / bit-packed hybrid of levels, dictionary codes and booleans.
 *
 *   run header   varint h
 *   h even       repeated run: h >> 1 values, the value follows in ceil(width / 8) bytes
 *   h odd        packed run: (h >> 1) groups of 8 values, width bytes a group, least significant bit first
 *
 * Unpacking works on groups of 8 values, one function a width, so that shifts and masks are constants; a group whose
 * 8-byte loads would leave the bytes is first copied to a padded buffer. Single values are only picked where a batch
 * begins or ends inside a group. With width 1 a packed run is a bitmap already and is copied as bits.
 *
 * Failure modes: bytes that end before the wanted values. A last packed run may be cut short by its writer: its values
 * count as far as its bytes go. */
#include "base/kernels/kernels.h"
#include "format/parquet/parquet_internal.h"

typedef void (*unpack_fn)(const uint8_t *in, uint32_t *out, size_t groups);

/* Up to 8 bits a value: one load a group. */
__attribute__((always_inline)) static inline void unpack_narrow(const uint8_t *in, uint32_t *out, size_t groups,
                                                                uint32_t width) {
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    for (size_t g = 0; g < groups; g++) {
        const uint64_t word = wg_load_u64le(in);
        for (uint32_t i = 0; i < 8; i++) out[i] = (uint32_t)((word >> (i * width)) & mask);
        in += width;
        out += 8;
    }
}

/* 9 bits and more: one load a value. */
__attribute__((always_inline)) static inline void unpack_wide(const uint8_t *in, uint32_t *out, size_t groups,
                                                              uint32_t width) {
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    for (size_t g = 0; g < groups; g++) {
        for (uint32_t i = 0; i < 8; i++) {
            const uint32_t bit = i * width;
            out[i] = (uint32_t)((wg_load_u64le(in + (bit >> 3)) >> (bit & 7)) & mask);
        }
        in += width;
        out += 8;
    }
}

#define UNPACK(how, w) \
    static void unpack_##w(const uint8_t *in, uint32_t *out, size_t groups) { how(in, out, groups, w); }
#define UNPACK_8(how, a, b, c, d, e, f, g, h) \
    UNPACK(how, a)                            \
    UNPACK(how, b) UNPACK(how, c) UNPACK(how, d) UNPACK(how, e) UNPACK(how, f) UNPACK(how, g) UNPACK(how, h)
UNPACK_8(unpack_narrow, 1, 2, 3, 4, 5, 6, 7, 8)
UNPACK_8(unpack_wide, 9, 10, 11, 12, 13, 14, 15, 16)
UNPACK_8(unpack_wide, 17, 18, 19, 20, 21, 22, 23, 24)
UNPACK_8(unpack_wide, 25, 26, 27, 28, 29, 30, 31, 32)

static const unpack_fn unpack_table[33] = {
    NULL,      unpack_1,  unpack_2,  unpack_3,  unpack_4,  unpack_5,  unpack_6,  unpack_7,  unpack_8,
    unpack_9,  unpack_10, unpack_11, unpack_12, unpack_13, unpack_14, unpack_15, unpack_16, unpack_17,
    unpack_18, unpack_19, unpack_20, unpack_21, unpack_22, unpack_23, unpack_24, unpack_25, unpack_26,
    unpack_27, unpack_28, unpack_29, unpack_30, unpack_31, unpack_32};

#if defined(__x86_64__)
#include <immintrin.h>

/* Eight values of up to 8 bits: their bits are spread to bytes in one instruction, then widened. Processors that have BMI2 only
 * slowly give the same values. */
__attribute__((target("avx2,bmi2"))) static void unpack_bytes(const uint8_t *in, uint32_t *out, size_t groups,
                                                              uint32_t width) {
    const uint64_t spread = ((UINT64_C(1) << width) - 1) * UINT64_C(0x0101010101010101);
    for (size_t g = 0; g < groups; g++) {
        const __m128i bytes = _mm_cvtsi64_si128((long long)_pdep_u64(wg_load_u64le(in), spread));
        _mm256_storeu_si256((__m256i *)(void *)(out + 8 * g), _mm256_cvtepu8_epi32(bytes));
        in += width;
    }
}

/* The same of 9 to 16 bits, four and four. */
__attribute__((target("avx2,bmi2"))) static void unpack_halves(const uint8_t *in, uint32_t *out, size_t groups,
                                                               uint32_t width) {
    const uint64_t spread = ((UINT64_C(1) << width) - 1) * UINT64_C(0x0001000100010001);
    const uint32_t half = width * 4;
    for (size_t g = 0; g < groups; g++) {
        const uint64_t low = _pdep_u64(wg_load_u64le(in), spread);
        const uint64_t high = _pdep_u64(wg_load_u64le(in + half / 8) >> (half & 7), spread);
        _mm256_storeu_si256((__m256i *)(void *)(out + 8 * g),
                            _mm256_cvtepu16_epi32(_mm_set_epi64x((long long)high, (long long)low)));
        in += width;
    }
}

static bool unpack_fast(const uint8_t *in, uint32_t *out, size_t groups, uint32_t width) {
    if (width > 16 || wg_kernels_best()->isa == WG_ISA_SCALAR || !__builtin_cpu_supports("bmi2")) return false;
    if (width <= 8) unpack_bytes(in, out, groups, width);
    else unpack_halves(in, out, groups, width);
    return true;
}
#else
static bool unpack_fast(const uint8_t *in, uint32_t *out, size_t groups, uint32_t width) {
    (void)in;
    (void)out;
    (void)groups;
    (void)width;
    return false;
}
#endif

enum { LOAD_SLACK = 8 }; /* how far a group's loads may pass its end */

/* One value anywhere, by bytes that are inside. */
static uint32_t unpack_one(wg_slice packed, uint32_t width, size_t index) {
    const uint64_t bit = (uint64_t)index * width;
    const size_t at = (size_t)(bit >> 3);
    uint64_t word = 0;
    memcpy(&word, packed.data + at, wg_min_size(8, packed.size - at));
    return (uint32_t)((word >> (bit & 7)) & ((UINT64_C(1) << width) - 1));
}

void wgi_parquet_unpack(wg_slice packed, uint32_t width, size_t first, uint32_t *out, size_t count) {
    WG_ASSERT(width <= 32);
    if (width == 0) {
        memset(out, 0, count * sizeof *out);
        return;
    }
    size_t i = 0;
    for (; i < count && (first + i) % 8 != 0; i++) out[i] = unpack_one(packed, width, first + i);
    const size_t groups = (count - i) / 8;
    const uint8_t *in = packed.data + (first + i) / 8 * width;
    const size_t left = packed.size - (size_t)(in - packed.data);
    const size_t safe = left < LOAD_SLACK ? 0 : wg_min_size(groups, (left - LOAD_SLACK) / width);
    if (!unpack_fast(in, out + i, safe, width)) unpack_table[width](in, out + i, safe);
    for (size_t g = safe; g < groups; g++) {
        uint8_t padded[32 + LOAD_SLACK] = {0};
        memcpy(padded, in + g * width, width);
        unpack_table[width](padded, out + i + 8 * g, 1);
    }
    for (i += groups * 8; i < count; i++) out[i] = unpack_one(packed, width, first + i);
}

void wgi_parquet_rle_init(wgi_parquet_rle *rle, wg_slice bytes, uint32_t width) {
    WG_ASSERT(width <= 32);
    memset(rle, 0, sizeof *rle);
    rle->pos = bytes.data;
    rle->end = bytes.size == 0 ? bytes.data : bytes.data + bytes.size;
    rle->width = width;
}

/* Opens the next run; false when there is none. */
static bool run_next(wgi_parquet_rle *rle) {
    wg_slice rest = wg_slice_of(rle->pos, (size_t)(rle->end - rle->pos));
    uint64_t head;
    if (!wg_varint_take(&rest, &head)) return false;
    if ((head & 1) == 0) {
        const size_t bytes = (rle->width + 7) / 8;
        if (rest.size < bytes) return false;
        uint32_t v = 0;
        if (bytes != 0) memcpy(&v, rest.data, bytes);
        if (rle->width < 32 && v >> rle->width != 0) return false;
        rle->run_left = head >> 1;
        rle->run_value = v;
        rle->pos = rest.data + bytes;
        return true;
    }
    const uint64_t groups = head >> 1;
    if (rle->width == 0) {
        rle->run_left = groups > UINT64_MAX / 8 ? UINT64_MAX : groups * 8;
        rle->run_value = 0;
        rle->pos = rest.data;
        return true;
    }
    const bool cut = groups > rest.size / rle->width;
    const size_t bytes = cut ? rest.size : (size_t)groups * rle->width;
    rle->packed = wg_slice_of(rest.data, bytes);
    rle->packed_next = 0;
    rle->packed_count = cut ? (uint64_t)bytes * 8 / rle->width : groups * 8;
    rle->pos = rest.data + bytes;
    return true;
}

bool wgi_parquet_rle_read(wgi_parquet_rle *rle, uint32_t *out, size_t count) {
    while (count > 0) {
        size_t n;
        if (rle->run_left > 0) {
            n = (size_t)wg_min_u64(rle->run_left, count);
            const uint32_t v = rle->run_value;
            for (size_t i = 0; i < n; i++) out[i] = v;
            rle->run_left -= n;
        } else if (rle->packed_next < rle->packed_count) {
            n = (size_t)wg_min_u64(rle->packed_count - rle->packed_next, count);
            wgi_parquet_unpack(rle->packed, rle->width, (size_t)rle->packed_next, out, n);
            rle->packed_next += n;
        } else {
            if (!run_next(rle)) return false;
            continue;
        }
        out += n;
        count -= n;
    }
    return true;
}

bool wgi_parquet_rle_repeats(wgi_parquet_rle *rle, uint64_t count, uint32_t *out) {
    while (rle->run_left == 0)
        if (rle->packed_next < rle->packed_count || !run_next(rle)) return false;
    *out = rle->run_value;
    return rle->run_left >= count;
}

bool wgi_parquet_rle_skip(wgi_parquet_rle *rle, uint64_t count) {
    while (count > 0) {
        if (rle->run_left > 0) {
            const uint64_t n = wg_min_u64(rle->run_left, count);
            rle->run_left -= n;
            count -= n;
        } else if (rle->packed_next < rle->packed_count) {
            const uint64_t n = wg_min_u64(rle->packed_count - rle->packed_next, count);
            rle->packed_next += n;
            count -= n;
        } else if (!run_next(rle)) {
            return false;
        }
    }
    return true;
}

static void bits_fill(uint8_t *out, size_t at, size_t count, bool v) {
    for (; count > 0 && at % 8 != 0; at++, count--) {
        if (v) wg_bit_set(out, at);
        else wg_bit_clear(out, at);
    }
    memset(out + at / 8, v ? 0xff : 0, count / 8);
    at += count & ~(size_t)7;
    for (size_t i = 0; i < (count & 7); i++) {
        if (v) wg_bit_set(out, at + i);
        else wg_bit_clear(out, at + i);
    }
}

/* Copies `count` bits; both sides may start inside a byte. */
static void bits_copy(uint8_t *out, size_t at, wg_slice from, size_t first, size_t count) {
    if (at % 8 == 0 && first % 8 == 0) {
        memcpy(out + at / 8, from.data + first / 8, wg_bit_bytes(count));
        return;
    }
    for (; count > 0 && at % 8 != 0; at++, first++, count--) {
        if (wg_bit_get(from.data, first)) wg_bit_set(out, at);
        else wg_bit_clear(out, at);
    }
    const size_t shift = first % 8;
    const size_t in = first / 8;
    for (size_t i = 0; i < wg_bit_bytes(count); i++) {
        const uint32_t low = from.data[in + i];
        const uint32_t high = in + i + 1 < from.size ? from.data[in + i + 1] : 0;
        out[at / 8 + i] = (uint8_t)((low | high << 8) >> shift);
    }
}

bool wgi_parquet_rle_read_bits(wgi_parquet_rle *rle, uint8_t *out, size_t count, size_t *out_ones) {
    WG_ASSERT(rle->width == 1);
    size_t at = 0;
    size_t ones = 0;
    while (at < count) {
        size_t n;
        if (rle->run_left > 0) {
            n = (size_t)wg_min_u64(rle->run_left, count - at);
            bits_fill(out, at, n, rle->run_value != 0);
            if (rle->run_value != 0) ones += n;
            rle->run_left -= n;
        } else if (rle->packed_next < rle->packed_count) {
            n = (size_t)wg_min_u64(rle->packed_count - rle->packed_next, count - at);
            const size_t first = (size_t)rle->packed_next;
            bits_copy(out, at, rle->packed, first, n);
            rle->packed_next += n;
            if (at % 8 == 0) ones += wg_bit_count(out + at / 8, n);
            else
                for (size_t i = 0; i < n; i++) ones += wg_bit_get(out, at + i);
        } else {
            if (!run_next(rle)) return false;
            continue;
        }
        at += n;
    }
    *out_ones = ones;
    return true;
}

/* ---- encoder */

static bool repeated_put(wg_buf *out, uint32_t value, size_t count, uint32_t width) {
    return wg_buf_append_varint(out, (uint64_t)count << 1) && wg_buf_append(out, &value, (width + 7) / 8);
}

/* `count` is padded with zeros to whole groups; only the last run of a stream may need it. */
static bool packed_put(wg_buf *out, const uint32_t *values, size_t count, uint32_t width) {
    const size_t groups = (count + 7) / 8;
    const size_t bytes = groups * width;
    if (!wg_buf_append_varint(out, (uint64_t)groups << 1 | 1) || !wg_buf_reserve(out, bytes)) return false;
    uint64_t word = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < groups * 8; i++) {
        word |= (uint64_t)(i < count ? values[i] : 0) << bits;
        bits += width;
        while (bits >= 8) {
            out->data[out->size++] = (uint8_t)word;
            word >>= 8;
            bits -= 8;
        }
    }
    WG_ASSERT(bits == 0);
    return true;
}

static size_t repeat_length(const uint32_t *values, size_t count) {
    size_t n = 1;
    while (n < count && values[n] == values[0]) n++;
    return n;
}

/* Repeats of 8 and more become repeated runs, what lies between them packed runs. A packed run in the middle holds whole
 * groups of 8, so it borrows the first values of the repeat behind it. */
bool wgi_parquet_rle_encode(wg_buf *out, const uint32_t *values, size_t count, uint32_t width) {
    WG_ASSERT(width <= 32);
    size_t begin = 0; /* of the packed values not yet written */
    size_t i = 0;
    while (i < count) {
        size_t n = repeat_length(values + i, count - i);
        const size_t borrow = (8 - (i - begin) % 8) % 8;
        if (n < borrow + 8) {
            i += n;
            continue;
        }
        i += borrow;
        n -= borrow;
        if (i > begin && !packed_put(out, values + begin, i - begin, width)) return false;
        if (!repeated_put(out, values[i], n, width)) return false;
        i += n;
        begin = i;
    }
    return begin == count || packed_put(out, values + begin, count - begin, width);
}
