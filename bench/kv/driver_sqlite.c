/* SQLite: one table WITHOUT ROWID for rows, one with INTEGER PRIMARY KEY for events, prepared statements, every call its
 * own transaction. KV_MEMORY: ":memory:", one connection. KV_BUFFERED and KV_KILLSAFE: write-ahead log, synchronous=OFF;
 * its pages are in the system's cache when a commit returns, so they outlive the process. KV_STRICT: write-ahead log,
 * synchronous=FULL. A session is a connection; writers take turns at a mutex, because SQLite's own waiting sleeps. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv_bench.h"

enum { PATH_BYTES = 4096 };

typedef struct lite_db {
    char path[PATH_BYTES];
    kv_mode mode;
    sqlite3 *first; /* keeps the database; the session of KV_MEMORY */
    pthread_mutex_t turn;
} lite_db;

enum { GET, PUT, SCAN, EVENT, BEGIN, COMMIT, STATEMENTS };

typedef struct lite_session {
    lite_db *db;
    sqlite3 *link;
    sqlite3_stmt *statements[STATEMENTS];
    uint64_t next_event;
} lite_session;

static void must(sqlite3 *link, int code, const char *what) {
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
        kv_die("sqlite: %s: %s", what, sqlite3_errmsg(link));
}

static void run(sqlite3 *link, const char *text) { must(link, sqlite3_exec(link, text, NULL, NULL, NULL), text); }

static sqlite3 *connect(const lite_db *db) {
    sqlite3 *link;
    if (sqlite3_open(db->mode == KV_MEMORY ? ":memory:" : db->path, &link) != SQLITE_OK)
        kv_die("sqlite: open %s", db->path);
    sqlite3_busy_timeout(link, 10000);
    run(link, "PRAGMA cache_size=-262144");
    if (db->mode == KV_MEMORY) return link;
    run(link, "PRAGMA mmap_size=1073741824; PRAGMA journal_mode=WAL");
    run(link, db->mode == KV_STRICT ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
    return link;
}

static void *lite_open(const kv_options *options, char why[KV_WHY_BYTES]) {
    (void)why;
    lite_db *db = kv_alloc(sizeof *db);
    db->mode = options->mode;
    kv_path(db->path, sizeof db->path, options->dir, "db.sqlite");
    pthread_mutex_init(&db->turn, NULL);
    db->first = connect(db);
    run(db->first,
        "CREATE TABLE rows(k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE events(seq INTEGER PRIMARY KEY, v BLOB NOT NULL)");
    return db;
}

static void lite_close(void *handle) {
    lite_db *db = handle;
    sqlite3_close(db->first);
    pthread_mutex_destroy(&db->turn);
    free(db);
}

static void *lite_session_open(void *handle) {
    static const char *const texts[STATEMENTS] = {
        [GET] = "SELECT v FROM rows WHERE k=?1",
        [PUT] = "INSERT INTO rows VALUES(?1,?2) ON CONFLICT(k) DO UPDATE SET v=excluded.v",
        [SCAN] = "SELECT k,v FROM rows WHERE k>=?1 ORDER BY k LIMIT 100",
        [EVENT] = "INSERT INTO events VALUES(?1,?2)",
        [BEGIN] = "BEGIN IMMEDIATE",
        [COMMIT] = "COMMIT",
    };
    lite_session *session = kv_alloc(sizeof *session);
    session->db = handle;
    session->link = session->db->mode == KV_MEMORY ? session->db->first : connect(session->db);
    for (unsigned i = 0; i < STATEMENTS; i++)
        must(
            session->link,
            sqlite3_prepare_v3(session->link, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &session->statements[i], NULL),
            texts[i]);
    return session;
}

static void lite_session_close(void *handle) {
    lite_session *session = handle;
    for (unsigned i = 0; i < STATEMENTS; i++) sqlite3_finalize(session->statements[i]);
    if (session->link != session->db->first) sqlite3_close(session->link);
    free(session);
}

static void bind(sqlite3_stmt *statement, int place, const void *bytes, int size) {
    sqlite3_bind_blob(statement, place, bytes, size, SQLITE_STATIC);
}

static void finish(lite_session *session, unsigned which) {
    must(session->link, sqlite3_step(session->statements[which]), "step");
    must(session->link, sqlite3_reset(session->statements[which]), "reset");
}

static void put_row(lite_session *session, const kv_key *key, const kv_value *value) {
    bind(session->statements[PUT], 1, key, sizeof *key);
    bind(session->statements[PUT], 2, value, sizeof *value);
    finish(session, PUT);
}

static void lite_load(void *handle, uint64_t count) {
    lite_session *session = lite_session_open(handle);
    finish(session, BEGIN);
    for (uint64_t i = 0; i < count; i++) {
        kv_key key;
        kv_value value;
        kv_key_make(i, &key);
        kv_value_first(i, &value);
        put_row(session, &key, &value);
    }
    finish(session, COMMIT);
    if (session->db->mode != KV_MEMORY) run(session->link, "PRAGMA wal_checkpoint(TRUNCATE)");
    lite_session_close(session);
}

static bool lite_get(void *handle, const kv_key *key, kv_value *out) {
    lite_session *session = handle;
    sqlite3_stmt *statement = session->statements[GET];
    bind(statement, 1, key, sizeof *key);
    const int code = sqlite3_step(statement);
    must(session->link, code, "get");
    const bool found = code == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == (int)sizeof *out;
    if (found) memcpy(out, sqlite3_column_blob(statement, 0), sizeof *out);
    must(session->link, sqlite3_reset(statement), "reset");
    return found;
}

static void lock_writers(lite_db *db) { pthread_mutex_lock(&db->turn); }
static void unlock_writers(lite_db *db) { pthread_mutex_unlock(&db->turn); }

static void lite_put(void *handle, const kv_key *key, const kv_value *value) {
    lite_session *session = handle;
    lock_writers(session->db);
    put_row(session, key, value);
    unlock_writers(session->db);
}

static void lite_rmw(void *handle, const kv_key *key) {
    lite_session *session = handle;
    kv_value value;
    lock_writers(session->db);
    finish(session, BEGIN);
    if (!lite_get(session, key, &value)) kv_die("sqlite: rmw of an absent key");
    kv_value_change(&value);
    put_row(session, key, &value);
    finish(session, COMMIT);
    unlock_writers(session->db);
}

static unsigned lite_scan(void *handle, const kv_key *from, kv_row *out) {
    lite_session *session = handle;
    sqlite3_stmt *statement = session->statements[SCAN];
    unsigned rows = 0;
    bind(statement, 1, from, sizeof *from);
    for (int code; rows < KV_SCAN_ROWS && (code = sqlite3_step(statement)) != SQLITE_DONE; rows++) {
        must(session->link, code, "scan");
        memcpy(&out[rows].key, sqlite3_column_blob(statement, 0), sizeof out[rows].key);
        memcpy(&out[rows].value, sqlite3_column_blob(statement, 1), sizeof out[rows].value);
    }
    must(session->link, sqlite3_reset(statement), "reset");
    return rows;
}

static uint64_t lite_append(void *handle, const kv_value *event) {
    lite_session *session = handle;
    lock_writers(session->db);
    sqlite3_bind_int64(session->statements[EVENT], 1, (sqlite3_int64)session->next_event);
    bind(session->statements[EVENT], 2, event, sizeof *event);
    finish(session, EVENT);
    unlock_writers(session->db);
    return session->next_event++;
}

const kv_driver kv_driver_sqlite = {
    .name = "sqlite",
    .settings =
        "memory: one connection to :memory:; buffered and killsafe: WAL, synchronous=OFF; strict: WAL, "
        "synchronous=FULL",
    .traits = KV_STORES | KV_KILLSAFE_TOO | KV_ONE_THREAD,
    .modes = 1u << KV_MEMORY | 1u << KV_BUFFERED | 1u << KV_KILLSAFE | 1u << KV_STRICT,
    .open = lite_open,
    .close = lite_close,
    .load = lite_load,
    .session_open = lite_session_open,
    .session_close = lite_session_close,
    .get = lite_get,
    .put = lite_put,
    .rmw = lite_rmw,
    .scan = lite_scan,
    .append = lite_append,
};
