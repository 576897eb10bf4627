"""Every readable column of every sample file against pyarrow.

The samples are those of ../shared/parquet-testing: what other projects keep because readers fell over it. Leaves are compared by their paths, groups by
their names, values one by one. A column that one side refuses must be in the lists below, with the reason; a file that pyarrow refuses must
be refused by us, or be listed. Groups made at random are compared too, with nulls and empty lists at every level.
Exit 0: passed, 77: skipped (a package, the samples or the helper is missing).

    python3 tests/python/parquet_samples_test.py [path to parquet_dump]
"""

import datetime
import decimal
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import uuid

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DUMP = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build" / "release" / "tests" / "parquet_dump")
SAMPLES = ROOT.parent / "shared" / "parquet-testing"
EPOCH = datetime.datetime(1970, 1, 1)
SEED = int(os.environ.get("WG_SEED", "20"))

# Files that we read, at least in part, and pyarrow does not, and the other way round: file -> why.
ONLY_OURS = {"data/incorrect_map_schema.parquet": "keys of a map that are declared optional"}
ONLY_THEIRS = {}
# Columns that we refuse: (file, column) -> a part of the message.
EXACT = "a decimal is not exact as a float"
REFUSED = {("data/int96_from_spark.parquet", "a"): "outside of its day"}
for case, reason in (("027", EXACT), ("028", EXACT)):
    for column in ("var", "var.typed_value"):
        REFUSED[(f"shredded_variant/case-{case}.parquet", column)] = reason


def plain(v, t):
    """A value of pyarrow in the dump's terms."""
    if v is None:
        return None
    if isinstance(v, uuid.UUID):
        return v.hex
    if pa.types.is_boolean(t):
        return v
    if pa.types.is_decimal(t):
        return int(v) if t.scale == 0 and t.precision <= 18 else float(v)
    if pa.types.is_date(t):
        return (v - EPOCH.date()).days
    if pa.types.is_timestamp(t):
        return v
    if pa.types.is_time(t):
        return v
    if pa.types.is_floating(t):
        return float(v)
    if pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t):
        return v.hex()
    if pa.types.is_struct(t):
        return {f.name: plain(v[f.name], f.type) for f in t}
    if pa.types.is_map(t):
        return {key_text(plain(k, t.key_type)): plain(x, t.item_type) for k, x in v}
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t):
        return [plain(x, t.value_type) for x in v]
    return v


def key_text(k):
    return k if isinstance(k, str) else json.dumps(k)


def of_nanoseconds(v):
    """The dump's number of microseconds, or text where that would not be exact."""
    return v // 1000 if v % 1000 == 0 and -(2**63) <= v // 1000 < 2**63 else f"{v // 10**9}.{v % 10**9:09d}"


def storage(array):
    """Times and dates as numbers, so that nothing is lost in datetime objects."""
    t = array.type
    if pa.types.is_timestamp(t):
        us = {"s": 1000000, "ms": 1000, "us": 1}.get(t.unit)
        values = array.cast(pa.int64()).to_pylist()
        return [None if v is None else v * us if us else of_nanoseconds(v) for v in values]
    if pa.types.is_time(t):
        ns = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[t.unit]
        whole = array.cast(pa.int32() if pa.types.is_time32(t) else pa.int64()).to_pylist()
        return [None if v is None else v * ns for v in whole]
    return [plain(v, t) for v in array.to_pylist()]


def same(a, b):
    if isinstance(a, float) and isinstance(b, (int, float)):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, datetime.datetime):
        return int((a.replace(tzinfo=None) - EPOCH) / datetime.timedelta(microseconds=1)) == b
    if isinstance(a, datetime.date):
        return (a - EPOCH.date()).days == b
    if isinstance(a, datetime.time):
        return ((a.hour * 60 + a.minute) * 60 + a.second) * 10**9 + a.microsecond * 1000 == b
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


def ours(path):
    """{column: {...}}, or the error of the whole file."""
    done = subprocess.run([DUMP, "--all", str(path)], capture_output=True, text=True, timeout=60)
    if done.returncode not in (0, 1):
        raise AssertionError(f"{path}: parquet_dump ended with {done.returncode}: {done.stderr}")
    columns = {}
    for line in done.stdout.splitlines():
        c = json.loads(line)
        columns.setdefault(c["name"], c)  # leaves come first, and have the name where both do
    return columns, None if done.returncode == 0 else done.stderr.strip()


def leaves(table):
    """Columns of the table and, inside of structs, those of their fields, by path."""
    todo = [(name, table.column(name).combine_chunks()) for name in table.column_names]
    while todo:
        name, array = todo.pop()
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks() if array.num_chunks else pa.array([], array.type)
        yield name, array
        if pa.types.is_struct(array.type):
            todo += [(f"{name}.{f.name}", array.flatten()[i]) for i, f in enumerate(array.type)]


def compare(name, table, columns, problems):
    compared = 0
    for path, array in leaves(table):
        c = columns.get(path)
        if c is None:
            problems.append(f"{name}: no column {path}: {array.type}")
            continue
        if "why_not" in c or "error" in c:
            reason = c.get("why_not") or c["error"]
            if REFUSED.get((name, path), "\0") not in reason:
                problems.append(f"{name}: {path} is refused: {reason}")
            continue
        if pa.types.is_null(array.type):
            expected = [None] * len(array)
        else:
            try:
                expected = storage(array)
            except (OverflowError, ValueError):
                continue  # a struct with an instant that Python has no object for; its fields are compared alone
        got = c["values"]
        if len(expected) != len(got):
            problems.append(f"{name}: {path} has {len(got)} rows, not {len(expected)}")
            continue
        for row, (a, b) in enumerate(zip(expected, got)):
            if not same(a, b):
                problems.append(f"{name}: {path} ({array.type}, {c['physical']}), row {row}: {b!r}, not {a!r}")
                break
        compared += 1
    return compared


def samples(problems):
    if not SAMPLES.is_dir():
        print("skipped: ../shared/parquet-testing is absent")
        return 0, 0
    files = columns_compared = 0
    for path in sorted(SAMPLES.rglob("*.parquet")):
        name = str(path.relative_to(SAMPLES))
        columns, error = ours(path)
        try:
            table = pq.ParquetFile(path, page_checksum_verification=True).read()
        except Exception as theirs:  # noqa: BLE001 - whatever it refuses with
            if error is None and not all("error" in c or "why_not" in c for c in columns.values()):
                if name not in ONLY_OURS and not any("error" in c for c in columns.values()):
                    problems.append(f"{name}: pyarrow refuses it: {str(theirs)[:100]}")
            continue
        if error is not None:
            if ONLY_THEIRS.get(name, "\0") not in error:
                problems.append(f"{name}: {error}")
            continue
        files += 1
        columns_compared += compare(name, table, columns, problems)
    return files, columns_compared


# ---- groups at random


def random_type(rng, depth):
    kind = rng.choice(["int", "str", "float", "list", "struct", "map"]) if depth > 0 else rng.choice(["int", "str", "dec"])
    if kind == "int":
        return pa.int64()
    if kind == "str":
        return pa.string()
    if kind == "float":
        return pa.float64()
    if kind == "dec":
        return pa.decimal128(rng.choice([5, 9, 15, 18]), 2 if rng.random() < 0.5 else 0)
    if kind == "list":
        return pa.list_(pa.field("element", random_type(rng, depth - 1), nullable=rng.random() < 0.7))
    if kind == "map":
        return pa.map_(pa.string() if rng.random() < 0.7 else pa.int64(), random_type(rng, depth - 1))
    fields = [pa.field(f"f{i}", random_type(rng, depth - 1), nullable=rng.random() < 0.7) for i in range(rng.randint(1, 3))]
    return pa.struct(fields)


def random_value(rng, t, nullable):
    if nullable and rng.random() < 0.2:
        return None
    if pa.types.is_int64(t):
        return rng.randint(-5, 5)
    if pa.types.is_floating(t):
        return rng.random()
    if pa.types.is_decimal(t):
        digits = min(t.precision, 15)
        return decimal.Decimal(rng.randint(-(10**digits) + 1, 10**digits - 1)).scaleb(-t.scale)
    if pa.types.is_string(t):
        return rng.choice(["", "a", "ü", "long" * 20])
    if pa.types.is_struct(t):
        return {f.name: random_value(rng, f.type, f.nullable) for f in t}
    if pa.types.is_map(t):
        keys = {random_value(rng, t.key_type, False) for _ in range(rng.randint(0, 3))}
        return [(k, random_value(rng, t.item_type, True)) for k in keys]
    return [random_value(rng, t.value_type, t.value_field.nullable) for _ in range(rng.choice([0, 0, 1, 2, 5]))]


def random_groups(problems):
    rng = random.Random(SEED)
    compared = 0
    with tempfile.TemporaryDirectory() as folder:
        for i in range(60):
            rows = rng.choice([1, 7, 300, 3000])
            t = random_type(rng, rng.randint(1, 4))
            nullable = rng.random() < 0.8
            array = pa.array([random_value(rng, t, nullable) for _ in range(rows)], t)
            table = pa.table([array], schema=pa.schema([pa.field("c", t, nullable=nullable)]))
            path = os.path.join(folder, f"{i}.parquet")
            pq.write_table(table, path, data_page_size=rng.choice([64, 1000, 1 << 20]), row_group_size=rng.choice([5, 1000]),
                           use_dictionary=rng.random() < 0.5, data_page_version=rng.choice(["1.0", "2.0"]),
                           compression=rng.choice(["none", "snappy"]))
            columns, error = ours(path)
            if error is not None:
                problems.append(f"random group {i} (WG_SEED={SEED}), {t}: {error}")
            else:
                compared += compare(f"random group {i} (WG_SEED={SEED})", table, columns, problems)
    return compared


# ---- moments


def moments(problems):
    """Ticks of any size, through every encoding, in lists too, and as INT96."""
    rng = random.Random(SEED)
    ways = [{"use_dictionary": True}, {"use_dictionary": False}, {"use_dictionary": False, "use_deprecated_int96_timestamps": True}]
    ways += [{"use_dictionary": False, "column_encoding": e} for e in ("DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT")]
    compared = 0
    with tempfile.TemporaryDirectory() as folder:
        for i, way in enumerate(ways * 2):
            span = rng.choice([10, 10**6, 2**63 - 1])
            ticks = [None if rng.random() < 0.2 else rng.randint(-span, span) for _ in range(3000)]
            lists = [None if rng.random() < 0.1 else ticks[k : k + rng.randint(0, 4)] for k in range(3000)]
            unit = "ns" if "use_deprecated_int96_timestamps" in way else rng.choice(["ns", "ms"])
            scale = 1 if unit == "ns" else 10**6
            table = pa.table({"t": pa.array(ticks, pa.timestamp(unit)), "l": pa.array(lists, pa.list_(pa.timestamp(unit)))})
            path = os.path.join(folder, f"{i}.parquet")
            pq.write_table(table, path, data_page_size=1000, row_group_size=1100, **way)
            columns, error = ours(path)
            for name, wanted in (("t", ticks), ("l", lists)):
                where = f"moments {i} (WG_SEED={SEED}), {unit}, {way}, {name}"
                c = columns.get(name, {}) if name == "t" else next((c for n, c in columns.items() if n.startswith("l")), {})
                expected = [in_dump(v, scale) for v in wanted]
                if error is not None or c.get("values") != expected:
                    problems.append(f"{where}: {error or c.get('error') or 'other values'}")
                compared += 1
    return compared


def in_dump(v, scale):
    if isinstance(v, list):
        return [in_dump(x, scale) for x in v]
    return None if v is None else of_nanoseconds(v * scale)


def main():
    if not os.access(DUMP, os.X_OK):
        print(f"skipped: {DUMP} is missing")
        return 77
    problems = []
    files, columns = samples(problems)
    made = random_groups(problems) + moments(problems)
    for problem in problems:
        print(problem)
    print(f"{files} sample files, {columns} columns of them and {made} made at random compared, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
