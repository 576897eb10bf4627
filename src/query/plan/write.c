/* query/plan: CREATE, SET, REMOVE, DELETE.
 *
 * A write sees the rows as they were before it. Where one part of a clause reads what an earlier part of the same clause
 * has written, the clause is cut into two operators there. */
#include "query/optimize/optimize.h"

typedef struct creator {
    wgi_binder *b;
    wgi_relation *rel;
    wg_create_item *items;
    wgi_symbol *symbols; /* of the items, named or not */
    uint32_t count;
    bool merges; /* relationships may have no direction; properties see only the rows */
} creator;

/* ---- CREATE */

static wg_code flush_creates(creator *c) {
    wgi_binder *b = c->b;
    if (c->count == 0) return WG_OK;
    wg_plan *plan = wgi_plan(b, WG_PLAN_CREATE, c->rel->plan, NULL);
    wgi_new_slot *slots = wgi_alloc(b, c->count, sizeof *slots);
    wg_create_item *items = wgi_alloc(b, c->count, sizeof *items);
    if (plan == NULL || slots == NULL || items == NULL) return WG_E_NOMEM;
    memcpy(items, c->items, c->count * sizeof *items);
    for (uint32_t i = 0; i < c->count; i++) slots[i] = (wgi_new_slot){c->symbols[i].type, c->symbols[i].name};
    plan->creates = items;
    plan->create_count = c->count;
    WG_TRY(wgi_plan_slots(b, plan, c->rel->plan, NULL, slots, c->count));
    c->rel->plan = plan;
    c->rel->writes = true;
    wgi_forget_properties(c->rel);
    for (uint32_t i = 0; i < c->count; i++) WG_TRY(wgi_add_symbol(b, c->rel, &c->symbols[i]));
    c->count = 0;
    return WG_OK;
}

static const wgi_symbol *find_pending(const creator *c, wg_slice name) {
    for (uint32_t i = 0; i < c->count; i++)
        if (wg_slice_equal(c->symbols[i].name, name)) return &c->symbols[i];
    return wgi_find(c->rel, name);
}

/* In declared labels a property that there is not is refused at its name, with the nearest one. */
static wg_code check_property(wgi_binder *b, const wg_create_item *item, const wg_ast *entry) {
    const wgi_symbol made = {.type = item->is_edge ? WG_TYPE_EDGE : WG_TYPE_NODE,
                             .labels = item->labels,
                             .label_count = item->label_count};
    uint32_t key;
    wg_type type;
    return wgi_property_type(b, entry, &made, entry->text, &key, &type);
}

static wg_code bind_properties(wgi_binder *b, const wgi_relation *rel, const wg_ast *ast, wg_create_item *item) {
    wg_write_properties *out = &item->properties;
    *out = (wg_write_properties){0};
    if (ast == NULL) return WG_OK;
    if (ast->kind == WG_AST_PARAMETER) return wgi_bind_in(b, rel, "in CREATE", ast, &out->map);
    uint32_t *keys = wgi_alloc(b, ast->child_count, sizeof *keys);
    wg_expr **exprs = wgi_alloc(b, ast->child_count, sizeof(wg_expr *));
    if (keys == NULL || exprs == NULL) return WG_E_NOMEM;
    uint32_t count = 0;
    for (uint32_t i = 0; i < ast->child_count; i++) {
        uint32_t key, at = 0;
        wg_expr *expr;
        WG_TRY(check_property(b, item, ast->child[i]));
        WG_TRY(wgi_intern_key(b, ast->child[i]->text, &key));
        WG_TRY(wgi_bind_in(b, rel, "in CREATE", ast->child[i]->child[0], &expr));
        while (at < count && (keys[at] != key || key == WG_NO_KEY)) at++;
        keys[at] = key; /* of equal keys the last one counts */
        exprs[at] = expr;
        if (at == count) count++;
    }
    out->keys = keys;
    out->exprs = exprs;
    out->count = count;
    return WG_OK;
}

/* Makes sure that the properties can be bound over the rows that exist. */
static wg_code settle_references(creator *c, const wg_ast *properties) {
    wgi_relation pending = {.symbols = c->symbols, .symbol_count = c->count};
    return !c->merges && wgi_mentions(properties, &pending) ? flush_creates(c) : WG_OK;
}

static wg_code push_item(creator *c, const wg_create_item *item, wg_slice name, wg_type type) {
    if (name.size == 0) WG_TRY(wgi_hidden_name(c->b, &name));
    c->items[c->count] = *item;
    c->symbols[c->count] = (wgi_symbol){.name = name,
                                        .type = type,
                                        .slot = c->rel->plan->slot_count + c->count,
                                        .labels = item->labels,
                                        .label_count = item->label_count};
    c->count++;
    return WG_OK;
}

/* The value that names a label, over the rows that exist. */
static wg_code bind_label_of(wgi_binder *b, const wgi_relation *rel, const wg_ast *ast, wg_expr **out) {
    if (ast->op == WG_OP_OR)
        return wgi_error(b, WG_E_BIND, ast, "what is written has all of its labels: write $(..), not $any(..)");
    WG_TRY(wgi_bind_in(b, rel, "in the name of a label", ast->child[0], out));
    const wg_type type = (*out)->type;
    if (type != WG_TYPE_STRING && type != WG_TYPE_LIST && type != WG_TYPE_ANY)
        return wgi_error(b, WG_E_TYPE, ast->child[0], "the name of a label is a STRING, this is %s",
                         wg_type_name(type));
    return WG_OK;
}

static wg_code node_labels(creator *c, const wg_ast *ast, wg_create_item *item) {
    wgi_binder *b = c->b;
    uint32_t *labels = wgi_alloc(b, ast->child_count, sizeof *labels), count = 0, named = 0;
    wg_expr **exprs = wgi_alloc(b, ast->child_count, sizeof(wg_expr *));
    bool known = true; /* false: only in a check, which is never run */
    if (labels == NULL || exprs == NULL) return WG_E_NOMEM;
    for (uint32_t i = 1; i < ast->child_count; i++) {
        const wg_ast *part = ast->child[i];
        uint32_t label, at = 0;
        if (part->kind == WG_AST_LABEL_OF) {
            WG_TRY(settle_references(c, part));
            WG_TRY(bind_label_of(b, c->rel, part, &exprs[named++]));
            continue;
        }
        if (part->kind != WG_AST_NAME)
            return wgi_error(b, WG_E_BIND, part, "a node to create has labels, not conditions: (:A:B)");
        WG_TRY(wgi_intern_label(b, part, part->text, false, &label));
        while (at < count && labels[at] != label) at++;
        if (at == count) labels[count++] = label;
        known = known && label != WG_NO_LABEL;
    }
    item->labels = labels;
    item->label_count = known ? count : 0;
    item->label_exprs = exprs;
    item->label_expr_count = named;
    return WG_OK;
}

static wg_code create_node(creator *c, const wg_ast *ast, bool alone, wg_slice *out_name) {
    wgi_binder *b = c->b;
    const wgi_symbol *known = ast->text.size > 0 ? find_pending(c, ast->text) : NULL;
    if (known != NULL) {
        if (known->type != WG_TYPE_NODE && known->type != WG_TYPE_ANY)
            return wgi_error(b, WG_E_BIND, ast, "'%.*s' is %s, not a node", (int)wg_min_size(ast->text.size, 64),
                             (const char *)ast->text.data, wg_type_name(known->type));
        if (alone || ast->child[0] != NULL || ast->child_count > 1)
            return wgi_error(b, WG_E_BIND, ast, "variable '%.*s' exists already: it cannot be created again",
                             (int)wg_min_size(ast->text.size, 64), (const char *)ast->text.data);
        *out_name = known->name;
        return WG_OK;
    }
    WG_TRY(settle_references(c, ast->child[0]));
    wg_create_item item = {0};
    WG_TRY(node_labels(c, ast, &item));
    WG_TRY(bind_properties(b, c->rel, ast->child[0], &item));
    WG_TRY(push_item(c, &item, ast->text, WG_TYPE_NODE));
    *out_name = c->symbols[c->count - 1].name;
    return WG_OK;
}

static wg_code create_edge(creator *c, const wg_ast *ast, wg_slice left, wg_slice right) {
    wgi_binder *b = c->b;
    if (ast->flags & WG_AST_VARIABLE_LENGTH)
        return wgi_error(b, WG_E_BIND, ast, "a relationship of variable length cannot be created");
    if (ast->op != WG_AST_LEFT && ast->op != WG_AST_RIGHT && !c->merges)
        return wgi_error(b, WG_E_BIND, ast, "a relationship to create needs one direction: -[:TYPE]->");
    if (ast->child_count != 2 || (ast->child[1]->kind != WG_AST_NAME && ast->child[1]->kind != WG_AST_LABEL_OF))
        return wgi_error(b, WG_E_BIND, ast, "a relationship to create needs exactly one type: -[:TYPE]->");
    if (ast->text.size > 0 && find_pending(c, ast->text) != NULL)
        return wgi_error(b, WG_E_BIND, ast, "variable '%.*s' exists already: it cannot be created again",
                         (int)wg_min_size(ast->text.size, 64), (const char *)ast->text.data);
    WG_TRY(settle_references(c, ast->child[0]));
    uint32_t *label = wgi_alloc(b, 1, sizeof *label);
    if (label == NULL) return WG_E_NOMEM;
    const bool by_value = ast->child[1]->kind == WG_AST_LABEL_OF;
    wg_expr **exprs = wgi_alloc(b, 1, sizeof(wg_expr *));
    if (exprs == NULL) return WG_E_NOMEM;
    if (by_value) WG_TRY(settle_references(c, ast->child[1]));
    if (by_value) WG_TRY(bind_label_of(b, c->rel, ast->child[1], exprs));
    else WG_TRY(wgi_intern_label(b, ast->child[1], ast->child[1]->text, true, label));
    const uint32_t l = find_pending(c, left)->slot, r = find_pending(c, right)->slot;
    wg_create_item item = {.is_edge = true,
                           .labels = label,
                           .label_count = by_value ? 0 : 1,
                           .label_exprs = exprs,
                           .label_expr_count = by_value ? 1 : 0};
    item.from_slot = ast->op == WG_AST_LEFT ? r : l;
    item.to_slot = ast->op == WG_AST_LEFT ? l : r;
    if (*label == WG_NO_LABEL) item.label_count = 0;
    WG_TRY(bind_properties(b, c->rel, ast->child[0], &item));
    return push_item(c, &item, ast->text, WG_TYPE_EDGE);
}

static wg_code create_path(creator *c, const wg_ast *path) {
    wg_slice left = {0};
    if (path->op != WG_AST_PATH_ALL) return wgi_error(c->b, WG_E_BIND, path, "a shortest path cannot be created");
    for (uint32_t i = 0; i < path->child_count; i += 2) {
        wg_slice right;
        WG_TRY(create_node(c, path->child[i], path->child_count == 1, &right));
        if (i > 0) WG_TRY(create_edge(c, path->child[i - 1], left, right));
        left = right;
    }
    return WG_OK;
}

wg_code wgi_create(wgi_binder *b, const wg_ast *clause, wgi_relation *rel) {
    wg_ast *pattern;
    WG_TRY(wgi_name_pattern(b, clause->child[0], &pattern));
    uint32_t elements = 0;
    for (uint32_t i = 0; i < pattern->child_count; i++) elements += pattern->child[i]->child_count;
    creator c = {.b = b, .rel = rel};
    c.items = wgi_alloc(b, elements, sizeof *c.items);
    c.symbols = wgi_alloc(b, elements, sizeof *c.symbols);
    if (c.items == NULL || c.symbols == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < pattern->child_count; i++) {
        WG_TRY(create_path(&c, pattern->child[i]));
        const wg_slice name = pattern->child[i]->text;
        if (name.size > 0 && (wgi_find(rel, name) != NULL || find_pending(&c, name) != NULL))
            return wgi_error(b, WG_E_BIND, pattern->child[i], "variable '%.*s' exists already",
                             (int)wg_min_size(name.size, 64), (const char *)name.data);
    }
    WG_TRY(flush_creates(&c));
    for (uint32_t i = 0; i < pattern->child_count; i++)
        if (pattern->child[i]->text.size > 0) WG_TRY(wgi_path_value(b, pattern->child[i], rel));
    return WG_OK;
}

wg_code wgi_create_items_of(wgi_binder *b, const wg_ast *path, wgi_relation *rel, wg_create_item **out_items,
                            wgi_symbol **out_symbols, uint32_t *out_count) {
    creator c = {.b = b, .rel = rel, .merges = true};
    c.items = wgi_alloc(b, path->child_count, sizeof *c.items);
    c.symbols = wgi_alloc(b, path->child_count, sizeof *c.symbols);
    if (c.items == NULL || c.symbols == NULL) return WG_E_NOMEM;
    WG_TRY(create_path(&c, path));
    *out_items = c.items;
    *out_symbols = c.symbols;
    *out_count = c.count;
    return WG_OK;
}

/* ---- SET and REMOVE */

static wg_code set_plan(wgi_binder *b, wgi_relation *rel, const wg_set_item *items, uint32_t count) {
    if (count == 0) return WG_OK;
    wg_plan *plan = wgi_plan(b, WG_PLAN_SET, rel->plan, NULL);
    wg_set_item *copy = wgi_alloc(b, count, sizeof *copy);
    if (plan == NULL || copy == NULL) return WG_E_NOMEM;
    memcpy(copy, items, count * sizeof *copy);
    plan->sets = copy;
    plan->set_count = count;
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, NULL, 0));
    rel->plan = plan;
    rel->writes = true;
    wgi_forget_properties(rel);
    return WG_OK;
}

static bool reads_entity(const wg_ast *ast, const wgi_relation *rel) {
    if (ast == NULL) return false;
    if (ast->kind == WG_AST_VARIABLE || ast->kind == WG_AST_MAP_PROJECTION) {
        const wgi_symbol *symbol = wgi_find(rel, ast->text);
        if (symbol != NULL && (symbol->type == WG_TYPE_NODE || symbol->type == WG_TYPE_EDGE)) return true;
    }
    for (uint32_t i = 0; i < ast->child_count; i++)
        if (reads_entity(ast->child[i], rel)) return true;
    return false;
}

static wg_code bind_target(wgi_binder *b, const wgi_relation *rel, const wg_ast *ast, wg_expr **out) {
    WG_TRY(wgi_bind_in(b, rel, "in SET", ast, out));
    const wg_type type = (*out)->type;
    if (type != WG_TYPE_NODE && type != WG_TYPE_EDGE && type != WG_TYPE_ANY && type != WG_TYPE_NULL)
        return wgi_error(b, WG_E_TYPE, ast, "only nodes and relationships can be changed, this is %s",
                         wg_type_name(type));
    const wgi_symbol *symbol = ast->kind == WG_AST_VARIABLE ? wgi_find(rel, ast->text) : NULL;
    return symbol != NULL ? wgi_refuse_virtual(b, symbol, ast, "SET") : WG_OK;
}

static wg_code target_by_name(wgi_binder *b, const wgi_relation *rel, const wg_ast *item, wg_expr **out) {
    wg_ast *variable = wgi_alloc(b, 1, sizeof *variable);
    if (variable == NULL) return WG_E_NOMEM;
    *variable = (wg_ast){.kind = WG_AST_VARIABLE, .start = item->start, .end = item->end, .text = item->text};
    return bind_target(b, rel, variable, out);
}

/* A property whose name is a value: a map of one entry, null where it is removed. */
static wg_code set_by_name(wgi_binder *b, const wgi_relation *rel, const wg_ast *target, const wg_ast *value,
                           wg_set_item *out) {
    const wg_value null = wg_value_null();
    wg_expr *args[2], *map;
    *out = (wg_set_item){.kind = WG_SET_MERGE_MAP};
    WG_TRY(bind_target(b, rel, target->child[0], &out->target));
    WG_TRY(wgi_bind_in(b, rel, "in SET", target->child[1], &args[0]));
    if (args[0]->type != WG_TYPE_STRING && args[0]->type != WG_TYPE_ANY)
        return wgi_error(b, WG_E_TYPE, target->child[1], "the name of a property is a STRING, this is %s",
                         wg_type_name(args[0]->type));
    if (value != NULL) WG_TRY(wgi_bind_in(b, rel, "in SET", value, &args[1]));
    else WG_TRY(wgi_const_expr(b, &null, WG_TYPE_NULL, target, &args[1]));
    WG_TRY(wgi_call(b, target, "%entry", args, 2, &map));
    out->properties = (wg_write_properties){.map = map};
    return WG_OK;
}

/* One property; `value` NULL removes it. Declared columns are checked here where they are known. */
static wg_code set_property(wgi_binder *b, const wgi_relation *rel, const wg_ast *property, const wg_ast *value,
                            wg_set_item *out) {
    if (property->kind == WG_AST_INDEX) return set_by_name(b, rel, property, value, out);
    uint32_t *keys = wgi_alloc(b, 1, sizeof *keys);
    wg_expr **exprs = wgi_alloc(b, 1, sizeof(wg_expr *));
    const wg_value null = wg_value_null();
    const wg_ast *base = property->child[0];
    if (keys == NULL || exprs == NULL) return WG_E_NOMEM;
    *out = (wg_set_item){.kind = WG_SET_PROPERTY};
    WG_TRY(bind_target(b, rel, base, &out->target));
    const wgi_symbol *symbol = base->kind == WG_AST_VARIABLE ? wgi_find(rel, base->text) : NULL;
    if (symbol != NULL && symbol->label_count > 0) {
        uint32_t key;
        wg_type type;
        WG_TRY(wgi_property_type(b, property, symbol, property->text, &key, &type));
    }
    WG_TRY(wgi_intern_key(b, property->text, keys));
    if (value != NULL) {
        WG_TRY(wgi_bind_in(b, rel, "in SET", value, exprs));
    } else {
        WG_TRY(wgi_const_expr(b, &null, WG_TYPE_NULL, property, exprs));
    }
    out->properties = (wg_write_properties){.keys = keys, .exprs = exprs, .count = 1};
    return WG_OK;
}

static wg_code set_map(wgi_binder *b, const wgi_relation *rel, const wg_ast *item, wg_set_item *out) {
    *out = (wg_set_item){.kind = item->kind == WG_AST_SET_MERGE ? WG_SET_MERGE_MAP : WG_SET_REPLACE_MAP};
    WG_TRY(target_by_name(b, rel, item, &out->target));
    wg_expr *map;
    WG_TRY(wgi_bind_in(b, rel, "in SET", item->child[0], &map));
    if (map->type == WG_TYPE_NODE || map->type == WG_TYPE_EDGE) {
        WG_TRY(wgi_call(b, item->child[0], "properties", &map, 1, &map));
    } else if (map->type != WG_TYPE_MAP && map->type != WG_TYPE_ANY) {
        return wgi_error(b, WG_E_TYPE, item->child[0], "properties come from a map, this is %s",
                         wg_type_name(map->type));
    }
    out->properties = (wg_write_properties){.map = map};
    return WG_OK;
}

static wg_code set_labels(wgi_binder *b, const wgi_relation *rel, const wg_ast *item, bool add, wg_set_item *out) {
    *out = (wg_set_item){.kind = add ? WG_SET_ADD_LABELS : WG_SET_REMOVE_LABELS};
    WG_TRY(target_by_name(b, rel, item, &out->target));
    if (out->target->type == WG_TYPE_EDGE)
        return wgi_error(b, WG_E_TYPE, item, "a relationship keeps its type; only labels of nodes change");
    uint32_t *labels = wgi_alloc(b, item->child_count, sizeof *labels);
    wg_expr **exprs = wgi_alloc(b, item->child_count, sizeof(wg_expr *));
    if (labels == NULL || exprs == NULL) return WG_E_NOMEM;
    uint32_t count = 0;
    out->label_exprs = exprs;
    for (uint32_t i = 0; i < item->child_count; i++) {
        const wg_ast *name = item->child[i];
        if (name->kind == WG_AST_LABEL_OF) {
            WG_TRY(bind_label_of(b, rel, name, &exprs[out->label_expr_count++]));
            continue;
        }
        const wg_label *label = wg_catalog_label(b->catalog, b->view, name->text, false);
        if (!add && label == NULL) continue; /* nobody has it */
        WG_TRY(wgi_intern_label(b, name, name->text, false, &labels[count]));
        if (labels[count] != WG_NO_LABEL) count++;
    }
    out->labels = labels;
    out->label_count = count;
    return WG_OK;
}

static wg_code set_item(wgi_binder *b, const wgi_relation *rel, const wg_ast *item, wg_set_item *out) {
    switch (item->kind) {
        case WG_AST_SET_PROPERTY:
            return set_property(b, rel, item->child[0], item->child[1], out);
        case WG_AST_SET_LABELS:
            return set_labels(b, rel, item, true, out);
        case WG_AST_REMOVE_PROPERTY:
            return set_property(b, rel, item->child[0], NULL, out);
        case WG_AST_REMOVE_LABELS:
            return set_labels(b, rel, item, false, out);
        default:
            return set_map(b, rel, item, out);
    }
}

static const wg_ast *value_of(const wg_ast *item) {
    if (item->kind == WG_AST_SET_PROPERTY) return item->child[1];
    return item->kind == WG_AST_SET_REPLACE || item->kind == WG_AST_SET_MERGE ? item->child[0] : NULL;
}

/* Whether what names the property, or labels, looks at nodes or relationships. */
static bool names_read(const wg_ast *item, const wgi_relation *rel) {
    bool reads = false;
    if (item->kind == WG_AST_SET_PROPERTY || item->kind == WG_AST_REMOVE_PROPERTY)
        return item->child[0]->kind == WG_AST_INDEX && reads_entity(item->child[0]->child[1], rel);
    for (uint32_t i = 0; i < item->child_count; i++)
        if (item->child[i]->kind == WG_AST_LABEL_OF) reads = reads || reads_entity(item->child[i], rel);
    return reads;
}

/* The item with a slot for every subquery in its value. What was set before is written first. */
static wg_code hoist_value(wgi_binder *b, wgi_relation *rel, const wg_ast *item, const wg_ast **out) {
    const wg_ast *value;
    const uint32_t at = item->kind == WG_AST_SET_PROPERTY ? 1 : 0;
    wg_ast *copy = wgi_alloc(b, 1, sizeof *copy);
    wg_ast **children = wgi_alloc(b, 2, sizeof *children);
    if (copy == NULL || children == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_hoist(b, rel, item->child[at], &value));
    children[0] = item->child[0];
    memcpy(&children[at], &value, sizeof value);
    *copy = *item;
    copy->child = children;
    *out = copy;
    return WG_OK;
}

wg_code wgi_set(wgi_binder *b, const wg_ast *clause, wgi_relation *rel) {
    wg_set_item *items = wgi_alloc(b, clause->child_count, sizeof *items);
    if (items == NULL) return WG_E_NOMEM;
    uint32_t count = 0;
    for (uint32_t i = 0; i < clause->child_count; i++) {
        const wg_ast *item = clause->child[i];
        const bool subquery = wgi_has_subquery(value_of(item));
        if (count > 0 && (subquery || reads_entity(value_of(item), rel) || names_read(item, rel))) {
            WG_TRY(set_plan(b, rel, items, count));
            count = 0;
        }
        if (subquery) WG_TRY(hoist_value(b, rel, item, &item));
        WG_TRY(set_item(b, rel, item, &items[count]));
        count++; /* even with no label that exists: a deleted node is refused all the same */
    }
    WG_TRY(set_plan(b, rel, items, count));
    wgi_forget_labels(rel);
    return WG_OK;
}

wg_code wgi_set_items_of(wgi_binder *b, const wg_ast *set, const wgi_relation *rel, wg_set_item *out,
                         uint32_t *count) {
    for (uint32_t i = 0; i < set->child_count; i++) {
        WG_TRY(set_item(b, rel, set->child[i], out));
        out++;
        (*count)++;
    }
    return WG_OK;
}

wg_code wgi_remove(wgi_binder *b, const wg_ast *clause, wgi_relation *rel) { return wgi_set(b, clause, rel); }

/* ---- DELETE */

static void mark_deleted(const wg_ast *clause, wgi_relation *rel) {
    for (uint32_t i = 0; i < clause->child_count; i++)
        for (uint32_t k = 0; k < rel->symbol_count; k++)
            if (clause->child[i]->kind == WG_AST_VARIABLE &&
                wg_slice_equal(clause->child[i]->text, rel->symbols[k].name))
                rel->symbols[k].deleted = true;
}

static wg_code delete_plan(wgi_binder *b, const wg_ast *clause, wgi_relation *rel, wg_expr *const *exprs,
                           uint32_t count) {
    if (count == 0) return WG_OK;
    wg_plan *plan = wgi_plan(b, WG_PLAN_DELETE, rel->plan, NULL);
    if (plan == NULL) return WG_E_NOMEM;
    plan->exprs = exprs;
    plan->expr_count = count;
    plan->detach = (clause->flags & WG_AST_DETACH) != 0;
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, NULL, 0));
    rel->plan = plan;
    rel->writes = true;
    wgi_forget_properties(rel);
    return WG_OK;
}

static wg_code bind_deleted(wgi_binder *b, const wgi_relation *rel, const wg_ast *ast, wg_expr **out) {
    if (ast->kind == WG_AST_HAS_LABELS)
        return wgi_error(b, WG_E_BIND, ast, "DELETE takes nodes and relationships; labels are removed with REMOVE");
    WG_TRY(wgi_bind_in(b, rel, "in DELETE", ast, out));
    const wg_type type = (*out)->type;
    if (type != WG_TYPE_NODE && type != WG_TYPE_EDGE && type != WG_TYPE_PATH && type != WG_TYPE_ANY &&
        type != WG_TYPE_NULL)
        return wgi_error(b, WG_E_TYPE, ast, "DELETE takes nodes, relationships and paths, this is %s",
                         wg_type_name(type));
    const wgi_symbol *symbol = ast->kind == WG_AST_VARIABLE ? wgi_find(rel, ast->text) : NULL;
    return symbol != NULL ? wgi_refuse_virtual(b, symbol, ast, "DELETE") : WG_OK;
}

/* Relationships of all rows go first: whether a node still has some is a question about the end of the clause. */
wg_code wgi_delete(wgi_binder *b, const wg_ast *clause, wgi_relation *rel) {
    wg_expr **edges = wgi_alloc(b, clause->child_count, sizeof(wg_expr *));
    wg_expr **others = wgi_alloc(b, clause->child_count, sizeof(wg_expr *));
    uint32_t edge_count = 0, other_count = 0;
    if (edges == NULL || others == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < clause->child_count; i++) {
        wg_expr *expr;
        WG_TRY(bind_deleted(b, rel, clause->child[i], &expr));
        if (expr->type == WG_TYPE_EDGE) {
            edges[edge_count++] = expr;
        } else {
            others[other_count++] = expr;
        }
    }
    WG_TRY(delete_plan(b, clause, rel, edges, edge_count));
    WG_TRY(delete_plan(b, clause, rel, others, other_count));
    mark_deleted(clause, rel);
    return WG_OK;
}
