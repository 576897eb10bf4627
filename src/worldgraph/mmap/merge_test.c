/* Tests of merging: exact small cases, refusals, failures and stops. The model of a store is in merge_model_test.c. */
#include "worldgraph/mmap/mmap_kit.h"

enum { NAME_COLUMN = 3 };

/* ---- running jobs */

static wg_merge_output merge_all(kit *k, uint64_t horizon, bool bottom) {
    wg_compaction_job job = {.output_level = 1};
    for (uint32_t i = 0; i < wg_stripe_set_count(k->set); i++)
        job.inputs[job.input_count++] = wg_stripe_set_entry(k->set, i).id;
    const wg_merge_input input = {.set = k->set, .job = &job, .horizon = horizon, .bottom = bottom};
    wg_merge_output out;
    run_job(k, &input, 0, &out);
    wg_buf_deinit(&out.stripes);
    return out;
}

/* ---- rows */

static void put_rows(kit *k, wg_fragment_key key, uint64_t version, uint32_t rows, const uint64_t *begins,
                     const uint64_t *ends) {
    uint64_t ids[8];
    wg_str names[8];
    uint64_t valid = 0xfd; /* the second name is missing */
    static const char text[] = "abcdefghij";
    for (uint32_t i = 0; i < rows; i++) {
        ids[i] = 100 + i;
        names[i] = (wg_str){text, i};
    }
    const wg_fragment_head head = {.key = key, .version = version, .row_count = rows, .attributes = {rows, 7}};
    wg_stripe_sink sink = kit_sink(k, 0, 0);
    const wg_stripe_column columns[] = {
        {NAME_COLUMN, {.type = WG_TYPE_STRING, .data = names, .valid = (const uint8_t *)&valid}},
        {WG_COLUMN_ID, {.type = WG_TYPE_NODE, .data = ids}},
        {WG_COLUMN_BEGIN, {.type = WG_TYPE_NODE, .data = begins}},
        {WG_COLUMN_END, {.type = WG_TYPE_NODE, .data = ends}}};
    assert_int_equal(wg_stripe_sink_add(&sink, &head, columns, ends == NULL ? 3 : 4, NULL), WG_OK);
    kit_publish(k, &sink);
}

static void put_ends(kit *k, wg_fragment_key key, uint64_t version, uint32_t rows, const uint64_t *ordinals,
                     const uint64_t *ends) {
    const wg_fragment_head head = {.key = key, .version = version, .row_count = rows};
    wg_stripe_sink sink = kit_sink(k, 0, 0);
    const kit_column columns[] = {{.id = WG_COLUMN_ROW, .cells = ordinals}, {.id = WG_COLUMN_END, .cells = ends}};
    kit_add(&sink, &head, columns, 2);
    kit_publish(k, &sink);
}

static const uint64_t never = WG_LOGSEQ_NEVER;

static void test_merge_folds_ends_and_drops_dead_rows(void **state) {
    /* Goal: newer ends are matched by ordinal, rows that ended at the horizon go, the rest keeps its place, cells and attributes. */
    (void)state;
    kit k;
    kit_open(&k);
    const uint64_t begins[] = {1, 1, 1, 2, never, 2};
    const uint64_t ends[] = {never, 3, never, never, never, never};
    put_rows(&k, slot_key(0, 4, 0), 5, 6, begins, ends);
    put_ends(&k, slot_key(0, 4, 1), 7, 3, (const uint64_t[]){0, 1, 3}, (const uint64_t[]){6, 3, 7});
    wg_compaction_file file;
    assert_int_equal(wg_stripe_set_describe(k.set, 0, 6, &file, NULL), WG_OK);
    assert_int_equal(file.rows, 6);
    assert_int_equal(file.dead_rows, 3);
    const wg_merge_output out = merge_all(&k, 6, true);
    assert_int_equal(out.rows_dropped, 3); /* ended at 3, at 6, rolled back */
    assert_int_equal(out.fragments_dropped, 0);
    assert_true(out.bytes_read > 0);
    assert_int_equal(out.bytes_written, wg_stripe_set_entry(k.set, 0).bytes);
    uint64_t position = 0;
    const wg_fragment *f = wg_stripe_set_next(k.set, &position);
    assert_null(wg_stripe_set_next(k.set, &position));
    assert_int_equal(f->head.version, 7);
    assert_int_equal(f->head.row_count, 3);
    assert_int_equal(f->head.attributes[0], 6);
    assert_int_equal(f->head.attributes[1], 7);
    static const uint64_t ordinals[] = {2, 3, 5};
    static const uint64_t left[] = {WG_LOGSEQ_NEVER, 7, WG_LOGSEQ_NEVER};
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(kit_number(f, WG_COLUMN_ROW, i), ordinals[i]);
        assert_int_equal(kit_number(f, WG_COLUMN_ID, i), 100 + ordinals[i]);
        assert_true(kit_number(f, WG_COLUMN_END, i) == left[i]);
        wg_value name;
        assert_int_equal(wg_fragment_cell(f, wg_fragment_column_of(f, NAME_COLUMN), i, &arena, &name, NULL), WG_OK);
        assert_int_equal(name.type, WG_TYPE_STRING);
        assert_int_equal(name.size, ordinals[i]);
        assert_memory_equal(name.as.s, "abcdefghij", ordinals[i]);
    }
    wg_arena_deinit(&arena);
    assert_int_equal(wg_stripe_set_describe(k.set, 0, 6, &file, NULL), WG_OK);
    assert_int_equal(file.dead_rows, 0);
    assert_int_equal(file.level, 1);
    kit_close(&k);
}

static void test_merge_copies_what_needs_no_change(void **state) {
    /* Goal: without a horizon and newer ends a fragment is written as it was, nulls included, and END stays absent. */
    (void)state;
    kit k;
    kit_open(&k);
    const uint64_t begins[] = {1, 2, 3};
    put_rows(&k, slot_key(0, 4, 0), 5, 3, begins, NULL);
    const wg_merge_output out = merge_all(&k, 0, true);
    assert_int_equal(out.rows_dropped, 0);
    uint64_t position = 0;
    const wg_fragment *f = wg_stripe_set_next(k.set, &position);
    assert_int_equal(f->head.version, 5);
    assert_int_equal(f->column_count, 3);
    assert_int_equal(f->columns[0].null_count, 1);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(kit_number(f, WG_COLUMN_BEGIN, i), begins[i]);
    kit_close(&k);
}

static void test_merge_keeps_an_empty_slot_that_hides_an_older_one(void **state) {
    /* Goal: a slot without rows vanishes only at the bottom, and even there only if no other stripe holds it. */
    (void)state;
    kit k;
    kit_open(&k);
    const uint64_t begins[] = {1, 1};
    const uint64_t ends[] = {2, 3};
    put_rows(&k, slot_key(0, 4, 0), 1, 2, begins, NULL);
    put_rows(&k, slot_key(0, 4, 0), 5, 2, begins, ends);
    const wg_fragment_key key = slot_key(0, 4, 0);
    for (int bottom = 0; bottom < 2; bottom++) {
        const uint64_t newest = wg_stripe_set_entry(k.set, 1).id;
        const wg_compaction_job job = job_of(&newest, 1, 0);
        const wg_merge_input input = {.set = k.set, .job = &job, .horizon = 9, .bottom = bottom == 1};
        wg_merge_output out;
        run_job(&k, &input, 0, &out);
        wg_buf_deinit(&out.stripes);
        const wg_fragment *f = wg_stripe_set_find(k.set, &key);
        assert_non_null(f);
        assert_int_equal(f->head.version, 5);
        assert_int_equal(f->head.row_count, 0);
        assert_int_equal(f->head.attributes[0], 2);
        assert_int_equal(wg_fragment_column_of(f, NAME_COLUMN), UINT32_MAX);
        assert_true(wg_fragment_column_of(f, WG_COLUMN_ID) != UINT32_MAX);
        assert_true(wg_fragment_column_of(f, WG_COLUMN_BEGIN) != UINT32_MAX);
    }
    wg_compaction_file file;
    assert_int_equal(wg_stripe_set_describe(k.set, 0, 0, &file, NULL), WG_OK);
    assert_int_equal(file.dead_rows, 2); /* replaced as a whole */
    const wg_merge_output out = merge_all(&k, 9, true);
    assert_int_equal(out.fragments_dropped, 1);
    assert_int_equal(wg_stripe_set_count(k.set), 0);
    kit_close(&k);
}

static void test_merge_keeps_ends_whose_rows_are_no_input(void **state) {
    /* Goal: part 1 alone is copied; part 0 alone takes in the part 1 that lies elsewhere, which then counts no more. */
    (void)state;
    kit k;
    kit_open(&k);
    const uint64_t begins[] = {1, 1};
    put_rows(&k, slot_key(0, 4, 0), 5, 2, begins, NULL);
    put_ends(&k, slot_key(0, 4, 1), 7, 1, (const uint64_t[]){1}, (const uint64_t[]){6});
    const wg_fragment_key rows = slot_key(0, 4, 0);
    const wg_fragment_key ends = slot_key(0, 4, 1);
    uint64_t id = wg_stripe_set_entry(k.set, 1).id;
    wg_compaction_job job = job_of(&id, 1, 1);
    wg_merge_input input = {.set = k.set, .job = &job, .horizon = 0, .bottom = true};
    wg_merge_output out;
    run_job(&k, &input, 0, &out);
    wg_buf_deinit(&out.stripes);
    assert_int_equal(kit_number(wg_stripe_set_find(k.set, &ends), WG_COLUMN_END, 0), 6);
    id = wg_stripe_set_entry(k.set, 0).id;
    job = job_of(&id, 1, 1);
    run_job(&k, &input, 0, &out);
    wg_buf_deinit(&out.stripes);
    assert_null(wg_stripe_set_find(k.set, &ends));
    const wg_fragment *f = wg_stripe_set_find(k.set, &rows);
    assert_int_equal(f->head.version, 7);
    assert_int_equal(wg_fragment_column_of(f, WG_COLUMN_ROW), UINT32_MAX); /* no row is missing */
    assert_true(kit_number(f, WG_COLUMN_END, 0) == WG_LOGSEQ_NEVER);
    assert_int_equal(kit_number(f, WG_COLUMN_END, 1), 6);
    kit_close(&k);
}

/* ---- keys */

static bool even_is_alive(void *ctx, bool is_edge, uint64_t id) {
    (void)ctx;
    assert_false(is_edge);
    return id % 2 == 0;
}

static bool none_is_alive(void *ctx, bool is_edge, uint64_t id) {
    (void)ctx, (void)is_edge, (void)id;
    return false;
}

/* A run of ids first..end whose hashes ascend with step 3 from `hash`. */
static void put_keys(kit *k, uint64_t first, uint64_t end, uint64_t version, uint64_t hash) {
    static uint64_t hashes[WG_FRAGMENT_ROWS_MAX];
    static uint64_t ids[WG_FRAGMENT_ROWS_MAX];
    wg_stripe_sink sink = kit_sink(k, 0, 0);
    wg_fragment_head head = {
        .key = {.kind = WG_KIND_KEYS, .owner = 1, .run = first}, .version = version, .attributes = {end}};
    for (uint64_t id = first; id < end; head.key.slot++) {
        for (head.row_count = 0; id < end && head.row_count < WG_FRAGMENT_ROWS_MAX; head.row_count++) {
            hashes[head.row_count] = hash + 3 * (id - first);
            ids[head.row_count] = id++;
        }
        const kit_column columns[] = {{.id = WG_COLUMN_ID, .cells = ids}, {.id = WG_COLUMN_HASH, .cells = hashes}};
        kit_add(&sink, &head, columns, 2);
    }
    kit_publish(k, &sink);
}

/* Walks all entries; returns how many, having checked order and pieces of the one run that is left. */
static uint64_t walk_keys(const kit *k, uint64_t end, uint64_t version) {
    uint64_t position = 0;
    uint64_t count = 0;
    uint64_t last = 0;
    uint64_t piece = 0;
    for (const wg_fragment *f; (f = wg_stripe_set_next(k->set, &position)) != NULL; piece++) {
        assert_int_equal(f->head.key.run, 0);
        assert_int_equal(f->head.key.slot, piece);
        assert_int_equal(f->head.attributes[0], end);
        assert_int_equal(f->head.version, version);
        for (uint32_t i = 0; i < f->head.row_count; i++, count++) {
            const uint64_t hash = kit_number(f, WG_COLUMN_HASH, i);
            assert_true(count == 0 || hash > last);
            last = hash;
        }
    }
    assert_int_equal(piece, (count + WG_FRAGMENT_ROWS_MAX - 1) / WG_FRAGMENT_ROWS_MAX);
    return count;
}

static void test_merge_joins_runs_of_keys(void **state) {
    /* Goal: three runs become one in (hash, id) order, cut into full pieces; dead ids leave it. */
    (void)state;
    kit k;
    kit_open(&k);
    put_keys(&k, 0, 20000, 3, 0);
    put_keys(&k, 20000, 20010, 4, 1);
    put_keys(&k, 20010, 50000, 6, 2);
    (void)merge_all(&k, 0, true);
    assert_int_equal(walk_keys(&k, 50000, 6), 50000);
    wg_compaction_job job = job_of((const uint64_t[]){wg_stripe_set_entry(k.set, 0).id}, 1, 1);
    wg_merge_input input = {.set = k.set, .job = &job, .horizon = 1, .bottom = true, .id_is_alive = even_is_alive};
    wg_merge_output out;
    run_job(&k, &input, 0, &out);
    wg_buf_deinit(&out.stripes);
    assert_int_equal(walk_keys(&k, 50000, 6), 25000);
    job = job_of((const uint64_t[]){wg_stripe_set_entry(k.set, 0).id}, 1, 1);
    input.id_is_alive = none_is_alive;
    run_job(&k, &input, 0, &out);
    wg_buf_deinit(&out.stripes);
    assert_int_equal(out.fragments_dropped, 2);
    assert_int_equal(wg_stripe_set_count(k.set), 0);
    kit_close(&k);
}

static void test_merge_keeps_a_newer_run_that_a_wider_one_covers(void **state) {
    /* Goal: a run between the ordinals of a wider one is superseded by it only when it is no newer: entries that came later stay. */
    (void)state;
    kit k;
    kit_open(&k);
    put_keys(&k, 0, 20000, 3, 0);
    put_keys(&k, 5, 8, 9, 1);
    (void)merge_all(&k, 0, true);
    assert_int_equal(walk_keys(&k, 20000, 9), 20003);
    put_keys(&k, 10, 20, 9, 2); /* no newer */
    (void)merge_all(&k, 0, true);
    assert_int_equal(walk_keys(&k, 20000, 9), 20003);
    kit_close(&k);
}

static void test_merge_does_not_join_across_a_run_that_is_no_input(void **state) {
    /* Goal: joining over a run in between would claim its ordinals and hide it. */
    (void)state;
    kit k;
    kit_open(&k);
    put_keys(&k, 0, 10, 3, 0);
    put_keys(&k, 10, 20, 4, 100);
    put_keys(&k, 20, 30, 6, 200);
    const wg_compaction_job job = job_of((const uint64_t[]){1, 3}, 2, 1);
    const wg_merge_input input = {.set = k.set, .job = &job};
    wg_merge_output out;
    run_job(&k, &input, 0, &out);
    wg_buf_deinit(&out.stripes);
    uint64_t position = 0;
    for (uint64_t run = 0; run < 30; run += 10) {
        const wg_fragment *f = wg_stripe_set_next(k.set, &position);
        assert_int_equal(f->head.key.run, run);
        assert_int_equal(f->head.attributes[0], run + 10);
        assert_int_equal(f->head.row_count, 10);
    }
    assert_null(wg_stripe_set_next(k.set, &position));
    kit_close(&k);
}

static void test_merge_copies_pieces_of_a_run_that_is_not_all_there(void **state) {
    /* Goal: a run over two stripes of which one is an input stays the run that it was. */
    (void)state;
    kit k;
    kit_open(&k);
    static uint64_t cells[WG_FRAGMENT_ROWS_MAX];
    for (uint64_t i = 0; i < WG_FRAGMENT_ROWS_MAX; i++) cells[i] = i;
    wg_fragment_head head = {.key = {.kind = WG_KIND_KEYS, .owner = 1}, .version = 4, .attributes = {17000}};
    for (head.key.slot = 0; head.key.slot < 2; head.key.slot++) {
        wg_stripe_sink sink = kit_sink(&k, 1, 0);
        head.row_count = head.key.slot == 0 ? WG_FRAGMENT_ROWS_MAX : 616;
        const kit_column columns[] = {{.id = WG_COLUMN_ID, .cells = cells}, {.id = WG_COLUMN_HASH, .cells = cells}};
        kit_add(&sink, &head, columns, 2);
        kit_publish(&k, &sink);
    }
    const wg_compaction_job job = job_of((const uint64_t[]){2}, 1, 1);
    const wg_merge_input input = {.set = k.set, .job = &job, .id_is_alive = none_is_alive};
    wg_merge_output out;
    run_job(&k, &input, 0, &out);
    wg_buf_deinit(&out.stripes);
    uint64_t position = 0;
    assert_int_equal(wg_stripe_set_next(k.set, &position)->head.row_count, WG_FRAGMENT_ROWS_MAX);
    assert_int_equal(wg_stripe_set_next(k.set, &position)->head.row_count, 616);
    kit_close(&k);
}

/* ---- stopping, failing, lying */

typedef struct watcher {
    uint64_t calls;
    uint64_t stop_at;
    uint64_t done;
    uint64_t total;
    uint64_t waited;
    uint64_t pauses;
    wg_pacer *pacer;
} watcher;

static bool watch(void *ctx, uint64_t done, uint64_t total) {
    watcher *w = ctx;
    assert_true(done >= w->done && done <= total);
    w->done = done;
    w->total = total;
    return ++w->calls != w->stop_at;
}

static void wait_for(void *ctx, uint64_t ns) {
    watcher *w = ctx;
    w->waited += ns;
    if (atomic_load(&w->pacer->paused) && ++w->pauses == 3) atomic_store(&w->pacer->paused, false);
}

static void put_three(kit *k) {
    const uint64_t begins[] = {1, 1, 1, 2, 2, 2};
    for (uint64_t slot = 0; slot < 3; slot++) put_rows(k, slot_key(0, slot, 0), 5, 6, begins, NULL);
}

static void test_merge_stops_when_told_and_leaves_no_file(void **state) {
    /* Goal: wherever progress says no, the merge ends with WG_E_CANCELLED, the set and the disk are as before. */
    (void)state;
    kit k;
    kit_open(&k);
    put_three(&k);
    const wg_compaction_job job = job_of((const uint64_t[]){1, 2, 3}, 3, 1);
    const wg_stripe_options options = options_of(0);
    for (uint64_t stop = 1;; stop++) {
        watcher w = {.stop_at = stop};
        const wg_merge_input input = {.set = k.set, .job = &job, .progress = watch, .ctx = &w};
        wg_merge_output out;
        uint64_t next_id = k.next_id;
        const wg_code code = wg_stripe_merge(k.platform, "/s", &input, &options, &next_id, &out, NULL);
        if (code == WG_OK) {
            assert_int_equal(stop, 4);
            assert_int_equal(w.done, w.total);
            assert_int_equal(kit_files(&k), 4);
            wg_buf_deinit(&out.stripes);
            break;
        }
        assert_int_equal(code, WG_E_CANCELLED);
        assert_int_equal(next_id, k.next_id);
        assert_int_equal(kit_files(&k), 3);
    }
    kit_close(&k);
}

static void test_merge_waits_for_the_pacer_and_its_pause(void **state) {
    /* Goal: a rate makes the merge wait as long as its bytes cost; a pause holds it until it ends. */
    (void)state;
    kit k;
    kit_open(&k);
    put_three(&k);
    static wg_pacer pacer;
    const wg_compaction_policy policy = {.bytes_per_second = {1}};
    atomic_store(&pacer.paused, true);
    watcher w = {.pacer = &pacer};
    const wg_compaction_job job = job_of((const uint64_t[]){1, 2, 3}, 3, 1);
    const wg_merge_input input = {.set = k.set,
                                  .job = &job,
                                  .ctx = &w,
                                  .pacer = &pacer,
                                  .policy = &policy,
                                  .progress = watch,
                                  .wait = wait_for};
    wg_merge_output out;
    run_job(&k, &input, 0, &out);
    wg_buf_deinit(&out.stripes);
    assert_int_equal(w.pauses, 3);
    assert_true(w.waited > w.total / 3 * UINT64_C(1000000000));
    kit_close(&k);
}

/* Inputs that every path of a merge reads: rows with ends, keys, adjacency, a directory. */
static void put_everything(kit *k);

static void test_merge_leaves_no_file_after_any_failure(void **state) {
    /* Goal: whichever call of the disk or allocation fails, the merge says so, and the disk is as before. */
    (void)state;
    kit k;
    kit_open(&k);
    put_everything(&k);
    const uint32_t files = kit_files(&k);
    wg_compaction_job job = {.output_level = 1, .output_bytes = 600};
    for (uint32_t i = 0; i < wg_stripe_set_count(k.set); i++)
        job.inputs[job.input_count++] = wg_stripe_set_entry(k.set, i).id;
    const wg_merge_input input = {.set = k.set, .job = &job, .horizon = 3, .bottom = true};
    const wg_stripe_options options = options_of(100000);
    wg_platform *faulty = NULL;
    assert_int_equal(wg_platform_fault_create(k.platform, &faulty, NULL), WG_OK);
    uint64_t failures = 0;
    for (int memory = 0; memory < 2; memory++) {
        for (uint64_t n = 1;; n++) {
            wg_error err = {0};
            wg_merge_output out;
            uint64_t next_id = k.next_id;
            if (memory == 1) wg_memory_fail_at(n, false);
            else wg_platform_fault_arm(faulty, n, WG_FAULT_ENOSPC, false);
            const wg_code code = wg_stripe_merge(faulty, "/s", &input, &options, &next_id, &out, &err);
            wg_memory_fail_at(0, false);
            wg_platform_fault_arm(faulty, 0, WG_FAULT_EIO, false);
            if (code == WG_OK) {
                const wg_stripe_entry *made = (const wg_stripe_entry *)(const void *)out.stripes.data;
                assert_true(out.stripes.size / sizeof *made > 2);
                for (size_t i = 0; i < out.stripes.size / sizeof *made; i++) {
                    char path[4200];
                    assert_int_equal(wg_stripe_path("/s", made[i].id, path, sizeof path, NULL), WG_OK);
                    assert_int_equal(k.platform->ops->unlink(k.platform, path, NULL), WG_OK);
                }
                wg_buf_deinit(&out.stripes);
                break;
            }
            failures++;
            assert_int_equal(code, memory == 1 ? WG_E_NOMEM : WG_E_IO);
            assert_int_equal(err.code, code);
            assert_int_equal(kit_files(&k), files);
        }
    }
    assert_true(failures > 60);
    wg_platform_fault_destroy(faulty);
    kit_close(&k);
}

typedef struct lie {
    const char *what;
    wg_fragment_head head;
    kit_column columns[3];
    uint32_t count;
} lie;

static const uint64_t down[] = {5, 4, 3};
static const uint64_t up[] = {0, 1, 2};
static const uint64_t far[] = {0, 1, 16384};
static const uint64_t late[] = {1, 2, 3};
static const uint64_t dead[] = {1, 1, 1};

static const lie lies[] = {
    {"out of order",
     {.key = {.kind = WG_KIND_ROWS, .slot = 1}},
     {{WG_COLUMN_ROW, 0, down}, {WG_COLUMN_BEGIN, 0, dead}, {WG_COLUMN_END, 0, dead}},
     3},
    {"outside of the slot",
     {.key = {.kind = WG_KIND_ROWS, .slot = 1}},
     {{WG_COLUMN_ROW, 0, far}, {WG_COLUMN_BEGIN, 0, dead}, {WG_COLUMN_END, 0, dead}},
     3},
    {"not of whole numbers",
     {.key = {.kind = WG_KIND_ROWS, .slot = 1}},
     {{WG_COLUMN_BEGIN, 0, dead}, {WG_COLUMN_END, WG_TYPE_FLOAT, dead}},
     2},
    {"out of order", {.key = {.kind = WG_KIND_KEYS}}, {{WG_COLUMN_ID, 0, up}, {WG_COLUMN_HASH, 0, down}}, 2},
    {"column is missing", {.key = {.kind = WG_KIND_KEYS}}, {{WG_COLUMN_ID, 0, up}}, 1},
    {"not of whole numbers",
     {.key = {.kind = WG_KIND_KEYS}},
     {{WG_COLUMN_ID, 0, up}, {WG_COLUMN_HASH, WG_TYPE_FLOAT, up}},
     2},
    {"piece is missing",
     {.key = {.kind = WG_KIND_KEYS, .slot = 1}},
     {{WG_COLUMN_ID, 0, up}, {WG_COLUMN_HASH, 0, up}},
     2},
    {"no such part", {.key = {.kind = WG_KIND_KEYS, .part = 1}}, {{WG_COLUMN_ID, 0, up}, {WG_COLUMN_HASH, 0, up}}, 2},
    {"no such part", {.key = {.kind = WG_KIND_ADJACENCY, .part = 4}}, {{WG_COLUMN_NODE, 0, up}}, 1},
    {"entries are missing",
     {.key = {.kind = WG_KIND_ADJACENCY}, .attributes = {9, 3}},
     {{WG_COLUMN_NODE, 0, up}, {WG_COLUMN_OFFSET, WG_TYPE_INT, up}},
     2},
    {"do not fit",
     {.key = {.kind = WG_KIND_ADJACENCY}, .attributes = {9, 3}},
     {{WG_COLUMN_NODE, 0, up}, {WG_COLUMN_OFFSET, WG_TYPE_INT, late}},
     2},
    {"entries are missing",
     {.key = {.kind = WG_KIND_ADJACENCY}, .attributes = {9, 2}},
     {{WG_COLUMN_NODE, 0, up}, {WG_COLUMN_OFFSET, WG_TYPE_INT, up}},
     2},
    {"nodes out of order",
     {.key = {.kind = WG_KIND_ADJACENCY}, .attributes = {9, 3}},
     {{WG_COLUMN_NODE, 0, down}, {WG_COLUMN_OFFSET, WG_TYPE_INT, up}},
     2},
    {"belong to no node",
     {.key = {.kind = WG_KIND_ADJACENCY, .part = 1}, .attributes = {9, 3}},
     {{WG_COLUMN_EDGE, 0, up}, {WG_COLUMN_NEIGHBOUR, 0, up}},
     2},
    {"more entries",
     {.key = {.kind = WG_KIND_ADJACENCY, .part = 1}, .attributes = {9, 0}},
     {{WG_COLUMN_EDGE, 0, up}, {WG_COLUMN_NEIGHBOUR, 0, up}},
     2},
};

static void test_merge_refuses_fragments_that_are_not_what_they_must_be(void **state) {
    /* Goal: hostile content ends in WG_E_CORRUPT that names it, never in an abort, a hang or a file. */
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        kit k;
        kit_open(&k);
        wg_stripe_sink sink = kit_sink(&k, 0, 0);
        wg_fragment_head head = lies[i].head;
        head.row_count = 3;
        head.version = 2;
        kit_add(&sink, &head, lies[i].columns, lies[i].count);
        kit_publish(&k, &sink);
        const wg_compaction_job job = job_of((const uint64_t[]){1}, 1, 1);
        const wg_merge_input input = {.set = k.set, .job = &job, .horizon = 1, .bottom = true};
        const wg_stripe_options options = options_of(0);
        wg_merge_output out;
        wg_error err = {0};
        uint64_t next_id = 9;
        assert_int_equal(wg_stripe_merge(k.platform, "/s", &input, &options, &next_id, &out, &err), WG_E_CORRUPT);
        if (strstr(err.message, lies[i].what) == NULL) print_error("%zu: %s\n", i, err.message);
        assert_non_null(strstr(err.message, lies[i].what));
        assert_int_equal(kit_files(&k), 1);
        kit_close(&k);
    }
}

static void test_merge_refuses_a_stripe_that_is_not_in_the_set(void **state) {
    /* Goal: a wrong job is the caller's error and does nothing. */
    (void)state;
    kit k;
    kit_open(&k);
    const wg_compaction_job job = job_of((const uint64_t[]){5}, 1, 1);
    const wg_merge_input input = {.set = k.set, .job = &job};
    const wg_stripe_options options = options_of(0);
    wg_merge_output out;
    assert_int_equal(wg_stripe_merge(k.platform, "/s", &input, &options, &k.next_id, &out, NULL), WG_E_MISUSE);
    kit_close(&k);
}

static void put_everything(kit *k) {
    const uint64_t begins[] = {1, 1, 1, 2, 2, 2};
    const uint64_t ends[] = {never, 3, never, never, never, never};
    put_rows(k, slot_key(0, 4, 0), 5, 6, begins, ends);
    put_ends(k, slot_key(0, 4, 1), 7, 2, (const uint64_t[]){0, 3}, (const uint64_t[]){6, 7});
    put_keys(k, 0, 30, 3, 5);
    put_keys(k, 30, 40, 4, 6);
    static kit_edge edges[30];
    for (uint64_t i = 0; i < 30; i++) edges[i] = (kit_edge){i % 5, i % 7, never};
    for (uint64_t run = 0; run < 2; run++) {
        wg_stripe_sink sink = kit_sink(k, 0, 0);
        kit_one(&sink, (wg_fragment_key){.kind = WG_KIND_DIRECTORY, .slot = run}, 4, 0, 77);
        put_run(&sink, edges, run * 15, run * 15 + 15, 4 + run);
        kit_publish(k, &sink);
    }
}

static void test_merge_gives_equal_bytes_for_inputs_in_any_order(void **state) {
    /* Goal: the same stripes, named in another order and merged again, make the same files to the byte. */
    (void)state;
    wg_buf dumps[2] = {{0}, {0}};
    for (int turn = 0; turn < 2; turn++) {
        kit k;
        kit_open(&k);
        put_everything(&k);
        wg_compaction_job job = {.output_level = 1};
        const uint32_t count = wg_stripe_set_count(k.set);
        for (uint32_t i = 0; i < count; i++)
            job.inputs[job.input_count++] = wg_stripe_set_entry(k.set, turn == 0 ? i : count - 1 - i).id;
        const wg_merge_input input = {.set = k.set, .job = &job, .horizon = 3, .bottom = true};
        wg_merge_output out;
        run_job(&k, &input, 1200, &out);
        wg_buf_deinit(&out.stripes);
        assert_true(wg_platform_sim_dump(k.platform, &dumps[turn]));
        kit_close(&k);
    }
    assert_true(dumps[0].size > 1000);
    assert_int_equal(dumps[0].size, dumps[1].size);
    assert_memory_equal(dumps[0].data, dumps[1].data, dumps[0].size);
    for (int i = 0; i < 2; i++) wg_buf_deinit(&dumps[i]);
}

static void test_merge_cuts_joined_adjacency_into_full_pieces(void **state) {
    /* Goal: runs with more than 16,384 entries become pieces in the order 0/0, 0/1, 0/2, 0/3, 1/1, ... with the right fences. */
    (void)state;
    kit k;
    kit_open(&k);
    static kit_edge edges[EDGES_MAX * 4];
    const uint64_t total = EDGES_MAX * 4;
    for (uint64_t i = 0; i < total; i++) edges[i] = (kit_edge){i * 7 % 17, i % (total - 5000), never};
    for (uint64_t run = 0; run < 4; run++) {
        wg_stripe_sink sink = kit_sink(&k, 0, 0);
        put_run(&sink, edges, run * EDGES_MAX, (run + 1) * EDGES_MAX, run + 1);
        kit_publish(&k, &sink);
    }
    (void)merge_all(&k, 0, true);
    static const uint32_t expected[][3] = {{0, 0, 17},   {0, 1, 16384}, {0, 2, 16384}, {0, 3, 16384},
                                           {1, 1, 7616}, {1, 2, 2616},  {1, 3, 7616}};
    uint64_t position = 0;
    for (size_t i = 0; i < 7; i++) {
        const wg_fragment *f = wg_stripe_set_next(k.set, &position);
        assert_non_null(f);
        assert_int_equal(f->head.key.slot, expected[i][0]);
        assert_int_equal(f->head.key.part, expected[i][1]);
        assert_int_equal(f->head.row_count, expected[i][2]);
        assert_int_equal(f->head.attributes[0], total);
        assert_int_equal(f->head.attributes[1], total);
        assert_int_equal(f->head.attributes[3], total - 1);
        assert_int_equal(f->head.version, 4);
        if (expected[i][1] == 2) assert_int_equal(f->head.attributes[4], expected[i][0] == 0 ? 0 : 16384);
        if (expected[i][1] == 2 && expected[i][0] == 1) assert_int_equal(f->head.attributes[5], total);
        if (expected[i][1] % 2 == 1) assert_int_equal(f->head.attributes[5], 0);
    }
    assert_null(wg_stripe_set_next(k.set, &position));
    kit_close(&k);
}

/* A run of one node with two entries. */
static void put_small_run(kit *k, const uint64_t edges[2], uint64_t first, uint64_t last) {
    static const uint64_t zero[2] = {0, 0};
    static const uint64_t neighbours[2] = {8, 9};
    wg_fragment_head head = {.key = {.kind = WG_KIND_ADJACENCY}, .version = 4, .attributes = {10, 2, first, last}};
    wg_stripe_sink sink = kit_sink(k, 0, 0);
    const kit_column nodes[2] = {{WG_COLUMN_NODE, 0, zero}, {WG_COLUMN_OFFSET, WG_TYPE_INT, zero}};
    const kit_column entries[2] = {{WG_COLUMN_EDGE, 0, edges}, {WG_COLUMN_NEIGHBOUR, 0, neighbours}};
    for (; head.key.part < 4; head.key.part++) {
        head.row_count = 1 + head.key.part % 2;
        kit_add(&sink, &head, head.key.part % 2 == 0 ? nodes : entries, 2);
    }
    kit_publish(k, &sink);
}

typedef struct mood {
    uint64_t calls;
    uint64_t kind_calls; /* so many are answered kindly */
} mood;

static bool moody(void *ctx, bool is_edge, uint64_t id) {
    mood *m = ctx;
    assert_true(is_edge && id < 10);
    return ++m->calls <= m->kind_calls;
}

static wg_code merge_small_run(const uint64_t edges[2], uint64_t first, uint64_t last, mood *m, wg_error *err) {
    kit k;
    kit_open(&k);
    put_small_run(&k, edges, first, last);
    const wg_compaction_job job = job_of((const uint64_t[]){1}, 1, 1);
    const wg_merge_input input = {.set = k.set, .job = &job, .id_is_alive = m == NULL ? NULL : moody, .ctx = m};
    const wg_stripe_options options = options_of(0);
    wg_merge_output out = {0};
    const wg_code code = wg_stripe_merge(k.platform, "/s", &input, &options, &k.next_id, &out, err);
    assert_int_equal(kit_files(&k), code == WG_OK && (m == NULL || m->kind_calls > 0) ? 2 : 1);
    wg_buf_deinit(&out.stripes);
    kit_close(&k);
    return code;
}

static void test_merge_asks_once_for_each_edge_and_notices_a_liveness_that_moves(void **state) {
    /* Goal: dead edges are noted, so that both directions agree; where the ids are too far apart for that, an answer that
     * changes fails the merge instead of making the two directions differ. */
    (void)state;
    const uint64_t edges[2] = {4, 6};
    wg_error err = {0};
    mood m = {.kind_calls = 1};
    assert_int_equal(merge_small_run(edges, 0, 9, &m, &err), WG_OK);
    assert_int_equal(m.calls, 2);
    m = (mood){.kind_calls = 2};
    assert_int_equal(merge_small_run(edges, 0, UINT64_C(1) << 40, &m, &err), WG_E_INTERNAL);
    m = (mood){.kind_calls = 0};
    assert_int_equal(merge_small_run(edges, 0, UINT64_C(1) << 40, &m, &err), WG_OK);
}

static void test_merge_refuses_edges_out_of_order_or_bounds(void **state) {
    /* Goal: what a run says of its edges is checked. */
    (void)state;
    wg_error err = {0};
    assert_int_equal(merge_small_run((const uint64_t[]){6, 4}, 0, 9, NULL, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "edge ids out of order"));
    wg_error_clear(&err);
    assert_int_equal(merge_small_run((const uint64_t[]){4, 6}, 0, 5, NULL, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "outside of the bounds"));
    mood m = {.kind_calls = 9};
    wg_error_clear(&err);
    assert_int_equal(merge_small_run((const uint64_t[]){4, 6}, 9, 5, &m, &err), WG_E_CORRUPT);
}

static void test_merge_leaves_memory_to_queries(void **state) {
    /* Goal: what only the merge has read is dropped again; what a query had in memory stays. */
    (void)state;
    kit k;
    kit_open(&k);
    put_everything(&k);
    put_three(&k);
    const wg_fragment_key key = slot_key(0, 1, 0);
    const wg_fragment *read = wg_stripe_set_find(k.set, &key);
    assert_int_equal(kit_number(read, WG_COLUMN_BEGIN, 5), 2);
    wg_compaction_job job = {.output_level = 1};
    for (uint32_t i = 0; i < wg_stripe_set_count(k.set); i++)
        job.inputs[job.input_count++] = wg_stripe_set_entry(k.set, i).id;
    const wg_merge_input input = {.set = k.set, .job = &job, .horizon = 3, .bottom = true};
    const wg_stripe_options options = options_of(0);
    wg_merge_output out;
    assert_int_equal(wg_stripe_merge(k.platform, "/s", &input, &options, &k.next_id, &out, NULL), WG_OK);
    wg_buf_deinit(&out.stripes);
    wg_cache_class_stats warm;
    wg_cache_stats(k.cache, WG_L1_CPU_WARM, &warm);
    assert_int_equal(warm.entries, 1);
    assert_true(warm.admissions > 8);
    assert_int_equal(atomic_load(&wg_fragment_cache_entry(read)->residency), WG_L1_CPU_WARM);
    kit_close(&k);
}

/* ---- beside checkpoints */

typedef struct meddler {
    kit *k;
    wg_stripe_entry newer;
} meddler;

/* A checkpoint comes and goes between two fragments of a merge. */
static bool meddle(void *ctx, uint64_t done, uint64_t total) {
    meddler *m = ctx;
    (void)done, (void)total;
    assert_int_equal(wg_stripe_set_change(m->k->set, NULL, 0, &m->newer.id, 1, NULL), WG_OK);
    assert_int_equal(wg_stripe_set_change(m->k->set, &m->newer, 1, NULL, 0, NULL), WG_OK);
    wg_stripe_set_settle(m->k->set);
    wg_epoch_collect(m->k->epoch);
    return true;
}

static void test_merge_sees_the_set_that_was_described_whatever_a_checkpoint_does(void **state) {
    /* Goal: a stripe that came after the description, and may yet be taken back, hides nothing; views and stripes that the merge
     * reads stay while others come and go. */
    (void)state;
    kit k;
    kit_open(&k);
    put_three(&k);
    wg_compaction_file file;
    const uint64_t begins[] = {1, 9};
    put_rows(&k, slot_key(0, 1, 0), 9, 2, begins, NULL);
    meddler m = {.k = &k, .newer = wg_stripe_set_entry(k.set, 3)};
    assert_int_equal(wg_stripe_set_change(k.set, NULL, 0, &m.newer.id, 1, NULL), WG_OK);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(wg_stripe_set_describe(k.set, i, 0, &file, NULL), WG_OK);
    const wg_compaction_job job = job_of((const uint64_t[]){1, 2, 3}, 3, 1);
    const wg_merge_input input = {.set = k.set, .job = &job, .progress = meddle, .ctx = &m};
    const wg_stripe_options options = options_of(0);
    wg_merge_output out;
    k.next_id = 20;
    assert_int_equal(wg_stripe_set_change(k.set, &m.newer, 1, NULL, 0, NULL), WG_OK);
    assert_int_equal(wg_stripe_merge(k.platform, "/s", &input, &options, &k.next_id, &out, NULL), WG_OK);
    assert_int_equal(wg_stripe_set_change(k.set, NULL, 0, &m.newer.id, 1, NULL), WG_OK); /* its checkpoint failed */
    assert_int_equal(
        wg_stripe_set_change(k.set, (const wg_stripe_entry *)(const void *)out.stripes.data, 1, job.inputs, 3, NULL),
        WG_OK);
    const wg_fragment_key key = slot_key(0, 1, 0);
    const wg_fragment *f = wg_stripe_set_find(k.set, &key);
    assert_non_null(f);
    assert_int_equal(f->head.row_count, 6);
    assert_int_equal(f->head.version, 5);
    wg_buf_deinit(&out.stripes);
    wg_stripe_set_settle(k.set);
    wg_epoch_collect(k.epoch);
    assert_int_equal(wg_epoch_pending(k.epoch), 0); /* nothing is held any more */
    kit_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_folds_ends_and_drops_dead_rows),
        cmocka_unit_test(test_merge_copies_what_needs_no_change),
        cmocka_unit_test(test_merge_keeps_an_empty_slot_that_hides_an_older_one),
        cmocka_unit_test(test_merge_keeps_ends_whose_rows_are_no_input),
        cmocka_unit_test(test_merge_joins_runs_of_keys),
        cmocka_unit_test(test_merge_keeps_a_newer_run_that_a_wider_one_covers),
        cmocka_unit_test(test_merge_does_not_join_across_a_run_that_is_no_input),
        cmocka_unit_test(test_merge_copies_pieces_of_a_run_that_is_not_all_there),
        cmocka_unit_test(test_merge_stops_when_told_and_leaves_no_file),
        cmocka_unit_test(test_merge_waits_for_the_pacer_and_its_pause),
        cmocka_unit_test(test_merge_leaves_no_file_after_any_failure),
        cmocka_unit_test(test_merge_refuses_fragments_that_are_not_what_they_must_be),
        cmocka_unit_test(test_merge_refuses_a_stripe_that_is_not_in_the_set),
        cmocka_unit_test(test_merge_gives_equal_bytes_for_inputs_in_any_order),
        cmocka_unit_test(test_merge_cuts_joined_adjacency_into_full_pieces),
        cmocka_unit_test(test_merge_asks_once_for_each_edge_and_notices_a_liveness_that_moves),
        cmocka_unit_test(test_merge_refuses_edges_out_of_order_or_bounds),
        cmocka_unit_test(test_merge_leaves_memory_to_queries),
        cmocka_unit_test(test_merge_sees_the_set_that_was_described_whatever_a_checkpoint_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
