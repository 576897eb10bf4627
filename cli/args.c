/* cli/args: reads arguments: options anywhere, `--name value` or `--name=value`, `--` ends them, a lone `-` is a
 * positional. Every complaint names the argument and the command whose help to read. */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int option_value(cli_args *args, const cli_option *option, const char *after, const char **out_value) {
    if (option->value == NULL) {
        if (*after == '\0') return 0;
        (void)cli_usage(args->command, "%s takes no value", option->name);
        return CLI_ARGS_WRONG;
    }
    if (*after == '=') {
        *out_value = after + 1;
        return 0;
    }
    if (args->next >= args->count) {
        (void)cli_usage(args->command, "%s needs a value: %s %s", option->name, option->name, option->value);
        return CLI_ARGS_WRONG;
    }
    *out_value = args->items[args->next++];
    return 0;
}

/* Edits between two short words: a letter put in, left out, changed, or two swapped. */
static size_t distance(const char *a, const char *b) {
    enum { LENGTH_MAX = 31 };
    const size_t n = strlen(a);
    const size_t m = strlen(b);
    size_t rows[3][LENGTH_MAX + 1] = {{0}}; /* this row, the one before, the one before that */
    if (n > LENGTH_MAX || m > LENGTH_MAX) return n + m;
    for (size_t j = 0; j <= m; j++) rows[1][j] = j;
    for (size_t i = 1; i <= n; i++) {
        rows[0][0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t least = rows[1][j - 1] + (a[i - 1] != b[j - 1]);
            if (rows[1][j] + 1 < least) least = rows[1][j] + 1;
            if (rows[0][j - 1] + 1 < least) least = rows[0][j - 1] + 1;
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && rows[2][j - 2] + 1 < least) least = rows[2][j - 2] + 1;
            rows[0][j] = least;
        }
        memcpy(rows[2], rows[1], sizeof rows[1]);
        memcpy(rows[1], rows[0], sizeof rows[0]);
    }
    return rows[1][m];
}

void cli_nearest(const char *word, const char *candidate, cli_near *near) {
    const size_t edits = distance(word, candidate);
    const size_t allowed = strlen(word) < 6 ? 1 : 2;
    if (edits > allowed || (near->name != NULL && edits >= near->edits)) return;
    *near = (cli_near){candidate, edits};
}

int cli_args_next(cli_args *args, const cli_option *options, const char **out_value) {
    if (args->next >= args->count) return CLI_ARGS_END;
    const char *item = args->items[args->next++];
    *out_value = item;
    if (args->no_more_options || item[0] != '-' || item[1] == '\0') return CLI_ARGS_POSITIONAL;
    if (strcmp(item, "--") == 0) {
        args->no_more_options = true;
        return cli_args_next(args, options, out_value);
    }
    if (strcmp(item, "--help") == 0 || strcmp(item, "-h") == 0) return CLI_ARGS_HELP;
    for (int i = 0; options[i].name != NULL; i++) {
        const size_t size = strlen(options[i].name);
        if (strncmp(item, options[i].name, size) != 0 || (item[size] != '\0' && item[size] != '=')) continue;
        const int wrong = option_value(args, &options[i], item + size, out_value);
        return wrong != 0 ? wrong : i;
    }
    cli_near near = {0};
    for (int i = 0; options[i].name != NULL; i++) cli_nearest(item, options[i].name, &near);
    if (near.name == NULL) (void)cli_usage(args->command, "unknown option %s", item);
    else (void)cli_usage(args->command, "unknown option %s; did you mean %s?", item, near.name);
    return CLI_ARGS_WRONG;
}

bool cli_args_bytes(const cli_args *args, const char *option, const char *text, uint64_t *out) {
    static const char letters[] = "KMGT";
    char *end = NULL;
    errno = 0;
    unsigned long long value = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
    bool ok = end != NULL && errno == 0 && value > 0;
    const char *letter = ok && *end != '\0' ? strchr(letters, *end >= 'a' ? *end - 32 : *end) : NULL;
    if (letter != NULL) {
        const unsigned shift = 10 * ((unsigned)(letter - letters) + 1);
        end++;
        if (strcmp(end, "iB") == 0 || strcmp(end, "B") == 0) end += strlen(end);
        ok = value <= (UINT64_MAX >> shift);
        value = ok ? value << shift : 0;
    }
    if (!ok || *end != '\0') {
        (void)cli_usage(args->command, "%s takes a number of bytes such as 64M or 1G, not \"%s\"", option, text);
        return false;
    }
    *out = value;
    return true;
}

bool cli_args_duration(const cli_args *args, const char *option, const char *text, uint32_t *out_ms) {
    if (cli_duration(text, out_ms)) return true;
    (void)cli_usage(args->command, "%s takes a time such as 500ms, 30s or 5m, not \"%s\"", option, text);
    return false;
}

bool cli_duration(const char *text, uint32_t *out_ms) {
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    char *end = NULL;
    errno = 0;
    const unsigned long long value = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
    for (size_t i = 0; end != NULL && errno == 0 && i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].unit) != 0 || value > UINT32_MAX / units[i].ms) continue;
        *out_ms = (uint32_t)(value * units[i].ms);
        return true;
    }
    if (end == NULL || *end != '\0' || value != 0) return false;
    *out_ms = 0;
    return true;
}

bool cli_args_number(const cli_args *args, const char *option, const char *text, uint64_t min, uint64_t max,
                     uint64_t *out) {
    char *end = NULL;
    errno = 0;
    const unsigned long long value = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
    if (end == NULL || *end != '\0' || errno != 0 || value < min || value > max) {
        (void)cli_usage(args->command, "%s takes a whole number from %" PRIu64 " to %" PRIu64 ", not \"%s\"", option,
                        min, max, text);
        return false;
    }
    *out = value;
    return true;
}
