/* Statements: prepare, bind, execute. See worldgraph.h.
 *
 * Outside of a transaction a statement runs in one of its own: READ for those that only read, WRITE (which never conflicts)
 * for the others. Inside one, a statement that fails undoes its own writes and leaves the transaction open. */
#include "api/api_internal.h"
#include "base/text/text.h"
#include "format/json/json.h"

/* ---- prepare */

static wg_code prepare_params(wg_stmt *stmt, wg_error *err) {
    const uint32_t count = wg_query_param_count(stmt->query);
    stmt->params = wg_alloc_zero(NULL, ((size_t)count + 1) * sizeof *stmt->params);
    stmt->bound = wg_alloc_zero(NULL, ((size_t)count + 1) * sizeof *stmt->bound);
    stmt->bounds = wg_alloc_zero(NULL, ((size_t)count + 1) * sizeof *stmt->bounds);
    if (stmt->params == NULL || stmt->bound == NULL || stmt->bounds == NULL)
        return wg_error_nomem(err, count * sizeof *stmt->params);
    enum { VALUE_BYTES = 192 }; /* most are short */
    for (uint32_t i = 0; i < 2 * count; i++) {
        wg_arena *arena = &stmt->bounds[i / 2].arenas[i % 2];
        wg_arena_init(arena, NULL);
        arena->block_bytes = VALUE_BYTES;
    }
    return WG_OK;
}

/* Names and types are checked against the newest state, the open transaction, or the past that AS OF names: an early answer for the
 * user. Where a parameter says which past it is, running finds out. */
static wg_code prepare_check(const wg_stmt *stmt, wg_error *err) {
    const wg_query_kind kind = wg_query_kind_of(stmt->query);
    const wg_session *session = stmt->session;
    if (kind != WG_QUERY_READ && kind != WG_QUERY_WRITE && kind != WG_QUERY_MAINTENANCE) return WG_OK;
    if (session->txn != NULL) return wg_query_check(stmt->query, session->txn, NULL, err);
    wg_txn *txn = NULL;
    bool as_of = false;
    uint64_t logseq = 0;
    if (wg_query_as_of(stmt->query, NULL, &as_of, &logseq, NULL) != WG_OK) return WG_OK;
    if (!as_of && session->snapshot != NULL) logseq = session->snapshot->logseq;
    if (wg_txn_begin(session->engine, WG_TXN_READ, logseq, &txn, err) != WG_OK) {
        if (as_of && logseq != 0) { /* running says why there is no such past */
            wg_error_clear(err);
            return WG_OK;
        }
        return err->code;
    }
    const wg_code code = wg_query_check(stmt->query, txn, NULL, err);
    wg_txn_abort(txn);
    return code;
}

/* Takes the query, also when it fails. */
static wg_code stmt_of(wg_session *session, wg_prepared *query, wg_stmt **out, wg_error *err) {
    wg_stmt *stmt = wg_alloc_zero(NULL, sizeof *stmt);
    if (stmt == NULL) {
        wg_query_destroy(query);
        return wg_error_nomem(err, sizeof *stmt);
    }
    stmt->tag = WGI_TAG_STMT;
    stmt->session = session;
    stmt->query = query;
    stmt->state.account = &session->db->queries;
    const wg_code code = prepare_params(stmt, err);
    if (code != WG_OK) wg_stmt_finish(stmt);
    else *out = stmt;
    return code;
}

static wg_code stmt_create(wg_session *session, wg_slice text, wg_stmt **out, wg_error *err) {
    wg_prepared *query = NULL;
    WG_TRY(wg_plan_cache_prepare(session->db->plans, text, session->db->procedures, &query, err));
    return stmt_of(session, query, out, err);
}

wg_code wg_prepare(wg_session *session, const char *text, size_t text_size, wg_stmt **out, wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    if (text == NULL || out == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_prepare: text or out is NULL");
    wg_stmt *stmt = NULL;
    WG_TRY(stmt_create(session, wg_slice_of(text, text_size), &stmt, err));
    wgi_session_enter(session);
    const wg_code code = prepare_check(stmt, err);
    wgi_session_leave(session);
    if (code != WG_OK) {
        wg_stmt_finish(stmt);
        return code;
    }
    *out = stmt;
    return WG_OK;
}

void wg_stmt_finish(wg_stmt *stmt) {
    if (stmt == NULL || stmt->tag != WGI_TAG_STMT) return;
    stmt->tag = WGI_TAG_CLOSED;
    wg_query_state_deinit(&stmt->state);
    wgi_spare_close(stmt->spare);
    const uint32_t count = stmt->bounds != NULL ? wg_query_param_count(stmt->query) : 0;
    for (uint32_t i = 0; i < 2 * count; i++) wg_arena_deinit(&stmt->bounds[i / 2].arenas[i % 2]);
    wg_query_destroy(stmt->query);
    wg_free(stmt->params);
    wg_free(stmt->bound);
    wg_free(stmt->bounds);
    wg_free(stmt);
}

/* ---- bind */

wg_code wg_bind(wg_stmt *stmt, const char *name, const wg_value *value, wg_error *err) {
    WGI_CHECK(stmt, WGI_TAG_STMT, "statement");
    if (name == NULL || value == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_bind: name or value is NULL");
    WG_TRY(wg_value_check(value, false, err));
    if (name[0] == '$') name++;
    const uint32_t count = wg_query_param_count(stmt->query);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(wg_query_param_name(stmt->query, i), name) != 0) continue;
        wg_value copy;
        wgi_bound *memory = &stmt->bounds[i];
        wg_arena *arena = &memory->arenas[1 - memory->newest];
        wg_arena_reset(arena);
        if (!wg_value_copy(arena, value, &copy)) return wg_error_nomem(err, value->size);
        memory->newest = 1 - memory->newest;
        stmt->params[i] = copy;
        stmt->bound[i] = true;
        return WG_OK;
    }
    wg_suggestion near;
    wg_suggestion_init(&near, wg_slice_str(name));
    for (uint32_t i = 0; i < count; i++) wg_suggestion_offer(&near, wg_query_param_name(stmt->query, i));
    if (near.name == NULL)
        return wg_error_set(err, WG_E_PARAMETER, WG_NO_OFFSET, "the statement has no parameter $%.64s", name);
    return wg_error_set(err, WG_E_PARAMETER, WG_NO_OFFSET,
                        "the statement has no parameter $%.64s; did you mean $%.64s?", name, near.name);
}

wg_code wg_bind_clock(wg_stmt *stmt, int64_t statement_us, int64_t transaction_us, wg_error *err) {
    WGI_CHECK(stmt, WGI_TAG_STMT, "statement");
    const int64_t most = WG_SECONDS_MAX / 2 * 1000000;
    if (statement_us < -most || statement_us > most || transaction_us < -most || transaction_us > most)
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "the clock of a statement is out of range");
    stmt->has_clock = true;
    stmt->clock_us[0] = statement_us;
    stmt->clock_us[1] = transaction_us;
    return WG_OK;
}

wg_code wg_bind_int(wg_stmt *stmt, const char *name, int64_t value, wg_error *err) {
    const wg_value v = wg_value_int(value);
    return wg_bind(stmt, name, &v, err);
}

wg_code wg_bind_float(wg_stmt *stmt, const char *name, double value, wg_error *err) {
    const wg_value v = wg_value_float(value);
    return wg_bind(stmt, name, &v, err);
}

wg_code wg_bind_bool(wg_stmt *stmt, const char *name, bool value, wg_error *err) {
    const wg_value v = wg_value_bool(value);
    return wg_bind(stmt, name, &v, err);
}

wg_code wg_bind_string(wg_stmt *stmt, const char *name, const char *value, size_t size, wg_error *err) {
    size_t bad = 0;
    const wg_slice text = wg_slice_of(value, size);
    if (size > UINT32_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a string of %zu bytes is too long", size);
    if (!wg_utf8_valid(text, &bad))
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "parameter %s is not UTF-8 at byte %zu", name, bad);
    const wg_value v = wg_value_str(text);
    return wg_bind(stmt, name, &v, err);
}

wg_code wg_bind_null(wg_stmt *stmt, const char *name, wg_error *err) {
    const wg_value v = wg_value_null();
    return wg_bind(stmt, name, &v, err);
}

wg_code wg_bind_json(wg_stmt *stmt, const char *name, const char *json, size_t size, wg_error *err) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_value v = wg_value_null();
    wg_code code = wg_json_read(wg_slice_of(json, size), &arena, &v, err);
    if (code == WG_OK) code = wg_bind(stmt, name, &v, err);
    wg_arena_deinit(&arena);
    return code;
}

/* ---- execute */

static wg_code check_params(const wg_stmt *stmt, wg_error *err) {
    const uint32_t count = wg_query_param_count(stmt->query);
    for (uint32_t i = 0; i < count; i++)
        if (!stmt->bound[i]) return wg_query_param_missing(stmt->query, i, err);
    return WG_OK;
}

static bool text_has(wg_slice text, const char *name) {
    return memmem(text.data, text.size, name, strlen(name)) != NULL;
}

/* Looks for new files of the virtual labels that the statement may read: those whose name stands in the text, and all of them
 * when a node pattern names no label. */
static wg_code refresh_named(wg_stmt *stmt, wg_error *err) {
    wg_engine *engine = stmt->session->engine;
    wg_txn *txn = NULL;
    uint64_t since;
    const uint64_t epoch = wg_engine_schema_epoch(engine, &since);
    bool named = false;
    if (stmt->plain_epoch == epoch) return WG_OK; /* no label that is virtual is named, as before */
    WG_TRY(wg_txn_begin(engine, WG_TXN_READ, 0, &txn, err));
    const wg_catalog *catalog = wg_txn_catalog(txn);
    wg_txn_abort(txn);
    const bool any = wg_query_may_read_any_label(stmt->query);
    const uint32_t count = wg_catalog_label_count(catalog);
    for (uint32_t i = 0; i < count; i++) {
        const wg_label *label = wg_catalog_label_at(catalog, i);
        if (label == NULL || label->def.kind != WG_LABEL_VIRTUAL) continue;
        if (!any && !text_has(wg_query_text(stmt->query), label->def.name)) continue;
        named = true;
        WG_TRY(wg_engine_refresh(engine, &i, 1, err));
    }
    if (!named) stmt->plain_epoch = epoch;
    return WG_OK;
}

/* What sessions have committed in runs belongs to a commit of the log before a statement that may look at it begins. */
static wg_code drain_named(const wg_stmt *stmt, wg_error *err) {
    if (!wg_query_reads_runs(stmt->query)) return WG_OK;
    return wg_engine_state_drain_within(stmt->session->engine, &stmt->session->cancel, err);
}

/* Each moment is given once, so that rand() and randomUUID() differ between statements (ADR 0017): a clock that stands, or is set back by less
 * than a second, is led on by microseconds. */
int64_t wgi_clock_us(const wg_session *session) {
    enum { LEAD_US_MAX = 1000000 };
    wg_platform *platform = wg_engine_platform(session->engine);
    wg_db *db = session->db;
    const int64_t now = (int64_t)platform->ops->wall_us(platform);
    int64_t last = atomic_load_explicit(&db->clock_last_us, memory_order_relaxed);
    int64_t given;
    do {
        given = now > last || last - now >= LEAD_US_MAX ? now : last + 1;
    } while (!atomic_compare_exchange_weak_explicit(&db->clock_last_us, &last, given, memory_order_relaxed,
                                                    memory_order_relaxed));
    return given;
}

static wg_exec_context make_context(const wg_stmt *stmt, wg_txn *txn, wg_result *result) {
    wg_session *s = stmt->session;
    const uint64_t spill_bytes_max = wg_engine_option_values(s->engine)->spill_bytes_max;
    wg_answer_open(&result->answer, wg_engine_platform(s->engine), wg_engine_temporary_directory(s->engine),
                   spill_bytes_max);
    result->clock_us[0] = stmt->has_clock ? stmt->clock_us[0] : wgi_clock_us(s);
    result->clock_us[1] = stmt->has_clock  ? stmt->clock_us[1]
                          : s->txn != NULL ? s->begin_clock_us
                                           : result->clock_us[0];
    return (wg_exec_context){.txn = txn,
                             .pool = s->db->pool,
                             .threads = s->threads,
                             .batch_rows = s->batch_rows,
                             .shards = s->shards,
                             .kernels = s->kernels,
                             .alone = s->txn == NULL,
                             .optimizer_off = s->optimizer_off,
                             .watch = s->watch,
                             .params = stmt->params,
                             .param_count = wg_query_param_count(stmt->query),
                             .clock_us = result->clock_us[0],
                             .begin_clock_us = result->clock_us[1],
                             .spill_bytes_max = spill_bytes_max,
                             .account = &result->account,
                             .answer = &result->answer,
                             .cancel = &s->cancel,
                             .nulls_left_out = &result->nulls_left_out,
                             .stats = &result->stats};
}

/* `maintained`: the rows of the statement's maintenance procedure, or NULL. */
static wg_code run_in(wg_stmt *stmt, wg_txn *txn, const wg_rows *maintained, wg_result *result, wg_error *err) {
    wg_stats before;
    wg_txn_stats(txn, &before);
    wg_txn_set_speed_lane(txn, stmt->session->lane);
    wg_exec_context context = make_context(stmt, txn, result);
    context.procedure_rows = maintained;
    if (stmt->session->db->plans != NULL)
        WG_TRY(wg_query_run_kept(stmt->query, &stmt->state, &context, &result->query, err));
    else WG_TRY(wg_query_run(stmt->query, &context, &result->query, err));
    wg_stats after;
    wg_txn_stats(txn, &after);
    wg_stats *st = &result->stats;
    st->nodes_created = after.nodes_created - before.nodes_created;
    st->nodes_deleted = after.nodes_deleted - before.nodes_deleted;
    st->edges_created = after.edges_created - before.edges_created;
    st->edges_deleted = after.edges_deleted - before.edges_deleted;
    st->properties_set = after.properties_set - before.properties_set;
    st->labels_added = after.labels_added - before.labels_added;
    st->labels_removed = after.labels_removed - before.labels_removed;
    WG_TRY(wgi_result_note(stmt, result, err));
    return wgi_result_build(result, txn, err);
}

/* Inside the session's transaction. */
static wg_code run_in_open(wg_stmt *stmt, wg_result *result, wg_error *err) {
    wg_txn *txn = stmt->session->txn;
    wg_txn_mark mark;
    wg_txn_mark_set(txn, &mark);
    wg_txn_wait_within(txn, &stmt->session->cancel);
    const wg_code code = run_in(stmt, txn, NULL, result, err);
    wg_txn_wait_within(txn, NULL);
    if (code != WG_OK || wg_query_is_explain(stmt->query)) wg_txn_rollback_to(txn, &mark);
    result->stats.snapshot = wg_txn_view(txn).snapshot;
    return code;
}

static wg_code run_alone(wg_stmt *stmt, const wg_rows *maintained, wg_result *result, wg_error *err) {
    wg_session *s = stmt->session;
    bool given = false;
    uint64_t as_of = s->snapshot != NULL ? s->snapshot->logseq : 0;
    uint64_t in_text = 0;
    WG_TRY(wg_query_as_of(stmt->query, stmt->params, &given, &in_text, err));
    const bool writes = wg_query_kind_of(stmt->query) == WG_QUERY_WRITE;
    if (given && in_text == 0)
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET, "AS OF counts from 1: the first commit");
    if (given) as_of = in_text;
    if (as_of != 0 && writes)
        return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET, "a snapshot of the past cannot be written to");
    if (as_of == 0) WG_TRY(refresh_named(stmt, err));
    if (as_of == 0) WG_TRY(drain_named(stmt, err));
    wg_txn *txn = NULL;
    WG_TRY(wg_txn_begin_within(s->engine, writes ? WG_TXN_WRITE : WG_TXN_READ, as_of, &s->cancel, &txn, err));
    wg_code code = run_in(stmt, txn, maintained, result, err);
    uint64_t logseq = wg_txn_view(txn).snapshot;
    if (code != WG_OK || wg_query_is_explain(stmt->query)) wg_txn_abort(txn);
    else code = wg_txn_commit(txn, &logseq, err);
    result->stats.snapshot = logseq;
    return code;
}

/* The procedure runs before the transaction that reads the rest of the statement, so that neither waits for the other. */
static wg_code run_maintenance(wg_stmt *stmt, wg_result *result, wg_error *err) {
    wg_session *s = stmt->session;
    if (wg_query_is_explain(stmt->query))
        return s->txn != NULL ? run_in_open(stmt, result, err) : run_alone(stmt, NULL, result, err);
    if (s->txn != NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "maintenance of the store is not part of a transaction: COMMIT or ROLLBACK first");
    const wg_exec_context context = make_context(stmt, NULL, result);
    wg_rows *rows = NULL;
    WG_TRY(wg_query_maintain(stmt->query, s->engine, &context, &rows, err));
    const wg_code code = run_alone(stmt, rows, result, err);
    wg_rows_destroy(rows);
    return code;
}

static wg_code run_kind(wg_stmt *stmt, wg_result *result, wg_error *err) {
    wg_session *s = stmt->session;
    switch (wg_query_kind_of(stmt->query)) {
        case WG_QUERY_BEGIN:
            return wg_begin(s, false, err);
        case WG_QUERY_BEGIN_READ_ONLY:
            return wg_begin(s, true, err);
        case WG_QUERY_COMMIT:
            return wg_commit(s, &result->stats.snapshot, err);
        case WG_QUERY_ROLLBACK:
            return wg_rollback(s, err);
        case WG_QUERY_MAINTENANCE:
            WG_TRY(check_params(stmt, err));
            return run_maintenance(stmt, result, err);
        case WG_QUERY_READ:
        case WG_QUERY_WRITE:
            break;
    }
    WG_TRY(check_params(stmt, err));
    return s->txn != NULL ? run_in_open(stmt, result, err) : run_alone(stmt, NULL, result, err);
}

/* Commits keep their chain values: the last one is not asked for twice. */
static void note_chain(wg_session *s, wg_result *result) {
    const uint64_t logseq = result->stats.snapshot;
    if (s->chain_at != logseq || s->chain_engine != s->engine || logseq == 0) {
        s->chain_at = 0;
        if (!wg_engine_chain_at(s->engine, logseq, &s->chain)) {
            memset(&result->chain, 0, sizeof result->chain);
            return;
        }
        s->chain_at = logseq;
        s->chain_engine = s->engine;
    }
    result->chain = s->chain;
}

wg_code wg_execute(wg_stmt *stmt, wg_result **out, wg_error *err) {
    WGI_CHECK(stmt, WGI_TAG_STMT, "statement");
    if (out == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_execute: out is NULL");
    wg_session *s = stmt->session;
    wg_platform *platform = s->db->platform;
    wg_result *result = NULL;
    WG_TRY(wgi_result_take(stmt, &result, err));
    atomic_store_explicit(&s->cancel.cancelled, false,
                          memory_order_relaxed); /* of a call that came when nothing ran */
    s->cancel.platform = platform;
    s->cancel.deadline_ns =
        s->deadline_ms == 0 ? 0 : platform->ops->now_ns(platform) + (uint64_t)s->deadline_ms * 1000000;
    atomic_store_explicit(&s->cancel.rows_done, 0, memory_order_relaxed);
    atomic_store_explicit(&s->cancel.rows_total, 0, memory_order_relaxed);
    const uint64_t start = platform->ops->now_ns(platform);
    result->started_us = platform->ops->wall_us(platform);
    wgi_session_enter(s);
    wg_code code = wgi_session_join(s, err);
    if (code == WG_OK) code = run_kind(stmt, result, err);
    if (code == WG_OK) note_chain(s, result);
    wgi_session_leave(s);
    atomic_store_explicit(&s->cancel.cancelled, false, memory_order_relaxed);
    if (code == WG_E_NOMEM && wg_account_refused(&result->account))
        code = wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the query needs more than its %llu bytes of memory",
                            (unsigned long long)result->account.bytes_max);
    if (code == WG_E_NOMEM && wg_account_refused(&s->db->queries))
        code = wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET,
                            "queries and results together need more than their %llu bytes of memory",
                            (unsigned long long)s->db->queries.bytes_max);
    if (code != WG_OK) {
        wg_result_free(result);
        return code;
    }
    result->stats.elapsed_ns = platform->ops->now_ns(platform) - start;
    result->stats.memory_bytes_peak = wg_account_peak(&result->account);
    *out = result;
    return WG_OK;
}

/* ---- statements of wg_query: the last few stay, with all that running them again needs */

static wg_stmt *idle_take(wg_session *session, const wg_prepared *query) {
    for (uint32_t i = 0; i < WGI_IDLE_STMTS && session->idle[i] != NULL; i++) {
        wg_stmt *stmt = session->idle[i];
        if (stmt->query != query) continue;
        for (; i + 1 < WGI_IDLE_STMTS; i++) session->idle[i] = session->idle[i + 1];
        session->idle[WGI_IDLE_STMTS - 1] = NULL;
        return stmt;
    }
    return NULL;
}

static void idle_put(wg_session *session, wg_stmt *stmt) {
    wg_stmt_finish(session->idle[WGI_IDLE_STMTS - 1]);
    for (uint32_t i = WGI_IDLE_STMTS - 1; i > 0; i--) session->idle[i] = session->idle[i - 1];
    session->idle[0] = stmt;
}

void wgi_idle_close(wg_session *session) {
    for (uint32_t i = 0; i < WGI_IDLE_STMTS; i++) {
        wg_stmt_finish(session->idle[i]);
        session->idle[i] = NULL;
    }
}

static wg_code query_kept(wg_session *session, wg_slice text, wg_result **out, wg_error *err) {
    wg_prepared *query = NULL;
    WG_TRY(wg_plan_cache_prepare(session->db->plans, text, session->db->procedures, &query, err));
    wg_stmt *stmt = idle_take(session, query);
    if (stmt != NULL) wg_query_destroy(query); /* the statement has it */
    else WG_TRY(stmt_of(session, query, &stmt, err));
    const wg_code code = wg_execute(stmt, out, err);
    idle_put(session, stmt);
    return code;
}

wg_code wg_query(wg_session *session, const char *text, wg_result **out, wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    if (text == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_query: text is NULL");
    if (session->db->plans != NULL) return query_kept(session, wg_slice_str(text), out, err);
    wg_stmt *stmt = NULL;
    WG_TRY(stmt_create(session, wg_slice_str(text), &stmt, err));
    const wg_code code = wg_execute(stmt, out, err);
    wg_stmt_finish(stmt);
    return code;
}
