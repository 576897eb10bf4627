/* io/platform: the only calls to the operating system: files, directories, memory maps, time, threads, randomness.
 *
 * Three implementations stand behind one table of functions: real (Linux), fault (wraps another, fails call n), sim (a
 * seeded in-memory file system that can crash). Nothing above this module includes an operating-system header. */
#ifndef WG_IO_PLATFORM_H
#define WG_IO_PLATFORM_H

#include "base/core/core.h"
#include "base/memory/memory.h"

typedef struct wg_platform wg_platform;
typedef struct wg_file wg_file; /* opaque; belongs to the platform that opened it */

typedef enum wg_open_mode {
    WG_OPEN_READ,       /* must exist */
    WG_OPEN_WRITE,      /* read and write, must exist */
    WG_OPEN_CREATE_NEW, /* read and write, must not exist; mode 0600 */
    /* A file without a name, read and write, that is gone when it is closed or the process ends; `path` is the directory that it lies in,
     * "" the system's directory of temporary files. WG_E_NOT_FOUND: no such directory. */
    WG_OPEN_TEMPORARY
} wg_open_mode;

typedef struct wg_file_info {
    uint64_t size;
    int64_t mtime_ns; /* 0 in sim */
    bool is_directory;
} wg_file_info;

/* Called once per entry, in no particular order, without "." and ".."; returning false stops the listing. */
typedef bool (*wg_list_fn)(void *ctx, const char *name, bool is_directory);

typedef enum wg_advice {
    WG_ADVICE_WILL_NEED,  /* read ahead */
    WG_ADVICE_DROP,       /* these pages leave the process; a later access reads them again */
    WG_ADVICE_SEQUENTIAL, /* of the whole mapping */
    WG_ADVICE_RANDOM
} wg_advice;

#define WG_HUGE_PAGE_BYTES (UINT64_C(2) << 20)
#define WG_DIRECT_BYTES    4096

typedef struct wg_process_memory {
    uint64_t resident_bytes;
    uint64_t resident_file_bytes; /* the part that maps files */
    uint64_t faults_minor;
    uint64_t faults_major;
} wg_process_memory;

/* The table. `self` is always the first argument. Errors are WG_E_NOT_FOUND (ENOENT), WG_E_EXISTS (EEXIST), WG_E_BUSY
 * (lock held elsewhere), WG_E_NOMEM or WG_E_IO with sys_errno; messages name the path. EINTR and short transfers are
 * handled inside. All functions may be called from any thread; one file may be used by several threads. */
typedef struct wg_platform_ops {
    wg_code (*open)(wg_platform *self, const char *path, wg_open_mode mode, wg_file **out, wg_error *err);
    void (*close)(wg_platform *self, wg_file *file);
    /* Reads up to `size` bytes at `offset`; fewer only at the end of the file. */
    wg_code (*read_at)(wg_platform *self, wg_file *file, uint64_t offset, void *data, size_t size, size_t *out_read,
                       wg_error *err);
    wg_code (*write_at)(wg_platform *self, wg_file *file, uint64_t offset, const void *data, size_t size,
                        wg_error *err);
    /* The same for the concatenation of `count` parts, without copying them together: one write where the system can. */
    wg_code (*write_parts)(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts, size_t count,
                           wg_error *err);
    /* Data and size reach stable storage (fdatasync; F_FULLFSYNC on macOS). */
    wg_code (*sync)(wg_platform *self, wg_file *file, wg_error *err);
    /* The system may begin to write to the disk what was written to [offset, offset + size) of the file, so that a later sync has less to
     * do. `size` 0: to all of it, and what an earlier call began is waited for. Nothing becomes durable; failure is the sync's to tell. */
    void (*write_back)(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size);
    /* Whether the file's bytes go from now on between the caller's memory and the disk, past the system's cache. Then offset, address and size
     * of each read and write are multiples of WG_DIRECT_BYTES. No other call on the file may be under way. False: as it was, not possible here;
     * switching it off again always is. */
    bool (*set_direct)(wg_platform *self, wg_file *file, bool direct);
    /* write_parts whose bytes, and no others, are on stable storage when it returns (as after sync), in one call where the system can. After a
     * failure any part of it may be there, sector by sector. */
    wg_code (*write_durable)(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts, size_t count,
                             wg_error *err);
    /* Whether write_at into [offset, offset + size) of the file, bytes that were written before, is from now on a store into the system's cache
     * of the file, without a system call. What it wrote is what any write leaves: every reader sees it, it stays when the process dies, sync
     * makes it durable and tells of failures. A range that begins where the one before ended goes on with it, and of the older ones
     * that one stays; any other takes their place. Writes into what has left are calls again, and its pages do not count as resident. From then on one thread at a time writes to the file. False: no more than before is. It is refused where a store might find no place on the disk, which
     * would be a signal (all file systems but ext4 and those in memory). */
    bool (*map_writes)(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size);
    wg_code (*truncate)(wg_platform *self, wg_file *file, uint64_t size, wg_error *err);
    wg_code (*file_info)(wg_platform *self, wg_file *file, wg_file_info *out, wg_error *err);
    wg_code (*stat)(wg_platform *self, const char *path, wg_file_info *out, wg_error *err);
    wg_code (*rename)(wg_platform *self, const char *from, const char *to, wg_error *err);
    wg_code (*unlink)(wg_platform *self, const char *path, wg_error *err);
    wg_code (*make_directory)(wg_platform *self, const char *path, wg_error *err); /* mode 0700; WG_E_EXISTS */
    wg_code (*sync_directory)(wg_platform *self, const char *path, wg_error *err);
    wg_code (*list)(wg_platform *self, const char *path, wg_list_fn fn, void *ctx, wg_error *err);
    /* Exclusive lock that dies with the process; held until close. WG_E_BUSY when another holder exists. */
    wg_code (*lock)(wg_platform *self, wg_file *file, wg_error *err);
    /* Absolute form of a path, "." and ".." resolved lexically after the current directory; the file need not exist.
     * Written into `out` of `out_size` bytes, NUL-terminated; WG_E_LIMIT when too long. */
    wg_code (*absolute)(wg_platform *self, const char *path, char *out, size_t out_size, wg_error *err);
    /* Maps bytes [0, size) of the file read-only; the mapping outlives the file handle and an unlink. The file must have
     * `size` bytes and must not shrink. WG_E_NOMEM, WG_E_IO. The sim copies. */
    wg_code (*map)(wg_platform *self, wg_file *file, uint64_t size, const void **out, wg_error *err);
    /* The same for reading and writing: what is stored there is seen by other processes and outlives this one. Real only; others answer
     * WG_E_MISUSE. */
    wg_code (*map_shared)(wg_platform *self, wg_file *file, uint64_t size, void **out, wg_error *err);
    void (*unmap)(wg_platform *self, const void *data, uint64_t size);
    /* A wish about whole pages inside the range of a mapping; failure is ignored. */
    void (*advise)(wg_platform *self, const void *data, uint64_t size, wg_advice advice);
    /* What the operating system says of this process; zeros where it cannot. */
    void (*process_memory)(wg_platform *self, wg_process_memory *out);
    /* Gives freed heap pages back to the operating system. */
    void (*trim_memory)(wg_platform *self);
    /* Zeroed memory at an address that is a multiple of 2 MiB, on huge pages where the system has them; `bytes` is a multiple of
     * WG_HUGE_PAGE_BYTES. NULL: the system has none. The caller charges its account. The sim's and the fault platform's is the real one. */
    void *(*take_memory)(wg_platform *self, uint64_t bytes);
    void (*give_memory)(wg_platform *self, void *data, uint64_t bytes); /* data NULL is legal */
    uint64_t (*now_ns)(wg_platform *self);                              /* monotonic */
    uint64_t (*wall_us)(wg_platform *self); /* since 1970; the current time of statements, envelope data */
    /* The same as of the last tick (1 to 10 ms), for a tenth of the price. */
    uint64_t (*wall_coarse_us)(wg_platform *self);
    wg_code (*random)(wg_platform *self, void *out, size_t size, wg_error *err);
} wg_platform_ops;

struct wg_platform {
    const wg_platform_ops *ops;
};

/* The process-wide real platform. Never freed. */
wg_platform *wg_platform_real(void);

/* A count that rises evenly with time, for less than any clock costs; where there is none it stands still. */
static inline uint64_t wg_ticks(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}
/* For how many ticks a coarse time may be taken for the present one: less than a millisecond. 0: not at all, because ticks do not rise evenly here
 * or the platform's clock is not the system's. */
uint64_t wg_platform_ticks_kept(const wg_platform *platform);

/* ---- threads: real only; the sim runs single-threaded or under the same primitives */

typedef struct wg_mutex {
    _Alignas(8) uint8_t opaque[64];
} wg_mutex;
typedef struct wg_cond {
    _Alignas(8) uint8_t opaque[64];
} wg_cond;
typedef struct wg_thread {
    _Alignas(8) uint8_t opaque[16];
} wg_thread;

/* `rank` is the lock's row in docs/locks.md: debug builds abort when a thread takes a lock whose rank is not above all
 * that it holds. */
void wg_mutex_init(wg_mutex *mutex, uint32_t rank);
void wg_mutex_deinit(wg_mutex *mutex);
void wg_mutex_lock(wg_mutex *mutex);
void wg_mutex_unlock(wg_mutex *mutex);
void wg_cond_init(wg_cond *cond);
void wg_cond_deinit(wg_cond *cond);
void wg_cond_wait(wg_cond *cond, wg_mutex *mutex);
/* False when `ns` passed first. */
bool wg_cond_wait_for(wg_cond *cond, wg_mutex *mutex, uint64_t ns);
void wg_cond_signal(wg_cond *cond);
void wg_cond_broadcast(wg_cond *cond);
wg_code wg_thread_start(wg_thread *thread, void (*body)(void *), void *arg, wg_error *err);
void wg_thread_join(wg_thread *thread);
uint32_t wg_cpu_count(void);
/* Lets other threads run on this processor. */
void wg_thread_yield(void);

/* Something that happens again and again, and threads that sleep until it does; no lock is involved. A sleeper reads the count, then
 * looks at what it waits for, and sleeps only if the count is still the same: an event in between is not missed. */
typedef struct wg_signal {
    _Atomic uint32_t count;
    _Atomic uint32_t sleepers; /* read by anybody, as a hint */
    _Alignas(8) uint8_t opaque[128];
} wg_signal;
void wg_signal_init(wg_signal *event);
void wg_signal_deinit(wg_signal *event);
uint32_t wg_signal_count(const wg_signal *event);
/* Returns when the count is not `seen`, or by chance. */
void wg_signal_wait(wg_signal *event, uint32_t seen);
/* Raises the count and wakes up to `wake` sleepers; the others sleep on. Costs no system call while nobody sleeps. */
void wg_signal_raise(wg_signal *event, uint32_t wake);

/* Lock ranks, lowest taken first (docs/locks.md). */
enum {
    WG_RANK_SESSION = 10,
    WG_RANK_MAINTENANCE = 15,   /* one checkpoint, compaction or backup at a time */
    WG_RANK_ENGINE_WRITER = 20, /* one writer at a time */
    WG_RANK_ENGINE_LOG = 22,    /* one at a time gives out numbers of commits */
    WG_RANK_ENGINE_STATE = 30,
    WG_RANK_CATALOG = 40,
    WG_RANK_STRIPES = 45,
    WG_RANK_FILE_CACHE = 50,
    WG_RANK_STRIPE = 52, /* first touch of a stripe's blocks */
    WG_RANK_GOVERNOR = 55,
    WG_RANK_LANES = 57, /* which lanes are open */
    WG_RANK_WAL_APPEND = 60,
    WG_RANK_WAL_CHAIN = 65,
    WG_RANK_WAL_SYNC = 70,
    WG_RANK_POOL = 80,
    WG_RANK_EPOCH = 90,
    WG_RANK_PLATFORM = 100
};

/* ---- fault platform: wraps `inner`, fails call number n (1 = the next), once or from then on */

typedef enum wg_fault_kind {
    WG_FAULT_EIO,
    WG_FAULT_ENOSPC,
    WG_FAULT_EACCES,
    WG_FAULT_EMFILE,
    WG_FAULT_SHORT_WRITE /* half of the bytes are written, then EIO */
} wg_fault_kind;

wg_code wg_platform_fault_create(wg_platform *inner, wg_platform **out, wg_error *err);
void wg_platform_fault_destroy(wg_platform *platform);
void wg_platform_fault_arm(wg_platform *platform, uint64_t n, wg_fault_kind kind, bool persistent); /* n 0: off */
uint64_t wg_platform_fault_calls(const wg_platform *platform); /* fallible calls so far */

/* ---- sim platform: an in-memory file system that crashes as reliability.md 4.2 models it (M1..M7) */

typedef enum wg_crash_pattern {
    WG_CRASH_NONE_SURVIVES,
    WG_CRASH_ALL_SURVIVES,
    WG_CRASH_ALL_BUT_LAST,
    WG_CRASH_ONLY_LAST,
    WG_CRASH_TORN_FIRST,
    WG_CRASH_TORN_MIDDLE,
    WG_CRASH_TORN_LAST,
    WG_CRASH_SIZE_WITHOUT_DATA,
    WG_CRASH_DATA_WITHOUT_SIZE,
    WG_CRASH_NAMES_WITHOUT_DATA,
    WG_CRASH_DATA_WITHOUT_NAMES,
    WG_CRASH_GARBAGE,
    WG_CRASH_RANDOM_1,
    WG_CRASH_RANDOM_2,
    WG_CRASH_RANDOM_3,
    WG_CRASH_RANDOM_4,
    WG_CRASH_PATTERN_COUNT
} wg_crash_pattern;

wg_code wg_platform_sim_create(uint64_t seed, wg_platform **out, wg_error *err);
void wg_platform_sim_destroy(wg_platform *platform);
/* From call n on (1 = the next) every call fails with EIO, as if power had gone; 0: off. */
void wg_platform_sim_crash_at(wg_platform *platform, uint64_t n);
bool wg_platform_sim_crashed(const wg_platform *platform);
uint64_t wg_platform_sim_calls(const wg_platform *platform);
/* Sync call number n from now (1 = the next) fails with EIO and drops what it should have written: a seeded part of it is
 * on the disk, reads still see all of it, and later syncs succeed without it (M6, what Linux does); 0: off. */
void wg_platform_sim_fail_sync_at(wg_platform *platform, uint64_t n);
/* Makes a new sim whose disk is what may be left after a crash now, under `pattern`. The old one stays as it is. */
wg_code wg_platform_sim_reboot(const wg_platform *platform, wg_crash_pattern pattern, uint64_t seed,
                               wg_platform **out, wg_error *err);
/* SHA-256-able dump: appends every durable file, sorted by path. */
bool wg_platform_sim_dump(const wg_platform *platform, wg_buf *out);

#endif
