/* base/zones: named time zones: which offset from UTC a place has at a moment.
 *
 * The rules are part of the program (release wg_zones_version() of the IANA time zone database, main data, public domain), not of the machine,
 * so that a statement gives the same answer wherever it runs. Zones have numbers, which are an affair of this process: what is written
 * holds names. Names are matched exactly ("Europe/Berlin", links like "Europe/Stockholm" too).
 *
 * Threads: any. The first use of a zone unpacks it into memory that stays (some KiB a zone). */
#ifndef WG_BASE_ZONES_H
#define WG_BASE_ZONES_H

#include "base/core/core.h"

const char *wg_zones_version(void);
uint32_t wg_zone_count(void);
/* Finds a zone and unpacks it. Errors: WG_E_NOT_FOUND | WG_E_NOMEM. */
wg_code wg_zone_find(wg_slice name, uint32_t *out, wg_error *err);
/* The zone whose name is most like it; NULL: none is near. */
const char *wg_zone_suggest(wg_slice name);
const char *wg_zone_name(uint32_t zone); /* of a number that wg_zone_find gave, or any below wg_zone_count */
/* Seconds east of UTC at a moment, in seconds since 1970-01-01T00:00:00 UTC. The zone was found. */
int32_t wg_zone_offset(uint32_t zone, int64_t utc_seconds);
/* The same for a local time, in seconds since 1970-01-01T00:00:00 of the zone's own clock. Where clocks are set back, and a local time comes
 * twice, the earlier moment counts, unless `preferred` is the offset of the later one; one that clocks skip is taken by the offset
 * before the gap, so it becomes as much later as the gap is long. */
int32_t wg_zone_offset_of_local(uint32_t zone, int64_t local_seconds, int32_t preferred);

#endif
