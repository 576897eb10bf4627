/* cli/terminal: what the three standard streams are, and buffered output that remembers its first failure.
 *
 * Colour is used on terminals only and never when NO_COLOR is set and not empty. Output goes through write(2) with our own
 * buffer, because stdio forgets which error it met first, and a broken pipe must be told from a full disk. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { OUT_BYTES = 1 << 16 };

static cli_terminal terminal;
cli_out cli_stdout = {.fd = STDOUT_FILENO, .name = "standard output"};
cli_out cli_stderr = {.fd = STDERR_FILENO, .name = "standard error"};

void cli_terminal_init(void) {
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    const bool colour = (no_color == NULL || no_color[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
    terminal.in_tty = isatty(STDIN_FILENO) == 1;
    terminal.out_tty = isatty(STDOUT_FILENO) == 1;
    terminal.err_tty = isatty(STDERR_FILENO) == 1;
    terminal.out_colour = terminal.out_tty && colour;
    terminal.err_colour = terminal.err_tty && colour;
}

const cli_terminal *cli_term(void) { return &terminal; }

size_t cli_terminal_width(void) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
    return 80;
}

static void drain(cli_out *out) {
    size_t done = 0;
    while (done < out->buf.size && out->error == 0) {
        const ssize_t n = write(out->fd, out->buf.data + done, out->buf.size - done);
        if (n >= 0) done += (size_t)n;
        else if (errno != EINTR) out->error = errno;
    }
    cli_buf_clear(&out->buf);
}

void cli_out_write(cli_out *out, const void *data, size_t size) {
    if (out->error != 0) return;
    cli_buf_add(&out->buf, data, size);
    if (out->buf.size >= OUT_BYTES) drain(out);
}

void cli_out_str(cli_out *out, const char *text) { cli_out_write(out, text, strlen(text)); }

void cli_out_printf(cli_out *out, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    const int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (size > 0) cli_out_write(out, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

cli_exit cli_out_flush(cli_out *out) {
    drain(out);
    if (out->error == 0) return CLI_OK;
    if (out->error == EPIPE) return CLI_PIPE;
    cli_complain("writing %s failed: %s", out->name, strerror(out->error));
    return CLI_SYSTEM;
}
