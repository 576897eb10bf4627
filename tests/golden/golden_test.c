/* Every workspace under tests/golden is opened for ever: read as it was, verified, written to, checkpointed and compacted,
 * and read again; the states of the past that were kept beside it as text must be the same each time. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/golden/golden_kit.h"

enum { WORKSPACES_MAX = 32, MORE_COMMITS = 20 };

#define GOLDEN_OK(call)                                                                       \
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
    if (is_directory && strncmp(name, "workspace-", 10) == 0 && name_count < WORKSPACES_MAX)
        snprintf(names[name_count++], sizeof names[0], "%s", name);
    return true;
}

static wg_engine *open_engine(wg_platform *platform, bool create) {
    wg_engine *engine = NULL;
    const wg_engine_options options = {
        .platform = platform, .options = {.create = create, .no_background = true}, .wal_segment_bytes = 8192};
    GOLDEN_OK(wg_engine_open("/ws", &options, &engine, err));
    return engine;
}

static void expect_dump(const char *name, wg_engine *engine, const char *when) {
    wg_buf text;
    wg_buf right;
    char path[256];
    uint64_t newest = 0;
    wg_buf_init(&text, NULL);
    wg_buf_init(&right, NULL);
    snprintf(path, sizeof path, "tests/golden/%s/dump.txt", name);
    GOLDEN_OK(golden_read(wg_platform_real(), path, &right, err));
    assert_true(wg_buf_append_u8(&right, 0));
    right.size--;
    const char *at = (const char *)right.data;
    for (const char *next; (next = strstr(at, "snapshot ")) != NULL; at = next + 1)
        newest = strtoull(next + strlen("snapshot "), NULL, 10);
    assert_true(newest > 3);
    GOLDEN_OK(golden_dump_all(engine, newest, &text, err));
    if (!wg_slice_equal(wg_buf_slice(&text), wg_buf_slice(&right))) {
        size_t i = 0;
        while (i < text.size && i < right.size && text.data[i] == right.data[i]) i++;
        fail_msg("%s, %s: differs at byte %zu: \"%.60s\" for \"%.60s\"", name, when, i,
                 i < text.size ? (const char *)text.data + i : "", (const char *)right.data + i);
    }
    wg_buf_deinit(&text);
    wg_buf_deinit(&right);
}

static void verify(wg_platform *disk) {
    wg_verify_report report;
    GOLDEN_OK(wg_engine_verify(disk, "/ws", &report, err));
    assert_true(report.last_logseq > 0 && report.nodes > 0 && report.edges > 0);
}

/* Goal: an old workspace gives the answers that it gave, before and after it is written to. */
static void test_golden_workspaces_open_for_ever(void **state) {
    (void)state;
    GOLDEN_OK(wg_platform_real()->ops->list(wg_platform_real(), "tests/golden", note_name, NULL, err));
    assert_true(name_count > 0);
    for (uint32_t i = 0; i < name_count; i++) {
        wg_platform *disk = NULL;
        GOLDEN_OK(golden_load(names[i], 1, &disk, err));
        verify(disk);
        wg_engine *engine = open_engine(disk, false);
        expect_dump(names[i], engine, "opened");
        for (int n = 0; n < MORE_COMMITS; n++) {
            char text[200];
            snprintf(text, sizeof text,
                     "MATCH (p:Player) WHERE p.id %% 20 = %d SET p.name = 'later' CREATE (:Later {n: %d})", n, n);
            GOLDEN_OK(golden_run(engine, text, 0, NULL, err));
        }
        expect_dump(names[i], engine, "written to");
        GOLDEN_OK(wg_engine_close(engine, err));
        verify(disk);
        engine = open_engine(disk, false);
        expect_dump(names[i], engine, "opened again");
        GOLDEN_OK(wg_engine_close(engine, err));
        wg_platform_sim_destroy(disk);
        printf("%s: right\n", names[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden_workspaces_open_for_ever)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
