/* Values: copy, order, equality, equivalence, hash, checks. See column.h.
 *
 * Order and equality agree where both speak: wg_value_equal is 1 exactly where neither side holds a null or a NaN and
 * wg_value_order is 0. The hash follows the order: an INT and the FLOAT of the same number hash alike, both zeros hash
 * as the INT 0, all NaNs as one. Recursion is bounded by the depth that decoding and checking allow. */
#include "base/column/column.h"
#include "base/digest/digest.h"
#include "base/text/text.h"

/* ---- copy */

static bool copy_bytes(wg_arena *arena, const char *from, size_t size, const char **out) {
    *out = NULL;
    if (size == 0) return true;
    *out = wg_arena_copy(arena, from, size);
    return *out != NULL;
}

static bool copy_list(wg_arena *arena, const wg_value *from, wg_value *out) {
    *out = *from;
    if (from->size == 0) return true;
    wg_value *items = wg_arena_alloc(arena, (size_t)from->size * sizeof *items);
    if (items == NULL) return false;
    for (uint32_t i = 0; i < from->size; i++)
        if (!wg_value_copy(arena, &from->as.list[i], &items[i])) return false;
    out->as.list = items;
    return true;
}

static bool copy_map(wg_arena *arena, const wg_value *from, wg_value *out) {
    *out = *from;
    if (from->size == 0) return true;
    wg_map_entry *entries = wg_arena_alloc(arena, (size_t)from->size * sizeof *entries);
    if (entries == NULL) return false;
    for (uint32_t i = 0; i < from->size; i++) {
        const wg_map_entry *e = &from->as.map[i];
        entries[i].key_size = e->key_size;
        if (!copy_bytes(arena, e->key, e->key_size, &entries[i].key)) return false;
        if (!wg_value_copy(arena, &e->value, &entries[i].value)) return false;
    }
    out->as.map = entries;
    return true;
}

bool wg_value_copy(wg_arena *arena, const wg_value *from, wg_value *out) {
    wg_value copy = *from;
    switch ((wg_type)from->type) {
        case WG_TYPE_STRING:
        case WG_TYPE_BYTES:
            if (!copy_bytes(arena, from->as.s, from->size, &copy.as.s)) return false;
            break;
        case WG_TYPE_LIST:
        case WG_TYPE_PATH:
        case WG_TYPE_DURATION:
        case WG_TYPE_POINT:
            if (!copy_list(arena, from, &copy)) return false;
            break;
        case WG_TYPE_MAP:
            if (!copy_map(arena, from, &copy)) return false;
            break;
        case WG_TYPE_NULL:
        case WG_TYPE_BOOL:
        case WG_TYPE_INT:
        case WG_TYPE_FLOAT:
        case WG_TYPE_DATE:
        case WG_TYPE_LOCAL_TIME:
        case WG_TYPE_TIME:
        case WG_TYPE_LOCAL_DATETIME:
        case WG_TYPE_DATETIME:
        case WG_TYPE_NODE:
        case WG_TYPE_EDGE:
        case WG_TYPE_ANY:
            break;
    }
    *out = copy;
    return true;
}

/* ---- numbers */

static int sign_of(bool greater, bool less) { return (int)greater - (int)less; }

int wg_compare_i64_f64(int64_t a, double b) {
    if (b != b) return -1;
    if (b >= 0x1p63) return -1;
    if (b < -0x1p63) return 1;
    const int64_t whole = (int64_t)b; /* towards zero, in range */
    if (a != whole) return a < whole ? -1 : 1;
    const double rest = b - (double)whole; /* exact: from 2^53 on there is none */
    return sign_of(rest<0, rest> 0);
}

static int compare_f64(double a, double b) {
    if (a != a || b != b) return sign_of(a != a, b != b);
    return sign_of(a > b, a < b);
}

static bool is_number(const wg_value *v) { return v->type == WG_TYPE_INT || v->type == WG_TYPE_FLOAT; }

static int compare_numbers(const wg_value *a, const wg_value *b) {
    if (a->type == WG_TYPE_INT && b->type == WG_TYPE_INT) return sign_of(a->as.i > b->as.i, a->as.i < b->as.i);
    if (a->type == WG_TYPE_INT) return wg_compare_i64_f64(a->as.i, b->as.f);
    if (b->type == WG_TYPE_INT) return -wg_compare_i64_f64(b->as.i, a->as.f);
    return compare_f64(a->as.f, b->as.f);
}

/* ---- order */

/* Place of a type among the types; INT and FLOAT share one. */
static int type_rank(const wg_value *v) {
    switch ((wg_type)v->type) {
        case WG_TYPE_MAP:
            return 0;
        case WG_TYPE_NODE:
            return 1;
        case WG_TYPE_EDGE:
            return 2;
        case WG_TYPE_LIST:
            return 3;
        case WG_TYPE_PATH:
            return 4;
        case WG_TYPE_POINT:
            return 5;
        case WG_TYPE_DATETIME:
            return 6;
        case WG_TYPE_LOCAL_DATETIME:
            return 7;
        case WG_TYPE_DATE:
            return 8;
        case WG_TYPE_TIME:
            return 9;
        case WG_TYPE_LOCAL_TIME:
            return 10;
        case WG_TYPE_DURATION:
            return 11;
        case WG_TYPE_STRING:
            return 12;
        case WG_TYPE_BYTES:
            return 13;
        case WG_TYPE_BOOL:
            return 14;
        case WG_TYPE_INT:
        case WG_TYPE_FLOAT:
            return 15;
        case WG_TYPE_ANY:
            return 16;
        case WG_TYPE_NULL:
            return 17;
    }
    WG_UNREACHABLE("a value with a type outside wg_type");
}

static int order_lists(const wg_value *a, const wg_value *b) {
    const uint32_t n = a->size < b->size ? a->size : b->size;
    for (uint32_t i = 0; i < n; i++) {
        const int c = wg_value_order(&a->as.list[i], &b->as.list[i]);
        if (c != 0) return c;
    }
    return sign_of(a->size > b->size, a->size < b->size);
}

static int compare_keys(const wg_map_entry *a, const wg_map_entry *b) {
    return wg_slice_compare(wg_slice_of(a->key, a->key_size), wg_slice_of(b->key, b->key_size));
}

static int order_maps(const wg_value *a, const wg_value *b) {
    if (a->size != b->size) return a->size < b->size ? -1 : 1;
    for (uint32_t i = 0; i < a->size; i++) {
        const int c = compare_keys(&a->as.map[i], &b->as.map[i]);
        if (c != 0) return c;
    }
    for (uint32_t i = 0; i < a->size; i++) {
        const int c = wg_value_order(&a->as.map[i].value, &b->as.map[i].value);
        if (c != 0) return c;
    }
    return 0;
}

/* Times of day with an offset: by the instant in UTC, then by the offset. */
static int order_times(const wg_value *a, const wg_value *b) {
    const int64_t x = a->as.i - (int64_t)(int32_t)a->size * 1000000000;
    const int64_t y = b->as.i - (int64_t)(int32_t)b->size * 1000000000;
    if (x != y) return x < y ? -1 : 1;
    return sign_of((int32_t)a->size > (int32_t)b->size, (int32_t)a->size < (int32_t)b->size);
}

/* By length, a month being the 2,629,746 seconds of an average one; then part by part, so that only equal ones are equal. */
static int order_durations(const wg_value *a, const wg_value *b) {
    wg_i128 ns[2];
    const wg_value *both[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        const wg_value *parts = both[i]->as.list;
        const wg_i128 seconds = (wg_i128)parts[0].as.i * 2629746 + (wg_i128)parts[1].as.i * 86400 + parts[2].as.i;
        ns[i] = seconds * 1000000000 + parts[3].as.i;
    }
    if (ns[0] != ns[1]) return ns[0] < ns[1] ? -1 : 1;
    return order_lists(a, b);
}

/* By instant, then by offset, then those without a zone first, and zones by name. */
static int order_datetimes(const wg_value *a, const wg_value *b) {
    if (a->as.i != b->as.i) return a->as.i < b->as.i ? -1 : 1;
    if (a->size != b->size) return a->size < b->size ? -1 : 1;
    const int32_t x = wg_datetime_offset(a), y = wg_datetime_offset(b);
    if (x != y) return sign_of(x > y, x < y);
    const bool has_a = wg_datetime_has_zone(a), has_b = wg_datetime_has_zone(b);
    if (!has_a || !has_b) return sign_of(has_a && !has_b, !has_a && has_b);
    const uint32_t za = wg_datetime_zone(a), zb = wg_datetime_zone(b); /* numbers are in the order of names */
    return sign_of(za > zb, za < zb);
}

static int order_points(const wg_value *a, const wg_value *b) {
    const uint32_t x = wg_point_srid(a), y = wg_point_srid(b);
    return x != y ? sign_of(x > y, x < y) : order_lists(a, b);
}

int wg_value_order(const wg_value *a, const wg_value *b) {
    if (is_number(a) && is_number(b)) return compare_numbers(a, b);
    const int rank_a = type_rank(a);
    const int rank_b = type_rank(b);
    if (rank_a != rank_b) return rank_a < rank_b ? -1 : 1;
    switch ((wg_type)a->type) {
        case WG_TYPE_NULL:
        case WG_TYPE_ANY:
            return 0;
        case WG_TYPE_BOOL:
            return sign_of(a->as.b && !b->as.b, !a->as.b && b->as.b);
        case WG_TYPE_STRING:
        case WG_TYPE_BYTES:
            return wg_slice_compare(wg_value_slice(a), wg_value_slice(b));
        case WG_TYPE_LIST:
        case WG_TYPE_PATH:
            return order_lists(a, b);
        case WG_TYPE_MAP:
            return order_maps(a, b);
        case WG_TYPE_NODE:
        case WG_TYPE_EDGE:
            return sign_of(a->as.id > b->as.id, a->as.id < b->as.id);
        case WG_TYPE_TIME:
            return order_times(a, b);
        case WG_TYPE_INT:
        case WG_TYPE_FLOAT:
        case WG_TYPE_DATE:
        case WG_TYPE_LOCAL_TIME:
            return sign_of(a->as.i > b->as.i, a->as.i < b->as.i);
        case WG_TYPE_DATETIME:
            return order_datetimes(a, b);
        case WG_TYPE_DURATION:
            return order_durations(a, b);
        case WG_TYPE_POINT:
            return order_points(a, b);
        case WG_TYPE_LOCAL_DATETIME:
            break;
    }
    if (a->as.i != b->as.i) return a->as.i < b->as.i ? -1 : 1;
    return sign_of(a->size > b->size, a->size < b->size);
}

/* ---- equality and equivalence */

static int equal_lists(const wg_value *a, const wg_value *b) {
    if (a->size != b->size) return 0;
    int result = 1;
    for (uint32_t i = 0; i < a->size; i++) {
        const int e = wg_value_equal(&a->as.list[i], &b->as.list[i]);
        if (e == 0) return 0;
        if (e < 0) result = -1;
    }
    return result;
}

static int equal_maps(const wg_value *a, const wg_value *b) {
    if (a->size != b->size) return 0;
    int result = 1;
    for (uint32_t i = 0; i < a->size; i++) {
        if (compare_keys(&a->as.map[i], &b->as.map[i]) != 0) return 0;
        const int e = wg_value_equal(&a->as.map[i].value, &b->as.map[i].value);
        if (e == 0) return 0;
        if (e < 0) result = -1;
    }
    return result;
}

int wg_value_equal(const wg_value *a, const wg_value *b) {
    if (a->type == WG_TYPE_NULL || b->type == WG_TYPE_NULL) return -1;
    if (is_number(a) && is_number(b)) {
        const bool nan =
            (a->type == WG_TYPE_FLOAT && a->as.f != a->as.f) || (b->type == WG_TYPE_FLOAT && b->as.f != b->as.f);
        return !nan && compare_numbers(a, b) == 0;
    }
    if (a->type != b->type) return 0;
    if (a->type == WG_TYPE_LIST || a->type == WG_TYPE_PATH) return equal_lists(a, b);
    if (a->type == WG_TYPE_MAP) return equal_maps(a, b);
    return wg_value_order(a, b) == 0;
}

bool wg_value_equivalent(const wg_value *a, const wg_value *b) {
    if (a->type == b->type && (a->type == WG_TYPE_STRING || a->type == WG_TYPE_BYTES))
        return wg_slice_equal(wg_value_slice(a), wg_value_slice(b));
    return wg_value_order(a, b) == 0;
}

/* ---- hash */

static uint64_t hash_pair(uint64_t h, uint64_t x) { return wg_hash64_u64(h * UINT64_C(0x9e3779b97f4a7c15) + x); }

static uint64_t hash_f64(double f) {
    if (f != f) return hash_pair(WG_TYPE_FLOAT, 0);
    if (f >= -0x1p63 && f < 0x1p63 && f == (double)(int64_t)f)
        return hash_pair(WG_TYPE_INT, wg_u64_of_i64((int64_t)f));
    return hash_pair(WG_TYPE_FLOAT, wg_bits_of_f64(f));
}

uint64_t wg_value_hash(const wg_value *v) {
    uint64_t h = hash_pair(v->type, v->size);
    switch ((wg_type)v->type) {
        case WG_TYPE_NULL:
        case WG_TYPE_ANY:
            return wg_hash64_u64(v->type + UINT64_C(1));
        case WG_TYPE_BOOL:
            return hash_pair(v->type, v->as.b ? 1 : 0);
        case WG_TYPE_INT:
            return hash_pair(WG_TYPE_INT, wg_u64_of_i64(v->as.i));
        case WG_TYPE_FLOAT:
            return hash_f64(v->as.f);
        case WG_TYPE_STRING:
        case WG_TYPE_BYTES:
            return wg_hash64(v->type, v->as.s, v->size);
        case WG_TYPE_LIST:
        case WG_TYPE_PATH:
        case WG_TYPE_DURATION:
        case WG_TYPE_POINT:
            if (v->type == WG_TYPE_POINT) h = hash_pair(h, wg_point_srid(v));
            for (uint32_t i = 0; i < v->size; i++) h = hash_pair(h, wg_value_hash(&v->as.list[i]));
            return h;
        case WG_TYPE_MAP:
            for (uint32_t i = 0; i < v->size; i++) {
                h = hash_pair(h, wg_hash64(WG_TYPE_MAP, v->as.map[i].key, v->as.map[i].key_size));
                h = hash_pair(h, wg_value_hash(&v->as.map[i].value));
            }
            return h;
        case WG_TYPE_NODE:
        case WG_TYPE_EDGE:
            return hash_pair(v->type, v->as.id);
        case WG_TYPE_DATE:
        case WG_TYPE_LOCAL_TIME:
            return hash_pair(v->type, wg_u64_of_i64(v->as.i));
        case WG_TYPE_TIME:
        case WG_TYPE_LOCAL_DATETIME:
        case WG_TYPE_DATETIME:
            return hash_pair(h, wg_u64_of_i64(v->as.i));
    }
    WG_UNREACHABLE("a value with a type outside wg_type");
}
