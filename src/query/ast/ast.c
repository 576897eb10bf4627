/* query/ast: names of kinds and operators, equality. */
#include "query/ast/ast.h"

#define KIND_NAME(name) [WG_AST_##name] = #name,
static const char *const kind_names[WG_AST_KIND_COUNT] = {WG_AST_LIST(KIND_NAME)};

static const char *const op_names[WG_OP_COUNT] = {
    [WG_OP_OR] = "OR",
    [WG_OP_XOR] = "XOR",
    [WG_OP_AND] = "AND",
    [WG_OP_NOT] = "NOT",
    [WG_OP_EQ] = "=",
    [WG_OP_NE] = "<>",
    [WG_OP_LT] = "<",
    [WG_OP_LE] = "<=",
    [WG_OP_GT] = ">",
    [WG_OP_GE] = ">=",
    [WG_OP_STARTS_WITH] = "STARTS WITH",
    [WG_OP_ENDS_WITH] = "ENDS WITH",
    [WG_OP_CONTAINS] = "CONTAINS",
    [WG_OP_REGEX] = "=~",
    [WG_OP_IN] = "IN",
    [WG_OP_IS_NULL] = "IS NULL",
    [WG_OP_IS_NOT_NULL] = "IS NOT NULL",
    [WG_OP_ADD] = "+",
    [WG_OP_SUBTRACT] = "-",
    [WG_OP_MULTIPLY] = "*",
    [WG_OP_DIVIDE] = "/",
    [WG_OP_MODULO] = "%",
    [WG_OP_POWER] = "^",
    [WG_OP_MINUS] = "-",
    [WG_OP_PLUS] = "+",
    [WG_OP_CONCAT] = "||",
};

const char *wg_ast_kind_name(wg_ast_kind kind) {
    WG_ASSERT(kind < WG_AST_KIND_COUNT);
    return kind_names[kind];
}

const char *wg_ast_op_name(wg_ast_op op) {
    WG_ASSERT(op < WG_OP_COUNT);
    return op_names[op];
}

bool wg_ast_equal(const wg_ast *a, const wg_ast *b) {
    if (a == NULL || b == NULL) return a == b;
    if (a->kind != b->kind || a->op != b->op || a->flags != b->flags || a->child_count != b->child_count)
        return false;
    if (a->i != b->i || a->j != b->j || wg_bits_of_f64(a->f) != wg_bits_of_f64(b->f)) return false;
    if (!wg_slice_equal(a->text, b->text)) return false;
    for (uint32_t i = 0; i < a->child_count; i++)
        if (!wg_ast_equal(a->child[i], b->child[i])) return false;
    return true;
}
