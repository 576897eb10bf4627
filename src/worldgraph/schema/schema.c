/* Definitions of labels: their rules, copies, the names of types, and how a value is fitted to a column.
 *
 * A definition is plain data that borrows everything; wg_label_def_check is the one place that says what a legal one
 * is, and decoding (schema_codec.c) ends with it. Failure modes: typed errors that name the label and the column. */
#include "worldgraph/schema/schema.h"

#include "base/text/text.h"

enum { NAME_TABLE_SLOTS = 8192, VALUE_DEPTH_MAX = 64 };
_Static_assert(NAME_TABLE_SLOTS >= 2 * WG_LABEL_COLUMNS_MAX, "the table of names stays at most half full");

static bool type_storable(wg_type type) {
    return type == WG_TYPE_BOOL || type == WG_TYPE_INT || type == WG_TYPE_FLOAT || type == WG_TYPE_STRING ||
           type == WG_TYPE_BYTES || type == WG_TYPE_DATE || type == WG_TYPE_LOCAL_DATETIME || type == WG_TYPE_ANY;
}

static wg_code name_check(const char *what, const char *name, wg_error *err) {
    if (name == NULL || name[0] == '\0')
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "%s: the name is empty", what);
    const wg_slice s = wg_slice_str(name);
    if (s.size > WG_NAME_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "%s: a name of %zu bytes, at most %d are allowed", what,
                            s.size, WG_NAME_BYTES_MAX);
    if (!wg_utf8_valid(s, NULL)) return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "%s: the name is not UTF-8", what);
    return WG_OK;
}

/* The narrower type, the default and the expression. */
static wg_code details_check(const wg_label_def *def, const wg_column_def *column, wg_error *err) {
    const bool computed = column->source == WG_COLUMN_COMPUTED;
    const wg_type carrier =
        column->declared != NULL && strcmp(column->declared, "FLOAT32") == 0 ? WG_TYPE_FLOAT : WG_TYPE_ANY;
    if (column->declared != NULL && (column->type != carrier || !wg_declared_check(wg_slice_str(column->declared))))
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "column %.60s.%.60s: unknown type %.40s", def->name,
                            column->name, column->declared);
    if (computed != (column->expression != NULL) || (computed && (column->not_null || column->default_value != NULL)))
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET,
                            "column %.60s.%.60s: a computed column has an expression, no NOT NULL and no DEFAULT",
                            def->name, column->name);
    if (computed && strlen(column->expression) > WG_COMPUTE_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "column %.60s.%.60s: an expression has at most %d bytes",
                            def->name, column->name, WG_COMPUTE_BYTES_MAX);
    if (column->default_value == NULL) return WG_OK;
    if (def->kind == WG_LABEL_VIRTUAL)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "column %.60s.%.60s: virtual labels have no defaults",
                            def->name, column->name);
    wg_value value = *column->default_value;
    const wg_code code = wg_column_def_coerce(column, &value, err);
    return code == WG_OK ? WG_OK : wg_error_prefix(err, code, "DEFAULT");
}

static wg_code column_check(const wg_label_def *def, const wg_column_def *column, wg_error *err) {
    WG_TRY(name_check("column", column->name, err));
    if (!type_storable(column->type))
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "column %.60s.%.60s: type %s cannot be stored", def->name,
                            column->name, wg_type_name(column->type));
    const uint8_t bits = column->int_bits;
    if (column->type == WG_TYPE_INT && bits != 0 && bits != 8 && bits != 16 && bits != 32 && bits != 64)
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "column %.60s.%.60s: integers of %u bits do not exist",
                            def->name, column->name, (unsigned)bits);
    WG_TRY(details_check(def, column, err));
    if (column->source != WG_COLUMN_STORED && column->source != WG_COLUMN_PARTITION &&
        column->source != WG_COLUMN_COMPUTED)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "column %.60s.%.60s: unknown source", def->name,
                            column->name);
    if (column->source == WG_COLUMN_PARTITION && def->kind != WG_LABEL_VIRTUAL)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "column %.60s.%.60s: only virtual labels have path columns",
                            def->name, column->name);
    return WG_OK;
}

static uint64_t name_hash(const char *name) { /* FNV-1a; a bad hash only costs time, bounded by the column limit */
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *c = name; *c != '\0'; c++) h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    return h;
}

static wg_code columns_check(const wg_label_def *def, wg_error *err) {
    if (def->column_count > WG_LABEL_COLUMNS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "label %.60s: %u columns, at most %d are allowed",
                            def->name, def->column_count, WG_LABEL_COLUMNS_MAX);
    uint16_t table[NAME_TABLE_SLOTS] = {0}; /* ordinal + 1 */
    for (uint32_t i = 0; i < def->column_count; i++) {
        const wg_column_def *column = &def->columns[i];
        WG_TRY(column_check(def, column, err));
        size_t at = name_hash(column->name) % NAME_TABLE_SLOTS;
        for (; table[at] != 0; at = (at + 1) % NAME_TABLE_SLOTS) {
            if (strcmp(def->columns[table[at] - 1].name, column->name) == 0)
                return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "label %.60s: two columns are named %.60s",
                                    def->name, column->name);
        }
        table[at] = (uint16_t)(i + 1);
    }
    return WG_OK;
}

static wg_code key_check(const wg_label_def *def, wg_error *err) {
    if (def->key_count > WG_KEY_COLUMNS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "label %.60s: a key of %u columns, at most %d are allowed",
                            def->name, def->key_count, WG_KEY_COLUMNS_MAX);
    for (uint32_t i = 0; i < def->key_count; i++) {
        if (def->key_columns[i] >= def->column_count)
            return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET,
                                "label %.60s: the key names a column that does not exist", def->name);
        if (def->columns[def->key_columns[i]].source == WG_COLUMN_COMPUTED)
            return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "label %.60s: a key column cannot be computed",
                                def->name);
        for (uint32_t j = 0; j < i; j++) {
            if (def->key_columns[i] == def->key_columns[j])
                return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "label %.60s: the key names %.60s twice", def->name,
                                    def->columns[def->key_columns[i]].name);
        }
    }
    return WG_OK;
}

static wg_code edge_rules_check(const wg_label_def *def, wg_error *err) {
    if (!def->is_edge) {
        if (def->from_label != NULL || def->to_label != NULL)
            return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "label %.60s: only edge labels have end points",
                                def->name);
        return WG_OK;
    }
    if (def->kind == WG_LABEL_VIRTUAL)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "edge label %.60s: edges cannot be virtual", def->name);
    if (def->key_count != 0)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "edge label %.60s: edges have no key", def->name);
    if (def->from_label != NULL) WG_TRY(name_check("FROM label", def->from_label, err));
    if (def->to_label != NULL) WG_TRY(name_check("TO label", def->to_label, err));
    return WG_OK;
}

static wg_code pattern_check(const wg_label_def *def, wg_error *err) {
    if (def->kind != WG_LABEL_VIRTUAL) {
        if (def->pattern == NULL) return WG_OK;
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "label %.60s: only virtual labels have a path", def->name);
    }
    if (def->pattern == NULL || def->pattern[0] == '\0')
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "virtual label %.60s: the path is missing", def->name);
    if (strlen(def->pattern) > WG_PATTERN_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "virtual label %.60s: the path has more than %d bytes",
                            def->name, WG_PATTERN_BYTES_MAX);
    return WG_OK;
}

wg_code wg_label_def_check(const wg_label_def *def, wg_error *err) {
    WG_ASSERT(def != NULL);
    WG_ASSERT(def->column_count == 0 || def->columns != NULL);
    WG_TRY(name_check("label", def->name, err));
    if (def->kind != WG_LABEL_OPEN && def->kind != WG_LABEL_OWNED && def->kind != WG_LABEL_VIRTUAL)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "label %.60s: unknown kind", def->name);
    if (def->kind == WG_LABEL_OPEN && (def->column_count != 0 || def->key_count != 0))
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "label %.60s: open labels declare no columns", def->name);
    WG_TRY(columns_check(def, err));
    WG_TRY(key_check(def, err));
    WG_TRY(edge_rules_check(def, err));
    return pattern_check(def, err);
}

static bool text_copy(wg_arena *arena, const char *from, const char **out) {
    *out = from == NULL ? NULL : wg_arena_strdup(arena, wg_slice_str(from));
    return from == NULL || *out != NULL;
}

static bool column_copy(wg_arena *arena, const wg_column_def *from, wg_column_def *out) {
    if (!text_copy(arena, from->name, &out->name) || !text_copy(arena, from->declared, &out->declared) ||
        !text_copy(arena, from->expression, &out->expression))
        return false;
    if (from->default_value == NULL) return true;
    wg_value *value = wg_arena_alloc(arena, sizeof *value);
    if (value == NULL || !wg_value_copy(arena, from->default_value, value)) return false;
    out->default_value = value;
    return true;
}

bool wg_label_def_copy(wg_arena *arena, const wg_label_def *from, wg_label_def *out) {
    wg_label_def copy = *from;
    wg_column_def *columns = NULL;
    if (from->column_count != 0) {
        columns = wg_arena_copy(arena, from->columns, from->column_count * sizeof *columns);
        if (columns == NULL) return false;
    }
    for (uint32_t i = 0; i < from->column_count; i++) {
        if (!column_copy(arena, &from->columns[i], &columns[i])) return false;
    }
    copy.columns = columns;
    if (!text_copy(arena, from->name, &copy.name)) return false;
    if (!text_copy(arena, from->from_label, &copy.from_label)) return false;
    if (!text_copy(arena, from->to_label, &copy.to_label)) return false;
    if (!text_copy(arena, from->pattern, &copy.pattern)) return false;
    *out = copy;
    return true;
}

uint32_t wg_label_def_column(const wg_label_def *def, wg_slice name) {
    for (uint32_t i = 0; i < def->column_count; i++) {
        if (wg_slice_is(name, def->columns[i].name)) return i;
    }
    return UINT32_MAX;
}

/* ---- names of types */

typedef struct type_name {
    const char *name; /* upper case, words separated by one space */
    wg_type type;
    uint8_t int_bits;
    bool int_unsigned;
} type_name;

static const type_name type_names[] = {{"INT", WG_TYPE_INT, 64, false},
                                       {"INTEGER", WG_TYPE_INT, 64, false},
                                       {"INT8", WG_TYPE_INT, 8, false},
                                       {"INT16", WG_TYPE_INT, 16, false},
                                       {"INT32", WG_TYPE_INT, 32, false},
                                       {"INT64", WG_TYPE_INT, 64, false},
                                       {"UINT8", WG_TYPE_INT, 8, true},
                                       {"UINT16", WG_TYPE_INT, 16, true},
                                       {"UINT32", WG_TYPE_INT, 32, true},
                                       {"UINT64", WG_TYPE_INT, 64, true},
                                       {"FLOAT", WG_TYPE_FLOAT, 0, false},
                                       {"DOUBLE", WG_TYPE_FLOAT, 0, false},
                                       {"FLOAT64", WG_TYPE_FLOAT, 0, false},
                                       {"STRING", WG_TYPE_STRING, 0, false},
                                       {"BOOL", WG_TYPE_BOOL, 0, false},
                                       {"BOOLEAN", WG_TYPE_BOOL, 0, false},
                                       {"BYTES", WG_TYPE_BYTES, 0, false},
                                       {"DATE", WG_TYPE_DATE, 0, false},
                                       {"ANY", WG_TYPE_ANY, 0, false},
                                       {"TIMESTAMP", WG_TYPE_LOCAL_DATETIME, 0, false},
                                       {"LOCAL DATETIME", WG_TYPE_LOCAL_DATETIME, 0, false}};

static bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Upper case, runs of white space as one space; false when the result does not fit. */
static bool type_text_normalise(wg_slice text, char *out, size_t out_size) {
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (is_space(c)) {
            if (i + 1 < text.size && is_space(text.data[i + 1])) continue;
            c = ' ';
        }
        if (c >= 'a' && c <= 'z') c = (uint8_t)(c - 'a' + 'A');
        if (n + 1 >= out_size || c == 0) return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

bool wg_column_type_parse(wg_slice text, wg_column_def *out) {
    char name[32];
    if (!type_text_normalise(text, name, sizeof name)) return false;
    for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++) {
        if (strcmp(name, type_names[i].name) != 0) continue;
        out->type = type_names[i].type;
        out->int_bits = type_names[i].int_bits;
        out->int_unsigned = type_names[i].int_unsigned;
        return true;
    }
    return false;
}

/* ---- fitting values */

/* Values that may lie in a column of type ANY: everything but references into the graph. */
static bool value_storable(const wg_value *v, uint32_t depth) {
    if (v->type == WG_TYPE_NODE || v->type == WG_TYPE_EDGE || v->type == WG_TYPE_PATH) return false;
    if (v->type != WG_TYPE_LIST && v->type != WG_TYPE_MAP) return true;
    if (depth >= VALUE_DEPTH_MAX) return false;
    for (uint32_t i = 0; i < v->size; i++) {
        const wg_value *item = v->type == WG_TYPE_LIST ? &v->as.list[i] : &v->as.map[i].value;
        if (!value_storable(item, depth + 1)) return false;
    }
    return true;
}

static wg_code int_range_check(const wg_column_def *def, int64_t v, wg_error *err) {
    const uint32_t bits = def->int_bits == 0 ? 64 : def->int_bits;
    int64_t min = INT64_MIN;
    int64_t max = INT64_MAX;
    if (bits < 64) {
        const int64_t span = INT64_C(1) << (def->int_unsigned ? bits : bits - 1);
        min = -span;
        max = span - 1;
    }
    if (def->int_unsigned) min = 0;
    if (v >= min && v <= max) return WG_OK;
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "column %.60s: the integer is out of the range of %sINT%u",
                        def->name, def->int_unsigned ? "U" : "", bits);
}

/* Timestamps are kept as microseconds in 64 bits. */
static wg_code timestamp_check(const wg_column_def *def, const wg_value *v, wg_error *err) {
    int64_t micros;
    bool exact;
    if (!wg_micros_of_datetime(v->as.i, v->size, &micros, &exact))
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "column %.60s: the timestamp is out of range", def->name);
    if (!exact)
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET,
                            "column %.60s: timestamps have microseconds, this one has nanoseconds", def->name);
    return WG_OK;
}

static wg_code declared_coerce(const wg_column_def *def, wg_value *value, wg_error *err) {
    const wg_slice text = wg_slice_str(def->declared);
    if (def->type == WG_TYPE_FLOAT && value->type == WG_TYPE_INT) *value = wg_value_float((double)value->as.i);
    if (wg_declared_fits(text, value) && value_storable(value, 0)) return WG_OK;
    return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "column %.60s: %s does not fit a column of %s", def->name,
                        value->type == WG_TYPE_LIST    ? "this LIST"
                        : value->type == WG_TYPE_FLOAT ? "this FLOAT"
                                                       : wg_type_name((wg_type)value->type),
                        def->declared);
}

wg_code wg_column_def_coerce(const wg_column_def *def, wg_value *value, wg_error *err) {
    WG_ASSERT(def != NULL);
    WG_ASSERT(value != NULL);
    if (value->type == WG_TYPE_NULL) {
        if (!def->not_null) return WG_OK;
        return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "column %.60s: NULL is not allowed", def->name);
    }
    if (def->source == WG_COLUMN_COMPUTED)
        return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET, "column %.60s is computed and cannot be set",
                            def->name);
    if (def->declared != NULL) return declared_coerce(def, value, err);
    if (def->type == WG_TYPE_ANY) {
        if (value_storable(value, 0)) return WG_OK;
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "column %.60s: %s cannot be stored", def->name,
                            wg_type_name((wg_type)value->type));
    }
    if (def->type == WG_TYPE_FLOAT && value->type == WG_TYPE_INT) {
        *value = wg_value_float((double)value->as.i);
        return WG_OK;
    }
    if (value->type != def->type)
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "column %.60s: %s does not fit a column of %s", def->name,
                            wg_type_name((wg_type)value->type), wg_type_name(def->type));
    if (def->type == WG_TYPE_INT) return int_range_check(def, value->as.i, err);
    if (def->type == WG_TYPE_LOCAL_DATETIME) return timestamp_check(def, value, err);
    return WG_OK;
}
