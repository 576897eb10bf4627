/* Statistics: the sample of a label, and the cache.
 *
 * Sampling. A row is in the sample when it is visible at the snapshot and the hash of id / 16 ends in `shift` zero bits; shift is the least
 * for which live rows >> shift fits the size of a sample, and live rows are known for each snapshot. How the rows are found does not
 * show in the result: either the directory is asked for the ids of each chosen cluster, or, for labels with few rows among many
 * ids, the tables are read through and what is not chosen is passed over.
 *
 * Cache. Each table notes the commit that changed it last; a label's statistics computed at snapshot S are those of every snapshot from the
 * last change before S to the first one after it. What changed before the engine was opened counts as changed at the opening. A snapshot
 * that lies before the last change of its label, as far as that is known, is computed anew and not kept: it may be one that saw a
 * part. Entries are copied out under the lock, so replacing one needs no count of its users. */
#include <stdlib.h>

#include "engine/statistics_internal.h"

enum { CLUSTER_SHIFT = 4, ENTRIES_MAX = 1024, WGI_RANK_STATISTICS = 38 };
#define WHOLE_LABEL UINT32_MAX

typedef struct entry {
    struct entry *next;
    uint32_t label;
    uint32_t key;   /* WHOLE_LABEL: edges */
    uint64_t first; /* snapshots of [first, last] at least */
    uint64_t last;
    wg_arena arena;
    wg_edge_statistics edges;
    wg_property_statistics values;
} entry;

struct wgi_statistics {
    wg_mutex mutex;
    entry *entries; /* the one used last first */
    uint32_t count;
};

wg_code wgi_statistics_create(wg_engine *engine, wg_error *err) {
    engine->statistics = wg_alloc_zero(&engine->account, sizeof *engine->statistics);
    if (engine->statistics == NULL) return wg_error_nomem(err, sizeof *engine->statistics);
    wg_mutex_init(&engine->statistics->mutex, WGI_RANK_STATISTICS);
    return WG_OK;
}

static void entry_destroy(entry *e) {
    if (e == NULL) return;
    wg_arena_deinit(&e->arena);
    wg_free(e);
}

void wgi_statistics_destroy(wg_engine *engine) {
    struct wgi_statistics *s = engine->statistics;
    if (s == NULL) return;
    while (s->entries != NULL) {
        entry *e = s->entries;
        s->entries = e->next;
        entry_destroy(e);
    }
    wg_mutex_deinit(&s->mutex);
    wg_free(s);
    engine->statistics = NULL;
}

/* ---- sampling */

wg_txn wgi_snapshot_reader(const wg_txn *txn) {
    wg_txn reader = *txn;
    reader.view.own = 0;
    return reader;
}

static bool is_chosen(uint64_t id, uint32_t shift) {
    return (wg_hash64_u64(id >> CLUSTER_SHIFT) & ((UINT64_C(1) << shift) - 1)) == 0;
}

static wg_code keep(wgi_sample *s, wg_arena *arena, const wgi_sampled *row, wg_error *err) {
    if (s->count == s->capacity) {
        const uint32_t capacity = s->capacity == 0 ? 1024 : s->capacity * 2;
        wgi_sampled *rows = wg_arena_alloc(arena, capacity * sizeof *rows);
        if (rows == NULL) return wg_error_nomem(err, capacity * sizeof *rows);
        if (s->count > 0) memcpy(rows, s->rows, s->count * sizeof *rows);
        s->rows = rows;
        s->capacity = capacity;
    }
    s->rows[s->count++] = *row;
    return WG_OK;
}

static wg_code keep_version(const wg_txn *reader, const wg_label *label, uint64_t id, wg_arena *arena, wgi_sample *s,
                            wg_error *err) {
    const bool is_edge = label->def.is_edge;
    wgi_place at;
    wg_row_head head = {0};
    bool found = true;
    WG_TRY(wgi_version(reader->engine, is_edge, reader->view, id, &at, err));
    if (at.table == NULL || !wgi_table_has_labels(at.table, &label->number, 1)) return WG_OK;
    if (is_edge) WG_TRY(wg_table_head(at.table->rows, at.row, &head, NULL, &found, err));
    if (!found) return WG_OK;
    const wgi_sampled row = {id, at.table, at.row, head.from, head.to};
    return keep(s, arena, &row, err);
}

static wg_code sample_by_directory(const wg_txn *reader, const wg_label *label, wg_arena *arena, wgi_sample *s,
                                   wg_error *err) {
    const wg_engine *e = reader->engine;
    const uint64_t ids = wg_directory_count(label->def.is_edge ? e->edges : e->nodes);
    const uint64_t size = UINT64_C(1) << CLUSTER_SHIFT;
    for (uint64_t first = 0; first < ids; first += size) {
        if (!is_chosen(first, s->shift)) continue;
        for (uint64_t id = first; id < first + size && id < ids; id++)
            WG_TRY(keep_version(reader, label, id, arena, s, err));
    }
    return WG_OK;
}

static wg_code keep_batch(const wgi_table *table, uint64_t first_row, const wg_batch *batch, wg_arena *arena,
                          wgi_sample *s, wg_error *err) {
    const uint64_t *ids = batch->columns[0].data;
    const uint64_t *from = batch->column_count > 2 ? batch->columns[1].data : NULL;
    const uint64_t *to = batch->column_count > 2 ? batch->columns[2].data : NULL;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t r = batch->sel != NULL ? batch->sel[i] : i;
        if (!is_chosen(ids[r], s->shift)) continue;
        const wgi_sampled row = {ids[r], table, first_row + r, from != NULL ? from[r] : 0, to != NULL ? to[r] : 0};
        WG_TRY(keep(s, arena, &row, err));
    }
    return WG_OK;
}

static wg_code sample_table(const wg_txn *reader, const wgi_table *table, wg_table_scratch *scratch, wg_arena *arena,
                            wgi_sample *s, wg_error *err) {
    static const uint32_t ends[] = {WG_TABLE_FROM, WG_TABLE_TO};
    static const wg_type types[] = {WG_TYPE_NODE, WG_TYPE_NODE};
    const uint32_t columns = table->is_edge ? 2 : 0;
    const uint64_t rows = wg_table_row_count(table->rows);
    wg_vector vectors[3];
    for (uint64_t row = 0; row < rows;) {
        wg_batch batch;
        uint32_t passed = 0;
        const uint64_t end = wg_min_u64((row / WG_FRAGMENT_ROWS + 1) * WG_FRAGMENT_ROWS, rows);
        const uint32_t n = (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, end - row);
        if (row % WG_FRAGMENT_ROWS == 0)
            WG_TRY(wg_table_require(table->rows, row, ends, columns, WG_SPEED_LANE_ANY, err));
        WG_TRY(wg_table_read(table->rows, reader->view, row, n, ends, types, columns, scratch, vectors, &batch,
                             &passed, err));
        if (passed == 0) break;
        WG_TRY(keep_batch(table, row, &batch, arena, s, err));
        row += passed;
    }
    return WG_OK;
}

static int by_id(const void *a, const void *b) {
    const uint64_t x = ((const wgi_sampled *)a)->id, y = ((const wgi_sampled *)b)->id;
    return (x > y) - (x < y);
}

static wg_code sample_by_tables(const wg_txn *reader, const wg_label *label, wg_arena *arena, wgi_sample *s,
                                wg_error *err) {
    const wg_engine *e = reader->engine;
    wg_table_scratch *scratch = NULL;
    WG_TRY(wg_table_scratch_create(2, arena->account, &scratch, err));
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_acquire);
    wg_code code = WG_OK;
    for (uint32_t t = 0; t < tables && code == WG_OK; t++) {
        const wgi_table *table = wgi_table_at(e, t);
        if (atomic_load_explicit(&table->dead, memory_order_relaxed) || table->is_edge != label->def.is_edge ||
            !wgi_table_has_labels(table, &label->number, 1))
            continue;
        code = sample_table(reader, table, scratch, arena, s, err);
    }
    wg_table_scratch_destroy(scratch);
    if (s->count > 1) qsort(s->rows, s->count, sizeof *s->rows, by_id);
    return code;
}

static uint64_t table_rows(const wg_engine *e, uint32_t label) {
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_acquire);
    uint64_t rows = 0;
    for (uint32_t t = 0; t < tables; t++) {
        const wgi_table *table = wgi_table_at(e, t);
        if (!atomic_load_explicit(&table->dead, memory_order_relaxed) && wgi_table_has_labels(table, &label, 1))
            rows += wg_table_row_count(table->rows);
    }
    return rows;
}

wg_code wgi_sample_label(const wg_txn *reader, const wg_label *label, wg_arena *arena, wgi_sample *out,
                         wg_error *err) {
    const wg_engine *e = reader->engine;
    wgi_sample s = {.live = wg_txn_label_row_estimate(reader, label->number)};
    while ((s.live >> s.shift) > WG_STATISTICS_SAMPLE) s.shift++;
    const uint64_t ids = wg_directory_count(label->def.is_edge ? e->edges : e->nodes);
    /* A look at a chosen id costs some thirty times as much as passing over a row or a cluster. */
    const uint64_t by_directory = (ids >> CLUSTER_SHIFT) + 30 * (ids >> s.shift);
    if (table_rows(e, label->number) < by_directory) WG_TRY(sample_by_tables(reader, label, arena, &s, err));
    else WG_TRY(sample_by_directory(reader, label, arena, &s, err));
    *out = s;
    return WG_OK;
}

/* ---- the cache */

/* The last commit that may have changed what the label's statistics are computed from. */
static uint64_t last_change(const wg_engine *e, const wg_label *label) {
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_acquire);
    uint64_t last = wg_max_u64(e->statistics_floor, label->begin);
    if (label->def.is_edge) /* the labels of its ends are counted */
        last = wg_max_u64(last, atomic_load_explicit(&e->labels_changed, memory_order_acquire));
    for (uint32_t t = 0; t < tables; t++) {
        const wgi_table *table = wgi_table_at(e, t);
        if (wgi_table_has_labels(table, &label->number, 1))
            last = wg_max_u64(last, atomic_load_explicit(&table->changed, memory_order_acquire));
    }
    return last;
}

static bool serves(const entry *e, const wg_txn *txn, uint64_t changed) {
    const uint64_t snapshot = txn->view.snapshot;
    if (snapshot >= e->first && snapshot <= e->last) return true;
    return snapshot > e->last && changed <= e->last;
}

/* Copies a kept entry into *edges or *values. *out_found false: there is none. */
static wg_code find(const wg_txn *txn, const wg_label *label, uint32_t key, wg_arena *arena,
                    wg_edge_statistics *edges, wg_property_statistics *values, bool *out_found, wg_error *err) {
    struct wgi_statistics *s = txn->engine->statistics;
    const uint64_t changed = last_change(txn->engine, label);
    bool ok = true;
    *out_found = false;
    wg_mutex_lock(&s->mutex);
    for (entry **at = &s->entries; *at != NULL; at = &(*at)->next) {
        entry *e = *at;
        if (e->label != label->number || e->key != key || !serves(e, txn, changed)) continue;
        *at = e->next;
        e->next = s->entries;
        s->entries = e;
        ok = edges != NULL ? wgi_edges_copy(arena, &e->edges, edges) : wgi_values_copy(arena, &e->values, values);
        *out_found = ok;
        break;
    }
    wg_mutex_unlock(&s->mutex);
    return ok ? WG_OK : wg_error_nomem(err, sizeof *values);
}

/* Keeps what was computed; without memory it is not kept. `changed` was read before the computation. */
static void remember(const wg_txn *txn, const wg_label *label, uint32_t key, uint64_t changed,
                     const wg_edge_statistics *edges, const wg_property_statistics *values) {
    struct wgi_statistics *s = txn->engine->statistics;
    if (txn->view.snapshot < changed) return;
    entry *e = wg_alloc_zero(&txn->engine->account, sizeof *e);
    if (e == NULL) return;
    e->label = label->number;
    e->key = key;
    e->first = changed;
    e->last = txn->view.snapshot;
    wg_arena_init(&e->arena, &txn->engine->account);
    const bool ok =
        edges != NULL ? wgi_edges_copy(&e->arena, edges, &e->edges) : wgi_values_copy(&e->arena, values, &e->values);
    if (!ok) {
        entry_destroy(e);
        return;
    }
    entry *old = NULL;
    wg_mutex_lock(&s->mutex);
    entry **at = &s->entries;
    while (*at != NULL && !((*at)->label == e->label && (*at)->key == key)) at = &(*at)->next;
    if (*at == NULL && s->count >= ENTRIES_MAX)
        for (at = &s->entries; (*at)->next != NULL;) at = &(*at)->next;
    if (*at != NULL) {
        old = *at;
        *at = old->next;
        s->count--;
    }
    e->next = s->entries;
    s->entries = e;
    s->count++;
    wg_mutex_unlock(&s->mutex);
    entry_destroy(old);
}

wg_code wg_edge_statistics_get(const wg_txn *txn, uint32_t label_number, wg_arena *arena, wg_edge_statistics *out,
                               wg_error *err) {
    const wg_label *label = wg_catalog_label_seen(txn->engine->catalog, label_number, txn->view);
    bool found = false;
    *out = (wg_edge_statistics){.exact = true};
    if (label == NULL || !label->def.is_edge) return WG_OK;
    WG_TRY(find(txn, label, WHOLE_LABEL, arena, out, NULL, &found, err));
    if (found) return WG_OK;
    const uint64_t changed = last_change(txn->engine, label);
    const wg_txn reader = wgi_snapshot_reader(txn);
    WG_TRY(wgi_edges_compute(&reader, label, arena, out, err));
    remember(txn, label, WHOLE_LABEL, changed, out, NULL);
    return WG_OK;
}

wg_code wg_property_statistics_get(const wg_txn *txn, uint32_t label_number, uint32_t key, wg_arena *arena,
                                   wg_property_statistics *out, wg_error *err) {
    const wg_label *label = wg_catalog_label_seen(txn->engine->catalog, label_number, txn->view);
    bool found = false;
    *out = (wg_property_statistics){.exact = true, .min = wg_value_null(), .max = wg_value_null()};
    if (label == NULL) return WG_OK;
    const bool kept = label->def.kind != WG_LABEL_VIRTUAL; /* files have their own cache */
    if (kept) WG_TRY(find(txn, label, key, arena, NULL, out, &found, err));
    if (found) return WG_OK;
    const uint64_t changed = last_change(txn->engine, label);
    const wg_txn reader = wgi_snapshot_reader(txn);
    WG_TRY(wgi_values_compute(&reader, label, key, arena, out, err));
    if (kept) remember(txn, label, key, changed, NULL, out);
    return WG_OK;
}
