/* Predicates of a scan on decoded vectors: which rows can satisfy all of them. The caller's filter looks again, so a test may let a row
 * pass that fails; it must never stop one that satisfies its predicate. What a test cannot decide, by its types, it lets pass.
 *
 * A test on a dictionary is made once for each entry and kept until the row group ends; rows then only look up their code. */
#include "engine/engine_internal.h"

typedef enum test_kind {
    TEST_NONE,
    TEST_I64,
    TEST_F64,
    TEST_STR,
    TEST_BOOL,
    TEST_MOMENT, /* cells are values of any type; other types pass */
    TEST_IN,
    TEST_PRESENT
} test_kind;

typedef struct test {
    uint32_t column;
    test_kind kind;
    wg_compare_op op;
    int64_t i64;
    double f64;
    wg_str str;
    wg_value moment;
    struct test *items; /* IN: one equality each */
    uint32_t item_count;
} test;

/* What the tests of one column say of its dictionary. */
typedef struct entry_table {
    uint8_t *pass;
    uint32_t size; /* 0: not made for this row group */
    uint32_t capacity;
    bool any;
} entry_table;

struct wgi_row_tests {
    wg_account *account;
    const wg_kernels *kernels;
    const wg_scan_spec *spec;
    uint32_t column_count;
    uint32_t test_count;
    test *tests;
    entry_table *tables; /* of each column */
};

/* ---- making */

static bool compile_value(test *t, wg_type type, const wg_value *v) {
    bool exact = false;
    switch (type) {
        case WG_TYPE_INT:
        case WG_TYPE_DATE:
            t->kind = TEST_I64;
            t->i64 = v->as.i;
            return (wg_type)v->type == type;
        case WG_TYPE_LOCAL_DATETIME:
            t->kind = TEST_I64;
            return v->type == WG_TYPE_LOCAL_DATETIME && wg_micros_of_datetime(v->as.i, v->size, &t->i64, &exact) &&
                   exact;
        case WG_TYPE_FLOAT:
            t->kind = TEST_F64;
            t->f64 = v->type == WG_TYPE_FLOAT ? v->as.f : (double)v->as.i;
            return v->type == WG_TYPE_FLOAT ||
                   (v->type == WG_TYPE_INT && v->as.i >= -(INT64_C(1) << 53) && v->as.i <= INT64_C(1) << 53);
        case WG_TYPE_STRING:
            t->kind = TEST_STR;
            t->str = (wg_str){v->as.s, v->size};
            return v->type == WG_TYPE_STRING;
        case WG_TYPE_BOOL:
            t->kind = TEST_BOOL;
            t->i64 = v->as.b ? 1 : 0;
            return v->type == WG_TYPE_BOOL;
        case WG_TYPE_ANY:
            t->kind = TEST_MOMENT;
            t->moment = *v;
            return v->type == WG_TYPE_LOCAL_DATETIME;
        case WG_TYPE_NULL:
        case WG_TYPE_BYTES:
        case WG_TYPE_LOCAL_TIME:
        case WG_TYPE_TIME:
        case WG_TYPE_DATETIME:
        case WG_TYPE_DURATION:
        case WG_TYPE_POINT:
        case WG_TYPE_LIST:
        case WG_TYPE_MAP:
        case WG_TYPE_NODE:
        case WG_TYPE_EDGE:
        case WG_TYPE_PATH:
            return false;
    }
    return false;
}

/* A list whose elements all compare with the column; nulls equal nothing. */
static wg_code compile_in(test *t, wg_type type, const wg_value *list, wg_arena *arena, bool *out_known,
                          wg_error *err) {
    *out_known = false;
    if (list->type != WG_TYPE_LIST) return WG_OK;
    t->items = wg_arena_alloc(arena, ((size_t)list->size + 1) * sizeof *t->items);
    if (t->items == NULL) return wg_error_nomem(err, list->size * sizeof *t->items);
    for (uint32_t i = 0; i < list->size; i++) {
        const wg_value *v = &list->as.list[i];
        test *item = &t->items[t->item_count];
        *item = (test){.column = t->column, .op = WG_CMP_EQ};
        if (v->type == WG_TYPE_NULL) continue;
        if (!compile_value(item, type, v)) return WG_OK;
        t->item_count++;
    }
    t->kind = TEST_IN;
    *out_known = true;
    return WG_OK;
}

static wg_code compile(const wg_scan_spec *spec, const wg_scan_predicate *p, wg_arena *arena, test *out,
                       bool *out_known, wg_error *err) {
    *out_known = false;
    *out = (test){.column = UINT32_MAX, .op = p->op};
    for (uint32_t k = 0; k < spec->key_count && out->column == UINT32_MAX; k++)
        if (spec->keys[k] == p->key) out->column = k;
    if (out->column == UINT32_MAX) return WG_OK;
    if (p->op == WG_CMP_NOT_NULL && spec->types[out->column] != WG_TYPE_ANY) {
        out->kind = TEST_PRESENT;
        *out_known = true;
        return WG_OK;
    }
    const wg_type type = spec->types[out->column];
    if (p->op == WG_CMP_IN) return compile_in(out, type, &p->value, arena, out_known, err);
    *out_known = compile_value(out, type, &p->value) && (out->kind != TEST_BOOL || p->op == WG_CMP_EQ);
    return WG_OK;
}

wg_code wgi_row_tests_create(const wg_scan_spec *spec, wg_arena *arena, wgi_row_tests **out, wg_error *err) {
    wgi_row_tests *r = wg_arena_alloc_zero(arena, sizeof *r);
    if (r == NULL) return wg_error_nomem(err, sizeof *r);
    r->account = arena->account;
    r->spec = spec;
    r->kernels = spec->kernels != NULL ? spec->kernels : wg_kernels_best();
    r->column_count = spec->key_count;
    r->tests = wg_arena_alloc_zero(arena, ((size_t)spec->predicate_count + 1) * sizeof *r->tests);
    r->tables = wg_arena_alloc_zero(arena, ((size_t)spec->key_count + 1) * sizeof *r->tables);
    if (r->tests == NULL || r->tables == NULL) return wg_error_nomem(err, sizeof *r->tests);
    for (uint32_t i = 0; i < spec->predicate_count; i++) {
        bool known = false;
        WG_TRY(compile(spec, &spec->predicates[i], arena, &r->tests[r->test_count], &known, err));
        if (known) r->test_count++;
    }
    *out = r->test_count > 0 ? r : NULL;
    return WG_OK;
}

void wgi_row_tests_destroy(wgi_row_tests *tests) {
    if (tests == NULL) return;
    for (uint32_t c = 0; c < tests->column_count; c++) wg_free(tests->tables[c].pass);
}

void wgi_row_tests_reset(wgi_row_tests *tests) {
    for (uint32_t c = 0; c < tests->column_count; c++) tests->tables[c].size = 0;
}

bool wgi_row_tests_column(const wgi_row_tests *tests, uint32_t column) {
    for (uint32_t i = 0; tests != NULL && i < tests->test_count; i++)
        if (tests->tests[i].column == column) return true;
    return false;
}

bool wgi_row_tests_prune(const wgi_row_tests *tests, uint32_t column, const wg_parquet_range *range) {
    const wg_scan_spec *spec = tests->spec;
    if (!range->known) return false;
    for (uint32_t i = 0; i < spec->predicate_count; i++)
        if (spec->predicates[i].key == spec->keys[column] &&
            wgi_prune_range(&spec->predicates[i], &range->min, &range->max))
            return true;
    return false;
}

/* ---- testing FLAT cells, at most WG_BATCH_ROWS_MAX: mask[i] = cell i passes */

static wg_kernel_compare compare_of(wg_compare_op op) {
    switch (op) {
        case WG_CMP_LT:
            return WG_KERNEL_LT;
        case WG_CMP_LE:
            return WG_KERNEL_LE;
        case WG_CMP_GT:
            return WG_KERNEL_GT;
        case WG_CMP_GE:
            return WG_KERNEL_GE;
        case WG_CMP_EQ:
        case WG_CMP_IN:
        case WG_CMP_NOT_NULL:
            break;
    }
    return WG_KERNEL_EQ;
}

static bool order_holds(wg_compare_op op, int cmp) {
    if (op == WG_CMP_LT) return cmp < 0;
    if (op == WG_CMP_LE) return cmp <= 0;
    return op == WG_CMP_GT ? cmp > 0 : cmp >= 0;
}

/* Cells under a null may point anywhere and are not looked through. */
static void test_str(const wg_kernels *k, const test *t, const wg_str *a, const uint8_t *valid, uint32_t n,
                     uint8_t *mask) {
    const wg_slice b = wg_slice_of_str(t->str);
    if (t->op == WG_CMP_EQ && valid == NULL) {
        k->str_equal(a, n, t->str.data, t->str.size, mask);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        const wg_slice s = wg_slice_of_str(a[i]);
        if (valid != NULL && !wg_bit_get(valid, i)) mask[i] = 0;
        else if (t->op == WG_CMP_EQ) mask[i] = wg_slice_equal(s, b) ? 1 : 0;
        else mask[i] = order_holds(t->op, wg_slice_compare(s, b)) ? 1 : 0;
    }
}

/* Nulls fail; what is no moment is for the filter. */
static void test_moments(const test *t, const wg_value *cells, const uint8_t *valid, uint32_t n, uint8_t *mask) {
    for (uint32_t i = 0; i < n; i++) {
        const wg_value *v = &cells[i];
        if ((valid != NULL && !wg_bit_get(valid, i)) || v->type == WG_TYPE_NULL) {
            mask[i] = 0;
            continue;
        }
        mask[i] = 1;
        if (v->type != WG_TYPE_LOCAL_DATETIME) continue;
        const int seconds = (v->as.i > t->moment.as.i) - (v->as.i < t->moment.as.i);
        const int order = seconds != 0 ? seconds : (v->size > t->moment.size) - (v->size < t->moment.size);
        mask[i] = t->op == WG_CMP_EQ ? order == 0 : order_holds(t->op, order);
    }
}

static void test_one(const wg_kernels *k, const test *t, const void *cells, const uint8_t *valid, uint32_t n,
                     uint8_t *mask) {
    const uint8_t *bools = cells;
    switch (t->kind) {
        case TEST_I64:
            k->compare_i64(compare_of(t->op), cells, t->i64, n, mask);
            return;
        case TEST_F64:
            k->compare_f64(compare_of(t->op), cells, t->f64, n, mask);
            return;
        case TEST_STR:
            test_str(k, t, cells, valid, n, mask);
            return;
        case TEST_BOOL:
            for (uint32_t i = 0; i < n; i++) mask[i] = bools[i] == t->i64 ? 1 : 0;
            return;
        case TEST_MOMENT:
            test_moments(t, cells, valid, n, mask);
            return;
        case TEST_IN:
        case TEST_NONE:
        case TEST_PRESENT:
            break;
    }
    memset(mask, 1, n);
}

/* IN passes when one of its equalities does. */
static void test_cells(const wg_kernels *k, const test *t, const void *cells, const uint8_t *valid, uint32_t n,
                       uint8_t *mask) {
    uint8_t one[WG_BATCH_ROWS_MAX];
    if (t->kind != TEST_IN) {
        test_one(k, t, cells, valid, n, mask);
        return;
    }
    memset(mask, 0, n);
    for (uint32_t i = 0; i < t->item_count; i++) {
        test_one(k, &t->items[i], cells, valid, n, one);
        k->mask_or(mask, one, n);
    }
}

/* mask &= every test of the column, for any number of cells. */
static void test_column(const wgi_row_tests *r, uint32_t column, const wg_vector *v, uint32_t n, uint8_t *mask) {
    uint8_t one[WG_BATCH_ROWS_MAX];
    const size_t width = wg_physical_bytes(wg_type_physical(v->type));
    for (uint32_t i = 0; i < r->test_count; i++) {
        if (r->tests[i].column != column) continue;
        for (uint32_t at = 0; at < n; at += WG_BATCH_ROWS_MAX) {
            const uint32_t count = (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, n - at);
            test_cells(r->kernels, &r->tests[i], (const uint8_t *)v->data + at * width,
                       v->valid == NULL ? NULL : v->valid + at / 8, count, one);
            r->kernels->mask_and(mask + at, one, count);
        }
    }
}

/* ---- dictionaries */

static bool table_make(wgi_row_tests *r, uint32_t column, const wg_vector *v, uint32_t size) {
    const wg_vector cells = {.type = v->type, .kind = WG_VECTOR_FLAT, .data = v->data};
    entry_table *table = &r->tables[column];
    if (table->size != 0) return true;
    if (size > table->capacity) {
        wg_free(table->pass);
        table->pass = wg_alloc(r->account, size);
        table->capacity = table->pass == NULL ? 0 : size;
        if (table->pass == NULL) return false;
    }
    memset(table->pass, 1, size);
    test_column(r, column, &cells, size, table->pass);
    table->size = size;
    table->any = memchr(table->pass, 1, size) != NULL;
    return true;
}

bool wgi_row_tests_dictionary_fails(wgi_row_tests *r, uint32_t column, const wg_vector *dictionary, uint32_t size) {
    return table_make(r, column, dictionary, size) && r->tables[column].size == size && !r->tables[column].any;
}

wg_code wgi_row_tests_apply(wgi_row_tests *r, uint32_t column, const wg_vector *v, uint32_t n, uint8_t *mask,
                            wg_error *err) {
    uint8_t one[WG_BATCH_ROWS_MAX];
    if (v->kind == WG_VECTOR_CONST) {
        one[0] = v->valid == NULL || wg_bit_get(v->valid, 0) ? 1 : 0;
        if (one[0] == 1) {
            const wg_vector cell = {.type = v->type, .kind = WG_VECTOR_FLAT, .data = v->data};
            test_column(r, column, &cell, 1, one);
        }
        if (one[0] == 0) memset(mask, 0, n);
        return WG_OK;
    }
    if (v->kind == WG_VECTOR_FLAT) {
        test_column(r, column, v, n, mask);
    } else if (v->dict_size == 0) { /* nothing but nulls */
        memset(mask, 0, n);
    } else {
        if (!table_make(r, column, v, v->dict_size)) return wg_error_nomem(err, v->dict_size);
        r->kernels->mask_of_codes(r->tables[column].pass, v->codes, n, one);
        r->kernels->mask_and(mask, one, n);
    }
    if (v->valid != NULL) r->kernels->mask_and_bits(mask, v->valid, 0, n);
    return WG_OK;
}

uint32_t wgi_row_tests_select(const wgi_row_tests *r, const uint8_t *mask, uint32_t n, uint16_t *sel) {
    return (uint32_t)r->kernels->select(mask, n, sel);
}
