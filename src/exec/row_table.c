/* Hash table over rows of typed cells: the groups of an aggregation, the rows of DISTINCT, the values of a DISTINCT aggregate.
 *
 * Rows are appended to columns in the order in which they were first seen, which is the order of the output. Slots hold row + 1 and are
 * probed linearly at a load of at most one half; the full hash of every row is kept, so growing never looks at cells. Hash and equality
 * are those of equivalence (null equals null, NaN equals NaN, 1 equals 1.0). */
#include "base/digest/digest.h"
#include "exec/exec_internal.h"

enum { SLOTS_FIRST = 64 };

static inline uint64_t mix(uint64_t hash, uint64_t cell) {
    return wg_hash64_u64(hash * UINT64_C(0x9e3779b97f4a7c15) ^ cell);
}

#define NULL_HASH UINT64_C(0x6e756c6c)

static uint64_t cell_hash(wg_type type, const wg_vector *v, uint32_t row) {
    const wg_physical physical = wg_type_physical(type);
    if (physical == WG_PHYSICAL_VALUE || physical == WG_PHYSICAL_F64 || v->type != type) {
        const wg_value value = wg_vector_value(v, row);
        return value.type == WG_TYPE_NULL ? NULL_HASH : wg_value_hash(&value);
    }
    if (!wg_vector_is_valid(v, row)) return NULL_HASH;
    const uint32_t cell = wg_vector_cell(v, row);
    if (physical == WG_PHYSICAL_BOOL) return ((const uint8_t *)v->data)[cell];
    if (physical != WG_PHYSICAL_STR) return ((const uint64_t *)v->data)[cell];
    const wg_str s = ((const wg_str *)v->data)[cell];
    return wg_hash64(0, s.size != 0 ? s.data : "", s.size);
}

/* A dictionary smaller than the batch is hashed once a cell. */
static bool hash_dictionary(const wg_vector *v, const wg_batch *batch, uint64_t *hashes) {
    enum { MEMO_MAX = 256 };
    uint64_t memo[MEMO_MAX];
    uint8_t known[MEMO_MAX] = {0};
    if (v->kind != WG_VECTOR_DICT || v->type != WG_TYPE_STRING || v->dict_size > MEMO_MAX ||
        v->dict_size > batch->row_count)
        return false;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        uint64_t h = NULL_HASH;
        if (wg_vector_is_valid(v, row)) {
            const uint32_t cell = v->codes[row];
            if (known[cell] == 0) {
                memo[cell] = cell_hash(WG_TYPE_STRING, v, row);
                known[cell] = 1;
            }
            h = memo[cell];
        }
        hashes[i] = mix(hashes[i], h);
    }
    return true;
}

void wgi_hash_rows(const wg_type *types, const wg_vector *vectors, uint32_t count, const wg_batch *batch,
                   uint64_t *hashes) {
    for (uint32_t i = 0; i < batch->row_count; i++) hashes[i] = 0;
    for (uint32_t c = 0; c < count; c++) {
        const wg_vector *v = &vectors[c];
        if (types[c] == WG_TYPE_STRING && hash_dictionary(v, batch, hashes)) continue;
        const wg_physical physical = wg_type_physical(types[c]);
        const bool words = v->type == types[c] && (physical == WG_PHYSICAL_I64 || physical == WG_PHYSICAL_ID) &&
                           v->kind == WG_VECTOR_FLAT && v->valid == NULL;
        if (words) {
            const uint64_t *data = v->data;
            for (uint32_t i = 0; i < batch->row_count; i++) hashes[i] = mix(hashes[i], data[wg_batch_row(batch, i)]);
            continue;
        }
        for (uint32_t i = 0; i < batch->row_count; i++)
            hashes[i] = mix(hashes[i], cell_hash(types[c], v, wg_batch_row(batch, i)));
    }
}

bool wgi_cells_equivalent(const wg_vector *a, uint32_t a_row, const wg_vector *b, uint32_t b_row) {
    const wg_physical physical = wg_type_physical(a->type);
    if (a->type != b->type || physical == WG_PHYSICAL_VALUE || physical == WG_PHYSICAL_F64) {
        const wg_value x = wg_vector_value(a, a_row);
        const wg_value y = wg_vector_value(b, b_row);
        return wg_value_equivalent(&x, &y);
    }
    const bool a_valid = wg_vector_is_valid(a, a_row);
    const bool b_valid = wg_vector_is_valid(b, b_row);
    if (!a_valid || !b_valid) return a_valid == b_valid;
    const uint32_t i = wg_vector_cell(a, a_row);
    const uint32_t k = wg_vector_cell(b, b_row);
    if (physical == WG_PHYSICAL_BOOL) return ((const uint8_t *)a->data)[i] == ((const uint8_t *)b->data)[k];
    if (physical != WG_PHYSICAL_STR) return ((const uint64_t *)a->data)[i] == ((const uint64_t *)b->data)[k];
    const wg_str s = ((const wg_str *)a->data)[i];
    const wg_str t = ((const wg_str *)b->data)[k];
    return s.size == t.size && (s.size == 0 || memcmp(s.data, t.data, s.size) == 0);
}

wg_code wgi_row_table_init(wgi_row_table *table, const wg_type *types, uint32_t column_count, wg_arena *strings,
                           wg_account *account, wg_error *err) {
    *table = (wgi_row_table){.account = account, .column_count = column_count, .strings = strings};
    table->columns = wg_alloc_zero(account, (column_count + 1) * sizeof *table->columns);
    table->slots = wg_alloc_zero(account, SLOTS_FIRST * sizeof *table->slots);
    if (table->columns == NULL || table->slots == NULL) {
        wg_free(table->columns);
        wg_free(table->slots);
        *table = (wgi_row_table){0};
        return wg_error_nomem(err, column_count * sizeof(wg_column));
    }
    table->slot_count = SLOTS_FIRST;
    for (uint32_t i = 0; i < column_count; i++) wg_column_init(&table->columns[i], types[i], strings, account);
    return WG_OK;
}

void wgi_row_table_deinit(wgi_row_table *table) {
    for (uint32_t i = 0; i < table->column_count; i++) wg_column_deinit(&table->columns[i]);
    wg_free(table->columns);
    wg_free(table->hashes);
    wg_free(table->slots);
    *table = (wgi_row_table){0};
}

static wg_code grow_slots(wgi_row_table *table, wg_error *err) {
    const uint64_t count = table->slot_count * 2;
    uint32_t *slots = wg_alloc_zero(table->account, count * sizeof *slots);
    if (slots == NULL) return wg_error_nomem(err, count * sizeof *slots);
    for (uint32_t row = 0; row < table->row_count; row++) {
        uint64_t at = table->hashes[row] & (count - 1);
        while (slots[at] != 0) at = (at + 1) & (count - 1);
        slots[at] = row + 1;
    }
    wg_free(table->slots);
    table->slots = slots;
    table->slot_count = count;
    return WG_OK;
}

static bool row_equivalent(const wgi_row_table *table, uint32_t index, const wg_vector *vectors, uint32_t row) {
    for (uint32_t c = 0; c < table->column_count; c++) {
        const wg_vector v = wg_column_view(&table->columns[c]);
        if (!wgi_cells_equivalent(&v, index, &vectors[c], row)) return false;
    }
    return true;
}

static wg_code append_row(wgi_row_table *table, const wg_vector *vectors, uint32_t row, uint64_t hash,
                          wg_error *err) {
    if (table->row_count == UINT32_MAX - 1)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %u distinct rows or groups", table->row_count);
    if (table->row_count == table->hash_capacity) {
        const uint64_t capacity = wg_max_u64(64, (uint64_t)table->hash_capacity * 2);
        uint64_t *hashes = wg_realloc(table->account, table->hashes, capacity * sizeof *hashes);
        if (hashes == NULL) return wg_error_nomem(err, capacity * sizeof *hashes);
        table->hashes = hashes;
        table->hash_capacity = (uint32_t)wg_min_u64(capacity, UINT32_MAX);
    }
    for (uint32_t c = 0; c < table->column_count; c++)
        if (!wg_column_append_cell(&table->columns[c], &vectors[c], row)) return wg_error_nomem(err, 64);
    table->hashes[table->row_count++] = hash;
    return WG_OK;
}

wg_code wgi_row_table_put(wgi_row_table *table, const wg_vector *vectors, uint32_t row, uint64_t hash,
                          uint32_t *out_index, bool *out_new, wg_error *err) {
    const uint64_t mask = table->slot_count - 1;
    uint64_t at = hash & mask;
    while (table->slots[at] != 0) {
        const uint32_t index = table->slots[at] - 1;
        if (table->hashes[index] == hash && row_equivalent(table, index, vectors, row)) {
            *out_index = index;
            *out_new = false;
            return WG_OK;
        }
        at = (at + 1) & mask;
    }
    WG_TRY(append_row(table, vectors, row, hash, err));
    table->slots[at] = table->row_count;
    *out_index = table->row_count - 1;
    *out_new = true;
    return (uint64_t)table->row_count * 2 > table->slot_count ? grow_slots(table, err) : WG_OK;
}

wg_code wgi_rows_of_table(wgi_row_table *table, wg_arena *strings, wg_rows **out, wg_error *err) {
    wg_rows *rows;
    WG_TRY(wgi_rows_create(NULL, 0, table->account, &rows, err));
    rows->columns = table->columns;
    rows->column_count = table->column_count;
    rows->row_count = table->row_count;
    rows->strings = *strings;
    wg_arena_init(strings, table->account);
    for (uint32_t i = 0; i < rows->column_count; i++) rows->columns[i].strings = &rows->strings;
    table->columns = NULL;
    table->column_count = 0;
    wgi_row_table_deinit(table);
    *out = rows;
    return WG_OK;
}
