/* For tests only: a naive model of a store, and dumps of model and engine as text, so that any two states can be compared.
 *
 * The model is a flat array of nodes and edges that is copied whole at the start of a transaction, so that its rollback cannot
 * be wrong. engine_model_ops.h has the operations. */
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
    MODEL_TEXT_BYTES = 1 << 20,
    MODEL_LARGE = 1 << 20, /* texts with this number or a higher one have 4 MiB, whatever the limit */
    MODEL_LARGE_BYTES = 4 << 20
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
    bool loads;    /* edges by the batch too */
    bool may_fail; /* WG_E_NOMEM and WG_E_IO are legal answers */
    uint64_t operations;
    uint64_t refusals;
    uint64_t nomems;
} world;

static const char *const model_key_names[MODEL_KEYS] = {"k", "v", "a", "b", "c"};
static const char *const model_label_names[MODEL_LABELS] = {"P", "A", "B", "C"};
static char model_text[MODEL_LARGE_BYTES + MODEL_TEXT_BYTES];

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
        for (size_t i = 0; i < sizeof model_text; i++) model_text[i] = (char)('a' + (i * 7 + i / 251) % 26);
    if (v.i >= MODEL_LARGE) return wg_value_str(wg_slice_of(model_text + v.i % 4096, MODEL_LARGE_BYTES));
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
    bool visible = false;
    MODEL_OK(wg_edge_info_get(txn, id, &info, &visible, err));
    if (!visible) return;
    const wg_label *label = wg_catalog_label_at(wg_txn_catalog(txn), info.label);
    const wg_map_entry *entries = NULL;
    uint32_t count = 0;
    assert_true(wg_buf_printf(out, "edge %llu:%s %llu %llu", (unsigned long long)id, label->def.name,
                              (unsigned long long)info.from, (unsigned long long)info.to));
    MODEL_OK(wg_edge_properties(txn, id, arena, &entries, &count, err));
    for (uint32_t i = 0; i < count; i++) put_named(out, entries[i].key, &entries[i].value);
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

#endif
