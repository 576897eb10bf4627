/* first_steps: the smallest whole program: open, create, ask, print.
 *
 *   cc first_steps.c $(pkg-config --cflags --libs worldgraph) && ./a.out [workspace]
 *
 * Without an argument the workspace lives in memory and is gone afterwards; with one it is a directory that is made when
 * there is none, and a second run finds what the first one left. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <worldgraph.h>

/* Says what went wrong, with a caret under the place in the query if there is one. */
static int complain(const wg_error *err, const char *query) {
    char text[1024];
    wg_error_format(err, query, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    return 1;
}

/* Runs one statement and forgets its answer. */
static wg_code run(wg_session *session, const char *query, wg_error *err) {
    wg_result *result = NULL;
    const wg_code code = wg_query(session, query, &result, err);
    wg_result_free(result);
    return code;
}

/* Asks with a parameter, which is always better than pasting a value into the text. */
static wg_code ask(wg_session *session, const char *query, int64_t least, wg_result **out, wg_error *err) {
    wg_stmt *stmt = NULL;
    wg_code code = wg_prepare(session, query, strlen(query), &stmt, err);
    if (code == WG_OK) code = wg_bind_int(stmt, "least", least, err);
    if (code == WG_OK) code = wg_execute(stmt, out, err);
    wg_stmt_finish(stmt);
    return code;
}

static int print(const wg_result *result) {
    for (uint64_t row = 0; row < wg_result_row_count(result); row++) {
        wg_value name, level;
        wg_error err;
        if (wg_result_cell(result, row, 0, &name, &err) != WG_OK) return complain(&err, NULL);
        if (wg_result_cell(result, row, 1, &level, &err) != WG_OK) return complain(&err, NULL);
        printf("%.*s %" PRId64 "\n", (int)name.size, name.as.s, level.as.i); /* strings have a size, and no NUL */
    }
    return 0;
}

static int session_body(wg_session *session) {
    static const char define[] = "CREATE NODE LABEL Player (name STRING, level INT, PRIMARY KEY (name))";
    static const char create[] = "CREATE (:Player {name: 'Ada', level: 3}), (:Player {name: 'Bo', level: 1})";
    static const char question[] = "MATCH (p:Player) WHERE p.level >= $least RETURN p.name, p.level ORDER BY p.name";
    wg_error err;
    const wg_code defined = run(session, define, &err);
    if (defined == WG_OK) {
        if (run(session, create, &err) != WG_OK) return complain(&err, create);
    } else if (defined != WG_E_EXISTS) { /* the label is there already: a second run */
        return complain(&err, define);
    }
    wg_result *result = NULL;
    if (ask(session, question, 2, &result, &err) != WG_OK) return complain(&err, question);
    const int status = print(result);
    wg_result_free(result);
    return status;
}

int main(int argc, char **argv) {
    wg_error err;
    wg_db *db = NULL;
    wg_session *session = NULL;
    const wg_options options = {.create = true};
    if (wg_open(argc > 1 ? argv[1] : NULL, &options, &db, &err) != WG_OK) return complain(&err, NULL);
    int status = 1;
    if (wg_session_open(db, &session, &err) != WG_OK) {
        complain(&err, NULL);
    } else {
        status = session_body(session);
    }
    wg_session_close(session);
    if (wg_close(db, &err) != WG_OK) return complain(&err, NULL);
    return status;
}
