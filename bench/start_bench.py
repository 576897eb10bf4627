"""start_bench: how long a process takes from its start to its first row, and to its end, for a question by primary key, against the
program sqlite3 with the same rows, and against the system's `true`, which is the least that any process takes.

Makes, once, a workspace and a file of SQLite with as many rows below build/bench/start, and puts the rows into stripes; what is measured
opens them anew each time. `read_only` takes no lock and changes nothing; without it the log is opened for writing, too. `log` is a
workspace whose last segment of the log still holds the rows, as a load leaves it behind its checkpoint. The two sides and the ways of
opening alternate; answers must agree before a time counts. Medians.

Usage: start_bench.py [--quick] [rows [rounds]]; WORLDGRAPH names the program.
"""
import json
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time

PROGRAM = os.environ.get("WORLDGRAPH", "build/release/worldgraph")
FOLDER = pathlib.Path("build/bench/start")
TEXT = "x" * 200
PART = 20000


def query(workspace, text, *options):
    return subprocess.run([PROGRAM, "query", str(workspace), text, *options], check=True, capture_output=True, text=True).stdout


def make_workspace(workspace, rows, spread):
    """With `spread` small commits end the log behind the checkpoint; without, the checkpoint is the last thing."""
    subprocess.run([PROGRAM, "ws", "init", str(workspace)], check=True, capture_output=True)
    query(workspace, "CREATE NODE LABEL P (k INT, t STRING, PRIMARY KEY (k))")
    for first in range(0, rows, PART):
        query(workspace, f"UNWIND range({first}, {min(first + PART, rows) - 1}) AS i CREATE (:P {{k: i, t: $t + toString(i)}})",
              "--param", f"t={TEXT}")
    subprocess.run([PROGRAM, "checkpoint", str(workspace)], check=True, capture_output=True)
    if not spread:
        return
    # Commits that fill the segment of the load, so that the next checkpoint leaves it behind.
    for i in range(rows, rows + PART, 4000):
        query(workspace, f"UNWIND range({i}, {i + 3999}) AS i CREATE (:P {{k: i, t: $t + toString(i)}})", "--param", f"t={TEXT * 2}")
    query(workspace, f"CREATE (:P {{k: {rows + 2 * PART}, t: 'last'}})")
    subprocess.run([PROGRAM, "checkpoint", str(workspace)], check=True, capture_output=True)


def make_data(rows):
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    make_workspace(FOLDER / "short", rows, True)
    make_workspace(FOLDER / "log", min(rows, PART // 2), False)
    with sqlite3.connect(FOLDER / "p.db") as peer:
        peer.execute("CREATE TABLE p (k INTEGER PRIMARY KEY, t TEXT)")
        peer.executemany("INSERT INTO p VALUES (?, ?)", ((i, TEXT + str(i)) for i in range(rows)))


def timed(command):
    """Microseconds to the first byte of output and to the end, and the output."""
    start = time.perf_counter_ns()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    first = process.stdout.read(1)
    first_ns = time.perf_counter_ns() - start
    rest = process.stdout.read()
    if process.wait() != 0:
        sys.exit(f"start_bench: {command} failed")
    return first_ns / 1e3, (time.perf_counter_ns() - start) / 1e3, (first + rest).decode()


def report(name, params, value, peer, peer_value):
    print(json.dumps({"name": name, "params": params, "value": round(value, 1), "unit": "us", "peer": peer,
                      "peer_value": round(peer_value, 1), "ratio": round(value / peer_value, 3)}), flush=True)


def main():
    numbers = [int(a) for a in sys.argv[1:] if a != "--quick"]
    rows = numbers[0] if numbers else 20000 if "--quick" in sys.argv else 200000
    rounds = numbers[1] if len(numbers) > 1 else 20
    if shutil.which("sqlite3") is None:
        print("start_bench: skipped: there is no program sqlite3", file=sys.stderr)
        return
    make_data(rows)
    key = min(rows, PART // 2) // 3
    ask = f"MATCH (p:P {{k: {key}}}) RETURN p.t"
    ways = {"read_only": [PROGRAM, "query", str(FOLDER / "short"), ask, "--csv", "--read-only"],
            "writer": [PROGRAM, "query", str(FOLDER / "short"), ask, "--csv"],
            "log": [PROGRAM, "query", str(FOLDER / "log"), ask, "--csv"],
            "sqlite3": ["sqlite3", str(FOLDER / "p.db"), f"SELECT t FROM p WHERE k = {key}"]}
    first, whole, least = {w: [] for w in ways}, {w: [] for w in ways}, []
    for _ in range(rounds):
        for way, command in ways.items():
            to_first, to_end, answer = timed(command)
            if answer.split()[-1] != TEXT + str(key):
                sys.exit(f"start_bench: {way} answers {answer!r}")
            first[way].append(to_first)
            whole[way].append(to_end)
        least.append(timed(["true"])[1])
    for way in ("read_only", "writer", "log"):
        params = {"rows": rows, "rounds": rounds, "open": way}
        report("start.first_row", params, statistics.median(first[way]), "sqlite3", statistics.median(first["sqlite3"]))
        report("start.process", params, statistics.median(whole[way]), "sqlite3", statistics.median(whole["sqlite3"]))
    report("start.least", {"rounds": rounds}, statistics.median(whole["sqlite3"]), "true", statistics.median(least))


main()
