/* budget_writer: the subject of tests/python/budget_test.py: works on a database that is larger than its memory budget, through the public
 * API alone, while its memory is watched from outside.
 *
 *   budget_writer DIR MEBIBYTES ROWS
 *
 * Loads ROWS rows of 256 bytes of text, scans them, changes some, reads an old snapshot, merges everything, opens again and scans again,
 * and checks every answer. After each step it prints the step's name and waits for a line, so that what the system counted for it
 * can be read at rest. Exit 0: done; 1: an error of the database; 2: usage; 3: a wrong answer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <worldgraph.h>

enum { TEXT_BYTES = 256, ROWS_OF_A_COMMIT = 500, STEP_OF_CHANGES = 401 };

static wg_db *db;
static wg_session *session;
static char text[TEXT_BYTES + 1];

static void stop(int rc, const char *what, const wg_error *err) {
    fprintf(stderr, "budget_writer: %s", what);
    if (err != NULL) fprintf(stderr, ": %s: %s", wg_code_name(err->code), err->message);
    fputc('\n', stderr);
    exit(rc);
}

static int64_t number_of(const wg_result *result) {
    wg_value v;
    wg_error err = {0};
    if (wg_result_row_count(result) == 0) return 0;
    if (wg_result_cell(result, 0, 0, &v, &err) != WG_OK) stop(1, "cell", &err);
    return v.as.i;
}

/* Runs one statement with $from and $text; gives the number in its first cell. */
static int64_t run(const char *statement, int64_t from) {
    wg_stmt *stmt = NULL;
    wg_result *result = NULL;
    wg_error err = {0};
    if (wg_prepare(session, statement, strlen(statement), &stmt, &err) != WG_OK) stop(1, statement, &err);
    if (strstr(statement, "$from") != NULL && wg_bind_int(stmt, "from", from, &err) != WG_OK)
        stop(1, statement, &err);
    if (strstr(statement, "$text") != NULL && wg_bind_string(stmt, "text", text, TEXT_BYTES, &err) != WG_OK)
        stop(1, statement, &err);
    if (wg_execute(stmt, &result, &err) != WG_OK) stop(1, statement, &err);
    const int64_t n = number_of(result);
    wg_result_free(result);
    wg_stmt_finish(stmt);
    return n;
}

static void expect(const char *statement, int64_t expected) {
    const int64_t got = run(statement, 0);
    if (got == expected) return;
    fprintf(stderr, "budget_writer: %s: %" PRId64 " instead of %" PRId64 "\n", statement, got, expected);
    exit(3);
}

static void done(const char *step) {
    char line[16];
    printf("%s\n", step);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) stop(2, "nobody watches", NULL);
}

static void open_db(const char *dir, uint64_t budget) {
    const wg_options options = {.create = true, .durability = WG_BUFFERED, .threads = 2, .memory_bytes_max = budget};
    wg_error err = {0};
    if (wg_open(dir, &options, &db, &err) != WG_OK) stop(1, "open", &err);
    if (wg_session_open(db, &session, &err) != WG_OK) stop(1, "session", &err);
}

static void close_db(void) {
    wg_error err = {0};
    wg_session_close(session);
    if (wg_close(db, &err) != WG_OK) stop(1, "close", &err);
}

/* Texts that differ and do not compress to nothing. */
static void fill_text(uint64_t n) {
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        n = n * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        text[i] = (char)('a' + (n >> 59) % 26);
    }
}

static void load(int64_t rows) {
    run("CREATE NODE LABEL Note (k INT, n INT, text STRING, PRIMARY KEY (k))", 0);
    for (int64_t first = 0; first < rows; first += ROWS_OF_A_COMMIT) {
        fill_text((uint64_t)first);
        run("UNWIND range($from, $from + 499) AS i CREATE (:Note {k: i, n: 1, text: $text + toString(i)})", first);
    }
}

static void check_rows(int64_t rows, int64_t sum) {
    expect("MATCH (n:Note) RETURN count(*)", rows);
    expect("MATCH (n:Note) RETURN sum(n.n)", sum);
    expect("MATCH (n:Note) WHERE n.text CONTAINS 'no such text' RETURN count(*)", 0);
}

static void change(int64_t rows) {
    for (int64_t k = 0; k < rows; k += STEP_OF_CHANGES) run("MATCH (n:Note {k: $from}) SET n.n = 2", k);
}

int main(int argc, char **argv) {
    if (argc != 4) stop(2, "usage: budget_writer DIR MEBIBYTES ROWS", NULL);
    const uint64_t budget = strtoull(argv[2], NULL, 10) << 20;
    const int64_t rows = strtoll(argv[3], NULL, 10) / ROWS_OF_A_COMMIT * ROWS_OF_A_COMMIT;
    const int64_t changes = (rows + STEP_OF_CHANGES - 1) / STEP_OF_CHANGES;
    const wg_compact_options everything = {.everything = true};
    wg_snapshot *before = NULL;
    wg_error err = {0};
    open_db(argv[1], budget);
    load(rows);
    done("load");
    check_rows(rows, rows);
    done("scan");
    if (wg_snapshot_acquire(db, 0, &before, &err) != WG_OK) stop(1, "snapshot", &err);
    change(rows);
    check_rows(rows, rows + changes);
    done("update");
    if (wg_session_use_snapshot(session, before, &err) != WG_OK) stop(1, "snapshot", &err);
    check_rows(rows, rows);
    if (wg_session_use_snapshot(session, NULL, &err) != WG_OK) stop(1, "snapshot", &err);
    wg_snapshot_release(before);
    done("snapshot");
    if (wg_checkpoint(db, NULL, &err) != WG_OK) stop(1, "checkpoint", &err);
    if (wg_compact(db, &everything, NULL, NULL, NULL, &err) != WG_OK) stop(1, "compact", &err);
    check_rows(rows, rows + changes);
    done("compact");
    close_db();
    open_db(argv[1], budget);
    check_rows(rows, rows + changes);
    done("reopen");
    close_db();
    return 0;
}
