/* Lexical paths and the one mapping from errno to codes; shared by the real, fault and sim platforms.
 *
 * ".." is resolved on the text alone: no symbolic link is followed, so the answer does not depend on the disk, and the
 * root has itself as parent. */
#include "io/platform/platform_internal.h"

#include <errno.h>

wg_code wgi_platform_error(wg_error *err, int sys_errno, const char *action, const char *path) {
    wg_code code = WG_E_IO;
    if (sys_errno == ENOENT) code = WG_E_NOT_FOUND;
    if (sys_errno == EEXIST) code = WG_E_EXISTS;
    if (sys_errno == ENOMEM) code = WG_E_NOMEM;
    return wg_error_set_sys(err, code, sys_errno, "cannot %s '%s'", action, path);
}

typedef struct path_writer {
    char *out;
    size_t size; /* without the NUL; `out` never ends in '/' while this writer is used, "" is the root */
    size_t capacity;
} path_writer;

static bool path_push(path_writer *w, const char *part, size_t part_size) {
    if (part_size == 0 || (part_size == 1 && part[0] == '.')) return true;
    if (part_size == 2 && part[0] == '.' && part[1] == '.') {
        while (w->size > 0 && w->out[w->size - 1] != '/') w->size--;
        if (w->size > 0) w->size--;
        return true;
    }
    if (w->size + 1 + part_size + 1 > w->capacity) return false;
    w->out[w->size] = '/';
    memcpy(w->out + w->size + 1, part, part_size);
    w->size += 1 + part_size;
    return true;
}

static bool path_push_all(path_writer *w, const char *path) {
    for (const char *p = path; *p != '\0';) {
        const size_t n = strcspn(p, "/");
        if (!path_push(w, p, n)) return false;
        p += n;
        while (*p == '/') p++;
    }
    return true;
}

wg_code wgi_path_absolute(const char *base, const char *path, char *out, size_t out_size, wg_error *err) {
    WG_ASSERT(out_size >= 2);
    if (path[0] == '\0') return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "a path is empty");
    path_writer w = {.out = out, .size = 0, .capacity = out_size};
    const bool fits = (path[0] == '/' || path_push_all(&w, base)) && path_push_all(&w, path);
    if (!fits)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "path '%.100s' is too long: the limit is %zu bytes", path,
                            out_size - 1);
    if (w.size == 0) w.out[w.size++] = '/';
    w.out[w.size] = '\0';
    return WG_OK;
}
