/* kill_writer: the victim of tests/python/kill_test.py: writes through the public API alone and says what was acknowledged.
 *
 *   kill_writer stream DIR MODE SEED OP    operations OP + 1, OP + 2, .. until it is killed; MODE is strict or buffered
 *   kill_writer check DIR SEED OP          the state must be that after exactly OP or OP + 1 operations; says which
 *   kill_writer job DIR TEXT...            runs the statements, one after the other
 *
 * Each acknowledgement is one line, "open LOGSEQ" or "ack OPERATION LOGSEQ", written before the next operation starts.
 *
 * Operation 1 and 2 declare labels. After that operation n is one commit: n % 8 == 4 deletes the three rows of operation
 * n - 7, n % 8 == 0 changes those of operation n - 5, and every other one creates three rows with two edges between them,
 * odd ones as one statement, even ones as a transaction of four. Texts have 1 byte to 4 MiB and follow from seed, operation,
 * part and generation, so that `check` knows every byte. Exit 0: done; 1: an error of the database; 2: usage; 3: a wrong state. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <worldgraph.h>

enum { PARTS = 3, TEXT_BYTES_MAX = 4 << 20 };

static wg_db *db;
static wg_session *session;
static char *text_buffer;
static uint64_t seed;

static void stop(int rc, const char *what, const wg_error *err) {
    fprintf(stderr, "kill_writer: %s", what);
    if (err != NULL) fprintf(stderr, ": %s: %s", wg_code_name(err->code), err->message);
    fputc('\n', stderr);
    exit(rc);
}

static uint64_t number(const char *text) {
    char *end = NULL;
    const uint64_t n = strtoull(text, &end, 10);
    if (end == text || *end != '\0') stop(2, "not a number", NULL);
    return n;
}

static uint64_t mix(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* ---- what the state must be */

static size_t text_make(uint64_t op, uint64_t part, uint64_t generation) {
    uint64_t word = mix(seed * 1000003 + op * 64 + part * 16 + generation);
    const uint64_t kind = word % 128;
    size_t size = 1 + (size_t)(word >> 32) % 2000;
    if (kind == 1) size = TEXT_BYTES_MAX;
    else if (kind < 8) size = 1;
    else if (kind < 16) size = 1 + (size_t)(word >> 32) % 100000;
    for (size_t i = 0; i < size; i++) {
        if (i % 8 == 0) word = mix(word);
        text_buffer[i] = (char)('a' + (word >> (i % 8 * 8)) % 26);
    }
    return size;
}

static bool creates(uint64_t op) { return op > 2 && op % 8 != 0 && op % 8 != 4; }
static bool deleted(uint64_t op, uint64_t state) { return (op + 7) % 8 == 4 && op + 7 <= state; }
static uint64_t generation_of(uint64_t op, uint64_t state) { return (op + 5) % 8 == 0 && op + 5 <= state ? 1 : 0; }
static bool present(uint64_t op, uint64_t state) { return op <= state && creates(op) && !deleted(op, state); }

/* ---- statements */

static void bind_row(wg_stmt *stmt, uint64_t op, uint64_t part, uint64_t generation) {
    wg_error err = {0};
    char name[8];
    (void)snprintf(name, sizeof name, "t%" PRIu64, part);
    const size_t size = text_make(op, part, generation);
    if (wg_bind_string(stmt, name, text_buffer, size, &err) != WG_OK) stop(1, name, &err);
}

static void run(const char *query, uint64_t op, const uint64_t *parts, uint64_t generation) {
    wg_error err = {0};
    wg_stmt *stmt = NULL;
    wg_result *result = NULL;
    if (wg_prepare(session, query, strlen(query), &stmt, &err) != WG_OK) stop(1, query, &err);
    if (strstr(query, "$op") != NULL && wg_bind_int(stmt, "op", (int64_t)op, &err) != WG_OK) stop(1, query, &err);
    for (; parts != NULL && *parts < PARTS; parts++) bind_row(stmt, op, *parts, generation);
    if (wg_execute(stmt, &result, &err) != WG_OK) stop(1, query, &err);
    wg_result_free(result);
    wg_stmt_finish(stmt);
}

static void acknowledge(uint64_t op) {
    printf("ack %" PRIu64 " %" PRIu64 "\n", op, wg_db_logseq(db));
    (void)fflush(stdout);
}

static void begin(void) {
    wg_error err = {0};
    if (wg_begin(session, false, &err) != WG_OK) stop(1, "begin", &err);
}

static void commit(void) {
    wg_error err = {0};
    uint64_t logseq = 0;
    if (wg_commit(session, &logseq, &err) != WG_OK) stop(1, "commit", &err);
    if (logseq != wg_db_logseq(db)) stop(3, "a commit has another number than the state", NULL);
}

static const uint64_t no_part[] = {PARTS}, each_part[][2] = {{0, PARTS}, {1, PARTS}, {2, PARTS}};

static void create_rows(uint64_t op) {
    static const uint64_t all[] = {0, 1, 2, PARTS};
    static const char *const rows[] = {"CREATE (:Row {batch: $op, part: 0, generation: 0, text: $t0})",
                                       "CREATE (:Row {batch: $op, part: 1, generation: 0, text: $t1})",
                                       "CREATE (:Row {batch: $op, part: 2, generation: 0, text: $t2})"};
    if (op % 2 == 1) {
        run("CREATE (:Row {batch: $op, part: 0, generation: 0, text: $t0})-[:NEXT {batch: $op}]->"
            "(:Row {batch: $op, part: 1, generation: 0, text: $t1})-[:NEXT {batch: $op}]->"
            "(:Row {batch: $op, part: 2, generation: 0, text: $t2})",
            op, all, 0);
        return;
    }
    begin();
    for (int p = 0; p < PARTS; p++) run(rows[p], op, each_part[p], 0);
    run("MATCH (a:Row {batch: $op, part: 0}), (b:Row {batch: $op, part: 1}), (c:Row {batch: $op, part: 2}) "
        "CREATE (a)-[:NEXT {batch: $op}]->(b), (b)-[:NEXT {batch: $op}]->(c)",
        op, no_part, 0);
    commit();
}

static void change_rows(uint64_t op) {
    static const char *const rows[] = {"MATCH (r:Row {batch: $op, part: 0}) SET r.generation = 1, r.text = $t0",
                                       "MATCH (r:Row {batch: $op, part: 1}) SET r.generation = 1, r.text = $t1",
                                       "MATCH (r:Row {batch: $op, part: 2}) SET r.text = $t2, r.generation = 1"};
    begin();
    for (int p = 0; p < PARTS; p++) run(rows[p], op, each_part[p], 1);
    commit();
}

static void apply(uint64_t op) {
    if (op == 1)
        run("CREATE NODE LABEL Row (batch INT, part INT, generation INT, text STRING, PRIMARY KEY (batch, part))", 0,
            NULL, 0);
    else if (op == 2) run("CREATE EDGE LABEL NEXT (FROM Row TO Row, batch INT)", 0, NULL, 0);
    else if (op % 8 == 4) {
        if (present(op - 7, op - 1)) run("MATCH (r:Row) WHERE r.batch = $op DETACH DELETE r", op - 7, NULL, 0);
    } else if (op % 8 == 0) {
        if (present(op - 5, op - 1)) change_rows(op - 5);
    } else create_rows(op);
    acknowledge(op);
}

/* ---- check */

static wg_result *ask(const char *query) {
    wg_error err = {0};
    wg_result *result = NULL;
    if (wg_query(session, query, &result, &err) != WG_OK) stop(1, query, &err);
    return result;
}

static wg_value cell(const wg_result *result, uint64_t row, uint32_t column) {
    wg_value value = {0};
    wg_error err = {0};
    if (wg_result_cell(result, row, column, &value, &err) != WG_OK) stop(1, "cell", &err);
    return value;
}

static uint64_t digest = UINT64_C(14695981039346656037);

static void digest_add(const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) digest = (digest ^ bytes[i]) * UINT64_C(1099511628211);
}

static bool row_is(const wg_result *rows, uint64_t row, uint64_t op, uint64_t part, uint64_t generation) {
    if (cell(rows, row, 0).as.i != (int64_t)op || cell(rows, row, 1).as.i != (int64_t)part) return false;
    if (cell(rows, row, 2).as.i != (int64_t)generation) return false;
    const wg_value text = cell(rows, row, 3);
    const size_t size = text_make(op, part, generation);
    return text.type == WG_TYPE_STRING && text.size == size && memcmp(text.as.s, text_buffer, size) == 0;
}

static bool rows_are(const wg_result *rows, uint64_t state) {
    const uint64_t count = rows == NULL ? 0 : wg_result_row_count(rows);
    uint64_t row = 0;
    for (uint64_t op = 3; op <= state; op++) {
        if (!present(op, state)) continue;
        for (uint64_t part = 0; part < PARTS; part++, row++)
            if (row >= count || !row_is(rows, row, op, part, generation_of(op, state))) return false;
    }
    return row == count;
}

static bool edges_are(const wg_result *edges, uint64_t state) {
    const uint64_t count = edges == NULL ? 0 : wg_result_row_count(edges);
    uint64_t row = 0;
    for (uint64_t op = 3; op <= state; op++) {
        for (uint64_t part = 0; part < PARTS - 1 && present(op, state); part++, row++)
            if (row >= count || cell(edges, row, 0).as.i != (int64_t)op ||
                cell(edges, row, 1).as.i != (int64_t)part || cell(edges, row, 2).as.i != (int64_t)op ||
                cell(edges, row, 3).as.i != (int64_t)(part + 1))
                return false;
    }
    return row == count;
}

/* A label that does not exist has no rows to ask for: then NULL. */
static wg_result *ask_when(uint64_t labels, uint64_t least, const char *query) {
    return labels >= least ? ask(query) : NULL;
}

static void check(uint64_t acknowledged) {
    wg_result *labels = ask("SHOW LABELS");
    const uint64_t count = wg_result_row_count(labels);
    wg_result *rows =
        ask_when(count, 1, "MATCH (r:Row) RETURN r.batch, r.part, r.generation, r.text ORDER BY r.batch, r.part");
    wg_result *edges = ask_when(count, 2,
                                "MATCH (a:Row)-[e:NEXT]->(b:Row) RETURN e.batch, a.part, b.batch, b.part "
                                "ORDER BY e.batch, a.part");
    uint64_t state = acknowledged;
    while (count != (state < 2 ? state : 2) || !rows_are(rows, state) || !edges_are(edges, state))
        if (++state > acknowledged + 1) {
            fprintf(stderr,
                    "%" PRIu64 " labels, %" PRIu64 " rows, %" PRIu64 " edges: not the state after %" PRIu64
                    " or one more\n",
                    count, rows == NULL ? 0 : wg_result_row_count(rows),
                    edges == NULL ? 0 : wg_result_row_count(edges), acknowledged);
            exit(3);
        }
    uint64_t bytes = 0;
    for (uint64_t row = 0; rows != NULL && row < wg_result_row_count(rows); row++) {
        const wg_value text = cell(rows, row, 3);
        digest_add(text.as.s, text.size);
        bytes += text.size;
    }
    wg_result *const results[] = {labels, rows, edges};
    for (int i = 0; i < 3; i++) {
        if (results[i] != NULL) digest_add(wg_result_receipt(results[i]), strlen(wg_result_receipt(results[i])));
    }
    printf("state %" PRIu64 " logseq %" PRIu64 " rows %" PRIu64 " bytes %" PRIu64 " digest %016" PRIx64 "\n", state,
           wg_db_logseq(db), rows == NULL ? 0 : wg_result_row_count(rows), bytes, digest);
    for (int i = 0; i < 3; i++) wg_result_free(results[i]);
}

static void open_all(const char *path, wg_durability durability) {
    const wg_options options = {.durability = durability, .create = true, .threads = 1};
    wg_error err = {0};
    if (wg_open(path, &options, &db, &err) != WG_OK) stop(1, "open", &err);
    if (wg_session_open(db, &session, &err) != WG_OK) stop(1, "session", &err);
}

int main(int argc, char **argv) {
    if (argc < 4) stop(2, "stream DIR MODE SEED OP | check DIR SEED OP | job DIR TEXT...", NULL);
    const bool buffered = strcmp(argv[1], "stream") == 0 && strcmp(argv[3], "buffered") == 0;
    text_buffer = malloc(TEXT_BYTES_MAX);
    if (text_buffer == NULL) stop(1, "no memory", NULL);
    open_all(argv[2], buffered ? WG_BUFFERED : WG_STRICT);
    if (strcmp(argv[1], "check") == 0 && argc == 5) {
        seed = number(argv[3]);
        check(number(argv[4]));
    } else {
        printf("open %" PRIu64 "\n", wg_db_logseq(db));
        (void)fflush(stdout);
        if (strcmp(argv[1], "stream") == 0 && argc == 6) {
            seed = number(argv[4]);
            for (uint64_t op = number(argv[5]) + 1;; op++) apply(op);
        }
        for (int i = 3; i < argc; i++) {
            run(argv[i], 0, NULL, 0);
            acknowledge((uint64_t)(i - 2));
        }
    }
    free(text_buffer);
    wg_session_close(session);
    wg_error err = {0};
    if (wg_close(db, &err) != WG_OK) stop(1, "close", &err);
    return 0;
}
