/* Bytes of a label definition, as they stand in the log. One definition has one encoding.
 *
 *   u8      format, 1
 *   u8      flags: bit 0 edge, bits 1-2 kind, bit 3 FROM, bit 4 TO, bit 5 path; others 0
 *   text    name
 *   varint  column count, then per column:
 *             text name | u8 type | u8 flags: bit 0 path column, bit 1 NOT NULL, bit 2 unsigned, bit 3 declared type,
 *             bit 4 DEFAULT, bit 5 computed; others 0 | u8 declared bits of an INT, else 0
 *             text declared type, value (docs/format/value.md) of the DEFAULT, text expression, each when its flag is set
 *   varint  key count, then one varint per key column (ordinal)
 *   text    FROM, TO, path, each when its flag is set
 * text = varint length + UTF-8 bytes without NUL; varints are LEB128 in their shortest form.
 *
 * Failure modes: WG_E_CORRUPT for anything else, WG_E_NOMEM. Memory is bounded by the input: a column costs at least four
 * bytes of it, and counts are checked before memory is taken. */
#include "worldgraph/schema/schema.h"

enum {
    SCHEMA_FORMAT = 1,
    FLAG_EDGE = 1,
    FLAG_KIND_SHIFT = 1,
    FLAG_FROM = 8,
    FLAG_TO = 16,
    FLAG_PATTERN = 32,
    COLUMN_PATH = 1,
    COLUMN_NOT_NULL = 2,
    COLUMN_UNSIGNED = 4,
    COLUMN_DECLARED = 8,
    COLUMN_DEFAULT = 16,
    COLUMN_COMPUTED = 32,
    COLUMN_FLAGS = 63,
    COLUMN_BYTES_MIN = 5 /* length, one byte of name, type, flags, bits */
};

static bool text_encode(wg_buf *out, const char *s) {
    const size_t size = strlen(s);
    return wg_buf_append_varint(out, size) && wg_buf_append(out, s, size);
}

static bool column_encode(wg_buf *out, const wg_column_def *column) {
    const bool is_int = column->type == WG_TYPE_INT;
    uint32_t flags = 0;
    if (column->source == WG_COLUMN_PARTITION) flags |= COLUMN_PATH;
    if (column->not_null) flags |= COLUMN_NOT_NULL;
    if (is_int && column->int_unsigned) flags |= COLUMN_UNSIGNED;
    if (column->declared != NULL) flags |= COLUMN_DECLARED;
    if (column->default_value != NULL) flags |= COLUMN_DEFAULT;
    if (column->source == WG_COLUMN_COMPUTED) flags |= COLUMN_COMPUTED;
    const uint8_t bits = !is_int ? 0 : column->int_bits == 0 ? 64 : column->int_bits;
    bool ok = text_encode(out, column->name) && wg_buf_append_u8(out, (uint8_t)column->type) &&
              wg_buf_append_u8(out, (uint8_t)flags) && wg_buf_append_u8(out, bits);
    if (column->declared != NULL) ok = ok && text_encode(out, column->declared);
    if (column->default_value != NULL) ok = ok && wg_value_encode(out, column->default_value);
    if (column->source == WG_COLUMN_COMPUTED) ok = ok && text_encode(out, column->expression);
    return ok;
}

bool wg_label_def_encode(wg_buf *out, const wg_label_def *def) {
    const size_t start = out->size;
    uint32_t flags = (uint32_t)def->kind << FLAG_KIND_SHIFT;
    if (def->is_edge) flags |= FLAG_EDGE;
    if (def->from_label != NULL) flags |= FLAG_FROM;
    if (def->to_label != NULL) flags |= FLAG_TO;
    if (def->pattern != NULL) flags |= FLAG_PATTERN;
    bool ok = wg_buf_append_u8(out, SCHEMA_FORMAT) && wg_buf_append_u8(out, (uint8_t)flags) &&
              text_encode(out, def->name) && wg_buf_append_varint(out, def->column_count);
    for (uint32_t i = 0; ok && i < def->column_count; i++) ok = column_encode(out, &def->columns[i]);
    ok = ok && wg_buf_append_varint(out, def->key_count);
    for (uint32_t i = 0; ok && i < def->key_count; i++) ok = wg_buf_append_varint(out, def->key_columns[i]);
    if (def->from_label != NULL) ok = ok && text_encode(out, def->from_label);
    if (def->to_label != NULL) ok = ok && text_encode(out, def->to_label);
    if (def->pattern != NULL) ok = ok && text_encode(out, def->pattern);
    if (!ok) out->size = start;
    return ok;
}

static wg_code bad(wg_error *err, const char *what) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "label definition: %s", what);
}

static bool u8_take(wg_slice *from, uint8_t *out) {
    wg_slice s;
    if (!wg_slice_take(from, 1, &s)) return false;
    *out = s.data[0];
    return true;
}

/* Shortest form only, so that one definition has one encoding. */
static bool varint_take(wg_slice *from, uint64_t max, uint64_t *out) {
    wg_slice rest = *from;
    uint64_t v;
    if (!wg_varint_take(&rest, &v) || v > max) return false;
    if (rest.data - from->data > 1 && rest.data[-1] == 0) return false;
    *from = rest;
    *out = v;
    return true;
}

static wg_code text_decode(wg_slice *from, size_t size_max, wg_arena *arena, const char **out, wg_error *err) {
    uint64_t size;
    wg_slice s;
    if (!varint_take(from, size_max, &size) || !wg_slice_take(from, (size_t)size, &s))
        return bad(err, "bad text length");
    if (s.size != 0 && memchr(s.data, 0, s.size) != NULL) return bad(err, "NUL inside a text");
    *out = wg_arena_strdup(arena, s);
    return *out == NULL ? wg_error_nomem(err, s.size + 1) : WG_OK;
}

static wg_code details_decode(wg_slice *from, uint8_t flags, wg_arena *arena, wg_column_def *out, wg_error *err) {
    if ((flags & COLUMN_DECLARED) != 0) WG_TRY(text_decode(from, WG_DECLARED_BYTES_MAX, arena, &out->declared, err));
    if ((flags & COLUMN_DEFAULT) != 0) {
        wg_value *value = wg_arena_alloc(arena, sizeof *value);
        if (value == NULL) return wg_error_nomem(err, sizeof *value);
        WG_TRY(wg_value_decode(from, arena, value, err));
        out->default_value = value;
    }
    if ((flags & COLUMN_COMPUTED) != 0) WG_TRY(text_decode(from, WG_COMPUTE_BYTES_MAX, arena, &out->expression, err));
    return WG_OK;
}

static wg_code column_decode(wg_slice *from, wg_arena *arena, wg_column_def *out, wg_error *err) {
    uint8_t type;
    uint8_t flags;
    uint8_t bits;
    memset(out, 0, sizeof *out);
    WG_TRY(text_decode(from, WG_NAME_BYTES_MAX, arena, &out->name, err));
    if (!u8_take(from, &type) || !u8_take(from, &flags) || !u8_take(from, &bits)) return bad(err, "column cut short");
    if (type > WG_TYPE_ANY) return bad(err, "unknown type");
    if (flags > COLUMN_FLAGS || (flags & (COLUMN_PATH | COLUMN_COMPUTED)) == (COLUMN_PATH | COLUMN_COMPUTED))
        return bad(err, "unknown column flag");
    const bool is_int = type == WG_TYPE_INT;
    if (is_int == (bits == 0) || (!is_int && (flags & COLUMN_UNSIGNED) != 0)) return bad(err, "bad integer width");
    out->type = (wg_type)type;
    out->source = (flags & COLUMN_PATH) != 0       ? WG_COLUMN_PARTITION
                  : (flags & COLUMN_COMPUTED) != 0 ? WG_COLUMN_COMPUTED
                                                   : WG_COLUMN_STORED;
    out->not_null = (flags & COLUMN_NOT_NULL) != 0;
    out->int_unsigned = (flags & COLUMN_UNSIGNED) != 0;
    out->int_bits = bits;
    return details_decode(from, flags, arena, out, err);
}

static wg_code columns_decode(wg_slice *from, wg_arena *arena, wg_label_def *out, wg_error *err) {
    uint64_t count;
    if (!varint_take(from, WG_LABEL_COLUMNS_MAX, &count)) return bad(err, "bad column count");
    if (count > from->size / COLUMN_BYTES_MIN) return bad(err, "more columns than bytes");
    out->column_count = (uint32_t)count;
    if (count == 0) return WG_OK;
    wg_column_def *columns = wg_arena_alloc(arena, count * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, count * sizeof *columns);
    for (uint32_t i = 0; i < out->column_count; i++) WG_TRY(column_decode(from, arena, &columns[i], err));
    out->columns = columns;
    return WG_OK;
}

static wg_code key_decode(wg_slice *from, wg_label_def *out, wg_error *err) {
    uint64_t count;
    if (!varint_take(from, WG_KEY_COLUMNS_MAX, &count)) return bad(err, "bad key count");
    out->key_count = (uint32_t)count;
    for (uint32_t i = 0; i < out->key_count; i++) {
        uint64_t column;
        if (!varint_take(from, WG_LABEL_COLUMNS_MAX, &column)) return bad(err, "bad key column");
        out->key_columns[i] = (uint32_t)column;
    }
    return WG_OK;
}

wg_code wg_label_def_decode(wg_slice *from, wg_arena *arena, wg_label_def *out, wg_error *err) {
    wg_slice rest = *from;
    wg_label_def def = {0};
    uint8_t format;
    uint8_t flags;
    if (!u8_take(&rest, &format) || !u8_take(&rest, &flags)) return bad(err, "cut short");
    if (format != SCHEMA_FORMAT)
        return wg_error_set(err, WG_E_VERSION, WG_NO_OFFSET,
                            "label definition: format %u is unknown, this build reads %d", (unsigned)format,
                            SCHEMA_FORMAT);
    if (flags >= 2 * FLAG_PATTERN) return bad(err, "unknown flag");
    const uint32_t kind = (flags >> FLAG_KIND_SHIFT) & 3;
    if (kind > WG_LABEL_VIRTUAL) return bad(err, "unknown kind");
    def.is_edge = (flags & FLAG_EDGE) != 0;
    def.kind = (wg_label_kind)kind;
    WG_TRY(text_decode(&rest, WG_NAME_BYTES_MAX, arena, &def.name, err));
    WG_TRY(columns_decode(&rest, arena, &def, err));
    WG_TRY(key_decode(&rest, &def, err));
    if ((flags & FLAG_FROM) != 0) WG_TRY(text_decode(&rest, WG_NAME_BYTES_MAX, arena, &def.from_label, err));
    if ((flags & FLAG_TO) != 0) WG_TRY(text_decode(&rest, WG_NAME_BYTES_MAX, arena, &def.to_label, err));
    if ((flags & FLAG_PATTERN) != 0) WG_TRY(text_decode(&rest, WG_PATTERN_BYTES_MAX, arena, &def.pattern, err));
    wg_error why = {0};
    if (wg_label_def_check(&def, &why) != WG_OK)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "label definition breaks a rule: %s", why.message);
    *from = rest;
    *out = def;
    return WG_OK;
}
