/* Redis over a Unix socket, through hiredis. Each database is a server of its own, started here with a configuration on
 * its command line (no port, no snapshots) and ended by its process id; the kernel ends it when this program dies.
 *
 * KV_MEMORY: no append-only file. KV_BUFFERED and KV_KILLSAFE: appendfsync everysec; the file is written before the
 * reply, so a put outlives the server. KV_STRICT: appendfsync always. get and put are one round trip each; _x16 is a
 * pipeline of 16; tickets are a pipeline without a limit. Read-modify-write is WATCH and GET, then MULTI, SET, EXEC:
 * two round trips. Events go into a stream. There is no ordered scan of keys. */
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kv_bench.h"

enum { PATH_BYTES = 4096, START_TRIES = 500, TRY_NS = 10000000, LOAD_WINDOW = 1000 };

typedef struct redis_db {
    char socket[PATH_BYTES];
    pid_t server;
} redis_db;

typedef struct redis_session {
    redisContext *link;
    uint64_t sent, answered; /* tickets */
    uint64_t next_event;
} redis_session;

/* ---- the server */

static void become_server(const redis_db *db, const kv_options *options) {
    const char *fsync = options->mode == KV_STRICT ? "always" : "everysec";
    const char *logged = options->mode == KV_MEMORY ? "no" : "yes";
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); /* this program blocks the signal that ends the server */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_RDWR);
    if (null >= 0) dup2(null, 0), dup2(null, 1), dup2(null, 2);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", db->socket, "--dir", options->dir, "--save",
           "", "--appendonly", logged, "--appendfsync", fsync, "--auto-aof-rewrite-percentage", "0", "--daemonize",
           "no", "--maxmemory", "0", (char *)NULL);
    _exit(127);
}

/* False when the server ended before it listened. */
static bool wait_for_server(const redis_db *db) {
    for (unsigned i = 0; i < START_TRIES; i++) {
        if (access(db->socket, F_OK) == 0) {
            redisContext *link = redisConnectUnix(db->socket);
            const bool ready = link != NULL && link->err == 0;
            if (link != NULL) redisFree(link);
            if (ready) return true;
        }
        if (waitpid(db->server, NULL, WNOHANG) == db->server) return false;
        nanosleep(&(struct timespec){.tv_nsec = TRY_NS}, NULL);
    }
    kill(db->server, SIGKILL);
    waitpid(db->server, NULL, 0);
    return false;
}

static void *redis_open(const kv_options *options, char why[KV_WHY_BYTES]) {
    redis_db *db = kv_alloc(sizeof *db);
    /* The name of a socket is short: it does not lie on the measured disk. */
    static unsigned serial;
    snprintf(db->socket, sizeof db->socket, "/dev/shm/kv_bench.%ld/redis.%u", (long)getpid(), serial++);
    db->server = fork();
    if (db->server == 0) become_server(db, options);
    if (db->server > 0 && wait_for_server(db)) return db;
    snprintf(why, KV_WHY_BYTES, "redis-server did not start; is the package redis-server installed?");
    free(db);
    return NULL;
}

static void redis_close(void *handle) {
    redis_db *db = handle;
    kill(db->server, SIGTERM);
    waitpid(db->server, NULL, 0);
    unlink(db->socket);
    free(db);
}

/* ---- commands */

static void *redis_session_open(void *handle) {
    redis_session *session = kv_alloc(sizeof *session);
    session->link = redisConnectUnix(((redis_db *)handle)->socket);
    if (session->link == NULL || session->link->err != 0) kv_die("redis: cannot connect");
    return session;
}

static void redis_session_close(void *handle) {
    redis_session *session = handle;
    redisFree(session->link);
    free(session);
}

typedef struct words {
    int count;
    const char *texts[6];
    size_t sizes[6];
} words;

static void word(words *list, const void *text, size_t size) {
    list->texts[list->count] = text;
    list->sizes[list->count++] = size;
}

static void send_words(redis_session *session, words *list) {
    if (redisAppendCommandArgv(session->link, list->count, list->texts, list->sizes) != REDIS_OK)
        kv_die("redis: %s", session->link->errstr);
}

static redisReply *receive(redis_session *session) {
    void *reply;
    if (redisGetReply(session->link, &reply) != REDIS_OK) kv_die("redis: %s", session->link->errstr);
    redisReply *out = reply;
    if (out->type == REDIS_REPLY_ERROR) kv_die("redis: %s", out->str);
    return out;
}

static void receive_ok(redis_session *session) { freeReplyObject(receive(session)); }

static void send_get(redis_session *session, const kv_key *key) {
    words list = {0};
    word(&list, "GET", 3);
    word(&list, key, sizeof *key);
    send_words(session, &list);
}

static bool receive_value(redis_session *session, kv_value *out) {
    redisReply *reply = receive(session);
    const bool found = reply->type == REDIS_REPLY_STRING && (size_t)reply->len == sizeof *out;
    if (found) memcpy(out, reply->str, sizeof *out);
    freeReplyObject(reply);
    return found;
}

static void send_set(redis_session *session, const kv_key *key, const kv_value *value) {
    words list = {0};
    word(&list, "SET", 3);
    word(&list, key, sizeof *key);
    word(&list, value, sizeof *value);
    send_words(session, &list);
}

static bool redis_get(void *handle, const kv_key *key, kv_value *out) {
    send_get(handle, key);
    return receive_value(handle, out);
}

static bool redis_get_x16(void *handle, const kv_key *keys, kv_value *out) {
    bool found = true;
    for (unsigned i = 0; i < KV_BATCH; i++) send_get(handle, &keys[i]);
    for (unsigned i = 0; i < KV_BATCH; i++) found &= receive_value(handle, &out[i]);
    return found;
}

static void redis_put(void *handle, const kv_key *key, const kv_value *value) {
    send_set(handle, key, value);
    receive_ok(handle);
}

static void redis_put_x16(void *handle, const kv_key *keys, const kv_value *values) {
    for (unsigned i = 0; i < KV_BATCH; i++) send_set(handle, &keys[i], &values[i]);
    for (unsigned i = 0; i < KV_BATCH; i++) receive_ok(handle);
}

static void redis_load(void *db, uint64_t count) {
    redis_session *session = redis_session_open(db);
    for (uint64_t done = 0; done < count;) {
        const uint64_t end = count - done < LOAD_WINDOW ? count : done + LOAD_WINDOW;
        for (uint64_t i = done; i < end; i++) {
            kv_key key;
            kv_value value;
            kv_key_make(i, &key);
            kv_value_first(i, &value);
            send_set(session, &key, &value);
        }
        for (; done < end; done++) receive_ok(session);
    }
    redis_session_close(session);
}

static void send_simple(redis_session *session, const char *name, const kv_key *key) {
    words list = {0};
    word(&list, name, strlen(name));
    if (key != NULL) word(&list, key, sizeof *key);
    send_words(session, &list);
}

static void redis_rmw(void *handle, const kv_key *key) {
    redis_session *session = handle;
    for (;;) {
        kv_value value;
        send_simple(session, "WATCH", key);
        send_get(session, key);
        receive_ok(session);
        if (!receive_value(session, &value)) kv_die("redis: rmw of an absent key");
        kv_value_change(&value);
        send_simple(session, "MULTI", NULL);
        send_set(session, key, &value);
        send_simple(session, "EXEC", NULL);
        receive_ok(session);
        receive_ok(session);
        redisReply *reply = receive(session);
        const bool done = reply->type == REDIS_REPLY_ARRAY;
        freeReplyObject(reply);
        if (done) return;
    }
}

static uint64_t redis_append(void *handle, const kv_value *event) {
    redis_session *session = handle;
    words list = {0};
    word(&list, "XADD", 4);
    word(&list, "events", 6);
    word(&list, "*", 1);
    word(&list, "e", 1);
    word(&list, event, sizeof *event);
    send_words(session, &list);
    receive_ok(session);
    return session->next_event++;
}

static uint64_t redis_put_ticket(void *handle, const kv_key *key, const kv_value *value) {
    redis_session *session = handle;
    send_set(session, key, value);
    return session->sent++;
}

static void redis_ticket_wait(void *handle, uint64_t ticket) {
    redis_session *session = handle;
    for (; session->answered <= ticket; session->answered++) receive_ok(session);
}

const kv_driver kv_driver_redis = {
    .name = "redis",
    .settings =
        "own server, Unix socket; memory: no file; buffered and killsafe: appendfsync everysec; strict: always",
    .traits = KV_STORES | KV_KILLSAFE_TOO | KV_SERVER,
    .modes = 1u << KV_MEMORY | 1u << KV_BUFFERED | 1u << KV_KILLSAFE | 1u << KV_STRICT,
    .open = redis_open,
    .close = redis_close,
    .load = redis_load,
    .session_open = redis_session_open,
    .session_close = redis_session_close,
    .get = redis_get,
    .get_x16 = redis_get_x16,
    .put = redis_put,
    .put_x16 = redis_put_x16,
    .rmw = redis_rmw,
    .append = redis_append,
    .put_ticket = redis_put_ticket,
    .ticket_wait = redis_ticket_wait,
};
