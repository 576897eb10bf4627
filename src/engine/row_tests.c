/* Predicates of a scan on decoded vectors: which rows can satisfy all of them. The caller's filter looks again, so a test may let a row
 * pass that fails; it must never stop one that satisfies its predicate. What a test cannot decide, by its types, it lets pass.
 *
 * A test on a dictionary is made once for each entry and kept until the row group ends; rows then only look up their code. */
#include "engine/engine_internal.h"

typedef enum test_kind { TEST_NONE, TEST_I64, TEST_F64, TEST_STR, TEST_BOOL, TEST_IN, TEST_PRESENT } test_kind;

typedef struct test {
    uint32_t column;
    test_kind kind;
    wg_compare_op op;
    int64_t i64;
    double f64;
    wg_str str;
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
        case WG_TYPE_ANY:
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
    if (out->column == UINT32_MAX || spec->types[out->column] == WG_TYPE_ANY) return WG_OK;
    if (p->op == WG_CMP_NOT_NULL) {
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

/* ---- testing FLAT cells: mask[i] &= cell i passes */

#define LOOP(condition)                                                         \
    for (uint32_t i = 0; i < n; i++) mask[i] &= (uint8_t)((condition) ? 1 : 0); \
    return;
#define COMPARE_LOOPS(name, ctype)                                                                    \
    static void name(wg_compare_op op, const ctype *a, ctype b, uint32_t n, uint8_t *restrict mask) { \
        switch (op) {                                                                                 \
            case WG_CMP_EQ:                                                                           \
                LOOP(a[i] == b)                                                                       \
            case WG_CMP_LT:                                                                           \
                LOOP(a[i] < b)                                                                        \
            case WG_CMP_LE:                                                                           \
                LOOP(a[i] <= b)                                                                       \
            case WG_CMP_GT:                                                                           \
                LOOP(a[i] > b)                                                                        \
            case WG_CMP_GE:                                                                           \
                LOOP(a[i] >= b)                                                                       \
            case WG_CMP_IN:                                                                           \
            case WG_CMP_NOT_NULL:                                                                     \
                break;                                                                                \
        }                                                                                             \
        WG_UNREACHABLE("not a comparison");                                                           \
    }
COMPARE_LOOPS(test_i64, int64_t)
COMPARE_LOOPS(test_f64, double)

static bool order_holds(wg_compare_op op, int cmp) {
    return op == WG_CMP_EQ   ? cmp == 0
           : op == WG_CMP_LT ? cmp < 0
           : op == WG_CMP_LE ? cmp <= 0
           : op == WG_CMP_GT ? cmp > 0
                             : cmp >= 0;
}

/* Cells under a null may point anywhere and are not looked through. */
static void test_str(const test *t, const wg_str *a, const uint8_t *valid, uint32_t n, uint8_t *mask) {
    const wg_slice b = wg_slice_of_str(t->str);
    for (uint32_t i = 0; i < n; i++) {
        if (mask[i] == 0) continue;
        if (valid != NULL && !wg_bit_get(valid, i)) mask[i] = 0;
        else if (t->op == WG_CMP_EQ && a[i].size != b.size) mask[i] = 0;
        else mask[i] = order_holds(t->op, wg_slice_compare(wg_slice_of_str(a[i]), b)) ? 1 : 0;
    }
}

static void test_bool(const uint8_t *a, int64_t b, uint32_t n, uint8_t *mask) {
    for (uint32_t i = 0; i < n; i++) mask[i] &= (uint8_t)(a[i] == b ? 1 : 0);
}

static void test_flat(const test *t, const void *cells, const uint8_t *valid, uint32_t n, uint8_t *mask) {
    switch (t->kind) {
        case TEST_I64:
            test_i64(t->op, cells, t->i64, n, mask);
            return;
        case TEST_F64:
            test_f64(t->op, cells, t->f64, n, mask);
            return;
        case TEST_STR:
            test_str(t, cells, valid, n, mask);
            return;
        case TEST_BOOL:
            test_bool(cells, t->i64, n, mask);
            return;
        case TEST_IN:
        case TEST_NONE:
        case TEST_PRESENT:
            return;
    }
}

/* IN: passes when one of its equalities does. At most WG_BATCH_ROWS_MAX cells. */
static void test_in(const test *t, const void *cells, const uint8_t *valid, uint32_t n, uint8_t *mask) {
    uint8_t any[WG_BATCH_ROWS_MAX] = {0};
    uint8_t one[WG_BATCH_ROWS_MAX];
    for (uint32_t k = 0; k < t->item_count; k++) {
        memcpy(one, mask, n);
        test_flat(&t->items[k], cells, valid, n, one);
        for (uint32_t i = 0; i < n; i++) any[i] |= one[i];
    }
    memcpy(mask, any, n);
}

static void test_cells(const test *t, const void *cells, size_t width, const uint8_t *valid, uint32_t n,
                       uint8_t *mask) {
    if (t->kind != TEST_IN) {
        test_flat(t, cells, valid, n, mask);
        return;
    }
    for (uint32_t i = 0; i < n; i += WG_BATCH_ROWS_MAX)
        test_in(t, (const uint8_t *)cells + i * width, valid == NULL ? NULL : valid + i / 8,
                (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, n - i), mask + i);
}

/* ---- dictionaries */

static bool table_make(wgi_row_tests *r, uint32_t column, const void *cells, wg_type type, uint32_t size) {
    entry_table *table = &r->tables[column];
    if (table->size != 0) return true;
    if (size > table->capacity) {
        wg_free(table->pass);
        table->pass = wg_alloc(r->account, size);
        table->capacity = table->pass == NULL ? 0 : size;
        if (table->pass == NULL) return false;
    }
    memset(table->pass, 1, size);
    for (uint32_t i = 0; i < r->test_count; i++)
        if (r->tests[i].column == column)
            test_cells(&r->tests[i], cells, wg_physical_bytes(wg_type_physical(type)), NULL, size, table->pass);
    table->size = size;
    table->any = memchr(table->pass, 1, size) != NULL;
    return true;
}

bool wgi_row_tests_dictionary_fails(wgi_row_tests *r, uint32_t column, const wg_vector *dictionary, uint32_t size) {
    return table_make(r, column, dictionary->data, dictionary->type, size) && r->tables[column].size == size &&
           !r->tables[column].any;
}

static void mask_nulls(const uint8_t *valid, uint32_t n, uint8_t *mask) {
    for (uint32_t i = 0; i < n; i++) mask[i] &= (uint8_t)wg_bit_get(valid, i);
}

static void apply_constant(wgi_row_tests *r, uint32_t column, const wg_vector *v, uint32_t n, uint8_t *mask) {
    uint8_t one = v->valid == NULL || wg_bit_get(v->valid, 0) ? 1 : 0;
    for (uint32_t i = 0; i < r->test_count && one == 1; i++)
        if (r->tests[i].column == column)
            test_cells(&r->tests[i], v->data, wg_physical_bytes(wg_type_physical(v->type)), NULL, 1, &one);
    if (one == 0) memset(mask, 0, n);
}

wg_code wgi_row_tests_apply(wgi_row_tests *r, uint32_t column, const wg_vector *v, uint32_t n, uint8_t *mask,
                            wg_error *err) {
    if (v->kind == WG_VECTOR_CONST) {
        apply_constant(r, column, v, n, mask);
        return WG_OK;
    }
    if (v->kind == WG_VECTOR_DICT && v->dict_size == 0) { /* nothing but nulls */
        memset(mask, 0, n);
        return WG_OK;
    }
    if (v->kind == WG_VECTOR_DICT) {
        if (!table_make(r, column, v->data, v->type, v->dict_size)) return wg_error_nomem(err, v->dict_size);
        const uint8_t *pass = r->tables[column].pass;
        for (uint32_t i = 0; i < n; i++) mask[i] &= pass[v->codes[i]];
    } else {
        for (uint32_t i = 0; i < r->test_count; i++)
            if (r->tests[i].column == column)
                test_cells(&r->tests[i], v->data, wg_physical_bytes(wg_type_physical(v->type)), v->valid, n, mask);
    }
    if (v->valid != NULL) mask_nulls(v->valid, n, mask);
    return WG_OK;
}

uint32_t wgi_row_tests_select(const uint8_t *mask, uint32_t n, uint16_t *sel) {
    uint32_t count = 0;
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) { /* most groups of eight have none */
        if (wg_load_u64le(mask + i) == 0) continue;
        for (uint32_t k = i; k < i + 8; k++) {
            sel[count] = (uint16_t)k;
            count += mask[k];
        }
    }
    for (; i < n; i++) {
        sel[count] = (uint16_t)i;
        count += mask[i];
    }
    return count;
}
