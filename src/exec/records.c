/* The record plane: the founding design's operators over versions of owned rows. See operators.h.
 *
 * SegmentScan: each segment is read by one piece of a wg_pool_for (PARALLEL; ShardDispatch groups neighbouring segments into pieces) into its own
 * columns and sorted; Merge puts them together by a heap over the segments' heads. The order is total, so neither pieces nor threads show. */
#include "exec/records_internal.h"

static int compare_records(const void *a, const void *b) {
    const wgi_record *x = a;
    const wgi_record *y = b;
    if (x->logseq != y->logseq) return x->logseq < y->logseq ? -1 : 1;
    if (x->is_edge != y->is_edge) return x->is_edge < y->is_edge ? -1 : 1;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (int)x->put - (int)y->put;
}

/* ---- SegmentScan */

typedef struct scan_job {
    const wg_exec_context *context;
    const wg_version_segment *segments;
    wgi_record_run *runs; /* one a segment */
    wg_snapshot_range range;
} scan_job;

static bool in_range(const scan_job *job, uint64_t logseq) {
    return logseq >= job->range.logseq_min && logseq <= job->range.logseq_max;
}

static void add_version(const scan_job *job, const wg_version_segment *s, const wg_row_version *v,
                        wgi_record_run *run) {
    if (v->begin == v->end) return;
    wgi_record r = {.logseq = v->begin,
                    .id = v->id,
                    .from = v->from,
                    .to = v->to,
                    .table = s->table,
                    .type_tag = s->label_count == 1 ? s->labels[0] : 0,
                    .has_type_tag = s->label_count == 1,
                    .is_edge = s->is_edge,
                    .put = true};
    if (in_range(job, r.logseq)) run->records[run->count++] = r;
    r.logseq = v->end;
    r.put = false;
    if (in_range(job, r.logseq)) run->records[run->count++] = r;
}

static wg_code scan_segment(const scan_job *job, uint64_t number, wg_error *err) {
    const wg_version_segment *s = &job->segments[number];
    wgi_record_run *run = &job->runs[number];
    wg_account *account = job->context->account;
    const size_t bytes = ((size_t)s->row_count + 1) * sizeof(wg_row_version);
    uint32_t n = 0;
    WG_TRY(wgi_check(job->context, err));
    wg_row_version *versions = wg_alloc(account, bytes);
    if (versions == NULL) return wg_error_nomem(err, bytes);
    wg_code code = wg_versions_read(job->context->txn, s, versions, &n, err);
    run->records = code == WG_OK ? wg_alloc(account, (2 * (size_t)n + 1) * sizeof *run->records) : NULL;
    if (code == WG_OK && run->records == NULL) code = wg_error_nomem(err, (2 * (size_t)n + 1) * sizeof *run->records);
    for (uint32_t i = 0; i < n && code == WG_OK; i++) add_version(job, s, &versions[i], run);
    if (code == WG_OK) qsort(run->records, run->count, sizeof *run->records, compare_records);
    wg_free(versions);
    return code;
}

static wg_code scan_piece(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    for (uint64_t i = first; i < last; i++) WG_TRY(scan_segment(arg, i, err));
    return WG_OK;
}

/* Segments that no SegmentScan names are taken out. */
static uint32_t select_segments(const wg_record_plan *plan, wg_version_segment *segments, uint32_t count) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool wanted = false;
        for (uint32_t k = 0; k < plan->operator_count; k++) {
            const wg_operator_def *op = &plan->operators[k];
            wanted |= op->type == WG_OPERATOR_SEGMENT_SCAN &&
                      op->params.segment_scan.is_asl_segment != segments[i].is_edge &&
                      i >= op->params.segment_scan.segment_start_id && i <= op->params.segment_scan.segment_end_id;
        }
        if (wanted) segments[kept++] = segments[i];
    }
    return kept;
}

static bool plan_has(const wg_record_plan *plan, wg_operator_type type, uint32_t flags) {
    for (uint32_t i = 0; i < plan->operator_count; i++)
        if (plan->operators[i].type == type && (plan->operators[i].flags & flags) == flags) return true;
    return false;
}

/* ---- Merge: a heap of the runs' heads */

static bool comes_before(const wgi_record_run *runs, uint32_t a, uint32_t b) {
    return compare_records(&runs[a].records[runs[a].at], &runs[b].records[runs[b].at]) < 0;
}

static void sift_down(const wgi_record_run *runs, uint32_t *heap, uint32_t count, uint32_t i) {
    for (;;) {
        uint32_t least = i;
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < count; child++)
            if (comes_before(runs, heap[child], heap[least])) least = child;
        if (least == i) return;
        const uint32_t swap = heap[i];
        heap[i] = heap[least];
        heap[least] = swap;
        i = least;
    }
}

static wg_code merge_runs(wgi_record_run *runs, uint32_t run_count, const wg_exec_context *context,
                          wgi_record_run *out, wg_error *err) {
    uint64_t total = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < run_count; i++) total += runs[i].count;
    out->records = wg_alloc(context->account, ((size_t)total + 1) * sizeof *out->records);
    uint32_t *heap = wg_alloc(context->account, ((size_t)run_count + 1) * sizeof *heap);
    wg_code code = out->records == NULL || heap == NULL ? wg_error_nomem(err, total * sizeof *out->records) : WG_OK;
    for (uint32_t i = 0; i < run_count && code == WG_OK; i++)
        if (runs[i].count > 0) heap[count++] = i;
    for (uint32_t i = count / 2; code == WG_OK && i-- > 0;) sift_down(runs, heap, count, i);
    while (count > 0 && code == WG_OK) {
        wgi_record_run *run = &runs[heap[0]];
        out->records[out->count++] = run->records[run->at++];
        if (run->at == run->count) heap[0] = heap[--count];
        sift_down(runs, heap, count, 0);
        if (out->count % WG_BATCH_ROWS_MAX == 0) code = wgi_check(context, err);
    }
    wg_free(heap);
    return code;
}

wg_code wgi_records_scan(const wg_record_plan *plan, const wg_exec_context *context, wgi_record_run *out,
                         wg_error *err) {
    wg_arena arena;
    wg_version_segment *segments = NULL;
    uint32_t count = 0;
    wg_arena_init(&arena, context->account);
    wg_code code = wg_version_segments(context->txn, &arena, &segments, &count, err);
    if (code == WG_OK) count = select_segments(plan, segments, count);
    scan_job job = {.context = context, .segments = segments, .range = plan->range};
    if (code == WG_OK) job.runs = wg_arena_alloc_zero(&arena, ((size_t)count + 1) * sizeof *job.runs);
    if (code == WG_OK && job.runs == NULL) code = wg_error_nomem(err, count * sizeof *job.runs);
    const bool dealt = plan_has(plan, WG_OPERATOR_SHARD_DISPATCH, 0) && context->shards > 1;
    const wg_pool_range range = {.count = count,
                                 .grain = dealt ? wg_max_u64(1, count / context->shards) : 1,
                                 .workers = plan_has(plan, WG_OPERATOR_SEGMENT_SCAN, WG_OPERATOR_PARALLEL)
                                                ? (uint32_t)wg_min_u64(context->threads, WG_POOL_WORKERS_MAX)
                                                : 1,
                                 .fn = scan_piece,
                                 .arg = &job};
    if (code == WG_OK) code = wg_pool_for(context->pool, &range, err);
    if (code == WG_OK) code = merge_runs(job.runs, count, context, out, err);
    for (uint32_t i = 0; i < count && job.runs != NULL; i++) wg_free(job.runs[i].records);
    wg_arena_deinit(&arena);
    return code;
}

/* ---- TombstoneShadow: two passes, the newest record of each key, then those that are puts */

static uint64_t canonical_of(const wgi_record *r) { return r->id << 1 | r->is_edge; }

static wg_tombstone_state *state_of(wg_tombstone_state *states, uint64_t mask, uint64_t key) {
    uint64_t at = wg_hash64_u64(key) & mask;
    while (states[at].max_logseq_seen != 0 && states[at].canonical_id != key) at = (at + 1) & mask;
    return &states[at];
}

wg_code wgi_records_shadow(wgi_record_run *run, const wg_exec_context *context, wg_error *err) {
    uint64_t capacity = 16;
    while (capacity < 2 * run->count) capacity *= 2;
    wg_tombstone_state *states = wg_alloc_zero(context->account, (size_t)capacity * sizeof *states);
    if (states == NULL) return wg_error_nomem(err, (size_t)capacity * sizeof *states);
    for (uint64_t i = 0; i < run->count; i++) {
        const wgi_record *r = &run->records[i];
        wg_tombstone_state *s = state_of(states, capacity - 1, canonical_of(r));
        *s = (wg_tombstone_state){
            .canonical_id = canonical_of(r), .max_logseq_seen = r->logseq, .newest = i, .is_tombstoned = !r->put};
    }
    uint64_t kept = 0;
    for (uint64_t i = 0; i < run->count; i++) {
        const wg_tombstone_state *s = state_of(states, capacity - 1, canonical_of(&run->records[i]));
        if (s->newest == i && !s->is_tombstoned) run->records[kept++] = run->records[i];
    }
    run->count = kept;
    wg_free(states);
    return wgi_check(context, err);
}
