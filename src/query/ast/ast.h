/* query/ast: the tree that the parser builds and the binder reads, its equality and its canonical text.
 *
 * One node type serves all kinds: walkers, equality and the printer stay small, and the layout of each kind is the
 * table below. Children are numbered; a child that may be missing is NULL at its fixed index; lists come last. `text`
 * is the one name or string of a node. Every node knows the bytes of the query text that it came from.
 *
 * A tree is at most WG_AST_HEIGHT_MAX nodes high, so that recursion over it is safe on any thread's stack. */
#ifndef WG_QUERY_AST_H
#define WG_QUERY_AST_H

#include "base/core/core.h"
#include "base/memory/memory.h"

#define WG_AST_NODES_MAX  1000000u
#define WG_AST_HEIGHT_MAX 1000u

/* X(kind). "[0]" is child 0, "?" may be NULL, "..." the remaining children, "i"/"j"/"f" the numeric fields. */
#define WG_AST_LIST(X)                                                                                              \
    /* statements */                                                                                                \
    X(STATEMENT)    /* op: wg_ast_mode; [0] QUERY or a statement below */                                           \
    X(CREATE_NODE)  /* text name; IF_EXISTS; [0]? COLUMNS, [1]? STRING partition pattern, ... COMPUTE */            \
    X(CREATE_EDGE)  /* text name; IF_EXISTS; [0] NAME from, [1] NAME to, [2]? COLUMNS, ... COMPUTE */               \
    X(COLUMNS)      /* ... COLUMN, at most one PRIMARY_KEY */                                                       \
    X(COLUMN)       /* text name; NOT_NULL; [0] TYPE, [1] its default, where it has one */                          \
    X(TYPE)         /* text upper-case name; LIST: [0] TYPE; FIXED: i elements, [0] TYPE; i, j = (p, s) or -1 */    \
    X(PRIMARY_KEY)  /* ... NAME */                                                                                  \
    X(COMPUTE)      /* text name; [0] expression */                                                                 \
    X(DROP_NODE)    /* text name; IF_EXISTS */                                                                      \
    X(DROP_EDGE)    /* text name; IF_EXISTS */                                                                      \
    X(COPY_FROM)    /* text label; [0] STRING file, ... NAME more labels, OPTION, COPY_END */                       \
    X(COPY_TO)      /* text label, empty: [1] QUERY; [0] STRING, [2]? COLUMNS, ... OPTION, COPY_END */              \
    X(COPY_END)     /* text label; TO; [0]? COLUMNS keys, [1]? COLUMNS of the file */                               \
    X(OPTION)       /* text upper-case name; [0] an expression, or COLUMNS of NAME */                               \
    X(ALTER_LABEL)  /* text label; op: wg_ast_alter; IF_EXISTS, ALTER_EDGE; as wg_ast_alter says */                 \
    X(CREATE_INDEX) /* text name or empty; IF_EXISTS, OF_EDGES; op: wg_ast_index; [0] NAME, ... NAME */             \
    X(CREATE_CONSTRAINT) /* the same; op: wg_ast_constraint; [0] NAME label, [1]? TYPE, ... NAME */                 \
    X(DROP_INDEX)        /* text name; IF_EXISTS; text empty: [0] NAME label, ... NAME */                           \
    X(DROP_CONSTRAINT)   /* text name; IF_EXISTS */                                                                 \
    X(BEGIN)             /* READ_ONLY */                                                                            \
    X(COMMIT)                                                                                                       \
    X(ROLLBACK)                                                                                                     \
    /* queries */                                                                                                   \
    X(QUERY)           /* op: wg_ast_set_op; UNION_ALL; [0]? AS OF (INT or PARAMETER), ... SINGLE */                \
    X(SINGLE)          /* ... clauses */                                                                            \
    X(MATCH)           /* OPTIONAL, REPEATABLE, DIFFERENT; [0] PATTERN, [1]? where */                               \
    X(FINISH)          /* last clause: no results */                                                                \
    X(UNWIND)          /* text variable; OFFSET: counted from 0; [0] list, [1]? NAME of the place */                \
    X(WITH)            /* DISTINCT, STAR; [0]? ORDER, [1]? skip, [2]? limit, [3]? where, ... ITEM */                \
    X(RETURN)          /* as WITH, [3] NULL */                                                                      \
    X(ITEM)            /* text alias, empty when there is none; [0] expression */                                   \
    X(ORDER)           /* ... SORT */                                                                               \
    X(SORT)            /* DESCENDING, NULLS_FIRST, NULLS_LAST; [0] expression */                                    \
    X(CREATE)          /* [0] PATTERN */                                                                            \
    X(MERGE)           /* [0] PATH, ... ON_CREATE or ON_MATCH */                                                    \
    X(ON_CREATE)       /* [0] SET */                                                                                \
    X(ON_MATCH)        /* [0] SET */                                                                                \
    X(SET)             /* ... SET_PROPERTY, SET_REPLACE, SET_MERGE, SET_LABELS */                                   \
    X(SET_PROPERTY)    /* [0] PROPERTY, [1] value */                                                                \
    X(SET_REPLACE)     /* text variable; [0] value: n = {..} */                                                     \
    X(SET_MERGE)       /* text variable; [0] value: n += {..} */                                                    \
    X(SET_LABELS)      /* text variable; ... NAME */                                                                \
    X(REMOVE)          /* ... REMOVE_PROPERTY, REMOVE_LABELS */                                                     \
    X(REMOVE_PROPERTY) /* [0] PROPERTY */                                                                           \
    X(REMOVE_LABELS)   /* text variable; ... NAME */                                                                \
    X(DELETE)          /* DETACH; ... expressions */                                                                \
    X(FOREACH)         /* text variable; [0] list, ... updating clauses */                                          \
    X(CALL)            /* text procedure; STAR: YIELD *; YIELD; [0]? ARGUMENTS, [1]? where, ... YIELD_ITEM */       \
    X(ARGUMENTS)       /* ... expressions */                                                                        \
    X(YIELD_ITEM)      /* text column; [0]? NAME alias */                                                           \
    X(CALL_QUERY)      /* OPTIONAL, SCOPED, STAR: all variables; [0] QUERY, ... NAME variables it sees */           \
    /* patterns */                                                                                                  \
    X(PATTERN)    /* ... PATH */                                                                                    \
    X(PATH)       /* text variable or empty; op: wg_ast_path, i how many, j: wg_ast_path_mode */                    \
                  /* ... NODE, (EDGE or GROUP, NODE)* */                                                            \
    X(NODE)       /* text variable or empty; [0]? MAP or PARAMETER, ... labels, all of them, WHERE */               \
    X(EDGE)       /* text variable or empty; op: wg_ast_direction; VARIABLE_LENGTH: i least, j most, -1 none */     \
                  /* QUANTIFIED: written {i,j}; [0]? MAP or PARAMETER, ... types, any of them, WHERE */             \
    X(GROUP)      /* VARIABLE_LENGTH: i least, j most, -1 none; [0] NULL, [1] PATH, [2]? where */                   \
    X(WHERE)      /* inside of a NODE or EDGE, behind the labels; [0] expression */                                 \
    X(NAME)       /* text; a label or type too */                                                                   \
    X(LABEL_EXPR) /* op: AND, OR, NOT; ... NAME, LABEL_EXPR, LABEL_ANY */                                           \
    X(LABEL_OF)   /* $(..): op: AND all of the names, OR any; [0] a text or a list of them */                       \
    X(LABEL_ANY)  /* % */                                                                                           \
    /* expressions */                                                                                               \
    X(NULL)                                                                                                         \
    X(BOOL)       /* i 0 or 1 */                                                                                    \
    X(INT)        /* i */                                                                                           \
    X(FLOAT)      /* f */                                                                                           \
    X(STRING)     /* text */                                                                                        \
    X(LIST)       /* ... expressions */                                                                             \
    X(MAP)        /* ... ENTRY */                                                                                   \
    X(ENTRY)      /* text key; [0] value */                                                                         \
    X(PARAMETER)  /* text name or digits */                                                                         \
    X(VARIABLE)   /* text */                                                                                        \
    X(PROPERTY)   /* text key; [0] base */                                                                          \
    X(INDEX)      /* [0] base, [1] index */                                                                         \
    X(SLICE)      /* [0] base, [1]? from, [2]? to */                                                                \
    X(HAS_LABELS) /* [0] base, ... NAME, LABEL_EXPR, LABEL_ANY: all of them */                                      \
    X(IS_TYPED)   /* text canonical type; [0] */                                                                    \
    X(UNARY)      /* op; [0] */                                                                                     \
    X(BINARY)     /* op; [0], [1] */                                                                                \
    X(NARY)       /* op: OR, XOR, AND; two or more operands */                                                      \
    X(CHAIN)      /* a < b <= c: text holds one op byte between operands; three or more operands */                 \
    X(FUNCTION)   /* text lower-case name; DISTINCT; ... arguments */                                               \
    X(COUNT_STAR)                                                                                                   \
    X(CASE)                  /* [0]? subject, [1]? else, ... WHEN */                                                \
    X(WHEN)                  /* [0] condition or value, [1] result; TESTS: [0] is an OR of tests of CASE_SUBJECT */ \
    X(CASE_SUBJECT)          /* the subject of the CASE around it */                                                \
    X(LIST_COMPREHENSION)    /* text variable; [0] list, [1]? where, [2]? result */                                 \
    X(PATTERN_COMPREHENSION) /* [0] PATH, [1]? where, [2] result */                                                 \
    X(QUANTIFIER)            /* text variable; op: wg_ast_quantifier; [0] list, [1]? where */                       \
    X(REDUCE)                /* text accumulator; [0] start, [1] NAME variable, [2] list, [3] expression */         \
    X(MAP_PROJECTION)        /* text variable; ... ALL_PROPERTIES, OWN_PROPERTY, ENTRY, VARIABLE */                 \
    X(ALL_PROPERTIES)        /* .* */                                                                               \
    X(OWN_PROPERTY)          /* text key: .key */                                                                   \
    X(PATTERN_TEST)          /* [0] PATH: true when it matches; shortestPath(..) as a value too */                  \
    X(SUBQUERY)              /* op: wg_ast_subquery; [0] QUERY */

#define WG_AST_ENUM(name) WG_AST_##name,
typedef enum wg_ast_kind { WG_AST_LIST(WG_AST_ENUM) WG_AST_KIND_COUNT } wg_ast_kind;
#undef WG_AST_ENUM

typedef enum wg_ast_mode { WG_AST_RUN, WG_AST_EXPLAIN, WG_AST_PROFILE } wg_ast_mode;
/* SHORTEST, ALL_SHORTEST: the functions; MODE: all paths that keep to j; the others: of the paths between two ends any i, the i shortest, those
 * of the i least lengths. */
typedef enum wg_ast_path {
    WG_AST_PATH_ALL,
    WG_AST_PATH_SHORTEST,
    WG_AST_PATH_ALL_SHORTEST,
    WG_AST_PATH_MODE,
    WG_AST_PATH_ANY_OF,
    WG_AST_PATH_SHORTEST_OF,
    WG_AST_PATH_GROUPS_OF
} wg_ast_path;
typedef enum wg_ast_path_mode {
    WG_AST_MODE_DEFAULT,
    WG_AST_MODE_WALK,
    WG_AST_MODE_TRAIL,
    WG_AST_MODE_ACYCLIC,
    WG_AST_MODE_SIMPLE
} wg_ast_path_mode;
/* LEFT (a)<--(b), RIGHT (a)-->(b), EITHER (a)--(b), BOTH (a)<-->(b): matches as EITHER, may not be created. */
typedef enum wg_ast_direction { WG_AST_LEFT, WG_AST_RIGHT, WG_AST_EITHER, WG_AST_BOTH } wg_ast_direction;
typedef enum wg_ast_quantifier { WG_AST_ALL, WG_AST_ANY, WG_AST_NONE, WG_AST_SINGLE_OF } wg_ast_quantifier;
typedef enum wg_ast_subquery { WG_AST_EXISTS, WG_AST_COUNT, WG_AST_COLLECT } wg_ast_subquery;
typedef enum wg_ast_set_op { WG_AST_UNION, WG_AST_EXCEPT, WG_AST_INTERSECT } wg_ast_set_op;

/* What stands below an ALTER_LABEL. */
typedef enum wg_ast_alter {
    WG_AST_ALTER_ADD,          /* [0] COLUMN */
    WG_AST_ALTER_ADD_COMPUTE,  /* ... COMPUTE */
    WG_AST_ALTER_DROP,         /* [0] NAME, as of all below */
    WG_AST_ALTER_RENAME,       /* [1] NAME */
    WG_AST_ALTER_RENAME_LABEL, /* [0] the new one */
    WG_AST_ALTER_SET_NOT_NULL,
    WG_AST_ALTER_DROP_NOT_NULL,
    WG_AST_ALTER_SET_TYPE,    /* [1] TYPE */
    WG_AST_ALTER_SET_DEFAULT, /* [1] expression */
    WG_AST_ALTER_DROP_DEFAULT,
    WG_AST_ALTER_SET_PATTERN /* [0] STRING */
} wg_ast_alter;

typedef enum wg_ast_index { WG_AST_INDEX_RANGE, WG_AST_INDEX_HASH } wg_ast_index;
typedef enum wg_ast_constraint {
    WG_AST_CONSTRAINT_UNIQUE,
    WG_AST_CONSTRAINT_KEY,
    WG_AST_CONSTRAINT_NOT_NULL,
    WG_AST_CONSTRAINT_TYPE
} wg_ast_constraint;

typedef enum wg_ast_op {
    WG_OP_OR,
    WG_OP_XOR,
    WG_OP_AND,
    WG_OP_NOT,
    WG_OP_EQ,
    WG_OP_NE,
    WG_OP_LT,
    WG_OP_LE,
    WG_OP_GT,
    WG_OP_GE,
    WG_OP_STARTS_WITH,
    WG_OP_ENDS_WITH,
    WG_OP_CONTAINS,
    WG_OP_REGEX,
    WG_OP_IN,
    WG_OP_IS_NULL,
    WG_OP_IS_NOT_NULL,
    WG_OP_ADD,
    WG_OP_SUBTRACT,
    WG_OP_MULTIPLY,
    WG_OP_DIVIDE,
    WG_OP_MODULO,
    WG_OP_POWER,
    WG_OP_MINUS,
    WG_OP_PLUS,
    WG_OP_CONCAT,
    WG_OP_COUNT
} wg_ast_op;

/* Flags. One bit may mean different things on different kinds, as the table says. */
#define WG_AST_OPTIONAL        0x01u
#define WG_AST_DISTINCT        0x02u
#define WG_AST_STAR            0x04u
#define WG_AST_SCOPED          0x08u /* CALL_QUERY: (x, y) is written */
#define WG_AST_OFFSET          0x02u /* UNWIND */
#define WG_AST_TESTS           0x01u /* WHEN */
#define WG_AST_DESCENDING      0x01u
#define WG_AST_NULLS_FIRST     0x02u
#define WG_AST_NULLS_LAST      0x04u
#define WG_AST_DETACH          0x01u
#define WG_AST_UNION_ALL       0x01u
#define WG_AST_YIELD           0x01u
#define WG_AST_VARIABLE_LENGTH 0x01u
#define WG_AST_QUANTIFIED      0x02u /* EDGE */
#define WG_AST_REPEATABLE      0x08u /* MATCH: relationships may be matched more than once */
#define WG_AST_DIFFERENT       0x10u /* MATCH: DIFFERENT RELATIONSHIPS is written */
#define WG_AST_IF_EXISTS       0x01u /* IF EXISTS or IF NOT EXISTS */
#define WG_AST_ALTER_EDGE      0x02u
#define WG_AST_OF_EDGES        0x02u
#define WG_AST_NOT_NULL        0x01u
#define WG_AST_READ_ONLY       0x01u
#define WG_AST_TO              0x01u /* COPY_END */
#define WG_AST_EVERY           0x01u /* OPTION: COMMIT EVERY n ROWS */
#define WG_AST_LIST_TYPE       0x01u
#define WG_AST_FIXED_TYPE      0x02u

typedef struct wg_ast wg_ast;
struct wg_ast {
    uint8_t kind; /* wg_ast_kind */
    uint8_t op;
    uint8_t flags;
    uint8_t reserved;
    uint16_t height; /* 1 for a leaf */
    uint32_t start;  /* byte range in the query text */
    uint32_t end;
    uint32_t child_count;
    wg_ast **child;
    wg_slice text;
    int64_t i;
    int64_t j;
    double f;
};

/* "MATCH", "FUNCTION", ...; never NULL. */
const char *wg_ast_kind_name(wg_ast_kind kind);
/* "AND", "=", "IS NULL", ...; never NULL. */
const char *wg_ast_op_name(wg_ast_op op);

/* Equality of meaning: everything but the byte ranges. NULL equals NULL only. */
bool wg_ast_equal(const wg_ast *a, const wg_ast *b);

/* Appends the canonical text of a tree: one spelling for each tree, keywords in capitals, single spaces, names between
 * backticks only where needed. Parsing it gives an equal tree. Its hash names the statement.
 * Errors: WG_E_NOMEM. */
WG_MUST_USE wg_code wg_ast_print(const wg_ast *ast, wg_buf *out, wg_error *err);

#endif
