/* query: prepared statements, and their runs. */
#include "query/query.h"

#include "exec/profile.h"

#include "query/notes.h"
#include "query/optimize/rewrite.h"
#include "query/parser/parser.h"
#include "query/prepared.h"
#include "query/plan/copy_to.h"
#include "query/plan/statement.h"

/* ---- creating */

static wg_code add_param(wg_prepared *q, wg_slice name, uint64_t at, wg_error *err) {
    if (memchr(name.data, 0, name.size) != NULL)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "the name of a parameter may not hold a NUL character");
    if (wgi_params_add(&q->params, &q->arena, name)) return WG_OK;
    if (q->params.count < WGI_PARAMS_MAX) return wg_error_nomem(err, name.size);
    return wg_error_set(err, WG_E_LIMIT, at, "a query may have at most %d parameters", (int)WGI_PARAMS_MAX);
}

/* A NODE has a slot for its properties, then its labels. */
static bool has_unlabelled_node(const wg_ast *ast) {
    if (ast == NULL) return false;
    if (ast->kind == WG_AST_NODE && ast->child_count <= 1) return true;
    for (uint32_t i = 0; i < ast->child_count; i++)
        if (has_unlabelled_node(ast->child[i])) return true;
    return false;
}

static wg_code collect_params(wg_prepared *q, const wg_ast *ast, wg_error *err) {
    if (ast == NULL) return WG_OK;
    if (ast->kind == WG_AST_PARAMETER) WG_TRY(add_param(q, ast->text, ast->start, err));
    for (uint32_t i = 0; i < ast->child_count; i++) WG_TRY(collect_params(q, ast->child[i], err));
    return WG_OK;
}

static bool writes(const wg_ast *ast) {
    if (ast == NULL) return false;
    switch (ast->kind) {
        case WG_AST_CREATE:
        case WG_AST_MERGE:
        case WG_AST_SET:
        case WG_AST_REMOVE:
        case WG_AST_DELETE:
        case WG_AST_FOREACH:
            return true;
        default:
            break;
    }
    for (uint32_t i = 0; i < ast->child_count; i++)
        if (writes(ast->child[i])) return true;
    return false;
}

static wg_query_kind kind_of(const wg_ast *body) {
    switch (body->kind) {
        case WG_AST_BEGIN:
            return body->flags & WG_AST_READ_ONLY ? WG_QUERY_BEGIN_READ_ONLY : WG_QUERY_BEGIN;
        case WG_AST_COMMIT:
            return WG_QUERY_COMMIT;
        case WG_AST_ROLLBACK:
            return WG_QUERY_ROLLBACK;
        case WG_AST_COPY_TO:
            return WG_QUERY_READ;
        case WG_AST_QUERY:
            return writes(body) ? WG_QUERY_WRITE : WG_QUERY_READ;
        default:
            return WG_QUERY_WRITE;
    }
}

/* The CALL that begins a query of one part which writes nothing, if it is of a maintenance procedure. */
static const wg_ast *maintenance_call(const wg_prepared *q, const wg_ast *body) {
    if (body->kind != WG_AST_QUERY || body->child_count != 2 || writes(body)) return NULL;
    const wg_ast *first = body->child[1]->child[0];
    if (first->kind != WG_AST_CALL) return NULL;
    const wg_procedure *procedure = wg_procedure_find(q->procedures, first->text);
    return procedure != NULL && procedure->kind == WG_PROCEDURE_MAINTENANCE ? first : NULL;
}

/* A CALL without parentheses that is the whole statement takes parameters with the names of the procedure's. */
static wg_code implicit_params(wg_prepared *q, const wg_ast *body, wg_error *err) {
    if (body->kind != WG_AST_QUERY || !wgi_is_lone_call(body)) return WG_OK;
    const wg_ast *call = body->child[1]->child[0];
    const wg_procedure *procedure = wg_procedure_find(q->procedures, call->text);
    if (call->child[0] != NULL || procedure == NULL) return WG_OK;
    for (uint32_t i = 0; i < procedure->param_count; i++)
        WG_TRY(add_param(q, wg_slice_str(procedure->params[i].name), WG_NO_OFFSET, err));
    return WG_OK;
}

static wg_code check_modes(const wg_prepared *q, wg_error *err) {
    const wg_ast *body = q->statement->child[0];
    if (q->statement->op == WG_AST_PROFILE && body->kind != WG_AST_QUERY)
        return wg_error_set(err, WG_E_UNSUPPORTED, q->statement->start, "PROFILE is for queries only");
    if (q->statement->op == WG_AST_EXPLAIN && body->kind != WG_AST_QUERY)
        return wg_error_set(err, WG_E_UNSUPPORTED, q->statement->start, "EXPLAIN is for queries only");
    if (body->kind == WG_AST_COPY_TO && writes(body->child[1]))
        return wg_error_set(err, WG_E_BIND, body->child[1]->start, "COPY (query) TO is for queries that only read");
    if (body->kind == WG_AST_QUERY && body->child[0] != NULL && q->kind == WG_QUERY_MAINTENANCE)
        return wg_error_set(err, WG_E_BIND, body->child[0]->start, "AS OF has no meaning for maintenance");
    if (body->kind == WG_AST_QUERY && body->child[0] != NULL && q->kind == WG_QUERY_WRITE)
        return wg_error_set(err, WG_E_READ_ONLY, body->child[0]->start,
                            "AS OF is for reading queries: the past is fixed");
    return WG_OK;
}

/* Families of procedures that look at what sessions have committed in runs. */
static bool names_runs(wg_slice text) {
    static const char *const families[] = {"kv.", "events.", "runs."};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (memmem(text.data, text.size, families[i], strlen(families[i])) != NULL) return true;
    return false;
}

static wg_code fill(wg_prepared *q, wg_slice text, wg_error *err) {
    const uint8_t *copy = text.size > 0 ? wg_arena_copy(&q->arena, text.data, text.size) : (const uint8_t *)"";
    if (copy == NULL) return wg_error_nomem(err, text.size);
    q->text = wg_slice_of(copy, text.size);
    WG_TRY(wg_parse(q->text, &q->arena, &q->statement, err));
    const wg_ast *body = q->statement->child[0];
    q->kind = kind_of(body);
    q->maintenance = maintenance_call(q, body);
    if (q->maintenance != NULL) q->kind = WG_QUERY_MAINTENANCE;
    WG_TRY(check_modes(q, err));
    WG_TRY(collect_params(q, q->statement, err));
    WG_TRY(implicit_params(q, body, err));
    q->reads_runs = names_runs(q->text);
    WG_TRY(wg_ast_print(q->statement, &q->canonical, err));
    const wg_slice canonical = wg_buf_slice(&q->canonical);
    wg_sha256_of(&canonical, 1, &q->canonical_hash);
    return WG_OK;
}

wg_code wg_query_create(wg_slice text, const wg_procedures *procedures, wg_account *account, wg_prepared **out,
                        wg_error *err) {
    wg_error own;
    wg_error_clear(&own);
    if (err == NULL) err = &own;
    wg_prepared *q = wg_alloc_zero(account, sizeof *q);
    if (q == NULL) return wg_error_nomem(err, sizeof *q);
    q->procedures = procedures;
    q->procedure_count = wg_procedures_count(procedures);
    atomic_init(&q->users, 1);
    wg_account_init(&q->account, account, 0);
    wg_mutex_init(&q->mutex, WGI_RANK_PREPARED);
    wg_arena_init(&q->arena, &q->account);
    wg_buf_init(&q->canonical, &q->account);
    const wg_code code = fill(q, text, err);
    if (code != WG_OK) {
        wg_error_locate(err, text);
        wg_query_destroy(q);
        return code;
    }
    *out = q;
    return WG_OK;
}

void wg_query_destroy(wg_prepared *query) {
    if (query == NULL) return;
    /* acq_rel; pairs with itself: the last user sees what the others did with it */
    if (atomic_fetch_sub_explicit(&query->users, 1, memory_order_acq_rel) != 1) return;
    wgi_compiled_drop_all(query);
    wg_mutex_deinit(&query->mutex);
    wg_buf_deinit(&query->canonical);
    wg_arena_deinit(&query->arena);
    wg_free(query);
}

wg_query_kind wg_query_kind_of(const wg_prepared *query) { return query->kind; }
bool wg_query_is_explain(const wg_prepared *query) { return query->statement->op == WG_AST_EXPLAIN; }
bool wg_query_may_read_any_label(const wg_prepared *query) { return has_unlabelled_node(query->statement); }
bool wg_query_reads_runs(const wg_prepared *query) { return query->reads_runs; }
wg_slice wg_query_text(const wg_prepared *query) { return query->text; }
wg_slice wg_query_canonical_text(const wg_prepared *query) { return wg_buf_slice(&query->canonical); }
uint32_t wg_query_param_count(const wg_prepared *query) { return query->params.count; }

const char *wg_query_param_name(const wg_prepared *query, uint32_t i) {
    WG_ASSERT(i < query->params.count);
    return query->params.names[i];
}

/* Where the tree first names a parameter; WG_NO_OFFSET: nowhere. */
static uint64_t find_param(const wg_ast *ast, const char *name) {
    if (ast == NULL) return WG_NO_OFFSET;
    if (ast->kind == WG_AST_PARAMETER && wg_slice_is(ast->text, name)) return ast->start;
    uint64_t first = WG_NO_OFFSET;
    for (uint32_t i = 0; i < ast->child_count; i++) {
        const uint64_t at = find_param(ast->child[i], name);
        if (at < first) first = at;
    }
    return first;
}

wg_code wg_query_param_missing(const wg_prepared *query, uint32_t i, wg_error *err) {
    const char *name = wg_query_param_name(query, i);
    const wg_code code =
        wg_error_set(err, WG_E_PARAMETER, find_param(query->statement, name), "parameter $%.64s has no value", name);
    wg_error_locate(err, query->text);
    return code;
}

wg_code wg_query_as_of(const wg_prepared *query, const wg_value *params, bool *out_given, uint64_t *out_logseq,
                       wg_error *err) {
    const wg_ast *body = query->statement->child[0];
    if (body->kind == WG_AST_COPY_TO && body->child[1] != NULL) body = body->child[1];
    const wg_ast *as_of = body->kind == WG_AST_QUERY ? body->child[0] : NULL;
    if (as_of == NULL) {
        *out_given = false;
        *out_logseq = 0;
        return WG_OK;
    }
    int64_t logseq = as_of->i;
    if (as_of->kind == WG_AST_PARAMETER) {
        const uint32_t i = wgi_params_find(&query->params, as_of->text);
        if (params == NULL || params[i].type != WG_TYPE_INT || params[i].as.i < 0)
            return wg_error_set(err, WG_E_PARAMETER, as_of->start, "AS OF $%s needs an INT that is not negative",
                                query->params.names[i]);
        logseq = params[i].as.i;
    }
    *out_given = true;
    *out_logseq = (uint64_t)logseq;
    return WG_OK;
}

/* ---- binding */

void wgi_query_binder(wgi_binder *b, const wg_prepared *q, wg_txn *txn, wg_arena *arena, wg_error *err) {
    wg_engine_set_computer(wg_txn_engine(txn), wgi_compute_value);
    *b = (wgi_binder){.arena = arena,
                      .txn = txn,
                      .catalog = wg_txn_catalog(txn),
                      .view = wg_txn_view(txn),
                      .text = q->text,
                      .param_names = &q->params,
                      .statement = q->statement,
                      .procedures = q->procedures,
                      .maintenance = q->maintenance,
                      .err = err};
    const uint32_t count = wg_catalog_label_count(b->catalog);
    for (uint32_t i = 0; i < count; i++) {
        const wg_label *label = wg_catalog_label_seen(b->catalog, i, b->view);
        if (!wg_label_is_visible(label, b->view) || label->def.kind == WG_LABEL_OPEN) continue;
        b->closed_nodes = b->closed_nodes || !label->def.is_edge;
        b->closed_edges = b->closed_edges || label->def.is_edge;
        b->has_virtual = b->has_virtual || label->def.kind == WG_LABEL_VIRTUAL;
    }
}

/* Only errors about the text get a line and column; offsets into files stay what they are. */
static wg_code located(const wg_prepared *q, wg_code code, wg_error *err) {
    switch ((int)code) {
        case WG_E_BIND:
        case WG_E_TYPE:
        case WG_E_VALUE:
        case WG_E_NOT_FOUND:
        case WG_E_READ_ONLY:
        case WG_E_UNSUPPORTED:
        case WG_E_PARAMETER:
        case WG_E_EXISTS:
        case WG_E_LIMIT:
        case WG_E_CONSTRAINT:
            wg_error_locate(err, q->text);
            break;
        default:
            break;
    }
    return code;
}

static wg_code check_body(wgi_binder *b, const wg_ast *body) {
    const wg_plan *plan;
    wgi_columns columns;
    wg_label_def def;
    wgi_copy copy;
    wgi_copy_out copy_out;
    switch (body->kind) {
        case WG_AST_QUERY:
            return wgi_plan_query(b, body, &plan, &columns);
        case WG_AST_COPY_TO:
            WG_TRY(wgi_copy_to_statement(b, NULL, body, &copy_out));
            return wgi_plan_query(b, copy_out.query, &plan, &columns);
        case WG_AST_CREATE_NODE:
        case WG_AST_CREATE_EDGE:
            return wgi_label_def(b, body, &def);
        case WG_AST_COPY_FROM:
            return wgi_copy_statement(b, body, &copy);
        case WG_AST_ALTER_LABEL:
            return wgi_alter_statement(b, body, false);
        default:
            return WG_OK;
    }
}

wg_code wg_query_check(const wg_prepared *query, wg_txn *txn, wg_account *account, wg_error *err) {
    wg_error own;
    wg_error_clear(&own);
    if (err == NULL) err = &own;
    wg_arena arena;
    wgi_binder b;
    wg_arena_init(&arena, account);
    wgi_query_binder(&b, query, txn, &arena, err);
    const wg_code code = check_body(&b, query->statement->child[0]);
    wg_arena_deinit(&arena);
    return located(query, code, err);
}

/* ---- running */

wg_code wgi_query_plan_hash(const wgi_binder *b, const wg_plan *plan, wg_sha256 *out) {
    wg_buf text;
    wg_buf_init(&text, b->arena->account);
    const wg_code code = wg_plan_print(plan, b->txn, NULL, &text, b->err);
    const wg_slice part = wg_buf_slice(&text);
    if (code == WG_OK) wg_sha256_of(&part, 1, out);
    wg_buf_deinit(&text);
    return code;
}

/* The printed plan, a row a line. */
static wg_code explain_plan(wgi_binder *b, const wg_exec_context *context, const wg_plan *plan, const wg_plan **out) {
    wg_buf text;
    wg_buf_init(&text, b->arena->account);
    wg_code code = wg_plan_print(plan, b->txn, context, &text, b->err);
    const uint8_t *copy = NULL;
    const size_t size = text.size;
    if (code == WG_OK && (copy = wg_arena_copy(b->arena, size > 0 ? text.data : (const uint8_t *)"", size)) == NULL &&
        size > 0)
        code = wgi_nomem(b);
    wg_buf_deinit(&text);
    WG_TRY(code);
    uint32_t lines = 0;
    for (size_t i = 0; i < size; i++) lines += copy[i] == '\n' || i + 1 == size;
    wg_value *cells = wgi_alloc(b, lines, sizeof *cells);
    if (cells == NULL) return WG_E_NOMEM;
    size_t from = 0;
    uint32_t line = 0;
    for (size_t i = 0; i <= size && line < lines; i++) {
        if (i < size && copy[i] != '\n') continue;
        cells[line++] = wg_value_str(wg_slice_of(copy + from, i - from));
        from = i + 1;
    }
    static const char *const names[] = {"plan"};
    static const wg_type types[] = {WG_TYPE_STRING};
    return wgi_rows_plan(b, cells, line, names, types, 1, out);
}

static wg_code run_plan(wgi_binder *b, const wg_exec_context *context, const wg_plan *plan,
                        const wgi_columns *columns, wg_query_result *out) {
    wg_rows *rows;
    WG_TRY(wgi_query_plan_hash(b, plan, &out->plan_hash));
    WG_TRY(wg_exec_run(plan, context, &rows, b->err));
    if (columns->count == 0) {
        wg_rows_destroy(rows);
        return WG_OK;
    }
    out->rows = rows;
    out->column_names = columns->names;
    out->column_count = columns->count;
    return WG_OK;
}

/* Runs the statement, writes included, and gives what it did instead of its rows. */
static wg_code run_profile(wgi_binder *b, const wg_exec_context *context, const wg_plan *plan, wg_query_result *out) {
    wg_profile *profile = NULL;
    wg_rows *rows = NULL;
    wg_value *cells = NULL;
    const wg_plan *table;
    const wgi_columns columns = {(const char **)(uintptr_t)wg_profile_column_names, WG_PROFILE_COLUMNS};
    wg_exec_context measured = *context;
    WG_TRY(
        wg_profile_create(plan, wg_engine_platform(wg_txn_engine(context->txn)), context->account, &profile, b->err));
    measured.profile = profile;
    wg_code code = wg_exec_run(plan, &measured, &rows, b->err);
    if (code == WG_OK) code = wg_profile_cells(profile, b->txn, b->arena, &cells, b->err);
    const uint32_t lines = wg_profile_count(profile);
    wg_rows_destroy(rows);
    wg_profile_destroy(profile);
    WG_TRY(code);
    WG_TRY(wgi_rows_plan(b, cells, lines, columns.names, wg_profile_column_types, columns.count, &table));
    WG_TRY(run_plan(b, context, table, &columns, out));
    return wgi_query_plan_hash(b, plan, &out->plan_hash);
}

static wg_code run_query(wgi_binder *b, const wg_exec_context *context, wg_query_result *out) {
    const wg_plan *plan;
    wgi_columns columns;
    wg_txn_index_own(b->txn);
    WG_TRY(wgi_plan_query(b, b->statement->child[0], &plan, &columns));
    b->rewrite = !context->no_rewrite && !context->optimizer_off;
    WG_TRY(wgi_rewrite(b, plan, &plan));
    if (b->statement->op == WG_AST_PROFILE) return run_profile(b, context, plan, out);
    if (b->statement->op != WG_AST_EXPLAIN) return run_plan(b, context, plan, &columns, out);
    static const char *names[] = {"plan"};
    const wgi_columns explained = {names, 1};
    const wg_plan *lines;
    WG_TRY(explain_plan(b, context, plan, &lines));
    WG_TRY(run_plan(b, context, lines, &explained, out));
    return wgi_query_plan_hash(b, plan,
                               &out->plan_hash); /* that of the query, so that it can be compared with a receipt */
}

static wg_code run_copy(wgi_binder *b, const wg_exec_context *context, const wg_ast *body, wg_query_result *out) {
    wgi_copy copy;
    wg_copy_counts counts = {0};
    static const wg_type types[] = {WG_TYPE_INT, WG_TYPE_INT, WG_TYPE_INT};
    WG_TRY(wgi_copy_statement(b, body, &copy));
    if (copy.options.part_rows != 0 && !context->alone)
        return wg_error_set(
            b->err, WG_E_MISUSE, body->start,
            "COPY with COMMIT EVERY ends transactions and cannot be part of one: COMMIT first, or leave "
            "COMMIT EVERY out");
    copy.options.pool = context->pool;
    copy.options.threads = context->threads;
    WG_TRY(wg_txn_copy(b->txn, copy.path, &copy.options, context->cancel, &counts, b->err));
    out->rows_copied = counts.rows;
    uint32_t count = 1;
    wg_value *cells = wgi_alloc(b, 3, sizeof *cells);
    const char **answer = wgi_alloc(b, 3, sizeof *answer);
    if (cells == NULL || answer == NULL) return WG_E_NOMEM;
    answer[0] = "rows";
    cells[0] = wg_value_int((int64_t)counts.rows);
    if (copy.options.rejects != NULL) {
        answer[count] = "rejected";
        cells[count++] = wg_value_int((int64_t)counts.rejected);
    }
    if (copy.options.part_rows != 0) {
        answer[count] = "commits";
        cells[count++] = wg_value_int((int64_t)counts.commits);
    }
    const wgi_columns columns = {answer, count};
    const wg_plan *plan;
    WG_TRY(wgi_rows_plan(b, cells, 1, answer, types, count, &plan));
    return run_plan(b, context, plan, &columns, out);
}

/* The columns of the file. Where it has types of its own, those of ANY are what their values are. */
static wg_code copy_columns(wgi_binder *b, const wg_exec_context *context, const wgi_copy_out *copy,
                            const wg_plan *plan, const wgi_columns *columns, wg_copy_to_column **out) {
    wg_copy_to_column *made = wgi_alloc(b, columns->count, sizeof *made);
    uint64_t *seen = wgi_alloc(b, plan->slot_count, sizeof *seen);
    bool any = false;
    if (made == NULL || seen == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < columns->count; i++) {
        made[i] = (wg_copy_to_column){columns->names[i], plan->slot_types[i], i < copy->required};
        any |= made[i].type == WG_TYPE_ANY;
    }
    *out = made;
    if (!any || !wg_copy_to_is_typed(&copy->options, copy->path)) return WG_OK;
    memset(seen, 0, plan->slot_count * sizeof *seen);
    WG_TRY(wg_exec_types(plan, context, seen, b->err));
    for (uint32_t i = 0; i < columns->count; i++)
        if (made[i].type == WG_TYPE_ANY && !wg_copy_to_type(seen[i], &made[i].type))
            return wg_error_set(
                b->err, WG_E_TYPE, WG_NO_OFFSET,
                "COPY: column %.80s holds values of several types, and a column of Parquet has one: convert "
                "them, as with toString(), or write lines of JSON",
                made[i].name);
    return WG_OK;
}

/* No relationship may be left out because its ends are other than was said. */
static wg_code copy_is_whole(wgi_binder *b, const wg_exec_context *context, const wgi_copy_out *copy, uint64_t rows) {
    const wg_plan *plan;
    wgi_columns columns;
    wg_rows *counted = NULL;
    if (copy->counted == NULL) return WG_OK;
    WG_TRY(wgi_copy_plan(b, context, copy->counted, &plan, &columns));
    WG_TRY(wg_exec_run(plan, context, &counted, b->err));
    const wg_value n = wg_rows_cell(counted, 0, 0);
    wg_rows_destroy(counted);
    if ((uint64_t)n.as.i == rows) return WG_OK;
    return wg_error_set(
        b->err, WG_E_CONSTRAINT, WG_NO_OFFSET,
        "COPY: %llu of %lld relationships '%.64s' go between the labels of FROM and TO; nothing is written "
        "unless all do: copy them by a query, or by other labels",
        (unsigned long long)rows, (long long)n.as.i, copy->label);
}

static wg_code run_copy_to(wgi_binder *b, const wg_exec_context *context, const wg_ast *body, wg_query_result *out) {
    static const char *names[] = {"rows"};
    static const wg_type types[] = {WG_TYPE_INT};
    wgi_copy_out copy;
    const wg_plan *plan;
    wgi_columns columns = {0};
    wg_copy_to_column *made = NULL;
    wg_copy_writer *writer = NULL;
    wg_txn_index_own(b->txn);
    WG_TRY(wgi_copy_to_statement(b, context, body, &copy));
    WG_TRY(wgi_copy_plan(b, context, copy.query, &plan, &columns));
    if (columns.count == 0)
        return wg_error_set(b->err, WG_E_BIND, body->start, "COPY (query) TO needs a query with RETURN");
    WG_TRY(copy_columns(b, context, &copy, plan, &columns, &made));
    WG_TRY(wg_copy_writer_create(wg_txn_engine(b->txn), copy.path, &copy.options, made, columns.count,
                                 context->account, &writer, b->err));
    wg_code code = wg_exec_copy(plan, context, writer, b->err);
    if (code == WG_OK) code = copy_is_whole(b, context, &copy, wg_copy_writer_rows(writer));
    if (code == WG_OK) code = wg_copy_writer_finish(writer, b->err);
    wg_value *cells = wgi_alloc(b, 1, sizeof *cells);
    if (code == WG_OK && cells == NULL) code = WG_E_NOMEM;
    if (code == WG_OK) *cells = wg_value_int((int64_t)wg_copy_writer_rows(writer));
    wg_copy_writer_destroy(writer);
    WG_TRY(code);
    const wgi_columns answer = {names, 1};
    WG_TRY(wgi_rows_plan(b, cells, 1, names, types, 1, &plan));
    return run_plan(b, context, plan, &answer, out);
}

static wg_code run_definition(wgi_binder *b, const wg_ast *body) {
    wg_label_def def;
    const bool edge = body->kind == WG_AST_CREATE_EDGE;
    const uint32_t first = edge ? 3 : 2;
    WG_TRY(wgi_label_def(b, body, &def));
    const bool exists = wg_catalog_label(b->catalog, b->view, body->text, edge) != NULL;
    wg_code code = wg_txn_create_label(b->txn, &def, (body->flags & WG_AST_IF_EXISTS) != 0, b->err);
    if (code != WG_OK && b->err->offset == WG_NO_OFFSET && code == WG_E_EXISTS) b->err->offset = body->start;
    if (code != WG_OK || exists || body->child_count <= first) return code;
    return wgi_add_computed(b, body->text, edge, body->child + first, body->child_count - first);
}

/* An error about what the statement names is shown at the statement. */
static wg_code placed(const wgi_binder *b, const wg_ast *body, wg_code code) {
    if (code != WG_OK && b->err->offset == WG_NO_OFFSET) b->err->offset = body->start;
    return code;
}

static wg_code run_create_rule(wgi_binder *b, const wg_ast *body) {
    wg_rule_def def;
    bool created;
    WG_TRY(wgi_rule_def(b, body, &def));
    return placed(b, body, wg_txn_create_rule(b->txn, &def, (body->flags & WG_AST_IF_EXISTS) != 0, &created, b->err));
}

static wg_code run_drop_rule(wgi_binder *b, const wg_ast *body) {
    wg_slice name = body->text;
    bool dropped;
    if (body->child_count > 0) WG_TRY(wgi_rule_of_old_drop(b, body, &name));
    return placed(b, body,
                  wg_txn_drop_rule(b->txn, name, body->kind == WG_AST_DROP_INDEX,
                                   (body->flags & WG_AST_IF_EXISTS) != 0, &dropped, b->err));
}

static wg_code run_body(wgi_binder *b, const wg_exec_context *context, wg_query_result *out) {
    const wg_ast *body = b->statement->child[0];
    const bool if_exists = (body->flags & WG_AST_IF_EXISTS) != 0;
    switch (body->kind) {
        case WG_AST_QUERY:
            return run_query(b, context, out);
        case WG_AST_CREATE_NODE:
        case WG_AST_CREATE_EDGE:
            return run_definition(b, body);
        case WG_AST_DROP_NODE:
        case WG_AST_DROP_EDGE:
            return placed(b, body,
                          wg_txn_drop_label(b->txn, body->text, body->kind == WG_AST_DROP_EDGE, if_exists, b->err));
        case WG_AST_CREATE_INDEX:
        case WG_AST_CREATE_CONSTRAINT:
            return run_create_rule(b, body);
        case WG_AST_DROP_INDEX:
        case WG_AST_DROP_CONSTRAINT:
            return run_drop_rule(b, body);
        case WG_AST_COPY_FROM:
            return run_copy(b, context, body, out);
        case WG_AST_ALTER_LABEL:
            return wgi_alter_statement(b, body, true);
        case WG_AST_COPY_TO:
            return run_copy_to(b, context, body, out);
        default:
            return wg_error_set(b->err, WG_E_MISUSE, WG_NO_OFFSET,
                                "transaction control is the session's, not a query's");
    }
}

typedef struct maintenance {
    const wg_procedure *procedure;
    wg_value args[WG_PROCEDURE_FIELDS_MAX];
    wg_arena arena; /* of the arguments */
} maintenance;

/* The arguments are read in a transaction of their own that has ended when this returns. */
static wg_code maintenance_arguments(const wg_prepared *q, wg_engine *engine, const wg_exec_context *context,
                                     maintenance *m, wg_error *err) {
    wgi_binder b;
    wgi_relation rel;
    wg_expr **exprs;
    wg_exec_context reading = *context;
    WG_TRY(wg_txn_begin(engine, WG_TXN_READ, 0, &reading.txn, err));
    wgi_query_binder(&b, q, reading.txn, &m->arena, err);
    b.params = context->params;
    b.optimizer_off = context->optimizer_off;
    b.rewrite = !context->no_rewrite && !context->optimizer_off;
    wg_code code = wgi_unit(&b, &rel);
    if (code == WG_OK) code = wgi_find_procedure(&b, q->maintenance, &m->procedure);
    if (code == WG_OK) code = wgi_procedure_arguments(&b, q->maintenance, m->procedure, &rel, &exprs);
    for (uint32_t i = 0; code == WG_OK && i < m->procedure->param_count; i++) {
        code = wg_exec_constant(exprs[i], &reading, &m->arena, &m->args[i], err);
        if (code == WG_OK) code = wg_procedure_argument(m->procedure, i, exprs[i]->text_start, &m->args[i], err);
    }
    wg_txn_abort(reading.txn);
    return code;
}

wg_code wg_query_maintain(const wg_prepared *query, wg_engine *engine, const wg_exec_context *context, wg_rows **out,
                          wg_error *err) {
    wg_error own;
    wg_error_clear(&own);
    if (err == NULL) err = &own;
    WG_ASSERT(query->maintenance != NULL);
    maintenance m;
    wg_arena_init(&m.arena, context->account);
    wg_code code = maintenance_arguments(query, engine, context, &m, err);
    if (code == WG_OK) {
        const wg_procedure_call call = {.engine = engine, .cancel = context->cancel, .args = m.args};
        code = wg_procedure_run(m.procedure, &call, context->account, out, err);
    }
    wg_arena_deinit(&m.arena);
    return located(query, code, err);
}

wg_code wg_query_run(const wg_prepared *query, const wg_exec_context *context, wg_query_result *out, wg_error *err) {
    wg_error own;
    wg_error_clear(&own);
    if (err == NULL) err = &own;
    wg_query_result result = {0};
    wgi_binder b;
    wg_arena_init(&result.arena, context->account);
    wgi_query_binder(&b, query, context->txn, &result.arena, err);
    b.params = context->params;
    b.optimizer_off = context->optimizer_off;
    b.rewrite = !context->no_rewrite && !context->optimizer_off;
    result.plan_hash = query->canonical_hash;
    wg_txn_statement_begin(context->txn);
    wg_code code = wg_txn_statement_end(context->txn, run_body(&b, context, &result), err);
    if (code == WG_OK) code = wgi_notes_make(query, context->txn, &result.arena, &result.notes, err);
    result.reads_clock = b.reads_clock;
    if (code != WG_OK) {
        wg_query_result_deinit(&result);
        return located(query, code, err);
    }
    *out = result;
    return WG_OK;
}

/* ---- running with plans that are kept */

static void state_clear(wg_query_state *state) {
    wg_exec_again_destroy(state->again);
    wgi_compiled_drop(state->plan);
    *state = (wg_query_state){.account = state->account};
}

void wg_query_state_deinit(wg_query_state *state) { state_clear(state); }

/* The names outlive the plan. */
static wg_code copy_names(const wgi_columns *columns, wg_query_result *out, wg_error *err) {
    const char **names = wg_arena_alloc(&out->arena, ((size_t)columns->count + 1) * sizeof *names);
    if (names == NULL) return wg_error_nomem(err, columns->count * sizeof *names);
    for (uint32_t i = 0; i < columns->count; i++) {
        names[i] = wg_arena_strdup(&out->arena, wg_slice_str(columns->names[i]));
        if (names[i] == NULL) return wg_error_nomem(err, strlen(columns->names[i]) + 1);
    }
    out->column_names = names;
    out->column_count = columns->count;
    return WG_OK;
}

/* A result of the plan without rows, or with those of an earlier run of it. */
static wg_code ready_result(const wgi_compiled *c, wg_account *account, wg_query_result *io, wg_error *err) {
    if (io->plan_id == c->id) return WG_OK;
    wg_query_result_deinit(io);
    wg_arena_init(&io->arena, account);
    WG_TRY(copy_names(&c->columns, io, err));
    WG_TRY(wgi_notes_copy(&c->notes, &io->arena, &io->notes, err));
    io->plan_hash = c->hash;
    io->reads_clock = c->reads_clock;
    io->plan_id = c->id;
    return WG_OK;
}

/* Who runs a plan for the second time will run it again. */
static void try_short(wg_query_state *state, bool again) {
    if (state->is_tried || !again) return;
    state->is_tried = true;
    if (wg_exec_again_create(state->plan->plan, state->account, &state->again, NULL) != WG_OK) state->again = NULL;
}

static wg_code run_state(wg_query_state *state, const wg_exec_context *context, wg_query_result *io, wg_error *err) {
    const wgi_compiled *c = state->plan;
    bool done = false;
    WG_TRY(ready_result(c, context->account, io, err));
    if (state->again != NULL) WG_TRY(wg_exec_again_run(state->again, context, &io->rows, &done, err));
    if (!done) {
        wg_rows_destroy(io->rows);
        io->rows = NULL;
        WG_TRY(wg_exec_run(c->plan, context, &io->rows, err));
    }
    if (state->again != NULL && wg_exec_again_is_large(state->again)) {
        wg_exec_again_destroy(state->again);
        state->again = NULL;
        state->is_tried = false;
    }
    if (c->columns.count > 0) return WG_OK;
    wg_rows_destroy(io->rows);
    io->rows = NULL;
    return WG_OK;
}

static bool keeps_plans(const wg_prepared *q) {
    return q->statement->op != WG_AST_EXPLAIN && q->statement->op != WG_AST_PROFILE && q->maintenance == NULL &&
           q->statement->child[0]->kind == WG_AST_QUERY;
}

wg_code wg_query_run_kept(wg_prepared *query, wg_query_state *state, const wg_exec_context *context,
                          wg_query_result *io, wg_error *err) {
    wg_error own;
    wg_error_clear(&own);
    if (err == NULL) err = &own;
    if (!keeps_plans(query)) {
        wg_query_result_deinit(io);
        return wg_query_run(query, context, io, err);
    }
    wgi_compiled *plan = NULL;
    wg_txn_index_own(context->txn);
    wg_txn_statement_begin(context->txn);
    wg_code code = wgi_compiled_get(query, state->plan, context, &plan, err);
    if (code == WG_OK) {
        const bool again = state->plan == plan;
        if (again) wgi_compiled_drop(plan);
        else state_clear(state);
        state->plan = plan;
        try_short(state, again);
        code = run_state(state, context, io, err);
    }
    code = wg_txn_statement_end(context->txn, code, err);
    if (code == WG_OK) return WG_OK;
    wg_query_result_deinit(io);
    return located(query, code, err);
}

void wg_query_result_deinit(wg_query_result *result) {
    wg_rows_destroy(result->rows);
    wg_arena_deinit(&result->arena);
    *result = (wg_query_result){0};
}
