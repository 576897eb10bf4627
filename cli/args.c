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
    (void)cli_usage(args->command, "unknown option %s", item);
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
