/* ALTER of labels: what it checks, what it logs, and what it does to the rows.
 *
 * A label keeps its number; the catalog keeps each of its definitions with the logseqs between which it holds, so that a
 * snapshot from before sees the old one. Where the cells of rows stay as they are (RENAME TO, NOT NULL, a new column without a default)
 * nothing else happens: a column that a row does not have reads as null. Otherwise every row of the label gets a new version in a
 * new table of the same labels, whose columns are the new ones; the old table keeps the old versions, with the old columns, for
 * older snapshots, until compaction takes them. That costs time and log-free memory in proportion to the rows, and one mutation.
 *
 * Failure modes: rows that do not fit are found before anything is logged; WG_E_NOMEM half way is undone by the notes, like any
 * other mutation. */
#include "base/text/text.h"
#include "engine/engine_internal.h"

/* ---- applying */

static uint32_t ordinal_of_key(const wg_label *label, uint32_t key) {
    for (uint32_t c = 0; c < label->def.column_count; c++)
        if (label->column_keys[c] == key && label->def.columns[c].source != WG_COLUMN_COMPUTED) return c;
    return UINT32_MAX;
}

/* Another label of the table that declares the property. */
static bool others_declare(const wg_engine *e, const wgi_table *table, uint32_t number, uint32_t key) {
    for (uint32_t i = 0; i < table->label_count; i++)
        if (table->labels[i] != number &&
            ordinal_of_key(wg_catalog_label_at(e->catalog, table->labels[i]), key) != UINT32_MAX)
            return true;
    return false;
}

typedef struct alteration {
    wgi_apply *apply;
    const wg_label *old;
    const wg_label *new;
    const uint32_t *sources;
} alteration;

static wg_code put_property(wg_mutation_property *p, uint32_t *count, const wg_label *label, uint32_t column,
                            wg_value value, wg_error *err) {
    if (wg_column_def_coerce(&label->def.columns[column], &value, err) != WG_OK)
        return wgi_misfit(err, "a value that the altered column refuses, column", column);
    for (uint32_t i = 0; i < *count; i++)
        if (p[i].key == label->column_keys[column]) {
            p[i].value = value;
            return WG_OK;
        }
    p[(*count)++] = (wg_mutation_property){.key = label->column_keys[column], .value = value};
    return WG_OK;
}

/* The properties of a row of the old definition as they are under the new one. */
static wg_code altered_properties(const alteration *x, const wgi_table *table, wg_mutation *io, wg_arena *arena,
                                  wg_error *err) {
    const wg_engine *e = x->apply->engine;
    const uint32_t columns = x->new->def.column_count;
    wg_mutation_property *p = wg_arena_alloc(arena, ((size_t)io->property_count + columns + 1) * sizeof *p);
    if (p == NULL) return wg_error_nomem(err, columns * sizeof *p);
    uint32_t n = 0;
    for (uint32_t i = 0; i < io->property_count; i++)
        if (ordinal_of_key(x->old, io->properties[i].key) == UINT32_MAX ||
            others_declare(e, table, x->old->number, io->properties[i].key))
            p[n++] = io->properties[i];
    const uint32_t kept = n;
    for (uint32_t c = 0; c < columns; c++) {
        const wg_column_def *def = &x->new->def.columns[c];
        const uint32_t source = x->sources[c];
        bool given = false;
        if (def->source == WG_COLUMN_COMPUTED) continue;
        for (uint32_t i = 0; i < kept && source == 0 && !given; i++) given = p[i].key == x->new->column_keys[c];
        if (source == 0 && !given && def->default_value != NULL)
            WG_TRY(put_property(p, &n, x->new, c, *def->default_value, err));
        for (uint32_t i = 0; i < io->property_count; i++) {
            const uint32_t key = source == 0 ? x->new->column_keys[c] : x->old->column_keys[source - 1];
            if (io->properties[i].key == key && (source != 0 || given))
                WG_TRY(put_property(p, &n, x->new, c, io->properties[i].value, err));
        }
    }
    io->properties = p;
    io->property_count = n;
    return WG_OK;
}

/* A row that is the newest of its id. */
static wg_code is_living(const wgi_table *table, uint64_t row, bool *out, wg_error *err) {
    wg_row_head head;
    uint64_t end = WG_LOGSEQ_NEVER;
    bool found = false;
    WG_TRY(wg_table_head(table->rows, row, &head, &end, &found, err));
    *out = found && end == WG_LOGSEQ_NEVER && head.begin != WG_LOGSEQ_NEVER;
    return WG_OK;
}

static wg_code move_rows(const alteration *x, wgi_table *from, wgi_table *to, wg_error *err) {
    wg_arena *arena = &x->apply->engine->apply_arena;
    const uint64_t rows = wg_table_row_count(from->rows);
    wg_code code = WG_OK;
    for (uint64_t row = 0; row < rows && code == WG_OK; row++) {
        wg_mutation moved = {.kind = WG_MUTATION_SET_NODE};
        bool living = false;
        code = is_living(from, row, &living, err);
        if (code != WG_OK || !living) continue;
        code = wgi_row_properties(from, row, arena, &moved, err);
        if (code == WG_OK) code = altered_properties(x, from, &moved, arena, err);
        if (code == WG_OK) code = wgi_move_row(x->apply, from, row, to, &moved, err);
        wg_arena_reset(arena);
    }
    return code;
}

static wg_code move_table(const alteration *x, wgi_table *table, wg_error *err) {
    wg_engine *e = x->apply->engine;
    wgi_table *to = NULL;
    WG_TRY(wgi_table_successor(e, table, &to, err));
    const wg_code code = wgi_note(x->apply, WGI_UNDO_TABLE, to->number, 0, 0, err);
    if (code != WG_OK) {
        atomic_store_explicit(&to->dead, true, memory_order_relaxed);
        return code;
    }
    if (table->is_edge) {
        WG_TRY(wgi_note(x->apply, WGI_UNDO_EDGES, x->new->number, table->number, 0, err));
        wgi_label_state_at(e, x->new->number)->edges = to;
    }
    return move_rows(x, table, to, err);
}

static wg_code add_columns(const alteration *x, wgi_table *table, wg_error *err) {
    for (uint32_t c = 0; c < x->new->def.column_count; c++) {
        const wg_column_def *def = &x->new->def.columns[c];
        const uint32_t key = x->new->column_keys[c];
        uint32_t column = wg_table_column_of(table->rows, key);
        if (def->source == WG_COLUMN_COMPUTED) continue;
        if (column == UINT32_MAX) WG_TRY(wg_table_add_column(table->rows, key, def->type, &column, err));
        else if (wg_table_column_type(table->rows, column) != def->type)
            return wgi_misfit(err, "an altered column of another type, key", key);
    }
    return WG_OK;
}

/* The table that rows of its labels go to now. */
static bool is_current(wg_engine *e, wgi_table *table, uint32_t label) {
    wgi_table *last = NULL;
    return !atomic_load_explicit(&table->dead, memory_order_relaxed) && wgi_table_has_labels(table, &label, 1) &&
           wgi_table_of_labels(e, table->labels, table->label_count, &last, NULL) == WG_OK && last == table;
}

static wg_code alter_rows(const alteration *x, bool rewrite, wg_error *err) {
    wg_engine *e = x->apply->engine;
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_relaxed);
    for (uint32_t t = 0; t < tables; t++) {
        wgi_table *table = wgi_table_at(e, t);
        if (is_current(e, table, x->new->number))
            WG_TRY(rewrite ? move_table(x, table, err) : add_columns(x, table, err));
    }
    return WG_OK;
}

static wg_code check_fit(const wg_label *old, const wg_mutation *m, wg_error *err) {
    const bool same = old != NULL && old->def.kind == m->def.kind && old->def.is_edge == m->def.is_edge &&
                      old->def.key_count == m->def.key_count &&
                      atomic_load_explicit(&old->end, memory_order_relaxed) == WG_LOGSEQ_NEVER;
    if (!same) return wgi_misfit(err, "ALTER of label", m->number);
    for (uint32_t c = 0; m->replace && c < m->def.column_count; c++)
        if (m->sources[c] > old->def.column_count) return wgi_misfit(err, "source of a column", m->sources[c]);
    return wg_label_def_check(&m->def, err);
}

wg_code wgi_apply_alter_label(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_apply *a = ctx;
    wg_catalog *catalog = a->engine->catalog;
    const wg_label *old = wg_catalog_label_at(catalog, m->number);
    WG_TRY(check_fit(old, m, err));
    WG_TRY(wg_catalog_alter_label(catalog, m->number, &m->def, a->begin, err));
    const wg_code code = wgi_note(a, WGI_UNDO_ALTER, m->number, 0, 0, err);
    if (code != WG_OK) {
        wg_catalog_unalter_label(catalog, m->number);
        return code;
    }
    wgi_note_computed(a->engine, &m->def);
    if (a->stored || old->def.kind == WG_LABEL_VIRTUAL || old->def.kind == WG_LABEL_OPEN) return WG_OK;
    const alteration x = {a, old, wg_catalog_label_at(catalog, m->number), m->sources};
    return alter_rows(&x, m->replace, err);
}

/* ---- the statement */

typedef struct altering {
    wg_txn *txn;
    const wg_label *label;
    const wg_alter *alter;
    wg_arena arena;
    wg_label_def def;       /* as it will be */
    wg_column_def *columns; /* of def */
    uint32_t *sources;
    uint32_t column; /* that is altered, in the old definition */
    bool rewrite;
    bool check; /* the rows must be looked at */
    wg_error *err;
} altering;

static wg_code refuse(const altering *a, wg_code code, const char *why) {
    return wg_error_set(a->err, code, WG_NO_OFFSET, "ALTER of label %s: %s", a->label->def.name, why);
}

static wg_code find_column(altering *a) {
    a->column = wg_label_def_column(&a->label->def, wg_slice_str(a->alter->column));
    if (a->column != UINT32_MAX) return WG_OK;
    wg_suggestion suggestion;
    wg_suggestion_init(&suggestion, wg_slice_str(a->alter->column));
    for (uint32_t c = 0; c < a->label->def.column_count; c++)
        wg_suggestion_offer(&suggestion, a->label->def.columns[c].name);
    return wg_error_set(a->err, WG_E_NOT_FOUND, WG_NO_OFFSET, "label %s has no column %s%s%s%s", a->label->def.name,
                        a->alter->column, suggestion.name != NULL ? "; did you mean " : "",
                        suggestion.name != NULL ? suggestion.name : "", suggestion.name != NULL ? "?" : "");
}

static bool is_key(const altering *a) {
    for (uint32_t k = 0; k < a->label->def.key_count; k++)
        if (a->label->def.key_columns[k] == a->column) return true;
    return false;
}

/* A column that some table of the label has already, because other labels of its rows are open or it was rolled back. */
static bool tables_have(const altering *a, const char *name) {
    wg_engine *e = a->txn->engine;
    const uint32_t key = wg_catalog_key(e->catalog, wg_slice_str(name));
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_relaxed);
    for (uint32_t t = 0; t < tables && key != WG_NO_KEY; t++) {
        wgi_table *table = wgi_table_at(e, t);
        if (wg_table_column_of(table->rows, key) != UINT32_MAX && is_current(e, table, a->label->number)) return true;
    }
    return false;
}

static wg_code add_column(altering *a) {
    const wg_column_def *def = &a->alter->def;
    const bool computed = def->source == WG_COLUMN_COMPUTED;
    if (wg_label_def_column(&a->label->def, wg_slice_str(def->name)) != UINT32_MAX)
        return wg_error_set(a->err, WG_E_EXISTS, WG_NO_OFFSET, "label %s has a column %s already", a->label->def.name,
                            def->name);
    if (!computed && a->label->def.kind == WG_LABEL_VIRTUAL)
        return refuse(a, WG_E_READ_ONLY, "its columns are those of its files; COMPUTE columns can be added");
    if (a->def.column_count >= WG_LABEL_COLUMNS_MAX) return refuse(a, WG_E_LIMIT, "it has too many columns");
    a->columns[a->def.column_count] = *def;
    a->sources[a->def.column_count++] = 0;
    const bool present = tables_have(a, def->name);
    a->rewrite = def->default_value != NULL || present;
    a->check = !computed && (present || (def->not_null && def->default_value == NULL));
    return WG_OK;
}

/* An index or a constraint of the label that names the column. */
static wg_code check_rules(const altering *a) {
    const wg_catalog *catalog = a->txn->engine->catalog;
    const uint32_t key = a->label->column_keys[a->column];
    uint32_t position = 0;
    for (;;) {
        const wg_rule *rule = wg_catalog_next_rule(catalog, wgi_txn_newest(a->txn), a->label->number, &position);
        if (rule == NULL) return WG_OK;
        for (uint32_t i = 0; i < rule->def.key_count; i++)
            if (rule->def.keys[i] == key)
                return wg_error_set(a->err, WG_E_CONSTRAINT, WG_NO_OFFSET,
                                    "ALTER of label %s: %s %s is about this column: drop it first",
                                    a->label->def.name, wg_rule_is_index(rule->def.kind) ? "index" : "constraint",
                                    rule->def.name);
    }
}

static wg_code drop_column(altering *a) {
    WG_TRY(check_rules(a));
    if (is_key(a)) return refuse(a, WG_E_CONSTRAINT, "a column of the primary key cannot be dropped");
    const bool computed = a->label->def.columns[a->column].source == WG_COLUMN_COMPUTED;
    if (!computed && a->label->def.kind == WG_LABEL_VIRTUAL)
        return refuse(a, WG_E_READ_ONLY, "its columns are those of its files; only computed ones can be dropped");
    for (uint32_t c = a->column; c + 1 < a->def.column_count; c++) {
        a->columns[c] = a->columns[c + 1];
        a->sources[c] = a->sources[c + 1];
    }
    a->def.column_count--;
    for (uint32_t k = 0; k < a->def.key_count; k++)
        if (a->def.key_columns[k] > a->column) a->def.key_columns[k]--;
    a->rewrite = !computed;
    return WG_OK;
}

static wg_code rename_column(altering *a) {
    WG_TRY(check_rules(a));
    const bool computed = a->label->def.columns[a->column].source == WG_COLUMN_COMPUTED;
    if (wg_label_def_column(&a->label->def, wg_slice_str(a->alter->name)) != UINT32_MAX)
        return wg_error_set(a->err, WG_E_EXISTS, WG_NO_OFFSET, "label %s has a column %s already", a->label->def.name,
                            a->alter->name);
    if (!computed && a->label->def.kind == WG_LABEL_VIRTUAL)
        return refuse(a, WG_E_READ_ONLY, "its columns are those of its files");
    if (tables_have(a, a->alter->name)) a->check = true;
    a->columns[a->column].name = a->alter->name;
    a->rewrite = !computed;
    return WG_OK;
}

static wg_code set_type(altering *a) {
    wg_column_def *c = &a->columns[a->column];
    const wg_column_def *to = &a->alter->def;
    const bool same = c->type == to->type;
    if (is_key(a) && !(same && c->type == WG_TYPE_INT && c->int_unsigned == to->int_unsigned))
        return refuse(a, WG_E_CONSTRAINT, "a column of the primary key can only change the width of its INT");
    c->type = to->type;
    c->int_bits = to->int_bits;
    c->int_unsigned = to->int_unsigned;
    c->declared = to->declared;
    if (c->default_value != NULL) { /* as the new type has it; what does not fit is refused below */
        wg_value *value = wg_arena_alloc(&a->arena, sizeof *value);
        if (value == NULL) return wg_error_nomem(a->err, sizeof *value);
        *value = *c->default_value;
        const wg_code code = wg_column_def_coerce(c, value, a->err);
        if (code != WG_OK) return wg_error_prefix(a->err, code, "DEFAULT");
        c->default_value = value;
    }
    a->rewrite = !same;
    a->check = true;
    return WG_OK;
}

static wg_code alter_column(altering *a) {
    wg_column_def *c = &a->columns[a->column];
    if (a->alter->kind == WG_ALTER_DROP_COLUMN) return drop_column(a);
    if (a->alter->kind == WG_ALTER_RENAME_COLUMN) return rename_column(a);
    if (a->label->def.kind == WG_LABEL_VIRTUAL)
        return refuse(a, WG_E_READ_ONLY, "its columns are those of its files");
    if (c->source == WG_COLUMN_COMPUTED)
        return refuse(a, WG_E_BIND, "the column is computed: drop it and add it again");
    if (a->alter->kind == WG_ALTER_SET_TYPE) return set_type(a);
    if (a->alter->kind == WG_ALTER_SET_DEFAULT) {
        wg_value *value = wg_arena_alloc(&a->arena, sizeof *value);
        if (value == NULL) return wg_error_nomem(a->err, sizeof *value);
        c->default_value = NULL;
        if (a->alter->def.default_value == NULL) return WG_OK;
        *value = *a->alter->def.default_value;
        WG_TRY(wg_column_def_coerce(c, value, a->err));
        c->default_value = value;
        return WG_OK;
    }
    if (a->alter->kind == WG_ALTER_DROP_NOT_NULL && is_key(a))
        return refuse(a, WG_E_CONSTRAINT, "a column of the primary key is never null");
    c->not_null = a->alter->kind == WG_ALTER_SET_NOT_NULL;
    a->check = c->not_null;
    return WG_OK;
}

/* ---- rows under the new definition */

/* The value that the new column will have in a row. */
static wg_code value_of(const altering *a, const wgi_table *table, uint64_t row, uint32_t column, wg_arena *arena,
                        wg_value *out) {
    const uint32_t source = a->sources[column];
    const uint32_t key = source != 0 ? a->label->column_keys[source - 1]
                                     : wg_catalog_key(a->txn->engine->catalog, wg_slice_str(a->columns[column].name));
    const uint32_t at = key == WG_NO_KEY ? UINT32_MAX : wg_table_column_of(table->rows, key);
    *out = wg_value_null();
    if (at != UINT32_MAX) WG_TRY(wg_table_cell(table->rows, row, at, arena, out, a->err));
    if (source == 0 && out->type == WG_TYPE_NULL && a->columns[column].default_value != NULL)
        *out = *a->columns[column].default_value;
    return WG_OK;
}

static wg_code check_row(const altering *a, const wgi_table *table, uint64_t row, wg_arena *arena) {
    wg_row_head head;
    bool found = false;
    for (uint32_t c = 0; c < a->def.column_count; c++) {
        wg_value value;
        if (a->columns[c].source == WG_COLUMN_COMPUTED) continue;
        WG_TRY(value_of(a, table, row, c, arena, &value));
        const wg_code code = wg_column_def_coerce(&a->columns[c], &value, a->err);
        if (code == WG_OK) continue;
        WG_TRY(wg_table_head(table->rows, row, &head, NULL, &found, NULL));
        return wg_error_prefix(a->err, code, "ALTER of label %s: %s %llu", a->label->def.name,
                               a->def.is_edge ? "edge" : "node", (unsigned long long)head.id);
    }
    return WG_OK;
}

static wg_code check_rows(altering *a) {
    wg_engine *e = a->txn->engine;
    wg_arena arena;
    wg_arena_init(&arena, &e->account);
    wg_code code = WG_OK;
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_relaxed);
    for (uint32_t t = 0; t < tables && code == WG_OK; t++) {
        wgi_table *table = wgi_table_at(e, t);
        if (!is_current(e, table, a->label->number)) continue;
        const uint64_t rows = wg_table_row_count(table->rows);
        for (uint64_t row = 0; row < rows && code == WG_OK; row++) {
            bool living = false;
            code = is_living(table, row, &living, a->err);
            if (code == WG_OK && living) code = check_row(a, table, row, &arena);
            wg_arena_reset(&arena);
        }
    }
    wg_arena_deinit(&arena);
    return code;
}

/* ---- logging */

static wg_code log_alter(altering *a) {
    for (uint32_t c = 0; c < a->def.column_count; c++) {
        uint32_t key = 0;
        WG_TRY(wg_txn_intern_key(a->txn, wg_slice_str(a->columns[c].name), &key, a->err));
    }
    const wg_mutation m = {.kind = WG_MUTATION_ALTER_LABEL,
                           .number = a->label->number,
                           .def = a->def,
                           .replace = a->rewrite,
                           .sources = a->sources};
    return wgi_txn_do(a->txn, &m, a->err);
}

/* Edge labels name their ends: they follow. */
static wg_code rename_ends(altering *a, const char *from, const char *to) {
    const wg_catalog *catalog = a->txn->engine->catalog;
    const uint32_t count = wg_catalog_label_count(catalog);
    for (uint32_t i = 0; i < count; i++) {
        const wg_label *edge = wg_catalog_label_at(catalog, i);
        wg_label_def def = edge->def;
        if (!def.is_edge || !wg_label_is_visible(edge, wgi_txn_newest(a->txn))) continue;
        const bool start = def.from_label != NULL && strcmp(def.from_label, from) == 0;
        const bool end = def.to_label != NULL && strcmp(def.to_label, from) == 0;
        if (!start && !end) continue;
        if (start) def.from_label = to;
        if (end) def.to_label = to;
        const wg_mutation m = {.kind = WG_MUTATION_ALTER_LABEL, .number = i, .def = def};
        WG_TRY(wgi_txn_do(a->txn, &m, a->err));
    }
    return WG_OK;
}

static wg_code rename_label(altering *a) {
    const wg_label *other = wg_catalog_label(a->txn->engine->catalog, wgi_txn_newest(a->txn),
                                             wg_slice_str(a->alter->name), a->label->def.is_edge);
    if (other != NULL)
        return wg_error_set(a->err, WG_E_EXISTS, WG_NO_OFFSET, "%s label %s exists already",
                            a->label->def.is_edge ? "edge" : "node", a->alter->name);
    const char *from = a->label->def.name;
    a->def.name = a->alter->name;
    WG_TRY(wg_label_def_check(&a->def, a->err));
    WG_TRY(log_alter(a));
    return a->def.is_edge ? WG_OK : rename_ends(a, from, a->def.name);
}

static wg_code alter_label(altering *a) {
    const wg_alter_kind kind = a->alter->kind;
    if (kind == WG_ALTER_RENAME_LABEL) return rename_label(a);
    if (a->label->def.kind == WG_LABEL_OPEN)
        return refuse(a, WG_E_BIND, "it was made by use and declares no columns; CREATE NODE LABEL declares them");
    if (kind == WG_ALTER_ADD_COLUMN) WG_TRY(add_column(a));
    else WG_TRY(alter_column(a));
    WG_TRY(wg_label_def_check(&a->def, a->err));
    if (a->check) WG_TRY(check_rows(a));
    return log_alter(a);
}

static wg_code begin_altering(altering *a) {
    const wg_label_def *old = &a->label->def;
    a->def = *old;
    a->columns = wg_arena_alloc(&a->arena, ((size_t)old->column_count + 1) * sizeof *a->columns);
    a->sources = wg_arena_alloc(&a->arena, ((size_t)old->column_count + 1) * sizeof *a->sources);
    if (a->columns == NULL || a->sources == NULL) return wg_error_nomem(a->err, old->column_count);
    if (old->column_count > 0) memcpy(a->columns, old->columns, old->column_count * sizeof *a->columns);
    for (uint32_t c = 0; c < old->column_count; c++) a->sources[c] = c + 1;
    a->def.columns = a->columns;
    return WG_OK;
}

/* True where IF [NOT] EXISTS leaves nothing to do. */
static bool nothing_to_do(const altering *a) {
    const char *name = a->alter->kind == WG_ALTER_ADD_COLUMN ? a->alter->def.name : a->alter->column;
    if (!a->alter->lenient || name == NULL) return false;
    const bool exists = wg_label_def_column(&a->label->def, wg_slice_str(name)) != UINT32_MAX;
    return exists == (a->alter->kind == WG_ALTER_ADD_COLUMN);
}

static wg_code find_label(altering *a, wg_slice name, bool is_edge) {
    const wg_catalog *catalog = a->txn->engine->catalog;
    a->label = wg_catalog_label(catalog, wgi_txn_newest(a->txn), name, is_edge);
    if (a->label == NULL) {
        const char *near = wg_catalog_suggest_label(catalog, wgi_txn_newest(a->txn), name, is_edge);
        return wg_error_set(a->err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no %s label %.*s%s%s%s", is_edge ? "edge" : "node",
                            (int)wg_min_size(name.size, 100), (const char *)name.data,
                            near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
    }
    if (wg_label_is_visible(a->label, a->txn->view)) return WG_OK;
    return wg_error_set(a->err, wgi_conflict(a->txn->engine), WG_NO_OFFSET,
                        "label %s was altered at logseq %llu, after this transaction's snapshot %llu",
                        a->label->def.name, (unsigned long long)a->label->begin,
                        (unsigned long long)a->txn->view.snapshot);
}

wg_code wg_txn_alter_label(wg_txn *txn, wg_slice label, bool is_edge, const wg_alter *alter, wg_error *err) {
    altering a = {.txn = txn, .alter = alter, .err = err};
    wg_txn_mark mark;
    WG_TRY(wgi_txn_write_begin(txn, err));
    WG_TRY(find_label(&a, label, is_edge));
    if (alter->kind == WG_ALTER_SET_PATTERN) return wgi_set_pattern(txn, a.label, alter->name, err);
    if (nothing_to_do(&a)) return WG_OK;
    if (alter->column != NULL && alter->kind != WG_ALTER_ADD_COLUMN) WG_TRY(find_column(&a));
    wg_txn_mark_set(txn, &mark);
    wg_arena_init(&a.arena, &txn->engine->account);
    wg_code code = begin_altering(&a);
    if (code == WG_OK) code = alter_label(&a);
    wg_arena_deinit(&a.arena);
    if (code != WG_OK) wg_txn_rollback_to(txn, &mark);
    else txn->ddl = true;
    return code;
}
