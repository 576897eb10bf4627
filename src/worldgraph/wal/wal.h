/* worldgraph/wal: the vocabulary of mutations and the contract of replay.
 *
 * A commit's payload is a sequence of mutations. Live writes and replay go through the same applier table that the engine
 * fills, so that what is replayed is what was done. docs/format/mutation.md has the bytes: each mutation is
 *   u8 kind | varint body size | body
 * A kind with bit 7 set may be skipped by readers that do not know it; any other unknown kind is WG_E_VERSION. */
#ifndef WG_WORLDGRAPH_WAL_H
#define WG_WORLDGRAPH_WAL_H

#include "base/digest/digest.h"
#include "worldgraph/schema/rule.h"
#include "worldgraph/schema/schema.h"

typedef enum wg_mutation_kind {
    WG_MUTATION_ADD_KEY = 1,
    WG_MUTATION_CREATE_LABEL = 2,
    WG_MUTATION_DROP_LABEL = 3,
    WG_MUTATION_ADD_PARTITION = 4,
    WG_MUTATION_CREATE_NODE = 5,
    WG_MUTATION_CREATE_NODES = 6, /* bulk stripe: rows of one label, column by column */
    WG_MUTATION_CREATE_EDGE = 7,
    WG_MUTATION_SET_NODE = 8,
    WG_MUTATION_SET_EDGE = 9,
    WG_MUTATION_CHANGE_LABELS = 10,
    WG_MUTATION_DELETE_NODE = 11,
    WG_MUTATION_DELETE_EDGE = 12,
    WG_MUTATION_TIME = 13,       /* of the RUN_COMMITs behind it */
    WG_MUTATION_RUN_COMMIT = 14, /* what one commit of agents' state changed (worldgraph/state) */
    WG_MUTATION_RUN_CREATE = 15,
    WG_MUTATION_RUN_DROP = 16,
    WG_MUTATION_LOAD_NODES = 17, /* the same for any set of labels, with packed cells */
    WG_MUTATION_LOAD_EDGES = 18,
    WG_MUTATION_CREATE_INDEX = 19,
    WG_MUTATION_DROP_INDEX = 20,
    WG_MUTATION_CREATE_CONSTRAINT = 21,
    WG_MUTATION_DROP_CONSTRAINT = 22,
    WG_MUTATION_ALTER_LABEL = 23, /* another definition; `replace`: every row is written again to fit it */
    WG_MUTATION_KIND_COUNT = 24
} wg_mutation_kind;

enum { WG_MUTATION_LABELS_MAX = 64, WG_MUTATION_IGNORABLE = 0x80 };

typedef struct wg_mutation_property {
    uint32_t key;
    wg_value value;
} wg_mutation_property;

/* One mutation; which fields count depends on the kind. All pointers are borrowed (decode: from the arena and the payload). */
typedef struct wg_mutation {
    wg_mutation_kind kind;
    uint32_t
        number; /* ADD_KEY: of the key; CREATE_LABEL, DROP_LABEL: of the label; ADD_PARTITION: of the partition; RUN_*: of the run; *_INDEX, *_CONSTRAINT: of the rule */
    wg_slice name;    /* ADD_KEY: the name; ADD_PARTITION: the path */
    wg_label_def def; /* CREATE_LABEL, ALTER_LABEL */
    const uint32_t *
        sources; /* ALTER_LABEL that replaces: of each column, 1 + the ordinal of the old column with its values; 0: none */
    wg_rule_def rule; /* CREATE_INDEX, CREATE_CONSTRAINT */
    uint64_t id;      /* of the node or edge; CREATE_NODES, LOAD_*: of the first */
    uint32_t label;   /* CREATE_NODES, CREATE_EDGE, LOAD_EDGES, ADD_PARTITION */
    uint64_t from;    /* CREATE_EDGE */
    uint64_t to;
    const uint64_t *from_ids; /* LOAD_EDGES: one a row of `batch` */
    const uint64_t *to_ids;
    wg_slice packed; /* encoding LOAD_*: what wg_mutation_pack made of the rows before; none: it is made then */
    const uint32_t *labels; /* CREATE_NODE, LOAD_NODES: all; CHANGE_LABELS: those to add */
    uint32_t label_count;
    const uint32_t *removed_labels; /* CHANGE_LABELS */
    uint32_t removed_label_count;
    const wg_mutation_property *properties; /* CREATE_NODE, CREATE_EDGE, SET_*; ADD_PARTITION: values only, keys 0 */
    uint32_t property_count;
    bool replace;         /* SET_*: properties that are not named are removed */
    const uint32_t *keys; /* CREATE_NODES, LOAD_*: key of each vector of `batch` */
    wg_batch batch;
    uint64_t file_bytes; /* ADD_PARTITION */
    uint64_t row_count;
    wg_sha256 digest;
    uint64_t time_us;      /* TIME: since 1970 */
    wg_slice redo;         /* RUN_COMMIT: the whole body, which worldgraph/state reads */
    uint32_t parent;       /* RUN_CREATE: a run; 0: none */
    uint64_t fork_version; /* RUN_CREATE: of the parent */
    uint64_t fork_events;  /* RUN_CREATE: events of the parent that are the run's too */
} wg_mutation;

/* Appends; false when out of memory. */
bool wg_mutation_encode(wg_buf *out, const wg_mutation *mutation);
/* The greater part of a LOAD_*, which needs no ids: it can be made ahead of the writer. False when out of memory. */
bool wg_mutation_pack(wg_buf *out, const wg_mutation *mutation);
/* Takes one mutation off the front. Everything is checked; sizes are bounded by the bytes at hand. */
wg_code wg_mutation_decode(wg_slice *from, wg_arena *arena, wg_mutation *out, wg_error *err);

/* Takes one mutation off the front without a look at its body. */
wg_code wg_mutation_step(wg_slice *from, uint8_t *out_kind, wg_slice *out_body, wg_error *err);

/* apply[kind] for every kind; none may be NULL. */
typedef wg_code (*wg_apply_fn)(void *ctx, const wg_mutation *mutation, wg_error *err);
typedef struct wg_applier {
    wg_apply_fn apply[WG_MUTATION_KIND_COUNT];
} wg_applier;

/* Decodes a commit's payload and applies every mutation in order. The arena is reset between mutations. */
wg_code wg_mutations_replay(wg_slice payload, wg_arena *arena, const wg_applier *applier, void *ctx, wg_error *err);

#endif
