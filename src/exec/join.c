/* Hash join, left outer join and cross product: child 1 is built (join_table.c), child 0 streams by; output in the order of child 0, then of
 * child 1.
 *
 * Equality is openCypher's: null and NaN match nothing, 1 matches 1.0; that of the outer join is DISTINCT's, because it brings rows back to the
 * values that they were asked for. A cross product is a join without keys. Nothing is copied: output columns of the built side are dictionary
 * vectors over its columns, with one array of codes for all, and those of child 0 are its own, selected, where no row of the batch has two
 * matches.
 *
 * Built rows that do not fit into memory are dealt into parts by their keys, and joined part by part (join_spill.c). Those of a product stay in
 * the order of their file, whose blocks are read once for each row of the other side: as many rows as are put out. */
#include "base/digest/digest.h"
#include "exec/aggregate_internal.h"
#include "exec/join_internal.h"

#define NO_ROW WGI_JOIN_NO_ROW
enum { AHEAD = 16 };

typedef struct join_op {
    wgi_op op;
    const wgi_join_table *table;
    wg_arena out;
    bool outer;
    wg_rows *block; /* of a product whose built rows are in a file: the one in hand, and its number */
    uint32_t block_number;
    uint32_t count;
    bool fans; /* some row has two matches */
    uint32_t rows[WG_BATCH_ROWS_MAX];
    uint32_t matches[WG_BATCH_ROWS_MAX]; /* NO_ROW: the null row of an outer join */
    uint16_t sel[WG_BATCH_ROWS_MAX];
} join_op;

/* Which built row stands in which row of the output. */
typedef struct placed_matches {
    const uint32_t *codes;
    const uint8_t *there; /* bits; NULL: all are. Missing ones have code 0 */
    uint32_t extent;
} placed_matches;

static wg_code gather_built(join_op *j, uint32_t slot, const placed_matches *m, wg_type type, wg_vector *out,
                            wg_error *err) {
    const wg_rows *rows = j->block != NULL ? j->block : j->table->rows;
    const uint32_t column = j->table->columns_of[slot];
    *out = wgi_vector_null(type);
    if (column == UINT32_MAX) return WG_OK;
    const wg_vector from = wg_column_view(&rows->columns[column]);
    out->type = from.type;
    if (rows->row_count == 0) return WG_OK;
    *out = (wg_vector){.type = from.type,
                       .kind = WG_VECTOR_DICT,
                       .valid = m->there,
                       .data = from.data,
                       .codes = m->codes,
                       .dict_size = (uint32_t)rows->row_count};
    if (from.valid == NULL) return WG_OK;
    uint8_t *valid = wg_arena_alloc_zero(&j->out, wg_bit_bytes(m->extent) + 8);
    if (valid == NULL) return wg_error_nomem(err, m->extent);
    for (uint32_t i = 0; i < m->extent; i++)
        if ((m->there == NULL || wg_bit_get(m->there, i)) && wg_bit_get(from.valid, m->codes[i]))
            wg_bit_set(valid, i);
    out->valid = valid;
    return WG_OK;
}

/* Match i stands in row at[i] of the output (NULL: in row i). */
static wg_code place_matches(join_op *j, const uint32_t *at, uint32_t n, uint32_t extent, placed_matches *out,
                             wg_error *err) {
    bool any_missing = false;
    for (uint32_t i = 0; i < n; i++) any_missing |= j->matches[i] == NO_ROW;
    *out = (placed_matches){.codes = j->matches, .extent = extent};
    if (any_missing) {
        uint8_t *there = wg_arena_alloc_zero(&j->out, wg_bit_bytes(extent) + 8);
        if (there == NULL) return wg_error_nomem(err, extent);
        for (uint32_t i = 0; i < n; i++) {
            if (j->matches[i] != NO_ROW) wg_bit_set(there, at != NULL ? at[i] : i);
            else j->matches[i] = 0;
        }
        out->there = there;
    }
    if (at == NULL) return WG_OK;
    uint32_t *codes = wg_arena_alloc_zero(&j->out, extent * sizeof *codes);
    if (codes == NULL) return wg_error_nomem(err, extent * sizeof *codes);
    for (uint32_t i = 0; i < n; i++) codes[at[i]] = j->matches[i];
    out->codes = codes;
    return WG_OK;
}

/* The output where no row has two matches: the batch, with the rows selected that are left of it. */
static wg_code push_selected(join_op *j, const wg_batch *batch, const wg_batch *built, wg_error *err) {
    wg_batch out = *built;
    const uint32_t left = batch->column_count;
    wg_vector *columns = wg_arena_alloc(&j->out, (left + built->column_count + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, left * sizeof *columns);
    memcpy(columns, batch->columns, left * sizeof *columns);
    memcpy(columns + left, built->columns, built->column_count * sizeof *columns);
    out.columns = columns;
    out.column_count = left + built->column_count;
    out.sel = batch->sel;
    if (out.row_count < batch->row_count) {
        for (uint32_t i = 0; i < out.row_count; i++) j->sel[i] = (uint16_t)j->rows[i];
        out.sel = j->sel;
    }
    return wgi_push(&j->op, &out, err);
}

/* The output where one has: columns of the batch that nobody looks at are not spread. */
static wg_code push_spread(join_op *j, const wg_batch *batch, const wg_batch *built, wg_error *err) {
    wg_batch thin = *batch;
    const bool *reads = j->table->left_reads;
    wg_vector *columns = wg_arena_alloc(&j->out, (batch->column_count + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, batch->column_count * sizeof *columns);
    for (uint32_t c = 0; c < batch->column_count; c++)
        columns[c] = reads == NULL || reads[c] ? batch->columns[c] : wgi_vector_null(batch->columns[c].type);
    thin.columns = columns;
    return wgi_push_fanout(&j->op, &thin, j->rows, built, &j->out, err);
}

static wg_code join_flush(join_op *j, const wg_batch *batch, wg_error *err) {
    const uint32_t n = j->count;
    const uint32_t added = j->table->slot_count;
    const bool fans = j->fans;
    const bool in_place = fans || (n == batch->row_count && batch->sel == NULL);
    placed_matches matches;
    j->count = 0;
    j->fans = false;
    if (n == 0) return WG_OK;
    wg_arena_reset(&j->out);
    wg_vector *columns = wg_arena_alloc(&j->out, (added + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, added * sizeof *columns);
    WG_TRY(place_matches(j, in_place ? NULL : j->rows, n, in_place ? n : wgi_extent(batch), &matches, err));
    const wg_type *types = j->op.plan->slot_types + (j->op.plan->slot_count - added);
    for (uint32_t c = 0; c < added; c++) WG_TRY(gather_built(j, c, &matches, types[c], &columns[c], err));
    const wg_batch built = {.row_count = n, .column_count = added, .columns = columns};
    return fans ? push_spread(j, batch, &built, err) : push_selected(j, batch, &built, err);
}

static wg_code emit(join_op *j, const wg_batch *batch, uint32_t row, uint32_t match, wg_error *err) {
    j->fans |= j->count > 0 && j->rows[j->count - 1] == row;
    j->rows[j->count] = row;
    j->matches[j->count++] = match;
    return j->count < wgi_op_batch_rows(&j->op) ? WG_OK : join_flush(j, batch, err);
}

static bool keys_equal(const wgi_join_table *table, const wg_vector *keys, uint32_t row, uint32_t built) {
    for (uint32_t k = 0; k < table->key_count; k++) {
        const wg_vector *other = &table->columns[table->payload_count + k];
        if (table->equivalence || (wgi_join_is_typed(table->key_types[k]) && keys[k].type == other->type)) {
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

/* The keys of a batch. */
typedef struct probe_keys {
    const wg_vector *vectors;
    const uint64_t *tags; /* hashes, or words */
    uint32_t *chains;     /* the first built row that may match each row */
} probe_keys;

static wg_code probe_row(join_op *j, const wg_batch *batch, const probe_keys *keys, uint32_t i, wg_error *err) {
    const uint32_t row = wg_batch_row(batch, i);
    const wgi_join_table *table = j->table;
    const uint64_t hash = keys->tags[i];
    bool matched = false;
    for (uint32_t built = keys->chains[i]; built != NO_ROW && !wgi_op_stopped(&j->op);
         built = table->links[built].next) {
        if (table->links[built].tag != hash || !keys_equal(table, keys->vectors, row, built)) continue;
        matched = true;
        WG_TRY(emit(j, batch, row, built, err));
    }
    return end_row(j, batch, i, matched, err);
}

static wg_code probe_word(join_op *j, const wg_batch *batch, const probe_keys *keys, uint32_t i, wg_error *err) {
    const uint32_t row = wg_batch_row(batch, i);
    const wgi_join_link *links = j->table->links;
    const uint64_t word = keys->tags[i];
    bool matched = false;
    for (uint32_t built = keys->chains[i]; built != NO_ROW && !wgi_op_stopped(&j->op); built = links[built].next) {
        if (links[built].tag != word) continue;
        matched = true;
        WG_TRY(emit(j, batch, row, built, err));
    }
    return end_row(j, batch, i, matched, err);
}

static wg_code probe_direct(join_op *j, const wg_batch *batch, const probe_keys *keys, uint32_t i, wg_error *err) {
    const uint32_t row = wg_batch_row(batch, i);
    const uint32_t *next = j->table->next;
    uint32_t built = keys->chains[i];
    const bool matched = built != NO_ROW;
    while (built != NO_ROW && !wgi_op_stopped(&j->op)) {
        WG_TRY(emit(j, batch, row, built, err));
        built = next != NULL ? next[built] : NO_ROW;
    }
    return end_row(j, batch, i, matched, err);
}

/* Every row has one match at most, and all of them fit into one output. */
static void take_single(join_op *j, const wg_batch *batch, const uint32_t *chains) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        j->rows[n] = wg_batch_row(batch, i);
        j->matches[n] = chains[i];
        n += chains[i] != NO_ROW ? 1 : 0;
    }
    j->count = n;
}

/* Slots are asked for some rows ahead of their use, and so are links below. */
static void find_chains(const wgi_join_table *table, const wg_batch *batch, const probe_keys *keys) {
    bool nullable = false;
    const uint64_t mask = table->chain_count - 1;
    for (uint32_t k = 0; k < table->key_count && !table->equivalence; k++)
        nullable |= keys->vectors[k].valid != NULL || !wgi_join_is_typed(keys->vectors[k].type);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        if (i + AHEAD < batch->row_count) __builtin_prefetch(&table->slots[keys->tags[i + AHEAD] & mask]);
        keys->chains[i] = table->slots[keys->tags[i] & mask];
        if (nullable && wgi_join_matches_nothing(keys->vectors, table->key_count, wg_batch_row(batch, i)))
            keys->chains[i] = NO_ROW;
    }
}

/* The same for words; no built key is null then. */
static void find_word_chains(const wgi_join_table *table, const wgi_dense *x, const uint64_t *at, uint32_t *chains) {
    for (uint32_t i = 0; i < x->n; i++) {
        if (i + AHEAD < x->n && at[i + AHEAD] < table->chain_count) __builtin_prefetch(&table->slots[at[i + AHEAD]]);
        const bool there = at[i] < table->chain_count && (x->valid == NULL || x->valid[i] != 0);
        chains[i] = there ? table->slots[at[i]] : NO_ROW;
    }
}

static wg_code find_words(const wgi_join_table *table, wg_arena *arena, const wg_batch *batch, probe_keys *keys,
                          wg_error *err) {
    wgi_dense x = {0};
    uint64_t *at = wg_arena_alloc(arena, batch->row_count * sizeof *at);
    if (at == NULL || !wgi_dense_of(arena, keys->vectors, batch, &x))
        return wg_error_nomem(err, batch->row_count * sizeof *at);
    keys->tags = x.cells;
    if (table->kind == WGI_JOIN_DIRECT)
        for (uint32_t i = 0; i < x.n; i++) at[i] = keys->tags[i] - table->low;
    else
        for (uint32_t i = 0; i < x.n; i++) at[i] = wg_hash64_u64(keys->tags[i]) & (table->chain_count - 1);
    find_word_chains(table, &x, at, keys->chains);
    return WG_OK;
}

static wg_code find_hashes(const wgi_join_table *table, wg_arena *arena, const wg_batch *batch, probe_keys *keys,
                           wg_error *err) {
    uint64_t *hashes = wg_arena_alloc(arena, batch->row_count * sizeof *hashes);
    if (hashes == NULL) return wg_error_nomem(err, batch->row_count * sizeof *hashes);
    wgi_hash_rows(table->key_types, keys->vectors, table->key_count, batch, hashes);
    keys->tags = hashes;
    find_chains(table, batch, keys);
    return WG_OK;
}

static wg_code probe(join_op *j, const wg_batch *batch, const wg_vector *vectors, wg_error *err) {
    const wgi_join_table *table = j->table;
    wg_arena *arena = &j->op.eval.arena;
    const uint32_t n = batch->row_count;
    probe_keys keys = {.vectors = vectors, .chains = wg_arena_alloc(arena, n * sizeof *keys.chains)};
    if (keys.chains == NULL) return wg_error_nomem(err, n * sizeof *keys.chains);
    WG_TRY(table->kind == WGI_JOIN_ROWS ? find_hashes(table, arena, batch, &keys, err)
                                        : find_words(table, arena, batch, &keys, err));
    if (table->kind == WGI_JOIN_DIRECT && table->next == NULL && !j->outer && n <= wgi_op_batch_rows(&j->op)) {
        take_single(j, batch, keys.chains);
        return WG_OK;
    }
    for (uint32_t i = 0; i < n && !wgi_op_stopped(&j->op); i++) {
        const uint32_t ahead = i + AHEAD < n ? keys.chains[i + AHEAD] : NO_ROW;
        if (ahead != NO_ROW && table->links != NULL) __builtin_prefetch(&table->links[ahead]);
        if (ahead != NO_ROW && table->next != NULL) __builtin_prefetch(&table->next[ahead]);
        WG_TRY(table->kind == WGI_JOIN_DIRECT  ? probe_direct(j, batch, &keys, i, err)
               : table->kind == WGI_JOIN_WORDS ? probe_word(j, batch, &keys, i, err)
                                               : probe_row(j, batch, &keys, i, err));
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
    j->fans = false;
    wg_vector *keys = wg_arena_alloc(arena, (table->key_count + 1) * sizeof *keys);
    if (keys == NULL) return wg_error_nomem(err, (table->key_count + 1) * sizeof *keys);
    for (uint32_t k = 0; k < table->key_count; k++)
        WG_TRY(table->key_types[k] == WG_TYPE_ANY
                   ? wgi_eval_vector(&op->eval, table->probe_exprs[k], batch, &keys[k], err)
                   : wgi_eval_typed(&op->eval, table->probe_exprs[k], table->key_types[k], batch, &keys[k], err));
    if (table->key_count > 0) WG_TRY(probe(j, batch, keys, err));
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
