/* For tests only: random operations that go to the engine and to the model alike.
 *
 * An operation that the model calls illegal must be refused; one that it calls legal must succeed, or fail for want of memory
 * when a test injects that, and then have no effect. */
#ifndef WG_ENGINE_MODEL_OPS_H
#define WG_ENGINE_MODEL_OPS_H

#include "engine/engine_model.h"

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
    if (w->may_fail && (code == WG_E_NOMEM || code == WG_E_IO)) {
        w->nomems++;
        return false;
    }
    if (legal != (code == WG_OK))
        fail_msg("%s is %s, got %s: %s", what, legal ? "legal" : "illegal", wg_code_name(code), err->message);
    if (code == WG_OK) return true;
    w->refusals++;
    if (code != WG_E_CONSTRAINT && code != WG_E_TYPE && code != WG_E_NOT_FOUND && code != WG_E_EXISTS)
        fail_msg("%s is refused as %s: %s", what, wg_code_name(code), err->message);
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

#include "engine/engine_model_mix.h"

#endif
