/* Group commit (src/io/wal_store/wal_sync.c, wal_append.c) as a Spin model: N committers append and wait, one leads a sync
 * for all, the background thread of BUFFERED syncs what nobody waits for.
 *
 * What is modelled: append_lock and sync_lock; the three counters appended, durable, and what the disk really has; the leader's
 * steps (note what is appended, give up every lock, sync, publish); the condition variables as flags of who sleeps; the atomic
 * `idle` with which an append saves the wakeup of a busy thread. What is not: bytes, segments, the interval's length (a timer
 * may fire at any moment), failing syncs.
 *
 * Properties (tests/models/models_test.sh runs them, and the variants with a bug, which must fail):
 *   safety     a commit is acknowledged only when the disk has it: assert in committer
 *   order      `durable` never passes what the disk has, and never goes back: assert in the leader
 *   deadlock   no state in which somebody waits for ever: Spin's invalid end states
 *   progress   every append becomes durable, also when nobody waits for it: ltl all_durable
 * Variants:  -DBUG_ACK_EARLY     the leader publishes what is appended now, not what it noted before the sync
 *            -DBUG_NO_BROADCAST  a leader wakes one waiter only
 *            -DBUG_LATE_IDLE     the thread raises `idle` after it has looked for work */
#ifndef N
#define N 2 /* committers */
#endif
#ifndef EACH
#define EACH 2 /* commits of each */
#endif
#ifndef WAIT_LAST
#define WAIT_LAST 0 /* whether the last one of each is waited for too */
#endif

byte appended; /* last_logseq, under append_lock */
byte durable;  /* durable_logseq, under sync_lock */
byte on_disk;  /* what the last completed sync covered */
bool syncing;  /* under sync_lock */
bool idle;     /* sleeper_idle */
bool stopping;
byte finished;
bit append_lock, sync_lock;
byte sleepers;      /* waiters on sync_done; the background thread too */
byte wakeups;       /* how many of them may go */
bool thread_sleeps; /* on `wake` */

inline lock(l) { atomic { l == 0 -> l = 1 } }
inline unlock(l) { l = 0 }

/* sync_done: releases sync_lock and sleeps in one step, takes the lock again after a wakeup. */
inline wait_done() {
    atomic { sleepers++; sync_lock = 0 };
    atomic { wakeups > 0 -> wakeups--; sleepers-- };
    lock(sync_lock)
}
#ifdef BUG_NO_BROADCAST
#define BROADCAST if :: wakeups < sleepers -> wakeups++ :: else fi
#else
#define BROADCAST wakeups = sleepers
#endif

/* Caller holds sync_lock and has seen !syncing. */
inline lead(noted) {
    assert(!syncing);
    syncing = true;
    unlock(sync_lock);
    lock(append_lock);
    noted = appended;
    unlock(append_lock);
    atomic { on_disk = (noted > on_disk -> noted : on_disk) }; /* the sync: appends go on beside it */
    lock(sync_lock);
#ifdef BUG_ACK_EARLY
    noted = appended;
#endif
    assert(noted >= durable);
    durable = noted;
    syncing = false;
    atomic { BROADCAST }
}

proctype committer() {
    byte mine, noted, i;
    for (i : 1 .. EACH) {
        lock(append_lock);
        appended++;
        mine = appended;
        unlock(append_lock);
        if /* nudge_sleeper */
        :: atomic { idle -> idle = false };
            lock(sync_lock);
            thread_sleeps = false;
            unlock(sync_lock)
        :: !idle
        fi;
        if
        :: i == EACH && !WAIT_LAST -> skip /* nobody waits for this one */
        :: i < EACH || WAIT_LAST ->
            lock(sync_lock);
            do
            :: durable >= mine -> break
            :: durable < mine && syncing -> wait_done()
            :: durable < mine && !syncing -> lead(noted)
            od;
            unlock(sync_lock);
            assert(on_disk >= mine) /* acknowledged: it must be there */
        fi
    };
    atomic { finished++ }
}

proctype background() {
    byte noted;
    lock(sync_lock);
    do
    :: stopping -> break
    :: !stopping ->
#ifndef BUG_LATE_IDLE
        idle = true;
#endif
        if
        :: durable == appended ->
#ifdef BUG_LATE_IDLE
            idle = true;
#endif
            atomic { thread_sleeps = true; sync_lock = 0 };
            !thread_sleeps;
            lock(sync_lock)
        :: else ->
            idle = false;
            if
            :: syncing -> wait_done()
            :: !syncing -> lead(noted)
            fi
        fi
    od;
    unlock(sync_lock)
}

/* Closing: all committers are through and all is durable; the thread is told to stop. */
proctype closer() {
    finished == N && durable == appended;
    lock(sync_lock);
    stopping = true;
    thread_sleeps = false;
    atomic { wakeups = sleepers };
    unlock(sync_lock)
}

init {
    byte i;
    atomic {
        for (i : 1 .. N) { run committer() };
        run background();
        run closer()
    }
}

ltl all_durable { <> (finished == N && durable == N * EACH) }
