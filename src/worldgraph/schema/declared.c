/* Declared types that are narrower than the column they lie in: values of a column of type ANY that must all be durations, points, lists
 * of floats.
 *
 * A type is its text, taken apart from its end: "FLOAT[3]" is an array of three, before the bracket stands the type of its
 * elements; "LIST<T>" is a list of any length. There is no tree to build, copy or store, and a check allocates nothing. The
 * depth is bounded by the length of the text. Failure modes: none; a text that is no type fits nothing. */
#include "worldgraph/schema/schema.h"

#include <float.h>
#include <math.h>

enum { ARRAY_MAX = 1000000 };

typedef struct declared_name {
    const char *name;
    wg_type type;
} declared_name;

static const declared_name declared_names[] = {
    {"LOCAL TIME", WG_TYPE_LOCAL_TIME}, {"TIME", WG_TYPE_TIME},  {"DATETIME", WG_TYPE_DATETIME},
    {"DURATION", WG_TYPE_DURATION},     {"LIST", WG_TYPE_LIST},  {"MAP", WG_TYPE_MAP},
    {"FLOAT32", WG_TYPE_FLOAT},         {"POINT", WG_TYPE_POINT}};

static wg_slice part(wg_slice s, size_t from, size_t to) { return wg_slice_of(s.data + from, to - from); }

/* LIST<T> or T[n]: the element and n, UINT32_MAX for any number. False: it is no list of something. */
static bool list_parts(wg_slice text, wg_slice *element, uint32_t *length) {
    static const char open[] = "LIST<";
    const size_t prefix = sizeof open - 1;
    if (text.size > prefix + 1 && memcmp(text.data, open, prefix) == 0 && text.data[text.size - 1] == '>') {
        *element = part(text, prefix, text.size - 1);
        *length = UINT32_MAX;
        return true;
    }
    if (text.size < 4 || text.data[text.size - 1] != ']') return false;
    size_t at = text.size - 1;
    while (at > 0 && text.data[at - 1] >= '0' && text.data[at - 1] <= '9') at--;
    if (at < 2 || at == text.size - 1 || text.size - at > 8 || text.data[at - 1] != '[') return false;
    uint32_t n = 0;
    for (size_t i = at; i + 1 < text.size; i++) n = n * 10 + (uint32_t)(text.data[i] - '0');
    if (n > ARRAY_MAX) return false;
    *element = part(text, 0, at - 1);
    *length = n;
    return true;
}

static const declared_name *name_of(wg_slice text) {
    for (size_t i = 0; i < sizeof declared_names / sizeof declared_names[0]; i++)
        if (wg_slice_is(text, declared_names[i].name)) return &declared_names[i];
    return NULL;
}

static bool is_type(wg_slice text, uint32_t depth) {
    wg_slice element;
    uint32_t length;
    wg_column_def basic;
    if (depth > 16) return false;
    if (list_parts(text, &element, &length)) return is_type(element, depth + 1);
    return name_of(text) != NULL || wg_column_type_parse(text, &basic);
}

bool wg_declared_check(wg_slice text) {
    wg_slice element;
    uint32_t length;
    if (text.size > WG_DECLARED_BYTES_MAX) return false;
    if (list_parts(text, &element, &length)) return is_type(element, 1);
    return name_of(text) != NULL;
}

static bool basic_fits(wg_slice text, const wg_value *value) {
    wg_column_def def = {.name = "element"};
    wg_value copy = *value;
    if (!wg_column_type_parse(text, &def)) return false;
    return wg_column_def_coerce(&def, &copy, NULL) == WG_OK && copy.type == value->type;
}

bool wg_declared_fits(wg_slice text, const wg_value *value) {
    wg_slice element;
    uint32_t length;
    if (list_parts(text, &element, &length)) {
        bool fits = value->type == WG_TYPE_LIST && (length == UINT32_MAX || value->size == length);
        for (uint32_t i = 0; fits && i < value->size; i++) fits = wg_declared_fits(element, &value->as.list[i]);
        return fits;
    }
    if (value->type == WG_TYPE_NULL) return false;
    const declared_name *name = name_of(text);
    if (name == NULL) return basic_fits(text, value);
    if (value->type != name->type) return false;
    if (value->type != WG_TYPE_FLOAT) return true; /* FLOAT32: kept in 64 bits, in the range of 32 */
    return !isfinite(value->as.f) || fabs(value->as.f) <= (double)FLT_MAX;
}

wg_type wg_column_def_value_type(const wg_column_def *def) {
    wg_slice element;
    uint32_t length;
    if (def->declared == NULL) return def->type;
    const wg_slice text = wg_slice_str(def->declared);
    if (list_parts(text, &element, &length)) return WG_TYPE_LIST;
    const declared_name *name = name_of(text);
    return name == NULL ? WG_TYPE_ANY : name->type;
}

const char *wg_column_def_type_text(const wg_column_def *def) {
    static const char *const widths[2][4] = {{"INT8", "INT16", "INT32", "INT"},
                                             {"UINT8", "UINT16", "UINT32", "UINT64"}};
    if (def->declared != NULL) return def->declared;
    if (def->type == WG_TYPE_LOCAL_DATETIME) return "LOCAL DATETIME";
    if (def->type != WG_TYPE_INT) return wg_type_name(def->type);
    const uint32_t at = def->int_bits == 8 ? 0 : def->int_bits == 16 ? 1 : def->int_bits == 32 ? 2 : 3;
    return widths[def->int_unsigned][at];
}
