/* tests/golden: the stripes of tests/golden/arc1-v1, arc1-v1.1 and arc1-v1-agents, written again from scratch: <id>.arc1 with its dump <id>.jsonl.
 *
 * Every encoding with every type that it takes and every pattern of nulls; ANY with one and with many types; compressed blocks; plain
 * ones; all kinds of fragments; empty ones; a fragment that begins at a page. The files are kept for ever: a change of these cases needs
 * a new directory. */
#ifndef WG_TESTS_GOLDEN_ARC1_CASES_H
#define WG_TESTS_GOLDEN_ARC1_CASES_H

#include "io/stripe/stripe.h"

enum {
    ARC1_GOLDEN_COUNT = 15,
    ARC1_GOLDEN_PLAIN = 15,
    ARC1_GOLDEN_ZSTD = 11,  /* whose bytes are libzstd's: only read */
    ARC1_GOLDEN_PARTS = 16, /* minor version 1: checksums of parts; alone in a folder of its own */
    ARC1_GOLDEN_AGENTS = 17 /* agents' runs: RUNS, STATE and EVENTS; alone too */
};
extern const uint8_t arc1_golden_store[16];

/* Where stripe `id` is kept. */
const char *arc1_golden_folder(uint64_t id);
/* Writes stripe `id` (1 to ARC1_GOLDEN_COUNT, ARC1_GOLDEN_PARTS or ARC1_GOLDEN_AGENTS) into a directory that exists. */
wg_code arc1_golden_write(wg_platform *platform, const char *dir, uint64_t id, wg_error *err);
/* The dump of a stripe, a line feed behind each line. Appends. */
wg_code arc1_golden_dump(wg_platform *platform, const char *dir, uint64_t id, wg_buf *out, wg_error *err);

#endif
