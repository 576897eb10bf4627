/* Row functions that convert without failing (toIntegerOrNull and its kin, lists), and those that tell what a value is.
 *
 * A conversion that cannot be done gives null; only a refused allocation is an error. The forms for lists convert each element so. */
#include "base/text/text.h"
#include "exec/exec_functions.h"

static wg_code wrong_type(const wgi_call *call, const wg_value *v, wg_error *err) {
    return wg_error_set(err, WG_E_TYPE, call->offset, "%s cannot take a value of type %s", call->function->name,
                        wg_type_name((wg_type)v->type));
}

/* ---- conversions */

/* By the beginning of the function's name: "toIntegerOrNull", "toIntegerList". */
static wgi_row_fn conversion_of(const wgi_call *call) {
    static const struct {
        const char *stem;
        wgi_row_fn row;
    } conversions[] = {{"toInteger", wgi_fn_to_integer},
                       {"toFloat", wgi_fn_to_float},
                       {"toBoolean", wgi_fn_to_boolean},
                       {"toString", wgi_fn_to_string}};
    for (size_t i = 0; i < sizeof conversions / sizeof conversions[0]; i++)
        if (strncmp(call->function->name, conversions[i].stem, strlen(conversions[i].stem)) == 0)
            return conversions[i].row;
    WG_UNREACHABLE("a conversion of no type");
}

static wg_code convert(wgi_call *call, const wg_value *v, wg_value *out, wg_error *err) {
    wg_error ignored;
    *out = wg_value_null();
    if (v->type == WG_TYPE_NULL) return WG_OK;
    wg_value made = wg_value_null();
    const wg_code code = conversion_of(call)(call, v, 1, &made, &ignored);
    if (code == WG_E_NOMEM) return wg_error_nomem(err, v->size);
    if (code == WG_OK) *out = made;
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_or_null) {
    (void)arg_count;
    return convert(call, &args[0], out, err);
}

WGI_ROW_FN(wgi_fn_to_list) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    wg_value *items = wg_arena_alloc(&call->eval->arena, args[0].size * sizeof *items + 1);
    if (items == NULL) return wg_error_nomem(err, args[0].size * sizeof *items);
    for (uint32_t i = 0; i < args[0].size; i++) WG_TRY(convert(call, &args[0].as.list[i], &items[i], err));
    *out = (wg_value){.type = WG_TYPE_LIST, .size = args[0].size};
    out->as.list = items;
    return WG_OK;
}

/* ---- what a value is */

WGI_ROW_FN(wgi_fn_null_if) {
    (void)call, (void)arg_count, (void)err;
    *out = wg_value_equal(&args[0], &args[1]) == 1 ? wg_value_null() : args[0];
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_is_empty) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_LIST && args[0].type != WG_TYPE_MAP && args[0].type != WG_TYPE_STRING)
        return wrong_type(call, &args[0], err);
    *out = wg_value_bool(args[0].size == 0);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_element_id) {
    (void)arg_count;
    char text[24];
    if (args[0].type != WG_TYPE_NODE && args[0].type != WG_TYPE_EDGE) return wrong_type(call, &args[0], err);
    const size_t size = wg_format_i64(wg_i64_of_u64(args[0].as.id), text);
    const char *copy = wg_arena_copy(&call->eval->arena, text, size);
    if (copy == NULL) return wg_error_nomem(err, size);
    *out = wg_value_str(wg_slice_of(copy, size));
    return WG_OK;
}

/* Types in the order in which a union names them. */
typedef struct type_word {
    wg_type type;
    const char *word;
} type_word;
static const type_word type_words[] = {{WG_TYPE_BOOL, "BOOLEAN"},
                                       {WG_TYPE_STRING, "STRING"},
                                       {WG_TYPE_INT, "INTEGER"},
                                       {WG_TYPE_FLOAT, "FLOAT"},
                                       {WG_TYPE_DATE, "DATE"},
                                       {WG_TYPE_LOCAL_TIME, "LOCAL TIME"},
                                       {WG_TYPE_TIME, "ZONED TIME"},
                                       {WG_TYPE_LOCAL_DATETIME, "LOCAL DATETIME"},
                                       {WG_TYPE_DATETIME, "ZONED DATETIME"},
                                       {WG_TYPE_DURATION, "DURATION"},
                                       {WG_TYPE_POINT, "POINT"},
                                       {WG_TYPE_BYTES, "BYTES"},
                                       {WG_TYPE_NODE, "NODE"},
                                       {WG_TYPE_EDGE, "RELATIONSHIP"},
                                       {WG_TYPE_MAP, "MAP"},
                                       {WG_TYPE_LIST, "LIST"},
                                       {WG_TYPE_PATH, "PATH"}};
enum { TYPE_WORDS = sizeof type_words / sizeof type_words[0] };

/* What the values of one list are, all its levels merged: which types, whether nulls, and of the lists among them the same again. */
enum { LEVELS = WG_VALUE_DEPTH_MAX + 1 };
typedef struct level_types {
    uint32_t types; /* a bit a type */
    bool nulls;
} level_types;

static void note_types(const wg_value *v, uint32_t depth, level_types *levels) {
    if (v->type == WG_TYPE_NULL) levels[depth].nulls = true;
    else levels[depth].types |= UINT32_C(1) << v->type;
    for (uint32_t i = 0; v->type == WG_TYPE_LIST && depth + 1 < LEVELS && i < v->size; i++)
        note_types(&v->as.list[i], depth + 1, levels);
}

static bool print_types(wg_buf *out, const level_types *levels, uint32_t depth) {
    const level_types *level = &levels[depth];
    bool ok = true, first = true;
    if (level->types == 0) return wg_buf_append_str(out, level->nulls ? "NULL" : "NOTHING");
    for (size_t i = 0; ok && i < TYPE_WORDS; i++) {
        if ((level->types >> type_words[i].type & 1) == 0) continue;
        ok = (first || wg_buf_append_str(out, " | ")) && wg_buf_append_str(out, type_words[i].word);
        if (ok && type_words[i].type == WG_TYPE_LIST && depth + 1 < LEVELS)
            ok = wg_buf_append_str(out, "<") && print_types(out, levels, depth + 1) && wg_buf_append_str(out, ">");
        ok = ok && (level->nulls || wg_buf_append_str(out, " NOT NULL"));
        first = false;
    }
    return ok;
}

WGI_ROW_FN(wgi_fn_value_type) {
    (void)arg_count;
    level_types levels[LEVELS] = {{0}};
    wg_buf text;
    wg_buf_init(&text, call->eval->context->account);
    note_types(&args[0], 0, levels);
    const char *copy = NULL;
    if (print_types(&text, levels, 0)) copy = wg_arena_copy(&call->eval->arena, text.data, text.size);
    if (copy != NULL) *out = wg_value_str(wg_slice_of(copy, text.size));
    wg_buf_deinit(&text);
    return copy != NULL ? WG_OK : wg_error_nomem(err, 64);
}
