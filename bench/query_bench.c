/* query_bench: what short statements cost, from text to row, beside SQLite where it does the same work.
 *
 *   query.lex, parse, bind_plan   each stage alone, of the 1-hop question below (bind_plan gives a plan from a tree)
 *   query.parse_plan              lexer, parser, binder and planner together            gate: p50 below 20 us
 *   query.prepare_cold            wg_prepare of a text that was never seen              peer: sqlite3_prepare_v2
 *   query.prepare                 wg_prepare of one text again and again, and finishing it
 *   query.point                   bind, run, read one cell of a lookup by primary key   gate: p50 below 2 us; peer: bind, step, column, reset
 *   query.point_text              the same through wg_query, the key in the text
 *   query.hop                     1 hop from a primary key, 8 rows read                 gate: p50 below 10 us; peer: the join by index
 *   query.count                   count(*) of a label, prepared
 *   query.create                  one node by a prepared CREATE, IN_MEMORY              peer: a prepared INSERT into a database in memory
 *
 * Ours goes through the public C API alone, apart from the stages. Every answer is compared with the peer's before it is timed. A line has
 * the median in ns; its parameters have the 99th percentile, calls of the allocator, and instructions in user space where the kernel
 * counts them (null elsewhere). Exit status: 0 all gates are held, 2 a gate is missed, 1 could not measure.
 *
 * Usage: query_bench [--quick] [name...] */
#include "bench.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef WG_BENCH_SQLITE
#include <sqlite3.h>
#endif

#include "query/parser/parser.h"
#include "query/query.h"
#include "worldgraph.h"

enum { PLAYERS = 10000, FRIENDS = 8, SAMPLES_MAX = 20000, INNER = 16 };

static const char point_text[] = "MATCH (p:Player {name: $n}) RETURN p.level";
static const char hop_text[] = "MATCH (p:Player {name: $n})-[:KNOWS]->(f:Player) RETURN f.name, f.level";

static wg_db *db;
static wg_session *session;
static wg_stmt *point_stmt, *hop_stmt, *count_stmt, *create_stmt;
static wg_engine *engine; /* of its own, for the stages */
static uint32_t samples_wanted = SAMPLES_MAX;
static uint64_t turn; /* differs from call to call */
static uint64_t samples[SAMPLES_MAX], peer_samples[SAMPLES_MAX];
static int instructions_fd = -1;
static int missed;

static void check(wg_code code, const wg_error *err, const char *what) {
    if (code == WG_OK) return;
    fprintf(stderr, "query_bench: %s: %s\n", what, err->message);
    exit(1);
}

static void check_that(bool ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "query_bench: %s\n", what);
    exit(1);
}

static uint32_t level_of(uint32_t player) { return player * 7 % 100; }
static uint32_t friend_of(uint32_t player, uint32_t i) { return (player * 31 + i * 977 + 1) % PLAYERS; }
static uint32_t next_player(void) { return (uint32_t)(turn++ * 7919 % PLAYERS); }

/* ---- SQLite */

#ifdef WG_BENCH_SQLITE
static sqlite3 *lite;
static sqlite3_stmt *lite_point, *lite_hop, *lite_count, *lite_create;

static void lite_check(int code, const char *what) {
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
    fprintf(stderr, "query_bench: SQLite: %s: %s\n", what, sqlite3_errmsg(lite));
    exit(1);
}

static sqlite3_stmt *lite_prepare(const char *text) {
    sqlite3_stmt *stmt = NULL;
    lite_check(sqlite3_prepare_v2(lite, text, -1, &stmt, NULL), text);
    return stmt;
}

static void lite_exec(const char *text) { lite_check(sqlite3_exec(lite, text, NULL, NULL, NULL), text); }

static void lite_open(void) {
    char name[16];
    lite_check(sqlite3_open(":memory:", &lite), "open");
    lite_exec("CREATE TABLE player (name TEXT PRIMARY KEY, level INTEGER) WITHOUT ROWID");
    lite_exec("CREATE TABLE knows (a TEXT, n INTEGER, b TEXT, PRIMARY KEY (a, n)) WITHOUT ROWID");
    lite_exec("CREATE TABLE event (seq INTEGER, text TEXT)");
    lite_exec("BEGIN");
    sqlite3_stmt *players = lite_prepare("INSERT INTO player VALUES (?1, ?2)");
    sqlite3_stmt *knows = lite_prepare("INSERT INTO knows VALUES (?1, ?2, ?3)");
    for (uint32_t p = 0; p < PLAYERS; p++) {
        snprintf(name, sizeof name, "p%u", p);
        sqlite3_bind_text(players, 1, name, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(players, 2, level_of(p));
        lite_check(sqlite3_step(players), "insert");
        sqlite3_reset(players);
        for (uint32_t i = 0; i < FRIENDS; i++) {
            sqlite3_bind_text(knows, 1, name, -1, SQLITE_TRANSIENT);
            sqlite3_bind_int64(knows, 2, i);
            char other[16];
            snprintf(other, sizeof other, "p%u", friend_of(p, i));
            sqlite3_bind_text(knows, 3, other, -1, SQLITE_TRANSIENT);
            lite_check(sqlite3_step(knows), "insert");
            sqlite3_reset(knows);
        }
    }
    lite_exec("COMMIT");
    sqlite3_finalize(players);
    sqlite3_finalize(knows);
    lite_point = lite_prepare("SELECT level FROM player WHERE name = ?1");
    lite_hop = lite_prepare("SELECT f.name, f.level FROM knows k JOIN player f ON f.name = k.b WHERE k.a = ?1");
    lite_count = lite_prepare("SELECT count(*) FROM player");
    lite_create = lite_prepare("INSERT INTO event VALUES (?1, 'something')");
}

static int64_t lite_point_run(void) {
    char name[16];
    const int size = snprintf(name, sizeof name, "p%u", next_player());
    sqlite3_bind_text(lite_point, 1, name, size, SQLITE_TRANSIENT);
    lite_check(sqlite3_step(lite_point), "step");
    const int64_t level = sqlite3_column_int64(lite_point, 0);
    sqlite3_reset(lite_point);
    return level;
}

static int64_t lite_hop_run(void) {
    char name[16];
    int64_t sum = 0;
    const int size = snprintf(name, sizeof name, "p%u", next_player());
    sqlite3_bind_text(lite_hop, 1, name, size, SQLITE_TRANSIENT);
    while (sqlite3_step(lite_hop) == SQLITE_ROW)
        sum += sqlite3_column_bytes(lite_hop, 0) + sqlite3_column_int64(lite_hop, 1);
    sqlite3_reset(lite_hop);
    return sum;
}

static int64_t lite_count_run(void) {
    lite_check(sqlite3_step(lite_count), "step");
    const int64_t n = sqlite3_column_int64(lite_count, 0);
    sqlite3_reset(lite_count);
    return n;
}

static int64_t lite_create_run(void) {
    sqlite3_bind_int64(lite_create, 1, (int64_t)turn++);
    lite_check(sqlite3_step(lite_create), "step");
    sqlite3_reset(lite_create);
    return 0;
}

static int64_t lite_cold_run(void) {
    char text[96];
    snprintf(text, sizeof text, "SELECT level + %llu FROM player WHERE name = ?1", (unsigned long long)turn++);
    sqlite3_finalize(lite_prepare(text));
    return 0;
}

static int64_t lite_again_run(void) {
    sqlite3_finalize(lite_prepare("SELECT level FROM player WHERE name = ?1"));
    return 0;
}
static const char lite_name[] = "SQLite";
#else
static const char lite_name[] = "";
static int64_t lite_point_run(void) { return 0; }
static int64_t lite_hop_run(void) { return 0; }
static int64_t lite_count_run(void) { return 0; }
static int64_t lite_create_run(void) { return 0; }
static int64_t lite_cold_run(void) { return 0; }
static int64_t lite_again_run(void) { return 0; }
#endif

/* ---- ours */

static void must(const char *text) {
    wg_error err = {0};
    wg_result *result = NULL;
    check(wg_query(session, text, &result, &err), &err, text);
    wg_result_free(result);
}

static wg_stmt *prepare(const char *text) {
    wg_error err = {0};
    wg_stmt *stmt = NULL;
    check(wg_prepare(session, text, strlen(text), &stmt, &err), &err, text);
    return stmt;
}

static void fill(void) {
    wg_error err = {0};
    must("CREATE NODE LABEL Player (name STRING, level INT, PRIMARY KEY (name))");
    must("CREATE EDGE LABEL KNOWS (FROM Player TO Player)");
    must("CREATE NODE LABEL Event (seq INT, text STRING)");
    char name[16];
    wg_stmt *player = prepare("CREATE (:Player {name: $n, level: $l})");
    wg_stmt *knows = prepare("MATCH (a:Player {name: $a}), (b:Player {name: $b}) CREATE (a)-[:KNOWS]->(b)");
    check(wg_begin(session, false, &err), &err, "begin");
    wg_result *result = NULL;
    for (uint32_t p = 0; p < PLAYERS; p++) {
        const int size = snprintf(name, sizeof name, "p%u", p);
        check(wg_bind_string(player, "n", name, (size_t)size, &err), &err, "bind");
        check(wg_bind_int(player, "l", level_of(p), &err), &err, "bind");
        check(wg_execute(player, &result, &err), &err, "create");
        wg_result_free(result);
    }
    check(wg_commit(session, NULL, &err), &err, "commit");
    check(wg_begin(session, false, &err), &err, "begin");
    for (uint32_t p = 0; p < PLAYERS; p++) {
        int size = snprintf(name, sizeof name, "p%u", p);
        check(wg_bind_string(knows, "a", name, (size_t)size, &err), &err, "bind");
        for (uint32_t i = 0; i < FRIENDS; i++) {
            size = snprintf(name, sizeof name, "p%u", friend_of(p, i));
            check(wg_bind_string(knows, "b", name, (size_t)size, &err), &err, "bind");
            check(wg_execute(knows, &result, &err), &err, "create");
            wg_result_free(result);
        }
    }
    check(wg_commit(session, NULL, &err), &err, "commit");
    wg_stmt_finish(player);
    wg_stmt_finish(knows);
}

static int64_t sum_rows(const wg_result *result) {
    wg_error err = {0};
    int64_t sum = 0;
    const uint64_t rows = wg_result_row_count(result);
    const uint32_t columns = wg_result_column_count(result);
    for (uint64_t row = 0; row < rows; row++)
        for (uint32_t c = 0; c < columns; c++) {
            wg_value v;
            check(wg_result_cell(result, row, c, &v, &err), &err, "cell");
            sum += v.type == WG_TYPE_STRING ? (int64_t)v.size : v.as.i;
        }
    return sum;
}

static int64_t execute(wg_stmt *stmt) {
    wg_error err;
    wg_result *result = NULL;
    const wg_code code = wg_execute(stmt, &result, &err);
    if (code != WG_OK) check(code, &err, "execute");
    const int64_t sum = sum_rows(result);
    wg_result_free(result);
    return sum;
}

static int64_t by_name(wg_stmt *stmt) {
    wg_error err;
    char name[16];
    const int size = snprintf(name, sizeof name, "p%u", next_player());
    const wg_code code = wg_bind_string(stmt, "n", name, (size_t)size, &err);
    if (code != WG_OK) check(code, &err, "bind");
    return execute(stmt);
}

static int64_t point_run(void) { return by_name(point_stmt); }
static int64_t hop_run(void) { return by_name(hop_stmt); }
static int64_t count_run(void) { return execute(count_stmt); }

static int64_t create_run(void) {
    wg_error err;
    const wg_code code = wg_bind_int(create_stmt, "seq", (int64_t)turn++, &err);
    if (code != WG_OK) check(code, &err, "bind");
    return execute(create_stmt);
}

static int64_t point_text_run(void) {
    wg_error err;
    char text[96];
    wg_result *result = NULL;
    snprintf(text, sizeof text, "MATCH (p:Player {name: 'p%u'}) RETURN p.level", next_player() % 64);
    const wg_code code = wg_query(session, text, &result, &err);
    if (code != WG_OK) check(code, &err, text);
    const int64_t sum = sum_rows(result);
    wg_result_free(result);
    return sum;
}

static int64_t cold_run(void) {
    char text[96];
    snprintf(text, sizeof text, "MATCH (p:Player {name: $n}) RETURN p.level + %llu", (unsigned long long)turn++);
    wg_stmt_finish(prepare(text));
    return 0;
}

static int64_t again_run(void) {
    wg_stmt_finish(prepare(point_text));
    return 0;
}

/* ---- stages, over an engine of their own */

static wg_arena stage_arena;
static wg_txn *stage_txn;
static wg_prepared *stage_query;

static void stages_open(void) {
    const wg_engine_options options = {0};
    wg_error err = {0};
    static const char *const texts[] = {"CREATE NODE LABEL Player (name STRING, level INT, PRIMARY KEY (name))",
                                        "CREATE EDGE LABEL KNOWS (FROM Player TO Player)"};
    check(wg_engine_open(NULL, &options, &engine, &err), &err, "engine");
    for (int i = 0; i < 2; i++) {
        wg_prepared *query = NULL;
        wg_query_result result;
        wg_exec_context context = {.threads = 1, .batch_rows = WG_BATCH_ROWS_MAX};
        check(wg_query_create(wg_slice_str(texts[i]), NULL, NULL, &query, &err), &err, texts[i]);
        check(wg_txn_begin(engine, WG_TXN_WRITE, 0, &context.txn, &err), &err, "begin");
        check(wg_query_run(query, &context, &result, &err), &err, texts[i]);
        wg_query_result_deinit(&result);
        check(wg_txn_commit(context.txn, NULL, &err), &err, "commit");
        wg_query_destroy(query);
    }
    wg_arena_init(&stage_arena, NULL);
    check(wg_txn_begin(engine, WG_TXN_READ, 0, &stage_txn, &err), &err, "begin");
    check(wg_query_create(wg_slice_str(hop_text), NULL, NULL, &stage_query, &err), &err, hop_text);
}

static void stages_close(void) {
    wg_query_destroy(stage_query);
    wg_txn_abort(stage_txn);
    wg_arena_deinit(&stage_arena);
    check(wg_engine_close(engine, NULL), NULL, "close");
}

static int64_t lex_run(void) {
    wg_token_list tokens;
    wg_arena_reset(&stage_arena);
    check(wg_lexer_run(wg_slice_str(hop_text), &stage_arena, &tokens, NULL), NULL, "lex");
    return tokens.count;
}

static int64_t parse_run(void) {
    const wg_ast *statement = NULL;
    wg_arena_reset(&stage_arena);
    check(wg_parse(wg_slice_str(hop_text), &stage_arena, &statement, NULL), NULL, "parse");
    return statement->child_count;
}

static int64_t bind_plan_run(void) {
    check(wg_query_check(stage_query, stage_txn, NULL, NULL), NULL, "plan");
    return 0;
}

static int64_t parse_plan_run(void) {
    wg_prepared *query = NULL;
    check(wg_query_create(wg_slice_str(hop_text), NULL, NULL, &query, NULL), NULL, "parse");
    check(wg_query_check(query, stage_txn, NULL, NULL), NULL, "plan");
    wg_query_destroy(query);
    return 0;
}

/* ---- measuring */

static void counter_open(void) {
    struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
                                   .size = sizeof attr,
                                   .config = PERF_COUNT_HW_INSTRUCTIONS,
                                   .exclude_kernel = 1,
                                   .exclude_hv = 1};
    instructions_fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static bool counter_read(uint64_t *out) {
    return instructions_fd >= 0 && read(instructions_fd, out, sizeof *out) == (ssize_t)sizeof *out;
}

typedef int64_t (*call)(void);

/* A sample is the mean of a few calls in a row: the clock itself costs some twenty ns. */
static uint64_t sample(call run) {
    const uint64_t start = bench_now_ns();
    for (int i = 0; i < INNER; i++) (void)run();
    return (bench_now_ns() - start) / INNER;
}

static void compare_answers(call ours, call peers, const char *name) {
    const uint64_t from = turn;
    for (int i = 0; i < 200; i++) {
        turn = from + (uint64_t)i;
        const int64_t a = ours();
        turn = from + (uint64_t)i;
        const int64_t b = peers();
        if (a == b) continue;
        fprintf(stderr, "query_bench: %s: ours %lld, the peer's %lld\n", name, (long long)a, (long long)b);
        exit(1);
    }
}

static const char **only;
static int only_count;

static void measure(const char *name, call ours, call peers, uint64_t gate_ns) {
    bool wanted = only_count == 0;
    for (int i = 0; i < only_count; i++) wanted = wanted || strstr(name, only[i]) != NULL;
    if (!wanted) return;
    if (*lite_name == '\0') peers = NULL;
    if (peers != NULL) compare_answers(ours, peers, name);
    for (int i = 0; i < 50; i++) (void)sample(ours);
    for (uint32_t i = 0; i < samples_wanted; i++) {
        samples[i] = sample(ours);
        if (peers != NULL) peer_samples[i] = sample(peers);
    }
    uint64_t before = 0, after = 0;
    char instructions[32] = "null";
    const uint64_t allocations = wg_memory_calls();
    const bool counted = counter_read(&before);
    for (int i = 0; i < 1000; i++) (void)ours();
    if (counted && counter_read(&after))
        snprintf(instructions, sizeof instructions, "%.0f", (double)(after - before) / 1000);
    const double allocated = (double)(wg_memory_calls() - allocations) / 1000;
    const uint64_t p50 = bench_percentile(samples, samples_wanted, 50);
    const uint64_t p99 = bench_percentile(samples, samples_wanted, 99);
    char params[256];
    snprintf(params, sizeof params,
             "{\"samples\":%u,\"p99\":%" PRIu64 ",\"instructions\":%s,\"allocations\":%.2f,\"gate\":%" PRIu64 "}",
             samples_wanted, p99, instructions, allocated, gate_ns);
    const bench_line line = {
        .name = name,
        .params = params,
        .value = (double)p50,
        .unit = "ns",
        .peer = peers != NULL ? lite_name : NULL,
        .peer_value = peers != NULL ? (double)bench_percentile(peer_samples, samples_wanted, 50) : 0};
    bench_print(&line);
    const bool held = gate_ns == 0 || p50 < gate_ns;
    if (!held) fprintf(stderr, "query_bench: %s: %" PRIu64 " ns, the gate is %" PRIu64 "\n", name, p50, gate_ns);
    missed += !held;
}

int main(int argc, char **argv) {
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "--quick") == 0) {
        samples_wanted = SAMPLES_MAX / 20;
        first = 2;
    }
    only = (const char **)(uintptr_t)(argv + first);
    only_count = argc - first;
    wg_error err = {0};
    const wg_options options = {.durability = WG_IN_MEMORY};
    check(wg_open(NULL, &options, &db, &err), &err, "open");
    check(wg_session_open(db, &session, &err), &err, "session");
    fill();
    point_stmt = prepare(point_text);
    hop_stmt = prepare(hop_text);
    count_stmt = prepare("MATCH (p:Player) RETURN count(*)");
    create_stmt = prepare("CREATE (:Event {seq: $seq, text: 'something'})");
    check_that(execute(count_stmt) == PLAYERS, "the players are not all there");
    stages_open();
    counter_open();
    if (instructions_fd < 0) fprintf(stderr, "query_bench: the kernel counts no instructions for this program\n");
#ifdef WG_BENCH_SQLITE
    lite_open();
#else
    fprintf(stderr, "query_bench: without libsqlite3-dev there is no peer\n");
#endif
    measure("query.lex", lex_run, NULL, 0);
    measure("query.parse", parse_run, NULL, 0);
    measure("query.bind_plan", bind_plan_run, NULL, 0);
    measure("query.parse_plan", parse_plan_run, NULL, 20000);
    measure("query.prepare_cold", cold_run, lite_cold_run, 20000);
    measure("query.prepare", again_run, lite_again_run, 0);
    measure("query.point", point_run, lite_point_run, 2000);
    measure("query.point_text", point_text_run, NULL, 0);
    measure("query.hop", hop_run, lite_hop_run, 10000);
    measure("query.count", count_run, lite_count_run, 0);
    measure("query.create", create_run, lite_create_run, 0);
    stages_close();
    wg_stmt_finish(point_stmt);
    wg_stmt_finish(hop_stmt);
    wg_stmt_finish(count_stmt);
    wg_stmt_finish(create_stmt);
    wg_session_close(session);
    check(wg_close(db, &err), &err, "close");
    return missed > 0 ? 2 : 0;
}
