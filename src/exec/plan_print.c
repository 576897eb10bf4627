/* Prints plans and expressions. Without a context the text is canonical: it depends on the plan alone, and its SHA-256 is the plan hash of
 * receipts. With one, scans say what they would prune and read, and operators show estimates.
 *
 * Every value is printed in a form that tells its type (1, 1.0, 'a'); strings are quoted with \ before quote and backslash, and control
 * bytes as \xNN, so that no two plans share a text. Lines are indented by depth; a constant's text cannot break a line. */
#include "exec/exec_functions.h"
#include "exec/procedure.h"

enum { PRINT_DEPTH_MAX = 4000 };

typedef struct printer {
    const wg_txn *txn; /* names are those that it sees; NULL: numbers */
    wg_buf *out;
    const wg_plan *input; /* names of slots; NULL: numbers */
} printer;

static bool put(const printer *p, const char *s) { return wg_buf_append_str(p->out, s); }

static bool put_quoted(const printer *p, wg_slice s, char quote) {
    bool ok = wg_buf_append_u8(p->out, (uint8_t)quote);
    for (size_t i = 0; i < s.size && ok; i++) {
        const uint8_t c = s.data[i];
        if (c < 0x20 || c == 0x7f) {
            ok = wg_buf_printf(p->out, "\\x%02x", c);
            continue;
        }
        if (c == '\\' || c == (uint8_t)quote) ok = wg_buf_append_u8(p->out, '\\');
        ok = ok && wg_buf_append_u8(p->out, c);
    }
    return ok && wg_buf_append_u8(p->out, (uint8_t)quote);
}

static bool put_name(const printer *p, wg_slice s) {
    bool plain = s.size > 0;
    for (size_t i = 0; i < s.size; i++) {
        const uint8_t c = s.data[i];
        plain &= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9' && i > 0);
    }
    return plain ? wg_buf_append(p->out, s.data, s.size) : put_quoted(p, s, '`');
}

static bool put_key(const printer *p, uint32_t key) {
    if (p->txn == NULL || key == WG_NO_KEY) return wg_buf_printf(p->out, "#%u", (unsigned)key);
    return put_name(p, wg_slice_str(wg_catalog_key_name(wg_txn_catalog(p->txn), key)));
}

static bool put_labels(const printer *p, const uint32_t *labels, uint32_t count, const char *before) {
    for (uint32_t i = 0; i < count; i++) {
        if (!put(p, before)) return false;
        const wg_label *label = p->txn != NULL && labels[i] != WG_NO_LABEL
                                    ? wg_catalog_label_seen(wg_txn_catalog(p->txn), labels[i], wg_txn_view(p->txn))
                                    : NULL;
        const bool ok = label != NULL ? put_name(p, wg_slice_str(label->def.name))
                                      : wg_buf_printf(p->out, "#%u", (unsigned)labels[i]);
        if (!ok) return false;
    }
    return true;
}

static bool put_value(const printer *p, const wg_value *v) {
    if (v->type == WG_TYPE_STRING) return put_quoted(p, wg_value_slice(v), '\'');
    if (v->type == WG_TYPE_NULL) return put(p, "null");
    if (v->type == WG_TYPE_LIST) {
        bool ok = put(p, "[");
        for (uint32_t i = 0; i < v->size && ok; i++) ok = (i == 0 || put(p, ", ")) && put_value(p, &v->as.list[i]);
        return ok && put(p, "]");
    }
    const bool bare = v->type == WG_TYPE_BOOL || v->type == WG_TYPE_INT || v->type == WG_TYPE_FLOAT;
    if (!bare && !wg_buf_printf(p->out, "%s ", wg_type_name((wg_type)v->type))) return false;
    return wg_value_print_json(p->out, v);
}

static bool put_slot(const printer *p, uint32_t slot) {
    const bool named = p->input != NULL && p->input->slot_names != NULL && slot < p->input->slot_count &&
                       p->input->slot_names[slot] != NULL && p->input->slot_names[slot][0] != '\0';
    if (!wg_buf_printf(p->out, "$%u", (unsigned)slot)) return false;
    return !named || (put(p, ":") && put_name(p, wg_slice_str(p->input->slot_names[slot])));
}

static bool put_expr(const printer *p, const wg_expr *e, uint32_t depth);

static bool put_list(const printer *p, wg_expr *const *exprs, uint32_t count, uint32_t depth) {
    for (uint32_t i = 0; i < count; i++)
        if ((i > 0 && !put(p, ", ")) || !put_expr(p, exprs[i], depth)) return false;
    return true;
}

static bool put_call(const printer *p, const wg_expr *e, uint32_t depth) {
    const char *name = e->function->name;
    const bool is_word = (name[0] | 0x20) >= 'a' && (name[0] | 0x20) <= 'z';
    if (e->arg_count == 2 &&
        (!is_word || strchr(name, ' ') != NULL || e->function->op != WGI_OP_NONE || strcmp(name, "IN") == 0 ||
         strcmp(name, "CONTAINS") == 0) &&
        name[0] != '[')
        return put(p, "(") && put_expr(p, e->args[0], depth) && put(p, " ") && put(p, name) && put(p, " ") &&
               put_expr(p, e->args[1], depth) && put(p, ")");
    return put(p, name) && put(p, "(") && put_list(p, e->args, e->arg_count, depth) && put(p, ")");
}

static bool put_case(const printer *p, const wg_expr *e, uint32_t depth) {
    bool ok = put(p, "CASE");
    uint32_t i = 0;
    for (; i + 1 < e->arg_count && ok; i += 2)
        ok = put(p, " WHEN ") && put_expr(p, e->args[i], depth) && put(p, " THEN ") &&
             put_expr(p, e->args[i + 1], depth);
    if (ok && i < e->arg_count) ok = put(p, " ELSE ") && put_expr(p, e->args[i], depth);
    return ok && put(p, " END");
}

static bool put_map(const printer *p, const wg_expr *e, uint32_t depth) {
    bool ok = put(p, "{");
    for (uint32_t i = 0; i < e->arg_count && ok; i++)
        ok = (i == 0 || put(p, ", ")) && put_name(p, e->names[i]) && put(p, ": ") && put_expr(p, e->args[i], depth);
    return ok && put(p, "}");
}

/* "all($0; list; condition)": the number of the first variable, then the parts in their order. */
static bool put_binding(const printer *p, const wg_expr *e, uint32_t depth) {
    static const char *const quantifiers[] = {"all", "any", "none", "single"};
    const char *name = e->kind == WG_EXPR_REDUCE          ? "reduce"
                       : e->kind == WG_EXPR_COMPREHENSION ? "comprehension"
                                                          : quantifiers[e->key & 3];
    return put(p, name) && wg_buf_printf(p->out, "($%u; ", (unsigned)e->slot) &&
           put_list(p, e->args, e->arg_count, depth) && put(p, ")");
}

static bool put_subplan(const printer *p, const wg_plan *plan);

static bool put_expr(const printer *p, const wg_expr *e, uint32_t depth) {
    if (depth == PRINT_DEPTH_MAX) return put(p, "...");
    switch (e->kind) {
        case WG_EXPR_CONST:
            return put_value(p, &e->value);
        case WG_EXPR_SLOT:
            return put_slot(p, e->slot);
        case WG_EXPR_PARAM:
            return wg_buf_printf(p->out, "@%u", (unsigned)e->slot);
        case WG_EXPR_NODE_PROPERTY:
        case WG_EXPR_EDGE_PROPERTY:
            return put_expr(p, e->args[0], depth + 1) && put(p, ".") && put_key(p, e->key);
        case WG_EXPR_PROPERTY:
            return put_expr(p, e->args[0], depth + 1) && put(p, ".") && put_name(p, e->name);
        case WG_EXPR_HAS_LABELS:
            return put_expr(p, e->args[0], depth + 1) && put_labels(p, e->labels, e->label_count, ":");
        case WG_EXPR_CALL:
            return put_call(p, e, depth + 1);
        case WG_EXPR_CASE:
            return put_case(p, e, depth + 1);
        case WG_EXPR_LIST:
            return put(p, "[") && put_list(p, e->args, e->arg_count, depth + 1) && put(p, "]");
        case WG_EXPR_MAP:
            return put_map(p, e, depth + 1);
        case WG_EXPR_LOCAL:
            return wg_buf_printf(p->out, "$%u", (unsigned)e->slot);
        case WG_EXPR_RANDOM:
            return put(p, e->type == WG_TYPE_STRING ? "randomUUID()" : "rand()");
        case WG_EXPR_COMPREHENSION:
        case WG_EXPR_QUANTIFIER:
        case WG_EXPR_REDUCE:
            return put_binding(p, e, depth + 1);
        case WG_EXPR_SUBQUERY:
            return put(p, "subquery(") && put_list(p, e->args, e->arg_count, depth + 1) && put(p, "; ") &&
                   put_subplan(p, e->plan) && put(p, ")");
    }
    WG_UNREACHABLE("an expression kind outside its enum");
}

bool wg_expr_print(const wg_expr *expr, const wg_plan *input, const wg_txn *txn, wg_buf *out) {
    const printer p = {.txn = txn, .out = out, .input = input};
    return put_expr(&p, expr, 0);
}

/* ---- operators */

/* The founding design's operator, then ours where it says more. */
static const char *operator_name(wg_plan_op op) {
    switch (op) {
        case WG_PLAN_UNIT:
            return "Unit";
        case WG_PLAN_SCAN:
            return "ShardDispatch+SegmentScan+TombstoneShadow";
        case WG_PLAN_SEEK:
            return "IndexFilter(Seek)";
        case WG_PLAN_INDEX_SEEK:
            return "IndexFilter(IndexSeek)";
        case WG_PLAN_EXPAND:
            return "TgkTraversal(Expand)";
        case WG_PLAN_EXPAND_INTO:
            return "TgkTraversal(ExpandInto)";
        case WG_PLAN_INTERSECT:
            return "TgkTraversal(Intersect)";
        case WG_PLAN_EXPAND_VAR:
            return "TgkTraversal(ExpandVar)";
        case WG_PLAN_EXISTS:
            return "TgkTraversal(Exists)";
        case WG_PLAN_SHORTEST:
            return "TgkTraversal(Shortest)";
        case WG_PLAN_FILTER:
            return "SimdFilter";
        case WG_PLAN_PROJECT:
            return "Projection";
        case WG_PLAN_HASH_JOIN:
            return "HashJoin";
        case WG_PLAN_CROSS:
            return "Product";
        case WG_PLAN_AGGREGATE:
            return "Aggregation";
        case WG_PLAN_DISTINCT:
            return "Aggregation(Distinct)";
        case WG_PLAN_SORT:
            return "Merge(Sort)";
        case WG_PLAN_PICK:
            return "LimitOffset(Pick)";
        case WG_PLAN_LIMIT:
            return "LimitOffset";
        case WG_PLAN_UNWIND:
            return "Unwind";
        case WG_PLAN_OPTIONAL:
            return "HashJoin(Optional)";
        case WG_PLAN_UNION:
            return "Merge(Union)";
        case WG_PLAN_CREATE:
            return "Create";
        case WG_PLAN_SET:
            return "Set";
        case WG_PLAN_DELETE:
            return "Delete";
        case WG_PLAN_MERGE:
            return "MergePattern";
        case WG_PLAN_ARGUMENT:
            return "Argument";
        case WG_PLAN_APPLY:
            return "Apply";
        case WG_PLAN_CALL:
            return "Call";
        case WG_PLAN_PROCEDURE:
            return "ProcedureCall";
        case WG_PLAN_PATTERN_COUNT:
            return "TgkTraversal(PatternCount)";
        case WG_PLAN_REACH:
            return "TgkTraversal(Reach)";
    }
    WG_UNREACHABLE("a plan operator outside its enum");
}

static const char *compare_name(wg_compare_op op) {
    static const char *const names[] = {"=", "<", "<=", ">", ">=", "IN", "IS NOT NULL"};
    return names[op];
}

static bool put_scan(const printer *p, const wg_plan *plan) {
    const wg_scan_spec *scan = &plan->scan;
    bool ok = put(p, !scan->is_edge       ? " labels="
                     : scan->without_ends ? " edges="
                     : scan->reversed     ? " edges and ends, backwards="
                                          : " edges and ends=") &&
              (scan->label_count > 0 || put(p, "*")) && put_labels(p, scan->labels, scan->label_count, ":") &&
              put(p, " columns=[");
    for (uint32_t i = 0; i < scan->key_count && ok; i++) {
        ok = (i == 0 || put(p, ", ")) && put_key(p, scan->keys[i]);
        if (ok && scan->types != NULL) ok = put(p, " ") && put(p, wg_type_name(scan->types[i]));
    }
    ok = ok && put(p, "]");
    if (scan->predicate_count > 0) ok = ok && put(p, " prune=[");
    for (uint32_t i = 0; i < scan->predicate_count && ok; i++) {
        const wg_scan_predicate *predicate = &scan->predicates[i];
        const bool by_expr = plan->scan_predicate_exprs != NULL && plan->scan_predicate_exprs[i] != NULL;
        ok = (i == 0 || put(p, ", ")) && put_key(p, predicate->key) && put(p, " ") &&
             put(p, compare_name(predicate->op));
        if (!ok || predicate->op == WG_CMP_NOT_NULL) continue;
        ok = put(p, " ") &&
             (by_expr ? put_expr(p, plan->scan_predicate_exprs[i], 0) : put_value(p, &predicate->value));
    }
    if (scan->predicate_count > 0) ok = ok && put(p, "]");
    return ok;
}

static bool put_expand(const printer *p, const wg_plan *plan) {
    const bool out = (plan->direction & WG_DIRECTION_OUT) != 0;
    const bool in = (plan->direction & WG_DIRECTION_IN) != 0;
    bool ok = put(p, plan->negated ? " not " : " ") && put_slot(p, plan->slot) && put(p, in && !out ? "<-[" : "-[") &&
              put_labels(p, plan->edge_labels, plan->edge_label_count, ":") && put(p, out && !in ? "]->" : "]-");
    if (ok && (plan->op == WG_PLAN_EXPAND_INTO || plan->op == WG_PLAN_SHORTEST || plan->into))
        ok = put_slot(p, plan->slot_b);
    if (ok && plan->optional) ok = put(p, " or nothing");
    for (uint32_t i = 0; i < plan->unique_edge_slot_count && ok; i++)
        ok = put(p, i == 0 ? " unlike " : ", ") && put_slot(p, plan->unique_edge_slots[i]);
    return ok;
}

static bool put_meets(const printer *p, const wg_plan *plan) {
    const uint32_t input = plan->children[0]->slot_count;
    const char *name = plan->slot_names[input + 1];
    bool ok = wg_buf_printf(p->out, " $%u", (unsigned)(input + 1)) && (name[0] == 0 || (put(p, ":") && put(p, name)));
    for (uint32_t i = 0; i < plan->meet_count && ok; i++) {
        const wg_meet *m = &plan->meets[i];
        const bool out = (m->direction & WG_DIRECTION_OUT) != 0, in = (m->direction & WG_DIRECTION_IN) != 0;
        ok = put(p, i == 0 ? " of " : ", ") && put_slot(p, m->slot) && put(p, in && !out ? "<-[" : "-[") &&
             put_labels(p, m->edge_labels, m->edge_label_count, ":") && put(p, out && !in ? "]->" : "]-");
        for (uint32_t k = 0; k < m->unique_edge_slot_count && ok; k++)
            ok = wg_buf_printf(p->out, k == 0 ? " unlike $%u" : " $%u", (unsigned)m->unique_edge_slots[k]);
    }
    return ok;
}

/* What a walk may repeat, and the relationships of each repetition. */
static bool put_steps(const printer *p, const wg_plan *plan) {
    static const char *const modes[] = {"", " walk", " acyclic", " simple"};
    const printer own = {.txn = p->txn, .out = p->out, .input = plan->step_input};
    bool ok = put(p, modes[plan->walk_mode]);
    for (uint32_t i = 0; i < plan->step_count && ok; i++) {
        const wg_walk_step *step = &plan->steps[i];
        ok = put(p, i == 0 ? " of " : ", ") && put(p, step->direction == WG_DIRECTION_IN ? "<-[" : "-[") &&
             put_labels(p, step->edge_labels, step->edge_label_count, ":") && put(p, step->missing ? "none" : "") &&
             put(p, step->direction == WG_DIRECTION_OUT ? "]->" : "]-");
        if (ok && step->filter != NULL) ok = put(p, " if ") && put_expr(&own, step->filter, 0);
    }
    return ok;
}

static bool put_hops(const printer *p, const wg_plan *plan) {
    bool ok = wg_buf_printf(p->out, " hops %u..", (unsigned)plan->hops_min);
    if (ok && plan->hops_max != UINT32_MAX) ok = wg_buf_printf(p->out, "%u", (unsigned)plan->hops_max);
    for (uint32_t i = 0; i < plan->expr_count && ok; i++)
        ok = put(p, i == 0 ? " each " : ", ") && put_key(p, plan->edge_keys[i]) && put(p, " = ") &&
             put_expr(p, plan->exprs[i], 0);
    if (ok && plan->paths > 0)
        ok = wg_buf_printf(p->out, " first %u%s", (unsigned)plan->paths, plan->all_shortest ? " lengths" : "");
    return ok && (!plan->backwards || put(p, " backwards")) &&
           (!plan->all_shortest || plan->paths > 0 || put(p, " all")) && (!plan->cycles || put(p, " cycles")) &&
           (!plan->by_id || put(p, " by id")) && put_steps(p, plan);
}

static bool put_index(const printer *p, const wg_plan *plan) {
    static const char *const ops[] = {" = ", " IN ", " > ", " >= ", " < ", " <= ", " STARTS WITH "};
    const wg_rule_def *def = &plan->rule->def;
    uint32_t at = 0;
    bool ok = put(p, " index=") && put(p, def->name) && put(p, plan->index_edges ? " type=" : " label=") &&
              put_labels(p, &def->label, 1, ":") && put(p, " key=[");
    for (uint32_t i = 0; i < plan->expr_count && ok; i++) {
        ok = (i == 0 || put(p, ", ")) && put_key(p, def->keys[at]) && put(p, ops[plan->index_ops[i]]) &&
             put_expr(p, plan->exprs[i], 0);
        /* Bounds are of one property, the last. */
        if (plan->index_ops[i] == WG_INDEX_EQ || plan->index_ops[i] == WG_INDEX_IN) at++;
    }
    if (ok && plan->index_edges && plan->direction == WG_DIRECTION_BOTH) ok = put(p, "] both ways");
    else ok = ok && put(p, "]");
    return ok;
}

static bool put_keys(const printer *p, const wg_plan *plan) {
    const printer right = {.txn = p->txn, .out = p->out, .input = plan->children[1]};
    bool ok = put(p, " on ");
    for (uint32_t i = 0; i < plan->expr_count && ok; i++)
        ok = (i == 0 || put(p, ", ")) && put_expr(p, plan->exprs[i], 0) && put(p, " = ") &&
             put_expr(&right, plan->right_exprs[i], 0);
    return ok;
}

static bool put_aggregates(const printer *p, const wg_plan *plan) {
    static const char *const names[] = {"count(*)", "count", "sum", "avg", "min", "max", "collect"};
    bool ok = put(p, " keys=[") && put_list(p, plan->exprs, plan->expr_count, 0) && put(p, "] values=[");
    for (uint32_t i = 0; i < plan->aggregate_count && ok; i++) {
        const wg_aggregate *a = &plan->aggregates[i];
        ok = (i == 0 || put(p, ", ")) && put(p, names[a->kind]);
        if (ok && a->kind != WG_AGG_COUNT_STAR)
            ok = put(p, a->distinct ? "(DISTINCT " : "(") && put_expr(p, a->arg, 0) && put(p, ")");
    }
    ok = ok && put(p, "]");
    return ok && (!plan->weighted || (put(p, " times ") && put_slot(p, plan->slot)));
}

static bool put_bounds(const printer *p, const wg_plan *plan) {
    bool ok = true;
    if (plan->skip_expr != NULL) ok = put(p, " skip ") && put_expr(p, plan->skip_expr, 0);
    if (ok && plan->limit_expr != NULL) ok = put(p, " limit ") && put_expr(p, plan->limit_expr, 0);
    return ok;
}

static bool put_sort(const printer *p, const wg_plan *plan) {
    bool ok = put(p, " by ");
    for (uint32_t i = 0; i < plan->sort_item_count && ok; i++)
        ok = (i == 0 || put(p, ", ")) && put_expr(p, plan->sort_items[i].expr, 0) &&
             put(p, plan->sort_items[i].descending ? " DESC" : " ASC");
    return ok && put_bounds(p, plan);
}

static bool put_properties(const printer *p, const wg_write_properties *properties) {
    bool ok = put(p, "{");
    for (uint32_t i = 0; i < properties->count && ok; i++)
        ok = (i == 0 || put(p, ", ")) && put_key(p, properties->keys[i]) && put(p, ": ") &&
             put_expr(p, properties->exprs[i], 0);
    if (ok && properties->map != NULL) ok = put(p, "*") && put_expr(p, properties->map, 0);
    return ok && put(p, "}");
}

/* Labels that values name. */
static bool put_named(const printer *p, wg_expr *const *exprs, uint32_t count) {
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++) ok = put(p, ":$(") && put_expr(p, exprs[i], 0) && put(p, ")");
    return ok;
}

static bool put_creates(const printer *p, const wg_plan *plan) {
    bool ok = true;
    for (uint32_t i = 0; i < plan->create_count && ok; i++) {
        const wg_create_item *item = &plan->creates[i];
        ok = put(p, i == 0 ? " " : ", ");
        if (ok && item->is_edge) ok = wg_buf_printf(p->out, "$%u-[", (unsigned)item->from_slot);
        else ok = ok && put(p, "(");
        ok = ok && put_labels(p, item->labels, item->label_count, ":") &&
             put_named(p, item->label_exprs, item->label_expr_count) && put_properties(p, &item->properties);
        if (ok && item->is_edge) ok = wg_buf_printf(p->out, "]->$%u", (unsigned)item->to_slot);
        else ok = ok && put(p, ")");
    }
    return ok;
}

static bool put_sets(const printer *p, const wg_set_item *items, uint32_t count) {
    static const char *const marks[] = {" . ", " += ", " = ", " +", " -"};
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++) {
        const wg_set_item *item = &items[i];
        ok = put(p, i == 0 ? " " : ", ") && put_expr(p, item->target, 0) && put(p, marks[item->kind]);
        if (ok && (item->kind == WG_SET_ADD_LABELS || item->kind == WG_SET_REMOVE_LABELS))
            ok = put_labels(p, item->labels, item->label_count, ":") &&
                 put_named(p, item->label_exprs, item->label_expr_count);
        else ok = ok && put_properties(p, &item->properties);
    }
    return ok;
}

/* The expressions of SET are over the rows of the operator itself. */
static bool put_merge(const printer *p, const wg_plan *plan) {
    const printer own = {.txn = p->txn, .out = p->out, .input = plan};
    return put_creates(p, plan) && (plan->on_create_count == 0 || put(p, " on create")) &&
           put_sets(&own, plan->on_create, plan->on_create_count) && (plan->set_count == 0 || put(p, " on match")) &&
           put_sets(&own, plan->sets, plan->set_count);
}

static bool put_procedure(const printer *p, const wg_plan *plan) {
    const wg_procedure *procedure = plan->procedure;
    bool ok = put(p, " ") && put(p, procedure->name) && put(p, "(") &&
              put_list(p, plan->exprs, plan->expr_count, 0) && put(p, ")");
    for (uint32_t i = 0; i < plan->yield_count && ok; i++)
        ok = put(p, i == 0 ? " yields " : ", ") && put(p, procedure->results[plan->yields[i]].name);
    return ok;
}

static bool put_vertex(const printer *p, const wg_pattern *pattern, uint32_t vertex) {
    const char *name = pattern->vertices[vertex].name;
    return name[0] != 0 ? wg_buf_printf(p->out, "(%s)", name) : wg_buf_printf(p->out, "(%u)", (unsigned)vertex);
}

static bool put_pattern(const printer *p, const wg_plan *plan) {
    const wg_pattern *pattern = plan->pattern;
    bool ok = true;
    for (uint32_t i = 0; i < pattern->edge_count && ok; i++) {
        static const char *const kinds[] = {"", "optional ", "exists ", "not exists "};
        const wg_pattern_edge *edge = &pattern->edges[i];
        ok = put(p, i == 0 ? " " : ", ") && put(p, kinds[edge->kind]) && put_vertex(p, pattern, edge->from) &&
             wg_buf_printf(p->out, "-%u[", (unsigned)i) && put_labels(p, edge->labels, edge->label_count, ":") &&
             (edge->label < WG_PATTERN_SET ||
              wg_buf_printf(p->out, " of set %u", (unsigned)(edge->label - WG_PATTERN_SET))) &&
             put(p, edge->undirected ? "]-" : "]->") && put_vertex(p, pattern, edge->to);
    }
    for (uint32_t i = 0; i < pattern->unlike_count && ok; i++) {
        const wg_pattern_unlike *u = &pattern->unlikes[i];
        ok = put(p, i == 0 ? " unlike " : ", ");
        if (u->is_edges) ok = ok && wg_buf_printf(p->out, "%u<>%u", (unsigned)u->a, (unsigned)u->b);
        else ok = ok && put_vertex(p, pattern, u->a) && put(p, "<>") && put_vertex(p, pattern, u->b);
    }
    return ok;
}

static bool put_details(const printer *p, const wg_plan *plan) {
    switch (plan->op) {
        case WG_PLAN_SCAN:
            return put_scan(p, plan);
        case WG_PLAN_EXPAND:
        case WG_PLAN_EXPAND_INTO:
        case WG_PLAN_EXISTS:
            return put_expand(p, plan);
        case WG_PLAN_INTERSECT:
            return put_meets(p, plan);
        case WG_PLAN_EXPAND_VAR:
        case WG_PLAN_SHORTEST:
            return put_expand(p, plan) && put_hops(p, plan);
        case WG_PLAN_HASH_JOIN:
        case WG_PLAN_OPTIONAL:
            return put_keys(p, plan);
        case WG_PLAN_AGGREGATE:
            return put_aggregates(p, plan);
        case WG_PLAN_SORT:
            return put_sort(p, plan);
        case WG_PLAN_LIMIT:
            return put_bounds(p, plan);
        case WG_PLAN_PICK:
            return wg_buf_printf(p->out, " first %u%s by ", (unsigned)plan->hops_max,
                                 plan->all_shortest ? " lengths" : "") &&
                   put_list(p, plan->exprs, plan->expr_count, 0) && put(p, "; ") &&
                   put_list(p, plan->right_exprs, 1, 0);
        case WG_PLAN_CREATE:
            return put_creates(p, plan);
        case WG_PLAN_SET:
            return put_sets(p, plan->sets, plan->set_count);
        case WG_PLAN_MERGE:
            return put_merge(p, plan);
        case WG_PLAN_SEEK:
            return put(p, " label=") && put_labels(p, &plan->label, 1, ":") && put(p, " key=[") &&
                   put_list(p, plan->exprs, plan->expr_count, 0) && put(p, "]");
        case WG_PLAN_INDEX_SEEK:
            return put_index(p, plan);
        case WG_PLAN_DELETE:
            if (plan->detach && !put(p, " detach")) return false;
            return put(p, " ") && put_list(p, plan->exprs, plan->expr_count, 0);
        case WG_PLAN_PROCEDURE:
            return put_procedure(p, plan);
        case WG_PLAN_PATTERN_COUNT:
            return put_pattern(p, plan) &&
                   (!plan->grouped || (put(p, " for each ") && put_vertex(p, plan->pattern, plan->slot)));
        case WG_PLAN_REACH:
            return put_pattern(p, plan) && (plan->hops_max == 0 || put_hops(p, plan)) &&
                   (plan->aggregate_count == 0 || put(p, " counted"));
        case WG_PLAN_FILTER:
        case WG_PLAN_PROJECT:
        case WG_PLAN_UNWIND:
            return put(p, " ") && put_list(p, plan->exprs, plan->expr_count, 0);
        case WG_PLAN_UNIT:
        case WG_PLAN_CROSS:
        case WG_PLAN_DISTINCT:
        case WG_PLAN_UNION:
        case WG_PLAN_ARGUMENT:
        case WG_PLAN_APPLY:
        case WG_PLAN_CALL:
            return true;
    }
    WG_UNREACHABLE("a plan operator outside its enum");
}

/* The plan of an expression in one line: operators from the top, the inputs of each in braces. */
static bool put_subplan(const printer *p, const wg_plan *plan) {
    const printer inner = {.txn = p->txn, .out = p->out, .input = plan->children[0]};
    bool ok = put(p, operator_name(plan->op)) && put_details(&inner, plan);
    for (int i = 0; i < 2 && ok; i++)
        if (plan->children[i] != NULL) ok = put(p, " {") && put_subplan(p, plan->children[i]) && put(p, "}");
    return ok;
}

/* What EXPLAIN adds: estimates, and for scans the work that the open scan reports. */
static wg_code put_explain(const printer *p, const wg_plan *plan, const wg_exec_context *context, wg_error *err) {
    if (!wg_buf_printf(p->out, " (about %.0f rows)", plan->row_estimate)) return wg_error_nomem(err, 32);
    if (plan->op != WG_PLAN_SCAN) return WG_OK;
    wg_scan *scan;
    WG_TRY(wgi_open_scan(plan, context, &scan, err));
    const bool ok = put(p, " [") && wg_scan_describe(scan, p->out) && put(p, "]");
    wg_scan_close(scan);
    return ok ? WG_OK : wg_error_nomem(err, 64);
}

bool wgi_plan_print_parts(const wg_plan *plan, const wg_txn *txn, wg_buf *name, wg_buf *detail) {
    const printer p = {.txn = txn, .out = detail, .input = plan->children[0]};
    const size_t from = detail->size;
    if (!wg_buf_append_str(name, operator_name(plan->op)) || !put_details(&p, plan)) return false;
    if (detail->size > from && detail->data[from] == ' ') { /* which divides it from the name in a line */
        memmove(detail->data + from, detail->data + from + 1, detail->size - from - 1);
        detail->size--;
    }
    return true;
}

static wg_code print_plan(const wg_plan *plan, const wg_txn *txn, const wg_exec_context *context, wg_buf *out,
                          uint32_t depth, wg_error *err) {
    const printer p = {.txn = txn, .out = out, .input = plan->children[0]};
    bool ok = true;
    if (depth > 10000) return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a plan of more than 10000 levels");
    for (uint32_t i = 0; i < depth && ok; i++) ok = put(&p, "  ");
    ok = ok && put(&p, operator_name(plan->op)) && put_details(&p, plan);
    if (!ok) return wg_error_nomem(err, 64);
    if (context != NULL) WG_TRY(put_explain(&p, plan, context, err));
    if (!put(&p, "\n")) return wg_error_nomem(err, 1);
    for (uint32_t i = 0; plan->pattern != NULL && i < plan->pattern->vertex_count; i++)
        if (plan->pattern->vertices[i].rows != NULL)
            WG_TRY(print_plan(plan->pattern->vertices[i].rows, txn, context, out, depth + 1, err));
    for (uint32_t i = 0; plan->pattern != NULL && i < plan->pattern->set_count; i++)
        WG_TRY(print_plan(plan->pattern->sets[i].rows, txn, context, out, depth + 1, err));
    for (int i = 0; i < 2; i++)
        if (plan->children[i] != NULL) WG_TRY(print_plan(plan->children[i], txn, context, out, depth + 1, err));
    return WG_OK;
}

wg_code wg_plan_print(const wg_plan *plan, const wg_txn *txn, const wg_exec_context *context, wg_buf *out,
                      wg_error *err) {
    return print_plan(plan, txn, context, out, 0, err);
}
