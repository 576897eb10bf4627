/* Calls of the allocator, page faults, instructions and waiting for a processor of the calling thread.
 *
 * The program is linked with --wrap for malloc, calloc, realloc and the aligned forms, so every call out of our own code
 * comes by here; shared libraries of the peers are not counted. Instructions come from the processor where the machine
 * shows its counters; virtual machines mostly do not, and --count under callgrind is the way there. */
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kv_run.h"

static _Thread_local uint64_t allocations;
static int instruction_counter = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);

void *__wrap_malloc(size_t size) {
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size) {
    allocations++;
    return __real_realloc(at, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    allocations++;
    return __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size) {
    allocations++;
    return __real_posix_memalign(out, alignment, size);
}

/* For this thread: single-threaded works run on the one that called this. */
bool kv_counters_begin(void) {
    struct perf_event_attr attributes = {.type = PERF_TYPE_HARDWARE,
                                         .size = sizeof attributes,
                                         .config = PERF_COUNT_HW_INSTRUCTIONS,
                                         .exclude_kernel = 1,
                                         .exclude_hv = 1};
    instruction_counter = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    return instruction_counter >= 0;
}

/* The second number of schedstat. */
static uint64_t waited_ns(void) {
    char text[96];
    const int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    const ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    if (size <= 0) return 0;
    text[size] = '\0';
    const char *second = strchr(text, ' ');
    return second == NULL ? 0 : strtoull(second, NULL, 10);
}

void kv_counters_read(kv_counters *out) {
    struct rusage usage;
    uint64_t count = 0;
    getrusage(RUSAGE_THREAD, &usage);
    out->faults = (double)usage.ru_minflt;
    out->allocations = (double)allocations;
    out->instructions = -1;
    out->waited_ns = waited_ns();
    if (instruction_counter >= 0 && read(instruction_counter, &count, sizeof count) == (ssize_t)sizeof count)
        out->instructions = (double)count;
}
