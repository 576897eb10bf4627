/* Stable sort, and top-k when there is a limit.
 *
 * Rows are kept with their key columns behind them; those of all tasks are put together, and the sorted ones picked, by all workers. The order of the first key is turned into an unsigned 64-bit prefix and a rank for nulls,
 * by which chunks of CHUNK_ROWS entries are sorted byte by byte (LSD radix); only ties look at the cells. Then pairs of runs are merged level
 * by level, in pieces of CHUNK_ROWS entries that any worker makes apart from the others (the borders of a piece in the two runs are
 * searched by bisection): the cuts depend on the number of rows alone. When memory is short sorted rows go to runs in a
 * file (spill_runs.c), in the order of their tasks, and are merged at the end. Top-k: once a state holds more than a few times
 * k rows it is sorted and cut to k; rows that come later sort behind equal ones, so the result is the first k of the whole. */
#include "exec/spill.h"

enum { CHUNK_ROWS = 65536, PRUNE_ROWS_MIN = 8192, PRUNE_K_MAX = 1 << 20 };

typedef struct entry {
    uint64_t prefix;
    uint32_t row;
    uint32_t rank;
} entry;

typedef struct order {
    const wg_sort_item *items;
    const wg_vector *keys;
    uint32_t count;
    bool prefix_is_exact; /* equal prefixes: the first key is equal */
} order;

static int compare_cells(const wg_vector *v, uint32_t a, uint32_t b) {
    const wg_physical physical = wg_type_physical(v->type);
    if (v->valid == NULL && physical == WG_PHYSICAL_I64) {
        const int64_t x = ((const int64_t *)v->data)[a];
        const int64_t y = ((const int64_t *)v->data)[b];
        return x < y ? -1 : x > y ? 1 : 0;
    }
    if (v->valid == NULL && physical == WG_PHYSICAL_STR)
        return wg_slice_compare(wg_slice_of_str(((const wg_str *)v->data)[a]),
                                wg_slice_of_str(((const wg_str *)v->data)[b]));
    const wg_value x = wg_vector_value(v, a);
    const wg_value y = wg_vector_value(v, b);
    return wg_value_order(&x, &y);
}

static bool goes_before(const order *o, const entry *a, const entry *b) {
    if (a->rank != b->rank) return a->rank < b->rank;
    if (a->prefix != b->prefix) return a->prefix < b->prefix;
    for (uint32_t k = o->prefix_is_exact ? 1 : 0; k < o->count; k++) {
        const int cmp = compare_cells(&o->keys[k], a->row, b->row);
        if (cmp != 0) return o->items[k].descending ? cmp > 0 : cmp < 0;
    }
    return false;
}

static uint64_t string_prefix(wg_str s) {
    uint64_t prefix = 0;
    for (uint64_t i = 0; i < 8; i++) prefix = prefix << 8 | (i < s.size ? (uint8_t)s.data[i] : 0);
    return prefix;
}

/* Numbers in ascending order; -0.0 as 0.0, NaN last. */
static uint64_t float_prefix(double f) {
    if (f != f) return UINT64_MAX;
    const uint64_t bits = wg_bits_of_f64(f == 0 ? 0.0 : f);
    return (bits >> 63) != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint64_t cell_prefix(const wg_vector *v, uint32_t row) {
    switch (wg_type_physical(v->type)) {
        case WG_PHYSICAL_BOOL:
            return ((const uint8_t *)v->data)[row];
        case WG_PHYSICAL_I64:
            return ((const uint64_t *)v->data)[row] ^ UINT64_C(1) << 63;
        case WG_PHYSICAL_ID:
            return ((const uint64_t *)v->data)[row];
        case WG_PHYSICAL_F64:
            return float_prefix(((const double *)v->data)[row]);
        case WG_PHYSICAL_STR:
            return string_prefix(((const wg_str *)v->data)[row]);
        case WG_PHYSICAL_VALUE:
            return 0;
    }
    WG_UNREACHABLE("a wg_physical outside its enum");
}

static bool is_exact(wg_physical physical) { return physical != WG_PHYSICAL_VALUE && physical != WG_PHYSICAL_STR; }

static void fill_entries(const order *o, entry *entries, uint32_t first, uint32_t end) {
    const wg_vector *v = &o->keys[0];
    const bool mixed = wg_type_physical(v->type) == WG_PHYSICAL_VALUE;
    for (uint32_t row = first; row < end; row++) {
        entry e = {.row = row};
        if (!mixed) {
            const bool valid = wg_vector_is_valid(v, row);
            e.rank = valid ? 0 : 1; /* nulls last */
            e.prefix = valid ? cell_prefix(v, row) : 0;
        }
        if (o->items[0].descending) {
            e.rank = 1 - e.rank;
            e.prefix = ~e.prefix;
        }
        entries[row] = e;
    }
}

/* ---- merge sort */

static void merge_runs(const order *o, const entry *from, entry *to, uint32_t first, uint32_t middle, uint32_t end) {
    uint32_t a = first;
    uint32_t b = middle;
    for (uint32_t i = first; i < end; i++) {
        const bool take_b = b < end && (a >= middle || goes_before(o, &from[b], &from[a]));
        to[i] = take_b ? from[b++] : from[a++];
    }
}

static void insertion_sort(const order *o, entry *e, uint32_t first, uint32_t end) {
    for (uint32_t i = first + 1; i < end; i++) {
        const entry moving = e[i];
        uint32_t k = i;
        for (; k > first && goes_before(o, &moving, &e[k - 1]); k--) e[k] = e[k - 1];
        e[k] = moving;
    }
}

/* By comparing; the result is in `e`. */
static void merge_sort(const order *o, entry *e, entry *scratch, uint32_t first, uint32_t end) {
    enum { RUN = 16 };
    for (uint32_t i = first; i < end; i += RUN) insertion_sort(o, e, i, i + RUN < end ? i + RUN : end);
    entry *from = e;
    entry *to = scratch;
    for (uint32_t width = RUN; width < end - first; width *= 2) {
        for (uint32_t i = first; i < end; i += 2 * width) {
            const uint32_t middle = end - i < width ? end : i + width;
            merge_runs(o, from, to, i, middle, end - i < 2 * width ? end : i + 2 * width);
        }
        entry *t = from;
        from = to;
        to = t;
    }
    if (from != e) memcpy(e + first, from + first, (end - first) * sizeof *e);
}

enum { DIGITS = 9 }; /* eight bytes of the prefix, then the rank */

static inline uint32_t digit_of(const entry *e, uint32_t digit) {
    return digit < 8 ? (uint32_t)(e->prefix >> (8 * digit)) & 0xff : e->rank & 0xff;
}

/* Stable, by rank and prefix, a byte at a time from the lowest; bytes that are the same everywhere are left out. */
static void radix_sort(entry *e, entry *scratch, uint32_t first, uint32_t end) {
    uint32_t counts[DIGITS][256];
    memset(counts, 0, sizeof counts);
    for (uint32_t i = first; i < end; i++)
        for (uint32_t d = 0; d < DIGITS; d++) counts[d][digit_of(&e[i], d)]++;
    entry *from = e;
    entry *to = scratch;
    for (uint32_t d = 0; d < DIGITS; d++) {
        if (counts[d][digit_of(&from[first], d)] == end - first) continue;
        uint32_t next[256];
        uint32_t sum = first;
        for (uint32_t v = 0; v < 256; v++) {
            next[v] = sum;
            sum += counts[d][v];
        }
        for (uint32_t i = first; i < end; i++) to[next[digit_of(&from[i], d)]++] = from[i];
        entry *t = from;
        from = to;
        to = t;
    }
    if (from != e) memcpy(e + first, from + first, (end - first) * sizeof *e);
}

/* Sorts entries [first, end); the result is in `e`. */
static void sort_chunk(const order *o, entry *e, entry *scratch, uint32_t first, uint32_t end) {
    radix_sort(e, scratch, first, end);
    if (o->prefix_is_exact && o->count == 1) return;
    for (uint32_t i = first; i < end;) { /* ties of the first key's prefix */
        uint32_t last = i + 1;
        while (last < end && e[last].prefix == e[i].prefix && e[last].rank == e[i].rank) last++;
        if (last - i > 1) merge_sort(o, e, scratch, i, last);
        i = last;
    }
}

typedef struct sort_job {
    const order *o;
    entry *from;
    entry *to;
    uint64_t width;  /* 0: fill and sort chunks; else merge pairs of runs of this width */
    uint32_t *index; /* at the end: where the numbers of the rows go */
    uint32_t n;
    _Atomic uint32_t next;
} sort_job;

/* How many of the first `total` merged entries come from run a; of equal ones those of a come first. */
static uint64_t entries_of_a(const order *o, const entry *a, uint64_t a_count, const entry *b, uint64_t b_count,
                             uint64_t total) {
    uint64_t low = total > b_count ? total - b_count : 0;
    uint64_t high = wg_min_u64(total, a_count);
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (goes_before(o, &b[total - middle - 1], &a[middle])) high = middle;
        else low = middle + 1;
    }
    return low;
}

/* Puts out merged entries [first, last) of the pair of runs that they belong to: pieces of one pair are made apart. */
static void merge_piece(const sort_job *job, uint64_t first, uint64_t last) {
    const uint64_t pair = first / (2 * job->width) * (2 * job->width);
    const uint64_t middle = wg_min_u64(pair + job->width, job->n);
    const uint64_t end = wg_min_u64(pair + 2 * job->width, job->n);
    const entry *a = job->from + pair;
    const entry *b = job->from + middle;
    uint64_t x = entries_of_a(job->o, a, middle - pair, b, end - middle, first - pair);
    uint64_t y = first - pair - x;
    for (uint64_t i = first; i < last; i++) {
        const bool take_b = y < end - middle && (x >= middle - pair || goes_before(job->o, &b[y], &a[x]));
        job->to[i] = take_b ? b[y++] : a[x++];
    }
}

static void sort_worker(void *arg, uint32_t worker) {
    (void)worker;
    sort_job *job = arg;
    for (;;) {
        const uint64_t first = (uint64_t)atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed) * CHUNK_ROWS;
        if (first >= job->n) return;
        const uint64_t last = wg_min_u64(first + CHUNK_ROWS, job->n);
        if (job->width == 0) {
            fill_entries(job->o, job->from, (uint32_t)first, (uint32_t)last);
            sort_chunk(job->o, job->from, job->to, (uint32_t)first, (uint32_t)last);
        } else if (job->index != NULL) {
            for (uint64_t i = first; i < last; i++) job->index[i] = job->from[i].row;
        } else merge_piece(job, first, last);
    }
}

/* Rows by number, sorted. */
typedef struct sorted {
    entry *buffers[2];
    uint32_t *index; /* in one of the buffers */
} sorted;

static void sorted_deinit(sorted *r) {
    wg_free(r->buffers[0]);
    wg_free(r->buffers[1]);
}

/* Fills the entries of rows 0..n-1 in out->buffers, sorts them, and leaves the numbers of the rows in out->index. */
static wg_code sort_entries(const order *o, sorted *out, uint32_t n, const wg_exec_context *context, bool parallel,
                            wg_error *err) {
    const uint32_t workers = parallel && n > CHUNK_ROWS ? context->threads : 1;
    sort_job job = {.o = o, .from = out->buffers[0], .to = out->buffers[1], .n = n};
    wg_pool_run(context->pool, workers, sort_worker, &job);
    for (uint64_t width = CHUNK_ROWS; width < n; width *= 2) {
        WG_TRY(wgi_check(context, err));
        job.width = width;
        atomic_store_explicit(&job.next, 0, memory_order_relaxed);
        wg_pool_run(context->pool, workers, sort_worker, &job);
        entry *t = job.from;
        job.from = job.to;
        job.to = t;
    }
    out->index = (uint32_t *)(void *)job.to; /* its entries are done with */
    job.index = out->index;
    job.width = 1;
    atomic_store_explicit(&job.next, 0, memory_order_relaxed);
    wg_pool_run(context->pool, workers, sort_worker, &job);
    return WG_OK;
}

/* ---- the sink */

typedef struct sort_sink {
    wgi_sink sink;
    wgi_sink *rows; /* a build sink: what keeps rows with their keys */
    wg_type *key_types;
    wg_expr **key_exprs;
    wg_type *all_types;
    uint64_t keep;
    wg_rows *all;      /* of the merged tasks, behind the runs */
    wgi_runs runs;     /* of the merged tasks, where memory was short */
    wg_rows **waiting; /* of merged tasks, in their order, where all rows are kept: they become `all` at once */
    uint32_t waiting_count;
    uint32_t waiting_capacity;
    uint64_t waiting_rows;
    uint64_t waiting_bytes;
} sort_sink;

typedef struct sort_local {
    wg_rows *rows;
    wgi_runs runs; /* earlier rows of the task */
} sort_local;

static wg_code sort_rows(const sort_sink *s, const wg_rows *rows, bool parallel, sorted *out, wg_error *err) {
    const wg_plan *plan = s->sink.plan;
    wg_account *account = s->sink.context->account;
    const uint32_t n = (uint32_t)rows->row_count;
    wg_code code = WG_OK;
    for (int i = 0; i < 2; i++) out->buffers[i] = wg_alloc(account, (n + 1) * sizeof(entry));
    wg_vector *keys = wg_alloc(account, plan->sort_item_count * sizeof *keys);
    if (out->buffers[0] == NULL || out->buffers[1] == NULL || keys == NULL)
        WG_TRY_GOTO(wg_error_nomem(err, n * sizeof(entry)));
    for (uint32_t k = 0; k < plan->sort_item_count; k++)
        keys[k] = wg_column_view(&rows->columns[plan->slot_count + k]);
    const order o = {.items = plan->sort_items,
                     .keys = keys,
                     .count = plan->sort_item_count,
                     .prefix_is_exact = is_exact(wg_type_physical(keys[0].type))};
    WG_TRY_GOTO(sort_entries(&o, out, n, s->sink.context, parallel, err));
    wg_free(keys);
    return WG_OK;
fail:
    wg_free(keys);
    sorted_deinit(out);
    return code;
}

/* Cuts *rows to the rows that can still be among the first `keep`. */
static wg_code prune(const sort_sink *s, wg_rows **rows, wg_error *err) {
    if (s->keep > PRUNE_K_MAX || (*rows)->row_count < wg_max_u64(PRUNE_ROWS_MIN, s->keep * 4)) return WG_OK;
    void *fresh;
    sorted r;
    WG_TRY(s->rows->class->local_create(s->rows, &fresh, err));
    wg_code code = sort_rows(s, *rows, false, &r, err);
    if (code == WG_OK) {
        code = wgi_rows_gather(fresh, *rows, r.index, (uint32_t)s->keep, err);
        sorted_deinit(&r);
    }
    if (code != WG_OK) {
        wg_rows_destroy(fresh);
        return code;
    }
    wg_rows_destroy(*rows);
    *rows = fresh;
    return WG_OK;
}

/* Moves the rows to a run behind `runs`. */
static wg_code spill_rows(const sort_sink *s, wg_rows **rows, wgi_runs *runs, bool parallel, wg_error *err) {
    void *fresh;
    sorted r;
    if ((*rows)->row_count == 0) return WG_OK;
    WG_TRY(s->rows->class->local_create(s->rows, &fresh, err));
    wg_code code = sort_rows(s, *rows, parallel, &r, err);
    if (code == WG_OK) {
        code = wgi_runs_add(runs, *rows, r.index, (uint32_t)wg_min_u64(s->keep, (*rows)->row_count), err);
        sorted_deinit(&r);
    }
    if (code != WG_OK) {
        wg_rows_destroy(fresh);
        return code;
    }
    wg_rows_destroy(*rows);
    *rows = fresh;
    return WG_OK;
}

/* `rows` in memory, with cells of so many bytes: do they have to make room? Rows are there twice when they are joined. */
static bool spills_now(const sort_sink *s, uint64_t rows, uint64_t cell_bytes) {
    if (rows < WGI_SPILL_ROWS_MIN) return false;
    const uint64_t growth = 2 * cell_bytes + rows * 2 * sizeof(entry);
    return wgi_spill_wanted(s->sink.context) || !wgi_spill_has_room(s->sink.context, growth);
}

static void runs_init(const sort_sink *s, wgi_runs *runs) {
    const wg_plan *plan = s->sink.plan;
    *runs = (wgi_runs){.context = s->sink.context,
                       .types = s->all_types,
                       .column_count = plan->slot_count + plan->sort_item_count,
                       .keep = plan->slot_count,
                       .items = plan->sort_items,
                       .key_count = plan->sort_item_count,
                       .user = WG_SPILL_SORT};
}

static wg_code sort_local_create(wgi_sink *sink, void **out, wg_error *err) {
    const sort_sink *s = (sort_sink *)sink;
    sort_local *local = wg_alloc(sink->context->account, sizeof *local);
    if (local == NULL) return wg_error_nomem(err, sizeof *local);
    void *rows;
    const wg_code code = s->rows->class->local_create(s->rows, &rows, err);
    if (code != WG_OK) {
        wg_free(local);
        return code;
    }
    local->rows = rows;
    runs_init(s, &local->runs);
    *out = local;
    return WG_OK;
}

static void sort_local_destroy(wgi_sink *sink, void *local) {
    (void)sink;
    sort_local *l = local;
    wgi_runs_deinit(&l->runs);
    wg_rows_destroy(l->rows);
    wg_free(l);
}

static wg_code sort_consume(wgi_sink *sink, void *local, wgi_eval *eval, const wg_batch *batch, bool *stop,
                            wg_error *err) {
    const sort_sink *s = (sort_sink *)sink;
    sort_local *l = local;
    WG_TRY(s->rows->class->consume(s->rows, l->rows, eval, batch, stop, err));
    WG_TRY(prune(s, &l->rows, err));
    if (!spills_now(s, l->rows->row_count, wgi_rows_cell_bytes(l->rows))) return WG_OK;
    return spill_rows(s, &l->rows, &l->runs, false, err);
}

static void drop_waiting(sort_sink *s) {
    for (uint32_t i = 0; i < s->waiting_count; i++) wg_rows_destroy(s->waiting[i]);
    s->waiting_count = 0;
    s->waiting_rows = s->waiting_bytes = 0;
}

/* Takes *rows over; they stay where they are until somebody needs all rows together. */
static wg_code wait_rows(sort_sink *s, wg_rows **rows, wg_error *err) {
    if ((*rows)->row_count == 0) return WG_OK;
    if (s->waiting_count == s->waiting_capacity) {
        const uint32_t capacity = s->waiting_capacity == 0 ? 64 : s->waiting_capacity * 2;
        wg_rows **grown = wg_realloc(s->sink.context->account, s->waiting, capacity * sizeof(wg_rows *));
        if (grown == NULL) return wg_error_nomem(err, capacity * sizeof(wg_rows *));
        s->waiting = grown;
        s->waiting_capacity = capacity;
    }
    s->waiting_rows += (*rows)->row_count;
    s->waiting_bytes += wgi_rows_cell_bytes(*rows);
    s->waiting[s->waiting_count++] = *rows;
    *rows = NULL;
    return WG_OK;
}

/* All rows that are in memory become s->all, which has none before. */
static wg_code join_waiting(sort_sink *s, wg_error *err) {
    void *joined = NULL;
    if (s->waiting_count == 0) return WG_OK;
    WG_ASSERT(s->all == NULL || s->all->row_count == 0);
    wg_rows_destroy(s->all);
    s->all = NULL;
    if (s->waiting_count == 1) {
        s->all = s->waiting[0];
        s->waiting_count = 0;
        drop_waiting(s);
        return WG_OK;
    }
    WG_TRY(s->rows->class->local_create(s->rows, &joined, err));
    const wg_code code = wgi_rows_join(joined, s->waiting, s->waiting_count, s->sink.context, err);
    if (code == WG_OK) s->all = joined;
    else wg_rows_destroy(joined);
    drop_waiting(s);
    return code;
}

/* Runs are in the order of their rows: what is in memory goes before the runs of the next task. */
static wg_code take_local(sort_sink *s, sort_local *l, wg_error *err) {
    if (l->runs.count > 0) {
        WG_TRY(join_waiting(s, err));
        if (s->all != NULL) WG_TRY(spill_rows(s, &s->all, &s->runs, false, err));
        WG_TRY(wgi_runs_take(&s->runs, &l->runs, err));
    }
    if (s->keep > PRUNE_K_MAX) return wait_rows(s, &l->rows, err);
    if (s->all != NULL) { /* few rows: what cannot be among the first goes at once */
        WG_TRY(wgi_rows_take(s->all, l->rows, err));
        return prune(s, &s->all, err);
    }
    s->all = l->rows;
    l->rows = NULL;
    return WG_OK;
}

static wg_code sort_merge(wgi_sink *sink, void *local, bool *done, wg_error *err) {
    (void)done;
    sort_sink *s = (sort_sink *)sink;
    wg_code code = take_local(s, local, err);
    sort_local_destroy(sink, local);
    if (code != WG_OK) return code;
    const uint64_t rows = s->waiting_rows + (s->all != NULL ? s->all->row_count : 0);
    const uint64_t bytes = s->waiting_bytes + (s->all != NULL ? wgi_rows_cell_bytes(s->all) : 0);
    if (!spills_now(s, rows, bytes)) return WG_OK;
    WG_TRY(join_waiting(s, err));
    return spill_rows(s, &s->all, &s->runs, false, err);
}

/* Can the rows be sorted and put out in order without more memory than there is? */
static bool fits_in_memory(const sort_sink *s) {
    const uint64_t n = s->all->row_count;
    uint64_t cell_bytes = 0;
    for (uint32_t c = 0; c < s->sink.plan->slot_count; c++)
        cell_bytes += wg_physical_bytes(wg_type_physical(s->all->columns[c].type)) + 1;
    return wgi_spill_has_room(s->sink.context, n * 2 * sizeof(entry) + wg_min_u64(n, s->keep) * cell_bytes);
}

/* Strings are not copied: the answer takes their arenas over. */
static wg_code put_sorted(sort_sink *s, wg_rows *out, wg_error *err) {
    sorted r;
    WG_TRY(sort_rows(s, s->all, true, &r, err));
    const uint64_t n = wg_min_u64(s->keep, s->all->row_count);
    const wg_code code = wgi_rows_pick(out, s->all, r.index, n, s->sink.context, err);
    sorted_deinit(&r);
    return code;
}

static wg_code sort_finish(wgi_sink *sink, wg_rows **out, wg_error *err) {
    sort_sink *s = (sort_sink *)sink;
    wg_rows *rows;
    wg_code code = WG_OK;
    WG_TRY(join_waiting(s, err));
    WG_TRY(wgi_rows_create(sink->plan->slot_types, sink->plan->slot_count, sink->context->account, &rows, err));
    if (s->all != NULL && s->runs.count == 0 && (s->all->row_count < WGI_SPILL_ROWS_MIN || fits_in_memory(s))) {
        WG_TRY_GOTO(put_sorted(s, rows, err));
    } else if (s->all != NULL) {
        WG_TRY_GOTO(spill_rows(s, &s->all, &s->runs, true, err));
    }
    if (s->runs.count > 0) WG_TRY_GOTO(wgi_runs_merge(&s->runs, s->keep, rows, err));
    *out = rows;
    return WG_OK;
fail:
    wg_rows_destroy(rows);
    return code;
}

static void sort_destroy(wgi_sink *sink) {
    sort_sink *s = (sort_sink *)sink;
    if (s->rows != NULL) {
        s->rows->class->destroy(s->rows);
        wg_free(s->rows);
    }
    wgi_runs_deinit(&s->runs);
    drop_waiting(s);
    wg_free(s->waiting);
    wg_rows_destroy(s->all);
    wg_free(s->all_types);
    wg_free(s->key_types);
    wg_free(s->key_exprs);
}

wg_code wgi_sink_sort(const wg_plan *plan, const wg_exec_context *context, wgi_sink **out, wg_error *err) {
    static const wgi_sink_class class = {sort_local_create, sort_local_destroy, sort_consume,
                                         sort_merge,        sort_finish,        sort_destroy};
    const uint32_t n = plan->sort_item_count;
    uint64_t skip;
    uint64_t limit;
    wgi_sink *sink = NULL;
    WG_ASSERT(n > 0);
    WG_TRY(wgi_eval_count(context, plan->skip_expr, 0, &skip, err));
    WG_TRY(wgi_eval_count(context, plan->limit_expr, UINT64_MAX, &limit, err));
    WG_TRY(wgi_sink_alloc(&class, plan, context, sizeof(sort_sink), &sink, err));
    sort_sink *s = (sort_sink *)sink;
    wg_code code = WG_OK;
    s->keep = limit > UINT64_MAX - skip ? UINT64_MAX : skip + limit;
    s->key_types = wg_alloc(context->account, n * sizeof *s->key_types);
    s->key_exprs = wg_alloc(context->account, n * sizeof *s->key_exprs);
    s->all_types = wg_alloc(context->account, (n + plan->slot_count) * sizeof *s->all_types);
    if (s->key_types == NULL || s->key_exprs == NULL || s->all_types == NULL)
        WG_TRY_GOTO(wg_error_nomem(err, n * sizeof *s->key_exprs));
    for (uint32_t k = 0; k < n; k++) {
        s->key_exprs[k] = plan->sort_items[k].expr;
        s->key_types[k] = s->key_exprs[k]->type == WG_TYPE_NULL ? WG_TYPE_ANY : s->key_exprs[k]->type;
    }
    for (uint32_t c = 0; c < plan->slot_count + n; c++)
        s->all_types[c] = c < plan->slot_count ? plan->slot_types[c] : s->key_types[c - plan->slot_count];
    runs_init(s, &s->runs);
    const wgi_build build = {.types = plan->slot_types,
                             .count = plan->slot_count,
                             .exprs = s->key_exprs,
                             .key_types = s->key_types,
                             .key_count = n};
    WG_TRY_GOTO(wgi_sink_build(&build, context, &s->rows, err));
    *out = sink;
    return WG_OK;
fail:
    sort_destroy(sink);
    wg_free(sink);
    return code;
}
