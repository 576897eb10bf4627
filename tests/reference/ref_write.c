/* tests/reference: the graph and the clauses that change it. Each works row after row on the graph itself; arrays of labels and
 * properties are replaced whole, so that what a result holds stays as it was. */
#include <stdlib.h>

#include "tests/reference/reference.h"

void ref_graph_init(ref_graph *graph) {
    *graph = (ref_graph){.next_id = 1};
    wg_arena_init(&graph->arena, NULL);
}

void ref_graph_deinit(ref_graph *graph) { wg_arena_deinit(&graph->arena); }

static wg_slice copy_slice(ref_graph *g, wg_slice s) {
    void *data = ref_alloc(&g->arena, s.size, 1);
    if (s.size > 0) memcpy(data, s.data, s.size);
    return wg_slice_of(data, s.size);
}

static ref_node *add_node(ref_graph *g) {
    if ((g->node_count & (g->node_count - 1)) == 0) {
        ref_node **more = ref_alloc(&g->arena, g->node_count * 2 + 1, sizeof *more);
        if (g->node_count > 0) memcpy(more, g->nodes, g->node_count * sizeof *more);
        g->nodes = more;
    }
    ref_node *n = ref_alloc(&g->arena, 1, sizeof *n);
    n->id = g->next_id++;
    return g->nodes[g->node_count++] = n;
}

static ref_edge *add_edge(ref_graph *g, ref_node *from, ref_node *to, wg_slice type) {
    if ((g->edge_count & (g->edge_count - 1)) == 0) {
        ref_edge **more = ref_alloc(&g->arena, g->edge_count * 2 + 1, sizeof *more);
        if (g->edge_count > 0) memcpy(more, g->edges, g->edge_count * sizeof *more);
        g->edges = more;
    }
    ref_edge *e = ref_alloc(&g->arena, 1, sizeof *e);
    *e = (ref_edge){.id = g->next_id++, .from = from, .to = to, .type = copy_slice(g, type)};
    return g->edges[g->edge_count++] = e;
}

void ref_graph_copy(const ref_graph *from, ref_graph *out) {
    ref_graph_init(out);
    for (size_t i = 0; i < from->node_count; i++) {
        ref_node *n = add_node(out);
        *n = *from->nodes[i]; /* arrays are never changed in place, so both may have them */
    }
    for (size_t i = 0; i < from->edge_count; i++) {
        const ref_edge *e = from->edges[i];
        size_t a = 0, b = 0;
        while (from->nodes[a] != e->from) a++;
        while (from->nodes[b] != e->to) b++;
        ref_edge *copy = add_edge(out, out->nodes[a], out->nodes[b], e->type);
        copy->id = e->id;
        copy->deleted = e->deleted;
        copy->properties = e->properties;
        copy->property_count = e->property_count;
    }
    out->next_id = from->next_id;
}

/* ---- properties and labels */

static bool is_storable(const wg_value *v, bool inside) {
    if (v->type == WG_TYPE_LIST) {
        for (uint32_t i = 0; i < v->size; i++)
            if (!is_storable(&v->as.list[i], true)) return false;
        return true;
    }
    if (v->type == WG_TYPE_NULL) return !inside;
    if (ref_is_temporal(v)) return true;
    return v->type == WG_TYPE_BOOL || v->type == WG_TYPE_INT || v->type == WG_TYPE_FLOAT || v->type == WG_TYPE_STRING;
}

/* Null takes it away. */
static void set_property(ref_ctx *ctx, const wg_value *entity, wg_slice key, const wg_value *value) {
    ref_node *n = entity->type == WG_TYPE_NODE ? ref_node_of(entity) : NULL;
    ref_edge *e = entity->type == WG_TYPE_EDGE ? ref_edge_of(entity) : NULL;
    if (entity->type == WG_TYPE_NULL) return;
    if (n == NULL && e == NULL) ref_fail(ctx, WG_E_TYPE, "only nodes and relationships have properties");
    if ((n != NULL && n->deleted) || (e != NULL && e->deleted)) ref_fail(ctx, WG_E_NOT_FOUND, "it is deleted");
    if (!is_storable(value, false)) ref_fail(ctx, WG_E_TYPE, "no value of a property");
    wg_map_entry **items = n != NULL ? &n->properties : &e->properties;
    uint32_t *count = n != NULL ? &n->property_count : &e->property_count;
    wg_arena *arena = &ctx->graph->arena;
    wg_value map = {.type = WG_TYPE_MAP, .size = *count};
    map.as.map = *items;
    map = ref_map_with(arena, &map, copy_slice(ctx->graph, key), ref_copy_value(arena, value));
    wg_map_entry *kept = ref_alloc(arena, map.size, sizeof *kept);
    *count = 0;
    for (uint32_t i = 0; i < map.size; i++)
        if (map.as.map[i].value.type != WG_TYPE_NULL) kept[(*count)++] = map.as.map[i];
    *items = kept;
}

static void clear_properties(const wg_value *entity) {
    if (entity->type == WG_TYPE_NODE) ref_node_of(entity)->property_count = 0;
    if (entity->type == WG_TYPE_EDGE) ref_edge_of(entity)->property_count = 0;
}

static void set_all(ref_ctx *ctx, const wg_value *entity, const wg_value *map, bool replace) {
    wg_value all = *map;
    if (map->type == WG_TYPE_NODE || map->type == WG_TYPE_EDGE)
        all = ref_call(ctx, wg_slice_str("properties"), map, 1);
    if (all.type == WG_TYPE_NULL && !replace) return;
    if (all.type != WG_TYPE_MAP) ref_fail(ctx, WG_E_TYPE, "properties are set from a map");
    if (replace) clear_properties(entity);
    for (uint32_t i = 0; i < all.size; i++)
        set_property(ctx, entity, wg_slice_of(all.as.map[i].key, all.as.map[i].key_size), &all.as.map[i].value);
}

static int compare_slices(const void *a, const void *b) {
    return wg_slice_compare(*(const wg_slice *)a, *(const wg_slice *)b);
}

static void set_label(ref_ctx *ctx, const wg_value *entity, wg_slice label, bool there) {
    if (entity->type == WG_TYPE_NULL) return;
    if (entity->type != WG_TYPE_NODE) ref_fail(ctx, WG_E_TYPE, "only nodes have labels");
    ref_node *n = ref_node_of(entity);
    if (n->deleted) ref_fail(ctx, WG_E_NOT_FOUND, "it is deleted");
    wg_slice *labels = ref_alloc(&ctx->graph->arena, n->label_count + 1u, sizeof *labels);
    uint32_t count = 0;
    for (uint32_t i = 0; i < n->label_count; i++)
        if (!wg_slice_equal(n->labels[i], label)) labels[count++] = n->labels[i];
    if (there) labels[count++] = copy_slice(ctx->graph, label);
    qsort(labels, count, sizeof *labels, compare_slices);
    n->labels = labels;
    n->label_count = count;
}

/* ---- SET and REMOVE */

static const wg_value *variable(ref_ctx *ctx, const ref_bind *row, wg_slice name) {
    const ref_bind *b = ref_find(row, name);
    if (b == NULL) ref_fail(ctx, WG_E_BIND, "no variable %.*s", (int)name.size, (const char *)name.data);
    return &b->value;
}

static void set_item(ref_ctx *ctx, const wg_ast *item, const ref_bind *row) {
    const ref_env env = {.row = row};
    wg_value entity, value = ref_null();
    if (item->kind == WG_AST_SET_PROPERTY || item->kind == WG_AST_REMOVE_PROPERTY) {
        entity = ref_eval(ctx, item->child[0]->child[0], &env);
        if (item->kind == WG_AST_SET_PROPERTY) value = ref_eval(ctx, item->child[1], &env);
        set_property(ctx, &entity, item->child[0]->text, &value);
        return;
    }
    entity = *variable(ctx, row, item->text);
    if (item->kind == WG_AST_SET_LABELS || item->kind == WG_AST_REMOVE_LABELS) {
        for (uint32_t i = 0; i < item->child_count; i++)
            set_label(ctx, &entity, item->child[i]->text, item->kind == WG_AST_SET_LABELS);
        return;
    }
    value = ref_eval(ctx, item->child[0], &env);
    if (entity.type != WG_TYPE_NULL) set_all(ctx, &entity, &value, item->kind == WG_AST_SET_REPLACE);
}

static void set_items(ref_ctx *ctx, const wg_ast *clause, const ref_bind *row) {
    for (uint32_t i = 0; i < clause->child_count; i++) set_item(ctx, clause->child[i], row);
}

/* ---- CREATE and MERGE */

static ref_node *create_node(ref_ctx *ctx, const wg_ast *pattern, const ref_bind **row, bool is_merge) {
    const ref_bind *bound = pattern->text.size > 0 ? ref_find(*row, pattern->text) : NULL;
    if (bound != NULL) {
        if (bound->value.type != WG_TYPE_NODE) ref_fail(ctx, WG_E_VALUE, "an end of the new relationship is null");
        ref_node *old = ref_node_of(&bound->value);
        if (old->deleted) ref_fail(ctx, WG_E_NOT_FOUND, "an end of the new relationship is deleted");
        return old;
    }
    const wg_value map = ref_pattern_map(ctx, pattern->child[0], *row);
    wg_value v = {.type = WG_TYPE_NODE};
    v.as.ptr = add_node(ctx->graph);
    for (uint32_t i = 1; i < pattern->child_count; i++) set_label(ctx, &v, pattern->child[i]->text, true);
    for (uint32_t i = 0; is_merge && i < map.size; i++)
        if (map.as.map[i].value.type == WG_TYPE_NULL) ref_fail(ctx, WG_E_VALUE, "MERGE with null");
    set_all(ctx, &v, &map, false);
    if (pattern->text.size > 0) *row = ref_with(ctx, *row, pattern->text, v);
    return ref_node_of(&v);
}

static wg_value create_edge(ref_ctx *ctx, const wg_ast *pattern, const ref_bind **row, ref_node *a, ref_node *b) {
    const wg_value map = ref_pattern_map(ctx, pattern->child[0], *row);
    const bool left = pattern->op == WG_AST_LEFT;
    wg_value v = {.type = WG_TYPE_EDGE};
    v.as.ptr = add_edge(ctx->graph, left ? b : a, left ? a : b, pattern->child[1]->text);
    set_all(ctx, &v, &map, false);
    if (pattern->text.size > 0) *row = ref_with(ctx, *row, pattern->text, v);
    return v;
}

/* Nodes first, then what joins them. */
static const ref_bind *create_path(ref_ctx *ctx, const wg_ast *path, const ref_bind *row, bool is_merge) {
    wg_value *items = ref_alloc(ctx->arena, path->child_count, sizeof *items);
    for (uint32_t i = 0; i < path->child_count; i += 2) {
        items[i].type = WG_TYPE_NODE;
        items[i].as.ptr = create_node(ctx, path->child[i], &row, is_merge);
    }
    for (uint32_t i = 1; i < path->child_count; i += 2)
        items[i] = create_edge(ctx, path->child[i], &row, ref_node_of(&items[i - 1]), ref_node_of(&items[i + 1]));
    if (path->text.size == 0) return row;
    wg_value v = {.type = WG_TYPE_PATH, .size = path->child_count};
    v.as.list = items;
    return ref_with(ctx, row, path->text, v);
}

typedef struct merging {
    ref_ctx *ctx;
    const wg_ast *clause;
    ref_table found;
} merging;

static bool on_match(void *arg, const ref_bind *row) {
    merging *m = arg;
    ref_add_row(m->ctx, &m->found, row);
    return true;
}

static void merge_null(ref_ctx *ctx, const wg_ast *path, const ref_bind *row) {
    for (uint32_t i = 0; i < path->child_count; i++) {
        const wg_value map = ref_pattern_map(ctx, path->child[i]->child[0], row);
        for (uint32_t k = 0; k < map.size; k++)
            if (map.as.map[k].value.type == WG_TYPE_NULL) ref_fail(ctx, WG_E_VALUE, "MERGE with null");
    }
}

static void merge_row(ref_ctx *ctx, const wg_ast *clause, const ref_bind *row, ref_table *out) {
    const wg_ast *path = clause->child[0];
    merging m = {.ctx = ctx, .clause = clause};
    merge_null(ctx, path, row);
    ref_match(ctx, &path, 1, row, on_match, &m);
    const bool created = m.found.count == 0;
    if (created) ref_add_row(ctx, &m.found, create_path(ctx, path, row, true));
    for (size_t r = 0; r < m.found.count; r++) {
        for (uint32_t i = 1; i < clause->child_count; i++)
            if ((clause->child[i]->kind == WG_AST_ON_CREATE) == created)
                set_items(ctx, clause->child[i]->child[0], m.found.rows[r]);
        ref_add_row(ctx, out, m.found.rows[r]);
    }
}

/* ---- DELETE */

static void delete_value(ref_ctx *ctx, const wg_value *v, bool detach) {
    if (v->type == WG_TYPE_PATH) {
        for (uint32_t i = 0; i < v->size; i++) delete_value(ctx, &v->as.list[i], detach);
    } else if (v->type == WG_TYPE_EDGE) {
        ref_edge_of(v)->deleted = true;
    } else if (v->type == WG_TYPE_NODE) {
        ref_node_of(v)->deleted = true;
        for (size_t i = 0; detach && i < ctx->graph->edge_count; i++)
            if (ctx->graph->edges[i]->from == v->as.ptr || ctx->graph->edges[i]->to == v->as.ptr)
                ctx->graph->edges[i]->deleted = true;
    } else if (v->type != WG_TYPE_NULL) {
        ref_fail(ctx, WG_E_TYPE, "DELETE of %s", wg_type_name((wg_type)v->type));
    }
}

static void delete_rows(ref_ctx *ctx, const wg_ast *clause, const ref_table *table) {
    for (size_t r = 0; r < table->count; r++) {
        const ref_env env = {.row = table->rows[r]};
        for (uint32_t i = 0; i < clause->child_count; i++) {
            const wg_value v = ref_eval(ctx, clause->child[i], &env);
            delete_value(ctx, &v, (clause->flags & WG_AST_DETACH) != 0);
        }
    }
    for (size_t i = 0; i < ctx->graph->edge_count; i++) {
        const ref_edge *e = ctx->graph->edges[i];
        if (!e->deleted && (e->from->deleted || e->to->deleted))
            ref_fail(ctx, WG_E_CONSTRAINT, "a deleted node has relationships");
    }
}

/* ---- */

static void foreach (ref_ctx *ctx, const wg_ast *clause, const ref_bind *row) {
    const ref_env env = {.row = row};
    const wg_value list = ref_eval(ctx, clause->child[0], &env);
    if (list.type == WG_TYPE_NULL) return;
    if (list.type != WG_TYPE_LIST) ref_fail(ctx, WG_E_TYPE, "FOREACH needs a list");
    for (uint32_t i = 0; i < list.size; i++) {
        ref_table one = {0};
        ref_add_row(ctx, &one, ref_with(ctx, row, clause->text, list.as.list[i]));
        for (uint32_t k = 1; k < clause->child_count; k++) ref_write(ctx, clause->child[k], &one);
    }
}

static void write_row(ref_ctx *ctx, const wg_ast *clause, const ref_bind *row, ref_table *out) {
    const wg_ast *pattern = clause->child_count > 0 ? clause->child[0] : NULL;
    switch (clause->kind) {
        case WG_AST_CREATE:
            for (uint32_t i = 0; i < pattern->child_count; i++) row = create_path(ctx, pattern->child[i], row, false);
            break;
        case WG_AST_MERGE:
            merge_row(ctx, clause, row, out);
            return;
        case WG_AST_SET:
        case WG_AST_REMOVE:
            set_items(ctx, clause, row);
            break;
        case WG_AST_FOREACH:
            foreach (ctx, clause, row)
                ;
            break;
        case WG_AST_DELETE:
            break;
        default:
            ref_fail(ctx, WG_E_UNSUPPORTED, "the clause %s", wg_ast_kind_name((wg_ast_kind)clause->kind));
    }
    ref_add_row(ctx, out, row);
}

void ref_write(ref_ctx *ctx, const wg_ast *clause, ref_table *table) {
    ref_table out = {.names = table->names, .name_count = table->name_count};
    wg_slice *names = ref_alloc(ctx->arena, 1000, sizeof *names);
    size_t count = 0;
    const wg_ast *pattern = clause->child_count > 0 ? clause->child[0] : NULL;
    if (clause->kind == WG_AST_MERGE) ref_pattern_names(pattern, names, &count);
    for (uint32_t i = 0; clause->kind == WG_AST_CREATE && i < pattern->child_count; i++)
        ref_pattern_names(pattern->child[i], names, &count);
    for (size_t i = 0; i < count; i++) ref_add_name(ctx, &out, names[i]);
    if (clause->kind == WG_AST_DELETE) delete_rows(ctx, clause, table);
    for (size_t r = 0; r < table->count; r++) write_row(ctx, clause, table->rows[r], &out);
    *table = out;
}
