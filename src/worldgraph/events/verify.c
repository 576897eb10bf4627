/* Checking a log: the chain is computed anew from event 0 of the oldest log on and held against the hashes that are known; versions and
 * times never fall; the lists by type hold each event once. What is found is a result, not an error; damage in a stripe is a
 * finding too, at the event that cannot be read. */
#include "worldgraph/events/events_internal.h"

typedef struct verify {
    wg_events_report report;
    uint64_t version;
    uint64_t time_us;
} verify;

static void found(verify *v, uint64_t sequence, const char *reason) {
    v->report.valid = false;
    v->report.first_invalid = sequence;
    const size_t size = wg_min_size(strlen(reason), sizeof v->report.reason - 1);
    memcpy(v->report.reason, reason, size);
    v->report.reason[size] = '\0';
}

/* Damage is a finding; other errors are the caller's. */
static wg_code finding(verify *v, uint64_t sequence, wg_code code, const wg_error *damage, wg_error *err) {
    if (code == WG_OK) return WG_OK;
    if (code == WG_E_CORRUPT) {
        found(v, sequence, damage->message);
        return WG_OK;
    }
    if (err != NULL && err->code == WG_OK) *err = *damage;
    return code;
}

/* True: go on. */
static bool event_check(verify *v, const wg_event *event, const wg_sha256 *known, bool new_log) {
    wg_sha256 hash;
    wgi_events_hash_one(&v->report.head, event, &hash);
    if (!new_log && event->version < v->version) found(v, event->sequence, "the version is below the one before");
    else if (event->time_us < v->time_us) found(v, event->sequence, "the time is before that of the event before");
    else if (known != NULL && memcmp(known, &hash, sizeof hash) != 0)
        found(v, event->sequence, "the hash is not that of the event and the hash before");
    if (!v->report.valid) return false;
    v->version = event->version;
    v->time_us = event->time_us;
    v->report.head = hash;
    v->report.length++;
    return true;
}

/* Events [from, to) of one log, at most a batch. */
static wg_code batch_check(verify *v, wg_events *log, uint64_t from, uint64_t to, wg_error *err) {
    wg_sha256 known[WGI_EVENTS_BATCH];
    uint32_t known_count = 0;
    wg_error damage = {0};
    wg_code code = wgi_events_digests_known(log, from, (uint32_t)(to - from), known, &known_count, &damage);
    if (code != WG_OK && code != WG_E_CORRUPT) return finding(v, from, code, &damage, err);
    const wg_code digests_code = code;
    for (uint64_t at = from; at < to; at++) {
        wg_event event;
        if (digests_code != WG_OK && at - from == known_count) return finding(v, at, digests_code, &damage, err);
        wg_error_clear(&damage);
        code = wgi_events_own_event(log, at, &event, &damage);
        if (code != WG_OK) return finding(v, at, code, &damage, err);
        if (!event_check(v, &event, at - from < known_count ? &known[at - from] : NULL, at == log->base))
            return WG_OK;
    }
    return WG_OK;
}

static wg_code part_check(verify *v, wg_events *log, uint64_t hi, wg_error *err) {
    for (uint64_t at = log->base; at < hi && v->report.valid;) {
        const uint64_t slot_end = (at / WG_EVENTS_SLOT + 1) * WG_EVENTS_SLOT;
        const uint64_t to = wg_min_u64(wg_min_u64(hi, slot_end), at + WGI_EVENTS_BATCH);
        const uint32_t reader = wg_epoch_enter(log->epoch);
        const wg_code code = batch_check(v, log, at, to, err);
        wg_epoch_leave(log->epoch, reader);
        WG_TRY(code);
        at = to;
    }
    if (!v->report.valid) return WG_OK;
    uint64_t bad;
    wg_error damage = {0};
    const uint32_t reader = wg_epoch_enter(log->epoch);
    const wg_code code = wgi_events_lists_check(log, hi, &bad, &damage);
    wg_epoch_leave(log->epoch, reader);
    if (code == WG_OK && bad != UINT64_MAX) found(v, bad, "a list of events by type does not agree with the events");
    return finding(v, hi - 1, code, &damage, err);
}

wg_code wg_events_verify(wg_events *events, uint64_t count, wg_events_report *out, wg_error *err) {
    WG_ASSERT(count <= wgi_events_length(events));
    verify v = {.report = {.valid = true, .first_invalid = UINT64_MAX}};
    for (uint64_t from = 0; from < count && v.report.valid;) {
        const wgi_part part = wgi_events_part_of(events, from, count);
        wg_events *log = events;
        while (log != part.log) log = log->parent;
        WG_TRY(part_check(&v, log, part.hi, err));
        from = part.hi;
    }
    *out = v.report;
    return WG_OK;
}
