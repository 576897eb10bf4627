/* Group commit (src/io/wal_store/wal_sync.c, wal_append.c) as a Spin model: N committers append and wait, one leads a turn of
 * syncing for all, the background thread syncs what nobody waits for but was asked for (wg_wal_sync_soon).
 *
 * What is modelled: append_lock and sync_lock; the counters appended, durable, and what the disk really has; `turn` and `noted`; the two
 * events with their counts, the sleepers that are counted before they sleep, and the system's comparison of the count; the
 * flag with which a request saves the wakeup of a busy thread. What is not: bytes, segments, failing syncs, how long a leader waits for
 * a crowd (a step may take any time).
 *
 * Properties (tests/models/models_test.sh runs them, and the variants with a bug, which must fail):
 *   safety     a commit is acknowledged only when the disk has it: assert in committer
 *   order      one leader at a time; `durable` never passes what the disk has, and never goes back: asserts in the leader
 *   deadlock   no state in which somebody waits for ever: Spin's invalid end states
 *   progress   every append becomes durable, also when nobody waits for it: ltl all_durable
 * -DNO_THREAD leaves the background thread out, as STRICT does before the first request.
 * Variants:  -DBUG_ACK_EARLY     the leader publishes what is appended now, not what it noted before the sync
 *            -DBUG_NO_BROADCAST  the end of a turn wakes one of its waiters only
 *            -DBUG_NO_HANDOVER   the end of a turn wakes nobody who waits for the next one
 *            -DBUG_LATE_COUNT    a waiter reads the counts of the events after it has looked at the turn
 *            -DBUG_LATE_IDLE     the thread says that it waits after it has looked for work */
#ifndef N
#define N 2 /* committers */
#endif
#ifndef EACH
#define EACH 2 /* commits of each */
#endif
#ifndef WAIT_LAST
#define WAIT_LAST 0 /* whether the last one of each is waited for too */
#endif
#define UNKNOWN 255
#define CYCLE   8 /* counts that only matter as equal or not go round */

byte appended;        /* last_logseq, under append_lock */
byte durable;         /* durable_logseq, written by who has the turn */
byte on_disk;         /* what the last completed sync covered */
byte turn;            /* odd: a turn is under way */
byte noted = UNKNOWN; /* what it covers */
byte soon;            /* what the thread was asked for */
byte leaders;
bool thread_waits; /* sleeper_waits */
bool stopping;
byte finished;
bit append_lock, sync_lock;
byte count[2], sleepers[2], asleep[2], woken[2]; /* events */
bool thread_sleeps;                              /* on `wake` */

inline lock(l) { atomic { l == 0 -> l = 1 } }
inline unlock(l) { l = 0 }

/* wg_signal_wait: counts itself, then the system compares and puts it to sleep in one step. */
inline event_wait(e, seen) {
    sleepers[e]++;
    atomic {
        if
        :: count[e] == seen -> asleep[e]++
        :: else -> goto_awake = 1
        fi
    };
    if
    :: goto_awake -> goto_awake = 0
    :: else -> atomic { woken[e] > 0 -> woken[e]--; asleep[e]-- }
    fi;
    sleepers[e]--
}

/* wg_signal_raise: no system call when nobody is counted. */
inline event_raise(e, all) {
    count[e] = (count[e] + 1) % CYCLE;
    if
    :: sleepers[e] == 0 -> skip
    :: else ->
        atomic {
            if
            :: all -> woken[e] = asleep[e]
            :: !all && woken[e] < asleep[e] -> woken[e]++
            :: else -> skip
            fi
        }
    fi
}

inline turn_end(t) {
    noted = UNKNOWN;
    leaders--;
    turn = (t + 2) % CYCLE;
#ifndef BUG_NO_HANDOVER
    event_raise((t / 2 + 1) % 2, 0);
#else
    count[(t / 2 + 1) % 2] = (count[(t / 2 + 1) % 2] + 1) % CYCLE;
#endif
#ifdef BUG_NO_BROADCAST
    event_raise((t / 2) % 2, 0)
#else
    event_raise((t / 2) % 2, 1)
#endif
}

/* turn_take: leads a turn, or sleeps until one may be over. */
inline turn_take(logseq) {
#ifndef BUG_LATE_COUNT
    seen[0] = count[0];
    seen[1] = count[1];
#endif
    t = turn;
    if
    :: t % 2 == 0 ->
        atomic {
            if
            :: turn == t -> turn = t + 1; won = 1
            :: else -> won = 0
            fi
        };
        if
        :: won ->
            leaders++;
            assert(leaders == 1);
            if
            :: durable < logseq ->
                lock(append_lock);
                mark = appended;
                unlock(append_lock);
                noted = mark;
                atomic { on_disk = (mark > on_disk -> mark : on_disk) }; /* the sync: appends go on beside it */
#ifdef BUG_ACK_EARLY
                mark = appended;
#endif
                assert(mark >= durable);
                durable = mark
            :: else -> skip
            fi;
            turn_end(t)
        :: else -> skip
        fi
    :: else ->
        mark = noted;
        if
        :: turn != t || durable >= logseq -> skip
        :: else ->
            e = (t / 2 + (mark < logseq -> 1 : 0)) % 2;
#ifdef BUG_LATE_COUNT
            seen[e] = count[e];
#endif
            event_wait(e, seen[e])
        fi
    fi;
    d_step { seen[0] = 0; seen[1] = 0; t = 0; e = 0; mark = 0; won = 0 } /* fewer states */
}

proctype committer() {
    byte mine, mark, i, t, e;
    byte seen[2];
    bool won, goto_awake;
    for (i : 1 .. EACH) {
        lock(append_lock);
        appended++;
        mine = appended;
        unlock(append_lock);
        if
        :: i == EACH && !WAIT_LAST -> /* nobody waits for this one: wg_wal_sync_soon */
            atomic { soon = (mine > soon -> mine : soon) };
            if
            :: atomic { thread_waits -> thread_waits = false };
                lock(sync_lock);
                thread_sleeps = false;
                unlock(sync_lock)
            :: !thread_waits
            fi
        :: i < EACH || WAIT_LAST ->
            do
            :: durable >= mine -> break
            :: else -> turn_take(mine)
            od;
            assert(on_disk >= mine) /* acknowledged: it must be there */
        fi
    };
    atomic { finished++ }
}

proctype background() {
    byte mark, t, e, want;
    byte seen[2];
    bool won, goto_awake;
    lock(sync_lock);
    do
    :: stopping -> break
    :: !stopping ->
#ifndef BUG_LATE_IDLE
        thread_waits = true;
#endif
        if
        :: soon <= durable ->
#ifdef BUG_LATE_IDLE
            thread_waits = true;
#endif
            atomic { thread_sleeps = true; sync_lock = 0 };
            !thread_sleeps;
            lock(sync_lock)
        :: else ->
            thread_waits = false;
            unlock(sync_lock);
            want = appended;
            turn_take(want);
            lock(sync_lock)
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
    unlock(sync_lock);
    event_raise(0, 1);
    event_raise(1, 1)
}

init {
    byte i;
    atomic {
        for (i : 1 .. N) { run committer() };
#ifndef NO_THREAD
        run background();
#endif
        run closer()
    }
}

ltl all_durable { <> (finished == N && durable == N * EACH) }
