/* cli/demo: `worldgraph demo`: the whole of it in one screen: immutable observations in Parquet files, a small mutable
 * graph beside them, one query over both, and the proof that the answer is the same after a restart.
 *
 * Everything is done with the statements that are shown; nothing is special to the demonstration but the data. */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROWS_DEFAULT 1000000u
#define ROWS_MAX     4000000000u

/* "@SEASON@" stands for the directory of the season. */
typedef struct step {
    const char *title;
    const char *statement;
    bool explain; /* show the plan too */
} step;

static const step declarations[] = {
    {"Players change: an owned label, with a key.",
     "CREATE NODE LABEL Player (name STRING, team STRING, position STRING, shirt INT, PRIMARY KEY (name))", false},
    {"Frames never change: a virtual label. The rows stay in the files; {date} and {game} become columns.",
     "CREATE NODE LABEL Frame (ts TIMESTAMP, player STRING, team STRING, x DOUBLE, y DOUBLE, speed DOUBLE, event "
     "STRING)\n"
     "  VIRTUAL FROM PARTITION '@SEASON@/{date}/{game}.parquet'",
     false},
    {"Edges live in the graph, also between an owned and a virtual node.",
     "CREATE EDGE LABEL SEEN_IN (FROM Player TO Frame)", false},
    {"The players come from a CSV file.", "COPY Player FROM '@SEASON@/players.csv' (HEADER true)", false},
    {"Link every player with the frames in which something happened.",
     "MATCH (p:Player), (f:Frame)\n  WHERE f.player = p.name AND f.event IS NOT NULL\n  CREATE (p)-[:SEEN_IN]->(f)",
     false},
};

static const step queries[] = {
    {"How many observations are there?", "MATCH (f:Frame) RETURN count(*) AS frames", false},
    {"Sprints of the first day: files of other days are not opened.",
     "MATCH (f:Frame) WHERE f.date = '2024-08-10' AND f.speed > 8.0\n"
     "  RETURN f.game AS game, count(*) AS frames, max(f.speed) AS fastest ORDER BY game",
     true},
    {"Join the players with their frames: who runs most?",
     "MATCH (p:Player), (f:Frame) WHERE f.player = p.name AND f.speed > 7.0\n"
     "  RETURN p.position AS position, count(*) AS frames, avg(f.speed) AS speed ORDER BY frames DESC, position",
     false},
    {"What happened, by kind?",
     "MATCH (:Player)-[:SEEN_IN]->(f:Frame) RETURN f.event AS event, count(*) AS times ORDER BY times DESC, event",
     false},
};

/* The last one is also the one that is asked again after the restart. */
static const step question = {
    "Who scored? From the graph to the files along the edges.",
    "MATCH (p:Player)-[:SEEN_IN]->(f:Frame) WHERE f.event = 'goal'\n"
    "  RETURN p.name AS player, p.team AS team, count(*) AS goals ORDER BY goals DESC, player LIMIT 5",
    true};

typedef struct demo {
    const char *wanted;
    uint64_t rows;
    uint64_t seed;
    bool keep;
    bool temporary;
    cli_buf path;
    cli_buf season;
    cli_buf workspace;
    cli_buf receipt; /* of the question */
    cli_request request;
} demo;

static void add_statement(const demo *d, const char *statement, cli_buf *out) {
    for (const char *at = statement; *at != '\0';) {
        if (strncmp(at, "@SEASON@", 8) != 0) {
            cli_buf_add(out, at++, 1);
            continue;
        }
        for (const char *c = cli_buf_text(&d->season); *c != '\0'; c++) {
            if (*c == '\'' || *c == '\\') cli_buf_add_str(out, "\\");
            cli_buf_add(out, c, 1);
        }
        at += 8;
    }
}

static void say(const char *title, const char *statement) {
    const bool colour = cli_term()->out_colour;
    cli_out_printf(&cli_stdout, "\n%s-- %s%s\n", colour ? "\033[1m" : "", title, colour ? "\033[0m" : "");
    if (statement != NULL) {
        cli_out_str(&cli_stdout, statement);
        cli_out_str(&cli_stdout, ";\n");
    }
}

static cli_exit run_text(demo *d, wg_session *session, const cli_buf *text, wg_result **keep) {
    const cli_statement statement = {.start = 0, .size = text->size, .next = text->size};
    d->request.output_started = false;
    return cli_run(session, cli_buf_text(text), &statement, &d->request, keep);
}

static cli_exit run_step(demo *d, wg_session *session, const step *s, wg_result **keep) {
    cli_buf text = {0};
    add_statement(d, s->statement, &text);
    say(s->title, text.data);
    cli_exit rc = run_text(d, session, &text, keep);
    if (rc == CLI_OK && s->explain) {
        cli_buf explain = {0};
        cli_buf_printf(&explain, "EXPLAIN %s", text.data);
        say("and its plan:", NULL);
        rc = run_text(d, session, &explain, NULL);
        cli_buf_free(&explain);
    }
    cli_buf_free(&text);
    return rc;
}

static cli_exit run_steps(demo *d, wg_session *session, const step *steps, size_t count) {
    cli_exit rc = CLI_OK;
    for (size_t i = 0; i < count && rc == CLI_OK; i++) rc = run_step(d, session, &steps[i], NULL);
    return rc;
}

static bool show_writing(void *ctx, uint64_t done, uint64_t total) {
    const uint64_t *started = ctx;
    if (cli_now_ms() - *started > 1000) cli_progress_draw("writing", done, total);
    return !cli_interrupted();
}

static cli_exit write_season(demo *d) {
    char title[128];
    (void)snprintf(title, sizeof title, "Write a season of %" PRIu64 " frames (seed %" PRIu64 ") as Parquet files.",
                   d->rows, d->seed);
    say(title, NULL);
    (void)cli_out_flush(&cli_stdout);
    uint64_t started = cli_now_ms();
    wg_error err = {0};
    const wg_code code =
        wg_demo_write_season(cli_buf_text(&d->season), d->rows, d->seed, show_writing, &started, &err);
    cli_progress_clear();
    if (code != WG_OK) return cli_fail(&err);
    cli_out_str(&cli_stdout, cli_buf_text(&d->season));
    cli_out_printf(&cli_stdout, " written in %.1f s\n", (double)(cli_now_ms() - started) / 1000.0);
    return CLI_OK;
}

static cli_exit ask(demo *d, wg_session *session, cli_buf *receipt) {
    wg_result *result = NULL;
    cli_exit rc = run_step(d, session, &question, &result);
    if (rc == CLI_OK) {
        say("and its receipt: equal work gives equal bytes, anyone can replay it.", NULL);
        cli_buf_add_str(receipt, wg_result_receipt(result));
        cli_out_str(&cli_stdout, receipt->data);
        cli_out_str(&cli_stdout, "\n");
        rc = cli_out_flush(&cli_stdout);
    }
    wg_result_free(result);
    return rc;
}

static cli_exit first_run(demo *d) {
    const wg_options options = {.create = true, .must_create = true};
    wg_error err = {0};
    wg_db *db = NULL;
    say("Make a workspace.", NULL);
    cli_out_printf(&cli_stdout, "worldgraph ws init ");
    cli_out_str(&cli_stdout, cli_buf_text(&d->workspace));
    cli_out_str(&cli_stdout, "\n");
    if (wg_open(cli_buf_text(&d->workspace), &options, &db, &err) != WG_OK) return cli_fail(&err);
    wg_session *session = NULL;
    cli_exit rc = wg_session_open(db, &session, &err) == WG_OK ? CLI_OK : cli_fail(&err);
    if (rc == CLI_OK) rc = run_steps(d, session, declarations, sizeof declarations / sizeof declarations[0]);
    if (rc == CLI_OK) rc = run_steps(d, session, queries, sizeof queries / sizeof queries[0]);
    if (rc == CLI_OK) rc = ask(d, session, &d->receipt);
    return cli_close(db, session, rc);
}

static cli_exit second_run(demo *d) {
    say("Close, open again, ask again.", NULL);
    wg_db *db = NULL;
    wg_session *session = NULL;
    cli_exit rc = cli_open(cli_buf_text(&d->workspace), &db, &session);
    if (rc != CLI_OK) return rc;
    cli_buf again = {0};
    rc = ask(d, session, &again);
    if (rc == CLI_OK && (again.size != d->receipt.size || memcmp(again.data, d->receipt.data, again.size) != 0)) {
        cli_complain("the receipt after reopening differs from the one before");
        rc = CLI_USAGE;
    } else if (rc == CLI_OK) {
        cli_out_str(&cli_stdout, "same receipt, result hash included: the answer is the same to the byte\n");
    }
    cli_buf_free(&again);
    return cli_close(db, session, rc);
}

static void say_goodbye(const demo *d) {
    cli_out_str(&cli_stdout, "\ndemo: ok; next: ");
    if (d->temporary && !d->keep) {
        cli_out_str(&cli_stdout, "worldgraph demo my-demo && worldgraph shell my-demo/ws\n");
        return;
    }
    cli_out_str(&cli_stdout, "worldgraph shell ");
    cli_out_str(&cli_stdout, cli_buf_text(&d->workspace));
    cli_out_str(&cli_stdout, "\n");
}

static cli_exit run_demo(demo *d) {
    cli_exit rc = CLI_OK;
    if (!cli_demo_make_directory(d->wanted, &d->path, &d->temporary, &rc)) return rc;
    cli_buf_printf(&d->season, "%s/season", d->path.data);
    cli_buf_printf(&d->workspace, "%s/ws", d->path.data);
    d->request = (cli_request){.mode = CLI_TABLE, .summary = &cli_stdout, .timing = true};
    rc = write_season(d);
    if (rc == CLI_OK) rc = first_run(d);
    if (rc == CLI_OK) rc = second_run(d);
    if (d->temporary && !d->keep) cli_demo_remove(d->path.data);
    if (rc == CLI_OK) say_goodbye(d);
    return rc;
}

cli_exit cli_demo(cli_args *args) {
    enum { O_ROWS, O_SEED, O_KEEP };
    static const cli_option options[] = {{"--rows", "N"}, {"--seed", "S"}, {"--keep", NULL}, {NULL, NULL}};
    demo d = {.rows = ROWS_DEFAULT, .seed = 1};
    const char *value = NULL;
    int option;
    while ((option = cli_args_next(args, options, &value)) != CLI_ARGS_END) {
        if (option == CLI_ARGS_HELP) return cli_help("demo");
        if (option == CLI_ARGS_WRONG) return CLI_USAGE;
        if (option == O_ROWS && !cli_args_number(args, "--rows", value, 1, ROWS_MAX, &d.rows)) return CLI_USAGE;
        if (option == O_SEED && !cli_args_number(args, "--seed", value, 0, UINT64_MAX, &d.seed)) return CLI_USAGE;
        if (option == O_KEEP) d.keep = true;
        if (option != CLI_ARGS_POSITIONAL) continue;
        if (d.wanted != NULL) return cli_usage("demo", "unexpected argument \"%s\"", value);
        d.wanted = value;
    }
    const cli_exit rc = run_demo(&d);
    cli_buf_free(&d.path);
    cli_buf_free(&d.season);
    cli_buf_free(&d.workspace);
    cli_buf_free(&d.receipt);
    return rc;
}
