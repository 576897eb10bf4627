/* graph_ask WORKSPACE TIMES STATEMENT: what a prepared statement costs a program in C. Opens the workspace to read (another process may have
 * it open to write), prepares the statement, and then executes it, reads each cell of its result and frees it, TIMES times a round. Prints the
 * time of one execution in ns, the least of 25 rounds, and how many rows it gave. graph_bench.py asks this for questions that take less
 * time than a call through Python does. */
#include "bench.h"
#include "worldgraph.h"

#include <string.h>

enum { ROUNDS = 25 };

static void need(wg_code code, const wg_error *error) {
    if (code == WG_OK) return;
    fprintf(stderr, "graph_ask: %s\n", error->message);
    exit(1);
}

static uint64_t ask(wg_stmt *stmt, wg_error *error) {
    wg_result *result = NULL;
    wg_value value;
    need(wg_execute(stmt, &result, error), error);
    const uint64_t rows = wg_result_row_count(result);
    for (uint64_t row = 0; row < rows; row++)
        for (uint32_t c = 0; c < wg_result_column_count(result); c++)
            need(wg_result_cell(result, row, c, &value, error), error);
    wg_result_free(result);
    return rows;
}

int main(int argc, char **argv) {
    const unsigned long times = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    if (times == 0) {
        fprintf(stderr, "usage: graph_ask WORKSPACE TIMES STATEMENT\n");
        return 2;
    }
    const wg_options options = {.read_only = true, .threads = 1};
    wg_error error = {0};
    wg_db *db = NULL;
    wg_session *session = NULL;
    wg_stmt *stmt = NULL;
    uint64_t least = UINT64_MAX;
    uint64_t rows = 0;
    need(wg_open(argv[1], &options, &db, &error), &error);
    need(wg_session_open(db, &session, &error), &error);
    need(wg_prepare(session, argv[3], strlen(argv[3]), &stmt, &error), &error);
    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t begin = bench_now_ns();
        for (unsigned long i = 0; i < times; i++) rows = ask(stmt, &error);
        const uint64_t each = (bench_now_ns() - begin) / times;
        if (each < least) least = each;
    }
    printf("{\"ns\":%" PRIu64 ",\"rows\":%" PRIu64 "}\n", least, rows);
    wg_stmt_finish(stmt);
    wg_session_close(session);
    need(wg_close(db, &error), &error);
    return 0;
}
