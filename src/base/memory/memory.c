/* Accounts, blocks with a size header, arenas, growable buffers. See memory.h.
 *
 * Every block carries a 64-byte header that keeps its account and size, so that wg_free needs no argument and the user
 * part stays 64-byte aligned. Blocks of PAGES_FROM bytes and more, of accounts that are not tight, are taken from whoever was set by wg_memory_set_pages: the first touch of
 * small pages costs more than what queries do with large arrays. */
#include "base/memory/memory.h"
#include "base/memory/test_memory.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct block_header {
    wg_account *account;
    size_t bytes;
    bool is_mapped; /* of wg_memory_pages, and not from malloc */
    bool is_lent;   /* of the account's source */
    uint8_t pad[46];
} block_header;
_Static_assert(sizeof(block_header) == 64, "the user part stays 64-byte aligned");

enum { PAGES_FROM = 4 << 20, PAGES_LIMIT_MIN = 512 << 20 };

static _Atomic(const wg_memory_pages *) pages;
static _Atomic uint64_t alloc_calls;
static _Atomic uint64_t fail_at;
static _Atomic bool fail_persistent;
static _Atomic bool exactly;

void wg_memory_fail_at(uint64_t n, bool persistent) {
    atomic_store(&fail_persistent, persistent);
    atomic_store(&fail_at, n == 0 ? 0 : atomic_load(&alloc_calls) + n);
}

void wg_memory_take_exactly(bool on) { atomic_store(&exactly, on); }

uint64_t wg_memory_calls(void) { return atomic_load_explicit(&alloc_calls, memory_order_relaxed); }

static bool call_refused(void) {
    const uint64_t call = atomic_fetch_add_explicit(&alloc_calls, 1, memory_order_relaxed) + 1;
    const uint64_t at = atomic_load_explicit(&fail_at, memory_order_relaxed);
    if (at == 0 || call < at) return false;
    return call == at || atomic_load_explicit(&fail_persistent, memory_order_relaxed);
}

void wg_account_init(wg_account *account, wg_account *parent, uint64_t bytes_max) {
    account->parent = parent;
    account->source = NULL;
    account->bytes_max = bytes_max;
    atomic_init(&account->bytes, 0);
    atomic_init(&account->bytes_peak, 0);
    atomic_init(&account->refused, false);
}

static void account_note_peak(wg_account *account, uint64_t now) {
    uint64_t peak = atomic_load_explicit(&account->bytes_peak, memory_order_relaxed);
    while (now > peak && !atomic_compare_exchange_weak_explicit(&account->bytes_peak, &peak, now,
                                                                memory_order_relaxed, memory_order_relaxed)) {}
}

bool wg_account_charge(wg_account *account, uint64_t bytes) {
    for (wg_account *a = account; a != NULL; a = a->parent) {
        const uint64_t now = atomic_fetch_add_explicit(&a->bytes, bytes, memory_order_relaxed) + bytes;
        if (a->bytes_max != 0 && now > a->bytes_max) {
            atomic_store_explicit(&a->refused, true, memory_order_relaxed);
            for (wg_account *b = account;; b = b->parent) {
                atomic_fetch_sub_explicit(&b->bytes, bytes, memory_order_relaxed);
                if (b == a) break;
            }
            return false;
        }
    }
    /* Peaks are noted only now, so that a charge which a parent refused leaves none behind. */
    for (wg_account *a = account; a != NULL; a = a->parent)
        account_note_peak(a, atomic_load_explicit(&a->bytes, memory_order_relaxed));
    return true;
}

void wg_account_release(wg_account *account, uint64_t bytes) {
    for (wg_account *a = account; a != NULL; a = a->parent)
        atomic_fetch_sub_explicit(&a->bytes, bytes, memory_order_relaxed);
}

uint64_t wg_account_bytes(const wg_account *account) {
    return atomic_load_explicit(&account->bytes, memory_order_relaxed);
}

uint64_t wg_account_peak(const wg_account *account) {
    return atomic_load_explicit(&account->bytes_peak, memory_order_relaxed);
}

bool wg_account_refused(const wg_account *account) {
    return atomic_load_explicit(&account->refused, memory_order_relaxed);
}

void wg_memory_set_pages(const wg_memory_pages *source) {
    atomic_store_explicit(&pages, source, memory_order_release);
}

/* Where memory is short only what is touched may be taken: a block of huge pages is resident to its end. */
static const wg_memory_pages *pages_for(const wg_account *account, size_t bytes) {
    if (bytes < PAGES_FROM) return NULL;
    for (const wg_account *a = account; a != NULL; a = a->parent)
        if (a->bytes_max != 0 && a->bytes_max < PAGES_LIMIT_MIN) return NULL;
    return atomic_load_explicit(&pages, memory_order_acquire);
}

void *wg_alloc(wg_account *account, size_t bytes) {
    size_t total;
    if (!wg_add_size(bytes, sizeof(block_header) + 63, &total)) return NULL;
    total &= ~(size_t)63; /* header plus content, rounded up to whole cache lines */
    const wg_memory_pages *source = pages_for(account, total);
    if (source != NULL && !wg_add_size(total, source->unit - 1, &total)) return NULL;
    if (source != NULL) total -= total % source->unit;
    if (call_refused()) return NULL;
    if (account != NULL && account->source != NULL && account->source->wants(account->source, total)) {
        block_header *lent = account->source->take(account->source, total);
        if (lent != NULL) {
            *lent = (block_header){.account = account, .bytes = total, .is_lent = true};
            return lent + 1;
        }
        if (account->source->wants(account->source, total)) return NULL;
    }
    if (!wg_account_charge(account, total)) return NULL;
    block_header *h = source != NULL ? source->take(total) : aligned_alloc(64, total);
    if (h == NULL) {
        wg_account_release(account, total);
        return NULL;
    }
    h->account = account;
    h->bytes = total;
    h->is_mapped = source != NULL;
    h->is_lent = false;
    return h + 1;
}

void *wg_alloc_zero(wg_account *account, size_t bytes) {
    void *p = wg_alloc(account, bytes);
    if (p == NULL) return NULL;
    const block_header *h = (const block_header *)p - 1;
    if (!h->is_mapped && !h->is_lent) memset(p, 0, bytes);
    return p;
}

void *wg_realloc(wg_account *account, void *p, size_t bytes) {
    if (p == NULL) return wg_alloc(account, bytes);
    const block_header *h = (const block_header *)p - 1;
    const size_t usable = h->bytes - sizeof(block_header);
    if (bytes <= usable && bytes >= usable / 2) return p;
    void *q = wg_alloc(account, bytes);
    if (q == NULL) return NULL;
    memcpy(q, p, wg_min_size(usable, bytes));
    wg_free(p);
    return q;
}

void wg_free(void *p) {
    if (p == NULL) return;
    block_header *h = (block_header *)p - 1;
    const size_t bytes = h->bytes;
    if (h->is_lent) return;
    wg_account_release(h->account, bytes);
    if (h->is_mapped) atomic_load_explicit(&pages, memory_order_acquire)->give(h, bytes);
    else free(h);
}

/* ---- arena */

struct wg_arena_block {
    wg_arena_block *next;
    size_t bytes;
};

enum { ARENA_FIRST_BYTES = 4096, ARENA_BLOCK_BYTES_MAX = 1 << 20, ARENA_ALIGN = 16 };

void wg_arena_init(wg_arena *arena, wg_account *account) {
    memset(arena, 0, sizeof *arena);
    arena->account = account;
    arena->block_bytes = ARENA_FIRST_BYTES;
}

void wg_arena_deinit(wg_arena *arena) {
    wg_arena_block *b = arena->blocks;
    while (b != NULL) {
        wg_arena_block *next = b->next;
        wg_free(b);
        b = next;
    }
    wg_account *account = arena->account;
    wg_arena_init(arena, account);
}

void wg_arena_reset(wg_arena *arena) {
    wg_arena_block *keep = arena->blocks;
    if (keep == NULL) return;
    wg_arena_block *b = keep->next;
    while (b != NULL) {
        wg_arena_block *next = b->next;
        wg_free(b);
        b = next;
    }
    keep->next = NULL;
    arena->cursor = (uint8_t *)keep + wg_align_up(sizeof(wg_arena_block), ARENA_ALIGN);
    arena->end = (uint8_t *)keep + keep->bytes;
}

static bool arena_grow(wg_arena *arena, size_t bytes) {
    size_t need;
    const size_t head = wg_align_up(sizeof(wg_arena_block), ARENA_ALIGN);
    if (!wg_add_size(bytes, head, &need)) return false;
    const bool is_exact = atomic_load_explicit(&exactly, memory_order_relaxed);
    const size_t block_bytes = is_exact ? need : wg_max_size(need, arena->block_bytes);
    wg_arena_block *b = wg_alloc(arena->account, block_bytes);
    if (b == NULL) return false;
    b->next = arena->blocks;
    b->bytes = block_bytes;
    arena->blocks = b;
    arena->cursor = (uint8_t *)b + head;
    arena->end = (uint8_t *)b + block_bytes;
    arena->block_bytes = wg_min_size(arena->block_bytes * 2, ARENA_BLOCK_BYTES_MAX);
    return true;
}

void *wg_arena_alloc(wg_arena *arena, size_t bytes) {
    size_t padded;
    if (bytes == 0) bytes = 1; /* NULL means refused, also in an arena that has no block yet */
    if (!wg_add_size(bytes, ARENA_ALIGN - 1, &padded)) return NULL;
    padded &= ~(size_t)(ARENA_ALIGN - 1);
    /* NULL means refused, so nothing at all still needs a place to point at. */
    if (arena->cursor == NULL && padded == 0) padded = ARENA_ALIGN;
    if ((size_t)(arena->end - arena->cursor) < padded && !arena_grow(arena, padded)) return NULL;
    void *p = arena->cursor;
    arena->cursor += padded;
    return p;
}

void *wg_arena_alloc_zero(wg_arena *arena, size_t bytes) {
    void *p = wg_arena_alloc(arena, bytes);
    if (p != NULL) memset(p, 0, bytes);
    return p;
}

void *wg_arena_copy(wg_arena *arena, const void *data, size_t bytes) {
    void *p = wg_arena_alloc(arena, bytes);
    if (p != NULL && bytes != 0) memcpy(p, data, bytes);
    return p;
}

char *wg_arena_strdup(wg_arena *arena, wg_slice s) {
    size_t need;
    if (!wg_add_size(s.size, 1, &need)) return NULL;
    char *p = wg_arena_alloc(arena, need);
    if (p == NULL) return NULL;
    if (s.size != 0) memcpy(p, s.data, s.size);
    p[s.size] = '\0';
    return p;
}

/* ---- growable buffer */

void wg_buf_init(wg_buf *buf, wg_account *account) {
    memset(buf, 0, sizeof *buf);
    buf->account = account;
}

void wg_buf_deinit(wg_buf *buf) {
    wg_free(buf->data);
    wg_account *account = buf->account;
    wg_buf_init(buf, account);
}

bool wg_buf_reserve(wg_buf *buf, size_t more) {
    size_t need;
    if (!wg_add_size(buf->size, more, &need)) return false;
    if (need <= buf->capacity) return true;
    const bool is_exact = atomic_load_explicit(&exactly, memory_order_relaxed);
    const size_t doubled = buf->capacity <= SIZE_MAX / 2 && !is_exact ? buf->capacity * 2 : 0;
    const size_t capacity = wg_max_size(wg_max_size(need, is_exact ? 0 : 64), doubled);
    uint8_t *data = wg_realloc(buf->account, buf->data, capacity);
    if (data == NULL) return false;
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

bool wg_buf_append(wg_buf *buf, const void *data, size_t size) {
    if (!wg_buf_reserve(buf, size)) return false;
    if (size != 0) memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    return true;
}

bool wg_buf_append_u8(wg_buf *buf, uint8_t v) { return wg_buf_append(buf, &v, 1); }
bool wg_buf_append_u32(wg_buf *buf, uint32_t v) { return wg_buf_append(buf, &v, 4); }
bool wg_buf_append_u64(wg_buf *buf, uint64_t v) { return wg_buf_append(buf, &v, 8); }
bool wg_buf_append_str(wg_buf *buf, const char *s) { return wg_buf_append(buf, s, strlen(s)); }

bool wg_buf_append_varint(wg_buf *buf, uint64_t v) {
    uint8_t bytes[10];
    size_t n = 0;
    while (v >= 0x80) {
        bytes[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    bytes[n++] = (uint8_t)v;
    return wg_buf_append(buf, bytes, n);
}

bool wg_buf_printf(wg_buf *buf, const char *format, ...) {
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    bool ok = n >= 0 && wg_buf_reserve(buf, (size_t)n + 1);
    if (ok) {
        vsnprintf((char *)buf->data + buf->size, (size_t)n + 1, format, again);
        buf->size += (size_t)n;
    }
    va_end(again);
    return ok;
}

bool wg_varint_take(wg_slice *from, uint64_t *out) {
    uint64_t v = 0;
    for (size_t i = 0; i < from->size && i < 10; i++) {
        const uint8_t b = from->data[i];
        if (i == 9 && b > 1) return false; /* would pass 64 bits */
        v |= (uint64_t)(b & 0x7f) << (7 * i);
        if ((b & 0x80) == 0) {
            *out = v;
            from->data += i + 1;
            from->size -= i + 1;
            return true;
        }
    }
    return false;
}
