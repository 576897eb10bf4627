/* Which runs of keys and adjacency there are too many of, or too much dead in; which sets of agents' records there are too many of. Each
 * checkpoint writes a run for each label, a set for each run that changed; a look-up asks all of them. Merges join those that they meet side by side, which is chance: here it is made a job of its own.
 *
 * Dead entries are counted without reading any: rows of nodes and edges that nobody can see are dropped when stripes of rows are merged,
 * and what the runs of a label have more than its tables have rows is of such ones. Rows of several versions of one node make the
 * count too low, never too high; rows that are not stored yet are added.
 *
 * A job may change less than was hoped: a run that reaches into level 0 stays. What was left after it is kept, and the owner is due
 * again only when there is more. */
#include "engine/engine_internal.h"

/* What the runs of one owner come to. */
typedef struct wgi_runs_state {
    uint64_t owner; /* kind << 32 | label */
    uint64_t runs;
    uint64_t entries;
    uint64_t dead;
} wgi_runs_state;

typedef struct runs_look {
    wg_engine *engine;
    const wg_compaction_policy *policy;
    const wg_compaction_file *files; /* by rising id */
    uint32_t file_count;
    uint64_t *rows; /* stored ones of each table; NULL: not counted yet */
    wg_buf runs;    /* wg_compaction_run each */
} runs_look;

static uint64_t owner_of(const wg_fragment_key *key) { return (uint64_t)key->kind << 32 | key->owner; }

/* ---- rows of a label */

static wg_code rows_count(runs_look *l, wg_error *err) {
    const wg_stripe_set *set = l->engine->maintenance.stripes;
    const uint32_t tables = atomic_load_explicit(&l->engine->table_count, memory_order_acquire);
    const wg_fragment_key first = {.kind = WG_KIND_ROWS};
    const wg_fragment *f = NULL;
    l->rows = wg_alloc_zero(&l->engine->account, (tables + (size_t)1) * sizeof *l->rows);
    if (l->rows == NULL) return wg_error_nomem(err, tables * sizeof *l->rows);
    for (uint64_t at = wg_stripe_set_seek(set, &first); (f = wg_stripe_set_next(set, &at)) != NULL;) {
        const wg_fragment_key *key = &f->head.key;
        if (key->kind != WG_KIND_ROWS) break;
        if (key->part == 0 && key->owner < tables) l->rows[key->owner] += f->head.row_count;
    }
    for (uint32_t t = 0; t < tables; t++) { /* what came since the checkpoint */
        const wgi_table *table = wgi_table_at(l->engine, t);
        if (table != NULL && !atomic_load_explicit(&table->dead, memory_order_relaxed))
            l->rows[t] += wg_table_row_count(table->rows) - table->stored_rows;
    }
    return WG_OK;
}

static bool has_label(const wgi_table *table, bool is_edge, uint32_t label) {
    if (table == NULL || table->is_edge != is_edge || atomic_load_explicit(&table->dead, memory_order_relaxed))
        return false;
    for (uint32_t i = 0; i < table->label_count; i++)
        if (table->labels[i] == label) return true;
    return false;
}

static wg_code dead_count(runs_look *l, wgi_runs_state *state, wg_error *err) {
    if (state->owner >> 32 == WG_KIND_STATE) return WG_OK; /* a merge finds out */
    if (l->rows == NULL) WG_TRY(rows_count(l, err));
    const uint32_t tables = atomic_load_explicit(&l->engine->table_count, memory_order_acquire);
    const bool is_edge = state->owner >> 32 == WG_KIND_ADJACENCY;
    uint64_t rows = 0;
    for (uint32_t t = 0; t < tables; t++)
        if (has_label(wgi_table_at(l->engine, t), is_edge, (uint32_t)state->owner)) rows += l->rows[t];
    state->dead = state->entries > rows ? state->entries - rows : 0;
    return WG_OK;
}

/* ---- what was left after a job */

static wgi_runs_state *joined_find(const wgi_maintenance *m, uint64_t owner) {
    wgi_runs_state *states = (wgi_runs_state *)(void *)m->runs_joined.data;
    for (size_t i = 0; i < m->runs_joined.size / sizeof *states; i++)
        if (states[i].owner == owner) return &states[i];
    return NULL;
}

static wg_code joined_note(wgi_maintenance *m, const wgi_runs_state *now, wg_error *err) {
    wgi_runs_state *before = joined_find(m, now->owner);
    m->runs_owner = UINT64_MAX;
    if (before != NULL) *before = *now;
    else if (!wg_buf_append(&m->runs_joined, now, sizeof *now)) return wg_error_nomem(err, sizeof *now);
    return WG_OK;
}

/* ---- the list */

static bool is_fixed(const runs_look *l, const wg_fragment *f) {
    const uint64_t id = wg_stripe_id(f->stripe);
    uint32_t low = 0;
    uint32_t high = l->file_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (l->files[middle].id < id) low = middle + 1;
        else high = middle;
    }
    return low == l->file_count || l->files[low].id != id || l->files[low].level == 0;
}

static void run_add(const runs_look *l, wg_compaction_run *run, wgi_runs_state *state, const wg_fragment *f) {
    const bool counts = f->head.key.kind == WG_KIND_KEYS || f->head.key.part == 1;
    for (uint32_t c = 0; c < f->column_count; c++) run->bytes += f->columns[c].stored_bytes;
    run->fixed |= is_fixed(l, f);
    wg_fragment_key_bytes(&f->head.key, run->last);
    if (counts) state->entries += f->head.row_count;
}

/* Appends the runs of the owner whose first piece is *f, and steps to what follows. */
static wg_code owner_read(runs_look *l, uint64_t *at, const wg_fragment **f, wgi_runs_state *state, wg_error *err) {
    const wg_stripe_set *set = l->engine->maintenance.stripes;
    *state = (wgi_runs_state){.owner = owner_of(&(*f)->head.key)};
    while (*f != NULL && owner_of(&(*f)->head.key) == state->owner) {
        const uint64_t number = (*f)->head.key.run;
        wg_compaction_run run = {.owner = state->owner};
        wg_fragment_key_bytes(&(*f)->head.key, run.first);
        for (; *f != NULL && owner_of(&(*f)->head.key) == state->owner && (*f)->head.key.run == number;
             *f = wg_stripe_set_next(set, at))
            run_add(l, &run, state, *f);
        state->runs++;
        if (!wg_buf_append(&l->runs, &run, sizeof run)) return wg_error_nomem(err, sizeof run);
    }
    return WG_OK;
}

/* Keeps the runs from `mark` on when something is to be done about them. */
static wg_code owner_judge(runs_look *l, size_t mark, wgi_runs_state *state, wg_error *err) {
    enum { RUNS_MAX = 6, DEAD_PERCENT = 25 };
    wgi_maintenance *m = &l->engine->maintenance;
    WG_TRY(dead_count(l, state, err));
    if (m->runs_owner == state->owner) WG_TRY(joined_note(m, state, err));
    const wgi_runs_state *left = joined_find(m, state->owner);
    const uint64_t runs_max = l->policy->runs_max != 0 ? l->policy->runs_max : RUNS_MAX;
    const uint64_t percent = l->policy->tombstone_percent != 0 ? l->policy->tombstone_percent : DEAD_PERCENT;
    const bool many = state->runs > runs_max && (left == NULL || state->runs > left->runs);
    const bool dead = state->dead > state->entries / 100 * percent + state->entries % 100 * percent / 100 &&
                      (left == NULL || state->dead > left->dead);
    wg_compaction_run *runs = (wg_compaction_run *)(void *)l->runs.data;
    for (size_t i = mark / sizeof *runs; i < l->runs.size / sizeof *runs; i++) runs[i].dead = dead;
    if (!many && !dead) l->runs.size = mark;
    return WG_OK;
}

static wg_code owners_of(runs_look *l, uint32_t first_kind, uint32_t last_kind, wg_error *err) {
    const wg_stripe_set *set = l->engine->maintenance.stripes;
    const wg_fragment_key first = {.kind = first_kind};
    uint64_t at = wg_stripe_set_seek(set, &first);
    const wg_fragment *f = wg_stripe_set_next(set, &at);
    while (f != NULL && f->head.key.kind <= last_kind) {
        wgi_runs_state state;
        const size_t mark = l->runs.size;
        WG_TRY(owner_read(l, &at, &f, &state, err));
        WG_TRY(owner_judge(l, mark, &state, err));
    }
    return WG_OK;
}

/* Keys and adjacency of labels, and the sets of records of agents' runs. */
static wg_code owners_read(runs_look *l, wg_error *err) {
    WG_TRY(owners_of(l, WG_KIND_KEYS, WG_KIND_ADJACENCY, err));
    return owners_of(l, WG_KIND_STATE, WG_KIND_STATE, err);
}

wg_code wgi_runs_pick(wg_engine *engine, const wg_compaction_policy *policy, const wg_compaction_file *files,
                      uint32_t file_count, wg_compaction_job *out, wg_error *err) {
    runs_look l = {.engine = engine, .policy = policy, .files = files, .file_count = file_count};
    uint64_t owner = UINT64_MAX;
    wg_buf_init(&l.runs, &engine->account);
    const uint32_t slot = wg_epoch_enter(engine->epoch);
    const wg_code code = owners_read(&l, err);
    wg_epoch_leave(engine->epoch, slot);
    if (code == WG_OK)
        wg_compaction_pick_runs(policy, files, file_count, (const wg_compaction_run *)(const void *)l.runs.data,
                                (uint32_t)(l.runs.size / sizeof(wg_compaction_run)), out, &owner);
    if (code == WG_OK && out->trigger != WG_COMPACT_NOTHING) engine->maintenance.runs_owner = owner;
    wg_free(l.rows);
    wg_buf_deinit(&l.runs);
    return code;
}
