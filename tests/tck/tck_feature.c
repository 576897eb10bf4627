/* tests/tck: reads features: scenarios, outlines with examples, backgrounds, doc strings and tables. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/tck/tck.h"

enum { STEPS_MAX = 64, CELLS_MAX = 64 };

void *tck_alloc(wg_arena *arena, size_t count, size_t size) {
    void *p = wg_arena_alloc_zero(arena, (count + 1) * size);
    if (p == NULL) {
        (void)fprintf(stderr, "worldgraph-tck: out of memory\n");
        exit(2);
    }
    return p;
}

char *tck_format(wg_arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = tck_alloc(arena, (size_t)(size < 0 ? 0 : size) + 1, 1);
    if (size > 0) (void)vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

void tck_read_file(wg_arena *arena, const char *path, wg_slice *out) {
    *out = (wg_slice){0};
    FILE *file = fopen(path, "rb");
    if (file == NULL) return;
    wg_buf text;
    wg_buf_init(&text, NULL);
    char chunk[4096];
    size_t n;
    bool ok = true;
    while (ok && (n = fread(chunk, 1, sizeof chunk, file)) > 0) {
        for (size_t i = 0; i < n && ok; i++)
            if (chunk[i] != '\r') ok = wg_buf_append_u8(&text, (uint8_t)chunk[i]);
    }
    (void)fclose(file);
    char *copy = tck_alloc(arena, text.size, 1);
    if (text.size > 0) memcpy(copy, text.data, text.size);
    *out = wg_slice_of(copy, text.size);
    wg_buf_deinit(&text);
}

static wg_slice next_line(wg_slice *rest) {
    const uint8_t *end = memchr(rest->data, '\n', rest->size);
    const size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
    const wg_slice line = wg_slice_of(rest->data, size);
    const size_t used = end != NULL ? size + 1 : size;
    *rest = wg_slice_of(rest->data + used, rest->size - used);
    return line;
}

static wg_slice trim(wg_slice s) {
    while (s.size > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) s = wg_slice_of(s.data + 1, s.size - 1);
    while (s.size > 0 && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t')) s.size--;
    return s;
}

static bool take(wg_slice *s, const char *prefix) {
    const size_t size = strlen(prefix);
    if (s->size < size || memcmp(s->data, prefix, size) != 0) return false;
    *s = trim(wg_slice_of(s->data + size, s->size - size));
    return true;
}

/* The text of a cell: \n, \| and \\ are escapes of the notation of tables. */
static wg_slice cell_text(wg_arena *arena, wg_slice raw) {
    uint8_t *p = tck_alloc(arena, raw.size, 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.size; i++) {
        uint8_t c = raw.data[i];
        if (c == '\\' && i + 1 < raw.size && (raw.data[i + 1] == '|' || raw.data[i + 1] == '\\')) c = raw.data[++i];
        else if (c == '\\' && i + 1 < raw.size && raw.data[i + 1] == 'n') {
            c = '\n';
            i++;
        }
        p[n++] = c;
    }
    return wg_slice_of(p, n);
}

static tck_row read_row(wg_arena *arena, wg_slice line) {
    tck_row row = {.cells = tck_alloc(arena, CELLS_MAX, sizeof *row.cells)};
    size_t at = 1;
    while (at < line.size && row.count < CELLS_MAX) {
        size_t end = at;
        while (end < line.size && line.data[end] != '|') end += line.data[end] == '\\' ? 2 : 1;
        if (end >= line.size) break;
        row.cells[row.count++] = cell_text(arena, trim(wg_slice_of(line.data + at, end - at)));
        at = end + 1;
    }
    return row;
}

static void read_table(wg_arena *arena, wg_slice *rest, tck_row **out, size_t *out_count) {
    tck_row *rows = NULL;
    size_t count = 0, capacity = 0;
    for (;;) {
        wg_slice after = *rest;
        if (after.size == 0) break;
        const wg_slice line = trim(next_line(&after));
        if (line.size > 0 && line.data[0] != '|' && line.data[0] != '#') break;
        *rest = after;
        if (line.size == 0 || line.data[0] == '#') continue;
        if (count == capacity) {
            capacity = capacity == 0 ? 8 : capacity * 2;
            tck_row *more = tck_alloc(arena, capacity, sizeof *more);
            if (count > 0) memcpy(more, rows, count * sizeof *more);
            rows = more;
        }
        rows[count++] = read_row(arena, line);
    }
    *out = rows;
    *out_count = count;
}

/* The lines between quotes, without the indent of the first quotes. */
static wg_slice read_doc(wg_arena *arena, wg_slice opening, wg_slice *rest) {
    size_t indent = 0;
    while (indent < opening.size && opening.data[indent] == ' ') indent++;
    uint8_t *p = tck_alloc(arena, rest->size, 1);
    size_t n = 0;
    while (rest->size > 0) {
        wg_slice line = next_line(rest);
        wg_slice end = trim(line);
        if (take(&end, "\"\"\"")) break;
        size_t skip = 0;
        while (skip < indent && skip < line.size && line.data[skip] == ' ') skip++;
        if (n > 0) p[n++] = '\n';
        memcpy(p + n, line.data + skip, line.size - skip);
        n += line.size - skip;
    }
    return wg_slice_of(p, n);
}

static void read_attachment(wg_arena *arena, wg_slice *rest, tck_step *step) {
    wg_slice after = *rest;
    wg_slice line = {0};
    while (after.size > 0 && trim(line).size == 0) line = next_line(&after);
    wg_slice start = trim(line);
    if (take(&start, "\"\"\"")) {
        step->doc = read_doc(arena, line, &after);
        *rest = after;
    } else if (start.size > 0 && start.data[0] == '|') {
        read_table(arena, rest, &step->rows, &step->row_count);
    }
}

static bool read_step(wg_arena *arena, wg_slice line, wg_slice *rest, tck_step *step) {
    static const char *const keywords[] = {"Given ", "When ", "Then ", "And ", "But "};
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        if (!take(&line, keywords[i])) continue;
        *step = (tck_step){.text = line};
        read_attachment(arena, rest, step);
        return true;
    }
    return false;
}

/* ---- outlines */

static wg_slice substitute(wg_arena *arena, wg_slice text, const tck_row *head, const tck_row *row) {
    wg_buf out;
    wg_buf_init(&out, NULL);
    bool ok = true;
    for (size_t i = 0; i < text.size && ok; i++) {
        size_t c = head->count;
        if (text.data[i] == '<')
            for (c = 0; c < head->count && c < row->count; c++) {
                const wg_slice name = head->cells[c];
                if (i + 1 + name.size < text.size && text.data[i + 1 + name.size] == '>' &&
                    memcmp(text.data + i + 1, name.data, name.size) == 0)
                    break;
            }
        if (c < head->count && c < row->count) {
            ok = row->cells[c].size == 0 || wg_buf_append(&out, row->cells[c].data, row->cells[c].size);
            i += head->cells[c].size + 1;
        } else {
            ok = wg_buf_append_u8(&out, text.data[i]);
        }
    }
    uint8_t *copy = tck_alloc(arena, out.size, 1);
    if (out.size > 0) memcpy(copy, out.data, out.size);
    const wg_slice result = wg_slice_of(copy, out.size);
    wg_buf_deinit(&out);
    return result;
}

static tck_step substitute_step(wg_arena *arena, const tck_step *from, const tck_row *head, const tck_row *row) {
    tck_step step = {.text = substitute(arena, from->text, head, row),
                     .doc = substitute(arena, from->doc, head, row)};
    step.rows = tck_alloc(arena, from->row_count, sizeof *step.rows);
    step.row_count = from->row_count;
    for (size_t r = 0; r < from->row_count; r++) {
        const tck_row *cells = &from->rows[r];
        step.rows[r] =
            (tck_row){.cells = tck_alloc(arena, cells->count, sizeof *cells->cells), .count = cells->count};
        for (size_t c = 0; c < cells->count; c++)
            step.rows[r].cells[c] = substitute(arena, cells->cells[c], head, row);
    }
    return step;
}

typedef struct reader {
    wg_arena *arena;
    const char *feature;
    const char *area;
    void (*each)(void *arg, const tck_scenario *scenario);
    void *arg;
    tck_step background[STEPS_MAX];
    size_t background_count;
    tck_step steps[STEPS_MAX]; /* the background's first */
    size_t step_count;
    const char *title; /* NULL: in the background or before it */
    bool outline;
    size_t rows_done;
} reader;

static void emit_row(reader *r, const tck_row *head, const tck_row *row) {
    tck_scenario scenario = {.area = r->area, .step_count = r->step_count};
    scenario.name = tck_format(r->arena, "%s %s (row %zu)", r->feature, r->title, ++r->rows_done);
    scenario.steps = tck_alloc(r->arena, r->step_count, sizeof *scenario.steps);
    for (size_t i = 0; i < r->step_count; i++) scenario.steps[i] = substitute_step(r->arena, &r->steps[i], head, row);
    r->each(r->arg, &scenario);
}

static void end_scenario(reader *r) {
    if (r->title == NULL) return;
    if (!r->outline) {
        tck_scenario scenario = {.area = r->area, .steps = r->steps, .step_count = r->step_count};
        scenario.name = tck_format(r->arena, "%s %s", r->feature, r->title);
        r->each(r->arg, &scenario);
    }
    r->title = NULL;
}

static void begin_scenario(reader *r, wg_slice title, bool outline) {
    end_scenario(r);
    r->title = tck_format(r->arena, "%.*s", (int)title.size, (const char *)title.data);
    r->outline = outline;
    r->rows_done = 0;
    memcpy(r->steps, r->background, r->background_count * sizeof r->steps[0]);
    r->step_count = r->background_count;
}

static void read_examples(reader *r, wg_slice *rest) {
    tck_row *rows;
    size_t count;
    read_table(r->arena, rest, &rows, &count);
    for (size_t i = 1; i < count; i++) emit_row(r, &rows[0], &rows[i]);
}

void tck_each_scenario(wg_arena *arena, const char *name, wg_slice text,
                       void (*each)(void *arg, const tck_scenario *scenario), void *arg) {
    reader *r = tck_alloc(arena, 1, sizeof *r);
    char *area = tck_format(arena, "%s", name);
    if (strrchr(area, '/') != NULL) *strrchr(area, '/') = '\0';
    r->arena = arena;
    r->feature = name;
    r->area = area;
    r->each = each;
    r->arg = arg;
    bool background = false;
    while (text.size > 0) {
        wg_slice line = trim(next_line(&text));
        const bool outline = take(&line, "Scenario Outline:");
        tck_step step;
        if (outline || take(&line, "Scenario:")) {
            begin_scenario(r, line, outline);
            background = false;
        } else if (take(&line, "Background:")) {
            background = true;
        } else if (take(&line, "Examples:")) {
            read_examples(r, &text);
        } else if (read_step(arena, line, &text, &step)) {
            if (background && r->background_count < STEPS_MAX) r->background[r->background_count++] = step;
            else if (r->title != NULL && r->step_count < STEPS_MAX) r->steps[r->step_count++] = step;
        }
    }
    end_scenario(r);
}
