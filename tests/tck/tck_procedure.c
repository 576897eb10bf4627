/* tests/tck: "there exists a procedure test.my.proc(name :: STRING?, in :: INTEGER?) :: (out :: INTEGER?):" with a table whose rows
 * say which results belong to which arguments. It is registered as any program that links the library would do it. */
#include <stdlib.h>

#include "api/api.h"
#include "tests/tck/tck.h"

enum { FIELDS_MAX = 16 };

typedef struct table {
    wg_value *cells; /* row after row: the arguments, then the results */
    size_t row_count;
} table;

static wg_slice trim(wg_slice s) {
    while (s.size > 0 && s.data[0] == ' ') s = wg_slice_of(s.data + 1, s.size - 1);
    while (s.size > 0 && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == ':')) s.size--;
    return s;
}

/* The text before `mark` and the rest behind it; all of it when there is no mark. */
static wg_slice cut(wg_slice *rest, const char *mark) {
    const uint8_t *at = memmem(rest->data, rest->size, mark, strlen(mark));
    const wg_slice head = at != NULL ? wg_slice_of(rest->data, (size_t)(at - rest->data)) : *rest;
    const size_t skip = at != NULL ? head.size + strlen(mark) : rest->size;
    *rest = wg_slice_of(rest->data + skip, rest->size - skip);
    return head;
}

static bool read_type(wg_slice text, wg_procedure_field *out) {
    static const struct {
        const char *name;
        wg_type type;
        bool number;
    } types[] = {{"STRING", WG_TYPE_STRING, false}, {"INTEGER", WG_TYPE_INT, false}, {"FLOAT", WG_TYPE_FLOAT, false},
                 {"BOOLEAN", WG_TYPE_BOOL, false},  {"NUMBER", WG_TYPE_ANY, true},   {"ANY", WG_TYPE_ANY, false}};
    out->not_null = text.size > 0 && text.data[text.size - 1] != '?';
    if (!out->not_null) text.size--;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!wg_slice_is(text, types[i].name)) continue;
        out->type = types[i].type;
        out->number = types[i].number;
        return true;
    }
    return false;
}

/* "name :: STRING?, in :: INTEGER?" */
static bool read_fields(wg_arena *arena, wg_slice text, wg_procedure_field *fields, uint32_t *count) {
    for (*count = 0; trim(text).size > 0;) {
        wg_slice field = cut(&text, ",");
        const wg_slice name = trim(cut(&field, "::"));
        if (*count == FIELDS_MAX || !read_type(trim(field), &fields[*count])) return false;
        fields[(*count)++].name = tck_format(arena, "%.*s", (int)name.size, (const char *)name.data);
    }
    return true;
}

static wg_code look_up(void *ctx, const wg_procedure_call *call, wg_error *err) {
    const table *t = ctx;
    const uint32_t params = call->procedure->param_count, width = params + call->procedure->result_count;
    for (size_t row = 0; row < t->row_count; row++) {
        const wg_value *cells = t->cells + row * width;
        bool same = true;
        for (uint32_t i = 0; i < params && same; i++) same = wg_value_equivalent(&cells[i], &call->args[i]);
        if (same) WG_TRY(wg_procedure_add_row(call, cells + params, err));
    }
    return WG_OK;
}

const char *tck_register_procedure(wg_arena *arena, wg_db *db, const tck_step *step) {
    wg_slice rest = step->text;
    wg_procedure_field params[FIELDS_MAX], results[FIELDS_MAX];
    wg_procedure p = {.params = params, .results = results, .fn = look_up};
    (void)cut(&rest, "procedure ");
    const wg_slice name = cut(&rest, "(");
    const wg_slice takes = cut(&rest, ")");
    (void)cut(&rest, "(");
    const wg_slice gives = cut(&rest, ")");
    p.name = tck_format(arena, "%.*s", (int)name.size, (const char *)name.data);
    if (!read_fields(arena, takes, params, &p.param_count) || !read_fields(arena, gives, results, &p.result_count))
        return tck_format(arena, "cannot read the signature of %s", p.name);
    const size_t width = (size_t)p.param_count + p.result_count;
    table *t = tck_alloc(arena, 1, sizeof *t);
    t->row_count = step->row_count > 0 && width > 0 ? step->row_count - 1 : 0;
    t->cells = tck_alloc(arena, t->row_count * width + 1, sizeof *t->cells);
    for (size_t row = 0; row < t->row_count; row++)
        for (size_t i = 0; i < width; i++)
            if (step->rows[row + 1].count != width ||
                !tck_parse_value(arena, step->rows[row + 1].cells[i], &t->cells[row * width + i]))
                return tck_format(arena, "cannot read row %zu of the table of %s", row + 1, p.name);
    p.ctx = t;
    wg_error err = {0};
    if (wg_procedure_register(wg_db_procedures(db), &p, &err) != WG_OK) return tck_format(arena, "%s", err.message);
    return NULL;
}
