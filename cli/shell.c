/* cli/shell: `worldgraph shell`: a conversation with one workspace.
 *
 * Lines are gathered until a ';' that stands outside of strings and comments; a line that starts with ':' where a
 * statement would start is a command of the shell. On a terminal an error is shown and the conversation goes on; from a
 * pipe the first error ends the program with its exit code, so that scripts stop where they fail. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

typedef struct shell {
    wg_session *session;
    cli_input *input;
    bool interactive;
    bool quit;
    cli_request request;
    wg_result *last; /* for :stats */
    cli_buf text;    /* what was typed of statements that are not complete */
    size_t line_number;
    size_t statement_line;
} shell;

static const char shell_help[] =
    "Statements end with ';' and may take several lines. Ctrl-C clears the line or cancels what runs; Ctrl-D quits.\n"
    "\n"
    "  :help                  this text\n"
    "  :schema                the labels with their columns\n"
    "  :labels                the names of the labels\n"
    "  :stats                 what the last statement read and wrote\n"
    "  :timing                show or hide the time a statement took\n"
    "  :timeout TIME          end statements that run longer: 500ms, 30s, 5m; 0 for none\n"
    "  :mode table|csv|json   how answers are written\n"
    "  :quit                  leave\n"
    "\n"
    "BEGIN; ... COMMIT; (or ROLLBACK;) makes one transaction of several statements. Try:\n"
    "  CREATE (:Player {name: 'Ada'});\n"
    "  MATCH (p:Player) RETURN p.name;\n";

static cli_exit run_text(shell *sh, const char *text) {
    const cli_statement statement = cli_statement_at(text, strlen(text), 0);
    return cli_run(sh->session, text, &statement, &sh->request, NULL);
}

/* The first column of SHOW LABELS, one name a line. */
static cli_exit show_label_names(shell *sh) {
    wg_error err = {0};
    wg_result *result = NULL;
    if (wg_query(sh->session, "SHOW LABELS", &result, &err) != WG_OK) return cli_fail(&err);
    cli_buf cell = {0};
    for (uint64_t row = 0; row < wg_result_row_count(result); row++) {
        wg_value value = {0};
        if (wg_result_cell(result, row, 0, &value, &err) != WG_OK) break;
        cli_buf_clear(&cell);
        cli_cell_text(&cell, &value, CLI_ESCAPE_TABLE);
        cli_out_write(&cli_stdout, cell.data, cell.size);
        cli_out_str(&cli_stdout, "\n");
    }
    cli_buf_free(&cell);
    wg_result_free(result);
    return cli_out_flush(&cli_stdout);
}

static cli_exit set_mode(shell *sh, const char *name) {
    static const struct {
        const char *name;
        cli_mode mode;
    } modes[] = {{"table", CLI_TABLE}, {"csv", CLI_CSV}, {"json", CLI_JSON}};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(name, modes[i].name) != 0) continue;
        sh->request.mode = modes[i].mode;
        sh->request.summary = modes[i].mode == CLI_TABLE ? &cli_stderr : NULL;
        return CLI_OK;
    }
    cli_complain("modes are table, csv and json: for example :mode json");
    return CLI_USAGE;
}

static cli_exit set_timeout(shell *sh, const char *text) {
    uint32_t ms = 0;
    wg_error err = {0};
    if (!cli_duration(text, &ms)) {
        cli_complain(":timeout takes a time such as 500ms, 30s or 5m, or 0 for none");
        return CLI_USAGE;
    }
    return wg_session_set_deadline(sh->session, ms, &err) == WG_OK ? CLI_OK : cli_fail(&err);
}

static cli_exit show_stats(const shell *sh) {
    if (sh->last == NULL) cli_note("no statement has run yet");
    else cli_write_stats(&cli_stdout, sh->last);
    return CLI_OK;
}

static cli_exit run_command(shell *sh, const char *line, size_t size) {
    char text[64] = {0};
    while (size > 0 &&
           (line[size - 1] == ' ' || line[size - 1] == ';' || line[size - 1] == '\t' || line[size - 1] == '\r'))
        size--;
    memcpy(text, line, size < sizeof text ? size : sizeof text - 1);
    char *argument = strchr(text, ' ');
    if (argument != NULL) *argument++ = '\0';
    while (argument != NULL && *argument == ' ') argument++;
    if (strcmp(text, ":mode") == 0) return set_mode(sh, argument == NULL ? "" : argument);
    if (strcmp(text, ":timeout") == 0) return set_timeout(sh, argument == NULL ? "" : argument);
    if (argument != NULL) {
        cli_complain("%s takes no argument", text);
        return CLI_USAGE;
    }
    if (strcmp(text, ":help") == 0) {
        cli_out_str(&cli_stdout, shell_help);
        return cli_out_flush(&cli_stdout);
    }
    if (strcmp(text, ":schema") == 0) return run_text(sh, "SHOW LABELS");
    if (strcmp(text, ":labels") == 0) return show_label_names(sh);
    if (strcmp(text, ":stats") == 0) return show_stats(sh);
    if (strcmp(text, ":quit") == 0 || strcmp(text, ":exit") == 0) {
        sh->quit = true;
        return CLI_OK;
    }
    if (strcmp(text, ":timing") == 0) {
        sh->request.timing = !sh->request.timing;
        if (sh->interactive) cli_note("timing is %s", sh->request.timing ? "on" : "off");
        return CLI_OK;
    }
    static const char *const commands[] = {":help", ":schema", ":labels",  ":stats", ":quit",
                                           ":exit", ":timing", ":timeout", ":mode"};
    cli_near near = {0};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) cli_nearest(text, commands[i], &near);
    if (near.name != NULL) cli_complain("there is no command %s; did you mean %s?", text, near.name);
    else cli_complain("there is no command %s; :help lists them", text);
    return CLI_USAGE;
}

/* Runs every complete statement of sh->text and keeps the rest. `final` takes an unfinished one as complete. */
static cli_exit run_complete(shell *sh, bool final) {
    size_t from = 0;
    cli_exit rc = CLI_OK;
    while (from < sh->text.size && (rc == CLI_OK)) {
        const cli_statement statement = cli_statement_at(sh->text.data, sh->text.size, from);
        if (!statement.closed && !final) break;
        from = statement.next;
        if (statement.size == 0) continue;
        cli_input_remember(sh->input, sh->text.data + statement.start, statement.size + (statement.closed ? 1 : 0));
        cli_interrupt_clear();
        rc = cli_run(sh->session, sh->text.data, &statement, &sh->request, &sh->last);
        if (rc != CLI_OK && !sh->interactive && sh->statement_line > 1)
            cli_note("the text above starts at line %zu of the input", sh->statement_line);
    }
    if (rc != CLI_OK) from = sh->text.size;
    cli_buf rest = {0};
    const cli_statement left = cli_statement_at(cli_buf_text(&sh->text), sh->text.size, from);
    if (left.size > 0 || left.unfinished) cli_buf_add(&rest, sh->text.data + from, sh->text.size - from);
    cli_buf_free(&sh->text);
    sh->text = rest;
    return rc;
}

static cli_exit take_line(shell *sh, const char *line, size_t size) {
    sh->line_number++;
    if (sh->text.size == 0) {
        size_t blank = 0;
        while (blank < size && (line[blank] == ' ' || line[blank] == '\t')) blank++;
        if (blank < size && line[blank] == ':') {
            cli_input_remember(sh->input, line, size);
            return run_command(sh, line + blank, size - blank);
        }
        sh->statement_line = sh->line_number;
    }
    cli_buf_add(&sh->text, line, size);
    cli_buf_add_str(&sh->text, "\n");
    return run_complete(sh, false);
}

static cli_exit converse(shell *sh) {
    for (;;) {
        const char *line = NULL;
        size_t size = 0;
        switch (cli_input_next(sh->input, sh->text.size > 0, &line, &size)) {
            case CLI_LINE: {
                const cli_exit rc = take_line(sh, line, size);
                if (rc == CLI_PIPE || (rc != CLI_OK && !sh->interactive)) return rc;
                if (sh->quit) return CLI_OK;
                break;
            }
            case CLI_LINE_INTERRUPTED:
                cli_buf_clear(&sh->text);
                if (sh->interactive) break;
                cli_complain("interrupted");
                return CLI_QUERY;
            case CLI_LINE_END:
                return sh->interactive ? CLI_OK : run_complete(sh, true);
            case CLI_LINE_FAILED:
                return CLI_SYSTEM;
        }
    }
}

static cli_exit open_shell(const char *workspace, const wg_options *options, uint32_t timeout_ms) {
    wg_db *db = NULL;
    shell sh = {.request = {.mode = CLI_TABLE, .summary = &cli_stderr, .timing = true}};
    cli_exit rc = cli_open_with(workspace, options, &db, &sh.session);
    if (rc != CLI_OK) return rc;
    wg_error err = {0};
    if (wg_session_set_deadline(sh.session, timeout_ms, &err) != WG_OK)
        return cli_close(db, sh.session, cli_fail(&err));
    sh.interactive = cli_term()->in_tty && cli_term()->out_tty;
    sh.input = cli_input_open(sh.interactive);
    if (sh.interactive)
        printf("worldgraph %s; statements end with ';', :help for help, Ctrl-D to quit\n", wg_version());
    (void)fflush(stdout);
    rc = converse(&sh);
    cli_input_close(sh.input);
    wg_result_free(sh.last);
    cli_buf_free(&sh.text);
    return cli_close(db, sh.session, rc);
}

cli_exit cli_shell(cli_args *args) {
    enum { O_READ_ONLY, O_MEMORY, O_TIMEOUT };
    static const cli_option options[] = {
        {"--read-only", NULL}, {"--memory", "BYTES"}, {"--timeout", "TIME"}, {NULL, NULL}};
    uint32_t timeout_ms = 0;
    const char *workspace = NULL;
    wg_options open = {0};
    const char *value = NULL;
    int option;
    while ((option = cli_args_next(args, options, &value)) != CLI_ARGS_END) {
        if (option == CLI_ARGS_HELP) return cli_help("shell");
        if (option == CLI_ARGS_WRONG) return CLI_USAGE;
        if (option == O_READ_ONLY) {
            open.read_only = true;
        } else if (option == O_MEMORY) {
            if (!cli_args_bytes(args, "--memory", value, &open.memory_bytes_max)) return CLI_USAGE;
        } else if (option == O_TIMEOUT) {
            if (!cli_args_duration(args, "--timeout", value, &timeout_ms)) return CLI_USAGE;
        } else if (workspace != NULL) {
            return cli_usage("shell", "unexpected argument \"%s\"", value);
        } else {
            workspace = value;
        }
    }
    if (workspace == NULL) return cli_usage("shell", "which workspace?");
    return open_shell(workspace, &open, timeout_ms);
}
