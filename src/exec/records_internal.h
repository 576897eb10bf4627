/* exec: what the files of the record plane share. See operators.h. */
#ifndef WG_EXEC_RECORDS_INTERNAL_H
#define WG_EXEC_RECORDS_INTERNAL_H

#include <stdlib.h>

#include "base/digest/digest.h"
#include "exec/exec_internal.h"
#include "exec/operators.h"

/* One record between the stages; buffers are its columns. */
typedef struct wgi_record {
    uint64_t logseq;
    uint64_t id;
    uint64_t from;
    uint64_t to;
    uint32_t table;
    uint32_t type_tag;
    uint8_t has_type_tag;
    uint8_t is_edge;
    uint8_t put; /* else a tombstone */
} wgi_record;

typedef struct wgi_record_run {
    wgi_record *records; /* wg_free */
    uint64_t count;
    uint64_t at;
} wgi_record_run;

/* SegmentScan and Merge: every record of the range, in order. */
wg_code wgi_records_scan(const wg_record_plan *plan, const wg_exec_context *context, wgi_record_run *out,
                         wg_error *err);
/* TombstoneShadow: leaves the newest record of each key, if it is a put. */
wg_code wgi_records_shadow(wgi_record_run *run, const wg_exec_context *context, wg_error *err);

/* A 64-byte aligned column with room for a whole vector behind its last element; NULL: out of memory. */
void *wgi_record_column(wg_arena *arena, uint64_t count, size_t size);
#define WGI_COLUMN(arena, column, n) (((column) = wgi_record_column((arena), (n), sizeof *(column))) != NULL)

/* records_stages.c */
wg_code wgi_records_traverse(const wg_operator_def *op, const wgi_record_run *run, const wg_exec_context *context,
                             wg_arena *arena, wg_tgk_traversal_buffer *out, wg_error *err);
wg_code wgi_records_project(const wg_operator_def *op, bool traversed, wg_record_result *r, wg_error *err);
void wgi_records_limit(const wg_operator_def *op, wg_projection_buffer *p);
wg_code wgi_records_aggregate(const wg_operator_def *op, const wg_kernels *kernels, wg_record_result *r,
                              wg_error *err);

#endif
