/* Tests of stored directory chunks and stored key runs, against plain arrays. */
#include "base/core/test_seed.h"
#include "base/digest/digest.h"
#include "worldgraph/nodes/test_store.h"

#include <pthread.h>

/* ---- directory */

enum { IDS = 100000, VERSIONS = 400000 };

/* Versions have addresses 0, 1, 2, ...; each knows where it began and which it replaced. */
typedef struct history {
    uint64_t newest[IDS];
    uint64_t begin[VERSIONS];
    uint64_t prev[VERSIONS];
    uint64_t count; /* of versions */
    uint64_t ids;
} history;

static uint64_t version_as_of(const history *h, uint64_t address, uint64_t until) {
    while (address != WG_ROW_NONE && h->begin[address] > until) address = h->prev[address];
    return address;
}

static wg_code version_at(void *ctx, bool is_edge, wg_row_address newest, uint64_t until, wg_row_address *out,
                          wg_error *err) {
    (void)err;
    assert_true(is_edge); /* owner 3 stands for edges */
    *out = version_as_of(ctx, newest, until);
    return WG_OK;
}

static void id_put(history *h, wg_directory *d, uint64_t id, uint64_t logseq) {
    const uint64_t address = h->count++;
    assert_true(address < VERSIONS);
    h->begin[address] = logseq;
    h->prev[address] = h->newest[id];
    h->newest[id] = address;
    STORE_OK(wg_directory_set(d, id, address, logseq, err));
}

static void ids_add(history *h, wg_directory *d, uint64_t count, uint64_t logseq) {
    uint64_t first = 0;
    STORE_OK(wg_directory_extend(d, count, &first, err));
    assert_int_equal(first, h->ids);
    for (uint64_t i = 0; i < count; i++) {
        h->newest[h->ids] = WG_ROW_NONE;
        id_put(h, d, h->ids++, logseq);
    }
}

/* What a transaction did that rolls back: new ids go, old ones get their address back. */
static void ids_undo(history *h, wg_directory *d, uint64_t count, uint64_t id, uint64_t logseq) {
    const uint64_t ids = h->ids;
    const uint64_t old = h->newest[id];
    id_put(h, d, id, logseq);
    ids_add(h, d, count, logseq);
    wg_directory_truncate(d, ids);
    h->ids = ids;
    h->newest[id] = old;
    STORE_OK(wg_directory_set(d, id, old, logseq, err));
}

static void assert_directory(const history *h, const wg_directory *d, uint64_t ids, uint64_t until) {
    assert_int_equal(wg_directory_count(d), ids);
    for (uint64_t id = 0; id < ids; id++) {
        wg_row_address got = 1;
        STORE_OK(wg_directory_get(d, id, &got, err));
        if (got != version_as_of(h, h->newest[id], until)) fail_msg("id %llu", (unsigned long long)id);
    }
    wg_row_address none = 1;
    STORE_OK(wg_directory_get(d, ids, &none, err));
    assert_int_equal(none, WG_ROW_NONE);
}

static void directory_adopt(const store *s, wg_directory *d, uint64_t until, uint64_t ids) {
    for (uint64_t slot = 0; slot * WG_FRAGMENT_ROWS < ids; slot++) {
        const wg_fragment *f = store_find(s, WG_KIND_DIRECTORY, slot, 0);
        if (f != NULL) STORE_OK(wg_directory_adopt(d, f, until, err));
    }
    STORE_OK(wg_directory_adopt_count(d, ids, err));
}

/* Goal: over seeded histories with rollbacks, a checkpoint stores each id's newest version as of its logseq, whatever is set
 * beside it; the directory goes on as if nothing had happened, and one that is opened from the stripes is the old one. */
static void test_a_stored_directory_is_that_of_its_logseq(void **state) {
    (void)state;
    static history h;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        store s;
        wg_directory *d = NULL;
        wg_rng rng;
        wg_rng_init(&rng, wg_test_seed(seed));
        store_open(&s);
        STORE_OK(wg_directory_create(s.epoch, &s.account, &d, err));
        h = (history){0};
        uint64_t since = 0;
        for (uint64_t logseq = 1; logseq <= 14; logseq++) {
            ids_add(&h, d, 1 + wg_rng_below(&rng, 3800), logseq);
            for (uint64_t n = seed == 1 ? 0 : wg_rng_below(&rng, 40); n > 0; n--)
                id_put(&h, d, wg_rng_below(&rng, h.ids), logseq);
            if (wg_rng_below(&rng, 3) == 0) ids_undo(&h, d, 20, wg_rng_below(&rng, h.ids), logseq + 1);
            if (wg_rng_below(&rng, 3) != 0 && logseq != 14) continue;
            const uint64_t ids = h.ids;
            const wg_store_pass pass = store_begin(&s, since, logseq, ids);
            const uint32_t slot = wg_epoch_enter(s.epoch);
            if (logseq % 2 == 0) { /* beside it */
                id_put(&h, d, wg_rng_below(&rng, ids), logseq + 1);
                ids_add(&h, d, 5, logseq + 1);
            }
            STORE_OK(wg_directory_store(d, &pass, version_at, &h, err));
            wg_epoch_leave(s.epoch, slot);
            STORE_OK(store_commit(&s, err));
            directory_adopt(&s, d, logseq, ids);
            assert_directory(&h, d, h.ids, UINT64_MAX - 1);
            wg_directory *again = NULL;
            STORE_OK(wg_directory_create(s.epoch, &s.account, &again, err));
            directory_adopt(&s, again, logseq, ids);
            assert_directory(&h, again, ids, logseq);
            wg_directory_destroy(again);
            since = logseq;
        }
        /* Everything is mapped; each kind of change works on a mapped chunk. */
        ids_undo(&h, d, 30000 - h.ids % 7, 3, 90);
        id_put(&h, d, 16384 % h.ids, 91);
        assert_directory(&h, d, h.ids, UINT64_MAX - 1);
        wg_directory_destroy(d);
        store_close(&s);
    }
}

/* Goal: chunks that were never stored have no version; counts and slots beyond the limits are refused. */
static void test_a_directory_with_holes_has_no_versions_there(void **state) {
    (void)state;
    store s;
    wg_directory *d = NULL;
    store_open(&s);
    STORE_OK(wg_directory_create(s.epoch, &s.account, &d, err));
    STORE_OK(wg_directory_adopt_count(d, 40000, err));
    STORE_OK(wg_directory_adopt_count(d, 10, err)); /* never falls */
    assert_int_equal(wg_directory_count(d), 40000);
    wg_row_address got = 1;
    STORE_OK(wg_directory_get(d, 20000, &got, err));
    assert_int_equal(got, WG_ROW_NONE);
    STORE_OK(wg_directory_set(d, 20000, 77, 5, err));
    STORE_OK(wg_directory_get(d, 20000, &got, err));
    assert_int_equal(got, 77);
    uint64_t first = 0;
    STORE_OK(wg_directory_extend(d, 3, &first, err));
    assert_int_equal(first, 40000);
    wg_directory_truncate(d, 39000);
    STORE_OK(wg_directory_get(d, 20000, &got, err));
    assert_int_equal(got, 77);
    assert_int_equal(wg_directory_adopt_count(d, UINT64_MAX, NULL), WG_E_CORRUPT);
    const wg_fragment far = {.head = {.key = {.kind = WG_KIND_DIRECTORY, .slot = UINT64_C(1) << 40}}};
    assert_int_equal(wg_directory_adopt(d, &far, 1, NULL), WG_E_CORRUPT);
    const wg_fragment bare = {.head = {.key = {.kind = WG_KIND_DIRECTORY}, .row_count = 3}};
    assert_int_equal(wg_directory_adopt(d, &bare, 1, NULL), WG_E_CORRUPT);
    wg_directory_destroy(d);
    store_close(&s);
}

static wg_code no_version(void *ctx, bool is_edge, wg_row_address newest, uint64_t until, wg_row_address *out,
                          wg_error *err) {
    (void)ctx, (void)is_edge, (void)newest, (void)until, (void)out;
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "no version");
}

/* Goal: what asking for a version refuses ends the checkpoint; ids that got no version are stored as such; ids that were only
 * reserved over a mapped chunk can be given back. */
static void test_versions_that_cannot_be_told_end_a_checkpoint(void **state) {
    (void)state;
    static history h;
    store s;
    wg_directory *d = NULL;
    uint64_t first = 0;
    h = (history){0};
    store_open(&s);
    STORE_OK(wg_directory_create(s.epoch, &s.account, &d, err));
    ids_add(&h, d, 20000, 1);
    STORE_OK(wg_directory_extend(d, 5, &first, err)); /* no versions */
    STORE_OK(wg_directory_set(d, 20003, 99, 5, err));
    const wg_store_pass pass = store_begin(&s, 0, 1, 20005);
    assert_int_equal(wg_directory_store(d, &pass, no_version, NULL, NULL), WG_E_CORRUPT);
    wg_stripe_sink_abort(&s.sink);
    const wg_store_pass again = store_begin(&s, 0, 5, 20005);
    STORE_OK(wg_directory_store(d, &again, no_version, NULL, err)); /* nothing is above 5: not asked */
    STORE_OK(store_commit(&s, err));
    directory_adopt(&s, d, 5, 20005);
    STORE_OK(wg_directory_extend(d, 7, &first, err));
    wg_row_address got = 1;
    STORE_OK(wg_directory_get(d, first + 2, &got, err));
    assert_int_equal(got, WG_ROW_NONE);
    wg_directory_truncate(d, first);
    STORE_OK(wg_directory_get(d, 20002, &got, err));
    assert_int_equal(got, WG_ROW_NONE);
    STORE_OK(wg_directory_get(d, 20003, &got, err));
    assert_int_equal(got, 99);
    wg_directory_destroy(d);
    store_close(&s);
}

/* Goal: a damaged chunk is an error of reading and of the first set, which changes nothing. */
static void test_damage_of_a_stored_chunk_is_an_error(void **state) {
    (void)state;
    static history h;
    store s;
    wg_directory *d = NULL;
    wg_rng rng;
    wg_rng_init(&rng, 4);
    h = (history){0};
    store_open(&s);
    STORE_OK(wg_directory_create(s.epoch, &s.account, &d, err));
    ids_add(&h, d, 5000, 1);
    for (uint32_t i = 0; i < 9000; i++) id_put(&h, d, wg_rng_below(&rng, 5000), 1);
    const wg_store_pass pass = store_begin(&s, 0, 1, 5000);
    STORE_OK(wg_directory_store(d, &pass, version_at, &h, err));
    STORE_OK(store_commit(&s, err));
    wg_directory_destroy(d);
    wg_stripe_close(s.stripes[0]);
    s.stripe_count = 0;
    assert_int_equal(store_damage(&s, 1, 2000), WG_OK);
    STORE_OK(wg_directory_create(s.epoch, &s.account, &d, err));
    STORE_OK(wg_directory_adopt(d, wg_stripe_fragment(s.stripes[0], 0), 1, err));
    for (uint32_t i = 0; i < 2; i++) {
        wg_row_address got = 1;
        assert_int_equal(wg_directory_get(d, 40, &got, NULL), WG_E_CORRUPT);
        assert_int_equal(wg_directory_set(d, 40, 7, 2, NULL), WG_E_CORRUPT);
    }
    wg_directory_destroy(d);
    store_close(&s);
}

/* Goal: footers of chunks and pieces that cannot be are refused; what was there stays. */
static void test_footers_of_chunks_and_pieces_are_checked(void **state) {
    (void)state;
    store s;
    wg_directory *d = NULL;
    wg_key_index *index = NULL;
    store_open(&s);
    STORE_OK(wg_directory_create(s.epoch, &s.account, &d, err));
    STORE_OK(wg_key_index_create(s.epoch, &s.account, &index, err));
    for (uint32_t twist = 0; twist < 7; twist++) {
        wg_fragment_column columns[3] = {{.id = WG_COLUMN_ID, .type = WG_TYPE_NODE, .has_zone = true},
                                         {.id = WG_COLUMN_ADDRESS, .type = WG_TYPE_NODE, .has_zone = true},
                                         {.id = WG_COLUMN_HASH, .type = WG_TYPE_NODE, .has_zone = true}};
        wg_fragment f = {.head = {.key = {.kind = WG_KIND_DIRECTORY}, .row_count = 3}, .column_count = 3};
        f.columns = columns;
        if (twist == 1) f.head.row_count = WG_FRAGMENT_ROWS + 1;
        for (uint32_t i = 0; i < 3; i++) {
            if (twist == 2) columns[i].type = WG_TYPE_INT;
            if (twist == 3) columns[i].null_count = 1;
        }
        if (twist == 4) columns[0].has_zone = false;
        if (twist == 5) columns[2].has_zone = false;
        if (twist == 6) f.head.row_count = 0;
        const bool chunk = twist == 0 || twist > 3;
        assert_int_equal(wg_directory_adopt(d, &f, 1, NULL), chunk ? WG_OK : WG_E_CORRUPT);
        f.head.key.kind = WG_KIND_KEYS;
        const wg_fragment *piece = &f;
        assert_int_equal(wg_key_index_adopt(index, &piece, 1, true, NULL), twist == 0 ? WG_OK : WG_E_CORRUPT);
        STORE_OK(wg_key_index_adopt(index, NULL, 0, true, err));
    }
    const wg_store_pass pass = store_begin(&s, 0, 1, 0);
    STORE_OK(wg_key_index_store(index, &pass, err)); /* nothing is frozen */
    STORE_OK(store_commit(&s, err));
    assert_int_equal(s.stripe_count, 0);
    wg_key_index_destroy(index);
    wg_directory_destroy(d);
    store_close(&s);
}

/* ---- key index */

enum { PAIRS_MAX = 200000, PIECES_MAX = 200 };

typedef struct pairs {
    uint64_t hash[PAIRS_MAX];
    uint64_t id[PAIRS_MAX];
    uint64_t count;
} pairs;

static uint64_t ids_of(const wg_key_index *index, uint64_t hash, uint64_t *sum) {
    uint64_t position = 0;
    uint64_t n = 0;
    *sum = 0;
    for (;;) {
        uint64_t id = 0;
        bool found = false;
        STORE_OK(wg_key_index_next(index, hash, &position, &id, &found, err));
        if (!found) return n;
        *sum += id * 2654435761u + 1;
        n++;
    }
}

/* Each hash gives the ids that were added, each once. */
static void assert_index(const pairs *p, const wg_key_index *index, uint64_t hashes) {
    for (uint64_t h = 0; h < hashes; h++) {
        uint64_t want = 0;
        uint64_t n = 0;
        for (uint64_t i = 0; i < p->count; i++)
            if (p->hash[i] == h) {
                want += p->id[i] * 2654435761u + 1;
                n++;
            }
        uint64_t sum = 0;
        assert_int_equal(ids_of(index, h, &sum), n);
        assert_int_equal(sum, want);
    }
    uint64_t sum = 0;
    assert_int_equal(ids_of(index, UINT64_MAX, &sum), 0);
}

static void pair_add(pairs *p, wg_key_index *index, uint64_t hash, uint64_t id) {
    STORE_OK(wg_key_index_add(index, hash, id, err));
    assert_true(p->count < PAIRS_MAX);
    p->hash[p->count] = hash;
    p->id[p->count++] = id;
}

/* All stored pieces in key order; stripes are in the order of their runs here. */
static uint32_t pieces_of(const store *s, const wg_fragment **out) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->stripe_count; i++)
        for (uint32_t k = 0; k < wg_stripe_fragment_count(s->stripes[i]); k++) {
            assert_true(n < PIECES_MAX);
            out[n++] = wg_stripe_fragment(s->stripes[i], k);
        }
    return n;
}

static void index_checkpoint(store *s, wg_key_index *index, uint64_t until) {
    const wg_fragment *pieces[PIECES_MAX];
    const wg_store_pass pass = store_begin(s, until - 1, until, 0);
    STORE_OK(wg_key_index_freeze(index, err));
    STORE_OK(wg_key_index_store(index, &pass, err));
    STORE_OK(store_commit(s, err));
    const uint32_t n = pieces_of(s, pieces);
    STORE_OK(wg_key_index_adopt(index, pieces, n, true, err));
}

/* Goal: entries in memory, frozen and in several runs of several pieces, with ids of one hash across the border of pieces,
 * are found, each once; adding one again does nothing wherever it is; an index opened from the runs has them all. */
static void test_stored_keys_are_found(void **state) {
    (void)state;
    static pairs p;
    p.count = 0;
    store s;
    wg_key_index *index = NULL;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(5));
    store_open(&s);
    STORE_OK(wg_key_index_create(s.epoch, &s.account, &index, err));
    STORE_OK(wg_key_index_freeze(index, err)); /* nothing in it */
    uint64_t id = 0;
    for (uint64_t round = 1; round <= 4; round++) {
        for (uint64_t i = 0; i < 12000; i++) pair_add(&p, index, 1 + wg_rng_below(&rng, 60), id++);
        for (uint64_t i = 0; i < 25000 && round == 2; i++) pair_add(&p, index, 70, id++);
        if (round == 3) STORE_OK(wg_key_index_freeze(index, err)); /* a checkpoint that failed */
        for (uint64_t i = 0; i < 2000; i++) pair_add(&p, index, 1 + wg_rng_below(&rng, 60), id++);
        if (round != 4) index_checkpoint(&s, index, round);
        if (round != 4) assert_int_equal(wg_key_index_stored_count(index), p.count);
        for (uint64_t i = 0; i < p.count; i += 17) STORE_OK(wg_key_index_add(index, p.hash[i], p.id[i], err));
        assert_index(&p, index, 75);
    }
    assert_int_equal(wg_key_index_stored_count(index), p.count - 14000);
    STORE_OK(wg_key_index_freeze(index, err));
    const wg_fragment *pieces[PIECES_MAX];
    uint32_t n = pieces_of(&s, pieces);
    STORE_OK(wg_key_index_adopt(index, pieces, n, false, err)); /* a compaction: what is frozen stays */
    assert_index(&p, index, 75);
    index_checkpoint(&s, index, 5);
    wg_key_index *again = NULL;
    STORE_OK(wg_key_index_create(s.epoch, &s.account, &again, err));
    n = pieces_of(&s, pieces);
    assert_true(n >= 6);
    STORE_OK(wg_key_index_adopt(again, pieces, n, true, err));
    assert_index(&p, again, 75);
    assert_int_equal(wg_key_index_stored_count(again), p.count);
    /* Pieces of one run in the wrong order are noticed. */
    for (uint32_t i = 0; i + 1 < n; i++) {
        if (pieces[i]->head.key.run != pieces[i + 1]->head.key.run) continue;
        const wg_fragment *swapped[2] = {pieces[i + 1], pieces[i]};
        assert_int_equal(wg_key_index_adopt(again, swapped, 2, true, NULL), WG_E_CORRUPT);
        break;
    }
    const wg_fragment bare = {.head = {.key = {.kind = WG_KIND_KEYS}, .row_count = 3}};
    const wg_fragment *bad = &bare;
    assert_int_equal(wg_key_index_adopt(again, &bad, 1, true, NULL), WG_E_CORRUPT);
    assert_int_equal(wg_key_index_adopt(again, pieces, UINT32_MAX, true, NULL), WG_E_LIMIT);
    assert_index(&p, again, 75);
    wg_key_index_destroy(again);
    wg_key_index_destroy(index);
    store_close(&s);
}

/* Goal: an iteration that goes on over freezing and adopting gives every id at least once, and ends. */
static void test_iterations_survive_checkpoints(void **state) {
    (void)state;
    static pairs p;
    p.count = 0;
    store s;
    wg_key_index *index = NULL;
    store_open(&s);
    STORE_OK(wg_key_index_create(s.epoch, &s.account, &index, err));
    for (uint64_t i = 0; i < 300; i++) pair_add(&p, index, 9, i);
    bool seen[300] = {false};
    uint64_t position = 0;
    const uint32_t slot = wg_epoch_enter(s.epoch);
    for (uint64_t n = 0;; n++) {
        uint64_t id = 0;
        bool found = false;
        STORE_OK(wg_key_index_next(index, 9, &position, &id, &found, err));
        if (!found) break;
        seen[id] = true;
        if (n == 100) STORE_OK(wg_key_index_freeze(index, err));
        if (n == 150) index_checkpoint(&s, index, 1);
        assert_true(n < 1000);
    }
    wg_epoch_leave(s.epoch, slot);
    for (uint32_t i = 0; i < 300; i++) assert_true(seen[i]);
    wg_key_index_destroy(index);
    store_close(&s);
}

/* Goal: a damaged piece is an error of the lookup, of an add too, and never "not found". */
static void test_damage_of_stored_keys_is_an_error(void **state) {
    (void)state;
    static pairs p;
    p.count = 0;
    store s;
    wg_key_index *index = NULL;
    store_open(&s);
    STORE_OK(wg_key_index_create(s.epoch, &s.account, &index, err));
    for (uint64_t i = 0; i < 3000; i++) pair_add(&p, index, wg_hash64_u64(i), i);
    index_checkpoint(&s, index, 1);
    wg_key_index_destroy(index);
    wg_stripe_close(s.stripes[0]);
    s.stripe_count = 0;
    uint32_t refused = 0;
    for (uint64_t at = 64; at < 40000; at += 1500) {
        const wg_code code = store_damage(&s, 1, at);
        if (code != WG_OK) continue; /* the file is refused, or ends before */
        const wg_fragment *piece = wg_stripe_fragment(s.stripes[0], 0);
        STORE_OK(wg_key_index_create(s.epoch, &s.account, &index, err));
        STORE_OK(wg_key_index_adopt(index, &piece, 1, true, err));
        for (uint64_t i = 0; i < 3000; i += 29) {
            uint64_t position = 0;
            uint64_t id = 0;
            bool found = false;
            const wg_code got = wg_key_index_next(index, wg_hash64_u64(i), &position, &id, &found, NULL);
            assert_true((got == WG_OK && found && id == i) || got == WG_E_CORRUPT);
            refused += got == WG_E_CORRUPT;
            if (got == WG_E_CORRUPT)
                assert_int_equal(wg_key_index_add(index, wg_hash64_u64(i), i, NULL), WG_E_CORRUPT);
        }
        wg_key_index_destroy(index);
        wg_stripe_close(s.stripes[0]);
        s.stripe_count = 0;
        store_repair(&s, 1, at);
    }
    assert_true(refused > 0);
    store_close(&s);
}

/* ---- memory and threads */

/* Goal: whichever allocation is refused, directory and index answer as before, and the same call succeeds afterwards. */
static void test_refused_memory_changes_nothing(void **state) {
    (void)state;
    static history h;
    static pairs p;
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        store s;
        wg_directory *d = NULL;
        wg_key_index *index = NULL;
        const wg_fragment *pieces[PIECES_MAX];
        h = (history){0};
        p.count = 0;
        store_open(&s);
        STORE_OK(wg_directory_create(s.epoch, &s.account, &d, err));
        STORE_OK(wg_key_index_create(s.epoch, &s.account, &index, err));
        ids_add(&h, d, 300, 1);
        for (uint64_t i = 0; i < 100; i++) pair_add(&p, index, i % 10, i);
        const wg_store_pass pass = store_begin(&s, 0, 1, 300);
        STORE_OK(wg_directory_store(d, &pass, version_at, &h, err));
        STORE_OK(store_commit(&s, err));
        STORE_OK(wg_key_index_freeze(index, err));
        for (uint64_t i = 0; i < 60; i++) pair_add(&p, index, i % 10, 100 + i);
        const wg_fragment *chunk = wg_stripe_fragment(s.stripes[0], 0);
        const wg_store_pass keys = store_begin(&s, 0, 1, 0);
        wg_memory_fail_at(n, true);
        wg_code code = wg_directory_adopt(d, chunk, 1, NULL);
        if (code == WG_OK) code = wg_directory_set(d, 7, 7, 2, NULL); /* the same again, now in the heap */
        if (code == WG_OK) code = wg_key_index_freeze(index, NULL);
        if (code == WG_OK) code = wg_key_index_store(index, &keys, NULL);
        if (code == WG_OK) code = store_commit(&s, NULL);
        if (code == WG_OK) code = wg_key_index_adopt(index, pieces, 0, false, NULL);
        wg_memory_fail_at(0, false);
        done = code == WG_OK;
        assert_true(done || code == WG_E_NOMEM);
        assert_directory(&h, d, 300, 5);
        assert_index(&p, index, 10);
        if (!done) wg_stripe_sink_abort(&s.sink);
        wg_directory_destroy(d);
        wg_key_index_destroy(index);
        store_close(&s);
    }
}

typedef struct lookups {
    store *s;
    wg_directory *directory;
    wg_key_index *index;
    _Atomic uint64_t published;
    _Atomic bool stop;
    _Atomic uint64_t wrong;
} lookups;

static void *lookups_main(void *arg) {
    lookups *l = arg;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(3));
    while (!atomic_load(&l->stop)) {
        const uint64_t published = atomic_load(&l->published);
        if (published == 0) continue;
        const uint32_t slot = wg_epoch_enter(l->s->epoch);
        for (uint32_t i = 0; i < 50; i++) {
            const uint64_t id = wg_rng_below(&rng, published);
            uint64_t position = 0;
            uint64_t got = UINT64_MAX;
            uint64_t address = 0;
            bool found = false;
            if (wg_key_index_next(l->index, id * 977, &position, &got, &found, NULL) != WG_OK || !found || got != id)
                atomic_fetch_add(&l->wrong, 1);
            if (wg_directory_get(l->directory, id, &address, NULL) != WG_OK ||
                (address != id && address != id + 1000000))
                atomic_fetch_add(&l->wrong, 1);
        }
        wg_epoch_leave(l->s->epoch, slot);
    }
    return NULL;
}

static void *checkpoints_main(void *arg) {
    lookups *l = arg;
    const uint64_t published = atomic_load(&l->published);
    const wg_store_pass pass = store_begin(l->s, 0, published, published);
    const uint32_t slot = wg_epoch_enter(l->s->epoch);
    if (wg_key_index_store(l->index, &pass, NULL) != WG_OK) atomic_fetch_add(&l->wrong, 1);
    wg_epoch_leave(l->s->epoch, slot);
    return NULL;
}

/* Goal: readers in threads find everything that was published while entries are added, frozen, written by another thread and
 * adopted, and while chunks of the directory go to the mapping and come back. */
static void test_lookups_run_beside_checkpoints(void **state) {
    (void)state;
    store s;
    lookups l = {.s = &s};
    store_open(&s);
    STORE_OK(wg_directory_create(s.epoch, &s.account, &l.directory, err));
    STORE_OK(wg_key_index_create(s.epoch, &s.account, &l.index, err));
    pthread_t readers[2];
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_create(&readers[i], NULL, lookups_main, &l), 0);
    for (uint64_t id = 0; id < 24000; id++) {
        uint64_t first = 0;
        STORE_OK(wg_directory_extend(l.directory, 1, &first, err));
        STORE_OK(wg_directory_set(l.directory, id, id, id + 1, err));
        if (id > 2000 && id % 5 == 0)
            STORE_OK(wg_directory_set(l.directory, id - 2000, id - 2000 + 1000000, id + 1, err));
        STORE_OK(wg_key_index_add(l.index, id * 977, id, err));
        atomic_store(&l.published, id + 1);
        if (id % 3000 != 2999) continue;
        pthread_t writer;
        const wg_fragment *pieces[PIECES_MAX];
        STORE_OK(wg_key_index_freeze(l.index, err));
        assert_int_equal(pthread_create(&writer, NULL, checkpoints_main, &l), 0);
        for (uint64_t k = 0; k < 300; k++) STORE_OK(wg_key_index_add(l.index, k * 977, k, err));
        assert_int_equal(pthread_join(writer, NULL), 0);
        STORE_OK(store_commit(&s, err));
        STORE_OK(wg_key_index_adopt(l.index, pieces, pieces_of(&s, pieces), true, err));
    }
    atomic_store(&l.stop, true);
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_join(readers[i], NULL), 0);
    assert_int_equal(atomic_load(&l.wrong), 0);
    wg_key_index_destroy(l.index);
    wg_directory_destroy(l.directory);
    store_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stored_directory_is_that_of_its_logseq),
        cmocka_unit_test(test_a_directory_with_holes_has_no_versions_there),
        cmocka_unit_test(test_versions_that_cannot_be_told_end_a_checkpoint),
        cmocka_unit_test(test_damage_of_a_stored_chunk_is_an_error),
        cmocka_unit_test(test_footers_of_chunks_and_pieces_are_checked),
        cmocka_unit_test(test_stored_keys_are_found),
        cmocka_unit_test(test_iterations_survive_checkpoints),
        cmocka_unit_test(test_damage_of_stored_keys_is_an_error),
        cmocka_unit_test(test_refused_memory_changes_nothing),
        cmocka_unit_test(test_lookups_run_beside_checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
