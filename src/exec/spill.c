/* Temporary files of a query, and the bytes of a block of rows.
 *
 * A file has no name (platform: WG_OPEN_TEMPORARY): it lies in the workspace, or in the system's directory for temporary files when the
 * workspace is in memory or only read, and is gone when it is closed, however the query or the process ends. It is made at the
 * first block. Blocks are appended by any thread: a place is claimed by adding to the end, then written.
 *
 * A block, little-endian, private to the process that wrote it, and yet checked like any other file:
 *   0  u32  "WGSP"
 *   4  u32  CRC-32C of bytes 8 to the end
 *   8  u64  offset of the block in the file
 *   16 u32  rows, 1..65,536
 *   20 u32  columns
 *   then for each column:
 *      u32 type, u32 1 when a validity bitmap follows, u64 bytes of cells
 *      the bitmap, (rows + 7) / 8 bytes
 *      the cells: BOOL 1 byte; INT, DATE, FLOAT, ids 8 bytes; STRING a u32 size each, then all bytes; others canonical values
 *
 * Failure modes: a full or failing disk is WG_E_IO, other bytes than those written are WG_E_CORRUPT; both name the directory. */
#include "exec/spill.h"

#include "base/digest/digest.h"

enum { HEADER_BYTES = 24, COLUMN_BYTES = 16, MAGIC = 0x50534757, CELLS_BYTES_MAX = 1 << 30 };

struct wgi_spill {
    const wg_exec_context *context;
    wg_platform *platform;
    wg_account *account;
    wg_spill_counters *counters;
    uint64_t bytes_max;
    wg_spill_user user;
    const char *directory;
    wg_mutex lock; /* making the file; rank WG_RANK_POOL + 3 */
    wg_file *_Atomic file;
    _Atomic uint64_t end;
    _Atomic uint32_t holders;
};

bool wgi_spill_is_possible(const wg_exec_context *context) {
    if (context->txn == NULL || context->spill == NULL) return false;
    for (const wg_account *a = context->account; a != NULL; a = a->parent)
        if (a->bytes_max != 0) return true;
    return false;
}

bool wgi_spill_fits_below(const wg_account *account, uint64_t bytes) {
    for (const wg_account *a = account; a != NULL; a = a->parent) {
        const uint64_t share = a == account ? a->bytes_max / 2 : a->bytes_max / 8 * 7;
        if (a->bytes_max != 0 && wg_account_bytes(a) + bytes > share) return false;
    }
    return true;
}

bool wgi_spill_stays_below(const wg_exec_context *context, uint64_t bytes) {
    return context->txn == NULL || context->spill == NULL || wgi_spill_fits_below(context->account, bytes);
}

bool wgi_spill_wanted(const wg_exec_context *context) { return !wgi_spill_stays_below(context, 0); }

bool wgi_spill_has_room(const wg_exec_context *context, uint64_t bytes) {
    if (context->txn == NULL || context->spill == NULL) return true;
    for (const wg_account *a = context->account; a != NULL; a = a->parent)
        if (a->bytes_max != 0 && wg_account_bytes(a) + bytes > a->bytes_max / 8 * 7) return false;
    return true;
}

wg_code wgi_spill_create(const wg_exec_context *context, wg_spill_user user, wgi_spill **out, wg_error *err) {
    wgi_spill *s = wg_alloc_zero(context->account, sizeof *s);
    if (s == NULL) return wg_error_nomem(err, sizeof *s);
    wg_engine *engine = wg_txn_engine(context->txn);
    s->context = context;
    s->platform = wg_engine_platform(engine);
    s->directory = wg_engine_temporary_directory(engine);
    s->account = context->account;
    s->counters = context->spill;
    s->bytes_max = context->spill_bytes_max;
    s->user = user;
    atomic_init(&s->file, NULL);
    atomic_init(&s->holders, 1);
    wg_mutex_init(&s->lock, WG_RANK_POOL + 3);
    *out = s;
    return WG_OK;
}

void wgi_spill_acquire(wgi_spill *spill) { atomic_fetch_add_explicit(&spill->holders, 1, memory_order_relaxed); }

void wgi_spill_release(wgi_spill *spill) {
    if (spill == NULL || atomic_fetch_sub_explicit(&spill->holders, 1, memory_order_acq_rel) > 1) return;
    spill->platform->ops->close(spill->platform, atomic_load_explicit(&spill->file, memory_order_relaxed));
    const uint64_t bytes = atomic_load_explicit(&spill->end, memory_order_relaxed);
    atomic_fetch_sub_explicit(&spill->counters->bytes_now, bytes, memory_order_relaxed);
    wg_mutex_deinit(&spill->lock);
    wg_free(spill);
}

/* ---- encoding */

static bool put_zeros(wg_buf *out, size_t n, size_t *at) {
    if (!wg_buf_reserve(out, n)) return false;
    *at = out->size;
    memset(out->data + out->size, 0, n);
    out->size += n;
    return true;
}

static uint32_t source_row(const wgi_spill_rows *rows, uint32_t i) {
    return rows->index != NULL ? rows->index[i] : (uint32_t)(rows->first + i);
}

static bool encode_valid(const wgi_spill_rows *rows, const wg_vector *v, wg_buf *out, bool *has_nulls) {
    size_t at;
    *has_nulls = false;
    for (uint32_t i = 0; i < rows->n && v->valid != NULL && !*has_nulls; i++)
        *has_nulls = !wg_vector_is_valid(v, source_row(rows, i));
    if (!*has_nulls) return true;
    if (!put_zeros(out, wg_bit_bytes(rows->n), &at)) return false;
    for (uint32_t i = 0; i < rows->n; i++)
        if (wg_vector_is_valid(v, source_row(rows, i))) wg_bit_set(out->data + at, i);
    return true;
}

static bool encode_words(const wgi_spill_rows *rows, const wg_vector *v, size_t bytes, wg_buf *out) {
    size_t at;
    if (!put_zeros(out, rows->n * bytes, &at)) return false;
    uint8_t *to = out->data + at;
    const uint8_t *from = v->data;
    for (uint32_t i = 0; i < rows->n; i++) {
        const uint32_t row = source_row(rows, i);
        if (!wg_vector_is_valid(v, row)) continue;
        const size_t cell = wg_vector_cell(v, row);
        if (bytes == 8) memcpy(to + (size_t)i * 8, from + cell * 8, 8);
        else to[i] = from[cell];
    }
    return true;
}

static bool encode_strings(const wgi_spill_rows *rows, const wg_vector *v, wg_buf *out) {
    size_t at;
    size_t total = 0;
    if (!put_zeros(out, (size_t)rows->n * 4, &at)) return false;
    for (uint32_t i = 0; i < rows->n; i++) {
        const uint32_t row = source_row(rows, i);
        if (!wg_vector_is_valid(v, row)) continue;
        const wg_str s = ((const wg_str *)v->data)[wg_vector_cell(v, row)];
        wg_store_u32le(out->data + at + (size_t)i * 4, (uint32_t)s.size);
        total += s.size;
    }
    if (!wg_buf_reserve(out, total)) return false;
    for (uint32_t i = 0; i < rows->n; i++) {
        const uint32_t row = source_row(rows, i);
        if (!wg_vector_is_valid(v, row)) continue;
        const wg_str s = ((const wg_str *)v->data)[wg_vector_cell(v, row)];
        if (s.size != 0 && !wg_buf_append(out, s.data, s.size)) return false;
    }
    return true;
}

static bool encode_values(const wgi_spill_rows *rows, const wg_vector *v, wg_buf *out) {
    for (uint32_t i = 0; i < rows->n; i++) {
        const wg_value value = wg_vector_value(v, source_row(rows, i));
        if (!wg_value_encode(out, &value)) return false;
    }
    return true;
}

static bool encode_column(const wgi_spill_rows *rows, const wg_vector *v, wg_buf *out) {
    size_t head;
    bool has_nulls = false;
    if (!put_zeros(out, COLUMN_BYTES, &head)) return false;
    const wg_physical physical = wg_type_physical(v->type);
    if (physical != WG_PHYSICAL_VALUE && !encode_valid(rows, v, out, &has_nulls)) return false;
    const size_t start = out->size;
    bool ok;
    if (physical == WG_PHYSICAL_STR) ok = encode_strings(rows, v, out);
    else if (physical == WG_PHYSICAL_VALUE) ok = encode_values(rows, v, out);
    else ok = encode_words(rows, v, wg_physical_bytes(physical), out);
    if (!ok) return false;
    wg_store_u32le(out->data + head, (uint32_t)v->type);
    wg_store_u32le(out->data + head + 4, has_nulls ? 1 : 0);
    wg_store_u64le(out->data + head + 8, out->size - start);
    return true;
}

/* Everything but the place and the checksum. */
static wg_code encode_body(const wgi_spill_rows *rows, wg_buf *out, wg_error *err) {
    WG_ASSERT(rows->n > 0);
    WG_ASSERT(rows->n <= WGI_SPILL_BLOCK_ROWS_MAX);
    const size_t start = out->size;
    size_t at;
    bool ok = put_zeros(out, HEADER_BYTES, &at);
    for (uint32_t c = 0; c < rows->column_count && ok; c++) ok = encode_column(rows, &rows->columns[c], out);
    if (!ok) return wg_error_nomem(err, out->size - start);
    uint8_t *head = out->data + start;
    wg_store_u32le(head, MAGIC);
    wg_store_u32le(head + 16, rows->n);
    wg_store_u32le(head + 20, rows->column_count);
    return WG_OK;
}

static void seal(uint8_t *block, size_t size, uint64_t offset) {
    wg_store_u64le(block + 8, offset);
    wg_store_u32le(block + 4, wg_crc32(0, block + 8, size - 8));
}

wg_code wgi_spill_encode(const wgi_spill_rows *rows, uint64_t offset, wg_buf *out, wg_error *err) {
    const size_t start = out->size;
    WG_TRY(encode_body(rows, out, err));
    seal(out->data + start, out->size - start, offset);
    return WG_OK;
}

/* ---- decoding */

typedef struct reader {
    wg_slice rest;
    uint64_t offset;
    wg_rows *rows;
    uint32_t n;
} reader;

static wg_code damaged(const reader *r, const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, r->offset,
                        "a block of a temporary file is damaged: %s; the disk or the memory of the machine fails",
                        what);
}

static bool take(reader *r, size_t n, const uint8_t **out) {
    if (r->rest.size < n) return false;
    *out = r->rest.data;
    r->rest.data += n;
    r->rest.size -= n;
    return true;
}

static wg_code decode_strings(const reader *r, wg_column *column, wg_slice cells, wg_error *err) {
    uint64_t total = 0;
    if (cells.size < (size_t)r->n * 4) return damaged(r, "sizes of strings are cut off", err);
    for (uint32_t i = 0; i < r->n; i++) total += wg_load_u32le(cells.data + (size_t)i * 4);
    const size_t head = (size_t)r->n * 4;
    if (total != cells.size - head) return damaged(r, "strings do not fill their column", err);
    const char *bytes = total == 0 ? NULL : wg_arena_copy(column->strings, cells.data + head, (size_t)total);
    if (total != 0 && bytes == NULL) return wg_error_nomem(err, (size_t)total);
    for (uint32_t i = 0; i < r->n; i++) {
        const uint32_t size = wg_load_u32le(cells.data + (size_t)i * 4);
        ((wg_str *)column->data)[i] = (wg_str){bytes, size};
        if (bytes != NULL) bytes += size;
    }
    return WG_OK;
}

static wg_code decode_values(const reader *r, wg_column *column, wg_slice cells, wg_error *err) {
    wg_slice copy = {0};
    if (cells.size != 0) {
        copy = wg_slice_of(wg_arena_copy(column->strings, cells.data, cells.size), cells.size);
        if (copy.data == NULL) return wg_error_nomem(err, cells.size);
    }
    wg_arena *strings = column->strings;
    column->strings = NULL; /* the values point into the copy */
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < r->n && code == WG_OK; i++) {
        wg_value v;
        code = wg_value_decode(&copy, strings, &v, err);
        const bool fits =
            code != WG_OK || v.type == WG_TYPE_NULL || column->type == WG_TYPE_ANY || column->type == (wg_type)v.type;
        if (!fits) code = damaged(r, "a value has another type than its column", err);
        if (code == WG_OK && !wg_column_append_value(column, &v)) code = wg_error_nomem(err, sizeof v);
    }
    column->strings = strings;
    if (code == WG_OK && copy.size != 0) code = damaged(r, "bytes are left behind the values", err);
    return code;
}

static wg_code decode_words(const reader *r, wg_column *column, wg_slice cells, wg_error *err) {
    const size_t bytes = wg_physical_bytes(wg_type_physical(column->type));
    if (cells.size != (size_t)r->n * bytes) return damaged(r, "cells do not fill their column", err);
    memcpy(column->data, cells.data, cells.size);
    for (uint32_t i = 0; i < r->n && bytes == 1; i++)
        if (cells.data[i] > 1) return damaged(r, "a BOOL is neither 0 nor 1", err);
    return WG_OK;
}

static wg_code decode_column(reader *r, wg_column *column, wg_error *err) {
    const uint8_t *head;
    const uint8_t *valid = NULL;
    if (!take(r, COLUMN_BYTES, &head)) return damaged(r, "it is cut off", err);
    const uint32_t nulls = wg_load_u32le(head + 4);
    const uint64_t bytes = wg_load_u64le(head + 8);
    const wg_physical physical = wg_type_physical(column->type);
    if (wg_load_u32le(head) != (uint32_t)column->type) return damaged(r, "a column has another type", err);
    if (nulls > 1 || (nulls == 1 && physical == WG_PHYSICAL_VALUE)) return damaged(r, "unknown flags", err);
    if (nulls == 1 && !take(r, wg_bit_bytes(r->n), &valid)) return damaged(r, "it is cut off", err);
    const uint8_t *data;
    if (bytes > CELLS_BYTES_MAX || !take(r, (size_t)bytes, &data)) return damaged(r, "it is cut off", err);
    const wg_slice cells = wg_slice_of(data, (size_t)bytes);
    /* A value takes at least one byte: the claim of rows is held against the bytes before memory is taken. */
    if (physical == WG_PHYSICAL_VALUE && cells.size < r->n) return damaged(r, "values are cut off", err);
    if (physical != WG_PHYSICAL_VALUE && cells.size < (size_t)r->n * (physical == WG_PHYSICAL_BOOL ? 1 : 4))
        return damaged(r, "cells are cut off", err);
    if (!wg_column_reserve(column, r->n)) return wg_error_nomem(err, r->n * sizeof(wg_value));
    if (physical == WG_PHYSICAL_VALUE) return decode_values(r, column, cells, err);
    if (valid != NULL) {
        column->valid = wg_alloc(column->account, wg_bit_bytes(column->capacity) + 8);
        if (column->valid == NULL) return wg_error_nomem(err, column->capacity);
        memset(column->valid, 0xff, wg_bit_bytes(column->capacity) + 8);
        memcpy(column->valid, valid, wg_bit_bytes(r->n));
        column->null_count = r->n - (uint32_t)wg_bit_count(valid, r->n);
    }
    WG_TRY(physical == WG_PHYSICAL_STR ? decode_strings(r, column, cells, err) : decode_words(r, column, cells, err));
    column->row_count = r->n;
    return WG_OK;
}

wg_code wgi_spill_decode(wg_slice bytes, uint64_t offset, const wg_type *types, uint32_t column_count,
                         wg_account *account, wg_rows **out, wg_error *err) {
    reader r = {.rest = bytes, .offset = offset};
    const uint8_t *head;
    if (!take(&r, HEADER_BYTES, &head) || wg_load_u32le(head) != MAGIC)
        return damaged(&r, "no block begins here", err);
    if (wg_load_u32le(head + 4) != wg_crc32(0, head + 8, bytes.size - 8))
        return damaged(&r, "its checksum differs", err);
    r.n = wg_load_u32le(head + 16);
    if (wg_load_u64le(head + 8) != offset) return damaged(&r, "it belongs to another place", err);
    if (r.n == 0 || r.n > WGI_SPILL_BLOCK_ROWS_MAX) return damaged(&r, "its number of rows is out of range", err);
    if (wg_load_u32le(head + 20) != column_count) return damaged(&r, "its number of columns differs", err);
    wg_code code = WG_OK;
    WG_TRY(wgi_rows_create(types, column_count, account, &r.rows, err));
    r.rows->row_count = r.n;
    for (uint32_t c = 0; c < column_count; c++) WG_TRY_GOTO(decode_column(&r, &r.rows->columns[c], err));
    if (r.rest.size != 0) WG_TRY_GOTO(damaged(&r, "bytes are left at its end", err));
    *out = r.rows;
    return WG_OK;
fail:
    wg_rows_destroy(r.rows);
    return code;
}

/* ---- files */

static wg_code the_file(wgi_spill *s, wg_file **out, wg_error *err) {
    wg_file *file = atomic_load_explicit(&s->file, memory_order_acquire);
    wg_code code = WG_OK;
    if (file == NULL) {
        wg_mutex_lock(&s->lock);
        file = atomic_load_explicit(&s->file, memory_order_acquire);
        if (file == NULL) {
            code = s->platform->ops->open(s->platform, s->directory, WG_OPEN_TEMPORARY, &file, err);
            if (code == WG_OK) {
                atomic_store_explicit(&s->file, file, memory_order_release);
                atomic_fetch_add_explicit(&s->counters->files, 1, memory_order_relaxed);
            }
        }
        wg_mutex_unlock(&s->lock);
    }
    *out = file;
    return code;
}

static wg_code claim(wgi_spill *s, uint64_t bytes, uint64_t *out, wg_error *err) {
    const uint64_t now = atomic_fetch_add_explicit(&s->counters->bytes_now, bytes, memory_order_relaxed) + bytes;
    if (s->bytes_max != 0 && now > s->bytes_max) {
        atomic_fetch_sub_explicit(&s->counters->bytes_now, bytes, memory_order_relaxed);
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET,
                            "the query needs more than its %llu bytes of temporary files; raise spill_bytes_max or "
                            "query_memory_bytes_max, or select less",
                            (unsigned long long)s->bytes_max);
    }
    *out = atomic_fetch_add_explicit(&s->end, bytes, memory_order_relaxed);
    return WG_OK;
}

wg_code wgi_spill_write(wgi_spill *spill, const wgi_spill_rows *rows, wgi_spill_block *out, wg_error *err) {
    wg_buf buf;
    wg_file *file;
    uint64_t offset = 0;
    wg_buf_init(&buf, spill->account);
    wg_code code = WG_OK;
    WG_TRY_GOTO(wgi_check(spill->context, err));
    WG_TRY_GOTO(the_file(spill, &file, err));
    WG_TRY_GOTO(encode_body(rows, &buf, err));
    if (buf.size > UINT32_MAX) /* 65,536 rows of 64 KiB */
        WG_TRY_GOTO(wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a block of rows has more than 4 GiB"));
    WG_TRY_GOTO(claim(spill, buf.size, &offset, err));
    seal(buf.data, buf.size, offset);
    WG_TRY_GOTO(spill->platform->ops->write_at(spill->platform, file, offset, buf.data, buf.size, err));
    atomic_fetch_add_explicit(&spill->counters->bytes[spill->user], buf.size, memory_order_relaxed);
    *out = (wgi_spill_block){.offset = offset, .bytes = (uint32_t)buf.size, .rows = rows->n};
fail:
    wg_buf_deinit(&buf);
    return code;
}

wg_code wgi_spill_read_for(wgi_spill *spill, const wgi_spill_block *block, const wg_type *types,
                           uint32_t column_count, wg_account *account, wg_rows **out, wg_error *err) {
    wg_file *file = atomic_load_explicit(&spill->file, memory_order_acquire);
    uint8_t *bytes = wg_alloc(spill->account, block->bytes);
    if (bytes == NULL) return wg_error_nomem(err, block->bytes);
    size_t got = 0;
    wg_code code = WG_OK;
    wg_rows *rows = NULL;
    WG_TRY_GOTO(spill->platform->ops->read_at(spill->platform, file, block->offset, bytes, block->bytes, &got, err));
    WG_TRY_GOTO(wgi_spill_decode(wg_slice_of(bytes, got), block->offset, types, column_count, account, &rows, err));
    if (rows->row_count == block->rows) *out = rows;
    else code = wg_error_set(err, WG_E_CORRUPT, block->offset, "a block of a temporary file is not the one written");
    if (code != WG_OK) wg_rows_destroy(rows);
fail:
    wg_free(bytes);
    return code;
}

wg_code wgi_spill_read(wgi_spill *spill, const wgi_spill_block *block, const wg_type *types, uint32_t column_count,
                       wg_rows **out, wg_error *err) {
    return wgi_spill_read_for(spill, block, types, column_count, spill->account, out, err);
}
