/* Crashes of the simulated disk: which of the queued changes survive, and the disk that is left.
 *
 * The model is stricter than any one file system. Each queued write is cut at 512-byte sector borders and each piece
 * survives or not by itself; the size of a file may survive without its data and the data without the size; each change
 * of names survives or not by itself, whatever became of the content. What a sync covered is always there. Bytes of a
 * sector outside the written range are never changed: a drive that destroys neighbours of what it writes is not modelled
 * (docs/durability.md says so). The pattern decides; the four random ones toss seeded coins. */
#include "io/platform/platform_sim_internal.h"

typedef struct crash {
    wg_crash_pattern pattern;
    uint64_t last_sequence;       /* of the newest queued change of any kind */
    uint64_t last_write_sequence; /* of the newest queued write */
    uint64_t chance;              /* of the random patterns, in 16ths */
    wg_rng rng;
} crash;

static void crash_init(crash *c, const sim_disk *disk, wg_crash_pattern pattern, uint64_t seed) {
    memset(c, 0, sizeof *c);
    c->pattern = pattern;
    wg_rng_init(&c->rng, seed ^ ((uint64_t)pattern << 56));
    static const uint64_t chances[] = {8, 8, 14, 2};
    if (pattern >= WG_CRASH_RANDOM_1) c->chance = chances[pattern - WG_CRASH_RANDOM_1];
    for (size_t i = 0; i < disk->name_op_count; i++)
        c->last_sequence = wg_max_u64(c->last_sequence, disk->name_ops[i].sequence);
    for (size_t i = 0; i < disk->inode_count; i++) {
        const sim_inode *inode = disk->inodes[i];
        for (size_t k = 0; k < inode->op_count; k++) {
            const sim_op *op = &inode->ops[k];
            c->last_sequence = wg_max_u64(c->last_sequence, op->sequence);
            if (!op->is_truncate) c->last_write_sequence = wg_max_u64(c->last_write_sequence, op->sequence);
        }
    }
}

static bool coin(crash *c) { return wg_rng_below(&c->rng, 16) < c->chance; }

static bool name_survives(crash *c, const sim_name_op *op) {
    switch (c->pattern) {
        case WG_CRASH_NONE_SURVIVES:
        case WG_CRASH_DATA_WITHOUT_NAMES:
            return false;
        case WG_CRASH_ALL_SURVIVES:
        case WG_CRASH_TORN_FIRST:
        case WG_CRASH_TORN_MIDDLE:
        case WG_CRASH_TORN_LAST:
        case WG_CRASH_SIZE_WITHOUT_DATA:
        case WG_CRASH_DATA_WITHOUT_SIZE:
        case WG_CRASH_NAMES_WITHOUT_DATA:
        case WG_CRASH_GARBAGE:
            return true;
        case WG_CRASH_ALL_BUT_LAST:
            return op->sequence != c->last_sequence;
        case WG_CRASH_ONLY_LAST:
            return op->sequence == c->last_sequence;
        case WG_CRASH_RANDOM_1:
        case WG_CRASH_RANDOM_2:
        case WG_CRASH_RANDOM_3:
        case WG_CRASH_RANDOM_4:
            return coin(c);
        case WG_CRASH_PATTERN_COUNT:
            break;
    }
    WG_UNREACHABLE("crash patterns are closed");
}

/* `piece` of `pieces` sectors of one write. */
static bool piece_survives(crash *c, const sim_op *op, size_t piece, size_t pieces) {
    const bool last = op->sequence == c->last_write_sequence;
    switch (c->pattern) {
        case WG_CRASH_NONE_SURVIVES:
        case WG_CRASH_SIZE_WITHOUT_DATA:
        case WG_CRASH_NAMES_WITHOUT_DATA:
            return false;
        case WG_CRASH_ALL_SURVIVES:
        case WG_CRASH_DATA_WITHOUT_SIZE:
        case WG_CRASH_DATA_WITHOUT_NAMES:
        case WG_CRASH_GARBAGE:
            return true;
        case WG_CRASH_ALL_BUT_LAST:
            return op->sequence != c->last_sequence;
        case WG_CRASH_ONLY_LAST:
            return op->sequence == c->last_sequence;
        case WG_CRASH_TORN_FIRST:
            return !last || piece != 0;
        case WG_CRASH_TORN_MIDDLE:
            return !last || piece < pieces / 2;
        case WG_CRASH_TORN_LAST:
            return !last || piece + 1 != pieces;
        case WG_CRASH_RANDOM_1:
        case WG_CRASH_RANDOM_2:
        case WG_CRASH_RANDOM_3:
        case WG_CRASH_RANDOM_4:
            return coin(c);
        case WG_CRASH_PATTERN_COUNT:
            break;
    }
    WG_UNREACHABLE("crash patterns are closed");
}

static bool truncate_survives(crash *c, const sim_op *op) {
    if (c->pattern == WG_CRASH_DATA_WITHOUT_SIZE) return false;
    return piece_survives(c, op, 0, 1);
}

/* Copies [begin, end) of a write into `content`, growing it when the pattern lets sizes survive. */
static bool apply_piece(const crash *c, wg_buf *content, const sim_op *op, uint64_t begin, uint64_t end) {
    if (end > content->size) {
        if (c->pattern == WG_CRASH_DATA_WITHOUT_SIZE) end = wg_max_u64(begin, content->size);
        else if (!wgi_sim_resize(content, end)) return false;
    }
    if (end > begin && end <= content->size)
        memcpy(content->data + begin, op->data + (begin - op->offset), (size_t)(end - begin));
    return true;
}

/* The bytes [*from, *to) of one written sector that may hold anything when the power fails in its middle. A direct write states whole
 * blocks, and of those the bytes that it leaves as they are count as not written. */
static void at_stake(crash *c, const wg_buf *content, const sim_op *op, size_t pieces, uint64_t *from, uint64_t *to) {
    const uint64_t sector = op->offset / SIM_SECTOR_BYTES + wg_rng_below(&c->rng, pieces);
    *from = wg_max_u64(op->offset, sector * SIM_SECTOR_BYTES);
    *to = wg_min_u64(op->offset + op->size, (sector + 1) * SIM_SECTOR_BYTES);
    if (!op->direct || *to > content->size) return;
    while (*from < *to && content->data[*from] == op->data[*from - op->offset]) ++*from;
    while (*from < *to && content->data[*to - 1] == op->data[*to - 1 - op->offset]) --*to;
}

static bool apply_write(crash *c, wg_buf *content, const sim_op *op) {
    const uint64_t end = op->offset + op->size;
    const uint64_t first = op->offset / SIM_SECTOR_BYTES;
    const size_t pieces = (size_t)((end - 1) / SIM_SECTOR_BYTES - first + 1);
    const bool garbage = c->pattern == WG_CRASH_GARBAGE && op->sequence == c->last_write_sequence;
    uint64_t garbage_from = 0;
    uint64_t garbage_to = 0;
    if (garbage) at_stake(c, content, op, pieces, &garbage_from, &garbage_to);
    for (size_t i = 0; i < pieces; i++) {
        const uint64_t from = wg_max_u64(op->offset, (first + i) * SIM_SECTOR_BYTES);
        const uint64_t to = wg_min_u64(end, (first + i + 1) * SIM_SECTOR_BYTES);
        if (piece_survives(c, op, i, pieces) && !apply_piece(c, content, op, from, to)) return false;
    }
    for (uint64_t i = garbage_from; i < garbage_to; i++) content->data[i] = (uint8_t)wg_rng_next(&c->rng);
    return true;
}

/* Makes in *content what is left of one file. */
static bool content_after(crash *c, const sim_inode *inode, wg_buf *content) {
    if (!wg_buf_append(content, inode->durable.data, inode->durable.size)) return false;
    for (size_t i = 0; i < inode->op_count; i++) {
        const sim_op *op = &inode->ops[i];
        if (!op->is_truncate) {
            if (!apply_write(c, content, op)) return false;
        } else if (truncate_survives(c, op) && !wgi_sim_resize(content, op->offset)) {
            return false;
        }
    }
    const bool size_alone = c->pattern == WG_CRASH_SIZE_WITHOUT_DATA || (c->chance != 0 && coin(c));
    if (size_alone && inode->op_count != 0 && inode->current.size > content->size)
        return wgi_sim_resize(content, inode->current.size);
    return true;
}

bool wgi_sim_lose_pending(sim_disk *disk, sim_inode *inode) {
    crash c;
    crash_init(&c, disk, WG_CRASH_RANDOM_1, wg_rng_next(&disk->rng));
    wg_buf content;
    wg_buf_init(&content, NULL);
    if (!content_after(&c, inode, &content)) {
        wg_buf_deinit(&content);
        return false;
    }
    wg_buf_deinit(&inode->durable);
    inode->durable = content;
    wgi_sim_ops_clear(inode);
    return true;
}

static bool parent_survives(const sim_names *names, const char *path) {
    char parent[SIM_PATH_BYTES_MAX];
    const size_t n = wgi_sim_parent_size(path);
    memcpy(parent, path, n);
    parent[n] = '\0';
    return wgi_sim_name_find(names, parent) != NULL;
}

static bool names_after(crash *c, const sim_disk *disk, sim_names *out) {
    for (size_t i = 0; i < disk->durable.count; i++)
        if (!wgi_sim_name_set(out, disk->durable.items[i].path, disk->durable.items[i].inode)) return false;
    for (size_t i = 0; i < disk->name_op_count; i++)
        if (name_survives(c, &disk->name_ops[i]) && !wgi_sim_name_apply(out, &disk->name_ops[i])) return false;
    /* What lies in a directory that did not survive is gone; repeated, because directories nest. */
    for (bool removed = true; removed;) {
        removed = false;
        for (size_t i = 0; i < out->count && !removed; i++) {
            if (parent_survives(out, out->items[i].path)) continue;
            out->items[i] = out->items[--out->count];
            removed = true;
        }
    }
    return true;
}

static bool disk_after(crash *c, const sim_disk *from, const sim_names *names, sim_disk *to) {
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].path, "/") == 0) continue;
        const sim_inode *inode = from->inodes[names->items[i].inode];
        size_t n;
        if (!wgi_sim_inode_add(to, inode->is_directory, &n)) return false;
        sim_inode *copy = to->inodes[n];
        if (!content_after(c, inode, &copy->durable)) return false;
        if (!wg_buf_append(&copy->current, copy->durable.data, copy->durable.size)) return false;
        if (!wgi_sim_name_set(&to->names, names->items[i].path, n)) return false;
        if (!wgi_sim_name_set(&to->durable, names->items[i].path, n)) return false;
    }
    return true;
}

wg_code wg_platform_sim_reboot(const wg_platform *platform, wg_crash_pattern pattern, uint64_t seed,
                               wg_platform **out, wg_error *err) {
    WG_ASSERT(pattern < WG_CRASH_PATTERN_COUNT);
    sim_disk *disk = sim_disk_of(platform);
    wg_platform *made = NULL;
    WG_TRY(wg_platform_sim_create(seed, &made, err));
    sim_names names = {0};
    crash c;
    wg_mutex_lock(&disk->mutex);
    crash_init(&c, disk, pattern, seed);
    const bool ok = names_after(&c, disk, &names) && disk_after(&c, disk, &names, sim_disk_of(made));
    wg_mutex_unlock(&disk->mutex);
    wg_free(names.items);
    if (!ok) {
        wg_platform_sim_destroy(made);
        return wg_error_nomem(err, sizeof(sim_inode));
    }
    *out = made;
    return WG_OK;
}

/* Smallest path above `after`, NULL at the end. Files are few: sorting by repeated search needs no memory. */
static const sim_name *next_name(const sim_names *names, const char *after) {
    const sim_name *best = NULL;
    for (size_t i = 0; i < names->count; i++) {
        const sim_name *name = &names->items[i];
        if (strcmp(name->path, after) > 0 && (best == NULL || strcmp(name->path, best->path) < 0)) best = name;
    }
    return best;
}

bool wg_platform_sim_dump(const wg_platform *platform, wg_buf *out) {
    sim_disk *disk = sim_disk_of(platform);
    bool ok = true;
    wg_mutex_lock(&disk->mutex);
    for (const sim_name *name = next_name(&disk->durable, ""); ok && name != NULL;
         name = next_name(&disk->durable, name->path)) {
        const sim_inode *inode = disk->inodes[name->inode];
        ok = wg_buf_append_str(out, name->path) && wg_buf_append_u8(out, inode->is_directory ? '/' : 0) &&
             wg_buf_append_u64(out, inode->durable.size) &&
             wg_buf_append(out, inode->durable.data, inode->durable.size);
    }
    wg_mutex_unlock(&disk->mutex);
    return ok;
}
