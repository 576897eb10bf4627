/* Columns of groups: a tree for each group of the schema that can be asked for by its name.
 *
 * The tree of an element is made of those of its children, from the last element to the first, each once: levels are absolute, so a tree is the same
 * wherever it hangs. Which shape a group has is what the format's rules for compatibility say:
 *
 *   LIST    one child, which is repeated. Its elements are the child itself where it is a leaf, has several fields or one that is repeated, or is
 *           called "array" or "<name of the list>_tuple"; else they are the child's only field
 *   MAP     one child, a repeated group of a key that is a leaf and a value; without a value it is a list of the keys
 *   other   a struct of its fields; a field that is repeated without such an annotation is a list of them, never null
 *
 * A group that breaks these shapes is taken for a struct. Names: the path, as of leaves; groups inside of repeated ones are reached through
 * these. Failure modes: WG_E_LIMIT when names take more than 64 MiB; a group that cannot be read has a why_not. */
#include "format/parquet/nested_internal.h"

enum { LEAVES_MAX = 1024, HEIGHT_MAX = 60 };

typedef struct maker {
    wgi_parquet_schema *s;
    const wgi_parquet_node **content; /* of each element, without its own repetition; NULL: nothing is below it */
    const wgi_parquet_node **full;    /* a repeated element as a list */
} maker;

static bool fail_nomem(wgi_parquet_schema *s, size_t bytes) {
    s->r->code = wg_error_nomem(s->r->err, bytes);
    s->r->end = s->r->pos;
    return false;
}

static uint32_t child_count(const wgi_parquet_schema *s, uint32_t group) {
    uint32_t count = 0;
    for (uint32_t i = group + 1; i < s->elements[group].end; i = s->elements[i].end) count++;
    return count;
}

static wgi_parquet_node *node_add(maker *m, uint32_t element, wgi_parquet_node_kind kind, uint32_t children) {
    const wgi_parquet_element *e = &m->s->elements[element];
    wgi_parquet_node *node = wg_arena_alloc_zero(m->s->arena, sizeof *node);
    const wgi_parquet_node **links = NULL;
    if (children > 0) links = wg_arena_alloc_zero(m->s->arena, children * sizeof(wgi_parquet_node *));
    if (node == NULL || (children > 0 && links == NULL)) {
        fail_nomem(m->s, sizeof *node + children * sizeof *links);
        return NULL;
    }
    node->kind = kind;
    node->def = e->def;
    node->height = 1;
    node->first_leaf = e->first_leaf;
    node->leaf_count = e->leaf_end - e->first_leaf;
    node->name = e->name;
    node->name_size = e->name_size;
    node->children = links;
    return node;
}

static void child_add(wgi_parquet_node *node, const wgi_parquet_node *child) {
    const wgi_parquet_node **links = (const wgi_parquet_node **)(uintptr_t)node->children;
    links[node->child_count++] = child;
    if (child->height >= node->height) node->height = (uint16_t)(child->height + 1);
}

static int by_name(const wgi_parquet_node *a, const wgi_parquet_node *b) {
    return wg_slice_compare(wg_slice_of(a->name, a->name_size), wg_slice_of(b->name, b->name_size));
}

static void sift(const wgi_parquet_node **links, size_t at, size_t count) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) return;
        if (child + 1 < count && by_name(links[child + 1], links[child]) > 0) child++;
        if (by_name(links[at], links[child]) >= 0) return;
        const wgi_parquet_node *swap = links[at];
        links[at] = links[child];
        links[child] = swap;
        at = child;
    }
}

/* Maps are sorted by their keys; heapsort is never quadratic. */
static void children_sort(wgi_parquet_node *node) {
    const wgi_parquet_node **links = (const wgi_parquet_node **)(uintptr_t)node->children;
    for (size_t i = node->child_count / 2; i-- > 0;) sift(links, i, node->child_count);
    for (size_t i = node->child_count; i-- > 1;) {
        const wgi_parquet_node *swap = links[0];
        links[0] = links[i];
        links[i] = swap;
        sift(links, 0, i);
    }
}

/* The element that a list of this group has; the group's child `r` is repeated. */
static const wgi_parquet_node *list_element(const maker *m, uint32_t group, uint32_t r) {
    const wgi_parquet_element *list = &m->s->elements[group];
    const wgi_parquet_element *repeated = &m->s->elements[r];
    if (repeated->is_leaf || child_count(m->s, r) != 1 || m->s->elements[r + 1].is_repeated) return m->content[r];
    const bool is_element = wgi_parquet_is_element(wg_slice_of(repeated->name, repeated->name_size),
                                                   wg_slice_of(list->name, list->name_size));
    return is_element ? m->content[r] : m->full[r + 1];
}

static bool list_make(maker *m, uint32_t group, uint32_t r, const wgi_parquet_node **out) {
    const wgi_parquet_node *element = list_element(m, group, r);
    if (element == NULL) return true;
    wgi_parquet_node *node = node_add(m, group, WGI_PARQUET_NODE_LIST, 1);
    if (node == NULL) return false;
    node->entry_def = m->s->elements[r].def;
    node->rep = m->s->elements[r].rep;
    child_add(node, element);
    *out = node;
    return true;
}

static bool map_make(maker *m, uint32_t group, uint32_t r, const wgi_parquet_node **out) {
    const wgi_parquet_element *e = m->s->elements;
    const uint32_t value = e[r + 1].end;
    const bool keys_only = value >= e[r].end || m->full[value] == NULL;
    wgi_parquet_node *node = node_add(m, group, keys_only ? WGI_PARQUET_NODE_LIST : WGI_PARQUET_NODE_MAP, 2);
    if (node == NULL) return false;
    node->entry_def = e[r].def;
    node->rep = e[r].rep;
    child_add(node, m->full[r + 1]);
    if (!keys_only) child_add(node, m->full[value]);
    *out = node;
    return true;
}

static bool struct_make(maker *m, uint32_t group, const wgi_parquet_node **out) {
    const wgi_parquet_element *e = m->s->elements;
    wgi_parquet_node *node = node_add(m, group, WGI_PARQUET_NODE_STRUCT, child_count(m->s, group));
    if (node == NULL) return false;
    for (uint32_t i = group + 1; i < e[group].end; i = e[i].end)
        if (m->full[i] != NULL) child_add(node, m->full[i]);
    children_sort(node);
    for (uint32_t i = 1; i < node->child_count; i++)
        if (by_name(node->children[i - 1], node->children[i]) == 0)
            node->height = HEIGHT_MAX + 1; /* two of one name */
    *out = node;
    return true;
}

static bool content_make(maker *m, uint32_t i, const wgi_parquet_node **out) {
    const wgi_parquet_element *e = m->s->elements;
    *out = NULL;
    if (e[i].leaf_end == e[i].first_leaf) return true;
    if (e[i].is_leaf) return (*out = node_add(m, i, WGI_PARQUET_NODE_LEAF, 0)) != NULL;
    const uint32_t r = i + 1;
    const bool one = e[r].end == e[i].end && e[r].is_repeated;
    if (e[i].is_list && one) return list_make(m, i, r, out);
    const uint32_t fields = one && !e[r].is_leaf ? child_count(m->s, r) : 0;
    const bool map = e[i].is_map && (fields == 1 || fields == 2) && e[r + 1].is_leaf && !e[r + 1].is_repeated;
    return map ? map_make(m, i, r, out) : struct_make(m, i, out);
}

static bool full_make(maker *m, uint32_t i) {
    const wgi_parquet_element *e = &m->s->elements[i];
    m->full[i] = m->content[i];
    if (!e->is_repeated || m->content[i] == NULL) return true;
    wgi_parquet_node *node = node_add(m, i, WGI_PARQUET_NODE_LIST, 1);
    if (node == NULL) return false;
    node->def = (uint16_t)(e->def - 1);
    node->entry_def = e->def;
    node->rep = e->rep;
    child_add(node, m->content[i]);
    m->full[i] = node;
    return true;
}

/* ---- columns */

static bool path_make(wgi_parquet_schema *s, uint32_t element, const char **out) {
    size_t bytes = 0;
    for (uint32_t i = element; i != 0; i = s->elements[i].parent) bytes += s->elements[i].name_size + (size_t)1;
    s->path_bytes += bytes;
    if (s->path_bytes > WGI_PARQUET_PATH_BYTES_MAX)
        return wg_thrift_fail(s->r, WG_E_LIMIT, "the column names take more than 64 MiB");
    char *path = wg_arena_alloc(s->arena, bytes);
    if (path == NULL) return fail_nomem(s, bytes);
    size_t at = bytes;
    for (uint32_t i = element; i != 0; i = s->elements[i].parent) {
        path[--at] = i == element ? '\0' : '.';
        at -= s->elements[i].name_size;
        memcpy(path + at, s->elements[i].name, s->elements[i].name_size);
    }
    *out = path;
    return true;
}

static const char *reason_of(const wgi_parquet_schema *s, const wgi_parquet_node *node) {
    if (node->leaf_count > LEAVES_MAX) return "it has more than 1,024 columns";
    if (node->height > HEIGHT_MAX) return "it nests deeper than 60 levels, or two of its fields have one name";
    for (uint32_t i = 0; i < node->leaf_count; i++)
        if (s->columns[node->first_leaf + i].why_not != NULL) return "a column inside of it cannot be read";
    return NULL;
}

static bool column_add(wgi_parquet_schema *s, uint32_t element, const wgi_parquet_node *node, wg_parquet_column *out,
                       bool *out_added) {
    static const char *const names[] = {"leaf", "group", "group (LIST)", "group (MAP)"};
    *out_added = false;
    *out = (wg_parquet_column){.physical = -1, .physical_name = names[node->kind], .optional = true, .node = node};
    if (!path_make(s, element, &out->name)) return false;
    /* A list of plain values is a leaf of this very name. */
    if (node->leaf_count == 1 && strcmp(s->columns[node->first_leaf].name, out->name) == 0) return true;
    out->first_leaf = node->first_leaf;
    out->leaf_count = node->leaf_count;
    out->why_not = reason_of(s, node);
    out->type = out->why_not != NULL                  ? WG_TYPE_NULL
                : node->kind == WGI_PARQUET_NODE_LIST ? WG_TYPE_LIST
                                                      : WG_TYPE_MAP;
    *out_added = true;
    return true;
}

/* Groups that lie in no repeated one. */
static bool columns_make(maker *m, wg_parquet_column *columns, uint32_t *out_count) {
    const wgi_parquet_schema *s = m->s;
    uint32_t count = 0;
    for (uint32_t i = 1; i < s->element_count;) {
        const wgi_parquet_element *e = &s->elements[i];
        bool added = false;
        if (e->is_leaf || m->full[i] == NULL) {
            i = e->is_leaf ? i + 1 : e->end;
            continue;
        }
        if (!column_add(m->s, i, m->full[i], &columns[s->leaf_count + count], &added)) return false;
        count += added;
        i = m->full[i]->kind == WGI_PARQUET_NODE_STRUCT ? i + 1 : e->end;
    }
    *out_count = count;
    return true;
}

bool wgi_parquet_groups_make(wgi_parquet_schema *s, wg_parquet_column **out_columns, uint32_t *out_groups) {
    maker m = {.s = s};
    uint32_t groups = 0;
    *out_columns = s->columns;
    *out_groups = 0;
    for (uint32_t i = 1; i < s->element_count; i++) groups += !s->elements[i].is_leaf;
    if (groups == 0) return true;
    const size_t bytes = (size_t)s->element_count * sizeof(wgi_parquet_node *);
    const size_t room = ((size_t)s->leaf_count + groups) * sizeof(wg_parquet_column);
    m.content = wg_arena_alloc_zero(s->arena, bytes);
    m.full = wg_arena_alloc_zero(s->arena, bytes);
    wg_parquet_column *columns = wg_arena_alloc_zero(s->arena, room);
    if (m.content == NULL || m.full == NULL || columns == NULL) return fail_nomem(s, room);
    for (uint32_t i = s->element_count; i-- > 1;) {
        const wgi_parquet_node *content = NULL;
        if (!content_make(&m, i, &content)) return false;
        m.content[i] = content;
        if (!full_make(&m, i)) return false;
    }
    if (s->leaf_count != 0) memcpy(columns, s->columns, s->leaf_count * sizeof *columns);
    *out_columns = columns;
    return columns_make(&m, columns, out_groups);
}
