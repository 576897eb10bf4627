/* Which engine a handle uses. A database that is open for writing has one for its whole life. One that is open for reading only follows its
 * writer, and when that is not possible any more (wg_engine_follow) wg_refresh opens another engine: what begins from then on uses the
 * new one, what runs keeps the old one, and an old one is closed when nobody uses it any more. */
#include "api/api_internal.h"

void wgi_engines_init(wg_db *db) { wg_mutex_init(&db->engine_mutex, WG_RANK_SESSION); }

static void sweep(wg_db *db) {
    wgi_db_engine **at = &db->engines;
    while (*at != NULL) {
        wgi_db_engine *e = *at;
        if (e->users != 0 || e->engine == db->engine || !wg_engine_is_idle(e->engine)) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        (void)wg_engine_close(e->engine, NULL); /* a reader: nothing of it can be lost */
        wg_free(e);
    }
}

wg_code wgi_engines_add(wg_db *db, wg_engine *engine, wg_error *err) {
    wgi_db_engine *e = wg_alloc_zero(NULL, sizeof *e);
    if (e == NULL) return wg_error_nomem(err, sizeof *e);
    e->engine = engine;
    e->next = db->engines;
    db->engines = e;
    db->engine = engine;
    return WG_OK;
}

wg_engine *wgi_engine_hold(wg_db *db) {
    wg_mutex_lock(&db->engine_mutex);
    wg_engine *engine = db->engine;
    for (wgi_db_engine *e = db->engines; e != NULL; e = e->next)
        if (e->engine == engine) e->users++;
    wg_mutex_unlock(&db->engine_mutex);
    return engine;
}

void wgi_engine_drop(wg_db *db, wg_engine *engine) {
    wg_mutex_lock(&db->engine_mutex);
    for (wgi_db_engine *e = db->engines; e != NULL; e = e->next)
        if (e->engine == engine) e->users--;
    sweep(db);
    wg_mutex_unlock(&db->engine_mutex);
}

/* All handles are closed: the newest engine says whether closing went well. */
wg_code wgi_engines_close(wg_db *db, wg_error *err) {
    wg_code code = WG_OK;
    while (db->engines != NULL) {
        wgi_db_engine *e = db->engines;
        db->engines = e->next;
        const wg_code closed = wg_engine_close(e->engine, e->engine == db->engine ? err : NULL);
        if (e->engine == db->engine) code = closed;
        wg_free(e);
    }
    wg_mutex_deinit(&db->engine_mutex);
    return code;
}

void wgi_session_enter(wg_session *session) {
    if (session->uses++ == 0)
        session->engine = session->snapshot != NULL ? session->snapshot->engine : wgi_engine_hold(session->db);
}

void wgi_session_leave(wg_session *session) {
    WG_ASSERT(session->uses > 0);
    if (--session->uses != 0) return;
    if (session->snapshot == NULL) wgi_engine_drop(session->db, session->engine);
    session->engine = NULL;
}

static wg_code reopen(wg_db *db, wg_error *err) {
    const wg_engine_options options = {.options = *wg_engine_option_values(db->engine)};
    wg_engine *engine = NULL;
    WG_TRY(wg_engine_open(db->path, &options, &engine, err));
    const wg_code code = wgi_engines_add(db, engine, err);
    if (code != WG_OK) (void)wg_engine_close(engine, NULL);
    else sweep(db);
    return code;
}

wg_code wg_refresh(wg_db *db, uint64_t *out_logseq, wg_error *err) {
    WGI_CHECK(db, WGI_TAG_DB, "database");
    wg_error local = {0};
    wg_mutex_lock(&db->engine_mutex);
    wg_code code = wg_engine_follow(db->engine, out_logseq, &local);
    if (code == WG_E_EXPIRED) {
        local = (wg_error){0};
        code = reopen(db, &local);
        if (code == WG_OK && out_logseq != NULL) *out_logseq = wg_engine_logseq(db->engine);
    }
    wg_mutex_unlock(&db->engine_mutex);
    if (code != WG_OK && err != NULL && err->code == WG_OK) *err = local;
    return code;
}
