/* Names of a statement's parameters. A text of 1 MiB may use ten thousand of them at a hundred thousand places: each is found by hash. */
#include "base/digest/digest.h"
#include "query/binder/binder.h"

static uint32_t *slot_of(uint32_t *slots, uint32_t slot_count, const char *const *names, wg_slice name) {
    uint64_t at = wg_hash64(0, name.data, name.size);
    for (;; at++) {
        uint32_t *slot = &slots[at & (slot_count - 1)];
        if (*slot == 0 || wg_slice_is(name, names[*slot - 1])) return slot;
    }
}

static bool grow(wgi_params *p, wg_arena *arena) {
    const uint32_t capacity = p->capacity < 8 ? 8 : p->capacity * 2;
    const char **names = wg_arena_alloc_zero(arena, capacity * sizeof *names);
    uint32_t *slots = wg_arena_alloc_zero(arena, (size_t)capacity * 2 * sizeof *slots);
    if (names == NULL || slots == NULL) return false;
    for (uint32_t i = 0; i < p->count; i++) {
        names[i] = p->names[i];
        *slot_of(slots, capacity * 2, names, wg_slice_str(names[i])) = i + 1;
    }
    p->names = names;
    p->capacity = capacity;
    p->slots = slots;
    p->slot_count = capacity * 2;
    return true;
}

bool wgi_params_add(wgi_params *params, wg_arena *arena, wg_slice name) {
    if (wgi_params_find(params, name) != UINT32_MAX) return true;
    if (params->count == WGI_PARAMS_MAX) return false;
    if (params->count == params->capacity && !grow(params, arena)) return false;
    const char *copy = wg_arena_strdup(arena, name);
    if (copy == NULL) return false;
    params->names[params->count] = copy;
    *slot_of(params->slots, params->slot_count, params->names, name) = ++params->count;
    return true;
}

uint32_t wgi_params_find(const wgi_params *params, wg_slice name) {
    if (params == NULL || params->count == 0) return UINT32_MAX;
    const uint32_t number = *slot_of(params->slots, params->slot_count, params->names, name);
    return number == 0 ? UINT32_MAX : number - 1;
}
