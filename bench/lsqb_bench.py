"""lsqb_bench: the nine LSQB queries over a generated social network, against DuckDB, Kuzu and Ladybug.

The data (bench/lsqb/generate.py) is made once below build/bench-data, or where WG_BENCH_DATA says; each engine loads the same CSV files once.
Ours runs through the shared library, prepared once, the time of an execution alone; each peer through its Python package in a process of its
own, the time of an execution there. Rounds alternate between the engines and the least time of each counts; answers are compared before any time is believed.
A peer that takes longer than --patience seconds for a query, or that is not installed, is left out there and said to be.

Usage: lsqb_bench.py [--scale N] [--rounds N] [--threads N] [--only Q,Q] [--peers duckdb,kuzu,ladybug] [--patience S]
One JSON line a query and peer, in milliseconds; `ratio` below 1 is faster than the peer.
"""
import argparse
import ctypes
import json
import multiprocessing
import os
import pathlib
import shutil
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench" / "lsqb"))
import generate  # noqa: E402
import lsqb  # noqa: E402

CYPHER = ROOT.parent / "shared" / "lsqb" / "cypher"


# ---------------------------------------------------------------- ours


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("sys_errno", ctypes.c_int32), ("offset", ctypes.c_uint64), ("line", ctypes.c_uint32),
                ("column", ctypes.c_uint32), ("gqlstatus", ctypes.c_char * 8),
                ("message", ctypes.c_char * 224)]


class Value(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint8), ("reserved", ctypes.c_uint8 * 3), ("size", ctypes.c_uint32), ("i", ctypes.c_int64)]


class Ours:
    name = "worldgraph"

    def __init__(self, folder, data, threads):
        self.lib = ctypes.CDLL(str(ROOT / os.environ.get("WG_BENCH_LIBRARY", "build/release/libworldgraph.so")))
        self.error, self.db, self.session = Error(), ctypes.c_void_p(), ctypes.c_void_p()
        self.statements = {}
        program = os.environ.get("WORLDGRAPH", str(ROOT / "build/release/worldgraph"))
        ws = folder / "worldgraph"
        if not (folder / "worldgraph.done").exists():
            shutil.rmtree(ws, ignore_errors=True)
            begin = time.monotonic()
            text = folder / "load.cypher"
            text.write_text(";\n".join(lsqb.statements(data)), encoding="utf-8")
            quiet = "> /dev/null"
            if os.system(f"'{program}' ws init '{ws}' {quiet} && '{program}' query '{ws}' --file '{text}' {quiet}"
                         f" && '{program}' checkpoint '{ws}' {quiet}") != 0:
                raise RuntimeError("loading failed")
            print(f"worldgraph loaded in {time.monotonic() - begin:.1f} s", file=sys.stderr)
            (folder / "worldgraph.done").touch()
        self.check(self.lib.wg_open(os.fsencode(str(ws)), None, ctypes.byref(self.db), ctypes.byref(self.error)))
        self.check(self.lib.wg_session_open(self.db, ctypes.byref(self.session), ctypes.byref(self.error)))
        self.check(self.lib.wg_session_set_parallelism(self.session, ctypes.c_uint32(threads), ctypes.c_uint32(0),
                                                       ctypes.byref(self.error)))

    def check(self, code):
        if code != 0:
            raise RuntimeError(self.error.message.decode())

    def ask(self, number):
        if number not in self.statements:
            text = lsqb.questions(CYPHER)[number].encode()
            statement = ctypes.c_void_p()
            self.check(self.lib.wg_prepare(self.session, text, ctypes.c_size_t(len(text)), ctypes.byref(statement),
                                           ctypes.byref(self.error)))
            self.statements[number] = statement
        result, value = ctypes.c_void_p(), Value()
        begin = time.perf_counter()
        self.check(self.lib.wg_execute(self.statements[number], ctypes.byref(result), ctypes.byref(self.error)))
        spent = time.perf_counter() - begin
        self.check(self.lib.wg_result_cell(result, ctypes.c_uint64(0), ctypes.c_uint32(0), ctypes.byref(value), ctypes.byref(self.error)))
        self.lib.wg_result_free(result)
        return value.i, spent


# ---------------------------------------------------------------- peers


class Duck:
    name = "duckdb"

    def __init__(self, _folder, data, threads):
        import duckdb
        self.connection = duckdb.connect(config={"threads": threads})
        self.connection.execute("SET enable_progress_bar = false")
        lsqb.duck_load(self.connection, data)

    def ask(self, number):
        begin = time.perf_counter()
        answer = self.connection.execute(lsqb.SQL[number]).fetchall()[0][0]
        return answer, time.perf_counter() - begin


class Kuzu:
    """Kuzu and what came of it: one table for each kind of node, one type with several pairs of ends; a Message is Comment or Post."""
    name, package = "kuzu", "kuzu"

    def __init__(self, folder, data, threads):
        module = __import__(self.package)
        place = folder / f"{self.name}.db"
        fresh = not (folder / f"{self.name}.done").exists()
        if fresh:
            shutil.rmtree(place, ignore_errors=True)
            place.unlink(missing_ok=True)
        self.connection = module.Connection(module.Database(str(place)), num_threads=threads)
        self.texts = {n: text.replace(":Message", ":Comment:Post") for n, text in lsqb.questions(CYPHER).items()}
        if fresh:
            begin = time.monotonic()
            self.load(data)
            print(f"{self.name} loaded in {time.monotonic() - begin:.1f} s", file=sys.stderr)
            (folder / f"{self.name}.done").touch()

    def load(self, data):
        run = self.connection.execute
        pairs = {}
        for node in lsqb.NODES:
            run(f"CREATE NODE TABLE {node} (id INT64, PRIMARY KEY (id))")
        for file, (kind, _, _) in lsqb.EDGES.items():
            pairs.setdefault(kind, []).append((file, file.split("_")[0], file.split("_")[2]))
        for kind, ends in pairs.items():
            run(f"CREATE REL TABLE {kind} ({', '.join(f'FROM {a} TO {b}' for _, a, b in ends)})")
        for node in lsqb.NODES:
            run(f"COPY {node} FROM '{data / node}.csv' (header = true, delim = '|')")
        for kind, ends in pairs.items():
            for file, a, b in ends:
                which = f", from = '{a}', to = '{b}'" if len(ends) > 1 else ""
                run(f"COPY {kind} FROM '{data / file}.csv' (header = true, delim = '|'{which})")

    def ask(self, number):
        begin = time.perf_counter()
        answer = self.connection.execute(self.texts[number]).get_next()[0]
        return answer, time.perf_counter() - begin


class Ladybug(Kuzu):
    name, package = "ladybug", "real_ladybug"


def serve(kind, folder, data, threads, pipe):
    """A peer's process: loads, then answers numbers of questions."""
    try:
        engine = kind(folder, data, threads)
        pipe.send(None)
    except ImportError as error:
        pipe.send(f"{error.name or error} is not installed")
        return
    while True:
        number = pipe.recv()
        try:
            pipe.send(engine.ask(number))
        except Exception as error:  # whatever a peer throws
            pipe.send((None, str(error).splitlines()[0][:100]))


class Remote:
    def __init__(self, kind, *arguments):
        self.name, self.make = kind.name, (kind, *arguments)
        self.start()

    def start(self):
        self.pipe, there = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(target=serve, args=(*self.make, there), daemon=True)
        self.process.start()
        why = self.pipe.recv()
        if why is not None:
            raise ImportError(why)

    def ask(self, number, patience):
        """The answer and its seconds; (None, why) when there is none."""
        self.pipe.send(number)
        if self.pipe.poll(patience):
            return self.pipe.recv()
        self.process.kill()
        self.process.join()
        self.start()
        return None, f"more than {patience:g} s"


def measure(ours, peers, number, options):
    best, answers = {}, {}
    for round_number in range(options.rounds):
        answers[ours.name], spent = ours.ask(number)
        best[ours.name] = min(spent, best.get(ours.name, spent))
        for peer in peers:
            if round_number > 0 and (answers.get(peer.name) is None or best[peer.name] > options.patience / 4):
                continue
            answer, spent = peer.ask(number, options.patience)
            answers[peer.name] = answer
            if answer is None:
                print(f"q{number}: {peer.name} gave no answer: {spent}", file=sys.stderr)
                continue
            if answer != answers[ours.name]:
                sys.exit(f"q{number}: {peer.name} says {answer}, worldgraph {answers[ours.name]}")
            best[peer.name] = min(spent, best.get(peer.name, spent))
    for peer in peers:
        theirs = best.get(peer.name)
        mine = best[ours.name] * 1000
        print(json.dumps({"name": f"lsqb.q{number}", "params": {"scale": options.scale, "threads": options.threads, "rounds": options.rounds,
                                                               "answer": answers[ours.name]},
                          "value": round(mine, 4), "unit": "ms", "peer": peer.name,
                          "peer_value": round(theirs * 1000, 4) if theirs else None,
                          "ratio": round(mine / (theirs * 1000), 5) if theirs else None}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="1,2,3,4,5,6,7,8,9")
    parser.add_argument("--peers", default="duckdb,kuzu,ladybug")
    parser.add_argument("--patience", type=float, default=120)
    options = parser.parse_args()
    if not (CYPHER / "q1.cypher").exists():
        sys.exit("skipped: ../shared/lsqb is absent")
    folder = pathlib.Path(os.environ.get("WG_BENCH_DATA", ROOT / "build" / "bench-data")) / f"lsqb-{options.scale}-{options.seed}"
    generate.generate(folder / "csv", options.scale, options.seed)
    ours, peers = Ours(folder, folder / "csv", options.threads), []
    for kind in (Duck, Kuzu, Ladybug):
        if kind.name not in options.peers.split(","):
            continue
        try:
            peers.append(Remote(kind, folder, folder / "csv", options.threads))
        except ImportError as error:
            print(f"{kind.name} is absent: {error}", file=sys.stderr)
    for number in map(int, options.only.split(",")):
        measure(ours, peers, number, options)


if __name__ == "__main__":
    main()
