/* tests/reference: the value of an expression at a row. Three-valued logic is int: 1 true, 0 false, -1 null. */
#include "tests/reference/reference.h"

const ref_bind *ref_find(const ref_bind *row, wg_slice name) {
    while (row != NULL && !wg_slice_equal(row->name, name)) row = row->next;
    return row;
}

const ref_bind *ref_with(ref_ctx *ctx, const ref_bind *row, wg_slice name, wg_value value) {
    ref_bind *b = ref_alloc(ctx->arena, 1, sizeof *b);
    ref_step(ctx);
    *b = (ref_bind){name, value, row};
    return b;
}

static wg_value lookup(ref_ctx *ctx, wg_slice name, const ref_env *env) {
    const ref_bind *b = ref_find(env->row, name);
    if (b == NULL) ref_fail(ctx, WG_E_BIND, "no variable %.*s", (int)name.size, (const char *)name.data);
    return b->value;
}

static wg_value parameter(ref_ctx *ctx, wg_slice name) {
    for (size_t i = 0; i < ctx->param_count; i++)
        if (wg_slice_is(name, ctx->params[i].name)) return ctx->params[i].value;
    ref_fail(ctx, WG_E_PARAMETER, "no parameter %.*s", (int)name.size, (const char *)name.data);
}

wg_value ref_property(ref_ctx *ctx, const wg_value *base, wg_slice key) {
    wg_value v = ref_null();
    if (base->type == WG_TYPE_NULL) return v;
    if (base->type == WG_TYPE_MAP) {
        (void)ref_find_entry(base->as.map, base->size, key, &v);
    } else if (base->type == WG_TYPE_NODE) {
        const ref_node *n = base->as.ptr;
        if (n->deleted) ref_fail(ctx, WG_E_NOT_FOUND, "a property of a deleted node");
        (void)ref_find_entry(n->properties, n->property_count, key, &v);
    } else if (base->type == WG_TYPE_EDGE) {
        const ref_edge *r = base->as.ptr;
        if (r->deleted) ref_fail(ctx, WG_E_NOT_FOUND, "a property of a deleted relationship");
        (void)ref_find_entry(r->properties, r->property_count, key, &v);
    } else if (ref_is_temporal(base)) {
        v = ref_temporal_part(ctx, base, key);
    } else {
        ref_fail(ctx, WG_E_TYPE, "%s has no properties", wg_type_name((wg_type)base->type));
    }
    return v;
}

static int truth(ref_ctx *ctx, const wg_value *v) {
    if (v->type == WG_TYPE_NULL) return -1;
    if (v->type != WG_TYPE_BOOL) ref_fail(ctx, WG_E_TYPE, "%s is no BOOL", wg_type_name((wg_type)v->type));
    return v->as.b;
}

int ref_eval_truth(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    if (e == NULL) return 1;
    const wg_value v = ref_eval(ctx, e, env);
    return truth(ctx, &v);
}

/* Every operand is looked at, so that one of a wrong type is found whatever the others are. */
static wg_value nary(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    int result = e->op == WG_OP_AND ? 1 : 0;
    for (uint32_t i = 0; i < e->child_count; i++) {
        const int t = ref_eval_truth(ctx, e->child[i], env);
        if (e->op == WG_OP_AND) result = result == 0 || t == 0 ? 0 : result < 0 || t < 0 ? -1 : 1;
        else if (e->op == WG_OP_OR) result = result == 1 || t == 1 ? 1 : result < 0 || t < 0 ? -1 : 0;
        else result = result < 0 || t < 0 ? -1 : result != t;
    }
    return ref_bool(result);
}

static wg_value chain(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    int result = 1;
    wg_value left = ref_eval(ctx, e->child[0], env);
    for (uint32_t i = 1; i < e->child_count; i++) {
        const wg_value right = ref_eval(ctx, e->child[i], env);
        const int t = ref_compare((wg_ast_op)e->text.data[i - 1], &left, &right);
        result = result == 0 || t == 0 ? 0 : result < 0 || t < 0 ? -1 : 1;
        left = right;
    }
    return ref_bool(result);
}

static wg_value list_of(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    wg_value *items = ref_alloc(ctx->arena, e->child_count, sizeof *items);
    for (uint32_t i = 0; i < e->child_count; i++) items[i] = ref_eval(ctx, e->child[i], env);
    return ref_list(items, e->child_count);
}

static wg_value map_of(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    wg_value map = {.type = WG_TYPE_MAP};
    for (uint32_t i = 0; i < e->child_count; i++)
        map = ref_map_with(ctx->arena, &map, e->child[i]->text, ref_eval(ctx, e->child[i]->child[0], env));
    return map;
}

static wg_value has_labels(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    const wg_value base = ref_eval(ctx, e->child[0], env);
    if (base.type == WG_TYPE_NULL) return base;
    for (uint32_t i = 1; i < e->child_count; i++) {
        bool found = false;
        if (base.type == WG_TYPE_NODE) {
            const ref_node *n = base.as.ptr;
            found = ref_has_label(e->child[i], n->labels, n->label_count);
        } else if (base.type == WG_TYPE_EDGE) {
            found = ref_has_label(e->child[i], &((const ref_edge *)base.as.ptr)->type, 1);
        } else {
            ref_fail(ctx, WG_E_TYPE, "labels of a %s", wg_type_name((wg_type)base.type));
        }
        if (!found) return ref_bool(0);
    }
    return ref_bool(1);
}

static wg_value case_of(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    const wg_value subject = e->child[0] != NULL ? ref_eval(ctx, e->child[0], env) : ref_null();
    for (uint32_t i = 2; i < e->child_count; i++) {
        const wg_ast *when = e->child[i];
        const wg_value v = ref_eval(ctx, when->child[0], env);
        const bool hit = e->child[0] != NULL ? ref_equal(&subject, &v) == 1 : truth(ctx, &v) == 1;
        if (hit) return ref_eval(ctx, when->child[1], env);
    }
    return e->child[1] != NULL ? ref_eval(ctx, e->child[1], env) : ref_null();
}

static wg_value need_list(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    const wg_value v = ref_eval(ctx, e, env);
    if (v.type != WG_TYPE_LIST && v.type != WG_TYPE_NULL)
        ref_fail(ctx, WG_E_TYPE, "a list is needed, not %s", wg_type_name((wg_type)v.type));
    return v;
}

static ref_env inner(ref_ctx *ctx, const ref_env *env, wg_slice name, wg_value value) {
    ref_env local = *env;
    local.row = ref_with(ctx, env->row, name, value);
    return local;
}

static wg_value list_comprehension(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    const wg_value list = need_list(ctx, e->child[0], env);
    if (list.type == WG_TYPE_NULL) return list;
    wg_value *items = ref_alloc(ctx->arena, list.size, sizeof *items);
    size_t n = 0;
    for (uint32_t i = 0; i < list.size; i++) {
        const ref_env local = inner(ctx, env, e->text, list.as.list[i]);
        if (ref_eval_truth(ctx, e->child[1], &local) != 1) continue;
        items[n++] = e->child[2] != NULL ? ref_eval(ctx, e->child[2], &local) : list.as.list[i];
    }
    return ref_list(items, n);
}

static wg_value quantifier(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    const wg_value list = need_list(ctx, e->child[0], env);
    if (list.type == WG_TYPE_NULL) return list;
    size_t yes = 0, no = 0, unknown = 0;
    for (uint32_t i = 0; i < list.size; i++) {
        const ref_env local = inner(ctx, env, e->text, list.as.list[i]);
        const int t = e->child[1] != NULL ? ref_eval_truth(ctx, e->child[1], &local) : truth(ctx, &list.as.list[i]);
        if (t > 0) yes++;
        else if (t == 0) no++;
        else unknown++;
    }
    switch ((wg_ast_quantifier)e->op) {
        case WG_AST_ALL:
            return ref_bool(no > 0 ? 0 : unknown > 0 ? -1 : 1);
        case WG_AST_ANY:
            return ref_bool(yes > 0 ? 1 : unknown > 0 ? -1 : 0);
        case WG_AST_NONE:
            return ref_bool(yes > 0 ? 0 : unknown > 0 ? -1 : 1);
        case WG_AST_SINGLE_OF:
        default:
            return ref_bool(yes > 1 ? 0 : unknown > 0 ? -1 : yes == 1);
    }
}

static wg_value reduce(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    wg_value sum = ref_eval(ctx, e->child[0], env);
    const wg_value list = need_list(ctx, e->child[2], env);
    if (list.type == WG_TYPE_NULL) return list;
    for (uint32_t i = 0; i < list.size; i++) {
        const ref_env first = inner(ctx, env, e->text, sum);
        const ref_env local = inner(ctx, &first, e->child[1]->text, list.as.list[i]);
        sum = ref_eval(ctx, e->child[3], &local);
    }
    return sum;
}

static wg_value properties_of(ref_ctx *ctx, const wg_value *v) {
    return ref_call(ctx, wg_slice_str("properties"), v, 1);
}

static wg_value map_projection(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    const wg_value base = lookup(ctx, e->text, env);
    if (base.type == WG_TYPE_NULL) return base;
    wg_value map = {.type = WG_TYPE_MAP};
    for (uint32_t i = 0; i < e->child_count; i++) {
        const wg_ast *item = e->child[i];
        if (item->kind == WG_AST_ALL_PROPERTIES) {
            const wg_value all = properties_of(ctx, &base);
            for (uint32_t k = 0; k < all.size; k++)
                map = ref_map_with(ctx->arena, &map, wg_slice_of(all.as.map[k].key, all.as.map[k].key_size),
                                   all.as.map[k].value);
        } else {
            const wg_value v = item->kind == WG_AST_OWN_PROPERTY ? ref_property(ctx, &base, item->text)
                               : item->kind == WG_AST_VARIABLE   ? lookup(ctx, item->text, env)
                                                                 : ref_eval(ctx, item->child[0], env);
            map = ref_map_with(ctx->arena, &map, item->text, v);
        }
    }
    return map;
}

/* ---- patterns inside expressions */

typedef struct found {
    ref_ctx *ctx;
    const wg_ast *where, *result;
    const ref_env *env;
    wg_slice path; /* its name */
    wg_value *items;
    size_t count, capacity;
    bool first_only;
} found;

static bool on_match(void *arg, const ref_bind *row) {
    found *f = arg;
    ref_env local = *f->env;
    local.row = row;
    if (ref_eval_truth(f->ctx, f->where, &local) != 1) return true;
    if (f->count == f->capacity) {
        f->capacity = f->capacity * 2 + 4;
        wg_value *more = ref_alloc(f->ctx->arena, f->capacity, sizeof *more);
        if (f->count > 0) memcpy(more, f->items, f->count * sizeof *more);
        f->items = more;
    }
    f->items[f->count++] = f->result != NULL  ? ref_eval(f->ctx, f->result, &local)
                           : f->path.size > 0 ? ref_find(row, f->path)->value
                                              : ref_bool(1);
    return !f->first_only;
}

static wg_value pattern_comprehension(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    found f = {.ctx = ctx, .where = e->child[1], .result = e->child[2], .env = env};
    const wg_ast *path = e->child[0];
    ref_match(ctx, &path, 1, env->row, on_match, &f);
    return ref_list(f.items, f.count);
}

static wg_value pattern_test(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    wg_ast path = *e->child[0];
    const wg_ast *p = &path;
    found f = {.ctx = ctx, .env = env, .first_only = path.op != WG_AST_PATH_ALL_SHORTEST};
    if (path.op != WG_AST_PATH_ALL) f.path = path.text = wg_slice_str(" path");
    ref_match(ctx, &p, 1, env->row, on_match, &f);
    if (path.op == WG_AST_PATH_ALL) return ref_bool(f.count > 0);
    if (path.op == WG_AST_PATH_ALL_SHORTEST) return ref_list(f.items, f.count);
    return f.count > 0 ? f.items[0] : ref_null();
}

static wg_value subquery(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    ref_table table = {0};
    for (const ref_bind *b = env->row; b != NULL; b = b->next)
        if (ref_find(env->row, b->name) == b) ref_add_name(ctx, &table, b->name);
    ref_add_row(ctx, &table, env->row);
    (void)ref_query(ctx, e->child[0], &table, true);
    return e->op == WG_AST_EXISTS ? ref_bool(table.count > 0) : ref_int((int64_t)table.count);
}

/* ---- */

static wg_value eval_literal(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    switch (e->kind) {
        case WG_AST_BOOL:
            return ref_bool(e->i != 0);
        case WG_AST_INT:
            return ref_int(e->i);
        case WG_AST_FLOAT:
            return ref_float(e->f);
        case WG_AST_STRING:
            return ref_string(e->text);
        case WG_AST_PARAMETER:
            return parameter(ctx, e->text);
        case WG_AST_VARIABLE:
            return lookup(ctx, e->text, env);
        default:
            return ref_null();
    }
}

static wg_value eval_nested(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    switch (e->kind) {
        case WG_AST_CASE:
            return case_of(ctx, e, env);
        case WG_AST_LIST_COMPREHENSION:
            return list_comprehension(ctx, e, env);
        case WG_AST_PATTERN_COMPREHENSION:
            return pattern_comprehension(ctx, e, env);
        case WG_AST_QUANTIFIER:
            return quantifier(ctx, e, env);
        case WG_AST_REDUCE:
            return reduce(ctx, e, env);
        case WG_AST_MAP_PROJECTION:
            return map_projection(ctx, e, env);
        case WG_AST_PATTERN_TEST:
            return pattern_test(ctx, e, env);
        case WG_AST_SUBQUERY:
            return subquery(ctx, e, env);
        case WG_AST_HAS_LABELS:
            return has_labels(ctx, e, env);
        default:
            return eval_literal(ctx, e, env);
    }
}

static wg_value function(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    if (ref_is_aggregate(e)) return ref_aggregate(ctx, e, env);
    const wg_value args = list_of(ctx, e, env);
    return ref_call(ctx, e->text, args.as.list, args.size);
}

wg_value ref_eval(ref_ctx *ctx, const wg_ast *e, const ref_env *env) {
    wg_value a = {0}, b = {0}, c = {0};
    ref_step(ctx);
    switch (e->kind) {
        case WG_AST_LIST:
            return list_of(ctx, e, env);
        case WG_AST_MAP:
            return map_of(ctx, e, env);
        case WG_AST_PROPERTY:
            a = ref_eval(ctx, e->child[0], env);
            return ref_property(ctx, &a, e->text);
        case WG_AST_INDEX:
            a = ref_eval(ctx, e->child[0], env);
            b = ref_eval(ctx, e->child[1], env);
            return ref_index(ctx, &a, &b);
        case WG_AST_SLICE:
            a = ref_eval(ctx, e->child[0], env);
            b = e->child[1] != NULL ? ref_eval(ctx, e->child[1], env) : ref_int(0);
            c = e->child[2] != NULL ? ref_eval(ctx, e->child[2], env) : ref_int(INT64_MAX);
            return ref_slice_of(ctx, &a, &b, &c);
        case WG_AST_UNARY:
            a = ref_eval(ctx, e->child[0], env);
            return ref_unary(ctx, (wg_ast_op)e->op, &a);
        case WG_AST_BINARY:
            a = ref_eval(ctx, e->child[0], env);
            b = ref_eval(ctx, e->child[1], env);
            return ref_binary(ctx, (wg_ast_op)e->op, &a, &b);
        case WG_AST_NARY:
            return nary(ctx, e, env);
        case WG_AST_CHAIN:
            return chain(ctx, e, env);
        case WG_AST_FUNCTION:
            return function(ctx, e, env);
        case WG_AST_COUNT_STAR:
            return ref_aggregate(ctx, e, env);
        default:
            return eval_nested(ctx, e, env);
    }
}
