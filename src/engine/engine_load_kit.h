/* For tests only: an engine on a simulated disk with a label of nodes, one of edges and two open ones, and files for COPY. */
#ifndef WG_ENGINE_LOAD_KIT_H
#define WG_ENGINE_LOAD_KIT_H

#include <stdio.h>

#include "engine/engine_model.h"
#include "format/parquet/parquet.h"

typedef struct fixture {
    wg_platform *platform;
    wg_engine *engine;
    wg_txn *txn;
    uint32_t person;
    uint32_t knows;
    uint32_t open_node;
    uint32_t open_edge;
} fixture;

static const wg_column_def person_columns[] = {{.name = "id", .type = WG_TYPE_INT, .int_bits = 64},
                                               {.name = "name", .type = WG_TYPE_STRING, .int_bits = 64},
                                               {.name = "age", .type = WG_TYPE_INT, .int_bits = 8}};
static const wg_column_def knows_columns[] = {{.name = "since", .type = WG_TYPE_DATE, .int_bits = 64},
                                              {.name = "weight", .type = WG_TYPE_FLOAT, .int_bits = 64}};

static inline uint32_t label_of(const fixture *f, const char *name, bool edge) {
    const wg_label *label = wg_catalog_label(wg_txn_catalog(f->txn), wg_txn_view(f->txn), wg_slice_str(name), edge);
    assert_non_null(label);
    return label->number;
}

static inline void setup(fixture *f) {
    const wg_label_def person = {
        .name = "Person", .kind = WG_LABEL_OWNED, .columns = person_columns, .column_count = 3, .key_count = 1};
    const wg_label_def knows = {.name = "KNOWS",
                                .is_edge = true,
                                .kind = WG_LABEL_OWNED,
                                .columns = knows_columns,
                                .column_count = 2,
                                .from_label = "Person",
                                .to_label = "Person"};
    MODEL_OK(wg_platform_sim_create(5, &f->platform, err));
    const wg_engine_options o = {.platform = f->platform, .options = {.create = true}};
    MODEL_OK(wg_engine_open("/ws", &o, &f->engine, err));
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_WRITE, 0, &f->txn, err));
    MODEL_OK(wg_txn_create_label(f->txn, &person, false, err));
    MODEL_OK(wg_txn_create_label(f->txn, &knows, false, err));
    f->person = label_of(f, "Person", false);
    f->knows = label_of(f, "KNOWS", true);
    MODEL_OK(wg_txn_intern_label(f->txn, wg_slice_str("Tag"), false, &f->open_node, err));
    MODEL_OK(wg_txn_intern_label(f->txn, wg_slice_str("HAS"), true, &f->open_edge, err));
}

static inline void again(fixture *f) {
    MODEL_OK(wg_txn_commit(f->txn, NULL, err));
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_WRITE, 0, &f->txn, err));
}

static inline void teardown(fixture *f) {
    MODEL_OK(wg_txn_commit(f->txn, NULL, err));
    MODEL_OK(wg_engine_close(f->engine, err));
    wg_platform_sim_destroy(f->platform);
}

static inline void put_bytes(fixture *f, const char *path, const void *bytes, size_t size) {
    wg_platform *p = f->platform;
    wg_file *file = NULL;
    (void)p->ops->unlink(p, path, NULL);
    MODEL_OK(p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, err));
    MODEL_OK(p->ops->write_at(p, file, 0, bytes, size, err));
    p->ops->close(p, file);
}

static inline void put_text(fixture *f, const char *path, const char *text) {
    put_bytes(f, path, text, strlen(text));
}

static inline void expect_text(const fixture *f, const char *path, const char *expected) {
    wg_platform *p = f->platform;
    wg_file *file = NULL;
    char text[2000];
    size_t got = 0;
    MODEL_OK(p->ops->open(p, path, WG_OPEN_READ, &file, err));
    MODEL_OK(p->ops->read_at(p, file, 0, text, sizeof text - 1, &got, err));
    p->ops->close(p, file);
    text[got] = '\0';
    assert_string_equal(text, expected);
}

static inline wg_copy_options into(const uint32_t *label) {
    return (wg_copy_options){.labels = label,
                             .label_count = 1,
                             .header = true,
                             .delimiter = ',',
                             .ends = {{.label = WG_NO_LABEL}, {.label = WG_NO_LABEL}}};
}

static inline wg_code load(fixture *f, const wg_copy_options *options, const char *path, wg_copy_counts *counts,
                           wg_error *err) {
    return wg_txn_copy(f->txn, path, options, NULL, counts, err);
}

static inline void load_ok(fixture *f, const wg_copy_options *options, const char *path, uint64_t rows) {
    wg_copy_counts counts = {0};
    wg_error err = {0};
    if (load(f, options, path, &counts, &err) != WG_OK) fail_msg("%s", err.message);
    assert_int_equal(counts.rows, rows);
    assert_int_equal(counts.rejected, 0);
}

static inline void load_persons(fixture *f) {
    const wg_copy_options o = into(&f->person);
    put_text(f, "/persons.csv", "id,name,age\n10,Ada,36\n20,Bo,\n30,Cy,7\n");
    load_ok(f, &o, "/persons.csv", 3);
}

static inline void expect_state(const fixture *f, const char *expected) {
    wg_buf text = {0};
    engine_dump(f->txn, &text);
    assert_true(wg_buf_append_u8(&text, 0));
    assert_string_equal((const char *)text.data, expected);
    wg_buf_deinit(&text);
}

/* ---- Parquet: the same NODES persons and EDGES relationships each time */

static inline wg_code take_bytes(void *ctx, wg_slice bytes, wg_error *err) {
    return wg_buf_append(ctx, bytes.data, bytes.size) ? WG_OK : wg_error_nomem(err, bytes.size);
}

enum { NODES = 1500, EDGES = 7000, GROUP = 700 };

static inline int64_t key_of(uint64_t i) { return (int64_t)(i * 7919 % NODES) * 3 - 1000; }

static inline void fill_nodes(wg_column *columns, uint64_t row) {
    char text[32];
    const int size = snprintf(text, sizeof text, "person %llu", (unsigned long long)row);
    assert_true(wg_column_append_i64(&columns[0], key_of(row)) &&
                wg_column_append_str(&columns[1], (wg_str){text, (uint64_t)size}));
    assert_true(row % 5 == 0 ? wg_column_append_null(&columns[2])
                             : wg_column_append_i64(&columns[2], (int64_t)(row % 100)));
}

static inline void fill_edges(wg_column *columns, uint64_t row) {
    assert_true(wg_column_append_i64(&columns[0], key_of(row * row % NODES)) &&
                wg_column_append_i64(&columns[1], key_of(row * 31 % NODES)));
    assert_true(wg_column_append_i64(&columns[2], (int64_t)(row % 4000)));
    assert_true(row % 7 == 0 ? wg_column_append_null(&columns[3])
                             : wg_column_append_f64(&columns[3], (double)(row * 37 % 1000) / 1000));
}

/* Rows by the batch into a Parquet file with small row groups. */
static inline void put_parquet(fixture *f, const char *path, const wg_parquet_writer_column *names, uint32_t count,
                               uint64_t rows, void (*fill)(wg_column *columns, uint64_t row)) {
    wg_arena strings;
    wg_column columns[4];
    wg_vector vectors[4];
    wg_buf bytes = {0};
    wg_parquet_writer *writer = NULL;
    wg_arena_init(&strings, NULL);
    for (uint32_t c = 0; c < count; c++) wg_column_init(&columns[c], names[c].type, &strings, NULL);
    MODEL_OK(wg_parquet_writer_create(names, count, WG_CODEC_SNAPPY, GROUP, take_bytes, &bytes, NULL, &writer, err));
    for (uint64_t row = 0; row < rows; row++) {
        fill(columns, row);
        if (row % 1000 != 999 && row + 1 != rows) continue;
        for (uint32_t c = 0; c < count; c++) vectors[c] = wg_column_view(&columns[c]);
        const wg_batch batch = {.row_count = columns[0].row_count, .column_count = count, .columns = vectors};
        MODEL_OK(wg_parquet_writer_append(writer, &batch, err));
        for (uint32_t c = 0; c < count; c++) wg_column_clear(&columns[c]);
        wg_arena_reset(&strings);
    }
    MODEL_OK(wg_parquet_writer_finish(writer, err));
    wg_parquet_writer_destroy(writer);
    for (uint32_t c = 0; c < count; c++) wg_column_deinit(&columns[c]);
    wg_arena_deinit(&strings);
    put_bytes(f, path, bytes.data, bytes.size);
    wg_buf_deinit(&bytes);
}

static inline void put_graph(fixture *f) {
    static const wg_parquet_writer_column nodes[] = {
        {"id", WG_TYPE_INT, false}, {"name", WG_TYPE_STRING, false}, {"age", WG_TYPE_INT, true}};
    static const wg_parquet_writer_column edges[] = {{"src", WG_TYPE_INT, false},
                                                     {"dst", WG_TYPE_INT, false},
                                                     {"since", WG_TYPE_DATE, false},
                                                     {"weight", WG_TYPE_FLOAT, true}};
    MODEL_OK(f->platform->ops->make_directory(f->platform, "/d", err));
    put_parquet(f, "/d/p-0.parquet", nodes, 3, NODES, fill_nodes);
    put_parquet(f, "/d/k.parquet", edges, 4, EDGES, fill_edges);
}

static inline void reopen(fixture *f) {
    const wg_engine_options o = {.platform = f->platform};
    MODEL_OK(wg_txn_commit(f->txn, NULL, err));
    MODEL_OK(wg_engine_close(f->engine, err));
    MODEL_OK(wg_engine_open("/ws", &o, &f->engine, err));
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_WRITE, 0, &f->txn, err));
}

static inline void dump_now(const fixture *f, wg_buf *out) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    for (uint64_t id = 0; id <= NODES; id++) {
        dump_node(f->txn, id, &arena, out);
        wg_arena_reset(&arena);
    }
    for (uint64_t id = 0; id <= EDGES; id++) {
        dump_edge(f->txn, id, &arena, out);
        wg_arena_reset(&arena);
    }
    wg_arena_deinit(&arena);
}

#endif
