/* Records of agents' runs: written as pieces, read back, and joined by merges without losing what somebody may see. */
#include <stdio.h>
#include <stdlib.h>

#include "base/core/test_seed.h"
#include "worldgraph/mmap/mmap_kit.h"

enum { KEYS = 40, VERSIONS_MAX = 4000, SETS_MAX = 12, OWNER = 6 };

/* What version v wrote: one key. */
typedef struct write {
    uint32_t key;
    bool deleted;
    uint32_t size;
} write;

typedef struct model {
    write writes[VERSIONS_MAX + 1];
    uint64_t newest;
} model;

static wg_slice key_of(uint32_t key, char out[32]) {
    const int n = snprintf(out, 32, "key-%u", key * 7919 % 1000);
    return wg_slice_of(out, (size_t)n);
}

static uint8_t value_byte(uint64_t version, uint32_t i) { return (uint8_t)(version * 31 + i * 7); }

static void model_extend(model *m, wg_rng *rng, uint64_t until) {
    for (; m->newest < until; m->newest++)
        m->writes[m->newest + 1] =
            (write){.key = (uint32_t)wg_rng_below(rng, KEYS),
                    .deleted = wg_rng_below(rng, 4) == 0,
                    .size = (uint32_t)wg_rng_below(rng, wg_rng_below(rng, 50) == 0 ? 9000 : 50)};
}

/* The version of a key that snapshot `at` sees; 0: none. */
static uint64_t model_at(const model *m, uint32_t key, uint64_t at) {
    for (uint64_t v = wg_min_u64(at, m->newest); v > 0; v--)
        if (m->writes[v].key == key) return m->writes[v].deleted ? 0 : v;
    return 0;
}

static int by_text(const void *a, const void *b) {
    char x[32], y[32];
    return wg_slice_compare(key_of(*(const uint32_t *)a, x), key_of(*(const uint32_t *)b, y));
}

/* Writes the set (since, until]. */
static void set_write(kit *k, const model *m, uint64_t since, uint64_t until, uint64_t logseq) {
    static uint8_t value[9000];
    uint32_t keys[KEYS];
    char text[32];
    wg_error err = {0};
    for (uint32_t i = 0; i < KEYS; i++) keys[i] = i;
    qsort(keys, KEYS, sizeof *keys, by_text);
    wg_stripe_sink sink = kit_sink(k, 0, 0);
    const wg_fragment_head head = {
        .key = {.kind = WG_KIND_STATE, .owner = OWNER, .run = since}, .version = logseq, .attributes = {until}};
    wg_record_sink *records = NULL;
    assert_int_equal(wg_record_sink_create(&sink, &head, NULL, &records, &err), WG_OK);
    for (uint32_t i = 0; i < KEYS; i++)
        for (uint64_t v = until; v > since; v--) {
            const write *w = &m->writes[v];
            if (w->key != keys[i]) continue;
            for (uint32_t b = 0; b < w->size; b++) value[b] = value_byte(v, b);
            const wg_record r = {.key = key_of(w->key, text),
                                 .value = wg_slice_of(value, w->deleted ? 0 : w->size),
                                 .version = v,
                                 .time_us = v * 10,
                                 .expires_us = v % 5 == 0 ? v * 100 : 0,
                                 .type = w->deleted ? 0 : WG_TYPE_BYTES,
                                 .deleted = w->deleted};
            assert_int_equal(wg_record_sink_add(records, &r, &err), WG_OK);
        }
    assert_int_equal(wg_record_sink_finish(records, NULL, &err), WG_OK);
    wg_record_sink_destroy(records);
    (void)kit_publish(k, &sink);
}

/* The version that the stored sets show of a key at a snapshot; checks the record. */
static uint64_t stored_at(const kit *k, const model *m, uint32_t key, uint64_t at) {
    uint64_t position = wg_stripe_set_seek(k->set, &(wg_fragment_key){.kind = WG_KIND_STATE, .owner = OWNER});
    char text[32];
    wg_error err = {0};
    wg_record best = {0};
    for (;;) {
        const wg_fragment *f = wg_stripe_set_next(k->set, &position);
        if (f == NULL) break;
        uint32_t row = 0;
        wg_record r;
        assert_int_equal(wg_record_seek(f, key_of(key, text), at, &row, &err), WG_OK);
        if (row == f->head.row_count) continue;
        assert_int_equal(wg_record_read(f, row, &r, &err), WG_OK);
        if (wg_slice_equal(r.key, key_of(key, text)) && r.version > best.version) best = r;
    }
    if (best.version == 0 || best.deleted) return 0;
    const write *w = &m->writes[best.version];
    assert_int_equal(best.value.size, w->size);
    for (uint32_t b = 0; b < w->size; b++) assert_int_equal(best.value.data[b], value_byte(best.version, b));
    assert_int_equal(best.time_us, best.version * 10);
    assert_int_equal(best.expires_us, best.version % 5 == 0 ? best.version * 100 : 0);
    assert_int_equal(best.type, WG_TYPE_BYTES);
    return best.version;
}

static void check_at(const kit *k, const model *m, uint64_t at) {
    for (uint32_t key = 0; key < KEYS; key++) assert_int_equal(stored_at(k, m, key, at), model_at(m, key, at));
}

static uint64_t rows_stored(const kit *k) {
    uint64_t position = 0;
    uint64_t rows = 0;
    for (const wg_fragment *f; (f = wg_stripe_set_next(k->set, &position)) != NULL;) rows += f->head.row_count;
    return rows;
}

static wg_merge_run kept_run;
static void run_of(void *ctx, uint32_t run, wg_merge_run *out) {
    (void)ctx;
    *out = run == OWNER ? kept_run : (wg_merge_run){0};
}

static void merge_range(kit *k, uint32_t first, uint32_t count) {
    uint64_t inputs[SETS_MAX];
    for (uint32_t i = 0; i < count; i++) inputs[i] = wg_stripe_set_entry(k->set, first + i).id;
    const wg_compaction_job job = job_of(inputs, count, 1);
    const wg_merge_input input = {.set = k->set, .job = &job, .run_of = run_of};
    wg_merge_output out = {0};
    run_job(k, &input, 0, &out);
    wg_buf_deinit(&out.stripes);
}

static void test_merge_state_keeps_what_snapshots_see(void **state) {
    /* Goal: through random joins of neighbouring sets every snapshot at or above the horizon, and every kept one, sees what it saw; in the end no record
     * is left that nobody sees. */
    (void)state;
    for (uint64_t seed = wg_test_seed(7), end = seed + 12; seed < end; seed++) {
        static model m;
        kit k;
        wg_rng rng;
        wg_rng_init(&rng, seed);
        m.newest = 0;
        kit_open(&k);
        uint64_t bounds[SETS_MAX + 1] = {0};
        for (uint32_t i = 0; i < SETS_MAX; i++) {
            bounds[i + 1] = bounds[i] + 1 + wg_rng_below(&rng, 300);
            model_extend(&m, &rng, bounds[i + 1]);
            set_write(&k, &m, bounds[i], bounds[i + 1], i + 1);
        }
        const uint64_t kept[3] = {m.newest / 9, m.newest / 8 + 3, m.newest / 2};
        kept_run = (wg_merge_run){.horizon = m.newest - wg_rng_below(&rng, m.newest / 3),
                                  .kept = kept,
                                  .kept_count = (uint32_t)wg_rng_below(&rng, 4),
                                  .has_parent = seed % 3 == 0};
        while (wg_stripe_set_count(k.set) > 1) {
            const uint32_t sets = wg_stripe_set_count(k.set);
            const uint32_t count = 2 + (uint32_t)wg_rng_below(&rng, wg_min_u64(sets - 1, 4));
            /* Merged stripes have the highest ids: the list is by id, so only merges of everything keep to neighbours. */
            merge_range(&k, 0, count > sets || sets <= 5 ? sets : count);
            for (uint32_t i = 0; i < 8; i++)
                check_at(&k, &m, kept_run.horizon + wg_rng_below(&rng, m.newest - kept_run.horizon + 1));
            for (uint32_t i = 0; i < kept_run.kept_count; i++) check_at(&k, &m, kept[i]);
            if (wg_stripe_set_count(k.set) == sets) break;
        }
        assert_int_equal(wg_stripe_set_count(k.set), 1);
        uint64_t least = 0; /* what somebody sees, but deletions that hide nothing any more */
        uint64_t most = 0;  /* what somebody sees */
        for (uint32_t key = 0; key < KEYS; key++) {
            uint64_t replaced_by = UINT64_MAX;
            for (uint64_t v = m.newest; v > 0; v--) {
                if (m.writes[v].key != key) continue;
                bool seen = replaced_by > kept_run.horizon;
                for (uint32_t i = 0; i < kept_run.kept_count; i++) seen |= kept[i] >= v && kept[i] < replaced_by;
                replaced_by = v;
                most += seen;
                least += seen && (!m.writes[v].deleted || v > kept_run.horizon || kept_run.has_parent);
            }
        }
        assert_in_range(rows_stored(&k), least, most);
        if (kept_run.kept_count == 0) assert_int_equal(rows_stored(&k), least);
        kit_close(&k);
    }
}

static void test_merge_state_leaves_out_runs_that_are_gone(void **state) {
    /* Goal: a dropped run's records and events vanish in a merge, those of others stay. */
    (void)state;
    static model m;
    kit k;
    wg_rng rng;
    wg_rng_init(&rng, 1);
    m.newest = 0;
    kit_open(&k);
    model_extend(&m, &rng, 50);
    set_write(&k, &m, 0, 50, 1);
    wg_stripe_sink sink = kit_sink(&k, 0, 0);
    kit_one(&sink, (wg_fragment_key){.kind = WG_KIND_EVENTS, .owner = OWNER}, 1, 0, 1);
    kit_one(&sink, (wg_fragment_key){.kind = WG_KIND_EVENTS, .owner = OWNER + 1}, 1, 0, 1);
    (void)kit_publish(&k, &sink);
    kept_run = (wg_merge_run){.gone = true};
    merge_range(&k, 0, 2);
    uint64_t position = 0;
    const wg_fragment *f = wg_stripe_set_next(k.set, &position);
    assert_non_null(f);
    assert_int_equal(f->head.key.owner, OWNER + 1);
    assert_null(wg_stripe_set_next(k.set, &position));
    kit_close(&k);
}

static void test_merge_state_newer_set_of_the_same_versions_counts(void **state) {
    /* Goal: a checkpoint whose manifest did not come about is followed by one from the same version on: the wider, newer set alone is seen. */
    (void)state;
    static model m;
    kit k;
    wg_rng rng;
    wg_rng_init(&rng, 2);
    m.newest = 0;
    kit_open(&k);
    model_extend(&m, &rng, 90);
    set_write(&k, &m, 0, 30, 1);
    set_write(&k, &m, 30, 60, 2);
    set_write(&k, &m, 30, 90, 3);
    check_at(&k, &m, 90);
    assert_int_equal(rows_stored(&k), 90);
    kept_run = (wg_merge_run){0};
    merge_range(&k, 0, 3);
    assert_int_equal(rows_stored(&k), 90); /* horizon 0: everything is kept */
    check_at(&k, &m, 45);
    kit_close(&k);
}

static void test_merge_state_refuses_records_out_of_order(void **state) {
    /* Goal: records that do not ascend, or lie outside of the versions of their set, are WG_E_CORRUPT and leave no file. */
    (void)state;
    for (int what = 0; what < 2; what++) {
        kit k;
        wg_error err = {0};
        kit_open(&k);
        wg_stripe_sink sink = kit_sink(&k, 0, 0);
        const wg_fragment_head head = {
            .key = {.kind = WG_KIND_STATE, .owner = OWNER}, .version = 1, .attributes = {what == 0 ? 9 : 1}};
        wg_record_sink *records = NULL;
        assert_int_equal(wg_record_sink_create(&sink, &head, NULL, &records, &err), WG_OK);
        const wg_record two[] = {{.key = wg_slice_str("b"), .version = 1, .type = 1},
                                 {.key = wg_slice_str("a"), .version = 2}};
        for (int i = 0; i < 2; i++)
            assert_int_equal(wg_record_sink_add(records, &two[what == 0 ? i : 1 - i], &err), WG_OK);
        assert_int_equal(wg_record_sink_finish(records, NULL, &err), WG_OK);
        wg_record_sink_destroy(records);
        (void)kit_publish(&k, &sink);
        const uint64_t id = wg_stripe_set_entry(k.set, 0).id;
        const wg_compaction_job job = job_of(&id, 1, 1);
        const wg_merge_input input = {.set = k.set, .job = &job};
        wg_merge_output out = {0};
        const wg_stripe_options options = options_of(0);
        assert_int_equal(wg_stripe_merge(k.platform, "/s", &input, &options, &k.next_id, &out, &err), WG_E_CORRUPT);
        assert_int_equal(kit_files(&k), 1);
        kit_close(&k);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_state_keeps_what_snapshots_see),
        cmocka_unit_test(test_merge_state_leaves_out_runs_that_are_gone),
        cmocka_unit_test(test_merge_state_newer_set_of_the_same_versions_counts),
        cmocka_unit_test(test_merge_state_refuses_records_out_of_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
