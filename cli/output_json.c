/* cli/output_json: one object a statement and a line feed:
 *   {"columns":["n"],"types":["INT"],"rows":[[1],[2]]}
 * Written by the library, so that JSON from here and from the API agree. */
#include "cli.h"

#include <errno.h>

typedef struct json_sink {
    cli_out *out;
    cli_escape how;
} json_sink;

static bool take(void *ctx, const void *data, size_t size) {
    const json_sink *sink = ctx;
    const bool ends =
        size > 0 && ((const char *)data)[size - 1] == '\n'; /* of the whole answer: no part of a value */
    cli_buf text = {0};
    cli_add_escaped(&text, data, size - ends, sink->how);
    if (ends) cli_buf_add_str(&text, "\n");
    cli_out_write(sink->out, text.data, text.size);
    cli_buf_free(&text);
    return sink->out->error == 0 && !cli_interrupted();
}

void cli_write_json(cli_out *out, const wg_result *result) {
    json_sink sink = {out, out->fd == 1 && cli_term()->out_tty ? CLI_ESCAPE_JSON : CLI_ESCAPE_NONE};
    const wg_code code = wg_result_write_json(result, take, &sink, NULL);
    if (code == WG_E_NOMEM && out->error == 0) out->error = ENOMEM; /* otherwise it is there, or was a signal */
}
