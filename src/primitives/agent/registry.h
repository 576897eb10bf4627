/* The list of runs: records in run 0, written in the same commits of the log that make and drop runs.
 *   'n' name                 INT number
 *   'r' number (u32, high byte first)  MAP: the record (runs.c)
 *   's' number               INT status: what every write looks at
 *   'c'                      INT: the next number */
#ifndef WG_PRIMITIVES_REGISTRY_H
#define WG_PRIMITIVES_REGISTRY_H

#include "primitives/agent/agent.h"

typedef enum wg_registry_kind {
    WG_REGISTRY_NAME = 'n',
    WG_REGISTRY_RECORD = 'r',
    WG_REGISTRY_STATUS = 's',
    WG_REGISTRY_COUNTER = 'c'
} wg_registry_kind;

typedef struct wg_registry_key {
    uint8_t bytes[5];
} wg_registry_key;
wg_slice wg_registry_key_of(wg_registry_key *key, wg_registry_kind kind, uint32_t number); /* RECORD, STATUS */

/* WG_E_NOT_FOUND: deleted, or never there. */
wg_code wg_registry_status(wg_agent *agent, uint32_t number, wg_run_status *out, wg_error *err);

#endif
