/* worldgraph/schema: definitions of labels: typed columns, keys, endpoints, virtual sources; and their bytes in the log. */
#ifndef WG_WORLDGRAPH_SCHEMA_H
#define WG_WORLDGRAPH_SCHEMA_H

#include "base/column/column.h"

enum {
    WG_LABEL_COLUMNS_MAX = 4096,
    WG_NAME_BYTES_MAX = 1024,
    WG_KEY_COLUMNS_MAX = 16,
    WG_PATTERN_BYTES_MAX = 4096,
    WG_DECLARED_BYTES_MAX = 128,
    WG_COMPUTE_BYTES_MAX = 16384
};

typedef enum wg_label_kind {
    WG_LABEL_OPEN,   /* created by use; any property, columns of type ANY */
    WG_LABEL_OWNED,  /* declared; typed columns, refuses what does not fit */
    WG_LABEL_VIRTUAL /* declared; rows live in Parquet files */
} wg_label_kind;

typedef enum wg_column_source {
    WG_COLUMN_STORED,    /* in the table or in the file */
    WG_COLUMN_PARTITION, /* a {variable} or key= directory of the path */
    WG_COLUMN_COMPUTED   /* an expression over the columns before it, evaluated when it is read */
} wg_column_source;

typedef struct wg_column_def {
    const char *name; /* NUL-terminated UTF-8 */
    wg_type type;
    wg_column_source source;
    bool not_null;
    uint8_t int_bits; /* declared width of integers: 8, 16, 32 or 64; values outside are refused */
    bool int_unsigned;
    const char *
        declared; /* type ANY: the narrower type that its values have (wg_declared_check); FLOAT: FLOAT32; NULL: any */
    const wg_value *default_value; /* of new rows that say nothing about the column; NULL: none */
    const char *expression;        /* COMPUTED: canonical text; its names are columns before it */
} wg_column_def;

typedef struct wg_label_def {
    const char *name;
    bool is_edge;
    wg_label_kind kind;
    uint32_t column_count;
    const wg_column_def *columns;
    uint32_t key_count; /* PRIMARY KEY: ordinals into columns */
    uint32_t key_columns[WG_KEY_COLUMNS_MAX];
    const char *from_label; /* edges: endpoint labels; NULL = any */
    const char *to_label;
    const char *pattern; /* virtual: absolute path pattern */
} wg_label_def;

/* Names and sizes within limits, no duplicate column, keys exist, types storable (BOOL, INT, FLOAT, STRING, BYTES, DATE,
 * LOCAL_DATETIME, ANY). WG_E_BIND, WG_E_LIMIT or WG_E_TYPE otherwise. */
wg_code wg_label_def_check(const wg_label_def *def, wg_error *err);
/* Deep copy into an arena; false when out of memory. */
bool wg_label_def_copy(wg_arena *arena, const wg_label_def *from, wg_label_def *out);
bool wg_label_def_encode(wg_buf *out, const wg_label_def *def);
wg_code wg_label_def_decode(wg_slice *from, wg_arena *arena, wg_label_def *out, wg_error *err);
/* UINT32_MAX when there is none. */
uint32_t wg_label_def_column(const wg_label_def *def, wg_slice name);

/* Type names of DDL: INT, INTEGER, INT8..INT64, UINT8..UINT64, FLOAT, DOUBLE, FLOAT64, STRING, BOOL, BOOLEAN, BYTES, DATE, TIMESTAMP,
 * LOCAL DATETIME, ANY. Fills type, int_bits, int_unsigned; false when unknown. Case-insensitive. */
bool wg_column_type_parse(wg_slice text, wg_column_def *out);
/* What a column of type ANY may declare instead: FLOAT32, LOCAL TIME, TIME, DATETIME, DURATION, POINT, LIST, MAP, LIST<T>, T[n], where T is any
 * type but MAP of a list. Capitals, one space between words. False: it is none of them. */
bool wg_declared_check(wg_slice text);
/* True when the value, which is not null, has the declared type; nulls inside lists are refused. */
bool wg_declared_fits(wg_slice text, const wg_value *value);
/* The type of all values of the column, as far as wg_type can say it: INT, DURATION, LIST, ...; ANY. */
wg_type wg_column_def_value_type(const wg_column_def *def);
/* The type as DDL spells it: INT8, STRING, LIST<INT>; at most WG_DECLARED_BYTES_MAX bytes. */
const char *wg_column_def_type_text(const wg_column_def *def);

/* Fits a value to a column: INT to FLOAT widening, range of the declared width, STRING to DATE or TIMESTAMP is refused.
 * WG_E_TYPE or WG_E_VALUE name the column. NULL fits unless not_null (WG_E_CONSTRAINT). */
wg_code wg_column_def_coerce(const wg_column_def *def, wg_value *value, wg_error *err);

#endif
