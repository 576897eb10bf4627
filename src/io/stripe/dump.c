/* A stripe as JSON lines: what it holds, for people and for comparison with a second reader.
 *
 *   {"arc1":{...}}                      one line: the file
 *   {"fragment":{...}}                  one line for each fragment, followed by
 *   {"column":{...},"cells":[...]}      one line for each of its columns; "cells" only when asked for
 *
 * A line that an allocation has failed in is not given out, whatever was appended after it. The text is a function of the file. Lines are built in one buffer, so memory is that of the largest column's text. */
#include "io/stripe/stripe_internal.h"

typedef struct stripe_dump {
    wg_stripe *stripe;
    wg_stripe_dump_fn fn;
    void *ctx;
    wg_buf line;
    bool stopped;
} stripe_dump;

const char *wg_fragment_kind_name(uint32_t kind) {
    static const char *const names[] = {"?",         "CATALOG", "CHAIN",     "TABLE", "HISTORY", "ROWS",
                                        "DIRECTORY", "KEYS",    "ADJACENCY", "RUNS",  "STATE",   "EVENTS"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : "?";
}

static wg_code emit(stripe_dump *d, bool ok, wg_error *err) {
    if (!ok) return wg_error_nomem(err, d->line.size);
    d->stopped = !d->fn(d->ctx, wg_buf_slice(&d->line));
    d->line.size = 0;
    return WG_OK;
}

static wg_code dump_file(stripe_dump *d, wg_error *err) {
    const wg_stripe *s = d->stripe;
    bool ok = wg_buf_append_str(&d->line, "{\"arc1\":{\"store\":\"");
    for (size_t i = 0; i < 16; i++) ok &= wg_buf_printf(&d->line, "%02x", s->header.store_uuid[i]);
    ok &= wg_buf_printf(&d->line,
                        "\",\"stripe\":%llu,\"version\":%d,\"minor\":%u,\"required\":%u,\"optional\":%u,"
                        "\"bytes\":%llu,\"fragments\":%u}}",
                        (unsigned long long)s->header.stripe_id, WG_ARC1_VERSION, s->header.minor, s->header.required,
                        s->header.optional, (unsigned long long)s->file_bytes, s->trailer.fragment_count);
    return emit(d, ok, err);
}

static wg_code dump_fragment(stripe_dump *d, const wg_fragment *f, wg_error *err) {
    const wg_fragment_head *h = &f->head;
    bool ok = wg_buf_printf(&d->line,
                            "{\"fragment\":{\"kind\":%u,\"name\":\"%s\",\"owner\":%u,\"run\":%llu,\"slot\":%llu,"
                            "\"part\":%u,\"version\":%llu,\"rows\":%u,\"columns\":%u,\"attributes\":[",
                            h->key.kind, wg_fragment_kind_name(h->key.kind), h->key.owner,
                            (unsigned long long)h->key.run, (unsigned long long)h->key.slot, h->key.part,
                            (unsigned long long)h->version, h->row_count, f->column_count);
    for (size_t i = 0; i < WG_FRAGMENT_ATTRIBUTES; i++)
        ok &= wg_buf_printf(&d->line, "%s%llu", i == 0 ? "" : ",", (unsigned long long)h->attributes[i]);
    ok &= wg_buf_append_str(&d->line, "]}}");
    return emit(d, ok, err);
}

static wg_code dump_cells(stripe_dump *d, const wg_fragment *f, uint32_t column, wg_error *err) {
    wg_fragment_scratch scratch = {.account = d->stripe->account};
    wg_code code = WG_OK;
    bool ok = wg_buf_append_str(&d->line, ",\"cells\":[");
    for (uint32_t first = 0; code == WG_OK && ok && first < f->head.row_count;) {
        const uint32_t left = f->head.row_count - first;
        const uint32_t count = left < WG_BATCH_ROWS_MAX ? left : WG_BATCH_ROWS_MAX;
        wg_vector v;
        code = wg_fragment_read(f, column, first, count, &scratch, &v, err);
        for (uint32_t i = 0; code == WG_OK && ok && i < count; i++) {
            const wg_value cell = wg_vector_value(&v, i);
            if (first + i != 0) ok &= wg_buf_append_u8(&d->line, ',');
            ok &= wg_value_print_json(&d->line, &cell);
        }
        first += count;
    }
    wg_fragment_scratch_deinit(&scratch);
    WG_TRY(code);
    ok &= wg_buf_append_u8(&d->line, ']');
    return ok ? WG_OK : wg_error_nomem(err, d->line.size);
}

static wg_code dump_column(stripe_dump *d, const wg_fragment *f, uint32_t column, bool cells, wg_error *err) {
    const wg_arc1_column *c = &stripe_fragment_of(f)->blocks[column].column;
    const wg_fragment_column *described = &f->columns[column];
    bool ok = wg_buf_printf(&d->line,
                            "{\"column\":{\"id\":%u,\"type\":\"%s\",\"cell_type\":\"%s\",\"encoding\":\"%s\","
                            "\"codec\":\"%s\",\"nulls\":%u,\"offset\":%llu,\"bytes\":%llu,\"raw_bytes\":%llu",
                            c->id, wg_type_name((wg_type)c->type), wg_type_name((wg_type)c->cell_type),
                            wg_encoding_name((wg_encoding)c->encoding), c->codec == 0 ? "none" : "zstd",
                            c->null_count, (unsigned long long)c->offset, (unsigned long long)c->stored_bytes,
                            (unsigned long long)c->raw_bytes);
    if (c->part_count != 0) ok &= wg_buf_printf(&d->line, ",\"parts\":%u", c->part_count);
    if (described->has_zone) {
        ok &= wg_buf_append_str(&d->line, ",\"min\":");
        ok &= wg_value_print_json(&d->line, &described->min);
        ok &= wg_buf_append_str(&d->line, ",\"max\":");
        ok &= wg_value_print_json(&d->line, &described->max);
    }
    ok &= wg_buf_append_u8(&d->line, '}');
    if (cells) WG_TRY(dump_cells(d, f, column, err));
    ok &= wg_buf_append_u8(&d->line, '}');
    return emit(d, ok, err);
}

wg_code wg_stripe_dump(wg_stripe *stripe, bool cells, wg_stripe_dump_fn fn, void *ctx, wg_error *err) {
    stripe_dump d = {.stripe = stripe, .fn = fn, .ctx = ctx, .line = {.account = stripe->account}};
    wg_code code = dump_file(&d, err);
    for (uint32_t i = 0; code == WG_OK && !d.stopped && i < stripe->trailer.fragment_count; i++) {
        const wg_fragment *f = &stripe->fragments[i].fragment;
        code = dump_fragment(&d, f, err);
        for (uint32_t k = 0; code == WG_OK && !d.stopped && k < f->column_count; k++)
            code = dump_column(&d, f, k, cells, err);
    }
    wg_buf_deinit(&d.line);
    return code;
}
