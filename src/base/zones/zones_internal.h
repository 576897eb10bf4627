/* base/zones: the packed data (zones_data_*.c, made by tools/gen_zones). */
#ifndef WG_BASE_ZONES_INTERNAL_H
#define WG_BASE_ZONES_INTERNAL_H

#include "base/zones/zones.h"

typedef struct wgi_zone_source {
    const char *name;
    const char *text; /* "=name": the same as that one */
} wgi_zone_source;

extern const char wgi_zones_version[];
extern const uint32_t wgi_zones_count_1, wgi_zones_count_2;
extern const wgi_zone_source wgi_zones_1[], wgi_zones_2[]; /* one list, sorted by bytes */

#endif
