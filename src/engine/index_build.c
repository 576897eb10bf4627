/* Reading very many rows into an index by all threads of the pool.
 *
 * The rows are cut into as many pieces of equal length as there are workers; each piece becomes a sorted run, and the runs are merged, by key
 * ranges on all threads, into one. Entries have one order and equal ones are the same bytes: the run is the same for any number of threads.
 *
 * The caller is inside the epoch and stays there until all workers have ended, which protects their reads too. Failure modes: WG_E_NOMEM
 * (the caller reads by chunks then), errors of reading rows: that of the first piece which has one. */
#include "engine/engine_internal.h"

typedef struct piece {
    uint64_t first, until; /* rows, counted over all spans */
    wgi_index_run *run;
    wg_code code;
    wg_error error;
} piece;

typedef struct build {
    const wgi_index *index;
    const wgi_index_span *spans;
    uint32_t span_count;
    uint32_t piece_count;
    piece pieces[WGI_INDEX_PIECES_MAX];
    _Atomic uint32_t next;
} build;

/* Room for every row at once: a growing buffer would be copied again and again. */
typedef struct gathered {
    wgi_index_entry *entries;
    uint64_t count;
    wg_buf bytes;
    wg_arena arena;
} gathered;

static wg_code gather_rows(const build *b, gathered *g, wgi_place at, uint64_t until, wg_error *err) {
    for (; at.row < until; at.row++) {
        wgi_index_key key;
        uint64_t id = 0;
        bool any = false;
        WG_TRY(wgi_index_row_key(b->index, &at, &g->arena, &key, &id, &any, err));
        if (!any) continue;
        const wgi_index_entry e = wgi_index_entry_of(&key, id, g->bytes.size);
        if (g->bytes.size > UINT32_MAX)
            return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET,
                                "an index holds at most 4 GiB of text beyond 7 bytes each");
        if (e.rest_size != 0 && !wg_buf_append(&g->bytes, key.bytes + 8, e.rest_size))
            return wg_error_nomem(err, g->bytes.size);
        g->entries[g->count++] = e;
    }
    return WG_OK;
}

/* Finds the rows of the piece among the spans. */
static wg_code gather_piece(const build *b, const piece *p, gathered *g, wg_error *err) {
    uint64_t before = 0;
    for (uint32_t s = 0; s < b->span_count; s++) {
        const wgi_index_span *span = &b->spans[s];
        const uint64_t rows = span->until - span->first;
        const uint64_t low = wg_max_u64(before, p->first), high = wg_min_u64(before + rows, p->until);
        const wgi_place at = {span->table, span->first + low - before};
        if (low < high) WG_TRY(gather_rows(b, g, at, span->first + high - before, err));
        before += rows;
    }
    return WG_OK;
}

static void make_piece(const build *b, piece *p) {
    wg_account *account = &b->index->engine->index_account;
    gathered g = {.entries = wg_alloc(account, (p->until - p->first + 1) * sizeof *g.entries)};
    wg_buf_init(&g.bytes, account);
    wg_arena_init(&g.arena, account);
    p->code = g.entries == NULL ? wg_error_nomem(&p->error, p->until - p->first) : gather_piece(b, p, &g, &p->error);
    if (p->code == WG_OK) p->code = wgi_index_run_make(account, g.entries, g.count, g.bytes.data, &p->run, &p->error);
    wg_arena_deinit(&g.arena);
    wg_buf_deinit(&g.bytes);
    wg_free(g.entries);
}

static void worker(void *arg, uint32_t number) {
    build *b = arg;
    (void)number;
    for (;;) {
        const uint32_t at = atomic_fetch_add_explicit(&b->next, 1, memory_order_relaxed);
        if (at >= b->piece_count) return;
        make_piece(b, &b->pieces[at]);
    }
}

static wg_code join(build *b, wgi_index_run **out, wg_error *err) {
    wg_engine *e = b->index->engine;
    wgi_index_run *runs[WGI_INDEX_PIECES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->piece_count; i++) {
        if (b->pieces[i].code != WG_OK) {
            if (err != NULL) *err = b->pieces[i].error;
            return b->pieces[i].code;
        }
        if (b->pieces[i].run->count > 0) runs[count++] = b->pieces[i].run;
    }
    *out = NULL;
    if (count == 0) return WG_OK;
    if (count > 1) return wgi_index_runs_merge(&e->index_account, e->pool, runs, count, out, err);
    *out = runs[0];
    for (uint32_t i = 0; i < b->piece_count; i++)
        if (b->pieces[i].run == runs[0]) b->pieces[i].run = NULL;
    return WG_OK;
}

wg_code wgi_index_build(wgi_index *index, const wgi_index_span *spans, uint32_t span_count, wgi_index_run **out,
                        wg_error *err) {
    wg_pool *pool = index->engine->pool;
    const uint32_t workers = wg_pool_workers(pool);
    build b = {.index = index, .spans = spans, .span_count = span_count};
    uint64_t rows = 0;
    for (uint32_t s = 0; s < span_count; s++) rows += spans[s].until - spans[s].first;
    b.piece_count = workers < WGI_INDEX_PIECES_MAX ? workers : WGI_INDEX_PIECES_MAX;
    for (uint32_t i = 0; i < b.piece_count; i++)
        b.pieces[i] = (piece){.first = rows / b.piece_count * i,
                              .until = i + 1 == b.piece_count ? rows : rows / b.piece_count * (i + 1)};
    wg_pool_run(pool, b.piece_count, worker, &b);
    const wg_code code = join(&b, out, err);
    for (uint32_t i = 0; i < b.piece_count; i++) wg_free(b.pieces[i].run);
    return code;
}
