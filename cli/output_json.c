/* cli/output_json: one object a statement and a line feed:
 *   {"columns":["n"],"types":["INT"],"rows":[[1],[2]]}
 * Values are written by the library, so that JSON from here and from the API agree. */
#include "cli.h"

#include <string.h>

static void add_json(cli_buf *line, const wg_value *value, cli_escape how) {
    cli_buf json = {0};
    if (wg_value_write_json(value, cli_buf_sink, &json, NULL) != WG_OK) cli_buf_add_str(&json, "null");
    cli_add_escaped(line, json.data, json.size, how);
    cli_buf_free(&json);
}

static void add_json_string(cli_buf *line, const char *text, cli_escape how) {
    wg_value value = {.type = WG_TYPE_STRING, .size = (uint32_t)strlen(text)};
    value.as.s = text;
    add_json(line, &value, how);
}

void cli_write_json(cli_out *out, const wg_result *result) {
    const uint32_t columns = wg_result_column_count(result);
    const uint64_t rows = wg_result_row_count(result);
    const cli_escape how = out->fd == 1 && cli_term()->out_tty ? CLI_ESCAPE_JSON : CLI_ESCAPE_NONE;
    cli_buf line = {0};
    cli_buf_add_str(&line, "{\"columns\":[");
    for (uint32_t c = 0; c < columns; c++) {
        if (c > 0) cli_buf_add_str(&line, ",");
        add_json_string(&line, wg_result_column_name(result, c), how);
    }
    cli_buf_add_str(&line, "],\"types\":[");
    for (uint32_t c = 0; c < columns; c++) {
        if (c > 0) cli_buf_add_str(&line, ",");
        add_json_string(&line, wg_type_name(wg_result_column_type(result, c)), how);
    }
    cli_buf_add_str(&line, "],\"rows\":[");
    for (uint64_t r = 0; r < rows && out->error == 0 && !cli_interrupted(); r++) {
        cli_buf_add_str(&line, r > 0 ? ",[" : "[");
        for (uint32_t c = 0; c < columns; c++) {
            if (c > 0) cli_buf_add_str(&line, ",");
            wg_value value = {0};
            (void)!wg_result_cell(result, r, c, &value, NULL); /* in range: cannot fail */
            add_json(&line, &value, how);
        }
        cli_buf_add_str(&line, "]");
        cli_out_write(out, line.data, line.size);
        cli_buf_clear(&line);
    }
    cli_buf_add_str(&line, "]}\n");
    cli_out_write(out, line.data, line.size);
    cli_buf_free(&line);
}
