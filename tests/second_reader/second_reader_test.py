"""Reads every golden workspace with the second reader, and compares with the text that worldgraph wrote of it.

    python3 tests/second_reader/second_reader_test.py [WORKSPACE]      with an argument: prints the newest state of that one

Standard library only. Exit 0, or 1 when a reading differs.
"""
import pathlib
import sys
import tempfile
import shutil

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import log  # noqa: E402
import values  # noqa: E402

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"


def states(workspace, wanted):
    """{snapshot: lines}, by replaying the log."""
    _, content = log.manifest(workspace)
    state, found = values.State(), {}
    for logseq, payload, _ in log.commits(workspace, content["store"]):
        state.apply(payload)
        if logseq in wanted:
            found[logseq] = state.dump()
    return found, state


def compare(name, got, wanted):
    for snapshot, lines in wanted.items():
        if got.get(snapshot) == lines:
            continue
        mine = got.get(snapshot, [])
        for a, b in zip(mine + ["nothing"] * len(lines), lines):
            if a != b:
                print(f"FAILED  {name}, snapshot {snapshot}:\n  read    {a}\n  written {b}")
                return False
        print(f"FAILED  {name}, snapshot {snapshot}: {len(mine)} lines for {len(lines)}")
        return False
    return True


def check_workspace(path):
    wanted = log.golden_dumps(path / "dump.txt")
    got, state = states(path / "ws", wanted)
    if not compare(path.name, got, wanted):
        return False
    virtual = [label for label in state.labels if label["kind"] == 2]
    named = {p["path"].split("/")[-1] for p in state.partitions}
    there = {p.name for p in (path / "data").glob("*.parquet")}
    if not virtual or named != there:
        print(f"FAILED  {path.name}: partitions {named}, files {there}")
        return False
    print(f"ok      {path.name}: {len(wanted)} snapshots, {sum(map(len, wanted.values()))} lines")
    return True


def check_can_fail(path):
    """A changed byte in the log must change what is read, or be refused."""
    wanted = log.golden_dumps(path / "dump.txt")
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / "ws"
        shutil.copytree(path / "ws", copy)
        segment = sorted((copy / "wal").iterdir())[0]
        data = bytearray(segment.read_bytes())
        data[len(data) // 2] ^= 1
        segment.write_bytes(data)
        try:
            got, _ = states(copy, wanted)
        except values.Corrupt:
            return True
    if got == wanted:
        print(f"FAILED  {path.name}: a changed byte makes no difference")
    return got != wanted


def main():
    if len(sys.argv) > 1:
        print("\n".join(states(sys.argv[1], {})[1].dump()))
        return 0
    workspaces = sorted(GOLDEN.glob("workspace-*"))
    results = [check(path) for path in workspaces for check in (check_workspace, check_can_fail)]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
