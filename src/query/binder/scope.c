/* query/binder: relations, their names, and questions about names in syntax trees. */
#include <stdarg.h>
#include <stdio.h>

#include "query/binder/binder.h"
#include "query/parser/parser.h"

wg_code wgi_error(const wgi_binder *b, wg_code code, const wg_ast *at, const char *format, ...) {
    char message[sizeof b->err->message];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return wg_error_set(b->err, code, at != NULL ? at->start : WG_NO_OFFSET, "%s", message);
}

wg_code wgi_unsupported(const wgi_binder *b, const wg_ast *at, const char *what) {
    return wgi_error(b, WG_E_UNSUPPORTED, at, "%s is not supported by this version", what);
}

wg_code wgi_nomem(const wgi_binder *b) { return wg_error_nomem(b->err, 0); }

void *wgi_alloc(wgi_binder *b, size_t count, size_t size) {
    size_t bytes;
    void *p = NULL;
    if (wg_mul_size(count > 0 ? count : 1, size, &bytes)) p = wg_arena_alloc_zero(b->arena, bytes);
    if (p == NULL) (void)wgi_nomem(b);
    return p;
}

bool wgi_is_hidden(wg_slice name) { return name.size > 0 && name.data[0] == WGI_HIDDEN_BYTE; }

wg_code wgi_hidden_name(wgi_binder *b, wg_slice *out) {
    uint8_t *p = wg_arena_alloc(b->arena, 5);
    if (p == NULL) return wgi_nomem(b);
    p[0] = WGI_HIDDEN_BYTE;
    wg_store_u32le(p + 1, b->hidden_count++);
    *out = wg_slice_of(p, 5);
    return WG_OK;
}

const wgi_symbol *wgi_find(const wgi_relation *rel, wg_slice name) {
    for (uint32_t i = 0; i < rel->symbol_count; i++)
        if (wg_slice_equal(rel->symbols[i].name, name)) return &rel->symbols[i];
    return NULL;
}

/* Makes room for one more; arrays live in the arena, so the old one is simply left. */
static void *grow(wgi_binder *b, void *items, uint32_t count, uint32_t *capacity, size_t size) {
    if (count < *capacity) return items;
    const uint32_t wanted = *capacity < 8 ? 8 : *capacity * 2;
    void *p = wgi_alloc(b, wanted, size);
    if (p == NULL) return NULL;
    if (count > 0) memcpy(p, items, count * size);
    *capacity = wanted;
    return p;
}

wg_code wgi_add_symbol(wgi_binder *b, wgi_relation *rel, const wgi_symbol *symbol) {
    if (rel->symbol_count >= WGI_SYMBOLS_MAX)
        return wgi_error(b, WG_E_LIMIT, NULL, "a query may have at most %d variables at a time", WGI_SYMBOLS_MAX);
    wgi_symbol *p = grow(b, rel->symbols, rel->symbol_count, &rel->symbol_capacity, sizeof *p);
    if (p == NULL) return WG_E_NOMEM;
    rel->symbols = p;
    p[rel->symbol_count++] = *symbol;
    return WG_OK;
}

wg_code wgi_add_property(wgi_binder *b, wgi_relation *rel, uint32_t of_slot, uint32_t key, uint32_t slot) {
    wgi_property_slot *p = grow(b, rel->properties, rel->property_count, &rel->property_capacity, sizeof *p);
    if (p == NULL) return WG_E_NOMEM;
    rel->properties = p;
    p[rel->property_count++] = (wgi_property_slot){of_slot, key, slot};
    return WG_OK;
}

void wgi_forget_properties(wgi_relation *rel) { rel->property_count = 0; }

void wgi_forget_labels(wgi_relation *rel) {
    for (uint32_t i = 0; i < rel->symbol_count; i++)
        if (rel->symbols[i].type == WG_TYPE_NODE) rel->symbols[i].label_count = 0;
}

/* Whether something before byte `end` of the statement gives this name to what it finds or makes. */
static bool was_defined(const wg_ast *ast, wg_slice name, uint32_t end) {
    if (ast == NULL || ast->start >= end) return false;
    const wg_ast_kind kind = (wg_ast_kind)ast->kind;
    const bool names = kind == WG_AST_NODE || kind == WG_AST_EDGE || kind == WG_AST_PATH || kind == WG_AST_ITEM ||
                       kind == WG_AST_UNWIND;
    if (names && wg_slice_equal(ast->text, name)) return true;
    for (uint32_t i = 0; i < ast->child_count; i++)
        if (was_defined(ast->child[i], name, end)) return true;
    return false;
}

/* The subquery of a CALL that holds the place, the innermost; NULL: none. */
static const wg_ast *call_around(const wg_ast *ast, const wg_ast *at) {
    if (ast == NULL || ast->start > at->start || ast->end < at->end) return NULL;
    for (uint32_t i = 0; i < ast->child_count; i++) {
        const wg_ast *inner = call_around(ast->child[i], at);
        if (inner != NULL) return inner;
    }
    return ast->kind == WG_AST_CALL_QUERY ? ast : NULL;
}

/* Why a name that exists elsewhere in the statement is not known here; NULL when it exists nowhere before. */
static const char *why_hidden(const wgi_binder *b, const wg_ast *at, wg_slice name) {
    if (b->statement == NULL || at == NULL) return NULL;
    const wg_ast *call = call_around(b->statement, at);
    if (call != NULL && was_defined(b->statement, name, call->start))
        return "begin the subquery with a WITH that names it";
    if (!was_defined(b->statement, name, at->start)) return NULL;
    return "of what came before, only what WITH or RETURN names is known here";
}

wg_code wgi_undefined_variable(const wgi_binder *b, const wgi_relation *rel, const wg_ast *at, wg_slice name) {
    const char **names = wg_arena_alloc(b->arena, (rel->symbol_count + (size_t)1) * sizeof *names);
    uint32_t count = 0;
    if (names == NULL) return wgi_nomem(b);
    for (uint32_t i = 0; i < rel->symbol_count; i++) {
        if (wgi_is_hidden(rel->symbols[i].name)) continue;
        const char *copy = wg_arena_strdup(b->arena, rel->symbols[i].name);
        if (copy == NULL) return wgi_nomem(b);
        names[count++] = copy;
    }
    const char *near = wg_parser_suggest(name, names, count);
    const char *why = why_hidden(b, at, name);
    const char *text = (const char *)name.data;
    const int size = (int)wg_min_size(name.size, 64);
    wg_code code = WG_OK;
    if (why != NULL) code = wgi_error(b, WG_E_BIND, at, "variable '%.*s' is not defined here: %s", size, text, why);
    else if (near != NULL)
        code =
            wgi_error(b, WG_E_BIND, at, "variable '%.*s' is not defined here; did you mean '%s'?", size, text, near);
    else code = wgi_error(b, WG_E_BIND, at, "variable '%.*s' is not defined here", size, text);
    return wg_error_refine(b->err, code, WG_S_INVALID_REFERENCE);
}

wg_code wgi_refuse_deleted(wgi_binder *b, const wgi_symbol *symbol, const wg_ast *at, wg_expr **expr) {
    return symbol == NULL || !symbol->deleted ? WG_OK : wgi_call(b, at, "%deleted", expr, 1, expr);
}

/* Whether a node of this kind names a variable of the query by its text. */
static bool names_variable(const wg_ast *ast) {
    return ast->kind == WG_AST_VARIABLE || ast->kind == WG_AST_MAP_PROJECTION ||
           ((ast->kind == WG_AST_NODE || ast->kind == WG_AST_EDGE) && ast->text.size > 0);
}

/* Names that an expression binds for its own parts. */
typedef struct bound_names {
    wg_slice names[2];
    const struct bound_names *outer;
} bound_names;

static bool is_bound(const bound_names *bound, wg_slice name) {
    for (; bound != NULL; bound = bound->outer)
        if (wg_slice_equal(bound->names[0], name) || wg_slice_equal(bound->names[1], name)) return true;
    return false;
}

/* How many children come before the ones that see the bound names; UINT32_MAX: it binds none. */
static uint32_t outside_children(const wg_ast *ast, bound_names *out) {
    *out = (bound_names){.names = {ast->text, ast->text}};
    if (ast->kind == WG_AST_LIST_COMPREHENSION || ast->kind == WG_AST_QUANTIFIER) return 1;
    if (ast->kind != WG_AST_REDUCE) return UINT32_MAX;
    out->names[1] = ast->child[1]->text;
    return 3;
}

static bool mentions(const wg_ast *ast, const wgi_relation *rel, const bound_names *bound) {
    if (ast == NULL) return false;
    if (names_variable(ast) && !is_bound(bound, ast->text) && wgi_find(rel, ast->text) != NULL) return true;
    bound_names inner;
    const uint32_t outside = outside_children(ast, &inner);
    inner.outer = bound;
    for (uint32_t i = 0; i < ast->child_count; i++)
        if (mentions(ast->child[i], rel, i >= outside ? &inner : bound)) return true;
    return false;
}

static bool covered(const wg_ast *ast, const wgi_relation *rel, const bound_names *bound) {
    if (ast == NULL) return true;
    if (names_variable(ast) && !is_bound(bound, ast->text) && wgi_find(rel, ast->text) == NULL) return false;
    bound_names inner;
    const uint32_t outside = outside_children(ast, &inner);
    inner.outer = bound;
    for (uint32_t i = 0; i < ast->child_count; i++)
        if (!covered(ast->child[i], rel, i >= outside ? &inner : bound)) return false;
    return true;
}

bool wgi_mentions(const wg_ast *ast, const wgi_relation *rel) { return mentions(ast, rel, NULL); }

bool wgi_covered(const wg_ast *ast, const wgi_relation *rel) { return covered(ast, rel, NULL); }

bool wgi_has_aggregate(const wg_ast *ast) {
    if (ast == NULL || ast->kind == WG_AST_SUBQUERY) return false;
    if (wgi_is_aggregate(ast)) return true;
    for (uint32_t i = 0; i < ast->child_count; i++)
        if (wgi_has_aggregate(ast->child[i])) return true;
    return false;
}
