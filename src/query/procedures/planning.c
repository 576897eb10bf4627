/* query/procedures: db.statistics: what the planner knows of a label. A row a fact: of what, which one, its value. Numbers that come from a
 * sample are marked by the fact "exact" of their item. db.awaitIndexes: builds the indexes that an opening left to their first use. */
#include "engine/statistics.h"
#include "query/procedures/procedures.h"

typedef struct report {
    const wg_procedure_call *call;
    wg_error *err;
    const char *item;
} report;

static wg_code say(const report *r, const char *fact, wg_value value) {
    const wg_value cells[] = {wg_value_str(wg_slice_str(r->item)), wg_value_str(wg_slice_str(fact)), value};
    return wg_procedure_add_row(r->call, cells, r->err);
}

static wg_value list_of(wg_value *items, uint32_t count) {
    wg_value v = wg_value_null();
    v.type = WG_TYPE_LIST;
    v.size = count;
    v.as.list = items;
    return v;
}

static wg_code say_degrees(report *r, const char *item, const wg_degree_statistics *d) {
    wg_value classes[WG_DEGREE_CLASSES];
    uint32_t count = 0;
    for (uint32_t i = 0; i < WG_DEGREE_CLASSES; i++) {
        classes[i] = wg_value_float(d->classes[i]);
        if (d->classes[i] > 0) count = i + 1;
    }
    r->item = item;
    WG_TRY(say(r, "nodes", wg_value_float(d->nodes)));
    WG_TRY(say(r, "average degree", wg_value_float(d->average)));
    WG_TRY(say(r, "greatest degree", wg_value_float(d->maximum)));
    WG_TRY(say(r, "sum of squares", wg_value_float(d->sum_squares)));
    return say(r, "nodes by power of two", list_of(classes, count));
}

static wg_code say_edges(report *r, uint32_t label, wg_arena *arena) {
    wg_edge_statistics s;
    WG_TRY(wg_edge_statistics_get(r->call->txn, label, arena, &s, r->err));
    r->item = "edges";
    WG_TRY(say(r, "rows", wg_value_float(s.edges)));
    WG_TRY(say(r, "exact", wg_value_bool(s.exact)));
    WG_TRY(say_degrees(r, "out", &s.out));
    return say_degrees(r, "in", &s.in);
}

static wg_code say_property(report *r, uint32_t label, uint32_t key, wg_arena *arena) {
    wg_property_statistics s;
    wg_value shares[WG_STATISTICS_COMMON];
    WG_TRY(wg_property_statistics_get(r->call->txn, label, key, arena, &s, r->err));
    r->item = wg_catalog_key_name(wg_txn_catalog(r->call->txn), key);
    for (uint32_t i = 0; i < s.common_count; i++) shares[i] = wg_value_float(s.common_share[i]);
    WG_TRY(say(r, "exact", wg_value_bool(s.exact)));
    WG_TRY(say(r, "share of nulls", wg_value_float(s.null_share)));
    WG_TRY(say(r, "distinct", wg_value_float(s.distinct)));
    WG_TRY(say(r, "least", s.min));
    WG_TRY(say(r, "greatest", s.max));
    WG_TRY(say(r, "common values", list_of(s.common, s.common_count)));
    WG_TRY(say(r, "shares of common values", list_of(shares, s.common_count)));
    return say(r, "equal shares between", list_of(s.bounds, s.bound_count));
}

/* Of a declared label its columns; of an open one every property that some label uses and it has values of. */
static wg_code say_properties(report *r, const wg_label *label, wg_arena *arena) {
    const wg_catalog *catalog = wg_txn_catalog(r->call->txn);
    if (label->def.kind != WG_LABEL_OPEN) {
        for (uint32_t i = 0; i < label->def.column_count; i++)
            WG_TRY(say_property(r, label->number, label->column_keys[i], arena));
        return WG_OK;
    }
    for (uint32_t key = 0; key < wg_catalog_key_count(catalog); key++) {
        wg_property_statistics s;
        WG_TRY(wg_property_statistics_get(r->call->txn, label->number, key, arena, &s, r->err));
        if (s.null_share < 1 && s.rows > 0) WG_TRY(say_property(r, label->number, key, arena));
    }
    return WG_OK;
}

static wg_code statistics(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    const wg_catalog *catalog = wg_txn_catalog(call->txn);
    const wg_slice name = wg_slice_of(call->args[0].as.s, call->args[0].size);
    report r = {.call = call, .err = err, .item = "label"};
    const wg_label *label = wg_catalog_label(catalog, wg_txn_view(call->txn), name, false);
    if (label == NULL) label = wg_catalog_label(catalog, wg_txn_view(call->txn), name, true);
    if (label == NULL)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "db.statistics: there is no label '%.*s'",
                            (int)wg_min_size(name.size, 64), (const char *)name.data);
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_code code = say(&r, "rows", wg_value_int((int64_t)wg_txn_label_row_estimate(call->txn, label->number)));
    if (code == WG_OK && label->def.is_edge) code = say_edges(&r, label->number, &arena);
    if (code == WG_OK) code = say_properties(&r, label, &arena);
    wg_arena_deinit(&arena);
    return code;
}

static wg_code await_indexes(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    uint32_t built = 0;
    WG_TRY(wg_txn_index_all(call->txn, &built, err));
    const wg_value cell = wg_value_int(built);
    return wg_procedure_add_row(call, &cell, err);
}

static wg_code register_await_indexes(wg_procedures *procedures, wg_error *err) {
    static const wg_procedure_field results[] = {{.name = "indexes", .type = WG_TYPE_INT, .not_null = true}};
    const wg_procedure procedure = {.name = "db.awaitIndexes",
                                    .help = "builds all indexes that are not built since the workspace was opened",
                                    .results = results,
                                    .result_count = 1,
                                    .fn = await_indexes};
    return wg_procedure_register(procedures, &procedure, err);
}

wg_code wg_procedures_register_planning(wg_procedures *procedures, wg_error *err) {
    static const wg_procedure_field params[] = {{.name = "label", .type = WG_TYPE_STRING, .not_null = true}};
    static const wg_procedure_field results[] = {{.name = "item", .type = WG_TYPE_STRING},
                                                 {.name = "fact", .type = WG_TYPE_STRING},
                                                 {.name = "value", .type = WG_TYPE_ANY}};
    const wg_procedure procedure = {.name = "db.statistics",
                                    .help = "what the planner knows of a label",
                                    .params = params,
                                    .param_count = 1,
                                    .results = results,
                                    .result_count = 3,
                                    .fn = statistics};
    WG_TRY(register_await_indexes(procedures, err));
    return wg_procedure_register(procedures, &procedure, err);
}
