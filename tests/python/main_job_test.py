"""The main job: three football matches in Parquet, their players in an owned label, the passes as edges; every answer is
compared with DuckDB over the same files.

    python tests/python/main_job_test.py [WORD]      the program is WORLDGRAPH, or build/release/worldgraph
"""
import math
import sys

from kit import FOOTBALL_LINK, FOOTBALL_SCHEMA, Suite, Workspace, check, compare, equal, football_duck, need_data, need_duckdb

need_data("football/events/game1.parquet", "football/players.csv")
duckdb, _ = need_duckdb()


def prepare(scratch):
    ws = Workspace(scratch / "ws")
    steps = {}
    for text in FOOTBALL_SCHEMA:
        ws.do(text)
    steps["before edges"] = ws.logseq()
    ws.do(FOOTBALL_LINK)
    steps["linked"] = ws.logseq()
    return ws, football_duck(duckdb), steps


suite = Suite("main-job", prepare)
EDGES = "MATCH (a:Player)-[p:PASSED]->(b:Player) "


@suite.case
def copy_reports_and_every_player_is_there(ws, duck, _):
    equal(ws.value("MATCH (p:Player) RETURN count(*)"), 89)
    compare(ws, duck, "MATCH (p:Player) RETURN p.game, p.team, p.name, p.touches ORDER BY p.game, p.name",
            "SELECT game, team, name, touches FROM player ORDER BY game, name")


@suite.case
def virtual_rows_are_all_there(ws, duck, _):
    compare(ws, duck, "MATCH (e:Event) RETURN count(*)", "SELECT count(*) FROM event")
    compare(ws, duck, "MATCH (e:Event) RETURN e.game AS game, count(*) AS n, count(e.from_player) AS f, count(e.to_player)"
            " AS t, count(e.start_x) AS x, sum(e.seq) AS s ORDER BY game",
            "SELECT game, count(*), count(from_player), count(to_player), count(start_x), sum(seq) FROM event"
            " GROUP BY 1 ORDER BY 1")


@suite.case
def every_virtual_cell_is_the_files(ws, duck, _):
    columns = ["game", "seq", "team", "type", "subtype", "period", "start_time", "from_player", "to_player", "start_x",
               "start_y"]
    count = compare(ws, duck, "MATCH (e:Event) RETURN " + ", ".join("e." + c for c in columns) + " ORDER BY e.game, e.seq",
                    f"SELECT {', '.join(columns)} FROM event ORDER BY game, seq")
    return f"{count} rows"


@suite.case
def passes_between_players(ws, duck, _):
    compare(ws, duck, EDGES + "WHERE a.game = 'game1' RETURN a.name, b.name, count(*) AS passes"
            " ORDER BY passes DESC, a.name, b.name LIMIT 5",
            "SELECT a, b, count(*) AS n FROM passed WHERE game = 'game1' GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT 5")
    count = compare(ws, duck, EDGES + "RETURN a.game, a.name, b.name, count(*) AS passes, sum(p.event) AS events, min(p.at)"
                    " AS first, max(p.at) AS last ORDER BY a.game, a.name, b.name",
                    "SELECT game, a, b, count(*), sum(event), min(tm), max(tm) FROM passed GROUP BY 1, 2, 3"
                    " ORDER BY 1, 2, 3")
    compare(ws, duck, "MATCH ()-[p:PASSED]->() RETURN count(*)", "SELECT count(*) FROM passed")
    return f"{count} pairs"


@suite.case
def every_edge_is_there_once(ws, duck, _):
    compare(ws, duck, EDGES + "RETURN a.game, p.event, a.name, b.name, p.at ORDER BY a.game, p.event",
            "SELECT game, event, a, b, tm FROM passed ORDER BY 1, 2")
    compare(ws, duck, EDGES + "WITH DISTINCT id(p) AS i RETURN count(*)", "SELECT count(*) FROM passed")


@suite.case
def sums_by_player_and_direction(ws, duck, _):
    compare(ws, duck, "MATCH (a:Player)-[p:PASSED]->() RETURN a.game, a.name, count(p) AS n ORDER BY a.game, a.name",
            "SELECT game, a, count(*) FROM passed GROUP BY 1, 2 ORDER BY 1, 2")
    compare(ws, duck, "MATCH (b:Player)<-[p:PASSED]-() RETURN b.game, b.name, count(p) AS n ORDER BY b.game, b.name",
            "SELECT game, b, count(*) FROM passed GROUP BY 1, 2 ORDER BY 1, 2")
    compare(ws, duck, "MATCH (a:Player)-[p:PASSED]-(b) RETURN a.game, a.name, count(p) AS n ORDER BY a.game, a.name",
            "SELECT game, name, count(*) FROM (SELECT game, a AS name FROM passed UNION ALL SELECT game, b FROM passed"
            " WHERE src <> dst) GROUP BY 1, 2 ORDER BY 1, 2")


@suite.case
def two_hops_never_use_an_edge_twice(ws, duck, _):
    two = "passed p JOIN passed q ON p.dst = q.src AND p.id <> q.id"
    count = compare(ws, duck, "MATCH (a:Player)-[:PASSED]->(b:Player)-[:PASSED]->(c:Player) RETURN count(*)",
                    f"SELECT count(*) FROM {two}")
    equal(count, 1)
    compare(ws, duck, "MATCH (a:Player)-[:PASSED]->(b:Player)-[:PASSED]->(a) RETURN a.game, count(*) AS n ORDER BY a.game",
            f"SELECT p.game, count(*) FROM {two} WHERE p.src = q.dst GROUP BY 1 ORDER BY 1")
    compare(ws, duck, "MATCH (a:Player)-[:PASSED]->(b:Player)-[:PASSED]->(c:Player) WHERE a.game = 'game2' AND a.name <> c.name"
            " RETURN a.name, c.name, count(*) AS n ORDER BY n DESC, a.name, c.name LIMIT 20",
            f"SELECT p.a, q.b, count(*) AS n FROM {two} WHERE p.game = 'game2' AND p.a <> q.b GROUP BY 1, 2"
            " ORDER BY n DESC, 1, 2 LIMIT 20")


@suite.case
def two_hops_of_two_matches_may(ws, duck, _):
    """Uniqueness holds within one MATCH; a second MATCH may use the edge again."""
    compare(ws, duck, "MATCH (a:Player {game: 'game1', name: 'Player19'})-[:PASSED]->(b) MATCH (b)<-[:PASSED]-(c)"
            " RETURN count(*)",
            "SELECT count(*) FROM passed p JOIN passed q ON p.dst = q.dst WHERE p.game = 'game1' AND p.a = 'Player19'")
    compare(ws, duck, "MATCH (a:Player {game: 'game1', name: 'Player19'})-[:PASSED]->(b)<-[:PASSED]-(c) RETURN count(*)",
            "SELECT count(*) FROM passed p JOIN passed q ON p.dst = q.dst AND p.id <> q.id"
            " WHERE p.game = 'game1' AND p.a = 'Player19'")


@suite.case
def three_hops(ws, duck, _):
    compare(ws, duck, "MATCH (a:Player {game: 'game2', name: 'Player1'})-[:PASSED]->()-[:PASSED]->()-[:PASSED]->(d)"
            " RETURN d.name, count(*) AS n ORDER BY d.name",
            "SELECT r.b, count(*) FROM passed p JOIN passed q ON p.dst = q.src AND p.id <> q.id"
            " JOIN passed r ON q.dst = r.src AND r.id <> p.id AND r.id <> q.id"
            " WHERE p.game = 'game2' AND p.a = 'Player1' GROUP BY 1 ORDER BY 1")


@suite.case
def edges_join_back_to_their_events(ws, duck, _):
    compare(ws, duck, EDGES + ", (e:Event) WHERE e.game = a.game AND e.seq = p.event RETURN a.game, count(*) AS n,"
            " count(e.subtype) AS s, min(e.start_x) AS x ORDER BY a.game",
            "SELECT p.game, count(*), count(e.subtype), min(e.start_x) FROM passed p JOIN event e ON e.game = p.game"
            " AND e.seq = p.event GROUP BY 1 ORDER BY 1")


@suite.case
def with_aggregates_and_filters(ws, duck, _):
    compare(ws, duck, EDGES + "WITH a, count(p) AS n WHERE n > 40 RETURN a.game, a.name, n ORDER BY n DESC, a.game, a.name",
            "SELECT game, a, count(*) AS n FROM passed GROUP BY 1, 2 HAVING n > 40 ORDER BY n DESC, 1, 2")
    compare(ws, duck, EDGES + "WITH a.game AS game, a.name AS name, count(*) AS n WITH game, max(n) AS most, avg(n) AS mean,"
            " sum(n) AS total RETURN game, most, mean, total ORDER BY game",
            "SELECT game, max(n), avg(n), sum(n) FROM (SELECT game, a, count(*) AS n FROM passed GROUP BY 1, 2) GROUP BY 1"
            " ORDER BY 1")
    compare(ws, duck, "MATCH (e:Event) WITH e.type AS type, e.start_x AS x WHERE x IS NOT NULL WITH type, count(*) AS n,"
            " avg(x) AS mean ORDER BY n DESC LIMIT 3 RETURN type, n, mean ORDER BY type",
            "SELECT type, n, mean FROM (SELECT type, count(*) AS n, avg(start_x) AS mean FROM event WHERE start_x IS NOT NULL"
            " GROUP BY 1 ORDER BY n DESC LIMIT 3) ORDER BY type")


@suite.case
def distinct_and_count_distinct(ws, duck, _):
    compare(ws, duck, "MATCH (e:Event) RETURN DISTINCT e.type, e.period ORDER BY e.type, e.period",
            "SELECT DISTINCT type, period FROM event ORDER BY 1, 2")
    compare(ws, duck, "MATCH (e:Event) RETURN DISTINCT e.subtype AS s ORDER BY s",
            "SELECT DISTINCT subtype AS s FROM event ORDER BY s NULLS LAST")
    compare(ws, duck, "MATCH (e:Event) RETURN count(DISTINCT e.from_player), count(DISTINCT e.subtype), count(e.subtype)",
            "SELECT count(DISTINCT from_player), count(DISTINCT subtype), count(subtype) FROM event")


@suite.case
def nulls_sort_last_and_first(ws, duck, _):
    compare(ws, duck, "MATCH (e:Event) WHERE e.game = 'game1' RETURN e.to_player, e.seq ORDER BY e.to_player, e.seq",
            "SELECT to_player, seq FROM event WHERE game = 'game1' ORDER BY to_player NULLS LAST, seq")
    compare(ws, duck, "MATCH (e:Event) WHERE e.game = 'game1' RETURN e.start_x, e.seq ORDER BY e.start_x DESC, e.seq LIMIT 900",
            "SELECT start_x, seq FROM event WHERE game = 'game1' ORDER BY start_x DESC NULLS FIRST, seq LIMIT 900")


@suite.case
def skip_and_limit_cut_the_order(ws, duck, _):
    for skip, limit in ((0, 1), (1, 7), (2047, 3), (7000, 1000)):
        compare(ws, duck, f"MATCH (e:Event) RETURN e.game, e.seq ORDER BY e.start_time, e.game, e.seq SKIP {skip} LIMIT {limit}",
                f"SELECT game, seq FROM event ORDER BY start_time NULLS LAST, game, seq LIMIT {limit} OFFSET {skip}")
    equal(ws.rows("MATCH (e:Event) RETURN e.seq LIMIT 0"), [])
    equal(ws.rows("MATCH (e:Event) RETURN e.seq SKIP 100000"), [])


@suite.case
def aggregates_of_floats_and_strings(ws, duck, _):
    compare(ws, duck, "MATCH (e:Event) RETURN e.type AS type, avg(e.start_x) AS m, min(e.start_y) AS lo, max(e.start_y) AS hi,"
            " sum(e.start_time) AS s, min(e.from_player) AS first, max(e.from_player) AS last ORDER BY type",
            "SELECT type, avg(start_x), min(start_y), max(start_y), sum(start_time), min(from_player), max(from_player)"
            " FROM event GROUP BY 1 ORDER BY 1")
    compare(ws, duck, "MATCH (e:Event) WHERE e.game = 'game2' AND e.type = 'SHOT' RETURN e.period, count(*) ORDER BY e.period",
            "SELECT period, count(*) FROM event WHERE game = 'game2' AND type = 'SHOT' GROUP BY 1 ORDER BY 1")


@suite.case
def float_sums_are_rounded_once(ws, duck, _):
    """The exact sum, whatever the order: what math.fsum gives."""
    for column in ("start_x", "start_y", "start_time"):
        wanted = math.fsum(row[0] for row in duck.sql(f"SELECT {column} FROM event WHERE {column} IS NOT NULL").fetchall())
        equal(ws.value(f"MATCH (e:Event) RETURN sum(e.{column})"), wanted)


@suite.case
def empty_input_of_aggregates(ws, *_):
    equal(ws.rows("MATCH (e:Event) WHERE e.seq < 0 RETURN count(*), count(e.team), sum(e.seq), avg(e.seq), min(e.seq),"
                  " max(e.team), collect(e.team)"), [[0, 0, 0, None, None, None, []]])
    equal(ws.rows("MATCH (e:Event) WHERE e.seq < 0 RETURN e.team, count(*)"), [])


@suite.case
def collect_keeps_the_order_of_its_input(ws, duck, _):
    compare(ws, duck, "MATCH (e:Event) WHERE e.type = 'SHOT' WITH e ORDER BY e.game, e.seq RETURN e.game AS game,"
            " collect(e.seq) AS seqs, collect(e.subtype) AS kinds ORDER BY game",
            "SELECT game, list(seq ORDER BY seq), list(subtype ORDER BY seq) FILTER (subtype IS NOT NULL) FROM event"
            " WHERE type = 'SHOT' GROUP BY 1 ORDER BY 1")
    compare(ws, duck, "MATCH (e:Event) WHERE e.type = 'SHOT' WITH DISTINCT e.from_player AS p ORDER BY p RETURN collect(p)",
            "SELECT list(p ORDER BY p) FROM (SELECT DISTINCT from_player AS p FROM event WHERE type = 'SHOT')")


FILTERS = [
    ("e.type = 'PASS'", "type = 'PASS'"),
    ("e.type <> 'PASS'", "type <> 'PASS'"),
    ("'PASS' = e.type AND e.period = 2", "type = 'PASS' AND period = 2"),
    ("e.seq < 100", "seq < 100"),
    ("e.seq >= 100 AND e.seq <= 104", "seq BETWEEN 100 AND 104"),
    ("100 < e.seq", "seq > 100"),
    ("10 < e.seq < 20", "seq > 10 AND seq < 20"),
    ("e.start_x > 0.5", "start_x > 0.5"),
    ("e.start_x = 0.5", "start_x = 0.5"),
    ("e.start_time > 3000", "start_time > 3000"),
    ("NOT e.start_x > 0.5", "NOT start_x > 0.5"),
    ("e.start_x IS NULL", "start_x IS NULL"),
    ("e.to_player IS NOT NULL", "to_player IS NOT NULL"),
    ("e.type IN ['SHOT', 'CARD']", "type IN ('SHOT', 'CARD')"),
    ("e.seq IN [1, 2, 3, 5000000]", "seq IN (1, 2, 3)"),
    ("e.subtype IN ['HEAD', null]", "subtype IN ('HEAD')"),
    ("NOT e.type IN ['SHOT', 'PASS']", "type NOT IN ('SHOT', 'PASS')"),
    ("e.subtype STARTS WITH 'HEAD'", "starts_with(subtype, 'HEAD')"),
    ("e.subtype ENDS WITH 'WON'", "suffix(subtype, 'WON')"),
    ("e.subtype CONTAINS '-'", "contains(subtype, '-')"),
    ("NOT e.subtype CONTAINS '-'", "NOT contains(subtype, '-')"),
    ("e.from_player < e.to_player", "from_player < to_player"),
    ("e.from_player <> e.to_player", "from_player <> to_player"),
    ("e.type = 'SHOT' OR e.subtype = 'HEAD'", "type = 'SHOT' OR subtype = 'HEAD'"),
    ("e.type = 'SHOT' XOR e.period = 1", "(type = 'SHOT') <> (period = 1)"),
    ("(e.start_x < 0.1 OR e.start_x > 0.9) AND e.team = 'Home'", "(start_x < 0.1 OR start_x > 0.9) AND team = 'Home'"),
    ("e.game = 'game3'", "game = 'game3'"),
    ("e.game <> 'game3'", "game <> 'game3'"),
    ("e.game IN ['game1', 'game3'] AND e.seq = 7", "game IN ('game1', 'game3') AND seq = 7"),
    ("e.game STARTS WITH 'game' AND e.period = 2", "period = 2"),
    ("e.seq % 7 = 3", "seq % 7 = 3"),
    ("e.seq * 2 + 1 > 3000", "seq * 2 + 1 > 3000"),
    ("e.start_x * e.start_x + e.start_y * e.start_y < 0.25", "start_x * start_x + start_y * start_y < 0.25"),
    ("toLower(e.type) = 'shot'", "lower(type) = 'shot'"),
    ("size(e.type) = 4", "len(type) = 4"),
    ("coalesce(e.subtype, 'none') = 'none'", "coalesce(subtype, 'none') = 'none'"),
    ("CASE WHEN e.type = 'PASS' THEN e.seq ELSE -1 END > 1000", "CASE WHEN type = 'PASS' THEN seq ELSE -1 END > 1000"),
]


@suite.case
def filters_agree(ws, duck, _):
    text = ";".join(f"MATCH (e:Event) WHERE {mine} RETURN count(*), sum(e.seq)" for mine, _ in FILTERS)
    answers = ws.do(text)
    equal(len(answers), len(FILTERS))
    for (mine, theirs), answer in zip(FILTERS, answers):
        count, total = duck.sql(f"SELECT count(*), coalesce(sum(seq), 0) FROM event WHERE {theirs}").fetchall()[0]
        check(count > 0, f"{theirs} finds nothing")
        equal(answer["rows"], [[count, int(total)]], mine)
    return f"{len(FILTERS)} filters"


@suite.case
def parameters_are_values(ws, duck, _):
    for game in ("game1", "game2", "nowhere' OR true"):
        quoted = game.replace("'", "''")
        wanted = duck.sql(f"SELECT count(*) FROM event WHERE game = '{quoted}' AND seq < 50").fetchall()[0][0]
        equal(ws.value("MATCH (e:Event) WHERE e.game = $game AND e.seq < $n RETURN count(*)", "--param", f"game={game}",
                       "--param", "n=50"), wanted)
    equal(ws.value("MATCH (e:Event) WHERE e.type IN $types RETURN count(*)", "--param", 'types=["SHOT","CARD"]'),
          duck.sql("SELECT count(*) FROM event WHERE type IN ('SHOT', 'CARD')").fetchall()[0][0])


@suite.case
def optional_match_keeps_who_has_nothing(ws, duck, _):
    compare(ws, duck, "MATCH (a:Player) OPTIONAL MATCH (a)-[p:PASSED]->(b:Player) RETURN a.game, a.name, count(p) AS n,"
            " min(b.name) AS least ORDER BY a.game, a.name",
            "SELECT l.game, l.name, count(p.id), min(p.b) FROM player l LEFT JOIN passed p ON p.src = l.id GROUP BY 1, 2"
            " ORDER BY 1, 2")
    compare(ws, duck, "MATCH (a:Player) OPTIONAL MATCH (e:Event {game: a.game, from_player: a.name, type: 'SHOT'})"
            " RETURN a.game, a.name, count(e) AS shots ORDER BY shots DESC, a.game, a.name",
            "SELECT a.game, a.name, count(e.seq) AS n FROM player a LEFT JOIN event e ON e.game = a.game AND"
            " e.from_player = a.name AND e.type = 'SHOT' GROUP BY 1, 2 ORDER BY n DESC, 1, 2")


@suite.case
def union_and_unwind(ws, duck, _):
    compare(ws, duck, "MATCH (p:Player) RETURN p.team AS x UNION MATCH (e:Event) RETURN e.type AS x",
            "SELECT team FROM player UNION SELECT type FROM event", ordered=False)
    compare(ws, duck, "MATCH (p:Player) RETURN p.team AS x UNION ALL MATCH (e:Event) WHERE e.type = 'CARD' RETURN e.team AS x",
            "SELECT team FROM player UNION ALL SELECT team FROM event WHERE type = 'CARD'", ordered=False)
    compare(ws, duck, "UNWIND ['game1', 'game3'] AS g MATCH (e:Event) WHERE e.game = g RETURN g, count(*) ORDER BY g",
            "SELECT game, count(*) FROM event WHERE game IN ('game1', 'game3') GROUP BY 1 ORDER BY 1")


@suite.case
def only_the_named_file_is_read(ws, *_):
    text = plan(ws, "MATCH (e:Event) WHERE e.game = 'game2' AND e.type = 'SHOT' RETURN e.period, count(*)")
    check("files 1 of 3" in text, text)
    text = plan(ws, "MATCH (e:Event) WHERE e.type = 'SHOT' RETURN count(*)")
    check("files 3 of 3" in text, text)
    text = plan(ws, "MATCH (e:Event {game: 'game9'}) RETURN count(*)")
    check("files 0 of 3" in text, text)
    equal(ws.value("MATCH (e:Event {game: 'game9'}) RETURN count(*)"), 0)
    stats = ws.run("MATCH (e:Event) WHERE e.game = 'game2' RETURN count(e.type)", "--stats").err
    numbers = {line.rsplit(None, 1)[0]: int(line.rsplit(None, 1)[1]) for line in stats.splitlines() if line[-1:].isdigit()}
    equal([numbers[name] for name in ("files in all", "files pruned", "files opened")], [3, 2, 1], stats)
    check(0 < numbers["bytes read"] < 57000 and numbers["rows scanned"] < 2000, stats)


def plan(ws, text):
    return "\n".join(str(cell) for row in ws.rows("EXPLAIN " + text) for cell in row)


@suite.case
def explain_shows_the_join_and_changes_nothing(ws, _, steps):
    text = plan(ws, FOOTBALL_LINK).lower()
    check("hash" in text and "join" in text or "seek" in text, text)
    check("cross" not in text, text)
    equal(ws.logseq(), steps["linked"])
    text = plan(ws, "MATCH (e:Event), (a:Player) WHERE e.from_player = a.name AND e.game = a.game RETURN count(*)").lower()
    check(("hash" in text and "join" in text) or "seek" in text, text)
    text = plan(ws, "MATCH (e:Event), (a:Player) WHERE e.from_player = a.name RETURN count(*)").lower()
    check("hash" in text and "join" in text, text)


@suite.case
def join_without_key_is_a_join_still(ws, duck, _):
    compare(ws, duck, "MATCH (e:Event), (a:Player) WHERE e.from_player = a.name RETURN count(*), sum(a.touches)",
            "SELECT count(*), sum(a.touches) FROM event e JOIN player a ON e.from_player = a.name")
    compare(ws, duck, "MATCH (a:Player), (b:Player) WHERE a.game = b.game AND a.touches < b.touches RETURN count(*)",
            "SELECT count(*) FROM player a JOIN player b ON a.game = b.game AND a.touches < b.touches")


@suite.case
def reopened_answers_have_the_same_bytes(ws, *_):
    text = EDGES + "RETURN a.game, a.name, b.name, count(*) AS n, sum(p.at) AS s, collect(p.event) AS c"
    first, second = (ws.run(text, "--json") for _ in range(2))
    equal(first.rc, 0, first.err)
    check(first.out == second.out and len(first.out) > 10000, "the answers differ")
    check(ws.receipt(text) == ws.receipt(text), "the receipts differ")


@suite.case
def before_the_edges_there_are_none(ws, duck, steps):
    before = steps["before edges"]
    equal(ws.value(f"AS OF {before} MATCH (:Player)-[p:PASSED]->(:Player) RETURN count(p)"), 0)
    equal(ws.value("MATCH (:Player)-[p:PASSED]->(:Player) RETURN count(p)", "--at-snapshot", before), 0)
    equal(ws.value(f"AS OF {before} MATCH (p:Player) RETURN count(*)"), 89)
    compare(ws, duck, f"AS OF {before} MATCH (e:Event) RETURN count(*)", "SELECT count(*) FROM event")
    compare(ws, duck, "MATCH (:Player)-[p:PASSED]->(:Player) RETURN count(p) AS OF $s", "SELECT count(*) FROM passed", "--param",
            f"s={steps['linked']}")
    ws.fails("MATCH (n) RETURN count(*) AS OF 999999", 1, "999999")
    ws.fails("CREATE (:Player {game: 'x', name: 'y'})", 1, "WG_E_READ_ONLY", options=("--at-snapshot", before))


@suite.case
def set_and_delete_leave_the_past_alone(ws, duck, steps):
    """Near the end: it changes the graph, on purpose."""
    linked = steps["linked"]
    ws.do("MATCH (p:Player {game: 'game1'}) SET p.touches = p.touches + 1000")
    changed = ws.logseq()
    compare(ws, duck, "MATCH (p:Player) RETURN p.game, sum(p.touches) AS n ORDER BY p.game",
            "SELECT game, sum(touches + CASE WHEN game = 'game1' THEN 1000 ELSE 0 END) FROM player GROUP BY 1 ORDER BY 1")
    compare(ws, duck, f"AS OF {linked} MATCH (p:Player) RETURN p.game, sum(p.touches) AS n ORDER BY p.game",
            "SELECT game, sum(touches) FROM player GROUP BY 1 ORDER BY 1")
    ws.do("MATCH (a:Player {game: 'game2'})-[p:PASSED]->(b) WHERE p.at > 1000 DELETE p")
    deleted = ws.logseq()
    compare(ws, duck, EDGES + "RETURN a.game, count(p) AS n, sum(p.event) AS s ORDER BY a.game",
            "SELECT game, count(*), sum(event) FROM passed WHERE NOT (game = 'game2' AND tm > 1000) GROUP BY 1 ORDER BY 1")
    ws.do("MATCH (a:Player {game: 'game3'}) WHERE a.team = 'Home' DETACH DELETE a")
    gone = "(SELECT id FROM player WHERE game = 'game3' AND team = 'Home')"
    compare(ws, duck, "MATCH ()-[p:PASSED]->() RETURN count(*)",
            f"SELECT count(*) FROM passed WHERE NOT (game = 'game2' AND tm > 1000) AND src NOT IN {gone} AND dst NOT IN {gone}")
    compare(ws, duck, "MATCH (p:Player) RETURN count(*)", f"SELECT count(*) FROM player WHERE id NOT IN {gone}")
    for at, edges in ((linked, "true"), (changed, "true"), (deleted, "NOT (game = 'game2' AND tm > 1000)")):
        compare(ws, duck, f"AS OF {at} " + EDGES + "RETURN count(p)", f"SELECT count(*) FROM passed WHERE {edges}")
        compare(ws, duck, f"AS OF {at} MATCH (p:Player) RETURN count(*)", "SELECT count(*) FROM player")
    ws.fails("MATCH (a:Player {game: 'game1', name: 'Player19'}) DELETE a", 1, "WG_E_CONSTRAINT")


@suite.case
def merge_finds_or_makes(ws, *_):
    """By the primary key: finds each of the 89 or fewer that are left, makes the one that is missing, once."""
    before = ws.value("MATCH (p:Player) RETURN count(*)")
    text = ("UNWIND ['Player19', 'Nobody', 'Nobody'] AS n MERGE (p:Player {game: 'game1', name: n})"
            " ON CREATE SET p.touches = 1 ON MATCH SET p.touches = p.touches + 1 RETURN p.name, p.touches")
    equal([row[0] for row in ws.rows(text)], ["Player19", "Nobody", "Nobody"])
    equal(ws.value("MATCH (p:Player) RETURN count(*)"), before + 1)
    equal(ws.value("MATCH (p:Player {game: 'game1', name: 'Nobody'}) RETURN p.touches"), 2)
    made = ("MATCH (a:Player {game: 'game1', name: 'Nobody'}), (b:Player {game: 'game1', name: 'Player19'})"
            " MERGE (a)-[p:PASSED {event: -1}]->(b) RETURN count(*)")
    equal([ws.value(made), ws.value(made)], [1, 1])
    equal(ws.value("MATCH (a:Player {name: 'Nobody'})-[p:PASSED]->(b:Player) RETURN count(p)"), 1)


@suite.case
def primary_key_is_kept(ws, *_):
    before = ws.logseq()
    ws.fails("CREATE (:Player {game: 'game1', team: 'Home', name: 'Player1', touches: 0})", 1, "WG_E_CONSTRAINT", "Player")
    ws.fails("MATCH (e:Event) WHERE e.seq = 1 SET e.team = 'x'", 1, "WG_E_READ_ONLY", "Event")
    equal(ws.logseq(), before)


@suite.case
def the_log_is_whole_at_the_end(ws, *_):
    answer = ws.verify()
    equal(answer.rc, 0, answer.err)


if __name__ == "__main__":
    sys.exit(suite.run())
