"""Random predicates, projections, groupings and joins over the football data, the same in openCypher and in SQL, compared with
DuckDB; three-valued logic, pushdown and joins meet here in ways that nobody would write by hand.

    python tests/python/random_queries_test.py
    WG_SEED=7 WG_QUERIES=5000 python tests/python/random_queries_test.py

A difference prints both texts; the seed makes the same queries again.
"""
import json
import os
import random
import sys

from kit import FOOTBALL_LINK, FOOTBALL_SCHEMA, Suite, Workspace, check, equal, football_duck, need_data, need_duckdb, plain, same

need_data("football/events/game1.parquet", "football/players.csv")
duckdb, _ = need_duckdb()
SEED = int(os.environ.get("WG_SEED", "20260101"))
QUERIES = int(os.environ.get("WG_QUERIES", "600"))
BATCH = 50

# name: (type, literals)
EVENT = {
    "game": ("s", ["game1", "game2", "game3", "game9", "gam"]),
    "seq": ("i", [0, 1, 7, 100, 1000, 1744, 2000, 9999]),
    "team": ("s", ["Home", "Away", "home"]),
    "type": ("s", ["PASS", "SHOT", "CARD", "CARRY", "BALL LOST", "pass", ""]),
    "subtype": ("s", ["HEAD", "GOAL KICK", "ON TARGET-GOAL", "INTERCEPTION", "A"]),
    "period": ("i", [0, 1, 2, 3]),
    "start_time": ("f", [0.0, 60.5, 1800.0, 3000.04, 5000.0]),
    "from_player": ("s", ["Player1", "Player19", "Player2", "Z"]),
    "to_player": ("s", ["Player21", "Player3", "Player2", "A"]),
    "start_x": ("f", [0.0, 0.25, 0.5, 0.51, 1.0, -1.0]),
    "start_y": ("f", [0.1, 0.5, 0.99, 2.5]),
}
PLAYER = {
    "game": EVENT["game"],
    "team": EVENT["team"],
    "name": ("s", ["Player1", "Player19", "Player2", "Q"]),
    "touches": ("i", [0, 10, 50, 80, 120]),
}


def quote(value):
    return "'" + value + "'" if isinstance(value, str) else repr(value)


class Maker:
    """Each function gives a pair: openCypher, SQL."""

    def __init__(self, random_, columns, variable):
        self.r, self.columns, self.variable = random_, columns, variable

    def column(self, kinds):
        name = self.r.choice([n for n, (kind, _) in self.columns.items() if kind in kinds])
        return f"{self.variable}.{name}", f"{self.variable}.{name}", name

    def literal(self, name):
        kind, values = self.columns[name]
        value = self.r.choice(values)
        if kind == "f" and self.r.random() < 0.3:
            value = int(value)  # FLOAT compared with INT
        return quote(value)

    def number(self, depth):
        pick = self.r.randrange(7 if depth > 0 else 2)
        if pick <= 1:
            mine, theirs, _ = self.column("if")
            return mine, theirs
        if pick == 2:
            value = self.r.choice(["3", "-7", "0.5", "100", "2.25"])
            return value, value + ("::DOUBLE" if "." in value else "")
        if pick == 3:
            (a, b), (c, d) = self.number(depth - 1), self.number(depth - 1)
            op = self.r.choice(["+", "-", "*"])
            return f"({a} {op} {c})", f"({b} {op} {d})"
        if pick == 4:
            (a, b), (c, d) = self.number(depth - 1), self.number(depth - 1)
            return f"coalesce({a}, {c})", f"coalesce({b}, {d})"
        if pick == 5:
            (p, q), (a, b) = self.predicate(depth - 1), self.number(depth - 1)
            return f"(CASE WHEN {p} THEN {a} ELSE 0 END)", f"(CASE WHEN {q} THEN {b} ELSE 0 END)"
        mine, theirs, _ = self.column("s")
        return f"size({mine})", f"length({theirs})"

    def compare(self):
        mine, theirs, name = self.column("sif")
        op = self.r.choice(["=", "<>", "<", "<=", ">", ">="])
        if self.r.random() < 0.2:
            kind = self.columns[name][0]
            other, other_sql, _ = self.column("s" if kind == "s" else "if")
            return f"{mine} {op} {other}", f"{theirs} {op} {other_sql}"
        value = self.literal(name)
        if self.r.random() < 0.2:
            return f"{value} {op} {mine}", f"{value} {op} {theirs}"
        return f"{mine} {op} {value}", f"{theirs} {op} {value}"

    def leaf(self, depth):
        pick = self.r.randrange(8)
        if pick <= 2:
            return self.compare()
        if pick == 3:
            mine, theirs, _ = self.column("sif")
            word = self.r.choice(["IS NULL", "IS NOT NULL"])
            return f"{mine} {word}", f"{theirs} {word}"
        if pick == 4:
            mine, theirs, name = self.column("sif")
            values = [self.literal(name) for _ in range(self.r.randrange(1, 4))]
            if self.r.random() < 0.3:
                values.append("null")
            return f"{mine} IN [{', '.join(values)}]", f"{theirs} IN ({', '.join(values)})"
        if pick == 5:
            mine, theirs, name = self.column("s")
            text = quote(self.r.choice(self.columns[name][1])[:self.r.randrange(1, 5)])
            word, call = self.r.choice([("STARTS WITH", "starts_with"), ("ENDS WITH", "suffix"), ("CONTAINS", "contains")])
            return f"{mine} {word} {text}", f"{call}({theirs}, {text})"
        if pick == 6:
            (a, b), (c, d) = self.number(depth), self.number(depth)
            op = self.r.choice(["=", "<", ">=", "<>"])
            return f"{a} {op} {c}", f"{b} {op} {d}"
        return self.r.choice([("true", "true"), ("false", "false"), ("null", "NULL::BOOLEAN"), self.compare(), self.compare()])

    def predicate(self, depth):
        if depth <= 0 or self.r.random() < 0.2:
            return self.leaf(depth)
        pick = self.r.randrange(6)
        if pick == 0:
            a, b = self.predicate(depth - 1)
            return f"NOT ({a})", f"NOT ({b})"
        (a, b), (c, d) = self.predicate(depth - 1), self.predicate(depth - 1)
        if pick == 1:
            return f"(({a}) XOR ({c}))", f"(({b}) <> ({d}))"
        op = "OR" if pick <= 3 else "AND"
        return f"({a} {op} {c})", f"({b} {op} {d})"


AGGREGATES = [("count(*)", "count(*)"), ("sum(e.seq)", "coalesce(sum(e.seq), 0)"), ("min(e.start_x)", "min(e.start_x)"),
              ("max(e.subtype)", "max(e.subtype)"), ("count(e.to_player)", "count(e.to_player)"),
              ("count(DISTINCT e.from_player)", "count(DISTINCT e.from_player)"), ("avg(e.start_y)", "avg(e.start_y)")]
JOINS = [
    ("(e:Event), (p:Player)", "p.name = e.from_player AND p.game = e.game",
     "event e JOIN player p ON p.name = e.from_player AND p.game = e.game"),
    ("(e:Event), (p:Player {name: e.to_player})", "true", "event e JOIN player p ON p.name = e.to_player"),
    ("(p:Player)-[:PASSED]->(q:Player), (e:Event {game: p.game, from_player: q.name, type: 'SHOT'})", "true",
     "passed x JOIN player p ON p.id = x.src JOIN player q ON q.id = x.dst"
     " JOIN event e ON e.game = p.game AND e.from_player = q.name AND e.type = 'SHOT'"),
]


def filters(r):
    mine, theirs = Maker(r, EVENT, "e").predicate(3)
    return (f"MATCH (e:Event) WHERE {mine} RETURN count(*), sum(e.seq), count(e.subtype)",
            f"SELECT count(*), coalesce(sum(e.seq), 0), count(e.subtype) FROM event e WHERE {theirs}")


def projections(r):
    maker = Maker(r, EVENT, "e")
    (p, q), (a, b), (c, d) = maker.predicate(2), maker.number(3), maker.predicate(2)
    return (f"MATCH (e:Event) WHERE {p} RETURN e.game, e.seq, {a} AS x, ({c}) AS y",
            f"SELECT e.game, e.seq, {b} AS x, ({d}) AS y FROM event e WHERE {q}")


def groups(r):
    maker = Maker(r, EVENT, "e")
    p, q = maker.predicate(2)
    keys = r.sample(sorted(EVENT), r.randrange(1, 3))
    some = r.sample(AGGREGATES, 3)
    mine, theirs = [f"e.{key}" for key in keys], [f"e.{key}" for key in keys]
    return (f"MATCH (e:Event) WHERE {p} RETURN {', '.join(mine + [a for a, _ in some])}",
            f"SELECT {', '.join(theirs + [b for _, b in some])} FROM event e WHERE {q} GROUP BY {', '.join(theirs)}")


def joins(r):
    pattern, condition, tables = r.choice(JOINS)
    (p, q), (a, b) = Maker(r, EVENT, "e").predicate(2), Maker(r, PLAYER, "p").predicate(1)
    return (f"MATCH {pattern} WHERE {condition} AND ({p}) AND ({a}) RETURN count(*), sum(e.seq), sum(p.touches)",
            f"SELECT count(*), coalesce(sum(e.seq), 0), coalesce(sum(p.touches), 0) FROM {tables} WHERE ({q}) AND ({b})")


def sorts(r):
    p, q = Maker(r, EVENT, "e").predicate(1)
    keys = r.sample(sorted(EVENT), 2)
    down = [r.random() < 0.5 for _ in keys]
    mine = ", ".join(f"e.{k}" + (" DESC" if d else "") for k, d in zip(keys, down))
    theirs = ", ".join(f"e.{k}" + (" DESC NULLS FIRST" if d else " NULLS LAST") for k, d in zip(keys, down))
    skip, limit = r.choice([0, 1, 10, 3000]), r.choice([1, 20, 2500])
    return (f"MATCH (e:Event) WHERE {p} RETURN e.game, e.seq, e.{keys[0]} AS z ORDER BY {mine}, e.game, e.seq SKIP {skip} LIMIT {limit}",
            f"SELECT e.game, e.seq, e.{keys[0]} FROM event e WHERE {q} ORDER BY {theirs}, e.game, e.seq LIMIT {limit} OFFSET {skip}")


def prepare(scratch):
    ws = Workspace(scratch / "ws")
    for text in (*FOOTBALL_SCHEMA, FOOTBALL_LINK):
        ws.do(text)
    return ws, football_duck(duckdb), scratch


suite = Suite("random", prepare)


def close(mine, theirs):
    """`same`, but INT and FLOAT are one: the two languages widen CASE and coalesce at different places."""
    number = (int, float)
    if isinstance(mine, number) and isinstance(theirs, number) and not isinstance(mine, bool) and not isinstance(theirs, bool):
        return same(float(mine), float(theirs))
    return same(mine, theirs)


def key_of(row):
    return json.dumps([float(f"{c:.9g}") if isinstance(c, (int, float)) and not isinstance(c, bool) else c for c in row])


def go(ws, duck, scratch, make, ordered=False):
    r = random.Random(f"{SEED} {make.__name__}")
    pairs = [make(r) for _ in range(QUERIES // 5)]
    file = scratch / "random.cypher"
    answered = 0
    for at in range(0, len(pairs), BATCH):
        part = pairs[at:at + BATCH]
        file.write_text(";\n".join(mine for mine, _ in part), encoding="utf-8")
        answer = ws.run_file(str(file), "--json", "--threads", 1 + at // BATCH % 3, "--morsel", r.choice([7, 100, 2048]))
        equal(answer.rc, 0, answer.err)
        for (mine, theirs), got in zip(part, answer.statements()):
            rows, wanted = got["rows"], [plain(row) for row in duck.sql(theirs).fetchall()]
            if not ordered:
                rows, wanted = sorted(rows, key=key_of), sorted(wanted, key=key_of)
            both = f"WG_SEED={SEED}\n  {mine}\n  {theirs}"
            check(len(rows) == len(wanted), f"{len(rows)} rows, DuckDB has {len(wanted)}: {both}")
            for a, b in zip(rows, wanted):
                check(len(a) == len(b) and all(close(x, y) for x, y in zip(a, b)), f"got {a}, DuckDB has {b}: {both}")
            answered += any(row[:1] != [0] for row in rows)
    check(answered > len(pairs) / 4, f"only {answered} of {len(pairs)} have an answer")
    return f"{len(pairs)} queries, {answered} with an answer"


@suite.case
def random_filters(*shared):
    return go(*shared, filters)


@suite.case
def random_projections(*shared):
    return go(*shared, projections)


@suite.case
def random_groups(*shared):
    return go(*shared, groups)


@suite.case
def random_joins(*shared):
    return go(*shared, joins)


@suite.case
def random_orders(*shared):
    return go(*shared, sorts, ordered=True)


if __name__ == "__main__":
    sys.exit(suite.run())
