/* Blocks of an answer in temporary files.
 *
 * A file has no name and is mapped as a whole, so cells point into it as they would into memory, and it is gone with the answer or the process. It is
 * filled with zeros before it is mapped: a disk that is full is told then, by a write that fails, and not by a signal when a page of
 * a hole is touched. Blocks are cut off one after the other. What comes back from the disk is the system's to keep, as it is for memory that it has moved to its
 * swap space: the bytes are addresses of this process and have no checksum. A page that the disk cannot read ends the process, like those of mapped stripes. */
#include "exec/answer.h"

#include "exec/spill.h"

enum { EXTENT_BYTES_MIN = 1 << 20, EXTENT_BYTES_MAX = 64 << 20, BLOCK_ALIGN = 64 };

struct wg_answer_extent {
    wg_answer_extent *next;
    uint8_t *data;
    uint64_t bytes;
    uint64_t used;
};

static bool wants(const wg_block_source *source, size_t bytes) {
    const wg_answer *a = source->ctx;
    return a->directory != NULL && !wgi_spill_fits_below(a->account.parent, bytes);
}

static wg_code write_zeros(const wg_answer *a, wg_file *file, uint64_t bytes, wg_error *err) {
    static const uint8_t zeros[1 << 16];
    for (uint64_t at = 0; at < bytes; at += sizeof zeros) {
        const size_t n = (size_t)wg_min_u64(sizeof zeros, bytes - at);
        WG_TRY(a->platform->ops->write_at(a->platform, file, at, zeros, n, err));
    }
    return WG_OK;
}

/* Pages that are written leave the process until somebody reads them. */
static void drop_pages(const wg_answer *a) {
    const wg_answer_extent *e = a->extents;
    if (e != NULL) a->platform->ops->advise(a->platform, e->data, e->used, WG_ADVICE_DROP);
}

static wg_code add_extent(wg_answer *a, uint64_t bytes, wg_error *err) {
    const uint64_t now = wg_answer_file_bytes(a);
    uint64_t size = wg_min_u64(wg_max_u64(EXTENT_BYTES_MIN, now), EXTENT_BYTES_MAX);
    size = wg_align_up(wg_max_u64(size, bytes), EXTENT_BYTES_MIN);
    const uint64_t held = atomic_load_explicit(&a->spilled.bytes_now, memory_order_relaxed);
    if (a->spill_bytes_max != 0 && held + size > a->spill_bytes_max)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET,
                            "the answer needs more than the query's %llu bytes of temporary files; raise "
                            "spill_bytes_max or query_memory_bytes_max, or select less",
                            (unsigned long long)a->spill_bytes_max);
    wg_answer_extent *e = wg_alloc_zero(NULL, sizeof *e);
    if (e == NULL) return wg_error_nomem(err, sizeof *e);
    wg_file *file = NULL;
    void *data = NULL;
    wg_code code = a->platform->ops->open(a->platform, a->directory, WG_OPEN_TEMPORARY, &file, err);
    if (code == WG_OK) code = write_zeros(a, file, size, err);
    if (code == WG_OK) code = a->platform->ops->map_shared(a->platform, file, size, &data, err);
    if (file != NULL) a->platform->ops->close(a->platform, file);
    if (code != WG_OK) {
        wg_free(e);
        return code;
    }
    drop_pages(a);
    *e = (wg_answer_extent){.next = a->extents, .data = data, .bytes = size};
    a->extents = e;
    atomic_fetch_add_explicit(&a->spilled.bytes[WG_SPILL_ANSWER], size, memory_order_relaxed);
    atomic_fetch_add_explicit(&a->spilled.bytes_now, size, memory_order_relaxed);
    atomic_fetch_add_explicit(&a->spilled.files, 1, memory_order_relaxed);
    return WG_OK;
}

static void *take(const wg_block_source *source, size_t bytes) {
    wg_answer *a = source->ctx;
    size_t size;
    if (!wg_add_size(bytes, BLOCK_ALIGN - 1, &size)) return NULL;
    size -= size % BLOCK_ALIGN;
    if (a->extents == NULL || a->extents->bytes - a->extents->used < size) {
        wg_error_clear(&a->error);
        const wg_code code = add_extent(a, size, &a->error);
        if (code == WG_E_MISUSE) { /* this platform maps nothing to be written: memory has to do */
            wg_error_clear(&a->error);
            a->directory = NULL;
        }
        if (code != WG_OK) return NULL;
    }
    uint8_t *block = a->extents->data + a->extents->used;
    a->extents->used += size;
    return block;
}

void wg_answer_init(wg_answer *answer, wg_account *account) {
    *answer = (wg_answer){.source = {.wants = wants, .take = take, .ctx = answer}};
    wg_account_init(&answer->account, account, 0);
}

void wg_answer_open(wg_answer *answer, wg_platform *platform, const char *directory, uint64_t spill_bytes_max) {
    answer->platform = platform;
    answer->directory = directory;
    answer->spill_bytes_max = spill_bytes_max;
    answer->account.source = &answer->source;
    wg_error_clear(&answer->error);
}

void wg_answer_close(wg_answer *answer) {
    drop_pages(answer);
    answer->directory = NULL;
    answer->account.source = NULL;
}

void wg_answer_deinit(wg_answer *answer) {
    wg_answer_close(answer);
    for (wg_answer_extent *e = answer->extents; e != NULL;) {
        wg_answer_extent *next = e->next;
        answer->platform->ops->unmap(answer->platform, e->data, e->bytes);
        wg_free(e);
        e = next;
    }
    answer->extents = NULL;
}

uint64_t wg_answer_file_bytes(const wg_answer *answer) {
    uint64_t bytes = 0;
    for (const wg_answer_extent *e = answer->extents; e != NULL; e = e->next) bytes += e->bytes;
    return bytes;
}

wg_code wg_answer_error(const wg_answer *answer, wg_code code, wg_error *err) {
    if (code != WG_E_NOMEM || answer->error.code == WG_OK) return code;
    if (err != NULL) *err = answer->error;
    return answer->error.code;
}
