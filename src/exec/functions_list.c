/* Row functions over lists, maps, nodes and edges. Results share the elements of their arguments where they can. */
#include "base/text/text.h"
#include "exec/exec_functions.h"
#include "exec/pipeline.h"

static wg_code wrong_type(const wgi_call *call, const wg_value *v, wg_error *err) {
    return wg_error_set(err, WG_E_TYPE, call->offset, "%s cannot take a value of type %s", call->function->name,
                        wg_type_name((wg_type)v->type));
}

static wg_value list_of(const wg_value *items, uint64_t n) {
    wg_value v = {.type = WG_TYPE_LIST, .size = (uint32_t)n};
    v.as.list = items;
    return v;
}

WGI_ROW_FN(wgi_fn_in) {
    (void)arg_count;
    if (args[1].type == WG_TYPE_NULL) {
        *out = wg_value_null();
        return WG_OK;
    }
    if (args[1].type != WG_TYPE_LIST) return wrong_type(call, &args[1], err);
    bool unknown = false;
    for (uint32_t i = 0; i < args[1].size; i++) {
        const int equal = wg_value_equal(&args[0], &args[1].as.list[i]);
        if (equal == 1) {
            *out = wg_value_bool(true);
            return WG_OK;
        }
        unknown |= equal < 0;
    }
    *out = unknown ? wg_value_null() : wg_value_bool(false);
    return WG_OK;
}

static wg_code entity_entries(wgi_call *call, const wg_value *v, const wg_map_entry **out, uint32_t *out_count,
                              wg_error *err) {
    const wg_txn *txn = call->eval->context->txn;
    wg_arena *arena = &call->eval->arena;
    if (v->type == WG_TYPE_NODE) return wg_node_properties(txn, v->as.id, arena, out, out_count, err);
    if (v->type == WG_TYPE_EDGE) return wg_edge_properties(txn, v->as.id, arena, out, out_count, err);
    if (v->type != WG_TYPE_MAP) return wrong_type(call, v, err);
    *out = v->as.map;
    *out_count = v->size;
    return WG_OK;
}

static wg_code index_by_name(wgi_call *call, const wg_value *args, wg_value *out, wg_error *err) {
    const wg_slice name = wg_value_slice(&args[1]);
    *out = wg_value_null();
    if (args[0].type == WG_TYPE_NODE || args[0].type == WG_TYPE_EDGE) {
        const uint32_t key = wg_catalog_key(wg_txn_catalog(call->eval->context->txn), name);
        return wgi_read_property(call->eval, args[0].type == WG_TYPE_EDGE, args[0].as.id, key, out, err);
    }
    if (args[0].type == WG_TYPE_POINT) *out = wgi_point_part(&args[0], name);
    if (args[0].type >= WG_TYPE_DATE && args[0].type <= WG_TYPE_DURATION) {
        const wg_expr part = {.name = name, .text_start = (uint32_t)call->offset};
        return wgi_temporal_part(call->eval, &args[0], &part, out, err);
    }
    for (uint32_t i = 0; args[0].type == WG_TYPE_MAP && i < args[0].size; i++) {
        const wg_map_entry *entry = &args[0].as.map[i];
        if (wg_slice_equal(wg_slice_of(entry->key, entry->key_size), name)) *out = entry->value;
    }
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_index) {
    (void)arg_count;
    if (args[0].type == WG_TYPE_LIST) {
        if (args[1].type != WG_TYPE_INT) return wrong_type(call, &args[1], err);
        const int64_t n = args[0].size;
        const int64_t i = args[1].as.i < 0 ? args[1].as.i + n : args[1].as.i;
        *out = i >= 0 && i < n ? args[0].as.list[i] : wg_value_null();
        return WG_OK;
    }
    const bool parts = args[0].type >= WG_TYPE_DATE && args[0].type <= WG_TYPE_POINT; /* date['year'], point['x'] */
    if (!parts && args[0].type != WG_TYPE_MAP && args[0].type != WG_TYPE_NODE && args[0].type != WG_TYPE_EDGE)
        return wrong_type(call, &args[0], err);
    if (args[1].type != WG_TYPE_STRING) return wrong_type(call, &args[1], err);
    return index_by_name(call, args, out, err);
}

/* A bound of a slice: negative counts from the end, the rest is cut to 0..n. */
static uint32_t slice_bound(int64_t i, uint32_t n) {
    if (i < 0) i = i < -(int64_t)n ? 0 : i + (int64_t)n;
    return i > (int64_t)n ? n : (uint32_t)i;
}

WGI_ROW_FN(wgi_fn_slice) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    for (int k = 1; k < 3; k++)
        if (args[k].type != WG_TYPE_INT) return wrong_type(call, &args[k], err);
    const uint32_t from = slice_bound(args[1].as.i, args[0].size);
    const uint32_t to = slice_bound(args[2].as.i, args[0].size);
    *out = from < to ? list_of(args[0].as.list + from, to - from) : list_of(NULL, 0);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_size) {
    (void)arg_count;
    if (args[0].type == WG_TYPE_LIST) *out = wg_value_int(args[0].size);
    else if (args[0].type == WG_TYPE_STRING) *out = wg_value_int((int64_t)wg_utf8_count(wg_value_slice(&args[0])));
    else return wrong_type(call, &args[0], err);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_head) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    *out = args[0].size != 0 ? args[0].as.list[0] : wg_value_null();
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_last) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    *out = args[0].size != 0 ? args[0].as.list[args[0].size - 1] : wg_value_null();
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_tail) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    *out = args[0].size > 1 ? list_of(args[0].as.list + 1, args[0].size - 1) : list_of(NULL, 0);
    return WG_OK;
}

static wg_code reverse_text(wgi_call *call, const wg_value *v, wg_value *out, wg_error *err) {
    uint8_t *text = wg_arena_alloc(&call->eval->arena, v->size + 1u);
    if (text == NULL) return wg_error_nomem(err, v->size);
    const uint8_t *from = (const uint8_t *)v->as.s;
    uint32_t to = v->size;
    for (uint32_t i = 0; i < v->size;) {
        uint32_t bytes = 1; /* of one character: its continuation bytes stay behind it */
        while (i + bytes < v->size && (from[i + bytes] & 0xc0) == 0x80) bytes++;
        to -= bytes;
        memcpy(text + to, from + i, bytes);
        i += bytes;
    }
    *out = wg_value_str(wg_slice_of(text, v->size));
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_reverse) {
    (void)arg_count;
    if (args[0].type == WG_TYPE_STRING) return reverse_text(call, &args[0], out, err);
    if (args[0].type != WG_TYPE_LIST) return wrong_type(call, &args[0], err);
    const uint32_t n = args[0].size;
    wg_value *items = wg_arena_alloc(&call->eval->arena, n * sizeof *items + 1);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    for (uint32_t i = 0; i < n; i++) items[i] = args[0].as.list[n - 1 - i];
    *out = list_of(items, n);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_range) {
    for (uint32_t k = 0; k < arg_count; k++)
        if (args[k].type != WG_TYPE_INT) return wrong_type(call, &args[k], err);
    wgi_range range;
    const bool fits = wgi_range_of(args, arg_count, &range);
    if (range.step == 0) return wg_error_set(err, WG_E_VALUE, call->offset, "range(): the step must not be 0");
    if (!fits) return wg_error_set(err, WG_E_LIMIT, call->offset, "range(): more than 2^32 elements");
    const uint64_t n = range.count;
    wg_value *items = wg_arena_alloc(&call->eval->arena, n * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    for (uint64_t i = 0; i < n; i++)
        items[i] = wg_value_int(wg_i64_of_u64((uint64_t)range.first + i * (uint64_t)range.step)); /* wraps back */
    *out = list_of(items, n);
    return WG_OK;
}

/* ---- nodes and edges */

WGI_ROW_FN(wgi_fn_id) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_NODE && args[0].type != WG_TYPE_EDGE) return wrong_type(call, &args[0], err);
    *out = wg_value_int(wg_i64_of_u64(args[0].as.id));
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_labels) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_NODE) return wrong_type(call, &args[0], err);
    const wg_txn *txn = call->eval->context->txn;
    const uint32_t *labels;
    uint32_t n;
    bool found;
    WG_TRY(wg_node_labels(txn, args[0].as.id, &call->eval->arena, &labels, &n, &found, err));
    *out = wg_value_null();
    if (!found) return WG_OK;
    wg_value *items = wg_arena_alloc(&call->eval->arena, n * sizeof *items + 1);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    for (uint32_t i = 0; i < n; i++)
        items[i] = wg_value_str(
            wg_slice_str(wg_catalog_label_seen(wg_txn_catalog(txn), labels[i], wg_txn_view(txn))->def.name));
    *out = list_of(items, n);
    return WG_OK;
}

/* The argument is a node or an edge that an earlier clause of the statement has deleted. */
WGI_ROW_FN(wgi_fn_deleted) {
    (void)arg_count;
    (void)out;
    return wg_error_refine(err,
                           wg_error_set(err, WG_E_NOT_FOUND, call->offset,
                                        "this %s was deleted by an earlier clause: it has nothing to read any more",
                                        args[0].type == WG_TYPE_EDGE ? "relationship" : "node"),
                           WG_S_REFERENT_DELETED);
}

WGI_ROW_FN(wgi_fn_type) {
    (void)arg_count;
    wg_edge_info info;
    if (args[0].type != WG_TYPE_EDGE) return wrong_type(call, &args[0], err);
    const wg_txn *txn = call->eval->context->txn;
    bool found = false;
    WG_TRY(wg_edge_info_get(txn, args[0].as.id, &info, &found, err));
    if (!found) WG_TRY(wg_edge_info_deleted(txn, args[0].as.id, &info, &found, err));
    *out = wg_value_null();
    if (found)
        *out = wg_value_str(
            wg_slice_str(wg_catalog_label_seen(wg_txn_catalog(txn), info.label, wg_txn_view(txn))->def.name));
    return WG_OK;
}

static wg_code edge_end(wgi_call *call, const wg_value *v, bool is_start, wg_value *out, wg_error *err) {
    wg_edge_info info;
    if (v->type != WG_TYPE_EDGE) return wrong_type(call, v, err);
    bool found = false;
    WG_TRY(wg_edge_info_get(call->eval->context->txn, v->as.id, &info, &found, err));
    *out = wg_value_null();
    if (!found) return WG_OK;
    out->type = WG_TYPE_NODE;
    out->as.id = is_start ? info.from : info.to;
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_start_node) {
    (void)arg_count;
    return edge_end(call, &args[0], true, out, err);
}

WGI_ROW_FN(wgi_fn_end_node) {
    (void)arg_count;
    return edge_end(call, &args[0], false, out, err);
}

WGI_ROW_FN(wgi_fn_keys) {
    (void)arg_count;
    const wg_map_entry *entries;
    uint32_t n;
    WG_TRY(entity_entries(call, &args[0], &entries, &n, err));
    wg_value *items = wg_arena_alloc(&call->eval->arena, n * sizeof *items + 1);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    for (uint32_t i = 0; i < n; i++) items[i] = wg_value_str(wg_slice_of(entries[i].key, entries[i].key_size));
    *out = list_of(items, n);
    return WG_OK;
}

/* A map with the entries of another in the place of its own: both are in the order of their keys. */
WGI_ROW_FN(wgi_fn_overlay) {
    (void)arg_count;
    const wg_value *a = &args[0], *b = &args[1];
    wg_map_entry *entries = wg_arena_alloc(&call->eval->arena, ((size_t)a->size + b->size + 1) * sizeof *entries);
    if (entries == NULL) return wg_error_nomem(err, ((size_t)a->size + b->size) * sizeof *entries);
    uint32_t n = 0, i = 0, k = 0;
    while (i < a->size || k < b->size) {
        int order = i == a->size ? 1 : -1;
        if (i < a->size && k < b->size)
            order = wg_slice_compare(wg_slice_of(a->as.map[i].key, a->as.map[i].key_size),
                                     wg_slice_of(b->as.map[k].key, b->as.map[k].key_size));
        entries[n++] = order < 0 ? a->as.map[i] : b->as.map[k];
        if (order <= 0) i++;
        if (order >= 0) k++;
    }
    *out = (wg_value){.type = WG_TYPE_MAP, .size = n};
    out->as.map = entries;
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_properties) {
    (void)arg_count;
    const wg_map_entry *entries;
    uint32_t n;
    WG_TRY(entity_entries(call, &args[0], &entries, &n, err));
    *out = (wg_value){.type = WG_TYPE_MAP, .size = n};
    out->as.map = entries;
    return WG_OK;
}
