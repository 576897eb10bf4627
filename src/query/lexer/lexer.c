/* query/lexer: a single forward pass; every byte is looked at a bounded number of times.
 *
 * Decisions that are not obvious:
 *  - "--", "->", "<-" are never one token, because `a--b`, `a<-1` and `(a)<--(b)` can only be told apart by the
 *    parser. "..", "<=", ">=", "<>", "=~", "+=" are.
 *  - A number ends before a '.' that no digit follows: `[1..3]` is 1, "..", 3 and `1.foo` reads a property.
 *  - A number that touches a letter is refused (`0x1G`, `12ab`), never cut in two.
 *  - Outside ASCII a code point is part of a name unless it is white space, punctuation or a symbol: a dash that only
 *    looks like a minus must be refused, not become a variable. */
#include "query/lexer/lexer.h"

typedef struct lexer {
    const uint8_t *s;
    size_t size;
    size_t at;
    bool failed;
    wg_buf tokens;
    wg_error bad;
} lexer;

#define KEYWORD_NAME(name, reserved)     [WG_KW_##name] = #name,
#define KEYWORD_RESERVED(name, reserved) [WG_KW_##name] = (reserved) != 0,
static const char *const keyword_names[WG_KW_COUNT_OF_THEM] = {[WG_KW_NONE_OF_THEM] = "",
                                                               WG_KEYWORD_LIST(KEYWORD_NAME)};
static const bool keyword_reserved[WG_KW_COUNT_OF_THEM] = {WG_KEYWORD_LIST(KEYWORD_RESERVED)};

static const char *const punct_names[] = {"",  "(",  ")",  "[", "]",  "{",  "}",  ",",  ";", ":",
                                          ".", "..", "|",  "$", "+",  "+=", "-",  "*",  "/", "%",
                                          "^", "=",  "<>", "<", "<=", ">",  ">=", "=~", "&", "!"};

const char *wg_lexer_keyword_name(wg_keyword keyword) {
    WG_ASSERT(keyword < WG_KW_COUNT_OF_THEM);
    return keyword_names[keyword];
}

bool wg_lexer_keyword_reserved(wg_keyword keyword) {
    WG_ASSERT(keyword < WG_KW_COUNT_OF_THEM);
    return keyword_reserved[keyword];
}

const char *wg_lexer_punct_name(wg_punct punct) {
    WG_ASSERT((size_t)punct < sizeof punct_names / sizeof punct_names[0]);
    return punct_names[punct];
}

static uint8_t upper_of(uint8_t c) { return c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c; }

static int compare_keyword(wg_slice word, const char *name) {
    for (size_t i = 0;; i++) {
        const uint8_t a = i < word.size ? upper_of(word.data[i]) : 0;
        const uint8_t b = (uint8_t)name[i];
        if (a != b) return a < b ? -1 : 1;
        if (b == 0) return 0;
    }
}

wg_keyword wg_lexer_keyword_find(wg_slice word) {
    if (word.size < 2 || word.size > 16) return WG_KW_NONE_OF_THEM;
    uint32_t low = 1, high = WG_KW_COUNT_OF_THEM;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        const int order = compare_keyword(word, keyword_names[middle]);
        if (order == 0) return (wg_keyword)middle;
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return WG_KW_NONE_OF_THEM;
}

/* Reads one code point of well-formed UTF-8; a broken sequence counts as one byte. Returns its length. */
static size_t decode(const uint8_t *s, size_t size, uint32_t *out) {
    const uint8_t c = s[0];
    size_t need = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    if (need > size || (c >= 0x80 && c < 0xC0)) need = 1;
    uint32_t v = need == 1 ? c : need == 2 ? c & 0x1Fu : need == 3 ? c & 0x0Fu : c & 0x07u;
    for (size_t i = 1; i < need; i++) v = (v << 6) | (s[i] & 0x3Fu);
    *out = v;
    return need;
}

static bool is_space(uint32_t c) {
    if (c <= 0x20) return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x1F);
    if (c < 0x80) return false;
    return c == 0x85 || c == 0xA0 || c == 0x1680 || c == 0x180E || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000 || c == 0xFEFF;
}

static bool is_digit(uint32_t c) { return c >= '0' && c <= '9'; }

static bool is_letter(uint32_t c) {
    if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (is_space(c) || c < 0xAA) return false;
    if (c <= 0xBF) return c == 0xAA || c == 0xB5 || c == 0xBA; /* the three letters among Latin-1 symbols */
    if (c == 0xD7 || c == 0xF7) return false;
    if (c >= 0x2000 && c <= 0x206F) return c == 0x203F || c == 0x2040; /* general punctuation, but the ties */
    if (c >= 0x20A0 && c <= 0x20CF) return false;                      /* currency */
    if (c >= 0x2190 && c <= 0x2BFF) return false;                      /* arrows, operators, shapes, dingbats */
    if (c >= 0x2E00 && c <= 0x2E7F) return false;
    if ((c >= 0x3001 && c <= 0x3004) || (c >= 0x3008 && c <= 0x3020) || c == 0x3030) return false;
    if (c >= 0xE000 && c <= 0xF8FF) return false; /* private use */
    if ((c >= 0xFE10 && c <= 0xFE1F) || (c >= 0xFE30 && c <= 0xFE6F)) return false;
    if ((c >= 0xFF01 && c <= 0xFF0F) || (c >= 0xFF1A && c <= 0xFF20) || (c >= 0xFFF0 && c <= 0xFFFF)) return false;
    return !(c >= 0x1F000 && c <= 0x1FAFF) && c < 0xF0000; /* emoji, private planes */
}

static size_t name_length(const uint8_t *s, size_t size) {
    size_t at = 0;
    while (at < size) {
        uint32_t c;
        const size_t step = decode(s + at, size - at, &c);
        if (!is_letter(c) && (at == 0 || !is_digit(c))) break;
        at += step;
    }
    return at;
}

bool wg_lexer_plain_name(wg_slice name) {
    return name.size > 0 && name_length(name.data, name.size) == name.size &&
           wg_lexer_keyword_find(name) == WG_KW_NONE_OF_THEM;
}

/* ---- white space and comments */

/* Skips them from *at. False when a block comment is not closed; *at is then its start. */
static bool skip_space(const uint8_t *s, size_t size, size_t *at) {
    while (*at < size) {
        uint32_t c;
        const size_t step = decode(s + *at, size - *at, &c);
        if (is_space(c)) {
            *at += step;
        } else if (c == '/' && *at + 1 < size && s[*at + 1] == '/') {
            while (*at < size && s[*at] != '\n' && s[*at] != '\r') ++*at;
        } else if (c == '/' && *at + 1 < size && s[*at + 1] == '*') {
            size_t end = *at + 2;
            while (end + 1 < size && !(s[end] == '*' && s[end + 1] == '/')) end++;
            if (end + 1 >= size) return false;
            *at = end + 2;
        } else {
            return true;
        }
    }
    return true;
}

/* Index behind the closing quote, or 0 when there is none. s[at] is the opening quote. */
static size_t quoted_end(const uint8_t *s, size_t size, size_t at) {
    const uint8_t quote = s[at];
    for (size_t i = at + 1; i < size; i++) {
        if (s[i] == '\\' && quote != '`') {
            i++;
        } else if (s[i] == quote) {
            if (quote != '`' || i + 1 >= size || s[i + 1] != '`') return i + 1;
            i++;
        }
    }
    return 0;
}

wg_split wg_parser_split(wg_slice text, size_t *out_end) {
    size_t at = 0;
    bool any = false;
    *out_end = text.size;
    for (;;) {
        if (!skip_space(text.data, text.size, &at)) return WG_SPLIT_INCOMPLETE;
        if (at >= text.size) return any ? WG_SPLIT_INCOMPLETE : WG_SPLIT_EMPTY;
        const uint8_t c = text.data[at];
        if (c == ';') {
            *out_end = at + 1;
            return WG_SPLIT_COMPLETE;
        }
        any = true;
        if (c == '\'' || c == '"' || c == '`') {
            at = quoted_end(text.data, text.size, at);
            if (at == 0) return WG_SPLIT_INCOMPLETE;
        } else {
            at++;
        }
    }
}

/* ---- tokens */

static void bad(lexer *lx, size_t at, const char *message) {
    wg_error_clear(&lx->bad);
    (void)wg_error_set(&lx->bad, WG_E_SYNTAX, at, "%s", message);
    lx->failed = true;
}

static bool is_base_digit(uint8_t c, uint32_t base) {
    if (base == 16) return is_digit(c) || (upper_of(c) >= 'A' && upper_of(c) <= 'F');
    return c >= '0' && c < (uint8_t)('0' + base);
}

/* Behind the digits; one '_' may stand between two of them. */
static size_t digits(const lexer *lx, size_t at, uint32_t base) {
    const size_t start = at;
    while (at < lx->size) {
        const bool gap = lx->s[at] == '_' && at > start && at + 1 < lx->size && is_base_digit(lx->s[at + 1], base);
        if (!gap && !is_base_digit(lx->s[at], base)) break;
        at += gap ? 2 : 1;
    }
    return at;
}

/* Behind the exponent that starts at `at`, or `at` when there is none. */
static size_t exponent(const lexer *lx, size_t at) {
    if (at >= lx->size || upper_of(lx->s[at]) != 'E') return at;
    size_t from = at + 1;
    if (from < lx->size && (lx->s[from] == '-' || lx->s[from] == '+')) from++;
    const size_t end = digits(lx, from, 10);
    return end > from ? end : at;
}

static wg_token_kind scan_number(lexer *lx) {
    const size_t start = lx->at;
    wg_token_kind kind = WG_TOKEN_INTEGER;
    const uint8_t second = start + 1 < lx->size ? upper_of(lx->s[start + 1]) : 0;
    size_t end;
    if (lx->s[start] == '0' && (second == 'X' || second == 'O')) {
        end = digits(lx, start + 2, second == 'X' ? 16 : 8);
        if (end == start + 2) {
            bad(lx, start,
                second == 'X' ? "a hexadecimal number needs a digit (0-9, a-f) after 0x"
                              : "an octal number needs a digit (0-7) after 0o");
            return WG_TOKEN_BAD;
        }
    } else {
        end = digits(lx, start, 10);
        if (end + 1 < lx->size && lx->s[end] == '.' && is_digit(lx->s[end + 1])) {
            end = digits(lx, end + 1, 10);
            kind = WG_TOKEN_FLOAT;
        }
        const size_t with_exponent = exponent(lx, end);
        if (with_exponent > end) kind = WG_TOKEN_FLOAT;
        end = with_exponent;
        if (kind == WG_TOKEN_INTEGER && end - start > 1 && lx->s[start] == '0') {
            bad(lx, start, "a number may not start with 0; octal is written 0o17");
            return WG_TOKEN_BAD;
        }
    }
    if (end < lx->size && (is_digit(lx->s[end]) || name_length(lx->s + end, lx->size - end) > 0)) {
        bad(lx, end, "invalid number: a letter or digit that does not belong to it follows");
        return WG_TOKEN_BAD;
    }
    lx->at = end;
    return kind;
}

static wg_punct scan_punct(lexer *lx) {
    const uint8_t c = lx->s[lx->at];
    const uint8_t next = lx->at + 1 < lx->size ? lx->s[lx->at + 1] : 0;
    static const struct {
        uint8_t first, second, punct;
    } table[] = {
        {'.', '.', WG_P_DOTDOT}, {'+', '=', WG_P_PLUS_EQ}, {'<', '>', WG_P_NE},    {'<', '=', WG_P_LE},
        {'>', '=', WG_P_GE},     {'=', '~', WG_P_REGEX},   {'(', 0, WG_P_LPAREN},  {')', 0, WG_P_RPAREN},
        {'[', 0, WG_P_LBRACKET}, {']', 0, WG_P_RBRACKET},  {'{', 0, WG_P_LBRACE},  {'}', 0, WG_P_RBRACE},
        {',', 0, WG_P_COMMA},    {';', 0, WG_P_SEMICOLON}, {':', 0, WG_P_COLON},   {'.', 0, WG_P_DOT},
        {'|', 0, WG_P_PIPE},     {'$', 0, WG_P_DOLLAR},    {'+', 0, WG_P_PLUS},    {'-', 0, WG_P_MINUS},
        {'*', 0, WG_P_STAR},     {'/', 0, WG_P_SLASH},     {'%', 0, WG_P_PERCENT}, {'&', 0, WG_P_AMP},
        {'!', 0, WG_P_BANG},     {'^', 0, WG_P_CARET},     {'=', 0, WG_P_EQ},      {'<', 0, WG_P_LT},
        {'>', 0, WG_P_GT},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].first != c || (table[i].second != 0 && table[i].second != next)) continue;
        lx->at += table[i].second != 0 ? 2 : 1;
        return (wg_punct)table[i].punct;
    }
    return WG_P_NONE;
}

static wg_token_kind scan_quoted(lexer *lx) {
    const size_t end = quoted_end(lx->s, lx->size, lx->at);
    if (end == 0) {
        bad(lx, lx->at,
            lx->s[lx->at] == '`' ? "this quoted name has no closing backtick" : "this string has no closing quote");
        return WG_TOKEN_BAD;
    }
    const bool name = lx->s[lx->at] == '`';
    lx->at = end;
    return name ? WG_TOKEN_QUOTED : WG_TOKEN_STRING;
}

static void scan_bad_character(lexer *lx) {
    uint32_t c;
    (void)decode(lx->s + lx->at, lx->size - lx->at, &c);
    wg_error_clear(&lx->bad);
    lx->failed = true;
    if (c == 0x2014 || c == 0x2013 || c == 0x2212 || c == 0x2010 || c == 0x2011) {
        (void)wg_error_set(&lx->bad, WG_E_SYNTAX, lx->at,
                           "the character U+%04X looks like a minus but is none; write '-'", (unsigned)c);
    } else if (c == 0x2018 || c == 0x2019 || c == 0x201C || c == 0x201D) {
        (void)wg_error_set(&lx->bad, WG_E_SYNTAX, lx->at,
                           "the character U+%04X is a typographic quote; write ' or \"", (unsigned)c);
    } else if (c > 0x20 && c < 0x7F) {
        (void)wg_error_set(&lx->bad, WG_E_SYNTAX, lx->at, "the character '%c' has no meaning here", (int)c);
    } else {
        (void)wg_error_set(&lx->bad, WG_E_SYNTAX, lx->at, "the character U+%04X has no meaning here", (unsigned)c);
    }
}

static void scan_token(lexer *lx, wg_token *out) {
    const uint8_t c = lx->s[lx->at];
    const uint8_t next = lx->at + 1 < lx->size ? lx->s[lx->at + 1] : 0;
    const size_t length = name_length(lx->s + lx->at, lx->size - lx->at);
    if (length > 0) {
        const wg_keyword keyword = wg_lexer_keyword_find(wg_slice_of(lx->s + lx->at, length));
        lx->at += length;
        out->kind = keyword == WG_KW_NONE_OF_THEM ? WG_TOKEN_NAME : WG_TOKEN_KEYWORD;
        out->keyword = (uint8_t)keyword;
    } else if (is_digit(c) || (c == '.' && is_digit(next))) {
        out->kind = (uint8_t)scan_number(lx);
    } else if (c == '\'' || c == '"' || c == '`') {
        out->kind = (uint8_t)scan_quoted(lx);
    } else {
        out->punct = (uint8_t)scan_punct(lx);
        out->kind = out->punct == WG_P_NONE ? WG_TOKEN_BAD : WG_TOKEN_PUNCT;
        if (out->punct == WG_P_NONE) scan_bad_character(lx);
    }
}

wg_code wg_lexer_run(wg_slice text, wg_arena *arena, wg_token_list *out, wg_error *err) {
    if (text.size > WG_QUERY_TEXT_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, 0, "query text has %zu bytes, at most %zu are accepted", text.size,
                            WG_QUERY_TEXT_BYTES_MAX);
    lexer lx = {.s = text.data, .size = text.size};
    wg_buf_init(&lx.tokens, arena->account);
    for (;;) {
        const size_t before = lx.at;
        wg_token token = {.kind = WG_TOKEN_END};
        if (!lx.failed && !skip_space(lx.s, lx.size, &lx.at)) {
            bad(&lx, lx.at, "this comment has no closing */");
            token.kind = WG_TOKEN_BAD;
        }
        token.spaced = lx.at > before;
        token.start = (uint32_t)lx.at;
        if (lx.failed && token.kind != WG_TOKEN_BAD) {
            token.start = (uint32_t)lx.size;
        } else if (token.kind != WG_TOKEN_BAD && lx.at < lx.size) {
            scan_token(&lx, &token);
        }
        token.end = token.kind == WG_TOKEN_BAD ? (uint32_t)lx.size : (uint32_t)wg_max_size(lx.at, token.start);
        if (!wg_buf_append(&lx.tokens, &token, sizeof token)) break;
        if (token.kind != WG_TOKEN_END) continue;
        const void *items = wg_arena_copy(arena, lx.tokens.data, lx.tokens.size);
        if (items == NULL) break;
        *out = (wg_token_list){items, (uint32_t)(lx.tokens.size / sizeof token), lx.bad};
        wg_buf_deinit(&lx.tokens);
        return WG_OK;
    }
    const size_t size = lx.tokens.size;
    wg_buf_deinit(&lx.tokens);
    return wg_error_nomem(err, size);
}

/* ---- escapes */

static size_t encode(uint32_t c, uint8_t *out) {
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    const size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (uint8_t)((n == 2 ? 0xC0u : n == 3 ? 0xE0u : 0xF0u) | c);
    return n;
}

/* Reads `count` hexadecimal digits at `at`; false when they are not all there. */
static bool hex_at(wg_slice s, size_t at, size_t count, uint32_t *out) {
    uint32_t v = 0;
    if (at + count > s.size) return false;
    for (size_t i = 0; i < count; i++) {
        const uint8_t c = upper_of(s.data[at + i]);
        if (!is_base_digit(c, 16)) return false;
        v = v * 16 + (uint32_t)(c <= '9' ? c - '0' : c - 'A' + 10);
    }
    *out = v;
    return true;
}

/* Decodes the \u or \U escape at s[at] (the letter). Returns the digits and letters used, 0 on error. */
static size_t unicode_escape(wg_slice s, size_t at, uint32_t *out) {
    const size_t count = s.data[at] == 'u' ? 4 : 8;
    uint32_t c, low;
    if (!hex_at(s, at + 1, count, &c)) return 0;
    size_t used = 1 + count;
    if (c >= 0xD800 && c < 0xDC00) {
        const size_t second = at + used;
        if (second + 1 >= s.size || s.data[second] != '\\' || s.data[second + 1] != 'u') return 0;
        if (!hex_at(s, second + 2, 4, &low) || low < 0xDC00 || low > 0xDFFF) return 0;
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        used += 6;
    } else if (c > 0x10FFFF || (c >= 0xDC00 && c <= 0xDFFF)) {
        return 0;
    }
    *out = c;
    return used;
}

static wg_code unescape_string(wg_slice body, uint32_t offset, uint8_t *out, size_t *out_size, wg_error *err) {
    size_t n = 0;
    for (size_t i = 0; i < body.size; i++) {
        if (body.data[i] != '\\') {
            out[n++] = body.data[i];
            continue;
        }
        const size_t escape = i++;
        WG_ASSERT(i < body.size); /* the closing quote is not escaped */
        static const char from[] = "\\'\"`bfnrt/", to[] = "\\'\"`\b\f\n\r\t/";
        const uint8_t c = body.data[i];
        const char *known = c != 0 ? strchr(from, c) : NULL;
        if (known != NULL) {
            out[n++] = (uint8_t)to[known - from];
        } else if (c == 'u' || c == 'U') {
            uint32_t code = 0;
            const size_t used = unicode_escape(body, i, &code);
            if (used == 0)
                return wg_error_set(err, WG_E_SYNTAX, offset + escape,
                                    "invalid \\%c escape: it needs %d hexadecimal digits of a Unicode character", c,
                                    c == 'u' ? 4 : 8);
            n += encode(code, out + n);
            i += used - 1;
        } else if (c == 'N') { /* the null marker of COPY, kept as it is */
            out[n++] = '\\';
            out[n++] = 'N';
        } else {
            return wg_error_set(err, WG_E_SYNTAX, offset + escape,
                                "unknown escape in a string; known are \\\\ \\' \\\" \\b \\f \\n \\r \\t \\uXXXX "
                                "\\UXXXXXXXX; a backslash itself is \\\\");
        }
    }
    *out_size = n;
    return WG_OK;
}

wg_code wg_lexer_unescape(wg_slice token_text, uint32_t offset, wg_arena *arena, wg_slice *out, wg_error *err) {
    WG_ASSERT(token_text.size >= 2);
    const bool name = token_text.data[0] == '`';
    const wg_slice body = wg_slice_of(token_text.data + 1, token_text.size - 2);
    if (body.size == 0 || memchr(body.data, name ? '`' : '\\', body.size) == NULL) {
        *out = body;
        return WG_OK;
    }
    uint8_t *copy = wg_arena_alloc(arena, body.size); /* no escape is shorter than what it stands for */
    if (copy == NULL) return wg_error_nomem(err, body.size);
    size_t n = 0;
    if (name) {
        for (size_t i = 0; i < body.size; i++) {
            copy[n++] = body.data[i];
            if (body.data[i] == '`') i++;
        }
    } else {
        WG_TRY(unescape_string(body, offset + 1, copy, &n, err));
    }
    *out = wg_slice_of(copy, n);
    return WG_OK;
}
