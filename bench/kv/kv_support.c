/* Services for drivers and harness: the end of the program, memory, the clock, the folders of a run.
 *
 * All files of a run lie below two folders, one on the measured disk and one in /dev/shm, whose names hold the process
 * id; they are removed at exit, also when something failed. */
#include "kv_run.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HUGE_PAGE_BYTES = 2 << 20 };

static char run_folders[2][KV_PATH_BYTES];
static unsigned folder_serial;

void kv_die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("kv_bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *kv_alloc(size_t size) {
    void *at = calloc(1, size);
    if (at == NULL) kv_die("out of memory: %zu bytes", size);
    return at;
}

/* The pages are touched here, so that no measured operation pays for a first touch. */
void *kv_alloc_large(size_t size) {
    const size_t rounded = (size + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    uint8_t *raw = mmap(NULL, rounded + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) kv_die("out of memory: %zu bytes", size);
    const size_t skip = (HUGE_PAGE_BYTES - (uintptr_t)raw % HUGE_PAGE_BYTES) % HUGE_PAGE_BYTES;
    uint8_t *at = raw + skip;
    if (skip != 0) munmap(raw, skip);
    if (skip != HUGE_PAGE_BYTES) munmap(at + rounded, HUGE_PAGE_BYTES - skip);
    madvise(at, rounded, MADV_HUGEPAGE); /* advice: a kernel without huge pages gives small ones */
    for (size_t i = 0; i < rounded; i += 4096) ((volatile uint8_t *)at)[i] = 0;
    return at;
}

void kv_free_large(void *at, size_t size) {
    if (at != NULL) munmap(at, (size + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES);
}

uint64_t kv_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t kv_thread_cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void kv_path(char *out, size_t size, const char *dir, const char *name) {
    const int length = snprintf(out, size, "%s/%s", dir, name);
    if (length < 0 || (size_t)length >= size) kv_die("the path %s/%s is too long", dir, name);
}

/* ---- folders */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status, (void)type, (void)place;
    return remove(path);
}

void kv_folder_remove(const char *path) {
    if (path[0] != '\0') nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_run_folders(void) {
    for (unsigned i = 0; i < 2; i++) kv_folder_remove(run_folders[i]);
}

/* What a killed run left: folders of ours whose process is gone. They may hold gigabytes of memory in /dev/shm. */
static void remove_left_folders(const char *parent) {
    DIR *folder = opendir(parent);
    if (folder == NULL) return;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[KV_PATH_BYTES];
        struct stat status;
        if (strncmp(entry->d_name, "kv_bench.", 9) != 0) continue;
        const long pid = strtol(entry->d_name + 9, NULL, 10);
        if (pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH) continue;
        kv_path(path, sizeof path, parent, entry->d_name);
        if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == getuid()) kv_folder_remove(path);
    }
    closedir(folder);
}

static void make_run_folder(const char *parent, char out[KV_PATH_BYTES]) {
    char name[64], path[KV_PATH_BYTES];
    remove_left_folders(parent);
    snprintf(name, sizeof name, "kv_bench.%ld", (long)getpid());
    kv_path(path, sizeof path, parent, name);
    if (mkdir(path, 0700) != 0) kv_die("cannot make the folder %s: %s", path, strerror(errno));
    memcpy(out, path, sizeof path);
}

void kv_folders_begin(const char *disk) {
    if (mkdir(disk, 0700) != 0 && errno != EEXIST) kv_die("cannot make the folder %s: %s", disk, strerror(errno));
    char absolute[KV_PATH_BYTES];
    if (realpath(disk, absolute) == NULL) kv_die("cannot find the folder %s: %s", disk, strerror(errno));
    atexit(remove_run_folders);
    make_run_folder(absolute, run_folders[0]);
    make_run_folder("/dev/shm", run_folders[1]);
}

void kv_folder_make(bool on_disk, char out[KV_PATH_BYTES]) {
    char name[32];
    snprintf(name, sizeof name, "%u", folder_serial++);
    kv_path(out, KV_PATH_BYTES, run_folders[on_disk ? 0 : 1], name);
    if (mkdir(out, 0700) != 0) kv_die("cannot make the folder %s: %s", out, strerror(errno));
}
