/* Opening a stripe: names, the mapping, the list of fragments.
 *
 * Open maps the file and checks header, trailer and footer with their checksums. The footer is walked twice: once to check it and
 * to count its columns, once to fill two arrays of that size. Memory is therefore at most a small multiple of the footer, which is
 * part of the file; no count of it is believed. Zones of strings point into the footer.
 *
 * Failure: WG_E_CORRUPT or WG_E_VERSION with file and offset, WG_E_NOT_FOUND, WG_E_IO, WG_E_NOMEM; nothing stays open. */
#include "io/stripe/stripe_internal.h"

#include <stdio.h>

static const char suffix[] = ".arc1";
static const char temporary_suffix[] = ".arc1.tmp";
enum { ID_DIGITS = 20 };
static _Atomic uint64_t serials;

/* ---- names */

wg_code wg_stripe_path(const char *dir, uint64_t id, char *out, size_t out_size, wg_error *err) {
    const int n = snprintf(out, out_size, "%s/%020llu%s", dir, (unsigned long long)id, suffix);
    if (n < 0 || (size_t)n >= out_size || (size_t)n >= STRIPE_PATH_BYTES)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the path of the stripes is over 4096 bytes");
    return WG_OK;
}

bool wg_stripe_name_parse(const char *name, uint64_t *out_id, bool *out_temporary) {
    uint64_t id = 0;
    for (size_t i = 0; i < ID_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9') return false;
        if (__builtin_mul_overflow(id, UINT64_C(10), &id)) return false;
        if (__builtin_add_overflow(id, (uint64_t)(name[i] - '0'), &id)) return false;
    }
    const bool temporary = strcmp(name + ID_DIGITS, temporary_suffix) == 0;
    if (!temporary && strcmp(name + ID_DIGITS, suffix) != 0) return false;
    *out_id = id;
    *out_temporary = temporary;
    return true;
}

wg_code wgi_stripe_error(const wg_stripe *stripe, wg_code code, wg_error *err) {
    if (code == WG_OK) return WG_OK;
    if (err == NULL || err->offset == WG_NO_OFFSET)
        return wg_error_prefix(err, code, "stripe '%.100s'", stripe->path);
    return wg_error_prefix(err, code, "stripe '%.100s' at offset %llu", stripe->path,
                           (unsigned long long)err->offset);
}

/* ---- the footer */

static wg_arc1_cursor cursor_of(const wg_stripe *s) {
    return (wg_arc1_cursor){.footer = wg_slice_of(s->map + s->trailer.footer_offset, (size_t)s->trailer.footer_bytes),
                            .footer_offset = s->trailer.footer_offset,
                            .block_end = WG_ARC1_HEADER_BYTES,
                            .required = s->header.required,
                            .has_parts = s->header.minor >= WG_ARC1_MINOR_PARTS,
                            .newer = s->header.minor > WG_ARC1_MINOR};
}

static wg_fragment_key key_of(const wg_arc1_fragment *f) {
    return (wg_fragment_key){.kind = f->kind, .owner = f->owner, .run = f->run, .slot = f->slot, .part = f->part};
}

typedef struct footer_counts { /* over all fragments */
    uint64_t columns;
    uint64_t parts;
} footer_counts;

/* Checks all records. */
static wg_code footer_count(const wg_stripe *s, footer_counts *out, wg_error *err) {
    wg_arc1_cursor cursor = cursor_of(s);
    wg_fragment_key before = {0};
    footer_counts n = {0};
    for (uint32_t i = 0; i < s->trailer.fragment_count; i++) {
        wg_arc1_fragment f;
        wg_arc1_column c;
        const uint64_t at = cursor.footer_offset + cursor.position;
        WG_TRY(wg_arc1_fragment_decode(&cursor, &f, err));
        const wg_fragment_key key = key_of(&f);
        if (i != 0 && wg_fragment_key_compare(&before, &key) >= 0)
            return wg_error_set(err, WG_E_CORRUPT, at, "fragments are not in the order of their keys");
        before = key;
        for (uint32_t k = 0; k < f.column_count; k++) {
            const uint32_t id_before = k == 0 ? 0 : c.id;
            WG_TRY(wg_arc1_column_decode(&cursor, &c, err));
            if (k != 0 && c.id <= id_before)
                return wg_error_set(err, WG_E_CORRUPT, at, "columns are not in the order of their ids");
            n.parts += c.part_count;
        }
        n.columns += f.column_count;
    }
    if (cursor.position != cursor.footer.size)
        return wg_error_set(err, WG_E_CORRUPT, cursor.footer_offset + cursor.position,
                            "the footer has bytes behind its last fragment");
    *out = n;
    return WG_OK;
}

static wg_value zone_value(const wg_arc1_column *c, wg_slice zone) {
    wg_value v = {.type = c->cell_type};
    if (wg_arc1_is_string(c->cell_type)) {
        v.as.s = (const char *)zone.data;
        v.size = (uint32_t)zone.size;
        return v;
    }
    const uint64_t cell = wg_load_u64le(zone.data);
    if (c->cell_type == WG_TYPE_LOCAL_DATETIME) return wg_value_of_micros(wg_i64_of_u64(cell));
    if (c->cell_type == WG_TYPE_BOOL) return wg_value_bool(cell != 0);
    v.as.id = cell; /* as.i and as.f are the same 8 bytes */
    return v;
}

static wg_fragment_column column_of(const wg_arc1_column *c) {
    wg_fragment_column column = {.id = c->id,
                                 .type = (wg_type)c->type,
                                 .null_count = c->null_count,
                                 .has_zone = c->has_zone,
                                 .stored_bytes = c->stored_bytes};
    if (c->has_zone) {
        column.min = zone_value(c, c->min);
        column.max = zone_value(c, c->max);
    }
    return column;
}

/* `at` is how much of the arrays was filled before. */
static wg_code fragment_fill(wg_stripe *s, wg_arc1_cursor *cursor, stripe_fragment *to, footer_counts *at,
                             wg_error *err) {
    const uint64_t first_column = at->columns;
    wg_arc1_fragment f;
    WG_TRY(wg_arc1_fragment_decode(cursor, &f, err));
    to->fragment = (wg_fragment){.head = {.key = key_of(&f), .version = f.version, .row_count = f.row_count},
                                 .column_count = f.column_count,
                                 .columns = s->columns + first_column,
                                 .stripe = s};
    memcpy(to->fragment.head.attributes, f.attributes, sizeof f.attributes);
    to->blocks = s->blocks + first_column;
    atomic_init(&to->generation, 1);
    for (uint32_t k = 0; k < f.column_count; k++) {
        stripe_block *block = &to->blocks[k];
        WG_TRY(wg_arc1_column_decode(cursor, &block->column, err));
        s->columns[first_column + k] = column_of(&block->column);
        atomic_init(&block->checked, 0);
        atomic_init(&block->admitted, 0);
        block->parts = s->parts + at->parts;
        at->parts += block->column.part_count;
        if (block->column.stored_bytes == 0) continue;
        if (to->end == 0) to->begin = block->column.offset;
        to->end = block->column.offset + block->column.stored_bytes;
    }
    at->columns += f.column_count;
    return WG_OK;
}

static wg_code footer_fill(wg_stripe *s, const footer_counts *counts, wg_error *err) {
    const size_t fragments = s->trailer.fragment_count, columns = (size_t)counts->columns;
    const size_t parts = (size_t)counts->parts;
    s->fragments = wg_alloc_zero(s->account, fragments * sizeof *s->fragments);
    s->columns = wg_alloc_zero(s->account, columns * sizeof *s->columns);
    s->blocks = wg_alloc_zero(s->account, columns * sizeof *s->blocks);
    s->parts = wg_alloc_zero(s->account, parts * sizeof *s->parts); /* nothing is checked or admitted */
    if (s->fragments == NULL || s->columns == NULL || s->blocks == NULL || s->parts == NULL)
        return wg_error_nomem(err, fragments * sizeof *s->fragments + columns * sizeof *s->blocks);
    wg_arc1_cursor cursor = cursor_of(s);
    footer_counts at = {0};
    for (size_t i = 0; i < fragments; i++) WG_TRY(fragment_fill(s, &cursor, &s->fragments[i], &at, err));
    return WG_OK;
}

/* ---- eviction */

/* With each page that is touched the kernel maps those of its file that lie in the same window of addresses, as far as it has them. */
enum { STRIPE_WINDOW_BYTES = 64 << 10 };

/* Pages of the fragment leave the process, and those that came with them: a neighbour that is in use reads its own again. Otherwise
 * what nobody has charged would outgrow what is. */
static void evict(wg_cache_entry *entry) {
    stripe_fragment *f = (stripe_fragment *)(void *)((uint8_t *)entry - offsetof(stripe_fragment, entry));
    const wg_stripe *s = f->fragment.stripe;
    atomic_fetch_add(&f->generation, 1); /* all that was admitted before is forgotten */
    if (f->end == 0) return;
    const uint64_t lead = (uint64_t)(uintptr_t)s->map % STRIPE_WINDOW_BYTES; /* of the map in its first window */
    const uint64_t window = (lead + f->begin) / STRIPE_WINDOW_BYTES * STRIPE_WINDOW_BYTES;
    const uint64_t begin = window > lead ? window - lead : 0;
    const uint64_t end = wg_align_up(lead + f->end, STRIPE_WINDOW_BYTES) - lead;
    const uint64_t last = wg_align_up(s->file_bytes, WG_ARC1_PAGE);
    s->platform->ops->advise(s->platform, s->map + begin, wg_min_u64(end, last) - begin, WG_ADVICE_DROP);
}

static void drop_range(const wg_stripe *s, uint64_t begin, uint64_t end) {
    begin = wg_align_up(begin, WG_ARC1_PAGE);
    if (begin < end) s->platform->ops->advise(s->platform, s->map + begin, end - begin, WG_ADVICE_DROP);
}

/* One range between any two fragments that are charged: of a stripe that nobody reads, one call. */
void wg_stripe_drop_pages(const wg_stripe *stripe, bool everything) {
    uint64_t from = 0;
    for (uint32_t i = 0; !everything && i < stripe->registered; i++) {
        const stripe_fragment *f = &stripe->fragments[i];
        const uint8_t residency = atomic_load_explicit(&f->entry.residency, memory_order_relaxed);
        if (f->end == 0 || residency > (uint8_t)WG_L1_CPU_WARM) continue;
        drop_range(stripe, from, f->begin & ~(uint64_t)(WG_ARC1_PAGE - 1));
        from = wg_max_u64(from, f->end);
    }
    drop_range(stripe, from, wg_align_up(stripe->file_bytes, WG_ARC1_PAGE));
}

static void register_fragments(wg_stripe *s) {
    for (uint32_t i = 0; s->cache != NULL && i < s->trailer.fragment_count; i++) {
        wg_cache_register(s->cache, &s->fragments[i].entry, WG_L3_SSD_LOCAL, evict);
        s->registered++;
    }
}

/* ---- open and close */

static wg_code map_file(wg_stripe *s, wg_error *err) {
    wg_platform *p = s->platform;
    wg_file *file = NULL;
    wg_file_info info = {0};
    const void *map = NULL;
    WG_TRY(p->ops->open(p, s->path, WG_OPEN_READ, &file, err));
    wg_code code = p->ops->file_info(p, file, &info, err);
    if (code == WG_OK && (info.is_directory || info.size < WG_ARC1_HEADER_BYTES + WG_ARC1_TRAILER_BYTES))
        code =
            wg_error_set(err, WG_E_CORRUPT, info.size, "%llu bytes are no ARC1 file", (unsigned long long)info.size);
    if (code == WG_OK) code = p->ops->map(p, file, info.size, &map, err);
    p->ops->close(p, file);
    WG_TRY(code);
    s->map = map;
    s->file_bytes = info.size;
    return WG_OK;
}

static wg_code read_ends(wg_stripe *s, uint64_t id, const uint8_t uuid[16], wg_error *err) {
    const wg_slice file = wg_slice_of(s->map, (size_t)s->file_bytes);
    WG_TRY(wg_arc1_header_decode(file, &s->header, err));
    if (memcmp(s->header.store_uuid, uuid, 16) != 0)
        return wg_error_set(err, WG_E_CORRUPT, 0, "belongs to another store");
    if (s->header.stripe_id != id)
        return wg_error_set(err, WG_E_CORRUPT, 0, "is stripe %llu by its header",
                            (unsigned long long)s->header.stripe_id);
    return wg_arc1_trailer_decode(file, &s->header, &s->trailer, err);
}

wg_code wg_stripe_open(wg_platform *platform, const char *dir, uint64_t id, const uint8_t store_uuid[16],
                       wg_cache *cache, wg_account *account, wg_stripe **out, wg_error *err) {
    wg_stripe *s = wg_alloc_zero(account, sizeof *s);
    if (s == NULL) return wg_error_nomem(err, sizeof *s);
    s->platform = platform;
    s->cache = cache;
    s->account = account;
    s->serial = atomic_fetch_add(&serials, 1) + 1;
    wg_mutex_init(&s->mutex, WG_RANK_STRIPE);
    footer_counts counts = {0};
    wg_code code;
    WG_TRY_GOTO(wg_stripe_path(dir, id, s->path, sizeof s->path, err));
    WG_TRY_GOTO(map_file(s, err));
    WG_TRY_GOTO(read_ends(s, id, store_uuid, err));
    WG_TRY_GOTO(footer_count(s, &counts, err));
    WG_TRY_GOTO(footer_fill(s, &counts, err));
    register_fragments(s);
    /* The kernel maps neighbours of each page that is read: of many stripes their ends alone would add up. */
    if (cache != NULL) wg_stripe_drop_pages(s, true);
    *out = s;
    return WG_OK;
fail:
    code = code == WG_E_CORRUPT || code == WG_E_VERSION ? wgi_stripe_error(s, code, err) : code;
    wg_stripe_close(s);
    return code;
}

void wg_stripe_close(wg_stripe *stripe) {
    if (stripe == NULL) return;
    for (uint64_t i = 0; i < stripe->registered; i++) wg_cache_unregister(stripe->cache, &stripe->fragments[i].entry);
    if (stripe->map != NULL) stripe->platform->ops->unmap(stripe->platform, stripe->map, stripe->file_bytes);
    wg_mutex_deinit(&stripe->mutex);
    wg_free(stripe->fragments);
    wg_free(stripe->columns);
    wg_free(stripe->blocks);
    wg_free(stripe->parts);
    wg_free(stripe);
}

uint64_t wg_stripe_id(const wg_stripe *stripe) { return stripe->header.stripe_id; }
uint64_t wg_stripe_file_bytes(const wg_stripe *stripe) { return stripe->file_bytes; }
uint32_t wg_stripe_fragment_count(const wg_stripe *stripe) { return stripe->trailer.fragment_count; }

const wg_fragment *wg_stripe_fragment(const wg_stripe *stripe, uint32_t i) {
    WG_ASSERT(i < stripe->trailer.fragment_count);
    return &stripe->fragments[i].fragment;
}

uint32_t wg_fragment_column_of(const wg_fragment *fragment, uint32_t id) {
    uint32_t low = 0, high = fragment->column_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (fragment->columns[middle].id < id) low = middle + 1;
        else high = middle;
    }
    return low < fragment->column_count && fragment->columns[low].id == id ? low : UINT32_MAX;
}

wg_cache_entry *wg_fragment_cache_entry(const wg_fragment *fragment) { return &stripe_fragment_of(fragment)->entry; }
