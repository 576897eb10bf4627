/* Fuzzes the decoder of ring files: any bytes give pieces that lie inside the ring, or an error. The magic, the store's ids and the size are set
 * right half of the time, so that positions are reached. */
#include "worldgraph/lanes/lanes_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { BYTES = RING_PAGE_BYTES + WG_LANE_RING_BYTES_MIN };
    static _Alignas(64) uint8_t file[BYTES];
    if (size < 1) return 0;
    const bool right = (data[0] & 1) != 0;
    const size_t bytes = right ? BYTES : wg_min_size(size - 1, BYTES);
    memset(file, 0, sizeof file);
    memcpy(file, data + 1, wg_min_size(size - 1, BYTES));
    wg_rings_source source = {.logseq = data[0] >> 1};
    if (right) {
        ring_head *head = (ring_head *)(void *)file;
        memcpy(head->magic, wgi_ring_magic, sizeof head->magic);
        head->version = RING_VERSION;
        head->ring_bytes = WG_LANE_RING_BYTES_MIN;
        head->logseq &= 127;
        atomic_store(&head->valid, 1);
        memcpy(source.store_uuid, head->store_uuid, 16);
        memcpy(source.ring_id, head->ring_id, 16);
    }
    wg_slice pieces[2];
    uint64_t end = 0;
    bool valid = false;
    wg_error err = {0};
    if (wgi_ring_decode(wg_slice_of(file, bytes), &source, pieces, &end, &valid, &err) != WG_OK) {
        WG_ASSERT(err.code != WG_OK);
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        WG_ASSERT(pieces[i].size == 0 || pieces[i].data >= file + RING_PAGE_BYTES);
        WG_ASSERT(pieces[i].size == 0 || pieces[i].data + pieces[i].size <= file + bytes);
    }
    return 0;
}
