"""Moments in nanoseconds in Parquet files: asked, pruned, sorted, grouped and copied exactly, against Python's integers.

    python tests/python/moments_test.py [WORD]      the program is WORLDGRAPH, or build/release/worldgraph
    WG_SEED=7 python tests/python/moments_test.py

The files differ in how they write the column: plain, by a dictionary, by differences, as INT96, in microseconds and in milliseconds. Needs pyarrow.
"""
import json
import os
import random
import re
import sys

from kit import Suite, Workspace, check, equal, need_duckdb

need_duckdb()
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

SEED = int(os.environ.get("WG_SEED", "20260101"))
ROWS = 4000
BEGIN = 1_700_000_000_000_000_000
WAYS = [("ns", {"use_dictionary": False}), ("ns", {"use_dictionary": True}),
        ("ns", {"use_dictionary": False, "column_encoding": "DELTA_BINARY_PACKED"}),
        ("ns", {"use_dictionary": False, "use_deprecated_int96_timestamps": True}),
        ("us", {"use_dictionary": False}), ("ms", {"use_dictionary": True})]
SCALE = {"ns": 1, "us": 1000, "ms": 1000000}


def text_of(ns):
    """As the program prints a LOCAL DATETIME: no zeros at the end of a fraction."""
    seconds, rest = divmod(ns, 10 ** 9)
    days, second = divmod(seconds, 86400)
    day = pa.array([days], pa.int32()).cast(pa.date32())[0].as_py().isoformat()
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return f"{day}T{clock}" + (f".{rest:09d}".rstrip("0") if rest else "")


def prepare(scratch):
    rng = random.Random(SEED)
    folder = scratch / "ticks"
    folder.mkdir()
    rows = []
    for n, (unit, way) in enumerate(WAYS):
        span = 10 ** 12 // SCALE[unit]
        ticks = sorted(BEGIN // SCALE[unit] + rng.randrange(span) for _ in range(ROWS))
        ticks = [None if rng.random() < 0.05 else t for t in ticks]
        table = pa.table({"t": pa.array(ticks, pa.timestamp(unit)), "i": pa.array(range(ROWS)),
                          "l": pa.array([[t] for t in ticks], pa.list_(pa.timestamp(unit)))})
        pq.write_table(table, folder / f"{n}.parquet", row_group_size=1500, data_page_size=2048, write_page_index=n % 2 == 0, **way)
        rows += [(n, i, None if t is None else t * SCALE[unit]) for i, t in enumerate(ticks)]
    ws = Workspace(scratch / "ws")
    ws.do(f"CREATE NODE LABEL Tick VIRTUAL FROM PARTITION '{folder}/{{file}}.parquet'")
    return ws, folder, rows, rng


suite = Suite("moments", prepare)


@suite.case
def every_value(ws, folder, rows, rng):
    got = ws.rows("MATCH (k:Tick) RETURN k.file, k.i, toString(k.t), toString(k.l[0]) ORDER BY k.file, k.i")
    wanted = [None if t is None else text_of(t) for _, _, t in rows]
    equal([tuple(r) for r in got], [(n, i, w, w) for (n, i, _), w in zip(rows, wanted)])


@suite.case
def ranges_at_the_nanosecond(ws, folder, rows, rng):
    values = sorted(t for _, _, t in rows if t is not None)
    for _ in range(12):
        low, high = sorted(rng.choice(values) + rng.choice([-1, 0, 1]) for _ in range(2))
        for left, right in ((">=", "<"), (">", "<=")):
            text = (f"MATCH (k:Tick) WHERE k.t {left} localdatetime('{text_of(low)}') AND k.t {right} localdatetime('{text_of(high)}') "
                    "RETURN count(*)")
            wanted = sum((t >= low if left == ">=" else t > low) and (t < high if right == "<" else t <= high) for t in values)
            equal(ws.value(text), wanted, text)
            equal(ws.value(text, "--optimizer", "off", "--threads", "1"), wanted, text)
    some = rng.sample(values, 5)
    listed = ", ".join(f"localdatetime('{text_of(t)}')" for t in some)
    equal(ws.value(f"MATCH (k:Tick) WHERE k.t IN [{listed}] RETURN count(*)"), sum(values.count(t) for t in set(some)))
    equal(ws.value("MATCH (k:Tick) WHERE k.t > 5 OR k.t IS NULL RETURN count(*)"), len(rows) - len(values))


@suite.case
def few_rows_are_read(ws, folder, rows, rng):
    """Statistics leave row groups out at the nanosecond; INT96 has none."""
    done = ws.run(f"MATCH (k:Tick) WHERE k.t < localdatetime('{text_of(BEGIN + 10 ** 9)}') RETURN count(*)", "--json", "--stats")
    equal(done.rc, 0, done.err)
    wanted = sum(t is not None and t < BEGIN + 10 ** 9 for _, _, t in rows)
    equal(done.statements()[-1]["rows"], [[wanted]])
    profile = json.dumps(ws.rows(f"PROFILE MATCH (k:Tick) WHERE k.t < localdatetime('{text_of(BEGIN + 10 ** 9)}') RETURN count(*)"))
    taken = int(re.search(r"row groups (\d+) of 18", profile)[1])
    check(3 <= taken <= 8, profile)


@suite.case
def sorted_grouped_and_bounded(ws, folder, rows, rng):
    values = [t for _, _, t in rows if t is not None]
    equal(ws.rows("MATCH (k:Tick) RETURN toString(min(k.t)), toString(max(k.t)), count(k.t), count(DISTINCT k.t)"),
          [[text_of(min(values)), text_of(max(values)), len(values), len(set(values))]])
    got = ws.rows("MATCH (k:Tick) WHERE k.t IS NOT NULL RETURN toString(k.t) ORDER BY k.t DESC LIMIT 50")
    equal([r[0] for r in got], [text_of(t) for t in sorted(values, reverse=True)[:50]])


@suite.case
def declared_microseconds_are_strict(ws, folder, rows, rng):
    answer = ws.run(f"CREATE NODE LABEL Strict (t TIMESTAMP, i INT) VIRTUAL FROM PARTITION '{folder}/{{file}}.parquet'; "
                    "MATCH (k:Strict) RETURN count(k.t)")
    equal(answer.rc, 1)
    check("a column of type ANY" in answer.err, answer.err)
    equal(ws.value("MATCH (k:Strict) WHERE k.file = 4 RETURN count(k.t)"), sum(n == 4 and t is not None for n, _, t in rows))


@suite.case
def copied_exactly(ws, folder, rows, rng):
    ws.do(f"CREATE NODE LABEL Own (t ANY, i INT, l ANY); COPY Own FROM '{folder}/0.parquet'; COPY Own FROM '{folder}/3.parquet'")
    got = ws.rows("MATCH (k:Own) RETURN toString(k.t), toString(k.l[0]) ORDER BY id(k)")
    wanted = [None if t is None else text_of(t) for n, _, t in rows if n in (0, 3)]
    equal([tuple(r) for r in got], [(w, w) for w in wanted])
    ws.do("CREATE NODE LABEL Coarse (t TIMESTAMP, i INT, l ANY)")
    ws.fails(f"COPY Coarse FROM '{folder}/0.parquet'", 1, "whole microsecond")
    equal(ws.value("MATCH (k:Coarse) RETURN count(*)"), 0)


@suite.case
def columns_inside_of_groups(ws, folder, rows, rng):
    path = folder.parent / "pose.parquet"
    made = [{"at": {"x": i / 2, "t": BEGIN + i}, "n": i % 3} for i in range(2000)]
    kind = pa.struct([("at", pa.struct([("x", pa.float64()), ("t", pa.timestamp("ns"))])), ("n", pa.int64())])
    pq.write_table(pa.table({"pose": pa.array(made, kind)}), path, row_group_size=100)
    ws.do(f"CREATE NODE LABEL Pose VIRTUAL FROM PARTITION '{path}'")
    ws.fails("MATCH (p:Pose) RETURN p.pose", 1, "such as .pose.at.x")
    ws.fails("MATCH (p:Pose) RETURN p.pose.at.y", 1, "such as .pose.at.x")
    equal(ws.value("MATCH (p:Pose) WHERE p.pose.at.x < 10 RETURN count(*)"), 20)
    equal(ws.value("MATCH (p:Pose) WHERE p.`pose.at.x` < 10 RETURN count(*)"), 20)
    profile = json.dumps(ws.rows("PROFILE MATCH (p:Pose) WHERE p.pose.at.x < 10 RETURN p.pose.n"))
    check("row groups 1 of 20" in profile, profile)
    equal(ws.rows("MATCH (p:Pose {`pose.n`: 2}) WHERE p.pose.at.x < 5 RETURN p.pose.at.t.nanosecond, sum(p.pose.at.x) AS s ORDER BY s"),
          [[i, i / 2] for i in (2, 5, 8)])
    equal(ws.rows("MATCH (p:Pose) WITH p WHERE p.pose.at.x = 1 AND EXISTS { MATCH (q:Pose) WHERE q.pose.at.x > p.pose.at.x } "
                  "RETURN p.pose.n, count(*)"), [[2, 1]])


if __name__ == "__main__":
    sys.exit(suite.run())
