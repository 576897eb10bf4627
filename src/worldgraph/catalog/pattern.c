/* Partition patterns. See catalog.h.
 *
 * A pattern is a path. Each segment is literal text mixed with `{name}` and `*`; matching is leftmost-shortest: a hole ends
 * at the first place where the text behind it stands. That needs no backtracking: between two holes there is always text, and
 * when a later place of that text leads to a match the first place does too, because the next hole can take what lies between.
 * Only the text behind the last hole has no choice: it ends the name. Time: pattern size times name size. */
#include "worldgraph/catalog/catalog.h"

enum { SEGMENT_HOLES_MAX = 8, SEGMENT_NAME_BYTES_MAX = 255 };

static bool name_byte(uint8_t c, bool first) {
    const uint8_t lower = c | 0x20;
    return (lower >= 'a' && lower <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static wg_code pattern_error(wg_error *err, size_t offset, const char *what) {
    return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "partition pattern, byte %zu: %s", offset, what);
}

/* Reads "{name}" at p[*at]; *at moves behind it. */
static wg_code take_variable(wg_slice p, size_t *at, wg_slice *out, wg_error *err) {
    const size_t start = *at + 1;
    size_t i = start;
    while (i < p.size && name_byte(p.data[i], i == start)) i++;
    if (i >= p.size || p.data[i] != '}' || i == start)
        return pattern_error(err, *at, "expected {name}, a name of letters, digits and '_' in braces");
    *out = wg_slice_of(p.data + start, i - start);
    *at = i + 1;
    return WG_OK;
}

typedef struct pattern_scan {
    const char **names;
    uint32_t count;
    uint32_t capacity;
    uint32_t segments;
    uint32_t holes_here;
    bool hole_before; /* two holes side by side have no defined border */
} pattern_scan;

static wg_code scan_hole(pattern_scan *s, size_t at, wg_error *err) {
    if (s->hole_before) return pattern_error(err, at, "two variables need literal text between them");
    if (++s->holes_here > SEGMENT_HOLES_MAX) return pattern_error(err, at, "more than 8 variables in one segment");
    s->hole_before = true;
    return WG_OK;
}

static wg_code scan_name(pattern_scan *s, wg_slice name, size_t at, wg_arena *arena, wg_error *err) {
    for (uint32_t i = 0; i < s->count; i++)
        if (wg_slice_is(name, s->names[i])) return pattern_error(err, at, "this variable appears twice");
    if (s->count == s->capacity) return pattern_error(err, at, "too many variables");
    char *copy = wg_arena_strdup(arena, name);
    if (copy == NULL) return wg_error_nomem(err, name.size);
    s->names[s->count++] = copy;
    return WG_OK;
}

static bool dots_only(wg_slice segment) {
    return segment.size > 0 && segment.size <= 2 && segment.data[0] == '.' && segment.data[segment.size - 1] == '.';
}

static wg_code scan_pattern(wg_slice p, pattern_scan *s, wg_arena *arena, wg_error *err) {
    size_t segment_start = 0;
    for (size_t i = 0; i < p.size;) {
        const uint8_t c = p.data[i];
        if (c == '/') {
            segment_start = i + 1;
            s->hole_before = false;
            s->holes_here = 0;
            if (++s->segments > 2 * WG_PATTERN_SEGMENTS_MAX) return pattern_error(err, i, "too many path segments");
            i++;
        } else if (c == '{') {
            wg_slice name = {0};
            const size_t at = i;
            WG_TRY(scan_hole(s, i, err));
            WG_TRY(take_variable(p, &i, &name, err));
            WG_TRY(scan_name(s, name, at, arena, err));
        } else if (c == '*') {
            WG_TRY(scan_hole(s, i, err));
            i++;
        } else if (c == '}' || c == 0) {
            return pattern_error(err, i, "unexpected character");
        } else {
            s->hole_before = false;
            i++;
            if (s->holes_here > 0 && dots_only(wg_slice_of(p.data + segment_start, i - segment_start)))
                return pattern_error(err, i, "'.' and '..' cannot hold variables");
        }
    }
    return WG_OK;
}

wg_code wg_pattern_variables(wg_slice pattern, wg_arena *arena, const char ***out, uint32_t *out_count,
                             wg_error *err) {
    enum { NAMES_MAX = WG_PATTERN_SEGMENTS_MAX * SEGMENT_HOLES_MAX };
    const char **names = wg_arena_alloc(arena, NAMES_MAX * sizeof *names);
    if (names == NULL) return wg_error_nomem(err, NAMES_MAX * sizeof *names);
    pattern_scan s = {.names = names, .capacity = NAMES_MAX};
    WG_TRY(scan_pattern(pattern, &s, arena, err));
    *out = names;
    *out_count = s.count;
    return WG_OK;
}

wg_code wg_pattern_check(wg_slice pattern, wg_error *err) {
    if (pattern.size == 0) return pattern_error(err, 0, "the pattern is empty");
    if (pattern.size > WG_PATTERN_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "partition pattern of %zu bytes: at most %d", pattern.size,
                            (int)WG_PATTERN_BYTES_MAX);
    for (size_t i = 0; i + 3 <= pattern.size; i++)
        if (memcmp(pattern.data + i, "://", 3) == 0)
            return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                                "partition pattern: remote locations are not supported yet; use a local path");
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    const char **names;
    uint32_t count;
    const wg_code code = wg_pattern_variables(pattern, &arena, &names, &count, err);
    wg_arena_deinit(&arena);
    return code;
}

static bool value_byte(uint8_t c) {
    const uint8_t lower = c | 0x20;
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '=' || c == '-';
}

/* Values come from names on disk: only harmless characters, never a directory reference. */
bool wg_pattern_value_is_harmless(wg_slice value) {
    if (value.size == 0 || dots_only(value)) return false;
    for (size_t i = 0; i < value.size; i++)
        if (!value_byte(value.data[i])) return false;
    return true;
}

/* Where the hole at pattern position `at` ends, and whether it has a name. */
static size_t hole_end(wg_slice pattern, size_t at, bool *named) {
    *named = pattern.data[at] == '{';
    if (!*named) return at + 1;
    while (pattern.data[at] != '}') at++; /* the pattern was checked */
    return at + 1;
}

/* The literal text from `at` to the next hole or the end. */
static wg_slice literal_at(wg_slice pattern, size_t at) {
    size_t end = at;
    while (end < pattern.size && pattern.data[end] != '{' && pattern.data[end] != '*') end++;
    return wg_slice_of(pattern.data + at, end - at);
}

static bool stands_at(wg_slice name, size_t pos, wg_slice text) {
    return text.size <= name.size - pos && (text.size == 0 || memcmp(name.data + pos, text.data, text.size) == 0);
}

bool wg_pattern_match_segment(wg_slice pattern, wg_slice name, wg_slice *values, uint32_t *captured) {
    if (name.size > SEGMENT_NAME_BYTES_MAX) return false;
    wg_slice text = literal_at(pattern, 0);
    if (!stands_at(name, 0, text)) return false;
    size_t at = text.size;
    size_t pos = text.size;
    uint32_t count = *captured;
    while (at < pattern.size) {
        bool named = false;
        at = hole_end(pattern, at, &named);
        text = literal_at(pattern, at);
        at += text.size;
        const size_t start = pos;
        pos++; /* a hole is never empty */
        if (at == pattern.size && name.size >= text.size && name.size - text.size > pos) pos = name.size - text.size;
        while (pos <= name.size && !stands_at(name, pos, text)) pos++;
        if (pos > name.size) return false;
        if (named) values[count++] = wg_slice_of(name.data + start, pos - start);
        pos += text.size;
    }
    if (pos != name.size) return false;
    *captured = count;
    return true;
}
