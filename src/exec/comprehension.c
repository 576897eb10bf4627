/* List comprehensions, quantifiers and reduce: expressions that bind variables of their own.
 *
 * A variable is a local: a column of the evaluation's frame beside the columns of the batch, numbered from the outermost binding
 * inwards. A comprehension and a quantifier spread the elements of the lists of all rows over batches of (row, element): the columns of
 * the input and the outer locals are gathered by row (they share their cells), the element becomes the next local, and the body is
 * evaluated over such a batch at once. An expression that reads no slot and no outer local is evaluated once. reduce goes in steps: step k
 * evaluates the body over the rows that have an element k, the accumulators being a local too; the values of a step live in one of two
 * arenas in turn, so that a long list costs the memory of two steps.
 *
 * Three-valued logic of quantifiers: an element for which the condition is null is neither for nor against. A null list gives null; what is
 * neither null nor a list is WG_E_TYPE. Elements are taken in order, so the first failing batch of them gives the error. */
#include "exec/exec_internal.h"

typedef struct tally {
    uint64_t yes, no, unknown;
} tally;

typedef struct spread {
    wgi_eval *eval;
    const wg_expr *expr;
    const wg_batch *in;
    uint32_t rows[WG_BATCH_ROWS_MAX];   /* of the input */
    uint32_t owners[WG_BATCH_ROWS_MAX]; /* index of the selected row */
    uint8_t tri[WG_BATCH_ROWS_MAX];
    uint16_t kept[WG_BATCH_ROWS_MAX];
    uint32_t count;
    wgi_builder elements;
    tally *tallies;    /* quantifiers: of each selected row */
    wg_value *results; /* comprehensions: of all rows, one after the other */
    uint64_t result_count;
    uint32_t *result_sizes; /* of each selected row */
} spread;

/* True when the value is the same for every row: no slot is read, and no local below `locals`. */
static bool is_row_free(const wg_expr *expr, uint32_t locals) {
    if (expr->kind == WG_EXPR_SLOT || expr->kind == WG_EXPR_RANDOM) return false;
    if (expr->kind == WG_EXPR_LOCAL && expr->slot < locals) return false;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (!is_row_free(expr->args[i], locals)) return false;
    return true;
}

static wg_code check_list(const wg_expr *expr, const wg_value *v, wg_error *err) {
    if (v->type == WG_TYPE_LIST || v->type == WG_TYPE_NULL) return WG_OK;
    return wg_error_set(err, WG_E_TYPE, expr->text_start, "IN takes a LIST here, not a value of type %s",
                        wg_type_name((wg_type)v->type));
}

/* ---- batches of elements */

static wg_code gather(wgi_eval *eval, const wg_vector *from, uint32_t count, const spread *s, uint32_t more,
                      wg_vector **out, wg_error *err) {
    const size_t bytes = ((size_t)count + more + 1) * sizeof **out;
    wg_vector *to = wg_arena_alloc_zero(&eval->arena, bytes);
    if (to == NULL) return wg_error_nomem(err, bytes);
    for (uint32_t i = 0; i < count; i++)
        if (!wgi_vector_gather(&eval->arena, &from[i], s->rows, s->count, &to[i])) return wg_error_nomem(err, bytes);
    *out = to;
    return WG_OK;
}

static void count_elements(spread *s) {
    for (uint32_t i = 0; i < s->count; i++) {
        tally *t = &s->tallies[s->owners[i]];
        if (s->tri[i] == WGI_TRUE) t->yes++;
        else if (s->tri[i] == WGI_FALSE) t->no++;
        else t->unknown++;
    }
}

static wg_code keep_elements(spread *s, const wg_batch *batch, wg_error *err) {
    wg_batch chosen = *batch;
    wg_vector values;
    chosen.row_count = 0;
    chosen.sel = s->kept;
    for (uint32_t i = 0; i < s->count; i++)
        if (s->tri[i] == WGI_TRUE) s->kept[chosen.row_count++] = (uint16_t)i;
    if (chosen.row_count == 0) return WG_OK;
    WG_TRY(wgi_eval_vector(s->eval, s->expr->args[2], &chosen, &values, err));
    for (uint32_t i = 0; i < chosen.row_count; i++) {
        s->results[s->result_count++] = wg_vector_value(&values, s->kept[i]);
        s->result_sizes[s->owners[s->kept[i]]]++;
    }
    return WG_OK;
}

/* Evaluates the body over the elements gathered so far. */
static wg_code flush_in_frame(spread *s, wg_error *err) {
    const wg_batch *in = s->in;
    wgi_eval *eval = s->eval;
    const uint32_t outer = s->expr->slot;
    wg_vector *columns, *locals, condition;
    WG_TRY(gather(eval, in->columns, in->column_count, s, 0, &columns, err));
    WG_TRY(gather(eval, eval->locals, outer, s, 1, &locals, err));
    locals[outer] = s->elements.vector;
    const wg_batch batch = {.row_count = s->count, .column_count = in->column_count, .columns = columns};
    eval->locals = locals;
    WG_TRY(wgi_eval_vector(eval, s->expr->args[1], &batch, &condition, err));
    WG_TRY(wgi_tri_of_vector(&condition, &batch, s->tri, s->expr->args[1]->text_start, err));
    if (s->tallies != NULL) {
        count_elements(s);
        return WG_OK;
    }
    return keep_elements(s, &batch, err);
}

static wg_code flush(spread *s, wg_error *err) {
    const wg_vector *saved = s->eval->locals;
    if (s->count == 0) return WG_OK;
    WG_TRY(wgi_check(s->eval->context, err));
    const wg_code code = flush_in_frame(s, err);
    s->eval->locals = saved;
    s->count = 0;
    return code;
}

static wg_code add_row(spread *s, uint32_t owner, uint32_t row, const wg_value *list, wg_error *err) {
    for (uint32_t k = 0; k < list->size; k++) {
        const wg_type type = s->expr->local_type;
        if (s->count == 0 && !wgi_builder_init(&s->elements, &s->eval->arena, type, WG_BATCH_ROWS_MAX))
            return wg_error_nomem(err, WG_BATCH_ROWS_MAX * sizeof(wg_value));
        WG_TRY(wgi_builder_set(&s->elements, s->count, &list->as.list[k], s->expr->text_start, err));
        s->rows[s->count] = row;
        s->owners[s->count++] = owner;
        if (s->count == WG_BATCH_ROWS_MAX) WG_TRY(flush(s, err));
    }
    return WG_OK;
}

/* Room for the results of all rows; every element may become one. */
static wg_code prepare(spread *s, const wg_vector *lists, wg_error *err) {
    const wg_batch *in = s->in;
    uint64_t elements = 0;
    for (uint32_t i = 0; i < in->row_count; i++) {
        const wg_value list = wg_vector_value(lists, wg_batch_row(in, i));
        WG_TRY(check_list(s->expr->args[0], &list, err));
        if (list.type == WG_TYPE_LIST) elements += list.size;
    }
    if (s->expr->kind == WG_EXPR_QUANTIFIER) {
        s->tallies = wg_arena_alloc_zero(&s->eval->arena, in->row_count * sizeof *s->tallies);
        return s->tallies != NULL ? WG_OK : wg_error_nomem(err, in->row_count * sizeof *s->tallies);
    }
    s->results = wg_arena_alloc(&s->eval->arena, (elements + 1) * sizeof *s->results);
    s->result_sizes = wg_arena_alloc_zero(&s->eval->arena, in->row_count * sizeof *s->result_sizes);
    if (s->results == NULL || s->result_sizes == NULL) return wg_error_nomem(err, elements * sizeof *s->results);
    return WG_OK;
}

static wg_value quantified(wg_quantifier quantifier, const tally *t) {
    switch (quantifier) {
        case WG_QUANTIFIER_ALL:
            if (t->no > 0) return wg_value_bool(false);
            return t->unknown > 0 ? wg_value_null() : wg_value_bool(true);
        case WG_QUANTIFIER_ANY:
            if (t->yes > 0) return wg_value_bool(true);
            return t->unknown > 0 ? wg_value_null() : wg_value_bool(false);
        case WG_QUANTIFIER_NONE:
            if (t->yes > 0) return wg_value_bool(false);
            return t->unknown > 0 ? wg_value_null() : wg_value_bool(true);
        case WG_QUANTIFIER_SINGLE:
            if (t->yes > 1) return wg_value_bool(false);
            return t->unknown > 0 ? wg_value_null() : wg_value_bool(t->yes == 1);
    }
    WG_UNREACHABLE("a quantifier outside its enum");
}

static wg_code put_results(spread *s, const wg_vector *lists, wg_vector *out, wg_error *err) {
    const wg_batch *in = s->in;
    wgi_builder b;
    const wg_value *next = s->results;
    if (!wgi_builder_init(&b, &s->eval->arena, s->expr->type, wgi_extent(in)))
        return wg_error_nomem(err, in->row_count);
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        wg_value cell = wg_vector_value(lists, row);
        if (cell.type == WG_TYPE_LIST && s->tallies != NULL) {
            cell = quantified((wg_quantifier)s->expr->key, &s->tallies[i]);
        } else if (cell.type == WG_TYPE_LIST) {
            cell.size = s->result_sizes[i];
            cell.as.list = next;
            next += s->result_sizes[i];
        }
        WG_TRY(wgi_builder_set(&b, row, &cell, s->expr->text_start, err));
    }
    *out = b.vector;
    return WG_OK;
}

static wg_code spread_over(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err) {
    wg_vector lists;
    spread *s = wg_arena_alloc_zero(&eval->arena, sizeof *s);
    if (s == NULL) return wg_error_nomem(err, sizeof *s);
    s->eval = eval;
    s->expr = expr;
    s->in = in;
    WG_TRY(wgi_eval_vector(eval, expr->args[0], in, &lists, err));
    WG_TRY(prepare(s, &lists, err));
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        const wg_value list = wg_vector_value(&lists, row);
        if (list.type == WG_TYPE_LIST) WG_TRY(add_row(s, i, row, &list, err));
    }
    WG_TRY(flush(s, err));
    return put_results(s, &lists, out, err);
}

/* ---- reduce */

typedef struct reduction {
    wgi_eval *eval;
    wgi_eval body; /* with the arena of one step */
    const wg_expr *expr;
    const wg_batch *in;
    wg_vector lists;
    wg_value *values; /* accumulators, by row of the input */
    wg_value *elements;
    uint16_t *sel;
    wg_arena arenas[2];
} reduction;

/* The rows that have an element k; the value of a row whose list has just ended moves to the arena of the results. */
static wg_code select_step(reduction *r, uint32_t k, uint32_t *out_count, wg_error *err) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->in->row_count; i++) {
        const uint32_t row = wg_batch_row(r->in, i);
        const wg_value list = wg_vector_value(&r->lists, row);
        if (list.type != WG_TYPE_LIST) continue;
        if (list.size > k) {
            r->elements[row] = list.as.list[k];
            r->sel[n++] = (uint16_t)row;
        } else if (list.size == k) {
            const wg_value last = r->values[row];
            if (!wg_value_copy(&r->eval->arena, &last, &r->values[row])) return wg_error_nomem(err, last.size);
        }
    }
    *out_count = n;
    return WG_OK;
}

static wg_code values_vector(wg_arena *arena, const wg_value *values, wg_type type, const wg_batch *batch,
                             uint64_t offset, wg_vector *out, wg_error *err) {
    wgi_builder b;
    if (!wgi_builder_init(&b, arena, type, wgi_extent(batch))) return wg_error_nomem(err, batch->row_count);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        WG_TRY(wgi_builder_set(&b, row, &values[row], offset, err));
    }
    *out = b.vector;
    return WG_OK;
}

static wg_code reduce_step(reduction *r, uint32_t k, uint32_t count, wg_error *err) {
    const wg_expr *expr = r->expr;
    wg_arena *next = &r->arenas[k & 1];
    wg_batch batch = *r->in;
    batch.row_count = count;
    batch.sel = r->sel;
    wg_arena_reset(&r->body.arena);
    wg_arena_reset(next);
    wg_vector result;
    wg_vector *locals = wg_arena_alloc_zero(&r->body.arena, (expr->slot + (size_t)2) * sizeof *locals);
    if (locals == NULL) return wg_error_nomem(err, sizeof *locals);
    if (expr->slot > 0) memcpy(locals, r->eval->locals, expr->slot * sizeof *locals);
    WG_TRY(values_vector(&r->body.arena, r->values, WG_TYPE_ANY, &batch, expr->text_start, &locals[expr->slot], err));
    WG_TRY(values_vector(&r->body.arena, r->elements, expr->local_type, &batch, expr->text_start,
                         &locals[expr->slot + 1], err));
    r->body.locals = locals;
    WG_TRY(wgi_eval_vector(&r->body, expr->args[2], &batch, &result, err));
    for (uint32_t i = 0; i < count; i++) {
        const wg_value value = wg_vector_value(&result, r->sel[i]);
        if (!wg_value_copy(next, &value, &r->values[r->sel[i]])) return wg_error_nomem(err, value.size);
    }
    return WG_OK;
}

static wg_code run_steps(reduction *r, wg_error *err) {
    for (uint32_t k = 0;; k++) {
        uint32_t count = 0;
        WG_TRY(select_step(r, k, &count, err));
        if (count == 0) return WG_OK;
        if (k % 1024 == 1023) WG_TRY(wgi_check(r->eval->context, err));
        WG_TRY(reduce_step(r, k, count, err));
    }
}

static wg_code start_values(reduction *r, wg_error *err) {
    wg_vector start;
    const size_t extent = wgi_extent(r->in);
    WG_TRY(wgi_eval_vector(r->eval, r->expr->args[0], r->in, &start, err));
    WG_TRY(wgi_eval_vector(r->eval, r->expr->args[1], r->in, &r->lists, err));
    r->values = wg_arena_alloc_zero(&r->eval->arena, extent * sizeof *r->values);
    r->elements = wg_arena_alloc_zero(&r->eval->arena, extent * sizeof *r->elements);
    r->sel = wg_arena_alloc(&r->eval->arena, extent * sizeof *r->sel);
    if (r->values == NULL || r->elements == NULL || r->sel == NULL) return wg_error_nomem(err, extent);
    for (uint32_t i = 0; i < r->in->row_count; i++) {
        const uint32_t row = wg_batch_row(r->in, i);
        const wg_value list = wg_vector_value(&r->lists, row);
        WG_TRY(check_list(r->expr->args[1], &list, err));
        if (list.type == WG_TYPE_LIST) r->values[row] = wg_vector_value(&start, row);
    }
    return WG_OK;
}

static wg_code reduce(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err) {
    wg_account *account = eval->context->account;
    reduction r = {.eval = eval, .expr = expr, .in = in, .body = {.context = eval->context}};
    wg_arena_init(&r.body.arena, account);
    wg_arena_init(&r.arenas[0], account);
    wg_arena_init(&r.arenas[1], account);
    wg_code code = start_values(&r, err);
    if (code == WG_OK) code = run_steps(&r, err);
    if (code == WG_OK) code = values_vector(&eval->arena, r.values, expr->type, in, expr->text_start, out, err);
    wg_arena_deinit(&r.body.arena);
    wg_arena_deinit(&r.arenas[0]);
    wg_arena_deinit(&r.arenas[1]);
    return code;
}

/* ---- entry */

static wg_code eval_rows(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err) {
    return expr->kind == WG_EXPR_REDUCE ? reduce(eval, expr, in, out, err) : spread_over(eval, expr, in, out, err);
}

static wg_code eval_once_or_rows(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out,
                                 wg_error *err) {
    if (!is_row_free(expr, expr->slot)) return eval_rows(eval, expr, in, out, err);
    const wg_vector *saved = eval->locals;
    const wg_batch one = {.row_count = 1};
    wg_vector v;
    wg_vector *none = wg_arena_alloc_zero(&eval->arena, (expr->slot + (size_t)1) * sizeof *none);
    if (none == NULL) return wg_error_nomem(err, sizeof *none);
    for (uint32_t i = 0; i < expr->slot; i++) none[i] = wgi_vector_null(WG_TYPE_NULL); /* gathered, never read */
    eval->locals = none;
    const wg_code code = eval_rows(eval, expr, &one, &v, err);
    eval->locals = saved;
    if (code != WG_OK) return code;
    const wg_value value = wg_vector_value(&v, 0);
    if (value.type == WG_TYPE_NULL) *out = wgi_vector_null(expr->type);
    else if (!wgi_vector_const(&eval->arena, &value, out)) return wg_error_nomem(err, sizeof value);
    return WG_OK;
}

/* Elements have no places: how many rows' elements meet in one batch depends on its size. */
wg_code wgi_eval_binding(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err) {
    const wg_batch *placed = eval->placed;
    eval->placed = NULL;
    const wg_code code = eval_once_or_rows(eval, expr, in, out, err);
    eval->placed = placed;
    return code;
}
