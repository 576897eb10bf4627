/* Runs of index entries: sorting, merging, and finding all between two keys.
 *
 * A run is one block: its entries, sorted by key and id, then the bytes of keys that are longer than 8, in the order of the entries. Many
 * entries are sorted by the bytes of their prefixes, from the last one (LSD radix, bytes that all have in common left out); those whose
 * prefixes are equal, and few ones, by a merge sort with a second array: n log n steps whatever comes.
 *
 * Several runs are merged by several threads: keys at equal distances in all runs cut them into parts of about the same size, each of which
 * is merged into its place in the result. Entries that are equal have equal bytes, so the result is the same for any cut.
 *
 * Failure: WG_E_NOMEM, nothing changed; WG_E_LIMIT when the bytes pass 4 GiB. */
#include "engine/engine_internal.h"

static int compare_rest(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
    const size_t common = a_size < b_size ? a_size : b_size;
    const int order = common == 0 ? 0 : memcmp(a, b, common);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare(const wgi_index_entry *a, const uint8_t *a_bytes, const wgi_index_entry *b,
                   const uint8_t *b_bytes) {
    if (a->prefix != b->prefix) return a->prefix < b->prefix ? -1 : 1;
    if (a->rest_size != 0 || b->rest_size != 0) {
        const int order = compare_rest(a_bytes + a->rest, a->rest_size, b_bytes + b->rest, b->rest_size);
        if (order != 0) return order;
    }
    return (a->id > b->id) - (a->id < b->id);
}

/* ---- sorting */

enum { RADIX_MIN = 512 };

static void merge_sort(wgi_index_entry *entries, wgi_index_entry *space, uint64_t count, const uint8_t *bytes) {
    wgi_index_entry *from = entries, *to = space;
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t at = 0; at < count; at += 2 * width) {
            const uint64_t middle = wg_min_u64(at + width, count), end = wg_min_u64(at + 2 * width, count);
            uint64_t a = at, b = middle;
            for (uint64_t k = at; k < end; k++) {
                const bool left = a < middle && (b == end || compare(&from[a], bytes, &from[b], bytes) <= 0);
                to[k] = from[left ? a++ : b++];
            }
        }
        wgi_index_entry *swap = from;
        from = to;
        to = swap;
    }
    if (from != entries && count != 0) memcpy(entries, from, count * sizeof *entries);
}

/* One pass over the byte at `shift`: stable. */
static void radix_pass(const wgi_index_entry *from, wgi_index_entry *to, uint64_t count, uint32_t shift,
                       const uint64_t counts[256]) {
    uint64_t next[256], sum = 0;
    for (uint32_t d = 0; d < 256; d++) {
        next[d] = sum;
        sum += counts[d];
    }
    for (uint64_t i = 0; i < count; i++) to[next[from[i].prefix >> shift & 0xff]++] = from[i];
}

static void radix_sort(wgi_index_entry *entries, wgi_index_entry *space, uint64_t count) {
    uint64_t counts[8][256] = {{0}};
    wgi_index_entry *from = entries, *to = space;
    for (uint64_t i = 0; i < count; i++)
        for (uint32_t b = 0; b < 8; b++) counts[b][entries[i].prefix >> (8 * b) & 0xff]++;
    for (uint32_t b = 0; b < 8; b++) {
        if (counts[b][entries[0].prefix >> (8 * b) & 0xff] == count) continue;
        radix_pass(from, to, count, 8 * b, counts[b]);
        wgi_index_entry *swap = from;
        from = to;
        to = swap;
    }
    if (from != entries) memcpy(entries, from, count * sizeof *entries);
}

void wgi_index_sort(wgi_index_entry *entries, wgi_index_entry *space, uint64_t count, const uint8_t *bytes) {
    if (count < RADIX_MIN) {
        merge_sort(entries, space, count, bytes);
        return;
    }
    radix_sort(entries, space, count);
    for (uint64_t at = 0, end; at < count; at = end) {
        bool sorted = true;
        for (end = at + 1; end < count && entries[end].prefix == entries[at].prefix; end++)
            sorted = sorted && compare(&entries[end - 1], bytes, &entries[end], bytes) <= 0;
        if (!sorted) merge_sort(entries + at, space, end - at, bytes);
    }
}

void wgi_index_sort_ids(uint64_t *ids, uint64_t *space, uint64_t count) {
    uint64_t *from = ids, *to = space;
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t at = 0; at < count; at += 2 * width) {
            const uint64_t middle = wg_min_u64(at + width, count), end = wg_min_u64(at + 2 * width, count);
            uint64_t a = at, b = middle;
            for (uint64_t k = at; k < end; k++) {
                const bool left = a < middle && (b == end || from[a] <= from[b]);
                to[k] = from[left ? a++ : b++];
            }
        }
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != ids && count != 0) memcpy(ids, from, count * sizeof *ids);
}

/* ---- making */

static wg_code run_alloc(wg_account *account, uint64_t count, uint64_t bytes, wgi_index_run **out, wg_error *err) {
    if (bytes > UINT32_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET,
                            "an index holds at most 4 GiB of text beyond 7 bytes each");
    wgi_index_run *run = wg_alloc(account, sizeof *run + count * sizeof run->entries[0] + bytes);
    if (run == NULL) return wg_error_nomem(err, count * sizeof run->entries[0]);
    *run = (wgi_index_run){.count = count, .bytes = (const uint8_t *)&run->entries[count], .byte_count = bytes};
    *out = run;
    return WG_OK;
}

static void put_entry(wgi_index_run *run, uint64_t at, const wgi_index_entry *e, const uint8_t *bytes,
                      uint64_t *used) {
    run->entries[at] = *e;
    run->entries[at].rest = (uint32_t)*used;
    if (e->rest_size != 0) memcpy((uint8_t *)&run->entries[run->count] + *used, bytes + e->rest, e->rest_size);
    *used += e->rest_size;
}

wg_code wgi_index_run_make(wg_account *account, wgi_index_entry *entries, uint64_t count, const uint8_t *bytes,
                           wgi_index_run **out, wg_error *err) {
    uint64_t size = 0, used = 0;
    wgi_index_run *run = NULL;
    wgi_index_entry *space = wg_alloc(account, (count + 1) * sizeof *space);
    if (space == NULL) return wg_error_nomem(err, count * sizeof *space);
    for (uint64_t i = 0; i < count; i++) size += entries[i].rest_size;
    const wg_code code = run_alloc(account, count, size, &run, err);
    if (code == WG_OK) {
        wgi_index_sort(entries, space, count, bytes);
        for (uint64_t i = 0; i < count; i++) put_entry(run, i, &entries[i], bytes, &used);
        *out = run;
    }
    wg_free(space);
    return code;
}

/* What both have is kept once. */
wg_code wgi_index_run_merge(wg_account *account, const wgi_index_run *a, const wgi_index_run *b, wgi_index_run **out,
                            wg_error *err) {
    wgi_index_run *run = NULL;
    uint64_t used = 0, i = 0, k = 0;
    WG_TRY(run_alloc(account, a->count + b->count, a->byte_count + b->byte_count, &run, err));
    for (uint64_t at = 0; at < run->count; at++) {
        const bool left =
            i < a->count && (k == b->count || compare(&a->entries[i], a->bytes, &b->entries[k], b->bytes) <= 0);
        if (left) put_entry(run, at, &a->entries[i++], a->bytes, &used);
        else put_entry(run, at, &b->entries[k++], b->bytes, &used);
    }
    *out = run;
    return WG_OK;
}

/* ---- merging many */

enum { CUTS_MAX = 32, SAMPLES = 32 };

typedef struct sample {
    const wgi_index_entry *entry;
    const uint8_t *bytes;
} sample;

typedef struct merge {
    wgi_index_run *const *runs;
    uint32_t run_count;
    uint32_t parts;
    uint64_t cut[CUTS_MAX + 1][WGI_INDEX_PIECES_MAX]; /* where part p begins in each run */
    wgi_index_run *out;
    _Atomic uint32_t next;
} merge;

static uint32_t take_samples(const merge *m, sample *out) {
    uint32_t n = 0;
    for (uint32_t r = 0; r < m->run_count; r++)
        for (uint64_t i = 0; i < SAMPLES && m->runs[r]->count >= SAMPLES; i++) {
            sample one = {&m->runs[r]->entries[m->runs[r]->count * i / SAMPLES], m->runs[r]->bytes};
            uint32_t at = n++;
            for (; at > 0 && compare(out[at - 1].entry, out[at - 1].bytes, one.entry, one.bytes) > 0; at--)
                out[at] = out[at - 1];
            out[at] = one;
        }
    return n;
}

static uint64_t lower_bound(const wgi_index_run *run, const sample *s) {
    uint64_t a = 0, b = run->count;
    while (a < b) {
        const uint64_t middle = a + (b - a) / 2;
        if (compare(&run->entries[middle], run->bytes, s->entry, s->bytes) < 0) a = middle + 1;
        else b = middle;
    }
    return a;
}

static void cut_runs(merge *m, uint32_t wanted) {
    sample samples[SAMPLES * WGI_INDEX_PIECES_MAX];
    const uint32_t n = take_samples(m, samples);
    m->parts = n == 0 ? 1 : wanted;
    for (uint32_t r = 0; r < m->run_count; r++) {
        for (uint32_t p = 0; p < m->parts; p++)
            m->cut[p][r] = p == 0 ? 0 : lower_bound(m->runs[r], &samples[(uint64_t)n * p / m->parts]);
        m->cut[m->parts][r] = m->runs[r]->count;
    }
}

/* Bytes of the run's entries before `at`. */
static uint64_t bytes_before(const wgi_index_run *run, uint64_t at) {
    return at < run->count ? run->entries[at].rest : run->byte_count;
}

static void merge_part(const merge *m, uint32_t part) {
    uint64_t at[WGI_INDEX_PIECES_MAX], out = 0, used = 0;
    for (uint32_t r = 0; r < m->run_count; r++) {
        at[r] = m->cut[part][r];
        out += at[r];
        used += bytes_before(m->runs[r], at[r]);
    }
    for (;;) {
        uint32_t best = UINT32_MAX;
        for (uint32_t r = 0; r < m->run_count; r++) {
            if (at[r] == m->cut[part + 1][r]) continue;
            if (best == UINT32_MAX || compare(&m->runs[r]->entries[at[r]], m->runs[r]->bytes,
                                              &m->runs[best]->entries[at[best]], m->runs[best]->bytes) < 0)
                best = r;
        }
        if (best == UINT32_MAX) return;
        put_entry(m->out, out++, &m->runs[best]->entries[at[best]], m->runs[best]->bytes, &used);
        at[best]++;
    }
}

static void merge_worker(void *arg, uint32_t worker) {
    merge *m = arg;
    (void)worker;
    for (;;) {
        const uint32_t part = atomic_fetch_add_explicit(&m->next, 1, memory_order_relaxed);
        if (part >= m->parts) return;
        merge_part(m, part);
    }
}

wg_code wgi_index_runs_merge(wg_account *account, wg_pool *pool, wgi_index_run *const *runs, uint32_t run_count,
                             wgi_index_run **out, wg_error *err) {
    WG_ASSERT(run_count <= WGI_INDEX_PIECES_MAX);
    uint64_t count = 0, bytes = 0;
    merge m = {.runs = runs, .run_count = run_count};
    for (uint32_t r = 0; r < run_count; r++) {
        count += runs[r]->count;
        bytes += runs[r]->byte_count;
    }
    WG_TRY(run_alloc(account, count, bytes, &m.out, err));
    const uint32_t workers = wg_pool_workers(pool);
    cut_runs(&m, workers == 1 ? 1 : workers * 2 < CUTS_MAX ? workers * 2 : CUTS_MAX);
    wg_pool_run(pool, workers, merge_worker, &m);
    *out = m.out;
    return WG_OK;
}

/* ---- leaving out */

wg_code wgi_index_run_filter(wg_account *account, const wgi_index_run *run, const uint8_t *kept, uint64_t kept_first,
                             wgi_index_run **out, wg_error *err) {
    uint64_t count = 0, bytes = 0, at = 0, used = 0;
    for (uint64_t i = 0; i < run->count; i++) {
        if (!wg_bit_get(kept, kept_first + i)) continue;
        count++;
        bytes += run->entries[i].rest_size;
    }
    WG_TRY(run_alloc(account, count, bytes, out, err));
    for (uint64_t i = 0; i < run->count; i++)
        if (wg_bit_get(kept, kept_first + i)) put_entry(*out, at++, &run->entries[i], run->bytes, &used);
    return WG_OK;
}

bool wgi_index_entry_is(const wgi_index_entry *e, const uint8_t *bytes, const wgi_index_key *key) {
    const uint32_t rest = key->size > 8 ? key->size - 8 : 0;
    return e->prefix == wgi_index_prefix(key, 0) && e->rest_size == rest &&
           (rest == 0 || memcmp(bytes + e->rest, key->bytes + 8, rest) == 0);
}

bool wgi_index_run_has(const wgi_index_run *run, const wgi_index_entry *e, const uint8_t *bytes) {
    const wgi_index_entry first = {.prefix = e->prefix, .rest = e->rest, .rest_size = e->rest_size};
    const sample wanted = {&first, bytes};
    const uint64_t at = lower_bound(run, &wanted);
    return at < run->count && run->entries[at].prefix == e->prefix && run->entries[at].rest_size == e->rest_size &&
           (e->rest_size == 0 || memcmp(run->bytes + run->entries[at].rest, bytes + e->rest, e->rest_size) == 0);
}

/* ---- finding */

static bool is_below(const wgi_index_entry *e, const uint8_t *bytes, uint64_t prefix, const wgi_index_key *low) {
    if (e->prefix != prefix) return e->prefix < prefix;
    const uint32_t rest = low->size > 8 ? low->size - 8 : 0;
    return rest != 0 && compare_rest(bytes + e->rest, e->rest_size, low->bytes + 8, rest) < 0;
}

/* Behind everything that begins with `high`. */
static bool is_above(const wgi_index_entry *e, const uint8_t *bytes, uint64_t prefix, const wgi_index_key *high) {
    if (e->prefix != prefix) return e->prefix > prefix;
    const uint32_t rest = high->size > 8 ? high->size - 8 : 0;
    const uint32_t common = e->rest_size < rest ? e->rest_size : rest;
    return common != 0 && memcmp(bytes + e->rest, high->bytes + 8, common) > 0;
}

bool wgi_index_run_find(const wgi_index_run *run, const wgi_index_key *low, const wgi_index_key *high, wg_buf *out) {
    const uint64_t first = wgi_index_prefix(low, 0), last = wgi_index_prefix(high, 0xff);
    uint64_t a = 0, b = run->count;
    while (a < b) {
        const uint64_t middle = a + (b - a) / 2;
        if (is_below(&run->entries[middle], run->bytes, first, low)) a = middle + 1;
        else b = middle;
    }
    for (; a < run->count && !is_above(&run->entries[a], run->bytes, last, high); a++)
        if (!wg_buf_append_u64(out, run->entries[a].id)) return false;
    return true;
}

bool wgi_index_tail_find(const wgi_index_tail *tail, const wgi_index_key *low, const wgi_index_key *high,
                         wg_buf *out) {
    const uint64_t first = wgi_index_prefix(low, 0), last = wgi_index_prefix(high, 0xff);
    const uint32_t count = atomic_load_explicit(&tail->count, memory_order_acquire);
    const uint8_t *bytes = tail->bytes[0];
    for (uint32_t i = 0; i < count; i++) {
        const wgi_index_entry *e = &tail->entries[i];
        if (is_below(e, bytes, first, low) || is_above(e, bytes, last, high)) continue;
        if (!wg_buf_append_u64(out, e->id)) return false;
    }
    return true;
}
