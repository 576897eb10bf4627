/* agent: one step of an agent that must not do a thing twice: state, event and graph in one transaction; then a fork that tries something else.
 *
 *   cc agent.c $(pkg-config --cflags --libs worldgraph) -o agent && ./agent my-ws */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <worldgraph.h>

static int fail(const wg_error *err) {
    char text[1024];
    (void)wg_error_format(err, NULL, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    return 1;
}

static wg_value text(const char *s) {
    return (wg_value){.type = WG_TYPE_STRING, .size = (uint32_t)strlen(s), .as.s = s};
}

/* Called again when somebody else was quicker: everything in it happens once. */
static wg_code step(void *ctx, wg_run *run, wg_error *err) {
    wg_session *session = ctx;
    wg_result *made = NULL;
    const wg_value tool = text("search");
    wg_code code = wg_kv_increment(run, "steps", 5, 1, NULL, err);
    if (code == WG_OK) code = wg_eventlog_append(run, "tool_call", &tool, NULL, err);
    if (code == WG_OK) code = wg_query(session, "MERGE (c:City {name: 'Oslo'})", &made, err);
    if (code == WG_OK) wg_result_free(made);
    return code;
}

static bool show(void *ctx, const wg_diff_item *item) {
    (void)ctx;
    printf("the fork has another %.*s\n", (int)item->key_size, item->key);
    return true;
}

static wg_code work(wg_session *session, wg_run *run, wg_error *err) {
    const wg_value rome = text("Rome");
    wg_run *what_if = NULL;
    wg_kv_item steps;
    wg_code code = wg_run_transact(run, NULL, step, session, NULL, err);
    if (code == WG_OK) code = wg_kv_get(run, "steps", 5, &steps, err);
    if (code == WG_OK) printf("step %" PRId64 "\n", steps.value.as.i);
    if (code == WG_OK) code = wg_run_fork(run, "what-if", 0, NULL, &what_if, err);
    if (code == WG_OK) code = wg_kv_put(what_if, "city", 4, &rome, NULL, err);
    if (code == WG_OK) code = wg_run_diff(run, what_if, show, NULL, NULL, err);
    wg_run_close(what_if);
    if (code == WG_OK) code = wg_run_delete(session, "what-if", err);
    return code;
}

int main(int argc, char **argv) {
    const wg_options options = {.create = true};
    const wg_run_options kept = {.if_not_exists = true};
    wg_error err = {0};
    wg_db *db = NULL;
    wg_session *session = NULL;
    wg_run *run = NULL;
    if (wg_open(argc > 1 ? argv[1] : NULL, &options, &db, &err) != WG_OK) return fail(&err);
    wg_code code = wg_session_open(db, &session, &err);
    if (code == WG_OK) code = wg_run_create(session, "trip", &kept, &run, &err);
    if (code == WG_OK) code = work(session, run, &err);
    int rc = code == WG_OK ? 0 : fail(&err);
    wg_run_close(run);
    wg_session_close(session);
    if (wg_close(db, &err) != WG_OK) rc = fail(&err);
    return rc;
}
