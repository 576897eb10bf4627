/* first_light: the smallest whole program: open a workspace, declare a label, write, ask, print; every code is checked.
 *
 *   cc first_light.c $(pkg-config --cflags --libs worldgraph) -o first_light && ./first_light my-ws */
#include <inttypes.h>
#include <stdio.h>
#include <worldgraph.h>

static int fail(const wg_error *err, const char *query) {
    char text[1024];
    (void)wg_error_format(err, query, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    return 1;
}

/* Runs one statement and prints its rows. */
static int run(wg_session *session, const char *query) {
    wg_error err = {0};
    wg_result *result = NULL;
    if (wg_query(session, query, &result, &err) != WG_OK) return fail(&err, query);
    int rc = 0;
    for (uint64_t row = 0; rc == 0 && row < wg_result_row_count(result); row++) {
        wg_value name;
        wg_value level;
        if (wg_result_cell(result, row, 0, &name, &err) != WG_OK ||
            wg_result_cell(result, row, 1, &level, &err) != WG_OK)
            rc = fail(&err, NULL);
        else printf("%.*s is at level %" PRId64 "\n", (int)name.size, name.as.s, level.as.i);
    }
    wg_result_free(result);
    return rc;
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : NULL; /* NULL: in memory, gone at the end */
    const wg_options options = {.create = true};
    wg_error err = {0};
    wg_db *db = NULL;
    wg_session *session = NULL;
    if (wg_open(path, &options, &db, &err) != WG_OK) return fail(&err, NULL);
    int rc = wg_session_open(db, &session, &err) == WG_OK ? 0 : fail(&err, NULL);
    if (rc == 0)
        rc = run(session, "CREATE NODE LABEL IF NOT EXISTS Player (name STRING, level INT, PRIMARY KEY (name))");
    if (rc == 0) rc = run(session, "MERGE (p:Player {name: 'Ada'}) SET p.level = 3");
    if (rc == 0) rc = run(session, "MERGE (p:Player {name: 'Bo'}) SET p.level = 5");
    if (rc == 0) rc = run(session, "MATCH (p:Player) WHERE p.level > 2 RETURN p.name, p.level ORDER BY p.name");
    wg_session_close(session);
    if (wg_close(db, &err) != WG_OK) return fail(&err, NULL);
    return rc;
}
