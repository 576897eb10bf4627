/* events_bench: an append to the event log with its hash (gate B3), against the least that could do it: a record of 128 bytes with a CRC into a
 * ring, and two blocks of SHA-256 for the chain. Also: that the cost of an append does not depend on how long the log is.
 *
 * One round measures the floor and the log one after the other; the ratio is the median of the rounds. The hashes of the log are computed
 * beside the appends, 1,024 at a time, in the same thread, and count. */
#include <string.h>

#include "base/digest/digest.h"
#include "bench.h"
#include "worldgraph/events/events.h"

enum { ROUNDS = 9, EVENTS = 400000, RING = 1 << 22, RECORD = 128, HASH_EVERY = 1024 };

static void stop_on(wg_code code, const wg_error *err) {
    if (code == WG_OK) return;
    fprintf(stderr, "events_bench: %s\n", err->message);
    exit(1);
}

static double floor_ns(uint8_t *ring) {
    uint8_t message[32 + 64] = {0};
    wg_sha256 head = {{0}};
    size_t at = 0;
    const uint64_t begin = bench_now_ns();
    for (uint64_t i = 0; i < EVENTS; i++) {
        uint8_t *record = ring + at;
        memset(record, (int)i, RECORD);
        wg_store_u64le(record + 8, i);
        wg_store_u32le(record, wg_crc32(0, record + 4, RECORD - 4));
        at = (at + RECORD) & (RING - 1);
        memcpy(message, head.bytes, 32);
        memcpy(message + 32, record + 8, 64);
        const wg_slice part = wg_slice_of(message, sizeof message);
        wg_sha256_of(&part, 1, &head);
    }
    const double ns = (double)(bench_now_ns() - begin) / EVENTS;
    if (head.bytes[0] == 0 && head.bytes[1] == 0 && head.bytes[2] == 0 && head.bytes[3] == 0)
        fprintf(stderr, "events_bench: an unlikely hash\n"); /* the hash is used */
    return ns;
}

/* Appends and hashes EVENTS more; returns ns each. */
static double append_ns(wg_events *log, wg_epoch *epoch, bool hashed) {
    const wg_slice type = wg_slice_str("test_event");
    const uint64_t first = wg_events_count(log, WG_LOGSEQ_NEVER);
    const uint64_t begin = bench_now_ns();
    wg_error err = {0};
    for (uint64_t i = first; i < first + EVENTS; i++) {
        uint8_t payload[8];
        wg_store_u64le(payload, i);
        const wg_event event = {.version = i + 1,
                                .time_us = i,
                                .type = type,
                                .value_type = WG_TYPE_INT,
                                .payload = wg_slice_of(payload, sizeof payload)};
        stop_on(wg_events_reserve(log, type.size, sizeof payload, &err), &err);
        (void)wg_events_append(log, &event);
        wg_sha256 hash;
        const bool last = i + 1 == first + EVENTS;
        if (hashed && (last || i % HASH_EVERY == HASH_EVERY - 1)) stop_on(wg_events_hash(log, i, &hash, &err), &err);
    }
    const double ns = (double)(bench_now_ns() - begin) / EVENTS;
    wg_epoch_collect(epoch);
    return ns;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values) {
    qsort(values, ROUNDS, sizeof *values, by_value);
    return values[ROUNDS / 2];
}

int main(void) {
    wg_error err = {0};
    wg_epoch *epoch = NULL;
    double floors[ROUNDS], chained[ROUNDS], plain[ROUNDS], ratios[ROUNDS], growing[ROUNDS];
    uint8_t *ring = wg_alloc_zero(NULL, RING);
    if (ring == NULL) stop_on(wg_error_nomem(&err, RING), &err);
    stop_on(wg_epoch_create(NULL, &epoch, &err), &err);
    wg_events *long_log = NULL;
    stop_on(wg_events_create(epoch, NULL, NULL, 0, &long_log, &err), &err);
    for (uint32_t r = 0; r < ROUNDS; r++) {
        wg_events *log = NULL;
        floors[r] = floor_ns(ring);
        stop_on(wg_events_create(epoch, NULL, NULL, 0, &log, &err), &err);
        chained[r] = append_ns(log, epoch, true);
        wg_events_destroy(log);
        stop_on(wg_events_create(epoch, NULL, NULL, 0, &log, &err), &err);
        plain[r] = append_ns(log, epoch, false);
        wg_events_destroy(log);
        growing[r] = append_ns(long_log, epoch, true);
        ratios[r] = chained[r] / floors[r];
    }
    const double last = growing[ROUNDS - 1] / growing[0];
    const double floor_median = median(floors);
    const char *params = "{\"payload_bytes\":8,\"type_bytes\":10}";
    bench_print(&(bench_line){"events_append_chained", params, median(chained), "ns", "ring_sha", floor_median});
    bench_print(&(bench_line){"events_append_chained_ratio", params, median(ratios), "ratio", NULL, 0});
    bench_print(&(bench_line){"events_append_on_path", params, median(plain), "ns", "ring_sha", floor_median});
    bench_print(&(bench_line){"events_append_3600k_over_400k", params, last, "ratio", NULL, 0});
    wg_events_destroy(long_log);
    wg_epoch_destroy(epoch);
    wg_free(ring);
    return 0;
}
