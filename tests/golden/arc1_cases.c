/* See arc1_cases.h. A case is a type; its columns are all shapes of cells that make the writer choose different encodings, each with
 * each pattern of nulls. Numbers are made by a fixed recurrence, so the bytes never change. */
#include "tests/golden/arc1_cases.h"

#include <stdio.h>

#include "base/digest/digest.h"
#include "io/segment/segment.h"

const uint8_t arc1_golden_store[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                       0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

typedef enum shape { CONSTANT, SEQUENCE, SMALL, WIDE, RUNS, FEW, RISING, SHAPES } shape;
typedef enum nulls { NONE, SOME, ENDS, ALL, PATTERNS } nulls;
enum { ROWS = 23, KIND_ROWS = 3, COLUMNS_MAX = SHAPES * PATTERNS };

/* Columns under way. */
typedef struct table {
    wg_arena arena;
    wg_column columns[COLUMNS_MAX];
    wg_stripe_column stored[COLUMNS_MAX];
    uint32_t count;
    bool ok;
} table;

static void table_begin(table *t) {
    memset(t, 0, sizeof *t);
    wg_arena_init(&t->arena, NULL);
    t->ok = true;
}
static void table_end(table *t) {
    for (uint32_t i = 0; i < t->count; i++) wg_column_deinit(&t->columns[i]);
    wg_arena_deinit(&t->arena);
}
static wg_column *table_add(table *t, uint32_t id, wg_type type) {
    wg_column *c = &t->columns[t->count];
    wg_column_init(c, type, &t->arena, NULL);
    t->stored[t->count++].id = id;
    return c;
}
static void table_view(table *t) {
    for (uint32_t i = 0; i < t->count; i++) t->stored[i].vector = wg_column_view(&t->columns[i]);
}

/* A 64-bit linear congruential step (Knuth's constants); only its high bits are used. */
static uint64_t step(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 16 ^ *state << 48;
}

static uint64_t number(shape s, uint32_t i, uint64_t *state) {
    const uint64_t r = step(state);
    switch (s) {
        case CONSTANT:
            return 7;
        case SEQUENCE:
            return 100 - 3 * (uint64_t)i;
        case SMALL:
            return 1000 + r % 100;
        case WIDE:
            return r;
        case RUNS:
            return (uint64_t)(i / 12) * UINT64_C(0x9e3779b97f4a7c15);
        case FEW:
            return r % 5 * UINT64_C(0x9e3779b97f4a7c15);
        case RISING:
            return (UINT64_C(1) << 60) + i * UINT64_C(1000000000000000) + r % 50;
        case SHAPES:
            break;
    }
    return 0;
}

static bool append_text(wg_column *c, shape s, uint64_t n, uint32_t i) {
    static const char *const words[] = {"red", "", "gr\xc3\xbcn", "blue", "\xf0\x9f\x8c\x8d"};
    char text[256];
    int size = snprintf(text, sizeof text, "%llu", (unsigned long long)(n % 1000000007));
    if (s == CONSTANT) size = snprintf(text, sizeof text, "always");
    if (s == FEW || s == RUNS) size = snprintf(text, sizeof text, "%s", words[n % 5]);
    if (s == SEQUENCE)
        size = snprintf(text, sizeof text, "%0*u\xc3\xa9\xc3\xa9%u", 61 + (int)(i % 3), 9, i); /* long */
    if (s == SMALL) size = (int)(i % 3);
    if (c->type == WG_TYPE_BYTES && s == WIDE) memcpy(text, &n, (size_t)(size = 8));
    return wg_column_append_str(c, (wg_str){text, (uint64_t)size});
}

/* Values of one type in some shapes, of many in others. */
static bool append_any(wg_column *c, shape s, uint64_t n, uint32_t i) {
    wg_value items[3] = {wg_value_int((int64_t)(n % 1000)), wg_value_null(), wg_value_bool(true)};
    const wg_map_entry entries[2] = {{"a", 1, items[0]}, {"b", 1, items[2]}};
    wg_value v = wg_value_int(wg_i64_of_u64(n));
    const uint32_t pick = s == WIDE ? i % 8 : s == RUNS ? (i / 12) % 2 : 0;
    if (s == RISING) v = wg_value_float((double)i / 4);
    if (s == FEW) v = wg_value_str(wg_slice_str(n % 5 == 0 ? "zero" : "more"));
    if (s == SMALL) v = wg_value_bool(n % 2 == 0);
    if (pick == 1) v = wg_value_str(wg_slice_str("text"));
    if (pick == 2) v = (wg_value){.type = WG_TYPE_LIST, .size = 3, .as.list = items};
    if (pick == 3) v = (wg_value){.type = WG_TYPE_MAP, .size = 2, .as.map = entries};
    if (pick == 4) v = wg_value_of_micros((int64_t)(n % 1000000000000));
    if (pick == 5) v = (wg_value){.type = WG_TYPE_TIME, .size = 3600, .as.i = 1000};
    if (pick == 6) v = (wg_value){.type = WG_TYPE_DATE, .as.i = (int64_t)(n % 20000)};
    if (pick == 7) v = wg_value_float(0.5);
    return wg_column_append_value(c, &v);
}

static bool append(wg_column *c, shape s, uint32_t i, uint64_t *state) {
    const uint64_t n = number(s, i, state);
    if (c->type == WG_TYPE_BOOL) return wg_column_append_bool(c, s != CONSTANT && n % 2 == 0);
    if (c->type == WG_TYPE_FLOAT) {
        const double f = s == WIDE && i == 11    ? -0.0
                         : s == RISING && i == 5 ? __builtin_nan("")
                                                 : (double)(n >> 12) / 8;
        return wg_column_append_f64(c, f);
    }
    if (c->type == WG_TYPE_NODE) return wg_column_append_id(c, n);
    if (c->type == WG_TYPE_STRING || c->type == WG_TYPE_BYTES) return append_text(c, s, n, i);
    if (c->type == WG_TYPE_ANY) return append_any(c, s, n, i);
    if (c->type == WG_TYPE_DATE) return wg_column_append_i64(c, (int64_t)(n % 40000) - 20000);
    if (c->type == WG_TYPE_LOCAL_TIME) return wg_column_append_i64(c, (int64_t)(n % UINT64_C(86400000000000)));
    if (c->type == WG_TYPE_LOCAL_DATETIME) return wg_column_append_i64(c, (int64_t)(n % UINT64_C(4000000000000000)));
    return wg_column_append_i64(c, wg_i64_of_u64(n));
}

static void fill(table *t, wg_column *c, shape s, nulls pattern, uint32_t rows) {
    uint64_t state = (uint64_t)c->type * 1000 + (uint64_t)s * 10 + (uint64_t)pattern;
    for (uint32_t i = 0; i < rows; i++) {
        const bool null = pattern == ALL || (pattern == SOME && step(&state) % 3 == 0) ||
                          (pattern == ENDS && (i < 2 || i + 1 == rows));
        t->ok = t->ok && (null ? wg_column_append_null(c) : append(c, s, i, &state));
    }
}

static void fill_all(table *t, wg_type type, uint32_t patterns, uint32_t rows) {
    for (uint32_t s = 0; s < SHAPES; s++)
        for (uint32_t n = 0; n < patterns; n++)
            if (n != ALL || s == CONSTANT) fill(t, table_add(t, s * 10 + n, type), (shape)s, (nulls)n, rows);
}

static wg_code add(wg_stripe_writer *w, table *t, wg_fragment_key key, wg_error *err) {
    wg_fragment_head head = {.key = key, .version = 40 + key.slot, .row_count = t->columns[0].row_count};
    for (uint32_t i = 0; i < WG_FRAGMENT_ATTRIBUTES; i++) head.attributes[i] = key.slot * 1000 + i;
    table_view(t);
    return t->ok ? wg_stripe_add(w, &head, t->stored, t->count, err) : wg_error_nomem(err, 1);
}

static wg_code write_type(wg_stripe_writer *w, wg_type type, uint32_t patterns, wg_error *err) {
    static table t;
    table_begin(&t);
    fill_all(&t, type, patterns, ROWS);
    const wg_code code = add(w, &t, (wg_fragment_key){.kind = WG_KIND_ROWS, .owner = (uint32_t)type}, err);
    table_end(&t);
    return code;
}

/* Groups of DELTA and long runs; strings that make the fragment begin at a page; then few rows, one, none. */
static wg_code write_large(wg_stripe_writer *w, wg_error *err) {
    static const uint32_t rows[] = {1100, 9, 3, 1, 0};
    static table t;
    wg_code code = WG_OK;
    for (uint64_t slot = 0; code == WG_OK && slot < 5; slot++) {
        table_begin(&t);
        fill(&t, table_add(&t, 1, WG_TYPE_INT), RISING, SOME, rows[slot]);
        wg_column *runs = table_add(&t, 2, WG_TYPE_BOOL);
        for (uint32_t i = 0; i < rows[slot]; i++) t.ok = t.ok && wg_column_append_bool(runs, i / 500 % 2 == 0);
        wg_column *texts = slot == 0 ? NULL : table_add(&t, 3, WG_TYPE_STRING);
        for (uint32_t i = 0; texts != NULL && i < rows[slot]; i++) {
            char text[2048];
            const int size = snprintf(text, sizeof text, "%01900u", i);
            t.ok = t.ok && wg_column_append_str(texts, (wg_str){text, (uint64_t)size});
        }
        code = add(w, &t, (wg_fragment_key){.kind = WG_KIND_ROWS, .slot = slot}, err);
        table_end(&t);
    }
    return code;
}

/* One fragment of each kind with its heads, and two that nobody knows; a fragment without columns. */
static wg_code write_kinds(wg_stripe_writer *w, wg_error *err) {
    static table t;
    wg_code code = WG_OK;
    for (uint32_t kind = WG_KIND_CATALOG; code == WG_OK && kind <= WG_KIND_ADJACENCY + 1; kind++)
        for (uint32_t part = 0; code == WG_OK && part < 2; part++) {
            const wg_fragment_key key = {kind, kind * 2, kind == WG_KIND_KEYS ? UINT64_C(1) << 40 : 0, kind, part};
            table_begin(&t);
            for (uint32_t id = WG_COLUMN_ROW; kind == WG_KIND_ROWS && id <= WG_COLUMN_TO; id++)
                fill(&t, table_add(&t, id, WG_TYPE_NODE), (shape)((id + part) % SHAPES), NONE, KIND_ROWS);
            if (kind != WG_KIND_ROWS) {
                fill(&t, table_add(&t, WG_COLUMN_LOGSEQ, WG_TYPE_NODE), RISING, NONE, KIND_ROWS);
                fill(&t, table_add(&t, WG_COLUMN_PAYLOAD, WG_TYPE_BYTES), WIDE, NONE, KIND_ROWS);
            }
            code = add(w, &t, key, err);
            table_end(&t);
        }
    const wg_fragment_head empty = {.key = {.kind = UINT32_MAX, .owner = 1}, .version = UINT64_MAX, .row_count = 9};
    return code == WG_OK ? wg_stripe_add(w, &empty, NULL, 0, err) : code;
}

/* Texts of several parts with characters of 1 to 4 bytes, some of which lie across a seam; long words; a short column. */
static wg_code write_parts(wg_stripe_writer *w, wg_error *err) {
    static const char *const characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8c\x8d"};
    enum { PARTS_ROWS = 60, CHARACTERS = 560 };
    static table t;
    table_begin(&t);
    wg_column *texts = table_add(&t, 1, WG_TYPE_STRING);
    wg_column *words = table_add(&t, 2, WG_TYPE_BYTES);
    fill(&t, table_add(&t, 3, WG_TYPE_INT), RISING, SOME, PARTS_ROWS);
    uint64_t state = 16;
    for (uint32_t i = 0; i < PARTS_ROWS; i++) {
        char text[4 * CHARACTERS];
        size_t size = 0;
        for (uint32_t k = 0; k < CHARACTERS; k++) {
            const char *c = characters[step(&state) % 4];
            memcpy(text + size, c, strlen(c));
            size += strlen(c);
        }
        t.ok =
            t.ok && (i % 9 == 4 ? wg_column_append_null(texts) : wg_column_append_str(texts, (wg_str){text, size}));
        const int length = snprintf(text, sizeof text, "%0*u", 300 + (int)(i % 3), i % 3);
        t.ok = t.ok && wg_column_append_str(words, (wg_str){text, (uint64_t)length});
    }
    const wg_code code = add(w, &t, (wg_fragment_key){.kind = WG_KIND_ROWS, .owner = 3}, err);
    table_end(&t);
    return code;
}

static wg_stripe_column numbers(uint32_t id, const uint64_t *cells) {
    return (wg_stripe_column){id, {.type = WG_TYPE_NODE, .data = cells}};
}

static wg_stripe_column texts(uint32_t id, const wg_str *cells) {
    return (wg_stripe_column){id, {.type = WG_TYPE_BYTES, .data = cells}};
}

/* Run 1 and its fork 2; what commits 8 and 9 of the log brought. */
static wg_code write_runs(wg_stripe_writer *w, wg_error *err) {
    static const uint64_t runs[3] = {0, 1, 2}, versions[3] = {1, 5, 4}, eights[3] = {8, 9, 9};
    uint8_t origins[3][29] = {{0}};
    wg_str rows[3];
    for (uint32_t i = 0; i < 3; i++) rows[i] = (wg_str){(const char *)origins[i], sizeof origins[i]};
    wg_store_u64le(origins[1] + 21, 2);
    wg_store_u32le(origins[2], 1);
    wg_store_u64le(origins[2] + 5, 4);
    const wg_stripe_column list[] = {numbers(WG_COLUMN_ID, runs), texts(WG_COLUMN_PAYLOAD, rows),
                                     numbers(WG_COLUMN_VERSION, versions)};
    const wg_fragment_head runs_head = {
        .key = {.kind = WG_KIND_RUNS}, .version = 9, .row_count = 3, .attributes = {3}};
    WG_TRY(wg_stripe_add(w, &runs_head, list, 3, err));
    const wg_stripe_column notes[] = {numbers(WG_COLUMN_ID, runs), numbers(WG_COLUMN_LOGSEQ, eights),
                                      numbers(WG_COLUMN_VERSION, versions)};
    const wg_fragment_head notes_head = {.key = {.kind = WG_KIND_RUNS, .owner = 1}, .version = 9, .row_count = 3};
    return wg_stripe_add(w, &notes_head, notes, 3, err);
}

/* Two records of one key, and a deletion. */
static wg_code write_records(wg_stripe_writer *w, wg_error *err) {
    static const uint64_t of_records[3] = {3, 1, 2}, times[3] = {1000003, 1000001, 1000002}, types[3] = {4, 4, 255};
    static const uint64_t expires[3] = {0, 2000000, 0};
    static const wg_str keys[3] = {{"colour", 6}, {"colour", 6}, {"size", 4}},
                        values[3] = {{"blue", 4}, {"red", 3}, {NULL, 0}};
    const wg_stripe_column records[] = {texts(WG_COLUMN_PAYLOAD, values), numbers(WG_COLUMN_VERSION, of_records),
                                        numbers(WG_COLUMN_TIME, times),   numbers(WG_COLUMN_VALUE_TYPE, types),
                                        texts(WG_COLUMN_KEY, keys),       numbers(WG_COLUMN_EXPIRES, expires)};
    const wg_fragment_head state_head = {
        .key = {.kind = WG_KIND_STATE, .owner = 1}, .version = 9, .row_count = 3, .attributes = {5}};
    return wg_stripe_add(w, &state_head, records, 6, err);
}

/* Two events with their chain. The first is the example of docs/format/events.md; the second says the same a second later. */
static wg_code write_events(wg_stripe_writer *w, wg_error *err) {
    uint8_t message[32 + 8 + 8 + 4 + 10 + 1 + 8 + 8] = {0}, one[8] = {1};
    wg_sha256 chain[2] = {{{0}}, {{0}}};
    for (uint64_t i = 0; i < 2; i++) {
        if (i > 0) memcpy(message, chain[0].bytes, 32);
        wg_store_u64le(message + 32, i);
        wg_store_u64le(message + 40, 1000000 * (i + 1));
        wg_store_u32le(message + 48, 10);
        memcpy(message + 52, "test_event", 10);
        message[62] = 2;
        wg_store_u64le(message + 63, 8);
        memcpy(message + 71, one, 8);
        const wg_slice part = wg_slice_of(message, sizeof message);
        wg_sha256_of(&part, 1, &chain[i]);
    }
    static const uint64_t of_events[2] = {4, 5}, event_times[2] = {1000000, 2000000}, ints[2] = {2, 2};
    static const wg_str names[2] = {{"test_event", 10}, {"test_event", 10}};
    const wg_str payloads[2] = {{(const char *)one, 8}, {(const char *)one, 8}};
    const wg_str digests[2] = {{(const char *)chain[0].bytes, 32}, {(const char *)chain[1].bytes, 32}};
    const wg_stripe_column events[] = {texts(WG_COLUMN_PAYLOAD, payloads),   numbers(WG_COLUMN_VERSION, of_events),
                                       numbers(WG_COLUMN_TIME, event_times), texts(WG_COLUMN_TYPE, names),
                                       numbers(WG_COLUMN_VALUE_TYPE, ints),  texts(WG_COLUMN_DIGEST, digests)};
    const wg_fragment_head events_head = {.key = {.kind = WG_KIND_EVENTS, .owner = 1},
                                          .version = 9,
                                          .row_count = 2,
                                          .attributes = {0, 4, 5, 1000000, 2000000}};
    return wg_stripe_add(w, &events_head, events, 6, err);
}

static wg_code write_agents(wg_stripe_writer *w, wg_error *err) {
    WG_TRY(write_runs(w, err));
    WG_TRY(write_records(w, err));
    return write_events(w, err);
}

static wg_code write_case(wg_stripe_writer *w, uint64_t id, wg_error *err) {
    static const wg_type types[] = {WG_TYPE_BOOL,  WG_TYPE_INT,  WG_TYPE_FLOAT,      WG_TYPE_STRING,
                                    WG_TYPE_BYTES, WG_TYPE_DATE, WG_TYPE_LOCAL_TIME, WG_TYPE_LOCAL_DATETIME,
                                    WG_TYPE_NODE,  WG_TYPE_ANY};
    const bool like_others = id >= 5 && id <= 9; /* in what nulls do to them */
    if (id <= 10) return write_type(w, types[id - 1], like_others ? 2 : PATTERNS, err);
    if (id == 12) return write_kinds(w, err);
    if (id == 13) return write_large(w, err);
    if (id == 14) return WG_OK; /* no fragment at all */
    if (id == ARC1_GOLDEN_PARTS) return write_parts(w, err);
    if (id == ARC1_GOLDEN_AGENTS) return write_agents(w, err);
    static const wg_type some[] = {WG_TYPE_BOOL, WG_TYPE_INT, WG_TYPE_STRING, WG_TYPE_ANY};
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) WG_TRY(write_type(w, some[i], 2, err));
    return WG_OK;
}

const char *arc1_golden_folder(uint64_t id) {
    if (id == ARC1_GOLDEN_AGENTS) return "tests/golden/arc1-v1-agents";
    return id == ARC1_GOLDEN_PARTS ? "tests/golden/arc1-v1.1" : "tests/golden/arc1-v1";
}

wg_code arc1_golden_write(wg_platform *platform, const char *dir, uint64_t id, wg_error *err) {
    wg_stripe_options options = {.zstd = id == ARC1_GOLDEN_ZSTD, .plain = id == ARC1_GOLDEN_PLAIN};
    if (id == ARC1_GOLDEN_PARTS) options.parts_from = 1;
    memcpy(options.store_uuid, arc1_golden_store, 16);
    wg_stripe_writer *w;
    uint64_t bytes;
    WG_TRY(wg_stripe_create(platform, dir, id, &options, &w, err));
    const wg_code code = write_case(w, id, err);
    if (code == WG_OK) return wg_stripe_finish(w, &bytes, err);
    wg_stripe_abort(w);
    return code;
}

static bool append_line(void *ctx, wg_slice line) {
    wg_buf *out = ctx;
    return wg_buf_append(out, line.data, line.size) && wg_buf_append_u8(out, '\n');
}

wg_code arc1_golden_dump(wg_platform *platform, const char *dir, uint64_t id, wg_buf *out, wg_error *err) {
    wg_stripe *stripe;
    WG_TRY(wg_stripe_open(platform, dir, id, arc1_golden_store, NULL, NULL, &stripe, err));
    wg_code code = wg_stripe_check(stripe, err);
    if (code == WG_OK) code = wg_stripe_dump(stripe, true, append_line, out, err);
    wg_stripe_close(stripe);
    return code;
}
