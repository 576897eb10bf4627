/* Key-values of a run: see worldgraph.h. */
#include "api/api_internal.h"

static wg_kv_key key_of(const void *data, size_t size) { return (wg_kv_key){.data = data, .size = size}; }

wg_code wg_kv_get(wg_run *run, const void *key, size_t key_size, wg_kv_item *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    return wg_keyvalue_get(&run->run, key_of(key, key_size), out, err);
}

wg_code wg_kv_exists(wg_run *run, const void *key, size_t key_size, bool *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    wg_kv_item item;
    WG_TRY(wg_keyvalue_get(&run->run, key_of(key, key_size), &item, err));
    *out = item.found;
    return WG_OK;
}

wg_code wg_kv_put(wg_run *run, const void *key, size_t key_size, const wg_value *value, uint64_t *out_version,
                  wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    if (value == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_kv_put: value is NULL");
    return wg_keyvalue_put(&run->run, key_of(key, key_size), value, NULL, out_version, err);
}

wg_code wg_kv_put_with(wg_run *run, const void *key, size_t key_size, const wg_value *value,
                       const wg_kv_put_options *options, uint64_t *out_version, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    if (value == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_kv_put_with: value is NULL");
    return wg_keyvalue_put(&run->run, key_of(key, key_size), value, options, out_version, err);
}

wg_code wg_kv_put_durable(wg_run *run, const void *key, size_t key_size, const wg_value *value, uint64_t *out_version,
                          wg_error *err) {
    const wg_kv_put_options options = {.has_durability = true, .durability = WG_STRICT};
    return wg_kv_put_with(run, key, key_size, value, &options, out_version, err);
}

wg_code wgi_kv_put_otherwise(wg_state_way *way, const void *key, size_t key_size, const void *value,
                             size_t value_size, uint64_t *out_version, wg_error *err) {
    wg_agent_run *run = (wg_agent_run *)(void *)((uint8_t *)way - offsetof(wg_agent_run, way));
    if (value_size > WG_VALUE_SIZE_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a value of %zu bytes: at most %llu", value_size,
                            (unsigned long long)WG_VALUE_SIZE_MAX);
    return wg_keyvalue_put_bytes(run, key_of(key, key_size), wg_slice_of(value, value_size), out_version, err);
}

/* In a transaction, or what is left of the call before has to be freed. */
static __attribute__((noinline)) wg_code put_bytes_other(wg_run *run, const void *key, size_t key_size,
                                                         const void *value, size_t value_size, uint64_t *out_version,
                                                         wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    if (run->run.txn != NULL && run->run.arena.blocks == NULL &&
        wg_state_txn_put_straight(&run->run.way, run->run.txn, wg_slice_of(key, key_size),
                                  wg_slice_of(value, value_size))) {
        if (out_version != NULL) *out_version = 0;
        return WG_OK;
    }
    return wgi_kv_put_otherwise(&run->run.way, key, key_size, value, value_size, out_version, err);
}

/* Straight to state, with nothing saved on the way: each instruction keeps the next put's miss from starting. */
wg_code wg_kv_put_bytes(wg_run *run, const void *key, size_t key_size, const void *value, size_t value_size,
                        uint64_t *out_version, wg_error *err) {
    if (__builtin_expect(
            run != NULL && run->tag == WGI_TAG_RUN && run->run.txn == NULL && run->run.arena.blocks == NULL, 1))
        return wg_state_put_straight(&run->run.way, key, key_size, value, value_size, out_version, err);
    return put_bytes_other(run, key, key_size, value, value_size, out_version, err);
}

wg_code wg_kv_cas(wg_run *run, const void *key, size_t key_size, uint64_t expected, const wg_value *value,
                  uint64_t *out_version, wg_error *err) {
    const wg_kv_put_options options = {.has_expected = true, .expected = expected};
    return wg_kv_put_with(run, key, key_size, value, &options, out_version, err);
}

wg_code wg_kv_delete(wg_run *run, const void *key, size_t key_size, bool *out_existed, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    return wg_keyvalue_delete(&run->run, key_of(key, key_size), out_existed, err);
}

wg_code wg_kv_increment(wg_run *run, const void *key, size_t key_size, int64_t by, int64_t *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    int64_t sum = 0;
    WG_TRY(wg_keyvalue_increment(&run->run, key_of(key, key_size), by, &sum, err));
    if (out != NULL) *out = sum;
    return WG_OK;
}

wg_code wg_kv_get_many(wg_run *run, const wg_kv_key *keys, uint32_t n, wg_kv_item *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    if (n != 0 && (keys == NULL || out == NULL))
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_kv_get_many: keys or out is NULL");
    return wg_keyvalue_get_many(&run->run, keys, n, out, err);
}

wg_code wg_kv_write_many(wg_run *run, const wg_kv_write *writes, uint32_t n, uint64_t *out_version,
                         uint32_t *out_failed, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    return wg_keyvalue_write_many(&run->run, writes, n, out_version, out_failed, err);
}

wg_code wg_kv_get_at(wg_run *run, const void *key, size_t key_size, uint64_t logseq, wg_kv_item *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    return wg_keyvalue_get_at(&run->run, key_of(key, key_size), logseq, out, err);
}

wg_code wg_kv_history(wg_run *run, const void *key, size_t key_size, wg_kv_version_fn fn, void *ctx,
                      bool *out_complete, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    if (fn == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_kv_history: fn is NULL");
    return wg_keyvalue_history(&run->run, key_of(key, key_size), fn, ctx, out_complete, err);
}

/* ---- cursors */

wg_code wg_kv_scan(wg_run *run, const wg_kv_scan_options *options, wg_kv_cursor **out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    wg_kv_cursor *c = wg_alloc_zero(NULL, sizeof *c);
    if (c == NULL) return wg_error_nomem(err, sizeof *c);
    const wg_code code = wg_keyvalue_scan(&run->run, options, &c->cursor, err);
    if (code != WG_OK) {
        wg_free(c);
        return code;
    }
    c->tag = WGI_TAG_CURSOR;
    c->run = run;
    run->cursors++;
    *out = c;
    return WG_OK;
}

wg_code wg_kv_cursor_next(wg_kv_cursor *cursor, wg_kv_row *rows, uint32_t rows_max, uint32_t *out_n, wg_error *err) {
    WGI_CHECK(cursor, WGI_TAG_CURSOR, "cursor");
    return wg_keyvalue_next(&cursor->cursor, rows, rows_max, out_n, err);
}

void wg_kv_cursor_close(wg_kv_cursor *cursor) {
    if (cursor == NULL || cursor->tag != WGI_TAG_CURSOR) return;
    cursor->tag = WGI_TAG_CLOSED;
    cursor->run->cursors--;
    wg_keyvalue_end(&cursor->cursor);
    wg_free(cursor);
}
