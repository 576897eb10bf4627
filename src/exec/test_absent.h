/* exec, tests: what the made-up engine does not have: every call says so. Included by test_engine.h. */
#ifndef WG_EXEC_TEST_ABSENT_H
#define WG_EXEC_TEST_ABSENT_H

#include "engine/copy_to.h"
#include "engine/engine.h"

/* ---- index.h: there are no indexes */
wg_code wg_index_seek(const wg_txn *txn, const wg_rule *rule, const wg_index_probe *probes, uint32_t count,
                      wg_buf *out, wg_error *err) {
    (void)txn, (void)rule, (void)probes, (void)count, (void)out;
    return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "a made-up engine has no indexes");
}

/* ---- labels are given by number */
wg_code wg_txn_intern_label(wg_txn *txn, wg_slice name, bool is_edge, uint32_t *out, wg_error *err) {
    (void)txn, (void)name, (void)is_edge, (void)out;
    return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "a made-up engine makes no labels");
}

/* ---- labels have no keys */
bool wg_txn_keys_are_unique(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, const uint32_t *keys,
                            uint32_t key_count) {
    (void)txn, (void)labels, (void)label_count, (void)keys, (void)key_count;
    return false;
}

/* ---- copy_to.h: these tests copy nothing */
bool wg_copy_writer_is_text(const wg_copy_writer *writer) {
    (void)writer;
    return false;
}
wg_code wg_copy_writer_encode(const wg_copy_writer *writer, const wg_batch *batch, wg_buf *out, wg_error *err) {
    (void)writer, (void)batch, (void)out;
    return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "a made-up engine writes no files");
}
wg_code wg_copy_writer_put_text(wg_copy_writer *writer, wg_slice text, uint64_t rows, wg_error *err) {
    (void)writer, (void)text, (void)rows;
    return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "a made-up engine writes no files");
}
wg_code wg_copy_writer_put(wg_copy_writer *writer, const wg_batch *batch, wg_error *err) {
    (void)writer, (void)batch;
    return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "a made-up engine writes no files");
}

#endif
