/* tests/reference: makes a statement smaller while it still shows the difference. The statement is parsed, one thing is taken out of its
 * tree, and the tree is printed again; what no longer differs is put back. Sorting stays: without it rows could not be compared. */
#include <stdlib.h>

#include "query/parser/parser.h"
#include "tests/reference/random.h"

enum { TRIES_MAX = 4000 };

static wg_ast *copy(wg_arena *arena, const wg_ast *from) {
    wg_ast *to = ref_alloc(arena, 1, sizeof *to);
    if (from == NULL) return NULL;
    *to = *from;
    to->child = ref_alloc(arena, from->child_count, sizeof *to->child);
    for (uint32_t i = 0; i < from->child_count; i++) to->child[i] = copy(arena, from->child[i]);
    return to;
}

static bool is_expression(const wg_ast *e) {
    return e != NULL && e->kind >= WG_AST_NULL && e->kind != WG_AST_ENTRY && e->kind != WG_AST_WHEN &&
           e->kind != WG_AST_ALL_PROPERTIES && e->kind != WG_AST_OWN_PROPERTY;
}

/* Whether child i may be NULL. */
static bool may_be_null(const wg_ast *e, uint32_t i) {
    switch (e->kind) {
        case WG_AST_MATCH:
        case WG_AST_CASE:
        case WG_AST_QUANTIFIER:
        case WG_AST_PATTERN_COMPREHENSION:
            return i == 1;
        case WG_AST_WITH:
            return i == 1 || i == 2 || i == 3 || (i == 0 && e->child[1] == NULL && e->child[2] == NULL);
        case WG_AST_RETURN:
            return i == 1 || i == 2;
        case WG_AST_NODE:
        case WG_AST_EDGE:
            return i == 0;
        case WG_AST_LIST_COMPREHENSION:
            return i == 1 || i == 2;
        default:
            return false;
    }
}

/* The first child that may be taken out, when there are more than so many. */
static bool is_list(const wg_ast *e, uint32_t *first, uint32_t *least) {
    *first = *least = 0;
    switch (e->kind) {
        case WG_AST_QUERY:
            *first = 1;
            *least = 2;
            return true;
        case WG_AST_SINGLE:
        case WG_AST_LIST:
        case WG_AST_MAP:
            return true;
        case WG_AST_PATTERN:
        case WG_AST_SET:
        case WG_AST_REMOVE:
            *least = 1;
            return true;
        case WG_AST_WITH:
        case WG_AST_RETURN:
            *first = 4;
            *least = e->child[0] != NULL ? UINT32_MAX : 5;
            return true;
        case WG_AST_NODE:
        case WG_AST_EDGE:
            *first = 1;
            return true;
        case WG_AST_NARY:
            *least = 2;
            return true;
        default:
            return false;
    }
}

static void take_out(wg_ast *e, uint32_t i, uint32_t n) {
    for (uint32_t k = i; k + n < e->child_count; k++) e->child[k] = e->child[k + n];
    e->child_count -= n;
}

static bool due(size_t *n) { return (*n)-- == 0; }

static bool shrink_flags(wg_ast *e, size_t *n) {
    const bool optional = e->kind == WG_AST_MATCH && (e->flags & WG_AST_OPTIONAL) != 0;
    const bool named =
        (e->kind == WG_AST_NODE || e->kind == WG_AST_EDGE || e->kind == WG_AST_PATH) && e->text.size > 0;
    if (optional && due(n)) {
        e->flags = 0;
        return true;
    }
    if (named && due(n)) {
        e->text = (wg_slice){0};
        return true;
    }
    return false;
}

static bool shrink_child(wg_ast *e, uint32_t i, size_t *n) {
    uint32_t first, least;
    wg_ast *c = e->child[i];
    if (may_be_null(e, i) && c != NULL && due(n)) {
        e->child[i] = NULL;
        return true;
    }
    if (is_list(e, &first, &least) && i >= first && e->child_count > least && due(n)) {
        take_out(e, i, 1);
        return true;
    }
    if (e->kind == WG_AST_PATH && e->child_count > 2 && (i == 0 || i + 2 == e->child_count) && due(n)) {
        take_out(e, i == 0 ? 0 : i, 2);
        return true;
    }
    for (uint32_t k = 0; is_expression(c) && k < c->child_count; k++)
        if (is_expression(c->child[k]) && due(n)) {
            e->child[i] = c->child[k];
            return true;
        }
    if (is_expression(c) && c->child_count > 0 && due(n)) {
        c->kind = WG_AST_INT;
        c->child_count = 0;
        c->i = 1;
        return true;
    }
    if (is_expression(c) && c->kind != WG_AST_BOOL && due(n)) {
        c->kind = WG_AST_BOOL;
        c->child_count = 0;
        c->i = 1;
        return true;
    }
    return false;
}

/* The n-th thing that can be made smaller. */
static bool shrink(wg_ast *e, size_t *n) {
    if (shrink_flags(e, n)) return true;
    for (uint32_t i = 0; i < e->child_count; i++)
        if (shrink_child(e, i, n)) return true;
    for (uint32_t i = 0; i < e->child_count; i++)
        if (e->child[i] != NULL && shrink(e->child[i], n)) return true;
    return false;
}

wg_slice rnd_shrink_query(wg_arena *arena, wg_slice text, rnd_differs_fn differs, void *arg) {
    const wg_ast *ast;
    size_t n = 0;
    if (wg_parse(text, arena, &ast, NULL) != WG_OK) return text;
    for (size_t tries = 0; tries < TRIES_MAX; tries++) {
        wg_ast *smaller = copy(arena, ast);
        size_t left = n++;
        if (!shrink(smaller, &left)) break;
        wg_buf out;
        wg_buf_init(&out, NULL);
        if (wg_ast_print(smaller, &out, NULL) != WG_OK) exit(2);
        const wg_slice shorter = wg_slice_of(wg_arena_copy(arena, out.data, out.size), out.size);
        wg_buf_deinit(&out);
        const wg_ast *again;
        if (wg_parse(shorter, arena, &again, NULL) != WG_OK || !differs(arg, shorter)) continue;
        ast = again;
        text = shorter;
        n = 0;
    }
    return text;
}
