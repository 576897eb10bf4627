/* format/receipt: the receipt of an answer as a structure and as its one line of JSON (docs/receipt.md), the hashes of rows, and paths of the
 * Merkle tree over rows. Bytes in, bytes or a typed error out: nothing here reads a file or a store.
 *
 * A receipt has one spelling. Reading prints what was read again and compares: a byte that differs is WG_E_CORRUPT at its offset. Then what the
 * receipt says of itself is checked: core_id is the hash of the core, the carried statement and parameters are those that the core
 * hashes, the chunks give the Merkle root, and every signature is valid. So each bit of the line is covered.
 *
 * Memory and time are linear in the text; at most WG_RECEIPT_BYTES_MAX of it is read. */
#ifndef WG_FORMAT_RECEIPT_H
#define WG_FORMAT_RECEIPT_H

#include "base/column/column.h"
#include "base/digest/digest.h"
#include "base/sign/sign.h"

#define WG_RECEIPT_BYTES_MAX (UINT32_C(64) << 20)
enum {
    WG_RECEIPT_FORMAT = 2, /* 1 is read too */
    WG_RECEIPT_SEMANTICS = 1,
    WG_RECEIPT_CHUNK_ROWS = 4096,
    WG_RECEIPT_PARAMS_MAX = 10000,
    WG_RECEIPT_SIGNATURES_MAX = 1024,
    WG_RECEIPT_PATH_MAX = 64
};

typedef struct wg_receipt_param {
    wg_slice name;
    wg_sha256 hash; /* of the value's canonical bytes */
    wg_slice value; /* these bytes; data NULL: not carried */
} wg_receipt_param;

/* Who says that it got the same core: not part of it. */
typedef struct wg_receipt_signature {
    wg_sign_public executor;
    wg_slice build; /* "0.1.0" */
    wg_slice isa;
    uint64_t threads, shards;
    uint64_t started_us, completed_us; /* since 1970 */
    wg_signature signature;
} wg_receipt_signature;

/* What the text says; slices live in the arena that it was read into, or are the caller's. */
typedef struct wg_receipt {
    uint32_t format;
    uint32_t semantics;
    uint64_t snapshot;
    uint64_t row_count;
    uint8_t store[16];
    wg_sha256 chain, parameter_hash, plan_hash, result_hash;
    /* from format 2 on */
    bool optimizer;
    wg_sha256 statement_hash; /* of the statement's text */
    const wg_receipt_param *params;
    uint32_t param_count;
    bool has_merkle;
    wg_sha256 merkle_root;
    /* beside the core */
    wg_slice statement; /* data NULL: not carried */
    bool carries_params;
    const wg_sha256 *chunks; /* with has_merkle */
    uint32_t chunk_count;
    const wg_receipt_signature *signatures;
    uint32_t signature_count;
} wg_receipt;

/* SHA-256 of the core. */
wg_code wg_receipt_core_id(const wg_receipt *receipt, wg_sha256 *out, wg_error *err);
/* Appends the whole line, without a line feed. */
wg_code wg_receipt_print(const wg_receipt *receipt, wg_buf *out, wg_error *err);
/* Reads one line; a line feed may follow. `place` (of WG_RECEIPT_PLACE_SIZE bytes) says which part is wrong: "receipt", "core_id",
 * "statement", "parameter NAME", "chunk N", "signature N"; it is set on WG_E_CORRUPT alone.
 * Errors: WG_E_CORRUPT with the offset where there is one | WG_E_VERSION a newer format | WG_E_LIMIT | WG_E_NOMEM. */
enum { WG_RECEIPT_PLACE_SIZE = 96 };
wg_code wg_receipt_read(wg_slice text, wg_arena *arena, wg_receipt *out, char place[WG_RECEIPT_PLACE_SIZE],
                        wg_error *err);
/* The message that an executor signs: a tag, core_id, and the signature's other fields. Appends. */
wg_code wg_receipt_signed_bytes(const wg_receipt *receipt, const wg_receipt_signature *signature, wg_buf *out,
                                wg_error *err);

/* ---- rows: the text of an answer, as `worldgraph query --json` writes it */

/* Takes rows in order; result_hash is SHA-256 over the header line and one line a row, each with a line feed. */
typedef struct wg_receipt_rows {
    wg_sha256_state *state;
    uint64_t row_count;
    bool merkle;
    wg_buf inner; /* stack of subtrees of the chunk in hand: 40 bytes each */
    wg_buf chunks;
} wg_receipt_rows;
wg_code wg_receipt_rows_begin(wg_receipt_rows *rows, bool merkle, wg_error *err);
wg_code wg_receipt_rows_header(wg_receipt_rows *rows, wg_slice header, wg_error *err); /* once, first */
wg_code wg_receipt_rows_add(wg_receipt_rows *rows, wg_slice row, wg_error *err);
/* Digests of what was added. *root is written with `merkle` alone; then rows->chunks holds the digests of the chunks. */
wg_code wg_receipt_rows_end(wg_receipt_rows *rows, wg_sha256 *out_hash, wg_sha256 *out_root, wg_error *err);
void wg_receipt_rows_deinit(wg_receipt_rows *rows);

/* Cuts the line {"columns":[..],"types":[..],"rows":[[..],..]} into its header {"columns":[..],"types":[..]} and rows. The first call with
 * *offset 0 gives the header (in `scratch`), later ones a row each; *out_found false at the end. Errors: WG_E_CORRUPT with the offset. */
wg_code wg_receipt_rows_next(wg_slice text, size_t *offset, wg_buf *scratch, wg_slice *out, bool *out_found,
                             wg_error *err);

/* Root of the tree of RFC 9162 over `count` digests of leaves or of equal subtrees but the last; of nothing: SHA-256 of nothing. */
wg_code wg_receipt_tree_root(const wg_sha256 *nodes, size_t count, wg_sha256 *out, wg_error *err);
void wg_receipt_leaf(wg_slice row, wg_sha256 *out);
/* The path from leaf `index` of `count` leaves to the root, lowest first; path[WG_RECEIPT_PATH_MAX]. */
wg_code wg_receipt_tree_path(const wg_sha256 *leaves, size_t count, size_t index, wg_sha256 *path,
                             uint32_t *out_count, wg_error *err);
/* True when the leaf at `index` of `count` and the path give the root. */
bool wg_receipt_path_holds(const wg_sha256 *leaf, uint64_t index, uint64_t count, const wg_sha256 *path,
                           uint32_t path_count, const wg_sha256 *root);

#endif
