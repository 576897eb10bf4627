/* cli/text: growable text and the escaping that keeps data from driving a terminal.
 *
 * Escaping decodes UTF-8 itself: a byte that does not belong to a well-formed sequence is shown as \xNN, so that no byte
 * above 0x7f reaches a terminal outside of a printable character. Bidirectional overrides are escaped too, because they
 * can make a row read as another. This is the only file of the program that calls the C allocator. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(void) {
    fputs("worldgraph: error: out of memory\n", stderr);
    exit(CLI_SYSTEM);
}

void *cli_allocate(size_t count, size_t size) {
    void *p = calloc(count == 0 ? 1 : count, size);
    if (p == NULL) out_of_memory();
    return p;
}

void cli_release(void *p) { free(p); }

void cli_buf_free(cli_buf *buf) {
    free(buf->data);
    *buf = (cli_buf){0};
}

void cli_buf_clear(cli_buf *buf) {
    buf->size = 0;
    if (buf->data != NULL) buf->data[0] = '\0';
}

static void reserve(cli_buf *buf, size_t more) {
    if (more > SIZE_MAX / 2 - buf->size - 1) out_of_memory();
    const size_t need = buf->size + more + 1;
    if (need <= buf->capacity) return;
    size_t capacity = buf->capacity < 256 ? 256 : buf->capacity;
    while (capacity < need) capacity *= 2;
    char *data = realloc(buf->data, capacity);
    if (data == NULL) out_of_memory();
    buf->data = data;
    buf->capacity = capacity;
}

void cli_buf_add(cli_buf *buf, const void *data, size_t size) {
    reserve(buf, size);
    if (size > 0) memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
}

void cli_buf_add_str(cli_buf *buf, const char *text) { cli_buf_add(buf, text, strlen(text)); }

void cli_buf_printf(cli_buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    const int need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (need > 0) {
        reserve(buf, (size_t)need);
        (void)vsnprintf(buf->data + buf->size, (size_t)need + 1, format, again);
        buf->size += (size_t)need;
    }
    va_end(again);
}

bool cli_buf_sink(void *buf, const void *data, size_t size) {
    cli_buf_add(buf, data, size);
    return true;
}

const char *cli_buf_text(const cli_buf *buf) { return buf->data == NULL ? "" : buf->data; }

/* Decodes one scalar value; returns its bytes, 0 when they are not UTF-8. */
static size_t decode(const unsigned char *s, size_t size, uint32_t *out) {
    if (s[0] < 0x80) {
        *out = s[0];
        return 1;
    }
    const size_t bytes = s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    if (bytes == 0 || s[0] > 0xf4 || bytes > size) return 0;
    uint32_t scalar = s[0] & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        scalar = scalar << 6 | (s[i] & 0x3fu);
    }
    const uint32_t smallest = bytes == 4 ? 0x10000 : bytes == 3 ? 0x800 : 0x80;
    if (scalar < smallest || scalar > 0x10ffff || (scalar >= 0xd800 && scalar < 0xe000)) return 0;
    *out = scalar;
    return bytes;
}

size_t cli_scalar_bytes(const char *text, size_t size) {
    uint32_t scalar;
    return decode((const unsigned char *)text, size, &scalar);
}

static bool drives_terminal(uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void add_escape(cli_buf *out, uint32_t c, cli_escape how) {
    if (how == CLI_ESCAPE_JSON) {
        /* White space between JSON tokens stays; inside strings JSON has escaped it already. */
        if (c == '\n' || c == '\t') cli_buf_printf(out, "%c", (char)c);
        else cli_buf_printf(out, "\\u%04x", (unsigned)c);
        return;
    }
    if (c == '\n') cli_buf_add_str(out, how == CLI_ESCAPE_LINES ? "\n" : "\\n");
    else if (c == '\t') cli_buf_add_str(out, "\\t");
    else if (c == '\r') cli_buf_add_str(out, "\\r");
    else cli_buf_printf(out, c < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)c);
}

void cli_add_escaped(cli_buf *out, const char *text, size_t size, cli_escape how) {
    if (how == CLI_ESCAPE_NONE) {
        cli_buf_add(out, text, size);
        return;
    }
    const unsigned char *s = (const unsigned char *)text;
    size_t clean = 0; /* start of the bytes that are copied as they are */
    for (size_t i = 0; i < size;) {
        uint32_t c = 0;
        const size_t bytes = decode(s + i, size - i, &c);
        if (bytes > 0 && !drives_terminal(c)) {
            i += bytes;
            continue;
        }
        cli_buf_add(out, text + clean, i - clean);
        if (bytes == 0) cli_buf_printf(out, "\\x%02x", s[i]);
        else add_escape(out, c, how);
        i += bytes == 0 ? 1 : bytes;
        clean = i;
    }
    cli_buf_add(out, text + clean, size - clean);
}

size_t cli_width(const char *text, size_t size) {
    size_t width = 0;
    for (size_t i = 0; i < size; i++) width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

size_t cli_prefix(const char *text, size_t size, size_t width_max) {
    size_t i = 0;
    for (size_t width = 0; i < size; i++) {
        if (((unsigned char)text[i] & 0xc0) == 0x80) continue;
        if (width == width_max) break;
        width++;
    }
    return i;
}
