"""Parquet against independent writers and readers.

pyarrow and DuckDB write files with many encodings, codecs, page versions, nulls and row group sizes; our reader (the
helper program parquet_dump) must give the same values, also when it skips. Our writer rewrites each file; pyarrow and
DuckDB must read the same values and true bounds from it. Exit 0: passed, 77: skipped (a package or the helper is missing).

    python3 tests/python/parquet_roundtrip_test.py [path to parquet_dump]
"""

import datetime
import json
import math
import os
import random
import subprocess
import sys
import tempfile

try:
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DUMP = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "release", "tests", "parquet_dump")
EPOCH = datetime.datetime(1970, 1, 1)
rng = random.Random(20)


def with_nulls(values, share):
    return [None if rng.random() < share else v for v in values]


def make_table(rows, share):
    """A table of every readable type; the second half of most columns repeats few values, the first half does not."""
    few = rows // 2

    def mixed(fresh, pool):
        return with_nulls([fresh(i) if i < few else pool[rng.randrange(len(pool))] for i in range(rows)], share)

    words = ["", "a", "ärger", "日本語", "x" * 300, "tab\tquote\"back\\slash", "zebra"]
    columns = {
        "b": pa.array(with_nulls([rng.random() < 0.3 for _ in range(rows)], share), pa.bool_()),
        "run": pa.array(with_nulls([i // 500 % 2 == 0 for i in range(rows)], share), pa.bool_()),
        "i8": pa.array(mixed(lambda i: i % 256 - 128, [-128, 127]), pa.int8()),
        "u8": pa.array(mixed(lambda i: i % 256, [0, 255]), pa.uint8()),
        "i16": pa.array(mixed(lambda i: i % 65536 - 32768, [-32768, 32767]), pa.int16()),
        "u16": pa.array(mixed(lambda i: i % 65536, [65535]), pa.uint16()),
        "i32": pa.array(mixed(lambda i: rng.randrange(-(2**31), 2**31), [2**31 - 1, -(2**31)]), pa.int32()),
        "u32": pa.array(mixed(lambda i: rng.randrange(2**32), [2**32 - 1, 0]), pa.uint32()),
        "i64": pa.array(mixed(lambda i: rng.randrange(-(2**63), 2**63), [2**63 - 1, -(2**63)]), pa.int64()),
        "seq": pa.array(with_nulls(range(rows), share), pa.int64()),
        "u64": pa.array(mixed(lambda i: rng.randrange(2**63), [2**63 - 1, 0]), pa.uint64()),
        "f32": pa.array(mixed(lambda i: i / 8, [0.5, -0.0, math.inf]), pa.float32()),
        "f64": pa.array(mixed(lambda i: rng.gauss(0, 1e6), [1e300, -1e-300, -math.inf]), pa.float64()),
        "s": pa.array(mixed(lambda i: f"name-{i}", words), pa.string()),
        "sorted": pa.array(with_nulls([f"prefix/shared/{i:08d}" for i in range(rows)], share), pa.string()),
        "bin": pa.array(mixed(lambda i: i.to_bytes(4, "little"), [b"", b"\xff\x00"]), pa.binary()),
        "day": pa.array(mixed(lambda i: i - 1000, [0, 20000]), pa.int32()).cast(pa.date32()),
        "t_ms": pa.array(mixed(lambda i: i * 1000 % 86400000, [0, 86399999]), pa.int32()).cast(pa.time32("ms")),
        "t_us": pa.array(mixed(lambda i: i * 999999 % 86400000000, [0]), pa.int64()).cast(pa.time64("us")),
        "t_ns": pa.array(mixed(lambda i: i * 123456789 % 86400000000000, [1]), pa.int64()).cast(pa.time64("ns")),
        "fixed": pa.array(mixed(lambda i: i.to_bytes(4, "little"), [b"abcd", b"\xff\x00\x01\x02"]), pa.binary(4)),
        "ts_ms": pa.array(mixed(lambda i: i * 86399999, [-1, 0]), pa.int64()).cast(pa.timestamp("ms")),
        "ts_us": pa.array(mixed(lambda i: i * 1234567, [-1, 0]), pa.int64()).cast(pa.timestamp("us")),
        "ts_ns": pa.array(mixed(lambda i: i * 1000, [-1000, 0]), pa.int64()).cast(pa.timestamp("ns")),
        "ts_utc": pa.array(mixed(lambda i: i * 999, [-1]), pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        "nothing": pa.array([None] * rows if share > 0 else [1] * rows, pa.int64()),
    }
    fields = [pa.field(name, array.type, nullable=share > 0) for name, array in columns.items()]
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def expected(column):
    """The values of a pyarrow column in the dump's terms: dates as days, timestamps as microseconds, times as nanoseconds, bytes as hex."""
    t = column.type
    if pa.types.is_time(t):
        ns = {"ms": 1000000, "us": 1000, "ns": 1}[t.unit]
        return [None if v is None else v * ns for v in column.cast(pa.int32() if t.unit == "ms" else pa.int64()).to_pylist()]
    if pa.types.is_date32(t):
        return column.cast(pa.int32()).to_pylist()
    if pa.types.is_timestamp(t):
        per_us = {"ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}[t.unit]
        return [None if v is None else v * per_us[0] // per_us[1] for v in column.cast(pa.int64()).to_pylist()]
    values = column.to_pylist()
    if pa.types.is_binary(t) or pa.types.is_fixed_size_binary(t):
        return [None if v is None else v.hex() for v in values]
    return values


def same(a, b):
    if isinstance(a, float) and isinstance(b, (float, int)):
        return a == b or (math.isnan(a) and math.isnan(b))
    return a == b


def run(*args):
    done = subprocess.run([DUMP, *args], capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"parquet_dump {' '.join(args)}: {done.stderr.decode()}")
    return done.stdout


def dumped(path, *options):
    return {c["name"]: c for c in map(json.loads, run(*options, path).splitlines())}


def check_values(what, table, columns):
    for name in table.column_names:
        wanted = expected(table[name])
        found = columns[name].get("values")
        assert found is not None, f"{what}: {name} was not read: {columns[name].get('why_not')}"
        assert len(found) == len(wanted), f"{what}: {name}: {len(found)} rows, {len(wanted)} expected"
        for row, (f, w) in enumerate(zip(found, wanted)):
            assert f == "skipped" or same(f, w), f"{what}: {name}, row {row}: {f!r}, {w!r} expected"


def check_reading(what, path, table):
    check_values(what, table, dumped(path))
    columns = dumped(path, "--skip", "7")
    check_values(what + " with skips", table, columns)
    skipped = sum(v == "skipped" for c in columns.values() for v in c["values"])
    assert table.num_rows < 100 or skipped > 0, f"{what}: nothing was skipped"


def check_bounds(what, path):
    """Bounds and null counts that our writer left, as pyarrow sees them, against the values."""
    file = pq.ParquetFile(path)
    known = 0
    for g in range(file.metadata.num_row_groups):
        rows = file.read_row_group(g)
        for c, name in enumerate(rows.column_names):
            stats = file.metadata.row_group(g).column(c).statistics
            values = [v for v in rows[name].to_pylist() if v is not None and v == v]
            assert stats.null_count == rows[name].null_count, f"{what}: {name}: null count"
            if stats.has_min_max:
                known += 1
                assert (stats.min, stats.max) == (min(values), max(values)), f"{what}: {name}: bounds"
            else:
                assert not values, f"{what}: {name} has no bounds"
    return known


def is_writable(t):
    return not (pa.types.is_binary(t) or pa.types.is_fixed_size_binary(t) or pa.types.is_time(t))


def check_rewriting(what, path, table, folder, codec, group_rows):
    out = os.path.join(folder, "rewritten.parquet")
    run("--rewrite", path, out, str(codec), str(group_rows))
    names = [n for n in table.column_names if is_writable(table[n].type)]
    arrow = pq.read_table(out)
    assert arrow.column_names == names, f"{what}: columns"
    for name in names:
        found, wanted = expected(arrow[name]), expected(table[name])
        assert len(found) == len(wanted) and all(map(same, found, wanted)), f"{what}: pyarrow differs in {name}"
    known = check_bounds(what, out)
    assert known > 0 or table.num_rows < 100, f"{what}: no chunk has bounds"  # one row may be all null
    duck = duckdb.connect().execute(f"SELECT * FROM read_parquet('{out}')").fetchall()
    assert len(duck) == table.num_rows, f"{what}: DuckDB sees {len(duck)} rows"
    plain = list(zip(*[arrow[n].to_pylist() for n in names])) if names else []
    for row, (f, w) in enumerate(zip(duck, plain)):
        assert all(map(same, f, w)), f"{what}: DuckDB differs in row {row}"
    pq.ParquetFile(out, page_checksum_verification=True).read()


def pyarrow_cases():
    for rows in (0, 1, 1000, 20001):
        for share in (0.0, 0.1, 0.9):
            table = make_table(rows, share)
            for version in ("1.0", "2.0"):
                codec = rng.choice(["none", "snappy", "zstd", "gzip", "lz4", "brotli"])
                yield (f"pyarrow rows={rows} nulls={share} page v{version} {codec} dictionary", table,
                       dict(compression=codec, data_page_version=version, use_dictionary=True,
                            write_page_checksum=True, row_group_size=max(rows // 3, 1),
                            dictionary_pagesize_limit=20000, data_page_size=5000))
                yield (f"pyarrow rows={rows} nulls={share} page v{version} {codec} plain", table,
                       dict(compression=codec, data_page_version=version, use_dictionary=False, data_page_size=3000))
                yield (f"pyarrow rows={rows} nulls={share} page v{version} {codec} delta", table,
                       dict(compression=codec, data_page_version=version, use_dictionary=False,
                            column_encoding={"i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED",
                                             "seq": "DELTA_BINARY_PACKED", "u32": "DELTA_BINARY_PACKED",
                                             "u64": "DELTA_BINARY_PACKED", "s": "DELTA_LENGTH_BYTE_ARRAY",
                                             "sorted": "DELTA_BYTE_ARRAY", "bin": "DELTA_BYTE_ARRAY",
                                             "f32": "BYTE_STREAM_SPLIT", "f64": "BYTE_STREAM_SPLIT",
                                             "ts_us": "BYTE_STREAM_SPLIT", "run": "RLE"}))


def test_pyarrow(folder):
    count = 0
    for what, table, options in pyarrow_cases():
        path = os.path.join(folder, "pyarrow.parquet")
        pq.write_table(table, path, **options)
        check_reading(what, path, table)
        check_rewriting(what, path, table, folder, [0, 1, 6][count % 3], [0, 997, 5000][count % 3])
        count += 1
    return count


def test_duckdb(folder):
    count = 0
    for codec in ("uncompressed", "snappy", "zstd", "gzip"):
        for version in ("V1", "V2"):
            table = make_table(30000, 0.2)
            path = os.path.join(folder, "duckdb.parquet")
            db = duckdb.connect()
            db.register("t", table)
            db.execute("SET TimeZone = 'UTC'")
            columns = ", ".join(n for n in table.column_names if n not in ("ts_ns", "t_ns"))
            db.execute(f"COPY (SELECT {columns} FROM t) TO '{path}' (FORMAT parquet, CODEC '{codec}', "
                       f"PARQUET_VERSION {version}, ROW_GROUP_SIZE 10000)")
            wanted = table.drop_columns(["ts_ns", "t_ns"])
            check_reading(f"duckdb {codec} {version}", path, wanted)
            check_rewriting(f"duckdb {codec} {version}", path, wanted, folder, 6, 4096)
            count += 1
    return count


def test_groups(folder):
    """Leaves of nested groups are columns; each level that may be null makes them null."""
    count = 0
    for version in ("1.0", "2.0"):
        for dictionary in (True, False):
            rows = []
            for i in range(5000):
                deep = rng.choice([None, {"y": None}, {"y": f"v{i % 50}"}])
                rows.append(rng.choice([None, {"x": None, "deep": deep}, {"x": i, "deep": deep}, {"x": i, "deep": deep}]))
            must = [{"z": i * 3} for i in range(5000)]
            table = pa.table({"st": rows, "must": pa.array(must, pa.struct([pa.field("z", pa.int64(), nullable=False)]))})
            path = os.path.join(folder, "groups.parquet")
            pq.write_table(table, path, data_page_version=version, use_dictionary=dictionary, data_page_size=2000,
                           row_group_size=1900)
            x = [r and r["x"] for r in rows]
            y = [r and r["deep"] and r["deep"]["y"] for r in rows]
            wanted = pa.table({"st.x": x, "st.deep.y": y, "must.z": [r["z"] for r in must]})
            check_reading(f"groups v{version}", path, wanted)
            count += 1
    return count


def test_lists(folder):
    """Lists of every kind of element, null, empty and long; map keys and values, and leaves of lists of structs, are lists too."""
    count = 0
    for version in ("1.0", "2.0"):
        for dictionary in (True, False):
            def lists(make):
                kinds = [None, [], [None]] + [None] * 2
                return [rng.choice(kinds) if rng.random() < 0.4 else
                        [None if rng.random() < 0.2 else make(i + k) for k in range(rng.choice([1, 2, 3, 700 if i % 500 == 0 else 4]))]
                        for i in range(4000)]
            ints, words, floats, flags = lists(int), lists(lambda i: f"w{i % 40}é"), lists(lambda i: i / 8), lists(lambda i: i % 3 == 0)
            pairs = [None if i % 7 == 0 else [(f"k{i % 5}-{k}", i + k if k % 2 else None) for k in range(i % 4)] for i in range(4000)]
            structs = [[{"x": i + k, "y": None} for k in range(i % 3)] for i in range(4000)]
            table = pa.table({"ints": pa.array(ints, pa.list_(pa.int64())), "words": pa.array(words, pa.large_list(pa.string())),
                              "floats": pa.array(floats, pa.list_(pa.float32())), "flags": pa.array(flags, pa.list_(pa.bool_())),
                              "m": pa.array(pairs, pa.map_(pa.string(), pa.int64())), "structs": structs})
            path = os.path.join(folder, "lists.parquet")
            pq.write_table(table, path, data_page_version=version, use_dictionary=dictionary, data_page_size=3000,
                           row_group_size=1500, compression="zstd")
            columns = dumped(path)
            wanted = {"ints": ints, "words": words, "floats": floats, "flags": flags,
                      "m.key_value.key": [p and [k for k, _ in p] if p is not None else None for p in pairs],
                      "m.key_value.value": [[v for _, v in p] if p is not None else None for p in pairs],
                      "structs.list.element.x": [[e["x"] for e in s] for s in structs]}
            skipped = dumped(path, "--skip", "7")
            for name, values in wanted.items():
                assert columns[name]["values"] == values, f"{name}: {[p for p in zip(columns[name]['values'], values) if p[0] != p[1]][:3]}"
                for got, value in zip(skipped[name]["values"], values):
                    assert got in ("skipped", value), f"{name} with skips: {got} {value}"
            count += 1
    return count


def test_refusals(folder):
    """What must not be read silently wrong: values beyond the engine's types, nested and unsupported columns."""
    path = os.path.join(folder, "refused.parquet")
    for array in (pa.array([1, 2**63], pa.uint64()), pa.array([2**62]).cast(pa.decimal128(19)), pa.array([2**53 + 1]).cast(pa.decimal128(38, 2))):
        pq.write_table(pa.table({"c": array}), path)
        done = subprocess.run([DUMP, path], capture_output=True, check=False)
        assert done.returncode == 1 and b"WG_E_VALUE" in done.stderr, (array.type, done.stderr)
    table = pa.table({"l": pa.array([[[1]], []]), "m": pa.array([[("a", [1])], []], pa.map_(pa.string(), pa.list_(pa.int64()))),
                      "d": pa.array([1, 2]).cast(pa.decimal128(19)), "ok": pa.array([1, 2])})
    pq.write_table(table, path)
    columns = dumped(path)
    assert columns["ok"]["values"] == [1, 2]
    assert columns["l.list.element"]["values"] == [[[1]], []]
    assert columns["m.key_value.value"]["values"] == [[[1]], []]
    assert columns["d"]["values"] == [1.0, 2.0]
    moments = {"n": pa.array([1, -1], pa.timestamp("ns")), "m": pa.array([2**62, None], pa.timestamp("ms"))}
    pq.write_table(pa.table(moments), path)
    columns = dumped(path)  # exact: seconds and nanoseconds where microseconds are not
    assert columns["n"]["values"] == ["0.000000001", "-1.999999999"], columns["n"]
    assert columns["m"]["values"] == [f"{2**62 // 1000}.{2**62 % 1000 * 10**6:09d}", None], columns["m"]
    return 5


def main():
    if not os.path.exists(DUMP):
        print(f"skipped: {DUMP} is not built")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        for test in (test_pyarrow, test_duckdb, test_groups, test_lists, test_refusals):
            print(f"{test.__name__}: {test(folder)} files passed", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
