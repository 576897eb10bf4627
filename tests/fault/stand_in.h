/* tests/fault: the public API takes no platform; so the real one's table is replaced by one that forwards to `stand_in`,
 * which a test points at a faulty simulated disk. For tests only, one thread. */
#ifndef WG_TESTS_STAND_IN_H
#define WG_TESTS_STAND_IN_H

#include "io/platform/platform.h"

/* From now on wg_platform_real() acts as `target`; NULL: as itself again. */
void stand_in_use(wg_platform *target);
/* Map call number n from now (1 = the next) is refused with WG_E_NOMEM, once or from then on; 0: off. */
void stand_in_refuse_map(uint64_t n, bool persistent);
uint64_t stand_in_maps(void); /* map calls since stand_in_refuse_map */

#endif
