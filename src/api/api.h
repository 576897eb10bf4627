/* api: what a program that is linked with the library statically may do beyond worldgraph.h. It is not installed and may change. */
#ifndef WG_API_H
#define WG_API_H

#include "query/procedures/procedures.h"

/* The procedures of a database: wg_procedure_register adds to them. Lives as long as the database. */
wg_procedures *wg_db_procedures(wg_db *db);

#endif
