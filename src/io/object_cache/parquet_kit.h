/* For tests only: a temporary directory on the real file system, small Parquet files in it, and its removal. */
#ifndef WG_IO_PARQUET_KIT_H
#define WG_IO_PARQUET_KIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "format/parquet/parquet.h"
#include "io/platform/platform.h"

#define KIT_OK(call)                                                                          \
    do {                                                                                      \
        wg_error err_ = {0};                                                                  \
        wg_error *err = &err_;                                                                \
        const wg_code code_ = (call);                                                         \
        if (code_ != WG_OK) fail_msg("%s: %s: %s", #call, wg_code_name(code_), err_.message); \
    } while (0)

#define KIT_FAILS(expected, call)                                                                  \
    do {                                                                                           \
        wg_error err_ = {0};                                                                       \
        wg_error *err = &err_;                                                                     \
        const wg_code code_ = (call);                                                              \
        if (code_ != (expected)) fail_msg("%s: %s: %s", #call, wg_code_name(code_), err_.message); \
        assert_true(err_.message[0] != '\0');                                                      \
    } while (0)

static char kit_root[256];

static inline wg_platform *kit_platform(void) { return wg_platform_real(); }

static inline void kit_begin(void) {
    const char *base = getenv("TMPDIR");
    snprintf(kit_root, sizeof kit_root, "%s/wgkitXXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(kit_root));
}

/* Text of a path below the directory, in one of a few turns of static buffers. */
static inline const char *kit_path(const char *name) {
    static char paths[8][512];
    static uint32_t turn;
    char *path = paths[turn++ % 8];
    snprintf(path, 512, "%s/%s", kit_root, name);
    return path;
}

static inline void kit_mkdir(const char *name) {
    wg_platform *p = kit_platform();
    const wg_code code = p->ops->make_directory(p, kit_path(name), NULL);
    assert_true(code == WG_OK || code == WG_E_EXISTS);
}

static inline bool kit_remove_entry(void *ctx, const char *name, bool is_directory);

static inline void kit_remove_tree(const char *path) {
    wg_platform *p = kit_platform();
    char copy[1024];
    snprintf(copy, sizeof copy, "%.1000s", path);
    (void)p->ops->list(p, copy, kit_remove_entry, copy, NULL);
    remove(copy);
}

static inline bool kit_remove_entry(void *ctx, const char *name, bool is_directory) {
    char path[1024];
    snprintf(path, sizeof path, "%.700s/%.255s", (const char *)ctx, name);
    if (is_directory) kit_remove_tree(path);
    else remove(path);
    return true;
}

static inline void kit_end(void) { kit_remove_tree(kit_root); }

static inline void kit_write(const char *name, wg_slice bytes) {
    wg_platform *p = kit_platform();
    const char *path = kit_path(name);
    wg_file *file = NULL;
    (void)p->ops->unlink(p, path, NULL);
    KIT_OK(p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, err));
    KIT_OK(p->ops->write_at(p, file, 0, bytes.data, bytes.size, err));
    p->ops->close(p, file);
}

static inline wg_code kit_sink(void *ctx, wg_slice bytes, wg_error *err) {
    return wg_buf_append(ctx, bytes.data, bytes.size) ? WG_OK : wg_error_nomem(err, bytes.size);
}

typedef struct kit_file {
    uint32_t rows;
    int64_t base;        /* hits of row i: base + i; speed: (base + i) / 4 */
    uint32_t group_rows; /* 0: one group */
    bool no_speed;       /* the column is missing */
    bool speed_is_text;  /* the column has another type */
} kit_file;

/* The bytes of a file with columns player ("p0".."p9", null every 7th row), hits INT and speed FLOAT. */
static inline void kit_encode(const kit_file *f, wg_buf *out) {
    const wg_parquet_writer_column schema[3] = {{"player", WG_TYPE_STRING, true},
                                                {"hits", WG_TYPE_INT, false},
                                                {"speed", f->speed_is_text ? WG_TYPE_STRING : WG_TYPE_FLOAT, true}};
    const uint32_t columns = f->no_speed ? 2 : 3;
    wg_parquet_writer *w = NULL;
    KIT_OK(wg_parquet_writer_create(schema, columns, WG_CODEC_SNAPPY, f->group_rows, kit_sink, out, NULL, &w, err));
    for (uint32_t first = 0; first < f->rows; first += 1000) {
        wg_arena arena;
        wg_column c[3];
        wg_vector v[3];
        wg_arena_init(&arena, NULL);
        for (uint32_t i = 0; i < columns; i++) wg_column_init(&c[i], schema[i].type, &arena, NULL);
        for (uint32_t r = first; r < f->rows && r < first + 1000; r++) {
            const char name[3] = {'p', (char)('0' + r % 10), '\0'};
            assert_true(r % 7 == 6 ? wg_column_append_null(&c[0]) : wg_column_append_str(&c[0], (wg_str){name, 2}));
            assert_true(wg_column_append_i64(&c[1], f->base + r));
            if (columns == 2) continue;
            assert_true(f->speed_is_text ? wg_column_append_str(&c[2], (wg_str){"fast", 4})
                                         : wg_column_append_f64(&c[2], (double)(f->base + r) / 4));
        }
        for (uint32_t i = 0; i < columns; i++) v[i] = wg_column_view(&c[i]);
        const wg_batch batch = {.row_count = c[0].row_count, .column_count = columns, .columns = v};
        KIT_OK(wg_parquet_writer_append(w, &batch, err));
        for (uint32_t i = 0; i < columns; i++) wg_column_deinit(&c[i]);
        wg_arena_deinit(&arena);
    }
    KIT_OK(wg_parquet_writer_finish(w, err));
    wg_parquet_writer_destroy(w);
}

static inline void kit_parquet(const char *name, kit_file f) {
    wg_buf bytes;
    wg_buf_init(&bytes, NULL);
    kit_encode(&f, &bytes);
    kit_write(name, wg_buf_slice(&bytes));
    wg_buf_deinit(&bytes);
}

#endif
