/* query/parser: query text to wg_ast. docs/language/grammar.ebnf is the grammar that it accepts. */
#ifndef WG_QUERY_PARSER_H
#define WG_QUERY_PARSER_H

#include "query/ast/ast.h"
#include "query/lexer/lexer.h"

/* Parentheses, brackets, braces, CASE and subqueries inside each other. */
#define WG_PARSER_NESTING_MAX 256u

/* Parses one statement; a trailing ';' is accepted.
 * Owns:    the tree lives in `arena`; it borrows nothing from `text`.
 * Threads: any, one at a time on an arena.
 * Errors:  WG_E_SYNTAX with offset, line and column, saying what was found and what was expected |
 *          WG_E_LIMIT text, nesting, tree height or node count | WG_E_NOMEM. */
WG_MUST_USE wg_code wg_parse(wg_slice text, wg_arena *arena, const wg_ast **out, wg_error *err);

/* Parses one expression alone: for computed columns that are stored as text. */
WG_MUST_USE wg_code wg_parse_expression(wg_slice text, wg_arena *arena, const wg_ast **out, wg_error *err);

/* Best guess for a misspelt word: the candidate with the least edit distance (transpositions count as one) if that is
 * small for the word's length, compared without regard to ASCII case; the one that begins alike among equals; NULL when none is near. */
const char *wg_parser_suggest(wg_slice word, const char *const *candidates, size_t count);

#endif
