/* The schema tree of a footer, flattened to its leaf columns.
 *
 * A schema is a pre-order list of SchemaElements; a group says how many children follow. The walk keeps one frame per
 * open group, at most WG_PARQUET_DEPTH_MAX, and emits a column at each leaf. Levels grow on the way down: an optional or
 * repeated node adds a definition level, a repeated one also a repetition level.
 *
 *   SchemaElement  1 type  2 type_length  3 repetition  4 name  5 num_children  6 converted_type  7 scale  8 precision  10 logicalType
 *
 * Failure modes: a tree that does not add up is WG_E_CORRUPT; more columns than 65,536, deeper groups than 64 or paths of
 * more than 64 MiB together (a small schema can name a large one) are WG_E_LIMIT. A leaf that this version cannot read is
 * no error: its column carries why_not. */
#include "format/parquet/nested_internal.h"

#include <stdio.h>

#include "base/text/text.h"

enum { PATH_BYTES_MAX = WGI_PARQUET_PATH_BYTES_MAX };

/* ConvertedType, the annotation before LogicalType. */
enum {
    CONVERTED_NONE = -1,
    CONVERTED_UTF8 = 0,
    CONVERTED_MAP = 1,
    CONVERTED_MAP_KEY_VALUE = 2,
    CONVERTED_LIST = 3,
    CONVERTED_ENUM = 4,
    CONVERTED_DECIMAL = 5,
    CONVERTED_DATE = 6,
    CONVERTED_TIME_MILLIS = 7,
    CONVERTED_TIME_MICROS = 8,
    CONVERTED_TIMESTAMP_MILLIS = 9,
    CONVERTED_TIMESTAMP_MICROS = 10,
    CONVERTED_UINT_8 = 11,
    CONVERTED_INT_64 = 18,
    CONVERTED_JSON = 19,
    CONVERTED_BSON = 20,
    CONVERTED_INTERVAL = 21
};

/* LogicalType, numbered by its union's field ids. */
enum {
    LOGICAL_NONE = 0,
    LOGICAL_STRING = 1,
    LOGICAL_MAP = 2,
    LOGICAL_LIST = 3,
    LOGICAL_ENUM = 4,
    LOGICAL_DECIMAL = 5,
    LOGICAL_DATE = 6,
    LOGICAL_TIME = 7,
    LOGICAL_TIMESTAMP = 8,
    LOGICAL_INTEGER = 10,
    LOGICAL_NULL = 11,
    LOGICAL_JSON = 12,
    LOGICAL_BSON = 13,
    LOGICAL_FLOAT16 = 15
};

typedef struct element {
    bool has_type;
    int32_t type;
    int32_t type_length;
    int32_t repetition; /* 0 required, 1 optional, 2 repeated */
    int32_t children;
    int32_t converted;
    int16_t logical;
    uint8_t unit; /* of LOGICAL_TIMESTAMP: 3, 6, 9 */
    bool utc;
    int8_t int_bits;
    bool int_signed;
    int32_t scale;     /* of a decimal */
    int32_t precision; /* of a decimal; 0: not given */
    bool has_name;
    wg_slice name;
} element;

typedef struct frame {
    uint32_t number;  /* of its element */
    bool is_list;     /* annotated as one */
    bool is_repeated; /* with one child */
    uint32_t children_left;
    uint16_t def;
    uint16_t rep;
    wg_slice name;
} frame;

typedef struct walk {
    wg_thrift_reader *r;
    wg_arena *arena;
    frame stack[WG_PARQUET_DEPTH_MAX];
    uint32_t depth;
    wg_parquet_column *columns;
    uint32_t column_count;
    uint32_t column_capacity;
    wgi_parquet_element *elements;
    uint32_t element_count;
    size_t path_bytes;
} walk;

static void unit_read(wg_thrift_reader *r, element *e) {
    wg_thrift_field f;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        if (f.id >= 1 && f.id <= 3) e->unit = (uint8_t)(3 * f.id);
        wg_thrift_skip(r, f.type);
    }
}

static void logical_detail_read(wg_thrift_reader *r, element *e) {
    wg_thrift_field f;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        const bool timed = e->logical == LOGICAL_TIMESTAMP || e->logical == LOGICAL_TIME;
        if (timed && f.id == 1) wg_thrift_read_bool(r, f.type, &e->utc);
        else if (timed && f.id == 2 && f.type == WG_THRIFT_STRUCT) unit_read(r, e);
        else if (e->logical == LOGICAL_DECIMAL && f.id == 1) wg_thrift_read_i32(r, f.type, &e->scale);
        else if (e->logical == LOGICAL_DECIMAL && f.id == 2) wg_thrift_read_i32(r, f.type, &e->precision);
        else if (e->logical == LOGICAL_INTEGER && f.id == 1) wg_thrift_read_i8(r, f.type, &e->int_bits);
        else if (e->logical == LOGICAL_INTEGER && f.id == 2) wg_thrift_read_bool(r, f.type, &e->int_signed);
        else wg_thrift_skip(r, f.type);
    }
}

static void logical_read(wg_thrift_reader *r, element *e) {
    wg_thrift_field f;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        e->logical = f.id;
        if (f.type == WG_THRIFT_STRUCT) logical_detail_read(r, e);
        else wg_thrift_skip(r, f.type);
    }
}

static bool element_read(wg_thrift_reader *r, element *e) {
    *e = (element){.converted = CONVERTED_NONE};
    int32_t old_scale = 0;
    int32_t old_precision = 0;
    wg_thrift_field f;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        if (f.id == 1) e->has_type = wg_thrift_read_i32(r, f.type, &e->type);
        else if (f.id == 2) wg_thrift_read_i32(r, f.type, &e->type_length);
        else if (f.id == 3) wg_thrift_read_i32(r, f.type, &e->repetition);
        else if (f.id == 4) e->has_name = wg_thrift_read_binary(r, f.type, &e->name);
        else if (f.id == 5) wg_thrift_read_i32(r, f.type, &e->children);
        else if (f.id == 6) wg_thrift_read_i32(r, f.type, &e->converted);
        else if (f.id == 7) wg_thrift_read_i32(r, f.type, &old_scale);
        else if (f.id == 8) wg_thrift_read_i32(r, f.type, &old_precision);
        else if (f.id == 10 && f.type == WG_THRIFT_STRUCT) logical_read(r, e);
        else wg_thrift_skip(r, f.type);
    }
    if (r->code != WG_OK) return false;
    if (e->logical != LOGICAL_DECIMAL) {
        e->scale = old_scale;
        e->precision = old_precision;
    }
    if (e->children < 0) return wg_thrift_fail(r, WG_E_CORRUPT, "a schema group has a negative child count");
    if (e->repetition < 0 || e->repetition > 2)
        return wg_thrift_fail(r, WG_E_CORRUPT, "a schema element has an unknown repetition");
    if (e->has_type && e->children > 0) return wg_thrift_fail(r, WG_E_CORRUPT, "a schema element is leaf and group");
    if (e->has_type && (e->type < 0 || e->type > WGI_PARQUET_FIXED))
        return wg_thrift_fail(r, WG_E_CORRUPT, "a schema element has an unknown physical type");
    if (e->has_type && e->type == WGI_PARQUET_FIXED && e->type_length <= 0)
        return wg_thrift_fail(r, WG_E_CORRUPT, "a fixed-length column has no length");
    if (!e->has_name || !wg_utf8_valid(e->name, NULL) ||
        (e->name.size != 0 && memchr(e->name.data, 0, e->name.size) != NULL))
        return wg_thrift_fail(r, WG_E_CORRUPT, "a schema element has no name, or one that is not text");
    return true;
}

/* Folds the old annotations into the new ones; LogicalType wins where both are there. */
static void annotations_unify(element *e) {
    if (e->logical != LOGICAL_NONE || e->converted == CONVERTED_NONE) return;
    const int32_t c = e->converted;
    if (c == CONVERTED_UTF8) e->logical = LOGICAL_STRING;
    else if (c == CONVERTED_ENUM) e->logical = LOGICAL_ENUM;
    else if (c == CONVERTED_DECIMAL) e->logical = LOGICAL_DECIMAL;
    else if (c == CONVERTED_DATE) e->logical = LOGICAL_DATE;
    else if (c == CONVERTED_JSON) e->logical = LOGICAL_JSON;
    else if (c == CONVERTED_BSON) e->logical = LOGICAL_BSON;
    if (c == CONVERTED_TIME_MILLIS || c == CONVERTED_TIME_MICROS) {
        e->logical = LOGICAL_TIME;
        e->unit = c == CONVERTED_TIME_MILLIS ? 3 : 6;
        e->utc = true;
    }
    if (c == CONVERTED_TIMESTAMP_MILLIS || c == CONVERTED_TIMESTAMP_MICROS) {
        e->logical = LOGICAL_TIMESTAMP;
        e->unit = c == CONVERTED_TIMESTAMP_MILLIS ? 3 : 6;
        e->utc = true; /* the old annotation always meant an instant */
    }
    if (c >= CONVERTED_UINT_8 && c <= CONVERTED_INT_64) {
        e->logical = LOGICAL_INTEGER;
        e->int_bits = (int8_t)(8 << ((c - CONVERTED_UINT_8) & 3));
        e->int_signed = c >= CONVERTED_UINT_8 + 4;
    }
}

/* How many decimal digits any integer of so many bytes has. */
static int32_t digits_of_bytes(int32_t bytes) {
    return bytes >= 1000 ? 2407 : (int32_t)((8 * (int64_t)bytes - 1) * 30103 / 100000);
}

/* A whole number of at most 18 digits is an INT, any other a FLOAT. */
static void type_decimal(const element *e, wg_parquet_column *c) {
    const bool any = e->type == WGI_PARQUET_BYTE_ARRAY;
    const int32_t bytes = e->type == WGI_PARQUET_INT32 ? 4 : e->type == WGI_PARQUET_INT64 ? 8 : e->type_length;
    if (e->precision < 1 || e->scale < 0 || e->scale > e->precision ||
        (!any && e->precision > digits_of_bytes(bytes))) {
        c->why_not = "its decimal annotation does not fit its physical type";
        return;
    }
    c->is_decimal = true;
    c->scale = (uint32_t)e->scale;
    c->type = e->scale == 0 && e->precision <= 18 ? WG_TYPE_INT : WG_TYPE_FLOAT;
}

static void type_integer(const element *e, wg_parquet_column *c) {
    const uint8_t bits = e->type == WGI_PARQUET_INT32 ? 32 : 64;
    c->type = WG_TYPE_INT;
    c->int_bits = bits;
    /* Of the always-null type nothing but nulls is expected; what a file has all the same is what it is. */
    if (e->logical == LOGICAL_NONE || e->logical == LOGICAL_NULL) return;
    if (e->logical == LOGICAL_INTEGER) {
        const bool known = e->int_bits == 8 || e->int_bits == 16 || e->int_bits == 32 || e->int_bits == 64;
        if (!known || e->int_bits > bits) {
            c->why_not = "its integer annotation does not fit its physical type";
            return;
        }
        c->int_bits = (uint8_t)e->int_bits;
        c->int_unsigned = !e->int_signed;
    } else if (e->logical == LOGICAL_DATE && bits == 32) {
        c->type = WG_TYPE_DATE;
    } else if (e->logical == LOGICAL_TIMESTAMP && bits == 64 && e->unit != 0) {
        c->type = WG_TYPE_LOCAL_DATETIME;
        c->time_unit = e->unit;
        c->time_utc = e->utc;
    } else if (e->logical == LOGICAL_TIME && e->unit != 0 && (bits == 32) == (e->unit == 3)) {
        c->type = WG_TYPE_LOCAL_TIME;
        c->time_unit = e->unit;
        c->time_utc = e->utc;
    } else if (e->logical == LOGICAL_DECIMAL) {
        type_decimal(e, c);
    } else {
        c->why_not = "its annotation is unknown or does not fit its physical type";
    }
}

static void type_bytes(const element *e, wg_parquet_column *c) {
    if (e->logical == LOGICAL_STRING || e->logical == LOGICAL_ENUM || e->logical == LOGICAL_JSON) {
        c->type = WG_TYPE_STRING;
    } else if (e->logical == LOGICAL_DECIMAL) {
        type_decimal(e, c);
    } else if (e->logical == LOGICAL_NONE && e->converted == CONVERTED_INTERVAL) {
        c->why_not = "INTERVAL that is not twelve bytes long";
    } else {
        c->type = WG_TYPE_BYTES; /* many writers leave the annotation out: text may be in here, unchecked */
    }
}

static void type_fixed(const element *e, wg_parquet_column *c) {
    const bool interval = e->logical == LOGICAL_NONE && e->converted == CONVERTED_INTERVAL;
    if (e->logical == LOGICAL_DECIMAL) type_decimal(e, c);
    else if (interval && e->type_length == 12) c->type = WG_TYPE_DURATION;
    else if (interval) c->why_not = "INTERVAL that is not twelve bytes long";
    else if (e->logical != LOGICAL_FLOAT16) c->type = WG_TYPE_BYTES;
    else if (e->type_length == 2) c->type = WG_TYPE_FLOAT;
    else c->why_not = "FLOAT16 that is not two bytes long";
}

static void type_choose(const element *e, wg_parquet_column *c) {
    switch ((wgi_parquet_physical)e->type) {
        case WGI_PARQUET_BOOLEAN:
            c->type = WG_TYPE_BOOL;
            break;
        case WGI_PARQUET_INT32:
        case WGI_PARQUET_INT64:
            type_integer(e, c);
            break;
        case WGI_PARQUET_INT96:
            c->type = WG_TYPE_LOCAL_DATETIME;
            c->time_unit = 9;
            break;
        case WGI_PARQUET_FLOAT:
        case WGI_PARQUET_DOUBLE:
            c->type = WG_TYPE_FLOAT;
            break;
        case WGI_PARQUET_BYTE_ARRAY:
            type_bytes(e, c);
            break;
        case WGI_PARQUET_FIXED:
            type_fixed(e, c);
            break;
    }
    if (c->why_not != NULL) c->type = WG_TYPE_NULL;
    if (c->max_rep == 0 || c->why_not != NULL) return;
    c->item_type = c->type;
    c->type = WG_TYPE_LIST;
}

static const char *physical_name(wg_arena *arena, const element *e) {
    static const char *const names[] = {"BOOLEAN", "INT32",  "INT64",      "INT96",
                                        "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
    static const char *const logical[] = {"",     "STRING",    "MAP",     "LIST",     "ENUM",     "DECIMAL", "DATE",
                                          "TIME", "TIMESTAMP", "?",       "INTEGER",  "NULL",     "JSON",    "BSON",
                                          "UUID", "FLOAT16",   "VARIANT", "GEOMETRY", "GEOGRAPHY"};
    const size_t i = (size_t)e->logical;
    const char *note = e->logical < 0 || i >= sizeof logical / sizeof logical[0] ? "?" : logical[i];
    char text[80];
    if (e->logical == LOGICAL_INTEGER)
        snprintf(text, sizeof text, "%s (%s_%d)", names[e->type], e->int_signed ? "INT" : "UINT", e->int_bits);
    else if (e->logical == LOGICAL_TIMESTAMP || e->logical == LOGICAL_TIME)
        snprintf(text, sizeof text, "%s (%s %s)", names[e->type], note,
                 e->unit == 3   ? "ms"
                 : e->unit == 6 ? "us"
                 : e->unit == 9 ? "ns"
                                : "?");
    else if (note[0] != '\0') snprintf(text, sizeof text, "%s (%s)", names[e->type], note);
    else if (e->type == WGI_PARQUET_FIXED) snprintf(text, sizeof text, "%s(%d)", names[e->type], e->type_length);
    else snprintf(text, sizeof text, "%s", names[e->type]);
    return wg_arena_strdup(arena, wg_slice_str(text));
}

static bool fail_nomem(wg_thrift_reader *r, size_t bytes) {
    r->code = wg_error_nomem(r->err, bytes);
    r->end = r->pos;
    return false;
}

/* By these names old writers meant that the repeated group itself is the element, of one field. */
bool wgi_parquet_is_element(wg_slice repeated, wg_slice list) {
    if (wg_slice_is(repeated, "array")) return true;
    return repeated.size == list.size + 6 && (list.size == 0 || memcmp(repeated.data, list.data, list.size) == 0) &&
           memcmp(repeated.data + list.size, "_tuple", 6) == 0;
}

/* How many groups the name of a leaf has: a list is named after its own group, not after what it is made of,
 * `tags` and not `tags.list.element`; *leaf becomes that group's name. */
static uint32_t path_depth(const walk *w, const element *e, wg_slice *leaf) {
    const uint32_t depth = w->depth;
    const frame *parent = &w->stack[depth - 1];
    uint32_t up = 0;
    if (depth > 1 && e->repetition == 2 && parent->is_list) up = 1;
    if (depth > 2 && e->repetition != 2 && parent->is_repeated && w->stack[depth - 2].is_list &&
        !wgi_parquet_is_element(parent->name, w->stack[depth - 2].name))
        up = 2;
    if (up > 0) *leaf = w->stack[depth - up].name;
    return depth - up;
}

/* The path below the root, joined by '.'. */
static bool path_make(walk *w, const element *e, const char **out) {
    wg_slice leaf = e->name;
    const uint32_t depth = path_depth(w, e, &leaf);
    size_t bytes = leaf.size + 1;
    for (uint32_t i = 1; i < depth; i++) bytes += w->stack[i].name.size + 1;
    w->path_bytes += bytes;
    if (w->path_bytes > PATH_BYTES_MAX)
        return wg_thrift_fail(w->r, WG_E_LIMIT, "the column names take more than 64 MiB");
    char *path = wg_arena_alloc(w->arena, bytes);
    if (path == NULL) return fail_nomem(w->r, bytes);
    size_t at = 0;
    for (uint32_t i = 1; i <= depth; i++) {
        const wg_slice name = i < depth ? w->stack[i].name : leaf;
        if (name.size != 0) memcpy(path + at, name.data, name.size);
        at += name.size;
        path[at++] = i < depth ? '.' : '\0';
    }
    WG_ASSERT(at == bytes);
    *out = path;
    return true;
}

static bool columns_grow(walk *w) {
    if (w->column_count < w->column_capacity) return true;
    if (w->column_count == WG_PARQUET_COLUMNS_MAX)
        return wg_thrift_fail(w->r, WG_E_LIMIT, "the schema has more than 65,536 columns");
    const uint32_t capacity = w->column_capacity == 0 ? 16 : w->column_capacity * 2;
    const size_t bytes = (size_t)capacity * sizeof *w->columns;
    wg_parquet_column *columns = wg_arena_alloc(w->arena, bytes);
    if (columns == NULL) return fail_nomem(w->r, bytes);
    if (w->column_count != 0) memcpy(columns, w->columns, w->column_count * sizeof *columns);
    w->columns = columns;
    w->column_capacity = capacity;
    return true;
}

/* The levels at which each of the lists around a leaf has an entry. */
static bool entry_levels(walk *w, const element *e, wg_parquet_column *c) {
    if (c->max_rep < 2) return true;
    uint16_t *levels = wg_arena_alloc(w->arena, c->max_rep * sizeof *levels);
    if (levels == NULL) return fail_nomem(w->r, c->max_rep * sizeof *levels);
    for (uint32_t i = 1; i < w->depth; i++)
        if (w->stack[i].rep > w->stack[i - 1].rep) levels[w->stack[i].rep - 1] = w->stack[i].def;
    if (e->repetition == 2) levels[c->max_rep - 1] = c->max_def;
    c->entry_defs = levels;
    return true;
}

/* The definition level at which the repeated group, or the repeated leaf itself, has an entry. */
static uint16_t list_level(const walk *w, const element *e, uint16_t max_def) {
    if (e->repetition == 2) return max_def;
    for (uint32_t i = w->depth; i-- > 1;)
        if (w->stack[i].rep > w->stack[i - 1].rep) return w->stack[i].def;
    return 0;
}

static bool leaf_add(walk *w, element *e) {
    const frame *parent = &w->stack[w->depth - 1];
    annotations_unify(e);
    wg_parquet_column c = {.physical = e->type};
    c.type_length = e->type == WGI_PARQUET_FIXED ? (uint32_t)e->type_length : 0;
    c.max_def = (uint16_t)(parent->def + (e->repetition != 0));
    c.max_rep = (uint16_t)(parent->rep + (e->repetition == 2));
    c.optional = c.max_def > 0;
    c.list_def = list_level(w, e, c.max_def);
    type_choose(e, &c);
    if (!path_make(w, e, &c.name) || !columns_grow(w) || !entry_levels(w, e, &c)) return false;
    c.physical_name = physical_name(w->arena, e);
    if (c.physical_name == NULL) return fail_nomem(w->r, 80);
    w->columns[w->column_count++] = c;
    return true;
}

static bool group_open(walk *w, const element *e) {
    if (w->depth == WG_PARQUET_DEPTH_MAX)
        return wg_thrift_fail(w->r, WG_E_LIMIT, "schema groups nest deeper than 64");
    frame f = {.children_left = (uint32_t)e->children, .name = e->name, .number = w->element_count - 1};
    f.is_list = e->logical == LOGICAL_LIST || e->converted == CONVERTED_LIST;
    f.is_repeated = e->repetition == 2 && e->children == 1;
    if (w->depth > 0) {
        const frame *parent = &w->stack[w->depth - 1];
        f.def = (uint16_t)(parent->def + (e->repetition != 0));
        f.rep = (uint16_t)(parent->rep + (e->repetition == 2));
    }
    w->stack[w->depth++] = f;
    return true;
}

/* Notes an element, for the columns of groups. */
static bool element_note(walk *w, const element *e) {
    wgi_parquet_element *to = &w->elements[w->element_count++];
    const frame *parent = w->depth == 0 ? NULL : &w->stack[w->depth - 1];
    *to = (wgi_parquet_element){
        .name_size = (uint32_t)e->name.size,
        .end = w->element_count,
        .first_leaf = w->column_count,
        .leaf_end = w->column_count + (e->has_type ? 1 : 0),
        .is_leaf = e->has_type,
        .is_repeated = e->repetition == 2,
        .is_list = e->logical == LOGICAL_LIST || (e->logical == LOGICAL_NONE && e->converted == CONVERTED_LIST),
        .is_map = e->logical == LOGICAL_MAP ||
                  (e->logical == LOGICAL_NONE &&
                   (e->converted == CONVERTED_MAP || e->converted == CONVERTED_MAP_KEY_VALUE))};
    if (parent != NULL) {
        to->parent = parent->number;
        to->def = (uint16_t)(parent->def + (e->repetition != 0));
        to->rep = (uint16_t)(parent->rep + (e->repetition == 2));
    }
    to->name = wg_arena_strdup(w->arena, e->name);
    return to->name != NULL || fail_nomem(w->r, e->name.size);
}

static void groups_close(walk *w) {
    while (w->depth > 0 && w->stack[w->depth - 1].children_left == 0) {
        wgi_parquet_element *group = &w->elements[w->stack[--w->depth].number];
        group->end = w->element_count;
        group->leaf_end = w->column_count;
    }
}

wg_code wgi_parquet_schema_read(wg_thrift_reader *r, uint32_t element_count, wg_arena *arena,
                                wg_parquet_column **out_columns, uint32_t *out_count, uint32_t *out_groups) {
    walk w = {.r = r, .arena = arena};
    const size_t bytes = ((size_t)element_count + 1) * sizeof *w.elements;
    w.elements = wg_arena_alloc(arena, bytes);
    if (w.elements == NULL) {
        fail_nomem(r, bytes);
        return r->code;
    }
    for (uint32_t i = 0; i < element_count && r->code == WG_OK; i++) {
        element e;
        if (!element_read(r, &e)) break;
        if (i == 0 && e.has_type) {
            wg_thrift_fail(r, WG_E_CORRUPT, "the schema's root is not a group");
        } else if (i > 0 && w.depth == 0) {
            wg_thrift_fail(r, WG_E_CORRUPT, "the schema has elements behind its root's last child");
        } else {
            if (i > 0) w.stack[w.depth - 1].children_left--;
            const bool ok = element_note(&w, &e) && (e.has_type ? leaf_add(&w, &e) : group_open(&w, &e));
            WG_ASSERT(ok == (r->code == WG_OK));
            groups_close(&w);
        }
    }
    if (r->code == WG_OK && (w.depth != 0 || element_count == 0))
        wg_thrift_fail(r, WG_E_CORRUPT, "the schema ends before its groups are complete");
    if (r->code != WG_OK) return r->code;
    wgi_parquet_schema schema = {.r = r,
                                 .arena = arena,
                                 .elements = w.elements,
                                 .element_count = w.element_count,
                                 .columns = w.columns,
                                 .leaf_count = w.column_count,
                                 .path_bytes = w.path_bytes};
    if (!wgi_parquet_groups_make(&schema, out_columns, out_groups)) return r->code;
    *out_count = w.column_count;
    return WG_OK;
}
