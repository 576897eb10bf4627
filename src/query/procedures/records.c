/* query/procedures: the record plane (exec/operators.h) as rows: db.records, db.changes, db.walk. Positions are logseqs; null stands for the
 * snapshot of the statement. Rows come in the plane's order and are a function of the arguments and the snapshot alone. */
#include "exec/operators.h"
#include "query/procedures/procedures.h"

static wg_value number(uint64_t n) { return wg_value_int(n > INT64_MAX ? INT64_MAX : (int64_t)n); }

static const wg_operator_def dispatch = {.type = WG_OPERATOR_SHARD_DISPATCH, .flags = WG_OPERATOR_OPTIONAL};
static const wg_operator_def scan_nodes = {.op_id = 1,
                                           .type = WG_OPERATOR_SEGMENT_SCAN,
                                           .flags = WG_OPERATOR_PARALLEL,
                                           .params.segment_scan = {true, 0, UINT64_MAX}};
static const wg_operator_def scan_edges = {.op_id = 2,
                                           .type = WG_OPERATOR_SEGMENT_SCAN,
                                           .flags = WG_OPERATOR_PARALLEL,
                                           .params.segment_scan = {false, 0, UINT64_MAX}};
static const wg_operator_def merge = {.op_id = 3, .type = WG_OPERATOR_MERGE, .params.merge = {true}};
static const wg_operator_def shadow = {.op_id = 4, .type = WG_OPERATOR_TOMBSTONE_SHADOW};

static wg_code position(const wg_procedure_call *call, uint32_t arg, uint64_t otherwise, uint64_t *out,
                        wg_error *err) {
    const wg_value *v = &call->args[arg];
    if (v->type != WG_TYPE_NULL && v->as.i < 0)
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "%s(): a position counts from 0, this is %lld",
                            call->procedure->name, (long long)v->as.i);
    *out = v->type == WG_TYPE_NULL ? otherwise : (uint64_t)v->as.i;
    return WG_OK;
}

/* Names of the labels, in order of number, joined by ':'. */
static wg_code put_labels(const wg_procedure_call *call, uint32_t table, wg_buf *out, wg_error *err) {
    const wg_catalog *catalog = wg_txn_catalog(call->txn);
    const uint32_t *labels = NULL;
    const uint32_t count = wg_record_labels(call->txn, table, &labels);
    out->size = 0;
    for (uint32_t i = 0; i < count; i++) {
        const wg_label *label = wg_catalog_label_seen(catalog, labels[i], wg_txn_view(call->txn));
        if ((i > 0 && !wg_buf_append_u8(out, ':')) || !wg_buf_append_str(out, label->def.name))
            return wg_error_nomem(err, 64);
    }
    return WG_OK;
}

static wg_code run_at(const wg_procedure_call *call, const wg_record_plan *plan, wg_record_result *out,
                      wg_error *err) {
    wg_engine_pin *pin = NULL;
    if (plan->range.logseq_max < wg_txn_view(call->txn).snapshot)
        WG_TRY(wg_engine_pin_acquire(call->engine, plan->range.logseq_max, &pin, err));
    const wg_code code = wg_records_run(plan, call->context, out, err);
    wg_engine_pin_release(call->engine, pin);
    return code;
}

/* ---- db.records: nodes and edges that live at `to` and were written last behind `from` */

static wg_code add_record(const wg_procedure_call *call, const wg_merge_buffer *m, uint64_t i, wg_buf *text,
                          wg_error *err) {
    const bool is_edge = m->artifact_ids[i] == WG_RECORD_NONE;
    WG_TRY(put_labels(call, m->tables[i], text, err));
    const wg_value cells[] = {number(m->logseqs[i]),
                              wg_value_str(wg_slice_str(is_edge ? "edge" : "node")),
                              number(is_edge ? m->tgk_edge_ids[i] : m->artifact_ids[i]),
                              wg_value_str(wg_buf_slice(text)),
                              is_edge ? number(m->from_ids[i]) : wg_value_null(),
                              is_edge ? number(m->to_ids[i]) : wg_value_null()};
    return wg_procedure_add_row(call, cells, err);
}

static wg_code list_records(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    const wg_operator_def operators[] = {dispatch, scan_nodes, scan_edges, merge, shadow};
    wg_record_plan plan = {.operators = operators, .operator_count = 5};
    wg_record_result result;
    wg_buf text;
    uint64_t from = 0;
    WG_TRY(position(call, 0, 0, &from, err));
    WG_TRY(position(call, 1, wg_txn_view(call->txn).snapshot, &plan.range.logseq_max, err));
    plan.range.logseq_min = from < UINT64_MAX ? from + 1 : from;
    WG_TRY(run_at(call, &plan, &result, err));
    wg_buf_init(&text, NULL);
    wg_code code = WG_OK;
    for (uint64_t i = 0; i < result.records.count && code == WG_OK; i++)
        code = add_record(call, &result.records, i, &text, err);
    wg_buf_deinit(&text);
    wg_record_result_deinit(&result);
    return code;
}

/* ---- db.changes */

static wg_code add_change(const wg_procedure_call *call, const wg_changes *c, uint64_t i, wg_buf *text,
                          wg_error *err) {
    static const char *const ops[] = {"created", "updated", "deleted"};
    WG_TRY(put_labels(call, c->tables[i], text, err));
    const wg_value cells[] = {number(c->logseqs[i]), wg_value_str(wg_slice_str(c->is_edge[i] ? "edge" : "node")),
                              number(c->ids[i]), wg_value_str(wg_buf_slice(text)),
                              wg_value_str(wg_slice_str(ops[c->ops[i]]))};
    return wg_procedure_add_row(call, cells, err);
}

static wg_code list_changes(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    uint64_t after = 0;
    uint64_t up_to = 0;
    wg_changes changes;
    wg_buf text;
    WG_TRY(position(call, 0, 0, &after, err));
    WG_TRY(position(call, 1, wg_txn_view(call->txn).snapshot, &up_to, err));
    WG_TRY(wg_changes_between(call->context, after, up_to, &changes, err));
    wg_buf_init(&text, NULL);
    wg_code code = WG_OK;
    for (uint64_t i = 0; i < changes.count && code == WG_OK; i++) code = add_change(call, &changes, i, &text, err);
    wg_buf_deinit(&text);
    wg_changes_deinit(&changes);
    return code;
}

/* ---- db.walk: edges within `depth` of a node, each once, at its least depth */

static wg_code find_type(const wg_procedure_call *call, wg_operator_def *filter, wg_error *err) {
    const wg_value *type = &call->args[2];
    if (type->type == WG_TYPE_NULL) return WG_OK;
    const wg_catalog *catalog = wg_txn_catalog(call->txn);
    const uint32_t count = wg_catalog_label_count(catalog);
    for (uint32_t i = 0; i < count; i++) {
        const wg_label *label = wg_catalog_label_seen(catalog, i, wg_txn_view(call->txn));
        if (!label->def.is_edge || !wg_slice_is(wg_value_slice(type), label->def.name)) continue;
        filter->params.index_filter.has_edge_type = true;
        filter->params.index_filter.edge_type_key = i;
        return WG_OK;
    }
    return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "db.walk(): there are no relationships of type %.*s",
                        (int)wg_min_u64(type->size, 100), type->as.s);
}

static wg_code find_direction(const wg_procedure_call *call, uint8_t *out, wg_error *err) {
    static const char *const names[] = {"out", "in", "both"};
    const wg_value *v = &call->args[3];
    *out = 1;
    if (v->type == WG_TYPE_NULL) return WG_OK;
    for (uint8_t i = 0; i < 3; i++) {
        if (!wg_slice_is(wg_value_slice(v), names[i])) continue;
        *out = (uint8_t)(i + 1);
        return WG_OK;
    }
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "db.walk(): the direction is 'out', 'in' or 'both'");
}

static wg_code walk(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    wg_operator_def operators[] = {dispatch,
                                   scan_nodes,
                                   scan_edges,
                                   merge,
                                   shadow,
                                   {.op_id = 5, .type = WG_OPERATOR_INDEX_FILTER},
                                   {.op_id = 6, .type = WG_OPERATOR_SIMD_FILTER, .flags = WG_OPERATOR_OPTIONAL},
                                   {.op_id = 7, .type = WG_OPERATOR_TGK_TRAVERSAL}};
    const wg_record_plan plan = {{0, wg_txn_view(call->txn).snapshot}, operators, 8};
    wg_record_result result;
    uint64_t start = 0;
    uint64_t depth = 0;
    WG_TRY(position(call, 0, 0, &start, err));
    WG_TRY(position(call, 1, 0, &depth, err));
    WG_TRY(find_type(call, &operators[5], err));
    WG_TRY(find_direction(call, &operators[7].params.tgk_traversal.direction, err));
    operators[7].params.tgk_traversal.start_node_id = start;
    operators[7].params.tgk_traversal.traversal_depth = (uint32_t)wg_min_u64(depth, UINT32_MAX);
    WG_TRY(run_at(call, &plan, &result, err));
    wg_code code = WG_OK;
    const wg_tgk_traversal_buffer *t = &result.traversal;
    for (uint64_t i = 0; i < t->count && code == WG_OK; i++) {
        const wg_value cells[] = {number(t->depths[i]), number(t->edge_ids[i]), number(t->node_ids[i]),
                                  number(t->logseqs[i])};
        code = wg_procedure_add_row(call, cells, err);
    }
    wg_record_result_deinit(&result);
    return code;
}

wg_code wg_procedures_register_records(wg_procedures *procedures, wg_error *err) {
    static const wg_procedure_field range[] = {{.name = "from", .type = WG_TYPE_INT},
                                               {.name = "to", .type = WG_TYPE_INT}};
    static const wg_procedure_field record[] = {
        {.name = "logseq", .type = WG_TYPE_INT}, {.name = "kind", .type = WG_TYPE_STRING},
        {.name = "id", .type = WG_TYPE_INT},     {.name = "label", .type = WG_TYPE_STRING},
        {.name = "source", .type = WG_TYPE_INT}, {.name = "target", .type = WG_TYPE_INT}};
    static const wg_procedure_field change[] = {{.name = "logseq", .type = WG_TYPE_INT},
                                                {.name = "kind", .type = WG_TYPE_STRING},
                                                {.name = "id", .type = WG_TYPE_INT},
                                                {.name = "label", .type = WG_TYPE_STRING},
                                                {.name = "op", .type = WG_TYPE_STRING}};
    static const wg_procedure_field walk_params[] = {{.name = "start", .type = WG_TYPE_INT, .not_null = true},
                                                     {.name = "depth", .type = WG_TYPE_INT, .not_null = true},
                                                     {.name = "type", .type = WG_TYPE_STRING},
                                                     {.name = "direction", .type = WG_TYPE_STRING}};
    static const wg_procedure_field step[] = {{.name = "depth", .type = WG_TYPE_INT},
                                              {.name = "edge", .type = WG_TYPE_INT},
                                              {.name = "node", .type = WG_TYPE_INT},
                                              {.name = "logseq", .type = WG_TYPE_INT}};
    const wg_procedure all[] = {
        {.name = "db.records",
         .help = "nodes and edges by the commit that wrote them last",
         .params = range,
         .param_count = 2,
         .results = record,
         .result_count = 6,
         .fn = list_records},
        {.name = "db.changes",
         .help = "what commits created, updated and deleted",
         .params = range,
         .param_count = 2,
         .results = change,
         .result_count = 5,
         .fn = list_changes},
        {.name = "db.walk",
         .help = "edges within a depth of a node, each once",
         .params = walk_params,
         .param_count = 4,
         .results = step,
         .result_count = 4,
         .fn = walk},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) WG_TRY(wg_procedure_register(procedures, &all[i], err));
    return WG_OK;
}
