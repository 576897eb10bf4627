"""The demonstration: it ends well in an empty folder, its answers are those of the files that it wrote, and the same seed gives
the same bytes.

    python tests/python/demo_test.py [WORD]      the program is WORLDGRAPH, or build/release/worldgraph
"""
import hashlib
import os
import pathlib
import re
import sys

from kit import Suite, Workspace, check, equal, need_duckdb, plain, run, same

duckdb, _ = need_duckdb()
suite = Suite("demo")
ROWS = 20000


def demo(folder, *options):
    answer = run("demo", *options, cwd=folder)
    equal(answer.rc, 0, answer.err)
    return answer.out.decode()


def folder(scratch, name):
    path = scratch / name
    path.mkdir(exist_ok=True)
    return path


def result_hashes(text):
    found = re.findall(r'"result_hash":"([0-9a-f]{64})"', text)
    check(len(found) == 2, f"{len(found)} receipts in the show")
    return found


def files(path):
    """Digest of each file below a folder, by its relative name."""
    return {str(p.relative_to(path)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(path.rglob("*")) if p.is_file()}


@suite.case
def it_ends_with_its_closing_line_and_leaves_nothing(scratch):
    place = folder(scratch, "empty")
    text = demo(place, "--rows", ROWS)
    check(text.strip().splitlines()[-1].startswith("demo: ok"), text[-300:])
    check(str(ROWS) in text and "same receipt" in text, text)
    equal(os.listdir(place), [])
    one, two = result_hashes(text)
    equal(one, two)


@suite.case
def the_same_seed_gives_the_same_bytes(scratch):
    place = folder(scratch, "twice")
    texts = [demo(place, name, "--rows", ROWS, "--seed", 7) for name in ("one", "two")]
    equal(result_hashes(texts[0]), result_hashes(texts[1]))
    one, two = (files(place / name / "season") for name in ("one", "two"))
    check(len(one) > 2 and one == two, "the seasons differ")
    other = demo(place, "three", "--rows", ROWS, "--seed", 8)
    check(files(place / "three" / "season") != one, "another seed gives the same season")
    check(result_hashes(other)[0] != result_hashes(texts[0])[0], "another season has the same answer")


@suite.case
def the_answers_are_those_of_the_files(scratch):
    place = folder(scratch, "peer")
    demo(place, "show", "--rows", ROWS, "--seed", 3)
    ws = Workspace(place / "show" / "ws", make=False)
    season = place / "show" / "season"
    duck = duckdb.connect()
    duck.sql(f"CREATE TABLE frame AS SELECT *, regexp_extract(filename, '([^/]+)/[^/]+$', 1) AS day"
             f" FROM read_parquet('{season}/*/*.parquet', filename = true)")
    duck.sql(f"CREATE TABLE player AS SELECT * FROM read_csv('{season}/players.csv', header = true)")
    for text, sql in (
            ("MATCH (f:Frame) RETURN count(*)", "SELECT count(*) FROM frame"),
            ("MATCH (p:Player) RETURN count(*)", "SELECT count(*) FROM player"),
            ("MATCH (f:Frame) RETURN f.date, count(*) AS n, max(f.speed) AS s, min(f.ts) AS t ORDER BY f.date",
             "SELECT day, count(*), max(speed), min(ts) FROM frame GROUP BY 1 ORDER BY 1"),
            ("MATCH (:Player)-[:SEEN_IN]->(f:Frame) RETURN f.event AS event, count(*) AS times ORDER BY times DESC, event",
             "SELECT event, count(*) AS n FROM frame JOIN player ON player.name = frame.player WHERE event IS NOT NULL"
             " GROUP BY 1 ORDER BY n DESC, 1"),
            ("MATCH (p:Player)-[:SEEN_IN]->(f:Frame) WHERE f.event = 'goal' RETURN p.name, p.team, count(*) AS goals"
             " ORDER BY goals DESC, p.name",
             "SELECT p.name, p.team, count(*) AS n FROM frame f JOIN player p ON p.name = f.player WHERE event = 'goal'"
             " GROUP BY 1, 2 ORDER BY n DESC, 1"),
            ("MATCH (p:Player), (f:Frame) WHERE f.player = p.name AND f.speed > 7.0 RETURN p.position, count(*) AS n,"
             " avg(f.speed) AS s ORDER BY p.position",
             "SELECT position, count(*), avg(speed) FROM frame JOIN player ON player.name = frame.player WHERE speed > 7"
             " GROUP BY 1 ORDER BY 1")):
        got, wanted = ws.rows(text), [plain(row) for row in duck.sql(sql).fetchall()]
        check(wanted and len(got) == len(wanted), f"{len(got)} rows, DuckDB has {len(wanted)}: {text}")
        for mine, theirs in zip(got, wanted):
            check(same(mine, theirs), f"{mine} is not {theirs}: {text}")
    equal(ws.verify().rc, 0)


@suite.case
def a_full_folder_is_left_alone(scratch):
    place = folder(scratch, "full")
    (place / "mine.txt").write_text("mine", encoding="utf-8")
    answer = run("demo", place)
    check(answer.rc != 0 and "not an empty directory" in answer.err, answer.err)
    equal([p.name for p in pathlib.Path(place).iterdir()], ["mine.txt"])


if __name__ == "__main__":
    sys.exit(suite.run())
