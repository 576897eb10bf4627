/* exec: rows that a plan has given. exec.h has the rest of the contract. */
#ifndef WG_EXEC_ROWS_H
#define WG_EXEC_ROWS_H

#include "base/column/column.h"

/* Materialised rows, column by column; charged to the account until destroyed. */
typedef struct wg_rows wg_rows;
void wg_rows_destroy(wg_rows *rows);
uint64_t wg_rows_count(const wg_rows *rows);
uint32_t wg_rows_column_count(const wg_rows *rows);
wg_type wg_rows_column_type(const wg_rows *rows, uint32_t column);
wg_value wg_rows_cell(const wg_rows *rows, uint64_t row, uint32_t column); /* NODE, EDGE as ids */
/* Rows in pieces of at most WG_BATCH_ROWS_MAX: piece i is rows i * WG_BATCH_ROWS_MAX and up. Vectors live as long as the rows. */
uint32_t wg_rows_piece_count(const wg_rows *rows);
void wg_rows_piece(const wg_rows *rows, uint32_t piece, wg_vector *vectors, wg_batch *out);

#endif
