/* tests/reference: random graphs and random queries that mean something on them, and how a pair on which engine and interpreter differ is
 * made small.
 *
 * Nodes have the labels A, B, C (several at once when labels are open, A or B when they are declared), relationships the types R, S, T.
 * Every entity has an INT k that no other has; the others may be absent: INT i, FLOAT f (quarters: sums are exact), STRING s, BOOL b, DATE d,
 * LOCAL DATETIME t, and when labels are open a DURATION v, a list of INT l and an m of any type. Queries are typed along these names, so that most of them are valid. */
#ifndef WG_TESTS_RANDOM_H
#define WG_TESTS_RANDOM_H

#include "tests/reference/reference.h"

enum { RND_NODES_MAX = 10, RND_EDGES_MAX = 16, RND_PROPERTIES_MAX = 10 };

typedef struct rnd_property {
    const char *key; /* NULL: dropped */
    char text[48];
} rnd_property;

typedef struct rnd_entity {
    bool dropped;
    unsigned labels;   /* of a node: bit 0 is A; of a relationship: which type */
    unsigned from, to; /* of a relationship */
    rnd_property properties[RND_PROPERTIES_MAX];
} rnd_entity;

typedef struct rnd_graph {
    bool declared;
    rnd_entity nodes[RND_NODES_MAX], edges[RND_EDGES_MAX];
    unsigned node_count, edge_count;
} rnd_graph;

void rnd_make_graph(wg_rng *rng, bool declared, rnd_graph *out);
/* One CREATE statement; "" of an empty graph. */
void rnd_print_graph(const rnd_graph *graph, wg_buf *out);
/* What declares its labels: `count` statements. */
const char *const *rnd_declarations(size_t *count);

/* Statements that make indexes, which change no answer: `count` of them, fewer than 32. */
const char *const *rnd_indexes(size_t *count);

enum { RND_VARIABLES_MAX = 40 };

typedef enum rnd_type {
    RND_INT,
    RND_FLOAT,
    RND_STRING,
    RND_BOOL,
    RND_INTS,
    RND_DATE,
    RND_MOMENT, /* LOCAL DATETIME */
    RND_DURATION,
    RND_ANY, /* property m */
    RND_NODE,
    RND_EDGE,
    RND_EDGES,  /* of a pattern with a length */
    RND_PATH,   /* all of it is certain */
    RND_LENGTH, /* a shortest path: which one is not certain, only its length */
    RND_BAG     /* a list of INT whose order is not certain */
} rnd_type;

typedef struct rnd_variable {
    char name[12];
    rnd_type type;
} rnd_variable;

typedef struct rnd_query {
    wg_rng *rng;
    wg_slice choices; /* without rng: each choice takes a byte, and is 0 when there are no more */
    wg_buf text;
    bool declared, few_edges;
    bool ordered; /* a total order: rows are compared in order */
    bool writes;
    bool is_shape; /* rnd_make_shape has made it */
    rnd_variable variables[RND_VARIABLES_MAX];
    unsigned variable_count, next_name;
    unsigned nesting; /* of subqueries */
    bool in_where;    /* where a pattern may be a condition */
} rnd_query;

/* Makes a query into q->text; rng, declared and few_edges are set. */
void rnd_make_query(rnd_query *q);

/* The same for one pattern that operators on whole patterns are meant for. */
void rnd_make_shape(rnd_query *q);

/* For random_query.c and random_expression.c */
unsigned rnd_pick(rnd_query *q, unsigned n);
void rnd_say(rnd_query *q, const char *format, ...) WG_PRINTF(2, 3);
const rnd_variable *rnd_variable_of(rnd_query *q, unsigned types); /* bits of rnd_type; NULL: none */
const char *rnd_add_variable(rnd_query *q, rnd_type type);
void rnd_expression(rnd_query *q, rnd_type type, unsigned depth);
void rnd_path(rnd_query *q, unsigned hops_max, bool may_bind);

/* A smaller statement for which `differs` still holds; the text of the answer is in the arena. */
typedef bool (*rnd_differs_fn)(void *arg, wg_slice text);
wg_slice rnd_shrink_query(wg_arena *arena, wg_slice text, rnd_differs_fn differs, void *arg);

#endif
