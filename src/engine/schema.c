/* The epoch of the catalog: what tells that a plan which was made earlier still means the same.
 *
 * Numbers are given out by one counter of the process, so an engine that is opened where another was closed never has one of its numbers. An
 * epoch begins behind the change that causes it: whoever saw a part of the change under the old number finds another one afterwards and keeps
 * nothing of it. The change itself is of a commit that may not be there yet; snapshots before it are of no epoch (`since`), and none is while it
 * has no number. */
#include "engine/engine_internal.h"

static _Atomic uint64_t last_epoch;

static void new_epoch(wg_engine *engine, uint64_t since) {
    atomic_store_explicit(&engine->schema.since, since, memory_order_relaxed);
    const uint64_t epoch = atomic_fetch_add_explicit(&last_epoch, 1, memory_order_relaxed) + 1;
    /* release; pairs with the acquire in wg_engine_schema_epoch: who sees the number sees the change and `since` */
    atomic_store_explicit(&engine->schema.epoch, epoch, memory_order_release);
}

void wgi_schema_changed(wg_engine *engine, uint64_t begin) {
    const uint64_t since = atomic_load_explicit(&engine->schema.since, memory_order_relaxed);
    if (begin > since) engine->schema.committed = since;
    new_epoch(engine, begin > since ? begin : since);
}

void wgi_schema_stamp(wg_engine *engine, uint64_t logseq) {
    if (atomic_load_explicit(&engine->schema.since, memory_order_relaxed) == WG_LOGSEQ_OWN)
        atomic_store_explicit(&engine->schema.since, logseq,
                              memory_order_relaxed); /* before the commit is published */
}

void wgi_schema_undone(wg_engine *engine) { new_epoch(engine, engine->schema.committed); }

uint64_t wg_engine_schema_epoch(const wg_engine *engine, uint64_t *out_since) {
    const uint64_t epoch = atomic_load_explicit(&engine->schema.epoch, memory_order_acquire);
    *out_since = atomic_load_explicit(&engine->schema.since, memory_order_relaxed);
    return epoch;
}

/* Kinds are listed that change no definition, so that a new kind counts as one that does. */
bool wgi_is_row_mutation(wg_mutation_kind kind) {
    switch ((int)kind) {
        case WG_MUTATION_CREATE_NODE:
        case WG_MUTATION_CREATE_NODES:
        case WG_MUTATION_CREATE_EDGE:
        case WG_MUTATION_SET_NODE:
        case WG_MUTATION_SET_EDGE:
        case WG_MUTATION_CHANGE_LABELS:
        case WG_MUTATION_DELETE_NODE:
        case WG_MUTATION_DELETE_EDGE:
        case WG_MUTATION_TIME:
        case WG_MUTATION_RUN_COMMIT:
        case WG_MUTATION_RUN_CREATE:
        case WG_MUTATION_RUN_DROP:
        case WG_MUTATION_LOAD_NODES:
        case WG_MUTATION_LOAD_EDGES:
            return true;
        default:
            return false;
    }
}

bool wg_txn_has_writes(const wg_txn *txn) { return txn->undo.size > 0; }

static bool has(const uint32_t *keys, uint32_t count, uint32_t key) {
    for (uint32_t i = 0; i < count; i++)
        if (keys[i] == key) return true;
    return false;
}

/* Files of virtual labels may declare a key, which nobody holds them to. */
static bool has_primary_key(const wg_label *label, const uint32_t *keys, uint32_t key_count) {
    if (label == NULL || label->def.kind != WG_LABEL_OWNED || label->def.key_count == 0) return false;
    for (uint32_t k = 0; k < label->def.key_count; k++)
        if (!has(keys, key_count, label->column_keys[label->def.key_columns[k]])) return false;
    return true;
}

bool wg_txn_keys_are_unique(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, const uint32_t *keys,
                            uint32_t key_count) {
    if (wg_txn_has_writes(txn)) return false;
    for (uint32_t i = 0; i < label_count; i++)
        if (has_primary_key(wg_catalog_label_seen(txn->engine->catalog, labels[i], txn->view), keys, key_count))
            return true;
    return false;
}
