/* query/binder: function calls and aggregates. */
#include <stdio.h>

#include "query/binder/binder.h"

static const struct {
    const char *name;
    wg_aggregate_kind kind;
} aggregates[] = {{"count", WG_AGG_COUNT}, {"sum", WG_AGG_SUM}, {"avg", WG_AGG_AVG},
                  {"min", WG_AGG_MIN},     {"max", WG_AGG_MAX}, {"collect", WG_AGG_COLLECT}};

/* Aggregates that are functions of the collected values of a group. */
static const struct {
    const char *name;
    const char *function;
    uint32_t arg_count;
} list_aggregates[] = {{"stdev", "stDev", 1},
                       {"stdevp", "stDevP", 1},
                       {"percentilecont", "percentileCont", 2},
                       {"percentiledisc", "percentileDisc", 2}};

static bool find_aggregate(wg_slice name, wg_aggregate_kind *out) {
    for (size_t i = 0; i < sizeof aggregates / sizeof aggregates[0]; i++) {
        if (!wg_slice_is(name, aggregates[i].name)) continue;
        *out = aggregates[i].kind;
        return true;
    }
    return false;
}

/* Its index in list_aggregates, or -1. */
static int find_list_aggregate(const wg_ast *ast) {
    const int count = (int)(sizeof list_aggregates / sizeof list_aggregates[0]);
    for (int i = 0; ast->kind == WG_AST_FUNCTION && i < count; i++)
        if (wg_slice_is(ast->text, list_aggregates[i].name)) return i;
    return -1;
}

const char *wgi_aggregate_at(uint32_t i, uint32_t *out_args) {
    const uint32_t plain = sizeof aggregates / sizeof aggregates[0];
    const uint32_t lists = sizeof list_aggregates / sizeof list_aggregates[0];
    *out_args = i < plain ? 1 : i < plain + lists ? list_aggregates[i - plain].arg_count : 0;
    return i < plain ? aggregates[i].name : i < plain + lists ? list_aggregates[i - plain].function : NULL;
}

bool wgi_is_aggregate(const wg_ast *ast) {
    wg_aggregate_kind kind;
    if (ast->kind == WG_AST_COUNT_STAR) return true;
    return ast->kind == WG_AST_FUNCTION && (find_aggregate(ast->text, &kind) || find_list_aggregate(ast) >= 0);
}

/* ---- aggregates */

static wg_code aggregate_type(wgi_binder *b, const wg_ast *ast, wg_aggregate *a) {
    const wg_type arg = a->arg != NULL ? a->arg->type : WG_TYPE_NULL;
    const bool number = arg == WG_TYPE_INT || arg == WG_TYPE_FLOAT || arg == WG_TYPE_ANY || arg == WG_TYPE_NULL;
    switch (a->kind) {
        case WG_AGG_COUNT_STAR:
        case WG_AGG_COUNT:
            a->type = WG_TYPE_INT;
            return WG_OK;
        case WG_AGG_COLLECT:
            a->type = WG_TYPE_LIST;
            return WG_OK;
        case WG_AGG_MIN:
        case WG_AGG_MAX:
            a->type = arg == WG_TYPE_NULL ? WG_TYPE_ANY : arg;
            return WG_OK;
        case WG_AGG_SUM:
        case WG_AGG_AVG:
            if (!number && arg != WG_TYPE_DURATION)
                return wgi_error(b, WG_E_TYPE, ast, "%.*s() needs numbers or durations, its argument is %s",
                                 (int)ast->text.size, (const char *)ast->text.data, wg_type_name(arg));
            a->type = arg == WG_TYPE_NULL ? WG_TYPE_ANY : arg;
            if (a->kind == WG_AGG_AVG && (arg == WG_TYPE_INT || arg == WG_TYPE_NULL)) a->type = WG_TYPE_FLOAT;
            return WG_OK;
        default:
            WG_UNREACHABLE("an unknown aggregate");
    }
}

static bool is_random(const wg_expr *expr) {
    if (expr->kind == WG_EXPR_RANDOM) return true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (is_random(expr->args[i])) return true;
    return false;
}

static wg_code make_aggregate(wgi_binder *b, const wgi_aggregation *g, const wg_ast *ast, wg_aggregate *out) {
    *out = (wg_aggregate){.kind = WG_AGG_COUNT_STAR, .type = WG_TYPE_INT};
    if (ast->kind == WG_AST_COUNT_STAR) return WG_OK;
    const int list = find_list_aggregate(ast);
    const uint32_t wanted = list >= 0 ? list_aggregates[list].arg_count : 1;
    if (!find_aggregate(ast->text, &out->kind)) out->kind = WG_AGG_COLLECT;
    if (ast->child_count != wanted)
        return wgi_error(b, WG_E_BIND, ast, "%.*s() takes %s, %u %s given", (int)ast->text.size,
                         (const char *)ast->text.data, wanted == 1 ? "one argument" : "two arguments",
                         ast->child_count, ast->child_count == 1 ? "is" : "are");
    if (wgi_has_aggregate(ast->child[0]))
        return wgi_error(b, WG_E_BIND, ast, "an aggregate inside an aggregate has no meaning; compute one in a WITH");
    out->distinct = (ast->flags & WG_AST_DISTINCT) != 0;
    WG_TRY(wgi_bind_in(b, g->input, "inside an aggregate", ast->child[0], &out->arg));
    if (is_random(out->arg))
        return wgi_error(b, WG_E_BIND, ast,
                         "an aggregate of rand() or randomUUID() has no meaning; compute the numbers in a WITH");
    const wg_type type = out->arg->type;
    if (list >= 0 && type != WG_TYPE_INT && type != WG_TYPE_FLOAT && type != WG_TYPE_ANY && type != WG_TYPE_NULL)
        return wgi_error(b, WG_E_TYPE, ast, "%.*s() needs numbers, its argument is %s", (int)ast->text.size,
                         (const char *)ast->text.data, wg_type_name(type));
    return aggregate_type(b, ast, out);
}

/* The slot of the aggregate, or the function of its list. */
static wg_code aggregate_value(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, uint32_t index,
                               wg_expr **out) {
    const wgi_aggregation *g = scope->aggregation;
    const int list = find_list_aggregate(ast);
    wg_expr *args[2];
    WG_TRY(wgi_slot_expr(b, g->key_count + index, g->aggregates[index].type, ast, &args[0]));
    if (list < 0) {
        *out = args[0];
        return WG_OK;
    }
    if (list_aggregates[list].arg_count == 2) WG_TRY(wgi_bind(b, scope, ast->child[1], &args[1]));
    return wgi_call(b, ast, list_aggregates[list].function, args, list_aggregates[list].arg_count, out);
}

wg_code wgi_bind_aggregate(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    wgi_aggregation *g = scope->aggregation;
    if (b->locals != NULL)
        return wgi_error(b, WG_E_BIND, ast,
                         "an aggregate cannot be used for each element of a list; compute it before");
    if (g == NULL || g->over_results)
        return wgi_error(b, WG_E_BIND, ast, "an aggregate cannot be used %s",
                         scope->where != NULL ? scope->where : "here; it belongs into WITH or RETURN");
    for (uint32_t i = 0; i < g->count; i++)
        if (wg_ast_equal(g->asts[i], ast)) return aggregate_value(b, scope, ast, i, out);
    if (g->count == g->capacity) return wgi_error(b, WG_E_LIMIT, ast, "too many aggregates in one clause");
    wg_aggregate made;
    WG_TRY(make_aggregate(b, g, ast, &made));
    g->asts[g->count] = ast;
    g->aggregates[g->count] = made;
    return aggregate_value(b, scope, ast, g->count++, out);
}

/* ---- functions */

/* Operators share the table of functions but cannot be called by name. */
bool wgi_is_callable(const char *name) {
    static const char *const operators[] = {"neg", "pos", "AND", "OR", "XOR", "NOT", "IN", "CONTAINS"};
    if (name[0] < 'A' || strchr(name, ' ') != NULL) return false;
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (strcmp(name, operators[i]) == 0) return false;
    return name[0] != '[' && name[0] != '^';
}

/* What other languages call it. */
static const char *known_elsewhere(wg_slice name) {
    static const char *const table[][2] = {{"len", "size()"},
                                           {"strlen", "size()"},
                                           {"char_length", "size()"},
                                           {"array_length", "size()"},
                                           {"substr", "substring()"},
                                           {"mid", "substring()"},
                                           {"ifnull", "coalesce()"},
                                           {"nvl", "coalesce()"},
                                           {"isnull", "x IS NULL"},
                                           {"nullif", "CASE WHEN a <> b THEN a END"},
                                           {"now", "datetime()"},
                                           {"getdate", "datetime()"},
                                           {"current_timestamp", "datetime()"},
                                           {"current_date", "date()"},
                                           {"to_date", "date()"},
                                           {"concat", "a + b"},
                                           {"if", "CASE WHEN condition THEN a ELSE b END"},
                                           {"iif", "CASE WHEN condition THEN a ELSE b END"},
                                           {"decode", "CASE"},
                                           {"cast", "toInteger(), toFloat() or toString()"},
                                           {"convert", "toInteger(), toFloat() or toString()"},
                                           {"instr", "a CONTAINS b"},
                                           {"charindex", "a CONTAINS b"},
                                           {"array_agg", "collect()"},
                                           {"string_agg", "collect()"},
                                           {"group_concat", "collect()"},
                                           {"mean", "avg()"},
                                           {"average", "avg()"},
                                           {"median", "percentileCont(x, 0.5)"},
                                           {"stddev", "stDev()"},
                                           {"random", "rand()"},
                                           {"pow", "a ^ b"},
                                           {"generate_series", "range()"}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (wg_slice_is(name, table[i][0])) return table[i][1];
    return NULL;
}

static wg_code unknown_function(wgi_binder *b, const wg_ast *ast) {
    uint32_t least = 0, most = 0;
    const int size = (int)wg_min_size(ast->text.size, 64);
    const char *name = (const char *)ast->text.data;
    if (wg_function_arity(ast->text, &least, &most)) {
        if (least == most)
            return wgi_error(b, WG_E_BIND, ast, "%.*s() takes %u argument%s, %u %s given", size, name, least,
                             least == 1 ? "" : "s", ast->child_count, ast->child_count == 1 ? "is" : "are");
        return wgi_error(b, WG_E_BIND, ast, "%.*s() takes %u to %u arguments, %u %s given", size, name, least, most,
                         ast->child_count, ast->child_count == 1 ? "is" : "are");
    }
    const char *elsewhere = known_elsewhere(ast->text);
    if (elsewhere != NULL)
        return wgi_error(b, WG_E_NOT_FOUND, ast, "there is no function %.*s(); write %s", size, name, elsewhere);
    const char *near = wg_function_suggest(ast->text);
    if (near != NULL && wgi_is_callable(near))
        return wgi_error(b, WG_E_NOT_FOUND, ast, "there is no function %.*s(); did you mean %s()?", size, name, near);
    return wgi_error(b, WG_E_NOT_FOUND, ast, "there is no function %.*s()", size, name);
}

/* date({timezone: z}) asks for the current date there: date.statement(z). */
static const wg_function *clock_in_zone(const wg_ast *ast) {
    char name[40];
    if (ast->child_count != 1 || ast->child[0]->kind != WG_AST_MAP || ast->child[0]->child_count != 1) return NULL;
    if (!wg_slice_is(ast->child[0]->child[0]->text, "timezone") || ast->text.size > 16) return NULL;
    (void)snprintf(name, sizeof name, "%.*s.statement", (int)ast->text.size, (const char *)ast->text.data);
    return wg_function_find(wg_slice_str(name), 1);
}

/* all_different(a, b, ..), same(a, b, ..): every two of them. */
static wg_code bind_pairs(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, bool same, wg_expr **out) {
    enum { ELEMENTS_MAX = 64 };
    wg_expr *items[ELEMENTS_MAX], *condition = NULL;
    if (ast->child_count < 2 || ast->child_count > ELEMENTS_MAX)
        return wgi_error(b, WG_E_BIND, ast, "%.*s() takes 2 to %d arguments, %u %s given", (int)ast->text.size,
                         (const char *)ast->text.data, (int)ELEMENTS_MAX, ast->child_count,
                         ast->child_count == 1 ? "is" : "are");
    for (uint32_t i = 0; i < ast->child_count; i++) WG_TRY(wgi_bind(b, scope, ast->child[i], &items[i]));
    for (uint32_t i = 0; i < ast->child_count; i++) {
        for (uint32_t k = i + 1; k < ast->child_count; k++) {
            wg_expr *pair[2] = {items[i], items[k]}, *both[2] = {condition, NULL};
            WG_TRY(wgi_call(b, ast, same ? "=" : "<>", pair, 2, &both[1]));
            condition = both[1];
            if (both[0] != NULL) WG_TRY(wgi_call(b, ast, "AND", both, 2, &condition));
            if (same) break; /* equality goes from one to the next */
        }
    }
    *out = condition;
    return WG_OK;
}

/* Names of GQL. *out_done false: it is none of them. */
static wg_code bind_gql_function(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out,
                                 bool *out_done) {
    const bool different = wg_slice_is(ast->text, "all_different"), same = wg_slice_is(ast->text, "same");
    *out_done = true;
    if (different || same) return bind_pairs(b, scope, ast, same, out);
    if (wg_slice_is(ast->text, "element_id") && ast->child_count == 1) {
        const bool has = wg_function_find(wg_slice_str("elementId"), 1) != NULL;
        WG_TRY(wgi_bind(b, scope, ast->child[0], out));
        if (has) return wgi_call(b, ast, "elementId", out, 1, out);
        WG_TRY(wgi_call(b, ast, "id", out, 1, out));
        return wgi_call(b, ast, "toString", out, 1, out);
    }
    if (wg_slice_is(ast->text, "property_exists") && ast->child_count == 2 &&
        ast->child[1]->kind == WG_AST_VARIABLE) {
        wg_ast *base = ast->child[0];
        wg_ast property = {.kind = WG_AST_PROPERTY, .start = ast->start, .end = ast->end, .child_count = 1};
        property.text = ast->child[1]->text;
        property.child = &base;
        WG_TRY(wgi_bind(b, scope, &property, out));
        return wgi_call(b, ast, "IS NOT NULL", out, 1, out);
    }
    *out_done = false;
    return WG_OK;
}

wg_code wgi_bind_function(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    bool done;
    WG_TRY(bind_gql_function(b, scope, ast, out, &done));
    if (done) return WG_OK;
    const bool exists = wg_slice_is(ast->text, "exists");
    const bool asks = exists && ast->child_count == 1 &&
                      (ast->child[0]->kind == WG_AST_SUBQUERY || ast->child[0]->kind == WG_AST_PATTERN_TEST);
    if (asks) return wgi_bind_subquery(b, scope, ast->child[0], out);
    const bool uuid = wg_slice_is(ast->text, "randomuuid");
    if ((uuid || wg_slice_is(ast->text, "rand")) && ast->child_count == 0) {
        *out = wgi_expr(b, WG_EXPR_RANDOM, uuid ? WG_TYPE_STRING : WG_TYPE_FLOAT, ast);
        if (*out == NULL) return WG_E_NOMEM;
        b->reads_clock = true; /* its seed */
        (*out)->slot = b->locals != NULL ? b->locals->number + 1 : 0;
        return WG_OK;
    }
    if (ast->flags & WG_AST_DISTINCT)
        return wgi_error(b, WG_E_BIND, ast, "DISTINCT is for aggregates only, and '%.*s' is none",
                         (int)wg_min_size(ast->text.size, 64), (const char *)ast->text.data);
    const wg_function *zoned = clock_in_zone(ast);
    const wg_function *function =
        zoned != NULL ? zoned : wg_function_find(exists ? wg_slice_str("IS NOT NULL") : ast->text, ast->child_count);
    if (function != NULL && !exists && !wgi_is_callable(wg_function_name(function))) function = NULL;
    if (function == NULL) return unknown_function(b, ast);
    wg_expr **args = wgi_alloc(b, ast->child_count, sizeof(wg_expr *));
    if (args == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < ast->child_count; i++) {
        WG_TRY(wgi_bind(b, scope, zoned != NULL ? ast->child[0]->child[0]->child[0] : ast->child[i], &args[i]));
        const bool reads = !wg_slice_is(ast->text, "id") && !wg_slice_is(ast->text, "type") && zoned == NULL;
        const bool named = reads && !wgi_is_local(b, ast->child[i]);
        WG_TRY(wgi_refuse_deleted(b, named ? wgi_direct_symbol(scope, ast->child[i]) : NULL, ast, &args[i]));
    }
    b->reads_clock |= wg_function_reads_clock(function, ast->child_count);
    return wgi_call(b, ast, wg_function_name(function), args, ast->child_count, out);
}
