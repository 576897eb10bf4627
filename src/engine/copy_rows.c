/* Rows of a file on their way into the database. wgi_copy_rows_fill does all that needs no order: it converts cells, finds the ends of
 * edges, gathers the rows that are good into memory of its own and packs them for the log. Any thread may do that for any part of
 * a file. wgi_copy_rows_write gives them to the writer, in the order of the file.
 *
 * A bad row is left out when rejects are wanted. Otherwise the rows end before it, and its error is that of the load, once the rows
 * before it were written without one: which error a load ends with depends on the file alone.
 *
 * Layout of what a batch owns: its arena, reset when it is used anew. Failure modes: WG_E_NOMEM; the batch is of no more use. */
#include "engine/copy.h"

enum { VALID_BYTES = WG_BATCH_ROWS_MAX / 8 + 8 };

wg_code wgi_copy_rows_create(wgi_copier *copier, wgi_copy_rows **out, wg_error *err) {
    wgi_copy_rows *rows = wg_alloc_zero(copier->account, sizeof *rows);
    if (rows == NULL) return wg_error_nomem(err, sizeof *rows);
    rows->copier = copier;
    wg_arena_init(&rows->arena, copier->account);
    wg_buf_init(&rows->packed, copier->account);
    *out = rows;
    return WG_OK;
}

void wgi_copy_rows_destroy(wgi_copy_rows *rows) {
    if (rows == NULL) return;
    wg_arena_deinit(&rows->arena);
    wg_buf_deinit(&rows->packed);
    wg_free(rows->rejects);
    wg_free(rows);
}

void wgi_copy_rows_clear(wgi_copy_rows *rows) {
    wg_arena_reset(&rows->arena);
    rows->packed.size = 0;
    rows->row_count = rows->reject_count = 0;
    rows->failed = false;
}

/* ---- rows that are left out */

wg_code wgi_copy_row_error(const wgi_copier *c, uint64_t at, wg_code code, const char *text, wg_error *err) {
    wg_error_set(err, code, WG_NO_OFFSET, "%s, %s %llu: %s", c->path, c->counts_lines ? "line" : "row",
                 (unsigned long long)at, text);
    if (err != NULL && c->counts_lines) err->line = (uint32_t)wg_min_u64(at, UINT32_MAX);
    return code;
}

wg_code wgi_copy_rows_refuse(wgi_copy_rows *rows, uint64_t at, const wg_error *why, wg_error *err) {
    if (rows->copier->options->rejects == NULL) {
        rows->failed = true;
        wg_error_clear(&rows->error);
        return wgi_copy_row_error(rows->copier, at, why->code, why->message, &rows->error);
    }
    if (rows->reject_count == rows->reject_capacity) {
        const uint32_t capacity = rows->reject_capacity == 0 ? 16 : rows->reject_capacity * 2;
        wgi_copy_reject *more = wg_realloc(rows->copier->account, rows->rejects, capacity * sizeof *more);
        if (more == NULL) return wg_error_nomem(err, capacity * sizeof *more);
        rows->rejects = more;
        rows->reject_capacity = capacity;
    }
    const char *message = wg_arena_strdup(&rows->arena, wg_slice_str(why->message));
    if (message == NULL) return wg_error_nomem(err, sizeof why->message);
    /* In the order of the file: those that the writer finds come after those of the whole batch. */
    uint32_t i = rows->reject_count++;
    for (; i > 0 && rows->rejects[i - 1].at > at; i--) rows->rejects[i] = rows->rejects[i - 1];
    rows->rejects[i] = (wgi_copy_reject){.at = at, .code = why->code, .message = message};
    return WG_OK;
}

/* ---- filling */

typedef struct filler {
    wgi_copy_rows *rows;
    const wg_vector *vectors;
    uint32_t row_count;
    const uint64_t *at;
    uint64_t *ends[2];
    uint8_t *why[2];
    uint16_t *kept; /* NULL: all */
    uint32_t kept_count;
} filler;

static void describe_missing(const filler *f, uint32_t side, uint32_t row, wg_error *why) {
    const wgi_copier *c = f->rows->copier;
    const wgi_copy_target *target = &c->ends[side];
    const char *name = side == 0 ? "FROM" : "TO";
    wg_buf text;
    wg_buf_init(&text, c->account);
    const wgi_copy_role role = side == 0 ? WGI_COPY_FROM : WGI_COPY_TO;
    for (uint32_t p = 0, printed = 0; p < target->part_count; p++)
        for (uint32_t i = 0; i < c->column_count; i++) {
            if (c->columns[i].role != role || c->columns[i].part != p) continue;
            const wg_value v = wg_vector_value(&f->vectors[i], row);
            if (!wg_buf_append_str(&text, printed++ == 0 ? "" : ", ") || !wg_value_print_json(&text, &v)) break;
        }
    const int size = (int)wg_min_size(text.size, 120);
    switch (f->why[side][row]) {
        case WGI_COPY_NULL_KEY:
            wg_error_set(why, WG_E_CONSTRAINT, WG_NO_OFFSET, "%s: the key of a %s is null", name, target->label_name);
            break;
        case WGI_COPY_AMBIGUOUS:
            wg_error_set(why, WG_E_CONSTRAINT, WG_NO_OFFSET, "%s: more than one %s has the key %.*s", name,
                         target->label_name, size, (const char *)text.data);
            break;
        default:
            wg_error_set(why, WG_E_NOT_FOUND, WG_NO_OFFSET, "%s: no %s has the key %.*s", name, target->label_name,
                         size, (const char *)text.data);
    }
    wg_buf_deinit(&text);
}

static wg_code find_in_maps(filler *f, wg_error *err) {
    const wgi_copier *c = f->rows->copier;
    for (uint32_t side = 0; side < 2; side++) {
        const wg_vector *parts[WG_KEY_COLUMNS_MAX] = {NULL};
        for (uint32_t i = 0; i < c->column_count; i++)
            if (c->columns[i].role == (side == 0 ? WGI_COPY_FROM : WGI_COPY_TO))
                parts[c->columns[i].part] = &f->vectors[i];
        f->ends[side] = wg_arena_alloc(&f->rows->arena, ((size_t)f->row_count + 1) * sizeof(uint64_t));
        f->why[side] = wg_arena_alloc_zero(&f->rows->arena, f->row_count + 1);
        if (f->ends[side] == NULL || f->why[side] == NULL) return wg_error_nomem(err, f->row_count * 8);
        WG_TRY(wgi_copy_map_find(c->ends[side].map, parts, f->row_count, f->ends[side], f->why[side], err));
    }
    return WG_OK;
}

static wg_code find_ends(filler *f, wg_error *err) {
    wgi_copier *c = f->rows->copier;
    if (c->options->part_rows == 0) return find_in_maps(f, err);
    if (!wgi_copy_gate_enter(c)) return wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "the load has ended");
    f->rows->generation = c->generation;
    const wg_code code = find_in_maps(f, err);
    wgi_copy_gate_leave(c);
    return code;
}

/* Integers must fit the width that their label declares. */
static wg_code check_width(const filler *f, uint32_t column, uint32_t row, wg_error *why) {
    const wgi_copy_column *to = &f->rows->copier->columns[column];
    wg_value v = wg_vector_value(&f->vectors[column], row);
    return v.type == WG_TYPE_NULL ? WG_OK : wg_column_def_coerce(to->def, &v, why);
}

static bool is_narrow(const wgi_copy_column *c) {
    return c->role == WGI_COPY_PROPERTY && c->def != NULL && c->def->type == WG_TYPE_INT && c->def->int_bits != 0 &&
           c->def->int_bits < 64;
}

/* Whether a row of a narrow column may be out of its range. Where all are inside, none is looked at again. */
static bool may_be_wide(const filler *f, uint32_t column) {
    const wg_column_def *def = f->rows->copier->columns[column].def;
    const wg_vector *v = &f->vectors[column];
    const int64_t *cells = v->data;
    const int64_t high = def->int_unsigned ? (int64_t)((UINT64_C(1) << def->int_bits) - 1)
                                           : (int64_t)((UINT64_C(1) << (def->int_bits - 1)) - 1);
    const int64_t low = def->int_unsigned ? 0 : -high - 1;
    bool wide = false;
    const bool flat = v->kind == WG_VECTOR_FLAT;
    for (uint32_t r = 0; r < f->row_count; r++) {
        const int64_t x = cells[flat ? r : wg_vector_cell(v, r)];
        wide |= x < low || x > high;
    }
    return wide;
}

static wg_code row_check(const filler *f, const uint32_t *narrow, uint32_t narrow_count, uint32_t row,
                         wg_error *why) {
    for (uint32_t side = 0; side < 2 && f->rows->copier->is_edge; side++) {
        if (f->ends[side][row] != UINT64_MAX) continue;
        describe_missing(f, side, row, why);
        return why->code;
    }
    for (uint32_t i = 0; i < narrow_count; i++) WG_TRY(check_width(f, narrow[i], row, why));
    return WG_OK;
}

/* Every row is looked at; the first bad one makes the list of those that stay. */
static wg_code choose_rows(filler *f, wg_error *err) {
    const wgi_copier *c = f->rows->copier;
    uint32_t *narrow = wg_arena_alloc(&f->rows->arena, ((size_t)c->column_count + 1) * sizeof *narrow);
    if (narrow == NULL) return wg_error_nomem(err, c->column_count * sizeof *narrow);
    uint32_t narrow_count = 0;
    for (uint32_t i = 0; i < c->column_count; i++)
        if (is_narrow(&c->columns[i]) && may_be_wide(f, i)) narrow[narrow_count++] = i;
    if (narrow_count == 0 && !c->is_edge) return WG_OK;
    bool missing = narrow_count != 0;
    for (uint32_t side = 0; side < 2 && c->is_edge; side++)
        for (uint32_t r = 0; r < f->row_count; r++) missing |= f->ends[side][r] == UINT64_MAX;
    for (uint32_t r = 0; r < f->row_count && missing; r++) {
        wg_error why = {0};
        const wg_code code = row_check(f, narrow, narrow_count, r, &why);
        if (code == WG_OK) {
            if (f->kept != NULL) f->kept[f->kept_count++] = (uint16_t)r;
            continue;
        }
        if (f->kept == NULL) {
            f->kept = wg_arena_alloc(&f->rows->arena, WG_BATCH_ROWS_MAX * sizeof *f->kept);
            if (f->kept == NULL) return wg_error_nomem(err, WG_BATCH_ROWS_MAX * sizeof *f->kept);
            for (f->kept_count = 0; f->kept_count < r; f->kept_count++)
                f->kept[f->kept_count] = (uint16_t)f->kept_count;
        }
        const wg_code refused = wgi_copy_rows_refuse(f->rows, f->at[r], &why, err);
        if (f->rows->failed) return WG_OK;
        WG_TRY(refused);
    }
    return WG_OK;
}

static uint32_t kept_row(const filler *f, uint32_t i) { return f->kept == NULL ? i : f->kept[i]; }
static uint32_t kept_count(const filler *f) { return f->kept == NULL ? f->row_count : f->kept_count; }

/* The strings of one column, one after the other. */
static bool own_strings(filler *f, wg_str *cells) {
    size_t bytes = 0;
    const uint32_t count = kept_count(f);
    for (uint32_t i = 0; i < count; i++) bytes += cells[i].size;
    char *text = wg_arena_alloc(&f->rows->arena, bytes + 1);
    if (text == NULL) return false;
    for (uint32_t i = 0; i < count; i++) {
        if (cells[i].size != 0) memcpy(text, cells[i].data, cells[i].size);
        cells[i].data = text;
        text += cells[i].size;
    }
    return true;
}

static bool own_values(filler *f, wg_value *cells) {
    for (uint32_t i = 0; i < kept_count(f); i++)
        if (!wg_value_copy(&f->rows->arena, &cells[i], &cells[i])) return false;
    return true;
}

/* A flat copy of the rows that stay, in memory of this batch. */
static wg_code own_vector(filler *f, const wg_vector *from, wg_vector *out, wg_error *err) {
    const wg_physical physical = wg_type_physical(from->type);
    const size_t width = wg_physical_bytes(physical);
    const uint32_t count = kept_count(f);
    uint8_t *cells = wg_arena_alloc(&f->rows->arena, ((size_t)count + 8) * width);
    uint8_t *valid = from->valid == NULL ? NULL : wg_arena_alloc_zero(&f->rows->arena, VALID_BYTES);
    if (cells == NULL || (from->valid != NULL && valid == NULL)) return wg_error_nomem(err, count * width);
    if (from->kind == WG_VECTOR_FLAT && from->valid == NULL && f->kept == NULL) {
        memcpy(cells, from->data, count * width);
    } else if (from->kind == WG_VECTOR_DICT && from->valid == NULL && f->kept == NULL && width == 8) {
        const uint64_t *entries = from->data;
        for (uint32_t i = 0; i < count; i++) ((uint64_t *)(void *)cells)[i] = entries[from->codes[i]];
    } else {
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t row = kept_row(f, i);
            const bool present = wg_vector_is_valid(from, row);
            if (present)
                memcpy(cells + i * width, (const uint8_t *)from->data + wg_vector_cell(from, row) * width, width);
            else memset(cells + i * width, 0, width);
            if (present && valid != NULL) wg_bit_set(valid, i);
        }
    }
    *out = (wg_vector){.type = from->type, .kind = WG_VECTOR_FLAT, .valid = valid, .data = cells};
    bool ok = true;
    if (physical == WG_PHYSICAL_STR) ok = own_strings(f, (wg_str *)(void *)cells);
    if (physical == WG_PHYSICAL_VALUE) ok = own_values(f, (wg_value *)(void *)cells);
    return ok ? WG_OK : wg_error_nomem(err, count);
}

/* One value for all rows. Text is shared by them: the definition outlives the load. */
static wg_code default_vector(filler *f, const wg_column_def *def, wg_vector *out, wg_error *err) {
    const wg_physical physical = wg_type_physical(def->type);
    const uint32_t count = kept_count(f);
    wg_value value = *def->default_value;
    WG_TRY(wg_column_def_coerce(def, &value, err));
    wg_column column;
    wg_column_init(&column, def->type, &f->rows->arena, f->rows->copier->account);
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++) ok = wg_column_append_value(&column, &value);
    const wg_vector view = wg_column_view(&column);
    const size_t bytes = (size_t)count * wg_physical_bytes(physical);
    uint8_t *cells = ok ? wg_arena_alloc(&f->rows->arena, bytes + 8) : NULL;
    if (cells != NULL && bytes > 0) memcpy(cells, view.data, bytes);
    wg_column_deinit(&column);
    if (cells == NULL) return wg_error_nomem(err, bytes);
    *out = (wg_vector){.type = def->type, .kind = WG_VECTOR_FLAT, .data = cells};
    return WG_OK;
}

/* Ends may have to be found again, when others have written between two parts. */
static wg_code own_parts(filler *f, wg_error *err) {
    wgi_copy_rows *rows = f->rows;
    const wgi_copier *c = rows->copier;
    rows->parts = wg_arena_alloc_zero(&rows->arena, ((size_t)c->column_count + 1) * sizeof *rows->parts);
    if (rows->parts == NULL) return wg_error_nomem(err, c->column_count * sizeof *rows->parts);
    for (uint32_t i = 0, n = 0; i < c->column_count; i++) {
        if (c->columns[i].role == WGI_COPY_PROPERTY) rows->parts[i] = rows->columns[n++];
        else WG_TRY(own_vector(f, &f->vectors[i], &rows->parts[i], err));
    }
    return WG_OK;
}

static wg_code own_rows(filler *f, wg_error *err) {
    wgi_copy_rows *rows = f->rows;
    const wgi_copier *c = rows->copier;
    const uint32_t count = kept_count(f);
    const size_t columns = (size_t)c->property_count + c->default_count;
    rows->columns = wg_arena_alloc(&rows->arena, (columns + 1) * sizeof *rows->columns);
    rows->at = wg_arena_alloc(&rows->arena, ((size_t)count + 1) * sizeof *rows->at);
    if (rows->columns == NULL || rows->at == NULL) return wg_error_nomem(err, count * sizeof *rows->at);
    for (uint32_t i = 0; i < count; i++) rows->at[i] = f->at[kept_row(f, i)];
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->column_count; i++)
        if (c->columns[i].role == WGI_COPY_PROPERTY) WG_TRY(own_vector(f, &f->vectors[i], &rows->columns[n++], err));
    for (uint32_t i = 0; i < c->default_count; i++)
        WG_TRY(default_vector(f, c->defaults[i], &rows->columns[n++], err));
    if (c->is_edge && c->options->part_rows != 0) WG_TRY(own_parts(f, err));
    for (size_t side = 0; side < 2 && c->is_edge; side++) {
        rows->ends[side] = f->ends[side];
        for (uint32_t i = 0; f->kept != NULL && i < count; i++) rows->ends[side][i] = f->ends[side][f->kept[i]];
    }
    rows->row_count = count;
    return WG_OK;
}

wg_code wgi_copy_rows_fill(wgi_copy_rows *rows, const wg_vector *vectors, uint32_t row_count, const uint64_t *at,
                           wg_error *err) {
    const wgi_copier *c = rows->copier;
    filler f = {.rows = rows, .vectors = vectors, .row_count = row_count, .at = at};
    if (c->is_edge) WG_TRY(find_ends(&f, err));
    WG_TRY(choose_rows(&f, err));
    WG_TRY(own_rows(&f, err));
    if (rows->row_count == 0) return WG_OK;
    const wg_mutation m = {.kind = c->is_edge ? WG_MUTATION_LOAD_EDGES : WG_MUTATION_LOAD_NODES,
                           .batch = {.row_count = rows->row_count,
                                     .column_count = c->property_count + c->default_count,
                                     .columns = rows->columns},
                           .from_ids = rows->ends[0],
                           .to_ids = rows->ends[1]};
    return wg_mutation_pack(&rows->packed, &m) ? WG_OK : wg_error_nomem(err, rows->row_count);
}

/* ---- writing */

static wg_code bad_row(void *ctx, uint32_t row, const wg_error *why, wg_error *err) {
    wgi_copy_rows *rows = ctx;
    return wgi_copy_rows_refuse(rows, rows->at[row], why, err);
}

static wg_code bulk_write(wgi_copy_rows *rows, uint32_t *out_rows, wg_error *err) {
    wgi_copier *c = rows->copier;
    const wgi_bulk bulk = {.is_edge = c->is_edge,
                           .trusted = true,
                           .labels = c->options->labels,
                           .label_count = c->options->label_count,
                           .keys = c->keys,
                           .batch = {.row_count = rows->row_count,
                                     .column_count = c->property_count + c->default_count,
                                     .columns = rows->columns},
                           .ends = {rows->ends[0], rows->ends[1]},
                           .packed = wg_buf_slice(&rows->packed),
                           .bad = c->options->rejects != NULL ? bad_row : NULL,
                           .ctx = rows};
    uint64_t first = 0;
    wg_error local = {0};
    const wg_code code = wgi_bulk_write(c->txn, &bulk, &first, out_rows, &local);
    if (code == WG_OK) return WG_OK;
    if (local.offset < rows->row_count && bulk.bad == NULL)
        return wgi_copy_row_error(c, rows->at[local.offset], code, local.message, err);
    if (err != NULL && err->code == WG_OK) *err = local;
    return code;
}

static wg_code write_now(wgi_copy_rows *rows, wg_error *err) {
    wgi_copier *c = rows->copier;
    uint32_t written = 0;
    if (rows->row_count != 0) WG_TRY(bulk_write(rows, &written, err));
    if (rows->failed) {
        if (err != NULL && err->code == WG_OK) *err = rows->error;
        return rows->error.code;
    }
    c->counts.rows += written;
    c->counts.rejected += rows->reject_count;
    if (rows->reject_count != 0) WG_TRY(wgi_copy_reject_write(c, rows->rejects, rows->reject_count, err));
    if (c->cancel != NULL)
        atomic_store_explicit(&c->cancel->rows_done, c->counts.rows + c->counts.rejected, memory_order_relaxed);
    return wg_cancel_check(c->cancel, err);
}

wg_code wgi_copy_rows_write(wgi_copy_rows *rows, wg_error *err) {
    wgi_copy_rows *fresh = NULL;
    if (wgi_copy_is_stale(rows)) WG_TRY(wgi_copy_rows_renew(rows, &fresh, err));
    const wg_code code = write_now(fresh != NULL ? fresh : rows, err);
    wgi_copy_rows_destroy(fresh);
    return code == WG_OK ? wgi_copy_parts_behind(rows->copier, rows->last, rows->last_at, err) : code;
}
