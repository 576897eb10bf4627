/* Key-values through the public header, in every durability mode. */
#include "agents_kit.h"

#include "base/core/test_seed.h"

/* Goal: what was put is read back with a version that rises, and is gone after its deletion; deleting twice says so. */
static void test_kv_put_get_delete(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    kit_expect_none(run, "k");
    const uint64_t first = kit_put(run, "k", 1);
    const uint64_t second = kit_put(run, "k", 2);
    assert_true(first > 0 && second > first);
    kit_expect(run, "k", 2);
    assert_int_equal(kit_get(run, "k").version, second);
    assert_true(kit_get(run, "k").time_us > 1600000000000000u);
    assert_true(kit_delete(run, "k"));
    kit_expect_none(run, "k");
    assert_false(kit_delete(run, "k"));
    assert_true(kit_put(run, "k", 3) > second);
    wg_run_close(run);
}

/* Goal: every type of value comes back as it was, and what cannot be stored is refused with its type. */
static void test_kv_all_types(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    wg_result *r = NULL;
    static const char text[] =
        "RETURN null, true, -5, 1.5, 'höy', date('2026-11-21'), localtime('10:00'), time('10:00+01:00'), "
        "localdatetime('2026-11-21T10:00:00.5'), datetime('2026-11-21T10:00:00Z'), duration('P1DT2S'), "
        "[1, 'two', [3.0]], {a: 1, b: {c: [null]}}";
    KIT_OK(wg_query(kit_session, text, &r, err));
    for (uint32_t c = 0; c < wg_result_column_count(r); c++) {
        wg_value v;
        wg_kv_item item;
        KIT_OK(wg_result_cell(r, 0, c, &v, err));
        KIT_OK(wg_kv_put(run, &"abcdefghijklmnop"[c], 1, &v, NULL, err));
        KIT_OK(wg_kv_get(run, &"abcdefghijklmnop"[c], 1, &item, err));
        assert_true(item.found);
        assert_int_equal(item.value.type, v.type);
        assert_int_equal(item.value.size, v.size);
        if (v.type == WG_TYPE_STRING) assert_memory_equal(item.value.as.s, v.as.s, v.size);
        if (v.type == WG_TYPE_LIST) assert_int_equal(item.value.as.list[2].as.list[0].type, WG_TYPE_FLOAT);
        if (v.type == WG_TYPE_MAP) assert_memory_equal(item.value.as.map[1].key, "b", 1);
        if (v.type == WG_TYPE_INT || v.type == WG_TYPE_FLOAT) assert_true(item.value.as.id == v.as.id);
    }
    wg_result_free(r);
    const wg_value bytes = {.type = WG_TYPE_BYTES, .size = 3, .as.s = "\xff\0\x01"};
    KIT_OK(wg_kv_put(run, "raw", 3, &bytes, NULL, err));
    assert_memory_equal(kit_get(run, "raw").value.as.s, bytes.as.s, 3);
    KIT_FAILS(WG_E_VALUE,
              wg_kv_put(run, "raw", 3, &(wg_value){.type = WG_TYPE_STRING, .size = 1, .as.s = "\xff"}, NULL, err));
    KIT_FAILS(WG_E_TYPE, wg_kv_put(run, "raw", 3, &(wg_value){.type = WG_TYPE_NODE}, NULL, err));
    wg_run_close(run);
}

/* Goal: keys of 1 and 1,024 bytes work, shorter, longer and system keys are refused, and each size of value comes back whole. */
static void test_kv_sizes(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    char key[1025];
    memset(key, 'k', sizeof key);
    const wg_value one = kit_int(1);
    KIT_OK(wg_kv_put(run, key, 1024, &one, NULL, err));
    KIT_FAILS(WG_E_VALUE, wg_kv_put(run, key, 1025, &one, NULL, err));
    KIT_FAILS(WG_E_VALUE, wg_kv_put(run, key, 0, &one, NULL, err));
    KIT_OK(wg_kv_put(run, "\0x", 2, &one, NULL, err));
    KIT_FAILS(WG_E_VALUE, wg_kv_put(run, "\0wg.sys\0x", 9, &one, NULL, err));
    static const uint32_t sizes[] = {0, 1, 99, 100, 101, 115, 116, 117, 4096, 65536, 1 << 20, 5 << 20};
    char *value = malloc(5 << 20);
    assert_non_null(value);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        wg_kv_item item;
        memset(value, (int)('a' + i), sizes[i]);
        KIT_OK(wg_kv_put_bytes(run, key, 16, value, sizes[i], NULL, err));
        KIT_OK(wg_kv_get(run, key, 16, &item, err));
        assert_int_equal(item.value.size, sizes[i]);
        if (sizes[i] != 0) assert_memory_equal(item.value.as.s, value, sizes[i]);
    }
    free(value);
    KIT_OK(wg_kv_get(run, key, 1024, &(wg_kv_item){0}, err));
    wg_run_close(run);
}

/* Goal: compare and set goes by versions: a value that came back is not taken for the old one, nor is a key that was made anew. */
static void test_kv_compare_and_set(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    const wg_value v = kit_int(7);
    uint64_t version = 0;
    KIT_OK(wg_kv_cas(run, "k", 1, WG_VERSION_NONE, &v, &version, err));
    KIT_FAILS(WG_E_CONFLICT, wg_kv_cas(run, "k", 1, WG_VERSION_NONE, &v, NULL, err));
    kit_put(run, "k", 8);
    kit_put(run, "k", 7);
    wg_error seen = {0};
    assert_int_equal(wg_kv_cas(run, "k", 1, version, &v, NULL, &seen), WG_E_CONFLICT);
    assert_non_null(strstr(seen.message, "key k "));
    const uint64_t newest = kit_get(run, "k").version;
    KIT_OK(wg_kv_cas(run, "k", 1, newest, &v, &version, err));
    assert_true(kit_delete(run, "k"));
    KIT_FAILS(WG_E_CONFLICT, wg_kv_cas(run, "k", 1, version, &v, NULL, err));
    KIT_OK(wg_kv_cas(run, "k", 1, WG_VERSION_NONE, &v, &version, err));
    assert_true(version > newest);
    wg_run_close(run);
}

/* Goal: a key with a time to live is absent from its time on, for gets and scans, and can be made again. */
static void test_kv_time_to_live(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    const wg_value v = kit_int(1);
    const wg_kv_put_options soon = {.ttl_ms = 1};
    const wg_kv_put_options late = {.ttl_ms = 3600000};
    KIT_OK(wg_kv_put_with(run, "soon", 4, &v, &soon, NULL, err));
    KIT_OK(wg_kv_put_with(run, "late", 4, &v, &late, NULL, err));
    assert_true(kit_get(run, "late").expires_us > kit_get(run, "late").time_us);
    for (uint64_t i = 0; kit_get(run, "soon").found; i++)
        assert_true(i < UINT64_C(1) << 32); /* until the clock has moved on */
    wg_kv_cursor *cursor = NULL;
    wg_kv_row rows[4];
    uint32_t n = 0;
    KIT_OK(wg_kv_scan(run, NULL, &cursor, err));
    KIT_OK(wg_kv_cursor_next(cursor, rows, 4, &n, err));
    assert_int_equal(n, 1);
    assert_memory_equal(rows[0].key.data, "late", 4);
    wg_kv_cursor_close(cursor);
    KIT_FAILS(WG_E_VALUE, wg_kv_put_with(run, "x", 1, &v, &(wg_kv_put_options){.ttl_ms = UINT64_MAX}, NULL, err));
    kit_put(run, "soon", 2);
    kit_expect(run, "soon", 2);
    wg_run_close(run);
}

/* Goal: many keys are read at once with their absent ones, and a batch of writes happens whole or not at all. */
static void test_kv_many(void **state) {
    (void)state;
    enum { KEYS = 200 };
    wg_run *run = kit_run("a");
    static char names[KEYS][16];
    wg_kv_key keys[KEYS];
    wg_kv_write writes[KEYS];
    wg_kv_item items[KEYS];
    for (int i = 0; i < KEYS; i++) {
        snprintf(names[i], sizeof names[i], "k%d", i);
        keys[i] = (wg_kv_key){.data = names[i], .size = strlen(names[i])};
        writes[i] = (wg_kv_write){.op = WG_KV_PUT, .key = keys[i], .value = kit_int(i)};
    }
    uint64_t version = 0;
    KIT_OK(wg_kv_write_many(run, writes, KEYS / 2, &version, NULL, err));
    KIT_OK(wg_kv_get_many(run, keys, KEYS, items, err));
    for (int i = 0; i < KEYS; i++) {
        assert_int_equal(items[i].found, i < KEYS / 2);
        if (items[i].found) assert_int_equal(items[i].value.as.i, i);
        if (items[i].found) assert_int_equal(items[i].version, version);
    }
    for (int i = 0; i < KEYS; i++) writes[i].value = kit_int(-1);
    writes[150].options = (wg_kv_put_options){.has_expected = true, .expected = 99999};
    uint32_t failed = UINT32_MAX;
    const wg_code code = wg_kv_write_many(run, writes, KEYS, NULL, &failed, NULL);
    assert_int_equal(code, WG_E_CONFLICT);
    kit_expect(run, "k0", 0);
    kit_expect_none(run, "k199");
    writes[150].options.has_expected = false;
    writes[3].op = WG_KV_DELETE;
    KIT_OK(wg_kv_write_many(run, writes, KEYS, NULL, NULL, err));
    kit_expect_none(run, "k3");
    kit_expect(run, "k199", -1);
    wg_run_close(run);
}

static void fill(wg_run *run) {
    static const char *const keys[] = {"b/2", "a/1", "b/10", "c", "b/1", "a/2", "b"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) kit_put(run, keys[i], (int64_t)i);
}

static void expect_scan(wg_run *run, const wg_kv_scan_options *o, const char *expected) {
    char seen[256] = "";
    wg_kv_cursor *cursor = NULL;
    KIT_OK(wg_kv_scan(run, o, &cursor, err));
    for (uint32_t n = 1; n != 0;) {
        wg_kv_row rows[2];
        KIT_OK(wg_kv_cursor_next(cursor, rows, 2, &n, err));
        for (uint32_t i = 0; i < n; i++) {
            const size_t used = strlen(seen);
            snprintf(seen + used, sizeof seen - used, "%.*s ", (int)rows[i].key.size, (const char *)rows[i].key.data);
        }
    }
    wg_kv_cursor_close(cursor);
    assert_string_equal(seen, expected);
}

/* Goal: cursors of one handle that are open at once, behind one that was closed, each go over all keys. */
static void test_kv_cursors_at_once(void **state) {
    (void)state;
    wg_run *run = kit_run("scans");
    wg_kv_cursor *cursors[3];
    wg_kv_row rows[2];
    fill(run);
    expect_scan(run, NULL, "a/1 a/2 b b/1 b/10 b/2 c ");
    for (int i = 0; i < 3; i++) KIT_OK(wg_kv_scan(run, NULL, &cursors[i], err));
    for (uint32_t seen = 0, n = 0; seen < 7; seen += n) {
        for (int i = 0; i < 3; i++) {
            KIT_OK(wg_kv_cursor_next(cursors[i], rows, 2, &n, err));
            assert_int_equal(n, seen == 6 ? 1 : 2);
        }
    }
    for (int i = 0; i < 3; i++) wg_kv_cursor_close(cursors[i]);
    wg_run_close(run);
}

/* Goal: scans give the keys in the order of their bytes, from a place on, with a prefix, and backwards, also of an earlier state. */
static void test_kv_scans(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    fill(run);
    KIT_OK(wg_sync(kit_db, err));
    kit_query("CALL kv.scan('a', '') YIELD key RETURN count(*)"); /* brings everything into the log */
    const uint64_t before = wg_db_logseq(kit_db);
    kit_delete(run, "b/1");
    kit_put(run, "aa", 9);
    expect_scan(run, NULL, "a/1 a/2 aa b b/10 b/2 c ");
    expect_scan(run, &(wg_kv_scan_options){.prefix = "b/", .prefix_size = 2}, "b/10 b/2 ");
    expect_scan(run, &(wg_kv_scan_options){.reverse = true}, "c b/2 b/10 b aa a/2 a/1 ");
    expect_scan(run, &(wg_kv_scan_options){.from = "aa", .from_size = 2}, "aa b b/10 b/2 c ");
    expect_scan(run, &(wg_kv_scan_options){.from = "aa", .from_size = 2, .behind = true}, "b b/10 b/2 c ");
    expect_scan(run, &(wg_kv_scan_options){.from = "aa", .from_size = 2, .reverse = true}, "aa a/2 a/1 ");
    expect_scan(run, &(wg_kv_scan_options){.prefix = "b", .prefix_size = 1, .reverse = true}, "b/2 b/10 b ");
    expect_scan(run, &(wg_kv_scan_options){.keys_only = true, .reverse = true}, "c b/2 b/10 b aa a/2 a/1 ");
    expect_scan(run, &(wg_kv_scan_options){.at = before}, "a/1 a/2 b b/1 b/10 b/2 c ");
    expect_scan(run, &(wg_kv_scan_options){.prefix = "zzz", .prefix_size = 3}, "");
    wg_run_close(run);
}

typedef struct versions {
    int64_t values[8];
    uint64_t numbers[8];
    int count;
} versions;

static bool on_version(void *ctx, const wg_kv_item *item) {
    versions *v = ctx;
    v->values[v->count] = item->found ? item->value.as.i : -1;
    v->numbers[v->count++] = item->version;
    return v->count < 8;
}

/* Goal: the history of a key has every version and deletion, newest first, and each can be read at its place in the log. */
static void test_kv_history_and_time_travel(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    uint64_t places[4];
    for (int i = 0; i < 4; i++) {
        if (i == 2) kit_delete(run, "k");
        else kit_put(run, "k", i);
        (void)kit_number("CALL runs.list() YIELD name RETURN count(*)");
        places[i] = wg_db_logseq(kit_db);
    }
    versions v = {.count = 0};
    bool complete = false;
    KIT_OK(wg_kv_history(run, "k", 1, on_version, &v, &complete, err));
    assert_true(complete);
    assert_int_equal(v.count, 4);
    assert_int_equal(v.values[0], 3);
    assert_int_equal(v.values[1], -1);
    assert_int_equal(v.values[3], 0);
    assert_true(v.numbers[0] > v.numbers[1] && v.numbers[2] > v.numbers[3]);
    for (int i = 0; i < 4; i++) {
        wg_kv_item item;
        KIT_OK(wg_kv_get_at(run, "k", 1, places[i], &item, err));
        assert_int_equal(item.found, i != 2);
        if (item.found) assert_int_equal(item.value.as.i, i);
    }
    KIT_FAILS(WG_E_EXPIRED, wg_kv_get_at(run, "k", 1, wg_db_logseq(kit_db) + 100, &(wg_kv_item){0}, err));
    wg_run_close(run);
}

/* Goal: increments start at 0, refuse overflow and other types, and lose nothing. */
static void test_kv_increment(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    int64_t sum = 0;
    for (int i = 0; i < 10; i++) KIT_OK(wg_kv_increment(run, "n", 1, 2, &sum, err));
    assert_int_equal(sum, 20);
    kit_put(run, "max", INT64_MAX);
    KIT_FAILS(WG_E_VALUE, wg_kv_increment(run, "max", 3, 1, &sum, err));
    const wg_value text = kit_text("one");
    KIT_OK(wg_kv_put(run, "t", 1, &text, NULL, err));
    KIT_FAILS(WG_E_TYPE, wg_kv_increment(run, "t", 1, 1, &sum, err));
    kit_expect(run, "max", INT64_MAX);
    wg_run_close(run);
}

/* Goal: two runs never see each other's keys. */
static void test_kv_runs_are_apart(void **state) {
    (void)state;
    wg_run *a = kit_run("a");
    wg_run *b = kit_run("b");
    kit_put(a, "k", 1);
    kit_expect_none(b, "k");
    kit_put(b, "k", 2);
    kit_expect(a, "k", 1);
    kit_delete(a, "k");
    kit_expect(b, "k", 2);
    expect_scan(a, NULL, "");
    wg_run_close(a);
    wg_run_close(b);
}

/* Goal: everything is there again after closing and opening, versions go on, and an in-memory store comes back empty. */
static void test_kv_survives_reopening(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    fill(run);
    kit_delete(run, "c");
    const uint64_t version = kit_get(run, "b").version;
    const wg_value v = kit_int(5);
    KIT_OK(wg_kv_put_with(run, "ttl", 3, &v, &(wg_kv_put_options){.ttl_ms = 3600000}, NULL, err));
    const uint64_t expires = kit_get(run, "ttl").expires_us;
    wg_run_close(run);
    kit_close();
    kit_open();
    if (kit_mode == WG_IN_MEMORY) {
        KIT_FAILS(WG_E_NOT_FOUND, wg_run_open(kit_session, "a", &run, err));
        return;
    }
    KIT_OK(wg_run_open(kit_session, "a", &run, err));
    expect_scan(run, NULL, "a/1 a/2 b b/1 b/10 b/2 ttl ");
    assert_int_equal(kit_get(run, "b").version, version);
    assert_true(kit_get(run, "ttl").expires_us == expires);
    assert_true(kit_put(run, "c", 1) > version);
    wg_run_close(run);
}

/* Goal: an override asks for more than the mode, never for less, and a put that is durable says so by its ticket. */
static void test_kv_durability_overrides(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    const wg_value v = kit_int(1);
    const wg_code durable = wg_kv_put_durable(run, "k", 1, &v, NULL, NULL);
    assert_int_equal(durable, kit_mode == WG_IN_MEMORY ? WG_E_MISUSE : WG_OK);
    if (kit_mode == WG_IN_MEMORY) {
        wg_run_close(run);
        return;
    }
    assert_true(wg_ticket_is_durable(run, wg_run_ticket(run)));
    KIT_FAILS(WG_E_MISUSE, wg_run_set_durability(run, WG_IN_MEMORY, false, err));
    if (kit_mode == WG_STRICT) KIT_FAILS(WG_E_MISUSE, wg_run_set_durability(run, WG_BUFFERED, false, err));
    KIT_OK(wg_run_set_durability(run, WG_STRICT, true, err));
    for (int i = 0; i < 100; i++) kit_put(run, "k", i);
    const uint64_t ticket = wg_run_ticket(run);
    KIT_OK(wg_ticket_wait(run, ticket, err));
    assert_true(wg_ticket_is_durable(run, ticket));
    KIT_FAILS(WG_E_MISUSE, wg_ticket_wait(run, ticket + 1000, err));
    wg_run_close(run);
}

/* What a key must hold: its last values, newest last. */
enum { AGAIN_KEYS = 40, AGAIN_KEPT = 4, AGAIN_BYTES = 120 };
typedef struct again_key {
    char bytes[24];
    size_t size;
    uint32_t count; /* versions ever */
    struct {
        uint8_t bytes[AGAIN_BYTES];
        uint32_t size;
        uint64_t version;
        bool deleted, is_int;
    } last[AGAIN_KEPT];
} again_key;
typedef struct again_look {
    const again_key *key;
    uint32_t seen;
} again_look;

static bool again_check(void *ctx, const wg_kv_item *item) {
    again_look *look = ctx;
    const again_key *k = look->key;
    const uint32_t at = (k->count - 1 - look->seen) % AGAIN_KEPT;
    if (look->seen++ >= k->count || look->seen > AGAIN_KEPT) return false;
    assert_int_equal(item->version, k->last[at].version);
    assert_int_equal(item->found, !k->last[at].deleted);
    if (!item->found) return true;
    assert_int_equal(item->value.type, k->last[at].is_int ? WG_TYPE_INT : WG_TYPE_BYTES);
    if (k->last[at].is_int) return true;
    assert_int_equal(item->value.size, k->last[at].size);
    assert_memory_equal(item->value.as.s, k->last[at].bytes, k->last[at].size);
    return true;
}

static void again_change(wg_run *run, again_key *k, uint64_t random) {
    const uint32_t at = k->count % AGAIN_KEPT, kind = (uint32_t)(random >> 8) % 16;
    static const uint32_t sizes[] = {100, 100, 100, 64, 16, 7, 0, 104};
    k->last[at].size = sizes[(random >> 16) % 8];
    k->last[at].deleted = k->last[at].is_int = false;
    memset(k->last[at].bytes, (int)(random >> 24), sizeof k->last[at].bytes);
    if (kind == 0 && k->count != 0 && !k->last[(k->count - 1) % AGAIN_KEPT].deleted) {
        wg_commit_info info;
        KIT_OK(wg_run_begin(run, NULL, err));
        KIT_OK(wg_kv_delete(run, k->bytes, k->size, NULL, err));
        KIT_OK(wg_run_commit(run, &info, err));
        k->last[at].version = info.version;
        k->last[at].deleted = true;
    } else if (kind == 1) {
        const wg_value v = kit_int(5);
        KIT_OK(wg_kv_put(run, k->bytes, k->size, &v, &k->last[at].version, err));
        k->last[at].is_int = true;
    } else {
        KIT_OK(
            wg_kv_put_bytes(run, k->bytes, k->size, k->last[at].bytes, k->last[at].size, &k->last[at].version, err));
    }
    k->count++;
}

/* Goal: bytes that are put again and again under keys and in values of all sizes, between deletions, other types and another run's puts, have the
 * history that a model of them has, each version with its own value, in every mode. */
static void test_kv_bytes_put_again(void **state) {
    (void)state;
    static again_key keys[2][AGAIN_KEYS];
    memset(keys, 0, sizeof keys);
    wg_run *runs[2] = {kit_run("a"), kit_run("b")};
    uint64_t random = wg_test_seed(71) | 1;
    for (uint32_t i = 0; i < AGAIN_KEYS * 2; i++) {
        again_key *k = &keys[i % 2][i / 2];
        k->size = 1 + i / 2 % 20;
        memset(k->bytes, (int)('A' + i / 2), sizeof k->bytes);
    }
    const uint32_t steps = kit_mode == WG_STRICT ? 200 : 6000;
    for (uint32_t i = 0; i < steps; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const uint32_t of = (random >> 40) % 8 == 0, n = (uint32_t)(random >> 44) % AGAIN_KEYS;
        again_change(runs[of], &keys[of][n], random);
        if (i % 16 != 0) continue;
        again_look look = {.key = &keys[of][n]};
        bool complete;
        KIT_OK(wg_kv_history(runs[of], look.key->bytes, look.key->size, again_check, &look, &complete, err));
        if (kit_mode != WG_IN_MEMORY) /* without a log a deletion goes, and what is older with it */
            assert_true(look.seen >= (look.key->count < AGAIN_KEPT ? look.key->count : AGAIN_KEPT));
        assert_true(look.seen != 0 || look.key->last[(look.key->count - 1) % AGAIN_KEPT].deleted);
    }
    KIT_FAILS(WG_E_VALUE, wg_kv_put_bytes(runs[0], "\0wg.sys\0x", 9, keys[0][0].bytes, 20, NULL, err));
    KIT_FAILS(WG_E_VALUE, wg_kv_put_bytes(runs[0], NULL, 9, keys[0][0].bytes, 20, NULL, err));
    wg_run_close(runs[1]);
    wg_run_close(runs[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_kv_put_get_delete),
        KIT_TEST(test_kv_all_types),
        KIT_TEST(test_kv_sizes),
        KIT_TEST(test_kv_compare_and_set),
        KIT_TEST(test_kv_time_to_live),
        KIT_TEST(test_kv_many),
        KIT_TEST(test_kv_scans),
        KIT_TEST(test_kv_history_and_time_travel),
        KIT_TEST(test_kv_increment),
        KIT_TEST(test_kv_cursors_at_once),
        KIT_TEST(test_kv_runs_are_apart),
        KIT_TEST(test_kv_survives_reopening),
        KIT_TEST(test_kv_durability_overrides),
        KIT_TEST(test_kv_bytes_put_again),
    };
    return KIT_RUN_MODES(tests);
}
