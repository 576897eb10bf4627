/* query/plan: COPY TO. */
#ifndef WG_QUERY_COPY_TO_H
#define WG_QUERY_COPY_TO_H

#include "engine/copy_to.h"
#include "query/plan/statement.h"

typedef struct wgi_copy_out {
    const char *path;
    wg_copy_to_options options;
    const wg_ast *query; /* its rows go to the file */
    const wg_ast *
        counted; /* relationships: a query for how many there are, which must be as many as went; NULL: any number goes */
    const char *label; /* of the relationships */
    uint32_t required; /* the first columns, which may not be null: keys of ends */
} wgi_copy_out;
/* Which properties an open label has is asked of its rows; without `context` (a statement is only checked) all that it may have are taken. */
wg_code wgi_copy_to_statement(wgi_binder *b, const wg_exec_context *context, const wg_ast *ast, wgi_copy_out *out);
/* Plans one of its queries as that of a statement of its own. */
wg_code wgi_copy_plan(wgi_binder *b, const wg_exec_context *context, const wg_ast *query, const wg_plan **out,
                      wgi_columns *columns);

#endif
