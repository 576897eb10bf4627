/* Type names, physical cells, vectors read as values, owned columns. See column.h.
 *
 * A column grows by doubling from 64 rows. Its validity bitmap is allocated at the first null, all ones for the rows
 * before; from then on each append sets or clears its own bit, so nothing depends on what the memory held. A failed
 * allocation leaves the column as it was: data and bitmap grow before the row is counted. */
#include "base/column/column.h"

enum { COLUMN_ROWS_FIRST = 64 };

const char *wg_type_name(wg_type type) {
    static const char *const names[] = {
        "NULL",     "BOOL",     "INT",   "FLOAT", "STRING", "BYTES", "DATE", "LOCAL TIME", "TIME", "LOCAL DATETIME",
        "DATETIME", "DURATION", "POINT", "LIST",  "MAP",    "NODE",  "EDGE", "PATH",       "ANY"};
    const size_t i = (size_t)type;
    return i < sizeof names / sizeof names[0] ? names[i] : "UNKNOWN";
}

wg_physical wg_type_physical(wg_type type) {
    switch (type) {
        case WG_TYPE_BOOL:
            return WG_PHYSICAL_BOOL;
        case WG_TYPE_INT:
        case WG_TYPE_DATE:
        case WG_TYPE_LOCAL_TIME:
        case WG_TYPE_LOCAL_DATETIME:
            return WG_PHYSICAL_I64;
        case WG_TYPE_FLOAT:
            return WG_PHYSICAL_F64;
        case WG_TYPE_STRING:
        case WG_TYPE_BYTES:
            return WG_PHYSICAL_STR;
        case WG_TYPE_NODE:
        case WG_TYPE_EDGE:
            return WG_PHYSICAL_ID;
        case WG_TYPE_NULL:
        case WG_TYPE_TIME:
        case WG_TYPE_DATETIME:
        case WG_TYPE_DURATION:
        case WG_TYPE_POINT:
        case WG_TYPE_LIST:
        case WG_TYPE_MAP:
        case WG_TYPE_PATH:
        case WG_TYPE_ANY:
            return WG_PHYSICAL_VALUE;
    }
    WG_UNREACHABLE("a wg_type outside its enum");
}

size_t wg_physical_bytes(wg_physical physical) {
    switch (physical) {
        case WG_PHYSICAL_BOOL:
            return 1;
        case WG_PHYSICAL_I64:
        case WG_PHYSICAL_F64:
        case WG_PHYSICAL_ID:
            return 8;
        case WG_PHYSICAL_STR:
            return sizeof(wg_str);
        case WG_PHYSICAL_VALUE:
            return sizeof(wg_value);
    }
    WG_UNREACHABLE("a wg_physical outside its enum");
}

/* ---- datetimes as cells */

bool wg_micros_of_datetime(int64_t seconds, uint32_t ns, int64_t *out_micros, bool *out_exact) {
    WG_ASSERT(ns < 1000000000);
    if (seconds < WG_SECONDS_MIN || seconds > WG_SECONDS_MAX) return false;
    *out_micros = seconds * 1000000 + (int64_t)(ns / 1000); /* ns count upwards from the second: this is a floor */
    if (out_exact != NULL) *out_exact = ns % 1000 == 0;
    return true;
}

bool wg_datetime_describe(const wg_value *value, int32_t *offset_s, const char **zone) {
    if (value == NULL || value->type != WG_TYPE_DATETIME) return false;
    if (offset_s != NULL) *offset_s = wg_datetime_offset(value);
    if (zone != NULL) *zone = wg_datetime_has_zone(value) ? wg_zone_name(wg_datetime_zone(value)) : NULL;
    return true;
}

wg_code wg_datetime_in_zone(int64_t utc_s, uint32_t ns, const char *zone, wg_value *out, wg_error *err) {
    uint32_t number = 0;
    if (zone == NULL || out == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "zone or out is NULL");
    WG_TRY(wg_zone_find(wg_slice_str(zone), &number, err));
    const wg_value v = wg_value_datetime(utc_s, ns, WG_ZONE_BASE + (int32_t)number);
    WG_TRY(wg_value_check(&v, false, err));
    *out = v;
    return WG_OK;
}

const char *wg_zones_release(void) { return wg_zones_version(); }

wg_value wg_value_of_micros(int64_t micros) {
    int64_t seconds = micros / 1000000;
    int64_t rest = micros % 1000000;
    if (rest < 0) {
        rest += 1000000;
        seconds--;
    }
    wg_value v = {.type = WG_TYPE_LOCAL_DATETIME, .size = (uint32_t)rest * 1000};
    v.as.i = seconds;
    return v;
}

/* ---- vectors */

static wg_value value_of_str(wg_type type, wg_str s) {
    WG_ASSERT(s.size <= UINT32_MAX);
    wg_value v = {.type = (uint8_t)type, .size = (uint32_t)s.size};
    v.as.s = s.data;
    return v;
}

static wg_value value_of_i64(wg_type type, int64_t i) {
    if (type == WG_TYPE_LOCAL_DATETIME) return wg_value_of_micros(i);
    wg_value v = {.type = (uint8_t)type};
    v.as.i = i;
    return v;
}

wg_value wg_vector_value(const wg_vector *v, uint32_t row) {
    if (!wg_vector_is_valid(v, row)) return wg_value_null();
    const uint32_t cell = wg_vector_cell(v, row);
    wg_value id = {.type = (uint8_t)v->type};
    switch (wg_type_physical(v->type)) {
        case WG_PHYSICAL_BOOL:
            return wg_value_bool(((const uint8_t *)v->data)[cell] != 0);
        case WG_PHYSICAL_I64:
            return value_of_i64(v->type, ((const int64_t *)v->data)[cell]);
        case WG_PHYSICAL_F64:
            return wg_value_float(((const double *)v->data)[cell]);
        case WG_PHYSICAL_STR:
            return value_of_str(v->type, ((const wg_str *)v->data)[cell]);
        case WG_PHYSICAL_ID:
            id.as.id = ((const uint64_t *)v->data)[cell];
            return id;
        case WG_PHYSICAL_VALUE:
            return ((const wg_value *)v->data)[cell];
    }
    WG_UNREACHABLE("a wg_physical outside its enum");
}

/* ---- owned columns */

void wg_column_init(wg_column *column, wg_type type, wg_arena *strings, wg_account *account) {
    memset(column, 0, sizeof *column);
    column->type = type;
    column->strings = strings;
    column->account = account;
}

bool wg_column_init_lent(wg_column *column, wg_type type, wg_arena *strings, wg_account *account, uint32_t rows) {
    size_t bytes;
    wg_column_init(column, type, strings, account);
    if (!wg_mul_size(rows, wg_physical_bytes(wg_type_physical(type)), &bytes)) return false;
    column->data = wg_arena_alloc(strings, bytes);
    column->is_lent = column->data != NULL;
    column->capacity = column->is_lent ? rows : 0;
    return column->is_lent;
}

void wg_column_deinit(wg_column *column) {
    if (!column->is_lent) {
        wg_free(column->valid);
        wg_free(column->data);
    }
    wg_column_init(column, column->type, column->strings, column->account);
}

void wg_column_clear(wg_column *column) {
    column->row_count = 0;
    column->null_count = 0;
}

/* Into memory of its own, with the same capacity. */
static bool column_own(wg_column *column) {
    const size_t bytes = (size_t)column->capacity * wg_physical_bytes(wg_type_physical(column->type));
    const size_t bits = wg_bit_bytes(column->capacity);
    void *data = wg_alloc(column->account, bytes);
    uint8_t *valid = column->valid != NULL ? wg_alloc(column->account, bits) : NULL;
    if (data == NULL || (valid == NULL && column->valid != NULL)) {
        wg_free(data);
        wg_free(valid);
        return false;
    }
    memcpy(data, column->data, bytes);
    if (valid != NULL) memcpy(valid, column->valid, bits);
    column->data = data;
    column->valid = valid;
    column->is_lent = false;
    return true;
}

bool wg_column_reserve(wg_column *column, uint32_t rows) {
    if (rows > UINT32_MAX - column->row_count) return false;
    const uint32_t need = column->row_count + rows;
    if (need <= column->capacity) return true;
    if (column->is_lent && !column_own(column)) return false;
    uint64_t capacity = wg_max_u64((uint64_t)column->capacity * 2, COLUMN_ROWS_FIRST);
    capacity = wg_min_u64(wg_max_u64(capacity, need), UINT32_MAX);
    size_t bytes;
    if (!wg_mul_size((size_t)capacity, wg_physical_bytes(wg_type_physical(column->type)), &bytes)) return false;
    if (column->valid != NULL) {
        uint8_t *valid = wg_realloc(column->account, column->valid, wg_bit_bytes((size_t)capacity));
        if (valid == NULL) return false;
        column->valid = valid;
    }
    void *data = wg_realloc(column->account, column->data, bytes);
    if (data == NULL) return false;
    column->data = data;
    column->capacity = (uint32_t)capacity;
    return true;
}

/* Room for one row and its index. */
static bool column_next(wg_column *column, uint32_t *out_row) {
    if (column->row_count == column->capacity && !wg_column_reserve(column, 1)) return false;
    *out_row = column->row_count;
    return true;
}

static void column_accept(wg_column *column, uint32_t row) {
    if (column->valid != NULL) wg_bit_set(column->valid, row);
    column->row_count = row + 1;
}

bool wg_column_append_null(wg_column *column) {
    uint32_t row;
    if (!column_next(column, &row)) return false;
    if (column->valid == NULL) {
        const size_t bits = wg_bit_bytes(column->capacity);
        column->valid = column->is_lent ? wg_arena_alloc(column->strings, bits) : wg_alloc(column->account, bits);
        if (column->valid == NULL) return false;
        memset(column->valid, 0xff, wg_bit_bytes(column->capacity));
    }
    /* The cell under a null is zero, so that kernels which ignore validity read defined bytes. */
    const size_t bytes = wg_physical_bytes(wg_type_physical(column->type));
    memset((uint8_t *)column->data + (size_t)row * bytes, 0, bytes);
    wg_bit_clear(column->valid, row);
    column->null_count++;
    column->row_count = row + 1;
    return true;
}

static bool append_value_cell(wg_column *column, const wg_value *v) {
    uint32_t row;
    wg_value copy = *v;
    if (!column_next(column, &row)) return false;
    if (column->strings != NULL && !wg_value_copy(column->strings, v, &copy)) return false;
    ((wg_value *)column->data)[row] = copy;
    column_accept(column, row);
    return true;
}

bool wg_column_append_bool(wg_column *column, bool v) {
    const wg_physical physical = wg_type_physical(column->type);
    const wg_value value = wg_value_bool(v);
    if (physical == WG_PHYSICAL_VALUE) return append_value_cell(column, &value);
    WG_ASSERT(physical == WG_PHYSICAL_BOOL);
    uint32_t row;
    if (!column_next(column, &row)) return false;
    ((uint8_t *)column->data)[row] = v ? 1 : 0;
    column_accept(column, row);
    return true;
}

bool wg_column_append_i64(wg_column *column, int64_t v) {
    const wg_physical physical = wg_type_physical(column->type);
    if (physical == WG_PHYSICAL_F64) return wg_column_append_f64(column, (double)v);
    const wg_value value = wg_value_int(v);
    if (physical == WG_PHYSICAL_VALUE) return append_value_cell(column, &value);
    WG_ASSERT(physical == WG_PHYSICAL_I64);
    uint32_t row;
    if (!column_next(column, &row)) return false;
    ((int64_t *)column->data)[row] = v;
    column_accept(column, row);
    return true;
}

bool wg_column_append_f64(wg_column *column, double v) {
    const wg_physical physical = wg_type_physical(column->type);
    const wg_value value = wg_value_float(v);
    if (physical == WG_PHYSICAL_VALUE) return append_value_cell(column, &value);
    WG_ASSERT(physical == WG_PHYSICAL_F64);
    uint32_t row;
    if (!column_next(column, &row)) return false;
    ((double *)column->data)[row] = v;
    column_accept(column, row);
    return true;
}

bool wg_column_append_str(wg_column *column, wg_str v) {
    const wg_physical physical = wg_type_physical(column->type);
    const wg_value value = value_of_str(WG_TYPE_STRING, v);
    if (physical == WG_PHYSICAL_VALUE) return append_value_cell(column, &value);
    WG_ASSERT(physical == WG_PHYSICAL_STR);
    uint32_t row;
    if (!column_next(column, &row)) return false;
    if (column->strings != NULL && v.size != 0) {
        v.data = wg_arena_copy(column->strings, v.data, v.size);
        if (v.data == NULL) return false;
    }
    ((wg_str *)column->data)[row] = v;
    column_accept(column, row);
    return true;
}

bool wg_column_append_id(wg_column *column, uint64_t v) {
    WG_ASSERT(wg_type_physical(column->type) == WG_PHYSICAL_ID);
    uint32_t row;
    if (!column_next(column, &row)) return false;
    ((uint64_t *)column->data)[row] = v;
    column_accept(column, row);
    return true;
}

bool wg_column_append_value(wg_column *column, const wg_value *v) {
    if (v->type == WG_TYPE_NULL) return wg_column_append_null(column);
    const wg_physical physical = wg_type_physical(column->type);
    if (physical == WG_PHYSICAL_VALUE) {
        WG_ASSERT(column->type == WG_TYPE_ANY || column->type == (wg_type)v->type);
        return append_value_cell(column, v);
    }
    WG_ASSERT((wg_type)v->type == column->type || (column->type == WG_TYPE_FLOAT && v->type == WG_TYPE_INT));
    int64_t micros;
    switch (physical) {
        case WG_PHYSICAL_BOOL:
            return wg_column_append_bool(column, v->as.b);
        case WG_PHYSICAL_I64:
            if (column->type != WG_TYPE_LOCAL_DATETIME) return wg_column_append_i64(column, v->as.i);
            if (!wg_micros_of_datetime(v->as.i, v->size, &micros, NULL))
                WG_UNREACHABLE("a datetime outside the range of its column");
            return wg_column_append_i64(column, micros);
        case WG_PHYSICAL_F64:
            return wg_column_append_f64(column, v->type == WG_TYPE_INT ? (double)v->as.i : v->as.f);
        case WG_PHYSICAL_STR:
            return wg_column_append_str(column, (wg_str){v->as.s, v->size});
        case WG_PHYSICAL_ID:
            return wg_column_append_id(column, v->as.id);
        case WG_PHYSICAL_VALUE:
            break;
    }
    WG_UNREACHABLE("a wg_physical outside its enum");
}

bool wg_column_append_cell(wg_column *column, const wg_vector *v, uint32_t row) {
    if (v->type != column->type || wg_type_physical(v->type) == WG_PHYSICAL_VALUE) {
        const wg_value value = wg_vector_value(v, row);
        return wg_column_append_value(column, &value);
    }
    if (!wg_vector_is_valid(v, row)) return wg_column_append_null(column);
    const uint32_t cell = wg_vector_cell(v, row);
    switch (wg_type_physical(v->type)) {
        case WG_PHYSICAL_BOOL:
            return wg_column_append_bool(column, ((const uint8_t *)v->data)[cell] != 0);
        case WG_PHYSICAL_I64:
            return wg_column_append_i64(column, ((const int64_t *)v->data)[cell]);
        case WG_PHYSICAL_F64:
            return wg_column_append_f64(column, ((const double *)v->data)[cell]);
        case WG_PHYSICAL_STR:
            return wg_column_append_str(column, ((const wg_str *)v->data)[cell]);
        case WG_PHYSICAL_ID:
            return wg_column_append_id(column, ((const uint64_t *)v->data)[cell]);
        case WG_PHYSICAL_VALUE:
            break;
    }
    WG_UNREACHABLE("a wg_physical outside its enum");
}

wg_vector wg_column_view(const wg_column *column) {
    return (wg_vector){.type = column->type,
                       .kind = WG_VECTOR_FLAT,
                       .valid = column->null_count != 0 ? column->valid : NULL,
                       .data = column->data};
}
