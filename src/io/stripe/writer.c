/* Writing a stripe: blocks and footer are encoded in memory, bytes go to a temporary file in order, and the rename makes it whole.
 *
 *   header (64) | fragment: block, zeros to 64, block, ... | fragment ... | zeros to 64 | footer | trailer (64)
 *
 * Bytes are written in order, but for the header's minor version, which is known at the end.
 *
 * A fragment is encoded whole before anything of it counts, so that one that does not fit changes nothing. Bytes wait in `pending`
 * until there are 1 MiB of them. A fragment of 16 KiB or more begins at a page: its pages can then leave memory without
 * those of its neighbours.
 *
 * Failure: a failed write or sync makes the writer useless; finish and abort remove the temporary file. Once the rename has been
 * done a failure of the directory's sync removes the file under its name too, as far as that can be done: nobody was told of it. */
#include "io/stripe/stripe_internal.h"

static const uint64_t parts_from_default = UINT64_C(256) << 10;

/* SPARE_BYTES are reserved before zeros are appended: more are never needed at once. */
enum { PENDING_BYTES = 1 << 20, PAGED_BYTES = 4 * WG_ARC1_PAGE, SPARE_BYTES = WG_ARC1_PAGE + WG_ARC1_BLOCK_ALIGN };
_Static_assert((int)WG_FRAGMENT_ROWS_MAX == (int)WG_ARC1_ROWS_MAX, "the format's limit is the contract's");
_Static_assert((int)WG_FRAGMENT_COLUMNS_MAX == (int)WG_ARC1_COLUMNS_MAX, "the format's limit is the contract's");
_Static_assert((int)WG_FRAGMENT_ATTRIBUTES == (int)WG_ARC1_ATTRIBUTES, "the format's limit is the contract's");

struct wg_stripe_writer {
    wg_platform *platform;
    wg_file *file;
    wg_arc1_header header;
    uint64_t capacity;
    wg_account *account;
    wg_arc1_encoder *encoder;
    wg_buf pending;   /* bytes that are not written yet */
    uint64_t written; /* bytes before them */
    wg_buf footer;    /* records so far */
    uint64_t parts_from;
    wg_buf part_crcs;         /* u32 each, of the fragment under way */
    wg_arc1_column *columns;  /* of the fragment under way */
    uint32_t column_capacity; /* of `columns` */
    uint32_t fragment_count;
    wg_fragment_key last;
    bool failed;
    char dir[STRIPE_PATH_BYTES];
    char final[STRIPE_PATH_BYTES];
    char temporary[STRIPE_PATH_BYTES + 8];
};

static int compare_u64(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

int wg_fragment_key_compare(const wg_fragment_key *a, const wg_fragment_key *b) {
    int order = compare_u64(a->kind, b->kind);
    if (order == 0) order = compare_u64(a->owner, b->owner);
    if (order == 0) order = compare_u64(a->run, b->run);
    if (order == 0) order = compare_u64(a->slot, b->slot);
    return order != 0 ? order : compare_u64(a->part, b->part);
}

static void writer_free(wg_stripe_writer *w) {
    WG_ASSERT(w->file == NULL);
    wg_arc1_encoder_destroy(w->encoder);
    wg_buf_deinit(&w->pending);
    wg_buf_deinit(&w->footer);
    wg_buf_deinit(&w->part_crcs);
    wg_free(w->columns);
    wg_free(w);
}

static wg_code spare(wg_stripe_writer *w, wg_error *err) {
    return wg_buf_reserve(&w->pending, SPARE_BYTES) ? WG_OK : wg_error_nomem(err, SPARE_BYTES);
}

/* Appends zeros up to a multiple of `align`. */
static void pad(wg_stripe_writer *w, uint64_t align) {
    const uint64_t from = w->written + w->pending.size;
    const size_t zeros = (size_t)(wg_align_up(from, align) - from);
    WG_ASSERT(zeros <= w->pending.capacity - w->pending.size);
    memset(w->pending.data + w->pending.size, 0, zeros);
    w->pending.size += zeros;
}

static wg_code open_temporary(wg_stripe_writer *w, wg_error *err) {
    const wg_platform_ops *ops = w->platform->ops;
    wg_error first = {0};
    const wg_code code = ops->open(w->platform, w->temporary, WG_OPEN_CREATE_NEW, &w->file, &first);
    if (code == WG_OK) return WG_OK;
    if (code != WG_E_EXISTS)
        return wg_error_set_sys(err, code, first.sys_errno, "cannot create '%.180s'", w->temporary);
    WG_TRY(ops->unlink(w->platform, w->temporary, err)); /* what a crash left */
    return ops->open(w->platform, w->temporary, WG_OPEN_CREATE_NEW, &w->file, err);
}

wg_code wg_stripe_create(wg_platform *platform, const char *dir, uint64_t id, const wg_stripe_options *options,
                         wg_stripe_writer **out, wg_error *err) {
    wg_stripe_writer *w = wg_alloc_zero(options->account, sizeof *w);
    if (w == NULL) return wg_error_nomem(err, sizeof *w);
    w->platform = platform;
    w->account = options->account;
    w->capacity = options->capacity_bytes == 0 ? WG_STRIPE_BYTES_DEFAULT : options->capacity_bytes;
    w->parts_from = options->parts_from == 0 ? parts_from_default : options->parts_from;
    w->header.required = (options->zstd ? WG_ARC1_FEATURE_ZSTD : 0u) |
                         (options->decimals ? WG_ARC1_FEATURE_DECIMAL : 0u) |
                         (options->short_entries ? WG_ARC1_FEATURE_SHORT_ENTRIES : 0u);
    w->header.stripe_id = id;
    memcpy(w->header.store_uuid, options->store_uuid, 16);
    wg_buf_init(&w->pending, options->account);
    wg_buf_init(&w->footer, options->account);
    wg_buf_init(&w->part_crcs, options->account);
    wg_code code;
    WG_TRY_GOTO(wg_stripe_path(dir, id, w->final, sizeof w->final, err));
    memcpy(w->dir, dir, strlen(dir) + 1); /* shorter than the path */
    memcpy(w->temporary, w->final, strlen(w->final));
    memcpy(w->temporary + strlen(w->final), ".tmp", 5);
    WG_TRY_GOTO(wg_arc1_encoder_create(options->zstd, options->plain, options->account, &w->encoder, err));
    wg_arc1_encoder_decimals(w->encoder, options->decimals);
    WG_TRY_GOTO(spare(w, err));
    WG_TRY_GOTO(open_temporary(w, err));
    wg_arc1_header_encode(&w->header, w->pending.data);
    w->pending.size = WG_ARC1_HEADER_BYTES;
    *out = w;
    return WG_OK;
fail:
    writer_free(w);
    return code;
}

uint64_t wg_stripe_bytes(const wg_stripe_writer *writer) { return writer->written + writer->pending.size; }

/* ---- adding */

static wg_code check_head(const wg_stripe_writer *w, const wg_fragment_head *head, const wg_stripe_column *columns,
                          uint32_t column_count, wg_error *err) {
    if (head->row_count > WG_FRAGMENT_ROWS_MAX || column_count > WG_FRAGMENT_COLUMNS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a fragment of %u rows and %u columns is over %d and %d",
                            head->row_count, column_count, WG_FRAGMENT_ROWS_MAX, WG_FRAGMENT_COLUMNS_MAX);
    if (w->fragment_count != 0 && wg_fragment_key_compare(&w->last, &head->key) >= 0)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "fragments of a stripe must come in the order of their keys");
    for (uint32_t i = 1; i < column_count; i++)
        if (columns[i].id <= columns[i - 1].id)
            return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                                "columns of a fragment must come in the order of their ids");
    return WG_OK;
}

/* Columns whose cells are looked up one by one: of rows what tells their visibility and versions, all of what finds rows, and all of agents'
 * records and events, whose bytes readers use where they lie. */
static bool is_point_column(uint32_t kind, uint32_t id) {
    switch (kind) {
        case WG_KIND_ROWS:
        case WG_KIND_DIRECTORY:
        case WG_KIND_KEYS:
        case WG_KIND_ADJACENCY:
        case WG_KIND_STATE:
        case WG_KIND_EVENTS:
            return id >= WG_COLUMN_HEADS;
        default:
            return false;
    }
}

/* Encodes all blocks behind what is pending; offsets are set, checksums are not. */
static wg_code encode_blocks(wg_stripe_writer *w, const wg_fragment_head *head, const wg_stripe_column *columns,
                             uint32_t column_count, wg_error *err) {
    for (uint32_t i = 0; i < column_count; i++) {
        pad(w, WG_ARC1_BLOCK_ALIGN);
        wg_arc1_column *c = &w->columns[i];
        const uint64_t offset = wg_stripe_bytes(w);
        c->id = columns[i].id;
        wg_arc1_encoder_point(w->encoder, is_point_column(head->key.kind, c->id));
        WG_TRY(wg_arc1_encode(w->encoder, &columns[i].vector, head->row_count, c, &w->pending, err));
        WG_TRY(spare(w, err)); /* for the next zeros */
        if (c->stored_bytes != 0) c->offset = offset;
    }
    return WG_OK;
}

/* Moves the blocks from `begin` on so that a large fragment begins at a page. Blocks stay at multiples of 64. */
static void align_blocks(wg_stripe_writer *w, size_t begin, uint32_t column_count) {
    const uint64_t at = w->written + begin;
    const size_t size = w->pending.size - begin;
    const size_t shift = (size_t)(wg_align_up(at, WG_ARC1_PAGE) - at);
    if (size < PAGED_BYTES || shift == 0) return;
    WG_ASSERT(shift <= w->pending.capacity - w->pending.size);
    memmove(w->pending.data + begin + shift, w->pending.data + begin, size);
    memset(w->pending.data + begin, 0, shift);
    w->pending.size += shift;
    for (uint32_t i = 0; i < column_count; i++)
        if (w->columns[i].stored_bytes != 0) w->columns[i].offset += shift;
}

/* Checksums of the parts of one block, behind those of the blocks before it. */
static wg_code sum_parts(wg_stripe_writer *w, wg_arc1_column *c, wg_error *err) {
    if (!wg_arc1_column_has_index(c) || c->stored_bytes < w->parts_from) return WG_OK;
    c->part_count = wg_arc1_part_count(c->stored_bytes);
    if (!wg_buf_reserve(&w->part_crcs, 4 * (size_t)c->part_count))
        return wg_error_nomem(err, 4 * (size_t)c->part_count);
    for (uint64_t at = 0; at < c->stored_bytes; at += WG_ARC1_PART_BYTES) {
        const size_t size = (size_t)wg_min_u64(WG_ARC1_PART_BYTES, c->stored_bytes - at);
        const uint32_t crc =
            wg_arc1_crc(&w->header, c->offset + at, w->pending.data + (c->offset + at - w->written), size);
        (void)wg_buf_append_u32(&w->part_crcs, crc); /* reserved */
    }
    return WG_OK;
}

static wg_code describe(wg_stripe_writer *w, const wg_fragment_head *head, uint32_t column_count, wg_error *err) {
    wg_arc1_fragment f = {.kind = head->key.kind,
                          .owner = head->key.owner,
                          .part = head->key.part,
                          .run = head->key.run,
                          .slot = head->key.slot,
                          .version = head->version,
                          .row_count = head->row_count,
                          .column_count = column_count};
    memcpy(f.attributes, head->attributes, sizeof f.attributes);
    w->part_crcs.size = 0;
    for (uint32_t i = 0; i < column_count; i++) {
        wg_arc1_column *c = &w->columns[i];
        if (c->stored_bytes != 0)
            c->crc = wg_arc1_crc(&w->header, c->offset, w->pending.data + (c->offset - w->written),
                                 (size_t)c->stored_bytes);
        WG_TRY(sum_parts(w, c, err));
    }
    size_t at = 0; /* only now: the buffer moves while it grows */
    for (uint32_t i = 0; i < column_count; i++) {
        w->columns[i].part_crcs = w->columns[i].part_count == 0 ? NULL : w->part_crcs.data + at;
        at += 4 * (size_t)w->columns[i].part_count;
    }
    if (!wg_arc1_fragment_encode(&f, w->columns, &w->footer)) return wg_error_nomem(err, w->footer.size);
    return WG_OK;
}

static bool columns_reserve(wg_stripe_writer *w, uint32_t count) {
    if (count <= w->column_capacity) return true;
    wg_arc1_column *grown = wg_realloc(w->account, w->columns, count * sizeof *grown);
    if (grown == NULL) return false;
    w->columns = grown;
    w->column_capacity = count;
    return true;
}

static wg_code add_pending(wg_stripe_writer *w, const wg_fragment_head *head, const wg_stripe_column *columns,
                           uint32_t column_count, wg_error *err) {
    if (!columns_reserve(w, column_count)) return wg_error_nomem(err, column_count * sizeof *w->columns);
    WG_TRY(spare(w, err));
    pad(w, WG_ARC1_BLOCK_ALIGN);
    const size_t begin = w->pending.size;
    WG_TRY(encode_blocks(w, head, columns, column_count, err));
    align_blocks(w, begin, column_count);
    WG_TRY(describe(w, head, column_count, err));
    const uint64_t file_bytes =
        wg_align_up(wg_stripe_bytes(w), WG_ARC1_BLOCK_ALIGN) + w->footer.size + WG_ARC1_TRAILER_BYTES;
    if (w->fragment_count != 0 && file_bytes > w->capacity)
        return wg_error_set(err, WG_E_CAPACITY, WG_NO_OFFSET,
                            "CapacityExceeded: the stripe would have %llu bytes, %llu are allowed; go on in the next",
                            (unsigned long long)file_bytes, (unsigned long long)w->capacity);
    return WG_OK;
}

static wg_code flush(wg_stripe_writer *w, wg_error *err) {
    WG_ASSERT(w->pending.size != 0);
    const wg_code code =
        w->platform->ops->write_at(w->platform, w->file, w->written, w->pending.data, w->pending.size, err);
    w->failed = code != WG_OK;
    if (w->failed) return code;
    w->written += w->pending.size;
    w->pending.size = 0;
    if (w->pending.capacity > 16 * (size_t)PENDING_BYTES) wg_buf_deinit(&w->pending); /* one large fragment */
    return WG_OK;
}

wg_code wg_stripe_add(wg_stripe_writer *writer, const wg_fragment_head *head, const wg_stripe_column *columns,
                      uint32_t column_count, wg_error *err) {
    WG_ASSERT(writer != NULL);
    if (writer->failed)
        return wg_error_set(err, WG_E_IO, WG_NO_OFFSET, "a write of this stripe has failed; abort it");
    WG_TRY(check_head(writer, head, columns, column_count, err));
    const size_t pending = writer->pending.size, footer = writer->footer.size;
    const wg_code code = add_pending(writer, head, columns, column_count, err);
    wg_arc1_encoder_reset(writer->encoder);
    if (code != WG_OK) { /* as if nothing had been */
        writer->pending.size = pending;
        writer->footer.size = footer;
        return code;
    }
    if (writer->part_crcs.size != 0) writer->header.minor = WG_ARC1_MINOR_PARTS;
    writer->last = head->key;
    writer->fragment_count++;
    return writer->pending.size >= PENDING_BYTES ? flush(writer, err) : WG_OK;
}

/* ---- finishing */

/* The header says the lowest minor version that has all that the file uses, which is known only now. */
static wg_code write_minor(wg_stripe_writer *w, wg_error *err) {
    uint8_t header[WG_ARC1_HEADER_BYTES];
    if (w->header.minor == 0) return WG_OK;
    wg_arc1_header_encode(&w->header, header);
    if (w->written != 0) return w->platform->ops->write_at(w->platform, w->file, 0, header, sizeof header, err);
    memcpy(w->pending.data, header, sizeof header);
    return WG_OK;
}

static wg_code write_end(wg_stripe_writer *w, uint64_t *out_bytes, wg_error *err) {
    WG_TRY(write_minor(w, err));
    const size_t size = SPARE_BYTES + w->footer.size + WG_ARC1_TRAILER_BYTES;
    if (!wg_buf_reserve(&w->pending, size)) return wg_error_nomem(err, size);
    pad(w, WG_ARC1_BLOCK_ALIGN);
    const uint64_t at = wg_stripe_bytes(w);
    const wg_arc1_trailer trailer = {.footer_offset = at,
                                     .footer_bytes = w->footer.size,
                                     .fragment_count = w->fragment_count,
                                     .footer_crc = wg_arc1_crc(&w->header, at, w->footer.data, w->footer.size)};
    uint8_t *to = w->pending.data + w->pending.size;
    if (w->footer.size != 0) memcpy(to, w->footer.data, w->footer.size);
    wg_arc1_trailer_encode(&trailer, &w->header, to + w->footer.size);
    w->pending.size += w->footer.size + WG_ARC1_TRAILER_BYTES;
    *out_bytes = wg_stripe_bytes(w);
    WG_TRY(flush(w, err));
    return w->platform->ops->sync(w->platform, w->file, err);
}

wg_code wg_stripe_finish(wg_stripe_writer *writer, uint64_t *out_bytes, wg_error *err) {
    WG_ASSERT(writer != NULL);
    wg_platform *p = writer->platform;
    uint64_t bytes = 0;
    bool renamed = false;
    wg_code code = writer->failed
                       ? wg_error_set(err, WG_E_IO, WG_NO_OFFSET, "a write of this stripe has failed; it was removed")
                       : write_end(writer, &bytes, err);
    p->ops->close(p, writer->file);
    writer->file = NULL;
    if (code == WG_OK) code = p->ops->rename(p, writer->temporary, writer->final, err);
    renamed = code == WG_OK;
    if (renamed) code = p->ops->sync_directory(p, writer->dir, err);
    if (code != WG_OK) (void)p->ops->unlink(p, renamed ? writer->final : writer->temporary, NULL);
    else *out_bytes = bytes;
    writer_free(writer);
    return code;
}

void wg_stripe_abort(wg_stripe_writer *writer) {
    if (writer == NULL) return;
    wg_platform *p = writer->platform;
    p->ops->close(p, writer->file);
    writer->file = NULL;
    (void)p->ops->unlink(p, writer->temporary, NULL);
    writer_free(writer);
}
