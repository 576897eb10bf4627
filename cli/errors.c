/* cli/errors: exit codes, messages and hints, and the opening of workspaces.
 *
 * Messages pass through the terminal escaping, because they may quote file names and query text. Texts are built whole
 * and written with one call, so that two processes on one terminal do not mix inside a line. */
#include "cli.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool errors_as_json;

cli_exit cli_exit_of(wg_code code) {
    switch (code) {
        case WG_OK:
            return CLI_OK;
        case WG_E_IO:
        case WG_E_NOMEM:
        case WG_E_BUSY:
        case WG_E_INTERNAL:
            return CLI_SYSTEM;
        case WG_E_CORRUPT:
        case WG_E_VERSION:
        case WG_E_CHANGED:
        case WG_E_MISUSE:
            return CLI_USAGE;
        case WG_E_LIMIT:
        case WG_E_CONFLICT:
        case WG_E_EXPIRED:
        case WG_E_NOT_FOUND:
        case WG_E_EXISTS:
        case WG_E_SYNTAX:
        case WG_E_BIND:
        case WG_E_TYPE:
        case WG_E_VALUE:
        case WG_E_CONSTRAINT:
        case WG_E_UNSUPPORTED:
        case WG_E_CANCELLED:
        case WG_E_DEADLINE:
        case WG_E_READ_ONLY:
        case WG_E_CAPACITY:
        case WG_E_PARAMETER:
            return CLI_QUERY;
    }
    return CLI_SYSTEM;
}

static void say(const char *label, const char *colour, const char *text) {
    const bool coloured = cli_term()->err_colour;
    cli_buf line = {0};
    cli_buf_printf(&line, "worldgraph: %s%s:%s ", coloured ? colour : "", label, coloured ? "\033[0m" : "");
    cli_add_escaped(&line, text, strlen(text), CLI_ESCAPE_LINES);
    if (line.size > 0 && line.data[line.size - 1] != '\n') cli_buf_add_str(&line, "\n");
    (void)fwrite(line.data, 1, line.size, stderr);
    (void)fflush(stderr);
    cli_buf_free(&line);
}

void cli_complain(const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say("error", "\033[1;31m", text);
}

void cli_note(const char *format, ...) {
    if (errors_as_json) return;
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say("hint", "\033[1;36m", text);
}

cli_exit cli_usage(const char *command, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say("error", "\033[1;31m", text);
    if (command == NULL) cli_note("worldgraph --help");
    else cli_note("worldgraph %s --help", command);
    return CLI_USAGE;
}

/* Line and column of byte `at` of `text`, both counted from 1. */
static void place_of(const char *text, size_t at, uint32_t *line, uint32_t *column) {
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < at && text[i] != '\0'; i++) {
        if (text[i] == '\n') {
            (*line)++;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            (*column)++;
        }
    }
}

/* Moves a place in the statement at `start` to the whole text. False when the place is not in the statement: errors about
 * files, such as a line of CSV, carry one too. */
static bool move_place(wg_error *err, const char *text, size_t start) {
    if (err->line == 0 || err->offset == WG_NO_OFFSET) return false;
    uint32_t line;
    uint32_t column;
    place_of(text + start, (size_t)err->offset, &line, &column);
    if (line != err->line || column != err->column) return false;
    err->offset += start;
    place_of(text, (size_t)err->offset, &err->line, &err->column);
    return true;
}

void cli_errors_as_json(void) { errors_as_json = true; }

static void add_json_text(cli_buf *out, const char *name, const char *text) {
    const wg_value value = {.type = WG_TYPE_STRING, .size = (uint32_t)strlen(text), .as = {.s = text}};
    cli_buf_printf(out, "%s\"%s\":", out->size > 1 ? "," : "", name);
    if (wg_value_write_json(&value, cli_buf_sink, out, NULL) != WG_OK) cli_buf_add_str(out, "\"\"");
}

/* {"code":"WG_E_SYNTAX","gqlstatus":"42001","message":"...","line":1,"column":8,"offset":7}: places only where there are any. */
static void say_json(const wg_error *err) {
    cli_buf line = {0};
    cli_buf_add_str(&line, "{");
    add_json_text(&line, "code", wg_code_name(err->code));
    add_json_text(&line, "gqlstatus", wg_error_gqlstatus(err));
    add_json_text(&line, "message", err->message);
    if (err->line != 0) cli_buf_printf(&line, ",\"line\":%" PRIu32, err->line);
    if (err->column != 0) cli_buf_printf(&line, ",\"column\":%" PRIu32, err->column);
    if (err->offset != WG_NO_OFFSET) cli_buf_printf(&line, ",\"offset\":%" PRIu64, err->offset);
    if (err->sys_errno != 0) cli_buf_printf(&line, ",\"errno\":%" PRId32, err->sys_errno);
    cli_buf_add_str(&line, "}\n");
    (void)fwrite(line.data, 1, line.size, stderr);
    (void)fflush(stderr);
    cli_buf_free(&line);
}

cli_exit cli_fail_query(const wg_error *err, const char *text, size_t start) {
    wg_error shown = *err;
    const char *query = text;
    if (text != NULL && start > 0 && !move_place(&shown, text, start)) query = text + start;
    if (errors_as_json) {
        say_json(&shown);
        return cli_exit_of(err->code);
    }
    const size_t size = wg_error_format(&shown, query, NULL, 0) + 1;
    char *message = cli_allocate(size, 1);
    (void)wg_error_format(&shown, query, message, size);
    say(err->code == WG_E_CANCELLED ? "cancelled" : "error", "\033[1;31m", message);
    cli_release(message);
    if (err->code == WG_E_CONFLICT) cli_note("nothing was written; run the statement again");
    if (err->code == WG_E_IO && (err->sys_errno == EACCES || err->sys_errno == EROFS))
        cli_note(
            "a workspace must be writable by you: change its owner or rights, work on a copy, or read with "
            "--read-only");
    if (err->code == WG_E_PARAMETER) cli_note("give parameters as: --param name=value");
    if (err->code == WG_E_DEADLINE) cli_note("give it more time with --timeout, or look at EXPLAIN");
    return cli_exit_of(err->code);
}

cli_exit cli_fail(const wg_error *err) { return cli_fail_query(err, NULL, 0); }

/* Who only looks, or keeps what is there in order, has no use for a new workspace. */
void cli_note_missing(const char *path, bool useful_when_new) {
    if (useful_when_new) cli_note("run: worldgraph ws init %s", path);
    else cli_note("check the path: a workspace is a directory with a file CURRENT in it");
}

cli_exit cli_open_with(const char *path, const wg_options *options, wg_db **db, wg_session **session) {
    wg_error err = {0};
    wg_code code = wg_open(path, options, db, &err);
    if (code != WG_OK) {
        (void)cli_fail(&err);
        if (code == WG_E_NOT_FOUND) {
            cli_note_missing(path, options == NULL || (!options->no_background && !options->read_only));
            return CLI_SYSTEM;
        }
        if (code == WG_E_BUSY)
            cli_note(
                "one process at a time has a workspace open for writing; close the other one, or read beside it "
                "with --read-only");
        if (code == WG_E_CORRUPT) cli_note("run: worldgraph verify %s", path);
        return cli_exit_of(code);
    }
    code = wg_session_open(*db, session, &err);
    if (code == WG_OK) return CLI_OK;
    (void)cli_fail(&err);
    (void)wg_close(*db, NULL);
    return cli_exit_of(code);
}

cli_exit cli_open(const char *path, wg_db **db, wg_session **session) {
    return cli_open_with(path, NULL, db, session);
}

cli_exit cli_close(wg_db *db, wg_session *session, cli_exit so_far) {
    wg_session_close(session);
    wg_error err = {0};
    if (wg_close(db, &err) == WG_OK || so_far != CLI_OK) return so_far;
    return cli_fail(&err);
}

/* {"gqlstatus":"03W01","message":"...","line":1,"column":8,"offset":7} */
static void note_json(const wg_notification *n) {
    cli_buf line = {0};
    cli_buf_add_str(&line, "{");
    add_json_text(&line, "gqlstatus", n->gqlstatus);
    add_json_text(&line, "message", n->message);
    if (n->line != 0)
        cli_buf_printf(&line, ",\"line\":%" PRIu32 ",\"column\":%" PRIu32 ",\"offset\":%" PRIu64, n->line, n->column,
                       n->offset);
    cli_buf_add_str(&line, "}\n");
    (void)fwrite(line.data, 1, line.size, stderr);
    cli_buf_free(&line);
}

void cli_write_notifications(const wg_result *result, bool json) {
    const uint32_t count = wg_result_notification_count(result);
    for (uint32_t i = 0; i < count; i++) {
        wg_notification n;
        if (wg_result_notification(result, i, &n, NULL) != WG_OK) return;
        if (json || errors_as_json) {
            note_json(&n);
            continue;
        }
        char text[512];
        if (n.line != 0)
            (void)snprintf(text, sizeof text, "(%s) line %" PRIu32 ", column %" PRIu32 ": %s", n.gqlstatus, n.line,
                           n.column, n.message);
        else (void)snprintf(text, sizeof text, "(%s) %s", n.gqlstatus, n.message);
        cli_note("%s", text);
    }
}
