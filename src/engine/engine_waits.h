/* engine: how long a statement waits for another transaction, and what it leaves alone while it is only prepared. Part of engine.h. */
#ifndef WG_ENGINE_WAITS_H
#define WG_ENGINE_WAITS_H

#include "engine/engine.h"

/* As wg_txn_begin; waiting for the writer ends when `cancel` (NULL: nothing) says so, with its code. It must live as long as the transaction, or until
 * another takes its place: wg_txn_wait_within. */
wg_code wg_txn_begin_within(wg_engine *engine, wg_txn_mode mode, uint64_t as_of, const wg_cancel *cancel,
                            wg_txn **out, wg_error *err);
void wg_txn_wait_within(wg_txn *txn, const wg_cancel *cancel);

/* While a statement is only prepared in a transaction it makes no names and takes no writer's place. */
void wg_txn_only_check(wg_txn *txn, bool on);
bool wg_txn_makes_names(const wg_txn *txn);

#endif
