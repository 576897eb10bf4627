"""graph_bench: questions over 1 million persons and 10 million relationships, against DuckDB, Kuzu and Ladybug.

The data (bench/graph/generate.py) is made once below build/bench-data/graph, or where WG_BENCH_DATA says; so are the databases of the peers.
Ours is loaded in each run unless it is there, asked through the shared library with prepared statements, and gives a second answer on one thread
that must be the same. A question that a call through Python would drown is asked by a program in C as well (bench/graph/graph_ask.c), over the
same workspace, which is opened to read; the time there is the one that counts, the other is told beside it. Rounds alternate between all; the least time of each counts. Answers are compared before any time is
believed; a peer whose answer is that of a plain join, where openCypher lets no match use a relationship twice, is told so by name.

Usage: graph_bench.py [--quick] [--rounds N] [--only NAME] [--threads N] [--peers duckdb,kuzu,ladybug]
One JSON line a question and peer; `goal` is in ms for the full size; --quick takes 10,000 persons and 100,000 relationships.
"""

import argparse
import importlib.util
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent / "graph"
sys.path.insert(0, str(HERE))
import generate  # noqa: E402
import ours  # noqa: E402
import questions  # noqa: E402

LIBRARY = os.environ.get("WG_LIBRARY", "build/release/libworldgraph.so")
MODULES = {"duckdb": "duckdb", "kuzu": "kuzu", "ladybug": "real_ladybug"}
BREAKS = {"three_hops_counted"}  # where a plain join counts more than openCypher does
ASK = os.environ.get("WG_GRAPH_ASK", "build/release/bench/graph_ask")
SHORT_MS = 0.05  # goals below are asked in C
TWO_HOPS = "MATCH (:Person)-[:KNOWS]->(:Person)-[:KNOWS]->(:Person) RETURN count(*)"
SLOW_SECONDS = 3.0  # a question that takes a peer longer is asked once


class Peer:
    def __init__(self, name, folder, data, threads):
        self.name = name
        command = [sys.executable, str(HERE / "peers.py"), name, str(folder), str(data), str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        hello = self.read()
        self.version, self.ready = hello["version"], hello["ready"]

    def read(self):
        return json.loads(self.process.stdout.readline() or '{"error": "the process ended", "version": "?", "ready": false}')

    def tell(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def line(name, params, value, unit, peer, peer_value, goal=None, **more):
    ratio = value / peer_value if peer_value else None
    shown = {k: v for k, v in params.items() if k != "root"}
    print(json.dumps({"name": "graph." + name, "params": shown, "value": round(value, 6), "unit": unit, "peer": peer,
                      "peer_value": None if peer_value is None else round(peer_value, 6),
                      "ratio": None if ratio is None else float(f"{ratio:.4g}"), "goal": goal, **more}), flush=True)


def equal(a, b):
    if len(a) != len(b):
        return False
    for x, y in zip(a, b):
        for v, w in zip(x, y):
            same = math.isclose(v, w, rel_tol=1e-9) if isinstance(v, float) or isinstance(w, float) else v == w
            if not same:
                return False
    return True


def load_ours(folder, data, params):
    path = folder / "worldgraph"
    if path.exists() and (path / "loaded").exists():
        return ours.Database(LIBRARY, str(path), params["threads"])
    shutil.rmtree(path, ignore_errors=True)
    begin = time.perf_counter()
    db = ours.Database(LIBRARY, str(path), params["threads"], create=True)
    db.run("CREATE NODE LABEL Person (id INT, name STRING, age INT32, city STRING, country INT32, score DOUBLE, joined DATE, "
           "PRIMARY KEY (id))")
    db.run("CREATE EDGE LABEL KNOWS (FROM Person TO Person, since DATE, weight DOUBLE)")
    db.run(f"COPY Person FROM '{data}/person.parquet'")
    db.run(f"COPY KNOWS FROM '{data}/knows.parquet' (FROM Person(id) = from_id, TO Person(id) = to_id)")
    db.run(TWO_HOPS)  # makes the adjacency
    line("load", params, (time.perf_counter() - begin) * 1e3, "ms", None, None, 2500, what="durable in the log, adjacency both ways")
    db.checkpoint()
    line("load_and_checkpoint", params, (time.perf_counter() - begin) * 1e3, "ms", None, None, 2500)
    size = sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
    line("size_on_disk", params, size / 1e6, "MB", None, None, 200 if params["edges"] == 10_000_000 else None)
    (path / "loaded").touch()
    return db


def load_peers(names, folder, data, params):
    peers = []
    for name in names:
        if importlib.util.find_spec(MODULES[name]) is None:
            print(f"  {name} is not installed: left out", file=sys.stderr)
            continue
        peer = Peer(name, folder, data, params["threads"])
        fresh = not peer.ready
        answer = peer.tell(load=True)
        if "error" in answer:
            print(f"  {name}: {answer['error']}", file=sys.stderr)
            continue
        if fresh:
            line("load_of_peer", params, answer["seconds"] * 1e3, "ms", None, None, None, who=name)
        peers.append(peer)
    return peers


def text_for(peer, question):
    return question.sql if peer.name == "duckdb" else question.peer_cypher


def ask_peer(peer, question, asked):
    if text_for(peer, question) is None or asked.get("slow"):
        return
    answer = peer.tell(ask=text_for(peer, question), times=min(question.times, 5))
    if "error" in answer:
        asked["error"], asked["slow"] = answer["error"], True
        return
    asked["rows"] = answer["rows"]
    asked["least"] = min(asked.get("least", math.inf), answer["seconds"])
    asked["slow"] = answer["seconds"] > SLOW_SECONDS


def ask_in_c(question, root, rows):
    """Milliseconds; None when the program is not there."""
    if not pathlib.Path(ASK).exists():
        return None
    done = subprocess.run([ASK, str(root / "worldgraph"), "2000", question.cypher], capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    if answer["rows"] != len(rows):
        sys.exit(f"graph_bench: {question.name}: {answer['rows']} rows in C, {len(rows)} through Python")
    return answer["ns"] / 1e6


def measure(question, db, peers, params, rounds):
    """False when an answer is wrong."""
    statement = db.prepare(question.cypher)
    rows, least, good = statement.rows(), math.inf, True
    asked = {peer.name: {} for peer in peers}
    for _ in range(rounds):
        least = min(least, statement.seconds(question.times))
        for peer in peers:
            ask_peer(peer, question, asked[peer.name])
    statement.close()
    told, more = False, {}
    in_c = ask_in_c(question, params["root"], rows) if question.goal_ms < SHORT_MS else None
    if in_c is not None:
        more["through_python"], least = round(least * 1e3, 6), in_c / 1e3
    for peer in peers:
        have = asked[peer.name]
        if "rows" not in have:
            if "error" in have:
                print(f"  {question.name}: {peer.name}: {have['error']}", file=sys.stderr)
            continue
        note = {"version": peer.version, **more}
        if not equal(rows, have["rows"]):
            breaks = question.name in BREAKS and peer.name != "duckdb"
            note["answer"] = "breaks relationship uniqueness" if breaks else "differs"
            print(f"  {question.name}: {peer.name} says {str(have['rows'])[:120]}, we {str(rows)[:120]}: {note['answer']}", file=sys.stderr)
            good = good and breaks
        line(question.name, params, least * 1e3, "ms", peer.name, have["least"] * 1e3, question.goal_ms, **note)
        told = True
    if not told:
        line(question.name, params, least * 1e3, "ms", None, None, question.goal_ms, **more)
    return good


def same_on_one_thread(db, asked):
    """The bytes of every answer are the same on one thread."""
    for question in asked:
        statement = db.prepare(question.cypher)
        many = statement.rows()
        db.threads(1)
        one = statement.rows()
        db.threads(0)
        statement.close()
        if many != one:
            print(f"  {question.name}: one thread gives another answer", file=sys.stderr)
            return False
    return True


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--quick", action="store_true")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--only", default="")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--peers", default="duckdb,kuzu,ladybug")
    given = options.parse_args()
    persons, edges = (10_000, 100_000) if given.quick else (1_000_000, 10_000_000)
    root = pathlib.Path(os.environ.get("WG_BENCH_DATA", "build/bench-data")) / ("graph-quick" if given.quick else "graph")
    generate.generate(str(root), persons, edges)
    params = {"persons": persons, "edges": edges, "threads": given.threads, "rounds": given.rounds}
    db = load_ours(root, root, params)
    peers = load_peers([p for p in given.peers.split(",") if p], root, root, params)
    params["root"] = root
    asked = [q for q in questions.questions(persons) if given.only in q.name]
    good = True
    for question in asked:
        good = measure(question, db, peers, params, given.rounds) and good
    good = same_on_one_thread(db, asked) and good
    for peer in peers:
        peer.close()
    db.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
