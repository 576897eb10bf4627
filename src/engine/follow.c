/* Reading a workspace that another process writes: no lock, no byte changed, no right to write needed.
 *
 * The manifest is read, its stripes are mapped, and the log is followed up to where the writer says that it is durable. Between
 * reading the manifest and opening what it names the writer may have replaced both: when opening fails and the manifest is another one by
 * then, opening begins anew. Mapped files stay readable after the writer removed them.
 *
 * wg_engine_follow applies new commits as the only writer of this memory, beside readers. When the log was trimmed before it was read, or
 * memory holds what has long been in stripes, or a commit could not be applied to its end, it says WG_E_EXPIRED: the caller opens
 * another engine for new transactions and keeps this one until the old ones have ended. */
#include "engine/engine_internal.h"

/* ---- opening */

static wg_code follow_log(wg_engine *e, uint64_t *out_commits, wg_error *err) {
    wgi_maintenance *m = &e->maintenance;
    wgi_replay r = {.engine = e, .keep_chain = true};
    wg_arena_init(&r.arena, &e->account);
    wgi_state_pass_init(&r.state, e->state_log.state, 0, &e->account);
    const wg_code code = wg_wal_follower_read(m->follower, wgi_replay_commit, &r, out_commits, err);
    wgi_state_pass_deinit(&r.state);
    wg_arena_deinit(&r.arena);
    return code;
}

static wg_code follow_once(wg_engine *e, wg_error *err) {
    wgi_maintenance *m = &e->maintenance;
    uint64_t commits = 0;
    const uint64_t start = e->platform->ops->now_ns(e->platform);
    WG_TRY(wgi_workspace_manifest(e, err));
    wg_state_fill_begin(e->state_log.state);
    WG_TRY(wgi_recover_stored(e, err));
    const wg_wal_options options = wgi_wal_options(e, 0);
    WG_TRY(wg_wal_follow(e->platform, m->wal_dir, &options, &m->follower, err));
    WG_TRY(follow_log(e, &commits, err));
    wg_state_fill_end(e->state_log.state);
    WG_TRY(wgi_settle_all(e, err));
    WG_TRY(wgi_budget_check(e, err));
    wgi_schema_changed(e, e->applied);
    atomic_store_explicit(&e->published, e->applied, memory_order_release);
    atomic_store_explicit(&m->recovered_commits, commits, memory_order_relaxed);
    atomic_store_explicit(&m->recovery_ns, e->platform->ops->now_ns(e->platform) - start, memory_order_relaxed);
    return WG_OK;
}

static bool newer_manifest(const wg_engine *e, const wgi_manifest *seen, wgi_manifest *found) {
    *found = (wgi_manifest){0};
    wg_error ignored = {0};
    const wg_code code = wgi_manifest_read(e->platform, e->path, found, &ignored);
    wg_buf_deinit(&found->stripes);
    return code == WG_OK && found->epoch > seen->epoch;
}

wg_code wgi_follow_open(wg_engine *engine, bool *out_again, wg_error *err) {
    wg_error local = {0};
    wgi_manifest found;
    *out_again = false;
    const wg_code code = follow_once(engine, &local);
    if (code == WG_OK) return WG_OK;
    /* One that could not be read at all counts as another one: it may have been removed behind CURRENT's back. */
    *out_again = code != WG_E_NOMEM && newer_manifest(engine, &engine->maintenance.manifest, &found);
    if (code == WG_E_NOT_FOUND && engine->maintenance.manifest.epoch == 0)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no workspace at %s", engine->path);
    WG_ASSERT(err != NULL); /* of one attempt, and clean */
    *err = local;
    return code;
}

/* ---- following */

/* The writer has put into stripes what fills the memory here. */
static bool should_reopen(const wg_engine *e) {
    const wgi_maintenance *m = &e->maintenance;
    const uint64_t cap = wgi_heap_cap(e);
    const uint64_t bytes = atomic_load_explicit(&m->log_bytes, memory_order_relaxed);
    const uint64_t limit =
        e->options.checkpoint_log_bytes != 0 ? e->options.checkpoint_log_bytes : UINT64_C(64) << 20;
    wgi_manifest found;
    if ((cap == 0 || wg_account_bytes(&e->account) <= cap / 2) && bytes < limit) return false;
    return newer_manifest(e, &m->manifest, &found) && found.checkpoint.logseq > m->manifest.checkpoint.logseq;
}

static wg_code follow(wg_engine *e, wg_error *err) {
    wgi_maintenance *m = &e->maintenance;
    uint64_t commits = 0;
    wg_error local = {0};
    if (m->follow_broken || should_reopen(e))
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET, "the state in memory is to be read anew");
    wg_code code = follow_log(e, &commits, &local);
    if (code == WG_OK) code = wgi_settle_all(e, &local);
    if (code == WG_OK) code = wgi_budget_check(e, &local);
    /* A commit may be half applied; no reader sees it, and nothing is applied behind it. */
    if (code != WG_OK && code != WG_E_EXPIRED) m->follow_broken = true;
    wgi_schema_changed(e, e->applied); /* whatever it was that the commits changed */
    if (code == WG_OK) atomic_store_explicit(&e->published, e->applied, memory_order_release);
    if (code != WG_OK && err != NULL && err->code == WG_OK) *err = local;
    return code;
}

wg_code wg_engine_follow(wg_engine *engine, uint64_t *out_logseq, wg_error *err) {
    wg_code code = WG_OK;
    if (engine->options.read_only && engine->maintenance.follower != NULL) {
        WG_TRY(wgi_writer_take(engine, err));
        code = follow(engine, err);
        wgi_writer_give(engine);
    }
    if (code == WG_OK && out_logseq != NULL) *out_logseq = wg_engine_logseq(engine);
    return code;
}
