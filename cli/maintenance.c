/* cli/maintenance: checkpoint, compact, backup, restore and stats: the commands that keep a workspace in shape.
 *
 * Each does one call of the library and says in one line what came of it, or as one JSON object with --json. Progress goes to
 * standard error: a bar on a terminal, with --progress a line a second elsewhere. Ctrl-C ends the work at the next piece; what was
 * whole before stays whole. */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LINE_EVERY_MS = 1000, BAR_AFTER_MS = 500 };

typedef struct progress {
    const char *what;
    bool lines; /* --progress: also where no terminal is */
    uint64_t started_ms;
    uint64_t shown_ms;
} progress;

static bool show_progress(void *ctx, uint64_t done, uint64_t total) {
    progress *p = ctx;
    const uint64_t now = cli_now_ms();
    if (cli_term()->err_tty && now - p->started_ms >= BAR_AFTER_MS && now - p->shown_ms >= 100) {
        p->shown_ms = now;
        cli_progress_bytes(p->what, done, total);
    } else if (!cli_term()->err_tty && p->lines && (now - p->shown_ms >= LINE_EVERY_MS || done == total)) {
        p->shown_ms = now;
        fprintf(stderr, "%s: %" PRIu64 " of %" PRIu64 " bytes\n", p->what, done, total);
        (void)fflush(stderr);
    }
    return !cli_interrupted();
}

static progress progress_begin(const char *what, bool lines) {
    return (progress){.what = what, .lines = lines, .started_ms = cli_now_ms()};
}

/* ---- what a command found, shown as text or JSON */

typedef struct fact {
    const char *name; /* in JSON */
    uint64_t value;
} fact;

static void print_json(const fact *facts, size_t count) {
    for (size_t i = 0; i < count; i++)
        cli_out_printf(&cli_stdout, "%s\"%s\":%" PRIu64, i == 0 ? "{" : ",", facts[i].name, facts[i].value);
    cli_out_str(&cli_stdout, "}\n");
}

/* "1.5 MiB" */
static const char *bytes_text(uint64_t bytes, char out[32]) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    if (unit == 0) (void)snprintf(out, 32, "%" PRIu64 " %s", bytes, units[0]);
    else (void)snprintf(out, 32, "%.1f %s", value, units[unit]);
    return out;
}

static const char *plural(uint64_t n) { return n == 1 ? "" : "s"; }

/* ---- arguments that the commands share */

typedef struct request {
    const char *paths[2];
    size_t path_count;
    bool json;
    bool progress;
    bool all;
    bool expire_all;
    bool prometheus;
    bool cells;
    bool expire;
    uint64_t expire_before;
} request;

enum { O_JSON, O_PROGRESS, O_ALL, O_EXPIRE_ALL, O_EXPIRE, O_PROMETHEUS, O_CELLS };

static cli_exit take(cli_args *args, request *r, int option, const char *value, size_t paths_max) {
    switch (option) {
        case CLI_ARGS_POSITIONAL:
            if (r->path_count == paths_max) return cli_usage(args->command, "unexpected argument \"%s\"", value);
            r->paths[r->path_count++] = value;
            return CLI_OK;
        case O_JSON:
            r->json = true;
            return CLI_OK;
        case O_PROGRESS:
            r->progress = true;
            return CLI_OK;
        case O_ALL:
            r->all = true;
            return CLI_OK;
        case O_EXPIRE_ALL:
            r->expire_all = true;
            return CLI_OK;
        case O_EXPIRE:
            r->expire = true;
            return cli_args_number(args, "--expire", value, 0, UINT64_MAX, &r->expire_before) ? CLI_OK : CLI_USAGE;
        case O_PROMETHEUS:
            r->prometheus = true;
            return CLI_OK;
        default:
            r->cells = true;
            return CLI_OK;
    }
}

/* Reads the arguments; false when the command is answered already, and *out_exit says how. `what` names missing paths. */
static bool read_request(cli_args *args, const cli_option *options, size_t paths, const char *const *what, request *r,
                         cli_exit *out_exit) {
    const char *value = NULL;
    int option;
    while ((option = cli_args_next(args, options, &value)) != CLI_ARGS_END) {
        *out_exit = option == CLI_ARGS_HELP    ? cli_help(args->command)
                    : option == CLI_ARGS_WRONG ? CLI_USAGE
                                               : take(args, r, option, value, paths);
        if (option == CLI_ARGS_HELP || *out_exit != CLI_OK) return false;
    }
    if (r->path_count == paths) return true;
    *out_exit = cli_usage(args->command, "which %s?", what[r->path_count]);
    return false;
}

/* Options of every command are numbered alike: those that it lacks have a name that no argument has. */
#define NO_OPTION \
    { "-", NULL }

static const char *const workspace_name[] = {"workspace"};

static cli_exit open_quiet(const char *path, wg_db **db, wg_session **session) {
    const wg_options options = {.no_background = true};
    return cli_open_with(path, &options, db, session);
}

static cli_exit cancelled_or_failed(const wg_error *err) {
    cli_progress_clear();
    const cli_exit rc = cli_fail(err);
    if (err->code == WG_E_IO && (err->sys_errno == ENOSPC || err->sys_errno == EDQUOT || err->sys_errno == EFBIG))
        cli_note("make room at the destination and run it again; what was there before is as it was");
    return err->code == WG_E_NOT_FOUND ? CLI_SYSTEM : rc; /* a directory, not a name in a query */
}

/* ---- checkpoint */

cli_exit cli_checkpoint(cli_args *args) {
    static const cli_option options[] = {{"--json", NULL}, {NULL, NULL}};
    request r = {0};
    cli_exit rc;
    wg_db *db = NULL;
    wg_session *session = NULL;
    if (!read_request(args, options, 1, workspace_name, &r, &rc)) return rc;
    rc = open_quiet(r.paths[0], &db, &session);
    if (rc != CLI_OK) return rc;
    wg_checkpoint_info info = {0};
    wg_error err = {0};
    if (wg_checkpoint(db, &info, &err) != WG_OK) return cli_close(db, session, cancelled_or_failed(&err));
    const fact facts[] = {{"logseq", info.logseq},
                          {"stripes_written", info.stripes_written},
                          {"bytes_written", info.bytes_written},
                          {"log_bytes_freed", info.log_bytes_freed},
                          {"elapsed_ns", info.elapsed_ns}};
    char written[32];
    char freed[32];
    if (r.json) print_json(facts, sizeof facts / sizeof facts[0]);
    else
        cli_out_printf(&cli_stdout, "checkpoint at %" PRIu64 ": %" PRIu64 " stripe%s written (%s), %s of log freed\n",
                       info.logseq, info.stripes_written, plural(info.stripes_written),
                       bytes_text(info.bytes_written, written), bytes_text(info.log_bytes_freed, freed));
    return cli_close(db, session, CLI_OK);
}

/* ---- compact */

static void print_compacted(const wg_compact_info *info, bool json) {
    const fact facts[] = {{"jobs", info->jobs},
                          {"bytes_read", info->bytes_read},
                          {"bytes_written", info->bytes_written},
                          {"rows_dropped", info->rows_dropped},
                          {"stripes_before", info->stripes_before},
                          {"stripes_after", info->stripes_after},
                          {"bytes_before", info->bytes_before},
                          {"bytes_after", info->bytes_after}};
    char before[32];
    char after[32];
    if (json) {
        print_json(facts, sizeof facts / sizeof facts[0]);
        return;
    }
    cli_out_printf(&cli_stdout,
                   "%" PRIu64 " merge%s: %" PRIu64 " stripe%s (%s) are %" PRIu64 " now (%s), %" PRIu64
                   " dead row%s dropped\n",
                   info->jobs, plural(info->jobs), info->stripes_before, plural(info->stripes_before),
                   bytes_text(info->bytes_before, before), info->stripes_after, bytes_text(info->bytes_after, after),
                   info->rows_dropped, plural(info->rows_dropped));
}

static wg_code expire_first(wg_db *db, const request *r, wg_error *err) {
    if (r->expire_all) return wg_expire(db, wg_db_logseq(db), err);
    return r->expire ? wg_expire(db, r->expire_before, err) : WG_OK;
}

cli_exit cli_compact(cli_args *args) {
    static const cli_option options[] = {{"--json", NULL},       {"--progress", NULL}, {"--all", NULL},
                                         {"--expire-all", NULL}, {"--expire", "N"},    {NULL, NULL}};
    request r = {0};
    cli_exit rc;
    wg_db *db = NULL;
    wg_session *session = NULL;
    if (!read_request(args, options, 1, workspace_name, &r, &rc)) return rc;
    if (r.expire && r.expire_all) return cli_usage(args->command, "choose one of --expire and --expire-all");
    rc = open_quiet(r.paths[0], &db, &session);
    if (rc != CLI_OK) return rc;
    const wg_compact_options how = {.everything = r.all};
    wg_compact_info info = {0};
    wg_error err = {0};
    progress p = progress_begin("compacting", r.progress);
    wg_code code = expire_first(db, &r, &err);
    if (code == WG_OK) code = wg_compact(db, &how, show_progress, &p, &info, &err);
    if (code != WG_OK) return cli_close(db, session, cancelled_or_failed(&err));
    cli_progress_clear();
    print_compacted(&info, r.json);
    return cli_close(db, session, CLI_OK);
}

/* ---- backup and restore */

static void print_copied(const char *verb, const char *where, const wg_backup_info *info, bool json) {
    const fact facts[] = {{"logseq", info->logseq},
                          {"files_copied", info->files_copied},
                          {"files_kept", info->files_kept},
                          {"bytes_copied", info->bytes_copied},
                          {"bytes_kept", info->bytes_kept}};
    char copied[32];
    char kept[32];
    if (json) {
        print_json(facts, sizeof facts / sizeof facts[0]);
        return;
    }
    cli_out_printf(&cli_stdout, "%s commit %" PRIu64 " in ", verb, info->logseq);
    cli_out_str(&cli_stdout, where);
    cli_out_printf(&cli_stdout, ": %" PRIu64 " file%s copied (%s)", info->files_copied, plural(info->files_copied),
                   bytes_text(info->bytes_copied, copied));
    if (info->files_kept > 0)
        cli_out_printf(&cli_stdout, ", %" PRIu64 " were there already (%s)", info->files_kept,
                       bytes_text(info->bytes_kept, kept));
    cli_out_str(&cli_stdout, "\n");
}

static const cli_option copy_options[] = {{"--json", NULL}, {"--progress", NULL}, {NULL, NULL}};

cli_exit cli_backup(cli_args *args) {
    static const char *const names[] = {"workspace", "directory for the backup"};
    request r = {0};
    cli_exit rc;
    wg_db *db = NULL;
    wg_session *session = NULL;
    if (!read_request(args, copy_options, 2, names, &r, &rc)) return rc;
    rc = open_quiet(r.paths[0], &db, &session);
    if (rc != CLI_OK) return rc;
    wg_backup_info info = {0};
    wg_error err = {0};
    progress p = progress_begin("copying", r.progress);
    if (wg_backup(db, r.paths[1], show_progress, &p, &info, &err) != WG_OK)
        return cli_close(db, session, cancelled_or_failed(&err));
    cli_progress_clear();
    print_copied("backup up to", r.paths[1], &info, r.json);
    return cli_close(db, session, CLI_OK);
}

cli_exit cli_restore(cli_args *args) {
    static const char *const names[] = {"backup", "directory for the workspace"};
    request r = {0};
    cli_exit rc;
    if (!read_request(args, copy_options, 2, names, &r, &rc)) return rc;
    wg_backup_info info = {0};
    wg_error err = {0};
    progress p = progress_begin("copying", r.progress);
    const wg_code code = wg_restore(r.paths[0], r.paths[1], show_progress, &p, &info, &err);
    if (code != WG_OK) return cancelled_or_failed(&err);
    cli_progress_clear();
    print_copied("restored and verified up to", r.paths[1], &info, r.json);
    return CLI_OK;
}

/* ---- stats */

typedef struct stats_view {
    bool json;
    bool first;
} stats_view;

/* Numbers that are whole are shown as such. */
static void put_number(cli_buf *out, double value) {
    if (value >= -9e15 && value <= 9e15 && value == (double)(int64_t)value)
        cli_buf_printf(out, "%" PRId64, (int64_t)value);
    else cli_buf_printf(out, "%.9g", value);
}

static bool print_stat(void *ctx, const wg_stat *stat) {
    stats_view *v = ctx;
    cli_buf line = {0};
    if (v->json) {
        cli_buf_printf(&line, "%s{\"name\":\"%s\"", v->first ? "[" : ",\n ", stat->name);
        if (stat->label != NULL) cli_buf_printf(&line, ",\"%s\":\"%s\"", stat->label, stat->label_value);
        cli_buf_add_str(&line, ",\"value\":");
        put_number(&line, stat->value);
        cli_buf_add_str(&line, "}");
    } else {
        cli_buf name = {0};
        cli_buf_add_str(&name, stat->name);
        if (stat->label != NULL) cli_buf_printf(&name, "{%s=\"%s\"}", stat->label, stat->label_value);
        cli_buf_printf(&line, "%-56s ", cli_buf_text(&name));
        put_number(&line, stat->value);
        cli_buf_add_str(&line, "\n");
        cli_buf_free(&name);
    }
    v->first = false;
    cli_out_write(&cli_stdout, line.data, line.size);
    cli_buf_free(&line);
    return cli_stdout.error == 0;
}

static bool print_text(void *ctx, const void *data, size_t size) {
    (void)ctx;
    cli_out_write(&cli_stdout, data, size);
    return cli_stdout.error == 0;
}

cli_exit cli_stats(cli_args *args) {
    static const cli_option options[] = {{"--json", NULL},       NO_OPTION,   NO_OPTION, NO_OPTION, NO_OPTION,
                                         {"--prometheus", NULL}, {NULL, NULL}};
    request r = {0};
    cli_exit rc;
    wg_db *db = NULL;
    wg_session *session = NULL;
    if (!read_request(args, options, 1, workspace_name, &r, &rc)) return rc;
    if (r.json && r.prometheus) return cli_usage(args->command, "choose one of --json and --prometheus");
    const wg_options how = {.read_only = true, .no_background = true};
    rc = cli_open_with(r.paths[0], &how, &db, &session);
    if (rc != CLI_OK) return rc;
    stats_view view = {.json = r.json, .first = true};
    wg_error err = {0};
    const wg_code code =
        r.prometheus ? wg_db_stats_prometheus(db, print_text, NULL, &err) : wg_db_stats(db, print_stat, &view, &err);
    if (code == WG_OK && r.json) cli_out_str(&cli_stdout, view.first ? "[]\n" : "]\n");
    rc = cli_stdout.error != 0 ? cli_out_flush(&cli_stdout) : code == WG_OK ? CLI_OK : cli_fail(&err);
    return cli_close(db, session, rc);
}

/* ---- dump */

cli_exit cli_dump(cli_args *args) {
    static const char *const names[] = {"file"};
    static const cli_option options[] = {NO_OPTION, NO_OPTION, NO_OPTION,         NO_OPTION,
                                         NO_OPTION, NO_OPTION, {"--cells", NULL}, {NULL, NULL}};
    request r = {0};
    cli_exit rc;
    if (!read_request(args, options, 1, names, &r, &rc)) return rc;
    cli_signals_default();
    wg_error err = {0};
    const wg_code code = wg_dump(r.paths[0], r.cells, print_text, NULL, &err);
    if (cli_stdout.error != 0) return cli_out_flush(&cli_stdout);
    if (code == WG_OK) return CLI_OK;
    rc = cli_fail(&err);
    return code == WG_E_NOT_FOUND ? CLI_SYSTEM : rc;
}
