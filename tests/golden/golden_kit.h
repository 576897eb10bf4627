/* tests/golden: workspaces that earlier versions wrote, kept for ever. This kit loads one into a simulated disk, and writes
 * what it holds as text, so that any version's reading can be compared with the text kept beside it.
 *
 *   tests/golden/<name>/ws/...         the workspace, byte for byte; trailing zeros of log segments cut off
 *   tests/golden/<name>/data/...       Parquet files of its virtual label; they were at /data when it was written
 *   tests/golden/<name>/dump.txt       golden_dump of it, at the newest state and at some of the past
 */
#ifndef WG_TESTS_GOLDEN_KIT_H
#define WG_TESTS_GOLDEN_KIT_H

#include "engine/engine.h"

/* Copies a directory with all below it from `from` to `to`; `to` is made. */
wg_code golden_copy(wg_platform *from, const char *from_path, wg_platform *to, const char *to_path, wg_error *err);

/* A new simulated disk that holds the golden workspace as /ws and its data as /data. */
wg_code golden_load(const char *name, uint64_t seed, wg_platform **out, wg_error *err);

/* Runs one statement in a transaction of its own; appends its rows, cells as JSON with a space between. */
wg_code golden_run(wg_engine *engine, const char *text, uint64_t as_of, wg_buf *out, wg_error *err);

/* All nodes and edges of labels that are stored, all rows of the virtual label, at a snapshot (0: the newest). Appends. */
wg_code golden_dump(wg_engine *engine, uint64_t as_of, wg_buf *out, wg_error *err);
/* The text of dump.txt: the dumps of several snapshots of a history of `newest` commits. */
wg_code golden_dump_all(wg_engine *engine, uint64_t newest, wg_buf *out, wg_error *err);

/* Reads a whole file. Appends. */
wg_code golden_read(wg_platform *platform, const char *path, wg_buf *out, wg_error *err);
wg_code golden_write(wg_platform *platform, const char *path, wg_slice bytes, wg_error *err);

#endif
