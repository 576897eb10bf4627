/* What the files of nested columns share: the elements of a schema, trees of groups, and their reader. */
#ifndef WG_FORMAT_PARQUET_NESTED_INTERNAL_H
#define WG_FORMAT_PARQUET_NESTED_INTERNAL_H

#include "format/parquet/parquet_internal.h"

enum { WGI_PARQUET_PATH_BYTES_MAX = WG_PARQUET_FOOTER_BYTES_MAX }; /* all names of columns */

/* An element of the schema, in the order of the file: what the columns of groups are made from. */
typedef struct wgi_parquet_element {
    const char *name;
    uint32_t name_size;
    uint32_t parent;
    uint32_t end; /* one behind its last descendant */
    uint32_t first_leaf;
    uint32_t leaf_end;
    uint16_t def;
    uint16_t rep;
    bool is_leaf;
    bool is_repeated;
    bool is_list;
    bool is_map;
} wgi_parquet_element;
/* Is the repeated group of a LIST its element, by its name? */
bool wgi_parquet_is_element(wg_slice repeated, wg_slice list);
/* Appends a column for each group that is not inside of a repeated one. False with r failed. */
typedef struct wgi_parquet_schema {
    wg_thrift_reader *r;
    wg_arena *arena;
    const wgi_parquet_element *elements;
    uint32_t element_count;
    wg_parquet_column *columns; /* room for group_max more behind the leaves */
    uint32_t leaf_count;
    size_t path_bytes; /* of the names so far */
} wgi_parquet_schema;
bool wgi_parquet_groups_make(wgi_parquet_schema *schema, wg_parquet_column **out_columns, uint32_t *out_groups);

/* ---- nested columns (schema_groups.c makes the trees, nested.c reads them) */

typedef enum wgi_parquet_node_kind {
    WGI_PARQUET_NODE_LEAF,
    WGI_PARQUET_NODE_STRUCT,
    WGI_PARQUET_NODE_LIST,
    WGI_PARQUET_NODE_MAP
} wgi_parquet_node_kind;
typedef struct wgi_parquet_node {
    wgi_parquet_node_kind kind;
    uint16_t def;        /* null below */
    uint16_t entry_def;  /* LIST, MAP: empty below */
    uint16_t rep;        /* LIST, MAP: of their further entries */
    uint16_t height;     /* nodes from here down */
    uint32_t first_leaf; /* below it, of the file */
    uint32_t leaf_count;
    const char *name; /* fields of a STRUCT */
    uint32_t name_size;
    uint32_t child_count; /* LIST 1, MAP 2, STRUCT any, in the order of their names */
    const struct wgi_parquet_node *const *children;
} wgi_parquet_node;

typedef struct wgi_parquet_nested wgi_parquet_nested;
wg_code wgi_parquet_nested_create(wg_account *account, wgi_parquet_nested **out, wg_error *err);
void wgi_parquet_nested_destroy(wgi_parquet_nested *nested); /* NULL is legal */
wg_code wgi_parquet_nested_open(wgi_parquet_nested *nested, const wg_parquet_source *source, wg_error *err);
uint32_t wgi_parquet_nested_ready(const wgi_parquet_nested *nested);
wg_code wgi_parquet_nested_next(wgi_parquet_nested *nested, uint32_t rows_max, const wg_parquet_pick *pick,
                                wg_vector *out, uint32_t *out_rows, wg_error *err);
wg_code wgi_parquet_nested_skip(wgi_parquet_nested *nested, uint64_t rows, wg_error *err);
uint64_t wgi_parquet_nested_decoded_bytes(const wgi_parquet_nested *nested); /* NULL is legal */
uint64_t wgi_parquet_nested_read_bytes(const wgi_parquet_nested *nested);
static inline bool wgi_parquet_is_nested(const wg_parquet_column *c) { return c->node != NULL || c->max_rep > 1; }

#endif
