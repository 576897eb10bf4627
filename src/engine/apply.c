/* The applier table: what each mutation does to the memory image. Live writes and replay both come here, so a replayed store
 * is the store that was.
 *
 * Live writes pass an undo list; every change is noted before or right after it is made, wgi_undo_back_to takes changes back in
 * reverse order, and wgi_stamp gives what began or ended as WG_LOGSEQ_OWN the number of its commit. A mutation that fails half way is undone by its caller to where it began. In replay a mutation that
 * cannot be applied means a damaged or foreign log: WG_E_CORRUPT. */
#include "engine/engine_internal.h"

wg_code wgi_note(wgi_apply *a, wgi_undo_kind kind, uint32_t number, uint64_t x, uint64_t y, wg_error *err) {
    if (a->undo == NULL) return WG_OK;
    const wgi_undo u = {.kind = kind, .number = number, .a = x, .b = y};
    return wg_buf_append(a->undo, &u, sizeof u) ? WG_OK : wg_error_nomem(err, sizeof u);
}

static wg_directory *directory_of(const wg_engine *engine, bool is_edge) {
    return is_edge ? engine->edges : engine->nodes;
}

static void undo_one(wg_engine *engine, const wgi_undo *u) {
    switch (u->kind) {
        case WGI_UNDO_ROW:
            wg_table_unbegin(wgi_table_at(engine, u->number)->rows, u->a, 1);
            wg_table_drop_undone(wgi_table_at(engine, u->number)->rows, u->a, 1);
            return;
        case WGI_UNDO_ROWS:
            wg_table_unbegin(wgi_table_at(engine, u->number)->rows, u->a, u->b);
            wg_table_drop_undone(wgi_table_at(engine, u->number)->rows, u->a, u->b);
            return;
        case WGI_UNDO_END: /* the `end`s are in memory since it was set: cannot fail */
            WG_ASSERT(wg_table_set_end(wgi_table_at(engine, u->number)->rows, u->a, WG_LOGSEQ_NEVER,
                                       wgi_next_logseq(engine), NULL) == WG_OK);
            return;
        case WGI_UNDO_DIRECTORY: /* the same */
            WG_ASSERT(wg_directory_set(directory_of(engine, u->number != 0), u->a, u->b, wgi_next_logseq(engine),
                                       NULL) == WG_OK);
            return;
        case WGI_UNDO_EXTEND:
            wg_directory_truncate(directory_of(engine, u->number != 0), u->a);
            return;
        case WGI_UNDO_KEYS:
            wg_catalog_truncate_keys(engine->catalog, u->number);
            return;
        case WGI_UNDO_LABELS: {
            /* Tables that hold the label are dead from now on: its number will be given out again. */
            const uint32_t count = atomic_load_explicit(&engine->table_count, memory_order_relaxed);
            for (uint32_t t = 0; t < count; t++) {
                wgi_table *table = wgi_table_at(engine, t);
                for (uint32_t i = 0; i < table->label_count; i++)
                    if (table->labels[i] >= u->number)
                        atomic_store_explicit(&table->dead, true, memory_order_relaxed);
            }
            wg_catalog_truncate_labels(engine->catalog, u->number);
            return;
        }
        case WGI_UNDO_LABEL_END:
            wg_catalog_end_label(engine->catalog, u->number, WG_LOGSEQ_NEVER);
            return;
        case WGI_UNDO_PARTITIONS:
            wg_catalog_truncate_partitions(engine->catalog, u->number);
            return;
        case WGI_UNDO_RULES:
            for (uint32_t r = wg_catalog_rule_count(engine->catalog); r > u->number; r--)
                wgi_index_forget(wgi_index_of(engine, r - 1));
            wg_catalog_truncate_rules(engine->catalog, u->number);
            return;
        case WGI_UNDO_RULE_END:
            wg_catalog_end_rule(engine->catalog, u->number, WG_LOGSEQ_NEVER);
            return;
        case WGI_UNDO_TOPOLOGY:
            wg_topology_truncate(wgi_label_state_at(engine, u->number)->topology, u->a);
            return;
        case WGI_UNDO_LIVE:
            wgi_table_at(engine, u->number)->live -= u->a;
            return;
        case WGI_UNDO_ALTER:
            wg_catalog_unalter_label(engine->catalog, u->number);
            return;
        case WGI_UNDO_TABLE:
            atomic_store_explicit(&wgi_table_at(engine, u->number)->dead, true, memory_order_relaxed);
            return;
        case WGI_UNDO_EDGES:
            wgi_label_state_at(engine, u->number)->edges = wgi_table_at(engine, (uint32_t)u->a);
            return;
    }
}

/* Kinds that give back nothing but rows; any other one is of the catalog. */
static bool is_of_rows(wgi_undo_kind kind) {
    switch ((int)kind) {
        case WGI_UNDO_ROW:
        case WGI_UNDO_ROWS:
        case WGI_UNDO_END:
        case WGI_UNDO_DIRECTORY:
        case WGI_UNDO_EXTEND:
        case WGI_UNDO_TOPOLOGY:
        case WGI_UNDO_LIVE:
            return true;
        default:
            return false;
    }
}

void wgi_undo_back_to(wg_engine *engine, wg_buf *undo, size_t bytes) {
    bool definitions = false;
    while (undo->size > bytes) {
        wgi_undo u;
        WG_ASSERT(undo->size >= sizeof u);
        undo->size -= sizeof u;
        memcpy(&u, undo->data + undo->size, sizeof u);
        undo_one(engine, &u);
        definitions = definitions || !is_of_rows(u.kind);
    }
    if (definitions && bytes == 0) wgi_schema_undone(engine);
    else if (definitions) wgi_schema_changed(engine, WG_LOGSEQ_OWN);
}

/* Cannot fail: what is set was set before, by the same transaction. */
static void stamp_one(wg_engine *engine, const wgi_undo *u, uint64_t logseq) {
    switch ((int)u->kind) {
        case WGI_UNDO_ROW:
            wg_table_stamp(wgi_table_at(engine, u->number)->rows, u->a, 1, logseq);
            return;
        case WGI_UNDO_ROWS:
            wg_table_stamp(wgi_table_at(engine, u->number)->rows, u->a, u->b, logseq);
            return;
        case WGI_UNDO_END:
            WG_ASSERT(wg_table_set_end(wgi_table_at(engine, u->number)->rows, u->a, logseq, logseq, NULL) == WG_OK);
            return;
        case WGI_UNDO_LABEL_END:
            wg_catalog_end_label(engine->catalog, u->number, logseq);
            return;
        case WGI_UNDO_RULE_END:
            wg_catalog_end_rule(engine->catalog, u->number, logseq);
            return;
        default: /* of no version, or one that wg_catalog_stamp finds */
            return;
    }
}

void wgi_stamp(wg_engine *engine, const wg_buf *undo, uint64_t logseq) {
    bool definitions = false;
    for (size_t at = 0; at < undo->size; at += sizeof(wgi_undo)) {
        wgi_undo u;
        memcpy(&u, undo->data + at, sizeof u);
        stamp_one(engine, &u, logseq);
        definitions = definitions || !is_of_rows(u.kind);
    }
    if (definitions) wg_catalog_stamp(engine->catalog, logseq);
    wgi_schema_stamp(engine, logseq);
}

wg_code wgi_misfit(wg_error *err, const char *what, uint64_t n) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "mutation does not fit the store: %s %llu", what,
                        (unsigned long long)n);
}

/* ---- catalog */

static wg_code apply_key(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_apply *a = ctx;
    const uint32_t count = wg_catalog_key_count(a->engine->catalog);
    if (m->number != count) return wgi_misfit(err, "property key out of order", m->number);
    uint32_t key = 0;
    WG_TRY(wgi_note(a, WGI_UNDO_KEYS, count, 0, 0, err));
    return wg_catalog_add_key(a->engine->catalog, m->name, a->begin, &key, err);
}

static wg_code label_state_make(wgi_apply *a, uint32_t number, const wg_label_def *def, wg_error *err) {
    wg_engine *e = a->engine;
    wgi_label_state *state = wg_alloc_zero(&e->account, sizeof *state);
    if (state == NULL) return wg_error_nomem(err, sizeof *state);
    wg_code code = WG_OK;
    if (def->key_count > 0) WG_TRY_GOTO(wg_key_index_create(e->epoch, &e->account, &state->key_index, err));
    if (def->is_edge) {
        WG_TRY_GOTO(wg_topology_create(e->epoch, &e->account, &state->topology, err));
        wg_topology_use_pool(state->topology, e->pool);
        if (e->delta_edges_min != 0) wg_topology_settle_from(state->topology, e->delta_edges_min);
        if (!a->stored) WG_TRY_GOTO(wgi_table_of_labels(e, &number, 1, &state->edges, err));
    }
    wgi_label_state *old = wgi_label_state_at(e, number); /* of a rolled-back label */
    if (!wg_slots_reserve(&e->labels, number, &e->account)) {
        code = wg_error_nomem(err, sizeof state);
        goto fail;
    }
    wg_slots_set(&e->labels, number, state);
    if (old != NULL) { /* readers of the past may be walking it */
        old->next_dead = e->dead_labels;
        e->dead_labels = old;
    }
    return WG_OK;
fail:
    wgi_label_state_destroy(state);
    return code;
}

void wgi_note_computed(wg_engine *engine, const wg_label_def *def) {
    for (uint32_t c = 0; c < def->column_count; c++)
        if (def->columns[c].source == WG_COLUMN_COMPUTED)
            atomic_store_explicit(&engine->has_computed, true, memory_order_release);
}

static wg_code apply_create_label(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_apply *a = ctx;
    wg_engine *e = a->engine;
    const uint32_t count = wg_catalog_label_count(e->catalog);
    if (m->number != count) return wgi_misfit(err, "label out of order", m->number);
    if (count >= WGI_LABELS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %d labels", (int)WGI_LABELS_MAX);
    WG_TRY(wg_label_def_check(&m->def, err));
    WG_TRY(wgi_note(a, WGI_UNDO_LABELS, count, 0, 0, err));
    uint32_t number = 0;
    WG_TRY(wg_catalog_add_label(e->catalog, &m->def, a->begin, &number, err));
    wgi_note_computed(e, &m->def);
    return label_state_make(a, number, &m->def, err);
}

static wg_code apply_drop_label(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_apply *a = ctx;
    const wg_label *label = wg_catalog_label_at(a->engine->catalog, m->number);
    if (label == NULL || atomic_load_explicit(&label->end, memory_order_relaxed) != WG_LOGSEQ_NEVER)
        return wgi_misfit(err, "unknown or dropped label", m->number);
    WG_TRY(wgi_note(a, WGI_UNDO_LABEL_END, m->number, 0, 0, err));
    wg_catalog_end_label(a->engine->catalog, m->number, a->begin);
    return WG_OK;
}

static wg_code apply_partition(void *ctx, const wg_mutation *m, wg_error *err) {
    enum { VARIABLES_MAX = 256 };
    wgi_apply *a = ctx;
    const uint32_t count = wg_catalog_partition_count(a->engine->catalog);
    if (m->number != count || count >= (UINT32_C(1) << 23))
        return wgi_misfit(err, "partition out of order", m->number);
    const wg_label *label = wg_catalog_label_at(a->engine->catalog, m->label);
    if (label == NULL || m->property_count > VARIABLES_MAX) return wgi_misfit(err, "partition of label", m->label);
    uint32_t variables = 0;
    for (uint32_t c = 0; c < label->def.column_count; c++)
        variables += label->def.columns[c].source == WG_COLUMN_PARTITION;
    if (variables != m->property_count || m->row_count >> WGI_PARTITION_SHIFT != 0)
        return wgi_misfit(err, "partition variables", m->property_count);
    wg_value values[VARIABLES_MAX];
    for (uint32_t i = 0; i < m->property_count; i++) values[i] = m->properties[i].value;
    char path[WG_PATTERN_BYTES_MAX + 1];
    if (m->name.size > WG_PATTERN_BYTES_MAX) return wgi_misfit(err, "path of bytes", m->name.size);
    memcpy(path, m->name.data, m->name.size);
    path[m->name.size] = '\0';
    const wg_partition partition = {.label = m->label,
                                    .path = path,
                                    .begin = a->begin,
                                    .file_bytes = m->file_bytes,
                                    .digest = m->digest,
                                    .row_count = m->row_count,
                                    .variables = values};
    uint32_t number = 0;
    WG_TRY(wgi_note(a, WGI_UNDO_PARTITIONS, count, 0, 0, err));
    return wg_catalog_add_partition(a->engine->catalog, &partition, &number, err);
}

/* ---- rows */

wg_code wgi_count_live(wgi_apply *a, wgi_table *table, int64_t delta, wg_error *err) {
    WG_TRY(wgi_note(a, WGI_UNDO_LIVE, table->number, (uint64_t)delta, 0, err));
    table->live += (uint64_t)delta;
    if (!table->touched) {
        table->touched = true;
        table->next_touched = a->engine->touched_tables;
        a->engine->touched_tables = table;
    }
    return WG_OK;
}

/* Reserves the ids and checks that they are the ones that the log says. */
wg_code wgi_take_ids(wgi_apply *a, bool is_edge, uint64_t id, uint64_t count, wg_error *err) {
    wg_directory *directory = directory_of(a->engine, is_edge);
    const uint64_t old = wg_directory_count(directory);
    if (id != old) return wgi_misfit(err, is_edge ? "edge id out of order" : "node id out of order", id);
    uint64_t first = 0;
    WG_TRY(wgi_note(a, WGI_UNDO_EXTEND, is_edge, old, 0, err));
    return wg_directory_extend(directory, count, &first, err);
}

static wg_code key_hash_of_row(const wgi_place *at, const wg_label *label, wg_arena *arena, uint64_t *out,
                               wg_error *err) {
    wg_value key[WG_KEY_COLUMNS_MAX];
    for (uint32_t k = 0; k < label->def.key_count; k++) {
        const uint32_t column = wg_table_column_of(at->table->rows, label->column_keys[label->def.key_columns[k]]);
        WG_ASSERT(column != UINT32_MAX);
        WG_TRY(wg_table_cell(at->table->rows, at->row, column, arena, &key[k], err));
    }
    *out = wg_key_hash(key, label->def.key_count);
    return WG_OK;
}

static wg_code add_keys_of_row(wgi_apply *a, wgi_table *table, uint64_t row, uint64_t id, wg_error *err) {
    const wgi_place at = {table, row};
    for (uint32_t i = 0; i < table->label_count; i++) {
        wgi_label_state *state = wgi_label_state_at(a->engine, table->labels[i]);
        if (state == NULL || state->key_index == NULL) continue;
        const wg_label *label = wg_catalog_label_at(a->engine->catalog, table->labels[i]);
        uint64_t hash = 0;
        WG_TRY(key_hash_of_row(&at, label, &a->engine->key_arena, &hash, err));
        wg_arena_reset(&a->engine->key_arena);
        WG_TRY(wg_key_index_add(state->key_index, hash, id, err));
    }
    return WG_OK;
}

/* Column of a property, made when the table takes any. */
wg_code wgi_column_for_key(const wgi_apply *a, wgi_table *table, uint32_t key, uint32_t *out, wg_error *err) {
    *out = wg_table_column_of(table->rows, key);
    if (*out != UINT32_MAX) return WG_OK;
    if (!table->open || key >= wg_catalog_key_count(a->engine->catalog))
        return wgi_misfit(err, "undeclared property", key);
    return wg_table_add_column(table->rows, key, WG_TYPE_ANY, out, err);
}

/* The cells of a new version: those of `base` (or null) overlaid with properties. In the arena. */
static wg_code build_cells(wgi_apply *a, wgi_table *table, const wg_mutation *m, wg_arena *arena, wg_value **io_cells,
                           wg_error *err) {
    uint32_t *columns = wg_arena_alloc(arena, ((size_t)m->property_count + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, (size_t)m->property_count * sizeof *columns);
    for (uint32_t i = 0; i < m->property_count; i++)
        WG_TRY(wgi_column_for_key(a, table, m->properties[i].key, &columns[i], err));
    const uint32_t count = wg_table_column_count(table->rows);
    wg_value *cells = wg_arena_alloc_zero(arena, ((size_t)count + 1) * sizeof *cells);
    if (cells == NULL) return wg_error_nomem(err, (size_t)count * sizeof *cells);
    if (*io_cells != NULL) {
        /* Columns may have been added since the old cells were read; they are null there. */
        const wg_value *old = *io_cells;
        for (uint32_t c = 0; c < count && old[c].reserved[0] != 0xff; c++) cells[c] = old[c];
    }
    for (uint32_t i = 0; i < m->property_count; i++) {
        wg_value v = m->properties[i].value;
        if (v.type == WG_TYPE_INT && wg_table_column_type(table->rows, columns[i]) == WG_TYPE_FLOAT)
            v = wg_value_float((double)v.as.i);
        cells[columns[i]] = v;
    }
    *io_cells = cells;
    return WG_OK;
}

/* Reads all cells of a row into the arena, ended by a sentinel (see build_cells). */
static wg_code row_cells(const wgi_table *table, uint64_t row, wg_arena *arena, wg_value **out, wg_error *err) {
    const uint32_t count = wg_table_column_count(table->rows);
    wg_value *cells = wg_arena_alloc_zero(arena, ((size_t)count + 1) * sizeof *cells);
    if (cells == NULL) return wg_error_nomem(err, (size_t)count * sizeof *cells);
    for (uint32_t c = 0; c < count; c++) WG_TRY(wg_table_cell(table->rows, row, c, arena, &cells[c], err));
    cells[count].reserved[0] = 0xff;
    *out = cells;
    return WG_OK;
}

/* Makes a version the newest of its id. What may fail comes before the note: undoing what was never done could fail too. */
static wg_code put_address(wgi_apply *a, bool is_edge, const wg_row_head *head, wg_row_address address,
                           wg_error *err) {
    wg_directory *directory = directory_of(a->engine, is_edge);
    WG_TRY(wg_directory_set(directory, head->id, address, a->stamp, err));
    const wg_code code = wgi_note(a, WGI_UNDO_DIRECTORY, is_edge, head->id, head->prev, err);
    if (code != WG_OK) WG_ASSERT(wg_directory_set(directory, head->id, head->prev, a->stamp, NULL) == WG_OK);
    return code;
}

/* Appends a version, notes it, and makes it the newest of its id. */
static wg_code put_version(wgi_apply *a, wgi_table *table, const wg_row_head *head, const wg_value *cells,
                           wg_error *err) {
    uint64_t row = 0;
    WG_TRY(wg_table_append(table->rows, head, cells, &row, err));
    const wg_code code = wgi_note(a, WGI_UNDO_ROW, table->number, row, 0, err);
    if (code != WG_OK) {
        wg_table_unbegin(table->rows, row, 1);
        return code;
    }
    WG_TRY(put_address(a, table->is_edge, head, WG_ROW_ADDRESS(table->number, row), err));
    WG_TRY(wgi_count_live(a, table, 1, err));
    return table->is_edge ? WG_OK : add_keys_of_row(a, table, row, head->id, err);
}

static wg_code end_version(wgi_apply *a, wgi_table *table, uint64_t row, wg_error *err) {
    WG_TRY(wg_table_set_end(table->rows, row, a->begin, a->stamp, err));
    const wg_code code = wgi_note(a, WGI_UNDO_END, table->number, row, 0, err);
    if (code != WG_OK) {
        WG_ASSERT(wg_table_set_end(table->rows, row, WG_LOGSEQ_NEVER, a->stamp, NULL) == WG_OK);
        return code;
    }
    return wgi_count_live(a, table, -1, err);
}

static int compare_u32(const void *x, const void *y) {
    const uint32_t a = *(const uint32_t *)x;
    const uint32_t b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

/* Sorts and de-duplicates a small set of numbers; checks that they are node labels. */
wg_code wgi_sort_labels(const wgi_apply *a, uint32_t *labels, uint32_t *count, wg_error *err) {
    for (uint32_t i = 1; i < *count; i++)
        for (uint32_t j = i; j > 0 && compare_u32(&labels[j - 1], &labels[j]) > 0; j--) {
            const uint32_t t = labels[j];
            labels[j] = labels[j - 1];
            labels[j - 1] = t;
        }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++)
        if (i == 0 || labels[i] != labels[kept - 1]) labels[kept++] = labels[i];
    *count = kept;
    for (uint32_t i = 0; i < kept; i++) {
        const wg_label *label = wg_catalog_label_at(a->engine->catalog, labels[i]);
        if (label == NULL || label->def.is_edge || label->def.kind == WG_LABEL_VIRTUAL)
            return wgi_misfit(err, "not a label of stored nodes:", labels[i]);
    }
    return WG_OK;
}

static wg_code apply_create_node(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_apply *a = ctx;
    uint32_t labels[WG_MUTATION_LABELS_MAX];
    uint32_t label_count = m->label_count;
    if (label_count > WG_MUTATION_LABELS_MAX) return wgi_misfit(err, "number of labels", label_count);
    if (label_count != 0) memcpy(labels, m->labels, label_count * sizeof *labels);
    WG_TRY(wgi_sort_labels(a, labels, &label_count, err));
    wgi_table *table = NULL;
    WG_TRY(wgi_table_of_labels(a->engine, labels, label_count, &table, err));
    wg_arena *arena = &a->engine->apply_arena;
    wg_value *cells = NULL;
    wg_code code = build_cells(a, table, m, arena, &cells, err);
    if (code == WG_OK) code = wgi_take_ids(a, false, m->id, 1, err);
    const wg_row_head head = {.id = m->id, .begin = a->begin, .prev = WG_ROW_NONE};
    if (code == WG_OK) code = put_version(a, table, &head, cells, err);
    wg_arena_reset(arena);
    return code;
}

void wgi_touch_label(wg_engine *engine, wgi_label_state *state) {
    if (state->touched) return;
    state->touched = true;
    state->next_touched = engine->touched_labels;
    engine->touched_labels = state;
}

static wg_code apply_create_edge(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_apply *a = ctx;
    wgi_label_state *state = wgi_label_state_at(a->engine, m->label);
    if (state == NULL || state->topology == NULL) return wgi_misfit(err, "not an edge label:", m->label);
    wg_arena *arena = &a->engine->apply_arena;
    wg_value *cells = NULL;
    wg_code code = build_cells(a, state->edges, m, arena, &cells, err);
    if (code == WG_OK) code = wgi_take_ids(a, true, m->id, 1, err);
    const wg_row_head head = {.id = m->id, .begin = a->begin, .prev = WG_ROW_NONE, .from = m->from, .to = m->to};
    if (code == WG_OK) code = put_version(a, state->edges, &head, cells, err);
    if (code == WG_OK) code = wgi_note(a, WGI_UNDO_TOPOLOGY, m->label, m->id, 0, err);
    if (code == WG_OK) code = wg_topology_add(state->topology, m->id, m->from, m->to, err);
    if (code == WG_OK) wgi_touch_label(a->engine, state);
    wg_arena_reset(arena);
    return code;
}

typedef struct version {
    wgi_table *table;
    uint64_t row;
    wg_row_head head;
} version;

/* The newest version of an id, which must not be ended; mutations always work on that. */
static wg_code newest_version(const wgi_apply *a, bool is_edge, uint64_t id, version *out, wg_error *err) {
    wg_row_address at = WG_ROW_NONE;
    uint64_t end = WG_LOGSEQ_NEVER;
    bool found = false;
    WG_TRY(wg_directory_get(directory_of(a->engine, is_edge), id, &at, err));
    if (at != WG_ROW_NONE) {
        out->table = wgi_table_at(a->engine, wg_row_table(at));
        out->row = wg_row_ordinal(at);
        if (out->table == NULL)
            return wgi_misfit(err, "a directory names a table that does not exist:", wg_row_table(at));
        WG_TRY(wg_table_head(out->table->rows, out->row, &out->head, &end, &found, err));
    }
    if (!found || end != WG_LOGSEQ_NEVER || out->head.begin == WG_LOGSEQ_NEVER)
        return wgi_misfit(err, is_edge ? "no such edge:" : "no such node:", id);
    return WG_OK;
}

static wg_code apply_set(wgi_apply *a, bool is_edge, const wg_mutation *m, wg_error *err) {
    version v;
    WG_TRY(newest_version(a, is_edge, m->id, &v, err));
    wg_arena *arena = &a->engine->apply_arena;
    wg_value *cells = NULL;
    wg_code code = m->replace ? WG_OK : row_cells(v.table, v.row, arena, &cells, err);
    if (code == WG_OK) code = build_cells(a, v.table, m, arena, &cells, err);
    if (code == WG_OK) code = end_version(a, v.table, v.row, err);
    v.head.prev = WG_ROW_ADDRESS(v.table->number, v.row);
    v.head.begin = a->begin;
    if (code == WG_OK) code = put_version(a, v.table, &v.head, cells, err);
    wg_arena_reset(arena);
    return code;
}

static wg_code apply_set_node(void *ctx, const wg_mutation *m, wg_error *err) {
    return apply_set(ctx, false, m, err);
}
static wg_code apply_set_edge(void *ctx, const wg_mutation *m, wg_error *err) { return apply_set(ctx, true, m, err); }

/* The properties of a row as (key, value) pairs: the form in which a row changes tables. */
wg_code wgi_row_properties(const wgi_table *table, uint64_t row, wg_arena *arena, wg_mutation *out, wg_error *err) {
    const uint32_t count = wg_table_column_count(table->rows);
    wg_mutation_property *p = wg_arena_alloc(arena, ((size_t)count + 1) * sizeof *p);
    if (p == NULL) return wg_error_nomem(err, (size_t)count * sizeof *p);
    uint32_t n = 0;
    for (uint32_t c = 0; c < count; c++) {
        wg_value v;
        WG_TRY(wg_table_cell(table->rows, row, c, arena, &v, err));
        if (v.type != WG_TYPE_NULL)
            p[n++] = (wg_mutation_property){.key = wg_table_column_key(table->rows, c), .value = v};
    }
    out->properties = p;
    out->property_count = n;
    return WG_OK;
}

static wg_code move_version(wgi_apply *a, version *v, wgi_table *target, const wg_mutation *moved, wg_error *err) {
    wg_value *cells = NULL;
    WG_TRY(build_cells(a, target, moved, &a->engine->apply_arena, &cells, err));
    WG_TRY(end_version(a, v->table, v->row, err));
    v->head.prev = WG_ROW_ADDRESS(v->table->number, v->row);
    v->head.begin = a->begin;
    return put_version(a, target, &v->head, cells, err);
}

static bool listed(const uint32_t *numbers, uint32_t count, uint32_t n) {
    for (uint32_t i = 0; i < count; i++)
        if (numbers[i] == n) return true;
    return false;
}

static wg_code changed_labels(const wgi_table *table, const wg_mutation *m, uint32_t *labels, uint32_t *count,
                              wg_error *err) {
    if ((size_t)table->label_count + m->label_count > WG_MUTATION_LABELS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a node has at most %d labels",
                            (int)WG_MUTATION_LABELS_MAX);
    *count = 0;
    for (uint32_t i = 0; i < table->label_count; i++)
        if (!listed(m->removed_labels, m->removed_label_count, table->labels[i]))
            labels[(*count)++] = table->labels[i];
    for (uint32_t i = 0; i < m->label_count; i++) labels[(*count)++] = m->labels[i];
    return WG_OK;
}

static wg_code apply_change_labels(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_apply *a = ctx;
    version v;
    WG_TRY(newest_version(a, false, m->id, &v, err));
    uint32_t labels[WG_MUTATION_LABELS_MAX];
    uint32_t label_count = 0;
    WG_TRY(changed_labels(v.table, m, labels, &label_count, err));
    WG_TRY(wgi_sort_labels(a, labels, &label_count, err));
    wgi_table *target = NULL;
    WG_TRY(wgi_table_of_labels(a->engine, labels, label_count, &target, err));
    if (target == v.table) return WG_OK;
    a->engine->labels_touched = true;
    wg_arena *arena = &a->engine->apply_arena;
    wg_mutation moved = {.kind = WG_MUTATION_SET_NODE, .id = m->id};
    wg_code code = wgi_row_properties(v.table, v.row, arena, &moved, err);
    if (code == WG_OK) code = move_version(a, &v, target, &moved, err);
    wg_arena_reset(arena);
    return code;
}

wg_code wgi_move_row(wgi_apply *a, wgi_table *from, uint64_t row, wgi_table *to, const wg_mutation *moved,
                     wg_error *err) {
    version v = {.table = from, .row = row};
    bool found = false;
    WG_TRY(wg_table_head(from->rows, row, &v.head, NULL, &found, err));
    if (!found) return wgi_misfit(err, "no row", row);
    return move_version(a, &v, to, moved, err);
}

static wg_code apply_delete(wgi_apply *a, bool is_edge, const wg_mutation *m, wg_error *err) {
    version v;
    WG_TRY(newest_version(a, is_edge, m->id, &v, err));
    return end_version(a, v.table, v.row, err);
}

static wg_code apply_delete_node(void *ctx, const wg_mutation *m, wg_error *err) {
    return apply_delete(ctx, false, m, err);
}
static wg_code apply_delete_edge(void *ctx, const wg_mutation *m, wg_error *err) {
    return apply_delete(ctx, true, m, err);
}

/* Kind 0 is not a mutation; the decoder refuses it before it could come here. */
static wg_code apply_nothing(void *ctx, const wg_mutation *m, wg_error *err) {
    (void)ctx;
    return wgi_misfit(err, "kind", (uint64_t)m->kind);
}

const wg_applier wgi_applier = {.apply = {
                                    [0] = apply_nothing,
                                    [WG_MUTATION_ADD_KEY] = apply_key,
                                    [WG_MUTATION_CREATE_LABEL] = apply_create_label,
                                    [WG_MUTATION_DROP_LABEL] = apply_drop_label,
                                    [WG_MUTATION_ADD_PARTITION] = apply_partition,
                                    [WG_MUTATION_CREATE_NODE] = apply_create_node,
                                    [WG_MUTATION_CREATE_NODES] = wgi_apply_create_nodes,
                                    [WG_MUTATION_CREATE_EDGE] = apply_create_edge,
                                    [WG_MUTATION_SET_NODE] = apply_set_node,
                                    [WG_MUTATION_SET_EDGE] = apply_set_edge,
                                    [WG_MUTATION_CHANGE_LABELS] = apply_change_labels,
                                    [WG_MUTATION_DELETE_NODE] = apply_delete_node,
                                    [WG_MUTATION_DELETE_EDGE] = apply_delete_edge,
                                    [WG_MUTATION_ALTER_LABEL] = wgi_apply_alter_label,
                                    [WG_MUTATION_LOAD_NODES] = wgi_apply_load_nodes,
                                    [WG_MUTATION_LOAD_EDGES] = wgi_apply_load_edges,
                                    [WG_MUTATION_CREATE_INDEX] = wgi_apply_create_rule,
                                    [WG_MUTATION_DROP_INDEX] = wgi_apply_drop_rule,
                                    [WG_MUTATION_CREATE_CONSTRAINT] = wgi_apply_create_rule,
                                    [WG_MUTATION_DROP_CONSTRAINT] = wgi_apply_drop_rule,
                                    [WG_MUTATION_TIME] = wgi_apply_time,
                                    [WG_MUTATION_RUN_COMMIT] = wgi_apply_run_commit,
                                    [WG_MUTATION_RUN_CREATE] = wgi_apply_run_create,
                                    [WG_MUTATION_RUN_DROP] = wgi_apply_run_drop,
                                }};

/* ---- history of live counts */

static bool history_push(wg_engine *engine, wgi_history *h, uint64_t logseq, uint64_t live) {
    if (h->count > 0 ? h->pairs[2 * (h->count - 1) + 1] == live : h->base > 0 && h->base_live == live) return true;
    if (h->count == h->capacity) {
        const uint32_t capacity = h->capacity == 0 ? 4 : h->capacity * 2;
        uint64_t *pairs = wg_realloc(&engine->account, h->pairs, (size_t)capacity * 16);
        if (pairs == NULL) return false;
        h->pairs = pairs;
        h->capacity = capacity;
    }
    h->pairs[2 * h->count] = logseq;
    h->pairs[2 * h->count + 1] = live;
    h->count++;
    return true;
}

wg_code wgi_history_record(wg_engine *engine, uint64_t logseq, wg_error *err) {
    bool ok = true;
    wg_mutex_lock(&engine->state_mutex);
    for (wgi_table *t = engine->touched_tables; t != NULL && ok; t = t->next_touched)
        if (!atomic_load_explicit(&t->dead, memory_order_relaxed)) {
            ok = history_push(engine, &t->history, logseq, t->live);
            atomic_store_explicit(&t->changed, logseq, memory_order_release); /* pairs with adjacency.c */
        }
    if (engine->labels_touched) atomic_store_explicit(&engine->labels_changed, logseq, memory_order_release);
    wg_mutex_unlock(&engine->state_mutex);
    if (ok) return WG_OK;
    wgi_history_forget(engine, logseq);
    return wg_error_nomem(err, 64);
}

void wgi_history_forget(wg_engine *engine, uint64_t logseq) {
    wg_mutex_lock(&engine->state_mutex);
    for (wgi_table *t = engine->touched_tables; t != NULL; t = t->next_touched) {
        wgi_history *h = &t->history;
        if (h->count > 0 && h->pairs[2 * (h->count - 1)] == logseq) h->count--;
    }
    wg_mutex_unlock(&engine->state_mutex);
}

void wgi_touched_clear(wg_engine *engine) {
    engine->labels_touched = false;
    while (engine->touched_tables != NULL) {
        wgi_table *table = engine->touched_tables;
        engine->touched_tables = table->next_touched;
        table->next_touched = NULL;
        table->touched = false;
    }
    while (engine->touched_labels != NULL) {
        wgi_label_state *state = engine->touched_labels;
        engine->touched_labels = state->next_touched;
        state->next_touched = NULL;
        state->touched = false;
    }
}

/* Pairs with a logseq at or before `logseq`, in memory. */
static uint32_t history_find(const wgi_history *h, uint64_t logseq) {
    uint32_t low = 0;
    uint32_t high = h->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (h->pairs[2 * middle] <= logseq) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* Older pairs are looked up in the stripes. One that cannot be read counts as one row: that is never taken for "no such row". */
uint64_t wgi_history_at(wg_engine *engine, wgi_table *table, uint64_t logseq) {
    wg_mutex_lock(&engine->state_mutex);
    const wgi_history *h = &table->history;
    const uint32_t found = history_find(h, logseq);
    uint64_t live = found == 0 ? 0 : h->pairs[2 * (found - 1) + 1];
    const uint64_t base = h->base;
    if (found == 0 && base > 0 && logseq >= atomic_load_explicit(&engine->maintenance.stored, memory_order_relaxed)) {
        live = h->base_live;
        wg_mutex_unlock(&engine->state_mutex);
        return live;
    }
    wg_mutex_unlock(&engine->state_mutex);
    if (found != 0 || base == 0) return live;
    return wgi_meta_live_at(engine, table->number, base, logseq, &live, NULL) == WG_OK ? live : 1;
}
