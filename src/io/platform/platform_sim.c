/* The simulated platform: a file system in memory that remembers what no sync has covered.
 *
 * Each file has two contents: what reads see, and what is on the platter. A write changes the first and is queued; a
 * sync applies the queue to the second. Names are kept the same way: a create, rename or unlink changes the table that
 * calls see and is queued until its directory is synced. platform_sim_crash.c makes from platter and queues a disk that
 * a power failure may leave. The clock is a counter and random bytes are seeded, so a single-threaded run repeats.
 *
 * Failure modes: once the armed call has come, it takes effect in the queues alone (the failure may have come in the
 * middle of it) and it and every later call fail with EIO. Out of memory is WG_E_NOMEM and changes nothing. */
#include "io/platform/platform_sim_internal.h"

#include <errno.h>
#include <stdio.h>

typedef struct sim_file {
    size_t inode;
    bool writable;
    bool direct;
    bool holds_lock;
    char path[SIM_PATH_BYTES_MAX]; /* for messages only */
} sim_file;

static sim_file *sim_file_of(wg_file *file) { return (sim_file *)(void *)file; }

/* ---- tables */

sim_name *wgi_sim_name_find(const sim_names *names, const char *path) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i].path, path) == 0) return &names->items[i];
    return NULL;
}

/* Grows an array of `item_bytes` so that one more fits. */
static bool array_reserve(void **items, size_t *capacity, size_t count, size_t item_bytes) {
    if (count < *capacity) return true;
    const size_t wanted = wg_max_size(8, *capacity * 2);
    void *grown = wg_realloc(NULL, *items, wanted * item_bytes);
    if (grown == NULL) return false;
    *items = grown;
    *capacity = wanted;
    return true;
}

bool wgi_sim_name_set(sim_names *names, const char *path, size_t inode) {
    sim_name *name = wgi_sim_name_find(names, path);
    if (name == NULL) {
        void *items = names->items;
        if (!array_reserve(&items, &names->capacity, names->count, sizeof *name)) return false;
        names->items = items;
        name = &names->items[names->count++];
        snprintf(name->path, sizeof name->path, "%s", path);
    }
    name->inode = inode;
    return true;
}

void wgi_sim_name_remove(sim_names *names, const char *path) {
    sim_name *name = wgi_sim_name_find(names, path);
    if (name == NULL) return;
    const sim_name last = names->items[--names->count];
    *name = last;
}

bool wgi_sim_name_apply(sim_names *names, const sim_name_op *op) {
    switch (op->kind) {
        case SIM_NAME_CREATE:
            return wgi_sim_name_set(names, op->path, op->inode);
        case SIM_NAME_UNLINK: {
            const sim_name *name = wgi_sim_name_find(names, op->path);
            /* The name may by now mean another file, whose creation survived without this removal. */
            if (name != NULL && name->inode == op->inode) wgi_sim_name_remove(names, op->path);
            return true;
        }
        case SIM_NAME_RENAME: {
            if (!wgi_sim_name_set(names, op->to, op->inode)) return false;
            const sim_name *name = wgi_sim_name_find(names, op->path);
            if (name != NULL && name->inode == op->inode) wgi_sim_name_remove(names, op->path);
            return true;
        }
    }
    WG_UNREACHABLE("name changes are closed");
}

bool wgi_sim_inode_add(sim_disk *disk, bool is_directory, size_t *out) {
    void *items = disk->inodes;
    if (!array_reserve(&items, &disk->inode_capacity, disk->inode_count, sizeof *disk->inodes)) return false;
    disk->inodes = items;
    sim_inode *inode = wg_alloc_zero(NULL, sizeof *inode);
    if (inode == NULL) return false;
    inode->is_directory = is_directory;
    *out = disk->inode_count;
    disk->inodes[disk->inode_count++] = inode;
    return true;
}

bool wgi_sim_resize(wg_buf *buf, uint64_t size) {
    WG_ASSERT(size <= SIM_FILE_BYTES_MAX);
    const size_t wanted = (size_t)size;
    if (wanted > buf->size) {
        if (!wg_buf_reserve(buf, wanted - buf->size)) return false;
        memset(buf->data + buf->size, 0, wanted - buf->size);
    }
    buf->size = wanted;
    return true;
}

void wgi_sim_ops_clear(sim_inode *inode) {
    for (size_t i = 0; i < inode->op_count; i++) wg_free(inode->ops[i].data);
    inode->op_count = 0;
}

size_t wgi_sim_parent_size(const char *path) {
    const char *slash = strrchr(path, '/');
    WG_ASSERT(slash != NULL);
    return slash == path ? 1 : (size_t)(slash - path);
}

/* ---- the gate of every call */

typedef enum sim_gate { GATE_PASS, GATE_CRASH_NOW, GATE_DEAD } sim_gate;

/* Counts a call and takes the mutex, which sim_leave gives back. */
static sim_gate sim_enter(sim_disk *disk) {
    wg_mutex_lock(&disk->mutex);
    disk->calls++;
    disk->clock_ns += 1000;
    if (disk->crashed) return GATE_DEAD;
    if (disk->crash_at == 0 || disk->calls < disk->crash_at) return GATE_PASS;
    disk->crashed = true;
    return GATE_CRASH_NOW;
}

static wg_code sim_error(wg_error *err, int sys_errno, const char *action, const char *path) {
    return wgi_platform_error(err, sys_errno, action, path);
}

/* Ends a call: after a crash every outcome is EIO. */
static wg_code sim_leave(sim_disk *disk, sim_gate gate, wg_code code, wg_error *err) {
    wg_mutex_unlock(&disk->mutex);
    if (gate == GATE_PASS) return code;
    wg_error_clear(err);
    return wg_error_set_sys(err, WG_E_IO, EIO, "the simulated machine has lost power");
}

static wg_code sim_path(const char *path, char out[SIM_PATH_BYTES_MAX], wg_error *err) {
    return wgi_path_absolute("/", path, out, SIM_PATH_BYTES_MAX, err);
}

static sim_inode *inode_at(sim_disk *disk, const char *path) {
    const sim_name *name = wgi_sim_name_find(&disk->names, path);
    return name == NULL ? NULL : disk->inodes[name->inode];
}

static bool parent_exists(sim_disk *disk, const char *path) {
    char parent[SIM_PATH_BYTES_MAX];
    const size_t n = wgi_sim_parent_size(path);
    memcpy(parent, path, n);
    parent[n] = '\0';
    const sim_inode *inode = inode_at(disk, parent);
    return inode != NULL && inode->is_directory;
}

/* Queues a change of names and applies it to what calls see. */
static bool name_change(sim_disk *disk, sim_name_kind kind, size_t inode, const char *path, const char *to) {
    void *items = disk->name_ops;
    if (!array_reserve(&items, &disk->name_op_capacity, disk->name_op_count, sizeof *disk->name_ops)) return false;
    disk->name_ops = items;
    sim_name_op *op = &disk->name_ops[disk->name_op_count];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->inode = inode;
    op->sequence = ++disk->sequence;
    snprintf(op->path, sizeof op->path, "%s", path);
    snprintf(op->to, sizeof op->to, "%s", to == NULL ? "" : to);
    op->to_synced = to == NULL;
    if (!wgi_sim_name_apply(&disk->names, op)) return false;
    disk->name_op_count++;
    return true;
}

/* ---- files */

/* No name leads to it: it is in no dump and does not survive a crash. Its bytes stay with the disk until that is destroyed. */
static wg_code open_nameless(sim_disk *disk, const char *directory, size_t *out, wg_error *err) {
    const sim_inode *inode = inode_at(disk, directory);
    if (inode == NULL) return sim_error(err, ENOENT, "make a temporary file in", directory);
    if (!inode->is_directory) return sim_error(err, ENOTDIR, "make a temporary file in", directory);
    if (!wgi_sim_inode_add(disk, false, out)) return sim_error(err, ENOMEM, "make a temporary file in", directory);
    return WG_OK;
}

static wg_code open_inode(sim_disk *disk, const char *path, wg_open_mode mode, size_t *out, wg_error *err) {
    if (mode == WG_OPEN_TEMPORARY) return open_nameless(disk, path, out, err);
    const sim_name *name = wgi_sim_name_find(&disk->names, path);
    if (mode != WG_OPEN_CREATE_NEW) {
        if (name == NULL) return sim_error(err, ENOENT, "open", path);
        if (mode == WG_OPEN_WRITE && disk->inodes[name->inode]->is_directory)
            return sim_error(err, EISDIR, "open", path);
        *out = name->inode;
        return WG_OK;
    }
    if (name != NULL) return sim_error(err, EEXIST, "create", path);
    if (!parent_exists(disk, path)) return sim_error(err, ENOENT, "create", path);
    size_t inode;
    if (!wgi_sim_inode_add(disk, false, &inode) || !name_change(disk, SIM_NAME_CREATE, inode, path, NULL))
        return sim_error(err, ENOMEM, "create", path);
    *out = inode;
    return WG_OK;
}

static wg_code sim_open(wg_platform *self, const char *path, wg_open_mode mode, wg_file **out, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    sim_file *file = wg_alloc_zero(NULL, sizeof *file);
    if (file == NULL) return wg_error_nomem(err, sizeof *file);
    wg_code code = sim_path(mode == WG_OPEN_TEMPORARY && path[0] == '\0' ? "/" : path, file->path, err);
    if (code == WG_OK) {
        const sim_gate gate = sim_enter(disk);
        if (gate != GATE_DEAD) code = open_inode(disk, file->path, mode, &file->inode, err);
        code = sim_leave(disk, gate, code, err);
    }
    if (code != WG_OK) {
        wg_free(file);
        return code;
    }
    file->writable = mode != WG_OPEN_READ;
    *out = (wg_file *)(void *)file;
    return WG_OK;
}

static void sim_close(wg_platform *self, wg_file *file) {
    if (file == NULL) return;
    sim_disk *disk = sim_disk_of(self);
    sim_file *f = sim_file_of(file);
    wg_mutex_lock(&disk->mutex);
    if (f->holds_lock) disk->inodes[f->inode]->locked = false;
    wg_mutex_unlock(&disk->mutex);
    wg_free(f);
}

static wg_code sim_read_at(wg_platform *self, wg_file *file, uint64_t offset, void *data, size_t size,
                           size_t *out_read, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    const sim_file *f = sim_file_of(file);
    const sim_gate gate = sim_enter(disk);
    const sim_inode *inode = disk->inodes[f->inode];
    wg_code code = WG_OK;
    size_t n = 0;
    if (inode->is_directory) code = sim_error(err, EISDIR, "read", f->path);
    else if (offset < inode->current.size) n = wg_min_size(size, inode->current.size - (size_t)offset);
    if (code == WG_OK && gate == GATE_PASS) {
        if (n != 0) memcpy(data, inode->current.data + offset, n);
        *out_read = n;
    }
    return sim_leave(disk, gate, code, err);
}

/* Queues one change of a content; `data` may be NULL. */
static bool op_push(sim_disk *disk, sim_inode *inode, sim_op op, const void *data) {
    void *items = inode->ops;
    if (!array_reserve(&items, &inode->op_capacity, inode->op_count, sizeof *inode->ops)) return false;
    inode->ops = items;
    if (op.size != 0) {
        op.data = wg_alloc(NULL, op.size);
        if (op.data == NULL) return false;
        memcpy(op.data, data, op.size);
    }
    op.sequence = ++disk->sequence;
    inode->ops[inode->op_count++] = op;
    return true;
}

static wg_code change_content(sim_disk *disk, const sim_file *f, sim_op op, const void *data, wg_error *err) {
    sim_inode *inode = disk->inodes[f->inode];
    const char *action = op.is_truncate ? "truncate" : "write";
    if (!f->writable) return sim_error(err, EBADF, action, f->path);
    if (f->direct && (op.offset % WG_DIRECT_BYTES != 0 || op.size % WG_DIRECT_BYTES != 0))
        return sim_error(err, EINVAL, action, f->path);
    op.direct = f->direct;
    if (op.offset > SIM_FILE_BYTES_MAX || op.size > SIM_FILE_BYTES_MAX - op.offset)
        return sim_error(err, EFBIG, action, f->path);
    const uint64_t end = op.offset + op.size;
    const size_t before = inode->current.size;
    const bool resize = op.is_truncate || end > before;
    if (resize && !wgi_sim_resize(&inode->current, end)) return sim_error(err, ENOMEM, action, f->path);
    if (!op_push(disk, inode, op, data)) {
        /* A cut only moved the size, so that the bytes behind it are still there. */
        inode->current.size = before;
        return sim_error(err, ENOMEM, action, f->path);
    }
    if (op.size != 0) memcpy(inode->current.data + op.offset, data, op.size);
    return WG_OK;
}

static wg_code sim_write_at(wg_platform *self, wg_file *file, uint64_t offset, const void *data, size_t size,
                            wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    const sim_gate gate = sim_enter(disk);
    wg_code code = WG_OK;
    const sim_op op = {.offset = offset, .size = size};
    if (gate != GATE_DEAD && size != 0) code = change_content(disk, sim_file_of(file), op, data, err);
    return sim_leave(disk, gate, code, err);
}

/* One change of the content, as one write of the parts together would be. */
static wg_code sim_write_parts(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts, size_t count,
                               wg_error *err) {
    wg_buf joined;
    bool ok = true;
    wg_buf_init(&joined, NULL);
    for (size_t i = 0; i < count && ok; i++) ok = wg_buf_append(&joined, parts[i].data, parts[i].size);
    const wg_code code =
        ok ? sim_write_at(self, file, offset, joined.data, joined.size, err) : wg_error_nomem(err, joined.size);
    wg_buf_deinit(&joined);
    return code;
}

static wg_code sim_truncate(wg_platform *self, wg_file *file, uint64_t size, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    const sim_gate gate = sim_enter(disk);
    wg_code code = WG_OK;
    const sim_op op = {.is_truncate = true, .offset = size};
    if (gate != GATE_DEAD) code = change_content(disk, sim_file_of(file), op, NULL, err);
    return sim_leave(disk, gate, code, err);
}

static bool op_touches(const sim_op *op, uint64_t from, uint64_t to) {
    return op->is_truncate || (op->offset < to && op->offset + op->size > from);
}

/* Brings to the platter, in order, what is queued and touches [from, to); false: out of memory, nothing changed. */
static bool apply_ops(sim_inode *inode, uint64_t from, uint64_t to) {
    uint64_t largest = inode->durable.size;
    size_t kept = 0;
    for (size_t i = 0; i < inode->op_count; i++)
        if (op_touches(&inode->ops[i], from, to))
            largest = wg_max_u64(largest, inode->ops[i].offset + inode->ops[i].size);
    if (!wg_buf_reserve(&inode->durable, (size_t)largest - inode->durable.size)) return false;
    for (size_t i = 0; i < inode->op_count; i++) {
        const sim_op *op = &inode->ops[i];
        const uint64_t end = op->offset + op->size;
        bool fits = true;
        if (!op_touches(op, from, to)) {
            inode->ops[kept++] = *op;
            continue;
        }
        if (op->is_truncate || end > inode->durable.size) fits = wgi_sim_resize(&inode->durable, end);
        WG_ASSERT(fits); /* reserved above */
        if (op->size != 0) memcpy(inode->durable.data + op->offset, op->data, op->size);
        wg_free(op->data);
    }
    inode->op_count = kept;
    return true;
}

/* A sync of what touches the range, or the one that was to fail. */
static wg_code sync_range(sim_disk *disk, const sim_file *f, uint64_t from, uint64_t to, wg_error *err) {
    sim_inode *inode = disk->inodes[f->inode];
    const bool lies = ++disk->syncs == disk->fail_sync_at;
    if (lies && wgi_sim_lose_pending(disk, inode)) return sim_error(err, EIO, "sync", f->path);
    if (lies || !apply_ops(inode, from, to)) return sim_error(err, ENOMEM, "sync", f->path);
    return WG_OK;
}

static wg_code sim_sync(wg_platform *self, wg_file *file, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    const sim_file *f = sim_file_of(file);
    const sim_gate gate = sim_enter(disk);
    wg_code code = WG_OK;
    if (gate == GATE_PASS) code = sync_range(disk, f, 0, UINT64_MAX, err);
    return sim_leave(disk, gate, code, err);
}

static bool sim_set_direct(wg_platform *self, wg_file *file, bool direct) {
    (void)self;
    sim_file_of(file)->direct = direct;
    return true;
}

/* A store is the write that it is for everybody else. */
static bool sim_map_writes(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size) {
    sim_disk *disk = sim_disk_of(self);
    const sim_file *f = sim_file_of(file);
    const sim_gate gate = sim_enter(disk);
    const uint64_t there = disk->inodes[f->inode]->current.size;
    WG_ASSERT(f->writable && offset <= there && size <= there - offset); /* else the real one would be a signal */
    return sim_leave(disk, gate, WG_OK, NULL) == WG_OK;
}

/* A crash in the middle of it leaves what a crash behind a write without sync does. */
static wg_code sim_write_durable(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts,
                                 size_t count, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    const sim_file *f = sim_file_of(file);
    wg_buf joined;
    bool ok = true;
    wg_buf_init(&joined, NULL);
    for (size_t i = 0; i < count && ok; i++) {
        WG_ASSERT(!f->direct || (uintptr_t)parts[i].data % WG_DIRECT_BYTES == 0);
        ok = wg_buf_append(&joined, parts[i].data, parts[i].size);
    }
    const sim_gate gate = sim_enter(disk);
    wg_code code = ok ? WG_OK : sim_error(err, ENOMEM, "write", f->path);
    const sim_op op = {.offset = offset, .size = joined.size};
    if (ok && gate != GATE_DEAD && joined.size != 0) code = change_content(disk, f, op, joined.data, err);
    if (code == WG_OK && gate == GATE_PASS) code = sync_range(disk, f, offset, offset + joined.size, err);
    code = sim_leave(disk, gate, code, err);
    wg_buf_deinit(&joined);
    return code;
}

static wg_file_info sim_info(const sim_inode *inode) {
    return (wg_file_info){.size = inode->current.size, .mtime_ns = 0, .is_directory = inode->is_directory};
}

static wg_code sim_file_info(wg_platform *self, wg_file *file, wg_file_info *out, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    const sim_gate gate = sim_enter(disk);
    if (gate == GATE_PASS) *out = sim_info(disk->inodes[sim_file_of(file)->inode]);
    return sim_leave(disk, gate, WG_OK, err);
}

static wg_code sim_lock(wg_platform *self, wg_file *file, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    sim_file *f = sim_file_of(file);
    const sim_gate gate = sim_enter(disk);
    sim_inode *inode = disk->inodes[f->inode];
    wg_code code = WG_OK;
    if (gate == GATE_PASS && inode->locked && !f->holds_lock)
        code = wg_error_set(err, WG_E_BUSY, WG_NO_OFFSET, "'%s' is locked by another handle", f->path);
    else if (gate == GATE_PASS) inode->locked = f->holds_lock = true;
    return sim_leave(disk, gate, code, err);
}

/* ---- names */

static wg_code sim_stat(wg_platform *self, const char *path, wg_file_info *out, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    char full[SIM_PATH_BYTES_MAX];
    WG_TRY(sim_path(path, full, err));
    const sim_gate gate = sim_enter(disk);
    const sim_inode *inode = inode_at(disk, full);
    wg_code code = WG_OK;
    if (inode == NULL) code = sim_error(err, ENOENT, "stat", full);
    else if (gate == GATE_PASS) *out = sim_info(inode);
    return sim_leave(disk, gate, code, err);
}

static wg_code rename_locked(sim_disk *disk, const char *from, const char *to, wg_error *err) {
    const sim_name *name = wgi_sim_name_find(&disk->names, from);
    const sim_inode *target = inode_at(disk, to);
    if (name == NULL || !parent_exists(disk, to)) return sim_error(err, ENOENT, "rename", from);
    if (disk->inodes[name->inode]->is_directory || (target != NULL && target->is_directory))
        return sim_error(err, EISDIR, "rename", from); /* the sim renames files only */
    if (strcmp(from, to) == 0) return WG_OK;
    if (!name_change(disk, SIM_NAME_RENAME, name->inode, from, to)) return sim_error(err, ENOMEM, "rename", from);
    return WG_OK;
}

static wg_code sim_rename(wg_platform *self, const char *from, const char *to, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    char full_from[SIM_PATH_BYTES_MAX];
    char full_to[SIM_PATH_BYTES_MAX];
    WG_TRY(sim_path(from, full_from, err));
    WG_TRY(sim_path(to, full_to, err));
    const sim_gate gate = sim_enter(disk);
    const wg_code code = gate == GATE_DEAD ? WG_OK : rename_locked(disk, full_from, full_to, err);
    return sim_leave(disk, gate, code, err);
}

static wg_code unlink_locked(sim_disk *disk, const char *path, wg_error *err) {
    const sim_name *name = wgi_sim_name_find(&disk->names, path);
    if (name == NULL) return sim_error(err, ENOENT, "remove", path);
    if (disk->inodes[name->inode]->is_directory) return sim_error(err, EISDIR, "remove", path);
    if (!name_change(disk, SIM_NAME_UNLINK, name->inode, path, NULL)) return sim_error(err, ENOMEM, "remove", path);
    return WG_OK;
}

static wg_code sim_unlink(wg_platform *self, const char *path, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    char full[SIM_PATH_BYTES_MAX];
    WG_TRY(sim_path(path, full, err));
    const sim_gate gate = sim_enter(disk);
    const wg_code code = gate == GATE_DEAD ? WG_OK : unlink_locked(disk, full, err);
    return sim_leave(disk, gate, code, err);
}

static wg_code mkdir_locked(sim_disk *disk, const char *path, wg_error *err) {
    size_t inode;
    if (wgi_sim_name_find(&disk->names, path) != NULL) return sim_error(err, EEXIST, "make directory", path);
    if (!parent_exists(disk, path)) return sim_error(err, ENOENT, "make directory", path);
    if (!wgi_sim_inode_add(disk, true, &inode) || !name_change(disk, SIM_NAME_CREATE, inode, path, NULL))
        return sim_error(err, ENOMEM, "make directory", path);
    return WG_OK;
}

static wg_code sim_make_directory(wg_platform *self, const char *path, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    char full[SIM_PATH_BYTES_MAX];
    WG_TRY(sim_path(path, full, err));
    const sim_gate gate = sim_enter(disk);
    const wg_code code = gate == GATE_DEAD ? WG_OK : mkdir_locked(disk, full, err);
    return sim_leave(disk, gate, code, err);
}

static bool is_child(const char *path, const char *directory) {
    const size_t n = wgi_sim_parent_size(path);
    return strlen(directory) == n && memcmp(path, directory, n) == 0 && path[1] != '\0';
}

static bool apply_names(sim_disk *disk, const char *directory) {
    size_t kept = 0;
    bool ok = true;
    for (size_t i = 0; i < disk->name_op_count; i++) {
        sim_name_op *op = &disk->name_ops[i];
        op->path_synced = op->path_synced || is_child(op->path, directory);
        op->to_synced = op->to_synced || is_child(op->to, directory);
        if (ok && op->path_synced && op->to_synced) {
            ok = wgi_sim_name_apply(&disk->durable, op);
            if (ok) continue;
        }
        if (kept != i) disk->name_ops[kept] = *op;
        kept++;
    }
    disk->name_op_count = kept;
    return ok;
}

static wg_code sim_sync_directory(wg_platform *self, const char *path, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    char full[SIM_PATH_BYTES_MAX];
    WG_TRY(sim_path(path, full, err));
    const sim_gate gate = sim_enter(disk);
    wg_code code = WG_OK;
    const sim_inode *inode = inode_at(disk, full);
    if (inode == NULL || !inode->is_directory) code = sim_error(err, ENOENT, "sync directory", full);
    else if (gate == GATE_PASS && !apply_names(disk, full)) code = sim_error(err, ENOMEM, "sync directory", full);
    return sim_leave(disk, gate, code, err);
}

/* Copies the children of a directory, so that the callback runs without the mutex. */
static wg_code list_copy(sim_disk *disk, const char *directory, sim_names *out, wg_error *err) {
    const sim_inode *inode = inode_at(disk, directory);
    if (inode == NULL || !inode->is_directory) return sim_error(err, ENOENT, "list", directory);
    for (size_t i = 0; i < disk->names.count; i++) {
        const sim_name *name = &disk->names.items[i];
        if (!is_child(name->path, directory)) continue;
        if (!wgi_sim_name_set(out, strrchr(name->path, '/') + 1, disk->inodes[name->inode]->is_directory ? 1 : 0))
            return sim_error(err, ENOMEM, "list", directory);
    }
    return WG_OK;
}

static wg_code sim_list(wg_platform *self, const char *path, wg_list_fn fn, void *ctx, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    char full[SIM_PATH_BYTES_MAX];
    WG_TRY(sim_path(path, full, err));
    sim_names found = {0};
    const sim_gate gate = sim_enter(disk);
    wg_code code = list_copy(disk, full, &found, err);
    code = sim_leave(disk, gate, code, err);
    for (size_t i = 0; code == WG_OK && i < found.count; i++)
        if (!fn(ctx, found.items[i].path, found.items[i].inode == 1)) break;
    wg_free(found.items);
    return code;
}

static wg_code sim_absolute(wg_platform *self, const char *path, char *out, size_t out_size, wg_error *err) {
    (void)self;
    return wgi_path_absolute("/", path, out, out_size, err);
}

/* ---- maps: a copy of what reads see now; files that are mapped never change by contract */

static wg_code sim_map(wg_platform *self, wg_file *file, uint64_t size, const void **out, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    const sim_file *f = sim_file_of(file);
    const sim_gate gate = sim_enter(disk);
    wg_code code = WG_OK;
    if (gate == GATE_PASS) {
        const sim_inode *inode = disk->inodes[f->inode];
        void *data = NULL;
        if (size == 0 || inode->current.size < size) code = sim_error(err, EINVAL, "map", f->path);
        else if ((data = wg_alloc(NULL, (size_t)size)) == NULL) code = sim_error(err, ENOMEM, "map", f->path);
        if (data != NULL) {
            memcpy(data, inode->current.data, (size_t)size);
            *out = data;
        }
    }
    return sim_leave(disk, gate, code, err);
}

/* A disk that can lose its power has no memory that outlives a process. */
static wg_code sim_map_shared(wg_platform *self, wg_file *file, uint64_t size, void **out, wg_error *err) {
    (void)self;
    (void)file;
    (void)size;
    (void)out;
    return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "the simulated disk has no shared memory");
}

static void sim_unmap(wg_platform *self, const void *data, uint64_t size) {
    (void)self, (void)size;
    wg_free((void *)(uintptr_t)data);
}

static void sim_advise(wg_platform *self, const void *data, uint64_t size, wg_advice advice) {
    (void)self, (void)data, (void)size, (void)advice; /* copies stay */
}

static void sim_process_memory(wg_platform *self, wg_process_memory *out) {
    (void)self;
    *out = (wg_process_memory){0};
}

/* What it may bring to the disk, a crash may bring there without it. */
static void sim_write_back(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size) {
    (void)self, (void)file, (void)offset, (void)size;
}

static void sim_trim_memory(wg_platform *self) { (void)self; }

/* Memory is no part of the disk: it is the real one's. */
static void *sim_take_memory(wg_platform *self, uint64_t bytes) {
    (void)self;
    return wg_platform_real()->ops->take_memory(wg_platform_real(), bytes);
}

static void sim_give_memory(wg_platform *self, void *data, uint64_t bytes) {
    (void)self;
    wg_platform_real()->ops->give_memory(wg_platform_real(), data, bytes);
}

/* ---- time and randomness */

static uint64_t sim_now_ns(wg_platform *self) {
    sim_disk *disk = sim_disk_of(self);
    wg_mutex_lock(&disk->mutex);
    const uint64_t now = disk->clock_ns += 1000;
    wg_mutex_unlock(&disk->mutex);
    return now;
}

static uint64_t sim_wall_us(wg_platform *self) { return UINT64_C(1000000000000000) + sim_now_ns(self) / 1000; }

static wg_code sim_random(wg_platform *self, void *out, size_t size, wg_error *err) {
    sim_disk *disk = sim_disk_of(self);
    const sim_gate gate = sim_enter(disk);
    for (size_t i = 0; gate == GATE_PASS && i < size; i++) ((uint8_t *)out)[i] = (uint8_t)wg_rng_next(&disk->rng);
    return sim_leave(disk, gate, WG_OK, err);
}

static const wg_platform_ops sim_ops = {
    .open = sim_open,
    .close = sim_close,
    .read_at = sim_read_at,
    .write_at = sim_write_at,
    .write_parts = sim_write_parts,
    .sync = sim_sync,
    .write_back = sim_write_back,
    .set_direct = sim_set_direct,
    .write_durable = sim_write_durable,
    .map_writes = sim_map_writes,
    .truncate = sim_truncate,
    .file_info = sim_file_info,
    .stat = sim_stat,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .make_directory = sim_make_directory,
    .sync_directory = sim_sync_directory,
    .list = sim_list,
    .lock = sim_lock,
    .absolute = sim_absolute,
    .map = sim_map,
    .map_shared = sim_map_shared,
    .unmap = sim_unmap,
    .advise = sim_advise,
    .process_memory = sim_process_memory,
    .trim_memory = sim_trim_memory,
    .take_memory = sim_take_memory,
    .give_memory = sim_give_memory,
    .now_ns = sim_now_ns,
    .wall_us = sim_wall_us,
    .wall_coarse_us = sim_wall_us,
    .random = sim_random,
};

/* ---- life */

wg_code wg_platform_sim_create(uint64_t seed, wg_platform **out, wg_error *err) {
    sim_platform *p = wg_alloc_zero(NULL, sizeof *p);
    if (p == NULL) return wg_error_nomem(err, sizeof *p);
    p->base.ops = &sim_ops;
    p->disk = wg_alloc_zero(NULL, sizeof *p->disk);
    if (p->disk == NULL) {
        wg_free(p);
        return wg_error_nomem(err, sizeof *p->disk);
    }
    wg_mutex_init(&p->disk->mutex, WG_RANK_PLATFORM);
    wg_rng_init(&p->disk->rng, seed);
    size_t root;
    const bool ok = wgi_sim_inode_add(p->disk, true, &root) && wgi_sim_name_set(&p->disk->names, "/", root) &&
                    wgi_sim_name_set(&p->disk->durable, "/", root);
    if (!ok) {
        wg_platform_sim_destroy(&p->base);
        return wg_error_nomem(err, sizeof(sim_inode));
    }
    *out = &p->base;
    return WG_OK;
}

void wg_platform_sim_destroy(wg_platform *platform) {
    if (platform == NULL) return;
    sim_disk *disk = sim_disk_of(platform);
    for (size_t i = 0; i < disk->inode_count; i++) {
        sim_inode *inode = disk->inodes[i];
        wgi_sim_ops_clear(inode);
        wg_free(inode->ops);
        wg_buf_deinit(&inode->current);
        wg_buf_deinit(&inode->durable);
        wg_free(inode);
    }
    wg_free(disk->inodes);
    wg_free(disk->names.items);
    wg_free(disk->durable.items);
    wg_free(disk->name_ops);
    wg_mutex_deinit(&disk->mutex);
    wg_free(disk);
    wg_free(platform);
}

void wg_platform_sim_crash_at(wg_platform *platform, uint64_t n) {
    sim_disk *disk = sim_disk_of(platform);
    wg_mutex_lock(&disk->mutex);
    disk->crash_at = n == 0 ? 0 : disk->calls + n;
    if (n == 0) disk->crashed = false;
    wg_mutex_unlock(&disk->mutex);
}

void wg_platform_sim_fail_sync_at(wg_platform *platform, uint64_t n) {
    sim_disk *disk = sim_disk_of(platform);
    wg_mutex_lock(&disk->mutex);
    disk->fail_sync_at = n == 0 ? 0 : disk->syncs + n;
    wg_mutex_unlock(&disk->mutex);
}

bool wg_platform_sim_crashed(const wg_platform *platform) {
    sim_disk *disk = sim_disk_of(platform);
    wg_mutex_lock(&disk->mutex);
    const bool crashed = disk->crashed;
    wg_mutex_unlock(&disk->mutex);
    return crashed;
}

uint64_t wg_platform_sim_calls(const wg_platform *platform) {
    sim_disk *disk = sim_disk_of(platform);
    wg_mutex_lock(&disk->mutex);
    const uint64_t calls = disk->calls;
    wg_mutex_unlock(&disk->mutex);
    return calls;
}
