/* cli/output: the text of cells, and the lines about an answer. */
#include "cli.h"

#include <inttypes.h>
#include <string.h>

bool cli_type_is_number(int type) { return type == WG_TYPE_INT || type == WG_TYPE_FLOAT; }

static bool is_container(uint8_t type) {
    return type == WG_TYPE_LIST || type == WG_TYPE_MAP || type == WG_TYPE_NODE || type == WG_TYPE_EDGE ||
           type == WG_TYPE_PATH || type == WG_TYPE_POINT;
}

void cli_cell_text(cli_buf *out, const wg_value *value, cli_escape how) {
    if (value->type == WG_TYPE_STRING) {
        cli_add_escaped(out, value->as.s, value->size, how);
        return;
    }
    cli_buf json = {0};
    wg_error err = {0};
    if (wg_value_write_json(value, cli_buf_sink, &json, &err) != WG_OK) {
        cli_buf_printf(out, "<%s>", err.message);
        cli_buf_free(&json);
        return;
    }
    const bool quoted = json.size >= 2 && json.data[0] == '"' && !is_container(value->type);
    if (quoted) cli_add_escaped(out, json.data + 1, json.size - 2, how);
    else cli_add_escaped(out, json.data, json.size, how == CLI_ESCAPE_TABLE ? CLI_ESCAPE_JSON : how);
    cli_buf_free(&json);
}

static void add_change(cli_buf *line, uint64_t count, const char *done, const char *one, const char *many) {
    if (count == 0) return;
    cli_buf_printf(line, "%s%s %" PRIu64 " %s", line->size > 1 ? ", " : "", done, count, count == 1 ? one : many);
}

void cli_write_summary(cli_out *out, const wg_result *result, bool timing) {
    wg_stats stats = {0};
    wg_result_stats(result, &stats);
    cli_buf line = {0};
    cli_buf_add_str(&line, "(");
    if (wg_result_column_count(result) > 0) {
        const uint64_t rows = wg_result_row_count(result);
        cli_buf_printf(&line, "%" PRIu64 " %s", rows, rows == 1 ? "row" : "rows");
    }
    add_change(&line, stats.nodes_created, "created", "node", "nodes");
    add_change(&line, stats.edges_created, "created", "edge", "edges");
    add_change(&line, stats.nodes_deleted, "deleted", "node", "nodes");
    add_change(&line, stats.edges_deleted, "deleted", "edge", "edges");
    add_change(&line, stats.properties_set, "set", "property", "properties");
    add_change(&line, stats.labels_added, "added", "label", "labels");
    add_change(&line, stats.labels_removed, "removed", "label", "labels");
    if (line.size == 1) cli_buf_add_str(&line, "done");
    if (timing) cli_buf_printf(&line, ", %.1f ms", (double)stats.elapsed_ns / 1e6);
    cli_buf_add_str(&line, ")\n");
    cli_out_write(out, line.data, line.size);
    (void)cli_out_flush(out);
    cli_buf_free(&line);
}

void cli_write_stats(cli_out *out, const wg_result *result) {
    wg_stats s = {0};
    wg_result_stats(result, &s);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"snapshot", s.snapshot},
        {"elapsed ns", s.elapsed_ns},
        {"rows scanned", s.rows_scanned},
        {"files in all", s.files_total},
        {"files pruned", s.files_pruned},
        {"files opened", s.files_opened},
        {"row groups pruned", s.row_groups_pruned},
        {"row groups read", s.row_groups_read},
        {"bytes read", s.bytes_read},
        {"bytes decoded", s.bytes_decoded},
        {"memory peak bytes", s.memory_bytes_peak},
        {"nodes created", s.nodes_created},
        {"nodes deleted", s.nodes_deleted},
        {"edges created", s.edges_created},
        {"edges deleted", s.edges_deleted},
        {"properties set", s.properties_set},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cli_out_printf(out, "%-18s %15" PRIu64 "\n", rows[i].name, rows[i].value);
    (void)cli_out_flush(out);
}
