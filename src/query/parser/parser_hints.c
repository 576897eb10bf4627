/* query/parser: what to write instead, for words and signs that other query languages have.
 *
 * A hint is chosen by what stands at the place of a syntax error, or just before it, and by nothing else; it is added to
 * the message that says what was found and what could have stood there. Words are compared without regard to case. A word
 * that is in no table gets the nearest keyword from the caller. */
#include "query/parser/parser_internal.h"

typedef struct word_hint {
    const char *word;
    const char *hint;
} word_hint;

static const word_hint at_word[] = {
    {"SELECT", "there is no SELECT: write MATCH (n:Label) WHERE ... RETURN ..."},
    {"UPDATE", "write MATCH (n:Label) WHERE ... SET n.name = value"},
    {"TRUNCATE", "write MATCH (n:Label) DETACH DELETE n"},
    {"GROUP", "there is no GROUP BY: results without an aggregate are the keys of the groups"},
    {"HAVING", "there is no HAVING: write WITH ..., count(*) AS n WHERE n > 1 RETURN ..."},
    {"JOIN", "there is no JOIN: write a pattern such as (a)-[:TYPE]->(b)"},
    {"SORT", "write ORDER BY"},
    {"OFFSET", "OFFSET, or SKIP, stands before LIMIT"},
    {"TOP", "write LIMIT at the end"},
    {"FETCH", "write LIMIT"},
    {"LIKE", "write STARTS WITH, ENDS WITH, CONTAINS or =~"},
    {"ILIKE", "write toLower(a) CONTAINS toLower(b)"},
    {"BETWEEN", "write low <= x <= high"},
    {"BEGINS", "write STARTS WITH"},
    {"TABLES", "write SHOW LABELS"},
    {"DATABASES", "a workspace is one database: its labels are what SHOW LABELS shows"},
    {"DESCRIBE", "write SHOW LABELS"},
    {"USE", "a workspace is one database, chosen when it is opened"},
    {"LOAD", "write COPY Label FROM 'file.csv'"},
    {"FOR", "write UNWIND list AS x, or [x IN list | ...] in an expression"},
    {"ELSEIF", "write WHEN ... THEN"},
    {"AUTO_INCREMENT", "there is none: give each node its own key"},
    {"REFERENCES", "relationships are made by CREATE EDGE LABEL"},
};

static const word_hint behind_word[] = {
    {"INSERT", "write CREATE (:Label {name: value})"},
    {"SELECT", "there is no SELECT: write MATCH (n:Label) WHERE ... RETURN ..."},
    {"TABLE", "write CREATE NODE LABEL or CREATE EDGE LABEL"},
    {"LABEL", "write NODE LABEL or EDGE LABEL"},
    {"IF", "write CASE WHEN condition THEN a ELSE b END"},
    {"LIKE", "write STARTS WITH, ENDS WITH, CONTAINS or =~"},
};

static wg_slice text_of(const wgi_parser *p, const wg_token *t) {
    return wg_slice_of(p->text.data + t->start, t->end - t->start);
}

static bool is_word(wg_slice s, const char *word) {
    if (s.size != strlen(word)) return false;
    for (size_t i = 0; i < s.size; i++) {
        const char c = (char)s.data[i];
        if ((c >= 'a' && c <= 'z' ? c - 32 : c) != word[i]) return false;
    }
    return true;
}

static const char *find(const word_hint *table, size_t count, const wgi_parser *p, const wg_token *t) {
    if (t->kind != WG_TOKEN_NAME && t->kind != WG_TOKEN_KEYWORD) return NULL;
    for (size_t i = 0; i < count; i++)
        if (is_word(text_of(p, t), table[i].word)) return table[i].hint;
    return NULL;
}

static bool is_punct(const wg_token *t, wg_punct punct) { return t->kind == WG_TOKEN_PUNCT && t->punct == punct; }
static bool is_keyword(const wg_token *t, wg_keyword k) { return t->kind == WG_TOKEN_KEYWORD && t->keyword == k; }

/* Operators of other languages, by their bytes: some of these are no tokens. */
static const char *sign_hint(const wgi_parser *p, const wg_token *t, const wg_token *before) {
    const uint8_t *s = p->text.data + t->start;
    const size_t left = p->text.size - t->start;
    const uint8_t c = left > 0 ? s[0] : 0;
    const uint8_t next = left > 1 ? s[1] : 0;
    if (c == '=' && is_punct(before, WG_P_EQ)) return "write = for equal";
    if (c == '=' && next == '>') return "a relationship is written --> or -[:TYPE]->";
    if (c == '!') return next == '=' ? "write <> for not equal" : "write NOT";
    if (c == '&') return "write AND";
    if (c == '|' && next == '|') return "write OR, or + to join texts";
    if (c == '?') return "a parameter is written $name";
    if (c == '#') return "a comment starts with //";
    if (c == '-' && next == '-') return "a comment starts with //";
    if (c == '-' && (is_punct(before, WG_P_RPAREN))) return "a relationship is written -->, --, or -[:TYPE]->";
    return NULL;
}

static const char *shape_hint(const wgi_parser *p, const wg_token *t, const wg_token *before) {
    const bool name = t->kind == WG_TOKEN_NAME || t->kind == WG_TOKEN_QUOTED;
    const bool name_before = before->kind == WG_TOKEN_NAME || before->kind == WG_TOKEN_QUOTED;
    const wg_token *second = p->at > 1 ? &p->tokens[p->at - 2] : before;
    const wg_token *next = wgi_peek_at(p, 1);
    if (is_keyword(before, WG_KW_CREATE) && t->kind != WG_TOKEN_PUNCT &&
        (is_keyword(t, WG_KW_LABEL) || is_word(text_of(p, t), "TABLE")))
        return "write CREATE NODE LABEL or CREATE EDGE LABEL";
    if (name && is_punct(next, WG_P_COLON)) return "a node stands in parentheses: (n:Label)";
    if (name && before->kind == WG_TOKEN_STRING && !t->spaced) return "a quote inside of a string is written \\'";
    if (t->kind == WG_TOKEN_STRING && is_keyword(before, WG_KW_AS)) return "a name stands between backticks";
    if (t->kind == WG_TOKEN_STRING && (is_punct(before, WG_P_LBRACE) || is_punct(before, WG_P_COMMA)))
        return "keys stand without quotes, or between backticks";
    if (name && name_before && is_punct(second, WG_P_LPAREN)) return "write ':' before a label";
    if (name && name_before && is_punct(second, WG_P_LBRACKET)) return "write ':' before a type";
    if (is_keyword(t, WG_KW_NOT) && is_keyword(wgi_peek_at(p, 1), WG_KW_IN)) return "write NOT x IN list";
    if (is_keyword(t, WG_KW_NOT) && is_keyword(wgi_peek_at(p, 1), WG_KW_NULL)) return "write IS NOT NULL";
    if (is_keyword(t, WG_KW_NOT)) return "NOT stands before the whole condition";
    if (is_keyword(t, WG_KW_FROM) && p->at == 0) return "there is no FROM: write MATCH (n:Label)";
    if (is_keyword(before, WG_KW_FROM) && is_keyword(second, WG_KW_DELETE)) return "write MATCH (n:Label) DELETE n";
    if (is_keyword(t, WG_KW_STARTS)) return "write STARTS WITH";
    if (is_keyword(t, WG_KW_ENDS)) return "write ENDS WITH";
    if (is_keyword(t, WG_KW_SKIP)) return "SKIP stands before LIMIT";
    if (is_keyword(t, WG_KW_WHERE)) return "WHERE stands behind MATCH, WITH or YIELD";
    if (is_keyword(t, WG_KW_PRIMARY)) return "write the key behind the columns: PRIMARY KEY (name)";
    return NULL;
}

const char *wgi_hint(const wgi_parser *p) {
    const wg_token *t = wgi_peek(p);
    const wg_token none = {.kind = WG_TOKEN_END};
    const wg_token *before = p->at > 0 ? &p->tokens[p->at - 1] : &none;
    const char *hint = find(at_word, sizeof at_word / sizeof at_word[0], p, t);
    if (hint == NULL) hint = sign_hint(p, t, before);
    if (hint == NULL) hint = find(behind_word, sizeof behind_word / sizeof behind_word[0], p, before);
    return hint != NULL ? hint : shape_hint(p, t, before);
}
