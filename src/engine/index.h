/* engine: indexes and constraints of a label ("rules"): making and dropping them, finding rows by an index. Included by engine.h. */
#ifndef WG_ENGINE_INDEX_H
#define WG_ENGINE_INDEX_H

/* def->name NULL: one is made from its kind, label and properties. Rows that are there already are checked against a constraint.
 * *out_created false: IF NOT EXISTS, and the name or an equal rule exists. Errors: WG_E_EXISTS | WG_E_UNSUPPORTED virtual label |
 * WG_E_CONSTRAINT rows break it. */
wg_code wg_txn_create_rule(wg_txn *txn, const wg_rule_def *def, bool if_not_exists, bool *out_created, wg_error *err);
/* *out_dropped false: IF EXISTS, and there is none. Errors: WG_E_NOT_FOUND | WG_E_CONSTRAINT the index belongs to a constraint. */
wg_code wg_txn_drop_rule(wg_txn *txn, wg_slice name, bool is_index, bool if_exists, bool *out_dropped, wg_error *err);

/* Reads all rows that indexes of the transaction's view have not seen, as after an opening. *out_built: how many there are. */
wg_code wg_txn_index_all(const wg_txn *txn, uint32_t *out_built, wg_error *err);

uint64_t wg_engine_index_bytes(const wg_engine *engine); /* memory of all indexes */

/* What an index is asked: the first properties equal these values; of a range index the next one may have bounds. */
typedef struct wg_index_probe {
    const wg_value *equal;
    uint32_t equal_count; /* hash: all of its properties */
    const wg_value *low;  /* of the next property, inclusive or not; NULL: none */
    const wg_value *high;
    const wg_value *start; /* STRING that it begins with; NULL: none. Not with bounds */
} wg_index_probe;

/* Appends to `out` (8 bytes each) the ids, rising and each once, of nodes or edges that the transaction sees, that have the label, and
 * among which are all that answer one of the probes: the caller asks the conditions again. A null in a probe is answered by nothing.
 * The first use of an index after opening builds it, unless wg_txn_index_all was before. Errors: WG_E_NOMEM, those of reading rows. */
wg_code wg_index_seek(const wg_txn *txn, const wg_rule *rule, const wg_index_probe *probes, uint32_t count,
                      wg_buf *out, wg_error *err);

#endif
