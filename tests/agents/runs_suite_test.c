/* Runs as things: lists, states, forks, differences, merging, replay, in every durability mode. */
#include "agents_kit.h"

static bool on_run(void *ctx, const wg_run_info *info) {
    char *text = ctx;
    snprintf(text + strlen(text), 32, "%s ", info->name);
    return true;
}

static void expect_list(const wg_run_filter *filter, const char *expected) {
    char text[256] = "";
    KIT_OK(wg_run_list(kit_session, filter, on_run, text, err));
    assert_string_equal(text, expected);
}

/* Goal: runs are made with parent, tags and metadata, found again, listed by each filter, and not made twice. */
static void test_runs_create_and_list(void **state) {
    (void)state;
    static const char *const tags[] = {"blue", "demo"};
    wg_map_entry entry = {.key = "model", .key_size = 5, .value = kit_text("m1")};
    const wg_value metadata = {.type = WG_TYPE_MAP, .size = 1, .as.map = &entry};
    const wg_run_options o = {.parent = "top", .tags = tags, .tag_count = 2, .metadata = &metadata};
    wg_run *run = NULL;
    KIT_FAILS(WG_E_NOT_FOUND, wg_run_create(kit_session, "child", &o, &run, err));
    KIT_OK(wg_run_create(kit_session, "top", NULL, NULL, err));
    KIT_OK(wg_run_create(kit_session, "child", &o, &run, err));
    KIT_FAILS(WG_E_EXISTS, wg_run_create(kit_session, "child", NULL, NULL, err));
    KIT_FAILS(WG_E_VALUE, wg_run_create(kit_session, "", NULL, NULL, err));
    KIT_FAILS(WG_E_VALUE, wg_run_create(kit_session, "a\nb", NULL, NULL, err));
    KIT_FAILS(WG_E_NOT_FOUND, wg_run_open(kit_session, "none", &run, err));
    wg_run_info info;
    kit_put(run, "k", 1);
    kit_append(run, "e", 1);
    KIT_OK(wg_run_get_info(run, &info, err));
    assert_string_equal(info.name, "child");
    assert_string_equal(info.parent, "top");
    assert_null(info.forked_of);
    assert_int_equal(info.status, WG_RUN_ACTIVE);
    assert_int_equal(info.tag_count, 2);
    assert_string_equal(info.tags[1], "demo");
    assert_memory_equal(info.metadata.as.map[0].value.as.s, "m1", 2);
    assert_int_equal(info.version, 2);
    assert_int_equal(info.events, 1);
    assert_true(info.created_us > 0 && info.ended_us == 0);
    expect_list(NULL, "child top ");
    expect_list(&(wg_run_filter){.prefix = "to"}, "top ");
    expect_list(&(wg_run_filter){.tag = "blue"}, "child ");
    expect_list(&(wg_run_filter){.parent = "top"}, "child ");
    expect_list(&(wg_run_filter){.status_mask = 1u << WG_RUN_FAILED}, "");
    KIT_OK(wg_run_set_tags(run, tags, 1, err));
    expect_list(&(wg_run_filter){.tag = "demo"}, "");
    KIT_OK(wg_run_set_metadata(run, NULL, err));
    KIT_OK(wg_run_get_info(run, &info, err));
    assert_int_equal(info.metadata.size, 0);
    wg_run_close(run);
    KIT_OK(wg_run_open(kit_session, NULL, &run, err));
    expect_list(NULL, "child default top ");
    wg_run_close(run);
}

/* Goal: only the stated changes of state are allowed, and a run that is not active takes no writes. */
static void test_runs_states(void **state) {
    (void)state;
    static const bool allowed[6][6] = {
        {false, true, true, true, true, true},     {true, false, false, false, true, true},
        {false, false, false, false, false, true}, {false, false, false, false, false, true},
        {false, false, false, false, false, true}, {false, false, false, false, false, false}};
    static const int ways[6][2] = {{-1, -1}, {1, -1}, {2, -1}, {3, -1}, {4, -1}, {5, -1}};
    char name[32];
    for (int from = 0; from < 6; from++) {
        for (int to = 0; to < 6; to++) {
            snprintf(name, sizeof name, "r%d%d", from, to);
            wg_run *run = kit_run(name);
            if (ways[from][0] >= 0) KIT_OK(wg_run_set_status(run, (wg_run_status)ways[from][0], NULL, err));
            const wg_code code = wg_run_set_status(run, (wg_run_status)to, "why", NULL);
            assert_int_equal(code, allowed[from][to] ? WG_OK : WG_E_CONSTRAINT);
            wg_run_info info;
            KIT_OK(wg_run_get_info(run, &info, err));
            assert_int_equal(info.status, allowed[from][to] ? to : from);
            assert_int_equal(info.error != NULL, allowed[from][to] && to == WG_RUN_FAILED);
            const wg_value v = kit_int(1);
            const bool active = info.status == WG_RUN_ACTIVE;
            assert_int_equal(wg_kv_put(run, "k", 1, &v, NULL, NULL), active ? WG_OK : WG_E_READ_ONLY);
            assert_int_equal(wg_eventlog_append(run, "e", &v, NULL, NULL), active ? WG_OK : WG_E_READ_ONLY);
            (void)kit_get(run, "k");
            wg_run_close(run);
        }
    }
}

/* Goal: a deleted run is gone with its data for old handles too; its name can be used again and begins empty; a fork of it lives on. */
static void test_runs_delete(void **state) {
    (void)state;
    wg_run *a = kit_run("a");
    wg_run *f = NULL;
    kit_put(a, "k", 1);
    kit_append(a, "e", 1);
    KIT_OK(wg_run_fork(a, "f", 0, NULL, &f, err));
    KIT_OK(wg_run_delete(kit_session, "a", err));
    KIT_FAILS(WG_E_NOT_FOUND, wg_run_delete(kit_session, "a", err));
    KIT_FAILS(WG_E_NOT_FOUND, wg_kv_get(a, "k", 1, &(wg_kv_item){0}, err));
    const wg_value v = kit_int(1);
    KIT_FAILS(WG_E_NOT_FOUND, wg_kv_put(a, "k", 1, &v, NULL, err));
    wg_run_close(a);
    kit_expect(f, "k", 1);
    a = kit_run("a");
    kit_expect_none(a, "k");
    uint64_t events = 9;
    KIT_OK(wg_eventlog_length(a, &events, err));
    assert_int_equal(events, 0);
    kit_put(f, "k", 2);
    kit_expect_none(a, "k");
    wg_run_close(a);
    wg_run_close(f);
    if (kit_mode == WG_IN_MEMORY) return;
    kit_close();
    kit_open();
    KIT_OK(wg_run_open(kit_session, "f", &f, err));
    kit_expect(f, "k", 2);
    KIT_OK(wg_eventlog_length(f, &events, err));
    assert_int_equal(events, 1);
    wg_run_close(f);
}

/* Goal: a fork begins as its run was at the version, both go on apart, deletions in it hide the parent's keys, and forks of forks do the same. */
static void test_runs_fork(void **state) {
    (void)state;
    wg_run *a = kit_run("a");
    wg_run *f = NULL;
    wg_run *g = NULL;
    wg_run *old = NULL;
    const uint64_t first = kit_put(a, "k", 1);
    kit_put(a, "gone", 1);
    kit_put(a, "k", 2);
    kit_append(a, "e", 0);
    KIT_OK(wg_run_fork(a, "f", 0, NULL, &f, err));
    KIT_OK(wg_run_fork(a, "old", first, NULL, &old, err));
    KIT_FAILS(WG_E_EXPIRED, wg_run_fork(a, "future", 1000, NULL, NULL, err));
    KIT_FAILS(WG_E_EXISTS, wg_run_fork(a, "f", 0, NULL, NULL, err));
    kit_put(a, "k", 3);
    kit_append(a, "e", 1);
    kit_expect(f, "k", 2);
    kit_expect(old, "k", 1);
    kit_expect_none(old, "gone");
    assert_true(kit_delete(f, "gone"));
    kit_expect_none(f, "gone");
    kit_expect(a, "gone", 1);
    assert_int_equal(kit_append(f, "f", 10), 1);
    KIT_OK(wg_run_fork(f, "g", 0, NULL, &g, err));
    kit_put(f, "k", 4);
    kit_expect(g, "k", 2);
    kit_expect_none(g, "gone");
    kit_put(g, "new", 5);
    wg_event_item e;
    KIT_OK(wg_eventlog_read(g, 0, &e, err));
    assert_int_equal(e.payload.as.i, 0);
    KIT_OK(wg_eventlog_read(g, 1, &e, err));
    assert_int_equal(e.payload.as.i, 10);
    wg_eventlog_report report;
    KIT_OK(wg_eventlog_verify(g, &report, err));
    assert_true(report.valid);
    assert_int_equal(report.length, 2);
    wg_run_info info;
    KIT_OK(wg_run_get_info(g, &info, err));
    assert_string_equal(info.forked_of, "f");
    wg_run_close(old);
    wg_run_close(g);
    wg_run_close(f);
    wg_run_close(a);
    if (kit_mode == WG_IN_MEMORY) return;
    kit_close();
    kit_open();
    KIT_OK(wg_run_open(kit_session, "g", &g, err));
    kit_expect(g, "k", 2);
    kit_expect_none(g, "gone");
    kit_expect(g, "new", 5);
    wg_run_close(g);
}

static bool on_difference(void *ctx, const wg_diff_item *item) {
    static const char marks[] = "+-~";
    char *text = ctx;
    snprintf(text + strlen(text), 64, "%c%.*s:%d:%d ", marks[item->kind], (int)item->key_size, item->key,
             item->before.type == WG_TYPE_INT ? (int)item->before.as.i : -1,
             item->after.type == WG_TYPE_INT ? (int)item->after.as.i : -1);
    return true;
}

static wg_run_diff_report expect_difference(wg_run *a, wg_run *b, const char *expected) {
    char text[512] = "";
    wg_run_diff_report report;
    KIT_OK(wg_run_diff(a, b, on_difference, text, &report, err));
    assert_string_equal(text, expected);
    return report;
}

/* Goal: differences of forks, in both directions, of runs that never met, and of equal runs; between forks only what was touched is looked at. */
static void test_runs_diff(void **state) {
    (void)state;
    wg_run *a = kit_run("a");
    wg_run *f = NULL;
    char key[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "k%03d", i);
        kit_put(a, key, i);
    }
    KIT_OK(wg_run_fork(a, "f", 0, NULL, &f, err));
    assert_int_equal(expect_difference(a, f, "").keys_examined, 0);
    kit_put(f, "k001", 7);
    kit_put(f, "new", 8);
    kit_delete(f, "k002");
    kit_put(a, "k003", 9);
    kit_put(f, "k004", 4); /* the same value again */
    kit_append(f, "e", 1);
    const wg_run_diff_report report = expect_difference(a, f, "~k001:1:7 -k002:2:-1 ~k003:9:3 +new:-1:8 ");
    assert_int_equal(report.added, 1);
    assert_int_equal(report.removed, 1);
    assert_int_equal(report.changed, 2);
    assert_true(report.keys_examined <= 5);
    assert_int_equal(report.events_only_b, 1);
    expect_difference(f, a, "~k001:7:1 +k002:-1:2 ~k003:3:9 -new:8:-1 ");
    wg_run *s = NULL;
    KIT_OK(wg_run_fork(a, "s", 0, NULL, &s, err));
    expect_difference(s, f, "~k001:1:7 -k002:2:-1 ~k003:9:3 +new:-1:8 ");
    wg_run *x = kit_run("x");
    wg_run *y = kit_run("y");
    kit_put(x, "p", 1);
    kit_put(y, "q", 2);
    expect_difference(x, y, "-p:1:-1 +q:-1:2 ");
    wg_run_close(x);
    wg_run_close(y);
    wg_run_close(s);
    wg_run_close(f);
    wg_run_close(a);
}

/* Goal: a merge takes what only the source changed, decides conflicts as the policy says, brings events, and STRICT leaves everything as it was. */
static void test_runs_merge(void **state) {
    (void)state;
    static const int64_t winners[] = {0, 20, 30, 0};
    for (int policy = WG_MERGE_STRICT; policy <= WG_MERGE_LAST; policy++) {
        char name[32];
        snprintf(name, sizeof name, "a%d", policy);
        wg_run *a = kit_run(name);
        wg_run *f = NULL;
        kit_put(a, "both", 1);
        kit_put(a, "mine", 1);
        kit_put(a, "theirs", 1);
        kit_put(a, "gone", 1);
        snprintf(name, sizeof name, "f%d", policy);
        KIT_OK(wg_run_fork(a, name, 0, NULL, &f, err));
        kit_put(f, "both", 20);
        kit_put(f, "theirs", 2);
        kit_put(f, "new", 3);
        kit_delete(f, "gone");
        kit_append(f, "e", 5);
        kit_put(a, "both", 30);
        kit_put(a, "mine", 2);
        wg_merge_report report = {0};
        const wg_code code = wg_run_merge(f, a, (wg_merge_policy)policy, &report, NULL);
        assert_int_equal(report.conflicts, 1);
        assert_string_equal(report.first_conflict, "both");
        if (policy == WG_MERGE_STRICT) {
            assert_int_equal(code, WG_E_CONFLICT);
            kit_expect(a, "theirs", 1);
            kit_expect(a, "gone", 1);
            kit_put(a, "both", 20); /* both sides agree now: no conflict any more */
            KIT_OK(wg_run_merge(f, a, WG_MERGE_STRICT, &report, err));
            assert_int_equal(report.conflicts, 0);
        } else {
            assert_int_equal(code, WG_OK);
            if (policy != WG_MERGE_LAST) kit_expect(a, "both", winners[policy]);
        }
        kit_expect(a, "mine", 2);
        kit_expect(a, "theirs", 2);
        kit_expect(a, "new", 3);
        kit_expect_none(a, "gone");
        uint64_t events = 0;
        KIT_OK(wg_eventlog_length(a, &events, err));
        assert_int_equal(events, 1);
        assert_int_equal(report.events_appended, 1);
        KIT_FAILS(WG_E_MISUSE, wg_run_merge(a, f, WG_MERGE_SOURCE, NULL, err));
        wg_run_close(f);
        wg_run_close(a);
    }
}

/* Goal: replay makes the same bytes from the log, at the newest state and at an earlier one, for a run and for a fork, and changes nothing. */
static void test_runs_replay(void **state) {
    (void)state;
    wg_replay_report report;
    wg_run *a = kit_run("a");
    wg_run *f = NULL;
    for (int i = 0; i < 50; i++) {
        char key[32];
        snprintf(key, sizeof key, "k%d", i % 20);
        kit_put(a, key, i);
        kit_append(a, "e", i);
        if (i % 7 == 0) kit_delete(a, "k3");
    }
    if (kit_mode == WG_IN_MEMORY) {
        KIT_FAILS(WG_E_UNSUPPORTED, wg_run_replay(a, 0, &report, err));
        wg_run_close(a);
        return;
    }
    kit_query("CALL runs.list() YIELD name RETURN name");
    const uint64_t middle = wg_db_logseq(kit_db);
    KIT_OK(wg_run_fork(a, "f", 0, NULL, &f, err));
    kit_put(a, "k1", 1000);
    kit_put(f, "k2", 2000);
    wg_replay_report again;
    KIT_OK(wg_run_replay(a, 0, &report, err));
    assert_true(report.equal);
    assert_int_equal(report.keys, 19 + (49 % 7 == 0 ? 0 : 1));
    assert_int_equal(report.events, 50);
    KIT_OK(wg_run_replay(a, 0, &again, err));
    assert_memory_equal(report.digest, again.digest, 32);
    KIT_OK(wg_run_replay(a, middle, &again, err));
    assert_true(again.equal);
    assert_memory_not_equal(report.digest, again.digest, 32);
    assert_int_equal(again.logseq, middle);
    KIT_OK(wg_run_replay(f, 0, &again, err));
    assert_true(again.equal);
    assert_memory_not_equal(report.digest, again.digest, 32);
    wg_run_close(f);
    wg_run_close(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_runs_create_and_list),
        KIT_TEST(test_runs_states),
        KIT_TEST(test_runs_delete),
        KIT_TEST(test_runs_fork),
        KIT_TEST(test_runs_diff),
        KIT_TEST(test_runs_merge),
        KIT_TEST(test_runs_replay),
    };
    return KIT_RUN_MODES(tests);
}
