/* For tests only: where random choices of a test begin. `./dev test` sets WG_SEED anew for each run and prints it; without it a test
 * does the same each time. */
#ifndef WG_BASE_TEST_SEED_H
#define WG_BASE_TEST_SEED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Tests with several generators give each its own `number`. */
static inline uint64_t wg_test_seed(uint64_t number) {
    const char *text = getenv("WG_SEED");
    return text == NULL ? number : number + strtoull(text, NULL, 10) * UINT64_C(1000003);
}

/* Under sanitizers `./dev test` asks for less of the same. */
static inline bool wg_test_small(void) {
    const char *size = getenv("WG_TEST_SIZE");
    return size != NULL && strcmp(size, "small") == 0;
}

#endif
