/* Places of consumers: system keys of the run, so that a transaction moves a place together with what was done for it.
 *
 *   00 'wg.sys' 00 'c' name -> INT */
#include "base/text/text.h"
#include "primitives/eventlog/eventlog.h"

enum { CONSUMER_BYTES_MAX = 256 };
static const uint8_t prefix[WG_AGENT_SYSTEM_BYTES + 1] = WG_AGENT_SYSTEM_PREFIX "\0c";

typedef struct consumer_key {
    uint8_t bytes[sizeof prefix + CONSUMER_BYTES_MAX];
    wg_state_key key;
} consumer_key;

static wg_code key_of(const wg_agent_run *run, wg_slice name, consumer_key *out, wg_error *err) {
    if (name.data == NULL || name.size == 0 || name.size > CONSUMER_BYTES_MAX || !wg_utf8_valid(name, NULL))
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "the name of a consumer has 1 to %d bytes of UTF-8",
                            (int)CONSUMER_BYTES_MAX);
    memcpy(out->bytes, prefix, sizeof prefix);
    memcpy(out->bytes + sizeof prefix, name.data, name.size);
    out->key = wg_state_key_of(run->run, wg_slice_of(out->bytes, sizeof prefix + name.size));
    return WG_OK;
}

static wg_code place_of(uint8_t type, wg_slice bytes, uint64_t *out, wg_error *err) {
    if (type != WG_TYPE_INT || bytes.size != 8)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the stored place of a consumer is none");
    *out = wg_load_u64le(bytes.data);
    return WG_OK;
}

wg_code wg_log_consumer_get(wg_agent_run *run, wg_slice consumer, uint64_t *out, wg_error *err) {
    consumer_key k;
    WG_TRY(wg_agent_read(run, err));
    WG_TRY(key_of(run, consumer, &k, err));
    if (run->txn != NULL) WG_TRY(wg_state_txn_get(run->txn, &k.key, &run->cell, err));
    else WG_TRY(wg_state_get(run->agent->session, run->run, &k.key, WG_LOGSEQ_NEVER, 0, &run->cell, err));
    *out = 0;
    return run->cell.version == 0 ? WG_OK : place_of(run->cell.type, run->cell.bytes, out, err);
}

wg_code wg_log_consumer_set(wg_agent_run *run, wg_slice consumer, uint64_t position, wg_error *err) {
    consumer_key k;
    uint8_t bytes[8];
    WG_TRY(wg_agent_write(run, err));
    WG_TRY(key_of(run, consumer, &k, err));
    wg_store_u64le(bytes, position);
    const wg_state_value value = {.type = WG_TYPE_INT, .bytes = wg_slice_of(bytes, sizeof bytes)};
    if (run->txn != NULL) return wg_state_txn_put(run->txn, &k.key, &value, WG_VERSION_ANY, err);
    WG_TRY(wg_state_put(run->agent->session, run->run, &k.key, &value, WG_VERSION_ANY, wg_agent_now_us(run->agent),
                        NULL, err));
    return wg_agent_settle(run, run->mode, err);
}

wg_code wg_log_consumer_remove(wg_agent_run *run, wg_slice consumer, wg_error *err) {
    consumer_key k;
    uint64_t version = 0;
    WG_TRY(wg_agent_write(run, err));
    WG_TRY(key_of(run, consumer, &k, err));
    if (run->txn != NULL) return wg_state_txn_delete(run->txn, &k.key, WG_VERSION_ANY, err);
    WG_TRY(wg_state_delete(run->agent->session, run->run, &k.key, WG_VERSION_ANY, wg_agent_now_us(run->agent),
                           &version, err));
    return version == 0 ? WG_OK : wg_agent_settle(run, run->mode, err);
}

static wg_code each(wg_state_scan *scan, wg_consumer_fn fn, void *ctx, wg_error *err) {
    for (;;) {
        wg_state_row rows[16];
        uint32_t n = 0;
        WG_TRY(wg_state_scan_next(scan, rows, 16, &n, err));
        if (n == 0) return WG_OK;
        for (uint32_t i = 0; i < n; i++) {
            char name[CONSUMER_BYTES_MAX + 1];
            uint64_t place = 0;
            const size_t size = rows[i].key.size - sizeof prefix;
            WG_TRY(place_of(rows[i].type, rows[i].value, &place, err));
            memcpy(name, rows[i].key.data + sizeof prefix, size < CONSUMER_BYTES_MAX ? size : CONSUMER_BYTES_MAX);
            name[size < CONSUMER_BYTES_MAX ? size : CONSUMER_BYTES_MAX] = '\0';
            if (!fn(ctx, name, place)) return WG_OK;
        }
    }
}

wg_code wg_log_consumers(wg_agent_run *run, wg_consumer_fn fn, void *ctx, wg_error *err) {
    const wg_state_range range = {.prefix = wg_slice_of(prefix, sizeof prefix)};
    wg_state_scan *scan = NULL;
    WG_TRY(wg_agent_read(run, err));
    if (run->txn != NULL) WG_TRY(wg_state_txn_scan(run->txn, &range, &scan, err));
    else
        WG_TRY(
            wg_state_scan_open(run->agent->session, run->run, &range, wg_state_run_visible(run->run), 0, &scan, err));
    const wg_code code = each(scan, fn, ctx, err);
    wg_state_scan_close(scan);
    return code;
}
