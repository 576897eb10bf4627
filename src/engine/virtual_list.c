/* Finding the files of a virtual label: the pattern's literal directories are entered, the others listed and matched name by
 * name, level by level, everything sorted, so that partition numbers do not depend on the order in which a file system lists.
 *
 * Names that begin with '.' or '_' are left out, as lake tools do (temporary and marker files). A name that matches but holds
 * characters outside [A-Za-z0-9_.=-] is an error and not left out: an answer that lacks a file must never look whole. */
#include "engine/engine_internal.h"

enum { LIST_DEPTH_MAX = WG_PATTERN_SEGMENTS_MAX * 2, LIST_VALUES_MAX = 256 };

typedef struct listing {
    wg_engine *engine;
    wg_arena *arena;
    const wg_slice *segments; /* of the pattern, from the root on */
    uint32_t segment_count;
    bool directory_form; /* the pattern ends in '/': key=value directories and *.parquet below */
    wgi_found_file *files;
    uint32_t file_count;
    uint32_t file_capacity;
    wg_slice values[LIST_VALUES_MAX];
    wg_slice keys[LIST_VALUES_MAX]; /* of inferred directories */
    wg_error *err;
} listing;

typedef struct names {
    wg_arena *arena;
    const char **items;
    bool *is_directory;
    uint32_t count;
    uint32_t capacity;
    bool failed;
} names;

static bool collect_name(void *ctx, const char *name, bool is_directory) {
    names *n = ctx;
    if (name[0] == '.' || name[0] == '_') return true;
    if (n->count == n->capacity) {
        const uint32_t capacity = n->capacity == 0 ? 64 : n->capacity * 2;
        const char **items = wg_arena_alloc(n->arena, capacity * sizeof *items);
        bool *flags = wg_arena_alloc(n->arena, capacity * sizeof *flags);
        if (items == NULL || flags == NULL) {
            n->failed = true;
            return false;
        }
        if (n->count != 0) {
            memcpy(items, n->items, n->count * sizeof *items);
            memcpy(flags, n->is_directory, n->count * sizeof *flags);
        }
        n->items = items;
        n->is_directory = flags;
        n->capacity = capacity;
    }
    char *copy = wg_arena_strdup(n->arena, wg_slice_str(name));
    n->failed = copy == NULL;
    if (copy == NULL) return false;
    n->items[n->count] = copy;
    n->is_directory[n->count++] = is_directory;
    return true;
}

/* Shell sort with Ciura's gaps: in place, no recursion, good for the thousands of names of a directory. */
static void sort_names(names *n) {
    static const uint32_t gaps[] = {57057, 23938, 10041, 4212, 1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++)
        for (uint32_t i = gaps[g]; i < n->count; i++) {
            const char *item = n->items[i];
            const bool flag = n->is_directory[i];
            uint32_t j = i;
            for (; j >= gaps[g] && strcmp(n->items[j - gaps[g]], item) > 0; j -= gaps[g]) {
                n->items[j] = n->items[j - gaps[g]];
                n->is_directory[j] = n->is_directory[j - gaps[g]];
            }
            n->items[j] = item;
            n->is_directory[j] = flag;
        }
}

static wg_code list_directory(listing *l, const char *path, names *out) {
    wg_platform *p = l->engine->platform;
    *out = (names){.arena = l->arena};
    wg_error local = {0};
    const wg_code code = p->ops->list(p, path, collect_name, out, &local);
    if (code == WG_E_NOT_FOUND)
        return wg_error_set(l->err, WG_E_NOT_FOUND, WG_NO_OFFSET, "directory %s does not exist", path);
    if (code != WG_OK) {
        if (l->err != NULL && l->err->code == WG_OK) *l->err = local;
        return code;
    }
    if (out->failed) return wg_error_nomem(l->err, 64);
    sort_names(out);
    return WG_OK;
}

static wg_code add_file(listing *l, const char *path, uint32_t value_count, uint32_t inferred) {
    if (l->file_count == WG_PATTERN_FILES_MAX)
        return wg_error_set(l->err, WG_E_LIMIT, WG_NO_OFFSET, "more than %d files match the partition pattern",
                            (int)WG_PATTERN_FILES_MAX);
    for (uint32_t i = 0; i < value_count; i++)
        if (!wg_pattern_value_is_harmless(l->values[i]))
            return wg_error_set(
                l->err, WG_E_VALUE, WG_NO_OFFSET,
                "%s: matches the partition pattern, but the value '%.*s' has characters other than letters, "
                "digits, '_', '.', '=' and '-'; rename the file",
                path, (int)wg_min_size(l->values[i].size, 64), (const char *)l->values[i].data);
    if (l->file_count == l->file_capacity) {
        const uint32_t capacity = l->file_capacity == 0 ? 64 : l->file_capacity * 2;
        wgi_found_file *files = wg_arena_alloc(l->arena, capacity * sizeof *files);
        if (files == NULL) return wg_error_nomem(l->err, capacity * sizeof *files);
        if (l->file_count != 0) memcpy(files, l->files, l->file_count * sizeof *files);
        l->files = files;
        l->file_capacity = capacity;
    }
    const wg_slice *values = wg_arena_copy(l->arena, l->values, value_count * sizeof *values);
    const wg_slice *keys = wg_arena_copy(l->arena, l->keys, inferred * sizeof *keys);
    if (values == NULL || keys == NULL) return wg_error_nomem(l->err, 64);
    l->files[l->file_count++] =
        (wgi_found_file){.path = path, .values = values, .inferred_keys = keys, .inferred_count = inferred};
    return WG_OK;
}

static bool has_hole(wg_slice segment) {
    for (size_t i = 0; i < segment.size; i++)
        if (segment.data[i] == '{' || segment.data[i] == '*') return true;
    return false;
}

static bool ends_with(const char *name, const char *suffix) {
    const size_t n = strlen(name);
    const size_t s = strlen(suffix);
    return n >= s && memcmp(name + n - s, suffix, s) == 0;
}

/* Directory form: key=value directories below, then *.parquet. Depth is bounded. */
static wg_code walk_inferred(listing *l, const char *path, uint32_t captured, uint32_t inferred, uint32_t depth) {
    if (depth > LIST_DEPTH_MAX || captured + 1 >= LIST_VALUES_MAX)
        return wg_error_set(l->err, WG_E_LIMIT, WG_NO_OFFSET, "%s: directories nested too deeply", path);
    names n;
    WG_TRY(list_directory(l, path, &n));
    for (uint32_t i = 0; i < n.count; i++) {
        const char *below = wgi_path_join(l->arena, path, n.items[i]);
        if (below == NULL) return wg_error_nomem(l->err, strlen(path));
        const char *equals = strchr(n.items[i], '=');
        if (!n.is_directory[i]) {
            if (ends_with(n.items[i], ".parquet")) WG_TRY(add_file(l, below, captured, inferred));
        } else if (equals != NULL && equals != n.items[i]) {
            l->keys[inferred] = wg_slice_of(n.items[i], (size_t)(equals - n.items[i]));
            l->values[captured] = wg_slice_str(equals + 1);
            WG_TRY(walk_inferred(l, below, captured + 1, inferred + 1, depth + 1));
        } else {
            WG_TRY(walk_inferred(l, below, captured, inferred, depth + 1));
        }
    }
    return WG_OK;
}

static wg_code walk(listing *l, const char *path, uint32_t segment, uint32_t captured);

/* The rest of the pattern is one literal segment. */
static wg_code walk_literal(listing *l, const char *path, uint32_t segment, uint32_t captured) {
    wg_platform *p = l->engine->platform;
    char *name = wg_arena_strdup(l->arena, l->segments[segment]);
    char *below = name == NULL ? NULL : wgi_path_join(l->arena, path, name);
    if (below == NULL) return wg_error_nomem(l->err, strlen(path));
    const bool last = segment + 1 == l->segment_count && !l->directory_form;
    if (!last) return walk(l, below, segment + 1, captured);
    wg_file_info info;
    wg_error local = {0};
    const wg_code code = p->ops->stat(p, below, &info, &local);
    if (code == WG_E_NOT_FOUND)
        return WG_OK; /* this branch has no such file; no match at all is told by the caller */
    if (code != WG_OK) {
        if (l->err != NULL && l->err->code == WG_OK) *l->err = local;
        return code;
    }
    return info.is_directory ? WG_OK : add_file(l, below, captured, 0);
}

static bool below_hole(const listing *l, uint32_t segment) {
    for (uint32_t i = 0; i < segment; i++)
        if (has_hole(l->segments[i])) return true;
    return false;
}

static bool is_directory(const listing *l, const char *path) {
    wg_platform *p = l->engine->platform;
    wg_file_info info;
    return p->ops->stat(p, path, &info, NULL) == WG_OK && info.is_directory;
}

static wg_code walk(listing *l, const char *path, uint32_t segment, uint32_t captured) {
    if (segment == l->segment_count) return walk_inferred(l, path, captured, 0, 0);
    if (!has_hole(l->segments[segment])) return walk_literal(l, path, segment, captured);
    const bool last = segment + 1 == l->segment_count && !l->directory_form;
    if (segment > 0 && below_hole(l, segment) && !is_directory(l, path))
        return WG_OK; /* a branch without this part */
    names n;
    WG_TRY(list_directory(l, path, &n));
    for (uint32_t i = 0; i < n.count; i++) {
        if (n.is_directory[i] == last) continue;
        uint32_t now = captured;
        if (!wg_pattern_match_segment(l->segments[segment], wg_slice_str(n.items[i]), l->values, &now)) continue;
        char *below = wgi_path_join(l->arena, path, n.items[i]);
        if (below == NULL) return wg_error_nomem(l->err, strlen(path));
        if (last) WG_TRY(add_file(l, below, now, 0));
        else WG_TRY(walk(l, below, segment + 1, now));
    }
    return WG_OK;
}

wg_code wgi_virtual_list(wg_engine *engine, const char *pattern, wg_arena *arena, wgi_found_file **out,
                         uint32_t *out_count, wg_error *err) {
    wg_slice segments[LIST_DEPTH_MAX + 2];
    listing *l = wg_arena_alloc_zero(arena, sizeof *l);
    if (l == NULL) return wg_error_nomem(err, sizeof *l);
    *l = (listing){.engine = engine, .arena = arena, .segments = segments, .err = err};
    WG_ASSERT(pattern[0] == '/');
    const char *at = pattern + 1;
    while (*at != '\0') {
        const char *slash = strchr(at, '/');
        const size_t size = slash != NULL ? (size_t)(slash - at) : strlen(at);
        if (l->segment_count == LIST_DEPTH_MAX)
            return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "partition pattern has more than %d segments",
                                (int)LIST_DEPTH_MAX);
        segments[l->segment_count++] = wg_slice_of(at, size);
        if (slash == NULL) break;
        at = slash + 1;
        l->directory_form = *at == '\0';
    }
    WG_TRY(walk(l, "/", 0, 0));
    *out = l->files;
    *out_count = l->file_count;
    return WG_OK;
}
