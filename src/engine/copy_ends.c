/* Which node an end of an edge means. For a load of some size all nodes of the label are read once: integers from a range that is not much
 * larger than their number go into an array by value, other values into a hash table. A few rows against very many nodes
 * are sought one by one in the index of the primary key, as are keys of several properties, and keys whose array or table would take more
 * than an eighth of the memory that rows may take.
 *
 * The map shows the nodes of the newest state and of the transaction itself, and is not changed while the load runs, for a load of
 * edges makes no nodes: threads ask it without a lock. Failure modes: WG_E_NOMEM, those of reading. */
#include "base/digest/digest.h"
#include "engine/copy.h"

enum {
    DENSE_FACTOR = 8,
    DENSE_EXTRA = 1 << 16,
    SEEK_FACTOR = 16, /* so many times the cost of reading a node is that of seeking one */
    AHEAD = 24,
    MAP_PART = 8,
    ITEM_BYTES = 64 /* of a node in the table, about */
};
#define ID_AMBIGUOUS (UINT64_MAX - 1)

typedef struct key_item {
    wg_value key;
    uint64_t id; /* ID_AMBIGUOUS: several nodes have the key */
} key_item;

/* What reading the nodes is for. */
typedef enum read_pass { PASS_MEASURE, PASS_PLACE, PASS_ITEMS } read_pass;

struct wgi_copy_map {
    wg_txn *txn;
    read_pass pass;
    wg_account *account;
    wg_arena arena; /* strings of keys */
    wgi_copy_target target;
    bool by_seek;
    /* integers */
    int64_t low;
    int64_t high;
    uint64_t range;  /* of the array; 0: there is none */
    uint32_t *dense; /* id + 2; 0: none, 1: ambiguous */
    /* all others */
    key_item *items;
    uint64_t count;
    uint64_t capacity;
    uint32_t *slots; /* item + 1 */
    uint64_t mask;
    uint64_t id_max;
};

void wgi_copy_map_destroy(wgi_copy_map *map) {
    if (map == NULL) return;
    wg_free(map->dense);
    wg_free(map->items);
    wg_free(map->slots);
    wg_arena_deinit(&map->arena);
    wg_free(map);
}

/* ---- reading the nodes: integers twice, first to see whether the array will do */

static void key_measure(wgi_copy_map *map, int64_t key, uint64_t id) {
    map->count++;
    map->id_max = wg_max_u64(map->id_max, id);
    map->low = key < map->low ? key : map->low;
    map->high = key > map->high ? key : map->high;
}

static void key_place(wgi_copy_map *map, int64_t key, uint64_t id) {
    uint32_t *cell = &map->dense[(uint64_t)key - (uint64_t)map->low];
    *cell = *cell == 0 ? (uint32_t)id + 2 : 1;
}

static bool item_push(wgi_copy_map *map, const wg_value *key, uint64_t id) {
    if (map->count == map->capacity) {
        const uint64_t capacity = map->capacity == 0 ? 1024 : map->capacity * 2;
        if (capacity > UINT32_MAX / 2) return false;
        key_item *items = wg_realloc(map->account, map->items, capacity * sizeof *items);
        if (items == NULL) return false;
        map->items = items;
        map->capacity = capacity;
    }
    key_item *item = &map->items[map->count];
    if (!wg_value_copy(&map->arena, key, &item->key)) return false;
    item->id = id;
    map->count++;
    return true;
}

static bool key_take(wgi_copy_map *map, const wg_value *key, uint64_t id) {
    switch (map->pass) {
        case PASS_MEASURE:
            key_measure(map, key->as.i, id);
            return true;
        case PASS_PLACE:
            key_place(map, key->as.i, id);
            return true;
        case PASS_ITEMS:
            break;
    }
    return item_push(map, key, id);
}

static wg_code read_task(wgi_copy_map *map, wg_scan_cursor *cursor, wg_cancel *cancel, wg_error *err) {
    for (;;) {
        wg_batch batch;
        uint32_t rows = 0;
        WG_TRY(wg_scan_cursor_next(cursor, WG_BATCH_ROWS_MAX, &batch, &rows, err));
        if (rows == 0) return WG_OK;
        WG_TRY(wg_cancel_check(cancel, err));
        for (uint32_t i = 0; i < batch.row_count; i++) {
            const uint32_t row = wg_batch_row(&batch, i);
            const wg_value key = wg_vector_value(&batch.columns[1], row);
            if (key.type == WG_TYPE_NULL) continue;
            const uint64_t id = ((const uint64_t *)batch.columns[0].data)[wg_vector_cell(&batch.columns[0], row)];
            if (!key_take(map, &key, id)) return wg_error_nomem(err, sizeof(key_item));
        }
    }
}

static wg_code read_tasks(wgi_copy_map *map, wg_scan *scan, wg_error *err) {
    wg_scan_cursor *cursor = NULL;
    WG_TRY(wg_scan_cursor_create(scan, NULL, map->account, &cursor, err));
    wg_code code = WG_OK;
    for (uint32_t t = 0; t < wg_scan_task_count(scan) && code == WG_OK; t++) {
        code = wg_scan_cursor_start(cursor, t, err);
        if (code == WG_OK) code = read_task(map, cursor, NULL, err);
    }
    wg_scan_cursor_destroy(cursor);
    return code;
}

static wg_code read_nodes(wgi_copy_map *map, wg_error *err) {
    wg_txn *txn = map->txn;
    const wg_view mine = txn->view;
    wg_scan *scan = NULL;
    const wg_scan_spec spec = {.labels = &map->target.label,
                               .label_count = 1,
                               .keys = map->target.keys,
                               .types = map->target.types,
                               .key_count = 1};
    txn->view = wgi_txn_newest(txn);
    wg_code code = wg_scan_open(txn, &spec, map->account, &scan, err);
    if (code == WG_OK) code = read_tasks(map, scan, err);
    wg_scan_close(scan);
    txn->view = mine;
    return code;
}

/* ---- finding */

static uint64_t dense_range(const wgi_copy_map *map) { return (uint64_t)map->high - (uint64_t)map->low + 1; }

static wg_code make_dense(wgi_copy_map *map, wg_error *err) {
    map->range = dense_range(map);
    map->dense = wg_alloc_zero(map->account, (size_t)map->range * sizeof *map->dense);
    if (map->dense == NULL) return wg_error_nomem(err, (size_t)map->range * sizeof *map->dense);
    map->pass = PASS_PLACE;
    return read_nodes(map, err);
}

/* The slot of a key, or the empty one where it would go. */
static uint64_t slot_of(const wgi_copy_map *map, const wg_value *key) {
    uint64_t at = wg_hash64_u64(wg_value_hash(key)) & map->mask;
    while (map->slots[at] != 0 && !wg_value_equivalent(&map->items[map->slots[at] - 1].key, key))
        at = (at + 1) & map->mask;
    return at;
}

static wg_code make_table(wgi_copy_map *map, wg_error *err) {
    uint64_t slots = 64;
    while (slots < map->count * 2) slots *= 2;
    map->slots = wg_alloc_zero(map->account, (size_t)slots * sizeof *map->slots);
    if (map->slots == NULL) return wg_error_nomem(err, (size_t)slots * sizeof *map->slots);
    map->mask = slots - 1;
    for (uint64_t i = 0; i < map->count; i++) {
        uint32_t *slot = &map->slots[slot_of(map, &map->items[i].key)];
        if (*slot == 0) *slot = (uint32_t)i + 1;
        else map->items[*slot - 1].id = ID_AMBIGUOUS;
    }
    return WG_OK;
}

static bool fits_dense(const wgi_copy_map *map) {
    if (map->count == 0 || map->id_max >= UINT32_MAX - 2) return false;
    const uint64_t span = (uint64_t)map->high - (uint64_t)map->low;
    return span < map->count * DENSE_FACTOR + DENSE_EXTRA;
}

/* Under a memory budget a map is a small part of what rows may take, or an index does its work. */
static bool is_too_large(const wgi_copy_map *map, uint64_t bytes) {
    const uint64_t cap = wgi_heap_cap(map->txn->engine);
    return cap != 0 && map->target.is_primary && bytes > cap / MAP_PART;
}

static wg_code map_fill(wgi_copy_map *map, uint64_t nodes, wg_error *err) {
    if (is_too_large(map, nodes * sizeof *map->dense)) {
        map->by_seek = true;
        return WG_OK;
    }
    if (map->target.types[0] == WG_TYPE_INT) {
        map->pass = PASS_MEASURE;
        WG_TRY(read_nodes(map, err));
        if (fits_dense(map) && !is_too_large(map, dense_range(map) * sizeof *map->dense)) return make_dense(map, err);
        map->count = 0;
    }
    map->by_seek = is_too_large(map, nodes * ITEM_BYTES);
    if (map->by_seek) return WG_OK;
    map->pass = PASS_ITEMS;
    WG_TRY(read_nodes(map, err));
    return make_table(map, err);
}

wg_code wgi_copy_map_create(wg_txn *txn, const wgi_copy_target *target, uint64_t rows_expected, wgi_copy_map **out,
                            wg_error *err) {
    const uint64_t nodes = wg_txn_label_row_estimate(txn, target->label);
    wgi_copy_map *map = wg_alloc_zero(&txn->engine->account, sizeof *map);
    if (map == NULL) return wg_error_nomem(err, sizeof *map);
    map->txn = txn;
    map->account = &txn->engine->account;
    map->target = *target;
    map->low = INT64_MAX;
    map->high = INT64_MIN;
    wg_arena_init(&map->arena, map->account);
    map->by_seek = target->part_count > 1 || (target->is_primary && rows_expected < nodes / SEEK_FACTOR);
    const wg_code code = map->by_seek ? WG_OK : map_fill(map, nodes, err);
    if (code != WG_OK) wgi_copy_map_destroy(map);
    else *out = map;
    return code;
}

static void find_dense(const wgi_copy_map *map, const wg_vector *v, uint32_t rows, uint64_t *ids, uint8_t *why) {
    const int64_t *cells = v->data;
    const bool flat = v->kind == WG_VECTOR_FLAT;
    for (uint32_t r = 0; r < rows; r++) {
        if (r + AHEAD < rows) {
            const uint64_t ahead =
                (uint64_t)cells[flat ? r + AHEAD : wg_vector_cell(v, r + AHEAD)] - (uint64_t)map->low;
            if (ahead < map->range) __builtin_prefetch(&map->dense[ahead]);
        }
        const uint64_t offset = (uint64_t)cells[flat ? r : wg_vector_cell(v, r)] - (uint64_t)map->low;
        const uint32_t there = offset < map->range ? map->dense[offset] : 0;
        ids[r] = there > 1 ? (uint64_t)there - 2 : UINT64_MAX;
        if (there > 1) continue;
        why[r] = there == 1 ? WGI_COPY_AMBIGUOUS : WGI_COPY_NO_NODE;
    }
    for (uint32_t r = 0; v->valid != NULL && r < rows; r++) {
        if (wg_vector_is_valid(v, r)) continue;
        ids[r] = UINT64_MAX;
        why[r] = WGI_COPY_NULL_KEY;
    }
}

static void find_hashed(const wgi_copy_map *map, const wg_vector *v, uint32_t rows, uint64_t *ids, uint8_t *why) {
    for (uint32_t r = 0; r < rows; r++) {
        const wg_value key = wg_vector_value(v, r);
        ids[r] = UINT64_MAX;
        why[r] = key.type == WG_TYPE_NULL ? WGI_COPY_NULL_KEY : WGI_COPY_NO_NODE;
        if (key.type == WG_TYPE_NULL) continue;
        const uint32_t slot = map->slots[slot_of(map, &key)];
        if (slot == 0) continue;
        ids[r] = map->items[slot - 1].id;
        if (ids[r] != ID_AMBIGUOUS) continue;
        ids[r] = UINT64_MAX;
        why[r] = WGI_COPY_AMBIGUOUS;
    }
}

static wg_code find_sought(const wgi_copy_map *map, const wg_vector *const *parts, uint32_t rows, uint64_t *ids,
                           uint8_t *why, wg_error *err) {
    const wg_view newest = wgi_txn_newest(map->txn);
    for (uint32_t r = 0; r < rows; r++) {
        wg_value key[WG_KEY_COLUMNS_MAX];
        bool found = false;
        bool null = false;
        for (uint32_t p = 0; p < map->target.part_count; p++) {
            key[p] = wg_vector_value(parts[p], r);
            null |= key[p].type == WG_TYPE_NULL;
        }
        if (!null)
            WG_TRY(wgi_seek(map->txn->engine, newest, map->target.label, key, map->target.part_count, &ids[r], &found,
                            err));
        if (found) continue;
        ids[r] = UINT64_MAX;
        why[r] = null ? WGI_COPY_NULL_KEY : WGI_COPY_NO_NODE;
    }
    return WG_OK;
}

wg_code wgi_copy_map_find(const wgi_copy_map *map, const wg_vector *const *parts, uint32_t rows, uint64_t *ids,
                          uint8_t *why, wg_error *err) {
    if (map->by_seek) return find_sought(map, parts, rows, ids, why, err);
    if (map->dense != NULL) find_dense(map, parts[0], rows, ids, why);
    else find_hashed(map, parts[0], rows, ids, why);
    return WG_OK;
}
