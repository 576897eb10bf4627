/* Merging fragments of rows: copying, folding newer `end`s in, dropping dead rows.
 *
 * A row's place is its ordinal, which never changes; a fragment that has lost rows lists the ordinals of those that are left
 * (WG_COLUMN_ROW). Newer `end`s (part 1) have rows of their own and are matched by ordinal; the result has the version of
 * the newer of the two, so that part 1, wherever it lies, counts as taken in.
 *
 * A slot without a row left must not let an older one come to light: it is written with no rows unless the job is at the
 * bottom and no stripe outside of it has the slot.
 *
 * Cells are copied by way of columns in memory, with strings in an arena: a fragment at a time. Bytes are not trusted:
 * ordinals must ascend inside the slot, heads must be numbers without nulls; otherwise WG_E_CORRUPT. */
#include "worldgraph/mmap/merge_internal.h"

static wg_code corrupt(const wg_fragment *f, const char *what, wg_error *err) {
    const wg_fragment_key *k = &f->head.key;
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stripe %llu: kind %u, owner %u, slot %llu, part %u: %s",
                        (unsigned long long)wg_stripe_id(f->stripe), k->kind, k->owner, (unsigned long long)k->slot,
                        k->part, what);
}

/* ---- heads of a slot */

/* All rows of a column of numbers; `missing` for all when there is none. */
static wg_code numbers_read(const wg_fragment *f, uint32_t id, uint64_t missing, wg_account *account, uint64_t *out,
                            wg_error *err) {
    const uint32_t column = wg_fragment_column_of(f, id);
    const uint32_t count = f->head.row_count;
    if (column == UINT32_MAX) {
        for (uint32_t i = 0; i < count; i++) out[i] = missing;
        return WG_OK;
    }
    const wg_type type = f->columns[column].type;
    if ((type != WG_TYPE_NODE && type != WG_TYPE_INT) || f->columns[column].null_count != 0)
        return corrupt(f, "a head column is not of whole numbers", err);
    wg_fragment_scratch scratch = {.account = account};
    wg_code code = WG_OK;
    for (uint32_t at = 0; at < count && code == WG_OK; at += WG_BATCH_ROWS_MAX) {
        const uint32_t rows = (uint32_t)wg_min_u64(count - at, WG_BATCH_ROWS_MAX);
        wg_vector v;
        code = wg_fragment_read(f, column, at, rows, &scratch, &v, err);
        if (code == WG_OK) memcpy(out + at, v.data, rows * sizeof *out);
    }
    wg_fragment_scratch_deinit(&scratch);
    return code;
}

static wg_code ordinals_read(const wg_fragment *f, wg_account *account, uint64_t *out, wg_error *err) {
    const uint32_t count = f->head.row_count;
    if (count > WG_FRAGMENT_ROWS_MAX) return corrupt(f, "more rows than a slot has", err);
    WG_TRY(numbers_read(f, WG_COLUMN_ROW, 0, account, out, err));
    if (wg_fragment_column_of(f, WG_COLUMN_ROW) == UINT32_MAX)
        for (uint32_t i = 0; i < count; i++) out[i] = i;
    for (uint32_t i = 0; i < count; i++)
        if (out[i] >= WG_FRAGMENT_ROWS_MAX || (i > 0 && out[i] <= out[i - 1]))
            return corrupt(f, "rows out of order or outside of the slot", err);
    return WG_OK;
}

wg_code wgi_slot_rows_read(const wg_fragment *rows, const wg_fragment *ends, wg_account *account, wgi_slot_rows *out,
                           wg_error *err) {
    out->count = rows->head.row_count;
    out->folded = false;
    WG_TRY(ordinals_read(rows, account, out->ordinals, err));
    WG_TRY(numbers_read(rows, WG_COLUMN_BEGIN, 0, account, out->begins, err));
    WG_TRY(numbers_read(rows, WG_COLUMN_END, WG_LOGSEQ_NEVER, account, out->ends, err));
    if (ends == NULL) return WG_OK;
    WG_TRY(ordinals_read(ends, account, out->spare[0], err));
    WG_TRY(numbers_read(ends, WG_COLUMN_END, WG_LOGSEQ_NEVER, account, out->spare[1], err));
    uint32_t at = 0;
    for (uint32_t i = 0; i < out->count; i++) {
        while (at < ends->head.row_count && out->spare[0][at] < out->ordinals[i]) at++;
        if (at < ends->head.row_count && out->spare[0][at] == out->ordinals[i]) out->ends[i] = out->spare[1][at];
    }
    out->folded = true;
    return WG_OK;
}

/* What the footer says is often enough: 1 some row may be dead, 0 none is. */
static bool may_have_dead(const wg_fragment *rows, const wg_fragment *ends, uint64_t horizon) {
    const uint32_t begin = wg_fragment_column_of(rows, WG_COLUMN_BEGIN);
    if (begin == UINT32_MAX) return false;
    if (!rows->columns[begin].has_zone || rows->columns[begin].max.as.id == WG_LOGSEQ_NEVER) return true;
    const wg_fragment *const parts[2] = {rows, ends};
    for (int i = 0; i < 2; i++) {
        if (parts[i] == NULL) continue;
        const uint32_t end = wg_fragment_column_of(parts[i], WG_COLUMN_END);
        if (end == UINT32_MAX) continue;
        if (!parts[i]->columns[end].has_zone || parts[i]->columns[end].min.as.id <= horizon) return true;
    }
    return false;
}

wg_code wgi_slot_rows_dead(const wg_fragment *rows, const wg_fragment *ends, uint64_t horizon, wg_account *account,
                           wgi_slot_rows **scratch, uint32_t *out_dead, wg_error *err) {
    *out_dead = 0;
    if (rows->head.row_count == 0 || !may_have_dead(rows, ends, horizon)) return WG_OK;
    if (*scratch == NULL) *scratch = wg_alloc(account, sizeof **scratch);
    if (*scratch == NULL) return wg_error_nomem(err, sizeof **scratch);
    WG_TRY(wgi_slot_rows_read(rows, ends, account, *scratch, err));
    for (uint32_t i = 0; i < rows->head.row_count; i++)
        if (wgi_row_is_dead(*scratch, i, horizon)) (*out_dead)++;
    return WG_OK;
}

/* ---- writing a fragment again */

typedef struct rewriter {
    const wg_fragment *from;
    wgi_slot_rows *slot; /* NULL: all rows stay as they are */
    uint64_t horizon;
    bool needs_rows; /* ordinals are not 0, 1, 2, ... */
    bool needs_ends;
    wg_fragment_head head;
    wg_arena strings;
    wg_column *columns;
    wg_stripe_column *views;
    uint32_t count;
    wg_fragment_scratch scratch;
} rewriter;

static bool is_kept(const rewriter *r, uint32_t row) {
    return r->slot == NULL || !wgi_row_is_dead(r->slot, row, r->horizon);
}

/* Appends the kept rows of one column of the source. */
static wg_code column_copy(rewriter *r, uint32_t column, wg_error *err) {
    wg_column *to = &r->columns[r->count];
    const uint32_t rows = r->from->head.row_count;
    for (uint32_t at = 0; at < rows; at += WG_BATCH_ROWS_MAX) {
        const uint32_t count = (uint32_t)wg_min_u64(rows - at, WG_BATCH_ROWS_MAX);
        wg_vector v;
        WG_TRY(wg_fragment_read(r->from, column, at, count, &r->scratch, &v, err));
        if (!wg_column_reserve(to, count)) return wg_error_nomem(err, count);
        for (uint32_t i = 0; i < count; i++)
            if (is_kept(r, at + i) && !wg_column_append_cell(to, &v, i)) return wg_error_nomem(err, count);
    }
    return WG_OK;
}

/* Appends the kept rows of what was worked out: ordinals or ends. */
static wg_code column_fill(rewriter *r, const uint64_t *cells, wg_error *err) {
    wg_column *to = &r->columns[r->count];
    if (!wg_column_reserve(to, r->from->head.row_count)) return wg_error_nomem(err, r->from->head.row_count);
    for (uint32_t i = 0; i < r->from->head.row_count; i++)
        if (is_kept(r, i) && !wg_column_append_id(to, cells[i])) return wg_error_nomem(err, sizeof cells[i]);
    return WG_OK;
}

static wg_code column_add(rewriter *r, uint32_t id, uint32_t source, wg_error *err) {
    const wg_type type = source == UINT32_MAX ? WG_TYPE_NODE : r->from->columns[source].type;
    wg_column_init(&r->columns[r->count], type, &r->strings, r->strings.account);
    wg_code code;
    if (source != UINT32_MAX) code = column_copy(r, source, err);
    else code = column_fill(r, id == WG_COLUMN_ROW ? r->slot->ordinals : r->slot->ends, err);
    r->views[r->count].id = id;
    r->count++; /* also on failure: the column is freed with the others */
    return code;
}

/* All columns in the order of ids; ordinals and ends of a rewritten slot are worked out instead of copied. */
static wg_code columns_add(rewriter *r, wg_error *err) {
    static const uint32_t made[2] = {WG_COLUMN_ROW, WG_COLUMN_END};
    const bool needed[2] = {r->needs_rows, r->needs_ends};
    const bool empty = r->head.row_count == 0;
    uint32_t next = r->slot == NULL ? 2 : 0;
    for (uint32_t i = 0; i < r->from->column_count; i++) {
        const uint32_t id = r->from->columns[i].id;
        for (; next < 2 && made[next] < id; next++)
            if (needed[next]) WG_TRY(column_add(r, made[next], UINT32_MAX, err));
        if (r->slot != NULL && (id == WG_COLUMN_ROW || id == WG_COLUMN_END)) continue;
        if (empty && id < WG_COLUMN_HEADS) continue; /* a slot without rows needs no cells */
        WG_TRY(column_add(r, id, i, err));
    }
    for (; next < 2; next++)
        if (needed[next]) WG_TRY(column_add(r, made[next], UINT32_MAX, err));
    return WG_OK;
}

static wg_code rewrite(wgi_merge *m, rewriter *r, wg_error *err) {
    const size_t columns = (size_t)r->from->column_count + 2;
    wg_arena_init(&r->strings, m->account);
    r->scratch.account = m->account;
    r->columns = wg_alloc_zero(m->account, columns * sizeof *r->columns);
    r->views = wg_alloc_zero(m->account, columns * sizeof *r->views);
    wg_code code = WG_OK;
    if (r->columns == NULL || r->views == NULL) WG_TRY_GOTO(wg_error_nomem(err, columns * sizeof *r->columns));
    WG_TRY_GOTO(columns_add(r, err));
    for (uint32_t i = 0; i < r->count; i++) {
        WG_ASSERT(r->columns[i].row_count == r->head.row_count);
        r->views[i].vector = wg_column_view(&r->columns[i]);
    }
    WG_TRY_GOTO(wg_stripe_sink_add(&m->sink, &r->head, r->views, r->count, err));
fail:
    for (uint32_t i = 0; i < r->count; i++) wg_column_deinit(&r->columns[i]);
    wg_free(r->columns);
    wg_free(r->views);
    wg_fragment_scratch_deinit(&r->scratch);
    wg_arena_deinit(&r->strings);
    return code;
}

wg_code wgi_merge_copy(wgi_merge *m, const wg_fragment *fragment, wg_error *err) {
    rewriter r = {.from = fragment, .head = fragment->head};
    return rewrite(m, &r, err);
}

/* True when a stripe that is no input has this key: an older fragment would come to light if the slot vanished. */
static bool is_elsewhere(const wgi_merge *m, const wg_fragment_key *key) {
    for (uint32_t i = 0; i < m->view->slot_count; i++)
        if (m->is_input[i] == 0 && wgi_stripe_find(m->view->slots[i].member->stripe, key) != NULL) return true;
    return false;
}

wg_code wgi_merge_slot(wgi_merge *m, const wg_fragment *rows, const wg_fragment *ends, wg_error *err) {
    const uint64_t horizon = m->input->horizon;
    uint32_t dead = 0;
    WG_TRY(wgi_slot_rows_dead(rows, ends, horizon, m->account, &m->slot, &dead, err));
    m->rows_dropped += dead;
    const uint32_t kept = rows->head.row_count - dead;
    if (kept == 0 && m->input->bottom && !is_elsewhere(m, &rows->head.key)) {
        m->fragments_dropped++;
        return WG_OK;
    }
    if (dead == 0 && ends == NULL) return wgi_merge_copy(m, rows, err);
    if (m->slot == NULL) m->slot = wg_alloc(m->account, sizeof *m->slot);
    if (m->slot == NULL) return wg_error_nomem(err, sizeof *m->slot);
    if (dead == 0) WG_TRY(wgi_slot_rows_read(rows, ends, m->account, m->slot, err));
    rewriter r = {.from = rows, .slot = m->slot, .horizon = horizon, .head = rows->head};
    r.head.row_count = kept;
    if (ends != NULL) r.head.version = wg_max_u64(rows->head.version, ends->head.version);
    uint32_t place = 0;
    for (uint32_t i = 0; i < rows->head.row_count; i++) {
        if (!is_kept(&r, i)) continue;
        r.needs_rows = r.needs_rows || m->slot->ordinals[i] != place;
        r.needs_ends = r.needs_ends || m->slot->ends[i] != WG_LOGSEQ_NEVER;
        place++;
    }
    WG_ASSERT(place == kept);
    return rewrite(m, &r, err);
}
