/* What backup.c, restore.c and backup_files.c share. Others include engine.h only. */
#ifndef WG_ENGINE_BACKUP_H
#define WG_ENGINE_BACKUP_H

#include "engine/engine_internal.h"
#include "io/stripe/stripe.h"

enum { WGI_BACKUP_PATH_BYTES = 4224 };

/* A workspace as a set of files: what its manifest says and where they lie. */
typedef struct wgi_file_set {
    char root[WGI_BACKUP_PATH_BYTES];
    char wal[WGI_BACKUP_PATH_BYTES];
    char stripes[WGI_BACKUP_PATH_BYTES];
    char manifests[WGI_BACKUP_PATH_BYTES];
    wgi_manifest manifest;
    wg_buf text;           /* of the manifest, as it is stored */
    wg_buf segments;       /* numbers of the files of the log, u64 each, ascending */
    bool exists;           /* CURRENT names a manifest */
    uint64_t last;         /* segment in which the log ends */
    uint64_t last_bytes;   /* bytes of it that belong to the log; 0: the whole file */
    uint64_t first_needed; /* segment at which it begins */
} wgi_file_set;

/* The copying under way. */
typedef struct wgi_copying {
    wg_platform *platform;
    wg_progress_fn progress;
    void *ctx;
    uint64_t done;
    uint64_t total;
    wg_backup_info info;
    uint8_t *bytes;  /* two buffers of WGI_COPY_BYTES */
    wg_buf segments; /* numbers that are copied aside and wait for their name */
} wgi_copying;
enum { WGI_COPY_BYTES = 1 << 20 };

wg_code wgi_copying_init(wgi_copying *copying, wg_platform *platform, wg_error *err);
void wgi_copying_deinit(wgi_copying *copying);

/* ---- backup_files.c */
wg_code wgi_file_set_init(wgi_file_set *set, wg_platform *platform, const char *path, wg_error *err);
void wgi_file_set_deinit(wgi_file_set *set);
/* Reads CURRENT and its manifest; set->exists tells whether there is one. */
wg_code wgi_file_set_read(wgi_file_set *set, wg_platform *platform, wg_error *err);
void wgi_path_of(const char *directory, const char *name, char out[WGI_BACKUP_PATH_BYTES]);
void wgi_file_set_parent(const wgi_file_set *set, char out[WGI_BACKUP_PATH_BYTES]);
/* Takes the lock of the workspace; the file is made when `create`. WG_E_BUSY when somebody has it. */
wg_code wgi_file_set_lock(const wgi_file_set *set, wg_platform *platform, bool create, wg_file **out, wg_error *err);
/* Lists the segments of the log; a missing directory has none. */
wg_code wgi_file_set_list(wgi_file_set *set, wg_platform *platform, wg_error *err);
bool wgi_file_set_has_segment(const wgi_file_set *set, uint64_t number);
void wgi_segment_path(const wgi_file_set *set, uint64_t number, char out[WGI_BACKUP_PATH_BYTES]);
/* Makes the directories of a workspace below an existing root, and their names durable. */
wg_code wgi_make_directories(const wgi_file_set *set, wg_platform *platform, wg_error *err);
/* Bytes of a segment that belong to the log. */
wg_code wgi_segment_bytes(const wgi_file_set *set, wg_platform *platform, uint64_t number, uint64_t *out,
                          wg_error *err);
/* Copies the first `bytes` of a file to `to`.part and syncs it; it has no other name yet. */
wg_code wgi_copy_aside(wgi_copying *copying, const char *from, const char *to, uint64_t bytes, wg_error *err);
/* Gives `to`.part its name, and makes that durable in `directory`. */
wg_code wgi_copy_name(wgi_copying *copying, const char *to, const char *directory, wg_error *err);
/* True when `path` has exactly the first `bytes` of `like`; at most the first and the last `edge` of them are looked at (0: all). */
wg_code wgi_is_copy(wgi_copying *copying, const char *path, const char *like, uint64_t bytes, uint64_t edge,
                    bool *out, wg_error *err);
/* Copies the stripes that the source's manifest names and the target lacks, and checks every byte of the new ones. */
wg_code wgi_copy_stripes(wgi_copying *copying, const wgi_file_set *from, const wgi_file_set *to, wg_error *err);
/* Copies the segments that the target lacks or has in part aside: copying->segments. */
wg_code wgi_copy_segments(wgi_copying *copying, const wgi_file_set *from, const wgi_file_set *to, wg_error *err);
/* Checks every byte of the log that is copied aside or there already, and says which commit is its last. */
wg_code wgi_check_segments(wgi_copying *copying, const wgi_file_set *from, const wgi_file_set *to,
                           uint64_t *out_logseq, wg_error *err);
wg_code wgi_name_segments(wgi_copying *copying, const wgi_file_set *to, wg_error *err);
/* Removes from `set` what a crash left aside. */
wg_code wgi_remove_aside(const wgi_file_set *set, wg_platform *platform, wg_error *err);
/* Removes segments and stripes that `from` does not have. */
wg_code wgi_remove_others(const wgi_file_set *set, const wgi_file_set *from, wg_platform *platform, wg_error *err);
wg_code wgi_remove_manifests(const wgi_file_set *set, wg_platform *platform, wg_error *err);
/* Counts what has to be copied: copying->total. */
wg_code wgi_count_work(wgi_copying *copying, const wgi_file_set *from, wg_error *err);

#endif
