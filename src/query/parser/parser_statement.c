/* query/parser: everything that is not a query: label DDL, COPY, SHOW and transaction control. */
#include "query/parser/parser_internal.h"

static wg_ast *with_text(wg_ast *node, wg_slice text) {
    if (node != NULL) node->text = text;
    return node;
}

static wg_ast *with_flags(wg_ast *node, uint8_t flags) {
    if (node != NULL) node->flags = flags;
    return node;
}

/* Copies a word in capitals, for names that are compared without case. */
static bool upper_word(wgi_parser *p, wg_slice word, wg_slice *out) {
    uint8_t *copy = wg_arena_alloc(p->arena, word.size + 1);
    if (copy == NULL) return wgi_fail(p, WG_E_NOMEM, wgi_start(p), "no memory for a name") != NULL;
    for (size_t i = 0; i < word.size; i++)
        copy[i] = word.data[i] >= 'a' && word.data[i] <= 'z' ? (uint8_t)(word.data[i] - 32) : word.data[i];
    *out = wg_slice_of(copy, word.size);
    return true;
}

/* IF NOT EXISTS or IF EXISTS. False on error. */
bool wgi_take_if(wgi_parser *p, bool not, uint8_t *flags) {
    *flags = 0;
    if (!wgi_take_keyword(p, WG_KW_IF)) return true;
    if (not &&!wgi_expect_keyword(p, WG_KW_NOT, "after IF")) return false;
    *flags = WG_AST_IF_EXISTS;
    return wgi_expect_keyword(p, WG_KW_EXISTS, not ? "after IF NOT" : "after IF");
}

/* ---- columns */

static bool type_number(wgi_parser *p, int64_t *out) {
    if (wgi_peek(p)->kind != WG_TOKEN_INTEGER) return wgi_unexpected(p, "a number in a type") != NULL;
    const wg_ast *n = wgi_integer_or_parameter(p, "a number");
    if (n == NULL) return false;
    *out = n->i;
    return true;
}

/* STRING, LOCAL DATETIME, DECIMAL(10, 2), LIST<INT>. */
static wg_ast *type_name(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    int64_t precision = -1, scale = -1;
    wg_slice first, name;
    if (!wgi_any_name(p, "a column type such as STRING or INT", &first)) return NULL;
    if (!upper_word(p, first, &name)) return NULL;
    if (wg_slice_is(name, "LOCAL") && wgi_is_any_name(wgi_peek(p))) {
        if (!wgi_any_name(p, "a type after LOCAL", &first) || !upper_word(p, first, &first)) return NULL;
        if (!wg_slice_is(first, "TIME") && !wg_slice_is(first, "DATETIME"))
            return wgi_fail(p, WG_E_SYNTAX, start, "expected LOCAL TIME or LOCAL DATETIME");
        name = wg_slice_str(wg_slice_is(first, "TIME") ? "LOCAL TIME" : "LOCAL DATETIME");
    }
    const bool list = wg_slice_is(name, "LIST") && wgi_take_punct(p, WG_P_LT);
    if (list) {
        if (!wgi_enter(p)) return NULL;
        if (!wgi_push_rule(p, wgi_column_type) || !wgi_expect_punct(p, WG_P_GT, "to close LIST<")) return NULL;
        wgi_leave(p);
    } else if (wgi_take_punct(p, WG_P_LPAREN)) {
        if (!type_number(p, &precision)) return NULL;
        if (wgi_take_punct(p, WG_P_COMMA) && !type_number(p, &scale)) return NULL;
        if (!wgi_expect_punct(p, WG_P_RPAREN, "to close the type")) return NULL;
    }
    wg_ast *node = with_text(wgi_node(p, WG_AST_TYPE, start, mark), name);
    if (node == NULL) return NULL;
    node->flags = list ? WG_AST_LIST_TYPE : 0;
    node->i = precision;
    node->j = scale;
    return node;
}

/* A type name with any number of [] or [n] behind it. FLOAT[] is LIST<FLOAT>. */
wg_ast *wgi_column_type(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    wg_ast *node = type_name(p);
    while (node != NULL && wgi_take_punct(p, WG_P_LBRACKET)) {
        const size_t mark = wgi_mark(p);
        const bool fixed = !wgi_at_punct(p, WG_P_RBRACKET);
        int64_t count = -1;
        if (!wgi_push_child(p, node) || (fixed && !type_number(p, &count))) return NULL;
        if (!wgi_expect_punct(p, WG_P_RBRACKET, "to close the array type")) return NULL;
        node = with_text(wgi_node(p, WG_AST_TYPE, start, mark), wg_slice_str("LIST"));
        if (node == NULL) return NULL;
        node->flags = fixed ? WG_AST_FIXED_TYPE : WG_AST_LIST_TYPE;
        node->i = count;
        node->j = -1;
    }
    return node;
}

static bool push_names(wgi_parser *p, const char *what) {
    if (!wgi_expect_punct(p, WG_P_LPAREN, "before a list of columns")) return false;
    do {
        wg_ast *name = wgi_name_node(p, what);
        if (name == NULL || !wgi_push_child(p, name)) return false;
    } while (wgi_take_punct(p, WG_P_COMMA));
    return wgi_expect_punct(p, WG_P_RPAREN, "or ',' in a list of columns");
}

static wg_ast *key_or_column(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (wgi_take_keywords(p, WG_KW_PRIMARY, WG_KW_KEY)) {
        if (!push_names(p, "a key column")) return NULL;
        return wgi_node(p, WG_AST_PRIMARY_KEY, start, mark);
    }
    return wgi_column(p);
}

wg_ast *wgi_column(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice name;
    if (!wgi_any_name(p, "a column", &name) || !wgi_push_rule(p, wgi_column_type)) return NULL;
    bool not_null = wgi_take_keyword(p, WG_KW_NOT);
    if (not_null && !wgi_expect_keyword(p, WG_KW_NULL, "after NOT")) return NULL;
    if (wgi_take_word(p, "DEFAULT") && !wgi_push_rule(p, wgi_expression)) return NULL;
    if (!not_null && wgi_take_keyword(p, WG_KW_NOT)) {
        if (!wgi_expect_keyword(p, WG_KW_NULL, "after NOT")) return NULL;
        not_null = true;
    }
    return with_flags(with_text(wgi_node(p, WG_AST_COLUMN, start, mark), name), not_null ? WG_AST_NOT_NULL : 0);
}

/* The items behind an opening parenthesis that is already taken. */
static wg_ast *column_list(wgi_parser *p, uint32_t start) {
    const size_t mark = wgi_mark(p);
    uint32_t keys = 0;
    if (!wgi_at_punct(p, WG_P_RPAREN)) {
        do {
            const uint32_t item_start = wgi_start(p);
            wg_ast *item = key_or_column(p);
            if (item == NULL || !wgi_push_child(p, item)) return NULL;
            if (item->kind == WG_AST_PRIMARY_KEY && keys++ > 0)
                return wgi_fail(p, WG_E_SYNTAX, item_start,
                                "a label has one PRIMARY KEY; list all its columns there");
        } while (wgi_take_punct(p, WG_P_COMMA));
    }
    if (!wgi_expect_punct(p, WG_P_RPAREN, "or ',' in the column list")) return NULL;
    return wgi_node(p, WG_AST_COLUMNS, start, mark);
}

static wg_ast *columns(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    if (!wgi_expect_punct(p, WG_P_LPAREN, "before the column list")) return NULL;
    return column_list(p, start);
}

wg_ast *wgi_computed(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice name;
    if (!wgi_any_name(p, "a computed column", &name)) return NULL;
    if (!wgi_expect_punct(p, WG_P_EQ, "after the name of a computed column")) return NULL;
    if (!wgi_push_rule(p, wgi_expression)) return NULL;
    return with_text(wgi_node(p, WG_AST_COMPUTE, start, mark), name);
}

/* ---- labels */

static bool store_child(wgi_parser *p, size_t mark, size_t index, wg_ast *node) {
    if (node == NULL) return false;
    memcpy(p->stack.data + mark + index * sizeof node, &node, sizeof node);
    return true;
}

/* COMPUTE a = x + 1, b = a * 2, where it stands. */
static bool push_computed(wgi_parser *p) {
    if (!wgi_take_keyword(p, WG_KW_COMPUTE)) return true;
    do {
        if (!wgi_push_rule(p, wgi_computed)) return false;
    } while (wgi_take_punct(p, WG_P_COMMA));
    return true;
}

static wg_ast *create_node_label(wgi_parser *p, uint32_t start) {
    const size_t mark = wgi_mark(p);
    uint8_t flags;
    wg_slice name;
    if (!wgi_take_if(p, true, &flags) || !wgi_any_name(p, "the new label", &name)) return NULL;
    if (!wgi_push_child(p, NULL) || !wgi_push_child(p, NULL)) return NULL;
    const bool before = wgi_at_punct(p, WG_P_LPAREN);
    if (before && !store_child(p, mark, 0, columns(p))) return NULL;
    if (wgi_take_keyword(p, WG_KW_VIRTUAL)) {
        if (!wgi_expect_keyword(p, WG_KW_FROM, "after VIRTUAL")) return NULL;
        if (!wgi_expect_keyword(p, WG_KW_PARTITION, "after VIRTUAL FROM")) return NULL;
        if (!store_child(p, mark, 1, wgi_string_node(p, "the partition pattern"))) return NULL;
        if (!before && wgi_at_punct(p, WG_P_LPAREN) && !store_child(p, mark, 0, columns(p))) return NULL;
    }
    if (!push_computed(p)) return NULL;
    return with_flags(with_text(wgi_node(p, WG_AST_CREATE_NODE, start, mark), name), flags);
}

static wg_ast *create_edge_label(wgi_parser *p, uint32_t start) {
    const size_t mark = wgi_mark(p);
    uint8_t flags;
    wg_slice name;
    if (!wgi_take_if(p, true, &flags) || !wgi_any_name(p, "the new edge label", &name)) return NULL;
    const uint32_t list_start = wgi_start(p);
    if (!wgi_expect_punct(p, WG_P_LPAREN, "and FROM Label TO Label")) return NULL;
    if (!wgi_expect_keyword(p, WG_KW_FROM, "and the source label")) return NULL;
    wg_ast *from = wgi_name_node(p, "the source label");
    if (from == NULL || !wgi_push_child(p, from)) return NULL;
    if (!wgi_expect_keyword(p, WG_KW_TO, "after the source label")) return NULL;
    wg_ast *to = wgi_name_node(p, "the target label");
    if (to == NULL || !wgi_push_child(p, to)) return NULL;
    wg_ast *list = NULL;
    if (wgi_take_punct(p, WG_P_COMMA)) {
        list = column_list(p, list_start);
        if (list == NULL) return NULL;
    } else if (!wgi_expect_punct(p, WG_P_RPAREN, "or ',' after FROM Label TO Label")) {
        return NULL;
    }
    if (!wgi_push_child(p, list) || !push_computed(p)) return NULL;
    return with_flags(with_text(wgi_node(p, WG_AST_CREATE_EDGE, start, mark), name), flags);
}

static wg_ast *drop(wgi_parser *p, uint32_t start) {
    if (wgi_at_word(p, 0, "INDEX") || wgi_at_word(p, 0, "CONSTRAINT")) return wgi_drop_rule(p, start);
    const bool edge = wgi_take_keyword(p, WG_KW_EDGE);
    if (!edge && !wgi_expect_keyword(p, WG_KW_NODE, "LABEL or EDGE LABEL after DROP")) return NULL;
    if (!wgi_expect_keyword(p, WG_KW_LABEL, edge ? "after DROP EDGE" : "after DROP NODE")) return NULL;
    uint8_t flags;
    wg_slice name;
    if (!wgi_take_if(p, false, &flags) || !wgi_any_name(p, "the label to drop", &name)) return NULL;
    return with_flags(with_text(wgi_leaf(p, edge ? WG_AST_DROP_EDGE : WG_AST_DROP_NODE, start), name), flags);
}

/* ---- COPY */

static wg_ast *name_list(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!push_names(p, "a column")) return NULL;
    return wgi_node(p, WG_AST_COLUMNS, start, mark);
}

/* FROM Person(id) = src: the label of an end, its key properties, the columns of the file that hold them. The label may be quoted
 * as a string, and stand behind an '='. */
static wg_ast *copy_end(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    const bool to = !wgi_take_keyword(p, WG_KW_FROM);
    if (to && !wgi_expect_keyword(p, WG_KW_TO, "and the label of an end")) return NULL;
    (void)wgi_take_punct(p, WG_P_EQ);
    wg_slice label;
    const bool quoted = wgi_peek(p)->kind == WG_TOKEN_STRING;
    if (!(quoted ? wgi_string(p, "the label of an end", &label) : wgi_any_name(p, "the label of an end", &label)))
        return NULL;
    if (!wgi_at_punct(p, WG_P_LPAREN) ? !wgi_push_child(p, NULL) : !wgi_push_rule(p, name_list)) return NULL;
    if (!wgi_take_punct(p, WG_P_EQ)) {
        if (!wgi_push_child(p, NULL)) return NULL;
    } else if (wgi_at_punct(p, WG_P_LPAREN)) {
        if (!wgi_push_rule(p, name_list)) return NULL;
    } else {
        const uint32_t column_start = wgi_start(p);
        const size_t column_mark = wgi_mark(p);
        wg_ast *name = wgi_name_node(p, "the column that holds the key");
        if (name == NULL || !wgi_push_child(p, name)) return NULL;
        wg_ast *columns = wgi_node(p, WG_AST_COLUMNS, column_start, column_mark);
        if (columns == NULL || !wgi_push_child(p, columns)) return NULL;
    }
    return with_flags(with_text(wgi_node(p, WG_AST_COPY_END, start, mark), label), to ? WG_AST_TO : 0);
}

/* COMMIT EVERY 1000 ROWS, behind COMMIT. */
static bool at_every(const wgi_parser *p) {
    const wg_token *t = wgi_peek_at(p, 1);
    if (!wgi_at_word(p, 0, "EVERY")) return false;
    return t->kind == WG_TOKEN_INTEGER || (t->kind == WG_TOKEN_PUNCT && t->punct == WG_P_DOLLAR);
}

static wg_ast *commit_every(wgi_parser *p, uint32_t start, size_t mark) {
    (void)wgi_take_word(p, "EVERY");
    wg_ast *rows = wgi_integer_or_parameter(p, "a number of rows after COMMIT EVERY");
    if (rows == NULL || !wgi_push_child(p, rows)) return NULL;
    (void)wgi_take_word(p, "ROWS");
    wg_ast *made = with_text(wgi_node(p, WG_AST_OPTION, start, mark), wg_slice_str("COMMIT"));
    return with_flags(made, WG_AST_EVERY);
}

static wg_ast *option(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice word, name;
    if (wgi_at_keyword(p, WG_KW_FROM) || wgi_at_keyword(p, WG_KW_TO)) return copy_end(p);
    if (!wgi_any_name(p, "an option such as HEADER, DELIMITER, NULL or COLUMNS", &word)) return NULL;
    if (!upper_word(p, word, &name)) return NULL;
    if (wg_slice_is(name, "COMMIT") && at_every(p)) return commit_every(p, start, mark);
    (void)wgi_take_punct(p, WG_P_EQ);
    /* A bare word is a format or the like: PARQUET. */
    const wg_token *next = wgi_peek(p);
    if (next->kind == WG_TOKEN_NAME && (wg_slice_is(name, "FORMAT") || wg_slice_is(name, "COMPRESSION"))) {
        if (!wgi_any_name(p, "a format", &word)) return NULL;
        wg_ast *format = with_text(wgi_leaf(p, WG_AST_STRING, wgi_start(p)), word);
        if (format == NULL || !wgi_push_child(p, format)) return NULL;
        return with_text(wgi_node(p, WG_AST_OPTION, start, mark), name);
    }
    const bool list = wgi_at_punct(p, WG_P_LPAREN);
    if (!wgi_push_rule(p, list ? name_list : wgi_expression)) return NULL;
    return with_text(wgi_node(p, WG_AST_OPTION, start, mark), name);
}

/* The options of a COPY, if there are any. */
static bool push_options(wgi_parser *p) {
    (void)wgi_take_keyword(p, WG_KW_WITH);
    if (!wgi_take_punct(p, WG_P_LPAREN)) return true;
    do {
        if (!wgi_push_rule(p, option)) return false;
    } while (wgi_take_punct(p, WG_P_COMMA));
    return wgi_expect_punct(p, WG_P_RPAREN, "or ',' in the options of COPY");
}

/* Behind TO. Slots 0 to 2 are on the stack. */
static wg_ast *copy_to(wgi_parser *p, uint32_t start, size_t mark, wg_slice label) {
    wg_ast *file = wgi_string_node(p, "the file of COPY");
    if (file == NULL || !store_child(p, mark, 0, file) || !push_options(p)) return NULL;
    return with_text(wgi_node(p, WG_AST_COPY_TO, start, mark), label);
}

static wg_ast *copy_query(wgi_parser *p, uint32_t start, size_t mark) {
    const wg_slice nothing = {0};
    if (!wgi_push_rule(p, wgi_query) || !wgi_push_child(p, NULL)) return NULL;
    if (!wgi_expect_punct(p, WG_P_RPAREN, "behind the query of COPY")) return NULL;
    if (!wgi_expect_keyword(p, WG_KW_TO, "behind the query of COPY")) return NULL;
    return copy_to(p, start, mark, nothing);
}

static wg_ast *copy(wgi_parser *p, uint32_t start) {
    const size_t mark = wgi_mark(p);
    wg_slice label;
    if (!wgi_push_child(p, NULL)) return NULL;
    if (wgi_take_punct(p, WG_P_LPAREN)) return copy_query(p, start, mark);
    if (!wgi_any_name(p, "the label to copy, or (query)", &label)) return NULL;
    const bool listed = wgi_at_punct(p, WG_P_LPAREN);
    if (listed || wgi_at_keyword(p, WG_KW_TO)) {
        if (!wgi_push_child(p, NULL)) return NULL;
        if (!(listed ? wgi_push_rule(p, name_list) : wgi_push_child(p, NULL))) return NULL;
        if (!wgi_expect_keyword(p, WG_KW_TO, "behind the columns; COPY FROM has COLUMNS (...) in its options"))
            return NULL;
        return copy_to(p, start, mark, label);
    }
    while (wgi_take_punct(p, WG_P_COLON)) {
        wg_ast *further = wgi_name_node(p, "one more label");
        if (further == NULL || !wgi_push_child(p, further)) return NULL;
    }
    if (!wgi_expect_keyword(p, WG_KW_FROM, "or TO after the label of COPY")) return NULL;
    wg_ast *file = wgi_string_node(p, "the file of COPY");
    if (file == NULL || !store_child(p, mark, 0, file) || !push_options(p)) return NULL;
    return with_text(wgi_node(p, WG_AST_COPY_FROM, start, mark), label);
}

/* ---- dispatch */

static wg_ast *begin(wgi_parser *p, uint32_t start) {
    bool read_only = wgi_take_keyword(p, WG_KW_READ);
    if (read_only && wgi_take_word(p, "WRITE")) read_only = false;
    else if (read_only && !wgi_expect_keyword(p, WG_KW_ONLY, "or WRITE after READ")) return NULL;
    return with_flags(wgi_leaf(p, WG_AST_BEGIN, start), read_only ? WG_AST_READ_ONLY : 0);
}

wg_ast *wgi_other_statement(wgi_parser *p, bool *out_handled) {
    const uint32_t start = wgi_start(p);
    *out_handled = true;
    if (wgi_at_keywords(p, WG_KW_CREATE, WG_KW_NODE) || wgi_at_keywords(p, WG_KW_CREATE, WG_KW_EDGE)) {
        p->at++;
        const bool edge = wgi_take_keyword(p, WG_KW_EDGE);
        if (!edge) p->at++;
        if (!wgi_expect_keyword(p, WG_KW_LABEL, edge ? "after CREATE EDGE" : "after CREATE NODE")) return NULL;
        return edge ? create_edge_label(p, start) : create_node_label(p, start);
    }
    if (wgi_at_create_rule(p)) return wgi_create_rule(p, start);
    if (wgi_take_keyword(p, WG_KW_DROP)) return drop(p, start);
    if (wgi_take_keyword(p, WG_KW_COPY)) return copy(p, start);
    if (wgi_at_alter(p)) return wgi_alter_label(p, start);
    if (wgi_take_keyword(p, WG_KW_BEGIN)) {
        (void)wgi_take_keyword(p, WG_KW_TRANSACTION);
        return begin(p, start);
    }
    if (wgi_take_keyword(p, WG_KW_START)) {
        if (!wgi_expect_keyword(p, WG_KW_TRANSACTION, "after START")) return NULL;
        return begin(p, start);
    }
    if (wgi_at_keyword(p, WG_KW_COMMIT) || wgi_at_keyword(p, WG_KW_ROLLBACK)) {
        const bool commit = wgi_at_keyword(p, WG_KW_COMMIT);
        p->at++;
        (void)wgi_take_keyword(p, WG_KW_TRANSACTION);
        return wgi_leaf(p, commit ? WG_AST_COMMIT : WG_AST_ROLLBACK, start);
    }
    *out_handled = false;
    return NULL;
}
