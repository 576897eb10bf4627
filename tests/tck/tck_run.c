/* tests/tck: runs the steps of one scenario in a private workspace of its own. A step that is not understood fails the scenario. */
#include <stdlib.h>

#include "tests/reference/reference.h"
#include "tests/tck/tck.h"

typedef struct run {
    wg_arena *arena;
    const char *dir;
    wg_db *db;
    wg_session *session;
    ref_graph *reference; /* not NULL: the naive interpreter runs, not the engine */
    const tck_step *parameters;
    tck_answer *result; /* of the last query; NULL: it failed */
    bool ran;
    bool failed_at_prepare;
    wg_error error;
    tck_graph before;
    tck_graph after;
} run;

static bool starts(wg_slice s, const char *prefix) {
    return s.size >= strlen(prefix) && memcmp(s.data, prefix, strlen(prefix)) == 0;
}

static const char *fail_with(run *r, const char *what, const wg_error *err) {
    return tck_format(r->arena, "%s: %s: %s", what, wg_code_name(err->code), err->message);
}

static wg_code bind_parameters(run *r, wg_stmt *stmt, wg_error *err) {
    for (size_t i = 0; r->parameters != NULL && i < r->parameters->row_count; i++) {
        const tck_row *row = &r->parameters->rows[i];
        const char *name = tck_format(r->arena, "%.*s", (int)row->cells[0].size, (const char *)row->cells[0].data);
        wg_value value;
        if (!tck_parse_value(r->arena, row->cells[1], &value)) return WG_E_VALUE;
        const wg_code code = wg_bind(stmt, name, &value, err);
        if (code != WG_OK && code != WG_E_PARAMETER && code != WG_E_NOT_FOUND) return code;
    }
    return WG_OK;
}

static tck_answer *answer_of(run *r, wg_result *result) {
    tck_answer *a = tck_alloc(r->arena, 1, sizeof *a);
    a->result = result;
    a->row_count = wg_result_row_count(result);
    a->column_count = wg_result_column_count(result);
    a->names = tck_alloc(r->arena, a->column_count, sizeof *a->names);
    a->cells = tck_alloc(r->arena, (size_t)a->row_count * a->column_count, sizeof *a->cells);
    for (uint32_t c = 0; c < a->column_count; c++) a->names[c] = wg_result_column_name(result, c);
    for (uint64_t i = 0; i < a->row_count; i++)
        for (uint32_t c = 0; c < a->column_count; c++)
            if (wg_result_cell(result, i, c, &a->cells[i * a->column_count + c], NULL) != WG_OK) exit(2);
    return a;
}

static wg_code execute_reference(run *r, wg_slice text, tck_answer **out, wg_error *err) {
    const size_t count = r->parameters != NULL ? r->parameters->row_count : 0;
    ref_param *params = tck_alloc(r->arena, count, sizeof *params);
    for (size_t i = 0; i < count; i++) {
        const tck_row *row = &r->parameters->rows[i];
        params[i].name = tck_format(r->arena, "%.*s", (int)row->cells[0].size, (const char *)row->cells[0].data);
        if (!tck_parse_value(r->arena, row->cells[1], &params[i].value)) return WG_E_VALUE;
    }
    ref_answer answer;
    ref_run(r->reference, text, params, count, 0, r->arena, &answer);
    if (answer.code != WG_OK) return wg_error_set(err, answer.code, WG_NO_OFFSET, "%s", answer.message);
    tck_answer *a = tck_alloc(r->arena, 1, sizeof *a);
    a->row_count = answer.row_count;
    a->column_count = (uint32_t)answer.column_count;
    a->cells = answer.cells;
    a->names = tck_alloc(r->arena, answer.column_count, sizeof *a->names);
    for (size_t c = 0; c < answer.column_count; c++)
        a->names[c] = tck_format(r->arena, "%.*s", (int)answer.names[c].size, (const char *)answer.names[c].data);
    *out = a;
    return WG_OK;
}

static wg_code execute(run *r, wg_slice text, tck_answer **out, bool *out_prepared, wg_error *err) {
    wg_stmt *stmt;
    wg_result *result;
    *out_prepared = r->reference != NULL;
    if (r->reference != NULL) return execute_reference(r, text, out, err);
    wg_code code = wg_prepare(r->session, (const char *)text.data, text.size, &stmt, err);
    if (code != WG_OK) return code;
    *out_prepared = true;
    code = bind_parameters(r, stmt, err);
    if (code == WG_OK) code = wg_execute(stmt, &result, err);
    if (code == WG_OK) *out = answer_of(r, result);
    wg_stmt_finish(stmt);
    return code;
}

static void free_answer(tck_answer *answer) {
    if (answer != NULL) wg_result_free(answer->result);
}

/* tck_query_fn */
static bool query_graph(void *arg, const char *text, tck_answer **out, wg_error *err) {
    bool prepared;
    return execute(arg, wg_slice_str(text), out, &prepared, err) == WG_OK;
}

static const char *step_setup(run *r, wg_slice text) {
    tck_answer *result;
    wg_error err = {0};
    bool prepared;
    if (execute(r, text, &result, &prepared, &err) != WG_OK) return fail_with(r, "setup", &err);
    free_answer(result);
    return NULL;
}

static const char *step_graph(run *r, wg_slice text) {
    if (starts(text, "an empty graph") || starts(text, "any graph")) return NULL;
    const char *tail = " graph";
    const wg_slice name = wg_slice_of(text.data + 4, text.size - 4 - strlen(tail));
    const char *path = tck_format(r->arena, "%s/graphs/%.*s/%.*s.cypher", r->dir, (int)name.size,
                                  (const char *)name.data, (int)name.size, (const char *)name.data);
    wg_slice script;
    tck_read_file(r->arena, path, &script);
    if (script.data == NULL) return tck_format(r->arena, "cannot read %s", path);
    return step_setup(r, script);
}

static const char *step_query(run *r, wg_slice text) {
    wg_error err = {0};
    bool prepared = false;
    free_answer(r->result);
    r->result = NULL;
    if (!tck_graph_read(r->arena, query_graph, r, &r->before, &err)) return fail_with(r, "reading the graph", &err);
    r->error = (wg_error){0};
    if (execute(r, text, &r->result, &prepared, &r->error) != WG_OK) r->result = NULL;
    r->failed_at_prepare = !prepared;
    r->ran = true;
    if (!tck_graph_read(r->arena, query_graph, r, &r->after, &err)) return fail_with(r, "reading the graph", &err);
    return NULL;
}

/* ---- results */

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static const char *row_text(run *r, wg_buf *row) {
    char *text = tck_alloc(r->arena, row->size + 1, 1);
    if (row->size > 0) memcpy(text, row->data, row->size);
    wg_buf_deinit(row);
    return text;
}

static const char *expected_rows(run *r, const tck_step *step, bool any_list_order, const char **out) {
    for (size_t i = 1; i < step->row_count; i++) {
        wg_buf row;
        wg_buf_init(&row, NULL);
        for (size_t c = 0; c < step->rows[i].count; c++) {
            const wg_slice cell = step->rows[i].cells[c];
            wg_value v;
            if (!tck_parse_value(r->arena, cell, &v))
                return tck_format(r->arena, "cannot read the value %.*s", (int)cell.size, (const char *)cell.data);
            tck_print_value(r->arena, &v, any_list_order, &row);
            if (!wg_buf_append_str(&row, " | ")) exit(2);
        }
        out[i - 1] = row_text(r, &row);
    }
    return NULL;
}

static void actual_rows(run *r, bool any_list_order, const char **out) {
    for (uint64_t i = 0; i < r->result->row_count; i++) {
        wg_buf row;
        wg_buf_init(&row, NULL);
        for (uint32_t c = 0; c < r->result->column_count; c++) {
            tck_print_value(r->arena, &r->result->cells[i * r->result->column_count + c], any_list_order, &row);
            if (!wg_buf_append_str(&row, " | ")) exit(2);
        }
        out[i] = row_text(r, &row);
    }
}

static const char *check_columns(run *r, const tck_step *step) {
    const tck_row *head = &step->rows[0];
    if (head->count != r->result->column_count) return "the number of columns differs";
    for (uint32_t c = 0; c < head->count; c++) {
        const char *name = r->result->names[c];
        if (!wg_slice_is(head->cells[c], name))
            return tck_format(r->arena, "column '%s' should be '%.*s'", name, (int)head->cells[c].size,
                              (const char *)head->cells[c].data);
    }
    return NULL;
}

static const char *step_result(run *r, const tck_step *step, bool ordered, bool any_list_order) {
    if (!r->ran) return "no query was run";
    if (r->result == NULL) return fail_with(r, "query", &r->error);
    if (step->row_count == 0) return "a table of results is missing";
    const char *why = check_columns(r, step);
    if (why != NULL) return why;
    const size_t wanted_count = step->row_count - 1;
    const size_t count = (size_t)r->result->row_count;
    if (count != wanted_count) return tck_format(r->arena, "%zu rows should be %zu", count, wanted_count);
    const char **wanted = tck_alloc(r->arena, count, sizeof *wanted);
    const char **got = tck_alloc(r->arena, count, sizeof *got);
    why = expected_rows(r, step, any_list_order, wanted);
    if (why != NULL) return why;
    actual_rows(r, any_list_order, got);
    if (!ordered) {
        qsort(wanted, count, sizeof *wanted, compare);
        qsort(got, count, sizeof *got, compare);
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(wanted[i], got[i]) != 0)
            return tck_format(r->arena, "row %.300s should be %.300s", got[i], wanted[i]);
    return NULL;
}

static const char *step_empty(run *r) {
    if (!r->ran) return "no query was run";
    if (r->result == NULL) return fail_with(r, "query", &r->error);
    return r->result->row_count == 0 ? NULL : "the result should be empty";
}

static const char *step_effects(run *r, const tck_step *step) {
    static const char *const all[] = {"+nodes",  "-nodes",  "+relationships", "-relationships",
                                      "+labels", "-labels", "+properties",    "-properties"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        size_t wanted = 0;
        for (size_t k = 0; k < step->row_count; k++)
            if (wg_slice_is(step->rows[k].cells[0], all[i]))
                wanted = (size_t)strtoull((const char *)step->rows[k].cells[1].data, NULL, 10);
        const size_t got = tck_graph_change(&r->before, &r->after, all[i]);
        if (got != wanted) return tck_format(r->arena, "%s: %zu should be %zu", all[i], got, wanted);
    }
    return NULL;
}

/* ---- errors */

/* The codes that say the same as a type of the TCK. Not supported, out of memory and the like never do. */
static bool code_fits(wg_slice type, wg_code code) {
    static const struct {
        const char *type;
        wg_code codes[5];
    } table[] = {
        {"SyntaxError", {WG_E_SYNTAX, WG_E_BIND, WG_E_TYPE, WG_E_VALUE, WG_E_NOT_FOUND}},
        {"SemanticError", {WG_E_BIND, WG_E_TYPE, WG_E_VALUE}},
        {"TypeError", {WG_E_TYPE, WG_E_BIND}},
        {"ArgumentError", {WG_E_VALUE, WG_E_TYPE, WG_E_BIND}},
        {"EntityNotFound", {WG_E_NOT_FOUND, WG_E_BIND}},
        {"PropertyNotFound", {WG_E_NOT_FOUND, WG_E_BIND}},
        {"LabelNotFound", {WG_E_NOT_FOUND, WG_E_BIND}},
        {"ParameterMissing", {WG_E_PARAMETER}},
        {"ProcedureError", {WG_E_NOT_FOUND, WG_E_BIND}},
        {"ConstraintVerificationFailed", {WG_E_CONSTRAINT}},
        {"ConstraintValidationFailed", {WG_E_CONSTRAINT}},
        {"ArithmeticError", {WG_E_VALUE}},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        for (size_t k = 0; wg_slice_is(type, table[i].type) && k < 5; k++)
            if (table[i].codes[k] == code && code != WG_OK) return true;
    return false;
}

/* The details of the TCK, each with words of which one must be in the message. They are the ones of messages that say this and nothing else. */
static bool detail_fits(const char *detail, const char *message) {
    static const struct {
        const char *detail;
        const char *words[8];
    } table[] = {
        {"AmbiguousAggregationExpression", {"beside an aggregate"}},
        {"ColumnNameConflict", {"two results are named"}},
        {"CreatingVarLength", {"variable length"}},
        {"DeleteConnectedNode", {"still has edges"}},
        {"DeletedEntityAccess", {"was deleted by an earlier clause"}},
        {"DifferentColumnsInUnion", {"must return the same names"}},
        {"FloatingPointOverflow", {"overflow"}},
        {"IntegerOverflow", {"overflow"}},
        {"InvalidAggregation", {"an aggregate cannot be used"}},
        {"InvalidArgumentPassingMode", {"takes its arguments from parameters only"}},
        {"InvalidArgumentType", {" not ", "this is ", "cannot compute", "cannot take a value", "has no properties"}},
        {"InvalidArgumentValue",
         {"cannot take a value", "takes text like", "must", "is no ", "unknown", "not negative"}},
        {"InvalidClauseComposition",
         {"may not write", "may not be mixed", "must be", "must come", "ends a query", "expected"}},
        {"InvalidDelete", {"labels are removed with REMOVE"}},
        {"InvalidNumberLiteral", {"number"}},
        {"InvalidNumberOfArguments", {" takes "}},
        {"InvalidParameterUse", {"a parameter cannot stand for"}},
        {"InvalidPropertyType", {"cannot hold"}},
        {"InvalidRelationshipPattern", {"to close the relationship pattern"}},
        {"InvalidUnicodeCharacter", {"looks like", "no meaning"}},
        {"InvalidUnicodeLiteral", {"\\u escape"}},
        {"MapElementAccessByNonString", {"[] "}},
        {"MergeReadOwnWrites", {"MERGE on a property that is null"}},
        {"MissingParameter", {"has no value"}},
        {"NegativeIntegerArgument", {"not negative", "non-negative"}},
        {"NestedAggregation", {"an aggregate inside an aggregate"}},
        {"NoExpressionAlias", {"needs a name"}},
        {"NoSingleRelationshipType", {"exactly one type"}},
        {"NoVariablesInScope", {"no variable is defined"}},
        {"NonConstantExpression", {"may not use variables", "rand()"}},
        {"NumberOutOfRange", {"within", "must not be 0"}},
        {"ProcedureNotFound", {"there is no procedure"}},
        {"RelationshipUniquenessViolation", {"names two relationships of one pattern"}},
        {"RequiresDirectedRelationship", {"needs one direction"}},
        {"UndefinedVariable", {"is not defined here", "is not one of the grouped results"}},
        {"UnexpectedSyntax", {"expected", "has no meaning here", "a pattern is a condition", "is for a CALL that"}},
        {"UnknownFunction", {"there is no function"}},
        {"VariableAlreadyBound", {"exists already", "exactly one type"}}, /* two things are wrong at once there */
        {"VariableTypeConflict", {"cannot stand for", "is used for a"}},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].detail, detail) != 0) continue;
        for (size_t k = 0; k < 8 && table[i].words[k] != NULL; k++)
            if (strstr(message, table[i].words[k]) != NULL) return true;
        return false;
    }
    return true; /* "*", or one that is not known here: type and phase must do */
}

static const char *step_error(run *r, wg_slice text) {
    const uint8_t *space = memchr(text.data, ' ', text.size);
    const wg_slice type = wg_slice_of(text.data, space != NULL ? (size_t)(space - text.data) : text.size);
    const char *line = tck_format(r->arena, "%.*s", (int)text.size, (const char *)text.data);
    if (!r->ran) return "no query was run";
    if (r->result != NULL) return tck_format(r->arena, "no error, should be %s", line);
    if (!code_fits(type, r->error.code)) return fail_with(r, line, &r->error);
    if (r->reference != NULL) return NULL; /* it parses and runs in one go */
    const bool compile = strstr(line, "at compile time") != NULL;
    const bool runtime = strstr(line, "at runtime") != NULL;
    /* Parameters are given between prepare and execute, which refuses missing ones before anything runs. */
    const bool too_late = !r->failed_at_prepare && r->error.code != WG_E_PARAMETER;
    if (compile && too_late) return fail_with(r, "found too late", &r->error);
    if (runtime && r->failed_at_prepare) return fail_with(r, "found too early", &r->error);
    const char *colon = strrchr(line, ':');
    if (colon != NULL && !detail_fits(colon + 2, r->error.message)) return fail_with(r, line, &r->error);
    return NULL;
}

static const char *run_step(run *r, const tck_step *step) {
    wg_slice text = step->text;
    if (starts(text, "an empty graph") || starts(text, "any graph") || starts(text, "the binary-tree"))
        return step_graph(r, text);
    if (starts(text, "having executed")) return step_setup(r, step->doc);
    if (starts(text, "parameters are")) {
        r->parameters = step;
        return NULL;
    }
    if (starts(text, "there exists a procedure ") && r->reference != NULL) return "the reference has no procedures";
    if (starts(text, "there exists a procedure ")) return tck_register_procedure(r->arena, r->db, step);
    if (starts(text, "executing query") || starts(text, "executing control query")) return step_query(r, step->doc);
    if (starts(text, "the result should be empty")) return step_empty(r);
    if (starts(text, "the result should be")) {
        const char *line = tck_format(r->arena, "%.*s", (int)text.size, (const char *)text.data);
        return step_result(r, step, strstr(line, "in order") != NULL, strstr(line, "ignoring element order") != NULL);
    }
    if (starts(text, "no side effects") || starts(text, "the side effects should be")) return step_effects(r, step);
    if (starts(text, "a ") || starts(text, "an ")) {
        const size_t skip = text.data[1] == 'n' ? 3 : 2;
        return step_error(r, wg_slice_of(text.data + skip, text.size - skip));
    }
    return tck_format(r->arena, "not supported: %.*s", (int)text.size, (const char *)text.data);
}

static const char *run_steps(run *r, const tck_scenario *scenario) {
    const char *why = NULL;
    for (size_t i = 0; i < scenario->step_count && why == NULL; i++) why = run_step(r, &scenario->steps[i]);
    if (why == NULL && r->ran && r->result == NULL && r->error.code == WG_E_UNSUPPORTED) why = "not supported";
    free_answer(r->result);
    return why;
}

const char *tck_run_reference(wg_arena *arena, const char *dir, const tck_scenario *scenario) {
    ref_graph graph;
    run r = {.arena = arena, .dir = dir, .reference = &graph};
    ref_graph_init(&graph);
    const char *why = run_steps(&r, scenario);
    ref_graph_deinit(&graph);
    return why;
}

const char *tck_run(wg_arena *arena, const char *dir, const tck_scenario *scenario) {
    static const wg_options options = {.threads = 1};
    run r = {.arena = arena, .dir = dir};
    wg_error err = {0};
    if (wg_open(NULL, &options, &r.db, &err) != WG_OK) return fail_with(&r, "open", &err);
    const char *why = NULL;
    if (wg_session_open(r.db, &r.session, &err) != WG_OK) why = fail_with(&r, "session", &err);
    if (why == NULL) why = run_steps(&r, scenario);
    wg_session_close(r.session);
    if (wg_close(r.db, &err) != WG_OK && why == NULL) why = fail_with(&r, "close", &err);
    return why;
}
