/* CREATE, SET, DELETE. The input is taken in whole, so a statement never meets its own effects while it still reads; then rows are
 * applied in order on the calling thread, each expression evaluated when its row's turn comes. Counters are kept by the transaction.
 *
 * A failure leaves what earlier rows wrote in the transaction; the caller aborts the statement's transaction, which undoes it all. */
#include "exec/exec_internal.h"

typedef wgi_write_row write_row;

/* Gives an error of the engine a place in the query text. */
static wg_code at(wg_code code, const wg_expr *expr, wg_error *err) {
    if (code != WG_OK && err != NULL && err->offset == WG_NO_OFFSET && expr != NULL) err->offset = expr->text_start;
    return code;
}

wg_code wgi_write_eval(const write_row *w, const wg_expr *expr, wg_value *out, wg_error *err) {
    wg_vector v;
    WG_TRY(wgi_eval_vector(w->eval, expr, &w->batch, &v, err));
    *out = wg_vector_value(&v, w->batch.sel[0]);
    return WG_OK;
}

/* ---- properties */

static wg_code map_entries(const write_row *w, const wg_expr *expr, const wg_map_entry **out, uint32_t *out_count,
                           wg_error *err) {
    wg_value v;
    WG_TRY(wgi_write_eval(w, expr, &v, err));
    if (v.type == WG_TYPE_NODE) return wg_node_properties(w->txn, v.as.id, &w->eval->arena, out, out_count, err);
    if (v.type == WG_TYPE_EDGE) return wg_edge_properties(w->txn, v.as.id, &w->eval->arena, out, out_count, err);
    if (v.type != WG_TYPE_MAP)
        return wg_error_set(err, WG_E_TYPE, expr->text_start,
                            "properties come from a MAP, not from a value of type %s", wg_type_name((wg_type)v.type));
    *out = v.as.map;
    *out_count = v.size;
    return WG_OK;
}

static wg_code collect_properties(const write_row *w, const wg_write_properties *p, wg_property **out,
                                  uint32_t *out_count, wg_error *err) {
    const wg_map_entry *entries = NULL;
    uint32_t entry_count = 0;
    if (p->map != NULL) WG_TRY(map_entries(w, p->map, &entries, &entry_count, err));
    wg_property *list = wg_arena_alloc(&w->eval->arena, (p->count + entry_count + 1) * sizeof *list);
    if (list == NULL) return wg_error_nomem(err, p->count * sizeof *list);
    for (uint32_t i = 0; i < p->count; i++) {
        list[i].key = p->keys[i];
        WG_TRY(wgi_write_eval(w, p->exprs[i], &list[i].value, err));
    }
    for (uint32_t i = 0; i < entry_count; i++) {
        wg_property *property = &list[p->count + i];
        const wg_slice name = wg_slice_of(entries[i].key, entries[i].key_size);
        WG_TRY(at(wg_txn_intern_key(w->txn, name, &property->key, err), p->map, err));
        property->value = entries[i].value;
    }
    *out = list;
    *out_count = p->count + entry_count;
    return WG_OK;
}

/* Where the text says what is written next: constraints that it breaks until the statement ends are shown there. */
static void set_place(const write_row *w, const wg_expr *expr) {
    wg_txn_set_place(w->txn, expr != NULL ? expr->text_start : WG_NO_OFFSET);
}

static const wg_expr *place_of(const wg_write_properties *p) {
    return p->map != NULL ? p->map : p->count > 0 ? p->exprs[0] : NULL;
}

/* ---- labels */

typedef struct label_list {
    const uint32_t *numbers; /* of the text */
    uint32_t count;
    wg_expr *const *exprs;
    uint32_t expr_count;
    bool is_edge;
    bool only_known; /* a name that there is not is left out, else it is made */
} label_list;

static wg_code add_named(const write_row *w, const label_list *list, const wg_value *name, const wg_expr *place,
                         wg_buf *out, wg_error *err) {
    uint32_t number;
    if (name->type != WG_TYPE_STRING || name->size == 0)
        return wg_error_set(err, name->type == WG_TYPE_STRING ? WG_E_VALUE : WG_E_TYPE, place->text_start,
                            "the name of a label is a STRING that is not empty, not a value of type %s",
                            wg_type_name((wg_type)name->type));
    const wg_slice text = wg_value_slice(name);
    if (list->only_known) {
        const wg_label *label = wg_catalog_label(wg_txn_catalog(w->txn), wg_txn_view(w->txn), text, list->is_edge);
        if (label == NULL) return WG_OK;
        number = label->number;
    } else {
        WG_TRY(at(wg_txn_intern_label(w->txn, text, list->is_edge, &number, err), place, err));
    }
    const uint32_t *have = (const uint32_t *)(const void *)out->data;
    for (size_t i = 0; i < out->size / 4; i++)
        if (have[i] == number) return WG_OK;
    return wg_buf_append(out, &number, 4) ? WG_OK : wg_error_nomem(err, 4);
}

static wg_code add_all_named(const write_row *w, const label_list *list, wg_buf *out, wg_error *err) {
    if (!wg_buf_append(out, list->numbers, list->count * sizeof *list->numbers)) return wg_error_nomem(err, 64);
    for (uint32_t i = 0; i < list->expr_count; i++) {
        wg_value v;
        WG_TRY(wgi_write_eval(w, list->exprs[i], &v, err));
        if (v.type != WG_TYPE_LIST) WG_TRY(add_named(w, list, &v, list->exprs[i], out, err));
        for (uint32_t k = 0; v.type == WG_TYPE_LIST && k < v.size; k++)
            WG_TRY(add_named(w, list, &v.as.list[k], list->exprs[i], out, err));
    }
    return WG_OK;
}

/* The labels with those that values of the row name; they live in the arena of the row. */
static wg_code name_labels(const write_row *w, const label_list *list, const uint32_t **out, uint32_t *out_count,
                           wg_error *err) {
    wg_buf all;
    *out = list->numbers;
    *out_count = list->count;
    if (list->expr_count == 0) return WG_OK;
    wg_buf_init(&all, w->eval->arena.account);
    wg_code code = add_all_named(w, list, &all, err);
    const uint32_t *copy = code == WG_OK ? wg_arena_copy(&w->eval->arena, all.data, all.size + 0u) : NULL;
    if (code == WG_OK && copy == NULL && all.size > 0) code = wg_error_nomem(err, all.size);
    if (code == WG_OK) {
        *out = copy;
        *out_count = (uint32_t)(all.size / 4);
    }
    wg_buf_deinit(&all);
    return code;
}

/* ---- create */

static wg_code endpoint(const write_row *w, uint32_t slot, const uint64_t *created, uint64_t *out, wg_error *err) {
    const uint32_t input_slots = w->batch.column_count;
    if (slot >= input_slots) {
        *out = created[slot - input_slots];
        return WG_OK;
    }
    if (wgi_vector_id(&w->batch.columns[slot], w->batch.sel[0], WG_TYPE_NODE, out)) return WG_OK;
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "an edge cannot be created: one of its ends is null");
}

static wg_code create_item(const write_row *w, const wg_create_item *item, const uint64_t *created, uint64_t *out,
                           wg_error *err) {
    wg_property *properties;
    uint32_t n;
    WG_TRY(collect_properties(w, &item->properties, &properties, &n, err));
    const wg_expr *place = place_of(&item->properties);
    set_place(w, place);
    const label_list list = {.numbers = item->labels,
                             .count = item->label_count,
                             .exprs = item->label_exprs,
                             .expr_count = item->label_expr_count,
                             .is_edge = item->is_edge};
    const uint32_t *labels;
    uint32_t label_count;
    WG_TRY(name_labels(w, &list, &labels, &label_count, err));
    if (!item->is_edge)
        return at(wg_txn_create_node(w->txn, labels, label_count, properties, n, out, err), place, err);
    if (label_count != 1)
        return wg_error_set(err, WG_E_VALUE, item->label_exprs[0]->text_start,
                            "a relationship has exactly one type, not %u", (unsigned)label_count);
    uint64_t from;
    uint64_t to;
    WG_TRY(endpoint(w, item->from_slot, created, &from, err));
    WG_TRY(endpoint(w, item->to_slot, created, &to, err));
    return at(wg_txn_create_edge(w->txn, labels[0], from, to, properties, n, out, err), place, err);
}

wg_code wgi_create_items(const write_row *w, uint64_t *created, wg_error *err) {
    for (uint32_t i = 0; i < w->plan->create_count; i++)
        WG_TRY(create_item(w, &w->plan->creates[i], created, &created[i], err));
    return WG_OK;
}

static wg_code create_row(const write_row *w, wg_column *ids, wg_error *err) {
    const wg_plan *plan = w->plan;
    uint64_t *created = wg_arena_alloc(&w->eval->arena, (plan->create_count + 1) * sizeof *created);
    if (created == NULL) return wg_error_nomem(err, plan->create_count * sizeof *created);
    WG_TRY(wgi_create_items(w, created, err));
    for (uint32_t i = 0; i < plan->create_count; i++)
        if (!wg_column_append_id(&ids[i], created[i])) return wg_error_nomem(err, 8);
    return WG_OK;
}

/* ---- set */

static wg_code set_item(const write_row *w, const wg_set_item *item, wg_error *err) {
    wg_value target;
    wg_property *properties;
    uint32_t n;
    WG_TRY(wgi_write_eval(w, item->target, &target, err));
    if (target.type == WG_TYPE_NULL) return WG_OK;
    const bool is_node = target.type == WG_TYPE_NODE;
    set_place(w, item->target);
    if (!is_node && target.type != WG_TYPE_EDGE)
        return wg_error_set(err, WG_E_TYPE, item->target->text_start,
                            "SET changes nodes and edges, not a value of type %s",
                            wg_type_name((wg_type)target.type));
    if (item->kind == WG_SET_ADD_LABELS || item->kind == WG_SET_REMOVE_LABELS) {
        const label_list list = {.numbers = item->labels,
                                 .count = item->label_count,
                                 .exprs = item->label_exprs,
                                 .expr_count = item->label_expr_count,
                                 .only_known = item->kind == WG_SET_REMOVE_LABELS};
        const uint32_t *labels;
        uint32_t count;
        if (!is_node)
            return wg_error_set(err, WG_E_TYPE, item->target->text_start, "the label of an edge cannot change");
        WG_TRY(name_labels(w, &list, &labels, &count, err));
        const uint32_t add = item->kind == WG_SET_ADD_LABELS ? count : 0;
        return at(wg_txn_change_labels(w->txn, target.as.id, labels, add, labels, count - add, err), item->target,
                  err);
    }
    WG_TRY(collect_properties(w, &item->properties, &properties, &n, err));
    const bool replace = item->kind == WG_SET_REPLACE_MAP;
    return at(is_node ? wg_txn_set_node(w->txn, target.as.id, properties, n, replace, err)
                      : wg_txn_set_edge(w->txn, target.as.id, properties, n, replace, err),
              item->target, err);
}

wg_code wgi_set_items(const write_row *w, const wg_set_item *items, uint32_t count, wg_error *err) {
    for (uint32_t i = 0; i < count; i++) WG_TRY(set_item(w, &items[i], err));
    return WG_OK;
}

/* ---- delete: edges of all rows first, so that a node whose edges go too needs no DETACH */

typedef struct delete_list {
    wg_buf nodes;
    wg_buf edges;
} delete_list;

/* A node, an edge, or all of a path. */
static wg_code note_delete(delete_list *list, const wg_expr *expr, const wg_value *v, wg_error *err) {
    if (v->type == WG_TYPE_NULL) return WG_OK;
    const bool path = v->type == WG_TYPE_PATH;
    const wg_value *items = path ? v->as.list : v;
    const uint32_t count = path ? v->size : 1;
    if (!path && v->type != WG_TYPE_NODE && v->type != WG_TYPE_EDGE)
        return wg_error_set(err, WG_E_TYPE, expr->text_start,
                            "DELETE takes nodes, edges and paths, not a value of type %s",
                            wg_type_name((wg_type)v->type));
    for (uint32_t i = 0; i < count; i++)
        if (!wg_buf_append_u64(items[i].type == WG_TYPE_NODE ? &list->nodes : &list->edges, items[i].as.id))
            return wg_error_nomem(err, 8);
    return WG_OK;
}

static wg_code note_deletes(const write_row *w, delete_list *list, wg_error *err) {
    for (uint32_t i = 0; i < w->plan->expr_count; i++) {
        wg_value v;
        WG_TRY(wgi_write_eval(w, w->plan->exprs[i], &v, err));
        WG_TRY(note_delete(list, w->plan->exprs[i], &v, err));
    }
    return WG_OK;
}

static wg_code apply_deletes(const wg_plan *plan, wg_txn *txn, const delete_list *list, wg_error *err) {
    const wg_expr *place = plan->expr_count > 0 ? plan->exprs[0] : NULL;
    for (size_t i = 0; i < list->edges.size; i += 8)
        WG_TRY(at(wg_txn_delete_edge(txn, wg_load_u64le(list->edges.data + i), err), place, err));
    for (size_t i = 0; i < list->nodes.size; i += 8)
        WG_TRY(at(wg_txn_delete_node(txn, wg_load_u64le(list->nodes.data + i), plan->detach, err), place, err));
    return WG_OK;
}

/* ---- all rows */

static wg_code apply_row(const write_row *w, wg_column *ids, delete_list *deletes, wg_error *err) {
    wg_arena_reset(&w->eval->arena);
    if (w->plan->op == WG_PLAN_CREATE) return create_row(w, ids, err);
    if (w->plan->op == WG_PLAN_SET) return wgi_set_items(w, w->plan->sets, w->plan->set_count, err);
    return note_deletes(w, deletes, err);
}

static wg_code apply_rows(const wg_plan *plan, const wg_exec_context *context, const wg_rows *rows, wg_column *ids,
                          delete_list *deletes, wg_error *err) {
    wgi_eval eval = {.context = context};
    wg_code code = WG_OK;
    wg_arena scratch;
    wg_arena_init(&eval.arena, context->account);
    wg_arena_init(&scratch, context->account);
    wg_vector *vectors = wg_arena_alloc(&scratch, (rows->column_count + 1) * sizeof *vectors);
    if (vectors == NULL) WG_TRY_GOTO(wg_error_nomem(err, sizeof *vectors));
    write_row w = {.plan = plan, .txn = context->txn, .eval = &eval};
    uint16_t sel = 0;
    for (uint64_t row = 0; row < rows->row_count; row++) {
        const uint64_t first = row / 8 * 8;
        if (row % 1024 == 0) WG_TRY_GOTO(wgi_check(context, err));
        wgi_rows_view(rows, first, (uint32_t)wg_min_u64(8, rows->row_count - first), vectors, &w.batch);
        sel = (uint16_t)(row - first);
        w.batch.sel = &sel;
        w.batch.row_count = 1;
        eval.placed = &w.batch;
        eval.place = row;
        WG_TRY_GOTO(apply_row(&w, ids, deletes, err));
    }
    if (plan->op == WG_PLAN_DELETE) WG_TRY_GOTO(apply_deletes(plan, context->txn, deletes, err));
fail:
    wg_arena_deinit(&scratch);
    wgi_eval_deinit(&eval);
    return code;
}

/* Widens rows by `count` id columns; *out are these, empty. */
static wg_code add_id_columns(wg_rows *rows, const wg_plan *plan, wg_column **out, wg_error *err) {
    const uint32_t total = rows->column_count + plan->create_count;
    wg_column *columns = wg_alloc_zero(rows->account, (total + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, total * sizeof *columns);
    if (rows->column_count > 0) memcpy(columns, rows->columns, rows->column_count * sizeof *columns);
    for (uint32_t i = 0; i < plan->create_count; i++)
        wg_column_init(&columns[rows->column_count + i], plan->creates[i].is_edge ? WG_TYPE_EDGE : WG_TYPE_NODE,
                       &rows->strings, rows->account);
    wg_free(rows->columns);
    rows->columns = columns;
    *out = columns + rows->column_count;
    return WG_OK;
}

wg_code wgi_run_write(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    wg_rows *rows;
    wg_column *ids = NULL;
    delete_list deletes;
    WG_TRY(wgi_run_plan(plan->children[0], context, &rows, err));
    wg_buf_init(&deletes.nodes, context->account);
    wg_buf_init(&deletes.edges, context->account);
    wg_code code = WG_OK;
    if (plan->op == WG_PLAN_CREATE) code = add_id_columns(rows, plan, &ids, err);
    if (code == WG_OK) code = apply_rows(plan, context, rows, ids, &deletes, err);
    if (ids != NULL) rows->column_count += plan->create_count; /* from here on the rows free them */
    wg_buf_deinit(&deletes.nodes);
    wg_buf_deinit(&deletes.edges);
    if (code == WG_OK) *out = rows;
    else wg_rows_destroy(rows);
    return code;
}
