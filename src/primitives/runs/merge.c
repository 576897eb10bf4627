/* Merging a fork into the run that it came from, in one transaction of the target.
 *
 * Three states count for each key that the source touched: base, what the source saw at its fork; the source now; the target now. Where only the
 * source changed, its value is taken. Where both did, and not to the same value, the policy decides. The target's records are read in its
 * transaction, so whoever changes one of them before the commit makes the merge conflict, and it is tried again.
 *
 * Events: what the source has behind its fork is appended. When the target went on too the order between the two is a matter of opinion: STRICT
 * refuses; the others put the source's behind the target's. */
#include "primitives/runs/family.h"

typedef struct merge {
    wg_agent_run *source;
    wg_agent_run *target;
    wg_merge_policy policy;
    wg_arena arena;
    wgi_key_list keys;
    wgi_lineage line; /* of the source */
    uint32_t meet;    /* index of the target in it */
    uint64_t base;    /* version of the target that the source began from */
    uint64_t base_events;
    wg_state_pin pin;
    wg_state_pin base_pin;
    wg_state_cell theirs; /* the source's */
    wg_state_cell ours;   /* the target's */
    wg_state_cell origin; /* the base's */
    wg_merge_report report;
} merge;

static wg_code find_base(merge *m, wg_error *err) {
    const uint64_t version = wg_state_run_visible(m->source->run);
    WG_TRY(wg_state_pin_acquire(m->source->agent->session, m->source->run, version, &m->pin, err));
    WG_TRY(wgi_lineage_of(m->source, version, &m->arena, &m->line, err));
    for (m->meet = 1; m->meet < m->line.count; m->meet++)
        if (m->line.items[m->meet].run == m->target->run) break;
    if (m->meet >= m->line.count)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "the source is no fork of the target: only a fork can be merged into where it came from");
    m->base = m->line.items[m->meet].version;
    m->base_events = wg_state_run_origin(m->line.items[m->meet - 1].run)->fork_events;
    return wg_state_pin_acquire(m->target->agent->session, m->target->run, m->base, &m->base_pin, err);
}

static bool equal(const wg_state_cell *a, const wg_state_cell *b) {
    if (a->version == 0 || b->version == 0) return a->version == b->version;
    return a->type == b->type && a->expires_us == b->expires_us && wg_slice_equal(a->bytes, b->bytes);
}

static void note_conflict(merge *m, wg_slice key) {
    if (m->report.conflicts++ != 0) return;
    const size_t n = key.size < sizeof m->report.first_conflict - 1 ? key.size : sizeof m->report.first_conflict - 1;
    memcpy(m->report.first_conflict, key.data, n);
    m->report.first_conflict[n] = '\0';
}

static wg_code take_theirs(merge *m, const wg_state_key *key, wg_error *err) {
    if (m->theirs.version == 0) {
        m->report.deleted++;
        return wg_state_txn_delete(m->target->txn, key, WG_VERSION_ANY, err);
    }
    const wg_state_value value = {
        .type = m->theirs.type, .bytes = m->theirs.bytes, .expires_us = m->theirs.expires_us};
    m->report.applied++;
    return wg_state_txn_put(m->target->txn, key, &value, WG_VERSION_ANY, err);
}

static bool theirs_win(const merge *m) {
    switch (m->policy) {
        case WG_MERGE_SOURCE:
            return true;
        case WG_MERGE_LAST: /* a deletion has no time of its own here: it loses to a value */
            return m->theirs.version != 0 && m->theirs.time_us >= m->ours.time_us;
        case WG_MERGE_STRICT:
        case WG_MERGE_TARGET:
        default:
            return false;
    }
}

static wg_code merge_key(merge *m, wg_slice bytes, wg_error *err) {
    wg_state_session *session = m->source->agent->session;
    const wg_state_key theirs = wg_state_key_of(m->source->run, bytes);
    const wg_state_key ours = wg_state_key_of(m->target->run, bytes);
    WG_TRY(wg_state_get(session, m->source->run, &theirs, m->pin.version, 0, &m->theirs, err));
    WG_TRY(wg_state_get(session, m->target->run, &ours, m->base, 0, &m->origin, err));
    WG_TRY(wg_state_txn_get(m->target->txn, &ours, &m->ours, err));
    if (m->theirs.version == 0 && m->origin.version == 0)
        return WG_OK; /* made and deleted again: perhaps forgotten by now */
    if (equal(&m->theirs, &m->origin) || equal(&m->theirs, &m->ours)) {
        m->report.unchanged++;
        return WG_OK;
    }
    if (equal(&m->ours, &m->origin) && m->ours.version <= m->base) return take_theirs(m, &ours, err);
    note_conflict(m, bytes);
    return theirs_win(m) ? take_theirs(m, &ours, err) : WG_OK;
}

/* ---- events */

static wg_code append_one(merge *m, uint64_t sequence, wg_error *err) {
    wg_epoch *epoch = wg_engine_epoch(m->source->agent->engine);
    wg_event event;
    uint64_t given = 0;
    const uint32_t slot = wg_epoch_enter(epoch);
    wg_code code = wg_events_read(wg_state_run_events(m->source->run), sequence, &event, err);
    if (code == WG_OK) {
        const wg_state_value payload = {.type = event.value_type, .bytes = event.payload};
        code = wg_state_txn_append(m->target->txn, event.type, &payload, &given, err);
    }
    wg_epoch_leave(epoch, slot);
    if (code == WG_OK) m->report.events_appended++;
    return code;
}

static wg_code merge_events(merge *m, wg_error *err) {
    const uint64_t theirs = wg_events_count(wg_state_run_events(m->source->run), m->pin.version);
    const uint64_t ours = wg_events_count(wg_state_run_events(m->target->run), wg_state_txn_snapshot(m->target->txn));
    if (theirs <= m->base_events) return WG_OK;
    if (ours > m->base_events && m->policy == WG_MERGE_STRICT)
        return wg_error_set(err, WG_E_CONFLICT, WG_NO_OFFSET,
                            "both runs have events behind the fork at %llu: %llu in the source, %llu in the target",
                            (unsigned long long)m->base_events, (unsigned long long)(theirs - m->base_events),
                            (unsigned long long)(ours - m->base_events));
    WG_TRY(wg_state_txn_reads_events(m->target->txn, err));
    for (uint64_t s = m->base_events; s < theirs; s++) WG_TRY(append_one(m, s, err));
    return WG_OK;
}

/* ---- the whole */

static wg_code merge_all(merge *m, wg_error *err) {
    for (uint32_t i = 0; i < wgi_keys_count(&m->keys); i++) WG_TRY(merge_key(m, wgi_keys_at(&m->keys, i), err));
    if (m->report.conflicts != 0 && m->policy == WG_MERGE_STRICT)
        return wg_error_set(
            err, WG_E_CONFLICT, WG_NO_OFFSET,
            "%llu keys were changed on both sides, the first is '%s': choose another policy or resolve them",
            (unsigned long long)m->report.conflicts, m->report.first_conflict);
    return merge_events(m, err);
}

static wg_code attempt(merge *m, bool *out_again, wg_error *err) {
    wg_mixed_result result = {0};
    m->report = (wg_merge_report){0};
    *out_again = false;
    WG_TRY(wg_agent_begin(m->target, false, m->target->mode, err));
    const wg_code code = merge_all(m, err);
    if (code != WG_OK) {
        wg_agent_rollback(m->target);
        return code;
    }
    const wg_code committed = wg_agent_commit(m->target, NULL, &result, err);
    *out_again = committed == WG_E_CONFLICT;
    m->report.version = result.version;
    return committed;
}

static wg_code run_merge(merge *m, wg_error *err) {
    WG_TRY(wg_agent_read(m->source, err));
    WG_TRY(wg_agent_write(m->target, err));
    WG_TRY(find_base(m, err));
    WG_TRY(wgi_keys_own(&m->keys, &m->line, m->meet, err));
    wgi_keys_sort(&m->keys);
    bool again = true;
    wg_code code = WG_E_CONFLICT;
    for (int i = 0; i < WGI_RUN_TRIES && again; i++) {
        wg_error seen = {0};
        code = attempt(m, &again, &seen);
        if (again) WG_TRY(wg_agent_lost(m->target, err));
        if (code != WG_OK && err != NULL) *err = seen;
    }
    return code;
}

wg_code wg_runs_merge(wg_agent_run *source, wg_agent_run *target, wg_merge_policy policy, wg_merge_report *out,
                      wg_error *err) {
    merge m = {.source = source, .target = target, .policy = policy};
    if (source->agent != target->agent)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "the two runs must be opened in one session");
    if (source->txn != NULL || target->txn != NULL || wg_state_session_has_txn(target->agent->session))
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "a merge is a transaction of its own: end the open one");
    if ((unsigned)policy > WG_MERGE_LAST)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "there is no merge policy %d", (int)policy);
    wg_arena_init(&m.arena, NULL);
    wgi_keys_init(&m.keys, &m.arena);
    const wg_code code = run_merge(&m, err);
    if (out != NULL && (code == WG_OK || code == WG_E_CONFLICT)) *out = m.report;
    if (m.pin.run != NULL) wg_state_pin_release(&m.pin);
    if (m.base_pin.run != NULL) wg_state_pin_release(&m.base_pin);
    wg_state_cell_deinit(&m.theirs);
    wg_state_cell_deinit(&m.ours);
    wg_state_cell_deinit(&m.origin);
    wgi_keys_deinit(&m.keys);
    wg_arena_deinit(&m.arena);
    return code;
}
