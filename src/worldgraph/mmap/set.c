/* The set of stripes that make up a checkpoint, seen by readers as one immutable view that is replaced by a pointer swap.
 *
 * A change opens what is added, builds the next view beside the present one and publishes it; only then does anything leave. A
 * failure before that closes what was opened and changes nothing (I2). The view before is retired to the epoch. Stripes that
 * left are parked: tables may hold their fragments until they have adopted the new ones, and readers reach the fragments through
 * the tables. wg_stripe_set_settle, or the next change, hands them to the epoch, which unmaps them after the last reader.
 *
 * A merge runs beside checkpoints, which add stripes, and which may fail after that and take them out again. It must see none of
 * them: it uses the view that was described when its job was picked. That view is held, with its stripes, until the merge
 * has ended.
 *
 * The index is an array of pointers to the newest fragments in key order (newest.c); opening a stripe reads its header and
 * footer, so a set of hundreds opens in milliseconds. What is named is not trusted: sizes, levels and numbers are checked here,
 * bytes by io/stripe. */
#include "worldgraph/mmap/mmap_internal.h"

/* Called by the epoch when no reader can hold a fragment of the stripe any more. */
static void member_dispose(void *block) {
    wgi_member *member = block;
    wg_stripe_close(member->stripe);
    wg_free(member);
}

wg_code wg_stripe_set_create(wg_platform *platform, const char *dir, const uint8_t store_uuid[16], wg_cache *cache,
                             wg_epoch *epoch, wg_account *account, wg_stripe_set **out, wg_error *err) {
    WG_ASSERT(platform != NULL);
    WG_ASSERT(epoch != NULL);
    const size_t dir_bytes = strlen(dir) + 1;
    wg_stripe_set *set = wg_alloc_zero(account, sizeof *set);
    wgi_view *view = wg_alloc_zero(account, sizeof *view);
    char *copy = wg_alloc(account, dir_bytes);
    if (set == NULL || view == NULL || copy == NULL) {
        wg_free(set);
        wg_free(view);
        wg_free(copy);
        return wg_error_nomem(err, sizeof *set);
    }
    memcpy(copy, dir, dir_bytes);
    memcpy(set->store_uuid, store_uuid, sizeof set->store_uuid);
    set->platform = platform;
    set->dir = copy;
    set->cache = cache;
    set->epoch = epoch;
    set->account = account;
    view->refs = 1;
    set->self = set;
    wg_mutex_init(&set->lock, WG_RANK_STRIPES);
    atomic_init(&set->view, view);
    *out = set;
    return WG_OK;
}

void wg_stripe_set_destroy(wg_stripe_set *set) {
    if (set == NULL) return;
    wgi_view *view = atomic_load_explicit(&set->view, memory_order_acquire);
    for (uint32_t i = 0; i < view->slot_count; i++) member_dispose(view->slots[i].member);
    while (set->parked != NULL) {
        wgi_member *member = set->parked;
        set->parked = member->next_parked;
        member_dispose(member);
    }
    WG_ASSERT(set->merging == NULL);
    if (set->held != view) wg_free(set->held);
    wg_free(view);
    wg_mutex_deinit(&set->lock);
    wg_free(set->dir);
    wg_free(set);
}

/* ---- change */

typedef struct change {
    wg_stripe_set *set;
    const wgi_view *old;
    const wg_stripe_entry *added;
    uint32_t added_count;
    const uint64_t *removed;
    uint32_t removed_count;
    wgi_slot *slots; /* of the next view, by rising id */
    uint32_t slot_count;
} change;

static bool is_removed(const change *c, uint64_t id) {
    for (uint32_t i = 0; i < c->removed_count; i++)
        if (c->removed[i] == id) return true;
    return false;
}

static bool is_added(const change *c, uint64_t id) {
    for (uint32_t i = 0; i < c->added_count; i++)
        if (c->added[i].id == id) return true;
    return false;
}

static wg_code entry_check(const change *c, const wg_stripe_entry *entry, wg_error *err) {
    const unsigned long long id = (unsigned long long)entry->id;
    if (entry->level >= WG_LEVELS)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stripe %llu: level %u of %d is out of range", id,
                            entry->level, WG_LEVELS);
    for (uint32_t i = 0; i < c->slot_count; i++)
        if (c->slots[i].entry.id == entry->id)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stripe %llu is named twice", id);
    return WG_OK;
}

static wg_code member_open(const wg_stripe_set *set, const wg_stripe_entry *entry, wgi_member **out, wg_error *err) {
    wgi_member *member = wg_alloc_zero(set->account, sizeof *member);
    if (member == NULL) return wg_error_nomem(err, sizeof *member);
    wg_code code = wg_stripe_open(set->platform, set->dir, entry->id, set->store_uuid, set->cache, set->account,
                                  &member->stripe, err);
    if (code != WG_OK) {
        wg_free(member);
        return code;
    }
    const uint64_t bytes = wg_stripe_file_bytes(member->stripe);
    if (bytes != entry->bytes) {
        member_dispose(member);
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                            "stripe %llu in %s has %llu bytes, the manifest says %llu", (unsigned long long)entry->id,
                            set->dir, (unsigned long long)bytes, (unsigned long long)entry->bytes);
    }
    *out = member;
    return WG_OK;
}

/* Puts a stripe where its id belongs. */
static void slot_insert(change *c, wgi_member *member, const wg_stripe_entry *entry) {
    uint32_t at = c->slot_count++;
    for (; at > 0 && c->slots[at - 1].entry.id > entry->id; at--) c->slots[at] = c->slots[at - 1];
    c->slots[at] = (wgi_slot){.member = member, .entry = *entry};
}

/* Fills slots: those that stay, then those that come; one that is removed and added (a move) keeps its member. */
static wg_code slots_fill(change *c, wg_error *err) {
    for (uint32_t i = 0; i < c->removed_count; i++)
        if (wgi_view_slot(c->old, c->removed[i]) == UINT32_MAX)
            return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "stripe %llu is not in the set and cannot leave it",
                                (unsigned long long)c->removed[i]);
    for (uint32_t i = 0; i < c->old->slot_count; i++)
        if (!is_removed(c, c->old->slots[i].entry.id)) c->slots[c->slot_count++] = c->old->slots[i];
    for (uint32_t i = 0; i < c->added_count; i++) {
        const wg_stripe_entry *entry = &c->added[i];
        WG_TRY(entry_check(c, entry, err));
        const uint32_t before = wgi_view_slot(c->old, entry->id);
        wgi_member *member = NULL;
        if (before == UINT32_MAX) WG_TRY(member_open(c->set, entry, &member, err));
        else if (c->old->slots[before].entry.bytes == entry->bytes) member = c->old->slots[before].member;
        else
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stripe %llu changed its size",
                                (unsigned long long)entry->id);
        slot_insert(c, member, entry);
    }
    return WG_OK;
}

static void slots_undo(const change *c) {
    for (uint32_t i = 0; i < c->slot_count; i++)
        if (wgi_view_slot(c->old, c->slots[i].entry.id) == UINT32_MAX) member_dispose(c->slots[i].member);
}

/* Lays out the next view in one block: header, slots, fragments. */
static wg_code view_build(const change *c, wgi_view **out, wg_error *err) {
    size_t fragments = 0;
    for (uint32_t i = 0; i < c->slot_count; i++) fragments += wg_stripe_fragment_count(c->slots[i].member->stripe);
    const size_t slots_at = wg_align_up(sizeof(wgi_view), 64);
    const size_t fragments_at = wg_align_up(slots_at + c->slot_count * sizeof(wgi_slot), 64);
    const size_t bytes = fragments_at + fragments * sizeof(wg_fragment *);
    wgi_view *view = wg_alloc_zero(c->set->account, bytes);
    const wg_fragment **spare = wg_alloc(c->set->account, fragments * sizeof *spare + 1);
    if (view == NULL || spare == NULL) {
        wg_free(view);
        wg_free((void *)spare);
        return wg_error_nomem(err, bytes);
    }
    view->refs = 1;
    view->slot_count = c->slot_count;
    view->slots = (wgi_slot *)(void *)((uint8_t *)view + slots_at);
    view->fragments = (const wg_fragment **)(void *)((uint8_t *)view + fragments_at);
    uint64_t count = 0;
    for (uint32_t i = 0; i < c->slot_count; i++) {
        const wg_stripe *stripe = c->slots[i].member->stripe;
        view->slots[i] = c->slots[i];
        for (uint32_t k = 0; k < wg_stripe_fragment_count(stripe); k++)
            view->fragments[count++] = wg_stripe_fragment(stripe, k);
    }
    WG_ASSERT(count == fragments);
    view->fragment_count = wgi_newest(view->fragments, spare, count);
    wg_free((void *)spare);
    *out = view;
    return WG_OK;
}

static bool is_needed(const wg_stripe_set *set, const wgi_member *member) {
    const wgi_view *const views[2] = {set->held, set->merging};
    if (member->kept) return true;
    for (int i = 0; i < 2; i++)
        if (views[i] != NULL && wgi_view_slot(views[i], wg_stripe_id(member->stripe)) != UINT32_MAX) return true;
    return false;
}

/* Hands parked stripes to the epoch, but for those that a merge needs or that are kept. */
static void settle_locked(wg_stripe_set *set) {
    wgi_member *parked = set->parked;
    set->parked = NULL;
    while (parked != NULL) {
        wgi_member *member = parked;
        parked = member->next_parked;
        if (is_needed(set, member)) {
            member->next_parked = set->parked;
            set->parked = member;
            continue;
        }
        member->link = (wg_epoch_link){0};
        wg_stripe_drop_pages(member->stripe, true); /* unmapped only when the last reader has left */
        wg_epoch_retire_object(set->epoch, &member->link, member_dispose);
    }
}

static void view_release(wg_stripe_set *set, wgi_view *view) {
    WG_ASSERT(view->refs > 0);
    if (--view->refs == 0) wg_epoch_retire_linked(set->epoch, &view->link);
}

static wgi_view *hold_locked(wg_stripe_set *set) {
    wgi_view *view = atomic_load_explicit(&set->view, memory_order_relaxed);
    if (set->held == view) return view;
    if (set->held != NULL) view_release(set, set->held);
    set->held = view;
    view->refs++;
    return view;
}

const wgi_view *wgi_view_hold(const wg_stripe_set *set) {
    wg_stripe_set *self = set->self;
    wg_mutex_lock(&self->lock);
    const wgi_view *view = hold_locked(self);
    wg_mutex_unlock(&self->lock);
    return view;
}

const wgi_view *wgi_view_take(const wg_stripe_set *set) {
    wg_stripe_set *self = set->self;
    wg_mutex_lock(&self->lock);
    WG_ASSERT(self->merging == NULL); /* one merge at a time */
    self->merging = self->held != NULL ? self->held : hold_locked(self);
    self->merging->refs++;
    const wgi_view *view = self->merging;
    wg_mutex_unlock(&self->lock);
    return view;
}

void wgi_view_give(const wg_stripe_set *set) {
    wg_stripe_set *self = set->self;
    wg_mutex_lock(&self->lock);
    wgi_view *view = self->merging;
    WG_ASSERT(view != NULL);
    self->merging = NULL;
    if (self->held == view) {
        self->held = NULL;
        view_release(self, view);
    }
    view_release(self, view);
    wg_mutex_unlock(&self->lock);
}

static void publish(const change *c, wgi_view *view) {
    wg_stripe_set *set = c->set;
    settle_locked(set);
    wgi_view *old = atomic_load_explicit(&set->view, memory_order_relaxed);
    atomic_store_explicit(&set->view, view, memory_order_release); /* pairs with the acquire in wgi_view_of */
    for (uint32_t i = 0; i < old->slot_count; i++) {
        const uint64_t id = old->slots[i].entry.id;
        if (!is_removed(c, id) || is_added(c, id)) continue;
        old->slots[i].member->next_parked = set->parked;
        set->parked = old->slots[i].member;
        wg_stripe_drop_pages(set->parked->stripe, true); /* hardly anybody reads it any more */
    }
    view_release(set, old);
}

wg_code wg_stripe_set_change(wg_stripe_set *set, const wg_stripe_entry *added, uint32_t added_count,
                             const uint64_t *removed, uint32_t removed_count, wg_error *err) {
    wg_mutex_lock(&set->lock);
    const wgi_view *old = wgi_view_of(set);
    change c = {.set = set,
                .old = old,
                .added = added,
                .added_count = added_count,
                .removed = removed,
                .removed_count = removed_count};
    wgi_view *view = NULL;
    wg_code code = WG_OK;
    const size_t bytes = ((size_t)old->slot_count + added_count) * sizeof *c.slots;
    c.slots = wg_alloc_zero(set->account, bytes + 1);
    if (c.slots == NULL) WG_TRY_GOTO(wg_error_nomem(err, bytes));
    WG_TRY_GOTO(slots_fill(&c, err));
    WG_TRY_GOTO(view_build(&c, &view, err));
    publish(&c, view);
    wg_free(c.slots);
    wg_mutex_unlock(&set->lock);
    return WG_OK;
fail:
    if (c.slots != NULL) slots_undo(&c);
    wg_free(c.slots);
    wg_mutex_unlock(&set->lock);
    return code;
}

void wg_stripe_set_settle(wg_stripe_set *set) {
    wg_mutex_lock(&set->lock);
    settle_locked(set);
    wg_mutex_unlock(&set->lock);
}

void wg_stripe_set_keep(wg_stripe_set *set, const wg_stripe *stripe) {
    wg_mutex_lock(&set->lock);
    const wgi_view *view = wgi_view_of(set);
    const uint32_t slot = wgi_view_slot(view, wg_stripe_id(stripe));
    WG_ASSERT(slot != UINT32_MAX);
    view->slots[slot].member->kept = true;
    wg_mutex_unlock(&set->lock);
}

void wg_stripe_set_drop_pages(wg_stripe_set *set) {
    wg_mutex_lock(&set->lock);
    const wgi_view *view = wgi_view_of(set);
    for (uint32_t i = 0; i < view->slot_count; i++) wg_stripe_drop_pages(view->slots[i].member->stripe, false);
    for (wgi_member *m = set->parked; m != NULL; m = m->next_parked) wg_stripe_drop_pages(m->stripe, true);
    wg_mutex_unlock(&set->lock);
}

/* ---- looking */

uint32_t wgi_view_slot(const wgi_view *view, uint64_t id) {
    uint32_t low = 0;
    uint32_t high = view->slot_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (view->slots[middle].entry.id < id) low = middle + 1;
        else high = middle;
    }
    return low < view->slot_count && view->slots[low].entry.id == id ? low : UINT32_MAX;
}

uint64_t wgi_view_seek(const wgi_view *view, const wg_fragment_key *key) {
    uint64_t low = 0;
    uint64_t high = view->fragment_count;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (wg_fragment_key_compare(&view->fragments[middle]->head.key, key) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

const wg_fragment *wgi_view_find(const wgi_view *view, const wg_fragment_key *key) {
    const uint64_t at = wgi_view_seek(view, key);
    if (at == view->fragment_count || wg_fragment_key_compare(&view->fragments[at]->head.key, key) != 0) return NULL;
    return view->fragments[at];
}

const wg_fragment *wgi_stripe_find(const wg_stripe *stripe, const wg_fragment_key *key) {
    uint32_t low = 0;
    uint32_t high = wg_stripe_fragment_count(stripe);
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const wg_fragment *fragment = wg_stripe_fragment(stripe, middle);
        const int order = wg_fragment_key_compare(&fragment->head.key, key);
        if (order == 0) return fragment;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

uint32_t wg_stripe_set_count(const wg_stripe_set *set) { return wgi_view_of(set)->slot_count; }

wg_stripe_entry wg_stripe_set_entry(const wg_stripe_set *set, uint32_t i) {
    const wgi_view *view = wgi_view_of(set);
    WG_ASSERT(i < view->slot_count);
    return view->slots[i].entry;
}

wg_stripe *wg_stripe_set_stripe(const wg_stripe_set *set, uint32_t i) {
    const wgi_view *view = wgi_view_of(set);
    WG_ASSERT(i < view->slot_count);
    return view->slots[i].member->stripe;
}

const wg_fragment *wg_stripe_set_find(const wg_stripe_set *set, const wg_fragment_key *key) {
    return wgi_view_find(wgi_view_of(set), key);
}

const wg_fragment *wg_stripe_set_next(const wg_stripe_set *set, uint64_t *position) {
    const wgi_view *view = wgi_view_of(set);
    return *position < view->fragment_count ? view->fragments[(*position)++] : NULL;
}

uint64_t wg_stripe_set_seek(const wg_stripe_set *set, const wg_fragment_key *key) {
    return wgi_view_seek(wgi_view_of(set), key);
}
