/* Cursors over keys in order: rows come from state in groups and are decoded for the caller. */
#include "primitives/kv/kv.h"

static wg_code range_of(const wg_kv_scan_options *o, wg_state_range *out, wg_error *err) {
    if (o->prefix_size > WG_KEY_BYTES_MAX || o->from_size > WG_KEY_BYTES_MAX)
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "a prefix or first key is over %d bytes",
                            (int)WG_KEY_BYTES_MAX);
    *out = (wg_state_range){.prefix = wg_slice_of(o->prefix, o->prefix_size),
                            .from = wg_slice_of(o->from, o->from_size),
                            .from_excluded = o->behind && o->from_size != 0,
                            .reverse = o->reverse,
                            .keys_only = o->keys_only};
    return WG_OK;
}

static wg_code snapshot_of(wg_agent_run *run, uint64_t logseq, uint64_t *out, wg_error *err) {
    if (logseq != 0) return wg_agent_version_at(run, logseq, out, err);
    *out = wg_state_run_visible(run->run);
    return WG_OK;
}

wg_code wg_keyvalue_scan(wg_agent_run *run, const wg_kv_scan_options *options, wg_keyvalue_cursor *out,
                         wg_error *err) {
    static const wg_kv_scan_options all = {0};
    const wg_kv_scan_options *o = options != NULL ? options : &all;
    wg_state_range range;
    uint64_t snapshot = 0;
    WG_TRY(wg_agent_read(run, err));
    WG_TRY(range_of(o, &range, err));
    *out = (wg_keyvalue_cursor){.run = run, .now_us = wg_agent_now_us(run->agent), .keys_only = o->keys_only};
    if (run->txn != NULL && o->at == 0) {
        WG_TRY(wg_state_txn_scan(run->txn, &range, &out->scan, err));
    } else {
        WG_TRY(snapshot_of(run, o->at, &snapshot, err));
        WG_TRY(wg_state_scan_open(run->agent->session, run->run, &range, snapshot, out->now_us, &out->scan, err));
    }
    wg_arena_init(&out->arena, NULL);
    out->rows = run->spare_rows; /* of the cursor before */
    out->rows_max = run->spare_rows_max;
    run->spare_rows = NULL;
    run->spare_rows_max = 0;
    return WG_OK;
}

static wg_code reserve_rows(wg_keyvalue_cursor *cursor, uint32_t n, wg_error *err) {
    if (n <= cursor->rows_max) return WG_OK;
    wg_state_row *rows = wg_alloc(NULL, n * sizeof *rows);
    if (rows == NULL) return wg_error_nomem(err, n * sizeof *rows);
    wg_free(cursor->rows);
    cursor->rows = rows;
    cursor->rows_max = n;
    return WG_OK;
}

static wg_code row_of(wg_keyvalue_cursor *cursor, const wg_state_row *from, wg_kv_row *out, wg_error *err) {
    out->key = (wg_kv_key){.data = from->key.data, .size = from->key.size};
    out->item.found = true;
    out->item.version = from->version;
    out->item.time_us = from->time_us;
    out->item.expires_us = from->expires_us;
    out->item.value = (wg_value){.type = WG_TYPE_NULL};
    if (cursor->keys_only) return WG_OK;
    if ((from->type == WG_TYPE_STRING || from->type == WG_TYPE_BYTES) && from->value.size - 1 < UINT32_MAX) {
        out->item.value = (wg_value){
            .type = from->type, .size = (uint32_t)from->value.size, .as.s = (const char *)from->value.data};
        return WG_OK; /* as wg_agent_decode */
    }
    return wg_agent_decode(&cursor->arena, from->type, from->value, &out->item.value, err);
}

enum { ROWS_AT_ONCE_MAX = 4096, SPARE_ROWS_MAX = 256 };

wg_code wg_keyvalue_next(wg_keyvalue_cursor *cursor, wg_kv_row *rows, uint32_t rows_max, uint32_t *out_n,
                         wg_error *err) {
    const uint32_t wanted = rows_max < ROWS_AT_ONCE_MAX ? rows_max : ROWS_AT_ONCE_MAX;
    uint32_t kept = 0;
    WG_TRY(reserve_rows(cursor, wanted, err));
    wg_arena_reset(&cursor->arena);
    while (!cursor->ended && kept == 0 && wanted != 0) { /* again when all that came were system keys */
        uint32_t n = 0;
        WG_TRY(wg_state_scan_next(cursor->scan, cursor->rows, wanted, &n, err));
        cursor->ended = n == 0;
        for (uint32_t i = 0; i < n; i++)
            if (!wg_agent_is_system(cursor->rows[i].key))
                WG_TRY(row_of(cursor, &cursor->rows[i], &rows[kept++], err));
    }
    *out_n = kept;
    return WG_OK;
}

void wg_keyvalue_end(wg_keyvalue_cursor *cursor) {
    wg_state_scan_close(cursor->scan);
    if (cursor->run->spare_rows == NULL && cursor->rows_max <= SPARE_ROWS_MAX) {
        cursor->run->spare_rows = cursor->rows;
        cursor->run->spare_rows_max = cursor->rows_max;
    } else wg_free(cursor->rows);
    wg_arena_deinit(&cursor->arena);
}
