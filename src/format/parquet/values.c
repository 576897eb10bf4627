/* Value streams of pages: each encoding, decoded to dense cells (no gaps for nulls) of the engine's types.
 *
 * Decoding has two steps: an encoding-specific loop gives 64-bit integers, doubles, bytes or string views; then, for the
 * few column types that need it, one more loop over the batch (in cache) checks ranges or rescales timestamps. Columns
 * without a range to check pay nothing for it.
 *
 * Strings are views into the page. A batch of strings is checked to be UTF-8 at once: when no byte of the whole span has
 * its top bit set (lengths under 128 have none either), all of it is ASCII; only otherwise each value is checked.
 *
 * Failure modes, in v->problem: WG_E_CORRUPT for streams that end early, WG_E_VALUE for values that the engine's type cannot
 * hold, WG_E_UNSUPPORTED for encodings, WG_E_LIMIT for DELTA_BYTE_ARRAY pages that rebuild to more than 256 MiB. */
#include <math.h>

#include "base/kernels/kernels.h"
#include "base/text/text.h"
#include "format/parquet/parquet_internal.h"

enum { JULIAN_DAY_1970 = 2440588 };

bool wgi_parquet_scratch_ensure(wgi_parquet_scratch *scratch, size_t bytes) {
    if (bytes <= scratch->capacity) return true;
    wg_free(scratch->data);
    scratch->data = wg_alloc(scratch->account, bytes);
    scratch->capacity = scratch->data == NULL ? 0 : bytes;
    return scratch->data != NULL;
}

static bool problem(wgi_parquet_values *v, wg_code code, const char *what, size_t index) {
    v->problem = (wgi_parquet_problem){code, what, index};
    return false;
}

static bool corrupt(wgi_parquet_values *v, const char *what) { return problem(v, WG_E_CORRUPT, what, SIZE_MAX); }

void wgi_parquet_values_init(wgi_parquet_values *v, const wg_parquet_column *column, wg_account *account) {
    memset(v, 0, sizeof *v);
    v->column = column;
    v->strings[0].account = account;
    v->strings[1].account = account;
    v->lengths.account = account;
    v->boxes.account = account;
    v->parts[0].account = account;
    v->parts[1].account = account;
}

void wgi_parquet_values_reset(wgi_parquet_values *v) {
    const wgi_parquet_values old = *v;
    memset(v, 0, sizeof *v);
    v->column = old.column;
    memcpy(v->strings, old.strings, sizeof v->strings);
    v->lengths = old.lengths;
    v->boxes = old.boxes;
    memcpy(v->parts, old.parts, sizeof v->parts);
}

void wgi_parquet_values_deinit(wgi_parquet_values *v) {
    wg_free(v->strings[0].data);
    wg_free(v->strings[1].data);
    wg_free(v->lengths.data);
    wg_free(v->boxes.data);
    wg_free(v->parts[0].data);
    wg_free(v->parts[1].data);
    memset(v, 0, sizeof *v);
}

static size_t fixed_bytes(const wg_parquet_column *c) {
    switch ((wgi_parquet_physical)c->physical) {
        case WGI_PARQUET_INT32:
        case WGI_PARQUET_FLOAT:
            return 4;
        case WGI_PARQUET_INT96:
            return 12;
        case WGI_PARQUET_FIXED:
            return c->type_length;
        case WGI_PARQUET_BOOLEAN:
        case WGI_PARQUET_INT64:
        case WGI_PARQUET_DOUBLE:
        case WGI_PARQUET_BYTE_ARRAY:
            break;
    }
    return 8;
}

static bool is_blob(const wg_parquet_column *c) { return c->physical == WGI_PARQUET_FIXED; }

/* Bytes in the file that are cells of another type: decimals, half floats, intervals. */
static bool is_boxed(const wg_parquet_column *c) {
    const bool bytes = c->physical == WGI_PARQUET_FIXED || c->physical == WGI_PARQUET_BYTE_ARRAY;
    return bytes && c->type != WG_TYPE_BYTES && c->type != WG_TYPE_STRING;
}

/* Integers in the file that are floats. */
static bool is_scaled(const wg_parquet_column *c) { return c->is_decimal && c->type == WG_TYPE_FLOAT; }

/* Ticks in the file that are LOCAL_DATETIMEs of their own (exact_times). */
static bool is_moment(const wg_parquet_column *c) { return c->type == WG_TYPE_ANY; }

static bool is_integer(const wg_parquet_column *c) {
    return c->physical == WGI_PARQUET_INT32 || c->physical == WGI_PARQUET_INT64;
}

/* ---- opening */

static bool open_rle_bits(wgi_parquet_values *v, wg_slice bytes) {
    wg_slice head;
    wg_slice runs;
    if (bytes.size == 0) runs = bytes; /* a page of nulls */
    else if (!wg_slice_take(&bytes, 4, &head) || !wg_slice_take(&bytes, wg_load_u32le(head.data), &runs))
        return corrupt(v, "the run-length booleans are longer than the page");
    v->source = WGI_PARQUET_SOURCE_RLE_BITS;
    wgi_parquet_rle_init(&v->rle, runs, 1);
    return true;
}

static bool open_codes(wgi_parquet_values *v, wg_slice bytes) {
    v->source = WGI_PARQUET_SOURCE_CODES;
    wg_slice width = {0};
    if (!wg_slice_take(&bytes, 1, &width)) { /* a page of nulls */
        wgi_parquet_rle_init(&v->rle, bytes, 0);
        return true;
    }
    if (width.data[0] > 32) return corrupt(v, "dictionary codes are wider than 32 bits");
    wgi_parquet_rle_init(&v->rle, bytes, width.data[0]);
    return true;
}

static bool delta_open(wgi_parquet_delta *delta, wg_slice bytes) {
    if (bytes.size != 0) return wgi_parquet_delta_init(delta, bytes);
    memset(delta, 0, sizeof *delta); /* a page of nulls */
    return true;
}

/* Cuts one whole delta stream off the front. */
static bool delta_cut(wgi_parquet_delta *delta, wg_slice *bytes) {
    wg_slice stream;
    const size_t size = bytes->size == 0 ? 0 : wgi_parquet_delta_bytes(*bytes);
    return wg_slice_take(bytes, size, &stream) && delta_open(delta, stream);
}

static bool open_delta(wgi_parquet_values *v, int32_t encoding, wg_slice bytes) {
    bool ok;
    if (encoding == WGI_PARQUET_DELTA_BINARY_PACKED) {
        v->source = WGI_PARQUET_SOURCE_DELTA;
        ok = delta_open(&v->delta, bytes);
    } else if (encoding == WGI_PARQUET_DELTA_LENGTH_BYTE_ARRAY) {
        v->source = WGI_PARQUET_SOURCE_DELTA_LENGTH;
        ok = delta_cut(&v->delta, &bytes);
    } else {
        v->source = WGI_PARQUET_SOURCE_DELTA_BYTES;
        v->previous = wg_slice_of(NULL, 0);
        v->rebuilt_bytes = 0;
        ok = delta_cut(&v->delta, &bytes) && delta_cut(&v->suffix_delta, &bytes);
    }
    v->bytes = bytes;
    return ok ? true : corrupt(v, "a delta-encoded stream is damaged");
}

static bool open_plain(wgi_parquet_values *v, wg_slice bytes) {
    const int32_t physical = v->column->physical;
    v->bytes = bytes;
    v->next = 0;
    v->source = physical == WGI_PARQUET_BOOLEAN      ? WGI_PARQUET_SOURCE_PLAIN_BITS
                : physical == WGI_PARQUET_BYTE_ARRAY ? WGI_PARQUET_SOURCE_PLAIN_BYTES
                : is_blob(v->column)                 ? WGI_PARQUET_SOURCE_PLAIN_BLOBS
                                                     : WGI_PARQUET_SOURCE_PLAIN_FIXED;
    return true;
}

bool wgi_parquet_values_open(wgi_parquet_values *v, int32_t encoding, wg_slice bytes) {
    const wg_parquet_column *c = v->column;
    const bool is_bool = c->physical == WGI_PARQUET_BOOLEAN;
    const bool is_bytes = c->physical == WGI_PARQUET_BYTE_ARRAY;
    if (encoding == WGI_PARQUET_PLAIN) return open_plain(v, bytes);
    if (encoding == WGI_PARQUET_RLE && is_bool) return open_rle_bits(v, bytes);
    if ((encoding == WGI_PARQUET_PLAIN_DICTIONARY || encoding == WGI_PARQUET_RLE_DICTIONARY) && !is_bool)
        return open_codes(v, bytes);
    if (encoding == WGI_PARQUET_DELTA_BINARY_PACKED && is_integer(c)) return open_delta(v, encoding, bytes);
    if ((encoding == WGI_PARQUET_DELTA_LENGTH_BYTE_ARRAY || encoding == WGI_PARQUET_DELTA_BYTE_ARRAY) && is_bytes)
        return open_delta(v, encoding, bytes);
    if (encoding == WGI_PARQUET_DELTA_BYTE_ARRAY && is_blob(c)) return open_delta(v, encoding, bytes);
    const bool splits = !is_bool && !is_bytes && c->physical != WGI_PARQUET_INT96;
    if (encoding == WGI_PARQUET_BYTE_STREAM_SPLIT && splits) {
        if (bytes.size % fixed_bytes(c) != 0) return corrupt(v, "a split byte stream has a broken length");
        v->source = WGI_PARQUET_SOURCE_SPLIT;
        v->bytes = bytes;
        v->next = 0;
        v->count = bytes.size / fixed_bytes(c);
        return true;
    }
    return problem(v, WG_E_UNSUPPORTED, "its encoding is not supported for its type", SIZE_MAX);
}

/* ---- integers: checks and rescaling after decoding, over one batch */

static bool range_check(wgi_parquet_values *v, const int64_t *cells, size_t count, int64_t min, int64_t max) {
    bool ok = true;
    for (size_t i = 0; i < count; i++) ok &= cells[i] >= min && cells[i] <= max;
    if (ok) return true;
    for (size_t i = 0; i < count; i++)
        if (cells[i] < min || cells[i] > max)
            return problem(v, WG_E_VALUE, "an integer is out of its annotated range or over 2^63-1", i);
    WG_UNREACHABLE("the fast check saw a value out of range");
}

static bool millis_scale(wgi_parquet_values *v, int64_t *cells, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (__builtin_mul_overflow(cells[i], 1000, &cells[i]))
            return problem(v, WG_E_VALUE, "a timestamp in milliseconds does not fit microseconds", i);
    return true;
}

static bool nanos_scale(wgi_parquet_values *v, int64_t *cells, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const int64_t us = cells[i] / 1000;
        if (us * 1000 != cells[i])
            return problem(v, WG_E_VALUE,
                           "a timestamp in nanoseconds is no whole microsecond: a column of type ANY holds it", i);
        cells[i] = us;
    }
    return true;
}

/* Ticks of a day to nanoseconds. */
static bool time_scale(wgi_parquet_values *v, int64_t *cells, size_t count) {
    const int64_t ns = v->column->time_unit == 3 ? 1000000 : v->column->time_unit == 6 ? 1000 : 1;
    const int64_t day = INT64_C(86400000000000) / ns;
    for (size_t i = 0; i < count; i++) {
        if (cells[i] < 0 || cells[i] >= day) return problem(v, WG_E_VALUE, "a time is outside of its day", i);
        cells[i] *= ns;
    }
    return true;
}

static bool int96_check(wgi_parquet_values *v, const int64_t *cells, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (cells[i] == INT64_MIN)
            return problem(
                v, WG_E_VALUE,
                "an INT96 timestamp is no whole microsecond, which a column of type ANY holds, or outside of its day",
                i);
    return true;
}

/* Unscaled integers become doubles where they lie. */
static bool decimals_scale(wgi_parquet_values *v, int64_t *cells, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint8_t be[8];
        double f = 0;
        bool exact = false;
        if (!wgi_parquet_decimal_float(wgi_parquet_decimal_bytes(cells[i], be), v->column->scale, &f, &exact) ||
            !exact)
            return problem(v, WG_E_VALUE, "a decimal is not exact as a float", i);
        memcpy(&cells[i], &f, sizeof f);
    }
    return true;
}

static bool needs_finish(const wg_parquet_column *c) {
    if (is_moment(c)) return true;
    if (c->physical == WGI_PARQUET_INT96) return true;
    if (!is_integer(c)) return false;
    if (is_scaled(c)) return true;
    if (c->type == WG_TYPE_LOCAL_TIME) return true;
    return c->time_unit == 3 || c->time_unit == 9 || (c->int_bits != 0 && c->int_bits < 32) ||
           (c->int_bits == 32 && c->physical == WGI_PARQUET_INT64) || (c->int_unsigned && c->int_bits == 64);
}

static bool integers_finish(wgi_parquet_values *v, int64_t *cells, size_t count) {
    const wg_parquet_column *c = v->column;
    if (!needs_finish(c) || is_moment(c)) return true; /* moments: read_moments does it */
    if (c->physical == WGI_PARQUET_INT96) return int96_check(v, cells, count);
    if (is_scaled(c)) return decimals_scale(v, cells, count);
    if (c->type == WG_TYPE_LOCAL_TIME) return time_scale(v, cells, count);
    if (c->time_unit == 3) return millis_scale(v, cells, count);
    if (c->time_unit == 9) return nanos_scale(v, cells, count);
    if (c->int_bits == 64) return range_check(v, cells, count, 0, INT64_MAX);
    const int64_t span = INT64_C(1) << c->int_bits;
    return c->int_unsigned ? range_check(v, cells, count, 0, span - 1)
                           : range_check(v, cells, count, -span / 2, span / 2 - 1);
}

/* ---- PLAIN */

#if defined(__x86_64__)
#include <immintrin.h>

static bool is_wide(void) { return wg_kernels_best()->isa != WG_ISA_SCALAR; }

/* How many values, a multiple of four, were widened; the scalar loop does the rest. */
__attribute__((target("avx2"))) static size_t widen_signed_wide(const uint8_t *in, int64_t *out, size_t count) {
    size_t i = 0;
    for (; i + 4 <= count; i += 4)
        _mm256_storeu_si256((__m256i *)(void *)(out + i),
                            _mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i *)(const void *)(in + 4 * i))));
    return i;
}

__attribute__((target("avx2"))) static size_t widen_float_wide(const uint8_t *in, double *out, size_t count) {
    size_t i = 0;
    for (; i + 4 <= count; i += 4)
        _mm256_storeu_pd(
            out + i, _mm256_cvtps_pd(_mm_castsi128_ps(_mm_loadu_si128((const __m128i *)(const void *)(in + 4 * i)))));
    return i;
}
#else
static bool is_wide(void) { return false; }
static size_t widen_signed_wide(const uint8_t *in, int64_t *out, size_t count) {
    (void)in;
    (void)out;
    return 0 * count;
}
static size_t widen_float_wide(const uint8_t *in, double *out, size_t count) {
    (void)in;
    (void)out;
    return 0 * count;
}
#endif

static void widen_signed(const uint8_t *in, int64_t *out, size_t count) {
    for (size_t i = is_wide() ? widen_signed_wide(in, out, count) : 0; i < count; i++) {
        int32_t x;
        memcpy(&x, in + 4 * i, 4);
        out[i] = x;
    }
}

static void widen_unsigned(const uint8_t *in, int64_t *out, size_t count) {
    for (size_t i = 0; i < count; i++) out[i] = (int64_t)wg_load_u32le(in + 4 * i);
}

static void widen_float(const uint8_t *in, double *out, size_t count) {
    for (size_t i = is_wide() ? widen_float_wide(in, out, count) : 0; i < count; i++) {
        float x;
        memcpy(&x, in + 4 * i, 4);
        out[i] = (double)x;
    }
}

/* Nanoseconds of the day, then the Julian day; what is no whole microsecond, or beyond 64 bits of them, becomes INT64_MIN. */
static void widen_int96(const uint8_t *in, int64_t *out, size_t count) {
    enum { DAYS_MAX = 106751990 };
    for (size_t i = 0; i < count; i++) {
        const uint64_t ns = wg_load_u64le(in + 12 * i);
        const int64_t day = (int64_t)(int32_t)wg_load_u32le(in + 12 * i + 8) - JULIAN_DAY_1970;
        const bool sound =
            ns < UINT64_C(86400000000000) && ns % 1000 == 0 && day >= -(int64_t)DAYS_MAX && day <= DAYS_MAX;
        out[i] = sound ? day * INT64_C(86400000000) + (int64_t)(ns / 1000) : INT64_MIN;
    }
}

static double half_value(uint32_t half) {
    const uint32_t exponent = half >> 10 & 31;
    const double fraction = half & 1023;
    double v;
    if (exponent == 31) v = fraction == 0 ? (double)INFINITY : (double)NAN;
    else if (exponent == 0) v = ldexp(fraction, -24);
    else v = ldexp(1024 + fraction, (int)exponent - 25);
    return (half >> 15) != 0 ? -v : v;
}

static void fixed_widen(const wg_parquet_column *c, const uint8_t *in, void *cells, size_t count) {
    if (c->physical == WGI_PARQUET_FLOAT) widen_float(in, cells, count);
    else if (c->physical == WGI_PARQUET_INT96) widen_int96(in, cells, count);
    else if (c->physical == WGI_PARQUET_INT32 && c->int_unsigned) widen_unsigned(in, cells, count);
    else if (c->physical == WGI_PARQUET_INT32) widen_signed(in, cells, count);
    else if (count != 0) memcpy(cells, in, count * 8);
}

static bool read_fixed(wgi_parquet_values *v, void *cells, size_t count) {
    wg_slice in;
    size_t bytes;
    if (!wg_mul_size(count, fixed_bytes(v->column), &bytes) || !wg_slice_take(&v->bytes, bytes, &in))
        return corrupt(v, "the page holds fewer values than it declares");
    fixed_widen(v->column, in.data, cells, count);
    return integers_finish(v, cells, count);
}

static bool read_plain_bits(wgi_parquet_values *v, uint8_t *cells, size_t count) {
    if (count > v->bytes.size * 8 - v->next) return corrupt(v, "the page holds fewer values than it declares");
    for (size_t i = 0; i < count; i++) cells[i] = wg_bit_get(v->bytes.data, v->next + i);
    v->next += count;
    return true;
}

static bool read_rle_bits(wgi_parquet_values *v, uint8_t *cells, size_t count) {
    uint8_t bits[WG_BATCH_ROWS_MAX / 8];
    size_t ones;
    WG_ASSERT(count <= WG_BATCH_ROWS_MAX);
    if (!wgi_parquet_rle_read_bits(&v->rle, bits, count, &ones))
        return corrupt(v, "the page holds fewer values than it declares");
    for (size_t i = 0; i < count; i++) cells[i] = wg_bit_get(bits, i);
    return true;
}

/* True when no byte has its top bit set. */
static bool ascii_only(wg_slice s) {
    uint64_t a = 0;
    uint64_t b = 0;
    uint64_t c = 0;
    uint64_t d = 0;
    size_t i = 0;
    for (; i + 32 <= s.size; i += 32) {
        a |= wg_load_u64le(s.data + i);
        b |= wg_load_u64le(s.data + i + 8);
        c |= wg_load_u64le(s.data + i + 16);
        d |= wg_load_u64le(s.data + i + 24);
    }
    a |= b | c | d;
    for (; i < s.size; i++) a |= s.data[i];
    return (a & UINT64_C(0x8080808080808080)) == 0;
}

static bool strings_check(wgi_parquet_values *v, const wg_str *cells, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!wg_utf8_valid(wg_slice_of_str(cells[i]), NULL))
            return problem(v, WG_E_CORRUPT, "a string is not UTF-8", i);
    return true;
}

static bool read_plain_bytes(wgi_parquet_values *v, wg_str *cells, size_t count) {
    const uint8_t *const begin = v->bytes.data;
    const uint8_t *const end = v->bytes.size == 0 ? begin : begin + v->bytes.size;
    const uint8_t *p = begin;
    for (size_t i = 0; i < count; i++) {
        if (end - p < 4) return corrupt(v, "the page holds fewer values than it declares");
        const uint32_t size = wg_load_u32le(p);
        p += 4;
        if (size > (size_t)(end - p)) return corrupt(v, "a string is longer than the rest of its page");
        cells[i] = (wg_str){(const char *)p, size};
        p += size;
    }
    const wg_slice span = wg_slice_of(begin, (size_t)(p - begin));
    v->bytes = wg_slice_of(p, (size_t)(end - p));
    if (v->column->type != WG_TYPE_STRING || ascii_only(span)) return true;
    return strings_check(v, cells, count);
}

static bool read_plain_blobs(wgi_parquet_values *v, wg_str *cells, size_t count) {
    const size_t width = v->column->type_length;
    wg_slice in;
    if (count > v->bytes.size / width || !wg_slice_take(&v->bytes, count * width, &in))
        return corrupt(v, "the page holds fewer values than it declares");
    for (size_t i = 0; i < count; i++) cells[i] = (wg_str){(const char *)in.data + i * width, width};
    return true;
}

/* ---- DELTA_* */

static bool read_delta(wgi_parquet_values *v, int64_t *cells, size_t count) {
    if (!wgi_parquet_delta_read(&v->delta, cells, count)) return corrupt(v, "a delta-encoded stream ends early");
    if (v->column->physical == WGI_PARQUET_INT32) {
        /* 32-bit deltas wrap at 32 bits. */
        if (v->column->int_unsigned)
            for (size_t i = 0; i < count; i++) cells[i] = (int64_t)(uint32_t)cells[i];
        else
            for (size_t i = 0; i < count; i++) cells[i] = (int32_t)cells[i];
    }
    return integers_finish(v, cells, count);
}

static int64_t *lengths_of(wgi_parquet_values *v) {
    WG_ASSERT(v->lengths.capacity >= 2 * WG_BATCH_ROWS_MAX * sizeof(int64_t));
    return (int64_t *)(void *)v->lengths.data;
}

static bool lengths_ensure(wgi_parquet_values *v) {
    if (wgi_parquet_scratch_ensure(&v->lengths, 2 * WG_BATCH_ROWS_MAX * sizeof(int64_t))) return true;
    return problem(v, WG_E_NOMEM, "out of memory", SIZE_MAX);
}

static bool read_delta_length(wgi_parquet_values *v, wg_str *cells, size_t count) {
    WG_ASSERT(count <= WG_BATCH_ROWS_MAX);
    if (!lengths_ensure(v)) return false;
    int64_t *lengths = lengths_of(v);
    if (!wgi_parquet_delta_read(&v->delta, lengths, count)) return corrupt(v, "the string lengths end early");
    const uint8_t *const begin = v->bytes.data;
    for (size_t i = 0; i < count; i++) {
        wg_slice s;
        if (lengths[i] < 0 || !wg_slice_take(&v->bytes, (size_t)lengths[i], &s))
            return corrupt(v, "a string is longer than the rest of its page");
        cells[i] = wg_str_of_slice(s);
    }
    const wg_slice span = wg_slice_of(begin, (size_t)(v->bytes.data - begin));
    /* A border inside a character shows only value by value, but pure ASCII has no such borders. */
    if (v->column->type != WG_TYPE_STRING || ascii_only(span)) return true;
    return strings_check(v, cells, count);
}

/* Bytes that values with a prefix take when rebuilt, after checking every length. */
static bool rebuilt_size(wgi_parquet_values *v, const int64_t *prefix, const int64_t *suffix, size_t count,
                         size_t *out) {
    uint64_t previous = v->previous.size;
    uint64_t left = v->bytes.size;
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (prefix[i] < 0 || wg_u64_of_i64(prefix[i]) > previous || suffix[i] < 0 || wg_u64_of_i64(suffix[i]) > left)
            return corrupt(v, "a prefix or suffix is longer than what it is cut from");
        left -= wg_u64_of_i64(suffix[i]);
        previous = wg_u64_of_i64(prefix[i] + suffix[i]);
        if (prefix[i] != 0) total += previous;
        if (v->rebuilt_bytes + total > WG_PARQUET_PAGE_BYTES_MAX)
            return problem(v, WG_E_LIMIT, "a page of prefix-coded strings is over 256 MiB", i);
    }
    v->rebuilt_bytes += total;
    *out = (size_t)total;
    return true;
}

static bool read_delta_bytes(wgi_parquet_values *v, wg_str *cells, size_t count) {
    WG_ASSERT(count <= WG_BATCH_ROWS_MAX);
    if (count == 0)
        return true; /* nulls alone: no buffer takes its turn, for the last value stays in the one of now */
    if (!lengths_ensure(v)) return false;
    int64_t *prefix = lengths_of(v);
    int64_t *suffix = prefix + WG_BATCH_ROWS_MAX;
    if (!wgi_parquet_delta_read(&v->delta, prefix, count) || !wgi_parquet_delta_read(&v->suffix_delta, suffix, count))
        return corrupt(v, "the string lengths end early");
    size_t total = 0;
    if (!rebuilt_size(v, prefix, suffix, count, &total)) return false;
    v->strings_turn ^= 1;
    wgi_parquet_scratch *strings = &v->strings[v->strings_turn];
    if (!wgi_parquet_scratch_ensure(strings, total)) return problem(v, WG_E_NOMEM, "out of memory", SIZE_MAX);
    uint8_t *to = strings->data;
    for (size_t i = 0; i < count; i++) {
        wg_slice tail = {0};
        const bool inside = wg_slice_take(&v->bytes, (size_t)suffix[i], &tail);
        WG_ASSERT(inside); /* rebuilt_size looked */
        if (prefix[i] == 0) {
            v->previous = tail; /* whole values stay where they are */
        } else {
            const size_t head = (size_t)prefix[i];
            memcpy(to, v->previous.data, head);
            if (tail.size != 0) memcpy(to + head, tail.data, tail.size);
            v->previous = wg_slice_of(to, head + tail.size);
            to += v->previous.size;
        }
        cells[i] = wg_str_of_slice(v->previous);
    }
    for (size_t i = 0; i < count && is_blob(v->column); i++)
        if (cells[i].size != v->column->type_length) return corrupt(v, "a fixed-length value has another length");
    return v->column->type != WG_TYPE_STRING || strings_check(v, cells, count);
}

/* ---- BYTE_STREAM_SPLIT: byte b of value i lies at b * count + i */

/* Sixteen bytes in one register on every machine that the compilers know registers of. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

static inline bytes16 mix_low(bytes16 a, bytes16 b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
static inline bytes16 mix_high(bytes16 a, bytes16 b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/* Sixteen values of 4 or 8 bytes: streams that lie half of all apart are mixed until neighbours are the bytes of one value. Each round
 * doubles how many bytes of a value stand together. Written out, so that all stays in registers. */
static inline bytes16 load_16(const uint8_t *in) {
    bytes16 v;
    memcpy(&v, in, sizeof v);
    return v;
}

static inline void mix_4(bytes16 a[4]) {
    const bytes16 b[4] = {a[0], a[1], a[2], a[3]};
    a[0] = mix_low(b[0], b[2]);
    a[1] = mix_high(b[0], b[2]);
    a[2] = mix_low(b[1], b[3]);
    a[3] = mix_high(b[1], b[3]);
}

static inline void mix_8(bytes16 a[8]) {
    const bytes16 b[8] = {a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]};
    a[0] = mix_low(b[0], b[4]);
    a[1] = mix_high(b[0], b[4]);
    a[2] = mix_low(b[1], b[5]);
    a[3] = mix_high(b[1], b[5]);
    a[4] = mix_low(b[2], b[6]);
    a[5] = mix_high(b[2], b[6]);
    a[6] = mix_low(b[3], b[7]);
    a[7] = mix_high(b[3], b[7]);
}

static void join_16x4(const uint8_t *in, size_t stream, uint8_t *out) {
    bytes16 a[4] = {load_16(in), load_16(in + stream), load_16(in + 2 * stream), load_16(in + 3 * stream)};
    mix_4(a);
    mix_4(a);
    memcpy(out, a, sizeof a);
}

static void join_16x8(const uint8_t *in, size_t stream, uint8_t *out) {
    bytes16 a[8] = {load_16(in),
                    load_16(in + stream),
                    load_16(in + 2 * stream),
                    load_16(in + 3 * stream),
                    load_16(in + 4 * stream),
                    load_16(in + 5 * stream),
                    load_16(in + 6 * stream),
                    load_16(in + 7 * stream)};
    mix_8(a);
    mix_8(a);
    mix_8(a);
    memcpy(out, a, sizeof a);
}

static void join_values(const uint8_t *in, size_t stream, size_t width, size_t n, uint8_t *out) {
    size_t i = 0;
    if (width == 8)
        for (; i + 16 <= n; i += 16) join_16x8(in + i, stream, out + i * 8);
    if (width == 4)
        for (; i + 16 <= n; i += 16) join_16x4(in + i, stream, out + i * 4);
    for (; i < n; i++)
        for (size_t b = 0; b < width; b++) out[i * width + b] = in[b * stream + i];
}

static bool read_split(wgi_parquet_values *v, void *cells, size_t count) {
    if (count > v->count - v->next) return corrupt(v, "the page holds fewer values than it declares");
    const size_t width = fixed_bytes(v->column);
    uint8_t joined[64 * 8];
    for (size_t done = 0; done < count; done += 64) {
        const size_t n = wg_min_size(64, count - done);
        join_values(v->bytes.data + v->next + done, v->count, width, n, joined);
        fixed_widen(v->column, joined, (uint8_t *)cells + done * 8, n);
    }
    v->next += count;
    return integers_finish(v, cells, count);
}

/* The same for values that stay bytes: put together in memory of ours, which lives until the call after the next. */
static bool read_split_blobs(wgi_parquet_values *v, wg_str *cells, size_t count) {
    const size_t width = v->column->type_length;
    wgi_parquet_scratch *to = &v->strings[v->strings_turn ^= 1];
    if (count > v->count - v->next) return corrupt(v, "the page holds fewer values than it declares");
    if (!wgi_parquet_scratch_ensure(to, count * width + 1)) return problem(v, WG_E_NOMEM, "out of memory", SIZE_MAX);
    for (size_t b = 0; b < width; b++) {
        const uint8_t *in = v->bytes.data + b * v->count + v->next;
        for (size_t i = 0; i < count; i++) to->data[i * width + b] = in[i];
    }
    for (size_t i = 0; i < count; i++) cells[i] = (wg_str){(const char *)to->data + i * width, width};
    v->next += count;
    return true;
}

static bool read_raw(wgi_parquet_values *v, void *cells, size_t count) {
    switch (v->source) {
        case WGI_PARQUET_SOURCE_PLAIN_BITS:
            return read_plain_bits(v, cells, count);
        case WGI_PARQUET_SOURCE_RLE_BITS:
            return read_rle_bits(v, cells, count);
        case WGI_PARQUET_SOURCE_PLAIN_FIXED:
            return read_fixed(v, cells, count);
        case WGI_PARQUET_SOURCE_PLAIN_BYTES:
            return read_plain_bytes(v, cells, count);
        case WGI_PARQUET_SOURCE_PLAIN_BLOBS:
            return read_plain_blobs(v, cells, count);
        case WGI_PARQUET_SOURCE_DELTA:
            return read_delta(v, cells, count);
        case WGI_PARQUET_SOURCE_DELTA_LENGTH:
            return read_delta_length(v, cells, count);
        case WGI_PARQUET_SOURCE_DELTA_BYTES:
            return read_delta_bytes(v, cells, count);
        case WGI_PARQUET_SOURCE_SPLIT:
            return is_blob(v->column) ? read_split_blobs(v, cells, count) : read_split(v, cells, count);
        case WGI_PARQUET_SOURCE_CODES:
            break;
    }
    WG_UNREACHABLE("codes are read by wgi_parquet_values_codes");
}

/* ---- bytes that become something else */

static bool unbox_number(wgi_parquet_values *v, wg_slice box, size_t i, uint64_t *cell) {
    const wg_parquet_column *c = v->column;
    int64_t whole = 0;
    double f = 0;
    bool exact = true;
    if (!c->is_decimal) {
        f = half_value(wg_load_u16le(box.data));
    } else if (box.size == 0) {
        return problem(v, WG_E_CORRUPT, "a decimal has no bytes", i);
    } else if (c->type == WG_TYPE_INT) {
        if (!wgi_parquet_decimal_int(box, &whole)) return problem(v, WG_E_VALUE, "a decimal does not fit 64 bits", i);
        *cell = wg_u64_of_i64(whole);
        return true;
    } else if (!wgi_parquet_decimal_float(box, c->scale, &f, &exact) || !exact) {
        return problem(v, WG_E_VALUE, "a decimal is not exact as a float", i);
    }
    *cell = wg_bits_of_f64(f);
    return true;
}

/* Months, days and milliseconds, each an unsigned number of 32 bits. */
static void unbox_interval(const uint8_t *box, wg_value parts[4], wg_value *cell) {
    const uint32_t ms = wg_load_u32le(box + 8);
    parts[0] = wg_value_int((int64_t)wg_load_u32le(box));
    parts[1] = wg_value_int((int64_t)wg_load_u32le(box + 4));
    parts[2] = wg_value_int((int64_t)(ms / 1000));
    parts[3] = wg_value_int((int64_t)(ms % 1000) * 1000000);
    *cell = (wg_value){.type = WG_TYPE_DURATION, .size = 4, .as.list = parts};
}

static bool read_boxed(wgi_parquet_values *v, void *cells, size_t count) {
    const bool interval = v->column->type == WG_TYPE_DURATION;
    wgi_parquet_scratch *parts = &v->parts[v->is_dictionary ? 1 : 0];
    size_t bytes = 0;
    if (!wgi_parquet_scratch_ensure(&v->boxes, WG_BATCH_ROWS_MAX * sizeof(wg_str)) ||
        (interval &&
         (!wg_mul_size(count + 1, 4 * sizeof(wg_value), &bytes) || !wgi_parquet_scratch_ensure(parts, bytes))))
        return problem(v, WG_E_NOMEM, "out of memory", SIZE_MAX);
    wg_str *boxes = (wg_str *)(void *)v->boxes.data;
    for (size_t done = 0; done < count;) {
        const size_t n = wg_min_size(count - done, WG_BATCH_ROWS_MAX);
        if (!read_raw(v, boxes, n)) {
            if (v->problem.index != SIZE_MAX) v->problem.index += done;
            return false;
        }
        for (size_t i = 0; i < n; i++, done++) {
            wg_value *part = interval ? (wg_value *)(void *)parts->data + 4 * done : NULL;
            if (interval) unbox_interval((const uint8_t *)boxes[i].data, part, (wg_value *)cells + done);
            else if (!unbox_number(v, wg_slice_of_str(boxes[i]), done, (uint64_t *)cells + done)) return false;
        }
    }
    return true;
}

/* ---- moments */

static wg_value moment(int64_t seconds, uint32_t nanoseconds) {
    return (wg_value){.type = WG_TYPE_LOCAL_DATETIME, .size = nanoseconds, .as.i = seconds};
}

static bool read_int96_moments(wgi_parquet_values *v, wg_value *cells, size_t count) {
    wg_slice in;
    if (count > v->bytes.size / 12 || !wg_slice_take(&v->bytes, count * 12, &in))
        return corrupt(v, "the page holds fewer values than it declares");
    for (size_t i = 0; i < count; i++) {
        const uint64_t ns = wg_load_u64le(in.data + 12 * i);
        const int64_t day = (int64_t)(int32_t)wg_load_u32le(in.data + 12 * i + 8) - JULIAN_DAY_1970;
        if (ns >= UINT64_C(86400000000000))
            return problem(v, WG_E_VALUE, "an INT96 timestamp is outside of its day", i);
        cells[i] = moment(day * 86400 + (int64_t)(ns / 1000000000), (uint32_t)(ns % 1000000000));
    }
    return true;
}

static bool read_moments(wgi_parquet_values *v, wg_value *cells, size_t count) {
    const int64_t per_second = v->column->time_unit == 3 ? 1000 : 1000000000;
    if (v->column->physical == WGI_PARQUET_INT96) return read_int96_moments(v, cells, count);
    if (!wgi_parquet_scratch_ensure(&v->boxes, WG_BATCH_ROWS_MAX * sizeof(wg_str)))
        return problem(v, WG_E_NOMEM, "out of memory", SIZE_MAX);
    const int64_t *ticks = (const int64_t *)(const void *)v->boxes.data;
    for (size_t done = 0; done < count;) {
        const size_t n = wg_min_size(count - done, WG_BATCH_ROWS_MAX);
        if (!read_raw(v, v->boxes.data, n)) return false;
        for (size_t i = 0; i < n; i++, done++) {
            const int64_t rest = ticks[i] % per_second;
            const int64_t past = rest < 0 ? rest + per_second : rest;
            cells[done] = moment(ticks[i] / per_second - (rest < 0), (uint32_t)(past * (1000000000 / per_second)));
        }
    }
    return true;
}

bool wgi_parquet_values_read(wgi_parquet_values *v, void *cells, size_t count) {
    if (is_moment(v->column)) return read_moments(v, cells, count);
    return is_boxed(v->column) ? read_boxed(v, cells, count) : read_raw(v, cells, count);
}

bool wgi_parquet_values_codes(wgi_parquet_values *v, uint32_t *codes, size_t count, uint32_t dict_size) {
    WG_ASSERT(v->source == WGI_PARQUET_SOURCE_CODES);
    if (!wgi_parquet_rle_read(&v->rle, codes, count)) return corrupt(v, "the dictionary codes end early");
    if (v->rle.width < 32 && dict_size >> v->rle.width != 0) return true; /* every code of this width exists */
    const wg_kernels *kernels = wg_kernels_best();
    uint8_t outside[WG_BATCH_ROWS_MAX];
    WG_ASSERT(count <= WG_BATCH_ROWS_MAX);
    kernels->compare_u32(WG_KERNEL_GE, codes, dict_size, count, outside);
    if (kernels->mask_count(outside, count) == 0) return true;
    for (size_t i = 0; i < count; i++)
        if (codes[i] >= dict_size) return problem(v, WG_E_CORRUPT, "a dictionary code is out of range", i);
    WG_UNREACHABLE("the fast check saw a code out of range");
}

static bool skip_plain_bytes(wgi_parquet_values *v, uint64_t count) {
    wg_slice head;
    wg_slice body;
    for (uint64_t i = 0; i < count; i++)
        if (!wg_slice_take(&v->bytes, 4, &head) || !wg_slice_take(&v->bytes, wg_load_u32le(head.data), &body))
            return corrupt(v, "the page holds fewer values than it declares");
    return true;
}

bool wgi_parquet_values_skip(wgi_parquet_values *v, uint64_t count, void *cells) {
    if (v->source == WGI_PARQUET_SOURCE_CODES || v->source == WGI_PARQUET_SOURCE_RLE_BITS)
        return wgi_parquet_rle_skip(&v->rle, count) || corrupt(v, "the page holds fewer values than it declares");
    if (v->source == WGI_PARQUET_SOURCE_PLAIN_BYTES) return skip_plain_bytes(v, count);
    const size_t width = fixed_bytes(v->column);
    if (v->source == WGI_PARQUET_SOURCE_PLAIN_FIXED || v->source == WGI_PARQUET_SOURCE_PLAIN_BLOBS) {
        wg_slice gone;
        if (count > v->bytes.size / width || !wg_slice_take(&v->bytes, (size_t)count * width, &gone))
            return corrupt(v, "the page holds fewer values than it declares");
        return true;
    }
    if (v->source == WGI_PARQUET_SOURCE_PLAIN_BITS || v->source == WGI_PARQUET_SOURCE_SPLIT) {
        const size_t all = v->source == WGI_PARQUET_SOURCE_SPLIT ? v->count : v->bytes.size * 8;
        if (count > all - v->next) return corrupt(v, "the page holds fewer values than it declares");
        v->next += (size_t)count;
        return true;
    }
    while (count > 0) { /* delta streams have no shortcut */
        const size_t n = (size_t)wg_min_u64(count, WG_BATCH_ROWS_MAX);
        void *to = cells;
        if (is_boxed(v->column) || is_moment(v->column)) { /* what is passed over need not fit */
            if (!wgi_parquet_scratch_ensure(&v->boxes, WG_BATCH_ROWS_MAX * sizeof(wg_str)))
                return problem(v, WG_E_NOMEM, "out of memory", SIZE_MAX);
            to = v->boxes.data;
        }
        if (!read_raw(v, to, n)) return false;
        count -= n;
    }
    return true;
}

bool wgi_parquet_values_in_place(const wgi_parquet_values *v) {
    return v->source == WGI_PARQUET_SOURCE_PLAIN_FIXED && fixed_bytes(v->column) == 8 &&
           v->column->physical != WGI_PARQUET_FIXED && !needs_finish(v->column);
}

bool wgi_parquet_values_picks(const wgi_parquet_values *v) {
    return v->source == WGI_PARQUET_SOURCE_PLAIN_FIXED && !is_moment(v->column);
}

bool wgi_parquet_values_pick(wgi_parquet_values *v, void *cells, size_t count, const wg_parquet_pick *pick) {
    const size_t width = fixed_bytes(v->column);
    wg_slice in;
    if (count > v->bytes.size / width || !wg_slice_take(&v->bytes, count * width, &in))
        return corrupt(v, "the page holds fewer values than it declares");
    for (uint32_t i = 0; i < pick->count; i++)
        fixed_widen(v->column, in.data + pick->rows[i] * width, (uint8_t *)cells + (size_t)i * 8, 1);
    if (integers_finish(v, cells, pick->count)) return true;
    if (v->problem.index != SIZE_MAX) v->problem.index = pick->rows[v->problem.index];
    return false;
}
