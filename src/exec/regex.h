/* exec: regular expressions of =~ (ADR 0016). */
#ifndef WG_EXEC_REGEX_H
#define WG_EXEC_REGEX_H

#include "base/memory/memory.h"

/* The patterns that one evaluator met last, compiled. Not for two threads at a time. */
typedef struct wgi_regex_cache wgi_regex_cache;
/* NULL when out of memory. `account` is charged for what patterns and matching need. */
wgi_regex_cache *wgi_regex_cache_create(wg_account *account);
void wgi_regex_cache_destroy(wgi_regex_cache *cache);

enum {
    WGI_REGEX_PATTERN_BYTES_MAX = 1 << 16,
    WGI_REGEX_STEPS_MAX = 2000000, /* of one match: no pattern takes longer than some tens of milliseconds */
    WGI_REGEX_HEAP_BYTES_MAX = 32 << 20,
    WGI_REGEX_JIT_AFTER = 32 /* matches that must have been asked for before machine code is worth making */
};

/* Does the whole subject match? Both are UTF-8.
 * Errors: WG_E_VALUE the pattern is none, with its place in the pattern | WG_E_LIMIT a pattern too long or too large, a match that takes too
 * many steps | WG_E_NOMEM. */
wg_code wgi_regex_match(wgi_regex_cache *cache, wg_slice pattern, wg_slice subject, bool *out, wg_error *err);

#endif
