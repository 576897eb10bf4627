/* Receipts by themselves: one spelling, every bit covered, the old format read, rows cut and hashed, the tree and its paths. */
#include "format/receipt/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

typedef struct kit {
    wg_arena arena;
    wg_buf text;
    wg_error err;
    char place[WG_RECEIPT_PLACE_SIZE];
} kit;

static void kit_open(kit *k) {
    *k = (kit){0};
    wg_arena_init(&k->arena, NULL);
    wg_buf_init(&k->text, NULL);
}

static void kit_close(kit *k) {
    wg_arena_deinit(&k->arena);
    wg_buf_deinit(&k->text);
}

/* A receipt with everything that one may have. */
static wg_receipt full_receipt(kit *k) {
    wg_receipt r = {
        .format = 2, .semantics = 1, .snapshot = 7, .row_count = 5000, .optimizer = true, .has_merkle = true};
    memset(r.store, 0xab, sizeof r.store);
    wg_sha256 *chunks = wg_arena_alloc_zero(&k->arena, 2 * sizeof *chunks);
    wg_receipt_param *params = wg_arena_alloc_zero(&k->arena, 2 * sizeof *params);
    chunks[1].bytes[3] = 9;
    params[0] = (wg_receipt_param){.name = wg_slice_str("least"), .value = wg_slice_of("\x02\x0a", 2)};
    params[1] = (wg_receipt_param){.name = wg_slice_str("na\"me"), .value = wg_slice_of("\x04\x02hi", 4)};
    wg_buf all;
    wg_buf_init(&all, NULL);
    assert_true(wg_buf_append_varint(&all, 2));
    for (int i = 0; i < 2; i++) {
        wg_sha256_of(&params[i].value, 1, &params[i].hash);
        assert_true(wg_buf_append_varint(&all, params[i].name.size));
        assert_true(wg_buf_append(&all, params[i].name.data, params[i].name.size));
        assert_true(wg_buf_append(&all, params[i].value.data, params[i].value.size));
    }
    const wg_slice part = wg_buf_slice(&all);
    wg_sha256_of(&part, 1, &r.parameter_hash);
    wg_buf_deinit(&all);
    r.statement = wg_slice_str("RETURN $least + '\xc3\xa9' // \"\\");
    wg_sha256_of(&r.statement, 1, &r.statement_hash);
    assert_int_equal(wg_receipt_tree_root(chunks, 2, &r.merkle_root, NULL), WG_OK);
    r.params = params;
    r.param_count = 2;
    r.carries_params = true;
    r.chunks = chunks;
    r.chunk_count = 2;
    return r;
}

static void sign(kit *k, wg_receipt *r) {
    wg_receipt_signature *s = wg_arena_alloc_zero(&k->arena, sizeof *s);
    wg_sign_secret secret;
    wg_buf message;
    wg_buf_init(&message, NULL);
    memset(secret.bytes, 5, sizeof secret.bytes);
    *s = (wg_receipt_signature){.build = wg_slice_str("0.1.0"),
                                .isa = wg_slice_str("avx2"),
                                .threads = 3,
                                .shards = 7,
                                .started_us = 12,
                                .completed_us = 34};
    assert_int_equal(wg_sign_public_of(&secret, &s->executor, NULL), WG_OK);
    assert_int_equal(wg_receipt_signed_bytes(r, s, &message, NULL), WG_OK);
    assert_int_equal(wg_sign(&secret, wg_buf_slice(&message), &s->signature, NULL), WG_OK);
    wg_buf_deinit(&message);
    r->signatures = s;
    r->signature_count = 1;
}

/* Goal: a receipt with every part is read as it was printed, line feed or not; no flipped bit of it is taken. */
static void test_every_bit_of_a_receipt_is_covered(void **state) {
    (void)state;
    kit k;
    wg_receipt again;
    kit_open(&k);
    wg_receipt r = full_receipt(&k);
    sign(&k, &r);
    assert_int_equal(wg_receipt_print(&r, &k.text, NULL), WG_OK);
    assert_int_equal(wg_receipt_read(wg_buf_slice(&k.text), &k.arena, &again, k.place, &k.err), WG_OK);
    assert_int_equal(again.row_count, 5000);
    assert_true(wg_slice_equal(again.statement, r.statement));
    assert_int_equal(again.signature_count, 1);
    assert_true(wg_buf_append_u8(&k.text, '\n'));
    assert_int_equal(wg_receipt_read(wg_buf_slice(&k.text), &k.arena, &again, k.place, NULL), WG_OK);
    for (size_t bit = 0; bit < k.text.size * 8; bit++) {
        wg_arena arena;
        wg_arena_init(&arena, NULL);
        k.text.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const wg_code code = wg_receipt_read(wg_buf_slice(&k.text), &arena, &again, k.place, NULL);
        if (code != WG_E_CORRUPT && code != WG_E_VERSION) fail_msg("bit %zu was not noticed: %d", bit, (int)code);
        if (code == WG_E_CORRUPT) assert_int_not_equal(k.place[0], 0);
        k.text.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        wg_arena_deinit(&arena);
    }
    kit_close(&k);
}

static void expect_place(kit *k, const wg_receipt *r, const char *from, const char *to, const char *place) {
    wg_receipt again;
    k->text.size = 0;
    assert_int_equal(wg_receipt_print(r, &k->text, NULL), WG_OK);
    uint8_t *at = memmem(k->text.data, k->text.size, from, strlen(from));
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    assert_int_equal(wg_receipt_read(wg_buf_slice(&k->text), &k->arena, &again, k->place, NULL), WG_E_CORRUPT);
    assert_string_equal(k->place, place);
}

/* Goal: the part that was changed is the one that is named. */
static void test_the_changed_part_is_named(void **state) {
    (void)state;
    kit k;
    kit_open(&k);
    wg_receipt r = full_receipt(&k);
    sign(&k, &r);
    expect_place(&k, &r, "\"020a\"", "\"020c\"", "parameter least");
    expect_place(&k, &r, "04026869", "04026868", "parameter na\"me");
    expect_place(&k, &r, "RETURN", "return", "statement");
    expect_place(&k, &r, "\"row_count\":5000", "\"row_count\":5001", "core_id");
    expect_place(&k, &r, "\"snapshot\":7", "\"snapshot\":8", "core_id");
    expect_place(&k, &r, "\"threads\":3", "\"threads\":4", "signature 0");
    expect_place(&k, &r, "[\"0000", "[\"0001", "chunks");
    expect_place(&k, &r, ",\"chain\"", " \"chain\"", "receipt");
    kit_close(&k);
}

/* Goal: wherever memory ends in the text of a receipt, printing says so and the same receipt is printed afterwards; so is what is signed, and
 * reading needs no more than it gets. */
static void test_receipts_without_memory(void **state) {
    (void)state;
    kit k;
    kit_open(&k);
    wg_receipt r = full_receipt(&k);
    sign(&k, &r);
    assert_int_equal(wg_receipt_print(&r, &k.text, NULL), WG_OK);
    wg_account account; /* of the text alone, and it is full */
    wg_account_init(&account, NULL, 0);
    wg_buf out;
    wg_buf_init(&out, &account);
    assert_true(wg_buf_reserve(&out, k.text.size + 64));
    account.bytes_max = wg_account_bytes(&account);
    for (size_t room = 0; room < k.text.size; room++) {
        out.size = out.capacity - room;
        assert_int_equal(wg_receipt_print(&r, &out, NULL), WG_E_NOMEM);
        out.size = out.capacity - room;
        const wg_code code = wg_receipt_signed_bytes(&r, &r.signatures[0], &out, NULL);
        assert_true(code == WG_E_NOMEM || (code == WG_OK && room > 100));
    }
    for (uint64_t n = 1; n < 9; n++) { /* in what the id is made from */
        wg_sha256 id;
        wg_memory_fail_at(n, false);
        const wg_code code = wg_receipt_core_id(&r, &id, NULL);
        wg_memory_fail_at(0, false);
        assert_true(code == WG_E_NOMEM || n > 1);
    }
    wg_buf_deinit(&out);
    for (uint64_t n = 1;; n++) {
        wg_receipt again;
        wg_arena arena;
        wg_arena_init(&arena, NULL);
        arena.block_bytes = 64;
        wg_memory_fail_at(n, n % 2 == 0);
        const wg_code code = wg_receipt_read(wg_buf_slice(&k.text), &arena, &again, k.place, NULL);
        wg_memory_fail_at(0, false);
        wg_arena_deinit(&arena);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
    }
    kit_close(&k);
}

/* Goal: a receipt of format 1, put together from docs/receipt.md by another program, is still read. */
static void test_format_1_is_still_read(void **state) {
    (void)state;
    static const char text[] =
        "{\"chain\":\"1111111111111111111111111111111111111111111111111111111111111111\","
        "\"core_id\":\"2d9271a3ae6d5c73cb3bbb07154a1c1b6a1b3b5f654e6a064e20ff0149762a9a\",\"format\":1,"
        "\"parameter_hash\":\"2222222222222222222222222222222222222222222222222222222222222222\","
        "\"plan_hash\":\"3333333333333333333333333333333333333333333333333333333333333333\","
        "\"result_hash\":\"4444444444444444444444444444444444444444444444444444444444444444\","
        "\"row_count\":3,\"semantics\":1,\"snapshot\":7,\"store\":\"abababababababababababababababab\"}";
    kit k;
    wg_receipt r;
    kit_open(&k);
    assert_int_equal(wg_receipt_read(wg_slice_str(text), &k.arena, &r, k.place, &k.err), WG_OK);
    assert_int_equal(r.format, 1);
    assert_int_equal(r.snapshot, 7);
    assert_int_equal(wg_receipt_print(&r, &k.text, NULL), WG_OK);
    assert_int_equal(k.text.size, sizeof text - 1);
    assert_memory_equal(k.text.data, text, sizeof text - 1);
    kit_close(&k);
}

/* Goal: hostile texts are refused by name. */
static void test_foreign_texts_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "", "[]", "{}", "null", "{\"format\":0}", "{\"format\":1}", "{\"format\":\"2\"}", "{\"format\":-1}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        kit k;
        wg_receipt r;
        kit_open(&k);
        assert_int_equal(wg_receipt_read(wg_slice_str(texts[i]), &k.arena, &r, k.place, NULL), WG_E_CORRUPT);
        assert_int_not_equal(k.place[0], 0);
        kit_close(&k);
    }
    kit k;
    wg_receipt r;
    kit_open(&k);
    assert_int_equal(wg_receipt_read(wg_slice_str("{\"format\":3}"), &k.arena, &r, k.place, NULL), WG_E_VERSION);
    kit_close(&k);
}

/* The tree by its definition in RFC 9162. */
static wg_sha256 tree_by_definition(const wg_sha256 *leaves, size_t n) {
    static const uint8_t one = 1;
    wg_sha256 out;
    if (n == 0) {
        wg_sha256_of(NULL, 0, &out);
        return out;
    }
    if (n == 1) return leaves[0];
    size_t k = 1;
    while (k * 2 < n) k *= 2;
    const wg_sha256 left = tree_by_definition(leaves, k);
    const wg_sha256 right = tree_by_definition(leaves + k, n - k);
    const wg_slice parts[] = {wg_slice_of(&one, 1), wg_slice_of(left.bytes, 32), wg_slice_of(right.bytes, 32)};
    wg_sha256_of(parts, 3, &out);
    return out;
}

/* Goal: roots are those of the definition, every path holds for its row alone, for every count up to 70. */
static void test_paths_lead_to_the_root(void **state) {
    (void)state;
    enum { COUNT = 70 };
    wg_sha256 leaves[COUNT], path[WG_RECEIPT_PATH_MAX], root;
    uint32_t n = 0;
    for (size_t i = 0; i < COUNT; i++) wg_receipt_leaf(wg_slice_of(&i, sizeof i), &leaves[i]);
    for (size_t count = 0; count <= COUNT; count++) {
        assert_int_equal(wg_receipt_tree_root(leaves, count, &root, NULL), WG_OK);
        const wg_sha256 wanted = tree_by_definition(leaves, count);
        assert_memory_equal(&root, &wanted, sizeof root);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(wg_receipt_tree_path(leaves, count, i, path, &n, NULL), WG_OK);
            assert_true(wg_receipt_path_holds(&leaves[i], i, count, path, n, &root));
            assert_false(wg_receipt_path_holds(&leaves[(i + 1) % COUNT], i, count, path, n, &root));
            if (count > 1) assert_false(wg_receipt_path_holds(&leaves[i], (i + 1) % count, count, path, n, &root));
            if (n > 0) assert_false(wg_receipt_path_holds(&leaves[i], i, count, path, n - 1, &root));
        }
    }
}

/* Goal: hashing rows as they come gives SHA-256 of the lines, the tree's root over all rows, and a digest a chunk. */
static void test_rows_have_one_root_by_rows_and_by_chunks(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 4095, 4096, 4097, 9000};
    for (size_t c = 0; c < 6; c++) {
        wg_sha256 *leaves = wg_alloc_zero(NULL, (counts[c] + 1) * sizeof *leaves);
        wg_receipt_rows rows;
        wg_sha256_state *lines = wg_sha256_begin();
        assert_non_null(leaves);
        assert_int_equal(wg_receipt_rows_begin(&rows, true, NULL), WG_OK);
        assert_int_equal(wg_receipt_rows_header(&rows, wg_slice_str("{}"), NULL), WG_OK);
        wg_sha256_add(lines, "{}\n", 3);
        for (size_t i = 0; i < counts[c]; i++) {
            char text[32];
            const int size = snprintf(text, sizeof text, "[%zu]", i);
            const wg_slice row = wg_slice_of(text, (size_t)size);
            assert_int_equal(wg_receipt_rows_add(&rows, row, NULL), WG_OK);
            wg_receipt_leaf(row, &leaves[i]);
            wg_sha256_add(lines, text, (size_t)size);
            wg_sha256_add(lines, "\n", 1);
        }
        wg_sha256 hash, root, wanted;
        wg_sha256_end(lines, &wanted);
        assert_int_equal(wg_receipt_rows_end(&rows, &hash, &root, NULL), WG_OK);
        assert_memory_equal(&hash, &wanted, sizeof hash);
        wanted = tree_by_definition(leaves, counts[c]);
        assert_memory_equal(&root, &wanted, sizeof root);
        assert_int_equal(rows.chunks.size / 32, (counts[c] + 4095) / 4096);
        wg_receipt_rows_deinit(&rows);
        wg_free(leaves);
    }
}

/* Goal: an answer is cut at the right places whatever its strings hold, and no flipped bit gives the same pieces. */
static void test_rows_are_cut_whatever_they_hold(void **state) {
    (void)state;
    uint8_t text[] =
        "{\"columns\":[\"a]\\\"\"],\"types\":[\"ANY\"],\"rows\":[[\"},{[\\\\\"],[[1,{\"b\":\"]\"}]],[]]}\n";
    const wg_slice all = wg_slice_of(text, sizeof text - 1);
    static const char *const wanted[] = {"{\"columns\":[\"a]\\\"\"],\"types\":[\"ANY\"]}", "[\"},{[\\\\\"]",
                                         "[[1,{\"b\":\"]\"}]]", "[]"};
    for (size_t bit = 0; bit <= all.size * 8; bit++) {
        const bool whole = bit == all.size * 8;
        wg_buf scratch;
        wg_slice piece;
        size_t offset = 0, same = 0;
        bool found = true;
        wg_buf_init(&scratch, NULL);
        if (!whole) text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        wg_code code = WG_OK;
        for (size_t i = 0; i < 5 && code == WG_OK && found; i++) {
            code = wg_receipt_rows_next(all, &offset, &scratch, &piece, &found, NULL);
            if (code == WG_OK && found && i < 4) same += wg_slice_is(piece, wanted[i]);
        }
        const bool equal = code == WG_OK && !found && same == 4;
        if (equal != whole) fail_msg("bit %zu", bit);
        if (!whole) text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        wg_buf_deinit(&scratch);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit_of_a_receipt_is_covered),
        cmocka_unit_test(test_the_changed_part_is_named),
        cmocka_unit_test(test_receipts_without_memory),
        cmocka_unit_test(test_format_1_is_still_read),
        cmocka_unit_test(test_foreign_texts_are_refused),
        cmocka_unit_test(test_paths_lead_to_the_root),
        cmocka_unit_test(test_rows_have_one_root_by_rows_and_by_chunks),
        cmocka_unit_test(test_rows_are_cut_whatever_they_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
