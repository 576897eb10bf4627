/* io/platform, own files only: the simulated disk, shared by its calls (platform_sim.c) and its crashes
 * (platform_sim_crash.c). */
#ifndef WG_IO_PLATFORM_SIM_INTERNAL_H
#define WG_IO_PLATFORM_SIM_INTERNAL_H

#include "io/platform/platform_internal.h"

enum { SIM_SECTOR_BYTES = 512, SIM_PATH_BYTES_MAX = 512, SIM_FILE_BYTES_MAX = 1 << 30, SIM_INODE_NONE = -1 };

/* One change of a file's content that no sync has covered. */
typedef struct sim_op {
    uint64_t sequence; /* one order over all files and names */
    bool is_truncate;
    bool direct;     /* past the system's cache: what it does not change of a sector is not at stake */
    uint64_t offset; /* of a write; the new size of a truncate */
    size_t size;
    uint8_t *data;
} sim_op;

typedef struct sim_inode {
    bool is_directory;
    bool locked;
    wg_buf current; /* what reads see */
    wg_buf durable; /* what the last sync left on the platter */
    sim_op *ops;
    size_t op_count;
    size_t op_capacity;
} sim_inode;

typedef struct sim_name {
    char path[SIM_PATH_BYTES_MAX];
    size_t inode;
} sim_name;

typedef struct sim_names {
    sim_name *items;
    size_t count;
    size_t capacity;
} sim_names;

typedef enum sim_name_kind { SIM_NAME_CREATE, SIM_NAME_RENAME, SIM_NAME_UNLINK } sim_name_kind;

/* One change of names that no directory sync has covered. */
typedef struct sim_name_op {
    uint64_t sequence;
    sim_name_kind kind;
    size_t inode;
    char path[SIM_PATH_BYTES_MAX];
    char to[SIM_PATH_BYTES_MAX]; /* of a rename */
    bool path_synced;
    bool to_synced;
} sim_name_op;

typedef struct sim_disk {
    wg_mutex mutex; /* guards everything below; rank WG_RANK_PLATFORM */
    sim_inode **inodes;
    size_t inode_count;
    size_t inode_capacity;
    sim_names names;   /* what calls see */
    sim_names durable; /* what directory syncs left on the platter */
    sim_name_op *name_ops;
    size_t name_op_count;
    size_t name_op_capacity;
    uint64_t sequence;
    uint64_t calls;
    uint64_t crash_at; /* 0: off */
    bool crashed;
    uint64_t syncs;
    uint64_t fail_sync_at; /* 0: off */
    uint64_t clock_ns;
    wg_rng rng;
} sim_disk;

typedef struct sim_platform {
    wg_platform base; /* first: a wg_platform pointer is a sim_platform pointer */
    sim_disk *disk;
} sim_platform;

static inline sim_disk *sim_disk_of(const wg_platform *self) {
    return ((const sim_platform *)(const void *)self)->disk;
}

/* All are called with the mutex held. False and NULL mean: out of memory, nothing changed. */
sim_name *wgi_sim_name_find(const sim_names *names, const char *path);
bool wgi_sim_name_set(sim_names *names, const char *path, size_t inode);
void wgi_sim_name_remove(sim_names *names, const char *path);
/* Applies one change of names to a table. */
bool wgi_sim_name_apply(sim_names *names, const sim_name_op *op);
bool wgi_sim_inode_add(sim_disk *disk, bool is_directory, size_t *out);
/* Grows with zeros or cuts. */
bool wgi_sim_resize(wg_buf *buf, uint64_t size);
void wgi_sim_ops_clear(sim_inode *inode);
/* Length of the directory part of an absolute path; 1 for names in the root. */
size_t wgi_sim_parent_size(const char *path);

/* Applies to `inode`'s durable bytes the part of its pending writes that a seeded coin of 1 in 2 lets through. */
bool wgi_sim_lose_pending(sim_disk *disk, sim_inode *inode);

#endif
