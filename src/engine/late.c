/* Constraints at the end of a statement: a row may break one on the way there.
 *
 * Every write checks its row at once, as if there were no end to wait for. Inside of a statement a row that fails is noted instead of
 * refused, with its place in the text, and its newest version is checked again when the statement ends. Rows that passed need no second
 * look: NOT NULL, types and nulls of keys depend on the row alone, whose last write was checked; and of two rows that end with equal
 * values the one that was written last met the other one, so it is on the list. The list is empty for nearly all statements.
 *
 * The log has the mutations in their order, also where the state between two of them broke a constraint: replay checks none. A seek
 * by primary key that finds two nodes on the way is refused (wgi_late_seek), since whoever asks expects one.
 *
 * Failure modes: the error of the first row of the list that still breaks a constraint, in the order of the writes; WG_E_NOMEM. */
#include "engine/engine_internal.h"

typedef struct late_row {
    uint64_t id;
    uint64_t place; /* in the text, or WG_NO_OFFSET */
    uint64_t is_edge;
} late_row;

void wg_txn_statement_begin(wg_txn *txn) {
    txn->deferring = txn->mode != WG_TXN_READ;
    txn->place = WG_NO_OFFSET;
}

void wg_txn_set_place(wg_txn *txn, uint64_t offset) { txn->place = offset; }

wg_code wgi_late_note(wg_txn *txn, bool is_edge, uint64_t id, wg_error *err) {
    const late_row row = {.id = id, .place = txn->place, .is_edge = is_edge};
    WG_ASSERT(txn->deferring);
    return wg_buf_append(&txn->late, &row, sizeof row) ? WG_OK : wg_error_nomem(err, sizeof row);
}

wg_code wgi_late_seek(const wg_txn *txn, uint32_t label, const wg_value *key, uint32_t key_count, uint64_t id,
                      wg_error *err) {
    uint64_t other = 0;
    bool found = false;
    if (txn->late.size == 0) return WG_OK;
    WG_TRY(wgi_seek_other(txn->engine, txn->view, label, key, key_count, id, &other, &found, err));
    if (!found) return WG_OK;
    return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET,
                        "%s: nodes %llu and %llu have the same primary key here, before the end of the statement, "
                        "and this clause looks for one: write the values that free the key first",
                        wg_catalog_label_at(txn->engine->catalog, label)->def.name,
                        (unsigned long long)wg_min_u64(id, other), (unsigned long long)wg_max_u64(id, other));
}

/* The row as it is now, if it still is. */
static wg_code check_late(const wg_txn *txn, const late_row *row, wg_error *err) {
    wgi_place at;
    WG_TRY(wgi_version(txn->engine, row->is_edge != 0, wgi_txn_newest(txn), row->id, &at, err));
    if (at.table == NULL) return WG_OK;
    const wg_code code = wgi_check_version(txn, &at, row->id, err);
    if (code != WG_E_CONSTRAINT) return code;
    if (err != NULL && err->offset == WG_NO_OFFSET) err->offset = row->place;
    return wg_error_prefix(err, code, "%s %llu", row->is_edge != 0 ? "edge" : "node", (unsigned long long)row->id);
}

wg_code wg_txn_statement_end(wg_txn *txn, wg_code code, wg_error *err) {
    const bool deferred = txn->deferring;
    txn->deferring = false;
    if (!deferred || txn->late.size == 0) return code;
    for (size_t at = 0; code == WG_OK && at < txn->late.size; at += sizeof(late_row)) {
        late_row row;
        memcpy(&row, txn->late.data + at, sizeof row);
        code = check_late(txn, &row, err);
    }
    wg_buf_deinit(&txn->late); /* a long list is not kept for the next statement */
    return code;
}
