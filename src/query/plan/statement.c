/* query/plan: label definitions and COPY.
 *
 * EXPLAIN and COPY answer with rows that no operator reads from storage: they are a constant list of lists that is
 * unwound and projected, so that every answer takes the same way out. */
#include "query/plan/statement.h"

#include "query/parser/parser.h"

/* ---- definitions */

static bool type_text(wg_buf *out, const wg_ast *type) {
    const bool list = (type->flags & WG_AST_LIST_TYPE) != 0, fixed = (type->flags & WG_AST_FIXED_TYPE) != 0;
    if (list) return wg_buf_append_str(out, "LIST<") && type_text(out, type->child[0]) && wg_buf_append_str(out, ">");
    if (fixed) return type_text(out, type->child[0]) && wg_buf_printf(out, "[%lld]", (long long)type->i);
    if (wg_slice_is(type->text, "DOUBLE")) return wg_buf_append_str(out, "FLOAT");
    return wg_buf_append(out, type->text.data, type->text.size);
}

static const wg_ast *with_precision(const wg_ast *type) {
    if (!(type->flags & (WG_AST_LIST_TYPE | WG_AST_FIXED_TYPE))) return type->i >= 0 ? type : NULL;
    return with_precision(type->child[0]);
}

/* A type that has no column of its own lies in one of type ANY, or FLOAT32 in one of FLOAT. */
static wg_code declared_type(wgi_binder *b, const wg_ast *type, wg_column_def *out) {
    wg_buf text;
    wg_buf_init(&text, b->arena->account);
    wg_code code = type_text(&text, type) ? WG_OK : wgi_nomem(b);
    const char *copy = NULL;
    if (code == WG_OK && wg_declared_check(wg_buf_slice(&text))) {
        copy = wg_arena_strdup(b->arena, wg_buf_slice(&text));
        if (copy == NULL) code = wgi_nomem(b);
    } else if (code == WG_OK) {
        static const char *const names[] = {"BOOL",   "INT",    "INT8",   "INT16",    "INT32",    "INT64",    "UINT8",
                                            "UINT16", "UINT32", "UINT64", "FLOAT",    "FLOAT32",  "STRING",   "BYTES",
                                            "DATE",   "TIME",   "ANY",    "DATETIME", "DURATION", "TIMESTAMP"};
        const char *near = wg_parser_suggest(wg_buf_slice(&text), names, sizeof names / sizeof names[0]);
        if (near != NULL)
            code = wgi_error(b, WG_E_BIND, type, "'%.*s' is no column type; did you mean %s?",
                             (int)wg_min_size(text.size, 32), (const char *)text.data, near);
        else
            code = wgi_error(
                b, WG_E_BIND, type,
                "'%.*s' is no column type; types are BOOL, INT, INT8 to INT64, UINT8 to UINT64, FLOAT, FLOAT32, "
                "STRING, BYTES, DATE, LOCAL TIME, TIME, LOCAL DATETIME, DATETIME, DURATION, POINT, LIST<T>, T[n], "
                "MAP, "
                "ANY",
                (int)wg_min_size(text.size, 32), (const char *)text.data);
    }
    wg_buf_deinit(&text);
    WG_TRY(code);
    out->type = strcmp(copy, "FLOAT32") == 0 ? WG_TYPE_FLOAT : WG_TYPE_ANY;
    out->declared = copy;
    return WG_OK;
}

wg_code wgi_bind_column_type(wgi_binder *b, const wg_ast *type, wg_column_def *out) {
    const wg_ast *precise = with_precision(type);
    if (precise != NULL) return wgi_unsupported(b, precise, "a type with a precision or a length");
    const bool list = (type->flags & (WG_AST_LIST_TYPE | WG_AST_FIXED_TYPE)) != 0;
    if (!list && wg_column_type_parse(type->text, out)) return WG_OK;
    return declared_type(b, type, out);
}

wg_code wgi_definition_name(wgi_binder *b, const wg_ast *at, wg_slice name, const char **out) {
    if (name.size > WG_NAME_BYTES_MAX)
        return wgi_error(b, WG_E_LIMIT, at, "a name may have at most %d bytes", WG_NAME_BYTES_MAX);
    if (memchr(name.data, 0, name.size) != NULL)
        return wgi_error(b, WG_E_BIND, at, "the name of a label or column may not hold a NUL character");
    *out = wg_arena_strdup(b->arena, name);
    return *out != NULL ? WG_OK : wgi_nomem(b);
}

static wg_code primary_key(wgi_binder *b, const wg_ast *ast, wg_column_def *columns, wg_label_def *out) {
    if (ast->child_count > WG_KEY_COLUMNS_MAX)
        return wgi_error(b, WG_E_LIMIT, ast, "a primary key may have at most %d columns", WG_KEY_COLUMNS_MAX);
    for (uint32_t i = 0; i < ast->child_count; i++) {
        const wg_ast *name = ast->child[i];
        const uint32_t column = wg_label_def_column(out, name->text);
        if (column == UINT32_MAX)
            return wgi_error(b, WG_E_NOT_FOUND, name, "PRIMARY KEY: label '%s' has no column '%.*s'", out->name,
                             (int)wg_min_size(name->text.size, 64), (const char *)name->text.data);
        columns[column].not_null = true;
        out->key_columns[out->key_count++] = column;
    }
    return WG_OK;
}

static wg_code define_columns(wgi_binder *b, const wg_ast *ast, wg_label_def *out) {
    if (ast == NULL) return WG_OK;
    if (ast->child_count > WG_LABEL_COLUMNS_MAX)
        return wgi_error(b, WG_E_LIMIT, ast, "a label may have at most %d columns", WG_LABEL_COLUMNS_MAX);
    wg_column_def *columns = wgi_alloc(b, ast->child_count, sizeof *columns);
    const wg_ast *key = NULL;
    if (columns == NULL) return WG_E_NOMEM;
    out->columns = columns;
    for (uint32_t i = 0; i < ast->child_count; i++) {
        const wg_ast *item = ast->child[i];
        if (item->kind == WG_AST_PRIMARY_KEY) {
            key = item;
            continue;
        }
        wg_column_def *column = &columns[out->column_count];
        if (wg_label_def_column(out, item->text) != UINT32_MAX)
            return wgi_error(b, WG_E_BIND, item, "column '%.*s' is given twice",
                             (int)wg_min_size(item->text.size, 64), (const char *)item->text.data);
        WG_TRY(wgi_column_def_of(b, item, column));
        out->column_count++;
    }
    return key != NULL ? primary_key(b, key, columns, out) : WG_OK;
}

static wg_code endpoint(wgi_binder *b, const wg_ast *name, const char **out) {
    wg_ast wrapper = {.kind = WG_AST_NODE, .start = name->start, .end = name->end, .child_count = 1};
    wg_ast copy = *name;
    wg_ast *child = &copy;
    const uint32_t *labels;
    uint32_t count;
    bool missing = false;
    wrapper.child = &child;
    const bool closed = b->closed_nodes;
    b->closed_nodes = true; /* an endpoint must exist */
    const wg_code code = wgi_labels(b, &wrapper, 0, &labels, &count, &missing);
    b->closed_nodes = closed;
    WG_TRY(code);
    return wgi_definition_name(b, name, name->text, out);
}

wg_code wgi_label_def(wgi_binder *b, const wg_ast *ast, wg_label_def *out) {
    const bool edge = ast->kind == WG_AST_CREATE_EDGE;
    wg_label_def def = {.is_edge = edge, .kind = WG_LABEL_OWNED};
    WG_TRY(wgi_definition_name(b, ast, ast->text, &def.name));
    if (edge) {
        WG_TRY(endpoint(b, ast->child[0], &def.from_label));
        WG_TRY(endpoint(b, ast->child[1], &def.to_label));
    } else if (ast->child[1] != NULL) {
        def.kind = WG_LABEL_VIRTUAL;
        WG_TRY(wgi_definition_name(b, ast->child[1], ast->child[1]->text, &def.pattern));
    }
    WG_TRY(define_columns(b, edge ? ast->child[2] : ast->child[0], &def));
    const wg_code code = wg_label_def_check(&def, b->err);
    if (code != WG_OK && b->err->offset == WG_NO_OFFSET) b->err->offset = ast->start;
    WG_TRY(code);
    *out = def;
    return WG_OK;
}

/* ---- COPY */

wg_code wgi_copy_option_string(wgi_binder *b, const wg_ast *option, wg_slice *out) {
    const wg_ast *value = option->child[0];
    if (value->kind != WG_AST_STRING)
        return wgi_error(b, WG_E_BIND, value, "COPY: %.*s needs a quoted string", (int)option->text.size,
                         (const char *)option->text.data);
    *out = value->text;
    return WG_OK;
}

static wg_code name_texts(wgi_binder *b, const wg_ast *list, const wg_slice **out, uint32_t *out_count) {
    wg_slice *names = wgi_alloc(b, list->child_count, sizeof *names);
    if (names == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < list->child_count; i++) names[i] = list->child[i]->text;
    *out = names;
    *out_count = list->child_count;
    return WG_OK;
}

wg_code wgi_copy_file_name(wgi_binder *b, const wg_ast *at, wg_slice text, const char **out) {
    if (memchr(text.data, 0, text.size) != NULL)
        return wgi_error(b, WG_E_BIND, at, "a file name may not hold a NUL character");
    *out = wg_arena_strdup(b->arena, text);
    return *out != NULL ? WG_OK : wgi_nomem(b);
}

bool wgi_copy_is_word(wg_slice text, const char *word) {
    bool same = text.size == strlen(word);
    for (size_t i = 0; i < text.size && same; i++) {
        const uint8_t c = text.data[i];
        same = (char)(c >= 'a' && c <= 'z' ? c - 32 : c) == word[i];
    }
    return same;
}

wg_code wgi_copy_option_format(wgi_binder *b, const wg_ast *option, wg_copy_format *out) {
    static const struct {
        const char *name;
        wg_copy_format format;
    } formats[] = {{"CSV", WG_COPY_CSV}, {"PARQUET", WG_COPY_PARQUET}, {"JSON", WG_COPY_JSON}};
    wg_slice text = {0};
    WG_TRY(wgi_copy_option_string(b, option, &text));
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (!wgi_copy_is_word(text, formats[i].name)) continue;
        *out = formats[i].format;
        return WG_OK;
    }
    return wgi_error(b, WG_E_BIND, option, "COPY: FORMAT is CSV, PARQUET or JSON (a value a line)");
}

/* That delimiter and quote are not the same is seen when the file is begun. */
wg_code wgi_copy_option_character(wgi_binder *b, const wg_ast *option, char *out) {
    wg_slice text = {0};
    WG_TRY(wgi_copy_option_string(b, option, &text));
    const bool is_quote = wg_slice_is(option->text, "QUOTE");
    if (text.size != 1 || text.data[0] >= 0x80 || text.data[0] == '\n' || text.data[0] == '\r' || text.data[0] == 0 ||
        (text.data[0] == '"' && !is_quote))
        return wgi_error(b, WG_E_BIND, option->child[0], "COPY: %s is one character, %s line break",
                         is_quote ? "QUOTE" : "DELIMITER", is_quote ? "no" : "neither quote nor");
    *out = (char)text.data[0];
    return WG_OK;
}

static wg_code option_rows(wgi_binder *b, const wg_ast *option, int64_t least, uint64_t *out) {
    const wg_ast *value = option->child[0];
    int64_t rows = value->kind == WG_AST_INT ? value->i : -1;
    if (value->kind == WG_AST_PARAMETER) {
        const wg_value *v = b->params == NULL ? NULL : &b->params[wgi_params_find(b->param_names, value->text)];
        if (v == NULL) return WG_OK; /* running will know */
        if (v->type == WG_TYPE_INT) rows = v->as.i;
    }
    if (rows < least)
        return wgi_error(b, WG_E_BIND, value, "COPY: %s is a number of rows, %lld or more",
                         least == 0 ? "SKIP" : "COMMIT EVERY", (long long)least);
    *out = (uint64_t)rows;
    return WG_OK;
}

static wg_code copy_option(wgi_binder *b, const wg_ast *option, wgi_copy *out) {
    const wg_ast *value = option->child[0];
    if (wg_slice_is(option->text, "HEADER")) {
        if (value->kind != WG_AST_BOOL) return wgi_error(b, WG_E_BIND, value, "COPY: HEADER is true or false");
        out->options.header = value->i != 0;
        return WG_OK;
    }
    if (wg_slice_is(option->text, "DELIMITER")) return wgi_copy_option_character(b, option, &out->options.delimiter);
    if (wg_slice_is(option->text, "QUOTE")) return wgi_copy_option_character(b, option, &out->options.quote);
    if (wg_slice_is(option->text, "NULL")) return wgi_copy_option_string(b, option, &out->options.null_text);
    if (wg_slice_is(option->text, "COLUMNS")) {
        if (value->kind != WG_AST_COLUMNS)
            return wgi_error(b, WG_E_BIND, value, "COPY: COLUMNS needs a list: (a, b)");
        return name_texts(b, value, &out->options.columns, &out->options.column_count);
    }
    if (wg_slice_is(option->text, "FORMAT")) return wgi_copy_option_format(b, option, &out->options.format);
    if (wg_slice_is(option->text, "REJECTS")) {
        wg_slice text = {0};
        WG_TRY(wgi_copy_option_string(b, option, &text));
        return wgi_copy_file_name(b, option, text, &out->options.rejects);
    }
    if ((option->flags & WG_AST_EVERY) != 0) return option_rows(b, option, 1, &out->options.part_rows);
    if (wg_slice_is(option->text, "SKIP")) return option_rows(b, option, 0, &out->options.skip_rows);
    if (wg_slice_is(option->text, "COMMIT"))
        return wgi_error(b, WG_E_BIND, option, "COPY: COMMIT has the form COMMIT EVERY n ROWS");
    static const char *const names[] = {"FROM", "TO",      "FORMAT",  "HEADER",       "DELIMITER", "QUOTE",
                                        "NULL", "COLUMNS", "REJECTS", "COMMIT EVERY", "SKIP"};
    const char *near = wg_parser_suggest(option->text, names, sizeof names / sizeof names[0]);
    if (near != NULL)
        return wgi_error(b, WG_E_BIND, option, "COPY has no option %.*s; did you mean %s?",
                         (int)wg_min_size(option->text.size, 32), (const char *)option->text.data, near);
    return wgi_error(
        b, WG_E_BIND, option,
        "COPY has no option %.*s; it has FROM, TO, FORMAT, HEADER, DELIMITER, QUOTE, NULL, COLUMNS, REJECTS, "
        "COMMIT EVERY, SKIP",
        (int)wg_min_size(option->text.size, 32), (const char *)option->text.data);
}

wg_code wgi_copy_end(wgi_binder *b, const wg_ast *ast, const wg_label *edge, wgi_copy *out) {
    const bool to = (ast->flags & WG_AST_TO) != 0;
    wg_copy_end *end = &out->options.ends[to];
    wg_ast name = {.kind = WG_AST_NAME, .start = ast->start, .end = ast->end, .text = ast->text};
    const char *checked;
    if (end->label != WG_NO_LABEL) return wgi_error(b, WG_E_BIND, ast, "COPY: %s is given twice", to ? "TO" : "FROM");
    WG_TRY(endpoint(b, &name, &checked));
    const wg_label *label = wg_catalog_label(b->catalog, b->view, ast->text, false);
    WG_ASSERT(label != NULL);
    const char *declared = edge == NULL ? NULL : to ? edge->def.to_label : edge->def.from_label;
    if (declared != NULL && strcmp(declared, label->def.name) != 0)
        return wgi_error(b, WG_E_BIND, ast, "edges '%s' go %s '%s', not '%s'", edge->def.name, to ? "to" : "from",
                         declared, label->def.name);
    end->label = label->number;
    if (ast->child[0] != NULL) WG_TRY(name_texts(b, ast->child[0], &end->properties, &end->property_count));
    if (ast->child[1] != NULL) WG_TRY(name_texts(b, ast->child[1], &end->columns, &end->column_count));
    return WG_OK;
}

/* Edges whose label declares no ends need both from the statement; then the label may also be a new one. */
static wg_code copy_edge_label(wgi_binder *b, const wg_ast *ast, const wg_label *edge, wgi_copy *out,
                               uint32_t *labels) {
    for (uint32_t i = 1; i < ast->child_count; i++)
        if (ast->child[i]->kind == WG_AST_COPY_END) WG_TRY(wgi_copy_end(b, ast->child[i], edge, out));
    for (uint32_t side = 0; side < 2; side++) {
        const char *declared = edge == NULL ? NULL : side == 0 ? edge->def.from_label : edge->def.to_label;
        if (out->options.ends[side].label != WG_NO_LABEL || declared != NULL) continue;
        return wgi_error(b, WG_E_BIND, ast,
                         "COPY of edges '%.*s' needs (FROM Label, TO Label): their label declares none",
                         (int)wg_min_size(ast->text.size, 64), (const char *)ast->text.data);
    }
    out->options.label_count = 1;
    if (edge == NULL) return wgi_intern_label(b, ast, ast->text, true, &labels[0]);
    labels[0] = edge->number;
    return WG_OK;
}

static wg_code copy_node_labels(wgi_binder *b, const wg_ast *ast, wgi_copy *out, uint32_t *labels) {
    for (uint32_t i = 0; i < ast->child_count; i++) {
        const wg_ast *at = i == 0 ? ast : ast->child[i];
        if (i > 0 && at->kind != WG_AST_NAME) break;
        wg_ast name = {.kind = WG_AST_NAME, .start = at->start, .end = at->end, .text = at->text};
        const char *checked;
        WG_TRY(endpoint(b, &name, &checked));
        const wg_label *label = wg_catalog_label(b->catalog, b->view, at->text, false);
        WG_ASSERT(label != NULL);
        if (label->def.kind == WG_LABEL_VIRTUAL)
            return wgi_error(b, WG_E_READ_ONLY, at, "label '%s' is virtual: its rows live in files", label->def.name);
        labels[out->options.label_count++] = label->number;
    }
    return WG_OK;
}

/* What names a node label and an edge label is taken for the node label, unless ends are given. */
wg_code wgi_copy_statement(wgi_binder *b, const wg_ast *ast, wgi_copy *out) {
    *out = (wgi_copy){.options = {.header = true, .delimiter = ','}};
    out->options.ends[0].label = out->options.ends[1].label = WG_NO_LABEL;
    const wg_label *node = wg_catalog_label(b->catalog, b->view, ast->text, false);
    const wg_label *edge = wg_catalog_label(b->catalog, b->view, ast->text, true);
    uint32_t *labels = wgi_alloc(b, ast->child_count, sizeof *labels);
    if (labels == NULL) return WG_E_NOMEM;
    out->options.labels = labels;
    bool ends = false, several = false;
    for (uint32_t i = 1; i < ast->child_count; i++) {
        ends |= ast->child[i]->kind == WG_AST_COPY_END;
        several |= ast->child[i]->kind == WG_AST_NAME;
    }
    if (ends && several) return wgi_error(b, WG_E_BIND, ast, "COPY: an edge has one label");
    if (ends || (node == NULL && edge != NULL && !several)) WG_TRY(copy_edge_label(b, ast, edge, out, labels));
    else WG_TRY(copy_node_labels(b, ast, out, labels));
    WG_TRY(wgi_copy_file_name(b, ast->child[0], ast->child[0]->text, &out->path));
    for (uint32_t i = 1; i < ast->child_count; i++)
        if (ast->child[i]->kind == WG_AST_OPTION) WG_TRY(copy_option(b, ast->child[i], out));
    return WG_OK;
}

/* ---- constant rows */

static wg_code cell_expr(wgi_binder *b, uint32_t column, wg_type type, wg_expr **out) {
    wg_expr *args[2];
    const wg_value index = wg_value_int(column);
    WG_TRY(wgi_slot_expr(b, 0, WG_TYPE_ANY, NULL, &args[0]));
    WG_TRY(wgi_const_expr(b, &index, WG_TYPE_INT, NULL, &args[1]));
    static const wg_ast nowhere = {0};
    WG_TRY(wgi_call(b, &nowhere, "[]", args, 2, out));
    /* Through a conversion, so that the column has a type of its own. */
    if (type == WG_TYPE_ANY) return WG_OK;
    return wgi_call(b, &nowhere, type == WG_TYPE_INT ? "toInteger" : "toString", out, 1, out);
}

wg_code wgi_rows_plan(wgi_binder *b, const wg_value *cells, uint32_t row_count, const char *const *names,
                      const wg_type *types, uint32_t column_count, const wg_plan **out) {
    wgi_relation rel;
    wg_value *rows = wgi_alloc(b, row_count, sizeof *rows);
    wg_expr **list = wgi_alloc(b, 1, sizeof(wg_expr *));
    wg_expr **exprs = wgi_alloc(b, column_count, sizeof(wg_expr *));
    wgi_new_slot *slots = wgi_alloc(b, column_count, sizeof *slots);
    if (rows == NULL || list == NULL || exprs == NULL || slots == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < row_count; i++) {
        rows[i] = (wg_value){.type = WG_TYPE_LIST, .size = column_count};
        rows[i].as.list = cells + (size_t)i * column_count;
    }
    wg_value all = {.type = WG_TYPE_LIST, .size = row_count};
    all.as.list = rows;
    WG_TRY(wgi_unit(b, &rel));
    WG_TRY(wgi_const_expr(b, &all, WG_TYPE_LIST, NULL, &list[0]));
    wg_plan *unwind = wgi_plan(b, WG_PLAN_UNWIND, rel.plan, NULL);
    wg_plan *project = wgi_plan(b, WG_PLAN_PROJECT, unwind, NULL);
    if (unwind == NULL || project == NULL) return WG_E_NOMEM;
    const wgi_new_slot row = {.type = WG_TYPE_ANY};
    unwind->exprs = list;
    unwind->expr_count = 1;
    WG_TRY(wgi_plan_slots(b, unwind, rel.plan, NULL, &row, 1));
    for (uint32_t i = 0; i < column_count; i++) {
        WG_TRY(cell_expr(b, i, types[i], &exprs[i]));
        slots[i] = (wgi_new_slot){exprs[i]->type, wg_slice_str(names[i])};
    }
    project->exprs = exprs;
    project->expr_count = column_count;
    WG_TRY(wgi_plan_slots(b, project, NULL, NULL, slots, column_count));
    *out = project;
    return WG_OK;
}
