/* Indexes: reading the rows that an index has not seen, and finding by it.
 *
 * Entries are pairs (key, id) and are made of every version of a row, whoever may see it: a version that differs from the one before it in
 * none of the properties makes none. They stay as long as a kept snapshot can need them (index_sweep.c), so a snapshot of the past finds what
 * it could see; whether a candidate is visible is asked of its versions, whether it still has the value of the conditions. Rows of
 * rolled-back transactions leave entries that lead nowhere.
 *
 * Who asks first compares the counts of rows; when an index is behind, one thread at a time reads what is new: a few rows go
 * into a tail, many become runs (very many by all threads: index_build.c), and runs of like length are merged. Others read without a lock what was published before: runs and
 * tail first, then the count of rows that they cover. Failure: WG_E_NOMEM and the errors of reading rows; what was read stays. */
#include "engine/engine_internal.h"

enum { CHUNK_ROWS = 65536, BUILD_ROWS = 2 * CHUNK_ROWS };

wgi_index *wgi_index_of(const wg_engine *engine, uint32_t rule) { return wg_slots_get(&engine->indexes, rule); }

uint64_t wg_engine_index_bytes(const wg_engine *engine) { return wg_account_bytes(&engine->index_account); }

/* ---- life */

static void state_dispose(wgi_index_state *state) {
    if (state == NULL) return;
    for (uint32_t i = 0; i < state->run_count; i++) wg_free(state->runs[i]);
    wg_free(state->tail);
    wg_free(state);
}

void wgi_index_destroy(wgi_index *index) {
    if (index == NULL) return;
    state_dispose(atomic_load_explicit(&index->state, memory_order_relaxed));
    wg_free(atomic_load_explicit(&index->tables, memory_order_relaxed));
    wg_arena_deinit(&index->arena);
    wg_mutex_deinit(&index->mutex);
    wg_free(index);
}

static void dispose(void *block) { wgi_index_destroy(block); }

wg_code wgi_index_create(wg_engine *e, const wg_rule *rule, wg_error *err) {
    if (!wg_rule_has_index(rule->def.kind)) return WG_OK;
    if (!wg_slots_reserve(&e->indexes, rule->number, &e->account)) return wg_error_nomem(err, sizeof(void *));
    wgi_index *index = wg_alloc_zero(&e->index_account, sizeof *index);
    if (index == NULL) return wg_error_nomem(err, sizeof *index);
    index->engine = e;
    index->rule = rule;
    wg_mutex_init(&index->mutex, WGI_RANK_INDEX);
    wg_arena_init(&index->arena, &e->index_account);
    wgi_index *old = wgi_index_of(e, rule->number); /* of a definition that was rolled back */
    wg_slots_set(&e->indexes, rule->number, index);
    if (old != NULL) wg_epoch_retire_object(e->epoch, &old->link, dispose);
    return WG_OK;
}

static void retire_state(wg_engine *e, wgi_index_state *state) {
    if (state == NULL) return;
    for (uint32_t i = 0; i < state->run_count; i++) wg_epoch_retire_linked(e->epoch, &state->runs[i]->link);
    if (state->tail != NULL) wg_epoch_retire_linked(e->epoch, &state->tail->link);
    wg_epoch_retire_linked(e->epoch, &state->link);
}

void wgi_index_forget(wgi_index *index) {
    if (index == NULL) return;
    wg_mutex_lock(&index->mutex);
    wgi_index_tables *tables = atomic_exchange_explicit(&index->tables, NULL, memory_order_acq_rel);
    wgi_index_state *state = atomic_exchange_explicit(&index->state, NULL, memory_order_acq_rel);
    index->swept_entries = index->swept_horizon = 0;
    wg_mutex_unlock(&index->mutex);
    if (tables != NULL) wg_epoch_retire_linked(index->engine->epoch, &tables->link);
    retire_state(index->engine, state);
}

void wgi_index_forget_tables(wg_engine *e, uint32_t kept) {
    const uint32_t rules = wg_catalog_rule_count(e->catalog);
    for (uint32_t r = 0; r < rules; r++) {
        wgi_index *index = wgi_index_of(e, r);
        if (index == NULL) continue;
        wg_mutex_lock(&index->mutex);
        wgi_index_tables *tables = atomic_load_explicit(&index->tables, memory_order_relaxed);
        for (uint32_t i = 0; tables != NULL && i < tables->count; i++) {
            const wgi_table *table = atomic_load_explicit(&tables->at[i].table, memory_order_relaxed);
            if (table != NULL && table->number >= kept)
                atomic_store_explicit(&tables->at[i].table, NULL, memory_order_release);
        }
        if (tables != NULL) atomic_store_explicit(&tables->seen, UINT32_MAX, memory_order_release);
        wg_mutex_unlock(&index->mutex);
    }
}

/* ---- which tables, and how far */

static bool is_fresh(const wgi_index *index) {
    const wgi_index_tables *tables = atomic_load_explicit(&index->tables, memory_order_acquire);
    const uint32_t count = atomic_load_explicit(&index->engine->table_count, memory_order_acquire);
    if (tables == NULL || atomic_load_explicit(&tables->seen, memory_order_acquire) != count) return false;
    for (uint32_t i = 0; i < tables->count; i++) {
        const wgi_table *table = atomic_load_explicit(&tables->at[i].table, memory_order_acquire);
        if (table != NULL &&
            wg_table_row_count(table->rows) != atomic_load_explicit(&tables->at[i].rows, memory_order_acquire))
            return false;
    }
    return true;
}

static uint64_t rows_read(const wgi_index_tables *tables, const wgi_table *table) {
    for (uint32_t i = 0; tables != NULL && i < tables->count; i++)
        if (atomic_load_explicit(&tables->at[i].table, memory_order_relaxed) == table)
            return atomic_load_explicit(&tables->at[i].rows, memory_order_relaxed);
    return 0;
}

/* Makes the list of tables that have the label; what was read of them stays known. */
static wg_code list_tables(wgi_index *index, wg_error *err) {
    const wg_engine *e = index->engine;
    const uint32_t count = atomic_load_explicit(&e->table_count, memory_order_acquire);
    wgi_index_tables *old = atomic_load_explicit(&index->tables, memory_order_relaxed);
    if (old != NULL && atomic_load_explicit(&old->seen, memory_order_relaxed) == count) return WG_OK;
    uint32_t n = 0;
    for (uint32_t t = 0; t < count; t++) n += wgi_table_has_labels(wgi_table_at(e, t), &index->rule->def.label, 1);
    wgi_index_tables *made = wg_alloc_zero(&index->engine->index_account, sizeof *made + n * sizeof made->at[0]);
    if (made == NULL) return wg_error_nomem(err, n * sizeof made->at[0]);
    atomic_init(&made->seen, count);
    for (uint32_t t = 0; t < count; t++) {
        wgi_table *table = wgi_table_at(e, t);
        if (!wgi_table_has_labels(table, &index->rule->def.label, 1) ||
            atomic_load_explicit(&table->dead, memory_order_relaxed))
            continue;
        atomic_init(&made->at[made->count].table, table);
        atomic_init(&made->at[made->count].rows, rows_read(old, table));
        made->count++;
    }
    atomic_store_explicit(&index->tables, made, memory_order_release);
    if (old != NULL) wg_epoch_retire_linked(e->epoch, &old->link);
    return WG_OK;
}

/* ---- rows to entries */

wg_code wgi_index_row_values(const wgi_index *index, const wgi_place *at, wg_arena *arena, wg_value *out,
                             wg_error *err) {
    const wg_rule_def *def = &index->rule->def;
    for (uint32_t i = 0; i < def->key_count; i++) {
        const uint32_t column = wg_table_column_of(at->table->rows, def->keys[i]);
        out[i] = wg_value_null();
        if (column != UINT32_MAX) WG_TRY(wg_table_cell(at->table->rows, at->row, column, arena, &out[i], err));
    }
    return WG_OK;
}

/* The version that it replaced has an entry with the same key. */
static wg_code is_repeated(const wgi_index *index, const wg_row_head *head, const wg_value *values, wg_arena *arena,
                           bool *out, wg_error *err) {
    const wg_rule_def *def = &index->rule->def;
    *out = false;
    if (head->prev == WG_ROW_NONE) return WG_OK;
    const wgi_place before = {wgi_table_at(index->engine, wg_row_table(head->prev)), wg_row_ordinal(head->prev)};
    if (before.table == NULL || !wgi_table_has_labels(before.table, &def->label, 1)) return WG_OK;
    wg_row_head old;
    wg_value theirs[WG_KEY_COLUMNS_MAX];
    bool found = false;
    WG_TRY(wg_table_head(before.table->rows, before.row, &old, NULL, &found, err));
    if (!found || old.begin == WG_LOGSEQ_NEVER || old.id != head->id) return WG_OK;
    WG_TRY(wgi_index_row_values(index, &before, arena, theirs, err));
    *out = true;
    for (uint32_t i = 0; i < def->key_count && *out; i++) *out = wg_value_equivalent(&values[i], &theirs[i]);
    return WG_OK;
}

wg_code wgi_index_row_key(const wgi_index *index, const wgi_place *at, wg_arena *arena, wgi_index_key *key,
                          uint64_t *out_id, bool *out_any, wg_error *err) {
    wg_row_head head;
    wg_value values[WG_KEY_COLUMNS_MAX];
    bool found = false, repeated = false;
    *out_any = false;
    WG_TRY(wg_table_head(at->table->rows, at->row, &head, NULL, &found, err));
    if (!found || head.begin == WG_LOGSEQ_NEVER) return WG_OK;
    wg_arena_reset(arena);
    WG_TRY(wgi_index_row_values(index, at, arena, values, err));
    if (!wgi_index_key_of(&index->rule->def, values, key)) return WG_OK;
    WG_TRY(is_repeated(index, &head, values, arena, &repeated, err));
    *out_id = head.id;
    *out_any = !repeated;
    return WG_OK;
}

wgi_index_entry wgi_index_entry_of(const wgi_index_key *key, uint64_t id, uint64_t rest) {
    return (wgi_index_entry){.prefix = wgi_index_prefix(key, 0),
                             .id = id,
                             .rest = (uint32_t)rest,
                             .rest_size = key->size > 8 ? key->size - 8 : 0};
}

/* ---- what is published */

static wg_code state_copy(wgi_index *index, wgi_index_state **out, wg_error *err) {
    const wgi_index_state *now = atomic_load_explicit(&index->state, memory_order_relaxed);
    wgi_index_state *copy = wg_alloc_zero(&index->engine->index_account, sizeof *copy);
    if (copy == NULL) return wg_error_nomem(err, sizeof *copy);
    if (now != NULL) {
        memcpy(copy->runs, now->runs, sizeof copy->runs);
        copy->run_count = now->run_count;
        copy->tail = now->tail;
    }
    *out = copy;
    return WG_OK;
}

/* Puts `state` in the place of the one that stands; runs and tail that only the old one has are retired. */
static void publish(wgi_index *index, wgi_index_state *state) {
    wg_epoch *epoch = index->engine->epoch;
    wgi_index_state *old = atomic_load_explicit(&index->state, memory_order_relaxed);
    atomic_store_explicit(&index->state, state, memory_order_release);
    if (old == NULL) return;
    for (uint32_t i = 0; i < old->run_count; i++) {
        bool kept = false;
        for (uint32_t k = 0; k < state->run_count && !kept; k++) kept = state->runs[k] == old->runs[i];
        if (!kept) wg_epoch_retire_linked(epoch, &old->runs[i]->link);
    }
    if (old->tail != NULL && old->tail != state->tail) wg_epoch_retire_linked(epoch, &old->tail->link);
    wg_epoch_retire_linked(epoch, &old->link);
}

/* Takes the run. `without_tail`: the run has what the tail has. The last runs are merged until each is twice as long as the next; a
 * merged run that no state ever showed is freed at once. */
static wg_code add_run(wgi_index *index, wgi_index_run *run, bool without_tail, wg_error *err) {
    wg_account *account = &index->engine->index_account;
    wgi_index_state *state = NULL;
    wg_code code = state_copy(index, &state, err);
    while (code == WG_OK && state->run_count > 0 &&
           (state->runs[state->run_count - 1]->count < 2 * run->count || state->run_count == WGI_INDEX_RUNS_MAX)) {
        wgi_index_run *merged = NULL;
        code = wgi_index_run_merge(account, state->runs[state->run_count - 1], run, &merged, err);
        if (code != WG_OK) break;
        state->run_count--;
        wg_free(run);
        run = merged;
    }
    if (code != WG_OK) {
        wg_free(run);
        wg_free(state);
        return code;
    }
    state->runs[state->run_count++] = run;
    if (without_tail) state->tail = NULL;
    publish(index, state);
    return WG_OK;
}

static wg_code flush_tail(wgi_index *index, wg_error *err) {
    const wgi_index_state *state = atomic_load_explicit(&index->state, memory_order_relaxed);
    const wgi_index_tail *tail = state != NULL ? state->tail : NULL;
    wgi_index_entry entries[WGI_INDEX_TAIL];
    wgi_index_run *run = NULL;
    if (tail == NULL) return WG_OK;
    const uint32_t count = atomic_load_explicit(&tail->count, memory_order_relaxed);
    memcpy(entries, tail->entries, count * sizeof entries[0]);
    WG_TRY(wgi_index_run_make(&index->engine->index_account, entries, count, tail->bytes[0], &run, err));
    return add_run(index, run, true, err);
}

/* The tail, when it has room for one more. */
static wgi_index_tail *roomy_tail(const wgi_index *index) {
    const wgi_index_state *state = atomic_load_explicit(&index->state, memory_order_relaxed);
    wgi_index_tail *tail = state != NULL ? state->tail : NULL;
    if (tail == NULL || atomic_load_explicit(&tail->count, memory_order_relaxed) == WGI_INDEX_TAIL) return NULL;
    return tail;
}

/* NULL: an error. */
static wgi_index_tail *open_tail(wgi_index *index, wg_error *err) {
    wgi_index_state *state = NULL;
    wgi_index_tail *tail = roomy_tail(index);
    if (tail != NULL) return tail;
    if (flush_tail(index, err) != WG_OK) return NULL;
    tail = wg_alloc_zero(&index->engine->index_account, sizeof *tail);
    if (tail == NULL || state_copy(index, &state, err) != WG_OK) {
        if (tail == NULL) (void)wg_error_nomem(err, sizeof *tail);
        wg_free(tail);
        return NULL;
    }
    state->tail = tail;
    publish(index, state);
    return tail;
}

static wg_code add_to_tail(wgi_index *index, const wgi_index_key *key, uint64_t id, wg_error *err) {
    wg_error why = {0};
    wgi_index_tail *tail = open_tail(index, &why);
    if (tail == NULL) {
        if (err != NULL) *err = why;
        return why.code;
    }
    const uint32_t at = atomic_load_explicit(&tail->count, memory_order_relaxed);
    tail->entries[at] = wgi_index_entry_of(key, id, (uint64_t)at * WGI_INDEX_REST_BYTES);
    if (key->size > 8) memcpy(tail->bytes[at], key->bytes + 8, key->size - 8);
    atomic_store_explicit(&tail->count, at + 1, memory_order_release);
    return WG_OK;
}

/* ---- catching up; under the mutex */

static wg_code read_few(wgi_index *index, wgi_index_table *t, uint64_t until, wg_error *err) {
    wgi_place at = {.table = atomic_load_explicit(&t->table, memory_order_relaxed)};
    for (at.row = atomic_load_explicit(&t->rows, memory_order_relaxed); at.row < until; at.row++) {
        wgi_index_key key;
        uint64_t id = 0;
        bool any = false;
        WG_TRY(wgi_index_row_key(index, &at, &index->arena, &key, &id, &any, err));
        if (any) WG_TRY(add_to_tail(index, &key, id, err));
        atomic_store_explicit(&t->rows, at.row + 1, memory_order_release);
    }
    return WG_OK;
}

static wg_code gather(wgi_index *index, wgi_place at, uint64_t until, wg_buf *entries, wg_buf *bytes, wg_error *err) {
    for (; at.row < until; at.row++) {
        wgi_index_key key;
        uint64_t id = 0;
        bool any = false;
        WG_TRY(wgi_index_row_key(index, &at, &index->arena, &key, &id, &any, err));
        if (!any) continue;
        const wgi_index_entry e = wgi_index_entry_of(&key, id, bytes->size);
        if (!wg_buf_append(entries, &e, sizeof e) ||
            (e.rest_size != 0 && !wg_buf_append(bytes, key.bytes + 8, e.rest_size)))
            return wg_error_nomem(err, entries->size);
    }
    return WG_OK;
}

static wg_code read_many(wgi_index *index, wgi_index_table *t, uint64_t until, wg_error *err) {
    const wgi_place at = {atomic_load_explicit(&t->table, memory_order_relaxed),
                          atomic_load_explicit(&t->rows, memory_order_relaxed)};
    wg_buf entries, bytes;
    wgi_index_run *run = NULL;
    wg_buf_init(&entries, &index->engine->index_account);
    wg_buf_init(&bytes, &index->engine->index_account);
    wg_code code = gather(index, at, until, &entries, &bytes, err);
    const uint64_t count = entries.size / sizeof(wgi_index_entry);
    if (code == WG_OK && count > 0)
        code = wgi_index_run_make(&index->engine->index_account, (wgi_index_entry *)(void *)entries.data, count,
                                  bytes.data, &run, err);
    wg_buf_deinit(&entries);
    wg_buf_deinit(&bytes);
    if (code == WG_OK && count > 0) code = add_run(index, run, false, err);
    if (code == WG_OK) atomic_store_explicit(&t->rows, until, memory_order_release);
    return code;
}

/* Rows of all tables that are not read yet; NULL where memory is short. */
static wgi_index_span *list_spans(const wgi_index *index, uint32_t *out_count, uint64_t *out_rows) {
    const wgi_index_tables *tables = atomic_load_explicit(&index->tables, memory_order_relaxed);
    wgi_index_span *spans = wg_alloc(&index->engine->index_account, (tables->count + 1) * sizeof *spans);
    *out_count = 0;
    *out_rows = 0;
    for (uint32_t i = 0; spans != NULL && i < tables->count; i++) {
        wgi_table *table = atomic_load_explicit(&tables->at[i].table, memory_order_relaxed);
        if (table == NULL) continue;
        wgi_index_span *s = &spans[(*out_count)++];
        *s = (wgi_index_span){table, atomic_load_explicit(&tables->at[i].rows, memory_order_relaxed),
                              wg_table_row_count(table->rows)};
        *out_rows += s->until - s->first;
    }
    return spans;
}

static void note_rows(const wgi_index *index, const wgi_index_span *spans, uint32_t count) {
    wgi_index_tables *tables = atomic_load_explicit(&index->tables, memory_order_relaxed);
    for (uint32_t i = 0; i < tables->count; i++)
        for (uint32_t s = 0; s < count; s++)
            if (atomic_load_explicit(&tables->at[i].table, memory_order_relaxed) == spans[s].table)
                atomic_store_explicit(&tables->at[i].rows, spans[s].until, memory_order_release);
}

/* Very many rows are read by all threads. Where memory does not allow that, they are read by chunks. */
static wg_code read_all(wgi_index *index, wg_error *err) {
    uint32_t count = 0;
    uint64_t rows = 0;
    wgi_index_run *run = NULL;
    wg_error why = {0};
    wgi_index_span *spans = list_spans(index, &count, &rows);
    if (spans == NULL || rows < BUILD_ROWS) {
        wg_free(spans);
        return WG_OK;
    }
    wg_code code = wgi_index_build(index, spans, count, &run, &why);
    if (code == WG_OK && run != NULL) code = add_run(index, run, false, &why);
    if (code == WG_OK) note_rows(index, spans, count);
    wg_free(spans);
    if (code == WG_OK || code == WG_E_NOMEM) return WG_OK;
    if (err != NULL) *err = why;
    return code;
}

wg_code wgi_index_catch_up(wgi_index *index, wg_error *err) {
    WG_TRY(list_tables(index, err));
    WG_TRY(read_all(index, err));
    wgi_index_tables *tables = atomic_load_explicit(&index->tables, memory_order_relaxed);
    for (uint32_t i = 0; i < tables->count; i++) {
        wgi_index_table *t = &tables->at[i];
        const wgi_table *table = atomic_load_explicit(&t->table, memory_order_relaxed);
        const uint64_t count = table == NULL ? 0 : wg_table_row_count(table->rows);
        for (;;) {
            const uint64_t done = atomic_load_explicit(&t->rows, memory_order_relaxed);
            if (table == NULL || done >= count) break;
            const uint64_t until = wg_min_u64(count, done + CHUNK_ROWS);
            WG_TRY(until - done < WGI_INDEX_TAIL / 4 ? read_few(index, t, until, err)
                                                     : read_many(index, t, until, err));
        }
    }
    return WG_OK;
}

uint64_t wgi_index_entry_count(const wgi_index *index) {
    const wgi_index_state *state = atomic_load_explicit(&index->state, memory_order_relaxed);
    uint64_t count = 0;
    for (uint32_t i = 0; state != NULL && i < state->run_count; i++) count += state->runs[i]->count;
    return count;
}

wg_code wgi_index_replace(wgi_index *index, wgi_index_run *const *runs, uint32_t count, wg_error *err) {
    wgi_index_state *state = NULL;
    WG_TRY(state_copy(index, &state, err));
    state->run_count = count;
    for (uint32_t i = 0; i < WGI_INDEX_RUNS_MAX; i++) state->runs[i] = i < count ? runs[i] : NULL;
    publish(index, state);
    return WG_OK;
}

/* Small runs are made one after the other while rows come in ones: their number stays that of a few halvings. */
wg_code wgi_index_freshen(wgi_index *index, wg_error *err) {
    if (is_fresh(index)) return WG_OK;
    const bool due = atomic_load_explicit(&index->sweep_due, memory_order_relaxed) < wg_engine_horizon(index->engine);
    const uint64_t horizon = due ? wgi_drop_horizon(index->engine) : 0; /* before all rows up to it are read */
    wg_mutex_lock(&index->mutex);
    wg_code code = wgi_index_catch_up(index, err);
    if (code == WG_OK) code = wgi_index_sweep(index, horizon, err);
    wg_arena_reset(&index->arena);
    wg_mutex_unlock(&index->mutex);
    return code;
}

/* ---- finding */

wg_code wgi_index_candidates(wgi_index *index, const wg_index_probe *probe, wg_buf *out, wg_error *err) {
    wgi_index_key low, high;
    WG_TRY(wgi_index_freshen(index, err));
    if (!wgi_index_bounds(&index->rule->def, probe, &low, &high)) return WG_OK;
    const wgi_index_state *state = atomic_load_explicit(&index->state, memory_order_acquire);
    bool ok = true;
    for (uint32_t i = 0; state != NULL && ok && i < state->run_count; i++)
        ok = wgi_index_run_find(state->runs[i], &low, &high, out);
    if (state != NULL && ok && state->tail != NULL) ok = wgi_index_tail_find(state->tail, &low, &high, out);
    return ok ? WG_OK : wg_error_nomem(err, out->size);
}

/* Each id once, in rising order. */
static wg_code order_ids(wg_buf *ids, size_t from, wg_account *account, wg_error *err) {
    uint64_t *all = (uint64_t *)(void *)(ids->data + from);
    const uint64_t count = (ids->size - from) / sizeof *all;
    if (count < 2) return WG_OK;
    uint64_t *space = wg_alloc(account, count * sizeof *space);
    if (space == NULL) return wg_error_nomem(err, count * sizeof *space);
    wgi_index_sort_ids(all, space, count);
    wg_free(space);
    uint64_t kept = 1;
    for (uint64_t i = 1; i < count; i++)
        if (all[i] != all[kept - 1]) all[kept++] = all[i];
    ids->size = from + kept * sizeof *all;
    return WG_OK;
}

wg_code wg_index_seek(const wg_txn *txn, const wg_rule *rule, const wg_index_probe *probes, uint32_t count,
                      wg_buf *out, wg_error *err) {
    const wg_engine *e = txn->engine;
    wgi_index *index = wgi_index_of(e, rule->number);
    const wg_label *label = wg_catalog_label_at(e->catalog, rule->def.label);
    const size_t from = out->size;
    if (index == NULL || label == NULL)
        return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "%s is no index", rule->def.name);
    for (uint32_t i = 0; i < count; i++) WG_TRY(wgi_index_candidates(index, &probes[i], out, err));
    WG_TRY(order_ids(out, from, &index->engine->index_account, err));
    size_t kept = from;
    for (size_t at = from; at < out->size; at += sizeof(uint64_t)) {
        uint64_t id;
        wgi_place place;
        memcpy(&id, out->data + at, sizeof id);
        WG_TRY(wgi_version(e, label->def.is_edge, txn->view, id, &place, err));
        if (place.table == NULL || !wgi_table_has_labels(place.table, &label->number, 1)) continue;
        memcpy(out->data + kept, &id, sizeof id);
        kept += sizeof id;
    }
    out->size = kept;
    return WG_OK;
}

static wg_code equals(const wgi_index *index, const wgi_place *at, const wg_value *values, wg_arena *arena, bool *out,
                      wg_error *err) {
    wg_value theirs[WG_KEY_COLUMNS_MAX];
    wg_arena_reset(arena);
    WG_TRY(wgi_index_row_values(index, at, arena, theirs, err));
    *out = true;
    for (uint32_t i = 0; i < index->rule->def.key_count && *out; i++)
        *out = wg_value_equal(&values[i], &theirs[i]) == 1;
    return WG_OK;
}

wg_code wgi_index_equal(const wg_engine *engine, const wg_rule *rule, wg_view view, const wg_value *values,
                        uint64_t own, uint64_t *out, uint32_t *out_equal, wg_error *err) {
    wgi_index *index = wgi_index_of(engine, rule->number);
    const wg_label *label = wg_catalog_label_at(engine->catalog, rule->def.label);
    const wg_index_probe probe = {.equal = values, .equal_count = rule->def.key_count};
    WG_ASSERT(index != NULL && label != NULL);
    wg_buf ids;
    wg_arena arena;
    wg_buf_init(&ids, &index->engine->index_account);
    wg_arena_init(&arena, &index->engine->index_account);
    uint64_t found = UINT64_MAX;
    uint32_t equal = 0;
    wg_code code = wgi_index_candidates(index, &probe, &ids, err);
    for (size_t at = 0; code == WG_OK && at < ids.size; at += sizeof(uint64_t)) {
        uint64_t id;
        wgi_place place;
        bool same = false;
        memcpy(&id, ids.data + at, sizeof id);
        if (id == own) continue;
        code = wgi_version(engine, label->def.is_edge, view, id, &place, err);
        if (code != WG_OK || place.table == NULL || !wgi_table_has_labels(place.table, &label->number, 1)) continue;
        code = equals(index, &place, values, &arena, &same, err);
        if (code != WG_OK || !same) continue;
        found = wg_min_u64(found, id);
        equal++;
    }
    wg_arena_deinit(&arena);
    wg_buf_deinit(&ids);
    if (code == WG_OK) *out = found;
    if (code == WG_OK && out_equal != NULL) *out_equal = equal;
    return code;
}

wg_code wg_txn_index_all(const wg_txn *txn, uint32_t *out_built, wg_error *err) {
    const wg_catalog *catalog = txn->engine->catalog;
    const uint32_t count = wg_catalog_rule_count(catalog);
    uint32_t built = 0;
    for (uint32_t r = 0; r < count; r++) {
        const wg_rule *rule = wg_catalog_rule_at(catalog, r);
        wgi_index *index = wgi_index_of(txn->engine, r);
        if (index == NULL || rule == NULL || !wg_rule_is_visible(rule, txn->view)) continue;
        WG_TRY(wgi_index_freshen(index, err));
        built++;
    }
    *out_built = built;
    return WG_OK;
}
