/* The table of operators and functions, their static types, and finding them by name.
 *
 * Letters of `args`, one an argument, the last one for all that follow: '*' anything, 'n' number, 'i' INT, 's' STRING, 'b' BOOL, 'l' LIST,
 * 'S' STRING or LIST, 'M' one of these or MAP, 'g' NODE or EDGE, 'o' POINT, 'm' MAP, 'p' PATH, 'N' NODE, 'E' EDGE, 'x' NODE, EDGE or MAP, 'c' NODE, EDGE, MAP or LIST. A NULL or ANY type fits everywhere: then
 * the row function decides at run time. */
#include <math.h>

#include "exec/exec_functions.h"

static bool is_open(wg_type t) { return t == WG_TYPE_ANY || t == WG_TYPE_NULL; }
static bool is_number(wg_type t) { return t == WG_TYPE_INT || t == WG_TYPE_FLOAT; }

static bool is_temporal(wg_type t) { return t >= WG_TYPE_DATE && t <= WG_TYPE_DURATION; }

static bool letter_fits(char letter, wg_type t) {
    if (is_open(t)) return true;
    switch (letter) {
        case '*':
            return true;
        case 'n':
            return is_number(t);
        case 'i':
            return t == WG_TYPE_INT;
        case 's':
            return t == WG_TYPE_STRING;
        case 'b':
            return t == WG_TYPE_BOOL;
        case 'l':
            return t == WG_TYPE_LIST;
        case 'S':
            return t == WG_TYPE_STRING || t == WG_TYPE_LIST;
        case 'P':
            return t == WG_TYPE_STRING || t == WG_TYPE_LIST || t == WG_TYPE_PATH;
        case 'p':
            return t == WG_TYPE_PATH;
        case 'N':
            return t == WG_TYPE_NODE;
        case 'E':
            return t == WG_TYPE_EDGE;
        case 'x':
            return t == WG_TYPE_NODE || t == WG_TYPE_EDGE || t == WG_TYPE_MAP;
        case 'c':
            return t == WG_TYPE_NODE || t == WG_TYPE_EDGE || t == WG_TYPE_MAP || t == WG_TYPE_LIST ||
                   is_temporal(t) || t == WG_TYPE_POINT;
        case 'k':
            return t == WG_TYPE_INT || t == WG_TYPE_STRING;
        case 'g':
            return t == WG_TYPE_NODE || t == WG_TYPE_EDGE;
        case 'M':
            return t == WG_TYPE_STRING || t == WG_TYPE_LIST || t == WG_TYPE_MAP;
        case 'o':
            return t == WG_TYPE_POINT;
        case 'm':
            return t == WG_TYPE_MAP;
        case 't':
            return t == WG_TYPE_STRING || t == WG_TYPE_MAP || is_temporal(t);
        default:
            break;
    }
    WG_UNREACHABLE("a letter that the table does not use");
}

static const char *letter_name(char letter) {
    switch (letter) {
        case 'n':
            return "a number";
        case 'i':
            return "an INT";
        case 's':
            return "a STRING";
        case 'b':
            return "a BOOL";
        case 'l':
            return "a LIST";
        case 'S':
        case 'P':
            return "a STRING or a LIST";
        case 'p':
            return "a PATH";
        case 'N':
            return "a NODE";
        case 'E':
            return "an EDGE";
        case 'x':
            return "a NODE, an EDGE or a MAP";
        case 'c':
            return "a LIST or a MAP";
        case 'k':
            return "an INT or a STRING";
        case 'g':
            return "a NODE or an EDGE";
        case 'M':
            return "a STRING, a LIST or a MAP";
        case 'o':
            return "a POINT";
        case 'm':
            return "a MAP";
        case 't':
            return "a STRING, a MAP or a temporal value";
        default:
            return "a value";
    }
}

/* ---- special type rules */

static wg_code type_compare(const wg_function *f, const wg_type *args, uint32_t n, wg_type *out, wg_error *err) {
    (void)n;
    const bool fits =
        is_open(args[0]) || is_open(args[1]) || args[0] == args[1] || (is_number(args[0]) && is_number(args[1]));
    if (!fits)
        return wg_error_refine(
            err,
            wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET,
                         "cannot compare %s %s %s: the types never match; convert one side, for example with "
                         "toInteger(), toFloat() or toString()",
                         wg_type_name(args[0]), f->name, wg_type_name(args[1])),
            WG_S_NOT_COMPARABLE);
    *out = WG_TYPE_BOOL;
    return WG_OK;
}

static wg_code type_arith(const wg_function *f, const wg_type *args, uint32_t n, wg_type *out, wg_error *err) {
    (void)n;
    const wg_type a = args[0];
    const wg_type b = args[1];
    if (f->op == WGI_OP_ADD && (a == WG_TYPE_LIST || b == WG_TYPE_LIST)) {
        *out = WG_TYPE_LIST;
        return WG_OK;
    }
    const bool strings = f->op == WGI_OP_ADD && (a == WG_TYPE_STRING || b == WG_TYPE_STRING);
    if (strings && (a == b || is_number(a) || is_number(b))) { /* a number becomes text */
        *out = WG_TYPE_STRING;
        return WG_OK;
    }
    if (is_temporal(a) || is_temporal(b)) { /* the row function knows which pairs have a result */
        *out = WG_TYPE_ANY;
        return WG_OK;
    }
    const bool fits =
        strings ? is_open(a) || is_open(b) : (is_open(a) || is_number(a)) && (is_open(b) || is_number(b));
    if (!fits)
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "cannot compute %s %s %s", wg_type_name(a), f->name,
                            wg_type_name(b));
    if (is_open(a) || is_open(b)) *out = WG_TYPE_ANY;
    else *out = a == WG_TYPE_INT && b == WG_TYPE_INT ? WG_TYPE_INT : WG_TYPE_FLOAT;
    return WG_OK;
}

/* The one type of all arguments, NULLs aside; ANY when they differ. */
static wg_code type_common(const wg_function *f, const wg_type *args, uint32_t n, wg_type *out, wg_error *err) {
    (void)f;
    (void)err;
    wg_type common = WG_TYPE_NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (args[i] == WG_TYPE_NULL) continue;
        common = common == WG_TYPE_NULL || common == args[i] ? args[i] : WG_TYPE_ANY;
    }
    *out = common == WG_TYPE_NULL ? WG_TYPE_ANY : common;
    return WG_OK;
}

static wg_code type_in(const wg_function *f, const wg_type *args, uint32_t n, wg_type *out, wg_error *err) {
    (void)f;
    (void)n;
    if (!letter_fits('l', args[1]))
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "IN takes a LIST on its right, not %s",
                            wg_type_name(args[1]));
    *out = WG_TYPE_BOOL;
    return WG_OK;
}

/* Columns keep microseconds of near years. Only columns are known to give values that fit them, so other arguments leave it open. */
static wg_code type_local_datetime(const wg_function *f, const wg_type *args, uint32_t n, wg_type *out,
                                   wg_error *err) {
    *out = WG_TYPE_LOCAL_DATETIME;
    if (n == 0) return WG_OK;
    if (!letter_fits('t', args[0]))
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "%s takes %s as argument 1, not %s", f->name,
                            letter_name('t'), wg_type_name(args[0]));
    const bool whole = args[0] == WG_TYPE_LOCAL_DATETIME;
    *out = whole ? WG_TYPE_LOCAL_DATETIME : WG_TYPE_ANY;
    return WG_OK;
}

/* ---- the table */

#define B WG_TYPE_BOOL
#define I WG_TYPE_INT
#define F WG_TYPE_FLOAT
#define S WG_TYPE_STRING
#define L WG_TYPE_LIST
#define A WG_TYPE_ANY
#define COMPARE(name, op) \
    { name, 2, 2, true, op, "**", B, type_compare, wgi_fn_compare, wgi_kernel_compare, NULL }
#define ARITH(name, op) \
    { name, 2, 2, true, op, "**", A, type_arith, wgi_fn_arith, wgi_kernel_arith, NULL }
#define LOGIC(name, n, op) \
    { name, n, n, false, op, "b", B, NULL, wgi_fn_logic, wgi_kernel_logic, NULL }
#define MATCH(name, row) \
    { name, 2, 2, true, WGI_OP_NONE, "s", B, NULL, row, wgi_kernel_string_match, NULL }
#define NULLTEST(name, row) \
    { name, 1, 1, false, WGI_OP_NONE, "*", B, NULL, row, wgi_kernel_is_null, NULL }
#define PLAIN(name, min, max, args, result, row) \
    { name, min, max, true, WGI_OP_NONE, args, result, NULL, row, NULL, NULL }
#define CLOCK(name, result) PLAIN(name, 0, 1, "s", result, wgi_fn_clock)
#define CLOCKS(name, result) \
    CLOCK(name ".transaction", result), CLOCK(name ".statement", result), CLOCK(name ".realtime", result)
#define SAME(name, args, row) \
    { name, 1, 1, true, WGI_OP_NONE, args, A, type_common, row, NULL, NULL }
#define MATH(name, fn) \
    { name, 1, 1, true, WGI_OP_NONE, "n", F, NULL, wgi_fn_math, NULL, fn }

static double cot(double x) { return 1 / tan(x); }
static double coth(double x) { return 1 / tanh(x); }
static double haversin(double x) { return sin(x / 2) * sin(x / 2); }
static double degrees(double x) { return x * (180 / 3.14159265358979323846); }
static double radians(double x) { return x * (3.14159265358979323846 / 180); }

static const wg_function table[] = {
    COMPARE("=", WGI_OP_EQ),
    COMPARE("<>", WGI_OP_NE),
    COMPARE("<", WGI_OP_LT),
    COMPARE("<=", WGI_OP_LE),
    COMPARE(">", WGI_OP_GT),
    COMPARE(">=", WGI_OP_GE),
    ARITH("+", WGI_OP_ADD),
    ARITH("-", WGI_OP_SUB),
    ARITH("*", WGI_OP_MUL),
    ARITH("/", WGI_OP_DIV),
    ARITH("%", WGI_OP_MOD),
    {"||", 2, 2, true, WGI_OP_NONE, "S", A, type_common, wgi_fn_concat, NULL, NULL},
    PLAIN("^", 2, 2, "n", F, wgi_fn_pow),
    SAME("neg", "n", wgi_fn_neg),
    SAME("pos", "n", wgi_fn_pos),
    LOGIC("AND", 2, WGI_OP_AND),
    LOGIC("OR", 2, WGI_OP_OR),
    LOGIC("XOR", 2, WGI_OP_XOR),
    LOGIC("NOT", 1, WGI_OP_NOT),
    {"IN", 2, 2, false, WGI_OP_NONE, "*l", B, type_in, wgi_fn_in, wgi_kernel_in, NULL},
    MATCH("STARTS WITH", wgi_fn_starts_with),
    MATCH("ENDS WITH", wgi_fn_ends_with),
    MATCH("CONTAINS", wgi_fn_contains),
    {"=~", 2, 2, true, WGI_OP_NONE, "s", B, NULL, wgi_fn_regex, wgi_kernel_regex, NULL},
    NULLTEST("IS NULL", wgi_fn_is_null),
    NULLTEST("IS NOT NULL", wgi_fn_is_not_null),
    PLAIN("[]", 2, 2, "ck", A, wgi_fn_index),
    PLAIN("[..]", 3, 3, "li", L, wgi_fn_slice),
    {"coalesce", 1, UINT8_MAX, false, WGI_OP_NONE, "*", A, type_common, wgi_fn_coalesce, NULL, NULL},
    PLAIN("id", 1, 1, "x", I, wgi_fn_id),
    PLAIN("labels", 1, 1, "N", L, wgi_fn_labels),
    PLAIN("type", 1, 1, "E", S, wgi_fn_type),
    PLAIN("keys", 1, 1, "x", L, wgi_fn_keys),
    PLAIN("properties", 1, 1, "x", WG_TYPE_MAP, wgi_fn_properties),
    PLAIN("startNode", 1, 1, "E", WG_TYPE_NODE, wgi_fn_start_node),
    PLAIN("endNode", 1, 1, "E", WG_TYPE_NODE, wgi_fn_end_node),
    PLAIN("%path", 1, UINT8_MAX, "*", WG_TYPE_PATH, wgi_fn_path),
    PLAIN("%deleted", 1, 1, "*", A, wgi_fn_deleted),
    PLAIN("%overlay", 2, 2, "**", WG_TYPE_MAP, wgi_fn_overlay),
    {"%entry", 2, 2, false, WGI_OP_NONE, "*", WG_TYPE_MAP, NULL, wgi_fn_entry, NULL, NULL},
    PLAIN("%labelled", 3, 3, "*", WG_TYPE_BOOL, wgi_fn_labelled),
    PLAIN("%disjoint", 2, 2, "*", WG_TYPE_BOOL, wgi_fn_disjoint),
    PLAIN("%flatten", 1, 1, "l", L, wgi_fn_flatten),
    {"%typed", 2, 2, false, WGI_OP_NONE, "*", B, NULL, wgi_fn_typed, NULL, NULL},
    PLAIN("%stride", 4, 4, "*", L, wgi_fn_stride),
    PLAIN("%keeps", 2, 2, "*", WG_TYPE_BOOL, wgi_fn_keeps),
    PLAIN("%path_key", 1, 1, "*", L, wgi_fn_path_key),
    PLAIN("nodes", 1, 1, "p", L, wgi_fn_nodes),
    PLAIN("relationships", 1, 1, "p", L, wgi_fn_relationships),
    PLAIN("size", 1, 1, "S", I, wgi_fn_size),
    PLAIN("length", 1, 1, "P", I, wgi_fn_length),
    PLAIN("head", 1, 1, "l", A, wgi_fn_head),
    PLAIN("last", 1, 1, "l", A, wgi_fn_last),
    PLAIN("tail", 1, 1, "l", L, wgi_fn_tail),
    SAME("reverse", "S", wgi_fn_reverse),
    PLAIN("range", 2, 3, "i", L, wgi_fn_range),
    PLAIN("toInteger", 1, 1, "*", I, wgi_fn_to_integer),
    PLAIN("toFloat", 1, 1, "*", F, wgi_fn_to_float),
    PLAIN("toString", 1, 1, "*", S, wgi_fn_to_string),
    PLAIN("toBoolean", 1, 1, "*", B, wgi_fn_to_boolean),
    PLAIN("toIntegerOrNull", 1, 1, "*", I, wgi_fn_or_null),
    PLAIN("toFloatOrNull", 1, 1, "*", F, wgi_fn_or_null),
    PLAIN("toStringOrNull", 1, 1, "*", S, wgi_fn_or_null),
    PLAIN("toBooleanOrNull", 1, 1, "*", B, wgi_fn_or_null),
    PLAIN("toIntegerList", 1, 1, "l", L, wgi_fn_to_list),
    PLAIN("toFloatList", 1, 1, "l", L, wgi_fn_to_list),
    PLAIN("toStringList", 1, 1, "l", L, wgi_fn_to_list),
    PLAIN("toBooleanList", 1, 1, "l", L, wgi_fn_to_list),
    {"nullIf", 2, 2, false, WGI_OP_NONE, "*", A, NULL, wgi_fn_null_if, NULL, NULL},
    PLAIN("isEmpty", 1, 1, "M", B, wgi_fn_is_empty),
    PLAIN("elementId", 1, 1, "g", S, wgi_fn_element_id),
    {"valueType", 1, 1, false, WGI_OP_NONE, "*", S, NULL, wgi_fn_value_type, NULL, NULL},
    PLAIN("timestamp", 0, 0, "*", I, wgi_fn_timestamp),
    PLAIN("coll.sort", 1, 1, "l", L, wgi_fn_coll_sort),
    PLAIN("coll.distinct", 1, 1, "l", L, wgi_fn_coll_distinct),
    PLAIN("coll.min", 1, 1, "l", A, wgi_fn_coll_best),
    PLAIN("coll.max", 1, 1, "l", A, wgi_fn_coll_best),
    PLAIN("coll.indexOf", 2, 2, "l*", I, wgi_fn_coll_index_of),
    {"coll.insert", 3, 3, false, WGI_OP_NONE, "li*", L, NULL, wgi_fn_coll_insert, NULL, NULL},
    PLAIN("coll.remove", 2, 2, "li", L, wgi_fn_coll_remove),
    PLAIN("coll.flatten", 1, 2, "li", L, wgi_fn_coll_flatten),
    PLAIN("toUpper", 1, 1, "s", S, wgi_fn_to_upper),
    PLAIN("toLower", 1, 1, "s", S, wgi_fn_to_lower),
    PLAIN("upper", 1, 1, "s", S, wgi_fn_to_upper),
    PLAIN("lower", 1, 1, "s", S, wgi_fn_to_lower),
    PLAIN("trim", 1, 2, "s", S, wgi_fn_trim),
    PLAIN("btrim", 1, 2, "s", S, wgi_fn_trim),
    PLAIN("ltrim", 1, 2, "s", S, wgi_fn_ltrim),
    PLAIN("rtrim", 1, 2, "s", S, wgi_fn_rtrim),
    PLAIN("char_length", 1, 1, "s", I, wgi_fn_size),
    PLAIN("character_length", 1, 1, "s", I, wgi_fn_size),
    PLAIN("normalize", 1, 2, "s", S, wgi_fn_normalize),
    PLAIN("isNormalized", 1, 2, "s", B, wgi_fn_normalize),
    PLAIN("string.join", 2, 2, "ls", S, wgi_fn_string_join),
    PLAIN("format", 1, 2, "*s", S, wgi_fn_format),
    PLAIN("substring", 2, 3, "si", S, wgi_fn_substring),
    PLAIN("left", 2, 2, "si", S, wgi_fn_left),
    PLAIN("right", 2, 2, "si", S, wgi_fn_right),
    PLAIN("replace", 3, 3, "s", S, wgi_fn_replace),
    PLAIN("split", 2, 2, "sS", L, wgi_fn_split),
    SAME("abs", "n", wgi_fn_abs),
    PLAIN("sign", 1, 1, "n", I, wgi_fn_sign),
    MATH("ceil", ceil),
    MATH("floor", floor),
    {"round", 1, 3, true, WGI_OP_NONE, "nis", F, NULL, wgi_fn_round, NULL, NULL},
    MATH("ceiling", ceil),
    MATH("ln", log),
    MATH("sinh", sinh),
    MATH("cosh", cosh),
    MATH("tanh", tanh),
    MATH("coth", coth),
    MATH("cot", cot),
    MATH("haversin", haversin),
    MATH("degrees", degrees),
    MATH("radians", radians),
    PLAIN("power", 2, 2, "n", F, wgi_fn_pow),
    {"mod", 2, 2, true, WGI_OP_MOD, "n", A, type_arith, wgi_fn_arith, wgi_kernel_arith, NULL},
    PLAIN("isNaN", 1, 1, "n", B, wgi_fn_is_nan),
    PLAIN("vector.similarity.cosine", 2, 2, "l", F, wgi_fn_similarity),
    PLAIN("vector.similarity.euclidean", 2, 2, "l", F, wgi_fn_similarity),
    MATH("sqrt", sqrt),
    MATH("exp", exp),
    MATH("log", log),
    MATH("log10", log10),
    MATH("sin", sin),
    MATH("cos", cos),
    MATH("tan", tan),
    MATH("asin", asin),
    MATH("acos", acos),
    MATH("atan", atan),
    PLAIN("atan2", 2, 2, "n", F, wgi_fn_atan2),
    PLAIN("pi", 0, 0, "*", F, wgi_fn_pi),
    PLAIN("e", 0, 0, "*", F, wgi_fn_e),
    PLAIN("percentileDisc", 2, 2, "ln", A, wgi_fn_percentile),
    PLAIN("percentileCont", 2, 2, "ln", F, wgi_fn_percentile),
    PLAIN("stDev", 1, 1, "l", F, wgi_fn_deviation),
    PLAIN("stDevP", 1, 1, "l", F, wgi_fn_deviation),
    PLAIN("date", 0, 1, "t", WG_TYPE_DATE, wgi_fn_instant),
    PLAIN("localtime", 0, 1, "t", WG_TYPE_LOCAL_TIME, wgi_fn_instant),
    PLAIN("time", 0, 1, "t", WG_TYPE_TIME, wgi_fn_instant),
    {"localdatetime", 0, 1, true, WGI_OP_NONE, "t", A, type_local_datetime, wgi_fn_instant, NULL, NULL},
    PLAIN("datetime", 0, 1, "t", WG_TYPE_DATETIME, wgi_fn_instant),
    CLOCKS("date", WG_TYPE_DATE),
    CLOCKS("localtime", WG_TYPE_LOCAL_TIME),
    CLOCKS("time", WG_TYPE_TIME),
    CLOCKS("localdatetime", A),
    CLOCKS("datetime", WG_TYPE_DATETIME),
    PLAIN("datetime.fromEpoch", 2, 2, "i", WG_TYPE_DATETIME, wgi_fn_from_epoch),
    PLAIN("datetime.fromEpochMillis", 1, 1, "i", WG_TYPE_DATETIME, wgi_fn_from_epoch),
    PLAIN("date.truncate", 1, 3, "stt", WG_TYPE_DATE, wgi_fn_truncate),
    PLAIN("localtime.truncate", 1, 3, "stt", WG_TYPE_LOCAL_TIME, wgi_fn_truncate),
    PLAIN("time.truncate", 1, 3, "stt", WG_TYPE_TIME, wgi_fn_truncate),
    PLAIN("localdatetime.truncate", 1, 3, "stt", A, wgi_fn_truncate),
    PLAIN("datetime.truncate", 1, 3, "stt", WG_TYPE_DATETIME, wgi_fn_truncate),
    PLAIN("duration", 1, 1, "t", WG_TYPE_DURATION, wgi_fn_duration),
    PLAIN("duration.between", 2, 2, "t", WG_TYPE_DURATION, wgi_fn_between),
    PLAIN("duration.inMonths", 2, 2, "t", WG_TYPE_DURATION, wgi_fn_between),
    PLAIN("duration.inDays", 2, 2, "t", WG_TYPE_DURATION, wgi_fn_between),
    PLAIN("duration.inSeconds", 2, 2, "t", WG_TYPE_DURATION, wgi_fn_between),
    PLAIN("point", 1, 1, "m", WG_TYPE_POINT, wgi_fn_point),
    PLAIN("point.distance", 2, 2, "o", F, wgi_fn_distance),
    PLAIN("distance", 2, 2, "o", F, wgi_fn_distance),
    PLAIN("point.withinBBox", 3, 3, "o", B, wgi_fn_within_bbox),
};
#undef B
#undef I
#undef F
#undef S
#undef L
#undef A

enum { TABLE_COUNT = sizeof table / sizeof table[0] };

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c; }

static bool name_is(const char *name, wg_slice s) {
    if (strlen(name) != s.size) return false;
    for (size_t i = 0; i < s.size; i++)
        if (lower((uint8_t)name[i]) != lower(s.data[i])) return false;
    return true;
}

const wg_function *wg_function_find(wg_slice name, uint32_t arg_count) {
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const wg_function *f = &table[i];
        const bool fits = arg_count >= f->arg_min && (f->arg_max == UINT8_MAX || arg_count <= f->arg_max);
        if (fits && name_is(f->name, name)) return f;
    }
    return NULL;
}

const char *wg_function_at(uint32_t i, uint32_t *min, uint32_t *max) {
    if (i >= TABLE_COUNT) return NULL;
    *min = table[i].arg_min;
    *max = table[i].arg_max == UINT8_MAX ? UINT32_MAX : table[i].arg_max;
    return table[i].name;
}

bool wg_function_arity(wg_slice name, uint32_t *min, uint32_t *max) {
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (!name_is(table[i].name, name)) continue;
        *min = table[i].arg_min;
        *max = table[i].arg_max == UINT8_MAX ? UINT32_MAX : table[i].arg_max;
        return true;
    }
    return false;
}

bool wg_function_is_comparison(const wg_function *function) {
    return function->op >= WGI_OP_EQ && function->op <= WGI_OP_GE;
}

bool wg_function_reads_clock(const wg_function *function, uint32_t arg_count) {
    return function->row == wgi_fn_clock || function->row == wgi_fn_timestamp ||
           (function->row == wgi_fn_instant && arg_count == 0) ||
           (function->row == wgi_fn_truncate && arg_count == 1);
}

const char *wg_function_callable_at(uint32_t index) {
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const char *name = table[i].name;
        const bool named =
            lower((uint8_t)name[0]) >= 'a' && lower((uint8_t)name[0]) <= 'z' && strchr(name, ' ') == NULL;
        const bool word = strcmp(name, "neg") == 0 || strcmp(name, "pos") == 0 || table[i].op == WGI_OP_AND ||
                          table[i].op == WGI_OP_OR || table[i].op == WGI_OP_XOR || table[i].op == WGI_OP_NOT ||
                          strcmp(name, "IN") == 0 || strcmp(name, "CONTAINS") == 0;
        if (named && !word && index-- == 0) return name;
    }
    return NULL;
}

const char *wg_function_name(const wg_function *function) { return function->name; }

const char *wg_function_suggest(wg_slice name) {
    wg_suggestion suggestion;
    wg_suggestion_init(&suggestion, name);
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const bool named =
            lower((uint8_t)table[i].name[0]) >= 'a' && strchr(table[i].name, ' ') == NULL; /* no operator */
        if (named) wg_suggestion_offer(&suggestion, table[i].name);
    }
    return suggestion.name;
}

wg_code wg_function_type(const wg_function *function, const wg_type *args, uint32_t arg_count, wg_type *out,
                         wg_error *err) {
    const size_t letters = strlen(function->args);
    for (uint32_t i = 0; i < arg_count && function->type != type_in; i++) {
        const char letter = function->args[wg_min_size(i, letters - 1)];
        if (!letter_fits(letter, args[i]))
            return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "%s takes %s as argument %u, not %s", function->name,
                                letter_name(letter), i + 1, wg_type_name(args[i]));
    }
    if (function->type != NULL) return function->type(function, args, arg_count, out, err);
    *out = function->result;
    return WG_OK;
}
