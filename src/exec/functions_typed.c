/* IS :: TYPE. The type is the canonical text that the parser made: names with ` | ` between them, LIST<..>, ` NOT NULL` behind one.
 * Null is of every type that is not NOT NULL. */
#include "exec/exec_functions.h"

static bool take(wg_slice *s, const char *word) {
    const size_t size = strlen(word);
    if (s->size < size || memcmp(s->data, word, size) != 0) return false;
    *s = wg_slice_of(s->data + size, s->size - size);
    return true;
}

static bool is_named(const wg_value *v, wg_slice name) {
    static const char *const others[][2] = {{"BOOLEAN", "BOOL"},
                                            {"INTEGER", "INT"},
                                            {"RELATIONSHIP", "EDGE"},
                                            {"ZONED TIME", "TIME"},
                                            {"ZONED DATETIME", "DATETIME"}};
    if (wg_slice_is(name, "ANY")) return true;
    if (wg_slice_is(name, "NOTHING") || v->type == WG_TYPE_NULL) return wg_slice_is(name, "NULL");
    if (wg_slice_is(name, "PROPERTY VALUE"))
        return v->type != WG_TYPE_NODE && v->type != WG_TYPE_EDGE && v->type != WG_TYPE_PATH &&
               v->type != WG_TYPE_MAP;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (wg_slice_is(name, others[i][0])) return strcmp(wg_type_name((wg_type)v->type), others[i][1]) == 0;
    return wg_slice_is(name, wg_type_name((wg_type)v->type));
}

static bool is_of(const wg_value *v, wg_slice *type);

/* Reads past LIST<..>; the elements are asked one by one, with the same text each. */
static bool is_list(const wg_value *v, wg_slice *type) {
    const wg_slice inner = *type;
    const wg_value nothing = wg_value_null();
    bool all = v->type == WG_TYPE_LIST;
    (void)is_of(&nothing, type);
    for (uint32_t i = 0; all && i < v->size; i++) {
        wg_slice again = inner;
        all = is_of(&v->as.list[i], &again);
    }
    (void)take(type, ">");
    return all;
}

static bool is_one(const wg_value *v, wg_slice *type) {
    bool fits;
    bool nothing = false;
    if (take(type, "LIST<")) {
        fits = is_list(v, type);
    } else {
        size_t size = 0;
        while (size < type->size && type->data[size] != '|' && type->data[size] != '>') size++;
        const wg_slice rest = wg_slice_of(type->data, size);
        for (size_t i = 0; i + 9 <= rest.size; i++)
            if (memcmp(rest.data + i, " NOT NULL", 9) == 0) size = i;
        while (size > 0 && type->data[size - 1] == ' ') size--;
        const wg_slice name = wg_slice_of(type->data, size);
        nothing = wg_slice_is(name, "NOTHING");
        fits = is_named(v, name);
        *type = wg_slice_of(type->data + size, type->size - size);
    }
    const bool not_null = take(type, " NOT NULL");
    if (v->type == WG_TYPE_NULL) return !not_null && !nothing;
    return fits;
}

static bool is_of(const wg_value *v, wg_slice *type) {
    bool any = is_one(v, type);
    while (take(type, " | ")) any = is_one(v, type) || any;
    return any;
}

WGI_ROW_FN(wgi_fn_typed) {
    (void)call;
    (void)arg_count;
    (void)err;
    wg_slice type = wg_value_slice(&args[1]);
    *out = wg_value_bool(is_of(&args[0], &type));
    return WG_OK;
}
