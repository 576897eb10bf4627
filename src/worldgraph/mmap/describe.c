/* What the policy of compaction knows of a stripe: its keys, its rows, and how many of them are dead weight.
 *
 * Dead are the rows of newest fragments that end at or before the horizon (or were rolled back), and all rows of fragments that
 * something newer has replaced: both are what a merge of the stripe leaves out. Rows of replaced fragments of any kind count,
 * rows of the others only for ROWS part 0. Zone maps answer for most slots; END columns are read where they cannot.
 *
 * The answer is kept with a signature of all that it depends on besides the horizon: which of the stripe's fragments count, and
 * which newer `end`s its slots have. Most changes of the set leave most signatures alone, so a pick among many stripes reads
 * few columns. */
#include "worldgraph/mmap/merge_internal.h"

static void store_be(uint8_t *to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

void wg_fragment_key_bytes(const wg_fragment_key *key, uint8_t out[28]) {
    store_be(out, key->kind, 4);
    store_be(out + 4, key->owner, 4);
    store_be(out + 8, key->run, 8);
    store_be(out + 16, key->slot, 8);
    store_be(out + 24, key->part, 4);
}

static wg_code rows_count(const wgi_view *view, const wg_stripe *stripe, uint64_t horizon, wg_account *account,
                          wgi_slot_rows **scratch, wg_compaction_file *file, wg_error *err) {
    for (uint32_t i = 0; i < wg_stripe_fragment_count(stripe); i++) {
        const wg_fragment *f = wg_stripe_fragment(stripe, i);
        wg_fragment_key key = f->head.key;
        if (wgi_view_find(view, &key) != f) {
            file->rows += f->head.row_count;
            file->dead_rows += f->head.row_count;
            continue;
        }
        if (key.kind != WG_KIND_ROWS || key.part != 0) continue;
        uint32_t dead = 0;
        key.part = 1;
        WG_TRY(wgi_slot_rows_dead(f, wgi_view_find(view, &key), horizon, account, scratch, &dead, err));
        file->rows += f->head.row_count;
        file->dead_rows += dead;
    }
    return WG_OK;
}

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static uint64_t signature_of(const wgi_view *view, const wgi_slot *slot) {
    const wg_stripe *stripe = slot->member->stripe;
    uint64_t hash = mix(slot->entry.level, 1);
    for (uint32_t i = 0; i < wg_stripe_fragment_count(stripe); i++) {
        const wg_fragment *f = wg_stripe_fragment(stripe, i);
        wg_fragment_key key = f->head.key;
        hash = mix(hash, wgi_view_find(view, &key) == f);
        if (key.kind != WG_KIND_ROWS || key.part != 0) continue;
        key.part = 1;
        const wg_fragment *ends = wgi_view_find(view, &key);
        hash = mix(hash, ends == NULL ? 0 : ends->head.version);
    }
    return hash | 1; /* never 0 */
}

wg_code wg_stripe_set_describe(const wg_stripe_set *set, uint32_t i, uint64_t horizon, wg_compaction_file *out,
                               wg_error *err) {
    const wgi_view *view = wgi_view_hold(set);
    WG_ASSERT(i < view->slot_count);
    const wgi_slot *slot = &view->slots[i];
    wgi_member *member = slot->member;
    const uint64_t signature = signature_of(view, slot);
    if (member->described_signature == signature && member->described_horizon == horizon) {
        *out = member->described;
        return WG_OK;
    }
    const wg_stripe *stripe = member->stripe;
    wg_compaction_file file = {.id = slot->entry.id, .level = slot->entry.level, .bytes = slot->entry.bytes};
    const uint32_t count = wg_stripe_fragment_count(stripe);
    if (count > 0) {
        wg_fragment_key_bytes(&wg_stripe_fragment(stripe, 0)->head.key, file.first);
        wg_fragment_key_bytes(&wg_stripe_fragment(stripe, count - 1)->head.key, file.last);
    }
    wgi_slot_rows *scratch = NULL;
    const wg_code code = rows_count(view, stripe, horizon, set->account, &scratch, &file, err);
    wg_free(scratch);
    if (code != WG_OK) return code;
    member->described = file;
    member->described_signature = signature;
    member->described_horizon = horizon;
    *out = file;
    return WG_OK;
}
