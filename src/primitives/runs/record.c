/* The record of a run: a MAP in run 0, so that it has versions, snapshots and durability like everything else.
 *
 * Keys of the map, in the order of their bytes: created, ended, error, fork_version, forked_of, id, metadata, name, number, parent,
 * status, tags, updated. Readers want all of them and ignore others. */
#include "base/column/column.h"
#include "base/text/text.h"
#include "primitives/runs/runs_internal.h"

enum { FIELDS = 13 };

static wg_value int_of(uint64_t v) { return wg_value_int(wg_i64_of_u64(v)); }

static wg_value bytes_of(const uint8_t *data, size_t size) {
    wg_value v = wg_value_str(wg_slice_of(data, size));
    v.type = WG_TYPE_BYTES;
    return v;
}

wg_code wgi_run_record_value(const wgi_run_record *r, wg_arena *arena, wg_value *out, wg_error *err) {
    const wg_value tags = {.type = WG_TYPE_LIST, .size = r->tag_count, .as.list = r->tags};
    static const char *const names[FIELDS] = {"created", "ended",    "error",  "fork_version", "forked_of",
                                              "id",      "metadata", "name",   "number",       "parent",
                                              "status",  "tags",     "updated"};
    const wg_value values[FIELDS] = {int_of(r->created_us),
                                     int_of(r->ended_us),
                                     wg_value_str(r->error),
                                     int_of(r->fork_version),
                                     wg_value_str(r->forked_of),
                                     bytes_of(r->id, sizeof r->id),
                                     r->metadata,
                                     wg_value_str(r->name),
                                     int_of(r->number),
                                     wg_value_str(r->parent),
                                     int_of((uint64_t)r->status),
                                     tags,
                                     int_of(r->updated_us)};
    wg_map_entry *entries = wg_arena_alloc(arena, FIELDS * sizeof *entries);
    if (entries == NULL) return wg_error_nomem(err, FIELDS * sizeof *entries);
    for (int i = 0; i < FIELDS; i++)
        entries[i] = (wg_map_entry){.key = names[i], .key_size = strlen(names[i]), .value = values[i]};
    *out = (wg_value){.type = WG_TYPE_MAP, .size = FIELDS, .as.map = entries};
    return WG_OK;
}

static const wg_value *field(const wg_value *map, const char *name, wg_type type) {
    for (uint32_t i = 0; i < map->size; i++) {
        const wg_map_entry *e = &map->as.map[i];
        if (e->key_size != strlen(name) || memcmp(e->key, name, e->key_size) != 0) continue;
        return e->value.type == (uint8_t)type ? &e->value : NULL;
    }
    return NULL;
}

static bool take_int(const wg_value *map, const char *name, uint64_t *out) {
    const wg_value *v = field(map, name, WG_TYPE_INT);
    if (v == NULL || v->as.i < 0) return false;
    *out = (uint64_t)v->as.i;
    return true;
}

static bool take_text(const wg_value *map, const char *name, wg_slice *out) {
    const wg_value *v = field(map, name, WG_TYPE_STRING);
    if (v != NULL) *out = wg_value_slice(v);
    return v != NULL;
}

static bool take_tags(const wg_value *map, wgi_run_record *out) {
    const wg_value *v = field(map, "tags", WG_TYPE_LIST);
    if (v == NULL) return false;
    for (uint32_t i = 0; i < v->size; i++)
        if (v->as.list[i].type != WG_TYPE_STRING) return false;
    out->tags = v->as.list;
    out->tag_count = v->size;
    return true;
}

wg_code wgi_run_record_of(const wg_value *value, wgi_run_record *out, wg_error *err) {
    wgi_run_record r = {0};
    uint64_t number = 0;
    uint64_t status = 0;
    const wg_value *id = value->type == WG_TYPE_MAP ? field(value, "id", WG_TYPE_BYTES) : NULL;
    const wg_value *metadata = id != NULL ? field(value, "metadata", WG_TYPE_MAP) : NULL;
    const bool ok = metadata != NULL && id->size == sizeof r.id && take_int(value, "created", &r.created_us) &&
                    take_int(value, "ended", &r.ended_us) && take_text(value, "error", &r.error) &&
                    take_int(value, "fork_version", &r.fork_version) && take_text(value, "forked_of", &r.forked_of) &&
                    take_text(value, "name", &r.name) && take_int(value, "number", &number) &&
                    take_text(value, "parent", &r.parent) && take_int(value, "status", &status) &&
                    take_tags(value, &r) && take_int(value, "updated", &r.updated_us);
    if (!ok || number > WG_STATE_RUNS_MAX || status > WG_RUN_ARCHIVED)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the stored record of a run is damaged");
    memcpy(r.id, id->as.s, sizeof r.id);
    r.metadata = *metadata;
    r.number = (uint32_t)number;
    r.status = (wg_run_status)status;
    *out = r;
    return WG_OK;
}

wg_code wgi_run_name_check(wg_slice name, wg_error *err) {
    bool ok = name.data != NULL && name.size > 0 && name.size <= WGI_RUN_NAME_BYTES_MAX && wg_utf8_valid(name, NULL);
    for (size_t i = 0; ok && i < name.size; i++) ok = name.data[i] >= 0x20 && name.data[i] != 0x7f;
    if (ok) return WG_OK;
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET,
                        "the name of a run has 1 to %d bytes of UTF-8 without control characters",
                        (int)WGI_RUN_NAME_BYTES_MAX);
}

/* ---- in run 0 */

void wgi_run_system_init(wg_agent_run *run, wg_agent *agent) {
    *run = (wg_agent_run){.agent = agent, .number = WG_RUN_SYSTEM, .mode = {.durability = agent->durability}};
    run->run = wg_state_run_hold(agent->state, WG_RUN_SYSTEM);
    wg_arena_init(&run->arena, NULL);
    wg_buf_init(&run->scratch, NULL);
    agent->handles++;
}

static wg_code read_key(wg_agent_run *system, wg_slice key, wg_value *out, bool *out_found, wg_error *err) {
    const wg_state_key k = wg_state_key_of(system->run, key);
    if (system->txn != NULL) WG_TRY(wg_state_txn_get(system->txn, &k, &system->cell, err));
    else WG_TRY(wg_state_get(system->agent->session, system->run, &k, WG_LOGSEQ_NEVER, 0, &system->cell, err));
    *out_found = system->cell.version != 0;
    if (!*out_found) return WG_OK;
    void *copy = wg_arena_copy(&system->arena, system->cell.bytes.data, system->cell.bytes.size);
    if (copy == NULL && system->cell.bytes.size != 0) return wg_error_nomem(err, system->cell.bytes.size);
    return wg_agent_decode(&system->arena, system->cell.type, wg_slice_of(copy, system->cell.bytes.size), out, err);
}

wg_code wgi_registry_number(wg_agent_run *system, wg_slice name, uint32_t *out, bool *out_found, wg_error *err) {
    uint8_t key[1 + WGI_RUN_NAME_BYTES_MAX];
    wg_value v;
    WG_TRY(wgi_run_name_check(name, err));
    key[0] = WG_REGISTRY_NAME;
    memcpy(key + 1, name.data, name.size);
    WG_TRY(read_key(system, wg_slice_of(key, name.size + 1), &v, out_found, err));
    if (!*out_found) return WG_OK;
    if (v.type != WG_TYPE_INT || v.as.i < 0 || v.as.i > WG_STATE_RUNS_MAX)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the stored number of a run is none");
    *out = (uint32_t)v.as.i;
    return WG_OK;
}

wg_code wgi_registry_read(wg_agent_run *system, uint32_t number, wgi_run_record *out, bool *out_found,
                          wg_error *err) {
    wg_registry_key key;
    wg_value v;
    WG_TRY(read_key(system, wg_registry_key_of(&key, WG_REGISTRY_RECORD, number), &v, out_found, err));
    return *out_found ? wgi_run_record_of(&v, out, err) : WG_OK;
}

static wg_code put(wg_agent_run *system, wg_slice key, const wg_value *value, wg_error *err) {
    uint8_t small[8];
    wg_state_value v;
    const wg_state_key k = wg_state_key_of(system->run, key);
    WG_TRY(wg_agent_encode(system, value, small, &v, err));
    return wg_state_txn_put(system->txn, &k, &v, WG_VERSION_ANY, err);
}

wg_code wgi_registry_write(wg_agent_run *system, const wgi_run_record *record, wg_error *err) {
    uint8_t name[1 + WGI_RUN_NAME_BYTES_MAX];
    wg_registry_key key;
    wg_value v;
    const wg_value number = wg_value_int((int64_t)record->number);
    const wg_value status = wg_value_int((int64_t)record->status);
    name[0] = WG_REGISTRY_NAME;
    memcpy(name + 1, record->name.data, record->name.size);
    WG_TRY(wgi_run_record_value(record, &system->arena, &v, err));
    WG_TRY(put(system, wg_slice_of(name, record->name.size + 1), &number, err));
    WG_TRY(put(system, wg_registry_key_of(&key, WG_REGISTRY_RECORD, record->number), &v, err));
    return put(system, wg_registry_key_of(&key, WG_REGISTRY_STATUS, record->number), &status, err);
}
