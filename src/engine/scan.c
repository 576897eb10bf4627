/* Scans: a list of tasks, each a fragment of an owned table or a row group of a file, in a defined order: tables by their label
 * numbers, then files by partition number; rows in the order of their source.
 *
 * Pruning happens when the scan is opened: partitions by their path variables, before any file is opened; row groups, and slots
 * of tables that are in stripes, by the least and greatest value of every column that a predicate names. What is left is checked row by row by the caller's filter.
 *
 * Edges are scanned like nodes, from the table of their label; their end points are two columns more. */
#include "engine/engine_internal.h"

typedef struct scan_task {
    const wgi_table *table; /* NULL: virtual */
    uint64_t first_row;
    uint64_t end_row;
    const wg_partition *partition;
    const wg_label *label;
    uint32_t row_group;
    uint32_t source; /* index into sources */
} scan_task;

/* How the wanted keys map to the columns of one table or label. */
typedef struct scan_source {
    uint32_t *columns; /* UINT32_MAX: absent */
} scan_source;

struct wg_scan {
    const wg_txn *txn;
    wg_arena arena;
    wg_scan_spec spec;
    scan_task *tasks;
    uint32_t task_count;
    uint32_t task_capacity;
    scan_source *sources;
    uint32_t source_count;
    bool is_virtual;
    uint64_t rows_max;
    wg_mutex mutex; /* stats of finished cursors */
    wg_stats stats;
};

struct wg_scan_cursor {
    wg_scan *scan;
    wg_cancel *cancel;
    wg_account *account;
    wg_table_scratch *scratch;
    wg_vector *vectors; /* what the caller gets */
    wg_vector *read;    /* what a table gives: the id, then columns */
    uint64_t *ids;
    const scan_task *task;
    wg_arena arena;           /* tests */
    wgi_row_tests *tests;     /* of virtual rows; NULL: none */
    wgi_group_reader *reader; /* of virtual rows; made at the first task of a label and kept */
    uint64_t row;
    wg_stats stats;
};

/* Columns that are read of a table. */
static uint32_t end_count(const wg_scan_spec *spec) { return spec->is_edge && !spec->without_ends ? 2 : 0; }
static uint32_t read_count(const wg_scan_spec *spec) { return spec->key_count + end_count(spec); }
static uint32_t batch_columns(const wg_scan_spec *spec) { return spec->key_count + (spec->is_edge ? 3 : 1); }

/* ---- opening */

static wg_code push_task(wg_scan *scan, const scan_task *task, wg_error *err) {
    if (scan->task_count == scan->task_capacity) {
        const uint32_t capacity = scan->task_capacity == 0 ? 64 : scan->task_capacity * 2;
        scan_task *tasks = wg_arena_alloc(&scan->arena, capacity * sizeof *tasks);
        if (tasks == NULL) return wg_error_nomem(err, capacity * sizeof *tasks);
        if (scan->task_count != 0) memcpy(tasks, scan->tasks, scan->task_count * sizeof *tasks);
        scan->tasks = tasks;
        scan->task_capacity = capacity;
    }
    scan->tasks[scan->task_count++] = *task;
    return WG_OK;
}

static wg_code add_source(wg_scan *scan, const wgi_table *table, const wg_label *label, uint32_t *out,
                          wg_error *err) {
    const uint32_t ends = end_count(&scan->spec);
    uint32_t *columns = wg_arena_alloc(&scan->arena, ((size_t)scan->spec.key_count + 3) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, scan->spec.key_count * sizeof *columns);
    columns[0] = scan->spec.reversed ? WG_TABLE_TO : WG_TABLE_FROM;
    columns[1] = scan->spec.reversed ? WG_TABLE_FROM : WG_TABLE_TO;
    for (uint32_t i = 0; i < scan->spec.key_count; i++) {
        uint32_t *column = &columns[ends + i];
        *column = UINT32_MAX;
        if (table != NULL) *column = wg_table_column_of(table->rows, scan->spec.keys[i]);
        for (uint32_t c = 0; label != NULL && c < label->def.column_count; c++)
            if (label->column_keys[c] == scan->spec.keys[i]) *column = c;
    }
    scan->sources[scan->source_count].columns = columns;
    *out = scan->source_count++;
    return WG_OK;
}

/* Tables in the order of their label numbers, which is log order and the same after a replay; table numbers are not. */
static int compare_tables(const wgi_table *a, const wgi_table *b) {
    for (uint32_t i = 0; i < a->label_count && i < b->label_count; i++)
        if (a->labels[i] != b->labels[i]) return a->labels[i] < b->labels[i] ? -1 : 1;
    return (a->label_count > b->label_count) - (a->label_count < b->label_count);
}

/* Stored slots know the least and greatest value of each column; what a writer appends goes to slots that do not. */
static bool prune_slot(const wg_scan *scan, const wgi_table *table, uint64_t row) {
    for (uint32_t i = 0; i < scan->spec.predicate_count; i++) {
        const wg_scan_predicate *p = &scan->spec.predicates[i];
        const uint32_t column = wg_table_column_of(table->rows, p->key);
        wg_value min;
        wg_value max;
        bool has_null = false;
        if (column != UINT32_MAX && wg_table_zone(table->rows, row, column, &min, &max, &has_null) &&
            wgi_prune_range(p, &min, &max))
            return true;
    }
    return false;
}

static wg_code add_table_tasks(wg_scan *scan, const wgi_table *table, wg_error *err) {
    const uint64_t rows = wg_table_row_count(table->rows);
    if (rows == 0) return WG_OK;
    scan_task task = {.table = table};
    WG_TRY(add_source(scan, table, NULL, &task.source, err));
    for (uint64_t first = 0; first < rows; first += WG_FRAGMENT_ROWS) {
        task.first_row = first;
        task.end_row = wg_min_u64(first + WG_FRAGMENT_ROWS, rows);
        if (prune_slot(scan, table, first)) continue;
        scan->rows_max += task.end_row - first;
        WG_TRY(push_task(scan, &task, err));
    }
    return WG_OK;
}

/* ALTER leaves tables whose columns have other types than the snapshot's definition: none of their rows can be seen. */
static bool fits_types(const wg_scan *scan, const wgi_table *table) {
    const uint32_t ends = end_count(&scan->spec);
    for (uint32_t i = 0; i < scan->spec.key_count; i++) {
        const wg_type wanted = scan->spec.types[ends + i];
        const uint32_t column = wg_table_column_of(table->rows, scan->spec.keys[i]);
        if (column != UINT32_MAX && wanted != WG_TYPE_ANY && wg_table_column_type(table->rows, column) != wanted)
            return false;
    }
    return true;
}

static wg_code open_owned(wg_scan *scan, uint32_t count, wg_error *err) {
    const wg_engine *e = scan->txn->engine;
    const wgi_table **tables = wg_arena_alloc(&scan->arena, ((size_t)count + 1) * sizeof *tables);
    if (tables == NULL) return wg_error_nomem(err, count * sizeof *tables);
    uint32_t n = 0;
    for (uint32_t t = 0; t < count; t++) {
        const wgi_table *table = wgi_table_at(e, t);
        if (table->is_edge != scan->spec.is_edge || atomic_load_explicit(&table->dead, memory_order_relaxed) ||
            !wgi_table_has_labels(table, scan->spec.labels, scan->spec.label_count) || !fits_types(scan, table))
            continue;
        uint32_t at = n++;
        for (; at > 0 && compare_tables(tables[at - 1], table) > 0; at--) tables[at] = tables[at - 1];
        tables[at] = table;
    }
    for (uint32_t i = 0; i < n; i++) WG_TRY(add_table_tasks(scan, tables[i], err));
    return WG_OK;
}

static uint32_t label_column(const wg_label *label, uint32_t key) {
    for (uint32_t c = 0; c < label->def.column_count; c++)
        if (label->column_keys[c] == key) return c;
    return UINT32_MAX;
}

static bool prune_partition(const wg_scan *scan, const wg_label *label, const wg_partition *partition) {
    for (uint32_t i = 0; i < scan->spec.predicate_count; i++) {
        const wg_scan_predicate *p = &scan->spec.predicates[i];
        const uint32_t c = label_column(label, p->key);
        if (c == UINT32_MAX || label->def.columns[c].source != WG_COLUMN_PARTITION) continue;
        const wg_value *v = wgi_partition_variable(label, partition, c);
        if (wgi_prune_range(p, v, v)) return true;
    }
    return false;
}

static bool prune_group(const wg_scan *scan, const wg_label *label, const wg_object *object, uint32_t group) {
    for (uint32_t i = 0; i < scan->spec.predicate_count; i++) {
        const wg_scan_predicate *p = &scan->spec.predicates[i];
        const uint32_t c = label_column(label, p->key);
        if (c == UINT32_MAX || label->def.columns[c].source != WG_COLUMN_STORED) continue;
        const uint32_t column = wg_object_column(object, wg_slice_str(label->def.columns[c].name));
        if (column == UINT32_MAX) continue;
        const wg_parquet_row_group *g = &wg_object_metadata(object)->row_groups[group];
        const wg_parquet_range *range = &wg_parquet_chunk_of(wg_object_metadata(object), g, column)->range;
        if (range->null_count_known && range->null_count == g->row_count) return true; /* nulls satisfy nothing */
        if (range->known && wgi_prune_range(p, &range->min, &range->max)) return true;
    }
    return false;
}

/* The file is looked at even when no column is read: it must still be what was registered. */
static wg_code add_partition_tasks(wg_scan *scan, const wg_label *label, const wg_partition *partition,
                                   uint32_t source, wg_error *err) {
    const wg_engine *e = scan->txn->engine;
    wg_object *object = NULL;
    bool opened = false;
    WG_TRY(wgi_partition_acquire(e, partition, &object, &opened, err));
    scan->stats.files_opened += opened;
    const wg_parquet_metadata *m = wg_object_metadata(object);
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < scan->spec.key_count && code == WG_OK; i++) {
        uint32_t column = scan->sources[source].columns[i];
        if (column != UINT32_MAX && label->def.columns[column].source == WG_COLUMN_STORED)
            code = wgi_virtual_column(object, label, column, &column, err);
    }
    for (uint32_t g = 0; g < m->row_group_count && code == WG_OK; g++) {
        if (prune_group(scan, label, object, g)) {
            scan->stats.row_groups_pruned++;
            continue;
        }
        const wg_parquet_row_group *group = &m->row_groups[g];
        const scan_task task = {.partition = partition,
                                .label = label,
                                .row_group = g,
                                .first_row = group->first_row,
                                .end_row = group->first_row + group->row_count,
                                .source = source};
        code = push_task(scan, &task, err);
        scan->rows_max += group->row_count;
    }
    wg_object_release(e->objects, object);
    return code;
}

static wg_code open_virtual(wg_scan *scan, const wg_label *label, wg_error *err) {
    const wg_engine *e = scan->txn->engine;
    uint32_t source = 0;
    WG_TRY(add_source(scan, NULL, label, &source, err));
    const uint32_t count = wg_catalog_partition_count(e->catalog);
    for (uint32_t p = 0; p < count; p++) {
        const wg_partition *partition = wg_catalog_partition(e->catalog, p);
        if (partition == NULL || partition->label != label->number ||
            !wg_visible(scan->txn->view, partition->begin, WG_LOGSEQ_NEVER))
            continue;
        scan->stats.files_total++;
        if (prune_partition(scan, label, partition)) scan->stats.files_pruned++;
        else WG_TRY(add_partition_tasks(scan, label, partition, source, err));
    }
    return WG_OK;
}

static wg_code copy_spec(wg_scan *scan, const wg_scan_spec *spec, wg_error *err) {
    scan->spec = *spec;
    wg_scan_predicate *p = wg_arena_alloc(&scan->arena, ((size_t)spec->predicate_count + 1) * sizeof *p);
    uint32_t *keys = wg_arena_copy(&scan->arena, spec->keys, spec->key_count * sizeof *keys);
    const uint32_t ends = end_count(spec);
    wg_type *types = wg_arena_alloc(&scan->arena, ((size_t)spec->key_count + 2) * sizeof *types);
    uint32_t *labels = wg_arena_copy(&scan->arena, spec->labels, spec->label_count * sizeof *labels);
    if (p == NULL || keys == NULL || types == NULL || labels == NULL) return wg_error_nomem(err, 64);
    for (uint32_t i = 0; i < spec->predicate_count; i++) {
        p[i] = spec->predicates[i];
        if (!wg_value_copy(&scan->arena, &spec->predicates[i].value, &p[i].value)) return wg_error_nomem(err, 64);
    }
    types[0] = types[1] = WG_TYPE_NODE; /* of the ends, where they are read */
    if (spec->key_count > 0) memcpy(types + ends, spec->types, spec->key_count * sizeof *types);
    scan->spec.predicates = p;
    scan->spec.keys = keys;
    scan->spec.types = types;
    scan->spec.labels = labels;
    return WG_OK;
}

static wg_code scan_fill(wg_scan *scan, const wg_scan_spec *spec, wg_error *err) {
    const wg_engine *e = scan->txn->engine;
    WG_TRY(copy_spec(scan, spec, err));
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_acquire);
    scan->sources = wg_arena_alloc(&scan->arena, ((size_t)tables + 1) * sizeof *scan->sources);
    if (scan->sources == NULL) return wg_error_nomem(err, tables * sizeof *scan->sources);
    bool has_virtual = false;
    for (uint32_t i = 0; i < spec->label_count; i++) {
        const wg_label *label = wg_catalog_label_seen(e->catalog, spec->labels[i], scan->txn->view);
        if (label == NULL)
            return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "scan of label number %u, which does not exist",
                                spec->labels[i]);
        has_virtual |= label->def.kind == WG_LABEL_VIRTUAL;
    }
    if (!has_virtual)
        return open_owned(scan, tables, err); /* as many as there is room for: a writer may be adding one */
    scan->is_virtual = true;
    if (spec->label_count > 1) return WG_OK; /* a virtual row has one label: rows with several labels do not exist */
    return open_virtual(scan, wg_catalog_label_seen(e->catalog, spec->labels[0], scan->txn->view), err);
}

wg_code wg_scan_open(const wg_txn *txn, const wg_scan_spec *spec, wg_account *account, wg_scan **out, wg_error *err) {
    wg_scan *scan = wg_alloc_zero(account, sizeof *scan);
    if (scan == NULL) return wg_error_nomem(err, sizeof *scan);
    scan->txn = txn;
    wg_arena_init(&scan->arena, account);
    wg_mutex_init(&scan->mutex, WG_RANK_POOL + 1);
    const wg_code code = scan_fill(scan, spec, err);
    if (code != WG_OK) {
        wg_scan_close(scan);
        return code;
    }
    *out = scan;
    return WG_OK;
}

void wg_scan_close(wg_scan *scan) {
    if (scan == NULL) return;
    wg_mutex_deinit(&scan->mutex);
    wg_arena_deinit(&scan->arena);
    wg_free(scan);
}

uint32_t wg_scan_task_count(const wg_scan *scan) { return scan->task_count; }
uint64_t wg_scan_row_count_max(const wg_scan *scan) { return scan->rows_max; }

/* Subqueries that workers run for their rows add to the counters of one statement at the same time. */
static void count(uint64_t *to, uint64_t n) {
    if (n != 0) __atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

static void add_stats(wg_stats *to, const wg_stats *from) {
    count(&to->files_total, from->files_total);
    count(&to->files_pruned, from->files_pruned);
    count(&to->files_opened, from->files_opened);
    count(&to->row_groups_pruned, from->row_groups_pruned);
    count(&to->row_groups_read, from->row_groups_read);
    count(&to->bytes_read, from->bytes_read);
    count(&to->bytes_decoded, from->bytes_decoded);
    count(&to->rows_scanned, from->rows_scanned);
}

/* Called when the cursors are done. */
void wg_scan_stats(const wg_scan *scan, wg_stats *out) { add_stats(out, &scan->stats); }

bool wg_scan_describe(const wg_scan *scan, wg_buf *out) {
    const wg_stats *s = &scan->stats;
    bool ok = true;
    if (s->files_total > 0) {
        uint64_t groups = scan->task_count;
        ok = wg_buf_printf(out, "files %llu of %llu, row groups %llu of %llu",
                           (unsigned long long)(s->files_total - s->files_pruned), (unsigned long long)s->files_total,
                           (unsigned long long)groups, (unsigned long long)(groups + s->row_groups_pruned));
    } else {
        ok = wg_buf_printf(out, "fragments %u", scan->task_count);
    }
    return ok && wg_buf_printf(out, ", rows at most %llu", (unsigned long long)scan->rows_max);
}

/* ---- cursors */

wg_code wg_scan_cursor_create(wg_scan *scan, wg_cancel *cancel, wg_account *account, wg_scan_cursor **out,
                              wg_error *err) {
    wg_scan_cursor *c = wg_alloc_zero(account, sizeof *c);
    if (c == NULL) return wg_error_nomem(err, sizeof *c);
    c->scan = scan;
    c->cancel = cancel;
    c->account = account;
    wg_arena_init(&c->arena, account);
    c->vectors = wg_alloc_zero(account, ((size_t)scan->spec.key_count + 3) * sizeof *c->vectors);
    c->read = wg_alloc_zero(account, ((size_t)scan->spec.key_count + 3) * sizeof *c->read);
    c->ids = wg_alloc(account, WG_BATCH_ROWS_MAX * sizeof *c->ids);
    const bool got = c->vectors != NULL && c->read != NULL && c->ids != NULL;
    wg_code code = got ? WG_OK : wg_error_nomem(err, WG_BATCH_ROWS_MAX * sizeof *c->ids);
    if (code == WG_OK) code = wg_table_scratch_create(read_count(&scan->spec), account, &c->scratch, err);
    if (code == WG_OK && scan->spec.no_ids) wg_table_scratch_skip_ids(c->scratch);
    if (code == WG_OK && scan->is_virtual) code = wgi_row_tests_create(&scan->spec, &c->arena, &c->tests, err);
    if (code != WG_OK) {
        wg_scan_cursor_destroy(c);
        return code;
    }
    *out = c;
    return WG_OK;
}

void wg_scan_cursor_destroy(wg_scan_cursor *cursor) {
    if (cursor == NULL) return;
    wgi_group_reader_destroy(cursor->reader, &cursor->stats);
    wgi_row_tests_destroy(cursor->tests);
    wg_mutex_lock(&cursor->scan->mutex);
    add_stats(&cursor->scan->stats, &cursor->stats);
    wg_mutex_unlock(&cursor->scan->mutex);
    wg_table_scratch_destroy(cursor->scratch);
    wg_arena_deinit(&cursor->arena);
    wg_free(cursor->vectors);
    wg_free(cursor->read);
    wg_free(cursor->ids);
    wg_free(cursor);
}

/* Opens a row group. Columns that no row needs are not looked at, and without any the file is not either: the scan has seen it. */
static wg_code start_virtual(wg_scan_cursor *cursor, const scan_task *t, wg_error *err) {
    wg_scan *scan = cursor->scan;
    if (scan->spec.key_count == 0) return WG_OK;
    if (cursor->reader == NULL) {
        WG_TRY(wgi_group_reader_create(scan->txn->engine, t->label, scan->sources[t->source].columns,
                                       scan->spec.types, scan->spec.key_count, cursor->account, &cursor->reader,
                                       err));
        WG_TRY(wgi_group_reader_test(cursor->reader, cursor->tests, err));
    }
    return wgi_group_reader_open(cursor->reader, t->partition, t->row_group, err);
}

wg_code wg_scan_cursor_start(wg_scan_cursor *cursor, uint32_t task, wg_error *err) {
    wg_scan *scan = cursor->scan;
    WG_ASSERT(task < scan->task_count);
    wgi_residency_look(scan->txn->engine);
    cursor->task = NULL;
    const scan_task *t = &scan->tasks[task];
    if (t->table == NULL) WG_TRY(start_virtual(cursor, t, err));
    if (t->table != NULL)
        WG_TRY(wg_table_require(t->table->rows, t->first_row, scan->sources[t->source].columns,
                                read_count(&scan->spec), scan->txn->lane, err));
    else if (scan->txn->lane == WG_SPEED_LANE_ONLY)
        return wg_error_set(err, WG_E_CAPACITY, WG_NO_OFFSET,
                            "BelowSpeedLane: rows of %s are in the file %s, which is read and never held in memory",
                            t->label->def.name, t->partition->path);
    cursor->task = t;
    cursor->row = t->first_row;
    const scan_task *next = task + 1 < scan->task_count ? t + 1 : NULL; /* of this thread or another */
    if (next != NULL && next->table != NULL)
        wg_table_prefetch(next->table->rows, next->first_row, scan->sources[next->source].columns,
                          read_count(&scan->spec));
    return WG_OK;
}

/* The columns of the table in the order of the scan: the id stands between the ends. */
static void arrange_edges(wg_scan_cursor *cursor, wg_batch *out) {
    static const uint8_t absent[64];
    _Alignas(64) static const uint8_t zero_cell[64];
    const wg_scan_spec *spec = &cursor->scan->spec;
    const wg_vector none = {.type = WG_TYPE_NODE, .kind = WG_VECTOR_CONST, .valid = absent, .data = zero_cell};
    const uint32_t ends = end_count(spec);
    cursor->vectors[0] = ends > 0 ? cursor->read[1] : none;
    cursor->vectors[1] = cursor->read[0];
    cursor->vectors[2] = ends > 0 ? cursor->read[2] : none;
    for (uint32_t i = 0; i < spec->key_count; i++) cursor->vectors[3 + i] = cursor->read[1 + ends + i];
    out->columns = cursor->vectors;
    out->column_count = batch_columns(spec);
}

static wg_code next_owned(wg_scan_cursor *cursor, uint32_t rows_max, wg_batch *out, uint32_t *out_rows,
                          wg_error *err) {
    const wg_scan *scan = cursor->scan;
    const scan_task *t = cursor->task;
    const uint32_t rows = (uint32_t)wg_min_u64(rows_max, t->end_row - cursor->row);
    *out_rows = 0;
    if (rows == 0) return WG_OK;
    wg_vector *vectors = scan->spec.is_edge ? cursor->read : cursor->vectors;
    WG_TRY(wg_table_read(t->table->rows, scan->txn->view, cursor->row, rows, scan->sources[t->source].columns,
                         scan->spec.types, read_count(&scan->spec), cursor->scratch, vectors, out, out_rows, err));
    if (scan->spec.is_edge) arrange_edges(cursor, out);
    return WG_OK;
}

/* The ids of the rows of a slice. */
static wg_vector virtual_ids(wg_scan_cursor *cursor, const wgi_group_rows *rows) {
    static const uint64_t nobody = 0;
    static const uint8_t none = 0;
    if (cursor->scan->spec.no_ids)
        return (wg_vector){.type = WG_TYPE_NODE, .kind = WG_VECTOR_CONST, .valid = &none, .data = &nobody};
    const scan_task *t = cursor->task;
    const uint64_t first = wgi_virtual_id(t->partition->number, t->first_row + rows->first_row);
    for (uint32_t i = 0; i < rows->row_count; i++) cursor->ids[i] = first + (rows->rows != NULL ? rows->rows[i] : i);
    return (wg_vector){.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = cursor->ids};
}

static wg_code next_virtual(wg_scan_cursor *cursor, uint32_t rows_max, wg_batch *out, uint32_t *out_rows,
                            wg_error *err) {
    const scan_task *t = cursor->task;
    const wg_scan_spec *spec = &cursor->scan->spec;
    wgi_group_rows rows = {.first_row = cursor->row - t->first_row,
                           .row_count = (uint32_t)wg_min_u64(rows_max, t->end_row - cursor->row)};
    *out_rows = 0;
    if (spec->counts && spec->no_ids &&
        (cursor->reader == NULL || wgi_group_reader_constants(cursor->reader, cursor->vectors + 1)))
        rows.row_count = (uint32_t)wg_min_u64(UINT32_MAX, t->end_row - cursor->row);
    else if (cursor->reader != NULL)
        WG_TRY(wgi_group_reader_next(cursor->reader, rows_max, cursor->vectors + 1, &rows, err));
    if (rows.sel == NULL) rows.selected = rows.row_count;
    if (cursor->reader == NULL || spec->counts) cursor->row += rows.row_count; /* else the reader knows where it is */
    if (rows.row_count == 0) return WG_OK;
    cursor->vectors[0] = virtual_ids(cursor, &rows);
    *out = (wg_batch){
        .row_count = rows.selected, .column_count = spec->key_count + 1, .columns = cursor->vectors, .sel = rows.sel};
    *out_rows = rows.row_count;
    return WG_OK;
}

wg_code wg_scan_cursor_next(wg_scan_cursor *cursor, uint32_t rows_max, wg_batch *out, uint32_t *out_rows,
                            wg_error *err) {
    WG_ASSERT(cursor->task != NULL);
    WG_ASSERT(rows_max > 0 && rows_max <= WG_BATCH_ROWS_MAX);
    WG_TRY(wg_cancel_check(cursor->cancel, err));
    WG_TRY(cursor->task->table != NULL ? next_owned(cursor, rows_max, out, out_rows, err)
                                       : next_virtual(cursor, rows_max, out, out_rows, err));
    if (cursor->task->table != NULL) cursor->row += *out_rows;
    if (cursor->reader == NULL) cursor->stats.rows_scanned += *out_rows; /* a reader counts what it looks at */
    return WG_OK;
}
