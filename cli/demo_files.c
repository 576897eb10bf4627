/* cli/demo_files: the directory of the demonstration: made, checked to be ours alone, removed.
 *
 * A directory that the user named is never removed. A temporary one is made with mkdtemp, so that it cannot be somebody
 * else's, and removed without following links. */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_DIRECTORIES_MAX = 16 };

static bool is_empty_directory(const char *path) {
    DIR *directory = opendir(path);
    if (directory == NULL) return false;
    bool empty = true;
    const struct dirent *entry;
    while (empty && (entry = readdir(directory)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    (void)closedir(directory);
    return empty;
}

bool cli_demo_make_directory(const char *wanted, cli_buf *out_path, bool *out_temporary, cli_exit *out_exit) {
    *out_temporary = wanted == NULL;
    cli_buf_add_str(out_path, wanted == NULL ? "worldgraph-demo-XXXXXX" : wanted);
    const bool made = wanted == NULL ? mkdtemp(out_path->data) != NULL : mkdir(wanted, 0700) == 0;
    if (made) return true;
    if (wanted != NULL && errno == EEXIST) {
        if (is_empty_directory(wanted)) return true;
        cli_complain("%s exists and is not an empty directory", wanted);
        cli_note("name a directory that does not exist yet, or none: the demonstration then makes one");
        *out_exit = CLI_QUERY;
        return false;
    }
    cli_complain("making the directory %s failed: %s", out_path->data, strerror(errno));
    *out_exit = CLI_SYSTEM;
    return false;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

void cli_demo_remove(const char *path) {
    if (nftw(path, remove_entry, OPEN_DIRECTORIES_MAX, FTW_DEPTH | FTW_PHYS) != 0)
        cli_note("%s could not be removed: %s", path, strerror(errno));
}
