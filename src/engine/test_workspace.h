/* For tests only: one workspace on a simulated disk with some of everything (a keyed label, open labels, edges, a virtual label,
 * a dropped one, two checkpoints and commits behind them), made once; copies of it; its manifest and its stripes written anew with a
 * change in them, checksums and all, as only a program with a bug or bad intent would. */
#ifndef WG_ENGINE_TEST_WORKSPACE_H
#define WG_ENGINE_TEST_WORKSPACE_H

#include <stdio.h>
#include <stdlib.h>

#include "engine/engine_internal.h"
#include "engine/engine_model_ops.h"
#include "io/platform/test_wrap.h"

enum { WS_COMMITS = 24, WS_FRAGMENTS = 400, WS_COLUMNS = 40 };

static wg_platform *ws_disk; /* the original */
static wg_buf ws_dump;       /* its newest state, as text */
static uint64_t ws_logseq;

static inline wg_engine_options ws_options(wg_platform *p) {
    return (wg_engine_options){
        .platform = p, .options = {.threads = 1, .no_background = true}, .wal_segment_bytes = 1 << 13};
}

/* A message when it fails; what a caller expects to fail uses wg_engine_open. */
static inline wg_engine *ws_open(wg_platform *p) {
    const wg_engine_options o = ws_options(p);
    wg_engine *e = NULL;
    MODEL_OK(wg_engine_open("/ws", &o, &e, err));
    return e;
}

static inline void ws_dump_of(wg_engine *e, wg_buf *out) {
    wg_txn *txn = NULL;
    out->size = 0;
    MODEL_OK(wg_txn_begin(e, WG_TXN_READ, 0, &txn, err));
    engine_dump(txn, out);
    wg_txn_abort(txn);
}

/* The state is that of the original. */
static inline void ws_expect_same(wg_engine *e) {
    wg_buf text = {0};
    ws_dump_of(e, &text);
    assert_int_equal(wg_engine_logseq(e), ws_logseq);
    if (!same_text(&text, &ws_dump)) fail_msg("the state is not that of the original");
    wg_buf_deinit(&text);
}

static inline void ws_commit(world *w, void (*body)(world *w, wg_txn *txn)) {
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, err));
    body(w, txn);
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static inline void ws_body_declare(world *w, wg_txn *txn) {
    (void)w;
    MODEL_OK(declare(txn, err));
}

static inline void ws_body_label(world *w, wg_txn *txn) {
    static const wg_column_def columns[] = {{.name = "k", .type = WG_TYPE_INT, .int_bits = 64}};
    const wg_label_def kept = {
        .name = "Kept", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 1, .key_count = 1};
    const wg_label_def gone = {.name = "Gone", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 1};
    (void)w;
    MODEL_OK(wg_txn_create_label(txn, &kept, false, err));
    MODEL_OK(wg_txn_create_label(txn, &gone, false, err));
}

static inline void ws_body_drop(world *w, wg_txn *txn) {
    (void)w;
    MODEL_OK(wg_txn_drop_label(txn, wg_slice_str("Gone"), false, false, err));
}

static inline void ws_make(void) {
    static world w;
    memset(&w, 0, sizeof w);
    w.text_max = 60;
    wg_rng_init(&w.rng, 20260404);
    MODEL_OK(wg_platform_sim_create(1, &ws_disk, err));
    wg_engine_options o = ws_options(ws_disk);
    o.options.create = true;
    MODEL_OK(wg_engine_open("/ws", &o, &w.engine, err));
    for (uint32_t i = 0; i < WS_COMMITS; i++) {
        if (i == 0) ws_commit(&w, ws_body_declare);
        else if (i == 2) ws_commit(&w, ws_body_label);
        else if (i == 12) ws_commit(&w, ws_body_drop);
        else ws_commit(&w, transaction_body);
        if (i == 8 || i == 16) MODEL_OK(wg_engine_checkpoint(w.engine, NULL, err));
    }
    ws_logseq = wg_engine_logseq(w.engine);
    ws_dump_of(w.engine, &ws_dump);
    MODEL_OK(wg_engine_close(w.engine, err));
}

static inline void ws_free(void) {
    wg_platform_sim_destroy(ws_disk);
    wg_buf_deinit(&ws_dump);
}

static inline wg_platform *ws_copy(void) {
    wg_platform *p = NULL;
    MODEL_OK(wg_platform_sim_reboot(ws_disk, WG_CRASH_ALL_SURVIVES, 1, &p, err));
    return p;
}

/* ---- the manifest, written anew */

static inline void ws_manifest_text(wg_platform *p, uint64_t *epoch, wg_buf *out) {
    out->size = 0;
    MODEL_OK(wg_manifest_read(p, "/ws", epoch, out, err));
    assert_true(wg_buf_append_u8(out, 0));
    out->size--;
}

/* Puts `to` in the place of `size` bytes at `at`. */
static inline void ws_splice(wg_buf *text, size_t at, size_t size, const char *to) {
    wg_buf out = {0};
    assert_true(wg_buf_append(&out, text->data, at) && wg_buf_append_str(&out, to) &&
                wg_buf_append(&out, text->data + at + size, text->size - at - size) && wg_buf_append_u8(&out, 0));
    out.size--;
    wg_buf_deinit(text);
    *text = out;
}

/* Puts `to` in the place of occurrence `which` of `from`; false when there is none. */
static inline bool ws_replace(wg_buf *text, const char *from, uint32_t which, const char *to) {
    const char *begin = (const char *)text->data;
    const char *at = strstr(begin, from);
    for (; at != NULL && which > 0; which--) at = strstr(at + 1, from);
    if (at == NULL) return false;
    ws_splice(text, (size_t)(at - begin), strlen(from), to);
    return true;
}

/* Commits `text` as the epoch after `epoch`, which it then names (unless a test broke that place). */
static inline void ws_manifest_put(wg_platform *p, uint64_t epoch, wg_buf *text) {
    char from[64];
    char to[64];
    snprintf(from, sizeof from, "\"epoch\":%llu,", (unsigned long long)epoch);
    snprintf(to, sizeof to, "\"epoch\":%llu,", (unsigned long long)epoch + 1);
    (void)ws_replace(text, from, 0, to);
    MODEL_OK(wg_manifest_commit(p, "/ws", epoch + 1, wg_buf_slice(text), err));
}

/* ---- stripes, written anew */

/* What an edit gets, fragment by fragment. */
typedef struct ws_fragment {
    wg_fragment_head head;
    wg_stripe_column columns[WS_COLUMNS];
    uint32_t count;
    bool leave_out;
} ws_fragment;
typedef void (*ws_edit)(void *ctx, ws_fragment *f, wg_arena *arena);

static inline wg_stripe_column *ws_column(ws_fragment *f, uint32_t id) {
    for (uint32_t i = 0; i < f->count; i++)
        if (f->columns[i].id == id) return &f->columns[i];
    return NULL;
}

static inline void ws_load(const wg_fragment *f, wg_arena *arena, ws_fragment *out) {
    *out = (ws_fragment){.head = f->head, .count = f->column_count};
    assert_true(f->column_count <= WS_COLUMNS);
    for (uint32_t c = 0; c < f->column_count; c++) {
        wg_column column;
        wg_column_init(&column, f->columns[c].type, arena, NULL);
        for (uint32_t row = 0; row < f->head.row_count; row++) {
            wg_value v = wg_value_null();
            MODEL_OK(wg_fragment_cell(f, c, row, arena, &v, err));
            bool ok;
            if (v.type == WG_TYPE_NULL) ok = wg_column_append_null(&column);
            else if (v.type == WG_TYPE_NODE) ok = wg_column_append_id(&column, v.as.id);
            else ok = wg_column_append_value(&column, &v);
            assert_true(ok);
        }
        const wg_vector view = wg_column_view(&column);
        wg_vector v = view;
        v.data = wg_arena_copy(arena, view.data, f->head.row_count * wg_physical_bytes(wg_type_physical(view.type)));
        if (view.valid != NULL) v.valid = wg_arena_copy(arena, view.valid, wg_bit_bytes(f->head.row_count));
        out->columns[c] = (wg_stripe_column){f->columns[c].id, v};
        wg_column_deinit(&column);
    }
}

static inline int ws_by_key(const void *a, const void *b) {
    return wg_fragment_key_compare(&(*(ws_fragment *const *)a)->head.key, &(*(ws_fragment *const *)b)->head.key);
}

/* Every stripe that the manifest names is written again through `edit`, and the manifest says its new size. */
static inline void ws_rewrite(wg_platform *p, ws_edit edit, void *ctx) {
    wgi_manifest m = {0};
    wg_buf text = {0};
    uint64_t epoch = 0;
    MODEL_OK(wgi_manifest_read(p, "/ws", &m, err));
    ws_manifest_text(p, &epoch, &text);
    for (uint32_t i = 0; i < wgi_manifest_stripe_count(&m); i++) {
        const wg_stripe_entry entry = wgi_manifest_stripe(&m, i);
        wg_arena arena;
        wg_stripe *s = NULL;
        wg_stripe_writer *w = NULL;
        wg_stripe_options o = {.account = NULL};
        ws_fragment *all[WS_FRAGMENTS];
        uint32_t count = 0;
        uint64_t bytes = 0;
        char from[48];
        char to[48];
        memcpy(o.store_uuid, m.uuid, sizeof o.store_uuid);
        wg_arena_init(&arena, NULL);
        MODEL_OK(wg_stripe_open(p, "/ws/stripes", entry.id, m.uuid, NULL, NULL, &s, err));
        for (uint32_t k = 0; k < wg_stripe_fragment_count(s); k++) {
            ws_fragment *f = wg_arena_alloc(&arena, sizeof *f);
            assert_true(f != NULL && count < WS_FRAGMENTS);
            ws_load(wg_stripe_fragment(s, k), &arena, f);
            edit(ctx, f, &arena);
            if (!f->leave_out) all[count++] = f;
        }
        wg_stripe_close(s);
        if (count > 0) qsort(all, count, sizeof all[0], ws_by_key);
        MODEL_OK(wg_stripe_create(p, "/ws/stripes", entry.id, &o, &w, err));
        for (uint32_t k = 0; k < count; k++)
            MODEL_OK(wg_stripe_add(w, &all[k]->head, all[k]->columns, all[k]->count, err));
        MODEL_OK(wg_stripe_finish(w, &bytes, err));
        snprintf(from, sizeof from, "{\"bytes\":%llu,\"id\":%llu,", (unsigned long long)entry.bytes,
                 (unsigned long long)entry.id);
        snprintf(to, sizeof to, "{\"bytes\":%llu,\"id\":%llu,", (unsigned long long)bytes,
                 (unsigned long long)entry.id);
        assert_true(ws_replace(&text, from, 0, to));
        wg_arena_deinit(&arena);
    }
    ws_manifest_put(p, epoch, &text);
    wg_buf_deinit(&text);
    wg_buf_deinit(&m.stripes);
}

#endif
