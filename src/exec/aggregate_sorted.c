/* Aggregation and DISTINCT of rows whose equal keys follow each other: groups are given out as soon as the next one begins. There is no table
 * of groups and no hash.
 *
 * A plan has such rows in two cases (wgi_agg_is_sorted): a SORT below, by exactly the keys; or a scan or an index seek of nodes below, when the keys
 * tell which node it is and are all functions of it: each node is given once, and the operators between keep the order. What tells is the
 * node itself, or the primary key of its label, which no other node has. Files give no such proof: statistics say between which values the
 * rows of a page lie, and not in which order. A task keeps its
 * first group and its last one, which its neighbours may have too; those between become rows on its worker. When tasks are merged, in their
 * order, an open last group takes in the first one of the next task where the keys are equal.
 *
 * Groups come out in the order of their first rows, as from a table. A sum that overflows is reported at the end, that of the first aggregate
 * with one and of its first group, so that errors of rows go before it whatever the size of batches. */
#include "exec/aggregate_internal.h"

enum { GROUPS_KEPT = 1024, SLOTS_MAX = 256 };

typedef struct overflow {
    uint32_t aggregate; /* the first one that has one; UINT32_MAX: none */
    wg_error error;
} overflow;

typedef struct sorted_local {
    wgi_agg_table *table; /* the first group, then those that are not in `rows` yet */
    wg_rows *rows;        /* groups between the first one and those */
    overflow overflow;
} sorted_local;

typedef struct sorted_sink {
    wgi_sink sink;
    wgi_agg_table *open; /* its last group is not in `rows` yet */
    wg_rows *rows;
    overflow overflow;
} sorted_sink;

/* ---- which plans */

typedef struct key_slots {
    uint32_t chain[WGI_AGG_KEYS_MAX]; /* the slot that a key is; UINT32_MAX: it is computed */
    uint32_t key_count;
    bool needed[SLOTS_MAX]; /* what all keys are functions of */
} key_slots;

/* False: it is more than a function of slots. */
static bool add_needed(const wg_expr *e, bool *needed) {
    if (e->kind == WG_EXPR_SUBQUERY || e->kind == WG_EXPR_RANDOM || (e->kind == WG_EXPR_SLOT && e->slot >= SLOTS_MAX))
        return false;
    if (e->kind == WG_EXPR_SLOT) needed[e->slot] = true;
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (e->args[i] != NULL && !add_needed(e->args[i], needed)) return false;
    return true;
}

static bool pass_project(const wg_plan *plan, key_slots *k) {
    bool needed[SLOTS_MAX] = {false};
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        if (k->needed[i] && (i >= plan->expr_count || !add_needed(plan->exprs[i], needed))) return false;
    for (uint32_t i = 0; i < k->key_count; i++) {
        if (k->chain[i] == UINT32_MAX) continue;
        const wg_expr *e = plan->exprs[k->chain[i]];
        k->chain[i] = e->kind == WG_EXPR_SLOT ? e->slot : UINT32_MAX;
    }
    memcpy(k->needed, needed, sizeof needed);
    return true;
}

static bool sorts_by(const wg_plan *plan, const key_slots *k) {
    if (plan->sort_item_count < k->key_count) return false;
    for (uint32_t i = 0; i < k->key_count; i++) {
        bool there = false;
        for (uint32_t s = 0; s < k->key_count && k->chain[i] != UINT32_MAX; s++) {
            const wg_expr *e = plan->sort_items[s].expr;
            there |= e->kind == WG_EXPR_SLOT && e->slot == k->chain[i];
        }
        for (uint32_t j = 0; j < i; j++) there &= k->chain[j] != k->chain[i];
        if (!there) return false;
    }
    return true;
}

static bool has_slot(const key_slots *k, uint32_t slot) {
    for (uint32_t i = 0; i < k->key_count; i++)
        if (k->chain[i] == slot) return true;
    return false;
}

/* Do the keys tell which node of the scan it is? */
static bool tells_scanned(const wg_plan *plan, const key_slots *k, const wg_txn *txn) {
    const wg_scan_spec *scan = &plan->scan;
    uint32_t keys[WGI_AGG_KEYS_MAX];
    uint32_t count = 0;
    if (plan->children[0] != NULL || scan->is_edge) return false;
    if (has_slot(k, 0)) return true;
    for (uint32_t i = 0; i < scan->key_count && count < WGI_AGG_KEYS_MAX; i++)
        if (has_slot(k, 1 + i)) keys[count++] = scan->keys[i];
    return count > 0 && wg_txn_keys_are_unique(txn, scan->labels, scan->label_count, keys, count);
}

/* An index that is asked once gives each node once. */
static bool tells_sought(const wg_plan *plan, const key_slots *k) {
    return plan->children[0]->op == WG_PLAN_UNIT && !plan->index_edges && has_slot(k, 0);
}

/* Does the operator give the rows of its first input in their order, each of them any number of times in a row, with its slots in front? */
static bool keeps_order(const wg_plan *plan) {
    switch (plan->op) {
        case WG_PLAN_SEEK:
        case WG_PLAN_INDEX_SEEK:
        case WG_PLAN_EXPAND:
        case WG_PLAN_EXPAND_INTO:
        case WG_PLAN_EXPAND_VAR:
        case WG_PLAN_SHORTEST:
        case WG_PLAN_EXISTS:
        case WG_PLAN_FILTER:
        case WG_PLAN_HASH_JOIN:
        case WG_PLAN_CROSS:
        case WG_PLAN_OPTIONAL:
        case WG_PLAN_UNWIND:
        case WG_PLAN_LIMIT:
        case WG_PLAN_SCAN:
            return plan->children[0] != NULL;
        case WG_PLAN_UNIT:
        case WG_PLAN_INTERSECT:
        case WG_PLAN_PROJECT:
        case WG_PLAN_AGGREGATE:
        case WG_PLAN_DISTINCT:
        case WG_PLAN_SORT:
        case WG_PLAN_UNION:
        case WG_PLAN_CREATE:
        case WG_PLAN_SET:
        case WG_PLAN_DELETE:
        case WG_PLAN_MERGE:
        case WG_PLAN_ARGUMENT:
        case WG_PLAN_APPLY:
        case WG_PLAN_CALL:
        case WG_PLAN_PATTERN_COUNT:
        case WG_PLAN_REACH:
        case WG_PLAN_PICK:
        case WG_PLAN_PROCEDURE:
            return false;
    }
    WG_UNREACHABLE("a plan operator outside its enum");
}

bool wgi_agg_is_sorted(const wg_plan *plan, const wg_txn *txn) {
    key_slots k = {.key_count = wgi_agg_key_count(plan)};
    if (k.key_count == 0 || k.key_count > WGI_AGG_KEYS_MAX || plan->children[0] == NULL) return false;
    for (uint32_t i = 0; i < k.key_count; i++) {
        const wg_expr *e = plan->op == WG_PLAN_DISTINCT ? NULL : plan->exprs[i];
        k.chain[i] = e == NULL ? i : e->kind == WG_EXPR_SLOT ? e->slot : UINT32_MAX;
        if (e == NULL) k.needed[i] = true;
        else if (!add_needed(e, k.needed)) return false;
    }
    for (const wg_plan *p = plan->children[0]; p != NULL; p = p->children[0]) {
        if (p->op == WG_PLAN_SORT) return sorts_by(p, &k);
        if (p->op == WG_PLAN_SCAN && tells_scanned(p, &k, txn)) return true;
        if (p->op == WG_PLAN_INDEX_SEEK && tells_sought(p, &k)) return true;
        if (p->op == WG_PLAN_PROJECT) {
            if (!pass_project(p, &k)) return false;
            continue;
        }
        if (!keeps_order(p)) return false;
        for (uint32_t i = p->children[0]->slot_count; i < SLOTS_MAX; i++)
            if (k.needed[i]) return false;
    }
    return false;
}

/* ---- groups to rows */

static bool is_final(wg_code code) { return code != WG_OK && code != WG_E_VALUE; }

static wg_code emit_states(const wgi_agg_table *t, uint32_t i, const uint32_t span[2], wg_column *to, overflow *o,
                           wg_error *err) {
    wg_column cells;
    wg_code code = WG_OK;
    const uint32_t n = span[1] - span[0];
    wg_column_init(&cells, to->type, NULL, t->account);
    if (!wgi_agg_size_column(&cells, n, true)) WG_TRY_GOTO(wg_error_nomem(err, n * sizeof(uint64_t)));
    for (uint32_t g = 0; g < n; g++) {
        wg_error error = {0};
        code = wgi_agg_states_result(&t->states[i], span[0] + g, &cells, g, &error);
        if (code != WG_OK) wg_bit_clear(cells.valid, g);
        if (code == WG_E_VALUE && i < o->aggregate) *o = (overflow){i, error};
        if (is_final(code) && err != NULL) *err = error;
        if (is_final(code)) goto fail;
    }
    code = WG_OK;
    cells.null_count = n - (uint32_t)wg_bit_count(cells.valid, n);
    const wg_vector view = wg_column_view(&cells);
    if (!wgi_column_append(to, &view, NULL, NULL, n)) code = wg_error_nomem(err, n * sizeof(uint64_t));
fail:
    wg_column_deinit(&cells);
    return code;
}

/* Groups [from, to) of the table behind the rows. */
static wg_code emit(const wgi_agg_table *t, uint32_t from, uint32_t to, wg_rows *rows, overflow *o, wg_error *err) {
    uint32_t index[GROUPS_KEPT];
    for (; from < to; from += GROUPS_KEPT) {
        const uint32_t n = to - from < GROUPS_KEPT ? to - from : GROUPS_KEPT;
        const uint32_t span[2] = {from, from + n};
        if (rows->row_count + n >= UINT32_MAX)
            return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %u distinct rows or groups",
                                UINT32_MAX - 1);
        for (uint32_t i = 0; i < n; i++) index[i] = from + i;
        for (uint32_t k = 0; k < t->key_count; k++) {
            const wg_vector keys = wg_column_view(&t->keys[k]);
            if (!wgi_column_append(&rows->columns[k], &keys, NULL, index, n))
                return wg_error_nomem(err, n * sizeof(uint64_t));
        }
        for (uint32_t i = 0; i < t->state_count; i++)
            WG_TRY(emit_states(t, i, span, &rows->columns[t->key_count + i], o, err));
        rows->row_count += n;
    }
    return WG_OK;
}

/* Texts that a state has from another table. */
static bool own_texts(wgi_agg_table *t, uint32_t g) {
    for (uint32_t i = 0; i < t->state_count; i++) {
        const wgi_agg_states *s = &t->states[i];
        if (s->op != WGI_AGG_BEST_STR || s->has[g] == 0) continue;
        wg_str *text = &((wg_str *)s->cells)[g];
        if (text->size == 0) continue;
        text->data = wg_arena_copy(&t->strings, text->data, text->size);
        if (text->data == NULL) return false;
    }
    return true;
}

static wg_code merge_group(wgi_agg_table *to, uint32_t g, const wgi_agg_table *from, uint32_t f, wg_error *err) {
    bool ok = true;
    for (uint32_t i = 0; i < to->state_count && ok; i++)
        ok = wgi_agg_states_merge(&to->states[i], g, &from->states[i], f, to->account);
    return ok && own_texts(to, g) ? WG_OK : wg_error_nomem(err, 544);
}

static wg_code copy_group(wgi_agg_table *to, const wgi_agg_table *from, uint32_t f, wg_error *err) {
    wg_vector keys[WGI_AGG_KEYS_MAX];
    for (uint32_t k = 0; k < from->key_count; k++) keys[k] = wg_column_view(&from->keys[k]);
    WG_TRY(wgi_agg_table_append(to, keys, f, err));
    return merge_group(to, to->count - 1, from, f, err);
}

/* ---- tasks */

static wg_code sorted_local_create(wgi_sink *sink, void **out, wg_error *err) {
    const wg_plan *plan = sink->plan;
    sorted_local *l = wg_alloc_zero(sink->context->account, sizeof *l);
    if (l == NULL) return wg_error_nomem(err, sizeof *l);
    l->overflow.aggregate = UINT32_MAX;
    wg_code code = wgi_agg_table_create(plan, sink->context->account, &l->table, err);
    if (code == WG_OK)
        code = wgi_rows_create(plan->slot_types, plan->slot_count, sink->context->account, &l->rows, err);
    if (code == WG_OK) {
        *out = l;
        return WG_OK;
    }
    wgi_agg_table_destroy(l->table);
    wg_free(l);
    return code;
}

static void sorted_local_destroy(wgi_sink *sink, void *local) {
    sorted_local *l = local;
    (void)sink;
    wgi_agg_table_destroy(l->table);
    wg_rows_destroy(l->rows);
    wg_free(l);
}

static bool same_keys(const wgi_agg_table *t, const wg_vector *a, uint32_t i, const wg_vector *b, uint32_t k) {
    for (uint32_t c = 0; c < t->key_count; c++)
        if (!wgi_cells_equivalent(&a[c], i, &b[c], k)) return false;
    return true;
}

/* The groups of the rows; new ones behind the last. */
static wg_code find_groups(wgi_agg_table *t, const wg_vector *keys, const wg_batch *batch, uint32_t *index,
                           wg_error *err) {
    wg_vector own[WGI_AGG_KEYS_MAX];
    for (uint32_t k = 0; k < t->key_count; k++) own[k] = wg_column_view(&t->keys[k]);
    const bool is_word = t->by_word && keys->kind == WG_VECTOR_FLAT && keys->valid == NULL &&
                         wg_type_physical(keys->type) != WG_PHYSICAL_BOOL;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        bool same = false;
        if (i == 0) {
            same = t->count > 0 && same_keys(t, own, t->count - 1, keys, row);
        } else if (is_word) {
            const uint64_t *cells = keys->data;
            same = cells[row] == cells[wg_batch_row(batch, i - 1)];
        } else {
            same = same_keys(t, keys, wg_batch_row(batch, i - 1), keys, row);
        }
        if (!same) WG_TRY(wgi_agg_table_append(t, keys, row, err));
        index[i] = t->count - 1;
    }
    return WG_OK;
}

/* All groups but the first and the last become rows. */
static wg_code give_out(sorted_local *l, const wg_plan *plan, wg_error *err) {
    wgi_agg_table *t = l->table;
    wgi_agg_table *kept = NULL;
    WG_TRY(emit(t, 1, t->count - 1, l->rows, &l->overflow, err));
    WG_TRY(wgi_agg_table_create(plan, t->account, &kept, err));
    wg_code code = copy_group(kept, t, 0, err);
    if (code == WG_OK) code = copy_group(kept, t, t->count - 1, err);
    if (code == WG_OK) l->table = kept;
    wgi_agg_table_destroy(code == WG_OK ? t : kept);
    return code;
}

static wg_code sorted_consume(wgi_sink *sink, void *local, wgi_eval *eval, const wg_batch *batch, bool *stop,
                              wg_error *err) {
    (void)stop;
    sorted_local *l = local;
    wg_vector keys[WGI_AGG_KEYS_MAX];
    if (batch->row_count == 0) return WG_OK;
    wg_arena_reset(&eval->arena);
    WG_TRY(wgi_agg_keys_of(sink->plan, eval, batch, keys, err));
    uint32_t *index = wg_arena_alloc(&eval->arena, batch->row_count * sizeof *index);
    if (index == NULL) return wg_error_nomem(err, batch->row_count * sizeof *index);
    WG_TRY(find_groups(l->table, keys, batch, index, err));
    for (uint32_t i = 0; i < l->table->state_count; i++)
        WG_TRY(wgi_agg_add_batch(&l->table->states[i], l->table, eval, batch, index, 0, err));
    return l->table->count < GROUPS_KEPT ? WG_OK : give_out(l, sink->plan, err);
}

/* ---- merging */

static void note_overflow(overflow *o, const overflow *later) {
    if (later->aggregate < o->aggregate) *o = *later;
}

/* The open group joins the first one of the task, or becomes a row. */
static wg_code close_open(sorted_sink *s, wgi_agg_table *next, wg_error *err) {
    if (s->open == NULL) return WG_OK;
    const uint32_t last = s->open->count - 1;
    const bool joins = next != NULL && wgi_agg_keys_equal(s->open, last, next, 0);
    const wg_code code =
        joins ? merge_group(next, 0, s->open, last, err) : emit(s->open, last, last + 1, s->rows, &s->overflow, err);
    wgi_agg_table_destroy(s->open);
    s->open = NULL;
    return code;
}

static wg_code sorted_merge(wgi_sink *sink, void *local, bool *done, wg_error *err) {
    (void)done;
    sorted_sink *s = (sorted_sink *)sink;
    sorted_local *l = local;
    wg_code code = WG_OK;
    if (l->table->count == 0) goto fail;
    WG_TRY_GOTO(close_open(s, l->table, err));
    if (l->table->count > 1) {
        WG_TRY_GOTO(emit(l->table, 0, 1, s->rows, &s->overflow, err));
        WG_TRY_GOTO(wgi_rows_take(s->rows, l->rows, err));
        note_overflow(&s->overflow, &l->overflow);
        WG_TRY_GOTO(emit(l->table, 1, l->table->count - 1, s->rows, &s->overflow, err));
        WG_TRY_GOTO(wgi_rows_spill(s->rows, sink->context, err));
    }
    s->open = l->table;
    l->table = NULL;
fail:
    sorted_local_destroy(sink, l);
    return code;
}

static wg_code sorted_finish(wgi_sink *sink, wg_rows **out, wg_error *err) {
    sorted_sink *s = (sorted_sink *)sink;
    WG_TRY(close_open(s, NULL, err));
    if (s->overflow.aggregate != UINT32_MAX) {
        if (err != NULL) *err = s->overflow.error;
        return s->overflow.error.code;
    }
    *out = s->rows;
    s->rows = NULL;
    return WG_OK;
}

static void sorted_destroy(wgi_sink *sink) {
    sorted_sink *s = (sorted_sink *)sink;
    wgi_agg_table_destroy(s->open);
    wg_rows_destroy(s->rows);
}

wg_code wgi_sink_aggregate_sorted(const wg_plan *plan, const wg_exec_context *context, wgi_sink **out,
                                  wg_error *err) {
    static const wgi_sink_class class = {sorted_local_create, sorted_local_destroy, sorted_consume,
                                         sorted_merge,        sorted_finish,        sorted_destroy};
    wgi_sink *sink = NULL;
    WG_TRY(wgi_sink_alloc(&class, plan, context, sizeof(sorted_sink), &sink, err));
    sorted_sink *s = (sorted_sink *)sink;
    s->overflow.aggregate = UINT32_MAX;
    const wg_code code = wgi_rows_create(plan->slot_types, plan->slot_count, context->account, &s->rows, err);
    if (code == WG_OK) *out = sink;
    else wg_free(sink);
    return code;
}
