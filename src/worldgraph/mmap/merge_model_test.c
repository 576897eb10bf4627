/* A model of a store, checkpointed and compacted at random, while every snapshot that is kept is read back after each job. */
#include "base/core/test_seed.h"
#include "worldgraph/mmap/mmap_kit.h"

static const uint64_t never = WG_LOGSEQ_NEVER;

enum { NODES = 40, IDS_MAX = 6000, OWNERS = 2, SLOTS = 6, SLOT_ROWS = 90, SNAPSHOTS = 64 };

typedef struct row {
    uint64_t id, begin, end;
} row;

typedef struct model {
    kit k;
    wg_rng rng;
    uint64_t now;
    uint64_t horizon;
    row rows[OWNERS][SLOTS][SLOT_ROWS];
    uint32_t row_count[OWNERS][SLOTS];
    uint64_t row_changed[OWNERS][SLOTS]; /* logseq of the last new row */
    uint64_t end_changed[OWNERS][SLOTS];
    kit_edge edges[EDGES_MAX];
    uint64_t edge_count, edge_stored;
    uint64_t id_end[IDS_MAX];
    uint64_t id_count, id_stored;
} model;

static bool model_is_alive(void *ctx, bool is_edge, uint64_t id) {
    const model *m = ctx;
    return is_edge ? m->edges[id].end > m->horizon : m->id_end[id] > m->horizon;
}

/* Some commits: new rows with keys, ends of rows, new edges, ends of edges. */
static void model_commit(model *m) {
    m->now++;
    for (uint64_t i = wg_rng_below(&m->rng, 14); i > 0; i--) {
        const uint32_t o = (uint32_t)wg_rng_below(&m->rng, OWNERS);
        const uint32_t s = (uint32_t)wg_rng_below(&m->rng, SLOTS);
        uint32_t *count = &m->row_count[o][s];
        if (wg_rng_below(&m->rng, 3) != 0 && *count < SLOT_ROWS && m->id_count < IDS_MAX) {
            const bool rolled_back = wg_rng_below(&m->rng, 10) == 0;
            m->rows[o][s][(*count)++] = (row){m->id_count, rolled_back ? never : m->now, never};
            m->id_end[m->id_count++] = rolled_back ? 0 : never;
            m->row_changed[o][s] = m->now;
        } else if (*count > 0) {
            row *r = &m->rows[o][s][wg_rng_below(&m->rng, *count)];
            if (r->begin >= m->now || r->end != never) continue;
            r->end = m->id_end[r->id] = m->now;
            m->end_changed[o][s] = m->now;
        }
    }
    for (uint64_t i = wg_rng_below(&m->rng, 12); i > 0 && m->edge_count < EDGES_MAX; i--)
        m->edges[m->edge_count++] = (kit_edge){wg_rng_below(&m->rng, NODES), wg_rng_below(&m->rng, NODES), never};
    for (uint64_t i = wg_rng_below(&m->rng, 8); i > 0 && m->edge_count > 0; i--) {
        kit_edge *e = &m->edges[wg_rng_below(&m->rng, m->edge_count)];
        if (e->end == never) e->end = m->now;
    }
}

static void store_slot(model *m, wg_stripe_sink *sink, uint32_t o, uint32_t s, uint64_t since) {
    uint64_t cells[5][SLOT_ROWS];
    uint32_t n = 0;
    if (m->row_changed[o][s] > since) {
        bool sparse = false;
        for (uint32_t i = 0; i < m->row_count[o][s]; i++) {
            const row *r = &m->rows[o][s][i];
            sparse = sparse || r->begin == never;
            if (r->begin == never && (m->now & 1) == 0) continue; /* both ways of storing them */
            const uint64_t v[5] = {i, r->id, r->begin, r->end, r->id * 3};
            for (int c = 0; c < 5; c++) cells[c][n] = v[c];
            n++;
        }
        const wg_fragment_head head = {
            .key = slot_key(o, s, 0), .version = m->now, .row_count = n, .attributes = {m->row_count[o][s]}};
        kit_column columns[5] = {{2, WG_TYPE_INT, cells[4]}};
        uint32_t count = 1;
        if (sparse) columns[count++] = (kit_column){WG_COLUMN_ROW, 0, cells[0]};
        columns[count++] = (kit_column){WG_COLUMN_ID, 0, cells[1]};
        columns[count++] = (kit_column){WG_COLUMN_BEGIN, 0, cells[2]};
        columns[count++] = (kit_column){WG_COLUMN_END, 0, cells[3]};
        if (n > 0 || sparse) kit_add(sink, &head, columns, count);
    } else if (m->end_changed[o][s] > since) {
        for (uint32_t i = 0; i < m->row_count[o][s]; i++) {
            if (m->rows[o][s][i].end == never) continue;
            cells[0][n] = i;
            cells[1][n++] = m->rows[o][s][i].end;
        }
        const wg_fragment_head head = {.key = slot_key(o, s, 1), .version = m->now, .row_count = n};
        const kit_column columns[] = {{WG_COLUMN_ROW, 0, cells[0]}, {WG_COLUMN_END, 0, cells[1]}};
        kit_add(sink, &head, columns, 2);
    }
}

static uint64_t hash_of(uint64_t id) { return id * UINT64_C(0x9e3779b97f4a7c15) >> 40; }

static void store_keys(model *m, wg_stripe_sink *sink) {
    static kit_entry e[IDS_MAX];
    static uint64_t cells[2][IDS_MAX];
    const uint64_t count = m->id_count - m->id_stored;
    if (count == 0) return;
    for (uint64_t i = 0; i < count; i++) e[i] = (kit_entry){hash_of(m->id_stored + i), m->id_stored + i, 0};
    entries_sort(e, count);
    for (uint64_t i = 0; i < count; i++) {
        cells[0][i] = e[i].edge;
        cells[1][i] = e[i].node;
    }
    const wg_fragment_head head = {.key = {.kind = WG_KIND_KEYS, .owner = 7, .run = m->id_stored},
                                   .version = m->now,
                                   .row_count = (uint32_t)count,
                                   .attributes = {m->id_count}};
    const kit_column columns[] = {{WG_COLUMN_ID, 0, cells[0]}, {WG_COLUMN_HASH, 0, cells[1]}};
    kit_add(sink, &head, columns, 2);
    m->id_stored = m->id_count;
}

static void model_checkpoint(model *m, uint64_t since) {
    wg_stripe_sink sink = kit_sink(&m->k, 0, 4000);
    for (uint32_t o = 0; o < OWNERS; o++)
        for (uint32_t s = 0; s < SLOTS; s++) store_slot(m, &sink, o, s, since);
    store_keys(m, &sink);
    if (m->edge_count > m->edge_stored) {
        put_run(&sink, m->edges, m->edge_stored, m->edge_count, m->now);
        m->edge_stored = m->edge_count;
    }
    kit_publish(&m->k, &sink);
}

/* ---- reading the model back */

static void check_slot(const model *m, uint32_t o, uint32_t s) {
    const wg_fragment_key keys[2] = {slot_key(o, s, 0), slot_key(o, s, 1)};
    const wg_fragment *rows = wg_stripe_set_find(m->k.set, &keys[0]);
    const wg_fragment *ends = wg_stripe_set_find(m->k.set, &keys[1]);
    row seen[SLOT_ROWS];
    for (uint32_t i = 0; i < SLOT_ROWS; i++) seen[i] = (row){0, never, 0};
    for (uint32_t i = 0; rows != NULL && i < rows->head.row_count; i++) {
        const uint64_t at = kit_number_or(rows, WG_COLUMN_ROW, i, i);
        assert_true(at < m->row_count[o][s]);
        seen[at] = (row){kit_number(rows, WG_COLUMN_ID, i), kit_number(rows, WG_COLUMN_BEGIN, i),
                         kit_number_or(rows, WG_COLUMN_END, i, never)};
        assert_int_equal(kit_number(rows, 2, i), seen[at].id * 3);
    }
    for (uint32_t i = 0; ends != NULL && i < ends->head.row_count; i++)
        seen[kit_number(ends, WG_COLUMN_ROW, i)].end = kit_number(ends, WG_COLUMN_END, i);
    for (uint32_t i = 0; i < m->row_count[o][s]; i++) {
        const row *r = &m->rows[o][s][i];
        if (r->begin == never || r->end <= m->horizon) { /* may be gone; if not, it is the same */
            if (seen[i].begin != never) assert_int_equal(seen[i].id, r->id);
            continue;
        }
        assert_true(seen[i].id == r->id && seen[i].begin == r->begin && seen[i].end == r->end);
    }
}

static void check_keys(const model *m) {
    static uint8_t found[IDS_MAX];
    memset(found, 0, sizeof found);
    const wg_fragment_key from = {.kind = WG_KIND_KEYS};
    uint64_t position = wg_stripe_set_seek(m->k.set, &from);
    uint64_t end = 0;
    for (const wg_fragment *f;
         (f = wg_stripe_set_next(m->k.set, &position)) != NULL && f->head.key.kind == WG_KIND_KEYS;) {
        assert_true(f->head.key.run >= end || f->head.key.slot > 0);
        end = f->head.attributes[0];
        for (uint32_t i = 0; i < f->head.row_count; i++) {
            const uint64_t id = kit_number(f, WG_COLUMN_ID, i);
            assert_int_equal(found[id], 0);
            assert_int_equal(kit_number(f, WG_COLUMN_HASH, i), hash_of(id));
            found[id] = 1;
        }
    }
    for (uint64_t id = 0; id < m->id_stored; id++)
        if (m->id_end[id] > m->horizon) assert_int_equal(found[id], 1);
}

/* One part pair of one run: nodes with offsets, and entries. */
static void check_part(const model *m, const wg_fragment *nodes, const wg_fragment *entries, uint8_t *found) {
    const uint64_t total = nodes->head.attributes[1];
    assert_int_equal(total, entries->head.row_count);
    const uint32_t count = nodes->head.row_count;
    for (uint32_t n = 0; n < count; n++) {
        const uint64_t node = kit_number(nodes, WG_COLUMN_NODE, n);
        const uint64_t begin = kit_number(nodes, WG_COLUMN_OFFSET, n);
        const uint64_t end = n + 1 < count ? kit_number(nodes, WG_COLUMN_OFFSET, n + 1) : total;
        assert_true(begin < end && (n > 0 || begin == 0));
        for (uint64_t i = begin; i < end; i++) {
            const uint64_t id = kit_number(entries, WG_COLUMN_EDGE, (uint32_t)i);
            const kit_edge *e = &m->edges[id];
            const bool out = nodes->head.key.part == 0;
            assert_true(id >= nodes->head.attributes[2] && id <= nodes->head.attributes[3]);
            assert_int_equal(node, out ? e->from : e->to);
            if (wg_fragment_column_of(entries, WG_COLUMN_NEIGHBOUR) != UINT32_MAX)
                assert_int_equal(kit_number(entries, WG_COLUMN_NEIGHBOUR, (uint32_t)i), out ? e->to : e->from);
            assert_true(i == begin || id > kit_number(entries, WG_COLUMN_EDGE, (uint32_t)i - 1));
            assert_int_equal(found[id], 0);
            found[id] = 1;
        }
    }
    assert_int_equal(nodes->head.attributes[4], kit_number(nodes, WG_COLUMN_NODE, 0));
    assert_int_equal(nodes->head.attributes[5], total);
}

static void check_edges(const model *m) {
    static uint8_t found[2][EDGES_MAX];
    memset(found, 0, sizeof found);
    const wg_fragment_key from = {.kind = WG_KIND_ADJACENCY};
    uint64_t position = wg_stripe_set_seek(m->k.set, &from);
    uint64_t end = 0;
    for (;;) {
        const wg_fragment *f[4];
        for (int part = 0; part < 4; part++) {
            f[part] = wg_stripe_set_next(m->k.set, &position);
            if (f[part] == NULL) break;
            assert_int_equal(f[part]->head.key.part, part);
            assert_int_equal(f[part]->head.key.slot, 0);
        }
        if (f[0] == NULL) break;
        assert_true(f[0]->head.key.run >= end);
        end = f[0]->head.attributes[0];
        for (int d = 0; d < 2; d++) check_part(m, f[2 * d], f[2 * d + 1], found[d]);
    }
    assert_memory_equal(found[0], found[1], EDGES_MAX);
    for (uint64_t id = 0; id < m->edge_stored; id++)
        if (m->edges[id].end > m->horizon) assert_int_equal(found[0][id], 1);
}

static void model_check(const model *m) {
    for (uint32_t o = 0; o < OWNERS; o++)
        for (uint32_t s = 0; s < SLOTS; s++) check_slot(m, o, s);
    check_keys(m);
    check_edges(m);
}

/* The job as the policy wants it; false when none is due. Moves are done by the set alone. */
static bool model_compact(model *m, const wg_compaction_policy *policy, bool everything, uint64_t *out_moves) {
    static wg_compaction_file files[400];
    const uint32_t count = wg_stripe_set_count(m->k.set);
    assert_true(count <= 400);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(wg_stripe_set_describe(m->k.set, i, m->horizon, &files[i], NULL), WG_OK);
    wg_compaction_job job;
    wg_compaction_pick(policy, files, count, everything, &job);
    if (job.trigger == WG_COMPACT_NOTHING) return false;
    if (job.move) {
        wg_stripe_entry moved = {.id = job.inputs[0], .level = job.output_level, .bytes = job.input_bytes};
        assert_int_equal(wg_stripe_set_change(m->k.set, &moved, 1, job.inputs, 1, NULL), WG_OK);
        (*out_moves)++;
        return true;
    }
    const wg_merge_input input = {.set = m->k.set,
                                  .job = &job,
                                  .horizon = m->horizon,
                                  .bottom = wg_compaction_is_bottom(files, count, &job),
                                  .id_is_alive = model_is_alive,
                                  .ctx = m};
    wg_merge_output out;
    run_job(&m->k, &input, 4000, &out);
    wg_buf_deinit(&out.stripes);
    return true;
}

static void check_levels(const kit *k) {
    for (uint32_t i = 0; i < wg_stripe_set_count(k->set); i++) {
        const wg_stripe_entry a = wg_stripe_set_entry(k->set, i);
        for (uint32_t j = 0; j < i && a.level > 0; j++) {
            if (wg_stripe_set_entry(k->set, j).level != a.level) continue;
            wg_compaction_file x, y;
            assert_int_equal(wg_stripe_set_describe(k->set, i, 0, &x, NULL), WG_OK);
            assert_int_equal(wg_stripe_set_describe(k->set, j, 0, &y, NULL), WG_OK);
            assert_true(memcmp(x.last, y.first, 28) < 0 || memcmp(y.last, x.first, 28) < 0);
        }
    }
}

static void test_merge_never_changes_a_snapshot_that_is_kept(void **state) {
    /* Goal: over random commits, checkpoints, expiry and jobs of every trigger, all rows, keys and edges that the horizon keeps
     * are read back exactly, levels stay disjoint, and compacting everything leaves one level without anything dead. */
    (void)state;
    static model m;
    const wg_compaction_policy policy = {.file_bytes = 4000, .level_bytes = 12000, .level0_files = 2};
    for (uint64_t seed = 1; seed <= 6; seed++) {
        memset(&m, 0, sizeof m);
        kit_open(&m.k);
        wg_rng_init(&m.rng, wg_test_seed(seed));
        uint64_t jobs = 0;
        uint64_t moves = 0;
        uint32_t deepest = 0;
        for (int checkpoint = 0; checkpoint < 40; checkpoint++) {
            const uint64_t since = m.now;
            for (uint64_t i = wg_rng_below(&m.rng, 6) + 1; i > 0; i--) model_commit(&m);
            model_checkpoint(&m, since);
            model_check(&m);
            if (wg_rng_below(&m.rng, 3) == 0) m.horizon += wg_rng_below(&m.rng, m.now - m.horizon + 1);
            for (uint64_t i = wg_rng_below(&m.rng, 6); i > 0 && model_compact(&m, &policy, false, &moves); i--) {
                model_check(&m);
                check_levels(&m.k);
                jobs++;
            }
            for (uint32_t i = 0; i < wg_stripe_set_count(m.k.set); i++)
                deepest = (uint32_t)wg_max_u64(deepest, wg_stripe_set_entry(m.k.set, i).level);
        }
        assert_true(jobs > 20);
        assert_true(deepest >= 2);
        m.horizon = m.now;
        for (int steps = 0; model_compact(&m, &policy, true, &moves); steps++) {
            assert_true(steps < 500);
            model_check(&m);
        }
        const uint32_t level = wg_stripe_set_entry(m.k.set, 0).level;
        for (uint32_t i = 0; i < wg_stripe_set_count(m.k.set); i++) {
            wg_compaction_file file;
            assert_int_equal(wg_stripe_set_describe(m.k.set, i, m.horizon, &file, NULL), WG_OK);
            assert_int_equal(file.dead_rows, 0);
            assert_int_equal(file.level, level);
        }
        kit_close(&m.k);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_never_changes_a_snapshot_that_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
