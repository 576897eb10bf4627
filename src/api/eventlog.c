/* The event log of a run and its consumers: see worldgraph.h. */
#include "api/api_internal.h"

static wg_slice text_of(const char *s) { return wg_slice_of(s, s == NULL ? 0 : strlen(s)); }

wg_code wg_eventlog_append(wg_run *run, const char *type, const wg_value *payload, uint64_t *out_sequence,
                           wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    if (payload == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_eventlog_append: payload is NULL");
    const wg_event_write event = {.type = type, .payload = *payload};
    return wg_log_append(&run->run, &event, 1, out_sequence, err);
}

wg_code wg_eventlog_append_many(wg_run *run, const wg_event_write *events, uint32_t n, uint64_t *out_first_sequence,
                                wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    return wg_log_append(&run->run, events, n, out_first_sequence, err);
}

wg_code wg_eventlog_length(wg_run *run, uint64_t *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    return wg_log_length(&run->run, out, err);
}

wg_code wg_eventlog_read(wg_run *run, uint64_t sequence, wg_event_item *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    return wg_log_read(&run->run, sequence, out, err);
}

wg_code wg_eventlog_range(wg_run *run, const wg_event_range *range, wg_event_fn fn, void *ctx, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    if (fn == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_eventlog_range: fn is NULL");
    return wg_log_range(&run->run, range, fn, ctx, err);
}

wg_code wg_eventlog_types(wg_run *run, wg_event_type_fn fn, void *ctx, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    if (fn == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_eventlog_types: fn is NULL");
    return wg_log_types(&run->run, fn, ctx, err);
}

wg_code wg_eventlog_hash(wg_run *run, uint64_t sequence, uint8_t out[32], wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    wg_sha256 hash;
    WG_TRY(wg_log_hash(&run->run, sequence, &hash, err));
    memcpy(out, hash.bytes, sizeof hash.bytes);
    return WG_OK;
}

wg_code wg_eventlog_verify(wg_run *run, wg_eventlog_report *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    wg_events_report found;
    WG_TRY(wg_log_verify(&run->run, &found, err));
    *out = (wg_eventlog_report){.valid = found.valid, .length = found.length, .first_invalid = found.first_invalid};
    memcpy(out->head, found.head.bytes, sizeof out->head);
    memcpy(out->reason, found.reason, sizeof out->reason);
    return WG_OK;
}

/* Looks again and again, with longer pauses each time: an append does not know who waits, and so costs nothing for it. */
wg_code wg_eventlog_wait(wg_run *run, uint64_t length, uint32_t timeout_ms, uint64_t *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    enum { FIRST_NS = 20000, LAST_NS = 2000000 };
    wg_platform *p = run->session->db->platform;
    const uint64_t end = p->ops->now_ns(p) + (uint64_t)timeout_ms * 1000000;
    wg_mutex mutex;
    wg_cond never;
    wg_mutex_init(&mutex, WG_RANK_SESSION);
    wg_cond_init(&never);
    uint64_t pause = FIRST_NS;
    uint64_t found = 0;
    wg_code code = wg_log_length(&run->run, &found, err);
    while (code == WG_OK && found <= length && p->ops->now_ns(p) < end) {
        wg_mutex_lock(&mutex);
        (void)wg_cond_wait_for(&never, &mutex, pause);
        wg_mutex_unlock(&mutex);
        pause = pause * 2 < LAST_NS ? pause * 2 : LAST_NS;
        code = wg_log_length(&run->run, &found, err);
    }
    wg_cond_deinit(&never);
    wg_mutex_deinit(&mutex);
    if (code == WG_OK) *out = found;
    return code;
}

/* ---- consumers */

wg_code wg_consumer_get(wg_run *run, const char *consumer, uint64_t *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    return wg_log_consumer_get(&run->run, text_of(consumer), out, err);
}

wg_code wg_consumer_set(wg_run *run, const char *consumer, uint64_t position, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    return wg_log_consumer_set(&run->run, text_of(consumer), position, err);
}

wg_code wg_consumer_list(wg_run *run, wg_consumer_fn fn, void *ctx, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    if (fn == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_consumer_list: fn is NULL");
    return wg_log_consumers(&run->run, fn, ctx, err);
}

wg_code wg_consumer_remove(wg_run *run, const char *consumer, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    return wg_log_consumer_remove(&run->run, text_of(consumer), err);
}
