/* Scans and changes against a naive model: every record of every run in plain arrays, forks looked up through their parents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/core/test_seed.h"
#include "worldgraph/state/order_internal.h"
#include "worldgraph/state/touched_internal.h"

enum { KEYS = 260, RUNS_MAX = 8, RECORDS_MAX = 40, VALUE_MAX = 1000, PINS_MAX = 6, ROWS_MAX = 100 };

typedef struct record {
    uint64_t version, time_us, expires_us;
    bool deleted;
    uint64_t seed; /* of the value */
} record;

typedef struct model_run {
    wg_state_run *run;
    uint32_t number, parent;
    uint64_t fork_version;
    record records[KEYS][RECORDS_MAX]; /* rising versions */
    uint32_t record_count[KEYS];
} model_run;

typedef struct kit {
    wg_account account;
    wg_epoch *epoch;
    wg_lanes *lanes;
    wg_state *state;
    wg_state_session *session, *other;
    wg_rng rng;
    uint64_t now_us;
    uint8_t keys[KEYS][300];
    uint32_t key_sizes[KEYS];
    uint32_t key_count;
    model_run *runs; /* [1, run_count) */
    uint32_t run_count;
    wg_state_pin pins[PINS_MAX];
    uint32_t pin_run[PINS_MAX]; /* 0: free */
} kit;

static wg_slice key_of(const kit *k, uint32_t i) { return wg_slice_of(k->keys[i], k->key_sizes[i]); }

/* ---- values */

static uint8_t value_buffer[VALUE_MAX];

static wg_slice value_of(uint64_t seed) {
    static const size_t sizes[] = {0, 8, 20, 60, 100, 101, 200, VALUE_MAX};
    const size_t size = sizes[seed % 8 == 7 && seed % 5 != 0 ? 2 : seed % 8];
    for (size_t i = 0; i < size; i++) value_buffer[i] = (uint8_t)(seed * 31 + i * 7);
    return wg_slice_of(value_buffer, size);
}

/* ---- kit */

static int key_compare(const void *a, const void *b) {
    const uint8_t *x = a;
    const uint8_t *y = b;
    return wg_slice_compare(wg_slice_of(x + 2, wg_load_u16le(x)), wg_slice_of(y + 2, wg_load_u16le(y)));
}

/* Keys of many shapes, sorted; each in 302 bytes: size, bytes. */
static void keys_make(kit *k) {
    uint8_t(*made)[302] = wg_alloc_zero(NULL, KEYS * sizeof *made);
    assert_non_null(made);
    for (uint32_t i = 0; i < KEYS; i++) {
        char text[300];
        int size = 0;
        const unsigned n = (unsigned)wg_rng_below(&k->rng, 10000);
        switch (wg_rng_below(&k->rng, 6)) {
            case 0:
                for (int b = 0; b < 16; b++) text[b] = (char)(wg_rng_next(&k->rng) & 0xff);
                size = 16;
                break;
            case 1:
                size = snprintf(text, sizeof text, "user/%04u", n);
                break;
            case 2:
                size = snprintf(text, sizeof text, "user/%04u/a name that does not fit inline", n);
                break;
            case 3:
                size = snprintf(text, sizeof text, "long/%0120u", n);
                break;
            case 4:
                size = snprintf(text, sizeof text, "\xff\xff%u", n);
                break;
            default:
                size = snprintf(text, sizeof text, "%u", n);
                break;
        }
        wg_store_u16le(made[i], (uint16_t)size);
        memcpy(made[i] + 2, text, (size_t)size);
    }
    qsort(made, KEYS, sizeof *made, key_compare);
    for (uint32_t i = 0; i < KEYS; i++) {
        if (i != 0 && key_compare(made[i - 1], made[i]) == 0) continue;
        k->key_sizes[k->key_count] = wg_load_u16le(made[i]);
        memcpy(k->keys[k->key_count++], made[i] + 2, wg_load_u16le(made[i]));
    }
    wg_free(made);
}

static void kit_open_history(kit *k, uint64_t seed, uint64_t history_bytes) {
    memset(k, 0, sizeof *k);
    wg_account_init(&k->account, NULL, 0);
    wg_rng_init(&k->rng, seed);
    k->now_us = 1000000;
    keys_make(k);
    assert_int_equal(wg_epoch_create(&k->account, &k->epoch, NULL), WG_OK);
    const wg_lanes_options lanes = {.platform = wg_platform_real(), .account = &k->account};
    assert_int_equal(wg_lanes_create(&lanes, &k->lanes, NULL), WG_OK);
    const wg_state_options options = {.platform = wg_platform_real(),
                                      .account = &k->account,
                                      .epoch = k->epoch,
                                      .lanes = k->lanes,
                                      .history_bytes_max = history_bytes};
    assert_int_equal(wg_state_create(&options, &k->state, NULL), WG_OK);
    assert_int_equal(wg_state_session_open(k->state, &k->session, NULL), WG_OK);
    assert_int_equal(wg_state_session_open(k->state, &k->other, NULL), WG_OK);
    k->runs = wg_alloc_zero(NULL, RUNS_MAX * sizeof k->runs[0]);
    assert_non_null(k->runs);
    k->run_count = 1;
}

static void kit_open(kit *k, uint64_t seed) { kit_open_history(k, seed, 0); }

static void kit_close(kit *k) {
    for (uint32_t i = 0; i < PINS_MAX; i++)
        if (k->pin_run[i] != 0) wg_state_pin_release(&k->pins[i]);
    wg_state_session_close(k->session);
    wg_state_session_close(k->other);
    wg_state_destroy(k->state);
    wg_lanes_destroy(k->lanes);
    wg_epoch_destroy(k->epoch);
    wg_free(k->runs);
    assert_int_equal(wg_account_bytes(&k->account), 0);
}

static uint32_t kit_run(kit *k, uint32_t parent) {
    const uint32_t number = k->run_count++;
    assert_true(number < RUNS_MAX);
    model_run *m = &k->runs[number];
    m->number = number;
    m->parent = parent;
    m->fork_version = parent == 0 ? 0 : wg_state_run_newest(k->runs[parent].run);
    const wg_run_origin origin = {.number = number, .parent = parent, .fork_version = m->fork_version};
    assert_int_equal(wg_state_run_create(k->state, &origin, &m->run, NULL), WG_OK);
    return number;
}

/* ---- the model */

static const record *model_own(const model_run *m, uint32_t key, uint64_t snapshot) {
    for (uint32_t i = m->record_count[key]; i-- > 0;)
        if (m->records[key][i].version <= snapshot) return &m->records[key][i];
    return NULL;
}

/* What is visible; NULL: nothing. */
static const record *model_get(const kit *k, uint32_t run, uint32_t key, uint64_t snapshot, uint64_t now_us) {
    for (; run != 0; run = k->runs[run].parent) {
        const record *r = model_own(&k->runs[run], key, snapshot);
        if (r != NULL) return r->deleted || (r->expires_us != 0 && r->expires_us <= now_us) ? NULL : r;
        snapshot = wg_min_u64(snapshot, k->runs[run].fork_version);
    }
    return NULL;
}

static void model_note(model_run *m, uint32_t key, const record *r) {
    if (m->record_count[key] == RECORDS_MAX) { /* forget the oldest: nobody asks for it */
        memmove(m->records[key], m->records[key] + 1, (RECORDS_MAX - 1) * sizeof(record));
        m->record_count[key]--;
    }
    m->records[key][m->record_count[key]++] = *r;
}

static record record_make(kit *k) {
    record r = {.time_us = k->now_us, .seed = wg_rng_next(&k->rng) >> 8};
    r.deleted = wg_rng_below(&k->rng, 4) == 0;
    if (!r.deleted && wg_rng_below(&k->rng, 6) == 0) r.expires_us = k->now_us + 1 + wg_rng_below(&k->rng, 4000);
    return r;
}

static wg_state_value value_make(const record *r) {
    return (wg_state_value){.type = WG_TYPE_BYTES, .bytes = value_of(r->seed), .expires_us = r->expires_us};
}

static void kit_write(kit *k, uint32_t run, uint32_t key) {
    model_run *m = &k->runs[run];
    const wg_state_key at = wg_state_key_of(m->run, key_of(k, key));
    k->now_us += 50;
    record r = record_make(k);
    if (r.deleted) {
        assert_int_equal(wg_state_delete(k->session, m->run, &at, WG_VERSION_ANY, k->now_us, &r.version, NULL),
                         WG_OK);
        const bool there = model_get(k, run, key, WG_LOGSEQ_NEVER, k->now_us) != NULL;
        assert_int_equal(r.version != 0, there);
        if (!there) return;
    } else {
        const wg_state_value value = value_make(&r);
        assert_int_equal(wg_state_put(k->session, m->run, &at, &value, WG_VERSION_ANY, k->now_us, &r.version, NULL),
                         WG_OK);
    }
    model_note(m, key, &r);
}

/* ---- scans compared */

static bool in_range(const wg_state_range *range, wg_slice key) {
    const wg_slice head = wg_slice_of(key.data, wg_min_size(key.size, range->prefix.size));
    if (!wg_slice_equal(head, range->prefix)) return false;
    if (range->from.size == 0) return true;
    const int c = wg_slice_compare(key, range->from);
    return c == 0 ? !range->from_excluded : (c > 0) != range->reverse;
}

static wg_state_range range_make(kit *k) {
    wg_state_range range = {.reverse = wg_rng_below(&k->rng, 2) == 0, .keys_only = wg_rng_below(&k->rng, 4) == 0};
    const wg_slice some = key_of(k, (uint32_t)wg_rng_below(&k->rng, k->key_count));
    if (wg_rng_below(&k->rng, 2) == 0) range.prefix = wg_slice_of(some.data, wg_rng_below(&k->rng, some.size + 1));
    if (wg_rng_below(&k->rng, 2) == 0) {
        range.from = key_of(k, (uint32_t)wg_rng_below(&k->rng, k->key_count));
        if (wg_rng_below(&k->rng, 3) == 0) range.from.size = 1 + wg_rng_below(&k->rng, range.from.size);
        range.from_excluded = wg_rng_below(&k->rng, 2) == 0;
    }
    return range;
}

static void row_check(const kit *k, const wg_state_range *range, const wg_state_row *row, uint32_t key,
                      const record *r) {
    assert_true(wg_slice_equal(row->key, key_of(k, key)));
    assert_int_equal(row->version, r->version);
    assert_int_equal(row->time_us, r->time_us);
    assert_int_equal(row->expires_us, r->expires_us);
    assert_int_equal(row->type, WG_TYPE_BYTES);
    assert_true(range->keys_only ? row->value.size == 0 : wg_slice_equal(row->value, value_of(r->seed)));
}

/* What a scan has to return, walked along with it. */
typedef struct expected {
    const kit *k;
    const wg_state_range *range;
    uint32_t run;
    uint64_t snapshot, now_us;
    const record *own;       /* of a transaction, by key; NULL: none */
    const bool *own_written; /* by key */
    uint32_t left;           /* keys that were not looked at */
} expected;

/* The number of the next key with its record; false: the end. */
static bool expected_next(expected *e, uint32_t *out_key, const record **out_record) {
    while (e->left > 0) {
        const uint32_t key = e->range->reverse ? --e->left : e->k->key_count - e->left--;
        if (!in_range(e->range, key_of(e->k, key))) continue;
        const record *r = model_get(e->k, e->run, key, e->snapshot, e->now_us);
        if (e->own_written != NULL && e->own_written[key]) {
            r = &e->own[key];
            if (r->deleted || (r->expires_us != 0 && r->expires_us <= e->now_us)) r = NULL;
        }
        if (r == NULL) continue;
        *out_key = key;
        *out_record = r;
        return true;
    }
    return false;
}

static void rows_check(expected *e, const wg_state_row *rows, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t key;
        const record *r;
        assert_true(expected_next(e, &key, &r));
        row_check(e->k, e->range, &rows[i], key, r);
    }
}

/* Reads to the end; `between` writes go on in the run between two calls. */
static void scan_drain(kit *k, wg_state_scan *scan, expected *e, uint32_t between) {
    wg_state_row rows[ROWS_MAX];
    for (;;) {
        uint32_t n;
        const uint32_t want = 1 + (uint32_t)wg_rng_below(&k->rng, ROWS_MAX);
        assert_int_equal(wg_state_scan_next(scan, rows, want, &n, NULL), WG_OK);
        assert_true(n <= want);
        rows_check(e, rows, n);
        if (n == 0) break;
        for (uint32_t i = 0; i < between; i++) kit_write(k, e->run, (uint32_t)wg_rng_below(&k->rng, k->key_count));
    }
    uint32_t key;
    const record *r;
    assert_false(expected_next(e, &key, &r));
    uint32_t n = 1;
    assert_int_equal(wg_state_scan_next(scan, rows, 1, &n, NULL), WG_OK);
    assert_int_equal(n, 0);
    wg_state_scan_close(scan);
}

static void kit_scan(kit *k, uint32_t run, uint64_t snapshot, uint32_t between) {
    const wg_state_range range = range_make(k);
    wg_state_scan *scan;
    wg_state_session *session = wg_rng_below(&k->rng, 5) == 0 && between == 0 ? NULL : k->session;
    assert_int_equal(wg_state_scan_open(session, k->runs[run].run, &range, snapshot, k->now_us, &scan, NULL), WG_OK);
    if (snapshot == WG_LOGSEQ_NEVER) snapshot = wg_state_run_newest(k->runs[run].run);
    expected e = {
        .k = k, .range = &range, .run = run, .snapshot = snapshot, .now_us = k->now_us, .left = k->key_count};
    scan_drain(k, scan, &e, between);
}

static void kit_txn_scan(kit *k, uint32_t run) {
    model_run *m = &k->runs[run];
    record own[KEYS];
    bool written[KEYS] = {false};
    wg_state_txn *txn;
    const wg_state_isolation isolation = wg_rng_below(&k->rng, 2) == 0 ? WG_STATE_SNAPSHOT : WG_STATE_SERIALIZABLE;
    assert_int_equal(wg_state_begin(k->other, m->run, isolation, k->now_us, &txn, NULL), WG_OK);
    for (uint64_t n = wg_rng_below(&k->rng, 40); n > 0; n--) {
        const uint32_t key = (uint32_t)wg_rng_below(&k->rng, k->key_count);
        const wg_state_key at = wg_state_key_of(m->run, key_of(k, key));
        own[key] = record_make(k);
        own[key].version = WG_VERSION_OWN;
        written[key] = true;
        const wg_state_value value = value_make(&own[key]);
        assert_int_equal(own[key].deleted ? wg_state_txn_delete(txn, &at, WG_VERSION_ANY, NULL)
                                          : wg_state_txn_put(txn, &at, &value, WG_VERSION_ANY, NULL),
                         WG_OK);
    }
    for (uint32_t round = 0; round < 3; round++) {
        const wg_state_range range = range_make(k);
        wg_state_scan *scan;
        assert_int_equal(wg_state_txn_scan(txn, &range, &scan, NULL), WG_OK);
        expected e = {k, &range, run, wg_state_txn_snapshot(txn), k->now_us, own, written, k->key_count};
        scan_drain(k, scan, &e, 0);
    }
    if (wg_rng_below(&k->rng, 2) == 0) {
        wg_state_abort(txn);
        return;
    }
    uint64_t version;
    assert_int_equal(wg_state_commit(txn, &version, NULL, NULL), WG_OK);
    for (uint32_t key = 0; key < k->key_count; key++) {
        if (!written[key]) continue;
        const bool there = model_get(k, run, key, WG_LOGSEQ_NEVER, k->now_us) != NULL;
        own[key].version = version;
        if (!own[key].deleted || there) model_note(m, key, &own[key]);
    }
}

static void kit_pin(kit *k) {
    const uint32_t i = (uint32_t)wg_rng_below(&k->rng, PINS_MAX);
    if (k->pin_run[i] != 0) {
        wg_state_pin_release(&k->pins[i]);
        k->pin_run[i] = 0;
        return;
    }
    const uint32_t run = 1 + (uint32_t)wg_rng_below(&k->rng, k->run_count - 1);
    assert_int_equal(wg_state_pin_acquire(k->session, k->runs[run].run, WG_LOGSEQ_NEVER, &k->pins[i], NULL), WG_OK);
    k->pin_run[i] = run;
}

static void kit_step(kit *k, bool collects) {
    const uint32_t run = 1 + (uint32_t)wg_rng_below(&k->rng, k->run_count - 1);
    const uint64_t what = wg_rng_below(&k->rng, 100);
    if (what < 80) {
        for (uint64_t n = wg_rng_below(&k->rng, 10); n > 0; n--)
            kit_write(k, run, (uint32_t)wg_rng_below(&k->rng, k->key_count));
    } else if (what < 85) {
        kit_pin(k);
    } else if (what < 87) {
        if (k->run_count < RUNS_MAX) kit_run(k, wg_rng_below(&k->rng, 4) == 0 ? 0 : run);
    } else if (what < 92) {
        kit_txn_scan(k, run);
    } else {
        kit_scan(k, run, WG_LOGSEQ_NEVER, what < 95 ? 20 : 0);
    }
    for (uint32_t i = 0; i < PINS_MAX; i++)
        if (k->pin_run[i] != 0 && wg_rng_below(&k->rng, 20) == 0) kit_scan(k, k->pin_run[i], k->pins[i].version, 0);
    if (collects && wg_rng_below(&k->rng, 20) == 0)
        for (uint32_t i = 0; i < 50 && wg_state_collect(k->state); i++) {}
}

/* Every scan of every run and kept snapshot returns what the model says: any range, forward and reverse, forks of forks, expiry, own writes
 * of transactions, cursors that go on while others write. */
static void test_scan_agrees_with_a_sorted_map(void **state) {
    (void)state;
    for (uint64_t round = 0; round < 6; round++) {
        kit k;
        kit_open(&k, wg_test_seed(round));
        kit_run(&k, 0);
        for (uint32_t step = 0; step < 1000; step++) kit_step(&k, round % 2 == 1);
        assert_true(k.run_count > 4);
        kit_close(&k);
    }
}

/* ---- ranges of serializable transactions */

static void put_text(kit *k, wg_state_session *session, uint32_t run, const char *key, uint64_t *out_version) {
    const wg_state_key at = wg_state_key_of(k->runs[run].run, wg_slice_str(key));
    const wg_state_value value = {.type = WG_TYPE_STRING, .bytes = wg_slice_str("v")};
    assert_int_equal(
        wg_state_put(session, k->runs[run].run, &at, &value, WG_VERSION_ANY, k->now_us, out_version, NULL), WG_OK);
}

static void delete_text(kit *k, wg_state_session *session, uint32_t run, const char *key) {
    const wg_state_key at = wg_state_key_of(k->runs[run].run, wg_slice_str(key));
    assert_int_equal(wg_state_delete(session, k->runs[run].run, &at, WG_VERSION_ANY, k->now_us, NULL, NULL), WG_OK);
}

static uint32_t scan_some(wg_state_txn *txn, const wg_state_range *range, uint32_t want) {
    wg_state_scan *scan;
    wg_state_row rows[ROWS_MAX];
    uint32_t n;
    uint32_t all = 0;
    assert_int_equal(wg_state_txn_scan(txn, range, &scan, NULL), WG_OK);
    do {
        assert_int_equal(wg_state_scan_next(scan, rows, (uint32_t)wg_min_size(want - all, ROWS_MAX), &n, NULL),
                         WG_OK);
        all += n;
    } while (n != 0 && all < want);
    wg_state_scan_close(scan);
    return all;
}

/* What somebody else does between the scan and the commit. */
typedef enum meddling { PUT_NEW, PUT_OLD, DELETE_OLD, PUT_AND_DELETE, PUT_OWN } meddling;

static void meddle(kit *k, uint32_t run, meddling what, const char *key) {
    if (what != DELETE_OLD) put_text(k, k->session, run, key, NULL);
    if (what == DELETE_OLD || what == PUT_AND_DELETE) delete_text(k, k->session, run, key);
}

typedef struct range_case {
    wg_state_range range;
    uint32_t want; /* rows that are read */
    meddling what;
    const char *key;
    wg_code commit;
} range_case;

static void range_case_run(const range_case *c, wg_state_isolation isolation, wg_code commit) {
    kit k;
    kit_open(&k, 5);
    const uint32_t parent = kit_run(&k, 0);
    put_text(&k, k.session, parent, "b/inherited", NULL);
    const uint32_t run = kit_run(&k, parent);
    static const char *const keys[] = {"a/1", "a/2", "b/1", "b/3", "b/5", "c/1"};
    for (uint32_t i = 0; i < 6; i++) put_text(&k, k.session, run, keys[i], NULL);
    wg_state_txn *txn;
    wg_error err = {0};
    assert_int_equal(wg_state_begin(k.other, k.runs[run].run, isolation, k.now_us, &txn, NULL), WG_OK);
    scan_some(txn, &c->range, c->want);
    const wg_state_key own = wg_state_key_of(k.runs[run].run, wg_slice_str("b/3"));
    const wg_state_value value = {.type = WG_TYPE_STRING, .bytes = wg_slice_str("own")};
    assert_int_equal(wg_state_txn_put(txn, &own, &value, WG_VERSION_ANY, NULL), WG_OK);
    meddle(&k, run, c->what, c->key);
    assert_int_equal(wg_state_commit(txn, NULL, NULL, &err), commit);
    if (commit == WG_E_CONFLICT) {
        assert_non_null(strstr(err.message, "scanned range"));
        assert_non_null(strstr(err.message, c->key)); /* names what has changed */
    }
    kit_close(&k);
}

/* A commit conflicts exactly when somebody else changed, created or deleted a key that the scan came past. */
static void test_scan_of_a_serializable_transaction_finds_phantoms(void **state) {
    (void)state;
    const wg_state_range b = {.prefix = wg_slice_str("b/")};
    const wg_state_range b_back = {.prefix = wg_slice_str("b/"), .reverse = true};
    const wg_state_range from_b2 = {.from = wg_slice_str("b/2")};
    const wg_state_range behind_b3 = {.from = wg_slice_str("b/3"), .from_excluded = true};
    const range_case cases[] = {
        {b, 100, PUT_NEW, "b/2", WG_E_CONFLICT},
        {b, 100, PUT_OLD, "b/5", WG_E_CONFLICT},
        {b, 100, PUT_OWN, "b/3", WG_E_CONFLICT}, /* it was scanned before it was written */
        {b, 100, DELETE_OLD, "b/1", WG_E_CONFLICT},
        {b, 100, PUT_AND_DELETE, "b/2", WG_E_CONFLICT},
        {b, 100, DELETE_OLD, "b/inherited", WG_E_CONFLICT},
        {b, 100, PUT_NEW, "b/zzz", WG_E_CONFLICT}, /* behind the last row, but the end was reached */
        {b, 100, PUT_NEW, "a/3", WG_OK},
        {b, 100, PUT_OLD, "c/1", WG_OK},
        {b, 100, PUT_NEW, "b", WG_OK},
        {b, 2, PUT_OLD, "b/1", WG_E_CONFLICT},
        {b, 2, PUT_NEW, "b/2", WG_E_CONFLICT},
        {b, 2, PUT_NEW, "b/4", WG_OK}, /* the scan stopped at b/3 */
        {b, 2, PUT_OLD, "b/5", WG_OK},
        {b_back, 1, PUT_NEW, "b/j", WG_E_CONFLICT}, /* between the end and b/inherited */
        {b_back, 1, PUT_OLD, "b/5", WG_OK},
        {b_back, 2, PUT_OLD, "b/5", WG_E_CONFLICT},
        {from_b2, 100, PUT_OLD, "c/1", WG_E_CONFLICT},
        {from_b2, 100, PUT_OLD, "b/1", WG_OK},
        {behind_b3, 100, PUT_OLD, "b/3", WG_OK},
        {behind_b3, 100, PUT_NEW, "b/3/", WG_E_CONFLICT},
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        range_case_run(&cases[i], WG_STATE_SERIALIZABLE, cases[i].commit);
        range_case_run(&cases[i], WG_STATE_SNAPSHOT, WG_OK);
    }
}

/* ---- changes */

typedef struct changes_check {
    const kit *k;
    uint32_t run;
    uint64_t since, until;
    bool newest_only;
    uint32_t key;    /* that the next record is of, if it has any left */
    uint32_t record; /* records [0, record) of it are left */
    uint32_t calls, stop_at;
} changes_check;

static void changes_key_start(changes_check *c) {
    const model_run *m = &c->k->runs[c->run];
    if (c->key == c->k->key_count) return;
    c->record = m->record_count[c->key];
    while (c->record > 0 && m->records[c->key][c->record - 1].version > c->until) c->record--;
}

/* The next record that has to come; NULL: no more. */
static const record *changes_next(changes_check *c, uint32_t *out_key) {
    const model_run *m = &c->k->runs[c->run];
    while (c->key < c->k->key_count) {
        const record *r = c->record == 0 ? NULL : &m->records[c->key][c->record - 1];
        if (r != NULL && r->version > c->since) {
            *out_key = c->key;
            c->record = c->newest_only ? 0 : c->record - 1;
            return r;
        }
        c->key++;
        changes_key_start(c);
    }
    return NULL;
}

static bool changes_take(void *ctx, wg_slice key, const wg_state_version *version) {
    changes_check *c = ctx;
    uint32_t number = 0;
    const record *r = changes_next(c, &number);
    assert_non_null(r);
    assert_true(wg_slice_equal(key, key_of(c->k, number)));
    assert_int_equal(version->version, r->version);
    assert_int_equal(version->deleted, r->deleted);
    assert_int_equal(version->time_us, r->time_us);
    if (!r->deleted) {
        assert_int_equal(version->expires_us, r->expires_us);
        assert_true(wg_slice_equal(version->value, value_of(r->seed)));
    }
    return ++c->calls != c->stop_at;
}

static void changes_compare(const kit *k, uint32_t run, uint64_t since, uint64_t until, bool newest_only) {
    wg_state_run *r = k->runs[run].run;
    changes_check c = {.k = k, .run = run, .since = since, .until = until, .newest_only = newest_only};
    changes_key_start(&c);
    assert_int_equal(newest_only ? wg_state_changed_keys(r, since, until, changes_take, &c, NULL)
                                 : wg_state_changes(r, since, until, changes_take, &c, NULL),
                     WG_OK);
    uint32_t key;
    assert_null(changes_next(&c, &key));
}

/* Checkpoints get every record between two versions, diffs the newest of each key that was touched; both of the run itself only. */
static void test_changes_are_the_records_between_two_versions(void **state) {
    (void)state;
    for (uint64_t round = 0; round < 3; round++) {
        kit k;
        kit_open(&k, wg_test_seed(20 + round));
        k.state->options.keeps_until_stored = true; /* as where there are checkpoints */
        kit_run(&k, 0);
        for (uint32_t step = 0; step < 400; step++) {
            kit_step(&k, false);
            const uint32_t run = 1 + (uint32_t)wg_rng_below(&k.rng, k.run_count - 1);
            const uint64_t newest = wg_state_run_newest(k.runs[run].run);
            const uint64_t span = newest - k.runs[run].fork_version;
            const uint64_t until = newest - wg_rng_below(&k.rng, span / 4 + 1);
            changes_compare(&k, run, k.runs[run].fork_version + wg_rng_below(&k.rng, span + 1), until, step % 2 == 0);
        }
        changes_compare(&k, 1, 0, wg_state_run_newest(k.runs[1].run), true);
        kit_close(&k);
    }
}

/* A caller that has enough ends the listing with its own code. */
static void test_changes_stop_when_told(void **state) {
    (void)state;
    kit k;
    kit_open(&k, 30);
    const uint32_t run = kit_run(&k, 0);
    for (uint32_t i = 0; i < 200; i++) kit_write(&k, run, (uint32_t)wg_rng_below(&k.rng, k.key_count));
    changes_check c = {.k = &k, .run = run, .until = WG_VERSION_MAX, .stop_at = 7};
    changes_key_start(&c);
    assert_int_equal(wg_state_changes(k.runs[run].run, 0, WG_VERSION_MAX, changes_take, &c, NULL), WG_E_CANCELLED);
    assert_int_equal(c.calls, 7);
    kit_close(&k);
}

/* Memory that is refused at any point of a scan makes it fail, or slower; what comes back is right and nothing is lost. */
static void test_scan_survives_refused_memory(void **state) {
    (void)state;
    kit k;
    kit_open(&k, 31);
    kit_run(&k, 0);
    for (uint32_t step = 0; step < 100; step++) kit_step(&k, false);
    uint32_t refused = 0;
    for (uint64_t n = 1; n < 40; n++) {
        const uint32_t run = 1 + (uint32_t)wg_rng_below(&k.rng, k.run_count - 1);
        const wg_state_range range = range_make(&k);
        wg_state_scan *scan = NULL;
        wg_state_row rows[ROWS_MAX];
        uint32_t got = 0;
        kit_write(&k, run, (uint32_t)wg_rng_below(&k.rng, k.key_count));
        wg_memory_fail_at(n % 8 + 1, false);
        wg_state_session *session = n % 2 == 0 ? k.session : NULL; /* which has no pool */
        wg_code code = wg_state_scan_open(session, k.runs[run].run, &range, WG_LOGSEQ_NEVER, k.now_us, &scan, NULL);
        if (code == WG_OK) code = wg_state_scan_next(scan, rows, ROWS_MAX, &got, NULL);
        wg_memory_fail_at(0, false);
        assert_true(code == WG_OK || code == WG_E_NOMEM);
        refused += code != WG_OK;
        expected e = {.k = &k,
                      .range = &range,
                      .run = run,
                      .snapshot = wg_state_run_newest(k.runs[run].run),
                      .now_us = k.now_us,
                      .left = k.key_count};
        if (code == WG_OK) rows_check(&e, rows, got);
        wg_state_scan_close(scan);
        kit_scan(&k, run, WG_LOGSEQ_NEVER, 0);
    }
    assert_true(refused > 0);
    kit_close(&k);
}

/* Behind a fork each key that changes is noted once, and listing the changes looks at those alone. */
static void test_changes_behind_a_fork_cost_what_has_changed(void **state) {
    (void)state;
    kit k;
    kit_open(&k, 32);
    const uint32_t run = kit_run(&k, 0);
    for (uint32_t i = 0; i < k.key_count; i++) kit_write(&k, run, i);
    kit_run(&k, run);
    const uint64_t since = wg_state_run_newest(k.runs[run].run);
    for (uint32_t i = 0; i < 20; i++) kit_write(&k, run, 10 * (1 + i % 5));
    wg_buf hashes;
    bool known;
    wg_buf_init(&hashes, NULL);
    assert_int_equal(wgi_touched_since(k.runs[run].run, since, 100, &hashes, &known, NULL), WG_OK);
    assert_true(known);
    assert_true(hashes.size > 0);
    assert_true(hashes.size <= 5 * 8); /* a deletion of what is absent changes nothing */
    changes_compare(&k, run, since, wg_state_run_newest(k.runs[run].run), true);
    changes_compare(&k, run, since, wg_state_run_newest(k.runs[run].run), false);
    hashes.size = 0;
    assert_int_equal(wgi_touched_since(k.runs[run].run, since - 1, 100, &hashes, &known, NULL), WG_OK);
    assert_false(known); /* before the mark nobody took notes */
    hashes.size = 0;
    assert_int_equal(wgi_touched_since(k.runs[run].run, since, 1, &hashes, &known, NULL), WG_OK);
    assert_false(known); /* too many to be worth it */
    wgi_touched_forget(k.runs[run].run);
    assert_int_equal(wgi_touched_since(k.runs[run].run, since, 100, &hashes, &known, NULL), WG_OK);
    assert_false(known);
    changes_compare(&k, run, since, wg_state_run_newest(k.runs[run].run), true);
    wg_buf_deinit(&hashes);
    kit_close(&k);
}

/* ---- threads */

enum { WRITERS = 2, SCANNERS = 2, PAIRS = 200, WRITES = 1500 };

typedef struct worker {
    kit *k;
    uint32_t number;
    wg_state_session *session;
    _Atomic uint32_t *running;
} worker;

static wg_slice pair_key(char side, uint32_t i, char *text) {
    const int n = snprintf(text, 32, "%c/%04u", side, i);
    return wg_slice_of(text, (size_t)n);
}

/* Both keys of a pair always have the same number, or are both absent. */
/* Goal: between two calls of a scan keys behind it are deleted and overwritten until history has turned over, and what nobody needs is purged: the scan
 * goes on and shows them. */
static void test_scan_goes_on_when_history_turns_over(void **state) {
    (void)state;
    static const char *const keys[] = {"k/1", "k/2", "k/3"};
    kit k;
    kit_open_history(&k, 41, 1 << 20);
    kit_run(&k, 0);
    wg_state_run *run = k.runs[1].run;
    wg_state_session *reader, *writer;
    wg_state_scan *scan;
    wg_state_row row;
    uint32_t n;
    assert_int_equal(wg_state_session_open(k.state, &reader, NULL), WG_OK);
    assert_int_equal(wg_state_session_open(k.state, &writer, NULL), WG_OK);
    for (size_t i = 0; i < 3; i++) put_text(&k, writer, 1, keys[i], NULL);
    const wg_state_range range = {.prefix = wg_slice_str("k/")};
    assert_int_equal(wg_state_scan_open(reader, run, &range, WG_LOGSEQ_NEVER, k.now_us, &scan, NULL), WG_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(wg_state_scan_next(scan, &row, 1, &n, NULL), WG_OK);
        assert_int_equal(n, 1);
        assert_true(wg_slice_is(row.key, keys[i]));
        if (i == 0) delete_text(&k, writer, 1, "k/3");
        for (uint32_t times = 0; i == 0 && times < 60000; times++) put_text(&k, writer, 1, "k/2", NULL);
        for (int round = 0; round < 3; round++)
            while (wg_state_collect(k.state)) {}
    }
    assert_int_equal(wg_state_scan_next(scan, &row, 1, &n, NULL), WG_OK);
    assert_int_equal(n, 0);
    wg_state_scan_close(scan);
    wg_state_session_close(writer);
    wg_state_session_close(reader);
    kit_close(&k);
}

static void pair_write(const worker *w, uint32_t pair, uint64_t number) {
    wg_state_run *run = w->k->runs[1].run;
    wg_state_txn *txn;
    assert_int_equal(wg_state_begin(w->session, run, WG_STATE_SNAPSHOT, w->k->now_us, &txn, NULL), WG_OK);
    for (int side = 0; side < 2; side++) {
        char text[32];
        uint8_t bytes[8];
        const wg_state_key key = wg_state_key_of(run, pair_key(side == 0 ? 'a' : 'b', pair, text));
        wg_store_u64le(bytes, number);
        const wg_state_value value = {.type = WG_TYPE_INT, .bytes = wg_slice_of(bytes, 8)};
        assert_int_equal(number % 5 == 0 ? wg_state_txn_delete(txn, &key, WG_VERSION_ANY, NULL)
                                         : wg_state_txn_put(txn, &key, &value, WG_VERSION_ANY, NULL),
                         WG_OK);
    }
    assert_int_equal(wg_state_commit(txn, NULL, NULL, NULL), WG_OK);
}

static void writer_body(void *arg) {
    const worker *w = arg;
    wg_rng rng;
    wg_rng_init(&rng, w->number);
    for (uint32_t i = 0; i < WRITES; i++) pair_write(w, (uint32_t)wg_rng_below(&rng, PAIRS), wg_rng_next(&rng) >> 8);
    atomic_fetch_sub(w->running, 1);
}

/* Keys in order, each pair whole. */
static void pairs_scan(const worker *w, wg_rng *rng) {
    uint64_t numbers[2][PAIRS] = {{0}};
    const bool reverse = wg_rng_below(rng, 2) == 0;
    const wg_state_range range = {.reverse = reverse};
    wg_state_scan *scan;
    wg_state_row rows[ROWS_MAX];
    uint32_t n;
    char last[32] = {0};
    assert_int_equal(
        wg_state_scan_open(w->session, w->k->runs[1].run, &range, WG_LOGSEQ_NEVER, w->k->now_us, &scan, NULL), WG_OK);
    do {
        const uint32_t want = 1 + (uint32_t)wg_rng_below(rng, ROWS_MAX);
        assert_int_equal(wg_state_scan_next(scan, rows, want, &n, NULL), WG_OK);
        for (uint32_t i = 0; i < n; i++) {
            char text[32] = {0};
            assert_int_equal(rows[i].key.size, 6);
            memcpy(text, rows[i].key.data, 6);
            if (last[0] != 0) assert_true(reverse ? strcmp(text, last) < 0 : strcmp(text, last) > 0);
            memcpy(last, text, sizeof last);
            numbers[text[0] == 'b'][strtoul(text + 2, NULL, 10)] = wg_load_u64le(rows[i].value.data);
        }
    } while (n != 0);
    wg_state_scan_close(scan);
    assert_memory_equal(numbers[0], numbers[1], sizeof numbers[0]);
}

static void scanner_body(void *arg) {
    const worker *w = arg;
    wg_rng rng;
    wg_rng_init(&rng, 100 + w->number);
    while (atomic_load(w->running) != 0) pairs_scan(w, &rng);
    pairs_scan(w, &rng);
}

/* Scans beside writers see each transaction whole or not at all, and every key once, in order. */
static void test_scan_sees_one_snapshot_beside_writers(void **state) {
    (void)state;
    kit k;
    kit_open(&k, 40);
    kit_run(&k, 0);
    _Atomic uint32_t running = WRITERS;
    wg_thread threads[WRITERS + SCANNERS];
    worker workers[WRITERS + SCANNERS];
    for (uint32_t i = 0; i < WRITERS + SCANNERS; i++) {
        const bool writes = i < WRITERS;
        workers[i] = (worker){.k = &k, .number = writes ? i : i - WRITERS, .running = &running};
        assert_int_equal(wg_state_session_open(k.state, &workers[i].session, NULL), WG_OK);
        assert_int_equal(wg_thread_start(&threads[i], writes ? writer_body : scanner_body, &workers[i], NULL), WG_OK);
    }
    while (atomic_load(&running) != 0) (void)wg_state_collect(k.state);
    for (uint32_t i = 0; i < WRITERS + SCANNERS; i++) {
        wg_thread_join(&threads[i]);
        wg_state_session_close(workers[i].session);
    }
    assert_true(wgi_tree_check(k.runs[1].run->order) <= 2 * PAIRS);
    kit_close(&k);
}

typedef struct listed {
    const kit *k;
    uint64_t since, until;
    bool seen[2][PAIRS];
} listed;

static bool listed_take(void *ctx, wg_slice key, const wg_state_version *version) {
    listed *l = ctx;
    char text[8] = {0};
    assert_int_equal(key.size, 6);
    memcpy(text, key.data, 6);
    assert_true(version->version > l->since);
    assert_true(version->version <= l->until);
    l->seen[text[0] == 'b'][strtoul(text + 2, NULL, 10)] = true;
    return true;
}

/* Every key that changed between a mark and a version is listed, whatever the writers do at that moment. */
static void changes_listed_check(kit *k) {
    wg_state_run *run = k->runs[1].run;
    static listed l;
    wg_state_pin pin;
    memset(&l, 0, sizeof l);
    l.k = k;
    wgi_touched_mark(run);
    l.since = wg_state_run_newest(run);
    for (uint32_t i = 0; i < 50; i++) wgi_pause();
    const wg_code code = wg_state_pin_acquire(k->session, run, WG_LOGSEQ_NEVER, &pin, NULL);
    if (code == WG_E_EXPIRED) return; /* a purge came between */
    assert_int_equal(code, WG_OK);
    l.until = pin.version;
    assert_int_equal(wg_state_changed_keys(run, l.since, l.until, listed_take, &l, NULL), WG_OK);
    const uint32_t slot = wg_epoch_enter(k->epoch);
    for (uint32_t i = 0; i < 2 * PAIRS; i++) {
        char text[32];
        wgi_record own;
        const wg_state_key key = wg_state_key_of(run, pair_key(i % 2 == 0 ? 'a' : 'b', i / 2, text));
        const wgi_found found = wgi_slot_read(run, &key, l.until, &own);
        assert_int_not_equal(found, WGI_EXPIRED);
        const bool changed = found != WGI_ABSENT && wgi_record_version(&own) > l.since;
        assert_int_equal(l.seen[i % 2][i / 2], changed);
    }
    wg_epoch_leave(k->epoch, slot);
    wg_state_pin_release(&pin);
}

static void test_changes_are_complete_beside_writers(void **state) {
    (void)state;
    kit k;
    kit_open_history(&k, 41, 1 << 20);
    kit_run(&k, 0);
    _Atomic uint32_t running = WRITERS;
    wg_thread threads[WRITERS];
    worker workers[WRITERS];
    for (uint32_t i = 0; i < WRITERS; i++) {
        workers[i] = (worker){.k = &k, .number = i, .running = &running};
        assert_int_equal(wg_state_session_open(k.state, &workers[i].session, NULL), WG_OK);
        assert_int_equal(wg_thread_start(&threads[i], writer_body, &workers[i], NULL), WG_OK);
    }
    while (atomic_load(&running) != 0) changes_listed_check(&k);
    for (uint32_t i = 0; i < WRITERS; i++) {
        wg_thread_join(&threads[i]);
        wg_state_session_close(workers[i].session);
    }
    changes_listed_check(&k);
    kit_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_agrees_with_a_sorted_map),
        cmocka_unit_test(test_scan_of_a_serializable_transaction_finds_phantoms),
        cmocka_unit_test(test_changes_are_the_records_between_two_versions),
        cmocka_unit_test(test_changes_stop_when_told),
        cmocka_unit_test(test_changes_behind_a_fork_cost_what_has_changed),
        cmocka_unit_test(test_scan_survives_refused_memory),
        cmocka_unit_test(test_scan_goes_on_when_history_turns_over),
        cmocka_unit_test(test_scan_sees_one_snapshot_beside_writers),
        cmocka_unit_test(test_changes_are_complete_beside_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
