/* golden_writer: writes a golden workspace into tests/golden/NAME, which must not exist: run once for each format.
 *
 *   golden_writer NAME [stripes]       with "stripes": two checkpoints, a compaction, and the end in the log
 *
 * The history has declared and open labels, every type that can be stored, updates, deletions, edges, a commit over several
 * frames and segments, DDL, and a virtual label with two files. See tests/golden/golden_kit.h for what is written where. */
#include <stdio.h>

#include "io/object_cache/parquet_kit.h"
#include "tests/golden/golden_kit.h"

static const char *const history[] = {
    "CREATE NODE LABEL Player (id INT NOT NULL, name STRING, height FLOAT, born DATE, seen TIMESTAMP, raw BYTES, "
    "active BOOL, small "
    "UINT8, PRIMARY KEY (id))",
    "CREATE EDGE LABEL PASSED (FROM Player TO Player, at INT, how STRING)",
    "UNWIND range(1, 40) AS i CREATE (:Player {id: i, name: 'player ' + toString(i), height: 1.5 + i / 8.0, active: "
    "i % 2 = 0, "
    "small: i % 256})",
    "MATCH (a:Player), (b:Player) WHERE b.id = a.id + 1 CREATE (a)-[:PASSED {at: a.id * 10, how: 'short'}]->(b)",
    "CREATE (a:Note {text: 'h\xc3\xa9llo', list: [1, 2.5, 'x', null, true]})-[:ABOUT {weight: "
    "0.25}]->(:Note:Tag "
    "{text: ''})",
    "MATCH (p:Player) WHERE p.id % 7 = 0 SET p.name = 'renamed ' + toString(p.id), p.height = null",
    "MATCH (p:Player) WHERE p.id = 13 DETACH DELETE p",
    "MATCH (:Player {id: 3})-[r:PASSED]->() DELETE r",
    "MATCH (p:Player {id: 5}) SET p.born = date('2001-02-03'), p.seen = localdatetime('2024-05-06T07:08:09.000010')",
    "MATCH (n:Tag) SET n.time = localtime('12:34:56'), n.span = duration('P1M2DT3S') REMOVE n:Note",
    "CREATE INDEX FOR (n:Player) ON (n.name)",
    "CREATE HASH INDEX small_players FOR (n:Player) ON (n.small)",
    "CREATE CONSTRAINT FOR (n:Player) REQUIRE n.id IS KEY",
    "CREATE CONSTRAINT gone_soon FOR ()-[r:PASSED]-() REQUIRE r.at IS NOT NULL",
    "CREATE NODE LABEL Shot VIRTUAL FROM PARTITION '/data/{day}.parquet'",
    "CREATE (:Note {text: reduce(s = '', i IN range(1, 3000) | s + toString(i) + ',')})",
    "MATCH (n:Note) WHERE size(n.text) > 100 SET n.size = size(n.text), n.text = 'cut'",
    "CREATE NODE LABEL Gone (a INT)",
    "CREATE (:Gone {a: 1})",
    "MATCH (g:Gone) DELETE g",
    "DROP NODE LABEL Gone",
    "MATCH (p:Player {id: 40}) SET p.id = 41, p.small = 255",
    "CREATE (:Player {id: 40, name: 'again'})",
    "COPY Player FROM '/data/players.csv'",
    "UNWIND range(100, 130) AS i CREATE (:Note {text: toString(i), half: i / 2.0})",
    "DROP CONSTRAINT gone_soon",
    "COPY PASSED FROM '/data/passed.csv' (FROM Player(id) = a, TO Player(id) = b)",
    "COPY Note:Tag FROM '/data/notes.jsonl'",
    "COPY MENTIONS FROM '/data/mentions.csv' (FROM Note(text), TO Player)",
    "CREATE INDEX FOR ()-[r:PASSED]-() ON (r.at, r.how)",
    "CREATE CONSTRAINT halves FOR (n:Note) REQUIRE n.half IS UNIQUE",
    "CREATE CONSTRAINT FOR (n:Player) REQUIRE n.name IS :: STRING",
    "DROP INDEX small_players",
};

/* Writes the file of the simulated disk to the real one; of a log segment without its trailing zeros. */
static void save(wg_platform *sim, const char *from, const char *to) {
    wg_buf bytes;
    wg_buf_init(&bytes, NULL);
    KIT_OK(golden_read(sim, from, &bytes, err));
    const bool is_log = strstr(from, ".wal") != NULL;
    while (is_log && bytes.size > 0 && bytes.data[bytes.size - 1] == 0) bytes.size--;
    KIT_OK(golden_write(wg_platform_real(), to, wg_buf_slice(&bytes), err));
    wg_buf_deinit(&bytes);
}

typedef struct save_all {
    wg_platform *sim;
    char from[512];
    char to[512];
} save_all;

static bool save_entry(void *ctx, const char *name, bool is_directory) {
    save_all *s = ctx;
    char from[1024];
    char to[1024];
    snprintf(from, sizeof from, "%s/%s", s->from, name);
    snprintf(to, sizeof to, "%s/%s", s->to, name);
    if (!is_directory) {
        save(s->sim, from, to);
        return true;
    }
    save_all inner = {.sim = s->sim};
    snprintf(inner.from, sizeof inner.from, "%.500s", from);
    snprintf(inner.to, sizeof inner.to, "%.500s", to);
    KIT_OK(wg_platform_real()->ops->make_directory(wg_platform_real(), to, err));
    KIT_OK(s->sim->ops->list(s->sim, from, save_entry, &inner, err));
    return true;
}

static void save_tree(wg_platform *sim, const char *from, const char *root, const char *name) {
    save_all s = {.sim = sim};
    snprintf(s.from, sizeof s.from, "%s", from);
    snprintf(s.to, sizeof s.to, "%s/%s", root, name);
    KIT_OK(wg_platform_real()->ops->make_directory(wg_platform_real(), s.to, err));
    KIT_OK(sim->ops->list(sim, from, save_entry, &s, err));
}

static void put_data(wg_platform *sim, const char *path, int64_t base) {
    wg_buf bytes;
    wg_buf_init(&bytes, NULL);
    kit_encode(&(kit_file){.rows = 9, .base = base}, &bytes);
    KIT_OK(golden_write(sim, path, wg_buf_slice(&bytes), err));
    wg_buf_deinit(&bytes);
}

int main(int argc, char **argv) {
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: golden_writer NAME [stripes]\n");
        return 2;
    }
    char root[512];
    char path[600];
    snprintf(root, sizeof root, "tests/golden/%.200s", argv[1]);
    wg_platform *sim = NULL;
    wg_engine *engine = NULL;
    KIT_OK(wg_platform_sim_create(1, &sim, err));
    KIT_OK(sim->ops->make_directory(sim, "/data", err));
    put_data(sim, "/data/2024-01-01.parquet", 0);
    put_data(sim, "/data/2024-01-02.parquet", 100);
    KIT_OK(golden_write(sim, "/data/players.csv",
                        wg_slice_str("id,name,height\n200,\"bulk, one\",1.75\n201,,\n202,bulk three,2\n"), err));
    KIT_OK(golden_write(sim, "/data/passed.csv",
                        wg_slice_str("at,how,a,b\n7,long,200,201\n,,202,200\n-9,short,1,202\n"), err));
    KIT_OK(golden_write(sim, "/data/notes.jsonl",
                        wg_slice_str("{\"text\":\"loaded\",\"price\":1.25}\n{\"text\":\"too\",\"price\":[1]}\n"),
                        err));
    KIT_OK(golden_write(sim, "/data/mentions.csv", wg_slice_str("from,to,page\nloaded,200,3\n100,1,x\n"), err));
    const wg_engine_options options = {
        .platform = sim, .options = {.create = true, .no_background = true}, .wal_segment_bytes = 8192};
    KIT_OK(wg_engine_open("/ws", &options, &engine, err));
    const wg_compact_options everything = {.everything = true};
    for (size_t i = 0; i < sizeof history / sizeof history[0]; i++) {
        KIT_OK(golden_run(engine, history[i], 0, NULL, err));
        if (argc == 3 && (i == 7 || i == 12 || i == 16)) KIT_OK(wg_engine_checkpoint(engine, NULL, err));
        if (argc == 3 && i == 12) KIT_OK(wg_engine_compact(engine, &everything, NULL, NULL, NULL, err));
    }
    wg_buf dump;
    wg_buf_init(&dump, NULL);
    KIT_OK(golden_dump_all(engine, wg_engine_logseq(engine), &dump, err));
    KIT_OK(wg_engine_close(engine, err));
    KIT_OK(wg_platform_real()->ops->make_directory(wg_platform_real(), root, err));
    save_tree(sim, "/ws", root, "ws");
    save_tree(sim, "/data", root, "data");
    snprintf(path, sizeof path, "%s/dump.txt", root);
    KIT_OK(golden_write(wg_platform_real(), path, wg_buf_slice(&dump), err));
    printf("%s: %zu bytes of text\n", root, dump.size);
    wg_buf_deinit(&dump);
    wg_platform_sim_destroy(sim);
    return 0;
}
