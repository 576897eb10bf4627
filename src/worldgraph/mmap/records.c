/* Records of an agents' run in fragments of kind STATE (docs/format/arc1.md): writing sorted records as pieces, and reading one of them.
 *
 * A piece ends at 16,384 records or about 1 MiB of keys and values, so a large value has a piece of its own and nothing of it is read with the
 * small ones. The writer copies what it is given: records come from memory that their source reuses.
 *
 * Failure modes: WG_E_NOMEM; WG_E_CORRUPT when a fragment lacks a column or a cell is out of range; errors of writing and reading stripes. */
#include "worldgraph/mmap/mmap_internal.h"

enum { PIECE_BYTES = 1 << 20, ROWS_FIRST = 256, DELETED = 255 };

typedef struct record_rows {
    uint64_t *numbers[4]; /* version, time, value type, expires */
    wg_str *texts[2];     /* payload, key */
} record_rows;

struct wg_record_sink {
    wg_stripe_sink *sink;
    wg_fragment_head head;
    wg_account *account;
    wg_arena arena;
    record_rows rows;
    uint32_t count;
    uint32_t room;
    size_t bytes;
    bool expires; /* one of them does */
    uint64_t pieces;
};

wg_code wg_record_sink_create(wg_stripe_sink *sink, const wg_fragment_head *head, wg_account *account,
                              wg_record_sink **out, wg_error *err) {
    WG_ASSERT(head->key.kind == WG_KIND_STATE);
    wg_record_sink *r = wg_alloc_zero(account, sizeof *r);
    if (r == NULL) return wg_error_nomem(err, sizeof *r);
    r->sink = sink;
    r->head = *head;
    r->head.key.slot = 0;
    r->account = account;
    wg_arena_init(&r->arena, account);
    *out = r;
    return WG_OK;
}

void wg_record_sink_destroy(wg_record_sink *sink) {
    if (sink == NULL) return;
    for (int i = 0; i < 4; i++) wg_free(sink->rows.numbers[i]);
    for (int i = 0; i < 2; i++) wg_free(sink->rows.texts[i]);
    wg_arena_deinit(&sink->arena);
    wg_free(sink);
}

static bool rows_grow(wg_record_sink *r) {
    const uint32_t room = r->room == 0                         ? ROWS_FIRST
                          : r->room * 4 < WG_FRAGMENT_ROWS_MAX ? r->room * 4
                                                               : WG_FRAGMENT_ROWS_MAX;
    for (int i = 0; i < 4; i++) {
        uint64_t *grown = wg_realloc(r->account, r->rows.numbers[i], room * sizeof *grown);
        if (grown == NULL) return false;
        r->rows.numbers[i] = grown;
    }
    for (int i = 0; i < 2; i++) {
        wg_str *grown = wg_realloc(r->account, r->rows.texts[i], room * sizeof *grown);
        if (grown == NULL) return false;
        r->rows.texts[i] = grown;
    }
    r->room = room;
    return true;
}

static wg_code piece_write(wg_record_sink *r, wg_error *err) {
    if (r->count == 0) return WG_OK;
    const wg_stripe_column columns[] = {
        {WG_COLUMN_PAYLOAD, {.type = WG_TYPE_BYTES, .data = r->rows.texts[0]}},
        {WG_COLUMN_VERSION, {.type = WG_TYPE_NODE, .data = r->rows.numbers[0]}},
        {WG_COLUMN_TIME, {.type = WG_TYPE_NODE, .data = r->rows.numbers[1]}},
        {WG_COLUMN_VALUE_TYPE, {.type = WG_TYPE_NODE, .data = r->rows.numbers[2]}},
        {WG_COLUMN_KEY, {.type = WG_TYPE_BYTES, .data = r->rows.texts[1]}},
        {WG_COLUMN_EXPIRES, {.type = WG_TYPE_NODE, .data = r->rows.numbers[3]}},
    };
    r->head.row_count = r->count;
    WG_TRY(wg_stripe_sink_add(r->sink, &r->head, columns, r->expires ? 6 : 5, err));
    r->head.key.slot++;
    r->pieces++;
    r->count = 0;
    r->bytes = 0;
    r->expires = false;
    wg_arena_reset(&r->arena);
    return WG_OK;
}

static wg_code copy_in(wg_record_sink *r, wg_slice bytes, wg_str *out, wg_error *err) {
    const void *copy = bytes.size == 0 ? NULL : wg_arena_copy(&r->arena, bytes.data, bytes.size);
    if (copy == NULL && bytes.size != 0) return wg_error_nomem(err, bytes.size);
    *out = (wg_str){copy, bytes.size};
    return WG_OK;
}

wg_code wg_record_sink_add(wg_record_sink *sink, const wg_record *record, wg_error *err) {
    const size_t bytes = record->key.size + record->value.size;
    if (sink->count == WG_FRAGMENT_ROWS_MAX || (sink->count != 0 && sink->bytes + bytes > PIECE_BYTES))
        WG_TRY(piece_write(sink, err));
    if (sink->count == sink->room && !rows_grow(sink)) return wg_error_nomem(err, sink->room * sizeof(wg_str));
    const uint32_t at = sink->count;
    WG_TRY(copy_in(sink, record->value, &sink->rows.texts[0][at], err));
    WG_TRY(copy_in(sink, record->key, &sink->rows.texts[1][at], err));
    sink->rows.numbers[0][at] = record->version;
    sink->rows.numbers[1][at] = record->time_us;
    sink->rows.numbers[2][at] = record->deleted ? DELETED : record->type;
    sink->rows.numbers[3][at] = record->expires_us;
    sink->expires |= record->expires_us != 0;
    sink->bytes += bytes;
    sink->count++;
    return WG_OK;
}

wg_code wg_record_sink_finish(wg_record_sink *sink, uint64_t *out_pieces, wg_error *err) {
    WG_TRY(piece_write(sink, err));
    if (out_pieces != NULL) *out_pieces = sink->pieces;
    return WG_OK;
}

/* ---- reading */

static wg_code corrupt(const wg_fragment *f, const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                        "records of run %u above version %llu, piece %llu, stripe %llu: %s; restore from a backup",
                        f->head.key.owner, (unsigned long long)f->head.key.run, (unsigned long long)f->head.key.slot,
                        (unsigned long long)wg_stripe_id(f->stripe), what);
}

/* Columns of STATE have no codec, so a cell points into the mapping and needs no arena. */
static wg_code bytes_at(const wg_fragment *f, uint32_t id, uint32_t row, wg_slice *out, wg_error *err) {
    const uint32_t column = wg_fragment_column_of(f, id);
    if (column == UINT32_MAX || f->columns[column].type != WG_TYPE_BYTES || f->columns[column].null_count != 0)
        return corrupt(f, "a column of bytes is missing", err);
    wg_value v;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    const wg_code code = wg_fragment_cell(f, column, row, &arena, &v, err);
    const bool copied = arena.blocks != NULL;
    wg_arena_deinit(&arena);
    WG_TRY(code);
    if (copied || v.type != WG_TYPE_BYTES) return corrupt(f, "a column of bytes is compressed", err);
    *out = wg_slice_of(v.as.s, v.size);
    return WG_OK;
}

static wg_code number_at(const wg_fragment *f, uint32_t id, uint32_t row, uint64_t *out, wg_error *err) {
    const uint32_t column = wg_fragment_column_of(f, id);
    if (column == UINT32_MAX) return corrupt(f, "a column of numbers is missing", err);
    return wg_fragment_u64(f, column, row, out, err);
}

wg_code wg_record_head(const wg_fragment *fragment, uint32_t row, wg_slice *out_key, uint64_t *out_version,
                       wg_error *err) {
    WG_TRY(bytes_at(fragment, WG_COLUMN_KEY, row, out_key, err));
    return number_at(fragment, WG_COLUMN_VERSION, row, out_version, err);
}

wg_code wg_record_read(const wg_fragment *fragment, uint32_t row, wg_record *out, wg_error *err) {
    WG_ASSERT(row < fragment->head.row_count);
    wg_record r = {.stripe = fragment->stripe};
    uint64_t type;
    WG_TRY(wg_record_head(fragment, row, &r.key, &r.version, err));
    WG_TRY(number_at(fragment, WG_COLUMN_TIME, row, &r.time_us, err));
    WG_TRY(number_at(fragment, WG_COLUMN_VALUE_TYPE, row, &type, err));
    if (wg_fragment_column_of(fragment, WG_COLUMN_EXPIRES) != UINT32_MAX)
        WG_TRY(number_at(fragment, WG_COLUMN_EXPIRES, row, &r.expires_us, err));
    WG_TRY(bytes_at(fragment, WG_COLUMN_PAYLOAD, row, &r.value, err));
    if (type > DELETED || r.key.size == 0) return corrupt(fragment, "a value type or key is out of range", err);
    if (r.version <= fragment->head.key.run || r.version > fragment->head.attributes[0])
        return corrupt(fragment, "a version lies outside of what the piece covers", err);
    r.deleted = type == DELETED;
    r.type = r.deleted ? 0 : (uint8_t)type;
    *out = r;
    return WG_OK;
}

wg_code wg_record_seek(const wg_fragment *fragment, wg_slice key, uint64_t version, uint32_t *out_row,
                       wg_error *err) {
    uint32_t from = 0;
    for (uint32_t to = fragment->head.row_count; from < to;) {
        const uint32_t middle = from + (to - from) / 2;
        wg_slice k;
        uint64_t v;
        WG_TRY(wg_record_head(fragment, middle, &k, &v, err));
        const int order = wg_slice_compare(k, key);
        if (order < 0 || (order == 0 && v > version)) from = middle + 1;
        else to = middle;
    }
    *out_row = from;
    return WG_OK;
}

/* ---- all records of a run */

typedef struct records_cursor {
    uint64_t at; /* in the list of pieces */
    uint64_t end;
    uint32_t row;
    bool found;
    wg_record record;
} records_cursor;

struct wg_records {
    wg_account *account;
    const wg_fragment **pieces;
    uint64_t piece_count;
    records_cursor *cursors; /* one a set, of rising versions */
    uint32_t cursor_count;
    uint32_t least; /* whose record was given last */
};

/* One view is read: the set may change meanwhile, what the view holds stays for who is inside the epoch. */
static wg_code pieces_find(wg_records *r, const wg_stripe_set *set, uint32_t owner, wg_error *err) {
    const wg_fragment_key first = {.kind = WG_KIND_STATE, .owner = owner};
    const wgi_view *view = wgi_view_of(set);
    const uint64_t begin = wgi_view_seek(view, &first);
    uint64_t end = begin;
    for (; end < view->fragment_count; end++) {
        const wg_fragment_key *key = &view->fragments[end]->head.key;
        if (key->kind != WG_KIND_STATE || key->owner != owner) break;
    }
    r->pieces = wg_alloc(r->account, (end - begin + 1) * sizeof *r->pieces);
    if (r->pieces == NULL) return wg_error_nomem(err, (end - begin) * sizeof *r->pieces);
    for (uint64_t at = begin; at < end; at++) {
        const wg_fragment *f = view->fragments[at];
        const wg_fragment *last = at == begin ? NULL : view->fragments[at - 1];
        const bool same = last != NULL && last->head.key.run == f->head.key.run;
        if (f->head.key.slot != (same ? last->head.key.slot + 1 : 0) || f->head.key.part != 0 ||
            f->head.row_count == 0)
            return corrupt(f, "a piece is missing before it", err);
        if (!same && last != NULL && f->head.key.run < last->head.attributes[0])
            return corrupt(f, "its versions are those of another set too", err);
        r->cursor_count += !same;
        r->pieces[r->piece_count++] = f;
    }
    return WG_OK;
}

static int record_compare(const wg_record *a, const wg_record *b) {
    const int order = wg_slice_compare(a->key, b->key);
    if (order != 0) return order;
    return a->version == b->version ? 0 : a->version > b->version ? -1 : 1;
}

static wg_code records_step(const wg_records *r, records_cursor *c, wg_error *err) {
    const bool had = c->found;
    const wg_record before = c->record;
    while (c->at < c->end && c->row == r->pieces[c->at]->head.row_count) {
        c->at++;
        c->row = 0;
    }
    c->found = c->at < c->end;
    if (!c->found) return WG_OK;
    WG_TRY(wg_record_read(r->pieces[c->at], c->row++, &c->record, err));
    if (had && record_compare(&before, &c->record) >= 0)
        return corrupt(r->pieces[c->at], "records out of order", err);
    return WG_OK;
}

wg_code wg_records_open(const wg_stripe_set *set, uint32_t owner, wg_account *account, wg_records **out,
                        wg_error *err) {
    wg_records *r = wg_alloc_zero(account, sizeof *r);
    if (r == NULL) return wg_error_nomem(err, sizeof *r);
    r->account = account;
    r->least = UINT32_MAX;
    wg_code code = pieces_find(r, set, owner, err);
    if (code == WG_OK) {
        r->cursors = wg_alloc_zero(account, (r->cursor_count + (size_t)1) * sizeof *r->cursors);
        if (r->cursors == NULL) code = wg_error_nomem(err, r->cursor_count * sizeof *r->cursors);
    }
    uint32_t n = 0;
    for (uint64_t at = 0; code == WG_OK && at < r->piece_count; n++) {
        records_cursor *c = &r->cursors[n];
        c->at = at;
        while (at < r->piece_count && r->pieces[at]->head.key.run == r->pieces[c->at]->head.key.run) at++;
        c->end = at;
        code = records_step(r, c, err);
    }
    if (code != WG_OK) wg_records_close(r);
    else *out = r;
    return code;
}

/* A few sets: compaction joins them. */
wg_code wg_records_next(wg_records *records, wg_record *out, bool *out_found, wg_error *err) {
    if (records->least != UINT32_MAX) WG_TRY(records_step(records, &records->cursors[records->least], err));
    records->least = UINT32_MAX;
    for (uint32_t i = 0; i < records->cursor_count; i++) {
        const records_cursor *c = &records->cursors[i];
        if (!c->found) continue;
        if (records->least == UINT32_MAX || record_compare(&c->record, &records->cursors[records->least].record) < 0)
            records->least = i;
    }
    *out_found = records->least != UINT32_MAX;
    if (*out_found) *out = records->cursors[records->least].record;
    return WG_OK;
}

typedef struct versions_call {
    wg_slice key;
    uint64_t snapshot;
    wg_record_fn fn;
    void *ctx;
    bool stopped;
} versions_call;

/* One set, pieces [piece, end): first the piece is searched, by its first row, then the row. */
static wg_code set_versions(const wg_records *r, uint64_t piece, uint64_t end, versions_call *call, wg_error *err) {
    for (uint64_t to = end; to - piece > 1;) { /* the last piece whose first record is not behind (key, snapshot) */
        const uint64_t middle = piece + (to - piece) / 2;
        wg_slice k;
        uint64_t v;
        WG_TRY(wg_record_head(r->pieces[middle], 0, &k, &v, err));
        const int order = wg_slice_compare(k, call->key);
        if (order < 0 || (order == 0 && v >= call->snapshot)) piece = middle;
        else to = middle;
    }
    uint32_t row;
    WG_TRY(wg_record_seek(r->pieces[piece], call->key, call->snapshot, &row, err));
    for (; piece < end && !call->stopped; piece++, row = 0) {
        for (; row < r->pieces[piece]->head.row_count && !call->stopped; row++) {
            wg_record record;
            WG_TRY(wg_record_read(r->pieces[piece], row, &record, err));
            if (!wg_slice_equal(record.key, call->key)) return WG_OK;
            call->stopped = !call->fn(call->ctx, &record);
        }
    }
    return WG_OK;
}

wg_code wg_records_versions(const wg_stripe_set *set, uint32_t owner, wg_slice key, uint64_t snapshot,
                            wg_record_fn fn, void *ctx, wg_error *err) {
    wg_records r = {.least = UINT32_MAX};
    versions_call call = {.key = key, .snapshot = snapshot, .fn = fn, .ctx = ctx};
    wg_code code = pieces_find(&r, set, owner, err);
    for (uint64_t end = r.piece_count; code == WG_OK && end > 0 && !call.stopped;) { /* newest versions first */
        uint64_t at = end - 1;
        while (at > 0 && r.pieces[at - 1]->head.key.run == r.pieces[at]->head.key.run) at--;
        if (r.pieces[at]->head.key.run < snapshot) code = set_versions(&r, at, end, &call, err);
        end = at;
    }
    wg_free(r.pieces);
    return code;
}

void wg_records_close(wg_records *records) {
    if (records == NULL) return;
    wg_free(records->pieces);
    wg_free(records->cursors);
    wg_free(records);
}
