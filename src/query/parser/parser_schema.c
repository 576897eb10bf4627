/* query/parser: ALTER of labels, and SHOW.
 *
 * ALTER, ADD, RENAME and their like are no keywords: they are read as words where a statement of theirs begins, and are names
 * everywhere else. SHOW is another spelling of CALL: the tree has no kind for it, so that YIELD, WHERE, RETURN, AS OF and EXPLAIN
 * mean there what they mean for a procedure. */
#include "query/parser/parser_internal.h"

/* A keyword too. */
static bool at_any_word(const wgi_parser *p, uint32_t ahead, const char *word) {
    const wg_token *t = wgi_peek_at(p, ahead);
    const size_t size = strlen(word);
    if (!wgi_is_any_name(t) || t->end - t->start != size) return false;
    for (size_t i = 0; i < size; i++)
        if ((p->text.data[t->start + i] & 0xDF) != ((uint8_t)word[i] & 0xDF)) return false;
    return true;
}

/* ---- ALTER */

bool wgi_at_alter(const wgi_parser *p) {
    return at_any_word(p, 0, "ALTER") && (at_any_word(p, 1, "NODE") || at_any_word(p, 1, "EDGE"));
}

static bool push_name(wgi_parser *p, const char *what) {
    wg_ast *name = wgi_name_node(p, what);
    return name != NULL && wgi_push_child(p, name);
}

static bool alter_add(wgi_parser *p, uint8_t *op, uint8_t *flags) {
    if (wgi_take_keyword(p, WG_KW_COMPUTE)) {
        *op = WG_AST_ALTER_ADD_COMPUTE;
        do {
            if (!wgi_push_rule(p, wgi_computed)) return false;
        } while (wgi_take_punct(p, WG_P_COMMA));
        return true;
    }
    uint8_t lenient = 0;
    *op = WG_AST_ALTER_ADD;
    (void)wgi_take_word(p, "COLUMN");
    if (!wgi_take_if(p, true, &lenient)) return false;
    *flags |= lenient;
    return wgi_push_rule(p, wgi_column);
}

static bool alter_drop(wgi_parser *p, uint8_t *op, uint8_t *flags) {
    uint8_t lenient = 0;
    *op = WG_AST_ALTER_DROP;
    if (!wgi_take_keyword(p, WG_KW_COMPUTE)) (void)wgi_take_word(p, "COLUMN");
    if (!wgi_take_if(p, false, &lenient)) return false;
    *flags |= lenient;
    return push_name(p, "the column to drop");
}

static bool alter_rename(wgi_parser *p, uint8_t *op) {
    if (wgi_take_keyword(p, WG_KW_TO)) {
        *op = WG_AST_ALTER_RENAME_LABEL;
        return push_name(p, "the new name of the label");
    }
    *op = WG_AST_ALTER_RENAME;
    (void)wgi_take_word(p, "COLUMN");
    return push_name(p, "the column to rename") && wgi_expect_keyword(p, WG_KW_TO, "after the column") &&
           push_name(p, "its new name");
}

static bool alter_column_set(wgi_parser *p, uint8_t *op) {
    if (wgi_take_keywords(p, WG_KW_NOT, WG_KW_NULL)) {
        *op = WG_AST_ALTER_SET_NOT_NULL;
        return true;
    }
    if (wgi_take_word(p, "TYPE")) {
        *op = WG_AST_ALTER_SET_TYPE;
        return wgi_push_rule(p, wgi_column_type);
    }
    if (wgi_take_word(p, "DEFAULT")) {
        *op = WG_AST_ALTER_SET_DEFAULT;
        return wgi_push_rule(p, wgi_expression);
    }
    return wgi_unexpected(p, "NOT NULL, TYPE or DEFAULT after SET") != NULL;
}

static bool alter_column(wgi_parser *p, uint8_t *op) {
    (void)wgi_take_word(p, "COLUMN");
    if (!push_name(p, "the column to alter")) return false;
    if (wgi_take_keyword(p, WG_KW_SET)) return alter_column_set(p, op);
    if (!wgi_take_keyword(p, WG_KW_DROP)) return wgi_unexpected(p, "SET or DROP after the column") != NULL;
    if (wgi_take_keywords(p, WG_KW_NOT, WG_KW_NULL)) *op = WG_AST_ALTER_DROP_NOT_NULL;
    else if (wgi_take_word(p, "DEFAULT")) *op = WG_AST_ALTER_DROP_DEFAULT;
    else return wgi_unexpected(p, "NOT NULL or DEFAULT after DROP") != NULL;
    return true;
}

static bool alter_pattern(wgi_parser *p, uint8_t *op) {
    *op = WG_AST_ALTER_SET_PATTERN;
    (void)wgi_take_keywords(p, WG_KW_VIRTUAL, WG_KW_FROM);
    if (!wgi_expect_keyword(p, WG_KW_PARTITION, "after SET")) return false;
    wg_ast *pattern = wgi_string_node(p, "the partition pattern");
    return pattern != NULL && wgi_push_child(p, pattern);
}

static bool alter_action(wgi_parser *p, uint8_t *op, uint8_t *flags) {
    if (wgi_take_word(p, "ADD")) return alter_add(p, op, flags);
    if (wgi_take_keyword(p, WG_KW_DROP)) return alter_drop(p, op, flags);
    if (wgi_take_word(p, "RENAME")) return alter_rename(p, op);
    if (wgi_take_word(p, "ALTER")) return alter_column(p, op);
    if (wgi_take_keyword(p, WG_KW_SET)) return alter_pattern(p, op);
    return wgi_unexpected(p, "ADD, DROP, RENAME, ALTER or SET PARTITION") != NULL;
}

wg_ast *wgi_alter_label(wgi_parser *p, uint32_t start) {
    uint8_t op = 0, flags = 0;
    wg_slice label;
    p->at++;
    const bool edge = wgi_take_keyword(p, WG_KW_EDGE);
    if (!edge) p->at++;
    if (!wgi_expect_keyword(p, WG_KW_LABEL, edge ? "after ALTER EDGE" : "after ALTER NODE")) return NULL;
    if (!wgi_any_name(p, "the label to alter", &label)) return NULL;
    const size_t mark = wgi_mark(p);
    if (edge) flags = WG_AST_ALTER_EDGE;
    if (!alter_action(p, &op, &flags)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_ALTER_LABEL, start, mark);
    if (node == NULL) return NULL;
    node->text = label;
    node->op = op;
    node->flags = flags;
    return node;
}

/* ---- SHOW */

bool wgi_show_target(wgi_parser *p, wg_slice *out) {
    static const struct {
        const char *first, *second; /* NULL: one word is enough */
        const char *procedure;
    } targets[] = {{"LABELS", NULL, "show.labels"},
                   {"NODE", "LABELS", "show.nodeLabels"},
                   {"EDGE", "LABELS", "show.edgeLabels"},
                   {"RELATIONSHIP", "TYPES", "show.edgeLabels"},
                   {"INDEXES", NULL, "show.indexes"},
                   {"INDEX", NULL, "show.indexes"},
                   {"CONSTRAINTS", NULL, "show.constraints"},
                   {"CONSTRAINT", NULL, "show.constraints"},
                   {"PROPERTIES", NULL, "show.properties"},
                   {"PROPERTY", "KEYS", "db.propertyKeys"},
                   {"PROCEDURES", NULL, "db.procedures"},
                   {"FUNCTIONS", NULL, "show.functions"},
                   {"SCHEMA", NULL, "show.schema"}};
    p->at++;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        if (!at_any_word(p, 0, targets[i].first)) continue;
        if (targets[i].second != NULL && !at_any_word(p, 1, targets[i].second)) continue;
        p->at += targets[i].second != NULL ? 2 : 1;
        *out = wg_slice_str(targets[i].procedure);
        return true;
    }
    return wgi_unexpected(p,
                          "LABELS, NODE LABELS, EDGE LABELS, PROPERTIES, PROPERTY KEYS, INDEXES, CONSTRAINTS, "
                          "PROCEDURES, FUNCTIONS or SCHEMA after SHOW") != NULL;
}
