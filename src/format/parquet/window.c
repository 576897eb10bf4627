/* The window over the bytes of a column chunk: what a reader needs next, read into one buffer that stays.
 *
 * A reader asks for bytes at rising places: a page header, its body, the next header. What is asked for and not at hand is read together with
 * up to READ_BYTES behind it, so that small pages share a read; what the buffer already holds of it is moved to the front and not read
 * again. Nothing before the place that is asked for is kept. So a scan holds a page of each column and not a chunk, whatever the size of the row
 * groups, and passes over pages that it does not want without reading them.
 *
 * Failure modes: those of the read; WG_E_NOMEM. The place and size are inside of the chunk: who asks has checked them. */
#include "format/parquet/parquet_internal.h"

enum { READ_BYTES = 64 << 10, SLACK_BYTES = 64 };

void wgi_parquet_window_open(wgi_parquet_window *w, const wg_parquet_source *source) {
    w->direct = source->read == NULL ? source->bytes.data : NULL;
    w->read = source->read;
    w->ctx = source->ctx;
    w->base_offset = source->chunk->offset;
    w->total = (size_t)source->chunk->compressed_bytes;
    w->begin = 0;
    w->size = 0;
}

/* Makes room for `bytes` and moves what the buffer holds from `pos` on to its front. */
static bool window_move(wgi_parquet_window *w, size_t pos, size_t bytes) {
    const bool inside = pos >= w->begin && pos - w->begin < w->size;
    const size_t keep = inside ? w->size - (pos - w->begin) : 0;
    const uint8_t *from = inside ? w->buffer.data + (pos - w->begin) : NULL;
    wgi_parquet_scratch old = w->buffer;
    if (bytes + SLACK_BYTES > old.capacity) {
        const size_t capacity = (bytes + SLACK_BYTES + READ_BYTES - 1) / READ_BYTES * READ_BYTES;
        uint8_t *data = wg_alloc(old.account, capacity);
        if (data == NULL) return false;
        w->buffer.data = data;
        w->buffer.capacity = capacity;
    }
    if (keep != 0) memmove(w->buffer.data, from, keep);
    if (w->buffer.data != old.data) wg_free(old.data);
    w->begin = pos;
    w->size = keep;
    return true;
}

wg_code wgi_parquet_window_at(wgi_parquet_window *w, size_t pos, size_t least, wg_slice *out, wg_error *err) {
    const size_t left = w->total - pos;
    const size_t want = wg_min_size(least, left);
    WG_ASSERT(pos <= w->total);
    if (w->read == NULL) {
        *out = wg_slice_of(w->total == 0 ? NULL : w->direct + pos, left);
        return WG_OK;
    }
    if (pos < w->begin || pos - w->begin + want > w->size) {
        const size_t bytes = wg_min_size(wg_max_size(want, READ_BYTES), left);
        if (!window_move(w, pos, bytes)) return wg_error_nomem(err, bytes);
        const size_t more = bytes - w->size;
        WG_TRY(w->read(w->ctx, w->base_offset + pos + w->size, w->buffer.data + w->size, more, err));
        w->bytes_read += more;
        w->size = bytes;
    }
    *out = wg_slice_of(w->buffer.data + (pos - w->begin), w->size - (pos - w->begin));
    return WG_OK;
}
