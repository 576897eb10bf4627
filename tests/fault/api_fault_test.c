/* The public API while platform calls and allocations fail: every scenario of scenarios.h, the n-th call for n = 1, 2, ..
 * until it runs through, for each kind of failure, once and from then on; the n-th sync that loses its data; the n-th map;
 * and the n-th allocation. From then on: every n. Once: a seeded quarter.
 *
 * Each run ends in success or in a typed error. Then, with the faults off: the handles close, the workspace verifies, opens,
 * has every row and every note of a run that was acknowledged and none that was not tried, and takes another. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "io/object_cache/parquet_kit.h"
#include "tests/fault/scenarios.h"
#include "tests/fault/stand_in.h"
#include "tests/golden/golden_kit.h"

enum { BASE_ROWS = 3 };
typedef enum fault_way { WAY_CALL, WAY_LOST_SYNC, WAY_MAP, WAY_ALLOCATION } fault_way;

typedef struct fault {
    fault_way way;
    wg_fault_kind kind;
    bool persistent;
} fault;

static const wg_options plain = {.threads = 1, .no_background = true, .checkpoint_log_bytes = UINT64_MAX};
static wg_platform *base_disk;
static uint64_t seed;
static uint64_t once_in;
static uint64_t runs;
static uint64_t failures;
static const char *running;

static void fail_now(const char *what, const fault *f, uint64_t n, const wg_error *err) {
    fail_msg("%s, failing %s %llu (way %d, kind %d, WG_SEED=%llu): %s: %s", running, f->persistent ? "from" : "at",
             (unsigned long long)n, (int)f->way, (int)f->kind, (unsigned long long)seed, what,
             err != NULL ? err->message : "");
}

/* ---- the base */

static void put(const char *path, wg_slice bytes) {
    wg_platform *p = wg_platform_real();
    wg_file *file = NULL;
    KIT_OK(p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, err));
    KIT_OK(p->ops->write_at(p, file, 0, bytes.data, bytes.size, err));
    KIT_OK(p->ops->sync(p, file, err));
    p->ops->close(p, file);
}

static void make_base(void) {
    static const char *const history[] = {
        "CREATE NODE LABEL Row (id INT, text STRING, n INT, PRIMARY KEY (id))",
        "CREATE (:Row {id: 1, text: 'one'})-[:NEXT {n: 1}]->(:Row {id: 2, text: 'two'})-[:NEXT]->(:Row {id: 3})",
        "CREATE (:Open {x: 1})-[:LIKES]->(:Open {x: 'a'})",
        "CREATE NODE LABEL File VIRTUAL FROM PARTITION '/data/{day}.parquet'"};
    wg_engine *engine = NULL;
    wg_buf bytes;
    KIT_OK(wg_platform_sim_create(1, &base_disk, err));
    stand_in_use(base_disk);
    KIT_OK(base_disk->ops->make_directory(base_disk, "/data", err));
    wg_buf_init(&bytes, NULL);
    kit_encode(&(kit_file){.rows = 9, .base = 0}, &bytes);
    put("/data/2024-01-01.parquet", wg_buf_slice(&bytes));
    wg_buf_deinit(&bytes);
    put("/data/rows.csv", wg_slice_str("id,text\n50,\"a\"\n51,b\n52,\n"));
    KIT_OK(base_disk->ops->sync_directory(base_disk, "/data", err));
    KIT_OK(base_disk->ops->sync_directory(base_disk, "/", err));
    /* Through the engine, whose log may begin with a small segment: the disk is copied for each run. */
    wg_engine_options make = {.options = plain, .wal_segment_bytes = 65536};
    make.options.create = true;
    KIT_OK(wg_engine_open("/ws", &make, &engine, err));
    for (size_t i = 0; i < sizeof history / sizeof history[0]; i++)
        KIT_OK(golden_run(engine, history[i], 0, NULL, err));
    KIT_OK(wg_engine_close(engine, err));
    stand_in_use(NULL);
}

/* ---- one run */

static void arm(wg_platform *faulty, wg_platform *disk, const fault *f, uint64_t n) {
    switch (f->way) {
        case WAY_CALL:
            wg_platform_fault_arm(faulty, n, f->kind, f->persistent);
            return;
        case WAY_LOST_SYNC:
            wg_platform_sim_fail_sync_at(disk, n);
            return;
        case WAY_MAP:
            stand_in_refuse_map(n, f->persistent);
            return;
        case WAY_ALLOCATION:
            wg_memory_fail_at(n, f->persistent);
            return;
    }
}

static void disarm(wg_platform *faulty, wg_platform *disk) {
    wg_memory_fail_at(0, false);
    wg_platform_fault_arm(faulty, 0, WG_FAULT_EIO, false);
    wg_platform_sim_fail_sync_at(disk, 0);
    stand_in_refuse_map(0, false);
}

static uint64_t rows_found(wg_session *session, const fault *f, uint64_t n) {
    wg_result *r = NULL;
    wg_value v;
    wg_error seen = {0};
    if (wg_query(session, "MATCH (r:Row) RETURN count(*)", &r, &seen) != WG_OK) fail_now("count", f, n, &seen);
    KIT_OK(wg_result_cell(r, 0, 0, &v, err));
    const uint64_t rows = (uint64_t)v.as.i;
    wg_result_free(r);
    return rows;
}

/* Notes are whole, those that were acknowledged are there, and none that was not tried. */
static void check_notes(wg_session *session, const scene *s, const fault *f, uint64_t n) {
    uint64_t keys = 0;
    uint64_t events = 0;
    wg_error seen = {0};
    if (s->notes_tried == 0) return;
    if (scene_notes(session, &keys, &events, &seen) != WG_OK) fail_now("notes", f, n, &seen);
    if (keys != events) fail_now("half a note", f, n, NULL);
    if (keys < s->notes_acked || keys > s->notes_tried) fail_now("number of notes", f, n, NULL);
}

/* Faults are off: what was acknowledged is there, and work goes on. */
static void check_after(const scene *s, const fault *f, uint64_t n) {
    wg_verify_report report;
    wg_db *db = NULL;
    wg_session *session = NULL;
    wg_error seen = {0};
    if (wg_verify("/ws", &report, &seen) != WG_OK) fail_now("verify", f, n, &seen);
    if (wg_open("/ws", &plain, &db, &seen) != WG_OK) fail_now("reopen", f, n, &seen);
    KIT_OK(wg_session_open(db, &session, err));
    const uint64_t rows = rows_found(session, f, n);
    if (rows < BASE_ROWS + s->acked || rows > BASE_ROWS + s->tried) fail_now("rows", f, n, NULL);
    check_notes(session, s, f, n);
    wg_result *r = NULL;
    if (wg_query(session, "CREATE (:Row {id: 1000})", &r, &seen) != WG_OK) fail_now("write after", f, n, &seen);
    wg_result_free(r);
    if (rows_found(session, f, n) != rows + 1) fail_now("the new row", f, n, NULL);
    wg_session_close(session);
    KIT_OK(wg_close(db, err));
}

/* While the database that met the fault is still open: it reads, and sees what was acknowledged. */
static void check_open(const scene *s, const fault *f, uint64_t n) {
    const uint64_t rows = rows_found(s->session, f, n);
    if (rows < BASE_ROWS + s->acked || rows > BASE_ROWS + s->tried) fail_now("rows while open", f, n, NULL);
}

/* True when the fault was met. */
static bool one_run(const scenario *sc, const fault *f, uint64_t n, bool thorough) {
    wg_platform *disk = NULL;
    wg_platform *faulty = NULL;
    scene s = {.db = NULL};
    wg_error seen = {0};
    wg_options o = plain;
    o.read_only = sc->read_only;
    running = sc->name;
    KIT_OK(wg_platform_sim_reboot(base_disk, WG_CRASH_ALL_SURVIVES, 1, &disk, err));
    KIT_OK(wg_platform_fault_create(disk, &faulty, err));
    stand_in_use(faulty);
    if (!sc->opens) {
        KIT_OK(wg_open("/ws", &o, &s.db, err));
        KIT_OK(wg_session_open(s.db, &s.session, err));
    }
    const uint64_t calls = wg_platform_fault_calls(faulty);
    const uint64_t allocations = wg_memory_calls();
    arm(faulty, disk, f, n);
    const wg_code code = sc->run(&s, &seen);
    bool met = code != WG_OK;
    if (f->way == WAY_CALL) met = wg_platform_fault_calls(faulty) - calls >= n;
    if (f->way == WAY_MAP) met = stand_in_maps() >= n;
    if (f->way == WAY_ALLOCATION) met = wg_memory_calls() - allocations >= n;
    disarm(faulty, disk);
    runs++;
    failures += code != WG_OK;
    const bool typed = code == WG_OK || code == WG_E_IO || code == WG_E_NOMEM || code == WG_E_LIMIT;
    if (!typed || (code != WG_OK && (seen.code != code || seen.message[0] == '\0')))
        fail_now(wg_code_name(code), f, n, &seen);
    if (!met && code != WG_OK) fail_now("fails without a fault", f, n, &seen);
    if (s.db != NULL) {
        if (thorough || code != WG_OK) check_open(&s, f, n);
        wg_session_close(s.session);
        const wg_code closed = wg_close(s.db, NULL);
        if (closed == WG_E_MISUSE) fail_now("something was left open", f, n, NULL);
    }
    if (thorough || s.tried != 0 || s.notes_tried != 0) check_after(&s, f, n);
    stand_in_use(NULL);
    wg_platform_fault_destroy(faulty);
    wg_platform_sim_destroy(disk);
    return met;
}

static void every_n(const scenario *sc, const fault *f) {
    const bool sampled = !f->persistent && f->way != WAY_LOST_SYNC;
    uint64_t step = sampled ? once_in : (once_in + 3) / 4;
    if (f->way != WAY_ALLOCATION && !sampled) step = 1;
    uint64_t n = 1 + seed % step;
    while (one_run(sc, f, n, (n + seed) % 8 == 0 || f->way != WAY_ALLOCATION)) n += step;
}

static void all_scenarios(const fault *faults, size_t fault_count, const char *what) {
    const uint64_t before = runs;
    const uint64_t failed = failures;
    for (size_t f = 0; f < fault_count; f++) {
        for (size_t i = 0; i < scenario_count; i++) every_n(&scenarios[i], &faults[f]);
        for (size_t i = 0; i < maintenance_scenario_count; i++) every_n(&maintenance_scenarios[i], &faults[f]);
        for (size_t i = 0; i < agents_scenario_count; i++) every_n(&agents_scenarios[i], &faults[f]);
        for (size_t i = 0; i < receipts_scenario_count; i++) every_n(&receipts_scenarios[i], &faults[f]);
    }
    printf("%s: %llu runs of %zu scenarios, %llu ended in an error\n", what, (unsigned long long)(runs - before),
           scenario_count + maintenance_scenario_count + agents_scenario_count + receipts_scenario_count,
           (unsigned long long)(failures - failed));
    assert_true(failures > failed);
}

/* Goal: failing platform calls of each kind. */
static void test_api_platform_calls_may_fail(void **state) {
    (void)state;
    static const fault faults[] = {
        {WAY_CALL, WG_FAULT_EIO, false},         {WAY_CALL, WG_FAULT_EIO, true},
        {WAY_CALL, WG_FAULT_ENOSPC, false},      {WAY_CALL, WG_FAULT_ENOSPC, true},
        {WAY_CALL, WG_FAULT_EACCES, false},      {WAY_CALL, WG_FAULT_EACCES, true},
        {WAY_CALL, WG_FAULT_EMFILE, false},      {WAY_CALL, WG_FAULT_EMFILE, true},
        {WAY_CALL, WG_FAULT_SHORT_WRITE, false}, {WAY_CALL, WG_FAULT_SHORT_WRITE, true},
    };
    all_scenarios(faults, sizeof faults / sizeof faults[0], "platform calls");
}

/* Goal: syncs that fail and drop their data (M6), and maps that are refused. */
static void test_api_syncs_lose_data_and_maps_are_refused(void **state) {
    (void)state;
    static const fault faults[] = {
        {WAY_LOST_SYNC, WG_FAULT_EIO, false}, {WAY_MAP, WG_FAULT_EIO, false}, {WAY_MAP, WG_FAULT_EIO, true}};
    all_scenarios(faults, sizeof faults / sizeof faults[0], "lost syncs and refused maps");
}

/* Goal: allocations that fail, once and for good. */
static void test_api_allocations_may_fail(void **state) {
    (void)state;
    static const fault faults[] = {{WAY_ALLOCATION, WG_FAULT_EIO, false}, {WAY_ALLOCATION, WG_FAULT_EIO, true}};
    all_scenarios(faults, sizeof faults / sizeof faults[0], "allocations");
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_platform_calls_may_fail),
        cmocka_unit_test(test_api_syncs_lose_data_and_maps_are_refused),
        cmocka_unit_test(test_api_allocations_may_fail),
    };
    const char *text = getenv("WG_SEED");
    const char *size = getenv("WG_TEST_SIZE");
    seed = text != NULL ? strtoull(text, NULL, 10) : UINT64_C(20260101);
    once_in = size != NULL && strcmp(size, "small") == 0 ? 41 : 4;
    printf("seed: WG_SEED=%llu\n", (unsigned long long)seed);
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    make_base();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    wg_platform_sim_destroy(base_disk);
    printf("%llu faulty runs\n", (unsigned long long)runs);
    return failed;
}
