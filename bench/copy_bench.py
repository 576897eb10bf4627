"""copy_bench: COPY TO of CSV, lines of JSON and Parquet, and COPY FROM of CSV, against DuckDB and pyarrow.

Makes a seeded table (id, name, x with two decimals, y with all its digits, day, n with nulls) once below build/bench, loads it into a
workspace and a DuckDB file, and lets each write the same rows with the same number of threads; rounds alternate. What was written is
read back by DuckDB and must have the same contents before a time counts. Our time includes the start of the program and the
opening of the workspace (`copy.start`); DuckDB's connection is open. COPY FROM goes into a new workspace, and a new file of DuckDB.

Usage: copy_bench.py [rows [rounds]]; WORLDGRAPH names the program.
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import duckdb
import pyarrow
import pyarrow.csv
import pyarrow.parquet

PROGRAM = os.environ.get("WORLDGRAPH", "build/release/worldgraph")
FOLDER = pathlib.Path("build/bench/copy")
THREADS = os.cpu_count() or 1
COLUMNS = {"id": "BIGINT", "name": "VARCHAR", "x": "DOUBLE", "y": "DOUBLE", "day": "DATE", "n": "BIGINT"}
LABEL = "CREATE NODE LABEL Row (id INT, name STRING, x FLOAT, y FLOAT, day DATE, n INT, PRIMARY KEY (id))"
FORMATS = {  # name: end of the file, our options, DuckDB's options
    "csv": ("csv", "", "(FORMAT csv, HEADER)"),
    "json": ("jsonl", "", "(FORMAT json)"),
    "snappy": ("parquet", " (COMPRESSION SNAPPY)", "(FORMAT parquet, COMPRESSION snappy)"),
    "zstd": ("parquet", " (COMPRESSION ZSTD)", "(FORMAT parquet, COMPRESSION zstd)"),
}


def worldgraph(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"copy_bench: {arguments}: {done.stderr}")


def make_rows(rows):
    """The table as Parquet, the same bytes for the same count."""
    path = FOLDER / f"rows-{rows}.parquet"
    if not path.exists():
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        duckdb.connect().execute(f"""COPY (SELECT i AS id, 'name ' || CAST(hash(i) % 100000 AS VARCHAR) AS name,
            CAST(hash(i * 3) % 1000000 AS DOUBLE) / 100 AS x, CAST(hash(i * 5) AS DOUBLE) / 18446744073709551616.0 AS y,
            DATE '2000-01-01' + CAST(hash(i * 7) % 9000 AS INT) AS day,
            CASE WHEN hash(i * 11) % 10 = 0 THEN NULL ELSE CAST(hash(i * 13) % 1000000000 AS BIGINT) END AS n
            FROM range({rows}) t(i) ORDER BY i) TO '{path}' (FORMAT parquet)""")
    return path


def contents(path, end):
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    source = {"csv": f"read_csv('{path}', header = true, columns = {{{types}}})",
              "jsonl": f"read_json('{path}', format = 'newline_delimited', columns = {{{types}}})",
              "parquet": f"read_parquet('{path}')"}[end]
    columns = ", ".join(COLUMNS)
    return duckdb.connect().execute(f"SELECT count(*), sum(hash({columns})), sum(id), fsum(y) FROM {source}").fetchone()


def timed(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def line(name, rows, ours, peer, theirs, rounds):
    print(json.dumps({"name": f"copy.{name}", "params": {"rows": rows, "threads": THREADS, "rounds": rounds},
                      "value": round(ours * 1000, 3), "unit": "ms", "peer": peer,
                      "peer_value": None if theirs is None else round(theirs * 1000, 3),
                      "ratio": None if theirs is None else round(ours / theirs, 3)}), flush=True)


def arrow_writer(table, name, path):
    if name == "csv":
        return lambda: pyarrow.csv.write_csv(table, path)
    if name == "json":
        return None  # it reads lines of JSON and does not write them
    return lambda: pyarrow.parquet.write_table(table, path, compression=name)


def measure_to(name, workspace, connection, table, rounds, rows):
    end, ours, theirs = FORMATS[name]
    paths = {side: FOLDER / f"{side}-{name}.{end}" for side in ("worldgraph", "duckdb", "pyarrow")}
    writers = {"worldgraph": lambda: worldgraph("query", workspace, f"COPY Row TO '{paths['worldgraph']}'{ours}", "--threads", THREADS),
               "duckdb": lambda: connection.execute(f"COPY rows TO '{paths['duckdb']}' {theirs}"),
               "pyarrow": arrow_writer(table, name, paths["pyarrow"])}
    times = {side: [] for side, writer in writers.items() if writer}
    for _ in range(rounds):
        for side in times:
            paths[side].unlink(missing_ok=True)
            times[side].append(timed(writers[side]))
    wanted = contents(paths["duckdb"], end)
    for side in times:
        if contents(paths[side], end) != wanted:
            sys.exit(f"copy_bench: {name}: {side} wrote other rows than duckdb")
        if side != "worldgraph":
            line(name, rows, statistics.median(times["worldgraph"]), side, statistics.median(times[side]), rounds)


def load_ours(target, path):
    shutil.rmtree(target, ignore_errors=True)
    worldgraph("ws", "init", target)
    worldgraph("query", target, LABEL)
    return timed(lambda: worldgraph("query", target, f"COPY Row FROM '{path}'", "--threads", THREADS))


def load_theirs(target, path):
    for old in FOLDER.glob(f"{target.name}*"):
        old.unlink()
    connection = duckdb.connect(str(target), config={"threads": THREADS})
    connection.execute("CREATE TABLE rows (" + ", ".join(f"{n} {t}" for n, t in COLUMNS.items()) + ", PRIMARY KEY (id))")
    seconds = timed(lambda: connection.execute(f"COPY rows FROM '{path}' (HEADER)"))
    connection.close()
    return seconds


def measure_from(rounds, rows):
    path = FOLDER / "duckdb-csv.csv"
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(load_ours(FOLDER / "from.wg", path))
        theirs.append(load_theirs(FOLDER / "from.duckdb", path))
    worldgraph("query", FOLDER / "from.wg", f"COPY Row TO '{FOLDER}/from.csv' (OVERWRITE true)")
    if contents(FOLDER / "from.csv", "csv") != contents(path, "csv"):
        sys.exit("copy_bench: COPY FROM made other rows than the file has")
    line("from csv", rows, statistics.median(ours), "duckdb", statistics.median(theirs), rounds)


def main(rows=1_000_000, rounds=3):
    source = make_rows(rows)
    workspace = FOLDER / "bench.wg"
    load_ours(workspace, source)
    worldgraph("checkpoint", workspace)
    connection = duckdb.connect(config={"threads": THREADS})
    connection.execute(f"CREATE TABLE rows AS SELECT * FROM read_parquet('{source}')")
    pyarrow.set_cpu_count(THREADS)
    table = pyarrow.parquet.read_table(source)
    starts = [timed(lambda: worldgraph("query", workspace, "RETURN 1 AS v")) for _ in range(rounds)]
    line("start", rows, statistics.median(starts), None, None, rounds)
    for name in FORMATS:
        measure_to(name, workspace, connection, table, rounds, rows)
    measure_from(rounds, rows)


if __name__ == "__main__":
    main(*[int(word) for word in sys.argv[1:3] if word != "--quick"])
