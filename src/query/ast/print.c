/* query/ast: the canonical text.
 *
 * Operands that are not atoms stand in parentheses whatever the precedence: the reader of the text and the parser then
 * cannot disagree, and no table has to be kept twice. A negative number is an operand in parentheses too, because the
 * parser joins a minus and the number behind it. */
#include "base/text/text.h"
#include "query/ast/ast.h"
#include "query/lexer/lexer.h"

typedef struct printer {
    wg_buf *out;
    bool failed;
} printer;

static void put(printer *pr, const char *s) {
    if (!wg_buf_append_str(pr->out, s)) pr->failed = true;
}

static void put_bytes(printer *pr, const void *data, size_t size) {
    if (!wg_buf_append(pr->out, data, size)) pr->failed = true;
}

static void put_name(printer *pr, wg_slice name) {
    if (wg_lexer_plain_name(name)) {
        put_bytes(pr, name.data, name.size);
        return;
    }
    put(pr, "`");
    for (size_t i = 0; i < name.size; i++) {
        put_bytes(pr, name.data + i, 1);
        if (name.data[i] == '`') put(pr, "`");
    }
    put(pr, "`");
}

/* Where the grammar takes reserved words too: labels, types, keys, options. */
static void put_any_name(printer *pr, wg_slice name) {
    if (wg_lexer_keyword_find(name) == WG_KW_NONE_OF_THEM) {
        put_name(pr, name);
    } else {
        put_bytes(pr, name.data, name.size);
    }
}

static void put_dotted(printer *pr, wg_slice name) {
    size_t from = 0;
    for (size_t i = 0; i <= name.size; i++) {
        if (i < name.size && name.data[i] != '.') continue;
        if (from > 0) put(pr, ".");
        put_name(pr, wg_slice_of(name.data + from, i - from));
        from = i + 1;
    }
}

static void put_string(printer *pr, wg_slice s) {
    put(pr, "'");
    for (size_t i = 0; i < s.size; i++) {
        const uint8_t c = s.data[i];
        if (c == '\'' || c == '\\') {
            put(pr, "\\");
            put_bytes(pr, &c, 1);
        } else if (c == '\n') {
            put(pr, "\\n");
        } else if (c < 0x20 || c == 0x7F) {
            if (!wg_buf_printf(pr->out, "\\u%04X", (unsigned)c)) pr->failed = true;
        } else {
            put_bytes(pr, &c, 1);
        }
    }
    put(pr, "'");
}

static void put_int(printer *pr, int64_t v) {
    char text[24];
    put_bytes(pr, text, wg_format_i64(v, text));
}

static void node(printer *pr, const wg_ast *a);

static void list(printer *pr, const wg_ast *a, uint32_t from, const char *separator) {
    for (uint32_t i = from; i < a->child_count; i++) {
        if (i > from) put(pr, separator);
        node(pr, a->child[i]);
    }
}

/* Puts `before` and the child when it is there. */
static void optional(printer *pr, const char *before, const wg_ast *child) {
    if (child == NULL) return;
    put(pr, before);
    node(pr, child);
}

static void label(printer *pr, const wg_ast *a) {
    const bool nested = a->kind == WG_AST_LABEL_EXPR && a->op != WG_OP_NOT;
    if (a->kind == WG_AST_NAME) put_any_name(pr, a->text);
    if (a->kind == WG_AST_LABEL_ANY) put(pr, "%");
    if (a->kind != WG_AST_LABEL_EXPR) return;
    if (nested) put(pr, "(");
    if (!nested) put(pr, "!");
    for (uint32_t i = 0; i < a->child_count; i++) {
        if (i > 0) put(pr, a->op == WG_OP_OR ? "|" : "&");
        label(pr, a->child[i]);
    }
    if (nested) put(pr, ")");
}

/* The children [from..) but a WHERE, behind a colon. */
static void labels_between(printer *pr, const wg_ast *a, uint32_t from, const char *separator) {
    for (uint32_t i = from; i < a->child_count; i++) {
        if (a->child[i]->kind == WG_AST_WHERE) continue;
        put(pr, i == from ? ":" : separator);
        label(pr, a->child[i]);
    }
}

static void labels(printer *pr, const wg_ast *a, uint32_t from) {
    bool plain = true;
    for (uint32_t i = from; i < a->child_count; i++)
        plain = plain && (a->child[i]->kind == WG_AST_NAME || a->child[i]->kind == WG_AST_WHERE);
    labels_between(pr, a, from, plain ? ":" : "&");
}

static void element_where(printer *pr, const wg_ast *a) {
    for (uint32_t i = 1; i < a->child_count; i++)
        if (a->child[i]->kind == WG_AST_WHERE) optional(pr, " WHERE ", a->child[i]->child[0]);
}

static void quantifier_of(printer *pr, const wg_ast *a) {
    put(pr, "{");
    put_int(pr, a->i);
    put(pr, ",");
    if (a->j >= 0) put_int(pr, a->j);
    put(pr, "}");
}

static bool is_atom(const wg_ast *a) {
    switch (a->kind) {
        case WG_AST_INT:
            return a->i >= 0;
        case WG_AST_FLOAT:
            return (wg_bits_of_f64(a->f) >> 63) == 0;
        case WG_AST_NULL:
        case WG_AST_BOOL:
        case WG_AST_STRING:
        case WG_AST_LIST:
        case WG_AST_MAP:
        case WG_AST_PARAMETER:
        case WG_AST_VARIABLE:
        case WG_AST_PROPERTY:
        case WG_AST_INDEX:
        case WG_AST_SLICE:
        case WG_AST_FUNCTION:
        case WG_AST_COUNT_STAR:
        case WG_AST_CASE:
        case WG_AST_LIST_COMPREHENSION:
        case WG_AST_PATTERN_COMPREHENSION:
        case WG_AST_QUANTIFIER:
        case WG_AST_REDUCE:
        case WG_AST_MAP_PROJECTION:
        case WG_AST_SUBQUERY:
            return true;
        default:
            return false; /* operators, label tests, pattern tests */
    }
}

static void operand(printer *pr, const wg_ast *a) {
    const bool bare = is_atom(a);
    if (!bare) put(pr, "(");
    node(pr, a);
    if (!bare) put(pr, ")");
}

/* ---- patterns */

static void node_pattern(printer *pr, const wg_ast *a) {
    put(pr, "(");
    if (a->text.size > 0) put_name(pr, a->text);
    labels(pr, a, 1);
    optional(pr, a->text.size > 0 || a->child_count > 1 ? " " : "", a->child[0]);
    element_where(pr, a);
    put(pr, ")");
}

static void path_group(printer *pr, const wg_ast *a) {
    put(pr, "(");
    node(pr, a->child[1]);
    optional(pr, " WHERE ", a->child[2]);
    put(pr, ")");
    quantifier_of(pr, a);
}

static void edge_pattern(printer *pr, const wg_ast *a) {
    put(pr, a->op == WG_AST_LEFT || a->op == WG_AST_BOTH ? "<-" : "-");
    put(pr, "[");
    if (a->text.size > 0) put_name(pr, a->text);
    labels_between(pr, a, 1, "|");
    const bool quantified = (a->flags & WG_AST_QUANTIFIED) != 0;
    if ((a->flags & WG_AST_VARIABLE_LENGTH) && !quantified) {
        put(pr, "*");
        if (a->i >= 0) put_int(pr, a->i);
        if (a->i >= 0 || a->j >= 0) put(pr, "..");
        if (a->j >= 0) put_int(pr, a->j);
    }
    optional(pr, " ", a->child[0]);
    element_where(pr, a);
    put(pr, "]");
    put(pr, a->op == WG_AST_RIGHT || a->op == WG_AST_BOTH ? "->" : "-");
    if (quantified) quantifier_of(pr, a);
}

static void path_prefix(printer *pr, const wg_ast *a) {
    static const char *const before[] = {"",     "shortestPath(", "allShortestPaths(", "",
                                         "ANY ", "SHORTEST ",     "SHORTEST "};
    static const char *const modes[] = {"", "WALK ", "TRAIL ", "ACYCLIC ", "SIMPLE "};
    put(pr, before[a->op]);
    if (a->op < WG_AST_PATH_MODE) return;
    if (a->op != WG_AST_PATH_MODE) put_int(pr, a->i);
    if (a->op != WG_AST_PATH_MODE) put(pr, " ");
    put(pr, modes[a->j]);
    if (a->op == WG_AST_PATH_GROUPS_OF) put(pr, "GROUPS ");
}

static void path(printer *pr, const wg_ast *a) {
    if (a->text.size > 0) {
        put_name(pr, a->text);
        put(pr, " = ");
    }
    path_prefix(pr, a);
    list(pr, a, 0, "");
    if (a->op == WG_AST_PATH_SHORTEST || a->op == WG_AST_PATH_ALL_SHORTEST) put(pr, ")");
}

/* ---- expressions */

static void list_literal(printer *pr, const wg_ast *a) {
    put(pr, "[");
    for (uint32_t i = 0; i < a->child_count; i++) {
        const wg_ast *c = a->child[i];
        if (i > 0) put(pr, ", ");
        /* `[x IN y]` would be read as a comprehension */
        const bool hide = i == 0 && c->kind == WG_AST_BINARY && c->op == WG_OP_IN;
        if (hide) put(pr, "(");
        node(pr, c);
        if (hide) put(pr, ")");
    }
    put(pr, "]");
}

static void number(printer *pr, double v) {
    char text[32];
    put_bytes(pr, text, wg_format_f64(v, text));
}

static void parameter(printer *pr, wg_slice name) {
    bool digits = true;
    for (size_t i = 0; i < name.size; i++) digits = digits && name.data[i] >= '0' && name.data[i] <= '9';
    const bool raw = digits && (name.size == 1 || name.data[0] != '0');
    put(pr, "$");
    if (raw) {
        put_bytes(pr, name.data, name.size);
    } else {
        put_name(pr, name);
    }
}

static void unary(printer *pr, const wg_ast *a) {
    const wg_ast_op op = (wg_ast_op)a->op;
    const bool behind = op == WG_OP_IS_NULL || op == WG_OP_IS_NOT_NULL;
    const bool sign = op == WG_OP_MINUS || op == WG_OP_PLUS;
    if (!behind) put(pr, wg_ast_op_name(op));
    if (op == WG_OP_NOT) put(pr, " ");
    /* a sign and a number would be joined, so a number is hidden; -(x.y) and -x.y are one tree */
    const wg_ast *base = a->child[0];
    while (base->kind == WG_AST_PROPERTY || base->kind == WG_AST_INDEX || base->kind == WG_AST_SLICE)
        base = base->child[0];
    const bool hide = sign && (base->kind == WG_AST_INT || base->kind == WG_AST_FLOAT);
    if (hide) put(pr, "(");
    if (hide) {
        node(pr, a->child[0]);
    } else {
        operand(pr, a->child[0]);
    }
    if (hide) put(pr, ")");
    if (behind) put(pr, " ");
    if (behind) put(pr, wg_ast_op_name(op));
}

static void operators(printer *pr, const wg_ast *a) {
    for (uint32_t i = 0; i < a->child_count; i++) {
        if (i > 0) {
            const uint8_t op = a->kind == WG_AST_CHAIN ? a->text.data[i - 1] : a->op;
            put(pr, " ");
            put(pr, wg_ast_op_name((wg_ast_op)op));
            put(pr, " ");
        }
        operand(pr, a->child[i]);
    }
}

static void lookup(printer *pr, const wg_ast *a) {
    operand(pr, a->child[0]);
    if (a->kind == WG_AST_PROPERTY) {
        put(pr, ".");
        put_any_name(pr, a->text);
        return;
    }
    put(pr, "[");
    if (a->child[1] != NULL) node(pr, a->child[1]);
    if (a->kind == WG_AST_SLICE) {
        put(pr, "..");
        if (a->child[2] != NULL) node(pr, a->child[2]);
    }
    put(pr, "]");
}

/* What stands behind the subject of each test. */
static void when_tests(printer *pr, const wg_ast *tests) {
    for (uint32_t i = 0; i < tests->child_count; i++) {
        const wg_ast *test = tests->child[i];
        const wg_ast_op op = (wg_ast_op)test->op;
        if (i > 0) put(pr, ", ");
        if (test->kind == WG_AST_UNARY && op == WG_OP_NOT) {
            put(pr, "IS NOT :: ");
            put_bytes(pr, test->child[0]->text.data, test->child[0]->text.size);
        } else if (test->kind == WG_AST_IS_TYPED) {
            put(pr, "IS :: ");
            put_bytes(pr, test->text.data, test->text.size);
        } else if (test->kind == WG_AST_UNARY) {
            put(pr, wg_ast_op_name(op));
        } else {
            if (op != WG_OP_EQ) put(pr, wg_ast_op_name(op));
            if (op != WG_OP_EQ) put(pr, " ");
            operand(pr, test->child[1]);
        }
    }
}

static void case_expression(printer *pr, const wg_ast *a) {
    put(pr, "CASE");
    optional(pr, " ", a->child[0]);
    for (uint32_t i = 2; i < a->child_count; i++) {
        put(pr, " WHEN ");
        if (a->child[i]->flags & WG_AST_TESTS) when_tests(pr, a->child[i]->child[0]);
        else node(pr, a->child[i]->child[0]);
        put(pr, " THEN ");
        node(pr, a->child[i]->child[1]);
    }
    optional(pr, " ELSE ", a->child[1]);
    put(pr, " END");
}

static void comprehension(printer *pr, const wg_ast *a) {
    put(pr, "[");
    if (a->kind == WG_AST_LIST_COMPREHENSION) {
        put_name(pr, a->text);
        put(pr, " IN ");
    }
    node(pr, a->child[0]);
    optional(pr, " WHERE ", a->child[1]);
    optional(pr, " | ", a->child[2]);
    put(pr, "]");
}

static void quantifier(printer *pr, const wg_ast *a) {
    static const char *const names[] = {"all(", "any(", "none(", "single("};
    put(pr, names[a->op]);
    put_name(pr, a->text);
    put(pr, " IN ");
    node(pr, a->child[0]);
    optional(pr, " WHERE ", a->child[1]);
    put(pr, ")");
}

static void reduce(printer *pr, const wg_ast *a) {
    put(pr, "reduce(");
    put_name(pr, a->text);
    put(pr, " = ");
    node(pr, a->child[0]);
    put(pr, ", ");
    put_name(pr, a->child[1]->text);
    put(pr, " IN ");
    node(pr, a->child[2]);
    put(pr, " | ");
    node(pr, a->child[3]);
    put(pr, ")");
}

static void function(printer *pr, const wg_ast *a) {
    put_dotted(pr, a->text);
    put(pr, a->flags & WG_AST_DISTINCT ? "(DISTINCT " : "(");
    list(pr, a, 0, ", ");
    put(pr, ")");
}

/* False when `a` is no expression. */
static bool expression(printer *pr, const wg_ast *a) { /* long: one switch */
    switch (a->kind) {
        case WG_AST_NULL:
            put(pr, "null");
            return true;
        case WG_AST_BOOL:
            put(pr, a->i ? "true" : "false");
            return true;
        case WG_AST_INT:
            put_int(pr, a->i);
            return true;
        case WG_AST_FLOAT:
            number(pr, a->f);
            return true;
        case WG_AST_STRING:
            put_string(pr, a->text);
            return true;
        case WG_AST_LIST:
            list_literal(pr, a);
            return true;
        case WG_AST_MAP:
            put(pr, "{");
            list(pr, a, 0, ", ");
            put(pr, "}");
            return true;
        case WG_AST_ENTRY:
            put_any_name(pr, a->text);
            put(pr, ": ");
            node(pr, a->child[0]);
            return true;
        case WG_AST_PARAMETER:
            parameter(pr, a->text);
            return true;
        case WG_AST_NAME:
        case WG_AST_VARIABLE:
            put_name(pr, a->text);
            return true;
        case WG_AST_PROPERTY:
        case WG_AST_INDEX:
        case WG_AST_SLICE:
            lookup(pr, a);
            return true;
        case WG_AST_HAS_LABELS:
            operand(pr, a->child[0]);
            labels(pr, a, 1);
            return true;
        case WG_AST_IS_TYPED:
            operand(pr, a->child[0]);
            put(pr, " IS :: ");
            put_bytes(pr, a->text.data, a->text.size);
            return true;
        case WG_AST_UNARY:
            unary(pr, a);
            return true;
        case WG_AST_BINARY:
        case WG_AST_NARY:
        case WG_AST_CHAIN:
            operators(pr, a);
            return true;
        case WG_AST_FUNCTION:
            function(pr, a);
            return true;
        case WG_AST_COUNT_STAR:
            put(pr, "count(*)");
            return true;
        case WG_AST_CASE:
            case_expression(pr, a);
            return true;
        case WG_AST_LIST_COMPREHENSION:
        case WG_AST_PATTERN_COMPREHENSION:
            comprehension(pr, a);
            return true;
        case WG_AST_QUANTIFIER:
            quantifier(pr, a);
            return true;
        case WG_AST_REDUCE:
            reduce(pr, a);
            return true;
        case WG_AST_MAP_PROJECTION:
            put_name(pr, a->text);
            put(pr, " {");
            list(pr, a, 0, ", ");
            put(pr, "}");
            return true;
        case WG_AST_ALL_PROPERTIES:
            put(pr, ".*");
            return true;
        case WG_AST_OWN_PROPERTY:
            put(pr, ".");
            put_any_name(pr, a->text);
            return true;
        case WG_AST_PATTERN_TEST:
            path(pr, a->child[0]);
            return true;
        case WG_AST_SUBQUERY:
            put(pr, a->op == WG_AST_EXISTS ? "EXISTS { " : a->op == WG_AST_COUNT ? "COUNT { " : "COLLECT { ");
            node(pr, a->child[0]);
            put(pr, " }");
            return true;
        default:
            return false;
    }
}

/* ---- clauses */

static void projection(printer *pr, const wg_ast *a) {
    put(pr, a->kind == WG_AST_WITH ? "WITH " : "RETURN ");
    if (a->flags & WG_AST_DISTINCT) put(pr, "DISTINCT ");
    if (a->flags & WG_AST_STAR) put(pr, a->child_count > 4 ? "*, " : "*");
    list(pr, a, 4, ", ");
    optional(pr, " ", a->child[0]);
    optional(pr, " SKIP ", a->child[1]);
    optional(pr, " LIMIT ", a->child[2]);
    optional(pr, " WHERE ", a->child[3]);
}

static void sort_key(printer *pr, const wg_ast *a) {
    node(pr, a->child[0]);
    if (a->flags & WG_AST_DESCENDING) put(pr, " DESC");
    if (a->flags & WG_AST_NULLS_FIRST) put(pr, " NULLS FIRST");
    if (a->flags & WG_AST_NULLS_LAST) put(pr, " NULLS LAST");
}

static void assignment(printer *pr, const wg_ast *a) {
    if (a->kind == WG_AST_SET_PROPERTY) {
        node(pr, a->child[0]);
    } else {
        put_name(pr, a->text);
    }
    if (a->kind == WG_AST_SET_LABELS || a->kind == WG_AST_REMOVE_LABELS) {
        labels(pr, a, 0);
        return;
    }
    put(pr, a->kind == WG_AST_SET_MERGE ? " += " : " = ");
    node(pr, a->child[a->child_count - 1]);
}

static void call(printer *pr, const wg_ast *a) {
    put(pr, "CALL ");
    put_dotted(pr, a->text);
    optional(pr, "", a->child[0]);
    if (a->flags & WG_AST_YIELD) put(pr, a->flags & WG_AST_STAR ? " YIELD *" : " YIELD ");
    list(pr, a, 2, ", ");
    optional(pr, " WHERE ", a->child[1]);
}

static void call_query(printer *pr, const wg_ast *a) {
    put(pr, a->flags & WG_AST_OPTIONAL ? "OPTIONAL CALL " : "CALL ");
    if (a->flags & WG_AST_SCOPED) {
        put(pr, "(");
        if (a->flags & WG_AST_STAR) put(pr, "*");
        list(pr, a, 1, ", ");
        put(pr, ") ");
    }
    put(pr, "{ ");
    node(pr, a->child[0]);
    put(pr, " }");
}

static void unwind(printer *pr, const wg_ast *a) {
    const bool placed = a->child_count > 1;
    put(pr, placed ? "FOR " : "UNWIND ");
    if (placed) put_name(pr, a->text);
    if (placed) put(pr, " IN ");
    node(pr, a->child[0]);
    if (placed) put(pr, a->flags & WG_AST_OFFSET ? " WITH OFFSET " : " WITH ORDINALITY ");
    if (!placed) put(pr, " AS ");
    put_name(pr, placed ? a->child[1]->text : a->text);
}

static void query(printer *pr, const wg_ast *a) {
    static const char *const operators[][2] = {
        {" UNION ", " UNION ALL "}, {" EXCEPT ", " EXCEPT ALL "}, {" INTERSECT ", " INTERSECT ALL "}};
    if (a->child[0] != NULL) {
        put(pr, "AS OF ");
        node(pr, a->child[0]);
        put(pr, " ");
    }
    list(pr, a, 1, operators[a->op][a->flags & WG_AST_UNION_ALL ? 1 : 0]);
}

static void with_keyword(printer *pr, const char *keyword, const wg_ast *a, const char *separator) {
    put(pr, keyword);
    list(pr, a, 0, separator);
}

/* False when `a` is no clause. */
static bool clause(printer *pr, const wg_ast *a) { /* long: one switch */
    switch (a->kind) {
        case WG_AST_QUERY:
            query(pr, a);
            return true;
        case WG_AST_SINGLE:
            list(pr, a, 0, " ");
            return true;
        case WG_AST_MATCH:
            put(pr, a->flags & WG_AST_OPTIONAL ? "OPTIONAL MATCH " : "MATCH ");
            if (a->flags & WG_AST_REPEATABLE) put(pr, "REPEATABLE ELEMENTS ");
            if (a->flags & WG_AST_DIFFERENT) put(pr, "DIFFERENT RELATIONSHIPS ");
            node(pr, a->child[0]);
            optional(pr, " WHERE ", a->child[1]);
            return true;
        case WG_AST_UNWIND:
            unwind(pr, a);
            return true;
        case WG_AST_FINISH:
            put(pr, "FINISH");
            return true;
        case WG_AST_WITH:
        case WG_AST_RETURN:
            projection(pr, a);
            return true;
        case WG_AST_ITEM:
            node(pr, a->child[0]);
            if (a->text.size > 0) put(pr, " AS ");
            if (a->text.size > 0) put_name(pr, a->text);
            return true;
        case WG_AST_ORDER:
            with_keyword(pr, "ORDER BY ", a, ", ");
            return true;
        case WG_AST_SORT:
            sort_key(pr, a);
            return true;
        case WG_AST_CREATE:
            with_keyword(pr, "CREATE ", a, "");
            return true;
        case WG_AST_MERGE:
            with_keyword(pr, "MERGE ", a, " ");
            return true;
        case WG_AST_ON_CREATE:
            with_keyword(pr, "ON CREATE ", a, "");
            return true;
        case WG_AST_ON_MATCH:
            with_keyword(pr, "ON MATCH ", a, "");
            return true;
        case WG_AST_SET:
            with_keyword(pr, "SET ", a, ", ");
            return true;
        case WG_AST_SET_PROPERTY:
        case WG_AST_SET_REPLACE:
        case WG_AST_SET_MERGE:
        case WG_AST_SET_LABELS:
        case WG_AST_REMOVE_LABELS:
            assignment(pr, a);
            return true;
        case WG_AST_REMOVE:
            with_keyword(pr, "REMOVE ", a, ", ");
            return true;
        case WG_AST_REMOVE_PROPERTY:
            node(pr, a->child[0]);
            return true;
        case WG_AST_DELETE:
            with_keyword(pr, a->flags & WG_AST_DETACH ? "DETACH DELETE " : "DELETE ", a, ", ");
            return true;
        case WG_AST_FOREACH:
            put(pr, "FOREACH (");
            put_name(pr, a->text);
            put(pr, " IN ");
            node(pr, a->child[0]);
            put(pr, " | ");
            list(pr, a, 1, " ");
            put(pr, ")");
            return true;
        case WG_AST_CALL:
            call(pr, a);
            return true;
        case WG_AST_ARGUMENTS:
            with_keyword(pr, "(", a, ", ");
            put(pr, ")");
            return true;
        case WG_AST_YIELD_ITEM:
            put_name(pr, a->text);
            optional(pr, " AS ", a->child[0]);
            return true;
        case WG_AST_CALL_QUERY:
            call_query(pr, a);
            return true;
        case WG_AST_PATTERN:
            list(pr, a, 0, ", ");
            return true;
        case WG_AST_PATH:
            path(pr, a);
            return true;
        case WG_AST_NODE:
            node_pattern(pr, a);
            return true;
        case WG_AST_EDGE:
            edge_pattern(pr, a);
            return true;
        case WG_AST_GROUP:
            path_group(pr, a);
            return true;
        default:
            return false;
    }
}

/* ---- statements */

static void type(printer *pr, const wg_ast *a) {
    const bool fixed = (a->flags & WG_AST_FIXED_TYPE) != 0;
    if (fixed) {
        node(pr, a->child[0]);
        put(pr, "[");
        put_int(pr, a->i);
        put(pr, "]");
        return;
    }
    if (a->flags & WG_AST_LIST_TYPE) {
        put(pr, "LIST<");
        node(pr, a->child[0]);
        put(pr, ">");
        return;
    }
    if (wg_slice_is(a->text, "LOCAL TIME") || wg_slice_is(a->text, "LOCAL DATETIME")) {
        put_bytes(pr, a->text.data, a->text.size);
    } else {
        put_name(pr, a->text);
    }
    if (a->i < 0) return;
    put(pr, "(");
    put_int(pr, a->i);
    if (a->j >= 0) put(pr, ", ");
    if (a->j >= 0) put_int(pr, a->j);
    put(pr, ")");
}

static void create_label(printer *pr, const wg_ast *a) {
    const bool edge = a->kind == WG_AST_CREATE_EDGE;
    put(pr, edge ? "CREATE EDGE LABEL " : "CREATE NODE LABEL ");
    if (a->flags & WG_AST_IF_EXISTS) put(pr, "IF NOT EXISTS ");
    put_name(pr, a->text);
    if (edge) {
        put(pr, " (FROM ");
        put_name(pr, a->child[0]->text);
        put(pr, " TO ");
        put_name(pr, a->child[1]->text);
        if (a->child[2] != NULL) put(pr, ", ");
        if (a->child[2] != NULL) list(pr, a->child[2], 0, ", ");
        put(pr, ")");
        if (a->child_count > 3) put(pr, " COMPUTE ");
        list(pr, a, 3, ", ");
        return;
    }
    if (a->child[0] != NULL) {
        put(pr, " (");
        list(pr, a->child[0], 0, ", ");
        put(pr, ")");
    }
    optional(pr, " VIRTUAL FROM PARTITION ", a->child[1]);
    if (a->child_count > 2) put(pr, " COMPUTE ");
    list(pr, a, 2, ", ");
}

static void copy(printer *pr, const wg_ast *a) {
    put(pr, "COPY ");
    put_name(pr, a->text);
    uint32_t options = 1;
    for (; options < a->child_count && a->child[options]->kind == WG_AST_NAME; options++) {
        put(pr, ":");
        put_name(pr, a->child[options]->text);
    }
    put(pr, " FROM ");
    node(pr, a->child[0]);
    if (a->child_count > options) put(pr, " (");
    list(pr, a, options, ", ");
    if (a->child_count > options) put(pr, ")");
}

static void copy_to(printer *pr, const wg_ast *a) {
    put(pr, "COPY ");
    if (a->child[1] != NULL) {
        put(pr, "(");
        node(pr, a->child[1]);
        put(pr, ")");
    } else {
        put_name(pr, a->text);
        if (a->child[2] != NULL) put(pr, " ");
        if (a->child[2] != NULL) node(pr, a->child[2]);
    }
    put(pr, " TO ");
    node(pr, a->child[0]);
    if (a->child_count > 3) put(pr, " (");
    list(pr, a, 3, ", ");
    if (a->child_count > 3) put(pr, ")");
}

static void copy_end(printer *pr, const wg_ast *a) {
    put(pr, a->flags & WG_AST_TO ? "TO " : "FROM ");
    put_name(pr, a->text);
    if (a->child[0] != NULL) node(pr, a->child[0]);
    if (a->child[1] == NULL) return;
    put(pr, " = ");
    node(pr, a->child[1]);
}

/* Words before the first child, and between it and the second. */
static void alter_label(printer *pr, const wg_ast *a) {
    static const char *const before[] = {" ADD COLUMN ",   " ADD COMPUTE ",  " DROP COLUMN ",  " RENAME COLUMN ",
                                         " RENAME TO ",    " ALTER COLUMN ", " ALTER COLUMN ", " ALTER COLUMN ",
                                         " ALTER COLUMN ", " ALTER COLUMN ", " SET PARTITION "};
    static const char *const behind[] = {
        "", "", "", " TO ", "", " SET NOT NULL", " DROP NOT NULL", " SET TYPE ", " SET DEFAULT ", " DROP DEFAULT",
        ""};
    put(pr, a->flags & WG_AST_ALTER_EDGE ? "ALTER EDGE LABEL " : "ALTER NODE LABEL ");
    put_name(pr, a->text);
    put(pr, before[a->op]);
    if (a->flags & WG_AST_IF_EXISTS) put(pr, a->op == WG_AST_ALTER_DROP ? "IF EXISTS " : "IF NOT EXISTS ");
    if (a->op == WG_AST_ALTER_ADD_COMPUTE) {
        list(pr, a, 0, ", ");
        return;
    }
    node(pr, a->child[0]);
    put(pr, behind[a->op]);
    if (a->child_count > 1) node(pr, a->child[1]);
}

/* (n.a, n.b), or n.a where one will do. */
static void rule_properties(printer *pr, const wg_ast *a, uint32_t first, bool always) {
    const char *variable = a->flags & WG_AST_OF_EDGES ? "r." : "n.";
    const bool list = always || a->child_count > first + 1;
    put(pr, list ? "(" : "");
    for (uint32_t i = first; i < a->child_count; i++) {
        put(pr, i > first ? ", " : "");
        put(pr, variable);
        put_name(pr, a->child[i]->text);
    }
    put(pr, list ? ")" : "");
}

static void rule_head(printer *pr, const wg_ast *a, const char *what) {
    const bool edges = (a->flags & WG_AST_OF_EDGES) != 0;
    put(pr, what);
    if (a->text.size > 0) put(pr, " ");
    if (a->text.size > 0) put_name(pr, a->text);
    put(pr, a->flags & WG_AST_IF_EXISTS ? " IF NOT EXISTS FOR " : " FOR ");
    put(pr, edges ? "()-[r:" : "(n:");
    put_name(pr, a->child[0]->text);
    put(pr, edges ? "]-()" : ")");
}

static void create_constraint(printer *pr, const wg_ast *a) {
    static const char *const words[] = {" IS UNIQUE", " IS KEY", " IS NOT NULL", " IS :: "};
    rule_head(pr, a, "CREATE CONSTRAINT");
    put(pr, " REQUIRE ");
    rule_properties(pr, a, 2, false);
    put(pr, words[a->op]);
    if (a->child[1] != NULL) node(pr, a->child[1]);
}

static void drop_rule(printer *pr, const wg_ast *a) {
    put(pr, a->kind == WG_AST_DROP_INDEX ? "DROP INDEX " : "DROP CONSTRAINT ");
    if (a->child_count == 0) {
        put_name(pr, a->text);
        if (a->flags & WG_AST_IF_EXISTS) put(pr, " IF EXISTS");
        return;
    }
    put(pr, "ON :");
    put_name(pr, a->child[0]->text);
    put(pr, " (");
    list(pr, a, 1, ", ");
    put(pr, ")");
}

static void column(printer *pr, const wg_ast *a) {
    put_name(pr, a->text);
    put(pr, " ");
    node(pr, a->child[0]);
    if (a->flags & WG_AST_NOT_NULL) put(pr, " NOT NULL");
    if (a->child_count > 1) optional(pr, " DEFAULT ", a->child[1]);
}

static void drop_label(printer *pr, const wg_ast *a) {
    put(pr, a->kind == WG_AST_DROP_EDGE ? "DROP EDGE LABEL " : "DROP NODE LABEL ");
    if (a->flags & WG_AST_IF_EXISTS) put(pr, "IF EXISTS ");
    put_name(pr, a->text);
}

/* Indexes and constraints; false: something else. */
static bool rule_statement(printer *pr, const wg_ast *a) {
    switch (a->kind) {
        case WG_AST_CREATE_INDEX:
            rule_head(pr, a, a->op == WG_AST_INDEX_HASH ? "CREATE HASH INDEX" : "CREATE RANGE INDEX");
            put(pr, " ON ");
            rule_properties(pr, a, 1, true);
            return true;
        case WG_AST_CREATE_CONSTRAINT:
            create_constraint(pr, a);
            return true;
        case WG_AST_DROP_INDEX:
        case WG_AST_DROP_CONSTRAINT:
            drop_rule(pr, a);
            return true;
        default:
            return false;
    }
}

static void statement(printer *pr, const wg_ast *a) {
    static const char *const modes[] = {"", "EXPLAIN ", "PROFILE "};
    switch (a->kind) {
        case WG_AST_STATEMENT:
            with_keyword(pr, modes[a->op], a, "");
            break;
        case WG_AST_CREATE_NODE:
        case WG_AST_CREATE_EDGE:
            create_label(pr, a);
            break;
        case WG_AST_COLUMNS:
        case WG_AST_PRIMARY_KEY:
            with_keyword(pr, a->kind == WG_AST_COLUMNS ? "(" : "PRIMARY KEY (", a, ", ");
            put(pr, ")");
            break;
        case WG_AST_COLUMN:
            column(pr, a);
            break;
        case WG_AST_TYPE:
            type(pr, a);
            break;
        case WG_AST_COMPUTE:
            put_name(pr, a->text);
            with_keyword(pr, " = ", a, "");
            break;
        case WG_AST_DROP_NODE:
        case WG_AST_DROP_EDGE:
            drop_label(pr, a);
            break;
        case WG_AST_COPY_FROM:
            copy(pr, a);
            break;
        case WG_AST_COPY_TO:
            copy_to(pr, a);
            break;
        case WG_AST_COPY_END:
            copy_end(pr, a);
            break;
        case WG_AST_OPTION:
            put_any_name(pr, a->text);
            with_keyword(pr, " ", a, "");
            break;
        case WG_AST_ALTER_LABEL:
            alter_label(pr, a);
            break;
        case WG_AST_BEGIN:
            put(pr, a->flags & WG_AST_READ_ONLY ? "BEGIN READ ONLY" : "BEGIN");
            break;
        case WG_AST_COMMIT:
        case WG_AST_ROLLBACK:
            put(pr, a->kind == WG_AST_COMMIT ? "COMMIT" : "ROLLBACK");
            break;
        default:
            WG_UNREACHABLE("a kind that no printer knows");
    }
}

static void node(printer *pr, const wg_ast *a) {
    if (!expression(pr, a) && !clause(pr, a) && !rule_statement(pr, a)) statement(pr, a);
}

wg_code wg_ast_print(const wg_ast *ast, wg_buf *out, wg_error *err) {
    WG_ASSERT(ast != NULL);
    printer pr = {.out = out};
    node(&pr, ast);
    return pr.failed ? wg_error_nomem(err, out->size) : WG_OK;
}
