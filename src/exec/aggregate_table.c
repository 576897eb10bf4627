/* Tables of groups with typed keys: open addressing with linear probing at a load of at most one half, groups numbered in order of insertion,
 * keys and states in arrays by that number.
 *
 * Three ways to a group, from the fastest. All rows of a batch have the same key: one look-up. A key of one word (INT, DATE, NODE, ...) is
 * compared inside its slot; while the keys lie within DIRECT_SPAN_MAX of each other an array by key stands before the slots as a cache.
 * A dictionary string is looked up once a code and batch: the group that the code had in the batch before is tried first. Other keys
 * are compared by hash, then cell by cell. Slots of a batch are prefetched some rows ahead. Room for the rows of a batch is made before it
 * begins, so that no array moves while groups are found. */
#include "base/digest/digest.h"
#include "exec/aggregate_internal.h"

enum { SLOTS_FIRST = 64, DIRECT_SPAN_MAX = 1 << 16, MEMO_MAX = 1 << 20, AHEAD = 12 };

#define NULL_WORD_HASH UINT64_C(0x9d5cb3c4e1a06f27)

static bool is_word(wg_type type) {
    const wg_physical physical = wg_type_physical(type);
    return physical == WG_PHYSICAL_I64 || physical == WG_PHYSICAL_ID || physical == WG_PHYSICAL_BOOL;
}

/* ---- making and growing */

void wgi_agg_table_destroy(wgi_agg_table *t) {
    if (t == NULL) return;
    for (uint32_t i = 0; i < t->key_count && t->keys != NULL; i++) wg_column_deinit(&t->keys[i]);
    for (uint32_t i = 0; i < t->state_count && t->states != NULL; i++) wgi_agg_states_deinit(&t->states[i], t->count);
    wg_arena_deinit(&t->strings);
    wg_free(t->keys);
    wg_free(t->states);
    wg_free(t->hashes);
    wg_free(t->slots);
    wg_free(t->direct);
    wg_free(t->memo);
    wg_free(t->memo_stamp);
    wg_free(t->positions);
    wgi_agg_hand_destroy(t->hand);
    wgi_agg_rows_destroy(t->rows);
    wg_free(t);
}

wg_code wgi_agg_table_create(const wg_plan *plan, wg_account *account, wgi_agg_table **out, wg_error *err) {
    wgi_agg_table *t = wg_alloc_zero(account, sizeof *t);
    if (t == NULL) return wg_error_nomem(err, sizeof *t);
    t->account = account;
    t->plan = plan;
    wg_arena_init(&t->strings, account);
    t->key_count = wgi_agg_key_count(plan);
    t->keys = wg_alloc_zero(account, ((size_t)t->key_count + 1) * sizeof *t->keys);
    t->states = wg_alloc_zero(account, ((size_t)plan->aggregate_count + 1) * sizeof *t->states);
    t->slots = wg_alloc_zero(account, SLOTS_FIRST * sizeof *t->slots);
    if (t->keys == NULL || t->states == NULL || t->slots == NULL) {
        wgi_agg_table_destroy(t);
        return wg_error_nomem(err, SLOTS_FIRST * sizeof *t->slots);
    }
    t->slot_count = SLOTS_FIRST;
    for (uint32_t i = 0; i < t->key_count; i++)
        wg_column_init(&t->keys[i], plan->slot_types[i], &t->strings, account);
    for (uint32_t i = 0; i < plan->aggregate_count; i++) wgi_agg_states_init(&t->states[i], &plan->aggregates[i]);
    t->state_count = plan->aggregate_count;
    t->by_word = t->key_count == 1 && is_word(plan->slot_types[0]);
    *out = t;
    return WG_OK;
}

bool wgi_agg_table_clear(wgi_agg_table *t) {
    wgi_agg_slot *slots = wg_alloc_zero(t->account, SLOTS_FIRST * sizeof *slots);
    if (slots == NULL) return false;
    for (uint32_t i = 0; i < t->state_count; i++) {
        const wg_aggregate *a = t->states[i].aggregate;
        wgi_agg_states_deinit(&t->states[i], t->count);
        wgi_agg_states_init(&t->states[i], a);
    }
    for (uint32_t i = 0; i < t->key_count; i++) wg_column_deinit(&t->keys[i]);
    wg_arena_deinit(&t->strings);
    wg_arena_init(&t->strings, t->account);
    wg_free(t->slots);
    wg_free(t->hashes);
    wg_free(t->positions);
    wg_free(t->direct);
    wg_free(t->memo);
    wg_free(t->memo_stamp);
    t->slots = slots;
    t->slot_count = SLOTS_FIRST;
    t->hashes = t->positions = NULL;
    t->direct = t->memo = t->memo_stamp = NULL;
    t->memo_size = t->capacity = t->count = t->null_group = 0;
    t->direct_off = t->is_part; /* its keys lie scattered */
    t->disordered = false;
    t->rows_seen = 0;
    return true;
}

void wgi_agg_table_lend(wgi_agg_table *t, wgi_agg_room *room) {
    if (t->count > 0) return;
    t->groups_hint = room->groups;
    if (room->slot_count <= t->slot_count) return;
    memset(room->slots, 0, room->slot_count * sizeof *room->slots);
    wg_free(t->slots);
    t->slots = room->slots;
    t->slot_count = room->slot_count;
    room->slots = NULL;
    room->slot_count = 0;
}

void wgi_agg_table_end(wgi_agg_table *t, wgi_agg_room *room) {
    room->groups = t->count + t->count / 8;
    if (t->slot_count > room->slot_count) {
        wg_free(room->slots);
        room->slots = t->slots;
        room->slot_count = t->slot_count;
    } else {
        wg_free(t->slots);
    }
    t->slots = NULL;
    t->slot_count = 0;
}

/* Every array may be there twice while it grows, but one after the other. */
uint64_t wgi_agg_table_growth(const wgi_agg_table *t, uint32_t rows) {
    const uint64_t need = (uint64_t)t->count + rows;
    uint64_t bytes = 0;
    if (need > t->capacity) {
        uint64_t group = 2 * sizeof(uint64_t);
        for (uint32_t i = 0; i < t->state_count; i++) group += wgi_agg_states_bytes(&t->states[i]);
        for (uint32_t i = 0; i < t->key_count; i++) group += wg_physical_bytes(wg_type_physical(t->keys[i].type)) + 1;
        bytes += wg_max_u64(need, (uint64_t)t->capacity * 2) * group;
    }
    if (need * 2 > t->slot_count) bytes += t->slot_count * 2 * sizeof *t->slots;
    return bytes;
}

static uint64_t slot_word(const wgi_agg_table *t, uint32_t group) {
    if (!t->by_word) return t->hashes[group];
    const wg_column *key = &t->keys[0];
    if (key->type == WG_TYPE_BOOL) return ((const uint8_t *)key->data)[group];
    return ((const uint64_t *)key->data)[group];
}

static bool grow_slots(wgi_agg_table *t, uint64_t groups) {
    uint64_t n = t->slot_count;
    while (n < groups * 2) n *= 2;
    if (n == t->slot_count) return true;
    wgi_agg_slot *slots = wg_alloc_zero(t->account, n * sizeof *slots);
    if (slots == NULL) return false;
    for (uint32_t g = 0; g < t->count; g++) {
        if (g + 1 == t->null_group) continue;
        uint64_t at = t->hashes[g] & (n - 1);
        while (slots[at].group != 0) at = (at + 1) & (n - 1);
        slots[at] = (wgi_agg_slot){slot_word(t, g), g + 1};
    }
    wg_free(t->slots);
    t->slots = slots;
    t->slot_count = n;
    return true;
}

/* Room for `more` new groups in every array, apart from the slots. */
static wg_code reserve_groups(wgi_agg_table *t, uint32_t more, wg_error *err) {
    const uint64_t need = (uint64_t)t->count + more;
    if (need >= UINT32_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %u distinct rows or groups", UINT32_MAX - 1);
    if (need > t->capacity) {
        const uint64_t capacity = wg_max_u64(need, t->capacity == 0 ? t->groups_hint : (uint64_t)t->capacity * 2);
        const uint32_t to = (uint32_t)wg_min_u64(capacity, UINT32_MAX);
        uint64_t *hashes = wg_realloc(t->account, t->hashes, to * sizeof *hashes);
        if (hashes == NULL) return wg_error_nomem(err, to * sizeof *hashes);
        t->hashes = hashes;
        uint64_t *positions = wg_realloc(t->account, t->positions, to * sizeof *positions);
        if (positions == NULL) return wg_error_nomem(err, to * sizeof *positions);
        t->positions = positions;
        for (uint32_t i = 0; i < t->state_count; i++)
            if (!wgi_agg_states_grow(&t->states[i], t->account, t->capacity, to))
                return wg_error_nomem(err, to * sizeof *hashes);
        t->capacity = to;
    }
    const uint32_t room = t->count == 0 && t->groups_hint > more ? t->groups_hint : more;
    for (uint32_t i = 0; i < t->key_count; i++)
        if (!wg_column_reserve(&t->keys[i], room)) return wg_error_nomem(err, more * sizeof(uint64_t));
    return WG_OK;
}

static wg_code reserve(wgi_agg_table *t, uint32_t more, wg_error *err) {
    WG_TRY(reserve_groups(t, more, err));
    const bool ok = grow_slots(t, (uint64_t)t->count + more);
    return ok ? WG_OK : wg_error_nomem(err, t->slot_count * 2 * sizeof *t->slots);
}

/* ---- order */

void wgi_agg_table_begin(wgi_agg_table *t, uint32_t task) {
    t->task = task;
    if (task > t->task_last) t->task_last = task;
    else if (task < t->task_last) t->disordered = true;
}

static void note_new(wgi_agg_table *t, uint64_t hash) {
    t->hashes[t->count] = hash;
    t->positions[t->count] = (uint64_t)t->task << WGI_AGG_SERIAL_BITS | t->serial++;
    if (t->task < t->task_last) t->disordered = true; /* groups of later tasks stand before this one */
    t->count++;
}

/* A worker may run an earlier task after a later one: groups that it finds there were first seen here. Called in the order of rows. */
static void move_group(wgi_agg_table *t, uint32_t group) {
    if (t->positions[group] >> WGI_AGG_SERIAL_BITS <= t->task) return;
    t->positions[group] = (uint64_t)t->task << WGI_AGG_SERIAL_BITS | t->serial++;
}

/* ---- one key in one word */

/* The array before the slots covers [low, high] afterwards, or is given up. */
static void aim_direct(wgi_agg_table *t, int64_t low, int64_t high) {
    if (t->direct != NULL) {
        if (low < t->direct_low || high > t->direct_high) {
            low = low < t->direct_low ? low : t->direct_low;
            high = high > t->direct_high ? high : t->direct_high;
        } else {
            return;
        }
    }
    const uint64_t span = (uint64_t)high - (uint64_t)low;
    t->direct_low = low;
    t->direct_high = high;
    wg_free(t->direct);
    t->direct = NULL;
    t->direct_off = span >= DIRECT_SPAN_MAX;
    if (t->direct_off) return;
    t->direct = wg_alloc_zero(t->account, (span + 1) * sizeof *t->direct);
    if (t->direct == NULL) t->direct_off = true; /* only a cache */
}

static bool append_word(wgi_agg_table *t, uint64_t word) {
    wg_column *key = &t->keys[0];
    if (key->type == WG_TYPE_BOOL) return wg_column_append_bool(key, word != 0);
    return wg_type_physical(key->type) == WG_PHYSICAL_ID ? wg_column_append_id(key, word)
                                                         : wg_column_append_i64(key, (int64_t)word);
}

/* There is room; an append into it cannot fail. */
static uint32_t find_word(wgi_agg_table *t, uint64_t word, uint64_t hash) {
    const uint64_t mask = t->slot_count - 1;
    uint64_t at = hash & mask;
    for (; t->slots[at].group != 0; at = (at + 1) & mask)
        if (t->slots[at].word == word) return t->slots[at].group - 1;
    const bool there = append_word(t, word);
    WG_ASSERT(there);
    note_new(t, hash);
    t->slots[at] = (wgi_agg_slot){word, t->count};
    return t->count - 1;
}

static bool find_null(wgi_agg_table *t, uint32_t *out) {
    if (t->null_group == 0) {
        if (!wg_column_append_null(&t->keys[0])) return false;
        note_new(t, NULL_WORD_HASH);
        t->null_group = t->count;
    }
    *out = t->null_group - 1;
    return true;
}

static void word_range(const int64_t *words, uint32_t n, int64_t *low, int64_t *high) {
    int64_t min = words[0];
    int64_t max = words[0];
    for (uint32_t i = 1; i < n; i++) min = words[i] < min ? words[i] : min;
    for (uint32_t i = 1; i < n; i++) max = words[i] > max ? words[i] : max;
    *low = min;
    *high = max;
}

static void find_direct(wgi_agg_table *t, const wgi_dense *x, uint32_t *index) {
    const uint64_t *words = x->cells;
    const uint64_t low = (uint64_t)t->direct_low;
    for (uint32_t i = 0; i < x->n; i++) {
        if (x->valid != NULL && x->valid[i] == 0) continue;
        const uint32_t at = (uint32_t)(words[i] - low);
        if (t->direct[at] == 0) t->direct[at] = find_word(t, words[i], wg_hash64_u64(words[i])) + 1;
        index[i] = t->direct[at] - 1;
    }
}

static void find_hashed(wgi_agg_table *t, const wgi_dense *x, uint64_t *hashes, uint32_t *index) {
    const uint64_t *words = x->cells;
    const uint64_t mask = t->slot_count - 1;
    for (uint32_t i = 0; i < x->n; i++) hashes[i] = wg_hash64_u64(words[i]);
    for (uint32_t i = 0; i < x->n; i++) {
        if (i + AHEAD < x->n) __builtin_prefetch(&t->slots[hashes[i + AHEAD] & mask], 1);
        if (x->valid != NULL && x->valid[i] == 0) continue;
        if (i > 0 && words[i] == words[i - 1] && (x->valid == NULL || x->valid[i - 1] != 0)) index[i] = index[i - 1];
        else index[i] = find_word(t, words[i], hashes[i]);
    }
}

static wg_code find_words(wgi_agg_table *t, const wg_vector *key, const wg_batch *batch, wg_arena *arena,
                          uint32_t **out, uint32_t *group, wg_error *err) {
    const uint32_t n = batch->row_count;
    wgi_dense x;
    int64_t low;
    int64_t high;
    if (!wgi_dense_of(arena, key, batch, &x)) return wg_error_nomem(err, n * sizeof(uint64_t));
    *out = NULL;
    low = ((const int64_t *)x.cells)[0];
    high = ((const int64_t *)x.cells)[n - 1];
    if (!t->direct_off || low == high) word_range(x.cells, n, &low, &high); /* nobody asks for more of it */
    if (low == high && x.valid == NULL) {
        *group = find_word(t, (uint64_t)low, wg_hash64_u64((uint64_t)low));
        return WG_OK;
    }
    uint32_t *index = wg_arena_alloc(arena, n * sizeof *index);
    uint64_t *hashes = wg_arena_alloc(arena, n * sizeof *hashes);
    if (index == NULL || hashes == NULL) return wg_error_nomem(err, n * sizeof *hashes);
    /* In the order of rows: a null that comes first is the first group. */
    uint32_t null_group = 0;
    uint32_t first_null = 0;
    while (x.valid != NULL && first_null < n && x.valid[first_null] != 0) first_null++;
    wgi_dense head = x;
    if (x.valid != NULL) head.n = first_null;
    if (!t->direct_off) aim_direct(t, low, high);
    for (int part = 0; part < 2; part++) {
        if (!t->direct_off) find_direct(t, &head, index);
        else find_hashed(t, &head, hashes, index);
        if (x.valid == NULL) break;
        if (part == 0 && !find_null(t, &null_group)) return wg_error_nomem(err, 64);
        head = x;
    }
    for (uint32_t i = 0; i < n && x.valid != NULL; i++)
        if (x.valid[i] == 0) index[i] = null_group;
    *out = index;
    return WG_OK;
}

/* ---- other keys */

typedef struct key_views {
    wg_vector columns[WGI_AGG_KEYS_MAX]; /* of the table */
    const wg_vector *keys;
} key_views;

static void view_keys(const wgi_agg_table *t, key_views *views) {
    for (uint32_t k = 0; k < t->key_count; k++) views->columns[k] = wg_column_view(&t->keys[k]);
}

static bool row_is(const wgi_agg_table *t, const key_views *views, uint32_t group, uint32_t row) {
    for (uint32_t k = 0; k < t->key_count; k++)
        if (!wgi_cells_equivalent(&views->columns[k], group, &views->keys[k], row)) return false;
    return true;
}

static wg_code find_row(wgi_agg_table *t, key_views *views, uint32_t row, uint64_t hash, uint32_t *out,
                        wg_error *err) {
    const uint64_t mask = t->slot_count - 1;
    uint64_t at = hash & mask;
    for (; t->slots[at].group != 0; at = (at + 1) & mask) {
        if (t->slots[at].word != hash || !row_is(t, views, t->slots[at].group - 1, row)) continue;
        *out = t->slots[at].group - 1;
        return WG_OK;
    }
    for (uint32_t k = 0; k < t->key_count; k++)
        if (!wg_column_append_cell(&t->keys[k], &views->keys[k], row)) return wg_error_nomem(err, 64);
    note_new(t, hash);
    t->slots[at] = (wgi_agg_slot){hash, t->count};
    view_keys(t, views);
    *out = t->count - 1;
    return WG_OK;
}

/* Makes the memo cover `size` codes. False: the dictionary is too large for it. */
static bool memo_fits(wgi_agg_table *t, uint32_t size) {
    if (size > MEMO_MAX) return false;
    if (size > t->memo_size) {
        uint32_t room = 64;
        while (room < size) room *= 2;
        uint32_t *memo = wg_alloc_zero(t->account, room * sizeof *memo);
        uint32_t *stamps = wg_alloc_zero(t->account, room * sizeof *stamps);
        if (memo == NULL || stamps == NULL) {
            wg_free(memo);
            wg_free(stamps);
            return false; /* only a cache */
        }
        wg_free(t->memo);
        wg_free(t->memo_stamp);
        t->memo = memo;
        t->memo_stamp = stamps;
        t->memo_size = room;
        t->stamp = 0;
    }
    if (++t->stamp == 0) {
        memset(t->memo_stamp, 0, t->memo_size * sizeof *t->memo_stamp);
        t->stamp = 1;
    }
    return true;
}

/* The group that the code had in an earlier batch, if the cell is still that group's key. */
static bool memo_holds(const wgi_agg_table *t, const wg_vector *key, uint32_t code) {
    const uint32_t group = t->memo[code];
    if (group >= t->count || (t->keys[0].valid != NULL && !wg_bit_get(t->keys[0].valid, group))) return false;
    const wg_str a = ((const wg_str *)t->keys[0].data)[group];
    const wg_str b = ((const wg_str *)key->data)[code];
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static uint64_t row_hash(const wgi_agg_table *t, const wg_vector *keys, uint32_t row) {
    uint16_t sel = (uint16_t)row;
    uint64_t hash;
    const wg_batch one = {.row_count = 1, .sel = &sel};
    wgi_hash_rows(t->plan->slot_types, keys, t->key_count, &one, &hash);
    return hash;
}

static wg_code find_codes(wgi_agg_table *t, key_views *views, const wg_batch *batch, uint32_t *index, wg_error *err) {
    const wg_vector *key = views->keys;
    uint32_t null_group = UINT32_MAX;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        if (key->valid != NULL && !wg_bit_get(key->valid, row)) {
            if (null_group == UINT32_MAX) WG_TRY(find_row(t, views, row, row_hash(t, key, row), &null_group, err));
            index[i] = null_group;
            continue;
        }
        const uint32_t code = key->codes[row];
        if (t->memo_stamp[code] != t->stamp) {
            if (!memo_holds(t, key, code))
                WG_TRY(find_row(t, views, row, row_hash(t, key, row), &t->memo[code], err));
            t->memo_stamp[code] = t->stamp;
        }
        index[i] = t->memo[code];
    }
    return WG_OK;
}

static bool all_constant(const wg_vector *keys, uint32_t count) {
    for (uint32_t k = 0; k < count; k++)
        if (keys[k].kind != WG_VECTOR_CONST) return false;
    return true;
}

static wg_code find_rows(wgi_agg_table *t, const wg_vector *keys, const wg_batch *batch, wg_arena *arena,
                         uint32_t **out, wg_error *err) {
    const uint32_t n = batch->row_count;
    key_views views = {.keys = keys};
    view_keys(t, &views);
    uint32_t *index = wg_arena_alloc(arena, n * sizeof *index);
    uint64_t *hashes = wg_arena_alloc(arena, n * sizeof *hashes);
    if (index == NULL || hashes == NULL) return wg_error_nomem(err, n * sizeof *hashes);
    *out = index;
    const bool by_code = t->key_count == 1 && keys->kind == WG_VECTOR_DICT && keys->type == WG_TYPE_STRING;
    if (by_code && memo_fits(t, keys->dict_size)) return find_codes(t, &views, batch, index, err);
    wgi_hash_rows(t->plan->slot_types, keys, t->key_count, batch, hashes);
    const uint64_t mask = t->slot_count - 1;
    for (uint32_t i = 0; i < n; i++) {
        if (i + AHEAD < n) __builtin_prefetch(&t->slots[hashes[i + AHEAD] & mask], 1);
        WG_TRY(find_row(t, &views, wg_batch_row(batch, i), hashes[i], &index[i], err));
    }
    return WG_OK;
}

/* Constant keys may stand for more rows than a batch has elsewhere: nothing here is done once a row. */
static wg_code find_constant(wgi_agg_table *t, const wg_vector *keys, uint32_t row, uint32_t *group, wg_error *err) {
    if (!t->by_word) {
        key_views views = {.keys = keys};
        view_keys(t, &views);
        return find_row(t, &views, row, row_hash(t, keys, row), group, err);
    }
    if (!wg_vector_is_valid(keys, row)) return find_null(t, group) ? WG_OK : wg_error_nomem(err, 64);
    const uint64_t word =
        keys->type == WG_TYPE_BOOL ? ((const uint8_t *)keys->data)[0] : ((const uint64_t *)keys->data)[0];
    *group = find_word(t, word, wg_hash64_u64(word));
    return WG_OK;
}

static wg_code find_any(wgi_agg_table *t, const wg_vector *keys, const wg_batch *batch, wg_arena *arena,
                        uint32_t **index, uint32_t *group, wg_error *err) {
    if (all_constant(keys, t->key_count)) {
        WG_TRY(reserve(t, 1, err));
        return find_constant(t, keys, wg_batch_row(batch, 0), group, err);
    }
    WG_TRY(reserve(t, batch->row_count, err));
    return t->by_word ? find_words(t, keys, batch, arena, index, group, err)
                      : find_rows(t, keys, batch, arena, index, err);
}

wg_code wgi_agg_table_find(wgi_agg_table *t, const wg_vector *keys, const wg_batch *batch, wg_arena *arena,
                           uint32_t **index, uint32_t *group, wg_error *err) {
    *index = NULL;
    *group = 0;
    if (t->key_count == 0) {
        if (t->count > 0) return WG_OK;
        WG_TRY(reserve(t, 1, err));
        note_new(t, 0);
        return WG_OK;
    }
    const uint32_t before = t->count;
    const wg_code code = find_any(t, keys, batch, arena, index, group, err);
    if (code == WG_OK && t->task >= t->task_last) return WG_OK;
    /* New groups are numbered among those that move; after a failure, when the same rows come again. */
    for (uint32_t g = before; g < t->count; g++) t->positions[g] = UINT64_MAX;
    WG_TRY(code);
    if (*index == NULL) move_group(t, *group);
    for (uint32_t i = 0; *index != NULL && i < batch->row_count; i++) move_group(t, (*index)[i]);
    return WG_OK;
}

wg_code wgi_agg_table_append(wgi_agg_table *t, const wg_vector *keys, uint32_t row, wg_error *err) {
    WG_TRY(reserve_groups(t, 1, err));
    for (uint32_t k = 0; k < t->key_count; k++)
        if (!wg_column_append_cell(&t->keys[k], &keys[k], row)) return wg_error_nomem(err, 64);
    note_new(t, 0);
    return WG_OK;
}

wg_code wgi_agg_table_hashes(const wgi_agg_table *t, const wg_vector *keys, const wg_batch *batch, wg_arena *arena,
                             uint64_t **out, wg_error *err) {
    const uint32_t n = batch->row_count;
    uint64_t *hashes = wg_arena_alloc(arena, n * sizeof *hashes);
    if (hashes == NULL) return wg_error_nomem(err, n * sizeof *hashes);
    *out = hashes;
    if (!t->by_word) {
        wgi_hash_rows(t->plan->slot_types, keys, t->key_count, batch, hashes);
        return WG_OK;
    }
    wgi_dense x;
    if (!wgi_dense_of(arena, keys, batch, &x)) return wg_error_nomem(err, n * sizeof *hashes);
    const uint64_t *words = x.cells;
    for (uint32_t i = 0; i < n; i++) hashes[i] = wg_hash64_u64(words[i]);
    for (uint32_t i = 0; i < n && x.valid != NULL; i++)
        if (x.valid[i] == 0) hashes[i] = NULL_WORD_HASH;
    return WG_OK;
}

bool wgi_agg_keys_equal(const wgi_agg_table *a, uint32_t i, const wgi_agg_table *b, uint32_t k) {
    for (uint32_t c = 0; c < a->key_count; c++) {
        const wg_vector x = wg_column_view(&a->keys[c]);
        const wg_vector y = wg_column_view(&b->keys[c]);
        if (!wgi_cells_equivalent(&x, i, &y, k)) return false;
    }
    return true;
}
