/* Replay: the log is applied anew to an empty state, and both states are brought into canonical bytes and hashed.
 *
 * Canonical bytes: for each key in order u32 key size | key | u64 version | u64 time | u64 expiry | u8 type | u64 size | value; then for each event
 * u64 sequence | u64 version | u64 time | u32 type size | type | u8 value type | u64 size | payload | 32 bytes hash after it. Two counts stand
 * at the end. Expired keys are in it: whether one has expired depends on who asks when. */
#include "primitives/runs/runs_internal.h"

typedef struct digest {
    wg_sha256_state *sha;
    wg_epoch *epoch;
    uint64_t keys;
    uint64_t events;
} digest;

static void put_slice(digest *d, const void *head, size_t head_size, wg_slice body) {
    wg_sha256_add(d->sha, head, head_size);
    if (body.size != 0) wg_sha256_add(d->sha, body.data, body.size);
}

static void put_row(digest *d, const wg_state_row *row) {
    uint8_t size[4];
    uint8_t head[33];
    wg_store_u32le(size, (uint32_t)row->key.size);
    put_slice(d, size, sizeof size, row->key);
    wg_store_u64le(head, row->version);
    wg_store_u64le(head + 8, row->time_us);
    wg_store_u64le(head + 16, row->expires_us);
    head[24] = row->type;
    wg_store_u64le(head + 25, row->value.size);
    put_slice(d, head, sizeof head, row->value);
    d->keys++;
}

static wg_code put_keys(digest *d, wg_state_session *session, wg_state_run *run, uint64_t version, wg_error *err) {
    const wg_state_range all = {0};
    wg_state_scan *scan = NULL;
    uint32_t n = 1;
    wg_code code = WG_OK;
    WG_TRY(wg_state_scan_open(session, run, &all, version, 0, &scan, err));
    while (code == WG_OK && n != 0) {
        wg_state_row rows[64];
        code = wg_state_scan_next(scan, rows, 64, &n, err);
        for (uint32_t i = 0; code == WG_OK && i < n; i++) put_row(d, &rows[i]);
    }
    wg_state_scan_close(scan);
    return code;
}

static wg_code put_event(digest *d, wg_events *events, uint64_t sequence, wg_error *err) {
    wg_event e;
    wg_sha256 hash;
    uint8_t head[28];
    uint8_t middle[9];
    WG_TRY(wg_events_read(events, sequence, &e, err));
    WG_TRY(wg_events_hash(events, sequence, &hash, err));
    wg_store_u64le(head, e.sequence);
    wg_store_u64le(head + 8, e.version);
    wg_store_u64le(head + 16, e.time_us);
    wg_store_u32le(head + 24, (uint32_t)e.type.size);
    put_slice(d, head, sizeof head, e.type);
    middle[0] = e.value_type;
    wg_store_u64le(middle + 1, e.payload.size);
    put_slice(d, middle, sizeof middle, e.payload);
    wg_sha256_add(d->sha, hash.bytes, sizeof hash.bytes);
    d->events++;
    return WG_OK;
}

static wg_code digest_run(digest *d, wg_state_session *session, wg_state_run *run, uint64_t version, wg_sha256 *out,
                          wg_error *err) {
    uint8_t counts[16];
    wg_events *events = wg_state_run_events(run);
    const uint64_t count = wg_events_count(events, version);
    WG_TRY(put_keys(d, session, run, version, err));
    for (uint64_t i = 0; i < count; i++) {
        const uint32_t slot = wg_epoch_enter(d->epoch);
        const wg_code code = put_event(d, events, i, err);
        wg_epoch_leave(d->epoch, slot);
        WG_TRY(code);
    }
    wg_store_u64le(counts, d->keys);
    wg_store_u64le(counts + 8, d->events);
    wg_sha256_add(d->sha, counts, sizeof counts);
    wg_sha256_finish(d->sha, out);
    return WG_OK;
}

static wg_code digest_of(wg_epoch *epoch, wg_state_session *session, wg_state_run *run, uint64_t version, digest *d,
                         wg_sha256 *out, wg_error *err) {
    *d = (digest){.epoch = epoch, .sha = wg_sha256_begin()};
    if (d->sha == NULL) return wg_error_nomem(err, 128);
    const wg_code code = digest_run(d, session, run, version, out, err);
    wg_sha256_end(d->sha, NULL);
    return code;
}

static wg_code compare(wg_agent_run *run, wg_state *replayed, uint64_t logseq, wg_replay_report *out, wg_error *err) {
    wg_state_session *session = NULL;
    digest d;
    wg_sha256 live;
    wg_sha256 fresh;
    wg_state_run *copy = wg_state_run_at(replayed, run->number);
    if (copy == NULL)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "the run did not exist at snapshot %llu",
                            (unsigned long long)logseq);
    wg_epoch *epoch = wg_engine_epoch(run->agent->engine);
    out->version = wg_state_run_newest(copy);
    WG_TRY(
        digest_of(epoch, run->agent->session, run->run, wg_state_run_version_at(run->run, logseq), &d, &live, err));
    WG_TRY(wg_state_session_open(replayed, &session, err));
    const wg_code code = digest_of(epoch, session, copy, out->version, &d, &fresh, err);
    wg_state_session_close(session);
    WG_TRY(code);
    out->keys = d.keys;
    out->events = d.events;
    out->equal = memcmp(&live, &fresh, sizeof live) == 0;
    memcpy(out->digest, fresh.bytes, sizeof out->digest);
    return WG_OK;
}

wg_code wg_runs_replay(wg_agent_run *run, uint64_t logseq, wg_replay_report *out, wg_error *err) {
    wg_state *replayed = NULL;
    wg_replay_report report = {0};
    WG_TRY(wg_agent_read(run, err));
    WG_TRY(wg_engine_state_drain(run->agent->engine, false, NULL, err));
    WG_TRY(wg_engine_state_replay(run->agent->engine, run->number, logseq, &replayed, &report.logseq, &report.commits,
                                  err));
    const wg_code code = compare(run, replayed, report.logseq, &report, err);
    wg_engine_state_replay_end(replayed);
    WG_TRY(code);
    *out = report;
    return WG_OK;
}
