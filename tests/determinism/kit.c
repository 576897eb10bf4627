/* Histories, stores and answers of the determinism tests. See kit.h; the oracle is in oracle.c. */
#include "tests/determinism/kit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- stores */

void kit_open(kit_db *db, bool create) {
    const wg_options options = {.durability = WG_BUFFERED,
                                .create = create,
                                .threads = 8,
                                .no_background = true,
                                .checkpoint_log_bytes = UINT64_MAX};
    if (create) {
        const char *tmp = getenv("TMPDIR");
        (void)snprintf(db->dir, sizeof db->dir, "%s/wg_determinism_XXXXXX", tmp != NULL ? tmp : "/tmp");
        assert_non_null(mkdtemp(db->dir));
    }
    KIT_OK(wg_open(db->dir, &options, &db->db, err));
    KIT_OK(wg_session_open(db->db, &db->session, err));
}

void kit_close(kit_db *db) {
    wg_session_close(db->session);
    KIT_OK(wg_close(db->db, err));
    db->session = NULL;
    db->db = NULL;
}

static void remove_tree(const char *path) {
    char command[256];
    assert_true(strncmp(path, "/", 1) == 0 && strstr(path, "wg_determinism_") != NULL);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

void kit_remove(kit_db *db) {
    if (db->db != NULL) kit_close(db);
    remove_tree(db->dir);
}

void kit_copy(const kit_db *from, kit_db *to) {
    char command[512];
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(to->dir, sizeof to->dir, "%s/wg_determinism_XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(to->dir));
    (void)snprintf(command, sizeof command, "cp -r '%s/.' '%s'", from->dir, to->dir);
    assert_int_equal(system(command), 0);
}

void kit_do(kit_db *db, const char *text) {
    wg_result *result = NULL;
    KIT_OK(wg_query(db->session, text, &result, err));
    wg_result_free(result);
}

void kit_upkeep_now(kit_db *db, kit_upkeep upkeep) {
    const wg_compact_options all = {.everything = true};
    if (upkeep != KIT_LOG_ONLY) KIT_OK(wg_checkpoint(db->db, NULL, err));
    if (upkeep == KIT_COMPACTED) KIT_OK(wg_compact(db->db, &all, NULL, NULL, NULL, err));
}

/* ---- histories */

void kit_begin(kit_history *h, uint64_t seed) {
    *h = (kit_history){.seed = seed};
    wg_rng_init(&h->rng, seed);
}

static uint32_t pick(kit_history *h, uint32_t bound) { return (uint32_t)wg_rng_below(&h->rng, bound); }

static void note(kit_history *h, uint64_t logseq, bool is_edge, uint32_t key, const kit_record *record) {
    assert_true(h->event_count < KIT_EVENTS);
    h->events[h->event_count++] = (kit_event){logseq, is_edge, key, *record};
}

void kit_state_at(const kit_history *h, uint64_t logseq, kit_state *out) {
    *out = (kit_state){0};
    for (uint32_t i = 0; i < h->event_count; i++) {
        const kit_event *e = &h->events[i];
        if (e->logseq > logseq) continue;
        *(e->is_edge ? &out->edges[e->key] : &out->nodes[e->key]) = e->record;
        *(e->is_edge ? &out->edge_logseq[e->key] : &out->node_logseq[e->key]) = e->logseq;
    }
}

/* One event of a commit, as the statement that makes it so; `before` is the record as it was. */
static void apply_event(kit_db *db, const kit_event *e, const kit_record *before) {
    static const char *const labels[] = {"", ":A", ":B", ":A:B"};
    char text[320];
    const kit_record *r = &e->record;
    const double f = (double)r->f_scaled / 1048576.0;
    if (e->is_edge && !r->alive) {
        (void)snprintf(text, sizeof text, "MATCH ()-[r {key: %u}]->() DELETE r", e->key);
    } else if (e->is_edge && !before->alive) {
        (void)snprintf(text, sizeof text,
                       "MATCH (a {key: %u}), (b {key: %u}) CREATE (a)-[:%s {key: %u, w: %lld}]->(b)", r->from, r->to,
                       r->labels == 0 ? "R" : "S", e->key, (long long)r->k);
    } else if (e->is_edge) {
        (void)snprintf(text, sizeof text, "MATCH ()-[r {key: %u}]->() SET r.w = %lld", e->key, (long long)r->k);
    } else if (!r->alive) {
        (void)snprintf(text, sizeof text, "MATCH (n {key: %u}) DETACH DELETE n", e->key);
    } else if (!before->alive) {
        (void)snprintf(text, sizeof text, "CREATE (%s {key: %u, k: %lld, f: %.17g + 0.0})", labels[r->labels], e->key,
                       (long long)r->k, f);
    } else {
        (void)snprintf(text, sizeof text, "MATCH (n {key: %u}) SET n.k = %lld, n.f = %.17g + 0.0", e->key,
                       (long long)r->k, f);
        kit_do(db, text);
        const int change = r->labels - before->labels;
        if (change == 0) return;
        (void)snprintf(text, sizeof text, "MATCH (n {key: %u}) %s n:%s", e->key, change > 0 ? "SET" : "REMOVE",
                       change == 1 || change == -1 ? "A" : "B");
    }
    kit_do(db, text);
}

static kit_record random_node(kit_history *h) {
    return (kit_record){.alive = true,
                        .labels = (uint8_t)pick(h, 4),
                        .k = pick(h, 100),
                        .f_scaled = (int64_t)wg_rng_below(&h->rng, UINT64_C(1) << 40) - (INT64_C(1) << 39)};
}

/* Plans one change of a key that this commit has not touched; nothing when the dice say what cannot be. */
static void plan_change(kit_history *h, uint64_t logseq, const kit_state *now, bool *touched_nodes,
                        bool *touched_edges) {
    const uint32_t what = pick(h, 10);
    const uint32_t n = h->node_count == 0 ? 0 : pick(h, h->node_count);
    const uint32_t e = h->edge_count == 0 ? 0 : pick(h, h->edge_count);
    if (what < 3 && h->node_count < KIT_NODES) {
        const kit_record r = random_node(h);
        touched_nodes[h->node_count] = true;
        note(h, logseq, false, h->node_count++, &r);
    } else if (what < 6 && h->edge_count < KIT_EDGES && h->node_count > 1) {
        const uint32_t from = pick(h, 2) == 0 ? pick(h, 2) : n; /* many around the first nodes */
        const uint32_t to = pick(h, h->node_count);
        if (!now->nodes[from].alive || !now->nodes[to].alive || touched_nodes[from] || touched_nodes[to]) return;
        const kit_record r = {
            .alive = true, .labels = (uint8_t)pick(h, 2), .k = pick(h, 1000), .from = from, .to = to};
        touched_edges[h->edge_count] = true;
        note(h, logseq, true, h->edge_count++, &r);
    } else if (what < 8 && h->node_count > 0 && now->nodes[n].alive && !touched_nodes[n]) {
        kit_record r = random_node(h);
        if (pick(h, 2) == 0) r.labels = now->nodes[n].labels;
        else r.labels = (uint8_t)(now->nodes[n].labels ^ (1u << pick(h, 2)));
        touched_nodes[n] = true;
        note(h, logseq, false, n, &r);
    } else if (what == 8 && h->edge_count > 0 && now->edges[e].alive && !touched_edges[e]) {
        kit_record r = now->edges[e];
        if (pick(h, 2) == 0) r.alive = false;
        else r.k = pick(h, 1000);
        touched_edges[e] = true;
        note(h, logseq, true, e, &r);
    } else if (what == 9 && n > 1 && pick(h, 2) == 0 && now->nodes[n].alive &&
               !touched_nodes[n]) { /* nodes 0 and 1 live for ever */
        bool free = true;
        for (uint32_t i = 0; i < h->edge_count; i++)
            if ((now->edges[i].from == n || now->edges[i].to == n) && touched_edges[i]) free = false;
        for (uint32_t i = 0; i < h->event_count; i++) /* edges that this commit makes there */
            if (h->events[i].logseq == logseq && h->events[i].is_edge &&
                (h->events[i].record.from == n || h->events[i].record.to == n))
                free = false;
        if (!free) return;
        const kit_record dead = {0};
        for (uint32_t i = 0; i < h->edge_count; i++) {
            if (!now->edges[i].alive || (now->edges[i].from != n && now->edges[i].to != n)) continue;
            touched_edges[i] = true;
            note(h, logseq, true, i, &dead);
        }
        touched_nodes[n] = true;
        note(h, logseq, false, n, &dead);
    }
}

static void commit_events(const kit_history *h, kit_db *db, uint64_t logseq) {
    kit_state before;
    uint64_t got = 0;
    kit_state_at(h, logseq - 1, &before);
    KIT_OK(wg_begin(db->session, false, err));
    for (uint32_t i = 0; i < h->event_count; i++) {
        const kit_event *e = &h->events[i];
        if (e->logseq == logseq) apply_event(db, e, e->is_edge ? &before.edges[e->key] : &before.nodes[e->key]);
    }
    KIT_OK(wg_commit(db->session, &got, err));
    assert_int_equal(got, logseq);
}

static void plan_commit(kit_history *h, uint64_t logseq) {
    bool nodes[KIT_NODES] = {0};
    bool edges[KIT_EDGES] = {0};
    kit_state now;
    kit_state_at(h, logseq - 1, &now);
    const uint32_t before = h->event_count;
    if (logseq == 1) {
        for (uint32_t i = 0; i < 6; i++) {
            const kit_record r = random_node(h);
            note(h, logseq, false, h->node_count++, &r);
        }
        return;
    }
    for (uint32_t i = 0; i < 6; i++) plan_change(h, logseq, &now, nodes, edges);
    while (h->event_count == before) {
        kit_record r = now.nodes[0];
        r.k = pick(h, 100);
        note(h, logseq, false, 0, &r);
    }
}

void kit_grow(kit_history *h, kit_db *db, uint32_t commits, kit_upkeep upkeep) {
    for (uint32_t i = 0; i < commits; i++) {
        plan_commit(h, ++h->last);
        commit_events(h, db, h->last);
        if (h->last % 7 == 0) kit_upkeep_now(db, upkeep);
    }
    kit_upkeep_now(db, upkeep);
}

void kit_replay(const kit_history *h, kit_db *db, uint64_t up_to, kit_upkeep upkeep) {
    for (uint64_t s = 1; s <= up_to; s++) {
        commit_events(h, db, s);
        if (s % 7 == 0) kit_upkeep_now(db, upkeep);
    }
    kit_upkeep_now(db, upkeep);
}

/* ---- answers */

static bool put_header(const wg_result *r, wg_buf *out) {
    for (uint32_t c = 0; c < wg_result_column_count(r); c++)
        if (!wg_buf_printf(out, "%s%s", c == 0 ? "" : ",", wg_result_column_name(r, c))) return false;
    return wg_buf_append_str(out, "\n");
}

wg_code kit_try(const kit_db *db, const char *text, uint64_t at, wg_buf *out, wg_error *err) {
    wg_snapshot *snapshot = NULL;
    wg_result *result = NULL;
    wg_buf row;
    wg_buf_init(&row, NULL);
    if (at != 0) WG_TRY(wg_snapshot_acquire(db->db, at, &snapshot, err));
    wg_code code = wg_session_use_snapshot(db->session, snapshot, err);
    if (code == WG_OK) code = wg_query(db->session, text, &result, err);
    if (code == WG_OK) {
        assert_true(put_header(result, out));
        for (uint64_t i = 0; i < wg_result_row_count(result); i++) {
            assert_true(wg_result_row_json(result, i, &row));
            assert_true(wg_buf_append(out, row.data, row.size) && wg_buf_append_str(out, "\n"));
        }
    }
    wg_result_free(result);
    (void)!wg_session_use_snapshot(db->session, NULL, NULL);
    wg_snapshot_release(snapshot);
    wg_buf_deinit(&row);
    return code;
}

void kit_answer(const kit_db *db, const char *text, uint64_t at, wg_buf *out) {
    wg_error err = {0};
    const wg_code code = kit_try(db, text, at, out, &err);
    if (code != WG_OK) fail_msg("%s at %llu: %s: %s", text, (unsigned long long)at, wg_code_name(code), err.message);
}

void kit_expect_same(const wg_buf *got, const wg_buf *wanted, const char *format, ...) {
    if (got->size == wanted->size && (got->size == 0 || memcmp(got->data, wanted->data, got->size) == 0)) return;
    char what[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    size_t at = 0;
    while (at < got->size && at < wanted->size && got->data[at] == wanted->data[at]) at++;
    const size_t from = at > 60 ? at - 60 : 0;
    fail_msg("%s: differs at byte %zu of %zu and %zu\n  got    ...%.*s\n  wanted ...%.*s", what, at, got->size,
             wanted->size, (int)wg_min_u64(160, got->size - from), (const char *)got->data + from,
             (int)wg_min_u64(160, wanted->size - from), (const char *)wanted->data + from);
}

void kit_all_answers(kit_db *db, uint64_t at, wg_buf *out) {
    for (uint32_t q = 0; q < KIT_QUERIES; q++) kit_answer(db, kit_query(q), at, out);
}

void kit_all_oracle(const kit_history *h, uint64_t at, wg_buf *out) {
    for (uint32_t q = 0; q < KIT_QUERIES; q++) kit_oracle(h, q, at, out);
}

void kit_execution(kit_db *db, uint32_t threads, uint32_t shards, uint32_t morsel, const char *isa,
                   wg_optimizer optimizer) {
    const wg_execution execution = {
        .threads = threads, .shards = shards, .batch_rows = morsel, .isa = isa, .optimizer = optimizer};
    KIT_OK(wg_session_set_execution(db->session, &execution, err));
}

const char *kit_isa(uint32_t number) {
    static const wg_isa all[] = {WG_ISA_SCALAR, WG_ISA_AVX2, WG_ISA_AVX512, WG_ISA_NEON};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (wg_kernels_of(all[i]) == NULL) continue;
        if (number-- == 0) return wg_isa_name(all[i]);
    }
    return NULL;
}
