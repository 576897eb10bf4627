/* tests/tck: runs the openCypher TCK. Reading of features (tck_feature.c), values of table cells (tck_value.c), states of the
 * graph (tck_graph.c), procedures (tck_procedure.c) and the steps of a scenario (tck_run.c). The database is driven by
 * include/worldgraph.h, but for the registration of procedures. Nothing here knows a scenario by name. Running out of memory ends the program: it is a test. */
#ifndef WG_TESTS_TCK_H
#define WG_TESTS_TCK_H

#include "base/memory/memory.h"
#include "worldgraph.h"

typedef struct tck_row {
    wg_slice *cells;
    size_t count;
} tck_row;

typedef struct tck_step {
    wg_slice text; /* without the keyword */
    wg_slice doc;
    tck_row *rows;
    size_t row_count;
} tck_step;

typedef struct tck_scenario {
    const char *area; /* "expressions/list" */
    const char *name; /* "expressions/list/List1 [3] Title", with "(row 2)" for an outline */
    tck_step *steps;
    size_t step_count;
} tck_scenario;

void *tck_alloc(wg_arena *arena, size_t count, size_t size); /* zeroed, never NULL */
char *tck_format(wg_arena *arena, const char *format, ...) WG_PRINTF(2, 3);
void tck_read_file(wg_arena *arena, const char *path, wg_slice *out); /* {NULL, 0} when it cannot be read */

/* Calls `each` for every scenario of the feature, outlines expanded. `name` is "expressions/list/List1". */
void tck_each_scenario(wg_arena *arena, const char *name, wg_slice text,
                       void (*each)(void *arg, const tck_scenario *scenario), void *arg);

/* Reads the TCK's notation of a value. A path is a LIST of nodes and edges in turn whose type is PATH. */
bool tck_parse_value(wg_arena *arena, wg_slice text, wg_value *out);
/* One text for equal values; lists as sets of their elements when any_list_order. */
void tck_print_value(wg_arena *arena, const wg_value *value, bool any_list_order, wg_buf *out);

/* Rows of the engine (as long as `result` lives) or of the naive interpreter (tests/reference; as long as the arena). */
typedef struct tck_answer {
    wg_result *result;
    uint64_t row_count;
    uint32_t column_count;
    const char **names;
    wg_value *cells;
} tck_answer;

/* What the side effects of a step are counted from. */
typedef struct tck_graph {
    const char **nodes, **edges, **labels, **properties; /* sorted */
    size_t node_count, edge_count, label_count, property_count;
} tck_graph;
typedef bool (*tck_query_fn)(void *arg, const char *text, tck_answer **out, wg_error *err);
bool tck_graph_read(wg_arena *arena, tck_query_fn query, void *arg, tck_graph *out, wg_error *err);
/* "+nodes", "-properties", ...: how many there are in one and not in the other. */
size_t tck_graph_change(const tck_graph *before, const tck_graph *after, const char *what);

/* Adds the procedure that the step describes. NULL: done; else why not. */
const char *tck_register_procedure(wg_arena *arena, wg_db *db, const tck_step *step);

/* NULL: passed; else why not. */
const char *tck_run(wg_arena *arena, const char *dir, const tck_scenario *scenario);
/* The same by the naive interpreter, for which an error at any time will do. */
const char *tck_run_reference(wg_arena *arena, const char *dir, const tck_scenario *scenario);

#endif
