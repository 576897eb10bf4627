/* query/binder: expressions.
 *
 * Every construct of the language is either bound or refused by name with WG_E_UNSUPPORTED at its place; there is no third
 * way. AND, OR and XOR of many operands become balanced trees, so that a list of a hundred thousand alternatives costs
 * seventeen levels and not a hundred thousand. */
#include "query/binder/binder.h"

wg_expr *wgi_expr(wgi_binder *b, wg_expr_kind kind, wg_type type, const wg_ast *at) {
    wg_expr *e = wgi_alloc(b, 1, sizeof *e);
    if (e == NULL) return NULL;
    e->kind = kind;
    e->type = type;
    e->text_start = at != NULL ? at->start : 0;
    e->text_end = at != NULL ? at->end : 0;
    e->key = WG_NO_KEY;
    return e;
}

wg_code wgi_slot_expr(wgi_binder *b, uint32_t slot, wg_type type, const wg_ast *at, wg_expr **out) {
    wg_expr *e = wgi_expr(b, WG_EXPR_SLOT, type, at);
    if (e == NULL) return WG_E_NOMEM;
    e->slot = slot;
    *out = e;
    return WG_OK;
}

wg_code wgi_const_expr(wgi_binder *b, const wg_value *value, wg_type type, const wg_ast *at, wg_expr **out) {
    wg_expr *e = wgi_expr(b, WG_EXPR_CONST, type, at);
    if (e == NULL) return WG_E_NOMEM;
    e->value = *value;
    *out = e;
    return WG_OK;
}

static wg_code const_of(wgi_binder *b, wg_value value, const wg_ast *at, wg_expr **out) {
    return wgi_const_expr(b, &value, (wg_type)value.type, at, out);
}

bool wgi_is_constant(const wg_expr *expr) {
    if (expr->kind == WG_EXPR_SLOT || expr->kind == WG_EXPR_RANDOM || expr->kind == WG_EXPR_SUBQUERY) return false;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (!wgi_is_constant(expr->args[i])) return false;
    return true;
}

wg_code wgi_set_args(wgi_binder *b, wg_expr *e, wg_expr *const *args, uint32_t count) {
    wg_expr **copy = wgi_alloc(b, count, sizeof *copy);
    if (copy == NULL) return WG_E_NOMEM;
    if (count > 0) memcpy(copy, args, count * sizeof *copy);
    e->args = copy;
    e->arg_count = count;
    return WG_OK;
}

wg_code wgi_call(wgi_binder *b, const wg_ast *at, const char *name, wg_expr *const *args, uint32_t count,
                 wg_expr **out) {
    const wg_function *function = wg_function_find(wg_slice_str(name), count);
    if (function == NULL) return wgi_error(b, WG_E_UNSUPPORTED, at, "'%s' is not supported by this version", name);
    wg_type *types = wgi_alloc(b, count, sizeof *types);
    wg_expr *e = wgi_expr(b, WG_EXPR_CALL, WG_TYPE_ANY, at);
    if (types == NULL || e == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) types[i] = args[i]->type;
    wg_error refusal = {0}; /* apart: one that is forgiven must not be the first error of the statement */
    wg_code code = wg_function_type(function, types, count, &e->type, &refusal);
    if (code == WG_E_TYPE && !b->closed_nodes && wg_function_is_comparison(function)) {
        e->type = WG_TYPE_BOOL; /* false or null, as openCypher says of types that do not compare */
        code = WG_OK;
    }
    if (code != WG_OK) {
        if (refusal.offset == WG_NO_OFFSET) refusal.offset = at->start;
        if (b->err->code == WG_OK) *b->err = refusal;
        return code;
    }
    e->function = function;
    WG_TRY(wgi_set_args(b, e, args, count));
    *out = e;
    return WG_OK;
}

static wg_code bind_list(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, uint32_t first, wg_expr ***out) {
    const uint32_t count = ast->child_count - first;
    wg_expr **list = wgi_alloc(b, count, sizeof(wg_expr *));
    if (list == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) WG_TRY(wgi_bind(b, scope, ast->child[first + i], &list[i]));
    *out = list;
    return WG_OK;
}

/* ---- variables and properties */

static wg_code symbol_expr(wgi_binder *b, const wgi_symbol *symbol, const wg_ast *at, wg_expr **out) {
    return wgi_slot_expr(b, symbol->slot, symbol->type, at, out);
}

static const wg_ast *alias_target(const wgi_scope *scope, wg_slice name) {
    if (scope->aliases == NULL) return NULL;
    for (uint32_t i = 4; i < scope->aliases->child_count; i++)
        if (wg_slice_equal(scope->aliases->child[i]->text, name)) return scope->aliases->child[i]->child[0];
    return NULL;
}

static wg_code bind_variable(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    const wgi_local *local = wgi_find_local(b, ast->text);
    if (local != NULL) {
        WG_TRY(wgi_slot_expr(b, local->number, local->type, ast, out));
        (*out)->kind = WG_EXPR_LOCAL;
        return WG_OK;
    }
    bool of_row = false;
    WG_TRY(wgi_row_value(b, scope, ast, &of_row, out));
    if (of_row) return WG_OK;
    if (scope->aggregation != NULL && !scope->aggregation->over_results) {
        if (wgi_find(scope->aggregation->input, ast->text) == NULL)
            return wgi_undefined_variable(b, scope->aggregation->input, ast, ast->text);
        if (wgi_is_hidden(ast->text))
            return wgi_error(b, WG_E_BIND, ast,
                             "a subquery that looks at the rows is used beside an aggregate: make it a result of a "
                             "WITH before, or put it inside the aggregate");
        return wgi_error(b, WG_E_BIND, ast,
                         "'%.*s' is used beside an aggregate but is not one of the grouped results: return it as a "
                         "result of its own, or put it inside the aggregate",
                         (int)wg_min_size(ast->text.size, 64), (const char *)ast->text.data);
    }
    const wgi_symbol *symbol = wgi_find(scope->rel, ast->text);
    if (symbol == NULL) return wgi_undefined_variable(b, scope->rel, ast, ast->text);
    return symbol_expr(b, symbol, ast, out);
}

const wgi_symbol *wgi_direct_symbol(const wgi_scope *scope, const wg_ast *ast) {
    if (ast->kind != WG_AST_VARIABLE) return NULL;
    const wg_ast *target = alias_target(scope, ast->text);
    if (target != NULL && target->kind != WG_AST_VARIABLE) return NULL;
    const wg_slice name = target != NULL ? target->text : ast->text;
    return wgi_find(scope->aggregation != NULL ? scope->aggregation->input : scope->rel, name);
}

static wg_code dynamic_property(wgi_binder *b, const wg_ast *ast, wg_slice name, wg_expr *base, wg_expr **out) {
    wg_expr *e = wgi_expr(b, WG_EXPR_PROPERTY, WG_TYPE_ANY, ast);
    if (e == NULL) return WG_E_NOMEM;
    e->name = name;
    e->key = wg_txn_key(b->txn, name);
    WG_TRY(wgi_set_args(b, e, &base, 1));
    *out = e;
    return WG_OK;
}

static wg_code property_of(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_slice name, wg_expr **out);

/* *out stays NULL where the expression means no column inside of a group. */
static wg_code inner_column(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    const wg_ast *base = wgi_chain_base(ast);
    const wgi_symbol *node = base == NULL || wgi_is_local(b, base) ? NULL : wgi_direct_symbol(scope, base);
    wg_slice name;
    *out = NULL;
    if (node == NULL || node->type != WG_TYPE_NODE) return WG_OK;
    if (!wgi_inner_column(b, node->labels, node->label_count, ast, &name)) return WG_OK;
    wg_ast *column = wgi_alloc(b, 1, sizeof *column);
    wg_ast **child = wgi_alloc(b, 1, sizeof *child);
    if (column == NULL || child == NULL) return WG_E_NOMEM;
    *column = *ast;
    column->text = name;
    column->child = child;
    memcpy(child, &base, sizeof base);
    return property_of(b, scope, column, name, out);
}

static wg_code property_of(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_slice name, wg_expr **out) {
    wg_expr *base;
    WG_TRY(inner_column(b, scope, ast, out));
    if (*out != NULL) return WG_OK;
    WG_TRY(wgi_bind(b, scope, ast->child[0], &base));
    const bool parts = base->type >= WG_TYPE_DATE && base->type <= WG_TYPE_POINT;
    if (base->type == WG_TYPE_ANY || base->type == WG_TYPE_MAP || base->type == WG_TYPE_NULL || parts)
        return dynamic_property(b, ast, name, base, out);
    if (base->type != WG_TYPE_NODE && base->type != WG_TYPE_EDGE)
        return wgi_error(b, WG_E_TYPE, ast, "a value of type %s has no properties, so '.%.*s' has no meaning",
                         wg_type_name(base->type), (int)wg_min_size(name.size, 64), (const char *)name.data);
    const wgi_symbol nameless = {.type = base->type};
    const wgi_symbol *symbol = wgi_is_local(b, ast->child[0]) ? NULL : wgi_direct_symbol(scope, ast->child[0]);
    WG_TRY(wgi_refuse_deleted(b, symbol, ast, &base));
    if (base->type == WG_TYPE_ANY) return dynamic_property(b, ast, name, base, out);
    const wgi_relation *input = scope->aggregation != NULL ? scope->aggregation->input : scope->rel;
    uint32_t key, column;
    wg_type type;
    const wg_label *computing = input->writes ? NULL : wgi_computed_label(b, symbol, name, &column);
    if (computing != NULL && ast->kind == WG_AST_PROPERTY && scope->aggregation == NULL)
        return wgi_bind_computed(b, scope, ast, computing, column, out);
    WG_TRY(wgi_property_type(b, ast, symbol != NULL ? symbol : &nameless, name, &key, &type));
    /* A statement that writes may make rows that nothing is known of yet. */
    if (input->writes) {
        WG_TRY(wgi_intern_key(b, name, &key)); /* it may come with a map */
        type = key != WG_NO_KEY ? WG_TYPE_ANY : WG_TYPE_NULL;
    }
    if (type == WG_TYPE_NULL) return const_of(b, wg_value_null(), ast, out);
    for (uint32_t i = 0; scope->aggregation == NULL && base->kind == WG_EXPR_SLOT && i < scope->rel->property_count;
         i++) {
        const wgi_property_slot *p = &scope->rel->properties[i];
        if (p->of_slot == base->slot && p->key == key)
            return wgi_slot_expr(b, p->slot, scope->rel->plan->slot_types[p->slot], ast, out);
    }
    const bool edge = base->type == WG_TYPE_EDGE;
    wg_expr *e = wgi_expr(b, edge ? WG_EXPR_EDGE_PROPERTY : WG_EXPR_NODE_PROPERTY, type, ast);
    if (e == NULL) return WG_E_NOMEM;
    e->key = key;
    e->name = name;
    WG_TRY(wgi_set_args(b, e, &base, 1));
    *out = e;
    return WG_OK;
}

static wg_code bind_index(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    if (ast->child[1]->kind == WG_AST_STRING) {
        wg_expr *base;
        WG_TRY(wgi_bind(b, scope, ast->child[0], &base));
        if (base->type == WG_TYPE_NODE || base->type == WG_TYPE_EDGE)
            return property_of(b, scope, ast, ast->child[1]->text, out);
    }
    wg_expr *args[2];
    WG_TRY(wgi_bind(b, scope, ast->child[0], &args[0]));
    WG_TRY(wgi_bind(b, scope, ast->child[1], &args[1]));
    return wgi_call(b, ast, "[]", args, 2, out);
}

static wg_code bind_slice(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    wg_expr *args[3];
    WG_TRY(wgi_bind(b, scope, ast->child[0], &args[0]));
    for (uint32_t i = 1; i < 3; i++) {
        if (ast->child[i] != NULL) {
            WG_TRY(wgi_bind(b, scope, ast->child[i], &args[i]));
        } else {
            WG_TRY(const_of(b, wg_value_int(i == 1 ? 0 : INT64_MAX), ast, &args[i]));
        }
    }
    return wgi_call(b, ast, "[..]", args, 3, out);
}

/* A label that no node has: false, and null for null. */
static wg_code false_unless_null(wgi_binder *b, const wg_ast *ast, wg_expr *base, wg_expr **out) {
    wg_expr *args[3];
    wg_expr *e = wgi_expr(b, WG_EXPR_CASE, WG_TYPE_BOOL, ast);
    if (e == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_call(b, ast, "IS NULL", &base, 1, &args[0]));
    WG_TRY(const_of(b, wg_value_null(), ast, &args[1]));
    WG_TRY(const_of(b, wg_value_bool(false), ast, &args[2]));
    WG_TRY(wgi_set_args(b, e, args, 3));
    *out = e;
    return WG_OK;
}

static wg_code balance(wgi_binder *b, const wg_ast *at, const char *op, wg_expr **terms, uint32_t count,
                       wg_expr **out);

/* The names among the children [first..) of `ast`, all at once. */
static wg_code bind_label_names(wgi_binder *b, const wg_ast *ast, uint32_t first, wg_expr *base, wg_expr **out) {
    const uint32_t *labels;
    uint32_t count;
    bool missing = false;
    WG_TRY(wgi_labels(b, ast, first, &labels, &count, &missing));
    if (missing) return false_unless_null(b, ast, base, out);
    wg_expr *e = wgi_expr(b, WG_EXPR_HAS_LABELS, WG_TYPE_BOOL, ast);
    if (e == NULL) return WG_E_NOMEM;
    e->labels = labels;
    e->label_count = count;
    WG_TRY(wgi_set_args(b, e, &base, 1));
    *out = e;
    return WG_OK;
}

/* A relationship has one type; a node any number of labels, `%`: at least one. */
static wg_code bind_label_leaf(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr *base,
                               wg_expr **out) {
    wg_expr *args[3];
    wg_ast one = {.kind = WG_AST_HAS_LABELS, .start = ast->start, .end = ast->end, .child_count = 1};
    wg_ast *name = wgi_alloc(b, 1, sizeof *name);
    if (name == NULL) return WG_E_NOMEM;
    *name = *ast;
    one.child = &name;
    if (base->type != WG_TYPE_EDGE && ast->kind == WG_AST_NAME) return bind_label_names(b, &one, 0, base, out);
    WG_TRY(wgi_call(b, ast, base->type == WG_TYPE_EDGE ? "type" : "labels", &base, 1, &args[0]));
    if (ast->kind == WG_AST_LABEL_OF) {
        WG_TRY(wgi_bind(b, scope, ast->child[0], &args[1]));
        WG_TRY(const_of(b, wg_value_bool(ast->op == WG_OP_OR), ast, &args[2]));
        return wgi_call(b, ast, "%labelled", args, 3, out);
    }
    args[1] = args[0];
    if (base->type == WG_TYPE_EDGE) {
        if (ast->kind == WG_AST_NAME) WG_TRY(const_of(b, wg_value_str(ast->text), ast, &args[1]));
        return wgi_call(b, ast, "=", args, 2, out);
    }
    WG_TRY(wgi_call(b, ast, "size", &args[0], 1, &args[0]));
    WG_TRY(const_of(b, wg_value_int(0), ast, &args[1]));
    return wgi_call(b, ast, ">", args, 2, out);
}

static wg_code bind_label_expr(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr *base,
                               wg_expr **out) {
    if (ast->kind != WG_AST_LABEL_EXPR) return bind_label_leaf(b, scope, ast, base, out);
    wg_expr **terms = wgi_alloc(b, ast->child_count, sizeof(wg_expr *));
    if (terms == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < ast->child_count; i++) WG_TRY(bind_label_expr(b, scope, ast->child[i], base, &terms[i]));
    if (ast->op == WG_OP_NOT) return wgi_call(b, ast, "NOT", terms, 1, out);
    return balance(b, ast, wg_ast_op_name((wg_ast_op)ast->op), terms, ast->child_count, out);
}

static wg_code bind_has_labels(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    wg_expr *base;
    bool plain = true;
    WG_TRY(wgi_bind(b, scope, ast->child[0], &base));
    if (base->type != WG_TYPE_NODE && base->type != WG_TYPE_EDGE && base->type != WG_TYPE_ANY &&
        base->type != WG_TYPE_NULL)
        return wgi_error(b, WG_E_TYPE, ast, "only a node has labels, this is %s", wg_type_name(base->type));
    for (uint32_t i = 1; i < ast->child_count; i++) plain = plain && ast->child[i]->kind == WG_AST_NAME;
    if (plain && base->type != WG_TYPE_EDGE) return bind_label_names(b, ast, 1, base, out);
    wg_ast all = *ast; /* the children behind the base, all of which must hold */
    all.kind = WG_AST_LABEL_EXPR;
    all.op = WG_OP_AND;
    all.child = ast->child + 1;
    all.child_count = ast->child_count - 1;
    return bind_label_expr(b, scope, &all, base, out);
}

/* ---- operators */

static wg_code bind_typed(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    wg_expr *args[2];
    WG_TRY(wgi_bind(b, scope, ast->child[0], &args[0]));
    WG_TRY(const_of(b, wg_value_str(ast->text), ast, &args[1]));
    return wgi_call(b, ast, "%typed", args, 2, out);
}

static wg_code bind_unary(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    wg_expr *arg;
    WG_TRY(wgi_bind(b, scope, ast->child[0], &arg));
    const wg_ast_op op = (wg_ast_op)ast->op;
    const char *name = op == WG_OP_MINUS ? "neg" : op == WG_OP_PLUS ? "pos" : wg_ast_op_name(op);
    return wgi_call(b, ast, name, &arg, 1, out);
}

static wg_code check_in_element(wgi_binder *b, wg_type value, wg_type element, const wg_ast *at) {
    const wg_type types[2] = {value, element};
    wg_type unused;
    if (wg_function_type(wg_function_find(wg_slice_str("="), 2), types, 2, &unused, NULL) == WG_OK) return WG_OK;
    return wgi_error(b, WG_E_TYPE, at, "cannot compare %s IN a list with a %s: the types never match",
                     wg_type_name(value), wg_type_name(element));
}

/* A property with a declared type in a list of literals or in a parameter: what `=` would refuse is refused here too, because
 * no row could have it. Other lists may hold anything, as openCypher says. */
static wg_code check_in(wgi_binder *b, const wg_expr *value, const wg_expr *list, const wg_ast *at) {
    if (at->child[0]->kind != WG_AST_PROPERTY) return WG_OK;
    for (uint32_t i = 0; list->kind == WG_EXPR_CONST && list->type == WG_TYPE_LIST && i < list->value.size; i++)
        WG_TRY(check_in_element(b, value->type, (wg_type)list->value.as.list[i].type, at->child[1]));
    if (at->child[1]->kind == WG_AST_LIST && list->kind == WG_EXPR_LIST)
        for (uint32_t i = 0; i < list->arg_count; i++)
            WG_TRY(check_in_element(b, value->type, list->args[i]->type, at->child[1]->child[i]));
    if (list->kind != WG_EXPR_PARAM || list->type != WG_TYPE_LIST) return WG_OK;
    const wg_value *param = &b->params[list->slot]; /* only a known parameter has the type LIST */
    for (uint32_t i = 0; i < param->size; i++)
        WG_TRY(check_in_element(b, value->type, (wg_type)param->as.list[i].type, at->child[1]));
    return WG_OK;
}

/* A column whose declared type is narrower than how it is stored (a DURATION, a LIST): comparing it with a value of another type is the
 * same mistake as for an INT. */
static wg_code check_declared(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr *const *args) {
    wg_type types[2], unused;
    bool any = false;
    if (!b->closed_nodes || ast->op < WG_OP_EQ || ast->op > WG_OP_GE) return WG_OK;
    for (uint32_t i = 0; i < 2; i++) {
        types[i] = args[i]->type;
        const wg_ast *side = ast->child[i];
        if (types[i] != WG_TYPE_ANY || side->kind != WG_AST_PROPERTY || wgi_is_local(b, side->child[0])) continue;
        types[i] = wgi_declared_type(b, wgi_direct_symbol(scope, side->child[0]), side->text);
        any = any || types[i] != WG_TYPE_ANY;
    }
    if (!any) return WG_OK;
    const wg_code code = wg_function_type(wg_function_find(wg_slice_str(wg_ast_op_name((wg_ast_op)ast->op)), 2),
                                          types, 2, &unused, b->err);
    if (code != WG_OK && b->err->offset == WG_NO_OFFSET) b->err->offset = ast->start;
    return code;
}

static wg_code bind_binary(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    wg_expr *args[2];
    WG_TRY(wgi_bind(b, scope, ast->child[0], &args[0]));
    WG_TRY(wgi_bind(b, scope, ast->child[1], &args[1]));
    if (ast->op == WG_OP_IN) WG_TRY(check_in(b, args[0], args[1], ast));
    WG_TRY(check_declared(b, scope, ast, args));
    return wgi_call(b, ast, wg_ast_op_name((wg_ast_op)ast->op), args, 2, out);
}

/* Joins terms[0..count) pairwise until one is left. */
static wg_code balance(wgi_binder *b, const wg_ast *at, const char *op, wg_expr **terms, uint32_t count,
                       wg_expr **out) {
    while (count > 1) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < count; i += 2, kept++) {
            if (i + 1 == count) {
                terms[kept] = terms[i];
                continue;
            }
            wg_expr *args[2] = {terms[i], terms[i + 1]};
            WG_TRY(wgi_call(b, at, op, args, 2, &terms[kept]));
        }
        count = kept;
    }
    *out = terms[0];
    return WG_OK;
}

static wg_code bind_nary(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    wg_expr **terms;
    WG_TRY(bind_list(b, scope, ast, 0, &terms));
    return balance(b, ast, wg_ast_op_name((wg_ast_op)ast->op), terms, ast->child_count, out);
}

static wg_code bind_chain(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    wg_expr **operands;
    WG_TRY(bind_list(b, scope, ast, 0, &operands));
    for (uint32_t i = 0; i + 1 < ast->child_count; i++) {
        wg_expr *args[2] = {operands[i], operands[i + 1]};
        WG_TRY(wgi_call(b, ast, wg_ast_op_name((wg_ast_op)ast->text.data[i]), args, 2, &operands[i]));
    }
    return balance(b, ast, "AND", operands, ast->child_count - 1, out);
}

/* ---- CASE, lists, maps */

static wg_type common_type(wg_type a, wg_type b) {
    if (a == WG_TYPE_NULL) return b;
    if (b == WG_TYPE_NULL || a == b) return a;
    return WG_TYPE_ANY;
}

/* Tests of a WHEN see the subject of their own CASE, and not that of one around it. */
static wg_code bind_when(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr *subject, wg_expr **out) {
    wg_expr *outer = b->case_subject;
    b->case_subject = subject;
    const wg_code code = wgi_bind(b, scope, ast, out);
    b->case_subject = outer;
    return code;
}

static wg_code bind_case(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    const uint32_t whens = ast->child_count - 2;
    wg_expr **args = wgi_alloc(b, 2 * (size_t)whens + 1, sizeof(wg_expr *));
    wg_expr *e = wgi_expr(b, WG_EXPR_CASE, WG_TYPE_NULL, ast);
    wg_expr *subject = NULL;
    if (args == NULL || e == NULL) return WG_E_NOMEM;
    if (ast->child[0] != NULL) WG_TRY(wgi_bind(b, scope, ast->child[0], &subject));
    uint32_t count = 0;
    for (uint32_t i = 0; i < whens; i++) {
        const wg_ast *when = ast->child[i + 2];
        wg_expr *condition, *result;
        WG_TRY(bind_when(b, scope, when->child[0], subject, &condition));
        if (subject != NULL && !(when->flags & WG_AST_TESTS)) {
            wg_expr *pair[2] = {subject, condition};
            WG_TRY(wgi_call(b, when, "=", pair, 2, &condition));
        } else if (condition->type != WG_TYPE_BOOL && condition->type != WG_TYPE_ANY &&
                   condition->type != WG_TYPE_NULL) {
            return wgi_error(b, WG_E_TYPE, when->child[0], "a WHEN condition must be BOOL, this is %s",
                             wg_type_name(condition->type));
        }
        WG_TRY(wgi_bind(b, scope, when->child[1], &result));
        args[count++] = condition;
        args[count++] = result;
        e->type = common_type(e->type, result->type);
    }
    if (ast->child[1] != NULL) {
        WG_TRY(wgi_bind(b, scope, ast->child[1], &args[count]));
        e->type = common_type(e->type, args[count++]->type);
    }
    WG_TRY(wgi_set_args(b, e, args, count));
    *out = e;
    return WG_OK;
}

/* A long list of constants is one value, which all rows share: made for each row it would cost memory times rows. *out NULL: it is none. */
static wg_code constant_list(wgi_binder *b, const wg_ast *ast, wg_expr *const *items, wg_expr **out) {
    enum { LONG_LIST = 64 };
    *out = NULL;
    if (ast->child_count < LONG_LIST) return WG_OK;
    for (uint32_t i = 0; i < ast->child_count; i++)
        if (items[i]->kind != WG_EXPR_CONST) return WG_OK;
    wg_value *values = wgi_alloc(b, ast->child_count, sizeof *values);
    if (values == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < ast->child_count; i++) values[i] = items[i]->value;
    const wg_value list = {.type = WG_TYPE_LIST, .size = ast->child_count, .as = {.list = values}};
    return wgi_const_expr(b, &list, WG_TYPE_LIST, ast, out);
}

static wg_code bind_list_literal(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    wg_expr **items;
    WG_TRY(bind_list(b, scope, ast, 0, &items));
    WG_TRY(constant_list(b, ast, items, out));
    if (*out != NULL) return WG_OK;
    wg_expr *e = wgi_expr(b, WG_EXPR_LIST, WG_TYPE_LIST, ast);
    if (e == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_set_args(b, e, items, ast->child_count));
    *out = e;
    return WG_OK;
}

typedef struct named_expr {
    wg_slice name;
    wg_expr *expr;
} named_expr;

/* MAP of named values: sorted by key bytes; of equal keys the last one counts. */
static wg_code make_map(wgi_binder *b, const wg_ast *ast, named_expr *items, uint32_t count, wg_expr **out) {
    wg_slice *names = wgi_alloc(b, count, sizeof *names);
    wg_expr **values = wgi_alloc(b, count, sizeof(wg_expr *));
    wg_expr *e = wgi_expr(b, WG_EXPR_MAP, WG_TYPE_MAP, ast);
    if (names == NULL || values == NULL || e == NULL) return WG_E_NOMEM;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) { /* insertion sort: maps in query texts are small */
        uint32_t at = 0;
        while (at < kept && wg_slice_compare(names[at], items[i].name) < 0) at++;
        if (at == kept || !wg_slice_equal(names[at], items[i].name)) {
            memmove(names + at + 1, names + at, (kept - at) * sizeof *names);
            memmove(values + at + 1, values + at, (kept - at) * sizeof *values);
            kept++;
        }
        names[at] = items[i].name;
        values[at] = items[i].expr;
    }
    e->names = names;
    WG_TRY(wgi_set_args(b, e, values, kept));
    *out = e;
    return WG_OK;
}

wg_code wgi_map_expr(wgi_binder *b, const wgi_scope *scope, const wg_ast *map, wg_expr **out) {
    enum { ENTRIES_MAX = 4096 };
    if (map->child_count > ENTRIES_MAX)
        return wgi_error(b, WG_E_LIMIT, map, "a map in a query may have at most %d entries", ENTRIES_MAX);
    named_expr *items = wgi_alloc(b, map->child_count, sizeof *items);
    if (items == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < map->child_count; i++) {
        items[i].name = map->child[i]->text;
        WG_TRY(wgi_bind(b, scope, map->child[i]->child[0], &items[i].expr));
    }
    return make_map(b, map, items, map->child_count, out);
}

static wg_code bind_map_projection(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    enum { ENTRIES_MAX = 4096 };
    if (ast->child_count > ENTRIES_MAX)
        return wgi_error(b, WG_E_LIMIT, ast, "a map in a query may have at most %d entries", ENTRIES_MAX);
    named_expr *items = wgi_alloc(b, ast->child_count, sizeof *items);
    wg_ast *variable = wgi_alloc(b, 1, sizeof *variable);
    if (items == NULL || variable == NULL) return WG_E_NOMEM;
    variable->kind = WG_AST_VARIABLE;
    variable->text = ast->text;
    variable->start = ast->start;
    variable->end = ast->end;
    uint32_t count = 0;
    bool all = false;
    for (uint32_t i = 0; i < ast->child_count; i++) {
        const wg_ast *item = ast->child[i];
        all = all || item->kind == WG_AST_ALL_PROPERTIES;
        if (item->kind == WG_AST_ALL_PROPERTIES) continue;
        named_expr *to = &items[count++];
        to->name = item->text;
        if (item->kind == WG_AST_OWN_PROPERTY) {
            wg_ast property = {.kind = WG_AST_PROPERTY, .start = item->start, .end = item->end, .text = item->text};
            property.child = &variable;
            property.child_count = 1;
            WG_TRY(property_of(b, scope, &property, item->text, &to->expr));
        } else {
            const wg_ast *value = item->kind == WG_AST_ENTRY ? item->child[0] : item;
            WG_TRY(wgi_bind(b, scope, value, &to->expr));
        }
    }
    wg_expr *base, *args[2];
    WG_TRY(wgi_bind(b, scope, variable, &base));
    WG_TRY(make_map(b, ast, items, count, &args[1]));
    if (all) { /* what is named wins */
        wg_expr *both[2] = {NULL, args[1]};
        WG_TRY(wgi_call(b, ast, "properties", &base, 1, &both[0]));
        WG_TRY(wgi_call(b, ast, "%overlay", both, 2, &args[1]));
    }
    WG_TRY(wgi_call(b, ast, "IS NOT NULL", &base, 1, &args[0])); /* of null it is null, not a map of nulls */
    wg_expr *e = wgi_expr(b, WG_EXPR_CASE, WG_TYPE_MAP, ast);
    if (e == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_set_args(b, e, args, 2));
    *out = e;
    return WG_OK;
}

static wg_code bind_parameter(wgi_binder *b, const wg_ast *ast, wg_expr **out) {
    const uint32_t number = wgi_params_find(b->param_names, ast->text);
    if (number == UINT32_MAX)
        return wgi_error(b, WG_E_PARAMETER, ast, "parameter $%.*s is not known", (int)wg_min_size(ast->text.size, 64),
                         (const char *)ast->text.data);
    const wg_type type = b->params != NULL ? (wg_type)b->params[number].type : WG_TYPE_ANY;
    wg_expr *e = wgi_expr(b, WG_EXPR_PARAM, type, ast);
    if (e == NULL) return WG_E_NOMEM;
    e->slot = number;
    *out = e;
    return WG_OK;
}

/* ---- dispatch */

static wg_code bind_kind(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    switch (ast->kind) {
        case WG_AST_NULL:
            return const_of(b, wg_value_null(), ast, out);
        case WG_AST_BOOL:
            return const_of(b, wg_value_bool(ast->i != 0), ast, out);
        case WG_AST_INT:
            return const_of(b, wg_value_int(ast->i), ast, out);
        case WG_AST_FLOAT:
            return const_of(b, wg_value_float(ast->f), ast, out);
        case WG_AST_STRING:
            return const_of(b, wg_value_str(ast->text), ast, out);
        case WG_AST_LIST:
            return bind_list_literal(b, scope, ast, out);
        case WG_AST_MAP:
            return wgi_map_expr(b, scope, ast, out);
        case WG_AST_PARAMETER:
            return bind_parameter(b, ast, out);
        case WG_AST_VARIABLE:
            return bind_variable(b, scope, ast, out);
        case WG_AST_PROPERTY:
            return property_of(b, scope, ast, ast->text, out);
        case WG_AST_INDEX:
            return bind_index(b, scope, ast, out);
        case WG_AST_SLICE:
            return bind_slice(b, scope, ast, out);
        case WG_AST_HAS_LABELS:
            return bind_has_labels(b, scope, ast, out);
        case WG_AST_IS_TYPED:
            return bind_typed(b, scope, ast, out);
        case WG_AST_CASE_SUBJECT:
            WG_ASSERT(b->case_subject != NULL); /* the parser puts it nowhere else */
            *out = b->case_subject;
            return WG_OK;
        case WG_AST_UNARY:
            return bind_unary(b, scope, ast, out);
        case WG_AST_BINARY:
            return bind_binary(b, scope, ast, out);
        case WG_AST_NARY:
            return bind_nary(b, scope, ast, out);
        case WG_AST_CHAIN:
            return bind_chain(b, scope, ast, out);
        case WG_AST_FUNCTION:
            return wgi_bind_function(b, scope, ast, out);
        case WG_AST_CASE:
            return bind_case(b, scope, ast, out);
        case WG_AST_MAP_PROJECTION:
            return bind_map_projection(b, scope, ast, out);
        case WG_AST_LIST_COMPREHENSION:
        case WG_AST_QUANTIFIER:
        case WG_AST_REDUCE:
            return wgi_bind_binding(b, scope, ast, out);
        case WG_AST_PATTERN_COMPREHENSION:
        case WG_AST_PATTERN_TEST:
        case WG_AST_SUBQUERY:
            return wgi_bind_subquery(b, scope, ast, out);
        default:
            return wgi_unsupported(b, ast, wg_ast_kind_name((wg_ast_kind)ast->kind));
    }
}

wg_code wgi_bind(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    const wgi_aggregation *aggregation = scope->aggregation;
    const wg_ast *target = ast->kind == WG_AST_VARIABLE ? alias_target(scope, ast->text) : NULL;
    if (wgi_is_local(b, ast)) return bind_kind(b, scope, ast, out);
    if (target != NULL) { /* the alias hides a variable of the same name */
        const wgi_scope inner = {scope->rel, scope->aggregation, NULL, scope->where};
        const wgi_local *locals = b->locals;
        b->locals = NULL; /* its own text is not inside what binds them */
        const wg_code code = wgi_bind(b, &inner, target, out);
        b->locals = locals;
        return code;
    }
    /* Inside a larger expression only variables and properties stand for a group key: `a.x + b.x + count(*)` beside
     * `a.x + b.x` is refused, as openCypher asks, because it would depend on how the text is bracketed. */
    const bool simple = ast->kind == WG_AST_VARIABLE || ast->kind == WG_AST_PROPERTY;
    for (uint32_t i = 0; aggregation != NULL && i < aggregation->key_count; i++)
        if (ast == aggregation->keys[i] || (simple && wg_ast_equal(ast, aggregation->keys[i])))
            return wgi_slot_expr(b, i, aggregation->key_exprs[i]->type, ast, out);
    if (wgi_is_aggregate(ast)) return wgi_bind_aggregate(b, scope, ast, out);
    return bind_kind(b, scope, ast, out);
}

wg_code wgi_bind_in(wgi_binder *b, const wgi_relation *rel, const char *where, const wg_ast *ast, wg_expr **out) {
    const wgi_scope scope = {rel, NULL, NULL, where};
    return wgi_bind(b, &scope, ast, out);
}

wg_code wgi_bind_condition(wgi_binder *b, const wgi_relation *rel, const char *where, const wg_ast *ast,
                           wg_expr **out) {
    wg_expr *e;
    WG_TRY(wgi_bind_in(b, rel, where, ast, &e));
    if (e->type != WG_TYPE_BOOL && e->type != WG_TYPE_ANY && e->type != WG_TYPE_NULL)
        return wgi_error(b, WG_E_TYPE, ast, "a condition must be BOOL, this is %s", wg_type_name(e->type));
    *out = e;
    return WG_OK;
}
