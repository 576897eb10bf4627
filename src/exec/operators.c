/* The record plane's plans: their order is checked, then the stages behind the merge run one after the other over one array of records. Also the
 * names of the operators, and changes between two positions. See operators.h. */
#include "exec/records_internal.h"

uint32_t wg_plan_operators(wg_plan_op op, wg_operator_type out[3]) {
    /* Pairs; those that the founding design has not are left out. */
    static const struct {
        wg_plan_op op;
        wg_operator_type type;
    } pairs[] = {{WG_PLAN_SCAN, WG_OPERATOR_SHARD_DISPATCH},
                 {WG_PLAN_SCAN, WG_OPERATOR_SEGMENT_SCAN},
                 {WG_PLAN_SCAN, WG_OPERATOR_TOMBSTONE_SHADOW},
                 {WG_PLAN_SEEK, WG_OPERATOR_INDEX_FILTER},
                 {WG_PLAN_INDEX_SEEK, WG_OPERATOR_INDEX_FILTER},
                 {WG_PLAN_EXPAND, WG_OPERATOR_TGK_TRAVERSAL},
                 {WG_PLAN_EXPAND_INTO, WG_OPERATOR_TGK_TRAVERSAL},
                 {WG_PLAN_INTERSECT, WG_OPERATOR_TGK_TRAVERSAL},
                 {WG_PLAN_EXPAND_VAR, WG_OPERATOR_TGK_TRAVERSAL},
                 {WG_PLAN_SHORTEST, WG_OPERATOR_TGK_TRAVERSAL},
                 {WG_PLAN_EXISTS, WG_OPERATOR_TGK_TRAVERSAL},
                 {WG_PLAN_PATTERN_COUNT, WG_OPERATOR_TGK_TRAVERSAL},
                 {WG_PLAN_REACH, WG_OPERATOR_TGK_TRAVERSAL},
                 {WG_PLAN_FILTER, WG_OPERATOR_SIMD_FILTER},
                 {WG_PLAN_PROJECT, WG_OPERATOR_PROJECTION},
                 {WG_PLAN_AGGREGATE, WG_OPERATOR_AGGREGATION},
                 {WG_PLAN_DISTINCT, WG_OPERATOR_AGGREGATION},
                 {WG_PLAN_SORT, WG_OPERATOR_MERGE},
                 {WG_PLAN_UNION, WG_OPERATOR_MERGE},
                 {WG_PLAN_LIMIT, WG_OPERATOR_LIMIT_OFFSET}};
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].op == op) out[n++] = pairs[i].type;
    return n;
}

const char *wg_operator_name(wg_operator_type type) {
    static const char *const names[WG_OPERATOR_TYPES] = {
        "SegmentScan", "IndexFilter", "Merge",         "Projection", "TgkTraversal",
        "Aggregation", "LimitOffset", "ShardDispatch", "SimdFilter", "TombstoneShadow"};
    WG_ASSERT((unsigned)type < WG_OPERATOR_TYPES);
    return names[type];
}

/* ---- the order of a plan */

/* Place of a type in the one order; equal places may stand in any order. */
static int stage_of(wg_operator_type type) {
    static const int stages[WG_OPERATOR_TYPES] = {1, 4, 2, 6, 5, 7, 8, 0, 4, 3};
    return stages[type];
}

static wg_code bad_plan(const wg_operator_def *op, const char *why, wg_error *err) {
    return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "operator %u (%s): %s", op->op_id, wg_operator_name(op->type),
                        why);
}

static wg_code check_operator(const wg_record_plan *plan, uint32_t i, wg_error *err) {
    const wg_operator_def *op = &plan->operators[i];
    const bool optional = op->type == WG_OPERATOR_SIMD_FILTER || op->type == WG_OPERATOR_SHARD_DISPATCH;
    if (i > 0 && stage_of(plan->operators[i - 1].type) > stage_of(op->type))
        return bad_plan(
            op, "it stands behind one that must follow it; the shadow comes before filters and traversals", err);
    if (optional != ((op->flags & WG_OPERATOR_OPTIONAL) != 0))
        return bad_plan(
            op, optional ? "an acceleration carries the flag OPTIONAL" : "only accelerations are OPTIONAL", err);
    if (op->type == WG_OPERATOR_MERGE && !op->params.merge.deterministic)
        return bad_plan(op, "there is one order: deterministic must be set", err);
    const int stage = stage_of(op->type);
    if (stage > 1 && i > 0 && plan->operators[i - 1].type == op->type) return bad_plan(op, "it stands twice", err);
    return WG_OK;
}

static const wg_operator_def *find(const wg_record_plan *plan, wg_operator_type type) {
    for (uint32_t i = 0; i < plan->operator_count; i++)
        if (plan->operators[i].type == type) return &plan->operators[i];
    return NULL;
}

static wg_code check_plan(const wg_record_plan *plan, const wg_txn *txn, wg_error *err) {
    for (uint32_t i = 0; i < plan->operator_count; i++) WG_TRY(check_operator(plan, i, err));
    const bool below = find(plan, WG_OPERATOR_INDEX_FILTER) != NULL || find(plan, WG_OPERATOR_TGK_TRAVERSAL) != NULL;
    if (find(plan, WG_OPERATOR_SEGMENT_SCAN) == NULL || find(plan, WG_OPERATOR_MERGE) == NULL)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "a record plan has a SegmentScan and a Merge");
    if (below && find(plan, WG_OPERATOR_TOMBSTONE_SHADOW) == NULL)
        return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET,
                            "filters and traversals see live records alone: put a TombstoneShadow before them");
    if (plan->range.logseq_max > wg_txn_view(txn).snapshot)
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET, "position %llu lies behind the snapshot %llu",
                            (unsigned long long)plan->range.logseq_max,
                            (unsigned long long)wg_txn_view(txn).snapshot);
    return WG_OK;
}

/* ---- IndexFilter, SimdFilter */

static uint8_t role_of(const wgi_record *r, uint64_t node) {
    return (uint8_t)((r->from == node ? WG_ROLE_FROM : 0) | (r->to == node ? WG_ROLE_TO : 0));
}

static bool passes(const wg_operator_def *f, const wgi_record *r, bool tag_equal) {
    if (!r->is_edge) return !f->params.index_filter.has_type_tag || (r->has_type_tag && tag_equal);
    if (f->params.index_filter.has_edge_type && !(r->has_type_tag && tag_equal)) return false;
    const uint8_t want = f->params.index_filter.role;
    return (role_of(r, f->params.index_filter.role_of) & want) == want;
}

static uint32_t wanted_tag(const wg_operator_def *f, const wgi_record *r) {
    return r->is_edge ? f->params.index_filter.edge_type_key : f->params.index_filter.artifact_type_tag;
}

static void filter_plain(const wg_operator_def *f, wgi_record_run *run) {
    uint64_t kept = 0;
    for (uint64_t i = 0; i < run->count; i++) {
        const wgi_record *r = &run->records[i];
        if (passes(f, r, r->type_tag == wanted_tag(f, r))) run->records[kept++] = *r;
    }
    run->count = kept;
}

/* The same with the tags as a column, compared to masks by the kernels of the run, batch by batch. */
static void filter_simd(const wg_operator_def *f, const wg_kernels *kernels, wgi_record_run *run) {
    uint32_t tags[WG_BATCH_ROWS_MAX];
    uint8_t nodes[WG_BATCH_ROWS_MAX], edges[WG_BATCH_ROWS_MAX];
    uint64_t kept = 0;
    for (uint64_t first = 0; first < run->count; first += WG_BATCH_ROWS_MAX) {
        const size_t n = (size_t)wg_min_u64(WG_BATCH_ROWS_MAX, run->count - first);
        for (size_t i = 0; i < n; i++) tags[i] = run->records[first + i].type_tag;
        kernels->compare_u32(WG_KERNEL_EQ, tags, f->params.index_filter.artifact_type_tag, n, nodes);
        kernels->compare_u32(WG_KERNEL_EQ, tags, f->params.index_filter.edge_type_key, n, edges);
        for (size_t i = 0; i < n; i++) {
            const wgi_record *r = &run->records[first + i];
            if (passes(f, r, r->is_edge ? edges[i] != 0 : nodes[i] != 0)) run->records[kept++] = *r;
        }
    }
    run->count = kept;
}

/* ---- columns */

void *wgi_record_column(wg_arena *arena, uint64_t count, size_t size) {
    size_t bytes;
    if (!wg_mul_size(count + 128, size, &bytes)) return NULL; /* 64 elements more than needed, and 64 to align by */
    uint8_t *p = wg_arena_alloc(arena, bytes);
    return p == NULL ? NULL : p + (64 - (uintptr_t)p % 64) % 64;
}

static wg_code fill_records(const wgi_record_run *run, wg_arena *arena, wg_merge_buffer *out, wg_error *err) {
    const uint64_t n = run->count;
    wg_merge_buffer m = {.count = n};
    if (!WGI_COLUMN(arena, m.logseqs, n) || !WGI_COLUMN(arena, m.artifact_ids, n) ||
        !WGI_COLUMN(arena, m.tgk_edge_ids, n) || !WGI_COLUMN(arena, m.type_tags, n) ||
        !WGI_COLUMN(arena, m.has_type_tag, n) || !WGI_COLUMN(arena, m.roles, n) ||
        !WGI_COLUMN(arena, m.from_ids, n) || !WGI_COLUMN(arena, m.to_ids, n) || !WGI_COLUMN(arena, m.tombstones, n) ||
        !WGI_COLUMN(arena, m.tables, n))
        return wg_error_nomem(err, n * sizeof(wgi_record));
    for (uint64_t i = 0; i < n; i++) {
        const wgi_record *r = &run->records[i];
        m.logseqs[i] = r->logseq;
        m.artifact_ids[i] = r->is_edge ? WG_RECORD_NONE : r->id;
        m.tgk_edge_ids[i] = r->is_edge ? r->id : WG_RECORD_NONE;
        m.type_tags[i] = r->type_tag;
        m.has_type_tag[i] = r->has_type_tag;
        m.roles[i] = r->is_edge ? WG_ROLE_BOTH : WG_ROLE_NONE;
        m.from_ids[i] = r->is_edge ? r->from : WG_RECORD_NONE;
        m.to_ids[i] = r->is_edge ? r->to : WG_RECORD_NONE;
        m.tombstones[i] = !r->put;
        m.tables[i] = r->table;
    }
    *out = m;
    return WG_OK;
}

void wg_record_result_deinit(wg_record_result *result) {
    wg_arena_deinit(&result->arena);
    *result = (wg_record_result){0};
}

/* ---- running a plan */

static wg_code run_stages(const wg_record_plan *plan, const wg_exec_context *context, wgi_record_run *run,
                          wg_record_result *out, wg_error *err) {
    const wg_kernels *kernels = context->kernels != NULL ? context->kernels : wg_kernels_best();
    const wg_operator_def *filter = find(plan, WG_OPERATOR_INDEX_FILTER);
    const wg_operator_def *traversal = find(plan, WG_OPERATOR_TGK_TRAVERSAL);
    const wg_operator_def *aggregation = find(plan, WG_OPERATOR_AGGREGATION);
    const wg_operator_def *limit = find(plan, WG_OPERATOR_LIMIT_OFFSET);
    if (find(plan, WG_OPERATOR_TOMBSTONE_SHADOW) != NULL) WG_TRY(wgi_records_shadow(run, context, err));
    if (filter != NULL && find(plan, WG_OPERATOR_SIMD_FILTER) != NULL) filter_simd(filter, kernels, run);
    else if (filter != NULL) filter_plain(filter, run);
    WG_TRY(wgi_check(context, err));
    WG_TRY(fill_records(run, &out->arena, &out->records, err));
    if (traversal != NULL) WG_TRY(wgi_records_traverse(traversal, run, context, &out->arena, &out->traversal, err));
    WG_TRY(wgi_records_project(find(plan, WG_OPERATOR_PROJECTION), traversal != NULL, out, err));
    if (aggregation != NULL) WG_TRY(wgi_records_aggregate(aggregation, kernels, out, err));
    if (limit != NULL) wgi_records_limit(limit, &out->projection);
    return WG_OK;
}

wg_code wg_records_run(const wg_record_plan *plan, const wg_exec_context *context, wg_record_result *out,
                       wg_error *err) {
    wgi_record_run run = {0};
    wg_record_result result = {0};
    WG_TRY(check_plan(plan, context->txn, err));
    wg_arena_init(&result.arena, context->account);
    wg_code code = wgi_records_scan(plan, context, &run, err);
    if (code == WG_OK) code = run_stages(plan, context, &run, &result, err);
    wg_free(run.records);
    if (code == WG_OK) *out = result;
    else wg_record_result_deinit(&result);
    return code;
}

uint32_t wg_record_labels(const wg_txn *txn, uint32_t table, const uint32_t **out) {
    return wg_version_labels(txn, table, out);
}

/* ---- changes between two positions */

void wg_changes_deinit(wg_changes *changes) {
    wg_record_result_deinit(&changes->scanned);
    *changes = (wg_changes){0};
}

/* A key has at most two records in a commit: the end of what was there, and what is there since. */
static wg_code reduce(wg_changes *c, wg_error *err) {
    const wg_merge_buffer *m = &c->scanned.records;
    wg_arena *arena = &c->scanned.arena;
    if (!WGI_COLUMN(arena, c->logseqs, m->count) || !WGI_COLUMN(arena, c->ids, m->count) ||
        !WGI_COLUMN(arena, c->tables, m->count) || !WGI_COLUMN(arena, c->is_edge, m->count) ||
        !WGI_COLUMN(arena, c->ops, m->count))
        return wg_error_nomem(err, m->count * 22);
    for (uint64_t i = 0; i < m->count; i++) {
        const bool is_edge = m->artifact_ids[i] == WG_RECORD_NONE;
        const uint64_t id = is_edge ? m->tgk_edge_ids[i] : m->artifact_ids[i];
        const uint64_t last = c->count - 1;
        const bool again =
            c->count > 0 && c->logseqs[last] == m->logseqs[i] && c->ids[last] == id && c->is_edge[last] == is_edge;
        const uint64_t at = again ? last : c->count++;
        c->logseqs[at] = m->logseqs[i];
        c->ids[at] = id;
        c->is_edge[at] = is_edge;
        c->tables[at] = m->tables[i];
        c->ops[at] = m->tombstones[i] ? WG_CHANGE_DELETED : again ? WG_CHANGE_UPDATED : WG_CHANGE_CREATED;
    }
    return WG_OK;
}

wg_code wg_changes_between(const wg_exec_context *context, uint64_t after, uint64_t up_to, wg_changes *out,
                           wg_error *err) {
    static const wg_operator_def operators[] = {{.type = WG_OPERATOR_SHARD_DISPATCH, .flags = WG_OPERATOR_OPTIONAL},
                                                {.op_id = 1,
                                                 .type = WG_OPERATOR_SEGMENT_SCAN,
                                                 .flags = WG_OPERATOR_PARALLEL,
                                                 .params.segment_scan = {true, 0, UINT64_MAX}},
                                                {.op_id = 2,
                                                 .type = WG_OPERATOR_SEGMENT_SCAN,
                                                 .flags = WG_OPERATOR_PARALLEL,
                                                 .params.segment_scan = {false, 0, UINT64_MAX}},
                                                {.op_id = 3, .type = WG_OPERATOR_MERGE, .params.merge = {true}}};
    const wg_record_plan plan = {{after + 1, up_to}, operators, 4};
    wg_engine *engine = wg_txn_engine(context->txn);
    wg_engine_pin *pin = NULL;
    wg_changes changes = {0};
    if (after >= up_to) {
        *out = changes;
        return WG_OK;
    }
    WG_TRY(wg_engine_pin_acquire(engine, after, &pin, err)); /* what ended behind it is kept meanwhile */
    wg_code code = wg_records_run(&plan, context, &changes.scanned, err);
    wg_engine_pin_release(engine, pin);
    if (code == WG_OK) code = reduce(&changes, err);
    if (code == WG_OK) *out = changes;
    else wg_changes_deinit(&changes);
    return code;
}
