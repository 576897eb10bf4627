/* Atomic replacement of the manifest: write aside, sync, rename, sync the directory; twice, CURRENT last.
 *
 *   manifest/<epoch>.json.tmp   written, synced, renamed to manifest/<epoch>.json, manifest/ synced
 *   CURRENT.tmp                 written, synced, renamed to CURRENT, the workspace directory synced
 *
 * The rename of CURRENT is the commit. A crash before it is on the disk leaves the old epoch, because no step touches the
 * file that CURRENT names; a manifest that no CURRENT names is replaced by the next commit of its epoch.
 *
 * Both files end in a 16-byte trailer: "\ncrc32 ", eight hex digits, "\n". The checksum covers a prefix that names the
 * kind of file and its epoch, then the content, so that one file in the place of another does not pass.
 *
 * Expiry removes manifests whose epoch is not among the newest that counted, and orphans: those above the epoch of CURRENT,
 * which a crash left behind before it changed. First the workspace directory is synced: a CURRENT whose rename is not on the disk
 * may go back to the epoch before, whose manifest must then still be there.
 *
 * Failure: temporary files are removed again as far as possible. When the last directory sync fails the new epoch may or
 * may not be what a crash leaves; either is whole. */
#include "io/manifest_txn/manifest_txn.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest/digest.h"

enum {
    TRAILER_BYTES = 16,
    EPOCH_DIGITS = 20,
    CURRENT_BYTES = EPOCH_DIGITS + TRAILER_BYTES,
    PATH_BYTES = 4096 + 48,
    TEMPORARIES_MAX = 1000 /* a crash leaves at most two; more are removed by the next call */
};
static const char trailer_head[] = "\ncrc32 ";
_Static_assert(sizeof trailer_head - 1 + 8 + 1 == TRAILER_BYTES, "the trailer has a fixed size");

typedef struct manifest_paths {
    char final[PATH_BYTES];
    char temporary[PATH_BYTES];
} manifest_paths;

static wg_code paths_of(manifest_paths *paths, const char *dir, const char *name, wg_error *err) {
    snprintf(paths->final, PATH_BYTES, "%s/%s", dir, name);
    const int m = snprintf(paths->temporary, PATH_BYTES, "%s/%s.tmp", dir, name);
    if (m >= PATH_BYTES) /* the longer of the two */
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the path of the workspace is over 4096 bytes");
    return WG_OK;
}

static void manifest_name(uint64_t epoch, char out[48]) {
    snprintf(out, 48, "manifest/%020llu.json", (unsigned long long)epoch);
}

/* `kind` is "manifest" or "current". */
static uint32_t content_crc(const char *kind, uint64_t epoch, wg_slice content) {
    char prefix[64];
    const int n = snprintf(prefix, sizeof prefix, "worldgraph %s %020llu\n", kind, (unsigned long long)epoch);
    WG_ASSERT(n > 0 && (size_t)n < sizeof prefix);
    return wg_crc32(wg_crc32(0, prefix, (size_t)n), content.data, content.size);
}

static void trailer_make(uint32_t crc, char out[TRAILER_BYTES + 1]) {
    snprintf(out, TRAILER_BYTES + 1, "%s%08x\n", trailer_head, crc);
}

/* ---- writing */

static wg_code write_synced(wg_platform *p, const manifest_paths *paths, wg_slice content, uint32_t crc,
                            wg_error *err) {
    const char *path = paths->temporary;
    char trailer[TRAILER_BYTES + 1];
    wg_file *file = NULL;
    wg_error first = {0};
    wg_code code = p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, &first);
    if (code == WG_E_EXISTS) { /* left by a crash or a failed commit */
        WG_TRY(p->ops->unlink(p, path, err));
        code = p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, err);
    } else if (code != WG_OK) {
        return wg_error_set_sys(err, code, first.sys_errno, "cannot create '%s'", path);
    }
    WG_TRY(code);
    trailer_make(crc, trailer);
    if (content.size != 0) code = p->ops->write_at(p, file, 0, content.data, content.size, err);
    if (code == WG_OK) code = p->ops->write_at(p, file, content.size, trailer, TRAILER_BYTES, err);
    if (code == WG_OK && WG_CANARY_IS(2)) code = p->ops->rename(p, path, paths->final, err);
    if (code == WG_OK) code = p->ops->sync(p, file, err);
    p->ops->close(p, file);
    return code;
}

/* One of the two halves: afterwards `paths->final` has the content, and its name is durable. */
static wg_code replace(wg_platform *p, const manifest_paths *paths, const char *directory, wg_slice content,
                       uint32_t crc, wg_error *err) {
    wg_code code = write_synced(p, paths, content, crc, err);
    if (code == WG_OK && !WG_CANARY_IS(2)) code = p->ops->rename(p, paths->temporary, paths->final, err);
    if (code != WG_OK) {
        p->ops->unlink(p, paths->temporary, NULL);
        return code;
    }
    return WG_CANARY_IS(1) ? WG_OK : p->ops->sync_directory(p, directory, err);
}

/* ---- reading */

/* Reads `path` whole, at most `bytes_max` and the trailer, and checks the trailer's form; *content is appended to. */
static wg_code read_checked(wg_platform *p, const char *path, uint64_t bytes_max, wg_buf *content, uint32_t *out_crc,
                            wg_error *err) {
    wg_file *file = NULL;
    wg_file_info info = {0};
    size_t got = 0;
    WG_TRY(p->ops->open(p, path, WG_OPEN_READ, &file, err));
    wg_code code = p->ops->file_info(p, file, &info, err);
    if (code == WG_OK && (info.size < TRAILER_BYTES || info.size > bytes_max + TRAILER_BYTES))
        code = wg_error_set(err, WG_E_CORRUPT, 0, "'%.150s' has %llu bytes: cut short or not written by worldgraph",
                            path, (unsigned long long)info.size);
    if (code == WG_OK && !wg_buf_reserve(content, (size_t)info.size)) code = wg_error_nomem(err, (size_t)info.size);
    if (code == WG_OK)
        code = p->ops->read_at(p, file, 0, content->data + content->size, (size_t)info.size, &got, err);
    p->ops->close(p, file);
    WG_TRY(code);
    if (got != info.size)
        return wg_error_set(err, WG_E_CORRUPT, got, "'%.150s' became shorter while it was read", path);
    const size_t size = got - TRAILER_BYTES;
    const uint8_t *trailer = content->data + content->size + size;
    char expected[TRAILER_BYTES + 1];
    uint32_t crc = 0;
    for (size_t i = 0; i < 8; i++) {
        const uint8_t c = trailer[sizeof trailer_head - 1 + i];
        const uint32_t digit = c >= 'a' ? (uint32_t)c - 'a' + 10 : (uint32_t)c - '0';
        crc = crc << 4 | (digit & 15);
    }
    trailer_make(crc, expected); /* the one spelling of this number: anything else differs from it */
    if (memcmp(expected, trailer, TRAILER_BYTES) != 0)
        return wg_error_set(err, WG_E_CORRUPT, size, "'%.150s' does not end in its checksum line", path);
    content->size += size;
    *out_crc = crc;
    return WG_OK;
}

static bool epoch_parse(const uint8_t *digits, uint64_t *out) {
    uint64_t epoch = 0;
    for (size_t i = 0; i < EPOCH_DIGITS; i++) {
        if (digits[i] < '0' || digits[i] > '9') return false;
        if (__builtin_mul_overflow(epoch, UINT64_C(10), &epoch)) return false;
        if (__builtin_add_overflow(epoch, (uint64_t)(digits[i] - '0'), &epoch)) return false;
    }
    *out = epoch;
    return true;
}

static wg_code read_current(wg_platform *p, const char *dir, uint64_t *out_epoch, wg_error *err) {
    manifest_paths paths;
    uint32_t crc = 0;
    uint64_t epoch = 0;
    wg_buf text;
    wg_buf_init(&text, NULL);
    WG_TRY(paths_of(&paths, dir, "CURRENT", err));
    wg_code code = read_checked(p, paths.final, EPOCH_DIGITS, &text, &crc, err);
    if (code == WG_OK && (text.size != EPOCH_DIGITS || !epoch_parse(text.data, &epoch) ||
                          content_crc("current", epoch, wg_buf_slice(&text)) != crc))
        code = wg_error_set(err, WG_E_CORRUPT, 0, "'%.150s' is damaged: its checksum does not fit", paths.final);
    wg_buf_deinit(&text);
    if (code == WG_OK) *out_epoch = epoch;
    return code;
}

/* ---- entry points */

wg_code wg_manifest_commit(wg_platform *platform, const char *dir, uint64_t epoch, wg_slice payload, wg_error *err) {
    if (payload.size > WG_MANIFEST_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a manifest of %zu bytes is over the limit of %d",
                            payload.size, WG_MANIFEST_BYTES_MAX);
    uint64_t before = 0;
    wg_error seen = {0};
    const wg_code had = read_current(platform, dir, &before, &seen);
    if (had != WG_OK && had != WG_E_NOT_FOUND) {
        if (err != NULL && err->code == WG_OK) *err = seen;
        return had;
    }
    if (had == WG_OK && epoch <= before)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "manifest epoch %llu does not follow %llu",
                            (unsigned long long)epoch, (unsigned long long)before);
    char name[48];
    char digits[EPOCH_DIGITS + 1];
    manifest_paths paths;
    manifest_name(epoch, name);
    WG_TRY(paths_of(&paths, dir, name, err));
    char directory[PATH_BYTES];
    snprintf(directory, sizeof directory, "%s/manifest", dir);
    WG_TRY(replace(platform, &paths, directory, payload, content_crc("manifest", epoch, payload), err));
    snprintf(digits, sizeof digits, "%020llu", (unsigned long long)epoch);
    WG_TRY(paths_of(&paths, dir, "CURRENT", err));
    const wg_slice text = wg_slice_str(digits);
    return replace(platform, &paths, dir, text, content_crc("current", epoch, text), err);
}

/* One attempt; `missing` says that CURRENT's manifest was not there. `err` is empty, and not NULL. */
static wg_code read_once(wg_platform *platform, const char *dir, uint64_t *epoch, wg_buf *payload, bool *missing,
                         wg_error *err) {
    uint32_t crc = 0;
    char name[48];
    manifest_paths paths;
    const size_t before = payload->size;
    *missing = false;
    WG_TRY(read_current(platform, dir, epoch, err));
    manifest_name(*epoch, name);
    WG_TRY(paths_of(&paths, dir, name, err));
    const wg_code code = read_checked(platform, paths.final, WG_MANIFEST_BYTES_MAX, payload, &crc, err);
    if (code == WG_E_NOT_FOUND) {
        *missing = true;
        wg_error_clear(err);
        return wg_error_set(err, WG_E_CORRUPT, 0, "CURRENT names epoch %llu, but '%.130s' is missing",
                            (unsigned long long)*epoch, paths.final);
    }
    WG_TRY(code);
    const wg_slice content = wg_slice_of(payload->data + before, payload->size - before);
    if (content_crc("manifest", *epoch, content) == crc) return WG_OK;
    payload->size = before;
    return wg_error_set(err, WG_E_CORRUPT, 0, "'%.150s' is damaged: its checksum does not fit", paths.final);
}

wg_code wg_manifest_read(wg_platform *platform, const char *dir, uint64_t *out_epoch, wg_buf *payload,
                         wg_error *err) {
    uint64_t epoch = 0;
    uint64_t tried = 0;
    bool missing = false;
    wg_error seen = {0};
    wg_code code = read_once(platform, dir, &epoch, payload, &missing, &seen);
    /* The writer may have committed and expired between the two reads; then CURRENT names another epoch by now. */
    while (missing && epoch != tried) {
        tried = epoch;
        wg_error_clear(&seen);
        code = read_once(platform, dir, &epoch, payload, &missing, &seen);
    }
    if (code == WG_OK) *out_epoch = epoch;
    else if (err != NULL && err->code == WG_OK) *err = seen;
    return code;
}

wg_code wg_manifest_content(const char *path, wg_slice file, wg_slice *out, wg_error *err) {
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    uint64_t epoch = 0;
    char trailer[TRAILER_BYTES + 1];
    const bool is_current = strcmp(name, "CURRENT") == 0;
    const size_t size = file.size >= TRAILER_BYTES ? file.size - TRAILER_BYTES : 0;
    const bool named =
        is_current ? size == EPOCH_DIGITS && epoch_parse(file.data, &epoch)
                   : strlen(name) == EPOCH_DIGITS + strlen(".json") && epoch_parse((const uint8_t *)name, &epoch);
    if (size == 0 || !named)
        return wg_error_set(err, WG_E_CORRUPT, 0,
                            "'%.150s' is no file of a workspace: neither stripe, log segment, manifest nor CURRENT",
                            path);
    const wg_slice content = wg_slice_of(file.data, size);
    trailer_make(content_crc(is_current ? "current" : "manifest", epoch, content), trailer);
    if (memcmp(trailer, file.data + size, TRAILER_BYTES) != 0)
        return wg_error_set(err, WG_E_CORRUPT, 0, "'%.150s' is damaged: its checksum does not fit", path);
    *out = content;
    return WG_OK;
}

/* ---- cleaning */

typedef struct clean_list {
    wg_buf names; /* NUL-terminated, one after the other */
    bool refused;
    size_t count;
} clean_list;

static bool is_temporary(const char *name) {
    if (strcmp(name, "CURRENT.tmp") == 0) return true;
    if (strlen(name) != EPOCH_DIGITS + strlen(".json.tmp")) return false;
    for (size_t i = 0; i < EPOCH_DIGITS; i++)
        if (name[i] < '0' || name[i] > '9') return false;
    return strcmp(name + EPOCH_DIGITS, ".json.tmp") == 0;
}

static bool clean_entry(void *ctx, const char *name, bool is_directory) {
    clean_list *list = ctx;
    if (is_directory || !is_temporary(name)) return true;
    list->refused = !wg_buf_append(&list->names, name, strlen(name) + 1);
    return !list->refused && ++list->count < TEMPORARIES_MAX;
}

/* Names are gathered first: removing entries of a directory that is being listed may skip others. */
static wg_code clean_directory(wg_platform *p, const char *directory, wg_error *err) {
    clean_list list = {.refused = false};
    wg_buf_init(&list.names, NULL);
    wg_code code = p->ops->list(p, directory, clean_entry, &list, err);
    if (code == WG_OK && list.refused) code = wg_error_nomem(err, list.names.size);
    for (size_t at = 0; code == WG_OK && at < list.names.size;) {
        const char *name = (const char *)list.names.data + at;
        char path[PATH_BYTES];
        const int n = snprintf(path, sizeof path, "%s/%s", directory, name);
        if (n >= PATH_BYTES)
            code = wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the path of the workspace is over 4096 bytes");
        else code = p->ops->unlink(p, path, err);
        at += strlen(name) + 1;
    }
    if (code == WG_OK && list.names.size != 0) code = p->ops->sync_directory(p, directory, err);
    wg_buf_deinit(&list.names);
    return code;
}

wg_code wg_manifest_clean(wg_platform *platform, const char *dir, wg_error *err) {
    char directory[PATH_BYTES];
    const int n = snprintf(directory, sizeof directory, "%s/manifest", dir);
    if (n >= PATH_BYTES)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the path of the workspace is over 4096 bytes");
    WG_TRY(clean_directory(platform, directory, err));
    return clean_directory(platform, dir, err);
}

/* ---- expiry */

typedef struct epoch_list {
    wg_buf epochs; /* u64 each */
    bool refused;
} epoch_list;

static bool expire_entry(void *ctx, const char *name, bool is_directory) {
    epoch_list *list = ctx;
    uint64_t epoch = 0;
    if (is_directory || strlen(name) != EPOCH_DIGITS + strlen(".json")) return true;
    if (strcmp(name + EPOCH_DIGITS, ".json") != 0 || !epoch_parse((const uint8_t *)name, &epoch)) return true;
    list->refused = !wg_buf_append_u64(&list->epochs, epoch);
    return !list->refused;
}

static int compare_epochs(const void *a, const void *b) {
    const uint64_t x = wg_load_u64le(a);
    const uint64_t y = wg_load_u64le(b);
    return (x > y) - (x < y);
}

/* Removes what is neither `current` nor one of the `keep` - 1 epochs before it. `epochs` rise. */
static wg_code expire_list(wg_platform *p, const char *dir, wg_slice epochs, uint64_t current, uint32_t keep,
                           uint64_t *removed, wg_error *err) {
    const size_t count = epochs.size / 8;
    size_t end = 0; /* behind the current one */
    while (end < count && wg_load_u64le(epochs.data + 8 * end) <= current) end++;
    const size_t first_kept = end > keep ? end - keep : 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t epoch = wg_load_u64le(epochs.data + 8 * i);
        if (i >= first_kept && i < end) continue;
        WG_ASSERT(epoch != current); /* it is the last of those below `end`, and one is kept at least */
        char name[48];
        manifest_paths paths;
        manifest_name(epoch, name);
        WG_TRY(paths_of(&paths, dir, name, err));
        WG_TRY(p->ops->unlink(p, paths.final, err));
        (*removed)++;
    }
    return WG_OK;
}

wg_code wg_manifest_expire(wg_platform *platform, const char *dir, uint32_t keep, uint64_t *out_removed,
                           wg_error *err) {
    uint64_t current = 0;
    uint64_t removed = 0;
    char directory[PATH_BYTES];
    WG_ASSERT(keep > 0);
    WG_TRY(read_current(platform, dir, &current, err)); /* refuses a path that is too long */
    snprintf(directory, sizeof directory, "%s/manifest", dir);
    WG_TRY(platform->ops->sync_directory(platform, dir, err));
    epoch_list list = {.refused = false};
    wg_buf_init(&list.epochs, NULL);
    wg_code code = platform->ops->list(platform, directory, expire_entry, &list, err);
    if (code == WG_OK && list.refused) code = wg_error_nomem(err, list.epochs.size);
    if (code == WG_OK) {
        if (list.epochs.size != 0) qsort(list.epochs.data, list.epochs.size / 8, 8, compare_epochs);
        code = expire_list(platform, dir, wg_buf_slice(&list.epochs), current, keep, &removed, err);
    }
    wg_buf_deinit(&list.epochs);
    if (code == WG_OK && removed > 0) code = platform->ops->sync_directory(platform, directory, err);
    if (code == WG_OK) *out_removed = removed;
    return code;
}
