/* The event log: appends and reads.
 *
 * Events of the open transaction have no sequence before it commits, so reads show what was committed at its begin; the sequence that an
 * append gives inside a transaction is what it will be unless others append first (SERIALIZABLE: then the commit conflicts). */
#include "primitives/eventlog/eventlog.h"

#include "base/text/text.h"

/* ---- append */

static wg_code check_type(wg_slice type, wg_error *err) {
    if (type.data == NULL || type.size == 0 || type.size > WG_EVENT_TYPE_BYTES_MAX)
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "an event type of %zu bytes: 1 to %d", type.size,
                            (int)WG_EVENT_TYPE_BYTES_MAX);
    if (wg_utf8_valid(type, NULL)) return WG_OK;
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "an event type that is not UTF-8");
}

/* Depth is bounded by wg_value_check, which comes first for lists and maps. */
static bool is_finite(const wg_value *v) {
    if (v->type == WG_TYPE_FLOAT) return v->as.f - v->as.f == 0;
    if (v->type == WG_TYPE_LIST)
        for (uint32_t i = 0; i < v->size; i++)
            if (!is_finite(&v->as.list[i])) return false;
    if (v->type == WG_TYPE_MAP)
        for (uint32_t i = 0; i < v->size; i++)
            if (!is_finite(&v->as.map[i].value)) return false;
    return true;
}

static wg_code encode_event(wg_agent_run *run, const wg_event_write *event, uint8_t small[8], wg_slice *out_type,
                            wg_state_value *out, wg_error *err) {
    *out_type = event->type == NULL ? wg_slice_of(NULL, 0) : wg_slice_of(event->type, strlen(event->type));
    WG_TRY(check_type(*out_type, err));
    WG_TRY(wg_agent_encode(run, &event->payload, small, out, err));
    if (is_finite(&event->payload)) return WG_OK;
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "the payload of an event holds a NaN or an infinity");
}

static wg_code append_in_txn(wg_agent_run *run, const wg_event_write *events, uint32_t n, uint64_t *out_first,
                             wg_error *err) {
    for (uint32_t i = 0; i < n; i++) {
        uint8_t small[8];
        wg_slice type;
        wg_state_value payload;
        uint64_t sequence = 0;
        WG_TRY(encode_event(run, &events[i], small, &type, &payload, err));
        WG_TRY(wg_state_txn_append(run->txn, type, &payload, &sequence, err));
        if (i == 0 && out_first != NULL) *out_first = sequence;
    }
    return WG_OK;
}

static wg_code append_many(wg_agent_run *run, const wg_event_write *events, uint32_t n, uint64_t *out_first,
                           wg_error *err) {
    wg_mixed_result result = {0};
    WG_TRY(wg_agent_begin(run, false, run->mode, err));
    const wg_code code = append_in_txn(run, events, n, NULL, err);
    if (code != WG_OK) {
        wg_agent_rollback(run);
        return code;
    }
    WG_TRY(wg_agent_commit(run, NULL, &result, err));
    if (out_first != NULL) *out_first = result.first_sequence;
    return WG_OK;
}

wg_code wg_log_append(wg_agent_run *run, const wg_event_write *events, uint32_t n, uint64_t *out_first,
                      wg_error *err) {
    uint8_t small[8];
    wg_slice type;
    wg_state_value payload;
    uint64_t sequence = 0;
    WG_TRY(wg_agent_write(run, err));
    if (run->txn != NULL) return append_in_txn(run, events, n, out_first, err);
    if (n == 0) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "no events to append");
    if (n > 1) return append_many(run, events, n, out_first, err);
    WG_TRY(encode_event(run, events, small, &type, &payload, err));
    const wg_state_key key = {.bytes = type};
    if (wg_state_put_is_large(run->agent->session, &key, &payload))
        return append_many(run, events, n, out_first, err);
    WG_TRY(wg_state_append(run->agent->session, run->run, type, &payload, wg_agent_now_us(run->agent), &sequence,
                           NULL, err));
    if (out_first != NULL) *out_first = sequence;
    return wg_agent_settle(run, run->mode, err);
}

/* ---- reads */

/* What the reader may see: the transaction's snapshot, a snapshot of the past, or all that is visible. */
static wg_code count_at(wg_agent_run *run, uint64_t logseq, uint64_t *out, wg_error *err) {
    uint64_t version = 0;
    if (logseq != 0) {
        WG_TRY(wg_agent_version_at(run, logseq, &version, err));
    } else if (run->txn != NULL) {
        if (run->serializable) WG_TRY(wg_state_txn_reads_events(run->txn, err));
        version = wg_state_txn_snapshot(run->txn);
    } else {
        version = wg_state_run_visible(run->run);
    }
    *out = wg_events_count(wg_state_run_events(run->run), version);
    return WG_OK;
}

wg_code wg_log_length(wg_agent_run *run, uint64_t *out, wg_error *err) {
    WG_TRY(wg_agent_read(run, err));
    return count_at(run, 0, out, err);
}

static wg_code item_of(wg_agent_run *run, const wg_event *event, wg_event_item *out, wg_error *err) {
    *out = (wg_event_item){.sequence = event->sequence,
                           .version = event->version,
                           .time_us = event->time_us,
                           .type = (const char *)event->type.data,
                           .type_size = event->type.size};
    return wg_agent_decode(&run->arena, event->value_type, event->payload, &out->payload, err);
}

/* Copies what lies in memory that the epoch guards, so that it lives until the next call. */
static wg_code read_one(wg_agent_run *run, uint64_t sequence, wg_event_item *out, wg_error *err) {
    wg_event event;
    wg_epoch *epoch = wg_engine_epoch(run->agent->engine);
    const uint32_t slot = wg_epoch_enter(epoch);
    wg_code code = wg_events_read(wg_state_run_events(run->run), sequence, &event, err);
    if (code == WG_OK) {
        void *type = wg_arena_copy(&run->arena, event.type.data, event.type.size);
        void *payload = wg_arena_copy(&run->arena, event.payload.data, event.payload.size);
        if (type == NULL || payload == NULL) code = wg_error_nomem(err, event.payload.size);
        event.type.data = type;
        event.payload.data = payload;
    }
    wg_epoch_leave(epoch, slot);
    return code == WG_OK ? item_of(run, &event, out, err) : code;
}

wg_code wg_log_read(wg_agent_run *run, uint64_t sequence, wg_event_item *out, wg_error *err) {
    uint64_t count = 0;
    WG_TRY(wg_agent_read(run, err));
    WG_TRY(count_at(run, 0, &count, err));
    if (sequence >= count)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "the log has %llu events: there is no event %llu",
                            (unsigned long long)count, (unsigned long long)sequence);
    return read_one(run, sequence, out, err);
}

/* ---- ranges */

typedef struct walk {
    wg_agent_run *run;
    const wg_event_range *range;
    wg_slice type;
    uint64_t first; /* [first, end) */
    uint64_t end;
} walk;

static wg_code bounds(walk *w, wg_error *err) {
    const wg_event_range *r = w->range;
    wg_events *events = wg_state_run_events(w->run->run);
    uint64_t count = 0;
    WG_TRY(count_at(w->run, r->at, &count, err));
    w->first = r->from;
    w->end = r->to == 0 || r->to > count ? count : r->to;
    if (r->time_from_us != 0) {
        uint64_t first = 0;
        WG_TRY(wg_events_seek_time(events, r->time_from_us, count, &first, err));
        if (first > w->first) w->first = first;
    }
    if (r->time_to_us != 0) {
        uint64_t end = 0;
        WG_TRY(wg_events_seek_time(events, r->time_to_us, count, &end, err));
        if (end < w->end) w->end = end;
    }
    return WG_OK;
}

/* The next event of the walk from `at` on; UINT64_MAX: none. */
static wg_code step(const walk *w, uint64_t at, uint64_t *out, wg_error *err) {
    *out = UINT64_MAX;
    if (at == UINT64_MAX || at < w->first || at >= w->end) return WG_OK;
    *out = at;
    if (w->type.size == 0) return WG_OK;
    WG_TRY(
        wg_events_next_of_type(wg_state_run_events(w->run->run), w->type, at, w->end, w->range->reverse, out, err));
    if (*out != UINT64_MAX && (*out < w->first || *out >= w->end)) *out = UINT64_MAX;
    return WG_OK;
}

wg_code wg_log_range(wg_agent_run *run, const wg_event_range *range, wg_event_fn fn, void *ctx, wg_error *err) {
    static const wg_event_range all = {0};
    walk w = {.run = run, .range = range != NULL ? range : &all};
    WG_TRY(wg_agent_read(run, err));
    if (w.range->type != NULL) {
        w.type = wg_slice_of(w.range->type, strlen(w.range->type));
        WG_TRY(check_type(w.type, err));
    }
    WG_TRY(bounds(&w, err));
    if (w.first >= w.end) return WG_OK;
    uint64_t at = w.range->reverse ? w.end - 1 : w.first;
    for (uint64_t n = 0; w.range->limit == 0 || n < w.range->limit; n++) {
        wg_event_item item;
        WG_TRY(step(&w, at, &at, err));
        if (at == UINT64_MAX) break;
        wg_arena_reset(&run->arena);
        WG_TRY(read_one(run, at, &item, err));
        if (!fn(ctx, &item)) break;
        at = w.range->reverse ? at - 1 : at + 1; /* below 0 is UINT64_MAX: the end */
    }
    return WG_OK;
}

typedef struct type_call {
    wg_event_type_fn fn;
    void *ctx;
} type_call;

static bool on_type(void *ctx, wg_slice type, uint64_t n) {
    const type_call *call = ctx;
    return call->fn(call->ctx, (const char *)type.data, type.size, n);
}

wg_code wg_log_types(wg_agent_run *run, wg_event_type_fn fn, void *ctx, wg_error *err) {
    type_call call = {.fn = fn, .ctx = ctx};
    uint64_t count = 0;
    WG_TRY(wg_agent_read(run, err));
    WG_TRY(count_at(run, 0, &count, err));
    return wg_events_types(wg_state_run_events(run->run), count, on_type, &call, err);
}

wg_code wg_log_hash(wg_agent_run *run, uint64_t sequence, wg_sha256 *out, wg_error *err) {
    uint64_t count = 0;
    WG_TRY(wg_agent_read(run, err));
    WG_TRY(count_at(run, 0, &count, err));
    if (sequence == UINT64_MAX && count == 0) {
        *out = (wg_sha256){{0}};
        return WG_OK;
    }
    const uint64_t at = sequence == UINT64_MAX ? count - 1 : sequence;
    if (at >= count)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "the log has %llu events: there is no event %llu",
                            (unsigned long long)count, (unsigned long long)at);
    return wg_events_hash(wg_state_run_events(run->run), at, out, err);
}

wg_code wg_log_verify(wg_agent_run *run, wg_events_report *out, wg_error *err) {
    uint64_t count = 0;
    WG_TRY(wg_agent_read(run, err));
    WG_TRY(count_at(run, 0, &count, err));
    return wg_events_verify(wg_state_run_events(run->run), count, out, err);
}
