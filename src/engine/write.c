/* Writes of a transaction: every one is checked against declared types, keys and conflicts here, becomes one mutation, and is
 * logged and applied by wgi_txn_do. After the checks the applier has nothing left to refuse but memory.
 *
 * Conflicts (P8, first committer wins): a transaction that reads snapshot S and writes a version that somebody committed after
 * S gets WG_E_CONFLICT; the message has the id and both logseqs. Constraints are checked against the newest state, which the
 * writer lock keeps still. */
#include "base/text/text.h"
#include "engine/engine_internal.h"

/* ---- names */

static wg_code name_check(wg_slice name, const char *what, wg_error *err) {
    if (name.size == 0 || name.size > WG_NAME_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a %s name has 1 to %d bytes, not %zu", what,
                            (int)WG_NAME_BYTES_MAX, name.size);
    if (memchr(name.data, 0, name.size) != NULL || !wg_utf8_valid(name, NULL))
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "a %s name is UTF-8 without zero bytes", what);
    return WG_OK;
}

wg_code wg_txn_intern_key(wg_txn *txn, wg_slice name, uint32_t *out, wg_error *err) {
    const wg_catalog *catalog = txn->engine->catalog;
    uint32_t key = wg_catalog_key(catalog, name);
    if (key == WG_NO_KEY) {
        WG_TRY(name_check(name, "property", err));
        WG_TRY(wgi_txn_write_begin(txn, err));
        key = wg_catalog_key(catalog, name); /* another writer may have been first */
        if (key == WG_NO_KEY) {
            const wg_mutation m = {
                .kind = WG_MUTATION_ADD_KEY, .number = wg_catalog_key_count(catalog), .name = name};
            key = m.number;
            WG_TRY(wgi_txn_do(txn, &m, err));
        }
    }
    *out = key;
    return WG_OK;
}

wg_code wg_txn_intern_label(wg_txn *txn, wg_slice name, bool is_edge, uint32_t *out, wg_error *err) {
    const wg_catalog *catalog = txn->engine->catalog;
    const wg_label *label = wg_catalog_label(catalog, txn->view, name, is_edge);
    if (label == NULL) {
        WG_TRY(name_check(name, "label", err));
        WG_TRY(wgi_txn_write_begin(txn, err));
        label = wg_catalog_label(catalog, wgi_txn_newest(txn), name, is_edge);
        if (label != NULL && !wg_label_is_visible(label, txn->view)) /* its own reads would not find what it wrote */
            return wg_error_set(err, wgi_conflict(txn->engine), WG_NO_OFFSET,
                                "label %s was made at logseq %llu, after this transaction's snapshot %llu",
                                label->def.name, (unsigned long long)label->begin,
                                (unsigned long long)txn->view.snapshot);
    }
    if (label == NULL) {
        char text[WG_NAME_BYTES_MAX + 1];
        memcpy(text, name.data, name.size);
        text[name.size] = '\0';
        const wg_label_def def = {.name = text, .is_edge = is_edge, .kind = WG_LABEL_OPEN};
        const wg_mutation m = {
            .kind = WG_MUTATION_CREATE_LABEL, .number = wg_catalog_label_count(catalog), .def = def};
        WG_TRY(wgi_txn_do(txn, &m, err));
        *out = m.number;
        return WG_OK;
    }
    *out = label->number;
    return WG_OK;
}

/* ---- checks of properties */

wg_code wgi_unknown_property(const wg_label *label, const char *name, wg_error *err) {
    WG_ASSERT(label != NULL); /* rows without labels take any property */
    wg_suggestion near;
    wg_suggestion_init(&near, wg_slice_str(name));
    for (uint32_t c = 0; c < label->def.column_count; c++) wg_suggestion_offer(&near, label->def.columns[c].name);
    if (near.name == NULL)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "label %.64s has no property %.64s", label->def.name,
                            name);
    return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "label %.64s has no property %.64s; did you mean %.64s?",
                        label->def.name, name, near.name);
}

const char *wgi_key_name(const wg_txn *txn, uint32_t key) {
    const char *name = wg_catalog_key_name(txn->engine->catalog, key);
    return name != NULL ? name : "?";
}

/* A value that a property can hold: no nodes, edges, paths or maps, also not inside lists; and nothing that the log's
 * decoder would refuse when it is replayed. */
wg_code wgi_storable(const wg_txn *txn, uint32_t key, const wg_value *v, uint32_t depth, wg_error *err) {
    if (v->type == WG_TYPE_NODE || v->type == WG_TYPE_EDGE || v->type == WG_TYPE_PATH || v->type == WG_TYPE_MAP)
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "property %s cannot hold a %s", wgi_key_name(txn, key),
                            wg_type_name((wg_type)v->type));
    if (depth > 32)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "property %s: lists nested too deeply",
                            wgi_key_name(txn, key));
    for (uint32_t i = 0; v->type == WG_TYPE_LIST && i < v->size; i++)
        WG_TRY(wgi_storable(txn, key, &v->as.list[i], depth + 1, err));
    if (depth > 0 || v->type == WG_TYPE_NULL) return WG_OK;
    const wg_code code = wg_value_check(v, false, err);
    return code == WG_OK ? WG_OK : wg_error_prefix(err, code, "property %s", wgi_key_name(txn, key));
}

/* Fits one value to what the labels declare about its key. */
static wg_code fit_property(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, wg_mutation_property *p,
                            wg_error *err) {
    bool declared = false;
    bool narrow = false; /* a declared type may be a MAP */
    bool open = label_count == 0;
    const wg_label *first = NULL;
    for (uint32_t i = 0; i < label_count; i++) {
        const wg_label *label = wg_catalog_label_at(txn->engine->catalog, labels[i]);
        open |= label->def.kind == WG_LABEL_OPEN;
        if (first == NULL && label->def.kind == WG_LABEL_OWNED) first = label;
        for (uint32_t c = 0; c < label->def.column_count; c++) {
            if (label->column_keys[c] != p->key) continue;
            declared = true;
            narrow |= label->def.columns[c].declared != NULL;
            if (p->value.type == WG_TYPE_NULL) continue; /* NOT NULL is of the whole row: check_row */
            wg_code code = wg_column_def_coerce(&label->def.columns[c], &p->value, err);
            if (code != WG_OK) return wg_error_prefix(err, code, "%s", label->def.name);
        }
    }
    if (!declared && !open) return wgi_unknown_property(first, wgi_key_name(txn, p->key), err);
    return narrow ? wg_value_check(&p->value, false, err) : wgi_storable(txn, p->key, &p->value, 0, err);
}

static const wg_value *property_of(const wg_mutation_property *p, uint32_t count, uint32_t key) {
    for (uint32_t i = count; i > 0; i--)
        if (p[i - 1].key == key) return &p[i - 1].value;
    return NULL;
}

static uint32_t default_count(const wg_txn *txn, const uint32_t *labels, uint32_t label_count) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < label_count; i++) {
        const wg_label_def *def = &wg_catalog_label_at(txn->engine->catalog, labels[i])->def;
        for (uint32_t c = 0; c < def->column_count; c++) count += def->columns[c].default_value != NULL;
    }
    return count;
}

/* New rows take the defaults of what they do not mention; there is room for them. The first label that has one wins. */
static void put_defaults(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, wg_mutation_property *p,
                         uint32_t *count) {
    for (uint32_t i = 0; i < label_count; i++) {
        const wg_label *label = wg_catalog_label_at(txn->engine->catalog, labels[i]);
        for (uint32_t c = 0; c < label->def.column_count; c++) {
            const wg_value *value = label->def.columns[c].default_value;
            if (value == NULL || property_of(p, *count, label->column_keys[c]) != NULL) continue;
            p[(*count)++] = (wg_mutation_property){.key = label->column_keys[c], .value = *value};
        }
    }
}

/* Copies properties, fits them, drops repeated keys (the last wins) and, for new rows, nulls. In the arena. */
static wg_code fit_properties(const wg_txn *txn, const uint32_t *labels, uint32_t label_count,
                              const wg_property *from, uint32_t count, bool keep_nulls, wg_arena *arena,
                              wg_mutation *out, wg_error *err) {
    const uint32_t defaults = keep_nulls ? 0 : default_count(txn, labels, label_count);
    wg_mutation_property *p = wg_arena_alloc(arena, ((size_t)count + defaults + 1) * sizeof *p);
    if (p == NULL) return wg_error_nomem(err, (size_t)count * sizeof *p);
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        wg_mutation_property one = {.key = from[i].key, .value = from[i].value};
        if (one.key >= wg_catalog_key_count(txn->engine->catalog))
            return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "unknown property key %u", one.key);
        WG_TRY(fit_property(txn, labels, label_count, &one, err));
        uint32_t at = 0;
        while (at < n && p[at].key != one.key) at++;
        p[at] = one;
        if (at == n) n++;
    }
    if (defaults > 0) put_defaults(txn, labels, label_count, p, &n);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (keep_nulls || p[i].value.type != WG_TYPE_NULL) p[kept++] = p[i];
    out->properties = p;
    out->property_count = kept;
    return WG_OK;
}

/* ---- checks of rows: not-null columns and primary keys. `cell` gives the value that the row is about to have. */

typedef struct row_source {
    const wg_mutation_property *properties; /* new values */
    uint32_t property_count;
    const wgi_table *table; /* the version that they overlay, or NULL */
    uint64_t row;
    wg_arena *arena; /* for cells that must be copied */
    uint32_t *equal; /* how many others have a value that only one may have; NULL: nobody asks */
} row_source;

static wg_code row_value(const row_source *s, uint32_t key, wg_value *out, wg_error *err) {
    const wg_value *v = property_of(s->properties, s->property_count, key);
    *out = v != NULL ? *v : wg_value_null();
    if (v != NULL || s->table == NULL) return WG_OK;
    const uint32_t column = wg_table_column_of(s->table->rows, key);
    return column == UINT32_MAX ? WG_OK : wg_table_cell(s->table->rows, s->row, column, s->arena, out, err);
}

/* The values of the label's primary key are whole, and no other node has them. */
wg_code wgi_check_key_values(const wg_txn *txn, const wg_label *label, const wg_value *key, uint64_t own_id,
                             wg_error *err) {
    for (uint32_t k = 0; k < label->def.key_count; k++)
        if (key[k].type == WG_TYPE_NULL)
            return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET,
                                "%s.%s is part of the primary key and cannot be null", label->def.name,
                                label->def.columns[label->def.key_columns[k]].name);
    uint64_t id = 0;
    bool found = false;
    WG_TRY(wgi_seek_other(txn->engine, wgi_txn_newest(txn), label->number, key, label->def.key_count, own_id, &id,
                          &found, err));
    if (!found) return WG_OK;
    wg_buf text;
    wg_buf_init(&text, &txn->engine->account);
    for (uint32_t k = 0; k < label->def.key_count; k++)
        if (!(k == 0 || wg_buf_append_str(&text, ", ")) || !wg_value_print_json(&text, &key[k])) break;
    const wg_code code =
        wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "%s already has a node with primary key (%.*s)",
                     label->def.name, (int)wg_min_size(text.size, 120), (const char *)text.data);
    wg_buf_deinit(&text);
    return code;
}

static wg_code check_key(const wg_txn *txn, const wg_label *label, const row_source *s, uint64_t own_id,
                         wg_error *err) {
    wg_value key[WG_KEY_COLUMNS_MAX];
    if (label->def.key_count == 0) return WG_OK;
    for (uint32_t k = 0; k < label->def.key_count; k++)
        WG_TRY(row_value(s, label->column_keys[label->def.key_columns[k]], &key[k], err));
    return wgi_check_key_values(txn, label, key, own_id, err);
}

/* Constraints of the label that are no part of its definition. */
static wg_code check_rules(const wg_txn *txn, const wg_label *label, const row_source *s, uint64_t own_id,
                           wg_error *err) {
    const wg_catalog *catalog = txn->engine->catalog;
    const wg_view newest = wgi_txn_newest(txn);
    uint32_t position = 0;
    for (;;) {
        const wg_rule *rule = wg_catalog_next_rule(catalog, newest, label->number, &position);
        if (rule == NULL) return WG_OK;
        if (wg_rule_is_index(rule->def.kind)) continue;
        wg_value values[WG_KEY_COLUMNS_MAX];
        for (uint32_t i = 0; i < rule->def.key_count; i++) WG_TRY(row_value(s, rule->def.keys[i], &values[i], err));
        if (wgi_rule_is_unique(rule)) WG_TRY(wgi_check_unique(txn, rule, values, own_id, s->equal, err));
        else WG_TRY(wgi_check_value(txn, rule, values, err));
    }
}

static wg_code check_row(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, const row_source *s,
                         uint64_t own_id, wg_error *err) {
    for (uint32_t i = 0; i < label_count; i++) {
        const wg_label *label = wg_catalog_label_at(txn->engine->catalog, labels[i]);
        for (uint32_t c = 0; c < label->def.column_count; c++) {
            wg_value v;
            if (!label->def.columns[c].not_null) continue;
            WG_TRY(row_value(s, label->column_keys[c], &v, err));
            if (v.type == WG_TYPE_NULL)
                return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "%s.%s is NOT NULL and has no value",
                                    label->def.name, label->def.columns[c].name);
        }
        WG_TRY(check_key(txn, label, s, own_id, err));
        WG_TRY(check_rules(txn, label, s, own_id, err));
    }
    return WG_OK;
}

/* The row that is about to be written, now or at the end of the statement. */
static wg_code check_row_in_time(wg_txn *txn, const uint32_t *labels, uint32_t label_count, row_source *s,
                                 uint64_t id, bool is_edge, wg_error *err) {
    uint32_t equal = 0;
    wg_error why = {0};
    if (!txn->deferring) return check_row(txn, labels, label_count, s, id, err);
    s->equal = &equal;
    const wg_code code = check_row(txn, labels, label_count, s, id, &why);
    if (code == WG_E_CONSTRAINT && equal < WGI_LATE_EQUAL_MAX) return wgi_late_note(txn, is_edge, id, err);
    if (code != WG_OK && err != NULL && err->code == WG_OK) *err = why;
    return code;
}

wg_code wgi_check_version(const wg_txn *txn, const wgi_place *at, uint64_t id, wg_error *err) {
    wg_arena arena;
    wg_arena_init(&arena, &txn->engine->account);
    const row_source s = {.table = at->table, .row = at->row, .arena = &arena};
    const wg_code code = check_row(txn, at->table->labels, at->table->label_count, &s, id, err);
    wg_arena_deinit(&arena);
    return code;
}

/* The statement was planned for the definition that its snapshot sees. */
static wg_code check_unaltered(const wg_txn *txn, const wg_label *label, wg_error *err) {
    if (label->older == NULL || wg_label_is_visible(label, txn->view)) return WG_OK;
    return wg_error_set(err, wgi_conflict(txn->engine), WG_NO_OFFSET,
                        "label %s was altered at logseq %llu, after this transaction's snapshot %llu",
                        label->def.name, (unsigned long long)label->begin, (unsigned long long)txn->view.snapshot);
}

/* Labels exist now, are of nodes, and their rows are ours. */
wg_code wgi_check_node_labels(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, wg_error *err) {
    if (label_count > WG_MUTATION_LABELS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a node has at most %d labels",
                            (int)WG_MUTATION_LABELS_MAX);
    for (uint32_t i = 0; i < label_count; i++) {
        const wg_label *label = wg_catalog_label_at(txn->engine->catalog, labels[i]);
        if (label == NULL || label->def.is_edge || !wg_label_is_visible(label, wgi_txn_newest(txn)))
            return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no node label with number %u", labels[i]);
        if (label->def.kind == WG_LABEL_VIRTUAL)
            return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET,
                                "label %s is virtual: its rows live in Parquet files that never change",
                                label->def.name);
        WG_TRY(check_unaltered(txn, label, err));
    }
    return WG_OK;
}

/* ---- create */

wg_code wg_txn_create_node(wg_txn *txn, const uint32_t *labels, uint32_t label_count, const wg_property *properties,
                           uint32_t property_count, uint64_t *out_id, wg_error *err) {
    WG_TRY(wgi_txn_write_begin(txn, err));
    WG_TRY(wgi_check_node_labels(txn, labels, label_count, err));
    wg_arena arena;
    wg_arena_init(&arena, &txn->engine->account);
    wg_mutation m = {.kind = WG_MUTATION_CREATE_NODE, .labels = labels, .label_count = label_count};
    m.id = wg_directory_count(txn->engine->nodes);
    wg_code code = fit_properties(txn, labels, label_count, properties, property_count, false, &arena, &m, err);
    row_source s = {.properties = m.properties, .property_count = m.property_count};
    if (code == WG_OK) code = check_row_in_time(txn, labels, label_count, &s, m.id, false, err);
    if (code == WG_OK) code = wgi_txn_do(txn, &m, err);
    if (code == WG_OK) {
        txn->stats.nodes_created++;
        txn->stats.properties_set += m.property_count;
        txn->stats.labels_added += label_count;
        *out_id = m.id;
    }
    wg_arena_deinit(&arena);
    return code;
}

static wg_code check_endpoint(const wg_txn *txn, uint64_t id, const char *label_name, const char *edge,
                              const char *which, wg_error *err) {
    const wg_engine *e = txn->engine;
    const wg_view newest = wgi_txn_newest(txn);
    bool ok = false;
    WG_TRY(wgi_node_visible(e, newest, id, &ok, err));
    if (!ok) {
        WG_TRY(wgi_node_visible(e, txn->view, id, &ok, err));
        if (ok)
            return wg_error_set(err, wgi_conflict(txn->engine), WG_NO_OFFSET,
                                "node %llu was deleted by a transaction that committed after "
                                "snapshot %llu",
                                (unsigned long long)id, (unsigned long long)txn->view.snapshot);
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "edge %s: node %llu does not exist (deleted?)", edge,
                            (unsigned long long)id);
    }
    if (label_name == NULL) return WG_OK;
    const wg_label *label = wg_catalog_label(e->catalog, newest, wg_slice_str(label_name), false);
    ok = false;
    if (label != NULL) WG_TRY(wgi_node_has_label(e, newest, id, label->number, &ok, err));
    if (ok) return WG_OK;
    return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "edge %s goes %s a %s: node %llu is none", edge, which,
                        label_name, (unsigned long long)id);
}

wg_code wgi_check_edge_label(const wg_txn *txn, uint32_t number, const wg_label **out, wg_error *err) {
    const wg_label *label = wg_catalog_label_at(txn->engine->catalog, number);
    if (label == NULL || !label->def.is_edge || !wg_label_is_visible(label, wgi_txn_newest(txn)))
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no edge label with number %u", number);
    WG_TRY(check_unaltered(txn, label, err));
    *out = label;
    return WG_OK;
}

wg_code wgi_check_ends(const wg_txn *txn, const wg_label *label, uint64_t from, uint64_t to, wg_error *err) {
    WG_TRY(check_endpoint(txn, from, label->def.from_label, label->def.name, "from", err));
    return check_endpoint(txn, to, label->def.to_label, label->def.name, "to", err);
}

wg_code wg_txn_create_edge(wg_txn *txn, uint32_t label_number, uint64_t from, uint64_t to,
                           const wg_property *properties, uint32_t property_count, uint64_t *out_id, wg_error *err) {
    const wg_label *label = NULL;
    WG_TRY(wgi_txn_write_begin(txn, err));
    WG_TRY(wgi_check_edge_label(txn, label_number, &label, err));
    WG_TRY(wgi_check_ends(txn, label, from, to, err));
    wg_arena arena;
    wg_arena_init(&arena, &txn->engine->account);
    wg_mutation m = {.kind = WG_MUTATION_CREATE_EDGE, .label = label_number, .from = from, .to = to};
    m.id = wg_directory_count(txn->engine->edges);
    wg_code code = fit_properties(txn, &label_number, 1, properties, property_count, false, &arena, &m, err);
    row_source s = {.properties = m.properties, .property_count = m.property_count};
    if (code == WG_OK) code = check_row_in_time(txn, &label_number, 1, &s, m.id, true, err);
    if (code == WG_OK) code = wgi_txn_do(txn, &m, err);
    if (code == WG_OK) {
        txn->stats.edges_created++;
        txn->stats.properties_set += m.property_count;
        *out_id = m.id;
    }
    wg_arena_deinit(&arena);
    return code;
}

/* ---- change and delete */

/* Finds the version that the transaction may replace: the newest one, which must be the one that it sees. *out_gone: it was
 * deleted within what the transaction sees. */
static wg_code writable_version(wg_txn *txn, bool is_edge, uint64_t id, wgi_table **table, uint64_t *row,
                                bool *out_gone, wg_error *err) {
    wg_engine *e = txn->engine;
    if (!is_edge && wg_id_is_virtual(id))
        return wg_error_set(
            err, WG_E_READ_ONLY, WG_NO_OFFSET,
            "this node is a row of a virtual label: its values live in Parquet files that never change");
    wg_row_address at = WG_ROW_NONE;
    WG_TRY(wg_directory_get(is_edge ? e->edges : e->nodes, id, &at, err));
    *out_gone = true;
    if (at == WG_ROW_NONE) return WG_OK;
    wg_row_head head;
    uint64_t end = WG_LOGSEQ_NEVER;
    bool found = false;
    *table = wgi_table_at(e, wg_row_table(at));
    *row = wg_row_ordinal(at);
    WG_TRY(wg_table_head((*table)->rows, *row, &head, &end, &found, err));
    if (!found || head.begin == WG_LOGSEQ_NEVER) return WG_OK; /* dropped by a compaction */
    const uint64_t changed = end != WG_LOGSEQ_NEVER ? end : head.begin;
    if (changed > txn->view.snapshot && changed != txn->view.own && !WG_CANARY_IS(12))
        return wg_error_set(err, wgi_conflict(txn->engine), WG_NO_OFFSET,
                            "%s %llu: this transaction reads snapshot %llu, version %llu was committed since",
                            is_edge ? "edge" : "node", (unsigned long long)id, (unsigned long long)txn->view.snapshot,
                            (unsigned long long)changed);
    *out_gone = end != WG_LOGSEQ_NEVER;
    return WG_OK;
}

static wg_code set_properties(wg_txn *txn, bool is_edge, uint64_t id, const wg_property *properties,
                              uint32_t property_count, bool replace, wg_error *err) {
    WG_TRY(wgi_txn_write_begin(txn, err));
    wgi_table *table = NULL;
    uint64_t row = 0;
    bool gone = false;
    WG_TRY(writable_version(txn, is_edge, id, &table, &row, &gone, err));
    if (gone)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "SET on a deleted %s (id %llu)",
                            is_edge ? "edge" : "node", (unsigned long long)id);
    wg_arena arena;
    wg_arena_init(&arena, &txn->engine->account);
    wg_mutation m = {.kind = is_edge ? WG_MUTATION_SET_EDGE : WG_MUTATION_SET_NODE, .id = id, .replace = replace};
    wg_code code =
        fit_properties(txn, table->labels, table->label_count, properties, property_count, !replace, &arena, &m, err);
    row_source s = {.properties = m.properties,
                    .property_count = m.property_count,
                    .table = replace ? NULL : table,
                    .row = row,
                    .arena = &arena};
    if (code == WG_OK) code = check_row_in_time(txn, table->labels, table->label_count, &s, id, is_edge, err);
    if (code == WG_OK && (m.property_count > 0 || replace)) code = wgi_txn_do(txn, &m, err);
    if (code == WG_OK) txn->stats.properties_set += property_count;
    wg_arena_deinit(&arena);
    return code;
}

wg_code wg_txn_set_node(wg_txn *txn, uint64_t id, const wg_property *properties, uint32_t property_count,
                        bool replace, wg_error *err) {
    return set_properties(txn, false, id, properties, property_count, replace, err);
}

wg_code wg_txn_set_edge(wg_txn *txn, uint64_t id, const wg_property *properties, uint32_t property_count,
                        bool replace, wg_error *err) {
    return set_properties(txn, true, id, properties, property_count, replace, err);
}

static bool has_number(const uint32_t *numbers, uint32_t count, uint32_t n) {
    for (uint32_t i = 0; i < count; i++)
        if (numbers[i] == n) return true;
    return false;
}

/* A node keeps the label that the definition of one of its edges asks of it: planners rely on the ends of declared edges. */
static wg_code check_lost_label(const wg_txn *txn, uint64_t id, const wg_label *lost, wg_error *err) {
    const wg_catalog *catalog = txn->engine->catalog;
    wg_txn newest = *txn;
    newest.view = wgi_txn_newest(txn);
    for (uint32_t i = 0; i < wg_catalog_label_count(catalog); i++) {
        const wg_label *edge = wg_catalog_label_at(catalog, i);
        const wg_label_def *def = &edge->def;
        uint32_t direction = 0;
        if (!def->is_edge || !wg_label_is_visible(edge, newest.view)) continue;
        if (def->from_label != NULL && strcmp(def->from_label, lost->def.name) == 0) direction |= WG_DIRECTION_OUT;
        if (def->to_label != NULL && strcmp(def->to_label, lost->def.name) == 0) direction |= WG_DIRECTION_IN;
        if (direction == 0) continue;
        wg_expand_position position = {0};
        uint64_t found, neighbour;
        uint32_t count = 0;
        WG_TRY(wg_expand(&newest, id, (wg_direction)direction, &i, 1, &position, 1, &found, &neighbour, &count, err));
        if (count > 0)
            return wg_error_set(
                err, WG_E_CONSTRAINT, WG_NO_OFFSET,
                "node %llu must stay a %s: it has an edge %s, which is declared %s that label; delete "
                "the edge first",
                (unsigned long long)id, lost->def.name, def->name, direction == WG_DIRECTION_IN ? "to" : "from");
    }
    return WG_OK;
}

/* The labels that the node will have; the row must fit all of them, and edges that demand a label must keep it. */
static wg_code check_new_labels(wg_txn *txn, row_source *s, uint64_t id, const wg_mutation *m, wg_error *err) {
    const wgi_table *table = s->table;
    uint32_t labels[2 * WG_MUTATION_LABELS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->label_count; i++)
        if (!has_number(m->removed_labels, m->removed_label_count, table->labels[i]))
            labels[count++] = table->labels[i];
        else if (!has_number(m->labels, m->label_count, table->labels[i]))
            WG_TRY(check_lost_label(txn, id, wg_catalog_label_at(txn->engine->catalog, table->labels[i]), err));
    for (uint32_t i = 0; i < m->label_count; i++)
        if (!has_number(labels, count, m->labels[i])) labels[count++] = m->labels[i];
    const uint32_t columns = wg_table_column_count(table->rows);
    for (uint32_t c = 0; c < columns; c++) {
        wg_mutation_property p = {.key = wg_table_column_key(table->rows, c)};
        WG_TRY(wg_table_cell(table->rows, s->row, c, s->arena, &p.value, err));
        if (p.value.type != WG_TYPE_NULL) WG_TRY(fit_property(txn, labels, count, &p, err));
    }
    return check_row_in_time(txn, labels, count, s, id, false, err);
}

/* True when the node has an edge of this label in this direction in the newest state. */
static wg_code has_edge(wg_txn *txn, uint64_t id, uint32_t edge_label, wg_direction direction, bool *out,
                        wg_error *err) {
    wg_expand_position position = {0};
    uint64_t edge, neighbour;
    uint32_t count = 0;
    const wg_view mine = txn->view;
    txn->view = wgi_txn_newest(txn);
    const wg_code code = wg_expand(txn, id, direction, &edge_label, 1, &position, 1, &edge, &neighbour, &count, err);
    txn->view = mine;
    *out = count > 0;
    return code;
}

/* What an edge label's FROM and TO promise stays true: plans leave out the checks. */
static wg_code check_edges_keep_ends(wg_txn *txn, uint64_t id, uint32_t removed, wg_error *err) {
    const wg_catalog *catalog = txn->engine->catalog;
    const wg_label *label = wg_catalog_label_at(catalog, removed);
    const uint32_t count = wg_catalog_label_count(catalog);
    for (uint32_t i = 0; i < count; i++) {
        const wg_label *edge = wg_catalog_label_at(catalog, i);
        if (!edge->def.is_edge || !wg_label_is_visible(edge, wgi_txn_newest(txn))) continue;
        const char *ends[2] = {edge->def.from_label, edge->def.to_label};
        for (int side = 0; side < 2; side++) {
            bool demanded = false;
            if (ends[side] == NULL || strcmp(ends[side], label->def.name) != 0) continue;
            WG_TRY(has_edge(txn, id, i, side == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN, &demanded, err));
            if (demanded)
                return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET,
                                    "node %llu has edges %s, whose %s is a %s: it cannot lose that label",
                                    (unsigned long long)id, edge->def.name, side == 0 ? "start" : "end",
                                    label->def.name);
        }
    }
    return WG_OK;
}

wg_code wg_txn_change_labels(wg_txn *txn, uint64_t id, const uint32_t *add, uint32_t add_count,
                             const uint32_t *remove, uint32_t remove_count, wg_error *err) {
    WG_TRY(wgi_txn_write_begin(txn, err));
    WG_TRY(wgi_check_node_labels(txn, add, add_count, err));
    wgi_table *table = NULL;
    uint64_t row = 0;
    bool gone = false;
    WG_TRY(writable_version(txn, false, id, &table, &row, &gone, err));
    if (gone)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "labels of a deleted node (id %llu)",
                            (unsigned long long)id);
    const wg_mutation m = {.kind = WG_MUTATION_CHANGE_LABELS,
                           .id = id,
                           .labels = add,
                           .label_count = add_count,
                           .removed_labels = remove,
                           .removed_label_count = remove_count};
    uint64_t added = 0;
    uint64_t removed = 0;
    for (uint32_t i = 0; i < add_count; i++)
        added += !has_number(table->labels, table->label_count, add[i]) && !has_number(add, i, add[i]);
    for (uint32_t i = 0; i < remove_count; i++)
        removed += has_number(table->labels, table->label_count, remove[i]) && !has_number(remove, i, remove[i]);
    if (added + removed == 0) return WG_OK;
    for (uint32_t i = 0; i < remove_count; i++)
        if (has_number(table->labels, table->label_count, remove[i]))
            WG_TRY(check_edges_keep_ends(txn, id, remove[i], err));
    wg_arena arena;
    wg_arena_init(&arena, &txn->engine->account);
    row_source s = {.table = table, .row = row, .arena = &arena};
    const wg_code code = check_new_labels(txn, &s, id, &m, err);
    wg_arena_deinit(&arena);
    if (code != WG_OK) return code;
    WG_TRY(wgi_txn_do(txn, &m, err));
    txn->stats.labels_added += added;
    txn->stats.labels_removed += removed;
    return WG_OK;
}

wg_code wg_txn_delete_edge(wg_txn *txn, uint64_t id, wg_error *err) {
    WG_TRY(wgi_txn_write_begin(txn, err));
    wgi_table *table = NULL;
    uint64_t row = 0;
    bool gone = false;
    WG_TRY(writable_version(txn, true, id, &table, &row, &gone, err));
    if (gone) return WG_OK;
    const wg_mutation m = {.kind = WG_MUTATION_DELETE_EDGE, .id = id};
    WG_TRY(wgi_txn_do(txn, &m, err));
    txn->stats.edges_deleted++;
    return WG_OK;
}

/* Collects the node's edges in the newest state, a page at a time: deleting them does not move what comes behind. */
static wg_code delete_edges_of(wg_txn *txn, uint64_t id, wg_error *err) {
    enum { PAGE = 256 };
    uint64_t edges[PAGE];
    uint64_t neighbours[PAGE];
    wg_expand_position position = {0};
    const wg_view mine = txn->view;
    wg_code code = WG_OK;
    for (;;) {
        uint32_t count = 0;
        txn->view = wgi_txn_newest(txn);
        code = wg_expand(txn, id, WG_DIRECTION_BOTH, NULL, 0, &position, PAGE, edges, neighbours, &count, err);
        txn->view = mine;
        if (code != WG_OK || count == 0) return code;
        for (uint32_t i = 0; i < count; i++) WG_TRY(wg_txn_delete_edge(txn, edges[i], err));
    }
}

static wg_code refuse_when_connected(wg_txn *txn, uint64_t id, wg_error *err) {
    uint64_t edge;
    uint64_t neighbour;
    uint32_t count = 0;
    wg_expand_position position = {0};
    const wg_view mine = txn->view;
    txn->view = wgi_txn_newest(txn);
    const wg_code code = wg_expand(txn, id, WG_DIRECTION_BOTH, NULL, 0, &position, 1, &edge, &neighbour, &count, err);
    txn->view = mine;
    if (code != WG_OK || count == 0) return code;
    return wg_error_refine(
        err,
        wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET,
                     "node %llu still has edges: delete them first, or use DETACH DELETE", (unsigned long long)id),
        WG_S_EDGES_EXIST);
}

wg_code wg_txn_delete_node(wg_txn *txn, uint64_t id, bool detach, wg_error *err) {
    WG_TRY(wgi_txn_write_begin(txn, err));
    wgi_table *table = NULL;
    uint64_t row = 0;
    bool gone = false;
    WG_TRY(writable_version(txn, false, id, &table, &row, &gone, err));
    if (gone) return WG_OK;
    wg_txn_mark mark;
    wg_txn_mark_set(txn, &mark);
    wg_code code = detach ? delete_edges_of(txn, id, err) : refuse_when_connected(txn, id, err);
    const wg_mutation m = {.kind = WG_MUTATION_DELETE_NODE, .id = id};
    if (code == WG_OK) code = wgi_txn_do(txn, &m, err);
    if (code != WG_OK) {
        wg_txn_rollback_to(txn, &mark);
        return code;
    }
    txn->stats.nodes_deleted++;
    return WG_OK;
}
