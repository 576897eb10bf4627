/* tests/grammar/ebnf: see ebnf.h.
 *
 * Recognition: the set of places where a node may end, for each place where it may begin, computed once (a bitset a pair of
 * node and place). That takes all derivations at once, so that it does not matter in which order alternatives stand; the
 * grammar has no left recursion, which ends with a failure. Derivation: choices go to the least used alternative half of the
 * time, so that all of the grammar is seen soon; a long text goes on with the shortest ones. */
#include "tests/grammar/ebnf.h"

#include <stdio.h>

/* ---- reading */

static uint32_t add_node(ebnf *g, ebnf_kind kind) {
    if (g->node_count >= EBNF_NODES_MAX) {
        (void)snprintf(g->problem, sizeof g->problem, "more than %d parts", EBNF_NODES_MAX);
        return 0;
    }
    g->nodes[g->node_count] = (ebnf_node){.kind = kind, .in_rule = g->current};
    return g->node_count++;
}

static void skip(ebnf *g) {
    while (g->at < g->text.size) {
        const uint8_t *s = g->text.data + g->at;
        if (*s == ' ' || *s == '\n' || *s == '\r' || *s == '\t') {
            g->at++;
        } else if (*s == '(' && g->at + 1 < g->text.size && s[1] == '*') {
            const uint8_t *end = memmem(s, g->text.size - g->at, "*)", 2);
            g->at = end == NULL ? g->text.size : (size_t)(end - g->text.data) + 2;
        } else {
            return;
        }
    }
}

static uint8_t peek(ebnf *g) {
    skip(g);
    return g->at < g->text.size ? g->text.data[g->at] : 0;
}

static bool take(ebnf *g, uint8_t c) {
    if (peek(g) != c) return false;
    g->at++;
    return true;
}

static bool is_letter(uint8_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Words with single spaces between them. */
static wg_slice take_name(ebnf *g) {
    skip(g);
    const size_t start = g->at;
    size_t end = start;
    while (g->at < g->text.size && (is_letter(g->text.data[g->at]) || g->text.data[g->at] == ' '))
        if (g->text.data[g->at++] != ' ') end = g->at;
    return wg_slice_of(g->text.data + start, end - start);
}

static void complain(ebnf *g, const char *what) {
    unsigned line = 1;
    for (size_t i = 0; i < g->at && i < g->text.size; i++) line += g->text.data[i] == '\n';
    if (g->problem[0] == '\0') (void)snprintf(g->problem, sizeof g->problem, "line %u: %s", line, what);
}

static uint32_t find_rule(ebnf *g, wg_slice name) {
    for (uint32_t i = 0; i < g->rule_count; i++)
        if (wg_slice_equal(g->rules[i], name)) return i;
    if (g->rule_count >= EBNF_RULES_MAX) {
        complain(g, "too many rules");
        return 0;
    }
    g->rules[g->rule_count] = name;
    return g->rule_count++;
}

static bool is_token(wg_slice name) {
    static const char *const tokens[] = {"name", "any name", "number", "integer", "digits", "string"};
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        if (wg_slice_is(name, tokens[i])) return true;
    return false;
}

static uint32_t read_choice(ebnf *g);

static uint32_t read_terminal(ebnf *g, uint8_t quote) {
    const size_t start = ++g->at;
    while (g->at < g->text.size && g->text.data[g->at] != quote) g->at++;
    const uint32_t node = add_node(g, EBNF_TERMINAL);
    g->nodes[node].text = wg_slice_of(g->text.data + start, g->at - start);
    if (g->at == start || g->at >= g->text.size) complain(g, "an empty or open terminal");
    g->at++;
    return node;
}

static uint32_t read_group(ebnf *g, ebnf_kind kind, uint8_t close) {
    g->at++;
    const uint32_t inner = read_choice(g);
    if (!take(g, close)) complain(g, "a group is not closed");
    if (kind == EBNF_SEQUENCE) return inner;
    const uint32_t node = add_node(g, kind);
    g->nodes[node].child = inner;
    return node;
}

static uint32_t read_factor(ebnf *g) {
    const uint8_t c = peek(g);
    if (c == '\'' || c == '"') return read_terminal(g, c);
    if (c == '[') return read_group(g, EBNF_OPTION, ']');
    if (c == '{') return read_group(g, EBNF_REPEAT, '}');
    if (c == '(') return read_group(g, EBNF_SEQUENCE, ')');
    const wg_slice name = take_name(g);
    if (name.size == 0) {
        complain(g, "a rule, a terminal or a group is missing");
        g->at = g->text.size;
        return 0;
    }
    const uint32_t node = add_node(g, is_token(name) ? EBNF_TOKEN : EBNF_RULE);
    g->nodes[node].text = name;
    if (!is_token(name)) g->nodes[node].rule = find_rule(g, name);
    return node;
}

/* Factors behind each other, or alternatives; one alone stands for itself. */
static uint32_t read_list(ebnf *g, ebnf_kind kind, uint8_t separator, uint32_t (*part)(ebnf *)) {
    const uint32_t first = part(g);
    if (peek(g) != separator) return first;
    const uint32_t list = add_node(g, kind);
    /* A part that is in a list already would share its `next`, so each gets a node of its own. */
    uint32_t last = add_node(g, EBNF_SEQUENCE);
    g->nodes[last].child = first;
    g->nodes[list].child = last;
    while (take(g, separator) && g->problem[0] == '\0') {
        const uint32_t wrapper = add_node(g, EBNF_SEQUENCE);
        g->nodes[wrapper].child = part(g);
        g->nodes[last].next = wrapper;
        last = wrapper;
    }
    return list;
}

static uint32_t read_sequence(ebnf *g) { return read_list(g, EBNF_SEQUENCE, ',', read_factor); }
static uint32_t read_choice(ebnf *g) { return read_list(g, EBNF_CHOICE, '|', read_sequence); }

#define FAR 1000000u

static uint32_t least_of(const ebnf *g, uint32_t at) {
    const ebnf_node *n = &g->nodes[at];
    uint32_t sum = 0, least = FAR;
    switch (n->kind) {
        case EBNF_TERMINAL:
        case EBNF_TOKEN:
            return 1;
        case EBNF_OPTION:
        case EBNF_REPEAT:
            return 0;
        case EBNF_RULE:
            return g->nodes[g->bodies[n->rule]].least;
        case EBNF_SEQUENCE:
            for (uint32_t c = n->child; c != 0; c = g->nodes[c].next) sum += g->nodes[c].least;
            return sum < FAR ? sum : FAR;
        case EBNF_CHOICE:
            for (uint32_t c = n->child; c != 0; c = g->nodes[c].next)
                if (g->nodes[c].least < least) least = g->nodes[c].least;
            return least;
    }
    return FAR;
}

static void find_least(ebnf *g) {
    for (uint32_t i = 1; i < g->node_count; i++) g->nodes[i].least = FAR;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 1; i < g->node_count; i++) {
            const uint32_t least = least_of(g, i);
            changed = changed || least != g->nodes[i].least;
            g->nodes[i].least = least;
        }
    }
}

bool ebnf_read(ebnf *g, wg_slice text) {
    memset(g, 0, sizeof *g);
    g->node_count = 1;
    const uint8_t *tokens = memmem(text.data, text.size, "(* ---- tokens", 14);
    g->text = wg_slice_of(text.data, tokens != NULL ? (size_t)(tokens - text.data) : text.size);
    while (peek(g) != 0 && g->problem[0] == '\0') {
        const uint32_t rule = find_rule(g, take_name(g));
        g->current = rule;
        if (g->bodies[rule] != 0) complain(g, "a rule is defined twice");
        if (!take(g, '=')) complain(g, "'=' is missing behind the name of a rule");
        g->bodies[rule] = read_choice(g);
        if (!take(g, ';')) complain(g, "';' is missing behind a rule");
    }
    for (uint32_t i = 0; i < g->rule_count && g->problem[0] == '\0'; i++)
        if (g->bodies[i] == 0)
            (void)snprintf(g->problem, sizeof g->problem, "the rule '%.*s' is used and not defined",
                           (int)g->rules[i].size, (const char *)g->rules[i].data);
    if (g->problem[0] != '\0') return false;
    find_least(g);
    return true;
}

uint32_t ebnf_rule(const ebnf *g, const char *name) {
    for (uint32_t i = 0; i < g->rule_count; i++)
        if (wg_slice_is(g->rules[i], name)) return i;
    return UINT32_MAX;
}

/* ---- deriving */

typedef struct derivation {
    ebnf *g;
    wg_rng *rng;
    ebnf_words *out;
    uint32_t depth;
    bool failed;
} derivation;

static void put_word(derivation *d, wg_slice text, uint32_t rule) {
    if (d->out->count >= EBNF_TOKENS_MAX) {
        d->failed = true;
        return;
    }
    d->out->items[d->out->count++] = (ebnf_word){(const char *)text.data, text.size, rule};
}

static void put_token(derivation *d, const ebnf_node *n) {
    static const char *const names[] = {"a", "b", "x1", "person", "`q r`", "KEY", "last", "\xc3\xa9"};
    static const char *const any_names[] = {"a", "Person", "order", "WHERE", "`x``y`", "since"};
    static const char *const numbers[] = {"0", "42", "0x1F", "2.5", "1e3", ".5", "0o17"};
    static const char *const integers[] = {"1", "3"};
    static const char *const strings[] = {"'s'", "\"t\\n\"", "''"};
    const char *text = strings[wg_rng_below(d->rng, 3)];
    if (wg_slice_is(n->text, "name")) text = names[wg_rng_below(d->rng, 8)];
    if (wg_slice_is(n->text, "any name")) text = any_names[wg_rng_below(d->rng, 6)];
    if (wg_slice_is(n->text, "number")) text = numbers[wg_rng_below(d->rng, 7)];
    if (wg_slice_is(n->text, "integer") || wg_slice_is(n->text, "digits")) text = integers[wg_rng_below(d->rng, 2)];
    put_word(d, wg_slice_str(text), n->in_rule);
}

static uint32_t choose(derivation *d, const ebnf_node *n, bool tight) {
    const ebnf *g = d->g;
    uint32_t count = 0, best = n->child;
    for (uint32_t c = n->child; c != 0; c = g->nodes[c].next) {
        count++;
        const bool better = tight ? g->nodes[c].least < g->nodes[best].least : g->nodes[c].uses < g->nodes[best].uses;
        if (better) best = c;
    }
    if (tight || wg_rng_below(d->rng, 2) == 0) return best;
    uint64_t skip_count = wg_rng_below(d->rng, count);
    uint32_t chosen = n->child;
    while (skip_count-- > 0) chosen = g->nodes[chosen].next;
    return chosen;
}

static void derive(derivation *d, uint32_t at) {
    ebnf_node *n = &d->g->nodes[at];
    const bool tight = d->out->count > 60 || d->depth > 400;
    const bool unseen = n->child != 0 && d->g->nodes[n->child].uses == 0; /* what may be left out is seen once */
    n->uses++;
    if (d->failed) return;
    d->depth++;
    switch (n->kind) {
        case EBNF_TERMINAL:
            put_word(d, n->text, n->in_rule);
            break;
        case EBNF_TOKEN:
            put_token(d, n);
            break;
        case EBNF_RULE:
            derive(d, d->g->bodies[n->rule]);
            break;
        case EBNF_SEQUENCE:
            for (uint32_t c = n->child; c != 0; c = d->g->nodes[c].next) derive(d, c);
            break;
        case EBNF_CHOICE:
            derive(d, choose(d, n, tight));
            break;
        case EBNF_OPTION:
            if (!tight && (unseen || wg_rng_below(d->rng, 3) == 0)) derive(d, n->child);
            break;
        case EBNF_REPEAT:
            if (!tight && unseen) derive(d, n->child);
            while (!tight && wg_rng_below(d->rng, 6) == 0) derive(d, n->child);
            break;
    }
    d->depth--;
}

bool ebnf_derive(ebnf *g, uint32_t rule, wg_rng *rng, ebnf_words *out) {
    derivation d = {.g = g, .rng = rng, .out = out};
    out->count = 0;
    derive(&d, g->bodies[rule]);
    return !d.failed;
}

/* ---- recognising */

enum { WORDS = EBNF_TOKENS_MAX / 64 + 1 };

typedef struct places {
    uint64_t bits[WORDS];
} places;

typedef struct recogniser {
    const ebnf *g;
    wg_slice text;
    const wg_token *tokens;
    uint32_t count;
    wg_arena *arena;
    places **memo; /* by node and place */
    bool failed;
} recogniser;

static bool has(const places *p, uint32_t at) { return (p->bits[at / 64] >> (at % 64) & 1) != 0; }
static void set(places *p, uint32_t at) { p->bits[at / 64] |= UINT64_C(1) << (at % 64); }

static bool same_word(wg_slice token, wg_slice word) {
    if (token.size != word.size) return false;
    for (size_t i = 0; i < token.size; i++) {
        const uint8_t a = token.data[i], b = word.data[i];
        if ((a >= 'a' && a <= 'z' ? a - 32 : a) != (b >= 'a' && b <= 'z' ? b - 32 : b)) return false;
    }
    return true;
}

static bool fits(const recogniser *r, const ebnf_node *n, const wg_token *t) {
    const wg_slice text = wg_slice_of(r->text.data + t->start, t->end - t->start);
    const bool word = t->kind == WG_TOKEN_NAME || t->kind == WG_TOKEN_KEYWORD;
    if (n->kind == EBNF_TERMINAL) {
        if (t->kind == WG_TOKEN_PUNCT) return wg_slice_equal(text, n->text);
        return word && same_word(text, n->text);
    }
    const bool free_word = t->kind == WG_TOKEN_NAME || t->kind == WG_TOKEN_QUOTED ||
                           (t->kind == WG_TOKEN_KEYWORD && !wg_lexer_keyword_reserved((wg_keyword)t->keyword));
    if (wg_slice_is(n->text, "name")) return free_word;
    if (wg_slice_is(n->text, "any name")) return free_word || t->kind == WG_TOKEN_KEYWORD;
    if (wg_slice_is(n->text, "string")) return t->kind == WG_TOKEN_STRING;
    if (wg_slice_is(n->text, "number")) return t->kind == WG_TOKEN_INTEGER || t->kind == WG_TOKEN_FLOAT;
    return t->kind == WG_TOKEN_INTEGER;
}

static const places *ends_of(recogniser *r, uint32_t at, uint32_t from);

/* Adds to *out every end of `node` from every place of *from. */
static void step(recogniser *r, uint32_t node, const places *from, places *out) {
    for (uint32_t i = 0; i <= r->count; i++) {
        if (!has(from, i)) continue;
        const places *ends = ends_of(r, node, i);
        for (size_t w = 0; ends != NULL && w < WORDS; w++) out->bits[w] |= ends->bits[w];
    }
}

static void sequence(recogniser *r, const ebnf_node *n, uint32_t from, places *out) {
    places here = {{0}};
    set(&here, from);
    for (uint32_t c = n->child; c != 0; c = r->g->nodes[c].next) {
        places next = {{0}};
        step(r, c, &here, &next);
        here = next;
    }
    *out = here;
}

static void repeat(recogniser *r, const ebnf_node *n, uint32_t from, places *out) {
    set(out, from);
    for (uint32_t i = from; i <= r->count; i++) {
        if (!has(out, i)) continue; /* each turn takes a token, so later places are found before they are visited */
        const places *ends = ends_of(r, n->child, i);
        for (size_t w = 0; ends != NULL && w < WORDS; w++) out->bits[w] |= ends->bits[w];
    }
}

static const places *ends_of(recogniser *r, uint32_t at, uint32_t from) {
    static const places busy = {{0}};
    places **slot = &r->memo[(size_t)at * (r->count + 1) + from];
    if (*slot != NULL) {
        if (*slot == (const void *)&busy) r->failed = true; /* left recursion */
        return *slot;
    }
    *slot = (places *)(uintptr_t)&busy;
    const ebnf_node *n = &r->g->nodes[at];
    places *out = wg_arena_alloc_zero(r->arena, sizeof *out);
    if (out == NULL) {
        r->failed = true;
        return NULL;
    }
    switch (n->kind) {
        case EBNF_TERMINAL:
        case EBNF_TOKEN:
            if (from < r->count && fits(r, n, &r->tokens[from])) set(out, from + 1);
            break;
        case EBNF_RULE: {
            const places *ends = ends_of(r, r->g->bodies[n->rule], from);
            if (ends != NULL) *out = *ends;
            break;
        }
        case EBNF_SEQUENCE:
            sequence(r, n, from, out);
            break;
        case EBNF_CHOICE:
            for (uint32_t c = n->child; c != 0; c = r->g->nodes[c].next) {
                const places *ends = ends_of(r, c, from);
                for (size_t w = 0; ends != NULL && w < WORDS; w++) out->bits[w] |= ends->bits[w];
            }
            break;
        case EBNF_OPTION: {
            const places *ends = ends_of(r, n->child, from);
            if (ends != NULL) *out = *ends;
            set(out, from);
            break;
        }
        case EBNF_REPEAT:
            repeat(r, n, from, out);
            break;
    }
    *slot = out;
    return out;
}

bool ebnf_accepts(const ebnf *g, uint32_t rule, wg_slice text, const wg_token_list *tokens, wg_arena *arena) {
    recogniser r = {.g = g, .text = text, .tokens = tokens->items, .count = tokens->count - 1, .arena = arena};
    WG_ASSERT(r.count < EBNF_TOKENS_MAX);
    r.memo = wg_arena_alloc_zero(arena, (size_t)g->node_count * (r.count + 1) * sizeof *r.memo);
    if (r.memo == NULL) return false;
    const places *ends = ends_of(&r, g->bodies[rule], 0);
    return !r.failed && ends != NULL && has(ends, r.count);
}
