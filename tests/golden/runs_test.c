/* Every workspace tests/golden/runs-* is opened for ever: its runs show what they showed, before and after it is written to, checkpointed and opened
 * again, and replayed; and a changed byte never makes them show anything else. To write one: runs_test --write NAME. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/core/test_seed.h"
#include "primitives/agent/agent.h"
#include "primitives/runs/runs.h"
#include "tests/golden/runs_kit.h"

enum { WORKSPACES_MAX = 8, FILES_MAX = 64 };

#define RUNS_OK(call)                                                                         \
    do {                                                                                      \
        wg_error err_ = {0};                                                                  \
        wg_error *err = &err_;                                                                \
        const wg_code code_ = (call);                                                         \
        if (code_ != WG_OK) fail_msg("%s: %s: %s", #call, wg_code_name(code_), err_.message); \
    } while (0)

static char names[WORKSPACES_MAX][64];
static uint32_t name_count;

static bool note_name(void *ctx, const char *name, bool is_directory) {
    (void)ctx;
    if (is_directory && strncmp(name, "runs-", 5) == 0 && name_count < WORKSPACES_MAX)
        snprintf(names[name_count++], sizeof names[0], "%s", name);
    return true;
}

static int find_names(void **state) {
    (void)state;
    name_count = 0;
    if (wg_platform_real()->ops->list(wg_platform_real(), "tests/golden", note_name, NULL, NULL) != WG_OK) return 1;
    return name_count == 0;
}

static wg_buf kept_dump(const char *name) {
    wg_buf text;
    char path[256];
    wg_buf_init(&text, NULL);
    snprintf(path, sizeof path, "tests/golden/%s/dump.txt", name);
    RUNS_OK(golden_read(wg_platform_real(), path, &text, err));
    return text;
}

static bool shows(wg_engine *engine, const wg_buf *right) {
    wg_buf text;
    wg_buf_init(&text, NULL);
    RUNS_OK(runs_dump(engine, &text, err));
    const bool same = wg_slice_equal(wg_buf_slice(&text), wg_buf_slice(right));
    wg_buf_deinit(&text);
    return same;
}

static void replay_all(wg_engine *engine) {
    wg_agent *agent = NULL;
    RUNS_OK(wg_agent_open(engine, &agent, err));
    const uint32_t count = wg_state_run_count(wg_engine_state(engine));
    for (uint32_t n = 1; n < count; n++) {
        wg_agent_run run;
        wg_replay_report report;
        if (wg_state_run_at(wg_engine_state(engine), n) == NULL) continue;
        RUNS_OK(wg_agent_run_init(&run, agent, n, err));
        RUNS_OK(wg_runs_replay(&run, 0, &report, err));
        assert_true(report.equal);
        wg_agent_run_deinit(&run);
    }
    wg_agent_close(agent);
}

/* Goal: an old workspace's runs are what they were: opened, verified, replayed, checkpointed, opened again; and go on. */
static void test_golden_runs_open_for_ever(void **state) {
    (void)state;
    for (uint32_t i = 0; i < name_count; i++) {
        wg_platform *disk = NULL;
        wg_engine *engine = NULL;
        wg_verify_report report;
        wg_buf right = kept_dump(names[i]);
        RUNS_OK(runs_load(names[i], 1, &disk, err));
        RUNS_OK(wg_engine_verify(disk, "/ws", &report, err));
        for (int round = 0; round < 3; round++) {
            RUNS_OK(runs_open(disk, false, &engine, err));
            assert_true(shows(engine, &right));
            replay_all(engine);
            if (round == 1) RUNS_OK(wg_engine_checkpoint(engine, NULL, err));
            assert_true(shows(engine, &right));
            RUNS_OK(wg_engine_close(engine, err));
        }
        RUNS_OK(wg_engine_verify(disk, "/ws", &report, err));
        wg_buf_deinit(&right);
        wg_platform_sim_destroy(disk);
        printf("%s: right\n", names[i]);
    }
}

/* ---- damage */

typedef struct file_list {
    char paths[FILES_MAX][128];
    uint32_t count;
    const char *folder;
} file_list;

static bool note_file(void *ctx, const char *name, bool is_directory) {
    file_list *l = ctx;
    if (!is_directory && l->count < FILES_MAX)
        snprintf(l->paths[l->count++], sizeof l->paths[0], "%.60s/%.60s", l->folder, name);
    return true;
}

static void flip(wg_platform *disk, const char *path, uint64_t at, uint8_t bits) {
    wg_file *file = NULL;
    uint8_t byte = 0;
    size_t got = 0;
    RUNS_OK(disk->ops->open(disk, path, WG_OPEN_WRITE, &file, err));
    RUNS_OK(disk->ops->read_at(disk, file, at, &byte, 1, &got, err));
    byte ^= bits;
    RUNS_OK(disk->ops->write_at(disk, file, at, &byte, 1, err));
    disk->ops->close(disk, file);
}

/* What the damaged workspace shows: right or refused. A tail that is torn off may take the newest commits with it; these are marked as durable at
 * the close, so not even that. */
static bool is_right_or_refused(wg_platform *disk, const wg_buf *right) {
    wg_engine *engine = NULL;
    wg_buf text;
    wg_error err = {0};
    if (runs_open(disk, false, &engine, &err) != WG_OK) return true;
    wg_buf_init(&text, NULL);
    const wg_code code = runs_dump(engine, &text, &err);
    const bool same = wg_slice_equal(wg_buf_slice(&text), wg_buf_slice(right));
    wg_buf_deinit(&text);
    (void)wg_engine_close(engine, NULL);
    return same || code != WG_OK;
}

/* Goal: one changed bit anywhere in stripes or log is refused or makes no difference. */
static void test_golden_runs_damaged_never_show_anything_else(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(1));
    const uint32_t tries = wg_test_small() ? 60 : 400;
    for (uint32_t i = 0; i < name_count; i++) {
        wg_buf right = kept_dump(names[i]);
        for (uint32_t n = 0; n < tries; n++) {
            wg_platform *disk = NULL;
            wg_file_info info;
            file_list files = {.folder = n % 2 == 0 ? "/ws/stripes" : "/ws/wal"};
            RUNS_OK(runs_load(names[i], n, &disk, err));
            RUNS_OK(disk->ops->list(disk, files.folder, note_file, &files, err));
            const char *path = files.paths[wg_rng_below(&rng, files.count)];
            RUNS_OK(disk->ops->stat(disk, path, &info, err));
            const uint64_t at = wg_rng_below(&rng, info.size);
            const uint8_t bits = (uint8_t)(1u << wg_rng_below(&rng, 8));
            flip(disk, path, at, bits);
            if (!is_right_or_refused(disk, &right))
                fail_msg("%s: bit %02x of byte %llu of %s changes what runs show", names[i], bits,
                         (unsigned long long)at, path);
            wg_platform_sim_destroy(disk);
        }
        wg_buf_deinit(&right);
    }
}

/* ---- making one */

static wg_code write_new(const char *name, wg_error *err) {
    wg_platform *sim = NULL;
    wg_engine *engine = NULL;
    wg_buf text;
    char path[256];
    wg_buf_init(&text, NULL);
    WG_TRY(wg_platform_sim_create(1, &sim, err));
    WG_TRY(runs_write(sim, err));
    snprintf(path, sizeof path, "tests/golden/%.100s", name);
    WG_TRY(wg_platform_real()->ops->make_directory(wg_platform_real(), path, err));
    snprintf(path, sizeof path, "tests/golden/%.100s/ws", name);
    WG_TRY(golden_copy(sim, "/ws", wg_platform_real(), path, err));
    WG_TRY(runs_open(sim, false, &engine, err));
    WG_TRY(runs_dump(engine, &text, err));
    snprintf(path, sizeof path, "tests/golden/%.100s/dump.txt", name);
    WG_TRY(golden_write(wg_platform_real(), path, wg_buf_slice(&text), err));
    WG_TRY(wg_engine_close(engine, err));
    wg_buf_deinit(&text);
    wg_platform_sim_destroy(sim);
    return WG_OK;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_runs_open_for_ever),
        cmocka_unit_test(test_golden_runs_damaged_never_show_anything_else),
    };
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        wg_error err = {0};
        if (write_new(argv[2], &err) == WG_OK) return 0;
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    return cmocka_run_group_tests(tests, find_names, NULL);
}
