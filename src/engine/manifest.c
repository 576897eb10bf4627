/* The manifest's content: a JSON object that says which store this is, what is in stripes, where the log is needed from, and which
 * virtual labels there are. docs/format/manifest.md has the keys. Recovery takes from it the store's id, the checkpoint and the
 * list of stripes; what is not in stripes stands in the log.
 *
 * manifest_mutex serialises commits: a definition's and maintenance's. Each writes the whole state, so every epoch names every
 * stripe. Failure: a commit that fails on the way may or may not be what CURRENT names; the next one looks first. */
#include "engine/engine_internal.h"

#include <stdlib.h>

#include "format/json/json.h"

enum { MANIFEST_FORMAT = 2, MANIFEST_STRIPES_MAX = 1 << 20 };

wg_stripe_entry wgi_manifest_stripe(const wgi_manifest *m, uint32_t i) {
    wg_stripe_entry entry;
    WG_ASSERT(i < wgi_manifest_stripe_count(m));
    memcpy(&entry, m->stripes.data + (size_t)i * sizeof entry, sizeof entry);
    return entry;
}

/* ---- writing */

static bool put_string(wg_buf *out, const char *s) {
    const wg_value v = wg_value_str(wg_slice_str(s));
    return wg_value_print_json(out, &v);
}

static bool put_hex(wg_buf *out, const uint8_t *bytes, uint32_t count) {
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++) ok = wg_buf_printf(out, "%02x", bytes[i]);
    return ok;
}

static bool put_number(wg_buf *out, const char *before, uint64_t n) {
    return wg_buf_append_str(out, before) && wg_buf_printf(out, "%llu", (unsigned long long)n);
}

static bool put_checkpoint(wg_buf *out, const wgi_checkpoint *c) {
    return wg_buf_append_str(out, "{\"checkpoint\":{\"chain\":\"") &&
           put_hex(out, c->chain.bytes, sizeof c->chain.bytes) && put_number(out, "\",\"horizon\":", c->horizon) &&
           put_number(out, ",\"logseq\":", c->logseq) && put_number(out, ",\"next_stripe\":", c->next_stripe) &&
           put_number(out, ",\"wal_segment\":", c->wal_segment) && wg_buf_append_str(out, "},\"counts\":{") &&
           (c->counts.catalog_pieces == WGI_PIECES_UNKNOWN ||
            (put_number(out, "\"catalog_pieces\":", c->counts.catalog_pieces) && wg_buf_append_str(out, ","))) &&
           put_number(out, "\"edges\":", c->counts.edges) && put_number(out, ",\"keys\":", c->counts.keys) &&
           put_number(out, ",\"labels\":", c->counts.labels) && put_number(out, ",\"nodes\":", c->counts.nodes) &&
           put_number(out, ",\"partitions\":", c->counts.partitions) &&
           (c->counts.rules == 0 || put_number(out, ",\"rules\":", c->counts.rules)) &&
           put_number(out, ",\"tables\":", c->counts.tables) && wg_buf_append_str(out, "},");
}

static bool put_stripes(wg_buf *out, const wgi_manifest *m) {
    bool ok = wg_buf_append_str(out, "\"stripes\":[");
    for (uint32_t i = 0; i < wgi_manifest_stripe_count(m) && ok; i++) {
        const wg_stripe_entry entry = wgi_manifest_stripe(m, i);
        ok = put_number(out, i == 0 ? "{\"bytes\":" : ",{\"bytes\":", entry.bytes) &&
             put_number(out, ",\"id\":", entry.id) && put_number(out, ",\"level\":", entry.level) &&
             wg_buf_append_str(out, "}");
    }
    return ok && wg_buf_append_str(out, "],");
}

static bool put_virtual_labels(wg_buf *out, const wg_engine *engine, uint64_t logseq) {
    const wg_view view = {.snapshot = logseq};
    const uint32_t count = wg_catalog_label_count(engine->catalog);
    bool first = true;
    bool ok = wg_buf_append_str(out, "\"virtual_labels\":[");
    for (uint32_t i = 0; i < count && ok; i++) {
        const wg_label *label = wg_catalog_label_seen(engine->catalog, i, view);
        if (label == NULL || label->def.kind != WG_LABEL_VIRTUAL || !wg_label_is_visible(label, view)) continue;
        ok = wg_buf_append_str(out, first ? "{\"label\":" : ",{\"label\":") && put_string(out, label->def.name) &&
             put_number(out, ",\"logseq\":", label->begin) && wg_buf_append_str(out, ",\"partition_pattern\":") &&
             put_string(out, label->def.pattern) && wg_buf_append_str(out, ",\"resolver_kind\":\"ParquetGlob\"}");
        first = false;
    }
    return ok && wg_buf_append_str(out, "]}");
}

bool wgi_manifest_print(wg_buf *out, const wgi_manifest *m, wg_engine *engine) {
    return put_checkpoint(out, &m->checkpoint) && put_number(out, "\"epoch\":", m->epoch) &&
           put_number(out, ",\"format\":", MANIFEST_FORMAT) && put_number(out, ",\"logseq\":", m->logseq) &&
           wg_buf_append_str(out, ",\"store\":\"") && put_hex(out, m->uuid, sizeof m->uuid) &&
           wg_buf_append_str(out, "\",") && put_stripes(out, m) && put_virtual_labels(out, engine, m->logseq);
}

/* A commit that failed on the way may have become what CURRENT names; the next epoch must be above it. */
static wg_code settle_epoch(wg_engine *e, wg_error *err) {
    wgi_maintenance *m = &e->maintenance;
    if (!m->manifest_unsure) return WG_OK;
    wgi_manifest found = {0};
    const wg_code code = wgi_manifest_read(e->platform, e->path, &found, err);
    wg_buf_deinit(&found.stripes);
    WG_TRY(code);
    if (found.epoch > m->manifest.epoch) m->manifest.epoch = found.epoch;
    m->manifest_unsure = false;
    return WG_OK;
}

/* `next` is the state to write; its epoch is given here. manifest_mutex is held. */
static wg_code commit(wg_engine *e, wgi_manifest *next, wg_error *err) {
    wgi_maintenance *m = &e->maintenance;
    wg_buf text;
    WG_TRY(settle_epoch(e, err));
    next->epoch = m->manifest.epoch + 1;
    memcpy(next->uuid, e->uuid, sizeof next->uuid);
    wg_buf_init(&text, &e->account);
    wg_code code = wgi_manifest_print(&text, next, e) ? WG_OK : wg_error_nomem(err, text.size);
    if (code == WG_OK) {
        code = wg_manifest_commit(e->platform, e->path, next->epoch, wg_buf_slice(&text), err);
        m->manifest_unsure = code != WG_OK;
    }
    wg_buf_deinit(&text);
    if (code != WG_OK) return code;
    m->manifest.epoch = next->epoch;
    m->manifest.logseq = next->logseq;
    m->manifest.checkpoint = next->checkpoint;
    atomic_store_explicit(&e->manifest_epoch, next->epoch, memory_order_relaxed);
    return WG_OK;
}

static bool on_disk(const wg_engine *e) { return e->path != NULL && e->options.durability != WG_IN_MEMORY; }

wg_code wgi_manifest_write(wg_engine *engine, uint64_t logseq, wg_error *err) {
    wgi_maintenance *m = &engine->maintenance;
    if (!on_disk(engine)) {
        /* Epochs count registrations there too; nothing is on disk. */
        atomic_fetch_add_explicit(&engine->manifest_epoch, 1, memory_order_relaxed);
        return WG_OK;
    }
    wg_mutex_lock(&m->manifest_mutex);
    wgi_manifest next = m->manifest;
    next.logseq = logseq > next.logseq ? logseq : next.logseq;
    const wg_code code = commit(engine, &next, err);
    wg_mutex_unlock(&m->manifest_mutex);
    return code;
}

static bool is_listed(const uint64_t *ids, uint32_t count, uint64_t id) {
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] == id) return true;
    return false;
}

static int compare_entries(const void *a, const void *b) {
    const uint64_t x = ((const wg_stripe_entry *)a)->id;
    const uint64_t y = ((const wg_stripe_entry *)b)->id;
    return (x > y) - (x < y);
}

/* Sorted by id: those of a merge were given out before those of a checkpoint that came meanwhile. */
static bool changed_list(const wgi_manifest *m, wg_slice added, const uint64_t *removed, uint32_t removed_count,
                         wg_buf *out) {
    bool ok = true;
    for (uint32_t i = 0; i < wgi_manifest_stripe_count(m) && ok; i++) {
        const wg_stripe_entry entry = wgi_manifest_stripe(m, i);
        if (!is_listed(removed, removed_count, entry.id)) ok = wg_buf_append(out, &entry, sizeof entry);
    }
    ok = ok && (added.size == 0 || wg_buf_append(out, added.data, added.size));
    if (ok && out->size != 0)
        qsort(out->data, out->size / sizeof(wg_stripe_entry), sizeof(wg_stripe_entry), compare_entries);
    return ok;
}

wg_code wgi_manifest_change(wg_engine *engine, const wgi_checkpoint *checkpoint, wg_slice added,
                            const uint64_t *removed, uint32_t removed_count, wg_error *err) {
    wgi_maintenance *m = &engine->maintenance;
    wg_buf list;
    wg_buf_init(&list, &engine->account);
    wg_mutex_lock(&m->manifest_mutex);
    wgi_manifest next = m->manifest;
    next.checkpoint = *checkpoint;
    next.logseq = checkpoint->logseq > next.logseq ? checkpoint->logseq : next.logseq;
    wg_code code = WG_OK;
    if (!changed_list(&m->manifest, added, removed, removed_count, &list))
        code = wg_error_nomem(err, m->manifest.stripes.size + added.size);
    next.stripes = list;
    if (code == WG_OK) code = commit(engine, &next, err);
    if (code == WG_OK) {
        wg_buf_deinit(&m->manifest.stripes);
        m->manifest.stripes = list;
        wg_buf_init(&list, &engine->account);
        const uint32_t kept = engine->options.retain_manifests != 0 ? engine->options.retain_manifests : 8;
        uint64_t gone = 0;
        (void)wg_manifest_expire(engine->platform, engine->path, kept, &gone, NULL); /* the next one tries again */
    }
    wg_mutex_unlock(&m->manifest_mutex);
    wg_buf_deinit(&list);
    return code;
}

/* ---- reading */

static const wg_value *entry_of(const wg_value *map, const char *key) {
    for (uint32_t i = 0; map != NULL && map->type == WG_TYPE_MAP && i < map->size; i++)
        if (wg_slice_is(wg_slice_of(map->as.map[i].key, map->as.map[i].key_size), key)) return &map->as.map[i].value;
    return NULL;
}

static bool hex_digit(char c, uint8_t *out) {
    if (c >= '0' && c <= '9') *out = (uint8_t)(c - '0');
    else if (c >= 'a' && c <= 'f') *out = (uint8_t)(c - 'a' + 10);
    else return false;
    return true;
}

static bool parse_hex(const wg_value *v, uint8_t *out, uint32_t count) {
    if (v == NULL || v->type != WG_TYPE_STRING || v->size != 2 * count) return false;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t high;
        uint8_t low;
        if (!hex_digit(v->as.s[2 * i], &high) || !hex_digit(v->as.s[2 * i + 1], &low)) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool parse_number(const wg_value *map, const char *key, uint64_t max, uint64_t *out) {
    const wg_value *v = entry_of(map, key);
    if (v == NULL || v->type != WG_TYPE_INT || v->as.i < 0 || wg_u64_of_i64(v->as.i) > max) return false;
    *out = wg_u64_of_i64(v->as.i);
    return true;
}

/* Earlier releases did not count them. */
static bool parse_pieces(const wg_value *counts, uint64_t *out) {
    *out = WGI_PIECES_UNKNOWN;
    return entry_of(counts, "catalog_pieces") == NULL || parse_number(counts, "catalog_pieces", UINT32_MAX, out);
}

static bool parse_checkpoint(const wg_value *root, wgi_checkpoint *out) {
    const wg_value *c = entry_of(root, "checkpoint");
    const wg_value *n = entry_of(root, "counts");
    return c != NULL && n != NULL && parse_hex(entry_of(c, "chain"), out->chain.bytes, sizeof out->chain.bytes) &&
           parse_number(c, "logseq", INT64_MAX, &out->logseq) &&
           parse_number(c, "horizon", INT64_MAX, &out->horizon) &&
           parse_number(c, "next_stripe", INT64_MAX, &out->next_stripe) &&
           parse_number(c, "wal_segment", INT64_MAX, &out->wal_segment) &&
           parse_pieces(n, &out->counts.catalog_pieces) && parse_number(n, "edges", INT64_MAX, &out->counts.edges) &&
           parse_number(n, "keys", UINT32_MAX, &out->counts.keys) &&
           parse_number(n, "labels", UINT32_MAX, &out->counts.labels) &&
           parse_number(n, "nodes", INT64_MAX, &out->counts.nodes) &&
           parse_number(n, "partitions", UINT32_MAX, &out->counts.partitions) &&
           (entry_of(n, "rules") == NULL || parse_number(n, "rules", UINT32_MAX, &out->counts.rules)) &&
           parse_number(n, "tables", WGI_TABLES_MAX, &out->counts.tables);
}

static wg_code parse_stripes(const wg_value *root, uint64_t epoch, wgi_manifest *out, wg_error *err) {
    const wg_value *list = entry_of(root, "stripes");
    uint64_t last = 0;
    bool ok = list != NULL && list->type == WG_TYPE_LIST && list->size <= MANIFEST_STRIPES_MAX;
    for (uint32_t i = 0; ok && i < list->size; i++) {
        wg_stripe_entry entry = {0};
        uint64_t level = 0;
        ok = parse_number(&list->as.list[i], "id", INT64_MAX, &entry.id) &&
             parse_number(&list->as.list[i], "level", WG_LEVELS - 1, &level) &&
             parse_number(&list->as.list[i], "bytes", INT64_MAX, &entry.bytes) && (i == 0 || entry.id > last) &&
             entry.id < out->checkpoint.next_stripe;
        entry.level = (uint32_t)level;
        last = entry.id;
        if (ok && !wg_buf_append(&out->stripes, &entry, sizeof entry)) return wg_error_nomem(err, sizeof entry);
    }
    return ok ? WG_OK
              : wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "manifest %llu: the list of stripes is damaged",
                             (unsigned long long)epoch);
}

/* Format 1 has no checkpoint: everything stands in the log. */
static wg_code manifest_parse(wg_slice text, wg_arena *arena, wgi_manifest *out, wg_error *err) {
    wg_value root = wg_value_null();
    uint64_t format = 0;
    uint64_t own = 0;
    const unsigned long long epoch = out->epoch;
    wg_error inner = {0};
    const wg_code code = wg_json_read(text, arena, &root, &inner);
    if (code == WG_E_NOMEM) return wg_error_nomem(err, text.size);
    if (code != WG_OK)
        return wg_error_set(err, WG_E_CORRUPT, inner.offset, "manifest %llu is damaged: %.150s", epoch,
                            inner.message);
    if (!parse_number(&root, "format", INT64_MAX, &format))
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "manifest %llu has no format number", epoch);
    if (format != 1 && format != MANIFEST_FORMAT)
        return wg_error_set(err, WG_E_VERSION, WG_NO_OFFSET,
                            "manifest format %llu: this version reads formats 1 and %d", (unsigned long long)format,
                            (int)MANIFEST_FORMAT);
    if (!parse_number(&root, "epoch", INT64_MAX, &own) || own != out->epoch ||
        !parse_hex(entry_of(&root, "store"), out->uuid, sizeof out->uuid) ||
        !parse_number(&root, "logseq", INT64_MAX, &out->logseq))
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "manifest %llu: epoch or store id is damaged", epoch);
    if (format == 1) return WG_OK;
    if (!parse_checkpoint(&root, &out->checkpoint))
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "manifest %llu: the checkpoint is damaged", epoch);
    return parse_stripes(&root, out->epoch, out, err);
}

wg_code wgi_manifest_read(wg_platform *platform, const char *path, wgi_manifest *out, wg_error *err) {
    wg_buf text;
    wg_arena arena;
    wgi_manifest m = {0};
    wg_buf_init(&text, NULL);
    wg_arena_init(&arena, NULL);
    wg_buf_init(&m.stripes, out->stripes.account);
    wg_code code = wg_manifest_read(platform, path, &m.epoch, &text, err);
    if (code == WG_OK) code = manifest_parse(wg_buf_slice(&text), &arena, &m, err);
    wg_arena_deinit(&arena);
    wg_buf_deinit(&text);
    if (code == WG_OK) *out = m;
    else wg_buf_deinit(&m.stripes);
    return code;
}
