/* engine: the history as such: versions of owned rows as records, and what verified bytes say of one commit. Part of engine.h. */
#ifndef WG_ENGINE_VERSIONS_H
#define WG_ENGINE_VERSIONS_H

#include "base/digest/digest.h"
#include "engine/engine.h"

/* ---- verification */

/* As wg_engine_verify, and what the verified bytes say of one commit. */
typedef struct wg_verify_chain {
    uint64_t logseq;
    bool found; /* the log has reached it */
    wg_sha256 value;
    uint8_t store[16];
} wg_verify_chain;
wg_code wg_engine_verify_chain(wg_platform *platform, const char *path, wg_verify_chain *chain, wg_verify_report *out,
                               wg_error *err);

/* ---- versions as records (versions.c): everything that was committed up to the transaction's snapshot and not dropped since */

typedef struct wg_version_segment {
    uint32_t table; /* number of the set of labels, given in log order */
    bool is_edge;
    const uint32_t *labels; /* ascending numbers; an edge has one */
    uint32_t label_count;
    uint64_t first_row;
    uint32_t row_count; /* at most WG_FRAGMENT_ROWS */
} wg_version_segment;
typedef struct wg_row_version {
    uint64_t id;
    uint64_t begin; /* commit that wrote it */
    uint64_t end;   /* commit that replaced or deleted it; WG_LOGSEQ_NEVER; may lie behind the snapshot */
    uint64_t from;  /* edges */
    uint64_t to;
} wg_row_version;
wg_code wg_version_segments(const wg_txn *txn, wg_arena *arena, wg_version_segment **out, uint32_t *out_count,
                            wg_error *err);
uint32_t wg_version_labels(const wg_txn *txn, uint32_t table, const uint32_t **out); /* of a segment's table */
/* out[segment->row_count], in row order. */
wg_code wg_versions_read(const wg_txn *txn, const wg_version_segment *segment, wg_row_version *out,
                         uint32_t *out_count, wg_error *err);

#endif
