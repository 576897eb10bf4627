/* Sorted runs in temporary files, and their merging: the outer half of a sort whose rows do not fit into memory, and what puts the partitions
 * of a spilled aggregation or join back into one order.
 *
 * A run is blocks of WGI_SPILL_RUN_ROWS rows in order, the key columns last. Up to WGI_SPILL_FAN_IN runs, fewer when memory is very short, are merged at once by a heap of their
 * heads; of equal heads that of the earlier run goes first, so merging is stable. More runs are first merged in neighbouring groups, until
 * few enough are left. Each run that is being merged has one block in memory. */
#include "exec/spill.h"

typedef struct head {
    const wgi_run *run;
    uint32_t number; /* of the run */
    uint32_t block;  /* the next one to read */
    uint32_t row;
    wg_rows *rows;
    wg_vector *columns; /* views of rows */
} head;

typedef struct merge {
    const wgi_runs *runs;
    head *heads;
    uint32_t head_count;
    uint32_t *heap; /* numbers of heads */
    uint32_t heap_count;
    wg_rows *out;     /* where rows go: the answer, or what is written as a longer run */
    uint32_t columns; /* of out */
    uint64_t *tally;  /* of the runs; NULL: `out` is not the answer */
    uint32_t picked_heads[WGI_SPILL_RUN_ROWS];
    uint32_t picked_rows[WGI_SPILL_RUN_ROWS];
    uint32_t picked;
} merge;

void wgi_run_deinit(wgi_run *run) {
    wgi_spill_release(run->spill);
    wg_free(run->blocks);
    *run = (wgi_run){0};
}

void wgi_runs_deinit(wgi_runs *runs) {
    for (uint32_t i = 0; i < runs->count; i++) wgi_run_deinit(&runs->runs[i]);
    wg_free(runs->runs);
    runs->runs = NULL;
    runs->count = runs->capacity = 0;
}

static wg_code runs_reserve(wgi_runs *runs, uint32_t more, wg_error *err) {
    if (runs->count + more <= runs->capacity) return WG_OK;
    const uint32_t capacity = runs->count + more + runs->capacity;
    wgi_run *grown = wg_realloc(runs->context->account, runs->runs, capacity * sizeof *grown);
    if (grown == NULL) return wg_error_nomem(err, capacity * sizeof *grown);
    runs->runs = grown;
    runs->capacity = capacity;
    return WG_OK;
}

static wg_code run_append(const wgi_runs *runs, wgi_run *run, const wgi_spill_rows *part, wg_error *err) {
    if (run->count == run->capacity) {
        const uint32_t capacity = run->capacity == 0 ? 8 : run->capacity * 2;
        wgi_spill_block *grown = wg_realloc(runs->context->account, run->blocks, capacity * sizeof *grown);
        if (grown == NULL) return wg_error_nomem(err, capacity * sizeof *grown);
        run->blocks = grown;
        run->capacity = capacity;
    }
    WG_TRY(wgi_spill_write(run->spill, part, &run->blocks[run->count], err));
    run->count++;
    run->rows += part->n;
    return WG_OK;
}

/* Runs share one file as long as the set of runs lives. */
static wg_code begin_run(const wgi_runs *runs, wgi_spill *shared, wgi_run *out, wg_error *err) {
    *out = (wgi_run){0};
    if (shared == NULL) return wgi_spill_create(runs->context, runs->user, &out->spill, err);
    wgi_spill_acquire(shared);
    out->spill = shared;
    return WG_OK;
}

wg_code wgi_run_extend(const wgi_runs *runs, wgi_run *run, const wg_rows *rows, const uint32_t *index, uint32_t n,
                       wg_error *err) {
    wg_vector *views = wg_alloc(runs->context->account, (runs->column_count + 1) * sizeof *views);
    wg_code code = views == NULL ? wg_error_nomem(err, runs->column_count * sizeof *views) : WG_OK;
    for (uint32_t c = 0; c < runs->column_count && code == WG_OK; c++) views[c] = wg_column_view(&rows->columns[c]);
    for (uint32_t i = 0; i < n && code == WG_OK; i += WGI_SPILL_RUN_ROWS) {
        const uint32_t count = n - i < WGI_SPILL_RUN_ROWS ? n - i : WGI_SPILL_RUN_ROWS;
        const wgi_spill_rows part = {views, runs->column_count, index != NULL ? index + i : NULL, i, count};
        code = run_append(runs, run, &part, err);
    }
    wg_free(views);
    return code;
}

wg_code wgi_runs_add(wgi_runs *runs, const wg_rows *rows, const uint32_t *index, uint32_t n, wg_error *err) {
    if (n == 0) return WG_OK;
    wgi_run run;
    WG_TRY(runs_reserve(runs, 1, err));
    WG_TRY(begin_run(runs, runs->count > 0 ? runs->runs[0].spill : NULL, &run, err));
    const wg_code code = wgi_run_extend(runs, &run, rows, index, n, err);
    if (code == WG_OK) runs->runs[runs->count++] = run;
    else wgi_run_deinit(&run);
    return code;
}

void wgi_run_begin(wgi_spill *file, wgi_run *out) {
    wgi_spill_acquire(file);
    *out = (wgi_run){.spill = file};
}

wg_code wgi_run_take(const wgi_runs *runs, wgi_run *run, wgi_run *from, wg_error *err) {
    WG_ASSERT(run->spill == from->spill);
    if (run->count + from->count > run->capacity) {
        const uint32_t capacity = run->count + from->count + run->capacity;
        wgi_spill_block *grown = wg_realloc(runs->context->account, run->blocks, capacity * sizeof *grown);
        if (grown == NULL) return wg_error_nomem(err, capacity * sizeof *grown);
        run->blocks = grown;
        run->capacity = capacity;
    }
    for (uint32_t i = 0; i < from->count; i++) run->blocks[run->count++] = from->blocks[i];
    run->rows += from->rows;
    from->count = 0;
    from->rows = 0;
    return WG_OK;
}

wg_code wgi_runs_put(wgi_runs *runs, wgi_run *run, wg_error *err) {
    if (run->count > 0) {
        WG_TRY(runs_reserve(runs, 1, err));
        runs->runs[runs->count++] = *run;
        *run = (wgi_run){0};
    }
    wgi_run_deinit(run);
    return WG_OK;
}

wg_code wgi_runs_take(wgi_runs *runs, wgi_runs *from, wg_error *err) {
    WG_TRY(runs_reserve(runs, from->count, err));
    for (uint32_t i = 0; i < from->count; i++) runs->runs[runs->count++] = from->runs[i];
    from->count = 0;
    return WG_OK;
}

/* ---- order */

static int compare_words(uint64_t a, uint64_t b) { return a < b ? -1 : a > b ? 1 : 0; }

static int compare_keys(const wg_vector *a, uint32_t i, const wg_vector *b, uint32_t k) {
    const wg_physical physical = wg_type_physical(a->type);
    if (a->valid == NULL && b->valid == NULL) {
        const uint64_t flip = UINT64_C(1) << 63;
        if (physical == WG_PHYSICAL_I64)
            return compare_words(((const uint64_t *)a->data)[i] ^ flip, ((const uint64_t *)b->data)[k] ^ flip);
        if (physical == WG_PHYSICAL_ID)
            return compare_words(((const uint64_t *)a->data)[i], ((const uint64_t *)b->data)[k]);
        if (physical == WG_PHYSICAL_STR && a->type == WG_TYPE_STRING)
            return wg_slice_compare(wg_slice_of_str(((const wg_str *)a->data)[i]),
                                    wg_slice_of_str(((const wg_str *)b->data)[k]));
    }
    const wg_value x = wg_vector_value(a, i);
    const wg_value y = wg_vector_value(b, k);
    return wg_value_order(&x, &y);
}

static bool goes_before(const merge *m, uint32_t a, uint32_t b) {
    const head *x = &m->heads[a];
    const head *y = &m->heads[b];
    const uint32_t first = m->runs->column_count - m->runs->key_count;
    for (uint32_t k = 0; k < m->runs->key_count; k++) {
        const int cmp = compare_keys(&x->columns[first + k], x->row, &y->columns[first + k], y->row);
        if (cmp != 0) return m->runs->items != NULL && m->runs->items[k].descending ? cmp > 0 : cmp < 0;
    }
    return x->number < y->number;
}

static void sift_down(merge *m, uint32_t at) {
    for (;;) {
        uint32_t best = at;
        for (uint32_t child = at * 2 + 1; child <= at * 2 + 2; child++)
            if (child < m->heap_count && goes_before(m, m->heap[child], m->heap[best])) best = child;
        if (best == at) return;
        const uint32_t t = m->heap[at];
        m->heap[at] = m->heap[best];
        m->heap[best] = t;
        at = best;
    }
}

/* ---- merging */

static wg_code load_block(const merge *m, head *h, wg_error *err) {
    wg_rows_destroy(h->rows);
    h->rows = NULL;
    const wgi_runs *runs = m->runs;
    WG_TRY(
        wgi_spill_read(h->run->spill, &h->run->blocks[h->block++], runs->types, runs->column_count, &h->rows, err));
    for (uint32_t c = 0; c < runs->column_count; c++) h->columns[c] = wg_column_view(&h->rows->columns[c]);
    h->row = 0;
    return WG_OK;
}

static void tally_picked(const merge *m) {
    const uint32_t key = m->runs->column_count - 1;
    for (uint32_t i = 0; i < m->picked; i++) {
        const int64_t *cells = m->heads[m->picked_heads[i]].columns[key].data;
        m->tally[(uint64_t)cells[m->picked_rows[i]] >> m->runs->tally_shift]++;
    }
}

/* Copies the picked rows to the end of `out`, column by column. */
static wg_code flush(merge *m, wg_error *err) {
    if (m->tally != NULL) tally_picked(m);
    for (uint32_t c = 0; c < m->columns; c++) {
        wg_column *to = &m->out->columns[c];
        for (uint32_t i = 0; i < m->picked; i++)
            if (!wg_column_append_cell(to, &m->heads[m->picked_heads[i]].columns[c], m->picked_rows[i]))
                return wg_error_nomem(err, sizeof(wg_value));
    }
    m->out->row_count += m->picked;
    m->picked = 0;
    if (m->out->row_count < UINT32_MAX) return WG_OK;
    return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %u rows in one intermediate result",
                        UINT32_MAX - 1);
}

/* Takes the first row off the heap. */
static wg_code pick(merge *m, wg_error *err) {
    head *h = &m->heads[m->heap[0]];
    m->picked_heads[m->picked] = m->heap[0];
    m->picked_rows[m->picked++] = h->row++;
    if (h->row == h->rows->row_count) {
        WG_TRY(flush(m, err)); /* its rows are needed until here */
        if (h->block < h->run->count) WG_TRY(load_block(m, h, err));
        else m->heap[0] = m->heap[--m->heap_count];
    }
    sift_down(m, 0);
    return m->picked == WGI_SPILL_RUN_ROWS ? flush(m, err) : WG_OK;
}

static wg_code begin(merge *m, const wgi_runs *runs, uint32_t first, uint32_t count, wg_error *err) {
    wg_account *account = runs->context->account;
    *m = (merge){.runs = runs};
    m->heads = wg_alloc_zero(account, (count + 1) * sizeof *m->heads);
    m->heap = wg_alloc(account, (count + 1) * sizeof *m->heap);
    if (m->heads == NULL || m->heap == NULL) return wg_error_nomem(err, count * sizeof *m->heads);
    m->head_count = count;
    for (uint32_t i = 0; i < count; i++) {
        head *h = &m->heads[i];
        h->run = &runs->runs[first + i];
        h->number = i;
        h->columns = wg_alloc(account, (runs->column_count + 1) * sizeof *h->columns);
        if (h->columns == NULL) return wg_error_nomem(err, runs->column_count * sizeof *h->columns);
        WG_TRY(load_block(m, h, err));
        m->heap[m->heap_count++] = i;
    }
    for (uint32_t i = m->heap_count; i-- > 0;) sift_down(m, i);
    return WG_OK;
}

static void end(merge *m) {
    for (uint32_t i = 0; i < m->head_count; i++) {
        wg_rows_destroy(m->heads[i].rows);
        wg_free(m->heads[i].columns);
    }
    wg_free(m->heads);
    wg_free(m->heap);
}

/* Merges runs [first, first + count) to one, which takes the place of the first of them. */
static wg_code merge_group(wgi_runs *runs, uint32_t first, uint32_t count, wg_error *err) {
    wgi_run longer = {0};
    wg_rows *rows = NULL;
    merge *m = wg_alloc_zero(runs->context->account, sizeof *m);
    if (m == NULL) return wg_error_nomem(err, sizeof *m);
    wg_code code = WG_OK;
    WG_TRY_GOTO(begin_run(runs, NULL, &longer, err));
    WG_TRY_GOTO(begin(m, runs, first, count, err));
    m->columns = runs->column_count;
    while (m->heap_count > 0) {
        WG_TRY_GOTO(wgi_rows_create(runs->types, runs->column_count, runs->context->account, &rows, err));
        m->out = rows;
        while (m->heap_count > 0 && rows->row_count + m->picked < WGI_SPILL_RUN_ROWS) WG_TRY_GOTO(pick(m, err));
        WG_TRY_GOTO(flush(m, err));
        WG_TRY_GOTO(wgi_run_extend(runs, &longer, rows, NULL, (uint32_t)rows->row_count, err));
        wg_rows_destroy(rows);
        rows = NULL;
    }
fail:
    end(m);
    wg_free(m);
    wg_rows_destroy(rows);
    if (code != WG_OK) {
        wgi_run_deinit(&longer);
        return code;
    }
    for (uint32_t i = 0; i < count; i++) wgi_run_deinit(&runs->runs[first + i]);
    runs->runs[first] = longer;
    return WG_OK;
}

/* As many runs as have room for a block each in a quarter of the memory; a block takes up to three times its bytes while it is read. */
static uint32_t fan_in(const wgi_runs *runs) {
    const uint64_t bytes_max = runs->context->account != NULL ? runs->context->account->bytes_max : 0;
    uint64_t largest = 1;
    for (uint32_t i = 0; i < runs->count; i++)
        for (uint32_t k = 0; k < runs->runs[i].count; k++)
            largest = wg_max_u64(largest, runs->runs[i].blocks[k].bytes);
    if (bytes_max == 0) return WGI_SPILL_FAN_IN;
    const uint64_t fits = bytes_max / 4 / (largest * 3);
    return (uint32_t)wg_max_u64(2, wg_min_u64(fits, WGI_SPILL_FAN_IN));
}

/* One level: every group of neighbours becomes one run. */
static wg_code merge_level(wgi_runs *runs, uint32_t at_once, wg_error *err) {
    uint32_t kept = 0;
    uint32_t at = 0;
    wg_code code = WG_OK;
    while (at < runs->count && code == WG_OK) {
        const uint32_t count = runs->count - at < at_once ? runs->count - at : at_once;
        if (count > 1) code = merge_group(runs, at, count, err);
        if (code != WG_OK) break;
        if (kept != at) {
            runs->runs[kept] = runs->runs[at];
            runs->runs[at] = (wgi_run){0};
        }
        kept++;
        at += count;
    }
    if (code == WG_OK) runs->count = kept;
    return code;
}

wg_code wgi_runs_merge(wgi_runs *runs, uint64_t limit, wg_rows *out, wg_error *err) {
    const uint32_t at_once = fan_in(runs);
    while (runs->count > at_once) WG_TRY(merge_level(runs, at_once, err));
    merge *m = wg_alloc_zero(runs->context->account, sizeof *m);
    if (m == NULL) return wg_error_nomem(err, sizeof *m);
    wg_code code = WG_OK;
    WG_TRY_GOTO(begin(m, runs, 0, runs->count, err));
    m->columns = runs->keep;
    m->tally = runs->tally;
    m->out = out;
    while (m->heap_count > 0 && out->row_count + m->picked < limit) {
        WG_TRY_GOTO(pick(m, err));
        if (m->picked != 0) continue;
        WG_TRY_GOTO(wgi_check(runs->context, err));
        WG_TRY_GOTO(wgi_rows_spill(out, runs->context, err));
    }
    WG_TRY_GOTO(flush(m, err));
fail:
    end(m);
    wg_free(m);
    return code;
}
