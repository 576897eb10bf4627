#!/usr/bin/env python3
"""Runs, key-values and event logs with the program.

    python3 tests/cli/agents_test.py [PROGRAM] [WORD]      (build/release/worldgraph; WORD: only cases with it in their name)
"""
import json
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cli_test  # noqa: E402
from cli_test import check, contains, equal  # noqa: E402

CASES = []


def case(function):
    CASES.append(function)
    return function


def done(p, *arguments, stdin=b""):
    """Standard output of a command that must succeed."""
    rc, out, err = p.run(*arguments, stdin=stdin)
    equal(rc, 0, err)
    return out.decode()


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@case
def what_the_help_shows_runs_as_it_stands(p):
    p.init()
    os.rename(p.path("ws"), p.path("my-ws"))
    for command in ("kv", "events", "runs"):
        text = done(p, command, "--help")
        examples = re.findall(r"^  (worldgraph (?:kv|events|runs) \w+ my-ws.*)$", text, re.MULTILINE)
        check(len(examples) >= 3, text)
        for example in examples:
            shell = subprocess.run(["bash", "-c", example.replace("worldgraph ", '"$PROGRAM" ', 1)], cwd=p.root, capture_output=True,
                                   env={**p.environment(), "PROGRAM": os.path.abspath(cli_test.PROGRAM)})
            equal(shell.returncode, 0, example + ": " + shell.stderr.decode())
    equal(done(p, "kv", "get", "my-ws", "city", "--run", "trip").strip(), "Rome")


@case
def key_values_come_back_from_another_process(p):
    p.init()
    contains(done(p, "kv", "put", "ws", "a", "1"), "version 1")
    done(p, "kv", "put", "ws", "b", '{"x": [1, 2.5, null]}')
    done(p, "kv", "put", "ws", "c", "no json at all")
    equal(done(p, "kv", "get", "ws", "a"), "1\n")
    equal(json.loads(done(p, "kv", "get", "ws", "b")), {"x": [1, 2.5, None]})
    equal(done(p, "kv", "get", "ws", "c"), "no json at all\n")
    equal(done(p, "kv", "incr", "ws", "a", "41"), "42\n")
    equal([row["key"] for row in lines(done(p, "kv", "scan", "ws", "--json"))], ["a", "b", "c"])
    equal(done(p, "kv", "scan", "ws", "--keys", "--reverse", "--limit", "2"), "c\nb\n")
    equal([row["value"] for row in lines(done(p, "kv", "history", "ws", "a"))], [42, 1])
    done(p, "kv", "delete", "ws", "a")
    contains(p.failing(1, "kv", "get", "ws", "a"), 'no key "a"')
    p.failing(1, "kv", "delete", "ws", "a")
    equal([row.get("deleted", False) for row in lines(done(p, "kv", "history", "ws", "a"))], [True, False, False])


@case
def conditions_times_to_live_and_raw_bytes(p):
    p.init()
    done(p, "kv", "put", "ws", "k", "1", "--if-version", "0")
    contains(p.failing(1, "kv", "put", "ws", "k", "2", "--if-version", "0"), "key k ")
    done(p, "kv", "put", "ws", "k", "2", "--if-version", "1")
    done(p, "kv", "put", "ws", "soon", "1", "--ttl", "1ms")
    p.failing(1, "kv", "get", "ws", "soon")
    check("expires" in json.loads(done(p, "kv", "put", "ws", "late", "1", "--ttl", "1h") and done(p, "kv", "get", "ws", "late", "--json")), "expires")
    raw = bytes(range(256)) * 300
    done(p, "kv", "put", "ws", "raw", "-", "--raw", stdin=raw)
    rc, out, _ = p.run("kv", "get", "ws", "raw", "--raw")
    equal((rc, out), (0, raw))


@case
def events_are_chained_and_followed(p):
    p.init()
    for i in range(5):
        equal(done(p, "events", "append", "ws", "even" if i % 2 == 0 else "odd", json.dumps({"i": i})), f"event {i}\n")
    rows = lines(done(p, "events", "tail", "ws", "--limit", "2"))
    equal([row["sequence"] for row in rows], [3, 4])
    equal([row["payload"]["i"] for row in lines(done(p, "events", "range", "ws", "--type", "odd"))], [1, 3])
    equal([row["sequence"] for row in lines(done(p, "events", "range", "ws", "--from", "1", "--to", "4", "--reverse"))], [3, 2, 1])
    equal(done(p, "events", "types", "ws"), "even\t3\nodd\t2\n")
    contains(done(p, "events", "verify", "ws"), "5 events, chain whole")
    follower = subprocess.Popen([cli_test.PROGRAM if os.path.isabs(cli_test.PROGRAM) else os.path.abspath(cli_test.PROGRAM),
                                 "events", "tail", "ws", "--limit", "1", "--follow"], cwd=p.root, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=p.environment())
    try:
        equal(json.loads(follower.stdout.readline())["sequence"], 4)
        done(p, "events", "append", "ws", "late", "7")
        equal(json.loads(follower.stdout.readline())["payload"], 7)
    finally:
        follower.send_signal(signal.SIGINT)
        follower.communicate(timeout=60)


@case
def runs_fork_differ_merge_and_replay(p):
    p.init()
    run = json.loads(done(p, "runs", "create", "ws", "trip", "--tag", "demo", "--metadata", '{"model": "m1"}'))
    equal((run["status"], run["tags"], run["metadata"]), ("active", ["demo"], {"model": "m1"}))
    done(p, "kv", "put", "ws", "city", "Oslo", "--run", "trip")
    done(p, "runs", "fork", "ws", "trip", "what-if")
    done(p, "kv", "put", "ws", "city", "Rome", "--run", "what-if")
    contains(done(p, "runs", "diff", "ws", "trip", "what-if"), "~ city\tOslo ->\tRome", "1 changed")
    contains(done(p, "runs", "merge", "ws", "what-if", "trip"), "1 written")
    equal(done(p, "kv", "get", "ws", "city", "--run", "trip"), "Rome\n")
    done(p, "runs", "fail", "ws", "what-if", "--message", "out of money")
    contains(p.failing(1, "kv", "put", "ws", "city", "Bonn", "--run", "what-if"), "failed")
    p.failing(1, "runs", "resume", "ws", "what-if")
    equal(json.loads(done(p, "runs", "show", "ws", "what-if"))["error"], "out of money")
    equal([row["name"] for row in lines(done(p, "runs", "list", "ws", "--status", "failed", "--json"))], ["what-if"])
    report = json.loads(done(p, "runs", "replay", "ws", "trip", "--json"))
    check(report["equal"] and report["keys"] == 1, report)
    done(p, "runs", "delete", "ws", "trip")
    contains(p.failing(1, "kv", "get", "ws", "city", "--run", "trip"), "no run 'trip'", "runs list")
    equal(done(p, "kv", "get", "ws", "city", "--run", "what-if"), "Rome\n")


@case
def statements_read_runs_beside_the_graph(p):
    p.init()
    done(p, "runs", "create", "ws", "r")
    done(p, "kv", "put", "ws", "level/ada", "3", "--run", "r")
    done(p, "events", "append", "ws", "seen", '"ada"', "--run", "r")
    p.query("CREATE (:Player {name: 'ada'})")
    out = p.query("MATCH (p:Player) CALL kv.get('r', 'level/' + p.name) YIELD value RETURN p.name AS name, value", "--csv")
    contains(out.decode() if isinstance(out, bytes) else out, "ada,3")
    out = p.query("CALL events.range('r', null, null) YIELD type, payload MATCH (p:Player {name: payload}) RETURN count(*) AS n", "--csv")
    contains(out.decode() if isinstance(out, bytes) else out, "1")


@case
def wrong_arguments_say_what_is_right(p):
    p.init()
    contains(p.failing(3, "kv"), "kv --help")
    contains(p.failing(3, "kv", "frob", "ws"), 'no "kv frob"')
    contains(p.failing(3, "kv", "put", "ws", "k"), "KEY VALUE")
    contains(p.failing(3, "kv", "get", "ws", "k", "--ttl", "1s"), "takes no --ttl")
    contains(p.failing(3, "kv", "put", "ws", "k", "1", "--ttl", "soon"), "30s")
    contains(p.failing(3, "runs", "list", "ws", "--status", "happy"), "paused")
    contains(p.failing(3, "runs", "merge", "ws", "a", "b", "--policy", "mine"), "strict")
    p.failing(2, "kv", "get", "missing", "k")


if __name__ == "__main__":
    cli_test.CASES[:] = CASES
    sys.exit(cli_test.main())
