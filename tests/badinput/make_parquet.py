#!/usr/bin/env python3
"""Writes the small Parquet files below tests/badinput/parquet again: every type, encoding and shape that other writers make.

    python3 tests/badinput/make_parquet.py [folder]

Made with pyarrow 25 and DuckDB; the bytes depend on their versions, so the files are kept and this says where they come from.
"""

import datetime
import decimal
import pathlib
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 120
folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "parquet")
folder.mkdir(exist_ok=True)


def some(f, type_, nulls=7):
    """ROWS values, every seventh null."""
    return pa.array([None if nulls and i % nulls == 3 else f(i) for i in range(ROWS)], type_)


def write(name, columns, **options):
    fields = [pa.field(n, a.type, nullable=a.null_count > 0) for n, a in columns.items()]
    table = pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))
    options = {"compression": "none", "write_page_index": False, "data_page_size": 256, "store_schema": False, **options}
    pq.write_table(table, folder / f"{name}.parquet", **options)


integers = {
    "i8": some(lambda i: i % 200 - 100, pa.int8()),
    "i16": some(lambda i: i * 37 - 5000, pa.int16()),
    "i32": some(lambda i: i * 1000003 - 7, pa.int32()),
    "i64": some(lambda i: i * 10**15 - 3, pa.int64()),
    "u8": some(lambda i: i % 256, pa.uint8()),
    "u16": some(lambda i: i * 200, pa.uint16()),
    "u32": some(lambda i: i * 14000000, pa.uint32()),
    "u64": some(lambda i: i * 10**16, pa.uint64()),
    "sure": some(lambda i: i * i, pa.int64(), 0),
}
days = datetime.date(2001, 2, 3)
instants = {
    "day": some(lambda i: days + datetime.timedelta(i), pa.date32()),
    "ms": some(lambda i: datetime.datetime(2001, 2, 3, 4, 5, 6) + datetime.timedelta(milliseconds=i), pa.timestamp("ms")),
    "us": some(lambda i: datetime.datetime(2001, 2, 3, 4, 5, 6, i), pa.timestamp("us")),
    "utc": some(lambda i: datetime.datetime(2001, 2, 3, 4, 5, 6, i), pa.timestamp("us", tz="UTC")),
    "ns": some(lambda i: i * 1000, pa.timestamp("ns")),
    "t_ms": some(lambda i: i * 1000, pa.time32("ms")),
    "t_us": some(lambda i: i * 1000, pa.time64("us")),
    "t_ns": some(lambda i: i * 1000, pa.time64("ns")),
}
numbers = {
    "f16": pa.array([None if i % 7 == 3 else i / 4 for i in range(ROWS)], pa.float32()).cast(pa.float16()),
    "f32": some(lambda i: i / 8, pa.float32()),
    "f64": some(lambda i: i / 16 - 3, pa.float64()),
    "d9": some(lambda i: decimal.Decimal(i) / 4, pa.decimal128(9, 2)),
    "d15": some(lambda i: decimal.Decimal(i * 1001) / 8, pa.decimal128(15, 3)),
    "d18": some(lambda i: decimal.Decimal(i * 10**14), pa.decimal128(18, 0)),
    "d30": some(lambda i: decimal.Decimal(i) / 2, pa.decimal128(30, 1)),
    "d60": some(lambda i: decimal.Decimal(i) / 2, pa.decimal256(60, 1)),
}
texts = {
    "s": some(lambda i: f"name {i % 50} of {i}", pa.string()),
    "few": some(lambda i: ["red", "green", "", "käse"][i % 4], pa.string()),
    "bytes": some(lambda i: bytes([i % 256, 255, 0]) * (i % 3), pa.binary()),
    "fixed": some(lambda i: bytes([i % 256, 254, 1, i // 256]), pa.binary(4)),
    "flag": some(lambda i: i % 3 == 0, pa.bool_()),
    "sure": some(lambda i: f"{i:05}", pa.string(), 0),
    "flag_sure": some(lambda i: i % 5 == 0, pa.bool_(), 0),
    "nothing": some(lambda i: None, pa.string()),
}
lists = {
    "l": some(lambda i: [None if k % 3 == 1 else k for k in range(i % 5)], pa.list_(pa.int64())),
    "words": some(lambda i: [f"w{k}" for k in range(i % 4)], pa.list_(pa.string())),
    "deep": some(lambda i: [[k, None] if k % 2 else None for k in range(i % 3)], pa.list_(pa.list_(pa.int32()))),
    "sure": some(lambda i: [i, i + 1], pa.list_(pa.field("element", pa.int64(), False)), 0),
}
pair = pa.struct([pa.field("a", pa.int64()), pa.field("b", pa.string())])
groups = {
    "s": some(lambda i: {"a": i, "b": None if i % 4 == 0 else str(i)}, pair),
    "m": some(lambda i: [(f"k{k}", i + k) for k in range(i % 4)], pa.map_(pa.string(), pa.int64())),
    "ints": some(lambda i: [(k, f"{i}") for k in range(i % 3)], pa.map_(pa.int64(), pa.string())),
    "ls": some(lambda i: [{"a": k, "b": "x"} if k % 2 else None for k in range(i % 4)], pa.list_(pair)),
    "sl": some(lambda i: {"in": {"l": list(range(i % 3))}, "f": i / 2},
               pa.struct([pa.field("in", pa.struct([pa.field("l", pa.list_(pa.int32()))])), pa.field("f", pa.float64())])),
    "keys": some(lambda i: [(datetime.date(2001, 1, 1 + k), True) for k in range(i % 3)], pa.map_(pa.date32(), pa.bool_())),
}
everything = {"integers": integers, "instants": instants, "numbers": numbers, "texts": texts, "lists": lists, "groups": groups}

for kind, columns in everything.items():
    write(f"{kind}_plain", columns, use_dictionary=False)
    write(f"{kind}_dictionary", columns, data_page_version="2.0", compression="snappy")
write("integers_delta", integers, use_dictionary=False, data_page_version="2.0",
      column_encoding={n: "DELTA_BINARY_PACKED" for n in integers})
write("integers_split", integers, use_dictionary=False, column_encoding={n: "BYTE_STREAM_SPLIT" for n in integers})
write("instants_delta", instants, use_dictionary=False, compression="gzip",
      column_encoding={n: "DELTA_BINARY_PACKED" for n in instants})
write("numbers_split", numbers, use_dictionary=False, compression="zstd",
      column_encoding={n: "BYTE_STREAM_SPLIT" for n in ("f16", "f32", "f64", "d9", "d15", "d30")})
write("numbers_integers", {n: numbers[n] for n in ("d9", "d15", "d18")}, use_dictionary=False,
      store_decimal_as_integer=True)
write("texts_delta", {n: texts[n] for n in ("s", "few", "bytes", "fixed", "sure")}, use_dictionary=False, data_page_version="2.0",
      column_encoding={"s": "DELTA_BYTE_ARRAY", "few": "DELTA_LENGTH_BYTE_ARRAY", "bytes": "DELTA_BYTE_ARRAY",
                       "fixed": "DELTA_BYTE_ARRAY", "sure": "DELTA_LENGTH_BYTE_ARRAY"})
write("texts_split", {"fixed": texts["fixed"], "flag": texts["flag"], "flag_sure": texts["flag_sure"]}, use_dictionary=False,
      column_encoding={"fixed": "BYTE_STREAM_SPLIT", "flag": "RLE", "flag_sure": "RLE"}, compression="brotli")
write("lists_delta", {"l": lists["l"], "words": lists["words"]}, use_dictionary=False, compression="lz4",
      column_encoding={"l.list.element": "DELTA_BINARY_PACKED", "words.list.element": "DELTA_BYTE_ARRAY"})
write("int96", {"us": instants["us"], "utc": instants["utc"]}, use_deprecated_int96_timestamps=True)
write("indexed", {**integers, **texts, **{n: instants[n] for n in ("day", "ms", "us", "t_us")}, **{n: numbers[n] for n in ("f32", "f64", "d9", "d18")}},
      write_page_index=True, row_group_size=80, write_batch_size=10, max_rows_per_page=20)
write("empty", {"i": pa.array([], pa.int64()), "s": pa.array([], pa.string())})

out = folder / "duckdb.parquet"
duckdb.sql(f"""COPY (SELECT CASE WHEN i % 7 <> 3 THEN i END AS i, to_days(i::INT) + to_microseconds(i * 1000) AS span,
    lpad(i::VARCHAR, 32, '0')::UUID AS id, ('{{"a":' || i || '}}')::JSON AS js, (i % 3)::UTINYINT AS u, i::HUGEINT AS h,
    [i, NULL, i + 1] AS l, {{'a': i, 'b': [i]}} AS s, TIME '01:02:03' + to_microseconds(i) AS t, i::VARCHAR::BLOB AS b
    FROM (SELECT range AS i FROM range({ROWS}))) TO '{out}' (FORMAT parquet, COMPRESSION zstd)""")
for path in sorted(folder.glob("*.parquet")):
    print(path.stat().st_size, path.name)
