/* Keys of the list of runs, and the status that every write looks at. */
#include "primitives/agent/registry.h"

wg_slice wg_registry_key_of(wg_registry_key *key, wg_registry_kind kind, uint32_t number) {
    key->bytes[0] = (uint8_t)kind;
    for (int i = 0; i < 4; i++) key->bytes[1 + i] = (uint8_t)(number >> (24 - 8 * i));
    return wg_slice_of(key->bytes, sizeof key->bytes);
}

wg_code wg_registry_status(wg_agent *agent, uint32_t number, wg_run_status *out, wg_error *err) {
    wg_registry_key bytes;
    wg_state_run *system = wg_state_run_at(agent->state, WG_RUN_SYSTEM);
    const wg_state_key key = wg_state_key_of(system, wg_registry_key_of(&bytes, WG_REGISTRY_STATUS, number));
    wg_state_cell cell = {0};
    wg_code code = wg_state_get(agent->session, system, &key, WG_LOGSEQ_NEVER, 0, &cell, err);
    if (code == WG_OK && cell.version == 0)
        code = wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "run number %u was deleted", number);
    else if (code == WG_OK &&
             (cell.type != WG_TYPE_INT || cell.bytes.size != 8 || wg_load_u64le(cell.bytes.data) > WG_RUN_ARCHIVED))
        code = wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the stored status of run number %u is none", number);
    if (code == WG_OK) *out = (wg_run_status)wg_load_u64le(cell.bytes.data);
    wg_state_cell_deinit(&cell);
    return code;
}
