/* tests/grammar: docs/language/grammar.ebnf as data: read, derived from at random, and recognised over the lexer's tokens.
 *
 * A grammar is an array of nodes in the order of the file. `name`, `any name`, `number`, `integer`, `digits` and `string` are
 * what the lexer calls so; the part of the file about tokens is not read. */
#ifndef WG_TESTS_GRAMMAR_EBNF_H
#define WG_TESTS_GRAMMAR_EBNF_H

#include "query/lexer/lexer.h"

typedef enum ebnf_kind {
    EBNF_SEQUENCE,
    EBNF_CHOICE,
    EBNF_OPTION,
    EBNF_REPEAT,
    EBNF_TERMINAL, /* text between quotes */
    EBNF_RULE,     /* the name of a rule */
    EBNF_TOKEN     /* one of the six above; `text` says which */
} ebnf_kind;

typedef struct ebnf_node {
    ebnf_kind kind;
    uint32_t child; /* the first; 0: none */
    uint32_t next;  /* sibling; 0: none */
    uint32_t rule;  /* EBNF_RULE: which; and the rule that the node stands in */
    uint32_t in_rule;
    uint32_t least; /* tokens of the shortest derivation */
    uint32_t uses;  /* by the generator */
    wg_slice text;
} ebnf_node;

enum { EBNF_NODES_MAX = 4096, EBNF_RULES_MAX = 256, EBNF_TOKENS_MAX = 512 };

typedef struct ebnf {
    wg_slice text;
    size_t at; /* while it is read */
    ebnf_node nodes[EBNF_NODES_MAX];
    uint32_t node_count; /* node 0 is none */
    wg_slice rules[EBNF_RULES_MAX];
    uint32_t bodies[EBNF_RULES_MAX];
    uint32_t rule_count;
    uint32_t current;
    char problem[200]; /* "" when the file was read */
} ebnf;

/* Reads the grammar; `text` must live as long as it. False with a problem. */
bool ebnf_read(ebnf *g, wg_slice text);
/* The rule's number, or UINT32_MAX. */
uint32_t ebnf_rule(const ebnf *g, const char *name);

/* One token of a derived text and the rule that it came from. */
typedef struct ebnf_word {
    const char *text;
    size_t size;
    uint32_t rule;
} ebnf_word;

typedef struct ebnf_words {
    ebnf_word items[EBNF_TOKENS_MAX];
    uint32_t count;
} ebnf_words;

/* Derives a text from a rule; false when it grew too long. Alternatives that were used least are preferred. */
bool ebnf_derive(ebnf *g, uint32_t rule, wg_rng *rng, ebnf_words *out);

/* Whether the tokens, END left out, are derived from the rule. Memory comes from the arena. */
bool ebnf_accepts(const ebnf *g, uint32_t rule, wg_slice text, const wg_token_list *tokens, wg_arena *arena);

#endif
