/* base/text, inside: shortest decimals of doubles. */
#ifndef WG_BASE_TEXT_SHORTEST_H
#define WG_BASE_TEXT_SHORTEST_H

#include <stdint.h>

/* `v` > 0, finite: the digits d, without zeros at their end, and e of the shortest d * 10^e that reads back as v. */
void wgi_shortest(double v, uint64_t *out_digits, int32_t *out_exponent);

#endif
