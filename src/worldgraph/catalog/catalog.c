/* The catalog's tables: keys, labels, partitions, each a growing array of pointers to entries that never move, with a hash
 * index from name to number.
 *
 * The index chains entries newest first: a bucket holds the newest entry of its hash, an entry the next older one. So a
 * rollback, which takes the newest entries back, pops them off their chains, and a look-up meets the newest version of a
 * name first. One mutex guards the arrays; entries themselves are immutable after they are added, except
 * `begin` and `end`, which are atomic. Names are looked up when a query is bound and when a mutation is applied, never per row,
 * so a mutex is enough. */
#include "worldgraph/catalog/catalog.h"

#include "io/platform/platform.h"

typedef struct pointer_list {
    void **items;
    uint32_t count;
    uint32_t capacity;
} pointer_list;

/* Chains of item numbers by hash; `none` ends a chain. buckets is a power of two, at least the number of items. */
typedef struct name_index {
    uint32_t *buckets;
    uint32_t bucket_count;
    uint64_t *hashes; /* of each item */
    uint32_t *older;
    uint32_t count;
    uint32_t capacity;
} name_index;

typedef struct key_entry {
    const char *name;
    size_t name_size;
    uint64_t begin;
} key_entry;

struct wg_catalog {
    wg_mutex mutex;
    wg_account *account;
    wg_arena arena; /* names, definitions, entries; entries of rolled-back transactions stay until close */
    pointer_list keys;
    pointer_list
        labels; /* every version of every label, in the order in which they were made: what label_index counts */
    pointer_list numbers; /* of each label number: its newest version */
    pointer_list partitions;
    pointer_list rules;
    name_index key_index;
    name_index label_index;
    name_index partition_index;
    name_index rule_index;
};

static const uint32_t none = UINT32_MAX; /* ends a chain */

wg_code wg_catalog_create(wg_account *account, wg_catalog **out, wg_error *err) {
    wg_catalog *c = wg_alloc_zero(account, sizeof *c);
    if (c == NULL) return wg_error_nomem(err, sizeof *c);
    c->account = account;
    wg_mutex_init(&c->mutex, WG_RANK_CATALOG);
    wg_arena_init(&c->arena, account);
    *out = c;
    return WG_OK;
}

static void index_free(name_index *index) {
    wg_free(index->buckets);
    wg_free(index->hashes);
    wg_free(index->older);
}

void wg_catalog_destroy(wg_catalog *catalog) {
    if (catalog == NULL) return;
    wg_arena_deinit(&catalog->arena);
    wg_free(catalog->keys.items);
    wg_free(catalog->labels.items);
    wg_free(catalog->numbers.items);
    wg_free(catalog->partitions.items);
    wg_free(catalog->rules.items);
    index_free(&catalog->key_index);
    index_free(&catalog->label_index);
    index_free(&catalog->partition_index);
    index_free(&catalog->rule_index);
    wg_mutex_deinit(&catalog->mutex);
    wg_free(catalog);
}

/* The catalog is logically constant for readers; the mutex inside is not. */
static void lock(const wg_catalog *catalog) {
    wg_catalog *c;
    memcpy(&c, &catalog, sizeof c);
    wg_mutex_lock(&c->mutex);
}

static void unlock(const wg_catalog *catalog) {
    wg_catalog *c;
    memcpy(&c, &catalog, sizeof c);
    wg_mutex_unlock(&c->mutex);
}

static bool list_push(wg_catalog *c, pointer_list *list, void *item) {
    if (list->count == list->capacity) {
        const uint32_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        void **items = wg_realloc(c->account, list->items, (size_t)capacity * sizeof *items);
        if (items == NULL) return false;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
    return true;
}

/* ---- the index */

static void index_link(name_index *index, uint32_t item) {
    uint32_t *bucket = &index->buckets[index->hashes[item] & (index->bucket_count - 1)];
    index->older[item] = *bucket;
    *bucket = item;
}

/* Makes room for one more item; the index is unchanged when there is no memory. */
static bool index_reserve(wg_catalog *c, name_index *index) {
    if (index->count < index->capacity) return true;
    const uint32_t capacity = index->capacity == 0 ? 64 : index->capacity * 2;
    uint64_t *hashes = wg_realloc(c->account, index->hashes, (size_t)capacity * sizeof *hashes);
    if (hashes == NULL) return false;
    index->hashes = hashes;
    uint32_t *older = wg_realloc(c->account, index->older, (size_t)capacity * sizeof *older);
    if (older == NULL) return false;
    index->older = older;
    uint32_t *buckets = wg_alloc(c->account, (size_t)capacity * sizeof *buckets);
    if (buckets == NULL) return false;
    wg_free(index->buckets);
    index->buckets = buckets;
    index->bucket_count = capacity;
    index->capacity = capacity;
    for (uint32_t i = 0; i < capacity; i++) buckets[i] = none;
    for (uint32_t i = 0; i < index->count; i++) index_link(index, i);
    return true;
}

/* The next item gets the next number. */
static void index_push(name_index *index, uint64_t hash) {
    index->hashes[index->count] = hash;
    index_link(index, index->count++);
}

static void index_truncate(name_index *index, uint32_t count) {
    while (index->count > count) {
        const uint32_t item = --index->count; /* the newest of all, so the newest of its chain */
        index->buckets[index->hashes[item] & (index->bucket_count - 1)] = index->older[item];
    }
}

static uint32_t index_first(const name_index *index, uint64_t hash) {
    return index->bucket_count == 0 ? none : index->buckets[hash & (index->bucket_count - 1)];
}

/* ---- keys */

static key_entry *key_at(const wg_catalog *c, uint32_t key) { return c->keys.items[key]; }

static uint64_t name_hash(uint64_t seed, wg_slice name) { return wg_hash64(seed, name.data, name.size); }

static uint32_t key_find(const wg_catalog *c, wg_slice name) {
    const uint64_t hash = name_hash(0, name);
    for (uint32_t k = index_first(&c->key_index, hash); k != none; k = c->key_index.older[k]) {
        const key_entry *e = key_at(c, k);
        if (c->key_index.hashes[k] == hash && wg_slice_equal(wg_slice_of(e->name, e->name_size), name)) return k;
    }
    return WG_NO_KEY;
}

uint32_t wg_catalog_key(const wg_catalog *catalog, wg_slice name) {
    lock(catalog);
    const uint32_t key = key_find(catalog, name);
    unlock(catalog);
    return key;
}

const char *wg_catalog_key_name(const wg_catalog *catalog, uint32_t key) {
    lock(catalog);
    const char *name = key < catalog->keys.count ? key_at(catalog, key)->name : NULL;
    unlock(catalog);
    return name;
}

uint32_t wg_catalog_key_count(const wg_catalog *catalog) {
    lock(catalog);
    const uint32_t count = catalog->keys.count;
    unlock(catalog);
    return count;
}

uint64_t wg_catalog_key_begin(const wg_catalog *catalog, uint32_t key) {
    lock(catalog);
    WG_ASSERT(key < catalog->keys.count);
    const uint64_t begin = key_at(catalog, key)->begin;
    unlock(catalog);
    return begin;
}

static wg_code key_add(wg_catalog *c, wg_slice name, uint64_t begin, uint32_t *out, wg_error *err) {
    if (key_find(c, name) != WG_NO_KEY)
        return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "property name '%.*s' has a number already",
                            (int)wg_min_size(name.size, 64), (const char *)name.data);
    key_entry *e = wg_arena_alloc(&c->arena, sizeof *e);
    char *copy = wg_arena_strdup(&c->arena, name);
    if (e == NULL || copy == NULL) return wg_error_nomem(err, sizeof *e + name.size);
    *e = (key_entry){.name = copy, .name_size = name.size, .begin = begin};
    if (!index_reserve(c, &c->key_index) || !list_push(c, &c->keys, e))
        return wg_error_nomem(err, (size_t)c->keys.count * 16);
    index_push(&c->key_index, name_hash(0, name));
    *out = c->keys.count - 1;
    return WG_OK;
}

wg_code wg_catalog_add_key(wg_catalog *catalog, wg_slice name, uint64_t begin, uint32_t *out, wg_error *err) {
    if (name.size > WG_NAME_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "property name of %zu bytes: at most %d", name.size,
                            (int)WG_NAME_BYTES_MAX);
    wg_mutex_lock(&catalog->mutex);
    const wg_code code = key_add(catalog, name, begin, out, err);
    wg_mutex_unlock(&catalog->mutex);
    return code;
}

void wg_catalog_truncate_keys(wg_catalog *catalog, uint32_t count) {
    wg_mutex_lock(&catalog->mutex);
    WG_ASSERT(count <= catalog->keys.count);
    catalog->keys.count = count;
    index_truncate(&catalog->key_index, count);
    wg_mutex_unlock(&catalog->mutex);
}

/* ---- labels */

bool wg_label_is_visible(const wg_label *label, wg_view view) {
    return wg_visible(view, atomic_load_explicit(&label->begin, memory_order_relaxed),
                      atomic_load_explicit(&label->end, memory_order_relaxed));
}

static bool label_has_name(const wg_label *label, wg_slice name, bool is_edge) {
    return label->def.is_edge == is_edge && wg_slice_equal(wg_slice_str(label->def.name), name);
}

const wg_label *wg_catalog_label(const wg_catalog *catalog, wg_view view, wg_slice name, bool is_edge) {
    const wg_label *found = NULL;
    lock(catalog);
    const name_index *index = &catalog->label_index;
    for (uint32_t i = index_first(index, name_hash(is_edge, name)); i != none && found == NULL; i = index->older[i]) {
        const wg_label *label = catalog->labels.items[i];
        if (label_has_name(label, name, is_edge) && wg_label_is_visible(label, view)) found = label;
    }
    unlock(catalog);
    return found;
}

const wg_label *wg_catalog_label_at(const wg_catalog *catalog, uint32_t number) {
    lock(catalog);
    const wg_label *label = number < catalog->numbers.count ? catalog->numbers.items[number] : NULL;
    unlock(catalog);
    return label;
}

const wg_label *wg_catalog_label_seen(const wg_catalog *catalog, uint32_t number, wg_view view) {
    const wg_label *newest = wg_catalog_label_at(catalog, number);
    for (const wg_label *l = newest; l != NULL; l = l->older)
        if (wg_label_is_visible(l, view)) return l;
    return newest;
}

uint32_t wg_catalog_label_count(const wg_catalog *catalog) {
    lock(catalog);
    const uint32_t count = catalog->numbers.count;
    unlock(catalog);
    return count;
}

/* A new version, which nobody finds yet. */
static wg_code label_make(wg_catalog *c, uint32_t number, const wg_label_def *def, uint64_t begin, wg_label **out,
                          wg_error *err) {
    const size_t bytes = sizeof(wg_label) + (size_t)def->column_count * sizeof(uint32_t);
    wg_label *label = wg_arena_alloc_zero(&c->arena, bytes);
    if (label == NULL || !wg_label_def_copy(&c->arena, def, &label->def)) return wg_error_nomem(err, bytes);
    label->number = number;
    atomic_init(&label->begin, begin);
    atomic_init(&label->end, WG_LOGSEQ_NEVER);
    for (uint32_t i = 0; i < def->column_count; i++) {
        label->column_keys[i] = key_find(c, wg_slice_str(def->columns[i].name));
        if (label->column_keys[i] == WG_NO_KEY)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "label %s: column %s has no key number", def->name,
                                def->columns[i].name);
    }
    if (!index_reserve(c, &c->label_index) || !list_push(c, &c->labels, label))
        return wg_error_nomem(err, (size_t)c->labels.count * 16);
    *out = label;
    return WG_OK;
}

static void label_show(wg_catalog *c, const wg_label *label) {
    index_push(&c->label_index, name_hash(label->def.is_edge, wg_slice_str(label->def.name)));
}

/* Takes the newest version of all back. */
static void label_unshow(wg_catalog *c) {
    c->labels.count--;
    index_truncate(&c->label_index, c->labels.count);
}

static wg_code label_add(wg_catalog *c, const wg_label_def *def, uint64_t begin, uint32_t *out, wg_error *err) {
    wg_label *label = NULL;
    WG_TRY(label_make(c, c->numbers.count, def, begin, &label, err));
    if (!list_push(c, &c->numbers, label)) {
        c->labels.count--;
        return wg_error_nomem(err, (size_t)c->numbers.count * 16);
    }
    label_show(c, label);
    *out = label->number;
    return WG_OK;
}

wg_code wg_catalog_add_label(wg_catalog *catalog, const wg_label_def *def, uint64_t begin, uint32_t *out,
                             wg_error *err) {
    wg_mutex_lock(&catalog->mutex);
    const wg_code code = label_add(catalog, def, begin, out, err);
    wg_mutex_unlock(&catalog->mutex);
    return code;
}

wg_code wg_catalog_alter_label(wg_catalog *catalog, uint32_t number, const wg_label_def *def, uint64_t begin,
                               wg_error *err) {
    wg_label *label = NULL;
    wg_mutex_lock(&catalog->mutex);
    WG_ASSERT(number < catalog->numbers.count);
    const wg_code code = label_make(catalog, number, def, begin, &label, err);
    if (code == WG_OK) {
        wg_label *old = catalog->numbers.items[number];
        label->older = old;
        atomic_store_explicit(&old->end, begin, memory_order_relaxed);
        catalog->numbers.items[number] = label;
        label_show(catalog, label);
    }
    wg_mutex_unlock(&catalog->mutex);
    return code;
}

void wg_catalog_unalter_label(wg_catalog *catalog, uint32_t number) {
    wg_mutex_lock(&catalog->mutex);
    WG_ASSERT(number < catalog->numbers.count);
    const wg_label *newest = catalog->numbers.items[number];
    WG_ASSERT(newest->older != NULL && catalog->labels.items[catalog->labels.count - 1] == newest);
    label_unshow(catalog);
    for (uint32_t i = catalog->labels.count; i > 0; i--) { /* its entry, which may be changed */
        wg_label *label = catalog->labels.items[i - 1];
        if (label != newest->older) continue;
        atomic_store_explicit(&label->end, WG_LOGSEQ_NEVER, memory_order_relaxed);
        catalog->numbers.items[number] = label;
        break;
    }
    wg_mutex_unlock(&catalog->mutex);
}

void wg_catalog_end_label(wg_catalog *catalog, uint32_t number, uint64_t end) {
    wg_mutex_lock(&catalog->mutex);
    WG_ASSERT(number < catalog->numbers.count);
    wg_label *label = catalog->numbers.items[number];
    atomic_store_explicit(&label->end, end, memory_order_relaxed);
    wg_mutex_unlock(&catalog->mutex);
}

void wg_catalog_truncate_labels(wg_catalog *catalog, uint32_t count) {
    wg_mutex_lock(&catalog->mutex);
    WG_ASSERT(count <= catalog->numbers.count);
    while (catalog->numbers.count > count) {
        const wg_label *newest = catalog->numbers.items[--catalog->numbers.count];
        for (const wg_label *l = newest; l != NULL; l = l->older) label_unshow(catalog);
    }
    wg_mutex_unlock(&catalog->mutex);
}

const char *wg_catalog_suggest_label(const wg_catalog *catalog, wg_view view, wg_slice name, bool is_edge) {
    wg_suggestion suggestion;
    wg_suggestion_init(&suggestion, name);
    lock(catalog);
    for (uint32_t i = 0; i < catalog->labels.count; i++) {
        const wg_label *label = catalog->labels.items[i];
        if (label->def.is_edge == is_edge && wg_label_is_visible(label, view))
            wg_suggestion_offer(&suggestion, label->def.name);
    }
    unlock(catalog);
    return suggestion.name;
}

/* ---- partitions */

uint32_t wg_catalog_partition_count(const wg_catalog *catalog) {
    lock(catalog);
    const uint32_t count = catalog->partitions.count;
    unlock(catalog);
    return count;
}

const wg_partition *wg_catalog_partition(const wg_catalog *catalog, uint32_t number) {
    lock(catalog);
    const wg_partition *p = number < catalog->partitions.count ? catalog->partitions.items[number] : NULL;
    unlock(catalog);
    return p;
}

const wg_partition *wg_catalog_partition_of(const wg_catalog *catalog, uint32_t label, wg_slice path) {
    const wg_partition *found = NULL;
    lock(catalog);
    const name_index *index = &catalog->partition_index;
    for (uint32_t i = index_first(index, name_hash(label, path)); i != none && found == NULL; i = index->older[i]) {
        const wg_partition *p = catalog->partitions.items[i];
        if (p->label == label && wg_slice_equal(wg_slice_str(p->path), path)) found = p;
    }
    unlock(catalog);
    return found;
}

static wg_code partition_add(wg_catalog *c, const wg_partition *from, uint32_t *out, wg_error *err) {
    if (from->label >= c->numbers.count)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "partition %s: label number %u is unknown", from->path,
                            from->label);
    const wg_label *label = c->numbers.items[from->label];
    uint32_t variable_count = 0;
    for (uint32_t i = 0; i < label->def.column_count; i++)
        variable_count += label->def.columns[i].source == WG_COLUMN_PARTITION;
    wg_partition *p = wg_arena_alloc(&c->arena, sizeof *p);
    char *path = wg_arena_strdup(&c->arena, wg_slice_str(from->path));
    wg_value *variables = wg_arena_alloc(&c->arena, (size_t)variable_count * sizeof *variables);
    if (p == NULL || path == NULL || variables == NULL) return wg_error_nomem(err, sizeof *p);
    for (uint32_t i = 0; i < variable_count; i++)
        if (!wg_value_copy(&c->arena, &from->variables[i], &variables[i])) return wg_error_nomem(err, sizeof *p);
    *p = *from;
    p->path = path;
    p->variables = variables;
    p->number = c->partitions.count;
    if (!index_reserve(c, &c->partition_index) || !list_push(c, &c->partitions, p))
        return wg_error_nomem(err, (size_t)c->partitions.count * 16);
    index_push(&c->partition_index, name_hash(p->label, wg_slice_str(path)));
    *out = p->number;
    return WG_OK;
}

wg_code wg_catalog_add_partition(wg_catalog *catalog, const wg_partition *partition, uint32_t *out, wg_error *err) {
    wg_mutex_lock(&catalog->mutex);
    const wg_code code = partition_add(catalog, partition, out, err);
    wg_mutex_unlock(&catalog->mutex);
    return code;
}

void wg_catalog_truncate_partitions(wg_catalog *catalog, uint32_t count) {
    wg_mutex_lock(&catalog->mutex);
    WG_ASSERT(count <= catalog->partitions.count);
    catalog->partitions.count = count;
    index_truncate(&catalog->partition_index, count);
    wg_mutex_unlock(&catalog->mutex);
}

/* ---- indexes and constraints */

bool wg_rule_is_visible(const wg_rule *rule, wg_view view) {
    return wg_visible(view, atomic_load_explicit(&rule->begin, memory_order_relaxed),
                      atomic_load_explicit(&rule->end, memory_order_relaxed));
}

const wg_rule *wg_catalog_rule(const wg_catalog *catalog, wg_view view, wg_slice name) {
    const wg_rule *found = NULL;
    lock(catalog);
    const name_index *index = &catalog->rule_index;
    for (uint32_t i = index_first(index, name_hash(0, name)); i != none && found == NULL; i = index->older[i]) {
        const wg_rule *rule = catalog->rules.items[i];
        if (wg_slice_equal(wg_slice_str(rule->def.name), name) && wg_rule_is_visible(rule, view)) found = rule;
    }
    unlock(catalog);
    return found;
}

const wg_rule *wg_catalog_rule_at(const wg_catalog *catalog, uint32_t number) {
    lock(catalog);
    const wg_rule *rule = number < catalog->rules.count ? catalog->rules.items[number] : NULL;
    unlock(catalog);
    return rule;
}

uint32_t wg_catalog_rule_count(const wg_catalog *catalog) {
    lock(catalog);
    const uint32_t count = catalog->rules.count;
    unlock(catalog);
    return count;
}

const wg_rule *wg_catalog_next_rule(const wg_catalog *catalog, wg_view view, uint32_t label, uint32_t *position) {
    const wg_rule *found = NULL;
    lock(catalog);
    while (found == NULL && *position < catalog->rules.count) {
        const wg_rule *rule = catalog->rules.items[(*position)++];
        if (rule->def.label == label && wg_rule_is_visible(rule, view)) found = rule;
    }
    unlock(catalog);
    return found;
}

static bool text_copy(wg_arena *arena, const char *from, const char **out) {
    *out = from == NULL ? NULL : wg_arena_strdup(arena, wg_slice_str(from));
    return from == NULL || *out != NULL;
}

static wg_code rule_add(wg_catalog *c, const wg_rule_def *def, uint64_t begin, uint32_t *out, wg_error *err) {
    bool known = def->label < c->numbers.count;
    for (uint32_t i = 0; i < def->key_count; i++) known = known && def->keys[i] < c->keys.count;
    if (!known)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "%s: its label or a property has no number", def->name);
    wg_rule *rule = wg_arena_alloc_zero(&c->arena, sizeof *rule);
    char *name = wg_arena_strdup(&c->arena, wg_slice_str(def->name));
    if (rule == NULL || name == NULL) return wg_error_nomem(err, sizeof *rule);
    rule->def = *def;
    rule->def.name = name;
    rule->def.type.name = NULL;
    if (!text_copy(&c->arena, def->type.declared, &rule->def.type.declared)) return wg_error_nomem(err, sizeof *rule);
    rule->number = c->rules.count;
    atomic_init(&rule->begin, begin);
    atomic_init(&rule->end, WG_LOGSEQ_NEVER);
    if (!index_reserve(c, &c->rule_index) || !list_push(c, &c->rules, rule))
        return wg_error_nomem(err, (size_t)c->rules.count * 16);
    index_push(&c->rule_index, name_hash(0, wg_slice_str(name)));
    *out = rule->number;
    return WG_OK;
}

wg_code wg_catalog_add_rule(wg_catalog *catalog, const wg_rule_def *def, uint64_t begin, uint32_t *out,
                            wg_error *err) {
    wg_mutex_lock(&catalog->mutex);
    const wg_code code = rule_add(catalog, def, begin, out, err);
    wg_mutex_unlock(&catalog->mutex);
    return code;
}

void wg_catalog_end_rule(wg_catalog *catalog, uint32_t number, uint64_t end) {
    wg_mutex_lock(&catalog->mutex);
    WG_ASSERT(number < catalog->rules.count);
    wg_rule *rule = catalog->rules.items[number];
    atomic_store_explicit(&rule->end, end, memory_order_relaxed);
    wg_mutex_unlock(&catalog->mutex);
}

void wg_catalog_truncate_rules(wg_catalog *catalog, uint32_t count) {
    wg_mutex_lock(&catalog->mutex);
    WG_ASSERT(count <= catalog->rules.count);
    catalog->rules.count = count;
    index_truncate(&catalog->rule_index, count);
    wg_mutex_unlock(&catalog->mutex);
}

const char *wg_catalog_suggest_rule(const wg_catalog *catalog, wg_view view, wg_slice name, bool is_index) {
    wg_suggestion suggestion;
    wg_suggestion_init(&suggestion, name);
    lock(catalog);
    for (uint32_t i = 0; i < catalog->rules.count; i++) {
        const wg_rule *rule = catalog->rules.items[i];
        if (wg_rule_is_index(rule->def.kind) == is_index && wg_rule_is_visible(rule, view))
            wg_suggestion_offer(&suggestion, rule->def.name);
    }
    unlock(catalog);
    return suggestion.name;
}

/* ---- commit */

static bool stamp(_Atomic uint64_t *begin, uint64_t logseq) {
    if (atomic_load_explicit(begin, memory_order_relaxed) != WG_LOGSEQ_OWN) return false;
    atomic_store_explicit(begin, logseq, memory_order_relaxed);
    return true;
}

/* What the writer has made stands at the end of each list. */
void wg_catalog_stamp(wg_catalog *c, uint64_t logseq) {
    wg_mutex_lock(&c->mutex);
    for (uint32_t i = c->keys.count; i > 0 && key_at(c, i - 1)->begin == WG_LOGSEQ_OWN; i--)
        key_at(c, i - 1)->begin = logseq;
    for (uint32_t i = c->labels.count; i > 0; i--) {
        wg_label *label = c->labels.items[i - 1];
        if (!stamp(&label->begin, logseq)) break;
        if (label->older != NULL) (void)stamp(&((wg_label *)(uintptr_t)label->older)->end, logseq);
    }
    for (uint32_t i = c->partitions.count; i > 0; i--)
        if (!stamp(&((wg_partition *)c->partitions.items[i - 1])->begin, logseq)) break;
    for (uint32_t i = c->rules.count; i > 0; i--)
        if (!stamp(&((wg_rule *)c->rules.items[i - 1])->begin, logseq)) break;
    wg_mutex_unlock(&c->mutex);
}
