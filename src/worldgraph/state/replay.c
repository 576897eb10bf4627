/* The replay of nearly all commits that a log of agents' state holds: one put or one deletion each, in the order of their run's versions.
 *
 * Nobody else uses the state (wg_state_fill_begin), so there are no locks, marks or reservations of lanes here, and a record is written into its slot
 * straight from the log's bytes. What a commit costs are its misses: its slot, what is beside the slot, the log's bytes. So a commit is decoded when it
 * comes, its place is fetched, and it is applied WG_REDO_STEPS commits later. Versions of a run have no gaps, so a commit whose version follows the
 * run's last one cannot be overtaken by another one of the same run; all others are left to redo.c, which sorts.
 *
 * A segment that is full is split by as many levels as the keys to come will need: how many of the last commits were of new keys, times the commits
 * that the rest of the log holds. So a key is copied less than once on average. A guess that is too high costs empty slots: eight times as many as there are
 * keys, sixteen once a sixteenth of the log has been seen.
 *
 * Failure: no memory: WG_E_NOMEM, the caller gives up the state. Bytes that are no single put or deletion are not taken, and say nothing. */
#include "worldgraph/state/commit_internal.h"

enum { SIZE_ONE_BYTE = 128, KEYS_WANTED = 72 /* of a segment, in the end */, RECENT_MAX = 4096, SURE_OF = 16 };

void wg_redo_stream_init(wg_redo_stream *stream, wg_state *state, uint64_t log_bytes) {
    *stream = (wg_redo_stream){.state = state, .bytes_all = log_bytes};
}

bool wg_state_is_filling(const wg_state *state) { return state->filling; }

bool wg_state_page_ahead(wg_state *state) { return wg_page_ahead(state->pages); }

/* ---- decoding */

/* Most are of up to three bytes. */
static inline bool varint_take(wg_slice *from, uint64_t *out) {
    const uint8_t *p = from->data;
    size_t n = 1;
    if (from->size < 3) return false;
    uint64_t v = p[0] & 0x7f;
    if (p[0] >= 128) {
        v |= (uint64_t)(p[1] & 0x7f) << 7;
        n = 2;
        if (p[1] >= 128) {
            v |= (uint64_t)p[2] << 14;
            n = 3;
            if (p[2] >= 128) return wg_varint_take(from, out);
        }
    }
    *out = v;
    *from = wg_slice_of(p + n, from->size - n);
    return true;
}

/* A body whose operation is the only one, short, and sound: as wg_redo_decode and wg_redo_next would have it. */
static bool step_decode(wg_slice body, uint64_t *out_run, uint64_t *out_version, wg_redo_step *out) {
    if (!varint_take(&body, out_run) || !varint_take(&body, out_version) || body.size < 5) return false;
    const uint8_t *p = body.data;
    const uint8_t op = p[0] & 0x7f;
    const bool expires = (p[0] & 0x80) != 0;
    const size_t head = expires ? 12 : 4;
    if ((op != WG_REDO_PUT && op != WG_REDO_DELETE) || p[1] > WG_TYPE_PATH) return false;
    if (p[2] == 0 || p[2] > WGI_KEY_INLINE_MAX || p[3] >= SIZE_ONE_BYTE) return false;
    if (body.size != head + p[2] + p[3]) return false;
    out->deleted = op == WG_REDO_DELETE;
    out->expires_us = expires && !out->deleted ? wg_load_u64le(p + 4) : 0;
    out->type = p[1];
    out->key_bytes = p[2];
    out->value_bytes = p[3];
    out->key = p + head;
    if (out->deleted) return p[3] == 0;
    return wgi_fits(p[2], p[3], out->expires_us != 0);
}

/* ---- applying */

/* Into how many a full segment is split: see above. */
static uint32_t levels_for(const wg_redo_stream *s, uint32_t depth) {
    if (s->bytes_all <= s->bytes || s->recent == 0) return 1;
    const double to_come = (double)(s->bytes_all - s->bytes) * (double)s->commits / (double)s->bytes;
    const double fresh = to_come * (double)s->recent_new / (double)s->recent;
    const double segments = (double)(UINT64_C(1) << depth);
    const double wanted = ((double)WGI_SEGMENT_FULL * segments + fresh) / (KEYS_WANTED * segments);
    const uint32_t most = s->bytes_all / SURE_OF < s->bytes ? WGI_SPLIT_LEVELS_MAX : WGI_SPLIT_LEVELS_MAX - 1;
    uint32_t levels = 1;
    while (levels < most && (double)(1u << levels) < wanted) levels++;
    return levels;
}

static void recent_count(wg_redo_stream *s, bool is_new) {
    s->commits++;
    s->recent++;
    s->recent_new += is_new;
    if (s->recent < RECENT_MAX) return;
    s->recent /= 2;
    s->recent_new /= 2;
}

/* All but word 0, whose place in the slot says whether there is a record. */
static uint64_t image_write(const wg_redo_step *step, wgi_slot *slot) {
    uint64_t word0 = (uint64_t)step->key_bytes << 8 | step->type;
    uint8_t *bytes = (uint8_t *)(uintptr_t)slot + WGI_KEY_AT;
    wgi_store(&slot->words[1], (uint64_t)step->run->origin.number << 8 | step->value_bytes);
    if (step->expires_us == 0) {
        wgi_bytes_copy(bytes, step->key,
                       (size_t)step->key_bytes + step->value_bytes); /* they lie behind each other there too */
        return step->deleted ? word0 | WGI_FLAG_DELETED : word0;
    }
    wgi_bytes_copy(bytes, step->key, step->key_bytes);
    wg_store_u64le(bytes + step->key_bytes, step->expires_us);
    wgi_bytes_copy(bytes + step->key_bytes + 8, step->key + step->key_bytes, step->value_bytes);
    return word0 | WGI_FLAG_EXPIRES;
}

static void record_write(wg_redo_stream *s, const wg_redo_step *step, const wgi_place *place, uint32_t at) {
    wgi_slot *slot = &place->slots[at];
    wgi_side *side = &place->sides[at];
    const uint64_t word0 = wgi_load(&slot->words[0]);
    uint64_t position = 0;
    if (word0 != 0) {
        const wgi_replaced replaced = {wgi_load(&side->history), wgi_load(&side->time_us), word0, step->version};
        position = wgi_history_append(s->state, s->state->replay->writer, slot, &replaced);
    } else {
        place->header->used++;
    }
    recent_count(s, word0 == 0);
    if (step->deleted) wgi_deleted_add(place->header);
    const uint64_t image = image_write(step, slot);
    wgi_store(&side->history, position);
    wgi_store(&side->time_us, step->time_us);
    wgi_store(&slot->words[0], image | step->version << WGI_VERSION_SHIFT);
    atomic_store_explicit(&step->run->newest, step->version, memory_order_release);
}

/* The key's slot, or the empty one that it takes; UINT32_MAX: no slot is empty. */
static uint32_t slot_for(const wgi_place *place, const wg_redo_step *step) {
    const wg_slice key = wg_slice_of(step->key, step->key_bytes);
    const uint32_t run = step->run->origin.number;
    uint32_t at = wgi_home(step->hash);
    for (uint32_t i = 0; i < WGI_SLOTS; i++, at = (at + 1) % WGI_SLOTS) {
        const uint64_t word0 = wgi_load(&place->slots[at].words[0]);
        if (word0 == 0 || wgi_slot_has(&place->slots[at], word0, run, key)) return at;
    }
    return UINT32_MAX;
}

static wg_code step_apply(wg_redo_stream *s, const wg_redo_step *step, wg_error *err) {
    wgi_table *table = s->state->table;
    WG_TRY(wgi_history_reserve(s->state, s->state->replay->writer, 1, err));
    for (;;) {
        const wgi_place place = wgi_place_of(table, step->hash);
        const uint32_t at = slot_for(&place, step);
        const bool is_new = at == UINT32_MAX || wgi_load(&place.slots[at].words[0]) == 0;
        if (at != UINT32_MAX && (!is_new || place.header->used < WGI_SEGMENT_FULL)) {
            if (is_new) wgi_order_is_stale(step->run);
            record_write(s, step, &place, at);
            return WG_OK;
        }
        WG_TRY(wgi_table_grow(table, step->hash, levels_for(s, place.header->depth), err));
    }
}

/* ---- the stream */

static wg_code oldest_apply(wg_redo_stream *s, wg_error *err) {
    const wg_redo_step *step = &s->steps[s->first];
    s->first = (s->first + 1) % WG_REDO_STEPS;
    s->count--;
    return step_apply(s, step, err);
}

wg_code wg_redo_stream_flush(wg_redo_stream *stream, wg_error *err) {
    while (stream->count != 0) WG_TRY(oldest_apply(stream, err));
    stream->run = NULL;
    return WG_OK;
}

bool wg_redo_stream_is_next(wg_redo_stream *stream, uint32_t run, uint64_t version) {
    if (stream->run == NULL || stream->run->origin.number != run) {
        wg_state_run *other = wg_state_run_at(stream->state, run);
        if (other == NULL) return false;
        wgi_touched_forget(other);
        stream->next = wg_state_run_newest(other) + 1;
        for (uint32_t i = 0; i < stream->count; i++) {
            const wg_redo_step *step = &stream->steps[(stream->first + i) % WG_REDO_STEPS];
            if (step->run == other) stream->next = step->version + 1;
        }
        stream->run = other;
    }
    return version == stream->next;
}

wg_code wg_redo_stream_put(wg_redo_stream *stream, wg_slice body, uint64_t time_us, bool *out_taken, wg_error *err) {
    uint64_t run, version;
    *out_taken = false;
    if (stream->count == WG_REDO_STEPS) WG_TRY(oldest_apply(stream, err));
    wg_redo_step *step = &stream->steps[(stream->first + stream->count) % WG_REDO_STEPS];
    if (!step_decode(body, &run, &version, step) || run > WG_STATE_RUNS_MAX || version > WG_VERSION_MAX) return WG_OK;
    if (!wg_redo_stream_is_next(stream, (uint32_t)run, version)) return WG_OK;
    const wgi_table *table = stream->state->table;
    step->run = stream->run;
    step->version = version;
    step->time_us = time_us;
    step->hash = wgi_key_hash(table, step->key, step->key_bytes) ^ step->run->hash_mix;
    const wgi_place place = wgi_place_of(table, step->hash);
    wgi_place_prefetch(&place, step->hash);
    __builtin_prefetch(&place.slots[(wgi_home(step->hash) + 1) % WGI_SLOTS].words[0], 1);
    stream->next++;
    stream->count++;
    stream->bytes += body.size;
    *out_taken = true;
    return WG_OK;
}
