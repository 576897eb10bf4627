/* tests/sim: histories of list-append transactions, and the check of what they saw, after Elle (Kingsbury and Alvaro, VLDB 2020).
 *
 * Transactions append numbers, each used once, to lists, and read lists. Since a list shows all that was appended to it in order, reads
 * tell the order of versions, and with it Adya's graph: ww (a's element stands right before b's), wr (b's read ends with a's element),
 * rw (a's read ends right before b's element). */
#ifndef WG_TESTS_SIM_HISTORY_H
#define WG_TESTS_SIM_HISTORY_H

#include "base/core/core.h"

typedef enum history_status {
    HISTORY_OPEN,
    HISTORY_COMMITTED,
    HISTORY_ABORTED,
    HISTORY_UNKNOWN, /* the commit was under way when power failed */
    HISTORY_LOST     /* it was committed, and power took it back: nobody may see it afterwards */
} history_status;

typedef struct history_op {
    uint32_t txn;
    uint32_t key;
    bool append;
    uint32_t element;    /* append */
    uint32_t read_first; /* read: its elements are reads[read_first .. + read_count) */
    uint32_t read_count;
} history_op;

typedef struct history {
    history_status *status; /* by transaction */
    uint64_t *logseq;       /* by transaction: its commit, or the snapshot of one that wrote nothing */
    uint32_t txns;
    uint32_t txn_max;
    uint32_t logseq_max;
    history_op *ops; /* those of one transaction in its order; of several interleaved */
    uint32_t op_count;
    uint32_t op_max;
    uint32_t *reads;
    uint32_t read_count;
    uint32_t read_max;
    uint32_t elements; /* numbers given: 1 .. elements */
    uint32_t keys;
} history;

void history_init(history *h);
void history_deinit(history *h);
uint32_t history_begin(history *h); /* number of the transaction */
void history_end(history *h, uint32_t txn, history_status status);
void history_end_at(history *h, uint32_t txn, uint64_t logseq); /* committed */
/* Power failed, and what came back ends with `logseq`: what transactions from `first` on had committed, or seen, behind it never was.
 * Gives how many commits that takes back. What survives is a prefix exactly when the history is right afterwards: a commit before the
 * end that is missing counts as lost, one behind it that is seen as an aborted append that was read. */
uint32_t history_cut(history *h, uint32_t first, uint64_t logseq);
uint32_t history_append(history *h, uint32_t txn, uint32_t key); /* the element */
void history_read(history *h, uint32_t txn, uint32_t key, const uint32_t *elements, uint32_t count);

typedef struct history_verdict {
    uint32_t own;      /* a transaction did not see its own appends, or two reads of it differ */
    uint32_t orders;   /* two reads of a list are not one the beginning of the other */
    uint32_t g0;       /* cycle of ww */
    uint32_t g1a;      /* an append was read that was aborted, or that power had taken back */
    uint32_t g1b;      /* an append that its transaction followed by another was read as the last */
    uint32_t g1c;      /* cycle of ww and wr */
    uint32_t g_single; /* cycle with one rw: a lost update, or a read that is older than another */
    uint32_t g2_item;  /* cycles with more: write skew, which snapshot isolation allows; counted by components */
    uint32_t lost;     /* committed appends that the last reads do not show */
    uint32_t edges;    /* of the graph */
    char first[200];   /* what was found first */
} history_verdict;
/* The last read of each list must be there: everything is counted from it. */
void history_check(const history *h, history_verdict *out);
/* What snapshot isolation forbids. */
static inline bool history_is_right(const history_verdict *v) {
    return v->own + v->orders + v->g0 + v->g1a + v->g1b + v->g1c + v->g_single + v->lost == 0;
}

#endif
