/* Hash join, left outer join and cross product. Child 1 is built, child 0 streams by; output in the order of child 0, then of child 1.
 *
 * The built rows stand in contiguous columns, followed by their key columns. Slots of the hash table hold the first row of a chain;
 * `next` links rows of one slot in ascending order, so matches come out in build order. A key of one concrete type on both sides is hashed
 * and compared in place, a single key of words without its hash; others go through values. Rows are hashed and linked on all workers, each
 * of which links the rows of a range of slots. Equality is openCypher's: null and NaN match nothing, 1 matches 1.0; that of the outer join
 * is DISTINCT's, because it brings rows back to the values that they were asked for. A cross product is a join without keys. Output columns of the built side are dictionary vectors over its columns: nothing is copied.
 *
 * Built rows that do not fit into memory are dealt into parts by their keys, and joined part by part (join_spill.c). Those of a product stay in
 * the order of their file, whose blocks are read once for each row of the other side: as many rows as are put out. */
#include "exec/aggregate_internal.h"
#include "exec/join_internal.h"

#define NO_ROW UINT32_MAX
enum { AHEAD = 12, HASH_ROWS = 32 * WG_BATCH_ROWS_MAX, LINK_PIECES = 8, LINK_ROWS_MIN = 65536 };

void wgi_join_table_destroy(wgi_join_table *table) {
    if (table == NULL) return;
    wg_rows_destroy(table->rows);
    wg_free(table->key_types);
    wg_free(table->columns);
    wg_free(table->hashes);
    wg_free(table->slots);
    wg_free(table->next);
    if (table->parts != NULL) wgi_parts_deinit(table->parts);
    wg_free(table->parts);
    wg_free(table->parts_types);
    wg_free(table);
}

bool wgi_join_table_is_dealt(const wgi_join_table *table) { return table->parts != NULL; }

static bool is_typed(wg_type type) {
    const wg_physical physical = wg_type_physical(type);
    return physical != WG_PHYSICAL_VALUE && physical != WG_PHYSICAL_F64;
}

static bool joins_nothing(const wg_vector *keys, uint32_t count, uint32_t row) {
    for (uint32_t k = 0; k < count; k++) {
        if (is_typed(keys[k].type)) {
            if (!wg_vector_is_valid(&keys[k], row)) return true;
            continue;
        }
        const wg_value v = wg_vector_value(&keys[k], row);
        if (v.type == WG_TYPE_NULL || (v.type == WG_TYPE_FLOAT && v.as.f != v.as.f)) return true;
    }
    return false;
}

/* Hashes of rows [first, last), which begin at a multiple of 8. */
static wg_code hash_rows(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    (void)err;
    const wgi_join_table *table = arg;
    wg_vector views[WG_KEY_COLUMNS_MAX + 1];
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
        wgi_hash_rows(table->key_types, views, table->key_count, &batch, table->hashes + first);
    }
    return WG_OK;
}

/* Links the rows of one range of slots into their chains. Backwards, so that chains ascend. Ranges share no slot and no row. */
static wg_code link_rows(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    (void)err;
    wgi_join_table *table = arg;
    const wg_vector *keys = table->columns + table->payload_count;
    const uint64_t low = (table->slot_mask + 1) / table->pieces * first;
    const uint64_t high =
        last == table->pieces ? table->slot_mask + 1 : (table->slot_mask + 1) / table->pieces * last;
    for (uint64_t i = table->rows->row_count; i-- > 0;) {
        const uint32_t row = (uint32_t)i;
        const uint64_t at = table->hashes[row] & table->slot_mask;
        if (at < low || at >= high) continue;
        if (!table->equivalence && joins_nothing(keys, table->key_count, row)) continue;
        table->next[row] = table->slots[at];
        table->slots[at] = row;
    }
    return WG_OK;
}

static wg_code run_pieces(wgi_join_table *table, const wg_exec_context *context, uint64_t count, uint64_t grain,
                          wg_code (*fn)(void *, uint32_t, uint64_t, uint64_t, wg_error *), wg_error *err) {
    const uint32_t threads = context->threads < WG_POOL_WORKERS_MAX ? context->threads : WG_POOL_WORKERS_MAX;
    const wg_pool_range range = {.count = count, .grain = grain, .workers = threads, .fn = fn, .arg = table};
    return wg_pool_for(context->pool, &range, err);
}

static wg_code hash_built(wgi_join_table *table, const wg_exec_context *context, wg_error *err) {
    const uint64_t n = table->rows->row_count;
    uint64_t slot_count = 64;
    while (slot_count < n * 2) slot_count *= 2;
    table->hashes = wg_alloc(table->account, (n + 1) * sizeof *table->hashes);
    table->next = wg_alloc(table->account, (n + 1) * sizeof *table->next);
    table->slots = wg_alloc(table->account, slot_count * sizeof *table->slots);
    if (table->hashes == NULL || table->next == NULL || table->slots == NULL)
        return wg_error_nomem(err, slot_count * sizeof *table->slots);
    table->slot_mask = slot_count - 1;
    table->pieces = n < LINK_ROWS_MIN ? 1 : LINK_PIECES;
    memset(table->slots, 0xff, slot_count * sizeof *table->slots);
    if (n == 0) return WG_OK;
    WG_TRY(run_pieces(table, context, n, HASH_ROWS, hash_rows, err));
    WG_TRY(wgi_check(context, err));
    WG_TRY(run_pieces(table, context, table->pieces, 1, link_rows, err));
    const wg_physical physical = wg_type_physical(table->key_types[0]);
    const wg_vector *key = &table->columns[table->payload_count];
    if (table->key_count == 1 && (physical == WG_PHYSICAL_I64 || physical == WG_PHYSICAL_ID) &&
        key->type == table->key_types[0] && !(table->equivalence && key->valid != NULL))
        table->words = key->data;
    return WG_OK;
}

/* The static type that both sides of a key are compared in. */
static wg_type key_type(const wg_plan *plan, uint32_t k) {
    const wg_type a = plan->exprs[k]->type;
    return a == plan->right_exprs[k]->type && is_typed(a) ? a : WG_TYPE_ANY;
}

static wg_code run_built(const wg_plan *plan, const wg_exec_context *context, bool can_deal, wgi_join_table *table,
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
    table->payload_count = built->slot_count;
    WG_TRY(wgi_sink_build(built->slot_types, built->slot_count, key_exprs, table->key_types, table->key_count,
                          context, &sink, err));
    if (can_deal || table->key_count == 0) wgi_sink_build_spills(sink);
    return wgi_run_into(built, context, sink, &table->rows, err);
}

/* What hash_built takes. */
static uint64_t hash_bytes(uint64_t rows) {
    uint64_t slots = 64;
    while (slots < rows * 2) slots *= 2;
    return rows * (sizeof(uint64_t) + sizeof(uint32_t)) + slots * sizeof(uint32_t);
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
    table->payload_count = like->payload_count;
    table->key_count = like->key_count;
    table->equivalence = like->equivalence;
    table->probe_exprs = probe_exprs;
    table->key_types = wg_alloc(context->account, (table->key_count + 1) * sizeof *table->key_types);
    if (table->key_types == NULL) WG_TRY_GOTO(wg_error_nomem(err, sizeof *table->key_types));
    memcpy(table->key_types, like->key_types, table->key_count * sizeof *table->key_types);
    table->rows = rows;
    WG_TRY_GOTO(index_built(table, context, err));
    *out = table;
    return WG_OK;
fail:
    table->rows = NULL;
    wgi_join_table_destroy(table);
    return code;
}

wg_code wgi_join_table_create(const wg_plan *plan, const wg_exec_context *context, bool can_deal,
                              wgi_join_table **out, wg_error *err) {
    wgi_join_table *table = wg_alloc_zero(context->account, sizeof *table);
    if (table == NULL) return wg_error_nomem(err, sizeof *table);
    wg_code code = WG_OK;
    table->account = context->account;
    table->key_count = plan->op == WG_PLAN_HASH_JOIN || plan->op == WG_PLAN_OPTIONAL ? plan->expr_count : 0;
    table->equivalence = plan->op == WG_PLAN_OPTIONAL;
    table->probe_exprs = plan->exprs;
    if (table->key_count > WG_KEY_COLUMNS_MAX)
        WG_TRY_GOTO(wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a join of more than %d keys", WG_KEY_COLUMNS_MAX));
    table->key_types = wg_alloc(context->account, (table->key_count + 1) * sizeof *table->key_types);
    if (table->key_types == NULL) WG_TRY_GOTO(wg_error_nomem(err, sizeof *table->key_types));
    for (uint32_t k = 0; k < table->key_count; k++) table->key_types[k] = key_type(plan, k);
    WG_TRY_GOTO(run_built(plan, context, can_deal, table, err));
    const uint64_t n = table->rows->row_count;
    const bool fits =
        table->rows->file == NULL && (n < WGI_SPILL_ROWS_MIN || wgi_spill_has_room(context, hash_bytes(n)));
    if (table->key_count > 0 && can_deal && !fits) WG_TRY_GOTO(wgi_join_deal(table, context, err));
    else WG_TRY_GOTO(index_built(table, context, err));
    *out = table;
    return WG_OK;
fail:
    wgi_join_table_destroy(table);
    return code;
}

/* ---- probing */

typedef struct join_op {
    wgi_op op;
    const wgi_join_table *table;
    wg_arena out;
    bool outer;
    wg_rows *block; /* of a product whose built rows are in a file: the one in hand, and its number */
    uint32_t block_number;
    uint32_t count;
    uint32_t rows[WG_BATCH_ROWS_MAX];
    uint32_t matches[WG_BATCH_ROWS_MAX]; /* NO_ROW: the null row of an outer join */
} join_op;

static wg_code gather_built(join_op *j, uint32_t column, uint32_t n, bool any_missing, wg_vector *out,
                            wg_error *err) {
    const wg_rows *rows = j->block != NULL ? j->block : j->table->rows;
    const wg_vector view = wg_column_view(&rows->columns[column]);
    const wg_vector *from = &view;
    if (rows->row_count == 0) {
        *out = wgi_vector_null(from->type);
        return WG_OK;
    }
    uint32_t *codes = wg_arena_alloc(&j->out, n * sizeof *codes);
    if (codes == NULL) return wg_error_nomem(err, n * sizeof *codes);
    for (uint32_t i = 0; i < n; i++) codes[i] = j->matches[i] == NO_ROW ? 0 : j->matches[i];
    *out = (wg_vector){.type = from->type,
                       .kind = WG_VECTOR_DICT,
                       .data = from->data,
                       .codes = codes,
                       .dict_size = (uint32_t)rows->row_count};
    if (from->valid == NULL && !any_missing) return WG_OK;
    uint8_t *valid = wg_arena_alloc_zero(&j->out, wg_bit_bytes(n) + 8);
    if (valid == NULL) return wg_error_nomem(err, n);
    for (uint32_t i = 0; i < n; i++)
        if (j->matches[i] != NO_ROW && wg_vector_is_valid(from, j->matches[i])) wg_bit_set(valid, i);
    out->valid = valid;
    return WG_OK;
}

static wg_code join_flush(join_op *j, const wg_batch *batch, wg_error *err) {
    const uint32_t n = j->count;
    const uint32_t added = j->table->payload_count;
    bool any_missing = false;
    j->count = 0;
    if (n == 0) return WG_OK;
    wg_arena_reset(&j->out);
    wg_vector *columns = wg_arena_alloc(&j->out, (added + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, added * sizeof *columns);
    for (uint32_t i = 0; i < n; i++) any_missing |= j->matches[i] == NO_ROW;
    for (uint32_t c = 0; c < added; c++) WG_TRY(gather_built(j, c, n, any_missing, &columns[c], err));
    const wg_batch built = {.row_count = n, .column_count = added, .columns = columns};
    return wgi_push_fanout(&j->op, batch, j->rows, &built, &j->out, err);
}

static wg_code emit(join_op *j, const wg_batch *batch, uint32_t row, uint32_t match, wg_error *err) {
    j->rows[j->count] = row;
    j->matches[j->count++] = match;
    return j->count < wgi_op_batch_rows(&j->op) ? WG_OK : join_flush(j, batch, err);
}

static bool keys_equal(const wgi_join_table *table, const wg_vector *keys, uint32_t row, uint32_t built) {
    for (uint32_t k = 0; k < table->key_count; k++) {
        const wg_vector *other = &table->columns[table->payload_count + k];
        if (table->equivalence || (is_typed(table->key_types[k]) && keys[k].type == other->type)) {
            if (!wgi_cells_equivalent(&keys[k], row, other, built)) return false;
            continue;
        }
        const wg_value a = wg_vector_value(&keys[k], row);
        const wg_value b = wg_vector_value(other, built);
        if (wg_value_equal(&a, &b) != 1) return false;
    }
    return true;
}

/* The i-th row of the batch has no further match. */
static wg_code end_row(join_op *j, const wg_batch *batch, uint32_t i, bool matched, wg_error *err) {
    const wgi_join_marks *marks = j->table->marks;
    if (!j->outer || (matched && marks == NULL)) return WG_OK;
    if (marks != NULL) {
        const uint64_t place = j->op.eval.place;
        const uint64_t bit = marks->first[place >> 32] + (uint32_t)place + i;
        uint64_t *word = &marks->bits[bit / 64];
        if (matched) *word |= UINT64_C(1) << bit % 64;
        if (!marks->leftovers || (*word >> bit % 64 & 1) != 0) return WG_OK;
    }
    return emit(j, batch, wg_batch_row(batch, i), NO_ROW, err);
}

static wg_code probe_row(join_op *j, const wg_batch *batch, const wg_vector *keys, uint32_t i, uint64_t hash,
                         uint32_t built, wg_error *err) {
    const uint32_t row = wg_batch_row(batch, i);
    const wgi_join_table *table = j->table;
    bool matched = false;
    for (; built != NO_ROW && !wgi_op_stopped(&j->op); built = table->next[built]) {
        if (table->hashes[built] != hash || !keys_equal(table, keys, row, built)) continue;
        matched = true;
        WG_TRY(emit(j, batch, row, built, err));
    }
    return end_row(j, batch, i, matched, err);
}

static wg_code probe_word(join_op *j, const wg_batch *batch, uint32_t i, uint64_t word, uint32_t built,
                          wg_error *err) {
    const uint32_t row = wg_batch_row(batch, i);
    const wgi_join_table *table = j->table;
    bool matched = false;
    for (; built != NO_ROW && !wgi_op_stopped(&j->op); built = table->next[built]) {
        if (table->words[built] != word) continue;
        matched = true;
        WG_TRY(emit(j, batch, row, built, err));
    }
    return end_row(j, batch, i, matched, err);
}

/* The first built row of each row's chain. Slots are asked for some rows ahead of their use, here and below. */
static void find_chains(const wgi_join_table *table, const wg_batch *batch, const wg_vector *keys,
                        const uint64_t *hashes, uint32_t *chains) {
    bool nullable = false;
    const bool null_joins = table->equivalence && table->words == NULL; /* words: no built key is null */
    for (uint32_t k = 0; k < table->key_count && !null_joins; k++)
        nullable |= keys[k].valid != NULL || !is_typed(keys[k].type);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        if (i + AHEAD < batch->row_count) __builtin_prefetch(&table->slots[hashes[i + AHEAD] & table->slot_mask]);
        chains[i] = table->slots[hashes[i] & table->slot_mask];
        if (nullable && joins_nothing(keys, table->key_count, wg_batch_row(batch, i))) chains[i] = NO_ROW;
    }
}

static wg_code probe(join_op *j, const wg_batch *batch, const wg_vector *keys, const uint64_t *hashes,
                     wg_error *err) {
    const wgi_join_table *table = j->table;
    wg_arena *arena = &j->op.eval.arena;
    const uint32_t n = batch->row_count;
    uint32_t *chains = wg_arena_alloc(arena, n * sizeof *chains);
    wgi_dense x = {0};
    if (chains == NULL) return wg_error_nomem(err, n * sizeof *chains);
    find_chains(table, batch, keys, hashes, chains);
    const bool by_word = table->words != NULL && keys->type == table->key_types[0];
    if (by_word && !wgi_dense_of(arena, keys, batch, &x)) return wg_error_nomem(err, n * sizeof *chains);
    const uint64_t *words = x.cells;
    for (uint32_t i = 0; i < n && !wgi_op_stopped(&j->op); i++) {
        const uint32_t ahead = i + AHEAD < n ? chains[i + AHEAD] : NO_ROW;
        if (ahead != NO_ROW) {
            __builtin_prefetch(&table->next[ahead]);
            if (by_word) __builtin_prefetch(&table->words[ahead]);
            else __builtin_prefetch(&table->hashes[ahead]);
        }
        WG_TRY(by_word ? probe_word(j, batch, i, words[i], chains[i], err)
                       : probe_row(j, batch, keys, i, hashes[i], chains[i], err));
    }
    return WG_OK;
}

/* Reads a block of the file unless it is the one in hand. */
static wg_code take_block(join_op *j, uint32_t number, wg_error *err) {
    if (j->block != NULL && j->block_number == number) return WG_OK;
    wg_rows_destroy(j->block);
    j->block = NULL;
    j->block_number = number;
    return wgi_rows_read_block(j->table->rows, number, &j->block, err);
}

/* Each block's rows are pushed on before the next one takes its place; what is in memory comes last. */
static wg_code product_of_blocks(join_op *j, const wg_batch *batch, uint32_t row, wg_error *err) {
    const wg_rows *rows = j->table->rows;
    for (uint32_t b = 0; b <= rows->file->count && !wgi_op_stopped(&j->op); b++) {
        const bool last = b == rows->file->count;
        if (!last) WG_TRY(take_block(j, b, err));
        const uint64_t n = last ? rows->row_count - wgi_rows_in_file(rows) : j->block->row_count;
        wg_rows *held = j->block;
        if (last) j->block = NULL;
        wg_code code = WG_OK;
        for (uint64_t i = 0; i < n && code == WG_OK && !wgi_op_stopped(&j->op); i++)
            code = emit(j, batch, row, (uint32_t)i, err);
        if (code == WG_OK && !wgi_op_stopped(&j->op)) code = join_flush(j, batch, err);
        j->block = held;
        WG_TRY(code);
    }
    return WG_OK;
}

static wg_code product_row(join_op *j, const wg_batch *batch, uint32_t row, wg_error *err) {
    const uint64_t n = j->table->rows->row_count;
    if (j->table->rows->file != NULL) return product_of_blocks(j, batch, row, err);
    for (uint64_t i = 0; i < n && !wgi_op_stopped(&j->op); i++) {
        WG_TRY(emit(j, batch, row, (uint32_t)i, err));
        if (i % 65536 == 65535) WG_TRY(wgi_check(j->op.eval.context, err));
    }
    return j->outer && n == 0 ? emit(j, batch, row, NO_ROW, err) : WG_OK;
}

static wg_code join_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    join_op *j = (join_op *)op;
    const wgi_join_table *table = j->table;
    wg_arena *arena = &op->eval.arena;
    wg_arena_reset(arena);
    j->count = 0;
    wg_vector *keys = wg_arena_alloc(arena, (table->key_count + 1) * sizeof *keys);
    uint64_t *hashes = wg_arena_alloc(arena, batch->row_count * sizeof *hashes);
    if (keys == NULL || hashes == NULL) return wg_error_nomem(err, batch->row_count * sizeof *hashes);
    for (uint32_t k = 0; k < table->key_count; k++)
        WG_TRY(table->key_types[k] == WG_TYPE_ANY
                   ? wgi_eval_vector(&op->eval, table->probe_exprs[k], batch, &keys[k], err)
                   : wgi_eval_typed(&op->eval, table->probe_exprs[k], table->key_types[k], batch, &keys[k], err));
    wgi_hash_rows(table->key_types, keys, table->key_count, batch, hashes);
    if (table->key_count > 0) WG_TRY(probe(j, batch, keys, hashes, err));
    for (uint32_t i = 0; i < batch->row_count && table->key_count == 0 && !wgi_op_stopped(op); i++)
        WG_TRY(product_row(j, batch, wg_batch_row(batch, i), err));
    return wgi_op_stopped(op) ? WG_OK : join_flush(j, batch, err);
}

static void join_destroy(wgi_op *op) {
    wg_rows_destroy(((join_op *)op)->block);
    wg_arena_deinit(&((join_op *)op)->out);
}

wg_code wgi_op_join(const wg_plan *plan, const wgi_join_table *table, wg_account *account, wgi_op **out,
                    wg_error *err) {
    static const wgi_op_class class = {join_push, join_destroy};
    WG_TRY(wgi_op_alloc(&class, plan, sizeof(join_op), account, out, err));
    join_op *j = (join_op *)*out;
    j->table = table;
    j->outer = plan->op == WG_PLAN_OPTIONAL;
    wg_arena_init(&j->out, account);
    return WG_OK;
}
