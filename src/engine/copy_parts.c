/* COPY in several transactions (COMMIT EVERY n ROWS): behind every n rows of the files what was written is committed, the writer's place is
 * given up and taken again. So a load needs the memory and the log of one part only: checkpoints run between two.
 *
 * Rows are counted over all files, left out ones included. A part ends behind a row that the statement alone decides, so the same
 * statement makes the same commits on any number of threads. What others commit between two parts is seen by the next one: their nodes are found
 * as ends, their keys are taken. Rows that threads have made ready ahead may have ends of before: then they are found again. A label
 * that is loaded into, or its ends', and that somebody has changed ends the load: its columns would mean something else.
 *
 * Failure modes: those of commits and of beginning a transaction; WG_E_CONFLICT for a changed label. What was committed stays, and the error says
 * how many rows that are. */
#include <stdio.h>

#include "engine/copy.h"

/* ---- where parts end */

uint64_t wgi_copy_room(const wgi_copier *c, uint64_t row) {
    const wg_copy_options *o = c->options;
    if (row <= o->skip_rows) return o->skip_rows - row + 1;
    return o->part_rows == 0 ? UINT64_MAX : o->part_rows - (row - o->skip_rows - 1) % o->part_rows;
}

bool wgi_copy_part_ends(const wgi_copier *c, uint64_t row) {
    return c->options->part_rows != 0 && row > c->options->skip_rows && wgi_copy_room(c, row) == 1;
}

/* ---- the gate */

void wgi_copy_gate_init(wgi_copier *c) {
    wg_mutex_init(&c->gate.mutex, WG_RANK_POOL);
    wg_cond_init(&c->gate.changed);
}

void wgi_copy_gate_deinit(wgi_copier *c) {
    wg_cond_deinit(&c->gate.changed);
    wg_mutex_deinit(&c->gate.mutex);
}

bool wgi_copy_gate_enter(wgi_copier *c) {
    wgi_copy_gate *gate = &c->gate;
    wg_mutex_lock(&gate->mutex);
    while (gate->closed) wg_cond_wait(&gate->changed, &gate->mutex);
    const bool open = !gate->broken;
    if (open) gate->inside++;
    wg_mutex_unlock(&gate->mutex);
    return open;
}

void wgi_copy_gate_leave(wgi_copier *c) {
    wgi_copy_gate *gate = &c->gate;
    wg_mutex_lock(&gate->mutex);
    if (--gate->inside == 0) wg_cond_broadcast(&gate->changed);
    wg_mutex_unlock(&gate->mutex);
}

static void gate_close(wgi_copier *c) {
    wgi_copy_gate *gate = &c->gate;
    wg_mutex_lock(&gate->mutex);
    gate->closed = true;
    while (gate->inside != 0) wg_cond_wait(&gate->changed, &gate->mutex);
    wg_mutex_unlock(&gate->mutex);
}

/* `broken`: there is no transaction any more in which ends could be found. */
static void gate_open(wgi_copier *c, bool broken) {
    wgi_copy_gate *gate = &c->gate;
    wg_mutex_lock(&gate->mutex);
    gate->closed = false;
    gate->broken |= broken;
    wg_cond_broadcast(&gate->changed);
    wg_mutex_unlock(&gate->mutex);
}

/* ---- parts */

static const wg_label *label_now(const wgi_copier *c, uint32_t i) {
    const wg_copy_options *o = c->options;
    const uint32_t number = i < o->label_count ? o->labels[i] : c->ends[i - o->label_count].label;
    const wg_label *label = wg_catalog_label_at(c->txn->engine->catalog, number);
    return label != NULL && wg_label_is_visible(label, wgi_txn_newest(c->txn)) ? label : NULL;
}

static uint32_t labels_seen(const wgi_copier *c) { return c->options->label_count + (c->is_edge ? 2 : 0); }

static void part_begin(wgi_copier *c) {
    wg_txn_mark_set(c->txn, &c->mark);
    c->heap_before = wg_account_bytes(c->account);
    c->counts_before = c->counts.rows + c->counts.rejected;
}

void wgi_copy_parts_init(wgi_copier *c) {
    c->done = c->options->skip_rows;
    c->heap_before = wg_account_bytes(c->account);
    for (uint32_t i = 0; i < labels_seen(c); i++) c->seen[i] = label_now(c, i);
}

/* The transaction has begun anew: what others did meanwhile. */
static wg_code part_look(wgi_copier *c, uint64_t changes, wg_error *err) {
    for (uint32_t i = 0; i < labels_seen(c); i++)
        if (label_now(c, i) != c->seen[i])
            return wg_error_set(err, WG_E_CONFLICT, WG_NO_OFFSET, "label %s was changed while COPY went on",
                                c->seen[i] == NULL ? "?" : c->seen[i]->def.name);
    if (!c->is_edge || c->txn->engine->graph_changes == changes) return WG_OK;
    c->generation++;
    return wgi_copy_maps_make(c, err);
}

static void note_done(wgi_copier *c, uint64_t row, uint64_t at) {
    const size_t size = strlen(c->path);
    const size_t kept = wg_min_size(size, sizeof c->done_path - 1);
    const char *end = c->path + size - kept;
    while (((uint8_t)*end & 0xC0) == 0x80) end++; /* a character goes whole */
    memcpy(c->done_path, end, strlen(end) + 1);
    c->done = row;
    c->done_at = at;
    c->done_by_line = c->counts_lines;
}

/* What stands in the file of rejects belongs to rows that a next load would skip. */
static wg_code rejects_sync(wgi_copier *c, wg_error *err) {
    wg_platform *p = c->txn->engine->platform;
    if (c->reject_file == NULL || c->counts.rejected == c->rejects_synced) return WG_OK;
    c->rejects_synced = c->counts.rejected;
    return p->ops->sync(p, c->reject_file, err);
}

/* Everything up to `row` becomes a transaction, where it has written anything. */
static wg_code part_commit(wgi_copier *c, bool more, uint64_t row, uint64_t at, wg_error *err) {
    uint64_t logseq = 0;
    WG_TRY(rejects_sync(c, err));
    if (!wg_txn_has_writes(c->txn)) {
        note_done(c, row, at);
        return WG_OK;
    }
    const uint64_t changes = c->txn->engine->graph_changes + 1;
    gate_close(c);
    wg_code code = wgi_txn_commit_part(c->txn, more, &logseq, err);
    if (logseq != 0) {
        note_done(c, row, at);
        c->counts.commits++;
        part_begin(c);
    }
    if (code == WG_OK && more) code = part_look(c, changes, err);
    gate_open(c, code != WG_OK);
    return code;
}

wg_code wgi_copy_parts_behind(wgi_copier *c, uint64_t row, uint64_t at, wg_error *err) {
    c->last = row;
    c->last_at = at;
    if (row <= c->done || !wgi_copy_part_ends(c, row)) return WG_OK;
    return part_commit(c, true, row, at, err);
}

wg_code wgi_copy_parts_finish(wgi_copier *c, wg_error *err) {
    return c->options->part_rows == 0 ? WG_OK : part_commit(c, false, c->last, c->last_at, err);
}

/* ---- ends that are out of date */

bool wgi_copy_is_stale(const wgi_copy_rows *rows) {
    return rows->row_count != 0 && rows->copier->is_edge && rows->generation != rows->copier->generation;
}

wg_code wgi_copy_rows_renew(const wgi_copy_rows *rows, wgi_copy_rows **out, wg_error *err) {
    wgi_copy_rows *fresh = NULL;
    WG_TRY(wgi_copy_rows_create(rows->copier, &fresh, err));
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < rows->reject_count && code == WG_OK; i++) {
        wg_error why = {0};
        (void)wg_error_set(&why, rows->rejects[i].code, WG_NO_OFFSET, "%s", rows->rejects[i].message);
        code = wgi_copy_rows_refuse(fresh, rows->rejects[i].at, &why, err);
    }
    if (code == WG_OK) code = wgi_copy_rows_fill(fresh, rows->parts, rows->row_count, rows->at, err);
    if (code == WG_OK && rows->failed && !fresh->failed) {
        fresh->failed = true;
        fresh->error = rows->error;
    }
    if (code == WG_OK) *out = fresh;
    else wgi_copy_rows_destroy(fresh);
    return code;
}

/* ---- what the error says */

/* Down to 1, 2 or 5 times a power of ten. */
static uint64_t round_down(uint64_t n) {
    uint64_t power = 1;
    while (n / 10 >= power) power *= 10;
    const uint64_t first = n / power;
    return n == 0 ? 1 : power * (first >= 5 ? 5 : first >= 2 ? 2 : 1);
}

/* How many rows a part may have: of the memory a transaction has a quarter of the share for sure, and half of that is left free. */
static uint64_t rows_that_fit(const wgi_copier *c) {
    const uint64_t cap = wgi_heap_cap(c->txn->engine);
    const uint64_t heap = wg_account_bytes(c->account);
    const uint64_t rows = c->counts.rows + c->counts.rejected - c->counts_before;
    const uint64_t grown = heap > c->heap_before ? heap - c->heap_before : 1;
    const uint64_t by_log = rows / 2;
    if (cap == 0) return round_down(by_log);
    const uint64_t by_heap = (uint64_t)((double)rows * (double)(cap / 8) / (double)grown);
    return round_down(wg_min_u64(by_log, by_heap));
}

wg_code wgi_copy_parts_error(const wgi_copier *c, wg_code code, wg_error *err) {
    const bool log_full = code == WG_E_LIMIT && c->txn->log.size > WG_WAL_COMMIT_BYTES_MAX / 2;
    char advice[64] = "";
    if (code == WG_E_CAPACITY || log_full)
        (void)snprintf(advice, sizeof advice, "; try COMMIT EVERY %llu ROWS", (unsigned long long)rows_that_fit(c));
    if (c->options->part_rows == 0) return wg_error_suffix(err, code, "%s", advice);
    if (c->counts.commits == 0) return wg_error_suffix(err, code, "%s; no row was committed", advice);
    return wg_error_suffix(err, code, "%s; up to %s %llu of %s all is committed: SKIP %llu goes on behind it", advice,
                           c->done_by_line ? "line" : "row", (unsigned long long)c->done_at, c->done_path,
                           (unsigned long long)c->done);
}
