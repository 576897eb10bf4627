/* Puts the tables of the workers of a typed aggregation together, on all workers, to rows in the order in which groups were first seen.
 *
 * Groups are dealt into a fixed number of partitions by the top bits of their hash; a partition holds every group of a key, so partitions are
 * merged independently: a small table finds the groups of one key, whose states go into the first of them at hand (states do not
 * depend on the order), and the least position is that of the key. The keys are then dealt by the tasks that saw them first, and sorted
 * inside of each: that is the order of the rows. Columns of the answer are filled in ranges of rows. Each of these steps runs on all workers.
 * One table alone is its own answer. Where rows were dealt (aggregate_deal.c) every key is in one table already: those are only sorted. */
#include "exec/aggregate_internal.h"

enum { FILL_ROWS = 16384, PARALLEL_GROUPS_MIN = 8192, BUCKETS_MAX = 1024 };

typedef struct source {
    wgi_agg_table *table;
    uint32_t *sorted; /* groups by partition, ascending in each */
    uint32_t first[WGI_AGG_PARTITIONS + 1];
} source;

/* A key of a partition. */
typedef struct entry {
    uint64_t hash;
    uint64_t states;   /* place of the states */
    uint64_t position; /* where the key was seen first */
} entry;

typedef struct partition {
    entry *entries;
    uint32_t count;
} partition;

typedef struct merger {
    const wg_plan *plan;
    const wg_exec_context *context;
    wg_account *account;
    source *sources;
    uint32_t source_count;
    bool is_dealt; /* no key is in two tables: parts are the tables, else the partitions */
    uint32_t part_count;
    partition partitions[WGI_AGG_PARTITIONS];
    uint64_t task_count;
    uint32_t bucket_count;
    uint32_t *starts; /* of each part and bucket: where its keys go */
    struct row_place *places;
    uint64_t *order; /* the rows of the answer: places of states */
    uint64_t row_count;
    wg_rows *rows;
    struct scratch {
        uint64_t *words;
        uint64_t count;
    } scratch[WG_POOL_WORKERS_MAX]; /* of a worker */
    uint32_t column;                /* that is being filled */
    const void **cells;             /* of that column, of each source, where they are the result's as they stand */
} merger;

static inline uint64_t place(uint32_t source_number, uint32_t group) { return (uint64_t)source_number << 32 | group; }

static uint32_t group_count(const wgi_agg_table *t) { return t->is_joined ? 0 : t->count; }

static wg_code run_pieces(const merger *m, uint64_t count, uint64_t grain,
                          wg_code (*fn)(void *, uint32_t, uint64_t, uint64_t, wg_error *), wg_error *err) {
    uint64_t groups = 0;
    for (uint32_t i = 0; i < m->source_count; i++) groups += group_count(m->sources[i].table);
    union {
        const merger *in;
        void *out;
    } arg = {.in = m};
    const uint32_t workers = groups < PARALLEL_GROUPS_MIN ? 1 : m->context->threads;
    const wg_pool_range range = {.count = count,
                                 .grain = grain,
                                 .workers = workers < WG_POOL_WORKERS_MAX ? workers : WG_POOL_WORKERS_MAX,
                                 .fn = fn,
                                 .arg = arg.out};
    return wg_pool_for(m->context->pool, &range, err);
}

/* ---- dealing groups into partitions */

static wg_code deal(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    const merger *m = arg;
    for (uint64_t i = first; i < last; i++) {
        source *s = &m->sources[i];
        const wgi_agg_table *t = s->table;
        WG_TRY(wgi_check(m->context, err));
        s->sorted = wg_alloc(m->account, ((size_t)t->count + 1) * sizeof *s->sorted);
        if (s->sorted == NULL) return wg_error_nomem(err, t->count * sizeof *s->sorted);
        for (uint32_t g = 0; g < t->count; g++) s->first[wgi_agg_partition(t->hashes[g]) + 1]++;
        for (uint32_t p = 0; p < WGI_AGG_PARTITIONS; p++) s->first[p + 1] += s->first[p];
        uint32_t next[WGI_AGG_PARTITIONS];
        memcpy(next, s->first, sizeof next);
        for (uint32_t g = 0; g < t->count; g++) s->sorted[next[wgi_agg_partition(t->hashes[g])]++] = g;
    }
    return WG_OK;
}

/* ---- merging one partition */

/* While it is being merged. */
typedef struct merging {
    partition *p;
    uint32_t *slots; /* entry + 1 */
    uint64_t mask;
} merging;

static bool same_key(const merger *m, const entry *e, const wgi_agg_table *t, uint32_t group) {
    const wgi_agg_table *other = m->sources[e->states >> 32].table;
    const uint32_t k = (uint32_t)e->states;
    if (!t->by_word) return wgi_agg_keys_equal(other, k, t, group);
    if ((k + 1 == other->null_group) != (group + 1 == t->null_group)) return false;
    if (t->keys[0].type == WG_TYPE_BOOL)
        return ((const uint8_t *)other->keys[0].data)[k] == ((const uint8_t *)t->keys[0].data)[group];
    return ((const uint64_t *)other->keys[0].data)[k] == ((const uint64_t *)t->keys[0].data)[group];
}

static wg_code merge_group(const merger *m, merging *in, uint32_t number, uint32_t group, wg_error *err) {
    wgi_agg_table *t = m->sources[number].table;
    partition *p = in->p;
    const uint64_t position = t->positions[group];
    const uint64_t hash = t->hashes[group];
    uint64_t at = hash & in->mask;
    for (; in->slots[at] != 0; at = (at + 1) & in->mask) {
        entry *e = &p->entries[in->slots[at] - 1];
        if (e->hash != hash || !same_key(m, e, t, group)) continue;
        wgi_agg_table *to = m->sources[e->states >> 32].table;
        for (uint32_t i = 0; i < t->state_count; i++)
            if (!wgi_agg_states_merge(&to->states[i], (uint32_t)e->states, &t->states[i], group, m->account))
                return wg_error_nomem(err, 544);
        e->position = wg_min_u64(e->position, position);
        return WG_OK;
    }
    p->entries[p->count] = (entry){hash, place(number, group), position};
    in->slots[at] = ++p->count;
    return WG_OK;
}

static wg_code merge_source(const merger *m, merging *in, uint32_t number, uint32_t which, wg_error *err) {
    const source *s = &m->sources[number];
    const wgi_agg_table *t = s->table;
    for (uint32_t i = s->first[which]; i < s->first[which + 1]; i++) {
        if (i + 8 < s->first[which + 1]) __builtin_prefetch(&in->slots[t->hashes[s->sorted[i + 8]] & in->mask], 1);
        WG_TRY(merge_group(m, in, number, s->sorted[i], err));
    }
    return WG_OK;
}

static wg_code merge_partition(merger *m, uint32_t which, wg_error *err) {
    merging in = {.p = &m->partitions[which]};
    uint64_t groups = 0;
    for (uint32_t i = 0; i < m->source_count; i++)
        groups += m->sources[i].first[which + 1] - m->sources[i].first[which];
    if (groups == 0) return WG_OK;
    uint64_t slots = 16;
    while (slots < groups * 2) slots *= 2;
    in.mask = slots - 1;
    wg_code code = WG_OK;
    in.p->entries = wg_alloc(m->account, groups * sizeof *in.p->entries);
    in.slots = wg_alloc_zero(m->account, slots * sizeof *in.slots);
    if (in.p->entries == NULL || in.slots == NULL) WG_TRY_GOTO(wg_error_nomem(err, groups * sizeof *in.p->entries));
    for (uint32_t i = 0; i < m->source_count; i++) WG_TRY_GOTO(merge_source(m, &in, i, which, err));
fail:
    wg_free(in.slots);
    return code;
}

static wg_code merge_partitions(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    merger *m = arg;
    for (uint64_t p = first; p < last; p++) {
        WG_TRY(wgi_check(m->context, err));
        WG_TRY(merge_partition(m, (uint32_t)p, err));
    }
    return WG_OK;
}

/* ---- the order of the answer */

typedef struct row_place {
    uint64_t position;
    uint64_t states;
} row_place;

/* Rows of some tasks, mostly in order already. */
static void sort_places(row_place *from, row_place *scratch, uint64_t n) {
    row_place *to = scratch;
    row_place *a = from;
    for (uint64_t width = 1; width < n; width *= 2) {
        for (uint64_t i = 0; i < n; i += 2 * width) {
            const uint64_t middle = wg_min_u64(i + width, n);
            const uint64_t last = wg_min_u64(i + 2 * width, n);
            uint64_t x = i;
            uint64_t y = middle;
            for (uint64_t k = i; k < last; k++)
                to[k] = y < last && (x >= middle || a[y].position < a[x].position) ? a[y++] : a[x++];
        }
        row_place *t = a;
        a = to;
        to = t;
    }
    if (a != from) memcpy(from, a, n * sizeof *from);
}

static bool in_order(const row_place *p, uint64_t n) {
    for (uint64_t i = 1; i < n; i++)
        if (p[i].position < p[i - 1].position) return false;
    return true;
}

static uint32_t part_size(const merger *m, uint64_t part) {
    return m->is_dealt ? group_count(m->sources[part].table) : m->partitions[part].count;
}

static row_place part_place(const merger *m, uint64_t part, uint32_t i) {
    if (m->is_dealt) return (row_place){m->sources[part].table->positions[i], place((uint32_t)part, i)};
    const entry *e = &m->partitions[part].entries[i];
    return (row_place){e->position, e->states};
}

static uint32_t bucket_of(const merger *m, uint64_t position) {
    return (uint32_t)((position >> WGI_AGG_SERIAL_BITS) * m->bucket_count / m->task_count);
}

static wg_code count_buckets(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    (void)err;
    const merger *m = arg;
    for (uint64_t p = first; p < last; p++) {
        uint32_t *starts = m->starts + p * m->bucket_count;
        const uint32_t n = part_size(m, p);
        for (uint32_t i = 0; i < n; i++) starts[bucket_of(m, part_place(m, p, i).position)]++;
    }
    return WG_OK;
}

/* starts[part][bucket] is left at the end of what the part has in the bucket. */
static wg_code fill_buckets(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    const merger *m = arg;
    for (uint64_t p = first; p < last; p++) {
        WG_TRY(wgi_check(m->context, err));
        uint32_t *starts = m->starts + p * m->bucket_count;
        const uint32_t n = part_size(m, p);
        for (uint32_t i = 0; i < n; i++) {
            const row_place at = part_place(m, p, i);
            m->places[starts[bucket_of(m, at.position)]++] = at;
        }
    }
    return WG_OK;
}

/* Room of the worker's own for so many words. */
static uint64_t *take_scratch(merger *m, uint32_t worker, uint64_t count) {
    struct scratch *s = &m->scratch[worker];
    if (count > s->count) {
        wg_free(s->words);
        s->words = wg_alloc(m->account, count * sizeof *s->words);
        s->count = s->words == NULL ? 0 : count;
    }
    return s->words;
}

/* Positions of one task that lie close together are put in their places at once. */
static wg_code sort_bucket(merger *m, uint32_t worker, uint64_t from, uint64_t n, wg_error *err) {
    row_place *places = m->places + from;
    uint64_t *order = m->order + from;
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (uint64_t i = 0; i < n; i++) {
        least = wg_min_u64(least, places[i].position);
        most = wg_max_u64(most, places[i].position);
    }
    const bool close = most - least < 8 * n + 1024;
    const uint64_t words = close ? most - least + 1 : 2 * n;
    uint64_t *scratch = take_scratch(m, worker, words);
    if (scratch == NULL) return wg_error_nomem(err, words * sizeof *scratch);
    if (!close) {
        sort_places(places, (row_place *)(void *)scratch, n);
        for (uint64_t i = 0; i < n; i++) order[i] = places[i].states;
        return WG_OK;
    }
    memset(scratch, 0xff, words * sizeof *scratch); /* no place */
    for (uint64_t i = 0; i < n; i++) scratch[places[i].position - least] = places[i].states;
    for (uint64_t i = 0; i < words; i++)
        if (scratch[i] != UINT64_MAX) *order++ = scratch[i];
    return WG_OK;
}

static wg_code sort_buckets(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    merger *m = arg;
    const uint32_t *ends = m->starts + (uint64_t)(m->part_count - 1) * m->bucket_count;
    for (uint64_t b = first; b < last; b++) {
        const uint64_t from = b == 0 ? 0 : ends[b - 1];
        const uint64_t n = ends[b] - from;
        WG_TRY(wgi_check(m->context, err));
        if (!in_order(m->places + from, n)) {
            WG_TRY(sort_bucket(m, worker, from, n, err));
            continue;
        }
        for (uint64_t i = from; i < from + n; i++) m->order[i] = m->places[i].states;
    }
    return WG_OK;
}

static wg_code order_rows(merger *m, wg_error *err) {
    uint64_t total = 0;
    for (uint32_t p = 0; p < m->part_count; p++) total += part_size(m, p);
    if (total >= UINT32_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %u distinct rows or groups", UINT32_MAX - 1);
    m->task_count = 1;
    for (uint32_t i = 0; i < m->source_count; i++) {
        const wgi_agg_table *t = m->sources[i].table;
        if (!t->is_part) m->task_count = wg_max_u64(m->task_count, (uint64_t)t->task_last + 1);
    }
    m->bucket_count = total < PARALLEL_GROUPS_MIN ? 1 : (uint32_t)wg_min_u64(m->task_count, BUCKETS_MAX);
    const uint64_t starts = (uint64_t)m->part_count * m->bucket_count;
    m->starts = wg_alloc_zero(m->account, starts * sizeof *m->starts);
    m->places = wg_alloc(m->account, (total + 1) * sizeof *m->places);
    m->order = wg_alloc(m->account, (total + 1) * sizeof *m->order);
    if (m->starts == NULL || m->places == NULL || m->order == NULL)
        return wg_error_nomem(err, total * sizeof *m->places);
    WG_TRY(run_pieces(m, m->part_count, 1, count_buckets, err));
    uint32_t at = 0;
    for (uint32_t b = 0; b < m->bucket_count; b++)
        for (uint32_t p = 0; p < m->part_count; p++) {
            uint32_t *start = &m->starts[(uint64_t)p * m->bucket_count + b];
            const uint32_t n = *start;
            *start = at;
            at += n;
        }
    WG_TRY(run_pieces(m, m->part_count, 1, fill_buckets, err));
    WG_TRY(run_pieces(m, m->bucket_count, 1, sort_buckets, err));
    m->row_count = total;
    return WG_OK;
}

/* ---- columns of the answer */

bool wgi_agg_size_column(wg_column *column, uint32_t n, bool nullable) {
    if (!wg_column_reserve(column, n)) return false;
    if (nullable) {
        const size_t bytes = wg_bit_bytes(column->capacity) + 8;
        column->valid = wg_alloc(column->account, bytes);
        if (column->valid == NULL) return false;
        memset(column->valid, 0xff, bytes);
    }
    column->row_count = n;
    return true;
}

static void count_nulls(wg_column *column) {
    if (column->valid != NULL)
        column->null_count = column->row_count - (uint32_t)wg_bit_count(column->valid, column->row_count);
}

/* Cells of one word, without nulls. */
static wg_code fill_words(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    (void)err;
    const merger *m = arg;
    uint64_t *to = m->rows->columns[m->column].data;
    for (uint64_t row = first; row < last; row++)
        to[row] = ((const uint64_t *)m->cells[m->order[row] >> 32])[(uint32_t)m->order[row]];
    return WG_OK;
}

/* Sums of integers; what does not fit is for the function that knows the error. */
static wg_code fill_sums(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    const merger *m = arg;
    wg_column *to = &m->rows->columns[m->column];
    const uint32_t i = m->column - wgi_agg_key_count(m->plan);
    for (uint64_t row = first; row < last; row++) {
        const uint64_t number = m->order[row] >> 32;
        const wg_i128 sum = ((const wg_i128 *)m->cells[number])[(uint32_t)m->order[row]];
        if (sum >= INT64_MIN && sum <= INT64_MAX) {
            ((int64_t *)to->data)[row] = (int64_t)sum;
            continue;
        }
        const wgi_agg_table *t = m->sources[number].table;
        WG_TRY(wgi_agg_states_result(&t->states[i], (uint32_t)m->order[row], to, (uint32_t)row, err));
    }
    return WG_OK;
}

/* Rows [first, last) of a key column. Ranges begin at multiples of 64 rows: no two write one byte of the bitmap. */
static wg_code fill_key(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    (void)err;
    const merger *m = arg;
    wg_column *to = &m->rows->columns[m->column];
    const size_t bytes = wg_physical_bytes(wg_type_physical(to->type));
    for (uint64_t row = first; row < last; row++) {
        const wg_column *from = &m->sources[m->order[row] >> 32].table->keys[m->column];
        const uint32_t group = (uint32_t)m->order[row];
        memcpy((uint8_t *)to->data + row * bytes, (const uint8_t *)from->data + group * bytes, bytes);
        if (from->null_count != 0 && !wg_bit_get(from->valid, group)) wg_bit_clear(to->valid, row);
    }
    return WG_OK;
}

static wg_code fill_aggregate(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    const merger *m = arg;
    wg_column *to = &m->rows->columns[m->column];
    const uint32_t i = m->column - wgi_agg_key_count(m->plan);
    for (uint64_t row = first; row < last; row++) {
        const wgi_agg_table *t = m->sources[m->order[row] >> 32].table;
        WG_TRY(wgi_agg_states_result(&t->states[i], (uint32_t)m->order[row], to, (uint32_t)row, err));
    }
    return WG_OK;
}

/* How the column in hand is filled. */
static wg_code (*filler_of(merger *m, bool nullable))(void *, uint32_t, uint64_t, uint64_t, wg_error *) {
    const uint32_t key_count = wgi_agg_key_count(m->plan);
    const bool is_key = m->column < key_count;
    const wg_type type = m->rows->columns[m->column].type;
    const bool is_word = wg_type_physical(type) == WG_PHYSICAL_I64 || wg_type_physical(type) == WG_PHYSICAL_ID;
    if (is_key && (nullable || !is_word)) return fill_key;
    wgi_agg_op op = WGI_AGG_COUNT;
    for (uint32_t i = 0; i < m->source_count; i++) {
        const wgi_agg_table *t = m->sources[i].table;
        const wgi_agg_states *s = is_key ? NULL : &t->states[m->column - key_count];
        if (s != NULL) op = s->op;
        if (s != NULL && op == WGI_AGG_SUM_INT && s->aggregate->kind != WG_AGG_SUM) return fill_aggregate;
        m->cells[i] = s == NULL ? t->keys[m->column].data : op == WGI_AGG_COUNT ? (const void *)s->counts : s->cells;
    }
    if (op == WGI_AGG_COUNT) return fill_words;
    return op == WGI_AGG_SUM_INT ? fill_sums : fill_aggregate;
}

/* The rows take the arenas over: strings are not copied. */
static wg_code take_strings(const merger *m, wg_error *err) {
    wg_rows *rows = m->rows;
    rows->adopted = wg_alloc(m->account, ((size_t)m->source_count + 1) * sizeof *rows->adopted);
    if (rows->adopted == NULL) return wg_error_nomem(err, m->source_count * sizeof *rows->adopted);
    rows->adopted_capacity = m->source_count + 1;
    for (uint32_t i = 0; i < m->source_count; i++) {
        wg_arena *strings = &m->sources[i].table->strings;
        if (strings->blocks == NULL) continue;
        rows->adopted[rows->adopted_count++] = *strings;
        wg_arena_init(strings, m->account);
    }
    return WG_OK;
}

static wg_code fill_rows(merger *m, wg_error *err) {
    const uint32_t key_count = wgi_agg_key_count(m->plan);
    const uint32_t columns = key_count + m->plan->aggregate_count;
    const uint32_t n = (uint32_t)m->row_count;
    WG_TRY(wgi_rows_create(m->plan->slot_types, columns, m->account, &m->rows, err));
    WG_TRY(take_strings(m, err));
    m->rows->row_count = n;
    for (m->column = 0; m->column < columns; m->column++) {
        wg_column *column = &m->rows->columns[m->column];
        bool nullable = m->column >= key_count;
        for (uint32_t i = 0; i < m->source_count && !nullable; i++)
            nullable = m->sources[i].table->keys[m->column].null_count != 0;
        if (!wgi_agg_size_column(column, n, nullable)) return wg_error_nomem(err, n * sizeof(uint64_t));
        if (n > 0) WG_TRY(run_pieces(m, n, FILL_ROWS, filler_of(m, nullable), err));
        count_nulls(column);
    }
    return WG_OK;
}

/* ---- one table whose groups are the rows as they stand */

static wg_code order_one(merger *m, wg_error *err) {
    const uint32_t count = m->source_count == 0 ? 0 : m->sources[0].table->count;
    m->order = wg_alloc(m->account, ((uint64_t)count + 1) * sizeof *m->order);
    if (m->order == NULL) return wg_error_nomem(err, count * sizeof *m->order);
    for (uint32_t g = 0; g < count; g++) m->order[g] = g;
    m->row_count = count;
    return WG_OK;
}

static wg_code merge_tables(merger *m, wg_error *err) {
    if (m->source_count == 0 || (m->source_count == 1 && !m->sources[0].table->disordered)) {
        WG_TRY(order_one(m, err));
    } else if (m->is_dealt) {
        m->part_count = m->source_count;
        WG_TRY(order_rows(m, err));
    } else {
        m->part_count = WGI_AGG_PARTITIONS;
        WG_TRY(run_pieces(m, m->source_count, 1, deal, err));
        WG_TRY(run_pieces(m, WGI_AGG_PARTITIONS, 1, merge_partitions, err));
        WG_TRY(order_rows(m, err));
    }
    return fill_rows(m, err);
}

bool wgi_agg_tables_fit(const wg_plan *plan, const wg_exec_context *context, wgi_agg_table *const *tables,
                        uint32_t count) {
    uint64_t groups = 0;
    uint64_t row_bytes = 0;
    for (uint32_t i = 0; i < count; i++) groups += group_count(tables[i]);
    for (uint32_t c = 0; c < plan->slot_count; c++)
        row_bytes += wg_physical_bytes(wg_type_physical(plan->slot_types[c])) + 1;
    const uint64_t dealt = sizeof(uint32_t) + sizeof(entry) + 2 * sizeof(row_place);
    return wgi_spill_has_room(context, groups * (row_bytes + sizeof(uint64_t) + (count > 1 ? dealt : 0)));
}

wg_code wgi_agg_tables_merge(const wg_plan *plan, const wg_exec_context *context, wgi_agg_table **tables,
                             uint32_t table_count, wg_rows **out, wg_error *err) {
    merger m = {.plan = plan, .context = context, .account = context->account, .source_count = table_count};
    wg_code code = WG_OK;
    m.sources = wg_alloc_zero(m.account, ((size_t)table_count + 1) * sizeof *m.sources);
    m.cells = wg_alloc(m.account, ((size_t)table_count + 1) * sizeof *m.cells);
    if (m.sources == NULL || m.cells == NULL) {
        wg_free(m.sources);
        wg_free(m.cells);
        return wg_error_nomem(err, table_count * sizeof *m.sources);
    }
    for (uint32_t i = 0; i < table_count; i++) {
        m.sources[i].table = tables[i];
        m.is_dealt |= tables[i]->is_part;
    }
    WG_TRY_GOTO(merge_tables(&m, err));
    *out = m.rows;
    m.rows = NULL;
fail:
    for (uint32_t i = 0; i < table_count; i++) wg_free(m.sources[i].sorted);
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS; p++) wg_free(m.partitions[p].entries);
    wg_rows_destroy(m.rows);
    wg_free(m.sources);
    wg_free(m.cells);
    wg_free(m.starts);
    for (uint32_t i = 0; i < WG_POOL_WORKERS_MAX; i++) wg_free(m.scratch[i].words);
    wg_free(m.places);
    wg_free(m.order);
    return code;
}
