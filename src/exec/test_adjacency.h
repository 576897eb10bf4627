/* For test_engine.h only: the made-up engine has no adjacency, so that its plans list what they could count. Also
 * small stand-ins that test_engine.h has no room for. */
#ifndef WG_EXEC_TEST_ADJACENCY_H
#define WG_EXEC_TEST_ADJACENCY_H

wg_code wg_adjacency_acquire(const wg_txn *txn, uint32_t label, wg_pool *pool, uint32_t workers, wg_adjacency **out,
                             wg_error *err) {
    (void)txn, (void)label, (void)pool, (void)workers, (void)err;
    *out = NULL;
    return WG_OK;
}
wg_code wg_adjacency_find(const wg_txn *txn, uint32_t label, wg_adjacency **out, wg_error *err) {
    return wg_adjacency_acquire(txn, label, NULL, 1, out, err);
}
wg_code wg_adjacency_acquire_any(const wg_txn *txn, uint32_t label, wg_pool *pool, uint32_t workers,
                                 wg_adjacency **out, wg_error *err) {
    return wg_adjacency_acquire(txn, label, pool, workers, out, err);
}
wg_code wg_adjacency_find_any(const wg_txn *txn, uint32_t label, wg_adjacency **out, wg_error *err) {
    return wg_adjacency_acquire(txn, label, NULL, 1, out, err);
}
bool wg_adjacency_is_far(const wg_adjacency *adjacency) {
    (void)adjacency;
    return false;
}
void wg_adjacency_release(wg_adjacency *adjacency) { (void)adjacency; }
const wg_adjacency_side *wg_adjacency_get(const wg_adjacency *adjacency, wg_direction direction) {
    (void)adjacency, (void)direction;
    return NULL;
}
wg_code wg_adjacency_edges(wg_adjacency *adjacency, const wg_txn *txn, uint32_t label, wg_direction directions,
                           const wg_builders *by, bool *out_has, wg_error *err) {
    (void)adjacency, (void)txn, (void)label, (void)directions, (void)by, (void)err;
    *out_has = false;
    return WG_OK;
}
bool wg_adjacency_has_edges(const wg_adjacency *adjacency, wg_direction directions) {
    (void)adjacency, (void)directions;
    return false;
}
wg_code wg_adjacency_sorted(wg_adjacency *adjacency, wg_direction direction, bool with_edges, const wg_builders *by,
                            const wg_adjacency_side **out, wg_error *err) {
    (void)adjacency, (void)direction, (void)with_edges, (void)by, (void)out;
    return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "no adjacency was made");
}
bool wg_adjacency_is_sorted(const wg_adjacency *adjacency, wg_direction direction) {
    (void)adjacency, (void)direction;
    return false;
}
wg_code wg_edge_columns_sort(const wg_edge_columns *columns, const wg_adjacency_side *like, const wg_builders *by,
                             wg_account *account, wg_adjacency_side *out, void **out_block, wg_error *err) {
    (void)columns, (void)like, (void)by, (void)account, (void)out, (void)out_block;
    return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "no adjacency was made");
}
wg_code wg_adjacency_loops_of(wg_adjacency *adjacency, const wg_adjacency_loops **out, wg_error *err) {
    return wg_adjacency_sorted(adjacency, WG_DIRECTION_OUT, false, NULL, (const wg_adjacency_side **)(void *)out,
                               err);
}
wg_code wg_edge_info_deleted(const wg_txn *txn, uint64_t id, wg_edge_info *out, bool *out_found, wg_error *err) {
    (void)txn, (void)id, (void)out, (void)err;
    *out_found = false;
    return WG_OK;
}
uint64_t wg_txn_label_row_estimate(const wg_txn *txn, uint32_t label) {
    (void)label;
    return txn->node_count;
}
wg_code wg_txn_intern_key(wg_txn *txn, wg_slice name, uint32_t *out, wg_error *err) {
    (void)txn, (void)err;
    *out = 100 + name.data[0];
    return WG_OK;
}

#endif
