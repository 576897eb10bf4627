"""virtual_bench: questions over 34.56 million rows that stay in 144 Parquet files, against DuckDB and plain C, with the goals of each.

The data (bench/virtual/virtual_data.py) is made once below build/bench-data, or where WG_BENCH_DATA says. Our side is the program
virtual_ask: one open database, prepared statements over the public API, the time of an execution alone. DuckDB is asked through Python over
the same files with its cache of footers on. virtual_probe is a loop in plain C that decodes the same pages for the one question that
it can answer. Rounds alternate between the three; the least of each counts, because what else runs on the machine only adds; answers are compared
in every round before any time is believed.

Usage: virtual_bench.py [--quick] [--rounds N] [--variants snappy,zstd,index] [--only NAME] [--threads N]
One JSON line a question; `goal` is in seconds for all rows, `ratio` is ours to DuckDB's.
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import time

import duckdb

sys.path.insert(0, str(pathlib.Path(__file__).parent / "virtual"))
import virtual_data  # noqa: E402

BUILD = pathlib.Path(os.environ.get("WG_BENCH_BUILD", "build/release/bench"))
FROM, TO = "2026-01-02T12:30:00", "2026-01-02T12:42:00"
RANGE = f"f.ts >= localdatetime('{FROM}') AND f.ts < localdatetime('{TO}')"
SQL_RANGE = f"ts >= TIMESTAMP '{FROM}' AND ts < TIMESTAMP '{TO}'"
# name, ours, DuckDB's, goals by variant
QUESTIONS = [
    ("count", "MATCH (f:Frame) RETURN count(*)", "SELECT count(*) FROM frames", {"": 0.002}),
    ("sum", "MATCH (f:Frame) RETURN sum(f.x)", "SELECT sum(x) FROM frames", {"": 0.040, "zstd": 0.24}),
    ("sorted", f"MATCH (f:Frame) WHERE {RANGE} RETURN count(*), sum(f.x)", f"SELECT count(*), sum(x) FROM frames WHERE {SQL_RANGE}",
     {"": 0.015}),
    ("unsorted", "MATCH (f:Frame) WHERE f.speed < 1.0 RETURN count(*), sum(f.x)", "SELECT count(*), sum(x) FROM frames WHERE speed < 1.0",
     {"": 0.12, "zstd": 0.40}),
    ("label", "MATCH (f:Frame) WHERE f.label = 'rare' RETURN count(*)", "SELECT count(*) FROM frames WHERE label = 'rare'", {"": 0.06}),
    ("label_sum", "MATCH (f:Frame) WHERE f.label = 'rare' RETURN count(*), sum(f.x)",
     "SELECT count(*), sum(x) FROM frames WHERE label = 'rare'", {}),
    ("group_path", "MATCH (f:Frame) RETURN f.date AS k, count(*) ORDER BY k",
     "SELECT strftime(date, '%Y-%m-%d') AS k, count(*) FROM frames GROUP BY k ORDER BY k", {"": 0.015}),
    ("group_label", "MATCH (f:Frame) RETURN f.label AS k, count(*), sum(f.x) ORDER BY k",
     "SELECT label AS k, count(*), sum(x) FROM frames GROUP BY k ORDER BY k", {"": 0.16}),
    ("full_width", "MATCH (f:Frame) RETURN max(f.ts), max(f.game), max(f.player_id), max(f.x), max(f.y), max(f.speed), max(f.label)",
     "SELECT strftime(max(ts), '%Y-%m-%dT%H:%M:%S.%f'), max(game), max(player_id), max(x), max(y), max(speed), max(label) FROM frames",
     {"": 1.2}),
]


class Program:
    """A program that answers one line with one line of JSON."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or '{"error": "the program ended"}')
        if "error" in answer:
            sys.exit(f"virtual_bench: {line}: {answer['error']}")
        return answer

    def resident_peak(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def same(ours, theirs):
    if isinstance(ours, (list, tuple)):
        return len(ours) == len(theirs) and all(same(a, b) for a, b in zip(ours, theirs))
    if isinstance(ours, float) or isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=1e-9)  # DuckDB's sums depend on their order
    return ours == theirs


def duckdb_open(folder, threads):
    connection = duckdb.connect(config={"threads": threads})
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"""CREATE VIEW frames AS SELECT ts, game, player_id, x, y, speed, label,
        CAST(string_split(filename, '/')[-2] AS DATE) AS date FROM read_parquet('{folder}/*/*.parquet', filename = true)""")
    return connection


def duckdb_ask(connection, name, sql):
    begin = time.perf_counter_ns()
    rows = connection.execute(f"EXECUTE {name}").fetchall()
    return time.perf_counter_ns() - begin, [list(row) for row in rows]


def measure(variant, folder, options):
    threads = options.threads
    questions = [q for q in QUESTIONS if options.only in q[0]]
    ours = Program(BUILD / "virtual_ask", f"{folder}/{{date}}/{{match}}.parquet")
    probe = Program(BUILD / "virtual_probe", *sorted(folder.glob("*/*.parquet")))
    peer = duckdb_open(folder, threads)
    for name, _, sql, _ in questions:
        peer.execute(f"PREPARE {name} AS {sql}")
    best = {q[0]: [math.inf, math.inf, math.inf, math.inf] for q in questions}
    for _ in range(options.rounds):
        for name, text, sql, _ in questions:
            answer = ours.ask(f"{threads}\t3\t{text}")
            took, rows = duckdb_ask(peer, name, sql)
            if not same(answer["rows"], rows):
                sys.exit(f"virtual_bench: {name}: answers differ: {answer['rows'][:3]} and {rows[:3]}")
            times = best[name]
            times[0] = min(times[0], *answer["ns"])
            times[1] = min(times[1], took)
            if name == "sum":
                times[2] = min(times[2], *probe.ask("x\t1")["ns"])
            times[3] = min(times[3], *ours.ask(f"2\t2\t{text}")["ns"]) if options.two else math.inf
    dates, games, rows = virtual_data.shape(options.quick)
    for name, _, _, goals in questions:
        report(name, variant, dates * games * rows, threads, best[name], goals.get(variant, goals.get("")), options)
    print(json.dumps({"name": "virtual.resident", "params": {"variant": variant, "threads": threads}, "value": round(ours.resident_peak(), 1),
                      "unit": "MiB", "goal": 256, "peer": None, "peer_value": None, "ratio": None}), flush=True)
    ours.close()
    probe.close()


def report(name, variant, rows, threads, times, goal, options):
    line = {"name": f"virtual.{name}", "params": {"variant": variant, "rows": rows, "threads": threads, "rounds": options.rounds},
            "value": round(times[0] / 1e6, 3), "unit": "ms", "peer": "DuckDB", "peer_value": round(times[1] / 1e6, 3),
            "ratio": round(times[0] / times[1], 3)}
    if goal is not None and not options.quick and threads == 1:
        line["goal"] = goal * 1000
        line["met"] = times[0] / 1e9 <= goal
    if math.isfinite(times[2]):
        line["probe"] = round(times[2] / 1e6, 3)
    if math.isfinite(times[3]):
        line["speedup_of_two_threads"] = round(times[0] / times[3], 2)
    print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--variants", default="snappy,zstd")
    parser.add_argument("--only", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--two", action="store_true", help="also with two threads")
    options = parser.parse_args()
    cache = os.environ.get("WG_BENCH_DATA", "build/bench-data")
    for variant in options.variants.split(","):
        measure(variant, virtual_data.ensure(cache, variant, options.quick), options)


if __name__ == "__main__":
    main()
