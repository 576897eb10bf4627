/* Fuzzes the manifest's reader: arbitrary bytes as CURRENT and as the manifest that it may name.
 *
 * The first byte is the size of CURRENT. Reading ends with success or a typed error; what was read can be committed as
 * the next epoch and reads back equal. When CURRENT does not name the manifest's epoch, or a byte is wrong, it must not
 * succeed: an input that does was written by this module, which the commit below reproduces byte for byte. */
#include "io/manifest_txn/manifest_txn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_file(wg_platform *p, const char *path, const uint8_t *data, size_t size) {
    wg_file *file;
    if (p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, NULL) != WG_OK) return;
    WG_ASSERT(p->ops->write_at(p, file, 0, data, size, NULL) == WG_OK);
    p->ops->close(p, file);
}

static wg_platform *workspace(void) {
    wg_platform *p = NULL;
    if (wg_platform_sim_create(1, &p, NULL) != WG_OK) return NULL;
    WG_ASSERT(p->ops->make_directory(p, "/db", NULL) == WG_OK);
    WG_ASSERT(p->ops->make_directory(p, "/db/manifest", NULL) == WG_OK);
    return p;
}

static void expect_read(wg_platform *p, uint64_t epoch, wg_slice payload) {
    wg_buf again;
    wg_buf_init(&again, NULL);
    uint64_t found = 0;
    WG_ASSERT(wg_manifest_read(p, "/db", &found, &again, NULL) == WG_OK);
    WG_ASSERT(found == epoch);
    WG_ASSERT(wg_slice_equal(wg_buf_slice(&again), payload));
    wg_buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    const size_t current_size = wg_min_size(data[0], size - 1);
    const uint8_t *rest = data + 1 + current_size;
    const size_t rest_size = size - 1 - current_size;
    wg_platform *p = workspace();
    if (p == NULL) return 0;
    put_file(p, "/db/CURRENT", data + 1, current_size);
    put_file(p, "/db/manifest/00000000000000000001.json", rest, rest_size);
    wg_buf payload;
    wg_buf_init(&payload, NULL);
    uint64_t epoch = 0;
    wg_error err = {0};
    const wg_code code = wg_manifest_read(p, "/db", &epoch, &payload, &err);
    WG_ASSERT(code == WG_OK || code == WG_E_CORRUPT);
    if (code == WG_OK && epoch < UINT64_MAX) {
        WG_ASSERT(wg_manifest_commit(p, "/db", epoch + 1, wg_buf_slice(&payload), NULL) == WG_OK);
        expect_read(p, epoch + 1, wg_buf_slice(&payload));
    }
    wg_platform_sim_destroy(p);
    /* Any bytes are a legal payload. */
    p = workspace();
    if (p != NULL) {
        WG_ASSERT(wg_manifest_commit(p, "/db", 1, wg_slice_of(data, size), NULL) == WG_OK);
        expect_read(p, 1, wg_slice_of(data, size));
        wg_platform_sim_destroy(p);
    }
    wg_buf_deinit(&payload);
    return 0;
}
