/* query/plan: indexes and constraints: names to numbers.
 *
 * A label that does not exist is a mistake where labels are declared, and made otherwise, as by a first use: an index may come before
 * the rows. A property that a declared label lacks is a mistake too. */
#include "query/plan/statement.h"

static wg_code rule_label(wgi_binder *b, const wg_ast *name, bool edges, const wg_label **out) {
    wg_ast *child = wgi_alloc(b, 1, sizeof *child);
    wg_ast **children = wgi_alloc(b, 1, sizeof *children);
    const uint32_t *labels;
    uint32_t count = 0, number = WG_NO_LABEL;
    bool missing = false;
    if (child == NULL || children == NULL) return WG_E_NOMEM;
    *child = *name;
    children[0] = child;
    const wg_ast wrapper = {.start = name->start, .end = name->end, .child_count = 1, .child = children};
    WG_TRY(edges ? wgi_edge_types(b, &wrapper, 0, &labels, &count, &missing)
                 : wgi_labels(b, &wrapper, 0, &labels, &count, &missing));
    if (count > 0) number = labels[0];
    else WG_TRY(wgi_intern_label(b, name, name->text, edges, &number));
    *out = wg_catalog_label_at(b->catalog, number);
    if (*out == NULL) return wgi_error(b, WG_E_READ_ONLY, name, "a definition needs a transaction that may write");
    if ((*out)->def.kind != WG_LABEL_VIRTUAL) return WG_OK;
    return wgi_error(b, WG_E_UNSUPPORTED, name,
                     "label '%s' is virtual: its rows live in files, whose own statistics are used; it has neither "
                     "indexes nor constraints",
                     (*out)->def.name);
}

static wg_code rule_keys(wgi_binder *b, const wg_ast *ast, uint32_t first, const wg_label *label, wg_rule_def *out) {
    const wgi_symbol symbol = {
        .type = label->def.is_edge ? WG_TYPE_EDGE : WG_TYPE_NODE, .labels = &label->number, .label_count = 1};
    const uint32_t count = ast->child_count - first;
    if (count > WG_KEY_COLUMNS_MAX)
        return wgi_error(b, WG_E_LIMIT, ast->child[first + WG_KEY_COLUMNS_MAX], "at most %d properties",
                         (int)WG_KEY_COLUMNS_MAX);
    out->key_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const wg_ast *name = ast->child[first + i];
        wg_type type;
        if (label->def.kind == WG_LABEL_OPEN) WG_TRY(wgi_intern_key(b, name->text, &out->keys[i]));
        else WG_TRY(wgi_property_type(b, name, &symbol, name->text, &out->keys[i], &type));
        if (out->keys[i] == WG_NO_KEY)
            return wgi_error(b, WG_E_READ_ONLY, name, "a definition needs a transaction that may write");
        for (uint32_t k = 0; k < i; k++)
            if (out->keys[k] == out->keys[i])
                return wgi_error(b, WG_E_BIND, name, "property '%.*s' is named twice",
                                 (int)wg_min_size(name->text.size, 64), (const char *)name->text.data);
    }
    return WG_OK;
}

wg_code wgi_rule_def(wgi_binder *b, const wg_ast *ast, wg_rule_def *out) {
    static const wg_rule_kind constraints[] = {WG_RULE_UNIQUE, WG_RULE_KEY, WG_RULE_NOT_NULL, WG_RULE_TYPE};
    const bool index = ast->kind == WG_AST_CREATE_INDEX;
    wg_rule_def def = {.kind = index ? (ast->op == WG_AST_INDEX_HASH ? WG_RULE_HASH_INDEX : WG_RULE_RANGE_INDEX)
                                     : constraints[ast->op]};
    const wg_label *label;
    const uint32_t first = index ? 1 : 2;
    WG_TRY(rule_label(b, ast->child[0], (ast->flags & WG_AST_OF_EDGES) != 0, &label));
    def.label = label->number;
    WG_TRY(rule_keys(b, ast, first, label, &def));
    if (!wg_rule_has_index(def.kind) && def.key_count > 1)
        return wgi_error(b, WG_E_BIND, ast->child[first + 1], "a constraint %s is of one property",
                         wg_rule_kind_name(def.kind));
    if (!index && ast->child[1] != NULL) WG_TRY(wgi_bind_column_type(b, ast->child[1], &def.type));
    if (ast->text.size > 0) WG_TRY(wgi_definition_name(b, ast, ast->text, &def.name));
    *out = def;
    return WG_OK;
}

wg_code wgi_rule_of_old_drop(wgi_binder *b, const wg_ast *ast, wg_slice *out) {
    const wg_ast *name = ast->child[0];
    wg_rule_def def = {.kind = WG_RULE_RANGE_INDEX};
    uint32_t position = 0;
    const wg_label *label = wg_catalog_label(b->catalog, b->view, name->text, false);
    if (label == NULL) {
        const char *near = wg_catalog_suggest_label(b->catalog, b->view, name->text, false);
        return wgi_error(b, WG_E_NOT_FOUND, name, "label '%.*s' does not exist%s%s%s",
                         (int)wg_min_size(name->text.size, 64), (const char *)name->text.data,
                         near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
    }
    def.label = label->number;
    def.key_count = ast->child_count - 1;
    bool known = def.key_count <= WG_KEY_COLUMNS_MAX;
    for (uint32_t i = 0; known && i < def.key_count; i++) {
        def.keys[i] = wg_catalog_key(b->catalog, ast->child[i + 1]->text);
        known = def.keys[i] != WG_NO_KEY;
    }
    for (const wg_rule *rule; known;) {
        rule = wg_catalog_next_rule(b->catalog, b->view, label->number, &position);
        if (rule == NULL) break;
        def.kind = rule->def.kind;
        if (!wg_rule_is_index(rule->def.kind) || !wg_rule_def_equal(&rule->def, &def)) continue;
        *out = wg_slice_str(rule->def.name);
        return WG_OK;
    }
    return wgi_error(b, WG_E_NOT_FOUND, ast, "label '%s' has no index on these properties; SHOW INDEXES lists them",
                     label->def.name);
}
