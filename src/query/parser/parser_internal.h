/* query/parser: what its files share.
 *
 * Every parse function returns the node or NULL after it set p->err (the first error wins), so callers only test for
 * NULL. Children are pushed on p->stack and moved into the arena when their parent is finished. */
#ifndef WG_QUERY_PARSER_INTERNAL_H
#define WG_QUERY_PARSER_INTERNAL_H

#include "query/parser/parser.h"

typedef struct wgi_parser {
    wg_slice text;
    const wg_token *tokens;
    uint32_t token_count;
    uint32_t at; /* index of the next token */
    uint32_t depth;
    uint32_t node_count;
    bool bar_ends; /* a '|' ends the expression in hand: it is none of a label expression */
    wg_arena *arena;
    wg_error *err;
    wg_code code;
    const wg_error *bad; /* of the lexer */
    wg_buf stack;        /* of wg_ast pointers */
} wgi_parser;

/* ---- parser.c: tokens */
const wg_token *wgi_peek(const wgi_parser *p);
/* The token `ahead` places on; the end token when there is none. */
const wg_token *wgi_peek_at(const wgi_parser *p, uint32_t ahead);
bool wgi_at_punct(const wgi_parser *p, wg_punct punct);
bool wgi_at_keyword(const wgi_parser *p, wg_keyword keyword);
bool wgi_at_keywords(const wgi_parser *p, wg_keyword first, wg_keyword second);
bool wgi_take_punct(wgi_parser *p, wg_punct punct);
bool wgi_take_keyword(wgi_parser *p, wg_keyword keyword);
bool wgi_take_keywords(wgi_parser *p, wg_keyword first, wg_keyword second);
/* Words of GQL are names everywhere else: told by their text, in capitals here, `ahead` tokens on. */
bool wgi_at_word(const wgi_parser *p, uint32_t ahead, const char *word); /* `word` in capitals */
bool wgi_take_word(wgi_parser *p, const char *word);
/* `where` completes "expected X ...": "after ORDER", "to close the list"; may be "". */
bool wgi_expect_punct(wgi_parser *p, wg_punct punct, const char *where);
bool wgi_expect_keyword(wgi_parser *p, wg_keyword keyword, const char *where);
/* Sets a syntax error at the next token: "found X, expected Y". Returns NULL. */
wg_ast *wgi_unexpected(wgi_parser *p, const char *expected);
/* parser_hints.c: what to write instead of what stands here in other languages; NULL: nothing is known. */
const char *wgi_hint(const wgi_parser *p);
/* Sets an error at an offset. Returns NULL. */
wg_ast *wgi_fail(wgi_parser *p, wg_code code, uint32_t offset, const char *message);
bool wgi_enter(wgi_parser *p);
void wgi_leave(wgi_parser *p);

/* ---- parser.c: names. All return false with the error set. */
bool wgi_is_name(const wg_token *t);     /* a variable, alias, function */
bool wgi_is_any_name(const wg_token *t); /* a label, type, property key: reserved words too */
bool wgi_name(wgi_parser *p, const char *what, wg_slice *out);
bool wgi_any_name(wgi_parser *p, const char *what, wg_slice *out);
bool wgi_key(wgi_parser *p, const char *what, wg_slice *out); /* of a map: any name, and `` */
bool wgi_string(wgi_parser *p, const char *what, wg_slice *out);

/* ---- parser.c: nodes */
size_t wgi_mark(const wgi_parser *p);
bool wgi_push_child(wgi_parser *p, wg_ast *node); /* NULL is a missing child */
/* Makes a node of everything pushed since `mark`; its range ends with the last token taken. */
wg_ast *wgi_node(wgi_parser *p, wg_ast_kind kind, uint32_t start, size_t mark);
wg_ast *wgi_leaf(wgi_parser *p, wg_ast_kind kind, uint32_t start);
uint32_t wgi_start(const wgi_parser *p); /* of the next token */
/* Parses with `rule` and pushes. */
typedef wg_ast *(*wgi_rule)(wgi_parser *p);
bool wgi_push_rule(wgi_parser *p, wgi_rule rule);
/* NAME node of a label, type or column. */
wg_ast *wgi_name_node(wgi_parser *p, const char *what);

/* ---- rules */
wg_ast *wgi_expression(wgi_parser *p);
wg_ast *wgi_string_node(wgi_parser *p, const char *what);
wg_ast *wgi_integer_or_parameter(wgi_parser *p, const char *what);
wg_ast *wgi_parameter(wgi_parser *p);
wg_ast *wgi_map(wgi_parser *p);
wg_ast *wgi_pattern(wgi_parser *p);
wg_ast *wgi_path(wgi_parser *p);          /* with an optional variable */
wg_ast *wgi_path_elements(wgi_parser *p); /* (a)-->(b), no variable */
wg_ast *wgi_shortest_path(wgi_parser *p);
bool wgi_at_shortest_path(const wgi_parser *p);
/* True when a '(' here starts a pattern with at least one relationship; looks ahead, takes nothing. */
bool wgi_at_path_expression(const wgi_parser *p);
/* True when [ here is followed by a pattern and then WHERE or '|'. The '[' is already taken. */
bool wgi_at_pattern_comprehension(const wgi_parser *p);
wg_ast *wgi_property_target(wgi_parser *p);
/* a.b.c of a function or procedure, joined with dots. */
bool wgi_dotted_name(wgi_parser *p, const char *what, wg_slice *out);
wg_ast *wgi_query(wgi_parser *p);
/* Inside EXISTS { } and COUNT { }: a query, or a bare pattern with an optional WHERE. */
wg_ast *wgi_subquery_body(wgi_parser *p);
/* DDL, COPY, SHOW, transactions. *out_handled false when the next token starts none of them. */
wg_ast *wgi_other_statement(wgi_parser *p, bool *out_handled);
bool wgi_push_labels(wgi_parser *p);
wg_ast *wgi_label_name(wgi_parser *p, const char *what); /* parser_label.c */
/* ---- parser_label.c */
/* Pushes labels of which all must hold, or types of which one must. */
bool wgi_push_label_expression(wgi_parser *p, bool types);
/* The same behind ':' or IS; without these nothing. */
bool wgi_push_label_test(wgi_parser *p, bool types);
/* ---- parser_gql.c: FILTER, LET, FOR, FINISH; words that begin a clause only where a clause may begin */
bool wgi_at_gql_clause(const wgi_parser *p);
wg_ast *wgi_gql_clause(wgi_parser *p);
/* What stands behind IS: NULL, a type, labels; `left` is what is asked. */
wg_ast *wgi_is_test(wgi_parser *p, wg_ast *left);
wg_ast *wgi_unary_node(wgi_parser *p, wg_ast_op op, wg_ast *operand);
/* ---- parser_path.c */
/* The quantifier behind a relationship or a path in parentheses; false with p->code set, or *out_any false: none stands here. */
bool wgi_quantifier(wgi_parser *p, bool *out_any, int64_t *out_least, int64_t *out_most);
bool wgi_at_quantifier(const wgi_parser *p);
/* Which of the paths are wanted, and what each may repeat: op, i and j of a PATH. */
typedef struct wgi_path_prefix {
    uint8_t op;
    int64_t count, mode;
} wgi_path_prefix;
bool wgi_path_prefix_of(wgi_parser *p, wgi_path_prefix *out);
/* IF NOT EXISTS (`not`) or IF EXISTS into the flags. False on error. */
bool wgi_take_if(wgi_parser *p, bool not, uint8_t *flags);
wg_ast *wgi_column_type(wgi_parser *p);
wg_ast *wgi_column(wgi_parser *p);   /* name TYPE [NOT NULL] [DEFAULT expression] */
wg_ast *wgi_computed(wgi_parser *p); /* name = expression */

/* ---- parser_schema.c: ALTER, SHOW */
bool wgi_at_alter(const wgi_parser *p);
wg_ast *wgi_alter_label(wgi_parser *p, uint32_t start);
/* SHOW is the next token: the procedure that answers. False on error. */
bool wgi_show_target(wgi_parser *p, wg_slice *out);

/* ---- parser_rule.c: indexes and constraints. Their words are no keywords: they are names everywhere else. */
bool wgi_at_create_rule(const wgi_parser *p);
wg_ast *wgi_create_rule(wgi_parser *p, uint32_t start); /* CREATE is the next token */
wg_ast *wgi_drop_rule(wgi_parser *p, uint32_t start);   /* DROP is taken */

#endif
