#!/usr/bin/env python3
"""Operating a workspace with the program: checkpoint, compact, backup, restore, verify, stats, dump, reading beside a writer.

    python3 tests/cli/maintenance_test.py [PROGRAM] [WORD]      (build/release/worldgraph; WORD: only cases with it in their name)
"""
import glob
import json
import os
import resource
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cli_test  # noqa: E402
from cli_test import check, contains, equal  # noqa: E402

CASES = []
FILL = "UNWIND range(1, 3000) AS i CREATE (:N {i: i, text: 'row ' + toString(i)})-[:R {w: i % 7}]->(:M {i: -i})"
ASK = "MATCH (n:N)-[r:R]->(m:M) WHERE n.i % 50 = r.w RETURN n.i, n.text, r.w, m.i ORDER BY n.i"


def case(function):
    CASES.append(function)
    return function


def done(p, *arguments):
    """Standard output of a command that must succeed."""
    rc, out, err = p.run(*arguments)
    equal(rc, 0, err)
    return out.decode()


def filled(p):
    p.init()
    p.query(FILL)
    return p.query(ASK, "--csv")


def files(p, where):
    return {os.path.relpath(name, p.path(where)): os.stat(name).st_size
            for name in glob.glob(p.path(where) + "/**/*", recursive=True) if os.path.isfile(name)}


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x5a]))


# ---------------------------------------------------------------- the path that a user takes


@case
def damage_is_found_and_a_backup_brings_the_same_answer_back(p):
    before = filled(p)
    contains(done(p, "checkpoint", "ws"), "checkpoint at 1", "written")
    contains(done(p, "backup", "ws", "safe"), "backup up to commit 1 in safe", "copied")
    stripes = glob.glob(p.path("ws/stripes/*.arc1"))
    check(stripes, "the checkpoint wrote no stripe")
    victim = max(stripes, key=os.path.getsize)
    flip(victim, os.path.getsize(victim) // 2)
    err = p.failing(3, "verify", "ws")
    contains(err, os.path.basename(victim), "offset")
    contains(done(p, "verify", "safe"), "stripes", "ok")
    contains(done(p, "restore", "safe", "new"), "restored and verified up to commit 1")
    rc, out, err = p.run("query", "new", ASK, "--csv")
    equal((rc, out.decode()), (0, before), err)
    equal(done(p, "verify", "new", "--json"), done(p, "verify", "safe", "--json"))


@case
def checkpoint_and_compaction_change_no_answer(p):
    before = filled(p)
    p.query("MATCH (n:N) WHERE n.i % 3 = 0 SET n.extra = n.i; MATCH (n:N {i: 1}) DETACH DELETE n; CREATE (:N {i: 1})")
    now = p.query(ASK, "--csv")
    report = json.loads(done(p, "checkpoint", "ws", "--json"))
    equal(report["logseq"], 4)
    check(report["stripes_written"] > 0 and report["bytes_written"] > 0, report)
    equal(p.query(ASK, "--csv"), now)
    equal(p.query(ASK, "--csv", "--at-snapshot", "1"), before)
    contains(done(p, "compact", "ws", "--all"), "merge")
    equal(p.query(ASK, "--csv", "--at-snapshot", "1"), before)
    report = json.loads(done(p, "compact", "ws", "--all", "--expire", "3", "--json"))
    check(report["jobs"] > 0 and report["rows_dropped"] > 1000, report)
    p.failing(1, "query", "ws", ASK, "--at-snapshot", "2")
    p.query(ASK, "--at-snapshot", "3")
    done(p, "compact", "ws", "--all", "--expire-all")
    p.failing(1, "query", "ws", ASK, "--at-snapshot", "3")
    equal(p.query(ASK, "--csv"), now)
    report = json.loads(done(p, "verify", "ws", "--json"))
    equal((report["ok"], report["checkpoint_logseq"], report["records"]), (True, 4, 0))


@case
def procedures_do_the_same_from_a_query(p):
    before = filled(p)
    equal(p.json("CALL db.checkpoint() YIELD logseq, stripesWritten RETURN logseq, stripesWritten > 0")[0]["rows"], [[1, True]])
    equal(p.json("CALL db.compact(true) YIELD jobs RETURN jobs >= 0")[0]["rows"], [[True]])
    equal(p.json("CALL db.expire(1)")[0]["rows"], [[1]])
    equal(p.json("CALL db.backup($to) YIELD logseq RETURN logseq", "--param", "to=copy")[0]["rows"], [[1]])
    equal(p.run("query", "copy", ASK, "--csv", "--read-only")[1].decode(), before)
    contains(p.failing(1, "query", "ws", "CALL db.expire(99)"), "99")
    contains(p.failing(3, "query", "ws", "BEGIN; CALL db.checkpoint()"), "COMMIT or ROLLBACK")
    contains(p.failing(1, "query", "ws", "CALL db.expire('x')"), "argument 1")
    check(p.json("CALL db.stats() YIELD name, value RETURN count(*) > 5")[0]["rows"] == [[True]], "no measurements")


# ---------------------------------------------------------------- backup and restore


@case
def second_backup_copies_only_what_is_new(p):
    filled(p)
    done(p, "checkpoint", "ws")
    first = json.loads(done(p, "backup", "ws", "safe", "--json"))
    check(first["files_copied"] >= 3 and first["files_kept"] == 0, first)
    again = json.loads(done(p, "backup", "ws", "safe", "--json"))
    equal((again["files_copied"], again["bytes_copied"]), (0, 0))
    p.query("CREATE (:Late {k: 1})")
    third = json.loads(done(p, "backup", "ws", "safe", "--json"))
    equal((third["logseq"], third["files_copied"]), (2, 1))
    equal(json.loads(done(p, "verify", "safe", "--json"))["last_logseq"], 2)
    done(p, "compact", "ws", "--all", "--expire-all")
    done(p, "backup", "ws", "safe")
    names = files(p, "safe")
    wanted = {name for name in files(p, "ws") if name.startswith("stripes/")}
    equal({name for name in names if name.startswith("stripes/")}, wanted)
    check(not [name for name in names if name.endswith((".part", ".tmp"))], names)


@case
def backup_is_a_workspace_for_reading(p):
    before = filled(p)
    done(p, "backup", "ws", "safe")
    held = files(p, "safe")
    equal(p.run("query", "safe", ASK, "--csv", "--read-only")[1].decode(), before)
    p.failing(1, "query", "safe", "CREATE (:X)", "--read-only")
    equal(files(p, "safe"), held)


@case
def backup_refuses_other_directories(p):
    filled(p)
    os.makedirs(p.path("photos/summer"))
    contains(p.failing(1, "backup", "ws", "photos"), "choose another directory")
    contains(p.failing(3, "backup", "ws", "ws/inside"), "inside")
    p.failing(3, "backup", "ws", "ws")
    p.failing(2, "backup", "ws", "no/such/parent")
    equal(p.run("ws", "init", "other")[0], 0)
    contains(p.failing(1, "backup", "ws", "other"), "another store")
    p.failing(2, "backup", "none", "safe")
    check(not os.path.exists(p.path("safe")), "a backup of nothing was made")


@case
def restore_refuses_what_it_must(p):
    filled(p)
    done(p, "backup", "ws", "safe")
    contains(p.failing(1, "restore", "safe", "ws"), "not empty")
    p.failing(2, "restore", "none", "new")
    check(not os.path.exists(p.path("new")), "something was made from nothing")
    os.mkdir(p.path("plain"))
    contains(p.failing(2, "restore", "plain", "new"), "no backup")
    equal(os.listdir(p.path("plain")), [])
    segment = sorted(glob.glob(p.path("safe/wal/*.wal")))[0]
    flip(segment, 1000)
    contains(p.failing(3, "restore", "safe", "new"), "damaged")
    p.failing(2, "verify", "new")
    flip(segment, 1000)
    done(p, "restore", "safe", "new")
    os.mkdir(p.path("empty"))
    done(p, "restore", "safe", "empty")


def small_disk():
    """Files of this process end at 64 KiB, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))


@case
def full_destination_leaves_the_earlier_backup(p):
    filled(p)
    done(p, "checkpoint", "ws")
    done(p, "backup", "ws", "safe")
    p.query("UNWIND range(1, 20000) AS i CREATE (:Big {text: 'some text that fills the log ' + toString(i)})")
    failed = subprocess.run([cli_test.PROGRAM, "backup", "ws", "safe"], cwd=p.root, env=p.environment(), preexec_fn=small_disk,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    equal(failed.returncode, 2, failed.stderr)
    contains(failed.stderr.decode(), "room at the destination")
    equal(json.loads(done(p, "verify", "safe", "--json"))["last_logseq"], 1)
    check(not [name for name in files(p, "safe") if name.endswith(".part")], "a part is left")
    done(p, "backup", "ws", "safe")
    equal(json.loads(done(p, "verify", "safe", "--json"))["last_logseq"], 2)


@case
def damaged_source_is_not_copied_in_silence(p):
    filled(p)
    done(p, "checkpoint", "ws")
    stripe = max(glob.glob(p.path("ws/stripes/*.arc1")), key=os.path.getsize)
    flip(stripe, os.path.getsize(stripe) // 2)
    err = p.failing(3, "backup", "ws", "safe")
    contains(err, os.path.basename(stripe))
    p.failing(2, "verify", "safe")


# ---------------------------------------------------------------- bad input, locks, rights


@case
def every_command_names_what_is_missing(p):
    p.init()
    for command in ("checkpoint", "compact", "backup", "stats", "verify"):
        more = ["dest"] if command == "backup" else []
        contains(p.failing(2, command, "none", *more), "check the path")
        os.makedirs(p.path("plain"), exist_ok=True)
        p.failing(2, command, "plain", *more)
    equal(os.listdir(p.path("plain")), [])
    for arguments in (["checkpoint"], ["compact"], ["backup", "ws"], ["restore", "ws"], ["stats"], ["dump"],
                      ["compact", "ws", "--expire", "x"], ["compact", "ws", "--expire", "1", "--expire-all"],
                      ["stats", "ws", "--json", "--prometheus"], ["checkpoint", "ws", "--all"], ["dump", "ws"],
                      ["query", "ws", "RETURN 1", "--memory", "much"], ["query", "ws", "RETURN 1", "--memory", "0"]):
        p.failing(3, *arguments)
    for command in ("checkpoint", "compact", "backup", "restore", "stats", "dump"):
        contains(done(p, command, "--help"), "worldgraph " + command)


@case
def a_workspace_in_use_is_read_but_not_maintained(p):
    before = filled(p)
    shell = subprocess.Popen([cli_test.PROGRAM, "shell", "ws"], cwd=p.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             env=p.environment())
    try:
        shell.stdin.write(b":mode csv\nRETURN 1 AS n;\n")
        shell.stdin.flush()
        equal(shell.stdout.readline(), b"n\r\n")  # it is open now
        for arguments in (["checkpoint", "ws"], ["compact", "ws"], ["backup", "ws", "safe"], ["query", "ws", "RETURN 1"]):
            contains(p.failing(2, *arguments), "one process at a time")
        equal(p.query(ASK, "--csv", "--read-only"), before)
        contains(p.failing(1, "query", "ws", "CREATE (:X)", "--read-only"), "WG_E_READ_ONLY")
        done(p, "stats", "ws")
    finally:
        shell.communicate()
    equal(shell.returncode, 0)


def as_nobody():
    """The superuser may do everything: become somebody else."""
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


@case
def a_read_only_folder_says_what_to_do(p):
    before = filled(p)
    done(p, "checkpoint", "ws")
    p.query("CREATE (:Late)")
    os.chmod(p.root, 0o755)
    for folder, _, names in os.walk(p.path("ws")):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o444)
        os.chmod(folder, 0o555)

    def run(*arguments):
        got = subprocess.run([cli_test.PROGRAM, *arguments], cwd=p.root, env=p.environment(), preexec_fn=as_nobody,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        return got.returncode, got.stdout.decode(), got.stderr.decode()

    for arguments in (["checkpoint", "ws"], ["query", "ws", "RETURN 1"], ["backup", "ws", "/nowhere"]):
        rc, _, err = run(*arguments)
        equal(rc, 2, err)
        contains(err, "--read-only")
    rc, out, err = run("query", "ws", ASK, "--csv", "--read-only")
    equal((rc, out), (0, before), err)
    rc, out, err = run("query", "ws", "MATCH (n:Late) RETURN count(*) AS n", "--csv", "--read-only")
    equal((rc, out), (0, "n\r\n1\r\n"), err)
    equal(run("stats", "ws")[0], 0)
    rc, _, err = run("restore", "ws", "new")  # a medium that cannot be written is restored from; the target cannot be made here
    equal(rc, 2, err)


@case
def memory_is_capped_on_request(p):
    p.init()
    contains(p.failing(1, "query", "ws", "UNWIND range(1, 3000000) AS i WITH collect(i) AS list RETURN size(list)", "--memory", "32M"),
             "memory")
    equal(p.query("RETURN 1 AS n", "--csv", "--memory", "1G"), "n\r\n1\r\n")


# ---------------------------------------------------------------- stats and dump


@case
def stats_have_three_shapes(p):
    filled(p)
    done(p, "checkpoint", "ws")
    table = done(p, "stats", "ws")
    rows = json.loads(done(p, "stats", "ws", "--json"))
    check(len(rows) > 5 and len(table.splitlines()) == len(rows), table)
    check(all("name" in row and "value" in row for row in rows), rows)
    text = done(p, "stats", "ws", "--prometheus")
    contains(text, "# HELP worldgraph_", "# TYPE worldgraph_")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            check(name.startswith("worldgraph_"), line)
            float(value)


@case
def dump_shows_each_kind_of_file(p):
    filled(p)
    done(p, "checkpoint", "ws")
    p.query("CREATE (:A)")
    for name in glob.glob(p.path("ws/stripes/*.arc1")) + glob.glob(p.path("ws/wal/*.wal")) + glob.glob(p.path("ws/manifest/*.json")):
        lines = [json.loads(line) for line in done(p, "dump", name).splitlines()]
        check(lines and all(isinstance(line, dict) for line in lines), name)
    check(done(p, "dump", "ws/CURRENT").strip().isdigit(), "CURRENT")
    stripe = max(glob.glob(p.path("ws/stripes/*.arc1")), key=os.path.getsize)
    short, full = done(p, "dump", stripe), done(p, "dump", stripe, "--cells")
    check(len(full) > len(short) and "row 2999" in full and "row 2999" not in short, "cells")
    p.failing(2, "dump", "nothing.arc1")
    with open(p.path("text.txt"), "w") as file:
        file.write("hello\n")
    p.failing(3, "dump", "text.txt")
    flip(stripe, os.path.getsize(stripe) // 2)
    p.failing(3, "dump", stripe, "--cells")


if __name__ == "__main__":
    cli_test.CASES[:] = CASES
    sys.exit(cli_test.main())
