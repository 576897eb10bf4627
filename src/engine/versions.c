/* Versions of owned nodes and edges as records: what the record plane (exec/operators.h) scans. A segment is a slot of a table, 16,384 row
 * ordinals, which never change; what a compaction dropped, and what rolled back, is passed over. Tables come in the order of their numbers,
 * nodes and edges alike, so segments have one order. */
#include "engine/engine_internal.h"

static uint32_t count_segments(const wg_engine *e, uint32_t tables) {
    uint64_t count = 0;
    for (uint32_t t = 0; t < tables; t++) {
        const wgi_table *table = wgi_table_at(e, t);
        if (table == NULL || atomic_load_explicit(&table->dead, memory_order_relaxed)) continue;
        count += (wg_table_row_count(table->rows) + WG_FRAGMENT_ROWS - 1) / WG_FRAGMENT_ROWS;
    }
    return (uint32_t)wg_min_u64(count, UINT32_MAX);
}

wg_code wg_version_segments(const wg_txn *txn, wg_arena *arena, wg_version_segment **out, uint32_t *out_count,
                            wg_error *err) {
    const wg_engine *e = txn->engine;
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_acquire);
    const uint32_t room = count_segments(e, tables);
    wg_version_segment *all = wg_arena_alloc(arena, ((size_t)room + 1) * sizeof *all);
    if (all == NULL) return wg_error_nomem(err, ((size_t)room + 1) * sizeof *all);
    uint32_t n = 0;
    for (uint32_t t = 0; t < tables; t++) {
        const wgi_table *table = wgi_table_at(e, t);
        if (table == NULL || atomic_load_explicit(&table->dead, memory_order_relaxed)) continue;
        const uint64_t rows = wg_table_row_count(table->rows);
        for (uint64_t first = 0; first < rows && n < room;
             first += WG_FRAGMENT_ROWS) /* the writer may have added one */
            all[n++] = (wg_version_segment){.table = t,
                                            .is_edge = table->is_edge,
                                            .labels = table->labels,
                                            .label_count = table->label_count,
                                            .first_row = first,
                                            .row_count = (uint32_t)wg_min_u64(WG_FRAGMENT_ROWS, rows - first)};
    }
    *out = all;
    *out_count = n;
    return WG_OK;
}

wg_code wg_versions_read(const wg_txn *txn, const wg_version_segment *segment, wg_row_version *out,
                         uint32_t *out_count, wg_error *err) {
    const wgi_table *table = wgi_table_at(txn->engine, segment->table);
    uint32_t n = 0;
    for (uint32_t i = 0; i < segment->row_count; i++) {
        wg_row_head head;
        uint64_t end = 0;
        bool found = false;
        WG_TRY(wg_table_head(table->rows, segment->first_row + i, &head, &end, &found, err));
        if (!found || head.begin == WG_LOGSEQ_NEVER || head.begin > txn->view.snapshot) continue;
        out[n++] = (wg_row_version){.id = head.id, .begin = head.begin, .end = end, .from = head.from, .to = head.to};
    }
    *out_count = n;
    return WG_OK;
}

uint32_t wg_version_labels(const wg_txn *txn, uint32_t table, const uint32_t **out) {
    const wgi_table *t = wgi_table_at(txn->engine, table);
    *out = t->labels;
    return t->label_count;
}
