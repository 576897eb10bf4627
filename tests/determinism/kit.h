/* tests/determinism: random histories of a graph, the store that they make, and the naive oracle: a scan of the history with arrays and a sort,
 * which shares no code with the engine but the printing of values.
 *
 * A history is a list of events, one for each key that a commit changed, with the whole record or its absence. The state at S is, of each
 * key, the event with the largest logseq that is at most S. Nodes and edges are created in key order and no commit is rolled back, so a key is
 * also the id that the store gives (invariant 37 checks that). Everything comes from a seed, which every failure prints. */
#ifndef WG_TESTS_DETERMINISM_KIT_H
#define WG_TESTS_DETERMINISM_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/api.h"
#include "base/text/text.h"
#include "format/receipt/receipt.h"

enum { KIT_NODES = 48, KIT_EDGES = 64, KIT_COMMITS = 24, KIT_EVENTS = 4096, KIT_SEEDS = 4 };

typedef struct kit_record {
    bool alive;
    uint8_t labels; /* nodes: 1 A, 2 B; edges: 0 R, 1 S */
    int64_t k;
    int64_t f_scaled; /* f = f_scaled / 2^20 */
    uint32_t from;
    uint32_t to;
} kit_record;

typedef struct kit_event {
    uint64_t logseq;
    bool is_edge;
    uint32_t key;
    kit_record record;
} kit_event;

typedef struct kit_history {
    uint64_t seed;
    wg_rng rng;
    kit_event events[KIT_EVENTS];
    uint32_t event_count;
    uint32_t node_count;
    uint32_t edge_count;
    uint64_t last;
} kit_history;

typedef struct kit_state {
    kit_record nodes[KIT_NODES];
    kit_record edges[KIT_EDGES];
    uint64_t node_logseq[KIT_NODES]; /* of the newest event, dead or alive */
    uint64_t edge_logseq[KIT_EDGES];
} kit_state;
void kit_state_at(const kit_history *h, uint64_t logseq, kit_state *out);

/* ---- stores */

typedef struct kit_db {
    char dir[128];
    wg_db *db;
    wg_session *session;
} kit_db;

#define KIT_OK(call)                                                                          \
    do {                                                                                      \
        wg_error err_ = {0};                                                                  \
        wg_error *err = &err_;                                                                \
        const wg_code code_ = (call);                                                         \
        if (code_ != WG_OK) fail_msg("%s: %s: %s", #call, wg_code_name(code_), err_.message); \
    } while (0)

void kit_open(kit_db *db, bool create); /* makes a directory of its own when `create`; 8 threads */
void kit_close(kit_db *db);
void kit_remove(kit_db *db);                   /* closes and removes the directory */
void kit_copy(const kit_db *from, kit_db *to); /* of the files of a closed store; `to` is opened */

/* When a history's store is given checkpoints and compactions. */
typedef enum kit_upkeep { KIT_LOG_ONLY, KIT_CHECKPOINTED, KIT_COMPACTED } kit_upkeep;
/* Appends `commits` random commits to history and store. */
void kit_grow(kit_history *h, kit_db *db, uint32_t commits, kit_upkeep upkeep);
void kit_begin(kit_history *h, uint64_t seed);
/* Does the commits of a history again in another store, up to a logseq. */
void kit_replay(const kit_history *h, kit_db *db, uint64_t up_to, kit_upkeep upkeep);
void kit_upkeep_now(kit_db *db, kit_upkeep upkeep);
void kit_do(kit_db *db, const char *text);

/* ---- answers: header and rows as --json has them, a line each */

enum { KIT_QUERIES = 12 };
const char *kit_query(uint32_t number);
/* Appends the answer of a text at a snapshot (0: now). */
void kit_answer(const kit_db *db, const char *text, uint64_t at, wg_buf *out);
wg_code kit_try(const kit_db *db, const char *text, uint64_t at, wg_buf *out, wg_error *err);
/* What the oracle says that query `number` answers at S, in the same form. */
void kit_oracle(const kit_history *h, uint32_t number, uint64_t at, wg_buf *out);
void kit_expect_same(const wg_buf *got, const wg_buf *wanted, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* All answers of a store at S, one behind the other. */
void kit_all_answers(kit_db *db, uint64_t at, wg_buf *out);
void kit_all_oracle(const kit_history *h, uint64_t at, wg_buf *out);
void kit_execution(kit_db *db, uint32_t threads, uint32_t shards, uint32_t morsel, const char *isa,
                   wg_optimizer optimizer);
/* Kernels that this machine can run, by name; NULL behind the last. */
const char *kit_isa(uint32_t number);

#endif
