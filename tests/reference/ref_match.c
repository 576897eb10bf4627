/* tests/reference: matching by trying everything. A walk goes through the elements of the paths from left to right; at a node it tries
 * every node of the graph (or the one that is bound), at a relationship every relationship that no other pattern of the same MATCH has
 * taken. Maps of properties are looked at when the whole pattern is bound, so that they may name any variable of it.
 *
 * A shortest path is found among all walks of its relationship: all are listed, and the ones of least length for each pair of ends are
 * kept. */
#include "tests/reference/reference.h"

enum { EDGES_MAX = 200, ITEMS_MAX = 64 };

typedef struct walk {
    ref_ctx *ctx;
    const wg_ast *const *paths;
    size_t path_count;
    ref_match_fn each;
    void *arg;
    const ref_edge *used[EDGES_MAX];
    size_t used_count;
    const wg_value *items[ITEMS_MAX]; /* what each element of the paths is bound to */
    size_t item_count;
    bool stopped;
} walk;

static void element(walk *w, size_t path, uint32_t i, const ref_bind *row);

static wg_value node_value(ref_node *n) {
    wg_value v = {.type = WG_TYPE_NODE};
    v.as.ptr = n;
    return v;
}

static wg_value edge_value(ref_edge *e) {
    wg_value v = {.type = WG_TYPE_EDGE};
    v.as.ptr = e;
    return v;
}

wg_value ref_pattern_map(ref_ctx *ctx, const wg_ast *map, const ref_bind *row) {
    const ref_env env = {.row = row};
    wg_value v = {.type = WG_TYPE_MAP};
    if (map == NULL) return v;
    v = ref_eval(ctx, map, &env);
    if (v.type != WG_TYPE_MAP) ref_fail(ctx, WG_E_TYPE, "the properties of a pattern are no MAP");
    return v;
}

void ref_pattern_names(const wg_ast *path, wg_slice *out, size_t *count) {
    if (path->text.size > 0) out[(*count)++] = path->text;
    for (uint32_t i = 0; i < path->child_count; i++)
        if (path->child[i]->text.size > 0) out[(*count)++] = path->child[i]->text;
}

static bool fits(ref_ctx *ctx, const wg_ast *map, const ref_bind *row, const wg_value *entity) {
    const wg_value wanted = ref_pattern_map(ctx, map, row);
    for (uint32_t i = 0; i < wanted.size; i++) {
        const wg_value has = ref_property(ctx, entity, wg_slice_of(wanted.as.map[i].key, wanted.as.map[i].key_size));
        if (ref_equal(&has, &wanted.as.map[i].value) != 1) return false;
    }
    return true;
}

/* The map and the WHERE inside of one element, for one node or relationship of it. */
static bool keeps(walk *w, const wg_ast *element, const ref_bind *row, const wg_value *v) {
    const wg_ast *last = element->child[element->child_count - 1];
    if (element->child[0] != NULL && !fits(w->ctx, element->child[0], row, v)) return false;
    if (element->child_count == 1 || last->kind != WG_AST_WHERE) return true;
    const ref_env env = {.row = element->text.size > 0 ? ref_with(w->ctx, row, element->text, *v) : row};
    return ref_eval_truth(w->ctx, last->child[0], &env) == 1;
}

/* No node twice, but that SIMPLE paths may end where they began. */
static bool keeps_mode(const wg_ast *path, const wg_value *v) {
    if (path->j != WG_AST_MODE_ACYCLIC && path->j != WG_AST_MODE_SIMPLE) return true;
    for (uint32_t i = 0; i < v->size; i += 2)
        for (uint32_t k = i + 2; k < v->size; k += 2) {
            const bool closes = path->j == WG_AST_MODE_SIMPLE && i == 0 && k + 1 == v->size;
            if (v->as.list[i].as.ptr == v->as.list[k].as.ptr && !closes) return false;
        }
    return true;
}

/* All is bound: the maps decide. */
static void done(walk *w, const ref_bind *row) {
    size_t at = 0;
    for (size_t p = 0; p < w->path_count; p++)
        for (uint32_t i = 0; i < w->paths[p]->child_count; i++) {
            const wg_value *v = w->items[at++];
            const bool many = v->type == WG_TYPE_LIST;
            for (uint32_t k = 0; k < (many ? v->size : 1); k++)
                if (!keeps(w, w->paths[p]->child[i], row, many ? &v->as.list[k] : v)) return;
        }
    if (!w->each(w->arg, row)) w->stopped = true;
}

/* The path of w->items[from..to). */
static wg_value path_value(walk *w, size_t from, size_t to) {
    size_t n = 0, size = 1;
    for (size_t i = from + 1; i < to; i += 2) size += w->items[i]->type == WG_TYPE_LIST ? 2 * w->items[i]->size : 2;
    wg_value *items = ref_alloc(w->ctx->arena, size, sizeof *items);
    items[n++] = *w->items[from];
    for (size_t i = from + 1; i < to; i += 2) {
        const bool many = w->items[i]->type == WG_TYPE_LIST;
        for (uint32_t k = 0; k < (many ? w->items[i]->size : 1); k++) {
            const wg_value e = many ? w->items[i]->as.list[k] : *w->items[i];
            const ref_edge *edge = e.as.ptr;
            ref_node *here = ref_node_of(&items[n - 1]);
            items[n++] = e;
            items[n++] = node_value(edge->from == here ? edge->to : edge->from);
        }
    }
    wg_value v = {.type = WG_TYPE_PATH, .size = (uint32_t)n};
    v.as.list = items;
    return v;
}

static void end_path(walk *w, size_t path, const ref_bind *row) {
    const wg_ast *p = w->paths[path];
    const wg_value v = path_value(w, w->item_count - p->child_count, w->item_count);
    if (!keeps_mode(p, &v)) return;
    if (p->text.size > 0) row = ref_with(w->ctx, row, p->text, v);
    element(w, path + 1, 0, row);
}

static void push(walk *w, size_t path, uint32_t i, const ref_bind *row, const wg_value *v) {
    if (w->item_count == ITEMS_MAX) ref_fail(w->ctx, WG_E_LIMIT, "a long pattern");
    w->items[w->item_count++] = v;
    if (i + 1 < w->paths[path]->child_count) element(w, path, i + 1, row);
    else end_path(w, path, row);
    w->item_count--;
}

bool ref_has_label(const wg_ast *e, const wg_slice *labels, size_t count) {
    bool result = e->op == WG_OP_AND;
    if (e->kind == WG_AST_LABEL_ANY) return count > 0;
    if (e->kind == WG_AST_LABEL_EXPR) {
        for (uint32_t i = 0; i < e->child_count; i++) {
            const bool one = ref_has_label(e->child[i], labels, count);
            if (e->op == WG_OP_NOT) return !one;
            result = e->op == WG_OP_AND ? result && one : result || one;
        }
        return result;
    }
    for (size_t i = 0; i < count; i++)
        if (wg_slice_equal(labels[i], e->text)) return true;
    return false;
}

static bool has_labels(const ref_node *n, const wg_ast *pattern) {
    for (uint32_t i = 1; i < pattern->child_count; i++)
        if (pattern->child[i]->kind != WG_AST_WHERE && !ref_has_label(pattern->child[i], n->labels, n->label_count))
            return false;
    return true;
}

static void try_node(walk *w, size_t path, uint32_t i, const ref_bind *row, ref_node *n) {
    const wg_ast *pattern = w->paths[path]->child[i];
    ref_step(w->ctx);
    if (w->stopped || n->deleted || !has_labels(n, pattern)) return;
    wg_value *v = ref_alloc(w->ctx->arena, 1, sizeof *v);
    *v = node_value(n);
    if (pattern->text.size > 0) {
        const ref_bind *bound = ref_find(row, pattern->text);
        if (bound == NULL) row = ref_with(w->ctx, row, pattern->text, *v);
        else if (bound->value.type != WG_TYPE_NODE || bound->value.as.ptr != n) return;
    }
    push(w, path, i, row, v);
}

static bool is_used(const walk *w, const ref_edge *e) {
    for (size_t i = 0; i < w->used_count; i++)
        if (w->used[i] == e) return true;
    return false;
}

static void use(walk *w, const ref_edge *e) {
    if (w->used_count == EDGES_MAX) ref_fail(w->ctx, WG_E_LIMIT, "a long path");
    w->used[w->used_count++] = e;
}

/* Where `e` leads from `here`, or NULL. */
static ref_node *other_end(const wg_ast *pattern, const ref_edge *e, const ref_node *here) {
    const bool right = e->from == here, left = e->to == here;
    if (e->deleted) return NULL;
    bool type = true, any = false;
    for (uint32_t i = 1; i < pattern->child_count && pattern->child[i]->kind != WG_AST_WHERE; i++) {
        type = false;
        any |= ref_has_label(pattern->child[i], &e->type, 1);
    }
    if (!type && !any) return NULL;
    if (right && pattern->op != WG_AST_LEFT) return e->to;
    return left && pattern->op != WG_AST_RIGHT ? e->from : NULL;
}

/* The value of an edge pattern is found: bind it and go on at node `n`. */
static void bind_edge(walk *w, size_t path, uint32_t i, const ref_bind *row, wg_value value, ref_node *n) {
    const wg_ast *pattern = w->paths[path]->child[i];
    wg_value *v = ref_alloc(w->ctx->arena, 1, sizeof *v);
    *v = value;
    if (pattern->text.size > 0) {
        const ref_bind *bound = ref_find(row, pattern->text);
        if (bound == NULL) row = ref_with(w->ctx, row, pattern->text, value);
        else if (ref_equal(&bound->value, &value) != 1) return;
    }
    if (w->item_count == ITEMS_MAX) ref_fail(w->ctx, WG_E_LIMIT, "a long pattern");
    w->items[w->item_count++] = v;
    try_node(w, path, i + 1, row, n);
    w->item_count--;
}

static void one_edge(walk *w, size_t path, uint32_t i, const ref_bind *row) {
    const ref_node *here = ref_node_of(w->items[w->item_count - 1]);
    for (size_t k = 0; k < w->ctx->graph->edge_count && !w->stopped; k++) {
        ref_edge *e = w->ctx->graph->edges[k];
        ref_node *n = other_end(w->paths[path]->child[i], e, here);
        ref_step(w->ctx);
        if (n == NULL || is_used(w, e)) continue;
        use(w, e);
        bind_edge(w, path, i, row, edge_value(e), n);
        w->used_count--;
    }
}

/* Relationships used[from..] lead to `here`. */
static void many_edges(walk *w, size_t path, uint32_t i, const ref_bind *row, size_t from, ref_node *here) {
    const wg_ast *pattern = w->paths[path]->child[i];
    const int64_t least = pattern->i < 0 ? 1 : pattern->i;
    const int64_t length = (int64_t)(w->used_count - from);
    if (length >= least) {
        wg_value *items = ref_alloc(w->ctx->arena, (size_t)length, sizeof *items);
        for (size_t k = 0; k < (size_t)length; k++)
            for (size_t g = 0; g < w->ctx->graph->edge_count; g++)
                if (w->ctx->graph->edges[g] == w->used[from + k]) items[k] = edge_value(w->ctx->graph->edges[g]);
        bind_edge(w, path, i, row, ref_list(items, (size_t)length), here);
    }
    if (pattern->j >= 0 && length >= pattern->j) return;
    for (size_t k = 0; k < w->ctx->graph->edge_count && !w->stopped; k++) {
        ref_edge *e = w->ctx->graph->edges[k];
        ref_node *n = other_end(pattern, e, here);
        ref_step(w->ctx);
        if (n == NULL || is_used(w, e)) continue;
        use(w, e);
        many_edges(w, path, i, row, from, n);
        w->used_count--;
    }
}

/* ---- shortest paths: all walks of the path alone are listed first */

typedef struct shortest {
    walk *w;
    size_t path;
    const ref_bind **rows;
    wg_value *found; /* the walks, as lists of node, relationship or list, node */
    size_t count, capacity;
} shortest;

static bool keep_walk(void *arg, const ref_bind *row) {
    shortest *s = arg;
    const ref_bind *b = ref_find(row, wg_slice_str(" shortest"));
    if (s->count == s->capacity) {
        s->capacity = s->capacity * 2 + 8;
        wg_value *more = ref_alloc(s->w->ctx->arena, s->capacity, sizeof *more);
        const ref_bind **rows = ref_alloc(s->w->ctx->arena, s->capacity, sizeof *rows);
        if (s->count > 0) memcpy(more, s->found, s->count * sizeof *more);
        if (s->count > 0) memcpy(rows, s->rows, s->count * sizeof *rows);
        s->found = more;
        s->rows = rows;
    }
    s->rows[s->count] = row;
    s->found[s->count++] = b->value;
    return true;
}

static bool is_shortest(const shortest *s, size_t i, bool all) {
    const wg_value *a = &s->found[i];
    for (size_t k = 0; k < s->count; k++) {
        const wg_value *b = &s->found[k];
        if (b->as.list[0].as.ptr != a->as.list[0].as.ptr) continue;
        if (b->as.list[b->size - 1].as.ptr != a->as.list[a->size - 1].as.ptr) continue;
        if (b->size < a->size || (!all && b->size == a->size && k < i)) return false;
    }
    return true;
}

static void shortest_path(walk *w, size_t path, const ref_bind *row) {
    const wg_ast *p = w->paths[path];
    wg_ast alone = *p;
    const wg_ast *list = &alone;
    shortest s = {.w = w, .path = path};
    alone.op = WG_AST_PATH_ALL;
    alone.text = wg_slice_str(" shortest");
    ref_match(w->ctx, &list, 1, row, keep_walk, &s);
    for (size_t i = 0; i < s.count && !w->stopped; i++) {
        const wg_value *ends = s.found[i].as.list;
        const bool loop = ends[0].as.ptr == ends[s.found[i].size - 1].as.ptr;
        if (loop && s.found[i].size > 1) continue; /* settled in docs/language/expressions.md */
        if (!is_shortest(&s, i, p->op == WG_AST_PATH_ALL_SHORTEST)) continue;
        const wg_value *v = &s.found[i];
        const ref_bind *next = s.rows[i];
        if (p->text.size > 0) next = ref_with(w->ctx, next, p->text, *v);
        const wg_value none = ref_list(NULL, 0); /* the maps were looked at already */
        for (uint32_t k = 0; k < p->child_count; k++)
            w->items[w->item_count++] = k == 1 ? &none : &v->as.list[k == 0 ? 0 : v->size - 1];
        element(w, path + 1, 0, next);
        w->item_count -= p->child_count;
    }
}

/* ---- */

static void element(walk *w, size_t path, uint32_t i, const ref_bind *row) {
    if (w->stopped) return;
    if (path == w->path_count) {
        done(w, row);
        return;
    }
    const wg_ast *pattern = w->paths[path]->child[i];
    const wg_ast_path op = (wg_ast_path)w->paths[path]->op;
    if (op > WG_AST_PATH_MODE || w->paths[path]->j == WG_AST_MODE_WALK || pattern->kind == WG_AST_GROUP)
        ref_fail(w->ctx, WG_E_UNSUPPORTED, "selectors, walks and groups");
    if (i == 0 && (op == WG_AST_PATH_SHORTEST || op == WG_AST_PATH_ALL_SHORTEST)) {
        shortest_path(w, path, row);
    } else if (pattern->kind == WG_AST_EDGE) {
        ref_node *here = ref_node_of(w->items[w->item_count - 1]);
        if ((pattern->flags & WG_AST_VARIABLE_LENGTH) == 0) one_edge(w, path, i, row);
        else many_edges(w, path, i, row, w->used_count, here);
    } else {
        const ref_bind *bound = pattern->text.size > 0 ? ref_find(row, pattern->text) : NULL;
        if (bound != NULL && bound->value.type == WG_TYPE_NODE) {
            try_node(w, path, i, row, ref_node_of(&bound->value));
            return;
        }
        for (size_t k = 0; bound == NULL && k < w->ctx->graph->node_count && !w->stopped; k++)
            try_node(w, path, i, row, w->ctx->graph->nodes[k]);
    }
}

void ref_match(ref_ctx *ctx, const wg_ast *const *paths, size_t count, const ref_bind *row, ref_match_fn each,
               void *arg) {
    walk *w = ref_alloc(ctx->arena, 1, sizeof *w);
    w->ctx = ctx;
    w->paths = paths;
    w->path_count = count;
    w->each = each;
    w->arg = arg;
    element(w, 0, 0, row);
}
