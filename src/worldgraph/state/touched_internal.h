/* Keys of a run that were touched since a fork or a checkpoint (touched.c). Internal to worldgraph/state. */
#ifndef WG_STATE_TOUCHED_INTERNAL_H
#define WG_STATE_TOUCHED_INTERNAL_H

#include "worldgraph/state/state_internal.h"

/* From now on keys are noted when they are changed for the first time after this moment. Whoever lists changes since a version that the run has
 * now, or later, looks at them alone. Without memory it does without. */
void wgi_touched_mark(wg_state_run *run);
/* The rest of the note that a commit makes, with its version taken and its slot locked. */
void wgi_touched_note(wg_state_run *run, uint64_t hash);
/* Every commit calls this for each record that it replaces (word0 of the slot; 0: a new key), with its version taken and the slot locked. */
static inline __attribute__((always_inline)) void wgi_touch(wg_state_run *run, uint64_t word0, uint64_t hash) {
    /* seq_cst: behind the version; pairs with wgi_touched_mark */
    if (wgi_version_of(word0) < atomic_load(&run->touch_below)) wgi_touched_note(run, hash);
}
/* Nothing is noted any more; the next mark begins anew. Replay, whose commits nobody can wait for. */
void wgi_touched_forget(wg_state_run *run);
void wgi_touched_destroy(wgi_touched *touched);
/* Hashes of all keys that commits of versions in (since, until] have changed, and perhaps of others; *out_known false: that is not known, look
 * at all keys. `until` is the run's newest version or less. */
wg_code wgi_touched_since(wg_state_run *run, uint64_t since, uint64_t most, wg_buf *out, bool *out_known,
                          wg_error *err);

#endif
