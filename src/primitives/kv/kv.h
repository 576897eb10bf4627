/* primitives/kv: the key-values of a run. Meaning, errors and lifetimes are those of the functions of worldgraph.h ("key-values"). */
#ifndef WG_PRIMITIVES_KV_H
#define WG_PRIMITIVES_KV_H

#include "primitives/agent/agent.h"

wg_code wg_keyvalue_get(wg_agent_run *run, wg_kv_key key, wg_kv_item *out, wg_error *err);
wg_code wg_keyvalue_get_many(wg_agent_run *run, const wg_kv_key *keys, uint32_t n, wg_kv_item *out, wg_error *err);
/* At a version of the run. */
wg_code wg_keyvalue_get_version(wg_agent_run *run, wg_kv_key key, uint64_t version, wg_kv_item *out, wg_error *err);
wg_code wg_keyvalue_get_at(wg_agent_run *run, wg_kv_key key, uint64_t logseq, wg_kv_item *out, wg_error *err);
/* options NULL: none. */
wg_code wg_keyvalue_put(wg_agent_run *run, wg_kv_key key, const wg_value *value, const wg_kv_put_options *options,
                        uint64_t *out_version, wg_error *err);
/* The same of BYTES, at most WG_VALUE_SIZE_MAX of them, without options. */
wg_code wg_keyvalue_put_bytes(wg_agent_run *run, wg_kv_key key, wg_slice bytes, uint64_t *out_version, wg_error *err);
wg_code wg_keyvalue_delete(wg_agent_run *run, wg_kv_key key, bool *out_existed, wg_error *err);
wg_code wg_keyvalue_increment(wg_agent_run *run, wg_kv_key key, int64_t by, int64_t *out, wg_error *err);
wg_code wg_keyvalue_write_many(wg_agent_run *run, const wg_kv_write *writes, uint32_t n, uint64_t *out_version,
                               uint32_t *out_failed, wg_error *err);
wg_code wg_keyvalue_history(wg_agent_run *run, wg_kv_key key, wg_kv_version_fn fn, void *ctx, bool *out_complete,
                            wg_error *err);

/* One cursor; the caller ends it. In a transaction it shows its writes as they were when it began. */
typedef struct wg_keyvalue_cursor {
    wg_agent_run *run;
    wg_state_scan *scan;
    wg_state_row *rows; /* rows_max of them */
    uint32_t rows_max;
    uint64_t now_us;
    bool keys_only;
    wg_arena arena;
    bool ended;
} wg_keyvalue_cursor;
wg_code wg_keyvalue_scan(wg_agent_run *run, const wg_kv_scan_options *options, wg_keyvalue_cursor *out,
                         wg_error *err);
wg_code wg_keyvalue_next(wg_keyvalue_cursor *cursor, wg_kv_row *rows, uint32_t rows_max, uint32_t *out_n,
                         wg_error *err);
void wg_keyvalue_end(wg_keyvalue_cursor *cursor);

#endif
