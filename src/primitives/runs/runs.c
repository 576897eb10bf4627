/* Making, finding, changing and deleting runs: transactions of run 0. What makes or drops a run in memory is part of the same commit of the log.
 *
 * Every change is tried again when somebody else changed the list meanwhile. The next number is a key that each creation reads and writes, so
 * that two creations never take the same one. */
#include "base/column/column.h"
#include "base/text/text.h"
#include "primitives/runs/runs_internal.h"

static wg_code not_found(wg_slice name, wg_error *err) {
    return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "there is no run '%.*s'", (int)name.size,
                        (const char *)name.data);
}

wg_code wg_runs_find(wg_agent *agent, wg_slice name, uint32_t *out_number, wg_error *err) {
    wg_agent_run system;
    bool found = false;
    wgi_run_system_init(&system, agent);
    wg_code code = wgi_registry_number(&system, name, out_number, &found, err);
    wg_agent_run_deinit(&system);
    if (code == WG_OK && !found) code = not_found(name, err);
    return code;
}

/* ---- one change of the list */

typedef struct change {
    wg_agent_run system;
    wg_run_change run; /* with has_run */
    bool has_run;
    uint32_t number;
    bool nothing; /* there is nothing to commit */
} change;

typedef wg_code (*change_fn)(change *c, void *ctx, wg_error *err);

static wg_code change_once(change *c, change_fn fn, void *ctx, wg_error *err) {
    wg_agent_run *system = &c->system;
    wg_engine *engine = system->agent->engine;
    wg_mixed_result result = {0};
    c->has_run = false;
    c->nothing = false;
    wg_arena_reset(&system->arena);
    system->txn_mode = system->mode;
    WG_TRY(wg_engine_state_begin(engine, system->agent->session, system->run, WG_STATE_SNAPSHOT, &system->txn,
                                 &system->logseq, err));
    const wg_code code = fn(c, ctx, err);
    if (code != WG_OK || c->nothing) {
        wg_agent_rollback(system);
        return code;
    }
    const wg_mixed_commit commit = {.state = system->txn,
                                    .change = c->has_run ? &c->run : NULL,
                                    .change_count = c->has_run ? 1 : 0,
                                    .durable = system->mode.durability == WG_STRICT};
    system->txn = NULL;
    return wg_engine_commit_mixed(engine, &commit, &result, err);
}

static wg_code change_runs(wg_agent *agent, change_fn fn, void *ctx, uint32_t *out_number, wg_error *err) {
    if (agent->read_only)
        return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET, "the database is open for reading only");
    if (wg_state_session_has_txn(agent->session))
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "a transaction is open in this session: runs are made and changed outside of it");
    change c = {0};
    wgi_run_system_init(&c.system, agent);
    wg_code code = WG_E_CONFLICT;
    for (int i = 0; i < WGI_RUN_TRIES && code == WG_E_CONFLICT; i++) {
        wg_error seen = {0};
        code = change_once(&c, fn, ctx, &seen);
        if (code == WG_E_CONFLICT && wg_agent_lost(&c.system, err) != WG_OK) break;
        if (code != WG_OK && err != NULL) *err = seen;
    }
    wg_agent_run_deinit(&c.system);
    if (code == WG_OK && out_number != NULL) *out_number = c.number;
    return code;
}

/* ---- creation */

typedef struct creation {
    wg_slice name;
    const wg_run_options *options; /* may be NULL */
    wg_agent_run *fork_of;         /* NULL: none */
    uint64_t fork_version;
} creation;

static wg_code take_number(change *c, uint32_t *out, wg_error *err) {
    static const uint8_t name[] = {WG_REGISTRY_COUNTER};
    wg_agent_run *system = &c->system;
    const wg_state_key key = wg_state_key_of(system->run, wg_slice_of(name, sizeof name));
    uint8_t bytes[8];
    WG_TRY(wg_state_txn_get(system->txn, &key, &system->cell, err));
    const bool first = system->cell.version == 0;
    if (!first && (system->cell.type != WG_TYPE_INT || system->cell.bytes.size != 8))
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the stored count of runs is none");
    const uint64_t counted = first ? WG_RUN_SYSTEM + 1 : wg_load_u64le(system->cell.bytes.data);
    const uint64_t given = wg_state_run_count(system->agent->state); /* an attempt that failed may have used one up */
    const uint64_t next = counted > given ? counted : given;
    if (next > WG_STATE_RUNS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "%d runs were made: no more can be",
                            (int)WG_STATE_RUNS_MAX);
    wg_store_u64le(bytes, next + 1);
    const wg_state_value value = {.type = WG_TYPE_INT, .bytes = wg_slice_of(bytes, sizeof bytes)};
    *out = (uint32_t)next;
    return wg_state_txn_put(system->txn, &key, &value, WG_VERSION_ANY, err);
}

static wg_code tags_of(wg_arena *arena, const char *const *tags, uint32_t count, wgi_run_record *out, wg_error *err) {
    if (count > WGI_RUN_TAGS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "%u tags: at most %d", count, (int)WGI_RUN_TAGS_MAX);
    wg_value *values = wg_arena_alloc(arena, ((size_t)count + 1) * sizeof *values);
    if (values == NULL) return wg_error_nomem(err, count * sizeof *values);
    for (uint32_t i = 0; i < count; i++) {
        const wg_slice tag = wg_slice_of(tags[i], tags[i] == NULL ? 0 : strlen(tags[i]));
        if (tag.size == 0 || tag.size > WGI_RUN_TAG_BYTES_MAX || !wg_utf8_valid(tag, NULL))
            return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "a tag has 1 to %d bytes of UTF-8",
                                (int)WGI_RUN_TAG_BYTES_MAX);
        values[i] = wg_value_str(tag);
    }
    out->tags = values;
    out->tag_count = count;
    return WG_OK;
}

static wg_code metadata_of(const wg_value *metadata, wgi_run_record *out, wg_error *err) {
    out->metadata = (wg_value){.type = WG_TYPE_MAP};
    if (metadata == NULL) return WG_OK;
    if (metadata->type != WG_TYPE_MAP)
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "the metadata of a run is a MAP, not a %s",
                            wg_type_name((wg_type)metadata->type));
    WG_TRY(wg_value_check(metadata, false, err));
    out->metadata = *metadata;
    return WG_OK;
}

static wg_code record_options(change *c, const wg_run_options *options, wgi_run_record *record, wg_error *err) {
    uint32_t parent = 0;
    bool found = false;
    WG_TRY(tags_of(&c->system.arena, options == NULL ? NULL : options->tags, options == NULL ? 0 : options->tag_count,
                   record, err));
    WG_TRY(metadata_of(options == NULL ? NULL : options->metadata, record, err));
    if (options == NULL || options->parent == NULL) return WG_OK;
    record->parent = wg_slice_of(options->parent, strlen(options->parent));
    WG_TRY(wgi_registry_number(&c->system, record->parent, &parent, &found, err));
    return found ? WG_OK : not_found(record->parent, err);
}

/* UUID of version 4: random, so that runs of different stores can be told apart. */
static wg_code make_id(wg_platform *platform, uint8_t id[16], wg_error *err) {
    WG_TRY(platform->ops->random(platform, id, 16, err));
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    return WG_OK;
}

static wg_code fork_record(change *c, const creation *cr, wgi_run_record *record, wg_error *err) {
    wgi_run_record from;
    bool found = false;
    WG_TRY(wgi_registry_read(&c->system, cr->fork_of->number, &from, &found, err));
    if (!found) return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "the run to fork was deleted");
    record->forked_of = from.name;
    record->fork_version = cr->fork_version;
    return WG_OK;
}

static wg_code create(change *c, void *ctx, wg_error *err) {
    const creation *cr = ctx;
    wg_agent *agent = c->system.agent;
    bool found = false;
    const uint64_t now = wg_agent_now_us(agent);
    wgi_run_record record = {.name = cr->name, .created_us = now, .updated_us = now};
    WG_TRY(wgi_registry_number(&c->system, cr->name, &c->number, &found, err));
    c->nothing = found;
    if (found && cr->options != NULL && cr->options->if_not_exists) return WG_OK;
    if (found)
        return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "there is a run '%.*s' already", (int)cr->name.size,
                            (const char *)cr->name.data);
    WG_TRY(take_number(c, &c->number, err));
    record.number = c->number;
    WG_TRY(make_id(agent->platform, record.id, err));
    WG_TRY(record_options(c, cr->options, &record, err));
    c->run = (wg_run_change){.origin = {.number = c->number}};
    c->has_run = true;
    if (cr->fork_of != NULL) {
        WG_TRY(fork_record(c, cr, &record, err));
        c->run.origin.parent = cr->fork_of->number;
        c->run.origin.fork_version = cr->fork_version;
        c->run.origin.fork_events = wg_events_count(wg_state_run_events(cr->fork_of->run), cr->fork_version);
    }
    return wgi_registry_write(&c->system, &record, err);
}

wg_code wg_runs_create(wg_agent *agent, wg_slice name, const wg_run_options *options, uint32_t *out_number,
                       wg_error *err) {
    creation cr = {.name = name, .options = options};
    WG_TRY(wgi_run_name_check(name, err));
    return change_runs(agent, create, &cr, out_number, err);
}

/* The version is pinned until the fork, which pins it itself, is there. */
wg_code wg_runs_fork(wg_agent_run *from, wg_slice name, uint64_t version, const wg_run_options *options,
                     uint32_t *out_number, wg_error *err) {
    const uint64_t newest = wg_state_run_visible(from->run);
    creation cr = {
        .name = name, .options = options, .fork_of = from, .fork_version = version != 0 ? version : newest};
    wg_state_pin pin;
    WG_TRY(wgi_run_name_check(name, err));
    WG_TRY(wg_agent_read(from, err));
    if (cr.fork_version > newest)
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET, "version %llu is in the future: the newest is %llu",
                            (unsigned long long)version, (unsigned long long)newest);
    WG_TRY(wg_state_pin_acquire(from->agent->session, from->run, cr.fork_version, &pin, err));
    const wg_code code = change_runs(from->agent, create, &cr, out_number, err);
    wg_state_pin_release(&pin);
    return code;
}

/* ---- deletion */

static wg_code delete_key(wg_agent_run *system, wg_slice name, wg_error *err) {
    const wg_state_key key = wg_state_key_of(system->run, name);
    return wg_state_txn_delete(system->txn, &key, WG_VERSION_ANY, err);
}

static wg_code delete_run(change *c, void *ctx, wg_error *err) {
    const wg_slice *name = ctx;
    wg_registry_key key;
    uint8_t by_name[1 + WGI_RUN_NAME_BYTES_MAX];
    bool found = false;
    WG_TRY(wgi_registry_number(&c->system, *name, &c->number, &found, err));
    if (!found) return not_found(*name, err);
    by_name[0] = WG_REGISTRY_NAME;
    memcpy(by_name + 1, name->data, name->size);
    WG_TRY(delete_key(&c->system, wg_slice_of(by_name, name->size + 1), err));
    WG_TRY(delete_key(&c->system, wg_registry_key_of(&key, WG_REGISTRY_RECORD, c->number), err));
    WG_TRY(delete_key(&c->system, wg_registry_key_of(&key, WG_REGISTRY_STATUS, c->number), err));
    c->run = (wg_run_change){.drop = true, .origin = {.number = c->number}};
    c->has_run = true;
    return WG_OK;
}

wg_code wg_runs_delete(wg_agent *agent, wg_slice name, wg_error *err) {
    enum { COLLECTS = 64 };
    WG_TRY(wgi_run_name_check(name, err));
    WG_TRY(change_runs(agent, delete_run, &name, NULL, err));
    for (int i = 0; i < COLLECTS && wg_state_collect(agent->state); i++) {
    } /* the background does the rest, where there is one */
    return WG_OK;
}

/* ---- changes of the record */

typedef struct edit {
    uint32_t number;
    bool has_status;
    wg_run_status status;
    const char *message;
    const char *const *tags; /* with has_tags */
    uint32_t tag_count;
    bool has_tags;
    const wg_value *metadata; /* with has_metadata */
    bool has_metadata;
} edit;

static bool may_follow(wg_run_status from, wg_run_status to) {
    switch (from) {
        case WG_RUN_ACTIVE:
            return to != WG_RUN_ACTIVE;
        case WG_RUN_PAUSED:
            return to == WG_RUN_ACTIVE || to == WG_RUN_CANCELLED || to == WG_RUN_ARCHIVED;
        case WG_RUN_COMPLETED:
        case WG_RUN_FAILED:
        case WG_RUN_CANCELLED:
            return to == WG_RUN_ARCHIVED;
        case WG_RUN_ARCHIVED:
        default:
            return false;
    }
}

static wg_code edit_status(const edit *e, uint64_t now, wgi_run_record *record, wg_error *err) {
    if (!may_follow(record->status, e->status))
        return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "run '%.*s' is %s: it cannot become %s",
                            (int)record->name.size, (const char *)record->name.data,
                            wg_run_status_name(record->status), wg_run_status_name(e->status));
    record->status = e->status;
    const bool ends = e->status != WG_RUN_ACTIVE && e->status != WG_RUN_PAUSED;
    if (ends && record->ended_us == 0) record->ended_us = now;
    if (e->status == WG_RUN_FAILED && e->message != NULL) record->error = wg_slice_of(e->message, strlen(e->message));
    if (wg_utf8_valid(record->error, NULL)) return WG_OK;
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "the message is not UTF-8");
}

static wg_code edit_record(change *c, void *ctx, wg_error *err) {
    const edit *e = ctx;
    wgi_run_record record;
    bool found = false;
    WG_TRY(wgi_registry_read(&c->system, e->number, &record, &found, err));
    if (!found) return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "run number %u was deleted", e->number);
    record.updated_us = wg_agent_now_us(c->system.agent);
    if (e->has_status) WG_TRY(edit_status(e, record.updated_us, &record, err));
    if (e->has_tags) WG_TRY(tags_of(&c->system.arena, e->tags, e->tag_count, &record, err));
    if (e->has_metadata) WG_TRY(metadata_of(e->metadata, &record, err));
    return wgi_registry_write(&c->system, &record, err);
}

wg_code wg_runs_set_status(wg_agent_run *run, wg_run_status status, const char *message, wg_error *err) {
    edit e = {.number = run->number, .has_status = true, .status = status, .message = message};
    if ((unsigned)status > WG_RUN_ARCHIVED)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "there is no status %d", (int)status);
    return change_runs(run->agent, edit_record, &e, NULL, err);
}

wg_code wg_runs_set_tags(wg_agent_run *run, const char *const *tags, uint32_t tag_count, wg_error *err) {
    edit e = {.number = run->number, .has_tags = true, .tags = tags, .tag_count = tag_count};
    return change_runs(run->agent, edit_record, &e, NULL, err);
}

wg_code wg_runs_set_metadata(wg_agent_run *run, const wg_value *metadata, wg_error *err) {
    edit e = {.number = run->number, .has_metadata = true, .metadata = metadata};
    return change_runs(run->agent, edit_record, &e, NULL, err);
}
