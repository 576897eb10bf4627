/* query/ast: the canonical text of statements that are no queries: labels, indexes, constraints, COPY, transactions. */
#include "query/ast/print.h"

static void type(wgi_printer *pr, const wg_ast *a) {
    const bool fixed = (a->flags & WG_AST_FIXED_TYPE) != 0;
    if (fixed) {
        wgi_print_node(pr, a->child[0]);
        wgi_print_text(pr, "[");
        wgi_print_int(pr, a->i);
        wgi_print_text(pr, "]");
        return;
    }
    if (a->flags & WG_AST_LIST_TYPE) {
        wgi_print_text(pr, "LIST<");
        wgi_print_node(pr, a->child[0]);
        wgi_print_text(pr, ">");
        return;
    }
    if (wg_slice_is(a->text, "LOCAL TIME") || wg_slice_is(a->text, "LOCAL DATETIME")) {
        wgi_print_bytes(pr, a->text.data, a->text.size);
    } else {
        wgi_print_name(pr, a->text);
    }
    if (a->i < 0) return;
    wgi_print_text(pr, "(");
    wgi_print_int(pr, a->i);
    if (a->j >= 0) wgi_print_text(pr, ", ");
    if (a->j >= 0) wgi_print_int(pr, a->j);
    wgi_print_text(pr, ")");
}

static void create_label(wgi_printer *pr, const wg_ast *a) {
    const bool edge = a->kind == WG_AST_CREATE_EDGE;
    wgi_print_text(pr, edge ? "CREATE EDGE LABEL " : "CREATE NODE LABEL ");
    if (a->flags & WG_AST_IF_EXISTS) wgi_print_text(pr, "IF NOT EXISTS ");
    wgi_print_name(pr, a->text);
    if (edge) {
        wgi_print_text(pr, " (FROM ");
        wgi_print_name(pr, a->child[0]->text);
        wgi_print_text(pr, " TO ");
        wgi_print_name(pr, a->child[1]->text);
        if (a->child[2] != NULL) wgi_print_text(pr, ", ");
        if (a->child[2] != NULL) wgi_print_list(pr, a->child[2], 0, ", ");
        wgi_print_text(pr, ")");
        if (a->child_count > 3) wgi_print_text(pr, " COMPUTE ");
        wgi_print_list(pr, a, 3, ", ");
        return;
    }
    if (a->child[0] != NULL) {
        wgi_print_text(pr, " (");
        wgi_print_list(pr, a->child[0], 0, ", ");
        wgi_print_text(pr, ")");
    }
    wgi_print_optional(pr, " VIRTUAL FROM PARTITION ", a->child[1]);
    if (a->child_count > 2) wgi_print_text(pr, " COMPUTE ");
    wgi_print_list(pr, a, 2, ", ");
}

static void copy(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, "COPY ");
    wgi_print_name(pr, a->text);
    uint32_t options = 1;
    for (; options < a->child_count && a->child[options]->kind == WG_AST_NAME; options++) {
        wgi_print_text(pr, ":");
        wgi_print_name(pr, a->child[options]->text);
    }
    wgi_print_text(pr, " FROM ");
    wgi_print_node(pr, a->child[0]);
    if (a->child_count > options) wgi_print_text(pr, " (");
    wgi_print_list(pr, a, options, ", ");
    if (a->child_count > options) wgi_print_text(pr, ")");
}

static void copy_to(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, "COPY ");
    if (a->child[1] != NULL) {
        wgi_print_text(pr, "(");
        wgi_print_node(pr, a->child[1]);
        wgi_print_text(pr, ")");
    } else {
        wgi_print_name(pr, a->text);
        if (a->child[2] != NULL) wgi_print_text(pr, " ");
        if (a->child[2] != NULL) wgi_print_node(pr, a->child[2]);
    }
    wgi_print_text(pr, " TO ");
    wgi_print_node(pr, a->child[0]);
    if (a->child_count > 3) wgi_print_text(pr, " (");
    wgi_print_list(pr, a, 3, ", ");
    if (a->child_count > 3) wgi_print_text(pr, ")");
}

static void copy_end(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, a->flags & WG_AST_TO ? "TO " : "FROM ");
    wgi_print_name(pr, a->text);
    if (a->child[0] != NULL) wgi_print_node(pr, a->child[0]);
    if (a->child[1] == NULL) return;
    wgi_print_text(pr, " = ");
    wgi_print_node(pr, a->child[1]);
}

/* Words before the first child, and between it and the second. */
static void alter_label(wgi_printer *pr, const wg_ast *a) {
    static const char *const before[] = {" ADD COLUMN ",   " ADD COMPUTE ",  " DROP COLUMN ",  " RENAME COLUMN ",
                                         " RENAME TO ",    " ALTER COLUMN ", " ALTER COLUMN ", " ALTER COLUMN ",
                                         " ALTER COLUMN ", " ALTER COLUMN ", " SET PARTITION "};
    static const char *const behind[] = {
        "", "", "", " TO ", "", " SET NOT NULL", " DROP NOT NULL", " SET TYPE ", " SET DEFAULT ", " DROP DEFAULT",
        ""};
    wgi_print_text(pr, a->flags & WG_AST_ALTER_EDGE ? "ALTER EDGE LABEL " : "ALTER NODE LABEL ");
    wgi_print_name(pr, a->text);
    wgi_print_text(pr, before[a->op]);
    if (a->flags & WG_AST_IF_EXISTS) wgi_print_text(pr, a->op == WG_AST_ALTER_DROP ? "IF EXISTS " : "IF NOT EXISTS ");
    if (a->op == WG_AST_ALTER_ADD_COMPUTE) {
        wgi_print_list(pr, a, 0, ", ");
        return;
    }
    wgi_print_node(pr, a->child[0]);
    wgi_print_text(pr, behind[a->op]);
    if (a->child_count > 1) wgi_print_node(pr, a->child[1]);
}

/* (n.a, n.b), or n.a where one will do. */
static void rule_properties(wgi_printer *pr, const wg_ast *a, uint32_t first, bool always) {
    const char *variable = a->flags & WG_AST_OF_EDGES ? "r." : "n.";
    const bool list = always || a->child_count > first + 1;
    wgi_print_text(pr, list ? "(" : "");
    for (uint32_t i = first; i < a->child_count; i++) {
        wgi_print_text(pr, i > first ? ", " : "");
        wgi_print_text(pr, variable);
        wgi_print_name(pr, a->child[i]->text);
    }
    wgi_print_text(pr, list ? ")" : "");
}

static void rule_head(wgi_printer *pr, const wg_ast *a, const char *what) {
    const bool edges = (a->flags & WG_AST_OF_EDGES) != 0;
    wgi_print_text(pr, what);
    if (a->text.size > 0) wgi_print_text(pr, " ");
    if (a->text.size > 0) wgi_print_name(pr, a->text);
    wgi_print_text(pr, a->flags & WG_AST_IF_EXISTS ? " IF NOT EXISTS FOR " : " FOR ");
    wgi_print_text(pr, edges ? "()-[r:" : "(n:");
    wgi_print_name(pr, a->child[0]->text);
    wgi_print_text(pr, edges ? "]-()" : ")");
}

static void create_constraint(wgi_printer *pr, const wg_ast *a) {
    static const char *const words[] = {" IS UNIQUE", " IS KEY", " IS NOT NULL", " IS :: "};
    rule_head(pr, a, "CREATE CONSTRAINT");
    wgi_print_text(pr, " REQUIRE ");
    rule_properties(pr, a, 2, false);
    wgi_print_text(pr, words[a->op]);
    if (a->child[1] != NULL) wgi_print_node(pr, a->child[1]);
}

static void drop_rule(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, a->kind == WG_AST_DROP_INDEX ? "DROP INDEX " : "DROP CONSTRAINT ");
    if (a->child_count == 0) {
        wgi_print_name(pr, a->text);
        if (a->flags & WG_AST_IF_EXISTS) wgi_print_text(pr, " IF EXISTS");
        return;
    }
    wgi_print_text(pr, "ON :");
    wgi_print_name(pr, a->child[0]->text);
    wgi_print_text(pr, " (");
    wgi_print_list(pr, a, 1, ", ");
    wgi_print_text(pr, ")");
}

static void column(wgi_printer *pr, const wg_ast *a) {
    wgi_print_name(pr, a->text);
    wgi_print_text(pr, " ");
    wgi_print_node(pr, a->child[0]);
    if (a->flags & WG_AST_NOT_NULL) wgi_print_text(pr, " NOT NULL");
    if (a->child_count > 1) wgi_print_optional(pr, " DEFAULT ", a->child[1]);
}

static void drop_label(wgi_printer *pr, const wg_ast *a) {
    wgi_print_text(pr, a->kind == WG_AST_DROP_EDGE ? "DROP EDGE LABEL " : "DROP NODE LABEL ");
    if (a->flags & WG_AST_IF_EXISTS) wgi_print_text(pr, "IF EXISTS ");
    wgi_print_name(pr, a->text);
}

/* Indexes and constraints; false: something else. */
bool wgi_print_rule(wgi_printer *pr, const wg_ast *a) {
    switch (a->kind) {
        case WG_AST_CREATE_INDEX:
            rule_head(pr, a, a->op == WG_AST_INDEX_HASH ? "CREATE HASH INDEX" : "CREATE RANGE INDEX");
            wgi_print_text(pr, " ON ");
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

void wgi_print_statement(wgi_printer *pr, const wg_ast *a) {
    static const char *const modes[] = {"", "EXPLAIN ", "PROFILE "};
    switch (a->kind) {
        case WG_AST_STATEMENT:
            wgi_print_with_keyword(pr, modes[a->op], a, "");
            break;
        case WG_AST_CREATE_NODE:
        case WG_AST_CREATE_EDGE:
            create_label(pr, a);
            break;
        case WG_AST_COLUMNS:
        case WG_AST_PRIMARY_KEY:
            wgi_print_with_keyword(pr, a->kind == WG_AST_COLUMNS ? "(" : "PRIMARY KEY (", a, ", ");
            wgi_print_text(pr, ")");
            break;
        case WG_AST_COLUMN:
            column(pr, a);
            break;
        case WG_AST_TYPE:
            type(pr, a);
            break;
        case WG_AST_COMPUTE:
            wgi_print_name(pr, a->text);
            wgi_print_with_keyword(pr, " = ", a, "");
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
            if (a->flags & WG_AST_EVERY) wgi_print_text(pr, "COMMIT EVERY");
            else wgi_print_any_name(pr, a->text);
            wgi_print_with_keyword(pr, " ", a, "");
            if (a->flags & WG_AST_EVERY) wgi_print_text(pr, " ROWS");
            break;
        case WG_AST_ALTER_LABEL:
            alter_label(pr, a);
            break;
        case WG_AST_BEGIN:
            wgi_print_text(pr, a->flags & WG_AST_READ_ONLY ? "BEGIN READ ONLY" : "BEGIN");
            break;
        case WG_AST_COMMIT:
        case WG_AST_ROLLBACK:
            wgi_print_text(pr, a->kind == WG_AST_COMMIT ? "COMMIT" : "ROLLBACK");
            break;
        default:
            WG_UNREACHABLE("a kind that no printer knows");
    }
}
