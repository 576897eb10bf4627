/* tests/tck: the TCK's notation of values, read into wg_value, and one text for equal values. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text/text.h"
#include "tests/tck/tck.h"

enum { ITEMS_MAX = 4096 };

typedef struct parser {
    wg_arena *arena;
    const uint8_t *p, *end;
    uint64_t next_id;
    bool bad;
} parser;

static void spaces(parser *s) {
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n')) s->p++;
}

static bool eat(parser *s, const char *text) {
    spaces(s);
    const size_t size = strlen(text);
    if ((size_t)(s->end - s->p) < size || memcmp(s->p, text, size) != 0) return false;
    s->p += size;
    return true;
}

static void want(parser *s, const char *text) {
    if (!eat(s, text)) s->bad = true;
}

static wg_slice name(parser *s) {
    spaces(s);
    const bool quoted = eat(s, "`");
    const uint8_t *from = s->p;
    while (s->p < s->end && (quoted ? *s->p != '`' : strchr(" :{}()[]|,<>-", *s->p) == NULL)) s->p++;
    const wg_slice result = wg_slice_of(from, (size_t)(s->p - from));
    if (quoted) want(s, "`");
    if (result.size == 0) s->bad = true;
    return result;
}

static wg_value value(parser *s);

static wg_value string(parser *s) {
    uint8_t *text = tck_alloc(s->arena, (size_t)(s->end - s->p), 1);
    uint32_t n = 0;
    while (s->p < s->end && *s->p != '\'') {
        if (*s->p == '\\' && s->p + 1 < s->end && (s->p[1] == '\'' || s->p[1] == '\\')) s->p++;
        text[n++] = *s->p++;
    }
    want(s, "'");
    wg_value v = {.type = WG_TYPE_STRING, .size = n};
    v.as.s = (const char *)text;
    return v;
}

static int compare_entries(const void *a, const void *b) {
    const wg_map_entry *x = a, *y = b;
    return wg_slice_compare(wg_slice_of(x->key, x->key_size), wg_slice_of(y->key, y->key_size));
}

/* After the brace. */
static uint32_t entries(parser *s, const wg_map_entry **out) {
    wg_map_entry *items = tck_alloc(s->arena, 64, sizeof *items);
    uint32_t n = 0;
    *out = items;
    if (eat(s, "}")) return 0;
    do {
        const wg_slice key = name(s);
        want(s, ":");
        items[n].key = (const char *)key.data;
        items[n].key_size = key.size;
        items[n++].value = value(s);
    } while (!s->bad && n < 64 && eat(s, ","));
    want(s, "}");
    qsort(items, n, sizeof *items, compare_entries);
    return n;
}

static char *text_of(parser *s, wg_slice from) {
    char *p = tck_alloc(s->arena, from.size, 1);
    memcpy(p, from.data, from.size);
    return p;
}

static int compare_strings(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* After the parenthesis. */
static wg_value node(parser *s) {
    wg_node *n = tck_alloc(s->arena, 1, sizeof *n);
    const char **labels = tck_alloc(s->arena, 64, sizeof *labels);
    n->id = s->next_id++;
    while (!s->bad && n->label_count < 64 && eat(s, ":")) labels[n->label_count++] = text_of(s, name(s));
    qsort(labels, n->label_count, sizeof *labels, compare_strings);
    n->labels = labels;
    if (eat(s, "{")) n->property_count = entries(s, &n->properties);
    want(s, ")");
    wg_value v = {.type = WG_TYPE_NODE};
    v.as.node = n;
    return v;
}

/* After "[:". */
static wg_value edge(parser *s) {
    wg_edge *e = tck_alloc(s->arena, 1, sizeof *e);
    e->id = s->next_id++;
    e->label = text_of(s, name(s));
    if (eat(s, "{")) e->property_count = entries(s, &e->properties);
    want(s, "]");
    wg_value v = {.type = WG_TYPE_EDGE};
    v.as.edge = e;
    return v;
}

/* After "<". */
static wg_value path(parser *s) {
    wg_value *items = tck_alloc(s->arena, ITEMS_MAX, sizeof *items);
    uint32_t n = 0;
    want(s, "(");
    items[n++] = node(s);
    while (!s->bad && n + 2 < ITEMS_MAX && !eat(s, ">")) {
        const bool left = eat(s, "<-");
        if (!left) want(s, "-");
        want(s, "[:");
        items[n] = edge(s);
        if (left) want(s, "-");
        else want(s, "->");
        want(s, "(");
        if (s->bad) break;
        items[n + 1] = node(s);
        wg_edge *e = tck_alloc(s->arena, 1, sizeof *e);
        *e = *items[n].as.edge;
        e->from = items[left ? n + 1 : n - 1].as.node->id;
        e->to = items[left ? n - 1 : n + 1].as.node->id;
        items[n].as.edge = e;
        n += 2;
    }
    wg_value v = {.type = WG_TYPE_PATH, .size = n};
    v.as.list = items;
    return v;
}

static wg_value list(parser *s) {
    wg_value *items = tck_alloc(s->arena, ITEMS_MAX, sizeof *items);
    wg_value v = {.type = WG_TYPE_LIST};
    v.as.list = items;
    if (eat(s, "]")) return v;
    do items[v.size++] = value(s);
    while (!s->bad && v.size < ITEMS_MAX && eat(s, ","));
    want(s, "]");
    return v;
}

static wg_value atom(parser *s) {
    const uint8_t *from = s->p;
    while (s->p < s->end && strchr(" ,]}\n", *s->p) == NULL) s->p++;
    const wg_slice text = wg_slice_of(from, (size_t)(s->p - from));
    wg_value v = {.type = WG_TYPE_NULL};
    if (wg_slice_is(text, "null")) return v;
    if (wg_slice_is(text, "true") || wg_slice_is(text, "false")) {
        v.type = WG_TYPE_BOOL;
        v.as.b = wg_slice_is(text, "true");
    } else if (wg_parse_i64(text, &v.as.i)) {
        v.type = WG_TYPE_INT;
    } else if (wg_parse_f64(text, &v.as.f)) {
        v.type = WG_TYPE_FLOAT;
    } else {
        s->bad = true;
    }
    return v;
}

static wg_value value(parser *s) {
    wg_value v = {.type = WG_TYPE_MAP};
    if (s->bad) return v;
    if (eat(s, "'")) return string(s);
    if (eat(s, "[:")) return edge(s);
    if (eat(s, "[")) return list(s);
    if (eat(s, "(")) return node(s);
    if (eat(s, "<")) return path(s);
    if (eat(s, "{")) {
        v.size = entries(s, &v.as.map);
        return v;
    }
    return atom(s);
}

bool tck_parse_value(wg_arena *arena, wg_slice text, wg_value *out) {
    parser s = {.arena = arena, .p = text.data, .end = text.data + text.size, .next_id = 1};
    *out = value(&s);
    spaces(&s);
    return !s.bad && s.p == s.end;
}

/* ---- printing */

static void put(wg_buf *out, const void *data, size_t size) {
    if (size > 0 && !wg_buf_append(out, data, size)) exit(2);
}
static void puts_to(wg_buf *out, const char *text) { put(out, text, strlen(text)); }

static void print_map(wg_arena *arena, const wg_map_entry *items, uint32_t count, bool any_order, wg_buf *out) {
    puts_to(out, "{");
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) puts_to(out, ", ");
        put(out, items[i].key, items[i].key_size);
        puts_to(out, ": ");
        tck_print_value(arena, &items[i].value, any_order, out);
    }
    puts_to(out, "}");
}

static void print_list(wg_arena *arena, const wg_value *v, bool any_order, wg_buf *out) {
    const char **texts = tck_alloc(arena, v->size, sizeof *texts);
    for (uint32_t i = 0; i < v->size; i++) {
        wg_buf item;
        wg_buf_init(&item, NULL);
        tck_print_value(arena, &v->as.list[i], any_order, &item);
        char *text = tck_alloc(arena, item.size + 1, 1);
        if (item.size > 0) memcpy(text, item.data, item.size);
        texts[i] = text;
        wg_buf_deinit(&item);
    }
    if (any_order) qsort(texts, v->size, sizeof *texts, compare_strings);
    puts_to(out, "[");
    for (uint32_t i = 0; i < v->size; i++) {
        if (i > 0) puts_to(out, ", ");
        puts_to(out, texts[i]);
    }
    puts_to(out, "]");
}

static void print_path(wg_arena *arena, const wg_value *v, wg_buf *out) {
    puts_to(out, "<");
    for (uint32_t i = 0; i < v->size; i++) {
        const wg_value *item = &v->as.list[i];
        const bool is_edge = item->type == WG_TYPE_EDGE && i > 0;
        const bool right = is_edge && item->as.edge->from == v->as.list[i - 1].as.node->id;
        if (is_edge) puts_to(out, right ? "-" : "<-");
        tck_print_value(arena, item, false, out);
        if (is_edge) puts_to(out, right ? "->" : "-");
    }
    puts_to(out, ">");
}

static void print_node(wg_arena *arena, const wg_node *n, wg_buf *out) {
    puts_to(out, "(");
    for (uint32_t i = 0; i < n->label_count; i++) {
        puts_to(out, ":");
        puts_to(out, n->labels[i]);
    }
    if (n->property_count > 0) print_map(arena, n->properties, n->property_count, false, out);
    puts_to(out, ")");
}

static void print_edge(wg_arena *arena, const wg_edge *e, wg_buf *out) {
    puts_to(out, "[:");
    puts_to(out, e->label);
    if (e->property_count > 0) print_map(arena, e->properties, e->property_count, false, out);
    puts_to(out, "]");
}

static bool write_to(void *ctx, const void *data, size_t size) {
    put(ctx, data, size);
    return true;
}

/* The TCK leaves out seconds of zero: "12:30:00Z" becomes "12:30Z". */
static void drop_zero_seconds(wg_buf *text) {
    for (size_t i = 0; i + 8 <= text->size; i++) {
        const uint8_t *p = text->data + i;
        const bool clock = p[2] == ':' && memcmp(p + 5, ":00", 3) == 0 && (i == 1 || p[-1] == 'T');
        if (!clock) continue;
        if (i + 8 < text->size && p[8] == '.') return;
        memmove(text->data + i + 5, p + 8, text->size - i - 8);
        text->size -= 3;
        return;
    }
}

/* A value of time is compared with the text that the TCK gives for it, as a string. */
static void print_other(const wg_value *v, wg_buf *out) {
    wg_buf json;
    wg_buf_init(&json, NULL);
    if (wg_value_write_json(v, write_to, &json, NULL) != WG_OK) puts_to(&json, "\"?\"");
    if (v->type != WG_TYPE_DURATION) drop_zero_seconds(&json);
    puts_to(out, "'");
    if (json.size >= 2) put(out, json.data + 1, json.size - 2);
    puts_to(out, "'");
    wg_buf_deinit(&json);
}

void tck_print_value(wg_arena *arena, const wg_value *v, bool any_list_order, wg_buf *out) {
    char number[32];
    switch ((wg_type)v->type) {
        case WG_TYPE_NULL:
            puts_to(out, "null");
            break;
        case WG_TYPE_BOOL:
            puts_to(out, v->as.b ? "true" : "false");
            break;
        case WG_TYPE_INT:
            put(out, number, wg_format_i64(v->as.i, number));
            break;
        case WG_TYPE_FLOAT: /* zero has one sign here, as it has in comparisons */
            puts_to(out, "float ");
            put(out, number, wg_format_f64(v->as.f + 0.0, number));
            break;
        case WG_TYPE_STRING:
            puts_to(out, "'");
            put(out, v->as.s, v->size);
            puts_to(out, "'");
            break;
        case WG_TYPE_LIST:
            print_list(arena, v, any_list_order, out);
            break;
        case WG_TYPE_MAP:
            print_map(arena, v->as.map, v->size, any_list_order, out);
            break;
        case WG_TYPE_NODE:
            print_node(arena, v->as.node, out);
            break;
        case WG_TYPE_EDGE:
            print_edge(arena, v->as.edge, out);
            break;
        case WG_TYPE_PATH:
            print_path(arena, v, out);
            break;
        case WG_TYPE_BYTES:
        case WG_TYPE_DATE:
        case WG_TYPE_LOCAL_TIME:
        case WG_TYPE_TIME:
        case WG_TYPE_LOCAL_DATETIME:
        case WG_TYPE_DATETIME:
        case WG_TYPE_DURATION:
        case WG_TYPE_POINT:
        case WG_TYPE_ANY:
        default:
            print_other(v, out);
            break;
    }
}
