#!/usr/bin/env python3
"""The program `worldgraph`, driven from outside: arguments, exit codes, output shapes, the shell in a pipe and on a terminal.

    python3 tests/cli/cli_test.py [PROGRAM] [WORD]      (build/release/worldgraph; WORD: only cases with it in their name)

Every case gets a directory of its own with a workspace `ws` in it. One line a case; the end says how many passed.
"""
import csv
import io
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = "build/release/worldgraph"
CASES = []
# Long enough that no machine finishes it before it is cancelled.
ENDLESS = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b RETURN sum(a * b % 7)"


def case(function):
    CASES.append(function)
    return function


class Place:
    """A fresh directory with a home and, when asked, a workspace."""

    def __init__(self, root):
        self.root = root
        os.mkdir(self.path("home"))

    def path(self, name):
        return os.path.join(self.root, name)

    def environment(self, **more):
        variables = {"PATH": os.environ.get("PATH", ""), "HOME": self.path("home"), "LC_ALL": "C.UTF-8", "TERM": "xterm"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                variables[name] = os.environ[name]
        variables.update(more)
        return variables

    def run(self, *arguments, stdin=b"", timeout=120, **more):
        done = subprocess.run([PROGRAM, *arguments], cwd=self.root, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.environment(**more), timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def init(self):
        rc, _, err = self.run("ws", "init", "ws")
        equal(rc, 0, err)

    def query(self, *arguments, rc=0, **more):
        """Standard output as text; the exit code must be `rc`."""
        got, out, err = self.run("query", "ws", *arguments, **more)
        equal(got, rc, err)
        return out.decode()

    def json(self, text, *arguments):
        return [json.loads(line) for line in self.query(text, "--json", *arguments).splitlines()]

    def failing(self, rc, *arguments, stdin=b""):
        """Standard error of a command that must end with `rc` and say something."""
        got, _, err = self.run(*arguments, stdin=stdin)
        equal(got, rc, err)
        check(err.strip(), "nothing on standard error")
        return err.decode()


def check(condition, why):
    if not condition:
        raise AssertionError(why)


def equal(got, wanted, more=b""):
    check(got == wanted, f"got {got!r}, wanted {wanted!r} {more!r}")


def contains(text, *parts):
    for part in parts:
        check(part in text, f"{part!r} is not in {text!r}")


# ---------------------------------------------------------------- arguments and help


@case
def no_command_is_a_usage_error(p):
    contains(p.failing(3), "which command", "worldgraph --help")


@case
def unknown_command_and_option_are_named(p):
    contains(p.failing(3, "frobnicate"), "frobnicate")
    contains(p.failing(3, "query", "ws", "RETURN 1", "--frob"), "--frob", "query --help")
    contains(p.failing(3, "shell", "ws", "--frob"), "--frob")
    contains(p.failing(3, "ws", "destroy", "x"), "destroy")


@case
def missing_and_surplus_arguments_are_usage_errors(p):
    for arguments in (["ws"], ["ws", "init"], ["query"], ["query", "ws"], ["shell"], ["verify"]):
        p.failing(3, *arguments)
    for arguments in (["ws", "init", "a", "b"], ["query", "ws", "RETURN 1", "RETURN 2"], ["shell", "a", "b"],
                      ["verify", "a", "b"], ["version", "x"], ["demo", "a", "b"]):
        contains(p.failing(3, *arguments), arguments[-1])
    check(not os.path.exists(p.path("a")), "a usage error made something")


@case
def wrong_option_values_are_usage_errors(p):
    p.init()
    for arguments in (["--threads", "0"], ["--threads", "x"], ["--threads", "-1"], ["--threads"], ["--morsel", "2049"],
                      ["--param", "x"], ["--param", "=1"], ["--at-snapshot", "0"], ["--at-snapshot", "oz://snapshot/12"],
                      ["--csv", "--json"], ["--json=yes"], ["--file", "q.cypher"]):
        p.failing(3, "query", "ws", "RETURN 1", *arguments)
    p.failing(3, "demo", "--rows", "0")
    p.failing(3, "demo", "--rows", "many")


@case
def help_is_there_for_the_program_and_every_command(p):
    for arguments in (["--help"], ["-h"], ["help"]):
        rc, out, err = p.run(*arguments)
        equal((rc, err), (0, b""))
        contains(out.decode(), "ws init", "query", "shell", "demo", "verify", "Exit codes")
    for command in ("ws", "query", "shell", "demo", "verify", "version"):
        for arguments in ([command, "--help"], ["help", command]):
            rc, out, err = p.run(*arguments)
            equal((rc, err), (0, b""))
            contains(out.decode(), "worldgraph " + command)
    contains(p.run("query", "--help")[1].decode(), "--param", "--at-snapshot", "--receipt", "--arrow", "my-ws")


@case
def version_is_printed(p):
    for argument in ("version", "--version"):
        rc, out, _ = p.run(argument)
        check(rc == 0 and re.fullmatch(rb"worldgraph \d+\.\d+\.\d+\n", out), repr(out))


# ---------------------------------------------------------------- workspaces and exit codes


@case
def init_makes_a_workspace_once(p):
    rc, out, _ = p.run("ws", "init", "ws")
    equal(rc, 0)
    contains(out.decode(), "worldgraph shell ws", "worldgraph query ws")
    contains(p.failing(1, "ws", "init", "ws"), "worldgraph shell ws")
    p.failing(2, "ws", "init", "no/such/parent/ws")


@case
def missing_workspace_says_how_to_make_one(p):
    for arguments in (["query", "none", "RETURN 1"], ["shell", "none"]):
        contains(p.failing(2, *arguments), "worldgraph ws init none")
    check(not os.path.exists(p.path("none")), "reading made a workspace")


@case
def query_errors_are_one(p):
    p.init()
    for text in ("REPLY 1", "RETURN x", "RETURN 1 / 0", "RETURN $p", "COPY Nope FROM 'nope.csv'",
                 "CREATE NODE LABEL A (k INT, PRIMARY KEY (k)); CREATE (:A {k: 1}); CREATE (:A {k: 1})"):
        p.failing(1, "query", "ws", text)


@case
def busy_workspace_is_a_system_error(p):
    p.init()
    shell = subprocess.Popen([PROGRAM, "shell", "ws"], cwd=p.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             env=p.environment())
    try:
        shell.stdin.write(b":mode csv\nRETURN 1 AS n;\n")
        shell.stdin.flush()
        equal(shell.stdout.readline(), b"n\r\n")  # it is open now
        contains(p.failing(2, "query", "ws", "RETURN 1"), "one process at a time")
    finally:
        shell.communicate()
    equal(shell.returncode, 0)


@case
def verify_tells_sound_from_damaged(p):
    p.init()
    p.query("CREATE (:A {k: 1}); CREATE (:A {k: 2})-[:R]->(:A {k: 3})")
    rc, out, err = p.run("verify", "ws")
    equal(rc, 0, err)
    contains(out.decode(), "records", "chain", "ok")
    report = json.loads(p.run("verify", "ws", "--json")[1])
    equal((report["ok"], report["nodes"], report["edges"]), (True, 3, 1))
    equal(len(report["chain"]), 64)
    damaged = 0
    for folder, _, names in os.walk(p.path("ws/wal")):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "r+b") as file:
                data = file.read()
                end = len(data.rstrip(b"\0"))
                if end < 64:
                    continue
                file.seek(end // 3)
                byte = file.read(1)[0]
                file.seek(end // 3)
                file.write(bytes([byte ^ 0x5a]))
                damaged += 1
    check(damaged > 0, "no log segment was found under ws/wal")
    p.failing(3, "verify", "ws")


# ---------------------------------------------------------------- error rendering


def caret_column(err):
    """The column (from 0) of the caret and the line above it."""
    lines = err.splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip() == "^")
    return lines[at].index("^"), lines[at - 1]


@case
def errors_show_line_column_and_caret(p):
    p.init()
    err = p.failing(1, "query", "ws", "RETURN 1,\n  2 REPLY")
    contains(err, "WG_E_SYNTAX", "line 2, column 5")
    column, line = caret_column(err)
    equal(line[column:column + 5], "REPLY")


@case
def errors_in_later_statements_are_placed_in_the_whole_text(p):
    p.init()
    err = p.failing(1, "query", "ws", "RETURN 1;\nRETURN 'é;'; REPLY 2")
    contains(err, "line 2, column 14")
    column, line = caret_column(err)
    equal(line[column:column + 5], "REPLY")


@case
def errors_have_no_colour_in_a_pipe(p):
    p.init()
    check("\033" not in p.failing(1, "query", "ws", "REPLY"), "escape codes in a pipe")


@case
def query_text_cannot_drive_the_terminal(p):
    p.init()
    check("\033" not in p.failing(1, "query", "ws", "RETURN '\033[31m' REPLY"), "the query's escape code came through")


# ---------------------------------------------------------------- output shapes


@case
def table_is_aligned_and_numbers_stand_right(p):
    p.init()
    out = p.query("UNWIND [[1, 'é'], [-200, 'bb'], [null, null]] AS r RETURN toInteger(r[0]) AS n, r[1] AS name")
    lines = out.splitlines()
    equal(len(lines), 5)
    equal({line.index("|") if "|" in line else line.index("+") for line in lines}, {lines[0].index("|")})
    equal([line.split("|")[0] for line in lines[2:4]], ["    1 ", " -200 "])
    contains(lines[4], "null")


@case
def row_count_and_time_go_to_standard_error(p):
    p.init()
    _, out, err = p.run("query", "ws", "RETURN 1 AS n")
    check(b"row" not in out, repr(out))
    check(re.fullmatch(rb"\(1 row, [0-9.]+ ms\)\n", err), repr(err))
    _, out, err = p.run("query", "ws", "CREATE (:A)-[:R]->(:A)")
    equal(out, b"")
    contains(err.decode(), "created 2 nodes", "created 1 edge")
    equal(p.run("query", "ws", "RETURN 1 AS n", "--json")[2], b"")


@case
def table_escapes_control_characters(p):
    p.init()
    out = p.query("RETURN $s AS s", "--param", "s=" + json.dumps("a\x1b[31m\nb\t\x07\x9b\u202e"))
    check(not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out), repr(out))
    contains(out, "\\x1b[31m", "\\n", "\\t", "\\u202e")
    equal(len(out.splitlines()), 3)


@case
def json_has_columns_types_and_rows(p):
    p.init()
    answer, = p.json("RETURN 1 AS i, 1.5 AS f, 'a\"b' AS s, true AS b, null AS n, [1, 'x'] AS l, {k: 2} AS m")
    equal(sorted(answer), ["columns", "rows", "types"])
    equal(answer["columns"], list("ifsbnlm"))
    equal(answer["types"][:4], ["INT", "FLOAT", "STRING", "BOOL"])
    equal(answer["rows"], [[1, 1.5, 'a"b', True, None, [1, "x"], {"k": 2}]])


@case
def json_has_one_line_a_statement(p):
    p.init()
    answers = p.json("CREATE (:A {k: 1}); MATCH (a:A) RETURN a.k AS k; RETURN 2 AS two;")
    equal([a["columns"] for a in answers], [[], ["k"], ["two"]])
    equal([a["rows"] for a in answers], [[], [[1]], [[2]]])


@case
def json_keeps_large_integers_exact(p):
    p.init()
    contains(p.query("RETURN 9223372036854775807 AS n, -9223372036854775808 AS m", "--json"),
             "[[9223372036854775807,-9223372036854775808]]")


@case
def csv_follows_rfc_4180(p):
    p.init()
    text = p.query('RETURN 1 AS n, \'a,"b"\\nc\' AS `x,y`, null AS z, \'\' AS e, [1, 2] AS l', "--csv")
    equal(text, 'n,"x,y",z,e,l\r\n1,"a,""b""\nc",,"","[1,2]"\r\n'.replace("[1,2]", re.search(r"\[1, ?2\]", text).group()))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    equal(rows[1][1], 'a,"b"\nc')


@case
def arrow_is_a_stream_and_refuses_a_terminal(p):
    p.init()
    _, out, err = p.run("query", "ws", "UNWIND range(1, 5000) AS n RETURN n", "--arrow")
    equal(out[:4], b"\xff\xff\xff\xff", err)
    check(len(out) > 40000 and out.endswith(b"\xff\xff\xff\xff\0\0\0\0"), "no whole Arrow stream")
    rc, text = on_terminal(p, ["query", "ws", "RETURN 1", "--arrow"], [])
    equal(rc, 3, text)


@case
def stats_name_what_was_read(p):
    p.init()
    contains(p.run("query", "ws", "RETURN 1", "--stats")[2].decode(), "snapshot", "rows scanned", "bytes read")


@case
def full_disk_is_a_system_error(p):
    if not os.path.exists("/dev/full"):
        return
    p.init()
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PROGRAM, "query", "ws", "RETURN 1"], cwd=p.root, stdout=full, stderr=subprocess.PIPE,
                              env=p.environment(), check=False)
    equal(done.returncode, 2, done.stderr)


@case
def copy_loads_nodes_edges_and_names_what_it_left_out(p):
    p.init()
    p.query("CREATE NODE LABEL Person (id INT, name STRING, PRIMARY KEY (id));"
                  "CREATE EDGE LABEL KNOWS (FROM Person TO Person, weight FLOAT)")
    os.mkdir(p.path("in"))
    for name, text in (("in/a.csv", "id,name\n1,Ada\n2,Bo\n"), ("in/b.csv", "id,name\n3,Cy\n"),
                       ("knows.jsonl", '{"from":1,"to":2,"weight":0.5}\n{"from":3,"to":9}\n{"from":3,"to":1}\n')):
        with open(p.path(name), "w", encoding="utf-8") as f:
            f.write(text)
    equal(p.json("COPY Person FROM 'in/*.csv'")[0]["rows"], [[3]])
    err = p.failing(1, "query", "ws", "COPY KNOWS FROM 'knows.jsonl'")
    contains(err, "WG_E_NOT_FOUND", "knows.jsonl, line 2", "no Person has the key 9")
    equal(p.json("MATCH ()-[k:KNOWS]->() RETURN count(k)")[0]["rows"], [[0]])
    answer = p.json("COPY KNOWS FROM 'knows.jsonl' (FROM Person(id) = from, TO Person(id) = to, REJECTS 'bad.jsonl')")[0]
    equal(answer["columns"], ["rows", "rejected"])
    equal(answer["rows"], [[2, 1]])
    with open(p.path("bad.jsonl"), encoding="utf-8") as f:
        rejected = [json.loads(line) for line in f]
    equal([(r["file"], r["line"], r["code"]) for r in rejected], [("knows.jsonl", 2, "WG_E_NOT_FOUND")])
    equal(p.json("MATCH (a)-[k:KNOWS]->(b) RETURN a.name, b.name, k.weight ORDER BY a.id")[0]["rows"],
          [["Ada", "Bo", 0.5], ["Cy", "Ada", None]])
    p.query("BEGIN; COPY Person FROM 'more.csv' (HEADER false); ROLLBACK", rc=1)
    equal(p.json("MATCH (n:Person) RETURN count(*)")[0]["rows"], [[3]])


@case
def copy_commits_on_the_way(p):
    p.init()
    p.query("CREATE NODE LABEL Person (id INT, PRIMARY KEY (id))")
    with open(p.path("p.csv"), "w", encoding="utf-8") as f:
        f.write("id\n" + "".join(f"{i}\n" for i in range(1, 11)))
    answer = p.json("COPY Person FROM 'p.csv' (COMMIT EVERY $n ROWS, SKIP $s)", "--param", "n=4", "--param", "s=1")[0]
    equal((answer["columns"], answer["rows"]), (["rows", "commits"], [[9, 3]]))
    err = p.failing(1, "query", "ws", "COPY Person FROM 'p.csv' (COMMIT EVERY 4 ROWS)")
    contains(err, "WG_E_CONSTRAINT", "p.csv, line 3", "no row was committed")
    err = p.failing(3, "query", "ws", "BEGIN; COPY Person FROM 'p.csv' (COMMIT EVERY 1 ROWS)")
    contains(err, "WG_E_MISUSE", "cannot be part of one")
    for options, code in (("COMMIT EVERY 0 ROWS", "1 or more"), ("SKIP -1", "0 or more"), ("SKIP 'x'", "0 or more"),
                          ("COMMIT 5", "COMMIT EVERY n ROWS"), ("EVERY 5", "no option EVERY")):
        contains(p.failing(1, "query", "ws", f"COPY Person FROM 'p.csv' ({options})"), "WG_E_BIND", code)
    contains(p.failing(1, "query", "ws", "COPY Person FROM 'p.csv' (COMMIT EVERY $n)", "--param", "n='x'"), "1 or more")
    equal(p.json("MATCH (n:Person) RETURN count(*), sum(n.id)")[0]["rows"], [[9, 54]])


@case
def many_rows_that_are_rolled_back_leave_no_trace(p):
    """Slots of a table that only they had are given back: everything that walks over tables must pass by them."""
    p.init()
    p.query("CREATE NODE LABEL N (id INT, t STRING, PRIMARY KEY (id)); CREATE EDGE LABEL E (FROM N TO N, w INT);"
            "CREATE INDEX by_t FOR (n:N) ON (n.t); CREATE (:N {id: 0, t: 'a'})")
    rolled = ("BEGIN; UNWIND range(10, 60009) AS i CREATE (:N {id: i, t: toString(i)}); MATCH (a:N {id: 0}), (b:N) "
              "CREATE (a)-[:E {w: b.id}]->(b); ROLLBACK;")
    ask = ("MATCH (n:N) RETURN count(*), sum(n.id); MATCH (n:N {t: 'b'}) RETURN count(*); MATCH ()-[e:E]->() RETURN "
           "count(*), sum(e.w); MATCH (n:N)-[:E]->(m) RETURN n.id, m.id ORDER BY m.id;")
    make = "UNWIND [1, 2] AS i CREATE (:N {id: i, t: 'b'}); MATCH (a:N {id: 1}), (b:N {id: 2}) CREATE (a)-[:E {w: 5}]->(b);"
    expected = [[[3, 3]], [[2]], [[1, 5]], [[1, 2]]]
    p.query(rolled + make + rolled + "CREATE INDEX by_w FOR ()-[e:E]-() ON (e.w)")
    for step in ("MATCH (n:N) SET n.t = n.t", "CALL db.checkpoint()", rolled + "CALL db.statistics('N')", "CALL db.compact(true)"):
        p.query(step)
        equal([answer["rows"] for answer in p.json(ask)], expected, step)
    p.query(rolled + "MATCH (n:N {id: 2}) DETACH DELETE n; CALL db.checkpoint(); CREATE (:N {id: 2, t: 'b'})")
    equal(p.json("MATCH (n:N {t: 'b'}) RETURN sum(n.id)")[0]["rows"], [[3]])
    equal(p.run("verify", "ws")[0], 0)


@case
def broken_pipe_ends_quietly(p):
    p.init()
    done = subprocess.run(["bash", "-c", '"$0" query ws "UNWIND range(1, 500000) AS n RETURN n" --csv | head -n 1', PROGRAM],
                          cwd=p.root, env=p.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    equal((done.returncode, done.stdout, done.stderr), (0, b"n\r\n", b""))
    equal(p.json("RETURN 1 AS n")[0]["rows"], [[1]])  # and the workspace is not locked


# ---------------------------------------------------------------- query options


@case
def statements_are_cut_at_semicolons_outside_of_strings_and_comments(p):
    p.init()
    answers = p.json("RETURN ';' AS a; // no; here\nRETURN /* nor; here */ \"it's;\" AS `b;`;;")
    equal([(a["columns"], a["rows"]) for a in answers], [(["a"], [[";"]]), (["b;"], [["it's;"]])])


@case
def statements_stop_at_the_first_error_and_keep_what_came_before(p):
    p.init()
    p.failing(1, "query", "ws", "CREATE (:A); REPLY; CREATE (:A)")
    equal(p.json("MATCH (a:A) RETURN count(*) AS n")[0]["rows"], [[1]])


@case
def a_text_without_statement_is_a_usage_error(p):
    p.init()
    for text in ("", " ; ;", "// nothing"):
        p.failing(3, "query", "ws", text)


@case
def parameters_are_json_or_strings(p):
    p.init()
    out = p.json("RETURN $i AS i, $f AS f, $b AS b, $n AS n, $s AS s, $q AS q, $l AS l, $m AS m", "--param", "i=1", "--param",
                 "f=1.5", "--param", "b=true", "--param", "n=null", "--param", "s=hello world", "--param", 'q="7"', "--param",
                 "l=[1,2]", "--param", 'm={"k":"v"}')
    equal(out[0]["rows"], [[1, 1.5, True, None, "hello world", "7", [1, 2], {"k": "v"}]])
    equal(p.json("RETURN $a + $b AS n", "--param", "a=1", "b=2")[0]["rows"], [[3]])
    equal(p.json("RETURN $s AS s", "--param", "s=a=b")[0]["rows"], [["a=b"]])


@case
def a_list_that_can_never_match_is_refused(p):
    p.init()
    p.query("CREATE NODE LABEL P (i INT, PRIMARY KEY (i)); CREATE (:P {i: 1})")
    ask = "MATCH (p:P) WHERE p.i IN $v RETURN p.i AS i"
    equal(p.json(ask, "--param", "v=[1, 2, null]")[0]["rows"], [[1]])
    equal(p.json(ask, "--param", "v=[]")[0]["rows"], [])
    contains(p.failing(1, "query", "ws", ask, "--param", 'v=["1"]'), "INT", "STRING", "^")


@case
def parameters_reach_the_statements_that_name_them(p):
    p.init()
    answers = p.json("RETURN $a AS a; RETURN $b AS b", "--param", "a=1", "--param", "b=2")
    equal([a["rows"] for a in answers], [[[1]], [[2]]])


@case
def missing_parameters_are_named(p):
    p.init()
    contains(p.failing(1, "query", "ws", "RETURN $who"), "who", "--param")


@case
def query_text_may_come_from_a_file_or_a_pipe(p):
    p.init()
    with open(p.path("q.cypher"), "w", encoding="utf-8") as file:
        file.write("RETURN 1 AS n;\nRETURN 2 AS n;\n")
    equal(p.query("--file", "q.cypher", "--csv"), "n\r\n1\r\n\r\nn\r\n2\r\n")
    for arguments in (["--file", "-"], ["-"]):
        equal(p.query(*arguments, "--csv", stdin=b"RETURN 3 AS n"), "n\r\n3\r\n")
    p.failing(2, "query", "ws", "--file", "missing.cypher")


@case
def earlier_snapshots_are_read_by_number_and_uri(p):
    p.init()
    count = "MATCH (a:A) RETURN count(*) AS n"
    p.query("CREATE (:A {k: 1})", "--receipt", "first.json")
    p.query("CREATE (:A {k: 2})")
    with open(p.path("first.json"), encoding="utf-8") as file:
        receipt = json.loads(file.read())
    equal(p.json(count)[0]["rows"], [[2]])
    equal(p.json(count, "--at-snapshot", str(receipt["snapshot"]))[0]["rows"], [[1]])
    chain = receipt["chain"].removeprefix("sha256:")
    equal(p.json(count, "--at-snapshot", "oz://snapshot/" + chain)[0]["rows"], [[1]])
    p.failing(1, "query", "ws", count, "--at-snapshot", "1000000")
    p.failing(1, "query", "ws", count, "--at-snapshot", "oz://snapshot/" + "0" * 64)
    p.failing(1, "query", "ws", "CREATE (:A)", "--at-snapshot", str(receipt["snapshot"]))


@case
def receipts_are_equal_on_any_number_of_threads(p):
    p.init()
    p.query("UNWIND range(1, 5000) AS n CREATE (:A {k: n})")
    question = "MATCH (a:A) RETURN a.k % 7 AS m, count(*) AS c, sum(a.k * 0.1) AS s ORDER BY m"
    receipts = set()
    for arguments in ([], ["--threads", "1", "--morsel", "1"], ["--threads", "4", "--morsel", "97"]):
        out = p.query(question, "--csv", "--receipt", "-", *arguments).splitlines()
        receipts.add(out[-1])
    equal(len(receipts), 1)
    json.loads(receipts.pop())


@case
def receipt_file_has_a_line_a_statement(p):
    p.init()
    with open(p.path("r.json"), "w", encoding="utf-8") as file:
        file.write("x" * 10000)
    p.query("RETURN 1; RETURN 2", "--receipt", "r.json")
    with open(p.path("r.json"), encoding="utf-8") as file:
        equal(len([json.loads(line) for line in file]), 2)
    p.failing(2, "query", "ws", "CREATE (:B)", "--receipt", "no/such/dir/r.json")
    equal(p.json("MATCH (b:B) RETURN count(*)")[0]["rows"], [[0]])


@case
def answers_are_the_same_after_reopening(p):
    p.init()
    p.query("UNWIND range(1, 300) AS n CREATE (:A {k: n, name: 'é' + toString(n)})")
    p.query("MATCH (a:A), (b:A) WHERE b.k = a.k + 1 CREATE (a)-[:NEXT {w: a.k * 0.5}]->(b)")
    question = "MATCH (a:A)-[r:NEXT]->(b:A) WHERE a.k % 10 = 0 RETURN a.name, b.k, r.w ORDER BY a.k"
    first = p.query(question, "--csv", "--receipt", "-")
    equal(p.query(question, "--csv", "--receipt", "-"), first)
    equal(len(first.splitlines()), 31)


@case
def interrupt_cancels_a_query(p):
    p.init()
    process = subprocess.Popen([PROGRAM, "query", "ws", ENDLESS], cwd=p.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=p.environment())
    wait_until_busy(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    equal((process.returncode, out), (1, b""), err)
    contains(err.decode().lower(), "cancelled")
    equal(p.json("RETURN 1 AS n")[0]["rows"], [[1]])


def wait_until_busy(pid):
    """Until the process has used a tenth of a second: it is in the query then."""
    ticks = os.sysconf("SC_CLK_TCK")
    for _ in range(600):
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        if int(fields[11]) + int(fields[12]) > ticks // 10:
            return
        time.sleep(0.05)
    raise AssertionError("the query never got busy")


# ---------------------------------------------------------------- the shell in a pipe


@case
def shell_runs_a_script_without_prompt(p):
    p.init()
    script = b"CREATE (:A {k: 1});\n:mode csv\nMATCH (a:A)\n  RETURN a.k AS k; RETURN /* ;\n */ 2 AS n;\n:mode json\nRETURN 3 AS n"
    rc, out, err = p.run("shell", "ws", stdin=script)
    equal(rc, 0, err)
    equal(out, b'k\r\n1\r\n\r\nn\r\n2\r\n{"columns":["n"],"types":["INT"],"rows":[[3]]}\n')
    check(b"worldgraph>" not in out, "a prompt in a pipe")


@case
def shell_in_a_pipe_stops_at_the_first_error(p):
    p.init()
    rc, out, err = p.run("shell", "ws", stdin=b":mode csv\nRETURN 1 AS n;\nREPLY;\nRETURN 3 AS n;\n")
    equal((rc, out), (1, b"n\r\n1\r\n"), err)
    contains(err.decode(), "line 3 of the input")
    equal(p.run("shell", "ws", stdin=b":nonsense\n")[0], 3)
    equal(p.run("shell", "ws", stdin=b":mode purple\n")[0], 3)
    equal(p.run("shell", "ws", stdin=b"")[0], 0)
    equal(p.run("shell", "ws", stdin=b":quit\nREPLY;\n")[0], 0)


@case
def shell_transactions_span_statements(p):
    p.init()
    p.run("shell", "ws", stdin=b"BEGIN; CREATE (:A); ROLLBACK;\nBEGIN; CREATE (:B); COMMIT;\nBEGIN; CREATE (:C);\n")
    for label, count in (("A", 0), ("B", 1), ("C", 0)):
        equal(p.json(f"MATCH (x:{label}) RETURN count(*)")[0]["rows"], [[count]])


@case
def shell_commands_show_labels_and_stats(p):
    p.init()
    rc, out, err = p.run("shell", "ws", stdin=b"CREATE NODE LABEL Team (name STRING);\n:labels\n:schema\n:stats\n:help\n")
    equal(rc, 0, err)
    text = out.decode()
    check("Team" in text.splitlines(), text)
    contains(text, "|", "rows scanned", ":timing")


# ---------------------------------------------------------------- on a terminal


class Terminal:
    def __init__(self, p, arguments, **more):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(p.root)
            os.execve(PROGRAM, [PROGRAM, *arguments], p.environment(**more))

    def read(self, timeout):
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if not ready:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)

    def expect(self, text, timeout=60):
        """Waits for `text` and forgets everything up to its end; gives what came before."""
        end = time.monotonic() + timeout
        while text not in self.seen:
            if time.monotonic() > end or (not self.read(1) and self.ended()):
                raise AssertionError(f"waited for {text!r}, saw {self.seen!r}")
        before, self.seen = self.seen.split(text, 1)
        return before

    def ended(self):
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def send(self, text):
        os.write(self.fd, text.encode())

    def finish(self, timeout=60):
        end = time.monotonic() + timeout
        while self.read(0.2) or not self.ended():
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                break
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status), self.seen


def on_terminal(p, arguments, steps, **more):
    terminal = Terminal(p, arguments, **more)
    for text in steps:
        terminal.send(text)
    return terminal.finish()


PROMPT = "worldgraph> "


@case
def terminal_shell_takes_statements_of_several_lines(p):
    p.init()
    t = Terminal(p, ["shell", "ws"])
    t.expect(PROMPT)
    t.send("RETURN 40 +\n")
    t.expect("...> ")
    t.send("2 AS n;\n")
    contains(t.expect("(1 row"), "42")
    t.expect(PROMPT)
    t.send("REPLY;\n")
    t.expect("error")
    t.expect(PROMPT)
    t.send(":mode json\nRETURN 5 AS n;\n")
    t.expect('"rows":[[5]]')
    t.expect(PROMPT)
    t.send(":quit\n")
    equal(t.finish()[0], 0)


@case
def terminal_interrupt_cancels_the_query_and_the_shell_goes_on(p):
    p.init()
    t = Terminal(p, ["shell", "ws"])
    t.expect(PROMPT)
    t.send(ENDLESS + ";\n")
    wait_until_busy(t.pid)
    t.send("\x03")
    t.expect("cancelled")
    t.expect(PROMPT)
    t.send("RETURN 7 AS n;\n")
    contains(t.expect("(1 row"), "7")
    t.expect(PROMPT)
    t.send("\x04")
    equal(t.finish()[0], 0)


@case
def terminal_interrupt_at_the_prompt_clears_the_line(p):
    p.init()
    t = Terminal(p, ["shell", "ws"])
    t.expect(PROMPT)
    t.send("RETURN 1 +\n")
    t.expect("...> ")
    t.send("nonsense")
    t.expect("nonsense")
    t.send("\x03")
    t.expect(PROMPT)
    t.send("RETURN 8 AS n;\n")
    contains(t.expect("(1 row"), "8")
    t.expect(PROMPT)
    t.send("\x03")
    t.expect(PROMPT)
    t.send("\x04")
    equal(t.finish()[0], 0)


@case
def terminal_history_is_private_and_kept(p):
    p.init()
    t = Terminal(p, ["shell", "ws"])
    t.expect(PROMPT)
    t.send("RETURN 4711 AS n;\n")
    t.expect("(1 row")
    t.expect(PROMPT)
    t.send("\x04")
    equal(t.finish()[0], 0)
    equal(os.stat(p.path("home/.worldgraph_history")).st_mode & 0o777, 0o600)
    t = Terminal(p, ["shell", "ws"])
    t.expect(PROMPT)
    t.send("\x10\n")  # Ctrl-P: the line before
    contains(t.expect("(1 row"), "4711")
    t.expect(PROMPT)
    t.send("\x04")
    equal(t.finish()[0], 0)


@case
def terminal_progress_shows_after_a_second(p):
    p.init()
    t = Terminal(p, ["query", "ws", ENDLESS])
    t.expect("running:")
    t.send("\x03")
    rc, seen = t.finish()
    equal(rc, 1, seen)
    contains(seen.lower(), "cancelled")


@case
def terminal_cells_are_cut_and_data_cannot_drive_it(p):
    p.init()
    rc, seen = on_terminal(p, ["query", "ws", "RETURN $s AS s, $t AS t", "--param", "s=" + "x" * 500, "--param",
                               "t=" + json.dumps("\x1b]0;title\x07")], [])
    equal(rc, 0, seen)
    contains(seen, "\u2026", "\\x1b]0;title\\x07")
    check(all(len(re.sub("\x1b\\[[0-9;]*[mK]", "", line)) <= 80 for line in seen.splitlines()), seen)
    for mode in ("--csv", "--json"):
        _, seen = on_terminal(p, ["query", "ws", "RETURN $t AS t", mode, "--param", "t=" + json.dumps("\x1b]0;t\x07\x9b")], [])
        check(not re.search("[\x1b\x07\x9b]", seen), repr(seen))


@case
def no_color_is_respected(p):
    p.init()
    _, coloured = on_terminal(p, ["query", "ws", "REPLY"], [])
    contains(coloured, "\x1b[1;31m")
    _, plain = on_terminal(p, ["query", "ws", "REPLY"], [], NO_COLOR="1")
    check("\x1b[" not in plain, repr(plain))


# ---------------------------------------------------------------- the demonstration


@case
def demo_ends_well_and_cleans_up(p):
    rc, out, err = p.run("demo", "--rows", "20000", timeout=300)
    equal(rc, 0, err)
    text = out.decode()
    contains(text, "CREATE NODE LABEL Player", "VIRTUAL FROM PARTITION", "20000", "its plan:", "its receipt", "same receipt", "demo: ok")
    check(text.strip().splitlines()[-1].startswith("demo: ok"), text[-200:])
    equal(sorted(os.listdir(p.root)), ["home"])


@case
def demo_keeps_a_directory_that_was_named(p):
    rc, out, err = p.run("demo", "it's here", "--rows", "5000", "--seed", "3", timeout=300)
    equal(rc, 0, err)
    contains(out.decode().strip().splitlines()[-1], "demo: ok", "it's here/ws")
    rc, out, err = p.run("query", "it's here/ws", "MATCH (f:Frame) RETURN count(*) AS n", "--json")
    equal(json.loads(out)["rows"], [[5000]], err)
    files = [os.path.join(folder, name) for folder, _, names in os.walk(p.path("it's here/season")) for name in names]
    equal(len([name for name in files if name.endswith(".parquet")]), 12)
    check(all(os.stat(name).st_mode & 0o077 == 0 for name in files), "the season is open to others")
    contains(p.failing(1, "demo", "it's here"), "not an empty directory")


@case
def demo_keep_keeps_the_temporary_directory(p):
    equal(p.run("demo", "--rows", "1000", "--keep", timeout=300)[0], 0)
    kept = [name for name in os.listdir(p.root) if name.startswith("worldgraph-demo-")]
    equal(len(kept), 1)
    equal(p.run("verify", kept[0] + "/ws")[0], 0)


@case
def demo_is_the_same_twice(p):
    for name in ("one", "two"):
        equal(p.run("demo", name, "--rows", "3000", timeout=300)[0], 0)
    done = subprocess.run(["diff", "-r", "one/season", "two/season"], cwd=p.root, stdout=subprocess.PIPE, check=False)
    equal(done.returncode, 0, done.stdout)


@case
def errors_as_json_say_where_and_what(p):
    equal(p.run("ws", "init", "j")[0], 0)
    rc, out, err = p.run("query", "j", "RETURN 1;\nRETURN 1 / 0", "--json-errors", "--csv")
    equal(rc, 1, err)
    wanted = {"code": "WG_E_VALUE", "gqlstatus": "22012", "message": "division by zero in /", "line": 2, "column": 8, "offset": 17}
    equal(json.loads(err), wanted)
    rc, out, err = p.run("query", "j", "RETURN $who", "--json-errors", "--param", "whoo=1")
    equal(rc, 1, err)
    contains(json.loads(err)["message"], "did you mean $who?")


@case
def what_a_statement_may_not_mean_is_noted_on_standard_error(p):
    equal(p.run("ws", "init", "noted")[0], 0)
    equal(p.run("query", "noted", "CREATE (:A {k: 1}), (:A)")[0], 0)
    text = "MATCH (n:A) WHERE NOT coalesce(n.k = NULL, false) RETURN avg(n.k) AS k"
    rc, out, err = p.run("query", "noted", text, "--csv")
    equal(rc, 0, err)
    contains(out.decode(), "1.0")
    contains(err.decode(), "(03W01) line 1, column 32", "(01G11) an aggregate left out nulls")
    rc, out, err = p.run("query", "noted", text, "--json")
    equal(json.loads(out)["rows"], [[1.0]], err)
    equal([json.loads(line)["gqlstatus"] for line in err.splitlines()], ["03W01", "01G11"])
    for threads in "12":
        equal(p.run("query", "noted", "MATCH (n:A) RETURN count(*) AS k", "--csv", "--threads", threads)[2], b"")


@case
def copy_to_writes_what_copy_from_reads(p):
    equal(p.run("ws", "init", "there")[0], 0)
    schema = "CREATE NODE LABEL A (k INT, t STRING, f FLOAT, m MAP, PRIMARY KEY (k))"
    equal(p.run("query", "there", schema)[0], 0)
    equal(p.run("query", "there", "UNWIND range(1, 500) AS i CREATE (:A {k: i, t: 'text \"' + toString(i), f: i / 7.0, m: {a: i, b: [i]}})")[0], 0)
    rc, out, err = p.run("query", "there", "COPY A TO 'a.jsonl'; COPY A (k, t, f) TO 'a.parquet'; COPY A (k, t, f) TO 'a.csv'", "--csv")
    equal(rc, 0, err)
    contains(p.failing(1, "query", "there", "COPY A TO 'a.jsonl'"), "WG_E_EXISTS", "OVERWRITE true")
    rows = "MATCH (n:A) RETURN n.k, n.t, n.f{} ORDER BY n.k"
    for name, more in (("a.jsonl", ", n.m"), ("a.parquet", ""), ("a.csv", "")):
        here = "here-" + name
        equal(p.run("ws", "init", here)[0], 0)
        equal(p.run("query", here, schema)[0], 0)
        equal(p.run("query", here, f"COPY A FROM '{name}'", "--threads", "2")[0], 0)
        equal(p.run("query", here, rows.format(more), "--json")[1], p.run("query", "there", rows.format(more), "--json")[1])


@case
def timeout_ends_a_statement_and_undoes_it(p):
    equal(p.run("ws", "init", "t")[0], 0)
    slow = "CREATE (n:Kept) WITH n UNWIND range(1, 1000000) AS x UNWIND range(1, 1000000) AS y RETURN count(*)"
    contains(p.failing(1, "query", "t", slow, "--timeout", "100ms"), "WG_E_DEADLINE", "--timeout")
    rc, out, err = p.run("query", "t", "MATCH (n) RETURN count(n) AS n", "--json", "--timeout", "1m")
    equal(json.loads(out)["rows"], [[0]], err)
    contains(p.failing(3, "query", "t", "RETURN 1", "--timeout", "soon"), "500ms")
    contains(p.failing(3, "query", "t", "RETURN 1", "--timeuot", "1s"), "did you mean --timeout?")
    contains(p.failing(3, "qeury", "t", "RETURN 1"), "did you mean query?")


# ---------------------------------------------------------------- the runner


def main():
    global PROGRAM
    if len(sys.argv) > 1:
        PROGRAM = sys.argv[1]
    PROGRAM = os.path.abspath(PROGRAM)
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    if not os.access(PROGRAM, os.X_OK):
        print(f"{PROGRAM} is not a program; build it first")
        return 1
    passed = failed = 0
    for function in CASES:
        name = function.__name__
        if word not in name:
            continue
        root = tempfile.mkdtemp(prefix="wg-cli-")
        try:
            function(Place(root))
            passed += 1
            print(f"ok      {name}", flush=True)
        except Exception as error:  # a case that breaks is a case that failed; the others still run
            failed += 1
            print(f"FAILED  {name}: {type(error).__name__}: {error}", flush=True)
        finally:
            shutil.rmtree(root, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
