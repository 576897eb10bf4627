/* compaction_bench: what the levels cost: bytes written, stripes to look in, and bytes kept, for a given stream of checkpoints.
 *
 * No engine: checkpoints write slots of rows through the sink, the policy picks jobs, merges carry them out, the set is
 * what readers would use. Stripes are small so that levels fill. Two streams:
 *   overwrite  each checkpoint rewrites random slots whole: the worst that levels can meet
 *   append     each checkpoint adds slots at the end of the table and `end`s to random older ones, of which a moving horizon lets
 *              compaction drop the rows: what tables do
 *
 *   compaction.write_amplification   bytes of all stripes written / bytes written by checkpoints; must stay below 15
 *   compaction.read_amplification    stripes that one key may have to be looked for in, the mean after each checkpoint's jobs (params:
 *                                    the most)
 *   compaction.space_amplification   bytes of all stripes / bytes of the fragments that count, at the end
 *   compaction.bandwidth             bytes read and written by merges a second, one thread
 *   compaction.open                  milliseconds to open the set at the end (params: stripes, fragments)
 *
 * Usage: compaction_bench [directory [checkpoints]] (default: build/bench, 250). Exits with 1 when write amplification is not below 15. */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worldgraph/mmap/mmap.h"

enum {
    SLOT_ROWS = 256,
    SLOTS = 4096,
    SLOTS_A_CHECKPOINT = 48,
    ENDS_A_CHECKPOINT = 24,
    KEPT_CHECKPOINTS = 40,
    FILES_MAX = 20000,
    PATH_BYTES = 4096,
    AMPLIFICATION_MAX = 15
};

#define FILE_BYTES  (UINT64_C(256) << 10)
#define LEVEL_BYTES (UINT64_C(1) << 20)

typedef struct store {
    wg_platform *platform;
    char path[PATH_BYTES];
    uint8_t uuid[16];
    wg_epoch *epoch;
    wg_cache *cache;
    wg_stripe_set *set;
    wg_rng rng;
    uint64_t next_id;
    uint64_t now;
    uint64_t horizon;
    uint64_t slot_count;
    uint64_t *ends; /* of each row of each slot */
    uint64_t checkpoint_bytes, merge_read, merge_written, merge_ns, jobs, moves;
} store;

static void check(wg_code code, const wg_error *err, const char *what) {
    if (code == WG_OK) return;
    fprintf(stderr, "compaction_bench: %s: %s\n", what, err->message);
    exit(1);
}

static void check_posix(bool ok, const char *what) {
    if (ok) return;
    perror(what);
    exit(1);
}

static void store_open(store *s, const char *directory, const char *name) {
    wg_error err = {0};
    memset(s, 0, sizeof *s);
    s->platform = wg_platform_real();
    s->next_id = 1;
    wg_rng_init(&s->rng, 42);
    snprintf(s->path, sizeof s->path, "%s/compaction_bench.%ld.%s", directory, (long)getpid(), name);
    check_posix(mkdir(s->path, 0700) == 0, s->path);
    s->ends = malloc(sizeof *s->ends * SLOTS * SLOT_ROWS * 4);
    check_posix(s->ends != NULL, "memory");
    memset(s->ends, 0xff, sizeof *s->ends * SLOTS * SLOT_ROWS * 4);
    check(wg_epoch_create(NULL, &s->epoch, &err), &err, "epoch");
    check(wg_cache_create(NULL, NULL, &s->cache, &err), &err, "cache");
    check(wg_stripe_set_create(s->platform, s->path, s->uuid, s->cache, s->epoch, NULL, &s->set, &err), &err, "set");
}

static void store_close(store *s) {
    wg_stripe_set_destroy(s->set);
    wg_epoch_destroy(s->epoch);
    wg_cache_destroy(s->cache);
    free(s->ends);
    DIR *folder = opendir(s->path);
    check_posix(folder != NULL, s->path);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') check_posix(unlinkat(dirfd(folder), entry->d_name, 0) == 0, entry->d_name);
    closedir(folder);
    check_posix(rmdir(s->path) == 0, s->path);
}

/* ---- checkpoints */

static void slot_write(store *s, wg_stripe_sink *sink, uint64_t slot) {
    static uint64_t cells[7][SLOT_ROWS];
    wg_error err = {0};
    for (uint32_t i = 0; i < SLOT_ROWS; i++) {
        for (int c = 0; c < 4; c++) cells[c][i] = wg_rng_next(&s->rng); /* nothing to compress */
        cells[4][i] = slot * SLOT_ROWS + i;
        cells[5][i] = s->now;
        cells[6][i] = s->ends[slot * SLOT_ROWS + i];
    }
    static const uint32_t ids[] = {1, 2, 3, 4, WG_COLUMN_ID, WG_COLUMN_BEGIN, WG_COLUMN_END};
    wg_stripe_column columns[7];
    for (int c = 0; c < 7; c++)
        columns[c] = (wg_stripe_column){.id = ids[c],
                                        .vector = {.type = c < 4 ? WG_TYPE_INT : WG_TYPE_NODE, .data = cells[c]}};
    const wg_fragment_head head = {.key = {.kind = WG_KIND_ROWS, .slot = slot},
                                   .version = s->now,
                                   .row_count = SLOT_ROWS,
                                   .attributes = {SLOT_ROWS}};
    check(wg_stripe_sink_add(sink, &head, columns, 7, &err), &err, "add");
}

static void ends_write(store *s, wg_stripe_sink *sink, uint64_t slot) {
    wg_error err = {0};
    const wg_stripe_column column = {.id = WG_COLUMN_END,
                                     .vector = {.type = WG_TYPE_NODE, .data = s->ends + slot * SLOT_ROWS}};
    const wg_fragment_head head = {
        .key = {.kind = WG_KIND_ROWS, .slot = slot, .part = 1}, .version = s->now, .row_count = SLOT_ROWS};
    check(wg_stripe_sink_add(sink, &head, &column, 1, &err), &err, "add");
}

/* Up to `count` different slots below `below`, ascending. */
static uint32_t slots_choose(store *s, uint32_t count, uint64_t below, uint64_t *out) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < count && below > 0; i++) out[n++] = wg_rng_below(&s->rng, below);
    if (n == 0) return 0;
    qsort(out, n, sizeof *out, bench_compare_u64);
    uint32_t kept = 1;
    for (uint32_t i = 1; i < n; i++)
        if (out[i] != out[kept - 1]) out[kept++] = out[i];
    return kept;
}

static void checkpoint(store *s, bool append) {
    wg_error err = {0};
    uint64_t chosen[SLOTS_A_CHECKPOINT];
    wg_stripe_sink sink = {.platform = s->platform,
                           .dir = s->path,
                           .options = {.capacity_bytes = FILE_BYTES * 16},
                           .next_id = s->next_id};
    s->now++;
    if (append) {
        s->horizon = s->now > KEPT_CHECKPOINTS ? s->now - KEPT_CHECKPOINTS : 0;
        const uint32_t n = slots_choose(s, ENDS_A_CHECKPOINT, s->slot_count, chosen);
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t r = 0; r < SLOT_ROWS; r++) {
                uint64_t *end = &s->ends[chosen[i] * SLOT_ROWS + r];
                if (*end == WG_LOGSEQ_NEVER && wg_rng_below(&s->rng, 4) == 0) *end = s->now;
            }
            ends_write(s, &sink, chosen[i]);
        }
        for (uint32_t i = 0; i < SLOTS_A_CHECKPOINT && s->slot_count < SLOTS * 4; i++)
            slot_write(s, &sink, s->slot_count++);
    } else {
        const uint32_t n = slots_choose(s, SLOTS_A_CHECKPOINT, SLOTS, chosen);
        for (uint32_t i = 0; i < n; i++) slot_write(s, &sink, chosen[i]);
    }
    check(wg_stripe_sink_finish(&sink, &err), &err, "finish");
    check(wg_stripe_set_change(s->set, (const wg_stripe_entry *)(const void *)sink.finished.data,
                               (uint32_t)(sink.finished.size / sizeof(wg_stripe_entry)), NULL, 0, &err),
          &err, "change");
    s->checkpoint_bytes += sink.bytes_written;
    s->next_id = sink.next_id;
    wg_stripe_sink_deinit(&sink);
}

/* ---- jobs */

static const wg_compaction_policy policy = {.file_bytes = FILE_BYTES, .level_bytes = LEVEL_BYTES};

static bool job_run(store *s) {
    static wg_compaction_file files[FILES_MAX];
    wg_error err = {0};
    const uint32_t count = wg_stripe_set_count(s->set);
    if (count > FILES_MAX) exit(1);
    for (uint32_t i = 0; i < count; i++)
        check(wg_stripe_set_describe(s->set, i, s->horizon, &files[i], &err), &err, "describe");
    wg_compaction_job job;
    wg_compaction_pick(&policy, files, count, false, &job);
    if (job.trigger == WG_COMPACT_NOTHING) return false;
    s->jobs++;
    if (job.move) {
        s->moves++;
        const wg_stripe_entry entry = {.id = job.inputs[0], .level = job.output_level, .bytes = job.input_bytes};
        check(wg_stripe_set_change(s->set, &entry, 1, job.inputs, 1, &err), &err, "move");
        return true;
    }
    const wg_merge_input input = {
        .set = s->set, .job = &job, .horizon = s->horizon, .bottom = wg_compaction_is_bottom(files, count, &job)};
    const wg_stripe_options options = {.capacity_bytes = FILE_BYTES};
    wg_merge_output out;
    const uint64_t begin = bench_now_ns();
    check(wg_stripe_merge(s->platform, s->path, &input, &options, &s->next_id, &out, &err), &err, "merge");
    s->merge_ns += bench_now_ns() - begin;
    s->merge_read += out.bytes_read;
    s->merge_written += out.bytes_written;
    check(wg_stripe_set_change(s->set, (const wg_stripe_entry *)(const void *)out.stripes.data,
                               (uint32_t)(out.stripes.size / sizeof(wg_stripe_entry)), job.inputs, job.input_count,
                               &err),
          &err, "change");
    wg_stripe_set_settle(s->set);
    wg_buf_deinit(&out.stripes);
    for (uint32_t i = 0; i < job.input_count; i++) {
        char path[PATH_BYTES + 100];
        check(wg_stripe_path(s->path, job.inputs[i], path, sizeof path, &err), &err, "path");
        check_posix(unlink(path) == 0, path);
    }
    return true;
}

/* Level 0 overlaps: all of it; of a deeper level at most one stripe holds a key. */
static uint32_t stripes_to_look_in(const store *s) {
    bool level_used[WG_LEVELS] = {false};
    uint32_t count = 0;
    for (uint32_t i = 0; i < wg_stripe_set_count(s->set); i++) {
        const uint32_t level = wg_stripe_set_entry(s->set, i).level;
        if (level == 0 || !level_used[level]) count++;
        level_used[level] = true;
    }
    return count;
}

/* ---- results */

static void print_levels(const store *s, const char *stream) {
    uint64_t bytes[WG_LEVELS] = {0};
    uint32_t count[WG_LEVELS] = {0};
    for (uint32_t i = 0; i < wg_stripe_set_count(s->set); i++) {
        const wg_stripe_entry entry = wg_stripe_set_entry(s->set, i);
        bytes[entry.level] += entry.bytes;
        count[entry.level]++;
    }
    for (uint32_t l = 0; l < WG_LEVELS; l++)
        fprintf(stderr, "compaction_bench: %s: level %u: %u stripes, %.1f MiB\n", stream, l, count[l],
                (double)bytes[l] / 1048576);
}

static double space_amplification(const store *s) {
    uint64_t all = 0;
    uint64_t counting = 0;
    uint64_t position = 0;
    for (uint32_t i = 0; i < wg_stripe_set_count(s->set); i++) all += wg_stripe_set_entry(s->set, i).bytes;
    for (const wg_fragment *f; (f = wg_stripe_set_next(s->set, &position)) != NULL;)
        for (uint32_t c = 0; c < f->column_count; c++) counting += f->columns[c].stored_bytes;
    return (double)all / (double)counting;
}

static void print_open(const store *s, const char *params) {
    wg_error err = {0};
    const uint32_t count = wg_stripe_set_count(s->set);
    wg_stripe_entry *entries = malloc(count * sizeof *entries);
    check_posix(entries != NULL, "memory");
    for (uint32_t i = 0; i < count; i++) entries[i] = wg_stripe_set_entry(s->set, i);
    uint64_t samples[9];
    for (size_t i = 0; i < 9; i++) {
        wg_stripe_set *set = NULL;
        const uint64_t begin = bench_now_ns();
        check(wg_stripe_set_create(s->platform, s->path, s->uuid, s->cache, s->epoch, NULL, &set, &err), &err, "set");
        check(wg_stripe_set_change(set, entries, count, NULL, 0, &err), &err, "open");
        samples[i] = bench_now_ns() - begin;
        wg_stripe_set_destroy(set);
    }
    free(entries);
    bench_print(&(bench_line){.name = "compaction.open",
                              .params = params,
                              .value = (double)bench_percentile(samples, 9, 50.0) / 1e6,
                              .unit = "ms"});
}

static bool measure(const char *directory, bool append, unsigned checkpoints) {
    store s;
    const char *stream = append ? "append" : "overwrite";
    store_open(&s, directory, stream);
    uint64_t look_sum = 0;
    uint32_t look_max = 0;
    for (unsigned i = 0; i < checkpoints; i++) {
        checkpoint(&s, append);
        while (job_run(&s))
            ;
        const uint32_t look = stripes_to_look_in(&s);
        look_sum += look;
        if (look > look_max) look_max = look;
    }
    print_levels(&s, stream);
    const double write_amplification = (double)(s.checkpoint_bytes + s.merge_written) / (double)s.checkpoint_bytes;
    char params[400];
    snprintf(params, sizeof params,
             "{\"stream\":\"%s\",\"checkpoints\":%u,\"checkpoint_bytes\":%" PRIu64
             ",\"file_bytes\":%d,\"level1_bytes\":%d,\"jobs\":%" PRIu64 ",\"moves\":%" PRIu64
             ",\"stripes\":%u,\"stripes_to_look_in_max\":%u}",
             stream, checkpoints, s.checkpoint_bytes, (int)FILE_BYTES, (int)LEVEL_BYTES, s.jobs, s.moves,
             wg_stripe_set_count(s.set), look_max);
    bench_print(&(bench_line){.name = "compaction.write_amplification",
                              .params = params,
                              .value = write_amplification,
                              .unit = "bytes/byte"});
    bench_print(&(bench_line){.name = "compaction.read_amplification",
                              .params = params,
                              .value = (double)look_sum / (double)checkpoints,
                              .unit = "stripes/key"});
    bench_print(&(bench_line){.name = "compaction.space_amplification",
                              .params = params,
                              .value = space_amplification(&s),
                              .unit = "bytes/byte"});
    if (s.merge_ns > 0)
        bench_print(
            &(bench_line){.name = "compaction.bandwidth",
                          .params = params,
                          .value = (double)(s.merge_read + s.merge_written) / 1048576.0 / ((double)s.merge_ns / 1e9),
                          .unit = "MiB/s"});
    print_open(&s, params);
    store_close(&s);
    if (write_amplification < AMPLIFICATION_MAX) return true;
    fprintf(stderr, "compaction_bench: %s: write amplification %.1f is not below %d\n", stream, write_amplification,
            AMPLIFICATION_MAX);
    return false;
}

int main(int argc, char **argv) {
    const char *directory = argc > 1 ? argv[1] : "build/bench";
    const unsigned checkpoints = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 250;
    if (checkpoints == 0 || checkpoints > 100000) {
        fprintf(stderr, "usage: compaction_bench [directory [checkpoints]]\n");
        return 2;
    }
    check_posix(mkdir(directory, 0700) == 0 || errno == EEXIST, directory);
    const bool overwrite = measure(directory, false, checkpoints);
    const bool append = measure(directory, true, checkpoints);
    return overwrite && append ? 0 : 1;
}
