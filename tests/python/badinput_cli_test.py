"""Wrong input, given to the program from outside: every mistake ends with the right exit code and a message that names what is
wrong, with a caret where it is about the text; never a crash, never an empty success.

    python tests/python/badinput_cli_test.py [WORD]      the program is WORLDGRAPH, or build/release/worldgraph
"""
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

from kit import (DATA, FOOTBALL, FOOTBALL_SCHEMA, ROOT, Suite, Workspace, check, equal, failed, need_data, need_duckdb, program,
                 run)

need_data("football/events/game1.parquet", "football/players.csv")
_, pyarrow = need_duckdb()
import pyarrow.parquet  # noqa: E402  (pyarrow may be absent; need_duckdb says so)

QUERY, SYSTEM, USAGE = 1, 2, 3


def prepare(scratch):
    ws = Workspace(scratch / "ws")
    for text in FOOTBALL_SCHEMA:
        ws.do(text)
    ws.do("MATCH (a:Player), (b:Player) WHERE a.game = b.game AND a.touches > 90 AND b.touches > 100 CREATE (a)-[:PASSED]->(b)")
    return ws, scratch


suite = Suite("badinput", prepare)


def points_at(err, token):
    """The caret of an error must stand under the first character of `token`."""
    lines = err.splitlines()
    carets = [number for number, line in enumerate(lines) if line.strip() == "^"]
    check(carets, f"no caret: {err!r}")
    at = lines[carets[-1]].index("^")
    text = lines[carets[-1] - 1]
    check(text[at:].startswith(token), f"the caret is at {text[at:at + 20]!r}, not at {token!r}: {err!r}")


# ---------------------------------------------------------------- names and types

MISTAKES = [  # text, code, what the message names, where the caret stands
    ("MATCH (p:Plyer) RETURN p.name", "WG_E_NOT_FOUND", ["Plyer", "Player"], "Plyer"),
    ("MATCH (p:Player) RETURN p.namx", "WG_E_NOT_FOUND", ["Player", "namx"], "p.namx"),
    ("MATCH (e:Event) WHERE e.sequ = 1 RETURN count(*)", "WG_E_NOT_FOUND", ["Event", "sequ"], "e.sequ"),
    ("MATCH (p:Player {namx: 'x'}) RETURN p", "WG_E_NOT_FOUND", ["Player", "namx"], None),
    ("MATCH (a:Player)-[:PASSEDX]->(b) RETURN a", "WG_E_NOT_FOUND", ["PASSEDX", "PASSED"], "PASSEDX"),
    ("MATCH (a:Player)-[p:PASSED]->(b) RETURN p.when", "WG_E_NOT_FOUND", ["PASSED", "when"], "p.when"),
    ("CREATE (:Player {game: 'g', name: 'n', age: 3})", "WG_E_NOT_FOUND", ["Player", "age"], None),
    ("CREATE (:Player {game: 'g', name: 7})", "WG_E_TYPE", ["name"], None),
    ("CREATE (:Player {game: 'g', name: 'n', touches: 'many'})", "WG_E_TYPE", ["touches"], None),
    ("CREATE (:Player {game: 'g', name: 'n', touches: 1.5})", "WG_E_TYPE", ["touches"], None),
    ("CREATE (:Player {game: 'g'})", "WG_E_CONSTRAINT", ["name"], None),
    ("MATCH (p:Player) WHERE p.touches = 'x' RETURN p", "WG_E_TYPE", ["INT", "STRING"], "p.touches = 'x'"),
    ("MATCH (e:Event) WHERE e.start_x < 'left' RETURN count(*)", "WG_E_TYPE", ["FLOAT", "STRING"], None),
    ("MATCH (e:Event) WHERE e.type IN [1, 2] RETURN count(*)", "WG_E_TYPE", ["STRING", "INT"], "1, 2"),
    ("MATCH (e:Event) WHERE e.seq IN [1, '2'] RETURN count(*)", "WG_E_TYPE", ["STRING", "INT"], "'2'"),
    ("MATCH (e:Event) RETURN sum(e.team)", "WG_E_TYPE", ["sum"], "sum"),
    ("MATCH (e:Event) RETURN avg(e.team)", "WG_E_TYPE", ["avg"], "avg"),
    ("MATCH (p:Player) RETURN q.name", "WG_E_BIND", ["q"], "q"),
    ("MATCH (p:Player) RETURN p.name ORDER BY z", "WG_E_BIND", ["z"], "z"),
    ("MATCH (p:Player) WITH p.name AS n RETURN p.game", "WG_E_BIND", ["p"], "p"),
    ("MATCH (p:Player) RETURN shout(p.name)", "WG_E_", ["shout"], "shout"),
    ("RETURN toUpper()", "WG_E_BIND", ["toUpper"], "toUpper"),
    ("RETURN substring('a', 'b')", "WG_E_TYPE", ["substring"], None),
    ("MATCH (e:Event) SET e.team = 'x'", "WG_E_READ_ONLY", ["Event"], None),
    ("CREATE (:Event {seq: 1})", "WG_E_READ_ONLY", ["Event"], None),
    ("MATCH (e:Event) DELETE e", "WG_E_READ_ONLY", ["Event"], None),
    ("MATCH (p:Player) SET p.name = 'same'", "WG_E_CONSTRAINT", [], None),
    ("MATCH (p:Player) SET p.name = null", "WG_E_CONSTRAINT", ["name"], None),
    ("MATCH (p:Player) DELETE p", "WG_E_CONSTRAINT", ["DETACH"], None),
    ("MATCH (p:Player), (e:Event {seq: 1}) CREATE (p)-[:PASSED]->(e)", "WG_E_", ["PASSED", "Player"], None),
    ("CREATE NODE LABEL Player (name STRING)", "WG_E_EXISTS", ["Player"], "CREATE"),
    ("CREATE NODE LABEL Thing (a STRIN)", "WG_E_", ["STRIN"], "STRIN"),
    ("CREATE NODE LABEL Thing (a INT, a INT)", "WG_E_", ["a"], None),
    ("CREATE NODE LABEL Thing (a INT, PRIMARY KEY (b))", "WG_E_", ["b"], None),
    ("CREATE EDGE LABEL LIKES (FROM Nobody TO Player)", "WG_E_NOT_FOUND", ["Nobody"], "Nobody"),
    ("DROP NODE LABEL Thing", "WG_E_NOT_FOUND", ["Thing"], None),
]


@suite.case
def mistakes_are_named_where_they_are(ws, _):
    before = ws.logseq()
    problems = []
    for text, code, words, token in MISTAKES:
        try:
            err = ws.fails(text, QUERY, code, *words)
            if token is not None:
                points_at(err, token)
        except AssertionError as error:
            problems.append(f"{text}: {error}")
    equal(ws.logseq(), before, "a failing statement changed something")
    check(not problems, f"{len(problems)} of {len(MISTAKES)}:\n    " + "\n    ".join(problems))
    return f"{len(MISTAKES)} statements"


SYNTAX = [
    ("MATCH (p:Player RETURN p", "RETURN"),
    ("MATCH p:Player) RETURN p", "p:Player"),
    ("MATCH (p:Player) RETURNX p", "RETURNX"),
    ("MATCH (p:Player) RETURN", None),
    ("RETURN 'open", "'open"),
    ("RETURN 1 +", None),
    ("RETURN )", ")"),
    ("FOO", "FOO"),
    ("RETURN 1 2", "2"),
    ("RETURN 0x", "0x"),
    ("RETURN 99999999999999999999", "99999999999999999999"),
    ("RETURN 'a\\q'", None),
    ("MATCH (a)-[:X]-(b WHERE a = b RETURN a", "RETURN"),
    ("RETURN {a: }", "}"),
    ("CREATE NODE LABEL (a INT)", "("),
    ("COPY Player FROM players.csv", "players"),
    ("RETURN 1 /* never closed", "/*"),
    ("RETURN `open", None),
    ("MATCH (n) RETURN n ORDER", None),
    ("RETURN 1 LIMIT -1", None),
    ("RETURN \u00e9\u00e9 + ]", "]"),
]


@suite.case
def syntax_errors_have_a_place(ws, _):
    problems = []
    for text, token in SYNTAX:
        try:
            err = ws.fails(text, QUERY, "WG_E_", "line 1, column ", "^")
            if token is not None:
                points_at(err, token)
        except AssertionError as error:
            problems.append(f"{text}: {error}")
    check(not problems, f"{len(problems)} of {len(SYNTAX)}:\n    " + "\n    ".join(problems))
    # The place is counted in the whole text, not in the statement.
    answer = ws.run("RETURN 1;\n\n// a comment\nMATCH (p:Player)\n  RETURN p.namx;", "--json")
    equal(answer.rc, QUERY)
    check("line 5, column 10" in answer.err and "  RETURN p.namx" in answer.err, answer.err)
    return f"{len(SYNTAX)} statements"


@suite.case
def no_statement_is_no_success(ws, _):
    for text in ("", " ", ";", ";;", "// nothing", "/* nothing */;"):
        failed(ws.run(text), USAGE)
    failed(ws.run("/* never closed"), QUERY)


@suite.case
def arithmetic_that_has_no_answer(ws, _):
    for text in ("RETURN 1 / 0", "RETURN 1 % 0", "RETURN 9223372036854775807 + 1", "RETURN -9223372036854775807 - 2",
                 "RETURN 3037000500 * 3037000500", "RETURN abs(-9223372036854775807 - 1)",
                 "UNWIND [9223372036854775807, 1] AS x RETURN sum(x)", "MATCH (e:Event) RETURN e.seq / (e.seq - e.seq)",
                 "RETURN date('2001-02-30')", "RETURN localdatetime('yesterday')", "RETURN range(1, 10, 0)",
                 "MATCH (p:Player) SET p.touches = p.touches + 9223372036854775807"):
        ws.fails(text, QUERY, "WG_E_VALUE")
    for text in ("RETURN range(1, 1000000000000)", "UNWIND range(1, 9223372036854775807) AS i RETURN i"):
        ws.fails(text, QUERY, "WG_E_LIMIT")


@suite.case
def parameters_that_do_not_fit(ws, _):
    ws.fails("RETURN $x", QUERY, "WG_E_PARAMETER", "$x", "--param")
    ws.fails("RETURN 1", QUERY, "WG_E_PARAMETER", "$y", options=("--param", "y=1"))
    ws.fails("MATCH (e:Event) WHERE e.seq < $n RETURN count(*)", QUERY, "WG_E_TYPE", options=("--param", "n=many"))
    ws.fails("MATCH (e:Event) RETURN e.seq LIMIT $n", QUERY, "WG_E_", options=("--param", "n=-1"))
    ws.fails("MATCH (e:Event) RETURN e.seq LIMIT $n", QUERY, "WG_E_", options=("--param", "n=\"ten\""))
    ws.fails("MATCH (e:Event) RETURN e.seq AS OF $n", QUERY, "WG_E_", options=("--param", "n=-5"))
    failed(ws.run("RETURN $x", "--param", b"x=\xff\xfe".decode(errors="surrogateescape")), QUERY, "WG_E_")
    failed(ws.run("RETURN 1", "--param", "noequals"), USAGE, "noequals")
    ws.fails("CREATE (:Player {game: $g, name: $n, touches: $t})", QUERY, "WG_E_TYPE", "touches",
             options=("--param", "g=a", "--param", "n=b", "--param", "t=[1]"))


@suite.case
def what_is_not_supported_says_so(ws, _):
    """Legal openCypher either answers with rows or is refused by name. Nothing is silently empty."""
    said = 0
    for text in ("MATCH (a:Player)-[:PASSED*1..2]->(b) RETURN count(*)", "MATCH p = (a:Player)-[:PASSED]->(b) RETURN p LIMIT 1",
                 "MATCH p = shortestPath((a:Player)-[:PASSED*]->(b:Player)) RETURN length(p) LIMIT 1",
                 "MATCH (a:Player) RETURN [(a)-[:PASSED]->(b) | b.name] LIMIT 1",
                 "MATCH (a:Player) WHERE (a)-[:PASSED]->() RETURN count(*)",
                 "MATCH (a:Player) WHERE EXISTS { (a)-[:PASSED]->() } RETURN count(*)",
                 "MATCH (a:Player) RETURN COUNT { (a)-[:PASSED]->() } LIMIT 1", "CALL db.labels()",
                 "MATCH (a:Player) CALL { WITH a RETURN a.name AS n } RETURN n LIMIT 1",
                 "RETURN [x IN [1, 2] WHERE x > 1 | x]", "RETURN reduce(s = 0, x IN [1, 2] | s + x)",
                 "RETURN all(x IN [1] WHERE x > 0)", "MATCH (p:Player) RETURN p {.name, .game} LIMIT 1",
                 "RETURN 'abc' =~ 'a.*'", "RETURN duration('P1D')", "RETURN point({x: 1, y: 2})", "RETURN time('10:00')",
                 "RETURN datetime('2001-01-01T00:00:00Z')", "MATCH (e:Event) RETURN stDev(e.seq)",
                 "MATCH (e:Event) RETURN percentileCont(e.seq, 0.5)", "RETURN rand()", "RETURN [1, 2, 3][0..2]"):
        answer = ws.run(text, "--json")
        if answer.rc == 0:
            check(answer.statements()[0]["rows"], f"an empty success: {text}")
        else:
            failed(answer, QUERY, "WG_E_", about=text)
            check("WG_E_UNSUPPORTED" in answer.err or "WG_E_BIND" in answer.err or "WG_E_NOT_FOUND" in answer.err, answer.err)
            said += 1
    return f"{said} refused"


# ---------------------------------------------------------------- size


def file_query(ws, scratch, text):
    path = scratch / "big.cypher"
    path.write_text(text, encoding="utf-8")
    return ws.run_file(str(path), "--json")


@suite.case
def deep_nesting_is_refused_not_followed(ws, scratch):
    for depth in (2000, 100000):
        for left, middle, right in (("(", "1", ")"), ("[", "1", "]"), ("{a: ", "1", "}"), ("NOT ", "true", ""), ("-", "1", ""),
                                    ("CASE WHEN true THEN ", "1", " END"), ("abs(", "1", ")"), ("[1][", "0", "]"),
                                    ("1 + (", "1", ")"), ("true AND (", "true", ")")):
            answer = file_query(ws, scratch, "RETURN " + left * depth + middle + right * depth)
            if len(left + right) * depth < 1 << 20:
                failed(answer, QUERY, "WG_E_", about=f"{depth} of {left!r}")
    for text in ("RETURN " + " + ".join(["1"] * 100000), "RETURN " + " AND ".join(["true"] * 100000),
                 "RETURN [" + ", ".join(["1"] * 100000) + "]", "RETURN 1" + " UNION ALL RETURN 1" * 20000,
                 "MATCH " + "-->".join(["()"] * 20000) + " RETURN 1", "WITH 1 AS a " * 20000 + "RETURN a"):
        answer = file_query(ws, scratch, text)
        if answer.rc != 0:
            failed(answer, QUERY, "WG_E_", about=text[:40])


@suite.case
def a_text_of_one_mebibyte_is_the_last(ws, scratch):
    for size, rc in ((1 << 20, 0), ((1 << 20) + 1, QUERY), (5 << 20, QUERY)):
        answer = file_query(ws, scratch, "RETURN" + " " * (size - 7) + "1")
        equal(answer.rc, rc, answer.err[:300])
        if rc:
            failed(answer, rc, "WG_E_LIMIT", str(size), "1048576")
    long = "x" * 1000000
    equal(file_query(ws, scratch, f"RETURN size('{long}') AS n").statements()[0]["rows"], [[1000000]])
    failed(file_query(ws, scratch, f"CREATE NODE LABEL {'L' * 2000} (a INT)"), QUERY, "WG_E_LIMIT")


@suite.case
def bytes_that_are_no_text(ws, scratch):
    for raw in (b"RETURN '\xff\xfe'", b"RETURN \x00 1", b"\xef\xbb\xbfRETURN \xc3", b"RETURN '\xed\xa0\x80'", bytes(range(1, 256))):
        path = scratch / "raw.cypher"
        path.write_bytes(raw)
        failed(ws.run_file(str(path)), QUERY, "WG_E_", about=raw)


@suite.case
def a_product_that_does_not_fit_is_refused(ws, _):
    """53 million pairs with their texts, which do not fit into temporary files either, and lists, which must fit into memory: 1 GiB a query."""
    for text in ("MATCH (a:Event), (b:Event) RETURN a.seq, b.seq, a.from_player, b.to_player",
                 "UNWIND range(1, 1000000) AS i UNWIND range(1, 1000) AS j RETURN collect(i + j)",
                 "MATCH (a:Event), (b:Event) RETURN collect([a.seq, b.start_x]) AS l"):
        ws.fails(text, QUERY, "WG_E_LIMIT", "memory")
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    check(used < 1800, f"a child used {used:.0f} MiB")
    equal(ws.value("RETURN 1"), 1)
    return f"at most {used:.0f} MiB resident"


# ---------------------------------------------------------------- files of virtual labels


def write_parquet(path, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


@suite.case
def virtual_labels_over_what_is_not_there(ws, scratch):
    before = ws.logseq()
    empty = scratch / "empty"
    empty.mkdir()
    for pattern, words in (("/no/such/place/{game}.parquet", ["/no/such/place"]), (f"{empty}/{{game}}.parquet", ["empty"]),
                           (f"{empty}/", ["empty"]), (f"{FOOTBALL}/events/{{game}}.csv", ["{game}.csv"]),
                           (f"{FOOTBALL}/players.csv", ["players.csv"]), (f"{FOOTBALL}/events/game.parquet", ["game.parquet"])):
        answer = ws.run(f"CREATE NODE LABEL Gone (a INT) VIRTUAL FROM PARTITION '{pattern}'")
        check(answer.rc in (QUERY, USAGE), f"exit {answer.rc} for {pattern}: {answer.err}")
        failed(answer, answer.rc, "WG_E_", *words, about=pattern)
    for pattern in ("", "{", "{}", "a}b", "{a}{b}/x.parquet", "{a}/{a}.parquet", "x/{a b}.parquet"):
        ws.fails(f"CREATE NODE LABEL Gone (a INT) VIRTUAL FROM PARTITION '{pattern}'", QUERY, "WG_E_")
    equal(ws.logseq(), before)
    ws.fails("MATCH (g:Gone) RETURN count(*)", QUERY, "Gone")


@suite.case
def virtual_columns_that_do_not_fit(ws, _):
    place = f"VIRTUAL FROM PARTITION '{FOOTBALL}/events/{{game}}.parquet'"
    ws.fails(f"CREATE NODE LABEL Bad (seq INT, speed DOUBLE) {place}", QUERY, "WG_E_NOT_FOUND", "speed", "game1.parquet")
    ws.fails(f"CREATE NODE LABEL Bad (seq STRING) {place}", QUERY, "WG_E_TYPE", "seq", "STRING", "game1.parquet")
    ws.fails(f"CREATE NODE LABEL Bad (team INT) {place}", QUERY, "WG_E_TYPE", "team", "INT")
    ws.fails(f"CREATE NODE LABEL Bad (seq INT, game INT) {place}", QUERY, "WG_E_TYPE", "game")
    ws.fails("MATCH (b:Bad) RETURN count(*)", QUERY, "Bad")


def fresh_label(scratch, name, count=3):
    folder = scratch / name
    for number in range(count):
        write_parquet(folder / f"p{number}.parquet", a=list(range(5000)), s=[f"{number}-{i}" for i in range(5000)])
    ws = Workspace(scratch / f"{name}.wg")
    ws.do(f"CREATE NODE LABEL T VIRTUAL FROM PARTITION '{folder}/{{p}}.parquet'")
    equal(ws.rows("MATCH (t:T) RETURN count(*), sum(t.a)"), [[5000 * count, 12497500 * count]])
    return ws, folder


@suite.case
def a_file_that_changed_is_refused(_, scratch):
    ws, folder = fresh_label(scratch, "changed")
    write_parquet(folder / "p1.parquet", a=list(range(1, 5001)), s=[f"1-{i}" for i in range(5000)])
    ws.fails("MATCH (t:T) RETURN sum(t.a)", USAGE, "WG_E_CHANGED", "p1.parquet")
    ws.fails("MATCH (t:T) WHERE t.p = 'p1' RETURN count(*)", USAGE, "WG_E_CHANGED", "p1.parquet")
    equal(ws.value("MATCH (t:T) WHERE t.p = 'p2' RETURN sum(t.a)"), 12497500)


@suite.case
def a_file_that_is_gone_is_missed(_, scratch):
    ws, folder = fresh_label(scratch, "gone")
    (folder / "p2.parquet").unlink()
    ws.fails("MATCH (t:T) RETURN count(*)", QUERY, "WG_E_NOT_FOUND", "p2.parquet")
    ws.fails("MATCH (t:T) RETURN sum(t.a)", QUERY, "p2.parquet")
    shutil.rmtree(folder)
    ws.fails("MATCH (t:T) RETURN count(*)", QUERY, "WG_E_NOT_FOUND", "gone")


@suite.case
def a_new_file_is_seen_and_the_past_is_not_changed(_, scratch):
    ws, folder = fresh_label(scratch, "new")
    before = ws.logseq()
    write_parquet(folder / "p3.parquet", a=[1], s=["x"])
    equal(ws.value("MATCH (t:T) RETURN count(*)"), 15001)
    equal(ws.value(f"AS OF {before} MATCH (t:T) RETURN count(*)"), 15000)
    write_parquet(folder / "p4.parquet", a=["text"], s=["x"])
    ws.fails("MATCH (t:T) RETURN count(*)", QUERY, "WG_E_TYPE", "p4.parquet")
    write_parquet(folder / "p4.parquet", b=[1])
    ws.fails("MATCH (t:T) RETURN count(*)", QUERY, "WG_E_NOT_FOUND", "p4.parquet")
    (folder / "p4.parquet").unlink()
    equal(ws.value("MATCH (t:T) RETURN count(*)"), 15001)


@suite.case
def damaged_parquet_is_refused(_, scratch):
    """Cut at several places before and after it was first seen, and a byte of a page flipped."""
    ws, folder = fresh_label(scratch, "cut")
    path = folder / "p1.parquet"
    whole = path.read_bytes()
    for size in (0, 3, 4, 8, 100, len(whole) // 2, len(whole) - 9, len(whole) - 4, len(whole) - 1):
        path.write_bytes(whole[:size])
        answer = ws.run("MATCH (t:T) RETURN sum(t.a)")
        failed(answer, USAGE, "p1.parquet", about=f"{size} bytes left")
        other = Workspace(scratch / f"cut-{size}.wg")
        answer = other.run(f"CREATE NODE LABEL T VIRTUAL FROM PARTITION '{folder}/{{p}}.parquet'")
        failed(answer, USAGE, "WG_E_CORRUPT", "p1.parquet", about=f"{size} bytes left")
    path.write_bytes(whole)
    equal(ws.value("MATCH (t:T) RETURN count(*)"), 15000)
    noticed = 0
    wanted = ws.rows("MATCH (t:T) WHERE t.p = 'p1' RETURN t.a, t.s")
    for at in range(10, len(whole) - 2000, len(whole) // 40):
        damaged = bytearray(whole)
        damaged[at] ^= 0x40
        path.write_bytes(damaged)
        answer = ws.run("MATCH (t:T) WHERE t.p = 'p1' RETURN t.a, t.s", "--json")
        if answer.rc != 0:
            failed(answer, USAGE, "p1.parquet")
            noticed += 1
        else:  # without page checksums a flipped value is a legal file; its shape must be whole
            equal(len(answer.statements()[0]["rows"]), len(wanted))
    return f"{noticed} flips noticed"


@suite.case
def damage_in_files_without_rights(_, scratch):
    ws, folder = fresh_label(scratch, "odd")
    (folder / "p9.parquet").mkdir()
    answer = ws.run("MATCH (t:T) RETURN count(*)", "--json")
    check(answer.rc != 0 or answer.statements()[0]["rows"] == [[15000]], answer.err)
    (folder / "p9.parquet").rmdir()
    (folder / "p 9!.parquet").write_bytes(b"x")
    answer = ws.run("MATCH (t:T) RETURN count(*)")
    check(answer.rc in (QUERY, USAGE), answer.err)
    failed(answer, answer.rc, "p 9!.parquet")


# ---------------------------------------------------------------- COPY

CSV = [  # content, options, code, words
    (b"game,team,name,touches\na,b,c,x\n", "", "WG_E_TYPE", ["line 2", "touches", "'x'"]),
    (b"game,team,name,touches\na,b,c,1\na,b,d,2,3\n", "", "WG_E_CORRUPT", ["line 3"]),
    (b"game,team,name,touches\na,b,c\n", "", "WG_E_CORRUPT", ["line 2"]),
    (b"game,team,name,touches\na,b,c,99999999999999999999\n", "", "WG_E_", ["line 2", "touches"]),
    (b"game,team,name,touches\na,b,c,1\na,z,c,1\n", "", "WG_E_CONSTRAINT", ["line 3"]),
    (b"game,team,name,touches\na,b,,1\n", "", "WG_E_CONSTRAINT", ["line 2", "name"]),
    (b"game,team,name,clicks\na,b,c,1\n", "", "WG_E_NOT_FOUND", ["clicks"]),
    (b"game,team,name,name\na,b,c,1\n", "", "WG_E_", ["name"]),
    (b"game,team,name,touches\na,b,\"c,1\n", "", "WG_E_CORRUPT", ["line 2"]),
    (b"game,team,name,touches\na,b,\xff,1\n", "", "WG_E_CORRUPT", ["line 2"]),
    (b"game,team,name,touches\na,b,\"c\"d,1\n", "", "WG_E_CORRUPT", ["line 2"]),
    (b"a,b,c,1\n", "(HEADER false, COLUMNS (game, team, name))", "WG_E_CORRUPT", ["line 1", "4", "3"]),
    (b"a,b,c,1\n", "(HEADER false, COLUMNS (game, team, name, clicks))", "WG_E_NOT_FOUND", ["clicks"]),
    (b"game,name\n1,2\n", "(DELIMITER ',,')", "WG_E_", []),
    (b"game,name\n1,2\n", "(HEADER 7)", "WG_E_", ["HEADER"]),
    (b"game,name\n1,2\n", "(SPEED true)", "WG_E_", ["SPEED"]),
    (b"", "", "WG_E_CORRUPT", ["bad.csv"]),
]


@suite.case
def copy_of_bad_rows_loads_nothing(ws, scratch):
    before = ws.logseq()
    path = scratch / "bad.csv"
    problems = []
    for content, options, code, words in CSV:
        path.write_bytes(content)
        try:
            ws.fails(f"COPY Player FROM '{path}' {options}", USAGE if code == "WG_E_CORRUPT" else QUERY, code, *words)
        except AssertionError as error:
            problems.append(f"{content!r} {options}: {error}")
    equal(ws.logseq(), before, "a failing COPY committed")
    check(not problems, f"{len(problems)} of {len(CSV)}:\n    " + "\n    ".join(problems))
    ws.fails("COPY Player FROM '/no/such/file.csv'", QUERY, "WG_E_NOT_FOUND", "/no/such/file.csv")
    ws.fails(f"COPY Nobody FROM '{path}'", QUERY, "WG_E_NOT_FOUND", "Nobody")
    ws.fails(f"COPY Event FROM '{FOOTBALL}/players.csv'", QUERY, "WG_E_READ_ONLY", "Event")
    ws.fails(f"COPY PASSED FROM '{FOOTBALL}/players.csv'", QUERY, "WG_E_NOT_FOUND", "players.csv, line 2", "no Player has the key")
    answer = ws.run(f"COPY Player FROM '{scratch}'")
    check(answer.rc in (QUERY, SYSTEM), answer.err)
    failed(answer, answer.rc, "WG_E_", str(scratch))
    ws.fails(f"COPY Player FROM '{FOOTBALL}/players.csv'", QUERY, "WG_E_CONSTRAINT", "players.csv", "line 2")
    equal(ws.value("MATCH (p:Player) RETURN count(*)"), 89)
    return f"{len(CSV)} files"


# ---------------------------------------------------------------- workspaces


@suite.case
def what_is_no_workspace(_, scratch):
    folder = scratch / "plain"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    for path in (folder, folder / "notes.txt", scratch / "nowhere", scratch / "no" / "where"):
        for arguments in (("query", path, "RETURN 1"), ("shell", path), ("verify", path)):
            failed(run(*arguments), SYSTEM, str(path), about=arguments)
    equal((folder / "notes.txt").read_text(encoding="utf-8"), "mine")
    equal(sorted(os.listdir(folder)), ["notes.txt"])
    answer = run("ws", "init", scratch / "no" / "where")
    check(answer.rc in (QUERY, SYSTEM), f"exit {answer.rc}")
    failed(answer, answer.rc, "where")
    Workspace(scratch / "twice")
    answer = run("ws", "init", scratch / "twice")
    failed(answer, QUERY, "WG_E_EXISTS", "twice")


@suite.case
def one_process_at_a_time(_, scratch):
    ws = Workspace(scratch / "locked")
    with subprocess.Popen([program(), "shell", ws.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        shell.stdin.write(b":mode json\nRETURN 1 AS n;\n")
        shell.stdin.flush()
        check(b"[[1]]" in shell.stdout.readline(), "the shell does not answer")
        for arguments in (("query", ws.path, "RETURN 1"), ("verify", ws.path), ("shell", ws.path)):
            failed(run(*arguments), SYSTEM, "WG_E_BUSY", ws.path)
        shell.kill()
    equal(ws.value("RETURN 1"), 1)  # the lock died with its process


@suite.case
def damaged_workspaces_are_refused(_, scratch):
    ws = Workspace(scratch / "hurt")
    for i in range(20):
        ws.do(f"CREATE (:Thing {{n: {i}, text: '{'t' * 100}'}})")
    logs = sorted(pathlib.Path(ws.path, "wal").iterdir())
    check(logs, "no log")
    whole = logs[0].read_bytes()
    used = len(whole.rstrip(b"\0"))
    for at in range(0, used - 1500, max(1, used // 25)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x10
        logs[0].write_bytes(damaged)
        for answer in (ws.verify(), ws.run("MATCH (t:Thing) RETURN count(*)")):
            check("WG_E_CORRUPT" in answer.err or "WG_E_VERSION" in answer.err, f"byte {at}: {answer.err} {answer.out}")
            failed(answer, USAGE, logs[0].name, about=f"byte {at} of {used}")
    logs[0].write_bytes(whole)
    equal(ws.value("MATCH (t:Thing) RETURN count(*)"), 20)
    for name in ["CURRENT", *(f"manifest/{f}" for f in os.listdir(pathlib.Path(ws.path, "manifest")))]:
        path = pathlib.Path(ws.path, name)
        whole = path.read_bytes()
        for content in (b"", b"x", whole[:-1], whole[:10] + b"\x01" + whole[11:], os.urandom(40)):
            path.write_bytes(content)
            for answer in (ws.verify(), ws.run("MATCH (t:Thing) RETURN count(*)", "--json")):
                if answer.rc == 0 and b'"rows":[[20]]' in answer.out or answer.rc == 0 and answer.out.endswith(b"ok\n"):
                    continue  # an older manifest that nothing needs
                check(answer.rc in (SYSTEM, USAGE), f"{name}: exit {answer.rc} {answer.err}")
                failed(answer, answer.rc, "WG_E_", about=name)
        path.write_bytes(whole)
    logs[0].unlink()
    answer = ws.run("MATCH (t:Thing) RETURN count(*)")
    check(answer.rc in (SYSTEM, USAGE), f"without its log: exit {answer.rc}")
    failed(answer, answer.rc, "WG_E_")


def as_nobody():
    """Root may write anywhere, so a test about rights runs as someone else. None when that cannot be done."""
    if os.geteuid() != 0:
        return {}
    try:
        done = subprocess.run([program(), "version"], user=65534, group=65534, extra_groups=[], cwd="/", check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError:
        return None
    return {"user": 65534, "group": 65534, "extra_groups": []} if done.returncode == 0 else None


@suite.case
def rights_that_are_missing(_, __):
    how = as_nobody()
    if how is None:
        return "skipped: cannot run as another user here"
    place = pathlib.Path(tempfile.mkdtemp(prefix="wg-rights-"))
    try:
        if how:
            os.chown(place, 65534, 65534)

        def go(*arguments):
            done = subprocess.run([program(), *map(str, arguments)], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  check=False, **how)
            check(done.returncode >= 0, f"signal {-done.returncode}")
            return done.returncode, done.stdout, done.stderr.decode()

        equal(go("ws", "init", place / "ws")[0], 0)
        equal(go("query", place / "ws", "CREATE (:A {x: 1})")[0], 0)
        folders = [place / "ws", *(path for path in (place / "ws").iterdir() if path.is_dir())]
        files = [path for path in (place / "ws").rglob("*") if path.is_file()]
        for mode_files, mode_folders in ((0o400, 0o500), (0o000, 0o700), (0o600, 0o000)):
            for path, mode in [(f, mode_files) for f in files] + [(f, mode_folders) for f in reversed(folders)]:
                os.chmod(path, mode)
            rc, out, err = go("query", place / "ws", "CREATE (:A {x: 2})")
            for path, mode in [(f, 0o700) for f in folders] + [(f, 0o600) for f in files]:
                os.chmod(path, mode)
            check(rc == SYSTEM and out == b"", f"exit {rc}: {err}")
            check("WG_E_IO" in err and "ws" in err, err)
        equal(go("query", place / "ws", "MATCH (a:A) RETURN a.x", "--csv")[1], b"a.x\r\n1\r\n")
        os.chmod(place, 0o500)
        rc, _, err = go("ws", "init", place / "other")
        check(rc == SYSTEM and "other" in err, f"exit {rc}: {err}")
        rc, _, err = go("demo", place / "show", "--rows", "100")
        check(rc == SYSTEM and "show" in err, f"exit {rc}: {err}")
    finally:
        os.chmod(place, 0o700)
        shutil.rmtree(place)
    return None


@suite.case
def a_full_disk_is_said(ws, _):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program(), "query", ws.path, "MATCH (e:Event) RETURN e.seq"], stdout=full, stderr=subprocess.PIPE,
                              cwd=ROOT, check=False)
    equal(done.returncode, SYSTEM, done.stderr)
    check(b"space" in done.stderr, done.stderr)


@suite.case
def whatever_was_committed_can_be_read_again(_, scratch):
    """Odd but legal writes, each in a workspace of its own, which must open again and show the same."""
    for number, text in enumerate((
            "CREATE ()", "CREATE (:A)", "CREATE ()-[:B]->()", "CREATE (a) SET a:X:Y", "CREATE (:A {x: null})",
            "CREATE (:A {x: ''})", "CREATE (:A {x: []})", "CREATE (:A {x: [1, 'a', null, [2.5]]})", "CREATE NODE LABEL E ()",
            "CREATE NODE LABEL E", "CREATE (n:A {x: 1}) REMOVE n:A", "CREATE (n:A {x: 1}) REMOVE n.x", "CREATE (n:A) DELETE n",
            "CREATE (n:A)-[r:R]->(n) SET r.w = 1.5", "UNWIND range(1, 5000) AS i CREATE (:A {i: i})",
            "CREATE (:`a b` {`c d`: '\\u00e9\\u0000'})", "CREATE (:A {x: -9223372036854775808, y: 1e308, z: true})")):
        ws = Workspace(scratch / f"odd-{number}")
        ws.do(text)
        # Within one process and after reopening.
        one = ws.do("MATCH (n) RETURN n; MATCH ()-[r]->() RETURN r")
        two = ws.do("MATCH (n) RETURN n; MATCH ()-[r]->() RETURN r")
        equal(one, two, text)
        equal(ws.verify().rc, 0, text)


if __name__ == "__main__":
    check(DATA.exists(), "no data")
    sys.exit(suite.run())
