"""Filters over rows that stay in Parquet give what pyarrow gives, whatever the shape of the files, the batches and the threads.

    python tests/python/parquet_scan_test.py      the program is WORLDGRAPH, or build/release/worldgraph

Files of one table are written in many shapes: codecs, small and large pages, page versions, with and without dictionaries, dictionaries
that overflow in the middle of a chunk, nulls, row groups of several sizes, page indexes. Every question is asked with few and many rows that
pass, on columns that are sorted, clustered, random and constant, and once in a form that no scan can look into: `WHERE` under a sum of
CASE. All must agree with each other and with pyarrow.
"""
import datetime
import json
import pathlib
import random
import subprocess
import sys

from kit import ROOT, Suite, Workspace, check, equal, need_duckdb, program

need_duckdb()

import pyarrow  # noqa: E402
import pyarrow.parquet  # noqa: E402

ROWS = 30000
EPOCH = datetime.datetime(2026, 1, 1)
SHAPES = {
    "plain": {"use_dictionary": False, "data_page_size": 4096, "compression": "snappy"},
    "dictionary": {"use_dictionary": True, "data_page_size": 2048, "compression": "zstd"},
    "overflow": {"use_dictionary": True, "dictionary_pagesize_limit": 4096, "data_page_size": 4096, "compression": "none"},
    "v2": {"data_page_version": "2.0", "data_page_size": 3000, "compression": "gzip", "use_dictionary": ["label", "few"]},
    "index": {"write_page_index": True, "data_page_size": 2048, "compression": "snappy", "use_dictionary": ["label"]},
    "index_dictionary": {"write_page_index": True, "data_page_size": 1024, "compression": "snappy", "use_dictionary": True},
    "index_v2": {"write_page_index": True, "data_page_version": "2.0", "data_page_size": 1500, "compression": "zstd",
                 "write_page_checksum": True},
    "large": {"compression": "snappy"},
    "delta": {"use_dictionary": False, "data_page_size": 5000, "compression": "none",
              "column_encoding": {"ts": "DELTA_BINARY_PACKED", "few": "DELTA_BINARY_PACKED", "x": "BYTE_STREAM_SPLIT",
                                  "label": "DELTA_LENGTH_BYTE_ARRAY", "block": "DELTA_BYTE_ARRAY"}},
    "groups": {"row_group_size": 1777, "write_page_index": True, "data_page_size": 1000, "compression": "snappy"},
}
# text of the condition, the same in Python over a row
CONDITIONS = [
    ("f.ts >= localdatetime('2026-01-01T00:10:00') AND f.ts < localdatetime('2026-01-01T00:11:30')",
     lambda r: r["ts"] is not None and 600 <= (r["ts"] - EPOCH).total_seconds() < 690),
    ("f.ts < localdatetime('2026-01-01T00:00:01.000001')",
     lambda r: r["ts"] is not None and r["ts"] < EPOCH + datetime.timedelta(microseconds=1000001)),
    ("f.x < 0.01", lambda r: r["x"] is not None and r["x"] < 0.01),
    ("f.x >= 0.4 AND f.x < 0.6", lambda r: r["x"] is not None and 0.4 <= r["x"] < 0.6),
    ("f.speed > 0.999 AND f.label = 'rare'", lambda r: r["speed"] is not None and r["speed"] > 0.999 and r["label"] == "rare"),
    ("f.label = 'rare'", lambda r: r["label"] == "rare"),
    ("f.label = 'nowhere'", lambda r: False),
    ("f.label IN ['rare', 'l7', 'nowhere']", lambda r: r["label"] in ("rare", "l7")),
    ("f.label >= 'l8'", lambda r: r["label"] is not None and r["label"] >= "l8"),
    ("f.block = 'block-0003'", lambda r: r["block"] == "block-0003"),
    ("f.block > 'block-0011' AND f.few = 3", lambda r: r["block"] is not None and r["block"] > "block-0011" and r["few"] == 3),
    ("f.few = 5", lambda r: r["few"] == 5),
    ("f.few IN [1, 4]", lambda r: r["few"] in (1, 4)),
    ("f.few < 2.5", lambda r: r["few"] is not None and r["few"] < 2.5),
    ("f.x > 0", lambda r: r["x"] is not None and r["x"] > 0),
    ("f.flag = true", lambda r: r["flag"] is True),
    ("f.day = date('2026-01-02')", lambda r: r["day"] == datetime.date(2026, 1, 2)),
    ("f.few IS NOT NULL AND f.x < 0.02", lambda r: r["few"] is not None and r["x"] is not None and r["x"] < 0.02),
    ("f.tags IS NOT NULL AND f.few = 2", lambda r: r["tags"] is not None and r["few"] == 2),
    ("f.part = 'b'", lambda r: r["part"] == "b"),
    ("f.part = 'b' AND f.label = 'rare'", lambda r: r["part"] == "b" and r["label"] == "rare"),
]


def make_table(seed, nulls):
    rng = random.Random(seed)

    def some(value):
        return None if rng.random() < nulls else value

    columns = {"ts": [], "x": [], "speed": [], "label": [], "few": [], "block": [], "flag": [], "day": [], "note": [], "tags": []}
    for i in range(ROWS):
        columns["ts"].append(some(EPOCH + datetime.timedelta(microseconds=i * 50000 + rng.randrange(50000))))
        columns["x"].append(some(rng.random()))
        columns["speed"].append(some(rng.randrange(2**20) / 2**20))
        columns["label"].append(some("rare" if rng.random() < 0.01 else f"l{rng.randrange(20)}"))
        columns["few"].append(some(rng.randrange(7)))
        columns["block"].append(some(f"block-{i // 2000:04d}"))
        columns["flag"].append(some(i // 700 % 5 == 0))
        columns["day"].append(some(datetime.date(2026, 1, 1 + i // 10000)))
        columns["note"].append(some(f"note {i}" if rng.random() < 0.5 else "é" * (i % 9)))
        columns["tags"].append(some([f"t{rng.randrange(9)}" for _ in range(rng.randrange(4))]))
    types = {"ts": pyarrow.timestamp("us"), "speed": pyarrow.float32(), "few": pyarrow.int32()}
    return pyarrow.table({name: pyarrow.array(values, types.get(name)) for name, values in columns.items()})


def write(folder, name, shape, tables):
    options = dict(shape)
    group = options.pop("row_group_size", 11000)
    for part, table in tables.items():
        (folder / name).mkdir(exist_ok=True)
        pyarrow.parquet.write_table(table, folder / name / f"{part}.parquet", row_group_size=group, **options)


def prepare(scratch):
    tables = {"a": make_table(1, 0.0), "b": make_table(2, 0.2), "c": make_table(3, 0.0)}
    rows = [dict(row, part=part) for part, table in tables.items() for row in table.to_pylist()]
    ws = Workspace(scratch / "ws")
    for name, shape in SHAPES.items():
        write(scratch, name, shape, tables)
        ws.do(f"CREATE NODE LABEL {name} VIRTUAL FROM PARTITION '{scratch}/{name}/{{part}}.parquet'")
    return ws, rows, scratch


suite = Suite("parquet_scan", prepare)
RESULT = "count(*), count(f.note), sum(f.x), min(f.note), max(f.ts), sum(f.few), count(f.tags), sum(size(f.tags)), max(f.tags[0])"


def expected(rows, test):
    """count(*), count(f.note), min(f.note), sum(f.few), then those of the lists; sums of floats are compared between the ways to ask."""
    passed = [r for r in rows if test(r)]
    tags = [r["tags"] for r in passed if r["tags"] is not None]
    notes = [r["note"] for r in passed if r["note"] is not None]
    return [len(passed), len(notes), min(notes, key=lambda s: s.encode()) if notes else None,
            sum(r["few"] for r in passed if r["few"] is not None), len(tags), sum(map(len, tags)), max((t[0] for t in tags if t), default=None)]


def ask(ws, texts, *options):
    return [answer["rows"] for answer in ws.do(";\n".join(texts), *options)]


def questions(name):
    return [f"MATCH (f:{name}) WHERE {text} RETURN {RESULT}" for text, _ in CONDITIONS]


@suite.case
def every_shape_answers_as_pyarrow_does(ws, rows, _scratch):
    wanted = [expected(rows, test) for _, test in CONDITIONS]
    check(sum(w[0] > 0 for w in wanted) > 14, "conditions that nothing passes test little")
    first = None
    for name in SHAPES:
        got = ask(ws, questions(name))
        for (text, _), answer, want in zip(CONDITIONS, got, wanted):
            row = answer[0]
            equal([row[0], row[1], row[3], *row[5:]], want, f"{name}: {text}")
        first = first or got
        equal(got, first, f"{name} and {next(iter(SHAPES))}")
    return f"{len(SHAPES)} shapes, {len(CONDITIONS)} conditions"


@suite.case
def a_condition_that_no_scan_sees_gives_the_same(ws, _rows, _scratch):
    for name in ("plain", "index_dictionary", "overflow"):
        plain = ask(ws, [f"MATCH (f:{name}) WHERE {text} RETURN count(*)" for text, _ in CONDITIONS])
        hidden = ask(ws, [f"MATCH (f:{name}) RETURN sum(CASE WHEN {text} THEN 1 ELSE 0 END)" for text, _ in CONDITIONS])
        for (text, _), a, b in zip(CONDITIONS, plain, hidden):
            equal(a, b, f"{name}: {text}")
    return f"{3 * len(CONDITIONS)} pairs"


@suite.case
def rows_come_in_the_order_of_the_file(ws, rows, _scratch):
    for name in SHAPES:
        got = ask(ws, [f"MATCH (f:{name}) WHERE f.label = 'rare' AND f.x < 0.3 RETURN f.note, f.ts"])[0]
        want = [r["note"] for r in rows if r["label"] == "rare" and r["x"] is not None and r["x"] < 0.3]
        equal([r[0] for r in got], want, name)
    return f"{len(want)} rows"


@suite.case
def batches_and_threads_change_no_byte(ws, _rows, _scratch):
    for name in ("index", "v2", "groups", "overflow"):
        wanted = ask(ws, questions(name), "--threads", 1, "--morsel", 2048)
        for threads, morsel in ((2, 2048), (1, 1000), (2, 33)):
            equal(ask(ws, questions(name), "--threads", threads, "--morsel", morsel), wanted, f"{name}, {threads} threads, {morsel} rows")
    return "4 shapes, 3 ways"


@suite.case
def counts_come_without_columns(ws, rows, _scratch):
    for name in SHAPES:
        got = ask(ws, [f"MATCH (f:{name}) RETURN count(*)", f"MATCH (f:{name}) RETURN f.part AS p, count(*) AS n",
                       f"MATCH (f:{name}) RETURN DISTINCT f.part AS p", f"MATCH (f:{name}) RETURN f.part AS p, count(f) AS n"])
        equal(got[0], [[len(rows)]], name)
        equal(got[1], [["a", ROWS], ["b", ROWS], ["c", ROWS]], name)
        equal(got[2], [["a"], ["b"], ["c"]], name)
        equal(got[3], got[1], name)
    return f"{len(SHAPES)} shapes"


# A process counts what its parent had when it was made into its own high-water mark: a small one stands between.
MEASURE = ("import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
           "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(done.returncode)")


def watched(ws, text):
    """Rows, and the program's most resident memory in KiB: the kernel's high-water mark, asked for when the program has ended."""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", MEASURE, program(), "query", ws.path, text, "--json", "--threads", "2"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    equal(done.returncode, 0, done.stderr)
    return json.loads(done.stdout)["rows"], int(done.stderr.split()[-1])


@suite.case
def memory_is_that_of_pages(ws, _rows, scratch):
    """Files that are far larger than the memory that reading them takes, in many row groups and in one."""
    rows = 800_000
    pool = pyarrow.array([f"{i:03d}" + "x" * 200 for i in range(100)])
    notes = pool.take(pyarrow.array([i * 7919 % 100 for i in range(rows)]))
    table = pyarrow.table({"note": notes, "n": pyarrow.array(range(rows))})
    for name, group in (("many", 50000), ("one", rows)):
        (scratch / "memory" / name).mkdir(parents=True)
        pyarrow.parquet.write_table(table, scratch / "memory" / name / "a.parquet", row_group_size=group, use_dictionary=False,
                                    compression="zstd")
        ws.do(f"CREATE NODE LABEL mem_{name} VIRTUAL FROM PARTITION '{scratch}/memory/{name}/{{part}}.parquet'")
    questions = [("RETURN count(*), max(size(f.note)), max(f.note), sum(f.n)", [rows, 203, "099" + "x" * 200, rows * (rows - 1) // 2]),
                 ("WHERE f.n % 100000 = 5 RETURN count(*), max(size(f.note))", [8, 203])]
    peaks = []
    for name in ("many", "one"):
        for text, wanted in questions:
            got, peak = watched(ws, f"MATCH (f:mem_{name}) {text}")
            equal(got, [wanted], name)
            peaks.append(peak)
    check(max(peaks) < 48 * 1024, f"{max(peaks) / 1024:.0f} MiB resident for {rows * 211 >> 20} MiB of values")
    return f"at most {max(peaks) / 1024:.0f} MiB for {rows * 211 >> 20} MiB of values"


if __name__ == "__main__":
    sys.exit(suite.run())
