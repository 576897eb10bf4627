/* engine, inside: bulk writes, and the checks that they share with single ones. Included by engine_internal.h. */
#ifndef WG_ENGINE_BULK_H
#define WG_ENGINE_BULK_H

#include "engine/engine.h"

/* Rows that become nodes with these labels, or edges of this one, by one mutation. */
typedef struct wgi_bulk {
    bool is_edge;
    bool
        trusted; /* strings are UTF-8, integers fit their widths, ends exist and have the labels that they must have */
    const uint32_t *labels;
    uint32_t label_count;
    const uint32_t *keys; /* of the batch's columns */
    wg_batch batch;
    const uint64_t *ends[2]; /* edges */
    wg_slice packed;         /* of these rows (wg_mutation_pack), or none */
    /* Told about each row that cannot be written, in their order: WG_OK leaves it out. NULL: the first one is the error, and
     * err->offset its position. */
    wg_code (*bad)(void *ctx, uint32_t row, const wg_error *why, wg_error *err);
    void *ctx;
} wgi_bulk;
/* *out_rows: how many were written. */
wg_code wgi_bulk_write(wg_txn *txn, const wgi_bulk *bulk, uint64_t *out_first, uint32_t *out_rows, wg_error *err);
/* The checks of single writes that bulk ones make too (write.c). */
wg_code wgi_check_node_labels(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, wg_error *err);
wg_code wgi_check_edge_label(const wg_txn *txn, uint32_t number, const wg_label **out, wg_error *err);
wg_code wgi_check_ends(const wg_txn *txn, const wg_label *label, uint64_t from, uint64_t to, wg_error *err);
wg_code wgi_storable(const wg_txn *txn, uint32_t key, const wg_value *v, uint32_t depth, wg_error *err);
const char *wgi_key_name(const wg_txn *txn, uint32_t key);
/* Sets *err to WG_E_NOT_FOUND: the declared label has no such property, with the nearest name. */
wg_code wgi_unknown_property(const wg_label *label, const char *name, wg_error *err);
/* Sets *err to WG_E_NOT_FOUND: the declared label has no such property, with the nearest name. */
wg_code wgi_unknown_property(const wg_label *label, const char *name, wg_error *err);
/* The values of the label's primary key are whole, and no other node has them. */
wg_code wgi_check_key_values(const wg_txn *txn, const wg_label *label, const wg_value *key, uint64_t own_id,
                             wg_error *err);

/* ALTER of a virtual label's path: another label of the same name takes its place (ddl.c). */
wg_code wgi_set_pattern(wg_txn *txn, const wg_label *label, const char *pattern, wg_error *err);

#endif
