/* Paths: making one from a start node and relationships, and taking one apart. A PATH is the list node, edge, node, ..., node. */
#include "exec/exec_functions.h"

static void put_id(wg_value *to, wg_type type, uint64_t id) {
    *to = (wg_value){.type = (uint8_t)type};
    to->as.id = id;
}

static wg_code step(const wgi_call *call, wg_value *items, uint32_t *count, const wg_value *edge, wg_error *err) {
    wg_edge_info info;
    bool found = false;
    if (edge->type == WG_TYPE_EDGE)
        WG_TRY(wg_edge_info_get(call->eval->context->txn, edge->as.id, &info, &found, err));
    if (!found)
        return wg_error_set(err, WG_E_VALUE, call->offset, "a relationship of a path does not exist any more");
    const uint64_t at = items[*count - 1].as.id;
    put_id(&items[(*count)++], WG_TYPE_EDGE, edge->as.id);
    put_id(&items[(*count)++], WG_TYPE_NODE, info.from == at ? info.to : info.from);
    return WG_OK;
}

/* Arguments: the first node, then an edge or a list of edges each. */
WGI_ROW_FN(wgi_fn_path) {
    uint32_t edges = 0;
    for (uint32_t i = 1; i < arg_count; i++) edges += args[i].type == WG_TYPE_LIST ? args[i].size : 1;
    wg_value *items = wg_arena_alloc(&call->eval->arena, (2 * (size_t)edges + 1) * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, edges * sizeof *items);
    uint32_t count = 1;
    put_id(&items[0], WG_TYPE_NODE, args[0].as.id);
    for (uint32_t i = 1; i < arg_count; i++) {
        const bool list = args[i].type == WG_TYPE_LIST;
        for (uint32_t k = 0; k < (list ? args[i].size : 1); k++)
            WG_TRY(step(call, items, &count, list ? &args[i].as.list[k] : &args[i], err));
    }
    *out = (wg_value){.type = WG_TYPE_PATH, .size = count};
    out->as.list = items;
    return WG_OK;
}

static wg_code every_second(wgi_call *call, const wg_value *path, uint32_t first, wg_value *out, wg_error *err) {
    if (path->type != WG_TYPE_PATH)
        return wg_error_set(err, WG_E_TYPE, call->offset, "%s() takes a PATH, not a value of type %s",
                            call->function->name, wg_type_name((wg_type)path->type));
    wg_value *items = wg_arena_alloc(&call->eval->arena, (path->size / 2 + (size_t)1) * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, path->size * sizeof *items);
    uint32_t count = 0;
    for (uint32_t i = first; i < path->size; i += 2) items[count++] = path->as.list[i];
    *out = (wg_value){.type = WG_TYPE_LIST, .size = count};
    out->as.list = items;
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_nodes) {
    (void)arg_count;
    return every_second(call, &args[0], 0, out, err);
}

WGI_ROW_FN(wgi_fn_relationships) {
    (void)arg_count;
    return every_second(call, &args[0], 1, out, err);
}

WGI_ROW_FN(wgi_fn_length) {
    if (args[0].type != WG_TYPE_PATH) return wgi_fn_size(call, args, arg_count, out, err);
    *out = wg_value_int(args[0].size / 2);
    return WG_OK;
}

static bool shares_edge(const wg_value *a, const wg_value *b) {
    const wg_value *xs = a->type == WG_TYPE_LIST ? a->as.list : a, *ys = b->type == WG_TYPE_LIST ? b->as.list : b;
    const uint32_t n = a->type == WG_TYPE_LIST ? a->size : 1, m = b->type == WG_TYPE_LIST ? b->size : 1;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < m; k++)
            if (xs[i].type == WG_TYPE_EDGE && ys[k].type == WG_TYPE_EDGE && xs[i].as.id == ys[k].as.id) return true;
    return false;
}

/* Two edges, or lists of edges, of one pattern: true when they have none in common. */
WGI_ROW_FN(wgi_fn_disjoint) {
    (void)call;
    (void)arg_count;
    (void)err;
    *out = wg_value_bool(!shares_edge(&args[0], &args[1]));
    return WG_OK;
}

/* The map of one entry: what SET n[key] = value writes, and with a null takes away. */
WGI_ROW_FN(wgi_fn_entry) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_STRING)
        return wg_error_set(err, WG_E_TYPE, call->offset, "the name of a property is a STRING, not %s",
                            wg_type_name((wg_type)args[0].type));
    const wg_slice name = wg_value_slice(&args[0]);
    wg_map_entry *entry = wg_arena_alloc_zero(&call->eval->arena, sizeof *entry);
    if (entry == NULL) return wg_error_nomem(err, sizeof *entry);
    entry->key = wg_arena_strdup(&call->eval->arena, name);
    if (entry->key == NULL) return wg_error_nomem(err, name.size);
    entry->key_size = (uint32_t)name.size;
    entry->value = args[1];
    *out = (wg_value){.type = WG_TYPE_MAP, .size = 1};
    out->as.map = entry;
    return WG_OK;
}

static bool has_name(const wg_value *names, const wg_value *name) {
    if (names->type != WG_TYPE_LIST) return wg_value_equal(names, name) == 1;
    for (uint32_t i = 0; i < names->size; i++)
        if (wg_value_equal(&names->as.list[i], name) == 1) return true;
    return false;
}

/* Whether labels, or the type of a relationship, are those that a value names: all of them, or any. */
WGI_ROW_FN(wgi_fn_labelled) {
    (void)arg_count;
    const bool list = args[1].type == WG_TYPE_LIST, any = args[2].as.b;
    const uint32_t count = list ? args[1].size : 1;
    bool has = !any;
    for (uint32_t i = 0; i < count; i++) {
        const wg_value *name = list ? &args[1].as.list[i] : &args[1];
        if (name->type != WG_TYPE_STRING)
            return wg_error_set(err, WG_E_TYPE, call->offset, "the name of a label is a STRING, not %s",
                                wg_type_name((wg_type)name->type));
        const bool one = has_name(&args[0], name);
        has = any ? has || one : has && one;
    }
    *out = wg_value_bool(has);
    return WG_OK;
}

/* A list of lists of one value each as the list of these values, nulls included. */
WGI_ROW_FN(wgi_fn_flatten) {
    (void)arg_count;
    const uint32_t n = args[0].size;
    wg_value *items = wg_arena_alloc(&call->eval->arena, (n + (size_t)1) * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    for (uint32_t i = 0; i < n; i++) items[i] = args[0].as.list[i].as.list[0];
    *out = (wg_value){.type = WG_TYPE_LIST, .size = n};
    out->as.list = items;
    return WG_OK;
}

/* Every step-th element from `first` on, one for each whole repetition in the list without its last `tail` elements. */
WGI_ROW_FN(wgi_fn_stride) {
    (void)arg_count;
    *out = wg_value_null();
    if (args[0].type != WG_TYPE_LIST) return WG_OK;
    const uint32_t first = (uint32_t)args[1].as.i, step = (uint32_t)args[2].as.i, tail = (uint32_t)args[3].as.i;
    const uint32_t n = (args[0].size - tail) / step;
    wg_value *items = wg_arena_alloc(&call->eval->arena, (n + (size_t)1) * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    for (uint32_t i = 0; i < n; i++) items[i] = args[0].as.list[first + i * step];
    *out = (wg_value){.type = WG_TYPE_LIST, .size = n};
    out->as.list = items;
    return WG_OK;
}

/* Whether a path has no node twice; with the second argument true its ends may be one node. */
WGI_ROW_FN(wgi_fn_keeps) {
    (void)call;
    (void)arg_count;
    (void)err;
    const bool closes = args[1].type == WG_TYPE_BOOL && args[1].as.b;
    bool keeps = true;
    for (uint32_t i = 0; i < args[0].size && keeps; i += 2)
        for (uint32_t k = i + 2; k < args[0].size && keeps; k += 2)
            keeps = args[0].as.list[i].as.id != args[0].as.list[k].as.id ||
                    (closes && i == 0 && k + 1 == args[0].size && k > 0);
    *out = wg_value_bool(keeps);
    return WG_OK;
}

/* What the paths between two nodes are ordered by: their length, then the ids of their relationships. */
WGI_ROW_FN(wgi_fn_path_key) {
    (void)arg_count;
    const uint32_t n = args[0].size / 2;
    wg_value *items = wg_arena_alloc(&call->eval->arena, (n + (size_t)1) * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    items[0] = wg_value_int(n);
    for (uint32_t i = 0; i < n; i++) items[i + 1] = wg_value_int(wg_i64_of_u64(args[0].as.list[2 * i + 1].as.id));
    *out = (wg_value){.type = WG_TYPE_LIST, .size = n + 1};
    out->as.list = items;
    return WG_OK;
}
