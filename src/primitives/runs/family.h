/* How two runs are related, and the keys that may differ between them. */
#ifndef WG_PRIMITIVES_FAMILY_H
#define WG_PRIMITIVES_FAMILY_H

#include "primitives/runs/runs_internal.h"

enum { WGI_FAMILY_DEPTH_MAX = 4096 };

/* A run as a reader of a descendant sees it. */
typedef struct wgi_ancestor {
    wg_state_run *run;
    uint64_t version;
} wgi_ancestor;

/* The run itself at `version`, then its parent at the fork, and so on; in the arena. */
typedef struct wgi_lineage {
    wgi_ancestor *items;
    uint32_t count;
} wgi_lineage;

wg_code wgi_lineage_of(const wg_agent_run *run, uint64_t version, wg_arena *arena, wgi_lineage *out, wg_error *err);
/* Indices of the nearest run that both have; false: none. */
bool wgi_lineage_meet(const wgi_lineage *a, const wgi_lineage *b, uint32_t *out_a, uint32_t *out_b);

/* Keys, sorted and each once, that were touched on either side since they parted; keys of users only. */
typedef struct wgi_key_list {
    wg_arena *arena;
    wg_buf slices; /* wg_slice each */
} wgi_key_list;
void wgi_keys_init(wgi_key_list *list, wg_arena *arena);
void wgi_keys_deinit(wgi_key_list *list);
/* Those of `line` below index `meet`. */
wg_code wgi_keys_own(wgi_key_list *list, const wgi_lineage *line, uint32_t meet, wg_error *err);
/* Those that one run changed in (since, until]. */
wg_code wgi_keys_changed(wgi_key_list *list, wg_state_run *run, uint64_t since, uint64_t until, wg_error *err);
/* Those that can be seen at a version. */
wg_code wgi_keys_visible(wgi_key_list *list, const wg_agent_run *run, uint64_t version, wg_error *err);
void wgi_keys_sort(wgi_key_list *list);
uint32_t wgi_keys_count(const wgi_key_list *list);
wg_slice wgi_keys_at(const wgi_key_list *list, uint32_t i);

#endif
