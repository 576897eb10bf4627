/* base/unicode: the tables, written by tools/gen_unicode. All are sorted by code. */
#ifndef WG_BASE_UNICODE_INTERNAL_H
#define WG_BASE_UNICODE_INTERNAL_H

#include "base/unicode/unicode.h"

/* Codes first, first + step, ..., last change by `difference`. */
typedef struct wgi_case_range {
    uint32_t first;
    uint32_t last;
    uint32_t step;
    int32_t difference;
} wgi_case_range;
/* A code that becomes two or three; 0 where there is no third. */
typedef struct wgi_case_many {
    uint32_t code;
    uint32_t to[3];
} wgi_case_many;
/* A full decomposition: `length` codes of the pool. */
typedef struct wgi_decomposition {
    uint32_t code;
    uint16_t at;
    uint16_t length;
} wgi_decomposition;
typedef struct wgi_class_range {
    uint32_t first;
    uint32_t last;
    uint8_t combining;
} wgi_class_range;
typedef struct wgi_composition {
    uint32_t first;
    uint32_t second;
    uint32_t to;
} wgi_composition;

extern const char wgi_unicode_version[];
extern const wgi_case_range wgi_upper[], wgi_lower[];
extern const uint32_t wgi_upper_count, wgi_lower_count;
extern const wgi_case_many wgi_upper_many[], wgi_lower_many[];
extern const uint32_t wgi_upper_many_count, wgi_lower_many_count;
extern const wgi_decomposition wgi_canonical[], wgi_compat[];
extern const uint32_t wgi_canonical_count, wgi_compat_count;
extern const uint32_t wgi_canonical_pool[], wgi_compat_pool[];
extern const wgi_class_range wgi_classes[];
extern const uint32_t wgi_class_count;
extern const wgi_composition wgi_compositions[];
extern const uint32_t wgi_composition_count;

#endif
