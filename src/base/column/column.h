/* base/column: the one in-memory shape of data: vectors of typed cells, and batches of vectors.
 *
 * Arrow's layout with two stated differences (ADR 0003): STRING and BYTES are arrays of 16-byte wg_str cells that point
 * at their bytes (so that a decoded page or a fragment is used in place), and BOOL is a byte a row. Both are converted
 * at the Arrow border. Validity is Arrow's bitmap: bit 1 = present, least significant bit first, NULL = all present.
 *
 *   physical cell        types
 *   uint8_t   (0 or 1)   BOOL
 *   int64_t              INT, DATE (days), LOCAL_TIME (ns), LOCAL_DATETIME (microseconds since 1970)
 *   double               FLOAT
 *   wg_str               STRING, BYTES
 *   uint64_t             NODE, EDGE (ids)
 *   wg_value             ANY, LIST, MAP, and every other type
 *
 * Buffers are 64-byte aligned and padded to a multiple of 64 bytes, so that a vector load past the last row stays
 * inside. In a wg_value inside the engine NODE and EDGE hold as.id; they become objects when a result is built. A PATH
 * holds as.list with `size` elements: node, edge, node, ..., node. A POINT holds as.list with its 2 or 3 FLOAT coordinates
 * (geographic ones: longitude, latitude, height), and the number of its coordinate system in the 24 reserved bits. */
#ifndef WG_BASE_COLUMN_H
#define WG_BASE_COLUMN_H

#include "base/core/core.h"
#include "base/memory/memory.h"
#include "base/text/text.h"
#include "base/zones/zones.h"

enum { WG_BATCH_ROWS_MAX = 2048 };

enum { WG_VALUE_DEPTH_MAX = 64 }; /* lists and maps inside one another */

typedef struct wg_str {
    const char *data; /* NULL allowed when size is 0 */
    uint64_t size;
} wg_str;

static inline wg_slice wg_slice_of_str(wg_str s) { return wg_slice_of(s.data, s.size); }
static inline wg_str wg_str_of_slice(wg_slice s) { return (wg_str){(const char *)s.data, s.size}; }

typedef enum wg_physical {
    WG_PHYSICAL_BOOL,
    WG_PHYSICAL_I64,
    WG_PHYSICAL_F64,
    WG_PHYSICAL_STR,
    WG_PHYSICAL_ID,
    WG_PHYSICAL_VALUE
} wg_physical;

wg_physical wg_type_physical(wg_type type);
size_t wg_physical_bytes(wg_physical physical); /* of one cell */

typedef enum wg_vector_kind {
    WG_VECTOR_FLAT,  /* one cell a row */
    WG_VECTOR_CONST, /* data[0] (and validity bit 0) stands for every row */
    WG_VECTOR_DICT   /* row i is dictionary cell codes[i]; row validity is `valid`, dictionary cells are never null */
} wg_vector_kind;

/* A borrowed view; who produced it says how long it lives. */
typedef struct wg_vector {
    wg_type type;
    wg_vector_kind kind;
    const uint8_t *valid;
    const void *data;      /* FLAT, CONST: cells. DICT: dictionary cells */
    const uint32_t *codes; /* DICT only */
    uint32_t dict_size;    /* DICT only */
} wg_vector;

/* Up to WG_BATCH_ROWS_MAX rows of parallel vectors. With `sel` only rows sel[0..row_count) count, ascending; without it
 * rows 0..row_count. `row_base` is the position of the first row in its source, for ids and order keys. */
typedef struct wg_batch {
    uint32_t row_count;
    uint32_t column_count;
    const wg_vector *columns;
    const uint16_t *sel;
} wg_batch;

static inline uint32_t wg_batch_row(const wg_batch *batch, uint32_t i) { return batch->sel ? batch->sel[i] : i; }

static inline bool wg_vector_is_valid(const wg_vector *v, uint32_t row) {
    return v->valid == NULL || wg_bit_get(v->valid, v->kind == WG_VECTOR_CONST ? 0 : row);
}
/* Index into `data` of a row. */
static inline uint32_t wg_vector_cell(const wg_vector *v, uint32_t row) {
    return v->kind == WG_VECTOR_FLAT ? row : v->kind == WG_VECTOR_CONST ? 0 : v->codes[row];
}
/* The microsecond cell of a LOCAL_DATETIME and back. False when out of range; *out_exact (may be NULL) says whether no
 * nanoseconds were cut off. */
bool wg_micros_of_datetime(int64_t seconds, uint32_t ns, int64_t *out_micros, bool *out_exact);
wg_value wg_value_of_micros(int64_t micros);
/* Reads one cell of any vector as a value (NULL when absent); strings are borrowed. */
wg_value wg_vector_value(const wg_vector *v, uint32_t row);

/* An owned, growable or fixed column that is written row after row and read through wg_column_view. */
typedef struct wg_column {
    wg_type type;
    uint32_t row_count;
    uint32_t capacity;
    uint32_t null_count;
    uint8_t *valid; /* allocated at the first null */
    void *data;
    wg_arena *strings; /* where appended strings, lists and maps are copied; NULL: they are borrowed */
    wg_account *account;
    bool is_lent; /* data and valid are in `strings` */
} wg_column;

void wg_column_init(wg_column *column, wg_type type, wg_arena *strings, wg_account *account);
/* The same with room for `rows` rows in `strings` (not NULL), whose owner resets it; more rows are allocated. False when out of memory. */
bool wg_column_init_lent(wg_column *column, wg_type type, wg_arena *strings, wg_account *account, uint32_t rows);
void wg_column_deinit(wg_column *column);
void wg_column_clear(wg_column *column); /* keeps buffers */
/* Makes room for `rows` more rows. False when out of memory. */
bool wg_column_reserve(wg_column *column, uint32_t rows);
/* Appends; false when out of memory. Values of a type that the column cannot hold are a programmer error, except that
 * an INT may be appended to a FLOAT column. A column with wg_value cells takes every value but NODE and EDGE ids through
 * the typed calls too. LOCAL_DATETIME cells hold microseconds: nanoseconds below are cut off towards the past, seconds
 * outside WG_SECONDS_MIN..MAX do not fit. */
bool wg_column_append_null(wg_column *column);
bool wg_column_append_bool(wg_column *column, bool v);
bool wg_column_append_i64(wg_column *column, int64_t v);
bool wg_column_append_f64(wg_column *column, double v);
bool wg_column_append_str(wg_column *column, wg_str v);
bool wg_column_append_id(wg_column *column, uint64_t v);
bool wg_column_append_value(wg_column *column, const wg_value *v);
/* Appends row `row` of a vector. */
bool wg_column_append_cell(wg_column *column, const wg_vector *v, uint32_t row);
wg_vector wg_column_view(const wg_column *column);

/* ---- values */

static inline wg_value wg_value_null(void) { return (wg_value){.type = WG_TYPE_NULL}; }
static inline wg_value wg_value_bool(bool b) {
    wg_value v = {.type = WG_TYPE_BOOL};
    v.as.b = b;
    return v;
}
static inline wg_value wg_value_int(int64_t i) {
    wg_value v = {.type = WG_TYPE_INT};
    v.as.i = i;
    return v;
}
static inline wg_value wg_value_float(double f) {
    wg_value v = {.type = WG_TYPE_FLOAT};
    v.as.f = f;
    return v;
}
static inline wg_value wg_value_str(wg_slice s) {
    wg_value v = {.type = WG_TYPE_STRING, .size = (uint32_t)s.size};
    v.as.s = (const char *)s.data;
    return v;
}
static inline wg_slice wg_value_slice(const wg_value *v) { return wg_slice_of(v->as.s, v->size); }

/* A DATETIME keeps its offset from UTC, in seconds, in the 24 reserved bits; or WG_ZONE_BASE + the number of its time zone (base/zones). */
enum { WG_ZONE_BASE = 1 << 20 };
static inline int32_t wg_datetime_place(const wg_value *v) {
    const uint32_t bits = (uint32_t)v->reserved[0] | (uint32_t)v->reserved[1] << 8 | (uint32_t)v->reserved[2] << 16;
    return (int32_t)(bits ^ 0x800000u) - 0x800000;
}
static inline bool wg_datetime_has_zone(const wg_value *v) { return wg_datetime_place(v) >= WG_ZONE_BASE; }
static inline uint32_t wg_datetime_zone(const wg_value *v) { return (uint32_t)(wg_datetime_place(v) - WG_ZONE_BASE); }
static inline int32_t wg_datetime_offset(const wg_value *v) {
    return wg_datetime_has_zone(v) ? wg_zone_offset(wg_datetime_zone(v), v->as.i) : wg_datetime_place(v);
}
/* `place`: an offset, or WG_ZONE_BASE + zone. */
static inline wg_value wg_value_datetime(int64_t utc_seconds, uint32_t ns, int32_t place) {
    const uint32_t bits = (uint32_t)place;
    wg_value v = {.type = WG_TYPE_DATETIME, .size = ns};
    for (int i = 0; i < 3; i++) v.reserved[i] = (uint8_t)(bits >> (8 * i));
    v.as.i = utc_seconds;
    return v;
}

/* Coordinate systems of points, by the numbers that Cypher gives them. */
enum { WG_SRID_WGS84 = 4326, WG_SRID_WGS84_3D = 4979, WG_SRID_CARTESIAN = 7203, WG_SRID_CARTESIAN_3D = 9157 };
static inline uint32_t wg_point_srid(const wg_value *v) {
    return (uint32_t)v->reserved[0] | (uint32_t)v->reserved[1] << 8 | (uint32_t)v->reserved[2] << 16;
}
static inline bool wg_srid_is_geographic(uint32_t srid) { return srid == WG_SRID_WGS84 || srid == WG_SRID_WGS84_3D; }
/* 2 or 3; 0: there is no such system. */
static inline uint32_t wg_srid_dimensions(uint32_t srid) {
    if (srid == WG_SRID_WGS84 || srid == WG_SRID_CARTESIAN) return 2;
    return srid == WG_SRID_WGS84_3D || srid == WG_SRID_CARTESIAN_3D ? 3 : 0;
}
/* `coordinates`: wg_srid_dimensions(srid) FLOATs, borrowed. */
static inline wg_value wg_value_point(uint32_t srid, const wg_value *coordinates) {
    wg_value v = {.type = WG_TYPE_POINT, .size = wg_srid_dimensions(srid)};
    for (int i = 0; i < 3; i++) v.reserved[i] = (uint8_t)(srid >> (8 * i));
    v.as.list = coordinates;
    return v;
}
/* "wgs-84", "wgs-84-3d", "cartesian", "cartesian-3d"; NULL for another number. */
const char *wg_srid_name(uint32_t srid);
/* A known system, as many FLOAT coordinates as it has, all finite, longitude within 180 and latitude within 90 degrees. */
bool wg_point_valid(const wg_value *v);

/* Deep copy into an arena; false when out of memory. */
bool wg_value_copy(wg_arena *arena, const wg_value *from, wg_value *out);
/* openCypher orderability, total: MAP < NODE < EDGE < LIST < PATH < POINT < temporal types < STRING < BOOL < numbers < NaN <
 * NULL; numbers compare exactly across INT and FLOAT; -0.0 equals 0.0. Returns <0, 0, >0. Settled here: temporal types
 * LOCAL_DATETIME < DATE < TIME < LOCAL_TIME; BYTES follow STRING; a TIME is ordered by its instant in UTC, then by its
 * offset; lists by elements, a prefix first; maps by size, then keys, then values; points by srid, then coordinates. */
int wg_value_order(const wg_value *a, const wg_value *b);
/* openCypher equality, three-valued: 1 true, 0 false, -1 null. */
int wg_value_equal(const wg_value *a, const wg_value *b);
/* Equivalence as grouping and DISTINCT see it: null equals null, NaN equals NaN, 1 equals 1.0. Agrees with the hash. */
bool wg_value_equivalent(const wg_value *a, const wg_value *b);
uint64_t wg_value_hash(const wg_value *v);
/* ISO 8601 text of a DATETIME, with its zone's name in brackets when it has one. Returns the length. */
enum { WG_DATETIME_TEXT_MAX = 160 };
size_t wg_value_format_datetime(const wg_value *v, char out[WG_DATETIME_TEXT_MAX]);
/* Exact comparison of an integer with a double; NaN is greater than everything. */
int wg_compare_i64_f64(int64_t a, double b);

/* Checks a value that came from outside the engine: known types, sizes, UTF-8, map keys sorted and distinct, times in
 * range, depth. NODE, EDGE and PATH are refused when `graph` is false.
 * Errors: WG_E_TYPE | WG_E_VALUE | WG_E_LIMIT deeper than WG_VALUE_DEPTH_MAX. */
wg_code wg_value_check(const wg_value *v, bool graph, wg_error *err);

/* Canonical bytes: one encoding per value, for the log, for keys and for result hashes (docs/format/value.md).
 * encode: false when out of memory or deeper than WG_VALUE_DEPTH_MAX (wg_value_check tells); appends nothing then.
 * decode checks everything; strings are borrowed from the input, lists and maps live in the arena; *from advances on
 * success only. Errors: WG_E_CORRUPT with the offset from the start of *from | WG_E_NOMEM. */
bool wg_value_encode(wg_buf *out, const wg_value *v);
wg_code wg_value_decode(wg_slice *from, wg_arena *arena, wg_value *out, wg_error *err);
/* JSON text (RFC 8259, no spaces): dates and times as ISO 8601 strings, bytes as base64, NaN and infinities as strings, points as
 * {"srid":4326,"x":12.5,"y":55.75}, which point() takes back.
 * NODE and EDGE hold as.id and become {"id":n}; a PATH is the array of its nodes and edges. False when out of memory. */
bool wg_value_print_json(wg_buf *out, const wg_value *v);
/* The same for results, where NODE and EDGE hold as.node and as.edge: {"id":1,"labels":["A"],"properties":{}} and
 * {"id":1,"label":"T","from":1,"to":2,"properties":{}}. */
bool wg_value_print_json_objects(wg_buf *out, const wg_value *v);
/* Appends `s` as a JSON string with its quotes; well-formed UTF-8 is copied, control characters, '"' and '\\' escaped. */
bool wg_json_print_string(wg_buf *out, wg_slice s);

#endif
