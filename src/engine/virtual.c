/* Virtual labels: what their files must look like, and their registration in the log.
 *
 * A file is registered once, when it is first seen: its path, size, the digest of its footer, its number of rows and the
 * values of the path variables become part of the log, so that a snapshot of the past knows which files it had, and ids of
 * rows survive new files. A file that is not the registered one any more is WG_E_CHANGED; one that is gone is
 * WG_E_NOT_FOUND: never fewer rows in silence. */
#include "base/text/text.h"
#include "engine/engine_internal.h"

/* ---- column types */

/* Whether values of a file's column can stand in a declared column; integers and floats widen. */
static bool type_fits(wg_type declared, wg_type in_file) {
    if (declared == in_file || declared == WG_TYPE_ANY) return true;
    if (declared == WG_TYPE_FLOAT) return in_file == WG_TYPE_INT;
    return declared == WG_TYPE_STRING && in_file == WG_TYPE_BYTES; /* writers that do not say UTF-8; it is checked */
}

wg_code wgi_virtual_column(const wg_object *object, const wg_label *label, uint32_t def_column, uint32_t *out_column,
                           wg_error *err) {
    const wg_column_def *def = &label->def.columns[def_column];
    const uint32_t column = wg_object_column(object, wg_slice_str(def->name));
    if (column == UINT32_MAX)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "%s has no column %s, which label %s declares",
                            wg_object_path(object), def->name, label->def.name);
    const wg_parquet_column *in_file = &wg_object_metadata(object)->columns[column];
    if (in_file->type == WG_TYPE_NULL)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET, "%s: column %s (%s) cannot be read: %s",
                            wg_object_path(object), def->name, in_file->physical_name, in_file->why_not);
    if (!type_fits(def->type, in_file->type))
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "%s: column %s is %s (%s), label %s declares it %s",
                            wg_object_path(object), def->name, wg_type_name(in_file->type), in_file->physical_name,
                            label->def.name, wg_type_name(def->type));
    *out_column = column;
    return WG_OK;
}

/* ---- partition variables */

wg_code wgi_variable_value(const wg_column_def *def, wg_slice text, const char *path, wg_value *out, wg_error *err) {
    bool ok = true;
    if (def->type == WG_TYPE_INT) {
        *out = wg_value_int(0);
        ok = wg_parse_i64(text, &out->as.i);
    } else if (def->type == WG_TYPE_FLOAT) {
        *out = wg_value_float(0);
        ok = wg_parse_f64(text, &out->as.f);
    } else if (def->type == WG_TYPE_DATE) {
        *out = (wg_value){.type = WG_TYPE_DATE};
        ok = wg_parse_date(text, &out->as.i);
    } else if (def->type == WG_TYPE_STRING || def->type == WG_TYPE_ANY) {
        *out = wg_value_str(text);
    } else {
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET,
                            "path variable %s cannot be a %s: use STRING, INT, FLOAT or DATE", def->name,
                            wg_type_name(def->type));
    }
    if (!ok)
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "%s: path variable %s is '%.*s', which is no %s", path,
                            def->name, (int)wg_min_size(text.size, 64), (const char *)text.data,
                            wg_type_name(def->type));
    return WG_OK;
}

const wg_value *wgi_partition_variable(const wg_label *label, const wg_partition *partition, uint32_t def_column) {
    uint32_t at = 0;
    for (uint32_t c = 0; c < def_column; c++) at += label->def.columns[c].source == WG_COLUMN_PARTITION;
    return &partition->variables[at];
}

/* Name of the i-th value of a found file: pattern variables first, then inferred keys. */
typedef struct variable_names {
    const char **pattern;
    uint32_t pattern_count;
} variable_names;

static uint32_t variable_position(const variable_names *names, const wgi_found_file *file, const char *name) {
    for (uint32_t i = 0; i < names->pattern_count; i++)
        if (strcmp(names->pattern[i], name) == 0) return i;
    for (uint32_t i = 0; i < file->inferred_count; i++)
        if (wg_slice_is(file->inferred_keys[i], name)) return names->pattern_count + i;
    return UINT32_MAX;
}

/* INT when every file's value is an integer that prints back to the same text, else STRING. */
static wg_type infer_variable_type(const wgi_found_file *files, uint32_t count, const variable_names *names,
                                   const char *name) {
    for (uint32_t f = 0; f < count; f++) {
        const uint32_t at = variable_position(names, &files[f], name);
        int64_t v;
        char text[24];
        if (at == UINT32_MAX || !wg_parse_i64(files[f].values[at], &v)) return WG_TYPE_STRING;
        if (!wg_slice_equal(files[f].values[at], wg_slice_of(text, wg_format_i64(v, text)))) return WG_TYPE_STRING;
    }
    return count == 0 ? WG_TYPE_STRING : WG_TYPE_INT;
}

/* ---- definitions */

static wg_code add_variable(const wgi_found_file *files, uint32_t count, const variable_names *names,
                            const char *name, wg_column_def *columns, uint32_t *column_count, wg_error *err) {
    for (uint32_t c = 0; c < *column_count; c++) {
        if (strcmp(columns[c].name, name) != 0) continue;
        columns[c].source = WG_COLUMN_PARTITION; /* declared by the user, with a type of their choice */
        return WG_OK;
    }
    if (*column_count == WG_LABEL_COLUMNS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %d columns", (int)WG_LABEL_COLUMNS_MAX);
    columns[(*column_count)++] = (wg_column_def){.name = name,
                                                 .type = infer_variable_type(files, count, names, name),
                                                 .source = WG_COLUMN_PARTITION,
                                                 .int_bits = 64};
    return WG_OK;
}

/* The declared type of a column of a file: types that have no columns of their own are ANY, and so are moments in nanoseconds, which a
 * LOCAL_DATETIME column, in microseconds, might not hold. */
static wg_type column_type(const wg_parquet_column *in_file) {
    const wg_type type = in_file->type;
    const bool none =
        type == WG_TYPE_LIST || type == WG_TYPE_MAP || type == WG_TYPE_LOCAL_TIME || type == WG_TYPE_DURATION;
    return none || (type == WG_TYPE_LOCAL_DATETIME && in_file->time_unit == 9) ? WG_TYPE_ANY : type;
}

/* Columns of the first file, those that can be read. */
static wg_code take_file_columns(const wg_object *object, wg_arena *arena, wg_column_def *columns,
                                 uint32_t *column_count, wg_error *err) {
    const wg_parquet_metadata *m = wg_object_metadata(object);
    for (uint32_t c = 0; c < m->column_count; c++) {
        if (m->columns[c].type == WG_TYPE_NULL) continue;
        if (*column_count == WG_LABEL_COLUMNS_MAX)
            return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET,
                                "%s has more than %d columns: declare those that you need", wg_object_path(object),
                                (int)WG_LABEL_COLUMNS_MAX);
        const char *name = wg_arena_strdup(arena, wg_slice_str(m->columns[c].name));
        if (name == NULL) return wg_error_nomem(err, 64);
        columns[(*column_count)++] = (wg_column_def){
            .name = name, .type = column_type(&m->columns[c]), .source = WG_COLUMN_STORED, .int_bits = 64};
    }
    return WG_OK;
}

wg_code wgi_virtual_complete_def(wg_engine *engine, const wgi_found_file *files, uint32_t count, wg_arena *arena,
                                 wg_label_def *def, wg_error *err) {
    wg_column_def *columns = wg_arena_alloc_zero(arena, WG_LABEL_COLUMNS_MAX * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, WG_LABEL_COLUMNS_MAX * sizeof *columns);
    uint32_t column_count = def->column_count;
    if (column_count != 0) memcpy(columns, def->columns, column_count * sizeof *columns);
    if (column_count == 0) {
        wg_object *object = NULL;
        bool opened = false;
        WG_TRY(wg_object_acquire(engine->objects, files[0].path, &object, &opened, err));
        const wg_code code = take_file_columns(object, arena, columns, &column_count, err);
        wg_object_release(engine->objects, object);
        WG_TRY(code);
    }
    variable_names names = {0};
    WG_TRY(wg_pattern_variables(wg_slice_str(def->pattern), arena, &names.pattern, &names.pattern_count, err));
    for (uint32_t i = 0; i < names.pattern_count; i++)
        WG_TRY(add_variable(files, count, &names, names.pattern[i], columns, &column_count, err));
    for (uint32_t i = 0; i < files[0].inferred_count; i++) {
        const char *name = wg_arena_strdup(arena, files[0].inferred_keys[i]);
        if (name == NULL) return wg_error_nomem(err, 64);
        WG_TRY(add_variable(files, count, &names, name, columns, &column_count, err));
    }
    def->columns = columns;
    def->column_count = column_count;
    return WG_OK;
}

/* ---- registration */

static wg_code partition_values(const wg_label *label, const wgi_found_file *file, wg_arena *arena, wg_mutation *m,
                                wg_error *err) {
    variable_names names = {0};
    WG_TRY(wg_pattern_variables(wg_slice_str(label->def.pattern), arena, &names.pattern, &names.pattern_count, err));
    wg_mutation_property *p = wg_arena_alloc_zero(arena, ((size_t)label->def.column_count + 1) * sizeof *p);
    if (p == NULL) return wg_error_nomem(err, (size_t)label->def.column_count * sizeof *p);
    uint32_t n = 0;
    for (uint32_t c = 0; c < label->def.column_count; c++) {
        const wg_column_def *def = &label->def.columns[c];
        if (def->source != WG_COLUMN_PARTITION) continue;
        const uint32_t at = variable_position(&names, file, def->name);
        if (at == UINT32_MAX)
            return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "%s: its path has no %s=... directory", file->path,
                                def->name);
        WG_TRY(wgi_variable_value(def, file->values[at], file->path, &p[n++].value, err));
    }
    if (file->inferred_count + names.pattern_count > n)
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET,
                            "%s: its path has key=value directories that label %s does not know", file->path,
                            label->def.name);
    m->properties = p;
    m->property_count = n;
    return WG_OK;
}

static wg_code check_columns(const wg_object *object, const wg_label *label, wg_error *err) {
    for (uint32_t c = 0; c < label->def.column_count; c++) {
        uint32_t column = 0;
        if (label->def.columns[c].source == WG_COLUMN_STORED)
            WG_TRY(wgi_virtual_column(object, label, c, &column, err));
    }
    return WG_OK;
}

uint64_t wgi_local_file_bytes(const wg_engine *engine, wg_view view) {
    const wg_catalog *catalog = engine->catalog;
    uint64_t bytes = 0;
    for (uint32_t i = wg_catalog_partition_count(catalog); i > 0; i--) {
        const wg_partition *p = wg_catalog_partition(catalog, i - 1);
        const wg_label *label = p != NULL ? wg_catalog_label_at(catalog, p->label) : NULL;
        if (label == NULL || !wg_label_is_visible(label, view)) continue;
        if (p->begin <= view.snapshot || p->begin == view.own) bytes += p->file_bytes;
    }
    return bytes;
}

/* *taken: bytes of all files that are registered. */
static wg_code check_hdd(const wg_engine *e, const wg_mutation *m, uint64_t *taken, wg_error *err) {
    const uint64_t cap = e->options.budget.hdd;
    if (cap != 0 && (*taken > cap || m->file_bytes > cap - *taken))
        return wg_error_set(err, WG_E_CAPACITY, WG_NO_OFFSET,
                            "L4HddLocal: %.*s of %llu bytes beside registered files of %llu does not fit budget.hdd, "
                            "%llu: drop a virtual label or raise it",
                            (int)wg_min_size(m->name.size, 80), (const char *)m->name.data,
                            (unsigned long long)m->file_bytes, (unsigned long long)*taken, (unsigned long long)cap);
    *taken += m->file_bytes;
    return WG_OK;
}

static wg_code register_file(wg_txn *txn, const wg_label *label, const wgi_found_file *file, wg_arena *arena,
                             uint64_t *taken, wg_error *err) {
    wg_engine *e = txn->engine;
    wg_object *object = NULL;
    bool opened = false;
    WG_TRY(wg_object_acquire(e->objects, file->path, &object, &opened, err));
    wg_mutation m = {.kind = WG_MUTATION_ADD_PARTITION,
                     .number = wg_catalog_partition_count(e->catalog),
                     .label = label->number,
                     .name = wg_slice_str(file->path),
                     .file_bytes = wg_object_file_bytes(object),
                     .row_count = wg_object_metadata(object)->row_count,
                     .digest = *wg_object_digest(object)};
    wg_code code = check_columns(object, label, err);
    wg_object_release(e->objects, object);
    if (code == WG_OK && m.row_count >> WGI_PARTITION_SHIFT != 0)
        code = wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "%s: more than 2^40 rows in one file", file->path);
    if (code == WG_OK) code = check_hdd(e, &m, taken, err);
    if (code == WG_OK) code = partition_values(label, file, arena, &m, err);
    return code == WG_OK ? wgi_txn_do(txn, &m, err) : code;
}

wg_code wgi_virtual_register(wg_txn *txn, const wg_label *label, const wgi_found_file *files, uint32_t count,
                             wg_error *err) {
    wg_arena arena;
    wg_arena_init(&arena, &txn->engine->account);
    const bool capped = txn->engine->options.budget.hdd != 0;
    uint64_t taken = capped ? wgi_local_file_bytes(txn->engine, wgi_txn_newest(txn)) : 0;
    wg_code code = WG_OK;
    for (uint32_t f = 0; f < count && code == WG_OK; f++) {
        if (wg_catalog_partition_of(txn->engine->catalog, label->number, wg_slice_str(files[f].path)) != NULL)
            continue;
        code = register_file(txn, label, &files[f], &arena, &taken, err);
        wg_arena_reset(&arena);
    }
    wg_arena_deinit(&arena);
    return code;
}

/* Registered files that are gone show when they are read; only new ones matter here. */
static wg_code label_has_news(wg_engine *e, const wg_label *label, wg_arena *arena, wgi_found_file **files,
                              uint32_t *count, bool *out, wg_error *err) {
    WG_TRY(wgi_virtual_list(e, label->def.pattern, arena, files, count, err));
    *out = false;
    for (uint32_t f = 0; f < *count && !*out; f++)
        *out = wg_catalog_partition_of(e->catalog, label->number, wg_slice_str((*files)[f].path)) == NULL;
    return WG_OK;
}

static wg_code refresh_label(wg_engine *e, const wg_label *label, wg_arena *arena, wg_error *err) {
    wgi_found_file *files = NULL;
    uint32_t count = 0;
    bool news = false;
    WG_TRY(label_has_news(e, label, arena, &files, &count, &news, err));
    if (!news) return WG_OK;
    wg_txn *txn = NULL;
    WG_TRY(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    const wg_code code =
        wg_label_is_visible(label, txn->view) ? wgi_virtual_register(txn, label, files, count, err) : WG_OK;
    if (code != WG_OK) {
        wg_txn_abort(txn);
        return code;
    }
    return wg_txn_commit(txn, NULL, err);
}

wg_code wg_engine_refresh(wg_engine *engine, const uint32_t *labels, uint32_t label_count, wg_error *err) {
    if (engine->options.read_only) return WG_OK; /* files are registered by who writes */
    wg_arena arena;
    wg_arena_init(&arena, &engine->account);
    const wg_view now = {.snapshot = wg_engine_logseq(engine)};
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < label_count && code == WG_OK; i++) {
        const wg_label *label = wg_catalog_label_at(engine->catalog, labels[i]);
        if (label == NULL || label->def.kind != WG_LABEL_VIRTUAL || !wg_label_is_visible(label, now)) continue;
        code = refresh_label(engine, label, &arena, err);
        wg_arena_reset(&arena);
    }
    wg_arena_deinit(&arena);
    return code;
}

wg_code wgi_partition_acquire(const wg_engine *engine, const wg_partition *partition, wg_object **out,
                              bool *out_opened, wg_error *err) {
    wg_object *object = NULL;
    wg_error local = {0};
    const wg_code code = wg_object_acquire(engine->objects, partition->path, &object, out_opened, &local);
    if (code == WG_E_NOT_FOUND)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET,
                            "file %s is gone: it was registered at logseq %llu; put it back, or drop "
                            "the label",
                            partition->path, (unsigned long long)partition->begin);
    if (code != WG_OK) {
        if (err != NULL && err->code == WG_OK) *err = local;
        return code;
    }
    if (wg_object_file_bytes(object) != partition->file_bytes ||
        memcmp(wg_object_digest(object)->bytes, partition->digest.bytes, sizeof partition->digest.bytes) != 0) {
        wg_object_release(engine->objects, object);
        return wg_error_set(err, WG_E_CHANGED, WG_NO_OFFSET,
                            "file %s has changed since it was registered at logseq %llu: observations "
                            "never change; restore the file, or drop the label",
                            partition->path, (unsigned long long)partition->begin);
    }
    *out = object;
    return WG_OK;
}
