/* Which fragments of many stripes count: the newest of each key.
 *
 * The fragments of a stripe come in key order, so the input is a row of ascending runs: a natural merge sort joins neighbouring
 * runs until one is left, in n log k comparisons for k stripes. Of fragments with one key the highest version stands first,
 * then the highest stripe, and only the first stays.
 *
 * Two kinds of fragments are dropped although nothing has their key: newer `end`s (ROWS part 1) of a slot whose rows are as
 * new or gone, because a merge folded them in; and runs of KEYS, ADJACENCY or STATE that a wider run of no lower version covers, because
 * a merge joined them. Both are left behind when the merge did not read their stripe. */
#include "worldgraph/mmap/mmap_internal.h"

/* Order of the sort: by key, of one key the newest first. */
static bool goes_before(const wg_fragment *a, const wg_fragment *b) {
    const int order = wg_fragment_key_compare(&a->head.key, &b->head.key);
    if (order != 0) return order < 0;
    if (a->head.version != b->head.version) return a->head.version > b->head.version;
    return wg_stripe_id(a->stripe) > wg_stripe_id(b->stripe);
}

/* End of the ascending run that begins at `from`. */
static uint64_t run_end(const wg_fragment *const *f, uint64_t from, uint64_t count) {
    uint64_t at = from + 1;
    while (at < count && !goes_before(f[at], f[at - 1])) at++;
    return wg_min_u64(at, count);
}

/* Merges f[from, middle) and f[middle, to) in place; the left half is set aside in `spare`. */
static void merge(const wg_fragment **f, uint64_t from, uint64_t middle, uint64_t to, const wg_fragment **spare) {
    const uint64_t left = middle - from;
    memcpy((void *)spare, (const void *)(f + from), left * sizeof *f);
    uint64_t a = 0;
    uint64_t b = middle;
    uint64_t at = from;
    while (a < left) f[at++] = b < to && goes_before(f[b], spare[a]) ? f[b++] : spare[a++];
}

static void sort(const wg_fragment **f, const wg_fragment **spare, uint64_t count) {
    while (run_end(f, 0, count) < count) {
        for (uint64_t from = 0; from < count;) {
            const uint64_t middle = run_end(f, from, count);
            const uint64_t to = middle < count ? run_end(f, middle, count) : middle;
            if (middle < to) merge(f, from, middle, to, spare);
            from = to;
        }
    }
}

static bool same_run(const wg_fragment_key *a, const wg_fragment_key *b) {
    return a->kind == b->kind && a->owner == b->owner && a->run == b->run;
}

/* The run whose pieces begin at f[from]: the newest, and of equally new ones the widest, when several stand under one number. */
typedef struct run_span {
    uint64_t count; /* fragments under its number */
    uint64_t version;
    uint64_t end;
} run_span;

static run_span run_read(const wg_fragment *const *f, uint64_t from, uint64_t count) {
    run_span run = {0};
    for (; from + run.count < count && same_run(&f[from]->head.key, &f[from + run.count]->head.key); run.count++) {
        const wg_fragment_head *head = &f[from + run.count]->head;
        const bool newer = head->version > run.version;
        const bool wider = head->version == run.version && head->attributes[0] > run.end;
        if (!newer && !wider) continue;
        run.version = head->version;
        run.end = head->attributes[0];
    }
    return run;
}

static bool has_runs(const wg_fragment *f) {
    const uint32_t kind = f->head.key.kind;
    return kind == WG_KIND_KEYS || kind == WG_KIND_ADJACENCY || kind == WG_KIND_STATE;
}

/* True when the rows that these `end`s belong to are among those that count (the last of `kept`), and older. */
static bool ends_count(const wg_fragment *ends, const wg_fragment *last) {
    if (last == NULL) return false;
    wg_fragment_key rows = ends->head.key;
    rows.part = 0;
    return wg_fragment_key_compare(&last->head.key, &rows) == 0 && last->head.version < ends->head.version;
}

/* Leaves what is not superseded; f has one fragment a key. */
static uint64_t prune(const wg_fragment **f, uint64_t count) {
    uint64_t kept = 0;
    run_span cover = {0};
    const wg_fragment *covering = NULL; /* of the same kind and owner, when its run may cover others */
    for (uint64_t i = 0; i < count;) {
        const wg_fragment_key *key = &f[i]->head.key;
        if (!has_runs(f[i])) {
            const bool ends = key->kind == WG_KIND_ROWS && key->part == 1;
            if (!ends || ends_count(f[i], kept > 0 ? f[kept - 1] : NULL)) f[kept++] = f[i];
            i++;
            continue;
        }
        const run_span run = run_read(f, i, count);
        const bool beside =
            covering != NULL && covering->head.key.kind == key->kind && covering->head.key.owner == key->owner;
        const bool covered = beside && run.end <= cover.end && run.version <= cover.version;
        if (!covered && (!beside || run.end > cover.end)) {
            cover = run;
            covering = f[i];
        }
        for (const uint64_t end = i + run.count; i < end; i++)
            if (!covered && f[i]->head.version == run.version && f[i]->head.attributes[0] == run.end)
                f[kept++] = f[i];
    }
    return kept;
}

uint64_t wgi_newest(const wg_fragment **fragments, const wg_fragment **spare, uint64_t count) {
    if (count == 0) return 0;
    sort(fragments, spare, count);
    uint64_t unique = 1;
    for (uint64_t i = 1; i < count; i++)
        if (wg_fragment_key_compare(&fragments[i]->head.key, &fragments[unique - 1]->head.key) != 0)
            fragments[unique++] = fragments[i];
    return prune(fragments, unique);
}
