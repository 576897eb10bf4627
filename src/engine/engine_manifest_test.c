/* Manifests that are whole and wrong: each field missing, of another type or out of range, each count off by one. An open refuses them by
 * name, or reads the same state when the field is one that nothing rests on. */
#include "engine/test_workspace.h"
#include "io/object_cache/parquet_kit.h"

/* Opens a copy whose manifest is `text`; checks the answer. Returns the code. */
static wg_code open_with(wg_buf *text, uint64_t epoch, wg_platform *p, const char *what) {
    const wg_engine_options o = ws_options(p);
    wg_engine *e = NULL;
    wg_error seen = {0};
    ws_manifest_put(p, epoch, text);
    const wg_code code = wg_engine_open("/ws", &o, &e, &seen);
    if (code == WG_OK) {
        ws_expect_same(e);
        MODEL_OK(wg_engine_close(e, err));
    } else {
        assert_null(e);
        const bool typed = code == WG_E_CORRUPT || code == WG_E_VERSION;
        if (!typed || seen.code != code || seen.message[0] == '\0')
            fail_msg("%s: %s: %s", what, wg_code_name(code), seen.message);
    }
    return code;
}

/* One edit of a copy. */
static wg_code edited(const char *from, uint32_t which, const char *to) {
    wg_platform *p = ws_copy();
    wg_buf text = {0};
    uint64_t epoch = 0;
    ws_manifest_text(p, &epoch, &text);
    if (!ws_replace(&text, from, which, to)) fail_msg("'%s' is not in %s", from, (const char *)text.data);
    const wg_code code = open_with(&text, epoch, p, to);
    wg_buf_deinit(&text);
    wg_platform_sim_destroy(p);
    return code;
}

static bool has(const char *part, uint32_t which) {
    wg_buf text = {0};
    uint64_t epoch = 0;
    ws_manifest_text(ws_disk, &epoch, &text);
    const bool found = ws_replace(&text, part, which, "");
    wg_buf_deinit(&text);
    return found;
}

/* The value behind occurrence `which` of a key becomes `to`. */
static wg_code with_value(const char *key, uint32_t which, const char *to) {
    wg_platform *p = ws_copy();
    wg_buf text = {0};
    uint64_t epoch = 0;
    ws_manifest_text(p, &epoch, &text);
    const char *begin = (const char *)text.data;
    const char *at = strstr(begin, key);
    for (; which > 0; which--) at = strstr(at + 1, key);
    at += strlen(key);
    size_t size = 0; /* to the end of the number, string, list or map */
    uint32_t depth = 0;
    for (bool inside = false; at[size] != '\0'; size++) {
        if (at[size] == '"') inside = !inside;
        if (inside) continue;
        if (at[size] == '{' || at[size] == '[') depth++;
        if (depth == 0 && (at[size] == ',' || at[size] == '}' || at[size] == ']')) break;
        if (at[size] == '}' || at[size] == ']') depth--;
    }
    ws_splice(&text, (size_t)(at - begin), size, to);
    const wg_code code = open_with(&text, epoch, p, to);
    wg_buf_deinit(&text);
    wg_platform_sim_destroy(p);
    return code;
}

/* Goal: any field that is missing, of another type, negative or larger than anything can be is refused, unless nothing rests on it. */
static void test_manifest_each_field_is_checked(void **state) {
    (void)state;
    static const char *const keys[] = {
        "\"checkpoint\":",  "\"chain\":",      "\"horizon\":", "\"logseq\":", "\"next_stripe\":",
        "\"wal_segment\":", "\"counts\":",     "\"edges\":",   "\"keys\":",   "\"labels\":",
        "\"nodes\":",       "\"partitions\":", "\"tables\":",  "\"format\":", "\"store\":",
        "\"stripes\":",     "\"bytes\":",      "\"id\":",      "\"level\":",  "\"catalog_pieces\":"};
    static const char *const values[] = {"-1", "\"x\"", "null", "[]", "[7]", "{}", "18446744073709551615", "0.5"};
    uint32_t refused = 0;
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        for (uint32_t which = 0; which < 3 && has(keys[k], which); which++) {
            char renamed[32];
            snprintf(renamed, sizeof renamed, "\"_%s", keys[k] + 1);
            refused += edited(keys[k], which, renamed) != WG_OK;
            for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
                const wg_code code = with_value(keys[k], which, values[v]);
                refused += code != WG_OK;
                /* An empty list of stripes is a list: that its definitions are missing is found later. */
                if (code == WG_OK) fail_msg("%s %s is taken", keys[k], values[v]);
            }
        }
    assert_true(refused > 150);
}

static void body_key(world *w, wg_txn *txn) {
    uint32_t key = 0;
    (void)w;
    MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("one more"), &key, err));
}

static void body_drop_kept(world *w, wg_txn *txn) {
    (void)w;
    MODEL_OK(wg_txn_drop_label(txn, wg_slice_str("Kept"), false, false, err));
}

static void leave_out_piece(void *ctx, ws_fragment *f, wg_arena *arena) {
    const uint64_t *slot = ctx;
    (void)arena;
    f->leave_out = f->leave_out || (f->head.key.kind == WG_KIND_CATALOG && f->head.key.slot == *slot);
}

/* Goal: the last piece of definitions cannot go missing unseen, though it has a DROP alone, which no other count shows. */
static void test_manifest_misses_the_last_piece_of_definitions(void **state) {
    (void)state;
    wg_platform *p = ws_copy();
    world w = {.engine = ws_open(p)};
    MODEL_OK(wg_engine_checkpoint(w.engine, NULL, err));
    ws_commit(&w, body_drop_kept);
    MODEL_OK(wg_engine_checkpoint(w.engine, NULL, err));
    uint64_t last = w.engine->maintenance.catalog_pieces - 1;
    assert_true(last > 0);
    MODEL_OK(wg_engine_close(w.engine, err));
    ws_rewrite(p, leave_out_piece, &last);
    const wg_engine_options o = ws_options(p);
    wg_engine *e = NULL;
    wg_error seen = {0};
    assert_int_equal(wg_engine_open("/ws", &o, &e, &seen), WG_E_CORRUPT);
    assert_non_null(strstr(seen.message, "definitions that manifest"));
    wg_platform_sim_destroy(p);
}

static double catalog_pieces_metric;

static bool note_pieces(void *ctx, const wg_metric *m) {
    if (strcmp(m->name, "stripe_catalog_pieces") == 0) *(double *)ctx = m->value;
    return true;
}

/* Goal: a manifest that does not count the pieces of definitions, as earlier releases wrote it, opens; it says that it does not know how many
 * there are until the next checkpoint, from which on they are counted. */
static void test_manifest_of_an_earlier_release_learns_to_count_pieces(void **state) {
    (void)state;
    wg_platform *p = ws_copy();
    wg_buf text = {0};
    wgi_manifest m = {0};
    uint64_t epoch = 0;
    char count[48];
    MODEL_OK(wgi_manifest_read(p, "/ws", &m, err));
    const uint64_t pieces = m.checkpoint.counts.catalog_pieces;
    assert_true(pieces > 0 && pieces != WGI_PIECES_UNKNOWN);
    wg_buf_deinit(&m.stripes);
    snprintf(count, sizeof count, "\"catalog_pieces\":%llu,", (unsigned long long)pieces);
    ws_manifest_text(p, &epoch, &text);
    assert_true(ws_replace(&text, count, 0, ""));
    ws_manifest_put(p, epoch, &text);
    wg_engine *e = ws_open(p);
    ws_expect_same(e);
    assert_true(e->maintenance.manifest.checkpoint.counts.catalog_pieces == WGI_PIECES_UNKNOWN);
    MODEL_OK(wg_engine_metrics(e, note_pieces, &catalog_pieces_metric, err));
    assert_true(catalog_pieces_metric == 0);
    MODEL_OK(wg_engine_expire(e, 3, err)); /* writes a manifest, with the number left out */
    text.size = 0;
    ws_manifest_text(p, &epoch, &text);
    assert_null(strstr((const char *)text.data, "catalog_pieces"));
    world w = {.engine = e};
    ws_commit(&w, body_key);
    MODEL_OK(wg_engine_checkpoint(e, NULL, err));
    MODEL_OK(wg_engine_metrics(e, note_pieces, &catalog_pieces_metric, err));
    assert_true(catalog_pieces_metric == (double)(pieces + 1));
    MODEL_OK(wg_engine_close(e, err));
    MODEL_OK(wgi_manifest_read(p, "/ws", &m, err));
    assert_int_equal(m.checkpoint.counts.catalog_pieces, pieces + 1);
    wg_buf_deinit(&m.stripes);
    wg_buf_deinit(&text);
    wg_platform_sim_destroy(p);
}

/* Goal: hexadecimal digits are those, in lower case, and as many as there must be. */
static void test_manifest_hex_is_hex(void **state) {
    (void)state;
    static const char odd[] = "/:`gAF G";
    for (size_t i = 0; i < sizeof odd - 1; i++)
        for (uint32_t place = 0; place < 2; place++) {
            wg_platform *p = ws_copy();
            wg_buf text = {0};
            uint64_t epoch = 0;
            ws_manifest_text(p, &epoch, &text);
            char *at = strstr((char *)text.data, i % 2 == 0 ? "\"chain\":\"" : "\"store\":\"");
            at[9 + place] = odd[i];
            assert_int_equal(open_with(&text, epoch, p, odd + i), WG_E_CORRUPT);
            wg_buf_deinit(&text);
            wg_platform_sim_destroy(p);
        }
    assert_int_equal(with_value("\"store\":", 0, "\"00\""), WG_E_CORRUPT);
}

/* Goal: a count that is off by one, a list of stripes out of order, a level that there is not, an id that was never given out, another
 * epoch, a format of the future and a text that is no manifest are each refused by name. */
static void test_manifest_wrong_by_one(void **state) {
    (void)state;
    wgi_manifest m = {0};
    char number[32];
    MODEL_OK(wgi_manifest_read(ws_disk, "/ws", &m, err));
    const wgi_counts *n = &m.checkpoint.counts;
    const struct {
        const char *key;
        uint64_t value;
    } off[] = {{"\"keys\":", n->keys + 1},
               {"\"labels\":", n->labels + 1},
               {"\"partitions\":", n->partitions + 1},
               {"\"tables\":", n->tables - 1},
               {"\"catalog_pieces\":", n->catalog_pieces + 1},
               {"\"catalog_pieces\":", n->catalog_pieces - 1},
               {"\"nodes\":", 0},
               {"\"edges\":", 0},
               {"\"keys\":", n->keys - 1},
               {"\"next_stripe\":", 1},
               {"\"wal_segment\":", m.checkpoint.wal_segment + 90},
               {"\"level\":", WG_LEVELS},
               {"\"logseq\":", m.checkpoint.logseq + 1}};
    for (size_t i = 0; i < sizeof off / sizeof off[0]; i++) {
        snprintf(number, sizeof number, "%llu", (unsigned long long)off[i].value);
        assert_int_equal(with_value(off[i].key, 0, number), WG_E_CORRUPT);
    }
    assert_true(wgi_manifest_stripe_count(&m) >= 2);
    snprintf(number, sizeof number, "%llu", (unsigned long long)wgi_manifest_stripe(&m, 0).id);
    assert_int_equal(with_value("\"id\":", 1, number), WG_E_CORRUPT);
    assert_int_equal(edited("\"epoch\":", 0, "\"epoch\":9"), WG_E_CORRUPT);
    assert_int_equal(with_value("\"format\":", 0, "3"), WG_E_VERSION);
    assert_int_equal(with_value("\"format\":", 0, "0"), WG_E_VERSION);
    static const char *const texts[] = {"", "[]", "7", "{}", "{\"format\":2}", "{\"format\":2,\"epoch\":99}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        wg_platform *p = ws_copy();
        wg_buf text = {0};
        uint64_t epoch = 0;
        ws_manifest_text(p, &epoch, &text);
        text.size = 0;
        assert_true(wg_buf_append_str(&text, texts[i]) && wg_buf_append_u8(&text, 0));
        text.size--;
        assert_true(open_with(&text, epoch, p, texts[i]) != WG_OK);
        wg_buf_deinit(&text);
        wg_platform_sim_destroy(p);
    }
    wg_buf_deinit(&m.stripes);
}

/* Partitions of virtual labels are definitions too: whichever allocation of the checkpoint that stores them fails, it is made up for, and
 * they are there when the stripes alone say so. */
static void stored_with_partitions(wg_platform *disk) {
    bool met = true;
    for (uint64_t n = 1; met; n += 1 + n / 60) {
        wg_platform *p = NULL;
        MODEL_OK(wg_platform_sim_reboot(disk, WG_CRASH_ALL_SURVIVES, 1, &p, err));
        wg_engine *e = ws_open(p);
        const uint32_t partitions = wg_catalog_partition_count(e->catalog);
        const uint64_t allocations = wg_memory_calls();
        wg_memory_fail_at(n, false);
        const wg_code code = wg_engine_checkpoint(e, NULL, NULL);
        met = wg_memory_calls() - allocations >= n;
        wg_memory_fail_at(0, false);
        assert_true(code == WG_OK || code == WG_E_NOMEM);
        if (code != WG_OK) MODEL_OK(wg_engine_checkpoint(e, NULL, err));
        MODEL_OK(wg_engine_close(e, err));
        e = ws_open(p);
        assert_true(partitions >= 3);
        assert_int_equal(wg_catalog_partition_count(e->catalog), partitions);
        assert_int_equal(e->maintenance.manifest.checkpoint.counts.partitions, partitions);
        MODEL_OK(wg_engine_close(e, err));
        wg_platform_sim_destroy(p);
    }
}

/* Goal: a manifest that finds no room for any of its bytes is not written in part: printing says so. */
static void test_manifest_prints_all_or_says_so(void **state) {
    (void)state;
    wg_platform *p = ws_copy();
    wg_engine *e = ws_open(p);
    wg_buf whole = {0};
    wg_buf parquet = {0};
    wg_file *file = NULL;
    static const char *const names[] = {"File", "Second", "Gone"};
    wg_txn *txn = NULL;
    MODEL_OK(p->ops->make_directory(p, "/data", err));
    kit_encode(&(kit_file){.rows = 5}, &parquet);
    MODEL_OK(p->ops->open(p, "/data/monday.parquet", WG_OPEN_CREATE_NEW, &file, err));
    MODEL_OK(p->ops->write_at(p, file, 0, parquet.data, parquet.size, err));
    p->ops->close(p, file);
    wg_buf_deinit(&parquet);
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    for (size_t i = 0; i < 3; i++) {
        const wg_label_def label = {.name = names[i], .kind = WG_LABEL_VIRTUAL, .pattern = "/data/{day}.parquet"};
        MODEL_OK(wg_txn_create_label(txn, &label, false, err));
    }
    MODEL_OK(wg_txn_commit(txn, NULL, err));
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_drop_label(txn, wg_slice_str("Gone"), false, false, err));
    MODEL_OK(wg_txn_commit(txn, NULL, err));
    assert_true(wgi_manifest_print(&whole, &e->maintenance.manifest, e));
    assert_true(wg_buf_append_u8(&whole, 0));
    whole.size--;
    assert_non_null(strstr((const char *)whole.data, "\"Second\""));
    assert_null(strstr((const char *)whole.data, "\"Gone\""));
    uint32_t refused = 0;
    for (size_t room = 0; room <= whole.size + 2; room++) {
        wg_buf out = {0};
        assert_true(wg_buf_reserve(&out, 8 * whole.size));
        out.capacity = room; /* what it asks for beyond is a new, smaller block: asked for, and refused */
        wg_memory_fail_at(1, true);
        const bool ok = wgi_manifest_print(&out, &e->maintenance.manifest, e);
        wg_memory_fail_at(0, false);
        assert_true(ok || room <= whole.size);
        if (ok) assert_true(wg_slice_equal(wg_buf_slice(&out), wg_buf_slice(&whole)));
        refused += !ok;
        wg_buf_deinit(&out);
    }
    assert_true(refused >= whole.size);
    wg_buf_deinit(&whole);
    MODEL_OK(wg_engine_close(e, err));
    stored_with_partitions(p);
    wg_platform_sim_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest_each_field_is_checked),
        cmocka_unit_test(test_manifest_misses_the_last_piece_of_definitions),
        cmocka_unit_test(test_manifest_of_an_earlier_release_learns_to_count_pieces),
        cmocka_unit_test(test_manifest_hex_is_hex),
        cmocka_unit_test(test_manifest_wrong_by_one),
        cmocka_unit_test(test_manifest_prints_all_or_says_so),
    };
    ws_make();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ws_free();
    return failed;
}
