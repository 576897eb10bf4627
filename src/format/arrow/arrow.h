/* format/arrow: batches of columns out to the world: the Arrow C data and stream interfaces, and Arrow IPC streams.
 *
 *   NULL null | BOOL bool | INT int64 | FLOAT float64 | STRING utf8 | BYTES binary | DATE date32 |
 *   LOCAL_TIME time64[ns] | LOCAL_DATETIME timestamp[us] | every other type: its JSON text in utf8
 *
 * Each field carries the metadata worldgraph.type = wg_type_name of its type. What is exported owns its memory (from
 * the process-wide account) and has no tie to the batch, the database or the source that it came from. */
#ifndef WG_FORMAT_ARROW_H
#define WG_FORMAT_ARROW_H

#include "base/column/column.h"

typedef struct wg_arrow_field {
    const char *name; /* NUL-terminated, borrowed for the call */
    wg_type type;
    bool objects; /* NODE and EDGE values of this column hold as.node and as.edge, not as.id */
} wg_arrow_field;

/* Arrow's format string of a type, as the C data interface spells it. */
const char *wg_arrow_format(wg_type type);

/* Both: on success the caller releases *out by its callback. A vector of the batch may have any type as long as
 * its values have that of the field (ANY takes all, FLOAT takes INT). Errors: WG_E_TYPE a value of another type | WG_E_VALUE a date outside 32 bits, a datetime
 * with nanoseconds below a microsecond | WG_E_LIMIT a column of 2 GiB of text and more | WG_E_NOMEM. */
wg_code wg_arrow_export_schema(const wg_arrow_field *fields, uint32_t field_count, struct ArrowSchema *out,
                               wg_error *err);
wg_code wg_arrow_export_batch(const wg_arrow_field *fields, const wg_batch *batch, struct ArrowArray *out,
                              wg_error *err);

/* Where a stream takes its batches from. The stream owns `ctx`: it calls `release` (may be NULL) exactly once. A batch
 * is borrowed until the next call. Threads: one at a time. */
typedef struct wg_arrow_source {
    void *ctx;
    wg_code (*next)(void *ctx, wg_batch *out, bool *out_found, wg_error *err);
    void (*release)(void *ctx);
} wg_arrow_source;

/* Owns: takes the source on success (on failure the caller still has it); the caller releases *out by its callback.
 * Callbacks answer errno values: ENOMEM, EINVAL for values that do not fit, EIO otherwise. */
wg_code wg_arrow_export_stream(const wg_arrow_field *fields, uint32_t field_count, const wg_arrow_source *source,
                               struct ArrowArrayStream *out, wg_error *err);

/* Arrow IPC streaming format, metadata version 5, little-endian: one schema message, record batches, an end marker.
 * Schema and arrays must be of the types above, without offsets and dictionaries, as the exports above are.
 * Errors: WG_E_UNSUPPORTED another type or an offset | WG_E_CANCELLED `write` answered false | WG_E_NOMEM. */
wg_code wg_arrow_ipc_schema(const struct ArrowSchema *schema, wg_write_fn write, void *ctx, wg_error *err);
wg_code wg_arrow_ipc_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch, wg_write_fn write,
                           void *ctx, wg_error *err);
wg_code wg_arrow_ipc_end(wg_write_fn write, void *ctx, wg_error *err);
/* All three for a whole stream, which stays the caller's to release. */
wg_code wg_arrow_ipc_stream(struct ArrowArrayStream *stream, wg_write_fn write, void *ctx, wg_error *err);

#endif
