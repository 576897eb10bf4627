/* The canary: a fuzzer with a planted bug. `./dev test fuzz` fails unless this one is caught, so a harness that lost its
 * sanitizer, its feedback or its exit codes cannot report that all is well.
 *
 * The bug: an input of two bytes and more that begins with a W reads one byte past a block of 16, which does no harm and is
 * seen by AddressSanitizer alone. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *block = calloc(16, 1);
    if (block == NULL) return 0;
    const size_t last = size >= 2 && data[0] == 'W' ? 16 : 15;
    const volatile uint8_t *read = block;
    (void)read[last];
    free(block);
    return 0;
}
