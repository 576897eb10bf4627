/* query/plan: statements that are not queries. */
#ifndef WG_QUERY_STATEMENT_H
#define WG_QUERY_STATEMENT_H

#include "query/plan/planner.h"

/* Builds the definition of CREATE NODE LABEL or CREATE EDGE LABEL and checks what can be checked without the files. */
wg_code wgi_label_def(wgi_binder *b, const wg_ast *ast, wg_label_def *out);

typedef struct wgi_copy {
    const char *path;
    wg_copy_options options;
} wgi_copy;
wg_code wgi_copy_statement(wgi_binder *b, const wg_ast *ast, wgi_copy *out);

/* A plan whose rows are these values, row after row. */
wg_code wgi_rows_plan(wgi_binder *b, const wg_value *cells, uint32_t row_count, const char *const *names,
                      const wg_type *types, uint32_t column_count, const wg_plan **out);
/* SHOW LABELS: label, of (NODE or EDGE), kind, columns, rows, source. */
wg_code wgi_show_labels(wgi_binder *b, const wg_plan **out, wgi_columns *columns);

#endif
