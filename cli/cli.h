/* cli: what the files of the program `worldgraph` share. It uses the public header and POSIX, never the library's inside.
 *
 * Exit codes are a promise to scripts: 0 done, 1 the query or its data is at fault, 2 the system is, 3 the arguments are
 * or the stored bytes are damaged. Answers go to standard output; everything about them goes to standard error. */
#ifndef WG_CLI_H
#define WG_CLI_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <worldgraph.h>

typedef enum cli_exit {
    CLI_OK = 0,
    CLI_QUERY = 1,
    CLI_SYSTEM = 2,
    CLI_USAGE = 3, /* wrong arguments, or damage found */
    CLI_PIPE = 141 /* the reader of our output went away: main ends quietly as the signal would */
} cli_exit;

#define CLI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* ---- text.c: growable text, always NUL-terminated. A refused allocation ends the program with exit code 2; an open
 * workspace survives that as it survives any death of its process. */
typedef struct cli_buf {
    char *data;
    size_t size;
    size_t capacity;
} cli_buf;
void cli_buf_free(cli_buf *buf);
void cli_buf_clear(cli_buf *buf);
void cli_buf_add(cli_buf *buf, const void *data, size_t size);
void cli_buf_add_str(cli_buf *buf, const char *text);
void cli_buf_printf(cli_buf *buf, const char *format, ...) CLI_PRINTF(2, 3);
bool cli_buf_sink(void *buf, const void *data, size_t size); /* a wg_write_fn */
const char *cli_buf_text(const cli_buf *buf);                /* "" when empty */
void *cli_allocate(size_t count, size_t size);               /* zeroed, never NULL */
void cli_release(void *p);

/* What to do with characters that could drive a terminal: control characters, DEL, C1, bidirectional overrides and bytes
 * that are not UTF-8. */
typedef enum cli_escape {
    CLI_ESCAPE_NONE,  /* copy */
    CLI_ESCAPE_TABLE, /* \n, \t, \xNN, \uNNNN */
    CLI_ESCAPE_LINES, /* the same, but line feeds stay */
    CLI_ESCAPE_JSON   /* \uNNNN: input is JSON text, so is the output */
} cli_escape;
void cli_add_escaped(cli_buf *out, const char *text, size_t size, cli_escape how);
size_t cli_scalar_bytes(const char *text, size_t size);             /* of the first one; 0: not UTF-8 */
size_t cli_width(const char *text, size_t size);                    /* in Unicode scalar values */
size_t cli_prefix(const char *text, size_t size, size_t width_max); /* bytes of the first scalar values */

/* ---- statements.c: cuts text at ';' outside of strings, quoted names and comments. */
typedef struct cli_statement {
    size_t start;
    size_t size;     /* without the ';' and white space at both ends; 0: nothing but space and comments */
    size_t next;     /* where the following one starts */
    bool closed;     /* ended by ';' */
    bool unfinished; /* the text ends inside of a string or a block comment */
} cli_statement;
cli_statement cli_statement_at(const char *text, size_t size, size_t from);

/* ---- terminal.c */
typedef struct cli_terminal {
    bool in_tty;
    bool out_tty;
    bool err_tty;
    bool out_colour;
    bool err_colour;
} cli_terminal;
void cli_terminal_init(void);
const cli_terminal *cli_term(void);
size_t cli_terminal_width(void);

/* Buffered output to a descriptor. The first failure is kept and everything after it dropped. */
typedef struct cli_out {
    int fd;
    int error; /* errno, 0: none */
    const char *name;
    cli_buf buf;
} cli_out;
extern cli_out cli_stdout;
extern cli_out cli_stderr;
void cli_out_write(cli_out *out, const void *data, size_t size);
void cli_out_str(cli_out *out, const char *text);
void cli_out_printf(cli_out *out, const char *format, ...) CLI_PRINTF(2, 3);
cli_exit cli_out_flush(cli_out *out); /* says what failed, except for a broken pipe */

/* ---- errors.c */
cli_exit cli_exit_of(wg_code code);
/* "worldgraph: error: ..." on standard error. */
void cli_complain(const char *format, ...) CLI_PRINTF(1, 2);
void cli_note(const char *format, ...) CLI_PRINTF(1, 2);
cli_exit cli_usage(const char *command, const char *format, ...) CLI_PRINTF(2, 3);
cli_exit cli_fail(const wg_error *err);
/* From now on errors of the library are one JSON object a line, without hints. */
void cli_errors_as_json(void);
/* What the library notes of a statement, on standard error: a line each, or a JSON object each. */
void cli_write_notifications(const wg_result *result, bool json);
/* `text` is what the statement was cut from at byte `start`: place and caret are shown in the whole. */
cli_exit cli_fail_query(const wg_error *err, const char *text, size_t start);
/* Opens a workspace that exists, and a session in it. `options` may be NULL. */
void cli_note_missing(const char *path, bool useful_when_new); /* the hint for a path where no workspace is */
cli_exit cli_open_with(const char *path, const wg_options *options, wg_db **db, wg_session **session);
cli_exit cli_open(const char *path, wg_db **db, wg_session **session);
/* Closes both; returns `so_far`, or the failure to close when so_far is CLI_OK. */
cli_exit cli_close(wg_db *db, wg_session *session, cli_exit so_far);

/* ---- watch.c: Ctrl-C and progress */
void cli_signals_init(void);
void cli_signals_default(void); /* Ctrl-C ends the program: for commands that only read */
bool cli_interrupted(void);
void cli_interrupt_clear(void);
/* Runs the statement with Ctrl-C bound to it and, on a terminal, a bar after a second. */
wg_code cli_watch_execute(wg_session *session, wg_stmt *stmt, wg_result **out, wg_error *err);
void cli_progress_draw(const char *what, uint64_t done, uint64_t total);
void cli_progress_bytes(const char *what, uint64_t done, uint64_t total);
void cli_progress_clear(void);
uint64_t cli_now_ms(void);

/* ---- output*.c */
typedef enum cli_mode { CLI_TABLE, CLI_CSV, CLI_JSON, CLI_ARROW } cli_mode;
void cli_write_table(cli_out *out, const wg_result *result);
void cli_write_csv(cli_out *out, const wg_result *result);
void cli_write_json(cli_out *out, const wg_result *result);
/* The text of one cell: strings as they are, everything else as its JSON without quotes round scalars. */
void cli_cell_text(cli_buf *out, const wg_value *value, cli_escape how);
bool cli_type_is_number(int type);
/* "(2 rows, 1.3 ms)" or what a statement changed. */
void cli_write_summary(cli_out *out, const wg_result *result, bool timing);
void cli_write_stats(cli_out *out, const wg_result *result);

/* ---- run.c: one statement from text to output */
typedef struct cli_param {
    const char *name;
    size_t name_size;
    const char *value;
} cli_param;
typedef struct cli_request {
    cli_mode mode;
    cli_out *summary; /* NULL: none */
    bool timing;
    bool stats;
    cli_out *receipt; /* NULL: none; opened without cutting, cut before its first line */
    wg_receipt_options receipt_options;
    bool receipt_started;
    bool output_started;
    const cli_param *params;
    size_t param_count;
    bool several; /* more than one statement: each takes the parameters that it names */
} cli_request;
cli_exit cli_run(wg_session *session, const char *text, const cli_statement *statement, cli_request *request,
                 wg_result **keep);
/* The whole of a file, or of standard input for "-". */
cli_exit cli_read_file(const char *path, cli_buf *out);

/* ---- args.c */
typedef struct cli_option {
    const char *name;  /* "--json" */
    const char *value; /* its name in messages, NULL when it takes none */
} cli_option;
typedef struct cli_args {
    const char *command; /* "query", for messages */
    int count;
    char **items;
    int next;
    bool no_more_options;
} cli_args;
enum { CLI_ARGS_END = -1, CLI_ARGS_POSITIONAL = -2, CLI_ARGS_HELP = -3, CLI_ARGS_WRONG = -4 };
/* The index of the next option in `options` (ended by a NULL name) or one of the above; a complaint is already made for
 * CLI_ARGS_WRONG. */
int cli_args_next(cli_args *args, const cli_option *options, const char **out_value);
/* A whole number in [min, max], or a complaint and false. */
bool cli_args_number(const cli_args *args, const char *option, const char *text, uint64_t min, uint64_t max,
                     uint64_t *out);
/* A time such as 500ms, 30s or 5m; 0 is none. */
bool cli_duration(const char *text, uint32_t *out_ms);
bool cli_args_duration(const cli_args *args, const char *option, const char *text, uint32_t *out_ms);
/* What was probably meant: offer every name that there is, then look at near.name. */
typedef struct cli_near {
    const char *name; /* NULL: nothing is near */
    size_t edits;
} cli_near;
void cli_nearest(const char *word, const char *candidate, cli_near *near);
/* A number of bytes of at least 1: 1048576, 64M, 1G, 512KiB; or a complaint and false. */
bool cli_args_bytes(const cli_args *args, const char *option, const char *text, uint64_t *out);

/* ---- help.c */
cli_exit cli_help(const char *command); /* NULL: the program */

/* ---- commands: `args` is positioned after the command's name */
cli_exit cli_ws(cli_args *args);
cli_exit cli_query(cli_args *args);
cli_exit cli_shell(cli_args *args);
cli_exit cli_demo(cli_args *args);
cli_exit cli_verify(cli_args *args);
cli_exit cli_verify_receipt(cli_args *args);
cli_exit cli_receipt_key(cli_args *args);
cli_exit cli_read_key(const char *path, uint8_t out[32]); /* of an executor */
cli_exit cli_version(cli_args *args);
cli_exit cli_checkpoint(cli_args *args);
cli_exit cli_compact(cli_args *args);
cli_exit cli_backup(cli_args *args);
cli_exit cli_restore(cli_args *args);
cli_exit cli_stats(cli_args *args);
cli_exit cli_dump(cli_args *args);
cli_exit cli_kv(cli_args *args);
cli_exit cli_events(cli_args *args);
cli_exit cli_runs(cli_args *args);

/* ---- shell_input.c: one line at a time, edited on a terminal, plain from a pipe */
typedef struct cli_input cli_input;
typedef enum cli_line { CLI_LINE, CLI_LINE_END, CLI_LINE_INTERRUPTED, CLI_LINE_FAILED } cli_line;
cli_input *cli_input_open(bool interactive);
void cli_input_close(cli_input *input);
/* The line without its line feed; valid until the next call. */
cli_line cli_input_next(cli_input *input, bool continued, const char **out, size_t *out_size);
void cli_input_remember(cli_input *input, const char *text, size_t size);

/* ---- demo_files.c */
bool cli_demo_make_directory(const char *wanted, cli_buf *out_path, bool *out_temporary, cli_exit *out_exit);
void cli_demo_remove(const char *path);

#endif
