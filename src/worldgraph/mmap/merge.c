/* Merging: what the inputs hold of the newest fragments, written again in key order.
 *
 * The view of the set, as it was described last, lists the newest fragment of each key, so a merge walks it and takes the fragments whose stripe is an
 * input; what is older, superseded, or newer elsewhere is left behind, which is how garbage goes. The walk is in key order,
 * so the outputs have disjoint ranges and are the same whatever the order of the inputs.
 *
 *   ROWS part 0        newer ends folded in, dead rows dropped (merge_rows.c)
 *   ROWS part 1        copied, unless the rows are an input too and have taken it in
 *   KEYS, ADJACENCY    complete neighbouring runs become one (merge_runs.c, merge_keys.c); pieces of a run that is not all there are copied
 *   STATE              the same, without records that nobody sees (merge_state.c); of agents' runs that are gone nothing, EVENTS neither
 *   all others         copied
 *
 * Memory: one fragment, and for joined runs one batch of each column of each run. Failure, pause and the caller's stop come
 * between fragments; the sink then removes every file that was made. */
#include "worldgraph/mmap/merge_internal.h"

#define PAUSE_POLL_NS UINT64_C(10000000)

uint64_t wgi_fragment_bytes(const wg_fragment *fragment) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < fragment->column_count; i++) bytes += fragment->columns[i].stored_bytes;
    return bytes;
}

bool wgi_merge_has(const wgi_merge *m, const wg_fragment *fragment) {
    const uint32_t slot = wgi_view_slot(m->view, wg_stripe_id(fragment->stripe));
    WG_ASSERT(slot != UINT32_MAX);
    return m->is_input[slot] != 0;
}

wg_code wgi_merge_step(wgi_merge *m, uint64_t bytes, wg_error *err) {
    const wg_merge_input *in = m->input;
    m->done += bytes;
    for (;;) {
        if (in->progress != NULL && !in->progress(in->ctx, m->done, m->total))
            return wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "compaction was stopped after %llu of %llu bytes",
                                (unsigned long long)m->done, (unsigned long long)m->total);
        if (in->pacer == NULL) return WG_OK;
        const uint64_t now = m->platform->ops->now_ns(m->platform);
        const uint64_t wait = wg_pacer_wait_ns(in->pacer, in->policy, in->job->level, bytes, now);
        if (wait == 0) return WG_OK;
        if (wait != UINT64_MAX) {
            in->wait(in->ctx, wait);
            return WG_OK;
        }
        in->wait(in->ctx, PAUSE_POLL_NS);
    }
}

/* ---- what is read for a merge alone should not push out what queries use, so it goes again at once */

static bool is_away(const wg_fragment *f) {
    if (f == NULL) return false;
    return atomic_load_explicit(&wg_fragment_cache_entry(f)->residency, memory_order_relaxed) > WG_L1_CPU_WARM;
}

static void let_go(const wgi_merge *m, const wg_fragment *f, bool was_away) {
    wg_cache *cache = m->input->set->cache;
    if (was_away && cache != NULL) (void)wg_cache_demote(cache, wg_fragment_cache_entry(f));
}

/* ---- the walk */

static bool is_run(const wg_fragment *f) {
    const uint32_t kind = f->head.key.kind;
    return kind == WG_KIND_KEYS || kind == WG_KIND_ADJACENCY || kind == WG_KIND_STATE;
}

static bool same_owner(const wg_fragment *a, const wg_fragment *b) {
    return a->head.key.kind == b->head.key.kind && a->head.key.owner == b->head.key.owner;
}

/* End of the run that begins at `from`; *out_complete: all of it is among the inputs. */
static uint64_t run_end(const wgi_merge *m, uint64_t from, bool *out_complete) {
    const wg_fragment *const *f = m->view->fragments;
    uint64_t at = from;
    *out_complete = true;
    for (; at < m->view->fragment_count && same_owner(f[at], f[from]) && f[at]->head.key.run == f[from]->head.key.run;
         at++)
        *out_complete = *out_complete && wgi_merge_has(m, f[at]);
    return at;
}

static wg_code copy_input(wgi_merge *m, const wg_fragment *fragment, wg_error *err) {
    if (!wgi_merge_has(m, fragment)) return WG_OK;
    const bool was_away = is_away(fragment);
    WG_TRY(wgi_merge_copy(m, fragment, err));
    let_go(m, fragment, was_away);
    return wgi_merge_step(m, wgi_fragment_bytes(fragment), err);
}

/* Joins the complete runs from `at` on; an incomplete one is copied piece by piece. */
static wg_code merge_runs(wgi_merge *m, uint64_t at, uint64_t *out_next, wg_error *err) {
    const wg_fragment *const *f = m->view->fragments;
    bool complete;
    uint64_t end = run_end(m, at, &complete);
    if (!complete) {
        for (uint64_t i = at; i < end; i++) WG_TRY(copy_input(m, f[i], err));
        *out_next = end;
        return WG_OK;
    }
    while (end < m->view->fragment_count && same_owner(f[at], f[end])) {
        const uint64_t next = run_end(m, end, &complete);
        if (!complete) break;
        end = next;
    }
    *out_next = end;
    const bool was_away = is_away(f[at]);
    const uint32_t kind = f[at]->head.key.kind;
    WG_TRY(kind == WG_KIND_KEYS    ? wgi_merge_keys(m, at, end, err)
           : kind == WG_KIND_STATE ? wgi_merge_state(m, at, end, err)
                                   : wgi_merge_adjacency(m, at, end, err));
    for (uint64_t i = at; i < end; i++) let_go(m, f[i], was_away);
    return WG_OK;
}

/* ROWS at position `at`, and the newer ends of the slot behind them. */
static wg_code merge_rows(wgi_merge *m, uint64_t at, uint64_t *out_next, wg_error *err) {
    const wg_fragment *rows = m->view->fragments[at];
    const wg_fragment *ends = at + 1 < m->view->fragment_count ? m->view->fragments[at + 1] : NULL;
    if (ends != NULL) {
        wg_fragment_key key = rows->head.key;
        key.part = 1;
        if (wg_fragment_key_compare(&ends->head.key, &key) != 0) ends = NULL;
    }
    *out_next = at + 1;
    if (!wgi_merge_has(m, rows)) return WG_OK; /* the ends are next */
    const bool rows_away = is_away(rows);
    const bool ends_away = is_away(ends);
    WG_TRY(wgi_merge_slot(m, rows, ends, err));
    let_go(m, rows, rows_away);
    if (ends != NULL) let_go(m, ends, ends_away);
    uint64_t bytes = wgi_fragment_bytes(rows);
    if (ends != NULL) {
        *out_next = at + 2;
        if (wgi_merge_has(m, ends)) bytes += wgi_fragment_bytes(ends);
    }
    return wgi_merge_step(m, bytes, err);
}

static bool is_gone(const wgi_merge *m, const wg_fragment *f) {
    const uint32_t kind = f->head.key.kind;
    wg_merge_run run = {0};
    if ((kind == WG_KIND_STATE || kind == WG_KIND_EVENTS) && m->input->run_of != NULL)
        m->input->run_of(m->input->ctx, f->head.key.owner, &run);
    return run.gone;
}

static wg_code leave_out(wgi_merge *m, const wg_fragment *f, wg_error *err) {
    if (!wgi_merge_has(m, f)) return WG_OK;
    m->fragments_dropped++;
    return wgi_merge_step(m, wgi_fragment_bytes(f), err);
}

static wg_code merge_walk(wgi_merge *m, wg_error *err) {
    for (uint64_t at = 0; at < m->view->fragment_count;) {
        const wg_fragment *f = m->view->fragments[at];
        if (is_gone(m, f)) {
            WG_TRY(leave_out(m, f, err));
            at++;
        } else if (is_run(f)) {
            WG_TRY(merge_runs(m, at, &at, err));
        } else if (f->head.key.kind == WG_KIND_ROWS && f->head.key.part == 0) {
            WG_TRY(merge_rows(m, at, &at, err));
        } else {
            WG_TRY(copy_input(m, f, err));
            at++;
        }
    }
    return WG_OK;
}

/* ---- entry point */

static wg_code inputs_find(wgi_merge *m, wg_error *err) {
    const wg_compaction_job *job = m->input->job;
    m->is_input = wg_alloc_zero(m->account, m->view->slot_count + (size_t)1);
    if (m->is_input == NULL) return wg_error_nomem(err, m->view->slot_count);
    for (uint32_t i = 0; i < job->input_count; i++) {
        const uint32_t slot = wgi_view_slot(m->view, job->inputs[i]);
        if (slot == UINT32_MAX)
            return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "stripe %llu is not in the set and cannot be merged",
                                (unsigned long long)job->inputs[i]);
        m->is_input[slot] = 1;
    }
    for (uint64_t i = 0; i < m->view->fragment_count; i++)
        if (wgi_merge_has(m, m->view->fragments[i])) m->total += wgi_fragment_bytes(m->view->fragments[i]);
    return WG_OK;
}

static void merge_end(wgi_merge *m) {
    wgi_view_give(m->input->set);
    wg_free(m->slot);
    wg_free(m->is_input);
}

wg_code wg_stripe_merge(wg_platform *platform, const char *dir, const wg_merge_input *input,
                        const wg_stripe_options *options, uint64_t *next_id, wg_merge_output *out, wg_error *err) {
    WG_ASSERT(WG_IMPLIES(input->pacer != NULL, input->wait != NULL));
    WG_ASSERT(WG_IMPLIES(input->pacer != NULL, input->policy != NULL));
    wgi_merge m = {.input = input,
                   .view = wgi_view_take(input->set),
                   .platform = platform,
                   .account = options->account,
                   .sink = {.platform = platform,
                            .dir = dir,
                            .options = *options,
                            .next_id = *next_id,
                            .level = input->job->output_level}};
    const uint64_t capacity = input->job->output_bytes;
    if (capacity != 0 && (options->capacity_bytes == 0 || capacity < options->capacity_bytes))
        m.sink.options.capacity_bytes = capacity;
    wg_code code = WG_OK;
    WG_TRY_GOTO(inputs_find(&m, err));
    WG_TRY_GOTO(merge_walk(&m, err));
    WG_TRY_GOTO(wg_stripe_sink_finish(&m.sink, err));
    *out = (wg_merge_output){.stripes = m.sink.finished,
                             .bytes_read = m.total,
                             .bytes_written = m.sink.bytes_written,
                             .rows_dropped = m.rows_dropped,
                             .fragments_dropped = m.fragments_dropped};
    *next_id = m.sink.next_id;
    m.sink.finished = (wg_buf){0};
    wg_stripe_sink_deinit(&m.sink);
    merge_end(&m);
    return WG_OK;
fail:
    wg_stripe_sink_abort(&m.sink);
    merge_end(&m);
    return code;
}
