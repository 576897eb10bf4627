/* The epoch of the catalog (schema.c). */
#ifndef WG_ENGINE_SCHEMA_H
#define WG_ENGINE_SCHEMA_H

#include "engine/engine.h"
#include "worldgraph/wal/wal.h"

typedef struct wgi_schema {
    _Atomic uint64_t epoch; /* release; pairs with the acquire in wg_engine_schema_epoch */
    _Atomic uint64_t since;
    uint64_t committed; /* writer: `since` without the open transaction */
} wgi_schema;

/* The catalog has changed, for commit `begin` or by taking such a change back: a new epoch. Called behind the change. */
void wgi_schema_changed(wg_engine *engine, uint64_t begin);
/* What WG_LOGSEQ_OWN changed is of commit `logseq`; or nothing of it is left, and `logseq` is in the past. */
void wgi_schema_stamp(wg_engine *engine, uint64_t logseq);
void wgi_schema_undone(wg_engine *engine); /* the writer has taken back all that it changed */
/* True for mutations that change nothing but rows. */
bool wgi_is_row_mutation(wg_mutation_kind kind);

#endif
