/* tests/reference: random expressions of a wanted type. Numbers stay small, so that nothing overflows by chance; what may fail is made on
 * purpose, by random_query.c, where it is certain to be evaluated. */
#include <stdio.h>

#include "tests/reference/random.h"

#define BIT(type) (1u << (type))

typedef void (*rule)(rnd_query *q, unsigned depth);

static void integer(rnd_query *q, unsigned d) { rnd_expression(q, RND_INT, d); }
static void string(rnd_query *q, unsigned d) { rnd_expression(q, RND_STRING, d); }
static void boolean(rnd_query *q, unsigned d) { rnd_expression(q, RND_BOOL, d); }
static void floating(rnd_query *q, unsigned d) { rnd_expression(q, RND_FLOAT, d); }
static void integers(rnd_query *q, unsigned d) { rnd_expression(q, RND_INTS, d); }
static void date(rnd_query *q, unsigned d) { rnd_expression(q, RND_DATE, d); }
static void moment(rnd_query *q, unsigned d) { rnd_expression(q, RND_MOMENT, d); }
static void duration(rnd_query *q, unsigned d) { rnd_expression(q, RND_DURATION, d); }

static const char *const texts_of[] = {"'a'", "'b'", "''", "'ab'", "'B'", "' '"};

/* base.key, when there is an entity to take it from. */
static bool property(rnd_query *q, const char *key) {
    const rnd_variable *v = rnd_variable_of(q, BIT(RND_NODE) | BIT(RND_EDGE));
    if (v == NULL) return false;
    rnd_say(q, rnd_pick(q, 12) == 0 ? "%s['%s']" : "%s.%s", v->name, key);
    return true;
}

static void leaf_of_time(rnd_query *q, rnd_type type, bool constant) {
    static const char *const durations[] = {"P1M", "P-13M", "P1D", "PT1H", "PT-36H", "P1Y2M-3DT4H-5M6S", "P0D"};
    if (type == RND_DATE) {
        if (constant || !property(q, "d"))
            rnd_say(q, "date('20%02u-%02u-%02u')", rnd_pick(q, 30), 1 + rnd_pick(q, 12), 1 + rnd_pick(q, 28));
    } else if (type == RND_MOMENT) {
        if (constant || !property(q, "t"))
            rnd_say(q, "localdatetime('2024-%02u-%02uT%02u:00:59')", 1 + rnd_pick(q, 12), 1 + rnd_pick(q, 28),
                    rnd_pick(q, 24));
    } else if (constant || q->declared || !property(q, "v")) {
        rnd_say(q, "duration('%s')", durations[rnd_pick(q, 7)]);
    }
}

static void leaf(rnd_query *q, rnd_type type) {
    const rnd_variable *v = rnd_pick(q, 2) == 0 ? rnd_variable_of(q, BIT(type)) : NULL;
    if (v != NULL) {
        rnd_say(q, "%s", v->name);
        return;
    }
    const bool constant = rnd_pick(q, 3) == 0;
    if (rnd_pick(q, 25) == 0) {
        rnd_say(q, "null");
    } else if (type == RND_INT) {
        if (constant || !property(q, rnd_pick(q, 3) == 0 ? "k" : "i")) {
            if (rnd_pick(q, 5) == 0) rnd_say(q, "$pi");
            else rnd_say(q, "%d", (int)rnd_pick(q, 8) - 2);
        }
    } else if (type == RND_FLOAT) {
        if (constant || !property(q, "f")) rnd_say(q, "%u.%s", rnd_pick(q, 3), rnd_pick(q, 2) == 0 ? "5" : "25");
    } else if (type == RND_STRING) {
        if (constant || !property(q, "s")) rnd_say(q, "%s", rnd_pick(q, 6) == 0 ? "$ps" : texts_of[rnd_pick(q, 6)]);
    } else if (type == RND_BOOL) {
        if (constant || !property(q, "b")) rnd_say(q, rnd_pick(q, 2) == 0 ? "true" : "false");
    } else if (type == RND_INTS) {
        if (constant || q->declared || !property(q, "l"))
            rnd_say(q, "%s", rnd_pick(q, 4) == 0 ? "$pl" : rnd_pick(q, 2) == 0 ? "[1, 2, 3]" : "[0, -1]");
    } else if (type == RND_DATE || type == RND_MOMENT || type == RND_DURATION) {
        leaf_of_time(q, type, constant);
    } else if (q->declared || !property(q, "m")) {
        rnd_say(q, "%s", rnd_pick(q, 2) == 0 ? "1" : "'a'");
    }
}

/* ---- of any type */

static void of_case(rnd_query *q, rnd_type type, unsigned d) {
    rnd_say(q, "CASE ");
    if (rnd_pick(q, 3) == 0) {
        integer(q, d);
        rnd_say(q, " WHEN ");
        integer(q, d);
    } else {
        rnd_say(q, "WHEN ");
        boolean(q, d);
    }
    rnd_say(q, " THEN ");
    rnd_expression(q, type, d);
    if (rnd_pick(q, 3) != 0) {
        rnd_say(q, " ELSE ");
        rnd_expression(q, type, d);
    }
    rnd_say(q, " END");
}

static void coalesce(rnd_query *q, rnd_type type, unsigned d) {
    rnd_say(q, "coalesce(");
    rnd_expression(q, type, d);
    rnd_say(q, ", ");
    rnd_expression(q, type, d);
    rnd_say(q, ")");
}

static void two(rnd_query *q, rule a, const char *op, rule b, unsigned d) {
    rnd_say(q, "(");
    a(q, d);
    rnd_say(q, " %s ", op);
    b(q, d);
    rnd_say(q, ")");
}

static void one(rnd_query *q, const char *function, rule a, unsigned d) {
    rnd_say(q, "%s(", function);
    a(q, d);
    rnd_say(q, ")");
}

/* Runs `body` with a local variable of INT. The texts stand before the variable, before `body` and behind it. */
static void with_local(rnd_query *q, const char *const text[3], rule list, rule body, unsigned d) {
    const unsigned count = q->variable_count;
    rnd_variable v = {.type = RND_INT};
    (void)snprintf(v.name, sizeof v.name, "x%u", q->next_name++ % 10000);
    rnd_say(q, "%s%s IN ", text[0], v.name);
    list(q, d);
    if (count < RND_VARIABLES_MAX) q->variables[q->variable_count++] = v;
    rnd_say(q, "%s", text[1]);
    q->nesting += 2; /* no subqueries for each element of a list: the engine refuses them */
    body(q, d);
    q->nesting -= 2;
    rnd_say(q, "%s", text[2]);
    q->variable_count = count;
}

/* Lists whose order is not certain may be counted and looked through. */
static void any_ints(rnd_query *q, unsigned d) {
    const rnd_variable *v = rnd_pick(q, 2) == 0 ? rnd_variable_of(q, BIT(RND_BAG)) : NULL;
    if (v != NULL) rnd_say(q, "%s", v->name);
    else integers(q, d);
}

static void subquery(rnd_query *q, const char *word) {
    const unsigned count = q->variable_count;
    q->nesting++;
    rnd_say(q, "%s { ", word);
    if (rnd_pick(q, 2) == 0) rnd_say(q, "MATCH ");
    rnd_path(q, 2, true);
    if (rnd_pick(q, 2) == 0) {
        rnd_say(q, " WHERE ");
        boolean(q, 1);
    }
    rnd_say(q, " }");
    q->nesting--;
    q->variable_count = count;
}

static void pattern_list(rnd_query *q) {
    const unsigned count = q->variable_count;
    q->nesting++;
    rnd_say(q, "[");
    rnd_path(q, 1, true);
    if (rnd_pick(q, 3) == 0) {
        rnd_say(q, " WHERE ");
        boolean(q, 1);
    }
    rnd_say(q, " | ");
    integer(q, 0);
    rnd_say(q, "]");
    q->nesting--;
    q->variable_count = count;
}

/* ---- INT */

static void part_of_time(rnd_query *q, unsigned d) {
    static const char *const parts[] = {"year", "month", "day", "quarter", "ordinalDay", "dayOfWeek"};
    static const char *const times[] = {"hour", "minute", "second"};
    static const char *const spans[] = {"years", "months", "monthsOfYear", "days", "hours", "minutes", "seconds"};
    const unsigned what = rnd_pick(q, 4);
    rnd_say(q, "(");
    if (what == 0) date(q, d);
    else if (what < 3) moment(q, d);
    else duration(q, d);
    if (what < 2) rnd_say(q, ").%s", parts[rnd_pick(q, 6)]);
    else if (what == 2) rnd_say(q, ").%s", times[rnd_pick(q, 3)]);
    else rnd_say(q, ").%s", spans[rnd_pick(q, 7)]);
}

static void more_integer(rnd_query *q, unsigned d) {
    const rnd_variable *v;
    if (rnd_pick(q, 6) == 0) {
        part_of_time(q, d);
        return;
    }
    switch (rnd_pick(q, 9)) {
        case 0:
            rnd_say(q, "reduce(z = 0, ");
            with_local(q, (const char *const[]){"", " | z + coalesce(", ", 0))"}, any_ints, integer, d);
            break;
        case 1:
            v = rnd_variable_of(q, BIT(RND_PATH) | BIT(RND_LENGTH));
            if (v != NULL) rnd_say(q, "length(%s)", v->name);
            else leaf(q, RND_INT);
            break;
        case 2:
            v = rnd_variable_of(q, BIT(RND_EDGES));
            if (v != NULL) rnd_say(q, "size(%s)", v->name);
            else leaf(q, RND_INT);
            break;
        case 3:
            if (q->nesting < 2) subquery(q, "COUNT");
            else leaf(q, RND_INT);
            break;
        case 4:
            if (q->nesting < 2 && rnd_pick(q, 2) == 0) {
                rnd_say(q, "size(");
                pattern_list(q);
                rnd_say(q, ")");
            } else {
                one(q, "toInteger", floating, d);
            }
            break;
        case 5:
            one(q, "head", integers, d);
            break;
        case 6:
            integers(q, d);
            rnd_say(q, "[%d]", (int)rnd_pick(q, 4) - 2);
            break;
        case 7:
            one(q, rnd_pick(q, 2) == 0 ? "last" : "size", integers, d);
            break;
        default:
            one(q, "toInteger", string, d);
            break;
    }
}

static void make_integer(rnd_query *q, unsigned d) {
    static const char *const ops[] = {"+", "-", "*"};
    switch (rnd_pick(q, 9)) {
        case 0:
        case 1:
            two(q, integer, ops[rnd_pick(q, 3)], integer, d);
            break;
        case 2:
            rnd_say(q, "(");
            integer(q, d);
            rnd_say(q, rnd_pick(q, 2) == 0 ? " / %d)" : " %% %d)", rnd_pick(q, 2) == 0 ? 2 : -3);
            break;
        case 3:
            one(q, "size", rnd_pick(q, 2) == 0 ? string : any_ints, d);
            break;
        case 4:
            one(q, rnd_pick(q, 2) == 0 ? "abs" : "sign", integer, d);
            break;
        case 5:
            rnd_say(q, "(-");
            integer(q, d);
            rnd_say(q, ")");
            break;
        default:
            more_integer(q, d);
            break;
    }
}

static void make_float(rnd_query *q, unsigned d) {
    static const char *const functions[] = {"floor", "ceil", "round", "abs"};
    switch (rnd_pick(q, 5)) {
        case 0:
            two(q, floating, rnd_pick(q, 2) == 0 ? "+" : "-", rnd_pick(q, 2) == 0 ? integer : floating, d);
            break;
        case 1:
            rnd_say(q, "(0.5 * ");
            floating(q, d);
            rnd_say(q, ")");
            break;
        case 2:
            one(q, functions[rnd_pick(q, 4)], floating, d);
            break;
        case 3:
            one(q, "toFloat", integer, d);
            break;
        default:
            rnd_say(q, "(");
            integer(q, d);
            rnd_say(q, " / %s)", rnd_pick(q, 2) == 0 ? "2.0" : "0.5");
            break;
    }
}

static void make_string(rnd_query *q, unsigned d) {
    static const char *const functions[] = {"toUpper", "toLower", "trim", "reverse", "ltrim", "rtrim"};
    static const rule texts[] = {integer, boolean, date, moment, duration};
    const rnd_variable *v = rnd_variable_of(q, BIT(RND_EDGE));
    switch (rnd_pick(q, 8)) {
        case 0:
            if (rnd_pick(q, 4) == 0) two(q, string, "+", rnd_pick(q, 2) == 0 ? integer : floating, d);
            else if (rnd_pick(q, 4) == 0) two(q, integer, "+", string, d);
            else two(q, string, "+", string, d);
            break;
        case 1:
            one(q, functions[rnd_pick(q, 6)], string, d);
            break;
        case 2:
            rnd_say(q, "substring(");
            string(q, d);
            rnd_say(q, rnd_pick(q, 2) == 0 ? ", %u)" : ", %u, 1)", rnd_pick(q, 3));
            break;
        case 3:
            one(q, "toString", texts[rnd_pick(q, 5)], d);
            break;
        case 4:
            rnd_say(q, rnd_pick(q, 2) == 0 ? "left(" : "right(");
            string(q, d);
            rnd_say(q, ", %u)", rnd_pick(q, 3));
            break;
        case 5:
            rnd_say(q, "replace(");
            string(q, d);
            rnd_say(q, ", %s, %s)", texts_of[rnd_pick(q, 5)], texts_of[rnd_pick(q, 5)]);
            break;
        case 6:
            if (v != NULL) rnd_say(q, "type(%s)", v->name);
            else leaf(q, RND_STRING);
            break;
        default:
            rnd_say(q, "split(");
            string(q, d);
            rnd_say(q, ", 'b')[%d]", (int)rnd_pick(q, 3) - 1);
            break;
    }
}

static void make_integers(rnd_query *q, unsigned d) {
    const rnd_variable *v = rnd_variable_of(q, BIT(RND_PATH));
    switch (rnd_pick(q, 8)) {
        case 0:
            rnd_say(q, "range(");
            rnd_say(q, "%d, %u)", (int)rnd_pick(q, 4) - 2, rnd_pick(q, 4));
            break;
        case 1:
            with_local(q, (const char *const[]){"[", " | ", "]"}, integers, integer, d);
            break;
        case 2:
            with_local(q, (const char *const[]){"[", " WHERE ", "]"}, integers, boolean, d);
            break;
        case 3:
            two(q, integers, "+", rnd_pick(q, 2) == 0 ? integers : integer, d);
            break;
        case 4:
            integers(q, d);
            rnd_say(q, "[%d..%d]", (int)rnd_pick(q, 4) - 2, (int)rnd_pick(q, 5) - 1);
            break;
        case 5:
            one(q, rnd_pick(q, 2) == 0 ? "tail" : "reverse", integers, d);
            break;
        case 6:
            if (v == NULL) leaf(q, RND_INTS);
            else rnd_say(q, "[y IN %s(%s) | y.k]", rnd_pick(q, 2) == 0 ? "nodes" : "relationships", v->name);
            break;
        default:
            rnd_say(q, "[");
            integer(q, d);
            rnd_say(q, ", ");
            integer(q, d);
            rnd_say(q, "]");
            break;
    }
}

/* ---- values of time */

static void make_date(rnd_query *q, unsigned d) {
    switch (rnd_pick(q, 4)) {
        case 0:
            one(q, "date", moment, d);
            break;
        case 1:
            rnd_say(q, "date({year: 2020, month: %u, day: 1 + abs(", 1 + rnd_pick(q, 12));
            integer(q, d);
            rnd_say(q, ") %% 28})");
            break;
        default:
            two(q, date, rnd_pick(q, 2) == 0 ? "+" : "-", duration, d);
            break;
    }
}

static void make_moment(rnd_query *q, unsigned d) {
    switch (rnd_pick(q, 4)) {
        case 0:
            rnd_say(q, "localdatetime({year: 1999 + abs(coalesce(");
            integer(q, d);
            rnd_say(q, ", 7)) %% 50, month: %u, day: %u, hour: %u})", 1 + rnd_pick(q, 12), 1 + rnd_pick(q, 28),
                    rnd_pick(q, 24));
            break;
        case 1:
            two(q, duration, "+", moment, d);
            break;
        default:
            two(q, moment, rnd_pick(q, 2) == 0 ? "+" : "-", duration, d);
            break;
    }
}

static void make_duration(rnd_query *q, unsigned d) {
    static const char *const functions[] = {"duration.between", "duration.inMonths", "duration.inDays",
                                            "duration.inSeconds"};
    static const char *const units[] = {"years", "months", "weeks", "days", "hours", "minutes", "seconds"};
    switch (rnd_pick(q, 5)) {
        case 0:
            two(q, duration, rnd_pick(q, 2) == 0 ? "+" : "-", duration, d);
            break;
        case 1:
            rnd_say(q, "(");
            duration(q, d);
            rnd_say(q, " * %d)", (int)rnd_pick(q, 6) - 3);
            break;
        case 2:
            rnd_say(q, "duration({%s: ", units[rnd_pick(q, 7)]);
            integer(q, d);
            rnd_say(q, "})");
            break;
        default:
            rnd_say(q, "%s(", functions[rnd_pick(q, 4)]);
            (rnd_pick(q, 2) == 0 ? date : moment)(q, d);
            rnd_say(q, ", ");
            (rnd_pick(q, 2) == 0 ? date : moment)(q, d);
            rnd_say(q, ")");
            break;
    }
}

/* ---- BOOL */

static const char *comparison(rnd_query *q) {
    static const char *const ops[] = {"=", "<>", "<", "<=", ">", ">="};
    return ops[rnd_pick(q, 6)];
}

static void any(rnd_query *q, unsigned d) { rnd_expression(q, RND_ANY, d); }

static void entity_test(rnd_query *q) {
    const rnd_variable *a = rnd_variable_of(q, BIT(RND_NODE)), *b = rnd_variable_of(q, BIT(RND_NODE));
    const rnd_variable *e = rnd_variable_of(q, BIT(RND_EDGE));
    const unsigned what = rnd_pick(q, 6);
    if (a == NULL) leaf(q, RND_BOOL);
    else if (what == 0) rnd_say(q, "(%s %s %s)", a->name, rnd_pick(q, 2) == 0 ? "=" : "<>", b->name);
    else if (what == 1) rnd_say(q, "%s:%s", a->name, rnd_pick(q, 2) == 0 ? "A" : "B");
    else if (what == 2 && e != NULL)
        rnd_say(q, "(%s(%s) = %s)", rnd_pick(q, 2) == 0 ? "startNode" : "endNode", e->name, a->name);
    else if (what == 3 && e != NULL) rnd_say(q, "(type(%s) IN ['R', 'T'])", e->name);
    else if (what == 4) rnd_say(q, "('A' IN labels(%s))", a->name);
    else rnd_say(q, "(%s IS %sNULL)", a->name, rnd_pick(q, 2) == 0 ? "NOT " : "");
}

static void pattern_predicate(rnd_query *q) {
    const rnd_variable *a = rnd_variable_of(q, BIT(RND_NODE));
    static const char *const tails[] = {"-->()",     "--()", "<-[:R]-()", "-[:S|T]->(:B)", "-[:R*1..2]->(:A)",
                                        "-->()-->()"};
    if (q->nesting < 2 && rnd_pick(q, 2) == 0) subquery(q, "EXISTS");
    else if (a == NULL || !q->in_where || q->nesting > 1) leaf(q, RND_BOOL);
    else rnd_say(q, "(%s)%s", a->name, tails[rnd_pick(q, 6)]);
}

static void in_list(rnd_query *q, unsigned d) {
    if (rnd_pick(q, 2) == 0) {
        two(q, integer, "IN", any_ints, d);
        return;
    }
    rnd_say(q, "(");
    string(q, d);
    rnd_say(q, " IN ['a', %s])", rnd_pick(q, 3) == 0 ? "null" : "'ab'");
}

static void compare(rnd_query *q, unsigned d) {
    static const rule rules[] = {integer, integer, floating, string, boolean, integers, date, moment, duration};
    const rule a = rules[rnd_pick(q, 9)];
    if (!q->declared && rnd_pick(q, 4) == 0) {
        two(q, any, comparison(q), rnd_pick(q, 2) == 0 ? any : rules[rnd_pick(q, 9)], d);
    } else if (rnd_pick(q, 6) == 0) {
        two(q, integer, comparison(q), floating, d);
    } else if (rnd_pick(q, 6) == 0) {
        rnd_say(q, "(");
        integer(q, d);
        rnd_say(q, " %s ", comparison(q));
        integer(q, d);
        rnd_say(q, " %s ", comparison(q));
        integer(q, d);
        rnd_say(q, ")");
    } else {
        two(q, a, comparison(q), a, d);
    }
}

static void make_boolean(rnd_query *q, unsigned d) {
    static const char *const quantifiers[] = {"all(", "any(", "none(", "single("};
    static const char *const words[] = {"STARTS WITH", "ENDS WITH", "CONTAINS"};
    static const char *const logic[] = {"AND", "OR", "XOR"};
    static const rule rules[] = {integer, floating, string, boolean, integers, any, date, moment, duration};
    switch (rnd_pick(q, 12)) {
        case 0:
        case 1:
            two(q, boolean, logic[rnd_pick(q, 3)], boolean, d);
            break;
        case 2:
            rnd_say(q, "(NOT ");
            boolean(q, d);
            rnd_say(q, ")");
            break;
        case 3:
            two(q, string, words[rnd_pick(q, 3)], string, d);
            break;
        case 4:
            rnd_say(q, "(");
            rules[rnd_pick(q, 9)](q, d);
            rnd_say(q, rnd_pick(q, 2) == 0 ? " IS NULL)" : " IS NOT NULL)");
            break;
        case 5:
            in_list(q, d);
            break;
        case 6:
            with_local(q, (const char *const[]){quantifiers[rnd_pick(q, 4)], " WHERE ", ")"}, any_ints, boolean, d);
            break;
        case 7:
            entity_test(q);
            break;
        case 8:
            pattern_predicate(q);
            break;
        default:
            compare(q, d);
            break;
    }
}

void rnd_expression(rnd_query *q, rnd_type type, unsigned depth) {
    static const rule rules[] = {make_integer,  make_float, make_string, make_boolean,
                                 make_integers, make_date,  make_moment, make_duration};
    if (depth == 0 || type > RND_DURATION || rnd_pick(q, 4) == 0) {
        if (type == RND_BAG && q->nesting < 2) pattern_list(q);
        else leaf(q, type == RND_BAG ? RND_INTS : type);
    } else if (rnd_pick(q, 10) == 0) {
        of_case(q, type, depth - 1);
    } else if (rnd_pick(q, 12) == 0) {
        coalesce(q, type, depth - 1);
    } else {
        rules[type](q, depth - 1);
    }
}
