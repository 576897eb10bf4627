/* Exact sums of doubles: a small superaccumulator (R. M. Neal, Fast exact summation using small and large superaccumulators, 2015).
 *
 * The sum is a big integer in units of 2^-1074, the smallest subnormal, held as 68 signed 64-bit chunks that overlap: chunk i counts units of
 * 2^(32 i - 1074). A double adds the low 32 bits of its shifted significand to one chunk and the rest, below 2^52, to the next, so 1,024
 * additions cannot overflow a chunk before carries are moved up. Nothing is ever rounded before the end: the value is a function of
 * the multiset of the terms, whatever their order and grouping.
 *
 * Most groups see few exponents, so a sum begins with a window of six chunks (160 bits of spread) inside the struct and allocates
 * all 68 only when a term or a carry leaves the window.
 *
 * Arrays are added in blocks: kernels.sum_f64 gives the exact sum of a block as a few doubles, kernels.split_f64 takes the values of a block
 * apart so that plain additions of the parts, group by group, are exact (kernels_internal.h says why). Only these results go into the
 * chunks. Blocks that have no such parts (NaN, infinities, exponents too far apart) are added value by value. Both ways add the same
 * numbers exactly, so which one was taken never shows. */
#include <math.h>

#include "exec/exec_internal.h"

enum { ADDS_MAX = 1024, UNIT_EXPONENT = -1074 };

void wgi_float_sum_deinit(wgi_float_sum *sum) {
    wg_free(sum->full);
    *sum = (wgi_float_sum){0};
}

/* Moves carries up so that all chunks but the last lie in [0, 2^32). */
static void carry(int64_t *chunks, uint32_t n) {
    for (uint32_t i = 0; i + 1 < n; i++) {
        const int64_t low = chunks[i] & INT64_C(0xffffffff);
        const int64_t up = (chunks[i] - low) / (INT64_C(1) << 32);
        chunks[i] = low;
        chunks[i + 1] += up;
    }
}

static bool widen(wgi_float_sum *sum, wg_account *account) {
    if (sum->full != NULL) return true;
    sum->full = wg_alloc_zero(account, WGI_SUM_CHUNKS * sizeof *sum->full);
    if (sum->full == NULL) return false;
    for (uint32_t i = 0; i < WGI_SUM_WINDOW && sum->window_used; i++)
        if (sum->window[i] != 0) sum->full[sum->window_first + i] = sum->window[i];
    return true;
}

static bool settle(wgi_float_sum *sum, wg_account *account) {
    sum->adds = 0;
    if (sum->full == NULL) {
        carry(sum->window, WGI_SUM_WINDOW);
        const int64_t top = sum->window[WGI_SUM_WINDOW - 1];
        if (top > -(INT64_C(1) << 32) && top < (INT64_C(1) << 32)) return true;
        if (!widen(sum, account)) return false;
    }
    carry(sum->full, WGI_SUM_CHUNKS);
    return true;
}

static bool note_special(wgi_float_sum *sum, double v) {
    if (v != v) sum->saw_nan = true;
    else if (v > 0) sum->saw_positive_infinity = true;
    else sum->saw_negative_infinity = true;
    return true;
}

/* The two chunks from `first` on, in the window or in the full array; NULL when out of memory. `top` is the chunk of the highest bit: a
 * window begins four chunks below that of its first term, which is where the low parts of a block of such terms go. */
static int64_t *chunks_at(wgi_float_sum *sum, uint32_t first, uint32_t top, wg_account *account) {
    if (sum->full == NULL) {
        if (!sum->window_used) {
            sum->window_used = true;
            sum->window_first = (uint8_t)(top < WGI_SUM_WINDOW - 2 ? 0 : top - (WGI_SUM_WINDOW - 2));
        }
        if (first >= sum->window_first && first + 2 <= sum->window_first + (uint32_t)WGI_SUM_WINDOW)
            return &sum->window[first - sum->window_first];
        if (!widen(sum, account)) return NULL;
    }
    return &sum->full[first];
}

bool wgi_float_sum_add(wgi_float_sum *sum, double v, wg_account *account) {
    const uint64_t bits = wg_bits_of_f64(v);
    const uint32_t biased = (uint32_t)(bits >> 52) & 0x7ff;
    uint64_t significand = bits & UINT64_C(0xfffffffffffff);
    if (biased == 0x7ff) return note_special(sum, v);
    if (biased != 0) significand |= UINT64_C(1) << 52;
    if (significand == 0) return true;
    const uint32_t zeros =
        (uint32_t)__builtin_ctzll(significand); /* no chunk is asked for that gets only zeros at its low end */
    const uint32_t position = (biased == 0 ? 0 : biased - 1) + zeros;
    const uint32_t shift = position & 31;
    significand >>= zeros;
    const uint32_t top = (position + 63 - (uint32_t)__builtin_clzll(significand)) >> 5;
    int64_t *chunks = chunks_at(sum, position >> 5, top, account);
    if (chunks == NULL) return false;
    const int64_t low = (int64_t)((significand << shift) & UINT64_C(0xffffffff));
    const int64_t high = (int64_t)(significand >> (32 - shift));
    if ((bits >> 63) != 0) {
        chunks[0] -= low;
        chunks[1] -= high;
    } else {
        chunks[0] += low;
        chunks[1] += high;
    }
    return ++sum->adds < ADDS_MAX || settle(sum, account);
}

static bool add_one_by_one(wgi_float_sum *sum, const double *v, size_t n, wg_account *account) {
    for (size_t i = 0; i < n; i++)
        if (!wgi_float_sum_add(sum, v[i], account)) return false;
    return true;
}

bool wgi_float_sum_add_array(wgi_float_sum *sum, const double *v, size_t n, const wg_kernels *kernels,
                             wg_account *account) {
    const wg_kernels *k = kernels != NULL ? kernels : wg_kernels_best();
    for (size_t i = 0; i < n; i += WG_KERNEL_SUM_ROWS) {
        const size_t rows = wg_min_size(n - i, WG_KERNEL_SUM_ROWS);
        double parts[WG_KERNEL_SUM_PARTS];
        const bool whole = rows > WG_KERNEL_SUM_PARTS && k->sum_f64(v + i, rows, parts);
        if (!add_one_by_one(sum, whole ? parts : v + i, whole ? WG_KERNEL_SUM_PARTS : rows, account)) return false;
    }
    return true;
}

enum { GROUPS_MAX = 512 }; /* of one block that are summed apart */

/* The exact sums of the groups of one block as pairs. False: the block has to be added value by value. */
static bool parts_of_groups(const uint32_t *index, const double *v, size_t n, const wg_kernels *k, double *groups) {
    double pairs[2 * WG_KERNEL_SUM_ROWS];
    if (!k->split_f64(v, n, pairs)) return false;
    for (size_t i = 0; i < n; i++) {
        double *group = groups + 2 * (size_t)index[i];
        group[0] += pairs[2 * i];
        group[1] += pairs[2 * i + 1];
    }
    return true;
}

/* One more than the highest index. */
static uint32_t groups_of(const uint32_t *index, size_t n) {
    uint32_t even = 0; /* two chains of comparisons that do not wait for one another */
    uint32_t odd = 0;
    for (size_t i = 0; i + 2 <= n; i += 2) {
        even = index[i] > even ? index[i] : even;
        odd = index[i + 1] > odd ? index[i + 1] : odd;
    }
    if (n % 2 != 0) even = index[n - 1] > even ? index[n - 1] : even;
    const uint32_t last = even > odd ? even : odd;
    return last == UINT32_MAX ? UINT32_MAX : last + 1;
}

bool wgi_float_sum_add_groups(wgi_float_sum *sums, const uint32_t *index, const double *v, size_t n,
                              const wg_kernels *kernels, wg_account *account) {
    const wg_kernels *k = kernels != NULL ? kernels : wg_kernels_best();
    double groups[2 * GROUPS_MAX];
    for (size_t i = 0; i < n; i += WG_KERNEL_SUM_ROWS) {
        const size_t block = wg_min_size(n - i, WG_KERNEL_SUM_ROWS);
        const uint32_t count = groups_of(index + i, block);
        const bool few = count <= GROUPS_MAX && count <= block / 4;
        if (few) memset(groups, 0, 2 * (size_t)count * sizeof *groups);
        if (few && parts_of_groups(index + i, v + i, block, k, groups)) {
            for (uint32_t g = 0; g < count; g++)
                if (!add_one_by_one(&sums[g], groups + 2 * (size_t)g, 2, account)) return false;
            continue;
        }
        for (size_t r = i; r < i + block; r++)
            if (!wgi_float_sum_add(&sums[index[r]], v[r], account)) return false;
    }
    return true;
}

bool wgi_float_sum_add_i128(wgi_float_sum *sum, wg_i128 v, wg_account *account) {
    const bool negative = v < 0;
    wg_u128 rest = negative ? 0 - (wg_u128)v : (wg_u128)v;
    for (int shift = 0; rest != 0; shift += 32, rest >>= 32) {
        const double part = ldexp((double)(uint32_t)rest, shift); /* exact: 32 bits */
        if (!wgi_float_sum_add(sum, negative ? -part : part, account)) return false;
    }
    return true;
}

/* The chunks of a window as sign and magnitude, so that none is used that the number does not reach into. */
static int64_t plain_window(const wgi_float_sum *from, int64_t out[WGI_SUM_WINDOW]) {
    memcpy(out, from->window, sizeof from->window);
    carry(out, WGI_SUM_WINDOW);
    if (out[WGI_SUM_WINDOW - 1] >= 0) return 1;
    for (uint32_t i = 0; i < WGI_SUM_WINDOW; i++) out[i] = -out[i];
    carry(out, WGI_SUM_WINDOW);
    return -1;
}

static bool window_takes(const wgi_float_sum *sum, uint32_t first, const int64_t chunks[WGI_SUM_WINDOW]) {
    for (uint32_t i = 0; i < WGI_SUM_WINDOW && sum->full == NULL; i++) {
        const uint32_t chunk = first + i;
        const bool inside = chunk >= sum->window_first && chunk < sum->window_first + (uint32_t)WGI_SUM_WINDOW;
        if (chunks[i] != 0 && !inside) return false;
    }
    return true;
}

bool wgi_float_sum_merge(wgi_float_sum *sum, const wgi_float_sum *from, wg_account *account) {
    sum->saw_nan |= from->saw_nan;
    sum->saw_positive_infinity |= from->saw_positive_infinity;
    sum->saw_negative_infinity |= from->saw_negative_infinity;
    if (from->full == NULL && !from->window_used) return true;
    if (!sum->window_used && sum->full == NULL && from->full == NULL) {
        sum->window_used = true;
        sum->window_first = from->window_first;
        sum->adds = from->adds;
        memcpy(sum->window, from->window, sizeof sum->window);
        return true;
    }
    if (from->full != NULL) {
        if (!widen(sum, account) || !settle(sum, account)) return false;
        for (uint32_t i = 0; i < WGI_SUM_CHUNKS; i++) sum->full[i] += from->full[i];
        return settle(sum, account);
    }
    int64_t chunks[WGI_SUM_WINDOW];
    const int64_t sign = plain_window(from, chunks);
    if (!window_takes(sum, from->window_first, chunks) && !widen(sum, account)) return false;
    if (!settle(sum, account)) return false; /* now chunks are small: one more sum each cannot overflow */
    int64_t *to = sum->full != NULL ? sum->full : sum->window;
    const uint32_t to_first = sum->full != NULL ? 0 : sum->window_first;
    for (uint32_t i = 0; i < WGI_SUM_WINDOW; i++)
        if (chunks[i] != 0) to[from->window_first + i - to_first] += sign * chunks[i];
    return settle(sum, account);
}

static uint32_t bit_length(uint64_t v) { return v == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(v); }

/* Rounds |chunks| * 2^(UNIT_EXPONENT - scale) to a double; all chunks are in [0, 2^32). */
static double round_chunks(const int64_t *chunks, int scale) {
    uint32_t top = WGI_SUM_CHUNKS;
    while (top > 0 && chunks[top - 1] == 0) top--;
    if (top == 0) return 0.0;
    const uint32_t length = 32 * (top - 1) + bit_length((uint64_t)chunks[top - 1]);
    const uint32_t cut = length > 53 ? length - 53 : 0;
    const uint32_t word = cut / 32;
    wg_u128 wide = 0;
    for (uint32_t i = 0; i < 3 && word + i < top; i++) wide |= (wg_u128)(uint64_t)chunks[word + i] << (32 * i);
    uint64_t significand = (uint64_t)(wide >> (cut % 32));
    if (cut > 0) {
        const uint32_t half = cut - 1;
        const bool half_bit = (chunks[half / 32] >> (half % 32) & 1) != 0;
        bool below = (chunks[half / 32] & ((INT64_C(1) << (half % 32)) - 1)) != 0;
        for (uint32_t i = 0; i < half / 32 && !below; i++) below = chunks[i] != 0;
        if (half_bit && (below || (significand & 1) != 0)) significand++;
    }
    return ldexp((double)significand, (int)cut + UNIT_EXPONENT - scale);
}

static double sum_scaled(const wgi_float_sum *sum, int scale) {
    int64_t chunks[WGI_SUM_CHUNKS] = {0};
    if (sum->full != NULL) memcpy(chunks, sum->full, sizeof chunks);
    else if (sum->window_used)
        memcpy(chunks + sum->window_first, sum->window,
               wg_min_size(WGI_SUM_WINDOW, WGI_SUM_CHUNKS - (size_t)sum->window_first) * sizeof *chunks);
    carry(chunks, WGI_SUM_CHUNKS);
    const bool negative = chunks[WGI_SUM_CHUNKS - 1] < 0;
    if (negative) {
        for (uint32_t i = 0; i < WGI_SUM_CHUNKS; i++) chunks[i] = -chunks[i];
        carry(chunks, WGI_SUM_CHUNKS);
    }
    const double v = round_chunks(chunks, scale);
    return negative ? -v : v;
}

static bool special_value(const wgi_float_sum *sum, double *out) {
    if (sum->saw_nan || (sum->saw_positive_infinity && sum->saw_negative_infinity))
        *out = wg_f64_of_bits(UINT64_C(0x7ff8000000000000)); /* one NaN, not the sign that the machine makes */
    else if (sum->saw_positive_infinity) *out = INFINITY;
    else if (sum->saw_negative_infinity) *out = -INFINITY;
    else return false;
    return true;
}

double wgi_float_sum_value(const wgi_float_sum *sum) {
    double v;
    return special_value(sum, &v) ? v : sum_scaled(sum, 0);
}

double wgi_float_sum_mean(const wgi_float_sum *sum, uint64_t count) {
    double v;
    if (special_value(sum, &v)) return v;
    v = sum_scaled(sum, 0);
    if (isfinite(v)) return v / (double)count;
    return ldexp(sum_scaled(sum, 64) / (double)count, 64); /* the sum overflows a double, the mean does not */
}

/* ---- bytes, for temporary files: flags, first chunk of the window, chunks of 8 bytes */

enum { FLAG_NAN = 1, FLAG_POSITIVE = 2, FLAG_NEGATIVE = 4, FLAG_FULL = 8, FLAG_USED = 16, FLAGS = 31 };

wg_code wgi_float_sum_encode(wgi_float_sum *sum, wg_account *account, wg_buf *out, wg_error *err) {
    if (!settle(sum, account)) return wg_error_nomem(err, WGI_SUM_CHUNKS * sizeof *sum->full);
    const bool is_full = sum->full != NULL;
    const int flags = (sum->saw_nan ? FLAG_NAN : 0) | (sum->saw_positive_infinity ? FLAG_POSITIVE : 0) |
                      (sum->saw_negative_infinity ? FLAG_NEGATIVE : 0) | (is_full ? FLAG_FULL : 0) |
                      (sum->window_used ? FLAG_USED : 0);
    bool ok = wg_buf_append_u8(out, (uint8_t)flags) && wg_buf_append_u8(out, sum->window_first);
    const uint32_t n = is_full ? WGI_SUM_CHUNKS : sum->window_used ? WGI_SUM_WINDOW : 0;
    const int64_t *chunks = is_full ? sum->full : sum->window;
    for (uint32_t i = 0; i < n && ok; i++) ok = wg_buf_append_u64(out, (uint64_t)chunks[i]);
    return ok ? WG_OK : wg_error_nomem(err, 2 + n * sizeof *chunks);
}

/* Chunks as settle leaves them: sums of what comes later cannot overflow. */
static bool chunks_are_settled(const int64_t *chunks, uint32_t n) {
    for (uint32_t i = 0; i + 1 < n; i++)
        if (chunks[i] < 0 || chunks[i] >= INT64_C(1) << 32) return false;
    return chunks[n - 1] > -(INT64_C(1) << 53) && chunks[n - 1] < INT64_C(1) << 53;
}

wg_code wgi_float_sum_decode(wg_slice bytes, wg_account *account, wgi_float_sum *out, wg_error *err) {
    const int flags = bytes.size >= 2 ? bytes.data[0] : FLAGS + 1;
    const uint32_t n = (flags & FLAG_FULL) != 0 ? WGI_SUM_CHUNKS : (flags & FLAG_USED) != 0 ? WGI_SUM_WINDOW : 0;
    if (flags > FLAGS || bytes.size != 2 + n * sizeof(int64_t) || bytes.data[1] > WGI_SUM_CHUNKS - 2)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a sum in a temporary file is damaged");
    int64_t chunks[WGI_SUM_CHUNKS];
    for (uint32_t i = 0; i < n; i++) chunks[i] = (int64_t)wg_load_u64le(bytes.data + 2 + i * 8);
    if (n > 0 && !chunks_are_settled(chunks, n))
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a sum in a temporary file is damaged");
    for (uint32_t i = 0; i < n && n == WGI_SUM_WINDOW; i++)
        if (chunks[i] != 0 && bytes.data[1] + i >= WGI_SUM_CHUNKS)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a sum in a temporary file is damaged");
    *out = (wgi_float_sum){.window_first = bytes.data[1],
                           .window_used = (flags & FLAG_USED) != 0,
                           .saw_nan = (flags & FLAG_NAN) != 0,
                           .saw_positive_infinity = (flags & FLAG_POSITIVE) != 0,
                           .saw_negative_infinity = (flags & FLAG_NEGATIVE) != 0};
    if (n == WGI_SUM_CHUNKS) {
        out->full = wg_alloc(account, sizeof chunks);
        if (out->full == NULL) return wg_error_nomem(err, sizeof chunks);
        memcpy(out->full, chunks, sizeof chunks);
    } else if (n != 0) {
        memcpy(out->window, chunks, n * sizeof *chunks);
    }
    return WG_OK;
}
