/* io/platform, own files only: what the three implementations share. */
#ifndef WG_IO_PLATFORM_INTERNAL_H
#define WG_IO_PLATFORM_INTERNAL_H

#include "io/platform/platform.h"

/* Failed system calls become typed errors: ENOENT, EEXIST and ENOMEM have codes of their own, the rest is WG_E_IO. */
wg_code wgi_platform_error(wg_error *err, int sys_errno, const char *action, const char *path);

/* Joins `path` to `base` (absolute) when it is relative and resolves ".", ".." and "//" lexically. */
wg_code wgi_path_absolute(const char *base, const char *path, char *out, size_t out_size, wg_error *err);

#endif
