/* cli/verify: `worldgraph verify`: reads every byte of a workspace and says what it found. Damage is exit code 3. */
#include "cli.h"

#include <inttypes.h>
#include <string.h>

enum { O_JSON };
static const cli_option options[] = {{"--json", NULL}, {NULL, NULL}};

typedef struct row {
    const char *name; /* in JSON; shown with spaces */
    uint64_t value;
} row;

static void print_report(const wg_verify_report *report, bool json) {
    const row rows[] = {{"manifest_epoch", report->manifest_epoch},
                        {"segments", report->segments},
                        {"records", report->records},
                        {"bytes", report->bytes},
                        {"last_logseq", report->last_logseq},
                        {"torn_tail_bytes", report->torn_tail_bytes},
                        {"nodes", report->nodes},
                        {"edges", report->edges},
                        {"checkpoint_logseq", report->checkpoint_logseq},
                        {"stripes", report->stripes},
                        {"stripe_bytes", report->stripe_bytes},
                        {"fragments", report->fragments}};
    char chain[65];
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof report->chain; i++) {
        chain[2 * i] = digits[report->chain[i] >> 4];
        chain[2 * i + 1] = digits[report->chain[i] & 15];
    }
    chain[64] = '\0';
    if (json) {
        cli_out_str(&cli_stdout, "{\"ok\":true");
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            cli_out_printf(&cli_stdout, ",\"%s\":%" PRIu64, rows[i].name, rows[i].value);
        cli_out_printf(&cli_stdout, ",\"chain\":\"%s\"}\n", chain);
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[32];
        size_t size = strlen(rows[i].name);
        memcpy(name, rows[i].name, size + 1);
        for (size_t k = 0; k < size; k++) name[k] = name[k] == '_' ? ' ' : name[k];
        cli_out_printf(&cli_stdout, "%-17s %15" PRIu64 "\n", name, rows[i].value);
    }
    cli_out_printf(&cli_stdout, "%-17s %s\n", "chain", chain);
    if (report->torn_tail_bytes > 0)
        cli_out_str(&cli_stdout,
                    "the tail was cut by a crash; the next open removes it, nothing acknowledged is lost\n");
    cli_out_str(&cli_stdout, "ok\n");
}

cli_exit cli_verify(cli_args *args) {
    const char *path = NULL;
    const char *value = NULL;
    bool json = false;
    int option;
    while ((option = cli_args_next(args, options, &value)) != CLI_ARGS_END) {
        if (option == CLI_ARGS_HELP) return cli_help("verify");
        if (option == CLI_ARGS_WRONG) return CLI_USAGE;
        if (option == O_JSON) json = true;
        else if (path != NULL) return cli_usage("verify", "unexpected argument \"%s\"", value);
        else path = value;
    }
    if (path == NULL) return cli_usage("verify", "which workspace?");
    cli_signals_default();
    wg_verify_report report = {0};
    wg_error err = {0};
    const wg_code code = wg_verify(path, &report, &err);
    if (code == WG_OK) {
        print_report(&report, json);
        return CLI_OK;
    }
    const cli_exit rc = cli_fail(&err);
    if (code != WG_E_NOT_FOUND) return rc;
    cli_note_missing(path, false);
    return CLI_SYSTEM;
}
