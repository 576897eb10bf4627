/* What join.c and join_spill.c share: the built side of a join. */
#ifndef WG_EXEC_JOIN_INTERNAL_H
#define WG_EXEC_JOIN_INTERNAL_H

#include "exec/spill.h"

/* Which rows of the outer side have found a match, where the built side is passed in pieces: a bit a row, each task's at a word of its own. */
typedef struct wgi_join_marks {
    uint64_t *bits;
    const uint64_t *first; /* bit of the first row of each task */
    bool leftovers;        /* now give the rows without one */
} wgi_join_marks;

struct wgi_join_table {
    wg_account *account;
    wg_rows *rows;          /* a product's may be in a file in part */
    uint32_t payload_count; /* columns before the keys */
    uint32_t key_count;
    bool equivalence; /* null matches null, NaN matches NaN */
    wg_type *key_types;
    wg_expr *const *probe_exprs; /* the keys of the other side */
    wg_vector *columns;          /* views of rows */
    uint64_t *hashes;
    uint32_t *slots;
    uint32_t *next;
    uint64_t slot_mask;
    uint32_t pieces; /* ranges of slots that are linked apart */
    const uint64_t
        *words;       /* the key column when it is the only one and of words of 8 bytes: compared without hashes */
    wgi_parts *parts; /* the built rows, dealt by their keys, when they do not fit into memory; NULL: they do */
    wg_type *parts_types;        /* of their columns */
    const wgi_join_marks *marks; /* NULL: the built rows are all there */
};

/* A table over some of the built rows of `like`, which it owns on success. */
wg_code wgi_join_table_of_rows(const wgi_join_table *like, wg_expr *const *probe_exprs, wg_rows *rows,
                               const wg_exec_context *context, wgi_join_table **out, wg_error *err);

/* Moves the rows that the table has to parts. */
wg_code wgi_join_deal(wgi_join_table *table, const wg_exec_context *context, wg_error *err);

#endif
