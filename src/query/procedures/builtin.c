/* query/procedures: the built-in procedures that describe the store. All of them read the catalog at the snapshot of their statement
 * and give their rows in the order of names, so that equal snapshots give equal bytes. */
#include <stdlib.h>

#include "query/procedures/procedures.h"

/* ---- names of the catalog */

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static wg_code add_sorted(const wg_procedure_call *call, const char **names, uint32_t count, wg_error *err) {
    qsort(names, count, sizeof *names, compare_names);
    for (uint32_t i = 0; i < count; i++) {
        const wg_value cell = wg_value_str(wg_slice_str(names[i]));
        WG_TRY(wg_procedure_add_row(call, &cell, err));
    }
    return WG_OK;
}

static wg_code labels_of(const wg_procedure_call *call, bool is_edge, wg_error *err) {
    const wg_catalog *catalog = wg_txn_catalog(call->txn);
    const wg_view view = wg_txn_view(call->txn);
    const uint32_t count = wg_catalog_label_count(catalog);
    const char **names = wg_alloc(NULL, ((size_t)count + 1) * sizeof *names);
    if (names == NULL) return wg_error_nomem(err, count * sizeof *names);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < count; i++) {
        const wg_label *label = wg_catalog_label_seen(catalog, i, view);
        if (label->def.is_edge == is_edge && wg_label_is_visible(label, view)) names[seen++] = label->def.name;
    }
    const wg_code code = add_sorted(call, names, seen, err);
    wg_free(names);
    return code;
}

static wg_code list_labels(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    return labels_of(call, false, err);
}

static wg_code list_edge_labels(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    return labels_of(call, true, err);
}

static wg_code list_keys(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    const wg_catalog *catalog = wg_txn_catalog(call->txn);
    const uint32_t count = wg_catalog_key_count(catalog);
    const char **names = wg_alloc(NULL, ((size_t)count + 1) * sizeof *names);
    if (names == NULL) return wg_error_nomem(err, count * sizeof *names);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < count; i++)
        if (wg_txn_sees_key(call->txn, i)) names[seen++] = wg_catalog_key_name(catalog, i);
    const wg_code code = add_sorted(call, names, seen, err);
    wg_free(names);
    return code;
}

/* ---- the procedures themselves */

typedef struct listing {
    const wg_procedure_call *call;
    wg_code code;
    wg_error *err;
} listing;

static bool list_one(void *arg, const wg_procedure *procedure) {
    listing *l = arg;
    wg_buf text;
    wg_buf_init(&text, NULL);
    if (!wg_procedure_print(procedure, &text)) {
        l->code = wg_error_nomem(l->err, 64);
    } else {
        const wg_value cells[] = {
            wg_value_str(wg_slice_str(procedure->name)), wg_value_str(wg_buf_slice(&text)),
            wg_value_str(wg_slice_str(procedure->kind == WG_PROCEDURE_READ ? "READ" : "MAINTENANCE")),
            wg_value_str(wg_slice_str(procedure->help))};
        l->code = wg_procedure_add_row(l->call, cells, l->err);
    }
    wg_buf_deinit(&text);
    return l->code == WG_OK;
}

static wg_code list_procedures(void *ctx, const wg_procedure_call *call, wg_error *err) {
    listing l = {.call = call, .err = err};
    wg_procedures_each(ctx, list_one, &l);
    return l.code;
}

wg_code wg_procedures_register_builtin(wg_procedures *procedures, wg_error *err) {
    static const wg_procedure_field label[] = {{.name = "label", .type = WG_TYPE_STRING}};
    static const wg_procedure_field type[] = {{.name = "relationshipType", .type = WG_TYPE_STRING}};
    static const wg_procedure_field key[] = {{.name = "propertyKey", .type = WG_TYPE_STRING}};
    static const wg_procedure_field procedure[] = {{.name = "name", .type = WG_TYPE_STRING},
                                                   {.name = "signature", .type = WG_TYPE_STRING},
                                                   {.name = "kind", .type = WG_TYPE_STRING},
                                                   {.name = "description", .type = WG_TYPE_STRING}};
    const wg_procedure all[] = {
        {.name = "db.labels", .help = "labels of nodes", .results = label, .result_count = 1, .fn = list_labels},
        {.name = "db.relationshipTypes",
         .help = "types of relationships",
         .results = type,
         .result_count = 1,
         .fn = list_edge_labels},
        {.name = "db.propertyKeys",
         .help = "names of properties that were ever used",
         .results = key,
         .result_count = 1,
         .fn = list_keys},
        {.name = "db.procedures",
         .help = "what CALL can call",
         .results = procedure,
         .result_count = 4,
         .fn = list_procedures,
         .ctx = procedures},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) WG_TRY(wg_procedure_register(procedures, &all[i], err));
    return WG_OK;
}
