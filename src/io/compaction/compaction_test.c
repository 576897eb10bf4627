/* Tests of the policy and the pacer: exact jobs for small sets of stripes, ends of long runs, and independence of order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/core/test_seed.h"
#include "io/compaction/compaction.h"

enum { MANY = 400, STEPS_MAX = 5000 };
#define MIB (UINT64_C(1) << 20)

static const wg_compaction_policy defaults = {0};

/* A stripe whose keys are first..last, as big-endian numbers in the last bytes. */
static wg_compaction_file file(uint64_t id, uint32_t level, uint64_t bytes, uint32_t first, uint32_t last) {
    wg_compaction_file f = {.id = id, .level = level, .bytes = bytes, .rows = 100};
    for (int i = 0; i < 4; i++) {
        f.first[24 + i] = (uint8_t)(first >> (24 - 8 * i));
        f.last[24 + i] = (uint8_t)(last >> (24 - 8 * i));
    }
    return f;
}

static uint32_t key_of(const uint8_t *bytes) {
    return (uint32_t)bytes[24] << 24 | (uint32_t)bytes[25] << 16 | (uint32_t)bytes[26] << 8 | bytes[27];
}

static wg_compaction_job pick(const wg_compaction_file *files, uint32_t count, bool everything) {
    wg_compaction_job job;
    wg_compaction_pick(&defaults, files, count, everything, &job);
    return job;
}

static void expect(const wg_compaction_job *job, wg_compaction_trigger trigger, uint32_t level, uint32_t output_level,
                   const uint64_t *inputs, uint32_t count) {
    assert_int_equal(job->trigger, trigger);
    assert_int_equal(job->level, level);
    assert_int_equal(job->output_level, output_level);
    assert_int_equal(job->input_count, count);
    for (uint32_t i = 0; i < count; i++) assert_int_equal(job->inputs[i], inputs[i]);
}

static void test_policy_levels_grow_by_ten_from_ten_files(void **state) {
    /* Goal: 64 MiB stripes, 640 MiB in level 1, ten times more in each; the first and the last level have no target. */
    (void)state;
    uint64_t target = 640 * MIB;
    for (uint32_t level = 1; level < WG_LEVELS - 1; level++, target *= 10)
        assert_int_equal(wg_compaction_level_bytes(&defaults, level), target);
    assert_int_equal(wg_compaction_level_bytes(&defaults, 0), UINT64_MAX);
    assert_int_equal(wg_compaction_level_bytes(&defaults, 6), UINT64_MAX);
    const wg_compaction_policy huge = {.file_bytes = UINT64_MAX / 2};
    assert_int_equal(wg_compaction_level_bytes(&huge, 1), UINT64_MAX);
    const wg_compaction_policy large = {.level_bytes = UINT64_MAX / 50};
    assert_int_equal(wg_compaction_level_bytes(&large, 3), UINT64_MAX);
    static const char *const names[] = {"nothing", "read_amplification", "level_size", "tombstones", "manual",
                                        "runs"};
    for (int i = 0; i < 6; i++) assert_string_equal(wg_compaction_trigger_name((wg_compaction_trigger)i), names[i]);
}

static void test_policy_nothing_is_due_at_the_limits(void **state) {
    /* Goal: every trigger waits until its limit is passed, not reached. */
    (void)state;
    wg_compaction_file files[6] = {0};
    assert_int_equal(pick(files, 0, false).trigger, WG_COMPACT_NOTHING);
    assert_int_equal(pick(files, 0, true).trigger, WG_COMPACT_NOTHING);
    for (uint32_t i = 0; i < 4; i++) files[i] = file(i + 1, 0, MIB, 0, 9);
    files[4] = file(9, 1, 640 * MIB, 0, 9);
    files[5] = file(10, 6, UINT64_MAX / 2, 0, 9);
    files[5].dead_rows = 25;
    assert_int_equal(pick(files, 6, false).trigger, WG_COMPACT_NOTHING);
}

static void test_policy_too_many_level0_stripes_go_down_with_what_they_overlap(void **state) {
    /* Goal: READ_AMPLIFICATION takes all of level 0 and exactly the overlapping stripes of level 1. */
    (void)state;
    const wg_compaction_file files[] = {file(21, 1, MIB, 0, 9),  file(22, 1, MIB, 10, 19), file(23, 1, MIB, 30, 39),
                                        file(5, 0, MIB, 12, 14), file(4, 0, MIB, 11, 16),  file(3, 0, MIB, 13, 13),
                                        file(2, 0, MIB, 12, 29), file(1, 0, MIB, 12, 12)};
    const wg_compaction_job job = pick(files, 8, false);
    expect(&job, WG_COMPACT_READ_AMPLIFICATION, 0, 1, (const uint64_t[]){1, 2, 3, 4, 5, 22}, 6);
    assert_int_equal(job.input_bytes, 6 * MIB);
    assert_int_equal(job.output_bytes, 64 * MIB);
    assert_false(job.move);
}

static void test_policy_the_fullest_level_goes_down_by_its_cheapest_stripe(void **state) {
    /* Goal: LEVEL_SIZE takes the level that is furthest over its target, and of it the stripe with the least overlap. */
    (void)state;
    const wg_compaction_file files[] = {
        file(1, 1, 700 * MIB, 0, 9),    file(2, 2, 4000 * MIB, 0, 4), file(3, 2, 4000 * MIB, 5, 9),
        file(4, 2, 4000 * MIB, 10, 14), file(5, 3, 1000 * MIB, 0, 2), file(6, 3, 900 * MIB, 6, 6),
        file(7, 3, 1000 * MIB, 11, 12),
    };
    const wg_compaction_job job = pick(files, 7, false);
    expect(&job, WG_COMPACT_LEVEL_SIZE, 2, 3, (const uint64_t[]){3, 6}, 2);
    /* Without the stripes of level 3 there is nothing to copy; of equal costs the lower id goes. */
    const wg_compaction_job moved = pick(files, 4, false);
    expect(&moved, WG_COMPACT_LEVEL_SIZE, 2, 3, (const uint64_t[]){2}, 1);
    assert_true(moved.move);
}

static void test_policy_triggers_have_an_order(void **state) {
    /* Goal: read amplification before level size before tombstones. */
    (void)state;
    wg_compaction_file files[7];
    for (uint32_t i = 0; i < 5; i++) files[i] = file(i + 1, 0, MIB, 0, 1);
    files[5] = file(6, 1, 641 * MIB, 5, 9);
    files[6] = file(7, 3, MIB, 5, 9);
    files[6].dead_rows = 26;
    assert_int_equal(pick(files, 7, false).trigger, WG_COMPACT_READ_AMPLIFICATION);
    assert_int_equal(pick(files + 1, 6, false).trigger, WG_COMPACT_LEVEL_SIZE);
    const wg_compaction_job job = pick(files + 6, 1, false);
    expect(&job, WG_COMPACT_TOMBSTONES, 3, 3, (const uint64_t[]){7}, 1);
    assert_false(job.move);
}

static void test_policy_rewrites_the_stripe_with_the_most_tombstones(void **state) {
    /* Goal: the highest share of dead rows, not the highest number; ties by id. */
    (void)state;
    wg_compaction_file files[4];
    for (uint32_t i = 0; i < 4; i++) files[i] = file(4 - i, 2, MIB, i, i);
    files[0].dead_rows = 90;
    files[0].rows = 200;
    files[1].dead_rows = 50;
    files[2].dead_rows = 100;
    files[2].rows = 200;
    const wg_compaction_job job = pick(files, 4, false);
    expect(&job, WG_COMPACT_TOMBSTONES, 2, 2, (const uint64_t[]){2}, 1);
    wg_compaction_policy patient = {.tombstone_percent = 50};
    wg_compaction_job none;
    wg_compaction_pick(&patient, files, 4, false, &none);
    assert_int_equal(none.trigger, WG_COMPACT_NOTHING);
}

static void test_policy_cuts_a_stripe_that_overlaps_too_much(void **state) {
    /* Goal: a job never reads more than its limit; one stripe across 100 is cut in its own level instead. */
    (void)state;
    wg_compaction_file files[105];
    for (uint32_t i = 0; i < 100; i++) files[i] = file(i + 100, 2, MIB, i, i);
    files[100] = file(1, 1, 641 * MIB, 0, 99);
    wg_compaction_job job = pick(files, 101, false);
    expect(&job, WG_COMPACT_LEVEL_SIZE, 1, 1, (const uint64_t[]){1}, 1);
    assert_int_equal(job.output_bytes, 8 * MIB);
    job = pick(files, 101, true);
    expect(&job, WG_COMPACT_MANUAL, 1, 1, (const uint64_t[]){1}, 1);
    /* 63 overlapping ones fit beside it. */
    files[100] = file(1, 1, 641 * MIB, 0, 62);
    job = pick(files, 101, false);
    assert_int_equal(job.input_count, WG_COMPACTION_INPUTS_MAX);
    /* Level 0: only as many as fit, the oldest first. */
    for (uint32_t i = 0; i < 5; i++) files[100 + i] = file(i + 1, 0, MIB, i == 3 ? 0 : 40, i == 3 ? 99 : 50);
    for (uint32_t i = 0; i < 100; i++) files[i].level = 1;
    job = pick(files, 105, false);
    assert_int_equal(job.trigger, WG_COMPACT_READ_AMPLIFICATION);
    assert_int_equal(job.input_count, 3 + 11);
    assert_int_equal(job.inputs[2], 3);
    assert_int_equal(job.inputs[3], 140);
    /* A level that is not disjoint, with one key everywhere, cannot be helped: no endless work. */
    for (uint32_t i = 0; i < 100; i++) files[i] = file(i + 100, 2, MIB, 7, 7);
    files[100] = file(1, 1, 641 * MIB, 7, 7);
    job = pick(files, 101, false);
    assert_int_equal(job.trigger, WG_COMPACT_NOTHING);
}

static void test_policy_bottom_means_that_nothing_else_overlaps(void **state) {
    /* Goal: the question whether empty slots may vanish is answered over all levels. */
    (void)state;
    const wg_compaction_file files[] = {file(1, 0, 1, 10, 20), file(2, 1, 1, 30, 40), file(3, 3, 1, 15, 35),
                                        file(4, 2, 1, 41, 50)};
    wg_compaction_job job = {.input_count = 2, .inputs = {1, 3}};
    assert_false(wg_compaction_is_bottom(files, 4, &job)); /* 2 lies within 10..35 */
    job = (wg_compaction_job){.input_count = 3, .inputs = {1, 2, 3}};
    assert_true(wg_compaction_is_bottom(files, 4, &job));
    job = (wg_compaction_job){.input_count = 1, .inputs = {9}};
    assert_false(wg_compaction_is_bottom(files, 4, &job));
}

/* ---- whole runs: jobs are carried out on the descriptions */

typedef struct store {
    wg_compaction_file files[MANY];
    uint32_t count;
    uint64_t next_id;
} store;

static int by_key(const wg_compaction_file *a, const wg_compaction_file *b) {
    return memcmp(a->first, b->first, sizeof a->first);
}

/* What a merge would do: the ranges of the inputs become stripes of output_bytes in the output level, without dead rows. */
static void carry_out(store *s, const wg_compaction_job *job) {
    uint32_t first = UINT32_MAX;
    uint32_t last = 0;
    uint64_t bytes = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        bool input = false;
        for (uint32_t k = 0; k < job->input_count; k++) input = input || job->inputs[k] == s->files[i].id;
        if (input && job->move) s->files[i].level = job->output_level;
        if (!input || job->move) {
            s->files[kept++] = s->files[i];
            continue;
        }
        first = (uint32_t)wg_min_u64(first, key_of(s->files[i].first));
        last = (uint32_t)wg_max_u64(last, key_of(s->files[i].last));
        bytes += s->files[i].bytes;
    }
    s->count = kept;
    if (job->move) return;
    const uint32_t span = last - first + 1;
    uint32_t parts = (uint32_t)(bytes / job->output_bytes) + 1;
    if (parts > span) parts = span;
    for (uint32_t i = 0; i < parts; i++) {
        assert_true(s->count < MANY);
        const uint32_t a = first + (uint32_t)((uint64_t)span * i / parts);
        const uint32_t b = first + (uint32_t)((uint64_t)span * (i + 1) / parts) - 1;
        s->files[s->count++] = file(s->next_id++, job->output_level, bytes / parts, a, b);
    }
}

static void check_disjoint(store *s) {
    for (uint32_t i = 0; i < s->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (s->files[i].level == s->files[k].level && s->files[i].level > 0)
                assert_true(by_key(&s->files[i], &s->files[k]) < 0
                                ? memcmp(s->files[i].last, s->files[k].first, 28) < 0
                                : memcmp(s->files[k].last, s->files[i].first, 28) < 0);
}

static void test_policy_everything_ends_in_one_level_without_tombstones(void **state) {
    /* Goal: MANUAL comes to an end from any state, with one level left and nothing dead, and never breaks a level. */
    (void)state;
    static store s;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(7));
    for (int round = 0; round < 60; round++) {
        s.count = 0;
        s.next_id = 1000;
        const uint32_t levels = (uint32_t)wg_rng_below(&rng, WG_LEVELS) + 1;
        for (uint32_t level = 0; level < levels; level++) {
            uint32_t key = 0;
            const uint32_t n = (uint32_t)wg_rng_below(&rng, level == 0 ? 12 : 80);
            for (uint32_t i = 0; i < n && s.count < MANY - 100; i++) {
                const uint32_t a = level == 0 ? (uint32_t)wg_rng_below(&rng, 500) : key;
                const uint32_t b = a + (uint32_t)wg_rng_below(&rng, level == 0 ? 4000 : 60);
                s.files[s.count] = file(s.count + 1, level, wg_rng_below(&rng, 64 * MIB) + 1, a, b);
                s.files[s.count++].dead_rows = wg_rng_below(&rng, 3) == 0 ? wg_rng_below(&rng, 100) : 0;
                key = b + 1;
            }
        }
        wg_compaction_job job = {0};
        int steps = 0;
        for (; (job = pick(s.files, s.count, true)).trigger != WG_COMPACT_NOTHING; steps++) {
            assert_true(steps < STEPS_MAX);
            assert_true(job.input_count >= 1 && job.input_count <= WG_COMPACTION_INPUTS_MAX);
            carry_out(&s, &job);
            check_disjoint(&s);
        }
        for (uint32_t i = 0; i < s.count; i++) {
            assert_int_equal(s.files[i].level, s.files[0].level);
            assert_true(s.files[i].level > 0);
            assert_int_equal(s.files[i].dead_rows, 0);
        }
    }
}

static void test_policy_checkpoints_keep_every_level_near_its_target(void **state) {
    /* Goal: with small stripes seven levels fill one after the other, and automatic jobs alone bring all to rest. */
    (void)state;
    static store s;
    s.count = 0;
    s.next_id = 1;
    const wg_compaction_policy small = {.file_bytes = 10, .level_bytes = 40, .level0_files = 2};
    uint32_t deepest = 0;
    for (int checkpoint = 0; checkpoint < 120; checkpoint++) {
        s.files[s.count++] = file(s.next_id++, 0, 20, (uint32_t)checkpoint * 7, (uint32_t)checkpoint * 7 + 10);
        wg_compaction_job job;
        for (int steps = 0;; steps++) {
            assert_true(steps < STEPS_MAX);
            wg_compaction_pick(&small, s.files, s.count, false, &job);
            if (job.trigger == WG_COMPACT_NOTHING) break;
            carry_out(&s, &job);
            check_disjoint(&s);
        }
        uint64_t bytes[WG_LEVELS] = {0};
        for (uint32_t i = 0; i < s.count; i++) {
            bytes[s.files[i].level] += s.files[i].bytes;
            deepest = s.files[i].level > deepest ? s.files[i].level : deepest;
        }
        for (uint32_t level = 1; level < WG_LEVELS; level++)
            assert_true(bytes[level] <= wg_compaction_level_bytes(&small, level));
    }
    assert_true(deepest >= 3);
}

static void test_policy_answer_does_not_depend_on_the_order_of_stripes(void **state) {
    /* Goal: any permutation of the stripes gives the same job. */
    (void)state;
    static wg_compaction_file files[60];
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(99));
    for (int round = 0; round < 200; round++) {
        const uint32_t count = (uint32_t)wg_rng_below(&rng, 59) + 1;
        uint32_t key = 0;
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t level = (uint32_t)wg_rng_below(&rng, 4);
            files[i] = file(i + 1, level, wg_rng_below(&rng, 400 * MIB), key, key + 3);
            files[i].dead_rows = wg_rng_below(&rng, 60);
            key += level == 0 ? 0 : 4;
        }
        for (int everything = 0; everything < 2; everything++) {
            const wg_compaction_job job = pick(files, count, everything == 1);
            for (int shuffle = 0; shuffle < 5; shuffle++) {
                for (uint32_t i = count - 1; i > 0; i--) {
                    const uint32_t other = (uint32_t)wg_rng_below(&rng, i + 1);
                    const wg_compaction_file f = files[i];
                    files[i] = files[other];
                    files[other] = f;
                }
                const wg_compaction_job again = pick(files, count, everything == 1);
                expect(&again, job.trigger, job.level, job.output_level, job.inputs, job.input_count);
                assert_int_equal(again.move, job.move);
                assert_int_equal(again.input_bytes, job.input_bytes);
            }
        }
    }
}

/* ---- runs */

static wg_compaction_run run_of(uint64_t owner, uint64_t bytes, uint32_t first, uint32_t last) {
    const wg_compaction_file f = file(0, 0, 0, first, last);
    wg_compaction_run r = {.owner = owner, .bytes = bytes};
    memcpy(r.first, f.first, sizeof r.first);
    memcpy(r.last, f.last, sizeof r.last);
    return r;
}

static wg_compaction_job pick_runs(const wg_compaction_file *files, uint32_t file_count,
                                   const wg_compaction_run *runs, uint32_t run_count, uint64_t *owner) {
    const wg_compaction_policy policy = {.runs_max = 3};
    wg_compaction_job job;
    *owner = 0;
    wg_compaction_pick_runs(&policy, files, file_count, runs, run_count, &job, owner);
    return job;
}

static void test_policy_joins_the_cheapest_neighbours_of_too_many_runs(void **state) {
    /* Goal: RUNS waits for the limit to be passed, takes the neighbours that cost least for the number that goes, and writes to their deepest
     * level, with what lies between them there; level 0 and runs that reach into it stay; nothing hangs on the order of stripes. */
    (void)state;
    uint64_t owner;
    /* Five runs at 10, 20, ... in levels 3, 2, 2, 1, 1; between the third and the fourth a stripe of level 2 without a run. */
    const wg_compaction_file files[] = {file(1, 3, MIB, 10, 11), file(2, 2, MIB, 20, 21), file(3, 2, MIB, 30, 31),
                                        file(4, 2, MIB, 33, 34), file(5, 1, MIB, 38, 44), file(6, 1, MIB, 50, 51),
                                        file(7, 0, MIB, 0, 99)};
    wg_compaction_run runs[] = {run_of(7, 1000, 10, 11), run_of(7, 100, 20, 21), run_of(7, 60, 30, 31),
                                run_of(7, 40, 40, 41),   run_of(7, 90, 50, 51),  run_of(8, 1, 60, 61)};
    assert_int_equal(pick_runs(files, 7, runs + 2, 4, &owner).trigger, WG_COMPACT_NOTHING);
    wg_compaction_job job = pick_runs(files, 7, runs, 6, &owner);
    assert_int_equal(owner, 7);
    expect(&job, WG_COMPACT_RUNS, 1, 2, (const uint64_t[]){2, 3, 4, 5, 6}, 5); /* 290 bytes for three runs */
    assert_false(job.move);
    runs[2].fixed = true;
    job = pick_runs(files, 7, runs, 6, &owner);
    expect(&job, WG_COMPACT_RUNS, 1, 1, (const uint64_t[]){5, 6}, 2);
    runs[3].fixed = true;
    job = pick_runs(files, 7, runs, 6, &owner);
    expect(&job, WG_COMPACT_RUNS, 2, 3, (const uint64_t[]){1, 2}, 2);
    runs[0].fixed = true;
    assert_int_equal(pick_runs(files, 7, runs, 6, &owner).trigger, WG_COMPACT_NOTHING);
    for (int i = 0; i < 5; i++) runs[i].fixed = false;
    wg_compaction_file turned[7];
    for (int i = 0; i < 7; i++) turned[i] = files[6 - i];
    const wg_compaction_job same = pick_runs(turned, 7, runs, 6, &owner);
    job = pick_runs(files, 7, runs, 6, &owner);
    assert_memory_equal(&same, &job, sizeof job);
}

static void test_policy_rewrites_runs_with_dead_entries(void **state) {
    /* Goal: an owner with too many dead entries has all its runs rewritten, one too; those of one that lies in level 0 wait. */
    (void)state;
    uint64_t owner;
    const wg_compaction_file files[] = {file(1, 2, MIB, 10, 19), file(2, 1, MIB, 20, 29), file(3, 0, MIB, 30, 39)};
    wg_compaction_run runs[] = {run_of(4, 10, 5, 6), run_of(7, 1000, 10, 11), run_of(7, 100, 20, 21),
                                run_of(7, 1, 30, 31)};
    for (int i = 1; i < 4; i++) runs[i].dead = true;
    runs[3].fixed = true;
    wg_compaction_job job = pick_runs(files, 3, runs, 4, &owner);
    assert_int_equal(owner, 7);
    expect(&job, WG_COMPACT_RUNS, 1, 2, (const uint64_t[]){1, 2}, 2);
    runs[1].fixed = true;
    job = pick_runs(files, 3, runs, 4, &owner);
    expect(&job, WG_COMPACT_RUNS, 1, 1, (const uint64_t[]){2}, 1);
    runs[2].fixed = true;
    assert_int_equal(pick_runs(files, 3, runs, 4, &owner).trigger, WG_COMPACT_NOTHING);
}

static void test_policy_joins_some_runs_where_all_are_too_many(void **state) {
    /* Goal: a job of RUNS reads as many stripes as any other at most. */
    (void)state;
    static wg_compaction_file files[MANY];
    static wg_compaction_run runs[MANY];
    uint64_t owner;
    for (uint32_t i = 0; i < MANY; i++) {
        files[i] = file(i + 1, 1, MIB, 10 * i, 10 * i + 9);
        runs[i] = run_of(1, 100, 10 * i, 10 * i + 1);
        runs[i].dead = true;
    }
    const wg_compaction_job job = pick_runs(files, MANY, runs, MANY, &owner);
    assert_int_equal(job.trigger, WG_COMPACT_RUNS);
    assert_in_range(job.input_count, 2, WG_COMPACTION_INPUTS_MAX);
}

static void test_policy_joins_runs_for_a_price_that_grows_slowly(void **state) {
    /* Goal: a thousand runs that come one by one never stand beside one another in number, and each byte is rewritten few times. */
    (void)state;
    enum { COMING = 1000, LIMIT = 6 };
    const wg_compaction_policy policy = {.runs_max = LIMIT};
    wg_compaction_run runs[LIMIT + 2];
    wg_compaction_file files[LIMIT + 2];
    uint32_t count = 0;
    uint64_t rewritten = 0;
    for (uint32_t i = 0; i < COMING; i++) {
        runs[count] = run_of(1, 100, 10 * i, 10 * i + 9);
        files[count] = file(i + 1, 1, 100, 10 * i, 10 * i + 9);
        count++;
        wg_compaction_job job;
        uint64_t owner;
        wg_compaction_pick_runs(&policy, files, count, runs, count, &job, &owner);
        assert_int_equal(job.trigger, count > LIMIT ? WG_COMPACT_RUNS : WG_COMPACT_NOTHING);
        if (job.trigger == WG_COMPACT_NOTHING) continue;
        uint32_t first = 0;
        while (files[first].id != job.inputs[0]) first++;
        const uint32_t gone = job.input_count - 1;
        for (uint32_t k = 1; k <= gone; k++) {
            runs[first].bytes += runs[first + k].bytes;
            memcpy(runs[first].last, runs[first + k].last, sizeof runs[first].last);
        }
        memcpy(files[first].last, runs[first].last, sizeof files[first].last);
        rewritten += runs[first].bytes;
        memmove(&runs[first + 1], &runs[first + 1 + gone], (count - first - 1 - gone) * sizeof *runs);
        memmove(&files[first + 1], &files[first + 1 + gone], (count - first - 1 - gone) * sizeof *files);
        count -= gone;
        assert_true(count <= LIMIT);
    }
    assert_true(rewritten < 7 * (uint64_t)COMING * 100);
}

/* ---- pacer */

static void test_pacer_spaces_bytes_at_the_rate_of_the_level(void **state) {
    /* Goal: a megabyte at a megabyte a second takes a second, levels do not share, idle time is not saved up. */
    (void)state;
    static wg_pacer pacer;
    const wg_compaction_policy policy = {.bytes_per_second = {0, 1000000, 500000}};
    assert_int_equal(wg_pacer_wait_ns(&pacer, &policy, 0, UINT64_MAX, 5), 0);
    assert_int_equal(wg_pacer_wait_ns(&pacer, &policy, 1, 1000000, 1000), 0);
    assert_int_equal(wg_pacer_wait_ns(&pacer, &policy, 1, 500000, 1000), 1000000000);
    assert_int_equal(wg_pacer_wait_ns(&pacer, &policy, 1, 500000, 2000), 1499999000);
    assert_int_equal(wg_pacer_wait_ns(&pacer, &policy, 2, 1, 1000), 0);
    assert_int_equal(wg_pacer_wait_ns(&pacer, &policy, 2, 1, 1000), 2000);
    assert_int_equal(wg_pacer_wait_ns(&pacer, &policy, 1, 1, UINT64_C(9000000000)), 0);
    assert_int_equal(wg_pacer_wait_ns(&pacer, &policy, 1, 1, UINT64_C(9000000000)), 1000);
}

static void test_pacer_paused_waits_for_ever_and_counts_nothing(void **state) {
    /* Goal: a pause stops every level, and afterwards it is as if nobody had asked. */
    (void)state;
    static wg_pacer pacer;
    const wg_compaction_policy policy = {.bytes_per_second = {0, 1}};
    atomic_store(&pacer.paused, true);
    assert_true(wg_pacer_wait_ns(&pacer, &policy, 0, 1, 0) == UINT64_MAX);
    assert_true(wg_pacer_wait_ns(&pacer, &policy, 1, 1000, 0) == UINT64_MAX);
    atomic_store(&pacer.paused, false);
    assert_int_equal(wg_pacer_wait_ns(&pacer, &policy, 1, UINT64_MAX, 0), 0);
    assert_true(wg_pacer_wait_ns(&pacer, &policy, 1, 1, 0) == UINT64_MAX / 4);
}

typedef struct asker {
    wg_thread thread;
    wg_pacer *pacer;
    uint64_t longest;
} asker;

static void ask(void *arg) {
    asker *self = arg;
    const wg_compaction_policy policy = {.bytes_per_second = {1000000000}};
    for (int i = 0; i < 1000; i++)
        self->longest = wg_max_u64(self->longest, wg_pacer_wait_ns(self->pacer, &policy, 0, 3, 0));
}

static void test_pacer_threads_share_one_rate(void **state) {
    /* Goal: no byte is given away twice: after 4,000 askings of 3 bytes the last one waits for all before it. */
    (void)state;
    static wg_pacer pacer;
    asker askers[4] = {0};
    for (int i = 0; i < 4; i++) {
        askers[i].pacer = &pacer;
        assert_int_equal(wg_thread_start(&askers[i].thread, ask, &askers[i], NULL), WG_OK);
    }
    uint64_t longest = 0;
    for (int i = 0; i < 4; i++) {
        wg_thread_join(&askers[i].thread);
        longest = wg_max_u64(longest, askers[i].longest);
    }
    assert_int_equal(longest, 3999 * 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_joins_runs_for_a_price_that_grows_slowly),
        cmocka_unit_test(test_policy_joins_some_runs_where_all_are_too_many),
        cmocka_unit_test(test_policy_rewrites_runs_with_dead_entries),
        cmocka_unit_test(test_policy_joins_the_cheapest_neighbours_of_too_many_runs),
        cmocka_unit_test(test_policy_levels_grow_by_ten_from_ten_files),
        cmocka_unit_test(test_policy_nothing_is_due_at_the_limits),
        cmocka_unit_test(test_policy_too_many_level0_stripes_go_down_with_what_they_overlap),
        cmocka_unit_test(test_policy_the_fullest_level_goes_down_by_its_cheapest_stripe),
        cmocka_unit_test(test_policy_triggers_have_an_order),
        cmocka_unit_test(test_policy_rewrites_the_stripe_with_the_most_tombstones),
        cmocka_unit_test(test_policy_cuts_a_stripe_that_overlaps_too_much),
        cmocka_unit_test(test_policy_bottom_means_that_nothing_else_overlaps),
        cmocka_unit_test(test_policy_everything_ends_in_one_level_without_tombstones),
        cmocka_unit_test(test_policy_checkpoints_keep_every_level_near_its_target),
        cmocka_unit_test(test_policy_answer_does_not_depend_on_the_order_of_stripes),
        cmocka_unit_test(test_pacer_spaces_bytes_at_the_rate_of_the_level),
        cmocka_unit_test(test_pacer_paused_waits_for_ever_and_counts_nothing),
        cmocka_unit_test(test_pacer_threads_share_one_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
