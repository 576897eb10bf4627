/* Holds every variant of the kernels that this machine can run against the reference: `compare_kernels [seed]`. It needs no test library, so
 * tests/neon can build it for another processor. Exit 0: all alike; 1: the first difference is on standard error; 2: only the reference
 * runs here, so nothing was compared. */
#include <stdlib.h>

#include "base/kernels/kernels_compare.h"

int main(int argc, char **argv) {
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    uint32_t compared = 0;
    for (uint32_t i = WG_ISA_SCALAR + 1; i < WG_ISA_COUNT; i++) {
        cmp_run run = {.reference = wg_kernels_of(WG_ISA_SCALAR), .variant = wg_kernels_of((wg_isa)i)};
        if (run.variant == NULL) continue;
        cmp_all(&run, seed + i);
        if (run.failure[0] != 0) {
            (void)fprintf(stderr, "%s (seed %llu)\n", run.failure, (unsigned long long)seed);
            return 1;
        }
        printf("%s: %llu comparisons alike\n", run.variant->name, (unsigned long long)run.checks);
        compared++;
    }
    if (compared == 0) (void)fprintf(stderr, "no variant but the reference runs here\n");
    return compared == 0 ? 2 : 0;
}
