/* cli/shell_input: lines for the shell: edited with history on a terminal, plain from a pipe or a file.
 *
 * The line editor reads through our own function, which waits with pselect so that Ctrl-C is taken exactly there: the
 * signal is blocked at every other moment of the prompt and can therefore not be lost between a check and a read. The
 * history lies in ~/.worldgraph_history, readable for its owner alone, because statements may hold data. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_ENTRIES_MAX = 2000 };

struct cli_input {
    bool interactive;
    bool continued;
    bool at_end;
    EditLine *editor;
    History *history;
    mbstate_t decoding;
    cli_buf history_path;
    cli_buf line;
    cli_buf pending; /* bytes of a pipe that were read and not yet given out */
    size_t pending_from;
};

static char *prompt(EditLine *editor) {
    static char first[] = "worldgraph> ";
    static char next[] = "       ...> ";
    cli_input *input = NULL;
    (void)el_get(editor, EL_CLIENTDATA, &input);
    return input != NULL && input->continued ? next : first;
}

/* One byte of standard input; SIGINT is deliverable only while this waits. <0: interrupted or failed. */
static ssize_t read_byte(char *out) {
    sigset_t open_mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &open_mask);
    (void)sigdelset(&open_mask, SIGINT);
    for (;;) {
        fd_set set;
        FD_ZERO(&set);
        FD_SET(STDIN_FILENO, &set);
        const int ready = pselect(STDIN_FILENO + 1, &set, NULL, NULL, NULL, &open_mask);
        if (cli_interrupted()) return -1;
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return -1;
        const ssize_t n = read(STDIN_FILENO, out, 1);
        if (n < 0 && errno == EINTR) continue;
        return n;
    }
}

static int read_character(EditLine *editor, wchar_t *out) {
    cli_input *input = NULL;
    (void)el_get(editor, EL_CLIENTDATA, &input);
    for (;;) {
        char byte;
        const ssize_t n = read_byte(&byte);
        if (n <= 0) return (int)n;
        /* A Ctrl-D that was typed while a statement ran reaches us as NUL: so the terminal keeps it between its modes. */
        const LineInfo *line = el_line(editor);
        if (byte == '\0' && line->lastchar == line->buffer) byte = '\x04';
        const size_t used = mbrtowc(out, &byte, 1, &input->decoding);
        if (used == (size_t)-2) continue;
        if (used == (size_t)-1) {
            input->decoding = (mbstate_t){0};
            *out = L'?';
        }
        return 1;
    }
}

static void open_history(cli_input *input) {
    HistEvent event;
    input->history = history_init();
    if (input->history == NULL) return;
    (void)history(input->history, &event, H_SETSIZE, HISTORY_ENTRIES_MAX);
    (void)history(input->history, &event, H_SETUNIQUE, 1);
    (void)el_set(input->editor, EL_HIST, history, input->history);
    const char *home = getenv("HOME");
    if (home == NULL || home[0] == '\0') return;
    cli_buf_printf(&input->history_path, "%s/.worldgraph_history", home);
    (void)history(input->history, &event, H_LOAD, input->history_path.data);
}

static void save_history(cli_input *input) {
    if (input->history == NULL || input->history_path.size == 0) return;
    /* Made by us first: the editor's own file mode depends on the umask. */
    const int fd = open(input->history_path.data, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return; /* a read-only home costs the history, nothing else */
    const bool private = fchmod(fd, 0600) == 0;
    (void)close(fd);
    HistEvent event;
    if (private) (void)history(input->history, &event, H_SAVE, input->history_path.data);
}

cli_input *cli_input_open(bool interactive) {
    cli_input *input = cli_allocate(1, sizeof *input);
    input->interactive = interactive;
    if (!interactive) return input;
    input->editor = el_init("worldgraph", stdin, stdout, stderr);
    if (input->editor == NULL) {
        input->interactive = false;
        return input;
    }
    (void)el_set(input->editor, EL_CLIENTDATA, input);
    (void)el_set(input->editor, EL_PROMPT, prompt);
    (void)el_set(input->editor, EL_EDITOR, "emacs");
    (void)el_set(input->editor, EL_SIGNAL, 0);
    (void)el_set(input->editor, EL_GETCFN, read_character);
    (void)el_set(input->editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    open_history(input);
    return input;
}

void cli_input_close(cli_input *input) {
    if (input == NULL) return;
    save_history(input);
    if (input->history != NULL) history_end(input->history);
    if (input->editor != NULL) el_end(input->editor);
    cli_buf_free(&input->history_path);
    cli_buf_free(&input->line);
    cli_buf_free(&input->pending);
    cli_release(input);
}

static cli_line next_edited(cli_input *input) {
    sigset_t interrupt;
    sigset_t before;
    (void)sigemptyset(&interrupt);
    (void)sigaddset(&interrupt, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &interrupt, &before);
    el_resize(input->editor);
    /* Before the prompt is written, not behind it: a key that is pressed at once must be taken as one. */
    (void)el_set(input->editor, EL_PREP_TERM, 1);
    int size = 0;
    const char *text = el_gets(input->editor, &size);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (cli_interrupted()) {
        cli_interrupt_clear();
        (void)fputs("^C\n", stdout);
        (void)fflush(stdout);
        return CLI_LINE_INTERRUPTED;
    }
    if (text == NULL || size <= 0) {
        (void)fputs("\n", stdout);
        (void)fflush(stdout);
        return CLI_LINE_END;
    }
    cli_buf_add(&input->line, text, (size_t)size);
    return CLI_LINE;
}

static cli_line next_plain(cli_input *input) {
    for (;;) {
        const char *rest = cli_buf_text(&input->pending) + input->pending_from;
        const size_t left = input->pending.size - input->pending_from;
        const char *end = left == 0 ? NULL : memchr(rest, '\n', left);
        if (end != NULL || (input->at_end && left > 0)) {
            const size_t size = end != NULL ? (size_t)(end - rest) + 1 : left;
            cli_buf_add(&input->line, rest, size);
            input->pending_from += size;
            return CLI_LINE;
        }
        if (input->at_end) return CLI_LINE_END;
        if (input->pending_from > 0) { /* keep the unread rest only */
            cli_buf rest_only = {0};
            cli_buf_add(&rest_only, rest, left);
            cli_buf_free(&input->pending);
            input->pending = rest_only;
            input->pending_from = 0;
        }
        char piece[4096];
        const ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
        if (cli_interrupted()) return CLI_LINE_INTERRUPTED;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            cli_complain("standard input: %s", strerror(errno));
            return CLI_LINE_FAILED;
        }
        input->at_end = n == 0;
        cli_buf_add(&input->pending, piece, (size_t)n);
    }
}

cli_line cli_input_next(cli_input *input, bool continued, const char **out, size_t *out_size) {
    input->continued = continued;
    cli_buf_clear(&input->line);
    const cli_line kind = input->interactive ? next_edited(input) : next_plain(input);
    if (kind != CLI_LINE) return kind;
    size_t size = input->line.size;
    if (size > 0 && input->line.data[size - 1] == '\n') size--;
    *out = cli_buf_text(&input->line);
    *out_size = size;
    return CLI_LINE;
}

void cli_input_remember(cli_input *input, const char *text, size_t size) {
    if (input->history == NULL || size == 0) return;
    cli_buf entry = {0};
    cli_buf_add(&entry, text, size);
    /* One line is easier to edit again; a // comment would swallow what follows it, so such a text stays as it is. */
    if (strstr(entry.data, "//") == NULL) {
        for (size_t i = 0; i < entry.size; i++) entry.data[i] = entry.data[i] == '\n' ? ' ' : entry.data[i];
    }
    HistEvent event;
    (void)history(input->history, &event, H_ENTER, entry.data);
    cli_buf_free(&entry);
}
