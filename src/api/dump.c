/* wg_dump: what one file of a workspace holds, as lines of JSON. The kind is told by its content: a stripe and a log segment begin
 * with their magic, CURRENT and manifests end in a checksum line. Nothing is changed and no lock is taken. */
#include <stdio.h>

#include "api/api_internal.h"
#include "io/manifest_txn/manifest_txn.h"
#include "io/stripe/stripe.h"

enum { PATH_BYTES = 4096, FILE_BYTES_MAX = 256 << 20, ARC1_UUID_AT = 24 };

typedef struct dumping {
    wg_write_fn write;
    void *ctx;
    bool stopped;
} dumping;

static bool put_line(void *ctx, wg_slice line) {
    dumping *d = ctx;
    d->stopped = !d->write(d->ctx, line.data, line.size) || !d->write(d->ctx, "\n", 1);
    return !d->stopped;
}

static wg_code read_file(wg_platform *p, const char *path, wg_buf *out, wg_error *err) {
    wg_file *file = NULL;
    wg_file_info info = {0};
    size_t got = 0;
    WG_TRY(p->ops->open(p, path, WG_OPEN_READ, &file, err));
    wg_code code = p->ops->file_info(p, file, &info, err);
    if (code == WG_OK && info.is_directory)
        code = wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "'%.180s' is a directory: name a file in it", path);
    else if (code == WG_OK && info.size > FILE_BYTES_MAX)
        code = wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "'%.180s' is too large for a file of this kind", path);
    if (code == WG_OK && !wg_buf_reserve(out, (size_t)info.size + 1)) code = wg_error_nomem(err, (size_t)info.size);
    if (code == WG_OK) code = p->ops->read_at(p, file, 0, out->data, (size_t)info.size, &got, err);
    p->ops->close(p, file);
    if (code == WG_OK) out->size = got;
    return code;
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static wg_code dump_stripe(wg_platform *p, const char *path, const uint8_t *uuid, bool cells, dumping *d,
                           wg_error *err) {
    char directory[PATH_BYTES];
    uint64_t id = 0;
    bool temporary = false;
    wg_stripe *stripe = NULL;
    const char *name = name_of(path);
    const size_t size = name == path ? 0 : (size_t)(name - path) - 1;
    if (!wg_stripe_name_parse(name, &id, &temporary) || temporary)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "'%.150s': a stripe is read under its own name, <20 digits>.arc1", path);
    if (size >= sizeof directory) return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the path is too long");
    if (size > 0) memcpy(directory, path, size);
    directory[size] = '\0';
    WG_TRY(wg_stripe_open(p, name == path ? "." : size == 0 ? "/" : directory, id, uuid, NULL, NULL, &stripe, err));
    const wg_code code = wg_stripe_dump(stripe, cells, put_line, d, err);
    wg_stripe_close(stripe);
    return code;
}

static wg_code dump_by_content(wg_platform *p, const char *path, bool cells, dumping *d, wg_error *err) {
    static const uint8_t stripe_magic[8] = {'A', 'R', 'C', '1', 0x0d, 0x0a, 0x1a, 0x0a};
    static const uint8_t log_magic[8] = {'W', 'G', 'W', 'A', 'L', 0x0d, 0x0a, 0x1a};
    uint8_t head[ARC1_UUID_AT + 16] = {0};
    size_t got = 0;
    wg_file *file = NULL;
    WG_TRY(p->ops->open(p, path, WG_OPEN_READ, &file, err));
    const wg_code code = p->ops->read_at(p, file, 0, head, sizeof head, &got, err);
    p->ops->close(p, file);
    WG_TRY(code);
    if (memcmp(head, stripe_magic, sizeof stripe_magic) == 0)
        return dump_stripe(p, path, head + ARC1_UUID_AT, cells, d, err);
    wg_buf bytes;
    wg_buf_init(&bytes, NULL);
    wg_slice content = {0};
    wg_code read = read_file(p, path, &bytes, err);
    if (read == WG_OK && memcmp(head, log_magic, sizeof log_magic) == 0) {
        read = wg_wal_dump(wg_buf_slice(&bytes), put_line, d, err);
        if (read != WG_OK) read = wg_error_prefix(err, read, "'%.120s'", path);
    } else if (read == WG_OK) {
        read = wg_manifest_content(path, wg_buf_slice(&bytes), &content, err);
        if (read == WG_OK) (void)put_line(d, content);
    }
    wg_buf_deinit(&bytes);
    return read;
}

wg_code wg_dump(const char *path, bool cells, wg_write_fn write, void *ctx, wg_error *err) {
    if (path == NULL || write == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_dump: path or write is NULL");
    wg_platform *p = wg_platform_real();
    wg_file_info info;
    dumping d = {.write = write, .ctx = ctx};
    WG_TRY(p->ops->stat(p, path, &info, err));
    if (info.is_directory)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "'%.180s' is a directory: name a file in it", path);
    const wg_code code = dump_by_content(p, path, cells, &d, err);
    if (code == WG_OK && d.stopped) return wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "cancelled by the caller");
    return code;
}
