/* query/binder: labels, relationship types and property keys against the catalog at the snapshot.
 *
 * What an unknown name means depends on the store. Where labels are declared (CREATE NODE LABEL, virtual labels) a name
 * that nothing has is a mistake, and an empty answer would hide it: WG_E_NOT_FOUND with the nearest name. In a store that
 * only has labels made by use an unknown label is simply one that no node has yet, as openCypher says. */
#include "query/binder/binder.h"
#include "query/parser/parser.h"

static wg_code unknown_label(const wgi_binder *b, const wg_ast *at, bool is_edge) {
    const char *near = wg_catalog_suggest_label(b->catalog, b->view, at->text, is_edge);
    const char *kind = is_edge ? "edge label" : "label";
    const int size = (int)wg_min_size(at->text.size, 64);
    const char *name = (const char *)at->text.data;
    if (near != NULL)
        return wgi_error(b, WG_E_NOT_FOUND, at, "%s '%.*s' does not exist; did you mean the %s '%s'?", kind, size,
                         name, kind, near);
    return wgi_error(b, WG_E_NOT_FOUND, at, "%s '%.*s' does not exist", kind, size, name);
}

wg_code wgi_labels(wgi_binder *b, const wg_ast *ast, uint32_t first, const uint32_t **out, uint32_t *out_count,
                   bool *out_missing) {
    uint32_t *labels = wgi_alloc(b, ast->child_count, sizeof *labels);
    if (labels == NULL) return WG_E_NOMEM;
    uint32_t count = 0;
    for (uint32_t i = first; i < ast->child_count; i++) {
        const wg_ast *name = ast->child[i];
        if (name->kind != WG_AST_NAME) continue; /* conditions of their own */
        const wg_label *label = wg_catalog_label(b->catalog, b->view, name->text, false);
        if (label == NULL && b->closed_nodes) return unknown_label(b, name, false);
        if (label == NULL) {
            *out_missing = true;
            continue;
        }
        bool seen = false;
        for (uint32_t k = 0; k < count; k++) seen = seen || labels[k] == label->number;
        if (!seen) labels[count++] = label->number;
    }
    *out = labels;
    *out_count = count;
    return WG_OK;
}

/* Whether a relationship whose only type is `label` has what the expression says. An unknown name is one that none has. */
static wg_code type_fits(wgi_binder *b, const wg_ast *ast, const wg_label *label, bool *out) {
    if (ast->kind == WG_AST_LABEL_OF)
        return wgi_error(b, WG_E_BIND, ast,
                         "the type of a relationship to match is a name: write WHERE r:$(..), or type(r) = ..");
    if (ast->kind == WG_AST_NAME) {
        const wg_label *named = wg_catalog_label(b->catalog, b->view, ast->text, true);
        if (named == NULL && b->closed_edges) return unknown_label(b, ast, true);
        *out = named == label;
        return WG_OK;
    }
    *out = ast->kind == WG_AST_LABEL_ANY || ast->op == WG_OP_AND;
    for (uint32_t i = 0; i < ast->child_count; i++) {
        bool one;
        WG_TRY(type_fits(b, ast->child[i], label, &one));
        if (ast->op == WG_OP_NOT) *out = !one;
        else *out = ast->op == WG_OP_AND ? *out && one : *out || one;
    }
    return WG_OK;
}

static wg_code add_types(wgi_binder *b, const wg_ast *expr, uint32_t *labels, uint32_t *count) {
    for (uint32_t k = 0; k < wg_catalog_label_count(b->catalog); k++) {
        const wg_label *label = wg_catalog_label_seen(b->catalog, k, b->view);
        bool fits = false;
        if (!label->def.is_edge || !wg_label_is_visible(label, b->view)) continue;
        WG_TRY(type_fits(b, expr, label, &fits));
        for (uint32_t i = 0; i < *count; i++) fits = fits && labels[i] != k;
        if (fits) labels[(*count)++] = k;
    }
    return WG_OK;
}

wg_code wgi_edge_types(wgi_binder *b, const wg_ast *ast, uint32_t first, const uint32_t **out, uint32_t *out_count,
                       bool *out_missing) {
    const uint32_t most = ast->child_count + wg_catalog_label_count(b->catalog);
    uint32_t *labels = wgi_alloc(b, most, sizeof *labels);
    if (labels == NULL) return WG_E_NOMEM;
    uint32_t count = 0;
    bool any = false, all = false;
    for (uint32_t i = first; i < ast->child_count; i++) {
        const wg_ast *name = ast->child[i];
        if (name->kind == WG_AST_WHERE) continue;
        any = true;
        all = all || name->kind == WG_AST_LABEL_ANY;
        if (name->kind == WG_AST_LABEL_OF) {
            bool unused;
            return type_fits(b, name, NULL, &unused);
        }
        if (name->kind != WG_AST_NAME) {
            WG_TRY(add_types(b, name, labels, &count));
            continue;
        }
        const wg_label *label = wg_catalog_label(b->catalog, b->view, name->text, true);
        if (label == NULL && b->closed_edges) return unknown_label(b, name, true);
        if (label == NULL) continue;
        bool seen = false;
        for (uint32_t k = 0; k < count; k++) seen = seen || labels[k] == label->number;
        if (!seen) labels[count++] = label->number;
    }
    if (all) count = 0; /* every type: as without one */
    *out = labels;
    *out_count = count;
    *out_missing = any && !all && count == 0;
    return WG_OK;
}

wg_code wgi_intern_label(wgi_binder *b, const wg_ast *at, wg_slice name, bool is_edge, uint32_t *out) {
    const wg_label *label = wg_catalog_label(b->catalog, b->view, name, is_edge);
    if (label != NULL) {
        if (label->def.kind == WG_LABEL_VIRTUAL)
            return wgi_error(b, WG_E_READ_ONLY, at,
                             "label '%s' is virtual: its rows live in files and cannot be written by a query",
                             label->def.name);
        *out = label->number;
        return WG_OK;
    }
    *out = WG_NO_LABEL;
    return wg_txn_is_write(b->txn) ? wg_txn_intern_label(b->txn, name, is_edge, out, b->err) : WG_OK;
}

wg_code wgi_intern_key(wgi_binder *b, wg_slice name, uint32_t *out) {
    *out = wg_catalog_key(b->catalog, name);
    if (*out != WG_NO_KEY || !wg_txn_is_write(b->txn)) return WG_OK;
    return wg_txn_intern_key(b->txn, name, out, b->err);
}

wg_code wgi_refuse_virtual(const wgi_binder *b, const wgi_symbol *symbol, const wg_ast *at, const char *what) {
    for (uint32_t i = 0; symbol->type == WG_TYPE_NODE && i < symbol->label_count; i++) {
        const wg_label *label = wg_catalog_label_seen(b->catalog, symbol->labels[i], b->view);
        if (label->def.kind == WG_LABEL_VIRTUAL)
            return wgi_error(b, WG_E_READ_ONLY, at, "%s: '%.*s' has the virtual label '%s', whose rows live in files",
                             what, (int)wg_min_size(symbol->name.size, 64), (const char *)symbol->name.data,
                             label->def.name);
    }
    return WG_OK;
}

/* True when all labels are declared ones, so that their columns are all that a row can have. */
static bool all_declared(const wgi_binder *b, const uint32_t *labels, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (wg_catalog_label_seen(b->catalog, labels[i], b->view)->def.kind == WG_LABEL_OPEN) return false;
    return count > 0;
}

const wg_ast *wgi_chain_base(const wg_ast *ast) {
    if (ast->kind != WG_AST_PROPERTY || ast->child[0]->kind != WG_AST_PROPERTY) return NULL;
    while (ast->kind == WG_AST_PROPERTY) ast = ast->child[0];
    return ast->kind == WG_AST_VARIABLE ? ast : NULL;
}

/* Are the names of the chain, with dots between them, the whole of `text`? Looked at from the end. */
static bool chain_is(const wg_ast *ast, wg_slice text) {
    size_t left = text.size;
    for (; ast->kind == WG_AST_PROPERTY; ast = ast->child[0]) {
        const wg_slice name = ast->text;
        if (name.size > left || !wg_slice_equal(wg_slice_of(text.data + left - name.size, name.size), name))
            return false;
        left -= name.size;
        if (ast->child[0]->kind == WG_AST_PROPERTY && (left == 0 || text.data[--left] != '.')) return false;
    }
    return left == 0;
}

bool wgi_inner_column(const wgi_binder *b, const uint32_t *labels, uint32_t count, const wg_ast *ast,
                      wg_slice *out_name) {
    const wg_ast *first = ast;
    bool found = false;
    if (wgi_chain_base(ast) == NULL || !all_declared(b, labels, count)) return false;
    while (first->child[0]->kind == WG_AST_PROPERTY) first = first->child[0];
    for (uint32_t i = 0; i < count; i++) {
        const wg_label_def *def = &wg_catalog_label_seen(b->catalog, labels[i], b->view)->def;
        if (wg_label_def_column(def, first->text) != UINT32_MAX) return false;
        for (uint32_t k = 0; k < def->column_count && !found; k++) {
            found = chain_is(ast, wg_slice_str(def->columns[k].name));
            if (found) *out_name = wg_slice_str(def->columns[k].name);
        }
    }
    return found;
}

/* A column of a file lies inside of a group by its path: `pose.x` is one name. */
static const char *column_inside(const wg_label_def *def, wg_slice group) {
    for (uint32_t k = 0; k < def->column_count; k++) {
        const wg_slice name = wg_slice_str(def->columns[k].name);
        if (name.size > group.size && name.data[group.size] == '.' &&
            wg_slice_equal(wg_slice_of(name.data, group.size), group))
            return def->columns[k].name;
    }
    return NULL;
}

static wg_code unknown_property(wgi_binder *b, const wg_ast *at, const uint32_t *labels, uint32_t count,
                                wg_slice name) {
    const char *near = NULL;
    for (uint32_t i = 0; i < count && near == NULL; i++) {
        const wg_label_def *def = &wg_catalog_label_seen(b->catalog, labels[i], b->view)->def;
        const char **names = wgi_alloc(b, def->column_count, sizeof *names);
        if (names == NULL) return WG_E_NOMEM;
        for (uint32_t k = 0; k < def->column_count; k++) names[k] = def->columns[k].name;
        near = wg_parser_suggest(name, names, def->column_count);
    }
    const int size = (int)wg_min_size(name.size, 64);
    const char *label = wg_catalog_label_seen(b->catalog, labels[0], b->view)->def.name;
    for (uint32_t i = 0; i < count; i++) {
        const char *inside = column_inside(&wg_catalog_label_seen(b->catalog, labels[i], b->view)->def, name);
        if (inside != NULL)
            return wgi_error(b, WG_E_NOT_FOUND, at,
                             "label '%s' has no property '%.*s', but columns inside of it, such as .%.80s", label,
                             size, (const char *)name.data, inside);
    }
    if (near != NULL)
        return wgi_error(b, WG_E_NOT_FOUND, at, "label '%s' has no property '%.*s'; did you mean the property '%s'?",
                         label, size, (const char *)name.data, near);
    return wgi_error(b, WG_E_NOT_FOUND, at, "label '%s' has no property '%.*s'", label, size,
                     (const char *)name.data);
}

wg_code wgi_property_type(wgi_binder *b, const wg_ast *at, const wgi_symbol *of, wg_slice name, uint32_t *out_key,
                          wg_type *out) {
    const uint32_t key = wg_txn_key(b->txn, name);
    wg_type type = WG_TYPE_NULL;
    if (key != WG_NO_KEY) {
        type = of->type == WG_TYPE_EDGE ? wg_txn_edge_property_type(b->txn, of->labels, of->label_count, key)
                                        : wgi_node_property_type(b, of->labels, of->label_count, key);
        if (of->type == WG_TYPE_NODE && of->label_count == 0 && b->has_virtual) type = WG_TYPE_ANY;
    }
    if (type == WG_TYPE_NULL && all_declared(b, of->labels, of->label_count))
        return unknown_property(b, at, of->labels, of->label_count, name);
    *out_key = key;
    *out = type;
    return WG_OK;
}

wg_type wgi_declared_type(const wgi_binder *b, const wgi_symbol *of, wg_slice name) {
    if (of == NULL || (of->type == WG_TYPE_EDGE && of->label_count > 1)) return WG_TYPE_ANY;
    for (uint32_t i = 0; i < of->label_count; i++) {
        const wg_label_def *def = &wg_catalog_label_seen(b->catalog, of->labels[i], b->view)->def;
        const uint32_t column = wg_label_def_column(def, name);
        if (column != UINT32_MAX) return wg_column_def_value_type(&def->columns[column]);
    }
    return WG_TYPE_ANY;
}
