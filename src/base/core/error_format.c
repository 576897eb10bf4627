/* Errors as text with a caret, and offsets as lines and columns. See core.h and worldgraph.h.
 *
 * The text is "WG_E_SYNTAX (42001): message", then, when the place is in the query text, a line break, "line 2, column 7", the
 * line itself and a caret under the column. No line break ends it. Tabs stay tabs in the line and above the caret, so
 * that both move alike; other control characters are shown as '?', because the text goes to terminals. A line longer
 * than the window is cut around the place, each cut end marked by "...".
 *
 * The offset of an error may also be one into a file. The caret is drawn only where the error is about the query: its
 * line and column, when set, must be those of the offset in this text; when not set, the code must be one that the
 * front of a query gives. */
#include "base/core/core.h"
#include "base/text/text.h"

#include <stdio.h>

enum { WINDOW_BEFORE = 60, WINDOW_AFTER = 40 };

/* Counts what is written past the end of the room too. */
typedef struct sink {
    char *out;
    size_t room; /* without the NUL */
    size_t size;
} sink;

static void put(sink *s, const char *data, size_t size) {
    if (s->size < s->room) memcpy(s->out + s->size, data, wg_min_size(size, s->room - s->size));
    s->size += size;
}

static void put_str(sink *s, const char *text) { put(s, text, strlen(text)); }

typedef struct place {
    wg_slice line;
    size_t line_number;
    size_t column;  /* from 1 */
    size_t in_line; /* byte offset of the place in the line */
} place;

static bool find_place(wg_slice text, uint64_t offset, place *out) {
    if (offset > text.size) return false;
    size_t start = 0;
    out->line_number = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text.data[i] != '\n') continue;
        start = i + 1;
        out->line_number++;
    }
    size_t end = start;
    while (end < text.size && text.data[end] != '\n') end++;
    if (end > start && end > offset && text.data[end - 1] == '\r') end--;
    out->line = wg_slice_of(text.data + start, end - start);
    out->in_line = (size_t)offset - start;
    out->column = wg_utf8_count(wg_slice_of(text.data + start, out->in_line)) + 1;
    return true;
}

void wg_error_locate(wg_error *err, wg_slice text) {
    place p;
    if (err == NULL || err->code == WG_OK || err->line != 0 || err->offset == WG_NO_OFFSET) return;
    if (!find_place(text, err->offset, &p)) return;
    err->line = (uint32_t)wg_min_size(p.line_number, UINT32_MAX);
    err->column = (uint32_t)wg_min_size(p.column, UINT32_MAX);
}

static bool is_query_code(wg_code code) {
    return code == WG_E_SYNTAX || code == WG_E_BIND || code == WG_E_TYPE || code == WG_E_NOT_FOUND ||
           code == WG_E_UNSUPPORTED || code == WG_E_PARAMETER || code == WG_E_EXISTS || code == WG_E_VALUE;
}

static bool is_about(const wg_error *err, const place *p) {
    if (err->code == WG_E_CORRUPT || err->code == WG_E_IO || err->code == WG_E_CHANGED) return false; /* of files */
    if (err->line != 0) return err->line == p->line_number && err->column == p->column;
    return is_query_code(err->code);
}

static bool is_continuation(uint8_t c) { return (c & 0xc0) == 0x80; }

/* Moves `scalars` scalars back from `at`, at most to the start of the line. */
static size_t step_back(wg_slice line, size_t at, size_t scalars) {
    while (at > 0 && scalars > 0) {
        at--;
        if (!is_continuation(line.data[at])) scalars--;
    }
    return at;
}

static size_t step_on(wg_slice line, size_t at, size_t scalars) {
    while (at < line.size) {
        if (!is_continuation(line.data[at]) && scalars-- == 0) break;
        at++;
    }
    return at;
}

/* Columns of a terminal that a scalar takes: 2 for East Asian wide letters and pictures, 0 for marks that combine. */
static size_t width_of(wg_slice line, size_t at) {
    const uint8_t *s = line.data + at;
    const size_t size = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (size == 1 || at + size > line.size) return 1;
    uint32_t c = s[0] & (0xFFu >> (size + 1));
    for (size_t i = 1; i < size; i++) c = c << 6 | (s[i] & 0x3Fu);
    if ((c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F)) return 0;
    const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
                      (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                      (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1F64F) ||
                      (c >= 0x1F900 && c <= 0x1F9FF) || (c >= 0x20000 && c <= 0x3FFFD);
    return wide ? 2 : 1;
}

static void put_line(sink *s, const place *p) {
    const wg_slice line = p->line;
    const size_t from = step_back(line, p->in_line, WINDOW_BEFORE);
    const size_t to = step_on(line, p->in_line, WINDOW_AFTER);
    if (from > 0) put_str(s, "...");
    for (size_t i = from; i < to; i++) {
        const char c = (char)line.data[i];
        const bool control = (line.data[i] < 0x20 && c != '\t') || line.data[i] == 0x7f;
        put(s, control ? "?" : &c, 1);
    }
    put_str(s, to < line.size ? "...\n" : "\n");
    if (from > 0) put_str(s, "   ");
    for (size_t i = from; i < p->in_line; i++)
        if (!is_continuation(line.data[i])) put(s, line.data[i] == '\t' ? "\t" : "  ", width_of(line, i));
    put_str(s, "^");
}

size_t wg_error_format(const wg_error *err, const char *query, char *out, size_t out_size) {
    sink s = {.out = out, .room = out_size == 0 ? 0 : out_size - 1};
    put_str(&s, wg_code_name(err == NULL ? WG_OK : err->code));
    if (err != NULL && err->code != WG_OK) {
        put_str(&s, " (");
        put_str(&s, wg_error_gqlstatus(err));
        put_str(&s, ")");
    }
    if (err != NULL && err->message[0] != '\0') {
        put_str(&s, ": ");
        put_str(&s, err->message);
    }
    place p;
    const bool shown = err != NULL && query != NULL && err->offset != WG_NO_OFFSET && err->code != WG_OK &&
                       find_place(wg_slice_str(query), err->offset, &p) && is_about(err, &p);
    char text[64];
    if (shown) {
        snprintf(text, sizeof text, "\nline %zu, column %zu\n", p.line_number, p.column);
        put_str(&s, text);
        put_line(&s, &p);
    } else if (err != NULL && err->line != 0) {
        if (err->column != 0) snprintf(text, sizeof text, "\nline %u, column %u", err->line, err->column);
        else snprintf(text, sizeof text, "\nline %u", err->line);
        put_str(&s, text);
    }
    if (out_size != 0) out[wg_min_size(s.size, s.room)] = '\0';
    return s.size;
}
