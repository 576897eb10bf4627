/* The life of a log: create, open with recovery, close, and what can be asked of it.
 *
 * Recovery (wal_scan.c finds, this file acts): segments behind the cut are removed, newest first, and the directory is
 * synced; then everything behind the cut in its segment is overwritten with zeros and synced. In that order a crash in
 * between leaves again a torn tail. A tail that was only skipped would lie in the middle of the log after the next
 * commits. Segments that were perhaps never synced (the process before was killed) are synced before anything is built
 * on them. */
#include "io/wal_store/wal_internal.h"

#include <stdio.h>

static wg_code options_check(const wg_wal_options *in, wg_wal_options *out, wg_error *err) {
    *out = *in;
    if (in->durability != WG_STRICT && in->durability != WG_BUFFERED)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "a log is STRICT or BUFFERED; an in-memory store has none");
    if (out->segment_bytes == 0) out->segment_bytes = WG_WAL_SEGMENT_BYTES_DEFAULT;
    if (out->segment_bytes < WAL_SEGMENT_BYTES_MIN || out->segment_bytes > WAL_SEGMENT_BYTES_MAX)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "log segments of %u bytes: must be %d to %d",
                            out->segment_bytes, WAL_SEGMENT_BYTES_MIN, WAL_SEGMENT_BYTES_MAX);
    out->segment_bytes &= ~(uint32_t)(WAL_SECTOR_BYTES - 1);
    if (out->sync_interval_ms == 0) out->sync_interval_ms = 100;
    if (out->sync_batch_commits == 0) out->sync_batch_commits = 1000;
    if (out->unsynced_bytes_max == 0) out->unsynced_bytes_max = WAL_UNSYNCED_BYTES_DEFAULT;
    if (out->first_segment == 0) out->first_segment = 1;
    return WG_OK;
}

/* An empty first segment is what a crash at the end of wg_wal_create leaves: it may be replaced. */
static wg_code create_check(wg_platform *platform, const char *dir, wg_error *err) {
    const uint8_t uuid[16] = {0};
    wal_scan scan;
    wgi_wal_scan_init(&scan, platform, dir, uuid, NULL);
    wg_code code = wgi_wal_list(platform, dir, &scan.numbers, err);
    bool used = scan.numbers.size > 8;
    if (code == WG_OK && scan.numbers.size == 8) {
        /* The uuid does not matter here: foreign or damaged, the bytes are there or not. */
        wal_header_state state;
        wg_error ignored = {0};
        const wg_code loaded = wgi_wal_scan_load(&scan, wg_load_u64le(scan.numbers.data), &state, &ignored);
        if (loaded == WG_E_IO || loaded == WG_E_NOMEM)
            code = wg_error_set_sys(err, loaded, ignored.sys_errno, "cannot read the log in '%.120s'", dir);
        used = wg_load_u64le(scan.numbers.data) != 1 ||
               wgi_wal_used(scan.bytes.data, scan.bytes.size) > WAL_HEADER_BYTES;
    }
    wgi_wal_scan_deinit(&scan);
    if (code == WG_OK && used)
        return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "'%.150s' already holds a log: open it", dir);
    return code;
}

wg_code wg_wal_create(wg_platform *platform, const char *dir, const wg_wal_options *options, wg_error *err) {
    wg_wal_options checked;
    WG_TRY(options_check(options, &checked, err));
    WG_TRY(create_check(platform, dir, err));
    const wal_header header = {.number = 1, .segment_bytes = checked.segment_bytes, .first_logseq = 1};
    char path[WAL_PATH_BYTES];
    char temporary[WAL_PATH_BYTES + 4];
    WG_TRY(wgi_wal_path(dir, 1, path, err));
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    wg_file *file = NULL;
    /* Made aside: under its own name a first segment is always whole, so a damaged one is never taken for a half-made. */
    WG_TRY(wgi_wal_segment_make(platform, temporary, &header, checked.store_uuid, true, &file, err));
    wg_code code = platform->ops->sync(platform, file, err);
    platform->ops->close(platform, file);
    if (code == WG_OK) code = platform->ops->rename(platform, temporary, path, err);
    if (code == WG_OK) return platform->ops->sync_directory(platform, dir, err);
    platform->ops->unlink(platform, temporary, NULL);
    return code;
}

/* ---- recovery */

static wg_code remove_after(wal_scan *scan, uint64_t keep, wg_error *err) {
    char path[WAL_PATH_BYTES];
    bool removed = false;
    for (size_t i = scan->numbers.size / 8; i > 0; i--) {
        const uint64_t number = wg_load_u64le(scan->numbers.data + 8 * (i - 1));
        if (number <= keep) break;
        wgi_wal_name(scan->dir, number, path);
        WG_TRY(scan->platform->ops->unlink(scan->platform, path, err));
        removed = true;
    }
    return removed ? scan->platform->ops->sync_directory(scan->platform, scan->dir, err) : WG_OK;
}

/* What a trim left: no part of the log any more. Oldest first, like the trim. */
static wg_code remove_below(wal_scan *scan, wg_error *err) {
    char path[WAL_PATH_BYTES];
    for (size_t i = 0; i < scan->numbers.size / 8; i++) {
        const uint64_t number = wg_load_u64le(scan->numbers.data + 8 * i);
        if (number >= scan->start.first_segment) break;
        wgi_wal_name(scan->dir, number, path);
        WG_TRY(scan->platform->ops->unlink(scan->platform, path, err));
    }
    return WG_OK; /* recovery syncs the directory at its end */
}

/* Overwrites everything behind the cut, gives the file its full size back, and syncs it. */
static wg_code wipe_tail(wal_scan *scan, wg_file *file, wg_error *err) {
    const uint64_t from = wal_position_offset(scan->cut);
    const uint64_t used = wgi_wal_used(scan->bytes.data, scan->bytes.size);
    const uint64_t full = scan->header.segment_bytes;
    if (used > from && !WG_CANARY_IS(4)) WG_TRY(wgi_wal_write_zeros(scan->platform, file, from, used - from, err));
    const uint64_t rest = wg_max_u64(wg_max_u64(from, used), scan->file_bytes);
    if (scan->file_bytes < full) WG_TRY(wgi_wal_write_zeros(scan->platform, file, rest, full - rest, err));
    return scan->platform->ops->sync(scan->platform, file, err);
}

static wg_code sync_segment(wal_scan *scan, uint64_t number, wg_error *err) {
    char path[WAL_PATH_BYTES];
    wg_file *file = NULL;
    wgi_wal_name(scan->dir, number, path);
    WG_TRY(scan->platform->ops->open(scan->platform, path, WG_OPEN_WRITE, &file, err));
    const wg_code code = scan->platform->ops->sync(scan->platform, file, err);
    scan->platform->ops->close(scan->platform, file);
    return code;
}

static wg_code recover(wal_scan *scan, wg_wal *wal, wg_file **out, wg_error *err) {
    const uint64_t last = wal_position_segment(scan->cut);
    char path[WAL_PATH_BYTES];
    wal_header_state state;
    WG_TRY(remove_after(scan, last, err));
    WG_TRY(remove_below(scan, err));
    const uint64_t synced = wg_max_u64(scan->start.first_segment, wal_position_segment(scan->durable));
    for (uint64_t number = synced; number < last; number++) WG_TRY(sync_segment(scan, number, err));
    WG_TRY(wgi_wal_scan_load(scan, last, &state, err));
    if (state != WAL_HEADER_VALID)
        return wg_error_set(err, WG_E_CORRUPT, 0, "log segment %llu changed while it was recovered",
                            (unsigned long long)last);
    wgi_wal_name(scan->dir, last, path);
    wg_file *file = NULL;
    WG_TRY(scan->platform->ops->open(scan->platform, path, WG_OPEN_WRITE, &file, err));
    wg_code code = wipe_tail(scan, file, err);
    if (code == WG_OK) wgi_wal_head_open(wal);
    if (code == WG_OK) code = scan->platform->ops->sync_directory(scan->platform, scan->dir, err);
    if (code != WG_OK) {
        scan->platform->ops->close(scan->platform, file);
        return code;
    }
    *out = file;
    return WG_OK;
}

/* ---- open and close */

static void wal_free(wg_wal *wal) {
    const wg_platform_ops *ops = wal->platform->ops;
    wgi_wal_prepare_end(wal);
    if (wal->head_file != NULL) ops->close(wal->platform, wal->head_file);
    for (size_t i = 0; i < wal->retired.count; i++) ops->close(wal->platform, wal->retired.items[i].file);
    wg_free(wal->retired.items);
    if (wal->file != NULL) ops->close(wal->platform, wal->file);
    wgi_wal_chain_end(wal);
    wgi_wal_stage_end(wal);
    wg_free(wal->notes.items);
    wg_buf_deinit(&wal->frame);
    wg_sha256_end(wal->sha, NULL);
    wg_cond_deinit(&wal->wake);
    for (unsigned i = 0; i < 2; i++) wg_signal_deinit(&wal->turn_over[i]);
    wg_signal_deinit(&wal->chores_wanted);
    wg_mutex_deinit(&wal->sync_lock);
    wg_mutex_deinit(&wal->chain_lock);
    wg_mutex_deinit(&wal->append_lock);
    wg_free(wal->dir);
    wg_free(wal);
}

static wg_code wal_make(wg_platform *platform, const char *dir, const wg_wal_options *options, wg_wal **out,
                        wg_error *err) {
    const size_t dir_size = strlen(dir) + 1;
    wg_wal *wal = wg_alloc_zero(options->account, sizeof *wal);
    if (wal == NULL) return wg_error_nomem(err, sizeof *wal);
    wal->dir = wg_alloc(options->account, dir_size);
    if (wal->dir == NULL) {
        wg_free(wal);
        return wg_error_nomem(err, dir_size);
    }
    memcpy(wal->dir, dir, dir_size);
    wal->platform = platform;
    wal->options = *options;
    wg_buf_init(&wal->frame, options->account);
    wgi_wal_chain_init(&wal->chain, options->account, options->after, &options->chain);
    wg_mutex_init(&wal->chain_lock, WG_RANK_WAL_CHAIN);
    wg_mutex_init(&wal->append_lock, WG_RANK_WAL_APPEND);
    wg_mutex_init(&wal->sync_lock, WG_RANK_WAL_SYNC);
    wg_cond_init(&wal->wake);
    for (unsigned i = 0; i < 2; i++) wg_signal_init(&wal->turn_over[i]);
    wg_signal_init(&wal->chores_wanted);
    atomic_store(&wal->noted, UINT64_MAX);
    wal->sha = wg_sha256_begin();
    if (!wgi_wal_chain_make(wal) || wal->sha == NULL) {
        wal_free(wal);
        return wg_error_nomem(err, WAL_CHAIN_QUEUE_BYTES);
    }
    *out = wal;
    return WG_OK;
}

/* Takes over what the scan found; the log then stands where appending goes on. */
static void wal_stand_at(wg_wal *wal, const wal_scan *scan, wg_file *file) {
    wal->file = file;
    wal->number = wal_position_segment(scan->cut);
    wal->segment_bytes = scan->header.segment_bytes;
    wal->segment_crc = scan->segment_crc;
    wal->offset = wal->written_back = (uint32_t)wal_position_offset(scan->cut);
    wal->zeroed = true; /* wipe_tail */
    wal->mark_wanted = scan->last_logseq != 0 && !scan->last_is_mark;
    atomic_store(&wal->last_logseq, scan->last_logseq);
    atomic_store(&wal->durable_logseq, scan->last_logseq);
    atomic_store(&wal->durable_position, scan->cut);
    atomic_store(&wal->place, scan->cut);
    atomic_store(&wal->hashed_logseq, scan->last_logseq);
    wal->chain_reserved = (wal->chain.base_block + wal->chain.block_count) * WAL_CHAIN_BLOCK;
    while (wal->notes.items[wal->notes.count - 1].number > wal->number) wal->notes.count--; /* cut off */
    atomic_store(&wal->segments, wal->notes.count);
}

wg_code wg_wal_open(wg_platform *platform, const char *dir, const wg_wal_options *options, wg_wal_replay_fn replay,
                    void *ctx, wg_wal **out, wg_wal_recovery *recovery, wg_error *err) {
    wg_wal_options checked;
    wg_wal *wal = NULL;
    WG_TRY(options_check(options, &checked, err));
    WG_TRY(wal_make(platform, dir, &checked, &wal, err));
    wal_scan scan;
    wgi_wal_scan_init(&scan, platform, wal->dir, wal->options.store_uuid, options->account);
    scan.replay = replay;
    scan.ctx = ctx;
    scan.chain_out = &wal->chain;
    scan.notes_out = &wal->notes;
    wgi_wal_scan_start_at(&scan, &checked);
    wg_file *file = NULL;
    wg_code code;
    WG_TRY_GOTO(wgi_wal_scan_run(&scan, err));
    WG_TRY_GOTO(recover(&scan, wal, &file, err));
    wal_stand_at(wal, &scan, file);
    wgi_wal_head_write(wal, scan.cut, scan.last_logseq);
    if (checked.durability == WG_BUFFERED) WG_TRY_GOTO(wgi_wal_threads_start(wal, err));
    if (recovery != NULL) *recovery = scan.recovery;
    wgi_wal_scan_deinit(&scan);
    *out = wal;
    return WG_OK;
fail:
    wgi_wal_scan_deinit(&scan);
    wal_free(wal);
    return code;
}

wg_code wg_wal_close(wg_wal *wal, wg_error *err) {
    if (wal == NULL) return WG_OK;
    wgi_wal_threads_stop(wal);
    wg_code code = wgi_wal_poisoned(wal, err);
    if (code == WG_OK && atomic_load(&wal->last_logseq) > atomic_load(&wal->durable_logseq))
        code = wgi_wal_sync_all(wal, err);
    if (code == WG_OK && wal->mark_wanted) {
        code = wgi_wal_append_mark(wal, err);
        if (code == WG_OK) code = wgi_wal_sync_all(wal, err);
    }
    wal_free(wal);
    return code;
}

/* ---- questions */

bool wg_wal_is_poisoned(const wg_wal *wal) { return atomic_load_explicit(&wal->poisoned, memory_order_acquire); }

uint64_t wg_wal_last_logseq(const wg_wal *wal) { return atomic_load(&wal->last_logseq); }
uint64_t wg_wal_durable_logseq(const wg_wal *wal) { return atomic_load(&wal->durable_logseq); }

void wg_wal_metrics_get(const wg_wal *wal, wg_wal_metrics *out) {
    /* What lags is read before what it follows, so that no difference is negative. */
    const uint64_t durable_logseq = atomic_load(&wal->durable_logseq);
    const uint64_t durable_position = atomic_load(&wal->durable_position);
    const uint64_t hashed = atomic_load(&wal->hashed_logseq);
    const uint64_t unsynced_bytes = wgi_wal_unsynced_bytes(wal);
    const uint64_t last = atomic_load(&wal->last_logseq);
    *out = (wg_wal_metrics){
        .appends = atomic_load(&wal->appends),
        .append_bytes = atomic_load(&wal->append_bytes),
        .syncs = atomic_load(&wal->syncs),
        .sync_ns_total = atomic_load(&wal->sync_ns_total),
        .sync_ns_max = atomic_load(&wal->sync_ns_max),
        .commits_per_sync_max = atomic_load(&wal->commits_per_sync_max),
        .segments = atomic_load(&wal->segments),
        .written_bytes = atomic_load(&wal->written),
        .last_logseq = last,
        .durable_logseq = durable_logseq,
        .position = atomic_load(&wal->place),
        .durable_position = durable_position,
        .unsynced_commits = last - durable_logseq,
        .unsynced_bytes = unsynced_bytes,
        .waits = atomic_load(&wal->waits),
        .segments_made = atomic_load(&wal->segments_made),
        .segments_reused = atomic_load(&wal->segments_reused),
        .direct_syncs = atomic_load(&wal->direct_syncs),
        .segments_trimmed = atomic_load(&wal->segments_trimmed),
        .chain_lag = last - hashed,
    };
}

const wg_histogram *wg_wal_sync_histogram(const wg_wal *wal) { return &wal->sync_histogram; }
