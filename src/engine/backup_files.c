/* Files of a workspace, seen from outside: which there are, copies of them, and what may go. Used by backup and restore.
 *
 * A file gets its name only when all of it is on stable storage: it is written as NAME.part, synced, renamed, and the directory is
 * synced. A stripe never changes, so one that is there with the same header, footer and size is not copied again; what is new is
 * checked to its last byte before anything names it. A segment of the log that is there is compared byte by byte, because its end grows. */
#include <stdio.h>

#include "engine/backup.h"

static const char segment_suffix[] = ".wal";

/* ---- paths and sets */

/* Directories come from absolute(), which gives at most 4,095 bytes; what is joined to them is short. */
void wgi_path_of(const char *directory, const char *name, char out[WGI_BACKUP_PATH_BYTES]) {
    const bool slash = directory[strlen(directory) - 1] == '/'; /* the root */
    const int n = snprintf(out, WGI_BACKUP_PATH_BYTES, "%s%s%s", directory, slash ? "" : "/", name);
    WG_ASSERT(n > 0 && n < WGI_BACKUP_PATH_BYTES - 16);
}

wg_code wgi_file_set_init(wgi_file_set *set, wg_platform *platform, const char *path, wg_error *err) {
    memset(set, 0, sizeof *set);
    wg_buf_init(&set->text, NULL);
    wg_buf_init(&set->segments, NULL);
    wg_buf_init(&set->manifest.stripes, NULL);
    WG_TRY(platform->ops->absolute(platform, path, set->root, 4096, err));
    wgi_path_of(set->root, "wal", set->wal);
    wgi_path_of(set->root, "stripes", set->stripes);
    wgi_path_of(set->root, "manifest", set->manifests);
    return WG_OK;
}

void wgi_file_set_deinit(wgi_file_set *set) {
    wg_buf_deinit(&set->text);
    wg_buf_deinit(&set->segments);
    wg_buf_deinit(&set->manifest.stripes);
}

wg_code wgi_file_set_read(wgi_file_set *set, wg_platform *platform, wg_error *err) {
    enum { ATTEMPTS = 100 };
    set->exists = false;
    for (int i = 0; i < ATTEMPTS; i++) { /* of a store in use the manifest may be replaced between the two */
        wg_error seen = {0};
        uint64_t epoch = 0;
        set->text.size = 0;
        const wg_code code = wg_manifest_read(platform, set->root, &epoch, &set->text, &seen);
        if (code == WG_E_NOT_FOUND) return WG_OK;
        if (code != WG_OK) {
            if (err != NULL && err->code == WG_OK) *err = seen;
            return code;
        }
        wgi_manifest manifest = {0};
        WG_TRY(wgi_manifest_read(platform, set->root, &manifest, err));
        wg_buf_deinit(&set->manifest.stripes);
        set->manifest = manifest;
        set->exists = true;
        set->first_needed = wg_max_u64(1, manifest.checkpoint.wal_segment);
        if (manifest.epoch == epoch) return WG_OK;
    }
    return wg_error_set(err, WG_E_BUSY, WG_NO_OFFSET, "the manifest of '%.150s' changes all the time", set->root);
}

void wgi_file_set_parent(const wgi_file_set *set, char out[WGI_BACKUP_PATH_BYTES]) {
    size_t n = strlen(set->root);
    while (n > 1 && set->root[n - 1] != '/') n--;
    if (n > 1) n--;
    memcpy(out, set->root, n);
    out[n] = '\0';
}

wg_code wgi_file_set_lock(const wgi_file_set *set, wg_platform *platform, bool create, wg_file **out, wg_error *err) {
    char path[WGI_BACKUP_PATH_BYTES];
    wg_error seen = {0};
    wg_file *file = NULL;
    wgi_path_of(set->root, "LOCK", path);
    wg_code code = platform->ops->open(platform, path, WG_OPEN_WRITE, &file, &seen);
    if (code == WG_E_NOT_FOUND && create) {
        seen = (wg_error){0};
        code = platform->ops->open(platform, path, WG_OPEN_CREATE_NEW, &file, &seen);
    }
    if (code == WG_OK) code = platform->ops->lock(platform, file, &seen);
    if (code == WG_OK) {
        *out = file;
        return WG_OK;
    }
    if (file != NULL) platform->ops->close(platform, file);
    if (code == WG_E_BUSY)
        return wg_error_set(err, WG_E_BUSY, WG_NO_OFFSET, "'%.150s' is in use by another process", set->root);
    if (err != NULL && err->code == WG_OK) *err = seen;
    return code;
}

/* ---- listing */

typedef struct number_list {
    wg_buf *out;
    const char *suffix;
    bool ok;
} number_list;

static bool parse_number_name(const char *name, const char *suffix, uint64_t *out) {
    enum { DIGITS = 20 };
    uint64_t number = 0;
    if (strlen(name) != DIGITS + strlen(suffix) || strcmp(name + DIGITS, suffix) != 0) return false;
    for (int i = 0; i < DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9') return false;
        if (__builtin_mul_overflow(number, UINT64_C(10), &number)) return false;
        if (__builtin_add_overflow(number, (uint64_t)(name[i] - '0'), &number)) return false;
    }
    *out = number;
    return true;
}

static bool note_number(void *ctx, const char *name, bool is_directory) {
    number_list *list = ctx;
    uint64_t number = 0;
    if (is_directory || !parse_number_name(name, list->suffix, &number)) return true;
    list->ok = wg_buf_append_u64(list->out, number);
    return list->ok;
}

static uint64_t number_at(const wg_buf *numbers, size_t i) { return wg_load_u64le(numbers->data + 8 * i); }
static size_t number_count(const wg_buf *numbers) { return numbers->size / 8; }

static void sort_numbers(wg_buf *numbers) {
    for (size_t i = 1; i < number_count(numbers); i++) { /* directories list in order or nearly so */
        const uint64_t n = number_at(numbers, i);
        size_t k = i;
        for (; k > 0 && number_at(numbers, k - 1) > n; k--)
            wg_store_u64le(numbers->data + 8 * k, number_at(numbers, k - 1));
        wg_store_u64le(numbers->data + 8 * k, n);
    }
}

static wg_code list_numbers(wg_platform *p, const char *directory, const char *suffix, wg_buf *out, wg_error *err) {
    number_list list = {.out = out, .suffix = suffix, .ok = true};
    wg_error seen = {0};
    out->size = 0;
    const wg_code code = p->ops->list(p, directory, note_number, &list, &seen);
    if (code == WG_E_NOT_FOUND) return WG_OK;
    if (code != WG_OK) {
        if (err != NULL && err->code == WG_OK) *err = seen;
        return code;
    }
    if (!list.ok) return wg_error_nomem(err, out->size);
    sort_numbers(out);
    return WG_OK;
}

wg_code wgi_file_set_list(wgi_file_set *set, wg_platform *platform, wg_error *err) {
    return list_numbers(platform, set->wal, segment_suffix, &set->segments, err);
}

bool wgi_file_set_has_segment(const wgi_file_set *set, uint64_t number) {
    for (size_t i = 0; i < number_count(&set->segments); i++)
        if (number_at(&set->segments, i) == number) return true;
    return false;
}

void wgi_segment_path(const wgi_file_set *set, uint64_t number, char out[WGI_BACKUP_PATH_BYTES]) {
    char name[32];
    snprintf(name, sizeof name, "%020llu%s", (unsigned long long)number, segment_suffix);
    wgi_path_of(set->wal, name, out);
}

static wg_code make_directory(wg_platform *p, const char *path, wg_error *err) {
    wg_error seen = {0};
    const wg_code code = p->ops->make_directory(p, path, &seen);
    if (code == WG_OK || code == WG_E_EXISTS) return WG_OK;
    if (err != NULL && err->code == WG_OK) *err = seen;
    return code;
}

wg_code wgi_make_directories(const wgi_file_set *set, wg_platform *platform, wg_error *err) {
    WG_TRY(make_directory(platform, set->wal, err));
    WG_TRY(make_directory(platform, set->stripes, err));
    WG_TRY(make_directory(platform, set->manifests, err));
    return platform->ops->sync_directory(platform, set->root, err);
}

wg_code wgi_segment_bytes(const wgi_file_set *set, wg_platform *platform, uint64_t number, uint64_t *out,
                          wg_error *err) {
    char path[WGI_BACKUP_PATH_BYTES];
    wg_file_info info;
    wgi_segment_path(set, number, path);
    WG_TRY(platform->ops->stat(platform, path, &info, err));
    const bool cut = number == set->last && set->last_bytes != 0 && set->last_bytes < info.size;
    *out = cut ? set->last_bytes : info.size;
    return WG_OK;
}

/* ---- copying one file */

wg_code wgi_copying_init(wgi_copying *copying, wg_platform *platform, wg_error *err) {
    *copying = (wgi_copying){.platform = platform};
    wg_buf_init(&copying->segments, NULL);
    copying->bytes = wg_alloc(NULL, 2 * (size_t)WGI_COPY_BYTES);
    return copying->bytes != NULL ? WG_OK : wg_error_nomem(err, 2 * (size_t)WGI_COPY_BYTES);
}

void wgi_copying_deinit(wgi_copying *copying) {
    wg_free(copying->bytes);
    wg_buf_deinit(&copying->segments);
}

static wg_code advance(wgi_copying *c, uint64_t bytes, wg_error *err) {
    c->done += bytes;
    if (c->progress == NULL || c->progress(c->ctx, c->done, c->total)) return WG_OK;
    return wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "cancelled; what was there before is as it was");
}

static wg_code copy_bytes(wgi_copying *c, wg_file *in, wg_file *out, const char *from, uint64_t bytes,
                          wg_error *err) {
    const wg_platform_ops *ops = c->platform->ops;
    for (uint64_t at = 0; at < bytes;) {
        const size_t wanted = (size_t)wg_min_u64(WGI_COPY_BYTES, bytes - at);
        size_t got = 0;
        WG_TRY(ops->read_at(c->platform, in, at, c->bytes, wanted, &got, err));
        if (got != wanted)
            return wg_error_set(err, WG_E_CORRUPT, at + got, "'%.180s' is shorter than its %llu bytes", from,
                                (unsigned long long)bytes);
        WG_TRY(ops->write_at(c->platform, out, at, c->bytes, got, err));
        WG_TRY(advance(c, got, err));
        at += got;
    }
    return ops->sync(c->platform, out, err);
}

static void aside_of(const char *to, char out[WGI_BACKUP_PATH_BYTES + 8]) {
    snprintf(out, WGI_BACKUP_PATH_BYTES + 8, "%s.part", to);
}

wg_code wgi_copy_aside(wgi_copying *copying, const char *from, const char *to, uint64_t bytes, wg_error *err) {
    wg_platform *p = copying->platform;
    char aside[WGI_BACKUP_PATH_BYTES + 8];
    wg_file *in = NULL;
    wg_file *out = NULL;
    aside_of(to, aside);
    WG_TRY(p->ops->open(p, from, WG_OPEN_READ, &in, err));
    wg_code code = p->ops->open(p, aside, WG_OPEN_CREATE_NEW, &out, err);
    if (code == WG_OK) {
        code = copy_bytes(copying, in, out, from, bytes, err);
        p->ops->close(p, out);
        if (code != WG_OK) (void)p->ops->unlink(p, aside, NULL);
    }
    p->ops->close(p, in);
    if (code != WG_OK) return code;
    copying->info.files_copied++;
    copying->info.bytes_copied += bytes;
    return WG_OK;
}

wg_code wgi_copy_name(wgi_copying *copying, const char *to, const char *directory, wg_error *err) {
    wg_platform *p = copying->platform;
    char aside[WGI_BACKUP_PATH_BYTES + 8];
    aside_of(to, aside);
    const wg_code code = p->ops->rename(p, aside, to, err);
    if (code == WG_OK) return p->ops->sync_directory(p, directory, err);
    (void)p->ops->unlink(p, aside, NULL); /* HEAD.part has no number by which it would be found later */
    return code;
}

/* ---- comparing */

static wg_code same_bytes(wgi_copying *c, wg_file *a, wg_file *b, uint64_t from, uint64_t until, bool *out,
                          wg_error *err) {
    const wg_platform_ops *ops = c->platform->ops;
    uint8_t *other = c->bytes + WGI_COPY_BYTES;
    bool same = true;
    for (uint64_t at = from; same && at < until;) {
        const size_t wanted = (size_t)wg_min_u64(WGI_COPY_BYTES, until - at);
        size_t got_a = 0;
        size_t got_b = 0;
        WG_TRY(ops->read_at(c->platform, a, at, c->bytes, wanted, &got_a, err));
        WG_TRY(ops->read_at(c->platform, b, at, other, wanted, &got_b, err));
        same = got_a == wanted && got_b == wanted && memcmp(c->bytes, other, wanted) == 0;
        at += wanted;
    }
    *out = same;
    return WG_OK;
}

static wg_code compare_files(wgi_copying *c, wg_file *a, wg_file *b, uint64_t bytes, uint64_t edge, bool *out,
                             wg_error *err) {
    wg_file_info info;
    bool same = false;
    WG_TRY(c->platform->ops->file_info(c->platform, a, &info, err));
    if (info.size == bytes && (edge == 0 || bytes <= 2 * edge)) {
        WG_TRY(same_bytes(c, a, b, 0, bytes, &same, err));
    } else if (info.size == bytes) {
        WG_TRY(same_bytes(c, a, b, 0, edge, &same, err));
        if (same) WG_TRY(same_bytes(c, a, b, bytes - edge, bytes, &same, err));
    }
    *out = same;
    return WG_OK;
}

wg_code wgi_is_copy(wgi_copying *copying, const char *path, const char *like, uint64_t bytes, uint64_t edge,
                    bool *out, wg_error *err) {
    wg_platform *p = copying->platform;
    wg_file *a = NULL;
    wg_file *b = NULL;
    wg_error seen = {0};
    wg_code code = p->ops->open(p, path, WG_OPEN_READ, &a, &seen);
    if (code == WG_E_NOT_FOUND) {
        *out = false;
        return WG_OK;
    }
    if (code != WG_OK) {
        if (err != NULL && err->code == WG_OK) *err = seen;
        return code;
    }
    code = p->ops->open(p, like, WG_OPEN_READ, &b, err);
    if (code == WG_OK) {
        code = compare_files(copying, a, b, bytes, edge, out, err);
        p->ops->close(p, b);
    }
    p->ops->close(p, a);
    return code;
}

/* ---- stripes */

static wg_code check_stripe(wgi_copying *c, const wgi_file_set *to, const wgi_file_set *from, uint64_t id,
                            wg_error *err) {
    wg_stripe *stripe = NULL;
    WG_TRY(wg_stripe_open(c->platform, to->stripes, id, from->manifest.uuid, NULL, NULL, &stripe, err));
    const wg_code code = wg_stripe_check(stripe, err);
    wg_stripe_close(stripe);
    return code;
}

/* A stripe that the target's own manifest names is not replaced: it may be what makes that backup whole. */
static wg_code refuse_replacement(const wgi_file_set *to, uint64_t id, wg_error *err) {
    for (uint32_t i = 0; to->exists && i < wgi_manifest_stripe_count(&to->manifest); i++)
        if (wgi_manifest_stripe(&to->manifest, i).id == id)
            return wg_error_set(
                err, WG_E_CORRUPT, WG_NO_OFFSET,
                "stripe %llu of the earlier backup in '%.100s' is damaged or of another history: choose "
                "another directory",
                (unsigned long long)id, to->root);
    return WG_OK;
}

static wg_code copy_stripe(wgi_copying *c, const wgi_file_set *from, const wgi_file_set *to,
                           const wg_stripe_entry *entry, wg_error *err) {
    enum { EDGE_BYTES = 1 << 16 }; /* the header, and the end of the footer with the checksum of all of it */
    char source[WGI_BACKUP_PATH_BYTES];
    char target[WGI_BACKUP_PATH_BYTES];
    bool same = false;
    wg_file_info info;
    WG_TRY(wg_stripe_path(from->stripes, entry->id, source, sizeof source, err));
    WG_TRY(wg_stripe_path(to->stripes, entry->id, target, sizeof target, err));
    WG_TRY(c->platform->ops->stat(c->platform, source, &info, err));
    if (info.size != entry->bytes)
        return wg_error_set(err, WG_E_CORRUPT, info.size, "'%.140s' has %llu bytes, the manifest says %llu", source,
                            (unsigned long long)info.size, (unsigned long long)entry->bytes);
    WG_TRY(wgi_is_copy(c, target, source, entry->bytes, EDGE_BYTES, &same, err));
    if (same) {
        c->info.files_kept++;
        c->info.bytes_kept += entry->bytes;
        return advance(c, entry->bytes, err);
    }
    wg_error seen = {0};
    if (c->platform->ops->stat(c->platform, target, &info, &seen) == WG_OK)
        WG_TRY(refuse_replacement(to, entry->id, err));
    WG_TRY(wgi_copy_aside(c, source, target, entry->bytes, err));
    WG_TRY(wgi_copy_name(c, target, to->stripes, err));
    const wg_code code = check_stripe(c, to, from, entry->id, err);
    if (code == WG_OK) return WG_OK;
    (void)c->platform->ops->unlink(c->platform, target, NULL);
    return wg_error_prefix(err, code, "the copy of '%.60s' is damaged, as the original may be", source);
}

wg_code wgi_copy_stripes(wgi_copying *copying, const wgi_file_set *from, const wgi_file_set *to, wg_error *err) {
    for (uint32_t i = 0; i < wgi_manifest_stripe_count(&from->manifest); i++) {
        const wg_stripe_entry entry = wgi_manifest_stripe(&from->manifest, i);
        WG_TRY(copy_stripe(copying, from, to, &entry, err));
    }
    return WG_OK;
}

/* ---- the log */

wg_code wgi_count_work(wgi_copying *copying, const wgi_file_set *from, wg_error *err) {
    copying->total = 0;
    for (uint32_t i = 0; i < wgi_manifest_stripe_count(&from->manifest); i++)
        copying->total += wgi_manifest_stripe(&from->manifest, i).bytes;
    for (uint64_t number = from->first_needed; number <= from->last; number++) {
        uint64_t bytes = 0;
        WG_TRY(wgi_segment_bytes(from, copying->platform, number, &bytes, err));
        copying->total += bytes;
    }
    return WG_OK;
}

wg_code wgi_copy_segments(wgi_copying *copying, const wgi_file_set *from, const wgi_file_set *to, wg_error *err) {
    char source[WGI_BACKUP_PATH_BYTES];
    char target[WGI_BACKUP_PATH_BYTES];
    for (uint64_t number = from->first_needed; number <= from->last; number++) {
        uint64_t bytes = 0;
        bool same = false;
        WG_TRY(wgi_segment_bytes(from, copying->platform, number, &bytes, err));
        wgi_segment_path(from, number, source);
        wgi_segment_path(to, number, target);
        WG_TRY(wgi_is_copy(copying, target, source, bytes, 0, &same, err));
        if (same) {
            copying->info.files_kept++;
            copying->info.bytes_kept += bytes;
            WG_TRY(advance(copying, bytes, err));
            continue;
        }
        WG_TRY(wgi_copy_aside(copying, source, target, bytes, err));
        if (!wg_buf_append_u64(&copying->segments, number)) return wg_error_nomem(err, 8);
    }
    return WG_OK;
}

static bool is_aside(const wgi_copying *c, uint64_t number) {
    for (size_t i = 0; i < number_count(&c->segments); i++)
        if (number_at(&c->segments, i) == number) return true;
    return false;
}

static wg_code read_segment(wgi_copying *c, const wgi_file_set *to, uint64_t number, wg_buf *out, wg_error *err) {
    char path[WGI_BACKUP_PATH_BYTES];
    char aside[WGI_BACKUP_PATH_BYTES + 8];
    wg_platform *p = c->platform;
    wg_file *file = NULL;
    wg_file_info info = {0};
    size_t got = 0;
    wgi_segment_path(to, number, path);
    aside_of(path, aside);
    WG_TRY(p->ops->open(p, is_aside(c, number) ? aside : path, WG_OPEN_READ, &file, err));
    wg_code code = p->ops->file_info(p, file, &info, err);
    out->size = 0;
    if (code == WG_OK && !wg_buf_reserve(out, (size_t)info.size + 1)) code = wg_error_nomem(err, (size_t)info.size);
    if (code == WG_OK) code = p->ops->read_at(p, file, 0, out->data, (size_t)info.size, &got, err);
    p->ops->close(p, file);
    if (code == WG_OK) out->size = got;
    return code;
}

/* From the last one back: each says where the frames of the one before end. */
wg_code wgi_check_segments(wgi_copying *copying, const wgi_file_set *from, const wgi_file_set *to,
                           uint64_t *out_logseq, wg_error *err) {
    wg_buf bytes;
    uint64_t end = from->last_bytes;
    wg_code code = WG_OK;
    *out_logseq = from->manifest.checkpoint.logseq; /* the newest segment may have no commit yet */
    wg_buf_init(&bytes, NULL);
    for (uint64_t number = from->last; code == WG_OK && number >= from->first_needed; number--) {
        wg_wal_segment found = {0};
        code = read_segment(copying, to, number, &bytes, err);
        if (code == WG_OK) code = wg_wal_segment_check(wg_buf_slice(&bytes), from->manifest.uuid, end, &found, err);
        if (code == WG_OK && found.number != number)
            code = wg_error_set(err, WG_E_CORRUPT, 0, "log segment %llu is another one", (unsigned long long)number);
        if (code != WG_OK)
            code = wg_error_prefix(err, code, "segment %llu of the log in '%.80s'", (unsigned long long)number,
                                   from->wal);
        if (code == WG_OK) *out_logseq = wg_max_u64(*out_logseq, found.last_logseq);
        end = found.previous_end & UINT32_MAX;
    }
    wg_buf_deinit(&bytes);
    return code;
}

/* One after the other, each durable before the next: a later one without an earlier would be a hole. */
wg_code wgi_name_segments(wgi_copying *copying, const wgi_file_set *to, wg_error *err) {
    char target[WGI_BACKUP_PATH_BYTES];
    for (size_t i = 0; i < number_count(&copying->segments); i++) {
        wgi_segment_path(to, number_at(&copying->segments, i), target);
        WG_TRY(wgi_copy_name(copying, target, to->wal, err));
    }
    return WG_OK;
}

/* ---- removing */

/* Removes DIRECTORY/<number><suffix> for the numbers that `keep` does not want. */
static wg_code remove_numbers(wg_platform *p, const char *directory, const char *suffix,
                              bool (*keep)(const wgi_file_set *set, uint64_t number), const wgi_file_set *set,
                              wg_error *err) {
    wg_buf numbers;
    bool removed = false;
    wg_buf_init(&numbers, NULL);
    wg_code code = list_numbers(p, directory, suffix, &numbers, err);
    for (size_t i = 0; code == WG_OK && i < number_count(&numbers); i++) {
        char name[48];
        char path[WGI_BACKUP_PATH_BYTES];
        const uint64_t number = number_at(&numbers, i);
        if (keep != NULL && keep(set, number)) continue;
        snprintf(name, sizeof name, "%020llu%s", (unsigned long long)number, suffix);
        wgi_path_of(directory, name, path);
        code = p->ops->unlink(p, path, err);
        removed = true;
    }
    if (code == WG_OK && removed) code = p->ops->sync_directory(p, directory, err);
    wg_buf_deinit(&numbers);
    return code;
}

wg_code wgi_remove_aside(const wgi_file_set *set, wg_platform *platform, wg_error *err) {
    static const char *const logs[] = {".wal.part", ".wal.tmp"};
    static const char *const stripes[] = {".arc1.part", ".arc1.tmp"};
    for (size_t i = 0; i < 2; i++) {
        WG_TRY(remove_numbers(platform, set->wal, logs[i], NULL, set, err));
        WG_TRY(remove_numbers(platform, set->stripes, stripes[i], NULL, set, err));
    }
    return wg_manifest_clean(platform, set->root, err);
}

static bool is_segment_of(const wgi_file_set *set, uint64_t number) {
    return number >= set->first_needed && number <= set->last;
}

static bool is_stripe_of(const wgi_file_set *set, uint64_t number) {
    for (uint32_t i = 0; i < wgi_manifest_stripe_count(&set->manifest); i++)
        if (wgi_manifest_stripe(&set->manifest, i).id == number) return true;
    return false;
}

wg_code wgi_remove_manifests(const wgi_file_set *set, wg_platform *platform, wg_error *err) {
    return remove_numbers(platform, set->manifests, ".json", NULL, set, err);
}

wg_code wgi_remove_others(const wgi_file_set *set, const wgi_file_set *from, wg_platform *platform, wg_error *err) {
    uint64_t removed = 0;
    WG_TRY(remove_numbers(platform, set->wal, segment_suffix, is_segment_of, from, err));
    WG_TRY(remove_numbers(platform, set->stripes, ".arc1", is_stripe_of, from, err));
    return wg_manifest_expire(platform, set->root, 1, &removed, err);
}
