/* See runs_kit.h. The dump reads the state itself, so that it has what the primitives keep between their lines: system keys, versions, hashes. */
#include "tests/golden/runs_kit.h"

#include <stdio.h>

#include "primitives/eventlog/eventlog.h"
#include "primitives/kv/kv.h"
#include "primitives/runs/runs.h"

enum { LARGE_BYTES = 5000, SEGMENT_BYTES = 8192 };

wg_code runs_open(wg_platform *platform, bool create, wg_engine **out, wg_error *err) {
    const wg_engine_options options = {
        .platform = platform,
        .options = {.create = create, .no_background = true, .checkpoint_log_bytes = UINT64_MAX},
        .wal_segment_bytes = SEGMENT_BYTES};
    return wg_engine_open("/ws", &options, out, err);
}

wg_code runs_load(const char *name, uint64_t seed, wg_platform **out, wg_error *err) {
    wg_platform *sim = NULL;
    char path[256];
    WG_TRY(wg_platform_sim_create(seed, &sim, err));
    snprintf(path, sizeof path, "tests/golden/%.200s/ws", name);
    wg_code code = golden_copy(wg_platform_real(), path, sim, "/ws", err);
    if (code == WG_OK) code = sim->ops->sync_directory(sim, "/", err);
    if (code == WG_OK) *out = sim;
    else wg_platform_sim_destroy(sim);
    return code;
}

/* ---- writing */

typedef struct writer {
    wg_engine *engine;
    wg_agent *agent;
} writer;

static wg_kv_key key_of(const char *text) { return (wg_kv_key){text, strlen(text)}; }

static wg_code put(wg_agent_run *run, const char *key, wg_value value, uint64_t ttl_ms, wg_error *err) {
    const wg_kv_put_options options = {.ttl_ms = ttl_ms};
    return wg_keyvalue_put(run, key_of(key), &value, &options, NULL, err);
}

static wg_code append(wg_agent_run *run, const char *type, wg_value payload, wg_error *err) {
    const wg_event_write event = {.type = type, .payload = payload};
    return wg_log_append(run, &event, 1, NULL, err);
}

static wg_code handle_make(writer *w, const char *name, wg_agent_run *out, wg_error *err) {
    uint32_t number = 0;
    WG_TRY(wg_runs_create(w->agent, wg_slice_str(name), NULL, &number, err));
    return wg_agent_run_init(out, w->agent, number, err);
}

static wg_code handle_fork(writer *w, wg_agent_run *from, const char *name, wg_agent_run *out, wg_error *err) {
    uint32_t number = 0;
    WG_TRY(wg_runs_fork(from, wg_slice_str(name), 0, NULL, &number, err));
    return wg_agent_run_init(out, w->agent, number, err);
}

static wg_code keys_put(wg_agent_run *run, const char *word, uint32_t from, uint32_t to, wg_error *err) {
    char key[64];
    for (uint32_t i = from; i < to; i++) {
        snprintf(key, sizeof key, "%s/%03u", word, i);
        WG_TRY(put(run, key, i % 3 == 0 ? wg_value_int(i) : wg_value_str(wg_slice_str(key)), 0, err));
    }
    return WG_OK;
}

static wg_code first_part(writer *w, wg_agent_run *run, wg_agent_run *fork, wg_agent_run *doomed, wg_error *err) {
    static char large[LARGE_BYTES];
    static char long_key[301];
    bool existed;
    for (uint32_t i = 0; i < LARGE_BYTES; i++) large[i] = (char)('a' + i % 23);
    memset(long_key, 'k', sizeof long_key - 1);
    WG_TRY(keys_put(run, "step", 0, 60, err));
    WG_TRY(put(run, "large", wg_value_str(wg_slice_of(large, LARGE_BYTES)), 0, err));
    WG_TRY(put(run, long_key, wg_value_bool(true), 0, err));
    WG_TRY(put(run, "expires", wg_value_float(0.5), UINT64_C(100) * 365 * 86400 * 1000, err));
    for (uint32_t i = 0; i < 40; i++) WG_TRY(append(run, i % 4 == 0 ? "tool" : "thought", wg_value_int(i), err));
    WG_TRY(wg_log_consumer_set(run, wg_slice_str("reader"), 17, err));
    WG_TRY(handle_fork(w, run, "fork", fork, err));
    WG_TRY(handle_fork(w, run, "doomed", doomed, err));
    WG_TRY(wg_keyvalue_delete(run, key_of("step/005"), &existed, err));
    WG_TRY(wg_keyvalue_delete(fork, key_of("step/006"), &existed, err));
    WG_TRY(keys_put(fork, "fork", 0, 20, err));
    WG_TRY(append(fork, "tool", wg_value_str(wg_slice_str("in the fork")), err));
    WG_TRY(keys_put(doomed, "doomed", 0, 5, err));
    return keys_put(run, "step", 30, 45, err);
}

static wg_code second_part(writer *w, wg_agent_run *run, wg_agent_run *fork, wg_agent_run *doomed, wg_error *err) {
    wg_agent_run grandchild, last;
    bool existed;
    WG_TRY(handle_fork(w, doomed, "grandchild", &grandchild, err));
    wg_code code = wg_keyvalue_delete(&grandchild, key_of("doomed/001"), &existed, err);
    if (code == WG_OK) code = append(&grandchild, "late", wg_value_null(), err);
    if (code == WG_OK) code = wg_runs_delete(w->agent, wg_slice_str("doomed"), err);
    if (code == WG_OK) code = put(fork, "step/006", wg_value_str(wg_slice_str("again")), 0, err);
    if (code == WG_OK) code = wg_keyvalue_delete(fork, key_of("fork/003"), &existed, err);
    if (code == WG_OK) code = wg_log_consumer_set(fork, wg_slice_str("reader"), 40, err);
    if (code == WG_OK)
        code = append(run, "done", (wg_value){.type = WG_TYPE_BYTES, .size = 3, .as.s = "\0\1\2"}, err);
    if (code == WG_OK) code = handle_make(w, "last", &last, err);
    if (code == WG_OK) {
        code = keys_put(&last, "x", 0, 7, err);
        if (code == WG_OK) code = wg_runs_set_status(&last, WG_RUN_COMPLETED, NULL, err);
        wg_agent_run_deinit(&last);
    }
    wg_agent_run_deinit(&grandchild);
    return code;
}

static wg_code parts_write(writer *w, wg_error *err) {
    wg_agent_run run, fork, doomed;
    WG_TRY(handle_make(w, "run", &run, err));
    WG_TRY(first_part(w, &run, &fork, &doomed, err));
    WG_TRY(wg_engine_checkpoint(w->engine, NULL, err));
    WG_TRY(keys_put(&run, "step", 50, 64, err));
    WG_TRY(wg_engine_checkpoint(w->engine, NULL, err));
    WG_TRY(second_part(w, &run, &fork, &doomed, err));
    wg_agent_run_deinit(&run);
    wg_agent_run_deinit(&fork);
    wg_agent_run_deinit(&doomed);
    return WG_OK;
}

wg_code runs_write(wg_platform *platform, wg_error *err) {
    writer w = {0};
    WG_TRY(runs_open(platform, true, &w.engine, err));
    wg_code code = wg_agent_open(w.engine, &w.agent, err);
    if (code == WG_OK) code = parts_write(&w, err);
    wg_agent_close(w.agent);
    const wg_code closed = wg_engine_close(w.engine, code == WG_OK ? err : NULL);
    return code != WG_OK ? code : closed;
}

/* ---- reading */

static bool hex(wg_buf *out, wg_slice bytes) {
    bool ok = bytes.size != 0 || wg_buf_append_str(out, "-");
    for (size_t i = 0; ok && i < bytes.size; i++) ok = wg_buf_printf(out, "%02x", bytes.data[i]);
    return ok;
}

static wg_code keys_dump(wg_state_run *run, wg_buf *out, wg_error *err) {
    const wg_state_range all = {0};
    wg_state_scan *scan = NULL;
    wg_state_row rows[16];
    uint32_t n = 1;
    WG_TRY(wg_state_scan_open(NULL, run, &all, WG_LOGSEQ_NEVER, 1, &scan, err));
    wg_code code = WG_OK;
    while (code == WG_OK && n != 0) {
        code = wg_state_scan_next(scan, rows, 16, &n, err);
        for (uint32_t i = 0; code == WG_OK && i < n; i++) {
            const bool ok = wg_buf_append_str(out, "key ") && hex(out, rows[i].key) &&
                            wg_buf_printf(out, " version %llu time %llu expires %llu type %u ",
                                          (unsigned long long)rows[i].version, (unsigned long long)rows[i].time_us,
                                          (unsigned long long)rows[i].expires_us, rows[i].type) &&
                            hex(out, rows[i].value) && wg_buf_append_str(out, "\n");
            if (!ok) code = wg_error_nomem(err, out->size);
        }
    }
    wg_state_scan_close(scan);
    return code;
}

static wg_code events_dump(wg_state_run *run, wg_buf *out, wg_error *err) {
    wg_events *events = wg_state_run_events(run);
    const uint64_t count = wg_events_count(events, WG_LOGSEQ_NEVER);
    for (uint64_t s = 0; s < count; s++) {
        wg_event e;
        wg_sha256 digest;
        char text[65];
        WG_TRY(wg_events_read(events, s, &e, err));
        WG_TRY(wg_events_hash(events, s, &digest, err));
        wg_sha256_hex(&digest, text);
        const bool ok = wg_buf_printf(out, "event %llu version %llu time %llu ", (unsigned long long)s,
                                      (unsigned long long)e.version, (unsigned long long)e.time_us) &&
                        hex(out, e.type) && wg_buf_printf(out, " type %u ", e.value_type) && hex(out, e.payload) &&
                        wg_buf_printf(out, " %s\n", text);
        if (!ok) return wg_error_nomem(err, out->size);
    }
    return WG_OK;
}

wg_code runs_dump(wg_engine *engine, wg_buf *out, wg_error *err) {
    wg_state *state = wg_engine_state(engine);
    const uint32_t count = wg_state_run_count(state);
    const uint32_t slot = wg_epoch_enter(wg_engine_epoch(engine));
    wg_code code = WG_OK;
    for (uint32_t n = 0; n < count && code == WG_OK; n++) {
        wg_state_run *run = wg_state_run_at(state, n);
        if (run == NULL) continue;
        const wg_run_origin *o = wg_state_run_origin(run);
        if (!wg_buf_printf(out, "run %u parent %u from %llu events %llu at %llu\n", n, o->parent,
                           (unsigned long long)o->fork_version, (unsigned long long)o->fork_events,
                           (unsigned long long)wg_state_run_newest(run)))
            code = wg_error_nomem(err, out->size);
        if (code == WG_OK) code = keys_dump(run, out, err);
        if (code == WG_OK) code = events_dump(run, out, err);
    }
    wg_epoch_leave(wg_engine_epoch(engine), slot);
    return code;
}
