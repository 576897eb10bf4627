/* query/binder: computed columns.
 *
 * Where the labels of a variable are known, n.c stands for the expression of c with n.x in the place of each column x: scans read the
 * columns that it needs, conditions on path variables prune files, and nothing is evaluated twice as slowly because it is computed.
 * Where they are not known the engine asks wgi_compute_value for the value at one row.
 *
 * An expression may name earlier computed columns, so text that is doubled at each step would grow without bound: the number of nodes
 * that one mention expands to is limited, and since a new column is bound when it is registered, that is where it is refused. */
#include "query/binder/binder.h"
#include "query/parser/parser.h"

enum { EXPANDED_MAX = 20000 };

const wg_label *wgi_computed_label(const wgi_binder *b, const wgi_symbol *symbol, wg_slice name,
                                   uint32_t *out_column) {
    if (symbol == NULL || (symbol->type == WG_TYPE_EDGE && symbol->label_count != 1)) return NULL;
    for (uint32_t i = 0; i < symbol->label_count; i++) {
        const wg_label *label = wg_catalog_label_seen(b->catalog, symbol->labels[i], b->view);
        const uint32_t column = wg_label_def_column(&label->def, name);
        if (column == UINT32_MAX || label->def.columns[column].source != WG_COLUMN_COMPUTED) continue;
        *out_column = column;
        return label;
    }
    return NULL;
}

/* A copy of the expression with base.x for each column x, all at the place of `at`. */
static wg_ast *expand(wgi_binder *b, const wg_ast *e, const wg_label_def *def, const wg_ast *base, const wg_ast *at) {
    if (++b->expanded > EXPANDED_MAX) {
        (void)wgi_error(b, WG_E_LIMIT, at, "a computed column expands to more than %d terms", EXPANDED_MAX);
        return NULL;
    }
    wg_ast *copy = wgi_alloc(b, 1, sizeof *copy);
    if (copy == NULL) return NULL;
    *copy = *e;
    copy->start = at->start;
    copy->end = at->end;
    const bool column = e->kind == WG_AST_VARIABLE && wg_label_def_column(def, e->text) != UINT32_MAX;
    if (column) copy->kind = WG_AST_PROPERTY;
    copy->child_count = column ? 1 : e->child_count;
    if (copy->child_count == 0) return copy;
    copy->child = wgi_alloc(b, copy->child_count, sizeof(wg_ast *));
    if (copy->child == NULL) return NULL;
    for (uint32_t i = 0; i < copy->child_count; i++) {
        if (column) {
            copy->child[i] = wgi_alloc(b, 1, sizeof(wg_ast));
            if (copy->child[i] == NULL) return NULL;
            *copy->child[i] = *base;
        } else if (e->child[i] != NULL) {
            copy->child[i] = expand(b, e->child[i], def, base, at);
            if (copy->child[i] == NULL) return NULL;
        }
    }
    return copy;
}

wg_code wgi_expand_computed(wgi_binder *b, const wg_label *label, uint32_t column, const wg_ast *base,
                            const wg_ast *at, const wg_ast **out) {
    const wg_ast *parsed;
    wg_error_clear(b->err);
    const wg_code code =
        wg_parse_expression(wg_slice_str(label->def.columns[column].expression), b->arena, &parsed, b->err);
    if (code != WG_OK)
        return code == WG_E_SYNTAX ? wgi_error(b, WG_E_CORRUPT, at, "a computed column is damaged") : code;
    const wg_ast *expanded = expand(b, parsed, &label->def, base, at);
    if (expanded == NULL) return b->err->code;
    *out = expanded;
    return WG_OK;
}

wg_code wgi_bind_computed(wgi_binder *b, const wgi_scope *scope, const wg_ast *at, const wg_label *label,
                          uint32_t column, wg_expr **out) {
    const wg_ast *expanded;
    const uint32_t before = b->expanding++ == 0 ? 0 : b->expanded;
    b->expanded = before;
    wg_code code = wgi_expand_computed(b, label, column, at->child[0], at, &expanded);
    if (code == WG_OK) code = wgi_bind(b, scope, expanded, out);
    b->expanding--;
    return code;
}

/* ---- one row */

/* A row whose columns are values: binding one of its names gives a constant. */
struct wgi_row_values {
    const wg_label *label;
    const wg_row_reader *reader;
};

wg_code wgi_row_value(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, bool *out_found, wg_expr **out) {
    const struct wgi_row_values *row = b->row;
    const uint32_t column = row == NULL ? UINT32_MAX : wg_label_def_column(&row->label->def, ast->text);
    *out_found = column != UINT32_MAX;
    if (!*out_found) return WG_OK;
    if (row->label->def.columns[column].source == WG_COLUMN_COMPUTED) {
        const wg_ast *parsed;
        const wg_slice text = wg_slice_str(row->label->def.columns[column].expression);
        if (++b->expanded > EXPANDED_MAX) return wgi_error(b, WG_E_LIMIT, ast, "a computed column is too deep");
        WG_TRY(wg_parse_expression(text, b->arena, &parsed, b->err));
        return wgi_bind(b, scope, parsed, out);
    }
    wg_value value;
    WG_TRY(row->reader->read(row->reader->ctx, column, &value, b->err));
    wg_value *copy = wgi_alloc(b, 1, sizeof *copy);
    if (copy == NULL || !wg_value_copy(b->arena, &value, copy)) return wgi_nomem(b);
    return wgi_const_expr(b, copy, value.type == WG_TYPE_NULL ? WG_TYPE_NULL : (wg_type)value.type, ast, out);
}

wg_code wgi_compute_value(const wg_catalog *catalog, wg_view view, const wg_label *label, uint32_t column,
                          const wg_row_reader *row, wg_arena *arena, wg_value *out, wg_error *err) {
    wg_error own;
    wg_error_clear(&own);
    wg_arena work;
    wg_arena_init(&work, arena->account);
    const struct wgi_row_values values = {label, row};
    wgi_binder b = {.arena = &work, .catalog = catalog, .view = view, .row = &values, .err = &own};
    const wgi_relation nothing = {0};
    const wg_exec_context context = {.threads = 1, .batch_rows = 1, .account = arena->account};
    const wg_ast *parsed;
    wg_expr *expr = NULL;
    wg_code code = wg_parse_expression(wg_slice_str(label->def.columns[column].expression), &work, &parsed, &own);
    if (code == WG_OK) code = wgi_bind_in(&b, &nothing, "in COMPUTE", parsed, &expr);
    if (code == WG_OK) code = wg_exec_constant(expr, &context, arena, out, &own);
    wg_arena_deinit(&work);
    if (code != WG_OK && err != NULL) *err = own;
    return code;
}

/* ---- registration */

static wg_code refuse(const wgi_binder *b, const wg_ast *at, const char *what) {
    return wgi_error(b, WG_E_BIND, at, "a computed column is a function of the columns before it: %s", what);
}

static wg_code check_name(const wgi_binder *b, const wg_ast *at, const wg_label_def *def, const wgi_local_name *bound,
                          const wgi_computed_names *names) {
    for (; bound != NULL; bound = bound->outer)
        if (wg_slice_equal(bound->name, at->text)) return WG_OK;
    if (wg_label_def_column(def, at->text) != UINT32_MAX) return WG_OK;
    const int size = (int)wg_min_size(at->text.size, 64);
    for (uint32_t i = 0; i < names->count; i++) {
        if (!wg_slice_equal(names->items[i]->text, at->text)) continue;
        return wgi_error(b, WG_E_BIND, at,
                         i == names->at ? "computed column '%.*s' depends on itself"
                                        : "computed column '%.*s' comes later: a cycle, or write it first",
                         size, (const char *)at->text.data);
    }
    const char **all = wg_arena_alloc(b->arena, ((size_t)def->column_count + 1) * sizeof *all);
    if (all == NULL) return wgi_nomem(b);
    for (uint32_t c = 0; c < def->column_count; c++) all[c] = def->columns[c].name;
    const char *near = wg_parser_suggest(at->text, all, def->column_count);
    return wgi_error(b, WG_E_NOT_FOUND, at, "label '%s' has no column '%.*s'%s%s%s", def->name, size,
                     (const char *)at->text.data, near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                     near != NULL ? "'?" : "");
}

static wg_code check_kind(const wgi_binder *b, const wg_ast *e) {
    switch ((int)e->kind) {
        case WG_AST_SUBQUERY:
        case WG_AST_PATTERN_TEST:
        case WG_AST_PATTERN_COMPREHENSION:
        case WG_AST_HAS_LABELS:
        case WG_AST_MAP_PROJECTION:
            return refuse(b, e, "no patterns, labels or subqueries");
        case WG_AST_PARAMETER:
            return refuse(b, e, "no parameters");
        case WG_AST_COUNT_STAR:
            return refuse(b, e, "no aggregates");
        default:
            return wgi_is_aggregate(e) ? refuse(b, e, "no aggregates") : WG_OK;
    }
}

wg_code wgi_check_computed(const wgi_binder *b, const wg_ast *e, const wg_label_def *def, const wgi_local_name *bound,
                           const wgi_computed_names *names) {
    if (e == NULL) return WG_OK;
    WG_TRY(check_kind(b, e));
    if (e->kind == WG_AST_VARIABLE) return check_name(b, e, def, bound, names);
    wgi_local_name inner[2] = {{e->text, bound}, {e->text, &inner[0]}};
    uint32_t outside = UINT32_MAX;
    if (e->kind == WG_AST_LIST_COMPREHENSION || e->kind == WG_AST_QUANTIFIER) outside = 1;
    if (e->kind == WG_AST_REDUCE) outside = 3;
    if (e->kind == WG_AST_REDUCE) inner[1].name = e->child[1]->text;
    if (outside != UINT32_MAX && (wg_label_def_column(def, inner[0].name) != UINT32_MAX ||
                                  wg_label_def_column(def, inner[1].name) != UINT32_MAX))
        return refuse(b, e, "a variable inside it has the name of a column");
    for (uint32_t i = 0; i < e->child_count; i++)
        WG_TRY(wgi_check_computed(b, e->child[i], def, i >= outside ? &inner[1] : bound, names));
    return WG_OK;
}

bool wgi_mentions_name(const wg_ast *e, wg_slice name) {
    if (e == NULL) return false;
    if (e->kind == WG_AST_VARIABLE && wg_slice_equal(e->text, name)) return true;
    for (uint32_t i = 0; i < e->child_count; i++)
        if (wgi_mentions_name(e->child[i], name)) return true;
    return false;
}

static bool is_random(const wg_expr *e) {
    if (e->kind == WG_EXPR_RANDOM) return true;
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (is_random(e->args[i])) return true;
    return false;
}

wg_code wgi_type_computed(wgi_binder *b, const wg_ast *expression, const wg_label *label, wg_type *out) {
    static const char row[] = "row";
    const bool edge = label->def.is_edge;
    const uint32_t number = label->number;
    wgi_symbol symbol = {
        .name = wg_slice_str(row), .type = edge ? WG_TYPE_EDGE : WG_TYPE_NODE, .labels = &number, .label_count = 1};
    const wgi_relation rel = {.symbols = &symbol, .symbol_count = 1};
    wg_ast base = {.kind = WG_AST_VARIABLE, .text = wg_slice_str(row)};
    wg_expr *expr;
    const bool clock = b->reads_clock;
    b->reads_clock = false;
    b->expanded = 0;
    const wg_ast *expanded = expand(b, expression, &label->def, &base, expression);
    if (expanded == NULL) return b->err->code;
    b->expanding++;
    const wg_code code = wgi_bind_in(b, &rel, "in COMPUTE", expanded, &expr);
    b->expanding--;
    WG_TRY(code);
    if (b->reads_clock || is_random(expr)) return refuse(b, expression, "no chance and no current time");
    b->reads_clock = clock;
    const wg_type t = expr->type;
    const bool column = t == WG_TYPE_BOOL || t == WG_TYPE_INT || t == WG_TYPE_FLOAT || t == WG_TYPE_STRING ||
                        t == WG_TYPE_DATE || t == WG_TYPE_LOCAL_DATETIME;
    *out = column ? t : WG_TYPE_ANY;
    return WG_OK;
}
