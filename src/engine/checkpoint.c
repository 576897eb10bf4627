/* Checkpoints: what was committed since the last one goes into stripes of level 0, and the log in front of it goes away.
 *
 *   capture   holding the writer's place and the log's end, so that nothing is half done: S, counts, lists; key indexes are frozen
 *   wait      until the log holds S durably: a checkpoint never says more than the log
 *   write     beside the writer: fragments in the order of their keys; versions that ended behind S are written as living. After much
 *             log in two halves at the same time, each into stripes of its own: most rows; the last of them and what finds rows
 *   commit    the stripes join the set, then a manifest names them
 *   adopt     holding both: tables read the stripes from now on, and give their heap to the epoch
 *   trim      segments of the log that the manifest does not need; chain values that the stripes have
 *
 * Failure: before the commit nothing has happened, files written are removed; a commit that fails on the way leaves the old
 * state in memory and the files on the list of garbage, because the disk may name them; an adoption that runs out of memory
 * leaves rows in the heap, which is slower and right. */
#include "engine/engine_internal.h"

typedef struct captured_label {
    wgi_label_state *state;
    uint32_t number;
    uint64_t edges;
} captured_label;

typedef struct capture {
    wg_engine *engine;
    wg_arena arena;
    wgi_checkpoint next;
    wgi_checkpoint since;
    wgi_stored_table *tables;
    uint32_t table_count;
    captured_label *labels;
    uint32_t label_count;
    wg_stripe_sink sink;
    wg_stripe_sink finders; /* of a checkpoint in halves: the last rows and what finds rows; otherwise not used */
    wgi_state_capture state;
    uint64_t log_bytes;
    uint64_t blocked_ns; /* how long writers had to wait */
} capture;

/* ---- capture */

static wg_code capture_tables(capture *c, wg_error *err) {
    wg_engine *e = c->engine;
    const uint32_t count = atomic_load_explicit(&e->table_count, memory_order_relaxed);
    c->next.counts.tables = count;
    c->tables = wg_arena_alloc(&c->arena, ((size_t)count + 1) * sizeof *c->tables);
    if (c->tables == NULL) return wg_error_nomem(err, count * sizeof *c->tables);
    wg_mutex_lock(&e->state_mutex);
    for (uint32_t t = 0; t < count; t++) {
        wgi_table *table = wgi_table_at(e, t);
        if (atomic_load_explicit(&table->dead, memory_order_relaxed)) continue;
        c->tables[c->table_count++] = (wgi_stored_table){.table = table,
                                                         .rows = wg_table_row_count(table->rows),
                                                         .live = table->live,
                                                         .columns = wg_table_column_count(table->rows),
                                                         .pairs = table->history.base + table->history.count};
    }
    wg_mutex_unlock(&e->state_mutex);
    return WG_OK;
}

static wg_code capture_labels(capture *c, wg_error *err) {
    wg_engine *e = c->engine;
    const uint32_t count = wg_catalog_label_count(e->catalog);
    c->next.counts.labels = count;
    c->labels = wg_arena_alloc(&c->arena, ((size_t)count + 1) * sizeof *c->labels);
    if (c->labels == NULL) return wg_error_nomem(err, count * sizeof *c->labels);
    for (uint32_t i = 0; i < count; i++) {
        wgi_label_state *state = wgi_label_state_at(e, i);
        if (state == NULL || (state->key_index == NULL && state->topology == NULL)) continue;
        captured_label *label = &c->labels[c->label_count++];
        *label = (captured_label){.state = state, .number = i};
        if (state->topology != NULL) label->edges = wg_topology_edge_count(state->topology);
        if (state->key_index != NULL) WG_TRY(wg_key_index_freeze(state->key_index, err));
    }
    return WG_OK;
}

/* The caller has the writer's place and the log's end. */
static wg_code capture_state(capture *c, wg_error *err) {
    wg_engine *e = c->engine;
    c->next.logseq = e->applied;
    c->log_bytes = atomic_load_explicit(&e->maintenance.log_bytes, memory_order_relaxed);
    if (e->applied == c->since.logseq) return WG_OK;
    c->next.counts.nodes = wg_directory_count(e->nodes);
    c->next.counts.edges = wg_directory_count(e->edges);
    c->next.counts.keys = wg_catalog_key_count(e->catalog);
    c->next.counts.partitions = wg_catalog_partition_count(e->catalog);
    c->next.counts.rules = wg_catalog_rule_count(e->catalog);
    WG_TRY(capture_tables(c, err));
    WG_TRY(capture_labels(c, err));
    WG_TRY(wgi_state_capture_take(e, c->next.logseq, &c->arena, &c->state, err));
    c->state.since_logseq = c->since.logseq;
    return WG_OK;
}

/* ---- write */

/* The newest version at or before `until` of an id whose newest version is `newest`. */
static wg_code version_at(void *ctx, bool is_edge, wg_row_address newest, uint64_t until, wg_row_address *out,
                          wg_error *err) {
    const wg_engine *e = ctx;
    (void)is_edge;
    wg_row_address at = newest;
    while (at != WG_ROW_NONE) {
        const wgi_table *table = wgi_table_at(e, wg_row_table(at));
        wg_row_head head = {.prev = WG_ROW_NONE};
        uint64_t end = 0;
        bool found = false;
        if (table != NULL) WG_TRY(wg_table_head(table->rows, wg_row_ordinal(at), &head, &end, &found, err));
        if (!found) break;
        if (head.begin <= until) {
            *out = at;
            return WG_OK;
        }
        at = head.prev;
    }
    *out = WG_ROW_NONE;
    return WG_OK;
}

static wg_store_pass pass_of(capture *c, wg_stripe_sink *sink, uint32_t owner, uint64_t rows) {
    return (wg_store_pass){
        .sink = sink, .owner = owner, .since = c->since.logseq, .until = c->next.logseq, .row_count = rows};
}

/* Where the rows of a table are cut in two: finding them costs about as much to write as a third of them. */
static uint64_t cut_of(const wgi_stored_table *t) {
    const uint64_t stored = t->table->is_stored ? t->table->stored_rows : 0;
    const uint64_t fresh = t->rows > stored ? t->rows - stored : 0;
    return (stored + fresh / 4 * 3) / WG_FRAGMENT_ROWS * WG_FRAGMENT_ROWS;
}

typedef enum table_part { TABLE_WHOLE, TABLE_FRONT, TABLE_BACK } table_part;

static wg_code store_tables(capture *c, wg_stripe_sink *sink, table_part part, wg_error *err) {
    wg_epoch *epoch = c->engine->epoch;
    for (uint32_t i = 0; i < c->table_count; i++) {
        const uint64_t cut = cut_of(&c->tables[i]);
        wg_store_pass pass = pass_of(c, sink, c->tables[i].table->number, c->tables[i].rows);
        if (part == TABLE_FRONT) pass.row_count = cut;
        if (part == TABLE_BACK) pass.row_first = cut;
        const uint32_t slot = wg_epoch_enter(epoch);
        const wg_code code = wg_table_store(c->tables[i].table->rows, &pass, err);
        wg_epoch_leave(epoch, slot);
        WG_TRY(code);
    }
    return WG_OK;
}

static wg_code store_directories(capture *c, wg_stripe_sink *sink, wg_error *err) {
    wg_engine *e = c->engine;
    for (uint32_t owner = 0; owner < 2; owner++) {
        const wg_store_pass pass = pass_of(c, sink, owner, owner == 0 ? c->next.counts.nodes : c->next.counts.edges);
        const uint32_t slot = wg_epoch_enter(e->epoch);
        const wg_code code = wg_directory_store(owner == 0 ? e->nodes : e->edges, &pass, version_at, e, err);
        wg_epoch_leave(e->epoch, slot);
        WG_TRY(code);
    }
    return WG_OK;
}

static wg_code store_labels(capture *c, wg_stripe_sink *sink, bool keys, wg_error *err) {
    wg_epoch *epoch = c->engine->epoch;
    for (uint32_t i = 0; i < c->label_count; i++) {
        const captured_label *label = &c->labels[i];
        wg_code code = WG_OK;
        const uint32_t slot = wg_epoch_enter(epoch);
        if (keys && label->state->key_index != NULL) {
            const wg_store_pass pass = pass_of(c, sink, label->number, 0);
            code = wg_key_index_store(label->state->key_index, &pass, err);
        } else if (!keys && label->state->topology != NULL) {
            const wg_topology_pass pass = {
                .sink = sink, .label = label->number, .until = c->next.logseq, .edge_count = label->edges};
            code = wg_topology_store(label->state->topology, &pass, err);
        }
        wg_epoch_leave(epoch, slot);
        WG_TRY(code);
    }
    return WG_OK;
}

static wg_code store_rows(capture *c, table_part part, wg_error *err) {
    wgi_meta_pass meta = {.engine = c->engine,
                          .sink = &c->sink,
                          .since = c->since.counts,
                          .until = c->next.counts,
                          .since_logseq = c->since.logseq,
                          .until_logseq = c->next.logseq,
                          .catalog_pieces = c->engine->maintenance.catalog_pieces,
                          .tables = c->tables,
                          .table_count = c->table_count};
    const uint32_t slot = wg_epoch_enter(c->engine->epoch);
    const wg_code code = wgi_meta_store(&meta, err);
    wg_epoch_leave(c->engine->epoch, slot);
    WG_TRY(code);
    c->next.counts.catalog_pieces = meta.catalog_pieces;
    return store_tables(c, &c->sink, part, err);
}

/* What leads to rows: directories, keys, adjacency. */
static wg_code store_finders(capture *c, wg_stripe_sink *sink, wg_error *err) {
    WG_TRY(store_directories(c, sink, err));
    WG_TRY(store_labels(c, sink, true, err));
    return store_labels(c, sink, false, err);
}

static wg_code store_state(capture *c, wg_error *err) {
    WG_TRY(wgi_state_capture_store(&c->state, &c->sink, err));
    return wg_stripe_sink_finish(&c->sink, err);
}

static wg_code store_whole(capture *c, wg_error *err) {
    WG_TRY(store_rows(c, TABLE_WHOLE, err));
    WG_TRY(store_finders(c, &c->sink, err));
    return store_state(c, err);
}

static wg_code store_half(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    capture *c = arg;
    (void)worker;
    (void)last;
    if (first == 1) {
        WG_TRY(store_tables(c, &c->finders, TABLE_BACK, err));
        WG_TRY(store_finders(c, &c->finders, err));
        return wg_stripe_sink_finish(&c->finders, err);
    }
    WG_TRY(store_rows(c, TABLE_FRONT, err));
    return store_state(c, err);
}

/* The halves take every second number, so that neither waits for what the other makes. Which thread writes one does not show. */
static wg_code store_halves(capture *c, wg_error *err) {
    const wg_pool_range range = {.count = 2, .grain = 1, .workers = 2, .fn = store_half, .arg = c};
    c->finders = c->sink;
    c->finders.next_id++;
    c->sink.id_step = c->finders.id_step = 2;
    WG_TRY(wg_pool_for(c->engine->pool, &range, err));
    const wg_slice made = wg_buf_slice(&c->finders.finished);
    if (!wg_buf_append(&c->sink.finished, made.data, made.size)) return wg_error_nomem(err, made.size);
    c->finders.finished.size = 0; /* they are the other's now */
    c->sink.bytes_written += c->finders.bytes_written;
    c->sink.next_id = wg_max_u64(c->sink.next_id, c->finders.next_id);
    return WG_OK;
}

wg_stripe_options wgi_stripe_options(wg_engine *engine) {
    wg_stripe_options o = {.zstd = engine->options.stripe_zstd,
                           .decimals = true,
                           .short_entries = true,
                           .account = &engine->maintenance.writing};
    memcpy(o.store_uuid, engine->uuid, sizeof o.store_uuid);
    return o;
}

/* The first checkpoint makes the directory. */
static wg_code make_directory(wg_engine *e, wg_error *err) {
    const wg_platform_ops *ops = e->platform->ops;
    wg_error local = {0};
    if (wg_stripe_set_count(e->maintenance.stripes) != 0) return WG_OK;
    const wg_code code = ops->make_directory(e->platform, e->maintenance.stripe_dir, &local);
    if (code == WG_E_EXISTS) return WG_OK;
    if (code == WG_OK) return ops->sync_directory(e->platform, e->path, err);
    if (err != NULL && err->code == WG_OK) *err = local;
    return code;
}

/* The operator's cap of the local disk. A merge is not held to it: it ends with less than it began. */
static wg_code check_room(const capture *c, wg_error *err) {
    const wg_engine *e = c->engine;
    const uint64_t cap = e->options.budget.nvme;
    wg_cache_class_stats stripes;
    wg_cache_stats(e->maintenance.cache, WG_L3_SSD_LOCAL, &stripes);
    if (cap == 0 || (stripes.bytes <= cap && c->sink.bytes_written <= cap - stripes.bytes)) return WG_OK;
    return wg_error_set(
        err, WG_E_CAPACITY, WG_NO_OFFSET,
        "L3SsdLocal: a checkpoint of %llu bytes beside stripes of %llu does not fit budget.nvme, %llu: "
        "expire snapshots and compact, delete, or raise it",
        (unsigned long long)c->sink.bytes_written, (unsigned long long)stripes.bytes, (unsigned long long)cap);
}

static wg_code write_stripes(capture *c, wg_error *err) {
    wg_engine *e = c->engine;
    wgi_maintenance *m = &e->maintenance;
    WG_TRY(make_directory(e, err));
    c->sink = (wg_stripe_sink){
        .platform = e->platform, .dir = m->stripe_dir, .options = wgi_stripe_options(e), .next_id = m->next_stripe};
    wg_buf_init(&c->sink.finished, &e->account);
    const bool halves = c->log_bytes >= e->halves_log_bytes;
    wg_code code = halves ? store_halves(c, err) : store_whole(c, err);
    if (code == WG_OK) code = check_room(c, err);
    m->next_stripe = wg_max_u64(m->next_stripe, wg_max_u64(c->sink.next_id, c->finders.next_id));
    if (halves) wg_stripe_sink_abort(&c->finders); /* after a success it has nothing left */
    if (code != WG_OK) wg_stripe_sink_abort(&c->sink);
    return code;
}

/* ---- commit */

static uint32_t entry_count(wg_slice entries) { return (uint32_t)(entries.size / sizeof(wg_stripe_entry)); }

wg_code wgi_discard_reserve(wg_engine *engine, uint32_t count, wg_error *err) {
    return wg_buf_reserve(&engine->maintenance.adopt_removed, count * sizeof(uint64_t)) ? WG_OK
                                                                                        : wg_error_nomem(err, count);
}

void wgi_discard(wg_engine *engine, wg_slice entries) {
    wgi_maintenance *m = &engine->maintenance;
    for (uint32_t i = 0; i < entry_count(entries); i++) {
        wg_stripe_entry entry;
        memcpy(&entry, entries.data + i * sizeof entry, sizeof entry);
        if (wg_stripe_set_change(m->stripes, NULL, 0, &entry.id, 1, NULL) == WG_OK) continue;
        m->adopt_late = true; /* the next call of maintenance begins with taking it out */
        const bool noted = wg_buf_append_u64(&m->adopt_removed, entry.id);
        WG_ASSERT(noted); /* reserved */
    }
    wgi_garbage_note(engine, entries);
}

static uint64_t retained(const wg_engine *e, uint64_t logseq, uint64_t horizon) {
    const uint64_t keep = e->options.retain_commits;
    if (keep == 0 || keep >= logseq) return horizon;
    return logseq - keep > horizon ? logseq - keep : horizon;
}

static wg_code commit(capture *c, bool log, wg_error *err) {
    wg_engine *e = c->engine;
    wgi_maintenance *m = &e->maintenance;
    const wg_slice entries = wg_buf_slice(&c->sink.finished);
    wgi_checkpoint *next = &c->next;
    WG_TRY(wg_engine_chain_value(e, next->logseq, &next->chain, err));
    /* Of what was captured, not of what is there by now: commits go on beside the writing. */
    const uint64_t kept = WG_CANARY_IS(10) && log ? wg_wal_last_logseq(e->wal) : next->logseq;
    next->wal_segment = log ? wg_wal_keep_from(e->wal, kept) : c->since.wal_segment;
    next->next_stripe = m->next_stripe;
    next->horizon = retained(e, next->logseq, c->since.horizon);
    if (log && WG_CANARY_IS(7)) (void)wg_wal_trim(e->wal, next->wal_segment, NULL);
    return wgi_manifest_change(e, next, entries, NULL, 0, err);
}

/* ---- adopt */

typedef struct piece_list {
    const wg_fragment **items;
    uint32_t count;
    uint32_t capacity;
} piece_list;

static bool push_piece(piece_list *list, const wg_fragment *f, wg_account *account) {
    if (list->count == list->capacity) {
        const uint32_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        const wg_fragment **items = wg_alloc(account, capacity * sizeof *items);
        if (items == NULL) return false;
        if (list->count != 0) memcpy(items, list->items, list->count * sizeof *items);
        wg_free(list->items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = f;
    return true;
}

/* All pieces of all runs of one owner, in key order. */
static wg_code pieces_of(wg_engine *e, uint32_t kind, uint32_t owner, piece_list *list, wg_error *err) {
    const wg_stripe_set *set = e->maintenance.stripes;
    const wg_fragment_key first = {.kind = kind, .owner = owner};
    uint64_t position = wg_stripe_set_seek(set, &first);
    for (;;) {
        const wg_fragment *f = wg_stripe_set_next(set, &position);
        if (f == NULL || f->head.key.kind != kind || f->head.key.owner != owner) return WG_OK;
        if (!push_piece(list, f, &e->account)) return wg_error_nomem(err, list->count * sizeof f);
    }
}

wg_code wgi_adopt_runs(wg_engine *e, uint32_t kind, uint32_t owner, bool frozen, wg_error *err) {
    wgi_label_state *state = wgi_label_state_at(e, owner);
    piece_list list = {0};
    uint64_t edges = 0;
    wg_code code = pieces_of(e, kind, owner, &list, err);
    for (uint32_t i = 0; i < list.count; i++) edges = wg_max_u64(edges, list.items[i]->head.attributes[0]);
    if (code == WG_OK && kind == WG_KIND_KEYS && state != NULL && state->key_index != NULL)
        code = wg_key_index_adopt(state->key_index, list.items, list.count, frozen, err);
    if (code == WG_OK && kind == WG_KIND_ADJACENCY && state != NULL && state->topology != NULL)
        code = wg_topology_adopt(state->topology, list.items, list.count, edges, err);
    wg_free(list.items);
    return code;
}

/* The slot as its newest fragments show it. */
wg_code wgi_adopt_slot(wg_engine *e, const wg_fragment_key *key, uint64_t version, wg_error *err) {
    const wg_stripe_set *set = e->maintenance.stripes;
    wgi_table *table = wgi_table_at(e, key->owner);
    wg_fragment_key part = *key;
    if (table == NULL) return WG_OK;
    part.part = 0;
    const wg_fragment *rows = wg_stripe_set_find(set, &part);
    part.part = 1;
    const wg_fragment *ends = wg_stripe_set_find(set, &part);
    if (rows == NULL) return wg_table_adopt_empty(table->rows, key->slot, version, err);
    if (ends != NULL && ends->head.version <= rows->head.version) ends = NULL;
    return wg_table_adopt(table->rows, rows, ends, ends != NULL ? ends->head.version : rows->head.version, err);
}

/* One stripe of what came: rows and directories one by one, runs once an owner. */
static wg_code adopt_stripe(wg_engine *e, const wg_stripe *stripe, bool frozen, wg_error *err) {
    const wg_fragment_key *last = NULL;
    for (uint32_t i = 0; i < wg_stripe_fragment_count(stripe); i++) {
        const wg_fragment *f = wg_stripe_fragment(stripe, i);
        const wg_fragment_key *key = &f->head.key;
        const bool same_owner = last != NULL && last->kind == key->kind && last->owner == key->owner;
        last = key;
        if (key->kind == WG_KIND_ROWS) WG_TRY(wgi_adopt_slot(e, key, f->head.version, err));
        if (key->kind == WG_KIND_DIRECTORY) {
            const wg_fragment *chunk = wg_stripe_set_find(e->maintenance.stripes, key);
            wg_directory *d = key->owner == 0 ? e->nodes : e->edges;
            if (chunk != NULL) WG_TRY(wg_directory_adopt(d, chunk, chunk->head.version, err));
        }
        if (key->kind == WG_KIND_EVENTS) WG_TRY(wgi_adopt_events(e, key, err));
        if (wgi_has_runs(key) && !same_owner) WG_TRY(wgi_adopt_runs(e, key->kind, key->owner, frozen, err));
    }
    return WG_OK;
}

static const wg_stripe *stripe_of(const wg_stripe_set *set, uint64_t id) {
    for (uint32_t i = wg_stripe_set_count(set); i > 0; i--)
        if (wg_stripe_set_entry(set, i - 1).id == id) return wg_stripe_set_stripe(set, i - 1);
    return NULL;
}

wg_code wgi_adopt(wg_engine *engine, wg_slice entries, bool frozen, wg_error *err) {
    for (uint32_t i = 0; i < entry_count(entries); i++) {
        wg_stripe_entry entry;
        memcpy(&entry, entries.data + i * sizeof entry, sizeof entry);
        const wg_stripe *stripe = stripe_of(engine->maintenance.stripes, entry.id);
        if (stripe != NULL) WG_TRY(adopt_stripe(engine, stripe, frozen, err));
    }
    return WG_OK;
}

static wg_code adopt_everything(wg_engine *e, wg_error *err) {
    const wg_stripe_set *set = e->maintenance.stripes;
    for (uint32_t i = 0; i < wg_stripe_set_count(set); i++)
        WG_TRY(adopt_stripe(e, wg_stripe_set_stripe(set, i), false, err));
    return WG_OK;
}

bool wgi_has_runs(const wg_fragment_key *key) { return key->kind == WG_KIND_KEYS || key->kind == WG_KIND_ADJACENCY; }

wg_code wgi_adopt_noted(wg_engine *engine, wg_error *err) {
    const wg_buf *noted = &engine->maintenance.adopt_noted;
    for (size_t at = 0; at < noted->size; at += sizeof(wgi_merged)) {
        wgi_merged one;
        memcpy(&one, noted->data + at, sizeof one);
        if (wgi_has_runs(&one.key)) WG_TRY(wgi_adopt_runs(engine, one.key.kind, one.key.owner, false, err));
        else if (wg_stripe_set_find(engine->maintenance.stripes, &one.key) == NULL)
            WG_TRY(wgi_adopt_slot(engine, &one.key, one.version, err));
    }
    return WG_OK;
}

/* Tables may still read stripes that left the set: these stay mapped until the set is settled. */
wg_code wgi_adopt_settle(wg_engine *engine, wg_error *err) {
    wgi_maintenance *m = &engine->maintenance;
    if (!m->adopt_late) return WG_OK;
    if (m->adopt_removed.size != 0)
        WG_TRY(wg_stripe_set_change(m->stripes, NULL, 0, (const uint64_t *)(const void *)m->adopt_removed.data,
                                    (uint32_t)(m->adopt_removed.size / 8), err));
    m->adopt_removed.size = 0;
    WG_TRY(wgi_both_take(engine, err));
    const uint32_t slot = wg_epoch_enter(engine->epoch);
    wg_code code = adopt_everything(engine, err);
    if (code == WG_OK) code = wgi_adopt_noted(engine, err);
    wg_epoch_leave(engine->epoch, slot);
    wgi_both_give(engine);
    WG_TRY(code);
    wg_stripe_set_settle(m->stripes);
    m->adopt_noted.size = 0;
    m->adopt_late = false;
    return WG_OK;
}

/* The stored part of each table's history leaves the memory. */
static void adopt_tables(const capture *c) {
    wg_engine *e = c->engine;
    wg_mutex_lock(&e->state_mutex);
    for (uint32_t i = 0; i < c->table_count; i++) {
        const wgi_stored_table *t = &c->tables[i];
        wgi_history *h = &t->table->history;
        const uint32_t gone = (uint32_t)(t->pairs - h->base);
        if (gone != 0) {
            h->base_live = h->pairs[2 * (gone - 1) + 1];
            h->count -= gone;
            memmove(h->pairs, h->pairs + 2 * (size_t)gone, 16 * (size_t)h->count);
            h->base = t->pairs;
        }
        t->table->is_stored = true;
        t->table->stored_rows = t->rows;
        t->table->stored_live = t->live;
        t->table->stored_columns = t->columns;
    }
    wg_mutex_unlock(&e->state_mutex);
}

static wg_code adopt(capture *c, wg_error *err) {
    wg_engine *e = c->engine;
    adopt_tables(c);
    const uint32_t slot = wg_epoch_enter(e->epoch);
    const wg_code code = wgi_adopt(e, wg_buf_slice(&c->sink.finished), true, err);
    wg_epoch_leave(e->epoch, slot);
    return code;
}

/* ---- trim */

static void trim(capture *c, wg_checkpoint_info *info) {
    wg_engine *e = c->engine;
    const wgi_maintenance *m = &e->maintenance;
    wg_wal_metrics before = {0};
    wg_wal_metrics after = {0};
    wg_wal_metrics_get(e->wal, &before);
    if (m->backups == 0)
        (void)wg_wal_trim(e->wal, c->next.wal_segment, NULL); /* the next open removes what is left */
    wg_wal_metrics_get(e->wal, &after);
    wg_wal_chain_forget(e->wal, c->next.logseq);
    info->log_bytes_freed = (after.segments_trimmed - before.segments_trimmed) * m->segment_bytes;
}

/* ---- the whole */

static wg_code take_capture(capture *c, bool log, wg_error *err) {
    wg_engine *e = c->engine;
    if (log) WG_TRY(wgi_both_take(e, err));
    const uint64_t start = e->platform->ops->now_ns(e->platform);
    const wg_code code = capture_state(c, err);
    c->blocked_ns += e->platform->ops->now_ns(e->platform) - start;
    if (log) wgi_both_give(e);
    return code;
}

/* Behind the commit: the state on the disk is the new one, whatever happens here. */
static wg_code finish(capture *c, bool log, wg_checkpoint_info *info, wg_error *err) {
    wg_engine *e = c->engine;
    wgi_maintenance *m = &e->maintenance;
    m->catalog_pieces = c->next.counts.catalog_pieces;
    wgi_state_capture_settle(&c->state);
    atomic_store_explicit(&m->stored, c->next.logseq, memory_order_release);
    atomic_fetch_sub_explicit(&m->log_bytes, c->log_bytes, memory_order_relaxed);
    atomic_store_explicit(&m->retry_bytes, 0, memory_order_relaxed);
    wgi_horizon_raise(e, c->next.horizon);
    wg_code code = WG_OK;
    if (log) code = wgi_both_take(e, err);
    if (code == WG_OK) {
        const uint64_t start = e->platform->ops->now_ns(e->platform);
        code = adopt(c, err);
        c->blocked_ns += e->platform->ops->now_ns(e->platform) - start;
        if (log) wgi_both_give(e);
        wg_histogram_add(&m->blocked_histogram, c->blocked_ns);
    }
    if (log && code != WG_OK) m->adopt_late = true;
    if (log) trim(c, info);
    wgi_fragments_count(e);
    wgi_garbage_remove(e);
    wg_epoch_collect(e->epoch);
    e->platform->ops->trim_memory(e->platform);
    atomic_store_explicit(&m->heap_after, wg_account_bytes(&e->account), memory_order_relaxed);
    return code;
}

enum { LOG_KEPT_BYTES = 256 << 10 }; /* more than this in the newest segment is left behind */

static wg_code run(capture *c, bool log, wg_checkpoint_info *info, wg_error *err) {
    wg_engine *e = c->engine;
    if (log) WG_TRY(wgi_adopt_settle(e, err));
    /* What a load left in the newest segment need not be read by every opening from now on. A wish: its failure is the next append's. */
    if (log && wg_wal_last_logseq(e->wal) > c->since.logseq) (void)wg_wal_rotate(e->wal, LOG_KEPT_BYTES, NULL);
    WG_TRY(take_capture(c, log, err));
    info->logseq = c->next.logseq;
    if (c->next.logseq == c->since.logseq) return WG_OK;
    if (log) WG_TRY(wg_wal_wait(e->wal, c->next.logseq, err));
    WG_TRY(write_stripes(c, err));
    const wg_slice entries = wg_buf_slice(&c->sink.finished);
    wg_code code = wgi_discard_reserve(e, entry_count(entries), err);
    if (code == WG_OK)
        code = wg_stripe_set_change(e->maintenance.stripes, (const wg_stripe_entry *)(const void *)entries.data,
                                    entry_count(entries), NULL, 0, err);
    if (code != WG_OK) wgi_garbage_note(e, entries); /* no manifest names them */
    else if ((code = commit(c, log, err)) != WG_OK) wgi_discard(e, entries);
    info->bytes_written = c->sink.bytes_written;
    info->stripes_written = entry_count(wg_buf_slice(&c->sink.finished));
    if (code == WG_OK) code = finish(c, log, info, err);
    wg_stripe_sink_deinit(&c->sink);
    return code;
}

wg_code wgi_checkpoint_run(wg_engine *engine, bool log, wg_checkpoint_info *out, wg_error *err) {
    wgi_maintenance *m = &engine->maintenance;
    wg_checkpoint_info info = {0};
    const uint64_t start = engine->platform->ops->now_ns(engine->platform);
    capture c = {.engine = engine};
    wg_arena_init(&c.arena, &engine->account);
    wg_mutex_lock(&m->manifest_mutex);
    c.since = m->manifest.checkpoint;
    wg_mutex_unlock(&m->manifest_mutex);
    wg_code code = WG_OK;
    if (log) code = wg_engine_state_drain(engine, false, NULL, err); /* the log holds what agents did */
    if (code == WG_OK) code = run(&c, log, &info, err);
    wgi_state_capture_end(&c.state);
    wg_arena_deinit(&c.arena);
    info.elapsed_ns = engine->platform->ops->now_ns(engine->platform) - start;
    if (code != WG_OK) {
        atomic_fetch_add_explicit(&m->checkpoint_failures, 1, memory_order_relaxed);
        return code;
    }
    if (info.stripes_written != 0) {
        atomic_fetch_add_explicit(&m->checkpoints, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&m->checkpoint_bytes, info.bytes_written, memory_order_relaxed);
        wg_histogram_add(&m->checkpoint_histogram, info.elapsed_ns);
    }
    if (out != NULL) *out = info;
    return WG_OK;
}

wg_code wg_engine_checkpoint(wg_engine *engine, wg_checkpoint_info *out, wg_error *err) {
    bool memory_only = false;
    WG_TRY(wgi_check_maintainable(engine, "checkpoint", &memory_only, err));
    if (memory_only) { /* nothing is kept, so there is nothing to write */
        if (out != NULL) *out = (wg_checkpoint_info){0};
        return WG_OK;
    }
    wg_mutex_lock(&engine->maintenance.mutex);
    atomic_fetch_add_explicit(&engine->maintenance.running, 1, memory_order_relaxed);
    const wg_code code = wgi_checkpoint_run(engine, true, out, err);
    atomic_fetch_sub_explicit(&engine->maintenance.running, 1, memory_order_relaxed);
    wg_mutex_unlock(&engine->maintenance.mutex);
    return code;
}
