/* Labels made and dropped. A declared label is one mutation behind those that number its column names; a virtual one also
 * registers every file that its pattern matches now, so that a mistake in the pattern or in a column shows here and not in
 * a later query. */
#include "engine/engine_internal.h"

static wg_code check_new_name(wg_txn *txn, const wg_label_def *def, bool if_not_exists, bool *out_exists,
                              wg_error *err) {
    const wg_label *old =
        wg_catalog_label(txn->engine->catalog, wgi_txn_newest(txn), wg_slice_str(def->name), def->is_edge);
    *out_exists = old != NULL;
    if (old == NULL || if_not_exists) return WG_OK;
    return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "%s label %s exists already", def->is_edge ? "edge" : "node",
                        def->name);
}

static wg_code check_endpoint_label(const wg_txn *txn, const char *name, wg_error *err) {
    if (name == NULL) return WG_OK;
    const wg_catalog *catalog = txn->engine->catalog;
    const wg_view newest = wgi_txn_newest(txn);
    if (wg_catalog_label(catalog, newest, wg_slice_str(name), false) != NULL) return WG_OK;
    const char *near = wg_catalog_suggest_label(catalog, newest, wg_slice_str(name), false);
    return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no node label %s%s%s%s", name,
                        near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
}

/* Makes the pattern absolute and the definition complete from the files that match. */
static wg_code complete_virtual(wg_txn *txn, wg_arena *arena, wg_label_def *def, wgi_found_file **files,
                                uint32_t *count, wg_error *err) {
    wg_engine *e = txn->engine;
    const size_t size = strlen(def->pattern);
    WG_TRY(wg_pattern_check(wg_slice_str(def->pattern), err));
    if (def->key_count > 0)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                            "a virtual label has no PRIMARY KEY: its rows are found by scan and join");
    char *absolute = wg_arena_alloc(arena, WG_PATTERN_BYTES_MAX + 2);
    if (absolute == NULL) return wg_error_nomem(err, WG_PATTERN_BYTES_MAX);
    WG_TRY(e->platform->ops->absolute(e->platform, def->pattern, absolute, WG_PATTERN_BYTES_MAX, err));
    /* A last '/' asks for the tree below; making the path absolute drops it. */
    const size_t n = strlen(absolute);
    if (def->pattern[size - 1] == '/' && absolute[n - 1] != '/') memcpy(absolute + n, "/", 2);
    def->pattern = absolute;
    WG_TRY(wgi_virtual_list(e, absolute, arena, files, count, err));
    if (*count == 0) return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no file matches %s", absolute);
    return wgi_virtual_complete_def(e, *files, *count, arena, def, err);
}

static wg_code make_label(wg_txn *txn, wg_label_def *def, wg_arena *arena, wg_error *err) {
    wgi_found_file *files = NULL;
    uint32_t file_count = 0;
    WG_TRY(check_endpoint_label(txn, def->from_label, err));
    WG_TRY(check_endpoint_label(txn, def->to_label, err));
    if (def->kind == WG_LABEL_VIRTUAL) WG_TRY(complete_virtual(txn, arena, def, &files, &file_count, err));
    WG_TRY(wg_label_def_check(def, err));
    for (uint32_t c = 0; c < def->column_count; c++) {
        uint32_t key = 0;
        WG_TRY(wg_txn_intern_key(txn, wg_slice_str(def->columns[c].name), &key, err));
    }
    const wg_mutation m = {
        .kind = WG_MUTATION_CREATE_LABEL, .number = wg_catalog_label_count(txn->engine->catalog), .def = *def};
    WG_TRY(wgi_txn_do(txn, &m, err));
    if (def->kind != WG_LABEL_VIRTUAL) return WG_OK;
    return wgi_virtual_register(txn, wg_catalog_label_at(txn->engine->catalog, m.number), files, file_count, err);
}

wg_code wg_txn_create_label(wg_txn *txn, const wg_label_def *def, bool if_not_exists, wg_error *err) {
    bool exists = false;
    WG_TRY(wgi_txn_write_begin(txn, err));
    WG_TRY(check_new_name(txn, def, if_not_exists, &exists, err));
    if (exists) return WG_OK;
    wg_txn_mark mark;
    wg_txn_mark_set(txn, &mark);
    wg_arena arena;
    wg_arena_init(&arena, &txn->engine->account);
    wg_label_def complete = *def;
    const wg_code code = make_label(txn, &complete, &arena, err);
    wg_arena_deinit(&arena);
    if (code != WG_OK) {
        wg_txn_rollback_to(txn, &mark);
        return code;
    }
    txn->ddl = true;
    return WG_OK;
}

/* Rows keep their label, so a label with rows cannot go; edges that name it as an endpoint neither. */
static wg_code check_droppable(wg_txn *txn, const wg_label *label, wg_error *err) {
    const wg_engine *e = txn->engine;
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_relaxed);
    for (uint32_t t = 0; t < tables; t++) {
        const wgi_table *table = wgi_table_at(e, t);
        if (!atomic_load_explicit(&table->dead, memory_order_relaxed) &&
            wgi_table_has_labels(table, &label->number, 1) && table->live > 0)
            return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "label %s still has %llu %s: delete them first",
                                label->def.name, (unsigned long long)table->live,
                                label->def.is_edge ? "edges" : "nodes");
    }
    const uint32_t labels = wg_catalog_label_count(e->catalog);
    for (uint32_t i = 0; i < labels && !label->def.is_edge; i++) {
        const wg_label *other = wg_catalog_label_at(e->catalog, i);
        const wg_label_def *d = &other->def;
        if (!d->is_edge || !wg_label_is_visible(other, wgi_txn_newest(txn))) continue;
        if ((d->from_label != NULL && strcmp(d->from_label, label->def.name) == 0) ||
            (d->to_label != NULL && strcmp(d->to_label, label->def.name) == 0))
            return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET,
                                "edge label %s has %s as an endpoint: drop it first", d->name, label->def.name);
    }
    return WG_OK;
}

/* Edges of open labels may end at rows of a virtual label; those rows would vanish with it. */
static wg_code check_virtual_unreferenced(wg_txn *txn, const wg_label *label, wg_error *err) {
    const wg_engine *e = txn->engine;
    if (label->def.kind != WG_LABEL_VIRTUAL) return WG_OK;
    const uint64_t edges = wg_directory_count(e->edges);
    for (uint64_t id = 0; id < edges; id++) {
        wgi_place at;
        wg_row_head head;
        bool found = false;
        bool from = false;
        bool to = false;
        WG_TRY(wgi_version(e, true, wgi_txn_newest(txn), id, &at, err));
        if (at.table != NULL) WG_TRY(wg_table_head(at.table->rows, at.row, &head, NULL, &found, err));
        if (!found) continue;
        WG_TRY(wgi_node_has_label(e, wgi_txn_newest(txn), head.from, label->number, &from, err));
        WG_TRY(wgi_node_has_label(e, wgi_txn_newest(txn), head.to, label->number, &to, err));
        if (from || to)
            return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET,
                                "edges end at rows of label %s: delete them first", label->def.name);
    }
    return WG_OK;
}

wg_code wg_txn_drop_label(wg_txn *txn, wg_slice name, bool is_edge, bool if_exists, wg_error *err) {
    WG_TRY(wgi_txn_write_begin(txn, err));
    const wg_catalog *catalog = txn->engine->catalog;
    const wg_label *label = wg_catalog_label(catalog, wgi_txn_newest(txn), name, is_edge);
    if (label == NULL && if_exists) return WG_OK;
    if (label == NULL) {
        const char *near = wg_catalog_suggest_label(catalog, wgi_txn_newest(txn), name, is_edge);
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no %s label %.*s%s%s%s", is_edge ? "edge" : "node",
                            (int)wg_min_size(name.size, 100), (const char *)name.data,
                            near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
    }
    WG_TRY(check_droppable(txn, label, err));
    WG_TRY(check_virtual_unreferenced(txn, label, err));
    wg_txn_mark mark;
    wg_txn_mark_set(txn, &mark);
    const wg_mutation m = {.kind = WG_MUTATION_DROP_LABEL, .number = label->number};
    wg_code code = wgi_drop_rules_of(txn, label->number, err);
    if (code == WG_OK) code = wgi_txn_do(txn, &m, err);
    if (code != WG_OK) {
        wg_txn_rollback_to(txn, &mark);
        return code;
    }
    txn->ddl = true;
    return WG_OK;
}

/* Ids of virtual rows name their file, and files their label: a new path is a new label of the same name and columns, so that
 * snapshots from before keep seeing the files of the old one. */
wg_code wgi_set_pattern(wg_txn *txn, const wg_label *label, const char *pattern, wg_error *err) {
    if (label->def.kind != WG_LABEL_VIRTUAL)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "label %s is not virtual: it has no partition pattern",
                            label->def.name);
    wg_arena arena;
    wg_txn_mark mark;
    WG_TRY(check_virtual_unreferenced(txn, label, err));
    wg_txn_mark_set(txn, &mark);
    wg_arena_init(&arena, &txn->engine->account);
    wg_label_def def = label->def;
    def.pattern = pattern;
    const wg_mutation m = {.kind = WG_MUTATION_DROP_LABEL, .number = label->number};
    wg_code code = wgi_txn_do(txn, &m, err);
    if (code == WG_OK) code = make_label(txn, &def, &arena, err);
    wg_arena_deinit(&arena);
    if (code != WG_OK) wg_txn_rollback_to(txn, &mark);
    else txn->ddl = true;
    return code;
}
