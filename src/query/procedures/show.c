/* query/procedures: what SHOW answers with. SHOW LABELS is CALL show.labels(): one mechanism for YIELD, WHERE and RETURN.
 *
 * Everything is read from the catalog at the snapshot of the statement. show.schema prints statements that make the same schema
 * again: node labels by name, then edge labels by name, because those name their ends. Labels made by use declare nothing. */
#include <stdlib.h>

#include "query/ast/ast.h"
#include "query/binder/binder.h"
#include "query/procedures/procedures.h"

/* The visible labels in the order of their numbers, or of their names. *out is freed by the caller. */
static int by_name(const void *x, const void *y) {
    const wg_label *a = *(const wg_label *const *)x;
    const wg_label *b = *(const wg_label *const *)y;
    if (a->def.is_edge != b->def.is_edge) return a->def.is_edge ? 1 : -1;
    return strcmp(a->def.name, b->def.name);
}

static wg_code visible_labels(const wg_procedure_call *call, bool sorted, const wg_label ***out, uint32_t *out_count,
                              wg_error *err) {
    const wg_catalog *catalog = wg_txn_catalog(call->txn);
    const wg_view view = wg_txn_view(call->txn);
    const uint32_t count = wg_catalog_label_count(catalog);
    const wg_label **labels = wg_alloc(NULL, ((size_t)count + 1) * sizeof *labels);
    if (labels == NULL) return wg_error_nomem(err, count * sizeof *labels);
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        const wg_label *label = wg_catalog_label_seen(catalog, i, view);
        if (wg_label_is_visible(label, view)) labels[n++] = label;
    }
    if (sorted) qsort(labels, n, sizeof *labels, by_name);
    *out = labels;
    *out_count = n;
    return WG_OK;
}

/* ---- text of definitions */

static bool put_name(wg_buf *out, const char *name) {
    const wg_ast ast = {.kind = WG_AST_VARIABLE, .text = wg_slice_str(name)};
    return wg_ast_print(&ast, out, NULL) == WG_OK;
}

static bool put_string(wg_buf *out, wg_slice text) {
    const wg_ast ast = {.kind = WG_AST_STRING, .text = text};
    return wg_ast_print(&ast, out, NULL) == WG_OK;
}

/* A text that makes the value again; temporal ones through their function. */
static bool put_literal(wg_buf *out, const wg_value *v) {
    static const struct {
        wg_type type;
        const char *function;
    } functions[] = {{WG_TYPE_DATE, "date"},         {WG_TYPE_LOCAL_TIME, "localtime"},
                     {WG_TYPE_TIME, "time"},         {WG_TYPE_LOCAL_DATETIME, "localdatetime"},
                     {WG_TYPE_DATETIME, "datetime"}, {WG_TYPE_DURATION, "duration"}};
    if (v->type == WG_TYPE_STRING) return put_string(out, wg_value_slice(v));
    if (v->type == WG_TYPE_LIST) {
        bool ok = wg_buf_append_str(out, "[");
        for (uint32_t i = 0; i < v->size && ok; i++)
            ok = (i == 0 || wg_buf_append_str(out, ", ")) && put_literal(out, &v->as.list[i]);
        return ok && wg_buf_append_str(out, "]");
    }
    if (v->type == WG_TYPE_MAP) {
        bool ok = wg_buf_append_str(out, "{");
        for (uint32_t i = 0; i < v->size && ok; i++) {
            const wg_ast key = {.kind = WG_AST_VARIABLE,
                                .text = wg_slice_of(v->as.map[i].key, v->as.map[i].key_size)};
            ok = (i == 0 || wg_buf_append_str(out, ", ")) && wg_ast_print(&key, out, NULL) == WG_OK &&
                 wg_buf_append_str(out, ": ") && put_literal(out, &v->as.map[i].value);
        }
        return ok && wg_buf_append_str(out, "}");
    }
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (v->type == functions[i].type)
            return wg_buf_append_str(out, functions[i].function) && wg_buf_append_str(out, "(") &&
                   wg_value_print_json(out, v) && wg_buf_append_str(out, ")");
    return wg_value_print_json(out, v);
}

static bool put_column(wg_buf *out, const wg_column_def *column, bool brief) {
    bool ok = put_name(out, column->name) && wg_buf_printf(out, " %s", wg_column_def_type_text(column));
    if (brief && column->source == WG_COLUMN_PARTITION) ok = ok && wg_buf_append_str(out, " PARTITION");
    if (column->not_null) ok = ok && wg_buf_append_str(out, " NOT NULL");
    if (column->default_value != NULL)
        ok = ok && wg_buf_append_str(out, " DEFAULT ") && put_literal(out, column->default_value);
    if (brief && column->expression != NULL) ok = ok && wg_buf_printf(out, " COMPUTE %s", column->expression);
    return ok;
}

static bool put_key(wg_buf *out, const wg_label_def *def) {
    bool ok = wg_buf_append_str(out, ", PRIMARY KEY (");
    for (uint32_t i = 0; i < def->key_count && ok; i++)
        ok = wg_buf_append_str(out, i > 0 ? ", " : "") && put_name(out, def->columns[def->key_columns[i]].name);
    return ok && wg_buf_append_str(out, ")");
}

static bool put_columns(wg_buf *out, const wg_label_def *def, bool brief, const char *before) {
    bool ok = true;
    uint32_t n = 0;
    for (uint32_t i = 0; i < def->column_count && ok; i++) {
        if (!brief && def->columns[i].expression != NULL) continue;
        ok = wg_buf_append_str(out, n++ > 0 ? ", " : before) && put_column(out, &def->columns[i], brief);
    }
    return def->key_count == 0 ? ok : ok && put_key(out, def);
}

static bool has_stored(const wg_label_def *def) {
    for (uint32_t i = 0; i < def->column_count; i++)
        if (def->columns[i].expression == NULL) return true;
    return false;
}

static bool put_statement(wg_buf *out, const wg_label_def *def) {
    bool ok = wg_buf_append_str(out, def->is_edge ? "CREATE EDGE LABEL " : "CREATE NODE LABEL ") &&
              put_name(out, def->name);
    const bool columns = has_stored(def);
    if (def->is_edge)
        ok = ok && wg_buf_append_str(out, " (FROM ") && put_name(out, def->from_label) &&
             wg_buf_append_str(out, " TO ") && put_name(out, def->to_label) && put_columns(out, def, false, ", ") &&
             wg_buf_append_str(out, ")");
    else if (columns) ok = ok && put_columns(out, def, false, " (") && wg_buf_append_str(out, ")");
    if (def->pattern != NULL)
        ok = ok && wg_buf_append_str(out, " VIRTUAL FROM PARTITION ") && put_string(out, wg_slice_str(def->pattern));
    const char *before = " COMPUTE ";
    for (uint32_t i = 0; i < def->column_count && ok; i++) {
        if (def->columns[i].expression == NULL) continue;
        ok = wg_buf_append_str(out, before) && put_name(out, def->columns[i].name) && wg_buf_append_str(out, " = ") &&
             wg_buf_append_str(out, def->columns[i].expression);
        before = ", ";
    }
    return ok;
}

/* ---- the procedures */

typedef enum which { NODES = 1, EDGES = 2, BOTH = 3 } which;

static wg_code label_row(const wg_procedure_call *call, const wg_label *label, wg_buf *text, wg_error *err) {
    static const char *const kinds[] = {"OPEN", "OWNED", "VIRTUAL"};
    const wg_label_def *def = &label->def;
    text->size = 0;
    if (!put_columns(text, def, true, "")) return wg_error_nomem(err, 64);
    const wg_value cells[] = {wg_value_str(wg_slice_str(def->name)),
                              wg_value_str(wg_slice_str(def->is_edge ? "EDGE" : "NODE")),
                              wg_value_str(wg_slice_str(kinds[def->kind])),
                              wg_value_str(wg_buf_slice(text)),
                              wg_value_int((int64_t)wg_txn_label_row_estimate(call->txn, label->number)),
                              def->pattern != NULL ? wg_value_str(wg_slice_str(def->pattern)) : wg_value_null()};
    return wg_procedure_add_row(call, cells, err);
}

static wg_code show_labels(const wg_procedure_call *call, which kind, wg_error *err) {
    const wg_label **labels = NULL;
    uint32_t count = 0;
    wg_buf text;
    WG_TRY(visible_labels(call, false, &labels, &count, err));
    wg_buf_init(&text, NULL);
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < count && code == WG_OK; i++)
        if (((uint32_t)kind & (labels[i]->def.is_edge ? EDGES : NODES)) != 0)
            code = label_row(call, labels[i], &text, err);
    wg_buf_deinit(&text);
    wg_free(labels);
    return code;
}

static wg_code all_labels(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    return show_labels(call, BOTH, err);
}

static wg_code node_labels(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    return show_labels(call, NODES, err);
}

static wg_code edge_labels(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    return show_labels(call, EDGES, err);
}

static wg_code property_row(const wg_procedure_call *call, const wg_label_def *def, uint32_t c, wg_buf *text,
                            wg_error *err) {
    static const char *const sources[] = {"STORED", "PARTITION", "COMPUTED"};
    const wg_column_def *column = &def->columns[c];
    bool key = false;
    for (uint32_t k = 0; k < def->key_count; k++) key |= def->key_columns[k] == c;
    text->size = 0;
    if (column->default_value != NULL && !put_literal(text, column->default_value)) return wg_error_nomem(err, 64);
    const wg_value cells[] = {
        wg_value_str(wg_slice_str(def->name)),
        wg_value_str(wg_slice_str(def->is_edge ? "EDGE" : "NODE")),
        wg_value_str(wg_slice_str(column->name)),
        wg_value_str(wg_slice_str(wg_column_def_type_text(column))),
        wg_value_bool(!column->not_null),
        wg_value_bool(key),
        wg_value_str(wg_slice_str(sources[column->source])),
        column->default_value != NULL ? wg_value_str(wg_buf_slice(text)) : wg_value_null(),
        column->expression != NULL ? wg_value_str(wg_slice_str(column->expression)) : wg_value_null()};
    return wg_procedure_add_row(call, cells, err);
}

static wg_code properties(void *ctx, const wg_procedure_call *call, wg_error *err) {
    const wg_label **labels = NULL;
    uint32_t count = 0;
    wg_buf text;
    (void)ctx;
    WG_TRY(visible_labels(call, true, &labels, &count, err));
    wg_buf_init(&text, NULL);
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < count && code == WG_OK; i++)
        for (uint32_t c = 0; c < labels[i]->def.column_count && code == WG_OK; c++)
            code = property_row(call, &labels[i]->def, c, &text, err);
    wg_buf_deinit(&text);
    wg_free(labels);
    return code;
}

static wg_code schema_rules(const wg_procedure_call *call, wg_buf *text, wg_error *err);

static wg_code schema(void *ctx, const wg_procedure_call *call, wg_error *err) {
    const wg_label **labels = NULL;
    uint32_t count = 0;
    wg_buf text;
    (void)ctx;
    WG_TRY(visible_labels(call, true, &labels, &count, err));
    wg_buf_init(&text, NULL);
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < count && code == WG_OK; i++) {
        if (labels[i]->def.kind == WG_LABEL_OPEN) continue;
        text.size = 0;
        code = put_statement(&text, &labels[i]->def) ? WG_OK : wg_error_nomem(err, 64);
        const wg_value cell = wg_value_str(wg_buf_slice(&text));
        if (code == WG_OK) code = wg_procedure_add_row(call, &cell, err);
    }
    if (code == WG_OK) code = schema_rules(call, &text, err);
    wg_buf_deinit(&text);
    wg_free(labels);
    return code;
}

/* ---- indexes and constraints */

static bool put_properties(wg_buf *out, const wg_catalog *catalog, const wg_rule_def *def) {
    bool ok = true;
    for (uint32_t i = 0; i < def->key_count && ok; i++)
        ok = wg_buf_printf(out, "%s%s", i > 0 ? ", " : "", wg_catalog_key_name(catalog, def->keys[i]));
    return ok;
}

static wg_code rule_row(const wg_procedure_call *call, const wg_rule *rule, bool index, wg_buf *text, wg_error *err) {
    const wg_rule_def *def = &rule->def;
    const wg_catalog *catalog = wg_txn_catalog(call->txn);
    const wg_label *label = wg_catalog_label_seen(catalog, def->label, wg_txn_view(call->txn));
    const bool owned = index && !wg_rule_is_index(def->kind);
    const char *last =
        index ? (owned ? def->name : NULL) : (def->kind == WG_RULE_TYPE ? wg_column_def_type_text(&def->type) : NULL);
    text->size = 0;
    if (!put_properties(text, catalog, def)) return wg_error_nomem(err, 64);
    const wg_value cells[] = {wg_value_str(wg_slice_str(def->name)),
                              wg_value_str(wg_slice_str(wg_rule_kind_name(owned ? WG_RULE_HASH_INDEX : def->kind))),
                              wg_value_str(wg_slice_str(label->def.is_edge ? "EDGE" : "NODE")),
                              wg_value_str(wg_slice_str(label->def.name)),
                              wg_value_str(wg_buf_slice(text)),
                              last == NULL ? wg_value_null() : wg_value_str(wg_slice_str(last))};
    return wg_procedure_add_row(call, cells, err);
}

static wg_code show_rules(const wg_procedure_call *call, bool index, wg_error *err) {
    const wg_catalog *catalog = wg_txn_catalog(call->txn);
    const uint32_t count = wg_catalog_rule_count(catalog);
    wg_buf text;
    wg_buf_init(&text, NULL);
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < count && code == WG_OK; i++) {
        const wg_rule *rule = wg_catalog_rule_at(catalog, i);
        const bool listed = index ? wg_rule_has_index(rule->def.kind) : !wg_rule_is_index(rule->def.kind);
        if (listed && wg_rule_is_visible(rule, wg_txn_view(call->txn)))
            code = rule_row(call, rule, index, &text, err);
    }
    wg_buf_deinit(&text);
    return code;
}

static wg_code indexes(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    return show_rules(call, true, err);
}

static wg_code constraints(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    return show_rules(call, false, err);
}

/* The statement that makes an index or a constraint again. */
static bool put_rule(wg_buf *out, const wg_catalog *catalog, wg_view view, const wg_rule_def *def) {
    static const char *const heads[WG_RULE_KIND_COUNT] = {"CREATE RANGE INDEX ", "CREATE HASH INDEX ",
                                                          "CREATE CONSTRAINT ",  "CREATE CONSTRAINT ",
                                                          "CREATE CONSTRAINT ",  "CREATE CONSTRAINT "};
    static const char *const tails[WG_RULE_KIND_COUNT] = {"", "", " IS UNIQUE", " IS KEY", " IS NOT NULL", " IS :: "};
    const wg_label *label = wg_catalog_label_seen(catalog, def->label, view);
    const bool edge = label->def.is_edge, index = wg_rule_is_index(def->kind);
    bool ok = wg_buf_append_str(out, heads[def->kind]) && put_name(out, def->name) &&
              wg_buf_append_str(out, edge ? " FOR ()-[r:" : " FOR (n:") && put_name(out, label->def.name) &&
              wg_buf_append_str(out, edge ? "]-()" : ")") && wg_buf_append_str(out, index ? " ON (" : " REQUIRE (");
    for (uint32_t i = 0; i < def->key_count && ok; i++)
        ok = wg_buf_append_str(out, i > 0 ? ", " : "") && wg_buf_append_str(out, edge ? "r." : "n.") &&
             put_name(out, wg_catalog_key_name(catalog, def->keys[i]));
    ok = ok && wg_buf_append_str(out, ")") && wg_buf_append_str(out, tails[def->kind]);
    return ok && (def->kind != WG_RULE_TYPE || wg_buf_append_str(out, wg_column_def_type_text(&def->type)));
}

static wg_code schema_rules(const wg_procedure_call *call, wg_buf *text, wg_error *err) {
    const wg_catalog *catalog = wg_txn_catalog(call->txn);
    const wg_view view = wg_txn_view(call->txn);
    const uint32_t count = wg_catalog_rule_count(catalog);
    for (uint32_t i = 0; i < count; i++) {
        const wg_rule *rule = wg_catalog_rule_at(catalog, i);
        if (!wg_rule_is_visible(rule, view)) continue;
        text->size = 0;
        if (!put_rule(text, catalog, view, &rule->def)) return wg_error_nomem(err, 64);
        const wg_value cell = wg_value_str(wg_buf_slice(text));
        WG_TRY(wg_procedure_add_row(call, &cell, err));
    }
    return WG_OK;
}

typedef struct function_entry {
    const char *name;
    uint32_t least, most;
    bool aggregates;
} function_entry;

static int compare_functions(const void *x, const void *y) {
    const function_entry *a = x;
    const function_entry *b = y;
    const int names = strcmp(a->name, b->name);
    return names != 0 ? names : (a->least > b->least) - (a->least < b->least);
}

static wg_code function_rows(const wg_procedure_call *call, function_entry *entries, uint32_t count, wg_error *err) {
    qsort(entries, count, sizeof *entries, compare_functions);
    for (uint32_t i = 0; i < count; i++) {
        const function_entry *f = &entries[i];
        const wg_value cells[] = {wg_value_str(wg_slice_str(f->name)), wg_value_int(f->least),
                                  f->most == UINT32_MAX ? wg_value_null() : wg_value_int(f->most),
                                  wg_value_str(wg_slice_str(f->aggregates ? "AGGREGATE" : "SCALAR"))};
        WG_TRY(wg_procedure_add_row(call, cells, err));
    }
    return WG_OK;
}

static wg_code functions(void *ctx, const wg_procedure_call *call, wg_error *err) {
    uint32_t count = 0, least = 0, most = 0;
    (void)ctx;
    while (wg_function_at(count, &least, &most) != NULL) count++;
    function_entry *entries = wg_alloc(NULL, ((size_t)count + 64) * sizeof *entries);
    if (entries == NULL) return wg_error_nomem(err, count * sizeof *entries);
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        const char *name = wg_function_at(i, &least, &most);
        if (wgi_is_callable(name) && strpbrk(name, "%<>=+-*/ ") == NULL)
            entries[n++] = (function_entry){name, least, most, false};
    }
    for (uint32_t i = 0; i < 64 && wgi_aggregate_at(i, &least) != NULL; i++)
        entries[n++] = (function_entry){wgi_aggregate_at(i, &most), least, least, true};
    const wg_code code = function_rows(call, entries, n, err);
    wg_free(entries);
    return code;
}

static const wg_procedure_field statement[] = {{.name = "statement", .type = WG_TYPE_STRING}};

wg_code wg_procedures_register_show(wg_procedures *procedures, wg_error *err) {
    static const wg_procedure_field label[] = {
        {.name = "label", .type = WG_TYPE_STRING}, {.name = "of", .type = WG_TYPE_STRING},
        {.name = "kind", .type = WG_TYPE_STRING},  {.name = "columns", .type = WG_TYPE_STRING},
        {.name = "rows", .type = WG_TYPE_INT},     {.name = "source", .type = WG_TYPE_STRING}};
    static const wg_procedure_field property[] = {
        {.name = "label", .type = WG_TYPE_STRING},     {.name = "of", .type = WG_TYPE_STRING},
        {.name = "property", .type = WG_TYPE_STRING},  {.name = "type", .type = WG_TYPE_STRING},
        {.name = "nullable", .type = WG_TYPE_BOOL},    {.name = "key", .type = WG_TYPE_BOOL},
        {.name = "source", .type = WG_TYPE_STRING},    {.name = "default", .type = WG_TYPE_STRING},
        {.name = "expression", .type = WG_TYPE_STRING}};
    static const wg_procedure_field index[] = {
        {.name = "name", .type = WG_TYPE_STRING},       {.name = "kind", .type = WG_TYPE_STRING},
        {.name = "of", .type = WG_TYPE_STRING},         {.name = "label", .type = WG_TYPE_STRING},
        {.name = "properties", .type = WG_TYPE_STRING}, {.name = "constraint", .type = WG_TYPE_STRING}};
    static const wg_procedure_field constraint[] = {
        {.name = "name", .type = WG_TYPE_STRING},       {.name = "kind", .type = WG_TYPE_STRING},
        {.name = "of", .type = WG_TYPE_STRING},         {.name = "label", .type = WG_TYPE_STRING},
        {.name = "properties", .type = WG_TYPE_STRING}, {.name = "type", .type = WG_TYPE_STRING}};
    static const wg_procedure_field function[] = {{.name = "name", .type = WG_TYPE_STRING},
                                                  {.name = "least", .type = WG_TYPE_INT},
                                                  {.name = "most", .type = WG_TYPE_INT},
                                                  {.name = "kind", .type = WG_TYPE_STRING}};
    const wg_procedure all[] = {
        {.name = "show.labels", .help = "labels: SHOW LABELS", .results = label, .result_count = 6, .fn = all_labels},
        {.name = "show.nodeLabels",
         .help = "labels of nodes: SHOW NODE LABELS",
         .results = label,
         .result_count = 6,
         .fn = node_labels},
        {.name = "show.edgeLabels",
         .help = "types of relationships: SHOW EDGE LABELS",
         .results = label,
         .result_count = 6,
         .fn = edge_labels},
        {.name = "show.properties",
         .help = "declared columns: SHOW PROPERTIES",
         .results = property,
         .result_count = 9,
         .fn = properties},
        {.name = "show.schema",
         .help = "statements that make the schema again: SHOW SCHEMA",
         .results = statement,
         .result_count = 1,
         .fn = schema},
        {.name = "show.indexes", .help = "indexes: SHOW INDEXES", .results = index, .result_count = 6, .fn = indexes},
        {.name = "show.constraints",
         .help = "constraints: SHOW CONSTRAINTS",
         .results = constraint,
         .result_count = 6,
         .fn = constraints},
        {.name = "db.indexes",
         .help = "the same as show.indexes",
         .results = index,
         .result_count = 6,
         .fn = indexes},
        {.name = "db.constraints",
         .help = "the same as show.constraints",
         .results = constraint,
         .result_count = 6,
         .fn = constraints},
        {.name = "show.functions",
         .help = "functions of expressions: SHOW FUNCTIONS",
         .results = function,
         .result_count = 4,
         .fn = functions},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) WG_TRY(wg_procedure_register(procedures, &all[i], err));
    return WG_OK;
}
