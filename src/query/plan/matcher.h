/* query/plan: what planning a MATCH is made of: match.c joins and grows, match_start.c begins, match_run.c says which clauses are one pattern. */
#ifndef WG_QUERY_MATCHER_H
#define WG_QUERY_MATCHER_H

#include "query/plan/walk.h"

typedef struct wgi_matcher {
    wgi_binder *b;
    const wg_ast **patterns; /* with a name for every element of a named path */
    uint32_t pattern_count;
    wgi_graph graph;
    double expanded_rows; /* what the next expansion is expected to find; negative: guess */
    bool after_write; /* scans run behind a write of the same statement: what is known of types may be out of date */
} wgi_matcher;

/* ---- match_start.c: each makes *out, or adds to *rel */
wg_code wgi_start_node(wgi_matcher *m, uint32_t start, wgi_relation *out);
/* A scan of the node's labels with these columns. */
wg_code wgi_start_columns(wgi_matcher *m, const wgi_pattern_node *node, const wg_scan_spec *columns,
                          wgi_relation *out);
/* Keeps the rows in which the node has the labels that the pattern asks for. */
wg_code wgi_has_labels(wgi_matcher *m, wgi_relation *rel, const wgi_pattern_node *node, const wgi_symbol *of);
wg_code wgi_node_symbol(wgi_matcher *m, wgi_relation *rel, const wgi_pattern_node *node, uint32_t slot);
/* Adds the node by its primary key, whose values come from the rows of `rel`. */
wg_code wgi_seek_key(wgi_matcher *m, wgi_relation *rel, uint32_t index, const wg_label *label,
                     const wg_ast *const *keys);
/* Adds the nodes that an index gives for the values of each row. */
wg_code wgi_seek_index(wgi_matcher *m, wgi_relation *rel, uint32_t index, const wgi_index_choice *choice);
/* Adds the edges that an index gives, and their ends. */
wg_code wgi_seek_edges(wgi_matcher *m, wgi_relation *rel, wgi_pattern_edge *edge, const wgi_index_choice *choice);

/* ---- match_either.c: what the branches of a disjunction find, each node once */
wg_code wgi_start_either(wgi_matcher *m, uint32_t start, wgi_relation *out);

#endif
