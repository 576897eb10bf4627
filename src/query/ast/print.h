/* query/ast: what the files of the canonical text share. */
#ifndef WG_QUERY_PRINT_H
#define WG_QUERY_PRINT_H

#include "query/ast/ast.h"

typedef struct wgi_printer {
    wg_buf *out;
    bool failed;
} wgi_printer;

/* ---- print.c */
void wgi_print_text(wgi_printer *pr, const char *s);
void wgi_print_bytes(wgi_printer *pr, const void *data, size_t size);
void wgi_print_name(wgi_printer *pr, wg_slice name);
void wgi_print_any_name(wgi_printer *pr, wg_slice name);
void wgi_print_int(wgi_printer *pr, int64_t v);
void wgi_print_node(wgi_printer *pr, const wg_ast *a);
void wgi_print_list(wgi_printer *pr, const wg_ast *a, uint32_t from, const char *separator);
void wgi_print_optional(wgi_printer *pr, const char *before, const wg_ast *child);
void wgi_print_with_keyword(wgi_printer *pr, const char *keyword, const wg_ast *a, const char *separator);

/* ---- print_statement.c: statements that are no queries */
bool wgi_print_rule(wgi_printer *pr, const wg_ast *a); /* indexes and constraints; false: it is something else */
void wgi_print_statement(wgi_printer *pr, const wg_ast *a);

#endif
