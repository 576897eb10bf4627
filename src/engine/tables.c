/* Tables by label set, versions by id, keys by value. See engine_internal.h.
 *
 * A table is found by walking all of them: there are as many as there are label sets, and writers ask once a mutation. When
 * that shows in a profile, an index by label set goes here. */
#include "engine/engine_internal.h"

wgi_table *wgi_table_at(const wg_engine *engine, uint32_t number) { return wg_slots_get(&engine->tables, number); }

wgi_label_state *wgi_label_state_at(const wg_engine *engine, uint32_t label) {
    return wg_slots_get(&engine->labels, label);
}

void wgi_table_destroy(wgi_table *table) {
    if (table == NULL) return;
    wg_table_destroy(table->rows);
    wg_free(table->history.pairs);
    wg_free(table);
}

void wgi_label_state_destroy(wgi_label_state *state) {
    if (state == NULL) return;
    wgi_adjacency_forget(state);
    wg_key_index_destroy(state->key_index);
    wg_topology_destroy(state->topology);
    wg_free(state);
}

static bool same_labels(const wgi_table *table, const uint32_t *labels, uint32_t label_count) {
    return table->label_count == label_count &&
           (label_count == 0 || memcmp(table->labels, labels, label_count * sizeof *labels) == 0);
}

bool wgi_table_has_labels(const wgi_table *table, const uint32_t *labels, uint32_t label_count) {
    for (uint32_t i = 0; i < label_count; i++) {
        bool found = false;
        for (uint32_t j = 0; j < table->label_count && !found; j++) found = table->labels[j] == labels[i];
        if (!found) return false;
    }
    return true;
}

/* Declared labels bring their typed columns; two that type one name differently cannot share a node. */
static wg_code add_declared_columns(const wg_engine *engine, wgi_table *table, const wg_label *label, wg_error *err) {
    (void)engine;
    for (uint32_t c = 0; c < label->def.column_count; c++) {
        const wg_column_def *def = &label->def.columns[c];
        const uint32_t key = label->column_keys[c];
        if (def->source == WG_COLUMN_COMPUTED) continue;
        const uint32_t present = wg_table_column_of(table->rows, key);
        uint32_t column = 0;
        if (present == UINT32_MAX) {
            WG_TRY(wg_table_add_column(table->rows, key, def->type, &column, err));
        } else if (wg_table_column_type(table->rows, present) != def->type) {
            return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET,
                                "label %s declares property %s as %s, another label of the same node as %s",
                                label->def.name, def->name, wg_type_name(def->type),
                                wg_type_name(wg_table_column_type(table->rows, present)));
        }
    }
    return WG_OK;
}

/* The next number's table, without columns; it is not shown yet. */
static wg_code table_allocate(wg_engine *engine, const uint32_t *labels, uint32_t label_count, bool is_edge,
                              wgi_table **out, wg_error *err) {
    const uint32_t number = atomic_load_explicit(&engine->table_count, memory_order_relaxed);
    if (number >= WGI_TABLES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %d different sets of labels",
                            (int)WGI_TABLES_MAX);
    wgi_table *table = wg_alloc_zero(&engine->account, sizeof *table + label_count * sizeof *labels);
    if (table == NULL) return wg_error_nomem(err, sizeof *table);
    table->number = number;
    table->label_count = label_count;
    table->open = label_count == 0;
    table->is_edge = is_edge;
    if (label_count != 0) memcpy(table->labels, labels, label_count * sizeof *labels);
    const wg_code code = wg_table_create(is_edge, engine->epoch, &engine->account, &table->rows, err);
    if (code != WG_OK) wg_free(table);
    else *out = table;
    return code;
}

static wg_code table_show(wg_engine *engine, wgi_table *table, wg_error *err) {
    if (!wg_slots_reserve(&engine->tables, table->number, &engine->account)) return wg_error_nomem(err, sizeof table);
    wg_slots_set(&engine->tables, table->number, table);
    atomic_store_explicit(&engine->table_count, table->number + 1, memory_order_release);
    return WG_OK;
}

static wg_code table_make(wg_engine *engine, const uint32_t *labels, uint32_t label_count, wgi_table **out,
                          wg_error *err) {
    const wg_label *first = label_count == 0 ? NULL : wg_catalog_label_at(engine->catalog, labels[0]);
    const bool is_edge = first != NULL && first->def.is_edge;
    wgi_table *table = NULL;
    wg_code code = WG_OK;
    WG_TRY(table_allocate(engine, labels, label_count, is_edge, &table, err));
    for (uint32_t i = 0; i < label_count; i++) {
        const wg_label *label = wg_catalog_label_at(engine->catalog, labels[i]);
        if (label == NULL) {
            code = wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "label number %u is unknown", labels[i]);
            goto fail;
        }
        table->open |= label->def.kind == WG_LABEL_OPEN;
        WG_TRY_GOTO(add_declared_columns(engine, table, label, err));
    }
    WG_TRY_GOTO(table_show(engine, table, err));
    *out = table;
    return WG_OK;
fail:
    wgi_table_destroy(table);
    return code;
}

static wg_code table_add(wg_engine *engine, const uint32_t *labels, uint32_t label_count, bool is_edge,
                         wgi_table **out, wg_error *err) {
    wgi_table *table = NULL;
    WG_TRY(table_allocate(engine, labels, label_count, is_edge, &table, err));
    const wg_code code = table_show(engine, table, err);
    if (code != WG_OK) wgi_table_destroy(table);
    else *out = table;
    return code;
}

wg_code wgi_table_restore(wg_engine *engine, const wgi_table *like, const uint32_t *labels, wgi_table **out,
                          wg_error *err) {
    wgi_table *table = NULL;
    while (atomic_load_explicit(&engine->table_count, memory_order_relaxed) < like->number) {
        WG_TRY(table_add(engine, NULL, 0, false, &table, err));
        atomic_store_explicit(&table->dead, true, memory_order_relaxed);
    }
    if (atomic_load_explicit(&engine->table_count, memory_order_relaxed) != like->number)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stored table %u comes twice", like->number);
    WG_TRY(table_add(engine, labels, like->label_count, like->is_edge, &table, err));
    table->open = like->open;
    *out = table;
    return WG_OK;
}

wg_code wgi_table_of_labels(wg_engine *engine, const uint32_t *labels, uint32_t label_count, wgi_table **out,
                            wg_error *err) {
    const uint32_t count = atomic_load_explicit(&engine->table_count, memory_order_relaxed);
    for (uint32_t t = count; t > 0; t--) {
        wgi_table *table = wgi_table_at(engine, t - 1);
        if (!atomic_load_explicit(&table->dead, memory_order_relaxed) && same_labels(table, labels, label_count) &&
            !(label_count == 0 && table->is_edge)) {
            *out = table;
            return WG_OK;
        }
    }
    return table_make(engine, labels, label_count, out, err);
}

wg_code wgi_table_successor(wg_engine *engine, const wgi_table *table, wgi_table **out, wg_error *err) {
    return table_make(engine, table->labels, table->label_count, out, err);
}

/* A reader counts itself in before it looks at anything. The dead are first made unreachable; whoever counts in after the
 * exchange below cannot find them any more, and whoever counted out before it is done. With one transaction open, the
 * caller's, nobody holds them; else the tables are shown again, and a later end of a writer tries once more. Only tables at
 * the end of the numbers can go; others wait for a reopening. */
void wgi_dead_reap(wg_engine *engine) {
    const uint32_t count = atomic_load_explicit(&engine->table_count, memory_order_relaxed);
    uint32_t kept = count;
    while (kept > 0 && atomic_load_explicit(&wgi_table_at(engine, kept - 1)->dead, memory_order_relaxed)) kept--;
    if (kept == count && engine->dead_labels == NULL) return;
    atomic_store_explicit(&engine->table_count, kept, memory_order_release);
    if (kept != count) wgi_index_forget_tables(engine, kept);
    if (atomic_fetch_add_explicit(&engine->open_txns, 0, memory_order_acq_rel) != 1) {
        atomic_store_explicit(&engine->table_count, count, memory_order_release);
        return;
    }
    for (uint32_t t = kept; t < count; t++) {
        wgi_table *table = wgi_table_at(engine, t);
        wg_slots_set(&engine->tables, t, NULL);
        wgi_table_destroy(table);
    }
    while (engine->dead_labels != NULL) {
        wgi_label_state *state = engine->dead_labels;
        engine->dead_labels = state->next_dead;
        wgi_label_state_destroy(state);
    }
}

/* ---- versions */

/* *out_head is written when there is one. */
static wg_code version_find(const wg_engine *engine, bool is_edge, wg_view view, uint64_t id, wgi_place *out,
                            wg_row_head *out_head, wg_error *err) {
    wg_row_address at = WG_ROW_NONE;
    WG_TRY(wg_directory_get(is_edge ? engine->edges : engine->nodes, id, &at, err));
    *out = (wgi_place){0};
    wg_row_address anchor =
        WG_ROW_NONE; /* Brent: a walk in a circle comes back to a place where it was at a power of two */
    for (uint64_t steps = 1; at != WG_ROW_NONE; steps++) {
        if (at == anchor)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the versions of %s %llu are linked in a circle",
                                is_edge ? "edge" : "node", (unsigned long long)id);
        if ((steps & (steps - 1)) == 0) anchor = at;
        wgi_table *table = wgi_table_at(engine, wg_row_table(at));
        if (table == NULL)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a row address names table %u, which does not exist",
                                wg_row_table(at));
        wg_row_head head;
        uint64_t end = WG_LOGSEQ_NEVER;
        bool found = false;
        WG_TRY(wg_table_head(table->rows, wg_row_ordinal(at), &head, &end, &found, err));
        if (!found) return WG_OK; /* nor any version before it */
        if (wg_visible(view, head.begin, end)) {
            *out = (wgi_place){table, wg_row_ordinal(at)};
            *out_head = head;
            return WG_OK;
        }
        at = head.prev;
    }
    return WG_OK;
}

wg_code wgi_version(const wg_engine *engine, bool is_edge, wg_view view, uint64_t id, wgi_place *out, wg_error *err) {
    wg_row_head head;
    return version_find(engine, is_edge, view, id, out, &head, err);
}

wg_code wgi_edge_version(const wg_engine *engine, wg_view view, uint64_t id, wgi_place *out, uint64_t out_ends[2],
                         wg_error *err) {
    wg_row_head head = {0};
    WG_TRY(version_find(engine, true, view, id, out, &head, err));
    out_ends[0] = head.from;
    out_ends[1] = head.to;
    return WG_OK;
}

static const wg_partition *partition_of_id(const wg_engine *engine, wg_view view, uint64_t id) {
    const wg_partition *p = wg_catalog_partition(engine->catalog, wgi_virtual_partition(id));
    if (p == NULL || !wg_visible(view, p->begin, WG_LOGSEQ_NEVER) || wgi_virtual_row(id) >= p->row_count) return NULL;
    const wg_label *label = wg_catalog_label_seen(engine->catalog, p->label, view);
    return label != NULL && wg_label_is_visible(label, view) ? p : NULL;
}

wg_code wgi_node_visible(const wg_engine *engine, wg_view view, uint64_t id, bool *out, wg_error *err) {
    if (wg_id_is_virtual(id)) {
        *out = partition_of_id(engine, view, id) != NULL;
        return WG_OK;
    }
    wgi_place at;
    WG_TRY(wgi_version(engine, false, view, id, &at, err));
    *out = at.table != NULL;
    return WG_OK;
}

wg_code wgi_node_has_label(const wg_engine *engine, wg_view view, uint64_t id, uint32_t label, bool *out,
                           wg_error *err) {
    if (wg_id_is_virtual(id)) {
        const wg_partition *p = partition_of_id(engine, view, id);
        *out = p != NULL && p->label == label;
        return WG_OK;
    }
    wgi_place at;
    WG_TRY(wgi_version(engine, false, view, id, &at, err));
    *out = at.table != NULL && wgi_table_has_labels(at.table, &label, 1);
    return WG_OK;
}

/* ---- keys */

static wg_code key_matches(const wgi_place *at, const wg_label *label, const wg_value *key, wg_arena *arena,
                           bool *out, wg_error *err) {
    const wg_table *rows = at->table->rows;
    *out = false;
    for (uint32_t k = 0; k < label->def.key_count; k++) {
        const uint32_t column = wg_table_column_of(rows, label->column_keys[label->def.key_columns[k]]);
        if (column == UINT32_MAX) return WG_OK;
        wg_value cell;
        WG_TRY(wg_table_cell(rows, at->row, column, arena, &cell, err));
        if (wg_value_equal(&cell, &key[k]) != 1) return WG_OK;
    }
    *out = true;
    return WG_OK;
}

/* What a seek looks for. */
typedef struct seek {
    const wg_engine *engine;
    wg_view view;
    const wg_label *label;
    uint32_t label_number;
    const wg_value *key;
    uint64_t own; /* passed over */
    wg_arena arena;
} seek;

/* Walks the candidates of the index up to the visible node that has the label and the key. */
static wg_code seek_candidates(seek *s, const wg_key_index *index, uint64_t *out_id, bool *out_found, wg_error *err) {
    const uint64_t hash = wg_key_hash(s->key, s->label->def.key_count);
    uint64_t position = 0;
    for (;;) {
        uint64_t id = 0;
        bool more = false;
        WG_TRY(wg_key_index_next(index, hash, &position, &id, &more, err));
        *out_found = false;
        if (!more) return WG_OK;
        if (id == s->own) continue;
        wgi_place at;
        WG_TRY(wgi_version(s->engine, false, s->view, id, &at, err));
        if (at.table == NULL || !wgi_table_has_labels(at.table, &s->label_number, 1)) continue;
        WG_TRY(key_matches(&at, s->label, s->key, &s->arena, out_found, err));
        *out_id = id;
        if (*out_found) return WG_OK;
    }
}

wg_code wgi_seek_other(wg_engine *engine, wg_view view, uint32_t label_number, const wg_value *key,
                       uint32_t key_count, uint64_t own, uint64_t *out_id, bool *out_found, wg_error *err) {
    const wg_label *label = wg_catalog_label_seen(engine->catalog, label_number, view);
    wgi_label_state *state = wgi_label_state_at(engine, label_number);
    if (label == NULL || state == NULL || state->key_index == NULL || label->def.key_count != key_count)
        return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "seek on a label without a primary key of %u columns",
                            key_count);
    seek s = {.engine = engine, .view = view, .label = label, .label_number = label_number, .key = key, .own = own};
    uint64_t id = 0;
    bool found = false;
    wg_arena_init(&s.arena, &engine->account);
    const wg_code code = seek_candidates(&s, state->key_index, &id, &found, err);
    wg_arena_deinit(&s.arena);
    if (code != WG_OK) return code;
    if (found) *out_id = id;
    *out_found = found;
    return WG_OK;
}

wg_code wgi_seek(wg_engine *engine, wg_view view, uint32_t label_number, const wg_value *key, uint32_t key_count,
                 uint64_t *out_id, bool *out_found, wg_error *err) {
    return wgi_seek_other(engine, view, label_number, key, key_count, UINT64_MAX, out_id, out_found, err);
}
