/* Goal: no query makes planner or executor crash, or answer with another number of rows, or another kind of error, than the naive
 * interpreter. The input's bytes are the choices of the generator of random queries, so that mutations change one clause or expression
 * and texts stay valid. The graph is fixed and small, the work bounded by what the interpreter may do; whatever a statement
 * writes is rolled back. */
#include "tests/reference/random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 20000 };

static struct {
    wg_db *db;
    wg_session *session;
    ref_graph graph;
    wg_arena arena;
} world;

static const char *const graph_text =
    "CREATE (a:A {k: 1, i: 2, f: 0.5, s: 'ab', b: true, l: [1, 2], m: 'x'}), (b:A:B {k: 2, i: 0, s: '', l: [], m: "
    "1}), "
    "(c:B {k: 3, f: -1.25, b: false, m: [1]}), (d {k: 4, i: -1, s: 'Ba'}), (a)-[:R {k: 101, i: 1, b: true}]->(b), "
    "(b)-[:S {k: 102, f: 2.5, s: 'a'}]->(c), (a)-[:R {k: 103}]->(b), (c)-[:T {k: 104, i: 3}]->(c), (c)-[:R {k: 105, "
    "m: 2}]->(a)";

static void set_up(void) {
    static const wg_options options = {.threads = 1, .no_background = true};
    ref_answer answer;
    wg_result *result;
    if (wg_open(NULL, &options, &world.db, NULL) != WG_OK) WG_UNREACHABLE("no database");
    if (wg_session_open(world.db, &world.session, NULL) != WG_OK) WG_UNREACHABLE("no session");
    if (wg_query(world.session, graph_text, &result, NULL) != WG_OK) WG_UNREACHABLE("no graph");
    wg_result_free(result);
    ref_graph_init(&world.graph);
    ref_run(&world.graph, wg_slice_str(graph_text), NULL, 0, 0, &world.graph.arena, &answer);
    WG_ASSERT(answer.code == WG_OK);
    wg_arena_init(&world.arena, NULL);
}

static bool is_refusal(wg_code code) {
    return code == WG_E_SYNTAX || code == WG_E_BIND || code == WG_E_TYPE || code == WG_E_NOT_FOUND ||
           code == WG_E_UNSUPPORTED;
}

static wg_code ask_engine(wg_slice text, const ref_param *params, size_t param_count, uint64_t *out_rows) {
    wg_stmt *stmt;
    wg_result *result;
    wg_code code = wg_prepare(world.session, (const char *)text.data, text.size, &stmt, NULL);
    if (code != WG_OK) return code;
    for (size_t i = 0; i < param_count; i++)
        if (wg_bind(stmt, params[i].name, &params[i].value, NULL) != WG_OK)
            continue; /* it does not ask for this one */
    code = wg_execute(stmt, &result, NULL);
    wg_stmt_finish(stmt);
    if (code != WG_OK) return code;
    *out_rows = wg_result_row_count(result);
    wg_result_free(result);
    return WG_OK;
}

static void compare(wg_slice text) {
    const wg_value items[] = {ref_int(1), ref_int(4)};
    const ref_param params[] = {
        {"pi", ref_int(2)}, {"ps", ref_string(wg_slice_str("ab"))}, {"pl", ref_list(items, 2)}};
    ref_graph copy;
    ref_answer answer;
    uint64_t rows = 0;
    ref_graph_copy(&world.graph, &copy);
    ref_run(&copy, text, params, 3, STEPS_MAX, &world.arena, &answer);
    if (answer.code != WG_E_LIMIT) {
        if (wg_begin(world.session, false, NULL) != WG_OK) WG_UNREACHABLE("no transaction");
        const wg_code code = ask_engine(text, params, 3, &rows);
        WG_ASSERT(WG_IMPLIES(code == WG_OK, answer.code == WG_OK && rows == answer.row_count));
        WG_ASSERT(code == answer.code || (is_refusal(code) && (is_refusal(answer.code) || code == WG_E_UNSUPPORTED)));
        if (wg_rollback(world.session, NULL) != WG_OK) WG_UNREACHABLE("no rollback");
    }
    ref_graph_deinit(&copy);
    wg_arena_reset(&world.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rnd_query q = {.choices = wg_slice_of(data, size), .few_edges = true};
    if (world.db == NULL) set_up();
    if (size > 300) return 0;
    wg_buf_init(&q.text, NULL);
    rnd_make_query(&q);
    compare(wg_buf_slice(&q.text));
    wg_buf_deinit(&q.text);
    return 0;
}
