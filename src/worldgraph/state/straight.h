/* worldgraph/state: the straight way (straight.c), for handles that put again and again. Part of state.h. */
#ifndef WG_WORLDGRAPH_STATE_STRAIGHT_H
#define WG_WORLDGRAPH_STATE_STRAIGHT_H

#include "worldgraph/state/state.h"

/* The straight way of a put of BYTES that do not expire, whatever is there, for a handle that puts again and again: what it needs lies together.
 * It is open while *gate is `open_at`, which is the owner's to keep; what it cannot do goes to `otherwise`, and behind what it did
 * `behind` is called when the lane has to be noticed. All three get the arguments of the call as they are. */
typedef struct wg_state_way wg_state_way;
typedef wg_code (*wg_state_way_fn)(wg_state_way *way, const void *key, size_t key_size, const void *value,
                                   size_t value_size, uint64_t *out_version, wg_error *err);
/* straight.c's: the rest of a put whose slot is on its way, the commit of a transaction of one key. */
struct wgi_slot;
struct wgi_side;
struct wgi_header;
struct wgi_quick;
typedef wg_code (*wgi_put_at_fn)(wg_state_way *way, const uint8_t *key, size_t key_size, struct wgi_slot *slot,
                                 struct wgi_side *side, struct wgi_header *header);
typedef uint64_t (*wgi_commit_at_fn)(const wg_state_way *way, const struct wgi_quick *quick);
struct wg_state_way {
    wg_state_session *session;
    wg_state_run *run;
    struct wgi_table *table;
    struct wgi_writer *writer;
    wg_lane *lane;
    uint64_t hash_mix;
    uint64_t shape; /* of its records without the sizes (straight.c) */
    bool logs;
    wgi_put_at_fn put_at;
    wgi_commit_at_fn commit_at;
    const void *value; /* up to err: arguments of the put that is under way */
    size_t value_size;
    uint64_t *out_version;
    wg_error *err;
    const _Atomic uint64_t *gate;
    uint64_t open_at;
    uint64_t refused;            /* keys that begin with these eight bytes go to `otherwise` */
    const _Atomic bool *noticed; /* true: somebody is going to drain; NULL: nobody has to */
    wg_state_way_fn otherwise;
    wg_code (*behind)(wg_state_way *way, wg_error *err);
};
/* The fields from `gate` on are the owner's. */
void wg_state_way_init(wg_state_way *way, wg_state_session *session, wg_state_run *run);
/* Whether the way can be open at all: not in forks, nor where readers wait for what is durable. */
bool wg_state_way_is_possible(const wg_state_run *run);
wg_code wg_state_put_straight(wg_state_way *way, const void *key, size_t key_size, const void *value,
                              size_t value_size, uint64_t *out_version, wg_error *err);
/* The same for a transaction that reads one key first and writes it then. False, version 0: nothing was done, the usual calls do it. */
bool wg_state_txn_get_straight(const wg_state_way *way, wg_state_txn *txn, wg_slice key, wg_state_cell *out);
bool wg_state_txn_put_straight(const wg_state_way *way, wg_state_txn *txn, wg_slice key, wg_slice value);
uint64_t wg_state_commit_straight(const wg_state_way *way, wg_state_txn *txn);
uint64_t wg_state_now_us(wg_state_session *session); /* the coarse time */

#endif
