/* The real platform: Linux system calls (and macOS where they differ), one function each.
 *
 * Files are opened O_CLOEXEC, created 0600; directories 0700. EINTR is retried and short transfers are continued here,
 * so callers see a whole transfer or an error. Only regular files and directories are opened: a FIFO or a device in
 * the place of a file would block or do something else than store bytes.
 *
 * Failure modes: every failed call is a typed error with errno and path; a failed sync is reported once and never
 * retried here, because the kernel has marked the pages clean and the next sync would lie. */
#include "io/platform/platform_internal.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>  /* renameat */
#include <stdlib.h> /* getenv */
#ifdef __GLIBC__
#include <malloc.h> /* malloc_trim: not an allocation */
#endif
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/random.h>
#include <sys/vfs.h>
#endif

typedef struct real_file {
    int fd;
    uint8_t *map; /* NULL: none; writes into [map_from, map_to) are stores into it */
    uint64_t map_from;
    uint64_t map_last; /* where the last range began that was asked for */
    uint64_t map_to;
    size_t map_bytes;
    char path[]; /* for messages only */
} real_file;

static real_file *real_of(wg_file *file) { return (real_file *)(void *)file; }

static wg_code error_of(wg_error *err, const char *action, const char *path) {
    return wgi_platform_error(err, errno, action, path);
}

static int open_retry(const char *path, int flags, mode_t mode) {
    for (;;) {
        const int fd = open(path, flags | O_CLOEXEC, mode);
        if (fd >= 0 || errno != EINTR) return fd;
    }
}

enum { MAP_STEP_BYTES = 4 << 20 };
enum { TEMPORARY_NAME_BYTES = 4096, TEMPORARY_TRIES = 64 };

static const char *temporary_directory(void) {
    const char *given = getenv("TMPDIR");
    return given != NULL && given[0] == '/' ? given : "/tmp";
}

/* For file systems without files that have no name: one whose name is taken away at once. */
static int open_and_unlink(const char *directory) {
    static _Atomic uint32_t next;
    char path[TEMPORARY_NAME_BYTES];
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        const unsigned number = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed);
        const int n = snprintf(path, sizeof path, "%s/temporary-%ld-%u", directory, (long)getpid(), number);
        if (n < 0 || (size_t)n >= sizeof path) {
            errno = ENAMETOOLONG;
            return -1;
        }
        const int fd = open_retry(path, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd < 0 && errno == EEXIST) continue; /* left by a process that died between the two calls */
        if (fd >= 0) unlink(path);
        return fd;
    }
    return -1;
}

static int open_temporary(const char *directory) {
#ifdef O_TMPFILE
    const int fd = open_retry(directory, O_TMPFILE | O_RDWR | O_EXCL, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
#endif
    return open_and_unlink(directory);
}

static wg_code real_open(wg_platform *self, const char *path, wg_open_mode mode, wg_file **out, wg_error *err) {
    (void)self;
    int flags = O_RDONLY;
    if (mode == WG_OPEN_WRITE) flags = O_RDWR;
    if (mode == WG_OPEN_CREATE_NEW) flags = O_RDWR | O_CREAT | O_EXCL;
    if (mode == WG_OPEN_TEMPORARY && path[0] == '\0') path = temporary_directory();
    const size_t path_size = strlen(path) + 1;
    real_file *file = wg_alloc(NULL, sizeof *file + path_size);
    if (file == NULL) return wg_error_nomem(err, sizeof *file + path_size);
    *file = (real_file){.fd = -1};
    memcpy(file->path, path, path_size);
    /* O_NONBLOCK changes nothing for files; it keeps the open of a FIFO from waiting for its other end. */
    file->fd =
        mode == WG_OPEN_TEMPORARY ? open_temporary(path) : open_retry(path, flags | O_NONBLOCK | O_NOCTTY, 0600);
    if (file->fd < 0) {
        const char *action = mode == WG_OPEN_TEMPORARY    ? "make a temporary file in"
                             : mode == WG_OPEN_CREATE_NEW ? "create"
                                                          : "open";
        const wg_code code = error_of(err, action, path);
        wg_free(file);
        return code;
    }
    struct stat st;
    const bool known = fstat(file->fd, &st) == 0;
    if (!known || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
        const wg_code code = known ? wg_error_set_sys(err, WG_E_IO, EINVAL, "'%s' is not a regular file", path)
                                   : error_of(err, "open", path);
        close(file->fd);
        wg_free(file);
        return code;
    }
    *out = (wg_file *)(void *)file;
    return WG_OK;
}

static void real_close(wg_platform *self, wg_file *file) {
    (void)self;
    if (file == NULL) return;
    if (real_of(file)->map != NULL) munmap(real_of(file)->map, real_of(file)->map_bytes);
    /* Not retried on EINTR: Linux has released the descriptor by then. Data were synced or are lost by contract. */
    close(real_of(file)->fd);
    wg_free(real_of(file));
}

static uintptr_t page_bytes(void) {
    const long n = sysconf(_SC_PAGESIZE);
    return n > 0 ? (uintptr_t)n : 4096;
}

static bool range_fits(uint64_t offset, size_t size) {
    return offset <= (uint64_t)INT64_MAX && size <= (uint64_t)INT64_MAX - offset;
}

static wg_code real_read_at(wg_platform *self, wg_file *file, uint64_t offset, void *data, size_t size,
                            size_t *out_read, wg_error *err) {
    (void)self;
    const real_file *f = real_of(file);
    size_t done = 0;
    if (!range_fits(offset, size))
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "read of '%s' past 2^63 bytes", f->path);
    while (done < size) {
        const ssize_t n = pread(f->fd, (uint8_t *)data + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return error_of(err, "read", f->path);
        if (n == 0) break;
        done += (size_t)n;
    }
    *out_read = done;
    return WG_OK;
}

static wg_code real_write_at(wg_platform *self, wg_file *file, uint64_t offset, const void *data, size_t size,
                             wg_error *err) {
    (void)self;
    const real_file *f = real_of(file);
    size_t done = 0;
    if (offset >= f->map_from && offset < f->map_to && size <= f->map_to - offset) {
        memcpy(f->map + offset, data, size);
        return WG_OK;
    }
    if (!range_fits(offset, size))
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "write to '%s' past 2^63 bytes", f->path);
    while (done < size) {
        const ssize_t n = pwrite(f->fd, (const uint8_t *)data + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = EIO; /* a device that takes no byte and says nothing would loop for ever */
        if (n <= 0) return error_of(err, "write", f->path);
        done += (size_t)n;
    }
    return WG_OK;
}

enum { VECTORS_MAX = 64 }; /* below every system's limit; the rest goes with the next call */

/* Fills `out` with the parts from byte `skip` on. */
static int vectors_from(const wg_slice *parts, size_t count, size_t skip, struct iovec out[VECTORS_MAX]) {
    int n = 0;
    for (size_t i = 0; i < count && n < VECTORS_MAX; i++) {
        const size_t gone = wg_min_size(skip, parts[i].size);
        skip -= gone;
        if (gone == parts[i].size) continue;
        out[n].iov_base = (void *)(uintptr_t)(parts[i].data + gone); /* only read */
        out[n++].iov_len = parts[i].size - gone;
    }
    return n;
}

static ssize_t write_vectors(int fd, const struct iovec *vectors, int count, off_t offset, int flags) {
#ifdef RWF_DSYNC
    if (flags != 0) return pwritev2(fd, vectors, count, offset, flags);
#endif
    (void)flags;
    return pwritev(fd, vectors, count, offset);
}

static wg_code write_all(const real_file *f, uint64_t offset, const wg_slice *parts, size_t count, int flags,
                         wg_error *err) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > SIZE_MAX - size)
            return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "write to '%s' past 2^64 bytes", f->path);
        size += parts[i].size;
    }
    if (!range_fits(offset, size))
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "write to '%s' past 2^63 bytes", f->path);
    for (size_t done = 0; done < size;) {
        struct iovec vectors[VECTORS_MAX];
        const int used = vectors_from(parts, count, done, vectors);
        const ssize_t n = write_vectors(f->fd, vectors, used, (off_t)(offset + done), flags);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = EIO; /* as in write_at */
        if (n <= 0) return error_of(err, "write", f->path);
        done += (size_t)n;
    }
    return WG_OK;
}

static wg_code real_write_parts(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts,
                                size_t count, wg_error *err) {
    (void)self;
    return write_all(real_of(file), offset, parts, count, 0, err);
}

static int sync_fd(int fd) {
#ifdef __APPLE__
    return fcntl(fd, F_FULLFSYNC) == -1 ? -1 : 0; /* fsync on macOS leaves the data in the drive's cache */
#else
    return fdatasync(fd);
#endif
}

static wg_code real_sync(wg_platform *self, wg_file *file, wg_error *err) {
    (void)self;
    const real_file *f = real_of(file);
    while (sync_fd(f->fd) != 0)
        if (errno != EINTR) return error_of(err, "sync", f->path);
    return WG_OK;
}

static wg_code real_write_durable(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts,
                                  size_t count, wg_error *err) {
#ifdef RWF_DSYNC
    static _Atomic bool unknown; /* to this kernel, or to the file system of some file: then in two calls */
    if (!atomic_load_explicit(&unknown, memory_order_relaxed)) {
        wg_error seen = {0};
        const wg_code code = write_all(real_of(file), offset, parts, count, RWF_DSYNC, &seen);
        if (code == WG_OK || (seen.sys_errno != EOPNOTSUPP && seen.sys_errno != ENOSYS)) {
            if (code != WG_OK && err != NULL) *err = seen;
            return code;
        }
        atomic_store_explicit(&unknown, true, memory_order_relaxed);
    }
#endif
    WG_TRY(write_all(real_of(file), offset, parts, count, 0, err));
    return real_sync(self, file, err);
}

static void real_write_back(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size) {
    (void)self;
#ifdef SYNC_FILE_RANGE_WRITE
    const int saved = errno;
    /* A wish; not all file systems have it. */
    const unsigned flags = size == 0 ? SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE : SYNC_FILE_RANGE_WRITE;
    (void)sync_file_range(real_of(file)->fd, size == 0 ? 0 : (off_t)offset, (off_t)size, flags);
    errno = saved;
#else
    (void)file, (void)offset, (void)size;
#endif
}

static bool real_set_direct(wg_platform *self, wg_file *file, bool direct) {
    (void)self;
#ifdef O_DIRECT
    const int saved = errno;
    const int fd = real_of(file)->fd;
    const int flags = fcntl(fd, F_GETFL);
    /* File systems that cannot (some in memory, some over a network) refuse the flag. */
    const bool ok = flags >= 0 && fcntl(fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
    errno = saved;
    return ok;
#else
    (void)file;
    return !direct;
#endif
}

#ifdef __linux__
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Where a store into a page whose block is there finds nothing that can be refused: ext4 has no blocks that two files share, and memory is memory. */
static bool stores_succeed(int fd) {
    enum { EXT = 0xef53, TMPFS = 0x01021994 };
    struct statfs about;
    return fstatfs(fd, &about) == 0 && (about.f_type == EXT || about.f_type == TMPFS);
}

static bool map_begin(real_file *f, uint64_t offset, uint64_t size) {
    if (f->map != NULL && offset + size <= f->map_bytes) return true;
    /* In large steps: a file that grows is not mapped anew each time. What lies behind its end is not touched. */
    const size_t bytes = (size_t)wg_align_up(offset + size, MAP_STEP_BYTES);
    if (f->map == NULL && !stores_succeed(f->fd)) return false;
    uint8_t *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    if (map == MAP_FAILED) return false;
    if (f->map != NULL) munmap(f->map, f->map_bytes);
    f->map = map;
    f->map_bytes = bytes;
    return true;
}

/* Whole pages of [from, to) leave the process; their content stays with the system. */
static void forget(const real_file *f, uint64_t from, uint64_t to) {
    const uint64_t page = page_bytes();
    const uint64_t begin = from & ~(page - 1);
    if (to > begin) (void)madvise(f->map + begin, (size_t)(to - begin), MADV_DONTNEED);
}

/* Every page is made ready by a call that can say no. Later a store meets at most a page that the system has written to the disk meanwhile, whose
 * block it knows. */
static bool map_writes(real_file *f, uint64_t offset, uint64_t size) {
    const uint64_t page = page_bytes();
    struct stat st;
    if (!range_fits(offset, (size_t)size) || offset + size > SIZE_MAX / 2 || size == 0) return false;
    if (fstat(f->fd, &st) != 0 || (uint64_t)st.st_size < offset + size || !map_begin(f, offset, size)) return false;
    const uint64_t kept = offset == f->map_to ? f->map_last : offset;
    forget(f, f->map_from, offset == f->map_to ? kept & ~(page - 1) : wg_align_up(f->map_to, page));
    f->map_from = kept;
    if (kept == offset) f->map_to = offset;
    uint8_t *begin = f->map + (offset & ~(page - 1));
    const size_t bytes = (size_t)wg_align_up(offset + size, page) - (size_t)(offset & ~(page - 1));
    while (madvise(begin, bytes, MADV_POPULATE_WRITE) != 0)
        if (errno != EINTR) return false;
    f->map_last = offset;
    f->map_to = offset + size;
    return true;
}
#endif

static bool real_map_writes(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size) {
    (void)self;
#ifdef __linux__
    const int saved = errno;
    const bool ok = map_writes(real_of(file), offset, size);
    errno = saved;
    return ok;
#else
    (void)file, (void)offset, (void)size;
    return false;
#endif
}

static wg_code real_truncate(wg_platform *self, wg_file *file, uint64_t size, wg_error *err) {
    (void)self;
    const real_file *f = real_of(file);
    if (!range_fits(size, 0)) return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "size of '%s' past 2^63", f->path);
    while (ftruncate(f->fd, (off_t)size) != 0)
        if (errno != EINTR) return error_of(err, "truncate", f->path);
    return WG_OK;
}

static wg_file_info info_of(const struct stat *st) {
#ifdef __APPLE__
    const struct timespec t = st->st_mtimespec;
#else
    const struct timespec t = st->st_mtim;
#endif
    return (wg_file_info){.size = st->st_size < 0 ? 0 : (uint64_t)st->st_size,
                          .mtime_ns = (int64_t)t.tv_sec * INT64_C(1000000000) + (int64_t)t.tv_nsec,
                          .is_directory = S_ISDIR(st->st_mode)};
}

static wg_code real_file_info(wg_platform *self, wg_file *file, wg_file_info *out, wg_error *err) {
    (void)self;
    struct stat st;
    if (fstat(real_of(file)->fd, &st) != 0) return error_of(err, "stat", real_of(file)->path);
    *out = info_of(&st);
    return WG_OK;
}

static wg_code real_stat(wg_platform *self, const char *path, wg_file_info *out, wg_error *err) {
    (void)self;
    struct stat st;
    if (stat(path, &st) != 0) return error_of(err, "stat", path);
    *out = info_of(&st);
    return WG_OK;
}

static wg_code real_rename(wg_platform *self, const char *from, const char *to, wg_error *err) {
    (void)self;
    if (renameat(AT_FDCWD, from, AT_FDCWD, to) != 0) return error_of(err, "rename", from);
    return WG_OK;
}

static wg_code real_unlink(wg_platform *self, const char *path, wg_error *err) {
    (void)self;
    if (unlink(path) != 0) return error_of(err, "remove", path);
    return WG_OK;
}

static wg_code real_make_directory(wg_platform *self, const char *path, wg_error *err) {
    (void)self;
    if (mkdir(path, 0700) != 0) return error_of(err, "make directory", path);
    return WG_OK;
}

static wg_code real_sync_directory(wg_platform *self, const char *path, wg_error *err) {
    (void)self;
    const int fd = open_retry(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return error_of(err, "open directory", path);
    for (;;) {
        if (fsync(fd) == 0) break;
        if (errno == EINTR) continue;
        const wg_code code = error_of(err, "sync directory", path);
        close(fd);
        return code;
    }
    close(fd);
    return WG_OK;
}

static bool entry_is_directory(DIR *dir, const struct dirent *entry) {
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) return entry->d_type == DT_DIR;
    struct stat st;
    return fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static wg_code real_list(wg_platform *self, const char *path, wg_list_fn fn, void *ctx, wg_error *err) {
    (void)self;
    DIR *dir = opendir(path);
    if (dir == NULL) return error_of(err, "list", path);
    wg_code code = WG_OK;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            if (errno != 0) code = error_of(err, "list", path);
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (!fn(ctx, entry->d_name, entry_is_directory(dir, entry))) break;
    }
    closedir(dir);
    return code;
}

static wg_code real_lock(wg_platform *self, wg_file *file, wg_error *err) {
    (void)self;
    const real_file *f = real_of(file);
    /* flock belongs to the open file, not to the process: a second open in this process is refused too, closing some
     * other descriptor of the file does not drop the lock (as POSIX record locks would), and it dies with its holder. */
    while (flock(f->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return error_of(err, "lock", f->path);
        return wg_error_set(err, WG_E_BUSY, WG_NO_OFFSET, "'%s' is locked by another process or handle", f->path);
    }
    return WG_OK;
}

static wg_code real_absolute(wg_platform *self, const char *path, char *out, size_t out_size, wg_error *err) {
    (void)self;
    char base[4096] = "/";
    if (path[0] != '/' && getcwd(base, sizeof base) == NULL)
        return error_of(err, "find the current directory of", path);
    return wgi_path_absolute(base, path, out, out_size, err);
}

/* ---- maps and memory */

static wg_code map_file(wg_file *file, uint64_t size, int protection, void **out, wg_error *err) {
    const real_file *f = real_of(file);
    struct stat st;
    if (fstat(f->fd, &st) != 0) return error_of(err, "map", f->path);
    /* A page past the end of the file would be a signal later; here it is an error that names the file. */
    if (size == 0 || size > SIZE_MAX || st.st_size < 0 || (uint64_t)st.st_size < size)
        return wg_error_set_sys(err, WG_E_IO, EINVAL, "map '%s': %llu bytes wanted, the file has %lld", f->path,
                                (unsigned long long)size, (long long)st.st_size);
    void *data = mmap(NULL, (size_t)size, protection, MAP_SHARED, f->fd, 0);
    if (data == MAP_FAILED) return error_of(err, "map", f->path);
    *out = data;
    return WG_OK;
}

static wg_code real_map(wg_platform *self, wg_file *file, uint64_t size, const void **out, wg_error *err) {
    (void)self;
    void *data = NULL;
    WG_TRY(map_file(file, size, PROT_READ, &data, err));
    *out = data;
    return WG_OK;
}

static wg_code real_map_shared(wg_platform *self, wg_file *file, uint64_t size, void **out, wg_error *err) {
    (void)self;
    return map_file(file, size, PROT_READ | PROT_WRITE, out, err);
}

static void real_unmap(wg_platform *self, const void *data, uint64_t size) {
    (void)self;
    if (data == NULL) return;
    const int rc = munmap((void *)(uintptr_t)data, (size_t)size);
    WG_ASSERT(rc == 0); /* fails only for a range that map never gave */
}

static void real_advise(wg_platform *self, const void *data, uint64_t size, wg_advice advice) {
    static const int advices[] = {
        [WG_ADVICE_WILL_NEED] = MADV_WILLNEED,
        [WG_ADVICE_DROP] = MADV_DONTNEED,
        [WG_ADVICE_SEQUENTIAL] = MADV_SEQUENTIAL,
        [WG_ADVICE_RANDOM] = MADV_RANDOM,
    };
    (void)self;
    /* Whole pages inside the range alone: a page that is shared with a neighbour is the neighbour's too. */
    const uintptr_t page = page_bytes();
    const uintptr_t begin = ((uintptr_t)data + page - 1) & ~(page - 1);
    const uintptr_t end = ((uintptr_t)data + (uintptr_t)size) & ~(page - 1);
    if (begin >= end) return;
    const int saved = errno;
    (void)madvise((void *)begin, end - begin, advices[advice]); /* a wish */
    errno = saved;
}

/* Reads /proc/self/statm: pages in all, resident, resident and of files. */
static void read_statm(wg_process_memory *out) {
    char text[256];
    const int fd = open_retry("/proc/self/statm", O_RDONLY, 0);
    if (fd < 0) return;
    const ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return;
    uint64_t fields[3] = {0};
    size_t field = 0;
    for (ssize_t i = 0; i < n && field < 3; i++) {
        if (text[i] >= '0' && text[i] <= '9') fields[field] = fields[field] * 10 + (uint64_t)(text[i] - '0');
        else field++;
    }
    if (field < 3) return;
    out->resident_bytes = fields[1] * page_bytes();
    out->resident_file_bytes = fields[2] * page_bytes();
}

static void real_process_memory(wg_platform *self, wg_process_memory *out) {
    (void)self;
    *out = (wg_process_memory){0};
    read_statm(out);
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return;
    out->faults_minor = (uint64_t)usage.ru_minflt;
    out->faults_major = (uint64_t)usage.ru_majflt;
}

static void real_trim_memory(wg_platform *self) {
    (void)self;
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

static void *real_take_memory(wg_platform *self, uint64_t bytes) {
    (void)self;
    WG_ASSERT(bytes != 0 && bytes % WG_HUGE_PAGE_BYTES == 0);
    /* One huge page more than asked for: what lies before and behind the aligned part goes back at once. */
    const size_t mapped = (size_t)bytes + (size_t)WG_HUGE_PAGE_BYTES;
    const int saved = errno;
    uint8_t *data = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        errno = saved;
        return NULL;
    }
    const size_t before = (size_t)(-(uintptr_t)data & (uintptr_t)(WG_HUGE_PAGE_BYTES - 1));
    uint8_t *aligned = data + before;
    if (before != 0) (void)munmap(data, before);
    (void)munmap(aligned + bytes,
                 (size_t)WG_HUGE_PAGE_BYTES - before); /* never nothing: before is less than a huge page */
#ifdef MADV_HUGEPAGE
    (void)madvise(aligned, (size_t)bytes, MADV_HUGEPAGE); /* a wish: small pages do as well, only slower */
#endif
    errno = saved;
    return aligned;
}

static void real_give_memory(wg_platform *self, void *data, uint64_t bytes) {
    (void)self;
    if (data == NULL) return;
    const int rc = munmap(data, (size_t)bytes);
    WG_ASSERT(rc == 0);
}

static uint64_t real_now_ns(wg_platform *self) {
    (void)self;
    struct timespec t;
    const int rc = clock_gettime(CLOCK_MONOTONIC, &t);
    WG_ASSERT(rc == 0);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static uint64_t real_wall_us(wg_platform *self) {
    (void)self;
    struct timespec t;
    const int rc = clock_gettime(CLOCK_REALTIME, &t);
    WG_ASSERT(rc == 0);
    return (uint64_t)t.tv_sec * UINT64_C(1000000) + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t real_wall_coarse_us(wg_platform *self) {
#ifdef CLOCK_REALTIME_COARSE
    (void)self;
    struct timespec t;
    const int rc = clock_gettime(CLOCK_REALTIME_COARSE, &t);
    WG_ASSERT(rc == 0);
    return (uint64_t)t.tv_sec * UINT64_C(1000000) + (uint64_t)t.tv_nsec / 1000;
#else
    return real_wall_us(self);
#endif
}

#if defined(__x86_64__)
/* CPUID 0x80000007, bit 8 of EDX: the time stamp counter runs at one rate in all states of the processor. It is at least 0.8 GHz then. */
static bool ticks_are_even(void) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d >> 8 & 1) != 0;
}
#else
static bool ticks_are_even(void) { return false; }
#endif

uint64_t wg_platform_ticks_kept(const wg_platform *platform) {
    enum { TICKS = 1 << 19 };
    return platform == wg_platform_real() && ticks_are_even() ? TICKS : 0;
}

static wg_code real_random(wg_platform *self, void *out, size_t size, wg_error *err) {
    (void)self;
    for (size_t done = 0; done < size;) {
        const size_t n = wg_min_size(size - done, 256); /* the size that getentropy and getrandom give whole */
#ifdef __linux__
        const ssize_t got = getrandom((uint8_t *)out + done, n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return error_of(err, "read", "the random source of the system");
        done += (size_t)got;
#else
        if (getentropy((uint8_t *)out + done, n) != 0)
            return error_of(err, "read", "the random source of the system");
        done += n;
#endif
    }
    return WG_OK;
}

static const wg_platform_ops real_ops = {
    .open = real_open,
    .close = real_close,
    .read_at = real_read_at,
    .write_at = real_write_at,
    .write_parts = real_write_parts,
    .sync = real_sync,
    .write_back = real_write_back,
    .set_direct = real_set_direct,
    .write_durable = real_write_durable,
    .map_writes = real_map_writes,
    .truncate = real_truncate,
    .file_info = real_file_info,
    .stat = real_stat,
    .rename = real_rename,
    .unlink = real_unlink,
    .make_directory = real_make_directory,
    .sync_directory = real_sync_directory,
    .list = real_list,
    .lock = real_lock,
    .absolute = real_absolute,
    .map = real_map,
    .map_shared = real_map_shared,
    .unmap = real_unmap,
    .advise = real_advise,
    .process_memory = real_process_memory,
    .trim_memory = real_trim_memory,
    .take_memory = real_take_memory,
    .give_memory = real_give_memory,
    .now_ns = real_now_ns,
    .wall_us = real_wall_us,
    .wall_coarse_us = real_wall_coarse_us,
    .random = real_random,
};

/* Sanitizers see overruns of blocks from malloc only. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define BLOCKS_FROM_MALLOC 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(BLOCKS_FROM_MALLOC)
static void lend_pages(void) {}
#else
static void *take_pages(size_t bytes) { return real_take_memory(NULL, bytes); }
static void give_pages(void *data, size_t bytes) { real_give_memory(NULL, data, bytes); }
static void lend_pages(void) {
    static const wg_memory_pages source = {WG_HUGE_PAGE_BYTES, take_pages, give_pages};
    wg_memory_set_pages(&source);
}
#endif

wg_platform *wg_platform_real(void) {
    static wg_platform real = {.ops = &real_ops};
    lend_pages();
    return &real;
}
