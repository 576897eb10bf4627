/* stripe_golden: writes the golden stripes and their dumps into a directory that exists. Usage: stripe_golden DIRECTORY
 *
 * tests/golden/arc1-v1, arc1-v1.1 and arc1-v1-agents were made with it. Its bytes are kept: run it into another directory to see what the writer makes today. */
#include <stdio.h>

#include "tests/golden/arc1_cases.h"
#include "tests/golden/golden_kit.h"

static wg_code make(const char *dir, uint64_t id, wg_error *err) {
    wg_platform *p = wg_platform_real();
    char path[4200];
    wg_buf dump = {0};
    snprintf(path, sizeof path, "%s/%020llu.jsonl", dir, (unsigned long long)id);
    wg_code code = arc1_golden_write(p, dir, id, err);
    if (code == WG_OK) code = arc1_golden_dump(p, dir, id, &dump, err);
    if (code == WG_OK) code = golden_write(p, path, wg_buf_slice(&dump), err);
    wg_buf_deinit(&dump);
    return code;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: stripe_golden DIRECTORY\n");
        return 2;
    }
    for (uint64_t id = 1; id <= ARC1_GOLDEN_AGENTS; id++) {
        wg_error err = {0};
        if (make(argv[1], id, &err) == WG_OK) continue;
        fprintf(stderr, "stripe_golden: stripe %llu: %s\n", (unsigned long long)id, err.message);
        return 1;
    }
    return 0;
}
