/* The real platform over system calls that are interrupted, come up short or fail: this program defines those calls itself, in front of
 * the C library, and hands them on unless a test told it otherwise. What no disk here does on demand is then a matter of counting:
 * signals in the middle of a call, a device that takes no byte, a descriptor that somebody closed. */
#undef _FORTIFY_SOURCE /* it would turn some of the calls into others */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "io/platform/platform_internal.h"

typedef enum call_kind {
    CALL_OPEN,
    CALL_FSTAT,
    CALL_PREAD,
    CALL_PWRITE,
    CALL_PWRITEV,
    CALL_READ,
    CALL_FDATASYNC,
    CALL_FSYNC,
    CALL_FTRUNCATE,
    CALL_FLOCK,
    CALL_GETRANDOM,
    CALL_READDIR,
    CALL_GETCWD,
    CALL_MMAP,
    CALL_MMAP_ANONYMOUS,
    CALL_GETRUSAGE,
    CALL_AFFINITY,
    CALL_SYSCONF,
    CALL_FCNTL,
    CALL_FSTATFS,
    CALL_MADVISE,
    CALL_PWRITEV2,
    CALL_PTHREAD_CREATE,
    CALL_COUNT
} call_kind;

/* The next `times` calls of a kind fail with `error`; 0 as error: they do less than they were asked, or nothing. */
static struct {
    int times;
    int error;
    uint64_t met;
} told[CALL_COUNT];

static void tell(call_kind call, int times, int error) {
    told[call].times = times;
    told[call].error = error;
    told[call].met = 0;
}

static bool meets(call_kind call) {
    if (told[call].times == 0) return false;
    told[call].times--;
    told[call].met++;
    errno = told[call].error;
    return true;
}

/* The C library's own function. */
#define FORWARD(name, ...)                         \
    do {                                           \
        static __typeof__(name) *real;             \
        if (real == NULL) {                        \
            void *found = dlsym(RTLD_NEXT, #name); \
            if (found == NULL) abort();            \
            memcpy(&real, &found, sizeof found);   \
        }                                          \
        return real(__VA_ARGS__);                  \
    } while (0)

__attribute__((visibility("default"))) int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (meets(CALL_OPEN)) return -1;
    FORWARD(open, path, flags, mode);
}
__attribute__((visibility("default"))) int fstat(int fd, struct stat *out) {
    if (meets(CALL_FSTAT)) return -1;
    FORWARD(fstat, fd, out);
}
/* Error 0: one byte. */
__attribute__((visibility("default"))) ssize_t pread(int fd, void *data, size_t size, off_t offset) {
    if (meets(CALL_PREAD)) {
        if (errno != 0) return -1;
        size = 1;
    }
    FORWARD(pread, fd, data, size, offset);
}
/* Error 0: one byte; error -1: none. */
__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    if (meets(CALL_PWRITE)) {
        if (errno == -1) return 0;
        if (errno != 0) return -1;
        size = 1;
    }
    FORWARD(pwrite, fd, data, size, offset);
}
/* Error 0: one byte of the first part; error -1: none. */
__attribute__((visibility("default"))) ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    if (meets(CALL_PWRITEV)) {
        if (errno == -1) return 0;
        if (errno != 0) return -1;
        const struct iovec one = {parts[0].iov_base, parts[0].iov_len != 0};
        FORWARD(pwritev, fd, &one, 1, offset);
    }
    FORWARD(pwritev, fd, parts, count, offset);
}
/* The same. */
__attribute__((visibility("default"))) ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset,
                                                        int flags) {
    if (meets(CALL_PWRITEV2)) {
        if (errno == -1) return 0;
        if (errno != 0) return -1;
        const struct iovec one = {parts[0].iov_base, parts[0].iov_len != 0};
        FORWARD(pwritev2, fd, &one, 1, offset, flags);
    }
    FORWARD(pwritev2, fd, parts, count, offset, flags);
}
/* Error 0: the end of the file; error -1: its first eight bytes. */
__attribute__((visibility("default"))) ssize_t read(int fd, void *data, size_t size) {
    if (meets(CALL_READ)) {
        if (errno != -1) return errno == 0 ? 0 : -1;
        size = 8;
    }
    FORWARD(read, fd, data, size);
}
__attribute__((visibility("default"))) int fdatasync(int fd) {
    if (meets(CALL_FDATASYNC)) return -1;
    FORWARD(fdatasync, fd);
}
__attribute__((visibility("default"))) int fsync(int fd) {
    if (meets(CALL_FSYNC)) return -1;
    FORWARD(fsync, fd);
}
__attribute__((visibility("default"))) int ftruncate(int fd, off_t size) {
    if (meets(CALL_FTRUNCATE)) return -1;
    FORWARD(ftruncate, fd, size);
}
__attribute__((visibility("default"))) int flock(int fd, int operation) {
    if (meets(CALL_FLOCK)) return -1;
    FORWARD(flock, fd, operation);
}
/* Error 0: one byte. */
__attribute__((visibility("default"))) ssize_t getrandom(void *data, size_t size, unsigned flags) {
    if (meets(CALL_GETRANDOM)) {
        if (errno != 0) return -1;
        size = 1;
    }
    FORWARD(getrandom, data, size, flags);
}
__attribute__((visibility("default"))) struct dirent *readdir(DIR *dir) {
    static struct dirent unknown;
    if (meets(CALL_READDIR)) {
        if (errno != 0) return NULL;
        unknown.d_type = DT_UNKNOWN; /* a file system that does not say what its entries are */
        snprintf(unknown.d_name, sizeof unknown.d_name, "%s", "sub");
        return &unknown;
    }
    FORWARD(readdir, dir);
}
__attribute__((visibility("default"))) char *getcwd(char *out, size_t size) {
    if (meets(CALL_GETCWD)) return NULL;
    FORWARD(getcwd, out, size);
}
static void *wish; /* where the next huge memory shall lie; NULL: anywhere */
__attribute__((visibility("default"))) void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset) {
    if (fd >= 0 && meets(CALL_MMAP)) return MAP_FAILED;
    if (fd < 0 && size >= WG_HUGE_PAGE_BYTES && meets(CALL_MMAP_ANONYMOUS)) return MAP_FAILED;
    if (wish != NULL && fd < 0 && size >= WG_HUGE_PAGE_BYTES) at = wish;
    FORWARD(mmap, at, size, prot, flags, fd, offset);
}
/* Error 0: a file system of which nothing is known. */
__attribute__((visibility("default"))) int fstatfs(int fd, struct statfs *out) {
    if (meets(CALL_FSTATFS)) {
        if (errno != 0) return -1;
        memset(out, 0, sizeof *out);
        return 0;
    }
    FORWARD(fstatfs, fd, out);
}
__attribute__((visibility("default"))) int madvise(void *at, size_t size, int advice) {
    if (meets(CALL_MADVISE)) return -1;
    FORWARD(madvise, at, size, advice);
}
__attribute__((visibility("default"))) int getrusage(__rusage_who_t who, struct rusage *out) {
    if (meets(CALL_GETRUSAGE)) return -1;
    FORWARD(getrusage, who, out);
}
__attribute__((visibility("default"))) int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set) {
    if (meets(CALL_AFFINITY)) return -1;
    FORWARD(sched_getaffinity, pid, size, set);
}
__attribute__((visibility("default"))) long sysconf(int name) {
    if (meets(CALL_SYSCONF)) return -1;
    FORWARD(sysconf, name);
}
__attribute__((visibility("default"))) int fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    const long value = va_arg(arguments, long);
    va_end(arguments);
    if (meets(CALL_FCNTL)) return -1;
    FORWARD(fcntl, fd, command, value);
}
__attribute__((visibility("default"))) int pthread_create(pthread_t *out, const pthread_attr_t *attr,
                                                          void *(*body)(void *), void *arg) {
    if (meets(CALL_PTHREAD_CREATE)) return errno;
    FORWARD(pthread_create, out, attr, body, arg);
}

/* ---- the tests */

static wg_platform *p;
static char dir[256];
static char path[300];
static wg_file *file;

static int setup(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    memset(told, 0, sizeof told);
    p = wg_platform_real();
    snprintf(dir, sizeof dir, "%s/wgsysXXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(dir) == NULL) return 1;
    snprintf(path, sizeof path, "%s/file", dir);
    return p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, NULL) == WG_OK ? 0 : 1;
}

static int teardown(void **state) {
    (void)state;
    memset(told, 0, sizeof told);
    p->ops->close(p, file);
    p->ops->close(p, NULL);
    unlink(path);
    return rmdir(dir);
}

#define FAILS(number, call)                                             \
    do {                                                                \
        wg_error seen_ = {0};                                           \
        wg_error *err = &seen_;                                         \
        assert_int_equal((call), WG_E_IO);                              \
        assert_int_equal(seen_.sys_errno, number);                      \
        assert_true(seen_.code == WG_E_IO && seen_.message[0] != '\0'); \
    } while (0)
#define WORKS(call)                                                    \
    do {                                                               \
        wg_error seen_ = {0};                                          \
        wg_error *err = &seen_;                                        \
        if ((call) != WG_OK) fail_msg("%s: %s", #call, seen_.message); \
    } while (0)

/* Goal: a signal in the middle of any call is no failure: the call is made again until it is through. */
static void test_platform_goes_on_after_signals(void **state) {
    (void)state;
    uint8_t back[8];
    size_t n = 0;
    for (call_kind call = CALL_OPEN; call <= CALL_GETRANDOM; call++)
        if (call != CALL_FSTAT && call != CALL_READ) tell(call, 3, EINTR);
    const wg_slice part = wg_slice_str("12345678");
    WORKS(p->ops->write_at(p, file, 0, "12345678", 8, err));
    WORKS(p->ops->write_parts(p, file, 0, &part, 1, err));
    WORKS(p->ops->truncate(p, file, 6, err));
    WORKS(p->ops->read_at(p, file, 0, back, 8, &n, err));
    assert_int_equal(n, 6);
    assert_memory_equal(back, "123456", 6);
    WORKS(p->ops->sync(p, file, err));
    WORKS(p->ops->sync_directory(p, dir, err));
    WORKS(p->ops->lock(p, file, err));
    WORKS(p->ops->random(p, back, 8, err));
    for (call_kind call = CALL_OPEN; call <= CALL_GETRANDOM; call++)
        if (call != CALL_FSTAT && call != CALL_READ) assert_int_equal(told[call].met, 3);
}

/* Goal: transfers that come up short are continued to the last byte; a device that takes nothing and says nothing is an error. */
static void test_platform_continues_short_transfers(void **state) {
    (void)state;
    uint8_t back[16] = {0};
    size_t n = 0;
    tell(CALL_PWRITE, 5, 0);
    WORKS(p->ops->write_at(p, file, 2, "0123456789", 10, err));
    assert_int_equal(told[CALL_PWRITE].met, 5);
    tell(CALL_PREAD, 7, 0);
    WORKS(p->ops->read_at(p, file, 0, back, sizeof back, &n, err));
    assert_int_equal(n, 12);
    assert_memory_equal(back,
                        "\0\0"
                        "0123456789",
                        12);
    tell(CALL_PWRITE, 1, -1);
    FAILS(EIO, p->ops->write_at(p, file, 0, "x", 1, err));
    uint8_t random[600] = {0};
    tell(CALL_GETRANDOM, 300, 0);
    WORKS(p->ops->random(p, random, sizeof random, err));
    assert_int_equal(told[CALL_GETRANDOM].met, 300);
    size_t zeros = 0;
    for (size_t i = 0; i < sizeof random; i++) zeros += random[i] == 0;
    assert_true(zeros < 60);
}

static bool count_name(void *ctx, const char *name, bool is_directory) {
    (void)name;
    ++((size_t *)ctx)[is_directory];
    return true;
}

/* Goal: whatever the system refuses is a typed error with its number and the path; out parameters stay as they were. */
static void test_platform_hands_errors_on(void **state) {
    (void)state;
    uint8_t back[8];
    size_t n = 77;
    wg_file *other = NULL;
    wg_file_info info = {.size = 77};
    const void *map = NULL;
    char text[64] = "kept";
    size_t counts[2] = {0, 0};
    tell(CALL_PREAD, 1, EIO);
    FAILS(EIO, p->ops->read_at(p, file, 0, back, 8, &n, err));
    tell(CALL_PWRITE, 1, ENOSPC);
    FAILS(ENOSPC, p->ops->write_at(p, file, 0, "12345678", 8, err));
    tell(CALL_FDATASYNC, 1, EIO);
    FAILS(EIO, p->ops->sync(p, file, err));
    tell(CALL_FTRUNCATE, 1, EFBIG);
    FAILS(EFBIG, p->ops->truncate(p, file, 9, err));
    tell(CALL_FSTAT, 1, EBADF);
    FAILS(EBADF, p->ops->file_info(p, file, &info, err));
    tell(CALL_FSTAT, 1, EBADF);
    FAILS(EBADF, p->ops->map(p, file, 1, &map, err));
    tell(CALL_FSTAT, 1, EOVERFLOW);
    FAILS(EOVERFLOW, p->ops->open(p, path, WG_OPEN_READ, &other, err));
    tell(CALL_OPEN, 1, EMFILE);
    FAILS(EMFILE, p->ops->open(p, path, WG_OPEN_READ, &other, err));
    tell(CALL_FLOCK, 1, ENOLCK);
    FAILS(ENOLCK, p->ops->lock(p, file, err));
    tell(CALL_FSYNC, 1, EIO);
    FAILS(EIO, p->ops->sync_directory(p, dir, err));
    FAILS(ENOTDIR, p->ops->sync_directory(p, path, err));
    tell(CALL_READDIR, 1, EIO);
    FAILS(EIO, p->ops->list(p, dir, count_name, counts, err));
    tell(CALL_GETCWD, 1, EACCES);
    FAILS(EACCES, p->ops->absolute(p, "x", text, sizeof text, err));
    WORKS(p->ops->write_at(p, file, 0, "1", 1, err));
    tell(CALL_MMAP, 1, EACCES);
    FAILS(EACCES, p->ops->map(p, file, 1, &map, err));
    tell(CALL_GETRANDOM, 1, EIO);
    FAILS(EIO, p->ops->random(p, back, 8, err));
    assert_true(n == 77 && other == NULL && info.size == 77 && map == NULL && strcmp(text, "kept") == 0);
    assert_int_equal(counts[0] + counts[1], 0);
    assert_int_equal(p->ops->rename(p, "/none/a", "/none/b", NULL), WG_E_NOT_FOUND);
    assert_int_equal(p->ops->list(p, "/none", count_name, counts, NULL), WG_E_NOT_FOUND);
    wg_memory_fail_at(1, false);
    assert_int_equal(p->ops->open(p, path, WG_OPEN_READ, &other, NULL), WG_E_NOMEM);
    wg_memory_fail_at(0, false);
    WORKS(p->ops->file_info(p, file, &info, err));
    assert_int_equal(info.size, 1);
}

/* Goal: several parts are one write: through signals and short transfers to the last byte, and with the errors of a write. */
static void test_platform_writes_parts_to_the_last_byte(void **state) {
    (void)state;
    const wg_slice parts[] = {wg_slice_str("01"), wg_slice_str("2345"), wg_slice_str(""), wg_slice_str("6789")};
    const wg_slice huge[] = {wg_slice_str("01"), {parts[0].data, SIZE_MAX}};
    uint8_t back[16];
    size_t n = 0;
    tell(CALL_PWRITEV, 3, EINTR);
    WORKS(p->ops->write_parts(p, file, 2, parts, 4, err));
    assert_int_equal(told[CALL_PWRITEV].met, 3);
    tell(CALL_PWRITEV, 4, 0);
    WORKS(p->ops->write_parts(p, file, 2, parts, 4, err));
    WORKS(p->ops->read_at(p, file, 2, back, sizeof back, &n, err));
    assert_int_equal(n, 10);
    assert_memory_equal(back, "0123456789", 10);
    tell(CALL_PWRITEV, 1, -1);
    FAILS(EIO, p->ops->write_parts(p, file, 2, parts, 4, err));
    tell(CALL_PWRITEV, 1, ENOSPC);
    FAILS(ENOSPC, p->ops->write_parts(p, file, 2, parts, 4, err));
    assert_int_equal(p->ops->write_parts(p, file, 2, huge, 2, NULL), WG_E_LIMIT);
    assert_int_equal(p->ops->write_parts(p, file, INT64_MAX - 3, parts, 4, NULL), WG_E_LIMIT);
}

static void expect_bytes(uint64_t offset, const char *text) {
    uint8_t back[64];
    size_t n = 0;
    WORKS(p->ops->read_at(p, file, offset, back, strlen(text), &n, err));
    assert_int_equal(n, strlen(text));
    assert_memory_equal(back, text, n);
}

/* Goal: a durable write is continued to the last byte and hands errors on; where the system has no such call, it is a write and a sync, at
 * once and from then on. */
static void test_platform_durable_writes_where_the_system_has_none(void **state) {
    (void)state;
    const wg_slice parts[] = {wg_slice_str("ab"), wg_slice_str("cdef")};
    const wg_slice other = wg_slice_str("XYZ");
    const int refusal = EOPNOTSUPP;
    tell(CALL_PWRITEV2, 2, EINTR);
    WORKS(p->ops->write_durable(p, file, 0, parts, 2, err));
    assert_int_equal(told[CALL_PWRITEV2].met, 2);
    tell(CALL_PWRITEV2, 3, 0);
    tell(CALL_FDATASYNC, 1, EIO); /* the write has synced: no second call */
    WORKS(p->ops->write_durable(p, file, 6, parts, 2, err));
    assert_int_equal(told[CALL_FDATASYNC].met, 0);
    expect_bytes(0, "abcdefabcdef");
    tell(CALL_PWRITEV2, 1, ENOSPC);
    FAILS(ENOSPC, p->ops->write_durable(p, file, 0, &other, 1, err));
    tell(CALL_PWRITEV2, 1, ENOSPC);
    assert_int_equal(p->ops->write_durable(p, file, 0, &other, 1, NULL), WG_E_IO);
    tell(CALL_PWRITEV2, 1, refusal);
    FAILS(EIO, p->ops->write_durable(p, file, 0, &other, 1, err)); /* the sync failed, as told above */
    assert_int_equal(told[CALL_PWRITEV2].met, 1);
    assert_int_equal(told[CALL_FDATASYNC].met, 1);
    tell(CALL_PWRITEV2, 1, refusal);
    tell(CALL_FDATASYNC, 1, EINTR);
    WORKS(p->ops->write_durable(p, file, 9, &other, 1, err));
    assert_int_equal(told[CALL_PWRITEV2].met, 0); /* not asked again */
    assert_int_equal(told[CALL_FDATASYNC].met, 1);
    expect_bytes(0, "XYZdefabcXYZ");
    tell(CALL_PWRITEV, 1, ENOSPC);
    FAILS(ENOSPC, p->ops->write_durable(p, file, 0, &other, 1, err));
}

/* Goal: writes are mapped only where every step that can be refused was not, nobody's errno is changed by the asking, and until then, and
 * after a refusal, writes are calls. */
static void test_platform_mapped_writes_may_be_refused(void **state) {
    (void)state;
    static const char zeros[20000];
    WORKS(p->ops->write_at(p, file, 0, zeros, sizeof zeros, err));
    if (!p->ops->map_writes(p, file, 100, 50)) skip(); /* the directory is neither in ext4 nor in memory */
    p->ops->close(p, file);
    WORKS(p->ops->open(p, path, WG_OPEN_WRITE, &file, err));
    errno = 33;
    static const struct {
        call_kind call;
        int error;
    } steps[] = {{CALL_FSTATFS, EIO}, {CALL_FSTATFS, 0},      {CALL_FSTAT, EIO},
                 {CALL_MMAP, ENOMEM}, {CALL_MADVISE, EFAULT}, {CALL_MADVISE, EINVAL}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        tell(steps[i].call, 1, steps[i].error);
        assert_false(p->ops->map_writes(p, file, 0, sizeof zeros));
        assert_int_equal(told[steps[i].call].met, 1);
    }
    assert_false(p->ops->map_writes(p, file, 0, sizeof zeros + 1)); /* behind its end */
    assert_false(p->ops->map_writes(p, file, 0, 0));
    assert_false(p->ops->map_writes(p, file, UINT64_MAX - 5, 3));
    tell(CALL_PWRITE, 1, ENOSPC);
    FAILS(ENOSPC, p->ops->write_at(p, file, 5, "x", 1, err));
    tell(CALL_MADVISE, 1, EINTR);
    assert_true(p->ops->map_writes(p, file, 0, sizeof zeros));
    tell(CALL_PWRITE, 1, ENOSPC);
    WORKS(p->ops->write_at(p, file, 5, "x", 1, err));
    FAILS(ENOSPC, p->ops->write_at(p, file, sizeof zeros - 1, "xy", 2, err)); /* not all of it */
    assert_int_equal(errno, ENOSPC);
    tell(CALL_FDATASYNC, 1, EIO);
    FAILS(EIO, p->ops->sync(p, file, err));
}

/* Goal: a file system that refuses direct writing says so, and nobody's errno is changed by the asking. */
static void test_platform_direct_writing_may_be_refused(void **state) {
    (void)state;
    errno = 33;
    for (int refused = 0; refused < 2; refused++) {
        tell(CALL_FCNTL, 1, EINVAL);
        assert_false(p->ops->set_direct(p, file, true));
        assert_int_equal(told[CALL_FCNTL].met, 1);
    }
    assert_true(p->ops->set_direct(p, file, false));
    assert_int_equal(errno, 33);
}

/* Goal: where the file system has no files without a name, one is made and its name taken away; names that are taken are passed over; a
 * directory that cannot be named is an error. */
static void test_platform_makes_temporary_files_where_it_must_name_them(void **state) {
    (void)state;
    static const int refusals[] = {EOPNOTSUPP, EISDIR, EINVAL};
    wg_file *temporary = NULL;
    size_t counts[2] = {0, 0};
    for (size_t i = 0; i < 3; i++) {
        tell(CALL_OPEN, 1, refusals[i]);
        WORKS(p->ops->open(p, dir, WG_OPEN_TEMPORARY, &temporary, err));
        WORKS(p->ops->write_at(p, temporary, 0, "x", 1, err));
        WORKS(p->ops->list(p, dir, count_name, counts, err));
        assert_int_equal(counts[0], i + 1); /* the one of the setup, each time */
        p->ops->close(p, temporary);
    }
    tell(CALL_OPEN, 1, EACCES); /* no reason to try otherwise */
    FAILS(EACCES, p->ops->open(p, dir, WG_OPEN_TEMPORARY, &temporary, err));
    for (int i = 0; i < 20; i++) { /* names that a process left which died */
        char name[400];
        snprintf(name, sizeof name, "%s/temporary-%ld-%d", dir, (long)getpid(), i);
        const int fd = creat(name, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
    tell(CALL_OPEN, 1, EISDIR);
    WORKS(p->ops->open(p, dir, WG_OPEN_TEMPORARY, &temporary, err));
    p->ops->close(p, temporary);
    for (int i = 0; i < 20; i++) {
        char name[400];
        snprintf(name, sizeof name, "%s/temporary-%ld-%d", dir, (long)getpid(), i);
        unlink(name);
    }
    for (int i = 0; i < 200; i++) { /* every name that is tried */
        char name[400];
        snprintf(name, sizeof name, "%s/temporary-%ld-%d", dir, (long)getpid(), i);
        close(creat(name, 0600));
    }
    tell(CALL_OPEN, 1, EISDIR);
    wg_error taken = {0};
    assert_int_equal(p->ops->open(p, dir, WG_OPEN_TEMPORARY, &temporary, &taken), WG_E_EXISTS);
    assert_int_equal(taken.sys_errno, EEXIST);
    for (int i = 0; i < 200; i++) {
        char name[400];
        snprintf(name, sizeof name, "%s/temporary-%ld-%d", dir, (long)getpid(), i);
        assert_int_equal(unlink(name), 0);
    }
    tell(CALL_OPEN, 1 + 64, EISDIR);
    FAILS(EISDIR, p->ops->open(p, dir, WG_OPEN_TEMPORARY, &temporary, err));
    memset(told, 0, sizeof told);
    char longer[4200];
    memset(longer, 'd', sizeof longer - 1);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    tell(CALL_OPEN, 1, EISDIR);
    FAILS(ENAMETOOLONG, p->ops->open(p, longer, WG_OPEN_TEMPORARY, &temporary, err));
    const char *before = getenv("TMPDIR");
    char kept[256] = "";
    if (before != NULL) snprintf(kept, sizeof kept, "%s", before);
    for (int i = 0; i < 3; i++) { /* the system's own, wherever it is */
        if (i == 0) unsetenv("TMPDIR");
        else setenv("TMPDIR", i == 1 ? "relative" : dir, 1);
        WORKS(p->ops->open(p, "", WG_OPEN_TEMPORARY, &temporary, err));
        p->ops->close(p, temporary);
    }
    if (kept[0] != '\0') setenv("TMPDIR", kept, 1);
    else unsetenv("TMPDIR");
}

static bool stop_at_once(void *ctx, const char *name, bool is_directory) {
    (void)name;
    (void)is_directory;
    ++*(size_t *)ctx;
    return false;
}

/* Goal: huge memory is aligned whatever the system gives, or there is none, and the number of an error that nobody asked for stays; a listing
 * ends where its reader says so; what the system tells of memory may be cut short. */
static void test_platform_memory_listings_and_short_answers(void **state) {
    (void)state;
    size_t names = 0;
    wg_process_memory memory;
    void *taken[6];
    for (int i = 0; i < 6; i++) {
        taken[i] = p->ops->take_memory(p, WG_HUGE_PAGE_BYTES * (uint64_t)(1 + i % 2));
        assert_non_null(taken[i]);
        assert_int_equal((uintptr_t)taken[i] % WG_HUGE_PAGE_BYTES, 0);
        memset(taken[i], i, 4096);
    }
    for (int i = 0; i < 6; i++)
        assert_int_equal(munmap(taken[i], (size_t)WG_HUGE_PAGE_BYTES * (size_t)(1 + i % 2)), 0);
    /* Aligned already, and not: then something is cut off in front of it. Where there is room is found out first. */
    void *room =
        mmap(NULL, 8 * (size_t)WG_HUGE_PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(room, MAP_FAILED);
    assert_int_equal(munmap(room, 8 * (size_t)WG_HUGE_PAGE_BYTES), 0);
    uint8_t *begin = (uint8_t *)room + (-(uintptr_t)room & (uintptr_t)(WG_HUGE_PAGE_BYTES - 1)) + WG_HUGE_PAGE_BYTES;
    for (size_t off = 0; off < 3 * 4096; off += 4096) {
        wish = begin + off;
        uint8_t *there = p->ops->take_memory(p, WG_HUGE_PAGE_BYTES);
        wish = NULL;
        assert_ptr_equal(there, begin + (off == 0 ? 0 : WG_HUGE_PAGE_BYTES));
        memset(there, 1, WG_HUGE_PAGE_BYTES);
        p->ops->give_memory(p, there, WG_HUGE_PAGE_BYTES);
    }
    p->ops->give_memory(p, NULL, WG_HUGE_PAGE_BYTES);
    errno = 33;
    tell(CALL_MMAP_ANONYMOUS, 1, ENOMEM);
    assert_null(p->ops->take_memory(p, WG_HUGE_PAGE_BYTES));
    assert_int_equal(errno, 33);
    WORKS(p->ops->list(p, dir, stop_at_once, &names, err));
    assert_int_equal(names, 1);
    p->ops->process_memory(p, &memory);
    assert_true(memory.resident_bytes > 0);
}

/* Goal: offsets and sizes that no file has are refused before the system is asked. */
static void test_platform_refuses_sizes_past_63_bits(void **state) {
    (void)state;
    uint8_t back[8];
    size_t n = 77;
    const uint64_t past = (uint64_t)INT64_MAX + 1;
    assert_int_equal(p->ops->read_at(p, file, past, back, 8, &n, NULL), WG_E_LIMIT);
    assert_int_equal(p->ops->read_at(p, file, INT64_MAX - 3, back, 8, &n, NULL), WG_E_LIMIT);
    assert_int_equal(p->ops->write_at(p, file, past, back, 8, NULL), WG_E_LIMIT);
    assert_int_equal(p->ops->write_at(p, file, INT64_MAX - 3, back, 8, NULL), WG_E_LIMIT);
    assert_int_equal(p->ops->truncate(p, file, past, NULL), WG_E_LIMIT);
    assert_int_equal(n, 77);
}

/* Goal: an entry whose kind the listing does not tell, or that is a link, is what it leads to; one that leads nowhere is no directory. */
static void test_platform_lists_links_by_their_target(void **state) {
    (void)state;
    char sub[300], link_file[300], link_dir[300], link_none[300];
    size_t counts[2] = {0, 0};
    snprintf(sub, sizeof sub, "%s/sub", dir);
    snprintf(link_file, sizeof link_file, "%s/f", dir);
    snprintf(link_dir, sizeof link_dir, "%s/g", dir);
    snprintf(link_none, sizeof link_none, "%s/h", dir);
    WORKS(p->ops->make_directory(p, sub, err));
    assert_int_equal(symlink(path, link_file), 0);
    assert_int_equal(symlink(sub, link_dir), 0);
    assert_int_equal(symlink("/none/at/all", link_none), 0);
    WORKS(p->ops->list(p, dir, count_name, counts, err));
    assert_int_equal(counts[1], 2);
    assert_int_equal(counts[0], 3);
    tell(CALL_READDIR, 1, 0);
    WORKS(p->ops->list(p, dir, count_name, counts, err));
    assert_int_equal(counts[1], 5); /* "sub", of unknown kind, once more */
    assert_int_equal(counts[0], 6);
    unlink(link_file);
    unlink(link_dir);
    unlink(link_none);
    assert_int_equal(rmdir(sub), 0);
}

/* Goal: figures that the system does not give are zero or a safe guess; a thread that it does not start is a typed error. */
static void test_platform_guesses_what_it_cannot_ask(void **state) {
    (void)state;
    wg_process_memory m = {0};
    tell(CALL_OPEN, 1, EMFILE);
    p->ops->process_memory(p, &m);
    assert_int_equal(m.resident_bytes, 0);
    assert_true(m.faults_minor > 0);
    tell(CALL_READ, 1, 0);
    p->ops->process_memory(p, &m);
    assert_int_equal(m.resident_bytes, 0);
    tell(CALL_READ, 1, -1); /* a text that ends before its third number */
    p->ops->process_memory(p, &m);
    assert_int_equal(m.resident_bytes, 0);
    tell(CALL_GETRUSAGE, 1, EFAULT);
    p->ops->process_memory(p, &m);
    assert_true(m.resident_bytes > 0);
    assert_int_equal(m.faults_minor, 0);
    tell(CALL_SYSCONF, 2, EINVAL);
    p->ops->process_memory(p, &m); /* pages of 4 KiB then */
    assert_true(m.resident_bytes > 0 && m.resident_bytes % 4096 == 0);
    tell(CALL_SYSCONF, 0, 0);
    assert_true(wg_cpu_count() >= 1);
    tell(CALL_AFFINITY, 1, EPERM);
    assert_true(wg_cpu_count() >= 1);
    tell(CALL_AFFINITY, 1, EPERM);
    tell(CALL_SYSCONF, 1, EINVAL);
    assert_int_equal(wg_cpu_count(), 1);
}

static void count_up(void *arg) { ++*(int *)arg; }

/* Goal: want of threads and want of memory for one are told apart, and nothing has run. */
static void test_platform_thread_may_not_start(void **state) {
    (void)state;
    wg_thread thread;
    int ran = 0;
    tell(CALL_PTHREAD_CREATE, 1, EAGAIN);
    FAILS(EAGAIN, wg_thread_start(&thread, count_up, &ran, err));
    tell(CALL_PTHREAD_CREATE, 1, ENOMEM);
    assert_int_equal(wg_thread_start(&thread, count_up, &ran, NULL), WG_E_NOMEM);
    wg_memory_fail_at(1, false);
    assert_int_equal(wg_thread_start(&thread, count_up, &ran, NULL), WG_E_NOMEM);
    wg_memory_fail_at(0, false);
    assert_int_equal(ran, 0);
    WORKS(wg_thread_start(&thread, count_up, &ran, err));
    wg_thread_join(&thread);
    assert_int_equal(ran, 1);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_platform_goes_on_after_signals),
        T(test_platform_continues_short_transfers),
        T(test_platform_hands_errors_on),
        T(test_platform_writes_parts_to_the_last_byte),
        T(test_platform_durable_writes_where_the_system_has_none),
        T(test_platform_direct_writing_may_be_refused),
        T(test_platform_mapped_writes_may_be_refused),
        T(test_platform_makes_temporary_files_where_it_must_name_them),
        T(test_platform_memory_listings_and_short_answers),
        T(test_platform_refuses_sizes_past_63_bits),
        T(test_platform_lists_links_by_their_target),
        T(test_platform_guesses_what_it_cannot_ask),
        T(test_platform_thread_may_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
