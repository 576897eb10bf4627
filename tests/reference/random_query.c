/* tests/reference: random statements: one to four clauses that read, perhaps some that write, and RETURN. Rows are compared as bags
 * unless everything that is returned is ordered; only then SKIP and LIMIT are used. What depends on the order of rows (the order of
 * collect(), which of several shortest paths) is made so that it is not looked at. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/reference/random.h"

#define BIT(type) (1u << (type))
#define TIMES     (BIT(RND_DATE) | BIT(RND_MOMENT) | BIT(RND_DURATION))
#define SCALARS   (BIT(RND_INT) | BIT(RND_FLOAT) | BIT(RND_STRING) | BIT(RND_BOOL) | BIT(RND_INTS) | TIMES)
#define ENTITIES  (BIT(RND_NODE) | BIT(RND_EDGE))

unsigned rnd_pick(rnd_query *q, unsigned n) {
    wg_slice byte;
    if (q->rng != NULL) return (unsigned)wg_rng_below(q->rng, n);
    return wg_slice_take(&q->choices, 1, &byte) ? byte.data[0] % n : 0;
}

void rnd_say(rnd_query *q, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || !wg_buf_append(&q->text, text, wg_min_size((size_t)n, sizeof text - 1))) exit(2);
}

const rnd_variable *rnd_variable_of(rnd_query *q, unsigned types) {
    const rnd_variable *found[RND_VARIABLES_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < q->variable_count; i++)
        if ((types >> q->variables[i].type & 1) != 0) found[n++] = &q->variables[i];
    return n == 0 ? NULL : found[rnd_pick(q, n)];
}

static const char *letters(rnd_type type) {
    static const char *const names[] = {"i", "f", "s", "b", "l", "d", "t", "v", "m", "n", "r", "rs", "p", "sp", "u"};
    return names[type];
}

const char *rnd_add_variable(rnd_query *q, rnd_type type) {
    if (q->variable_count == RND_VARIABLES_MAX) q->variable_count--;
    rnd_variable *v = &q->variables[q->variable_count++];
    v->type = type;
    (void)snprintf(v->name, sizeof v->name, "%s%u", letters(type), q->next_name++ % 10000);
    return v->name;
}

/* ---- patterns */

static void pattern_map(rnd_query *q, unsigned outer) {
    const unsigned count = q->variable_count;
    if (rnd_pick(q, 10) != 0) return;
    q->variable_count = outer; /* only what is bound before the clause */
    rnd_say(q, rnd_pick(q, 2) == 0 ? " {i: " : " {k: ");
    rnd_expression(q, RND_INT, 1);
    rnd_say(q, "}");
    q->variable_count = count;
}

/* WHERE inside of an element, about the element alone. */
static void inline_where(rnd_query *q, const rnd_variable *v) {
    rnd_variable saved[RND_VARIABLES_MAX];
    const unsigned count = q->variable_count;
    if (v->type != RND_NODE && v->type != RND_EDGE) return;
    memcpy(saved, q->variables, sizeof saved);
    q->variables[0] = *v;
    q->variable_count = 1;
    q->nesting += 2;
    rnd_say(q, " WHERE ");
    rnd_expression(q, RND_BOOL, 1);
    q->nesting -= 2;
    memcpy(q->variables, saved, sizeof saved);
    q->variable_count = count;
}

static void node(rnd_query *q, unsigned outer, bool may_bind) {
    static const char *const open[] = {":A", ":B", ":C", ":A:B"};
    const rnd_variable *old = rnd_pick(q, 3) == 0 ? rnd_variable_of(q, BIT(RND_NODE)) : NULL;
    rnd_say(q, "(");
    if (old != NULL) rnd_say(q, "%s", old->name);
    else if (may_bind && rnd_pick(q, 4) != 0) rnd_say(q, "%s", rnd_add_variable(q, RND_NODE));
    static const char *const closed_forms[] = {":A|B", ":!A", ":%", ":A&!B"};
    static const char *const open_forms[] = {":A|C", ":A&B", ":!A", ":%", ":!%", ":(A|B)&!C", ":A&B|C"};
    if (rnd_pick(q, 5) == 0) rnd_say(q, "%s", open[rnd_pick(q, q->declared ? 2 : 4)]);
    else if (old == NULL && rnd_pick(q, 10) == 0)
        rnd_say(q, "%s", q->declared ? closed_forms[rnd_pick(q, 4)] : open_forms[rnd_pick(q, 7)]);
    pattern_map(q, outer);
    if (old == NULL && q->variable_count > outer && rnd_pick(q, 12) == 0)
        inline_where(q, &q->variables[q->variable_count - 1]);
    rnd_say(q, ")");
}

/* Whether the path may be returned: its relationships are certain. */
static void edge(rnd_query *q, unsigned outer, bool may_bind, bool shortest) {
    static const char *const types[] = {":R", ":S", ":T", ":R|T", ":R|S", ":!R", ":%", ":R|!T"};
    static const char *const quantifiers[] = {"{1,2}", "{2}", "{0,1}", "{,2}", "{1}"};
    static const char *const lengths[] = {"*1..2", "*0..1", "*2", "*..3", "*0..2", "*1..1"};
    const unsigned direction = rnd_pick(q, 3);
    const bool many = shortest || rnd_pick(q, 6) == 0;
    const rnd_variable *old = !many && rnd_pick(q, 12) == 0 && outer > 0 ? rnd_variable_of(q, BIT(RND_EDGE)) : NULL;
    bool reuse = false;
    for (unsigned i = 0; old != NULL && i < outer; i++) reuse |= old == &q->variables[i];
    rnd_say(q, direction == 0 ? "<-[" : "-[");
    if (reuse) rnd_say(q, "%s", old->name);
    else if (may_bind && !shortest && rnd_pick(q, 3) != 0)
        rnd_say(q, "%s", rnd_add_variable(q, many ? RND_EDGES : RND_EDGE));
    if (rnd_pick(q, 3) == 0) rnd_say(q, "%s", types[rnd_pick(q, rnd_pick(q, 4) == 0 ? 8 : 5)]);
    const bool quantified = many && !shortest && rnd_pick(q, 4) == 0;
    if (quantified) {
        rnd_say(q, direction == 1 ? "]->%s" : "]-%s", quantifiers[rnd_pick(q, 5)]);
        return;
    }
    if (shortest) rnd_say(q, rnd_pick(q, 2) == 0 && q->few_edges ? "*" : "*..3");
    else if (many) rnd_say(q, "%s", rnd_pick(q, 5) == 0 && q->few_edges ? "*" : lengths[rnd_pick(q, 6)]);
    if (!shortest && rnd_pick(q, 3) == 0) pattern_map(q, outer);
    rnd_say(q, direction == 1 ? "]->" : "]-");
}

void rnd_path(rnd_query *q, unsigned hops_max, bool may_bind) {
    const unsigned outer = q->variable_count, hops = rnd_pick(q, hops_max + 1);
    node(q, outer, may_bind);
    for (unsigned i = 0; i < hops; i++) {
        edge(q, outer, may_bind, false);
        node(q, outer, may_bind);
    }
}

/* ---- clauses that read */

static void where(rnd_query *q, unsigned one_in) {
    if (rnd_pick(q, one_in) != 0) return;
    rnd_say(q, " WHERE ");
    q->in_where = true;
    rnd_expression(q, RND_BOOL, 1 + rnd_pick(q, 3));
    q->in_where = false;
}

static void shortest(rnd_query *q) {
    const rnd_variable *a = rnd_variable_of(q, BIT(RND_NODE)), *b = rnd_variable_of(q, BIT(RND_NODE));
    const unsigned outer = q->variable_count;
    if (a == NULL || a == b) {
        rnd_path(q, 2, true);
        return;
    }
    char from[12], to[12];
    (void)snprintf(from, sizeof from, "%s", a->name);
    (void)snprintf(to, sizeof to, "%s", b->name);
    const bool all = rnd_pick(q, 3) == 0;
    rnd_say(q, "%s = %s((%s)", rnd_add_variable(q, all ? RND_PATH : RND_LENGTH),
            all ? "allShortestPaths" : "shortestPath", from);
    edge(q, outer, false, true);
    rnd_say(q, "(%s))", to);
}

static void match(rnd_query *q) {
    const bool optional = rnd_pick(q, 4) == 0;
    rnd_say(q, optional ? " OPTIONAL MATCH " : " MATCH ");
    if (rnd_pick(q, 10) == 0) {
        shortest(q);
    } else if (rnd_pick(q, 15) == 0) {
        static const char *const modes[] = {"TRAIL", "ACYCLIC", "SIMPLE"};
        rnd_say(q, "%s ", modes[rnd_pick(q, 3)]);
        rnd_path(q, 3, true);
    } else if (rnd_pick(q, 5) == 0) {
        /* The name comes first in the text and may be used only behind the path. */
        char name[12];
        (void)snprintf(name, sizeof name, "p%u", q->next_name++ % 10000);
        rnd_say(q, "%s = ", name);
        rnd_path(q, 2, true);
        (void)rnd_add_variable(q, RND_PATH);
        memcpy(q->variables[q->variable_count - 1].name, name, sizeof name);
    } else {
        rnd_path(q, 3, true);
        if (rnd_pick(q, 4) == 0) {
            rnd_say(q, ", ");
            rnd_path(q, 1, true);
        }
    }
    where(q, 3);
}

static void unwind(rnd_query *q) {
    const rnd_variable *bag = rnd_variable_of(q, BIT(RND_BAG));
    rnd_say(q, " UNWIND ");
    if (bag != NULL && rnd_pick(q, 2) == 0) rnd_say(q, "%s", bag->name);
    else rnd_expression(q, RND_INTS, 2);
    rnd_say(q, " AS %s", rnd_add_variable(q, RND_INT));
}

/* ---- results */

static rnd_type any_scalar(rnd_query *q) {
    return (rnd_type)(rnd_pick(q, 4) == 0 ? RND_DATE + rnd_pick(q, 3) : rnd_pick(q, 5));
}

static rnd_type aggregate(rnd_query *q) {
    const char *distinct = rnd_pick(q, 3) == 0 ? "DISTINCT " : "";
    const rnd_type of = any_scalar(q);
    const rnd_variable *v;
    rnd_type type = RND_INT;
    switch (rnd_pick(q, 8)) {
        case 0:
            rnd_say(q, "count(*)");
            return RND_INT;
        case 1:
            rnd_say(q, "count(%s", distinct);
            rnd_expression(q, of, 1);
            break;
        case 2:
            type = rnd_pick(q, 2) == 0 ? RND_INT : RND_FLOAT;
            rnd_say(q, type == RND_FLOAT ? "(0.0 + sum(%s" : "sum(%s", distinct); /* of no FLOAT: 0 or 0.0 */
            rnd_expression(q, type, 1);
            if (type == RND_FLOAT) rnd_say(q, ")");
            break;
        case 3:
            rnd_say(q, "avg(%s", distinct);
            rnd_expression(q, rnd_pick(q, 2) == 0 ? RND_INT : RND_FLOAT, 1);
            type = RND_FLOAT;
            break;
        case 4:
            rnd_say(q, rnd_pick(q, 2) == 0 ? "min(" : "max(");
            rnd_expression(q, of, 1);
            type = of;
            break;
        case 5:
            rnd_say(q, "collect(%s", distinct);
            rnd_expression(q, RND_INT, 1);
            type = RND_BAG;
            break;
        case 6:
            if (rnd_pick(q, 3) == 0) {
                rnd_say(q, "max(duration('PT0S') + ");
                rnd_expression(q, RND_DURATION, 1);
                type = RND_DURATION;
                break;
            }
            rnd_say(q, "percentileDisc(");
            rnd_expression(q, RND_INT, 1);
            rnd_say(q, ", 0.%u", rnd_pick(q, 10));
            break;
        default:
            rnd_say(q, "count(%s", distinct);
            v = rnd_variable_of(q, SCALARS | ENTITIES | BIT(RND_PATH) | BIT(RND_ANY));
            rnd_say(q, "%s", v != NULL ? v->name : "1");
            break;
    }
    rnd_say(q, ")");
    return type;
}

typedef struct results {
    rnd_variable items[12];
    unsigned count;
    bool grouped, closed; /* closed: DISTINCT or groups: lists of no certain order may not stand in it */
} results;

static void item_name(rnd_query *q, results *r, rnd_type type, const char *name) {
    rnd_variable *v = &r->items[r->count++];
    v->type = type;
    if (name != NULL) (void)snprintf(v->name, sizeof v->name, "%s", name);
    else (void)snprintf(v->name, sizeof v->name, "%s%u", letters(type), q->next_name++ % 10000);
    rnd_say(q, " AS %s", v->name);
}

static void items(rnd_query *q, results *r, unsigned least, bool returns) {
    const unsigned certain = SCALARS | ENTITIES | BIT(RND_PATH) | BIT(RND_EDGES) | BIT(RND_ANY);
    const unsigned keys = least + rnd_pick(q, 3);
    for (unsigned i = 0; i < keys; i++) {
        const unsigned allowed = r->closed ? certain
                                 : returns ? certain | BIT(RND_BAG)
                                           : certain | BIT(RND_BAG) | BIT(RND_LENGTH);
        const rnd_variable *v = rnd_pick(q, 5) < 3 ? rnd_variable_of(q, allowed) : NULL;
        bool twice = false;
        for (unsigned k = 0; v != NULL && k < r->count; k++) twice |= strcmp(r->items[k].name, v->name) == 0;
        rnd_say(q, r->count > 0 ? ", " : " ");
        if (v != NULL && !twice) {
            rnd_say(q, "%s", v->name);
            item_name(q, r, v->type, rnd_pick(q, 4) == 0 ? NULL : v->name);
        } else {
            const rnd_type type = any_scalar(q);
            rnd_expression(q, type, 1 + rnd_pick(q, 2));
            item_name(q, r, type, NULL);
        }
    }
    for (unsigned i = 0; r->grouped && i < 1 + rnd_pick(q, 2); i++) {
        rnd_say(q, r->count > 0 ? ", " : " ");
        const rnd_type type = aggregate(q);
        if (type == RND_INT && rnd_pick(q, 6) == 0) rnd_say(q, " + 1");
        item_name(q, r, type, NULL);
    }
}

/* ORDER BY everything, if all of it has an order that both know. */
static bool order(rnd_query *q, const results *r) {
    for (unsigned i = 0; i < r->count; i++)
        if (((SCALARS | BIT(RND_ANY)) >> r->items[i].type & 1) == 0) return false;
    rnd_say(q, " ORDER BY ");
    const unsigned first = rnd_pick(q, r->count);
    for (unsigned i = 0; i < r->count; i++) {
        static const char *const ways[] = {"", " DESC", " ASC", " DESC NULLS LAST", " NULLS FIRST", ""};
        rnd_say(q, "%s%s%s", i > 0 ? ", " : "", r->items[(first + i) % r->count].name, ways[rnd_pick(q, 6)]);
    }
    return true;
}

static bool cut(rnd_query *q) {
    if (rnd_pick(q, 3) == 0) rnd_say(q, " SKIP %u", rnd_pick(q, 4));
    if (rnd_pick(q, 2) == 0) rnd_say(q, " LIMIT %u", rnd_pick(q, 6));
    return true;
}

static void with(rnd_query *q) {
    results r = {.grouped = rnd_pick(q, 4) == 0};
    const bool distinct = !r.grouped && rnd_pick(q, 5) == 0;
    r.closed = r.grouped || distinct;
    rnd_say(q, distinct ? " WITH DISTINCT" : " WITH");
    items(q, &r, r.grouped ? 0 : 1, false);
    if (rnd_pick(q, 5) == 0 && order(q, &r)) (void)cut(q);
    memcpy(q->variables, r.items, sizeof r.items);
    q->variable_count = r.count;
    where(q, 5);
}

/* What may fail, or give what nobody expects, at a place where it is certain to be evaluated. */
static void risky(rnd_query *q) {
    static const char *const forms[] = {"%s.m + 1",
                                        "-%s.m",
                                        "%s.m[0]",
                                        "size(%s.m)",
                                        "1 / %s.i",
                                        "%s.i %% %s.i",
                                        "%s.k + 9223372036854775800",
                                        "toInteger(%s.m)",
                                        "toBoolean(%s.m)",
                                        "%s.m.x",
                                        "%s.m AND true",
                                        "%s.m + %s.m",
                                        "%s.m IN %s.m",
                                        "[0, 1][%s.i]",
                                        "%s.m STARTS WITH 'a'",
                                        "%s.i ^ 2",
                                        "toString(%s.m)",
                                        "%s.m * 2.0",
                                        "%s {.i, .m, z: 1}",
                                        "properties(%s)",
                                        "keys(%s)",
                                        "labels(%s)",
                                        "toFloat(%s.m)",
                                        "substring('abc', %s.i)",
                                        "left('abc', %s.i)",
                                        "range(0, 3, %s.i)",
                                        "abs(%s.m)",
                                        "head(%s.l)",
                                        "reverse(%s.m)",
                                        "%s.l = %s.m",
                                        "%s.l < %s.m",
                                        "NOT %s.m",
                                        "%s[%s.s]",
                                        "split(%s.m, 'a')",
                                        "any(x IN %s.l WHERE x > %s.m)",
                                        "date(%s.s)",
                                        "%s.d + %s.v",
                                        "%s.t - %s.v",
                                        "%s.m + %s.v",
                                        "%s.m < %s.d",
                                        "%s.d = %s.t",
                                        "%s.v < %s.v",
                                        "duration.between(%s.d, %s.m)",
                                        "%s {.*}"};
    const rnd_variable *v = rnd_variable_of(q, BIT(RND_NODE));
    char text[200];
    if (v == NULL || q->declared) {
        rnd_expression(q, RND_INT, 2);
        return;
    }
    const char *form = forms[rnd_pick(q, sizeof forms / sizeof forms[0])];
    size_t n = 0;
    for (; *form != '\0' && n + 16 < sizeof text; form++) {
        if (form[0] == '%' && form[1] == 's') n += (size_t)snprintf(text + n, sizeof text - n, "%s", v->name);
        else if (form[0] == '%' && form[1] == '%') text[n++] = '%';
        else text[n++] = *form;
        if (form[0] == '%') form++;
    }
    text[n] = '\0';
    rnd_say(q, "%s", text);
}

static void returns(rnd_query *q) {
    results r = {.grouped = rnd_pick(q, 4) == 0};
    const bool distinct = !r.grouped && rnd_pick(q, 5) == 0;
    r.closed = r.grouped || distinct;
    rnd_say(q, distinct ? " RETURN DISTINCT" : " RETURN");
    items(q, &r, r.grouped ? 0 : 1, true);
    if (!r.closed && rnd_pick(q, 12) == 0) {
        rnd_say(q, ", ");
        risky(q);
        rnd_say(q, " AS risky");
        return;
    }
    if (rnd_pick(q, 4) == 0 && order(q, &r)) q->ordered = cut(q);
}

static void call(rnd_query *q) {
    rnd_variable saved[RND_VARIABLES_MAX];
    const unsigned count = q->variable_count;
    const rnd_variable *v = rnd_variable_of(q, SCALARS | ENTITIES);
    memcpy(saved, q->variables, sizeof saved);
    rnd_say(q, " CALL {");
    q->variable_count = 0;
    if (v != NULL && rnd_pick(q, 3) != 0) {
        const rnd_variable kept = *v;
        rnd_say(q, " WITH %s", kept.name);
        q->variables[0] = kept;
        q->variable_count = 1;
    }
    if (rnd_pick(q, 3) != 0) match(q);
    rnd_say(q, " RETURN ");
    const rnd_type type = rnd_pick(q, 2) == 0 ? aggregate(q) : any_scalar(q);
    if (q->text.data[q->text.size - 1] == ' ') rnd_expression(q, type, 1);
    memcpy(q->variables, saved, sizeof saved);
    q->variable_count = count;
    rnd_say(q, " AS %s }", rnd_add_variable(q, type));
}

static void read_clause(rnd_query *q) {
    switch (rnd_pick(q, 10)) {
        case 0:
            unwind(q);
            break;
        case 1:
            call(q);
            break;
        case 2:
        case 3:
            if (q->variable_count > 0) with(q);
            else match(q);
            break;
        default:
            match(q);
            break;
    }
}

/* ---- clauses that write: what they do is the same in any order of rows */

static void set(rnd_query *q, const char *name, bool is_node) {
    switch (rnd_pick(q, 5)) {
        case 0:
            rnd_say(q, " SET %s.i = %u", name, rnd_pick(q, 5));
            break;
        case 1:
            rnd_say(q, " SET %s.s = null", name);
            break;
        case 2:
            rnd_say(q, " SET %s += {i: 7, b: null, s: 'z'}", name);
            break;
        case 3:
            rnd_say(q, is_node && !q->declared ? " SET %s:C" : " SET %s.f = 1.5", name);
            break;
        default:
            rnd_say(q, is_node && !q->declared ? " REMOVE %s:A" : " REMOVE %s.b", name);
            break;
    }
}

static void merge(rnd_query *q) {
    const rnd_variable *n = rnd_variable_of(q, BIT(RND_NODE));
    if (n != NULL && rnd_pick(q, 2) == 0 && !q->declared) {
        rnd_say(q, " MERGE (%s)-[:R]->(%s)", n->name, n->name);
        return;
    }
    if (q->declared)
        rnd_say(q, " MERGE (z:B {i: %u}) ON CREATE SET z.s = 'new' ON MATCH SET z.b = true", rnd_pick(q, 4));
    else rnd_say(q, " MERGE (z:C {i: %u}) ON CREATE SET z.s = 'new' ON MATCH SET z.b = true", rnd_pick(q, 4));
}

static void write_clause(rnd_query *q) {
    const rnd_variable *v = rnd_variable_of(q, ENTITIES), *n = rnd_variable_of(q, BIT(RND_NODE));
    q->writes = true;
    switch (rnd_pick(q, 6)) {
        case 0:
            if (q->declared) rnd_say(q, " CREATE (:B {i: 5, s: 'new'})");
            else if (n != NULL) rnd_say(q, " CREATE (%s)-[:T {i: 1}]->(:C {i: 5})", n->name);
            else rnd_say(q, " CREATE (:A)-[:R]->(:C:B {s: 'new'})");
            break;
        case 1:
            merge(q);
            break;
        case 2:
            if (v != NULL) rnd_say(q, " FOREACH (y IN [1, 2] | SET %s.i = y)", v->name);
            else rnd_say(q, " FOREACH (y IN [1, 2] | CREATE (:B {i: y}))");
            break;
        case 3:
            if (v != NULL)
                rnd_say(q, v->type == RND_NODE && rnd_pick(q, 4) != 0 ? " DETACH DELETE %s" : " DELETE %s", v->name);
            else rnd_say(q, " CREATE (:B)");
            break;
        default:
            if (v != NULL) set(q, v->name, v->type == RND_NODE);
            else merge(q);
            break;
    }
}

static void body(rnd_query *q) {
    const unsigned clauses = 1 + rnd_pick(q, 3);
    for (unsigned i = 0; i < clauses; i++) read_clause(q);
}

/* Both parts have the columns c0 INT and c1 STRING. */
static void make_union(rnd_query *q) {
    const bool all = rnd_pick(q, 2) == 0;
    for (unsigned part = 0; part < 2; part++) {
        q->variable_count = 0;
        if (part > 0) rnd_say(q, all ? " UNION ALL" : " UNION");
        body(q);
        rnd_say(q, " RETURN ");
        rnd_expression(q, RND_INT, 1);
        rnd_say(q, " AS c0, ");
        rnd_expression(q, RND_STRING, 1);
        rnd_say(q, " AS c1");
    }
}

void rnd_make_query(rnd_query *q) {
    q->text.size = 0;
    q->variable_count = q->next_name = q->nesting = 0;
    q->ordered = q->writes = q->in_where = q->is_shape = false;
    if (rnd_pick(q, 8) == 0) {
        rnd_make_shape(q);
        return;
    }
    if (rnd_pick(q, 15) == 0) {
        make_union(q);
        return;
    }
    body(q);
    if (rnd_pick(q, 10) == 0) {
        write_clause(q);
        if (rnd_pick(q, 3) == 0) write_clause(q);
        if (rnd_pick(q, 2) == 0) rnd_say(q, " RETURN count(*) AS c");
        return;
    }
    returns(q);
}
