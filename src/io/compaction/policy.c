/* Which stripes to merge next: a pure function of the stripes that there are.
 *
 * Levels, triggers and their order are those of compaction.h. A job that goes down reads stripes of one level and every stripe
 * of the next non-empty target that overlaps them, so that the ranges of a level stay disjoint. Which stripe of a level goes
 * down: the one with the least overlap for its size, because that costs least; ties by id, so that the order of the
 * arguments never counts.
 *
 * A job reads at most WG_COMPACTION_INPUTS_MAX stripes. Where even one stripe overlaps more than that, the job cuts it into
 * eighths of its own level instead (output_bytes); each part overlaps less, and a stripe of one fragment overlaps hardly
 * anything, so this ends.
 *
 * Why everything ends: a job of MANUAL either takes a stripe out of the shallowest level for good, or cuts one, or rewrites
 * stripes that hold something dead into stripes that do not.
 *
 * Scans are linear in the stripes for each input, without memory of its own: thousands of stripes cost microseconds, and a
 * job moves tens of megabytes. */
#include "io/compaction/compaction.h"

#define FILE_BYTES_DEFAULT (UINT64_C(64) << 20)

enum { LEVEL0_FILES_DEFAULT = 4, TOMBSTONE_PERCENT_DEFAULT = 25, RUNS_DEFAULT = 6, CUT_PARTS = 8, KEY_BYTES = 28 };

typedef struct picker {
    wg_compaction_policy policy; /* defaults filled in */
    const wg_compaction_file *files;
    uint32_t count;
    wg_compaction_job *job;
    uint8_t first[KEY_BYTES]; /* over the inputs of the source level */
    uint8_t last[KEY_BYTES];
} picker;

static wg_compaction_policy with_defaults(const wg_compaction_policy *policy) {
    wg_compaction_policy p = *policy;
    if (p.file_bytes == 0) p.file_bytes = FILE_BYTES_DEFAULT;
    if (p.level_bytes == 0 && __builtin_mul_overflow(p.file_bytes, WG_LEVEL_FANOUT, &p.level_bytes))
        p.level_bytes = UINT64_MAX;
    if (p.level0_files == 0) p.level0_files = LEVEL0_FILES_DEFAULT;
    if (p.tombstone_percent == 0) p.tombstone_percent = TOMBSTONE_PERCENT_DEFAULT;
    if (p.runs_max == 0) p.runs_max = RUNS_DEFAULT;
    return p;
}

uint64_t wg_compaction_level_bytes(const wg_compaction_policy *policy, uint32_t level) {
    WG_ASSERT(level < WG_LEVELS);
    if (level == 0 || level == WG_LEVELS - 1) return UINT64_MAX;
    uint64_t bytes = with_defaults(policy).level_bytes;
    for (uint32_t i = 1; i < level; i++)
        if (__builtin_mul_overflow(bytes, WG_LEVEL_FANOUT, &bytes)) return UINT64_MAX;
    return bytes;
}

const char *wg_compaction_trigger_name(wg_compaction_trigger trigger) {
    static const char *const names[] = {"nothing", "read_amplification", "level_size", "tombstones", "manual",
                                        "runs"};
    WG_ASSERT((unsigned)trigger < sizeof names / sizeof names[0]);
    return names[trigger];
}

/* ---- ranges */

static bool overlaps(const wg_compaction_file *file, const uint8_t *first, const uint8_t *last) {
    return memcmp(file->first, last, KEY_BYTES) <= 0 && memcmp(file->last, first, KEY_BYTES) >= 0;
}

static bool is_input(const wg_compaction_job *job, uint64_t id) {
    for (uint32_t i = 0; i < job->input_count; i++)
        if (job->inputs[i] == id) return true;
    return false;
}

bool wg_compaction_is_bottom(const wg_compaction_file *files, uint32_t file_count, const wg_compaction_job *job) {
    const wg_compaction_file *any = NULL;
    uint8_t first[KEY_BYTES];
    uint8_t last[KEY_BYTES];
    for (uint32_t i = 0; i < file_count; i++) {
        const wg_compaction_file *f = &files[i];
        if (!is_input(job, f->id)) continue;
        if (any == NULL || memcmp(f->first, first, KEY_BYTES) < 0) memcpy(first, f->first, KEY_BYTES);
        if (any == NULL || memcmp(f->last, last, KEY_BYTES) > 0) memcpy(last, f->last, KEY_BYTES);
        any = f;
    }
    if (any == NULL) return false;
    for (uint32_t i = 0; i < file_count; i++)
        if (!is_input(job, files[i].id) && overlaps(&files[i], first, last)) return false;
    return true;
}

/* Stripes and bytes of a level that overlap a range. */
static uint32_t overlap_of(const picker *p, uint32_t level, const uint8_t *first, const uint8_t *last,
                           uint64_t *out_bytes) {
    uint32_t count = 0;
    *out_bytes = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->files[i].level != level || !overlaps(&p->files[i], first, last)) continue;
        count++;
        *out_bytes += p->files[i].bytes;
    }
    return count;
}

static uint64_t bytes_of_level(const picker *p, uint32_t level, uint32_t *out_count) {
    uint64_t bytes = 0;
    *out_count = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->files[i].level != level) continue;
        bytes += p->files[i].bytes;
        (*out_count)++;
    }
    return bytes;
}

/* ---- putting a job together */

static void job_begin(picker *p, wg_compaction_trigger trigger, uint32_t level, uint32_t output_level) {
    *p->job = (wg_compaction_job){
        .trigger = trigger, .level = level, .output_level = output_level, .output_bytes = p->policy.file_bytes};
}

static void job_take(picker *p, const wg_compaction_file *file) {
    WG_ASSERT(p->job->input_count < WG_COMPACTION_INPUTS_MAX);
    p->job->inputs[p->job->input_count++] = file->id;
    p->job->input_bytes += file->bytes;
}

/* Takes a stripe of the source level and widens the range, when the inputs and what overlaps them below still fit. */
static bool job_take_source(picker *p, const wg_compaction_file *file) {
    wg_compaction_job *job = p->job;
    uint8_t first[KEY_BYTES];
    uint8_t last[KEY_BYTES];
    const bool none = job->input_count == 0;
    memcpy(first, none || memcmp(file->first, p->first, KEY_BYTES) < 0 ? file->first : p->first, KEY_BYTES);
    memcpy(last, none || memcmp(file->last, p->last, KEY_BYTES) > 0 ? file->last : p->last, KEY_BYTES);
    uint64_t bytes = 0;
    const uint32_t below = overlap_of(p, job->output_level, first, last, &bytes);
    if (job->input_count + 1 + (uint64_t)below > WG_COMPACTION_INPUTS_MAX) return false;
    memcpy(p->first, first, KEY_BYTES);
    memcpy(p->last, last, KEY_BYTES);
    job_take(p, file);
    return true;
}

/* Puts the inputs into rising order, so that they do not tell the order of the arguments. */
static void job_sort(wg_compaction_job *job) {
    for (uint32_t i = 1; i < job->input_count; i++) {
        const uint64_t id = job->inputs[i];
        uint32_t at = i;
        for (; at > 0 && job->inputs[at - 1] > id; at--) job->inputs[at] = job->inputs[at - 1];
        job->inputs[at] = id;
    }
}

/* Adds what overlaps below; a stripe that meets nothing there is moved. */
static void job_close(picker *p) {
    wg_compaction_job *job = p->job;
    const uint32_t sources = job->input_count;
    for (uint32_t i = 0; i < p->count; i++)
        if (p->files[i].level == job->output_level && overlaps(&p->files[i], p->first, p->last))
            job_take(p, &p->files[i]);
    job->move = sources == 1 && job->input_count == 1;
    job_sort(job);
}

/* Rewrites one stripe in its level. */
static void job_rewrite(picker *p, wg_compaction_trigger trigger, const wg_compaction_file *file) {
    job_begin(p, trigger, file->level, file->level);
    job_take(p, file);
}

/* The stripe overlaps too much to go down whole: it is cut. */
static void job_cut(picker *p, wg_compaction_trigger trigger, const wg_compaction_file *file) {
    if (memcmp(file->first, file->last, KEY_BYTES) == 0) {
        /* One key that overlaps dozens: the level is not disjoint, and nothing that is done here would make it so. */
        *p->job = (wg_compaction_job){.trigger = WG_COMPACT_NOTHING};
        return;
    }
    job_rewrite(p, trigger, file);
    p->job->cut = true;
    p->job->output_bytes = wg_max_u64(1, wg_min_u64(file->bytes, p->policy.file_bytes) / CUT_PARTS);
}

/* ---- choosing */

static int compare_ids(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

/* The stripe of a level that comes next after `after` in the order of ids (or of first keys); NULL: none. */
static const wg_compaction_file *next_of(const picker *p, uint32_t level, bool by_key,
                                         const wg_compaction_file *after) {
    const wg_compaction_file *found = NULL;
    for (uint32_t i = 0; i < p->count; i++) {
        const wg_compaction_file *f = &p->files[i];
        if (f->level != level) continue;
        const wg_compaction_file *const others[2] = {after, found};
        int order[2] = {1, -1}; /* after the one, before the other */
        for (int k = 0; k < 2; k++) {
            if (others[k] == NULL) continue;
            order[k] = by_key ? memcmp(f->first, others[k]->first, KEY_BYTES) : 0;
            if (order[k] == 0) order[k] = compare_ids(f->id, others[k]->id);
        }
        if (order[0] > 0 && order[1] < 0) found = f;
    }
    return found;
}

/* Takes stripes of `level` in order, the oldest or the lowest first, as many as fit. */
static void pick_many(picker *p, wg_compaction_trigger trigger, uint32_t level, uint32_t output_level) {
    const bool by_key = level > 0;
    const wg_compaction_file *const first = next_of(p, level, by_key, NULL);
    WG_ASSERT(first != NULL);
    job_begin(p, trigger, level, output_level);
    for (const wg_compaction_file *f = first; f != NULL && job_take_source(p, f); f = next_of(p, level, by_key, f))
        ;
    if (p->job->input_count > 0) job_close(p);
    else job_cut(p, trigger, first);
}

/* True when a costs less than b to merge down: less overlap for its size. */
static bool is_cheaper(uint64_t a_overlap, const wg_compaction_file *a, uint64_t b_overlap,
                       const wg_compaction_file *b) {
    const wg_u128 left = (wg_u128)a_overlap * wg_max_u64(1, b->bytes);
    const wg_u128 right = (wg_u128)b_overlap * wg_max_u64(1, a->bytes);
    return left != right ? left < right : a->id < b->id;
}

static void pick_one(picker *p, uint32_t level) {
    const wg_compaction_file *found = NULL;
    uint64_t found_overlap = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        const wg_compaction_file *f = &p->files[i];
        uint64_t overlap = 0;
        if (f->level != level) continue;
        (void)overlap_of(p, level + 1, f->first, f->last, &overlap);
        if (found != NULL && !is_cheaper(overlap, f, found_overlap, found)) continue;
        found = f;
        found_overlap = overlap;
    }
    WG_ASSERT(found != NULL);
    job_begin(p, WG_COMPACT_LEVEL_SIZE, level, level + 1);
    if (job_take_source(p, found)) job_close(p);
    else job_cut(p, WG_COMPACT_LEVEL_SIZE, found);
}

static bool pick_read_amplification(picker *p) {
    uint32_t count = 0;
    (void)bytes_of_level(p, 0, &count);
    if (count <= p->policy.level0_files) return false;
    pick_many(p, WG_COMPACT_READ_AMPLIFICATION, 0, 1);
    return true;
}

static bool pick_level_size(picker *p) {
    uint32_t worst = 0;
    uint64_t worst_bytes = 0;
    uint64_t worst_target = 1;
    for (uint32_t level = 1; level < WG_LEVELS - 1; level++) {
        uint32_t count = 0;
        const uint64_t bytes = bytes_of_level(p, level, &count);
        const uint64_t target = wg_compaction_level_bytes(&p->policy, level);
        if (bytes <= target || (wg_u128)bytes * worst_target <= (wg_u128)worst_bytes * target) continue;
        worst = level;
        worst_bytes = bytes;
        worst_target = target;
    }
    if (worst == 0) return false;
    pick_one(p, worst);
    return true;
}

static bool pick_tombstones(picker *p) {
    const wg_compaction_file *found = NULL;
    for (uint32_t i = 0; i < p->count; i++) {
        const wg_compaction_file *f = &p->files[i];
        if ((wg_u128)f->dead_rows * 100 <= (wg_u128)f->rows * p->policy.tombstone_percent) continue;
        if (found != NULL) {
            const wg_u128 left = (wg_u128)f->dead_rows * found->rows;
            const wg_u128 right = (wg_u128)found->dead_rows * f->rows;
            if (left < right || (left == right && f->id > found->id)) continue;
        }
        found = f;
    }
    if (found == NULL) return false;
    job_rewrite(p, WG_COMPACT_TOMBSTONES, found);
    return true;
}

/* Rewrites a row of neighbours that all hold something dead. */
static bool pick_dead(picker *p, uint32_t level) {
    const wg_compaction_file *f = next_of(p, level, true, NULL);
    while (f != NULL && f->dead_rows == 0) f = next_of(p, level, true, f);
    if (f == NULL) return false;
    job_begin(p, WG_COMPACT_MANUAL, level, level);
    for (; f != NULL && f->dead_rows > 0 && p->job->input_count < WG_COMPACTION_INPUTS_MAX;
         f = next_of(p, level, true, f))
        job_take(p, f);
    job_sort(p->job);
    return true;
}

static bool pick_everything(picker *p) {
    uint32_t shallowest = WG_LEVELS;
    uint32_t next = 0; /* the non-empty level below it */
    uint32_t deepest = 0;
    for (uint32_t i = WG_LEVELS; i-- > 0;) {
        uint32_t count = 0;
        (void)bytes_of_level(p, i, &count);
        if (count == 0) continue;
        next = shallowest;
        shallowest = i;
        deepest = (uint32_t)wg_max_u64(deepest, i);
    }
    if (shallowest == WG_LEVELS) return false;
    if (shallowest == deepest && deepest > 0) return pick_dead(p, deepest);
    pick_many(p, WG_COMPACT_MANUAL, shallowest, next < WG_LEVELS ? next : 1);
    return true;
}

void wg_compaction_pick(const wg_compaction_policy *policy, const wg_compaction_file *files, uint32_t file_count,
                        bool everything, wg_compaction_job *out) {
    picker p = {.policy = with_defaults(policy), .files = files, .count = file_count, .job = out};
    *out = (wg_compaction_job){.trigger = WG_COMPACT_NOTHING};
    for (uint32_t i = 0; i < file_count; i++) WG_ASSERT(files[i].level < WG_LEVELS);
    if (everything && pick_everything(&p)) return;
    if (!pick_read_amplification(&p) && !pick_level_size(&p)) (void)pick_tombstones(&p);
}

/* ---- runs */

/* Level of the deepest stripe with keys between first and last; 0: none below level 0. */
static uint32_t deepest_of(const picker *p, const uint8_t *first, const uint8_t *last) {
    uint32_t deepest = 0;
    for (uint32_t i = 0; i < p->count; i++)
        if (overlaps(&p->files[i], first, last) && p->files[i].level > deepest) deepest = p->files[i].level;
    return deepest;
}

static bool take_within(picker *p, const wg_compaction_file *file) {
    if (p->job->input_count == WG_COMPACTION_INPUTS_MAX) return false;
    job_take(p, file);
    if (memcmp(file->first, p->first, KEY_BYTES) < 0) memcpy(p->first, file->first, KEY_BYTES);
    if (memcmp(file->last, p->last, KEY_BYTES) > 0) memcpy(p->last, file->last, KEY_BYTES);
    if (file->level < p->job->level) p->job->level = file->level;
    return true;
}

/* All stripes below level 0 that hold these runs, and those of the deepest level that lie between their keys, so that its ranges stay
 * disjoint. What else lies between in other levels stays there: newer or older, its version tells. False: too many. */
static bool runs_job(picker *p, const wg_compaction_run *from, const wg_compaction_run *to) {
    const uint32_t deepest = deepest_of(p, from->first, to->last);
    if (deepest == 0) return false;
    job_begin(p, WG_COMPACT_RUNS, deepest, deepest);
    memcpy(p->first, from->first, KEY_BYTES);
    memcpy(p->last, to->last, KEY_BYTES);
    for (uint32_t i = 0; i < p->count; i++) {
        const wg_compaction_file *f = &p->files[i];
        if (f->level > 0 && overlaps(f, from->first, to->last) && !take_within(p, f)) return false;
    }
    for (uint32_t i = 0; i < p->count; i++) {
        const wg_compaction_file *f = &p->files[i];
        if (f->level != deepest || is_input(p->job, f->id) || !overlaps(f, p->first, p->last)) continue;
        if (p->job->input_count == WG_COMPACTION_INPUTS_MAX) return false;
        job_take(p, f);
    }
    job_sort(p->job);
    return p->job->input_count > 0;
}

typedef struct run_window {
    uint32_t from; /* of `count` runs; 0: none */
    uint32_t count;
    uint64_t bytes;
} run_window;

/* Fewer bytes for the square of the runs that go: bytes for each run alone would join the newest, small one to the one before it over and
 * over, and this one would be rewritten each time. So the price of a byte stays near six rewritings for a thousand runs that come. */
static bool window_is_better(const run_window *a, const run_window *b) {
    if (b->count == 0) return true;
    const uint64_t a_gone = a->count - 1, b_gone = b->count - 1;
    const wg_u128 left = (wg_u128)a->bytes * (b_gone * b_gone);
    const wg_u128 right = (wg_u128)b->bytes * (a_gone * a_gone);
    return left != right ? left < right : a->count > b->count;
}

/* The best neighbours among runs[0..count), `widest` of them at most, that may be read. */
static run_window window_choose(const wg_compaction_run *runs, uint32_t count, uint32_t widest) {
    run_window best = {0};
    for (uint32_t from = 0; from < count; from++) {
        run_window w = {.from = from};
        for (uint32_t i = from; i < count && w.count < widest && !runs[i].fixed; i++) {
            w.count++;
            if (__builtin_add_overflow(w.bytes, runs[i].bytes, &w.bytes)) break;
            if (w.count > 1 && window_is_better(&w, &best)) best = w;
        }
    }
    return best;
}

/* The longest row of runs that may be read. */
static run_window segment_choose(const wg_compaction_run *runs, uint32_t count) {
    run_window best = {0};
    for (uint32_t from = 0; from < count; from++) {
        run_window w = {.from = from};
        while (from + w.count < count && !runs[from + w.count].fixed) w.count++;
        if (w.count > best.count) best = w;
        from += w.count;
    }
    return best;
}

static bool pick_owner(picker *p, const wg_compaction_run *runs, uint32_t count) {
    if (runs->dead) {
        const run_window all = segment_choose(runs, count);
        if (all.count > 0 && runs_job(p, &runs[all.from], &runs[all.from + all.count - 1])) return true;
    }
    if (count <= p->policy.runs_max) return false;
    for (uint32_t widest = WG_COMPACTION_INPUTS_MAX; widest > 1; widest /= 2) {
        const run_window w = window_choose(runs, count, widest);
        if (w.count > 1 && runs_job(p, &runs[w.from], &runs[w.from + w.count - 1])) return true;
    }
    return false;
}

void wg_compaction_pick_runs(const wg_compaction_policy *policy, const wg_compaction_file *files, uint32_t file_count,
                             const wg_compaction_run *runs, uint32_t run_count, wg_compaction_job *out,
                             uint64_t *out_owner) {
    picker p = {.policy = with_defaults(policy), .files = files, .count = file_count, .job = out};
    for (uint32_t from = 0, to = 0; from < run_count; from = to) {
        while (to < run_count && runs[to].owner == runs[from].owner) to++;
        *out_owner = runs[from].owner;
        if (pick_owner(&p, runs + from, to - from)) return;
    }
    *out = (wg_compaction_job){.trigger = WG_COMPACT_NOTHING};
}
