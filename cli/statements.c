/* cli/statements: finds the ends of statements without understanding them.
 *
 * A ';' ends a statement unless it stands in a '...' or "..." string (backslash escapes), a `...` name, a // comment or
 * a block comment. Two dashes are no comment: (a)--(b) is a pattern. Text that is cut inside of a string or comment runs
 * to its end; the parser of the library then says what is missing. */
#include "cli.h"

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

typedef struct skipped {
    size_t after; /* first byte behind it */
    bool comment;
    bool unfinished; /* the text ends inside of a string, a quoted name or a block comment */
} skipped;

static skipped skip_string(const char *text, size_t size, size_t i) {
    const char quote = text[i];
    for (i++; i < size && text[i] != quote; i++) {
        if (text[i] == '\\' && quote != '`') i++;
    }
    return (skipped){.after = i < size ? i + 1 : size, .unfinished = i >= size};
}

/* What starts at `i`: a string, a quoted name, a comment, or one byte of something else. */
static skipped skip_one(const char *text, size_t size, size_t i) {
    const char c = text[i];
    if (c == '\'' || c == '"' || c == '`') return skip_string(text, size, i);
    if (c == '/' && i + 1 < size && text[i + 1] == '/') {
        while (i < size && text[i] != '\n') i++;
        return (skipped){.after = i, .comment = true};
    }
    if (c == '/' && i + 1 < size && text[i + 1] == '*') {
        for (i += 2; i + 1 < size; i++) {
            if (text[i] == '*' && text[i + 1] == '/') return (skipped){.after = i + 2, .comment = true};
        }
        return (skipped){.after = size, .comment = true, .unfinished = true};
    }
    return (skipped){.after = i + 1};
}

cli_statement cli_statement_at(const char *text, size_t size, size_t from) {
    size_t start = from;
    while (start < size && is_space(text[start])) start++;
    size_t i = start;
    size_t end = start;
    bool content = false;
    bool unfinished = false;
    while (i < size && text[i] != ';') {
        const skipped one = skip_one(text, size, i);
        content = content || (!one.comment && !is_space(text[i]));
        unfinished = one.unfinished;
        i = one.after;
        if (!is_space(text[i - 1])) end = i;
    }
    const bool closed = i < size;
    return (cli_statement){.start = start,
                           .size = content ? end - start : 0,
                           .next = closed ? i + 1 : size,
                           .closed = closed,
                           .unfinished = unfinished};
}
