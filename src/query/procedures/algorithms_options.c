/* The arguments of the procedures of graph algorithms: names of labels and a map of options. What is misspelt or out of range is an error
 * that says what there is; nothing is passed over. */
#include "base/text/text.h"
#include "query/procedures/algorithms_options.h"

static const char *const option_names[WGI_OPTION_COUNT] = {
    [WGI_OPTION_DIRECTION] = "direction",   [WGI_OPTION_LABEL] = "label",
    [WGI_OPTION_WEIGHT] = "weight",         [WGI_OPTION_ITERATIONS] = "iterations",
    [WGI_OPTION_TOLERANCE] = "tolerance",   [WGI_OPTION_DAMPING] = "damping",
    [WGI_OPTION_DANGLING] = "dangling",     [WGI_OPTION_DELTA] = "delta",
    [WGI_OPTION_SOURCES] = "sources",       [WGI_OPTION_SEED] = "seed",
    [WGI_OPTION_RESOLUTION] = "resolution", [WGI_OPTION_LEVELS] = "levels",
};

typedef struct reading {
    const wg_procedure_call *call;
    wg_arena *arena;
    wgi_algo_options *o;
    wg_error *err;
} reading;

static wg_code wrong_type(const reading *r, const char *name, const char *wanted, const wg_value *v) {
    return wg_error_set(r->err, WG_E_TYPE, WG_NO_OFFSET, "%s(): %s must be %s, this is %s", r->call->procedure->name,
                        name, wanted, wg_type_name((wg_type)v->type));
}

static wg_code out_of_range(const reading *r, const char *name, const char *range) {
    return wg_error_set(r->err, WG_E_VALUE, WG_NO_OFFSET, "%s(): %s must be %s", r->call->procedure->name, name,
                        range);
}

/* ---- labels */

static wg_code find_label(const reading *r, const wg_value *v, bool is_edge, uint32_t *out) {
    const wg_catalog *catalog = wg_txn_catalog(r->call->txn);
    const wg_view view = wg_txn_view(r->call->txn);
    if (v->type != WG_TYPE_STRING) return wrong_type(r, "the name of a label", "STRING", v);
    const wg_label *label = wg_catalog_label(catalog, view, wg_value_slice(v), is_edge);
    if (label != NULL) {
        *out = label->number;
        return WG_OK;
    }
    const char *near = wg_catalog_suggest_label(catalog, view, wg_value_slice(v), is_edge);
    return wg_error_set(r->err, WG_E_NOT_FOUND, WG_NO_OFFSET, "%s(): there is no %s '%.*s'%s%s%s",
                        r->call->procedure->name, is_edge ? "relationship type" : "label",
                        (int)(v->size > 64 ? 64 : v->size), v->as.s, near == NULL ? "" : "; did you mean '",
                        near == NULL ? "" : near, near == NULL ? "" : "'?");
}

/* A name, or a list of names; each counts once. */
static wg_code read_labels(const reading *r, const wg_value *v, bool is_edge, const uint32_t **out,
                           uint32_t *out_count) {
    const bool is_list = v->type == WG_TYPE_LIST;
    const uint32_t count = is_list ? v->size : 1;
    uint32_t *labels = wg_arena_alloc(r->arena, ((size_t)count + 1) * sizeof *labels);
    if (labels == NULL) return wg_error_nomem(r->err, count * sizeof *labels);
    if (v->type != WG_TYPE_STRING && !is_list)
        return wrong_type(r, is_edge ? "the relationship types" : "label", "a name or a list of names", v);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t label = 0;
        WG_TRY(find_label(r, is_list ? &v->as.list[i] : v, is_edge, &label));
        bool known = false;
        for (uint32_t k = 0; k < kept; k++) known |= labels[k] == label;
        if (!known) labels[kept++] = label;
    }
    *out = labels;
    *out_count = kept;
    return WG_OK;
}

static wg_code all_edge_labels(const reading *r) {
    const wg_catalog *catalog = wg_txn_catalog(r->call->txn);
    const wg_view view = wg_txn_view(r->call->txn);
    const uint32_t count = wg_catalog_label_count(catalog);
    uint32_t *labels = wg_arena_alloc(r->arena, ((size_t)count + 1) * sizeof *labels);
    if (labels == NULL) return wg_error_nomem(r->err, count * sizeof *labels);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        const wg_label *label = wg_catalog_label_seen(catalog, i, view);
        if (label != NULL && label->def.is_edge && wg_label_is_visible(label, view)) labels[kept++] = i;
    }
    r->o->graph.edge_labels = labels;
    r->o->graph.edge_label_count = kept;
    return WG_OK;
}

/* ---- values */

static wg_code read_direction(const reading *r, const wg_value *v) {
    static const struct {
        const char *name;
        wg_direction direction;
    } all[] = {{"out", WG_DIRECTION_OUT}, {"in", WG_DIRECTION_IN}, {"both", WG_DIRECTION_BOTH}};
    if (v->type != WG_TYPE_STRING) return wrong_type(r, "direction", "'out', 'in' or 'both'", v);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (wg_slice_is(wg_value_slice(v), all[i].name)) {
            r->o->graph.direction = all[i].direction;
            return WG_OK;
        }
    return out_of_range(r, "direction", "'out', 'in' or 'both'");
}

static wg_code read_count(const reading *r, const char *name, const wg_value *v, uint32_t *out) {
    if (v->type != WG_TYPE_INT) return wrong_type(r, name, "INT", v);
    if (v->as.i < 1 || v->as.i > 1000000000) return out_of_range(r, name, "from 1 to 1,000,000,000");
    *out = (uint32_t)v->as.i;
    return WG_OK;
}

static wg_code read_number(const reading *r, const char *name, const wg_value *v, double most, double *out) {
    double x = 0;
    if (v->type == WG_TYPE_INT) x = (double)v->as.i;
    else if (v->type == WG_TYPE_FLOAT) x = v->as.f;
    else return wrong_type(r, name, "a number", v);
    if (!(x >= 0 && x <= most)) return out_of_range(r, name, most <= 1 ? "from 0 to 1" : "0 or more, and finite");
    *out = x;
    return WG_OK;
}

static wg_code read_weight(const reading *r, const wg_value *v) {
    if (v->type != WG_TYPE_STRING) return wrong_type(r, "weight", "the name of a property", v);
    r->o->graph.weight_key = wg_txn_key(r->call->txn, wg_value_slice(v));
    if (r->o->graph.weight_key != WG_NO_KEY) return WG_OK;
    return wg_error_set(r->err, WG_E_NOT_FOUND, WG_NO_OFFSET, "%s(): no relationship has a property '%.*s'",
                        r->call->procedure->name, (int)(v->size > 64 ? 64 : v->size), v->as.s);
}

static wg_code read_option(const reading *r, wgi_algo_option option, const wg_value *v) {
    wgi_algo_options *o = r->o;
    const char *name = option_names[option];
    switch (option) {
        case WGI_OPTION_DIRECTION:
            return read_direction(r, v);
        case WGI_OPTION_LABEL:
            return read_labels(r, v, false, &o->graph.node_labels, &o->graph.node_label_count);
        case WGI_OPTION_WEIGHT:
            return read_weight(r, v);
        case WGI_OPTION_ITERATIONS:
            return read_count(r, name, v, &o->iterations);
        case WGI_OPTION_TOLERANCE:
            return read_number(r, name, v, 1e300, &o->tolerance);
        case WGI_OPTION_DAMPING:
            return read_number(r, name, v, 1, &o->damping);
        case WGI_OPTION_DANGLING:
            if (v->type != WG_TYPE_BOOL) return wrong_type(r, name, "BOOL", v);
            o->dangling = v->as.b;
            return WG_OK;
        case WGI_OPTION_DELTA:
            return read_number(r, name, v, 1e300, &o->delta);
        case WGI_OPTION_SOURCES:
            return read_count(r, name, v, &o->sources);
        case WGI_OPTION_SEED:
            if (v->type != WG_TYPE_INT) return wrong_type(r, name, "INT", v);
            o->seed = (uint64_t)v->as.i;
            return WG_OK;
        case WGI_OPTION_RESOLUTION:
            return read_number(r, name, v, 1e300, &o->resolution);
        case WGI_OPTION_LEVELS:
            return read_count(r, name, v, &o->levels);
        case WGI_OPTION_COUNT:
            break;
    }
    WG_UNREACHABLE("all options are above");
}

static wg_code unknown_option(const reading *r, wg_slice key, uint32_t allowed) {
    wg_suggestion near;
    wg_suggestion_init(&near, key);
    char names[160] = "";
    size_t size = 0;
    for (uint32_t i = 0; i < WGI_OPTION_COUNT; i++) {
        if ((allowed & WGI_OPTION_BIT(i)) == 0) continue;
        const size_t more = strlen(option_names[i]);
        wg_suggestion_offer(&near, option_names[i]);
        if (size + more + 3 > sizeof names) continue;
        if (size > 0) {
            memcpy(names + size, ", ", 3);
            size += 2;
        }
        memcpy(names + size, option_names[i], more + 1);
        size += more;
    }
    if (near.name != NULL)
        return wg_error_set(r->err, WG_E_BIND, WG_NO_OFFSET, "%s() has no option '%.*s'; did you mean '%s'?",
                            r->call->procedure->name, (int)(key.size > 40 ? 40 : key.size), (const char *)key.data,
                            near.name);
    return wg_error_set(r->err, WG_E_BIND, WG_NO_OFFSET, "%s() has no option '%.*s'; it has %s",
                        r->call->procedure->name, (int)(key.size > 40 ? 40 : key.size), (const char *)key.data,
                        names);
}

static wg_code read_map(const reading *r, const wg_value *map, uint32_t allowed) {
    for (uint32_t i = 0; i < map->size; i++) {
        const wg_map_entry *entry = &map->as.map[i];
        const wg_slice key = wg_slice_of(entry->key, entry->key_size);
        uint32_t option = 0;
        while (option < WGI_OPTION_COUNT &&
               ((allowed & WGI_OPTION_BIT(option)) == 0 || !wg_slice_is(key, option_names[option])))
            option++;
        if (option == WGI_OPTION_COUNT) return unknown_option(r, key, allowed);
        if (entry->value.type == WG_TYPE_NULL) continue; /* as if it were not there */
        WG_TRY(read_option(r, (wgi_algo_option)option, &entry->value));
    }
    return WG_OK;
}

wg_code wgi_algo_options_read(const wg_procedure_call *call, uint32_t edges, uint32_t allowed, wg_arena *arena,
                              wgi_algo_options *io, wg_error *err) {
    const reading r = {call, arena, io, err};
    const wg_value *names = &call->args[edges];
    const wg_value *options = &call->args[edges + 1];
    if (names->type == WG_TYPE_NULL) WG_TRY(all_edge_labels(&r));
    else WG_TRY(read_labels(&r, names, true, &io->graph.edge_labels, &io->graph.edge_label_count));
    if (options->type == WG_TYPE_NULL) return WG_OK;
    if (options->type == WG_TYPE_STRING && (allowed & WGI_OPTION_BIT(WGI_OPTION_DIRECTION)) != 0)
        return read_direction(&r, options);
    if (options->type != WG_TYPE_MAP) return wrong_type(&r, "the options", "a MAP", options);
    return read_map(&r, options, allowed);
}
