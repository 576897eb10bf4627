/* For tests only: a part of engine_model_ops.h, which includes it: loads of edges, and operations at random. */
#ifndef WG_ENGINE_MODEL_MIX_H
#define WG_ENGINE_MODEL_MIX_H

#include "engine/engine_model_ops.h"

/* Edges by the batch; one end that does not exist spoils them all. */
static inline void op_create_edges(world *w, wg_txn *txn) {
    enum { ROWS = 12 };
    const uint32_t rows = 1 + pick(w, ROWS);
    if (w->now.edge_count + rows > MODEL_EDGES || w->now.node_count == 0) return;
    wg_value cells[ROWS];
    model_edge edges[ROWS];
    uint64_t ends[2][ROWS];
    uint8_t valid[2] = {0, 0};
    bool legal = true;
    const uint32_t kind = pick(w, 2);
    for (uint32_t r = 0; r < rows; r++) {
        model_edge *e = &edges[r];
        *e = (model_edge){.alive = true, .label = kind};
        e->from = pick(w, w->now.node_count);
        e->to = pick(w, w->now.node_count);
        if (pick(w, 3) != 0) e->value = random_value(w, 2);
        if (e->value.kind != MODEL_NONE) wg_bit_set(valid, r);
        cells[r] = model_to_value(w->text_max, e->value);
        ends[0][r] = e->from;
        ends[1][r] = e->to;
        legal = legal && w->now.nodes[e->from].alive && w->now.nodes[e->to].alive;
    }
    const wg_vector vector = {.type = WG_TYPE_ANY, .data = cells, .valid = valid};
    const wg_batch batch = {.row_count = rows, .column_count = 1, .columns = &vector};
    uint32_t label = 0;
    uint32_t key = 0;
    uint64_t first = 0;
    wg_error err = {0};
    wg_code code = wg_txn_intern_label(txn, wg_slice_str(kind == 0 ? "R" : "S"), true, &label, &err);
    if (code == WG_OK) code = wg_txn_intern_key(txn, wg_slice_str("v"), &key, &err);
    if (code == WG_OK) code = wg_txn_create_edges(txn, label, &key, &batch, ends[0], ends[1], &first, &err);
    if (!judge(w, code, legal, &err, "create edges")) return;
    assert_int_equal(first, w->now.edge_count);
    for (uint32_t r = 0; r < rows; r++) w->now.edges[w->now.edge_count++] = edges[r];
}

static inline void op_any(world *w, wg_txn *txn) {
    static void (*const ops[])(world *, wg_txn *) = {
        op_create_node, op_create_node,   op_create_node,   op_create_node, op_create_nodes,
        op_create_edge, op_create_edge,   op_create_edge,   op_set_node,    op_set_node,
        op_set_edge,    op_change_labels, op_change_labels, op_delete_node, op_delete_edge};
    const uint32_t count = sizeof ops / sizeof ops[0];
    if (w->loads && pick(w, 12) == 0) {
        op_create_edges(w, txn);
        return;
    }
    const uint32_t which = pick(w, count + 1);
    if (which < count) ops[which](w, txn);
    else if (pick(w, 6) == 0) op_ddl(w, txn);
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
