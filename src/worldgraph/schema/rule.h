/* worldgraph/schema: definitions of indexes and constraints ("rules"), which share one set of names and numbers, and their bytes in the log. */
#ifndef WG_WORLDGRAPH_SCHEMA_RULE_H
#define WG_WORLDGRAPH_SCHEMA_RULE_H

#include "worldgraph/schema/schema.h"

typedef enum wg_rule_kind {
    WG_RULE_RANGE_INDEX, /* equality, ranges, prefixes of text and of its list of properties */
    WG_RULE_HASH_INDEX,  /* equality of all its properties */
    WG_RULE_UNIQUE,      /* constraint: no two rows have the same values; it owns a hash index */
    WG_RULE_KEY,         /* constraint: UNIQUE, and no value is missing */
    WG_RULE_NOT_NULL,    /* constraint */
    WG_RULE_TYPE,        /* constraint: the value fits `type`, or is missing */
    WG_RULE_KIND_COUNT
} wg_rule_kind;

typedef struct wg_rule_def {
    const char *name; /* NUL-terminated UTF-8 */
    wg_rule_kind kind;
    uint32_t label;                    /* number; of nodes or edges */
    uint32_t key_count;                /* 1 to WG_KEY_COLUMNS_MAX; NOT_NULL and TYPE: 1 */
    uint32_t keys[WG_KEY_COLUMNS_MAX]; /* numbers of property names, each once */
    wg_column_def type;                /* TYPE: type, int_bits and int_unsigned; else zeros */
} wg_rule_def;

static inline bool wg_rule_is_index(wg_rule_kind kind) {
    return kind == WG_RULE_RANGE_INDEX || kind == WG_RULE_HASH_INDEX;
}
/* Whether rows are found by it: an index, or a constraint that owns one. */
static inline bool wg_rule_has_index(wg_rule_kind kind) { return kind <= WG_RULE_KEY; }
/* "RANGE", "HASH", "UNIQUENESS", "KEY", "NOT NULL", "TYPE"; never NULL. */
const char *wg_rule_kind_name(wg_rule_kind kind);

/* A name of 1 to WG_NAME_BYTES_MAX bytes, as many different properties as the kind takes, a type that columns have. WG_E_BIND, WG_E_LIMIT, WG_E_TYPE. */
wg_code wg_rule_def_check(const wg_rule_def *def, wg_error *err);
/* The same kind of rule over the same properties, in the same order, whatever its name. */
bool wg_rule_def_equal(const wg_rule_def *a, const wg_rule_def *b);
bool wg_rule_def_encode(wg_buf *out, const wg_rule_def *def);
/* WG_E_CORRUPT; what is decoded passes the check. */
wg_code wg_rule_def_decode(wg_slice *from, wg_arena *arena, wg_rule_def *out, wg_error *err);

#endif
