/* Goal: no text makes binder, planner or executor crash or leak, and nothing that a statement does outlives its abort.
 * Statements run over a small graph with declared, open and keyed labels, in a transaction that is always aborted. */
#include "query/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static wg_engine *engine;
static wg_procedures *procedures;

static void run_text(wg_txn *txn, wg_slice text) {
    wg_prepared *query;
    if (wg_query_create(text, procedures, NULL, &query, NULL) != WG_OK) return;
    const wg_query_kind kind = wg_query_kind_of(query);
    wg_error err = {0};
    const wg_code checked = wg_query_check(query, txn, NULL, &err);
    WG_ASSERT(checked == err.code);
    if (checked == WG_OK && (kind == WG_QUERY_READ || kind == WG_QUERY_WRITE)) {
        wg_value params[8] = {0};
        wg_account account;
        wg_account_init(&account, NULL, UINT64_C(64) << 20);
        wg_cancel cancel = {0};
        wg_stats stats = {0};
        wg_exec_context context = {.txn = txn,
                                   .threads = 1,
                                   .batch_rows = 7,
                                   .params = params,
                                   .param_count = wg_query_param_count(query),
                                   .account = &account,
                                   .cancel = &cancel,
                                   .stats = &stats};
        context.deadline_ns = 0;
        for (size_t i = 0; i < 8; i++) params[i] = wg_value_int((int64_t)i);
        wg_query_result result;
        if (context.param_count <= 8 && wg_query_run(query, &context, &result, NULL) == WG_OK)
            wg_query_result_deinit(&result);
        WG_ASSERT(wg_account_bytes(&account) == 0);
    }
    wg_query_destroy(query);
}

static void set_up(void) {
    static const char *const texts[] = {
        "CREATE NODE LABEL P (id INT, name STRING, x FLOAT, PRIMARY KEY (id))",
        "CREATE EDGE LABEL K (FROM P TO P, since INT)",
        "UNWIND range(1, 20) AS i CREATE (:P {id: i, name: toString(i), x: i * 0.5})",
        "MATCH (a:P), (b:P) WHERE a.id = b.id + 1 CREATE (a)-[:K {since: a.id}]->(b)",
    };
    const wg_engine_options options = {0};
    if (wg_procedures_create(NULL, &procedures, NULL) != WG_OK) WG_UNREACHABLE("no procedures");
    if (wg_engine_open(NULL, &options, &engine, NULL) != WG_OK) WG_UNREACHABLE("the engine does not open");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        wg_txn *txn;
        if (wg_txn_begin(engine, WG_TXN_WRITE, 0, &txn, NULL) != WG_OK) WG_UNREACHABLE("no transaction");
        run_text(txn, wg_slice_str(texts[i]));
        if (wg_txn_commit(txn, NULL, NULL) != WG_OK) WG_UNREACHABLE("no commit");
    }
}

/* COPY and virtual labels read files that the text names, and range() and products make much work of few bytes. */
static bool is_tame(const uint8_t *data, size_t size) {
    if (size > 300) return false;
    uint32_t commas = 0;
    for (size_t i = 0; i < size; i++) {
        const uint8_t upper = data[i] >= 'a' && data[i] <= 'z' ? (uint8_t)(data[i] - 32) : data[i];
        if (i + 5 < size && upper == 'R' && (data[i + 1] | 32) == 'a' && (data[i + 2] | 32) == 'n') return false;
        if (i + 4 < size && upper == 'C' && (data[i + 1] | 32) == 'o' && (data[i + 2] | 32) == 'p') return false;
        if (i + 4 < size && upper == 'P' && (data[i + 1] | 32) == 'a' && (data[i + 2] | 32) == 'r') return false;
        commas += data[i] == ',' || data[i] == '(';
    }
    return commas < 8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (engine == NULL) set_up();
    if (!is_tame(data, size)) return 0;
    wg_txn *txn;
    if (wg_txn_begin(engine, WG_TXN_WRITE, 0, &txn, NULL) != WG_OK) WG_UNREACHABLE("no transaction");
    run_text(txn, wg_slice_of(data, size));
    wg_txn_abort(txn);
    return 0;
}
