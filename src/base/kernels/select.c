/* Which variants this machine can run. The answer depends on the processor and the operating system alone (the compiler's run-time
 * library reads CPUID, and XCR0 for whether the wide registers are saved); no environment variable changes it. */
#include <stdatomic.h>

#include "base/kernels/kernels_internal.h"

#if defined(__x86_64__)
static bool has_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt");
}

static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
}
#endif

const wg_kernels *wg_kernels_of(wg_isa isa) {
    switch (isa) {
        case WG_ISA_SCALAR:
            return &wgi_kernels_scalar;
        case WG_ISA_AVX2:
#if defined(__x86_64__)
            return has_avx2() ? &wgi_kernels_avx2 : NULL;
#else
            return NULL;
#endif
        case WG_ISA_AVX512:
#if defined(__x86_64__)
            if (!has_avx512()) return NULL;
            return __builtin_cpu_supports("avx512vp2intersect") ? &wgi_kernels_avx512_vp2 : &wgi_kernels_avx512;
#else
            return NULL;
#endif
        case WG_ISA_NEON:
#if defined(__aarch64__)
            return &wgi_kernels_neon; /* part of every AArch64 */
#else
            return NULL;
#endif
    }
    return NULL;
}

const wg_kernels *wg_kernels_best(void) {
    /* relaxed: every thread finds the same address of a constant, so nobody waits for anybody */
    static _Atomic(const wg_kernels *) chosen;
    const wg_kernels *best = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (best != NULL) return best;
    static const wg_isa by_speed[] = {WG_ISA_AVX512, WG_ISA_AVX2, WG_ISA_NEON, WG_ISA_SCALAR};
    for (size_t i = 0; best == NULL; i++) best = wg_kernels_of(by_speed[i]);
    atomic_store_explicit(&chosen, best, memory_order_relaxed);
    return best;
}

static const char *const names[WG_ISA_COUNT] = {"scalar", "avx2", "avx512", "neon"};

const char *wg_isa_name(wg_isa isa) { return (uint32_t)isa < WG_ISA_COUNT ? names[isa] : "unknown"; }

bool wg_isa_parse(wg_slice name, wg_isa *out) {
    for (uint32_t i = 0; i < WG_ISA_COUNT; i++) {
        if (!wg_slice_is(name, names[i])) continue;
        *out = (wg_isa)i;
        return true;
    }
    return false;
}
