/* Dealing: aggregation of more groups than the caches hold.
 *
 * One table of a million groups misses the caches for every row, and a table a worker holds nearly every group once a worker. So a worker
 * whose table has grown beyond WGI_AGG_DEAL_GROUPS keeps the rows that follow in a hand: for each partition of the hash up to HAND_ROWS
 * rows of keys, arguments and positions, column by column; more, as long as there is memory, up to HELD_ROWS. A full part of the hand is dealt to
 * the table of its partition, under that table's lock: the table is small, stays in the caches while the rows are added, and is the only one
 * that has those groups, so that nothing is left to be merged but what the workers had before. The more rows are dealt at a time the
 * better: a table comes into the caches once a part. What the hands hold at the end is dealt partition by partition on all workers.
 *
 * Rows reach a table in any order. States do not depend on it, and a group keeps the least of the positions of its rows. */
#include "exec/aggregate_internal.h"

enum { HAND_ROWS = 1024, HELD_ROWS = 1 << 17, HAND_COLUMNS_MAX = WGI_AGG_KEYS_MAX + WGI_AGG_ARGS_MAX };

typedef struct hand_part {
    wg_column columns[HAND_COLUMNS_MAX]; /* keys, then an argument an aggregate; some have none */
    wg_arena strings;
    uint64_t *positions;
    uint32_t count;
    uint32_t capacity;
} hand_part;

struct wgi_agg_hand {
    uint32_t column_count;
    bool used[HAND_COLUMNS_MAX];
    hand_part parts[WGI_AGG_PARTITIONS];
};

bool wgi_agg_can_deal(const wg_plan *plan) {
    if (wgi_agg_key_count(plan) == 0 || plan->aggregate_count > WGI_AGG_ARGS_MAX) return false;
    for (uint32_t i = 0; i < plan->aggregate_count; i++) {
        const wg_expr *arg = plan->aggregates[i].arg;
        if (arg != NULL && (arg->type == WG_TYPE_NULL || wg_type_physical(arg->type) == WG_PHYSICAL_VALUE))
            return false;
    }
    return true;
}

uint64_t wgi_agg_hand_bytes(const wg_plan *plan) {
    return (uint64_t)WGI_AGG_PARTITIONS * HAND_ROWS * (wgi_agg_key_count(plan) + plan->aggregate_count + 1) *
           sizeof(wg_str);
}

/* ---- the dealer */

void wgi_agg_dealer_deinit(wgi_agg_dealer *d) {
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS; p++) {
        wgi_agg_table_destroy(d->partitions[p].table);
        wg_mutex_deinit(&d->partitions[p].lock);
    }
}

wg_code wgi_agg_dealer_start(wgi_agg_dealer *d, const wg_plan *plan, const wg_exec_context *context,
                             wgi_agg_spill *spill, wg_error *err) {
    *d = (wgi_agg_dealer){.plan = plan, .context = context, .spill = spill};
    wg_code code = WG_OK;
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS; p++) wg_mutex_init(&d->partitions[p].lock, WG_RANK_POOL + 1);
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS && code == WG_OK; p++) {
        code = wgi_agg_table_create(plan, context->account, &d->partitions[p].table, err);
        if (code != WG_OK) break;
        d->partitions[p].table->partition = p;
        d->partitions[p].table->direct_off = true; /* its keys lie scattered: slots are closer together */
        wgi_agg_table_begin(d->partitions[p].table, WGI_AGG_TASKS_MAX - 1); /* above every position of a row */
    }
    if (code != WG_OK) wgi_agg_dealer_deinit(d);
    return code;
}

/* ---- hands */

void wgi_agg_hand_destroy(wgi_agg_hand *hand) {
    if (hand == NULL) return;
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS; p++) {
        hand_part *part = &hand->parts[p];
        for (uint32_t c = 0; c < hand->column_count; c++) wg_column_deinit(&part->columns[c]);
        wg_arena_deinit(&part->strings);
        wg_free(part->positions);
    }
    wg_free(hand);
}

static wg_code hand_create(const wgi_agg_dealer *d, const wgi_agg_table *own, wgi_agg_hand **out, wg_error *err) {
    wg_account *account = d->context->account;
    wgi_agg_hand *hand = wg_alloc_zero(account, sizeof *hand);
    if (hand == NULL) return wg_error_nomem(err, sizeof *hand);
    hand->column_count = own->key_count + d->plan->aggregate_count;
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS; p++) {
        hand_part *part = &hand->parts[p];
        wg_arena_init(&part->strings, account);
        for (uint32_t c = 0; c < hand->column_count; c++) {
            const wg_expr *arg = c < own->key_count ? NULL : d->plan->aggregates[c - own->key_count].arg;
            hand->used[c] = c < own->key_count || arg != NULL;
            const wg_type type = arg != NULL ? arg->type : c < own->key_count ? own->keys[c].type : WG_TYPE_INT;
            wg_column_init(&part->columns[c], type, &part->strings, account);
        }
    }
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS; p++) {
        hand_part *part = &hand->parts[p];
        part->positions = wg_alloc(account, HAND_ROWS * sizeof *part->positions);
        part->capacity = HAND_ROWS;
        bool ok = part->positions != NULL;
        for (uint32_t c = 0; c < hand->column_count && ok; c++)
            ok = !hand->used[c] || wg_column_reserve(&part->columns[c], HAND_ROWS);
        if (ok) continue;
        wgi_agg_hand_destroy(hand);
        return wg_error_nomem(err, HAND_ROWS * sizeof *part->positions);
    }
    *out = hand;
    return WG_OK;
}

static void part_clear(wgi_agg_hand *hand, hand_part *part) {
    for (uint32_t c = 0; c < hand->column_count; c++) wg_column_clear(&part->columns[c]);
    wg_arena_reset(&part->strings);
    part->count = 0;
}

/* ---- from a hand to a table */

/* Every table goes to the file: small ones too, since together they are what fills the memory. */
static wg_code spill_all(wgi_agg_dealer *d, wg_error *err) {
    wg_code code = WG_OK;
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS && code == WG_OK; p++) {
        wgi_agg_dealt *to = &d->partitions[p];
        wg_mutex_lock(&to->lock);
        code = wgi_agg_spill_table(d->spill, to->table, err);
        wg_mutex_unlock(&to->lock);
    }
    return code;
}

typedef struct finding {
    wg_vector views[HAND_COLUMNS_MAX];
    wg_batch batch;
    wg_arena *arena;
    uint32_t *index;
    uint32_t group;
} finding;

/* Locks the table and finds the groups of the rows in it; on failure it is not locked. */
static wg_code find_locked(wgi_agg_dealer *d, wgi_agg_dealt *to, finding *f, wg_error *err) {
    if (wgi_spill_wanted(d->context)) WG_TRY(spill_all(d, err));
    for (bool again = wgi_spill_is_possible(d->context);; again = false) {
        wg_mutex_lock(&to->lock);
        const wg_code code = wgi_agg_table_find(to->table, f->views, &f->batch, f->arena, &f->index, &f->group, err);
        if (code == WG_OK) return WG_OK;
        wg_mutex_unlock(&to->lock);
        if (code != WG_E_NOMEM || !again) return code;
        if (err != NULL) wg_error_clear(err); /* groups that were made have no rows yet, which changes nothing */
        WG_TRY(spill_all(d, err));
    }
}

static wg_code add_locked(wgi_agg_table *t, const wgi_agg_hand *hand, const uint64_t *positions, const finding *f,
                          wg_error *err) {
    for (uint32_t i = 0; i < f->batch.row_count; i++) {
        uint64_t *earliest = &t->positions[f->index != NULL ? f->index[i] : f->group];
        if (positions[i] < *earliest) *earliest = positions[i];
    }
    for (uint32_t i = 0; i < t->state_count; i++) {
        const uint32_t c = t->key_count + i;
        wgi_dense x = {.n = f->batch.row_count};
        if (hand->used[c] && !wgi_dense_of(f->arena, &f->views[c], &f->batch, &x))
            return wg_error_nomem(err, x.n * sizeof(uint64_t));
        if (!wgi_agg_states_add(&t->states[i], &x, f->index, f->group, &t->strings, t->account))
            return wg_error_nomem(err, 544);
    }
    return WG_OK;
}

/* Rows [first, first + n) of a part; first is a multiple of 8. */
static wg_code deal_rows(wgi_agg_dealer *d, const wgi_agg_hand *hand, uint32_t p, const uint32_t span[2],
                         wg_arena *arena, wg_error *err) {
    const hand_part *part = &hand->parts[p];
    const uint32_t first = span[0];
    finding f = {.arena = arena};
    f.batch = (wg_batch){.row_count = span[1], .column_count = hand->column_count, .columns = f.views};
    for (uint32_t c = 0; c < hand->column_count; c++) {
        f.views[c] = wg_column_view(&part->columns[c]);
        if (!hand->used[c] || f.views[c].data == NULL) continue;
        const size_t bytes = wg_physical_bytes(wg_type_physical(part->columns[c].type));
        f.views[c].data = (const uint8_t *)f.views[c].data + first * bytes;
        if (f.views[c].valid != NULL) f.views[c].valid += first / 8;
    }
    wgi_agg_dealt *to = &d->partitions[p];
    WG_TRY(find_locked(d, to, &f, err));
    const wg_code code = add_locked(to->table, hand, part->positions + first, &f, err);
    wg_mutex_unlock(&to->lock);
    return code;
}

static wg_code deal_part(wgi_agg_dealer *d, wgi_agg_hand *hand, uint32_t p, wg_error *err) {
    hand_part *part = &hand->parts[p];
    wg_arena arena;
    wg_code code = WG_OK;
    wg_arena_init(&arena, d->context->account);
    for (uint32_t first = 0; first < part->count && code == WG_OK; first += HAND_ROWS) {
        const uint32_t left = part->count - first;
        const uint32_t span[2] = {first, left < HAND_ROWS ? left : HAND_ROWS};
        wg_arena_reset(&arena);
        code = deal_rows(d, hand, p, span, &arena, err);
    }
    wg_arena_deinit(&arena);
    if (code == WG_OK) part_clear(hand, part);
    return code;
}

typedef struct rest {
    wgi_agg_dealer *dealer;
    wgi_agg_table *const *tables;
    uint32_t count;
} rest;

static wg_code deal_partitions(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    const rest *r = arg;
    for (uint64_t p = first; p < last; p++)
        for (uint32_t i = 0; i < r->count; i++) {
            wgi_agg_hand *hand = r->tables[i]->hand;
            if (hand == NULL) continue;
            WG_TRY(wgi_check(r->dealer->context, err));
            WG_TRY(deal_part(r->dealer, hand, (uint32_t)p, err));
        }
    return WG_OK;
}

wg_code wgi_agg_deal_rest(wgi_agg_dealer *d, wgi_agg_table *const *tables, uint32_t count, wg_error *err) {
    rest r = {.dealer = d, .tables = tables, .count = count};
    const uint32_t threads = d->context->threads < WG_POOL_WORKERS_MAX ? d->context->threads : WG_POOL_WORKERS_MAX;
    const wg_pool_range range = {
        .count = WGI_AGG_PARTITIONS, .grain = 1, .workers = threads, .fn = deal_partitions, .arg = &r};
    const wg_code code = wg_pool_for(d->context->pool, &range, err);
    for (uint32_t i = 0; i < count; i++) {
        wgi_agg_hand_destroy(tables[i]->hand);
        tables[i]->hand = NULL;
    }
    return code;
}

/* ---- from a batch to a hand */

/* Rows by partition: rows[first[p]..first[p + 1]) are the physical rows of partition p, in order, and at[] their place in the batch. */
typedef struct sorting {
    uint32_t first[WGI_AGG_PARTITIONS + 1];
    uint32_t *rows;
    uint32_t *at;
    uint64_t position;
    const wg_vector *vectors[HAND_COLUMNS_MAX]; /* keys, then arguments */
} sorting;

static wg_code sort_rows(const wg_batch *batch, const uint64_t *hashes, wg_arena *arena, sorting *out,
                         wg_error *err) {
    const uint32_t n = batch->row_count;
    uint32_t next[WGI_AGG_PARTITIONS];
    memset(out->first, 0, sizeof out->first);
    out->rows = wg_arena_alloc(arena, n * sizeof *out->rows);
    out->at = wg_arena_alloc(arena, n * sizeof *out->at);
    if (out->rows == NULL || out->at == NULL) return wg_error_nomem(err, n * sizeof *out->rows);
    for (uint32_t i = 0; i < n; i++) out->first[wgi_agg_partition(hashes[i]) + 1]++;
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS; p++) out->first[p + 1] += out->first[p];
    memcpy(next, out->first, sizeof next);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t to = next[wgi_agg_partition(hashes[i])]++;
        out->rows[to] = wg_batch_row(batch, i);
        out->at[to] = i;
    }
    return WG_OK;
}

/* Rows [from, from + n) of the sorting; s->position is that of the batch's first row. */
static wg_code put_rows(wgi_agg_hand *hand, hand_part *part, const sorting *s, uint32_t from, uint32_t n,
                        wg_error *err) {
    for (uint32_t c = 0; c < hand->column_count; c++)
        if (hand->used[c] && !wgi_column_append(&part->columns[c], s->vectors[c], NULL, s->rows + from, n))
            return wg_error_nomem(err, n * sizeof(uint64_t));
    for (uint32_t i = 0; i < n; i++) part->positions[part->count + i] = s->position + s->at[from + i];
    part->count += n;
    return WG_OK;
}

/* Room for four times as many rows, if it leaves the query three quarters of its memory. False: the part is to be dealt. */
static bool grow_part(const wgi_agg_dealer *d, const wgi_agg_hand *hand, hand_part *part) {
    const wg_account *account = d->context->account;
    if (part->capacity == HELD_ROWS) return false;
    const uint32_t capacity = part->capacity < HELD_ROWS / 4 ? part->capacity * 4 : HELD_ROWS;
    const uint64_t bytes = (uint64_t)capacity * (hand->column_count + 1) * sizeof(wg_str);
    if (!wgi_spill_stays_below(d->context, bytes + (account != NULL ? account->bytes_max / 4 : 0))) return false;
    uint64_t *positions = wg_realloc(part->strings.account, part->positions, capacity * sizeof *positions);
    if (positions == NULL) return false;
    part->positions = positions;
    for (uint32_t c = 0; c < hand->column_count; c++)
        if (hand->used[c] && !wg_column_reserve(&part->columns[c], capacity - part->count)) return false;
    part->capacity = capacity;
    return true;
}

wg_code wgi_agg_deal(wgi_agg_dealer *d, wgi_agg_table *own, const wg_vector *keys, const wg_vector *args,
                     const wg_batch *batch, wg_arena *arena, wg_error *err) {
    uint64_t *hashes;
    sorting s;
    if (own->hand == NULL) WG_TRY(hand_create(d, own, &own->hand, err));
    wgi_agg_hand *hand = own->hand;
    for (uint32_t c = 0; c < hand->column_count; c++)
        s.vectors[c] = c < own->key_count ? &keys[c] : &args[c - own->key_count];
    WG_TRY(wgi_agg_table_hashes(own, keys, batch, arena, &hashes, err));
    WG_TRY(sort_rows(batch, hashes, arena, &s, err));
    s.position = (uint64_t)own->task << WGI_AGG_SERIAL_BITS | own->serial;
    own->serial += batch->row_count;
    for (uint32_t p = 0; p < WGI_AGG_PARTITIONS; p++) {
        hand_part *part = &hand->parts[p];
        for (uint32_t from = s.first[p]; from < s.first[p + 1];) {
            const uint32_t left = s.first[p + 1] - from;
            const uint32_t n = left < part->capacity - part->count ? left : part->capacity - part->count;
            WG_TRY(put_rows(hand, part, &s, from, n, err));
            from += n;
            if (part->count == part->capacity && !grow_part(d, hand, part)) WG_TRY(deal_part(d, hand, p, err));
        }
    }
    return WG_OK;
}
