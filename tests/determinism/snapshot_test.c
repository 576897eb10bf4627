/* Invariants 15 to 22 of docs/determinism.md: what a snapshot shows never changes, and what is sealed never does either. */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/determinism/kit.h"

typedef struct ways {
    kit_history h;
    kit_db db;
} ways;

static void grow(ways *w, uint64_t seed, kit_upkeep upkeep) {
    kit_begin(&w->h, seed);
    kit_open(&w->db, true);
    kit_grow(&w->h, &w->db, KIT_COMMITS, upkeep);
}

/* Goal (15): extending the log changes no answer at an earlier position, plan and order of rows included. */
static void test_inv_15_stability(void **state) {
    (void)state;
    static const char unordered[] = "MATCH (a)-[r]->(b:A) WHERE a.k < b.k RETURN a, r, b";
    for (uint64_t seed = 100; seed < 100 + KIT_SEEDS; seed++) {
        ways w;
        wg_buf before = {0}, after = {0};
        grow(&w, seed, (kit_upkeep)(seed % 3));
        for (uint64_t at = 1; at <= KIT_COMMITS; at += 3) {
            kit_all_answers(&w.db, at, &before);
            kit_answer(&w.db, unordered, at, &before);
        }
        kit_grow(&w.h, &w.db, KIT_COMMITS, (kit_upkeep)((seed + 1) % 3));
        for (uint64_t at = 1; at <= KIT_COMMITS; at += 3) {
            kit_all_answers(&w.db, at, &after);
            kit_answer(&w.db, unordered, at, &after);
        }
        kit_expect_same(&after, &before, "seed %llu", (unsigned long long)seed);
        wg_buf_deinit(&before);
        wg_buf_deinit(&after);
        kit_remove(&w.db);
    }
}

/* Goal (16): a record with logseq S is seen at S and not at S - 1. */
static void test_inv_16_the_bound_is_inclusive(void **state) {
    (void)state;
    kit_db db;
    kit_open(&db, true);
    for (int i = 1; i <= 5; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "CREATE (:A {k: %d})", i);
        kit_do(&db, text);
        assert_int_equal(wg_db_logseq(db.db), i);
    }
    for (uint64_t at = 1; at <= 5; at++) {
        wg_buf got = {0}, wanted = {0};
        kit_answer(&db, "MATCH (n:A) RETURN max(n.k) AS k, count(*) AS n", at, &got);
        assert_true(wg_buf_printf(&wanted, "k,n\n[%llu,%llu]\n", (unsigned long long)at, (unsigned long long)at));
        kit_expect_same(&got, &wanted, "position %llu", (unsigned long long)at);
        wg_buf_deinit(&got);
        wg_buf_deinit(&wanted);
    }
    kit_remove(&db);
}

/* Goal (17): the answer at S is that of a store which has only the commits up to S. */
static void test_inv_17_the_prefix_gives_the_answer(void **state) {
    (void)state;
    for (uint64_t seed = 120; seed < 120 + KIT_SEEDS; seed++) {
        ways w;
        grow(&w, seed, KIT_COMPACTED);
        for (uint64_t at = 5; at < w.h.last; at += 8) {
            kit_db prefix;
            wg_buf whole = {0}, part = {0};
            kit_open(&prefix, true);
            kit_replay(&w.h, &prefix, at, KIT_LOG_ONLY);
            kit_all_answers(&w.db, at, &whole);
            kit_all_answers(&prefix, 0, &part);
            kit_expect_same(&part, &whole, "seed %llu, position %llu", (unsigned long long)seed,
                            (unsigned long long)at);
            wg_buf_deinit(&whole);
            wg_buf_deinit(&part);
            kit_remove(&prefix);
        }
        kit_remove(&w.db);
    }
}

/* ---- readers beside a writer */

typedef struct readers {
    wg_db *db;
    _Atomic bool stop;
    _Atomic uint64_t reads;
    _Atomic uint64_t wrong;
} readers;

static void *read_sums(void *arg) {
    readers *r = arg;
    kit_db own = {.db = r->db};
    if (wg_session_open(r->db, &own.session, NULL) != WG_OK) return NULL;
    while (!atomic_load_explicit(&r->stop, memory_order_relaxed)) {
        wg_buf out = {0};
        const wg_code code = kit_try(&own, "MATCH (n:A) RETURN sum(n.v) AS s, count(*) AS n", 0, &out, NULL);
        const bool ok = code == WG_OK && wg_slice_is(wg_buf_slice(&out), "s,n\n[1000,10]\n");
        atomic_fetch_add_explicit(&r->reads, 1, memory_order_relaxed);
        if (!ok) atomic_fetch_add_explicit(&r->wrong, 1, memory_order_relaxed);
        wg_buf_deinit(&out);
    }
    wg_session_close(own.session);
    return NULL;
}

/* Goal (18): readers beside a writer that moves amounts between nodes, and replaces nodes, never see a part of a commit. */
static void test_inv_18_readers_see_whole_commits(void **state) {
    (void)state;
    kit_db db;
    pthread_t threads[2];
    kit_open(&db, true);
    kit_do(&db, "UNWIND range(1, 10) AS i CREATE (:A {i: i, v: 100})");
    readers r = {.db = db.db};
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_sums, &r), 0);
    for (int i = 0; i < 150; i++) {
        char text[200];
        KIT_OK(wg_begin(db.session, false, err));
        (void)snprintf(text, sizeof text, "MATCH (a:A {i: %d}), (b:A {i: %d}) SET a.v = a.v - %d, b.v = b.v + %d",
                       i % 10 + 1, (i * 7 + 3) % 10 + 1 == i % 10 + 1 ? (i + 1) % 10 + 1 : (i * 7 + 3) % 10 + 1,
                       i % 13, i % 13);
        kit_do(&db, text);
        (void)snprintf(text, sizeof text,
                       "MATCH (a:A {i: %d}) WITH a, a.i AS i, a.v AS v DELETE a CREATE (:A {i: i, v: v})",
                       (i * 3) % 10 + 1);
        kit_do(&db, text);
        KIT_OK(wg_commit(db.session, NULL, err));
    }
    while (atomic_load(&r.reads) == 0) (void)sched_yield(); /* a busy machine may not have let them begin */
    atomic_store(&r.stop, true);
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(r.reads > 0);
    assert_int_equal(r.wrong, 0);
    kit_remove(&db);
}

/* Goal (19): checkpoints, compactions and opening anew leave every answer at every kept position as it was. */
static void test_inv_19_upkeep_and_rebuilding_change_nothing(void **state) {
    (void)state;
    ways w;
    wg_buf wanted = {0};
    grow(&w, 140, KIT_LOG_ONLY);
    for (uint64_t at = 1; at <= w.h.last; at += 4) kit_all_answers(&w.db, at, &wanted);
    for (int step = 0; step < 5; step++) {
        wg_buf got = {0};
        if (step == 1) kit_upkeep_now(&w.db, KIT_CHECKPOINTED);
        if (step == 2) kit_upkeep_now(&w.db, KIT_COMPACTED);
        if (step == 0 || step == 3) {
            kit_close(&w.db);
            kit_open(&w.db, false);
        }
        if (step == 4) {
            kit_grow(&w.h, &w.db, 3, KIT_COMPACTED);
            w.h.last -= 3; /* the positions asked for are those of before */
        }
        for (uint64_t at = 1; at <= w.h.last; at += 4) kit_all_answers(&w.db, at, &got);
        kit_expect_same(&got, &wanted, "step %d", step);
        wg_buf_deinit(&got);
    }
    wg_buf_deinit(&wanted);
    kit_remove(&w.db);
}

/* Goal (20): a snapshot that is held stays whole while everything before the newest is given up and dropped; one that nobody held is
 * WG_E_EXPIRED, as are changes that begin there. */
static void test_inv_20_pins_keep_and_the_rest_expires(void **state) {
    (void)state;
    ways w;
    wg_snapshot *held = NULL;
    wg_buf before = {0}, after = {0};
    wg_error failure = {0};
    grow(&w, 150, KIT_LOG_ONLY);
    kit_all_answers(&w.db, 9, &before);
    KIT_OK(wg_snapshot_acquire(w.db.db, 9, &held, err));
    KIT_OK(wg_expire(w.db.db, w.h.last, err));
    kit_upkeep_now(&w.db, KIT_COMPACTED);
    for (uint32_t q = 0; q < 8; q++) kit_answer(&w.db, kit_query(q), 9, &after);
    before.size = 0;
    for (uint32_t q = 0; q < 8; q++) kit_oracle(&w.h, q, 9, &before);
    kit_expect_same(&after, &before, "the held snapshot");
    after.size = 0;
    assert_int_equal(kit_try(&w.db, kit_query(0), 8, &after, &failure), WG_E_EXPIRED);
    wg_error_clear(&failure);
    assert_int_equal(kit_try(&w.db, "CALL db.changes(3, null)", 0, &after, &failure), WG_E_EXPIRED);
    wg_error_clear(&failure);
    assert_int_equal(kit_try(&w.db, "CALL db.changes(0, 10000)", 0, &after, &failure), WG_E_EXPIRED);
    wg_snapshot_release(held);
    wg_buf_deinit(&before);
    wg_buf_deinit(&after);
    kit_remove(&w.db);
}

/* ---- files */

typedef struct sealed {
    char name[64];
    wg_sha256 digest;
} sealed;

static void digest_file(const char *path, wg_sha256 *out) {
    char piece[8192];
    size_t n;
    FILE *file = fopen(path, "rb");
    wg_sha256_state *sha = wg_sha256_begin();
    assert_non_null(file);
    while ((n = fread(piece, 1, sizeof piece, file)) > 0) wg_sha256_add(sha, piece, n);
    wg_sha256_end(sha, out);
    (void)fclose(file);
}

static uint32_t stripes_of(const kit_db *db, sealed *out, uint32_t room) {
    char path[400];
    uint32_t count = 0;
    (void)snprintf(path, sizeof path, "%s/stripes", db->dir);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (strstr(e->d_name, ".arc1") == NULL || strstr(e->d_name, ".tmp") != NULL || count == room) continue;
        (void)snprintf(out[count].name, sizeof out[count].name, "%.60s", e->d_name);
        (void)snprintf(path, sizeof path, "%s/stripes/%.60s", db->dir, e->d_name);
        digest_file(path, &out[count++].digest);
    }
    (void)closedir(dir);
    return count;
}

/* Goal (21): a stripe has the same bytes at any time after it was sealed. */
static void test_inv_21_sealed_bytes_stay(void **state) {
    (void)state;
    enum { ROOM = 64 };
    ways w;
    sealed first[ROOM], later[ROOM];
    grow(&w, 160, KIT_LOG_ONLY);
    kit_upkeep_now(&w.db, KIT_CHECKPOINTED);
    const uint32_t count = stripes_of(&w.db, first, ROOM);
    assert_true(count > 0);
    uint32_t compared = 0;
    for (int step = 0; step < 3; step++) {
        kit_grow(&w.h, &w.db, 4, KIT_CHECKPOINTED);
        const uint32_t now = stripes_of(&w.db, later, ROOM);
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t k = 0; k < now; k++) {
                if (strcmp(first[i].name, later[k].name) != 0) continue;
                assert_memory_equal(&first[i].digest, &later[k].digest, sizeof first[i].digest);
                compared++;
            }
    }
    assert_true(compared > 0);
    kit_remove(&w.db);
}

/* Goal (22): a stripe that no manifest names, whole, half or a leftover under its temporary name, contributes nothing when the store is opened.
 * tests/crash stops the sealing itself at every call. */
static void test_inv_22_an_unsealed_stripe_gives_nothing(void **state) {
    (void)state;
    ways w;
    sealed found[8];
    wg_buf wanted = {0};
    grow(&w, 170, KIT_CHECKPOINTED);
    kit_all_answers(&w.db, 0, &wanted);
    kit_close(&w.db);
    assert_true(stripes_of(&w.db, found, 8) > 0);
    for (int form = 0; form < 3; form++) {
        static const char *const names[] = {"00000000000000009999.arc1", "00000000000000009998.arc1",
                                            "00000000000000009997.arc1.tmp"};
        char command[600];
        wg_buf got = {0};
        (void)snprintf(command, sizeof command, "head -c %d '%s/stripes/%s' > '%s/stripes/%s'",
                       form == 0 ? 1 << 20 : 777, w.db.dir, found[0].name, w.db.dir, names[form]);
        assert_int_equal(system(command), 0);
        kit_open(&w.db, false);
        kit_all_answers(&w.db, 0, &got);
        kit_expect_same(&got, &wanted, "form %d", form);
        wg_buf_deinit(&got);
        kit_close(&w.db);
    }
    wg_buf_deinit(&wanted);
    kit_open(&w.db, false);
    kit_remove(&w.db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inv_15_stability),
        cmocka_unit_test(test_inv_16_the_bound_is_inclusive),
        cmocka_unit_test(test_inv_17_the_prefix_gives_the_answer),
        cmocka_unit_test(test_inv_18_readers_see_whole_commits),
        cmocka_unit_test(test_inv_19_upkeep_and_rebuilding_change_nothing),
        cmocka_unit_test(test_inv_20_pins_keep_and_the_rest_expires),
        cmocka_unit_test(test_inv_21_sealed_bytes_stay),
        cmocka_unit_test(test_inv_22_an_unsealed_stripe_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
