/* Databases, snapshots and sessions: bodies of worldgraph.h. */
#include "api/api_internal.h"

static const uint64_t query_memory_default = UINT64_C(1) << 30;
static const uint64_t plan_cache_default = UINT64_C(16) << 20;

static wg_code check_options(const wg_options *o, wg_error *err) {
    if (o->batch_rows > WG_BATCH_ROWS_MAX)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "batch_rows is %u: at most %d", o->batch_rows,
                            (int)WG_BATCH_ROWS_MAX);
    if (o->durability != WG_STRICT && o->durability != WG_BUFFERED && o->durability != WG_IN_MEMORY)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "durability is none of STRICT, BUFFERED, IN_MEMORY");
    if (o->shards > WG_EXEC_SHARDS_MAX)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "shards is %u: at most %d", o->shards,
                            (int)WG_EXEC_SHARDS_MAX);
    if (o->threads > 1024)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "threads is %u: at most 1024", o->threads);
    return WG_OK;
}

/* Queries get a quarter of the memory budget together; one query what it asks for, within that. */
static void set_query_memory(wg_db *db, const wg_options *o) {
    const uint64_t all = wg_engine_memory_to_split(o) / 4;
    const uint64_t one = all != 0 ? wg_min_u64(all, query_memory_default) : query_memory_default;
    db->query_memory_bytes_max = o->query_memory_bytes_max != 0 ? o->query_memory_bytes_max : one;
    wg_account_init(&db->queries, NULL, all);
}

static wg_code open_plan_cache(wg_db *db, const wg_options *o, wg_error *err) {
    uint64_t bytes = o->plan_cache_bytes_max;
    if (bytes == UINT64_MAX) return WG_OK;
    if (bytes == 0) bytes = plan_cache_default;
    if (o->plan_cache_bytes_max == 0 && o->memory_bytes_max != 0) bytes = wg_min_u64(bytes, o->memory_bytes_max / 64);
    return wg_plan_cache_create(bytes, &db->plans, err);
}

static wg_code copy_path(wg_db *db, const char *path, wg_error *err) {
    if (path == NULL) return WG_OK;
    db->path = wg_alloc(NULL, strlen(path) + 1);
    if (db->path == NULL) return wg_error_nomem(err, strlen(path) + 1);
    memcpy(db->path, path, strlen(path) + 1);
    return WG_OK;
}

static wg_code open_parts(wg_db *db, const char *path, const wg_options *o, wg_error *err) {
    wg_engine *engine = NULL;
    WG_TRY(copy_path(db, path, err));
    WG_TRY(wg_procedures_create(NULL, &db->procedures, err));
    WG_TRY(open_plan_cache(db, o, err));
    WG_TRY(wg_pool_create(db->threads, &db->pool, err));
    const wg_engine_options options = {.options = *o, .pool = db->pool};
    WG_TRY(wg_engine_open(path, &options, &engine, err));
    const wg_code code = wgi_engines_add(db, engine, err);
    if (code != WG_OK) {
        (void)wg_engine_close(engine, NULL);
        return code;
    }
    db->platform = wg_engine_platform(engine);
    memcpy(db->store_uuid, wg_engine_store_uuid(engine), sizeof db->store_uuid);
    return WG_OK;
}

wg_code wg_open(const char *path, const wg_options *options, wg_db **out, wg_error *err) {
    const wg_options o = options != NULL ? *options : (wg_options){0};
    if (out == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_open: out is NULL");
    WG_TRY(check_options(&o, err));
    wg_db *db = wg_alloc_zero(NULL, sizeof *db);
    if (db == NULL) return wg_error_nomem(err, sizeof *db);
    db->threads = o.threads != 0 ? o.threads : wg_cpu_count();
    db->batch_rows = o.batch_rows != 0 ? o.batch_rows : WG_BATCH_ROWS_MAX;
    db->shards = o.shards;
    set_query_memory(db, &o);
    wgi_engines_init(db);
    wgi_turns_init(db);
    const wg_code code = open_parts(db, path, &o, err);
    if (code != WG_OK) {
        (void)wgi_engines_close(db, NULL);
        wg_pool_destroy(db->pool);
        wgi_turns_deinit(db);
        wg_plan_cache_destroy(db->plans);
        wg_procedures_destroy(db->procedures);
        wg_free(db->path);
        wg_free(db);
        return code;
    }
    db->tag = WGI_TAG_DB;
    *out = db;
    return WG_OK;
}

wg_code wg_close(wg_db *db, wg_error *err) {
    if (db == NULL) return WG_OK;
    WGI_CHECK(db, WGI_TAG_DB, "database");
    const uint32_t children = atomic_load_explicit(&db->children, memory_order_relaxed);
    if (children != 0)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "%u sessions, runs, snapshots or results are still open: close them first", children);
    const wg_code code = wgi_engines_close(db, err);
    wg_pool_destroy(db->pool); /* the engine's background uses it to its end */
    wgi_turns_deinit(db);
    wg_plan_cache_destroy(db->plans);
    wg_procedures_destroy(db->procedures);
    db->tag = WGI_TAG_CLOSED;
    wg_free(db->path);
    wg_free(db);
    return code;
}

wg_procedures *wg_db_procedures(wg_db *db) {
    WG_ASSERT(db != NULL);
    return db->procedures;
}

wg_engine *wg_db_engine(wg_db *db) { return db->engine; }
wg_pool *wg_db_pool(wg_db *db) { return db->pool; }

wg_code wg_sync(wg_db *db, wg_error *err) {
    WGI_CHECK(db, WGI_TAG_DB, "database");
    wg_engine *engine = wgi_engine_hold(db);
    const wg_code code = wg_engine_sync(engine, err);
    wgi_engine_drop(db, engine);
    return code;
}

wg_code wg_verify(const char *path, wg_verify_report *out, wg_error *err) {
    if (path == NULL || out == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_verify: path or out is NULL");
    return wg_engine_verify(NULL, path, out, err);
}

uint64_t wg_db_logseq(const wg_db *db) {
    if (db == NULL) return 0;
    wg_db *d; /* logically constant; who holds its engine is not */
    memcpy(&d, &db, sizeof d);
    wg_engine *engine = wgi_engine_hold(d);
    const uint64_t logseq = wg_engine_logseq(engine);
    wgi_engine_drop(d, engine);
    return logseq;
}

/* ---- snapshots */

/* The newest may expire between the look and the pin; then there is a newer one. */
static wg_code snapshot_pin(wg_snapshot *s, uint64_t logseq, wg_error *err) {
    const uint64_t newest = wg_engine_logseq(s->engine);
    if (logseq > newest)
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET, "snapshot %llu is in the future: the newest is %llu",
                            (unsigned long long)logseq, (unsigned long long)newest);
    s->logseq = logseq == 0 ? newest : logseq;
    WG_TRY(wg_engine_pin_acquire(s->engine, s->logseq, &s->pin, err));
    const wg_code code = wg_engine_chain_value(s->engine, s->logseq, &s->chain, NULL);
    if (code == WG_OK) return WG_OK;
    if (code == WG_E_NOMEM) return wg_error_nomem(err, sizeof s->chain);
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the chain value of snapshot %llu cannot be read",
                        (unsigned long long)s->logseq);
}

static void snapshot_free(wg_snapshot *s) {
    wg_engine_pin_release(s->engine, s->pin);
    wgi_engine_drop(s->db, s->engine);
    wg_free(s);
}

wg_code wg_snapshot_acquire(wg_db *db, uint64_t logseq, wg_snapshot **out, wg_error *err) {
    WGI_CHECK(db, WGI_TAG_DB, "database");
    wg_snapshot *s = wg_alloc_zero(NULL, sizeof *s);
    if (s == NULL) return wg_error_nomem(err, sizeof *s);
    s->db = db;
    s->engine = wgi_engine_hold(db);
    const wg_code code = snapshot_pin(s, logseq, err);
    if (code != WG_OK) {
        snapshot_free(s);
        return code;
    }
    s->tag = WGI_TAG_SNAPSHOT;
    atomic_fetch_add_explicit(&db->children, 1, memory_order_relaxed);
    *out = s;
    return WG_OK;
}

void wg_snapshot_release(wg_snapshot *snapshot) {
    if (snapshot == NULL || snapshot->tag != WGI_TAG_SNAPSHOT) return;
    snapshot->tag = WGI_TAG_CLOSED;
    atomic_fetch_sub_explicit(&snapshot->db->children, 1, memory_order_relaxed);
    snapshot_free(snapshot);
}

uint64_t wg_snapshot_logseq(const wg_snapshot *snapshot) { return snapshot == NULL ? 0 : snapshot->logseq; }

void wg_snapshot_uri(const wg_snapshot *snapshot, char out[80]) {
    static const char prefix[] = "oz://snapshot/";
    out[0] = '\0';
    if (snapshot == NULL || snapshot->tag != WGI_TAG_SNAPSHOT) return;
    memcpy(out, prefix, sizeof prefix - 1);
    wg_sha256_hex(&snapshot->chain, out + sizeof prefix - 1);
}

/* ---- sessions */

wg_code wg_session_open(wg_db *db, wg_session **out, wg_error *err) {
    WGI_CHECK(db, WGI_TAG_DB, "database");
    wg_session *s = wg_alloc_zero(NULL, sizeof *s);
    if (s == NULL) return wg_error_nomem(err, sizeof *s);
    s->db = db;
    s->threads = db->threads;
    s->batch_rows = db->batch_rows;
    s->shards = db->shards;
    s->tag = WGI_TAG_SESSION;
    atomic_fetch_add_explicit(&db->children, 1, memory_order_relaxed);
    *out = s;
    return WG_OK;
}

void wg_session_close(wg_session *session) {
    if (session == NULL || session->tag != WGI_TAG_SESSION) return;
    if (session->agent != NULL && session->agent->handles != 0) return; /* wg_close will say that it is still open */
    if (session->txn != NULL) {
        wg_txn_abort(session->txn);
        wgi_session_leave(session);
    }
    wgi_session_close_agent(session);
    wgi_idle_close(session);
    session->tag = WGI_TAG_CLOSED;
    atomic_fetch_sub_explicit(&session->db->children, 1, memory_order_relaxed);
    wg_free(session);
}

static wg_code find_kernels(const char *name, const wg_kernels **out, wg_error *err) {
    wg_isa isa;
    *out = NULL;
    if (strcmp(name, "best") == 0) return WG_OK;
    if (!wg_isa_parse(wg_slice_str(name), &isa))
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "there is no ISA \"%s\": it is best, scalar, avx2, avx512 or neon", name);
    *out = wg_kernels_of(isa);
    if (*out != NULL) return WG_OK;
    return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                        "this machine, or this build, cannot run the ISA %s: the best that it can is %s", name,
                        wg_kernels_best()->name);
}

wg_code wg_session_set_execution(wg_session *session, const wg_execution *execution, wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    if (execution == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_session_set_execution: execution is NULL");
    const wg_execution *e = execution;
    const wg_options o = {.threads = e->threads, .batch_rows = e->batch_rows, .shards = e->shards};
    const wg_kernels *kernels = session->kernels;
    WG_TRY(check_options(&o, err));
    if ((unsigned)e->optimizer > WG_OPTIMIZER_OFF)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "optimizer is none of AS_IS, ON and OFF");
    if (e->isa != NULL) WG_TRY(find_kernels(e->isa, &kernels, err));
    if (e->threads != 0) session->threads = e->threads;
    if (e->batch_rows != 0) session->batch_rows = e->batch_rows;
    if (e->shards != 0) session->shards = e->shards;
    if (e->optimizer != WG_OPTIMIZER_AS_IS) session->optimizer_off = e->optimizer == WG_OPTIMIZER_OFF;
    session->kernels = kernels;
    return WG_OK;
}

wg_code wg_session_set_parallelism(wg_session *session, uint32_t threads, uint32_t batch_rows, wg_error *err) {
    const wg_execution execution = {.threads = threads, .batch_rows = batch_rows};
    return wg_session_set_execution(session, &execution, err);
}

void wg_session_watch(wg_session *session, const wg_exec_watch *watch) { session->watch = watch; }

wg_code wg_session_set_speed_lane(wg_session *session, wg_speed_lane lane, wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    if ((unsigned)lane > WG_SPEED_LANE_ONLY)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "there is no speed lane %d", (int)lane);
    session->lane = lane;
    return WG_OK;
}

wg_code wg_session_set_deadline(wg_session *session, uint32_t milliseconds, wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    session->deadline_ms = milliseconds;
    return WG_OK;
}

void wg_session_cancel(wg_session *session) {
    if (session != NULL) atomic_store_explicit(&session->cancel.cancelled, true, memory_order_relaxed);
}

void wg_session_progress(const wg_session *session, uint64_t *rows_done, uint64_t *rows_total) {
    *rows_done = 0;
    *rows_total = 0;
    if (session == NULL || session->tag != WGI_TAG_SESSION) return;
    if (session->agent != NULL && session->agent->handles != 0) return; /* wg_close will say that it is still open */
    *rows_done = atomic_load_explicit(&session->cancel.rows_done, memory_order_relaxed);
    *rows_total = atomic_load_explicit(&session->cancel.rows_total, memory_order_relaxed);
}

wg_code wg_session_use_snapshot(wg_session *session, wg_snapshot *snapshot, wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    if (snapshot != NULL) {
        WGI_CHECK(snapshot, WGI_TAG_SNAPSHOT, "snapshot");
        if (snapshot->db != session->db)
            return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "the snapshot is of another database");
    }
    if (session->txn != NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "a transaction is open: end it before you change the snapshot");
    session->snapshot = snapshot;
    return WG_OK;
}

/* An open transaction keeps the files of virtual labels that it began with. */
static wg_code refresh_all(wg_engine *engine, wg_error *err) {
    wg_txn *txn = NULL;
    WG_TRY(wg_txn_begin(engine, WG_TXN_READ, 0, &txn, err));
    const uint32_t count = wg_catalog_label_count(wg_txn_catalog(txn));
    wg_txn_abort(txn);
    for (uint32_t i = 0; i < count; i++) WG_TRY(wg_engine_refresh(engine, &i, 1, err));
    return WG_OK;
}

static wg_code begin_in(wg_session *session, bool read_only, wg_error *err) {
    const bool past = session->snapshot != NULL;
    session->begin_clock_us = wgi_clock_us(session);
    if (!past) WG_TRY(refresh_all(session->engine, err));
    return wg_txn_begin(session->engine, read_only ? WG_TXN_READ : WG_TXN_OPTIMISTIC,
                        past ? session->snapshot->logseq : 0, &session->txn, err);
}

wg_code wg_begin(wg_session *session, bool read_only, wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    if (session->txn != NULL || session->run_txn != NULL)
        return wg_error_refine(
            err,
            wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "a transaction is open already: commit or roll back first"),
            WG_S_ACTIVE_TRANSACTION);
    if (session->snapshot != NULL && !read_only)
        return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET,
                            "the session reads a snapshot: begin a read-only transaction");
    wgi_session_enter(session); /* left with the transaction */
    const wg_code code = begin_in(session, read_only, err);
    if (code != WG_OK) wgi_session_leave(session);
    return code;
}

/* A transaction of a run is ended by its handle. */
static wg_code check_own_txn(const wg_session *session, wg_error *err) {
    if (session->run_txn != NULL)
        return wg_error_set(
            err, WG_E_MISUSE, WG_NO_OFFSET,
            "the transaction was begun by wg_run_begin: end it with wg_run_commit or wg_run_rollback");
    if (session->txn == NULL)
        return wg_error_refine(err, wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "no transaction is open"),
                               WG_S_NO_TRANSACTION);
    return WG_OK;
}

wg_code wg_commit(wg_session *session, uint64_t *out_logseq, wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    WG_TRY(check_own_txn(session, err));
    wg_txn *txn = session->txn;
    session->txn = NULL;
    const wg_code code = wg_txn_commit(txn, out_logseq, err);
    wgi_session_leave(session);
    return code;
}

wg_code wg_rollback(wg_session *session, wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    WG_TRY(check_own_txn(session, err));
    wg_txn_abort(session->txn);
    session->txn = NULL;
    wgi_session_leave(session);
    return WG_OK;
}

/* ---- virtual labels */

static wg_code create_virtual(wg_engine *engine, const wg_label_def *def, int64_t *out_epoch, wg_error *err) {
    wg_txn *txn = NULL;
    WG_TRY(wg_txn_begin(engine, WG_TXN_WRITE, 0, &txn, err));
    const wg_code code = wg_txn_create_label(txn, def, false, err);
    if (code != WG_OK) {
        wg_txn_abort(txn);
        return code;
    }
    WG_TRY(wg_txn_commit(txn, NULL, err));
    *out_epoch = wg_i64_of_u64(wg_engine_manifest_epoch(engine));
    return WG_OK;
}

static wg_code register_virtual(wg_session *session, const char *label, const char *pattern, int64_t *out_epoch,
                                wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    if (label == NULL || pattern == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "label or pattern is NULL");
    if (session->txn != NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "registration is a transaction of its own: end the open one first");
    const wg_label_def def = {.name = label, .kind = WG_LABEL_VIRTUAL, .pattern = pattern};
    wgi_session_enter(session);
    const wg_code code = create_virtual(session->engine, &def, out_epoch, err);
    wgi_session_leave(session);
    return code;
}

int64_t wg_register_virtual_partition(wg_session *session, const char *label, const char *pattern, wg_error *err) {
    int64_t epoch = 0;
    const wg_code code = register_virtual(session, label, pattern, &epoch, err);
    return code == WG_OK ? epoch : -(int64_t)code;
}

int64_t arcflow_register_virtual_partition(wg_session *session, const char *label, const char *pattern) {
    return wg_register_virtual_partition(session, label, pattern, NULL);
}
