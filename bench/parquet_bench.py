"""parquet_bench: counting, summing and filtering rows that stay in Parquet, against DuckDB and pyarrow.

Writes a seeded table of frames (ts, player, team, x, y, speed) once below build/bench, registers it as a virtual label of a new
workspace, and asks the same questions of the three. Each side runs in its own process or connection with the same number of
threads; rounds alternate; the answers must agree before a time counts. Our time includes the start of the program and the opening
of the workspace, so an empty question is measured too (`parquet.start`).

Usage: parquet_bench.py [rows [rounds]]; WORLDGRAPH names the program.
"""
import csv
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import duckdb
import pyarrow
import pyarrow.compute
import pyarrow.dataset

PROGRAM = os.environ.get("WORLDGRAPH", "build/release/worldgraph")
FOLDER = pathlib.Path("build/bench/parquet")
THREADS = os.cpu_count() or 1
LABEL = ("CREATE NODE LABEL Frame (ts INT, player STRING, team STRING, x DOUBLE, y DOUBLE, speed DOUBLE) "
         "VIRTUAL FROM PARTITION '{}/frames/{{game}}.parquet'")
QUESTIONS = [
    ("count", "MATCH (f:Frame) RETURN count(*) AS v", "SELECT count(*) FROM frames", lambda d: d.count_rows()),
    ("sum", "MATCH (f:Frame) RETURN sum(f.speed) AS v", "SELECT fsum(speed) FROM frames",
     lambda d: pyarrow.compute.sum(d.to_table(columns=["speed"])["speed"]).as_py()),
    ("filter", "MATCH (f:Frame) WHERE f.speed > 8.0 RETURN count(*) AS v", "SELECT count(*) FROM frames WHERE speed > 8.0",
     lambda d: d.count_rows(filter=pyarrow.dataset.field("speed") > 8.0)),
    ("text", "MATCH (f:Frame) WHERE f.player = 'player07' RETURN count(*) AS v",
     "SELECT count(*) FROM frames WHERE player = 'player07'",
     lambda d: d.count_rows(filter=pyarrow.dataset.field("player") == "player07")),
]


def write_frames(rows):
    """Four files of rows / 4, the same bytes for the same count."""
    mark = FOLDER / f"frames/{rows}.done"
    if mark.exists():
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "frames").mkdir(parents=True)
    connection = duckdb.connect()
    for game in range(4):
        first, last = game * rows // 4, (game + 1) * rows // 4
        connection.execute(f"""COPY (SELECT i AS ts, 'player' || lpad(CAST(hash(i) % 22 AS VARCHAR), 2, '0') AS player,
            CASE WHEN hash(i) % 22 < 11 THEN 'home' ELSE 'away' END AS team,
            (hash(i * 3 + 1) % 10500) / 100.0::DOUBLE AS x, (hash(i * 3 + 2) % 6800) / 100.0::DOUBLE AS y,
            (hash(i * 3 + 3) % 1000) / 100.0::DOUBLE AS speed FROM range({first}, {last}) t(i) ORDER BY i)
            TO '{FOLDER}/frames/game{game}.parquet' (FORMAT parquet, COMPRESSION zstd)""")
    mark.touch()


def ask_worldgraph(workspace, text):
    answer = subprocess.run([PROGRAM, "query", workspace, text, "--csv", "--threads", str(THREADS)], capture_output=True, text=True,
                            check=False)
    if answer.returncode != 0:
        sys.exit(f"parquet_bench: worldgraph refused: {text}\n{answer.stderr}")
    return float(list(csv.reader(answer.stdout.splitlines()))[1][0])


def timed(function, *arguments):
    begin = time.perf_counter()
    value = function(*arguments)
    return time.perf_counter() - begin, value


def line(name, rows, ours, peer, theirs, rounds):
    print(json.dumps({"name": f"parquet.{name}", "params": {"rows": rows, "threads": THREADS, "rounds": rounds},
                      "value": round(ours * 1000, 3), "unit": "ms", "peer": peer,
                      "peer_value": None if theirs is None else round(theirs * 1000, 3),
                      "ratio": None if theirs is None else round(ours / theirs, 3)}), flush=True)


def measure(name, question, sql, arrow, sides, rounds, rows):
    workspace, connection, dataset = sides
    asks = {"worldgraph": (ask_worldgraph, workspace, question),
            "duckdb": (lambda: float(connection.execute(sql).fetchone()[0]),),
            "pyarrow": (lambda: float(arrow(dataset)),)}
    times = {side: [] for side in asks}
    for _ in range(rounds):
        values = {}
        for side, call in asks.items():
            seconds, values[side] = timed(*call)
            times[side].append(seconds)
        for side, value in values.items():
            if not math.isclose(value, values["worldgraph"], rel_tol=1e-9):
                sys.exit(f"parquet_bench: {name}: worldgraph says {values['worldgraph']}, {side} says {value}")
    for peer in ("duckdb", "pyarrow"):
        line(name, rows, statistics.median(times["worldgraph"]), peer, statistics.median(times[peer]), rounds)


def main(rows=4_000_000, rounds=5):
    write_frames(rows)
    workspace = FOLDER / "bench.wg"
    shutil.rmtree(workspace, ignore_errors=True)
    for command in (["ws", "init", workspace], ["query", workspace, LABEL.format(FOLDER)]):
        done = subprocess.run([PROGRAM, *command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"parquet_bench: {done.stderr}")
    connection = duckdb.connect(config={"threads": THREADS})
    connection.execute(f"CREATE VIEW frames AS SELECT * FROM read_parquet('{FOLDER}/frames/*.parquet')")
    pyarrow.set_cpu_count(THREADS)
    dataset = pyarrow.dataset.dataset(sorted(map(str, (FOLDER / "frames").glob("*.parquet"))))
    starts = [timed(ask_worldgraph, workspace, "RETURN 1 AS v")[0] for _ in range(rounds)]
    line("start", rows, statistics.median(starts), None, None, rounds)
    for name, question, sql, arrow in QUESTIONS:
        measure(name, question, sql, arrow, (workspace, connection, dataset), rounds, rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
