/* What algorithms.c and algorithms_options.c share. */
#ifndef WG_QUERY_ALGORITHMS_OPTIONS_H
#define WG_QUERY_ALGORITHMS_OPTIONS_H

#include "algorithms/algorithms.h"
#include "query/procedures/procedures.h"

typedef enum wgi_algo_option {
    WGI_OPTION_DIRECTION,
    WGI_OPTION_LABEL,
    WGI_OPTION_WEIGHT,
    WGI_OPTION_ITERATIONS,
    WGI_OPTION_TOLERANCE,
    WGI_OPTION_DAMPING,
    WGI_OPTION_DANGLING,
    WGI_OPTION_DELTA,
    WGI_OPTION_SOURCES,
    WGI_OPTION_SEED,
    WGI_OPTION_RESOLUTION,
    WGI_OPTION_LEVELS,
    WGI_OPTION_COUNT
} wgi_algo_option;
#define WGI_OPTION_BIT(option) (UINT32_C(1) << (option))

typedef struct wgi_algo_options {
    wg_graph_spec graph; /* labels in the arena */
    uint32_t iterations;
    double tolerance;
    double damping;
    bool dangling;
    double delta;
    uint32_t sources; /* 0: all */
    uint64_t seed;
    double resolution;
    uint32_t levels;
} wgi_algo_options;

/* Reads which edges (argument `edges`: null, a name or a list of names) and the options (the argument behind it: null, a direction or a map)
 * into *io, which has the defaults. `allowed`: bits of options that the procedure has. Errors: WG_E_BIND no such option, with the nearest
 * name | WG_E_TYPE | WG_E_VALUE out of range | WG_E_NOT_FOUND a label. */
wg_code wgi_algo_options_read(const wg_procedure_call *call, uint32_t edges, uint32_t allowed, wg_arena *arena,
                              wgi_algo_options *io, wg_error *err);

#endif
