/* An opened and loaded database of one engine, and the model of what it must hold.
 *
 * The model keeps two numbers a key: the stamp of the slice that last put it and how often it was changed since. After a
 * slice the operations of every lane are walked again (they are a function of the seed), which gives the state that the
 * engine must have, and the sum of what its reads must have returned. Then a sample of keys is read and compared byte by
 * byte, and scans row by row. All engines are held to the same model, so their answers are the same. */
#include <stdio.h>
#include <stdlib.h>

#include "kv_run.h"

enum { SAMPLES = 200, SCAN_SAMPLES = 2 };

kv_instance *kv_instance_open(const kv_driver *driver, const kv_options *options, uint64_t keys,
                              char why[KV_WHY_BYTES]) {
    kv_instance *instance = kv_alloc(sizeof *instance);
    instance->driver = driver;
    instance->options = *options;
    instance->keys = keys;
    kv_folder_make(options->mode != KV_MEMORY, instance->dir);
    instance->options.dir = instance->dir;
    instance->db = driver->open(&instance->options, why);
    if (instance->db == NULL) {
        free(instance);
        return NULL;
    }
    instance->stamps = kv_alloc_large((keys + 1) * sizeof *instance->stamps);
    instance->changes = kv_alloc_large((keys + 1) * sizeof *instance->changes);
    if (options->loaded) driver->load(instance->db, keys);
    instance->session = driver->session_open(instance->db);
    return instance;
}

void kv_instance_close(kv_instance *instance) {
    instance->driver->session_close(instance->session);
    instance->driver->close(instance->db);
    kv_free_large(instance->stamps, (instance->keys + 1) * sizeof *instance->stamps);
    kv_free_large(instance->changes, (instance->keys + 1) * sizeof *instance->changes);
    kv_free_large(instance->apart_stamps, (instance->keys + 1) * sizeof *instance->apart_stamps);
    kv_folder_remove(instance->dir);
    free(instance);
}

/* Batches of far engines hold what one call does; so do those of scans, which are long enough. */
static unsigned batch_of(const kv_driver *driver, const kv_work *work) {
    const bool x16 = work->shape == KV_GET_X16 || work->shape == KV_PUT_X16;
    if ((driver->traits & KV_NEAR) != 0 && work->shape != KV_SCAN) return work->batch;
    return x16 ? KV_BATCH : 1;
}

static bool is_apart(const kv_instance *instance, const kv_work *work) {
    return work->choice == KV_OWN_RUN && instance->driver->session_open_apart != NULL;
}

static void set_range(kv_lane *lane, kv_instance *instance, unsigned number) {
    const kv_work *work = lane->work;
    lane->span = instance->keys;
    if (work->shape == KV_SCAN) lane->span = instance->keys - KV_SCAN_ROWS + 1;
    if (work->choice == KV_OWN_RANGE) lane->span = instance->keys / work->threads;
    if (work->choice == KV_OWN_RUN)
        lane->span = instance->keys / 8 < KV_APART_KEYS ? instance->keys / 8 : KV_APART_KEYS;
    if (work->choice == KV_OWN_RANGE || work->choice == KV_OWN_RUN) lane->first = lane->span * number;
}

static void *session_for(const kv_lane *lane, kv_instance *instance, unsigned number) {
    if (!is_apart(instance, lane->work))
        return number == 0 ? instance->session : instance->driver->session_open(instance->db);
    if (instance->apart_stamps == NULL)
        instance->apart_stamps = kv_alloc_large((instance->keys + 1) * sizeof *instance->apart_stamps);
    return instance->driver->session_open_apart(instance->db, lane->first, lane->span);
}

void kv_lane_end(kv_lane *lane, kv_instance *instance) {
    if (lane->session != instance->session) instance->driver->session_close(lane->session);
}

void kv_lane_init(kv_lane *lane, kv_instance *instance, const kv_work *work, unsigned number) {
    memset(lane, 0, sizeof *lane);
    lane->driver = instance->driver;
    lane->work = work;
    set_range(lane, instance, number);
    lane->session = session_for(lane, instance, number);
    lane->stamp = instance->slices;
    lane->seed = kv_mix(instance->slices * KV_WRITERS_MAX + number) >> 1;
    lane->inserted = instance->inserted;
    lane->batch = batch_of(instance->driver, work);
    lane->operations_max = work->shape == KV_INSERT ? instance->keys - instance->inserted : UINT64_MAX;
    if (work->shape == KV_GET_DEPENDENT) lane->position = kv_lane_index(lane, 0);
}

/* ---- the model */

/* What a work works on: the store, or the runs of their own. */
typedef struct kv_view {
    const kv_instance *instance;
    const kv_work *work;
    void *session;
    uint32_t *stamps, *changes; /* changes NULL: nothing is changed there */
} kv_view;

static kv_view view_of(const kv_instance *instance, const kv_lane *lane) {
    const bool apart = is_apart(instance, lane->work);
    return (kv_view){.instance = instance,
                     .work = lane->work,
                     .session = apart ? lane->session : instance->session,
                     .stamps = apart ? instance->apart_stamps : instance->stamps,
                     .changes = apart ? NULL : instance->changes};
}

static uint64_t expected_digest(const kv_view *view, uint64_t index) {
    return kv_value_tag(index) + view->stamps[index];
}

/* The sum of what the lane must have read. */
static uint64_t expected_sum(const kv_view *view, const kv_lane *lane) {
    const kv_shape shape = lane->work->shape;
    uint64_t sum = 0, position = kv_lane_index(lane, 0);
    for (uint64_t i = 0; i < lane->operations; i++) {
        const uint64_t index = shape == KV_GET_DEPENDENT ? position : kv_lane_index(lane, i);
        sum += expected_digest(view, index);
        if (shape == KV_SCAN) sum += expected_digest(view, index + KV_SCAN_ROWS - 1);
        if (shape == KV_GET_DEPENDENT) position = kv_lane_step(lane, kv_value_tag(index), i);
    }
    return sum;
}

static void apply(const kv_view *view, const kv_lane *lane) {
    const bool change = lane->work->shape == KV_RMW;
    for (uint64_t i = 0; i < lane->operations; i++) {
        const uint64_t index = kv_lane_index(lane, i);
        if (change) {
            view->changes[index]++;
            continue;
        }
        view->stamps[index] = (uint32_t)lane->stamp;
        if (view->changes != NULL) view->changes[index] = 0;
    }
}

static void expected_value(const kv_view *view, uint64_t index, kv_value *out) {
    kv_value_make(index, view->changes == NULL ? 0 : view->changes[index], view->stamps[index], out);
}

/* ---- comparing */

static void wrong(const kv_view *view, uint64_t index) {
    kv_die("WRONG ANSWER: %s after %s: key %llu has not the value that was put", view->instance->driver->name,
           view->work->name, (unsigned long long)index);
}

static void check_value(const kv_view *view, uint64_t index, const kv_value *expected) {
    kv_key key;
    kv_value found;
    kv_key_make(index, &key);
    if (!view->instance->driver->get(view->session, &key, &found) || memcmp(&found, expected, sizeof found) != 0)
        wrong(view, index);
}

static void check_key(const kv_view *view, uint64_t index) {
    kv_value expected;
    expected_value(view, index, &expected);
    check_value(view, index, &expected);
}

static void check_scan(const kv_view *view, uint64_t first) {
    static kv_row rows[KV_SCAN_ROWS];
    kv_key from;
    kv_key_make(first, &from);
    if (view->instance->driver->scan(view->session, &from, rows) != KV_SCAN_ROWS) wrong(view, first);
    for (unsigned i = 0; i < KV_SCAN_ROWS; i++) {
        kv_key key;
        kv_value value;
        kv_key_make(first + i, &key);
        expected_value(view, first + i, &value);
        if (memcmp(&rows[i].key, &key, sizeof key) != 0 || memcmp(&rows[i].value, &value, sizeof value) != 0)
            wrong(view, first + i);
    }
}

static void check_inserted(kv_instance *instance, const kv_lane *lane) {
    const kv_view view = view_of(instance, lane);
    for (unsigned i = 0; i < SAMPLES && lane->operations != 0; i++) {
        const uint64_t index = kv_lane_index(lane, kv_below(kv_mix(i), lane->operations));
        kv_value expected;
        kv_value_make(index, 0, lane->stamp, &expected);
        check_value(&view, index, &expected);
    }
    instance->inserted += lane->operations;
}

/* What the lane touched, and as many of its keys at random. */
static void check_samples(const kv_view *view, const kv_lane *lane) {
    for (unsigned i = 0; i < SAMPLES && lane->operations != 0; i++) {
        check_key(view, kv_lane_index(lane, kv_below(kv_mix(i), lane->operations)));
        check_key(view, lane->first + kv_below(kv_mix(lane->seed ^ i), lane->span));
    }
}

void kv_instance_check(kv_instance *instance, const kv_work *work, const kv_lane *lanes, unsigned count) {
    const kv_shape shape = work->shape;
    if ((instance->driver->traits & KV_STORES) == 0 || shape == KV_APPEND) return;
    if (shape == KV_INSERT) {
        check_inserted(instance, &lanes[0]);
        return;
    }
    const bool reads = shape == KV_GET || shape == KV_GET_DEPENDENT || shape == KV_GET_X16 || shape == KV_SCAN;
    for (unsigned i = 0; i < count; i++) {
        const kv_view view = view_of(instance, &lanes[i]);
        if (!reads) apply(&view, &lanes[i]);
        else if (lanes[i].sum != expected_sum(&view, &lanes[i]))
            kv_die("WRONG ANSWER: the reads of %s on %s do not add up", work->name, instance->driver->name);
    }
    const kv_view view = view_of(instance, &lanes[0]);
    if (!reads) check_samples(&view, &lanes[0]);
    for (unsigned i = 0; shape == KV_SCAN && i < SCAN_SAMPLES; i++) check_scan(&view, kv_lane_index(&lanes[0], i));
}
