/* query/binder: expressions that bind variables: list comprehensions, quantifiers, reduce.
 *
 * A bound variable is a local of the evaluation, numbered by how deep it stands. It hides whatever has its name outside. What is known of
 * the type of the list's elements is known of the variable, so that a condition that can never work is refused before anything runs. */
#include "query/binder/binder.h"

const wgi_local *wgi_find_local(const wgi_binder *b, wg_slice name) {
    for (const wgi_local *local = b->locals; local != NULL; local = local->outer)
        if (wg_slice_equal(local->name, name)) return local;
    return NULL;
}

bool wgi_is_local(const wgi_binder *b, const wg_ast *ast) {
    while (ast->kind == WG_AST_PROPERTY) ast = ast->child[0];
    return ast->kind == WG_AST_VARIABLE && wgi_find_local(b, ast->text) != NULL;
}

static wg_type element_type(const wg_expr *list) {
    wg_type type = WG_TYPE_NULL;
    if (list->kind == WG_EXPR_COMPREHENSION) type = list->args[2]->type;
    if (list->kind == WG_EXPR_CALL && strcmp(wg_function_name(list->function), "range") == 0) type = WG_TYPE_INT;
    const bool constant = list->kind == WG_EXPR_CONST && list->type == WG_TYPE_LIST;
    const uint32_t count = constant ? list->value.size : list->kind == WG_EXPR_LIST ? list->arg_count : 0;
    for (uint32_t i = 0; i < count; i++) {
        const wg_type item = constant ? (wg_type)list->value.as.list[i].type : list->args[i]->type;
        if (item == WG_TYPE_NULL) continue;
        if (type != WG_TYPE_NULL && type != item) return WG_TYPE_ANY;
        type = item;
    }
    return type == WG_TYPE_NULL ? WG_TYPE_ANY : type;
}

static wg_code bind_list_operand(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    WG_TRY(wgi_bind(b, scope, ast, out));
    const wg_type type = (*out)->type;
    if (type == WG_TYPE_LIST || type == WG_TYPE_ANY || type == WG_TYPE_NULL) return WG_OK;
    return wgi_error(b, WG_E_TYPE, ast, "IN takes a LIST here, this is %s", wg_type_name(type));
}

static uint32_t next_number(const wgi_binder *b) { return b->locals != NULL ? b->locals->number + 1 : 0; }

/* TRUE where no condition is given. */
static wg_code bind_element_condition(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, const wg_ast *at,
                                      wg_expr **out) {
    const wg_value yes = wg_value_bool(true);
    if (ast == NULL) return wgi_const_expr(b, &yes, WG_TYPE_BOOL, at, out);
    WG_TRY(wgi_bind(b, scope, ast, out));
    const wg_type type = (*out)->type;
    if (type == WG_TYPE_BOOL || type == WG_TYPE_ANY || type == WG_TYPE_NULL) return WG_OK;
    return wgi_error(b, WG_E_TYPE, ast, "a condition must be BOOL, this is %s", wg_type_name(type));
}

static wg_code bind_body(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, const wgi_local *element,
                         wg_expr **args) {
    WG_TRY(bind_element_condition(b, scope, ast->child[1], ast, &args[1]));
    if (ast->kind == WG_AST_QUANTIFIER) return WG_OK;
    if (ast->child[2] != NULL) return wgi_bind(b, scope, ast->child[2], &args[2]);
    WG_TRY(wgi_slot_expr(b, element->number, element->type, ast, &args[2]));
    args[2]->kind = WG_EXPR_LOCAL;
    return WG_OK;
}

static wg_code bind_elements(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    const bool quantifier = ast->kind == WG_AST_QUANTIFIER;
    wg_expr *args[3];
    wg_expr *e = wgi_expr(b, quantifier ? WG_EXPR_QUANTIFIER : WG_EXPR_COMPREHENSION,
                          quantifier ? WG_TYPE_BOOL : WG_TYPE_LIST, ast);
    if (e == NULL) return WG_E_NOMEM;
    if (quantifier && ast->child[1] == NULL)
        return wgi_error(b, WG_E_BIND, ast, "a quantifier needs a condition: add WHERE");
    WG_TRY(bind_list_operand(b, scope, ast->child[0], &args[0]));
    const wgi_local element = {ast->text, element_type(args[0]), next_number(b), b->locals};
    b->locals = &element;
    const wg_code code = bind_body(b, scope, ast, &element, args);
    b->locals = element.outer;
    if (code != WG_OK) return code;
    e->slot = element.number;
    e->local_type = element.type;
    if (quantifier) e->key = ast->op; /* wg_ast_quantifier and wg_quantifier have one order */
    WG_TRY(wgi_set_args(b, e, args, quantifier ? 2 : 3));
    *out = e;
    return WG_OK;
}

static wg_code bind_reduce(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    wg_expr *args[3];
    wg_expr *e = wgi_expr(b, WG_EXPR_REDUCE, WG_TYPE_ANY, ast);
    if (e == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_bind(b, scope, ast->child[0], &args[0]));
    WG_TRY(bind_list_operand(b, scope, ast->child[2], &args[1]));
    const wgi_local accumulator = {ast->text, WG_TYPE_ANY, next_number(b), b->locals};
    const wgi_local element = {ast->child[1]->text, element_type(args[1]), accumulator.number + 1, &accumulator};
    b->locals = &element;
    const wg_code code = wgi_bind(b, scope, ast->child[3], &args[2]);
    b->locals = accumulator.outer;
    if (code != WG_OK) return code;
    e->slot = accumulator.number;
    e->local_type = element.type;
    WG_TRY(wgi_set_args(b, e, args, 3));
    *out = e;
    return WG_OK;
}

wg_code wgi_bind_binding(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    return ast->kind == WG_AST_REDUCE ? bind_reduce(b, scope, ast, out) : bind_elements(b, scope, ast, out);
}
