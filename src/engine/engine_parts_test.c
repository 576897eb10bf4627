/* COPY in several transactions: the graph is the one that a single transaction makes, each part is there whole or not at all, whatever fails, and
 * what the error says is committed is committed. */
#include <stdlib.h>

#include "engine/engine_load_kit.h"

#include "engine/engine_internal.h"

/* What the error says is the row behind which to go on; 0: nothing. */
static uint64_t told(const wg_error *seen) {
    const char *at = strstr(seen->message, "SKIP ");
    return at == NULL ? 0 : strtoull(at + 5, NULL, 10);
}

static uint64_t persons_now(fixture *f) { return scan_count(f->txn, &f->person); }

static void load_parts(fixture *f, wg_copy_options o, const char *path, uint64_t part, uint64_t rows) {
    wg_copy_counts counts = {0};
    wg_error seen = {0};
    again(f);
    const uint64_t before = wg_engine_logseq(f->engine);
    o.part_rows = part;
    if (load(f, &o, path, &counts, &seen) != WG_OK)
        fail_msg("parts of %llu: %s", (unsigned long long)part, seen.message);
    assert_int_equal(counts.rows, rows);
    assert_int_equal(counts.commits, (rows + part - 1) / part);
    assert_int_equal(wg_engine_logseq(f->engine), before + counts.commits);
    uint64_t logseq = 0;
    MODEL_OK(wg_txn_commit(f->txn, &logseq, err));
    assert_int_equal(logseq, before + counts.commits); /* the transaction of the caller adds none */
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_WRITE, 0, &f->txn, err));
}

/* Goal: Parquet nodes and edges in parts of any size, on one thread and on four, give the graph of one transaction, also after a start. */
static void test_parts_make_the_same_graph(void **state) {
    (void)state;
    static const uint64_t sizes[] = {7, 700, 701, 2048, 100000};
    wg_buf expected = {0};
    fixture whole;
    setup(&whole);
    put_graph(&whole);
    const wg_copy_options nodes = into(&whole.person), edges = into(&whole.knows);
    load_ok(&whole, &nodes, "/d/p-0.parquet", NODES);
    load_ok(&whole, &edges, "/d/k.parquet", EDGES);
    dump_now(&whole, &expected);
    teardown(&whole);
    for (uint32_t i = 0; i < 10; i++) {
        const uint32_t threads = i % 2 == 0 ? 1 : 4;
        wg_pool *pool = NULL;
        wg_buf text = {0};
        fixture f;
        MODEL_OK(wg_pool_create(threads, &pool, err));
        setup(&f);
        put_graph(&f);
        wg_copy_options o = into(&f.person);
        o.pool = pool;
        o.threads = threads;
        load_parts(&f, o, "/d/p-0.parquet", sizes[i / 2], NODES);
        o.labels = &f.knows;
        load_parts(&f, o, "/d/k.parquet", sizes[i / 2], EDGES);
        reopen(&f);
        dump_now(&f, &text);
        if (!same_text(&text, &expected)) fail_msg("parts of %llu: another graph", (unsigned long long)sizes[i / 2]);
        wg_buf_deinit(&text);
        teardown(&f);
        wg_pool_destroy(pool);
    }
    wg_buf_deinit(&expected);
}

enum { LINES = 1400 };

/* Lines first to last of the persons, as CSV or as lines of JSON. */
static void put_lines(fixture *f, const char *path, bool json, uint32_t first, uint32_t last) {
    wg_buf text = {0};
    if (!json) assert_true(wg_buf_append_str(&text, "id,name\n"));
    for (uint32_t i = first; i <= last; i++)
        assert_true(json ? wg_buf_printf(&text, "{\"id\":%u,\"name\":\"p%u\"}\n%s", i, i, i % 9 == 0 ? "\n" : "")
                         : wg_buf_printf(&text, "%u,p%u\n", i, i));
    put_bytes(f, path, text.data, text.size);
    wg_buf_deinit(&text);
}

/* Goal: text, in two files that a pattern names, in parts that end inside of them, at their ends and behind them; SKIP leaves out the first
 * rows of all, and what is left is what the rest of the file makes. */
static void test_text_in_parts_and_behind_skipped_rows(void **state) {
    (void)state;
    static const uint64_t sizes[] = {1, 10, 700, 900, LINES - 1, LINES, LINES + 1},
                          skips[] = {0, 1, 699, 700, 701, LINES, 5000};
    for (uint32_t i = 0; i < 14; i++) {
        const bool json = i >= 7;
        const uint64_t skip = skips[(i * 3) % 7];
        const uint64_t left = skip < LINES ? LINES - skip : 0;
        wg_buf texts[2] = {{0}, {0}};
        for (uint32_t whole = 0; whole < 2; whole++) {
            fixture f;
            setup(&f);
            MODEL_OK(f.platform->ops->make_directory(f.platform, "/t", err));
            put_lines(&f, json ? "/t/a.jsonl" : "/t/a.csv", json, 1, 700);
            put_lines(&f, json ? "/t/b.jsonl" : "/t/b.csv", json, 701, LINES);
            put_lines(&f, json ? "/rest.jsonl" : "/rest.csv", json, (uint32_t)skip + 1, LINES);
            wg_copy_options o = into(&f.person);
            if (whole == 1) {
                if (left != 0) load_ok(&f, &o, json ? "/rest.jsonl" : "/rest.csv", left);
            } else {
                o.skip_rows = skip;
                load_parts(&f, o, json ? "/t/*.jsonl" : "/t/*.csv", sizes[i % 7], left);
            }
            dump_now(&f, &texts[whole]);
            teardown(&f);
        }
        if (!same_text(&texts[0], &texts[1])) fail_msg("case %u", i);
        wg_buf_deinit(&texts[0]);
        wg_buf_deinit(&texts[1]);
    }
}

/* Goal: SKIP passes over row groups and parts of them, with one transaction too. */
static void test_parquet_is_skipped(void **state) {
    (void)state;
    static const uint64_t skips[] = {1, GROUP - 1, GROUP, GROUP + 1, NODES - 1, NODES, NODES + 1};
    for (uint32_t i = 0; i < 14; i++) {
        fixture f;
        setup(&f);
        put_graph(&f);
        wg_copy_options o = into(&f.person);
        o.skip_rows = skips[i / 2];
        const uint64_t left = o.skip_rows < NODES ? NODES - o.skip_rows : 0;
        if (i % 2 == 0) load_ok(&f, &o, "/d/p-0.parquet", left);
        else load_parts(&f, o, "/d/p-0.parquet", 450, left);
        assert_int_equal(persons_now(&f), left);
        for (uint64_t row = 0; row < NODES; row++) {
            uint64_t id = 0;
            bool found = false;
            const wg_value key = wg_value_int(key_of(row));
            MODEL_OK(wg_node_seek(f.txn, f.person, &key, 1, &id, &found, err));
            assert_int_equal(found, row >= o.skip_rows);
        }
        teardown(&f);
    }
}

/* Goal: a bad row ends the load behind the last whole part before it; the error says the row, its file and line, and going on from there
 * with a mended file gives the whole. */
static void test_a_bad_row_leaves_the_parts_before_it(void **state) {
    (void)state;
    static const struct {
        uint64_t part, in;
        const char *says;
    } cases[] = {{3, 6, "line 9: column id: is no INT 'x'; up to line 7 of /p.csv all is committed: SKIP 6 goes on"},
                 {7, 7, "up to line 8 of /p.csv all is committed: SKIP 7 goes on"},
                 {8, 0, "line 9: column id: is no INT 'x'; no row was committed"},
                 {1, 7, "SKIP 7"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        wg_copy_counts counts = {77, 77, 77};
        wg_error seen = {0};
        setup(&f);
        again(&f);
        put_text(&f, "/p.csv", "id\n1\n2\n3\n4\n5\n6\n7\nx\n9\n10\n");
        wg_copy_options o = into(&f.person);
        o.part_rows = cases[i].part;
        assert_int_equal(load(&f, &o, "/p.csv", &counts, &seen), WG_E_TYPE);
        if (strstr(seen.message, cases[i].says) == NULL) fail_msg("case %zu: %s", i, seen.message);
        assert_int_equal(seen.line, 9);
        assert_int_equal(counts.rows, 77);
        assert_int_equal(told(&seen), cases[i].in);
        wg_txn_abort(f.txn);
        MODEL_OK(wg_txn_begin(f.engine, WG_TXN_WRITE, 0, &f.txn, err));
        assert_int_equal(persons_now(&f), cases[i].in);
        put_text(&f, "/p.csv", "id\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
        o.skip_rows = cases[i].in;
        load_parts(&f, o, "/p.csv", cases[i].part, 10 - cases[i].in);
        assert_int_equal(persons_now(&f), 10);
        teardown(&f);
    }
}

/* Goal: which part a load ends behind is the same on any number of threads. */
static void test_a_bad_end_deep_in_parquet(void **state) {
    (void)state;
    uint64_t first = 0;
    for (uint32_t threads = 1; threads <= 4; threads += 3) {
        fixture f;
        wg_pool *pool = NULL;
        wg_copy_counts counts = {0};
        wg_error seen = {0};
        MODEL_OK(wg_pool_create(threads, &pool, err));
        setup(&f);
        put_graph(&f);
        const wg_copy_options nodes = into(&f.person);
        load_ok(&f, &nodes, "/d/p-0.parquet", NODES);
        MODEL_OK(wg_txn_delete_node(f.txn, NODES - 41, true, err));
        again(&f);
        while (first * first % NODES != NODES - 41 && first * 31 % NODES != NODES - 41) first++;
        wg_copy_options o = into(&f.knows);
        o.pool = pool;
        o.threads = threads;
        o.part_rows = 90;
        assert_true(first > 90);
        assert_int_equal(load(&f, &o, "/d/k.parquet", &counts, &seen), WG_E_NOT_FOUND);
        assert_int_equal(told(&seen), first / 90 * 90);
        wg_txn_abort(f.txn);
        MODEL_OK(wg_txn_begin(f.engine, WG_TXN_WRITE, 0, &f.txn, err));
        wg_buf text = {0};
        dump_now(&f, &text);
        assert_true(wg_buf_append_u8(&text, 0));
        uint64_t edges = 0;
        for (const char *at = (const char *)text.data; (at = strstr(at, ":KNOWS")) != NULL; at++) edges++;
        assert_int_equal(edges, first / 90 * 90);
        wg_buf_deinit(&text);
        teardown(&f);
        wg_pool_destroy(pool);
    }
}

/* Goal: rows that are left out count towards a part; one of such rows alone is no commit; the file of rejects has all of them. */
static void test_rejected_rows_count(void **state) {
    (void)state;
    static const struct { uint64_t part, commits; } cases[] = {{3, 4}, {1, 6}, {4, 3}, {100, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        wg_copy_counts counts = {0};
        wg_error seen = {0};
        setup(&f);
        again(&f);
        put_text(&f, "/p.csv", "id,age\n1,1\nx,2\n1,3\n4,400\n5,5\n6,6\n7,7\n8,8\n5,9\n10,10\n");
        wg_copy_options o = into(&f.person);
        o.rejects = "/bad.jsonl";
        o.part_rows = cases[i].part;
        if (load(&f, &o, "/p.csv", &counts, &seen) != WG_OK) fail_msg("%s", seen.message);
        assert_int_equal(counts.rows, 6);
        assert_int_equal(counts.rejected, 4);
        assert_int_equal(counts.commits, cases[i].commits);
        wg_platform *p = f.platform;
        wg_file *file = NULL;
        char text[2000] = {0};
        size_t got = 0;
        MODEL_OK(p->ops->open(p, "/bad.jsonl", WG_OPEN_READ, &file, err));
        MODEL_OK(p->ops->read_at(p, file, 0, text, sizeof text - 1, &got, err));
        p->ops->close(p, file);
        static const char *const lines[] = {"\"line\":3,", "\"line\":4,", "\"line\":5,", "\"line\":10,"};
        const char *at = text;
        for (size_t l = 0; l < 4; l++) {
            at = strstr(at, lines[l]);
            if (at == NULL) fail_msg("parts of %llu: %s", (unsigned long long)cases[i].part, text);
        }
        again(&f);
        assert_int_equal(persons_now(&f), 6);
        teardown(&f);
    }
}

/* ---- others between two parts */

typedef struct other {
    wg_engine *engine;
    uint32_t label;
    void (*body)(const struct other *o, wg_txn *txn);
    uint64_t logseq;
} other;

static void other_main(void *arg) {
    other *o = arg;
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(o->engine, WG_TXN_WRITE, 0, &txn, err)); /* waits for the place that the load has */
    o->body(o, txn);
    MODEL_OK(wg_txn_commit(txn, &o->logseq, err));
}

/* Loads while somebody else waits to do `body`. */
static wg_code load_beside(fixture *f, const wg_copy_options *o, const char *path,
                           void (*body)(const other *, wg_txn *), wg_copy_counts *counts, wg_error *seen) {
    wg_thread thread;
    other beside = {.engine = f->engine, .label = f->person, .body = body};
    again(f);
    const uint64_t before = wg_engine_logseq(f->engine);
    MODEL_OK(wg_thread_start(&thread, other_main, &beside, err));
    while (wg_engine_writers_waiting(f->engine) == 0) {}
    const wg_code code = load(f, o, path, counts, seen);
    wg_thread_join(&thread);
    assert_true(beside.logseq > before + 1); /* between two parts */
    wg_txn_abort(f->txn);
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_WRITE, 0, &f->txn, err));
    return code;
}

static void delete_first(const other *o, wg_txn *txn) {
    (void)o;
    MODEL_OK(wg_txn_delete_node(txn, 0, true, err));
}

/* Goal: a node that somebody deletes between two parts is no end any more, whatever threads had found before: no edge is left hanging. */
static void test_a_node_is_deleted_between_parts(void **state) {
    (void)state;
    for (uint32_t threads = 1; threads <= 4; threads += 3) {
        fixture f;
        wg_pool *pool = NULL;
        wg_copy_counts counts = {0};
        wg_error seen = {0};
        wg_buf text = {0};
        MODEL_OK(wg_pool_create(threads, &pool, err));
        setup(&f);
        put_graph(&f);
        const wg_copy_options nodes = into(&f.person);
        load_ok(&f, &nodes, "/d/p-0.parquet", NODES);
        wg_copy_options o = into(&f.knows);
        o.pool = pool;
        o.threads = threads;
        o.part_rows = 50;
        o.rejects = "/bad.jsonl";
        uint64_t of_first = 0;
        for (uint64_t row = 0; row < EDGES; row++) of_first += row * row % NODES == 0 || row * 31 % NODES == 0;
        if (load_beside(&f, &o, "/d/k.parquet", delete_first, &counts, &seen) != WG_OK) fail_msg("%s", seen.message);
        assert_int_equal(counts.rows + counts.rejected, EDGES);
        assert_true(counts.rejected > 0 && counts.rejected < of_first);
        dump_now(&f, &text);
        assert_true(wg_buf_append_u8(&text, 0));
        uint64_t edges = 0;
        for (const char *at = (const char *)text.data; (at = strstr(at, ":KNOWS ")) != NULL; edges++) {
            char *end = NULL;
            assert_true(strtoull(at + 7, &end, 10) != 0);
            assert_true(strtoull(end, &end, 10) != 0);
            at = end;
        }
        assert_int_equal(edges, EDGES - of_first); /* those of before went with the node */
        wg_buf_deinit(&text);
        teardown(&f);
        wg_pool_destroy(pool);
    }
}

static void create_ninety_nine(const other *o, wg_txn *txn) {
    uint32_t key = 0;
    uint64_t id = 0;
    MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("id"), &key, err));
    const wg_property p = {key, wg_value_int(99)};
    MODEL_OK(wg_txn_create_node(txn, &o->label, 1, &p, 1, &id, err));
}

/* Goal: a node that somebody makes is found from then on. */
static void test_a_node_is_made_between_parts(void **state) {
    (void)state;
    fixture f;
    wg_copy_counts counts = {0};
    wg_error seen = {0};
    wg_buf text = {0};
    setup(&f);
    load_persons(&f);
    assert_true(wg_buf_append_str(&text, "from,to\n"));
    for (uint32_t i = 0; i < 3000; i++) assert_true(wg_buf_append_str(&text, i % 2 == 0 ? "10,99\n" : "10,20\n"));
    put_bytes(&f, "/k.csv", text.data, text.size);
    wg_buf_deinit(&text);
    wg_copy_options o = into(&f.knows);
    o.part_rows = 10;
    o.rejects = "/bad.jsonl";
    if (load_beside(&f, &o, "/k.csv", create_ninety_nine, &counts, &seen) != WG_OK) fail_msg("%s", seen.message);
    assert_int_equal(counts.rows + counts.rejected, 3000);
    assert_true(counts.rejected > 0 && counts.rejected < 1000);
    teardown(&f);
}

static void rename_age(const other *o, wg_txn *txn) {
    (void)o;
    const wg_alter alter = {.kind = WG_ALTER_RENAME_COLUMN, .column = "age", .name = "years"};
    MODEL_OK(wg_txn_alter_label(txn, wg_slice_str("Person"), false, &alter, err));
}

static void make_label(const other *o, wg_txn *txn) {
    uint32_t label = 0;
    (void)o;
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("Unrelated"), false, &label, err));
}

/* Goal: a label that somebody changes ends the load and the error says so; another label does not matter. */
static void test_a_label_is_changed_between_parts(void **state) {
    (void)state;
    for (uint32_t changed = 0; changed < 2; changed++) {
        fixture f;
        wg_copy_counts counts = {0};
        wg_error seen = {0};
        setup(&f);
        put_lines(&f, "/p.csv", false, 1, LINES);
        wg_copy_options o = into(&f.person);
        o.part_rows = 10;
        const wg_code code = load_beside(&f, &o, "/p.csv", changed == 1 ? rename_age : make_label, &counts, &seen);
        if (changed == 0 && code != WG_OK) fail_msg("%s", seen.message);
        if (changed == 1) {
            assert_int_equal(code, WG_E_CONFLICT);
            assert_non_null(strstr(seen.message, "label Person was changed while COPY went on; up to line"));
            assert_true(told(&seen) > 0 && told(&seen) < LINES);
        }
        assert_int_equal(persons_now(&f), changed == 1 ? told(&seen) : LINES);
        teardown(&f);
    }
}

/* ---- what fails */

/* Goal: whichever allocation is refused, the rows that the error tells are there and no others, and going on behind them gives all. */
static void test_parts_survive_want_of_memory(void **state) {
    (void)state;
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        fixture f;
        wg_copy_counts counts = {0};
        wg_error seen = {0};
        setup(&f);
        load_persons(&f);
        put_text(&f, "/k.csv", "from,to,weight\n10,20,0.5\n20,30,0.25\n30,10,1\n");
        again(&f);
        wg_copy_options o = into(&f.knows);
        o.part_rows = 1;
        wg_memory_fail_at(n, n % 2 == 0);
        const wg_code code = load(&f, &o, "/k.csv", &counts, &seen);
        wg_memory_fail_at(0, false);
        done = code == WG_OK && counts.commits == 3;
        if (code != WG_OK && code != WG_E_NOMEM) fail_msg("n %llu: %s", (unsigned long long)n, seen.message);
        wg_txn_abort(f.txn);
        MODEL_OK(wg_txn_begin(f.engine, WG_TXN_WRITE, 0, &f.txn, err));
        const uint64_t in = code == WG_OK ? 3 : told(&seen);
        o.skip_rows = in;
        wg_error_clear(&seen);
        if (load(&f, &o, "/k.csv", &counts, &seen) != WG_OK)
            fail_msg("n %llu: %s", (unsigned long long)n, seen.message);
        assert_int_equal(counts.rows, 3 - in);
        again(&f);
        expect_state(&f,
                     "X 0\nnode 0:Person age=36 id=10 name=\"Ada\"\nnode 1:Person id=20 name=\"Bo\"\n"
                     "node 2:Person age=7 id=30 name=\"Cy\"\nedge 0:KNOWS 0 1 weight=0.5\n"
                     "edge 1:KNOWS 1 2 weight=0.25\nedge 2:KNOWS 2 0 weight=1.0\n");
        teardown(&f);
    }
}

enum { CRASH_ROWS = 22, CRASH_PART = 4 };

/* What a start finds: whole parts, all that were told, and going on from there gives all rows once. */
static void check_survivors(wg_platform *disk, uint64_t least, bool whole) {
    fixture f = {.platform = disk};
    wg_copy_counts counts = {0};
    const wg_engine_options o = {.platform = disk};
    MODEL_OK(wg_engine_open("/ws", &o, &f.engine, err));
    MODEL_OK(wg_txn_begin(f.engine, WG_TXN_WRITE, 0, &f.txn, err));
    f.person = label_of(&f, "Person", false);
    const uint64_t rows = persons_now(&f);
    if (rows < least || rows > CRASH_ROWS || (rows % CRASH_PART != 0 && rows != CRASH_ROWS) ||
        (whole && rows != CRASH_ROWS))
        fail_msg("%llu rows, at least %llu were told", (unsigned long long)rows, (unsigned long long)least);
    put_lines(&f, "/again.csv", false, 1, CRASH_ROWS);
    wg_copy_options copy = into(&f.person);
    copy.part_rows = CRASH_PART;
    copy.skip_rows = rows;
    MODEL_OK(load(&f, &copy, "/again.csv", &counts, err));
    assert_int_equal(counts.rows, CRASH_ROWS - rows);
    teardown(&f);
}

/* Goal: power fails at each call of the platform, or a sync fails: each part is there whole or not at all, and those are that the error tells. */
static void test_parts_survive_crashes(void **state) {
    (void)state;
    bool crashed = true;
    uint64_t points = 0;
    for (uint64_t n = 1; crashed; n++, points++) {
        fixture f;
        wg_copy_counts counts = {0};
        wg_error seen = {0};
        setup(&f);
        put_lines(&f, "/p.csv", false, 1, CRASH_ROWS);
        again(&f);
        wg_copy_options o = into(&f.person);
        o.part_rows = CRASH_PART;
        if (n % 2 == 0) o.rejects = "/bad.jsonl";
        wg_platform_sim_crash_at(f.platform, n);
        const wg_code code = load(&f, &o, "/p.csv", &counts, &seen);
        crashed = wg_platform_sim_crashed(f.platform);
        if (code != WG_OK) assert_true(crashed);
        const uint64_t least = code == WG_OK ? CRASH_ROWS : told(&seen);
        for (int pattern = 0; pattern < WG_CRASH_PATTERN_COUNT; pattern++) {
            wg_platform *disk = NULL;
            MODEL_OK(wg_platform_sim_reboot(f.platform, (wg_crash_pattern)pattern, n, &disk, err));
            check_survivors(disk, least, code == WG_OK);
        }
        wg_txn_abort(f.txn);
        (void)wg_engine_close(f.engine, NULL);
        wg_platform_sim_destroy(f.platform);
    }
    assert_true(points > 20);
    for (uint64_t n = 1; n <= 6; n++) {
        fixture f;
        wg_platform *disk = NULL;
        wg_copy_counts counts = {0};
        wg_error seen = {0};
        setup(&f);
        put_lines(&f, "/p.csv", false, 1, CRASH_ROWS);
        again(&f);
        wg_copy_options o = into(&f.person);
        o.part_rows = CRASH_PART;
        wg_platform_sim_fail_sync_at(f.platform, n);
        const wg_code code = load(&f, &o, "/p.csv", &counts, &seen);
        assert_int_equal(code, WG_E_IO);
        assert_int_equal(told(&seen), (n - 1) * CRASH_PART);
        wg_txn_abort(f.txn);
        (void)wg_engine_close(f.engine, NULL);
        MODEL_OK(wg_platform_sim_reboot(f.platform, WG_CRASH_NONE_SURVIVES, n, &disk, err));
        wg_platform_sim_destroy(f.platform);
        check_survivors(disk, (n - 1) * CRASH_PART, false);
    }
}

/* Goal: somebody cancels: what was committed stays and is told. */
static void test_a_cancelled_load_says_what_is_in(void **state) {
    (void)state;
    fixture f;
    wg_copy_counts counts = {0};
    wg_error seen = {0};
    setup(&f);
    put_lines(&f, "/p.csv", false, 1, CRASH_ROWS);
    again(&f);
    wg_copy_options o = into(&f.person);
    o.part_rows = CRASH_PART;
    wg_cancel cancel = {.platform = f.platform, .deadline_ns = 1};
    assert_int_equal(wg_txn_copy(f.txn, "/p.csv", &o, &cancel, &counts, &seen), WG_E_DEADLINE);
    assert_non_null(strstr(seen.message, "no row was committed"));
    wg_txn_abort(f.txn);
    MODEL_OK(wg_txn_begin(f.engine, WG_TXN_WRITE, 0, &f.txn, err));
    assert_int_equal(persons_now(&f), 0);
    teardown(&f);
}

/* ---- memory */

enum { BIG_ROWS = 150000, HOT = 8 << 20 };

static void put_big(fixture *f) {
    wg_buf text = {0};
    wg_rng rng;
    wg_rng_init(&rng, 7);
    assert_true(wg_buf_append_str(&text, "id,name\n"));
    for (uint32_t i = 0; i < BIG_ROWS; i++) {
        assert_true(wg_buf_printf(&text, "%u,", i));
        for (uint32_t k = 0; k < 6; k++)
            assert_true(wg_buf_printf(&text, "%016llx", (unsigned long long)wg_rng_next(&rng)));
        assert_true(wg_buf_append_str(&text, "\n"));
    }
    put_bytes(f, "/big.csv", text.data, text.size);
    wg_buf_deinit(&text);
}

/* Goal: what does not fit into one transaction under a budget is refused, and the error says which parts would fit: they do, and what they
 * make is as large as four budgets. Ends are found by the index when a table of them would not fit. */
static void test_a_load_larger_than_the_budget(void **state) {
    (void)state;
    fixture f;
    wg_copy_counts counts = {0};
    wg_error seen = {0};
    setup(&f);
    put_big(&f);
    MODEL_OK(wg_txn_commit(f.txn, NULL, err));
    MODEL_OK(wg_engine_close(f.engine, err));
    const wg_engine_options tight = {
        .platform = f.platform,
        .options = {.no_background = true, .checkpoint_log_bytes = UINT64_MAX, .budget = {.hot = HOT}}};
    MODEL_OK(wg_engine_open("/ws", &tight, &f.engine, err));
    MODEL_OK(wg_txn_begin(f.engine, WG_TXN_WRITE, 0, &f.txn, err));
    wg_copy_options o = into(&f.person);
    assert_int_equal(load(&f, &o, "/big.csv", &counts, &seen), WG_E_CAPACITY);
    const char *at = strstr(seen.message, "try COMMIT EVERY ");
    if (at == NULL) fail_msg("%s", seen.message);
    o.part_rows = strtoull(at + 17, NULL, 10);
    if (o.part_rows < 100 || o.part_rows > 10000) fail_msg("%s", seen.message);
    again(&f);
    wg_epoch_collect(f.engine->epoch);
    assert_true(wg_account_bytes(&f.engine->account) < HOT / 2); /* what was taken back is given back */
    wg_error_clear(&seen);
    if (load(&f, &o, "/big.csv", &counts, &seen) != WG_OK) fail_msg("%s", seen.message);
    assert_int_equal(counts.rows, BIG_ROWS);
    assert_true(atomic_load(&f.engine->maintenance.checkpoints) > 3);
    assert_true(wg_account_peak(&f.engine->account) <= HOT + (HOT >> 2));
    again(&f);
    put_text(&f, "/k.csv", "from,to\n1,149999\n149999,1\n17,150000\n");
    wg_copy_options edges = into(&f.knows);
    edges.rejects = "/bad.jsonl";
    edges.part_rows = 2;
    wg_error_clear(&seen);
    if (load(&f, &edges, "/k.csv", &counts, &seen) != WG_OK) fail_msg("%s", seen.message);
    assert_int_equal(counts.rows, 2);
    assert_int_equal(counts.rejected, 1);
    reopen(&f);
    assert_int_equal(persons_now(&f), BIG_ROWS);
    teardown(&f);
}

int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_make_the_same_graph),
        cmocka_unit_test(test_text_in_parts_and_behind_skipped_rows),
        cmocka_unit_test(test_parquet_is_skipped),
        cmocka_unit_test(test_a_bad_row_leaves_the_parts_before_it),
        cmocka_unit_test(test_a_bad_end_deep_in_parquet),
        cmocka_unit_test(test_rejected_rows_count),
        cmocka_unit_test(test_a_node_is_deleted_between_parts),
        cmocka_unit_test(test_a_node_is_made_between_parts),
        cmocka_unit_test(test_a_label_is_changed_between_parts),
        cmocka_unit_test(test_parts_survive_want_of_memory),
        cmocka_unit_test(test_parts_survive_crashes),
        cmocka_unit_test(test_a_cancelled_load_says_what_is_in),
        cmocka_unit_test(test_a_load_larger_than_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
