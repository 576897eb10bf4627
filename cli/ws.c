/* cli/ws: `worldgraph ws init`, `worldgraph verify` and `worldgraph version`: the short commands. */
#include "cli.h"

#include <string.h>

static const cli_option no_options[] = {{NULL, NULL}};

/* Reads exactly one positional argument. False when the command is already answered; *out_exit says how. */
static bool one_argument(cli_args *args, const char *what, const char **out, cli_exit *out_exit) {
    const char *value = NULL;
    int option;
    *out = NULL;
    *out_exit = CLI_USAGE;
    while ((option = cli_args_next(args, no_options, &value)) != CLI_ARGS_END) {
        if (option == CLI_ARGS_HELP) {
            *out_exit = cli_help(args->command);
            return false;
        }
        if (option == CLI_ARGS_WRONG) return false;
        if (*out != NULL) {
            (void)cli_usage(args->command, "unexpected argument \"%s\"", value);
            return false;
        }
        *out = value;
    }
    if (*out != NULL) return true;
    (void)cli_usage(args->command, "which %s?", what);
    return false;
}

cli_exit cli_ws(cli_args *args) {
    if (args->next >= args->count) return cli_usage("ws", "what about the workspace? ws init DIR");
    const char *action = args->items[args->next++];
    if (strcmp(action, "--help") == 0 || strcmp(action, "-h") == 0) return cli_help("ws");
    if (strcmp(action, "init") != 0) return cli_usage("ws", "there is no \"ws %s\"", action);
    const char *path;
    cli_exit rc;
    if (!one_argument(args, "directory", &path, &rc)) return rc;
    const wg_options options = {.create = true, .must_create = true};
    wg_error err = {0};
    wg_db *db = NULL;
    if (wg_open(path, &options, &db, &err) != WG_OK) {
        rc = cli_fail(&err);
        if (err.code == WG_E_EXISTS) cli_note("run: worldgraph shell %s", path);
        /* A missing parent directory is the system's answer, not a query's. */
        return err.code == WG_E_NOT_FOUND ? CLI_SYSTEM : rc;
    }
    if (wg_close(db, &err) != WG_OK) return cli_fail(&err);
    cli_out_str(&cli_stdout, "workspace ");
    cli_out_str(&cli_stdout, path);
    cli_out_str(&cli_stdout, " is ready\n\nnext:\n");
    static const char *const next[][2] = {
        {"  worldgraph shell ", "\n"},
        {"  worldgraph query ", " \"CREATE (:Player {name: 'Ada'})\"\n"},
        {"  worldgraph query ", " \"MATCH (p:Player) RETURN p.name\"\n"},
    };
    for (size_t i = 0; i < sizeof next / sizeof next[0]; i++) {
        cli_out_str(&cli_stdout, next[i][0]);
        cli_out_str(&cli_stdout, path);
        cli_out_str(&cli_stdout, next[i][1]);
    }
    return CLI_OK;
}

cli_exit cli_version(cli_args *args) {
    if (args->next < args->count) {
        const char *item = args->items[args->next];
        if (strcmp(item, "--help") == 0 || strcmp(item, "-h") == 0) return cli_help("version");
        return cli_usage("version", "unexpected argument \"%s\"", item);
    }
    cli_out_printf(&cli_stdout, "worldgraph %s\n", wg_version());
    return CLI_OK;
}
