"""Reads every golden workspace with the second reader, and compares with the text that worldgraph wrote of it.

    python3 tests/second_reader/second_reader_test.py [WORKSPACE]      with an argument: prints the newest state of that one

Standard library only. Exit 0, or 1 when a reading differs.
"""
import json
import math
import pathlib
import re
import sys
import tempfile
import shutil

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import agents  # noqa: E402
import arc1  # noqa: E402
import log  # noqa: E402
import stored  # noqa: E402
import values  # noqa: E402

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"


def golden_dumps(path):
    """{snapshot: lines} of a dump.txt, without the rows of virtual labels, which lie in Parquet (their ids are below 0)."""
    dumps, lines = {}, None
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"snapshot (\d+)", line)
        if match:
            lines = dumps.setdefault(int(match[1]), [])
        elif not line.startswith(("shot ", "node -")):
            lines.append(line)
    return dumps


def states(workspace, wanted):
    """{snapshot: lines}: what is in stripes, then the log behind it."""
    _, content = log.manifest(workspace)
    found = stored.fragments(workspace, content)
    stands = content.get("checkpoint", {"logseq": 0})["logseq"]
    dumps = {snapshot: stored.state_at(found, content, snapshot).dump() for snapshot in wanted if snapshot <= stands}
    state = stored.state_at(found, content, stands)
    for logseq, payload, _ in log.commits(workspace, content):
        state.apply(payload)
        if logseq in wanted:
            dumps[logseq] = state.dump()
    return dumps, state


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
    wanted = golden_dumps(path / "dump.txt")
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


def runs_of(workspace):
    """The runs of agents: what is in stripes, then the log behind it."""
    _, content = log.manifest(workspace)
    found = agents.Agents(stored.fragments(workspace, content))
    for _, payload, _ in log.commits(workspace, content):
        found.apply(payload)
    return found.dump()


def check_runs(path):
    wanted = (path / "dump.txt").read_text(encoding="utf-8").splitlines()
    if not compare(path.name, {"now": runs_of(path / "ws")}, {"now": wanted}):
        return False
    print(f"ok      {path.name}: {len(wanted)} lines")
    return True


def check_runs_can_fail(path):
    """A changed byte in each stripe and in the log must be refused, or lose commits at the log's end."""
    wanted = (path / "dump.txt").read_text(encoding="utf-8").splitlines()
    for victim in sorted([*path.glob("ws/stripes/*.arc1"), *path.glob("ws/wal/*.wal")]):
        with tempfile.TemporaryDirectory() as scratch:
            copy = pathlib.Path(scratch) / "ws"
            shutil.copytree(path / "ws", copy)
            data = bytearray(victim.read_bytes())
            used = len(data.rstrip(b"\0"))
            data[used // 2] ^= 1
            (copy / victim.relative_to(path / "ws")).write_bytes(data)
            try:
                if runs_of(copy) == wanted:
                    print(f"FAILED  {path.name}: a changed byte of {victim.name} makes no difference")
                    return False
            except values.Corrupt:
                pass
    return True


def check_can_fail(path):
    """A changed byte in a stripe or in the log must change what is read, or be refused."""
    wanted = golden_dumps(path / "dump.txt")
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / "ws"
        shutil.copytree(path / "ws", copy)
        victim = sorted([*copy.glob("stripes/*.arc1"), *copy.glob("wal/*.wal")], key=lambda p: (p.suffix, p.name))[0]
        data = bytearray(victim.read_bytes())
        data[len(data) // 2] ^= 1
        victim.write_bytes(data)
        try:
            got, _ = states(copy, wanted)
        except values.Corrupt:
            return True
    if got == wanted:
        print(f"FAILED  {path.name}: a changed byte makes no difference")
    return got != wanted


def plain(v):
    """A cell as JSON shows it: what is no number there is a text."""
    if isinstance(v, float) and (math.isnan(v) or math.isinf(v)):
        return "NaN" if math.isnan(v) else "Infinity" if v > 0 else "-Infinity"
    if isinstance(v, list):
        return [plain(x) for x in v]
    return {k: plain(x) for k, x in v.items()} if isinstance(v, dict) else v


def same(a, b):
    """Equal, and of the same type: 1, 1.0 and true differ."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


def check_stripes(folder):
    """The stripes of a folder against the lines of their dumps."""
    cells = 0
    for path in sorted(folder.glob("*.arc1")):
        lines = iter([json.loads(line) for line in path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()])
        head = next(lines)["arc1"]
        for fragment, columns in arc1.read(path, bytes.fromhex(head["store"]), head["stripe"]):
            wanted = next(lines)["fragment"]
            if not same(fragment, wanted):
                print(f"FAILED  {path.name}:\n  read    {fragment}\n  written {wanted}")
                return False
            for described, values_ in columns:
                line = next(lines)
                if described["type"] == "NODE":
                    values_ = [v if v is None else {"id": v} for v in values_]
                zoned = {k: v for k, v in line["column"].items() if k not in ("min", "max")}
                if not same(described, zoned) or not same(plain(values_), line["cells"]):
                    print(f"FAILED  {path.name}, {fragment['name']}:\n  read    {described} {plain(values_)}\n  written {line}")
                    return False
                cells += len(values_)
        if next(lines, None) is not None:
            print(f"FAILED  {path.name}: fragments are missing")
            return False
    print(f"ok      {folder.name}: {cells} cells")
    return cells > 0


def check_stripes_can_fail(folder):
    path = sorted(folder.glob("*.arc1"))[0]
    store = bytes.fromhex(json.loads(path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()[0])["arc1"]["store"])
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / path.name
        data = bytearray(path.read_bytes())
        data[-200] ^= 1
        copy.write_bytes(data)
        try:
            list(arc1.read(copy, store, int(path.stem)))
        except values.Corrupt:
            return True
    print(f"FAILED  {path.name}: a changed byte makes no difference")
    return False


def main():
    if len(sys.argv) > 1:
        print("\n".join(states(sys.argv[1], {})[1].dump()))
        return 0
    workspaces = sorted(GOLDEN.glob("workspace-*"))
    results = [check(path) for path in workspaces for check in (check_workspace, check_can_fail)]
    results += [check(path) for path in sorted(GOLDEN.glob("runs-*")) for check in (check_runs, check_runs_can_fail)]
    results += [check(path) for path in sorted(GOLDEN.glob("arc1-*")) for check in (check_stripes, check_stripes_can_fail)]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
