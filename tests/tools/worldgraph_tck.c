/* worldgraph_tck: runs the openCypher TCK and prints the score of each area.
 *
 *     worldgraph_tck [DIR] [--area GLOB] [--list-failures] [--check FILE] [--write FILE] [--reference]
 *
 * DIR holds features/ and graphs/ (default ../shared/tck; exit 77 when it is absent). --check fails (exit 1) when a scenario that FILE
 * names does not pass; --write stores the names of those that pass, sorted. --reference runs the naive interpreter of tests/reference. */
#include <fnmatch.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/tck/tck.h"

enum { FILES_MAX = 1000, AREAS_MAX = 100, NAMES_MAX = 20000 };

static struct {
    wg_arena arena; /* lives to the end */
    wg_arena scenario;
    const char *dir, *area, *check, *write;
    bool list, reference;
    const char *files[FILES_MAX];
    size_t file_count;
    struct {
        const char *name;
        unsigned run, passed;
    } areas[AREAS_MAX];
    size_t area_count;
    const char *passed[NAMES_MAX];
    size_t passed_count;
    unsigned run;
} state;

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static int visit(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info;
    (void)place;
    const size_t size = strlen(path);
    if (kind == FTW_F && size > 8 && strcmp(path + size - 8, ".feature") == 0 && state.file_count < FILES_MAX)
        state.files[state.file_count++] = tck_format(&state.arena, "%s", path);
    return 0;
}

static void count(const char *area, bool passed) {
    size_t i = 0;
    while (i < state.area_count && strcmp(state.areas[i].name, area) != 0) i++;
    if (i == AREAS_MAX) return;
    if (i == state.area_count) state.areas[state.area_count++].name = tck_format(&state.arena, "%s", area);
    state.areas[i].run++;
    if (passed) state.areas[i].passed++;
}

static void run_scenario(void *arg, const tck_scenario *scenario) {
    (void)arg;
    if (state.area != NULL && fnmatch(state.area, scenario->name, 0) != 0) return;
    const char *why = state.reference ? tck_run_reference(&state.scenario, state.dir, scenario)
                                      : tck_run(&state.scenario, state.dir, scenario);
    state.run++;
    count(scenario->area, why == NULL);
    if (why == NULL && state.passed_count < NAMES_MAX)
        state.passed[state.passed_count++] = tck_format(&state.arena, "%s", scenario->name);
    if (why != NULL && state.list) (void)printf("FAIL %s: %s\n", scenario->name, why);
}

static void run_file(const char *path) {
    wg_arena_init(&state.scenario, NULL);
    const size_t skip = strlen(state.dir) + strlen("/features/");
    char *name = tck_format(&state.scenario, "%s", path + skip);
    name[strlen(name) - strlen(".feature")] = '\0';
    wg_slice text;
    tck_read_file(&state.scenario, path, &text);
    tck_each_scenario(&state.scenario, name, text, run_scenario, NULL);
    wg_arena_deinit(&state.scenario);
}

static int write_names(void) {
    FILE *file = fopen(state.write, "wb");
    if (file == NULL) return 1;
    for (size_t i = 0; i < state.passed_count; i++) (void)fprintf(file, "%s\n", state.passed[i]);
    return fclose(file) == 0 ? 0 : 1;
}

/* Every name of the file must be among those that passed, if the run covered it. */
static int check_names(void) {
    wg_slice rest;
    unsigned lost = 0, names = 0;
    tck_read_file(&state.arena, state.check, &rest);
    if (rest.data == NULL) return 1;
    while (rest.size > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        const size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size;
        char *copy = tck_alloc(&state.arena, size + 1, 1);
        memcpy(copy, rest.data, size);
        const char *key = copy;
        rest = wg_slice_of(rest.data + size, rest.size - size);
        if (rest.size > 0) rest = wg_slice_of(rest.data + 1, rest.size - 1);
        if (size == 0 || (state.area != NULL && fnmatch(state.area, key, 0) != 0)) continue;
        names++;
        if (bsearch(&key, state.passed, state.passed_count, sizeof *state.passed, compare) != NULL) continue;
        (void)printf("LOST %s\n", key);
        lost++;
    }
    (void)printf("%u of %u names in %s pass\n", names - lost, names, state.check);
    return lost > 0 || names == 0 ? 1 : 0;
}

static int usage(void) {
    (void)fprintf(
        stderr,
        "usage: worldgraph_tck [DIR] [--area GLOB] [--list-failures] [--check FILE] [--write FILE] [--reference]\n");
    return 2;
}

static int read_arguments(int argc, char **argv) {
    state.dir = "../shared/tck";
    for (int i = 1; i < argc; i++) {
        const char **value = strcmp(argv[i], "--area") == 0    ? &state.area
                             : strcmp(argv[i], "--check") == 0 ? &state.check
                             : strcmp(argv[i], "--write") == 0 ? &state.write
                                                               : NULL;
        if (strcmp(argv[i], "--list-failures") == 0) state.list = true;
        else if (strcmp(argv[i], "--reference") == 0) state.reference = true;
        else if (value != NULL && i + 1 < argc) *value = argv[++i];
        else if (value == NULL && argv[i][0] != '-') state.dir = argv[i];
        else return usage();
    }
    return 0;
}

int main(int argc, char **argv) {
    if (read_arguments(argc, argv) != 0) return 2;
    wg_arena_init(&state.arena, NULL);
    const char *features = tck_format(&state.arena, "%s/features", state.dir);
    if (nftw(features, visit, 16, FTW_PHYS) != 0 || state.file_count == 0) {
        (void)printf("skipped: %s is absent\n", features);
        return 77;
    }
    qsort(state.files, state.file_count, sizeof state.files[0], compare);
    for (size_t i = 0; i < state.file_count; i++) run_file(state.files[i]);
    for (size_t i = 0; i < state.area_count; i++)
        (void)printf("%-40s %5u of %5u\n", state.areas[i].name, state.areas[i].passed, state.areas[i].run);
    (void)printf("%-40s %5zu of %5u\n", "total", state.passed_count, state.run);
    qsort(state.passed, state.passed_count, sizeof state.passed[0], compare);
    int rc = 0;
    if (state.write != NULL) rc = write_names();
    if (state.check != NULL) rc = check_names();
    wg_arena_deinit(&state.arena);
    return rc;
}
