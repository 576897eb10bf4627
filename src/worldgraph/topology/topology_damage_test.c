/* Tests of what topology refuses: pieces whose heads contradict the format, cells that contradict each other, damaged blocks, arrays in
 * memory that break their invariants. */
#include "base/core/test_seed.h"
#include "worldgraph/topology/topology_test_kit.h"

/* Copies of two runs' pieces that a test may twist. */
typedef struct twisted {
    wg_fragment copies[16];
    const wg_fragment *pieces[16];
    uint32_t count;
} twisted;

static void twisted_init(twisted *t, const fixture *f) {
    assert_int_equal(f->piece_count, 8);
    t->count = 8;
    for (uint32_t i = 0; i < 8; i++) {
        t->copies[i] = *f->pieces[i];
        t->pieces[i] = &t->copies[i];
    }
}

/* Sets one attribute of all pieces of a run. */
static void run_attribute(twisted *t, uint32_t run, uint32_t attribute, uint64_t value) {
    for (uint32_t i = 4 * run; i < 4 * run + 4; i++) t->copies[i].head.attributes[attribute] = value;
}

static uint32_t twist_key(twisted *t, uint32_t how) {
    wg_fragment *c = t->copies;
    if (how == 0) c[2].head.key.kind = WG_KIND_KEYS;
    if (how == 1) c[3].head.key.part = 4;
    if (how == 2) t->count = 7;
    if (how == 3) c[1].head.key.slot = 1;
    if (how == 4) c[2].head.key.owner++;
    if (how == 5) t->pieces[1] = t->pieces[0];
    return 6;
}

static uint32_t twist_column(twisted *t, uint32_t how) {
    static wg_fragment_column columns[2];
    wg_fragment *c = t->copies;
    memcpy(columns, c[0].columns, sizeof columns);
    if (how == 0) c[0].head.row_count = 0;
    if (how == 1) c[0].head.row_count = WGI_PIECE_ROWS + 1;
    if (how == 2) c[1].head.row_count--;
    if (how == 3) c[0].column_count = 1;
    if (how == 4) columns[0].id = WG_COLUMN_EDGE;
    if (how == 5) columns[1].type = WG_TYPE_NODE;
    if (how == 6) columns[1].null_count = 1;
    if (how == 7) c[1].column_count = 0;
    if (how < 7) c[0].columns = columns;
    return 8;
}

static uint32_t twist_attribute(twisted *t, uint32_t how) {
    wg_fragment *c = t->copies;
    const wg_fragment_head *second = &c[4].head;
    if (how == 0) run_attribute(t, 0, 0, c[0].head.key.run);   /* ends where it begins */
    if (how == 1) run_attribute(t, 0, 0, second->key.run + 1); /* ends in the next */
    if (how == 2) run_attribute(t, 1, 0, 1000000);             /* ends behind all edges */
    if (how == 3) run_attribute(t, 0, 1, 0);
    if (how == 4) run_attribute(t, 0, 1, 100000);
    if (how == 5) run_attribute(t, 0, 2, UINT64_MAX);
    if (how == 6) run_attribute(t, 0, 3, UINT64_MAX);
    if (how == 7) run_attribute(t, 0, 3, second->attributes[2]);
    if (how == 8) run_attribute(t, 1, 3, 1000000); /* reaches the edges in memory */
    if (how == 9) c[2].head.attributes[2]++;
    if (how == 10) c[0].head.attributes[5]--;
    if (how == 11) c[0].head.attributes[5] = 1;
    return 12;
}

/* Goal: pieces whose heads contradict the format, each other, or what is in memory are refused by name, and the topology stays as it
 * was. */
static void test_pieces_that_contradict_are_refused(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(41));
    for (uint32_t i = 0; i < 2; i++) {
        edges_add(&f, &rng, NODES_DENSE, 300);
        store(&f, m.count);
        adopt(&f);
    }
    m.next_edge += 10;
    edges_add(&f, &rng, NODES_DENSE, 3);
    for (uint32_t round = 0; round < 2; round++) {
        twisted t;
        uint32_t (*const twists[])(twisted *, uint32_t) = {twist_key, twist_column, twist_attribute};
        for (uint32_t kind = 0; kind < 3; kind++) {
            for (uint32_t how = 0, count = 1; how < count; how++) {
                twisted_init(&t, &f);
                count = twists[kind](&t, how);
                wg_error err = {0};
                if (wg_topology_adopt(f.topology, t.pieces, t.count, f.stored, &err) != WG_E_CORRUPT)
                    fail_msg("twist %u of kind %u is accepted", how, kind);
                assert_non_null(strstr(err.message, "topology: "));
            }
        }
        twisted_init(&t, &f);
        assert_int_equal(wg_topology_adopt(f.topology, t.pieces, t.count, f.stored, NULL), WG_OK);
        adopt(&f); /* copies are not for reading */
        check(f.topology);
        for (uint64_t i = 0; i < NODES; i += 3) node_compare(f.topology, i % 2, i, 40, m.count);
        assert_int_equal(wg_topology_rebuild(f.topology, NULL), WG_OK); /* the newest edges are in the base now */
    }
    assert_int_equal(wg_topology_add(f.topology, m.edge[599], 1, 2, NULL), WG_E_CORRUPT);
    fixture_close(&f);
}

/* Goal: parts whose pieces are not full before the last, or whose pieces do not follow each other, are refused or found by the check. */
static void test_cut_short_parts_are_refused(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(2));
    for (uint64_t i = 0; i < 40000; i++) {
        m.edge[i] = i;
        m.ends[0][i] = 40000 - i;
        m.ends[1][i] = 3 * i;
        m.dead[i] = false;
    }
    m.count = 40000;
    assert_int_equal(wg_topology_add_batch(f.topology, 0, m.ends[0], m.ends[1], 40000, NULL), WG_OK);
    store(&f, 40000);
    assert_int_equal(f.piece_count, 12);
    for (uint32_t how = 0; how < 4; how++) {
        twisted t = {.count = 12};
        for (uint32_t i = 0; i < 12; i++) {
            t.copies[i] = *f.pieces[i];
            t.pieces[i] = &t.copies[i];
        }
        if (how == 0) t.copies[0].head.row_count--;                                        /* nodes 0 */
        if (how == 1) t.copies[1].head.row_count--;                                        /* entries 0 */
        if (how == 2) t.copies[4].head.attributes[4] = t.copies[0].head.attributes[4];     /* fence */
        if (how == 3) t.copies[4].head.attributes[5] = t.copies[0].head.attributes[5] - 1; /* offset */
        assert_int_equal(wg_topology_adopt(f.topology, t.pieces, 12, f.stored, NULL), WG_E_CORRUPT);
    }
    wg_fragment *second = (wg_fragment *)(uintptr_t)f.pieces[4];
    second->head.attributes[4]--; /* its nodes begin inside the piece before */
    adopt(&f);
    wg_error err = {0};
    assert_int_equal(wg_topology_check(f.topology, NULL, NULL, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "belongs to the next piece"));
    second->head.attributes[4]++;
    adopt(&f);
    for (uint64_t i = 0; i < 40000; i += 999) {
        node_compare(f.topology, 0, i, 5, m.count);
        node_compare(f.topology, 1, 3 * i, 5, m.count);
    }
    fixture_close(&f);
}

/* The cells of a run of 6 edges, as a broken writer might leave them. */
typedef struct crafted {
    uint64_t nodes[2][3];
    uint64_t offsets[2][3];
    uint64_t edges[2][6];
    uint64_t neighbours[2][6];
} crafted;

static const crafted sound = {.nodes = {{1, 2, 9}, {2, 5, 9}},
                              .offsets = {{0, 1, 3}, {0, 3, 4}},
                              .edges = {{10, 11, 12, 13, 14, 15}, {10, 12, 15, 13, 11, 14}},
                              .neighbours = {{2, 9, 2, 5, 9, 2}, {1, 2, 9, 9, 2, 9}}};

static void crafted_put(fixture *f, const crafted *c, uint64_t fence) {
    wg_fragment_head head = {.key = {.kind = WG_KIND_ADJACENCY, .owner = LABEL}, .version = 1};
    for (uint32_t part = 0; part < 4; part++) {
        const uint32_t side = part / 2;
        const bool entries = part % 2 == 1;
        head.key.part = part;
        head.row_count = entries ? 6 : 3;
        const uint64_t attributes[6] = {6, 6, 10, 15, entries ? 0 : side == 0 ? fence : 2, entries ? 0 : 6};
        memcpy(head.attributes, attributes, sizeof attributes);
        const wg_stripe_column columns[2] = {
            {entries ? WG_COLUMN_EDGE : WG_COLUMN_NODE,
             {.type = WG_TYPE_NODE, .data = entries ? c->edges[side] : c->nodes[side]}},
            {entries ? WG_COLUMN_NEIGHBOUR : WG_COLUMN_OFFSET,
             {.type = entries ? WG_TYPE_NODE : WG_TYPE_INT,
              .data = entries ? c->neighbours[side] : c->offsets[side]}}};
        assert_int_equal(wg_stripe_sink_add(&f->sink, &head, columns, 2, NULL), WG_OK);
    }
    stripes_take(f);
    f->stored = 6;
    adopt(f);
}

/* Goal: cells of a run that contradict each other are found by the check, and a lookup that meets them is refused or bounded. */
static void test_cells_that_contradict_are_found(void **state) {
    (void)state;
    for (uint32_t how = 0; how <= 12; how++) {
        fixture f;
        fixture_open(&f);
        crafted c = sound;
        uint64_t fence = 1;
        if (how == 1) c.nodes[0][1] = 1;
        if (how == 2) c.nodes[0][2] = 2;
        if (how == 3) fence = 0;
        if (how == 4) c.offsets[0][0] = 1;
        if (how == 5) c.offsets[0][1] = 0;
        if (how == 6) c.offsets[0][2] = UINT64_MAX >> 1;
        if (how == 7) c.offsets[1][2] = 6;
        if (how == 8) c.edges[0][2] = 11;
        if (how == 9) c.edges[1][5] = 16;
        if (how == 10) c.neighbours[1][1] = 3;
        if (how == 11) c.edges[1][3] = 9;
        if (how == 12) c.offsets[1][0] = 1;
        crafted_put(&f, &c, fence);
        wg_error err = {0};
        assert_int_equal(wg_topology_check(f.topology, NULL, NULL, &err), how == 0 ? WG_OK : WG_E_CORRUPT);
        if (how != 0) assert_non_null(strstr(err.message, "stored run 0 of label 7"));
        uint64_t edges[64];
        uint64_t neighbours[64];
        for (uint64_t node = 0; node < 11; node++) {
            for (uint32_t side = 0; side < 2; side++) {
                uint32_t got = 0;
                const wg_direction direction = side == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN;
                const wg_code code =
                    wg_topology_read(f.topology, direction, node, 0, 64, edges, neighbours, &got, NULL);
                assert_true(code == WG_OK || (how != 0 && code == WG_E_CORRUPT));
                assert_true(got <= 6);
            }
        }
        fixture_close(&f);
    }
}

/* Reads every node and checks all; the first code that is not WG_OK. */
static wg_code everything_read(const wg_topology *topology, wg_error *err) {
    static uint64_t edges[5000];
    static uint64_t neighbours[5000];
    for (uint64_t node = 0; node < NODES; node++) {
        for (uint32_t side = 0; side < 2; side++) {
            const wg_direction direction = side == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN;
            uint64_t degree;
            uint32_t got;
            WG_TRY(wg_topology_degree(topology, direction, node, &degree, err));
            WG_TRY(wg_topology_read(topology, direction, node, 0, 5000, edges, neighbours, &got, err));
            WG_TRY(wg_topology_read(topology, direction, node, 150, 5000, edges, neighbours, &got, err));
        }
    }
    return wg_topology_check(topology, model_ends, NULL, err);
}

static wg_code damaged_read(const fixture *f, wg_error *err) {
    const uint8_t uuid[16] = {0};
    wg_stripe *stripe = NULL;
    wg_topology *topology = NULL;
    const wg_fragment *pieces[16];
    WG_TRY(wg_stripe_open(f->platform, "/s", 1, uuid, NULL, NULL, &stripe, err));
    const uint32_t count = wg_stripe_fragment_count(stripe);
    for (uint32_t i = 0; i < count; i++) pieces[i] = wg_stripe_fragment(stripe, i);
    assert_int_equal(wg_topology_create(f->epoch, NULL, &topology, NULL), WG_OK);
    wg_code code = wg_topology_adopt(topology, pieces, count, f->stored, err);
    if (code == WG_OK) code = everything_read(topology, err);
    if (code == WG_OK) code = wg_stripe_check(stripe, err);
    wg_topology_destroy(topology);
    wg_stripe_close(stripe);
    return code;
}

/* Goal: whichever byte of a stripe with runs is turned over, reading or checking says WG_E_CORRUPT: nothing wrong is ever read. */
static void test_every_damaged_block_is_refused(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(51));
    edges_add(&f, &rng, NODES_HUB, 3000);
    store(&f, 3000);
    assert_int_equal(damaged_read(&f, NULL), WG_OK);
    char path[4160];
    assert_int_equal(wg_stripe_path("/s", 1, path, sizeof path, NULL), WG_OK);
    const uint64_t size = wg_stripe_file_bytes(f.stripes[0]);
    wg_file *file = NULL;
    assert_int_equal(f.platform->ops->open(f.platform, path, WG_OPEN_WRITE, &file, NULL), WG_OK);
    for (uint64_t at = 0; at < size; at += 61) {
        uint8_t byte;
        size_t got;
        assert_int_equal(f.platform->ops->read_at(f.platform, file, at, &byte, 1, &got, NULL), WG_OK);
        byte ^= 0x10;
        assert_int_equal(f.platform->ops->write_at(f.platform, file, at, &byte, 1, NULL), WG_OK);
        const wg_code code = damaged_read(&f, NULL);
        if (code != WG_E_CORRUPT && code != WG_E_VERSION)
            fail_msg("byte %llu: code %d", (unsigned long long)at, (int)code);
        byte ^= 0x10;
        assert_int_equal(f.platform->ops->write_at(f.platform, file, at, &byte, 1, NULL), WG_OK);
    }
    assert_int_equal(damaged_read(&f, NULL), WG_OK);
    f.platform->ops->close(f.platform, file);
    fixture_close(&f);
}

/* Goal: the check names what is wrong in CSRs whose arrays break their invariants. */
static void test_broken_arrays_in_memory_are_found(void **state) {
    (void)state;
    for (uint32_t how = 0; how <= 8; how++) {
        _Atomic(wgi_log *) held = wgi_log_create(NULL);
        const uint64_t far = UINT64_C(1) << 40;
        for (uint64_t i = 0; i < 8; i++) {
            const uint64_t pair[2] = {(i % 3) * far, (i % 2) * far};
            const uint64_t *const ends[2] = {&pair[0], &pair[1]};
            const wgi_log_edges one = {10 + i, ends, 1};
            assert_true(wgi_log_put(&held, i, &one, NULL, NULL));
        }
        wgi_log *log = atomic_load(&held);
        wgi_csr *sides[2];
        for (uint32_t side = 0; side < 2; side++) {
            const wgi_csr_source source = {NULL, log, 0, how == 8 && side == 1 ? 7 : 8, side};
            assert_int_equal(wgi_csr_build(&source, NULL, &sides[side], NULL), WG_OK);
        }
        assert_true(sides[0]->wide && !sides[0]->dense);
        uint64_t *offsets = (uint64_t *)(uintptr_t)sides[0]->offsets;
        uint64_t *keys = (uint64_t *)(uintptr_t)sides[0]->keys;
        uint64_t *edges = (uint64_t *)(uintptr_t)sides[0]->edges;
        uint64_t *neighbours = (uint64_t *)(uintptr_t)sides[1]->neighbours;
        if (how == 1) offsets[0] = 1;
        if (how == 2) offsets[sides[0]->key_count] = 7;
        if (how == 3) keys[1] = keys[0];
        if (how == 4) offsets[1] = offsets[2] + 1;
        if (how == 5) edges[1] = edges[0];
        if (how == 6) edges[0] = 9;
        if (how == 7) neighbours[2] = 77;
        wg_error err = {0};
        assert_int_equal(wgi_csr_check_pair(sides[0], sides[1], &err), how == 0 ? WG_OK : WG_E_CORRUPT);
        if (how != 0) assert_int_equal(wgi_csr_check_pair(sides[1], sides[0], NULL), WG_E_CORRUPT);
        for (size_t side = 0; side < 2; side++) wg_free(sides[side]);
        wgi_log_give_back(log, NULL);
    }
}

/* Goal: a topology that cannot be made leaves nothing behind; destroying none is legal; adding none adds none. */
static void test_creation_survives_refused_allocations(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    const uint64_t bytes = wg_account_bytes(&f.account);
    wg_topology *topology = NULL;
    wg_code code = WG_E_NOMEM;
    for (uint64_t n = 1; code != WG_OK; n++) {
        wg_memory_fail_at(n, true);
        code = wg_topology_create(f.epoch, &f.account, &topology, NULL);
        wg_memory_fail_at(0, false);
        assert_true(code == WG_OK || code == WG_E_NOMEM);
        if (code != WG_OK) assert_int_equal(wg_account_bytes(&f.account), bytes);
    }
    assert_int_equal(wg_topology_add_batch(topology, 0, NULL, NULL, 0, NULL), WG_OK);
    assert_int_equal(wg_topology_edge_count(topology), 0);
    wg_topology_destroy(topology);
    wg_topology_destroy(NULL);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_that_contradict_are_refused),
        cmocka_unit_test(test_cut_short_parts_are_refused),
        cmocka_unit_test(test_cells_that_contradict_are_found),
        cmocka_unit_test(test_every_damaged_block_is_refused),
        cmocka_unit_test(test_broken_arrays_in_memory_are_found),
        cmocka_unit_test(test_creation_survives_refused_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
