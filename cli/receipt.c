/* cli/receipt: `worldgraph verify-receipt`: receipts held against rows, a workspace, a replay or signatures; `worldgraph receipt-key`: keys of
 * executors.
 *
 * A file of receipts has one a line; with several, --line chooses, and the rows' file has the answer on the same line. Exit code 0: it holds;
 * 3: it does not, and the first wrong place is named. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 1000, SIGNERS_MAX = 1024, TRUSTED_MAX = 1024, THREADS_MAX = 1024, SHARDS_MAX = 65536 };

enum {
    O_LEVEL,
    O_ROWS,
    O_QUERY,
    O_FILE,
    O_PARAM,
    O_WORKSPACE,
    O_LINE,
    O_THREADS,
    O_SHARDS,
    O_MORSEL,
    O_ISA,
    O_SIGN,
    O_SIGNERS,
    O_TRUST,
    O_PROVE,
    O_PROOF,
    O_JSON
};
static const cli_option options[] = {{"--level", "V0|V1|V2|V3"},
                                     {"--rows", "FILE"},
                                     {"--query", "TEXT"},
                                     {"--file", "FILE"},
                                     {"--param", "NAME=VALUE"},
                                     {"--workspace", "PATH"},
                                     {"--line", "N"},
                                     {"--threads", "N"},
                                     {"--shards", "N"},
                                     {"--morsel", "N"},
                                     {"--isa", "ISA"},
                                     {"--sign", "KEY"},
                                     {"--signers", "N"},
                                     {"--trust", "PUBLIC"},
                                     {"--prove-row", "N"},
                                     {"--proof", "FILE"},
                                     {"--json", NULL},
                                     {NULL, NULL}};

typedef struct verify {
    const char *receipt;
    const char *rows;
    const char *query;
    const char *file;
    const char *key;
    const char *proof;
    bool level_set;
    bool prove;
    bool json;
    uint64_t row, line;
    uint64_t threads, shards, morsel, signers;
    wg_execution execution;
    uint8_t secret[32];
    uint8_t *trusted; /* 32 bytes each */
    char *names;      /* of arguments, cut from NAME=VALUE */
    wg_receipt_argument *arguments;
    cli_buf receipt_text, rows_text, query_text, proof_text;
    wg_receipt_request request;
} verify;

/* ---- keys */

static bool hex_bytes(const char *text, uint8_t out[32]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 64; i++) {
        const char *at = text[i] == '\0' ? NULL : strchr(digits, text[i]);
        if (at == NULL) return false;
        const uint8_t half = (uint8_t)(at - digits);
        out[i / 2] = (uint8_t)(i % 2 == 0 ? half << 4 : out[i / 2] | half);
    }
    return text[64] == '\0' || (text[64] == '\n' && text[65] == '\0');
}

static void hex_text(const uint8_t bytes[32], char out[65]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[64] = '\0';
}

cli_exit cli_read_key(const char *path, uint8_t out[32]) {
    cli_buf text = {0};
    cli_exit rc = cli_read_file(path, &text);
    if (rc == CLI_OK && !hex_bytes(cli_buf_text(&text), out)) {
        cli_complain("%s: a key is 64 hexadecimal digits; worldgraph receipt-key makes one", path);
        rc = CLI_USAGE;
    }
    cli_buf_free(&text);
    return rc;
}

static cli_exit write_key(const char *path, const uint8_t secret[32]) {
    char text[66];
    hex_text(secret, text);
    text[64] = '\n';
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const bool ok = fd >= 0 && write(fd, text, 65) == 65 && fsync(fd) == 0;
    if (!ok) cli_complain("%s: %s", path, strerror(errno));
    if (fd >= 0) (void)close(fd);
    return ok ? CLI_OK : CLI_SYSTEM;
}

cli_exit cli_receipt_key(cli_args *args) {
    static const cli_option none[] = {{NULL, NULL}};
    const char *path = NULL;
    const char *value = NULL;
    int option;
    while ((option = cli_args_next(args, none, &value)) != CLI_ARGS_END) {
        if (option == CLI_ARGS_HELP) return cli_help("receipt-key");
        if (option == CLI_ARGS_WRONG) return CLI_USAGE;
        if (path != NULL) return cli_usage(args->command, "unexpected argument \"%s\"", value);
        path = value;
    }
    if (path == NULL) return cli_usage(args->command, "which file shall hold the key?");
    uint8_t secret[32], public[32];
    char text[65];
    wg_error err = {0};
    cli_exit rc = CLI_OK;
    if (access(path, F_OK) == 0) {
        rc = cli_read_key(path, secret);
    } else {
        if (wg_receipt_key_new(secret, &err) != WG_OK) return cli_fail(&err);
        rc = write_key(path, secret);
    }
    if (rc != CLI_OK) return rc;
    if (wg_receipt_key_public(secret, public, &err) != WG_OK) return cli_fail(&err);
    hex_text(public, text);
    cli_out_printf(&cli_stdout, "%s\n", text);
    return CLI_OK;
}

/* ---- arguments */

static bool take_level(const cli_args *args, verify *v, const char *value) {
    v->level_set = strlen(value) == 2 && (value[0] == 'V' || value[0] == 'v') && value[1] >= '0' && value[1] <= '3';
    if (v->level_set) v->request.level = (wg_receipt_level)(value[1] - '0');
    else (void)cli_usage(args->command, "--level is V0, V1, V2 or V3, not \"%s\"", value);
    return v->level_set;
}

static bool take_param(const cli_args *args, verify *v, const char *value) {
    const char *name = value[0] == '$' ? value + 1 : value;
    const char *equals = strchr(name, '=');
    if (equals == NULL || equals == name || equals - name > 255 || v->request.argument_count == ARGUMENTS_MAX) {
        (void)cli_usage(args->command, "--param takes NAME=VALUE, at most %d times, not \"%s\"", ARGUMENTS_MAX,
                        value);
        return false;
    }
    char *copy = v->names + 256 * v->request.argument_count;
    memcpy(copy, name, (size_t)(equals - name));
    v->arguments[v->request.argument_count++] = (wg_receipt_argument){.name = copy, .json = equals + 1};
    return true;
}

static bool take_trust(const cli_args *args, verify *v, const char *value) {
    if (v->request.trusted_count < TRUSTED_MAX && hex_bytes(value, v->trusted + 32 * v->request.trusted_count)) {
        v->request.trusted_count++;
        return true;
    }
    (void)cli_usage(args->command, "--trust takes a public key, 64 hexadecimal digits, not \"%s\"", value);
    return false;
}

static bool take_number(const cli_args *args, verify *v, int option, const char *value) {
    switch (option) {
        case O_LINE:
            return cli_args_number(args, "--line", value, 1, UINT64_MAX, &v->line);
        case O_THREADS:
            return cli_args_number(args, "--threads", value, 1, THREADS_MAX, &v->threads);
        case O_SHARDS:
            return cli_args_number(args, "--shards", value, 1, SHARDS_MAX, &v->shards);
        case O_MORSEL:
            return cli_args_number(args, "--morsel", value, 1, 2048, &v->morsel);
        case O_SIGNERS:
            return cli_args_number(args, "--signers", value, 1, SIGNERS_MAX, &v->signers);
        default:
            v->prove = true;
            return cli_args_number(args, "--prove-row", value, 0, UINT64_MAX - 1, &v->row);
    }
}

static const char **place_of(verify *v, int option) {
    switch (option) {
        case O_ROWS:
            return &v->rows;
        case O_QUERY:
            return &v->query;
        case O_FILE:
            return &v->file;
        case O_WORKSPACE:
            return &v->request.workspace;
        case O_ISA:
            return &v->execution.isa;
        case O_SIGN:
            return &v->key;
        case O_PROOF:
            return &v->proof;
        default:
            return NULL;
    }
}

static bool take_option(const cli_args *args, verify *v, int option, const char *value) {
    const char **place = place_of(v, option);
    if (place != NULL) *place = value;
    if (place != NULL) return true;
    if (option == O_JSON) v->json = true;
    if (option == O_JSON) return true;
    if (option == O_LEVEL) return take_level(args, v, value);
    if (option == O_PARAM) return take_param(args, v, value);
    if (option == O_TRUST) return take_trust(args, v, value);
    if (option != CLI_ARGS_POSITIONAL) return take_number(args, v, option, value);
    if (v->receipt != NULL) (void)cli_usage(args->command, "unexpected argument \"%s\"", value);
    if (v->receipt != NULL) return false;
    v->receipt = value;
    return true;
}

/* ---- files */

/* Line `number` of the text, its line feed included. */
static bool pick_line(const cli_buf *text, uint64_t number, const char **out, size_t *out_size) {
    const char *at = cli_buf_text(text);
    const char *end = at + text->size;
    for (uint64_t i = 1; at < end; i++) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        const char *next = feed == NULL ? end : feed + 1;
        if (i == number) {
            *out = at;
            *out_size = (size_t)(next - at);
            return true;
        }
        at = next;
    }
    return false;
}

static cli_exit read_line(const char *path, uint64_t line, cli_buf *text, const char **out, size_t *out_size) {
    const cli_exit rc = cli_read_file(path, text);
    if (rc != CLI_OK) return rc;
    if (pick_line(text, line, out, out_size)) return CLI_OK;
    cli_complain("%s has no line %" PRIu64, path, line);
    return CLI_USAGE;
}

static cli_exit read_files(verify *v) {
    wg_receipt_request *q = &v->request;
    cli_exit rc = read_line(v->receipt, v->line, &v->receipt_text, &q->receipt, &q->receipt_size);
    if (rc == CLI_OK && v->rows != NULL) rc = read_line(v->rows, v->line, &v->rows_text, &q->rows, &q->rows_size);
    if (rc == CLI_OK && v->file != NULL) rc = cli_read_file(v->file, &v->query_text);
    if (rc == CLI_OK && v->query != NULL) cli_buf_add_str(&v->query_text, v->query);
    if (rc == CLI_OK && (v->file != NULL || v->query != NULL)) {
        const cli_statement s = cli_statement_at(cli_buf_text(&v->query_text), v->query_text.size, 0);
        q->statement = cli_buf_text(&v->query_text) + s.start;
        q->statement_size = s.size;
    }
    if (rc == CLI_OK && v->key != NULL) {
        rc = cli_read_key(v->key, v->secret);
        q->secret = v->secret;
        q->write = cli_buf_sink;
        q->write_ctx = &v->proof_text;
    }
    if (rc == CLI_OK && v->proof != NULL) rc = cli_read_file(v->proof, &v->proof_text);
    return rc;
}

/* ---- output */

static void print_number(const char *name, uint64_t n, bool json) {
    if (n == UINT64_MAX) return;
    cli_out_printf(&cli_stdout, json ? ",\"%s\":%" PRIu64 : "%-10s %" PRIu64 "\n", name, n);
}

static void print_text(const char *name, const char *text) {
    cli_buf json = {0};
    wg_value value = {.type = WG_TYPE_STRING, .size = (uint32_t)strlen(text)};
    value.as.s = text;
    if (wg_value_write_json(&value, cli_buf_sink, &json, NULL) == WG_OK) {
        cli_out_printf(&cli_stdout, ",\"%s\":", name);
        cli_out_write(&cli_stdout, json.data, json.size);
    }
    cli_buf_free(&json);
}

static void print_report(const verify *v, const wg_receipt_report *r) {
    char id[65];
    hex_text(r->core_id, id);
    if (v->json) {
        cli_out_printf(&cli_stdout, "{\"ok\":%s,\"level\":\"V%d\"", r->ok ? "true" : "false", (int)v->request.level);
        if (!r->ok) print_text("place", r->place);
        if (!r->ok) print_text("reason", r->reason);
    } else if (r->ok) {
        cli_out_printf(&cli_stdout, "the receipt holds at level V%d\n", (int)v->request.level);
    } else {
        cli_out_printf(&cli_stdout, "the receipt does not hold: %s: %s\n", r->place, r->reason);
    }
    print_number("row", r->row, v->json);
    print_number("chunk", r->chunk, v->json);
    print_number("logseq", r->logseq, v->json);
    print_number("offset", r->offset, v->json);
    print_number("snapshot", r->snapshot, v->json);
    print_number("row_count", r->row_count, v->json);
    print_number("signers", r->signers, v->json);
    cli_out_printf(&cli_stdout, v->json ? ",\"core_id\":\"%s\"}\n" : "core_id    %s\n", id);
}

static cli_exit check_proof(const verify *v) {
    wg_error err = {0};
    bool ok = false;
    if (wg_receipt_check_row(&v->request, cli_buf_text(&v->proof_text), v->proof_text.size, &ok, &err) != WG_OK)
        return cli_fail(&err);
    cli_out_str(&cli_stdout, ok ? "the row is one of the answer\n" : "the row is not one of the answer\n");
    return ok ? CLI_OK : CLI_USAGE;
}

static cli_exit prove_row(const verify *v) {
    wg_error err = {0};
    cli_buf text = {0};
    const wg_code code = wg_receipt_prove_row(&v->request, v->row, cli_buf_sink, &text, &err);
    if (code == WG_OK) {
        cli_buf_add_str(&text, "\n");
        cli_out_write(&cli_stdout, text.data, text.size);
    }
    cli_buf_free(&text);
    return code == WG_OK ? CLI_OK : cli_fail(&err);
}

static cli_exit run_verify(verify *v) {
    wg_receipt_report report;
    wg_error err = {0};
    if (v->proof != NULL) return check_proof(v);
    if (v->prove) return prove_row(v);
    v->execution.threads = (uint32_t)v->threads;
    v->execution.shards = (uint32_t)v->shards;
    v->execution.batch_rows = (uint32_t)v->morsel;
    v->request.execution = &v->execution;
    v->request.signers_min = (uint32_t)v->signers;
    v->request.arguments = v->arguments;
    if (v->request.trusted_count > 0) v->request.trusted = v->trusted;
    if (wg_receipt_verify(&v->request, &report, &err) != WG_OK) return cli_fail(&err);
    if (v->key != NULL && report.ok) {
        cli_buf_add_str(&v->proof_text, "\n");
        cli_out_write(&cli_stdout, v->proof_text.data, v->proof_text.size);
    } else {
        print_report(v, &report);
    }
    return report.ok ? CLI_OK : CLI_USAGE;
}

static cli_exit check_arguments(const cli_args *args, const verify *v) {
    if (v->receipt == NULL) return cli_usage(args->command, "which receipt?");
    if (v->query != NULL && v->file != NULL) return cli_usage(args->command, "give --query or --file, not both");
    if (v->proof != NULL || v->prove) return CLI_OK;
    if (!v->level_set) return cli_usage(args->command, "how deep? Give --level V0, V1, V2 or V3");
    if (v->key != NULL && v->request.level != WG_RECEIPT_V2)
        return cli_usage(args->command, "--sign signs what a replay found: it goes with --level V2");
    return CLI_OK;
}

cli_exit cli_verify_receipt(cli_args *args) {
    verify v = {.line = 1,
                .names = cli_allocate(ARGUMENTS_MAX, 256),
                .arguments = cli_allocate(ARGUMENTS_MAX, sizeof(wg_receipt_argument)),
                .trusted = cli_allocate(TRUSTED_MAX, 32)};
    const char *value = NULL;
    bool help = false;
    cli_exit rc = CLI_OK;
    int option;
    while (rc == CLI_OK && !help && (option = cli_args_next(args, options, &value)) != CLI_ARGS_END) {
        help = option == CLI_ARGS_HELP;
        if (!help && (option == CLI_ARGS_WRONG || !take_option(args, &v, option, value))) rc = CLI_USAGE;
    }
    if (help) rc = cli_help("verify-receipt");
    if (rc == CLI_OK && !help) rc = check_arguments(args, &v);
    if (rc == CLI_OK && !help) rc = read_files(&v);
    if (rc == CLI_OK && !help) rc = run_verify(&v);
    cli_release(v.names);
    cli_release(v.arguments);
    cli_release(v.trusted);
    cli_buf_free(&v.receipt_text);
    cli_buf_free(&v.rows_text);
    cli_buf_free(&v.query_text);
    cli_buf_free(&v.proof_text);
    return rc;
}
