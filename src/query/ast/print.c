/* query/ast: the canonical text.
 *
 * Operands that are not atoms stand in parentheses whatever the precedence: the reader of the text and the parser then
 * cannot disagree, and no table has to be kept twice. A negative number is an operand in parentheses too, because the
 * parser joins a minus and the number behind it. */
#include "base/text/text.h"
#include "query/ast/print.h"
#include "query/lexer/lexer.h"

void wgi_print_text(wgi_printer *pr, const char *s) {
    if (!wg_buf_append_str(pr->out, s)) pr->failed = true;
}

void wgi_print_bytes(wgi_printer *pr, const void *data, size_t size) {
    if (!wg_buf_append(pr->out, data, size)) pr->failed = true;
}

void wgi_print_name(wgi_printer *pr, wg_slice name) {
    if (wg_lexer_plain_name(name)) {
        wgi_print_bytes(pr, name.data, name.size);
        return;
    }
    wgi_print_text(pr, "`");
    for (size_t i = 0; i < name.size; i++) {
        wgi_print_bytes(pr, name.data + i, 1);
        if (name.data[i] == '`') wgi_print_text(pr, "`");
    }
    wgi_print_text(pr, "`");
}

/* Where the grammar takes reserved words too: labels, types, keys, options. */
void wgi_print_any_name(wgi_printer *pr, wg_slice name) {
    if (wg_lexer_keyword_find(name) == WG_KW_NONE_OF_THEM) {
        wgi_print_name(pr, name);
    } else {
        wgi_print_bytes(pr, name.data, name.size);
    }
}

static void put_dotted(wgi_printer *pr, wg_slice name) {
    size_t from = 0;
    for (size_t i = 0; i <= name.size; i++) {
        if (i < name.size && name.data[i] != '.') continue;
        if (from > 0) wgi_print_text(pr, ".");
        wgi_print_name(pr, wg_slice_of(name.data + from, i - from));
        from = i + 1;
    }
}

static void put_string(wgi_printer *pr, wg_slice s) {
    wgi_print_text(pr, "'");
    for (size_t i = 0; i < s.size; i++) {
        const uint8_t c = s.data[i];
        if (c == '\'' || c == '\\') {
            wgi_print_text(pr, "\\");
            wgi_print_bytes(pr, &c, 1);
        } else if (c == '\n') {
            wgi_print_text(pr, "\\n");
        } else if (c < 0x20 || c == 0x7F) {
            if (!wg_buf_printf(pr->out, "\\u%04X", (unsigned)c)) pr->failed = true;
        } else {
            wgi_print_bytes(pr, &c, 1);
        }
    }
    wgi_print_text(pr, "'");
}

void wgi_print_int(wgi_printer *pr, int64_t v) {
    char text[24];
    wgi_print_bytes(pr, text, wg_format_i64(v, text));
}

void wgi_print_list(wgi_printer *pr, const wg_ast *a, uint32_t from, const char *separator) {
    for (uint32_t i = from; i < a->child_count; i++) {
        if (i > from) wgi_print_text(pr, separator);
        wgi_print_node(pr, a->child[i]);
    }
}

/* Puts `before` and the child when it is there. */
void wgi_print_optional(wgi_printer *pr, const char *before, const wg_ast *child) {
    if (child == NULL) return;
    wgi_print_text(pr, before);
    wgi_print_node(pr, child);
}

static void label(wgi_printer *pr, const wg_ast *a) {
    const bool nested = a->kind == WG_AST_LABEL_EXPR && a->op != WG_OP_NOT;
    if (a->kind == WG_AST_NAME) wgi_print_any_name(pr, a->text);
    if (a->kind == WG_AST_LABEL_ANY) wgi_print_text(pr, "%");
    if (a->kind == WG_AST_LABEL_OF) {
        wgi_print_text(pr, a->op == WG_OP_OR ? "$any(" : "$(");
        wgi_print_node(pr, a->child[0]);
        wgi_print_text(pr, ")");
    }
    if (a->kind != WG_AST_LABEL_EXPR) return;
    if (nested) wgi_print_text(pr, "(");
    if (!nested) wgi_print_text(pr, "!");
    for (uint32_t i = 0; i < a->child_count; i++) {
        if (i > 0) wgi_print_text(pr, a->op == WG_OP_OR ? "|" : "&");
        label(pr, a->child[i]);
    }
    if (nested) wgi_print_text(pr, ")");
}

/* The children [from..) but a WHERE, behind a colon. */
static void labels_between(wgi_printer *pr, const wg_ast *a, uint32_t from, const char *separator) {
    for (uint32_t i = from; i < a->child_count; i++) {
        if (a->child[i]->kind == WG_AST_WHERE) continue;
        wgi_print_text(pr, i == from ? ":" : separator);
        label(pr, a->child[i]);
    }
}

static void labels(wgi_printer *pr, const wg_ast *a, uint32_t from) {
    bool plain = true;
    for (uint32_t i = from; i < a->child_count; i++)
        plain = plain && (a->child[i]->kind == WG_AST_NAME || a->child[i]->kind == WG_AST_WHERE);
    labels_between(pr, a, from, plain ? ":" : "&");
}

static void element_where(wgi_printer *pr, const wg_ast *a) {
    for (uint32_t i = 1; i < a->child_count; i++)
        if (a->child[i]->kind == WG_AST_WHERE) wgi_print_optional(pr, " WHERE ", a->child[i]->child[0]);
}

static void quantifier_of(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, "{");
    wgi_print_int(pr, a->i);
    wgi_print_text(pr, ",");
    if (a->j >= 0) wgi_print_int(pr, a->j);
    wgi_print_text(pr, "}");
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

static void operand(wgi_printer *pr, const wg_ast *a) {
    const bool bare = is_atom(a);
    if (!bare) wgi_print_text(pr, "(");
    wgi_print_node(pr, a);
    if (!bare) wgi_print_text(pr, ")");
}

/* ---- patterns */

static void node_pattern(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, "(");
    if (a->text.size > 0) wgi_print_name(pr, a->text);
    labels(pr, a, 1);
    wgi_print_optional(pr, a->text.size > 0 || a->child_count > 1 ? " " : "", a->child[0]);
    element_where(pr, a);
    wgi_print_text(pr, ")");
}

static void path_group(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, "(");
    wgi_print_node(pr, a->child[1]);
    wgi_print_optional(pr, " WHERE ", a->child[2]);
    wgi_print_text(pr, ")");
    quantifier_of(pr, a);
}

static void edge_pattern(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, a->op == WG_AST_LEFT || a->op == WG_AST_BOTH ? "<-" : "-");
    wgi_print_text(pr, "[");
    if (a->text.size > 0) wgi_print_name(pr, a->text);
    labels_between(pr, a, 1, "|");
    const bool quantified = (a->flags & WG_AST_QUANTIFIED) != 0;
    if ((a->flags & WG_AST_VARIABLE_LENGTH) && !quantified) {
        wgi_print_text(pr, "*");
        if (a->i >= 0) wgi_print_int(pr, a->i);
        if (a->i >= 0 || a->j >= 0) wgi_print_text(pr, "..");
        if (a->j >= 0) wgi_print_int(pr, a->j);
    }
    wgi_print_optional(pr, " ", a->child[0]);
    element_where(pr, a);
    wgi_print_text(pr, "]");
    wgi_print_text(pr, a->op == WG_AST_RIGHT || a->op == WG_AST_BOTH ? "->" : "-");
    if (quantified) quantifier_of(pr, a);
}

static void path_prefix(wgi_printer *pr, const wg_ast *a) {
    static const char *const before[] = {"",     "shortestPath(", "allShortestPaths(", "",
                                         "ANY ", "SHORTEST ",     "SHORTEST "};
    static const char *const modes[] = {"", "WALK ", "TRAIL ", "ACYCLIC ", "SIMPLE "};
    wgi_print_text(pr, before[a->op]);
    if (a->op < WG_AST_PATH_MODE) return;
    if (a->op != WG_AST_PATH_MODE) wgi_print_int(pr, a->i);
    if (a->op != WG_AST_PATH_MODE) wgi_print_text(pr, " ");
    wgi_print_text(pr, modes[a->j]);
    if (a->op == WG_AST_PATH_GROUPS_OF) wgi_print_text(pr, "GROUPS ");
}

static void path(wgi_printer *pr, const wg_ast *a) {
    if (a->text.size > 0) {
        wgi_print_name(pr, a->text);
        wgi_print_text(pr, " = ");
    }
    path_prefix(pr, a);
    wgi_print_list(pr, a, 0, "");
    if (a->op == WG_AST_PATH_SHORTEST || a->op == WG_AST_PATH_ALL_SHORTEST) wgi_print_text(pr, ")");
}

/* ---- expressions */

static void list_literal(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, "[");
    for (uint32_t i = 0; i < a->child_count; i++) {
        const wg_ast *c = a->child[i];
        if (i > 0) wgi_print_text(pr, ", ");
        /* `[x IN y]` would be read as a comprehension */
        const bool hide = i == 0 && c->kind == WG_AST_BINARY && c->op == WG_OP_IN;
        if (hide) wgi_print_text(pr, "(");
        wgi_print_node(pr, c);
        if (hide) wgi_print_text(pr, ")");
    }
    wgi_print_text(pr, "]");
}

static void number(wgi_printer *pr, double v) {
    char text[32];
    wgi_print_bytes(pr, text, wg_format_f64(v, text));
}

static void parameter(wgi_printer *pr, wg_slice name) {
    bool digits = true;
    for (size_t i = 0; i < name.size; i++) digits = digits && name.data[i] >= '0' && name.data[i] <= '9';
    const bool raw = digits && (name.size == 1 || name.data[0] != '0');
    wgi_print_text(pr, "$");
    if (raw) {
        wgi_print_bytes(pr, name.data, name.size);
    } else {
        wgi_print_name(pr, name);
    }
}

static void unary(wgi_printer *pr, const wg_ast *a) {
    const wg_ast_op op = (wg_ast_op)a->op;
    const bool behind = op == WG_OP_IS_NULL || op == WG_OP_IS_NOT_NULL;
    const bool sign = op == WG_OP_MINUS || op == WG_OP_PLUS;
    if (!behind) wgi_print_text(pr, wg_ast_op_name(op));
    if (op == WG_OP_NOT) wgi_print_text(pr, " ");
    /* a sign and a number would be joined, so a number is hidden; -(x.y) and -x.y are one tree */
    const wg_ast *base = a->child[0];
    while (base->kind == WG_AST_PROPERTY || base->kind == WG_AST_INDEX || base->kind == WG_AST_SLICE)
        base = base->child[0];
    const bool hide = sign && (base->kind == WG_AST_INT || base->kind == WG_AST_FLOAT);
    if (hide) wgi_print_text(pr, "(");
    if (hide) {
        wgi_print_node(pr, a->child[0]);
    } else {
        operand(pr, a->child[0]);
    }
    if (hide) wgi_print_text(pr, ")");
    if (behind) wgi_print_text(pr, " ");
    if (behind) wgi_print_text(pr, wg_ast_op_name(op));
}

static void operators(wgi_printer *pr, const wg_ast *a) {
    for (uint32_t i = 0; i < a->child_count; i++) {
        if (i > 0) {
            const uint8_t op = a->kind == WG_AST_CHAIN ? a->text.data[i - 1] : a->op;
            wgi_print_text(pr, " ");
            wgi_print_text(pr, wg_ast_op_name((wg_ast_op)op));
            wgi_print_text(pr, " ");
        }
        operand(pr, a->child[i]);
    }
}

static void lookup(wgi_printer *pr, const wg_ast *a) {
    operand(pr, a->child[0]);
    if (a->kind == WG_AST_PROPERTY) {
        wgi_print_text(pr, ".");
        wgi_print_any_name(pr, a->text);
        return;
    }
    wgi_print_text(pr, "[");
    if (a->child[1] != NULL) wgi_print_node(pr, a->child[1]);
    if (a->kind == WG_AST_SLICE) {
        wgi_print_text(pr, "..");
        if (a->child[2] != NULL) wgi_print_node(pr, a->child[2]);
    }
    wgi_print_text(pr, "]");
}

/* What stands behind the subject of each test. */
static void when_tests(wgi_printer *pr, const wg_ast *tests) {
    for (uint32_t i = 0; i < tests->child_count; i++) {
        const wg_ast *test = tests->child[i];
        const wg_ast_op op = (wg_ast_op)test->op;
        if (i > 0) wgi_print_text(pr, ", ");
        if (test->kind == WG_AST_UNARY && op == WG_OP_NOT) {
            wgi_print_text(pr, "IS NOT :: ");
            wgi_print_bytes(pr, test->child[0]->text.data, test->child[0]->text.size);
        } else if (test->kind == WG_AST_IS_TYPED) {
            wgi_print_text(pr, "IS :: ");
            wgi_print_bytes(pr, test->text.data, test->text.size);
        } else if (test->kind == WG_AST_UNARY) {
            wgi_print_text(pr, wg_ast_op_name(op));
        } else {
            if (op != WG_OP_EQ) wgi_print_text(pr, wg_ast_op_name(op));
            if (op != WG_OP_EQ) wgi_print_text(pr, " ");
            operand(pr, test->child[1]);
        }
    }
}

static void case_expression(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, "CASE");
    wgi_print_optional(pr, " ", a->child[0]);
    for (uint32_t i = 2; i < a->child_count; i++) {
        wgi_print_text(pr, " WHEN ");
        if (a->child[i]->flags & WG_AST_TESTS) when_tests(pr, a->child[i]->child[0]);
        else wgi_print_node(pr, a->child[i]->child[0]);
        wgi_print_text(pr, " THEN ");
        wgi_print_node(pr, a->child[i]->child[1]);
    }
    wgi_print_optional(pr, " ELSE ", a->child[1]);
    wgi_print_text(pr, " END");
}

static void comprehension(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, "[");
    if (a->kind == WG_AST_LIST_COMPREHENSION) {
        wgi_print_name(pr, a->text);
        wgi_print_text(pr, " IN ");
    }
    wgi_print_node(pr, a->child[0]);
    wgi_print_optional(pr, " WHERE ", a->child[1]);
    wgi_print_optional(pr, " | ", a->child[2]);
    wgi_print_text(pr, "]");
}

static void quantifier(wgi_printer *pr, const wg_ast *a) {
    static const char *const names[] = {"all(", "any(", "none(", "single("};
    wgi_print_text(pr, names[a->op]);
    wgi_print_name(pr, a->text);
    wgi_print_text(pr, " IN ");
    wgi_print_node(pr, a->child[0]);
    wgi_print_optional(pr, " WHERE ", a->child[1]);
    wgi_print_text(pr, ")");
}

static void reduce(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, "reduce(");
    wgi_print_name(pr, a->text);
    wgi_print_text(pr, " = ");
    wgi_print_node(pr, a->child[0]);
    wgi_print_text(pr, ", ");
    wgi_print_name(pr, a->child[1]->text);
    wgi_print_text(pr, " IN ");
    wgi_print_node(pr, a->child[2]);
    wgi_print_text(pr, " | ");
    wgi_print_node(pr, a->child[3]);
    wgi_print_text(pr, ")");
}

static void function(wgi_printer *pr, const wg_ast *a) {
    put_dotted(pr, a->text);
    wgi_print_text(pr, a->flags & WG_AST_DISTINCT ? "(DISTINCT " : "(");
    wgi_print_list(pr, a, 0, ", ");
    wgi_print_text(pr, ")");
}

/* False when `a` is no expression. */
static bool expression(wgi_printer *pr, const wg_ast *a) { /* long: one switch */
    switch (a->kind) {
        case WG_AST_NULL:
            wgi_print_text(pr, "null");
            return true;
        case WG_AST_BOOL:
            wgi_print_text(pr, a->i ? "true" : "false");
            return true;
        case WG_AST_INT:
            wgi_print_int(pr, a->i);
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
            wgi_print_text(pr, "{");
            wgi_print_list(pr, a, 0, ", ");
            wgi_print_text(pr, "}");
            return true;
        case WG_AST_ENTRY:
            wgi_print_any_name(pr, a->text);
            wgi_print_text(pr, ": ");
            wgi_print_node(pr, a->child[0]);
            return true;
        case WG_AST_PARAMETER:
            parameter(pr, a->text);
            return true;
        case WG_AST_NAME:
        case WG_AST_VARIABLE:
            wgi_print_name(pr, a->text);
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
            wgi_print_text(pr, " IS :: ");
            wgi_print_bytes(pr, a->text.data, a->text.size);
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
            wgi_print_text(pr, "count(*)");
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
            wgi_print_name(pr, a->text);
            wgi_print_text(pr, " {");
            wgi_print_list(pr, a, 0, ", ");
            wgi_print_text(pr, "}");
            return true;
        case WG_AST_ALL_PROPERTIES:
            wgi_print_text(pr, ".*");
            return true;
        case WG_AST_OWN_PROPERTY:
            wgi_print_text(pr, ".");
            wgi_print_any_name(pr, a->text);
            return true;
        case WG_AST_PATTERN_TEST:
            path(pr, a->child[0]);
            return true;
        case WG_AST_SUBQUERY:
            wgi_print_text(pr, a->op == WG_AST_EXISTS  ? "EXISTS { "
                               : a->op == WG_AST_COUNT ? "COUNT { "
                                                       : "COLLECT { ");
            wgi_print_node(pr, a->child[0]);
            wgi_print_text(pr, " }");
            return true;
        default:
            return false;
    }
}

/* ---- clauses */

static void projection(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, a->kind == WG_AST_WITH ? "WITH " : "RETURN ");
    if (a->flags & WG_AST_DISTINCT) wgi_print_text(pr, "DISTINCT ");
    if (a->flags & WG_AST_STAR) wgi_print_text(pr, a->child_count > 4 ? "*, " : "*");
    wgi_print_list(pr, a, 4, ", ");
    wgi_print_optional(pr, " ", a->child[0]);
    wgi_print_optional(pr, " SKIP ", a->child[1]);
    wgi_print_optional(pr, " LIMIT ", a->child[2]);
    wgi_print_optional(pr, " WHERE ", a->child[3]);
}

static void sort_key(wgi_printer *pr, const wg_ast *a) {
    wgi_print_node(pr, a->child[0]);
    if (a->flags & WG_AST_DESCENDING) wgi_print_text(pr, " DESC");
    if (a->flags & WG_AST_NULLS_FIRST) wgi_print_text(pr, " NULLS FIRST");
    if (a->flags & WG_AST_NULLS_LAST) wgi_print_text(pr, " NULLS LAST");
}

static void assignment(wgi_printer *pr, const wg_ast *a) {
    if (a->kind == WG_AST_SET_PROPERTY) {
        wgi_print_node(pr, a->child[0]);
    } else {
        wgi_print_name(pr, a->text);
    }
    if (a->kind == WG_AST_SET_LABELS || a->kind == WG_AST_REMOVE_LABELS) {
        labels(pr, a, 0);
        return;
    }
    wgi_print_text(pr, a->kind == WG_AST_SET_MERGE ? " += " : " = ");
    wgi_print_node(pr, a->child[a->child_count - 1]);
}

static void call(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, "CALL ");
    put_dotted(pr, a->text);
    wgi_print_optional(pr, "", a->child[0]);
    if (a->flags & WG_AST_YIELD) wgi_print_text(pr, a->flags & WG_AST_STAR ? " YIELD *" : " YIELD ");
    wgi_print_list(pr, a, 2, ", ");
    wgi_print_optional(pr, " WHERE ", a->child[1]);
}

static void call_query(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, a->flags & WG_AST_OPTIONAL ? "OPTIONAL CALL " : "CALL ");
    if (a->flags & WG_AST_SCOPED) {
        wgi_print_text(pr, "(");
        if (a->flags & WG_AST_STAR) wgi_print_text(pr, "*");
        wgi_print_list(pr, a, 1, ", ");
        wgi_print_text(pr, ") ");
    }
    wgi_print_text(pr, "{ ");
    wgi_print_node(pr, a->child[0]);
    wgi_print_text(pr, " }");
}

static void unwind(wgi_printer *pr, const wg_ast *a) {
    const bool placed = a->child_count > 1;
    wgi_print_text(pr, placed ? "FOR " : "UNWIND ");
    if (placed) wgi_print_name(pr, a->text);
    if (placed) wgi_print_text(pr, " IN ");
    wgi_print_node(pr, a->child[0]);
    if (placed) wgi_print_text(pr, a->flags & WG_AST_OFFSET ? " WITH OFFSET " : " WITH ORDINALITY ");
    if (!placed) wgi_print_text(pr, " AS ");
    wgi_print_name(pr, placed ? a->child[1]->text : a->text);
}

static void query(wgi_printer *pr, const wg_ast *a) {
    static const char *const operators[][2] = {
        {" UNION ", " UNION ALL "}, {" EXCEPT ", " EXCEPT ALL "}, {" INTERSECT ", " INTERSECT ALL "}};
    if (a->child[0] != NULL) {
        wgi_print_text(pr, "AS OF ");
        wgi_print_node(pr, a->child[0]);
        wgi_print_text(pr, " ");
    }
    wgi_print_list(pr, a, 1, operators[a->op][a->flags & WG_AST_UNION_ALL ? 1 : 0]);
}

void wgi_print_with_keyword(wgi_printer *pr, const char *keyword, const wg_ast *a, const char *separator) {
    wgi_print_text(pr, keyword);
    wgi_print_list(pr, a, 0, separator);
}

/* False when `a` is no clause. */
static bool clause(wgi_printer *pr, const wg_ast *a) { /* long: one switch */
    switch (a->kind) {
        case WG_AST_QUERY:
            query(pr, a);
            return true;
        case WG_AST_SINGLE:
            wgi_print_list(pr, a, 0, " ");
            return true;
        case WG_AST_MATCH:
            wgi_print_text(pr, a->flags & WG_AST_OPTIONAL ? "OPTIONAL MATCH " : "MATCH ");
            if (a->flags & WG_AST_REPEATABLE) wgi_print_text(pr, "REPEATABLE ELEMENTS ");
            if (a->flags & WG_AST_DIFFERENT) wgi_print_text(pr, "DIFFERENT RELATIONSHIPS ");
            wgi_print_node(pr, a->child[0]);
            wgi_print_optional(pr, " WHERE ", a->child[1]);
            return true;
        case WG_AST_UNWIND:
            unwind(pr, a);
            return true;
        case WG_AST_FINISH:
            wgi_print_text(pr, "FINISH");
            return true;
        case WG_AST_WITH:
        case WG_AST_RETURN:
            projection(pr, a);
            return true;
        case WG_AST_ITEM:
            wgi_print_node(pr, a->child[0]);
            if (a->text.size > 0) wgi_print_text(pr, " AS ");
            if (a->text.size > 0) wgi_print_name(pr, a->text);
            return true;
        case WG_AST_ORDER:
            wgi_print_with_keyword(pr, "ORDER BY ", a, ", ");
            return true;
        case WG_AST_SORT:
            sort_key(pr, a);
            return true;
        case WG_AST_CREATE:
            wgi_print_with_keyword(pr, "CREATE ", a, "");
            return true;
        case WG_AST_MERGE:
            wgi_print_with_keyword(pr, "MERGE ", a, " ");
            return true;
        case WG_AST_ON_CREATE:
            wgi_print_with_keyword(pr, "ON CREATE ", a, "");
            return true;
        case WG_AST_ON_MATCH:
            wgi_print_with_keyword(pr, "ON MATCH ", a, "");
            return true;
        case WG_AST_SET:
            wgi_print_with_keyword(pr, "SET ", a, ", ");
            return true;
        case WG_AST_SET_PROPERTY:
        case WG_AST_SET_REPLACE:
        case WG_AST_SET_MERGE:
        case WG_AST_SET_LABELS:
        case WG_AST_REMOVE_LABELS:
            assignment(pr, a);
            return true;
        case WG_AST_REMOVE:
            wgi_print_with_keyword(pr, "REMOVE ", a, ", ");
            return true;
        case WG_AST_REMOVE_PROPERTY:
            wgi_print_node(pr, a->child[0]);
            return true;
        case WG_AST_DELETE:
            wgi_print_with_keyword(pr, a->flags & WG_AST_DETACH ? "DETACH DELETE " : "DELETE ", a, ", ");
            return true;
        case WG_AST_FOREACH:
            wgi_print_text(pr, "FOREACH (");
            wgi_print_name(pr, a->text);
            wgi_print_text(pr, " IN ");
            wgi_print_node(pr, a->child[0]);
            wgi_print_text(pr, " | ");
            wgi_print_list(pr, a, 1, " ");
            wgi_print_text(pr, ")");
            return true;
        case WG_AST_CALL:
            call(pr, a);
            return true;
        case WG_AST_ARGUMENTS:
            wgi_print_with_keyword(pr, "(", a, ", ");
            wgi_print_text(pr, ")");
            return true;
        case WG_AST_YIELD_ITEM:
            wgi_print_name(pr, a->text);
            wgi_print_optional(pr, " AS ", a->child[0]);
            return true;
        case WG_AST_CALL_QUERY:
            call_query(pr, a);
            return true;
        case WG_AST_PATTERN:
            wgi_print_list(pr, a, 0, ", ");
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

void wgi_print_node(wgi_printer *pr, const wg_ast *a) {
    if (!expression(pr, a) && !clause(pr, a) && !wgi_print_rule(pr, a)) wgi_print_statement(pr, a);
}

wg_code wg_ast_print(const wg_ast *ast, wg_buf *out, wg_error *err) {
    WG_ASSERT(ast != NULL);
    wgi_printer pr = {.out = out};
    wgi_print_node(&pr, ast);
    return pr.failed ? wg_error_nomem(err, out->size) : WG_OK;
}
