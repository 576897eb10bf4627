/* What join_table.c, join.c and join_spill.c share: the built side of a join. */
#ifndef WG_EXEC_JOIN_INTERNAL_H
#define WG_EXEC_JOIN_INTERNAL_H

#include "exec/spill.h"

/* Which rows of the outer side have found a match, where the built side is passed in pieces: a bit a row, each task's at a word of its own. */
typedef struct wgi_join_marks {
    uint64_t *bits;
    const uint64_t *first; /* bit of the first row of each task */
    bool leftovers;        /* now give the rows without one */
} wgi_join_marks;

/* How rows find the chains of built rows that may match them. */
typedef enum wgi_join_kind {
    WGI_JOIN_ROWS,  /* by a hash of the keys; links have hashes */
    WGI_JOIN_WORDS, /* one key of words of 8 bytes: by its hash; links have the words */
    WGI_JOIN_DIRECT /* the same, of words that lie close together: by the word itself; all rows of a chain match */
} wgi_join_kind;

typedef struct wgi_join_link {
    uint64_t tag;  /* hash or word */
    uint32_t next; /* built row of the chain, ascending; WGI_JOIN_NO_ROW: the last */
    uint32_t unused;
} wgi_join_link;

#define WGI_JOIN_NO_ROW UINT32_MAX

struct wgi_join_table {
    wg_account *account;
    wg_rows *rows;          /* a product's may be in a file in part */
    uint32_t slot_count;    /* that the join adds to a row */
    uint32_t *columns_of;   /* of those the column in rows; UINT32_MAX: nobody looks at it, it is null */
    bool *left_reads;       /* slots of the other side that somebody looks at; NULL: all */
    uint32_t payload_count; /* columns before the keys */
    uint32_t key_count;
    bool equivalence; /* null matches null, NaN matches NaN */
    wg_type *key_types;
    wg_expr *const *probe_exprs; /* the keys of the other side */
    wg_vector *columns;          /* views of rows */
    wgi_join_kind kind;
    uint32_t *slots; /* the first row of each chain */
    uint64_t chain_count;
    wgi_join_link *links; /* ROWS, WORDS: of each row */
    uint32_t *next;       /* DIRECT: of each row; NULL: no key is there twice */
    const uint64_t *words;
    uint64_t low;         /* DIRECT: the word of slot 0 */
    uint32_t pieces;      /* ranges of slots that are linked apart */
    _Atomic bool twice;   /* some slot has two rows */
    wgi_parts *parts;     /* the built rows, dealt by their keys, when they do not fit into memory; NULL: they do */
    wg_type *parts_types; /* of their columns */
    const wgi_join_marks *marks; /* NULL: the built rows are all there */
};

/* Has a typed key cells of its own type, so that it can be hashed and compared in place? */
bool wgi_join_is_typed(wg_type type);
/* Is one of the keys null or NaN? Rows of a join that is not by equivalence then match nothing. */
bool wgi_join_matches_nothing(const wg_vector *keys, uint32_t count, uint32_t row);

/* A table over some of the built rows of `like`, which it owns on success. */
wg_code wgi_join_table_of_rows(const wgi_join_table *like, wg_expr *const *probe_exprs, wg_rows *rows,
                               const wg_exec_context *context, wgi_join_table **out, wg_error *err);

/* Moves the rows that the table has to parts. */
wg_code wgi_join_deal(wgi_join_table *table, const wg_exec_context *context, wg_error *err);

/* ---- what pipelines call */

/* Runs the built side of HASH_JOIN, OPTIONAL, CROSS, or of a SCAN that has an input. Built rows that do not fit into memory are dealt into parts,
 * which are joined by a sink of their own (join_spill.c). reads[i]: somebody above looks at slot i of the join; the others are null in
 * what it gives. */
wg_code wgi_join_table_create(const wg_plan *plan, const wg_exec_context *context, const bool *reads,
                              wgi_join_table **out, wg_error *err);
bool wgi_join_table_is_dealt(const wgi_join_table *table);
/* Takes the rows of the other side of a join whose table is dealt, and gives the joined rows. */
wg_code wgi_sink_probe(const wg_plan *plan, const wgi_join_table *table, const wg_exec_context *context,
                       wgi_sink **out, wg_error *err);

wg_code wgi_op_join(const wg_plan *plan, const wgi_join_table *table, wg_account *account, wgi_op **out,
                    wg_error *err);

#endif
