/* api: what a program that is linked with the library statically may do beyond worldgraph.h. It is not installed and may change. */
#ifndef WG_API_H
#define WG_API_H

#include "query/procedures/procedures.h"

/* The procedures of a database: wg_procedure_register adds to them. Lives as long as the database. */
wg_procedures *wg_db_procedures(wg_db *db);

/* The newest engine, and the threads that queries share. Both live as long as the database while nothing is opened anew. */
wg_engine *wg_db_engine(wg_db *db);
wg_pool *wg_db_pool(wg_db *db);
/* Row `row` as `worldgraph query --json` writes it, replacing what `out` holds; false when out of memory. */
bool wg_result_row_json(const wg_result *result, uint64_t row, wg_buf *out);

/* Is told of each task that a statement of the session has done; it must outlive its use. NULL: none. For tests. */
void wg_session_watch(wg_session *session, const wg_exec_watch *watch);

#endif
