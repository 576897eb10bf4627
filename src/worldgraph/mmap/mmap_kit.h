/* worldgraph/mmap, tests only: a store on a simulated disk, fragments of a few numbers, and reading them back. */
#ifndef WG_WORLDGRAPH_MMAP_KIT_H
#define WG_WORLDGRAPH_MMAP_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worldgraph/mmap/mmap.h"

static const uint8_t kit_uuid[16] = {1, 2, 3, 4};

typedef struct kit {
    wg_platform *platform;
    wg_epoch *epoch;
    wg_cache *cache;
    wg_stripe_set *set;
    uint64_t next_id;
} kit;

static inline void kit_open_on(kit *k, wg_platform *platform) {
    wg_error err = {0};
    *k = (kit){.platform = platform, .next_id = 1};
    if (platform == NULL) assert_int_equal(wg_platform_sim_create(1, &k->platform, &err), WG_OK);
    (void)k->platform->ops->make_directory(k->platform, "/s", NULL);
    assert_int_equal(wg_epoch_create(NULL, &k->epoch, &err), WG_OK);
    assert_int_equal(wg_cache_create(NULL, NULL, &k->cache, &err), WG_OK);
    assert_int_equal(wg_stripe_set_create(k->platform, "/s", kit_uuid, k->cache, k->epoch, NULL, &k->set, &err),
                     WG_OK);
}

static inline void kit_open(kit *k) { kit_open_on(k, NULL); }

/* The simulated disk stays, for those who opened on one. */
static inline void kit_leave(kit *k) {
    wg_stripe_set_destroy(k->set);
    wg_epoch_destroy(k->epoch);
    wg_cache_destroy(k->cache);
}

static inline void kit_close(kit *k) {
    kit_leave(k);
    wg_platform_sim_destroy(k->platform);
}

static inline wg_stripe_sink kit_sink(const kit *k, uint32_t level, uint64_t capacity) {
    wg_stripe_sink sink = {.platform = k->platform, .dir = "/s", .next_id = k->next_id, .level = level};
    memcpy(sink.options.store_uuid, kit_uuid, 16);
    sink.options.capacity_bytes = capacity;
    return sink;
}

/* One column of numbers; `type` NODE unless stated. */
typedef struct kit_column {
    uint32_t id;
    wg_type type;
    const uint64_t *cells;
} kit_column;

static inline wg_code kit_try(wg_stripe_sink *sink, const wg_fragment_head *head, const kit_column *columns,
                              uint32_t count, wg_error *err) {
    wg_stripe_column stored[16];
    assert_true(count <= 16);
    for (uint32_t i = 0; i < count; i++) {
        const wg_type type = columns[i].type == 0 ? WG_TYPE_NODE : columns[i].type;
        stored[i] = (wg_stripe_column){.id = columns[i].id, .vector = {.type = type, .data = columns[i].cells}};
    }
    return wg_stripe_sink_add(sink, head, stored, count, err);
}

static inline void kit_add(wg_stripe_sink *sink, const wg_fragment_head *head, const kit_column *columns,
                           uint32_t count) {
    wg_error err = {0};
    const wg_code code = kit_try(sink, head, columns, count, &err);
    if (code != WG_OK) print_error("%s\n", err.message);
    assert_int_equal(code, WG_OK);
}

/* A fragment with one row in one column, for tests of keys alone. */
static inline void kit_one(wg_stripe_sink *sink, wg_fragment_key key, uint64_t version, uint64_t attribute,
                           uint64_t cell) {
    const wg_fragment_head head = {.key = key, .version = version, .row_count = 1, .attributes = {attribute}};
    const uint32_t id = key.kind == WG_KIND_ROWS ? WG_COLUMN_ID : WG_COLUMN_ADDRESS;
    kit_add(sink, &head, &(kit_column){.id = id, .cells = &cell}, 1);
}

/* Finishes the sink and puts what it made into the set. */
static inline uint32_t kit_publish(kit *k, wg_stripe_sink *sink) {
    wg_error err = {0};
    assert_int_equal(wg_stripe_sink_finish(sink, &err), WG_OK);
    const uint32_t count = (uint32_t)(sink->finished.size / sizeof(wg_stripe_entry));
    const wg_stripe_entry *made = (const wg_stripe_entry *)(const void *)sink->finished.data;
    assert_int_equal(wg_stripe_set_change(k->set, made, count, NULL, 0, &err), WG_OK);
    k->next_id = sink->next_id;
    wg_stripe_sink_deinit(sink);
    return count;
}

static inline uint64_t kit_number(const wg_fragment *f, uint32_t id, uint32_t row) {
    uint64_t v = 0;
    wg_error err = {0};
    const uint32_t column = wg_fragment_column_of(f, id);
    assert_true(column != UINT32_MAX);
    assert_int_equal(wg_fragment_u64(f, column, row, &v, &err), WG_OK);
    return v;
}

/* The number, or `missing` when the column is absent. */
static inline uint64_t kit_number_or(const wg_fragment *f, uint32_t id, uint32_t row, uint64_t missing) {
    return wg_fragment_column_of(f, id) == UINT32_MAX ? missing : kit_number(f, id, row);
}

static inline bool kit_count_name(void *ctx, const char *name, bool is_directory) {
    (void)name, (void)is_directory;
    (*(uint32_t *)ctx)++;
    return true;
}

/* Files in the directory. */
static inline uint32_t kit_files(const kit *k) {
    uint32_t count = 0;
    assert_int_equal(k->platform->ops->list(k->platform, "/s", kit_count_name, &count, NULL), WG_OK);
    return count;
}

/* ---- merging */

static inline wg_fragment_key slot_key(uint32_t owner, uint64_t slot, uint32_t part) {
    return (wg_fragment_key){.kind = WG_KIND_ROWS, .owner = owner, .slot = slot, .part = part};
}

static inline wg_compaction_job job_of(const uint64_t *inputs, uint32_t count, uint32_t output_level) {
    wg_compaction_job job = {.output_level = output_level, .input_count = count};
    memcpy(job.inputs, inputs, count * sizeof *inputs);
    return job;
}

static inline wg_stripe_options options_of(uint64_t capacity) {
    wg_stripe_options options = {.capacity_bytes = capacity};
    memcpy(options.store_uuid, kit_uuid, 16);
    return options;
}

/* Merges and puts the outputs in the place of the inputs; removes the files of the inputs. */
static inline void run_job(kit *k, const wg_merge_input *input, uint64_t capacity, wg_merge_output *out) {
    wg_error err = {0};
    const wg_stripe_options options = options_of(capacity);
    const uint32_t reader = wg_epoch_enter(k->epoch);
    const wg_code code = wg_stripe_merge(k->platform, "/s", input, &options, &k->next_id, out, &err);
    wg_epoch_leave(k->epoch, reader);
    if (code != WG_OK) print_error("%s\n", err.message);
    assert_int_equal(code, WG_OK);
    const wg_stripe_entry *made = (const wg_stripe_entry *)(const void *)out->stripes.data;
    const uint32_t count = (uint32_t)(out->stripes.size / sizeof *made);
    assert_int_equal(wg_stripe_set_change(k->set, made, count, input->job->inputs, input->job->input_count, &err),
                     WG_OK);
    wg_stripe_set_settle(k->set);
    for (uint32_t i = 0; i < input->job->input_count; i++) {
        char path[4200];
        assert_int_equal(wg_stripe_path("/s", input->job->inputs[i], path, sizeof path, NULL), WG_OK);
        assert_int_equal(k->platform->ops->unlink(k->platform, path, NULL), WG_OK);
    }
    assert_int_equal(kit_files(k), wg_stripe_set_count(k->set));
}

/* ---- adjacency */

enum { EDGES_MAX = 6000 };

typedef struct kit_edge {
    uint64_t from, to, end;
} kit_edge;

typedef struct kit_entry {
    uint64_t node, edge, neighbour;
} kit_entry;

static inline bool entry_less(const kit_entry *a, const kit_entry *b) {
    return a->node != b->node ? a->node < b->node : a->edge < b->edge;
}

static inline void entries_sort(kit_entry *e, uint64_t count) {
    for (uint64_t i = 1; i < count; i++) {
        const kit_entry moved = e[i];
        uint64_t at = i;
        for (; at > 0 && entry_less(&moved, &e[at - 1]); at--) e[at] = e[at - 1];
        e[at] = moved;
    }
}

/* Writes the edges [first, end) as one run with one piece a part. */
static inline void put_run(wg_stripe_sink *sink, const kit_edge *edges, uint64_t first, uint64_t end,
                           uint64_t version) {
    static kit_entry e[EDGES_MAX];
    static uint64_t cells[2][EDGES_MAX];
    const uint64_t count = end - first;
    wg_fragment_head head = {.key = {.kind = WG_KIND_ADJACENCY, .owner = 7, .run = first},
                             .version = version,
                             .attributes = {end, count, first, end - 1}};
    for (uint32_t part = 0; part < 4; part++) {
        for (uint64_t i = 0; i < count; i++) {
            const kit_edge *x = &edges[first + i];
            e[i] = part < 2 ? (kit_entry){x->from, first + i, x->to} : (kit_entry){x->to, first + i, x->from};
        }
        entries_sort(e, count);
        head.key.part = part;
        head.row_count = 0;
        for (uint64_t i = 0; i < count; i++) {
            if (part % 2 == 0 && i > 0 && e[i].node == e[i - 1].node) continue;
            cells[0][head.row_count] = part % 2 == 0 ? e[i].node : e[i].edge;
            cells[1][head.row_count++] = part % 2 == 0 ? i : e[i].neighbour;
        }
        head.attributes[4] = part % 2 == 0 ? e[0].node : 0;
        head.attributes[5] = part % 2 == 0 ? count : 0;
        const kit_column columns[2][2] = {{{WG_COLUMN_NODE, 0, cells[0]}, {WG_COLUMN_OFFSET, WG_TYPE_INT, cells[1]}},
                                          {{WG_COLUMN_EDGE, 0, cells[0]}, {WG_COLUMN_NEIGHBOUR, 0, cells[1]}}};
        kit_add(sink, &head, columns[part % 2],
                part % 2 == 1 && version % 2 == 0 ? 1 : 2); /* older runs have NEIGHBOUR */
    }
}

#endif
