/* Key-values: reads, single writes, batches, counters and history.
 *
 * A read looks at the clock only when what it found has a time to live. A write without a transaction is one call of state: no object, no
 * allocation. Errors of expected versions come from state and name key and versions. */
#include "primitives/kv/kv.h"

static wg_code item_other(wg_agent_run *run, const wg_state_cell *cell, wg_kv_item *out, wg_error *err) {
    *out = (wg_kv_item){0};
    if (cell->version == 0) return WG_OK;
    if (cell->expires_us != 0 && cell->expires_us <= wg_agent_now_us(run->agent)) return WG_OK;
    WG_TRY(wg_agent_decode(&run->arena, cell->type, cell->bytes, &out->value, err));
    out->found = true;
    out->version = cell->version == WG_VERSION_OWN ? 0 : cell->version;
    out->time_us = cell->time_us;
    out->expires_us = cell->expires_us;
    return WG_OK;
}

/* Bytes that do not expire straight, all else by item_other. */
static inline wg_code item_of(wg_agent_run *run, const wg_state_cell *cell, wg_kv_item *out, wg_error *err) {
    const bool plain = cell->type == WG_TYPE_BYTES && cell->expires_us == 0 && cell->version - 1 < WG_VERSION_MAX;
    if (!plain || cell->bytes.size - 1 >= UINT32_MAX) return item_other(run, cell, out, err);
    out->found = true;
    out->value =
        (wg_value){.type = WG_TYPE_BYTES, .size = (uint32_t)cell->bytes.size, .as.s = (const char *)cell->bytes.data};
    out->version = cell->version;
    out->time_us = cell->time_us;
    out->expires_us = 0;
    return WG_OK;
}

wg_code wg_keyvalue_get(wg_agent_run *run, wg_kv_key key, wg_kv_item *out, wg_error *err) {
    wg_state_key k;
    if (run->txn != NULL && run->arena.blocks == NULL &&
        wg_state_txn_get_straight(&run->way, run->txn, wg_slice_of(key.data, key.size), &run->cell))
        return item_of(run, &run->cell, out, err);
    WG_TRY(wg_agent_read(run, err));
    WG_TRY(wg_agent_key(run, key.data, key.size, &k, err));
    if (run->txn != NULL) WG_TRY(wg_state_txn_get(run->txn, &k, &run->cell, err));
    else WG_TRY(wg_state_get(run->agent->session, run->run, &k, WG_LOGSEQ_NEVER, 0, &run->cell, err));
    return item_of(run, &run->cell, out, err);
}

wg_code wg_keyvalue_get_version(wg_agent_run *run, wg_kv_key key, uint64_t version, wg_kv_item *out, wg_error *err) {
    wg_state_key k;
    WG_TRY(wg_agent_read(run, err));
    WG_TRY(wg_agent_key(run, key.data, key.size, &k, err));
    WG_TRY(wg_engine_state_get_at(run->agent->engine, run->run, &k, version, 0, &run->cell, err));
    return item_of(run, &run->cell, out, err);
}

wg_code wg_keyvalue_get_at(wg_agent_run *run, wg_kv_key key, uint64_t logseq, wg_kv_item *out, wg_error *err) {
    uint64_t version = 0;
    WG_TRY(wg_agent_version_at(run, logseq, &version, err));
    return wg_keyvalue_get_version(run, key, version, out, err);
}

/* ---- many at once */

static wg_code reserve_cells(wg_agent_run *run, uint32_t n, wg_error *err) {
    if (n <= run->cell_count) return WG_OK;
    wg_state_cell *cells = wg_realloc(NULL, run->cells, n * sizeof *cells);
    if (cells == NULL) return wg_error_nomem(err, n * sizeof *cells);
    memset(cells + run->cell_count, 0, (n - run->cell_count) * sizeof *cells);
    run->cells = cells;
    run->cell_count = n;
    return WG_OK;
}

enum { MANY_AT_ONCE = 64, MANY_MAX = 1 << 20 };

static wg_code get_group(wg_agent_run *run, const wg_kv_key *keys, uint32_t n, uint64_t snapshot, uint32_t first,
                         wg_error *err) {
    wg_state_key ks[MANY_AT_ONCE];
    for (uint32_t i = 0; i < n; i++) WG_TRY(wg_agent_key(run, keys[i].data, keys[i].size, &ks[i], err));
    if (run->txn == NULL)
        return wg_state_get_many(run->agent->session, run->run, ks, n, snapshot, 0, &run->cells[first], err);
    for (uint32_t i = 0; i < n; i++) WG_TRY(wg_state_txn_get(run->txn, &ks[i], &run->cells[first + i], err));
    return WG_OK;
}

wg_code wg_keyvalue_get_many(wg_agent_run *run, const wg_kv_key *keys, uint32_t n, wg_kv_item *out, wg_error *err) {
    WG_TRY(wg_agent_read(run, err));
    if (n > MANY_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "%u keys in one call: at most %d", n, (int)MANY_MAX);
    WG_TRY(reserve_cells(run, n, err));
    const uint64_t snapshot = n > MANY_AT_ONCE ? wg_state_run_visible(run->run) : WG_LOGSEQ_NEVER;
    wg_state_pin pin = {0};
    wg_code code = WG_OK;
    if (n > MANY_AT_ONCE && run->txn == NULL)
        WG_TRY(wg_state_pin_acquire(run->agent->session, run->run, snapshot, &pin, err));
    for (uint32_t i = 0; i < n && code == WG_OK; i += MANY_AT_ONCE)
        code = get_group(run, keys + i, n - i < MANY_AT_ONCE ? n - i : MANY_AT_ONCE, snapshot, i, err);
    if (pin.run != NULL) wg_state_pin_release(&pin);
    WG_TRY(code);
    for (uint32_t i = 0; i < n; i++) WG_TRY(item_of(run, &run->cells[i], &out[i], err));
    return WG_OK;
}

/* ---- writes */

static wg_code expiry(const wg_agent_run *run, const wg_kv_put_options *o, uint64_t now_us, uint64_t *out,
                      wg_error *err) {
    (void)run;
    *out = 0;
    if (o->ttl_ms == 0) return WG_OK;
    if (o->ttl_ms > (UINT64_MAX - now_us) / 1000)
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "a time to live of %llu ms is out of range",
                            (unsigned long long)o->ttl_ms);
    *out = now_us + o->ttl_ms * 1000;
    return WG_OK;
}

/* One that is too large for a lane takes the engine's way. */
static wg_code put_large(wg_agent_run *run, const wg_state_key *key, const wg_state_value *value, uint64_t expected,
                         uint64_t *out_version, wg_error *err) {
    wg_mixed_result result;
    WG_TRY(wg_agent_begin(run, false, run->mode, err));
    const wg_code code = wg_state_txn_put(run->txn, key, value, expected, err);
    if (code != WG_OK) {
        wg_agent_rollback(run);
        return code;
    }
    WG_TRY(wg_agent_commit(run, NULL, &result, err));
    *out_version = result.version;
    return WG_OK;
}

enum { SMALL_VALUE = 4096 }; /* never too large for a lane */

static wg_code put_value(wg_agent_run *run, const wg_state_key *key, const wg_state_value *value, uint64_t expected,
                         wg_agent_mode mode, uint64_t *out_version, wg_error *err) {
    if (run->txn != NULL) {
        *out_version = 0;
        return wg_state_txn_put(run->txn, key, value, expected, err);
    }
    if (value->bytes.size > SMALL_VALUE && wg_state_put_is_large(run->agent->session, key, value))
        return put_large(run, key, value, expected, out_version, err);
    WG_TRY(wg_state_put(run->agent->session, run->run, key, value, expected, wg_agent_now_us(run->agent), out_version,
                        err));
    return mode.durability == WG_IN_MEMORY ? WG_OK : wg_agent_settle(run, mode, err);
}

wg_code wg_keyvalue_put_bytes(wg_agent_run *run, wg_kv_key key, wg_slice bytes, uint64_t *out_version,
                              wg_error *err) {
    const wg_value value = {.type = WG_TYPE_BYTES, .size = (uint32_t)bytes.size, .as.s = (const char *)bytes.data};
    return wg_keyvalue_put(run, key, &value, NULL, out_version, err);
}

wg_code wg_keyvalue_put(wg_agent_run *run, wg_kv_key key, const wg_value *value, const wg_kv_put_options *options,
                        uint64_t *out_version, wg_error *err) {
    wg_state_key k;
    wg_state_value v;
    uint8_t small[8];
    uint64_t version = 0;
    uint64_t expected = WG_VERSION_ANY;
    wg_agent_mode mode = run->mode;
    WG_TRY(wg_agent_write(run, err));
    WG_TRY(wg_agent_key(run, key.data, key.size, &k, err));
    WG_TRY(wg_agent_encode(run, value, small, &v, err));
    if (options != NULL) {
        if (options->has_expected) expected = options->expected;
        if (options->has_durability) {
            WG_TRY(wg_agent_mode_check(run->agent, options->durability, err));
            mode = (wg_agent_mode){.durability = options->durability};
        }
        if (options->ttl_ms != 0) WG_TRY(expiry(run, options, wg_agent_now_us(run->agent), &v.expires_us, err));
    }
    WG_TRY(put_value(run, &k, &v, expected, mode, &version, err));
    if (out_version != NULL) *out_version = version;
    return WG_OK;
}

/* In a transaction whether it existed is read, and so checked at commit; outside the commit itself tells. */
wg_code wg_keyvalue_delete(wg_agent_run *run, wg_kv_key key, bool *out_existed, wg_error *err) {
    wg_state_key k;
    uint64_t version = 0;
    WG_TRY(wg_agent_write(run, err));
    WG_TRY(wg_agent_key(run, key.data, key.size, &k, err));
    if (run->txn != NULL) {
        if (out_existed != NULL) {
            WG_TRY(wg_state_txn_get(run->txn, &k, &run->cell, err));
            *out_existed = run->cell.version != 0;
        }
        return wg_state_txn_delete(run->txn, &k, WG_VERSION_ANY, err);
    }
    WG_TRY(wg_state_delete(run->agent->session, run->run, &k, WG_VERSION_ANY, wg_agent_now_us(run->agent), &version,
                           err));
    if (version != 0) WG_TRY(wg_agent_settle(run, run->mode, err));
    if (out_existed != NULL) *out_existed = version != 0;
    return WG_OK;
}

static wg_code added(const wg_kv_item *item, int64_t by, int64_t *out, wg_error *err) {
    if (item->found && item->value.type != WG_TYPE_INT)
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "only an INT can be incremented: the key holds a %s",
                            wg_type_name((wg_type)item->value.type));
    if (__builtin_add_overflow(item->found ? item->value.as.i : 0, by, out))
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "the sum of %lld and %lld is out of range",
                            (long long)(item->found ? item->value.as.i : 0), (long long)by);
    return WG_OK;
}

wg_code wg_keyvalue_increment(wg_agent_run *run, wg_kv_key key, int64_t by, int64_t *out, wg_error *err) {
    for (;;) {
        wg_kv_item item;
        int64_t sum = 0;
        wg_error seen = {0};
        WG_TRY(wg_keyvalue_get(run, key, &item, err));
        WG_TRY(added(&item, by, &sum, err));
        const wg_value value = {.type = WG_TYPE_INT, .as.i = sum};
        const wg_kv_put_options o = {.has_expected = run->txn == NULL, .expected = item.version};
        const wg_code code = wg_keyvalue_put(run, key, &value, &o, NULL, &seen);
        if (code == WG_E_CONFLICT && run->txn == NULL) { /* somebody else made progress */
            WG_TRY(wg_agent_lost(run, err));
            continue;
        }
        if (code == WG_OK) *out = sum;
        else if (err != NULL) *err = seen;
        return code;
    }
}

static wg_code write_one(wg_agent_run *run, const wg_kv_write *w, wg_error *err) {
    if (w->op == WG_KV_PUT) return wg_keyvalue_put(run, w->key, &w->value, &w->options, NULL, err);
    wg_state_key k;
    WG_TRY(wg_agent_key(run, w->key.data, w->key.size, &k, err));
    return wg_state_txn_delete(run->txn, &k, w->options.has_expected ? w->options.expected : WG_VERSION_ANY, err);
}

wg_code wg_keyvalue_write_many(wg_agent_run *run, const wg_kv_write *writes, uint32_t n, uint64_t *out_version,
                               uint32_t *out_failed, wg_error *err) {
    const bool own = run->txn == NULL;
    wg_mixed_result result = {0};
    WG_TRY(wg_agent_write(run, err));
    if (own) WG_TRY(wg_agent_begin(run, false, run->mode, err));
    for (uint32_t i = 0; i < n; i++) {
        const wg_code code = write_one(run, &writes[i], err);
        if (code == WG_OK) continue;
        if (out_failed != NULL) *out_failed = i;
        if (own) wg_agent_rollback(run);
        return code;
    }
    if (own) WG_TRY(wg_agent_commit(run, NULL, &result, err));
    if (out_version != NULL) *out_version = result.version;
    return WG_OK;
}

/* ---- history */

typedef struct history {
    wg_agent_run *run;
    wg_kv_version_fn fn;
    void *ctx;
    wg_code code;
    wg_error *err;
} history;

static bool on_version(void *ctx, const wg_state_version *version) {
    history *h = ctx;
    wg_kv_item item = {.found = !version->deleted,
                       .version = version->version,
                       .time_us = version->time_us,
                       .expires_us = version->expires_us};
    wg_arena_reset(&h->run->arena);
    if (!version->deleted)
        h->code = wg_agent_decode(&h->run->arena, version->type, version->value, &item.value, h->err);
    return h->code == WG_OK && h->fn(h->ctx, &item);
}

wg_code wg_keyvalue_history(wg_agent_run *run, wg_kv_key key, wg_kv_version_fn fn, void *ctx, bool *out_complete,
                            wg_error *err) {
    history h = {.run = run, .fn = fn, .ctx = ctx, .err = err};
    wg_state_key k;
    bool complete = true;
    WG_TRY(wg_agent_read(run, err));
    WG_TRY(wg_agent_key(run, key.data, key.size, &k, err));
    const uint64_t snapshot = run->txn != NULL ? wg_state_txn_snapshot(run->txn) : wg_state_run_visible(run->run);
    WG_TRY(wg_engine_state_history(run->agent->engine, run->run, &k, snapshot, on_version, &h, &complete, err));
    WG_TRY(h.code);
    if (out_complete != NULL) *out_complete = complete;
    return WG_OK;
}
