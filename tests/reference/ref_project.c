/* tests/reference: WITH and RETURN. Items, groups, DISTINCT, ORDER BY, SKIP, LIMIT and WHERE, in this order. */
#include <stdlib.h>

#include "tests/reference/reference.h"

typedef struct item {
    wg_slice name;
    const wg_ast *e; /* NULL: the variable `name` */
    bool aggregate;
} item;

/* One row of the result. `env` sees the new names above the old ones: for ORDER BY and WHERE. */
typedef struct result {
    const ref_bind *row;
    ref_env env;
    wg_value *keys; /* of the sort */
    size_t place;
} result;

typedef struct projection {
    ref_ctx *ctx;
    const wg_ast *clause;
    item *items;
    size_t item_count;
    result *rows;
    size_t count;
} projection;

void ref_add_row(ref_ctx *ctx, ref_table *table, const ref_bind *row) {
    ref_step(ctx);
    if (table->count == table->capacity) {
        table->capacity = table->capacity * 2 + 4;
        const ref_bind **more = ref_alloc(ctx->arena, table->capacity, sizeof *more);
        if (table->count > 0) memcpy(more, table->rows, table->count * sizeof *more);
        table->rows = more;
    }
    table->rows[table->count++] = row;
}

void ref_add_name(ref_ctx *ctx, ref_table *table, wg_slice name) {
    for (size_t i = 0; i < table->name_count; i++)
        if (wg_slice_equal(table->names[i], name)) return;
    wg_slice *more = ref_alloc(ctx->arena, table->name_count + 1, sizeof *more);
    if (table->name_count > 0) memcpy(more, table->names, table->name_count * sizeof *more);
    more[table->name_count++] = name;
    table->names = more;
}

static bool same_rows(const ref_table *table, const ref_bind *a, const ref_bind *b) {
    for (size_t i = 0; i < table->name_count; i++)
        if (!ref_same(&ref_find(a, table->names[i])->value, &ref_find(b, table->names[i])->value)) return false;
    return true;
}

void ref_distinct(ref_ctx *ctx, ref_table *table) {
    ref_table out = {.names = table->names, .name_count = table->name_count};
    for (size_t i = 0; i < table->count; i++) {
        bool seen = false;
        for (size_t k = 0; k < out.count && !seen; k++) seen = same_rows(table, table->rows[i], out.rows[k]);
        if (!seen) ref_add_row(ctx, &out, table->rows[i]);
    }
    *table = out;
}

static void list_items(projection *p, const ref_table *table) {
    const wg_ast *clause = p->clause;
    p->items = ref_alloc(p->ctx->arena, clause->child_count + table->name_count, sizeof(item));
    for (size_t i = 0; (clause->flags & WG_AST_STAR) != 0 && i < table->name_count; i++)
        p->items[p->item_count++] = (item){.name = table->names[i]};
    for (uint32_t i = 4; i < clause->child_count; i++) {
        const wg_ast *e = clause->child[i]->child[0];
        wg_slice name = clause->child[i]->text;
        if (name.size == 0)
            name =
                e->kind == WG_AST_VARIABLE ? e->text : wg_slice_of(p->ctx->text.data + e->start, e->end - e->start);
        p->items[p->item_count++] = (item){name, e, ref_has_aggregate(e)};
    }
}

static wg_value item_value(projection *p, const item *i, const ref_env *env) {
    const wg_ast variable = {.kind = WG_AST_VARIABLE, .text = i->name};
    return ref_eval(p->ctx, i->e != NULL ? i->e : &variable, env);
}

/* The items at env, as the row that the next clause sees and on top of the old row. */
static result make_row(projection *p, const ref_env *env) {
    result r = {.env = *env, .place = p->count};
    for (size_t i = 0; i < p->item_count; i++) {
        const wg_value v = item_value(p, &p->items[i], env);
        r.row = ref_with(p->ctx, r.row, p->items[i].name, v);
        r.env.row = ref_with(p->ctx, r.env.row, p->items[i].name, v);
    }
    return r;
}

/* ---- groups */

typedef struct group {
    wg_value *keys;
    ref_table rows;
} group;

static bool same_keys(const group *g, const wg_value *keys, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!ref_same(&g->keys[i], &keys[i])) return false;
    return true;
}

static void make_groups(projection *p, const ref_table *table) {
    ref_ctx *ctx = p->ctx;
    group *groups = ref_alloc(ctx->arena, table->count + 1, sizeof *groups);
    size_t count = 0, key_count = 0;
    for (size_t r = 0; r < table->count; r++) {
        const ref_env env = {.row = table->rows[r]};
        wg_value *keys = ref_alloc(ctx->arena, p->item_count, sizeof *keys);
        key_count = 0;
        for (size_t i = 0; i < p->item_count; i++)
            if (!p->items[i].aggregate) keys[key_count++] = item_value(p, &p->items[i], &env);
        size_t g = 0;
        while (g < count && !same_keys(&groups[g], keys, key_count)) g++;
        if (g == count) groups[count++].keys = keys;
        ref_add_row(ctx, &groups[g].rows, table->rows[r]);
    }
    bool has_keys = false;
    for (size_t i = 0; i < p->item_count; i++) has_keys |= !p->items[i].aggregate;
    if (table->count == 0 && !has_keys) count = 1;
    p->rows = ref_alloc(ctx->arena, count, sizeof *p->rows);
    for (size_t g = 0; g < count; g++) {
        const ref_table *rows = &groups[g].rows;
        const ref_env env = {rows->count > 0 ? rows->rows[0] : NULL, rows->rows, rows->count, true};
        p->rows[p->count] = make_row(p, &env);
        p->count++;
    }
}

static void make_rows(projection *p, const ref_table *table) {
    p->rows = ref_alloc(p->ctx->arena, table->count, sizeof *p->rows);
    for (size_t r = 0; r < table->count; r++) {
        const ref_env env = {.row = table->rows[r]};
        p->rows[p->count] = make_row(p, &env);
        p->count++;
    }
}

/* ---- the rest of the clause */

static void keep_distinct(projection *p, const ref_table *out) {
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) {
        bool seen = false;
        for (size_t k = 0; k < n && !seen; k++) seen = same_rows(out, p->rows[i].row, p->rows[k].row);
        if (!seen) p->rows[n++] = p->rows[i];
    }
    p->count = n;
}

static bool comes_before(const wg_ast *order, const result *a, const result *b) {
    for (uint32_t i = 0; i < order->child_count; i++) {
        const wg_ast *sort = order->child[i];
        const bool a_null = a->keys[i].type == WG_TYPE_NULL, b_null = b->keys[i].type == WG_TYPE_NULL;
        const bool placed = (sort->flags & (WG_AST_NULLS_FIRST | WG_AST_NULLS_LAST)) != 0;
        if (placed && a_null != b_null) return a_null == ((sort->flags & WG_AST_NULLS_FIRST) != 0);
        const int order_of = ref_order(&a->keys[i], &b->keys[i]);
        if (order_of != 0) return ((sort->flags & WG_AST_DESCENDING) != 0) == (order_of > 0);
    }
    return false;
}

/* Insertion: rows that are equal stay as they came. */
static void sort_rows(projection *p) {
    const wg_ast *order = p->clause->child[0];
    for (size_t r = 0; r < p->count; r++) {
        p->rows[r].keys = ref_alloc(p->ctx->arena, order->child_count, sizeof(wg_value));
        for (uint32_t i = 0; i < order->child_count; i++)
            p->rows[r].keys[i] = ref_eval(p->ctx, order->child[i]->child[0], &p->rows[r].env);
    }
    for (size_t r = 1; r < p->count; r++) {
        const result row = p->rows[r];
        size_t at = r;
        for (; at > 0 && comes_before(order, &row, &p->rows[at - 1]); at--) p->rows[at] = p->rows[at - 1];
        p->rows[at] = row;
    }
}

static size_t number_of_rows(projection *p, const wg_ast *e, size_t otherwise) {
    const ref_env nothing = {0};
    if (e == NULL) return otherwise;
    const wg_value v = ref_eval(p->ctx, e, &nothing);
    if (v.type != WG_TYPE_INT) ref_fail(p->ctx, WG_E_TYPE, "SKIP and LIMIT need an INT");
    if (v.as.i < 0) ref_fail(p->ctx, WG_E_VALUE, "SKIP and LIMIT need a number from 0 on");
    return (size_t)v.as.i;
}

void ref_project(ref_ctx *ctx, const wg_ast *clause, ref_table *table) {
    projection p = {.ctx = ctx, .clause = clause};
    ref_table out = {0};
    bool grouped = false;
    list_items(&p, table);
    for (size_t i = 0; i < p.item_count; i++) {
        grouped |= p.items[i].aggregate;
        ref_add_name(ctx, &out, p.items[i].name);
    }
    if (grouped) make_groups(&p, table);
    else make_rows(&p, table);
    if ((clause->flags & WG_AST_DISTINCT) != 0) keep_distinct(&p, &out);
    if (clause->child[0] != NULL) sort_rows(&p);
    const size_t skip = number_of_rows(&p, clause->child[1], 0);
    const size_t limit = number_of_rows(&p, clause->child[2], SIZE_MAX);
    for (size_t i = skip; i < p.count && i - skip < limit; i++)
        if (ref_eval_truth(ctx, clause->child[3], &p.rows[i].env) == 1) ref_add_row(ctx, &out, p.rows[i].row);
    *table = out;
}
