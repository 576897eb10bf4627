/* Tests of stored runs under compaction: runs that worldgraph/mmap has joined and cut anew read as what they were made from. */
#include "base/core/test_seed.h"
#include "worldgraph/mmap/mmap_kit.h"
#include "worldgraph/topology/topology_test_kit.h"

/* The pieces of the set take the place of those that the fixture had. */
static void pieces_take(fixture *f, const kit *k) {
    const wg_fragment_key first = {.kind = WG_KIND_ADJACENCY, .owner = LABEL};
    uint64_t position = wg_stripe_set_seek(k->set, &first);
    f->piece_count = 0;
    for (const wg_fragment *p; (p = wg_stripe_set_next(k->set, &position)) != NULL;) {
        assert_true(f->piece_count < PIECES_MAX);
        f->pieces[f->piece_count++] = p;
    }
}

static void checkpoint(fixture *f, kit *k, uint64_t edge_count) {
    wg_stripe_sink sink = kit_sink(k, 0, 30000);
    const wg_topology_pass pass = {&sink, LABEL, edge_count, edge_count};
    const uint32_t slot = wg_epoch_enter(k->epoch);
    assert_int_equal(wg_topology_store(f->topology, &pass, NULL), WG_OK);
    kit_publish(k, &sink);
    pieces_take(f, k);
    f->stored = edge_count;
    adopt(f);
    wg_epoch_leave(k->epoch, slot);
}

/* Dead edges of the moment: a merge must get one answer all along. */
static bool edge_is_alive(void *ctx, bool is_edge, uint64_t id) {
    assert_true(is_edge);
    return model_is_alive(ctx, id);
}

static void job_run(fixture *f, kit *k, const wg_compaction_job *job, bool bottom) {
    wg_error err = {0};
    const uint32_t slot = wg_epoch_enter(k->epoch);
    if (job->move) {
        const wg_stripe_entry moved = {.id = job->inputs[0], .level = job->output_level, .bytes = job->input_bytes};
        assert_int_equal(wg_stripe_set_change(k->set, &moved, 1, job->inputs, 1, &err), WG_OK);
    } else {
        const wg_stripe_options options = {.capacity_bytes = 30000, .store_uuid = {1, 2, 3, 4}};
        const wg_merge_input input = {.set = k->set, .job = job, .bottom = bottom, .id_is_alive = edge_is_alive};
        wg_merge_output out;
        if (wg_stripe_merge(k->platform, "/s", &input, &options, &k->next_id, &out, &err) != WG_OK)
            fail_msg("%s", err.message);
        const wg_stripe_entry *made = (const wg_stripe_entry *)(const void *)out.stripes.data;
        assert_int_equal(wg_stripe_set_change(k->set, made, (uint32_t)(out.stripes.size / sizeof *made), job->inputs,
                                              job->input_count, &err),
                         WG_OK);
        wg_buf_deinit(&out.stripes);
    }
    pieces_take(f, k);
    adopt(f);
    wg_epoch_leave(k->epoch, slot);
    wg_stripe_set_settle(k->set);
}

/* Describes all stripes, which also says what the next merge may read; returns how many. */
static uint32_t describe(const kit *k, wg_compaction_file files[STRIPES_MAX]) {
    const uint32_t count = wg_stripe_set_count(k->set);
    assert_true(count <= STRIPES_MAX);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(wg_stripe_set_describe(k->set, i, 0, &files[i], NULL), WG_OK);
    return count;
}

/* Runs the job that the policy wants, if any. */
static bool compact(fixture *f, kit *k, const wg_compaction_policy *policy) {
    static wg_compaction_file files[STRIPES_MAX];
    const uint32_t count = describe(k, files);
    wg_compaction_job job;
    wg_compaction_pick(policy, files, count, false, &job);
    if (job.trigger == WG_COMPACT_NOTHING) return false;
    job_run(f, k, &job, wg_compaction_is_bottom(files, count, &job));
    return true;
}

/* Joins all runs into one. */
static void join(fixture *f, kit *k) {
    static wg_compaction_file files[STRIPES_MAX];
    wg_compaction_job job = {.trigger = WG_COMPACT_MANUAL, .output_level = 6, .input_count = describe(k, files)};
    assert_true(job.input_count <= WG_COMPACTION_INPUTS_MAX);
    for (uint32_t i = 0; i < job.input_count; i++) job.inputs[i] = files[i].id;
    job_run(f, k, &job, true);
}

static uint32_t run_count(const fixture *f) {
    uint32_t runs = 0;
    for (uint32_t i = 0; i < f->piece_count; i++)
        runs += i == 0 || f->pieces[i]->head.key.run != f->pieces[i - 1]->head.key.run;
    return runs;
}

static void everything_compare(const fixture *f, node_kind kind) {
    check(f->topology);
    assert_int_equal(wg_topology_edge_count(f->topology), m.count);
    for (uint64_t i = 0; i < NODES; i += 3) node_compare(f->topology, i % 2, node_of(kind, i), 77, m.count);
    node_compare(f->topology, 0, node_of(kind, 3), 5000, m.count);
    node_compare(f->topology, 1, node_of(kind, 3), 5000, m.count);
}

/* Goal: through checkpoints and the jobs that the policy picks, with deletions in between, every living edge is read exactly once and
 * in order; in the end one run is left, without the dead edges; and when all are dead, none. */
static void test_joined_runs_read_as_the_runs_did(void **state) {
    (void)state;
    const wg_compaction_policy policy = {.file_bytes = 30000, .level_bytes = 90000, .level0_files = 2};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        const node_kind kind = (node_kind)(seed % 4);
        fixture f;
        kit k;
        fixture_open(&f);
        kit_open(&k);
        wg_rng rng;
        wg_rng_init(&rng, wg_test_seed(seed));
        uint32_t jobs = 0;
        for (uint32_t round = 0; round < 12; round++) {
            edges_add(&f, &rng, kind, 1 + wg_rng_below(&rng, 3000));
            edges_kill(&rng, wg_rng_below(&rng, 500));
            checkpoint(&f, &k, m.count);
            edges_add(&f, &rng, kind, wg_rng_below(&rng, 40) + 1);
            while (compact(&f, &k, &policy)) jobs++;
            everything_compare(&f, kind);
        }
        assert_true(jobs > 3);
        checkpoint(&f, &k, m.count);
        join(&f, &k);
        assert_int_equal(run_count(&f), 1);
        everything_compare(&f, kind);
        for (uint64_t i = 0; i < m.count; i++) m.dead[i] = true;
        join(&f, &k);
        assert_int_equal(f.piece_count, 0);
        edges_add(&f, &rng, kind, 5);
        checkpoint(&f, &k, m.count);
        everything_compare(&f, kind);
        uint64_t degree = 0;
        for (uint64_t i = 0; i < NODES; i++) {
            uint64_t d;
            assert_int_equal(wg_topology_degree(f.topology, WG_DIRECTION_OUT, node_of(kind, i), &d, NULL), WG_OK);
            degree += d;
        }
        assert_int_equal(degree, 5);
        wg_topology_destroy(f.topology);
        f.topology = NULL;
        wg_epoch_collect(f.epoch);
        kit_close(&k);
        fixture_close(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joined_runs_read_as_the_runs_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
