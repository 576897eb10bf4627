/* query: what a statement that is right may not mean: notes, each with a GQLSTATUS, a place and a sentence. */
#ifndef WG_QUERY_NOTES_H
#define WG_QUERY_NOTES_H

#include "query/query.h"

/* Of a statement that was planned: functions of its text and of the names that the transaction's view knows. In the order of the text; of equal
 * ones the first. Notes are in the arena. Errors: WG_E_NOMEM. */
wg_code wgi_notes_make(const wg_prepared *q, const wg_txn *txn, wg_arena *arena, wg_query_notes *out, wg_error *err);
/* Copies them into another arena. */
wg_code wgi_notes_copy(const wg_query_notes *from, wg_arena *arena, wg_query_notes *out, wg_error *err);

#endif
