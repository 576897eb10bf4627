/* cli/output_csv: RFC 4180: a header, CRLF, fields quoted when they hold a comma, a quote or a line end. An absent value
 * is an empty field and an empty string is "", so that the two stay apart. On a terminal control characters are escaped;
 * into files and pipes the bytes go as they are. */
#include "cli.h"

#include <string.h>

static void add_field(cli_buf *line, const char *text, size_t size) {
    bool quote = size == 0;
    for (size_t i = 0; i < size && !quote; i++)
        quote = text[i] == ',' || text[i] == '"' || text[i] == '\r' || text[i] == '\n';
    /* Leading or trailing blanks survive every reader only in quotes. */
    quote = quote || text[0] == ' ' || text[size - 1] == ' ';
    if (!quote) {
        cli_buf_add(line, text, size);
        return;
    }
    cli_buf_add_str(line, "\"");
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"') cli_buf_add_str(line, "\"");
        cli_buf_add(line, text + i, 1);
    }
    cli_buf_add_str(line, "\"");
}

void cli_write_csv(cli_out *out, const wg_result *result) {
    const uint32_t columns = wg_result_column_count(result);
    const uint64_t rows = wg_result_row_count(result);
    const cli_escape how = out->fd == 1 && cli_term()->out_tty ? CLI_ESCAPE_TABLE : CLI_ESCAPE_NONE;
    if (columns == 0) return;
    cli_buf line = {0};
    cli_buf cell = {0};
    for (uint32_t c = 0; c < columns; c++) {
        const char *name = wg_result_column_name(result, c);
        cli_buf_clear(&cell);
        cli_add_escaped(&cell, name, strlen(name), how);
        if (c > 0) cli_buf_add_str(&line, ",");
        add_field(&line, cli_buf_text(&cell), cell.size);
    }
    cli_buf_add_str(&line, "\r\n");
    cli_out_write(out, line.data, line.size);
    for (uint64_t r = 0; r < rows && out->error == 0 && !cli_interrupted(); r++) {
        cli_buf_clear(&line);
        for (uint32_t c = 0; c < columns; c++) {
            if (c > 0) cli_buf_add_str(&line, ",");
            wg_value value = {0};
            if (wg_result_cell(result, r, c, &value, NULL) != WG_OK || value.type == WG_TYPE_NULL) continue;
            cli_buf_clear(&cell);
            cli_cell_text(&cell, &value, how);
            add_field(&line, cli_buf_text(&cell), cell.size);
        }
        cli_buf_add_str(&line, "\r\n");
        cli_out_write(out, line.data, line.size);
    }
    cli_buf_free(&line);
    cli_buf_free(&cell);
}
