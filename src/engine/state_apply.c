/* Replay of agents' state.
 *
 * A commit of the log holds RUN_COMMITs of many lanes: within a run their versions are not in order. So they are gathered, sorted by (run,
 * version) unless they stand so already, and applied together: at the commit's end, and before a RUN_CREATE or RUN_DROP, which stand
 * behind what they build on. Bodies stay where they are, in the commit's payload. A commit without state costs a comparison.
 *
 * Behind an opening, while nobody reads, a commit whose version follows its run's last one is not gathered: nothing can come before it
 * (worldgraph/state/replay.c). With one writer a run that is all of them. Behind the first that is gathered all are, up to the log's commit's end.
 *
 * Failure: what does not fit the state is WG_E_CORRUPT; hostile bodies cost what they are long. */
#include <stdlib.h>

#include "engine/engine_internal.h"

enum { APPLY_AHEAD = 12 };

void wgi_state_pass_init(wgi_state_pass *pass, wg_state *state, uint64_t log_bytes, wg_account *account) {
    *pass = (wgi_state_pass){.state = state, .sorted = true, .streams = wg_state_is_filling(state)};
    wg_redo_stream_init(&pass->stream, state, log_bytes);
    wg_buf_init(&pass->commits, account);
}

void wgi_state_pass_deinit(wgi_state_pass *pass) { wg_buf_deinit(&pass->commits); }

static wg_code bad(wg_error *err, const char *what, uint64_t n) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "mutation does not fit the state of agents: %s %llu", what,
                        (unsigned long long)n);
}

static wgi_state_pass *pass_of(void *ctx) { return ((wgi_apply *)ctx)->state; }

wg_code wgi_apply_time(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_state_pass *pass = pass_of(ctx);
    if (pass == NULL) return bad(err, "a time outside of replay", m->time_us);
    pass->time_us = m->time_us;
    pass->has_time = true;
    return WG_OK;
}

static bool in_order(const wg_redo_commit *a, const wg_redo_commit *b) {
    return a->run < b->run || (a->run == b->run && a->version < b->version);
}

/* A run's streamed commits are noted together, at the latest when the log's commit ends. */
static wg_code streamed_note(wgi_state_pass *pass, uint64_t logseq, wg_error *err) {
    wg_state_run *run = pass->noted;
    pass->noted = NULL;
    if (run == NULL || logseq == 0) return WG_OK;
    return wg_state_run_note(run, logseq, pass->noted_version, err);
}

static wg_code streamed(wgi_state_pass *pass, wg_state_run *run, uint64_t version, uint64_t logseq, wg_error *err) {
    if (pass->noted != run) WG_TRY(streamed_note(pass, logseq, err));
    pass->noted = run;
    pass->noted_version = version;
    pass->count++;
    return WG_OK;
}

static wg_code stream_end(wgi_state_pass *pass, uint64_t logseq, wg_error *err) {
    WG_TRY(wg_redo_stream_flush(&pass->stream, err));
    return streamed_note(pass, logseq, err);
}

/* A commit whose turn it is, but of another shape. */
static wg_code apply_next(wgi_state_pass *pass, const wg_redo_commit *commit, uint64_t logseq, wg_error *err) {
    wg_state_run *run = pass->stream.run;
    WG_TRY(wg_redo_stream_flush(&pass->stream, err));
    WG_TRY(wg_state_apply(pass->state, commit, NULL, err));
    return streamed(pass, run, commit->version, logseq, err);
}

static wg_code gather(wgi_state_pass *pass, const wg_redo_commit *commit, wg_error *err) {
    if (pass->commits.size != 0) {
        const wg_redo_commit *last =
            (const wg_redo_commit *)(const void *)(pass->commits.data + pass->commits.size - sizeof *commit);
        pass->sorted = pass->sorted && in_order(last, commit);
    }
    return wg_buf_append(&pass->commits, commit, sizeof *commit) ? WG_OK : wg_error_nomem(err, sizeof *commit);
}

wg_code wgi_apply_run_commit(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_state_pass *pass = pass_of(ctx);
    wg_redo_commit commit;
    if (pass == NULL || !pass->has_time) return bad(err, "a commit without a time, of bytes", m->redo.size);
    const uint64_t logseq = pass->only ? 0 : ((wgi_apply *)ctx)->begin;
    const bool streams = pass->streams && pass->commits.size == 0;
    bool taken = false;
    if (streams) WG_TRY(wg_redo_stream_put(&pass->stream, m->redo, pass->time_us, &taken, err));
    if (taken) return streamed(pass, pass->stream.run, pass->stream.next - 1, logseq, err);
    WG_TRY(wg_redo_decode(m->redo, pass->time_us, &commit, err));
    if (streams && wg_redo_stream_is_next(&pass->stream, commit.run, commit.version))
        return apply_next(pass, &commit, logseq, err);
    return gather(pass, &commit, err);
}

static int by_run_and_version(const void *x, const void *y) {
    const wg_redo_commit *a = x;
    const wg_redo_commit *b = y;
    return in_order(a, b) ? -1 : in_order(b, a);
}

static wg_code apply_all(wgi_state_pass *pass, uint64_t logseq, wg_error *err) {
    wg_redo_commit *commits = (wg_redo_commit *)(void *)pass->commits.data;
    const size_t count = pass->commits.size / sizeof *commits;
    if (!pass->sorted) qsort(commits, count, sizeof *commits, by_run_and_version);
    wg_redo_ahead ahead[2 * APPLY_AHEAD];
    for (size_t i = 0; i < count && i < APPLY_AHEAD; i++) wg_state_apply_soon(pass->state, &commits[i], &ahead[i]);
    for (size_t i = 0; i < count; i++) {
        const wg_redo_commit *c = &commits[i];
        const size_t soon = i + APPLY_AHEAD;
        if (soon < count) wg_state_apply_soon(pass->state, &commits[soon], &ahead[soon % (2 * APPLY_AHEAD)]);
        wg_state_run *run = wg_state_run_at(pass->state, c->run);
        if (run == NULL && pass->only) continue;
        if (c->run >= wg_state_run_count(pass->state)) return bad(err, "commit of run", c->run);
        if (run == NULL) continue; /* dropped */
        WG_TRY(wg_state_apply(pass->state, c, &ahead[i % (2 * APPLY_AHEAD)], err));
        pass->count++;
        const bool last = i + 1 == count || commits[i + 1].run != c->run;
        if (last && logseq != 0) WG_TRY(wg_state_run_note(run, logseq, wg_state_run_newest(run), err));
    }
    return WG_OK;
}

static wg_code apply_gathered(wgi_state_pass *pass, uint64_t logseq, wg_error *err) {
    wg_code code = stream_end(pass, logseq, err);
    if (code == WG_OK && pass->commits.size != 0) code = apply_all(pass, logseq, err);
    pass->commits.size = 0;
    pass->sorted = true;
    return code;
}

wg_code wgi_apply_run_create(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_state_pass *pass = pass_of(ctx);
    if (pass == NULL) return bad(err, "a run outside of replay", m->number);
    WG_TRY(apply_gathered(pass, ((wgi_apply *)ctx)->begin, err));
    if (m->number < wg_state_run_count(pass->state) || m->number > WG_STATE_RUNS_MAX)
        return bad(err, "run out of order", m->number);
    const wg_state_run *parent = wg_state_run_at(pass->state, m->parent);
    if (parent == NULL) return bad(err, "parent of a run", m->parent);
    const wg_run_origin origin = {
        .number = m->number, .parent = m->parent, .fork_version = m->fork_version, .fork_events = m->fork_events};
    wg_state_run *run = NULL;
    return wg_state_run_create(pass->state, &origin, &run, err);
}

wg_code wgi_apply_run_drop(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_state_pass *pass = pass_of(ctx);
    if (pass == NULL) return bad(err, "a run outside of replay", m->number);
    if (m->number == WG_RUN_SYSTEM || m->number >= wg_state_run_count(pass->state)) return bad(err, "run", m->number);
    WG_TRY(apply_gathered(pass, ((wgi_apply *)ctx)->begin, err));
    wg_state_run_drop(pass->state, m->number); /* one that is dropped already stays so */
    return WG_OK;
}

wg_code wgi_state_pass_end(wgi_state_pass *pass, uint64_t logseq, wg_error *err) {
    pass->has_time = false;
    return apply_gathered(pass, logseq, err);
}
