/* engine: indexes and constraints of a label ("rules"): making and dropping them. Included by engine.h. */
#ifndef WG_ENGINE_INDEX_H
#define WG_ENGINE_INDEX_H

/* def->name NULL: one is made from its kind, label and properties. Rows that are there already are checked against a constraint.
 * *out_created false: IF NOT EXISTS, and the name or an equal rule exists. Errors: WG_E_EXISTS | WG_E_UNSUPPORTED virtual label |
 * WG_E_CONSTRAINT rows break it. */
wg_code wg_txn_create_rule(wg_txn *txn, const wg_rule_def *def, bool if_not_exists, bool *out_created, wg_error *err);
/* *out_dropped false: IF EXISTS, and there is none. Errors: WG_E_NOT_FOUND | WG_E_CONSTRAINT the index belongs to a constraint. */
wg_code wg_txn_drop_rule(wg_txn *txn, wg_slice name, bool is_index, bool if_exists, bool *out_dropped, wg_error *err);

#endif
