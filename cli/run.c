/* cli/run: one statement from its text to its output: prepare, bind, execute under the watch, print. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static wg_code bind_one(wg_stmt *stmt, const cli_param *param, wg_error *err) {
    char name[256];
    memcpy(name, param->name, param->name_size);
    name[param->name_size] = '\0';
    const size_t size = strlen(param->value);
    wg_error json_err = {0};
    const wg_code code = wg_bind_json(stmt, name, param->value, size, &json_err);
    if (code == WG_E_VALUE || code == WG_E_SYNTAX) return wg_bind_string(stmt, name, param->value, size, err);
    if (code != WG_OK) *err = json_err;
    return code;
}

static wg_code bind_all(wg_stmt *stmt, const cli_request *request, wg_error *err) {
    for (size_t i = 0; i < request->param_count; i++) {
        wg_error one = {0};
        const wg_code code = bind_one(stmt, &request->params[i], &one);
        const bool unknown = code == WG_E_NOT_FOUND || code == WG_E_PARAMETER;
        if (code == WG_OK || (unknown && request->several)) continue;
        *err = one;
        return code;
    }
    return WG_OK;
}

static bool write_piece(void *out, const void *data, size_t size) {
    cli_out_write(out, data, size);
    return ((cli_out *)out)->error == 0;
}

static wg_code print_answer(const wg_result *result, cli_request *request, wg_error *err) {
    if (wg_result_column_count(result) == 0 && request->mode != CLI_JSON) return WG_OK;
    const bool apart = request->output_started && (request->mode == CLI_TABLE || request->mode == CLI_CSV);
    if (apart) cli_out_str(&cli_stdout, request->mode == CLI_CSV ? "\r\n" : "\n");
    request->output_started = true;
    switch (request->mode) {
        case CLI_TABLE:
            cli_write_table(&cli_stdout, result);
            break;
        case CLI_CSV:
            cli_write_csv(&cli_stdout, result);
            break;
        case CLI_JSON:
            cli_write_json(&cli_stdout, result);
            break;
        case CLI_ARROW: {
            const wg_code code = wg_result_write_arrow(result, write_piece, &cli_stdout, err);
            return cli_stdout.error != 0 ? WG_OK : code; /* the flush reports what the descriptor said */
        }
    }
    return WG_OK;
}

static cli_exit print_receipt(const wg_result *result, cli_request *request) {
    cli_out *out = request->receipt;
    wg_error err = {0};
    cli_buf line = {0};
    if (out == NULL) return CLI_OK;
    const wg_code code = wg_result_write_receipt(result, &request->receipt_options, cli_buf_sink, &line, &err);
    if (code != WG_OK) {
        cli_buf_free(&line);
        return cli_fail(&err);
    }
    /* Pipes and devices cannot be cut, and need not be. */
    if (!request->receipt_started && out != &cli_stdout && ftruncate(out->fd, 0) != 0) errno = 0;
    request->receipt_started = true;
    cli_buf_add_str(&line, "\n");
    cli_out_write(out, line.data, line.size);
    cli_buf_free(&line);
    return cli_out_flush(out);
}

static cli_exit print_all(const wg_result *result, cli_request *request) {
    wg_error err = {0};
    const wg_code code = print_answer(result, request, &err);
    const cli_exit receipt = print_receipt(result, request);
    const cli_exit flushed = cli_out_flush(&cli_stdout);
    if (code != WG_OK) return cli_fail(&err);
    if (flushed != CLI_OK) return flushed;
    if (cli_interrupted()) {
        const wg_error cancelled = {
            .code = WG_E_CANCELLED, .offset = WG_NO_OFFSET, .message = "the output was cut short by an interrupt"};
        return cli_fail(&cancelled);
    }
    cli_write_notifications(result, request->mode == CLI_JSON);
    if (request->summary != NULL) cli_write_summary(request->summary, result, request->timing);
    if (request->stats) cli_write_stats(&cli_stderr, result);
    return receipt;
}

cli_exit cli_run(wg_session *session, const char *text, const cli_statement *statement, cli_request *request,
                 wg_result **keep) {
    wg_error err = {0};
    wg_stmt *stmt = NULL;
    wg_result *result = NULL;
    wg_code code = wg_prepare(session, text + statement->start, statement->size, &stmt, &err);
    if (code == WG_OK) code = bind_all(stmt, request, &err);
    if (code == WG_OK) code = cli_watch_execute(session, stmt, &result, &err);
    wg_stmt_finish(stmt);
    if (code != WG_OK) return cli_fail_query(&err, text, statement->start);
    const cli_exit printed = print_all(result, request);
    if (keep == NULL) {
        wg_result_free(result);
    } else {
        wg_result_free(*keep);
        *keep = result;
    }
    return printed;
}

cli_exit cli_read_file(const char *path, cli_buf *out) {
    const bool standard = strcmp(path, "-") == 0;
    const int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        cli_complain("%s: %s", path, strerror(errno));
        return CLI_SYSTEM;
    }
    char piece[8192];
    ssize_t n = 0;
    while (!cli_interrupted() && ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))) {
        if (n > 0) cli_buf_add(out, piece, (size_t)n);
    }
    const int failed = n < 0 ? errno : 0;
    if (!standard) (void)close(fd);
    if (cli_interrupted()) {
        cli_complain("cancelled while reading %s", standard ? "standard input" : path);
        return CLI_QUERY;
    }
    if (failed == 0) return CLI_OK;
    cli_complain("%s: %s", standard ? "standard input" : path, strerror(failed));
    return CLI_SYSTEM;
}
