/* Tests against the golden stripes: old files are read as they were, and the writer still makes the same bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/digest/digest.h"
#include "tests/golden/arc1_cases.h"
#include "tests/golden/golden_kit.h"

static wg_buf read_file(wg_platform *p, const char *dir, uint64_t id, const char *suffix) {
    char path[256];
    wg_error err = {0};
    wg_buf out = {0};
    snprintf(path, sizeof path, "%s/%020llu.%s", dir, (unsigned long long)id, suffix);
    if (golden_read(p, path, &out, &err) != WG_OK) fail_msg("%s", err.message);
    return out;
}

static void assert_equal_bytes(wg_buf *a, wg_buf *b, uint64_t id) {
    size_t at = 0;
    while (at < a->size && at < b->size && a->data[at] == b->data[at]) at++;
    if (at != a->size || at != b->size) fail_msg("stripe %llu differs at byte %zu", (unsigned long long)id, at);
    wg_buf_deinit(a);
    wg_buf_deinit(b);
}

static void test_arc1_golden_dumps_are_reproduced(void **state) {
    /* Goal: every golden stripe passes its whole check and dumps to the text that is kept beside it. */
    (void)state;
    for (uint64_t id = 1; id <= ARC1_GOLDEN_AGENTS; id++) {
        wg_error err = {0};
        wg_buf dump = {0}, expected = read_file(wg_platform_real(), arc1_golden_folder(id), id, "jsonl");
        if (arc1_golden_dump(wg_platform_real(), arc1_golden_folder(id), id, &dump, &err) != WG_OK)
            fail_msg("%s", err.message);
        assert_equal_bytes(&dump, &expected, id);
    }
}

static void test_arc1_golden_bytes_are_stable(void **state) {
    /* Goal: the writer makes the kept bytes again (compressed blocks apart, which are libzstd's). */
    (void)state;
    wg_platform *sim;
    wg_error err = {0};
    assert_int_equal(wg_platform_sim_create(1, &sim, &err), WG_OK);
    assert_int_equal(sim->ops->make_directory(sim, "/s", &err), WG_OK);
    for (uint64_t id = 1; id <= ARC1_GOLDEN_AGENTS; id++) {
        if (arc1_golden_write(sim, "/s", id, &err) != WG_OK) fail_msg("%s", err.message);
        if (id == ARC1_GOLDEN_ZSTD) continue;
        wg_buf made = read_file(sim, "/s", id, "arc1");
        wg_buf kept = read_file(wg_platform_real(), arc1_golden_folder(id), id, "arc1");
        assert_equal_bytes(&made, &kept, id);
    }
    wg_platform_sim_destroy(sim);
}

static void assert_digest(uint64_t first, uint64_t last, const char *expected) {
    wg_sha256_state *sha = wg_sha256_begin();
    assert_non_null(sha);
    for (uint64_t id = first; id <= last; id++) {
        wg_buf file = read_file(wg_platform_real(), arc1_golden_folder(id), id, "arc1");
        wg_sha256_add(sha, file.data, file.size);
        wg_buf_deinit(&file);
    }
    wg_sha256 digest;
    char hex[65];
    wg_sha256_end(sha, &digest);
    wg_sha256_hex(&digest, hex);
    assert_string_equal(hex, expected);
}

static void test_arc1_golden_files_are_what_was_committed(void **state) {
    /* Goal: nobody changes the kept files: SHA-256 over all of each folder in order. */
    (void)state;
    assert_digest(1, ARC1_GOLDEN_COUNT, "3e41fe0d42b69154bfe7891efc133afa9f3176d058e1fb244aa189fa3b315164");
    assert_digest(ARC1_GOLDEN_PARTS, ARC1_GOLDEN_PARTS,
                  "fa6ae2f9db65c6396021f03c10b8b34b25ac2d08027765853a16c1a995695776");
    assert_digest(ARC1_GOLDEN_AGENTS, ARC1_GOLDEN_AGENTS,
                  "a6f652ed405c9c7ea36c6842994a7a3a9ce686a81263dd7866f95088596bc5ac");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arc1_golden_dumps_are_reproduced),
        cmocka_unit_test(test_arc1_golden_bytes_are_stable),
        cmocka_unit_test(test_arc1_golden_files_are_what_was_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
