/* query/plan: statements that are not queries. */
#ifndef WG_QUERY_STATEMENT_H
#define WG_QUERY_STATEMENT_H

#include "query/plan/planner.h"

/* Builds the definition of CREATE NODE LABEL or CREATE EDGE LABEL and checks what can be checked without the files. */
wg_code wgi_label_def(wgi_binder *b, const wg_ast *ast, wg_label_def *out);

/* The name of a label, column, index or constraint, in the arena. */
wg_code wgi_definition_name(wgi_binder *b, const wg_ast *at, wg_slice name, const char **out);
wg_code wgi_bind_column_type(wgi_binder *b, const wg_ast *type, wg_column_def *out);

/* Definition of CREATE INDEX or CREATE CONSTRAINT; labels and properties that may be new are made. */
wg_code wgi_rule_def(wgi_binder *b, const wg_ast *ast, wg_rule_def *out);
/* Name of the index that DROP INDEX ON :Label(p) means. */
wg_code wgi_rule_of_old_drop(wgi_binder *b, const wg_ast *ast, wg_slice *out);

typedef struct wgi_copy {
    const char *path;
    wg_copy_options options;
} wgi_copy;
wg_code wgi_copy_statement(wgi_binder *b, const wg_ast *ast, wgi_copy *out);
/* Parts of it that COPY TO shares: options, and FROM or TO with a label; `edge` (may be NULL) declares its ends. */
wg_code wgi_copy_option_string(wgi_binder *b, const wg_ast *option, wg_slice *out);
wg_code wgi_copy_option_character(wgi_binder *b, const wg_ast *option, char *out);
wg_code wgi_copy_option_format(wgi_binder *b, const wg_ast *option, wg_copy_format *out);
wg_code wgi_copy_file_name(wgi_binder *b, const wg_ast *at, wg_slice text, const char **out);
bool wgi_copy_is_word(wg_slice text, const char *word); /* `word` in capitals */
wg_code wgi_copy_end(wgi_binder *b, const wg_ast *ast, const wg_label *edge, wgi_copy *out);

/* A plan whose rows are these values, row after row. */
wg_code wgi_rows_plan(wgi_binder *b, const wg_value *cells, uint32_t row_count, const char *const *names,
                      const wg_type *types, uint32_t column_count, const wg_plan **out);

/* ---- schema.c */
/* A COLUMN with its default, which is evaluated. */
wg_code wgi_column_def_of(wgi_binder *b, const wg_ast *column, wg_column_def *out);
/* The columns that CREATE NODE LABEL computes, added to the label that was just made. */
wg_code wgi_add_computed(wgi_binder *b, wg_slice label, bool is_edge, wg_ast *const *computed, uint32_t count);
/* ALTER: binds it, and carries it out when `run`. */
wg_code wgi_alter_statement(wgi_binder *b, const wg_ast *ast, bool run);

#endif
