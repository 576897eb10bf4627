/* Decimal fractions: prices, shares and measured values are mostly doubles that stand for a number with few decimals. Such a double is
 * the one nearest to k / 10^e, so k and e tell all of it; k needs fewer bits than the double.
 *
 * The exponent is found from the first cells and then tried on all of them: k is the nearest integer to v * 10^e, and dividing it again
 * must give the same bits. Division and multiplication of IEEE 754 are the same on every machine, so a reader gets what was written.
 * Powers up to 10^15 and k below 2^51 are exact as doubles. Failure: the cells are kept as they are. */
#include "io/segment/segment.h"

static const double powers[WG_ARC1_DECIMAL_EXPONENT_MAX + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

enum { SAMPLE = 16 };

/* The part of `v`, when it is a fraction of that power. Adding and taking away 1.5 * 2^52 rounds to an integer. */
static bool part_of(uint64_t bits, double power, uint64_t *out) {
    static const double rounder = 6755399441055744.0, limit = 2251799813685248.0;
    const double scaled = wg_f64_of_bits(bits) * power;
    if (!(scaled > -limit && scaled < limit)) return false;
    const double nearest = (scaled + rounder) - rounder;
    const double back = nearest / power;
    *out = wg_u64_of_i64((int64_t)nearest);
    return wg_bits_of_f64(back) == bits;
}

static bool exponent_find(const uint64_t *cells, uint32_t count, uint32_t *out) {
    uint32_t e = 0;
    const uint32_t sample = count < SAMPLE ? count : SAMPLE;
    for (uint32_t i = 0; i < sample;) {
        uint64_t part;
        if (part_of(cells[i], powers[e], &part)) {
            i++;
        } else {
            if (e == WG_ARC1_DECIMAL_EXPONENT_MAX) return false;
            e++;
            i = 0;
        }
    }
    *out = e;
    return true;
}

bool wg_arc1_decimals(const uint64_t *cells, uint32_t count, uint32_t *exponent, uint64_t *parts) {
    uint32_t e = 0;
    if (count == 0 || !exponent_find(cells, count, &e)) return false;
    for (uint32_t i = 0; i < count; i++) {
        if (part_of(cells[i], powers[e], &parts[i])) continue;
        /* A later cell may have more decimals; then all begin anew, a few times at most. */
        if (e == WG_ARC1_DECIMAL_EXPONENT_MAX) return false;
        uint32_t more = e + 1;
        while (more <= WG_ARC1_DECIMAL_EXPONENT_MAX && !part_of(cells[i], powers[more], &parts[i])) more++;
        if (more > WG_ARC1_DECIMAL_EXPONENT_MAX) return false;
        e = more;
        i = UINT32_MAX;
    }
    *exponent = e;
    return true;
}

double wg_arc1_decimal_power(uint32_t exponent) { return powers[exponent]; }

void wg_arc1_of_decimals(uint64_t *cells, uint32_t count, uint32_t exponent) {
    const double power = powers[exponent];
    for (uint32_t i = 0; i < count; i++) cells[i] = wg_bits_of_f64((double)wg_i64_of_u64(cells[i]) / power);
}
