/* query/plan: ALTER of labels, defaults and computed columns: from syntax to what the engine is told.
 *
 * Computed columns are checked and typed here, over the label as the transaction sees it: CREATE ... COMPUTE makes the label first and adds
 * its columns one by one, so that the columns of a virtual label, which come from its files, are known by then. The engine keeps the
 * canonical text of the expression. Failure modes: errors with the place in the statement. */
#include "query/parser/parser.h"
#include "query/plan/statement.h"

static wg_code constant_value(wgi_binder *b, const wg_ast *ast, const char *where, const wg_value **out) {
    const wgi_relation nothing = {0};
    const wg_exec_context context = {.txn = b->txn,
                                     .threads = 1,
                                     .batch_rows = 1,
                                     .params = b->params,
                                     .param_count = b->params == NULL ? 0 : b->param_names->count,
                                     .account = b->arena->account};
    wg_expr *expr;
    wg_value *value = wgi_alloc(b, 1, sizeof *value);
    if (value == NULL) return WG_E_NOMEM;
    if (wgi_has_aggregate(ast)) return wgi_error(b, WG_E_BIND, ast, "%s is one value: no aggregates", where);
    WG_TRY(wgi_bind_in(b, &nothing, where, ast, &expr));
    *out = NULL;
    if (b->reads_clock || !wgi_is_constant(expr))
        return wgi_error(b, WG_E_BIND, ast, "%s is one value for all rows: no chance and no current time", where);
    WG_TRY(wg_exec_constant(expr, &context, b->arena, value, b->err));
    *out = value;
    return WG_OK;
}

/* A DEFAULT of NULL is none. */
static wg_code set_default(wgi_binder *b, const wg_ast *ast, wg_column_def *column) {
    const wg_value *given;
    WG_TRY(constant_value(b, ast, "DEFAULT", &given));
    column->default_value = NULL;
    if (given->type == WG_TYPE_NULL) return WG_OK;
    wg_value *fitted = wgi_alloc(b, 1, sizeof *fitted);
    if (fitted == NULL) return WG_E_NOMEM;
    *fitted = *given;
    column->default_value = fitted;
    if (column->name == NULL) return WG_OK; /* the type is the engine's to know */
    const wg_code code = wg_column_def_coerce(column, fitted, b->err);
    if (code == WG_OK) return WG_OK;
    b->err->offset = ast->start;
    return wg_error_prefix(b->err, code, "DEFAULT");
}

wg_code wgi_column_def_of(wgi_binder *b, const wg_ast *column, wg_column_def *out) {
    WG_TRY(wgi_bind_column_type(b, column->child[0], out));
    WG_TRY(wgi_definition_name(b, column, column->text, &out->name));
    out->not_null = (column->flags & WG_AST_NOT_NULL) != 0;
    return column->child_count > 1 ? set_default(b, column->child[1], out) : WG_OK;
}

/* ---- computed columns */

static wg_code text_of(wgi_binder *b, const wg_ast *expression, const char **out) {
    wg_buf text;
    wg_buf_init(&text, b->arena->account);
    wg_code code = wg_ast_print(expression, &text, b->err);
    if (code == WG_OK && text.size > WG_COMPUTE_BYTES_MAX)
        code = wgi_error(b, WG_E_LIMIT, expression, "an expression has at most %d bytes", WG_COMPUTE_BYTES_MAX);
    if (code == WG_OK && (*out = wg_arena_strdup(b->arena, wg_buf_slice(&text))) == NULL) code = wgi_nomem(b);
    wg_buf_deinit(&text);
    return code;
}

static wg_code add_computed(wgi_binder *b, wg_slice name, bool is_edge, const wgi_computed_names *names, bool run) {
    const wg_ast *item = names->items[names->at];
    const wg_label *label = wg_catalog_label(b->catalog, b->view, name, is_edge);
    wg_alter alter = {.kind = WG_ALTER_ADD_COLUMN, .def = {.source = WG_COLUMN_COMPUTED, .int_bits = 64}};
    if (label == NULL) return WG_OK; /* of a check: it was not made */
    WG_TRY(wgi_definition_name(b, item, item->text, &alter.def.name));
    WG_TRY(wgi_check_computed(b, item->child[0], &label->def, NULL, names));
    WG_TRY(wgi_type_computed(b, item->child[0], label, &alter.def.type));
    WG_TRY(text_of(b, item->child[0], &alter.def.expression));
    if (alter.def.type != WG_TYPE_INT) alter.def.int_bits = 0;
    if (!run) return WG_OK;
    const wg_code code = wg_txn_alter_label(b->txn, name, is_edge, &alter, b->err);
    if (code != WG_OK && b->err->offset == WG_NO_OFFSET) b->err->offset = item->start;
    return code;
}

wg_code wgi_add_computed(wgi_binder *b, wg_slice label, bool is_edge, wg_ast *const *computed, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const wgi_computed_names names = {computed, count, i};
        b->view = wg_txn_view(b->txn);
        WG_TRY(add_computed(b, label, is_edge, &names, true));
    }
    return WG_OK;
}

/* A column that a computed one reads can neither go nor change its name or type under it. */
static wg_code check_unused(wgi_binder *b, const wg_ast *ast, const wg_label *label, const char *column) {
    for (uint32_t c = 0; c < label->def.column_count; c++) {
        const wg_column_def *def = &label->def.columns[c];
        const wg_ast *e;
        if (def->source != WG_COLUMN_COMPUTED) continue;
        WG_TRY(wg_parse_expression(wg_slice_str(def->expression), b->arena, &e, b->err));
        if (wgi_mentions_name(e, wg_slice_str(column)))
            return wgi_error(b, WG_E_CONSTRAINT, ast->child[0], "computed column '%s' reads '%s': drop it first",
                             def->name, column);
    }
    return WG_OK;
}

/* ---- ALTER */

static wg_code names_of(wgi_binder *b, const wg_ast *ast, wg_alter *out) {
    const wg_ast *first = ast->child[0];
    if (ast->op == WG_AST_ALTER_RENAME_LABEL || ast->op == WG_AST_ALTER_SET_PATTERN)
        return wgi_definition_name(b, first, first->text, &out->name);
    WG_TRY(wgi_definition_name(b, first, first->text, &out->column));
    if (ast->op != WG_AST_ALTER_RENAME) return WG_OK;
    return wgi_definition_name(b, ast->child[1], ast->child[1]->text, &out->name);
}

static wg_code alter_of(wgi_binder *b, const wg_ast *ast, const wg_label *label, wg_alter *out) {
    static const wg_alter_kind kinds[] = {WG_ALTER_ADD_COLUMN,    WG_ALTER_ADD_COLUMN,   WG_ALTER_DROP_COLUMN,
                                          WG_ALTER_RENAME_COLUMN, WG_ALTER_RENAME_LABEL, WG_ALTER_SET_NOT_NULL,
                                          WG_ALTER_DROP_NOT_NULL, WG_ALTER_SET_TYPE,     WG_ALTER_SET_DEFAULT,
                                          WG_ALTER_SET_DEFAULT,   WG_ALTER_SET_PATTERN};
    *out = (wg_alter){.kind = kinds[ast->op], .lenient = (ast->flags & WG_AST_IF_EXISTS) != 0};
    if (ast->op == WG_AST_ALTER_ADD) return wgi_column_def_of(b, ast->child[0], &out->def);
    WG_TRY(names_of(b, ast, out));
    if (ast->op == WG_AST_ALTER_SET_TYPE) WG_TRY(wgi_bind_column_type(b, ast->child[1], &out->def));
    if (ast->op == WG_AST_ALTER_SET_DEFAULT) WG_TRY(set_default(b, ast->child[1], &out->def));
    const bool touches =
        ast->op == WG_AST_ALTER_DROP || ast->op == WG_AST_ALTER_RENAME || ast->op == WG_AST_ALTER_SET_TYPE;
    return touches && label != NULL ? check_unused(b, ast, label, out->column) : WG_OK;
}

wg_code wgi_alter_statement(wgi_binder *b, const wg_ast *ast, bool run) {
    const bool edge = (ast->flags & WG_AST_ALTER_EDGE) != 0;
    const wg_label *label = wg_catalog_label(b->catalog, b->view, ast->text, edge);
    wg_alter alter;
    if (ast->op == WG_AST_ALTER_ADD_COMPUTE) {
        for (uint32_t i = 0; i < ast->child_count; i++) {
            const wgi_computed_names names = {ast->child, ast->child_count, i};
            if (label == NULL)
                return wgi_error(b, WG_E_NOT_FOUND, ast, "label '%.*s' does not exist",
                                 (int)wg_min_size(ast->text.size, 64), (const char *)ast->text.data);
            if (label->def.kind == WG_LABEL_OPEN)
                return wgi_error(b, WG_E_BIND, ast, "label '%s' was made by use and declares no columns",
                                 label->def.name);
            b->view = wg_txn_view(b->txn);
            WG_TRY(add_computed(b, ast->text, edge, &names, run));
            if (!run) return WG_OK; /* later ones may need the first */
        }
        return WG_OK;
    }
    WG_TRY(alter_of(b, ast, label, &alter));
    if (!run) return WG_OK;
    const wg_code code = wg_txn_alter_label(b->txn, ast->text, edge, &alter, b->err);
    if (code != WG_OK && b->err->offset == WG_NO_OFFSET)
        b->err->offset = ast->child_count > 0 && alter.column != NULL ? ast->child[0]->start : ast->start;
    return code;
}
