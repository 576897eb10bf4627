/* Payloads of the fragments that are not rows: definitions (CATALOG), chain values (CHAIN), tables (TABLE), live rows over time
 * (HISTORY). docs/format/arc1.md, "Payloads", has the bytes.
 *
 * CATALOG grows by whole pieces: each checkpoint appends the definitions since the last one, as mutations. CHAIN and HISTORY are arrays
 * that are cut into pieces of 16,384; a checkpoint writes the last piece again, longer, until it is full. TABLE is written
 * again when it changed. Older entries of CHAIN and HISTORY are looked up in the stripes and never loaded.
 *
 * Everything that is read here is checked against the format: WG_E_CORRUPT names the fragment. */
#include "engine/engine_internal.h"

enum {
    PIECE_ROWS = WG_FRAGMENT_ROWS_MAX,
    CATALOG_PIECE_BYTES = 4 << 20,
    CATALOG_FLAGS = 0, /* attribute */
    CATALOG_KEYS_BEGIN =
        1, /* names of properties stand with the commit that brought them; before, with the checkpoint */
    CHAIN_BYTES = 32,
    TABLE_FLAG_EDGE = 1,
    TABLE_FLAG_OPEN = 2,
    TABLE_FLAGS_END = 4
};

/* Attributes of TABLE fragments. */
enum { TABLE_ROWS = 0, TABLE_LIVE = 1, TABLE_FLAGS = 2, TABLE_PAIRS = 3 };

/* ---- a piece under way: column LOGSEQ and column PAYLOAD */

typedef struct piece {
    const wgi_meta_pass *pass;
    wg_column logseqs;
    wg_column payloads;
    wg_arena bytes;
    size_t payload_bytes;
} piece;

static void piece_begin(piece *p, const wgi_meta_pass *pass, wg_type payload) {
    *p = (piece){.pass = pass};
    wg_arena_init(&p->bytes, &pass->engine->account);
    wg_column_init(&p->logseqs, WG_TYPE_NODE, NULL, &pass->engine->account);
    wg_column_init(&p->payloads, payload, &p->bytes, &pass->engine->account);
}

static void piece_end(piece *p) {
    wg_column_deinit(&p->logseqs);
    wg_column_deinit(&p->payloads);
    wg_arena_deinit(&p->bytes);
}

static wg_code piece_bytes(piece *p, uint64_t logseq, wg_slice payload, wg_error *err) {
    if (!wg_column_append_id(&p->logseqs, logseq) || !wg_column_append_str(&p->payloads, wg_str_of_slice(payload)))
        return wg_error_nomem(err, payload.size);
    p->payload_bytes += payload.size;
    return WG_OK;
}

static wg_code piece_number(piece *p, uint64_t logseq, uint64_t number, wg_error *err) {
    if (!wg_column_append_id(&p->logseqs, logseq) || !wg_column_append_i64(&p->payloads, wg_i64_of_u64(number)))
        return wg_error_nomem(err, 16);
    return WG_OK;
}

static wg_code piece_write(piece *p, const wg_fragment_key *key, wg_error *err) {
    wg_fragment_head head = {.key = *key, .version = p->pass->until_logseq, .row_count = p->logseqs.row_count};
    if (key->kind == WG_KIND_CATALOG) head.attributes[CATALOG_FLAGS] = CATALOG_KEYS_BEGIN;
    const wg_stripe_column columns[] = {{WG_COLUMN_LOGSEQ, wg_column_view(&p->logseqs)},
                                        {WG_COLUMN_PAYLOAD, wg_column_view(&p->payloads)}};
    WG_TRY(wg_stripe_sink_add(p->pass->sink, &head, columns, 2, err));
    wg_column_clear(&p->logseqs);
    wg_column_clear(&p->payloads);
    wg_arena_reset(&p->bytes);
    p->payload_bytes = 0;
    return WG_OK;
}

/* ---- CATALOG */

typedef struct catalog_writer {
    wgi_meta_pass *pass;
    piece piece;
    wg_buf bytes;
} catalog_writer;

static wg_code catalog_flush(catalog_writer *w, wg_error *err) {
    if (w->piece.logseqs.row_count == 0) return WG_OK;
    const wg_fragment_key key = {.kind = WG_KIND_CATALOG, .slot = w->pass->catalog_pieces};
    WG_TRY(piece_write(&w->piece, &key, err));
    w->pass->catalog_pieces++;
    return WG_OK;
}

static wg_code catalog_put(catalog_writer *w, uint64_t logseq, const wg_mutation *m, wg_error *err) {
    w->bytes.size = 0;
    if (!wg_mutation_encode(&w->bytes, m)) return wg_error_nomem(err, w->bytes.size);
    WG_TRY(piece_bytes(&w->piece, logseq, wg_buf_slice(&w->bytes), err));
    if (w->piece.logseqs.row_count == PIECE_ROWS || w->piece.payload_bytes >= CATALOG_PIECE_BYTES)
        return catalog_flush(w, err);
    return WG_OK;
}

static wg_code catalog_put_label(catalog_writer *w, uint32_t number, wg_error *err) {
    const wg_label *label = wg_catalog_label_at(w->pass->engine->catalog, number);
    while (label->older != NULL) label = label->older;
    const wg_mutation m = {.kind = WG_MUTATION_CREATE_LABEL, .number = number, .def = label->def};
    return catalog_put(w, label->begin, &m, err);
}

/* Versions of a label since the last checkpoint, the oldest first: each walk finds the next one up. */
static wg_code catalog_put_alters(catalog_writer *w, uint32_t number, wg_error *err) {
    const wgi_meta_pass *pass = w->pass;
    const wg_label *newest = wg_catalog_label_at(pass->engine->catalog, number);
    const wg_label *done = newest;
    while (done->older != NULL && done->begin > pass->since_logseq) done = done->older;
    if (done->begin > pass->until_logseq) return WG_OK; /* made later */
    while (done != newest) {
        const wg_label *next = newest;
        while (next->older != done) next = next->older;
        if (next->begin > pass->until_logseq) return WG_OK;
        const wg_mutation m = {.kind = WG_MUTATION_ALTER_LABEL, .number = number, .def = next->def};
        WG_TRY(catalog_put(w, next->begin, &m, err));
        done = next;
    }
    return WG_OK;
}

static wg_code catalog_put_partition(catalog_writer *w, uint32_t number, wg_error *err) {
    const wg_catalog *catalog = w->pass->engine->catalog;
    const wg_partition *p = wg_catalog_partition(catalog, number);
    const wg_label *label = wg_catalog_label_at(catalog, p->label);
    wg_arena arena;
    wg_arena_init(&arena, &w->pass->engine->account);
    uint32_t count = 0;
    for (uint32_t c = 0; c < label->def.column_count; c++)
        count += label->def.columns[c].source == WG_COLUMN_PARTITION;
    wg_mutation_property *values = wg_arena_alloc_zero(&arena, ((size_t)count + 1) * sizeof *values);
    wg_code code = values == NULL ? wg_error_nomem(err, count * sizeof *values) : WG_OK;
    for (uint32_t i = 0; i < count && code == WG_OK; i++) values[i].value = p->variables[i];
    const wg_mutation m = {.kind = WG_MUTATION_ADD_PARTITION,
                           .number = number,
                           .label = p->label,
                           .name = wg_slice_str(p->path),
                           .properties = values,
                           .property_count = count,
                           .file_bytes = p->file_bytes,
                           .row_count = p->row_count,
                           .digest = p->digest};
    if (code == WG_OK) code = catalog_put(w, p->begin, &m, err);
    wg_arena_deinit(&arena);
    return code;
}

static wg_code catalog_put_rule(catalog_writer *w, uint32_t number, wg_error *err) {
    const wg_rule *rule = wg_catalog_rule_at(w->pass->engine->catalog, number);
    const wg_mutation m = {
        .kind = wg_rule_is_index(rule->def.kind) ? WG_MUTATION_CREATE_INDEX : WG_MUTATION_CREATE_CONSTRAINT,
        .number = number,
        .rule = rule->def};
    return catalog_put(w, rule->begin, &m, err);
}

static wg_code catalog_put_dropped_rules(catalog_writer *w, wg_error *err) {
    const wgi_meta_pass *pass = w->pass;
    for (uint32_t i = 0; i < pass->until.rules; i++) {
        const wg_rule *rule = wg_catalog_rule_at(pass->engine->catalog, i);
        const uint64_t end = atomic_load_explicit(&rule->end, memory_order_relaxed);
        if (end <= pass->since_logseq || end > pass->until_logseq) continue;
        const wg_mutation m = {
            .kind = wg_rule_is_index(rule->def.kind) ? WG_MUTATION_DROP_INDEX : WG_MUTATION_DROP_CONSTRAINT,
            .number = i};
        WG_TRY(catalog_put(w, end, &m, err));
    }
    return WG_OK;
}

/* Labels of any age that were dropped since. */
static wg_code catalog_put_drops(catalog_writer *w, wg_error *err) {
    const wgi_meta_pass *pass = w->pass;
    for (uint32_t i = 0; i < pass->until.labels; i++) {
        const wg_label *label = wg_catalog_label_at(pass->engine->catalog, i);
        const uint64_t end = atomic_load_explicit(&label->end, memory_order_relaxed);
        if (end <= pass->since_logseq || end > pass->until_logseq) continue;
        const wg_mutation m = {.kind = WG_MUTATION_DROP_LABEL, .number = i};
        WG_TRY(catalog_put(w, end, &m, err));
    }
    return WG_OK;
}

static wg_code catalog_put_all(catalog_writer *w, wg_error *err) {
    const wgi_meta_pass *pass = w->pass;
    for (uint32_t k = (uint32_t)pass->since.keys; k < pass->until.keys; k++) {
        const wg_mutation m = {.kind = WG_MUTATION_ADD_KEY,
                               .number = k,
                               .name = wg_slice_str(wg_catalog_key_name(pass->engine->catalog, k))};
        const uint64_t begin = wg_catalog_key_begin(pass->engine->catalog, k);
        WG_TRY(catalog_put(w, begin, &m, err));
    }
    for (uint32_t i = (uint32_t)pass->since.labels; i < pass->until.labels; i++) WG_TRY(catalog_put_label(w, i, err));
    for (uint32_t i = 0; i < pass->until.labels; i++) WG_TRY(catalog_put_alters(w, i, err));
    for (uint32_t i = (uint32_t)pass->since.partitions; i < pass->until.partitions; i++)
        WG_TRY(catalog_put_partition(w, i, err));
    for (uint32_t i = (uint32_t)pass->since.rules; i < pass->until.rules; i++) WG_TRY(catalog_put_rule(w, i, err));
    WG_TRY(catalog_put_drops(w, err));
    WG_TRY(catalog_put_dropped_rules(w, err));
    return catalog_flush(w, err);
}

static wg_code store_catalog(wgi_meta_pass *pass, wg_error *err) {
    catalog_writer w = {.pass = pass};
    piece_begin(&w.piece, pass, WG_TYPE_BYTES);
    wg_buf_init(&w.bytes, &pass->engine->account);
    const wg_code code = catalog_put_all(&w, err);
    wg_buf_deinit(&w.bytes);
    piece_end(&w.piece);
    return code;
}

/* ---- CHAIN: the value of commit n is entry n - 1 */

static wg_fragment_key chain_key(uint64_t logseq) {
    return (wg_fragment_key){.kind = WG_KIND_CHAIN, .slot = (logseq - 1) / PIECE_ROWS};
}

static wg_code store_chain(wgi_meta_pass *pass, wg_error *err) {
    piece p;
    wg_code code = WG_OK;
    piece_begin(&p, pass, WG_TYPE_BYTES);
    const uint64_t first = pass->since_logseq / PIECE_ROWS * PIECE_ROWS + 1; /* of the piece that is not full */
    for (uint64_t n = first; n <= pass->until_logseq && code == WG_OK; n++) {
        wg_sha256 value;
        code = wg_engine_chain_value(pass->engine, n, &value, err);
        if (code == WG_OK) code = piece_bytes(&p, n, wg_slice_of(value.bytes, sizeof value.bytes), err);
        if (code == WG_OK && (n % PIECE_ROWS == 0 || n == pass->until_logseq)) {
            const wg_fragment_key key = chain_key(n);
            code = piece_write(&p, &key, err);
        }
    }
    piece_end(&p);
    return code;
}

static wg_code bad_fragment(const wg_fragment *f, const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stripe %llu: fragment of kind %u, owner %u, slot %llu: %s",
                        (unsigned long long)wg_stripe_id(f->stripe), f->head.key.kind, f->head.key.owner,
                        (unsigned long long)f->head.key.slot, what);
}

/* Column of a fragment, of the type that the format gives it. */
static wg_code column_of(const wg_fragment *f, uint32_t id, wg_type type, uint32_t *out, wg_error *err) {
    *out = wg_fragment_column_of(f, id);
    if (*out == UINT32_MAX || f->columns[*out].type != type) return bad_fragment(f, "a column is missing", err);
    return WG_OK;
}

wg_code wgi_meta_chain_at(const wg_engine *engine, uint64_t logseq, wg_sha256 *out, wg_error *err) {
    const wg_fragment_key key = chain_key(logseq);
    const wg_fragment *f = wg_stripe_set_find(engine->maintenance.stripes, &key);
    const uint32_t row = (uint32_t)((logseq - 1) % PIECE_ROWS);
    uint32_t column = 0;
    if (f == NULL || row >= f->head.row_count)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the stripes have no chain value of commit %llu",
                            (unsigned long long)logseq);
    WG_TRY(column_of(f, WG_COLUMN_PAYLOAD, WG_TYPE_BYTES, &column, err));
    wg_arena arena;
    wg_value value;
    wg_arena_init(&arena, NULL);
    wg_code code = wg_fragment_cell(f, column, row, &arena, &value, err);
    if (code == WG_OK && (value.type != WG_TYPE_BYTES || value.size != CHAIN_BYTES))
        code = bad_fragment(f, "a chain value has 32 bytes", err);
    if (code == WG_OK) memcpy(out->bytes, value.as.s, CHAIN_BYTES);
    wg_arena_deinit(&arena);
    return code;
}

/* ---- TABLE */

static bool table_changed(const wgi_stored_table *t) {
    const wgi_table *table = t->table;
    return !table->is_stored || table->stored_rows != t->rows || table->stored_live != t->live ||
           table->stored_columns != t->columns || table->history.base != t->pairs;
}

static bool table_encode(const wgi_stored_table *t, wg_buf *out) {
    bool ok = wg_buf_append_u32(out, t->table->label_count) && wg_buf_append_u32(out, t->columns);
    for (uint32_t i = 0; i < t->table->label_count && ok; i++) ok = wg_buf_append_u32(out, t->table->labels[i]);
    for (uint32_t c = 0; c < t->columns && ok; c++)
        ok = wg_buf_append_u32(out, wg_table_column_key(t->table->rows, c)) &&
             wg_buf_append_u32(out, (uint32_t)wg_table_column_type(t->table->rows, c));
    return ok;
}

static wg_code store_table(const wgi_meta_pass *pass, const wgi_stored_table *t, wg_error *err) {
    if (!table_changed(t)) return WG_OK;
    wg_buf bytes;
    wg_buf_init(&bytes, &pass->engine->account);
    const bool ok = table_encode(t, &bytes);
    wg_fragment_head head = {
        .key = {.kind = WG_KIND_TABLE, .slot = t->table->number}, .version = pass->until_logseq, .row_count = 1};
    head.attributes[TABLE_ROWS] = t->rows;
    head.attributes[TABLE_LIVE] = t->live;
    head.attributes[TABLE_FLAGS] =
        (t->table->is_edge ? (uint64_t)TABLE_FLAG_EDGE : 0) | (t->table->open ? (uint64_t)TABLE_FLAG_OPEN : 0);
    head.attributes[TABLE_PAIRS] = t->pairs;
    const wg_str cell = wg_str_of_slice(wg_buf_slice(&bytes));
    const wg_stripe_column column = {WG_COLUMN_PAYLOAD,
                                     {.type = WG_TYPE_BYTES, .kind = WG_VECTOR_FLAT, .data = &cell}};
    const wg_code code =
        ok ? wg_stripe_sink_add(pass->sink, &head, &column, 1, err) : wg_error_nomem(err, bytes.size);
    wg_buf_deinit(&bytes);
    return code;
}

typedef struct table_head {
    const wg_fragment *fragment;
    uint32_t label_count;
    uint32_t column_count;
    wg_slice left;
} table_head;

static bool take_u32(wg_slice *from, uint32_t *out) {
    wg_slice four;
    if (!wg_slice_take(from, 4, &four)) return false;
    *out = wg_load_u32le(four.data);
    return true;
}

static wg_code table_decode(const wg_fragment *f, wg_arena *arena, table_head *out, wg_error *err) {
    uint32_t column = 0;
    wg_value value;
    if (f->head.row_count != 1 || f->head.key.slot >= WGI_TABLES_MAX)
        return bad_fragment(f, "a table has one row and a number below 65,535", err);
    WG_TRY(column_of(f, WG_COLUMN_PAYLOAD, WG_TYPE_BYTES, &column, err));
    WG_TRY(wg_fragment_cell(f, column, 0, arena, &value, err));
    if (value.type != WG_TYPE_BYTES) return bad_fragment(f, "no payload", err);
    *out = (table_head){.fragment = f, .left = wg_value_slice(&value)};
    if (!take_u32(&out->left, &out->label_count) || !take_u32(&out->left, &out->column_count) ||
        out->label_count > WG_MUTATION_LABELS_MAX || out->column_count > WG_TABLE_COLUMNS_MAX ||
        out->left.size != (size_t)out->label_count * 4 + (size_t)out->column_count * 8)
        return bad_fragment(f, "the payload has another size than it says", err);
    return WG_OK;
}

static wg_code table_columns(table_head *h, wgi_table *table, wg_error *err) {
    for (uint32_t c = 0; c < h->column_count; c++) {
        uint32_t key = 0;
        uint32_t type = 0;
        uint32_t column = 0;
        (void)take_u32(&h->left, &key); /* the size was checked */
        (void)take_u32(&h->left, &type);
        if (type > WG_TYPE_ANY) return bad_fragment(h->fragment, "a column is damaged", err);
        if (wg_table_column_of(table->rows, key) != UINT32_MAX)
            return bad_fragment(h->fragment, "two columns of one property", err);
        WG_TRY(wg_table_add_column(table->rows, key, (wg_type)type, &column, err));
    }
    return WG_OK;
}

wg_code wgi_meta_load_table(wg_engine *engine, const wg_fragment *fragment, wg_arena *arena, wg_error *err) {
    table_head h;
    uint32_t labels[WG_MUTATION_LABELS_MAX];
    const uint64_t *a = fragment->head.attributes;
    const uint32_t number = (uint32_t)fragment->head.key.slot;
    WG_TRY(table_decode(fragment, arena, &h, err));
    for (uint32_t i = 0; i < h.label_count; i++) {
        (void)take_u32(&h.left, &labels[i]); /* the size was checked */
        if ((i > 0 && labels[i] <= labels[i - 1]) || wg_catalog_label_at(engine->catalog, labels[i]) == NULL)
            return bad_fragment(fragment, "its labels do not exist", err);
    }
    if (a[TABLE_FLAGS] >= TABLE_FLAGS_END || a[TABLE_ROWS] >> 48 != 0 || a[TABLE_LIVE] > a[TABLE_ROWS])
        return bad_fragment(fragment, "its counts are damaged", err);
    const wgi_table like = {.number = number,
                            .is_edge = (a[TABLE_FLAGS] & TABLE_FLAG_EDGE) != 0,
                            .open = (a[TABLE_FLAGS] & TABLE_FLAG_OPEN) != 0,
                            .label_count = h.label_count};
    wgi_table *table = NULL;
    WG_TRY(wgi_table_restore(engine, &like, labels, &table, err));
    table->live = a[TABLE_LIVE];
    atomic_store_explicit(&table->changed, engine->maintenance.manifest.checkpoint.logseq, memory_order_relaxed);
    table->is_stored = true;
    table->stored_rows = a[TABLE_ROWS];
    table->stored_live = a[TABLE_LIVE];
    table->stored_columns = h.column_count;
    table->history.base = a[TABLE_PAIRS];
    table->history.base_live = a[TABLE_LIVE];
    return table_columns(&h, table, err);
}

/* ---- HISTORY: entry n of a table's list of (logseq, live rows) */

static wg_fragment_key history_key(uint32_t table, uint64_t entry) {
    return (wg_fragment_key){.kind = WG_KIND_HISTORY, .owner = table, .slot = entry / PIECE_ROWS};
}

/* What is stored of the piece that is not full is copied in front. */
static wg_code history_copy(piece *p, uint32_t table, uint64_t entries, wg_error *err) {
    const uint32_t count = (uint32_t)(entries % PIECE_ROWS);
    if (count == 0) return WG_OK;
    const wg_fragment_key key = history_key(table, entries);
    const wg_fragment *f = wg_stripe_set_find(p->pass->engine->maintenance.stripes, &key);
    uint32_t logseqs = 0;
    uint32_t payloads = 0;
    if (f == NULL || f->head.row_count < count)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the stripes lack the history of table %u", table);
    WG_TRY(column_of(f, WG_COLUMN_LOGSEQ, WG_TYPE_NODE, &logseqs, err));
    WG_TRY(column_of(f, WG_COLUMN_PAYLOAD, WG_TYPE_INT, &payloads, err));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t logseq = 0;
        uint64_t live = 0;
        WG_TRY(wg_fragment_u64(f, logseqs, i, &logseq, err));
        WG_TRY(wg_fragment_u64(f, payloads, i, &live, err));
        WG_TRY(piece_number(p, logseq, live, err));
    }
    return WG_OK;
}

static wg_code store_history(piece *p, const wgi_stored_table *t, wg_error *err) {
    wg_engine *e = p->pass->engine;
    const wgi_history *h = &t->table->history;
    if (t->pairs == h->base) return WG_OK;
    WG_TRY(history_copy(p, t->table->number, h->base, err));
    for (uint64_t n = h->base; n < t->pairs; n++) {
        wg_mutex_lock(&e->state_mutex); /* a commit may be moving the list; entries below `pairs` stay */
        const uint64_t logseq = h->pairs[2 * (n - h->base)];
        const uint64_t live = h->pairs[2 * (n - h->base) + 1];
        wg_mutex_unlock(&e->state_mutex);
        WG_TRY(piece_number(p, logseq, live, err));
        if ((n + 1) % PIECE_ROWS != 0 && n + 1 != t->pairs) continue;
        const wg_fragment_key key = history_key(t->table->number, n);
        WG_TRY(piece_write(p, &key, err));
    }
    return WG_OK;
}

static wg_code store_histories(wgi_meta_pass *pass, wg_error *err) {
    piece p;
    wg_code code = WG_OK;
    piece_begin(&p, pass, WG_TYPE_INT);
    for (uint32_t i = 0; i < pass->table_count && code == WG_OK; i++) code = store_history(&p, &pass->tables[i], err);
    piece_end(&p);
    return code;
}

wg_code wgi_meta_live_at(const wg_engine *engine, uint32_t table, uint64_t pairs, uint64_t logseq, uint64_t *out,
                         wg_error *err) {
    uint64_t low = 0; /* pieces below it begin at or before logseq */
    uint64_t high = (pairs + PIECE_ROWS - 1) / PIECE_ROWS;
    const wg_fragment *at = NULL;
    uint32_t column = 0;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        const wg_fragment_key key = history_key(table, middle * PIECE_ROWS);
        const wg_fragment *f = wg_stripe_set_find(engine->maintenance.stripes, &key);
        uint64_t first = 0;
        if (f == NULL || f->head.row_count == 0)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the stripes lack the history of table %u", table);
        WG_TRY(column_of(f, WG_COLUMN_LOGSEQ, WG_TYPE_NODE, &column, err));
        WG_TRY(wg_fragment_u64(f, column, 0, &first, err));
        if (first <= logseq) {
            at = f;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out = 0;
    if (at == NULL) return WG_OK;
    uint32_t row = 0;
    WG_TRY(column_of(at, WG_COLUMN_LOGSEQ, WG_TYPE_NODE, &column, err));
    WG_TRY(wg_fragment_lower_bound(at, column, logseq + 1, &row, err));
    if (row == 0) return bad_fragment(at, "its logseqs do not ascend", err);
    WG_TRY(column_of(at, WG_COLUMN_PAYLOAD, WG_TYPE_INT, &column, err));
    return wg_fragment_u64(at, column, row - 1, out, err);
}

/* ---- all of a checkpoint, in key order */

wg_code wgi_meta_store(wgi_meta_pass *pass, wg_error *err) {
    WG_TRY(store_catalog(pass, err));
    WG_TRY(store_chain(pass, err));
    for (uint32_t i = 0; i < pass->table_count; i++) WG_TRY(store_table(pass, &pass->tables[i], err));
    return store_histories(pass, err);
}

/* ---- loading definitions */

/* `keys_begin`: of ADD_KEY too the logseq is that of its commit. */
static wg_code load_definition(wg_engine *e, uint64_t logseq, bool keys_begin, wg_slice bytes, wg_arena *arena,
                               wg_error *err) {
    wg_mutation m;
    wgi_apply apply = {.engine = e, .begin = logseq, .stamp = logseq, .stored = true};
    WG_TRY(wg_mutation_decode(&bytes, arena, &m, err));
    const bool known = m.kind == WG_MUTATION_ADD_KEY || m.kind == WG_MUTATION_CREATE_LABEL ||
                       m.kind == WG_MUTATION_DROP_LABEL || m.kind == WG_MUTATION_ADD_PARTITION ||
                       m.kind == WG_MUTATION_ALTER_LABEL ||
                       (m.kind >= WG_MUTATION_CREATE_INDEX && m.kind <= WG_MUTATION_DROP_CONSTRAINT);
    if (!known || bytes.size != 0)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a stored definition is damaged");
    if (m.kind == WG_MUTATION_ADD_KEY && !keys_begin) apply.begin = 0;
    return wgi_applier.apply[m.kind](&apply, &m, err);
}

wg_code wgi_meta_load_catalog(wg_engine *engine, const wg_fragment *fragment, wg_arena *arena, wg_error *err) {
    uint32_t logseqs = 0;
    uint32_t payloads = 0;
    wgi_maintenance *m = &engine->maintenance;
    WG_TRY(column_of(fragment, WG_COLUMN_LOGSEQ, WG_TYPE_NODE, &logseqs, err));
    WG_TRY(column_of(fragment, WG_COLUMN_PAYLOAD, WG_TYPE_BYTES, &payloads, err));
    if (fragment->head.key.slot != m->catalog_pieces) return bad_fragment(fragment, "a piece is missing", err);
    const bool keys_begin = (fragment->head.attributes[CATALOG_FLAGS] & CATALOG_KEYS_BEGIN) != 0;
    for (uint32_t row = 0; row < fragment->head.row_count; row++) {
        uint64_t logseq = 0;
        wg_value value;
        wg_arena_reset(arena);
        WG_TRY(wg_fragment_u64(fragment, logseqs, row, &logseq, err));
        WG_TRY(wg_fragment_cell(fragment, payloads, row, arena, &value, err));
        if (value.type != WG_TYPE_BYTES || logseq == 0 || logseq > m->manifest.checkpoint.logseq)
            return bad_fragment(fragment, "a definition is damaged", err);
        WG_TRY(load_definition(engine, logseq, keys_begin, wg_value_slice(&value), arena, err));
    }
    m->catalog_pieces++;
    return WG_OK;
}
