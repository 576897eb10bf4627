/* cli/output_table: an aligned table. Two passes over the cells, one for widths and one to print, so that memory does
 * not grow with the answer. Only on a terminal is anything cut: columns shrink, widest first, until a row fits a line.
 *
 *    name | goals
 *   ------+-------
 *    Ada  |     3
 */
#include "cli.h"

#include <string.h>

enum { CELL_WIDTH_MIN = 8 };

typedef struct table {
    const wg_result *result;
    uint32_t columns;
    size_t *widths;
    cli_buf cell; /* reused */
    cli_buf line;
} table;

static void column_name(cli_buf *out, const wg_result *result, uint32_t column) {
    const char *name = wg_result_column_name(result, column);
    cli_add_escaped(out, name == NULL ? "" : name, name == NULL ? 0 : strlen(name), CLI_ESCAPE_TABLE);
}

/* Leaves the cell's text in t->cell; returns the type of its value. */
static int read_cell(table *t, uint64_t row, uint32_t column) {
    cli_buf_clear(&t->cell);
    wg_value value = {0};
    if (wg_result_cell(t->result, row, column, &value, NULL) != WG_OK) return WG_TYPE_NULL;
    cli_cell_text(&t->cell, &value, CLI_ESCAPE_TABLE);
    return value.type;
}

static void measure(table *t) {
    for (uint32_t c = 0; c < t->columns; c++) {
        cli_buf_clear(&t->cell);
        column_name(&t->cell, t->result, c);
        t->widths[c] = cli_width(cli_buf_text(&t->cell), t->cell.size);
    }
    const uint64_t rows = wg_result_row_count(t->result);
    for (uint64_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < t->columns; c++) {
            (void)read_cell(t, r, c);
            const size_t width = cli_width(cli_buf_text(&t->cell), t->cell.size);
            if (width > t->widths[c]) t->widths[c] = width;
        }
    }
}

/* Takes width from the widest column until the line fits, but leaves each its minimum. */
static void shrink(table *t, size_t line_width) {
    size_t total = 0;
    for (uint32_t c = 0; c < t->columns; c++) total += t->widths[c] + 3;
    while (total > line_width) {
        uint32_t widest = 0;
        size_t second = CELL_WIDTH_MIN;
        for (uint32_t c = 1; c < t->columns; c++) {
            if (t->widths[c] > t->widths[widest]) widest = c;
        }
        for (uint32_t c = 0; c < t->columns; c++) {
            if (c != widest && t->widths[c] > second && t->widths[c] < t->widths[widest]) second = t->widths[c];
        }
        if (t->widths[widest] <= CELL_WIDTH_MIN) return;
        size_t cut = t->widths[widest] - (t->widths[widest] > second ? second : t->widths[widest] - 1);
        if (cut > total - line_width) cut = total - line_width;
        t->widths[widest] -= cut;
        total -= cut;
    }
}

static void add_padded(table *t, uint32_t column, bool right) {
    const char *text = cli_buf_text(&t->cell);
    size_t size = t->cell.size;
    size_t width = cli_width(text, size);
    const size_t room = t->widths[column];
    const bool cut = width > room;
    if (cut) {
        size = cli_prefix(text, size, room - 1);
        width = room;
    }
    const bool last = column + 1 == t->columns;
    cli_buf_add_str(&t->line, column == 0 ? " " : " | ");
    for (size_t i = width; right && i < room; i++) cli_buf_add_str(&t->line, " ");
    cli_buf_add(&t->line, text, size);
    if (cut) cli_buf_add_str(&t->line, "\xe2\x80\xa6");
    for (size_t i = width; !right && !last && i < room; i++) cli_buf_add_str(&t->line, " ");
}

static void print_header(table *t, cli_out *out) {
    const bool bold = cli_term()->out_colour;
    cli_buf_clear(&t->line);
    if (bold) cli_buf_add_str(&t->line, "\033[1m");
    for (uint32_t c = 0; c < t->columns; c++) {
        cli_buf_clear(&t->cell);
        column_name(&t->cell, t->result, c);
        add_padded(t, c, cli_type_is_number((int)wg_result_column_type(t->result, c)));
    }
    cli_buf_add_str(&t->line, bold ? "\033[0m\n" : "\n");
    for (uint32_t c = 0; c < t->columns; c++) {
        if (c > 0) cli_buf_add_str(&t->line, "+");
        for (size_t i = 0; i < t->widths[c] + 2; i++) cli_buf_add_str(&t->line, "-");
    }
    cli_buf_add_str(&t->line, "\n");
    cli_out_write(out, t->line.data, t->line.size);
}

/* A plan that comes as one text of several lines is shown as such: in a cell its line feeds would be escaped. */
static bool write_plan(cli_out *out, const wg_result *result) {
    wg_value value = {0};
    if (wg_result_column_count(result) != 1 || wg_result_row_count(result) != 1) return false;
    if (strcmp(wg_result_column_name(result, 0), "plan") != 0) return false;
    if (wg_result_cell(result, 0, 0, &value, NULL) != WG_OK || value.type != WG_TYPE_STRING) return false;
    cli_buf text = {0};
    cli_add_escaped(&text, value.as.s, value.size, CLI_ESCAPE_LINES);
    if (text.size > 0 && text.data[text.size - 1] != '\n') cli_buf_add_str(&text, "\n");
    cli_out_write(out, cli_buf_text(&text), text.size);
    cli_buf_free(&text);
    return true;
}

void cli_write_table(cli_out *out, const wg_result *result) {
    if (write_plan(out, result)) return;
    table t = {.result = result, .columns = wg_result_column_count(result)};
    if (t.columns == 0) return;
    t.widths = cli_allocate(t.columns, sizeof t.widths[0]);
    measure(&t);
    if (cli_term()->out_tty) shrink(&t, cli_terminal_width());
    print_header(&t, out);
    const uint64_t rows = wg_result_row_count(result);
    for (uint64_t r = 0; r < rows && out->error == 0 && !cli_interrupted(); r++) {
        cli_buf_clear(&t.line);
        for (uint32_t c = 0; c < t.columns; c++) {
            const int type = read_cell(&t, r, c);
            const int column_type = type == WG_TYPE_NULL ? (int)wg_result_column_type(result, c) : type;
            add_padded(&t, c, cli_type_is_number(column_type));
        }
        cli_buf_add_str(&t.line, "\n");
        cli_out_write(out, t.line.data, t.line.size);
    }
    cli_release(t.widths);
    cli_buf_free(&t.cell);
    cli_buf_free(&t.line);
}
