/* Ring files: rings that outlive a killed process. docs/format/ring.md has the bytes.
 *
 * The first page of a file holds a head and the lane itself, whose positions the commits move anyway: a commit does nothing more for a ring
 * in a file than for one in anonymous memory. The processor makes stores visible in order, and what a killed process has stored stays: a
 * record lies whole before `end` passes it. A drain notes in `cut_end` and `cut_logseq` what it is about to append; who opens the store next
 * sees by the log's newest commit whether that took place, so nothing is taken twice and nothing left out.
 *
 * All memory of a file is taken when it is made: a page that the system could not give later would be a signal. The file stays open and
 * locked as long as its lane lives, so that a copy of a workspace that is in use cannot take the rings of the original.
 *
 * Failure: no file is left behind; the lanes then do without. A damaged file is WG_E_CORRUPT, with its name. */
#include "worldgraph/lanes/lanes_internal.h"

#include <stdio.h>

const uint8_t wgi_ring_magic[8] = {'W', 'G', 'R', 'I', 'N', 'G', '\r', '\n'};

static wg_lane *lane_of(ring_head *head) { return (wg_lane *)(void *)((uint8_t *)head + RING_LANE_AT); }

wg_code wgi_ring_path(const char *dir, const uint8_t id[16], uint32_t lane, char out[RING_PATH_BYTES],
                      wg_error *err) {
    char hex[33];
    for (size_t i = 0; i < 16; i++) (void)snprintf(hex + 2 * i, 3, "%02x", (unsigned)id[i]);
    const int n = snprintf(out, RING_PATH_BYTES, "%s/worldgraph-%s-%04u.ring", dir, hex, lane);
    if (n > 0 && n < RING_PATH_BYTES) return WG_OK;
    return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the directory of the rings has too long a name");
}

/* ---- making */

/* Zeros through write take the memory, or say that there is none. */
static wg_code take_memory(wg_platform *p, wg_file *file, uint64_t size, wg_error *err) {
    static const uint8_t zeros[65536];
    for (uint64_t at = 0; at < size; at += sizeof zeros)
        WG_TRY(p->ops->write_at(p, file, at, zeros, (size_t)wg_min_u64(sizeof zeros, size - at), err));
    return WG_OK;
}

static wg_code file_make(const wg_lanes *lanes, uint32_t number, const char *path, lane_place *out, wg_error *err) {
    wg_platform *p = lanes->files.platform;
    const uint64_t ring_bytes = wgi_lanes_ring_bytes(lanes, number);
    const uint64_t size = RING_PAGE_BYTES + ring_bytes;
    wg_file *file = NULL;
    void *map = NULL;
    WG_TRY(p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, err));
    wg_code code = p->ops->lock(p, file, err);
    if (code == WG_OK) code = take_memory(p, file, size, err);
    if (code == WG_OK) code = p->ops->map_shared(p, file, size, &map, err);
    if (code != WG_OK) {
        (void)p->ops->unlink(p, path, NULL);
        p->ops->close(p, file);
        return code;
    }
    memset(map, 0, size); /* every page has its entry now: no commit waits for one */
    ring_head *head = map;
    head->version = RING_VERSION;
    head->lane = number;
    memcpy(head->store_uuid, lanes->files.store_uuid, 16);
    memcpy(head->ring_id, lanes->files.ring_id, 16);
    head->ring_bytes = ring_bytes;
    head->logseq = lanes->files.logseq;
    wg_lane *lane = lane_of(head);
    lane->ring_bytes = ring_bytes;
    lane->ring = (uint8_t *)map + RING_PAGE_BYTES;
    atomic_store_explicit(&head->valid, 1, memory_order_release);
    memcpy(head->magic, wgi_ring_magic, sizeof head->magic);
    *out = (lane_place){.lane = lane, .map = head, .file = file};
    return WG_OK;
}

wg_code wgi_ring_make(const wg_lanes *lanes, uint32_t number, lane_place *out, wg_error *err) {
    char path[RING_PATH_BYTES];
    WG_TRY(wgi_ring_path(lanes->files.ring_dir, lanes->files.ring_id, number, path, err));
    return file_make(lanes, number, path, out, err);
}

bool wgi_ring_is_wanted(const lane_place *place) {
    if (place->map == NULL || atomic_load_explicit(&place->map->valid, memory_order_relaxed) != 1) return false;
    return atomic_load_explicit(&place->lane->drained, memory_order_relaxed) !=
           atomic_load_explicit(&place->lane->end, memory_order_relaxed);
}

void wgi_ring_end(const wg_lanes *lanes, lane_place *place, bool keep) {
    wg_platform *p = lanes->files.platform;
    char path[RING_PATH_BYTES];
    if (!keep && wgi_ring_path(lanes->files.ring_dir, lanes->files.ring_id, place->lane->number, path, NULL) == WG_OK)
        (void)p->ops->unlink(p, path, NULL); /* one that stays is empty, and its name never comes again */
    p->ops->unmap(p, place->map, RING_PAGE_BYTES + place->lane->ring_bytes);
    p->ops->close(p, place->file);
    *place = (lane_place){0};
}

/* ---- reading */

static wg_code bad(wg_error *err, const char *what) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "ring file: %s", what);
}

static wg_code check_positions(const wg_lane *lane, uint64_t begin, uint64_t end, wg_error *err) {
    const uint64_t drained = atomic_load_explicit(&lane->drained, memory_order_relaxed);
    const uint64_t pad = atomic_load_explicit(&lane->pad, memory_order_relaxed);
    if (begin < drained || end < begin || end - drained > lane->ring_bytes || end > UINT64_MAX / 2)
        return bad(err, "its positions are not in order");
    if (pad > end + lane->ring_bytes) return bad(err, "its padding lies behind its end");
    return WG_OK;
}

wg_code wgi_ring_decode(wg_slice file, const wg_rings_source *source, wg_slice pieces[2], uint64_t *out_end,
                        bool *out_valid, wg_error *err) {
    struct {
        ring_head head;
        wg_lane lane;
    } page;
    pieces[0] = pieces[1] = wg_slice_of(file.data, 0);
    *out_end = 0;
    *out_valid = false;
    if (file.size < RING_PAGE_BYTES) { /* made, and not given its zeros yet, or damaged */
        for (size_t i = 0; i < file.size; i++)
            if (file.data[i] != 0) return bad(err, "it is shorter than its first page");
        *out_valid = true;
        return WG_OK;
    }
    memcpy(&page.head, file.data, sizeof page.head);
    memcpy(&page.lane, file.data + RING_LANE_AT, sizeof page.lane);
    const uint8_t none[sizeof page.head.magic] = {0};
    if (memcmp(page.head.magic, none, sizeof none) == 0) { /* killed while it was made: nobody put anything into it */
        *out_valid = true;
        return WG_OK;
    }
    if (memcmp(page.head.magic, wgi_ring_magic, sizeof wgi_ring_magic) != 0) return bad(err, "it has no magic");
    if (page.head.version != RING_VERSION)
        return wg_error_set(err, WG_E_VERSION, WG_NO_OFFSET, "ring file: version %u is unknown", page.head.version);
    const uint64_t bytes = page.head.ring_bytes;
    if (bytes < WG_LANE_RING_BYTES_MIN || (bytes & (bytes - 1)) != 0 || bytes != file.size - RING_PAGE_BYTES)
        return bad(err, "its size is not what it says");
    if (memcmp(page.head.store_uuid, source->store_uuid, 16) != 0 ||
        memcmp(page.head.ring_id, source->ring_id, 16) != 0)
        return bad(err, "it belongs to another store");
    if (atomic_load_explicit(&page.head.valid, memory_order_relaxed) != 1) return WG_OK;
    page.lane.ring_bytes = bytes; /* the page's copy says nothing that counts */
    const uint64_t cut_logseq = atomic_load_explicit(&page.lane.cut_logseq, memory_order_relaxed);
    const uint64_t cut_end = atomic_load_explicit(&page.lane.cut_end, memory_order_relaxed);
    if (page.head.logseq > source->logseq || (cut_logseq != 0 && cut_logseq - 1 > source->logseq))
        return bad(err, "it goes on behind commits that the log has not");
    const bool logged = cut_logseq != 0 && cut_logseq <= source->logseq;
    const uint64_t begin = logged ? cut_end : atomic_load_explicit(&page.lane.drained, memory_order_relaxed);
    const uint64_t end = atomic_load_explicit(&page.lane.end, memory_order_relaxed);
    WG_TRY(check_positions(&page.lane, begin, end, err));
    wgi_ring_pieces(&page.lane, file.data + RING_PAGE_BYTES, begin, end, pieces);
    *out_end = end;
    *out_valid = true;
    return WG_OK;
}

typedef struct ring_file {
    char path[RING_PATH_BYTES];
    wg_file *file;
    uint8_t *bytes;
    uint64_t end;
    bool has_records;
} ring_file;

struct wg_rings {
    wg_rings_source source;
    uint32_t file_count;
    uint32_t piece_count;
    bool ignored; /* one of them was made invalid: none counts */
    wg_code code; /* of the listing */
    ring_file *files;
    wg_slice *pieces;
};

static wg_code read_whole(const wg_rings *r, ring_file *f, size_t *out_size, wg_error *err) {
    wg_platform *p = r->source.platform;
    wg_file_info info;
    WG_TRY(p->ops->file_info(p, f->file, &info, err));
    if (info.size > RING_PAGE_BYTES + (UINT64_C(1) << 30)) return bad(err, "it is over 1 GiB");
    const size_t size = (size_t)info.size;
    f->bytes = wg_alloc(r->source.account, wg_max_size(size, 1));
    if (f->bytes == NULL) return wg_error_nomem(err, size);
    return p->ops->read_at(p, f->file, 0, f->bytes, size, out_size, err);
}

/* Numbers have no holes: a lane's file is made before the next one's. */
static wg_code take_file(wg_rings *r, uint32_t number, bool *out_more, wg_error *err) {
    wg_platform *p = r->source.platform;
    ring_file *f = &r->files[r->file_count];
    wg_error local = {0};
    *f = (ring_file){0};
    WG_TRY(wgi_ring_path(r->source.ring_dir, r->source.ring_id, number, f->path, err));
    wg_code code = p->ops->open(p, f->path, WG_OPEN_WRITE, &f->file, &local);
    *out_more = code != WG_E_NOT_FOUND;
    if (code == WG_E_NOT_FOUND) return WG_OK;
    size_t size = 0;
    if (code == WG_OK) {
        r->file_count++; /* closed with the others from here on */
        code = p->ops->lock(p, f->file, &local);
    }
    if (code == WG_OK) code = read_whole(r, f, &size, &local);
    bool valid = false;
    wg_slice pieces[2];
    if (code == WG_OK)
        code = wgi_ring_decode(wg_slice_of(f->bytes, size), &r->source, pieces, &f->end, &valid, &local);
    if (code == WG_E_BUSY) { /* the process that has this store's twin open */
        r->ignored = true;
        *out_more = false;
        return WG_OK;
    }
    if (code != WG_OK)
        return wg_error_set_sys(err, code, local.sys_errno,
                                "%s: %.120s; it holds acknowledged commits: move it away to open without them",
                                f->path, local.message);
    r->ignored |= !valid;
    f->has_records = pieces[0].size + pieces[1].size != 0;
    for (int i = 0; i < 2; i++)
        if (pieces[i].size != 0) r->pieces[r->piece_count++] = pieces[i];
    return WG_OK;
}

/* Until they are removed: what becomes commit logseq + 1 is not taken again behind it. */
static wg_code note_taking(wg_rings *r, wg_error *err) {
    wg_platform *p = r->source.platform;
    for (uint32_t i = 0; i < r->file_count; i++) {
        const ring_file *f = &r->files[i];
        const uint64_t note[2] = {f->end, r->source.logseq + 1}; /* cut_end, cut_logseq, as the machine has them */
        if (!f->has_records) continue;
        WG_TRY(p->ops->write_at(p, f->file, RING_LANE_AT + offsetof(wg_lane, cut_end), &note[0], 8, err));
        WG_TRY(p->ops->write_at(p, f->file, RING_LANE_AT + offsetof(wg_lane, cut_logseq), &note[1], 8, err));
    }
    return WG_OK;
}

wg_code wg_rings_open(const wg_rings_source *source, wg_rings **out, wg_error *err) {
    wg_rings *r = wg_alloc_zero(source->account, sizeof *r);
    if (r == NULL) return wg_error_nomem(err, sizeof *r);
    wg_code code = WG_OK;
    r->source = *source;
    r->files = wg_alloc(source->account, (WG_LANES_MAX + 1) * sizeof *r->files);
    r->pieces = wg_alloc(source->account, 2 * WG_LANES_MAX * sizeof *r->pieces);
    if (r->files == NULL || r->pieces == NULL) code = wg_error_nomem(err, WG_LANES_MAX * sizeof *r->files);
    bool more = true;
    for (uint32_t n = 0; n < WG_LANES_MAX && more && code == WG_OK; n++) code = take_file(r, n, &more, err);
    if (r->ignored) r->piece_count = 0;
    if (code == WG_OK && r->piece_count != 0) code = note_taking(r, err);
    if (code != WG_OK || r->file_count == 0) {
        wg_rings_close(r, false);
        if (code == WG_OK) *out = NULL;
        return code;
    }
    *out = r;
    return WG_OK;
}

uint32_t wg_rings_pieces(const wg_rings *rings, const wg_slice **out) {
    if (out != NULL) *out = rings->pieces;
    return rings->piece_count;
}

void wg_rings_close(wg_rings *rings, bool remove) {
    if (rings == NULL) return;
    wg_platform *p = rings->source.platform;
    for (uint32_t i = rings->file_count; i > 0; i--) { /* the last first: what is left has no holes */
        const ring_file *f = &rings->files[i - 1];
        if (remove && f->bytes != NULL) (void)p->ops->unlink(p, f->path, NULL);
        p->ops->close(p, f->file);
        wg_free(f->bytes);
    }
    wg_free(rings->files);
    wg_free(rings->pieces);
    wg_free(rings);
}
