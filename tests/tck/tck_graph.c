/* tests/tck: the state of the graph, read by queries, and what changed between two states. Labels are counted as names that are in
 * use, properties as (entity, key, value), as the TCK counts them. */
#include <stdlib.h>

#include "tests/tck/tck.h"

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static size_t unique(const char **items, size_t count) {
    if (count == 0) return 0;
    qsort(items, count, sizeof *items, compare);
    size_t n = 1;
    for (size_t i = 1; i < count; i++)
        if (strcmp(items[n - 1], items[i]) != 0) items[n++] = items[i];
    return n;
}

static void add(wg_arena *arena, const char ***items, size_t *count, const char *text) {
    if ((*count & (*count - 1)) == 0) {
        const char **more = tck_alloc(arena, *count * 2 + 1, sizeof *more);
        if (*count > 0) memcpy(more, *items, *count * sizeof *more);
        *items = more;
    }
    (*items)[(*count)++] = text;
}

static void add_properties(wg_arena *arena, const char *entity, const wg_map_entry *properties, uint32_t count,
                           tck_graph *g) {
    for (uint32_t i = 0; i < count; i++) {
        wg_buf text;
        wg_buf_init(&text, NULL);
        tck_print_value(arena, &properties[i].value, false, &text);
        add(arena, &g->properties, &g->property_count,
            tck_format(arena, "%s.%.*s=%.*s", entity, (int)properties[i].key_size, properties[i].key, (int)text.size,
                       (const char *)text.data));
        wg_buf_deinit(&text);
    }
}

static void add_value(wg_arena *arena, const wg_value *v, tck_graph *g) {
    if (v->type == WG_TYPE_NODE) {
        const wg_node *n = v->as.node;
        const char *entity = tck_format(arena, "n%llu", (unsigned long long)n->id);
        add(arena, &g->nodes, &g->node_count, entity);
        for (uint32_t i = 0; i < n->label_count; i++)
            add(arena, &g->labels, &g->label_count, tck_format(arena, "%s", n->labels[i]));
        add_properties(arena, entity, n->properties, n->property_count, g);
    } else if (v->type == WG_TYPE_EDGE) {
        const wg_edge *e = v->as.edge;
        const char *entity = tck_format(arena, "r%llu", (unsigned long long)e->id);
        add(arena, &g->edges, &g->edge_count, entity);
        add_properties(arena, entity, e->properties, e->property_count, g);
    }
}

bool tck_graph_read(wg_arena *arena, tck_query_fn query, void *arg, tck_graph *out, wg_error *err) {
    static const char *const queries[] = {"MATCH (n) RETURN n", "MATCH ()-[r]->() RETURN r"};
    *out = (tck_graph){0};
    for (size_t q = 0; q < 2; q++) {
        tck_answer *answer;
        if (!query(arg, queries[q], &answer, err)) return false;
        for (uint64_t row = 0; row < answer->row_count; row++) add_value(arena, &answer->cells[row], out);
        wg_result_free(answer->result);
    }
    out->node_count = unique(out->nodes, out->node_count);
    out->edge_count = unique(out->edges, out->edge_count);
    out->label_count = unique(out->labels, out->label_count);
    out->property_count = unique(out->properties, out->property_count);
    return true;
}

/* How many of b are not in a. */
static size_t only_in_second(const char **a, size_t a_count, const char **b, size_t b_count) {
    size_t i = 0, n = 0;
    for (size_t k = 0; k < b_count; k++) {
        while (i < a_count && strcmp(a[i], b[k]) < 0) i++;
        if (i == a_count || strcmp(a[i], b[k]) != 0) n++;
    }
    return n;
}

size_t tck_graph_change(const tck_graph *before, const tck_graph *after, const char *what) {
    const tck_graph *a = what[0] == '+' ? before : after;
    const tck_graph *b = what[0] == '+' ? after : before;
    if (strcmp(what + 1, "nodes") == 0) return only_in_second(a->nodes, a->node_count, b->nodes, b->node_count);
    if (strcmp(what + 1, "relationships") == 0)
        return only_in_second(a->edges, a->edge_count, b->edges, b->edge_count);
    if (strcmp(what + 1, "labels") == 0) return only_in_second(a->labels, a->label_count, b->labels, b->label_count);
    return only_in_second(a->properties, a->property_count, b->properties, b->property_count);
}
