/* Where fragments go when they are written: a row of stripes, each begun and finished as it fills.
 *
 * A stripe that refuses a fragment because it is full (WG_E_CAPACITY) is finished, and the same fragment opens the next one; a
 * fragment that a new stripe refuses too is the caller's error to see. Every stripe is synced and renamed when it is finished, so
 * what `finished` lists is on the disk; the caller's manifest makes it count.
 *
 * Failure: any error leaves the sink as something that can only be aborted. Abort removes what was made, the stripe whose finish
 * failed included: its rename may have happened before the failure. Files that abort cannot remove are left to the next open,
 * which removes stripes that no manifest names. */
#include "worldgraph/mmap/mmap.h"

enum { SINK_PATH_BYTES = 4160 };

/* Takes a stripe's file away, when it is there; a failure changes nothing that counts. */
static void stripe_unlink(wg_platform *platform, const char *dir, uint64_t id) {
    char path[SINK_PATH_BYTES];
    if (wg_stripe_path(dir, id, path, sizeof path, NULL) == WG_OK) (void)platform->ops->unlink(platform, path, NULL);
}

static uint64_t step_of(const wg_stripe_sink *sink) { return sink->id_step == 0 ? 1 : sink->id_step; }

static wg_code sink_begin(wg_stripe_sink *sink, wg_error *err) {
    WG_ASSERT(sink->writer == NULL);
    WG_TRY(wg_stripe_create(sink->platform, sink->dir, sink->next_id, &sink->options, &sink->writer, err));
    sink->next_id += step_of(sink);
    return WG_OK;
}

/* Finishes the stripe under way, whose number is a step before next_id. */
static wg_code sink_end(wg_stripe_sink *sink, wg_error *err) {
    WG_ASSERT(sink->writer != NULL);
    if (sink->finished.account == NULL) sink->finished.account = sink->options.account;
    if (!wg_buf_reserve(&sink->finished, sizeof(wg_stripe_entry)))
        return wg_error_nomem(err, sizeof(wg_stripe_entry));
    wg_stripe_entry entry = {.id = sink->next_id - step_of(sink), .level = sink->level};
    wg_stripe_writer *writer = sink->writer;
    sink->writer = NULL;
    const wg_code code = wg_stripe_finish(writer, &entry.bytes, err);
    if (code != WG_OK) {
        stripe_unlink(sink->platform, sink->dir, entry.id);
        return code;
    }
    const bool ok = wg_buf_append(&sink->finished, &entry, sizeof entry);
    WG_ASSERT(ok); /* reserved above */
    sink->bytes_written += entry.bytes;
    return WG_OK;
}

wg_code wg_stripe_sink_add(wg_stripe_sink *sink, const wg_fragment_head *head, const wg_stripe_column *columns,
                           uint32_t column_count, wg_error *err) {
    WG_ASSERT(sink->platform != NULL);
    WG_ASSERT(sink->dir != NULL);
    WG_ASSERT(!sink->has_last || wg_fragment_key_compare(&sink->last, &head->key) < 0); /* I1 */
    const bool fresh = sink->writer == NULL;
    if (fresh) WG_TRY(sink_begin(sink, err));
    wg_error refused = {0};
    wg_code code = wg_stripe_add(sink->writer, head, columns, column_count, &refused);
    if (code == WG_E_CAPACITY && !fresh) {
        WG_TRY(sink_end(sink, err));
        WG_TRY(sink_begin(sink, err));
        wg_error_clear(&refused);
        code = wg_stripe_add(sink->writer, head, columns, column_count, &refused);
    }
    if (code != WG_OK) {
        if (err != NULL && err->code == WG_OK) *err = refused;
        return code;
    }
    sink->last = head->key;
    sink->has_last = true;
    return WG_OK;
}

wg_code wg_stripe_sink_finish(wg_stripe_sink *sink, wg_error *err) {
    if (sink->writer == NULL) return WG_OK;
    return sink_end(sink, err);
}

void wg_stripe_sink_abort(wg_stripe_sink *sink) {
    wg_stripe_abort(sink->writer);
    sink->writer = NULL;
    const wg_stripe_entry *made = (const wg_stripe_entry *)(const void *)sink->finished.data;
    for (size_t i = 0; i < sink->finished.size / sizeof *made; i++)
        stripe_unlink(sink->platform, sink->dir, made[i].id);
    wg_stripe_sink_deinit(sink);
}

void wg_stripe_sink_deinit(wg_stripe_sink *sink) {
    WG_ASSERT(sink->writer == NULL); /* finished or aborted before */
    wg_buf_deinit(&sink->finished);
    *sink = (wg_stripe_sink){0};
}
