"""Reads the Arrow IPC stream of tests/tools/arrow_dump.c with pyarrow and compares every type, null and value.

Usage: python arrow_ipc_test.py [PATH_OF_ARROW_DUMP]. Without a path the program is tests/arrow_dump beside the shell
that the environment variable WORLDGRAPH names. Skips (exit status 77) when pyarrow is not installed.
"""
import json
import os
import pathlib
import subprocess
import sys

try:
    import pyarrow as pa
    import pyarrow.ipc
except ImportError:
    print("skipped: pyarrow is not installed")
    sys.exit(77)

TYPES = {
    "i": (pa.int64(), "INT"),
    "b": (pa.bool_(), "BOOL"),
    "f": (pa.float64(), "FLOAT"),
    "s": (pa.utf8(), "STRING"),
    "y": (pa.binary(), "BYTES"),
    "d": (pa.date32(), "DATE"),
    "t": (pa.time64("ns"), "LOCAL TIME"),
    "ts": (pa.timestamp("us"), "LOCAL DATETIME"),
    "n": (pa.null(), "NULL"),
    "l": (pa.utf8(), "LIST"),
    "a": (pa.utf8(), "ANY"),
    "node": (pa.utf8(), "NODE"),
}


def expected(row):
    """The values of one row; None in all but the first column in every seventh."""
    text = f"row-{row}-\u00e9"
    if row % 7 == 6:
        return {name: (row * row - 1000 if name == "i" else None) for name in TYPES}
    return {
        "i": row * row - 1000,
        "b": row % 3 == 0,
        "f": row / 4,
        "s": text,
        "y": text.encode()[: row % 5],
        "d": row * 100 - 5000,
        "t": row * 1000000007,
        "ts": row * 86400000123 - 7,
        "n": None,
        "l": [row, None],
        "a": row / 2 if row % 2 == 0 else text,
        "node": {"id": row},
    }


def plain(name, column):
    """Cells as what `expected` gives: days, nanoseconds and microseconds as integers, JSON text as its value."""
    if name == "d":
        column = column.cast(pa.int32())
    if name in ("t", "ts"):
        column = column.cast(pa.int64())
    cells = column.to_pylist()
    if name in ("l", "a", "node"):
        cells = [None if cell is None else json.loads(cell) for cell in cells]
    return cells


def check(dump, batches, rows):
    data = subprocess.run([dump, str(batches), str(rows)], check=True, stdout=subprocess.PIPE).stdout
    assert len(data) % 8 == 0, "an IPC stream is a multiple of eight bytes"
    with pa.ipc.open_stream(data) as reader:
        schema = reader.schema
        assert schema.names == list(TYPES), schema.names
        for name, (arrow_type, label) in TYPES.items():
            field = schema.field(name)
            assert field.type == arrow_type, (name, field.type)
            assert field.nullable, name
            assert field.metadata == {b"worldgraph.type": label.encode()}, (name, field.metadata)
        read = list(reader)
    assert len(read) == batches, len(read)
    for number, batch in enumerate(read):
        batch.validate(full=True)
        count = 0 if number == 1 else rows
        assert batch.num_rows == count, (number, batch.num_rows)
        want = [expected(number * rows + k) for k in range(count)]
        for name, column in zip(schema.names, batch.columns):
            got = plain(name, column)
            assert got == [row[name] for row in want], (number, name, got)
            assert column.null_count == sum(row[name] is None for row in want), (number, name)
    return len(data)


def find_dump():
    if len(sys.argv) > 1:
        return sys.argv[1]
    shell = pathlib.Path(os.environ.get("WORLDGRAPH", "build/release/worldgraph"))
    return str(shell.parent / "tests" / "arrow_dump")


def main():
    dump = find_dump()
    for batches, rows in ((0, 0), (1, 0), (1, 1), (1, 6), (3, 8), (3, 100), (5, 2048)):
        size = check(dump, batches, rows)
        print(f"ok: {batches} batches of {rows} rows, {size} bytes")


if __name__ == "__main__":
    main()
