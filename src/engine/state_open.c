/* Opening and recovering agents' state: rings that a killed process left behind.
 *
 * The workspace's file LOCK, which its user has locked, holds 16 random bytes and the directory of the ring files of the opening that wrote it
 * last (docs/format/ring.md). Behind recovery of the log, what those files hold is checked, becomes one commit of the log, and is applied as
 * a replayed commit would be; then the files go. With durability BUFFERED this opening then notes an id of its own in LOCK: from then on nothing that
 * it acknowledges is lost with its process.
 *
 * Failure: a ring that cannot be taken fails the open, because it holds acknowledged commits; it stays for another try. Where there is no
 * shared memory the rings are in anonymous memory. */
#include "engine/engine_internal.h"

enum { ID_BYTES = 16, LOCK_BYTES_MAX = 400 };
static const char *const ring_dir_default = "/dev/shm";

/* What LOCK says: an id and the directory's name. False: nothing. */
static wg_code lock_read(wg_engine *e, uint8_t id[ID_BYTES], char dir[LOCK_BYTES_MAX], bool *out_found,
                         wg_error *err) {
    uint8_t bytes[LOCK_BYTES_MAX];
    size_t got = 0;
    WG_TRY(e->platform->ops->read_at(e->platform, e->lock_file, 0, bytes, sizeof bytes, &got, err));
    *out_found = got > ID_BYTES && got < sizeof bytes && bytes[ID_BYTES] == '/';
    if (!*out_found) return WG_OK;
    memcpy(id, bytes, ID_BYTES);
    memcpy(dir, bytes + ID_BYTES, got - ID_BYTES);
    dir[got - ID_BYTES] = '\0';
    return WG_OK;
}

/* The same size as before or empty first: a kill in between leaves no mixture of two. */
static wg_code lock_write(wg_engine *e, const uint8_t id[ID_BYTES], const char *dir, wg_error *err) {
    uint8_t bytes[LOCK_BYTES_MAX];
    const size_t size = strlen(dir);
    if (size >= LOCK_BYTES_MAX - ID_BYTES)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the directory of the rings has too long a name");
    memcpy(bytes, id, ID_BYTES);
    memcpy(bytes + ID_BYTES, dir, size);
    WG_TRY(e->platform->ops->truncate(e->platform, e->lock_file, 0, err));
    return e->platform->ops->write_at(e->platform, e->lock_file, 0, bytes, ID_BYTES + size, err);
}

static wg_rings_source source_of(const wg_engine *e, const uint8_t id[ID_BYTES], const char *dir) {
    wg_rings_source s = {.platform = e->platform, .ring_dir = dir, .logseq = e->applied};
    memcpy(s.store_uuid, e->uuid, sizeof s.store_uuid);
    memcpy(s.ring_id, id, ID_BYTES);
    return s;
}

/* ---- taking over */

static wg_code check_records(wg_slice piece, wg_arena *arena, wgi_apply *apply, wg_error *err) {
    while (piece.size != 0) {
        wg_mutation m;
        wg_arena_reset(arena);
        WG_TRY(wg_mutation_decode(&piece, arena, &m, err));
        if (m.kind != WG_MUTATION_TIME && m.kind != WG_MUTATION_RUN_COMMIT)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "ring file: a record is of kind %u",
                                (unsigned)m.kind);
        WG_TRY(wgi_applier.apply[m.kind](apply, &m, err));
    }
    return WG_OK;
}

static wg_code take_rings(wg_engine *e, const wg_rings *rings, wg_arena *arena, wg_error *err) {
    const wg_slice *pieces = NULL;
    const uint32_t count = wg_rings_pieces(rings, &pieces);
    wgi_state_pass pass;
    wgi_apply apply = {.engine = e, .begin = e->applied + 1, .stamp = e->applied + 1, .state = &pass};
    uint64_t logseq = 0;
    wg_code code = WG_OK;
    wgi_state_pass_init(&pass, e->state_log.state, 0, &e->state_account);
    pass.streams = false; /* it is applied once the log has it */
    for (uint32_t i = 0; i < count && code == WG_OK; i++) {
        code = check_records(pieces[i], arena, &apply, err);
        atomic_fetch_add_explicit(&e->state_log.recovered_ring_bytes, pieces[i].size, memory_order_relaxed);
    }
    if (code == WG_OK) code = wg_wal_append(e->wal, pieces, count, &logseq, err);
    if (code == WG_OK) code = wg_wal_wait(e->wal, logseq, err); /* the rings go; and STRICT shows what is durable */
    if (code == WG_OK) {
        const uint32_t slot = wg_epoch_enter(e->epoch);
        e->applied = logseq;
        code = wgi_state_pass_end(&pass, logseq, err);
        wg_epoch_leave(e->epoch, slot);
    }
    wgi_state_pass_deinit(&pass);
    return code;
}

static wg_code take_over(wg_engine *e, const wg_rings_source *source, wg_error *err) {
    wg_rings *rings = NULL;
    WG_TRY(wg_rings_open(source, &rings, err));
    if (rings == NULL) return WG_OK;
    wg_arena arena;
    wg_arena_init(&arena, &e->state_account);
    wg_code code = WG_OK;
    if (wg_rings_pieces(rings, NULL) != 0) code = take_rings(e, rings, &arena, err);
    wg_arena_deinit(&arena);
    wg_rings_close(rings, code == WG_OK);
    if (code == WG_OK) wgi_publish(e, e->applied);
    return code;
}

/* ---- opening */

static void all_runs_are_durable(wg_state *state) {
    const uint32_t count = wg_state_run_count(state);
    for (uint32_t n = 0; n < count; n++) {
        wg_state_run *run = wg_state_run_at(state, n);
        if (run != NULL) wg_state_run_durable(run, wg_state_run_newest(run));
    }
}

static wg_code use_files(wg_engine *e, const char *dir, wg_error *err) {
    uint8_t id[ID_BYTES];
    wg_file_info info;
    if (e->platform->ops->stat(e->platform, dir, &info, NULL) != WG_OK || !info.is_directory) return WG_OK;
    WG_TRY(e->platform->ops->random(e->platform, id, sizeof id, err));
    WG_TRY(lock_write(e, id, dir, err));
    const wg_rings_source source = source_of(e, id, dir);
    return wg_lanes_use_files(e->state_log.lanes, &source, err);
}

wg_code wgi_state_open(wg_engine *engine, const char *ring_dir, wg_error *err) {
    uint8_t id[ID_BYTES];
    char dir[LOCK_BYTES_MAX];
    bool found = false;
    if (engine->platform == wg_platform_real()) { /* others have no memory that is shared */
        WG_TRY(lock_read(engine, id, dir, &found, err));
        if (found) {
            const wg_rings_source source = source_of(engine, id, dir);
            WG_TRY(take_over(engine, &source, err));
        }
        const char *wanted = ring_dir != NULL ? ring_dir : ring_dir_default;
        if (engine->options.durability == WG_BUFFERED && wanted[0] == '/') WG_TRY(use_files(engine, wanted, err));
        else if (found) WG_TRY(engine->platform->ops->truncate(engine->platform, engine->lock_file, 0, err));
    }
    all_runs_are_durable(engine->state_log.state);
    return WG_OK;
}
