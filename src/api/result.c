/* Results: rows with nodes and edges as objects, and the ways out (Arrow, JSON). See worldgraph.h; receipts are in receipt.c.
 *
 * Typed columns stay as the executor left them. Only columns that can hold nodes or edges get a second array of cells, made
 * while the transaction can still be read. */
#include "api/api_internal.h"
#include "format/arrow/arrow.h"

enum { OBJECT_DEPTH_MAX = 128 };

wg_code wgi_result_create(wg_db *db, wg_result **out, wg_error *err) {
    wg_result *r = wg_alloc_zero(NULL, sizeof *r);
    if (r == NULL) return wg_error_nomem(err, sizeof *r);
    r->tag = WGI_TAG_RESULT;
    r->db = db;
    wg_account_init(&r->account, &db->queries, db->query_memory_bytes_max);
    wg_answer_init(&r->answer, &r->account);
    wg_arena_init(&r->arena, &r->answer.account);
    wg_mutex_init(&r->receipt_mutex, WG_RANK_SESSION);
    atomic_fetch_add_explicit(&db->children, 1, memory_order_relaxed);
    *out = r;
    return WG_OK;
}

/* ---- results that are used again
 *
 * A statement that is run again and again frees one result before it makes the next: the same one then. Results may be freed by any thread,
 * also after their statement has ended. */

static const uint64_t spare_bytes_max = 64 * 1024;
static wg_result closed; /* stands in a spare whose statement has ended */

static void spare_release(wgi_spare *spare) {
    /* acq_rel; pairs with itself */
    if (spare != NULL && atomic_fetch_sub_explicit(&spare->users, 1, memory_order_acq_rel) == 1) wg_free(spare);
}

static void result_destroy(wg_result *result) {
    wg_query_result_deinit(&result->query);
    wg_buf_deinit(&result->param_bytes);
    wg_arena_deinit(&result->arena);
    wg_answer_deinit(&result->answer);
    wg_mutex_deinit(&result->receipt_mutex);
    spare_release(result->spare);
    wg_free(result);
}

void wgi_spare_close(wgi_spare *spare) {
    if (spare == NULL) return;
    wg_result *waiting = atomic_exchange_explicit(&spare->result, &closed, memory_order_acq_rel);
    if (waiting != NULL) result_destroy(waiting);
    spare_release(spare);
}

/* Everything of the run goes; buffers and what the next run of the same plan can use stay. */
static void result_empty(wg_result *r) {
    wg_query_result query = r->query;
    wg_buf bytes = r->param_bytes;
    wg_arena_reset(&r->arena);
    wg_arena arena = r->arena;
    bytes.size = 0;
    r->types = NULL;
    r->objects = NULL;
    r->stats = (wg_stats){0};
    r->row_count = 0;
    atomic_store_explicit(&r->nulls_left_out, false, memory_order_relaxed);
    r->params = NULL;
    r->param_count = 0;
    r->receipt = NULL;
    r->query = query;
    r->param_bytes = bytes;
    r->arena = arena;
    atomic_store_explicit(&r->account.bytes_peak, wg_account_bytes(&r->account), memory_order_relaxed);
}

wg_code wgi_result_take(wg_stmt *stmt, wg_result **out, wg_error *err) {
    wg_db *db = stmt->session->db;
    wg_result *r = NULL;
    if (stmt->spare == NULL && db->plans != NULL && stmt->runs++ > 0) {
        stmt->spare = wg_alloc_zero(NULL, sizeof *stmt->spare);
        if (stmt->spare != NULL) atomic_init(&stmt->spare->users, 1);
    }
    if (stmt->spare != NULL) r = atomic_exchange_explicit(&stmt->spare->result, NULL, memory_order_acquire);
    if (r != NULL) {
        result_empty(r);
        r->tag = WGI_TAG_RESULT;
        atomic_fetch_add_explicit(&db->children, 1, memory_order_relaxed);
    } else {
        WG_TRY(wgi_result_create(db, &r, err));
        r->spare = stmt->spare;
        if (r->spare != NULL) atomic_fetch_add_explicit(&r->spare->users, 1, memory_order_relaxed);
    }
    *out = r;
    return WG_OK;
}

void wg_result_free(wg_result *result) {
    if (result == NULL || result->tag != WGI_TAG_RESULT) return;
    result->tag = WGI_TAG_CLOSED;
    atomic_fetch_sub_explicit(&result->db->children, 1, memory_order_relaxed);
    wg_result *none = NULL;
    if (result->spare != NULL && !wg_account_refused(&result->account) &&
        wg_answer_file_bytes(&result->answer) == 0 && wg_account_bytes(&result->account) <= spare_bytes_max &&
        result->param_bytes.capacity <= spare_bytes_max &&
        atomic_compare_exchange_strong_explicit(&result->spare->result, &none, result, memory_order_release,
                                                memory_order_relaxed))
        return;
    result_destroy(result);
}

/* ---- objects */

typedef struct builder {
    const wg_txn *txn;
    wg_arena *arena;
    wg_error *err;
} builder;

static wg_code nomem(const builder *b) { return wg_error_nomem(b->err, 64); }

static wg_code build_value(const builder *b, const wg_value *from, uint32_t depth, wg_value *out);

/* Entries borrow from the store; the result outlives the transaction, so everything is copied. */
static wg_code copy_entries(const builder *b, const wg_map_entry *from, uint32_t count, const wg_map_entry **out) {
    wg_map_entry *entries = wg_arena_alloc(b->arena, ((size_t)count + 1) * sizeof *entries);
    if (entries == NULL) return nomem(b);
    for (uint32_t i = 0; i < count; i++) {
        const char *key = wg_arena_strdup(b->arena, wg_slice_of(from[i].key, from[i].key_size));
        entries[i] = (wg_map_entry){.key = key, .key_size = from[i].key_size};
        if (key == NULL || !wg_value_copy(b->arena, &from[i].value, &entries[i].value)) return nomem(b);
    }
    *out = entries;
    return WG_OK;
}

static const char *label_name(const builder *b, uint32_t number) {
    return wg_arena_strdup(
        b->arena, wg_slice_str(wg_catalog_label_seen(wg_txn_catalog(b->txn), number, wg_txn_view(b->txn))->def.name));
}

static wg_code build_node(const builder *b, uint64_t id, wg_value *out) {
    wg_node *node = wg_arena_alloc_zero(b->arena, sizeof *node);
    if (node == NULL) return nomem(b);
    const uint32_t *labels = NULL;
    uint32_t label_count = 0;
    bool found = false;
    WG_TRY(wg_node_labels(b->txn, id, b->arena, &labels, &label_count, &found, b->err));
    const char **names = wg_arena_alloc(b->arena, ((size_t)label_count + 1) * sizeof *names);
    if (names == NULL) return nomem(b);
    for (uint32_t i = 0; i < label_count; i++)
        if ((names[i] = label_name(b, labels[i])) == NULL) return nomem(b);
    const wg_map_entry *entries = NULL;
    uint32_t count = 0;
    WG_TRY(wg_node_properties(b->txn, id, b->arena, &entries, &count, b->err));
    *node = (wg_node){.id = id, .label_count = label_count, .labels = names, .property_count = count};
    WG_TRY(copy_entries(b, entries, count, &node->properties));
    out->as.node = node;
    return WG_OK;
}

static wg_code build_edge(const builder *b, uint64_t id, wg_value *out) {
    wg_edge *edge = wg_arena_alloc_zero(b->arena, sizeof *edge);
    if (edge == NULL) return nomem(b);
    wg_edge_info info = {0};
    *edge = (wg_edge){.id = id, .label = ""};
    bool found = false;
    WG_TRY(wg_edge_info_get(b->txn, id, &info, &found, b->err));
    if (found) {
        *edge = (wg_edge){.id = id, .from = info.from, .to = info.to, .label = label_name(b, info.label)};
        if (edge->label == NULL) return nomem(b);
    }
    const wg_map_entry *entries = NULL;
    WG_TRY(wg_edge_properties(b->txn, id, b->arena, &entries, &edge->property_count, b->err));
    WG_TRY(copy_entries(b, entries, edge->property_count, &edge->properties));
    out->as.edge = edge;
    return WG_OK;
}

static wg_code build_list(const builder *b, const wg_value *from, uint32_t depth, wg_value *out) {
    wg_value *items = wg_arena_alloc(b->arena, ((size_t)from->size + 1) * sizeof *items);
    if (items == NULL) return nomem(b);
    for (uint32_t i = 0; i < from->size; i++) WG_TRY(build_value(b, &from->as.list[i], depth + 1, &items[i]));
    out->as.list = items;
    return WG_OK;
}

static wg_code build_map(const builder *b, const wg_value *from, uint32_t depth, wg_value *out) {
    wg_map_entry *entries = wg_arena_alloc(b->arena, ((size_t)from->size + 1) * sizeof *entries);
    if (entries == NULL) return nomem(b);
    for (uint32_t i = 0; i < from->size; i++) {
        entries[i] = from->as.map[i];
        WG_TRY(build_value(b, &from->as.map[i].value, depth + 1, &entries[i].value));
    }
    out->as.map = entries;
    return WG_OK;
}

static wg_code build_value(const builder *b, const wg_value *from, uint32_t depth, wg_value *out) {
    if (depth > OBJECT_DEPTH_MAX)
        return wg_error_set(b->err, WG_E_LIMIT, WG_NO_OFFSET, "a value is nested more than %d deep",
                            (int)OBJECT_DEPTH_MAX);
    *out = *from;
    if (from->type == WG_TYPE_NODE) return build_node(b, from->as.id, out);
    if (from->type == WG_TYPE_EDGE) return build_edge(b, from->as.id, out);
    if (from->type == WG_TYPE_LIST || from->type == WG_TYPE_PATH) return build_list(b, from, depth, out);
    if (from->type == WG_TYPE_MAP) return build_map(b, from, depth, out);
    return WG_OK;
}

static bool may_hold_objects(wg_type type) {
    return type == WG_TYPE_NODE || type == WG_TYPE_EDGE || type == WG_TYPE_LIST || type == WG_TYPE_MAP ||
           type == WG_TYPE_PATH || type == WG_TYPE_ANY;
}

/* A column whose type the plan could not know (an element of a list, a property of an open label) has the type of its values
 * when they all have one: a function of the answer alone. Mixed and empty columns stay ANY. */
static wg_type narrow_type(const wg_value *cells, uint64_t count) {
    wg_type type = WG_TYPE_NULL;
    for (uint64_t row = 0; row < count; row++) {
        const wg_type own = (wg_type)cells[row].type;
        if (own == WG_TYPE_NULL || own == type) continue;
        if (type != WG_TYPE_NULL) return WG_TYPE_ANY;
        type = own;
    }
    return type == WG_TYPE_NULL ? WG_TYPE_ANY : type;
}

static wg_code build_cells(wg_result *r, const wg_txn *txn, wg_error *err) {
    const builder b = {.txn = txn, .arena = &r->arena, .err = err};
    r->row_count = r->query.rows == NULL ? 0 : wg_rows_count(r->query.rows);
    r->objects = wg_arena_alloc_zero(&r->arena, ((size_t)r->query.column_count + 1) * sizeof *r->objects);
    r->types = wg_arena_alloc_zero(&r->arena, ((size_t)r->query.column_count + 1) * sizeof *r->types);
    if (r->objects == NULL || r->types == NULL) return nomem(&b);
    for (uint32_t c = 0; c < r->query.column_count; c++) {
        r->types[c] = wg_rows_column_type(r->query.rows, c);
        if (r->row_count == 0 || !may_hold_objects(wg_rows_column_type(r->query.rows, c))) continue;
        size_t bytes;
        wg_value *cells = NULL;
        if (wg_mul_size(r->row_count, sizeof *cells, &bytes)) cells = wg_arena_alloc(&r->arena, bytes);
        if (cells == NULL) return wg_error_nomem(err, 16);
        for (uint64_t row = 0; row < r->row_count; row++) {
            const wg_value v = wg_rows_cell(r->query.rows, row, c);
            WG_TRY(build_value(&b, &v, 0, &cells[row]));
        }
        r->objects[c] = cells;
        if (r->types[c] == WG_TYPE_ANY) r->types[c] = narrow_type(cells, r->row_count);
    }
    return WG_OK;
}

wg_code wgi_result_build(wg_result *r, const wg_txn *txn, wg_error *err) {
    wg_code code = build_cells(r, txn, err);
    if (code != WG_OK) code = wg_answer_error(&r->answer, code, err);
    wg_answer_close(&r->answer);
    return code;
}

/* ---- getters */

uint32_t wg_result_column_count(const wg_result *result) { return result == NULL ? 0 : result->query.column_count; }

const char *wg_result_column_name(const wg_result *result, uint32_t column) {
    return column < wg_result_column_count(result) ? result->query.column_names[column] : NULL;
}

wg_type wg_result_column_type(const wg_result *result, uint32_t column) {
    return column < wg_result_column_count(result) ? result->types[column] : WG_TYPE_NULL;
}

uint64_t wg_result_row_count(const wg_result *result) { return result == NULL ? 0 : result->row_count; }

const char *wg_result_gqlstatus(const wg_result *result) {
    if (wg_result_column_count(result) == 0) return wg_status_gqlstatus(WG_S_OMITTED_RESULT);
    return wg_result_row_count(result) == 0 ? wg_status_gqlstatus(WG_S_NO_DATA) : wg_code_gqlstatus(WG_OK);
}

bool wgi_result_has_objects(const wg_result *result, uint32_t column) {
    return may_hold_objects(wg_rows_column_type(result->query.rows, column));
}

wg_value wgi_result_cell(const wg_result *result, uint64_t row, uint32_t column) {
    return result->objects[column] != NULL ? result->objects[column][row]
                                           : wg_rows_cell(result->query.rows, row, column);
}

wg_code wg_result_cell(const wg_result *result, uint64_t row, uint32_t column, wg_value *out, wg_error *err) {
    WGI_CHECK(result, WGI_TAG_RESULT, "result");
    if (row >= result->row_count || column >= result->query.column_count)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "cell (%llu, %u) is outside of %llu rows and %u columns",
                            (unsigned long long)row, column, (unsigned long long)result->row_count,
                            result->query.column_count);
    *out = wgi_result_cell(result, row, column);
    return WG_OK;
}

/* ---- notifications: those of the text, then what the rows gave cause for */

uint32_t wg_result_notification_count(const wg_result *result) {
    if (result == NULL || result->tag != WGI_TAG_RESULT) return 0;
    return result->query.notes.count + atomic_load_explicit(&result->nulls_left_out, memory_order_relaxed);
}

wg_code wg_result_notification(const wg_result *result, uint32_t index, wg_notification *out, wg_error *err) {
    if (result == NULL || result->tag != WGI_TAG_RESULT || index >= wg_result_notification_count(result))
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "the result has no notification %u", index);
    *out = (wg_notification){.gqlstatus = "01G11",
                             .message = "an aggregate left out nulls: count(*) counts rows, count(x) values",
                             .offset = WG_NO_OFFSET};
    if (index == result->query.notes.count) return WG_OK;
    const wg_query_note *note = &result->query.notes.items[index];
    wg_error place = {.code = WG_E_VALUE, .offset = note->offset}; /* any code has a place */
    wg_error_locate(&place, result->statement);
    *out = (wg_notification){note->status, note->message, note->offset, place.line, place.column};
    return WG_OK;
}

bool wg_result_clock(const wg_result *result, int64_t *statement_us, int64_t *transaction_us) {
    if (result == NULL || result->tag != WGI_TAG_RESULT || !result->query.reads_clock) return false;
    *statement_us = result->clock_us[0];
    *transaction_us = result->clock_us[1];
    return true;
}

void wg_result_stats(const wg_result *result, wg_stats *out) {
    *out = result == NULL ? (wg_stats){0} : result->stats;
}

/* ---- Arrow and JSON */

typedef struct arrow_rows {
    const wg_result *result;
    wg_vector *vectors;
    uint32_t piece;
} arrow_rows;

static wg_code arrow_next(void *ctx, wg_batch *out, bool *out_found, wg_error *err) {
    arrow_rows *a = ctx;
    (void)err;
    *out_found = a->result->row_count != 0 && a->piece < wg_rows_piece_count(a->result->query.rows);
    if (!*out_found) return WG_OK;
    wg_rows_piece(a->result->query.rows, a->piece, a->vectors, out);
    for (uint32_t c = 0; c < a->result->query.column_count; c++) {
        if (a->result->objects[c] == NULL) continue;
        a->vectors[c] = (wg_vector){.type = WG_TYPE_ANY,
                                    .kind = WG_VECTOR_FLAT,
                                    .data = a->result->objects[c] + (uint64_t)a->piece * WG_BATCH_ROWS_MAX};
    }
    out->columns = a->vectors;
    a->piece++;
    return WG_OK;
}

static void arrow_release(void *ctx) {
    arrow_rows *a = ctx;
    wg_free(a->vectors);
    wg_free(a);
}

/* Batches are exported when they are pulled, each with its own memory. The stream reads the result until it is drained or
 * released; drained batches do not depend on it. */
static wg_code arrow_open(const wg_result *result, struct ArrowArrayStream *out, wg_error *err) {
    const uint32_t count = result->query.column_count;
    wg_arrow_field *fields = wg_alloc_zero(NULL, ((size_t)count + 1) * sizeof *fields);
    arrow_rows *a = wg_alloc_zero(NULL, sizeof *a);
    wg_vector *vectors = wg_alloc_zero(NULL, ((size_t)count + 1) * sizeof *vectors);
    wg_code code = fields == NULL || a == NULL || vectors == NULL ? wg_error_nomem(err, sizeof *a) : WG_OK;
    if (code == WG_OK) {
        *a = (arrow_rows){.result = result, .vectors = vectors};
        for (uint32_t c = 0; c < count; c++) {
            const wg_type type = result->types[c];
            fields[c] = (wg_arrow_field){
                .name = result->query.column_names[c], .type = type, .objects = may_hold_objects(type)};
        }
        const wg_arrow_source source = {.ctx = a, .next = arrow_next, .release = arrow_release};
        code = wg_arrow_export_stream(fields, count, &source, out, err);
    }
    wg_free(fields);
    if (code != WG_OK) {
        wg_free(a);
        wg_free(vectors);
    }
    return code;
}

wg_code wg_result_arrow_stream(const wg_result *result, struct ArrowArrayStream *out, wg_error *err) {
    WGI_CHECK(result, WGI_TAG_RESULT, "result");
    if (out == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_result_arrow_stream: out is NULL");
    return arrow_open(result, out, err);
}

wg_code wg_result_write_arrow(const wg_result *result, wg_write_fn write, void *ctx, wg_error *err) {
    struct ArrowArrayStream stream;
    WG_TRY(wg_result_arrow_stream(result, &stream, err));
    const wg_code code = wg_arrow_ipc_stream(&stream, write, ctx, err);
    stream.release(&stream);
    return code;
}

wg_code wg_value_write_json(const wg_value *value, wg_write_fn write, void *ctx, wg_error *err) {
    if (value == NULL || write == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_value_write_json: value or write is NULL");
    wg_buf text;
    wg_buf_init(&text, NULL);
    wg_code code = wg_value_print_json_objects(&text, value) ? WG_OK : wg_error_nomem(err, 64);
    if (code == WG_OK && !write(ctx, text.data, text.size))
        code = wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "the writer stopped");
    wg_buf_deinit(&text);
    return code;
}
