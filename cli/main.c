/* cli/main: the program `worldgraph`: finds the command and ends with its exit code.
 *
 * A broken pipe ends the process by SIGPIPE, as it ends every filter, but only after the workspace was closed. */
#include "cli.h"

#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    cli_exit (*run)(cli_args *args);
} commands[] = {{"ws", cli_ws},
                {"query", cli_query},
                {"shell", cli_shell},
                {"demo", cli_demo},
                {"verify", cli_verify},
                {"verify-receipt", cli_verify_receipt},
                {"receipt-key", cli_receipt_key},
                {"stats", cli_stats},
                {"checkpoint", cli_checkpoint},
                {"compact", cli_compact},
                {"backup", cli_backup},
                {"restore", cli_restore},
                {"dump", cli_dump},
                {"kv", cli_kv},
                {"events", cli_events},
                {"runs", cli_runs},
                {"version", cli_version}};

static cli_exit print_help(int argc, char **argv) {
    if (argc < 3) return cli_help(NULL);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[2], commands[i].name) == 0) return cli_help(argv[2]);
    }
    return cli_usage(NULL, "there is no command \"%s\"", argv[2]);
}

static cli_exit dispatch(int argc, char **argv) {
    if (argc < 2) {
        (void)cli_usage(NULL, "which command?");
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return cli_help(NULL);
    if (strcmp(argv[1], "help") == 0) return print_help(argc, argv);
    cli_args args = {.command = argv[1], .count = argc, .items = argv, .next = 2};
    if (strcmp(argv[1], "--version") == 0) {
        args.command = "version";
        return cli_version(&args);
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(&args);
    }
    cli_near near = {0};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) cli_nearest(argv[1], commands[i].name, &near);
    if (near.name != NULL) return cli_usage(NULL, "there is no command \"%s\"; did you mean %s?", argv[1], near.name);
    return cli_usage(NULL, "there is no command \"%s\"", argv[1]);
}

int main(int argc, char **argv) {
    (void)setlocale(LC_CTYPE, ""); /* for the line editor; numbers stay as the C locale writes them */
    cli_terminal_init();
    cli_signals_init();
    cli_exit rc = dispatch(argc, argv);
    const cli_exit flushed = cli_stdout.error == 0 ? cli_out_flush(&cli_stdout) : CLI_OK;
    if (rc == CLI_OK) rc = flushed;
    cli_buf_free(&cli_stdout.buf);
    if (rc == CLI_PIPE) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)raise(SIGPIPE);
    }
    return (int)rc;
}
