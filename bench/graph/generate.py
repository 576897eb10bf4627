"""The data set of `./dev bench graph`: persons and who knows whom, as two Parquet files.

    generate.py FOLDER [--persons N] [--edges N] [--seed S]

`person.parquet`: id, name, age, city, country, score, joined. `knows.parquet`: from_id, to_id, since, weight; unique pairs without
loops, in random order. A person of rank r is an end of an edge with a probability proportional to sqrt(r + 1) - sqrt(r), in both
directions alike: degrees follow a power law whose tail has the exponent 3, the largest is about edges / sqrt(persons), and hubs are
hubs in both directions. Ranks are scattered over the ids by a fixed bijection.

All that is random is MD5 of a counter and the seed, in integers: the same seed gives the same rows with every version of DuckDB. Files
that are there with the same parameters (`parameters.json`) are kept.
"""

import argparse
import json
import os

import duckdb

CITIES = 100


def scale_of(persons):
    """A multiplier that has no common factor with the number of persons: rank -> id is a bijection."""
    from math import gcd

    step = 7368787 % persons or 1
    while gcd(step, persons) != 1:
        step += 1
    return step


def persons_sql(persons, seed):
    return f"""
        WITH draws AS (
            SELECT i AS id, md5_number_lower('person ' || i || ' {seed}') AS a, md5_number_upper('person ' || i || ' {seed}') AS b
            FROM range({persons}) t(i))
        SELECT id::BIGINT AS id,
               'person ' || id AS name,
               (18 + a % 70)::INTEGER AS age,
               'city ' || lpad(((((a >> 8) % 1000) * ((a >> 8) % 1000) * {CITIES}) // 1000000)::VARCHAR, 2, '0') AS city,
               ((a >> 24) % 20)::INTEGER AS country,
               (b % 1000000)::DOUBLE / 1000 AS score,
               DATE '2010-01-01' + ((b >> 24) % 5000)::INTEGER AS joined
        FROM draws ORDER BY id"""


def edges_sql(persons, edges, seed):
    step, drawn = scale_of(persons), edges + edges // 12 + 100
    rank = "(((d{0}::HUGEINT * d{0}::HUGEINT * {1}) >> 64)::BIGINT)"
    return f"""
        WITH draws AS (
            SELECT i, md5_number_lower('knows ' || i || ' {seed}') AS a, md5_number_upper('knows ' || i || ' {seed}') AS b
            FROM range({drawn}) t(i)),
        halves AS (SELECT i, a >> 32 AS d1, b >> 32 AS d2, (a & 4294967295) AS c1, (b & 4294967295) AS c2 FROM draws),
        ends AS (
            SELECT i, ({rank.format(1, persons)} * {step}) % {persons} AS from_id,
                   ({rank.format(2, persons)} * {step}) % {persons} AS to_id, c1, c2
            FROM halves),
        firsts AS (
            SELECT from_id, to_id, min(i) AS i, arg_min(c1, i) AS c1, arg_min(c2, i) AS c2
            FROM ends WHERE from_id <> to_id GROUP BY from_id, to_id)
        SELECT from_id, to_id, DATE '2015-01-01' + (c1 % 3650)::INTEGER AS since, (c2 % 1000000)::DOUBLE / 1000000 AS weight
        FROM firsts ORDER BY i LIMIT {edges}"""


def generate(folder, persons=1_000_000, edges=10_000_000, seed=1):
    """Makes the files unless they are there; gives their paths."""
    parameters = {"persons": persons, "edges": edges, "seed": seed, "version": 1}
    paths = [os.path.join(folder, "person.parquet"), os.path.join(folder, "knows.parquet")]
    note = os.path.join(folder, "parameters.json")
    if os.path.exists(note):
        with open(note, encoding="utf-8") as f:
            if json.load(f) == parameters:
                return paths
    os.makedirs(folder, exist_ok=True)
    db = duckdb.connect()
    db.execute("SET preserve_insertion_order = true")
    db.execute("SET memory_limit = '5GB'")
    db.execute(f"COPY ({persons_sql(persons, seed)}) TO '{paths[0]}' (FORMAT parquet)")
    db.execute(f"COPY ({edges_sql(persons, edges, seed)}) TO '{paths[1]}' (FORMAT parquet)")
    rows = db.execute(f"SELECT count(*) FROM '{paths[1]}'").fetchone()[0]
    if rows != edges:
        raise SystemExit(f"only {rows} of {edges} different edges were drawn; ask for fewer edges or more persons")
    with open(note, "w", encoding="utf-8") as f:
        json.dump(parameters, f)
    return paths


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("folder")
    options.add_argument("--persons", type=int, default=1_000_000)
    options.add_argument("--edges", type=int, default=10_000_000)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    print("\n".join(generate(given.folder, given.persons, given.edges, given.seed)))
