/* The manifest's content: a JSON object that says which store this is and which virtual labels it has, as of a logseq. It is a
 * summary of the log for tools and readers; recovery takes only the store's id from it. docs/format/manifest.md has the keys. */
#include "engine/engine_internal.h"
#include "format/json/json.h"

static bool put_string(wg_buf *out, const char *s) {
    const wg_value v = wg_value_str(wg_slice_str(s));
    return wg_value_print_json(out, &v);
}

static bool put_uuid(wg_buf *out, const uint8_t uuid[16]) {
    bool ok = true;
    for (uint32_t i = 0; i < 16 && ok; i++) ok = wg_buf_printf(out, "%02x", uuid[i]);
    return ok;
}

static bool put_virtual_labels(wg_buf *out, const wg_engine *engine, uint64_t logseq) {
    const wg_view view = {.snapshot = logseq};
    const uint32_t count = wg_catalog_label_count(engine->catalog);
    bool first = true;
    bool ok = wg_buf_append_str(out, "\"virtual_labels\":[");
    for (uint32_t i = 0; i < count && ok; i++) {
        const wg_label *label = wg_catalog_label_at(engine->catalog, i);
        if (label->def.kind != WG_LABEL_VIRTUAL || !wg_label_is_visible(label, view)) continue;
        ok = wg_buf_append_str(out, first ? "{\"label\":" : ",{\"label\":") && put_string(out, label->def.name) &&
             wg_buf_append_str(out, ",\"logseq\":") && wg_buf_printf(out, "%llu", (unsigned long long)label->begin) &&
             wg_buf_append_str(out, ",\"partition_pattern\":") && put_string(out, label->def.pattern) &&
             wg_buf_append_str(out, ",\"resolver_kind\":\"ParquetGlob\"}");
        first = false;
    }
    return ok && wg_buf_append_str(out, "]");
}

wg_code wgi_manifest_write(wg_engine *engine, uint64_t logseq, wg_error *err) {
    if (engine->path == NULL || engine->options.durability == WG_IN_MEMORY) {
        /* Epochs count registrations there too; nothing is on disk. */
        atomic_fetch_add_explicit(&engine->manifest_epoch, 1, memory_order_relaxed);
        return WG_OK;
    }
    wg_buf text;
    wg_buf_init(&text, &engine->account);
    const uint64_t epoch = wg_engine_manifest_epoch(engine) + 1;
    const bool ok = wg_buf_printf(&text, "{\"epoch\":%llu,\"format\":1,\"logseq\":%llu,\"store\":\"",
                                  (unsigned long long)epoch, (unsigned long long)logseq) &&
                    put_uuid(&text, engine->uuid) && wg_buf_append_str(&text, "\",") &&
                    put_virtual_labels(&text, engine, logseq) && wg_buf_append_str(&text, "}");
    wg_code code = ok ? WG_OK : wg_error_nomem(err, text.size);
    if (code == WG_OK) code = wg_manifest_commit(engine->platform, engine->path, epoch, wg_buf_slice(&text), err);
    if (code == WG_OK) atomic_store_explicit(&engine->manifest_epoch, epoch, memory_order_relaxed);
    wg_buf_deinit(&text);
    return code;
}

static const wg_value *entry(const wg_value *map, const char *key) {
    for (uint32_t i = 0; i < map->size; i++)
        if (wg_slice_is(wg_slice_of(map->as.map[i].key, map->as.map[i].key_size), key)) return &map->as.map[i].value;
    return NULL;
}

static bool hex_digit(char c, uint8_t *out) {
    if (c >= '0' && c <= '9') *out = (uint8_t)(c - '0');
    else if (c >= 'a' && c <= 'f') *out = (uint8_t)(c - 'a' + 10);
    else return false;
    return true;
}

static bool parse_uuid(const wg_value *v, uint8_t uuid[16]) {
    if (v == NULL || v->type != WG_TYPE_STRING || v->size != 32) return false;
    for (uint32_t i = 0; i < 16; i++) {
        uint8_t high;
        uint8_t low;
        if (!hex_digit(v->as.s[2 * i], &high) || !hex_digit(v->as.s[2 * i + 1], &low)) return false;
        uuid[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static wg_code manifest_parse(wg_slice text, wg_arena *arena, uint64_t epoch, uint8_t uuid[16], wg_error *err) {
    wg_value root = wg_value_null();
    WG_TRY(wg_json_read(text, arena, &root, err));
    const wg_value *format = root.type == WG_TYPE_MAP ? entry(&root, "format") : NULL;
    if (format == NULL || format->type != WG_TYPE_INT)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "manifest %llu has no format number",
                            (unsigned long long)epoch);
    if (format->as.i != 1)
        return wg_error_set(err, WG_E_VERSION, WG_NO_OFFSET, "manifest format %lld: this version reads format 1",
                            (long long)format->as.i);
    const wg_value *own = entry(&root, "epoch");
    if (own == NULL || own->type != WG_TYPE_INT || own->as.i != wg_i64_of_u64(epoch) ||
        !parse_uuid(entry(&root, "store"), uuid))
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "manifest %llu: epoch or store id is damaged",
                            (unsigned long long)epoch);
    return WG_OK;
}

wg_code wgi_manifest_load(wg_platform *platform, const char *path, uint64_t *out_epoch, uint8_t uuid[16],
                          wg_error *err) {
    wg_buf text;
    wg_arena arena;
    uint64_t epoch = 0;
    wg_buf_init(&text, NULL);
    wg_arena_init(&arena, NULL);
    wg_code code = wg_manifest_read(platform, path, &epoch, &text, err);
    if (code == WG_OK) code = manifest_parse(wg_buf_slice(&text), &arena, epoch, uuid, err);
    if (code == WG_OK) *out_epoch = epoch;
    wg_arena_deinit(&arena);
    wg_buf_deinit(&text);
    return code;
}
