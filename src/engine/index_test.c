/* Indexes from inside: the order of keys, memory that is refused at any point, and uniqueness between threads. Answers are compared with
 * scans in query/index_random_test.c. Run under ThreadSanitizer too. */
#include "engine/engine_model.h"

#include <stdio.h>

#include "base/core/test_seed.h"
#include "engine/engine_internal.h"

enum { WRITERS = 4, READERS = 2 };

/* ---- keys */

static wg_value random_value(wg_rng *rng) {
    static const char *const texts[] = {
        "",
        "a",
        "ab",
        "b",
        "a long text with the same beginning, and behind it 1",
        "a long text with the same beginning, and behind it a great deal more than fits",
        "a long text with the same beginning, and behind it a great deal more than fitted"};
    const uint64_t bits = wg_rng_next(rng);
    switch (wg_rng_next(rng) % 7) {
        case 0:
            return wg_value_int((int64_t)(bits >> (bits & 63)));
        case 1:
            return wg_value_int(-(int64_t)(bits >> (1 + (bits & 31))));
        case 2:
            return wg_value_float((double)(int64_t)bits / (double)(1 + (bits & 1023)));
        case 3:
            return wg_value_float(wg_f64_of_bits(bits));
        case 4:
            return wg_value_str(wg_slice_str(texts[bits % 7]));
        case 5:
            return wg_value_str(wg_slice_of("\0\1\0", bits % 4));
        default:
            return wg_value_int((int64_t)(bits % 5) + ((int64_t)1 << 53) - 2);
    }
}

static bool inside(const wgi_index_key *key, const wgi_index_key *low, const wgi_index_key *high) {
    wgi_index_entry entries[1] = {
        {.prefix = wgi_index_prefix(key, 0), .rest_size = key->size > 8 ? key->size - 8 : 0}};
    wgi_index_run *run = NULL;
    wg_buf ids;
    wg_buf_init(&ids, NULL);
    MODEL_OK(wgi_index_run_make(NULL, entries, 1, key->bytes + 8, &run, err));
    assert_true(wgi_index_run_find(run, low, high, &ids));
    const bool found = ids.size != 0;
    wg_free(run);
    wg_buf_deinit(&ids);
    return found;
}

/* Goal: what a probe asks for is always among its candidates: equality, bounds on both sides, alone and behind another property. */
static void test_keys_keep_the_order_of_values(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(62));
    const wg_rule_def one = {.kind = WG_RULE_RANGE_INDEX, .key_count = 1},
                      two = {.kind = WG_RULE_RANGE_INDEX, .key_count = 2};
    uint32_t kept_out = 0;
    for (int i = 0; i < 60000; i++) {
        const wg_value pair[2] = {random_value(&rng), random_value(&rng)}, asked = random_value(&rng);
        const bool nan = pair[0].type == WG_TYPE_FLOAT && pair[0].as.f != pair[0].as.f;
        wgi_index_key key, both, low, high;
        assert_true(wgi_index_key_of(&one, pair, &key));
        assert_true(wgi_index_key_of(&two, (const wg_value[]){pair[1], pair[0]}, &both));
        const wg_index_probe equal = {.equal = &asked, .equal_count = 1};
        assert_true(wgi_index_bounds(&one, &equal, &low, &high));
        const bool found = inside(&key, &low, &high);
        assert_true(found || wg_value_equal(&pair[0], &asked) != 1);
        kept_out += !found;
        const bool same = wg_value_order(&pair[0], &pair[0]) == 0 && !nan;
        const bool numbers = pair[0].type != WG_TYPE_STRING && asked.type != WG_TYPE_STRING;
        if (!same || !(numbers || pair[0].type == asked.type)) continue;
        const int order = wg_value_order(&pair[0], &asked);
        const wg_index_probe from = {.equal = &pair[1], .low = &asked}, to = {.equal = &pair[1], .high = &asked};
        assert_true(wgi_index_bounds(&one, &from, &low, &high));
        assert_true(inside(&key, &low, &high) || order < 0);
        assert_true(wgi_index_bounds(&one, &to, &low, &high));
        assert_true(inside(&key, &low, &high) || order > 0);
        wg_index_probe behind = from;
        behind.equal_count = 1;
        assert_true(wgi_index_bounds(&two, &behind, &low, &high));
        assert_true(inside(&both, &low, &high) || order < 0);
        behind = to;
        behind.equal_count = 1;
        assert_true(wgi_index_bounds(&two, &behind, &low, &high));
        assert_true(inside(&both, &low, &high) || order > 0);
    }
    assert_true(kept_out > 30000); /* and not everything is */
}

/* ---- a store with an index */

typedef struct fixture {
    wg_engine *engine;
    uint32_t label, key;
    const wg_rule *rule;
} fixture;

static void set_up(fixture *f, wg_rule_kind kind, uint32_t nodes) {
    const wg_engine_options o = {.options = {.create = true, .no_background = true}};
    wg_txn *txn = NULL;
    bool created = false;
    MODEL_OK(wg_engine_open(NULL, &o, &f->engine, err));
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("L"), false, &f->label, err));
    MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("k"), &f->key, err));
    for (uint32_t i = 0; i < nodes; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "the number %u", i % (nodes > 2 ? nodes / 2 : nodes));
        const wg_property p = {f->key, wg_value_str(wg_slice_str(text))};
        uint64_t id;
        MODEL_OK(wg_txn_create_node(txn, &f->label, 1, &p, 1, &id, err));
    }
    const wg_rule_def def = {.kind = kind, .label = f->label, .key_count = 1, .keys = {f->key}};
    MODEL_OK(wg_txn_create_rule(txn, &def, false, &created, err));
    assert_true(created);
    f->rule = wg_catalog_rule_at(wg_txn_catalog(txn), 0);
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static wg_code seek(const fixture *f, const char *text, uint64_t *out_count, wg_error *err) {
    wg_txn *txn = NULL;
    wg_buf ids;
    const wg_value value = wg_value_str(wg_slice_str(text));
    const wg_index_probe probe = {.equal = &value, .equal_count = 1};
    WG_TRY(wg_txn_begin(f->engine, WG_TXN_READ, 0, &txn, err));
    wg_buf_init(&ids, NULL);
    const wg_code code = wg_index_seek(txn, f->rule, &probe, 1, &ids, err);
    *out_count = ids.size / sizeof(uint64_t);
    wg_buf_deinit(&ids);
    wg_txn_abort(txn);
    return code;
}

/* Goal: wherever memory ends while an index is built or grows, the question is refused with WG_E_NOMEM, nothing is lost or counted twice, and
 * the next one is answered; a dropped index and a closed store give everything back. */
static void test_refused_memory_loses_nothing(void **state) {
    (void)state;
    static const wg_rule_kind kinds[] = {WG_RULE_RANGE_INDEX, WG_RULE_HASH_INDEX};
    for (uint32_t k = 0; k < 2; k++) {
        fixture f;
        uint64_t count = 0, refused = 0;
        set_up(&f, kinds[k], 2000);
        wg_account *account = &f.engine->index_account;
        wgi_index_forget(wgi_index_of(f.engine, 0)); /* as after an opening */
        wg_epoch_collect(f.engine->epoch);
        for (uint64_t limit = wg_account_bytes(account);; limit += 8192) {
            wg_error err = {0};
            account->bytes_max = limit;
            const wg_code code = seek(&f, "the number 77", &count, &err);
            if (code == WG_OK) break;
            assert_int_equal(code, WG_E_NOMEM);
            refused++;
        }
        assert_true(refused > 3);
        assert_int_equal(count, 2);
        account->bytes_max = 0;
        for (uint32_t i = 0; i < 1000; i++) { /* the tail and its runs */
            wg_txn *txn = NULL;
            uint64_t id = 0;
            const wg_property p = {f.key, wg_value_str(wg_slice_str("one more"))};
            MODEL_OK(wg_txn_begin(f.engine, WG_TXN_WRITE, 0, &txn, err));
            MODEL_OK(wg_txn_create_node(txn, &f.label, 1, &p, 1, &id, err));
            MODEL_OK(wg_txn_commit(txn, NULL, err));
            account->bytes_max = i % 3 == 0 ? wg_account_bytes(account) + i * 16 : 0;
            wg_error err = {0};
            const wg_code code = seek(&f, "one more", &count, &err);
            assert_true(code == WG_OK ? count == i + 1 : code == WG_E_NOMEM);
            account->bytes_max = 0;
        }
        MODEL_OK(seek(&f, "one more", &count, err));
        assert_int_equal(count, 1000);
        wg_txn *txn = NULL;
        bool dropped = false;
        MODEL_OK(wg_txn_begin(f.engine, WG_TXN_WRITE, 0, &txn, err));
        MODEL_OK(wg_txn_drop_rule(txn, wg_slice_str(f.rule->def.name), true, false, &dropped, err));
        MODEL_OK(wg_txn_commit(txn, NULL, err));
        wg_epoch_collect(f.engine->epoch);
        assert_true(dropped && wg_account_bytes(account) < 4096);
        MODEL_OK(wg_engine_close(f.engine, err));
    }
}

/* ---- many rows, and many versions */

enum { MANY = 150000 };

static void load_many(const fixture *f, wg_rng *rng) {
    static wg_value cells[WG_BATCH_ROWS_MAX];
    static char texts[WG_BATCH_ROWS_MAX][40];
    const wg_vector column = {.type = WG_TYPE_ANY, .data = cells};
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_WRITE, 0, &txn, err));
    for (uint32_t at = 0; at < MANY; at += WG_BATCH_ROWS_MAX) {
        const uint32_t rows = (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, MANY - at);
        const wg_batch batch = {.row_count = rows, .column_count = 1, .columns = &column};
        uint64_t first = 0;
        for (uint32_t r = 0; r < rows; r++) {
            const uint64_t n = wg_rng_next(rng) % 50000;
            (void)snprintf(texts[r], sizeof texts[r], "some text number %llu", (unsigned long long)n);
            cells[r] = n % 3 == 0   ? wg_value_str(wg_slice_str(texts[r]))
                       : n % 3 == 1 ? wg_value_int((int64_t)n)
                                    : wg_value_int((int64_t)(at + r)); /* and a part that rises */
        }
        MODEL_OK(wg_txn_create_nodes(txn, f->label, &f->key, &batch, &first, err));
    }
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static const wgi_index_state *built_by(const fixture *f, wg_pool *pool) {
    wgi_index *index = wgi_index_of(f->engine, 0);
    wgi_index_forget(index);
    wg_epoch_collect(f->engine->epoch);
    f->engine->pool = pool;
    const uint32_t slot = wg_epoch_enter(f->engine->epoch);
    MODEL_OK(wgi_index_freshen(index, err));
    wg_epoch_leave(f->engine->epoch, slot);
    f->engine->pool = NULL;
    return atomic_load(&index->state);
}

/* Goal: many rows give one run with the same bytes, whatever the number of threads, and all of it is in order. */
static void test_threads_build_the_same_index(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(63));
    for (uint32_t kind = 0; kind < 2; kind++) {
        fixture f;
        wg_buf one;
        wg_buf_init(&one, NULL);
        set_up(&f, kind == 0 ? WG_RULE_RANGE_INDEX : WG_RULE_HASH_INDEX, 10);
        load_many(&f, &rng);
        for (uint32_t threads = 1; threads <= 8; threads += threads == 1 ? 1 : 6) {
            wg_pool *pool = NULL;
            if (threads > 1) MODEL_OK(wg_pool_create(threads, &pool, err));
            const wgi_index_state *made = built_by(&f, pool);
            wg_pool_destroy(pool);
            assert_int_equal(made->run_count, 1);
            const wgi_index_run *run = made->runs[0];
            assert_int_equal(run->count, MANY + 10);
            for (uint64_t i = 1; i < run->count; i++)
                assert_true(run->entries[i - 1].prefix <= run->entries[i].prefix);
            const size_t bytes = run->count * sizeof run->entries[0] + run->byte_count;
            if (threads == 1) assert_true(wg_buf_append(&one, run->entries, bytes));
            assert_int_equal(one.size, bytes);
            assert_memory_equal(one.data, run->entries, bytes);
        }
        wg_buf_deinit(&one);
        MODEL_OK(wg_engine_close(f.engine, err));
    }
}

static uint64_t overwrite(const fixture *f, uint64_t id, uint32_t value) {
    wg_txn *txn = NULL;
    uint64_t logseq = 0;
    const wg_property p = {f->key, wg_value_int(value)};
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_set_node(txn, id, &p, 1, false, err));
    MODEL_OK(wg_txn_commit(txn, &logseq, err));
    return logseq;
}

static bool finds(const fixture *f, wg_txn *txn, uint64_t id, uint32_t value) {
    const wg_value key = wg_value_int(value);
    const wg_index_probe probe = {.equal = &key, .equal_count = 1};
    wg_buf ids;
    bool found = false;
    wg_buf_init(&ids, NULL);
    MODEL_OK(wg_index_seek(txn, f->rule, &probe, 1, &ids, err));
    for (size_t at = 0; at < ids.size; at += 8) found |= wg_load_u64le(ids.data + at) == id;
    wg_buf_deinit(&ids);
    return found;
}

/* Goal: values that are written over for long take no more memory than the snapshots that are kept need, and each of those still finds what
 * it sees; so does one that is read while others expire. */
static void test_entries_of_expired_versions_go(void **state) {
    (void)state;
    const uint32_t rounds = wg_test_small() ? 60000 : 150000;
    fixture f;
    wg_txn *old = NULL;
    uint64_t old_at = 0;
    set_up(&f, WG_RULE_RANGE_INDEX, 4);
    for (uint32_t i = 0; i < rounds; i++) {
        const uint64_t logseq = overwrite(&f, i % 2, i);
        if (i % 64 != 0) continue;
        wg_txn *txn = NULL;
        MODEL_OK(wg_txn_begin(f.engine, WG_TXN_READ, 0, &txn, err));
        assert_true(finds(&f, txn, i % 2, i));
        if (i > 0) assert_true(finds(&f, txn, 1 - i % 2, i - 1));
        wg_txn_abort(txn);
        if (i == rounds / 4 / 64 * 64) {
            MODEL_OK(wg_txn_begin(f.engine, WG_TXN_READ, 0, &old, err));
            old_at = i;
        }
        if (old != NULL) assert_true(finds(&f, old, old_at % 2, (uint32_t)old_at));
        if (i >= rounds / 2 && old != NULL) {
            wg_txn_abort(old);
            old = NULL;
        }
        if (logseq > 200 && i % 512 == 0) MODEL_OK(wg_engine_expire(f.engine, logseq - 100, err));
        if (i > rounds / 2 + 40000) assert_true(wgi_index_entry_count(wgi_index_of(f.engine, 0)) < 36000);
    }
    assert_true(wgi_index_entry_count(wgi_index_of(f.engine, 0)) < 36000);
    MODEL_OK(wg_engine_close(f.engine, err));
}

/* ---- threads */

typedef struct race {
    fixture f;
    _Atomic uint32_t next;
    _Atomic uint32_t made;
    _Atomic uint32_t taken;
    _Atomic uint32_t wrong;
    _Atomic bool done;
    uint32_t values;
} race;

/* How many nodes have the value: what an index gives are candidates, among them ids that a rolled-back transaction had for a while. */
static wg_code count_nodes(const race *r, const wg_txn *txn, int64_t number, uint32_t *out, wg_error *err) {
    const wg_value value = wg_value_int(number);
    const wg_index_probe probe = {.equal = &value, .equal_count = 1};
    wg_buf ids;
    wg_arena arena;
    wg_column cells;
    wg_buf_init(&ids, NULL);
    wg_arena_init(&arena, NULL);
    wg_column_init(&cells, WG_TYPE_ANY, &arena, NULL);
    wg_code code = wg_index_seek(txn, r->f.rule, &probe, 1, &ids, err);
    const uint32_t count = (uint32_t)(ids.size / sizeof(uint64_t));
    if (code == WG_OK && count > 0)
        code = wg_read_node_property(txn, (const uint64_t *)(const void *)ids.data, count, r->f.key, &cells, err);
    const wg_vector view = wg_column_view(&cells);
    *out = 0;
    for (uint32_t i = 0; code == WG_OK && i < count; i++) {
        const wg_value theirs = wg_vector_value(&view, i);
        *out += wg_value_equal(&theirs, &value) == 1;
    }
    wg_column_deinit(&cells);
    wg_arena_deinit(&arena);
    wg_buf_deinit(&ids);
    return code;
}

/* Every value is tried by all writers; one of them may have it. */
static void write_all(void *arg) {
    race *r = arg;
    const uint32_t salt = atomic_fetch_add(&r->next, 1);
    for (uint32_t i = 0; i < r->values; i++) {
        wg_txn *txn = NULL;
        uint64_t id = 0;
        wg_error err = {0};
        const wg_property p = {r->f.key, wg_value_int((i + salt * 7) % r->values)};
        if (wg_txn_begin(r->f.engine, salt % 2 == 0 ? WG_TXN_OPTIMISTIC : WG_TXN_WRITE, 0, &txn, &err) != WG_OK) {
            atomic_fetch_add(&r->wrong, 1);
            return;
        }
        const wg_code code = wg_txn_create_node(txn, &r->f.label, 1, &p, 1, &id, &err);
        if (code == WG_E_CONSTRAINT) atomic_fetch_add(&r->taken, 1);
        else if (code != WG_OK) atomic_fetch_add(&r->wrong, 1);
        if (code != WG_OK || i % 5 == 4) wg_txn_abort(txn);
        else if (wg_txn_commit(txn, NULL, &err) == WG_OK) atomic_fetch_add(&r->made, 1);
        else atomic_fetch_add(&r->wrong, 1);
    }
}

/* Whatever is found is found once. */
static void read_on(void *arg) {
    race *r = arg;
    for (uint32_t i = 0; !atomic_load(&r->done); i++) {
        wg_txn *txn = NULL;
        uint32_t count = 0;
        wg_error err = {0};
        if (wg_txn_begin(r->f.engine, WG_TXN_READ, 0, &txn, &err) != WG_OK ||
            count_nodes(r, txn, i % r->values, &count, &err) != WG_OK || count > 1)
            atomic_fetch_add(&r->wrong, 1);
        wg_txn_abort(txn);
    }
}

/* Goal: of several sessions that write one value, whatever their mode, one commits and the others are told; readers beside them see it once. */
static void test_one_writer_gets_a_value(void **state) {
    (void)state;
    race r = {.values = wg_test_small() ? 150 : 400};
    wg_thread threads[WRITERS + READERS];
    set_up(&r.f, WG_RULE_UNIQUE, 2);
    for (uint32_t i = 0; i < READERS; i++) MODEL_OK(wg_thread_start(&threads[WRITERS + i], read_on, &r, err));
    for (uint32_t i = 0; i < WRITERS; i++) MODEL_OK(wg_thread_start(&threads[i], write_all, &r, err));
    for (uint32_t i = 0; i < WRITERS; i++) wg_thread_join(&threads[i]);
    atomic_store(&r.done, true);
    for (uint32_t i = 0; i < READERS; i++) wg_thread_join(&threads[WRITERS + i]);
    assert_int_equal(r.wrong, 0);
    assert_true(r.made <= r.values && r.made + r.taken > r.values);
    wg_txn *txn = NULL;
    uint32_t found = 0;
    MODEL_OK(wg_txn_begin(r.f.engine, WG_TXN_READ, 0, &txn, err));
    for (uint32_t i = 0; i < r.values; i++) {
        uint32_t count = 0;
        MODEL_OK(count_nodes(&r, txn, i, &count, err));
        found += count;
    }
    wg_txn_abort(txn);
    assert_int_equal(found, r.made);
    MODEL_OK(wg_engine_close(r.f.engine, err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_keep_the_order_of_values), cmocka_unit_test(test_refused_memory_loses_nothing),
        cmocka_unit_test(test_threads_build_the_same_index), cmocka_unit_test(test_entries_of_expired_versions_go),
        cmocka_unit_test(test_one_writer_gets_a_value)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
