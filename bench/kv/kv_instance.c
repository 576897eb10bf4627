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
    kv_folder_remove(instance->dir);
    free(instance);
}

/* Batches of far engines hold what one call does; so do those of scans, which are long enough. */
static unsigned batch_of(const kv_driver *driver, const kv_work *work) {
    const bool x16 = work->shape == KV_GET_X16 || work->shape == KV_PUT_X16;
    if ((driver->traits & KV_NEAR) != 0 && work->shape != KV_SCAN) return work->batch;
    return x16 ? KV_BATCH : 1;
}

void kv_lane_init(kv_lane *lane, kv_instance *instance, const kv_work *work, unsigned number) {
    memset(lane, 0, sizeof *lane);
    lane->driver = instance->driver;
    lane->work = work;
    lane->session = number == 0 ? instance->session : instance->driver->session_open(instance->db);
    lane->stamp = instance->slices;
    lane->seed = kv_mix(instance->slices * KV_WRITERS_MAX + number) >> 1;
    lane->span = instance->keys;
    if (work->choice == KV_OWN_RANGE) {
        lane->span = instance->keys / work->threads;
        lane->first = lane->span * number;
    }
    if (work->shape == KV_SCAN) lane->span = instance->keys - KV_SCAN_ROWS + 1;
    lane->inserted = instance->inserted;
    lane->batch = batch_of(instance->driver, work);
    lane->operations_max = work->shape == KV_INSERT ? instance->keys - instance->inserted : UINT64_MAX;
    lane->counts = work->threads == 1;
    if (work->shape == KV_GET_DEPENDENT) lane->position = kv_lane_index(lane, 0);
}

/* ---- the model */

static uint64_t expected_digest(const kv_instance *instance, uint64_t index) {
    return kv_value_tag(index) + instance->stamps[index];
}

/* The sum of what the lane must have read. */
static uint64_t expected_sum(const kv_instance *instance, const kv_lane *lane) {
    const kv_shape shape = lane->work->shape;
    uint64_t sum = 0, position = kv_lane_index(lane, 0);
    for (uint64_t i = 0; i < lane->operations; i++) {
        const uint64_t index = shape == KV_GET_DEPENDENT ? position : kv_lane_index(lane, i);
        sum += expected_digest(instance, index);
        if (shape == KV_SCAN) sum += expected_digest(instance, index + KV_SCAN_ROWS - 1);
        if (shape == KV_GET_DEPENDENT) position = kv_lane_step(lane, kv_value_tag(index), i);
    }
    return sum;
}

static void apply(kv_instance *instance, const kv_lane *lane) {
    const bool change = lane->work->shape == KV_RMW;
    for (uint64_t i = 0; i < lane->operations; i++) {
        const uint64_t index = kv_lane_index(lane, i);
        if (change) instance->changes[index]++;
        else instance->stamps[index] = (uint32_t)lane->stamp, instance->changes[index] = 0;
    }
}

static void expected_value(const kv_instance *instance, uint64_t index, kv_value *out) {
    kv_value_make(index, 0, instance->stamps[index], out);
    const uint64_t changes = instance->changes[index];
    memcpy(out->bytes + KV_WORD_CHANGES, &changes, sizeof changes);
}

/* ---- comparing */

static void wrong(const kv_instance *instance, const kv_work *work, uint64_t index) {
    kv_die("WRONG ANSWER: %s after %s: key %llu has not the value that was put", instance->driver->name, work->name,
           (unsigned long long)index);
}

static void check_key(const kv_instance *instance, const kv_work *work, uint64_t index) {
    kv_key key;
    kv_value found, expected;
    kv_key_make(index, &key);
    expected_value(instance, index, &expected);
    if (!instance->driver->get(instance->session, &key, &found) || memcmp(&found, &expected, sizeof found) != 0)
        wrong(instance, work, index);
}

static void check_scan(const kv_instance *instance, const kv_work *work, uint64_t first) {
    static kv_row rows[KV_SCAN_ROWS];
    kv_key from;
    kv_key_make(first, &from);
    if (instance->driver->scan(instance->session, &from, rows) != KV_SCAN_ROWS) wrong(instance, work, first);
    for (unsigned i = 0; i < KV_SCAN_ROWS; i++) {
        kv_key key;
        kv_value value;
        kv_key_make(first + i, &key);
        expected_value(instance, first + i, &value);
        if (memcmp(&rows[i].key, &key, sizeof key) != 0 || memcmp(&rows[i].value, &value, sizeof value) != 0)
            wrong(instance, work, first + i);
    }
}

static void check_inserted(kv_instance *instance, const kv_lane *lane) {
    for (unsigned i = 0; i < SAMPLES && lane->operations != 0; i++) {
        const uint64_t index = kv_lane_index(lane, kv_below(kv_mix(i), lane->operations));
        kv_key key;
        kv_value found, expected;
        kv_key_make(index, &key);
        kv_value_make(index, 0, lane->stamp, &expected);
        if (!instance->driver->get(instance->session, &key, &found) || memcmp(&found, &expected, sizeof found) != 0)
            wrong(instance, lane->work, index);
    }
    instance->inserted += lane->operations;
}

/* What the lane touched, and as many keys at random. */
static void check_samples(const kv_instance *instance, const kv_lane *lane) {
    for (unsigned i = 0; i < SAMPLES && lane->operations != 0; i++) {
        check_key(instance, lane->work, kv_lane_index(lane, kv_below(kv_mix(i), lane->operations)));
        check_key(instance, lane->work, kv_below(kv_mix(lane->seed ^ i), instance->keys));
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
        if (!reads) apply(instance, &lanes[i]);
        else if (lanes[i].sum != expected_sum(instance, &lanes[i]))
            kv_die("WRONG ANSWER: the reads of %s on %s do not add up", work->name, instance->driver->name);
    }
    if (!reads) check_samples(instance, &lanes[0]);
    for (unsigned i = 0; shape == KV_SCAN && i < SCAN_SAMPLES; i++)
        check_scan(instance, work, kv_lane_index(&lanes[0], i));
}
