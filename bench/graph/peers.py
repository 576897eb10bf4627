"""The peers, each in a process of its own (their libraries do not live together in one): DuckDB, Kuzu, Ladybug.

    peers.py NAME FOLDER DATA THREADS

reads lines of JSON, {"load": true} or {"ask": text, "times": n}, and answers each with one line: {"seconds": s, "rows": [...]} or
{"error": text}. A folder with a loaded database is used again.
"""

import datetime
import json
import os
import sys
import time

PERSON = "id INT64, name STRING, age INT32, city STRING, country INT32, score DOUBLE, joined DATE"


def plain(value):
    """What JSON can say: dates as days since 1970."""
    if isinstance(value, datetime.datetime):
        value = value.date()
    if isinstance(value, datetime.date):
        return (value - datetime.date(1970, 1, 1)).days
    return value if isinstance(value, (int, float, str, type(None))) else str(value)


class DuckDB:
    def __init__(self, folder, data, threads):
        import duckdb

        self.version, self.data, self.path = duckdb.__version__, data, os.path.join(folder, "duckdb.db")
        self.ready = os.path.exists(self.path)
        self.db = duckdb.connect(self.path)
        self.db.execute(f"SET threads = {threads}")
        self.db.execute("SET memory_limit = '6GB'")

    def load(self):
        self.db.execute(f"CREATE TABLE person AS SELECT * FROM '{self.data}/person.parquet'")
        self.db.execute(f"CREATE TABLE knows AS SELECT * FROM '{self.data}/knows.parquet'")
        self.db.execute("CHECKPOINT")

    def ask(self, text):
        return self.db.execute(text).fetchall()


class Kuzu:
    module = "kuzu"

    def __init__(self, folder, data, threads):
        library = __import__(self.module)
        self.version, self.data, self.path = library.__version__, data, os.path.join(folder, self.module + ".db")
        self.ready = os.path.exists(self.path)
        self.db = library.Database(self.path, buffer_pool_size=5 << 30)
        self.connection = library.Connection(self.db, num_threads=threads)

    def load(self):
        self.connection.execute(f"CREATE NODE TABLE Person({PERSON}, PRIMARY KEY (id))")
        self.connection.execute("CREATE REL TABLE KNOWS(FROM Person TO Person, since DATE, weight DOUBLE)")
        self.connection.execute(f"COPY Person FROM '{self.data}/person.parquet'")
        self.connection.execute(f"COPY KNOWS FROM '{self.data}/knows.parquet'")

    def ask(self, text):
        if isinstance(text, list):
            return [[sum(self.ask(one)[0][0] for one in text)]]
        result, rows = self.connection.execute(text), []
        while result.has_next():
            rows.append(result.get_next())
        return rows


class Ladybug(Kuzu):
    module = "real_ladybug"


KINDS = {"duckdb": DuckDB, "kuzu": Kuzu, "ladybug": Ladybug}


def serve(name, folder, data, threads):
    peer = KINDS[name](folder, data, threads)
    print(json.dumps({"version": peer.version, "ready": peer.ready}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            begin, rows = time.perf_counter(), []
            if order.get("load"):
                if not peer.ready:
                    peer.load()
            else:
                for _ in range(order["times"]):
                    rows = peer.ask(order["ask"])
            seconds = (time.perf_counter() - begin) / order.get("times", 1)
            print(json.dumps({"seconds": seconds, "rows": [[plain(v) for v in row] for row in rows]}), flush=True)
        except Exception as problem:  # a peer that cannot answer is reported, not the end of the benchmark
            print(json.dumps({"error": str(problem)[:300]}), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
