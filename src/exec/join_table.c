/* The built side of a hash join, left outer join or cross product: rows in contiguous columns, followed by their key columns, and how rows of
 * the other side find them.
 *
 * Slots hold the first row of a chain, links the next one; chains ascend, so matches come out in build order. A key of one concrete type on both
 * sides is hashed and compared in place. A single key of words of 8 bytes is compared without its hash, and where the words lie close
 * together, as ids and keys that count do, the word is the number of the slot: nothing is hashed or compared, and where no word is there
 * twice there is one access a row. Rows are hashed and linked on all workers, each of which links the rows of a range of slots.
 *
 * Slots of the built side that nobody above looks at are not kept. Built rows that do not fit into memory are dealt into parts by their
 * keys (join_spill.c). */
#include "base/digest/digest.h"
#include "exec/join_internal.h"

enum { HASH_ROWS = 32 * WG_BATCH_ROWS_MAX, LINK_ROWS_MIN = 65536, DIRECT_SPAN = 4 };

void wgi_join_table_destroy(wgi_join_table *table) {
    if (table == NULL) return;
    wg_rows_destroy(table->rows);
    wg_free(table->key_types);
    wg_free(table->columns);
    wg_free(table->columns_of);
    wg_free(table->left_reads);
    wg_free(table->slots);
    wg_free(table->links);
    wg_free(table->next);
    if (table->parts != NULL) wgi_parts_deinit(table->parts);
    wg_free(table->parts);
    wg_free(table->parts_types);
    wg_free(table);
}

bool wgi_join_table_is_dealt(const wgi_join_table *table) { return table->parts != NULL; }

bool wgi_join_is_typed(wg_type type) {
    const wg_physical physical = wg_type_physical(type);
    return physical != WG_PHYSICAL_VALUE && physical != WG_PHYSICAL_F64;
}

bool wgi_join_matches_nothing(const wg_vector *keys, uint32_t count, uint32_t row) {
    for (uint32_t k = 0; k < count; k++) {
        if (wgi_join_is_typed(keys[k].type)) {
            if (!wg_vector_is_valid(&keys[k], row)) return true;
            continue;
        }
        const wg_value v = wg_vector_value(&keys[k], row);
        if (v.type == WG_TYPE_NULL || (v.type == WG_TYPE_FLOAT && v.as.f != v.as.f)) return true;
    }
    return false;
}

/* Tags of rows [first, last), which begin at a multiple of 8. */
static wg_code tag_rows(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    (void)err;
    const wgi_join_table *table = arg;
    wg_vector views[WG_KEY_COLUMNS_MAX + 1];
    uint64_t hashes[WG_BATCH_ROWS_MAX];
    const wg_vector *keys = table->columns + table->payload_count;
    for (; first < last; first += WG_BATCH_ROWS_MAX) {
        const uint32_t count = (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, last - first);
        for (uint32_t k = 0; k < table->key_count; k++) {
            views[k] = keys[k];
            const size_t bytes = wg_physical_bytes(wg_type_physical(keys[k].type));
            views[k].data = (const uint8_t *)keys[k].data + first * bytes;
            if (views[k].valid != NULL) views[k].valid += first / 8;
        }
        const wg_batch batch = {.row_count = count};
        if (table->words == NULL) wgi_hash_rows(table->key_types, views, table->key_count, &batch, hashes);
        const uint64_t *tags = table->words != NULL ? table->words + first : hashes;
        for (uint32_t i = 0; i < count; i++)
            table->links[first + i] = (wgi_join_link){.tag = tags[i], .next = WGI_JOIN_NO_ROW};
    }
    return WG_OK;
}

/* Links the rows of one range of slots into their chains. Backwards, so that chains ascend. Ranges share no slot and no row. */
static wg_code link_rows(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    (void)err;
    wgi_join_table *table = arg;
    const wg_vector *keys = table->columns + table->payload_count;
    const uint64_t low = table->chain_count / table->pieces * first;
    const uint64_t high = last == table->pieces ? table->chain_count : table->chain_count / table->pieces * last;
    const uint64_t mask = table->chain_count - 1;
    const bool nothing = !table->equivalence && (table->words == NULL || keys->valid != NULL);
    bool twice = false;
    for (uint64_t i = table->rows->row_count; i-- > 0;) {
        const uint32_t row = (uint32_t)i;
        uint64_t at = 0;
        if (table->kind == WGI_JOIN_DIRECT) at = table->words[row] - table->low;
        else if (table->kind == WGI_JOIN_WORDS) at = wg_hash64_u64(table->words[row]) & mask;
        else at = table->links[row].tag & mask;
        if (at < low || at >= high) continue;
        if (nothing && wgi_join_matches_nothing(keys, table->key_count, row)) continue;
        const uint32_t before = table->slots[at];
        twice |= before != WGI_JOIN_NO_ROW;
        if (table->links != NULL) table->links[row].next = before;
        else table->next[row] = before;
        table->slots[at] = row;
    }
    if (twice) atomic_store_explicit(&table->twice, true, memory_order_relaxed);
    return WG_OK;
}

static wg_code run_pieces(wgi_join_table *table, const wg_exec_context *context, uint64_t count, uint64_t grain,
                          wg_code (*fn)(void *, uint32_t, uint64_t, uint64_t, wg_error *), wg_error *err) {
    const uint32_t threads = context->threads < WG_POOL_WORKERS_MAX ? context->threads : WG_POOL_WORKERS_MAX;
    const wg_pool_range range = {.count = count, .grain = grain, .workers = threads, .fn = fn, .arg = table};
    return wg_pool_for(context->pool, &range, err);
}

static uint64_t hashed_chains(uint64_t rows) {
    uint64_t count = 64;
    while (count < rows * 2) count *= 2;
    return count;
}

/* Do the words lie so close together that a slot for each one that lies between takes no more than slots by hashes would? */
static bool lie_close(const wgi_join_table *table, uint64_t *low, uint64_t *span) {
    const int64_t *words = (const int64_t *)(const void *)table->words;
    const uint64_t n = table->rows->row_count;
    int64_t least = words[0];
    int64_t most = words[0];
    for (uint64_t i = 1; i < n; i++) {
        least = words[i] < least ? words[i] : least;
        most = words[i] > most ? words[i] : most;
    }
    *low = (uint64_t)least;
    *span = (uint64_t)most - (uint64_t)least;
    return *span < n * DIRECT_SPAN;
}

static void choose_kind(wgi_join_table *table) {
    const uint64_t n = table->rows->row_count;
    const wg_physical physical = wg_type_physical(table->key_types[0]);
    const wg_vector *key = &table->columns[table->payload_count];
    uint64_t span = 0;
    table->kind = WGI_JOIN_ROWS;
    table->chain_count = hashed_chains(n);
    if (n == 0 || table->key_count != 1 || (physical != WG_PHYSICAL_I64 && physical != WG_PHYSICAL_ID) ||
        key->type != table->key_types[0] || (table->equivalence && key->valid != NULL))
        return;
    table->words = key->data;
    table->kind = lie_close(table, &table->low, &span) ? WGI_JOIN_DIRECT : WGI_JOIN_WORDS;
    if (table->kind == WGI_JOIN_DIRECT) table->chain_count = span + 1;
}

static wg_code hash_built(wgi_join_table *table, const wg_exec_context *context, wg_error *err) {
    const uint64_t n = table->rows->row_count;
    choose_kind(table);
    const bool direct = table->kind == WGI_JOIN_DIRECT;
    if (direct) table->next = wg_alloc(table->account, (n + 1) * sizeof *table->next);
    else table->links = wg_alloc(table->account, (n + 1) * sizeof *table->links);
    table->slots = wg_alloc(table->account, table->chain_count * sizeof *table->slots);
    if ((direct ? (void *)table->next : (void *)table->links) == NULL || table->slots == NULL)
        return wg_error_nomem(err, table->chain_count * sizeof *table->slots);
    table->pieces = n < LINK_ROWS_MIN ? 1 : (uint32_t)wg_min_u64(context->threads, WG_POOL_WORKERS_MAX);
    memset(table->slots, 0xff, table->chain_count * sizeof *table->slots);
    if (n == 0) return WG_OK;
    if (!direct) WG_TRY(run_pieces(table, context, n, HASH_ROWS, tag_rows, err));
    WG_TRY(wgi_check(context, err));
    WG_TRY(run_pieces(table, context, table->pieces, 1, link_rows, err));
    if (direct && !atomic_load_explicit(&table->twice, memory_order_relaxed)) {
        wg_free(table->next);
        table->next = NULL;
    }
    return WG_OK;
}

/* The static type that both sides of a key are compared in. */
static wg_type key_type(const wg_plan *plan, uint32_t k) {
    const wg_type a = plan->exprs[k]->type;
    return a == plan->right_exprs[k]->type && wgi_join_is_typed(a) ? a : WG_TYPE_ANY;
}

/* What the rows of the built side consist of. */
typedef struct kept_slots {
    uint32_t *slots; /* those that become columns */
    bool *reads;     /* those that are looked at: these, and what the keys are made of */
} kept_slots;

static wg_code choose_slots(const wg_plan *plan, const bool *reads, wgi_join_table *table, wg_arena *arena,
                            kept_slots *keep, wg_error *err) {
    const uint32_t left = plan->children[0]->slot_count;
    const uint32_t n = plan->slot_count - left;
    table->slot_count = n;
    table->columns_of = wg_alloc(table->account, (n + 1) * sizeof *table->columns_of);
    table->left_reads = wg_alloc(table->account, left + (size_t)1);
    keep->slots = wg_arena_alloc(arena, (n + 1) * sizeof *keep->slots);
    keep->reads = wg_arena_alloc(arena, n + (size_t)1);
    if (table->columns_of == NULL || table->left_reads == NULL || keep->slots == NULL || keep->reads == NULL)
        return wg_error_nomem(err, plan->slot_count * sizeof *keep->slots);
    memcpy(table->left_reads, reads, left);
    for (uint32_t i = 0; i < n; i++) {
        keep->reads[i] = reads[left + i];
        table->columns_of[i] = reads[left + i] ? table->payload_count : UINT32_MAX;
        if (reads[left + i]) keep->slots[table->payload_count++] = i;
    }
    return WG_OK;
}

static wg_code run_built(const wg_plan *plan, const wg_exec_context *context, kept_slots *keep, wgi_join_table *table,
                         wg_error *err) {
    wg_plan leaf;
    const wg_plan *built = plan->children[1];
    wg_expr *const *key_exprs = plan->right_exprs;
    if (plan->op == WG_PLAN_SCAN) { /* a scan beside an input is the product of both */
        leaf = *plan;
        leaf.children[0] = NULL;
        leaf.slot_types = plan->slot_types + plan->children[0]->slot_count;
        leaf.slot_count = plan->slot_count - plan->children[0]->slot_count;
        built = &leaf;
    }
    wgi_sink *sink = NULL;
    const wgi_build build = {.types = built->slot_types,
                             .slots = keep->slots,
                             .count = table->payload_count,
                             .exprs = key_exprs,
                             .key_types = table->key_types,
                             .key_count = table->key_count};
    WG_TRY(wgi_sink_build(&build, context, &sink, err));
    for (uint32_t i = 0; i < built->slot_count; i++) keep->reads[i] |= wgi_exprs_use(key_exprs, table->key_count, i);
    sink->reads = keep->reads;
    wgi_sink_build_spills(sink);
    return wgi_run_into(built, context, sink, &table->rows, err);
}

/* What hash_built takes at most. */
static uint64_t hash_bytes(uint64_t rows) {
    return rows * sizeof(wgi_join_link) + wg_max_u64(hashed_chains(rows), rows * DIRECT_SPAN) * sizeof(uint32_t);
}

static wg_code index_built(wgi_join_table *table, const wg_exec_context *context, wg_error *err) {
    if (table->rows->file != NULL) return WG_OK; /* a product, block by block */
    table->columns = wg_alloc(table->account, (table->rows->column_count + 1) * sizeof *table->columns);
    if (table->columns == NULL) return wg_error_nomem(err, sizeof *table->columns);
    for (uint32_t i = 0; i < table->rows->column_count; i++)
        table->columns[i] = wg_column_view(&table->rows->columns[i]);
    return table->key_count > 0 ? hash_built(table, context, err) : WG_OK;
}

wg_code wgi_join_table_of_rows(const wgi_join_table *like, wg_expr *const *probe_exprs, wg_rows *rows,
                               const wg_exec_context *context, wgi_join_table **out, wg_error *err) {
    wgi_join_table *table = wg_alloc_zero(context->account, sizeof *table);
    if (table == NULL) return wg_error_nomem(err, sizeof *table);
    wg_code code = WG_OK;
    table->account = context->account;
    table->slot_count = like->slot_count;
    table->payload_count = like->payload_count;
    table->key_count = like->key_count;
    table->equivalence = like->equivalence;
    table->probe_exprs = probe_exprs;
    table->key_types = wg_alloc(context->account, (table->key_count + 1) * sizeof *table->key_types);
    table->columns_of = wg_alloc(context->account, (table->slot_count + 1) * sizeof *table->columns_of);
    if (table->key_types == NULL || table->columns_of == NULL)
        WG_TRY_GOTO(wg_error_nomem(err, sizeof *table->key_types));
    memcpy(table->key_types, like->key_types, table->key_count * sizeof *table->key_types);
    memcpy(table->columns_of, like->columns_of, table->slot_count * sizeof *table->columns_of);
    table->rows = rows;
    WG_TRY_GOTO(index_built(table, context, err));
    *out = table;
    return WG_OK;
fail:
    table->rows = NULL;
    wgi_join_table_destroy(table);
    return code;
}

wg_code wgi_join_table_create(const wg_plan *plan, const wg_exec_context *context, const bool *reads,
                              wgi_join_table **out, wg_error *err) {
    wgi_join_table *table = wg_alloc_zero(context->account, sizeof *table);
    if (table == NULL) return wg_error_nomem(err, sizeof *table);
    wg_code code = WG_OK;
    kept_slots keep;
    wg_arena arena;
    wg_arena_init(&arena, context->account);
    table->account = context->account;
    table->key_count = plan->op == WG_PLAN_HASH_JOIN || plan->op == WG_PLAN_OPTIONAL ? plan->expr_count : 0;
    table->equivalence = plan->op == WG_PLAN_OPTIONAL;
    table->probe_exprs = plan->exprs;
    if (table->key_count > WG_KEY_COLUMNS_MAX)
        WG_TRY_GOTO(wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a join of more than %d keys", WG_KEY_COLUMNS_MAX));
    table->key_types = wg_alloc(context->account, (table->key_count + 1) * sizeof *table->key_types);
    if (table->key_types == NULL) WG_TRY_GOTO(wg_error_nomem(err, sizeof *table->key_types));
    for (uint32_t k = 0; k < table->key_count; k++) table->key_types[k] = key_type(plan, k);
    WG_TRY_GOTO(choose_slots(plan, reads, table, &arena, &keep, err));
    WG_TRY_GOTO(run_built(plan, context, &keep, table, err));
    const uint64_t n = table->rows->row_count;
    const bool fits =
        table->rows->file == NULL && (n < WGI_SPILL_ROWS_MIN || wgi_spill_has_room(context, hash_bytes(n)));
    if (table->key_count > 0 && !fits) WG_TRY_GOTO(wgi_join_deal(table, context, err));
    else WG_TRY_GOTO(index_built(table, context, err));
    *out = table;
fail:
    wg_arena_deinit(&arena);
    if (code != WG_OK) wgi_join_table_destroy(table);
    return code;
}
