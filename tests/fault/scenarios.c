/* Scenarios on data: see scenarios.h. */
#include "tests/fault/scenarios.h"

#include "base/memory/memory.h"

wg_code scene_run(scene *s, const char *text, wg_error *err) {
    wg_result *r = NULL;
    const wg_code code = wg_query(s->session, text, &r, err);
    if (code == WG_OK) wg_result_free(r);
    return code;
}

wg_code scene_add(scene *s, const char *text, uint64_t rows, wg_error *err) {
    s->tried += rows;
    const wg_code code = scene_run(s, text, err);
    if (code == WG_OK) s->acked += rows;
    return code;
}

static bool count_bytes(void *ctx, const void *data, size_t size) {
    scene *s = ctx;
    (void)data;
    s->sink += size;
    return true;
}

/* ---- open and close */

static wg_code open_close(const char *path, const wg_options *options, wg_error *err) {
    wg_db *db = NULL;
    WG_TRY(wg_open(path, options, &db, err));
    return wg_close(db, err);
}

static wg_code run_open_existing(scene *s, wg_error *err) {
    const wg_options o = {.threads = 1, .no_background = true};
    (void)s;
    return open_close("/ws", &o, err);
}
static wg_code run_open_new(scene *s, wg_error *err) {
    const wg_options o = {.threads = 1, .no_background = true, .create = true, .must_create = true};
    (void)s;
    return open_close("/fresh", &o, err);
}
static wg_code run_open_in_memory(scene *s, wg_error *err) {
    const wg_options o = {.threads = 1, .no_background = true, .durability = WG_IN_MEMORY};
    (void)s;
    WG_TRY(open_close("/ws", &o, err));
    return open_close(NULL, &o, err);
}
static wg_code run_open_buffered(scene *s, wg_error *err) {
    const wg_options o = {
        .threads = 1, .no_background = true, .durability = WG_BUFFERED, .sync_interval_ms = 1000000};
    scene inner = {.db = NULL};
    WG_TRY(wg_open("/ws", &o, &inner.db, err));
    wg_code code = wg_session_open(inner.db, &inner.session, err);
    s->tried += 1;
    if (code == WG_OK) code = scene_run(&inner, "CREATE (:Row {id: 70})", err);
    if (code == WG_OK) code = wg_sync(inner.db, err);
    if (code == WG_OK) s->acked += 1;
    wg_session_close(inner.session);
    wg_error second = {0};
    const wg_code closed = wg_close(inner.db, &second);
    if (code == WG_OK && closed != WG_OK && err != NULL) *err = second;
    return code != WG_OK ? code : closed;
}
static wg_code run_verify(scene *s, wg_error *err) {
    wg_verify_report report;
    (void)s;
    return wg_verify("/ws", &report, err);
}
static wg_code run_demo_season(scene *s, wg_error *err) {
    (void)s;
    return wg_demo_write_season("/season", 40, 7, NULL, NULL, err);
}

/* ---- sessions and transactions */

/* A statement of a session with a deadline that is far away. */
static wg_code run_timed(const scene *s, wg_error *err) {
    wg_result *r = NULL;
    WG_TRY(wg_query(s->session, "UNWIND range(1, 3) AS x RETURN count(x) AS n", &r, err));
    const bool right = strcmp(wg_result_gqlstatus(r), "00000") == 0;
    wg_result_free(r);
    return right ? WG_OK : wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "the status is wrong");
}

static wg_code run_session(scene *s, wg_error *err) {
    wg_session *session = NULL;
    uint64_t done = 0;
    uint64_t total = 0;
    WG_TRY(wg_session_open(s->db, &session, err));
    wg_code code = wg_session_set_parallelism(session, 1, 16, err);
    if (code == WG_OK) code = wg_session_set_speed_lane(session, WG_SPEED_LANE_PREFER, err);
    if (code == WG_OK) code = wg_session_set_deadline(session, 600000, err);
    if (code == WG_OK) {
        const scene timed = {.db = s->db, .session = session};
        code = run_timed(&timed, err);
    }
    wg_session_cancel(session);
    wg_session_progress(session, &done, &total);
    wg_session_close(session);
    return code;
}
static wg_code run_transaction(scene *s, wg_error *err) {
    uint64_t logseq = 0;
    WG_TRY(wg_begin(s->session, false, err));
    wg_code code = scene_run(s, "CREATE (:Row {id: 10})", err);
    if (code == WG_OK) code = scene_run(s, "CREATE (:Row {id: 11})-[:NEXT {n: 1}]->(:Row {id: 12})", err);
    if (code != WG_OK) {
        wg_error second = {0};
        const wg_code back = wg_rollback(s->session, &second);
        (void)back; /* the first error is the one to tell */
        return code;
    }
    s->tried += 3;
    WG_TRY(wg_commit(s->session, &logseq, err));
    s->acked += 3;
    return WG_OK;
}
static wg_code run_rollback(scene *s, wg_error *err) {
    WG_TRY(wg_begin(s->session, false, err));
    const wg_code code = scene_run(s, "CREATE (:Row {id: 10})", err);
    wg_error second = {0};
    const wg_code back = wg_rollback(s->session, &second);
    if (code == WG_OK && back != WG_OK && err != NULL) *err = second;
    return code != WG_OK ? code : back;
}
static wg_code run_snapshot(scene *s, wg_error *err) {
    wg_snapshot *snapshot = NULL;
    char uri[80];
    WG_TRY(wg_snapshot_acquire(s->db, wg_db_logseq(s->db), &snapshot, err));
    wg_snapshot_uri(snapshot, uri);
    wg_code code = wg_session_use_snapshot(s->session, snapshot, err);
    if (code == WG_OK) code = scene_run(s, "MATCH (r:Row) RETURN count(*)", err);
    wg_error second = {0};
    const wg_code back = wg_session_use_snapshot(s->session, NULL, &second);
    const bool named = wg_snapshot_logseq(snapshot) > 0 && uri[0] == 'o';
    wg_snapshot_release(snapshot);
    if (code == WG_OK && (back != WG_OK || !named)) return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "snapshot");
    return code;
}

/* ---- statements */

static wg_code run_prepared(scene *s, wg_error *err) {
    static const char text[] = "UNWIND $j AS x CREATE (:Open {i: $i, f: $f, b: $b, s: $s, n: $n, v: $v, x: x})";
    static const char json[] = "[1, [2.5, \"x\"], null]";
    wg_stmt *stmt = NULL;
    wg_result *r = NULL;
    const wg_value v = {.type = WG_TYPE_DATE, .as.i = 19000};
    WG_TRY(wg_prepare(s->session, text, sizeof text - 1, &stmt, err));
    wg_code code = wg_bind_int(stmt, "i", 5, err);
    if (code == WG_OK) code = wg_bind_float(stmt, "f", 0.5, err);
    if (code == WG_OK) code = wg_bind_bool(stmt, "b", true, err);
    if (code == WG_OK) code = wg_bind_string(stmt, "s", "text", 4, err);
    if (code == WG_OK) code = wg_bind_null(stmt, "n", err);
    if (code == WG_OK) code = wg_bind(stmt, "v", &v, err);
    if (code == WG_OK) code = wg_bind_json(stmt, "j", json, sizeof json - 1, err);
    for (int i = 0; i < 2 && code == WG_OK; i++) {
        code = wg_execute(stmt, &r, err);
        if (code == WG_OK) wg_result_free(r);
    }
    wg_stmt_finish(stmt);
    return code;
}

static wg_code read_result(scene *s, wg_result *r, wg_error *err) {
    wg_stats stats;
    wg_result_stats(r, &stats);
    wg_notification note;
    if (wg_result_notification_count(r) != 1)
        return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "%u notifications", wg_result_notification_count(r));
    WG_TRY(wg_result_notification(r, 0, &note, err));
    const uint32_t columns = wg_result_column_count(r);
    if (columns != 3 || wg_result_column_name(r, 0) == NULL || wg_result_row_count(r) != 3)
        return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "the answer has %u columns", columns);
    for (uint64_t row = 0; row < 3; row++)
        for (uint32_t c = 0; c < columns; c++) {
            wg_value v;
            WG_TRY(wg_result_cell(r, row, c, &v, err));
            WG_TRY(wg_value_write_json(&v, count_bytes, s, err));
        }
    if (wg_result_column_type(r, 0) != WG_TYPE_INT)
        return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "a type is wrong");
    WG_TRY(wg_result_write_arrow(r, count_bytes, s, err));
    if (wg_result_receipt(r) == NULL) return wg_error_nomem(err, 1); /* it says so by NULL */
    struct ArrowArrayStream stream;
    WG_TRY(wg_result_arrow_stream(r, &stream, err));
    struct ArrowSchema schema;
    struct ArrowArray array;
    int rc = stream.get_schema(&stream, &schema);
    if (rc == 0) schema.release(&schema);
    if (rc == 0) rc = stream.get_next(&stream, &array);
    if (rc == 0 && array.release != NULL) array.release(&array);
    stream.release(&stream);
    return rc == 0 ? WG_OK : wg_error_nomem(err, 1);
}

static wg_code run_result(scene *s, wg_error *err) {
    wg_result *r = NULL;
    WG_TRY(wg_query(s->session,
                    "MATCH (n:Row) WHERE NOT coalesce(n.id = NULL, false) RETURN n.id AS id, n AS n, [n.text, 1] AS "
                    "l ORDER BY id",
                    &r, err));
    const wg_code code = read_result(s, r, err);
    wg_result_free(r);
    return code;
}

static wg_code run_error_texts(scene *s, wg_error *err) {
    char text[400];
    wg_error seen = {0};
    const char *query = "MATCH (n:Row RETURN n";
    const wg_code code = scene_run(s, query, &seen);
    (void)wg_error_format(&seen, query, text, sizeof text);
    const bool right = wg_code_name(code)[0] == 'W' && wg_code_gqlstatus(code)[0] != '\0' &&
                       wg_code_meaning(code)[0] != '\0' && wg_version()[0] != '\0' &&
                       wg_type_name(WG_TYPE_INT)[0] == 'I' && strlen(wg_error_gqlstatus(&seen)) == 5;
    if (code == WG_E_SYNTAX && right) return WG_OK;
    if (err != NULL) *err = seen;
    return code == WG_OK ? wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "it parsed") : code;
}

static wg_code run_register(scene *s, wg_error *err) {
    return wg_register_virtual_partition(s->session, "Again", "/data/{day}.parquet", err) > 0 ? WG_OK : err->code;
}
static wg_code run_register_founding(scene *s, wg_error *err) {
    const int64_t epoch = arcflow_register_virtual_partition(s->session, "Founding", "/data/{day}.parquet");
    if (epoch > 0) return WG_OK;
    return wg_error_set(err, (wg_code)-epoch, WG_NO_OFFSET, "the function gives no text");
}

/* Statements: X(name, text, rows of Row that it adds). */
#define STATEMENTS(X)                                                                                              \
    X(create, "CREATE (:Row {id: 20, text: 'new'})", 1)                                                            \
    X(create_open,                                                                                                 \
      "CREATE (a:Open {x: [1, 'two', null]})-[:LIKES {w: 0.5}]->(b:Other:Open {y: date('2024-01-02')})", 0)        \
    X(unwind_create, "UNWIND range(30, 90) AS i CREATE (:Row {id: i, text: toString(i)})", 61)                     \
    X(copy, "COPY Row FROM '/data/rows.csv'", 3)                                                                   \
    X(copy_parts, "COPY Row FROM '/data/rows.csv' (COMMIT EVERY 1 ROWS)", 3)                                       \
    X(copy_to, "COPY Row TO '/data/out.csv' (OVERWRITE true)", 0)                                                  \
    X(copy_to_parquet,                                                                                             \
      "COPY (MATCH (o:Row) RETURN o.text AS x, [o.id] AS l) TO '/data/out.parquet' (OVERWRITE true)", 0)           \
    X(merge,                                                                                                       \
      "MERGE (r:Row {id: 1}) ON MATCH SET r.text = 'met' MERGE (q:Row {id: 99}) ON CREATE SET q.text = 'made'", 1) \
    X(set, "MATCH (r:Row) SET r.text = r.text + '!', r.n = r.id", 0)                                               \
    X(remove, "MATCH (r:Row {id: 1}) REMOVE r.text", 0)                                                            \
    X(labels, "MATCH (o:Open) SET o:Extra REMOVE o:Open", 0)                                                       \
    X(delete_edges, "MATCH (:Row)-[e:NEXT]->() DELETE e", 0)                                                       \
    X(detach, "MATCH (o:Open) DETACH DELETE o", 0)                                                                 \
    X(define, "CREATE NODE LABEL Later (a INT, b STRING NOT NULL, PRIMARY KEY (a))", 0)                            \
    X(define_edge, "CREATE EDGE LABEL JOINS (FROM Row TO Row, at INT)", 0)                                         \
    X(define_virtual, "CREATE NODE LABEL Files VIRTUAL FROM PARTITION '/data/{day}.parquet'", 0)                   \
    X(drop, "DROP NODE LABEL File", 0)                                                                             \
    X(show, "SHOW LABELS", 0)                                                                                      \
    X(explain, "EXPLAIN MATCH (a:Row)-[:NEXT]->(b) WHERE b.id > 1 RETURN a, b", 0)                                 \
    X(match_key, "MATCH (r:Row {id: 2}) RETURN r.text", 0)                                                         \
    X(expand, "MATCH p = (a:Row)-[:NEXT*1..3]->(b:Row) RETURN p, nodes(p), length(p)", 0)                          \
    X(shortest, "MATCH p = shortestPath((a:Row {id: 1})-[:NEXT*..5]-(b:Row {id: 3})) RETURN p", 0)                 \
    X(join, "MATCH (a:Row), (f:File) WHERE a.id = f.hits RETURN a.text, f.player", 0)                              \
    X(scan_virtual, "MATCH (f:File) WHERE f.hits > 2 RETURN f.day, sum(f.speed), count(*)", 0)                     \
    X(aggregate,                                                                                                   \
      "MATCH (r:Row) RETURN r.id % 2 AS k, collect(r.text), avg(r.id), percentileCont(r.id, 0.5) ORDER BY k", 0)   \
    X(distinct_sort, "MATCH (r:Row) WITH DISTINCT r.id % 2 AS k ORDER BY k DESC SKIP 1 LIMIT 5 RETURN k", 0)       \
    X(union_all, "MATCH (r:Row) RETURN r.id AS x UNION MATCH (o:Open) RETURN o.x AS x", 0)                         \
    X(optional, "MATCH (r:Row) OPTIONAL MATCH (r)-[e:NEXT]->(q) RETURN r.id, q.id, e.n", 0)                        \
    X(subquery, "MATCH (r:Row) CALL { WITH r MATCH (r)-[:NEXT]->(q) RETURN count(q) AS c } RETURN r.id, c", 0)     \
    X(exists_and_lists,                                                                                            \
      "MATCH (r:Row) WHERE EXISTS { (r)-[:NEXT]->() } RETURN [x IN range(1, r.id) WHERE x % 2 = 1 | x * x]", 0)    \
    X(foreach, "MATCH (r:Row {id: 1}) FOREACH (i IN [1, 2, 3] | CREATE (:Open {x: i})-[:OF]->(r))", 0)             \
    X(expressions,                                                                                                 \
      "RETURN reduce(s = '', x IN ['a', 'b'] | s + x), duration('P1D') + date('2024-01-01'), {a: [1, 2.5]}, "      \
      "toUpper('x') + substring('abcdef', 1, 2), split('a,b', ',')",                                               \
      0)

#define STATEMENT_FUNCTION(name, text, rows)                                                              \
    static wg_code run_##name(scene *s, wg_error *err) {                                                  \
        return (rows) != 0 ? scene_add(s, text, rows, err) : scene_run(s, text, err); /* one statement */ \
    }
STATEMENTS(STATEMENT_FUNCTION)

#define STATEMENT_ROW(name, text, rows) {#name, run_##name, false, false},
const scenario scenarios[] = {{"open an existing workspace", run_open_existing, true, false},
                              {"make a workspace", run_open_new, true, false},
                              {"open in memory", run_open_in_memory, true, false},
                              {"buffered commits and sync", run_open_buffered, true, false},
                              {"verify", run_verify, true, false},
                              {"write the demonstration", run_demo_season, true, false},
                              {"session", run_session, false, false},
                              {"transaction", run_transaction, false, false},
                              {"rollback", run_rollback, false, false},
                              {"snapshot", run_snapshot, false, false},
                              {"prepared statement", run_prepared, false, false},
                              {"result", run_result, false, false},
                              {"error texts", run_error_texts, false, false},
                              {"register a virtual label", run_register, false, false},
                              {"the founding name", run_register_founding, false, false},
                              STATEMENTS(STATEMENT_ROW)};
const size_t scenario_count = sizeof scenarios / sizeof scenarios[0];
