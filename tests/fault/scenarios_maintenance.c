/* Scenarios of maintenance: see scenarios.h. */
#include "tests/fault/scenarios.h"

#include "io/platform/platform.h"

static bool go_on(void *ctx, uint64_t done, uint64_t total) {
    scene *s = ctx;
    (void)total;
    s->sink += done;
    return true;
}

static bool take(void *ctx, const void *data, size_t size) {
    scene *s = ctx;
    (void)data;
    s->sink += size;
    return true;
}

static bool take_stat(void *ctx, const wg_stat *stat) {
    scene *s = ctx;
    s->sink += strlen(stat->name);
    return true;
}

static wg_code run_sync(scene *s, wg_error *err) {
    WG_TRY(scene_add(s, "CREATE (:Row {id: 20})", 1, err));
    return wg_sync(s->db, err);
}

/* Rows that are old, changed, deleted and new, then into stripes; twice, so that the second meets the first. */
static wg_code run_checkpoint(scene *s, wg_error *err) {
    wg_checkpoint_info info;
    WG_TRY(wg_checkpoint(s->db, &info, err));
    WG_TRY(scene_add(s, "CREATE (:Row {id: 20, text: 'after'})", 1, err));
    WG_TRY(scene_run(s, "MATCH (r:Row {id: 1}) SET r.text = 'changed'", err));
    WG_TRY(scene_run(s, "MATCH (:Row)-[e:NEXT]->() DELETE e", err));
    WG_TRY(wg_checkpoint(s->db, &info, err));
    return scene_run(s, "MATCH (r:Row) RETURN r.id, r.text ORDER BY r.id", err);
}

static wg_code run_read_stored(scene *s, wg_error *err) {
    WG_TRY(wg_checkpoint(s->db, NULL, err));
    WG_TRY(scene_run(s, "MATCH (a:Row)-[e:NEXT]->(b) RETURN a.text, e.n, b.text", err));
    WG_TRY(scene_run(s, "MATCH (r:Row {id: 2}) SET r.text = 'seen'", err));
    return scene_run(s, "MATCH (o:Open) DETACH DELETE o", err);
}

static wg_code run_compact(scene *s, wg_error *err) {
    const wg_compact_options everything = {.everything = true};
    wg_compact_info info;
    wg_compaction_pause(s->db, true);
    wg_compaction_pause(s->db, false);
    WG_TRY(wg_checkpoint(s->db, NULL, err));
    WG_TRY(scene_add(s, "UNWIND range(30, 40) AS i CREATE (:Row {id: i})", 11, err));
    WG_TRY(scene_run(s, "MATCH (r:Row {id: 1}) SET r.text = 'changed'", err));
    WG_TRY(wg_checkpoint(s->db, NULL, err));
    WG_TRY(wg_compact(s->db, NULL, NULL, NULL, NULL, err));
    return wg_compact(s->db, &everything, go_on, s, &info, err);
}

static wg_code run_expire(scene *s, wg_error *err) {
    const wg_compact_options everything = {.everything = true};
    WG_TRY(scene_run(s, "MATCH (r:Row {id: 1}) SET r.text = 'changed'", err));
    WG_TRY(wg_expire(s->db, wg_db_logseq(s->db), err));
    WG_TRY(wg_checkpoint(s->db, NULL, err));
    return wg_compact(s->db, &everything, NULL, NULL, NULL, err);
}

static wg_code run_backup(scene *s, wg_error *err) {
    wg_backup_info info;
    WG_TRY(wg_checkpoint(s->db, NULL, err));
    WG_TRY(wg_backup(s->db, "/backup", go_on, s, &info, err));
    WG_TRY(scene_add(s, "CREATE (:Row {id: 20})", 1, err));
    return wg_backup(s->db, "/backup", NULL, NULL, &info, err);
}

static wg_code run_restore(scene *s, wg_error *err) {
    wg_backup_info info;
    wg_verify_report report;
    WG_TRY(wg_backup(s->db, "/backup", NULL, NULL, &info, err));
    WG_TRY(wg_restore("/backup", "/restored", go_on, s, &info, err));
    return wg_verify("/restored", &report, err);
}

static wg_code run_stats(scene *s, wg_error *err) {
    WG_TRY(wg_db_stats(s->db, take_stat, s, err));
    return wg_db_stats_prometheus(s->db, take, s, err);
}

static wg_code run_follow(scene *s, wg_error *err) {
    uint64_t logseq = 0;
    WG_TRY(wg_refresh(s->db, &logseq, err));
    return scene_run(s, "MATCH (r:Row)-[:NEXT]->(q) RETURN r.text, q.text", err);
}

static wg_code run_dump(scene *s, wg_error *err) {
    WG_TRY(wg_checkpoint(s->db, NULL, err));
    WG_TRY(wg_dump("/ws/CURRENT", true, take, s, err));
    WG_TRY(wg_dump("/ws/wal/00000000000000000001.wal", true, take, s, err));
    return wg_dump("/ws/stripes/00000000000000000001.arc1", true, take, s, err);
}

/* A reader beside the writer. */
static wg_code run_reader(scene *s, wg_error *err) {
    const wg_options o = {.threads = 1, .no_background = true, .read_only = true};
    scene reader = {.db = NULL};
    WG_TRY(wg_open("/ws", &o, &reader.db, err));
    wg_code code = wg_session_open(reader.db, &reader.session, err);
    if (code == WG_OK) code = scene_add(s, "CREATE (:Row {id: 20})", 1, err);
    if (code == WG_OK) code = wg_checkpoint(s->db, NULL, err);
    if (code == WG_OK) code = wg_refresh(reader.db, NULL, err);
    if (code == WG_OK) code = scene_run(&reader, "MATCH (r:Row) RETURN r.text", err);
    wg_session_close(reader.session);
    wg_error second = {0};
    const wg_code closed = wg_close(reader.db, &second);
    if (code == WG_OK && closed != WG_OK && err != NULL) *err = second;
    return code != WG_OK ? code : closed;
}

const scenario maintenance_scenarios[] = {{"sync", run_sync, false, false},
                                          {"checkpoints", run_checkpoint, false, false},
                                          {"read what is stored", run_read_stored, false, false},
                                          {"compaction", run_compact, false, false},
                                          {"expiry", run_expire, false, false},
                                          {"backup", run_backup, false, false},
                                          {"restore", run_restore, false, false},
                                          {"statistics", run_stats, false, false},
                                          {"dump", run_dump, false, false},
                                          {"follow", run_follow, false, true},
                                          {"a reader beside the writer", run_reader, false, false}};
const size_t maintenance_scenario_count = sizeof maintenance_scenarios / sizeof maintenance_scenarios[0];
