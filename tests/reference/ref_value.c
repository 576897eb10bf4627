/* tests/reference: values. Equality and comparison are three-valued and can be null; the order of ORDER BY and the equivalence of
 * DISTINCT never are. Each is written out by itself, so that a mistake in one does not hide in the others. */
#include <math.h>
#include <stdlib.h>

#include "tests/reference/reference.h"

void *ref_alloc(wg_arena *arena, size_t count, size_t size) {
    void *p = wg_arena_alloc_zero(arena, count * size + 1);
    if (p == NULL) exit(2);
    return p;
}

wg_value ref_null(void) { return (wg_value){.type = WG_TYPE_NULL}; }

wg_value ref_bool(int three_valued) {
    wg_value v = {.type = three_valued < 0 ? WG_TYPE_NULL : WG_TYPE_BOOL};
    v.as.b = three_valued > 0;
    return v;
}

wg_value ref_int(int64_t i) {
    wg_value v = {.type = WG_TYPE_INT};
    v.as.i = i;
    return v;
}

wg_value ref_float(double f) {
    wg_value v = {.type = WG_TYPE_FLOAT};
    v.as.f = f;
    return v;
}

wg_value ref_string(wg_slice s) {
    wg_value v = {.type = WG_TYPE_STRING, .size = (uint32_t)s.size};
    v.as.s = (const char *)s.data;
    return v;
}

wg_value ref_list(const wg_value *items, size_t count) {
    wg_value v = {.type = WG_TYPE_LIST, .size = (uint32_t)count};
    v.as.list = items;
    return v;
}

wg_slice ref_slice(const wg_value *v) { return wg_slice_of(v->as.s, v->size); }

static bool is_number(const wg_value *v) { return v->type == WG_TYPE_INT || v->type == WG_TYPE_FLOAT; }
static bool is_nan(const wg_value *v) { return v->type == WG_TYPE_FLOAT && isnan(v->as.f); }

static wg_slice key_of(const wg_map_entry *e) { return wg_slice_of(e->key, e->key_size); }

/* Neither is NaN. Exact: an integer is never rounded to a double. */
static int compare_numbers(const wg_value *a, const wg_value *b) {
    if (a->type == WG_TYPE_INT && b->type == WG_TYPE_INT) return (a->as.i > b->as.i) - (a->as.i < b->as.i);
    if (a->type == WG_TYPE_FLOAT && b->type == WG_TYPE_FLOAT) return (a->as.f > b->as.f) - (a->as.f < b->as.f);
    if (a->type == WG_TYPE_FLOAT) return -compare_numbers(b, a);
    const double f = b->as.f, whole = floor(f);
    if (f >= 0x1p63) return -1;
    if (f < -0x1p63) return 1;
    const int64_t i = (int64_t)whole;
    if (a->as.i != i) return a->as.i > i ? 1 : -1;
    return f > whole ? -1 : 0;
}

static int equal_lists(const wg_value *a, const wg_value *b) {
    if (a->size != b->size) return 0;
    int result = 1;
    for (uint32_t i = 0; i < a->size; i++) {
        const int e = ref_equal(&a->as.list[i], &b->as.list[i]);
        if (e == 0) return 0;
        if (e < 0) result = -1;
    }
    return result;
}

static int equal_maps(const wg_value *a, const wg_value *b) {
    if (a->size != b->size) return 0;
    int result = 1;
    for (uint32_t i = 0; i < a->size; i++)
        if (!wg_slice_equal(key_of(&a->as.map[i]), key_of(&b->as.map[i]))) return 0;
    for (uint32_t i = 0; i < a->size; i++) {
        const int e = ref_equal(&a->as.map[i].value, &b->as.map[i].value);
        if (e == 0) return 0;
        if (e < 0) result = -1;
    }
    return result;
}

int ref_equal(const wg_value *a, const wg_value *b) {
    if (a->type == WG_TYPE_NULL || b->type == WG_TYPE_NULL) return -1;
    if (is_number(a) && is_number(b)) return !is_nan(a) && !is_nan(b) && compare_numbers(a, b) == 0;
    if (a->type != b->type) return 0;
    if (ref_is_temporal(a)) return ref_temporal_equal(a, b);
    switch (a->type) {
        case WG_TYPE_BOOL:
            return a->as.b == b->as.b;
        case WG_TYPE_STRING:
            return wg_slice_equal(ref_slice(a), ref_slice(b));
        case WG_TYPE_LIST:
        case WG_TYPE_PATH:
            return equal_lists(a, b);
        case WG_TYPE_MAP:
            return equal_maps(a, b);
        default:
            return a->as.ptr == b->as.ptr;
    }
}

static int compare_lists(wg_ast_op op, const wg_value *a, const wg_value *b) {
    for (uint32_t i = 0; i < a->size && i < b->size; i++) {
        const int e = ref_equal(&a->as.list[i], &b->as.list[i]);
        if (e < 0) return -1;
        if (e == 0) return ref_compare(op, &a->as.list[i], &b->as.list[i]);
    }
    const wg_value x = ref_int(a->size), y = ref_int(b->size);
    return ref_compare(op, &x, &y);
}

static int by_sign(wg_ast_op op, int sign) {
    if (op == WG_OP_LT) return sign < 0;
    if (op == WG_OP_LE) return sign <= 0;
    if (op == WG_OP_GT) return sign > 0;
    return sign >= 0;
}

int ref_compare(wg_ast_op op, const wg_value *a, const wg_value *b) {
    if (op == WG_OP_EQ) return ref_equal(a, b);
    if (op == WG_OP_NE) {
        const int e = ref_equal(a, b);
        return e < 0 ? -1 : !e;
    }
    if (is_number(a) && is_number(b)) return !is_nan(a) && !is_nan(b) && by_sign(op, compare_numbers(a, b));
    if (a->type != b->type) return -1;
    if (a->type == WG_TYPE_STRING) return by_sign(op, wg_slice_compare(ref_slice(a), ref_slice(b)));
    if (a->type == WG_TYPE_BOOL) return by_sign(op, (int)a->as.b - (int)b->as.b);
    if (a->type == WG_TYPE_LIST) return compare_lists(op, a, b);
    if (a->type == WG_TYPE_DATE || a->type == WG_TYPE_LOCAL_DATETIME) return by_sign(op, ref_temporal_order(a, b));
    return -1;
}

/* ---- order */

static int rank(const wg_value *v) {
    static const uint8_t ranked[] = {WG_TYPE_MAP,  WG_TYPE_NODE,           WG_TYPE_EDGE, WG_TYPE_LIST,
                                     WG_TYPE_PATH, WG_TYPE_LOCAL_DATETIME, WG_TYPE_DATE, WG_TYPE_DURATION};
    for (int i = 0; i < (int)sizeof ranked; i++)
        if (v->type == ranked[i]) return i;
    if (v->type == WG_TYPE_NULL) return 20;
    if (is_nan(v)) return 19;
    if (is_number(v)) return 18;
    if (v->type == WG_TYPE_BOOL) return 17;
    if (v->type == WG_TYPE_STRING) return 16;
    return 10;
}

static int order_maps(const wg_value *a, const wg_value *b) {
    if (a->size != b->size) return a->size < b->size ? -1 : 1;
    for (uint32_t i = 0; i < a->size; i++) {
        const int k = wg_slice_compare(key_of(&a->as.map[i]), key_of(&b->as.map[i]));
        if (k != 0) return k;
    }
    for (uint32_t i = 0; i < a->size; i++) {
        const int k = ref_order(&a->as.map[i].value, &b->as.map[i].value);
        if (k != 0) return k;
    }
    return 0;
}

static int order_lists(const wg_value *a, const wg_value *b) {
    for (uint32_t i = 0; i < a->size && i < b->size; i++) {
        const int k = ref_order(&a->as.list[i], &b->as.list[i]);
        if (k != 0) return k;
    }
    return (a->size > b->size) - (a->size < b->size);
}

static uint64_t id_of(const wg_value *v) {
    if (v->type == WG_TYPE_NODE) return ((const ref_node *)v->as.ptr)->id;
    return v->type == WG_TYPE_EDGE ? ((const ref_edge *)v->as.ptr)->id : 0;
}

int ref_order(const wg_value *a, const wg_value *b) {
    const int ra = rank(a), rb = rank(b);
    if (ra != rb) return ra < rb ? -1 : 1;
    if (ra >= 19) return 0;
    if (ra == 18) return compare_numbers(a, b);
    if (ra == 17) return (int)a->as.b - (int)b->as.b;
    if (ra == 16) return wg_slice_compare(ref_slice(a), ref_slice(b));
    if (a->type == WG_TYPE_MAP) return order_maps(a, b);
    if (a->type == WG_TYPE_LIST || a->type == WG_TYPE_PATH) return order_lists(a, b);
    if (ref_is_temporal(a)) return ref_temporal_order(a, b);
    return (id_of(a) > id_of(b)) - (id_of(a) < id_of(b));
}

static bool same_maps(const wg_value *a, const wg_value *b) {
    if (a->size != b->size) return false;
    for (uint32_t i = 0; i < a->size; i++) {
        if (!wg_slice_equal(key_of(&a->as.map[i]), key_of(&b->as.map[i]))) return false;
        if (!ref_same(&a->as.map[i].value, &b->as.map[i].value)) return false;
    }
    return true;
}

bool ref_same(const wg_value *a, const wg_value *b) {
    if (is_number(a) && is_number(b)) {
        if (is_nan(a) || is_nan(b)) return is_nan(a) && is_nan(b);
        return compare_numbers(a, b) == 0;
    }
    if (a->type != b->type) return false;
    if (a->type == WG_TYPE_NULL) return true;
    if (a->type == WG_TYPE_MAP) return same_maps(a, b);
    if (a->type != WG_TYPE_LIST && a->type != WG_TYPE_PATH) return ref_equal(a, b) == 1;
    if (a->size != b->size) return false;
    for (uint32_t i = 0; i < a->size; i++)
        if (!ref_same(&a->as.list[i], &b->as.list[i])) return false;
    return true;
}

/* ---- maps and copies */

bool ref_find_entry(const wg_map_entry *items, size_t count, wg_slice key, wg_value *out) {
    for (size_t i = 0; i < count; i++) {
        if (!wg_slice_equal(key_of(&items[i]), key)) continue;
        *out = items[i].value;
        return true;
    }
    return false;
}

wg_value ref_map_with(wg_arena *arena, const wg_value *map, wg_slice key, wg_value value) {
    wg_map_entry *items = ref_alloc(arena, map->size + 1u, sizeof *items);
    uint32_t n = 0, i = 0;
    while (i < map->size && wg_slice_compare(key_of(&map->as.map[i]), key) < 0) items[n++] = map->as.map[i++];
    items[n++] = (wg_map_entry){.key = (const char *)key.data, .key_size = key.size, .value = value};
    if (i < map->size && wg_slice_equal(key_of(&map->as.map[i]), key)) i++;
    while (i < map->size) items[n++] = map->as.map[i++];
    wg_value out = {.type = WG_TYPE_MAP, .size = n};
    out.as.map = items;
    return out;
}

static const void *copy_bytes(wg_arena *arena, const void *data, size_t size) {
    void *p = ref_alloc(arena, size, 1);
    if (size > 0) memcpy(p, data, size);
    return p;
}

wg_value ref_copy_value(wg_arena *arena, const wg_value *v) {
    wg_value out = *v;
    if (v->type == WG_TYPE_STRING) out.as.s = copy_bytes(arena, v->as.s, v->size);
    if (v->type == WG_TYPE_LIST || v->type == WG_TYPE_PATH || v->type == WG_TYPE_DURATION) {
        const uint32_t size = v->type == WG_TYPE_DURATION ? 4 : v->size;
        wg_value *items = ref_alloc(arena, size, sizeof *items);
        for (uint32_t i = 0; i < size; i++) items[i] = ref_copy_value(arena, &v->as.list[i]);
        out.as.list = items;
    }
    if (v->type == WG_TYPE_MAP) {
        wg_map_entry *items = ref_alloc(arena, v->size, sizeof *items);
        for (uint32_t i = 0; i < v->size; i++) {
            items[i] = v->as.map[i];
            items[i].key = copy_bytes(arena, v->as.map[i].key, v->as.map[i].key_size);
            items[i].value = ref_copy_value(arena, &v->as.map[i].value);
        }
        out.as.map = items;
    }
    return out;
}

static char *text_of(wg_arena *arena, wg_slice s) {
    char *text = ref_alloc(arena, s.size + 1, 1);
    if (s.size > 0) memcpy(text, s.data, s.size);
    return text;
}

static const wg_node *publish_node(wg_arena *arena, const ref_node *n) {
    wg_node *out = ref_alloc(arena, 1, sizeof *out);
    const char **labels = ref_alloc(arena, n->label_count, sizeof *labels);
    for (uint32_t i = 0; i < n->label_count; i++) labels[i] = text_of(arena, n->labels[i]);
    *out = (wg_node){n->id, n->label_count, n->property_count, labels, n->properties};
    return out;
}

static const wg_edge *publish_edge(wg_arena *arena, const ref_edge *e) {
    wg_edge *out = ref_alloc(arena, 1, sizeof *out);
    *out = (wg_edge){e->id, e->from->id, e->to->id, text_of(arena, e->type), e->property_count, e->properties};
    return out;
}

wg_value ref_publish(wg_arena *arena, const wg_value *v) {
    wg_value out = *v;
    if (v->type == WG_TYPE_NODE) out.as.node = publish_node(arena, v->as.ptr);
    if (v->type == WG_TYPE_EDGE) out.as.edge = publish_edge(arena, v->as.ptr);
    if (v->type == WG_TYPE_LIST || v->type == WG_TYPE_PATH) {
        wg_value *items = ref_alloc(arena, v->size, sizeof *items);
        for (uint32_t i = 0; i < v->size; i++) items[i] = ref_publish(arena, &v->as.list[i]);
        out.as.list = items;
    }
    if (v->type == WG_TYPE_MAP) {
        wg_map_entry *items = ref_alloc(arena, v->size, sizeof *items);
        for (uint32_t i = 0; i < v->size; i++) {
            items[i] = v->as.map[i];
            items[i].value = ref_publish(arena, &v->as.map[i].value);
        }
        out.as.map = items;
    }
    return out;
}
