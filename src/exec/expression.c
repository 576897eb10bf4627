/* Evaluates expressions over a batch, vector by vector.
 *
 * A call first evaluates its arguments, then tries the function's typed kernel, then falls back to its row function over wg_values,
 * which has the complete semantics; tests hold the two equal. When all arguments are constant the call runs once. CASE
 * narrows the selection branch by branch, so a branch that is not taken is not evaluated and cannot fail. Results live in the arena of
 * the evaluator. Nothing is evaluated over an empty selection. */
#include "exec/regex.h"
#include "exec/temporal.h"

static wg_code eval_param(wgi_eval *eval, const wg_expr *expr, wg_vector *out, wg_error *err) {
    const wg_exec_context *context = eval->context;
    if (expr->slot >= context->param_count)
        return wg_error_set(err, WG_E_PARAMETER, expr->text_start, "parameter %u has no value", expr->slot);
    if (!wgi_vector_const(&eval->arena, &context->params[expr->slot], out)) return wg_error_nomem(err, 64);
    return WG_OK;
}

/* ---- properties of nodes and edges */

/* The ids of the rows that have one, in row order; rows[k] is the row of ids[k]. */
static wg_code collect_ids(wgi_eval *eval, const wg_vector *v, const wg_batch *in, wg_type type, uint64_t **out_ids,
                           uint16_t **out_rows, uint32_t *out_count, wg_error *err) {
    uint64_t *ids = wg_arena_alloc(&eval->arena, in->row_count * sizeof *ids);
    uint16_t *rows = wg_arena_alloc(&eval->arena, in->row_count * sizeof *rows);
    if (ids == NULL || rows == NULL) return wg_error_nomem(err, in->row_count * sizeof *ids);
    uint32_t n = 0;
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        if (!wgi_vector_id(v, row, type, &ids[n])) continue;
        rows[n++] = (uint16_t)row;
    }
    *out_ids = ids;
    *out_rows = rows;
    *out_count = n;
    return WG_OK;
}

static wg_code eval_stored_property(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out,
                                    wg_error *err) {
    const bool is_edge = expr->kind == WG_EXPR_EDGE_PROPERTY;
    wg_vector target;
    uint64_t *ids;
    uint16_t *rows;
    uint32_t n;
    WG_TRY(wgi_eval_vector(eval, expr->args[0], in, &target, err));
    if (expr->key == WG_NO_KEY) {
        *out = wgi_vector_null(expr->type);
        return WG_OK;
    }
    WG_TRY(collect_ids(eval, &target, in, is_edge ? WG_TYPE_EDGE : WG_TYPE_NODE, &ids, &rows, &n, err));
    const wg_type type = expr->type == WG_TYPE_NULL ? WG_TYPE_ANY : expr->type;
    wg_column column;
    if (!wg_column_init_lent(&column, type, &eval->arena, eval->context->account, n))
        return wg_error_nomem(err, n * sizeof(uint64_t));
    wg_code code = is_edge ? wg_read_edge_property(eval->context->txn, ids, n, expr->key, &column, err)
                           : wg_read_node_property(eval->context->txn, ids, n, expr->key, &column, err);
    wgi_builder b;
    if (code == WG_OK && !wgi_builder_init(&b, &eval->arena, type, wgi_extent(in))) code = wg_error_nomem(err, n);
    if (code == WG_OK) {
        memset(b.valid, 0, wg_bit_bytes(wgi_extent(in)));
        b.vector.valid = b.valid;
        const wg_vector cells = wg_column_view(&column);
        const size_t bytes = wg_physical_bytes(wg_type_physical(type));
        for (uint32_t i = 0; i < n; i++) {
            if (!wg_vector_is_valid(&cells, i)) continue;
            memcpy(b.data + rows[i] * bytes, (const uint8_t *)cells.data + i * bytes, bytes);
            wg_bit_set(b.valid, rows[i]);
        }
        *out = b.vector;
    }
    wg_column_deinit(&column);
    return code;
}

wg_code wgi_read_property(wgi_eval *eval, bool is_edge, uint64_t id, uint32_t key, wg_value *out, wg_error *err) {
    *out = wg_value_null();
    if (key == WG_NO_KEY) return WG_OK;
    wg_column column;
    wg_column_init(&column, WG_TYPE_ANY, &eval->arena, eval->context->account);
    const wg_code code = is_edge ? wg_read_edge_property(eval->context->txn, &id, 1, key, &column, err)
                                 : wg_read_node_property(eval->context->txn, &id, 1, key, &column, err);
    if (code == WG_OK) {
        const wg_vector v = wg_column_view(&column);
        *out = wg_vector_value(&v, 0);
    }
    wg_column_deinit(&column);
    return code;
}

/* An entry of a map, or a property of whatever the value is. */
static wg_code property_of_value(wgi_eval *eval, const wg_expr *expr, const wg_value *target, wg_value *out,
                                 wg_error *err) {
    *out = wg_value_null();
    if (target->type == WG_TYPE_NULL) return WG_OK;
    if (target->type == WG_TYPE_NODE || target->type == WG_TYPE_EDGE)
        return wgi_read_property(eval, target->type == WG_TYPE_EDGE, target->as.id, expr->key, out, err);
    if (target->type == WG_TYPE_MAP) {
        for (uint32_t i = 0; i < target->size; i++) {
            const wg_map_entry *entry = &target->as.map[i];
            if (wg_slice_equal(wg_slice_of(entry->key, entry->key_size), expr->name)) *out = entry->value;
        }
        return WG_OK;
    }
    if (target->type == WG_TYPE_POINT) {
        *out = wgi_point_part(target, expr->name);
        return WG_OK;
    }
    if (wgi_is_instant((wg_type)target->type) || target->type == WG_TYPE_DURATION)
        return wgi_temporal_part(eval, target, expr, out, err);
    return wg_error_set(err, WG_E_TYPE, expr->text_start, "a value of type %s has no properties",
                        wg_type_name((wg_type)target->type));
}

static wg_code eval_property(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err) {
    wg_vector target;
    wgi_builder b;
    WG_TRY(wgi_eval_vector(eval, expr->args[0], in, &target, err));
    if (!wgi_builder_init(&b, &eval->arena, expr->type, wgi_extent(in))) return wg_error_nomem(err, in->row_count);
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        const wg_value value = wg_vector_value(&target, row);
        wg_value cell;
        WG_TRY(property_of_value(eval, expr, &value, &cell, err));
        WG_TRY(wgi_builder_set(&b, row, &cell, expr->text_start, err));
    }
    *out = b.vector;
    return WG_OK;
}

/* A target of unknown type must turn out to be a node or null. */
static wg_code check_nodes(const wg_expr *expr, const wg_vector *target, const wg_batch *in, wg_error *err) {
    for (uint32_t i = 0; i < in->row_count && target->type == WG_TYPE_ANY; i++) {
        const wg_value v = wg_vector_value(target, wg_batch_row(in, i));
        if (v.type == WG_TYPE_EDGE)
            return wg_error_set(err, WG_E_UNSUPPORTED, expr->text_start,
                                "a label test on a relationship of unknown type is not supported; compare type(r)");
        if (v.type != WG_TYPE_NODE && v.type != WG_TYPE_NULL)
            return wg_error_set(err, WG_E_TYPE, expr->text_start, "only a node has labels, this is %s",
                                wg_type_name((wg_type)v.type));
    }
    return WG_OK;
}

static wg_code eval_has_labels(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out,
                               wg_error *err) {
    wg_vector target;
    uint64_t *ids;
    uint16_t *rows;
    uint32_t n;
    WG_TRY(wgi_eval_vector(eval, expr->args[0], in, &target, err));
    WG_TRY(check_nodes(expr, &target, in, err));
    WG_TRY(collect_ids(eval, &target, in, WG_TYPE_NODE, &ids, &rows, &n, err));
    uint8_t *has = wg_arena_alloc(&eval->arena, n + 1u);
    uint8_t *tri = wg_arena_alloc(&eval->arena, wgi_extent(in));
    if (has == NULL || tri == NULL) return wg_error_nomem(err, n);
    WG_TRY(wg_nodes_have_labels(eval->context->txn, ids, n, expr->labels, expr->label_count, has, err));
    memset(tri, WGI_UNKNOWN, wgi_extent(in));
    for (uint32_t i = 0; i < n; i++) tri[rows[i]] = has[i] != 0 ? WGI_TRUE : WGI_FALSE;
    if (!wgi_vector_of_tri(&eval->arena, tri, wgi_extent(in), out)) return wg_error_nomem(err, n);
    return WG_OK;
}

/* ---- lists and maps */

static wg_code eval_args(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector **out, wg_error *err) {
    wg_vector *args = wg_arena_alloc(&eval->arena, (expr->arg_count + 1) * sizeof *args);
    if (args == NULL) return wg_error_nomem(err, expr->arg_count * sizeof *args);
    for (uint32_t i = 0; i < expr->arg_count; i++) WG_TRY(wgi_eval_vector(eval, expr->args[i], in, &args[i], err));
    *out = args;
    return WG_OK;
}

static wg_code list_row(wgi_eval *eval, const wg_expr *expr, const wg_vector *args, uint32_t row, wg_value *out,
                        wg_error *err) {
    const uint32_t n = expr->arg_count;
    wg_value *items = wg_arena_alloc(&eval->arena, n * sizeof *items + 1);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    for (uint32_t i = 0; i < n; i++) items[i] = wg_vector_value(&args[i], row);
    *out = (wg_value){.type = WG_TYPE_LIST, .size = n};
    out->as.list = items;
    return WG_OK;
}

static wg_code map_row(wgi_eval *eval, const wg_expr *expr, const wg_vector *args, uint32_t row, wg_value *out,
                       wg_error *err) {
    const uint32_t n = expr->arg_count;
    wg_map_entry *entries = wg_arena_alloc(&eval->arena, n * sizeof *entries + 1);
    if (entries == NULL) return wg_error_nomem(err, n * sizeof *entries);
    for (uint32_t i = 0; i < n; i++) {
        entries[i].key = (const char *)expr->names[i].data;
        entries[i].key_size = expr->names[i].size;
        entries[i].value = wg_vector_value(&args[i], row);
    }
    *out = (wg_value){.type = WG_TYPE_MAP, .size = n};
    out->as.map = entries;
    return WG_OK;
}

static wg_code eval_container(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out,
                              wg_error *err) {
    wg_vector *args;
    wgi_builder b;
    WG_TRY(eval_args(eval, expr, in, &args, err));
    if (!wgi_builder_init(&b, &eval->arena, expr->type, wgi_extent(in))) return wg_error_nomem(err, in->row_count);
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        wg_value cell;
        WG_TRY(expr->kind == WG_EXPR_LIST ? list_row(eval, expr, args, row, &cell, err)
                                          : map_row(eval, expr, args, row, &cell, err));
        WG_TRY(wgi_builder_set(&b, row, &cell, expr->text_start, err));
    }
    *out = b.vector;
    return WG_OK;
}

/* ---- calls */

static wg_code call_row(wgi_call *call, const wg_expr *expr, const wg_vector *vectors, wg_value *args, uint32_t row,
                        wg_value *out, wg_error *err) {
    bool has_null = false;
    for (uint32_t k = 0; k < expr->arg_count; k++) {
        args[k] = wg_vector_value(&vectors[k], row);
        has_null |= args[k].type == WG_TYPE_NULL;
    }
    if (has_null && call->function->strict) {
        *out = wg_value_null();
        return WG_OK;
    }
    return call->function->row(call, args, expr->arg_count, out, err);
}

static bool all_constant(const wg_expr *expr, const wg_vector *args) {
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (args[i].kind != WG_VECTOR_CONST) return false;
    return true;
}

static wg_code eval_call(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err) {
    wg_vector *vectors;
    wgi_call call = {.eval = eval, .function = expr->function, .offset = expr->text_start};
    WG_TRY(eval_args(eval, expr, in, &vectors, err));
    wg_value *args = wg_arena_alloc(&eval->arena, (expr->arg_count + 1) * sizeof *args);
    if (args == NULL) return wg_error_nomem(err, expr->arg_count * sizeof *args);
    if (all_constant(expr, vectors)) {
        wg_value cell;
        WG_TRY(call_row(&call, expr, vectors, args, 0, &cell, err));
        if (cell.type == WG_TYPE_NULL) {
            *out = wgi_vector_null(expr->type);
            return WG_OK;
        }
        return wgi_vector_const(&eval->arena, &cell, out) ? WG_OK : wg_error_nomem(err, 64);
    }
    bool done = false;
    if (expr->function->vector != NULL) WG_TRY(expr->function->vector(&call, vectors, in, out, &done, err));
    if (done) return WG_OK;
    wgi_builder b;
    if (!wgi_builder_init(&b, &eval->arena, expr->type, wgi_extent(in))) return wg_error_nomem(err, in->row_count);
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        wg_value cell;
        WG_TRY(call_row(&call, expr, vectors, args, row, &cell, err));
        WG_TRY(wgi_builder_set(&b, row, &cell, expr->text_start, err));
    }
    *out = b.vector;
    return WG_OK;
}

/* ---- CASE */

static wg_code set_rows(wgi_builder *b, const wg_expr *expr, const wg_vector *from, const uint16_t *sel, uint32_t n,
                        wg_error *err) {
    for (uint32_t i = 0; i < n; i++) {
        const wg_value value = wg_vector_value(from, sel[i]);
        WG_TRY(wgi_builder_set(b, sel[i], &value, expr->text_start, err));
    }
    return WG_OK;
}

/* Evaluates `branch` on the rows sel[0..n) and puts the results into b. */
static wg_code case_branch(wgi_eval *eval, const wg_expr *expr, const wg_expr *branch, const wg_batch *rows,
                           wgi_builder *b, wg_error *err) {
    wg_vector result;
    if (rows->row_count == 0) return WG_OK;
    WG_TRY(wgi_eval_vector(eval, branch, rows, &result, err));
    return set_rows(b, expr, &result, rows->sel, rows->row_count, err);
}

static wg_code eval_case(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err) {
    const uint32_t extent = wgi_extent(in);
    wgi_builder b;
    uint16_t *rest = wg_arena_alloc(&eval->arena, in->row_count * sizeof *rest);
    uint16_t *taken = wg_arena_alloc(&eval->arena, in->row_count * sizeof *taken);
    uint8_t *tri = wg_arena_alloc(&eval->arena, extent);
    if (rest == NULL || taken == NULL || tri == NULL || !wgi_builder_init(&b, &eval->arena, expr->type, extent))
        return wg_error_nomem(err, extent);
    wg_batch rows = *in;
    for (uint32_t i = 0; i < in->row_count; i++) rest[i] = (uint16_t)wg_batch_row(in, i);
    rows.sel = rest;
    for (uint32_t k = 0; k + 1 < expr->arg_count && rows.row_count > 0; k += 2) {
        wg_vector when;
        WG_TRY(wgi_eval_vector(eval, expr->args[k], &rows, &when, err));
        WG_TRY(wgi_tri_of_vector(&when, &rows, tri, expr->args[k]->text_start, err));
        wg_batch then = rows;
        then.sel = taken;
        then.row_count = 0;
        uint32_t left = 0;
        for (uint32_t i = 0; i < rows.row_count; i++) {
            const uint16_t row = rest[i];
            if (tri[row] == WGI_TRUE) taken[then.row_count++] = row;
            else rest[left++] = row;
        }
        rows.row_count = left;
        WG_TRY(case_branch(eval, expr, expr->args[k + 1], &then, &b, err));
    }
    if (expr->arg_count % 2 == 1) {
        WG_TRY(case_branch(eval, expr, expr->args[expr->arg_count - 1], &rows, &b, err));
    } else {
        const wg_vector none = wgi_vector_null(WG_TYPE_NULL);
        WG_TRY(set_rows(&b, expr, &none, rest, rows.row_count, err));
    }
    *out = b.vector;
    return WG_OK;
}

/* ---- rand() */

static uint64_t mix(uint64_t h, const wg_vector *v, uint32_t row) {
    const wg_value value = wg_vector_value(v, row);
    return wg_hash64_u64(h * UINT64_C(0x9e3779b97f4a7c15) + wg_value_hash(&value));
}

uint64_t wgi_row_seed(const wgi_eval *eval, uint32_t row) {
    const uint64_t outer = eval->context->row_seed;
    if (eval->placed == NULL) return outer;
    uint32_t low = row;
    if (eval->placed->sel != NULL) { /* how many of the selected rows stand before this one */
        uint32_t high = eval->placed->row_count;
        for (low = 0; low < high;) {
            const uint32_t middle = low + (high - low) / 2;
            if (eval->placed->sel[middle] < row) low = middle + 1;
            else high = middle;
        }
    }
    return wg_hash64_u64(outer * UINT64_C(0x9e3779b97f4a7c15) + eval->place + low + 1);
}

/* A UUID of version 4 from 122 bits. */
static bool uuid_of(wg_arena *arena, uint64_t h, wg_value *out) {
    static const char digits[] = "0123456789abcdef";
    const uint64_t high = (wg_hash64_u64(h) & ~UINT64_C(0xf000)) | 0x4000;
    const uint64_t low = (wg_hash64_u64(h + 1) >> 2) | UINT64_C(1) << 63;
    char *text = wg_arena_alloc(arena, 36);
    if (text == NULL) return false;
    uint32_t at = 0;
    for (uint32_t i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) text[at++] = '-';
        text[at++] = digits[(i < 16 ? high >> (60 - 4 * i) : low >> (124 - 4 * i)) & 15];
    }
    *out = wg_value_str(wg_slice_of(text, 36));
    return true;
}

/* rand() and randomUUID(): a hash of the statement's moment, the place in the text, and what makes the row what it is, its place in the order of
 * rows included where it has one; no thread, batch or repetition changes it (ADR 0017). Elements of lists have no places. */
static wg_code eval_random(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err) {
    wgi_builder b;
    if (!wgi_builder_init(&b, &eval->arena, expr->type, wgi_extent(in))) return wg_error_nomem(err, in->row_count);
    const uint64_t moment = wg_hash64_u64(wg_u64_of_i64(eval->context->clock_us));
    const uint64_t seed = wg_hash64_u64(moment + expr->text_start + UINT64_C(1));
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        uint64_t h = seed ^ (expr->slot == 0 ? wgi_row_seed(eval, row) : eval->context->row_seed);
        for (uint32_t c = 0; c < in->column_count; c++) h = mix(h, &in->columns[c], row);
        for (uint32_t c = 0; c < expr->slot; c++) h = mix(h, &eval->locals[c], row);
        wg_value value = wg_value_float((double)(wg_hash64_u64(h) >> 11) * 0x1p-53);
        if (expr->type == WG_TYPE_STRING && !uuid_of(&eval->arena, h, &value)) return wg_error_nomem(err, 36);
        WG_TRY(wgi_builder_set(&b, row, &value, expr->text_start, err));
    }
    *out = b.vector;
    return WG_OK;
}

/* ---- entry points */

void wgi_eval_deinit(wgi_eval *eval) {
    wgi_regex_cache_destroy(eval->regexes);
    eval->regexes = NULL;
    wg_arena_deinit(&eval->arena);
}

wg_code wgi_eval_vector(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err) {
    if (in->row_count == 0) {
        *out = wgi_vector_null(expr->type);
        return WG_OK;
    }
    switch (expr->kind) {
        case WG_EXPR_CONST:
            return wgi_vector_const(&eval->arena, &expr->value, out) ? WG_OK : wg_error_nomem(err, 64);
        case WG_EXPR_SLOT:
            WG_ASSERT(expr->slot < in->column_count);
            *out = in->columns[expr->slot];
            return WG_OK;
        case WG_EXPR_PARAM:
            return eval_param(eval, expr, out, err);
        case WG_EXPR_NODE_PROPERTY:
        case WG_EXPR_EDGE_PROPERTY:
            return eval_stored_property(eval, expr, in, out, err);
        case WG_EXPR_PROPERTY:
            return eval_property(eval, expr, in, out, err);
        case WG_EXPR_HAS_LABELS:
            return eval_has_labels(eval, expr, in, out, err);
        case WG_EXPR_CALL:
            return eval_call(eval, expr, in, out, err);
        case WG_EXPR_CASE:
            return eval_case(eval, expr, in, out, err);
        case WG_EXPR_LIST:
        case WG_EXPR_MAP:
            return eval_container(eval, expr, in, out, err);
        case WG_EXPR_LOCAL:
            *out = eval->locals[expr->slot];
            return WG_OK;
        case WG_EXPR_RANDOM:
            return eval_random(eval, expr, in, out, err);
        case WG_EXPR_COMPREHENSION:
        case WG_EXPR_QUANTIFIER:
        case WG_EXPR_REDUCE:
            return wgi_eval_binding(eval, expr, in, out, err);
        case WG_EXPR_SUBQUERY:
            return wgi_eval_subquery(eval, expr, in, out, err);
    }
    WG_UNREACHABLE("an expression kind outside its enum");
}

/* All rows up to the extent: integers that are not selected are readable, and any of them is a double. */
static wg_code floats_of_ints(wgi_eval *eval, const wg_vector *v, const wg_batch *in, wg_vector *out, wg_error *err) {
    const uint32_t extent = wgi_extent(in);
    wg_vector flat;
    double *cells = wg_arena_alloc(&eval->arena, extent * sizeof *cells);
    if (cells == NULL || !wgi_vector_flatten(&eval->arena, v, in, &flat))
        return wg_error_nomem(err, extent * sizeof *cells);
    for (uint32_t i = 0; i < extent; i++) cells[i] = (double)((const int64_t *)flat.data)[i];
    *out = (wg_vector){.type = WG_TYPE_FLOAT, .kind = WG_VECTOR_FLAT, .valid = flat.valid, .data = cells};
    return WG_OK;
}

wg_code wgi_eval_typed(wgi_eval *eval, const wg_expr *expr, wg_type type, const wg_batch *in, wg_vector *out,
                       wg_error *err) {
    wg_vector v;
    WG_TRY(wgi_eval_vector(eval, expr, in, &v, err));
    if (v.type == type) {
        *out = v;
        return WG_OK;
    }
    if (in->row_count == 0 || v.type == WG_TYPE_NULL) {
        *out = wgi_vector_null(type);
        return WG_OK;
    }
    if (v.type == WG_TYPE_INT && type == WG_TYPE_FLOAT && v.kind != WG_VECTOR_CONST)
        return floats_of_ints(eval, &v, in, out, err);
    wgi_builder b;
    if (!wgi_builder_init(&b, &eval->arena, type, wgi_extent(in))) return wg_error_nomem(err, in->row_count);
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        const wg_value value = wg_vector_value(&v, row);
        WG_TRY(wgi_builder_set(&b, row, &value, expr->text_start, err));
    }
    *out = b.vector;
    return WG_OK;
}

wg_code wg_exec_constant(const wg_expr *expr, const wg_exec_context *context, wg_arena *arena, wg_value *out,
                         wg_error *err) {
    wgi_eval eval = {.context = context};
    const wg_batch one = {.row_count = 1};
    wg_vector v;
    wg_arena_init(&eval.arena, context->account);
    wg_code code = wgi_eval_vector(&eval, expr, &one, &v, err);
    if (code == WG_OK) {
        const wg_value value = wg_vector_value(&v, 0);
        wg_value copy;
        if (!wg_value_copy(arena, &value, &copy)) code = wg_error_nomem(err, sizeof value);
        else *out = copy;
    }
    wgi_eval_deinit(&eval);
    return code;
}

wg_code wgi_eval_count(const wg_exec_context *context, const wg_expr *expr, uint64_t otherwise, uint64_t *out,
                       wg_error *err) {
    if (expr == NULL) {
        *out = otherwise;
        return WG_OK;
    }
    wg_arena arena;
    wg_value value;
    wg_arena_init(&arena, context->account);
    wg_code code = wg_exec_constant(expr, context, &arena, &value, err);
    if (code == WG_OK && (value.type != WG_TYPE_INT || value.as.i < 0))
        code = wg_error_set(err, value.type == WG_TYPE_INT ? WG_E_VALUE : WG_E_TYPE, expr->text_start,
                            "SKIP and LIMIT take a non-negative INT");
    if (code == WG_OK) *out = wg_u64_of_i64(value.as.i);
    wg_arena_deinit(&arena);
    return code;
}
