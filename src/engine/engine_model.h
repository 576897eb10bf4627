/* For tests only: a naive model of a store, random operations that go to the engine and to the model alike, and dumps of both
 * as text, so that any two states can be compared.
 *
 * The model is a flat array of nodes and edges that is copied whole at the start of a transaction, so that its rollback cannot
 * be wrong. An operation that the model calls illegal must be refused; one that it calls legal must succeed, or fail for want
 * of memory when a test injects that, and then have no effect. */
#ifndef WG_ENGINE_MODEL_H
#define WG_ENGINE_MODEL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "engine/engine.h"

enum {
    MODEL_NODES = 300,
    MODEL_EDGES = 300,
    MODEL_KEYS = 5,   /* k, v (declared INT by P), a, b, c */
    MODEL_LABELS = 4, /* P declared with primary key k; A, B, C open */
    MODEL_P = 1,
    MODEL_TEXT_BYTES = 1 << 20
};

typedef enum model_kind { MODEL_NONE, MODEL_INT, MODEL_TEXT } model_kind;
typedef struct model_value {
    model_kind kind;
    uint32_t i; /* the number, or which text */
} model_value;

typedef struct model_node {
    bool alive;
    uint32_t labels; /* bits */
    model_value values[MODEL_KEYS];
} model_node;

typedef struct model_edge {
    bool alive;
    uint32_t label; /* 0 R, 1 S */
    uint32_t from;
    uint32_t to;
    model_value value;
} model_edge;

typedef struct model {
    uint32_t node_count;
    uint32_t edge_count;
    bool extra_label; /* declared label X exists */
    model_node nodes[MODEL_NODES];
    model_edge edges[MODEL_EDGES];
} model;

typedef struct world {
    wg_engine *engine;
    wg_rng rng;
    model now;
    model saved[2]; /* of the transaction's begin, and of a mark */
    size_t text_max;
    bool may_fail; /* WG_E_NOMEM is a legal answer */
    uint64_t operations;
    uint64_t refusals;
    uint64_t nomems;
} world;

static const char *const model_key_names[MODEL_KEYS] = {"k", "v", "a", "b", "c"};
static const char *const model_label_names[MODEL_LABELS] = {"P", "A", "B", "C"};
static char model_text[MODEL_TEXT_BYTES];

#define MODEL_OK(call)                                                                        \
    do {                                                                                      \
        wg_error err_ = {0};                                                                  \
        wg_error *err = &err_;                                                                \
        const wg_code code_ = (call);                                                         \
        if (code_ != WG_OK) fail_msg("%s: %s: %s", #call, wg_code_name(code_), err_.message); \
    } while (0)

static inline uint32_t pick(world *w, uint32_t bound) { return (uint32_t)wg_rng_below(&w->rng, bound); }

static inline wg_value model_to_value(size_t text_max, model_value v) {
    if (v.kind == MODEL_INT) return wg_value_int((int64_t)v.i);
    if (v.kind == MODEL_NONE) return wg_value_null();
    /* Sizes spread over the powers of two; the start makes texts of one size differ. */
    if (model_text[0] == '\0')
        for (size_t i = 0; i < MODEL_TEXT_BYTES; i++) model_text[i] = (char)('a' + (i * 7 + i / 251) % 26);
    size_t size = (size_t)1 << (v.i % 21);
    size = wg_min_size(wg_min_size(size + v.i % 3, text_max), MODEL_TEXT_BYTES / 2);
    return wg_value_str(wg_slice_of(model_text + v.i % 4096, size));
}

/* ---- dumps */

static inline void put_value(wg_buf *out, const wg_value *v) {
    bool ok;
    if (v->type == WG_TYPE_STRING && v->size > 40)
        ok = wg_buf_printf(out, "text:%u:%016llx", v->size, (unsigned long long)wg_hash64(0, v->as.s, v->size));
    else ok = wg_value_print_json(out, v);
    assert_true(ok);
}

static inline void put_named(wg_buf *out, const char *name, const wg_value *v) {
    if (v->type == WG_TYPE_NULL) return;
    assert_true(wg_buf_printf(out, " %s=", name));
    put_value(out, v);
}

static inline void model_dump(const model *m, size_t text_max, wg_buf *out) {
    static const uint32_t by_name[MODEL_KEYS] = {2, 3, 4, 0, 1}; /* a b c k v */
    static const uint32_t labels_by_name[MODEL_LABELS] = {1, 2, 3, 0};
    out->size = 0;
    assert_true(wg_buf_printf(out, "X %d\n", m->extra_label));
    for (uint32_t n = 0; n < m->node_count; n++) {
        if (!m->nodes[n].alive) continue;
        assert_true(wg_buf_printf(out, "node %u", n));
        for (uint32_t l = 0; l < MODEL_LABELS; l++)
            if (m->nodes[n].labels >> labels_by_name[l] & 1)
                assert_true(wg_buf_printf(out, ":%s", model_label_names[labels_by_name[l]]));
        for (uint32_t k = 0; k < MODEL_KEYS; k++) {
            const wg_value v = model_to_value(text_max, m->nodes[n].values[by_name[k]]);
            put_named(out, model_key_names[by_name[k]], &v);
        }
        assert_true(wg_buf_append_str(out, "\n"));
    }
    for (uint32_t e = 0; e < m->edge_count; e++) {
        const model_edge *edge = &m->edges[e];
        if (!edge->alive) continue;
        const wg_value v = model_to_value(text_max, edge->value);
        assert_true(wg_buf_printf(out, "edge %u:%s %u %u", e, edge->label == 0 ? "R" : "S", edge->from, edge->to));
        put_named(out, "v", &v);
        assert_true(wg_buf_append_str(out, "\n"));
    }
}

static inline void dump_node(const wg_txn *txn, uint64_t id, wg_arena *arena, wg_buf *out) {
    const uint32_t *labels = NULL;
    const wg_map_entry *entries = NULL;
    uint32_t label_count = 0;
    uint32_t count = 0;
    bool found = false;
    MODEL_OK(wg_node_labels(txn, id, arena, &labels, &label_count, &found, err));
    if (!found) return;
    assert_true(wg_buf_printf(out, "node %llu", (unsigned long long)id));
    for (uint32_t l = 0; l < label_count; l++)
        assert_true(wg_buf_printf(out, ":%s", wg_catalog_label_at(wg_txn_catalog(txn), labels[l])->def.name));
    MODEL_OK(wg_node_properties(txn, id, arena, &entries, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        char name[8] = {0};
        memcpy(name, entries[i].key, wg_min_size(entries[i].key_size, 7));
        put_named(out, name, &entries[i].value);
    }
    assert_true(wg_buf_append_str(out, "\n"));
}

/* Every edge is also found from both of its ends. */
static inline void dump_edge(const wg_txn *txn, uint64_t id, wg_arena *arena, wg_buf *out) {
    wg_edge_info info;
    if (!wg_edge_info_get(txn, id, &info)) return;
    const wg_label *label = wg_catalog_label_at(wg_txn_catalog(txn), info.label);
    const wg_map_entry *entries = NULL;
    uint32_t count = 0;
    assert_true(wg_buf_printf(out, "edge %llu:%s %llu %llu", (unsigned long long)id, label->def.name,
                              (unsigned long long)info.from, (unsigned long long)info.to));
    MODEL_OK(wg_edge_properties(txn, id, arena, &entries, &count, err));
    for (uint32_t i = 0; i < count; i++) put_named(out, "v", &entries[i].value);
    assert_true(wg_buf_append_str(out, "\n"));
    for (int way = 0; way < 2; way++) {
        wg_expand_position position = {0};
        bool found = false;
        for (uint32_t got = 1; got != 0 && !found;) {
            uint64_t edges[5];
            uint64_t neighbours[5];
            MODEL_OK(wg_expand(txn, way == 0 ? info.from : info.to, way == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN,
                               NULL, 0, &position, 5, edges, neighbours, &got, err));
            for (uint32_t i = 0; i < got; i++)
                found |= edges[i] == id && neighbours[i] == (way == 0 ? info.to : info.from);
        }
        assert_true(found);
    }
}

/* Number of rows that a scan of `label` gives; none: of all owned nodes. */
static inline uint64_t scan_count(const wg_txn *txn, const uint32_t *label) {
    const wg_scan_spec spec = {.labels = label, .label_count = label == NULL ? 0 : 1};
    wg_scan *scan = NULL;
    wg_scan_cursor *cursor = NULL;
    uint64_t rows = 0;
    MODEL_OK(wg_scan_open(txn, &spec, NULL, &scan, err));
    MODEL_OK(wg_scan_cursor_create(scan, NULL, NULL, &cursor, err));
    for (uint32_t t = 0; t < wg_scan_task_count(scan); t++) {
        MODEL_OK(wg_scan_cursor_start(cursor, t, err));
        for (uint32_t passed = 1; passed != 0;) {
            wg_batch batch = {0};
            MODEL_OK(wg_scan_cursor_next(cursor, 1 + t % 7 * 100, &batch, &passed, err));
            if (passed != 0) rows += batch.row_count;
        }
    }
    wg_scan_cursor_destroy(cursor);
    wg_scan_close(scan);
    return rows;
}

static inline void engine_dump(const wg_txn *txn, wg_buf *out) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    out->size = 0;
    const bool extra = wg_catalog_label(wg_txn_catalog(txn), wg_txn_view(txn), wg_slice_str("X"), false) != NULL;
    assert_true(wg_buf_printf(out, "X %d\n", extra));
    const size_t head = out->size;
    uint64_t lines = 0;
    for (uint64_t id = 0; id < MODEL_NODES; id++) {
        const size_t before = out->size;
        dump_node(txn, id, &arena, out);
        lines += out->size != before;
    }
    assert_true(out->size >= head);
    assert_int_equal(scan_count(txn, NULL), lines);
    for (uint64_t id = 0; id < MODEL_EDGES; id++) {
        dump_edge(txn, id, &arena, out);
        wg_arena_reset(&arena);
    }
    wg_arena_deinit(&arena);
}

static inline bool same_text(const wg_buf *a, const wg_buf *b) {
    return wg_slice_equal(wg_buf_slice(a), wg_buf_slice(b));
}

/* The state that the transaction sees is the model's. */
static inline void check_now(const world *w, const wg_txn *txn) {
    wg_buf a;
    wg_buf b;
    wg_buf_init(&a, NULL);
    wg_buf_init(&b, NULL);
    model_dump(&w->now, w->text_max, &a);
    engine_dump(txn, &b);
    if (!same_text(&a, &b))
        fail_msg("model:\n%.*s\nengine:\n%.*s", (int)a.size, (const char *)a.data, (int)b.size, (const char *)b.data);
    wg_buf_deinit(&a);
    wg_buf_deinit(&b);
}

/* ---- what is legal */

static inline bool legal_node(const model *m, uint32_t self, uint32_t labels, const model_value *values,
                              uint32_t named) {
    if ((labels & MODEL_P) == 0) return true;
    if (values[0].kind != MODEL_INT || values[1].kind == MODEL_TEXT) return false;
    for (uint32_t k = 2; k < MODEL_KEYS; k++)
        if (labels == MODEL_P && (values[k].kind != MODEL_NONE || (named >> k & 1))) return false;
    for (uint32_t n = 0; n < m->node_count; n++)
        if (n != self && m->nodes[n].alive && (m->nodes[n].labels & MODEL_P) &&
            m->nodes[n].values[0].i == values[0].i)
            return false;
    return true;
}

/* True: the operation happened and the model must follow. */
static inline bool judge(world *w, wg_code code, bool legal, const wg_error *err, const char *what) {
    w->operations++;
    if (w->may_fail && code == WG_E_NOMEM) {
        w->nomems++;
        return false;
    }
    if (legal != (code == WG_OK))
        fail_msg("%s is %s, got %s: %s", what, legal ? "legal" : "illegal", wg_code_name(code), err->message);
    if (code == WG_OK) return true;
    w->refusals++;
    assert_true(code == WG_E_CONSTRAINT || code == WG_E_TYPE || code == WG_E_NOT_FOUND || code == WG_E_EXISTS);
    return false;
}

/* ---- operations */

static inline wg_code numbers_of(wg_txn *txn, uint32_t labels, uint32_t *out, uint32_t *count, wg_error *err) {
    *count = 0;
    for (uint32_t l = 0; l < MODEL_LABELS; l++)
        if (labels >> l & 1)
            WG_TRY(wg_txn_intern_label(txn, wg_slice_str(model_label_names[l]), false, &out[(*count)++], err));
    return WG_OK;
}

static inline wg_code properties_of(const world *w, wg_txn *txn, const model_value *values, uint32_t named,
                                    wg_property *out, uint32_t *count, wg_error *err) {
    *count = 0;
    for (uint32_t k = 0; k < MODEL_KEYS; k++) {
        if ((named >> k & 1) == 0) continue;
        out[*count].value = model_to_value(w->text_max, values[k]);
        WG_TRY(wg_txn_intern_key(txn, wg_slice_str(model_key_names[k]), &out[(*count)++].key, err));
    }
    return WG_OK;
}

static inline uint32_t random_labels(world *w) {
    static const uint32_t sets[] = {1, 1, 1, 2, 2, 4, 6, 14, 3, 9, 0};
    return sets[pick(w, sizeof sets / sizeof sets[0])];
}

static inline model_value random_value(world *w, uint32_t key) {
    if (key == 0) return (model_value){pick(w, 30) == 0 ? MODEL_TEXT : MODEL_INT, pick(w, 60)};
    if (key == 1) return (model_value){pick(w, 30) == 0 ? MODEL_TEXT : MODEL_INT, pick(w, 1000)};
    return (model_value){(model_kind)pick(w, 3), pick(w, 4000)};
}

/* Values of the keys in `named`; keys 2.. are rare for nodes of P alone, where they are illegal. */
static inline uint32_t random_values(world *w, uint32_t labels, model_value *values) {
    uint32_t named = pick(w, 1u << MODEL_KEYS);
    if (labels & MODEL_P && pick(w, 10) != 0) named |= 1;
    if (labels == MODEL_P && pick(w, 10) != 0) named &= 3;
    for (uint32_t k = 0; k < MODEL_KEYS; k++)
        if (named >> k & 1) values[k] = random_value(w, k);
    return named;
}

static inline void op_create_node(world *w, wg_txn *txn) {
    if (w->now.node_count == MODEL_NODES) return;
    model_node n = {.alive = true, .labels = random_labels(w)};
    const uint32_t named = random_values(w, n.labels, n.values);
    /* A property that is null is not there, and a create does not mind its name. */
    uint32_t written = 0;
    for (uint32_t k = 0; k < MODEL_KEYS; k++) written |= (uint32_t)(named >> k & 1) << k;
    const bool legal = legal_node(&w->now, UINT32_MAX, n.labels, n.values, written);
    uint32_t labels[MODEL_LABELS];
    wg_property p[MODEL_KEYS];
    uint32_t label_count = 0;
    uint32_t count = 0;
    uint64_t id = UINT64_MAX;
    wg_error err = {0};
    wg_code code = numbers_of(txn, n.labels, labels, &label_count, &err);
    if (code == WG_OK) code = properties_of(w, txn, n.values, named, p, &count, &err);
    if (code == WG_OK) code = wg_txn_create_node(txn, labels, label_count, p, count, &id, &err);
    if (!judge(w, code, legal, &err, "create node")) return;
    assert_int_equal(id, w->now.node_count);
    w->now.nodes[w->now.node_count++] = n;
}

/* A bulk stripe of A with columns a (ANY: numbers) and b (ANY: texts and nulls). */
static inline void op_create_nodes(world *w, wg_txn *txn) {
    enum { ROWS = 12 };
    const uint32_t rows = 1 + pick(w, ROWS);
    if (w->now.node_count + rows > MODEL_NODES) return;
    wg_value cells[2][ROWS];
    model_node nodes[ROWS];
    uint8_t valid[2] = {0, 0};
    for (uint32_t r = 0; r < rows; r++) {
        nodes[r] = (model_node){.alive = true, .labels = 2};
        nodes[r].values[2] = (model_value){MODEL_INT, pick(w, 100)};
        if (pick(w, 3) != 0) {
            nodes[r].values[3] = (model_value){MODEL_TEXT, pick(w, 4000)};
            wg_bit_set(valid, r);
        }
        cells[0][r] = model_to_value(w->text_max, nodes[r].values[2]);
        cells[1][r] = model_to_value(w->text_max, nodes[r].values[3]);
    }
    const wg_vector vectors[2] = {{.type = WG_TYPE_ANY, .data = cells[0]},
                                  {.type = WG_TYPE_ANY, .data = cells[1], .valid = valid}};
    const wg_batch batch = {.row_count = rows, .column_count = 2, .columns = vectors};
    uint32_t label = 0;
    uint32_t count = 0;
    uint32_t keys[2] = {0, 0};
    uint64_t first = 0;
    wg_error err = {0};
    wg_code code = numbers_of(txn, 2, &label, &count, &err);
    if (code == WG_OK) code = wg_txn_intern_key(txn, wg_slice_str("a"), &keys[0], &err);
    if (code == WG_OK) code = wg_txn_intern_key(txn, wg_slice_str("b"), &keys[1], &err);
    if (code == WG_OK) code = wg_txn_create_nodes(txn, label, keys, &batch, &first, &err);
    if (!judge(w, code, true, &err, "create nodes")) return;
    assert_int_equal(first, w->now.node_count);
    for (uint32_t r = 0; r < rows; r++) w->now.nodes[w->now.node_count++] = nodes[r];
}

static inline void op_create_edge(world *w, wg_txn *txn) {
    if (w->now.edge_count == MODEL_EDGES || w->now.node_count == 0) return;
    model_edge e = {.alive = true,
                    .label = pick(w, 2),
                    .from = pick(w, w->now.node_count),
                    .to = pick(w, w->now.node_count),
                    .value = random_value(w, 2)};
    const bool legal = w->now.nodes[e.from].alive && w->now.nodes[e.to].alive;
    uint32_t label = 0;
    uint64_t id = 0;
    wg_property p = {.value = model_to_value(w->text_max, e.value)};
    wg_error err = {0};
    wg_code code = wg_txn_intern_label(txn, wg_slice_str(e.label == 0 ? "R" : "S"), true, &label, &err);
    if (code == WG_OK) code = wg_txn_intern_key(txn, wg_slice_str("v"), &p.key, &err);
    if (code == WG_OK) code = wg_txn_create_edge(txn, label, e.from, e.to, &p, 1, &id, &err);
    if (!judge(w, code, legal, &err, "create edge")) return;
    assert_int_equal(id, w->now.edge_count);
    w->now.edges[w->now.edge_count++] = e;
}

static inline void op_set_node(world *w, wg_txn *txn) {
    if (w->now.node_count == 0) return;
    const uint32_t n = pick(w, w->now.node_count);
    const bool replace = pick(w, 4) == 0;
    model_node node = w->now.nodes[n];
    if (replace) memset(node.values, 0, sizeof node.values);
    const uint32_t named = random_values(w, node.labels, node.values);
    bool legal = node.alive;
    if (legal) legal = legal_node(&w->now, n, node.labels, node.values, named);
    wg_property p[MODEL_KEYS];
    uint32_t count = 0;
    wg_error err = {0};
    wg_code code = properties_of(w, txn, node.values, named, p, &count, &err);
    if (code == WG_OK) code = wg_txn_set_node(txn, n, p, count, replace, &err);
    if (judge(w, code, legal, &err, "set node")) w->now.nodes[n] = node;
}

static inline void op_set_edge(world *w, wg_txn *txn) {
    if (w->now.edge_count == 0) return;
    const uint32_t e = pick(w, w->now.edge_count);
    const model_value value = random_value(w, 3);
    wg_property p = {.value = model_to_value(w->text_max, value)};
    wg_error err = {0};
    wg_code code = wg_txn_intern_key(txn, wg_slice_str("v"), &p.key, &err);
    if (code == WG_OK) code = wg_txn_set_edge(txn, e, &p, 1, pick(w, 2) == 0, &err);
    if (judge(w, code, w->now.edges[e].alive, &err, "set edge")) w->now.edges[e].value = value;
}

static inline void op_change_labels(world *w, wg_txn *txn) {
    if (w->now.node_count == 0) return;
    const uint32_t n = pick(w, w->now.node_count);
    const uint32_t add = pick(w, 3) == 0 ? 0 : random_labels(w);
    const uint32_t remove = pick(w, 2) == 0 ? 0 : random_labels(w) & ~add;
    const model_node *node = &w->now.nodes[n];
    const uint32_t labels = (node->labels & ~remove) | add;
    bool legal = node->alive;
    if (legal && labels != node->labels) legal = legal_node(&w->now, n, labels, node->values, 0);
    uint32_t added[MODEL_LABELS];
    uint32_t removed[MODEL_LABELS];
    uint32_t add_count = 0;
    uint32_t remove_count = 0;
    wg_error err = {0};
    wg_code code = numbers_of(txn, add, added, &add_count, &err);
    if (code == WG_OK) code = numbers_of(txn, remove, removed, &remove_count, &err);
    if (code == WG_OK) code = wg_txn_change_labels(txn, n, added, add_count, removed, remove_count, &err);
    if (judge(w, code, legal, &err, "change labels")) w->now.nodes[n].labels = labels;
}

static inline void op_delete_node(world *w, wg_txn *txn) {
    if (w->now.node_count == 0) return;
    const uint32_t n = pick(w, w->now.node_count);
    const bool detach = pick(w, 2) == 0;
    bool connected = false;
    for (uint32_t e = 0; e < w->now.edge_count; e++)
        connected |= w->now.edges[e].alive && (w->now.edges[e].from == n || w->now.edges[e].to == n);
    wg_error err = {0};
    const wg_code code = wg_txn_delete_node(txn, n, detach, &err);
    if (!judge(w, code, detach || !connected || !w->now.nodes[n].alive, &err, "delete node")) return;
    if (!w->now.nodes[n].alive) return;
    w->now.nodes[n].alive = false;
    for (uint32_t e = 0; e < w->now.edge_count; e++)
        if (w->now.edges[e].from == n || w->now.edges[e].to == n) w->now.edges[e].alive = false;
}

static inline void op_delete_edge(world *w, wg_txn *txn) {
    if (w->now.edge_count == 0) return;
    const uint32_t e = pick(w, w->now.edge_count);
    wg_error err = {0};
    const wg_code code = wg_txn_delete_edge(txn, e, &err);
    if (judge(w, code, true, &err, "delete edge")) w->now.edges[e].alive = false;
}

static inline void op_ddl(world *w, wg_txn *txn) {
    static const wg_column_def columns[] = {{.name = "x1", .type = WG_TYPE_STRING, .int_bits = 64},
                                            {.name = "x2", .type = WG_TYPE_INT, .int_bits = 64}};
    const wg_label_def def = {.name = "X", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 2};
    const bool create = pick(w, 2) == 0;
    wg_error err = {0};
    const wg_code code = create ? wg_txn_create_label(txn, &def, false, &err)
                                : wg_txn_drop_label(txn, wg_slice_str("X"), false, false, &err);
    if (judge(w, code, create != w->now.extra_label, &err, create ? "create label" : "drop label"))
        w->now.extra_label = create;
}

static inline void op_any(world *w, wg_txn *txn) {
    switch (pick(w, 16)) {
        case 0:
        case 1:
        case 2:
        case 3:
            op_create_node(w, txn);
            return;
        case 4:
            op_create_nodes(w, txn);
            return;
        case 5:
        case 6:
        case 7:
            op_create_edge(w, txn);
            return;
        case 8:
        case 9:
            op_set_node(w, txn);
            return;
        case 10:
            op_set_edge(w, txn);
            return;
        case 11:
        case 12:
            op_change_labels(w, txn);
            return;
        case 13:
            op_delete_node(w, txn);
            return;
        case 14:
            op_delete_edge(w, txn);
            return;
        default:
            if (pick(w, 6) == 0) op_ddl(w, txn);
            return;
    }
}

/* A few operations, some of them taken back to a mark. */
static inline void transaction_body(world *w, wg_txn *txn) {
    const uint32_t steps = 1 + pick(w, 10);
    for (uint32_t s = 0; s < steps; s++) {
        if (pick(w, 6) != 0) {
            op_any(w, txn);
            continue;
        }
        wg_txn_mark mark;
        wg_txn_mark_set(txn, &mark);
        w->saved[1] = w->now;
        for (uint32_t i = pick(w, 5); i > 0; i--) op_any(w, txn);
        wg_txn_rollback_to(txn, &mark);
        w->now = w->saved[1];
    }
}

/* Declares P; every world begins with it. */
static inline wg_code declare(wg_txn *txn, wg_error *err) {
    static const wg_column_def columns[] = {{.name = "k", .type = WG_TYPE_INT, .int_bits = 64},
                                            {.name = "v", .type = WG_TYPE_INT, .int_bits = 64}};
    const wg_label_def def = {
        .name = "P", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 2, .key_count = 1};
    return wg_txn_create_label(txn, &def, false, err);
}

#endif
