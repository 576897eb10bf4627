/* Runs of index entries: sorting, merging, and finding all between two keys.
 *
 * A run is one block: its entries, sorted by key and id, then the bytes of keys that are longer than 8. Sorting is a merge sort with a
 * second array, so it takes n log n steps whatever comes. Failure: WG_E_NOMEM, nothing changed; WG_E_LIMIT when the bytes pass 4 GiB. */
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

static void sort(wgi_index_entry *entries, wgi_index_entry *space, uint64_t count, const uint8_t *bytes) {
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
        sort(entries, space, count, bytes);
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
