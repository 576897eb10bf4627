/* virtual_ask: our side of the benchmark of virtual labels. Opens a private database in memory, registers the files below a folder as
 * the label Frame, and then answers lines of its input:
 *
 *     threads <tab> runs <tab> statement
 *
 * The statement is prepared once and executed `runs` times. One line comes back: {"ns":[..],"rows":[[..],..]}, the wall time of each
 * execution with its result freed, and the rows of the last. {"error":".."} when it fails. The times hold neither the start of the process, the
 * opening of the database nor the parsing. virtual_bench.py asks and compares. */
#include "bench.h"
#include "worldgraph.h"

#include <string.h>

enum { LINE_BYTES_MAX = 1 << 16 };

typedef struct asker {
    wg_db *db;
    wg_session *session;
} asker;

static bool put_bytes(void *ctx, const void *bytes, size_t size) {
    (void)ctx;
    return fwrite(bytes, 1, size, stdout) == size;
}

static void put_error(const wg_error *error) {
    printf("{\"error\":\"");
    for (const char *c = error->message; *c != '\0'; c++) putchar(*c == '"' || *c == '\\' || *c < ' ' ? '\'' : *c);
    printf("\"}\n");
}

static wg_code put_rows(const wg_result *result, wg_error *err) {
    wg_code code = WG_OK;
    printf("\"rows\":[");
    for (uint64_t row = 0; row < wg_result_row_count(result) && code == WG_OK; row++) {
        printf("%s[", row == 0 ? "" : ",");
        for (uint32_t c = 0; c < wg_result_column_count(result) && code == WG_OK; c++) {
            wg_value value;
            if (c > 0) putchar(',');
            code = wg_result_cell(result, row, c, &value, err);
            if (code == WG_OK) code = wg_value_write_json(&value, put_bytes, NULL, err);
        }
        putchar(']');
    }
    printf("]}\n");
    return code;
}

static wg_code answer(asker *a, const char *text, unsigned long runs, wg_error *err) {
    wg_stmt *stmt = NULL;
    wg_result *result = NULL;
    wg_code code = wg_prepare(a->session, text, strlen(text), &stmt, err);
    if (code != WG_OK) return code;
    uint64_t *ns = calloc(runs, sizeof *ns);
    if (ns == NULL) exit(1);
    for (unsigned long i = 0; i < runs && code == WG_OK; i++) {
        wg_result_free(result);
        result = NULL;
        const uint64_t begin = bench_now_ns();
        code = wg_execute(stmt, &result, err);
        ns[i] = bench_now_ns() - begin;
    }
    if (code == WG_OK) {
        printf("{\"ns\":[");
        for (unsigned long i = 0; i < runs; i++) printf("%s%" PRIu64, i == 0 ? "" : ",", ns[i]);
        printf("],");
        code = put_rows(result, err);
    }
    wg_result_free(result);
    wg_stmt_finish(stmt);
    free(ns);
    return code;
}

/* Cuts "threads tab runs tab statement". */
static char *cut(char *line, unsigned long *threads, unsigned long *runs) {
    char *end = NULL;
    line[strcspn(line, "\n")] = '\0';
    *threads = strtoul(line, &end, 10);
    if (*end != '\t') return NULL;
    *runs = strtoul(end + 1, &end, 10);
    return *end == '\t' && *runs > 0 && *runs < 1000000 ? end + 1 : NULL;
}

static void serve(asker *a) {
    static char line[LINE_BYTES_MAX];
    while (fgets(line, sizeof line, stdin) != NULL) {
        wg_error error = {0};
        unsigned long threads = 1;
        unsigned long runs = 1;
        char *text = cut(line, &threads, &runs);
        if (text == NULL) {
            printf("{\"error\":\"not 'threads tab runs tab statement'\"}\n");
        } else {
            wg_code code = wg_session_set_parallelism(a->session, (uint32_t)threads, 0, &error);
            if (code == WG_OK) code = answer(a, text, runs, &error);
            if (code != WG_OK) put_error(&error);
        }
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: virtual_ask PATTERN < lines\n");
        return 2;
    }
    asker a = {0};
    wg_error error = {0};
    const wg_options options = {.durability = WG_IN_MEMORY};
    wg_code code = wg_open(NULL, &options, &a.db, &error);
    if (code == WG_OK) code = wg_session_open(a.db, &a.session, &error);
    if (code == WG_OK && wg_register_virtual_partition(a.session, "Frame", argv[1], &error) <= 0) code = error.code;
    if (code != WG_OK) {
        fprintf(stderr, "virtual_ask: %s\n", error.message);
        return 1;
    }
    serve(&a);
    wg_session_close(a.session);
    return wg_close(a.db, &error) == WG_OK ? 0 : 1;
}
