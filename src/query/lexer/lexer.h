/* query/lexer: query text to an array of tokens.
 *
 * The whole text is cut into tokens before parsing, so that the parser may look ahead for free. Nothing is decoded
 * here: a token is a kind and a byte range. Keywords are soft: a keyword token is also a name wherever the grammar
 * says so, which only the parser knows.
 *
 * A lexical error does not stop the call. It becomes the last token before the end, WG_TOKEN_BAD, and its description
 * is kept aside: an earlier syntax error is then reported first, as a reader expects. */
#ifndef WG_QUERY_LEXER_H
#define WG_QUERY_LEXER_H

#include "base/core/core.h"
#include "base/memory/memory.h"

#define WG_QUERY_TEXT_BYTES_MAX ((size_t)1 << 20)

typedef enum wg_token_kind {
    WG_TOKEN_END,
    WG_TOKEN_BAD,
    WG_TOKEN_NAME,   /* unquoted, not a keyword */
    WG_TOKEN_QUOTED, /* `name`, backticks included; `` inside stands for one backtick */
    WG_TOKEN_KEYWORD,
    WG_TOKEN_INTEGER, /* 12, 0x1F, 0o17: digits checked, range not */
    WG_TOKEN_FLOAT,
    WG_TOKEN_STRING, /* quotes included, escapes not yet checked */
    WG_TOKEN_PUNCT   /* `punct` says which */
} wg_token_kind;

typedef enum wg_punct {
    WG_P_NONE,
    WG_P_LPAREN,
    WG_P_RPAREN,
    WG_P_LBRACKET,
    WG_P_RBRACKET,
    WG_P_LBRACE,
    WG_P_RBRACE,
    WG_P_COMMA,
    WG_P_SEMICOLON,
    WG_P_COLON,
    WG_P_DOT,
    WG_P_DOTDOT,
    WG_P_PIPE,
    WG_P_DOLLAR,
    WG_P_PLUS,
    WG_P_PLUS_EQ,
    WG_P_MINUS,
    WG_P_STAR,
    WG_P_SLASH,
    WG_P_PERCENT,
    WG_P_CARET,
    WG_P_EQ,
    WG_P_NE,
    WG_P_LT,
    WG_P_LE,
    WG_P_GT,
    WG_P_GE,
    WG_P_REGEX,
    WG_P_AMP,
    WG_P_BANG
} wg_punct;

/* X(NAME, reserved). A reserved word is a variable or alias only between backticks; the others are names anywhere.
 * Sorted by name. */
#define WG_KEYWORD_LIST(X) \
    X(ALL, 1)              \
    X(ALLSHORTESTPATHS, 0) \
    X(AND, 1)              \
    X(ANY, 0)              \
    X(AS, 1)               \
    X(ASC, 1)              \
    X(ASCENDING, 1)        \
    X(BEGIN, 0)            \
    X(BY, 1)               \
    X(CALL, 0)             \
    X(CASE, 1)             \
    X(COLUMNS, 0)          \
    X(COMMIT, 0)           \
    X(COMPUTE, 0)          \
    X(CONTAINS, 1)         \
    X(COPY, 0)             \
    X(COUNT, 0)            \
    X(CREATE, 1)           \
    X(DELETE, 1)           \
    X(DELIMITER, 0)        \
    X(DESC, 1)             \
    X(DESCENDING, 1)       \
    X(DETACH, 1)           \
    X(DISTINCT, 1)         \
    X(DROP, 0)             \
    X(EDGE, 0)             \
    X(ELSE, 1)             \
    X(END, 1)              \
    X(ENDS, 1)             \
    X(EXISTS, 1)           \
    X(EXPLAIN, 0)          \
    X(FALSE, 1)            \
    X(FIRST, 0)            \
    X(FOREACH, 0)          \
    X(FROM, 0)             \
    X(HEADER, 0)           \
    X(IF, 0)               \
    X(IN, 1)               \
    X(IS, 1)               \
    X(KEY, 0)              \
    X(LABEL, 0)            \
    X(LABELS, 0)           \
    X(LAST, 0)             \
    X(LIMIT, 1)            \
    X(MATCH, 1)            \
    X(MERGE, 1)            \
    X(NODE, 0)             \
    X(NONE, 0)             \
    X(NOT, 1)              \
    X(NULL, 1)             \
    X(NULLS, 0)            \
    X(OF, 0)               \
    X(ON, 1)               \
    X(ONLY, 0)             \
    X(OPTIONAL, 1)         \
    X(OR, 1)               \
    X(ORDER, 1)            \
    X(PARTITION, 0)        \
    X(PRIMARY, 0)          \
    X(PROFILE, 0)          \
    X(READ, 0)             \
    X(REDUCE, 0)           \
    X(REMOVE, 1)           \
    X(RETURN, 1)           \
    X(ROLLBACK, 0)         \
    X(SET, 1)              \
    X(SHORTESTPATH, 0)     \
    X(SHOW, 0)             \
    X(SINGLE, 0)           \
    X(SKIP, 1)             \
    X(START, 0)            \
    X(STARTS, 1)           \
    X(THEN, 1)             \
    X(TO, 0)               \
    X(TRANSACTION, 0)      \
    X(TRUE, 1)             \
    X(UNION, 1)            \
    X(UNWIND, 1)           \
    X(VIRTUAL, 0)          \
    X(WHEN, 1)             \
    X(WHERE, 1)            \
    X(WITH, 1)             \
    X(XOR, 1)              \
    X(YIELD, 0)

#define WG_KEYWORD_ENUM(name, reserved) WG_KW_##name,
typedef enum wg_keyword { WG_KW_NONE_OF_THEM, WG_KEYWORD_LIST(WG_KEYWORD_ENUM) WG_KW_COUNT_OF_THEM } wg_keyword;
#undef WG_KEYWORD_ENUM

typedef struct wg_token {
    uint32_t start;
    uint32_t end;
    uint8_t kind;    /* wg_token_kind */
    uint8_t punct;   /* wg_punct, of WG_TOKEN_PUNCT */
    uint8_t keyword; /* wg_keyword, of WG_TOKEN_KEYWORD */
    bool spaced;     /* white space or a comment stands before it */
} wg_token;

typedef struct wg_token_list {
    const wg_token *items; /* ends with WG_TOKEN_END */
    uint32_t count;        /* WG_TOKEN_END included */
    wg_error bad;          /* of the WG_TOKEN_BAD, when there is one: WG_E_SYNTAX with offset */
} wg_token_list;

/* Cuts `text` (UTF-8, checked by the caller, at most WG_QUERY_TEXT_BYTES_MAX bytes) into tokens.
 * Owns:   out->items lives in `arena`.
 * Errors: WG_E_LIMIT text too long | WG_E_NOMEM. Lexical errors are tokens, see above. */
WG_MUST_USE wg_code wg_lexer_run(wg_slice text, wg_arena *arena, wg_token_list *out, wg_error *err);

/* "MATCH"; never NULL. */
const char *wg_lexer_keyword_name(wg_keyword keyword);
bool wg_lexer_keyword_reserved(wg_keyword keyword);
/* The keyword that `word` spells in any case, or WG_KW_NONE_OF_THEM. */
wg_keyword wg_lexer_keyword_find(wg_slice word);
/* "(", "..", ...; never NULL. */
const char *wg_lexer_punct_name(wg_punct punct);
/* True when `name` can be written without backticks anywhere: one unquoted name token that is no keyword. */
bool wg_lexer_plain_name(wg_slice name);

/* Decodes a WG_TOKEN_STRING or WG_TOKEN_QUOTED. `offset` is that of the token in the text, for errors.
 * Owns:   *out lives in the arena, or borrows `token_text` when nothing is escaped.
 * Errors: WG_E_SYNTAX unknown escape, bad \u, lone surrogate | WG_E_NOMEM. */
WG_MUST_USE wg_code wg_lexer_unescape(wg_slice token_text, uint32_t offset, wg_arena *arena, wg_slice *out,
                                      wg_error *err);

/* Finds the statement at the front of a text of statements separated by ';'. */
typedef enum wg_split {
    WG_SPLIT_EMPTY,     /* only white space and comments: nothing to run */
    WG_SPLIT_COMPLETE,  /* *out_end is just behind its ';' */
    WG_SPLIT_INCOMPLETE /* no ';' outside quotes and comments; *out_end is the end of the text */
} wg_split;

/* Linear, allocates nothing, accepts any bytes. Threads: any. */
wg_split wg_parser_split(wg_slice text, size_t *out_end);

#endif
