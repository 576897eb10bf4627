/* query/plan: COPY (query) TO and COPY Label TO.
 *
 * A label is copied by a query that is made here as text and parsed: MATCH (n:Label) RETURN n.a AS a, ..., with the columns of its definition or, for
 * an open label, all properties that its nodes or relationships have, in the order of their first use. Relationships begin with the keys of
 * their ends, in the columns that COPY FROM looks for. They are matched whatever labels their ends have, so none is left out in silence: the
 * labels that the statement or the definition names must be on every end, which counting shows. */
#include "query/plan/copy_to.h"

#include "query/optimize/rewrite.h"
#include "query/parser/parser.h"

/* ---- options */

static wg_code option_bool(wgi_binder *b, const wg_ast *option, bool *out) {
    const wg_ast *value = option->child[0];
    if (value->kind != WG_AST_BOOL)
        return wgi_error(b, WG_E_BIND, value, "COPY: %.*s is true or false", (int)option->text.size,
                         (const char *)option->text.data);
    *out = value->i != 0;
    return WG_OK;
}

static wg_code option_codec(wgi_binder *b, const wg_ast *option, wgi_copy_out *out) {
    static const struct {
        const char *name;
        wg_codec codec;
    } codecs[] = {{"UNCOMPRESSED", WG_CODEC_UNCOMPRESSED},
                  {"NONE", WG_CODEC_UNCOMPRESSED},
                  {"SNAPPY", WG_CODEC_SNAPPY},
                  {"ZSTD", WG_CODEC_ZSTD}};
    wg_slice text = {0};
    WG_TRY(wgi_copy_option_string(b, option, &text));
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        if (!wgi_copy_is_word(text, codecs[i].name)) continue;
        out->options.codec = codecs[i].codec;
        out->options.has_codec = true;
        return WG_OK;
    }
    return wgi_error(b, WG_E_BIND, option, "COPY: COMPRESSION is UNCOMPRESSED, SNAPPY or ZSTD");
}

static wg_code option_rows(wgi_binder *b, const wg_ast *option, wgi_copy_out *out) {
    enum { ROWS_MAX = 1 << 24 };
    const wg_ast *value = option->child[0];
    if (value->kind != WG_AST_INT || value->i < 1 || value->i > ROWS_MAX)
        return wgi_error(b, WG_E_BIND, value, "COPY: ROW_GROUP_SIZE is a number of rows, 1 to %d", (int)ROWS_MAX);
    out->options.row_group_rows = (uint32_t)value->i;
    return WG_OK;
}

static wg_code one_option(wgi_binder *b, const wg_ast *option, wgi_copy_out *out) {
    wg_copy_to_options *o = &out->options;
    wg_slice text = {0};
    if (wg_slice_is(option->text, "HEADER")) return option_bool(b, option, &o->header);
    if (wg_slice_is(option->text, "OVERWRITE")) return option_bool(b, option, &o->overwrite);
    if (wg_slice_is(option->text, "DELIMITER")) return wgi_copy_option_character(b, option, &o->delimiter);
    if (wg_slice_is(option->text, "QUOTE")) return wgi_copy_option_character(b, option, &o->quote);
    if (wg_slice_is(option->text, "COMPRESSION")) return option_codec(b, option, out);
    if (wg_slice_is(option->text, "ROW_GROUP_SIZE")) return option_rows(b, option, out);
    if (wg_slice_is(option->text, "FORMAT")) return wgi_copy_option_format(b, option, &o->format);
    if (wg_slice_is(option->text, "NULL")) {
        WG_TRY(wgi_copy_option_string(b, option, &text));
        return wgi_copy_file_name(b, option, text, &o->null_text);
    }
    return wgi_error(
        b, WG_E_BIND, option,
        "COPY TO has no option %.*s; it has FROM, TO, FORMAT, HEADER, DELIMITER, QUOTE, NULL, COMPRESSION, "
        "ROW_GROUP_SIZE, OVERWRITE",
        (int)wg_min_size(option->text.size, 32), (const char *)option->text.data);
}

wg_code wgi_copy_plan(wgi_binder *b, const wg_exec_context *context, const wg_ast *query, const wg_plan **out,
                      wgi_columns *columns) {
    /* The planner looks through the statement for what is read, and a label's query is not in its text. */
    wg_ast **child = wgi_alloc(b, 1, sizeof *child);
    wg_ast *statement = wgi_alloc(b, 1, sizeof *statement);
    if (child == NULL || statement == NULL) return WG_E_NOMEM;
    *child = (wg_ast *)(uintptr_t)query;
    *statement = *b->statement;
    statement->child = child;
    statement->child_count = 1;
    const wg_ast *before = b->statement;
    b->statement = statement;
    const wg_code code = wgi_plan_query(b, query, out, columns);
    b->statement = before;
    WG_TRY(code);
    b->rewrite = !context->no_rewrite && !context->optimizer_off;
    return wgi_rewrite(b, *out, out);
}

/* ---- the query of a label */

typedef struct query_text {
    wgi_binder *b;
    const wg_exec_context *context;
    wg_buf text;
    bool ok;
    uint32_t columns;
} query_text;

static void put(query_text *q, const char *text) { q->ok = q->ok && wg_buf_append_str(&q->text, text); }

static void put_name(query_text *q, wg_slice name) {
    put(q, "`");
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '`') put(q, "`");
        q->ok = q->ok && wg_buf_append_u8(&q->text, name.data[i]);
    }
    put(q, "`");
}

/* variable.`property` AS `column` */
static void put_column(query_text *q, const char *variable, wg_slice property, wg_slice column) {
    put(q, q->columns++ == 0 ? " RETURN " : ", ");
    put(q, variable);
    put(q, ".");
    put_name(q, property);
    put(q, " AS ");
    put_name(q, column);
}

/* Errors about the text that was made here belong to the statement. */
static void place(wg_ast *ast, const wg_ast *at) {
    if (ast == NULL) return;
    ast->start = at->start;
    ast->end = at->end;
    for (uint32_t i = 0; i < ast->child_count; i++) place(ast->child[i], at);
}

static wg_code parse(query_text *q, const wg_ast *at, const wg_ast **out) {
    const wg_ast *statement = NULL;
    if (!q->ok) return wgi_nomem(q->b);
    WG_TRY(wg_parse(wg_buf_slice(&q->text), q->b->arena, &statement, q->b->err));
    place(statement->child[0], at);
    *out = statement->child[0];
    return WG_OK;
}

static wg_type property_type(const wgi_binder *b, const wg_label *label, uint32_t key) {
    return label->def.is_edge ? wg_txn_edge_property_type(b->txn, &label->number, 1, key)
                              : wg_txn_node_property_type(b->txn, &label->number, 1, key);
}

/* used[key]: some row of the label has a property of this key. */
static wg_code keys_used(query_text *q, const wg_ast *ast, const wg_label *label, bool *used, uint32_t keys) {
    const wg_ast *query;
    const wg_plan *plan;
    wgi_columns columns;
    wg_rows *rows = NULL;
    query_text asked = {.b = q->b, .ok = true};
    wg_buf_init(&asked.text, q->b->arena->account);
    put(&asked, label->def.is_edge ? "MATCH ()-[n:" : "MATCH (n:");
    put_name(&asked, wg_slice_str(label->def.name));
    put(&asked, label->def.is_edge ? "]->()" : ")");
    put(&asked, " UNWIND keys(n) AS k RETURN DISTINCT k");
    const wg_code code = parse(&asked, ast, &query);
    wg_buf_deinit(&asked.text);
    WG_TRY(code);
    WG_TRY(wgi_copy_plan(q->b, q->context, query, &plan, &columns));
    WG_TRY(wg_exec_run(plan, q->context, &rows, q->b->err));
    for (uint64_t i = 0; i < wg_rows_count(rows); i++) {
        const wg_value name = wg_rows_cell(rows, i, 0);
        const uint32_t key =
            name.type == WG_TYPE_STRING ? wg_catalog_key(q->b->catalog, wg_value_slice(&name)) : WG_NO_KEY;
        if (key < keys) used[key] = true;
    }
    wg_rows_destroy(rows);
    return WG_OK;
}

static wg_code put_open_properties(query_text *q, const wg_ast *ast, const wg_label *label, const char *variable) {
    const wg_catalog *catalog = q->b->catalog;
    const uint32_t keys = wg_catalog_key_count(catalog);
    bool *used = wgi_alloc(q->b, keys, sizeof *used);
    if (used == NULL) return WG_E_NOMEM;
    for (uint32_t key = 0; key < keys; key++)
        used[key] =
            q->context == NULL && wg_txn_sees_key(q->b->txn, key) && property_type(q->b, label, key) != WG_TYPE_NULL;
    if (q->context != NULL) WG_TRY(keys_used(q, ast, label, used, keys));
    for (uint32_t key = 0; key < keys; key++) {
        const wg_slice name = wg_slice_str(wg_catalog_key_name(catalog, key));
        if (used[key] && wg_label_def_column(&label->def, name) == UINT32_MAX) put_column(q, variable, name, name);
    }
    return WG_OK;
}

static wg_code put_properties(query_text *q, const wg_ast *ast, const wg_label *label, const char *variable) {
    const wg_ast *listed = ast->child[2];
    wgi_binder *b = q->b;
    for (uint32_t i = 0; listed != NULL && i < listed->child_count; i++) {
        const wg_ast *name = listed->child[i];
        const uint32_t key = wg_txn_key(b->txn, name->text);
        if (key == WG_NO_KEY || property_type(b, label, key) == WG_TYPE_NULL)
            return wgi_error(b, WG_E_NOT_FOUND, name, "COPY: label '%s' has no property '%.*s'", label->def.name,
                             (int)wg_min_size(name->text.size, 64), (const char *)name->text.data);
        put_column(q, variable, name->text, name->text);
    }
    if (listed != NULL) return WG_OK;
    for (uint32_t i = 0; i < label->def.column_count; i++) {
        const wg_slice name = wg_slice_str(label->def.columns[i].name);
        put_column(q, variable, name, name);
    }
    return label->def.kind == WG_LABEL_OPEN ? put_open_properties(q, ast, label, variable) : WG_OK;
}

/* The columns that find one end: from, or from_a and from_b where the key has several parts. */
static wg_code put_end(query_text *q, const wg_ast *ast, const wg_copy_end *end, const wg_label *label, bool to) {
    wgi_binder *b = q->b;
    const uint32_t count = end->property_count != 0 ? end->property_count : label->def.key_count;
    if (count == 0)
        return wgi_error(b, WG_E_BIND, ast,
                         "COPY: label '%s' has no primary key: say which property finds a node, as in %s %s(id)",
                         label->def.name, to ? "TO" : "FROM", label->def.name);
    if (end->column_count != 0 && end->column_count != count)
        return wgi_error(b, WG_E_BIND, ast, "COPY: %u columns for the %u properties that find a '%s'",
                         end->column_count, count, label->def.name);
    for (uint32_t i = 0; i < count; i++) {
        const wg_slice property = end->property_count != 0
                                      ? end->properties[i]
                                      : wg_slice_str(label->def.columns[label->def.key_columns[i]].name);
        wg_buf name;
        wg_buf_init(&name, b->arena->account);
        q->ok = q->ok && wg_buf_append_str(&name, to ? "to" : "from");
        if (count > 1)
            q->ok = q->ok && wg_buf_append_u8(&name, '_') && wg_buf_append(&name, property.data, property.size);
        put_column(q, to ? "t" : "f", property, end->column_count != 0 ? end->columns[i] : wg_buf_slice(&name));
        wg_buf_deinit(&name);
    }
    return WG_OK;
}

static const wg_label *end_label(const wgi_binder *b, const wg_copy_end *end, const char *declared) {
    if (end->label != WG_NO_LABEL) return wg_catalog_label_seen(b->catalog, end->label, b->view);
    return declared == NULL ? NULL : wg_catalog_label(b->catalog, b->view, wg_slice_str(declared), false);
}

static wg_code edge_query(query_text *q, const wg_ast *ast, const wg_label *edge, const wgi_copy *ends,
                          wgi_copy_out *out) {
    const wg_copy_end *end = ends->options.ends;
    const wg_label *from = end_label(q->b, &end[0], edge->def.from_label);
    const wg_label *to = end_label(q->b, &end[1], edge->def.to_label);
    if (from == NULL || to == NULL)
        return wgi_error(q->b, WG_E_BIND, ast,
                         "COPY of edges '%s' needs (FROM Label, TO Label): their label declares none",
                         edge->def.name);
    put(q, "MATCH ()-[e:");
    put_name(q, wg_slice_str(edge->def.name));
    put(q, "]->() RETURN count(*) AS n");
    WG_TRY(parse(q, ast, &out->counted));
    q->text.size = 0;
    put(q, "MATCH (f:");
    put_name(q, wg_slice_str(from->def.name));
    put(q, ")-[e:");
    put_name(q, wg_slice_str(edge->def.name));
    put(q, "]->(t:");
    put_name(q, wg_slice_str(to->def.name));
    put(q, ")");
    WG_TRY(put_end(q, ast, &end[0], from, false));
    WG_TRY(put_end(q, ast, &end[1], to, true));
    out->required = q->columns;
    out->label = edge->def.name;
    return put_properties(q, ast, edge, "e");
}

static wg_code label_query(query_text *q, const wg_ast *ast, wgi_copy_out *out) {
    wgi_binder *b = q->b;
    wgi_copy ends = {0};
    bool has_ends = false;
    const wg_label *node = wg_catalog_label(b->catalog, b->view, ast->text, false);
    const wg_label *edge = wg_catalog_label(b->catalog, b->view, ast->text, true);
    ends.options.ends[0].label = ends.options.ends[1].label = WG_NO_LABEL;
    if (node == NULL && edge == NULL)
        return wgi_error(b, WG_E_NOT_FOUND, ast, "there is no label '%.*s'", (int)wg_min_size(ast->text.size, 64),
                         (const char *)ast->text.data);
    for (uint32_t i = 3; i < ast->child_count; i++) {
        if (ast->child[i]->kind != WG_AST_COPY_END) continue;
        has_ends = true;
        WG_TRY(wgi_copy_end(b, ast->child[i], edge, &ends));
    }
    if (has_ends && edge == NULL)
        return wgi_error(b, WG_E_BIND, ast, "COPY: '%s' are nodes; FROM and TO are for relationships",
                         node->def.name);
    if (edge != NULL && (node == NULL || has_ends)) WG_TRY(edge_query(q, ast, edge, &ends, out));
    else {
        put(q, "MATCH (n:");
        put_name(q, ast->text);
        put(q, ")");
        WG_TRY(put_properties(q, ast, node, "n"));
    }
    if (q->columns == 0)
        return wgi_error(b, WG_E_BIND, ast, "COPY: label '%s' has no properties, so there is nothing to write",
                         node->def.name);
    return parse(q, ast, &out->query);
}

wg_code wgi_copy_to_statement(wgi_binder *b, const wg_exec_context *context, const wg_ast *ast, wgi_copy_out *out) {
    *out = (wgi_copy_out){.options = {.header = true, .delimiter = ','}, .query = ast->child[1]};
    WG_TRY(wgi_copy_file_name(b, ast->child[0], ast->child[0]->text, &out->path));
    for (uint32_t i = 3; i < ast->child_count; i++) {
        if (ast->child[i]->kind == WG_AST_OPTION) WG_TRY(one_option(b, ast->child[i], out));
        else if (out->query != NULL)
            return wgi_error(b, WG_E_BIND, ast->child[i],
                             "COPY (query): FROM and TO are for labels of relationships");
    }
    if (out->query != NULL) return WG_OK;
    query_text q = {.b = b, .context = context, .ok = true};
    wg_buf_init(&q.text, b->arena->account);
    const wg_code code = label_query(&q, ast, out);
    wg_buf_deinit(&q.text);
    return code;
}
