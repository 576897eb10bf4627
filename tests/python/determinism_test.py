"""The same question at the same snapshot gives the same bytes and the same receipts, on any number of threads and shards, with any size
of morsel, any kernels, in any state of compaction, and after reopening: every query of tests/queries/suite.cypher, whose order is the
plan's, and of tests/queries/ordered.cypher, with the optimizer on and off. tests/determinism has the invariants one by one.

    python tests/python/determinism_test.py      the program is WORLDGRAPH, or build/release/worldgraph

Each run is a process of its own, so addresses and scheduling differ too.
"""
import hashlib
import json
import pathlib
import shutil
import sys

from kit import ROOT, Suite, Workspace, check, equal, need_data, run, split_statements

need_data("football/events/game1.parquet", "football/players.csv", "flights/month=2001-01/flights.parquet")

QUERIES = "tests/queries/suite.cypher"
ORDERED = "tests/queries/ordered.cypher"
THREADS = (1, 2, 3, 8)
MORSELS = (1, 7, 1024, 2048)


def build(scratch, name):
    ws = Workspace(scratch / name)
    ws.do((ROOT / "tests/queries/setup.cypher").read_text(encoding="utf-8"))
    return ws


def prepare(scratch):
    return (build(scratch, "ws"), scratch)


suite = Suite("determinism", prepare)


def ask(ws, scratch, *options, queries=QUERIES):
    """One line of answer and one receipt a query."""
    receipt = scratch / "receipts"
    answer = ws.run_file(queries, "--json", "--receipt", receipt, *options)
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


def kernels(ws):
    """Names of the instruction sets that this machine can run."""
    names = [name for name in ("scalar", "avx2", "avx512", "neon") if ws.run("RETURN 1", "--isa", name).rc == 0]
    check("scalar" in names, "the scalar kernels run everywhere")
    return names


@suite.case
def twenty_four_ways_give_one_digest(ws, scratch):
    """Threads, shards, morsels, kernels, state of the store, optimizer: queries whose order is their own have one digest over all ways, the
    others one over those with the optimizer."""
    stores = [ws] + [Workspace(scratch / name, make=False) for name in ("checkpointed", "compacted")]
    for store in stores[1:]:
        shutil.copytree(ws.path, store.path)
        equal(run("checkpoint", store.path).rc, 0)
    equal(run("compact", stores[2].path, "--all").rc, 0)
    isas = kernels(ws)
    plain, ordered, receipts = set(), set(), set()
    for way in range(24):
        options = ("--threads", (1, 2, 8)[way % 3], "--shards", (1, 7, 61)[way // 3 % 3], "--morsel", (2048, 1000, 64)[(way + way // 3) % 3],
                   "--isa", isas[way % len(isas)], "--optimizer", ("on", "off")[way // 12])
        store = stores[way // 2 % 3]
        answers, _ = ask(store, scratch, *options, queries=ORDERED)
        ordered.add(hashlib.sha256(b"\n".join(answers)).hexdigest())
        check(len(ordered) == 1, f"way {way} differs: {options}")
        if way < 12:
            answers, lines = ask(store, scratch, *options)
            plain.add(hashlib.sha256(b"\n".join(answers)).hexdigest())
            receipts.add(hashlib.sha256(b"\n".join(lines)).hexdigest())
            check(len(plain) == 1 and len(receipts) == 1, f"way {way} differs: {options}")
    count = sum(len(split_statements((ROOT / name).read_text(encoding="utf-8"))) for name in (QUERIES, ORDERED))
    check(count >= 60, f"{count} queries")
    return f"{count} queries, kernels {' '.join(isas)}, sha256 {plain.pop()[:16]} and {ordered.pop()[:16]}"


@suite.case
def receipts_are_verified_by_replay(ws, scratch):
    """Every receipt of the suite holds at V2 with other threads, shards and kernels; a changed answer does not."""
    rows, receipts = scratch / "rows.json", scratch / "carried.json"
    answer = ws.run_file(ORDERED, "--json", "--receipt", receipts, "--carry", "--merkle")
    equal(answer.rc, 0, answer.err)
    rows.write_bytes(answer.out)
    count = len(answer.out.splitlines())
    for line in range(1, count + 1, 3):
        held = run("verify-receipt", receipts, "--level", "V2", "--workspace", ws.path, "--rows", rows, "--line", line,
                   "--threads", line % 4 + 1, "--shards", line * 5, "--isa", "scalar", "--json")
        equal(held.rc, 0, f"line {line}: {held.out} {held.err}")
        check(json.loads(held.out)["ok"], held.out)
    text = answer.out.replace(b"Player19", b"Player91", 1)
    if text != answer.out:
        rows.write_bytes(text)
        line = next(i for i, (a, b) in enumerate(zip(text.splitlines(), answer.out.splitlines()), 1) if a != b)
        broken = run("verify-receipt", receipts, "--level", "V2", "--workspace", ws.path, "--rows", rows, "--line", line, "--json")
        equal(broken.rc, 3, broken.err)
        report = json.loads(broken.out)
        check(report["place"] == "rows" and "row" in report, broken.out)
    return f"{count} receipts"


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
