/* Verification of a closed workspace: everything is read, nothing is changed.
 *
 * The manifest and every stripe it names (each block, wg_stripe_check); the log; then the state that they give: adjacency is the
 * same from both ends, every living row is what the directory says of its id, every primary key finds its node, and the
 * stored counts of living rows are right; the hash chain of each agents' run's events holds. Memory is that of opening: rows are read where they lie. */
#include "engine/engine_internal.h"

static wg_code check_stripes(wg_engine *e, wg_verify_report *out, wg_error *err) {
    const wg_stripe_set *set = e->maintenance.stripes;
    for (uint32_t i = 0; i < wg_stripe_set_count(set); i++) {
        wg_stripe *stripe = wg_stripe_set_stripe(set, i);
        WG_TRY(wg_stripe_check(stripe, err));
        out->stripes++;
        out->stripe_bytes += wg_stripe_file_bytes(stripe);
        out->fragments += wg_stripe_fragment_count(stripe);
    }
    return WG_OK;
}

/* Where an edge leaves and arrives; its versions all say the same. */
static wg_code look_up_ends(void *ctx, uint64_t edge, uint64_t out_ends[2], bool *out_found, wg_error *err) {
    const wg_engine *e = ctx;
    wg_row_address at = WG_ROW_NONE;
    wg_row_head head;
    *out_found = false;
    WG_TRY(wg_directory_get(e->edges, edge, &at, err));
    const wgi_table *table = at == WG_ROW_NONE ? NULL : wgi_table_at(e, wg_row_table(at));
    if (table == NULL) return WG_OK;
    WG_TRY(wg_table_head(table->rows, wg_row_ordinal(at), &head, NULL, out_found, err));
    if (!*out_found) return WG_OK;
    out_ends[0] = head.from;
    out_ends[1] = head.to;
    return WG_OK;
}

static wg_code check_topologies(wg_engine *e, wg_error *err) {
    const uint32_t labels = wg_catalog_label_count(e->catalog);
    for (uint32_t i = 0; i < labels; i++) {
        wgi_label_state *state = wgi_label_state_at(e, i);
        if (state != NULL && state->topology != NULL)
            WG_TRY(wg_topology_check(state->topology, look_up_ends, e, err));
    }
    return WG_OK;
}

/* A living row that is being looked at. */
typedef struct living {
    wg_engine *engine;
    wgi_table *table;
    uint64_t row;
    wg_row_head head;
    wg_arena *arena;
} living;

static wg_code check_key(const living *l, uint32_t label_number, wg_error *err) {
    const wgi_label_state *state = wgi_label_state_at(l->engine, label_number);
    const wg_label *label = wg_catalog_label_at(l->engine->catalog, label_number);
    if (state == NULL || state->key_index == NULL || label == NULL) return WG_OK;
    wg_value key[WG_KEY_COLUMNS_MAX];
    for (uint32_t k = 0; k < label->def.key_count; k++) {
        const uint32_t column = wg_table_column_of(l->table->rows, label->column_keys[label->def.key_columns[k]]);
        WG_TRY(wg_table_cell(l->table->rows, l->row, column, l->arena, &key[k], err));
    }
    uint64_t id = 0;
    bool found = false;
    const wg_view newest = {.snapshot = l->engine->applied};
    WG_TRY(wgi_seek(l->engine, newest, label_number, key, label->def.key_count, &id, &found, err));
    if (found && id == l->head.id) return WG_OK;
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the primary key of node %llu of label %s finds %s",
                        (unsigned long long)l->head.id, label->def.name, found ? "another node" : "nothing");
}

static wg_code check_living(const living *l, wg_error *err) {
    const wg_engine *e = l->engine;
    wg_row_address at = WG_ROW_NONE;
    WG_TRY(wg_directory_get(l->table->is_edge ? e->edges : e->nodes, l->head.id, &at, err));
    if (at != WG_ROW_ADDRESS(l->table->number, l->row))
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                            "%s %llu lives in table %u, row %llu; its directory says another place",
                            l->table->is_edge ? "edge" : "node", (unsigned long long)l->head.id, l->table->number,
                            (unsigned long long)l->row);
    for (uint32_t i = 0; i < l->table->label_count && !l->table->is_edge; i++)
        WG_TRY(check_key(l, l->table->labels[i], err));
    return WG_OK;
}

static wg_code check_table(wg_engine *e, wgi_table *table, wg_arena *arena, wg_error *err) {
    const uint64_t rows = wg_table_row_count(table->rows);
    uint64_t count = 0;
    living l = {.engine = e, .table = table, .arena = arena};
    for (l.row = 0; l.row < rows; l.row++) {
        uint64_t end = 0;
        bool found = false;
        WG_TRY(wg_table_head(table->rows, l.row, &l.head, &end, &found, err));
        if (!found || l.head.begin == WG_LOGSEQ_NEVER || end != WG_LOGSEQ_NEVER) continue;
        count++;
        WG_TRY(check_living(&l, err));
        wg_arena_reset(arena);
    }
    if (count == table->live) return WG_OK;
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "table %u has %llu living rows, its count says %llu",
                        table->number, (unsigned long long)count, (unsigned long long)table->live);
}

static wg_code check_state(wg_engine *e, wg_arena *arena, wg_verify_report *out, wg_error *err) {
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_relaxed);
    for (uint32_t t = 0; t < tables; t++) {
        wgi_table *table = wgi_table_at(e, t);
        if (atomic_load_explicit(&table->dead, memory_order_relaxed)) continue;
        WG_TRY(check_table(e, table, arena, err));
        *(table->is_edge ? &out->edges : &out->nodes) += table->live;
    }
    WG_TRY(check_topologies(e, err));
    return wgi_state_verify(e, err);
}

/* The chain value of a commit: the log was walked from the checkpoint on, values before are in the stripes that were checked. */
static wg_code look_up_chain(wg_engine *e, wg_verify_chain *chain, wg_error *err) {
    memcpy(chain->store, e->uuid, sizeof chain->store);
    chain->found = chain->logseq <= e->applied;
    return chain->found ? wg_engine_chain_value(e, chain->logseq, &chain->value, err) : WG_OK;
}

static wg_code verify_open(wg_engine *e, wg_arena *arena, wg_verify_report *out, wg_error *err) {
    bool exists = false;
    wg_wal_recovery r = {0};
    wg_verify_report report = {0};
    WG_TRY(wgi_workspace_find(e, arena, &exists, err));
    WG_TRY(wgi_workspace_lock(e, arena, false, err));
    WG_TRY(wgi_workspace_manifest(e, err));
    wg_state_fill_begin(e->state_log.state);
    WG_TRY(wgi_recover_stored(e, err));
    WG_TRY(check_stripes(e, &report, err));
    WG_TRY(wgi_recover_log(e, 0, false, &r, err));
    wg_state_fill_end(e->state_log.state);
    const uint32_t slot = wg_epoch_enter(e->epoch);
    const wg_code code = check_state(e, arena, &report, err);
    wg_epoch_leave(e->epoch, slot);
    WG_TRY(code);
    report.manifest_epoch = wg_engine_manifest_epoch(e);
    report.segments = r.segments;
    report.records = r.records;
    report.bytes = r.bytes;
    report.last_logseq = r.last_logseq;
    if (r.records == 0) { /* a log that a checkpoint has just begun anew */
        report.last_logseq = e->maintenance.manifest.checkpoint.logseq;
        r.chain = e->maintenance.manifest.checkpoint.chain;
    }
    report.torn_tail_bytes = r.torn_tail_bytes;
    report.checkpoint_logseq = e->maintenance.manifest.checkpoint.logseq;
    memcpy(report.chain, r.chain.bytes, sizeof report.chain);
    *out = report;
    return WG_OK;
}

wg_code wg_engine_verify(wg_platform *platform, const char *path, wg_verify_report *out, wg_error *err) {
    return wg_engine_verify_chain(platform, path, NULL, out, err);
}

wg_code wg_engine_verify_chain(wg_platform *platform, const char *path, wg_verify_chain *chain, wg_verify_report *out,
                               wg_error *err) {
    const wg_options options = {.durability = WG_IN_MEMORY};
    wg_engine *e = NULL;
    WG_TRY(wgi_engine_make(platform != NULL ? platform : wg_platform_real(), path, &options, &e, err));
    wg_arena arena;
    wg_arena_init(&arena, &e->account);
    wg_code code = verify_open(e, &arena, out, err);
    if (code == WG_OK && chain != NULL) code = look_up_chain(e, chain, err);
    wg_arena_deinit(&arena);
    wgi_engine_free(e);
    return code;
}
