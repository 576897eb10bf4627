/* See golden_kit.h. The dump goes through the query language, so that it tests reading as a user meets it. */
#include "tests/golden/golden_kit.h"

#include <stdio.h>

#include "query/procedures/procedures.h"
#include "query/query.h"

enum { PATH_BYTES = 1024 };

wg_code golden_read(wg_platform *platform, const char *path, wg_buf *out, wg_error *err) {
    wg_file *file = NULL;
    wg_file_info info = {0};
    size_t got = 0;
    WG_TRY(platform->ops->open(platform, path, WG_OPEN_READ, &file, err));
    wg_code code = platform->ops->file_info(platform, file, &info, err);
    if (code == WG_OK && !wg_buf_reserve(out, (size_t)info.size + 1)) code = wg_error_nomem(err, (size_t)info.size);
    if (code == WG_OK)
        code = platform->ops->read_at(platform, file, 0, out->data + out->size, (size_t)info.size, &got, err);
    platform->ops->close(platform, file);
    if (code == WG_OK) out->size += got;
    return code;
}

wg_code golden_write(wg_platform *platform, const char *path, wg_slice bytes, wg_error *err) {
    wg_file *file = NULL;
    WG_TRY(platform->ops->open(platform, path, WG_OPEN_CREATE_NEW, &file, err));
    wg_code code = WG_OK;
    if (bytes.size != 0) code = platform->ops->write_at(platform, file, 0, bytes.data, bytes.size, err);
    if (code == WG_OK) code = platform->ops->sync(platform, file, err);
    platform->ops->close(platform, file);
    return code;
}

/* ---- copying */

typedef struct entries {
    wg_buf names; /* a 'd' or 'f', then the NUL-terminated name, one after the other */
    bool refused;
} entries;

static bool note_entry(void *ctx, const char *name, bool is_directory) {
    entries *e = ctx;
    e->refused =
        !wg_buf_append_u8(&e->names, is_directory ? 'd' : 'f') || !wg_buf_append(&e->names, name, strlen(name) + 1);
    return !e->refused;
}

static wg_code copy_file(wg_platform *from, const char *from_path, wg_platform *to, const char *to_path,
                         wg_error *err) {
    wg_buf bytes;
    wg_buf_init(&bytes, NULL);
    wg_code code = golden_read(from, from_path, &bytes, err);
    if (code == WG_OK) code = golden_write(to, to_path, wg_buf_slice(&bytes), err);
    wg_buf_deinit(&bytes);
    return code;
}

wg_code golden_copy(wg_platform *from, const char *from_path, wg_platform *to, const char *to_path, wg_error *err) {
    entries e = {.refused = false};
    wg_buf_init(&e.names, NULL);
    wg_code code = to->ops->make_directory(to, to_path, err);
    if (code == WG_OK) code = from->ops->list(from, from_path, note_entry, &e, err);
    if (code == WG_OK && e.refused) code = wg_error_nomem(err, e.names.size);
    for (size_t at = 0; code == WG_OK && at < e.names.size;) {
        const char *name = (const char *)e.names.data + at + 1;
        char a[PATH_BYTES];
        char b[PATH_BYTES];
        snprintf(a, sizeof a, "%.500s/%.500s", from_path, name);
        snprintf(b, sizeof b, "%.500s/%.500s", to_path, name);
        code = e.names.data[at] == 'd' ? golden_copy(from, a, to, b, err) : copy_file(from, a, to, b, err);
        at += strlen(name) + 2;
    }
    wg_buf_deinit(&e.names);
    if (code == WG_OK) code = to->ops->sync_directory(to, to_path, err);
    return code;
}

wg_code golden_load(const char *name, uint64_t seed, wg_platform **out, wg_error *err) {
    wg_platform *sim = NULL;
    wg_platform *real = wg_platform_real();
    char path[PATH_BYTES];
    WG_TRY(wg_platform_sim_create(seed, &sim, err));
    snprintf(path, sizeof path, "tests/golden/%.200s/data", name);
    wg_code code = golden_copy(real, path, sim, "/data", err);
    snprintf(path, sizeof path, "tests/golden/%.200s/ws", name);
    if (code == WG_OK) code = golden_copy(real, path, sim, "/ws", err);
    if (code == WG_OK) code = sim->ops->sync_directory(sim, "/", err);
    if (code == WG_OK) *out = sim;
    else wg_platform_sim_destroy(sim);
    return code;
}

/* ---- questions */

static wg_code append_rows(const wg_query_result *result, wg_buf *out, wg_error *err) {
    const uint64_t rows = result->rows != NULL ? wg_rows_count(result->rows) : 0;
    bool ok = true;
    for (uint64_t r = 0; r < rows && ok; r++) {
        for (uint32_t c = 0; c < result->column_count && ok; c++) {
            const wg_value v = wg_rows_cell(result->rows, r, c);
            if (c > 0) ok = wg_buf_append_str(out, " ");
            ok = ok && wg_value_print_json(out, &v);
        }
        ok = ok && wg_buf_append_str(out, "\n");
    }
    return ok ? WG_OK : wg_error_nomem(err, out->size);
}

static wg_code run_with(const wg_procedures *procedures, wg_engine *engine, const char *text, uint64_t as_of,
                        wg_buf *out, wg_error *err) {
    wg_prepared *query = NULL;
    wg_txn *txn = NULL;
    WG_TRY(wg_query_create(wg_slice_str(text), procedures, NULL, &query, err));
    const bool write = wg_query_kind_of(query) == WG_QUERY_WRITE;
    wg_code code = wg_txn_begin(engine, write ? WG_TXN_WRITE : WG_TXN_READ, as_of, &txn, err);
    if (code != WG_OK) {
        wg_query_destroy(query);
        return code;
    }
    wg_stats stats = {0};
    const wg_exec_context context = {.txn = txn, .threads = 1, .batch_rows = 100, .stats = &stats};
    wg_query_result result;
    code = wg_query_run(query, &context, &result, err);
    if (code == WG_OK) {
        if (out != NULL) code = append_rows(&result, out, err);
        wg_query_result_deinit(&result);
    }
    wg_query_destroy(query);
    if (code == WG_OK && write) return wg_txn_commit(txn, NULL, err);
    wg_txn_abort(txn);
    return code;
}

wg_code golden_run(wg_engine *engine, const char *text, uint64_t as_of, wg_buf *out, wg_error *err) {
    wg_procedures *procedures = NULL; /* SHOW is one of them */
    WG_TRY(wg_procedures_create(NULL, &procedures, err));
    const wg_code code = run_with(procedures, engine, text, as_of, out, err);
    wg_procedures_destroy(procedures);
    return code;
}

/* Appends the rows, each with `word` before it. */
static wg_code dump_part(wg_engine *engine, uint64_t as_of, const char *word, const char *text, wg_buf *out,
                         wg_error *err) {
    wg_buf rows;
    wg_buf_init(&rows, NULL);
    wg_code code = golden_run(engine, text, as_of, &rows, err);
    size_t begin = 0;
    for (size_t i = 0; code == WG_OK && i < rows.size; i++) {
        if (rows.data[i] != '\n') continue;
        if (!wg_buf_append_str(out, word) || !wg_buf_append_str(out, " ") ||
            !wg_buf_append(out, rows.data + begin, i + 1 - begin))
            code = wg_error_nomem(err, out->size);
        begin = i + 1;
    }
    wg_buf_deinit(&rows);
    return code;
}

wg_code golden_dump(wg_engine *engine, uint64_t as_of, wg_buf *out, wg_error *err) {
    WG_TRY(dump_part(engine, as_of, "node",
                     "MATCH (n) WITH n, labels(n) AS l, properties(n) AS p RETURN id(n) AS i, l, p ORDER BY i", out,
                     err));
    WG_TRY(dump_part(
        engine, as_of, "edge",
        "MATCH (a)-[r]->(b) RETURN id(r) AS i, type(r) AS t, id(a) AS a, id(b) AS b, properties(r) AS p ORDER BY i",
        out, err));
    WG_TRY(dump_part(engine, as_of, "index", "SHOW INDEXES", out, err));
    WG_TRY(dump_part(engine, as_of, "constraint", "SHOW CONSTRAINTS", out, err));
    wg_error absent = {0};
    const wg_code code = dump_part(
        engine, as_of, "shot",
        "MATCH (s:Shot) RETURN s.day AS day, s.player AS player, s.hits AS hits, s.speed AS speed ORDER BY day, hits",
        out, &absent);
    if (code == WG_OK || code == WG_E_NOT_FOUND || code == WG_E_BIND) return WG_OK; /* that label came later */
    if (err != NULL) *err = absent;
    return code;
}

wg_code golden_dump_all(wg_engine *engine, uint64_t newest, wg_buf *out, wg_error *err) {
    const uint64_t shots[] = {newest / 4, newest / 2, newest - 2, newest};
    for (size_t i = 0; i < sizeof shots / sizeof shots[0]; i++) {
        if (!wg_buf_printf(out, "snapshot %llu\n", (unsigned long long)shots[i])) return wg_error_nomem(err, 64);
        WG_TRY(golden_dump(engine, shots[i], out, err));
    }
    return WG_OK;
}
