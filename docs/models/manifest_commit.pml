/* The commit of a manifest (src/io/manifest_txn/manifest_txn.c) as a Spin model of what the disk holds after a power failure.
 *
 * The machine: each file has a content in memory and one on the disk; each directory entry likewise. Anything unsynced may reach
 * the disk at any moment, in any order, and by itself: the process `disk` does that. A sync of a file carries its content over,
 * a sync of a directory its entries. Power may fail at any step: then only the disk counts, and a reader must find a whole manifest,
 * the acknowledged one or the one under way.
 *
 *   manifest/<epoch>: 0 absent, 1 named but empty or torn, 2 whole
 *   CURRENT:          the epoch whose number its file holds; 0: the file has the name but not its content
 *
 * Each commit writes epoch e: file, sync, rename, sync of manifest/; then CURRENT: file, sync, rename, sync of the workspace;
 * then, as a checkpoint does, it expires epoch e - 1, after a sync of the workspace.
 *
 * Variants that must fail:  -DBUG_NO_MANIFEST_DIR  manifest/ is not synced before CURRENT changes
 *                           -DBUG_NO_WORKSPACE_DIR the workspace directory is not synced before the commit is acknowledged
 *                           -DBUG_RENAME_FIRST     CURRENT is renamed before its content is synced
 *                           -DBUG_MANIFEST_UNSYNCED the manifest's content is not synced before its rename
 *                           -DBUG_EXPIRE_UNSYNCED  expiry after a commit whose last sync failed does not sync first */
#define EPOCHS 3

/* memory: what running processes see. disk: what a crash leaves. Index: epoch. */
bool entry_mem[5], entry_disk[5];     /* the name manifest/<epoch> */
bool content_mem[5], content_disk[5]; /* its bytes */
byte current_mem = 1, current_disk = 1; /* the epoch of the file that bears the name CURRENT */
bool ctext_mem[5], ctext_disk[5];     /* the bytes of the file that was CURRENT.tmp of that epoch */
byte acked = 1, trying = 1;
bool off, finished;

/* What a reader finds after the crash. */
inline check() {
    assert(ctext_disk[current_disk]);                                 /* CURRENT is whole */
    assert(entry_disk[current_disk] && content_disk[current_disk]);   /* and names a whole manifest */
    assert(current_disk >= acked);                                    /* nothing acknowledged is lost */
    assert(current_disk <= trying)
}

/* One step of the writer; none when the power is off. */
#define STEP(x) atomic { if :: off -> goto dead :: else -> x fi }

proctype writer() {
    byte e;
    bool failed;
    for (e : 2 .. EPOCHS) {
        failed = false;
        STEP(trying = e);
        STEP(content_mem[e] = true);
#ifndef BUG_MANIFEST_UNSYNCED
        STEP(content_disk[e] = content_mem[e]);
#endif
        STEP(entry_mem[e] = true);
#ifndef BUG_NO_MANIFEST_DIR
        STEP(entry_disk[e] = entry_mem[e]; if :: e > 2 -> entry_disk[e - 2] = entry_mem[e - 2] :: else fi);
#endif
        STEP(ctext_mem[e] = true);
#ifndef BUG_RENAME_FIRST
        STEP(ctext_disk[e] = ctext_mem[e]);
#endif
        STEP(current_mem = e);
#ifdef BUG_RENAME_FIRST
        STEP(ctext_disk[e] = ctext_mem[e]);
#endif
        if /* the last sync may fail and carry nothing over: the commit is not acknowledged, readers see it all the same */
        :: failed = true
        :: true ->
#ifndef BUG_NO_WORKSPACE_DIR
            STEP(current_disk = current_mem);
#endif
            STEP(acked = e)
        fi;
        /* expiry of the epoch before */
#ifndef BUG_EXPIRE_UNSYNCED
#ifndef BUG_NO_WORKSPACE_DIR
        STEP(current_disk = current_mem);
#endif
#endif
        STEP(entry_mem[e - 1] = false)
    };
dead:
    finished = true
}

/* Whatever is unsynced may become durable at any moment, each thing by itself. */
proctype disk() {
    byte i;
    do
    :: finished || off -> break
    :: atomic { !off && current_disk != current_mem -> current_disk = current_mem }
    :: atomic { !off -> i = 1; do :: i < EPOCHS -> i++ :: break od;
                if
                :: entry_disk[i] != entry_mem[i] -> entry_disk[i] = entry_mem[i]
                :: content_disk[i] != content_mem[i] -> content_disk[i] = content_mem[i]
                :: ctext_disk[i] != ctext_mem[i] -> ctext_disk[i] = ctext_mem[i]
                :: else
                fi; i = 0 }
    od
}

/* Power fails once, at any moment, or when all is done. */
proctype power() {
    atomic { off = true; check() }
}

init {
    atomic {
        entry_mem[1] = true; entry_disk[1] = true;
        content_mem[1] = true; content_disk[1] = true;
        ctext_mem[1] = true; ctext_disk[1] = true;
        run writer(); run disk(); run power()
    }
}
