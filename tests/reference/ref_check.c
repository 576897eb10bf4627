/* tests/reference: names and places, checked before anything runs: every variable is bound, none changes its kind, aggregates stand
 * in WITH and RETURN and beside grouping keys only, columns have one name each, and what is created has one direction and one type.
 *
 * A scope is a linked list of names with their kinds, as a row is one of values. */
#include "tests/reference/reference.h"

typedef enum name_kind { ANY, NODE, EDGE, EDGES, PATH, VALUE } name_kind; /* VALUE: none of the others for certain */

typedef struct scope {
    wg_slice name;
    name_kind kind;
    const struct scope *next;
} scope;

typedef struct checker {
    ref_ctx *ctx;
    bool grouping; /* aggregates are allowed here */
} checker;

static const scope *check_query(checker *c, const wg_ast *query, const scope *s, bool visible, bool may_end);
static void check_expr(checker *c, const wg_ast *e, const scope *s);

static const scope *find(const scope *s, wg_slice name) {
    while (s != NULL && !wg_slice_equal(s->name, name)) s = s->next;
    return s;
}

static const scope *with(checker *c, const scope *s, wg_slice name, name_kind kind) {
    scope *added = ref_alloc(c->ctx->arena, 1, sizeof *added);
    *added = (scope){name, kind, s};
    return added;
}

_Noreturn static void refuse(checker *c, const char *why, wg_slice name) {
    ref_fail(c->ctx, WG_E_BIND, "%s: %.*s", why, (int)name.size, (const char *)name.data);
}

static void check_all(checker *c, const wg_ast *e, const scope *s, uint32_t from) {
    for (uint32_t i = from; i < e->child_count; i++)
        if (e->child[i] != NULL) check_expr(c, e->child[i], s);
}

/* ---- patterns. A pattern in an expression adds its names for its own parts only, and PATTERN_TEST none at all. */

static const scope *check_element(checker *c, const wg_ast *e, const scope *s, bool may_bind) {
    const name_kind made = e->kind == WG_AST_NODE ? NODE : (e->flags & WG_AST_VARIABLE_LENGTH) != 0 ? EDGES : EDGE;
    if (e->text.size == 0) return s;
    const scope *old = find(s, e->text);
    if (old == NULL && !may_bind) refuse(c, "unknown variable in a pattern", e->text);
    if (old == NULL) return with(c, s, e->text, made);
    if (old->kind != ANY && old->kind != made) refuse(c, "a variable of another kind", e->text);
    return s;
}

static const scope *check_path(checker *c, const wg_ast *path, const scope *s, bool may_bind) {
    const scope *before = s;
    if (path->text.size > 0 && find(s, path->text) != NULL) refuse(c, "bound already", path->text);
    for (uint32_t i = 0; i < path->child_count; i++) {
        const wg_ast *e = path->child[i];
        if (e->kind == WG_AST_EDGE && e->text.size > 0 && find(s, e->text) != NULL && find(before, e->text) == NULL)
            refuse(c, "one relationship twice", e->text);
        s = check_element(c, e, s, may_bind);
    }
    if (path->text.size > 0) s = with(c, s, path->text, PATH);
    return s;
}

static void check_maps(checker *c, const wg_ast *path, const scope *s) {
    for (uint32_t i = 0; i < path->child_count; i++) {
        const wg_ast *e = path->child[i], *last = e->child[e->child_count - 1];
        if (e->child[0] != NULL) check_expr(c, e->child[0], s);
        if (e->child_count > 1 && last->kind == WG_AST_WHERE) check_expr(c, last->child[0], s);
    }
}

/* ---- expressions */

static void check_node_only(checker *c, const wg_ast *e, const scope *s, bool boolean) {
    const scope *v = e->kind == WG_AST_VARIABLE ? find(s, e->text) : NULL;
    if (v != NULL && boolean && v->kind != ANY && v->kind != VALUE) refuse(c, "no BOOL", e->text);
    const bool literal = e->kind == WG_AST_INT || e->kind == WG_AST_FLOAT || e->kind == WG_AST_STRING ||
                         e->kind == WG_AST_LIST || e->kind == WG_AST_MAP;
    if (boolean && literal) refuse(c, "a literal is no BOOL", e->text);
}

static void check_local(checker *c, const wg_ast *e, const scope *s) {
    const bool grouping = c->grouping;
    const scope *inner = s;
    if (e->kind == WG_AST_REDUCE) {
        check_expr(c, e->child[0], s);
        check_expr(c, e->child[2], s);
        inner = with(c, with(c, s, e->text, ANY), e->child[1]->text, ANY);
        c->grouping = false;
        check_expr(c, e->child[3], inner);
    } else if (e->kind == WG_AST_PATTERN_COMPREHENSION) {
        inner = check_path(c, e->child[0], s, true);
        c->grouping = false;
        check_maps(c, e->child[0], inner);
        check_all(c, e, inner, 1);
    } else {
        check_expr(c, e->child[0], s);
        inner = with(c, s, e->text, ANY);
        c->grouping = false;
        check_all(c, e, inner, 1);
    }
    c->grouping = grouping;
}

static void check_function(checker *c, const wg_ast *e, const scope *s) {
    static const struct {
        const char *name;
        name_kind wrong[3];
    } table[] = {{"type", {NODE, PATH, VALUE}},
                 {"labels", {EDGE, PATH, VALUE}},
                 {"length", {NODE, EDGE, VALUE}},
                 {"size", {PATH, NODE, EDGE}},
                 {"nodes", {NODE, EDGE, VALUE}}};
    if (ref_is_aggregate(e)) {
        if (!c->grouping) refuse(c, "an aggregate has no place here", e->text);
        for (uint32_t i = 0; i < e->child_count; i++)
            if (ref_has_aggregate(e->child[i])) refuse(c, "an aggregate in an aggregate", e->text);
    }
    const wg_ast *arg = e->child_count == 1 ? e->child[0] : NULL;
    const scope *v = arg != NULL && arg->kind == WG_AST_VARIABLE ? find(s, arg->text) : NULL;
    for (size_t i = 0; v != NULL && i < sizeof table / sizeof table[0]; i++)
        for (size_t k = 0; wg_slice_is(e->text, table[i].name) && k < 3; k++)
            if (v->kind == table[i].wrong[k]) ref_fail(c->ctx, WG_E_TYPE, "an argument of a wrong type");
    check_all(c, e, s, 0);
}

static void check_projection(checker *c, const wg_ast *e, const scope *s) {
    if (find(s, e->text) == NULL) refuse(c, "unknown variable", e->text);
    for (uint32_t i = 0; i < e->child_count; i++) {
        const wg_ast *item = e->child[i];
        if (item->kind == WG_AST_VARIABLE && find(s, item->text) == NULL) refuse(c, "unknown variable", item->text);
        if (item->kind == WG_AST_ENTRY) check_expr(c, item->child[0], s);
    }
}

static void check_expr(checker *c, const wg_ast *e, const scope *s) {
    const bool grouping = c->grouping;
    switch (e->kind) {
        case WG_AST_VARIABLE:
            if (find(s, e->text) == NULL) refuse(c, "unknown variable", e->text);
            return;
        case WG_AST_LIST_COMPREHENSION:
        case WG_AST_QUANTIFIER:
        case WG_AST_REDUCE:
        case WG_AST_PATTERN_COMPREHENSION:
            check_local(c, e, s);
            return;
        case WG_AST_PATTERN_TEST:
            (void)check_path(c, e->child[0], s, false);
            check_maps(c, e->child[0], s);
            return;
        case WG_AST_SUBQUERY:
            c->grouping = false;
            (void)check_query(c, e->child[0], s, true, true);
            c->grouping = grouping;
            return;
        case WG_AST_MAP_PROJECTION:
            check_projection(c, e, s);
            return;
        case WG_AST_ENTRY:
        case WG_AST_PROPERTY:
            check_expr(c, e->child[0], s);
            return;
        case WG_AST_HAS_LABELS:
            check_expr(c, e->child[0], s);
            return;
        case WG_AST_NARY:
            for (uint32_t i = 0; i < e->child_count; i++) check_node_only(c, e->child[i], s, true);
            check_all(c, e, s, 0);
            return;
        case WG_AST_UNARY:
            check_node_only(c, e->child[0], s, e->op == WG_OP_NOT);
            check_all(c, e, s, 0);
            return;
        case WG_AST_COUNT_STAR:
        case WG_AST_FUNCTION:
            check_function(c, e, s);
            return;
        default:
            check_all(c, e, s, 0);
            return;
    }
}

static void check_plain(checker *c, const wg_ast *e, const scope *s) {
    const bool grouping = c->grouping;
    c->grouping = false;
    if (e != NULL) check_expr(c, e, s);
    c->grouping = grouping;
}

static void check_where(checker *c, const wg_ast *e, const scope *s) {
    check_plain(c, e, s);
    if (e != NULL) check_node_only(c, e, s, true);
}

/* ---- WITH and RETURN */

/* Beside an aggregate only constants, and what is a grouping key, may stand. */
static void check_key(checker *c, const wg_ast *clause, const wg_ast *e) {
    if (e == NULL || ref_is_aggregate(e)) return;
    for (uint32_t i = 4; i < clause->child_count; i++)
        if (!ref_has_aggregate(clause->child[i]->child[0]) && wg_ast_equal(clause->child[i]->child[0], e)) return;
    if (e->kind == WG_AST_VARIABLE) {
        for (uint32_t i = 4; i < clause->child_count; i++)
            if (wg_slice_equal(clause->child[i]->text, e->text)) return;
        if ((clause->flags & WG_AST_STAR) == 0) refuse(c, "no grouping key", e->text);
    }
    if (e->kind == WG_AST_PROPERTY && e->child[0]->kind == WG_AST_VARIABLE) {
        check_key(c, clause, e->child[0]);
        return;
    }
    if (e->kind == WG_AST_LIST_COMPREHENSION || e->kind == WG_AST_QUANTIFIER || e->kind == WG_AST_REDUCE ||
        e->kind == WG_AST_PATTERN_COMPREHENSION || e->kind == WG_AST_SUBQUERY)
        return;
    for (uint32_t i = 0; i < e->child_count; i++) check_key(c, clause, e->child[i]);
}

static name_kind kind_of(const wg_ast *e, const scope *s) {
    if (e->kind == WG_AST_VARIABLE) return find(s, e->text)->kind;
    const bool literal = e->kind == WG_AST_INT || e->kind == WG_AST_FLOAT || e->kind == WG_AST_STRING ||
                         e->kind == WG_AST_BOOL || e->kind == WG_AST_MAP || e->kind == WG_AST_COUNT_STAR;
    if (e->kind == WG_AST_LIST && e->child_count > 0)
        return e->child[0]->kind == WG_AST_VARIABLE ? ANY : kind_of(e->child[0], s);
    return literal ? VALUE : ANY;
}

static void check_order(checker *c, const wg_ast *clause, const scope *in, const scope *out, bool grouped) {
    const wg_ast *order = clause->child[0];
    const bool closed = grouped || (clause->flags & WG_AST_DISTINCT) != 0;
    for (uint32_t i = 0; order != NULL && i < order->child_count; i++) {
        const wg_ast *e = order->child[i]->child[0];
        bool projected = false;
        for (uint32_t k = 4; k < clause->child_count; k++) projected |= wg_ast_equal(clause->child[k]->child[0], e);
        if (projected) continue;
        if (!grouped && ref_has_aggregate(e)) refuse(c, "an aggregate in ORDER BY", e->text);
        if (grouped) check_key(c, clause, e);
        const bool keyed = e->kind == WG_AST_PROPERTY && e->child[0]->kind == WG_AST_VARIABLE;
        const bool sees_in = !closed || (grouped && (keyed || ref_has_aggregate(e)));
        const bool grouping = c->grouping;
        c->grouping = grouped;
        check_expr(c, e, sees_in ? in : out);
        c->grouping = grouping;
    }
}

static void check_number(checker *c, const wg_ast *e) {
    if (e == NULL) return;
    check_plain(c, e, NULL);
    if (e->kind == WG_AST_INT && e->i < 0) ref_fail(c->ctx, WG_E_VALUE, "SKIP and LIMIT need a number from 0 on");
    if (e->kind == WG_AST_FLOAT || e->kind == WG_AST_STRING)
        ref_fail(c->ctx, WG_E_TYPE, "SKIP and LIMIT need an INT");
}

static const scope *check_results(checker *c, const wg_ast *clause, const scope *s) {
    const bool star = (clause->flags & WG_AST_STAR) != 0;
    const scope *out = star ? s : NULL, *both = s;
    bool grouped = false;
    if (star && s == NULL && clause->kind == WG_AST_RETURN) refuse(c, "RETURN * of nothing", (wg_slice){0});
    for (uint32_t i = 4; i < clause->child_count; i++) grouped |= ref_has_aggregate(clause->child[i]->child[0]);
    const scope *made = NULL;
    for (uint32_t i = 4; i < clause->child_count; i++) {
        const wg_ast *item = clause->child[i], *e = item->child[0];
        wg_slice name = item->text;
        if (name.size == 0 && e->kind == WG_AST_VARIABLE) name = e->text;
        if (name.size == 0 && clause->kind == WG_AST_WITH) refuse(c, "an expression in WITH needs a name", name);
        if (name.size == 0) name = wg_slice_of(c->ctx->text.data + e->start, e->end - e->start);
        if (find(made, name) != NULL || (star && find(s, name) != NULL)) refuse(c, "a column twice", name);
        const bool grouping = c->grouping;
        c->grouping = true;
        check_expr(c, e, s);
        c->grouping = grouping;
        if (grouped && ref_has_aggregate(e)) check_key(c, clause, e);
        const name_kind k = kind_of(e, s);
        made = with(c, made, name, k);
        out = with(c, out, name, k);
        both = with(c, both, name, k);
    }
    check_order(c, clause, both, out, grouped);
    check_number(c, clause->child[1]);
    check_number(c, clause->child[2]);
    check_where(c, clause->child[3], grouped || (clause->flags & WG_AST_DISTINCT) != 0 ? out : both);
    return out;
}

/* ---- writing */

static const scope *check_create(checker *c, const wg_ast *path, const scope *s, bool merge) {
    const scope *before = s;
    if (path->op != WG_AST_PATH_ALL) refuse(c, "a shortest path is not created", path->text);
    for (uint32_t i = 0; i < path->child_count; i++) {
        const wg_ast *e = path->child[i];
        const bool bound = e->text.size > 0 && find(s, e->text) != NULL;
        if (e->child[0] != NULL) check_plain(c, e->child[0], merge ? before : s);
        if (merge && e->child[0] != NULL && e->child[0]->kind == WG_AST_PARAMETER)
            refuse(c, "MERGE with a parameter", e->text);
        if (e->kind == WG_AST_EDGE) {
            if (e->child_count != 2) refuse(c, "a relationship has one type", e->text);
            if ((e->flags & WG_AST_VARIABLE_LENGTH) != 0) refuse(c, "a length is not created", e->text);
            if (!merge && e->op != WG_AST_LEFT && e->op != WG_AST_RIGHT) refuse(c, "a direction is needed", e->text);
            if (bound) refuse(c, "bound already", e->text);
        } else if (bound && (path->child_count == 1 || e->child_count > 1 || e->child[0] != NULL)) {
            refuse(c, "bound already", e->text);
        }
        s = check_element(c, e, s, true);
    }
    if (path->text.size > 0 && find(s, path->text) != NULL) refuse(c, "bound already", path->text);
    return path->text.size > 0 ? with(c, s, path->text, PATH) : s;
}

static void check_set(checker *c, const wg_ast *clause, const scope *s) {
    for (uint32_t i = 0; i < clause->child_count; i++) {
        const wg_ast *item = clause->child[i];
        if (item->text.size > 0 && find(s, item->text) == NULL) refuse(c, "unknown variable", item->text);
        for (uint32_t k = 0; k < item->child_count; k++)
            if (item->kind != WG_AST_SET_LABELS && item->kind != WG_AST_REMOVE_LABELS)
                check_plain(c, item->child[k], s);
    }
}

static const scope *check_write(checker *c, const wg_ast *clause, const scope *s) {
    const wg_ast *first = clause->child_count > 0 ? clause->child[0] : NULL;
    const scope *inner;
    switch (clause->kind) {
        case WG_AST_CREATE:
            for (uint32_t i = 0; i < first->child_count; i++) s = check_create(c, first->child[i], s, false);
            return s;
        case WG_AST_MERGE:
            s = check_create(c, first, s, true);
            for (uint32_t i = 1; i < clause->child_count; i++) check_set(c, clause->child[i]->child[0], s);
            return s;
        case WG_AST_SET:
        case WG_AST_REMOVE:
            check_set(c, clause, s);
            return s;
        case WG_AST_DELETE:
            for (uint32_t i = 0; i < clause->child_count; i++) {
                const wg_ast *e = clause->child[i];
                check_plain(c, e, s);
                if (e->kind == WG_AST_HAS_LABELS || e->kind == WG_AST_BINARY || e->kind == WG_AST_INT)
                    refuse(c, "DELETE of what is no entity", e->text);
            }
            return s;
        case WG_AST_FOREACH:
            check_plain(c, first, s);
            inner = with(c, s, clause->text, ANY);
            for (uint32_t i = 1; i < clause->child_count; i++) inner = check_write(c, clause->child[i], inner);
            return s;
        default:
            ref_fail(c->ctx, WG_E_UNSUPPORTED, "the clause %s", wg_ast_kind_name((wg_ast_kind)clause->kind));
    }
}

/* ---- clauses */

static const scope *check_match(checker *c, const wg_ast *clause, const scope *s) {
    const wg_ast *pattern = clause->child[0];
    const scope *before = s;
    for (uint32_t i = 0; i < pattern->child_count; i++) {
        const wg_ast *path = pattern->child[i];
        for (uint32_t k = 1; k < path->child_count; k += 2)
            if (path->child[k]->text.size > 0 && find(s, path->child[k]->text) != find(before, path->child[k]->text))
                refuse(c, "one relationship twice", path->child[k]->text);
        s = check_path(c, path, s, true);
    }
    for (uint32_t i = 0; i < pattern->child_count; i++) {
        for (uint32_t k = 0; k < pattern->child[i]->child_count; k++) {
            const wg_ast *map = pattern->child[i]->child[k]->child[0];
            if (map != NULL && map->kind == WG_AST_PARAMETER) refuse(c, "MATCH with a parameter", map->text);
        }
        check_maps(c, pattern->child[i], s);
    }
    check_where(c, clause->child[1], s);
    return s;
}

static const scope *check_call(checker *c, const wg_ast *clause, const scope *s) {
    const wg_ast *query = clause->child[0];
    const scope *out = check_query(c, query, s, false, false);
    for (; out != NULL; out = out->next) {
        if (find(s, out->name) != NULL) refuse(c, "bound already", out->name);
        s = with(c, s, out->name, out->kind);
    }
    return s;
}

/* The names that RETURN gives, or NULL. */
static const scope *check_single(checker *c, const wg_ast *single, const scope *s, bool may_end) {
    for (uint32_t i = 0; i < single->child_count; i++) {
        const wg_ast *clause = single->child[i];
        switch (clause->kind) {
            case WG_AST_MATCH:
                s = check_match(c, clause, s);
                break;
            case WG_AST_UNWIND:
                check_plain(c, clause->child[0], s);
                if (find(s, clause->text) != NULL) refuse(c, "bound already", clause->text);
                s = with(c, s, clause->text, ANY);
                break;
            case WG_AST_WITH:
                s = check_results(c, clause, s);
                break;
            case WG_AST_RETURN:
                return check_results(c, clause, s);
            case WG_AST_CALL_QUERY:
                s = check_call(c, clause, s);
                break;
            default:
                s = check_write(c, clause, s);
                break;
        }
    }
    return may_end ? s : NULL;
}

static bool same_names(const scope *a, const scope *b) {
    for (; a != NULL && b != NULL; a = a->next, b = b->next)
        if (!wg_slice_equal(a->name, b->name)) return false;
    return a == b;
}

static const scope *check_query(checker *c, const wg_ast *query, const scope *s, bool visible, bool may_end) {
    const scope *first = NULL;
    for (uint32_t i = 1; i < query->child_count; i++) {
        const wg_ast *single = query->child[i];
        const bool imports = single->child_count > 0 && single->child[0]->kind == WG_AST_WITH;
        const scope *out = check_single(c, single, visible || imports ? s : NULL, may_end);
        if (i > 1 && !may_end && !same_names(first, out)) refuse(c, "UNION of different columns", (wg_slice){0});
        if (i == 1) first = out;
    }
    return first;
}

void ref_check(ref_ctx *ctx, const wg_ast *statement) {
    checker c = {.ctx = ctx};
    (void)check_query(&c, statement->child[0], NULL, true, false);
}
