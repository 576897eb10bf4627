/* For the tests of exec only: a small engine of made-up data behind engine.h's functions.
 * The fake graph is a function of the node number n alone, so oracles need no stored data:
 *   key 0 "i" INT      n * 7919 % 1009 - 500
 *   key 1 "f" FLOAT    (n % 97) / 8.0 - 3, or null when n % 11 = 0
 *   key 2 "s" STRING   one of 16 names; the scan gives it as a dictionary, or null when n % 13 = 0
 *   key 3 "a" ANY      INT, FLOAT, STRING, BOOL or null by n % 5
 * Node n has n % 4 edges; edge 4 n + k goes to node (7 n + 3 k + 1) % count. */
#ifndef WG_EXEC_TEST_ENGINE_H
#define WG_EXEC_TEST_ENGINE_H

#include "exec/test_absent.h"
#include "exec/test_support.h"

struct wg_engine {
    wg_platform *platform;
    const char *directory; /* of temporary files */
};
struct wg_txn {
    wg_engine *engine;
    uint64_t node_count;
    uint32_t task_rows;
    uint64_t fail_read_at; /* node whose property reads fail; 0: none */
    wg_buf log;            /* text of the writes */
    uint64_t next_id;
};

static const char *const fake_names[16] = {
    "ann",  "bob",  "cid", "dora", "eve", "finn", "gus",  "hana",
    "ivan", "june", "kai", "lea",  "max", "nora", "otto", "an unusually long name"};

static inline int64_t fake_i(uint64_t n) { return (int64_t)(n * 7919 % 1009) - 500; }
static inline bool fake_f(uint64_t n, double *out) {
    *out = (double)(n % 97) / 8.0 - 3;
    return n % 11 != 0;
}
static inline wg_value fake_property(uint64_t n, uint32_t key) {
    double f;
    if (key == 0) return wg_value_int(fake_i(n));
    if (key == 1) return fake_f(n, &f) ? wg_value_float(f) : wg_value_null();
    if (key == 2) return n % 13 != 0 ? wg_value_str(wg_slice_str(fake_names[n * 5 % 16])) : wg_value_null();
    if (n % 5 == 0) return wg_value_int((int64_t)(n % 7));
    if (n % 5 == 1) return wg_value_float((double)(n % 7));
    if (n % 5 == 2) return wg_value_str(wg_slice_str(fake_names[n % 16]));
    if (n % 5 == 3) return wg_value_bool(n % 2 == 0);
    return wg_value_null();
}
static const wg_type fake_types[4] = {WG_TYPE_INT, WG_TYPE_FLOAT, WG_TYPE_STRING, WG_TYPE_ANY};
/* ---- engine.h */
wg_engine *wg_txn_engine(const wg_txn *txn) { return txn->engine; }
wg_platform *wg_engine_platform(wg_engine *engine) { return engine->platform; }
const char *wg_engine_temporary_directory(const wg_engine *engine) { return engine->directory; }
wg_view wg_txn_view(const wg_txn *txn) {
    (void)txn;
    return (wg_view){.snapshot = UINT64_MAX};
}
void wg_txn_set_place(wg_txn *txn, uint64_t offset) { (void)txn, (void)offset; }
const wg_catalog *wg_txn_catalog(const wg_txn *txn) {
    (void)txn;
    return NULL;
}

struct wg_scan {
    const wg_txn *txn;
    wg_scan_spec spec;
    uint32_t keys[8];
};
struct wg_scan_cursor {
    wg_scan *scan;
    uint64_t next;
    uint64_t end;
    wg_vector vectors[9];
    uint64_t ids[WG_BATCH_ROWS_MAX];
    union {
        int64_t i[WG_BATCH_ROWS_MAX];
        double f[WG_BATCH_ROWS_MAX];
        uint32_t codes[WG_BATCH_ROWS_MAX];
        wg_value v[WG_BATCH_ROWS_MAX];
    } cells[8];
    uint8_t valid[8][WG_BATCH_ROWS_MAX / 8];
    wg_str names[16];
};

wg_code wg_scan_open(const wg_txn *txn, const wg_scan_spec *spec, wg_account *account, wg_scan **out, wg_error *err) {
    wg_scan *scan = wg_alloc_zero(account, sizeof *scan);
    if (scan == NULL) return wg_error_nomem(err, sizeof *scan);
    scan->txn = txn;
    scan->spec = *spec;
    for (uint32_t i = 0; i < spec->key_count; i++) scan->keys[i] = spec->keys[i];
    *out = scan;
    return WG_OK;
}
void wg_scan_close(wg_scan *scan) { wg_free(scan); }
uint32_t wg_scan_task_count(const wg_scan *scan) {
    return (uint32_t)((scan->txn->node_count + scan->txn->task_rows - 1) / scan->txn->task_rows);
}
uint64_t wg_scan_row_count_max(const wg_scan *scan) { return scan->txn->node_count; }
void wg_scan_stats(const wg_scan *scan, wg_stats *out) { out->rows_scanned += scan->txn->node_count; }
bool wg_scan_describe(const wg_scan *scan, wg_buf *out) {
    return wg_buf_printf(out, "%u tasks", (unsigned)wg_scan_task_count(scan));
}
wg_code wg_scan_cursor_create(wg_scan *scan, wg_cancel *cancel, wg_account *account, wg_scan_cursor **out,
                              wg_error *err) {
    (void)cancel;
    wg_scan_cursor *c = wg_alloc_zero(account, sizeof *c);
    if (c == NULL) return wg_error_nomem(err, sizeof *c);
    c->scan = scan;
    for (int i = 0; i < 16; i++) c->names[i] = wg_str_of_slice(wg_slice_str(fake_names[i]));
    *out = c;
    return WG_OK;
}
void wg_scan_cursor_destroy(wg_scan_cursor *cursor) { wg_free(cursor); }
wg_code wg_scan_cursor_start(wg_scan_cursor *cursor, uint32_t task, wg_error *err) {
    (void)err;
    cursor->next = (uint64_t)task * cursor->scan->txn->task_rows;
    cursor->end = wg_min_u64(cursor->next + cursor->scan->txn->task_rows, cursor->scan->txn->node_count);
    return WG_OK;
}
wg_code wg_scan_cursor_next(wg_scan_cursor *c, uint32_t rows_max, wg_batch *out, uint32_t *out_rows, wg_error *err) {
    (void)err;
    const uint32_t n = (uint32_t)wg_min_u64(rows_max, c->end - c->next);
    const uint32_t keys = c->scan->spec.key_count;
    for (uint32_t r = 0; r < n; r++) c->ids[r] = c->next + r;
    c->vectors[0] = (wg_vector){.type = WG_TYPE_NODE, .data = c->ids};
    for (uint32_t k = 0; k < keys; k++) {
        const uint32_t key = c->scan->keys[k];
        memset(c->valid[k], 0xff, sizeof c->valid[k]);
        for (uint32_t r = 0; r < n; r++) {
            const uint64_t node = c->next + r;
            const wg_value v = fake_property(node, key);
            if (v.type == WG_TYPE_NULL) wg_bit_clear(c->valid[k], r);
            if (key == 0) c->cells[k].i[r] = v.as.i;
            if (key == 1) c->cells[k].f[r] = v.as.f;
            if (key == 2) c->cells[k].codes[r] = (uint32_t)(node * 5 % 16);
            if (key == 3) c->cells[k].v[r] = v;
        }
        c->vectors[k + 1] = (wg_vector){.type = fake_types[key], .valid = c->valid[k], .data = &c->cells[k]};
        if (key == 2) {
            c->vectors[k + 1].kind = WG_VECTOR_DICT;
            c->vectors[k + 1].codes = c->cells[k].codes;
            c->vectors[k + 1].data = c->names;
            c->vectors[k + 1].dict_size = 16;
        }
    }
    c->next += n;
    *out = (wg_batch){.row_count = n, .column_count = keys + 1, .columns = c->vectors};
    *out_rows = n;
    return WG_OK;
}
wg_code wg_read_node_property(const wg_txn *txn, const uint64_t *ids, uint32_t n, uint32_t key, wg_column *out,
                              wg_error *err) {
    for (uint32_t i = 0; i < n; i++) {
        if (txn->fail_read_at != 0 && ids[i] == txn->fail_read_at)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "node %u is damaged", (unsigned)ids[i]);
        const wg_value v = ids[i] < txn->node_count ? fake_property(ids[i], key) : wg_value_null();
        if (!wg_column_append_value(out, &v)) return wg_error_nomem(err, 16);
    }
    return WG_OK;
}
wg_code wg_read_edge_property(const wg_txn *txn, const uint64_t *ids, uint32_t n, uint32_t key, wg_column *out,
                              wg_error *err) {
    (void)txn;
    (void)key;
    for (uint32_t i = 0; i < n; i++) {
        const wg_value v = wg_value_int((int64_t)ids[i] * 2);
        if (!wg_column_append_value(out, &v)) return wg_error_nomem(err, 16);
    }
    return WG_OK;
}
wg_code wg_nodes_have_labels(const wg_txn *txn, const uint64_t *ids, uint32_t n, const uint32_t *labels,
                             uint32_t label_count, uint8_t *out, wg_error *err) {
    (void)txn, (void)label_count, (void)err;
    for (uint32_t i = 0; i < n; i++) out[i] = ids[i] % (labels[0] + 2) == 0;
    return WG_OK;
}
wg_code wg_node_labels(const wg_txn *txn, uint64_t id, wg_arena *arena, const uint32_t **out, uint32_t *out_count,
                       bool *out_found, wg_error *err) {
    (void)txn, (void)id, (void)arena, (void)err;
    *out = NULL;
    *out_count = 0;
    *out_found = true;
    return WG_OK;
}
wg_code wg_node_properties(const wg_txn *txn, uint64_t id, wg_arena *arena, const wg_map_entry **out,
                           uint32_t *out_count, wg_error *err) {
    (void)txn;
    wg_map_entry *e = wg_arena_alloc(arena, sizeof *e);
    if (e == NULL) return wg_error_nomem(err, sizeof *e);
    *e = (wg_map_entry){.key = "i", .key_size = 1, .value = wg_value_int(fake_i(id))};
    *out = e;
    *out_count = 1;
    return WG_OK;
}
wg_code wg_edge_properties(const wg_txn *txn, uint64_t id, wg_arena *arena, const wg_map_entry **out,
                           uint32_t *out_count, wg_error *err) {
    return wg_node_properties(txn, id, arena, out, out_count, err);
}
static inline uint64_t fake_neighbour(const wg_txn *txn, uint64_t node, uint64_t k) {
    return (7 * node + 3 * k + 1) % txn->node_count;
}
wg_code wg_edge_info_get(const wg_txn *txn, uint64_t id, wg_edge_info *out, bool *out_found, wg_error *err) {
    (void)err;
    *out = (wg_edge_info){.label = 0, .from = id / 4, .to = fake_neighbour(txn, id / 4, id % 4)};
    *out_found = true;
    return WG_OK;
}
wg_code wg_node_seek(const wg_txn *txn, uint32_t label, const wg_value *key, uint32_t key_count, uint64_t *out_id,
                     bool *out_found, wg_error *err) {
    (void)label, (void)key_count, (void)err;
    *out_found = key[0].type == WG_TYPE_INT && key[0].as.i >= 0 && (uint64_t)key[0].as.i < txn->node_count;
    if (*out_found) *out_id = (uint64_t)key[0].as.i;
    return WG_OK;
}
wg_code wg_expand(const wg_txn *txn, uint64_t node, wg_direction direction, const uint32_t *labels,
                  uint32_t label_count, wg_expand_position *position, uint32_t count_max, uint64_t *edges,
                  uint64_t *neighbours, uint32_t *out_count, wg_error *err) {
    (void)direction, (void)labels, (void)label_count, (void)err;
    uint32_t n = 0;
    while (n < count_max && position->entry < node % 4) {
        edges[n] = node * 4 + position->entry;
        neighbours[n++] = fake_neighbour(txn, node, position->entry++);
    }
    *out_count = n;
    return WG_OK;
}
#include "exec/test_adjacency.h"
/* Writes leave a text, so that tests see what was asked for and in which order. */
static inline wg_code fake_log(wg_txn *txn, const char *verb, uint64_t id, const wg_property *properties,
                               uint32_t n) {
    wg_buf_printf(&txn->log, "%s %u", verb, (unsigned)id);
    for (uint32_t i = 0; i < n; i++) {
        wg_buf_printf(&txn->log, " %u=", (unsigned)properties[i].key);
        wg_value_print_json(&txn->log, &properties[i].value);
    }
    wg_buf_append_str(&txn->log, "\n");
    return WG_OK;
}
wg_code wg_txn_create_node(wg_txn *txn, const uint32_t *labels, uint32_t label_count, const wg_property *properties,
                           uint32_t property_count, uint64_t *out_id, wg_error *err) {
    (void)labels, (void)label_count, (void)err;
    *out_id = txn->next_id++;
    return fake_log(txn, "node", *out_id, properties, property_count);
}
wg_code wg_txn_create_edge(wg_txn *txn, uint32_t label, uint64_t from, uint64_t to, const wg_property *properties,
                           uint32_t property_count, uint64_t *out_id, wg_error *err) {
    (void)label, (void)err;
    *out_id = txn->next_id++;
    wg_buf_printf(&txn->log, "%u->%u ", (unsigned)from, (unsigned)to);
    return fake_log(txn, "edge", *out_id, properties, property_count);
}
wg_code wg_txn_set_node(wg_txn *txn, uint64_t id, const wg_property *properties, uint32_t property_count,
                        bool replace, wg_error *err) {
    (void)err;
    return fake_log(txn, replace ? "replace" : "set", id, properties, property_count);
}
wg_code wg_txn_set_edge(wg_txn *txn, uint64_t id, const wg_property *properties, uint32_t property_count,
                        bool replace, wg_error *err) {
    return wg_txn_set_node(txn, id, properties, property_count, replace, err);
}
wg_code wg_txn_change_labels(wg_txn *txn, uint64_t id, const uint32_t *add, uint32_t add_count,
                             const uint32_t *remove, uint32_t remove_count, wg_error *err) {
    (void)add, (void)remove, (void)err;
    wg_buf_printf(&txn->log, "+%u-%u ", (unsigned)add_count, (unsigned)remove_count);
    return fake_log(txn, "labels", id, NULL, 0);
}
wg_code wg_txn_delete_node(wg_txn *txn, uint64_t id, bool detach, wg_error *err) {
    (void)err;
    return fake_log(txn, detach ? "detach" : "delete", id, NULL, 0);
}
wg_code wg_txn_delete_edge(wg_txn *txn, uint64_t id, wg_error *err) {
    (void)err;
    return fake_log(txn, "delete-edge", id, NULL, 0);
}

static inline wg_plan *scan_plan(void) { /* all nodes: slots id, i, f, s, a */
    static const uint32_t keys[4] = {0, 1, 2, 3};
    static const wg_type types[5] = {WG_TYPE_NODE, WG_TYPE_INT, WG_TYPE_FLOAT, WG_TYPE_STRING, WG_TYPE_ANY};
    wg_plan *p = plan_new(WG_PLAN_SCAN, NULL);
    p->scan.keys = keys;
    p->scan.types = fake_types;
    p->scan.key_count = 4;
    plan_types(p, 5, types);
    return p;
}
static wg_engine fake_engine_value;
static wg_txn fake_txn;
static inline int exec_test_setup(void **state) {
    (void)state, support_setup();
    fake_engine_value = (wg_engine){wg_platform_real(), ""};
    fake_txn = (wg_txn){.engine = &fake_engine_value, .node_count = 10007, .task_rows = 1000, .next_id = 1};
    wg_buf_init(&fake_txn.log, NULL);
    test_txn = &fake_txn;
    return 0;
}
static inline int exec_test_teardown(void **state) {
    (void)state, wg_buf_deinit(&fake_txn.log);
    support_teardown();
    return 0;
}

#endif
