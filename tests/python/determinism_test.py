"""The same question at the same snapshot gives the same bytes and the same receipts, on any number of threads, with any size
of morsel, and after reopening: every query of tests/queries/suite.cypher.

    python tests/python/determinism_test.py      the program is WORLDGRAPH, or build/release/worldgraph

Each run is a process of its own, so addresses and scheduling differ too.
"""
import hashlib
import json
import pathlib
import sys

from kit import ROOT, Suite, Workspace, check, equal, need_data, split_statements

need_data("football/events/game1.parquet", "football/players.csv", "flights/month=2001-01/flights.parquet")

QUERIES = "tests/queries/suite.cypher"
THREADS = (1, 2, 3, 8)
MORSELS = (1, 7, 1024, 2048)


def build(scratch, name):
    ws = Workspace(scratch / name)
    ws.do((ROOT / "tests/queries/setup.cypher").read_text(encoding="utf-8"))
    return ws


def prepare(scratch):
    return (build(scratch, "ws"), scratch)


suite = Suite("determinism", prepare)


def ask(ws, scratch, *options):
    """One line of answer and one receipt a query."""
    receipt = scratch / "receipts"
    answer = ws.run_file(QUERIES, "--json", "--receipt", receipt, *options)
    equal(answer.rc, 0, answer.err)
    return answer.out.splitlines(), pathlib.Path(receipt).read_bytes().splitlines()


def compare(got, wanted, what):
    texts = split_statements((ROOT / QUERIES).read_text(encoding="utf-8"))
    for kind, mine, theirs in zip(("answer", "receipt"), got, wanted):
        equal(len(mine), len(texts), f"{kind}s, {what}")
        for text, a, b in zip(texts, mine, theirs):
            check(a == b, f"{what}: the {kind} differs: {text}\n  {a[:300]!r}\n  {b[:300]!r}")


@suite.case
def every_query_answers(ws, scratch):
    answers, receipts = ask(ws, scratch)
    equal(len(answers), len(split_statements((ROOT / QUERIES).read_text(encoding="utf-8"))))
    rows = [len(json.loads(line)["rows"]) for line in answers]
    for text, count in zip(split_statements((ROOT / QUERIES).read_text(encoding="utf-8")), rows):
        check(count > 0, f"no rows, so it tests nothing: {text}")
    return f"{len(rows)} queries, {sum(rows)} rows, {len(set(receipts))} different receipts"


@suite.case
def threads_and_morsels_change_no_byte(ws, scratch):
    wanted = ask(ws, scratch, "--threads", 1, "--morsel", 2048)
    for threads in THREADS:
        for morsel in MORSELS:
            compare(ask(ws, scratch, "--threads", threads, "--morsel", morsel), wanted, f"threads {threads}, morsel {morsel}")
    return f"{len(THREADS) * len(MORSELS)} ways, sha256 {hashlib.sha256(b''.join(wanted[0])).hexdigest()[:16]}"


@suite.case
def repeated_runs_change_no_byte(ws, scratch):
    wanted = ask(ws, scratch)
    for number in range(5):
        compare(ask(ws, scratch), wanted, f"run {number}")


@suite.case
def a_second_workspace_answers_the_same(ws, scratch):
    """Built anew from the same statements: the same answers; receipts name another store."""
    wanted = ask(ws, scratch, "--threads", 1)
    got = ask(build(scratch, "second"), scratch, "--threads", 8, "--morsel", 7)
    hashes = [[json.loads(line)["result_hash"] for line in lines] for lines in (got[1], wanted[1])]
    compare((got[0], hashes[0]), (wanted[0], hashes[1]), "second workspace")


@suite.case
def a_later_commit_leaves_the_snapshot_alone(ws, scratch):
    snapshot = ws.logseq()
    wanted = ask(ws, scratch, "--at-snapshot", snapshot)
    ws.do("MATCH (p:Player) SET p.touches = 0; MATCH ()-[p:PASSED]->() WHERE p.at > 100 DELETE p")
    check(ws.logseq() > snapshot, "nothing was committed")
    compare(ask(ws, scratch, "--at-snapshot", snapshot), wanted, "old snapshot")
    check(ask(ws, scratch)[0] != wanted[0], "the change is not seen at all")


if __name__ == "__main__":
    sys.exit(suite.run())
