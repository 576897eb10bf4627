/* base/memory: accounts, arenas, growable buffers. The only place that calls the C allocator. */
#ifndef WG_BASE_MEMORY_H
#define WG_BASE_MEMORY_H

#include <stdatomic.h>

#include "base/core/core.h"

/* Where an account's blocks come from when it `wants` them from there: zeroed, aligned to 64, charged to nobody, and not given back one by one. A NULL
 * from `take` is a refusal, unless it does not want the block any more. Threads: as the account's owner says. */
typedef struct wg_block_source {
    bool (*wants)(const struct wg_block_source *source, size_t bytes);
    void *(*take)(const struct wg_block_source *source, size_t bytes);
    void *ctx;
} wg_block_source;

/* An account counts bytes against a hard limit and charges its parent too. Threads: any (atomic counters).
 * A NULL account means the process-wide account, which has no limit. */
typedef struct wg_account {
    struct wg_account *parent;
    const wg_block_source *source; /* NULL: all blocks are charged */
    uint64_t bytes_max;            /* 0: no limit of its own */
    _Atomic uint64_t bytes;
    _Atomic uint64_t bytes_peak;
    _Atomic bool
        refused; /* a charge went over bytes_max: tells a limit that was reached from a machine without memory */
} wg_account;

void wg_account_init(wg_account *account, wg_account *parent, uint64_t bytes_max);
bool wg_account_charge(wg_account *account, uint64_t bytes);
void wg_account_release(wg_account *account, uint64_t bytes);
uint64_t wg_account_bytes(const wg_account *account);
uint64_t wg_account_peak(const wg_account *account);
bool wg_account_refused(const wg_account *account);

/* Fails allocation number `n` counted from now (1 = the next), once or from then on; 0 switches off. For tests: this is
 * the one hook, so that every allocation of the library can be made to fail. Threads: any. */
void wg_memory_fail_at(uint64_t n, bool persistent);
/* Calls to the C allocator since process start (malloc, aligned_alloc, realloc). */
uint64_t wg_memory_calls(void);

/* 64-byte aligned, charged; NULL when refused. Freed with wg_free, which needs no size. */
void *wg_alloc(wg_account *account, size_t bytes);
void *wg_alloc_zero(wg_account *account, size_t bytes);
/* Where large blocks come from, and go to: multiples of `unit` bytes, aligned to 64, zeroed. Set once, by the platform; without it they come from
 * malloc. Threads: any. */
typedef struct wg_memory_pages {
    size_t unit;
    void *(*take)(size_t bytes);
    void (*give)(void *data, size_t bytes);
} wg_memory_pages;
void wg_memory_set_pages(const wg_memory_pages *source);
/* Grows or shrinks, keeps the content; NULL when refused (the old block stays). `p` may be NULL. */
void *wg_realloc(wg_account *account, void *p, size_t bytes);
void wg_free(void *p);

/* Arena: bump allocation, freed whole. Not thread-safe. Alignment 16. */
typedef struct wg_arena_block wg_arena_block;
typedef struct wg_arena {
    wg_account *account;
    wg_arena_block *blocks;
    uint8_t *cursor;
    uint8_t *end;
    size_t block_bytes;
} wg_arena;

void wg_arena_init(wg_arena *arena, wg_account *account);
void wg_arena_deinit(wg_arena *arena);
/* Frees everything but keeps one block for reuse. */
void wg_arena_reset(wg_arena *arena);
void *wg_arena_alloc(wg_arena *arena, size_t bytes);      /* NULL when refused; uninitialised */
void *wg_arena_alloc_zero(wg_arena *arena, size_t bytes); /* NULL when refused */
void *wg_arena_copy(wg_arena *arena, const void *data, size_t bytes);
/* NUL-terminated copy. */
char *wg_arena_strdup(wg_arena *arena, wg_slice s);

/* Growable bytes. Zero-initialised struct + account is valid. */
typedef struct wg_buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
    wg_account *account;
} wg_buf;

void wg_buf_init(wg_buf *buf, wg_account *account);
void wg_buf_deinit(wg_buf *buf);
bool wg_buf_reserve(wg_buf *buf, size_t more);
bool wg_buf_append(wg_buf *buf, const void *data, size_t size);
bool wg_buf_append_u8(wg_buf *buf, uint8_t v);
bool wg_buf_append_u32(wg_buf *buf, uint32_t v);
bool wg_buf_append_u64(wg_buf *buf, uint64_t v);
bool wg_buf_append_varint(wg_buf *buf, uint64_t v); /* LEB128 */
bool wg_buf_append_str(wg_buf *buf, const char *s);
bool wg_buf_printf(wg_buf *buf, const char *format, ...) WG_PRINTF(2, 3);
static inline wg_slice wg_buf_slice(const wg_buf *buf) { return wg_slice_of(buf->data, buf->size); }

/* Reads a LEB128 of at most 10 bytes off the front; false and unchanged when cut short or too long. */
bool wg_varint_take(wg_slice *from, uint64_t *out);

#endif
