/* Definitions of indexes and constraints: their rules and their bytes.
 *
 *   u8 format = 1 | u8 kind | bytes name | varint label | varint properties | varint key each | TYPE: u8 type, u8 bits, u8 unsigned
 *
 * A definition is plain data that borrows its name; wg_rule_def_check says what a legal one is, and decoding ends with it. Failure
 * modes: WG_E_BIND, WG_E_LIMIT, WG_E_TYPE with the rule's name; WG_E_CORRUPT for bytes that no encoder writes. */
#include "worldgraph/schema/rule.h"

#include "base/text/text.h"

enum { RULE_FORMAT = 1 };

const char *wg_rule_kind_name(wg_rule_kind kind) {
    static const char *const names[WG_RULE_KIND_COUNT] = {"RANGE", "HASH", "UNIQUENESS", "KEY", "NOT NULL", "TYPE"};
    return (uint32_t)kind < WG_RULE_KIND_COUNT ? names[kind] : "?";
}

static wg_code type_check(const wg_rule_def *def, wg_error *err) {
    /* As a column of that type, so that both refuse the same. */
    wg_column_def column = def->type;
    column.name = "value";
    const wg_label_def label = {.name = def->name, .kind = WG_LABEL_OWNED, .column_count = 1, .columns = &column};
    if (column.not_null || column.source != WG_COLUMN_STORED)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "constraint %.60s: not a type of values", def->name);
    return wg_label_def_check(&label, err);
}

wg_code wg_rule_def_check(const wg_rule_def *def, wg_error *err) {
    const wg_slice name = def->name == NULL ? (wg_slice){0} : wg_slice_str(def->name);
    if (name.size == 0 || name.size > WG_NAME_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET,
                            "the name of an index or constraint has 1 to %d bytes, not %zu", (int)WG_NAME_BYTES_MAX,
                            name.size);
    if (!wg_utf8_valid(name, NULL))
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "the name of an index or constraint is UTF-8");
    if ((uint32_t)def->kind >= WG_RULE_KIND_COUNT)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "%.60s: unknown kind %u", def->name, (unsigned)def->kind);
    const uint32_t most = wg_rule_has_index(def->kind) ? (uint32_t)WG_KEY_COLUMNS_MAX : 1;
    if (def->key_count == 0 || def->key_count > most)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "%.60s: %s takes 1 to %u properties, not %u", def->name,
                            wg_rule_kind_name(def->kind), most, def->key_count);
    for (uint32_t i = 0; i < def->key_count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (def->keys[i] == def->keys[k])
                return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "%.60s: a property is named twice", def->name);
    return def->kind == WG_RULE_TYPE ? type_check(def, err) : WG_OK;
}

bool wg_rule_def_equal(const wg_rule_def *a, const wg_rule_def *b) {
    if (a->kind != b->kind || a->label != b->label || a->key_count != b->key_count) return false;
    for (uint32_t i = 0; i < a->key_count; i++)
        if (a->keys[i] != b->keys[i]) return false;
    return true;
}

bool wg_rule_def_encode(wg_buf *out, const wg_rule_def *def) {
    const size_t start = out->size;
    const wg_slice name = wg_slice_str(def->name);
    bool ok = wg_buf_append_u8(out, RULE_FORMAT) && wg_buf_append_u8(out, (uint8_t)def->kind) &&
              wg_buf_append_varint(out, name.size) && wg_buf_append(out, name.data, name.size) &&
              wg_buf_append_varint(out, def->label) && wg_buf_append_varint(out, def->key_count);
    for (uint32_t i = 0; ok && i < def->key_count; i++) ok = wg_buf_append_varint(out, def->keys[i]);
    if (ok && def->kind == WG_RULE_TYPE)
        ok = wg_buf_append_u8(out, (uint8_t)def->type.type) && wg_buf_append_u8(out, def->type.int_bits) &&
             wg_buf_append_u8(out, (uint8_t)(def->type.int_unsigned | (def->type.declared != NULL ? 2u : 0u)));
    if (ok && def->kind == WG_RULE_TYPE && def->type.declared != NULL) {
        const wg_slice text = wg_slice_str(def->type.declared);
        ok = wg_buf_append_varint(out, text.size) && wg_buf_append(out, text.data, text.size);
    }
    if (!ok) out->size = start;
    return ok;
}

static wg_code bad(wg_error *err, const char *what) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "definition of an index or constraint: %s", what);
}

static bool take_u8(wg_slice *from, uint8_t *out) {
    wg_slice one;
    if (!wg_slice_take(from, 1, &one)) return false;
    *out = one.data[0];
    return true;
}

/* Shortest form only, so that one definition has one encoding. */
static bool take_u32(wg_slice *from, uint32_t *out) {
    wg_slice rest = *from;
    uint64_t v = 0;
    if (!wg_varint_take(&rest, &v) || v > UINT32_MAX) return false;
    if (rest.data - from->data > 1 && rest.data[-1] == 0) return false;
    *from = rest;
    *out = (uint32_t)v;
    return true;
}

static wg_code take_name(wg_slice *from, wg_arena *arena, const char **out, wg_error *err) {
    uint32_t size = 0;
    wg_slice text;
    if (!take_u32(from, &size) || size > WG_NAME_BYTES_MAX || !wg_slice_take(from, size, &text))
        return bad(err, "bad name");
    if (text.size == 0 || memchr(text.data, 0, text.size) != NULL) return bad(err, "bad name");
    *out = wg_arena_strdup(arena, text);
    return *out == NULL ? wg_error_nomem(err, text.size + 1) : WG_OK;
}

static wg_code take_type(wg_slice *from, wg_arena *arena, wg_column_def *out, wg_error *err) {
    uint8_t type = 0, bits = 0, flags = 0;
    if (!take_u8(from, &type) || !take_u8(from, &bits) || !take_u8(from, &flags)) return bad(err, "cut short");
    if (type > WG_TYPE_ANY || flags > 3) return bad(err, "unknown type");
    const bool is_unsigned = (flags & 1) != 0;
    if ((type == WG_TYPE_INT) == (bits == 0) || (type != WG_TYPE_INT && is_unsigned))
        return bad(err, "bad integer width");
    *out = (wg_column_def){.type = (wg_type)type, .int_bits = bits, .int_unsigned = is_unsigned};
    return (flags & 2) != 0 ? take_name(from, arena, &out->declared, err) : WG_OK;
}

wg_code wg_rule_def_decode(wg_slice *from, wg_arena *arena, wg_rule_def *out, wg_error *err) {
    wg_slice rest = *from;
    wg_rule_def def = {0};
    uint8_t format = 0, kind = 0;
    if (!take_u8(&rest, &format) || !take_u8(&rest, &kind)) return bad(err, "cut short");
    if (format != RULE_FORMAT)
        return wg_error_set(err, WG_E_VERSION, WG_NO_OFFSET,
                            "definition of an index or constraint: format %u is unknown, this build reads %d",
                            (unsigned)format, RULE_FORMAT);
    if (kind >= WG_RULE_KIND_COUNT) return bad(err, "unknown kind");
    def.kind = (wg_rule_kind)kind;
    WG_TRY(take_name(&rest, arena, &def.name, err));
    if (!take_u32(&rest, &def.label) || !take_u32(&rest, &def.key_count) || def.key_count > WG_KEY_COLUMNS_MAX)
        return bad(err, "bad label or properties");
    for (uint32_t i = 0; i < def.key_count; i++)
        if (!take_u32(&rest, &def.keys[i])) return bad(err, "bad property");
    if (def.kind == WG_RULE_TYPE) WG_TRY(take_type(&rest, arena, &def.type, err));
    wg_error why = {0};
    if (wg_rule_def_check(&def, &why) != WG_OK)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "definition of an index or constraint breaks a rule: %s",
                            why.message);
    *from = rest;
    *out = def;
    return WG_OK;
}
