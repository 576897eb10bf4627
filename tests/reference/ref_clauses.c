/* tests/reference: the clauses that read, queries, and the entry. A statement that fails jumps out; all its memory is the arena's. */
#include <stdarg.h>
#include <stdio.h>

#include "query/parser/parser.h"
#include "tests/reference/reference.h"

void ref_fail(ref_ctx *ctx, wg_code code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(ctx->message, sizeof ctx->message, format, args);
    va_end(args);
    ctx->code = code;
    longjmp(ctx->escape, 1);
}

void ref_step(ref_ctx *ctx) {
    if (++ctx->steps > ctx->steps_max && ctx->steps_max > 0) ref_fail(ctx, WG_E_LIMIT, "too much work");
}

/* ---- MATCH */

typedef struct matching {
    ref_ctx *ctx;
    const wg_ast *where;
    ref_table *out;
} matching;

static bool on_match(void *arg, const ref_bind *row) {
    matching *m = arg;
    const ref_env env = {.row = row};
    if (ref_eval_truth(m->ctx, m->where, &env) == 1) ref_add_row(m->ctx, m->out, row);
    return true;
}

static void match(ref_ctx *ctx, const wg_ast *clause, ref_table *table) {
    const wg_ast *pattern = clause->child[0];
    ref_table out = {.names = table->names, .name_count = table->name_count};
    matching m = {ctx, clause->child[1], &out};
    wg_slice *names = ref_alloc(ctx->arena, 1000, sizeof *names);
    size_t name_count = 0;
    for (uint32_t i = 0; i < pattern->child_count; i++) ref_pattern_names(pattern->child[i], names, &name_count);
    for (size_t i = 0; i < name_count; i++) ref_add_name(ctx, &out, names[i]);
    for (size_t r = 0; r < table->count; r++) {
        const size_t before = out.count;
        ref_match(ctx, (const wg_ast *const *)pattern->child, pattern->child_count, table->rows[r], on_match, &m);
        if (out.count > before || (clause->flags & WG_AST_OPTIONAL) == 0) continue;
        const ref_bind *row = table->rows[r];
        for (size_t i = 0; i < name_count; i++)
            if (ref_find(row, names[i]) == NULL) row = ref_with(ctx, row, names[i], ref_null());
        ref_add_row(ctx, &out, row);
    }
    *table = out;
}

static void unwind(ref_ctx *ctx, const wg_ast *clause, ref_table *table) {
    ref_table out = {.names = table->names, .name_count = table->name_count};
    ref_add_name(ctx, &out, clause->text);
    for (size_t r = 0; r < table->count; r++) {
        const ref_env env = {.row = table->rows[r]};
        const wg_value list = ref_eval(ctx, clause->child[0], &env);
        if (list.type == WG_TYPE_NULL) continue;
        if (list.type != WG_TYPE_LIST) ref_fail(ctx, WG_E_TYPE, "UNWIND of %s", wg_type_name((wg_type)list.type));
        for (uint32_t i = 0; i < list.size; i++)
            ref_add_row(ctx, &out, ref_with(ctx, table->rows[r], clause->text, list.as.list[i]));
    }
    *table = out;
}

/* ---- CALL { } */

static bool imports(const wg_ast *query) {
    const wg_ast *single = query->child[1];
    return single->child_count > 0 && single->child[0]->kind == WG_AST_WITH;
}

static void call_query(ref_ctx *ctx, const wg_ast *clause, ref_table *table) {
    const wg_ast *query = clause->child[0];
    ref_table out = {.names = table->names, .name_count = table->name_count};
    for (size_t r = 0; r < table->count || r == 0; r++) {
        const bool none = table->count == 0; /* run all the same over no rows: for its names */
        ref_table inner = {0};
        if (imports(query)) inner = (ref_table){.names = table->names, .name_count = table->name_count};
        if (!none) ref_add_row(ctx, &inner, imports(query) ? table->rows[r] : NULL);
        const bool returns = ref_query(ctx, query, &inner, false);
        if (!returns && !none) ref_add_row(ctx, &out, table->rows[r]);
        for (size_t i = 0; returns && i < inner.name_count; i++) ref_add_name(ctx, &out, inner.names[i]);
        for (size_t k = 0; returns && !none && k < inner.count; k++) {
            const ref_bind *row = table->rows[r];
            for (size_t i = 0; i < inner.name_count; i++)
                row = ref_with(ctx, row, inner.names[i], ref_find(inner.rows[k], inner.names[i])->value);
            ref_add_row(ctx, &out, row);
        }
    }
    *table = out;
}

/* ---- queries */

/* Whether it ended with RETURN. */
static bool single(ref_ctx *ctx, const wg_ast *ast, ref_table *table) {
    for (uint32_t i = 0; i < ast->child_count; i++) {
        const wg_ast *clause = ast->child[i];
        switch (clause->kind) {
            case WG_AST_MATCH:
                match(ctx, clause, table);
                break;
            case WG_AST_UNWIND:
                unwind(ctx, clause, table);
                break;
            case WG_AST_WITH:
                ref_project(ctx, clause, table);
                break;
            case WG_AST_RETURN:
                ref_project(ctx, clause, table);
                return true;
            case WG_AST_CALL_QUERY:
                call_query(ctx, clause, table);
                break;
            default:
                ref_write(ctx, clause, table);
                break;
        }
    }
    return false;
}

bool ref_query(ref_ctx *ctx, const wg_ast *query, ref_table *table, bool may_end_reading) {
    ref_table all = {0};
    bool returns = false;
    if (query->child[0] != NULL) ref_fail(ctx, WG_E_UNSUPPORTED, "AS OF");
    for (uint32_t i = 1; i < query->child_count; i++) {
        ref_table part = *table;
        if (part.count > 0) { /* rows are added in place: each part has its own array */
            part.rows = ref_alloc(ctx->arena, part.count, sizeof *part.rows);
            memcpy(part.rows, table->rows, part.count * sizeof *part.rows);
            part.capacity = part.count;
        }
        returns = single(ctx, query->child[i], &part);
        if (i == 1) all = part;
        for (size_t r = 0; i > 1 && r < part.count; r++) ref_add_row(ctx, &all, part.rows[r]);
    }
    if (query->child_count > 2 && (query->flags & WG_AST_UNION_ALL) == 0) ref_distinct(ctx, &all);
    if (returns || may_end_reading) *table = all;
    return returns;
}

static void publish(ref_ctx *ctx, const ref_table *table, ref_answer *out) {
    size_t n = 0;
    out->has_columns = true;
    out->names = table->names;
    out->column_count = table->name_count;
    out->row_count = table->count;
    out->cells = ref_alloc(ctx->arena, table->count * table->name_count, sizeof *out->cells);
    for (size_t r = 0; r < table->count; r++)
        for (size_t c = 0; c < table->name_count; c++)
            out->cells[n++] = ref_publish(ctx->arena, &ref_find(table->rows[r], table->names[c])->value);
}

static void run_statement(ref_ctx *ctx, const wg_ast *statement, ref_answer *out) {
    ref_table table = {0};
    if (statement->op != WG_AST_RUN || statement->child[0]->kind != WG_AST_QUERY)
        ref_fail(ctx, WG_E_UNSUPPORTED, "only queries are run here");
    ref_check(ctx, statement);
    ref_add_row(ctx, &table, NULL);
    if (ref_query(ctx, statement->child[0], &table, false)) publish(ctx, &table, out);
}

static void guarded(ref_ctx *ctx, const wg_ast *statement, ref_answer *out) {
    if (setjmp(ctx->escape) == 0) run_statement(ctx, statement, out);
}

void ref_run(ref_graph *graph, wg_slice text, const ref_param *params, size_t param_count, uint64_t steps_max,
             wg_arena *arena, ref_answer *out) {
    ref_ctx *ctx = ref_alloc(arena, 1, sizeof *ctx);
    const wg_ast *statement;
    wg_error err = {0};
    *out = (ref_answer){0};
    *ctx = (ref_ctx){.graph = graph, .arena = arena, .text = text, .params = params, .param_count = param_count};
    ctx->steps_max = steps_max;
    ctx->code = wg_parse(text, arena, &statement, &err);
    if (ctx->code == WG_OK) guarded(ctx, statement, out);
    else (void)snprintf(ctx->message, sizeof ctx->message, "%.150s", err.message);
    out->code = ctx->code;
    memcpy(out->message, ctx->message, sizeof out->message);
}
