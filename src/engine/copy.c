/* COPY labels FROM files: which files, which columns of them are properties and which are ends of edges; then each file in turn, all in
 * the caller's transaction. What cannot be loaded fails the whole load and says where it is, or goes to the file of rejects.
 *
 * See copy.h for the other files. Failure modes: those of the formats, of reading files, of writes; the transaction is as before. */
#include "engine/copy.h"

#include "base/text/text.h"

/* ---- ends */

static wg_code target_property(wgi_copier *c, wgi_copy_target *t, const wg_label *label, wg_slice name,
                               wg_error *err) {
    const wg_catalog *catalog = c->txn->engine->catalog;
    const uint32_t key = wg_catalog_key(catalog, name);
    const wg_view mine = c->txn->view;
    c->txn->view = wgi_txn_newest(c->txn);
    const wg_type type = key == WG_NO_KEY ? WG_TYPE_NULL : wg_txn_node_property_type(c->txn, &label->number, 1, key);
    c->txn->view = mine;
    /* Of an open label without a node nothing is known yet. */
    if (key == WG_NO_KEY || (type == WG_TYPE_NULL && label->def.kind != WG_LABEL_OPEN))
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "COPY: label %s has no property %.*s", label->def.name,
                            (int)wg_min_size(name.size, 64), (const char *)name.data);
    t->keys[t->part_count] = key;
    t->types[t->part_count++] = type == WG_TYPE_NULL ? WG_TYPE_ANY : type;
    return WG_OK;
}

static bool is_primary_key(const wgi_copy_target *t, const wg_label *label) {
    bool same = label->def.key_count != 0 && label->def.key_count == t->part_count;
    for (uint32_t k = 0; k < t->part_count && same; k++)
        same = label->column_keys[label->def.key_columns[k]] == t->keys[k];
    return same;
}

static wg_code target_make(wgi_copier *c, uint32_t side, const wg_label *edge, wg_error *err) {
    const wg_copy_end *end = &c->options->ends[side];
    const char *declared = side == 0 ? edge->def.from_label : edge->def.to_label;
    const wg_catalog *catalog = c->txn->engine->catalog;
    const wg_label *label = end->label != WG_NO_LABEL ? wg_catalog_label_at(catalog, end->label)
                            : declared != NULL
                                ? wg_catalog_label(catalog, wgi_txn_newest(c->txn), wg_slice_str(declared), false)
                                : NULL;
    wgi_copy_target *t = &c->ends[side];
    if (label == NULL)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "COPY into %s needs (FROM Label, TO Label)",
                            edge->def.name);
    if (declared != NULL && strcmp(declared, label->def.name) != 0)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "edges %s go %s %s, not %s", edge->def.name,
                            side == 0 ? "from" : "to", declared, label->def.name);
    *t = (wgi_copy_target){.label = label->number, .label_name = label->def.name};
    if (end->property_count > WG_KEY_COLUMNS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a key has at most %d properties",
                            (int)WG_KEY_COLUMNS_MAX);
    if (end->property_count == 0 && label->def.key_count == 0)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET,
                            "COPY: label %s has no primary key: say which property finds a node, as in %s %s(id)",
                            label->def.name, side == 0 ? "FROM" : "TO", label->def.name);
    for (uint32_t i = 0; i < end->property_count; i++) WG_TRY(target_property(c, t, label, end->properties[i], err));
    for (uint32_t k = 0; end->property_count == 0 && k < label->def.key_count; k++)
        WG_TRY(target_property(c, t, label, wg_slice_str(label->def.columns[label->def.key_columns[k]].name), err));
    t->is_primary = is_primary_key(t, label);
    if (t->part_count > 1 && !t->is_primary)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                            "COPY: several properties of %s find a node only as its primary key, in its order",
                            label->def.name);
    if (end->column_count != 0 && end->column_count != t->part_count)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "COPY: %u columns for the %u properties that find a %s",
                            end->column_count, t->part_count, label->def.name);
    return WG_OK;
}

static bool same_target(const wgi_copy_target *a, const wgi_copy_target *b) {
    return a->label == b->label && a->part_count == b->part_count &&
           memcmp(a->keys, b->keys, a->part_count * sizeof a->keys[0]) == 0;
}

static void maps_destroy(wgi_copier *c) {
    if (c->ends[1].map != c->ends[0].map) wgi_copy_map_destroy(c->ends[1].map);
    wgi_copy_map_destroy(c->ends[0].map);
    c->ends[0].map = c->ends[1].map = NULL;
}

wg_code wgi_copy_maps_make(wgi_copier *c, wg_error *err) {
    maps_destroy(c);
    WG_TRY(wgi_copy_map_create(c->txn, &c->ends[0], c->rows_expected, &c->ends[0].map, err));
    if (!same_target(&c->ends[0], &c->ends[1]))
        return wgi_copy_map_create(c->txn, &c->ends[1], c->rows_expected, &c->ends[1].map, err);
    c->ends[1].map = c->ends[0].map;
    return WG_OK;
}

static wg_code ends_make(wgi_copier *c, const wg_label *edge, wg_error *err) {
    for (uint32_t side = 0; side < 2; side++) WG_TRY(target_make(c, side, edge, err));
    return wgi_copy_maps_make(c, err);
}

/* ---- columns */

static uint32_t name_at(const wg_slice *names, uint32_t count, wg_slice name) {
    for (uint32_t i = 0; i < count; i++)
        if (wg_slice_equal(names[i], name)) return i;
    return UINT32_MAX;
}

static void claim(wgi_copier *c, uint32_t side, uint32_t part, uint32_t at) {
    c->columns[at].role = side == 0 ? WGI_COPY_FROM : WGI_COPY_TO;
    c->columns[at].part = part;
    c->columns[at].type = c->ends[side].types[part];
}

/* The column that COPY TO writes for part `p` of an end's key: from, or from_a where there are several. */
static uint32_t column_by_name(const wgi_copier *c, uint32_t side, uint32_t p, const wg_slice *names,
                               uint32_t count) {
    const wgi_copy_target *t = &c->ends[side];
    const char *word = side == 0 ? "from" : "to";
    if (t->part_count == 1) return name_at(names, count, wg_slice_str(word));
    const wg_slice property = wg_slice_str(wg_catalog_key_name(c->txn->engine->catalog, t->keys[p]));
    const size_t size = strlen(word);
    for (uint32_t i = 0; i < count; i++) {
        const wg_slice name = names[i];
        if (name.size == size + 1 + property.size && memcmp(name.data, word, size) == 0 && name.data[size] == '_' &&
            memcmp(name.data + size + 1, property.data, property.size) == 0)
            return i;
    }
    return UINT32_MAX;
}

/* The columns that hold the keys of one end: those that the statement names, or ones with the end's name, or the first ones that
 * are left. */
static wg_code claim_end(wgi_copier *c, uint32_t side, const wg_slice *names, uint32_t count, wg_error *err) {
    const wg_copy_end *end = &c->options->ends[side];
    const wgi_copy_target *t = &c->ends[side];
    uint32_t next = 0;
    for (uint32_t p = 0; p < t->part_count; p++) {
        const uint32_t by_name = column_by_name(c, side, p, names, count);
        uint32_t at = UINT32_MAX;
        if (end->column_count != 0) {
            at = name_at(names, count, end->columns[p]);
            if (at == UINT32_MAX)
                return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "%s has no column %.*s", c->path,
                                    (int)wg_min_size(end->columns[p].size, 64), (const char *)end->columns[p].data);
        } else if (by_name != UINT32_MAX && c->columns[by_name].role == WGI_COPY_PROPERTY) {
            at = by_name;
        } else {
            while (next < count && c->columns[next].role != WGI_COPY_PROPERTY) next++;
            if (next == count)
                return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET,
                                    "%s has no columns left for the keys of %s: name them, as in %s %s = column",
                                    c->path, t->label_name, side == 0 ? "FROM" : "TO", t->label_name);
            at = next;
        }
        if (c->columns[at].role != WGI_COPY_PROPERTY)
            return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "%s: column %s cannot be both ends", c->path,
                                c->columns[at].name);
        claim(c, side, p, at);
    }
    return WG_OK;
}

static wg_code map_property(wgi_copier *c, wgi_copy_column *column, wg_error *err) {
    const wg_catalog *catalog = c->txn->engine->catalog;
    const wg_slice name = wg_slice_str(column->name);
    const wg_label *first = NULL;
    bool open = false;
    for (uint32_t i = 0; i < c->options->label_count; i++) {
        const wg_label *label = wg_catalog_label_at(catalog, c->options->labels[i]);
        const uint32_t at = wg_label_def_column(&label->def, name);
        open |= label->def.kind == WG_LABEL_OPEN;
        if (first == NULL) first = label;
        if (at != UINT32_MAX && column->def == NULL) column->def = &label->def.columns[at];
        if (at != UINT32_MAX && column->filled == NULL && label->def.columns[at].default_value != NULL)
            column->filled = &label->def.columns[at];
    }
    if (column->def == NULL && !open)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET,
                            "%s: column %.80s is no property of label %s; choose others with COLUMNS (...)", c->path,
                            column->name, first == NULL ? "?" : first->def.name);
    WG_TRY(wg_txn_intern_key(c->txn, name, &column->key, err));
    column->type = column->def != NULL ? column->def->type : WG_TYPE_ANY;
    for (uint32_t k = 0; k < c->property_count; k++)
        if (c->keys[k] == column->key)
            return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "%s: column %.80s appears twice", c->path,
                                column->name);
    c->keys[c->property_count++] = column->key;
    return WG_OK;
}

/* What a row of the file does not say it gets as one that CREATE makes: the default of the first label that has one. */
static void find_defaults(wgi_copier *c) {
    const wg_catalog *catalog = c->txn->engine->catalog;
    for (uint32_t i = 0; i < c->options->label_count; i++) {
        const wg_label *label = wg_catalog_label_at(catalog, c->options->labels[i]);
        for (uint32_t d = 0; d < label->def.column_count; d++) {
            const uint32_t key = label->column_keys[d];
            uint32_t at = 0;
            while (at < c->property_count + c->default_count && c->keys[at] != key) at++;
            if (label->def.columns[d].default_value == NULL || at < c->property_count + c->default_count) continue;
            c->keys[at] = key;
            c->defaults[c->default_count++] = &label->def.columns[d];
        }
    }
}

wg_code wgi_copy_map_columns(wgi_copier *c, const wg_slice *names, uint32_t count, wg_error *err) {
    size_t room = (size_t)count + 1;
    for (uint32_t i = 0; i < c->options->label_count; i++)
        room += wg_catalog_label_at(c->txn->engine->catalog, c->options->labels[i])->def.column_count;
    c->column_count = c->property_count = c->default_count = 0;
    c->columns = wg_arena_alloc_zero(&c->arena, ((size_t)count + 1) * sizeof *c->columns);
    c->keys = wg_arena_alloc_zero(&c->arena, room * sizeof *c->keys);
    c->defaults = wg_arena_alloc_zero(&c->arena, room * sizeof *c->defaults);
    if (c->columns == NULL || c->keys == NULL || c->defaults == NULL)
        return wg_error_nomem(err, room * sizeof *c->columns);
    for (uint32_t i = 0; i < count; i++) {
        c->columns[i].in_file = i;
        c->columns[i].name = wg_arena_strdup(&c->arena, names[i]);
        if (c->columns[i].name == NULL) return wg_error_nomem(err, names[i].size);
    }
    /* Ends that the statement gives columns come first: what is left is for the others. */
    for (uint32_t pass = 0; pass < 2 && c->is_edge; pass++)
        for (uint32_t side = 0; side < 2; side++)
            if ((c->options->ends[side].column_count == 0) == (pass == 1))
                WG_TRY(claim_end(c, side, names, count, err));
    for (uint32_t i = 0; i < count; i++)
        if (c->columns[i].role == WGI_COPY_PROPERTY) WG_TRY(map_property(c, &c->columns[i], err));
    find_defaults(c);
    c->column_count = count;
    return WG_OK;
}

/* ---- rejects */

static wg_code reject_open(wgi_copier *c, wg_error *err) {
    wg_platform *p = c->txn->engine->platform;
    if (c->options->rejects == NULL) return WG_OK;
    wg_error ignored = {0};
    const wg_code gone = p->ops->unlink(p, c->options->rejects, &ignored);
    (void)gone; /* that it cannot be removed shows when it is made */
    return p->ops->open(p, c->options->rejects, WG_OPEN_CREATE_NEW, &c->reject_file, err);
}

wg_code wgi_copy_reject_write(wgi_copier *c, const wgi_copy_reject *rejects, uint32_t count, wg_error *err) {
    wg_platform *p = c->txn->engine->platform;
    wg_buf text;
    wg_buf_init(&text, c->account);
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++)
        ok = wg_buf_append_str(&text, "{\"file\":") && wg_json_print_string(&text, wg_slice_str(c->path)) &&
             wg_buf_printf(&text, ",\"%s\":%llu,\"code\":\"%s\",\"message\":", c->counts_lines ? "line" : "row",
                           (unsigned long long)rejects[i].at, wg_code_name(rejects[i].code)) &&
             wg_json_print_string(&text, wg_slice_str(rejects[i].message)) && wg_buf_append_str(&text, "}\n");
    const wg_code code = !ok ? wg_error_nomem(err, count)
                             : p->ops->write_at(p, c->reject_file, c->reject_offset, text.data, text.size, err);
    c->reject_offset += text.size;
    wg_buf_deinit(&text);
    return code;
}

/* ---- files */

typedef struct file_list {
    const char **paths;
    uint32_t count;
} file_list;

static bool ends_with(const char *name, const char *suffix) {
    const size_t n = strlen(name);
    const size_t s = strlen(suffix);
    return n >= s && strcmp(name + n - s, suffix) == 0;
}

static wg_copy_format format_of(const wgi_copier *c, const char *path) {
    if (c->options->format != WG_COPY_BY_NAME) return c->options->format;
    if (ends_with(path, ".parquet")) return WG_COPY_PARQUET;
    return ends_with(path, ".jsonl") || ends_with(path, ".ndjson") ? WG_COPY_JSON : WG_COPY_CSV;
}

/* A file of that very name is taken for what is meant, whatever characters it has. */
static bool is_pattern(const wgi_copier *c, const char *path) {
    wg_platform *p = c->txn->engine->platform;
    wg_file_info info;
    wg_error ignored = {0};
    if (strchr(path, '*') == NULL && strchr(path, '{') == NULL && !ends_with(path, "/")) return false;
    return p->ops->stat(p, path, &info, &ignored) != WG_OK || info.is_directory;
}

static wg_code list_files(wgi_copier *c, const char *path, file_list *out, wg_error *err) {
    wg_engine *e = c->txn->engine;
    wgi_found_file *files = NULL;
    uint32_t count = 1;
    const bool pattern = is_pattern(c, path);
    if (pattern) {
        char *absolute = wg_arena_alloc(&c->arena, WG_PATTERN_BYTES_MAX + 2);
        if (absolute == NULL) return wg_error_nomem(err, WG_PATTERN_BYTES_MAX);
        WG_TRY(wg_pattern_check(wg_slice_str(path), err));
        WG_TRY(e->platform->ops->absolute(e->platform, path, absolute, WG_PATTERN_BYTES_MAX, err));
        if (ends_with(path, "/") && !ends_with(absolute, "/")) memcpy(absolute + strlen(absolute), "/", 2);
        WG_TRY(wgi_virtual_list(e, absolute, &c->arena, &files, &count, err));
        if (count == 0) return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no file matches %s", absolute);
    }
    out->paths = wg_arena_alloc(&c->arena, count * sizeof *out->paths);
    if (out->paths == NULL) return wg_error_nomem(err, count * sizeof *out->paths);
    for (uint32_t i = 0; i < count; i++) out->paths[i] = pattern ? files[i].path : path;
    out->count = count;
    return WG_OK;
}

/* How many rows there will be, to choose how ends are found, and for progress. */
static wg_code measure(wgi_copier *c, const file_list *files, wg_error *err) {
    wg_engine *e = c->txn->engine;
    bool exact = true;
    for (uint32_t i = 0; i < files->count; i++) {
        if (format_of(c, files->paths[i]) == WG_COPY_PARQUET) {
            wg_object *object = NULL;
            bool opened = false;
            WG_TRY(wg_object_acquire(e->objects, files->paths[i], &object, &opened, err));
            c->rows_expected += wg_object_metadata(object)->row_count;
            wg_object_release(e->objects, object);
            continue;
        }
        wg_file_info info = {0};
        WG_TRY(e->platform->ops->stat(e->platform, files->paths[i], &info, err));
        c->rows_expected += info.size / 4;
        exact = false;
    }
    const uint64_t skipped = wg_min_u64(c->options->skip_rows, c->rows_expected);
    if (exact && c->cancel != NULL)
        atomic_store_explicit(&c->cancel->rows_total, c->rows_expected - skipped, memory_order_relaxed);
    return WG_OK;
}

static wg_code copy_file(wgi_copier *c, const char *path, wg_error *err) {
    const wg_copy_format format = format_of(c, path);
    c->path = path;
    c->counts_lines = format != WG_COPY_PARQUET;
    c->column_count = c->property_count = c->default_count = 0;
    if (format == WG_COPY_PARQUET) return wgi_copy_parquet(c, err);
    return format == WG_COPY_JSON ? wgi_copy_json(c, err) : wgi_copy_csv(c, err);
}

static wg_code check_target(wgi_copier *c, const wg_label **out_edge, wg_error *err) {
    const wg_catalog *catalog = c->txn->engine->catalog;
    const wg_label *first = c->options->label_count == 0 ? NULL : wg_catalog_label_at(catalog, c->options->labels[0]);
    if (first == NULL)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "COPY into a label that does not exist");
    c->is_edge = first->def.is_edge;
    if (!c->is_edge) return wgi_check_node_labels(c->txn, c->options->labels, c->options->label_count, err);
    if (c->options->label_count > 1) return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "an edge has one label");
    return wgi_check_edge_label(c->txn, c->options->labels[0], out_edge, err);
}

static wg_code copy_all(wgi_copier *c, const char *path, wg_error *err) {
    file_list files = {0};
    const wg_label *edge = NULL;
    WG_TRY(check_target(c, &edge, err));
    WG_TRY(list_files(c, path, &files, err));
    WG_TRY(measure(c, &files, err));
    if (c->is_edge) WG_TRY(ends_make(c, edge, err));
    wgi_copy_parts_init(c);
    WG_TRY(reject_open(c, err));
    for (uint32_t i = 0; i < files.count; i++) WG_TRY(copy_file(c, files.paths[i], err));
    return wgi_copy_parts_finish(c, err);
}

wg_code wg_txn_copy(wg_txn *txn, const char *path, const wg_copy_options *options, wg_cancel *cancel,
                    wg_copy_counts *out, wg_error *err) {
    wg_error own = {0};
    if (err == NULL) err = &own;
    WG_TRY(wgi_txn_write_begin(txn, err));
    wg_platform *p = txn->engine->platform;
    enum { BATCH_PART = 64, BATCH_BYTES_MIN = 32 << 10 };
    const uint64_t cap = wgi_heap_cap(txn->engine);
    wgi_copier c = {.txn = txn, .options = options, .cancel = cancel, .account = &txn->engine->account};
    c.batch_bytes = cap == 0 ? UINT64_MAX : wg_max_u64(cap / BATCH_PART, BATCH_BYTES_MIN);
    wg_arena_init(&c.arena, c.account);
    wgi_copy_gate_init(&c);
    wg_txn_mark_set(txn, &c.mark);
    wg_code code = copy_all(&c, path, err);
    if (code != WG_OK) {
        code = wgi_copy_parts_error(&c, code, err);
        wg_txn_rollback_to(txn, &c.mark);
    } else {
        *out = c.counts;
    }
    if (c.reject_file != NULL) p->ops->close(p, c.reject_file);
    maps_destroy(&c);
    wgi_copy_gate_deinit(&c);
    wg_arena_deinit(&c.arena);
    return code;
}
