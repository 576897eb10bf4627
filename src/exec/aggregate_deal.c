/* Dealing: aggregation of more groups than the caches hold.
 *
 * One table of a million groups misses the caches for every row, and a table a worker holds nearly every group once a worker. So a worker
 * whose table has grown beyond WGI_AGG_DEAL_GROUPS keeps the rows that follow in a hand: by WGI_AGG_DEAL_PARTS parts of the hash, each a list
 * of chunks of records, which lie in huge pages (a page fault a record otherwise costs more than all the rest). When the source has
 * ended, and before that where memory gets short or one part has HELD_ROWS rows, parts are dealt to the table of their part, under that
 * table's lock: the table is so small that it stays in the cache of the core meanwhile. The groups that the workers had before they dealt join the
 * tables first, so that every key is in one table in the end and nothing is left to be merged.
 *
 * A record is made of words of 4 bytes: the number of the batch and of the row in it, a bit a column for nulls once there was one, then the cells of keys
 * and arguments: one word for a column whose cells all fitted into a signed one so far, else two, for texts four (their bytes are in an arena of the
 * part). What a row costs is above all its bytes, which go through memory twice. A batch that does not fit the shape of the
 * records has all that is held dealt, and the shape is widened for good.
 *
 * Rows reach a table in any order. States do not depend on it, and a group keeps the least of the positions of its rows. */
#include "exec/aggregate_internal.h"

enum {
    HELD_ROWS = 1 << 16,
    HAND_COLUMNS_MAX = WGI_AGG_KEYS_MAX + WGI_AGG_ARGS_MAX,
    ROW_BITS = 11, /* of the first word; the others: which batch */
    BATCHES_MAX = 1 << (32 - ROW_BITS),
    CHUNK_BYTES = 8192,
    BLOCK_CHUNKS = WG_HUGE_PAGE_BYTES / CHUNK_BYTES - 1, /* the first place is the block's own */
    SPARE_CHUNKS =
        360 /* a batch can begin one in each part, and fill WG_BATCH_ROWS_MAX / 20 with the widest records */
};
_Static_assert(SPARE_CHUNKS >=
                       WGI_AGG_DEAL_PARTS + WG_BATCH_ROWS_MAX * (4 * HAND_COLUMNS_MAX + 2) * 4 / (CHUNK_BYTES - 16) &&
                   SPARE_CHUNKS <= 2 * BLOCK_CHUNKS,
               "room for a batch");
_Static_assert(HAND_COLUMNS_MAX <= 32, "a bit a column");
_Static_assert(WG_BATCH_ROWS_MAX <= 1 << ROW_BITS, "rows of a batch have numbers");

typedef struct hand_chunk {
    struct hand_chunk *next;
    uint64_t count; /* of records, once the chunk is full */
} hand_chunk;

typedef struct hand_part {
    uint32_t *next; /* where the next record goes */
    uint32_t left;  /* records for which the last chunk has room */
    uint32_t count;
    hand_chunk *first;
    hand_chunk *last;
    wg_arena strings;
} hand_part;

typedef struct hand_block {
    struct hand_block *next;
} hand_block;

struct wgi_agg_hand {
    wg_platform *platform;
    wg_account *account;
    uint32_t column_count;
    uint32_t words; /* of a record */
    uint32_t chunk_records;
    uint32_t heavy; /* a part with HELD_ROWS rows, or WGI_AGG_DEAL_PARTS */
    wg_type types[HAND_COLUMNS_MAX];
    uint32_t widths[HAND_COLUMNS_MAX]; /* words of a cell; 0: the column has no cells */
    uint32_t offset[HAND_COLUMNS_MAX];
    bool has_nulls;   /* the second word has bits */
    uint64_t *starts; /* positions of the first rows of batches */
    uint32_t batch_count;
    uint32_t batch_capacity;
    hand_block *blocks;
    hand_chunk *spare;
    uint32_t spare_count;
    hand_part parts[WGI_AGG_DEAL_PARTS];
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

uint64_t wgi_agg_hand_bytes(void) { return 2 * WG_HUGE_PAGE_BYTES; }

static uint32_t part_of(uint64_t hash) { return (uint32_t)(hash >> (64 - WGI_AGG_DEAL_BITS)); }

/* ---- the dealer */

void wgi_agg_dealer_deinit(wgi_agg_dealer *d) {
    for (uint32_t p = 0; p < WGI_AGG_DEAL_PARTS; p++) {
        wgi_agg_table_destroy(d->parts[p].table);
        wg_mutex_deinit(&d->parts[p].lock);
    }
}

wg_code wgi_agg_dealer_start(wgi_agg_dealer *d, const wg_plan *plan, const wg_exec_context *context,
                             wgi_agg_spill *spill, wg_error *err) {
    *d = (wgi_agg_dealer){.plan = plan, .context = context, .spill = spill};
    wg_code code = WG_OK;
    for (uint32_t p = 0; p < WGI_AGG_DEAL_PARTS; p++) wg_mutex_init(&d->parts[p].lock, WG_RANK_POOL + 1);
    for (uint32_t p = 0; p < WGI_AGG_DEAL_PARTS && code == WG_OK; p++) {
        code = wgi_agg_table_create(plan, context->account, &d->parts[p].table, err);
        if (code != WG_OK) break;
        d->parts[p].table->is_part = true;
        d->parts[p].table->direct_off = true; /* its keys lie scattered: slots are closer together */
        wgi_agg_table_begin(d->parts[p].table, WGI_AGG_TASKS_MAX - 1); /* above every position of a row */
    }
    if (code != WG_OK) wgi_agg_dealer_deinit(d);
    return code;
}

/* ---- hands */

void wgi_agg_hand_destroy(wgi_agg_hand *hand) {
    if (hand == NULL) return;
    for (hand_block *next, *block = hand->blocks; block != NULL; block = next) {
        next = block->next;
        hand->platform->ops->give_memory(hand->platform, block, WG_HUGE_PAGE_BYTES);
        wg_account_release(hand->account, WG_HUGE_PAGE_BYTES);
    }
    for (uint32_t p = 0; p < WGI_AGG_DEAL_PARTS; p++) wg_arena_deinit(&hand->parts[p].strings);
    wg_free(hand->starts);
    wg_free(hand);
}

static void set_shape(wgi_agg_hand *hand) {
    hand->words = hand->has_nulls ? 2 : 1;
    for (uint32_t c = 0; c < hand->column_count; c++) {
        hand->offset[c] = hand->words;
        hand->words += hand->widths[c];
    }
    hand->chunk_records = (uint32_t)((CHUNK_BYTES - sizeof(hand_chunk)) / (hand->words * sizeof(uint32_t)));
}

static wg_code hand_create(const wgi_agg_dealer *d, const wgi_agg_table *own, wgi_agg_hand **out, wg_error *err) {
    wg_account *account = d->context->account;
    wgi_agg_hand *hand = wg_alloc_zero(account, sizeof *hand);
    if (hand == NULL) return wg_error_nomem(err, sizeof *hand);
    hand->platform = wg_engine_platform(wg_txn_engine(d->context->txn));
    hand->account = account;
    hand->heavy = WGI_AGG_DEAL_PARTS;
    hand->column_count = own->key_count + d->plan->aggregate_count;
    for (uint32_t c = 0; c < hand->column_count; c++) {
        const wg_expr *arg = c < own->key_count ? NULL : d->plan->aggregates[c - own->key_count].arg;
        hand->types[c] = arg != NULL ? arg->type : c < own->key_count ? own->keys[c].type : WG_TYPE_INT;
        if (c >= own->key_count && arg == NULL) continue;
        hand->widths[c] = wg_type_physical(hand->types[c]) == WG_PHYSICAL_STR ? sizeof(wg_str) / sizeof(uint32_t) : 1;
    }
    set_shape(hand);
    for (uint32_t p = 0; p < WGI_AGG_DEAL_PARTS; p++) wg_arena_init(&hand->parts[p].strings, account);
    *out = hand;
    return WG_OK;
}

static void put_spare(wgi_agg_hand *hand, hand_chunk *chunk) {
    chunk->next = hand->spare;
    hand->spare = chunk;
    hand->spare_count++;
}

static bool take_block(wgi_agg_hand *hand) {
    if (!wg_account_charge(hand->account, WG_HUGE_PAGE_BYTES)) return false;
    hand_block *block = hand->platform->ops->take_memory(hand->platform, WG_HUGE_PAGE_BYTES);
    if (block == NULL) {
        wg_account_release(hand->account, WG_HUGE_PAGE_BYTES);
        return false;
    }
    block->next = hand->blocks;
    hand->blocks = block;
    for (uint32_t i = BLOCK_CHUNKS; i > 0; i--)
        put_spare(hand, (hand_chunk *)((uint8_t *)block + (size_t)i * CHUNK_BYTES));
    return true;
}

static void part_clear(wgi_agg_hand *hand, hand_part *part) {
    for (hand_chunk *next, *chunk = part->first; chunk != NULL; chunk = next) {
        next = chunk->next;
        put_spare(hand, chunk);
    }
    wg_arena_reset(&part->strings);
    part->first = part->last = NULL;
    part->next = NULL;
    part->left = part->count = 0;
}

/* ---- from a hand to a table */

/* Every table goes to the file: small ones too, since together they are what fills the memory. */
static wg_code spill_all(wgi_agg_dealer *d, wg_error *err) {
    wg_code code = WG_OK;
    atomic_store_explicit(&d->has_spilled, true, memory_order_relaxed);
    for (uint32_t p = 0; p < WGI_AGG_DEAL_PARTS && code == WG_OK; p++) {
        wgi_agg_dealt *to = &d->parts[p];
        wg_mutex_lock(&to->lock);
        code = wgi_agg_spill_table(d->spill, to->table, err);
        wg_mutex_unlock(&to->lock);
    }
    return code;
}

/* Rows as columns, and their groups. */
typedef struct finding {
    wg_vector views[HAND_COLUMNS_MAX];
    wg_batch batch;
    uint64_t *positions;
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
        if (code == WG_OK) break;
        wg_mutex_unlock(&to->lock);
        if (code != WG_E_NOMEM || !again) return code;
        if (err != NULL) wg_error_clear(err); /* groups that were made have no rows yet, which changes nothing */
        WG_TRY(spill_all(d, err));
    }
    for (uint32_t i = 0; i < f->batch.row_count; i++) {
        uint64_t *earliest = &to->table->positions[f->index != NULL ? f->index[i] : f->group];
        if (f->positions[i] < *earliest) *earliest = f->positions[i];
    }
    return WG_OK;
}

static wg_code add_locked(wgi_agg_table *t, const wgi_agg_hand *hand, const finding *f, wg_error *err) {
    for (uint32_t i = 0; i < t->state_count; i++) {
        const uint32_t c = t->key_count + i;
        wgi_dense x = {.n = f->batch.row_count};
        if (hand->widths[c] != 0 && !wgi_dense_of(f->arena, &f->views[c], &f->batch, &x))
            return wg_error_nomem(err, x.n * sizeof(uint64_t));
        if (!wgi_agg_states_add(&t->states[i], &x, f->index, f->group, &t->strings, t->account))
            return wg_error_nomem(err, 544);
    }
    return WG_OK;
}

static bool read_nulls(const uint32_t *records, uint32_t words, uint32_t n, uint32_t c, finding *f) {
    uint8_t *valid = wg_arena_alloc_zero(f->arena, wg_bit_bytes(n) + 8);
    if (valid == NULL) return false;
    for (uint32_t i = 0; i < n; i++)
        if ((records[(size_t)i * words + 1] >> c & 1) == 0) wg_bit_set(valid, i);
    f->views[c].valid = valid;
    return true;
}

static bool read_cells(const wgi_agg_hand *hand, const uint32_t *records, uint32_t n, uint32_t c, finding *f) {
    const uint32_t *from = records + hand->offset[c];
    const uint32_t words = hand->words;
    const wg_physical physical = wg_type_physical(hand->types[c]);
    void *data = wg_arena_alloc(f->arena, n * wg_physical_bytes(physical));
    f->views[c] = (wg_vector){.type = hand->types[c], .data = data};
    if (data == NULL) return false;
    if (physical == WG_PHYSICAL_BOOL)
        for (uint32_t i = 0; i < n; i++) ((uint8_t *)data)[i] = (uint8_t)from[(size_t)i * words];
    else if (physical == WG_PHYSICAL_STR)
        for (uint32_t i = 0; i < n; i++) memcpy((wg_str *)data + i, &from[(size_t)i * words], sizeof(wg_str));
    else if (hand->widths[c] == 1)
        for (uint32_t i = 0; i < n; i++) ((int64_t *)data)[i] = (int32_t)from[(size_t)i * words];
    else
        for (uint32_t i = 0; i < n; i++) memcpy((uint64_t *)data + i, &from[(size_t)i * words], sizeof(uint64_t));
    return true;
}

/* The records of a chunk as columns. */
static bool read_records(const wgi_agg_hand *hand, const hand_chunk *chunk, uint32_t n, finding *f) {
    const uint32_t *records = (const uint32_t *)(const void *)(chunk + 1);
    uint32_t nulls = 0;
    f->batch = (wg_batch){.row_count = n, .column_count = hand->column_count, .columns = f->views};
    f->positions = wg_arena_alloc(f->arena, n * sizeof *f->positions);
    if (f->positions == NULL) return false;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = records[(size_t)i * hand->words];
        f->positions[i] = hand->starts[at >> ROW_BITS] + (at & ((1u << ROW_BITS) - 1));
    }
    for (uint32_t i = 0; hand->has_nulls && i < n; i++) nulls |= records[(size_t)i * hand->words + 1];
    for (uint32_t c = 0; c < hand->column_count; c++) {
        f->views[c] = (wg_vector){.type = hand->types[c]};
        if (hand->widths[c] == 0) continue;
        if (!read_cells(hand, records, n, c, f)) return false;
        if ((nulls >> c & 1) != 0 && !read_nulls(records, hand->words, n, c, f)) return false;
    }
    return true;
}

/* The hand stays as it is: at the end several workers deal parts of one. */
static wg_code deal_part(wgi_agg_dealer *d, const wgi_agg_hand *hand, uint32_t p, wg_error *err) {
    const hand_part *part = &hand->parts[p];
    wgi_agg_dealt *to = &d->parts[p];
    wg_arena arena;
    wg_code code = WG_OK;
    wg_arena_init(&arena, d->context->account);
    for (const hand_chunk *chunk = part->first; chunk != NULL; chunk = chunk->next) {
        finding f = {.arena = &arena};
        const uint32_t n = chunk == part->last ? hand->chunk_records - part->left : hand->chunk_records;
        for (uint32_t at = 0; chunk->next != NULL && at < CHUNK_BYTES; at += 64)
            __builtin_prefetch((const uint8_t *)chunk->next +
                               at); /* chunks follow each other nowhere but in the list */
        wg_arena_reset(&arena);
        if (!read_records(hand, chunk, n, &f)) WG_TRY_GOTO(wg_error_nomem(err, CHUNK_BYTES));
        WG_TRY_GOTO(find_locked(d, to, &f, err));
        code = add_locked(to->table, hand, &f, err);
        wg_mutex_unlock(&to->lock);
        if (code != WG_OK) goto fail;
    }
fail:
    wg_arena_deinit(&arena);
    return code;
}

static wg_code deal_hand(wgi_agg_dealer *d, wgi_agg_hand *hand, wg_error *err) {
    for (uint32_t p = 0; p < WGI_AGG_DEAL_PARTS; p++) {
        WG_TRY(deal_part(d, hand, p, err));
        part_clear(hand, &hand->parts[p]);
    }
    return WG_OK;
}

wg_code wgi_agg_deal_end(wgi_agg_dealer *d, wgi_agg_table *own, wg_error *err) {
    WG_TRY(deal_hand(d, own->hand, err));
    wgi_agg_hand_destroy(own->hand);
    own->hand = NULL;
    return spill_all(d, err);
}

/* ---- what workers had before they dealt */

typedef struct own_groups {
    wgi_agg_table *table;
    uint32_t *sorted; /* by part, ascending in each */
    uint32_t first[WGI_AGG_DEAL_PARTS + 1];
} own_groups;

typedef struct rest {
    wgi_agg_dealer *dealer;
    own_groups *own;
    uint32_t count;
    wgi_agg_room *rooms; /* of each worker */
} rest;

static wg_code sort_own(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    const rest *r = arg;
    for (uint64_t i = first; i < last; i++) {
        own_groups *own = &r->own[i];
        const wgi_agg_table *t = own->table;
        uint32_t next[WGI_AGG_DEAL_PARTS];
        own->sorted = wg_alloc(t->account, ((size_t)t->count + 1) * sizeof *own->sorted);
        if (own->sorted == NULL) return wg_error_nomem(err, t->count * sizeof *own->sorted);
        for (uint32_t g = 0; g < t->count; g++) own->first[part_of(t->hashes[g]) + 1]++;
        for (uint32_t p = 0; p < WGI_AGG_DEAL_PARTS; p++) own->first[p + 1] += own->first[p];
        memcpy(next, own->first, sizeof next);
        for (uint32_t g = 0; g < t->count; g++) own->sorted[next[part_of(t->hashes[g])]++] = g;
    }
    return WG_OK;
}

/* Adds groups index[0..n) of a worker's table to the table of their part. */
static wg_code join_groups(wgi_agg_dealer *d, wgi_agg_dealt *to, const wgi_agg_table *own, const uint32_t *index,
                           uint32_t n, wg_arena *arena, wg_error *err) {
    finding f = {.arena = arena};
    f.batch = (wg_batch){.row_count = n, .column_count = own->key_count, .columns = f.views};
    f.positions = wg_arena_alloc(arena, n * sizeof *f.positions);
    bool ok = f.positions != NULL;
    for (uint32_t k = 0; k < own->key_count && ok; k++) {
        const wg_vector keys = wg_column_view(&own->keys[k]);
        wg_vector some;
        ok = wgi_vector_gather(arena, &keys, index, n, &some) &&
             wgi_vector_flatten(arena, &some, &f.batch, &f.views[k]);
    }
    if (!ok) return wg_error_nomem(err, n * sizeof *f.positions);
    for (uint32_t i = 0; i < n; i++) f.positions[i] = own->positions[index[i]];
    WG_TRY(find_locked(d, to, &f, err));
    for (uint32_t s = 0; s < own->state_count && ok; s++)
        for (uint32_t i = 0; i < n && ok; i++)
            ok = wgi_agg_states_merge(&to->table->states[s], f.index != NULL ? f.index[i] : f.group, &own->states[s],
                                      index[i], own->account);
    wg_mutex_unlock(&to->lock);
    return ok ? WG_OK : wg_error_nomem(err, 544);
}

static wg_code join_part(const rest *r, uint32_t p, wg_error *err) {
    wg_arena arena;
    wg_code code = WG_OK;
    wg_arena_init(&arena, r->dealer->context->account);
    for (uint32_t i = 0; i < r->count; i++) {
        const own_groups *own = &r->own[i];
        for (uint32_t at = own->first[p]; at < own->first[p + 1] && code == WG_OK; at += WG_BATCH_ROWS_MAX) {
            const uint32_t left = own->first[p + 1] - at;
            wg_arena_reset(&arena);
            code = join_groups(r->dealer, &r->dealer->parts[p], own->table, own->sorted + at,
                               left < WG_BATCH_ROWS_MAX ? left : WG_BATCH_ROWS_MAX, &arena, err);
        }
        if (code == WG_OK && own->table->hand != NULL) code = deal_part(r->dealer, own->table->hand, p, err);
    }
    wg_arena_deinit(&arena);
    return code;
}

static wg_code join_parts(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const rest *r = arg;
    for (uint64_t p = first; p < last; p++) {
        wgi_agg_dealt *to = &r->dealer->parts[p];
        WG_TRY(wgi_check(r->dealer->context, err));
        wg_mutex_lock(&to->lock); /* another worker may be moving all tables to the file */
        wgi_agg_table_lend(to->table, &r->rooms[worker]);
        wg_mutex_unlock(&to->lock);
        WG_TRY(join_part(r, (uint32_t)p, err));
        wg_mutex_lock(&to->lock);
        wgi_agg_table_end(to->table, &r->rooms[worker]);
        wg_mutex_unlock(&to->lock);
    }
    return WG_OK;
}

static wg_code run_parts(const rest *r, uint64_t count,
                         wg_code (*fn)(void *, uint32_t, uint64_t, uint64_t, wg_error *), wg_error *err) {
    const uint32_t threads = r->dealer->context->threads;
    union {
        const rest *in;
        void *out;
    } arg = {.in = r};
    const wg_pool_range range = {.count = count,
                                 .grain = 1,
                                 .workers = threads < WG_POOL_WORKERS_MAX ? threads : WG_POOL_WORKERS_MAX,
                                 .fn = fn,
                                 .arg = arg.out};
    return wg_pool_for(r->dealer->context->pool, &range, err);
}

wg_code wgi_agg_deal_rest(wgi_agg_dealer *d, wgi_agg_table *const *tables, uint32_t count, wg_error *err) {
    rest r = {.dealer = d, .count = count};
    wg_account *account = d->context->account;
    wg_code code = WG_OK;
    r.own = wg_alloc_zero(account, ((size_t)count + 1) * sizeof *r.own);
    r.rooms = wg_alloc_zero(account, WG_POOL_WORKERS_MAX * sizeof *r.rooms);
    if (r.own == NULL || r.rooms == NULL) WG_TRY_GOTO(wg_error_nomem(err, count * sizeof *r.own));
    for (uint32_t i = 0; i < count; i++) r.own[i].table = tables[i];
    WG_TRY_GOTO(run_parts(&r, count, sort_own, err));
    WG_TRY_GOTO(run_parts(&r, WGI_AGG_DEAL_PARTS, join_parts, err));
    for (uint32_t i = 0; i < count; i++) {
        tables[i]->is_joined = true;
        wgi_agg_hand_destroy(tables[i]->hand);
        tables[i]->hand = NULL;
    }
fail:
    for (uint32_t i = 0; i < count && r.own != NULL; i++) wg_free(r.own[i].sorted);
    for (uint32_t i = 0; i < WG_POOL_WORKERS_MAX && r.rooms != NULL; i++) wg_free(r.rooms[i].slots);
    wg_free(r.rooms);
    wg_free(r.own);
    return code;
}

/* ---- from a batch to a hand */

/* Do all cells of a column fit into a signed word of 4 bytes? */
static bool is_narrow(const wg_vector *v, const wg_batch *batch) {
    const int64_t *cells = v->data;
    int64_t wide = 0;
    if (v->kind == WG_VECTOR_FLAT && v->valid == NULL && batch->sel == NULL) {
        for (uint32_t i = 0; i < batch->row_count; i++) wide |= cells[i] ^ (int64_t)(int32_t)cells[i];
        return wide == 0;
    }
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        if (!wg_vector_is_valid(v, row)) continue;
        const int64_t cell = cells[wg_vector_cell(v, row)];
        wide |= cell ^ (int64_t)(int32_t)cell;
    }
    return wide == 0;
}

static bool any_null(const wg_vector *v, const wg_batch *batch) {
    for (uint32_t i = 0; v->valid != NULL && i < batch->row_count; i++)
        if (!wg_vector_is_valid(v, wg_batch_row(batch, i))) return true;
    return false;
}

/* The records can hold the rows of the batch afterwards. */
static wg_code fit_shape(wgi_agg_dealer *d, wgi_agg_hand *hand, const wg_vector *const *columns,
                         const wg_batch *batch, wg_error *err) {
    uint32_t widths[HAND_COLUMNS_MAX];
    bool has_nulls = hand->has_nulls;
    bool fits = hand->batch_count < BATCHES_MAX;
    for (uint32_t c = 0; c < hand->column_count; c++) {
        widths[c] = hand->widths[c];
        if (widths[c] == 0) continue;
        const bool is_bool = wg_type_physical(hand->types[c]) == WG_PHYSICAL_BOOL;
        if (widths[c] == 1 && !is_bool && !is_narrow(columns[c], batch)) widths[c] = 2;
        has_nulls = has_nulls || any_null(columns[c], batch);
        fits &= widths[c] == hand->widths[c];
    }
    if (fits && has_nulls == hand->has_nulls) return WG_OK;
    WG_TRY(deal_hand(d, hand, err));
    memcpy(hand->widths, widths, sizeof widths);
    hand->has_nulls = has_nulls;
    hand->batch_count = 0;
    set_shape(hand);
    return WG_OK;
}

/* Chunks for all rows of a batch, so that none moves before its cells are there. */
static wg_code reserve_chunks(wgi_agg_dealer *d, wgi_agg_hand *hand, wg_error *err) {
    if (hand->heavy < WGI_AGG_DEAL_PARTS) {
        WG_TRY(deal_part(d, hand, hand->heavy, err));
        part_clear(hand, &hand->parts[hand->heavy]);
    }
    hand->heavy = WGI_AGG_DEAL_PARTS;
    const wg_account *account = d->context->account;
    while (hand->spare_count < SPARE_CHUNKS) {
        const uint64_t room = WG_HUGE_PAGE_BYTES + (account != NULL ? account->bytes_max / 4 : 0);
        const bool grows =
            hand->blocks == NULL || hand->blocks->next == NULL || wgi_spill_stays_below(d->context, room);
        if (grows && take_block(hand)) continue;
        const uint32_t before = hand->spare_count;
        WG_TRY(deal_hand(d, hand, err));
        if (hand->spare_count == before) return wg_error_nomem(err, WG_HUGE_PAGE_BYTES);
    }
    if (hand->batch_count < hand->batch_capacity) return WG_OK;
    const uint32_t capacity = hand->batch_capacity == 0 ? 256 : hand->batch_capacity * 2;
    uint64_t *starts = wg_realloc(hand->account, hand->starts, capacity * sizeof *starts);
    if (starts == NULL) return wg_error_nomem(err, capacity * sizeof *starts);
    hand->starts = starts;
    hand->batch_capacity = capacity;
    return WG_OK;
}

static void next_chunk(wgi_agg_hand *hand, hand_part *part) {
    hand_chunk *chunk = hand->spare;
    hand->spare = chunk->next;
    hand->spare_count--;
    chunk->next = NULL;
    if (part->last != NULL) part->last->next = chunk;
    else part->first = chunk;
    part->last = chunk;
    part->next = (uint32_t *)(void *)(chunk + 1);
    part->left = hand->chunk_records;
}

/* The places of the rows' records. */
static void place_rows(wgi_agg_hand *hand, const uint64_t *hashes, uint32_t n, uint32_t **to) {
    const uint32_t batch = (hand->batch_count - 1) << ROW_BITS;
    const uint32_t words = hand->words;
    for (uint32_t i = 0; i < n; i++) {
        hand_part *part = &hand->parts[part_of(hashes[i])];
        if (part->left == 0) {
            part->count += hand->chunk_records;
            if (part->count > HELD_ROWS) hand->heavy = part_of(hashes[i]);
            next_chunk(hand, part);
        }
        to[i] = part->next;
        part->next += words;
        part->left--;
        to[i][0] = batch | i;
    }
    for (uint32_t i = 0; hand->has_nulls && i < n; i++) to[i][1] = 0;
}

static wg_code put_texts(wgi_agg_hand *hand, uint32_t c, const wg_vector *v, const wg_batch *batch,
                         const uint64_t *hashes, uint32_t **to, wg_error *err) {
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        wg_str s = {0};
        if (wg_vector_is_valid(v, row)) s = ((const wg_str *)v->data)[wg_vector_cell(v, row)];
        else to[i][1] |= 1u << c;
        if (s.size != 0) s.data = wg_arena_copy(&hand->parts[part_of(hashes[i])].strings, s.data, s.size);
        if (s.size != 0 && s.data == NULL) return wg_error_nomem(err, s.size);
        memcpy(&to[i][hand->offset[c]], &s, sizeof s);
    }
    return WG_OK;
}

static uint64_t cell_word(const wg_vector *v, uint32_t row, bool is_bool) {
    const uint32_t cell = wg_vector_cell(v, row);
    return is_bool ? ((const uint8_t *)v->data)[cell] : ((const uint64_t *)v->data)[cell];
}

static void put_words(const wgi_agg_hand *hand, uint32_t c, const wg_vector *v, const wg_batch *batch,
                      uint32_t **to) {
    const uint32_t at = hand->offset[c];
    const uint32_t n = batch->row_count;
    const bool is_bool = wg_type_physical(hand->types[c]) == WG_PHYSICAL_BOOL;
    const bool is_narrow_cell = hand->widths[c] == 1;
    const uint64_t *cells = v->data;
    if (v->kind == WG_VECTOR_FLAT && v->valid == NULL && batch->sel == NULL && !is_bool) {
        if (is_narrow_cell)
            for (uint32_t i = 0; i < n; i++) to[i][at] = (uint32_t)cells[i];
        else
            for (uint32_t i = 0; i < n; i++) memcpy(&to[i][at], &cells[i], sizeof *cells);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        const bool there = wg_vector_is_valid(v, row);
        const uint64_t word = there ? cell_word(v, row, is_bool) : 0;
        if (!there) to[i][1] |= 1u << c;
        if (is_narrow_cell) to[i][at] = (uint32_t)word;
        else memcpy(&to[i][at], &word, sizeof word);
    }
}

wg_code wgi_agg_deal(wgi_agg_dealer *d, wgi_agg_table *own, const wg_vector *keys, const wg_vector *args,
                     const wg_batch *batch, wg_arena *arena, wg_error *err) {
    uint64_t *hashes;
    if (own->hand == NULL) WG_TRY(hand_create(d, own, &own->hand, err));
    wgi_agg_hand *hand = own->hand;
    uint32_t **to = wg_arena_alloc(arena, batch->row_count * sizeof(uint32_t *));
    if (to == NULL) return wg_error_nomem(err, batch->row_count * sizeof(uint32_t *));
    const wg_vector *columns[HAND_COLUMNS_MAX];
    for (uint32_t c = 0; c < hand->column_count; c++)
        columns[c] = c < own->key_count ? &keys[c] : &args[c - own->key_count];
    WG_TRY(wgi_agg_table_hashes(own, keys, batch, arena, &hashes, err));
    WG_TRY(fit_shape(d, hand, columns, batch, err));
    WG_TRY(reserve_chunks(d, hand, err));
    hand->starts[hand->batch_count++] = (uint64_t)own->task << WGI_AGG_SERIAL_BITS | own->serial;
    own->serial += batch->row_count;
    place_rows(hand, hashes, batch->row_count, to);
    for (uint32_t c = 0; c < hand->column_count; c++) {
        if (hand->widths[c] == 0) continue;
        if (wg_type_physical(hand->types[c]) == WG_PHYSICAL_STR)
            WG_TRY(put_texts(hand, c, columns[c], batch, hashes, to, err));
        else put_words(hand, c, columns[c], batch, to);
    }
    return WG_OK;
}
